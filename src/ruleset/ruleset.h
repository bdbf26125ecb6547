/*
 * ruleset: the kernel program as a value. Tables of sets, maps and chains; a rule is a list of steps, each of which means what one
 * phrase of an nft rule means.
 *
 * The compiler makes one from a policy, the kernel floor encodes it to nf_tables and decodes it back, `ruleset_equal` compares, `evaluate` runs a
 * packet through it, `show` prints it as nft text. A ruleset is an immutable value in one arena.
 *
 * Keys: the fields of a key stand one behind the other, each in network byte order in a slot padded with zeros behind to a multiple of 4 bytes,
 * whatever the byte order of the kernel's register is (the encoder knows). A mark, an interface index, a user id are 4 bytes, protocol, nfproto and
 * direction 1 byte, a port 2 bytes, ether 6 bytes.
 *
 * Limits: see the enumeration. Names of sets and chains are ASCII, at most RULESET_NAME_BYTES_MAX.
 */
#ifndef RULESET_RULESET_H
#define RULESET_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/netaddr.h"

enum {
	RULESET_NAME_BYTES_MAX = 63,	/* the kernel takes more; this is ours */
	RULESET_COMMENT_BYTES_MAX = 127, /* NFTNL_UDATA_COMMENT_MAXLEN - 1 */
	RULESET_KEY_FIELDS_MAX = 6,
	RULESET_KEY_BYTES_MAX = 64,	/* NFT_DATA_VALUE_MAXLEN */
	RULESET_STEPS_MAX = 8,		/* per rule */
	RULESET_NFLOG_GROUP = 64,
	RULESET_PLACES_MIN = 64,	/* of a hash table of fixed size */
};

/* linux/netfilter.h families */
enum family { FAMILY_INET = 1, FAMILY_NETDEV = 5, FAMILY_BRIDGE = 7 };

/* What a packet or its connection is asked for. Sizes in field_size(); the nft phrase in field_phrase(). */
enum field {
	FIELD_NONE,
	FIELD_IIF,		/* meta iif: index of the interface the packet came by; 0 in output */
	FIELD_OIF,		/* meta oif: 0 before routing and in input */
	FIELD_IIFTYPE,		/* meta iiftype: ARPHRD_*; 1 is Ethernet. 2 bytes */
	FIELD_NFPROTO,		/* meta nfproto: 2 IPv4, 10 IPv6. 1 byte */
	FIELD_L4PROTO,		/* meta l4proto, behind IPv6 extension headers. 1 byte */
	FIELD_SKUID,		/* meta skuid: absent when no local socket */
	FIELD_PKTTYPE,		/* meta pkttype: 0 to us, 1 broadcast, 2 multicast. 1 byte */
	FIELD_CT_STATE,		/* ct state bits: CT_INVALID ... */
	FIELD_CT_STATUS,	/* ct status bits: CT_SNAT, CT_DNAT */
	FIELD_CT_DIRECTION,	/* ct direction: 0 original, 1 reply. 1 byte */
	FIELD_CT_MARK,		/* ct mark */
	FIELD_ETHER_TYPE,	/* ether type as on the wire. 2 bytes */
	FIELD_ETHER_SADDR,	/* 6 bytes */
	FIELD_IP_SADDR, FIELD_IP_DADDR, /* 4 bytes */
	FIELD_IP6_SADDR, FIELD_IP6_DADDR, /* 16 bytes */
	FIELD_IP6_HOPLIMIT,	/* 1 byte */
	FIELD_SPORT, FIELD_DPORT, /* th sport, th dport: the first and second 16 bits of the transport header, whatever it is */
	FIELD_TCP_FLAGS,	/* 1 byte; only behind an explicit l4proto tcp */
	FIELD_ICMP_TYPE,	/* 1 byte; only behind an explicit l4proto icmp */
	FIELD_ICMP6_TYPE,	/* 1 byte; only behind an explicit l4proto ipv6-icmp */
	FIELD_RT_NEXTHOP4, FIELD_RT_NEXTHOP6, /* the next hop of the packet's route. 4, 16 bytes */
	FIELD_IP6_ROUTING,	/* exthdr rt exists: 0 or 1. 1 byte */
	FIELD_COUNT
};

enum { CT_INVALID = 1, CT_ESTABLISHED = 2, CT_RELATED = 4, CT_NEW = 8, CT_UNTRACKED = 64 }; /* NF_CT_STATE_BIT() */
enum { CT_SNAT = 16, CT_DNAT = 32 };	/* IPS_SRC_NAT, IPS_DST_NAT */
enum { DIRECTION_ORIGINAL, DIRECTION_REPLY };
enum { NFPROTO_V4 = 2, NFPROTO_V6 = 10 };

enum verdict_kind { VERDICT_NONE, VERDICT_ACCEPT, VERDICT_DROP, VERDICT_RETURN, VERDICT_JUMP, VERDICT_GOTO };

struct verdict {
	enum verdict_kind kind;
	const char *chain;	/* jump and goto: the chain's name in the same table; else NULL */
};

/* The fields of a key, FIELD_NONE after the last. */
struct key {
	enum field fields[RULESET_KEY_FIELDS_MAX];
};

enum step_kind {
	STEP_MATCH,		/* go on if (field & mask) op value; else the rule ends */
	STEP_LOOKUP,		/* go on if the key is in the set */
	STEP_VMAP,		/* look the key up; found: do the element's verdict; not found: the rule ends */
	STEP_SET_MARK,		/* look the key up; found: ct mark set to the element's mark; not found: the rule ends */
	STEP_SET_MARK_VALUE,	/* ct mark set to `value` */
	STEP_COUNTER,
	STEP_LIMIT,		/* go on while under `rate` per second with `burst` packets; else the rule ends */
	STEP_LOG,		/* NFLOG to RULESET_NFLOG_GROUP with `text` as prefix */
	STEP_REJECT,		/* ICMP or ICMPv6 administratively prohibited; ends everything like drop */
	STEP_VERDICT,
};

enum match_op { MATCH_EQ, MATCH_NE };

struct step {
	enum step_kind kind;
	enum field field;	/* MATCH */
	enum match_op op;	/* MATCH */
	uint8_t mask[16];	/* MATCH: all ones over the field's size when nothing is masked; network order */
	uint8_t value[16];	/* MATCH; SET_MARK_VALUE: 4 bytes; network order */
	struct key key;		/* LOOKUP, VMAP, SET_MARK */
	const char *set;	/* LOOKUP, VMAP, SET_MARK: name in the same table */
	uint32_t rate, burst;	/* LIMIT */
	const char *text;	/* LOG */
	struct verdict verdict;	/* VERDICT */
};

struct rule {
	struct step *steps;
	size_t step_count;
	const char *comment;	/* userdata comment, or NULL; part of the rule */
	uint64_t handle;	/* as decoded from the kernel; 0 in a compiled ruleset; not compared */
	bool alien;		/* as decoded: not of our kind, and nobody knows what it does; never in a compiled ruleset; not compared */
};

/* Where a base chain hangs. linux/netfilter.h hook numbers. */
struct hook {
	bool base;		/* false: a chain that is only jumped to */
	uint32_t number;	/* inet, bridge: 0 prerouting, 1 input, 2 forward, 3 output; netdev: 0 ingress */
	int32_t priority;
	enum verdict_kind policy; /* ACCEPT or DROP */
	const char *device;	/* netdev: the interface's name; else NULL */
};

struct chain {
	const char *name;
	struct hook hook;
	struct rule *rules;
	size_t rule_count;
	const char *comment;	/* NULL: none */
};

enum set_data { SET_DATA_NONE, SET_DATA_MARK, SET_DATA_VERDICT };

/*
 * One element. The key is key_size bytes; in an interval set key_end (inclusive) follows it at key + key_size. Padding is zero.
 */
struct element {
	const uint8_t *key;
	uint32_t mark;		/* SET_DATA_MARK */
	struct verdict verdict;	/* SET_DATA_VERDICT */
	int64_t expires_at;	/* Unix time in seconds at which the kernel itself drops the element; 0: never. Only in sets with `timeout` */
	const char *comment;	/* NULL: none */
};

struct element_blocks;

struct set {
	const char *name;
	struct key key;		/* field_representative() of each field: the kernel knows types, not which address it is */
	bool interval;		/* every field is a range (pipapo); ranges of two elements share no point */
	bool timeout;		/* elements may expire */
	bool counted;		/* each element counts the packets whose look-up hit it; what it has counted is not part of the value */
	enum set_data data;
	uint32_t room;		/* the kernel takes so many elements and makes its hash table for them at once; 0: no limit. Not compared */
	struct element *elements; /* sorted by key bytes (then key_end), no two equal */
	size_t element_count;
	const struct element_blocks *blocks; /* blocks.h; NULL: none were made. Not compared */
};

struct table {
	enum family family;
	const char *name;
	struct set *sets;	/* sorted by name */
	size_t set_count;
	struct chain *chains;	/* sorted by name */
	size_t chain_count;
	bool dormant;		/* as decoded: none of its chains is in force; never in a compiled ruleset; not compared */
};

/* The interfaces the ruleset speaks of, by index. Indexes of an offline ruleset are made up from 1000 on. */
struct link {
	uint32_t index;
	char name[16];
};

struct link_table {
	struct link *items;	/* sorted by name */
	size_t count;
};

struct ruleset {
	struct table *tables;	/* inet, netdev, bridge: sorted by family number */
	size_t table_count;
	struct link_table links;
};

/* Bytes of a field's value: 1, 2, 4, 6 or 16. */
size_t field_size(enum field field);

/* The slot a field takes in a key: its size rounded up to 4. */
size_t field_slot(enum field field);

/* The nft phrase: "iif", "ip saddr", "ct mark", ... */
const char *field_phrase(enum field field);

/* The nft set type: "iface_index", "ipv4_addr", "mark", ... */
const char *field_type_name(enum field field);

/* The field that stands for all of its nft type in the key of a set: IIF for OIF, IP_SADDR for IP_DADDR, IP6_SADDR, DPORT, ... */
enum field field_representative(enum field field);

/* Number of fields of a key, and their bytes including padding. */
size_t key_field_count(const struct key *key);
size_t key_size(const struct key *key);		/* see key_field_count() */

/* True when both keys have the same fields. */
bool key_equal(const struct key *a, const struct key *b);

/* True when both have the same nft types slot by slot: what two sets, or a set and the key of a look-up, must agree in. */
bool key_same_types(const struct key *a, const struct key *b);

/* The table, set or chain of this name, or NULL. */
const struct table *ruleset_table(const struct ruleset *ruleset, enum family family, const char *name);
const struct set *table_set(const struct table *table, const char *name);	/* see ruleset_table() */
const struct chain *table_chain(const struct table *table, const char *name);	/* see ruleset_table() */

/*
 * Finds the element whose key equals (exact set) or whose ranges hold (interval set) the given key_size bytes; NULL if none. Expiry is not looked
 * at. O(log n) for exact sets, linear for interval sets.
 */
const struct element *set_find(const struct set *set, const uint8_t *key);

/*
 * A limit for a hash set of count elements that makes good use of the kernel's table of fixed size, whose look-up costs a packet less than that of a table that
 * can grow. The table has 4/3 of the limit, rounded up to a power of two, as places: three quarters of a power of two waste none. It is one less, because a
 * table that can grow (a set with expiry) takes only the lowest 16 bits for its first size (struct rhashtable_params, nelem_hint), and these are then all ones.
 * 47 at least; 0, no limit, when there is none.
 */
uint32_t set_room(size_t count);

/* Sorts elements as struct set demands. */
void set_sort(struct set *set);

/* Orders two elements of one set by key. */
int element_compare(const struct set *set, const struct element *a, const struct element *b);

/* Bytes of an element's key: twice key_size() in an interval set. */
size_t element_key_size(const struct set *set);

/* True when data, expiry and comment agree; keys are not looked at. */
bool element_data_equal(const struct set *set, const struct element *a, const struct element *b);

/* True when keys, data, expiry and comment agree. */
bool element_equal(const struct set *set, const struct element *a, const struct element *b);

/* True when both rules have the same steps and comment. */
bool rule_equal(const struct rule *a, const struct rule *b);

/* True when both chains have equal rules in the same order; names and hooks are not looked at. */
bool chain_rules_equal(const struct chain *a, const struct chain *b);

/* True when both hang at the same place with the same priority, policy and device, or neither is a base chain. */
bool hook_equal(const struct hook *a, const struct hook *b);

/* True when both sets have the same key types, flags and data; names, room and elements are not looked at. */
bool set_same_kind(const struct set *a, const struct set *b);

/* True when both are the same program with the same elements (handles, links, the room of sets and the comments of chains aside). */
bool ruleset_equal(const struct ruleset *a, const struct ruleset *b);

/* Sorts links by name, as link_index() needs. */
void link_table_sort(struct link_table *links);

/* The name of the interface with this index, or NULL. */
const char *link_name(const struct link_table *links, uint32_t index);

/* The index of the interface with this name, or 0. */
uint32_t link_index(const struct link_table *links, const char *name);

#endif
