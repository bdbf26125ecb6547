/* wash_report: delivery reports in words. */
#include "mail/wash_report.h"

#include <string.h>

#include "mail/header_octets.h"

struct word {
	const char *value;	/* lower case */
	const char *text[2];	/* by enum language */
};

static const struct word actions[] = {
	{ "failed", { "not delivered", "配送できませんでした" } },
	{ "delayed", { "delayed; the server goes on trying", "配送が遅れています。再送を続けています" } },
	{ "delivered", { "delivered", "配送されました" } },
	{ "relayed", { "passed on to a server that sends no reports", "通知を返さないサーバーに引き渡されました" } },
	{ "expanded", { "passed on to several recipients", "複数の宛先に展開されました" } },
	{ "displayed", { "displayed to the recipient", "開封されました" } },
	{ "deleted", { "deleted without being displayed", "開封されずに削除されました" } },
};

/* Status codes (RFC 3463), the longer beginnings first; the class does not matter. */
static const struct word statuses[] = {
	{ "1.1", { "no such mailbox", "宛先のアドレスが存在しません" } },
	{ "1.2", { "no such domain", "宛先のドメインが存在しません" } },
	{ "1.", { "something is wrong with the address", "宛先のアドレスに問題があります" } },
	{ "2.1", { "the mailbox does not accept mail", "宛先のメールボックスは使われていません" } },
	{ "2.2", { "the mailbox is full", "宛先のメールボックスがいっぱいです" } },
	{ "2.3", { "the mail is too large for the mailbox", "メールが宛先の受信上限を超えています" } },
	{ "2.", { "something is wrong with the mailbox", "宛先のメールボックスに問題があります" } },
	{ "3.4", { "the mail is too large", "メールが相手サーバーの受信上限を超えています" } },
	{ "3.", { "something is wrong with the mail system there", "相手のメールシステムに問題があります" } },
	{ "4.7", { "time ran out", "再送の期限が切れました" } },
	{ "4.", { "the network or a server could not be reached", "ネットワークまたは相手サーバーに到達できません" } },
	{ "5.", { "the servers did not understand each other", "サーバー間の手順に問題があります" } },
	{ "6.", { "the form of the content was not accepted", "内容の形式が受け付けられませんでした" } },
	{ "7.", { "refused by policy there (spam, sender)", "相手の方針により拒否されました(迷惑メール判定や送信者の制限など)" } },
};

/* The text behind "rfc822;". */
static struct span behind_type(struct span value)
{
	const char *semicolon = value.length > 0 ? memchr(value.data, ';', value.length) : NULL;

	return header_trim(span_part(value, semicolon ? (size_t)(semicolon - value.data) + 1 : 0, value.length));
}

static struct span first_word(struct span value)
{
	size_t length = 0;

	while (length < value.length && !header_is_space(value.data[length]) && value.data[length] != ';' && value.data[length] != '(' &&
	       value.data[length] != ',' && value.data[length] != '/')
		length++;
	return span_part(value, 0, length);
}

static const char *action_words(struct span action, enum language language)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (header_word_is(action, actions[i].value))
			return actions[i].text[language];
	return NULL;
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* "5.1.1": what stands behind the first dot. */
static const char *status_words(struct span status, enum language language)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]) && status.length > 2; i++) {
		size_t length = strlen(statuses[i].value), end = 2 + length;

		if (status.length < end || memcmp(status.data + 2, statuses[i].value, length) != 0)
			continue;
		/* 1.1 is not the beginning of 1.10. */
		if (statuses[i].value[length - 1] == '.' || end == status.length || !is_digit(status.data[end]))
			return statuses[i].text[language];
	}
	return NULL;
}

/* Writes what the group says of one recipient. */
static void group_end(struct wash_report *report)
{
	const char *action = action_words(buf_span(&report->action), report->language);
	const char *status = status_words(buf_span(&report->status), report->language);

	if (action && report->written < WASH_REPORT_LINES_MAX) {
		report->written++;
		buf_puts(report->out, report->language == LANGUAGE_JA ? "結果: " : "Result: ");
		buf_puts(report->out, action);
		if (status && report->status.data[0] != '2')
			buf_printf(report->out, report->language == LANGUAGE_JA ? "(%s)" : " (%s)", status);
		if (report->recipient.length > 0) {
			buf_puts(report->out, ": ");
			buf_put(report->out, report->recipient.data, report->recipient.length);
		}
		buf_putc(report->out, '\n');
	}
	report->recipient.length = report->action.length = report->status.length = 0;
}

static void value_keep(struct buf *out, struct span value)
{
	out->length = 0;
	if (value.length <= WASH_REPORT_VALUE_BYTES_MAX)
		buf_put(out, value.data, value.length);
}

/* "manual-action/MDN-sent-manually; displayed" */
static void disposition_take(struct wash_report *report, struct span value)
{
	value_keep(&report->action, first_word(behind_type(value)));
}

static void line_take(void *user, struct span line)
{
	struct wash_report *report = user;
	struct wash_property field;

	if (line.length == 0) {
		group_end(report);
		return;
	}
	if (!wash_property_of(line, &field))
		return;
	field.value = header_trim(field.value);
	if (header_word_is(field.name, "final-recipient"))
		value_keep(&report->recipient, behind_type(field.value));
	else if (header_word_is(field.name, "action"))
		value_keep(&report->action, first_word(field.value));
	else if (header_word_is(field.name, "status"))
		value_keep(&report->status, first_word(field.value));
	else if (header_word_is(field.name, "disposition"))
		disposition_take(report, field.value);
}

void wash_report_begin(struct wash_report *report, enum language language, struct buf *out)
{
	*report = (struct wash_report){ .language = language, .out = out };
	wash_lines_begin(&report->lines, line_take, report);
}

void wash_report_feed(struct wash_report *report, struct span text)
{
	wash_lines_feed(&report->lines, text);
}

void wash_report_finish(struct wash_report *report)
{
	wash_lines_finish(&report->lines);
	group_end(report);
	buf_free(&report->recipient);
	buf_free(&report->action);
	buf_free(&report->status);
}
