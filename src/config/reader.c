/*
 * reader: see reader.h. Files become one text (expand), the text's grammar is checked (syntax), libconfig
 * parses it, and its tree is walked by the schema into settings.
 */
#include <assert.h>
#include <errno.h>
#include <libconfig.h>
#include <string.h>

#include "base/utf8.h"
#include "config/catalogue.h"
#include "config/expand.h"
#include "config/reader.h"
#include "config/schema.h"
#include "config/syntax.h"

/* The key that stands before a part of a long list. */
#define PART_KEY "part"

struct reader {
	struct arena *arena;
	struct findings *findings;
	const struct expansion *expansion;
	const struct outline *outline;
	bool zones_only;
	uint32_t lines_before;	/* of the expanded text, before what libconfig has at hand */
	int error;		/* the first one of libconfig */
};

static struct finding *reader_find(struct reader *reader, enum config_finding id, struct origin origin,
				   const char *what)
{
	return finding_add(reader->findings, &config_catalogue[id], origin, what, NULL);
}

/* Where a setting stands. Texts carry their own line as a hook (see lines_attach()). */
static struct origin setting_origin(const struct reader *reader, const config_setting_t *setting)
{
	const uint32_t *line = config_setting_get_hook(setting);

	return expansion_origin(reader->expansion, line ? *line : reader->lines_before + config_setting_source_line(setting));
}

/* The long list that this setting stands for, or NULL: in the tree such a list is empty. */
static const struct long_list *long_list_of(const struct outline *outline, const config_setting_t *setting)
{
	const config_setting_t *parent = config_setting_parent(setting);

	if (!parent || !config_setting_is_root(parent))
		return NULL;
	for (size_t i = 0; i < outline->list_count; i++) {
		if (span_equal(outline->lists[i].key, span_of(config_setting_name(setting))))
			return &outline->lists[i];
	}
	return NULL;
}

/*
 * Gives each text of the tree the line at which it begins: libconfig notes the line of whatever stands behind
 * it. The tree keeps the order of the file. Recursion ends with the depth that the syntax check allows.
 */
static void lines_attach(config_setting_t *setting, const struct outline *outline, size_t *text)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING && *text < outline->lines.count)
		config_setting_set_hook(setting, &outline->lines.items[(*text)++]);
	if (!config_setting_is_aggregate(setting))
		return;
	if (long_list_of(outline, setting))
		*text = long_list_of(outline, setting)->text_end;
	for (int i = 0; i < config_setting_length(setting); i++)
		lines_attach(config_setting_get_elem(setting, (unsigned int)i), outline, text);
}

/* True when the text may be kept: not empty, not too long, UTF-8 without hidden characters. */
static bool text_check(struct reader *reader, const char *key, struct span text, struct origin origin)
{
	uint32_t codepoint;

	if (text.length == 0) {
		reader_find(reader, CONFIG_TEXT_EMPTY, origin, key);
		return false;
	}
	if (text.length > SCHEMA_TEXT_BYTES_MAX) {
		finding_add(reader->findings, &config_catalogue[CONFIG_TEXT_LONG], origin, key,
			    arena_printf(reader->arena, "%d", SCHEMA_TEXT_BYTES_MAX), NULL);
		return false;
	}
	for (size_t offset = utf8_plain_length(text, 0); offset < text.length;) {
		if (utf8_next(text, &offset, &codepoint) < 0) {
			reader_find(reader, CONFIG_TEXT_ENCODING, origin, key);
			return false;
		}
		if (utf8_is_hidden(codepoint)) {
			finding_add(reader->findings, &config_catalogue[CONFIG_TEXT_HIDDEN], origin, key,
				    arena_printf(reader->arena, "U+%04X", (unsigned int)codepoint), NULL);
			return false;
		}
	}
	return true;
}

static bool zone_name_is_good(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return name[0] >= 'a' && name[0] <= 'z' && name[length] == '\0' && length <= SCHEMA_ZONE_NAME_BYTES_MAX;
}

static void name_check(struct reader *reader, const char *name, struct origin origin)
{
	size_t length = strlen(name);
	const char *wrong = strpbrk(name, "\"'`\\/");

	if (wrong) {
		const char shown[2] = { *wrong, '\0' };

		finding_add(reader->findings, &config_catalogue[CONFIG_NAME_FORM], origin, name, shown, NULL);
	}
	if (length > SCHEMA_NAME_BYTES_MAX)
		finding_add(reader->findings, &config_catalogue[CONFIG_NAME_LONG], origin, name,
			    arena_printf(reader->arena, "%d", SCHEMA_NAME_BYTES_MAX),
			    arena_printf(reader->arena, "%zu", length), NULL);
}

/* A bad name is kept: what refers to it would be reported a second time as unknown. */
static void form_check(struct reader *reader, const struct schema_key *key, const char *name,
		       struct origin origin)
{
	switch (key->form) {
	case SCHEMA_FORM_FREE:
	case SCHEMA_FORM_PLAIN:
		break;
	case SCHEMA_FORM_ZONE:
		if (!zone_name_is_good(name))
			reader_find(reader, CONFIG_ZONE_NAME, origin, name);
		break;
	case SCHEMA_FORM_NAME:
		name_check(reader, name, origin);
		break;
	}
}

/* "a|b|c" as people read it: "a, b, c". */
static const char *choices_shown(struct arena *arena, const char *choices)
{
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);

	for (; *choices; choices++)
		buf_puts(&text, *choices == '|' ? ", " : (const char[]){ *choices, '\0' });
	return arena_strdup(arena, buf_text(&text));
}

static const char *keys_shown(struct arena *arena, const struct schema_key *keys)
{
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);

	for (const struct schema_key *key = keys; key->name; key++)
		buf_printf(&text, "%s%s", key == keys ? "" : ", ", key->name);
	return arena_strdup(arena, buf_text(&text));
}

/* The text with half-width characters for the full-width ones that have such (U+FF01 to U+FF5E, U+3000), or NULL: it has none of them. */
static const char *half_width(struct arena *arena, const char *text)
{
	__attribute__((cleanup(buf_free))) struct buf half = buf_limited(0);
	struct span left = span_of(text);
	bool found = false;

	for (size_t offset = 0, begin = 0; offset < left.length; begin = offset) {
		uint32_t codepoint = 0;
		bool is_full = utf8_next(left, &offset, &codepoint) == 0 && ((codepoint >= 0xff01 && codepoint <= 0xff5e) || codepoint == 0x3000);

		if (is_full)
			buf_putc(&half, codepoint == 0x3000 ? ' ' : (char)(codepoint - 0xff01 + '!'));
		else
			buf_put(&half, text + begin, offset - begin);
		found |= is_full;
	}
	return found ? arena_strdup(arena, buf_text(&half)) : NULL;
}

/* What the value is to be read as: with a finding if it has full-width characters where none belong, so that it is told once and goes on as it was meant. */
static const char *plain_check(struct reader *reader, const struct schema_key *key, const char *value, struct origin origin)
{
	const char *half = key->form == SCHEMA_FORM_PLAIN || key->choices ? half_width(reader->arena, value) : NULL;

	if (!half)
		return value;
	finding_add(reader->findings, &config_catalogue[CONFIG_TEXT_FULL_WIDTH], origin, value, half, NULL);
	return half;
}

static bool choice_check(struct reader *reader, const struct schema_key *key, const char *word,
			 struct origin origin)
{
	const char *choices;
	struct span nearest;

	if (!key->choices || schema_choice_allowed(key->choices, word))
		return true;
	choices = choices_shown(reader->arena, key->choices);
	nearest = schema_nearest_choice(key->choices, word);
	if (nearest.length > 0)
		finding_add(reader->findings, &config_catalogue[CONFIG_CHOICE_MISSPELLED], origin, word,
			    key->name, choices, arena_strndup(reader->arena, nearest.data, nearest.length),
			    NULL);
	else
		finding_add(reader->findings, &config_catalogue[CONFIG_CHOICE_UNKNOWN], origin, word, key->name,
			    choices, NULL);
	return false;
}

static void text_read(struct reader *reader, const struct schema_key *key, const config_setting_t *setting,
		      struct text *text)
{
	const char *value;

	text->at = setting_origin(reader, setting);
	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		reader_find(reader, CONFIG_KIND_TEXT, text->at, key->name);
		return;
	}
	value = config_setting_get_string(setting);
	if (!text_check(reader, key->name, span_of(value), text->at))
		return;
	value = plain_check(reader, key, value, text->at);
	if (!choice_check(reader, key, value, text->at))
		return;
	form_check(reader, key, value, text->at);
	text->value = arena_strdup(reader->arena, value);
}

static bool setting_is_whole_number(const config_setting_t *setting)
{
	int type = config_setting_type(setting);

	return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

/* A whole number; hexadecimal ones come from libconfig as the bits of an int. */
static int64_t setting_number(const config_setting_t *setting)
{
	if (config_setting_type(setting) == CONFIG_TYPE_INT64)
		return config_setting_get_int64(setting);
	if (config_setting_get_format(setting) == CONFIG_FORMAT_HEX)
		return (uint32_t)config_setting_get_int(setting);
	return config_setting_get_int(setting);
}

/* One item of a list of texts; false when it cannot be kept. */
static bool item_read(struct reader *reader, const struct schema_key *key, const config_setting_t *setting,
		      struct text *item)
{
	item->at = setting_origin(reader, setting);
	if (setting_is_whole_number(setting)) {
		item->value = arena_printf(reader->arena, "%lld", (long long)setting_number(setting));
		return true;
	}
	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		reader_find(reader, CONFIG_KIND_TEXT_LIST, item->at, key->name);
		return false;
	}
	if (!text_check(reader, key->name, span_of(config_setting_get_string(setting)), item->at))
		return false;
	item->value = arena_strdup(reader->arena, plain_check(reader, key, config_setting_get_string(setting), item->at));
	return true;
}

/* How many items a list has (the syntax check limits them); a finding when one is needed and there is none. */
static size_t list_length(struct reader *reader, const struct schema_key *key, const config_setting_t *setting,
			  struct origin origin)
{
	size_t length = (size_t)config_setting_length(setting);

	if (length == 0 && key->required)
		reader_find(reader, CONFIG_LIST_EMPTY, origin, key->name);
	return length;
}

static void text_list_read(struct reader *reader, const struct schema_key *key, const config_setting_t *setting,
			   struct text_list *list)
{
	size_t length;

	list->at = setting_origin(reader, setting);
	if (!config_setting_is_list(setting) && !config_setting_is_array(setting)) {
		list->items = arena_array(reader->arena, 1, sizeof(*list->items));
		list->count = item_read(reader, key, setting, &list->items[0]);
		return;
	}
	length = list_length(reader, key, setting, list->at);
	list->items = arena_array(reader->arena, length, sizeof(*list->items));
	for (size_t i = 0; i < length; i++) {
		struct text item = { .value = NULL };

		if (item_read(reader, key, config_setting_get_elem(setting, (unsigned int)i), &item))
			list->items[list->count++] = item;
	}
}

static void number_read(struct reader *reader, const struct schema_key *key, const config_setting_t *setting,
			struct number *number)
{
	int64_t value;

	number->at = setting_origin(reader, setting);
	if (!setting_is_whole_number(setting)) {
		reader_find(reader, CONFIG_KIND_NUMBER, number->at, key->name);
		return;
	}
	value = setting_number(setting);
	if (value >= key->minimum && value <= key->maximum) {
		number->value = value;
		return;
	}
	finding_add(reader->findings, &config_catalogue[CONFIG_NUMBER_RANGE], number->at,
		    arena_printf(reader->arena, "%lld", (long long)value), key->name,
		    arena_printf(reader->arena, "%lld", (long long)key->minimum),
		    arena_printf(reader->arena, "%lld", (long long)key->maximum), NULL);
}

static void flag_read(struct reader *reader, const struct schema_key *key, const config_setting_t *setting,
		      struct flag *flag)
{
	flag->at = setting_origin(reader, setting);
	if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
		flag->value = config_setting_get_bool(setting) != 0;
	else
		reader_find(reader, CONFIG_KIND_FLAG, flag->at, key->name);
}

static void keys_read(struct reader *reader, const struct schema_key *keys, const config_setting_t *group,
		      struct origin origin, void *values);

typedef void tree_walk(struct reader *reader, const config_setting_t *root, void *context);

static void tree_read(struct reader *reader, struct buf *text, size_t first_text, tree_walk *walk, void *context);
static tree_walk part_walk;

static void group_read(struct reader *reader, const struct schema_key *key, const config_setting_t *setting,
		       void *values)
{
	struct origin origin = setting_origin(reader, setting);

	if (!config_setting_is_group(setting)) {
		reader_find(reader, CONFIG_KIND_GROUP, origin, key->name);
		return;
	}
	if (key->item_size > 0)
		*(struct origin *)values = origin;
	keys_read(reader, key->keys, setting, origin, values);
}

/* A list of records while it is read. */
struct records {
	const struct schema_key *key;
	char *items;
	size_t count;
};

static void items_read(struct reader *reader, const config_setting_t *list, struct records *records)
{
	const struct schema_key *key = records->key;

	for (int i = 0; i < config_setting_length(list); i++) {
		const config_setting_t *item = config_setting_get_elem(list, (unsigned int)i);
		struct origin at = setting_origin(reader, item);
		char *values = records->items + records->count * key->item_size;

		if (!config_setting_is_group(item)) {
			reader_find(reader, CONFIG_KIND_RECORDS, at, key->name);
			continue;
		}
		*(struct origin *)(void *)values = at;
		keys_read(reader, key->keys, item, at, values);
		records->count++;
	}
}

/* Hands the parts of a long list to libconfig one by one. */
static void long_list_read(struct reader *reader, const struct long_list *list, struct records *records)
{
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);
	struct span whole = buf_span(&reader->expansion->text);

	for (size_t i = 0; i < list->part_count && reader->error == 0; i++) {
		const struct list_part *part = &list->parts[i];

		text.length = 0;
		buf_puts(&text, PART_KEY " = (");
		buf_put(&text, whole.data + part->begin, part->end - part->begin);
		buf_puts(&text, ");");
		reader->lines_before = part->line - 1;
		tree_read(reader, &text, part->first_text, part_walk, records);
	}
	reader->lines_before = 0;
}

static void records_read(struct reader *reader, const struct schema_key *key, const config_setting_t *setting,
			 void *values)
{
	const struct long_list *list = long_list_of(reader->outline, setting);
	struct origin origin = setting_origin(reader, setting);
	struct records records = { .key = key };
	size_t length;

	if (!config_setting_is_list(setting)) {
		reader_find(reader, CONFIG_KIND_RECORDS, origin, key->name);
		return;
	}
	length = list ? list->item_count : list_length(reader, key, setting, origin);
	records.items = arena_array(reader->arena, length, key->item_size);
	if (list)
		long_list_read(reader, list, &records);
	else
		items_read(reader, setting, &records);
	*(void **)(void *)((char *)values + key->offset) = records.items;
	*(size_t *)(void *)((char *)values + key->count_offset) = records.count;
}

static void value_read(struct reader *reader, const struct schema_key *key, const config_setting_t *setting,
		       void *values)
{
	void *value = (char *)values + key->offset;

	switch (key->kind) {
	case SCHEMA_TEXT:
		text_read(reader, key, setting, value);
		break;
	case SCHEMA_TEXT_LIST:
		text_list_read(reader, key, setting, value);
		break;
	case SCHEMA_NUMBER:
		number_read(reader, key, setting, value);
		break;
	case SCHEMA_FLAG:
		flag_read(reader, key, setting, value);
		break;
	case SCHEMA_GROUP:
		group_read(reader, key, setting, value);
		break;
	case SCHEMA_RECORDS:
		records_read(reader, key, setting, values);
		break;
	}
}

/* Fills in what holds when nothing is written, also in groups that are not there. */
static void standards_fill(const struct schema_key *keys, void *values)
{
	for (const struct schema_key *key = keys; key->name; key++) {
		void *value = (char *)values + key->offset;

		if (key->kind == SCHEMA_NUMBER)
			((struct number *)value)->value = key->standard;
		else if (key->kind == SCHEMA_FLAG)
			((struct flag *)value)->value = key->standard != 0;
		else if (key->kind == SCHEMA_GROUP)
			standards_fill(key->keys, value);
	}
}

/* The known key that was probably meant, or NULL. */
static const struct schema_key *unknown_key_report(struct reader *reader, const struct schema_key *keys,
						   const config_setting_t *setting)
{
	/* Of the setting itself, not of its value: the name is what is wrong. */
	struct origin origin = expansion_origin(reader->expansion, reader->lines_before + config_setting_source_line(setting));
	const char *name = config_setting_name(setting);
	const struct schema_refused *refused = schema_refused_named(name);
	const char *nearest = schema_nearest(keys, name);

	if (refused)
		finding_add(reader->findings, &config_catalogue[CONFIG_KEY_REFUSED], origin, name, refused->en,
			    refused->ja, NULL);
	else if (nearest)
		finding_add(reader->findings, &config_catalogue[CONFIG_KEY_MISSPELLED], origin, name, nearest,
			    NULL);
	else
		finding_add(reader->findings, &config_catalogue[CONFIG_KEY_UNKNOWN], origin, name,
			    keys_shown(reader->arena, keys), NULL);
	return nearest && !refused ? schema_key_named(keys, nearest) : NULL;
}

/*
 * Reads a group into the struct at values by its table; origin: where the group stands, for what is missing in
 * it.
 */
static void keys_read(struct reader *reader, const struct schema_key *keys, const config_setting_t *group,
		      struct origin origin, void *values)
{
	uint64_t written = 0;	/* one bit per key, misspelled ones as well: those are not told to be missing besides */

	standards_fill(keys, values);
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned int)i);
		const struct schema_key *key = schema_key_named(keys, config_setting_name(setting));
		const struct schema_key *meant = key ? key : unknown_key_report(reader, keys, setting);

		if (!meant)
			continue;
		assert(meant - keys < 64);
		written |= (uint64_t)1 << (meant - keys);
		if (!key)
			continue;
		value_read(reader, key, setting, values);
	}
	for (const struct schema_key *key = keys; key->name; key++)
		if (key->required && !(written & (uint64_t)1 << (key - keys)))
			reader_find(reader, CONFIG_KEY_MISSING, origin, key->name);
}

static void syntax_report(struct reader *reader, const config_t *config)
{
	uint32_t line = config_error_line(config) > 0 ? (uint32_t)config_error_line(config) : 1;
	const char *words = config_error_text(config);

	reader_find(reader, CONFIG_SYNTAX, expansion_origin(reader->expansion, reader->lines_before + line),
		    words ? words : "libconfig");
	reader->error = -EBADMSG;
}

/* Parses a text and walks its tree, which is given back before the call returns. first_text: which text of the file its first one is. */
static void tree_read(struct reader *reader, struct buf *text, size_t first_text, tree_walk *walk, void *context)
{
	config_t config;

	config_init(&config);
	/* No @include is left in the text; if one were, it should find nothing. */
	config_set_include_dir(&config, "/dev/null");
	if (config_read_string(&config, buf_text(text))) {
		lines_attach(config_root_setting(&config), reader->outline, &first_text);
		walk(reader, config_root_setting(&config), context);
	} else {
		syntax_report(reader, &config);
	}
	config_destroy(&config);
}

/* The tree of a part of a long list. */
static void part_walk(struct reader *reader, const config_setting_t *root, void *context)
{
	items_read(reader, config_setting_get_elem(root, 0), context);
}

/* The tree of the file. */
static void file_walk(struct reader *reader, const config_setting_t *root, void *context)
{
	struct origin file = { .source = &reader->expansion->sources[0], .line = 0 };
	const struct schema_key *zones = schema_key_named(schema_root, "zones");
	const config_setting_t *setting = config_setting_get_member(root, zones->name);

	if (!reader->zones_only)
		keys_read(reader, schema_root, root, file, context);
	else if (setting)
		value_read(reader, zones, setting, context);
}

/* The text without the items of long lists; every line stays where it is. */
static void text_shorten(struct buf *out, const struct outline *outline, struct span text)
{
	size_t copied = 0;

	for (size_t i = 0; i < outline->list_count; i++) {
		const struct long_list *list = &outline->lists[i];

		buf_put(out, text.data + copied, list->parts[0].begin - copied);
		for (uint32_t line = list->parts[0].line; line < list->last_line; line++)
			buf_putc(out, '\n');
		copied = list->parts[list->part_count - 1].end;
	}
	buf_put(out, text.data + copied, text.length - copied);
}

static int expansion_settle(struct reader *reader, struct settings **ret_settings)
{
	__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);
	const struct expansion *expansion = reader->expansion;
	struct settings *settings = arena_alloc(reader->arena, sizeof(*settings));
	struct outline outline;
	int error = syntax_check(scratch, expansion, reader->findings, &outline);

	if (error < 0)
		return error;
	reader->outline = &outline;
	text_shorten(&text, &outline, buf_span(&expansion->text));
	tree_read(reader, &text, 0, file_walk, settings);
	if (reader->error < 0)
		return reader->error;
	settings->sources = expansion->sources;
	settings->source_count = expansion->source_count;
	*ret_settings = settings;
	return 0;
}

static int file_read(struct reader *reader, const char *path, struct settings **ret_settings)
{
	__attribute__((cleanup(expansion_free))) struct expansion expansion;
	int error = expansion_read(reader->arena, path, reader->findings, &expansion);

	reader->expansion = &expansion;
	return error < 0 ? error : expansion_settle(reader, ret_settings);
}

int settings_read(struct arena *arena, const char *path, struct findings *findings,
		  struct settings **ret_settings)
{
	struct reader reader = { .arena = arena, .findings = findings };

	return file_read(&reader, path, ret_settings);
}

int settings_read_zones(struct arena *arena, const char *path, struct findings *findings,
			struct settings **ret_settings)
{
	struct reader reader = { .arena = arena, .findings = findings, .zones_only = true };

	return file_read(&reader, path, ret_settings);
}

int settings_read_text(struct arena *arena, const char *path, const char *text, size_t length,
		       struct findings *findings, struct settings **ret_settings)
{
	__attribute__((cleanup(expansion_free))) struct expansion expansion;
	struct reader reader = { .arena = arena, .findings = findings, .expansion = &expansion };
	int error = expansion_read_text(arena, path, text, length, findings, &expansion);

	return error < 0 ? error : expansion_settle(&reader, ret_settings);
}
