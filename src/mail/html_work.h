/*
 * html_work: what the parts of html_text share. Private to html_text.c, html_tags.c and html_inserts.c.
 *
 * html_text.c feeds the tokenizer and takes text, html_tags.c opens and closes elements, html_inserts.c writes what stands for
 * something that is no text: links, pictures, forms.
 */
#ifndef MAIL_HTML_WORK_H
#define MAIL_HTML_WORK_H

#include "mail/html_lines.h"
#include "mail/html_stack.h"
#include "mail/html_style.h"
#include "mail/html_table.h"
#include "mail/html_text.h"
#include "mail/html_tokens.h"

/* The attributes that change the text, in the order of html_attributes[]. */
enum html_attribute {
	ATTRIBUTE_ACTION, ATTRIBUTE_ALT, ATTRIBUTE_BGCOLOR, ATTRIBUTE_COLOR, ATTRIBUTE_COLSPAN, ATTRIBUTE_CONTENT, ATTRIBUTE_DATA,
	ATTRIBUTE_HEIGHT, ATTRIBUTE_HIDDEN, ATTRIBUTE_HREF, ATTRIBUTE_HTTP_EQUIV, ATTRIBUTE_LABEL, ATTRIBUTE_ROLE, ATTRIBUTE_ROWSPAN,
	ATTRIBUTE_SRC, ATTRIBUTE_SRCDOC, ATTRIBUTE_START, ATTRIBUTE_STYLE, ATTRIBUTE_TEXT, ATTRIBUTE_TYPE, ATTRIBUTE_VALUE, ATTRIBUTE_WIDTH,
	ATTRIBUTE_XLINK_HREF,
	ATTRIBUTE_COUNT
};

/* A link whose end has not come yet. */
struct open_link {
	bool open;
	bool cut;		/* the target is only its beginning */
	bool blank;		/* its text ends with a space that is not written down yet */
	size_t target_bytes, text_bytes;
	char target[HTML_VALUE_BYTES_MAX];
	char text[HTML_LINK_TEXT_BYTES_MAX];	/* its beginning, without what is not seen, white space folded */
};

struct html_text {
	struct html_tokens tokens;
	struct html_stack stack;
	struct html_lines lines;
	struct html_table table;
	struct html_text_notes notes;
	struct open_link link;
	bool hiding;		/* what is written now is hidden text */
	bool dropping;		/* within raw text that is left out */
	bool counts_dropped;	/* it is text of the mail */
	bool skips_newline;	/* the first byte within pre */
	size_t partial_bytes;	/* of a character that is not complete */
	char partial[4];
	size_t last_target_bytes;	/* of the target that was shown last; 0: none */
	char last_target[HTML_VALUE_BYTES_MAX];
};

_Static_assert(sizeof(struct html_text) <= HTML_TEXT_BYTES_MAX, "the stated size");

/* ---- html_text.c */

/* Text that the reader sees: goes to the lines, and to the text of the open link. Whole characters only. */
void html_show(struct html_text *text, struct span shown);

/* Begins or ends the marks around hidden text, as the stack says. */
void html_hiding_update(struct html_text *text);

/* The value of an attribute; empty when it is not there. */
struct span html_attribute_of(const struct html_tag *tag, enum html_attribute attribute);

/* True when an attribute is there. */
bool html_attribute_is_there(const struct html_tag *tag, enum html_attribute attribute);

/* The number at the beginning of a value, within the limits; otherwise if it begins with none. */
int html_number(struct span value, int least, int greatest, int otherwise);

/* Adds one to a counter that stays at its end. */
void html_count(uint32_t *counter, uint32_t more);

/* ---- html_tags.c */

/* A start tag or an end tag: its effect on the text; how the tokenizer goes on. */
enum html_content html_tag_take(struct html_text *text, const struct html_tag *tag);

/* The input is at its end: closes all that is open. */
void html_tags_finish(struct html_text *text);

/* ---- html_inserts.c */

/* <a>, of HTML or of svg: with a target, a link is open from now on. None is. */
void html_link_begin(struct html_text *text, const struct html_tag *tag);

/* The open link ends, if one is: shows its target where the text is not the target itself. */
void html_link_end(struct html_text *text);

/* <area>: a link without an element around a text; its alternative text stands for the place in the picture. */
void html_area(struct html_text *text, const struct html_tag *tag);

/* <img> */
void html_picture(struct html_text *text, const struct html_tag *tag);

/* <input> */
void html_input(struct html_text *text, const struct html_tag *tag);

/* <form>: shows where it is sent to. */
void html_form(struct html_text *text, const struct html_tag *tag);

/* <iframe>, <object>, <embed>, <video>, ...: shows what would be fetched. */
void html_frame(struct html_text *text, const struct html_tag *tag);

/* <base>: shows what relative targets begin with. */
void html_base(struct html_text *text, const struct html_tag *tag);

/* <meta>: shows a refresh. */
void html_meta(struct html_text *text, const struct html_tag *tag);

#endif
