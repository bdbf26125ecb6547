/*
 * letter_lines: the lines of a composed message: headers with their folds and encoded words (RFC 5322, RFC 2047), a body in
 * base64 (RFC 4648). Used by letter_compose.c alone. Nothing here judges values: they were judged by letter_grammar.c.
 */
#ifndef MAIL_LETTER_LINES_H
#define MAIL_LETTER_LINES_H

#include "mail/letter.h"

enum { LETTER_BODY_LINE_BYTES = 57 };	/* 76 characters of base64 */
enum { LETTER_TOKEN_BYTES_MAX = 640 };	/* the longest is an address in brackets */
enum { LETTER_STAMP_TEXT_BYTES = 64 };

/* A header that is being written. */
struct header {
	struct buf *out;
	size_t column;		/* bytes in the line at hand */
};

/* Begins a header: its name and the colon. */
struct header header_begin(struct buf *out, const char *name);

/* Appends a space and a token of printable ASCII, in a new line if this one has no room. */
void header_token(struct header *header, struct span token);

/* Appends a token of at most LETTER_TOKEN_BYTES_MAX - 1 bytes as printf writes it. */
void header_printf(struct header *header, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends a valid text of one line: as it is when it is short and means nothing in a header, else as encoded words. */
void header_text(struct header *header, struct span text);

/* Appends an address, behind its name if it has one, and what follows it ("" or ","). */
void header_address(struct header *header, const struct letter_address *address, const char *behind);

/* Appends a date as RFC 5322 3.3 writes it: Sat, 21 Nov 2026 17:28:36 +0900. */
void header_date(struct header *header, int64_t seconds, int zone_minutes);

/* Ends the header. */
void header_end(struct header *header);

/* A body on its way into lines of base64. */
struct body {
	struct buf *out;
	char line[LETTER_BODY_LINE_BYTES];
	size_t held;
};

/* Appends text to the body. */
void body_put(struct body *body, struct span text);

/* Appends words of our own. */
void body_puts(struct body *body, const char *text);

/* Appends words of our own and ends the line. */
void body_line(struct body *body, const char *words);

/* Appends a number between words, and ends the line. */
void body_count_line(struct body *body, const char *before, uint64_t number, const char *behind);

/* Appends a number in decimal digits. */
void body_number(struct body *body, uint64_t number);

/* Appends a time: "2026-11-21 17:28:36 +0900". */
void body_date(struct body *body, int64_t seconds, int zone_minutes);

/* Ends the body: the last line may be shorter than the others. */
void body_end(struct body *body);

#endif
