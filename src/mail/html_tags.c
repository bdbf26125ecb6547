/*
 * html_tags: what start tags and end tags do to the text.
 *
 * Each kind of element has a function for its beginning and one for its end. Start tags also close what cannot go on beside them:
 * a paragraph ends where a list begins, an item where the next one begins.
 */
#include <stdio.h>
#include <string.h>

#include "mail/html_work.h"

static void element_end(struct html_text *text);

/* ---- closing */

/* Closes the elements from the top down to this place; it as well. */
static void close_to(struct html_text *text, size_t place)
{
	while (text->stack.depth >= place && place > 0)
		element_end(text);
}

/* Closes the innermost element of this kind, if one is open. */
static void close_kind(struct html_text *text, enum html_kind kind)
{
	close_to(text, stack_find_kind(&text->stack, kind));
}

/* Closes what cannot go on beside the beginning of a cell, row or group of rows. */
static void close_table_parts(struct html_text *text, enum html_kind beginning)
{
	close_kind(text, KIND_CAPTION);
	close_kind(text, KIND_CELL);
	if (beginning == KIND_ROW || beginning == KIND_GROUP)
		close_kind(text, KIND_ROW);
	if (beginning == KIND_GROUP)
		close_kind(text, KIND_GROUP);
}

static void close_implied(struct html_text *text, enum html_kind beginning)
{
	size_t list = stack_top(&text->stack)->list, item;

	if (html_kind_is_block(beginning) && beginning != KIND_SELECT && text->stack.open_paragraphs > 0)
		close_kind(text, KIND_PARAGRAPH);
	switch (beginning) {
	case KIND_ITEM:
		item = stack_find_kind(&text->stack, KIND_ITEM);
		if (item > list)
			close_to(text, item);
		break;
	case KIND_TERM:
	case KIND_DETAILS:
		close_kind(text, KIND_TERM);
		close_kind(text, KIND_DETAILS);
		break;
	case KIND_HEADING:
		close_kind(text, KIND_HEADING);
		break;
	case KIND_CELL:
	case KIND_ROW:
	case KIND_GROUP:
		close_table_parts(text, beginning);
		break;
	case KIND_RUBY_TEXT:
	case KIND_RUBY_BRACKET:
		close_kind(text, KIND_RUBY_TEXT);
		close_kind(text, KIND_RUBY_BRACKET);
		break;
	default:
		break;
	}
}

/* ---- lists */

/* What stands before an item: "・" or "12. ". */
static void item_marker(struct html_text *text, const struct html_tag *tag, char ret_marker[static LINES_MARKER_BYTES_MAX + 1])
{
	struct open_element *list = &text->stack.elements[stack_top(&text->stack)->list];
	int number;

	strcpy(ret_marker, "・");
	if (list->kind != KIND_ORDERED)
		return;
	number = html_number(html_attribute_of(tag, ATTRIBUTE_VALUE), -9999999, 9999999, list->number);
	list->number = number + 1;
	snprintf(ret_marker, LINES_MARKER_BYTES_MAX + 1, "%d. ", number);
}

/* An item is opened: its marker, and its further lines below its text. */
static void item_begin(struct html_text *text, const struct html_tag *tag)
{
	static const char spaces[] = "                ";
	char marker[LINES_MARKER_BYTES_MAX + 1];
	size_t width;

	item_marker(text, tag, marker);
	width = marker[0] & 0x80 ? 2 : strlen(marker);
	lines_marker(&text->lines, marker, lines_prefix_add(&text->lines, spaces + sizeof(spaces) - 1 - width));
}

static void list_begin(struct html_text *text, const struct html_tag *tag)
{
	struct open_element *list = stack_top(&text->stack);

	list->list = text->stack.depth;
	list->number = html_number(html_attribute_of(tag, ATTRIBUTE_START), -9999999, 9999999, 1);
}

/* ---- tables */

static void table_open(struct html_text *text, const struct html_tag *tag, bool pushed)
{
	struct span role = html_attribute_of(tag, ATTRIBUTE_ROLE);

	lines_break(&text->lines, 1);
	if (pushed && !span_equal(role, span_of("presentation")) && !span_equal(role, span_of("none")))
		table_begin(&text->table);
}

static void row_open(struct html_text *text, bool pushed)
{
	if (text->table.collecting && (!pushed || !table_row(&text->table, &text->lines)))
		table_flatten(&text->table, &text->lines);
	if (!text->table.collecting)
		lines_break(&text->lines, 1);
}

static void cell_open(struct html_text *text, const struct html_tag *tag, bool pushed)
{
	unsigned int columns = (unsigned int)html_number(html_attribute_of(tag, ATTRIBUTE_COLSPAN), 1, 1000, 1);
	unsigned int rows = (unsigned int)html_number(html_attribute_of(tag, ATTRIBUTE_ROWSPAN), 1, 1000, 1);
	bool heading = span_equal(tag->name, span_of("th"));

	html_link_end(text);
	if (text->table.collecting &&
	    (!pushed || !table_cell_begin(&text->table, &text->lines, columns, rows, heading)))
		table_flatten(&text->table, &text->lines);
	if (!text->table.collecting)
		lines_break(&text->lines, 1);
}

static void cell_close(struct html_text *text)
{
	html_link_end(text);
	if (!text->table.within_cell) {
		lines_break(&text->lines, 1);
		return;
	}
	table_cell_end(&text->table, &text->lines);
	/* Only now all of its text is there. */
	if (table_is_full(&text->table))
		table_flatten(&text->table, &text->lines);
}

/* ---- beginnings, before the element is open */

static void element_before(struct html_text *text, enum html_kind kind, const struct html_tag *tag)
{
	switch (kind) {
	case KIND_PARAGRAPH:
	case KIND_HEADING:
	case KIND_QUOTE:
	case KIND_PREFORMATTED:
	case KIND_EXAMPLE:
		lines_break(&text->lines, 2);
		break;
	case KIND_UNORDERED:
	case KIND_ORDERED:
		/* Only the outermost list stands apart. */
		lines_break(&text->lines, stack_top(&text->stack)->list ? 1 : 2);
		break;
	case KIND_TABLE:
		if (text->table.collecting)	/* tables within tables are layout */
			table_flatten(&text->table, &text->lines);
		break;
	case KIND_ROW:
	case KIND_CELL:
	case KIND_GROUP:
		break;
	case KIND_LINK:
		html_link_end(text);
		break;
	case KIND_FORM:
		html_form(text, tag);
		break;
	case KIND_FRAME:
	case KIND_RAW_FRAME:
		html_frame(text, tag);
		break;
	default:
		if (html_kind_is_block(kind))
			lines_break(&text->lines, 1);
	}
}

/* ---- beginnings, once it is open; pushed: it is on the stack and not only counted */

static void block_begun(struct html_text *text, enum html_kind kind, const struct html_tag *tag, bool pushed)
{
	switch (kind) {
	case KIND_HEADING:
		if (pushed && text->lines.now.marker_length == 0)
			lines_marker(&text->lines, "■ ", text->lines.prefix_length);
		break;
	case KIND_UNORDERED:
	case KIND_ORDERED:
		if (pushed)
			list_begin(text, tag);
		break;
	case KIND_ITEM:
		if (pushed)
			item_begin(text, tag);
		break;
	case KIND_DETAILS:
		if (pushed)
			lines_prefix_add(&text->lines, "  ");
		break;
	case KIND_QUOTE:
		if (pushed)
			lines_prefix_add(&text->lines, "> ");
		break;
	case KIND_TABLE:
		table_open(text, tag, pushed);
		break;
	case KIND_ROW:
		row_open(text, pushed);
		break;
	case KIND_CELL:
		cell_open(text, tag, pushed);
		break;
	case KIND_PREFORMATTED:
	case KIND_PLAINTEXT:
	case KIND_EXAMPLE:
		stack_top(&text->stack)->within |= pushed ? WITHIN_PREFORMATTED : 0;
		text->skips_newline = kind == KIND_PREFORMATTED;
		break;
	default:
		break;
	}
}

/* A word of ours that shows what the text is; only in front of text that the reader sees. */
static void word_show(struct html_text *text, const char *word)
{
	if (!(stack_top(&text->stack)->within & WITHIN_DROPPED))
		lines_word(&text->lines, word);
}

static void inline_begun(struct html_text *text, enum html_kind kind, const struct html_tag *tag, bool pushed)
{
	switch (kind) {
	case KIND_LINK:
		html_link_begin(text, tag);
		break;
	case KIND_STRUCK:
		if (pushed)
			word_show(text, "〔取消: ");
		break;
	case KIND_SUPERSCRIPT:
		word_show(text, "^");
		break;
	case KIND_QUOTED:
		if (pushed)
			word_show(text, "「");
		break;
	case KIND_RUBY_TEXT:
		if (pushed)
			word_show(text, "（");
		break;
	case KIND_SELECT:
	case KIND_TEXTAREA:
		word_show(text, "〔入力欄〕");
		break;
	case KIND_BUTTON:
		if (pushed)
			word_show(text, "〔ボタン: ");
		break;
	default:
		break;
	}
}

/* ---- ends */

/* What the end of an element that was opened out of words of ours has to write. */
static void words_end(struct html_text *text, enum html_kind kind)
{
	if (kind == KIND_STRUCK || kind == KIND_BUTTON)
		lines_attach(&text->lines, "〕");
	else if (kind == KIND_QUOTED)
		lines_attach(&text->lines, "」");
	else if (kind == KIND_RUBY_TEXT)
		lines_attach(&text->lines, "）");
	else if (kind == KIND_LINK)
		html_link_end(text);
}

static void block_end(struct html_text *text, enum html_kind kind, size_t list)
{
	switch (kind) {
	case KIND_PARAGRAPH:
	case KIND_HEADING:
	case KIND_QUOTE:
	case KIND_PREFORMATTED:
	case KIND_EXAMPLE:
		lines_break(&text->lines, 2);
		break;
	case KIND_UNORDERED:
	case KIND_ORDERED:
		lines_break(&text->lines, list ? 1 : 2);
		break;
	case KIND_CELL:
		cell_close(text);
		break;
	default:
		if (html_kind_is_block(kind))
			lines_break(&text->lines, 1);
	}
}

/* Closes the top element. */
static void element_end(struct html_text *text)
{
	struct open_element element = *stack_top(&text->stack);
	enum html_kind kind = (enum html_kind)element.kind;

	if (kind == KIND_HEADING || kind == KIND_ITEM)
		lines_marker_drop(&text->lines);
	if (!element.closed && !(element.within & WITHIN_DROPPED))
		words_end(text, kind);
	if (kind == KIND_TABLE && text->table.collecting)
		table_end(&text->table, &text->lines);
	stack_pop(&text->stack);
	html_hiding_update(text);
	block_end(text, kind, stack_top(&text->stack)->list);
	lines_prefix_reset(&text->lines, element.prefix_length);
	text->tokens.cdata_allowed = stack_top(&text->stack)->within & WITHIN_FOREIGN;
}

/* ---- start tags */

static bool kind_is_void(enum html_kind kind)
{
	return kind >= KIND_VOID;
}

/* Elements without content. */
static void void_take(struct html_text *text, enum html_kind kind, const struct html_tag *tag)
{
	switch (kind) {
	case KIND_BREAK:
		lines_end_line(&text->lines);
		break;
	case KIND_RULE:
		lines_break(&text->lines, 1);
		lines_word(&text->lines, "----------------------------------------");
		lines_break(&text->lines, 1);
		break;
	case KIND_IMAGE:
		html_picture(text, tag);
		break;
	case KIND_INPUT:
		html_input(text, tag);
		break;
	case KIND_BASE:
		html_base(text, tag);
		break;
	case KIND_META:
		html_meta(text, tag);
		break;
	case KIND_EMBED:
		html_frame(text, tag);
		break;
	case KIND_AREA:
		html_area(text, tag);
		break;
	default:
		break;
	}
}

/* How the bytes behind the start tag are read. */
static enum html_content content_of(enum html_kind kind, struct span name)
{
	if (kind == KIND_TEXTAREA || (kind == KIND_DROPPED && span_equal(name, span_of("title"))))
		return HTML_RCDATA;
	if (kind == KIND_DROPPED && span_equal(name, span_of("script")))
		return HTML_SCRIPT;
	if (kind == KIND_DROPPED || kind == KIND_RAW_FRAME || kind == KIND_EXAMPLE)
		return HTML_RAWTEXT;
	return kind == KIND_PLAINTEXT ? HTML_PLAINTEXT : HTML_DATA;
}

/* Raw text begins that is not shown. */
static void drop_begin(struct html_text *text, struct span name)
{
	bool script = span_equal(name, span_of("script")), style = span_equal(name, span_of("style"));

	html_count(&text->notes.scripts, script);
	html_count(&text->notes.styles, style);
	text->counts_dropped = !script && !style;
}

/* The attributes that may hide a text or show it. */
static const uint32_t style_attributes = UINT32_C(1) << ATTRIBUTE_STYLE | UINT32_C(1) << ATTRIBUTE_COLOR |
					 UINT32_C(1) << ATTRIBUTE_TEXT | UINT32_C(1) << ATTRIBUTE_BGCOLOR;

/* What the style says, and the attributes of old HTML beside it. */
static struct html_style style_of(const struct html_tag *tag)
{
	struct html_style style = html_style_parse(html_attribute_of(tag, ATTRIBUTE_STYLE));
	static const enum html_attribute colours[] = { ATTRIBUTE_COLOR, ATTRIBUTE_TEXT };

	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (style.colour == COLOUR_UNSET && html_attribute_is_there(tag, colours[i]))
			style.colour = html_colour_parse(html_attribute_of(tag, colours[i]));
	if (style.background == COLOUR_UNSET && html_attribute_is_there(tag, ATTRIBUTE_BGCOLOR))
		style.background = html_colour_parse(html_attribute_of(tag, ATTRIBUTE_BGCOLOR));
	return style;
}

/* Opens an element: on the stack if there is room. */
static bool element_push(struct html_text *text, uint16_t id, enum html_kind kind, const struct html_tag *tag)
{
	struct html_style style;
	bool has_style = tag->present & style_attributes;
	bool hides = kind == KIND_HIDDEN || html_attribute_is_there(tag, ATTRIBUTE_HIDDEN);
	struct open_element *top;

	if (has_style)
		style = style_of(tag);
	if (!stack_push(&text->stack, id, kind, has_style ? &style : NULL, hides)) {
		html_count(&text->notes.too_deep, 1);
		html_hiding_update(text);
		return false;
	}
	top = stack_top(&text->stack);
	top->prefix_length = text->lines.prefix_length;
	if (kind == KIND_TABLE || kind == KIND_CELL)
		top->list = 0;
	if (kind == KIND_RUBY_BRACKET || (kind == KIND_DROPPED && top->within & WITHIN_FOREIGN))
		top->within |= WITHIN_DROPPED;
	if (kind == KIND_FOREIGN)
		top->within |= WITHIN_FOREIGN;
	else if (kind == KIND_INTEGRATION)
		top->within &= (uint8_t)~WITHIN_FOREIGN;
	text->tokens.cdata_allowed = top->within & WITHIN_FOREIGN;
	html_hiding_update(text);
	return true;
}

/* True for tags that are only elements of svg or math when they stand there; all others end it. */
static bool kind_stays_foreign(enum html_kind kind)
{
	return kind == KIND_INLINE || kind == KIND_LINK || kind == KIND_DROPPED || kind == KIND_FOREIGN || kind == KIND_INTEGRATION;
}

static enum html_content start_take(struct html_text *text, const struct html_tag *tag)
{
	enum html_kind kind;
	uint16_t id = html_element_find(tag->name, &kind);
	enum html_content content;
	bool foreign, pushed;

	if (tag->name_cut)
		kind = KIND_INLINE;
	if (!kind_stays_foreign(kind))
		while (stack_top(&text->stack)->within & WITHIN_FOREIGN)
			element_end(text);
	foreign = stack_top(&text->stack)->within & WITHIN_FOREIGN;
	if (kind_is_void(kind)) {
		if (kind == KIND_RULE)
			close_implied(text, KIND_LINE);
		void_take(text, kind, tag);
		return HTML_DATA;
	}
	if ((foreign || kind == KIND_FOREIGN) && tag->self_closing)
		return HTML_DATA;
	close_implied(text, kind);
	content = foreign ? HTML_DATA : content_of(kind, tag->name);
	if (kind == KIND_DROPPED || kind == KIND_RAW_FRAME)
		drop_begin(text, tag->name);
	element_before(text, kind, tag);
	pushed = element_push(text, id, kind, tag);
	block_begun(text, kind, tag, pushed);
	inline_begun(text, kind, tag, pushed);
	if (kind == KIND_LINE)	/* option, optgroup */
		html_show(text, html_attribute_of(tag, ATTRIBUTE_LABEL));
	text->dropping = content != HTML_DATA && (kind == KIND_DROPPED || kind == KIND_RAW_FRAME);
	return content;
}

/* ---- end tags */

/* An end tag while elements are open that are only counted: it is taken to close one of them. */
static void excess_end(struct html_text *text, enum html_kind kind)
{
	text->stack.excess--;
	if (kind == KIND_LINK)
		html_link_end(text);
	if (text->stack.excess < text->stack.excess_hidden)
		text->stack.excess_hidden = 0;
	html_hiding_update(text);
	if (html_kind_is_block(kind))
		lines_break(&text->lines, 1);
}

static bool kind_closes_alone(enum html_kind kind)
{
	return kind == KIND_FORMAT || kind == KIND_LINK || kind == KIND_STRUCK;
}

/* Closes elements whose end tags came out of order, and that are innermost by now. */
static void close_closed(struct html_text *text)
{
	while (stack_top(&text->stack)->closed)
		element_end(text);
}

static void end_take(struct html_text *text, const struct html_tag *tag)
{
	enum html_kind kind;
	uint16_t id = html_element_find(tag->name, &kind);
	size_t place;

	text->dropping = false;
	if (kind == KIND_BREAK)
		lines_end_line(&text->lines);
	if (kind_is_void(kind))
		return;
	if (text->stack.excess > 0) {
		excess_end(text, kind);
		return;
	}
	place = stack_find(&text->stack, id, kind);
	if (place == 0)
		return;
	if (kind_closes_alone(kind) && place < text->stack.depth) {
		words_end(text, kind);
		text->stack.elements[place].closed = true;
		return;
	}
	if (!html_kind_is_block(kind) && stack_has_block_above(&text->stack, place))
		return;
	close_to(text, place);
	close_closed(text);
}

enum html_content html_tag_take(struct html_text *text, const struct html_tag *tag)
{
	if (!tag->is_end)
		return start_take(text, tag);
	end_take(text, tag);
	return HTML_DATA;
}

void html_tags_finish(struct html_text *text)
{
	text->stack.excess = text->stack.excess_hidden = 0;
	html_hiding_update(text);
	close_to(text, 1);
	html_link_end(text);
}
