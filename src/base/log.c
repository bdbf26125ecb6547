/*
 * log: one line per event. The sink below is the only mutable global of the product
 * besides parsed options.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log_wire.h"

#define JOURNALD_SOCKET "/run/systemd/journal/socket"

static struct {
	const char *part;
	enum log_level level;
	bool journal;			/* standard error is a stream of the journal */
	int journald;			/* connected to the journal's own socket; -1: not */
	int receiver;			/* of syslog messages; -1: none */
	struct sockaddr_un receiver_address;
	uint32_t sequence;		/* of the last message */
	unsigned int lost;		/* messages that the receiver has not taken since the last one it has */
	char host[SYSLOG_HOST_BYTES_MAX + 1];
} sink = { .part = "", .level = LOG_LEVEL_NOTICE, .journald = -1, .receiver = -1 };

/*
 * True when standard error is the stream that systemd named as "device:inode"; it may have been redirected
 * since.
 */
static bool stderr_is(const char *journal_stream)
{
	unsigned long long device, inode;
	struct stat status;

	if (!journal_stream || sscanf(journal_stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

/* A socket that sends to a path, connected to it if that is wanted. Negative errno. */
static int sender_open(const char *path, bool connected, struct sockaddr_un *ret_address)
{
	int descriptor, error;

	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	strcpy(ret_address->sun_path, path);
	descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0)
		return -errno;
	if (!connected || connect(descriptor, (const struct sockaddr *)ret_address, sizeof(*ret_address)) == 0)
		return descriptor;
	error = -errno;
	close(descriptor);
	return error;
}

void log_open(const char *part, enum log_level level, const char *journal_stream)
{
	struct sockaddr_un address;

	sink.part = part;
	sink.level = level;
	sink.journal = stderr_is(journal_stream);
	sink.journald = sink.journal ? sender_open(JOURNALD_SOCKET, true, &address) : -1;
}

int log_open_syslog(const char *path)
{
	int descriptor = sender_open(path, false, &sink.receiver_address);

	if (descriptor < 0)
		return descriptor;
	sink.receiver = descriptor;
	if (gethostname(sink.host, sizeof(sink.host) - 1) != 0)
		sink.host[0] = '\0';
	return 0;
}

void log_forget_sockets(void)
{
	sink.journald = sink.receiver = -1;
}

/* ---- standard error */

/* A log that cannot be written is no reason to stop filtering. */
static void line_write(const char *line, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDERR_FILENO, line, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		line += written;
		length -= (size_t)written;
	}
}

static void stderr_write(const struct log_head *head, const struct log_text *text)
{
	char line[LOG_LINE_BYTES_MAX + 128];
	char prefix[8] = "";
	int length;

	if (sink.journal)
		snprintf(prefix, sizeof(prefix), "<%d>", head->severity);
	length = snprintf(line, sizeof(line), "%s%s%s%s: %s\n", prefix, head->part, *head->part ? " " : "", head->id, text->bytes);
	if (length > 0)
		line_write(line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

/* ---- the others */

/* False when the journal did not take it. By write(2), which every sandbox allows. */
static bool journald_write(const struct log_head *head, const struct log_text *text)
{
	__attribute__((cleanup(buf_free))) struct buf entry = buf_limited(0);

	if (sink.journald < 0)
		return false;
	journald_entry_put(&entry, head, text);
	return write(sink.journald, entry.data, entry.length) == (ssize_t)entry.length;
}

/* By its path each time, because a receiver that was started again has another socket there. */
static bool syslog_write(struct log_head *head, const struct log_text *text)
{
	__attribute__((cleanup(buf_free))) struct buf message = buf_limited(0);

	sink.sequence = sink.sequence < SYSLOG_SEQUENCE_MAX ? sink.sequence + 1 : 1;
	head->sequence = sink.sequence;
	syslog_message_put(&message, head, text);
	return sendto(sink.receiver, message.data, message.length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&sink.receiver_address,
		      sizeof(sink.receiver_address)) == (ssize_t)message.length;
}

static struct log_head head_make(enum log_level level, const char *id)
{
	struct log_head head = { .severity = (int)level, .id = id, .part = sink.part, .program = program_invocation_short_name, .host = sink.host,
				 .pid = (long)getpid() };

	clock_gettime(CLOCK_REALTIME, &head.time);
	return head;
}

/* How many messages were lost before the one that was taken just now. */
static void lost_tell(void)
{
	struct log_head head = head_make(LOG_LEVEL_WARNING, "SKS-LOG");
	struct log_text text;
	char number[16];

	snprintf(number, sizeof(number), "%u", sink.lost);
	log_text_begin(&text, "the receiver of syslog messages did not take some");
	log_text_add(&text, "count", number);
	if (syslog_write(&head, &text))
		sink.lost = 0;
}

static void text_write(enum log_level level, const char *id, const struct log_text *text)
{
	struct log_head head = head_make(level, id);

	if (!journald_write(&head, text))
		stderr_write(&head, text);
	if (sink.receiver < 0)
		return;
	if (!syslog_write(&head, text))
		sink.lost++;
	else if (sink.lost > 0)
		lost_tell();
}

/* ---- events */

void log_event(enum log_level level, const char *id, const char *format, ...)
{
	int error = errno;
	struct log_text text;
	va_list args;

	if (level > sink.level)
		return;
	va_start(args, format);
	log_text_make(&text, format, args);
	va_end(args);
	text_write(level, id, &text);
	errno = error;
}

void log_event_fields(enum log_level level, const char *id, const char *sentence, const struct log_field *fields, size_t field_count)
{
	struct log_text text;

	if (level > sink.level)
		return;
	log_text_begin(&text, sentence);
	for (size_t i = 0; i < field_count; i++)
		log_text_add(&text, fields[i].key, fields[i].value);
	text_write(level, id, &text);
}

static enum log_level level_of(enum severity severity)
{
	switch (severity) {
	case SEVERITY_NOTE:
		return LOG_LEVEL_INFO;
	case SEVERITY_WARNING:
		return LOG_LEVEL_WARNING;
	case SEVERITY_ERROR:
		break;
	}
	return LOG_LEVEL_ERROR;
}

void log_finding(const struct findings *findings, const struct finding *finding)
{
	const char *sentence = finding_sentence(findings, finding, LANGUAGE_EN);
	const struct origin *origin = &finding->origin;

	if (origin->source)
		log_event(level_of(finding->kind->severity), "SKS-FINDING", "%s finding=%s file=%s line=%u", sentence, finding->kind->id,
			  origin->source->path, (unsigned int)origin->line);
	else
		log_event(level_of(finding->kind->severity), "SKS-FINDING", "%s finding=%s", sentence, finding->kind->id);
}

bool log_budget_allows(struct log_budget *budget, unsigned int per_minute, int64_t now, const char *id)
{
	if (now / 60 != budget->minute) {
		if (budget->held_back > 0)
			log_event(LOG_LEVEL_NOTICE, id, "more of the same were not logged count=%u", budget->held_back);
		*budget = (struct log_budget){ .minute = now / 60 };
	}
	if (budget->used < per_minute) {
		budget->used++;
		return true;
	}
	budget->held_back++;
	return false;
}

int log_level_parse(const char *word, enum log_level *ret_level)
{
	static const struct {
		const char *word;
		enum log_level level;
	} words[] = {
		{ "error", LOG_LEVEL_ERROR }, { "warning", LOG_LEVEL_WARNING }, { "notice", LOG_LEVEL_NOTICE },
		{ "info", LOG_LEVEL_INFO }, { "debug", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].word) == 0) {
			*ret_level = words[i].level;
			return 0;
		}
	}
	return -EINVAL;
}
