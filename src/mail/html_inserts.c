/* html_inserts: what stands in the text for something that is no text: links, pictures, forms, frames. */
#include <string.h>

#include "mail/html_work.h"

/* Of a target that carries its content with it, so much is shown. */
enum { DATA_TARGET_BYTES_MAX = 64 };

/*
 * A target as browsers read it: without white space and control characters at its ends, and without tabs and line ends anywhere.
 * Copied to target, which has room for it; returns its length.
 */
static size_t target_clean(struct span value, char *target)
{
	size_t length = 0;

	while (value.length > 0 && (uint8_t)value.data[0] <= ' ')
		value = span_part(value, 1, value.length);
	while (value.length > 0 && (uint8_t)value.data[value.length - 1] <= ' ')
		value.length--;
	for (size_t i = 0; i < value.length; i++)
		if (value.data[i] != '\t' && value.data[i] != '\n' && value.data[i] != '\r')
			target[length++] = value.data[i];
	return length;
}

/* True when both are the same but for the case of ASCII letters, whatever the locale. */
static bool text_equal(struct span a, struct span b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++) {
		char one = a.data[i], other = b.data[i];
		char letter = (char)(one | 0x20);

		if (one != other && ((one ^ other) != 0x20 || letter < 'a' || letter > 'z'))
			return false;
	}
	return true;
}

static bool begins_with(struct span text, const char *beginning)
{
	size_t length = strlen(beginning);

	return text.length >= length && text_equal(span_part(text, 0, length), span_of(beginning));
}

/* Without what people leave away when they write an address down. */
static struct span address_bare(struct span address)
{
	static const char *const beginnings[] = { "http://", "https://", "mailto:", "tel:" };

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (begins_with(address, beginnings[i]))
			address = span_part(address, strlen(beginnings[i]), address.length);
	while (address.length > 0 && address.data[address.length - 1] == '/')
		address.length--;
	return address;
}

static bool address_equal(struct span a, struct span b)
{
	return text_equal(address_bare(a), address_bare(b));
}

/* True when host is the named one or below it: "www.example.jp" and "example.jp" are the same people's. */
static bool host_belongs(struct span host, struct span named)
{
	if (begins_with(named, "www."))
		named = span_part(named, 4, named.length);
	if (host.length < named.length || !span_equal(span_part(host, host.length - named.length, host.length), named))
		return false;
	return host.length == named.length || host.data[host.length - named.length - 1] == '.';
}

/* True when the text names a host, and the target leads to another one or to none. */
static bool link_is_mismatched(struct span shown, struct span target)
{
	struct buf named = buf_limited(0), true_host = buf_limited(0);
	bool mismatched = link_host(shown, &named) == 0 &&
			  (link_host(target, &true_host) != 0 || !host_belongs(buf_span(&true_host), buf_span(&named)));

	buf_free(&named);
	buf_free(&true_host);
	return mismatched;
}

/* A word of ours and a target, in brackets, behind the last word. */
static void target_show(struct html_text *text, const char *word, struct span target, bool cut)
{
	lines_attach(&text->lines, word);
	if (begins_with(target, "data:") && target.length > DATA_TARGET_BYTES_MAX) {
		target.length = DATA_TARGET_BYTES_MAX;
		cut = true;
	}
	lines_attach_text(&text->lines, target);
	lines_attach(&text->lines, cut ? "…〕" : "〕");
}

/* The same on the place of a word, for what is not the target of a text. */
static void target_insert(struct html_text *text, const char *word, struct span value, bool cut)
{
	char target[HTML_VALUE_BYTES_MAX];
	size_t length = target_clean(value, target);

	if (length == 0)
		return;
	lines_word(&text->lines, word);
	target_show(text, "", (struct span){ .data = target, .length = length }, cut);
}

void html_link_begin(struct html_text *text, const struct html_tag *tag)
{
	struct open_link *link = &text->link;
	enum html_attribute attribute = html_attribute_is_there(tag, ATTRIBUTE_HREF) ? ATTRIBUTE_HREF : ATTRIBUTE_XLINK_HREF;
	struct span href = html_attribute_of(tag, attribute);

	if (href.length == 0)
		return;
	link->target_bytes = target_clean(href, link->target);
	link->text_bytes = 0;
	link->blank = false;
	link->cut = tag->cut >> attribute & 1;
	/* A place within the mail itself leads nowhere. */
	link->open = link->target_bytes > 0 && link->target[0] != '#';
}

void html_link_end(struct html_text *text)
{
	struct open_link *link = &text->link;
	struct span target = { .data = link->target, .length = link->target_bytes };
	struct span shown = { .data = link->text, .length = link->text_bytes };
	struct span last = { .data = text->last_target, .length = text->last_target_bytes };

	if (!link->open)
		return;
	link->open = false;
	if (address_equal(shown, target))
		return;
	html_count(&text->notes.links, 1);
	if (shown.length == 0)
		lines_word(&text->lines, "");	/* not behind a text it does not belong to */
	if (link_is_mismatched(shown, target)) {
		html_count(&text->notes.mismatched, 1);
		target_show(text, "〔表示と異なるリンク先: ", target, link->cut);
	} else if (span_equal(target, last)) {
		lines_attach(&text->lines, "〔リンク先: 同上〕");
	} else {
		target_show(text, "〔リンク先: ", target, link->cut);
	}
	memcpy(text->last_target, target.data, target.length);
	text->last_target_bytes = target.length;
}

void html_area(struct html_text *text, const struct html_tag *tag)
{
	if (html_attribute_of(tag, ATTRIBUTE_HREF).length == 0)
		return;
	html_link_end(text);
	html_link_begin(text, tag);
	html_show(text, html_attribute_of(tag, ATTRIBUTE_ALT));
	html_link_end(text);
}

/* True for a picture that nobody sees: it only tells the sender that the mail was read. */
static bool picture_is_point(const struct html_tag *tag)
{
	return html_number(html_attribute_of(tag, ATTRIBUTE_WIDTH), 0, 100, 100) <= 1 ||
	       html_number(html_attribute_of(tag, ATTRIBUTE_HEIGHT), 0, 100, 100) <= 1;
}

void html_picture(struct html_text *text, const struct html_tag *tag)
{
	struct span alt = html_attribute_of(tag, ATTRIBUTE_ALT);

	html_count(&text->notes.pictures, 1);
	if (alt.length == 0 && (html_attribute_is_there(tag, ATTRIBUTE_ALT) || picture_is_point(tag)))
		return;
	if (alt.length == 0) {
		lines_word(&text->lines, "〔画像〕");
		return;
	}
	lines_word(&text->lines, "〔画像: ");
	html_show(text, alt);
	lines_attach(&text->lines, "〕");
}

void html_input(struct html_text *text, const struct html_tag *tag)
{
	struct span type = html_attribute_of(tag, ATTRIBUTE_TYPE), value = html_attribute_of(tag, ATTRIBUTE_VALUE);

	if (begins_with(type, "hidden"))
		return;
	html_count(&text->notes.forms, 1);
	if (begins_with(type, "submit") || begins_with(type, "button") || begins_with(type, "reset"))
		lines_word(&text->lines, "〔ボタン: ");
	else if (begins_with(type, "checkbox") || begins_with(type, "radio"))
		lines_word(&text->lines, "〔選択欄");
	else
		lines_word(&text->lines, value.length > 0 ? "〔入力欄: " : "〔入力欄");
	if (!begins_with(type, "checkbox") && !begins_with(type, "radio"))
		html_show(text, value);
	lines_attach(&text->lines, "〕");
}

void html_form(struct html_text *text, const struct html_tag *tag)
{
	html_count(&text->notes.forms, 1);
	lines_break(&text->lines, 1);
	target_insert(text, "〔送信先: ", html_attribute_of(tag, ATTRIBUTE_ACTION), tag->cut >> ATTRIBUTE_ACTION & 1);
	lines_break(&text->lines, 1);
}

void html_frame(struct html_text *text, const struct html_tag *tag)
{
	enum html_attribute source = html_attribute_is_there(tag, ATTRIBUTE_DATA) ? ATTRIBUTE_DATA : ATTRIBUTE_SRC;

	html_count(&text->notes.frames, 1);
	/* A document within the attribute: browsers show it, most programs for mail do not. */
	if (html_attribute_of(tag, ATTRIBUTE_SRCDOC).length > 0)
		lines_word(&text->lines, "〔埋め込み: 表示していない文書〕");
	target_insert(text, "〔埋め込み: ", html_attribute_of(tag, source), tag->cut >> source & 1);
}

void html_base(struct html_text *text, const struct html_tag *tag)
{
	if (!html_attribute_is_there(tag, ATTRIBUTE_HREF))
		return;
	html_count(&text->notes.redirects, 1);
	target_insert(text, "〔リンクの基準: ", html_attribute_of(tag, ATTRIBUTE_HREF), tag->cut >> ATTRIBUTE_HREF & 1);
	lines_break(&text->lines, 1);
}

void html_meta(struct html_text *text, const struct html_tag *tag)
{
	if (!begins_with(html_attribute_of(tag, ATTRIBUTE_HTTP_EQUIV), "refresh"))
		return;
	html_count(&text->notes.redirects, 1);
	target_insert(text, "〔自動で移動: ", html_attribute_of(tag, ATTRIBUTE_CONTENT), tag->cut >> ATTRIBUTE_CONTENT & 1);
	lines_break(&text->lines, 1);
}
