/*
 * smtp_content: two small automata. Coming in, nothing is copied: content is shown where it lies.
 */
#include "mail/smtp_content.h"

#include <errno.h>
#include <string.h>

/*
 * Behind a dot at the start of a line. Returns true when byte is content itself: the dot was stuffed and is
 * left out.
 */
static bool dot_judge(enum smtp_content_state *state, char byte)
{
	*state = byte == '\r' ? SMTP_CONTENT_DOT_CR : SMTP_CONTENT_INSIDE;
	return byte != '\r';
}

/*
 * Behind CRLF . CR: a LF is the end of data; for anything else the CR is content after all, and byte is
 * looked at again behind it.
 */
static size_t dot_cr_judge(enum smtp_content_state *state, char byte, struct span *ret_content, bool *ret_end)
{
	if (byte == '\n') {
		*state = SMTP_CONTENT_LINE_START;
		*ret_end = true;
		return 1;
	}
	*state = SMTP_CONTENT_CR;
	*ret_content = span_of("\r");
	return 0;
}

/*
 * Passes content, from the start of a line or inside of one, up to a dot at the start of a line. Returns
 * how many bytes that are.
 */
static size_t lines_pass(enum smtp_content_state *state, struct span bytes)
{
	size_t at = 0;

	while (at < bytes.length && !(*state == SMTP_CONTENT_LINE_START && bytes.data[at] == '.')) {
		const char *end = NULL;

		if (*state == SMTP_CONTENT_CR && bytes.data[at] == '\n') {
			*state = SMTP_CONTENT_LINE_START;
			at++;
			continue;
		}
		end = memchr(bytes.data + at, '\r', bytes.length - at);
		*state = end ? SMTP_CONTENT_CR : SMTP_CONTENT_INSIDE;
		at = end ? (size_t)(end - bytes.data) + 1 : bytes.length;
	}
	return at;
}

size_t smtp_content_unstuff(enum smtp_content_state *state, struct span bytes, struct span *ret_content, bool *ret_end)
{
	size_t used;

	*ret_content = (struct span){ .data = bytes.data, .length = 0 };
	*ret_end = false;
	if (*state == SMTP_CONTENT_DOT_CR)
		return dot_cr_judge(state, bytes.data[0], ret_content, ret_end);
	if (*state == SMTP_CONTENT_DOT && !dot_judge(state, bytes.data[0]))
		return 1;
	used = lines_pass(state, bytes);
	ret_content->length = used;
	if (used > 0)
		return used;
	*state = SMTP_CONTENT_DOT;
	return 1;
}

/* Takes the next byte into the line. False: it could be read in two ways, or must not be there at all. */
static bool stuffer_take(struct smtp_stuffer *stuffer, char byte)
{
	if (byte == '\n') {
		if (stuffer->state != SMTP_CONTENT_CR)
			return false;
		*stuffer = (struct smtp_stuffer){ .state = SMTP_CONTENT_LINE_START };
		return true;
	}
	if (stuffer->state == SMTP_CONTENT_CR || byte == '\0' || (unsigned char)byte >= 0x80)
		return false;
	if (byte == '\r') {
		stuffer->state = SMTP_CONTENT_CR;
		return true;
	}
	stuffer->state = SMTP_CONTENT_INSIDE;
	return ++stuffer->line_length <= SMTP_CONTENT_LINE_BYTES_MAX;
}

int smtp_content_stuff(struct smtp_stuffer *stuffer, struct span content, char *stuffed, size_t *ret_length)
{
	size_t length = 0;

	for (size_t i = 0; i < content.length; i++) {
		if (content.data[i] == '.' && stuffer->state == SMTP_CONTENT_LINE_START)
			stuffed[length++] = '.';
		if (!stuffer_take(stuffer, content.data[i]))
			return -EBADMSG;
		stuffed[length++] = content.data[i];
	}
	*ret_length = length;
	return 0;
}

bool smtp_content_may_end(const struct smtp_stuffer *stuffer)
{
	return stuffer->state == SMTP_CONTENT_LINE_START;
}
