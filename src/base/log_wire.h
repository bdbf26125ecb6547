/*
 * log_wire: one event as a syslog message (RFC 5424) and as an entry of the journal's native protocol. Pure: bytes in, bytes out.
 *
 *   <29>1 2026-11-28T12:50:45.123456+09:00 gw1 sekishod 812 SKS-NEW-TALKER [sekisho@32473 part="witness" from="lgwan"][meta sequenceId="7"] BOM SKS-NEW-TALKER: ...
 *
 * The number behind '@' is a private enterprise number (RFC 5424 7.2.2); 32473 is the one for documentation (RFC 5612), because this project has none of its own.
 */
#ifndef BASE_LOG_WIRE_H
#define BASE_LOG_WIRE_H

#include <time.h>

#include "base/buf.h"
#include "base/log_text.h"

#define SYSLOG_SD_ID "sekisho@32473"

enum { SYSLOG_FACILITY = 3 /* daemon */, SYSLOG_SEQUENCE_MAX = 2147483647, SYSLOG_HOST_BYTES_MAX = 255, SYSLOG_ID_BYTES_MAX = 32 };

/* What an event is, besides its text. */
struct log_head {
	int severity;			/* of syslog(3) */
	const char *id;			/* MSGID */
	const char *part;		/* the process in its program; "" none */
	const char *program;		/* APP-NAME */
	const char *host;		/* HOSTNAME; "" not known */
	long pid;
	struct timespec time;
	uint32_t sequence;		/* 1 to SYSLOG_SEQUENCE_MAX */
};

/*
 * Appends the message of RFC 5424: the fields as structured data, with '"', '\' and ']' escaped (6.3.3), and the whole line as MSG, in UTF-8 behind a byte
 * order mark (6.4). What is not printable ASCII in a word of the header becomes '?', a word that is too long is cut, an empty one is "-".
 */
void syslog_message_put(struct buf *out, const struct log_head *head, const struct log_text *text);

/*
 * Appends the entry as systemd-journald(8) takes it at its socket: MESSAGE, PRIORITY, SYSLOG_FACILITY, SYSLOG_IDENTIFIER, SKS_ID, SKS_PART, and SKS_KEY for each
 * field. journald adds who sent it and when.
 */
void journald_entry_put(struct buf *out, const struct log_head *head, const struct log_text *text);

#endif
