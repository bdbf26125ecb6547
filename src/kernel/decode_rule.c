/* decode_rule: the symbolic run of a rule's expressions. */
#include "kernel/decode_rule.h"

#include <errno.h>
#include <netinet/in.h>	/* before linux/netfilter.h, which then leaves its own copy out */

#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "kernel/expressions.h"

enum {
	VALUES_MAX = 64,	/* loads in one rule: no rule of RULESET_STEPS_MAX steps has more */
	FIELD_BYTES_MAX = 16,
};

enum value_kind { VALUE_FIELD, VALUE_CONSTANT, VALUE_MAP_RESULT };

/* What a register holds. */
struct value {
	enum value_kind kind;
	enum field field;
	size_t bytes;		/* how much of the field was loaded, from its beginning */
	bool network_order;
	bool masked;
	uint8_t mask[FIELD_BYTES_MAX]; /* network order */
	uint8_t constant[4];	/* VALUE_CONSTANT, as in the register */
	struct key key;		/* VALUE_MAP_RESULT */
	const char *set;	/* VALUE_MAP_RESULT */
	bool used; /* what was loaded for nothing may still end the rule, so it is not understood */
};

struct register_slot {
	struct value *value;	/* NULL: nothing was loaded */
	size_t part;		/* which 4 bytes of it */
};

struct decoder {
	struct arena *arena;
	const struct table *table;
	struct value values[VALUES_MAX];
	size_t value_count;
	struct register_slot slots[REGISTER_SLOTS];
	struct step steps[RULESET_STEPS_MAX];
	size_t step_count;
	const struct value *pending;	/* the result of a map that the next expression has to take */
	uint8_t nfproto, l4proto;	/* what the rule has asserted so far; 0: nothing */
	bool ethernet;			/* the same of the interface */
	const char *why;
};

static int fail(struct decoder *decoder, const char *why)
{
	if (!decoder->why)
		decoder->why = why;
	return -EBADMSG;
}

static struct step *step_new(struct decoder *decoder, enum step_kind kind)
{
	struct step *step;

	if (decoder->step_count == RULESET_STEPS_MAX) {
		fail(decoder, "more steps than a rule of ours has");
		return NULL;
	}
	step = &decoder->steps[decoder->step_count++];
	*step = (struct step){ .kind = kind };
	return step;
}

/* A new value in the registers from number on. */
static struct value *value_load(struct decoder *decoder, uint32_t number, size_t bytes)
{
	const int slot = slot_of_register(number);
	const size_t count = (bytes + 3) / 4;
	struct value *value;

	if (slot < 0 || bytes == 0 || bytes > FIELD_BYTES_MAX || (size_t)slot + count > REGISTER_SLOTS) {
		fail(decoder, "a load into a register that does not exist");
		return NULL;
	}
	if (decoder->value_count == VALUES_MAX) {
		fail(decoder, "too many loads");
		return NULL;
	}
	value = &decoder->values[decoder->value_count++];
	*value = (struct value){ .bytes = bytes };
	for (size_t i = 0; i < count; i++)
		decoder->slots[(size_t)slot + i] = (struct register_slot){ .value = value, .part = i };
	return value;
}

/* The value that begins at a slot and is still whole there; NULL if there is none. */
static struct value *value_at(const struct decoder *decoder, int slot)
{
	struct value *value;
	size_t count;

	if (slot < 0 || slot >= REGISTER_SLOTS || !decoder->slots[slot].value)
		return NULL;
	value = decoder->slots[slot].value;
	count = (value->bytes + 3) / 4;
	for (size_t i = 0; i < count; i++) {
		if ((size_t)slot + i >= REGISTER_SLOTS || decoder->slots[(size_t)slot + i].value != value ||
		    decoder->slots[(size_t)slot + i].part != i)
			return NULL;
	}
	return value;
}

/* Loads the first bytes of a field. */
static int load_field(struct decoder *decoder, enum field field, size_t bytes, uint32_t destination)
{
	struct value *value = value_load(decoder, destination, bytes);

	if (!value)
		return -EBADMSG;
	value->kind = VALUE_FIELD;
	value->field = field;
	value->network_order = !field_source(field)->host_order;
	return 0;
}

/* The field that this kind of expression loads by this key; FIELD_NONE if it is none of ours. */
static enum field field_of_key(enum source_kind kind, uint32_t key)
{
	for (enum field field = FIELD_NONE + 1; field < FIELD_COUNT; field++) {
		if (field_source(field)->kind == kind && field_source(field)->key == key)
			return field;
	}
	return FIELD_NONE;
}

static int run_meta(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const enum field field = field_of_key(SOURCE_META, nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY));

	/* Elsewhere it is the family of the chain, and not that of the packet. */
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_META_SREG) || field == FIELD_NONE ||
	    (field == FIELD_NFPROTO && decoder->table->family != FAMILY_INET))
		return fail(decoder, "meta: a key that this program does not use");
	return load_field(decoder, field, field_size(field),
			  nftnl_expr_get_u32(expression, NFTNL_EXPR_META_DREG));
}

static int run_rt(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const enum field field = field_of_key(SOURCE_RT, nftnl_expr_get_u32(expression, NFTNL_EXPR_RT_KEY));

	if (field == FIELD_NONE)
		return fail(decoder, "rt: a key that this program does not use");
	return load_field(decoder, field, field_size(field),
			  nftnl_expr_get_u32(expression, NFTNL_EXPR_RT_DREG));
}

/* What was loaded says the mark of before, and what a map gave may have been asked for with it. */
static void forget_mark(struct decoder *decoder)
{
	for (size_t i = 0; i < REGISTER_SLOTS; i++) {
		const struct value *value = decoder->slots[i].value;

		if (value && (value->kind == VALUE_MAP_RESULT || value->field == FIELD_CT_MARK))
			decoder->slots[i].value = NULL;
	}
}

/* ct mark set from what a map gave or from a constant. */
static int run_set_mark(struct decoder *decoder, const struct nftnl_expr *expression)
{
	struct value *value = value_at(decoder,
				       slot_of_register(nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_SREG)));
	struct step *step;

	if (nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_KEY) != NFT_CT_MARK ||
	    nftnl_expr_is_set(expression, NFTNL_EXPR_CT_DIR))
		return fail(decoder, "ct: sets something that is not the mark");
	if (!value || value->kind == VALUE_FIELD)
		return fail(decoder, "ct: sets the mark from something that is neither a map nor a constant");
	value->used = true;
	step = step_new(decoder, value->kind == VALUE_CONSTANT ? STEP_SET_MARK_VALUE : STEP_SET_MARK);
	if (!step)
		return -EBADMSG;
	if (value->kind == VALUE_CONSTANT) {
		memcpy(step->value, value->constant, sizeof(value->constant));
		bytes_swap_order(step->value, sizeof(value->constant));
	} else {
		step->key = value->key;
		step->set = value->set;
	}
	forget_mark(decoder);
	return 0;
}

static int run_ct(struct decoder *decoder, const struct nftnl_expr *expression)
{
	enum field field;

	/* A bridge has connections, too, and their marks are those of ours; no rule of ours there asks for them. */
	if (decoder->table->family != FAMILY_INET)
		return fail(decoder, "ct: in a table whose packets have no connection");
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_CT_SREG))
		return run_set_mark(decoder, expression);
	field = field_of_key(SOURCE_CT, nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_KEY));
	if (field == FIELD_NONE || nftnl_expr_is_set(expression, NFTNL_EXPR_CT_DIR))
		return fail(decoder, "ct: a key that this program does not use");
	return load_field(decoder, field, field_size(field),
			  nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_DREG));
}

static int run_exthdr(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const enum field field = field_of_key(SOURCE_EXTHDR,
					      nftnl_expr_get_u8(expression, NFTNL_EXPR_EXTHDR_TYPE));

	if (field == FIELD_NONE || nftnl_expr_is_set(expression, NFTNL_EXPR_EXTHDR_SREG) ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_EXTHDR_OP) != NFT_EXTHDR_OP_IPV6 ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_EXTHDR_FLAGS) != NFT_EXTHDR_F_PRESENT ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_EXTHDR_OFFSET) != 0)
		return fail(decoder, "exthdr: something else than whether a routing header is there");
	return load_field(decoder, field, field_size(field),
			  nftnl_expr_get_u32(expression, NFTNL_EXPR_EXTHDR_DREG));
}

/*
 * What stands at an offset depends on what the rule asserted before: the same byte is the ICMP or the ICMPv6
 * type, and what is an IPv4 address in one family is the middle of an IPv6 address in the other. The kernel
 * loads it without asking.
 */
static bool payload_fits(const struct decoder *decoder, enum field field, size_t bytes)
{
	switch (field) {
	case FIELD_ETHER_TYPE:
	case FIELD_ETHER_SADDR:
		return (decoder->ethernet || decoder->table->family != FAMILY_INET) && bytes == field_size(field);
	case FIELD_IP_SADDR:
	case FIELD_IP_DADDR:
		return decoder->nfproto == NFPROTO_V4 && bytes <= field_size(field);
	case FIELD_IP6_SADDR:
	case FIELD_IP6_DADDR:
		return decoder->nfproto == NFPROTO_V6 && bytes <= field_size(field);
	case FIELD_IP6_HOPLIMIT:
		return decoder->nfproto == NFPROTO_V6 && bytes == field_size(field);
	case FIELD_TCP_FLAGS:
		return decoder->l4proto == IPPROTO_TCP && bytes == field_size(field);
	case FIELD_ICMP_TYPE:
		return decoder->l4proto == IPPROTO_ICMP && bytes == field_size(field);
	case FIELD_ICMP6_TYPE:
		return decoder->l4proto == IPPROTO_ICMPV6 && bytes == field_size(field);
	default:
		return bytes == field_size(field);
	}
}

static int run_payload(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const uint32_t base = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_BASE);
	const uint32_t offset = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET);
	const uint32_t bytes = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_LEN);

	if (nftnl_expr_is_set(expression, NFTNL_EXPR_PAYLOAD_SREG))
		return fail(decoder, "payload: changes the packet");
	for (enum field field = FIELD_NONE + 1; field < FIELD_COUNT; field++) {
		const struct field_source *source = field_source(field);

		if (source->kind == SOURCE_PAYLOAD && source->key == base && source->offset == offset &&
		    payload_fits(decoder, field, bytes))
			return load_field(decoder, field, bytes,
					  nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_DREG));
	}
	return fail(decoder, "payload: bytes that this program does not look at");
}

/*
 * Turns a field of host byte order to network byte order, in place. For single bytes nft writes an expression
 * that turns nothing (length 1, size 2): no change. Everything else is not ours.
 */
static int run_byteorder(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const uint32_t source = nftnl_expr_get_u32(expression, NFTNL_EXPR_BYTEORDER_SREG);
	const uint32_t length = nftnl_expr_get_u32(expression, NFTNL_EXPR_BYTEORDER_LEN);
	const uint32_t size = nftnl_expr_get_u32(expression, NFTNL_EXPR_BYTEORDER_SIZE);
	struct value *value = value_at(decoder, slot_of_register(source));

	if (!value || value->kind != VALUE_FIELD || value->masked || value->bytes != field_size(value->field) ||
	    length != value->bytes || nftnl_expr_get_u32(expression, NFTNL_EXPR_BYTEORDER_DREG) != source ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_BYTEORDER_OP) != NFT_BYTEORDER_HTON)
		return fail(decoder, "byteorder: turns something round that this program does not");
	if (length == 1 && size == 2)
		return 0;
	if (value->network_order || size != length)
		return fail(decoder, "byteorder: turns round what is in order");
	value->network_order = true;
	return 0;
}

static int run_bitwise(struct decoder *decoder, const struct nftnl_expr *expression)
{
	static const uint8_t zeros[FIELD_BYTES_MAX];
	uint32_t mask_length = 0, xor_length = 0;
	const uint8_t *mask = nftnl_expr_get(expression, NFTNL_EXPR_BITWISE_MASK, &mask_length);
	const uint8_t *flips = nftnl_expr_get(expression, NFTNL_EXPR_BITWISE_XOR, &xor_length);
	const uint32_t source = nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_SREG);
	struct value *value = value_at(decoder, slot_of_register(source));

	if (nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_OP) != NFT_BITWISE_BOOL || !mask || !flips ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_DREG) != source)
		return fail(decoder, "bitwise: something else than a mask");
	if (!value || value->kind != VALUE_FIELD || value->masked || value->bytes != field_size(value->field) ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_LEN) != value->bytes ||
	    mask_length != value->bytes || xor_length != value->bytes || memcmp(flips, zeros, xor_length) != 0)
		return fail(decoder, "bitwise: a mask over something that is not one whole field");
	value->masked = true;
	memcpy(value->mask, mask, mask_length);
	if (!value->network_order)
		bytes_swap_order(value->mask, mask_length);
	return 0;
}

/* Remembers what decides the meaning of later bytes. */
static void note_assertion(struct decoder *decoder, const struct step *step)
{
	if (step->op != MATCH_EQ || step->mask[0] != 0xff)
		return;
	if (step->field == FIELD_NFPROTO)
		decoder->nfproto = step->value[0];
	if (step->field == FIELD_L4PROTO)
		decoder->l4proto = step->value[0];
	if (step->field == FIELD_IIFTYPE && step->mask[1] == 0xff)
		decoder->ethernet = step->value[0] == 0 && step->value[1] == ARPHRD_ETHER;
}

static int run_cmp(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const uint32_t operation = nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_OP);
	uint32_t length = 0;
	const void *data = nftnl_expr_get(expression, NFTNL_EXPR_CMP_DATA, &length);
	struct value *value = value_at(decoder,
				       slot_of_register(nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_SREG)));
	struct step *step;

	if (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ)
		return fail(decoder, "cmp: neither equal nor unequal");
	if (!value || value->kind != VALUE_FIELD || !data || length != value->bytes)
		return fail(decoder, "cmp: compares something that is not one field");
	step = step_new(decoder, STEP_MATCH);
	if (!step)
		return -EBADMSG;
	value->used = true;
	step->field = value->field;
	step->op = operation == NFT_CMP_EQ ? MATCH_EQ : MATCH_NE;
	memcpy(step->value, data, length);
	if (!value->network_order)
		bytes_swap_order(step->value, length);
	if (value->masked)
		memcpy(step->mask, value->mask, length);
	else
		memset(step->mask, 0xff, length);
	note_assertion(decoder, step);
	return 0;
}

/* The fields in the registers from slot on, which must be those of the set, in the byte order of its elements. */
static int key_collect(struct decoder *decoder, const struct set *set, int slot, struct key *ret_key)
{
	const size_t count = key_field_count(&set->key);

	*ret_key = (struct key){ 0 };
	for (size_t i = 0; i < count; i++) {
		struct value *value = value_at(decoder, slot);

		if (!value || value->kind != VALUE_FIELD || value->masked ||
		    value->bytes != field_size(value->field) ||
		    field_representative(value->field) != set->key.fields[i])
			return fail(decoder, "lookup: the key is not of the set's type");
		if (field_source(value->field)->host_order && value->network_order != set->interval)
			return fail(decoder, "lookup: the key is not in the set's byte order");
		value->used = true;
		ret_key->fields[i] = value->field;
		slot += (int)field_slot(value->field) / 4;
	}
	return 0;
}

/* A map whose result is a mark: what the next expression takes. */
static int lookup_mark(struct decoder *decoder, const struct nftnl_expr *expression, const struct set *set,
		       const struct key *key)
{
	struct value *result;

	if (set->data != SET_DATA_MARK)
		return fail(decoder, "lookup: takes a value from a set that is no map of marks");
	result = value_load(decoder, nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_DREG), sizeof(uint32_t));
	if (!result)
		return -EBADMSG;
	result->kind = VALUE_MAP_RESULT;
	result->key = *key;
	result->set = set->name;
	decoder->pending = result;
	return 0;
}

static int run_lookup(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_LOOKUP_SET);
	const struct set *set = name ? table_set(decoder->table, name) : NULL;
	const bool has_result = nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_DREG);
	struct step *step;
	struct key key;
	int r;

	if (!set || nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_FLAGS) != 0)
		return fail(decoder, "lookup: a set that is not ours, or an inverted one");
	r = key_collect(decoder, set, slot_of_register(nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_SREG)),
			&key);
	if (r < 0)
		return r;
	if (has_result && nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_DREG) != NFT_REG_VERDICT)
		return lookup_mark(decoder, expression, set, &key);
	if (has_result && set->data != SET_DATA_VERDICT)
		return fail(decoder, "lookup: takes a verdict from a set that has none");
	step = step_new(decoder, has_result ? STEP_VMAP : STEP_LOOKUP);
	if (!step)
		return -EBADMSG;
	step->key = key;
	step->set = set->name;
	return 0;
}

static int run_verdict(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const enum verdict_kind kind = verdict_of_number(
		(int32_t)nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_VERDICT));
	const bool leads = kind == VERDICT_JUMP || kind == VERDICT_GOTO;
	const char *chain = nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN);
	struct step *step;

	if (!nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT) || kind == VERDICT_NONE ||
	    leads != (chain != NULL))
		return fail(decoder, "immediate: a verdict that this program does not use");
	step = step_new(decoder, STEP_VERDICT);
	if (!step)
		return -EBADMSG;
	step->verdict.kind = kind;
	step->verdict.chain = chain ? arena_strdup(decoder->arena, chain) : NULL;
	return 0;
}

static int run_immediate(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const uint32_t destination = nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_DREG);
	uint32_t length = 0;
	const void *data;
	struct value *value;

	if (destination == NFT_REG_VERDICT)
		return run_verdict(decoder, expression);
	data = nftnl_expr_get(expression, NFTNL_EXPR_IMM_DATA, &length);
	if (!data || length != sizeof(value->constant))
		return fail(decoder, "immediate: a constant that is no mark");
	value = value_load(decoder, destination, length);
	if (!value)
		return -EBADMSG;
	value->kind = VALUE_CONSTANT;
	memcpy(value->constant, data, length);
	return 0;
}

static int run_counter(struct decoder *decoder, const struct nftnl_expr *expression)
{
	(void)expression;
	return step_new(decoder, STEP_COUNTER) ? 0 : -EBADMSG;
}

static int run_limit(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const uint64_t rate = nftnl_expr_get_u64(expression, NFTNL_EXPR_LIMIT_RATE);
	struct step *step;

	if (nftnl_expr_get_u64(expression, NFTNL_EXPR_LIMIT_UNIT) != 1 || rate > UINT32_MAX ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_LIMIT_TYPE) != NFT_LIMIT_PKTS ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_LIMIT_FLAGS) != 0)
		return fail(decoder, "limit: not packets per second");
	step = step_new(decoder, STEP_LIMIT);
	if (!step)
		return -EBADMSG;
	step->rate = (uint32_t)rate;
	step->burst = nftnl_expr_get_u32(expression, NFTNL_EXPR_LIMIT_BURST);
	return 0;
}

static int run_log(struct decoder *decoder, const struct nftnl_expr *expression)
{
	const char *prefix = nftnl_expr_get_str(expression, NFTNL_EXPR_LOG_PREFIX);
	struct step *step;

	if (!prefix || !nftnl_expr_is_set(expression, NFTNL_EXPR_LOG_GROUP) ||
	    nftnl_expr_get_u16(expression, NFTNL_EXPR_LOG_GROUP) != RULESET_NFLOG_GROUP ||
	    nftnl_expr_get_u16(expression, NFTNL_EXPR_LOG_QTHRESHOLD) != LOG_QUEUE_THRESHOLD ||
	    nftnl_expr_get_u32(expression, NFTNL_EXPR_LOG_SNAPLEN) != 0)
		return fail(decoder, "log: not to our group in our way");
	step = step_new(decoder, STEP_LOG);
	if (!step)
		return -EBADMSG;
	step->text = arena_strdup(decoder->arena, prefix);
	return 0;
}

static int run_reject(struct decoder *decoder, const struct nftnl_expr *expression)
{
	if (nftnl_expr_get_u32(expression, NFTNL_EXPR_REJECT_TYPE) != NFT_REJECT_ICMPX_UNREACH ||
	    nftnl_expr_get_u8(expression, NFTNL_EXPR_REJECT_CODE) != NFT_REJECT_ICMPX_ADMIN_PROHIBITED)
		return fail(decoder, "reject: another answer than ours");
	return step_new(decoder, STEP_REJECT) ? 0 : -EBADMSG;
}

static const struct {
	const char *name;
	int (*run)(struct decoder *decoder, const struct nftnl_expr *expression);
} expression_kinds[] = {
	{ "meta", run_meta },
	{ "ct", run_ct },
	{ "payload", run_payload },
	{ "rt", run_rt },
	{ "exthdr", run_exthdr },
	{ "byteorder", run_byteorder },
	{ "bitwise", run_bitwise },
	{ "cmp", run_cmp },
	{ "lookup", run_lookup },
	{ "immediate", run_immediate },
	{ "counter", run_counter },
	{ "limit", run_limit },
	{ "log", run_log },
	{ "reject", run_reject },
};

/* What was loaded and not asked for. */
static bool has_unused_value(const struct decoder *decoder)
{
	for (size_t i = 0; i < decoder->value_count; i++) {
		if (!decoder->values[i].used)
			return true;
	}
	return false;
}

/*
 * One expression; the shape is libnftnl's for callbacks. A load ends the rule where the packet has no such
 * field: as a step says that at the comparison, nothing may stand between the two.
 */
static int run_expression(struct nftnl_expr *expression, void *context)
{
	struct decoder *decoder = context;
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	const struct value *pending = decoder->pending;
	const size_t steps = decoder->step_count;

	decoder->pending = NULL;
	for (size_t i = 0; i < sizeof(expression_kinds) / sizeof(expression_kinds[0]); i++) {
		int r;

		if (strcmp(expression_kinds[i].name, name) != 0)
			continue;
		r = expression_kinds[i].run(decoder, expression);
		if (r == 0 && pending && !pending->used)
			return fail(decoder, "lookup: the mark it gave is not set at once");
		if (r == 0 && decoder->step_count > steps && has_unused_value(decoder))
			return fail(decoder, "a value is loaded and not asked for at once");
		return r;
	}
	return fail(decoder, arena_printf(decoder->arena, "expression %s", name));
}

const char *userdata_comment(struct arena *arena, const void *userdata, size_t length)
{
	const uint8_t *bytes = userdata;

	_Static_assert((int)NFTNL_UDATA_RULE_COMMENT == (int)NFTNL_UDATA_SET_ELEM_COMMENT,
		       "one reader for both");
	while (length >= 2 && length - 2 >= bytes[1]) {
		if (bytes[0] == NFTNL_UDATA_RULE_COMMENT)
			return arena_strndup(arena, (const char *)bytes + 2,
					     strnlen((const char *)bytes + 2, bytes[1]));
		length -= 2U + bytes[1];
		bytes += 2U + bytes[1];
	}
	return NULL;
}

/* Keeps one step for each set that is looked up; the shape is libnftnl's for callbacks. */
static int note_lookup(struct nftnl_expr *expression, void *context)
{
	struct decoder *decoder = context;
	struct step *step;

	if (strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "lookup") != 0)
		return 0;
	step = step_new(decoder, STEP_LOOKUP);
	if (step)
		step->set = arena_strdup(decoder->arena, nftnl_expr_get_str(expression, NFTNL_EXPR_LOOKUP_SET));
	return 0;
}

int rule_decode(struct arena *arena, struct nftnl_rule *rule, const struct table *table, struct rule *ret_rule,
		const char **ret_why)
{
	struct decoder decoder = { .arena = arena, .table = table };
	uint32_t userdata_length = 0;
	const void *userdata = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &userdata_length);

	if (nftnl_rule_is_set(rule, NFTNL_RULE_COMPAT_PROTO))
		fail(&decoder, "a rule of iptables");
	if (nftnl_expr_foreach(rule, run_expression, &decoder) < 0)
		fail(&decoder, "an expression");
	if (!decoder.why && decoder.pending)
		fail(&decoder, "lookup: the mark it gave is not set at once");
	if (!decoder.why && has_unused_value(&decoder))
		fail(&decoder, "a value is loaded and not used");
	if (decoder.why) {
		decoder.step_count = 0;
		nftnl_expr_foreach(rule, note_lookup, &decoder);
	}
	*ret_rule = (struct rule){
		.steps = arena_array(arena, decoder.step_count, sizeof(struct step)),
		.step_count = decoder.step_count,
		.comment = userdata ? userdata_comment(arena, userdata, userdata_length) : NULL,
		.handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE),
	};
	if (decoder.step_count)
		memcpy(ret_rule->steps, decoder.steps, decoder.step_count * sizeof(struct step));
	if (!decoder.why)
		return 0;
	*ret_why = decoder.why;
	return -EBADMSG;
}
