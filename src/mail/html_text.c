/* html_text: a mail in HTML as plain text: the tokenizer's text, and what all parts need. */
#include "mail/html_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "mail/html_work.h"

/* Text that is looked at in one go; between two such pieces a table that is full stops collecting. */
enum { PIECE_BYTES = 1024 };

static const struct span html_attributes[ATTRIBUTE_COUNT] = {
	[ATTRIBUTE_ACTION] = { "action", 6 }, [ATTRIBUTE_ALT] = { "alt", 3 }, [ATTRIBUTE_BGCOLOR] = { "bgcolor", 7 },
	[ATTRIBUTE_COLOR] = { "color", 5 }, [ATTRIBUTE_COLSPAN] = { "colspan", 7 }, [ATTRIBUTE_CONTENT] = { "content", 7 },
	[ATTRIBUTE_DATA] = { "data", 4 }, [ATTRIBUTE_HEIGHT] = { "height", 6 }, [ATTRIBUTE_HIDDEN] = { "hidden", 6 },
	[ATTRIBUTE_HREF] = { "href", 4 }, [ATTRIBUTE_HTTP_EQUIV] = { "http-equiv", 10 }, [ATTRIBUTE_LABEL] = { "label", 5 },
	[ATTRIBUTE_ROLE] = { "role", 4 }, [ATTRIBUTE_ROWSPAN] = { "rowspan", 7 }, [ATTRIBUTE_SRC] = { "src", 3 },
	[ATTRIBUTE_SRCDOC] = { "srcdoc", 6 }, [ATTRIBUTE_START] = { "start", 5 }, [ATTRIBUTE_STYLE] = { "style", 5 }, [ATTRIBUTE_TEXT] = { "text", 4 },
	[ATTRIBUTE_TYPE] = { "type", 4 }, [ATTRIBUTE_VALUE] = { "value", 5 }, [ATTRIBUTE_WIDTH] = { "width", 5 },
	[ATTRIBUTE_XLINK_HREF] = { "xlink:href", 10 },
};

bool html_attribute_is_there(const struct html_tag *tag, enum html_attribute attribute)
{
	return tag->present >> attribute & 1;
}

struct span html_attribute_of(const struct html_tag *tag, enum html_attribute attribute)
{
	return html_attribute_is_there(tag, attribute) ? tag->values[attribute] : (struct span){ .data = NULL };
}

int html_number(struct span value, int least, int greatest, int otherwise)
{
	size_t i = 0;
	int number = 0;
	bool negative;

	while (i < value.length && (uint8_t)value.data[i] <= ' ')
		i++;
	negative = i < value.length && value.data[i] == '-';
	i += negative;
	if (i == value.length || value.data[i] < '0' || value.data[i] > '9')
		return otherwise;
	for (; i < value.length && value.data[i] >= '0' && value.data[i] <= '9'; i++)
		number = number < 100000000 ? number * 10 + (value.data[i] - '0') : number;
	number = negative ? -number : number;
	return number < least ? least : number > greatest ? greatest : number;
}

void html_count(uint32_t *counter, uint32_t more)
{
	if (__builtin_add_overflow(*counter, more, counter))
		*counter = UINT32_MAX;
}

/* ---- text */

void html_hiding_update(struct html_text *text)
{
	bool hides = stack_hides(&text->stack);

	if (hides == text->hiding)
		return;
	text->hiding = hides;
	if (hides) {
		text->lines.opening = "〔非表示〕";
	} else if (text->lines.opening) {	/* there was no text */
		text->lines.opening = NULL;
	} else {
		html_count(&text->notes.hidden, 1);
		lines_attach(&text->lines, "〔非表示ここまで〕");
	}
}

static bool is_blank(uint32_t codepoint, enum text_class class)
{
	return codepoint == ' ' || codepoint == '\t' || class == TEXT_SPACE || class == TEXT_NEWLINE;
}

/* Notes what the reader sees of the open link's text, as long as there is room. */
static void link_text_note(struct open_link *link, struct span shown)
{
	while (shown.length > 0 && link->text_bytes + 5 <= HTML_LINK_TEXT_BYTES_MAX) {
		uint32_t codepoint;
		size_t length = text_codepoint(shown, &codepoint);
		enum text_class class = text_class_of(codepoint);

		length = length > 0 ? length : shown.length;
		if (is_blank(codepoint, class)) {
			link->blank = link->text_bytes > 0;
		} else if (class != TEXT_REMOVE) {
			if (link->blank)
				link->text[link->text_bytes++] = ' ';
			link->blank = false;
			memcpy(link->text + link->text_bytes, shown.data, length);
			link->text_bytes += length;
		}
		shown = span_part(shown, length, shown.length);
	}
}

static void piece_show(struct html_text *text, struct span piece)
{
	if (text->link.open)
		link_text_note(&text->link, piece);
	if (stack_top(&text->stack)->within & WITHIN_PREFORMATTED)
		lines_preformatted(&text->lines, piece);
	else
		lines_text(&text->lines, piece);
	if (text->table.collecting && table_is_full(&text->table))
		table_flatten(&text->table, &text->lines);
}

void html_show(struct html_text *text, struct span shown)
{
	while (text->table.within_cell && shown.length > PIECE_BYTES) {
		size_t length = PIECE_BYTES;

		while (length > PIECE_BYTES - 4 && (shown.data[length] & 0xc0) == 0x80)
			length--;
		piece_show(text, span_part(shown, 0, length));
		shown = span_part(shown, length, shown.length);
	}
	piece_show(text, shown);
}

/* How many bytes at the end of text are the beginning of a character. */
static size_t partial_length(struct span text)
{
	for (size_t length = 1; length <= 3 && length <= text.length; length++) {
		uint8_t byte = (uint8_t)text.data[text.length - length];
		uint32_t codepoint;

		if (byte < 0x80)
			return 0;
		if (byte >= 0xc0)
			return text_codepoint(span_part(text, text.length - length, text.length), &codepoint) == 0 ? length : 0;
	}
	return 0;
}

/* What is held of a character is shown as it is: nothing that completes it will come. */
static void partial_end(struct html_text *text)
{
	struct span partial = { .data = text->partial, .length = text->partial_bytes };

	text->partial_bytes = 0;
	if (partial.length > 0)
		html_show(text, partial);
}

/* Completes the character that is held with the first bytes of in. */
static void partial_feed(struct html_text *text, struct span *in)
{
	while (text->partial_bytes > 0 && in->length > 0) {
		struct span partial = { .data = text->partial, .length = text->partial_bytes };
		uint32_t codepoint;

		if (((uint8_t)in->data[0] & 0xc0) != 0x80) {
			partial_end(text);
			return;
		}
		text->partial[partial.length++] = in->data[0];
		text->partial_bytes = partial.length;
		*in = span_part(*in, 1, in->length);
		if (text_codepoint(partial, &codepoint) > 0)
			partial_end(text);
	}
}

static void text_take(void *user, struct span in)
{
	struct html_text *text = user;
	size_t partial;

	if (text->dropping || stack_top(&text->stack)->within & WITHIN_DROPPED) {
		if (text->dropping && text->counts_dropped)
			html_count(&text->notes.dropped_bytes, (uint32_t)in.length);
		return;
	}
	if (text->skips_newline && in.data[0] == '\n')
		in = span_part(in, 1, in.length);
	text->skips_newline = false;
	partial_feed(text, &in);
	partial = partial_length(in);
	if (in.length > partial)
		html_show(text, span_part(in, 0, in.length - partial));
	if (partial > 0) {
		memcpy(text->partial, in.data + in.length - partial, partial);
		text->partial_bytes = partial;
	}
}

static enum html_content tag_take(void *user, const struct html_tag *tag)
{
	struct html_text *text = user;

	partial_end(text);
	text->skips_newline = false;
	return html_tag_take(text, tag);
}

/* ---- the converter */

static const struct html_token_events events = { .text = text_take, .tag = tag_take };

struct html_text *html_text_new(void)
{
	struct html_text *text = malloc(sizeof(*text));

	if (!text)
		arena_exhausted();
	return text;
}

void html_text_free(struct html_text *text)
{
	free(text);
}

void html_text_begin(struct html_text *text, struct buf *out, enum link_style style)
{
	html_tokens_begin(&text->tokens, &events, text, html_attributes, ATTRIBUTE_COUNT);
	stack_begin(&text->stack);
	lines_begin(&text->lines, out, style);
	memset(&text->notes, 0, sizeof(text->notes));
	text->table.collecting = text->table.within_cell = false;
	text->link.open = false;
	text->hiding = text->dropping = text->counts_dropped = text->skips_newline = false;
	text->partial_bytes = text->last_target_bytes = 0;
}

void html_text_feed(struct html_text *text, struct span in)
{
	html_tokens_feed(&text->tokens, in);
}

void html_text_finish(struct html_text *text, struct html_text_notes *ret_notes)
{
	html_tokens_finish(&text->tokens);
	partial_end(text);
	html_tags_finish(text);
	lines_flush(&text->lines);
	text->notes.unfinished_bytes = text->tokens.unfinished_bytes;
	text->notes.defanged = text->lines.text.links.defanged;
	text->notes.characters = text->lines.text.filter.counts;
	*ret_notes = text->notes;
}
