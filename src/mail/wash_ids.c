/*
 * wash_ids: message ids by strict grammar, and what stands for the others.
 *
 * A replacement is made of the SHA-256 of what stood between the brackets, white space left out (folding adds some). The same
 * id has the same replacement wherever it stands, so a reply finds its mail.
 */
#include <string.h>

#include "mail/header_octets.h"
#include "mail/wash_work.h"

enum { REPLACEMENT_DIGEST_BYTES = 16 };

/* Where the next byte of this value stands; the length of the span if nowhere. */
static size_t byte_find(struct span text, char byte)
{
	const char *found = text.length > 0 ? memchr(text.data, byte, text.length) : NULL;

	return found ? (size_t)(found - text.data) : text.length;
}

/* Takes what stands in the next brackets off the field. A bracket that is never closed takes all. */
static bool bracketed_take(struct span *rest, struct span *ret_id)
{
	size_t begin = byte_find(*rest, '<'), length;

	if (begin == rest->length)
		return false;
	*rest = span_part(*rest, begin + 1, rest->length);
	length = byte_find(*rest, '>');
	*ret_id = header_trim(span_part(*rest, 0, length));
	*rest = span_part(*rest, length < rest->length ? length + 1 : length, rest->length);
	return true;
}

/* Takes the next word that holds '@' off a field without brackets. */
static bool word_take(struct span *rest, struct span *ret_id)
{
	while (rest->length > 0) {
		size_t length = 0;

		while (length < rest->length && !header_is_space(rest->data[length]))
			length++;
		*ret_id = span_part(*rest, 0, length);
		*rest = header_trim(span_part(*rest, length, rest->length));
		if (byte_find(*ret_id, '@') < ret_id->length)
			return true;
	}
	return false;
}

static bool id_take(struct span whole, struct span *rest, struct span *ret_id)
{
	return byte_find(whole, '<') < whole.length ? bracketed_take(rest, ret_id) : word_take(rest, ret_id);
}

/* The id itself when it keeps the grammar, else what stands for it; in the arena. */
static struct span id_make(struct wash *wash, struct span id)
{
	struct digest digest;
	uint8_t sha256[DIGEST_BYTES];
	char hex[DIGEST_TEXT_BYTES];

	if (letter_message_id_valid(id))
		return wash_copy(wash, id);
	digest_begin(&digest);
	for (size_t i = 0; i < id.length; i++)
		if (!header_is_space(id.data[i]))
			digest_add(&digest, &id.data[i], 1);
	digest_end(&digest, sha256);
	return span_of(arena_printf(wash->arena, "%s@replaced.invalid", digest_hex(sha256, REPLACEMENT_DIGEST_BYTES, hex)));
}

void wash_message_id_take(struct wash *wash, struct span value)
{
	struct span rest = value, id = value;

	if (value.length == 0)
		return;
	id_take(value, &rest, &id);
	wash->letter->message_id = id_make(wash, id);
	if (!letter_message_id_valid(id))
		wash_note(wash, LETTER_NOTE_MESSAGE_ID_ODD, 0, value);
}

void wash_in_reply_to_take(struct wash *wash, struct span value)
{
	struct letter *letter = wash->letter;
	struct span rest = value, id;

	while (letter->in_reply_to_count < LETTER_IN_REPLY_TO_MAX && id_take(value, &rest, &id))
		letter->in_reply_to[letter->in_reply_to_count++] = id_make(wash, id);
}

/* The first one names the thread, the last ones where in it the mail belongs. */
void wash_references_take(struct wash *wash, struct span value)
{
	struct letter *letter = wash->letter;
	struct span rest = value, ids[LETTER_REFERENCES_MAX], id;
	size_t count = 0;

	while (id_take(value, &rest, &id)) {
		if (count == LETTER_REFERENCES_MAX)
			memmove(&ids[1], &ids[2], (--count - 1) * sizeof(ids[0]));
		ids[count++] = id;
	}
	for (size_t i = 0; i < count; i++)
		letter->references[i] = id_make(wash, ids[i]);
	letter->references_count = count;
}
