/* encode_elements: elements of a set, byte by byte. */
#include "kernel/encode_elements.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "kernel/expressions.h"

enum {
	/*
	 * The most one element takes: two keys, a verdict with a chain's name, a comment, and what frames them;
	 * twice for the end of an interval.
	 */
	ELEMENT_BYTES_MAX = 1024,
	MILLISECONDS = 1000,
};

/* What all elements of a change have in common. */
struct form {
	const struct set *set;
	int64_t now;
	bool add;
	bool two_keys;		/* ranges of several fields: first and last key */
	bool two_elements;	/* a range of a single field: where it begins and where it ends */
	uint16_t key_bytes;	/* as the kernel counts them: a single field is not padded */
	struct { uint8_t offset, size; } swapped[RULESET_KEY_FIELDS_MAX]; /* fields that the kernel keeps in host byte order */
	size_t swapped_count;
};

static struct form form_of(const struct set *set, bool add, int64_t now)
{
	const size_t fields = key_field_count(&set->key);
	struct form form = { .set = set, .now = now, .add = add, .two_keys = set->interval && fields > 1,
			     .two_elements = set->interval && fields == 1 };
	size_t offset = 0;

	form.key_bytes = (uint16_t)(fields > 1 ? key_size(&set->key) : field_size(set->key.fields[0]));
	for (size_t i = 0; i < fields && !set->interval; i++) {
		if (field_source(set->key.fields[i])->host_order) {
			form.swapped[form.swapped_count].offset = (uint8_t)offset;
			form.swapped[form.swapped_count++].size = (uint8_t)field_size(set->key.fields[i]);
		}
		offset += field_slot(set->key.fields[i]);
	}
	return form;
}

/* ---- attributes: each function returns where the next one goes */

static char *attribute_begin(char *at, uint16_t type, size_t length)
{
	const struct nlattr header = { .nla_len = (uint16_t)(sizeof(header) + length), .nla_type = type };

	memcpy(at, &header, sizeof(header));
	return at + sizeof(header);
}

static char *attribute_put(char *at, uint16_t type, const void *bytes, size_t length)
{
	memcpy(attribute_begin(at, type, length), bytes, length);
	return at + ((sizeof(struct nlattr) + length + 3) & ~(size_t)3);
}

static char *number_put(char *at, uint16_t type, uint32_t number)
{
	return attribute_put(at, type, &number, sizeof(number));
}

static char *nest_begin(char *at, uint16_t type)
{
	return attribute_begin(at, type | NLA_F_NESTED, 0);
}

/* The nest whose first attribute stands at `begin` ends here. */
static char *nest_end(char *begin, char *at)
{
	const uint16_t length = (uint16_t)(at - begin + (ptrdiff_t)sizeof(struct nlattr));

	memcpy(begin - sizeof(struct nlattr), &length, sizeof(length));
	return at;
}

/* ---- parts of an element */

static char *key_put(char *at, const struct form *form, uint16_t type, const uint8_t *key)
{
	char *inside = nest_begin(at, type), *value = inside + sizeof(struct nlattr);

	at = attribute_put(inside, NFTA_DATA_VALUE, key, form->key_bytes);
	for (size_t i = 0; i < form->swapped_count; i++)
		bytes_swap_order((uint8_t *)value + form->swapped[i].offset, form->swapped[i].size);
	return nest_end(inside, at);
}

/* What a map gives for the key. */
static char *data_put(char *at, const struct set *set, const struct element *element)
{
	char *inside = nest_begin(at, NFTA_SET_ELEM_DATA), *verdict;

	if (set->data == SET_DATA_MARK)
		return nest_end(inside, number_put(inside, NFTA_DATA_VALUE, element->mark));
	verdict = nest_begin(inside, NFTA_DATA_VERDICT);
	at = number_put(verdict, NFTA_VERDICT_CODE, htonl((uint32_t)verdict_number(element->verdict.kind)));
	if (element->verdict.chain)
		at = attribute_put(at, NFTA_VERDICT_CHAIN, element->verdict.chain, strlen(element->verdict.chain) + 1);
	return nest_end(inside, nest_end(verdict, at));
}

/* Milliseconds until the element ends. Never 0, which would mean that it stays for good. */
static uint64_t element_timeout(const struct element *element, int64_t now)
{
	int64_t milliseconds;

	if (element->expires_at <= now)
		return 1;
	if (__builtin_sub_overflow(element->expires_at, now, &milliseconds) ||
	    __builtin_mul_overflow(milliseconds, MILLISECONDS, &milliseconds))
		return INT64_MAX / MILLISECONDS / MILLISECONDS;
	return (uint64_t)milliseconds;
}

size_t comment_put(uint8_t room[static NFT_USERDATA_MAXLEN], uint8_t type, const char *comment)
{
	const size_t length = strnlen(comment, RULESET_COMMENT_BYTES_MAX);

	room[0] = type;
	room[1] = (uint8_t)(length + 1);
	memcpy(room + 2, comment, length);
	room[2 + length] = '\0';
	return length + 3;
}

/* What an element has besides its key when it is added. */
static char *rest_put(char *at, const struct form *form, const struct element *element)
{
	uint8_t userdata[NFT_USERDATA_MAXLEN];
	uint64_t timeout;

	if (form->set->data != SET_DATA_NONE)
		at = data_put(at, form->set, element);
	if (form->set->timeout && element->expires_at) {
		timeout = htobe64(element_timeout(element, form->now));
		at = attribute_put(at, NFTA_SET_ELEM_TIMEOUT, &timeout, sizeof(timeout));
	}
	if (element->comment)
		at = attribute_put(at, NFTA_SET_ELEM_USERDATA, userdata, comment_put(userdata, NFTNL_UDATA_SET_ELEM_COMMENT, element->comment));
	return at;
}

/*
 * The element that ends a range of a single field: the first value behind it. None when the range goes to the
 * end of all values.
 */
static char *range_end_put(char *at, const struct form *form, const uint8_t *last)
{
	const size_t size = form->key_bytes;
	uint8_t next[16] = { 0 };
	size_t i = size;
	char *inside;

	memcpy(next, last, size);
	while (i > 0 && ++next[i - 1] == 0)
		i--;
	if (i == 0)
		return at;
	inside = nest_begin(at, NFTA_LIST_ELEM);
	at = number_put(inside, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	return nest_end(inside, key_put(at, form, NFTA_SET_ELEM_KEY, next));
}

/* One element; when it is deleted its key is enough. */
static char *element_put(char *at, const struct form *form, const struct element *element)
{
	const uint8_t *last = element->key + key_size(&form->set->key);
	char *inside = nest_begin(at, NFTA_LIST_ELEM);

	at = key_put(inside, form, NFTA_SET_ELEM_KEY, element->key);
	if (form->two_keys)
		at = key_put(at, form, NFTA_SET_ELEM_KEY_END, last);
	if (form->add)
		at = rest_put(at, form, element);
	nest_end(inside, at);
	return form->two_elements ? range_end_put(at, form, last) : at;
}

/* ---- messages */

static void names_put(struct nlmsghdr *message, const struct table *table, const struct set *set)
{
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table->name);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set->name);
}

size_t elements_put(struct nlmsghdr *message, const struct change *change, size_t first, int64_t now, uint32_t offset)
{
	const struct form form = form_of(change->set, change->kind == CHANGE_ADD_ELEMENTS, now);
	const char *full = (char *)message + NFNL_MESSAGE_BYTES_MAX - ELEMENT_BYTES_MAX, *wanted = (char *)message + offset;
	struct nlattr *list;
	char *at;
	size_t i = first;

	names_put(message, change->table, change->set);
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	at = mnl_nlmsg_get_payload_tail(message);
	while (i < change->element_count && at <= full) {
		at = element_put(at, &form, change->elements[i]);
		if (offset && wanted < at)
			break;
		i++;
	}
	message->nlmsg_len = (uint32_t)(at - (char *)message);
	mnl_attr_nest_end(message, list);
	return i;
}

void element_question_put(struct nlmsghdr *message, const struct table *table, const struct set *set, const struct element *element)
{
	const struct form form = form_of(set, false, 0);
	struct nlattr *list;
	char *at;

	names_put(message, table, set);
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	at = element_put(mnl_nlmsg_get_payload_tail(message), &form, element);
	message->nlmsg_len = (uint32_t)(at - (char *)message);
	mnl_attr_nest_end(message, list);
}
