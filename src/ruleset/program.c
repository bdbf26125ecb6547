/* program: the fixed part of the kernel program (see compile.h for what it looks like in nft words). */
#include "ruleset/program.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/compile.h"

enum {
	LOOPBACK_INDEX = 1,	/* LOOPBACK_IFINDEX, the same in every network namespace */
	ARPHRD_ETHER_NUMBER = 1,
	PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_AH = 51, PROTOCOL_ICMP6 = 58,
	ICMP_ECHO_REPLY = 0, ICMP_REDIRECT = 5, ICMP_ECHO_REQUEST = 8,
	ICMP6_ECHO_REQUEST = 128, ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_QUERY = 130, ICMP6_MLD_REPORT = 131, ICMP6_MLD_DONE = 132, ICMP6_MLD2_REPORT = 143,
	ICMP6_NEIGHBOUR_SOLICIT = 135, ICMP6_NEIGHBOUR_ADVERT = 136, ICMP6_REDIRECT = 137,
	PKTTYPE_BROADCAST = 1, PKTTYPE_MULTICAST = 2,
	TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16,
	PRIORITY_INGRESS = -500, PRIORITY_BRIDGE = -300, PRIORITY_FILTER = 0,
	PRIORITY_BEFORE_REASSEMBLY = -450,	/* NF_IP_PRI_RAW_BEFORE_DEFRAG; fragments are put together at -400 */
	HOOK_NUMBER_INGRESS = 0, HOOK_NUMBER_PREROUTING = 0, HOOK_NUMBER_INPUT = 1, HOOK_NUMBER_FORWARD = 2, HOOK_NUMBER_OUTPUT = 3,
	LOG_RATE = 10, LOG_BURST = 20,
	REJECT_RATE = 50, REJECT_BURST = 50,
};

static const struct {
	const char *name, *en, *ja;
} refusals[REFUSE_COUNT] = {
	[REFUSE_SOURCE] = { "source", "the source address does not belong to the zone of the interface it came in by",
			    "送信元アドレスが、入ってきたインターフェースのゾーンのものではありません" },
	[REFUSE_MAC] = { "mac", "the source address is bound to another Ethernet address (MAC)",
			 "送信元アドレスに登録された MAC アドレスと、実際の MAC アドレスが違います" },
	[REFUSE_ROUTING_HEADER] = { "routing-header", "the IPv6 packet carries a routing header, which could lead it past its destination",
				    "IPv6 経路制御ヘッダーが付いています(宛先の先へ誘導できるため通しません)" },
	[REFUSE_ISOLATED] = { "isolated", "the zone is isolated", "ゾーンが遮断されています" },
	[REFUSE_INVALID] = { "invalid", "the packet belongs to no connection that conntrack could follow",
			     "どの通信にも属さない不正なパケットです" },
	[REFUSE_NAT] = { "nat", "somebody translates addresses of this connection; NAT is not supported", "アドレス変換(NAT)された通信です。NAT は使えません" },
	[REFUSE_NEXT_HOP] = { "next-hop", "the packet would leave by the uplink to a router that is not declared",
			      "上位回線の、登録されていないルーターへ出ようとしています" },
	[REFUSE_RELATED] = { "related", "the packet belongs to a side connection or quotes a connection that is not allowed",
			     "許可された通信に付随しないパケットです" },
	[REFUSE_MIDSTREAM] = { "midstream", "a TCP connection must begin with a SYN", "TCP の通信が途中から始まっています" },
	[REFUSE_PAIR] = { "pair", "no flow at all is allowed between these zones in this direction", "このゾーンの間には、この向きの通信許可が一つもありません" },
	[REFUSE_FLOW] = { "flow", "no flow allows this source, destination, protocol and port", "この送信元・宛先・プロトコル・ポートの通信許可がありません" },
	[REFUSE_LOCAL] = { "local", "no service of the gateway is open to this source", "関所そのものへの、この送信元からの通信は許可されていません" },
	[REFUSE_EGRESS] = { "egress", "the gateway itself may not begin this", "関所そのものから、この通信を始めることは許可されていません" },
	[REFUSE_LOOPBACK] = { "loopback", "a process of the mail relay may not speak with other programs on the gateway",
			      "無害化中継のプロセスが、関所の中のほかのプログラムと通信することは許可されていません" },
	[REFUSE_CONNECTIONS] = { "connections", "too many connections are open between these zones in this direction; no other may begin",
				 "このゾーンの間の、この向きの接続が多すぎるため、新しい接続を始められません" },
};

/* Where a packet can be when it is refused: what of its two interfaces is known there. */
enum { PLACE_IN = 1, PLACE_FORWARD = 2, PLACE_OUT = 4, PLACES = 7 };

static const unsigned int refusal_places[REFUSE_COUNT] = {
	[REFUSE_SOURCE] = PLACE_IN, [REFUSE_MAC] = PLACE_IN, [REFUSE_ROUTING_HEADER] = PLACE_IN | PLACE_FORWARD, [REFUSE_ISOLATED] = PLACES,
	[REFUSE_INVALID] = PLACES, [REFUSE_NAT] = PLACES, [REFUSE_NEXT_HOP] = PLACE_FORWARD | PLACE_OUT, [REFUSE_RELATED] = PLACES,
	[REFUSE_MIDSTREAM] = PLACES, [REFUSE_PAIR] = PLACE_FORWARD, [REFUSE_FLOW] = PLACE_FORWARD, [REFUSE_LOCAL] = PLACE_IN,
	[REFUSE_EGRESS] = PLACE_OUT, [REFUSE_LOOPBACK] = 0,	/* at no interface of a zone */
	[REFUSE_CONNECTIONS] = PLACE_FORWARD,
};

const char *refusal_name(enum refusal refusal)
{
	return refusals[refusal].name;
}

const char *refusal_sentence(enum refusal refusal, enum language language)
{
	return language == LANGUAGE_JA ? refusals[refusal].ja : refusals[refusal].en;
}

static const char refuse_prefix[] = "refuse.";
static const char admitted_forward[] = "admitted", admitted_in[] = "admitted.in", admitted_out[] = "admitted.out";
static const char headers_chain[] = "headers", unusual_chain[] = "unusual", related_chain[] = "related", isolated_chain[] = "isolated",
		  beginning_chain[] = "beginning", crowded_chain[] = "crowded";
static const char free_prefix[] = "free/";
static const char refused_prefix[] = "refused.";
static const char quiet_word[] = "quiet";
static const char log_prefix[] = "sekisho ";
static const char reject_chain[] = "reject.flow";
static const struct key interfaces_key = { { FIELD_IIF, FIELD_OIF } };

bool refusal_of_chain(const char *chain, enum refusal *ret_refusal)
{
	if (strcmp(chain, reject_chain) == 0) {
		*ret_refusal = REFUSE_FLOW;
		return true;
	}
	if (strncmp(chain, refuse_prefix, sizeof(refuse_prefix) - 1) != 0)
		return false;
	for (int i = 0; i < REFUSE_COUNT; i++) {
		if (strcmp(chain + sizeof(refuse_prefix) - 1, refusals[i].name) == 0) {
			*ret_refusal = (enum refusal)i;
			return true;
		}
	}
	return false;
}

bool refusal_of_prefix(struct span prefix, enum refusal *ret_refusal)
{
	const size_t begin = sizeof(log_prefix) - 1;

	if (prefix.length <= begin || memcmp(prefix.data, log_prefix, begin) != 0 || prefix.data[prefix.length - 1] != ' ')
		return false;
	for (int i = 0; i < REFUSE_COUNT; i++) {
		if (span_equal(span_part(prefix, begin, prefix.length - 1), span_of(refusals[i].name))) {
			*ret_refusal = (enum refusal)i;
			return true;
		}
	}
	return false;
}

static struct refusal_counter counter_of_reason(struct arena *arena, const char *reason)
{
	return (struct refusal_counter){ reason, arena_printf(arena, "%s%s", refuse_prefix, reason), arena_printf(arena, "%s%s", refused_prefix, reason) };
}

const struct refusal_counter *refusal_counters(struct arena *arena)
{
	struct refusal_counter *counters = arena_array(arena, REFUSAL_COUNTERS, sizeof(*counters));
	size_t count = 0;

	for (int i = 0; i < REFUSE_CONNECTIONS; i++)
		counters[count++] = counter_of_reason(arena, refusals[i].name);
	counters[count++] = (struct refusal_counter){ refusals[REFUSE_FLOW].name, reject_chain, NULL };
	counters[count++] = (struct refusal_counter){ quiet_word, quiet_word, arena_printf(arena, "%s%s", refused_prefix, quiet_word) };
	for (int i = REFUSE_CONNECTIONS; i < REFUSE_COUNT; i++)
		counters[count++] = counter_of_reason(arena, refusals[i].name);
	return counters;
}

/* A table under construction: sets and chains are collected, then sorted by name. */
struct builder {
	struct arena *arena;
	const struct program_input *input;
	struct table *table;
	size_t set_capacity, chain_capacity;
};

static struct step *rule_step(struct builder *builder, struct rule *rule, enum step_kind kind)
{
	struct step *step;

	assert(rule->step_count < RULESET_STEPS_MAX);
	if (!rule->steps)
		rule->steps = arena_array(builder->arena, RULESET_STEPS_MAX, sizeof(*rule->steps));
	step = &rule->steps[rule->step_count++];
	step->kind = kind;
	return step;
}

/* The chain is named anew for each rule: adding chains may move them. */
static struct rule *chain_rule(struct builder *builder, struct chain *chain)
{
	size_t capacity = chain->rule_count < 8 ? (chain->rule_count ? 8 : 0) : chain->rule_count;

	if (chain->rule_count >= 8 && (chain->rule_count & (chain->rule_count - 1)) != 0)
		capacity = chain->rule_count + 1;
	chain->rules = arena_grow(builder->arena, chain->rules, chain->rule_count, &capacity, sizeof(*chain->rules));
	return &chain->rules[chain->rule_count++];
}

static void put_value(uint8_t *bytes, uint32_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static void match_masked(struct builder *builder, struct rule *rule, enum field field, uint32_t mask, enum match_op op, uint32_t value)
{
	struct step *step = rule_step(builder, rule, STEP_MATCH);
	size_t size = field_size(field);

	step->field = field;
	step->op = op;
	put_value(step->mask, mask, size < 4 ? size : 4);
	put_value(step->value, value, size < 4 ? size : 4);
}

static void match(struct builder *builder, struct rule *rule, enum field field, uint32_t value)
{
	match_masked(builder, rule, field, UINT32_MAX, MATCH_EQ, value);
}

static void match_not(struct builder *builder, struct rule *rule, enum field field, uint32_t value)
{
	match_masked(builder, rule, field, UINT32_MAX, MATCH_NE, value);
}

/* Goes on if one of the bits is set. */
static void match_any_bit(struct builder *builder, struct rule *rule, enum field field, uint32_t bits)
{
	match_masked(builder, rule, field, bits, MATCH_NE, 0);
}

/* The IPv6 source lies in the prefix of whole bytes and bits that `mask` shows; used for fe80::/10 and ::. */
static void match_source6(struct builder *builder, struct rule *rule, const uint8_t mask[16], const uint8_t value[16])
{
	struct step *step = rule_step(builder, rule, STEP_MATCH);

	step->field = FIELD_IP6_SADDR;
	memcpy(step->mask, mask, 16);
	memcpy(step->value, value, 16);
}

static void use_set(struct builder *builder, struct rule *rule, enum step_kind kind, struct key key, const char *set)
{
	struct step *step = rule_step(builder, rule, kind);

	step->key = key;
	step->set = set;
}

static void verdict(struct builder *builder, struct rule *rule, enum verdict_kind kind, const char *chain)
{
	rule_step(builder, rule, STEP_VERDICT)->verdict = (struct verdict){ .kind = kind, .chain = chain };
}

static const char *refuse_chain(struct builder *builder, enum refusal refusal)
{
	return arena_printf(builder->arena, "%s%s", refuse_prefix, refusals[refusal].name);
}

static void refuse(struct builder *builder, struct rule *rule, enum refusal refusal)
{
	verdict(builder, rule, VERDICT_GOTO, refuse_chain(builder, refusal));
}

static struct set *add_set(struct builder *builder, const char *name, struct key key, enum set_data data)
{
	struct table *table = builder->table;
	struct set *set;

	table->sets = arena_grow(builder->arena, table->sets, table->set_count, &builder->set_capacity, sizeof(*table->sets));
	set = &table->sets[table->set_count++];
	*set = (struct set){ .name = name, .key = key, .data = data };
	for (size_t i = 0; i < RULESET_KEY_FIELDS_MAX; i++)
		set->key.fields[i] = field_representative(key.fields[i]);
	return set;
}

static struct chain *add_chain(struct builder *builder, const char *name)
{
	struct table *table = builder->table;
	struct chain *chain;

	table->chains = arena_grow(builder->arena, table->chains, table->chain_count, &builder->chain_capacity, sizeof(*table->chains));
	chain = &table->chains[table->chain_count++];
	*chain = (struct chain){ .name = name };
	return chain;
}

static struct chain *add_base_chain(struct builder *builder, const char *name, uint32_t hook, int32_t priority, enum verdict_kind policy)
{
	struct chain *chain = add_chain(builder, name);

	chain->hook = (struct hook){ .base = true, .number = hook, .priority = priority, .policy = policy };
	return chain;
}

static int compare_sets(const void *a, const void *b)
{
	return strcmp(((const struct set *)a)->name, ((const struct set *)b)->name);
}

static int compare_chains(const void *a, const void *b)
{
	return strcmp(((const struct chain *)a)->name, ((const struct chain *)b)->name);
}

static void sort_table(struct table *table)
{
	if (table->set_count)
		qsort(table->sets, table->set_count, sizeof(*table->sets), compare_sets);
	if (table->chain_count)
		qsort(table->chains, table->chain_count, sizeof(*table->chains), compare_chains);
}

/* Calls visit for each interface of a zone that exists. */
static void each_interface(const struct builder *builder, const struct program_zone *zone,
			   void (*visit)(const struct builder *builder, const char *name, uint32_t index, void *context), void *context)
{
	for (size_t i = 0; i < zone->interface_count; i++) {
		uint32_t index = link_index(builder->input->links, zone->interfaces[i]);

		if (index != 0)
			visit(builder, zone->interfaces[i], index, context);
	}
}

static void count_interface(const struct builder *builder, const char *name, uint32_t index, void *context)
{
	(void)builder;
	(void)name;
	(void)index;
	++*(size_t *)context;
}

/* Room in a set of interfaces: for each of them twice, because one transaction may take out as many as it puts in. */
static uint32_t interface_room(const struct builder *builder)
{
	size_t count = 0;

	for (size_t i = 0; i < builder->input->zone_count; i++)
		each_interface(builder, &builder->input->zones[i], count_interface, &count);
	return set_room(2 * count);
}

/* Room in a set of pairs of interfaces between zones that have a flow, by the same measure. */
static uint32_t pair_room(const struct builder *builder)
{
	const struct program_input *input = builder->input;
	size_t count = 0;

	for (size_t i = 0; i < input->pair_count; i++) {
		size_t from = 0, to = 0;

		each_interface(builder, &input->zones[input->pairs[i].from], count_interface, &from);
		each_interface(builder, &input->zones[input->pairs[i].to], count_interface, &to);
		count += from * to;
	}
	return set_room(2 * count);
}

struct element_sink {
	struct set *set;
	size_t capacity;
};

static struct element *add_element(const struct builder *builder, struct element_sink *sink)
{
	struct set *set = sink->set;

	set->elements = arena_grow(builder->arena, set->elements, set->element_count, &sink->capacity, sizeof(*set->elements));
	return &set->elements[set->element_count++];
}

static void add_index_element(const struct builder *builder, const char *name, uint32_t index, void *context)
{
	uint8_t *key = arena_alloc(builder->arena, 4);

	(void)name;
	put_value(key, index, 4);
	add_element(builder, context)->key = key;
}

static bool zone_is_any(const struct program_zone *zone)
{
	(void)zone;
	return true;
}

static bool zone_is_uplink(const struct program_zone *zone)
{
	return zone->uplink;
}

static bool zone_is_guarded(const struct program_zone *zone)
{
	return zone->tier == TIER_MYNUMBER;
}

/* Adds a set of the interfaces of those zones. */
static void add_interface_set(struct builder *builder, const char *name, bool (*wanted)(const struct program_zone *zone))
{
	struct set *set = add_set(builder, name, (struct key){ { FIELD_IIF } }, SET_DATA_NONE);
	struct element_sink sink = { .set = set };

	set->room = interface_room(builder);
	for (size_t i = 0; i < builder->input->zone_count; i++) {
		if (wanted(&builder->input->zones[i]))
			each_interface(builder, &builder->input->zones[i], add_index_element, &sink);
	}
	set_sort(set);
}

/*
 * ---- table netdev: of Ethernet only IPv4, IPv6 and ARP enter. `ether type`, because `meta protocol` sees past a VLAN tag. A line without
 * Ethernet (PPP) carries nothing but IP. Most packets are IPv4 by Ethernet, and so that is asked first.
 */

static void add_ingress_chain(const struct builder *const_builder, const char *name, uint32_t index, void *context)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x0806 };
	struct builder *builder = context;
	struct chain *chain = add_base_chain(builder, arena_printf(const_builder->arena, "ingress.%s", name), HOOK_NUMBER_INGRESS,
					     PRIORITY_INGRESS, VERDICT_DROP);
	struct rule *rule;

	(void)index;
	chain->hook.device = arena_strdup(const_builder->arena, name);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		rule = chain_rule(builder, chain);
		match(builder, rule, FIELD_IIFTYPE, ARPHRD_ETHER_NUMBER);
		match(builder, rule, FIELD_ETHER_TYPE, types[i]);
		verdict(builder, rule, VERDICT_ACCEPT, NULL);
	}
	rule = chain_rule(builder, chain);
	match_not(builder, rule, FIELD_IIFTYPE, ARPHRD_ETHER_NUMBER);
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
}

static void build_netdev(struct builder *builder)
{
	for (size_t i = 0; i < builder->input->zone_count; i++)
		each_interface(builder, &builder->input->zones[i], add_ingress_chain, builder);
}

/* ---- table bridge: a zone interface that is enslaved to a bridge carries nothing. */

static void build_bridge(struct builder *builder)
{
	static const enum field ends[] = { FIELD_IIF, FIELD_OIF };
	struct chain *chain = add_base_chain(builder, "forward", HOOK_NUMBER_FORWARD, PRIORITY_BRIDGE, VERDICT_ACCEPT);

	add_interface_set(builder, "ports", zone_is_any);
	for (size_t i = 0; i < 2; i++) {
		struct rule *rule = chain_rule(builder, chain);

		use_set(builder, rule, STEP_LOOKUP, (struct key){ { ends[i] } }, "ports");
		rule_step(builder, rule, STEP_COUNTER);
		verdict(builder, rule, VERDICT_DROP, NULL);
	}
}

/* ---- table inet */

/* All interfaces of zones, by index, with 0 in front: the side a packet does not have. */
struct sides {
	uint32_t *indexes;
	size_t count, capacity;
};

static void add_side(const struct builder *builder, const char *name, uint32_t index, void *context)
{
	struct sides *sides = context;

	(void)name;
	sides->indexes = arena_grow(builder->arena, sides->indexes, sides->count, &sides->capacity, sizeof(*sides->indexes));
	sides->indexes[sides->count++] = index;
}

static struct sides all_sides(struct builder *builder)
{
	struct sides sides = { .count = 0 };

	add_side(builder, NULL, 0, &sides);
	for (size_t i = 0; i < builder->input->zone_count; i++)
		each_interface(builder, &builder->input->zones[i], add_side, &sides);
	return sides;
}

/* The place of a packet that came by iif and goes out by oif (0: neither). */
static unsigned int place_of(uint32_t iif, uint32_t oif)
{
	if (iif == 0)
		return oif == 0 ? 0 : PLACE_OUT;
	return oif == 0 ? PLACE_IN : PLACE_FORWARD;
}

/* Counts by pair of interfaces, whatever else happens to the log. */
static void add_refused_set(struct builder *builder, const char *name, unsigned int places)
{
	struct set *set = add_set(builder, name, interfaces_key, SET_DATA_NONE);
	struct element_sink sink = { .set = set };
	struct sides sides = all_sides(builder);

	set->counted = true;
	for (size_t i = 0; i < sides.count * sides.count; i++) {
		uint32_t iif = sides.indexes[i / sides.count], oif = sides.indexes[i % sides.count];
		uint8_t *key;

		if (!(place_of(iif, oif) & places))
			continue;
		key = arena_alloc(builder->arena, 8);
		put_value(key, iif, 4);
		put_value(key + 4, oif, 4);
		add_element(builder, &sink)->key = key;
	}
	set_sort(set);
}

/* One rule counts all, one by the pair of interfaces. */
static void add_counting_rules(struct builder *builder, struct chain *chain, const char *word)
{
	rule_step(builder, chain_rule(builder, chain), STEP_COUNTER);
	use_set(builder, chain_rule(builder, chain), STEP_LOOKUP, interfaces_key, arena_printf(builder->arena, "%s%s", refused_prefix, word));
}

/* The first of them in each second, with their headers, for the witness. */
static void add_log_rule(struct builder *builder, struct chain *chain, enum refusal refusal)
{
	struct rule *rule = chain_rule(builder, chain);
	struct step *limit = rule_step(builder, rule, STEP_LIMIT);

	limit->rate = LOG_RATE;
	limit->burst = LOG_BURST;
	rule_step(builder, rule, STEP_LOG)->text = arena_printf(builder->arena, "%s%s ", log_prefix, refusals[refusal].name);
}

static void add_refuse_chain(struct builder *builder, enum refusal refusal)
{
	struct chain *chain = add_chain(builder, refuse_chain(builder, refusal));

	add_refused_set(builder, arena_printf(builder->arena, "%s%s", refused_prefix, refusals[refusal].name), refusal_places[refusal]);
	add_counting_rules(builder, chain, refusals[refusal].name);
	add_log_rule(builder, chain, refusal);
	verdict(builder, chain_rule(builder, chain), VERDICT_DROP, NULL);
}

/* Refuse with an answer: the mark lets the answer out through the output chain, and no flow ever has this mark. */
static void add_reject_chain(struct builder *builder)
{
	struct chain *chain = add_chain(builder, reject_chain);
	struct rule *rule;
	struct step *step;

	add_counting_rules(builder, chain, refusals[REFUSE_FLOW].name);
	add_log_rule(builder, chain, REFUSE_FLOW);
	rule = chain_rule(builder, chain);
	step = rule_step(builder, rule, STEP_LIMIT);
	step->rate = REJECT_RATE;
	step->burst = REJECT_BURST;
	put_value(rule_step(builder, rule, STEP_SET_MARK_VALUE)->value, MARK_REJECT, 4);
	rule_step(builder, rule, STEP_REJECT);
	verdict(builder, chain_rule(builder, chain), VERDICT_DROP, NULL);
}

/* Broadcast and multicast: counted, never an alarm. */
static void add_quiet_chain(struct builder *builder)
{
	struct chain *chain = add_chain(builder, quiet_word);

	add_refused_set(builder, arena_printf(builder->arena, "%s%s", refused_prefix, quiet_word), PLACE_IN);
	add_counting_rules(builder, chain, quiet_word);
	verdict(builder, chain_rule(builder, chain), VERDICT_DROP, NULL);
}

static void add_quiet_rules(struct builder *builder, struct chain *chain)
{
	static const uint32_t types[] = { PKTTYPE_BROADCAST, PKTTYPE_MULTICAST };

	for (size_t i = 0; i < 2; i++) {
		struct rule *rule = chain_rule(builder, chain);

		match(builder, rule, FIELD_PKTTYPE, types[i]);
		verdict(builder, rule, VERDICT_GOTO, quiet_word);
	}
}

/* What differs between IPv4 and IPv6, so that both obey the same template (P7). */
struct family_words {
	uint8_t nfproto;
	char digit;
	enum field source, destination, next_hop;
	uint8_t echo_protocol;
	enum field echo_field;
	uint8_t echo_request, echo_reply, redirect;
};

static const struct family_words families[] = {
	{ NFPROTO_V4, '4', FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_RT_NEXTHOP4, PROTOCOL_ICMP, FIELD_ICMP_TYPE, ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY,
	  ICMP_REDIRECT },
	{ NFPROTO_V6, '6', FIELD_IP6_SADDR, FIELD_IP6_DADDR, FIELD_RT_NEXTHOP6, PROTOCOL_ICMP6, FIELD_ICMP6_TYPE, ICMP6_ECHO_REQUEST,
	  ICMP6_ECHO_REPLY, ICMP6_REDIRECT },
};

enum { FAMILIES = 2 };

static struct rule *family_rule(struct builder *builder, struct chain *chain, const struct family_words *family)
{
	struct rule *rule = chain_rule(builder, chain);

	match(builder, rule, FIELD_NFPROTO, family->nfproto);
	return rule;
}

static const char *bound_hosts_name(struct builder *builder, const struct family_words *family)
{
	return arena_printf(builder->arena, "bound%c.hosts", family->digit);
}

static const char *bound_name(struct builder *builder, const struct family_words *family)
{
	return arena_printf(builder->arena, "bound%c", family->digit);
}

static void add_bound_sets(struct builder *builder, const struct family_words *family)
{
	const struct key key = { { FIELD_IIF, family->source, FIELD_ETHER_SADDR } };

	add_set(builder, bound_name(builder, family), key, SET_DATA_NONE);
	add_set(builder, bound_hosts_name(builder, family), (struct key){ { FIELD_IIF, family->source } }, SET_DATA_NONE);
}

static void accept_senders(struct builder *builder, struct chain *chain, const struct family_words *family, const char *set)
{
	struct rule *rule = family_rule(builder, chain, family);

	use_set(builder, rule, STEP_LOOKUP, (struct key){ { family->source } }, set);
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
}

/*
 * Where addresses of the zone are bound. Of these none passes with another MAC. What is free of that is accepted without a look into the list of the bound,
 * but it is a short way only: while bindings change, the networks behind it know who is of the zone.
 */
static void add_bound_rules(struct builder *builder, struct chain *chain, const struct family_words *family, const char *free, const char *networks)
{
	struct rule *rule = family_rule(builder, chain, family);

	match(builder, rule, FIELD_IIFTYPE, ARPHRD_ETHER_NUMBER);
	use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_IIF, family->source, FIELD_ETHER_SADDR } }, bound_name(builder, family));
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
	accept_senders(builder, chain, family, free);
	rule = family_rule(builder, chain, family);
	use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_IIF, family->source } }, bound_hosts_name(builder, family));
	refuse(builder, rule, REFUSE_MAC);
	accept_senders(builder, chain, family, networks);
}

/*
 * What an interface takes as senders, by a look-up of one field in a set of its own: a set of interfaces with ranges of addresses would cost a packet more
 * than all other checks before conntrack.
 */
static void add_interface_sources(const struct builder *const_builder, const char *name, uint32_t index, void *context)
{
	struct builder *builder = context;
	struct chain *chain;
	const char *networks[FAMILIES];

	(void)const_builder;
	(void)index;
	chain = add_chain(builder, program_networks_chain(builder->arena, name));
	for (size_t i = 0; i < FAMILIES; i++) {
		networks[i] = program_networks_name(builder->arena, name, families[i].nfproto);
		add_set(builder, networks[i], (struct key){ { families[i].source } }, SET_DATA_NONE)->interval = true;
		accept_senders(builder, chain, &families[i], networks[i]);
	}
	chain = add_chain(builder, program_bound_chain(builder->arena, name));
	for (size_t i = 0; i < FAMILIES; i++) {
		const char *free = program_free_name(builder->arena, name, families[i].nfproto);

		add_set(builder, free, (struct key){ { families[i].source } }, SET_DATA_NONE)->interval = true;
		add_bound_rules(builder, chain, &families[i], free, networks[i]);
	}
}

/* Link-local and unspecified sources: only for neighbour discovery and MLD, only at zone interfaces; no map of a pair ever holds them. */
static void add_link_local_rules(struct builder *builder, struct chain *chain)
{
	static const struct {
		uint8_t mask[16], value[16];
	} sources[] = {
		{ { 0xff, 0xc0 }, { 0xfe, 0x80 } },
		{ { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }, { 0 } },
	};

	for (size_t i = 0; i < 2; i++) {
		struct rule *rule = family_rule(builder, chain, &families[1]);

		match_source6(builder, rule, sources[i].mask, sources[i].value);
		match(builder, rule, FIELD_L4PROTO, PROTOCOL_ICMP6);
		use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_IIF } }, "ports");
		verdict(builder, rule, VERDICT_ACCEPT, NULL);
	}
}

/*
 * The source belongs to the zone of its interface, and has its MAC where one is bound: on every packet and fragment, before conntrack sees it.
 *
 * Before fragments are put together, so that each is judged by its own interface and MAC: a packet put together has the MAC of its first
 * fragment and the interface of the one that came last, and a host of another zone could add its bytes to it.
 */
static void build_source(struct builder *builder)
{
	const struct key by_interface = { { FIELD_IIF } };
	struct chain *chain = add_base_chain(builder, "source", HOOK_NUMBER_PREROUTING, PRIORITY_BEFORE_REASSEMBLY, VERDICT_DROP);
	struct rule *rule;

	use_set(builder, chain_rule(builder, chain), STEP_VMAP, by_interface, "sources");
	rule = chain_rule(builder, chain);
	match(builder, rule, FIELD_IIF, LOOPBACK_INDEX);
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
	add_link_local_rules(builder, chain);
	add_quiet_rules(builder, chain);
	refuse(builder, chain_rule(builder, chain), REFUSE_SOURCE);
	add_set(builder, "sources", by_interface, SET_DATA_VERDICT)->room = interface_room(builder);
	for (size_t i = 0; i < FAMILIES; i++)
		add_bound_sets(builder, &families[i]);
	for (size_t i = 0; i < builder->input->zone_count; i++)
		each_interface(builder, &builder->input->zones[i], add_interface_sources, builder);
}

/* Not in the source chain: a routing header can stand behind the first fragment, where only the whole packet shows it. */
static void add_routing_header_guard(struct builder *builder, struct chain *chain)
{
	struct rule *rule = family_rule(builder, chain, &families[1]);

	match(builder, rule, FIELD_IP6_ROUTING, 1);
	refuse(builder, rule, REFUSE_ROUTING_HEADER);
}

/*
 * In IPv6 conntrack looks through an authentication header and takes the ports behind it for those of the connection, while the protocol of the packet is AH
 * here: either could ride on the live mark of the other. IPv4 has no such header; there AH is a protocol like others.
 */
static void add_authentication_header_guard(struct builder *builder, struct chain *chain)
{
	struct rule *rule = family_rule(builder, chain, &families[1]);

	match(builder, rule, FIELD_L4PROTO, PROTOCOL_AH);
	refuse(builder, rule, REFUSE_INVALID);
}

/* ICMP errors quote a connection and carry its mark; anything else that is "related" came from a helper or an expectation. */
static void add_side_traffic_guard(struct builder *builder, struct chain *chain, bool behind_jump)
{
	struct rule *rule = chain_rule(builder, chain);

	if (!behind_jump)
		match_any_bit(builder, rule, FIELD_CT_STATE, CT_RELATED);
	match_not(builder, rule, FIELD_L4PROTO, PROTOCOL_ICMP);
	match_not(builder, rule, FIELD_L4PROTO, PROTOCOL_ICMP6);
	refuse(builder, rule, REFUSE_RELATED);
}

static void add_translation_guard(struct builder *builder, struct chain *chain)
{
	struct rule *rule = chain_rule(builder, chain);

	match_any_bit(builder, rule, FIELD_CT_STATUS, CT_SNAT | CT_DNAT);
	refuse(builder, rule, REFUSE_NAT);
}

static void add_state_guards(struct builder *builder, struct chain *chain)
{
	struct rule *rule = chain_rule(builder, chain);

	match_any_bit(builder, rule, FIELD_CT_STATE, CT_INVALID | CT_UNTRACKED);
	refuse(builder, rule, REFUSE_INVALID);
	add_translation_guard(builder, chain);
}

/* Conntrack takes a redirect for an error: it quotes a packet. But it tells of a way past the gateway, and no router has to say that to a host of another zone. */
static void add_redirect_guard(struct builder *builder, struct chain *chain)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		struct rule *rule = family_rule(builder, chain, &families[i]);

		match(builder, rule, FIELD_L4PROTO, families[i].echo_protocol);
		match(builder, rule, families[i].echo_field, families[i].redirect);
		refuse(builder, rule, REFUSE_RELATED);
	}
}

/*
 * An ICMP error carries bytes, and conntrack asks only which connection it quotes, not who sent it. Into and out of the My Number tier it
 * may come from the two ends of the flow alone (R3); what the gateway itself has to say does not pass here.
 */
static void build_related(struct builder *builder)
{
	struct chain *chain = add_chain(builder, related_chain);
	struct rule *rule;

	add_side_traffic_guard(builder, chain, true);
	add_redirect_guard(builder, chain);
	rule = chain_rule(builder, chain);
	use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_IIF } }, "guarded");
	use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_OIF } }, "guarded");
	verdict(builder, rule, VERDICT_RETURN, NULL);
	for (size_t i = 0; i < FAMILIES; i++) {
		const char *ends = arena_printf(builder->arena, "ends%c", families[i].digit);
		struct key key = { { FIELD_IIF, families[i].source, FIELD_OIF, families[i].destination } };

		add_set(builder, ends, key, SET_DATA_NONE);
		rule = family_rule(builder, chain, &families[i]);
		use_set(builder, rule, STEP_LOOKUP, key, ends);
		verdict(builder, rule, VERDICT_RETURN, NULL);
	}
	rule = chain_rule(builder, chain);
	use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_IIF } }, "guarded");
	refuse(builder, rule, REFUSE_RELATED);
	rule = chain_rule(builder, chain);
	use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_OIF } }, "guarded");
	refuse(builder, rule, REFUSE_RELATED);
}

/* What was not accepted by its live mark: side traffic is refused, and TCP has to begin at its beginning. */
static void add_beginning_guards(struct builder *builder, struct chain *chain)
{
	struct rule *rule = chain_rule(builder, chain);

	match_any_bit(builder, rule, FIELD_CT_STATE, CT_RELATED);
	refuse(builder, rule, REFUSE_RELATED);
	rule = chain_rule(builder, chain);
	match_any_bit(builder, rule, FIELD_CT_STATE, CT_NEW);
	match(builder, rule, FIELD_L4PROTO, PROTOCOL_TCP);
	match_masked(builder, rule, FIELD_TCP_FLAGS, TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, MATCH_NE, TCP_SYN);
	refuse(builder, rule, REFUSE_MIDSTREAM);
}


static void add_next_hop_jump(struct builder *builder, struct chain *chain)
{
	struct rule *rule = chain_rule(builder, chain);

	use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_OIF } }, "uplinks");
	verdict(builder, rule, VERDICT_JUMP, "next-hop");
}

/* What a flow allows goes on in the chain that says whether its zones are isolated. */
static void add_live_rule(struct builder *builder, struct chain *chain, const struct key *key, const char *set, const char *next)
{
	struct rule *rule = chain_rule(builder, chain);

	use_set(builder, rule, STEP_LOOKUP, *key, set);
	verdict(builder, rule, VERDICT_GOTO, next);
}

static const struct key live_key = { { FIELD_CT_MARK, FIELD_IIF, FIELD_OIF } };
static const struct key local_in_key = { { FIELD_CT_MARK, FIELD_IIF } };
static const struct key local_out_key = { { FIELD_CT_MARK, FIELD_OIF } };
static const struct key pairs_key = { { FIELD_NFPROTO, FIELD_CT_DIRECTION, FIELD_IIF, FIELD_OIF } };

/*
 * Asked of the first packet of a connection alone: what runs goes on, also when its flow was changed and it is judged anew. The pair of interfaces is that of
 * the direction in which connections are begun.
 */
static void add_crowded_rule(struct builder *builder, struct chain *chain)
{
	struct rule *rule = chain_rule(builder, chain);

	match_any_bit(builder, rule, FIELD_CT_STATE, CT_NEW);
	use_set(builder, rule, STEP_LOOKUP, interfaces_key, PROGRAM_CROWDED_SET);
	verdict(builder, rule, VERDICT_GOTO, crowded_chain);
}

/* Of two zones that hold too many connections, only what must not stop begins another. */
static void build_crowded(struct builder *builder)
{
	struct chain *chain = add_chain(builder, crowded_chain);
	struct rule *rule = chain_rule(builder, chain);

	add_set(builder, PROGRAM_CROWDED_SET, interfaces_key, SET_DATA_NONE)->room = pair_room(builder);
	add_set(builder, "critical", (struct key){ { FIELD_CT_MARK } }, SET_DATA_NONE);
	use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_CT_MARK } }, "critical");
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
	refuse(builder, chain_rule(builder, chain), REFUSE_CONNECTIONS);
}

/*
 * Where a flow's packet is accepted, but for those of running connections in the chain forward. Into and out of an isolated interface go the spared flows
 * alone, whatever other sets hold: so isolating is adding one element per interface, and no flow can be forgotten (P4).
 */
static void add_admitted_chain(struct builder *builder, const char *admitted, const char *spared, const struct key *key, const char *spared_set)
{
	struct chain *chain = add_chain(builder, admitted);
	struct rule *rule;

	for (size_t i = 1; i < RULESET_KEY_FIELDS_MAX && key->fields[i] != FIELD_NONE; i++) {
		rule = chain_rule(builder, chain);
		use_set(builder, rule, STEP_LOOKUP, (struct key){ { key->fields[i] } }, "isolated");
		verdict(builder, rule, VERDICT_GOTO, spared);
	}
	if (key == &live_key)
		add_crowded_rule(builder, chain);
	verdict(builder, chain_rule(builder, chain), VERDICT_ACCEPT, NULL);
	chain = add_chain(builder, spared);
	rule = chain_rule(builder, chain);
	use_set(builder, rule, STEP_LOOKUP, *key, spared_set);
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
	refuse(builder, chain_rule(builder, chain), REFUSE_ISOLATED);
}

static void build_admitted(struct builder *builder)
{
	add_set(builder, "isolated", (struct key){ { FIELD_IIF } }, SET_DATA_NONE)->room = interface_room(builder);
	add_set(builder, "life-safety", (struct key){ { FIELD_CT_MARK } }, SET_DATA_NONE);
	add_set(builder, "spared", live_key, SET_DATA_NONE);
	add_set(builder, "local-spared", local_in_key, SET_DATA_NONE);
	add_admitted_chain(builder, admitted_forward, "spared", &live_key, "spared");
	add_admitted_chain(builder, admitted_in, "spared.in", &local_in_key, "local-spared");
	add_admitted_chain(builder, admitted_out, "spared.out", &local_out_key, "local-spared");
}

/* What only IPv6 packets can have. */
static void build_headers(struct builder *builder)
{
	struct chain *chain = add_chain(builder, headers_chain);

	add_routing_header_guard(builder, chain);
	add_authentication_header_guard(builder, chain);
}

/* What no packet of a connection on its way is: one question for all of it is asked in front. */
static void build_unusual(struct builder *builder)
{
	struct chain *chain = add_chain(builder, unusual_chain);
	struct rule *rule = chain_rule(builder, chain);

	match_any_bit(builder, rule, FIELD_CT_STATE, CT_INVALID | CT_UNTRACKED);
	refuse(builder, rule, REFUSE_INVALID);
	verdict(builder, chain_rule(builder, chain), VERDICT_GOTO, related_chain);
}

/* What was not accepted by its live mark: it has to begin at a beginning, and then its pair decides. */
static void build_beginning(struct builder *builder)
{
	struct chain *chain = add_chain(builder, beginning_chain);

	add_beginning_guards(builder, chain);
	use_set(builder, chain_rule(builder, chain), STEP_VMAP, pairs_key, "pairs");
	refuse(builder, chain_rule(builder, chain), REFUSE_PAIR);
}

/*
 * Into and out of an isolated interface: a live mark must be a spared one. It never comes back to where a live mark is enough, also when the mark begins
 * to live meanwhile.
 */
static void build_isolated(struct builder *builder)
{
	struct chain *chain = add_chain(builder, isolated_chain);

	add_live_rule(builder, chain, &live_key, "live", "spared");
	verdict(builder, chain_rule(builder, chain), VERDICT_GOTO, beginning_chain);
}

/*
 * A packet of a connection on its way goes through this chain alone and ends at @live: so here stands what each packet is asked, as few questions as it can be.
 */
static void build_forward(struct builder *builder)
{
	struct chain *chain = add_base_chain(builder, "forward", HOOK_NUMBER_FORWARD, PRIORITY_FILTER, VERDICT_DROP);
	struct rule *rule = family_rule(builder, chain, &families[1]);

	verdict(builder, rule, VERDICT_JUMP, headers_chain);
	rule = chain_rule(builder, chain);
	match_any_bit(builder, rule, FIELD_CT_STATE, CT_INVALID | CT_RELATED | CT_UNTRACKED);
	verdict(builder, rule, VERDICT_JUMP, unusual_chain);
	add_translation_guard(builder, chain);
	add_next_hop_jump(builder, chain);
	for (size_t i = 0; i < 2; i++) {
		rule = chain_rule(builder, chain);
		use_set(builder, rule, STEP_LOOKUP, (struct key){ { i ? FIELD_OIF : FIELD_IIF } }, "isolated");
		verdict(builder, rule, VERDICT_GOTO, isolated_chain);
	}
	rule = chain_rule(builder, chain);
	use_set(builder, rule, STEP_LOOKUP, live_key, "live");
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
	verdict(builder, chain_rule(builder, chain), VERDICT_GOTO, beginning_chain);
	build_headers(builder);
	build_unusual(builder);
	build_isolated(builder);
	build_beginning(builder);
}

static void build_next_hop(struct builder *builder)
{
	struct chain *chain = add_chain(builder, "next-hop");

	for (size_t i = 0; i < FAMILIES; i++) {
		const char *set = arena_printf(builder->arena, "next-hops%c", families[i].digit);
		struct rule *rule = family_rule(builder, chain, &families[i]);

		add_set(builder, set, (struct key){ { families[i].source } }, SET_DATA_NONE);
		use_set(builder, rule, STEP_LOOKUP, (struct key){ { families[i].next_hop } }, set);
		verdict(builder, rule, VERDICT_RETURN, NULL);
	}
	refuse(builder, chain_rule(builder, chain), REFUSE_NEXT_HOP);
}

/* How a chain judges: which keys it looks up in which maps, and in which set the mark must be live. */
struct judgement {
	const struct family_words *family;
	bool reply;
	struct key ported, portless;
	const char *exact_map;	/* NULL: there is none */
	const char *range_map, *portless_map;
	struct key live_key;
	const char *live_set;
	const char *admitted_chain;
	const char *refuse_chain;
};

static void add_mark_rules(struct builder *builder, struct chain *chain, const struct judgement *judgement, struct key key, const char *map)
{
	use_set(builder, family_rule(builder, chain, judgement->family), STEP_SET_MARK, key, map);
	add_live_rule(builder, chain, &judgement->live_key, judgement->live_set, judgement->admitted_chain);
}

/* The template of every chain that judges a connection by maps. Every accept depends on a live set. */
static void fill_judging_chain(struct builder *builder, struct chain *chain, const struct judgement *judgement)
{
	const struct family_words *family = judgement->family;
	struct rule *rule;

	if (judgement->exact_map)
		add_mark_rules(builder, chain, judgement, judgement->ported, judgement->exact_map);
	add_mark_rules(builder, chain, judgement, judgement->ported, judgement->range_map);
	rule = family_rule(builder, chain, family);
	match(builder, rule, FIELD_L4PROTO, family->echo_protocol);
	match_not(builder, rule, family->echo_field, judgement->reply ? family->echo_reply : family->echo_request);
	verdict(builder, rule, VERDICT_GOTO, judgement->refuse_chain);
	add_mark_rules(builder, chain, judgement, judgement->portless, judgement->portless_map);
	verdict(builder, chain_rule(builder, chain), VERDICT_GOTO, judgement->refuse_chain);
}

const char *program_networks_chain(struct arena *arena, const char *interface)
{
	return arena_printf(arena, "networks/%s", interface);
}

const char *program_bound_chain(struct arena *arena, const char *interface)
{
	return arena_printf(arena, "bound/%s", interface);
}

const char *program_networks_name(struct arena *arena, const char *interface, uint8_t nfproto)
{
	return arena_printf(arena, "networks/%s/%c", interface, nfproto == NFPROTO_V4 ? '4' : '6');
}

const char *program_free_name(struct arena *arena, const char *interface, uint8_t nfproto)
{
	return arena_printf(arena, "%s%s/%c", free_prefix, interface, nfproto == NFPROTO_V4 ? '4' : '6');
}

uint32_t program_senders_interface(const struct link_table *links, const char *set)
{
	const char *begin = strchr(set, '/'), *end = strrchr(set, '/');
	char name[16] = "";

	if (!begin || end == begin || (size_t)(end - begin) > sizeof(name))
		return 0;
	memcpy(name, begin + 1, (size_t)(end - begin) - 1);
	return link_index(links, name);
}

bool program_senders_are_free(const char *set)
{
	return strncmp(set, free_prefix, sizeof(free_prefix) - 1) == 0;
}

const char *program_map_name(struct arena *arena, const char *from, const char *to, const char *kind, uint8_t nfproto)
{
	return arena_printf(arena, "%s.%s.%s%c", from, to, kind, nfproto == NFPROTO_V4 ? '4' : '6');
}

static const char *pair_chain_name(struct arena *arena, const char *from, const char *to, char digit, bool reply)
{
	return arena_printf(arena, "%s.%s.%c%s", from, to, digit, reply ? ".reply" : "");
}

static void add_pair_chain(struct builder *builder, const struct program_pair *pair, const struct family_words *family, bool reply,
			   const char *const maps[3])
{
	const char *from = builder->input->zones[pair->from].name, *to = builder->input->zones[pair->to].name;
	enum field near = reply ? family->destination : family->source;
	enum field far = reply ? family->source : family->destination;
	struct judgement judgement = {
		.family = family,
		.reply = reply,
		.ported = { { near, far, FIELD_L4PROTO, reply ? FIELD_SPORT : FIELD_DPORT } },
		.portless = { { near, far, FIELD_L4PROTO } },
		.exact_map = maps[0], .range_map = maps[1], .portless_map = maps[2],
		.live_key = live_key,
		.live_set = "live",
		.admitted_chain = admitted_forward,
		.refuse_chain = pair->rejects ? reject_chain : refuse_chain(builder, REFUSE_FLOW),
	};

	fill_judging_chain(builder, add_chain(builder, pair_chain_name(builder->arena, from, to, family->digit, reply)), &judgement);
}

static void add_pair_family(struct builder *builder, const struct program_pair *pair, const struct family_words *family)
{
	const char *from = builder->input->zones[pair->from].name, *to = builder->input->zones[pair->to].name;
	struct key ported = { { family->source, family->destination, FIELD_L4PROTO, FIELD_DPORT } };
	struct key portless = { { family->source, family->destination, FIELD_L4PROTO } };
	const char *maps[3] = {
		program_map_name(builder->arena, from, to, "exact", family->nfproto),
		program_map_name(builder->arena, from, to, "range", family->nfproto),
		program_map_name(builder->arena, from, to, "portless", family->nfproto),
	};

	add_set(builder, maps[0], ported, SET_DATA_MARK);
	add_set(builder, maps[1], ported, SET_DATA_MARK)->interval = true;
	add_set(builder, maps[2], portless, SET_DATA_MARK)->interval = true;
	add_pair_chain(builder, pair, family, false, maps);
	add_pair_chain(builder, pair, family, true, maps);
}

static void add_pair_element(struct builder *builder, struct element_sink *sink, uint8_t nfproto, uint8_t direction, uint32_t iif, uint32_t oif,
			     const char *chain)
{
	struct element *element = add_element(builder, sink);
	uint8_t *key = arena_alloc(builder->arena, 16);

	key[0] = nfproto;
	key[4] = direction;
	put_value(key + 8, iif, 4);
	put_value(key + 12, oif, 4);
	element->key = key;
	element->verdict = (struct verdict){ .kind = VERDICT_GOTO, .chain = chain };
}

/* Dispatch: the original direction goes from -> to, the reply comes back to -> from. */
static void add_pair_elements(struct builder *builder, struct element_sink *sink, const struct program_pair *pair)
{
	const struct program_zone *from = &builder->input->zones[pair->from], *to = &builder->input->zones[pair->to];

	for (size_t i = 0; i < from->interface_count * to->interface_count; i++) {
		uint32_t a = link_index(builder->input->links, from->interfaces[i / to->interface_count]);
		uint32_t b = link_index(builder->input->links, to->interfaces[i % to->interface_count]);

		for (size_t f = 0; a != 0 && b != 0 && f < FAMILIES; f++) {
			add_pair_element(builder, sink, families[f].nfproto, DIRECTION_ORIGINAL, a, b,
					 pair_chain_name(builder->arena, from->name, to->name, families[f].digit, false));
			add_pair_element(builder, sink, families[f].nfproto, DIRECTION_REPLY, b, a,
					 pair_chain_name(builder->arena, from->name, to->name, families[f].digit, true));
		}
	}
}

static void build_pairs(struct builder *builder)
{
	struct element_sink sink = { .set = NULL };
	struct set filled = { .name = NULL };
	struct set *pairs;

	for (size_t i = 0; i < builder->input->pair_count; i++) {
		for (size_t f = 0; f < FAMILIES; f++)
			add_pair_family(builder, &builder->input->pairs[i], &families[f]);
	}
	/* Filled apart, because adding sets may move them. */
	sink.set = &filled;
	for (size_t i = 0; i < builder->input->pair_count; i++)
		add_pair_elements(builder, &sink, &builder->input->pairs[i]);
	pairs = add_set(builder, "pairs", pairs_key, SET_DATA_VERDICT);
	pairs->elements = filled.elements;
	pairs->element_count = filled.element_count;
	set_sort(pairs);
}

/* ---- the gateway's own traffic */

static void accept_icmp6(struct builder *builder, struct chain *chain, uint32_t type, enum field end, bool on_link_only)
{
	struct rule *rule = family_rule(builder, chain, &families[1]);

	match(builder, rule, FIELD_L4PROTO, PROTOCOL_ICMP6);
	match(builder, rule, FIELD_ICMP6_TYPE, type);
	if (on_link_only)
		match(builder, rule, FIELD_IP6_HOPLIMIT, 255);
	use_set(builder, rule, STEP_LOOKUP, (struct key){ { end } }, "ports");
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
}

static void goto_direction(struct builder *builder, struct chain *chain, const struct family_words *family, uint8_t direction, const char *target)
{
	struct rule *rule = family_rule(builder, chain, family);

	match(builder, rule, FIELD_CT_DIRECTION, direction);
	verdict(builder, rule, VERDICT_GOTO, target);
}

static void build_input(struct builder *builder)
{
	struct chain *chain = add_base_chain(builder, "input", HOOK_NUMBER_INPUT, PRIORITY_FILTER, VERDICT_DROP);
	struct rule *rule = chain_rule(builder, chain);

	match(builder, rule, FIELD_IIF, LOOPBACK_INDEX);
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
	add_routing_header_guard(builder, chain);
	add_authentication_header_guard(builder, chain);
	accept_icmp6(builder, chain, ICMP6_NEIGHBOUR_SOLICIT, FIELD_IIF, true);
	accept_icmp6(builder, chain, ICMP6_NEIGHBOUR_ADVERT, FIELD_IIF, true);
	accept_icmp6(builder, chain, ICMP6_MLD_QUERY, FIELD_IIF, false);
	add_quiet_rules(builder, chain);
	add_state_guards(builder, chain);
	add_side_traffic_guard(builder, chain, false);
	add_live_rule(builder, chain, &local_in_key, "local-live", admitted_in);
	add_beginning_guards(builder, chain);
	for (size_t i = 0; i < FAMILIES; i++)
		goto_direction(builder, chain, &families[i], DIRECTION_ORIGINAL,
			       arena_printf(builder->arena, "local.in.%c", families[i].digit));
	refuse(builder, chain_rule(builder, chain), REFUSE_LOCAL);
}

/*
 * An ICMP error of our own goes back only to the host whose packet it quotes; its connection was allowed once, or is being rejected. The family stands before
 * the protocol: nft would list it there if it stood behind. Redirects quote a packet too, but tell of a way around the gateway, and
 * send_redirects of "all" does not silence an interface that has its own.
 */
static void add_own_error_rules(struct builder *builder, struct chain *chain)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		struct rule *rule = chain_rule(builder, chain);

		match_any_bit(builder, rule, FIELD_CT_STATE, CT_RELATED);
		match(builder, rule, FIELD_NFPROTO, families[i].nfproto);
		match(builder, rule, FIELD_L4PROTO, families[i].echo_protocol);
		match_not(builder, rule, families[i].echo_field, families[i].redirect);
		match_not(builder, rule, FIELD_CT_MARK, 0);
		verdict(builder, rule, VERDICT_GOTO, admitted_out);
	}
}

/*
 * A process of the mail relay speaks with nobody on the gateway, neither first nor in answer: what a stranger's mail may have made of it would
 * find programs there that trust whoever comes from within.
 */
static void add_loopback_rules(struct builder *builder, struct chain *chain)
{
	struct rule *rule = chain_rule(builder, chain);

	match(builder, rule, FIELD_OIF, LOOPBACK_INDEX);
	use_set(builder, rule, STEP_LOOKUP, (struct key){ { FIELD_SKUID } }, "relay-users");
	refuse(builder, rule, REFUSE_LOOPBACK);
	rule = chain_rule(builder, chain);
	match(builder, rule, FIELD_OIF, LOOPBACK_INDEX);
	verdict(builder, rule, VERDICT_ACCEPT, NULL);
}

static void build_output(struct builder *builder)
{
	static const uint32_t own_icmp6[] = { ICMP6_NEIGHBOUR_SOLICIT, ICMP6_NEIGHBOUR_ADVERT, ICMP6_MLD_REPORT, ICMP6_MLD_DONE, ICMP6_MLD2_REPORT };
	struct chain *chain = add_base_chain(builder, "output", HOOK_NUMBER_OUTPUT, PRIORITY_FILTER, VERDICT_DROP);

	add_loopback_rules(builder, chain);
	for (size_t i = 0; i < sizeof(own_icmp6) / sizeof(own_icmp6[0]); i++)
		accept_icmp6(builder, chain, own_icmp6[i], FIELD_OIF, false);
	/* A local user may put a routing header on his packets without privilege, and would be led past the destination he may reach. */
	add_routing_header_guard(builder, chain);
	add_authentication_header_guard(builder, chain);
	add_state_guards(builder, chain);
	add_side_traffic_guard(builder, chain, false);
	add_next_hop_jump(builder, chain);
	add_live_rule(builder, chain, &local_out_key, "local-live", admitted_out);
	add_own_error_rules(builder, chain);
	add_beginning_guards(builder, chain);
	for (size_t i = 0; i < FAMILIES; i++) {
		goto_direction(builder, chain, &families[i], DIRECTION_ORIGINAL,
			       arena_printf(builder->arena, "local.out.%c", families[i].digit));
		goto_direction(builder, chain, &families[i], DIRECTION_REPLY,
			       arena_printf(builder->arena, "local.in.%c.reply", families[i].digit));
	}
	refuse(builder, chain_rule(builder, chain), REFUSE_EGRESS);
}

/* The services of the gateway: source, address of the gateway and port; what has no port is for every address of the gateway. */
static void add_local_in(struct builder *builder, const struct family_words *family)
{
	const char *map = arena_printf(builder->arena, "local.in%c", family->digit);
	const char *portless_map = arena_printf(builder->arena, "local.in.portless%c", family->digit);
	struct judgement judgement = {
		.family = family,
		.ported = { { FIELD_IIF, family->source, family->destination, FIELD_L4PROTO, FIELD_DPORT } },
		.portless = { { FIELD_IIF, family->source, FIELD_L4PROTO } },
		.range_map = map, .portless_map = portless_map,
		.live_key = local_in_key,
		.live_set = "local-live",
		.admitted_chain = admitted_in,
		.refuse_chain = refuse_chain(builder, REFUSE_LOCAL),
	};

	add_set(builder, map, judgement.ported, SET_DATA_MARK)->interval = true;
	add_set(builder, portless_map, judgement.portless, SET_DATA_MARK)->interval = true;
	fill_judging_chain(builder, add_chain(builder, arena_printf(builder->arena, "local.in.%c", family->digit)), &judgement);
	judgement.reply = true;
	judgement.ported = (struct key){ { FIELD_OIF, family->destination, family->source, FIELD_L4PROTO, FIELD_SPORT } };
	judgement.portless = (struct key){ { FIELD_OIF, family->destination, FIELD_L4PROTO } };
	judgement.live_key = local_out_key;
	judgement.admitted_chain = admitted_out;
	judgement.refuse_chain = refuse_chain(builder, REFUSE_EGRESS);
	fill_judging_chain(builder, add_chain(builder, arena_printf(builder->arena, "local.in.%c.reply", family->digit)), &judgement);
}

/*
 * What the gateway may begin, by user. The user is judged on a packet that has a socket; later ones go by their live mark, because the
 * tail of a closed socket has no user any more.
 */
static void add_local_out(struct builder *builder, const struct family_words *family)
{
	const char *map = arena_printf(builder->arena, "local.out%c", family->digit);
	const char *portless_map = arena_printf(builder->arena, "local.out.portless%c", family->digit);
	struct judgement judgement = {
		.family = family,
		.ported = { { FIELD_SKUID, FIELD_OIF, family->destination, FIELD_L4PROTO, FIELD_DPORT } },
		.portless = { { FIELD_SKUID, FIELD_OIF, family->destination, FIELD_L4PROTO } },
		.range_map = map, .portless_map = portless_map,
		.live_key = local_out_key,
		.live_set = "local-live",
		.admitted_chain = admitted_out,
		.refuse_chain = refuse_chain(builder, REFUSE_EGRESS),
	};

	add_set(builder, map, judgement.ported, SET_DATA_MARK)->interval = true;
	add_set(builder, portless_map, judgement.portless, SET_DATA_MARK)->interval = true;
	fill_judging_chain(builder, add_chain(builder, arena_printf(builder->arena, "local.out.%c", family->digit)), &judgement);
}

static void build_inet(struct builder *builder)
{
	add_interface_set(builder, "ports", zone_is_any);
	add_interface_set(builder, "uplinks", zone_is_uplink);
	add_interface_set(builder, "guarded", zone_is_guarded);
	add_set(builder, "relay-users", (struct key){ { FIELD_SKUID } }, SET_DATA_NONE);
	add_set(builder, "live", live_key, SET_DATA_NONE)->timeout = true;
	add_set(builder, "local-live", local_in_key, SET_DATA_NONE)->timeout = true;
	for (int i = 0; i < REFUSE_COUNT; i++)
		add_refuse_chain(builder, (enum refusal)i);
	add_reject_chain(builder);
	add_quiet_chain(builder);
	build_source(builder);
	build_crowded(builder);
	build_admitted(builder);
	build_forward(builder);
	build_related(builder);
	build_next_hop(builder);
	build_pairs(builder);
	build_input(builder);
	build_output(builder);
	for (size_t i = 0; i < FAMILIES; i++) {
		add_local_in(builder, &families[i]);
		add_local_out(builder, &families[i]);
	}
}

static struct link_table copy_links(struct arena *arena, const struct link_table *links)
{
	struct link_table copy = { .items = arena_array(arena, links->count, sizeof(*links->items)), .count = links->count };

	if (links->count)
		memcpy(copy.items, links->items, links->count * sizeof(*links->items));
	return copy;
}

struct ruleset *program_build(struct arena *arena, const struct program_input *input)
{
	static const struct {
		enum family family;
		void (*build)(struct builder *builder);
	} parts[] = { { FAMILY_INET, build_inet }, { FAMILY_NETDEV, build_netdev }, { FAMILY_BRIDGE, build_bridge } };
	struct ruleset *ruleset = arena_alloc(arena, sizeof(*ruleset));

	ruleset->table_count = sizeof(parts) / sizeof(parts[0]);
	ruleset->tables = arena_array(arena, ruleset->table_count, sizeof(*ruleset->tables));
	ruleset->links = copy_links(arena, input->links);
	for (size_t i = 0; i < ruleset->table_count; i++) {
		struct builder builder = { .arena = arena, .input = input, .table = &ruleset->tables[i] };

		ruleset->tables[i].family = parts[i].family;
		ruleset->tables[i].name = "sekisho";
		parts[i].build(&builder);
		sort_table(&ruleset->tables[i]);
	}
	return ruleset;
}

static bool zone_of_word(const struct program_input *input, const char *word, size_t length, uint32_t *ret_zone)
{
	for (size_t i = 0; i < input->zone_count; i++) {
		if (strlen(input->zones[i].name) == length && memcmp(input->zones[i].name, word, length) == 0) {
			*ret_zone = (uint32_t)i;
			return true;
		}
	}
	return false;
}

bool program_pair_of_name(const struct program_input *input, const char *name, uint32_t *ret_from, uint32_t *ret_to)
{
	const char *first = strchr(name, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;

	return second && zone_of_word(input, name, (size_t)(first - name), ret_from) &&
	       zone_of_word(input, first + 1, (size_t)(second - first - 1), ret_to);
}
