/* plain_text: what outsiders wrote, as text that may go on. */
#include "mail/plain_text.h"

/* Of filtered text that is looked at in one go: with all that it may become it fits into PLAIN_TEXT_ROOM_BYTES. */
enum { SLICE_BYTES = 1024 };

_Static_assert((LINK_WORD_BYTES_MAX + SLICE_BYTES) * LINK_GROWTH_MAX + LINK_INSERTIONS_MAX * LINK_INSERTION_BYTES_MAX <=
	       PLAIN_TEXT_ROOM_BYTES, "what one slice becomes has room");

struct destination {
	struct links *links;
	struct buf *out;
};

struct plain_text plain_text_make(enum link_style style)
{
	return (struct plain_text){ .filter = text_filter_make(), .links = links_make(style) };
}

bool plain_text_has_room(struct buf *out)
{
	if (out->limit_bytes && (out->overflow || out->limit_bytes - out->length < PLAIN_TEXT_ROOM_BYTES))
		out->overflow = true;
	return !out->overflow;
}

static void filtered_take(void *user, struct span text)
{
	struct destination *to = user;

	while (text.length > 0 && plain_text_has_room(to->out)) {
		size_t length = text.length < SLICE_BYTES ? text.length : SLICE_BYTES;

		links_feed(to->links, span_part(text, 0, length), to->out);
		text = span_part(text, length, text.length);
	}
}

void plain_text_feed(struct plain_text *text, struct span in, struct buf *out)
{
	struct destination to = { .links = &text->links, .out = out };

	text_filter_feed(&text->filter, in, filtered_take, &to);
}

void plain_text_finish(struct plain_text *text, struct buf *out)
{
	struct destination to = { .links = &text->links, .out = out };

	text_filter_finish(&text->filter, filtered_take, &to);
	if (plain_text_has_room(out))
		links_finish(&text->links, out);
}
