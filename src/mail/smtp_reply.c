/*
 * smtp_reply: a line is collected whole before a byte of it is judged, so that no split of the input can
 * change the judgement.
 */
#include "mail/smtp_reply.h"

#include <errno.h>
#include <string.h>

enum { CODE_BYTES = 3, STATUS_DIGITS_MAX = 3 };

struct smtp_reply smtp_reply_make(unsigned code, unsigned subject, unsigned detail)
{
	return (struct smtp_reply){ .code = (uint16_t)code, .subject = (uint16_t)subject, .detail = (uint16_t)detail };
}

unsigned smtp_reply_class(struct smtp_reply reply)
{
	return reply.code / 100U;
}

static bool byte_in(char byte, char first, char last)
{
	return byte >= first && byte <= last;
}

/* The code at the front of a line: 0 when there is none. */
static unsigned code_read(struct span line)
{
	if (line.length < CODE_BYTES)
		return 0;
	if (!byte_in(line.data[0], '2', '5') || !byte_in(line.data[1], '0', '5') || !byte_in(line.data[2], '0', '9'))
		return 0;
	return (unsigned)(line.data[0] - '0') * 100 + (unsigned)(line.data[1] - '0') * 10 + (unsigned)(line.data[2] - '0');
}

/* A number of an enhanced status at text[*at]: one to three digits, no leading zero. */
static bool status_number_read(struct span text, size_t *at, unsigned *ret_number)
{
	size_t start = *at;
	unsigned number = 0;

	while (*at < text.length && *at - start < STATUS_DIGITS_MAX && byte_in(text.data[*at], '0', '9'))
		number = number * 10 + (unsigned)(text.data[(*at)++] - '0');
	*ret_number = number;
	return *at > start && (*at == start + 1 || text.data[start] != '0');
}

static bool status_byte_take(struct span text, size_t *at, char byte)
{
	if (*at >= text.length || text.data[*at] != byte)
		return false;
	(*at)++;
	return true;
}

/*
 * The enhanced status at the front of text goes into the reply when its class is the code's (RFC 2034
 * section 4).
 */
static void status_read(struct span text, struct smtp_reply *reply)
{
	unsigned subject, detail;
	size_t at = 0;

	if (!status_byte_take(text, &at, (char)('0' + reply->code / 100)) || !status_byte_take(text, &at, '.'))
		return;
	if (!status_number_read(text, &at, &subject) || !status_byte_take(text, &at, '.') || !status_number_read(text, &at, &detail))
		return;
	if (at < text.length && text.data[at] != ' ')
		return;
	reply->subject = (uint16_t)subject;
	reply->detail = (uint16_t)detail;
}

/*
 * Words may be in any charset, since nobody reads them; control characters are a sign of something else
 * than words.
 */
static bool text_is_plain(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return false;
	}
	return true;
}

/* Judges the collected line (without CRLF). */
static int line_judge(struct smtp_reply_reader *reader, struct span line, struct smtp_reply_line *ret_line)
{
	struct span text = { .data = line.data + CODE_BYTES, .length = 0 };
	unsigned code = code_read(line);
	bool last = true;

	if (code == 0 || (reader->lines > 0 && code != reader->reply.code))
		return -EBADMSG;
	if (line.length > CODE_BYTES) {
		if (line.data[CODE_BYTES] != ' ' && line.data[CODE_BYTES] != '-')
			return -EBADMSG;
		last = line.data[CODE_BYTES] == ' ';
		text = (struct span){ .data = line.data + CODE_BYTES + 1, .length = line.length - CODE_BYTES - 1 };
	}
	if (!text_is_plain(text) || (!last && reader->lines + 1 >= SMTP_REPLY_LINES_MAX))
		return -EBADMSG;
	if (reader->lines++ == 0) {
		reader->reply = smtp_reply_make(code, 0, 0);
		status_read(text, &reader->reply);
	}
	*ret_line = (struct smtp_reply_line){ .reply = reader->reply, .text = text, .number = reader->lines, .last = last };
	return 1;
}

int smtp_reply_read(struct smtp_reply_reader *reader, struct span bytes, size_t *ret_used, struct smtp_reply_line *ret_line)
{
	const char *end = bytes.length > 0 ? memchr(bytes.data, '\n', bytes.length) : NULL;
	size_t length = end ? (size_t)(end - bytes.data) + 1 : bytes.length;
	struct span line;
	int result;

	*ret_used = length;
	if (length > sizeof(reader->line) - reader->line_length || length > SMTP_REPLY_BYTES_MAX - reader->bytes)
		return -EBADMSG;
	if (length > 0)
		memcpy(reader->line + reader->line_length, bytes.data, length);
	reader->line_length += length;
	reader->bytes += length;
	if (!end)
		return 0;
	line = (struct span){ .data = reader->line, .length = reader->line_length - 1 };
	if (line.length == 0 || line.data[--line.length] != '\r')
		return -EBADMSG;
	result = line_judge(reader, line, ret_line);
	reader->line_length = 0;
	if (result == 1 && ret_line->last) {
		reader->bytes = 0;
		reader->lines = 0;
	}
	return result;
}
