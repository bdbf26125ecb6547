/*
 * log: one line per event on standard error. The sink below is the only mutable global of the product
 * besides parsed options.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	const char *part;
	enum log_level level;
	bool journal;
} sink = { .part = "", .level = LOG_LEVEL_NOTICE };

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

void log_open(const char *part, enum log_level level, const char *journal_stream)
{
	sink.part = part;
	sink.level = level;
	sink.journal = stderr_is(journal_stream);
}

/* Control characters become '?': a name from a file must not end our line. */
static void line_make_visible(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

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

/* One line; the text is made visible. */
static void text_write(enum log_level level, const char *id, char *text)
{
	char line[LOG_LINE_BYTES_MAX + 128];
	char prefix[8] = "";
	int length;

	line_make_visible(text);
	if (sink.journal)
		snprintf(prefix, sizeof(prefix), "<%d>", (int)level);
	length = snprintf(line, sizeof(line), "%s%s%s%s: %s\n", prefix, sink.part, *sink.part ? " " : "", id, text);
	if (length > 0)
		line_write(line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

void log_event(enum log_level level, const char *id, const char *format, ...)
{
	char text[LOG_LINE_BYTES_MAX];
	va_list args;

	if (level > sink.level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_write(level, id, text);
}

/* Quotes stand around what would else not end where it ends. */
static bool value_is_plain(const char *value)
{
	return *value && !strpbrk(value, " \"");
}

void log_event_fields(enum log_level level, const char *id, const char *sentence, const struct log_field *fields, size_t field_count)
{
	char text[LOG_LINE_BYTES_MAX];
	size_t length;

	if (level > sink.level)
		return;
	snprintf(text, sizeof(text), "%s", sentence);
	for (size_t i = 0; i < field_count; i++) {
		const char *quote = value_is_plain(fields[i].value) ? "" : "\"";

		length = strlen(text);
		snprintf(text + length, sizeof(text) - length, " %s=%s%s%s", fields[i].key, quote, fields[i].value, quote);
	}
	text_write(level, id, text);
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
