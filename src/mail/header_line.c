/* header_line: control characters collapse, the filter for text decides about the rest. */
#include "mail/header_line.h"

#include <string.h>

#include "mail/text_filter.h"

/* Length of the control character (C0, DEL, C1) at this offset; 0: another character. */
static size_t control_length(struct span text, size_t at)
{
	uint8_t byte = (uint8_t)text.data[at];

	if (byte < 0x20 || byte == 0x7f)
		return 1;
	if (byte == 0xc2 && at + 1 < text.length && (uint8_t)text.data[at + 1] >= 0x80 &&
	    (uint8_t)text.data[at + 1] <= 0x9f)
		return 2;
	return 0;
}

/* Copies text with one space for each run of controls and the spaces around it. A run of spaces alone stays. */
static void controls_collapse(struct span text, struct buf *out, struct header_facts *facts)
{
	size_t at = 0;

	while (at < text.length) {
		size_t begin = at, length;
		bool controls = false;

		while (at < text.length && ((length = control_length(text, at)) > 0 || text.data[at] == ' ')) {
			controls |= length > 0 && text.data[at] != '\t';
			at += length > 0 ? length : 1;
		}
		facts->controls += controls;
		if (controls || memchr(text.data + begin, '\t', at - begin))
			buf_putc(out, ' ');
		else
			buf_put(out, text.data + begin, at - begin);
		for (begin = at; at < text.length && text.data[at] != ' ' && control_length(text, at) == 0;)
			at++;
		buf_put(out, text.data + begin, at - begin);
	}
}

static void line_collect(void *user, struct span text)
{
	struct buf *out = user;
	size_t begin = out->length;

	buf_put(out, text.data, text.length);
	for (size_t i = begin; i < out->length; i++)
		if (out->data[i] == '\n')
			out->data[i] = ' ';
}

static struct span spaces_trim(struct span text)
{
	size_t begin = 0, end = text.length;

	while (begin < end && text.data[begin] == ' ')
		begin++;
	while (end > begin && text.data[end - 1] == ' ')
		end--;
	return span_part(text, begin, end);
}

/* As much of the text as has room, in whole characters. */
static struct span room_cut(struct span text, const struct buf *out)
{
	size_t room = out->limit_bytes ? out->limit_bytes - out->length : text.length;

	if (room >= text.length)
		return text;
	while (room > 0 && ((uint8_t)text.data[room] & 0xc0) == 0x80)
		room--;
	return span_part(text, 0, room);
}

void header_line_put(struct span text, struct buf *out, struct header_facts *facts)
{
	struct text_filter filter = text_filter_make();
	struct buf collapsed = buf_limited(0), line = buf_limited(0);
	struct span whole, fitting;

	controls_collapse(text, &collapsed, facts);
	text_filter_feed(&filter, buf_span(&collapsed), line_collect, &line);
	text_filter_finish(&filter, line_collect, &line);
	facts->replaced += filter.counts.missing;
	facts->removed += (uint64_t)filter.counts.removed + filter.counts.shown + filter.counts.marks_removed;
	whole = spaces_trim(buf_span(&line));
	fitting = room_cut(whole, out);
	facts->cut += fitting.length < whole.length;
	buf_put(out, fitting.data, fitting.length);
	buf_free(&collapsed);
	buf_free(&line);
}
