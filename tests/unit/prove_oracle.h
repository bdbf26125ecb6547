/*
 * prove_oracle: the law on single packets, by somebody who has not read the prover. For check_ruleset_prove.c and fuzz_prove.c.
 *
 * The oracle plays connections: a first packet without a mark goes through a hook, with the mark it gets it comes again in both directions by any pair of interfaces. What
 * passes is held against the pins address by address. It plays single packets as well: with a mark that nobody gave them, of an expected connection, translated, frames. So
 * it finds less than there is, and nothing that is not.
 */
#ifndef TESTS_UNIT_PROVE_ORACLE_H
#define TESTS_UNIT_PROVE_ORACLE_H

#include <stdlib.h>
#include <string.h>

#include "policy/law.h"
#include "prove_changes.h"
#include "ruleset/prove.h"

enum { ORACLE_ECHO = 8, ORACLE_ECHO6 = 128 };

static inline uint32_t oracle_bit(enum proof_line line)
{
	return (uint32_t)1 << line;
}

/* The zone of an interface, or -1. */
static inline int oracle_zone(const struct pins *pins, const struct ruleset *ruleset, uint32_t index)
{
	for (size_t z = 0; z < pins->program.zone_count; z++)
		for (size_t i = 0; i < pins->program.zones[z].interface_count; i++)
			if (link_index(&ruleset->links, pins->program.zones[z].interfaces[i]) == index)
				return (int)z;
	return -1;
}

static inline bool oracle_ports_have(const struct grant *grant, uint16_t port)
{
	for (size_t i = 0; i < grant->port_count; i++)
		if (grant->ports[i].first <= port && port <= grant->ports[i].last)
			return true;
	return false;
}

/* True when the grant means the protocol, port and type of a packet. */
static inline bool oracle_grant_means(const struct grant *grant, const struct packet *packet, bool reply)
{
	const bool v6 = packet->source.family == 6;

	if (grant->protocol == POLICY_ANY_PROTOCOL)
		return true;
	if (grant->protocol == 1)
		return packet->protocol == (v6 ? 58 : 1) && packet->icmp_type == (v6 ? ORACLE_ECHO6 + reply : reply ? 0 : ORACLE_ECHO);
	if (grant->protocol != packet->protocol)
		return false;
	return !protocol_has_ports(grant->protocol) || oracle_ports_have(grant, reply ? packet->sport : packet->dport);
}

/* True when some open grant between the zones (-1: the gateway) allows the packet. uid < 0: not asked. */
static inline bool oracle_granted(const struct pins *pins, int from, int to, const struct packet *packet, bool reply, int64_t uid, int64_t at)
{
	const struct netaddr *source = reply ? &packet->destination : &packet->source, *destination = reply ? &packet->source : &packet->destination;

	for (size_t i = 0; i < pins->grant_count; i++) {
		const struct grant *grant = &pins->grants[i];
		enum flow_kind kind = from < 0 ? FLOW_EGRESS : to < 0 ? FLOW_LOCAL : FLOW_FORWARD;

		if (grant->kind != kind || (grant->closes_at && grant->closes_at + 2 <= at))
			continue;
		if ((from >= 0 && grant->from != (uint32_t)from) || (to >= 0 && grant->to != (uint32_t)to))
			continue;
		if (from >= 0 && !addr_ranges_contain(grant->sources, source))
			continue;
		if ((to >= 0 || grant->destinations.count > 0) && !addr_ranges_contain(grant->destinations, destination))
			continue;
		if (from < 0 && uid >= 0 && grant->uid != (uint32_t)uid)
			continue;
		if (oracle_grant_means(grant, packet, reply))
			return true;
	}
	return false;
}

static inline bool oracle_is_bound(const struct pins *pins, int zone, const struct netaddr *address, const struct macaddr *mac)
{
	for (size_t i = 0; i < pins->binding_count; i++)
		if (pins->bindings[i].zone == (uint32_t)zone && netaddr_compare(&pins->bindings[i].address, address) == 0 &&
		    (!mac || memcmp(pins->bindings[i].mac.bytes, mac->bytes, sizeof(mac->bytes)) == 0))
			return true;
	return false;
}

static inline bool oracle_is_neighbour(const struct netaddr *address)
{
	static const uint8_t none[16];

	return address->family == 6 && ((address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80) || memcmp(address->bytes, none, 16) == 0);
}

static inline uint32_t oracle_source_lines(const struct pins *pins, int zone, const struct packet *packet)
{
	uint32_t lines = 0;

	if (!addr_ranges_contain(pins->zones[zone].networks, &packet->source) && !(oracle_is_neighbour(&packet->source) && packet->protocol == 58))
		lines |= oracle_bit(PROOF_SOURCE);
	if (oracle_is_bound(pins, zone, &packet->source, NULL) && !oracle_is_bound(pins, zone, &packet->source, &packet->ether_saddr))
		lines |= oracle_bit(PROOF_MAC);
	return lines;
}

static inline bool oracle_is_mail(const struct packet *packet, bool reply)
{
	for (size_t i = 0; packet->protocol == 6 && i < law_mail_port_count; i++)
		if (law_mail_ports[i] == (reply ? packet->sport : packet->dport))
			return true;
	return false;
}

/* Lines that a packet from zone to zone breaks. */
static inline uint32_t oracle_forward_lines(const struct pins *pins, int in, int out, const struct packet *packet, bool reply, int64_t at)
{
	const enum tier from = pins->program.zones[in].tier, to = pins->program.zones[out].tier;
	const bool granted = oracle_granted(pins, reply ? out : in, reply ? in : out, packet, reply, -1, at) && !packet->routing_header;
	const bool mynumber = from != to && (from == TIER_MYNUMBER || to == TIER_MYNUMBER);
	uint32_t lines = oracle_source_lines(pins, in, packet);

	if (pins->program.zones[out].uplink && !addr_ranges_contain(pins->zones[out].next_hops, &packet->next_hop))
		lines |= oracle_bit(PROOF_UPLINK);
	if (!law_tiers_may_meet(from, to))
		return lines | oracle_bit(PROOF_NEVER);
	if (mynumber && (!granted || !oracle_is_bound(pins, in, &packet->source, NULL) || !oracle_is_bound(pins, out, &packet->destination, NULL)))
		lines |= oracle_bit(PROOF_SPECIFIED);
	if (!mynumber && from != to && !granted)
		lines |= oracle_bit(PROOF_SANITIZED);
	if (!mynumber && from != to && oracle_is_mail(packet, reply))
		lines |= oracle_bit(PROOF_MAIL);
	return from == to && !granted ? lines | oracle_bit(PROOF_INTERNAL) : lines;
}

static inline bool oracle_is_neighbour_discovery(const struct packet *packet, bool in)
{
	const uint8_t type = packet->icmp_type;

	if (packet->protocol != 58 || packet->source.family != 6)
		return false;
	if (in)
		return type == 130 || ((type == 135 || type == 136) && packet->hoplimit == 255);
	return type == 131 || type == 132 || type == 143 || type == 135 || type == 136;
}

/* Lines that a packet breaks which passed the hook at a time. uid: of the process that began the connection, -1: not asked. */
static inline uint32_t oracle_lines(const struct pins *pins, const struct ruleset *ruleset, enum hook_point hook, const struct packet *packet,
				    int64_t uid, int64_t at)
{
	const uint32_t loopback = link_index(&ruleset->links, "lo");
	const int in = oracle_zone(pins, ruleset, packet->iif), out = oracle_zone(pins, ruleset, packet->oif);
	const bool reply = packet->ct_direction == DIRECTION_REPLY;
	uint32_t lines = 0;

	if (loopback && (hook == HOOK_INPUT ? packet->iif : hook == HOOK_OUTPUT ? packet->oif : 0) == loopback)
		return 0;
	if (packet->ct_status & (CT_SNAT | CT_DNAT))
		return oracle_bit(PROOF_NAT);
	if (hook == HOOK_FORWARD)
		return in < 0 || out < 0 ? oracle_bit(PROOF_OUTSIDE) : oracle_forward_lines(pins, in, out, packet, reply, at);
	if (hook == HOOK_INPUT) {
		if (in < 0)
			return oracle_bit(PROOF_OUTSIDE);
		lines = oracle_source_lines(pins, in, packet);
		if (!oracle_is_neighbour_discovery(packet, true) && !oracle_granted(pins, reply ? -1 : in, reply ? in : -1, packet, reply, uid, at))
			lines |= oracle_bit(PROOF_INPUT);
		return lines;
	}
	if (oracle_is_neighbour_discovery(packet, false))
		return 0;
	if (out < 0)
		return oracle_bit(PROOF_OUTSIDE);
	if (pins->program.zones[out].uplink && !addr_ranges_contain(pins->zones[out].next_hops, &packet->next_hop))
		lines |= oracle_bit(PROOF_UPLINK);
	if (!oracle_granted(pins, reply ? out : -1, reply ? -1 : out, packet, reply, uid, at))
		lines |= oracle_bit(PROOF_OUTPUT);
	return lines;
}

/* ---- packets */

/* Values worth trying: ends of what rules and pins speak of, and their neighbours. */
struct oracle_atoms {
	struct netaddr addresses[512];
	size_t address_count;
	uint16_t ports[128];
	size_t port_count;
	uint32_t interfaces[32];
	size_t interface_count;
};

static inline void oracle_add_address(struct oracle_atoms *atoms, struct netaddr address)
{
	if (atoms->address_count < 512)
		atoms->addresses[atoms->address_count++] = address;
}

static inline void oracle_add_ranges(struct oracle_atoms *atoms, struct addr_ranges ranges)
{
	for (size_t i = 0; i < ranges.count; i++) {
		struct netaddr first = ranges.items[i].first, last = ranges.items[i].last;

		oracle_add_address(atoms, first);
		oracle_add_address(atoms, last);
		if (netaddr_next(&last))
			oracle_add_address(atoms, last);
		if (netaddr_next(&first))
			oracle_add_address(atoms, first);
	}
}

static inline struct oracle_atoms oracle_atoms_of(const struct pins *pins, const struct ruleset *ruleset)
{
	static const uint16_t ports[] = { 25, 53, 587, 22, 3389, 443, 80, 40000, 0 };
	struct oracle_atoms atoms = { .port_count = 0 };

	for (size_t i = 0; i < pins->grant_count; i++) {
		oracle_add_ranges(&atoms, pins->grants[i].sources);
		oracle_add_ranges(&atoms, pins->grants[i].destinations);
		for (size_t p = 0; p < pins->grants[i].port_count && atoms.port_count < 100; p++) {
			atoms.ports[atoms.port_count++] = pins->grants[i].ports[p].first;
			atoms.ports[atoms.port_count++] = (uint16_t)(pins->grants[i].ports[p].last + 1);
		}
	}
	for (size_t z = 0; z < pins->program.zone_count; z++) {
		oracle_add_ranges(&atoms, pins->zones[z].networks);
		oracle_add_ranges(&atoms, pins->zones[z].next_hops);
	}
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		atoms.ports[atoms.port_count++] = ports[i];
	for (size_t i = 0; i < ruleset->links.count && atoms.interface_count < 31; i++)
		atoms.interfaces[atoms.interface_count++] = ruleset->links.items[i].index;
	atoms.interfaces[atoms.interface_count++] = 7777;
	return atoms;
}

/* An address of the family; often one that a grant names. */
static inline struct netaddr oracle_address(const struct oracle_atoms *atoms, struct oracle_random *random, uint8_t family)
{
	for (int i = 0; i < 64; i++) {
		const struct netaddr *address = &atoms->addresses[oracle_below(random, atoms->address_count)];

		if (address->family == family)
			return *address;
	}
	return (struct netaddr){ .family = family };
}

static inline struct macaddr oracle_mac(const struct pins *pins, struct oracle_random *random, const struct netaddr *source)
{
	struct macaddr mac = { { 2, 0, 0, 0, 0, 0x77 } };

	for (size_t i = 0; oracle_below(random, 8) && i < pins->binding_count; i++)
		if (netaddr_compare(&pins->bindings[i].address, source) == 0)
			return pins->bindings[i].mac;
	return mac;
}

/* The interface an address would lie behind, mostly. */
static inline uint32_t oracle_interface(const struct pins *pins, const struct ruleset *ruleset, const struct oracle_atoms *atoms,
					struct oracle_random *random, const struct netaddr *address)
{
	for (size_t z = 0; oracle_below(random, 6) && z < pins->program.zone_count; z++)
		if (pins->program.zones[z].interface_count && addr_ranges_contain(pins->zones[z].networks, address))
			return link_index(&ruleset->links,
					  pins->program.zones[z].interfaces[oracle_below(random, pins->program.zones[z].interface_count)]);
	return atoms->interfaces[oracle_below(random, atoms->interface_count)];
}

/* A first packet of a connection at a hook. */
static inline struct packet oracle_packet(const struct pins *pins, const struct ruleset *ruleset, const struct oracle_atoms *atoms,
					  struct oracle_random *random, enum hook_point hook)
{
	static const uint8_t protocols[] = { 6, 6, 6, 17, 17, 1, 58, 47, 51, 132 };
	const uint8_t family = oracle_below(random, 3) ? 4 : 6;
	struct packet packet = { .iiftype = 1, .ether_type = family == 4 ? 0x0800 : 0x86dd, .has_ports = true, .tcp_flags = 2, .hoplimit = 64,
				 .ct_state = CT_NEW };

	if (oracle_below(random, 2)) {
		const struct grant *grant = pins->grant_count ? &pins->grants[oracle_below(random, pins->grant_count)] : NULL;

		packet.source = grant && grant->sources.count ? grant->sources.items[oracle_below(random, grant->sources.count)].first :
								oracle_address(atoms, random, family);
		packet.destination = grant && grant->destinations.count ?
					     grant->destinations.items[oracle_below(random, grant->destinations.count)].last :
					     oracle_address(atoms, random, packet.source.family);
		packet.protocol = grant && grant->protocol < 256 ? (uint8_t)grant->protocol : 6;
		packet.dport = grant && grant->port_count ? grant->ports[oracle_below(random, grant->port_count)].first : 0;
		packet.skuid = grant ? grant->uid : 0;
		if (packet.source.family != packet.destination.family)
			packet.source = oracle_address(atoms, random, packet.destination.family);
	} else {
		packet.source = oracle_address(atoms, random, family);
		packet.destination = oracle_address(atoms, random, family);
		packet.protocol = protocols[oracle_below(random, sizeof(protocols))];
		packet.dport = atoms->ports[oracle_below(random, atoms->port_count)];
	}
	packet.ether_type = packet.source.family == 4 ? 0x0800 : 0x86dd;
	if (packet.protocol == 1 && packet.source.family == 6)
		packet.protocol = 58;
	packet.sport = atoms->ports[oracle_below(random, atoms->port_count)];
	packet.icmp_type = oracle_below(random, 4) ? (packet.source.family == 6 ? ORACLE_ECHO6 : ORACLE_ECHO) : (uint8_t)oracle_below(random, 256);
	packet.ether_saddr = oracle_mac(pins, random, &packet.source);
	packet.iif = hook == HOOK_OUTPUT ? 0 : oracle_interface(pins, ruleset, atoms, random, &packet.source);
	packet.oif = hook == HOOK_INPUT ? 0 : oracle_interface(pins, ruleset, atoms, random, &packet.destination);
	packet.has_skuid = hook == HOOK_OUTPUT;
	packet.next_hop = oracle_below(random, 4) && pins->program.zone_count ? oracle_address(atoms, random, packet.source.family) : packet.destination;
	for (size_t z = 0; oracle_below(random, 4) && z < pins->program.zone_count; z++)
		for (size_t i = 0; pins->program.zones[z].uplink && i < pins->zones[z].next_hops.count; i++)
			if (pins->zones[z].next_hops.items[i].first.family == packet.source.family)
				packet.next_hop = pins->zones[z].next_hops.items[i].first;
	packet.routing_header = packet.source.family == 6 && oracle_below(random, 12) == 0;
	return packet;
}

static inline struct evaluation oracle_run(struct arena *arena, const struct ruleset *ruleset, enum hook_point hook, const struct packet *packet, int64_t at)
{
	const enum hook_point through[] = { HOOK_INGRESS, HOOK_PREROUTING, hook };

	if (hook == HOOK_OUTPUT || hook == HOOK_BRIDGE || hook == HOOK_INGRESS)
		return evaluate_path(arena, ruleset, &hook, 1, packet, at);
	return evaluate_path(arena, ruleset, through, 3, packet, at);
}

/* The reply to a packet, by any interfaces. */
static inline struct packet oracle_reply(const struct pins *pins, const struct ruleset *ruleset, const struct oracle_atoms *atoms,
					 struct oracle_random *random, const struct packet *packet, enum hook_point hook)
{
	struct packet reply = *packet;

	reply.source = packet->destination;
	reply.destination = packet->source;
	reply.sport = packet->dport;
	reply.dport = packet->sport;
	reply.ct_state = CT_ESTABLISHED;
	reply.ct_direction = DIRECTION_REPLY;
	reply.ether_saddr = oracle_mac(pins, random, &reply.source);
	reply.icmp_type = packet->icmp_type == ORACLE_ECHO ? 0 : packet->icmp_type == ORACLE_ECHO6 ? 129 : packet->icmp_type;
	reply.iif = hook == HOOK_OUTPUT ? 0 : packet->oif ? packet->oif : oracle_interface(pins, ruleset, atoms, random, &reply.source);
	reply.oif = hook == HOOK_INPUT ? 0 : packet->iif ? packet->iif : oracle_interface(pins, ruleset, atoms, random, &reply.destination);
	if (oracle_below(random, 4) == 0 && hook == HOOK_FORWARD)
		reply.oif = atoms->interfaces[oracle_below(random, atoms->interface_count)];
	return reply;
}

/*
 * Plays one connection and returns the lines its packets break. Its first packet is at `hook`.
 */
static inline uint32_t oracle_play(struct arena *arena, const struct pins *pins, const struct ruleset *ruleset, const struct oracle_atoms *atoms,
				   struct oracle_random *random, int64_t at)
{
	static const enum hook_point hooks[] = { HOOK_FORWARD, HOOK_FORWARD, HOOK_INPUT, HOOK_OUTPUT };
	const enum hook_point hook = hooks[oracle_below(random, 4)];
	const enum hook_point reply_hook = hook == HOOK_FORWARD ? HOOK_FORWARD : hook == HOOK_INPUT ? HOOK_OUTPUT : HOOK_INPUT;
	struct packet packet = oracle_packet(pins, ruleset, atoms, random, hook), reply;
	struct evaluation first = oracle_run(arena, ruleset, hook, &packet, at), later;
	uint32_t lines = first.accepted ? oracle_lines(pins, ruleset, hook, &packet, packet.skuid, at) : 0;

	if (!first.accepted)
		return lines;
	packet.ct_mark = first.ct_mark;
	packet.ct_state = CT_ESTABLISHED;
	if (oracle_below(random, 2) && hook == HOOK_FORWARD)
		packet.oif = atoms->interfaces[oracle_below(random, atoms->interface_count)];
	later = oracle_run(arena, ruleset, hook, &packet, at);
	if (later.accepted)
		lines |= oracle_lines(pins, ruleset, hook, &packet, hook == HOOK_OUTPUT ? (int64_t)packet.skuid : -1, at);
	reply = oracle_reply(pins, ruleset, atoms, random, &packet, reply_hook);
	reply.ct_mark = later.ct_mark;
	if (oracle_run(arena, ruleset, reply_hook, &reply, at).accepted)
		lines |= oracle_lines(pins, ruleset, reply_hook, &reply, hook == HOOK_OUTPUT ? (int64_t)packet.skuid : -1, at);
	return lines;
}

/* Lines that hold whatever mark a packet has. */
static inline uint32_t oracle_lines_of_any_mark(void)
{
	return oracle_bit(PROOF_NEVER) | oracle_bit(PROOF_OUTSIDE) | oracle_bit(PROOF_UPLINK) | oracle_bit(PROOF_NAT);
}

static inline uint32_t oracle_mark(struct oracle_random *random)
{
	return oracle_below(random, 4) ? oracle_below(random, 12) : oracle_below(random, UINT32_MAX);
}

/* One packet of a connection that has a mark from nobody knows where, or was expected by another, or is translated. */
static inline uint32_t oracle_play_stray(struct arena *arena, const struct pins *pins, const struct ruleset *ruleset,
					 const struct oracle_atoms *atoms, struct oracle_random *random, int64_t at)
{
	static const enum hook_point hooks[] = { HOOK_FORWARD, HOOK_FORWARD, HOOK_INPUT, HOOK_OUTPUT };
	const enum hook_point hook = hooks[oracle_below(random, 4)];
	struct packet packet = oracle_packet(pins, ruleset, atoms, random, hook);
	struct evaluation evaluation;
	bool related;

	packet.ct_state = oracle_below(random, 2) ? CT_ESTABLISHED : oracle_below(random, 2) ? CT_RELATED : CT_NEW;
	packet.ct_direction = packet.ct_state != CT_NEW && oracle_below(random, 2) ? DIRECTION_REPLY : DIRECTION_ORIGINAL;
	packet.ct_mark = oracle_mark(random);
	packet.ct_status = oracle_below(random, 4) ? 0 : oracle_below(random, 2) ? CT_SNAT : CT_DNAT | 0x400;
	packet.iiftype = packet.iif == 0 ? 0 : oracle_below(random, 8) ? 1 : (uint16_t)oracle_below(random, 800);
	packet.tcp_flags = packet.ct_state == CT_NEW ? 2 : 16;
	/* Whatever carries an ICMP error belongs to what it quotes, and ICMP that asks is no answer. */
	if (packet.protocol == 1 || packet.protocol == 58)
		packet.protocol = 47;
	related = packet.ct_state == CT_RELATED;
	evaluation = oracle_run(arena, ruleset, hook, &packet, at);
	if (evaluation.rejected && hook == HOOK_FORWARD) {
		const int in = oracle_zone(pins, ruleset, packet.iif), out = oracle_zone(pins, ruleset, packet.oif);

		return in >= 0 && out >= 0 && pins->program.zones[in].tier != pins->program.zones[out].tier ? oracle_bit(PROOF_SILENCE) : 0;
	}
	if (!evaluation.accepted)
		return 0;
	return oracle_lines(pins, ruleset, hook, &packet, packet.skuid, at) & (related ? ~(uint32_t)0 : oracle_lines_of_any_mark());
}

/* A frame at the interface of a zone, or between the ports of a bridge. */
static inline uint32_t oracle_play_frame(struct arena *arena, const struct pins *pins, const struct ruleset *ruleset,
					 const struct oracle_atoms *atoms, struct oracle_random *random, int64_t at)
{
	static const uint16_t types[] = { 0x0805, 0x0807, 0x88cc, 0x8100, 0, 0xffff };
	const enum hook_point hook = oracle_below(random, 2) ? HOOK_INGRESS : HOOK_BRIDGE;
	struct packet packet = { .iiftype = 1, .ether_type = types[oracle_below(random, 6)], .ether_saddr = { { 2, 0, 0, 0, 0, 0x77 } } };

	packet.iif = atoms->interfaces[oracle_below(random, atoms->interface_count)];
	packet.oif = hook == HOOK_BRIDGE ? atoms->interfaces[oracle_below(random, atoms->interface_count)] : 0;
	if (oracle_zone(pins, ruleset, packet.iif) < 0 && (hook == HOOK_INGRESS || oracle_zone(pins, ruleset, packet.oif) < 0))
		return 0;
	if (!oracle_run(arena, ruleset, hook, &packet, at).accepted)
		return 0;
	return oracle_bit(hook == HOOK_INGRESS ? PROOF_FRAMES : PROOF_BRIDGE);
}

/* Plays one thing; returns the lines that are broken by it. */
static inline uint32_t oracle_play_any(struct arena *arena, const struct pins *pins, const struct ruleset *ruleset, const struct oracle_atoms *atoms,
				       struct oracle_random *random, int64_t at)
{
	switch (oracle_below(random, 8)) {
	case 0:
		return oracle_play_frame(arena, pins, ruleset, atoms, random, at);
	case 1: case 2: case 3:
		return oracle_play_stray(arena, pins, ruleset, atoms, random, at);
	}
	return oracle_play(arena, pins, ruleset, atoms, random, at);
}

#endif
