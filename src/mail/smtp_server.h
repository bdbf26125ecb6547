/*
 * smtp_server: a strict SMTP server (RFC 5321) as a state machine: bytes in, events and replies out.
 *
 * It owns no socket and no clock. The caller feeds bytes, acts on each event, writes what
 * smtp_server_output() holds, and says what time it is. However the input is cut, events and replies are
 * the same. No byte of the input is ever put into a reply.
 *
 * A question is an event that owes an answer: may this sender send, does this recipient exist, may the
 * content come, is the message delivered. While an answer is owed nothing is consumed, so pipelined
 * commands (RFC 2920) wait in the caller's buffer, and a refusal is always given in the dialogue (R15),
 * never as a mail afterwards.
 *
 * What is strict here, because a sender may sit behind a server that is not:
 *  - A line ends with CRLF and nothing else; so does the content: with CRLF . CRLF. Every other mixture of
 *    CR, LF, NUL and dots is content. In a command a control character is an error (501; 500 when the verb
 *    is unknown), and the whole line is void.
 *  - A command line has at most 2048 bytes with CRLF: the 512 of the RFC leave no room for parameters and
 *    long paths.
 *  - A byte from 0x80 on in a path is 553 5.6.7. SMTPUTF8 is offered for the sake of header fields only:
 *    names of domains that are not ASCII are not turned into A-labels.
 *  - BDAT, STARTTLS, AUTH and EXPN are not offered and give 502. Unknown parameters of MAIL and RCPT give
 *    555.
 * The rules for command lines stand in mail/smtp_command.h, those for paths in mail/smtp_address.h.
 */
#ifndef MAIL_SMTP_SERVER_H
#define MAIL_SMTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/smtp_address.h"
#include "mail/smtp_command.h"
#include "mail/smtp_content.h"
#include "mail/smtp_reply.h"

enum {
	SMTP_COMMAND_BYTES_MAX = 2048,	/* with CRLF */
	SMTP_SERVER_OUTPUT_BYTES = 4096,
	SMTP_SERVER_OUTPUT_RESERVE = 1024, /* more than any reply: with less room nothing is consumed */
};

/* All limits are inclusive: what is equal to the limit passes. */
struct smtp_server_settings {
	const char *host_name;		/* a host name; outlives the server */
	uint64_t message_bytes_max;	/* content, dots unstuffed; offered as SIZE, at least 1 */
	unsigned recipients_max;	/* accepted in one transaction; the next gives 452 4.5.3 and the client sends the rest again */
	unsigned errors_max;		/* commands in error in one session, paths that give 553 not counted; the next gives 421 and the end */
	unsigned commands_max;		/* commands since the last message that was accepted; the next gives 421 and the end */
	int64_t command_timeout_ms;	/* for a whole command, from the reply before: bytes one by one win nothing */
	int64_t content_timeout_ms;	/* for the whole content, from the 354 */
	int64_t question_timeout_ms;	/* for the answer to sender, recipient and content; clients wait 300 s */
	int64_t delivery_timeout_ms;	/* for the answer to delivery; clients wait 600 s */
};

/* The settings in use: 30 MiB, 100 recipients, 20 errors, 1000 commands; 300 s, 600 s, 240 s, 540 s. */
struct smtp_server_settings smtp_server_defaults(const char *host_name);

enum smtp_server_event_kind {
	SMTP_SERVER_NOTHING,	/* no event: see smtp_server_waits_for() */
	SMTP_SERVER_SENDER,	/* question: .address (length 0: a delivery report), .declared_bytes; an answer of 2xx opens a transaction */
	SMTP_SERVER_RECIPIENT,	/* question: .address */
	SMTP_SERVER_BEGIN,	/* question: may the content come? A refusal ends the transaction */
	SMTP_SERVER_CONTENT,	/* .content: the next bytes of the message, unstuffed */
	SMTP_SERVER_OVERSIZE,	/* too large: forget the content; the rest is drained and answered with 552 */
	SMTP_SERVER_DELIVER,	/* question: the content is whole. Any answer ends the transaction */
	SMTP_SERVER_RESET,	/* the client gave the transaction up: forget sender, recipients and content */
	SMTP_SERVER_LATE,	/* no answer came in time; 451 was said in its place. An answer to .question is now -ESTALE. When
				   it was DELIVER, a delivery that still succeeds is a duplicate later, which is allowed; loss is not */
	SMTP_SERVER_CLOSED,	/* write the output, then close: .end says why. An open transaction is given up */
};

/* Why a session is over. */
enum smtp_server_end {
	SMTP_SERVER_END_QUIT,
	SMTP_SERVER_END_TIMEOUT,	/* the client was too slow */
	SMTP_SERVER_END_ERRORS,
	SMTP_SERVER_END_COMMANDS,
	SMTP_SERVER_END_SHUTDOWN,	/* by smtp_server_shut() */
};

struct smtp_server_event {
	enum smtp_server_event_kind kind;
	uint32_t question;	/* number of the question, for smtp_server_answer() */
	const struct smtp_address *address; /* in the server, until the next feed */
	uint64_t declared_bytes; /* SIZE= of MAIL, 0: not declared */
	bool utf8;		/* SMTPUTF8 was demanded: header fields may hold UTF-8 */
	struct span content;	/* in the bytes fed, or constant; valid as long as they are */
	enum smtp_server_end end;
};

/* Where the machine stands. */
enum smtp_server_phase { SMTP_SERVER_IN_COMMAND, SMTP_SERVER_IN_CONTENT, SMTP_SERVER_OVER };

/* One session, about 8 KB, without any memory of its own. Members are the machine's. */
struct smtp_server {
	struct smtp_server_settings settings;
	enum smtp_server_phase phase;
	enum smtp_server_end end;
	bool end_told;
	int64_t deadline_ms;

	enum smtp_server_event_kind owed; /* the question that waits for its answer, or SMTP_SERVER_NOTHING */
	uint32_t question;		/* number of the last question */

	char line[SMTP_COMMAND_BYTES_MAX];
	size_t line_length;
	char line_last;			/* its last byte, also of a line that is too long to be kept */
	bool line_too_long;

	char hello[SMTP_HELLO_BYTES_MAX];
	size_t hello_length;		/* 0: not greeted yet */
	bool has_sender;
	struct smtp_address address;	/* in question */
	uint64_t declared_bytes;
	bool utf8;
	unsigned recipients;		/* accepted */
	unsigned errors, commands;

	enum smtp_content_state content_state;
	uint64_t content_bytes;
	bool discarding;
	struct smtp_reply discard_reply;

	char output[SMTP_SERVER_OUTPUT_BYTES];
	size_t output_length;
};

/*
 * Begins a session: the greeting stands in the output. now_ms: any clock that only goes forward, the same
 * in every call.
 */
void smtp_server_begin(struct smtp_server *server, const struct smtp_server_settings *settings, int64_t now_ms);

/*
 * Consumes bytes up to the next event, *ret_event, and returns how many it took, possibly none. Call it
 * again with the rest until the event is SMTP_SERVER_NOTHING; if bytes are left over then,
 * smtp_server_waits_for() says what must happen first. A deadline that has passed comes before any byte.
 */
size_t smtp_server_feed(struct smtp_server *server, struct span bytes, int64_t now_ms, struct smtp_server_event *ret_event);

enum smtp_server_wait {
	SMTP_SERVER_WAITS_FOR_INPUT,
	SMTP_SERVER_WAITS_FOR_OUTPUT,	/* the client must read its replies first */
	SMTP_SERVER_WAITS_FOR_ANSWER,
	SMTP_SERVER_WAITS_FOR_CLOSE,	/* nothing more will be consumed */
};

/* What the machine waits for. */
enum smtp_server_wait smtp_server_waits_for(const struct smtp_server *server);

/*
 * Answers a question: 2xx yes, 4xx and 5xx no. Codes that have no place in SMTP at this point become the
 * plain one of their class (250, 451, 554); the words are ours. 0; -ESTALE: this question is not open (it
 * was late); -EINVAL: neither 2xx, 4xx nor 5xx.
 */
int smtp_server_answer(struct smtp_server *server, uint32_t question, struct smtp_reply reply, int64_t now_ms);

/*
 * Gives up the content that is coming in (the disk is full): no more events of it, the rest is drained and
 * answered with reply, which must be 4xx or 5xx. 0; -EINVAL: not so; -ESTALE: no content is coming in.
 */
int smtp_server_discard(struct smtp_server *server, struct smtp_reply reply);

/* Ends the session with 421 4.3.2. The next feed gives SMTP_SERVER_CLOSED, unless it was given before. */
void smtp_server_shut(struct smtp_server *server);

/* When smtp_server_expire() must be called at the latest; INT64_MAX: never. */
int64_t smtp_server_deadline(const struct smtp_server *server);

/*
 * Acts on a deadline that has passed: *ret_event is SMTP_SERVER_LATE, SMTP_SERVER_CLOSED, or
 * SMTP_SERVER_NOTHING when none has.
 */
void smtp_server_expire(struct smtp_server *server, int64_t now_ms, struct smtp_server_event *ret_event);

/* What is to be written to the client; valid until the next call that is not const. */
struct span smtp_server_output(const struct smtp_server *server);

/* The first count bytes of the output have been written. */
void smtp_server_sent(struct smtp_server *server, size_t count);

/*
 * What the client called itself, in the server; empty before EHLO or HELO. See mail/smtp_command.h for its
 * bytes.
 */
struct span smtp_server_hello(const struct smtp_server *server);

#endif
