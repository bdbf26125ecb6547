/*
 * log: one line per event, for the journal, for standard error and for a receiver of syslog messages.
 *
 * Only programs log; floors below return findings and errors. A line is "SKS-COMMIT: text key=value", with
 * a stable message id in front that operators may search for. Bytes that come from files or peers are made visible, so that nobody writes a second line
 * into ours, and cannot pass for a field that they are not (base/log_text.h).
 *
 * Where standard error is a stream of the journal, the event goes to the journal's own socket instead, with its fields (base/log_wire.h); where that does not take
 * it, or anywhere else, it is a line on standard error. Besides, it is sent to the receiver of syslog messages that was named, if one was. Nobody is waited for.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/finding.h"
#include "base/log_text.h"

/* syslog(3) levels, the ones we use. */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/*
 * Opens the log for this process; part names the process in each line ("parent") and must outlive the log.
 * journal_stream is the value of $JOURNAL_STREAM, or NULL. Events above the level are not written. Before
 * this call everything up to LOG_LEVEL_NOTICE is written plainly.
 */
void log_open(const char *part, enum log_level level, const char *journal_stream);

/*
 * From now on each event is also sent as a message of RFC 5424, a datagram each, to the Unix socket at this path. It need not be there yet, and may be made anew: then
 * messages are lost, and the next one that is taken is followed by one that says how many (SKS-LOG). Only sendto(2) is needed afterwards. 0 or negative errno.
 */
int log_open_syslog(const char *path);

/*
 * For a process that closes descriptors by their numbers, or that is not to have a socket it could send from: from now on lines go to standard error only. Closes
 * nothing.
 */
void log_forget_sockets(void);

/* Writes one event. id is a stable message id: "SKS-COMMIT". The format is ASCII, and log_text_make() knows its conversions. */
void log_event(enum log_level level, const char *id, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What an event is about, one thing. */
struct log_field {
	const char *key;	/* lower case, digits, '-' */
	const char *value;
};

/* Writes one event whose fields are told apart from its sentence. */
void log_event_fields(enum log_level level, const char *id, const char *sentence, const struct log_field *fields, size_t field_count);

/* Writes one finding as an event (SKS-FINDING) with its sentence in English, its id and its place. */
void log_finding(const struct findings *findings, const struct finding *finding);

/* Lines of one kind in one minute, for what somebody else can cause as often as he likes. All zero at the beginning. */
struct log_budget {
	int64_t minute;
	unsigned int used, held_back;
};

/*
 * True when one more line may be written in the minute of now (Unix time). What was held back is told under id, with its number, when another minute has begun and
 * the budget is asked again.
 */
bool log_budget_allows(struct log_budget *budget, unsigned int per_minute, int64_t now, const char *id);

/* Reads "error", "warning", "notice", "info", "debug". 0 or -EINVAL. */
int log_level_parse(const char *word, enum log_level *ret_level);

#endif
