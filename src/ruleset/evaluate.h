/*
 * evaluate: one packet through a ruleset, as the kernel would run it. Pure.
 *
 * The packet carries what conntrack would know of it. The trail remembers every rule that decided something, so that `why` can tell it.
 */
#ifndef RULESET_EVALUATE_H
#define RULESET_EVALUATE_H

#include "ruleset/ruleset.h"

struct packet {
	uint32_t iif, oif;	/* 0: none */
	uint16_t iiftype;	/* 1: Ethernet */
	uint16_t ether_type;	/* 0x0800, 0x86dd, 0x0806, ... */
	struct macaddr ether_saddr;
	struct netaddr source, destination; /* family 0: not IP */
	uint8_t protocol;
	bool has_ports;		/* the transport header is there, of whatever protocol, also ICMP (false: a packet too short) */
	uint16_t sport, dport;	/* the first and second 16 bits of the transport header, also for ICMP (type/code, checksum) */
	uint8_t icmp_type;	/* ICMP and ICMPv6 */
	uint8_t tcp_flags;
	uint8_t hoplimit;	/* IPv6 */
	bool routing_header;	/* IPv6 */
	uint8_t pkttype;
	uint32_t ct_state;	/* CT_* */
	uint32_t ct_status;
	uint8_t ct_direction;
	uint32_t ct_mark;
	bool has_skuid;
	uint32_t skuid;
	struct netaddr next_hop; /* family 0: no route */
};

/* Which chains a packet meets, in this order; a packet to the gateway meets INGRESS, PREROUTING, INPUT. */
enum hook_point {
	HOOK_INGRESS, HOOK_PREROUTING, HOOK_FORWARD, HOOK_INPUT, HOOK_OUTPUT,
	HOOK_BRIDGE,	/* table bridge, forward: a frame from one port of a bridge to another */
	HOOK_OTHER,	/* where no chain of the program hangs; nothing is evaluated there */
};

struct trail_step {
	enum hook_point hook;
	const struct chain *chain;
	const struct rule *rule;	/* NULL: the policy of a base chain decided */
	const struct set *set;		/* where a lookup hit, else NULL */
	const struct element *element;	/* the element that was hit, else NULL */
};

struct trail {
	struct trail_step *steps;
	size_t count, capacity;
};

struct evaluation {
	bool accepted;
	bool rejected;		/* dropped with an answer */
	uint32_t ct_mark;	/* after the last hook */
	struct trail trail;	/* rules whose verdict was taken or whose lookup hit; in order */
};

/*
 * Runs packet through the base chains of one hook point of every table of ours, and stops at the first drop. now: Unix time; elements whose expires_at has come are
 * not there. The trail is made in the arena.
 */
struct evaluation evaluate_hook(struct arena *arena, const struct ruleset *ruleset, enum hook_point hook, const struct packet *packet, int64_t now);

/* Runs the hook points one after the other (the mark is carried on) until one refuses. */
struct evaluation evaluate_path(struct arena *arena, const struct ruleset *ruleset, const enum hook_point *hooks, size_t hook_count,
				const struct packet *packet, int64_t now);

/*
 * The value a field has for this packet: field_size() bytes in network order into value; false when the kernel would end the rule there
 * (no port, no socket, wrong family).
 */
bool packet_field(const struct packet *packet, enum field field, uint8_t value[static 16]);

#endif
