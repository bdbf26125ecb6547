/* expressions: rules as nf_tables expressions. */
#include "kernel/expressions.h"

#include <netinet/in.h>	/* before linux/netfilter.h, which then leaves its own copy out */

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

static const struct field_source field_sources[FIELD_COUNT] = {
	[FIELD_IIF] = { SOURCE_META, NFT_META_IIF, 0, true, 20 },
	[FIELD_OIF] = { SOURCE_META, NFT_META_OIF, 0, true, 20 },
	[FIELD_IIFTYPE] = { SOURCE_META, NFT_META_IIFTYPE, 0, true, 21 },
	[FIELD_NFPROTO] = { SOURCE_META, NFT_META_NFPROTO, 0, false, 2 },
	[FIELD_L4PROTO] = { SOURCE_META, NFT_META_L4PROTO, 0, false, 12 },
	[FIELD_SKUID] = { SOURCE_META, NFT_META_SKUID, 0, true, 24 },
	[FIELD_PKTTYPE] = { SOURCE_META, NFT_META_PKTTYPE, 0, false, 31 },
	[FIELD_CT_STATE] = { SOURCE_CT, NFT_CT_STATE, 0, true, 26 },
	[FIELD_CT_STATUS] = { SOURCE_CT, NFT_CT_STATUS, 0, true, 28 },
	[FIELD_CT_DIRECTION] = { SOURCE_CT, NFT_CT_DIRECTION, 0, false, 27 },
	[FIELD_CT_MARK] = { SOURCE_CT, NFT_CT_MARK, 0, true, MARK_TYPE },
	[FIELD_ETHER_TYPE] = { SOURCE_PAYLOAD, NFT_PAYLOAD_LL_HEADER, 12, false, 10 },
	[FIELD_ETHER_SADDR] = { SOURCE_PAYLOAD, NFT_PAYLOAD_LL_HEADER, 6, false, 9 },
	[FIELD_IP_SADDR] = { SOURCE_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 12, false, 7 },
	[FIELD_IP_DADDR] = { SOURCE_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 16, false, 7 },
	[FIELD_IP6_SADDR] = { SOURCE_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 8, false, 8 },
	[FIELD_IP6_DADDR] = { SOURCE_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 24, false, 8 },
	[FIELD_IP6_HOPLIMIT] = { SOURCE_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 7, false, 4 },
	[FIELD_SPORT] = { SOURCE_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 0, false, 13 },
	[FIELD_DPORT] = { SOURCE_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 2, false, 13 },
	[FIELD_TCP_FLAGS] = { SOURCE_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 13, false, 15 },
	[FIELD_ICMP_TYPE] = { SOURCE_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 0, false, 14 },
	[FIELD_ICMP6_TYPE] = { SOURCE_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 0, false, 29 },
	[FIELD_RT_NEXTHOP4] = { SOURCE_RT, NFT_RT_NEXTHOP4, 0, false, 7 },
	[FIELD_RT_NEXTHOP6] = { SOURCE_RT, NFT_RT_NEXTHOP6, 0, false, 8 },
	[FIELD_IP6_ROUTING] = { SOURCE_EXTHDR, IPPROTO_ROUTING, 0, false, 4 },
};

const struct field_source *field_source(enum field field)
{
	return &field_sources[field];
}

uint32_t register_of_slot(size_t slot)
{
	return (uint32_t)(slot % 4 == 0 ? NFT_REG_1 + slot / 4 : NFT_REG32_00 + slot);
}

int slot_of_register(uint32_t number)
{
	if (number >= NFT_REG_1 && number <= NFT_REG_4)
		return (int)(number - NFT_REG_1) * 4;
	if (number >= NFT_REG32_00 && number <= NFT_REG32_15)
		return (int)(number - NFT_REG32_00);
	return -1;
}

void bytes_swap_order(uint8_t *bytes, size_t size)
{
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		return;
	for (size_t i = 0; i < size / 2; i++) {
		uint8_t byte = bytes[i];

		bytes[i] = bytes[size - 1 - i];
		bytes[size - 1 - i] = byte;
	}
}

void key_swap_order(const struct set *set, const uint8_t *key, uint8_t *ret_key)
{
	const size_t count = key_field_count(&set->key);
	size_t at = 0;

	memcpy(ret_key, key, key_size(&set->key));
	if (set->interval)
		return;
	for (size_t i = 0; i < count; i++) {
		if (field_source(set->key.fields[i])->host_order)
			bytes_swap_order(ret_key + at, field_size(set->key.fields[i]));
		at += field_slot(set->key.fields[i]);
	}
}

static const int32_t verdict_numbers[] = {
	[VERDICT_ACCEPT] = NF_ACCEPT, [VERDICT_DROP] = NF_DROP, [VERDICT_RETURN] = NFT_RETURN,
	[VERDICT_JUMP] = NFT_JUMP, [VERDICT_GOTO] = NFT_GOTO,
};

int32_t verdict_number(enum verdict_kind kind)
{
	return verdict_numbers[kind];
}

enum verdict_kind verdict_of_number(int32_t number)
{
	for (enum verdict_kind kind = VERDICT_ACCEPT; kind <= VERDICT_GOTO; kind++) {
		if (verdict_numbers[kind] == number)
			return kind;
	}
	return VERDICT_NONE;
}

static struct nftnl_expr *expression_new(const char *name)
{
	struct nftnl_expr *expression = nftnl_expr_alloc(name);

	if (!expression)
		arena_exhausted();
	return expression;
}

static void put_payload(struct nftnl_rule *out, const struct field_source *source, size_t bytes,
			uint32_t destination)
{
	struct nftnl_expr *load = expression_new("payload");

	nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_BASE, source->key);
	nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_OFFSET, source->offset);
	nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_LEN, (uint32_t)bytes);
	nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_DREG, destination);
	nftnl_rule_add_expr(out, load);
}

/* Whether an extension header of this kind is there: 1 or 0. */
static void put_header_exists(struct nftnl_rule *out, const struct field_source *source, uint32_t destination)
{
	struct nftnl_expr *load = expression_new("exthdr");

	nftnl_expr_set_u32(load, NFTNL_EXPR_EXTHDR_DREG, destination);
	nftnl_expr_set_u8(load, NFTNL_EXPR_EXTHDR_TYPE, (uint8_t)source->key);
	nftnl_expr_set_u32(load, NFTNL_EXPR_EXTHDR_OFFSET, 0);
	nftnl_expr_set_u32(load, NFTNL_EXPR_EXTHDR_LEN, 1);
	nftnl_expr_set_u32(load, NFTNL_EXPR_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT);
	nftnl_expr_set_u32(load, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
	nftnl_rule_add_expr(out, load);
}

/* meta, ct and rt have a key and a destination and nothing else. */
static void put_keyed(struct nftnl_rule *out, const char *name, uint16_t key_attribute, uint32_t key,
		      uint16_t register_attribute, uint32_t destination)
{
	struct nftnl_expr *load = expression_new(name);

	nftnl_expr_set_u32(load, key_attribute, key);
	nftnl_expr_set_u32(load, register_attribute, destination);
	nftnl_rule_add_expr(out, load);
}

/* Loads the first bytes of a field. */
static void put_load(struct nftnl_rule *out, enum field field, size_t bytes, size_t slot)
{
	const struct field_source *source = field_source(field);
	const uint32_t destination = register_of_slot(slot);

	switch (source->kind) {
	case SOURCE_META:
		put_keyed(out, "meta", NFTNL_EXPR_META_KEY, source->key, NFTNL_EXPR_META_DREG, destination);
		break;
	case SOURCE_CT:
		put_keyed(out, "ct", NFTNL_EXPR_CT_KEY, source->key, NFTNL_EXPR_CT_DREG, destination);
		break;
	case SOURCE_RT:
		put_keyed(out, "rt", NFTNL_EXPR_RT_KEY, source->key, NFTNL_EXPR_RT_DREG, destination);
		break;
	case SOURCE_PAYLOAD:
		put_payload(out, source, bytes, destination);
		break;
	case SOURCE_EXTHDR:
		put_header_exists(out, source, destination);
		break;
	case SOURCE_NONE:
		break;
	}
}

static void put_byteorder(struct nftnl_rule *out, size_t slot, size_t bytes)
{
	struct nftnl_expr *turn = expression_new("byteorder");

	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_SREG, register_of_slot(slot));
	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_DREG, register_of_slot(slot));
	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_LEN, (uint32_t)bytes);
	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_SIZE, (uint32_t)bytes);
	nftnl_rule_add_expr(out, turn);
}

/*
 * The bytes of an address that a mask of whole leading bytes covers: nft loads only those. The full size for
 * any other field or mask.
 */
static size_t match_bytes(const struct step *step)
{
	const size_t size = field_size(step->field);
	const struct field_source *source = field_source(step->field);
	size_t bytes = 0;

	if (source->type != field_source(FIELD_IP_SADDR)->type &&
	    source->type != field_source(FIELD_IP6_SADDR)->type)
		return size;
	if (source->kind != SOURCE_PAYLOAD)
		return size;
	while (bytes < size && step->mask[bytes] == 0xff)
		bytes++;
	for (size_t i = bytes; i < size; i++) {
		if (step->mask[i] != 0)
			return size;
	}
	return bytes ? bytes : size;
}

static void put_mask(struct nftnl_rule *out, const uint8_t *mask, size_t bytes)
{
	static const uint8_t zeros[16];
	struct nftnl_expr *bitwise = expression_new("bitwise");

	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, (uint32_t)bytes);
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, mask, (uint32_t)bytes);
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, zeros, (uint32_t)bytes);
	nftnl_rule_add_expr(out, bitwise);
}

static void put_match(struct nftnl_rule *out, const struct step *step)
{
	const size_t bytes = match_bytes(step);
	struct nftnl_expr *compare = expression_new("cmp");
	uint8_t mask[16], value[16];
	bool masked = false;

	memcpy(mask, step->mask, sizeof(mask));
	memcpy(value, step->value, sizeof(value));
	for (size_t i = 0; i < bytes; i++)
		masked |= mask[i] != 0xff;
	if (field_source(step->field)->host_order) {
		bytes_swap_order(mask, bytes);
		bytes_swap_order(value, bytes);
	}
	put_load(out, step->field, bytes, 0);
	if (masked)
		put_mask(out, mask, bytes);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, step->op == MATCH_EQ ? NFT_CMP_EQ : NFT_CMP_NEQ);
	nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, value, (uint32_t)bytes);
	nftnl_rule_add_expr(out, compare);
}

/* Loads the key of a step and looks it up. */
static void put_lookup(struct nftnl_rule *out, const struct table *table, const struct step *step)
{
	const struct set *set = table_set(table, step->set);
	struct nftnl_expr *lookup = expression_new("lookup");
	const size_t count = key_field_count(&step->key);
	size_t slot = 0;

	for (size_t i = 0; i < count; i++) {
		const enum field field = step->key.fields[i];
		const size_t size = field_size(field);

		put_load(out, field, size, slot);
		if (set && set->interval && field_source(field)->host_order)
			put_byteorder(out, slot, size);
		slot += field_slot(field) / 4;
	}
	nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, step->set);
	if (step->kind == STEP_VMAP)
		nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	if (step->kind == STEP_SET_MARK)
		nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	nftnl_rule_add_expr(out, lookup);
}

static void put_set_mark(struct nftnl_rule *out)
{
	struct nftnl_expr *set = expression_new("ct");

	nftnl_expr_set_u32(set, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
	nftnl_expr_set_u32(set, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	nftnl_rule_add_expr(out, set);
}

static void put_mark_value(struct nftnl_rule *out, const struct step *step)
{
	struct nftnl_expr *immediate = expression_new("immediate");
	uint8_t value[4];

	memcpy(value, step->value, sizeof(value));
	bytes_swap_order(value, sizeof(value));
	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, value, sizeof(value));
	nftnl_rule_add_expr(out, immediate);
	put_set_mark(out);
}

static void put_limit(struct nftnl_rule *out, const struct step *step)
{
	struct nftnl_expr *limit = expression_new("limit");

	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, step->rate);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, step->burst);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_FLAGS, 0);
	nftnl_rule_add_expr(out, limit);
}

static void put_log(struct nftnl_rule *out, const struct step *step)
{
	struct nftnl_expr *log = expression_new("log");

	nftnl_expr_set_str(log, NFTNL_EXPR_LOG_PREFIX, step->text);
	nftnl_expr_set_u16(log, NFTNL_EXPR_LOG_GROUP, RULESET_NFLOG_GROUP);
	nftnl_expr_set_u16(log, NFTNL_EXPR_LOG_QTHRESHOLD, LOG_QUEUE_THRESHOLD);
	nftnl_rule_add_expr(out, log);
}

static void put_reject(struct nftnl_rule *out)
{
	struct nftnl_expr *reject = expression_new("reject");

	nftnl_expr_set_u32(reject, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
	nftnl_expr_set_u8(reject, NFTNL_EXPR_REJECT_CODE, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	nftnl_rule_add_expr(out, reject);
}

static void put_verdict(struct nftnl_rule *out, const struct verdict *verdict)
{
	struct nftnl_expr *immediate = expression_new("immediate");

	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict_number(verdict->kind));
	if (verdict->chain)
		nftnl_expr_set_str(immediate, NFTNL_EXPR_IMM_CHAIN, verdict->chain);
	nftnl_rule_add_expr(out, immediate);
}

/* One step. */
static void put_step(struct nftnl_rule *out, const struct table *table, const struct step *step)
{
	switch (step->kind) {
	case STEP_MATCH:
		put_match(out, step);
		break;
	case STEP_LOOKUP:
	case STEP_VMAP:
		put_lookup(out, table, step);
		break;
	case STEP_SET_MARK:
		put_lookup(out, table, step);
		put_set_mark(out);
		break;
	case STEP_SET_MARK_VALUE:
		put_mark_value(out, step);
		break;
	case STEP_COUNTER:
		nftnl_rule_add_expr(out, expression_new("counter"));
		break;
	case STEP_LIMIT:
		put_limit(out, step);
		break;
	case STEP_LOG:
		put_log(out, step);
		break;
	case STEP_REJECT:
		put_reject(out);
		break;
	case STEP_VERDICT:
		put_verdict(out, &step->verdict);
		break;
	}
}

void expressions_put(struct nftnl_rule *out, const struct table *table, const struct rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		put_step(out, table, &rule->steps[i]);
}
