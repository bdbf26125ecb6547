/*
 * pack: a ruleset as bytes, for the way from the planner to the enforcer.
 *
 * The format is canonical: what unpack accepts, pack gives back byte for byte. All numbers are little endian.
 *
 *     ruleset   magic, links, tables
 *     links     u32 count, then: u32 index, name
 *     tables    u32 count, then: u8 family, name, sets, chains
 *     sets      u32 count, then: name, key, u8 flags, u8 data, u32 room, elements
 *     elements  u32 count, then: key bytes (twice in an interval set), i64 expiry if the set has timeouts,
 *               u32 mark or verdict as the set's data says, optional text
 *     chains    u32 count, then: name, u8 base, [u32 hook, u32 priority, u8 policy, optional device],
 *               optional comment, rules
 *     rules     u32 count, then: optional comment, u8 count of steps, steps
 *     step      u8 kind and what this kind of step has
 *     key       RULESET_KEY_FIELDS_MAX times u8 field, FIELD_NONE after the last
 *     verdict   u8 kind, and the chain's name for jump and goto
 *     name      u8 length, bytes, NUL (so that the ruleset can point at it)
 *     optional text: like a name, or u8 255 for none
 *
 * Reading: a cursor that, once it failed, gives only zeros. Counts are believed only as far as the remaining
 * bytes can hold that many of the smallest item, so that a short message cannot make us allocate a lot.
 */
#include "ruleset/pack.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
	TEXT_NONE = 255, TEXT_BYTES_MAX = 254,
	LINKS_MAX = 65536,
	SET_FLAG_INTERVAL = 1, SET_FLAG_TIMEOUT = 2, SET_FLAG_COUNTED = 4, SET_FLAGS = 7,
	LOG_TEXT_BYTES_MAX = 127,	/* NF_LOG_PREFIXLEN - 1 */
	INTERFACE_NAME_BYTES_MAX = 15,	/* IFNAMSIZ - 1 */
	HOOK_NUMBER_MAX = 4,		/* NF_INET_POST_ROUTING */
	/* The least that one of them takes in the message. */
	LINK_BYTES_MIN = 7, TABLE_BYTES_MIN = 12, SET_BYTES_MIN = 19,
	ELEMENT_BYTES_MIN = 5, CHAIN_BYTES_MIN = 9, RULE_BYTES_MIN = 3,
};

/* ---- writing */

static void put_u8(struct buf *out, size_t value)
{
	assert(value <= UINT8_MAX);
	buf_putc(out, (char)value);
}

static void put_u32(struct buf *out, uint32_t value)
{
	uint8_t bytes[4];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	buf_put(out, bytes, sizeof(bytes));
}

static void put_count(struct buf *out, size_t count)
{
	assert(count <= UINT32_MAX);
	put_u32(out, (uint32_t)count);
}

static void put_u64(struct buf *out, uint64_t value)
{
	put_u32(out, (uint32_t)value);
	put_u32(out, (uint32_t)(value >> 32));
}

static void put_text(struct buf *out, const char *text)
{
	size_t length = strlen(text);

	assert(length <= TEXT_BYTES_MAX);
	put_u8(out, length);
	buf_put(out, text, length + 1);
}

static void put_optional_text(struct buf *out, const char *text)
{
	if (text)
		put_text(out, text);
	else
		put_u8(out, TEXT_NONE);
}

static void put_key(struct buf *out, const struct key *key)
{
	for (size_t i = 0; i < RULESET_KEY_FIELDS_MAX; i++)
		put_u8(out, key->fields[i]);
}

static void put_verdict(struct buf *out, const struct verdict *verdict)
{
	put_u8(out, verdict->kind);
	if (verdict->kind == VERDICT_JUMP || verdict->kind == VERDICT_GOTO)
		put_text(out, verdict->chain);
}

static void put_element(struct buf *out, const struct set *set, const struct element *element)
{
	buf_put(out, element->key, key_size(&set->key) * (set->interval ? 2 : 1));
	if (set->timeout)
		put_u64(out, (uint64_t)element->expires_at);
	if (set->data == SET_DATA_MARK)
		put_u32(out, element->mark);
	if (set->data == SET_DATA_VERDICT)
		put_verdict(out, &element->verdict);
	put_optional_text(out, element->comment);
}

static void put_set(struct buf *out, const struct set *set)
{
	put_text(out, set->name);
	put_key(out, &set->key);
	put_u8(out, (set->interval ? SET_FLAG_INTERVAL : 0u) | (set->timeout ? SET_FLAG_TIMEOUT : 0u) |
		    (set->counted ? SET_FLAG_COUNTED : 0u));
	put_u8(out, set->data);
	put_u32(out, set->room);
	put_count(out, set->element_count);
	for (size_t i = 0; i < set->element_count; i++)
		put_element(out, set, &set->elements[i]);
}

static void put_match(struct buf *out, const struct step *step)
{
	put_u8(out, step->field);
	put_u8(out, step->op);
	buf_put(out, step->mask, field_size(step->field));
	buf_put(out, step->value, field_size(step->field));
}

static void put_step(struct buf *out, const struct step *step)
{
	put_u8(out, step->kind);
	switch (step->kind) {
	case STEP_MATCH:
		put_match(out, step);
		break;
	case STEP_LOOKUP:
	case STEP_VMAP:
	case STEP_SET_MARK:
		put_key(out, &step->key);
		put_text(out, step->set);
		break;
	case STEP_SET_MARK_VALUE:
		buf_put(out, step->value, field_size(FIELD_CT_MARK));
		break;
	case STEP_LIMIT:
		put_u32(out, step->rate);
		put_u32(out, step->burst);
		break;
	case STEP_LOG:
		put_text(out, step->text);
		break;
	case STEP_VERDICT:
		put_verdict(out, &step->verdict);
		break;
	case STEP_COUNTER:
	case STEP_REJECT:
		break;
	}
}

static void put_rule(struct buf *out, const struct rule *rule)
{
	put_optional_text(out, rule->comment);
	put_u8(out, rule->step_count);
	for (size_t i = 0; i < rule->step_count; i++)
		put_step(out, &rule->steps[i]);
}

static void put_chain(struct buf *out, const struct chain *chain)
{
	put_text(out, chain->name);
	put_u8(out, chain->hook.base);
	if (chain->hook.base) {
		put_u32(out, chain->hook.number);
		put_u32(out, (uint32_t)chain->hook.priority);
		put_u8(out, chain->hook.policy);
		put_optional_text(out, chain->hook.device);
	}
	put_optional_text(out, chain->comment);
	put_count(out, chain->rule_count);
	for (size_t i = 0; i < chain->rule_count; i++)
		put_rule(out, &chain->rules[i]);
}

static void put_table(struct buf *out, const struct table *table)
{
	put_u8(out, table->family);
	put_text(out, table->name);
	put_count(out, table->set_count);
	for (size_t i = 0; i < table->set_count; i++)
		put_set(out, &table->sets[i]);
	put_count(out, table->chain_count);
	for (size_t i = 0; i < table->chain_count; i++)
		put_chain(out, &table->chains[i]);
}

void ruleset_pack(struct buf *out, const struct ruleset *ruleset)
{
	buf_puts(out, RULESET_PACK_MAGIC);
	put_count(out, ruleset->links.count);
	for (size_t i = 0; i < ruleset->links.count; i++) {
		put_u32(out, ruleset->links.items[i].index);
		put_text(out, ruleset->links.items[i].name);
	}
	put_count(out, ruleset->table_count);
	for (size_t i = 0; i < ruleset->table_count; i++)
		put_table(out, &ruleset->tables[i]);
}

/* ---- reading */

struct cursor {
	struct arena *arena;
	const uint8_t *bytes;
	size_t remaining;
	bool failed;
};

static void fail(struct cursor *cursor)
{
	cursor->failed = true;
	cursor->remaining = 0;
}

/* Fails unless the condition holds; returns whether all is well so far. */
static bool demand(struct cursor *cursor, bool condition)
{
	if (!condition)
		fail(cursor);
	return !cursor->failed;
}

/* The next length bytes, or NULL when there are not that many. */
static const uint8_t *take(struct cursor *cursor, size_t length)
{
	const uint8_t *bytes = cursor->bytes;

	if (!demand(cursor, length <= cursor->remaining))
		return NULL;
	cursor->bytes += length;
	cursor->remaining -= length;
	return bytes;
}

static uint8_t take_u8(struct cursor *cursor)
{
	const uint8_t *bytes = take(cursor, 1);

	return bytes ? bytes[0] : 0;
}

/* A number from first to last; anything else fails and gives first. */
static uint8_t take_choice(struct cursor *cursor, uint8_t first, uint8_t last)
{
	uint8_t value = take_u8(cursor);

	return demand(cursor, value >= first && value <= last) ? value : first;
}

static uint32_t take_u32(struct cursor *cursor)
{
	const uint8_t *bytes = take(cursor, 4);

	if (!bytes)
		return 0;
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static uint64_t take_u64(struct cursor *cursor)
{
	uint64_t low = take_u32(cursor);

	return low | (uint64_t)take_u32(cursor) << 32;
}

/* How many items follow: at most limit, and no more than the remaining bytes can hold. */
static size_t take_count(struct cursor *cursor, size_t limit, size_t item_bytes_min)
{
	size_t count = take_u32(cursor);

	return demand(cursor, count <= limit && count <= cursor->remaining / item_bytes_min) ? count : 0;
}

typedef bool byte_judge(unsigned char byte);

/* What nft accepts in a name, and what interfaces are called after which chains are named. */
static bool name_byte(unsigned char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       (byte && strchr("_.-/@:+", byte));
}

/* Device names as the kernel allows them (dev_valid_name()). */
static bool device_byte(unsigned char byte)
{
	return byte > ' ' && byte != 0x7f && byte != '/' && byte != ':';
}

/*
 * Comments and log prefixes end up in terminals and logs: no control characters, and no quotes, which nft
 * text could not hold.
 */
static bool comment_byte(unsigned char byte)
{
	return byte >= ' ' && byte != 0x7f && byte != '"';
}

static const char *take_text_of(struct cursor *cursor, size_t length, size_t length_min, size_t length_max,
				byte_judge *judge)
{
	const uint8_t *text;

	if (!demand(cursor, length >= length_min && length <= length_max))
		return NULL;
	text = take(cursor, length + 1);
	if (!text || !demand(cursor, text[length] == '\0'))
		return NULL;
	for (size_t i = 0; i < length; i++) {
		if (!demand(cursor, judge(text[i])))
			return NULL;
	}
	return (const char *)text;
}

static const char *take_name(struct cursor *cursor)
{
	return take_text_of(cursor, take_u8(cursor), 1, RULESET_NAME_BYTES_MAX, name_byte);
}

/* Text or NULL for none. NULL is also what a failure gives. */
static const char *take_optional_text(struct cursor *cursor, size_t length_max, byte_judge *judge)
{
	size_t length = take_u8(cursor);

	return length == TEXT_NONE ? NULL : take_text_of(cursor, length, 0, length_max, judge);
}

static const char *take_comment(struct cursor *cursor)
{
	return take_optional_text(cursor, RULESET_COMMENT_BYTES_MAX, comment_byte);
}

static struct key take_key(struct cursor *cursor)
{
	struct key key = { { FIELD_NONE } };

	for (size_t i = 0; i < RULESET_KEY_FIELDS_MAX; i++) {
		uint8_t field = take_choice(cursor, FIELD_NONE, FIELD_COUNT - 1);

		/* The first field must be there, and nothing may follow an end. */
		demand(cursor, field == FIELD_NONE ? i > 0 : i == 0 || key.fields[i - 1] != FIELD_NONE);
		key.fields[i] = (enum field)field;
	}
	demand(cursor, key_size(&key) <= RULESET_KEY_BYTES_MAX);
	return key;
}

static struct verdict take_verdict(struct cursor *cursor)
{
	uint8_t kind = take_choice(cursor, VERDICT_ACCEPT, VERDICT_GOTO);
	struct verdict verdict = { .kind = (enum verdict_kind)kind };

	if (verdict.kind == VERDICT_JUMP || verdict.kind == VERDICT_GOTO)
		verdict.chain = take_name(cursor);
	return verdict;
}

/* The slots of a key (and of its end): zeros behind each value, and no range that ends before it begins. */
static bool key_is_valid(const struct set *set, const uint8_t *key)
{
	const uint8_t *last = set->interval ? key + key_size(&set->key) : key;

	for (size_t i = 0; i < key_field_count(&set->key); i++) {
		size_t size = field_size(set->key.fields[i]), slot = field_slot(set->key.fields[i]);

		for (size_t j = size; j < slot; j++) {
			if (key[j] != 0 || last[j] != 0)
				return false;
		}
		if (memcmp(key, last, size) > 0)
			return false;
		key += slot;
		last += slot;
	}
	return true;
}

static void take_element(struct cursor *cursor, const struct set *set, struct element *element)
{
	element->key = take(cursor, key_size(&set->key) * (set->interval ? 2 : 1));
	if (!element->key || !demand(cursor, key_is_valid(set, element->key)))
		return;
	if (set->timeout) {
		element->expires_at = (int64_t)take_u64(cursor);
		demand(cursor, element->expires_at >= 0);
	}
	if (set->data == SET_DATA_MARK)
		element->mark = take_u32(cursor);
	if (set->data == SET_DATA_VERDICT)
		element->verdict = take_verdict(cursor);
	element->comment = take_comment(cursor);
}

static void take_elements(struct cursor *cursor, struct set *set)
{
	size_t count = take_count(cursor, PACK_ELEMENTS_MAX, ELEMENT_BYTES_MIN);

	set->elements = arena_array(cursor->arena, count, sizeof(*set->elements));
	for (size_t i = 0; i < count && !cursor->failed; i++) {
		take_element(cursor, set, &set->elements[i]);
		if (i > 0 && !cursor->failed)
			demand(cursor, element_compare(set, &set->elements[i - 1], &set->elements[i]) < 0);
		set->element_count = i + 1;
	}
}

static void take_set(struct cursor *cursor, struct set *set)
{
	uint8_t flags;

	set->name = take_name(cursor);
	set->key = take_key(cursor);
	flags = take_choice(cursor, 0, SET_FLAGS);
	set->interval = flags & SET_FLAG_INTERVAL;
	set->timeout = flags & SET_FLAG_TIMEOUT;
	set->counted = flags & SET_FLAG_COUNTED;
	set->data = (enum set_data)take_choice(cursor, SET_DATA_NONE, SET_DATA_VERDICT);
	set->room = take_u32(cursor);
	demand(cursor, set->room <= PACK_ROOM_MAX);
	if (!cursor->failed)
		take_elements(cursor, set);
}

static void take_bytes(struct cursor *cursor, uint8_t *bytes, size_t length)
{
	const uint8_t *taken = take(cursor, length);

	if (taken)
		memcpy(bytes, taken, length);
}

static void take_match(struct cursor *cursor, struct step *step)
{
	step->field = (enum field)take_choice(cursor, FIELD_NONE + 1, FIELD_COUNT - 1);
	step->op = (enum match_op)take_choice(cursor, MATCH_EQ, MATCH_NE);
	take_bytes(cursor, step->mask, field_size(step->field));
	take_bytes(cursor, step->value, field_size(step->field));
}

static void take_limit(struct cursor *cursor, struct step *step)
{
	step->rate = take_u32(cursor);
	step->burst = take_u32(cursor);
	demand(cursor, step->rate > 0 && step->burst > 0);
}

static void take_step(struct cursor *cursor, struct step *step)
{
	step->kind = (enum step_kind)take_choice(cursor, STEP_MATCH, STEP_VERDICT);
	switch (step->kind) {
	case STEP_MATCH:
		take_match(cursor, step);
		break;
	case STEP_LOOKUP:
	case STEP_VMAP:
	case STEP_SET_MARK:
		step->key = take_key(cursor);
		step->set = take_name(cursor);
		break;
	case STEP_SET_MARK_VALUE:
		take_bytes(cursor, step->value, field_size(FIELD_CT_MARK));
		break;
	case STEP_LIMIT:
		take_limit(cursor, step);
		break;
	case STEP_LOG:
		step->text = take_text_of(cursor, take_u8(cursor), 1, LOG_TEXT_BYTES_MAX, comment_byte);
		break;
	case STEP_VERDICT:
		step->verdict = take_verdict(cursor);
		break;
	case STEP_COUNTER:
	case STEP_REJECT:
		break;
	}
}

static void take_rule(struct cursor *cursor, struct rule *rule)
{
	size_t count;

	rule->comment = take_comment(cursor);
	count = take_choice(cursor, 1, RULESET_STEPS_MAX);
	rule->steps = arena_array(cursor->arena, count, sizeof(*rule->steps));
	for (; rule->step_count < count && !cursor->failed; rule->step_count++)
		take_step(cursor, &rule->steps[rule->step_count]);
}

static void take_hook(struct cursor *cursor, enum family family, struct hook *hook)
{
	hook->base = take_choice(cursor, 0, 1);
	if (!hook->base)
		return;
	hook->number = take_u32(cursor);
	hook->priority = (int32_t)take_u32(cursor);
	hook->policy = (enum verdict_kind)take_choice(cursor, VERDICT_ACCEPT, VERDICT_DROP);
	hook->device = take_optional_text(cursor, INTERFACE_NAME_BYTES_MAX, device_byte);
	demand(cursor, hook->number <= (family == FAMILY_NETDEV ? 0 : HOOK_NUMBER_MAX));
	demand(cursor, family == FAMILY_NETDEV ? hook->device && hook->device[0] : !hook->device);
}

static void take_chain(struct cursor *cursor, enum family family, struct chain *chain)
{
	size_t count;

	chain->name = take_name(cursor);
	take_hook(cursor, family, &chain->hook);
	chain->comment = take_comment(cursor);
	count = take_count(cursor, PACK_RULES_MAX, RULE_BYTES_MIN);
	chain->rules = arena_array(cursor->arena, count, sizeof(*chain->rules));
	for (; chain->rule_count < count && !cursor->failed; chain->rule_count++)
		take_rule(cursor, &chain->rules[chain->rule_count]);
}

static void take_sets(struct cursor *cursor, struct table *table)
{
	size_t count = take_count(cursor, PACK_SETS_MAX, SET_BYTES_MIN);

	table->sets = arena_array(cursor->arena, count, sizeof(*table->sets));
	for (; table->set_count < count && !cursor->failed; table->set_count++) {
		struct set *set = &table->sets[table->set_count];

		take_set(cursor, set);
		if (table->set_count > 0 && !cursor->failed)
			demand(cursor, strcmp(set[-1].name, set->name) < 0);
	}
}

static void take_chains(struct cursor *cursor, struct table *table)
{
	size_t count = take_count(cursor, PACK_CHAINS_MAX, CHAIN_BYTES_MIN);

	table->chains = arena_array(cursor->arena, count, sizeof(*table->chains));
	for (; table->chain_count < count && !cursor->failed; table->chain_count++) {
		struct chain *chain = &table->chains[table->chain_count];

		take_chain(cursor, table->family, chain);
		if (table->chain_count > 0 && !cursor->failed)
			demand(cursor, strcmp(chain[-1].name, chain->name) < 0);
	}
}

/* A jump must lead to a chain of the table that is not a base chain, as the kernel demands. */
static bool verdict_leads_somewhere(const struct table *table, const struct verdict *verdict)
{
	const struct chain *chain;

	if (!verdict->chain)
		return true;
	chain = table_chain(table, verdict->chain);
	return chain && !chain->hook.base;
}

/* A step that asks a set must ask one of the table, with its types, for what it gives. */
static bool step_fits_set(const struct table *table, const struct step *step)
{
	static const enum set_data data[] = {
		[STEP_LOOKUP] = SET_DATA_NONE, [STEP_VMAP] = SET_DATA_VERDICT, [STEP_SET_MARK] = SET_DATA_MARK,
	};
	const struct set *set;

	if (step->kind != STEP_LOOKUP && step->kind != STEP_VMAP && step->kind != STEP_SET_MARK)
		return true;
	set = table_set(table, step->set);
	return set && set->data == data[step->kind] && key_same_types(&set->key, &step->key);
}

static bool rule_is_closed(const struct table *table, const struct rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct step *step = &rule->steps[i];

		if (!step_fits_set(table, step) || !verdict_leads_somewhere(table, &step->verdict))
			return false;
	}
	return true;
}

/* True when no name in the table dangles. */
static bool table_is_closed(const struct table *table)
{
	for (size_t i = 0; i < table->set_count; i++) {
		const struct set *set = &table->sets[i];

		for (size_t j = 0; set->data == SET_DATA_VERDICT && j < set->element_count; j++) {
			if (!verdict_leads_somewhere(table, &set->elements[j].verdict))
				return false;
		}
	}
	for (size_t i = 0; i < table->chain_count; i++) {
		for (size_t j = 0; j < table->chains[i].rule_count; j++) {
			if (!rule_is_closed(table, &table->chains[i].rules[j]))
				return false;
		}
	}
	return true;
}

static void take_table(struct cursor *cursor, struct table *table)
{
	uint8_t family = take_u8(cursor);

	demand(cursor, family == FAMILY_INET || family == FAMILY_NETDEV || family == FAMILY_BRIDGE);
	table->family = (enum family)family;
	table->name = take_name(cursor);
	take_sets(cursor, table);
	take_chains(cursor, table);
	if (!cursor->failed)
		demand(cursor, table_is_closed(table));
}

static bool tables_in_order(const struct table *a, const struct table *b)
{
	return a->family < b->family || (a->family == b->family && strcmp(a->name, b->name) < 0);
}

static void take_tables(struct cursor *cursor, struct ruleset *ruleset)
{
	size_t count = take_count(cursor, PACK_TABLES_MAX, TABLE_BYTES_MIN);

	ruleset->tables = arena_array(cursor->arena, count, sizeof(*ruleset->tables));
	for (; ruleset->table_count < count && !cursor->failed; ruleset->table_count++) {
		struct table *table = &ruleset->tables[ruleset->table_count];

		take_table(cursor, table);
		if (ruleset->table_count > 0 && !cursor->failed)
			demand(cursor, tables_in_order(&table[-1], table));
	}
}

static void take_links(struct cursor *cursor, struct link_table *links)
{
	size_t count = take_count(cursor, LINKS_MAX, LINK_BYTES_MIN);

	links->items = arena_array(cursor->arena, count, sizeof(*links->items));
	for (; links->count < count && !cursor->failed; links->count++) {
		struct link *link = &links->items[links->count];
		const char *name;

		link->index = take_u32(cursor);
		name = take_text_of(cursor, take_u8(cursor), 1, INTERFACE_NAME_BYTES_MAX, device_byte);
		if (!name || !demand(cursor, link->index != 0 && link->index <= INT32_MAX))
			return;
		memcpy(link->name, name, strlen(name));
		if (links->count > 0)
			demand(cursor, strcmp(link[-1].name, link->name) < 0);
	}
}

int ruleset_unpack(struct arena *arena, struct span bytes, struct ruleset **ret_ruleset)
{
	struct cursor cursor = {
		.arena = arena, .bytes = (const uint8_t *)bytes.data, .remaining = bytes.length,
	};
	const size_t magic_bytes = sizeof(RULESET_PACK_MAGIC) - 1;
	struct ruleset *ruleset = arena_alloc(arena, sizeof(*ruleset));
	const uint8_t *magic;

	if (bytes.length > PACK_BYTES_MAX)
		return -EBADMSG;
	magic = take(&cursor, magic_bytes);
	if (!magic || memcmp(magic, RULESET_PACK_MAGIC, magic_bytes) != 0)
		return -EBADMSG;
	take_links(&cursor, &ruleset->links);
	take_tables(&cursor, ruleset);
	if (cursor.failed || cursor.remaining != 0)
		return -EBADMSG;
	*ret_ruleset = ruleset;
	return 0;
}
