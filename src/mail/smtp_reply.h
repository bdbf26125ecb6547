/*
 * smtp_reply: what an SMTP server answered, as numbers (RFC 5321 section 4.2, RFC 3463).
 *
 * The words of a reply are never kept and never forwarded: what the inner server says about itself is
 * nobody's business outside, and bytes that are copied are bytes that can be steered. The numbers travel;
 * each side writes its own words.
 *
 * The reader is strict: a line is three digits, then CRLF or ' ' or '-' and text without control characters
 * but TAB, then CRLF. All lines of a reply carry one code. A bare CR or LF, a line or reply beyond the
 * limits, two codes in one reply: not a reply.
 */
#ifndef MAIL_SMTP_REPLY_H
#define MAIL_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	SMTP_REPLY_LINE_BYTES_MAX = 2048, /* with CRLF; RFC 5321 says 512, servers with long words exist */
	SMTP_REPLY_LINES_MAX = 128,
	SMTP_REPLY_BYTES_MAX = 16384,	/* all lines of one reply */
};

/*
 * code: 200 to 559, second digit 0 to 5. The enhanced status is (code / 100).subject.detail, each of the
 * two 0 to 999; a reply that carried none, or one whose class is not the code's, has 0.0.
 */
struct smtp_reply {
	uint16_t code;
	uint16_t subject;
	uint16_t detail;
};

/* A reply with these numbers. */
struct smtp_reply smtp_reply_make(unsigned code, unsigned subject, unsigned detail);

/* 2 done, 3 go on, 4 not now, 5 never. */
unsigned smtp_reply_class(struct smtp_reply reply);

/* Collects one reply after the other. All zero is the beginning. */
struct smtp_reply_reader {
	char line[SMTP_REPLY_LINE_BYTES_MAX];
	size_t line_length;
	size_t bytes;		/* of the reply so far */
	unsigned lines;		/* whole lines of the reply so far */
	struct smtp_reply reply;
};

/* One whole line. */
struct smtp_reply_line {
	struct smtp_reply reply; /* final with the last line */
	struct span text;	/* behind the code, in the reader until its next call: for the keywords of EHLO, not for people */
	unsigned number;	/* from 1 */
	bool last;
};

/*
 * Takes bytes up to the end of the next line. 1: *ret_line is a whole line; 0: all bytes are used, more are
 * needed; -EBADMSG: not a reply, and the connection is of no more use. *ret_used bytes were taken.
 */
int smtp_reply_read(struct smtp_reply_reader *reader, struct span bytes, size_t *ret_used, struct smtp_reply_line *ret_line);

#endif
