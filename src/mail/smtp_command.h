/*
 * smtp_command: one command line of SMTP (RFC 5321 section 4.1), read to a value or refused with the reply
 * it deserves.
 *
 * Only what smtp_server offers is known here. Verbs and keywords are taken in any case of letters. Two
 * leniencies: spaces behind "FROM:" and "TO:", and spaces and tabs at the end of a line, are passed over,
 * as every server does.
 */
#ifndef MAIL_SMTP_COMMAND_H
#define MAIL_SMTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/smtp_address.h"
#include "mail/smtp_reply.h"

enum { SMTP_HELLO_BYTES_MAX = 255 };	/* what a client may call itself */

enum smtp_verb {
	SMTP_VERB_EHLO, SMTP_VERB_HELO, SMTP_VERB_MAIL, SMTP_VERB_RCPT, SMTP_VERB_DATA, SMTP_VERB_RSET, SMTP_VERB_NOOP, SMTP_VERB_QUIT,
	SMTP_VERB_VRFY, SMTP_VERB_COUNT,
};

struct smtp_command {
	enum smtp_verb verb;
	struct span name;	/* EHLO, HELO: 1 to SMTP_HELLO_BYTES_MAX of letters, digits and ".-_:[]", in the line; it proves nothing */
	struct smtp_address address; /* MAIL, RCPT */
	uint64_t size_bytes;	/* MAIL: SIZE=; 0: not declared; UINT64_MAX: more than the number holds */
	bool utf8;		/* MAIL: SMTPUTF8 */
};

/* Why a command is not obeyed, in our words. */
struct smtp_refusal {
	struct smtp_reply reply;
	const char *words;
};

/*
 * Reads a line without its CRLF. 0: *ret_command; -EINVAL: *ret_refusal. A control character voids the
 * whole line. 500: no command; 501: malformed; 502: not offered; 553: a path against the rules of
 * mail/smtp_address.h; 555: a parameter that is not offered.
 */
int smtp_command_parse(struct span line, struct smtp_command *ret_command, struct smtp_refusal *ret_refusal);

#endif
