/*
 * evaluate: an interpreter of the ruleset that ends rules where the kernel ends them (nft_do_chain and the
 * expressions it runs).
 *
 * Three things decide most mistakes, so they stand together here: what a packet does not have at a hook
 * (packet_at_hook), which field is absent (packet_field), and that a rule which asks for something absent
 * ends without a verdict, whatever it asked (NFT_BREAK). A ruleset the kernel would not have loaded (a
 * dangling name, an endless goto) drops.
 */
#include "ruleset/evaluate.h"

#include <string.h>

enum {
	JUMP_DEPTH_MAX = 16,		/* the kernel's NFT_JUMP_STACK_SIZE */
	CHAIN_ENTRIES_MAX = 65536,	/* the kernel loads no loops; a ruleset that was only handed over may have one */
	CONNTRACK_PRIORITY = -200,	/* NF_IP_PRI_CONNTRACK, in prerouting and output */
	LINK_ETHERNET = 1, LINK_LOOPBACK = 772, /* ARPHRD_* of interfaces whose packets have an Ethernet header */
	PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_ICMP6 = 58,
	KEY_ROOM_BYTES = RULESET_KEY_FIELDS_MAX * 16,
};

/* Where a chain is being read. */
struct position {
	const struct chain *chain;
	size_t next_rule;
};

/* One base chain at work. */
struct run {
	struct arena *arena;
	const struct table *table;
	enum hook_point hook;
	int64_t now;
	struct packet packet;	/* as this base chain sees it */
	struct trail *trail;
	bool rejected;
};

enum outcome { OUTCOME_GO_ON, OUTCOME_RULE_ENDS, OUTCOME_VERDICT };

/* A hook with the base chains that hang there, in the order the kernel calls them. */
struct hooked_chain {
	const struct table *table;
	const struct chain *chain;
};

static void put_u16(uint8_t *value, uint32_t number)
{
	value[0] = (uint8_t)(number >> 8);
	value[1] = (uint8_t)number;
}

static void put_u32(uint8_t *value, uint32_t number)
{
	put_u16(value, number >> 16);
	put_u16(value + 2, number);
}

static uint32_t get_u32(const uint8_t *value)
{
	return (uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 | (uint32_t)value[2] << 8 | value[3];
}

/*
 * Conntrack has an entry for it. Without one, ct state reads as invalid or untracked and everything else of
 * ct is absent.
 */
static bool packet_is_tracked(const struct packet *packet)
{
	return packet->ct_state && !(packet->ct_state & (CT_INVALID | CT_UNTRACKED));
}

static bool packet_has_ether(const struct packet *packet)
{
	return packet->iif && (packet->iiftype == LINK_ETHERNET || packet->iiftype == LINK_LOOPBACK);
}

static bool conntrack_field(const struct packet *packet, enum field field, uint8_t *value)
{
	if (field == FIELD_CT_STATE) {
		uint32_t without = packet->ct_state & CT_UNTRACKED ? CT_UNTRACKED : CT_INVALID;

		put_u32(value, packet_is_tracked(packet) ? packet->ct_state : without);
		return true;
	}
	if (!packet_is_tracked(packet))
		return false;
	if (field == FIELD_CT_DIRECTION)
		value[0] = packet->ct_direction;
	else
		put_u32(value, field == FIELD_CT_STATUS ? packet->ct_status : packet->ct_mark);
	return true;
}

/* meta: what is known of the packet outside its bytes. */
static bool meta_field(const struct packet *packet, enum field field, uint8_t *value)
{
	switch (field) {
	case FIELD_IIF:
		put_u32(value, packet->iif);
		return true;
	case FIELD_OIF:
		put_u32(value, packet->oif);
		return true;
	case FIELD_IIFTYPE:
		put_u16(value, packet->iiftype);
		return packet->iif != 0;
	case FIELD_NFPROTO:
		value[0] = packet->source.family == 4 ? NFPROTO_V4 : NFPROTO_V6;
		return packet->source.family != 0;
	case FIELD_L4PROTO:
		value[0] = packet->protocol;
		return packet->source.family != 0;
	case FIELD_SKUID:
		put_u32(value, packet->skuid);
		return packet->has_skuid;
	default:
		value[0] = packet->pkttype;
		return true;
	}
}

static bool ether_field(const struct packet *packet, enum field field, uint8_t *value)
{
	if (field == FIELD_ETHER_TYPE)
		put_u16(value, packet->ether_type);
	else
		memcpy(value, packet->ether_saddr.bytes, sizeof(packet->ether_saddr.bytes));
	return packet_has_ether(packet);
}

/* An address as the field wants it; absent when the packet is of the other family. */
static bool address_value(const struct netaddr *address, uint8_t family, uint8_t *value)
{
	if (address->family != family)
		return false;
	memcpy(value, address->bytes, family == 4 ? 4 : 16);
	return true;
}

static bool network_field(const struct packet *packet, enum field field, uint8_t *value)
{
	switch (field) {
	case FIELD_IP_SADDR:
		return address_value(&packet->source, 4, value);
	case FIELD_IP_DADDR:
		return address_value(&packet->destination, 4, value);
	case FIELD_IP6_SADDR:
		return address_value(&packet->source, 6, value);
	case FIELD_IP6_DADDR:
		return address_value(&packet->destination, 6, value);
	case FIELD_RT_NEXTHOP4:
		return packet->source.family == 4 && address_value(&packet->next_hop, 4, value);
	case FIELD_RT_NEXTHOP6:
		return packet->source.family == 6 && address_value(&packet->next_hop, 6, value);
	case FIELD_IP6_HOPLIMIT:
		value[0] = packet->hoplimit;
		return packet->source.family == 6;
	default:
		value[0] = packet->routing_header;
		return packet->source.family == 6;
	}
}

static bool transport_field(const struct packet *packet, enum field field, uint8_t *value)
{
	if (!packet->source.family || !packet->has_ports)
		return false;
	switch (field) {
	case FIELD_SPORT:
		put_u16(value, packet->sport);
		return true;
	case FIELD_DPORT:
		put_u16(value, packet->dport);
		return true;
	case FIELD_TCP_FLAGS:
		value[0] = packet->tcp_flags;
		return packet->protocol == PROTOCOL_TCP;
	case FIELD_ICMP_TYPE:
		value[0] = packet->icmp_type;
		return packet->protocol == PROTOCOL_ICMP;
	default:
		value[0] = packet->icmp_type;
		return packet->protocol == PROTOCOL_ICMP6;
	}
}

bool packet_field(const struct packet *packet, enum field field, uint8_t value[static 16])
{
	memset(value, 0, 16);
	switch (field) {
	case FIELD_IIF: case FIELD_OIF: case FIELD_IIFTYPE: case FIELD_NFPROTO: case FIELD_L4PROTO: case FIELD_SKUID:
	case FIELD_PKTTYPE:
		return meta_field(packet, field, value);
	case FIELD_CT_STATE: case FIELD_CT_STATUS: case FIELD_CT_DIRECTION: case FIELD_CT_MARK:
		return conntrack_field(packet, field, value);
	case FIELD_ETHER_TYPE: case FIELD_ETHER_SADDR:
		return ether_field(packet, field, value);
	case FIELD_IP_SADDR: case FIELD_IP_DADDR: case FIELD_IP6_SADDR: case FIELD_IP6_DADDR: case FIELD_IP6_HOPLIMIT:
	case FIELD_RT_NEXTHOP4: case FIELD_RT_NEXTHOP6: case FIELD_IP6_ROUTING:
		return network_field(packet, field, value);
	case FIELD_SPORT: case FIELD_DPORT: case FIELD_TCP_FLAGS: case FIELD_ICMP_TYPE: case FIELD_ICMP6_TYPE:
		return transport_field(packet, field, value);
	case FIELD_NONE: case FIELD_COUNT:
		break;
	}
	return false;
}

/*
 * The packet as it is at this hook: no way out is known before routing, none in on the way out, and no
 * connection before conntrack.
 */
static struct packet packet_at_hook(const struct packet *packet, enum hook_point hook, int32_t priority)
{
	struct packet seen = *packet;
	bool before_conntrack = priority < CONNTRACK_PRIORITY && (hook == HOOK_PREROUTING || hook == HOOK_OUTPUT);

	if (hook == HOOK_OUTPUT)
		seen.iif = 0;
	if (hook == HOOK_INGRESS || hook == HOOK_PREROUTING || hook == HOOK_INPUT)
		seen.oif = 0;
	if (hook == HOOK_INGRESS || hook == HOOK_PREROUTING)
		seen.next_hop = (struct netaddr){ .family = 0 };
	if (hook != HOOK_INPUT && hook != HOOK_OUTPUT)
		seen.has_skuid = false;
	if (hook == HOOK_INGRESS || before_conntrack)
		seen.ct_state = CT_INVALID;
	return seen;
}

static void trail_add(struct run *run, const struct chain *chain, const struct rule *rule, const struct set *set,
		      const struct element *element)
{
	struct trail *trail = run->trail;

	trail->steps = arena_grow(run->arena, trail->steps, trail->count, &trail->capacity, sizeof(*trail->steps));
	trail->steps[trail->count++] = (struct trail_step){ run->hook, chain, rule, set, element };
}

static enum outcome match_step(const struct run *run, const struct step *step)
{
	uint8_t value[16];
	bool equal = true;

	if (!packet_field(&run->packet, step->field, value))
		return OUTCOME_RULE_ENDS;
	for (size_t i = 0; i < field_size(step->field); i++)
		equal = equal && (value[i] & step->mask[i]) == step->value[i];
	return equal == (step->op == MATCH_EQ) ? OUTCOME_GO_ON : OUTCOME_RULE_ENDS;
}

/* The key of this packet; false when a field of it is absent. */
static bool key_of_packet(const struct packet *packet, const struct key *key, uint8_t bytes[static KEY_ROOM_BYTES])
{
	size_t offset = 0;

	memset(bytes, 0, KEY_ROOM_BYTES);
	for (size_t i = 0; i < key_field_count(key); i++) {
		uint8_t value[16];

		if (!packet_field(packet, key->fields[i], value))
			return false;
		memcpy(bytes + offset, value, field_size(key->fields[i]));
		offset += field_slot(key->fields[i]);
	}
	return true;
}

/*
 * Looks the step's key up: OUTCOME_GO_ON and the element; OUTCOME_RULE_ENDS: not there; OUTCOME_VERDICT: no
 * such set, the packet is dropped.
 */
static enum outcome lookup_step(struct run *run, const struct position *at, const struct step *step,
				const struct element **ret_element)
{
	const struct set *set = step->set ? table_set(run->table, step->set) : NULL;
	const struct element *element;
	uint8_t key[KEY_ROOM_BYTES];

	if (!set || key_size(&set->key) != key_size(&step->key))
		return OUTCOME_VERDICT;
	if (!key_of_packet(&run->packet, &step->key, key))
		return OUTCOME_RULE_ENDS;
	element = set_find(set, key);
	if (!element || (element->expires_at && element->expires_at <= run->now))
		return OUTCOME_RULE_ENDS;
	trail_add(run, at->chain, &at->chain->rules[at->next_rule], set, element);
	*ret_element = element;
	return OUTCOME_GO_ON;
}

/* A mark without a connection is set nowhere; the rule goes on all the same. */
static void set_mark(struct run *run, uint32_t mark)
{
	if (packet_is_tracked(&run->packet))
		run->packet.ct_mark = mark;
}

static enum outcome run_lookup_step(struct run *run, const struct position *at, const struct step *step,
				    struct verdict *verdict)
{
	const struct element *element = NULL;
	enum outcome outcome = lookup_step(run, at, step, &element);

	if (outcome != OUTCOME_GO_ON)
		return outcome;
	if (step->kind == STEP_SET_MARK)
		set_mark(run, element->mark);
	if (step->kind != STEP_VMAP || element->verdict.kind == VERDICT_NONE)
		return OUTCOME_GO_ON;
	*verdict = element->verdict;
	return OUTCOME_VERDICT;
}

/* *verdict is a drop when it comes in, so that what is not understood drops. */
static enum outcome run_step(struct run *run, const struct position *at, const struct step *step,
			     struct verdict *verdict)
{
	switch (step->kind) {
	case STEP_MATCH:
		return match_step(run, step);
	case STEP_LOOKUP: case STEP_VMAP: case STEP_SET_MARK:
		return run_lookup_step(run, at, step, verdict);
	case STEP_SET_MARK_VALUE:
		set_mark(run, get_u32(step->value));
		return OUTCOME_GO_ON;
	case STEP_COUNTER: case STEP_LIMIT: case STEP_LOG:
		return OUTCOME_GO_ON;
	case STEP_REJECT:
		run->rejected = true;
		return OUTCOME_VERDICT;
	case STEP_VERDICT:
		if (step->verdict.kind == VERDICT_NONE)
			return OUTCOME_GO_ON;
		*verdict = step->verdict;
		return OUTCOME_VERDICT;
	}
	return OUTCOME_VERDICT;
}

/*
 * The verdict of one rule; VERDICT_NONE: it ended without one. A rule whose lookup hit is in the trail
 * already and is not noted twice.
 */
static struct verdict run_rule(struct run *run, const struct position *at)
{
	const struct rule *rule = &at->chain->rules[at->next_rule];
	size_t noted = run->trail->count;

	for (size_t i = 0; i < rule->step_count; i++) {
		struct verdict verdict = { .kind = VERDICT_DROP };
		enum outcome outcome = run_step(run, at, &rule->steps[i], &verdict);

		if (outcome == OUTCOME_RULE_ENDS)
			break;
		if (outcome == OUTCOME_GO_ON)
			continue;
		if (run->trail->count == noted)
			trail_add(run, at->chain, rule, NULL, NULL);
		return verdict;
	}
	return (struct verdict){ .kind = VERDICT_NONE };
}

/* Reads on in the chain until a rule has a verdict; VERDICT_RETURN at the chain's end. */
static struct verdict run_chain_on(struct run *run, struct position *at)
{
	while (at->next_rule < at->chain->rule_count) {
		struct verdict verdict = run_rule(run, at);

		at->next_rule++;
		if (verdict.kind != VERDICT_NONE)
			return verdict;
	}
	return (struct verdict){ .kind = VERDICT_RETURN };
}

/* True when the base chain lets the packet pass. */
static bool run_base_chain(struct run *run, const struct chain *base)
{
	struct position callers[JUMP_DEPTH_MAX];
	struct position at = { .chain = base };
	size_t depth = 0;

	for (size_t entries = 0; entries < CHAIN_ENTRIES_MAX;) {
		struct verdict verdict = run_chain_on(run, &at);

		if (verdict.kind == VERDICT_ACCEPT || verdict.kind == VERDICT_DROP)
			return verdict.kind == VERDICT_ACCEPT;
		if (verdict.kind == VERDICT_RETURN && depth == 0) {
			trail_add(run, base, NULL, NULL, NULL);
			return base->hook.policy == VERDICT_ACCEPT;
		}
		if (verdict.kind == VERDICT_RETURN) {
			at = callers[--depth];
			continue;
		}
		if (verdict.kind == VERDICT_JUMP && depth == JUMP_DEPTH_MAX)
			return false;
		if (verdict.kind == VERDICT_JUMP)
			callers[depth++] = at;
		at = (struct position){ .chain = verdict.chain ? table_chain(run->table, verdict.chain) : NULL };
		if (!at.chain)
			return false;
		entries++;
	}
	return false;
}

static bool chain_hangs_at(const struct table *table, const struct chain *chain, enum hook_point hook,
			   const char *device)
{
	static const uint32_t numbers[] = {
		[HOOK_INGRESS] = 0, [HOOK_PREROUTING] = 0, [HOOK_FORWARD] = 2, [HOOK_INPUT] = 1, [HOOK_OUTPUT] = 3, [HOOK_BRIDGE] = 2,
	};

	if (!chain->hook.base || table->dormant || hook == HOOK_OTHER || chain->hook.number != numbers[hook])
		return false;
	if (hook == HOOK_INGRESS)
		return table->family == FAMILY_NETDEV && device && chain->hook.device && !strcmp(chain->hook.device, device);
	return table->family == (hook == HOOK_BRIDGE ? FAMILY_BRIDGE : FAMILY_INET);
}

/* The base chains of a hook by rising priority. An accept in one does not spare the packet the next. */
static struct hooked_chain *hooked_chains(struct arena *arena, const struct ruleset *ruleset, enum hook_point hook,
					  const char *device, size_t *ret_count)
{
	struct hooked_chain *chains = NULL;
	size_t count = 0, capacity = 0;

	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct table *table = &ruleset->tables[t];

		for (size_t c = 0; c < table->chain_count; c++) {
			const struct chain *chain = &table->chains[c];
			int32_t priority = chain->hook.priority;
			size_t place;

			if (!chain_hangs_at(table, chain, hook, device))
				continue;
			chains = arena_grow(arena, chains, count, &capacity, sizeof(*chains));
			for (place = count++; place > 0 && chains[place - 1].chain->hook.priority > priority; place--)
				chains[place] = chains[place - 1];
			chains[place] = (struct hooked_chain){ table, chain };
		}
	}
	*ret_count = count;
	return chains;
}

/* One hook point; evaluation->ct_mark goes in and out. */
static void run_hook(struct arena *arena, const struct ruleset *ruleset, enum hook_point hook,
		     const struct packet *packet, int64_t now, struct evaluation *evaluation)
{
	const char *device = hook == HOOK_INGRESS ? link_name(&ruleset->links, packet->iif) : NULL;
	size_t count = 0;
	struct hooked_chain *chains = hooked_chains(arena, ruleset, hook, device, &count);

	evaluation->accepted = true;
	for (size_t i = 0; i < count && evaluation->accepted; i++) {
		const struct chain *base = chains[i].chain;
		struct run run = {
			.arena = arena, .table = chains[i].table, .hook = hook, .now = now, .trail = &evaluation->trail,
		};

		run.packet = packet_at_hook(packet, hook, base->hook.priority);
		run.packet.ct_mark = evaluation->ct_mark;
		evaluation->accepted = run_base_chain(&run, base);
		evaluation->rejected = run.rejected;
		evaluation->ct_mark = run.packet.ct_mark;
	}
}

struct evaluation evaluate_hook(struct arena *arena, const struct ruleset *ruleset, enum hook_point hook,
				const struct packet *packet, int64_t now)
{
	return evaluate_path(arena, ruleset, &hook, 1, packet, now);
}

struct evaluation evaluate_path(struct arena *arena, const struct ruleset *ruleset, const enum hook_point *hooks,
				size_t hook_count, const struct packet *packet, int64_t now)
{
	struct evaluation evaluation = { .accepted = true, .ct_mark = packet->ct_mark };

	for (size_t i = 0; i < hook_count && evaluation.accepted; i++)
		run_hook(arena, ruleset, hooks[i], packet, now, &evaluation);
	return evaluation;
}
