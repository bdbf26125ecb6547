/*
 * html_tokens: HTML as a stream of text and tags: data, tags, attributes, comments. Raw text is in html_raw.c, character
 * references are in html_references.c. Section numbers are those of the WHATWG HTML standard.
 */
#include "mail/html_tokens.h"

#include <assert.h>
#include <string.h>

#include "mail/html_states.h"

enum { STAGED_PIECE_BYTES = 48 };	/* a longer piece of text is given out as it is */

static const char replacement[] = "\xef\xbf\xbd";	/* U+FFFD for NUL */

/* At which kinds of text a byte stops the run. */
static const uint8_t byte_stops[256] = {
	['<'] = STOP_LESS, ['&'] = STOP_AMPERSAND, ['\r'] = STOP_CR, ['\0'] = STOP_NUL, [']'] = STOP_BRACKET, ['-'] = STOP_DASH,
};

/* What ends a run of bytes within a tag, as bits. */
enum { ENDS_NAME = 1, ENDS_ATTRIBUTE_NAME = 2, ENDS_VALUE = 4, ENDS_QUOTED = 8, ENDS_DOUBLE_QUOTED = 16 };

#define ENDS_ALL_NAMES (ENDS_NAME | ENDS_ATTRIBUTE_NAME)
#define ENDS_ALL_VALUES (ENDS_VALUE | ENDS_QUOTED | ENDS_DOUBLE_QUOTED)

static const uint8_t byte_ends[256] = {
	[' '] = ENDS_ALL_NAMES | ENDS_VALUE, ['\n'] = ENDS_ALL_NAMES | ENDS_VALUE, ['\t'] = ENDS_ALL_NAMES | ENDS_VALUE,
	['\f'] = ENDS_ALL_NAMES | ENDS_VALUE, ['\r'] = ENDS_ALL_NAMES | ENDS_ALL_VALUES,
	['/'] = ENDS_ALL_NAMES, ['>'] = ENDS_ALL_NAMES | ENDS_VALUE, ['='] = ENDS_ATTRIBUTE_NAME,
	['&'] = ENDS_ALL_VALUES, ['\0'] = ENDS_ALL_VALUES, ['\''] = ENDS_QUOTED, ['"'] = ENDS_DOUBLE_QUOTED,
};

bool html_is_space(char byte)
{
	return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r' || byte == '\f';
}

bool html_is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool html_is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

char html_lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

/* Gives out the text that is staged. */
static void staged_write(struct html_tokens *tokens)
{
	struct span staged = { .data = tokens->staged, .length = tokens->staged_bytes };

	tokens->staged_bytes = 0;
	if (staged.length > 0)
		tokens->events->text(tokens->user, staged);
}

void html_put(struct html_tokens *tokens, const char *bytes, size_t length)
{
	/* Many short pieces (a flood of '<' or '&') become few long ones; long ones are not copied. */
	if (length > STAGED_PIECE_BYTES || length > sizeof(tokens->staged) - tokens->staged_bytes)
		staged_write(tokens);
	if (length > STAGED_PIECE_BYTES) {
		tokens->events->text(tokens->user, (struct span){ .data = bytes, .length = length });
		return;
	}
	memcpy(tokens->staged + tokens->staged_bytes, bytes, length);
	tokens->staged_bytes += length;
}

/* Takes a CR, and the LF of a CR LF if it is there already; if it comes later, html_tokens_feed() passes over it. */
static void carriage_return_take(struct html_tokens *tokens, struct html_cursor *in)
{
	in->at++;
	if (in->at == in->end)
		tokens->after_cr = true;
	else if (*in->at == '\n')
		in->at++;
}

bool html_run(struct html_tokens *tokens, struct html_cursor *in, uint8_t stops)
{
	for (;;) {
		const char *at = in->at, *end = in->end;

		while (at < end && !(byte_stops[(uint8_t)*at] & stops))
			at++;
		if (at > in->at)
			html_put(tokens, in->at, (size_t)(at - in->at));
		in->at = at;
		if (at == end)
			return false;
		if (*in->at == '\r') {
			html_put(tokens, "\n", 1);
			carriage_return_take(tokens, in);
		} else if (*in->at == '\0') {
			html_put(tokens, replacement, 3);
			in->at++;
		} else {
			return true;
		}
	}
}

/* ---- text and the beginning of markup (13.2.5.1, 13.2.5.6, 13.2.5.7) */

void html_tag_begin(struct html_tokens *tokens, const struct html_cursor *in, bool is_end, size_t bytes)
{
	tokens->tag = (struct html_tag){ .is_end = is_end, .values = tokens->values };
	tokens->tag_at = tokens->fed_bytes + (uint64_t)(in->at - tokens->piece) - bytes;
	tokens->name_length = 0;
	tokens->value_bytes = 0;
	tokens->slot = -1;
	tokens->state = STATE_TAG_NAME;
}

static void tag_open_state(struct html_tokens *tokens, struct html_cursor *in)
{
	char byte = *in->at;

	if (html_is_letter(byte)) {
		html_tag_begin(tokens, in, false, 1);
	} else if (byte == '/') {
		in->at++;
		tokens->state = STATE_END_TAG_OPEN;
	} else if (byte == '!') {
		in->at++;
		tokens->word_length = 0;
		tokens->state = STATE_DECLARATION;
	} else if (byte == '?') {
		tokens->state = STATE_BOGUS_COMMENT;
	} else {
		html_put(tokens, "<", 1);
		tokens->state = STATE_DATA;
	}
}

static void data_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!html_run(tokens, in, STOP_LESS | STOP_AMPERSAND | STOP_CR))
		return;
	if (*in->at++ == '&') {
		html_reference_begin(tokens, false);
		return;
	}
	tokens->state = STATE_TAG_OPEN;
	if (in->at < in->end)
		tag_open_state(tokens, in);
}

static void end_tag_open_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (html_is_letter(*in->at)) {
		html_tag_begin(tokens, in, true, 2);
	} else if (*in->at == '>') {
		in->at++;
		tokens->state = STATE_DATA;
	} else {
		tokens->state = STATE_BOGUS_COMMENT;
	}
}

/* ---- tags (13.2.5.8, 13.2.5.32 to 13.2.5.40) */

/* Takes bytes up to one of the ends. */
static struct span run_take(struct html_cursor *in, uint8_t ends)
{
	const char *from = in->at, *at = from, *end = in->end;

	while (at < end && !(byte_ends[(uint8_t)*at] & ends))
		at++;
	in->at = at;
	return (struct span){ .data = from, .length = (size_t)(at - from) };
}

/* Appends bytes in lower case (NUL as U+FFFD) to a name of which only the beginning is kept. False when there was no room. */
static bool name_put(char name[static HTML_NAME_BYTES_MAX], uint8_t *length, struct span bytes)
{
	size_t count = *length, i = 0;

	for (; i < bytes.length; i++) {
		char byte = bytes.data[i];
		size_t size = byte == '\0' ? 3 : 1;

		if (count + size > HTML_NAME_BYTES_MAX)
			break;
		if (size == 1)
			name[count] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
		else
			memcpy(name + count, replacement, size);
		count += size;
	}
	*length = (uint8_t)count;
	return i == bytes.length;
}

void html_tokens_enter(struct html_tokens *tokens, enum html_content content, struct span name)
{
	static const uint8_t states[] = {
		[HTML_DATA] = STATE_DATA, [HTML_RCDATA] = STATE_RCDATA, [HTML_RAWTEXT] = STATE_RAWTEXT,
		[HTML_SCRIPT] = STATE_SCRIPT, [HTML_PLAINTEXT] = STATE_PLAINTEXT, [HTML_CDATA] = STATE_CDATA,
	};

	assert(name.length <= HTML_NAME_BYTES_MAX);
	tokens->state = states[content];
	tokens->raw_name_length = (uint8_t)name.length;
	memcpy(tokens->raw_name, name.data, name.length);
}

/* A value that was cut may end within a character, which would be shown as undecodable. */
static struct span value_whole(struct span value)
{
	size_t end = value.length;

	while (end > 0 && value.length - end < 3 && (value.data[end - 1] & 0xc0) == 0x80)
		end--;
	if (end > 0 && (uint8_t)value.data[end - 1] >= 0xc0)
		end--;
	return span_part(value, 0, end);
}

void html_tag_end(struct html_tokens *tokens)
{
	enum html_content content;

	staged_write(tokens);
	tokens->tag.name = (struct span){ .data = tokens->name, .length = tokens->name_length };
	for (size_t i = 0; tokens->tag.cut && i < tokens->attribute_count; i++)
		if (tokens->tag.cut & UINT32_C(1) << i)
			tokens->values[i] = value_whole(tokens->values[i]);
	tokens->state = STATE_DATA;
	content = tokens->events->tag(tokens->user, &tokens->tag);
	if (content != HTML_DATA && !tokens->tag.is_end)
		html_tokens_enter(tokens, content, tokens->tag.name);
}

static void tag_close(struct html_tokens *tokens, struct html_cursor *in)
{
	in->at++;
	html_tag_end(tokens);
}

static void tag_name_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!name_put(tokens->name, &tokens->name_length, run_take(in, ENDS_NAME)))
		tokens->tag.name_cut = true;
	if (in->at == in->end)
		return;
	tokens->state = STATE_BEFORE_ATTRIBUTE;
	if (*in->at == '>')
		tag_close(tokens, in);
}

static void attribute_begin(struct html_tokens *tokens)
{
	tokens->attribute_name_length = 0;
	tokens->attribute_name_cut = false;
	tokens->slot = -1;
	tokens->state = STATE_ATTRIBUTE_NAME;
}

/* The name is complete: its place among those that are asked for, unless it is there already. */
static void attribute_look_up(struct html_tokens *tokens)
{
	if (tokens->attribute_name_cut || tokens->tag.is_end)
		return;
	for (size_t i = 0; i < tokens->attribute_count; i++) {
		const struct span *name = &tokens->attributes[i];

		if (name->data[0] != tokens->attribute_name[0] || name->length != tokens->attribute_name_length ||
		    memcmp(name->data, tokens->attribute_name, name->length) != 0)
			continue;
		if (tokens->tag.present & UINT32_C(1) << i)
			return;
		tokens->slot = (int8_t)i;
		tokens->tag.present |= UINT32_C(1) << i;
		tokens->values[i] = (struct span){ .data = tokens->value_text + tokens->value_bytes };
		return;
	}
}

static void attribute_name_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!name_put(tokens->attribute_name, &tokens->attribute_name_length, run_take(in, ENDS_ATTRIBUTE_NAME)))
		tokens->attribute_name_cut = true;
	if (in->at == in->end)
		return;
	attribute_look_up(tokens);
	tokens->state = STATE_AFTER_ATTRIBUTE_NAME;
	if (*in->at != '=')
		return;
	in->at++;
	tokens->state = STATE_BEFORE_VALUE;
}

static void before_attribute_state(struct html_tokens *tokens, struct html_cursor *in)
{
	while (in->at < in->end && html_is_space(*in->at))
		in->at++;
	if (in->at == in->end)
		return;
	if (*in->at == '>') {
		tag_close(tokens, in);
	} else if (*in->at == '/') {
		in->at++;
		tokens->state = STATE_SELF_CLOSING;
	} else {
		attribute_begin(tokens);	/* even with a '=' */
		name_put(tokens->attribute_name, &tokens->attribute_name_length, (struct span){ .data = in->at++, .length = 1 });
		if (in->at < in->end)
			attribute_name_state(tokens, in);
	}
}

static void after_attribute_name_state(struct html_tokens *tokens, struct html_cursor *in)
{
	while (in->at < in->end && html_is_space(*in->at))
		in->at++;
	if (in->at == in->end)
		return;
	if (*in->at == '=') {
		in->at++;
		tokens->state = STATE_BEFORE_VALUE;
	} else if (*in->at == '/' || *in->at == '>') {
		tokens->state = STATE_BEFORE_ATTRIBUTE;
	} else {
		attribute_begin(tokens);
	}
}

static void before_value_state(struct html_tokens *tokens, struct html_cursor *in)
{
	while (in->at < in->end && html_is_space(*in->at))
		in->at++;
	if (in->at == in->end)
		return;
	if (*in->at == '>') {
		tag_close(tokens, in);
		return;
	}
	tokens->quote = (uint8_t)(*in->at == '"' || *in->at == '\'' ? *in->at : 0);
	if (tokens->quote)
		in->at++;
	tokens->state = STATE_VALUE;
}

void html_value_put(struct html_tokens *tokens, const char *bytes, size_t length)
{
	struct span *value;
	size_t room;

	if (tokens->slot < 0)
		return;
	value = &tokens->values[tokens->slot];
	room = HTML_VALUE_BYTES_MAX - value->length;
	if (length > room) {
		tokens->tag.cut |= UINT32_C(1) << tokens->slot;
		length = room;
	}
	memcpy(tokens->value_text + tokens->value_bytes, bytes, length);
	tokens->value_bytes += length;
	value->length += length;
}

/* Passes over a quoted value that nobody asked for: only its end matters. */
static void value_skip(struct html_tokens *tokens, struct html_cursor *in)
{
	const char *end = memchr(in->at, tokens->quote, (size_t)(in->end - in->at));

	in->at = end ? end + 1 : in->end;
	if (end)
		tokens->state = STATE_BEFORE_ATTRIBUTE;
}

static void value_state(struct html_tokens *tokens, struct html_cursor *in)
{
	struct span run;

	if (tokens->slot < 0 && tokens->quote) {
		value_skip(tokens, in);
		return;
	}
	run = run_take(in, tokens->quote == '"' ? ENDS_DOUBLE_QUOTED : tokens->quote ? ENDS_QUOTED : ENDS_VALUE);
	html_value_put(tokens, run.data, run.length);
	if (in->at == in->end)
		return;
	if (*in->at == '&') {
		in->at++;
		html_reference_begin(tokens, true);
	} else if (*in->at == '\0') {
		in->at++;
		html_value_put(tokens, replacement, 3);
	} else if (!tokens->quote) {
		tokens->state = STATE_BEFORE_ATTRIBUTE;
	} else if (*in->at == '\r') {
		html_value_put(tokens, "\n", 1);
		carriage_return_take(tokens, in);
	} else {	/* whatever stands behind the quote begins the next attribute, or ends the tag */
		in->at++;
		tokens->state = STATE_BEFORE_ATTRIBUTE;
	}
}

static void self_closing_state(struct html_tokens *tokens, struct html_cursor *in)
{
	tokens->state = STATE_BEFORE_ATTRIBUTE;
	if (*in->at != '>')
		return;
	tokens->tag.self_closing = true;
	tag_close(tokens, in);
}

/* ---- declarations and comments (13.2.5.41 to 13.2.5.68): nothing in them is text */

/* Also for doctypes: whatever stands in them, even within quotes, '>' ends them. */
static void bogus_comment_state(struct html_tokens *tokens, struct html_cursor *in)
{
	const char *end = memchr(in->at, '>', (size_t)(in->end - in->at));

	in->at = end ? end + 1 : in->end;
	if (end)
		tokens->state = STATE_DATA;
}

/* Behind "<!": collects what may become "--" or "[CDATA[". */
static void declaration_state(struct html_tokens *tokens, struct html_cursor *in)
{
	static const char cdata[] = "[CDATA[";
	size_t length = tokens->word_length;
	const char *expected = length > 0 && tokens->word[0] == '-' ? "--" : length > 0 ? cdata : *in->at == '-' ? "--" : cdata;

	if (*in->at != expected[length]) {
		tokens->state = STATE_BOGUS_COMMENT;
		return;
	}
	tokens->word[tokens->word_length++] = *in->at++;
	if (expected[length + 1] != '\0')
		return;
	if (expected != cdata)
		tokens->state = STATE_COMMENT_START;
	else
		tokens->state = tokens->cdata_allowed ? STATE_CDATA : STATE_BOGUS_COMMENT;
}

/* Takes the byte when it is expected, and goes to the next state. */
static bool comment_take(struct html_tokens *tokens, struct html_cursor *in, char expected, uint8_t next)
{
	if (*in->at != expected)
		return false;
	in->at++;
	tokens->state = next;
	return true;
}

static void comment_start_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!comment_take(tokens, in, '-', STATE_COMMENT_START_DASH) && !comment_take(tokens, in, '>', STATE_DATA))
		tokens->state = STATE_COMMENT;
}

static void comment_start_dash_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!comment_take(tokens, in, '-', STATE_COMMENT_END) && !comment_take(tokens, in, '>', STATE_DATA))
		tokens->state = STATE_COMMENT;
}

static void comment_state(struct html_tokens *tokens, struct html_cursor *in)
{
	const char *dash = memchr(in->at, '-', (size_t)(in->end - in->at));

	in->at = dash ? dash + 1 : in->end;
	if (dash)
		tokens->state = STATE_COMMENT_DASH;
}

static void comment_dash_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!comment_take(tokens, in, '-', STATE_COMMENT_END))
		tokens->state = STATE_COMMENT;
}

static void comment_end_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!comment_take(tokens, in, '>', STATE_DATA) && !comment_take(tokens, in, '!', STATE_COMMENT_BANG) &&
	    !comment_take(tokens, in, '-', STATE_COMMENT_END))
		tokens->state = STATE_COMMENT;
}

static void comment_bang_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!comment_take(tokens, in, '>', STATE_DATA) && !comment_take(tokens, in, '-', STATE_COMMENT_DASH))
		tokens->state = STATE_COMMENT;
}

/* ---- the machine */

static html_state_function *const state_functions[STATE_COUNT] = {
	[STATE_DATA] = data_state,
	[STATE_RCDATA] = html_rcdata_state,
	[STATE_RAWTEXT] = html_rawtext_state,
	[STATE_SCRIPT] = html_script_state,
	[STATE_PLAINTEXT] = html_plaintext_state,
	[STATE_CDATA] = html_cdata_state,
	[STATE_TAG_OPEN] = tag_open_state,
	[STATE_END_TAG_OPEN] = end_tag_open_state,
	[STATE_TAG_NAME] = tag_name_state,
	[STATE_BEFORE_ATTRIBUTE] = before_attribute_state,
	[STATE_ATTRIBUTE_NAME] = attribute_name_state,
	[STATE_AFTER_ATTRIBUTE_NAME] = after_attribute_name_state,
	[STATE_BEFORE_VALUE] = before_value_state,
	[STATE_VALUE] = value_state,
	[STATE_SELF_CLOSING] = self_closing_state,
	[STATE_BOGUS_COMMENT] = bogus_comment_state,
	[STATE_DECLARATION] = declaration_state,
	[STATE_COMMENT_START] = comment_start_state,
	[STATE_COMMENT_START_DASH] = comment_start_dash_state,
	[STATE_COMMENT] = comment_state,
	[STATE_COMMENT_DASH] = comment_dash_state,
	[STATE_COMMENT_END] = comment_end_state,
	[STATE_COMMENT_BANG] = comment_bang_state,
	[STATE_CDATA_BRACKET] = html_cdata_bracket_state,
	[STATE_CDATA_END] = html_cdata_end_state,
	[STATE_RAW_LESS] = html_raw_less_state,
	[STATE_RAW_END_OPEN] = html_raw_end_open_state,
	[STATE_RAW_END_NAME] = html_raw_end_name_state,
	[STATE_SCRIPT_BANG] = html_script_bang_state,
	[STATE_SCRIPT_ESCAPED] = html_script_escaped_state,
	[STATE_SCRIPT_ESCAPED_LESS] = html_script_escaped_less_state,
	[STATE_SCRIPT_WORD] = html_script_word_state,
	[STATE_REFERENCE] = html_reference_state,
	[STATE_REFERENCE_NAME] = html_reference_name_state,
	[STATE_REFERENCE_NUMBER] = html_reference_number_state,
	[STATE_REFERENCE_HEX_BEGIN] = html_reference_hex_begin_state,
	[STATE_REFERENCE_HEX] = html_reference_hex_state,
	[STATE_REFERENCE_DECIMAL] = html_reference_decimal_state,
};

void html_tokens_begin(struct html_tokens *tokens, const struct html_token_events *events, void *user,
		       const struct span *attributes, size_t attribute_count)
{
	assert(attribute_count <= HTML_ATTRIBUTES_MAX);
	/* The buffers need not be cleared, and are large. */
	memset(tokens, 0, offsetof(struct html_tokens, staged));
	tokens->events = events;
	tokens->user = user;
	tokens->attributes = attributes;
	tokens->attribute_count = attribute_count;
	tokens->state = STATE_DATA;
}

/* True while the bytes that are read belong to a tag, also within a reference in a value. */
static bool within_tag(const struct html_tokens *tokens)
{
	if (tokens->state >= STATE_REFERENCE)
		return tokens->reference.within_value;
	return tokens->state >= STATE_TAG_NAME && tokens->state <= STATE_SELF_CLOSING;
}

void html_tokens_feed(struct html_tokens *tokens, struct span in)
{
	struct html_cursor cursor = { .at = in.data, .end = in.length ? in.data + in.length : in.data };

	tokens->piece = in.data;
	if (tokens->after_cr && cursor.at < cursor.end) {
		tokens->after_cr = false;
		if (*cursor.at == '\n')
			cursor.at++;
	}
	while (cursor.at < cursor.end)
		state_functions[tokens->state](tokens, &cursor);
	tokens->fed_bytes += in.length;
	staged_write(tokens);
}

void html_tokens_finish(struct html_tokens *tokens)
{
	if (tokens->state == STATE_TAG_OPEN)
		html_put(tokens, "<", 1);
	else if (tokens->state == STATE_END_TAG_OPEN)
		html_put(tokens, "</", 2);
	html_raw_finish(tokens);
	html_reference_finish(tokens);
	staged_write(tokens);
	if (within_tag(tokens)) {
		uint64_t bytes = tokens->fed_bytes - tokens->tag_at;

		tokens->unfinished_bytes = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
	}
	tokens->after_cr = false;
	tokens->state = STATE_DATA;
}
