/*
 * syntax: see syntax.h. A walk over the tokens with a stack of open brackets; one function for each thing that
 * may be expected next.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/catalogue.h"
#include "config/reader.h"
#include "config/syntax.h"
#include "config/tokens.h"

enum expectation {
	EXPECT_KEY,		/* or the end of the group */
	EXPECT_EQUALS,
	EXPECT_VALUE,
	EXPECT_SETTING_END,	/* ; or , or nothing, then as EXPECT_KEY */
	EXPECT_FIRST_ITEM,	/* or the end of the list */
	EXPECT_ITEM,
	EXPECT_ITEM_END,	/* a comma or the end of the list */
};

enum { SHOWN_BYTES_MAX = 80, HEX_DIGITS_MAX = 8, DECIMAL_DIGITS_MAX = 18 };

/* A value's kind as libconfig sees it: in [ ] all must be of one. */
enum value_kind { VALUE_NONE, VALUE_TEXT, VALUE_NUMBER, VALUE_LONG_NUMBER, VALUE_FLOAT, VALUE_FLAG };

/* An open bracket, or the file itself. */
struct frame {
	char bracket;		/* 0 for the file */
	uint32_t line;
	size_t key_count;	/* keys that were known when it was opened */
	enum value_kind items;	/* [ ]: of the first item */
	size_t item_count;	/* of a list */
};

struct key {
	struct span name;
	uint32_t line;
};

struct walker {
	struct arena *arena;
	const struct expansion *expansion;
	struct findings *findings;
	struct token_reader reader;
	enum expectation expectation;
	struct frame frames[READER_BRACKETS_DEPTH_MAX + 1];
	size_t depth;
	struct key *keys;	/* of all open groups */
	size_t key_count, key_capacity;
	struct token previous;
	struct outline outline;
	struct long_list *list;	/* the open list of a key of the file, long or not; NULL: none is open */
};

static struct frame *frame_top(struct walker *walker)
{
	return &walker->frames[walker->depth];
}

static bool frame_is_list(const struct frame *frame)
{
	return frame->bracket == '(' || frame->bracket == '[';
}

static const char *span_shown(struct walker *walker, struct span text)
{
	size_t length = text.length;

	if (length > SHOWN_BYTES_MAX) {
		length = SHOWN_BYTES_MAX;
		while (length > 0 && ((uint8_t)text.data[length] & 0xc0) == 0x80)
			length--;
	}
	return arena_strndup(walker->arena, text.data, length);
}

/* The finding that ends the walk. */
static int walker_refuse(struct walker *walker, enum config_finding id, uint32_t line, const char *what)
{
	finding_add(walker->findings, &config_catalogue[id], expansion_origin(walker->expansion, line), what,
		    NULL);
	return -EBADMSG;
}

static int token_refuse(struct walker *walker, enum config_finding id, const struct token *token)
{
	return walker_refuse(walker, id, token->line, span_shown(walker, token->text));
}

/* A bracket is still open where something stands that cannot stand inside it. */
static int bracket_refuse(struct walker *walker, const struct token *token)
{
	const struct frame *frame = frame_top(walker);
	struct origin opened = expansion_origin(walker->expansion, frame->line);
	const char bracket[2] = { frame->bracket, '\0' };
	struct finding *finding;

	if (frame->bracket == '\0')
		return token_refuse(walker, CONFIG_BRACKET_EXTRA, token);
	if (token->kind == TOKEN_END)
		return walker_refuse(walker, CONFIG_BRACKET_OPEN, frame->line, bracket);
	finding = finding_add(walker->findings, &config_catalogue[CONFIG_BRACKET_WRONG],
			      expansion_origin(walker->expansion, token->line), span_shown(walker, token->text),
			      bracket, arena_printf(walker->arena, "%u", (unsigned int)opened.line), NULL);
	finding_relate(finding, opened);
	return -EBADMSG;
}

/* From start on, what people see as one word: up to a blank, a separator or a bracket. */
static struct span word_at(const struct walker *walker, size_t start)
{
	struct span text = walker->reader.text;
	size_t end = start;

	while (end < text.length && !strchr(" \t\r\n\f,;=(){}[]\"", text.data[end]))
		end++;
	while (end > start + 1 && text.data[end - 1] == ':')
		end--;
	return (struct span){ text.data + start, end - start };
}

static bool tokens_touch(const struct token *left, const struct token *right)
{
	return left->text.length > 0 && left->offset + left->text.length == right->offset;
}

/*
 * True for the beginnings of a word that lacks its quotes: 10.1.0.0/24 begins like a number, fd00::1 like a
 * key.
 */
static bool token_is_wordlike(const struct token *token)
{
	return token->kind == TOKEN_NUMBER || token->kind == TOKEN_FLOAT || token->kind == TOKEN_NAME ||
	       token->kind == TOKEN_FLAG;
}

/* True when this token goes on with the word that the value before it began. */
static bool word_goes_on(const struct walker *walker, const struct token *token)
{
	return token_is_wordlike(&walker->previous) && tokens_touch(&walker->previous, token) &&
	       (token_is_wordlike(token) || token->kind == TOKEN_STRAY ||
		(token->kind == TOKEN_EQUALS && *token->text.data == ':'));
}

/* What other programs take for true or false. */
static bool word_is_flag(struct span word)
{
	static const char *const words[] = { "yes", "no", "on", "off" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (word.length == strlen(words[i]) && strncasecmp(word.data, words[i], word.length) == 0)
			return true;
	return false;
}

static int word_refuse(struct walker *walker, size_t start, uint32_t line)
{
	if (walker->expectation == EXPECT_VALUE && word_is_flag(word_at(walker, start)))
		return walker_refuse(walker, CONFIG_KIND_FLAG, line, span_shown(walker, walker->keys[walker->key_count - 1].name));
	return walker_refuse(walker, CONFIG_QUOTES_MISSING, line, span_shown(walker, word_at(walker, start)));
}

/* True when the token is a key with its "=", not a word that lacks its quotes. */
static bool token_begins_setting(const struct walker *walker, const struct token *token)
{
	struct token_reader ahead = walker->reader;

	return token->kind == TOKEN_NAME && token_next(&ahead).kind == TOKEN_EQUALS &&
	       word_at(walker, token->offset).length == token->text.length;
}

/*
 * Signs of the Japanese keyboard that look like those of the grammar; other characters are letters that lack
 * their quotes.
 */
static bool is_full_width_sign(uint32_t codepoint)
{
	return (codepoint >= 0x2018 && codepoint <= 0x201f) || (codepoint >= 0x3001 && codepoint <= 0x3011) ||
	       (codepoint >= 0xff01 && codepoint <= 0xff5e) || codepoint == 0xffe5;
}

static bool walker_wants_value(const struct walker *walker)
{
	return walker->expectation == EXPECT_VALUE || walker->expectation == EXPECT_FIRST_ITEM ||
	       walker->expectation == EXPECT_ITEM;
}

/* A character outside of quotes that the grammar does not know. */
static int stray_refuse(struct walker *walker, const struct token *token)
{
	uint32_t codepoint = 0;
	size_t offset = 0;
	int error = utf8_next(token->text, &offset, &codepoint);

	if (codepoint == '@')
		return walker_refuse(walker, CONFIG_INCLUDE_FORM, token->line, "@include");
	if (codepoint == 0x3000)
		return token_refuse(walker, CONFIG_FULL_WIDTH_SPACE, token);
	if (error < 0 || utf8_is_hidden(codepoint))
		return walker_refuse(walker, CONFIG_STRAY, token->line,
				     arena_printf(walker->arena, "U+%04X", (unsigned int)codepoint));
	if (codepoint < 0x80)
		return token_refuse(walker, CONFIG_STRAY, token);
	if (walker_wants_value(walker) && !is_full_width_sign(codepoint))
		return word_refuse(walker, token->offset, token->line);
	return token_refuse(walker, CONFIG_FULL_WIDTH, token);
}

/*
 * Digits of a whole number without sign, leading zeros, 0x and suffix. The text ends with a line end, so
 * nothing reads past it.
 */
static size_t significant_digits(struct span number, bool hexadecimal)
{
	size_t first = hexadecimal ? 2 : strspn(number.data, "+-");
	size_t length = number.length;

	while (length > first && number.data[length - 1] == 'L')
		length--;
	while (first < length && number.data[first] == '0')
		first++;
	return length - first;
}

/* libconfig cuts numbers at 32 bits without a word: 4294967321 and 0x100000019 would be port 25. */
static int number_check(struct walker *walker, const struct token *token, enum value_kind *ret_kind)
{
	struct span text = token->text;
	bool hexadecimal = text.length > 2 && (text.data[1] == 'x' || text.data[1] == 'X');
	bool is_long = text.data[text.length - 1] == 'L';
	long long value;

	if (significant_digits(text, hexadecimal) > (hexadecimal ? HEX_DIGITS_MAX : DECIMAL_DIGITS_MAX))
		return token_refuse(walker, CONFIG_NUMBER_TOO_LARGE, token);
	value = hexadecimal ? 0 : strtoll(text.data, NULL, 10);
	if (!is_long && (value > INT_MAX || value < INT_MIN))
		return token_refuse(walker, CONFIG_NUMBER_TOO_LARGE, token);
	*ret_kind = is_long ? VALUE_LONG_NUMBER : VALUE_NUMBER;
	return 0;
}

static int scalar_kind(struct walker *walker, const struct token *token, enum value_kind *ret_kind)
{
	switch (token->kind) {
	case TOKEN_TEXT:
		*ret_kind = VALUE_TEXT;
		return 0;
	case TOKEN_FLOAT:
		*ret_kind = VALUE_FLOAT;
		return 0;
	case TOKEN_FLAG:
		*ret_kind = VALUE_FLAG;
		return 0;
	default:
		return number_check(walker, token, ret_kind);
	}
}

static void line_note(struct walker *walker, uint32_t line)
{
	struct text_lines *lines = &walker->outline.lines;

	lines->items = arena_grow(walker->arena, lines->items, lines->count, &lines->capacity, sizeof(*lines->items));
	lines->items[lines->count++] = line;
}

/* ---- long lists */

static void list_begin(struct walker *walker)
{
	struct outline *outline = &walker->outline;

	outline->lists = arena_grow(walker->arena, outline->lists, outline->list_count, &outline->list_capacity,
				    sizeof(*outline->lists));
	walker->list = &outline->lists[outline->list_count++];
	*walker->list = (struct long_list){ .key = walker->keys[walker->key_count - 1].name };
}

static void list_end(struct walker *walker)
{
	walker->list->text_end = walker->outline.lines.count;
	if (walker->list->item_count <= SYNTAX_PART_ITEMS)
		walker->outline.list_count--;
	walker->list = NULL;
}

/* True where the next item belongs to the open list itself, and not to something in it. */
static bool item_is_of_list(const struct walker *walker)
{
	return walker->list && walker->depth == 1;
}

static void item_begin(struct walker *walker, const struct token *token)
{
	struct long_list *list = walker->list;

	if (!item_is_of_list(walker) || list->item_count++ % SYNTAX_PART_ITEMS != 0)
		return;
	list->parts = arena_grow(walker->arena, list->parts, list->part_count, &list->part_capacity, sizeof(*list->parts));
	list->parts[list->part_count++] = (struct list_part){
		.begin = token->offset, .line = token->line, .first_text = walker->outline.lines.count,
	};
}

static void item_end(struct walker *walker, const struct token *token)
{
	if (!item_is_of_list(walker))
		return;
	walker->list->parts[walker->list->part_count - 1].end = token->offset + token->text.length;
	walker->list->last_line = token->line;
}

/* token: the value, or the bracket that closes it. */
static void value_end(struct walker *walker, const struct token *token)
{
	item_end(walker, token);
	walker->expectation = frame_is_list(frame_top(walker)) ? EXPECT_ITEM_END : EXPECT_SETTING_END;
}

static int scalar_take(struct walker *walker, const struct token *token)
{
	struct frame *frame = frame_top(walker);
	enum value_kind kind;
	int error = scalar_kind(walker, token, &kind);

	if (error < 0)
		return error;
	if (frame->bracket == '[' && frame->items == VALUE_NONE)
		frame->items = kind;
	if (frame->bracket == '[' && frame->items != kind)
		return token_refuse(walker, CONFIG_LIST_MIXED, token);
	if (kind == VALUE_TEXT)
		line_note(walker, token->line);
	value_end(walker, token);
	return 0;
}

static int bracket_push(struct walker *walker, const struct token *token)
{
	char bracket = *token->text.data;

	if (frame_top(walker)->bracket == '[')
		return token_refuse(walker, CONFIG_BRACKET_KIND, token);
	if (walker->depth == READER_BRACKETS_DEPTH_MAX)
		return walker_refuse(walker, CONFIG_NESTED_DEEPLY, token->line,
				     arena_printf(walker->arena, "%d", READER_BRACKETS_DEPTH_MAX));
	walker->frames[++walker->depth] = (struct frame){
		.bracket = bracket, .line = token->line, .key_count = walker->key_count,
	};
	if (walker->depth == 1 && bracket == '(')
		list_begin(walker);
	walker->expectation = bracket == '{' ? EXPECT_KEY : EXPECT_FIRST_ITEM;
	return 0;
}

static bool brackets_match(char open, char close)
{
	return (open == '{' && close == '}') || (open == '(' && close == ')') || (open == '[' && close == ']');
}

static int bracket_pop(struct walker *walker, const struct token *token)
{
	const struct frame *frame = frame_top(walker);

	if (!brackets_match(frame->bracket, *token->text.data))
		return bracket_refuse(walker, token);
	walker->key_count = frame->key_count;
	if (walker->list && walker->depth == 1)
		list_end(walker);
	walker->depth--;
	value_end(walker, token);
	return 0;
}

static int key_take(struct walker *walker, const struct token *token)
{
	for (size_t i = frame_top(walker)->key_count; i < walker->key_count; i++) {
		struct origin first = expansion_origin(walker->expansion, walker->keys[i].line);

		if (!span_equal(walker->keys[i].name, token->text))
			continue;
		token_refuse(walker, CONFIG_KEY_DUPLICATE, token);
		finding_relate(&walker->findings->items[walker->findings->count - 1], first);
		return -EBADMSG;
	}
	walker->keys = arena_grow(walker->arena, walker->keys, walker->key_count, &walker->key_capacity,
				  sizeof(*walker->keys));
	walker->keys[walker->key_count++] = (struct key){ .name = token->text, .line = token->line };
	walker->expectation = EXPECT_EQUALS;
	return 0;
}

static int on_key(struct walker *walker, const struct token *token)
{
	switch (token->kind) {
	case TOKEN_NAME:
		return key_take(walker, token);
	case TOKEN_CLOSE:
		return bracket_pop(walker, token);
	case TOKEN_END:
		return walker->depth ? bracket_refuse(walker, token) : 0;
	case TOKEN_OPEN:
		return walker->depth ? bracket_refuse(walker, token)
				     : token_refuse(walker, CONFIG_KEY_EXPECTED, token);
	default:
		return token_refuse(walker, CONFIG_KEY_EXPECTED, token);
	}
}

static int on_equals(struct walker *walker, const struct token *token)
{
	const struct key *key = &walker->keys[walker->key_count - 1];

	if (token->kind != TOKEN_EQUALS)
		return walker_refuse(walker, CONFIG_EQUALS_MISSING, key->line, span_shown(walker, key->name));
	walker->expectation = EXPECT_VALUE;
	return 0;
}

/* What stands where a value should, and is none. */
static int value_refuse(struct walker *walker, const struct token *token)
{
	const struct key *key;

	if (walker->expectation != EXPECT_VALUE) {
		if (token->kind == TOKEN_CLOSE && !brackets_match(frame_top(walker)->bracket, *token->text.data))
			return bracket_refuse(walker, token);
		if (token->kind == TOKEN_CLOSE || token->kind == TOKEN_COMMA)
			return token_refuse(walker, CONFIG_COMMA_EXTRA, token);
		return bracket_refuse(walker, token);
	}
	key = &walker->keys[walker->key_count - 1];
	return walker_refuse(walker, CONFIG_VALUE_MISSING, key->line, span_shown(walker, key->name));
}

/* Counts an item. libconfig would need time by the square of the length, so this is not left to the schema. */
static int item_count(struct walker *walker, const struct token *token)
{
	struct frame *frame = frame_top(walker);
	const struct key *key;

	if (!frame_is_list(frame) || frame->item_count++ < READER_LIST_ITEMS_MAX)
		return 0;
	key = &walker->keys[frame->key_count - 1];
	finding_add(walker->findings, &config_catalogue[CONFIG_LIST_LONG],
		    expansion_origin(walker->expansion, token->line), span_shown(walker, key->name),
		    arena_printf(walker->arena, "%d", READER_LIST_ITEMS_MAX), NULL);
	return -EBADMSG;
}

static int on_value(struct walker *walker, const struct token *token)
{
	int error = item_count(walker, token);

	if (error < 0)
		return error;
	item_begin(walker, token);
	switch (token->kind) {
	case TOKEN_TEXT:
	case TOKEN_NUMBER:
	case TOKEN_FLOAT:
	case TOKEN_FLAG:
		return scalar_take(walker, token);
	case TOKEN_OPEN:
		return bracket_push(walker, token);
	case TOKEN_NAME:
		if (!token_begins_setting(walker, token))
			return word_refuse(walker, token->offset, token->line);
		return value_refuse(walker, token);
	default:
		return value_refuse(walker, token);
	}
}

static int on_setting_end(struct walker *walker, const struct token *token)
{
	if (token->kind == TOKEN_SEMICOLON || token->kind == TOKEN_COMMA) {
		walker->expectation = EXPECT_KEY;
		return 0;
	}
	/* A long text may be written in several pieces. */
	if (token->kind == TOKEN_TEXT && walker->previous.kind == TOKEN_TEXT)
		return 0;
	return on_key(walker, token);
}

static int on_item_end(struct walker *walker, const struct token *token)
{
	switch (token->kind) {
	case TOKEN_COMMA:
		walker->expectation = EXPECT_ITEM;
		return 0;
	case TOKEN_CLOSE:
		return bracket_pop(walker, token);
	case TOKEN_TEXT:
		return token_refuse(walker,
				    walker->previous.kind == TOKEN_TEXT ? CONFIG_TEXTS_JOINED
									: CONFIG_COMMA_MISSING,
				    token);
	case TOKEN_NUMBER:
	case TOKEN_FLOAT:
	case TOKEN_FLAG:
	case TOKEN_OPEN:
		return token_refuse(walker, CONFIG_COMMA_MISSING, token);
	case TOKEN_NAME:
		if (!token_begins_setting(walker, token))
			return token_refuse(walker, CONFIG_COMMA_MISSING, token);
		return bracket_refuse(walker, token);
	default:
		return bracket_refuse(walker, token);
	}
}

static int walker_step(struct walker *walker, const struct token *token)
{
	if (walker->expectation != EXPECT_EQUALS && word_goes_on(walker, token))
		return word_refuse(walker, walker->previous.offset, walker->previous.line);
	if (token->kind == TOKEN_STRAY)
		return stray_refuse(walker, token);

	switch (walker->expectation) {
	case EXPECT_KEY:
		return on_key(walker, token);
	case EXPECT_EQUALS:
		return on_equals(walker, token);
	case EXPECT_SETTING_END:
		return on_setting_end(walker, token);
	case EXPECT_FIRST_ITEM:
		return token->kind == TOKEN_CLOSE ? bracket_pop(walker, token) : on_value(walker, token);
	case EXPECT_VALUE:
	case EXPECT_ITEM:
		return on_value(walker, token);
	case EXPECT_ITEM_END:
		break;
	}
	return on_item_end(walker, token);
}

int syntax_check(struct arena *arena, const struct expansion *expansion, struct findings *findings,
		 struct outline *ret_outline)
{
	struct walker walker = {
		.arena = arena,
		.expansion = expansion,
		.findings = findings,
		.reader = token_reader_of(buf_span(&expansion->text)),
	};

	for (;;) {
		struct token token = token_next(&walker.reader);
		int error = walker_step(&walker, &token);

		if (error < 0)
			return error;
		if (token.kind == TOKEN_END)
			break;
		walker.previous = token;
	}
	*ret_outline = walker.outline;
	return 0;
}
