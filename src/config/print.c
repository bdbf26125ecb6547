/*
 * print: settings as a zone file, and whether two settings say the same. Both follow the schema, so that what
 * it lists is neither forgotten in the file nor overlooked in a comparison.
 */
#include <inttypes.h>
#include <string.h>

#include "config/reader.h"
#include "config/schema.h"

static const void *value_at(const void *values, const struct schema_key *key)
{
	return (const char *)values + key->offset;
}

static const char *records_at(const void *values, const struct schema_key *key, size_t *ret_count)
{
	*ret_count = *(const size_t *)(const void *)((const char *)values + key->count_offset);
	return *(const char *const *)value_at(values, key);
}

static bool keys_written(const struct schema_key *keys, const void *values);

/* True when the value was written, in a file or by a program that made the settings. */
static bool value_written(const struct schema_key *key, const void *values)
{
	const void *value = value_at(values, key);
	size_t count;

	switch (key->kind) {
	case SCHEMA_TEXT:
		return ((const struct text *)value)->value != NULL;
	case SCHEMA_TEXT_LIST:
		return ((const struct text_list *)value)->count > 0;
	case SCHEMA_NUMBER:
		return ((const struct number *)value)->at.source ||
		       ((const struct number *)value)->value != key->standard;
	case SCHEMA_FLAG:
		return ((const struct flag *)value)->at.source ||
		       ((const struct flag *)value)->value != (key->standard != 0);
	case SCHEMA_GROUP:
		return (key->item_size > 0 && ((const struct origin *)value)->source) ||
		       keys_written(key->keys, value);
	case SCHEMA_RECORDS:
		break;
	}
	records_at(values, key, &count);
	return count > 0;
}

static bool keys_written(const struct schema_key *keys, const void *values)
{
	for (; keys->name; keys++)
		if (value_written(keys, values))
			return true;
	return false;
}

static void indentation_print(struct buf *out, unsigned int depth)
{
	for (unsigned int i = 0; i < depth; i++)
		buf_putc(out, '\t');
}

static void text_print(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

static void text_list_print(struct buf *out, const struct text_list *list)
{
	buf_puts(out, "[ ");
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			buf_puts(out, ", ");
		text_print(out, list->items[i].value);
	}
	buf_puts(out, " ]");
}

static void keys_print(struct buf *out, const struct schema_key *keys, const void *values, unsigned int depth);

static void group_print(struct buf *out, const struct schema_key *keys, const void *values, unsigned int depth)
{
	buf_puts(out, "{\n");
	keys_print(out, keys, values, depth + 1);
	indentation_print(out, depth);
	buf_putc(out, '}');
}

static void records_print(struct buf *out, const struct schema_key *key, const void *values, unsigned int depth)
{
	size_t count;
	const char *items = records_at(values, key, &count);

	buf_puts(out, "(\n");
	for (size_t i = 0; i < count; i++) {
		indentation_print(out, depth + 1);
		group_print(out, key->keys, items + i * key->item_size, depth + 1);
		buf_puts(out, i + 1 < count ? ",\n" : "\n");
	}
	indentation_print(out, depth);
	buf_putc(out, ')');
}

static void value_print(struct buf *out, const struct schema_key *key, const void *values, unsigned int depth)
{
	const void *value = value_at(values, key);

	switch (key->kind) {
	case SCHEMA_TEXT:
		text_print(out, ((const struct text *)value)->value);
		break;
	case SCHEMA_TEXT_LIST:
		text_list_print(out, value);
		break;
	case SCHEMA_NUMBER:
		buf_printf(out, "%" PRId64, ((const struct number *)value)->value);
		break;
	case SCHEMA_FLAG:
		buf_puts(out, ((const struct flag *)value)->value ? "true" : "false");
		break;
	case SCHEMA_GROUP:
		group_print(out, key->keys, value, depth);
		break;
	case SCHEMA_RECORDS:
		records_print(out, key, values, depth);
		break;
	}
}

static void keys_print(struct buf *out, const struct schema_key *keys, const void *values, unsigned int depth)
{
	for (const struct schema_key *key = keys; key->name; key++) {
		if (!value_written(key, values))
			continue;
		indentation_print(out, depth);
		buf_printf(out, "%s = ", key->name);
		value_print(out, key, values, depth);
		buf_puts(out, ";\n");
	}
}

void settings_print(struct buf *out, const struct settings *settings)
{
	keys_print(out, schema_root, settings, 0);
}

static bool text_equal(const struct text *a, const struct text *b)
{
	if (!a->value || !b->value)
		return a->value == b->value;
	return strcmp(a->value, b->value) == 0;
}

static bool text_list_equal(const struct text_list *a, const struct text_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!text_equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

static bool keys_equal(const struct schema_key *keys, const void *a, const void *b);

static bool records_equal(const struct schema_key *key, const void *a, const void *b)
{
	size_t a_count, b_count;
	const char *a_items = records_at(a, key, &a_count);
	const char *b_items = records_at(b, key, &b_count);

	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!keys_equal(key->keys, a_items + i * key->item_size, b_items + i * key->item_size))
			return false;
	return true;
}

/* An empty group that was written is not the same as none: "record = { };" claims a record. */
static bool group_equal(const struct schema_key *key, const void *a, const void *b)
{
	return value_written(key, a) == value_written(key, b) &&
	       keys_equal(key->keys, value_at(a, key), value_at(b, key));
}

static bool value_equal(const struct schema_key *key, const void *a, const void *b)
{
	const void *left = value_at(a, key), *right = value_at(b, key);

	switch (key->kind) {
	case SCHEMA_TEXT:
		return text_equal(left, right);
	case SCHEMA_TEXT_LIST:
		return text_list_equal(left, right);
	case SCHEMA_NUMBER:
		return ((const struct number *)left)->value == ((const struct number *)right)->value;
	case SCHEMA_FLAG:
		return ((const struct flag *)left)->value == ((const struct flag *)right)->value;
	case SCHEMA_GROUP:
		return group_equal(key, a, b);
	case SCHEMA_RECORDS:
		break;
	}
	return records_equal(key, a, b);
}

static bool keys_equal(const struct schema_key *keys, const void *a, const void *b)
{
	for (; keys->name; keys++)
		if (!value_equal(keys, a, b))
			return false;
	return true;
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	return keys_equal(schema_root, a, b);
}
