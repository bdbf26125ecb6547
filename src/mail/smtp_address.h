/*
 * smtp_address: who a mail is from and who it is for, as SMTP says it (RFC 5321 section 4.1.2).
 *
 * An address is a value: what was read is checked byte by byte, and what goes out is written from the
 * value. Rules where the RFC leaves room, or where real mail needs another one:
 *  - Dots may stand anywhere in a local part, also doubled, first and last: a..b.@docomo.ne.jp is a
 *    telephone in use. Such an address may also come as "a..b."@docomo.ne.jp, as Postfix writes it; it goes
 *    out in the form it came in.
 *  - Any other quoted local part (spaces, '@', backslashes, ...) is refused: two programs may read it as
 *    two addresses.
 *  - Source routes <@a,@b:c@d> and address literals c@[192.0.2.1] are refused; so is a domain that ends in
 *    a label of digits.
 *  - '%' and '!' in a forward-path are refused: they route (user%elsewhere@here) and would make an open
 *    relay of the inner server (R15). In a reverse-path they are only text.
 *  - A domain in UTF-8 (RFC 6531) becomes its A-labels (mail/punycode.h). Bytes from 0x80 on in a local part are
 *    refused, also under SMTPUTF8: the message that leaves is 7-bit, and so is its envelope.
 *  - <postmaster> without a domain is a forward-path, in any case of letters; <> is a reverse-path.
 *  - '_' is allowed in a domain: such names are in use. One label is enough; no dot may end it.
 *  - There is no limit of 64 bytes for a local part: bounce addresses in use are longer. The limit of the
 *    whole address binds.
 */
#ifndef MAIL_SMTP_ADDRESS_H
#define MAIL_SMTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	SMTP_PATH_BYTES_MAX = 256,	/* with '<' and '>', RFC 5321 section 4.5.3.1.3 */
	SMTP_ADDRESS_BYTES_MAX = SMTP_PATH_BYTES_MAX - 2,
	SMTP_LABEL_BYTES_MAX = 63,
	SMTP_PATH_TEXT_BYTES = SMTP_PATH_BYTES_MAX + 1,
};

/* Which of the two paths of an envelope. */
enum smtp_path_kind { SMTP_PATH_REVERSE, SMTP_PATH_FORWARD };

/* A valid value is made by the functions below only. All zero is the null reverse-path. */
struct smtp_address {
	char text[SMTP_ADDRESS_BYTES_MAX]; /* local part, '@', domain; ASCII, without quotes, not NUL-terminated */
	uint8_t length;		/* 0: the null reverse-path */
	uint8_t local_length;	/* equal to length: postmaster without a domain */
	bool quoted;		/* the local part came between quotes and goes out so */
};

/*
 * Reads the path that begins at text with '<'. *ret_used is its length in bytes, '>' included; what follows
 * is not looked at. 0; -EINVAL: not a path; -ENAMETOOLONG: longer than SMTP_PATH_BYTES_MAX; -EILSEQ: its
 * local part holds a byte that is not ASCII; -ENOTSUP: a path by the RFC, refused by the rules above.
 */
int smtp_path_parse(struct span text, enum smtp_path_kind kind, struct smtp_address *ret_address, size_t *ret_used);

/* Reads a whole text as an address without '<' and '>'. Errors as smtp_path_parse(). */
int smtp_address_parse(struct span text, enum smtp_path_kind kind, struct smtp_address *ret_address);

/* "<local@domain>" into a buffer of SMTP_PATH_TEXT_BYTES, NUL-terminated; returns the buffer. */
char *smtp_path_format(const struct smtp_address *address, char text[static SMTP_PATH_TEXT_BYTES]);

/* The part behind '@', in the address; empty for the null reverse-path and postmaster. */
struct span smtp_address_domain(const struct smtp_address *address);

/*
 * True when the address lies in this very domain, in any case of letters; a domain below it is another one.
 */
bool smtp_address_in_domain(const struct smtp_address *address, struct span domain);

/*
 * True for a host name: labels of letters, digits, '-' and '_', joined by dots, not ending in a label of
 * digits; at most 253 bytes.
 */
bool smtp_domain_is_valid(struct span domain);

#endif
