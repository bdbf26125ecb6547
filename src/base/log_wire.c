/* log_wire: one event as a syslog message and as an entry of the journal. */
#include "base/log_wire.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"

enum { NAME_BYTES_MAX = 48 /* APP-NAME */, DAY_SECONDS = 86400 };

/* A word of the header: PRINTUSASCII, no space. */
static void word_put(struct buf *out, const char *word, size_t bytes_max)
{
	size_t length = strlen(word);

	buf_putc(out, ' ');
	if (length == 0)
		buf_putc(out, '-');
	for (size_t i = 0; i < length && i < bytes_max; i++)
		buf_putc(out, word[i] > 0x20 && word[i] < 0x7f ? word[i] : '?');
}

/* As the clocks of a town hall have it. The C library would read a time zone's file for it, which a sandbox may forbid. */
static void time_put(struct buf *out, const struct timespec *time)
{
	char date[DATE_TEXT_BYTES];
	int32_t day = date_of_time(time->tv_sec);
	int second = (int)(time->tv_sec - (date_end_time(day) - DAY_SECONDS));

	buf_printf(out, " %sT%02d:%02d:%02d.%06ld+09:00", date_format(day, date), second / 3600, second / 60 % 60, second % 60, time->tv_nsec / 1000);
}

static void param_put(struct buf *out, struct span name, struct span value)
{
	buf_putc(out, ' ');
	buf_put(out, name.data, name.length);
	buf_puts(out, "=\"");
	for (size_t i = 0; i < value.length; i++) {
		if (strchr("\"\\]", value.data[i]))
			buf_putc(out, '\\');
		buf_putc(out, value.data[i]);
	}
	buf_putc(out, '"');
}

void syslog_message_put(struct buf *out, const struct log_head *head, const struct log_text *text)
{
	char pid[24];

	snprintf(pid, sizeof(pid), "%ld", head->pid);
	buf_printf(out, "<%d>1", SYSLOG_FACILITY * 8 + head->severity);
	time_put(out, &head->time);
	word_put(out, head->host, SYSLOG_HOST_BYTES_MAX);
	word_put(out, head->program, NAME_BYTES_MAX);
	word_put(out, pid, sizeof(pid));
	word_put(out, head->id, SYSLOG_ID_BYTES_MAX);
	buf_puts(out, " [" SYSLOG_SD_ID);
	if (*head->part)
		param_put(out, span_of("part"), span_of(head->part));
	for (size_t i = 0; i < text->part_count; i++)
		param_put(out, text->parts[i].key, text->parts[i].value);
	buf_printf(out, "][meta sequenceId=\"%u\"] \xef\xbb\xbf%s: ", head->sequence, head->id);
	buf_put(out, text->bytes, text->length);
}

static void entry_field_put(struct buf *out, struct span key, struct span value)
{
	buf_puts(out, "SKS_");
	for (size_t i = 0; i < key.length; i++) {
		char byte = key.data[i];

		buf_putc(out, byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte == '-' ? '_' : byte);
	}
	buf_putc(out, '=');
	buf_put(out, value.data, value.length);
	buf_putc(out, '\n');
}

void journald_entry_put(struct buf *out, const struct log_head *head, const struct log_text *text)
{
	buf_printf(out, "MESSAGE=%s%s%s: ", head->part, *head->part ? " " : "", head->id);
	buf_put(out, text->bytes, text->length);
	buf_printf(out, "\nPRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%s\n", head->severity, SYSLOG_FACILITY, head->program);
	for (size_t i = 0; i < text->part_count; i++)
		entry_field_put(out, text->parts[i].key, text->parts[i].value);
	entry_field_put(out, span_of("id"), span_of(head->id));
	if (*head->part)
		entry_field_put(out, span_of("part"), span_of(head->part));
}
