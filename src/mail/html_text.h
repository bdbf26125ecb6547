/*
 * html_text: a mail in HTML as plain text, so that nothing is lost and nothing looks like something else (R8, R9, R12).
 *
 *	paragraphs, headings	empty lines around; "■ " before a heading
 *	lists			"・", "1. ", nested ones further in
 *	quotations		"> "
 *	tables			as html_table.h says
 *	links			text〔リンク先: hxxps://example[.]jp/〕; only the text when it is the target; 〔表示と異なるリンク先: ...〕 when
 *				the text names another host; targets within the mail ("#...") are not shown
 *	parts of a picture	(area) their alternative text, and the target as of a link
 *	pictures		〔画像: alternative text〕; nothing for an empty one, and nothing for a picture of one point
 *	hidden text		〔非表示〕...〔非表示ここまで〕: shown, for the sender meant somebody to read it. Hidden means: display,
 *				visibility, font size, opacity, size 0, colour like the background, the attribute, template
 *	forms			their texts; fields as 〔入力欄〕, buttons as 〔ボタン: ...〕, the target as 〔送信先: ...〕
 *	frames, objects		〔埋め込み: ...〕, of a frame that brings its document along 〔埋め込み: 表示していない文書〕; and what stands within for those who do not show them
 *	struck text		〔取消: ...〕; a superscript as "10^5": a number must not become another one
 *	ruby			漢字（かんじ）
 *	script, style, title	left out; so are comments. dropped_bytes counts text that was lost with title and the like
 *
 * Input is UTF-8 in pieces of any size, output passed through plain_text: LF as line end, no trailing one. However the input is cut,
 * the output is the same. Nothing is recursive; memory is one block of stated size; time is linear.
 */
#ifndef MAIL_HTML_TEXT_H
#define MAIL_HTML_TEXT_H

#include <stdint.h>

#include "base/buf.h"
#include "mail/links.h"
#include "mail/text_filter.h"

enum {
	HTML_DEPTH_MAX = 128,		/* open elements; deeper ones are only counted and lend nothing to their text */
	HTML_LINK_TEXT_BYTES_MAX = 256,	/* of a link's text, that are compared with its target */
	HTML_TEXT_BYTES_MAX = 256 * 1024, /* of struct html_text, the only memory that is used besides the output */
};

/* What somebody should know about a mail; all stay at UINT32_MAX when they are full. */
struct html_text_notes {
	uint32_t hidden;		/* pieces of hidden text */
	uint32_t links, mismatched;	/* links whose target was shown; of these, whose text names another host */
	uint32_t pictures, forms, frames;
	uint32_t scripts, styles;	/* elements left out */
	uint32_t redirects;		/* base addresses and refreshes */
	uint32_t too_deep;		/* elements beyond HTML_DEPTH_MAX */
	uint32_t dropped_bytes;		/* of text in title, iframe, noembed, noframes */
	uint32_t unfinished_bytes;	/* of the tag in which the input ended */
	uint32_t defanged;		/* places changed in addresses */
	struct text_counts characters;
};

struct html_text;

/* A converter; ends the process when there is no memory. Freed with html_text_free(). Never NULL. */
struct html_text *html_text_new(void);

/* Gives back the memory. NULL is allowed. */
void html_text_free(struct html_text *text);

/* Begins a text that is appended to out (see PLAIN_TEXT_ROOM_BYTES for its limit). May be called again for the next text. */
void html_text_begin(struct html_text *text, struct buf *out, enum link_style style);

/* Takes a piece of the HTML. */
void html_text_feed(struct html_text *text, struct span in);

/* The HTML is at its end: the rest of the text goes to out. */
void html_text_finish(struct html_text *text, struct html_text_notes *ret_notes);

#endif
