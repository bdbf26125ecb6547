/* decode_set: sets, maps and their elements as the kernel holds them. */
#include "kernel/decode_set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/attribute.h"
#include "kernel/decode_rule.h"
#include "kernel/expressions.h"

enum {
	KEY_TYPE_MASK = (1 << KEY_TYPE_BITS) - 1,
	SET_FLAGS_KNOWN = NFT_SET_INTERVAL | NFT_SET_MAP | NFT_SET_TIMEOUT | NFT_SET_CONCAT,
	MILLISECONDS = 1000,
};

/* What stands for all fields of an nft type; FIELD_NONE for a type that is in none of our keys. */
static enum field field_of_type(uint32_t type)
{
	for (enum field field = FIELD_NONE + 1; field < FIELD_COUNT; field++) {
		if (field_source(field)->type == type)
			return field_representative(field);
	}
	return FIELD_NONE;
}

/* Takes the packed types of a key apart; the first field stands in the highest bits. */
static bool key_of_type(uint32_t type, struct key *ret_key)
{
	size_t count = 0;

	*ret_key = (struct key){ 0 };
	for (int shift = KEY_TYPE_BITS * (KEY_TYPED_FIELDS_MAX - 1); shift >= 0; shift -= KEY_TYPE_BITS) {
		const uint32_t part = type >> shift & KEY_TYPE_MASK;

		if (part == 0 && count == 0)
			continue;
		ret_key->fields[count] = field_of_type(part);
		if (ret_key->fields[count++] == FIELD_NONE)
			return false;
	}
	return count > 0 && type >> (KEY_TYPE_BITS * KEY_TYPED_FIELDS_MAX) == 0;
}

/* The bytes of a key in the kernel: a single field is not padded. */
static size_t key_wire_bytes(const struct key *key)
{
	return key_field_count(key) > 1 ? key_size(key) : field_size(key->fields[0]);
}

/* True when the lengths the kernel splits a range key by are those of the fields. */
static bool lengths_fit(const struct nftnl_set *set, const struct key *key)
{
	const size_t count = key_field_count(key);
	uint32_t length = 0;
	const uint8_t *lengths = nftnl_set_get_data(set, NFTNL_SET_DESC_CONCAT, &length);

	if (!lengths || length < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (lengths[i] != field_size(key->fields[i]))
			return false;
	}
	return true;
}

/* What a map's data are. */
static const char *data_decode(const struct nftnl_set *set, uint32_t flags, enum set_data *ret_data)
{
	const uint32_t type = nftnl_set_get_u32(set, NFTNL_SET_DATA_TYPE);

	*ret_data = SET_DATA_NONE;
	if (!(flags & NFT_SET_MAP))
		return NULL;
	if (type == NFT_DATA_VERDICT) {
		*ret_data = SET_DATA_VERDICT;
		return NULL;
	}
	if (type != MARK_TYPE || nftnl_set_get_u32(set, NFTNL_SET_DATA_LEN) != sizeof(uint32_t))
		return "a map to something that is neither a mark nor a verdict";
	*ret_data = SET_DATA_MARK;
	return NULL;
}

/* True when the elements have no expression, or a counter and nothing else. */
static bool expression_is_ours(const struct nftnl_set *set, bool counted)
{
	const struct nftnl_expr *expression;

	if (!counted)
		return !nftnl_set_is_set(set, NFTNL_SET_EXPR) && !nftnl_set_is_set(set, NFTNL_SET_EXPRESSIONS);
	expression = nftnl_set_get(set, NFTNL_SET_EXPR);
	return expression && strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "counter") == 0;
}

/* What is not ours about a set; NULL when everything is. */
static const char *set_objection(const struct nftnl_set *set, uint32_t flags, const struct set *decoded)
{
	if (flags & ~(uint32_t)SET_FLAGS_KNOWN)
		return "flags that no set of ours has";
	if (nftnl_set_is_set(set, NFTNL_SET_OBJ_TYPE) || !expression_is_ours(set, decoded->counted))
		return "elements with expressions or objects";
	if (decoded->interval && decoded->room > 0)
		return "a limited size";
	if (nftnl_set_is_set(set, NFTNL_SET_TIMEOUT) && nftnl_set_get_u64(set, NFTNL_SET_TIMEOUT) != 0)
		return "a timeout of its own";
	if (nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN) != key_wire_bytes(&decoded->key))
		return "a key of another length";
	if (decoded->interval && key_field_count(&decoded->key) > 1 &&
	    (!(flags & NFT_SET_CONCAT) || !lengths_fit(set, &decoded->key)))
		return "ranges of fields of other lengths";
	return NULL;
}

int set_decode(struct arena *arena, const struct nftnl_set *set, struct set *ret_set, const char **ret_why)
{
	const uint32_t flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS);
	const char *why = NULL;

	*ret_set = (struct set){
		.name = arena_strdup(arena, nftnl_set_get_str(set, NFTNL_SET_NAME)),
		.interval = flags & NFT_SET_INTERVAL,
		.timeout = flags & NFT_SET_TIMEOUT,
		.counted = nftnl_set_is_set(set, NFTNL_SET_EXPR),
		.room = nftnl_set_is_set(set, NFTNL_SET_DESC_SIZE) ? nftnl_set_get_u32(set, NFTNL_SET_DESC_SIZE) : 0,
	};
	if (!key_of_type(nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE), &ret_set->key))
		why = "a key type that no set of ours has";
	if (!why)
		why = data_decode(set, flags, &ret_set->data);
	if (!why)
		why = set_objection(set, flags, ret_set);
	if (!why)
		return 0;
	*ret_set = (struct set){ .name = ret_set->name };
	*ret_why = why;
	return -EBADMSG;
}

/*
 * An element of the dump. In a set of ranges of one field, which the kernel keeps as their two ends, `end`
 * marks the second.
 */
struct found_element {
	struct element element;
	bool end;
};

int64_t reading_clock_ms(void)
{
	struct timespec since_boot;

	clock_gettime(CLOCK_MONOTONIC, &since_boot);
	return (int64_t)since_boot.tv_sec * MILLISECONDS + since_boot.tv_nsec / (1000000000 / MILLISECONDS);
}

struct element_reader element_reader_begin(struct arena *arena, struct set *set, int64_t now, int64_t since_ms)
{
	return (struct element_reader){ .arena = arena, .set = set, .now_ms = now * MILLISECONDS, .since_ms = since_ms, .found = buf_limited(0) };
}

/* Copies a key in network order; false when it is not of the set's size or has something in its padding. */
static bool key_decode(const struct set *set, const struct nlattr *attribute, uint8_t *ret_key)
{
	const struct nlattr *attributes[NFTA_DATA_VALUE + 1];
	const size_t count = key_field_count(&set->key);
	uint8_t bytes[RULESET_KEY_FIELDS_MAX * 16] = { 0 };
	size_t at = 0;

	attributes_sort(attributes_of_nest(attribute), attributes, NFTA_DATA_VALUE + 1);
	if (!attributes[NFTA_DATA_VALUE] ||
	    mnl_attr_get_payload_len(attributes[NFTA_DATA_VALUE]) != key_wire_bytes(&set->key))
		return false;
	memcpy(bytes, mnl_attr_get_payload(attributes[NFTA_DATA_VALUE]), key_wire_bytes(&set->key));
	key_swap_order(set, bytes, ret_key);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = field_size(set->key.fields[i]); j < field_slot(set->key.fields[i]); j++) {
			if (ret_key[at + j] != 0)
				return false;
		}
		at += field_slot(set->key.fields[i]);
	}
	return true;
}

/* The verdict or mark of a map's element; false when it is none of ours. */
static bool element_data_decode(struct arena *arena, const struct set *set, const struct nlattr *attribute,
				struct element *element)
{
	const struct nlattr *data[NFTA_DATA_VERDICT + 1], *verdict[NFTA_VERDICT_CHAIN + 1];
	const char *chain;

	if (!attribute)
		return false;
	attributes_sort(attributes_of_nest(attribute), data, NFTA_DATA_VERDICT + 1);
	if (set->data == SET_DATA_MARK) {
		if (!data[NFTA_DATA_VALUE] ||
		    mnl_attr_get_payload_len(data[NFTA_DATA_VALUE]) != sizeof(uint32_t))
			return false;
		element->mark = mnl_attr_get_u32(data[NFTA_DATA_VALUE]);
		return true;
	}
	if (!data[NFTA_DATA_VERDICT])
		return false;
	attributes_sort(attributes_of_nest(data[NFTA_DATA_VERDICT]), verdict, NFTA_VERDICT_CHAIN + 1);
	if (!verdict[NFTA_VERDICT_CODE])
		return false;
	element->verdict.kind = verdict_of_number((int32_t)attribute_u32(verdict[NFTA_VERDICT_CODE]));
	chain = attribute_text(verdict[NFTA_VERDICT_CHAIN]);
	if (element->verdict.kind == VERDICT_JUMP || element->verdict.kind == VERDICT_GOTO)
		element->verdict.chain = arena_strdup(arena, chain);
	return element->verdict.kind != VERDICT_NONE;
}

/* Key and, in a set of ranges, the end of the key behind it. */
static bool element_key_decode(struct element_reader *reader, const struct nlattr *const *attributes,
			       struct element *element)
{
	const struct set *set = reader->set;
	const size_t size = key_size(&set->key);
	const bool concatenated = key_field_count(&set->key) > 1;
	uint8_t *key = arena_alloc(reader->arena, set->interval ? size * 2 : size);

	element->key = key;
	if (!attributes[NFTA_SET_ELEM_KEY] || !key_decode(set, attributes[NFTA_SET_ELEM_KEY], key))
		return false;
	if (set->interval)
		memcpy(key + size, key, size);
	if (!attributes[NFTA_SET_ELEM_KEY_END])
		return true;
	return set->interval && concatenated && key_decode(set, attributes[NFTA_SET_ELEM_KEY_END], key + size);
}

/* When the element ends; what remains is given in milliseconds. */
static int64_t expiry_decode(const struct nlattr *remaining, int64_t now_ms)
{
	const uint64_t milliseconds = attribute_u64(remaining);

	if (!remaining)
		return 0;
	if (milliseconds > INT64_MAX / 4)
		return INT64_MAX;
	return (now_ms + (int64_t)milliseconds + MILLISECONDS / 2) / MILLISECONDS;
}

/* One element. Returns what was not understood, or NULL. */
static const char *element_decode(struct element_reader *reader, const struct nlattr *nest, int64_t now_ms)
{
	enum { COUNT = NFTA_SET_ELEM_EXPRESSIONS + 1 };
	const struct nlattr *attributes[COUNT];
	struct found_element found = { 0 };
	uint32_t flags;

	if (!attributes_sort(attributes_of_nest(nest), attributes, COUNT))
		return "an element with an attribute that this program does not know";
	/* In a counted set the kernel itself gives each element its counter, and takes no other expression. */
	if ((attributes[NFTA_SET_ELEM_EXPR] && !reader->set->counted) || attributes[NFTA_SET_ELEM_OBJREF] ||
	    attributes[NFTA_SET_ELEM_EXPRESSIONS])
		return "an element with an expression or an object";
	flags = attribute_u32(attributes[NFTA_SET_ELEM_FLAGS]);
	found.end = flags == NFT_SET_ELEM_INTERVAL_END;
	if ((flags && !found.end) ||
	    (found.end && (!reader->set->interval || key_field_count(&reader->set->key) > 1)))
		return "an element for everything else, or with unknown flags";
	if (!element_key_decode(reader, attributes, &found.element))
		return "an element with a key of another shape";
	if (reader->set->data != SET_DATA_NONE && !found.end &&
	    !element_data_decode(reader->arena, reader->set, attributes[NFTA_SET_ELEM_DATA], &found.element))
		return "an element with data of another kind";
	found.element.expires_at = expiry_decode(attributes[NFTA_SET_ELEM_EXPIRATION], now_ms);
	if (attributes[NFTA_SET_ELEM_USERDATA])
		found.element.comment = userdata_comment(
			reader->arena, mnl_attr_get_payload(attributes[NFTA_SET_ELEM_USERDATA]),
			mnl_attr_get_payload_len(attributes[NFTA_SET_ELEM_USERDATA]));
	buf_put(&reader->found, &found, sizeof(found));
	return NULL;
}

void element_reader_take(struct element_reader *reader, const struct nlmsghdr *message, int64_t read_ms)
{
	const struct nlattr *attributes[NFTA_SET_ELEM_LIST_ELEMENTS + 1], *nest;
	const int64_t now_ms = reader->now_ms + read_ms - reader->since_ms;
	struct attributes list;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes,
			NFTA_SET_ELEM_LIST_ELEMENTS + 1);
	if (!attributes[NFTA_SET_ELEM_LIST_ELEMENTS])
		return;
	list = attributes_of_nest(attributes[NFTA_SET_ELEM_LIST_ELEMENTS]);
	while ((nest = attributes_next(&list))) {
		const char *why = element_decode(reader, nest, now_ms);

		if (why && !reader->why)
			reader->why = why;
	}
}

/* Orders the ends of ranges: by value, and where a range ends at the beginning of the next, the end first. */
static int compare_ends(const void *a, const void *b, void *size)
{
	const struct found_element *left = a, *right = b;
	const int order = memcmp(left->element.key, right->element.key, *(const size_t *)size);

	return order ? order : (int)right->end - (int)left->end;
}

/* The last value before next, over the field's bytes. */
static void value_before(uint8_t *ret_last, const uint8_t *next, size_t size)
{
	memcpy(ret_last, next, size);
	for (size_t i = size; i > 0; i--) {
		if (ret_last[i - 1]-- != 0)
			return;
	}
}

/*
 * Makes ranges of their ends, which are sorted. A range without an end goes up to the next one, or to the last
 * of all values.
 */
static size_t ranges_join(const struct set *set, struct found_element *found, size_t count)
{
	const size_t size = field_size(set->key.fields[0]), slot = key_size(&set->key);
	struct found_element *open = NULL;
	size_t joined = 0;

	for (size_t i = 0; i < count; i++) {
		const struct found_element here = found[i];

		if (open)
			value_before((uint8_t *)(uintptr_t)open->element.key + slot, here.element.key, size);
		open = NULL;
		if (here.end)
			continue;
		found[joined] = here;
		open = &found[joined++];
	}
	if (open)
		memset((uint8_t *)(uintptr_t)open->element.key + slot, 0xff, size);
	return joined;
}

/* Sorts the ends of ranges; false when one of them is there twice. */
static bool ends_sort(const struct set *set, struct found_element *found, size_t count)
{
	size_t size = field_size(set->key.fields[0]);

	qsort_r(found, count, sizeof(*found), compare_ends, &size);
	for (size_t i = 1; i < count; i++) {
		if (compare_ends(&found[i - 1], &found[i], &size) == 0)
			return false;
	}
	return true;
}

/* Puts what was found into the set; false when an element is there twice. */
static bool elements_settle(struct arena *arena, struct set *set, struct found_element *found, size_t count)
{
	if (count && set->interval && key_field_count(&set->key) == 1) {
		if (!ends_sort(set, found, count))
			return false;
		count = ranges_join(set, found, count);
	}
	set->elements = arena_array(arena, count, sizeof(*set->elements));
	set->element_count = count;
	for (size_t i = 0; i < count; i++)
		set->elements[i] = found[i].element;
	set_sort(set);
	for (size_t i = 1; i < count; i++) {
		if (element_compare(set, &set->elements[i - 1], &set->elements[i]) == 0)
			return false;
	}
	return true;
}

int element_reader_finish(struct element_reader *reader)
{
	struct found_element *found = (void *)reader->found.data;
	const bool settled = elements_settle(reader->arena, reader->set, found,
					     reader->found.length / sizeof(*found));

	element_reader_cancel(reader);
	return settled ? 0 : -EAGAIN;
}

void element_reader_cancel(struct element_reader *reader)
{
	buf_free(&reader->found);
}
