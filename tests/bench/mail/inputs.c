/* inputs: what the programs of the mail bench work on. See inputs.h. */
#include "bench/mail/inputs.h"

#include <dirent.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/finding.h"
#include "mail/charset.h"
#include "mail/mime.h"

enum { FILE_BYTES_MAX = 64 << 20, EXIT_ABSENT = 77, TEXT_BYTES = 4 << 10, HTML_BYTES = 100 << 10, ATTACHMENT_BYTES = 10 << 20 };

static const char header_begin[] =
	"Received: from mx.example.jp (mx.example.jp [192.0.2.1])\r\n\tby mail.city.example.lg.jp (Postfix) with ESMTPS id 4X1\r\n"
	"\tfor <soumu@city.example.lg.jp>; Sat, 21 Nov 2026 09:30:01 +0900 (JST)\r\n"
	"Date: Sat, 21 Nov 2026 09:30:00 +0900\r\n"
	"From: =?ISO-2022-JP?B?GyRCOzNFREJATzobKEI=?= <taro@example.jp>\r\n"
	"To: =?ISO-2022-JP?B?GyRCQW1MMzJdGyhC?= <soumu@city.example.lg.jp>\r\n"
	"Subject: =?ISO-2022-JP?B?GyRCMnE1RCROOytORCRLJEQkJCRGGyhC?=\r\n"
	"Message-ID: <20261121093000.12345@example.jp>\r\n"
	"MIME-Version: 1.0\r\n";

static const char sentence[] = "いつもお世話になっております。来週の会議の資料をお送りします。ご確認のうえ、11月25日(水)までにご返信ください。\r\n"
			       "詳しくは http://www.example.jp/kaigi/2026/ をご覧ください。\r\n";

void inputs_fail(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

static void input_add(struct inputs *inputs, struct span input)
{
	inputs->items = arena_grow(inputs->arena, inputs->items, inputs->count, &inputs->capacity, sizeof(*inputs->items));
	inputs->items[inputs->count++] = input;
}

/* ---- the corpus */

static bool names_japanese(struct span message)
{
	static const char *const names[] = { "iso-2022-jp", "shift_jis", "euc-jp", "cp932", "windows-31j" };
	char *text = strndup(message.data, message.length);
	bool found = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		found |= strcasestr(text, names[i]) != NULL;
	free(text);
	return found;
}

static void file_add(struct inputs *inputs, const char *path, bool only_japanese)
{
	struct source source;
	struct span message;

	if (source_read(inputs->arena, path, FILE_BYTES_MAX, &source) < 0)
		inputs_fail(path);
	message = (struct span){ .data = source.text, .length = source.length };
	if (!only_japanese || names_japanese(message))
		input_add(inputs, message);
}

static void directory_add(struct inputs *inputs, const char *path, bool only_japanese)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		const char *below = arena_printf(inputs->arena, "%s/%s", path, entries[i]->d_name);

		if (entries[i]->d_type == DT_DIR && entries[i]->d_name[0] != '.')
			directory_add(inputs, below, only_japanese);
		else if (entries[i]->d_type == DT_REG && strcmp(entries[i]->d_name, "MANIFEST.csv") != 0)
			file_add(inputs, below, only_japanese);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static void corpus_add(struct inputs *inputs, bool only_japanese)
{
	const char *corpus = getenv("CORPUS");

	directory_add(inputs, arena_printf(inputs->arena, "%s/mail", corpus ? corpus : "../shared/corpus"), only_japanese);
	if (inputs->count == 0) {
		puts("absent: corpus mail");
		exit(EXIT_ABSENT);
	}
}

/* ---- the HTML of the corpus */

struct extraction {
	struct inputs *bodies;
	struct buf html;
	enum charset label;
	bool within;
};

static void field_ignore(void *user, const struct mime_field *field)
{
	(void)user;
	(void)field;
}

static void html_begin(void *user, const struct mime_part *part)
{
	static struct mime_forms forms;
	struct extraction *extraction = user;
	struct span label = { .length = 0 };

	extraction->within = part->kind == MIME_LEAF && span_equal(part->type, span_of("text/html"));
	if (part->type_value && mime_parameter_only(part->type_value, "charset", &forms, &label) < 0)
		label = (struct span){ .length = 0 };
	extraction->label = charset_of_label(label);
}

static void html_take(void *user, const struct mime_part *part, enum mime_region region, struct span bytes)
{
	struct extraction *extraction = user;

	(void)part;
	if (extraction->within && region == MIME_CONTENT)
		buf_put(&extraction->html, bytes.data, bytes.length);
}

static void html_end(void *user, const struct mime_part *part)
{
	struct extraction *extraction = user;
	struct span html = buf_span(&extraction->html);
	struct buf decoded = buf_limited(0);
	struct charset_decoder decoder;

	(void)part;
	if (!extraction->within || html.length == 0)
		return;
	decoder = charset_decoder_of(charset_guess(
		span_part(html, 0, html.length < CHARSET_SAMPLE_BYTES ? html.length : CHARSET_SAMPLE_BYTES), extraction->label).charset);
	charset_decode(&decoder, html, &decoded);
	charset_finish(&decoder, &decoded);
	input_add(extraction->bodies, buf_span(&decoded));
	extraction->html.length = 0;
	extraction->within = false;
}

static void totals_ignore(void *user, const struct mime_totals *totals)
{
	(void)user;
	(void)totals;
}

static void bodies_add(struct inputs *inputs)
{
	static const struct mime_events events = { field_ignore, html_begin, html_take, html_end, totals_ignore };
	struct inputs messages = { .arena = inputs->arena };
	struct extraction extraction = { .bodies = inputs, .html = buf_limited(0) };

	corpus_add(&messages, false);
	for (size_t i = 0; i < messages.count; i++) {
		struct arena *arena = arena_new();
		struct mime_parser *parser = mime_parser_new(arena, &events, &extraction);

		mime_parser_feed(parser, messages.items[i]);
		mime_parser_finish(parser);
		arena_free(arena);
	}
	buf_free(&extraction.html);
}

/* ---- what is written here */

/* Appends so many bytes of text, whole sentences, as ISO-2022-JP. */
static void japanese_put(struct buf *out, size_t bytes)
{
	iconv_t converter = iconv_open("ISO-2022-JP", "UTF-8");
	size_t end = out->length + bytes;

	if (converter == (iconv_t)-1)
		inputs_fail("iconv knows no ISO-2022-JP");
	while (out->length < end) {
		char jis[2 * sizeof(sentence)], *to = jis, *from = (char *)(uintptr_t)sentence;
		size_t left = sizeof(sentence) - 1, room = sizeof(jis);

		if (iconv(converter, &from, &left, &to, &room) == (size_t)-1)
			inputs_fail("iconv");
		buf_put(out, jis, (size_t)(to - jis));
	}
	iconv_close(converter);
}

/* Appends lines of base64 that look like a compressed file, so many bytes of them. */
static void base64_put(struct buf *out, size_t bytes)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t random = 1;

	for (size_t i = 0; i < bytes / 78; i++) {
		for (int letter = 0; letter < 76; letter++) {
			random = random * 1664525 + 1013904223;
			buf_putc(out, letters[random >> 26]);
		}
		buf_puts(out, "\r\n");
	}
}

static void newsletter_put(struct buf *out, size_t bytes)
{
	size_t end = out->length + bytes;

	buf_puts(out, "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>お知らせ</title><style>td { padding: 0 }</style></head>"
		      "<body style=\"margin:0\"><table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr><td align=\"center\">\r\n");
	for (int number = 1; out->length < end; number++)
		buf_printf(out, "<table width=\"600\" border=\"0\" cellpadding=\"0\" cellspacing=\"0\" style=\"border-collapse:collapse\"><tr>"
				"<td style=\"font-family:sans-serif;font-size:14px;color:#333333\" bgcolor=\"#ffffff\">"
				"<h2>第%d号</h2><p>いつもご利用ありがとうございます。<b>新しいお知らせ</b>が届いています。&nbsp;詳しくは"
				"<a href=\"https://www.example.jp/news/%d?id=abc&amp;from=mail\" target=\"_blank\">こちら</a>をご覧ください。</p>"
				"<img src=\"https://www.example.jp/img/%d.png\" width=\"200\" height=\"80\" alt=\"\">"
				"<ul><li>日時: 11月%d日</li><li>場所: 市民会館 &amp; 図書館</li></ul></td></tr></table>\r\n",
			   number, number, number, number % 30 + 1);
	buf_puts(out, "</td></tr></table></body></html>\r\n");
}

/* The same with bytes beyond ASCII and '=' as quoted-printable, in lines of at most 76 characters. */
static void quoted_put(struct buf *out, struct span text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.length; i++) {
		uint8_t byte = (uint8_t)text.data[i];

		if (column > 70 && byte != '\r' && byte != '\n') {
			buf_puts(out, "=\r\n");
			column = 0;
		}
		if (byte == '\n')
			column = 0;
		else
			column += byte >= 0x80 || byte == '=' ? 3 : 1;
		if (byte >= 0x80 || byte == '=')
			buf_printf(out, "=%02X", byte);
		else
			buf_putc(out, (char)byte);
	}
}

static void text_message_put(struct buf *out)
{
	buf_puts(out, header_begin);
	buf_puts(out, "Content-Type: text/plain; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: 7bit\r\n\r\n");
	japanese_put(out, TEXT_BYTES - out->length);
}

static void html_message_put(struct buf *out)
{
	struct buf newsletter = buf_limited(0);

	newsletter_put(&newsletter, HTML_BYTES / 6);
	buf_puts(out, header_begin);
	buf_puts(out, "Content-Type: multipart/mixed; boundary=\"=_outer\"\r\n\r\n--=_outer\r\n"
		      "Content-Type: multipart/alternative; boundary=\"=_inner\"\r\n\r\n--=_inner\r\n"
		      "Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n");
	japanese_put(out, TEXT_BYTES);
	buf_puts(out, "\r\n--=_inner\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
	quoted_put(out, buf_span(&newsletter));
	buf_puts(out, "\r\n--=_inner--\r\n\r\n--=_outer\r\nContent-Type: application/pdf; name=\"kaigi.pdf\"\r\n"
		      "Content-Disposition: attachment; filename=\"kaigi.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	base64_put(out, HTML_BYTES > out->length ? HTML_BYTES - out->length : 0);
	buf_puts(out, "\r\n--=_outer--\r\n");
	buf_free(&newsletter);
}

static void attachment_message_put(struct buf *out)
{
	buf_puts(out, header_begin);
	buf_puts(out, "Content-Type: multipart/mixed; boundary=\"=_outer\"\r\n\r\n--=_outer\r\n"
		      "Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n");
	japanese_put(out, TEXT_BYTES / 4);
	buf_puts(out, "\r\n--=_outer\r\nContent-Type: application/zip; name=\"kaigi.zip\"\r\n"
		      "Content-Disposition: attachment; filename=\"kaigi.zip\"\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	base64_put(out, ATTACHMENT_BYTES);
	buf_puts(out, "\r\n--=_outer--\r\n");
}

static void newsletter_body_put(struct buf *out)
{
	newsletter_put(out, HTML_BYTES);
}

struct inputs inputs_make(const char *kind)
{
	static const struct {
		const char *kind;
		void (*put)(struct buf *out);
	} written[] = {
		{ "text", text_message_put }, { "html", html_message_put }, { "attachment", attachment_message_put },
		{ "newsletter", newsletter_body_put },
	};
	struct inputs inputs = { .arena = arena_new() };

	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		struct buf out = buf_limited(0);

		if (strcmp(written[i].kind, kind) != 0)
			continue;
		written[i].put(&out);
		input_add(&inputs, buf_span(&out));
		return inputs;
	}
	if (strcmp(kind, "bodies") == 0)
		bodies_add(&inputs);
	else if (strcmp(kind, "corpus") == 0 || strcmp(kind, "japanese") == 0)
		corpus_add(&inputs, strcmp(kind, "japanese") == 0);
	else
		inputs_fail("no such kind of input");
	return inputs;
}

/* ---- measuring */

static double processor_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void inputs_measure(const struct inputs *inputs, size_t (*work)(void *context, struct span input), void *context, double seconds)
{
	double begun, spent;
	size_t items = 0, bytes = 0, made = 0;
	struct rusage usage;

	for (size_t i = 0; i < inputs->count; i++)
		made += work(context, inputs->items[i]);
	begun = processor_seconds();
	do {
		for (size_t i = 0; i < inputs->count; i++) {
			work(context, inputs->items[i]);
			bytes += inputs->items[i].length;
		}
		items += inputs->count;
		spent = processor_seconds() - begun;
	} while (spent < seconds);
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"items\": %zu, \"bytes\": %zu, \"seconds\": %f, \"kib\": %ld, \"made\": %zu}\n", items, bytes, spent, usage.ru_maxrss, made);
}
