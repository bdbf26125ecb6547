/*
 * mail/wash: mails in, letters out. Hostile ones are named by their number in the relay's list of hostile mail (D2) and their symptom.
 *
 * A row's letter is rendered as text: headers that are asked for, the text, a line for each row of the receipt and for each note:
 *	[reason name|extension|declared|sniffed|bytes]		{note count: detail}
 * Each mail is also washed byte by byte and in pieces of many lengths, and must give the same frame; and what was composed of it is
 * washed again, and must give its own text.
 */
#include "mail/wash.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mail_corpus.h"

#include "letter_reader.h"
#include "mail/text_filter.h"
#include "mail/wash_sniff.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define BYTES(literal) { .data = literal, .length = sizeof(literal) - 1 }

static const struct letter_envelope envelope = {
	.original_id = BYTES("20261121-k7q2m9x4"), .original_bytes = 345678, .received_seconds = 1795249716,
	.client = { .family = 4, .bytes = { 192, 0, 2, 25 } }, .client_domain = BYTES("mx.example.jp"), .sender = BYTES("taro@example.jp"),
};

static const struct letter_office office = {
	.relay_domain = BYTES("relay.town.lg.jp"), .notice_address = BYTES("sekisho@town.lg.jp"), .zone_minutes = 540,
	.authserv_id = BYTES("relay.town.lg.jp"), .language = LANGUAGE_JA,
};

static const struct span own_domains[] = { BYTES("town.lg.jp"), BYTES("city.example.jp") };

static const struct wash_settings settings = {
	.language = LANGUAGE_EN, .own_domains = own_domains, .own_domain_count = COUNT(own_domains),
	.trusted_authserv_id = BYTES("mx.cloud.example.jp"),
};

/* ---- washing ---- */

/* How a mail is cut: 0: not at all; 1: into bytes; n: into pieces of at most n bytes. Each piece ends where its memory ends. */
static const struct letter *wash_cut(struct arena *arena, const struct wash_settings *with, struct span mail, size_t most,
				     const struct wash_facts **ret_facts)
{
	struct wash *wash = wash_new(arena, with);
	const struct letter *letter;
	uint32_t state = 1;

	while (mail.length > 0) {
		size_t length = mail.length;
		char *copy;

		state = state * 1664525 + 1013904223;
		if (most > 0 && most < length)
			length = 1 + (state >> 8) % most;
		copy = malloc(length);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, mail.data, length);
		wash_feed(wash, (struct span){ .data = copy, .length = length });
		free(copy);
		mail = span_part(mail, length, mail.length);
	}
	letter = wash_finish(wash);
	if (ret_facts)
		*ret_facts = wash_facts(wash);
	return letter;
}

static struct span sealed(struct arena *arena, const struct letter *letter, const char *what)
{
	struct buf frame = buf_limited(LETTER_BYTES_MAX);
	enum letter_field refused = LETTER_FIELDS;
	struct span copy;

	ck_assert_msg(letter_seal(&frame, letter, &refused) == 0, "%s: field %d", what, refused);
	copy = (struct span){ .data = arena_strndup(arena, frame.data, frame.length), .length = frame.length };
	buf_free(&frame);
	return copy;
}

/* The composed message's own text, without line ends at its end. */
static struct span composed(struct arena *arena, const struct letter *letter, struct buf *message, const char *what)
{
	struct reading reading = { .arena = arena, .envelope = &envelope, .office = &office };
	const char *body, *fault;

	ck_assert_msg(letter_compose(message, letter, &envelope, &office) == 0, "%s", what);
	fault = letter_read_back(arena, buf_span(message), letter, &envelope, &office);
	ck_assert_msg(!fault, "%s: %s", what, fault);
	body = headers_read(&reading, buf_span(message));
	body_read(&reading, body, message->data + message->length);
	while (reading.body_bytes > 0 && strchr("\r\n", reading.body[reading.body_bytes - 1]))
		reading.body_bytes--;
	return (struct span){ .data = reading.body, .length = reading.body_bytes };
}

/* Sealed, checked, composed, and washed once more: nothing is added but the notice. */
static void goes_on(struct arena *arena, const struct letter *letter, const char *what)
{
	struct buf message = buf_limited(LETTER_MESSAGE_BYTES_MAX);
	struct letter *checked = arena_alloc(arena, sizeof(*checked));
	const struct letter *again;
	struct span body;

	ck_assert_msg(letter_check(sealed(arena, letter, what), checked, NULL) == 0, "%s", what);
	body = composed(arena, checked, &message, what);
	again = wash_cut(arena, &settings, buf_span(&message), 0, NULL);
	/* A text at its limit goes beyond it with the receipt. */
	if (letter->counters[LETTER_COUNT_TEXT_OMITTED_BYTES] == 0) {
		ck_assert_msg(span_equal(again->text, body), "%s: washed twice: %.*s", what, (int)again->text.length, again->text.data);
		ck_assert_msg(again->row_count == 0, "%s: washed twice, a row appears", what);
	}
	ck_assert_msg(span_equal(again->subject, letter->subject), "%s: washed twice, another subject", what);
	ck_assert_msg(again->hops == letter->hops + (letter->hops < LETTER_HOPS_MAX), "%s: hops %u", what, again->hops);
	if (letter->message_id.length > 0)
		ck_assert_msg(span_equal(again->message_id, letter->message_id), "%s: washed twice, another id", what);
	buf_free(&message);
}

/* However it is cut, the letter is the same. */
static const struct letter *washed(struct arena *arena, struct span mail, const char *what)
{
	static const size_t cuts[] = { 0, 1, 2, 7, 64, 1000 };
	const struct letter *letter = wash_cut(arena, &settings, mail, 0, NULL);
	struct span frame = sealed(arena, letter, what);

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();

		ck_assert_msg(span_equal(frame, sealed(scratch, wash_cut(scratch, &settings, mail, cuts[i], NULL), what)),
			      "%s: cut into pieces of %zu", what, cuts[i]);
	}
	goes_on(arena, letter, what);
	return letter;
}

/* ---- rendering ---- */

static void span_render(struct buf *out, struct span bytes)
{
	buf_put(out, bytes.data, bytes.length);
}

static void body_render(struct buf *out, const struct letter *letter)
{
	for (size_t i = 0; i < letter->text.length; i++)
		if (letter->text.data[i] != '\r')
			buf_putc(out, letter->text.data[i]);
	for (size_t i = 0; i < letter->row_count; i++) {
		const struct letter_row *row = &letter->rows[i];

		buf_printf(out, "\n[%s ", letter_reasons[row->reason].id);
		span_render(out, row->name);
		buf_putc(out, '|');
		span_render(out, row->extension);
		buf_putc(out, '|');
		span_render(out, row->declared_type);
		buf_putc(out, '|');
		span_render(out, row->sniffed_type);
		buf_printf(out, "|%llu]", (unsigned long long)row->size_bytes);
	}
	for (size_t i = 0; i < letter->note_count; i++) {
		const struct letter_note *note = &letter->notes[i];

		buf_printf(out, "\n{%s", letter_notes[note->code].id);
		if (note->count > 0)
			buf_printf(out, " %u", note->count);
		if (note->detail.length > 0)
			buf_puts(out, ": ");
		span_render(out, note->detail);
		buf_putc(out, '}');
	}
}

static void addresses_render(struct buf *out, const char *name, const struct letter_address *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "%s", name);
		span_render(out, items[i].name);
		buf_putc(out, '<');
		span_render(out, items[i].address);
		buf_puts(out, ">\n");
	}
}

static void ids_render(struct buf *out, const char *name, const struct span *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_puts(out, name);
		span_render(out, ids[i]);
		buf_putc(out, '\n');
	}
}

static void headers_render(struct buf *out, const struct letter *letter)
{
	addresses_render(out, "from ", &letter->from, 1);
	addresses_render(out, "reply-to ", letter->reply_to, letter->reply_to_count);
	addresses_render(out, "to ", letter->to, letter->to_count);
	addresses_render(out, "cc ", letter->cc, letter->cc_count);
	if (letter->subject.length > 0)
		ids_render(out, "subject ", &letter->subject, 1);
	if (letter->dated)
		buf_printf(out, "date %lld %d\n", (long long)letter->date_seconds, letter->date_zone_minutes);
	if (letter->message_id.length > 0)
		ids_render(out, "id ", &letter->message_id, 1);
	ids_render(out, "in-reply-to ", letter->in_reply_to, letter->in_reply_to_count);
	ids_render(out, "reference ", letter->references, letter->references_count);
	if (letter->auto_submitted)
		buf_printf(out, "auto %d\n", letter->auto_submitted);
	if (letter->bulk)
		buf_puts(out, "bulk\n");
	for (size_t i = 0; i < LETTER_METHODS; i++)
		if (letter->verdicts[i])
			buf_printf(out, "%s=%s\n", letter_method_names[i], letter_verdict_names[letter->verdicts[i]]);
	if (letter->hops > 0)
		buf_printf(out, "hops %u\n", letter->hops);
}

/* ---- rows ---- */

struct row {
	const char *what;
	struct span mail;
	const char *expected;
};

static const struct row header_rows[] = {
	{ "a usual header",
	  BYTES("From: =?UTF-8?B?5bGx55Sw?= <yamada@example.jp>\nTo: soumu@town.example, \"x, y\" <b@c.example>\n"
		"Cc: d@e.example\nReply-To: r@example.jp\nSubject: =?ISO-2022-JP?B?GyRCJDQwRkZiGyhC?=\n"
		"Date: Fri, 21 Nov 2025 17:36:47 +0900\nMessage-ID: <1@example.jp>\nIn-Reply-To: <0@example.jp>\n"
		"References: <z@example.jp> <0@example.jp>\nReceived: from x\nReceived: from y\n"
		"\n"),
	  "from 山田<yamada@example.jp>\nreply-to <r@example.jp>\nto <soumu@town.example>\n"
	  "to x, y<b@c.example>\ncc <d@e.example>\nsubject ご案内\ndate 1763714207 540\n"
	  "id 1@example.jp\nin-reply-to 0@example.jp\nreference z@example.jp\nreference 0@example.jp\n"
	  "hops 2\n" },
	{ "21 two subjects: the first is shown",
	  BYTES("From: a@b.example\nSubject: one\nSubject: two\nSubject: three\n\n"),
	  "from <a@b.example>\nsubject one\n\n{header-twice 2: Subject}" },
	{ "21 two senders' fields",
	  BYTES("From: a@b.example\nFrom: c@d.example\n\n"),
	  "from <a@b.example>\n\n{header-twice 1: From}" },
	{ "22 a space or NUL before the colon, a space before the first field",
	  BYTES(" Subject: first\nFrom : a@b.example\nTo\000: c@d.example\n\n"),
	  "from <a@b.example>\nto <c@d.example>\nsubject first\n" },
	{ "23 line ends in an encoded word make no header",
	  BYTES("From: a@b.example\nSubject: =?utf-8?q?a=0D=0ABcc:_x=0D=0A=0D=0Abody?=\n\n"),
	  "from <a@b.example>\nsubject a Bcc: x body\n" },
	{ "23 line ends in a display name",
	  BYTES("From: =?utf-8?q?a=0D=0ABcc:_x?= <a@b.example>\n\n"),
	  "from a Bcc: x<a@b.example>\n" },
	{ "24 an encoded word in an address is never decoded",
	  BYTES("From: =?utf-8?q?a=40b.example?=@evil.example\n\n"),
	  "from =?utf-8?q?a=40b.example?=＠evil.example<unknown@invalid>\n\n{address-odd 1: =?utf-8?q?a=40b[.]example?=@"
	  "evil[.]example}\n{from-missing}" },
	{ "24 an encoded word in a message id",
	  BYTES("From: a@b.example\nMessage-ID: <=?utf-8?q?a?=@b>\n\n"),
	  "from <a@b.example>\nid 588dc9334290188d6e84492ee3178426@replaced.invalid\n\n"
	  "{message-id-odd: <=?utf-8?q?a?=@b>}" },
	{ "25 a display name that is another address",
	  BYTES("From: \"soumu@city.lg.jp\" <evil@x.example>\n\n"),
	  "from soumu＠city.lg.jp<evil@x.example>\n\n{name-imitates 1}" },
	{ "25 a display name that is the address itself",
	  BYTES("From: \"a@b.example\" <a@b.example>\n\n"),
	  "from a＠b.example<a@b.example>\n" },
	{ "26 characters that turn the line, in subject and name",
	  BYTES("From: =?utf-8?q?=E2=80=AEabc?= <a@b.example>\nSubject: =?utf-8?q?fdp=E2=80=AExslx?=\n"
		"\n"),
	  "from [U+202E]abc<a@b.example>\nsubject fdp[U+202E]xslx\n" },
	{ "27 zero width characters",
	  BYTES("From: a@b.example\nSubject: =?utf-8?q?a=E2=80=8Bb=EF=BB=BFc=C2=ADd?=\n\n"),
	  "from <a@b.example>\nsubject abcd\n" },
	{ "28 tag characters",
	  BYTES("From: a@b.example\nSubject: =?utf-8?q?a=F3=A0=81=81b?=\n\n"),
	  "from <a@b.example>\nsubject ab\n" },
	{ "32 nested comments",
	  BYTES("From: (a(b(c)))x@y.example(d)\n\n"),
	  "from d<x@y.example>\n" },
	{ "33 a date that is none",
	  BYTES("From: a@b.example\nDate: yesterday, about noon\n\n"),
	  "from <a@b.example>\n\n{date-odd: yesterday, about noon}" },
	{ "33 a date of which nothing can be seen",
	  BYTES("From: a@b.example\nDate: =?utf-8?q?=E2=80=8B?=\nMessage-ID: \342\200\213\n\n"),
	  "from <a@b.example>\nid f4e48e664a603543865edc77bbc76dd1@replaced.invalid\n\n{date-odd: -}\n{message-id-odd: -}" },
	{ "33 the year 9999 and a negative zone",
	  BYTES("From: a@b.example\nDate: Fri, 31 Dec 9999 00:00:00 -0330\n\n"),
	  "from <a@b.example>\n\n{date-odd: Fri, 31 Dec 9999 00:00:00 -0330}" },
	{ "33 a date beyond all limits",
	  BYTES("From: a@b.example\nDate: Fri, 31 Dec 99999 00:00:00 +9999\n\n"),
	  "from <a@b.example>\n\n{date-odd: Fri, 31 Dec 99999 00:00:00 +9999}" },
	{ "34 a message id with spaces",
	  BYTES("From: a@b.example\nMessage-ID: <a b@c>\n\n"),
	  "from <a@b.example>\nid 76a2b8376a9041a2ceef6a18717c1337@replaced.invalid\n\n"
	  "{message-id-odd: <a b@c>}" },
	{ "34 a reply to an id with spaces finds it, however it is folded",
	  BYTES("From: a@b.example\nMessage-ID: <x@y>\nIn-Reply-To: <a\n b@c>\nReferences: <1@2> <a b@c>\n"
		"\n"),
	  "from <a@b.example>\nid x@y\nin-reply-to 76a2b8376a9041a2ceef6a18717c1337@replaced.invalid\n"
	  "reference 1@2\nreference 76a2b8376a9041a2ceef6a18717c1337@replaced.invalid\n" },
	{ "34 a message id without brackets",
	  BYTES("From: a@b.example\nMessage-ID: a@b\n\n"),
	  "from <a@b.example>\nid a@b\n" },
	{ "34 a message id of 251 bytes",
	  BYTES("From: a@b.example\nMessage-ID: <aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b>\n\n"),
	  "from <a@b.example>\nid fa2bd26370de65254f24cf81749beb60@replaced.invalid\n\n"
	  "{message-id-odd: <aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b>}" },
	{ "34 no message id",
	  BYTES("From: a@b.example\n\n"),
	  "from <a@b.example>\n" },
	{ "35 references: the first and the last twenty",
	  BYTES("From: a@b.example\nReferences: <0@r> <1@r> <2@r> <3@r> <4@r> <5@r> <6@r> <7@r> <8@r> <9@r> <10@r> <11@r> <12@"
		"r> <13@r> <14@r> <15@r> <16@r> <17@r> <18@r> <19@r> <20@r> <21@r> <22@r> <23@r> <24@r> <25@r> <26@r> <27@r> <"
		"28@r> <29@r>\n\n"),
	  "from <a@b.example>\nreference 0@r\nreference 10@r\nreference 11@r\nreference 12@r\n"
	  "reference 13@r\nreference 14@r\nreference 15@r\nreference 16@r\nreference 17@r\n"
	  "reference 18@r\nreference 19@r\nreference 20@r\nreference 21@r\nreference 22@r\n"
	  "reference 23@r\nreference 24@r\nreference 25@r\nreference 26@r\nreference 27@r\n"
	  "reference 28@r\nreference 29@r\n" },
	{ "36 results of a server that is not trusted",
	  BYTES("From: a@b.example\nAuthentication-Results: evil.example; spf=pass; dkim=pass\n"
		"\n"),
	  "from <a@b.example>\n" },
	{ "36 results of the trusted server: only the first field counts",
	  BYTES("From: a@b.example\nAuthentication-Results: mx.cloud.example.jp 1; spf=pass (ok; dkim=fail) smtp.mailfrom=a; d"
		"kim=fail reason=\"x; spf=fail\"; dkim=pass;\n dmarc=none\nAuthentication-Results: mx.cloud.example.jp; dmarc="
		"pass\n\n"),
	  "from <a@b.example>\nspf=pass\ndkim=pass\ndmarc=none\n" },
	{ "36 a spam verdict",
	  BYTES("From: a@b.example\nX-Spam-Flag: NO\nX-Spam-Status: Yes, score=9\n\n"),
	  "from <a@b.example>\nx-spam=fail\n" },
	{ "37 a mailing list",
	  BYTES("From: a@b.example\nList-Id: <x.example>\nX-Anything: y\n\n"),
	  "from <a@b.example>\nbulk\n" },
	{ "37 precedence",
	  BYTES("From: a@b.example\nPrecedence: list\n\n"),
	  "from <a@b.example>\nbulk\n" },
	{ "37 sent by a program",
	  BYTES("From: a@b.example\nAuto-Submitted: auto-replied (vacation)\n\n"),
	  "from <a@b.example>\nauto 2\n" },
	{ "37 not sent by a program",
	  BYTES("From: a@b.example\nAuto-Submitted: no\n\n"),
	  "from <a@b.example>\n" },
	{ "38 no sender",
	  BYTES("Subject: x\n\n"),
	  "from <unknown@invalid>\nsubject x\n\n{from-missing}" },
	{ "38 a sender without address",
	  BYTES("From: Taro Yamada\n\n"),
	  "from Taro Yamada<unknown@invalid>\n\n{address-odd 1: Taro Yamada}\n{from-missing}" },
	{ "38 three senders",
	  BYTES("From: a@b.example, \"C\" <c@d.example>, e@f.example\n\n"),
	  "from <a@b.example>\n\n{from-several 1: c@d[.]example}\n{from-several 1: e@f[.]example}" },
	{ "the town's own domain, from outside",
	  BYTES("From: Mayor <mayor@Town.LG.jp>\n\n"),
	  "from Mayor<mayor@Town.LG.jp>\n\n{from-own-domain}" },
	{ "a domain below the town's",
	  BYTES("From: <x@mail.city.example.jp>\n\n"),
	  "from <x@mail.city.example.jp>\n\n{from-own-domain}" },
	{ "a domain that only ends like the town's",
	  BYTES("From: <x@mytown.lg.jp>\n\n"),
	  "from <x@mytown.lg.jp>\n" },
	{ "mobile carriers' addresses",
	  BYTES("From: <\"a..b.\"@docomo.example>\nTo: c..d@ezweb.example\n\n"),
	  "from <a..b.@docomo.example>\nto <c..d@ezweb.example>\n" },
	{ "recipients that cannot be shown",
	  BYTES("From: a@b.example\nTo: undisclosed-recipients:;, <a b@c>, @, d@e.example\n\n"),
	  "from <a@b.example>\nto <d@e.example>\n\n{address-odd 1: a b@c}\n{address-odd 1: @}" },
	{ "hops of an earlier passage",
	  BYTES("From: a@b.example\nReceived: a\nX-Sekisho: 1; id=x; parts=1; hops=3\n\n"),
	  "from <a@b.example>\nhops 4\n" },
	{ "more hops than are counted",
	  BYTES("From: a@b.example\nReceived: a\nX-Sekisho: hops=999999999999\n\n"),
	  "from <a@b.example>\nhops 255\n" },
	{ "raw Latin letters in a subject are no Shift_JIS",
	  BYTES("From: a@b.example\nSubject: Caf\351 cr\350me br\373l\351e\n\n"),
	  "from <a@b.example>\nsubject Café crème brûlée\n" },
	{ "raw Shift_JIS in a subject",
	  BYTES("From: a@b.example\nSubject: \213c\216\226\230^\202̌\217\n\n"),
	  "from <a@b.example>\nsubject 議事録の件\n" },
	{ "39 a line of a mailbox at the top",
	  BYTES("From x@y Thu Jan  1 00:00:00 1970\nFrom: a@b.example\nSubject: s\n\n"),
	  "from <a@b.example>\nsubject s\n" },
};

static const struct row body_rows[] = {
	{ "plain text",
	  BYTES("From: a@b.example\n\nHello,\n\n  world.\n\n\n"),
	  "Hello,\n\n  world." },
	{ "plain text of a Japanese mailer",
	  BYTES("From: a@b.example\nContent-Type: text/plain; charset=ISO-2022-JP\n\n\033$B$*@$OC$K$J$C$F$*$j$^$9!#\033(B\n"),
	  "お世話になっております。" },
	{ "HTML alone",
	  BYTES("From: a@b.example\nContent-Type: text/html; charset=utf-8\n\n<p>Hello</p><p><a href=\"http://evil.example/\">"
		"http://bank.example/</a></p>"),
	  "Hello\n\nhxxp://bank[.]example/〔表示と異なるリンク先: hxxp://evil[.]example/〕\n"
	  "{link-mismatch 1}" },
	{ "an attachment",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n"
		"--b\nContent-Type: application/pdf; name=\"a.pdf\"\nContent-Disposition: attachment; filename=\"a.pdf\"\n"
		"Content-Transfer-Encoding: base64\n\nJVBERi0xLjQK\n--b--\n"),
	  "text\n[attachment a.pdf|pdf|application/pdf|application/pdf|9]" },
	{ "pictures shown in the text",
	  BYTES("From: a@b.example\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n"
		"\n<p>Logo: <img src=\"cid:1\" alt=\"town\"></p>\n--b\nContent-Type: image/png; name=logo.png\n"
		"Content-ID: <1>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgowMDAw\n--b--\n"),
	  "Logo: 〔画像: town〕\n[inline logo.png|png|image/png|image/png|12]" },
	{ "52 an inline picture that nobody refers to",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n"
		"--b\nContent-Type: image/gif\nContent-Disposition: inline; filename=a.gif\n\n"
		"GIF89a\n--b--\n"),
	  "text\n[inline a.gif|gif|image/gif|image/gif|6]" },
	{ "an attached text is shown under its name",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n"
		"--b\nContent-Type: text/plain; name=memo.txt\nContent-Disposition: attachment\n"
		"\nmemo\n--b\nContent-Disposition: attachment\n\nno name\n--b--\n"),
	  "body\n\n---- attached text: memo.txt ----\nmemo\n\n---- attached text ----\n"
	  "no name" },
	{ "an attached web page is a file",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n"
		"--b\nContent-Type: text/html; name=login.html\nContent-Disposition: attachment\n"
		"\n<html>Sign in</html>\n--b--\n"),
	  "body\n[attachment login.html|html|text/html|text/html|20]" },
	{ "30 gaps, both forms, different names",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n"
		"--b\nContent-Type: application/x; name=c.txt\nContent-Disposition: attachment; filename*0=a; filename*2=b.exe"
		"\n\nx\n--b--\n"),
	  "body\n[attachment ab.exe|exe|application/x||1]\n{names-differ: a}\n{names-differ: c.txt}" },
	{ "31 the real extension behind 200 spaces",
	  BYTES("From: a@b.example\nContent-Type: application/x; name=\"a.pdf                                                 "
		"                                                                                                             "
		"                                          .exe\"\n\nx\n"),
	  "\n[attachment a.pdf … .exe|exe|application/x||2]" },
	{ "31 dots and spaces at the end",
	  BYTES("From: a@b.example\nContent-Type: application/x; name=\"a.exe. . \"\n\nx\n"),
	  "\n[attachment a.exe. .|exe|application/x||2]" },
	{ "31 a path, a device, a bar",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/x; name=\"../."
		"./etc/passwd\"\n\nx\n--b\nContent-Type: application/x; name=\"CON\"\n\nx\n--b\n"
		"Content-Type: application/x; name=\"a|b.c\"\n\nx\n--b--\n"),
	  "\n[attachment ..／..／etc／passwd||application/x||1]\n[attachment CON||application/x||1]\n"
	  "[attachment a｜b.c|c|application/x||1]" },
	{ "31 NUL in a name",
	  BYTES("From: a@b.example\nContent-Type: application/x; name*=utf-8''a.exe%00.pdf\n\n"
		"x\n"),
	  "\n[attachment a.exe .pdf|pdf|application/x||2]" },
	{ "26 a name that is turned around",
	  BYTES("From: a@b.example\nContent-Type: application/x; name*=utf-8''report%E2%80%AEfdp.exe\n"
		"\nx\n"),
	  "\n[attachment report[U+202E]fdp.exe|exe|application/x||2]" },
	{ "31 an extension in full width letters",
	  BYTES("From: a@b.example\nContent-Type: application/x; name*=utf-8''a%EF%BC%8E%EF%BC%A5%EF%BC%B8%EF%BC%A5\n"
		"\nx\n"),
	  "\n[attachment a．ＥＸＥ|exe|application/x||2]" },
	{ "40 no boundary",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed\n\n--b\n\nall of it\n--b--\n"),
	  "---- parts that could not be divided ----\n--b\n\nall of it\n--b--\n{structure}" },
	{ "40 an empty boundary",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=\"\"\n\n--\n\nall of it\n"),
	  "---- parts that could not be divided ----\n--\n\nall of it\n{structure}" },
	{ "40 two boundaries",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=a; boundary=b\n\n"
		"--a\n\none\n--b\n\ntwo\n"),
	  "---- parts that could not be divided ----\n--a\n\none\n--b\n\ntwo\n{structure}" },
	{ "40 a boundary that does not occur",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--b\n\nall of it\n"
		"--b--\n"),
	  "---- parts that could not be divided ----\n--b\n\nall of it\n--b--\n{structure}" },
	{ "41 a boundary that begins like another, nested",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary="
		"bb\n\n--bb\n\ninner\n--bb--\n--b\n\nouter\n--b--\n"),
	  "inner\n\nouter" },
	{ "42 no last delimiter, no empty line",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nthis is no field\n"
		"--b\nContent-Type: text/plain\n\nend"),
	  "this is no field\n\nend\n{structure}" },
	{ "42 the end within a header",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/pl"),
	  "\n[text-kind ||text/pl||0]\n{structure}" },
	{ "43 preamble and epilogue",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\nppppppppppppppppppppppppppppppppppppppppppppp"
		"ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp\n"
		"--b\n\ntext\n--b--\neeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"),
	  "text\n{preamble 210}" },
	{ "43 a usual preamble",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\nThis is a multi-part message in MIME format.\n"
		"--b\n\ntext\n--b--\n"),
	  "text" },
	{ "21 two content types, even if they agree",
	  BYTES("From: a@b.example\nContent-Type: text/plain\nContent-Type: text/plain\n\nopaque\n"),
	  "\n[ambiguous ||text/plain||7]\n{structure}" },
	{ "21 two transfer encodings",
	  BYTES("From: a@b.example\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n"
		"\naGk=\n"),
	  "\n[ambiguous ||text/plain||5]\n{structure}" },
	{ "46 an unknown transfer encoding",
	  BYTES("From: a@b.example\nContent-Transfer-Encoding: x-zip\n\nopaque\n"),
	  "\n[undecodable ||text/plain||7]\n{structure}" },
	{ "46 a transfer encoding with a comment",
	  BYTES("From: a@b.example\nContent-Transfer-Encoding: base64 (x)\n\naGk=\n"),
	  "\n[undecodable ||text/plain||5]\n{structure}" },
	{ "46 a multipart in base64",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n"
		"\nLS1iCgpoaQotLWItLQo=\n"),
	  "\n[undecodable ||multipart/mixed||21]\n{structure}" },
	{ "47 base64 with junk, padding inside, a short end",
	  BYTES("From: a@b.example\nContent-Transfer-Encoding: base64\n\naGVs!bG8=\nIHdvcmx\n"),
	  "hello worl\n{damaged 1}" },
	{ "48 quoted-printable of all kinds",
	  BYTES("From: a@b.example\nContent-Transfer-Encoding: quoted-printable\n\na=\n b=20 \n"
		"c=AT d=3d=3D e=\r\nf="),
	  "a b \nc=AT d== ef\n{damaged 1}" },
	{ "49 a piece of a mail",
	  BYTES("From: a@b.example\nContent-Type: message/partial; id=x; number=1; total=2\n\n"
		"From: x\n\npiece\n"),
	  "\n[partial ||message/partial||15]" },
	{ "49 content elsewhere",
	  BYTES("From: a@b.example\nContent-Type: message/external-body; access-type=url;\n url=\"http://evil.example/\"\n"
		"\nContent-Type: text/plain\n\n"),
	  "\n[external ||message/external-body||26]" },
	{ "50 an enclosed mail with a file",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee below\n"
		"--b\nContent-Type: message/rfc822\n\nFrom: =?utf-8?q?C?= <c@d.example>\nSubject: inner\n"
		"Date: Fri, 21 Nov 2025 17:36:47 +0900\nContent-Type: multipart/mixed; boundary=c\n"
		"\n--c\n\ninner text\n\nmore\n--c\nContent-Type: application/x; name=f.bin\n\n"
		"x\n--c--\n--b\n\nlast\n--b--\n"),
	  "see below\n\n> ---- enclosed mail ----\n> From: C <c@d[.]example>\n> Subject: inner\n"
	  "> Date: Fri, 21 Nov 2025 17:36:47 +0900\n>\n> inner text\n>\n> more\n\nlast\n"
	  "[attachment f[.]bin|bin|application/x||1]" },
	{ "50 mails within mails beyond the third",
	  BYTES("From: a@b.example\nContent-Type: message/rfc822\n\nSubject: 1\nContent-Type: message/rfc822\n"
		"\nSubject: 2\nContent-Type: message/rfc822\n\nSubject: 3\nContent-Type: message/rfc822\n"
		"\nSubject: 4\nContent-Type: message/rfc822\n\nSubject: 5\n\ndeep\n"),
	  "> ---- enclosed mail ----\n> Subject: 1\n>\n> > ---- enclosed mail ----\n> > Subject: 2\n"
	  "> >\n> > > ---- enclosed mail ----\n> > > Subject: 3\n[message ||text/plain||5]" },
	{ "50 an enclosed mail in base64 is a file",
	  BYTES("From: a@b.example\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n"
		"\nU3ViamVjdDogeAoKdGV4dAo=\n"),
	  "\n[message ||message/rfc822||17]" },
	{ "51 text and HTML that say the same",
	  BYTES("From: a@b.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n"
		"\nDear reader, the meeting is on Monday at ten.\n--b\nContent-Type: text/html\n"
		"\n<p>Dear reader, <b>the meeting</b> is on Monday at ten.</p>\n--b--\n"),
	  "Dear reader, the meeting is on Monday at ten.\n[alternative ||text/html||59]" },
	{ "51 no plain text",
	  BYTES("From: a@b.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n"
		"\n  \n--b\nContent-Type: text/html\n\n<p>Only here.</p>\n--b--\n"),
	  "Only here." },
	{ "51 no HTML text",
	  BYTES("From: a@b.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n"
		"\nOnly here.\n--b\nContent-Type: text/html\n\n<p> </p>\n--b--\n"),
	  "Only here." },
	{ "51 text and HTML that differ",
	  BYTES("From: a@b.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n"
		"\nYour program cannot show HTML.\n--b\nContent-Type: text/html\n\n<p>Please pay the invoice of yesterday.</p>"
		"\n--b--\n"),
	  "Your program cannot show HTML.\n\n---- HTML form ----\nPlease pay the invoice of yesterday.\n"
	  "{alternatives-differ}" },
	{ "51 a plain text that is only the beginning",
	  BYTES("From: a@b.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n"
		"\nDear reader, the meeting is on\n--b\nContent-Type: text/html\n\n<p>Dear reader, the meeting is on Monday at"
		" ten in the large hall on the second floor.</p>\n--b--\n"),
	  "Dear reader, the meeting is on Monday at ten in the large hall on the second floor.\n"
	  "[alternative ||text/plain||30]" },
	{ "51 the forms lie deeper",
	  BYTES("From: a@b.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\n"
		"The meeting is on Monday at ten.\n--b\nContent-Type: multipart/related; boundary=c\n"
		"\n--c\nContent-Type: text/html\n\n<p>The meeting is on Monday at ten.<img src=cid:x>\n"
		"--c\nContent-Type: image/gif; name=l.gif\n\nGIF89a\n--c--\n--b--\n"),
	  "The meeting is on Monday at ten.\n[alternative ||text/html||50]\n[inline l.gif|gif|image/gif|image/gif|6]" },
	{ "51 a file beside the HTML is no form of the text",
	  BYTES("From: a@b.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\nThe meeting is on\n--b\n"
		"Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: text/html\n\n"
		"<p>The meeting is on Monday at ten in the large hall.\n--c\nContent-Type: text/plain; name=a.txt\n"
		"Content-Disposition: attachment\n\nThe meeting is\n--c--\n--b--\n"),
	  "The meeting is on Monday at ten in the large hall.\n\n---- attached text: a.txt ----\nThe meeting is\n"
	  "[alternative ||text/plain||17]" },
	{ "53 text of other kinds",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/csv; name=a.csv\n"
		"\na,b\n--b\nContent-Type: text/rtf\n\n{\\rtf1 x}\n--b--\n"),
	  "\n[text-kind a.csv|csv|text/csv||3]\n[text-kind ||text/rtf|application/rtf|9]" },
	{ "53 an invitation",
	  BYTES("From: a@b.example\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n"
		"METHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Committee\\, third\nDTSTART:20261201T010000Z\n"
		"DTEND;TZID=Europe/Paris:20261201T033000\nLOCATION:Room 2\nORGANIZER;CN=\"A: B\":MAILTO:a@b.example\n"
		"ATTENDEE;PARTSTAT=DECLINED:mailto:c@d.example\nDESCRIPTION:One\\nTwo http://x.exam\n"
		" ple/\nBEGIN:VALARM\nDESCRIPTION:no\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n"),
	  "---- event: invitation ----\nSubject: Committee, third\nBegins: Tue 2026-12-01 10:00\n"
	  "Ends: Tue 2026-12-01 03:30 (Europe/Paris)\nPlace: Room 2\nOrganizer: A: B <a@b[.]example>\n"
	  "Attendee: c@d[.]example (declines)\nDescription: One\n  Two hxxp://x[.]example/\n"
	  "[calendar ||text/calendar|text/calendar|341]" },
	{ "53 a whole day, every week",
	  BYTES("From: a@b.example\nContent-Type: text/calendar\n\nBEGIN:VEVENT\nSUMMARY:x\nDTSTART;VALUE=DATE:20270101\n"
		"RRULE:FREQ=WEEKLY;COUNT=3\nEND:VEVENT\n"),
	  "---- event ----\nSubject: x\nBegins: Fri 2027-01-01\nRepeats: weekly [FREQ=WEEKLY;COUNT=3]\n"
	  "[calendar ||text/calendar||88]" },
	{ "53 a time that is none",
	  BYTES("From: a@b.example\nContent-Type: text/calendar\n\nBEGIN:VEVENT\nDTSTART:20261399T250000\n"
		"END:VEVENT\n"),
	  "---- event ----\nBegins: 20261399T250000\n[calendar ||text/calendar||48]" },
	{ "53 a visiting card of a telephone",
	  BYTES("From: a@b.example\nContent-Type: text/x-vcard\n\nBEGIN:VCARD\nN;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:="
		"8E=52=93=63=3B=91=BE=98=59\nTEL:090-0000-0000\nEND:VCARD\n"),
	  "---- visiting card ----\nName: 山田 太郎\nTelephone: 090-0000-0000\n[text-kind ||text/x-vcard|text/vcard|114]" },
	{ "a delivery report",
	  BYTES("From: a@b.example\nContent-Type: multipart/report; boundary=b\n\n--b\n\nIt could not be delivered.\n"
		"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n"
		"\nFinal-Recipient: rfc822; c@d.example\nAction: failed\nStatus: 5.1.1\n--b\n"
		"Content-Type: text/rfc822-headers\n\nSubject: lost\n--b--\n"),
	  "It could not be delivered.\n\n---- delivery report ----\nResult: not delivered (no such mailbox): c@d[.]examp"
	  "le\nReporting-MTA: dns; x[.]example\n\nFinal-Recipient: rfc822; c@d[.]example\n"
	  "Action: failed\nStatus: 5.1.1\n\n---- header of the returned mail ----\nSubject: lost" },
	{ "54 winmail.dat under another name",
	  BYTES("From: a@b.example\nContent-Type: application/octet-stream; name=x.bin\nContent-Transfer-Encoding: base64\n"
		"\neJ8+IgEA\n"),
	  "\n[tnef x[.]bin|bin|application/octet-stream|application/vnd.ms-tnef|6]" },
	{ "54 S/MIME: wrapped in a signature, encrypted",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/pkcs7-mime; na"
		"me=smime.p7m\nContent-Transfer-Encoding: base64\n\nMIAGCSqGSIb3DQEHAqA=\n--b\n"
		"Content-Type: application/x-pkcs7-mime\nContent-Transfer-Encoding: base64\n\n"
		"MIAGCSqGSIb3DQEHA6A=\n--b--\n"),
	  "\n[signed smime.p7m|p7m|application/pkcs7-mime|application/pkcs7-mime|14]\n[encrypted ||application/x-pkcs7-m"
	  "ime|application/pkcs7-mime|14]" },
	{ "54 a signed text",
	  BYTES("From: a@b.example\nContent-Type: multipart/signed; boundary=b\n\n--b\n\nsigned words\n"
		"--b\nContent-Type: application/pgp-signature; name=s.asc\n\n-----BEGIN PGP SIGNATURE-----\n"
		"--b--\n"),
	  "signed words\n[signature s[.]asc|asc|application/pgp-signature|application/pgp-signature|29]\n"
	  "{signature-lost}" },
	{ "54 PGP, encrypted",
	  BYTES("From: a@b.example\nContent-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/pgp-encryp"
		"ted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n"
		"--b--\n"),
	  "\n[encrypted ||application/pgp-encrypted||10]\n[encrypted ||application/octet-stream|application/pgp-encrypte"
	  "d|27]" },
	{ "archives with and without a password, a document that says it is a picture",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/zip; name=a.zi"
		"p\nContent-Transfer-Encoding: base64\n\nUEsDBBQAAQAIAAAAAAAAAAAAAAAAAAAAAAAFAAAAYS50eHQ=\n"
		"--b\nContent-Type: application/zip; name=b.zip\nContent-Transfer-Encoding: base64\n"
		"\nUEsDBBQAAAAIAAAAAAAAAAAAAAAAAAAAAAAFAAAAYS50eHQ=\n--b\nContent-Type: image/png; name=c.docx\n"
		"Content-Transfer-Encoding: base64\n\nUEsDBBQAAAAIAAAAAAAAAAAAAAAAAAAAAAARAAAAd29yZC9kb2N1bWVudC54bWw=\n"
		"--b--\n"),
	  "\n[encrypted-archive a[.]zip|zip|application/zip|application/zip|35]\n[attachment b[.]zip|zip|application/zip"
	  "|application/zip|35]\n[attachment c.docx|docx|image/png|application/vnd.openxmlformats-officedocument.wordpro"
	  "cessingml.document|47]" },
	{ "55 a uuencoded file in the text",
	  BYTES("From: a@b.example\n\nbefore\nbegin 644 a.txt\n+:&5L;&\\@=V]R;&0\n`\nend\nafter\n"),
	  "before\n begin 644 a.txt\nend\nafter\n[uuencode a.txt|txt|||11]" },
	{ "55 what only looks like a file",
	  BYTES("From: a@b.example\n\nbegin 644 is a mode\nbegin the work\nend\n"),
	  " begin 644 is a mode\nbegin the work\nend" },
	{ "55 yEnc",
	  BYTES("From: a@b.example\n\nbefore\n=ybegin line=128 size=5 name=a b.bin\n\222\217\226\226\231\n"
		"=yend size=5\nafter\n"),
	  "before\n =ybegin line=128 size=5 name=a b[.]bin\n=yend size=5\nafter\n[uuencode a b[.]bin|bin|||5]" },
	{ "55 BinHex",
	  BYTES("From: a@b.example\n\n(This file must be converted with BinHex 4.0)\n\n:$f*TEQKPH#\"QF'\n"
		"9@C:\nafter\n"),
	  " (This file must be converted with BinHex 4.0)\n\n\nafter\n[uuencode ||||17]" },
	{ "56 bytes that are no text",
	  BYTES("From: a@b.example\nContent-Type: text/plain; name=x.txt\n\n\001\002\003\004\005\006\007\010\t\n"
		"\013\014\r\016\017\020\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037\001\002\003\004\005\006\007"
		"\010\t\n\013\014\r\016\017\020\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037\001\002\003\004\005"
		"\006\007\010\t\n\013\014\r\016\017\020\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037\001\002\003"
		"\004\005\006\007\010\t\n\013\014\r\016\017\020\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037"),
	  "\n[binary x.txt|txt|text/plain||124]" },
	{ "56 a file that is declared as text",
	  BYTES("From: a@b.example\nContent-Type: text/plain; name=a.txt\n\nGIF89a\001\000\001\000"),
	  "\n[binary a.txt|txt|text/plain|image/gif|10]" },
	{ "58 an escape sequence that does not end hides nothing",
	  BYTES("From: a@b.example\nContent-Type: text/plain; charset=iso-2022-jp\n\n\033$B$\"\n"
		"plain <script>\n"),
	  "あ\nplain <script>" },
	{ "58 kanji that look like a tag",
	  BYTES("From: a@b.example\nContent-Type: text/html; charset=iso-2022-jp\n\n<p>\033$B<script>\033(B</p>"),
	  "首竰蜷〓" },
	{ "59 UTF-7 is decoded once, and makes no tags",
	  BYTES("From: a@b.example\nContent-Type: text/plain; charset=utf-7\n\n+ADw-b+AD4-x +ADw-/b+AD4-\n"),
	  "<b>x </b>" },
	{ "59 UTF-7 that is not declared",
	  BYTES("From: a@b.example\nContent-Type: text/html\n\n<p>+ADw-script+AD4-</p>\n"),
	  "+ADw-script+AD4-" },
	{ "60 broken UTF-8",
	  BYTES("From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\ngood words and one \300\257 and \355\240\200 he"
		"re, cut \343\201"),
	  "good words and one ﾀｯ and 恝〓 here, cut 縺\n{charset: utf-8 -> Shift_JIS}" },
	{ "61 UTF-16 with and without a mark",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-16"
		"\nContent-Transfer-Encoding: base64\n\n//7lZSxn\n--b\nContent-Type: text/plain; charset=utf-16be\n"
		"Content-Transfer-Encoding: base64\n\nZeVnLA==\n--b--\n"),
	  "日本\n\n日本" },
	{ "61 one NUL in a short text is no UTF-16",
	  BYTES("From: a@b.example\n\nab\000cdef, and so on\n"),
	  "abcdef, and so on" },
	{ "62 a Shift_JIS letter that ends like a backslash",
	  BYTES("From: a@b.example\nContent-Type: text/html; charset=shift_jis\n\n<p title=\"\225\\\">\227\\\222\350\225\\</p>"),
	  "予定表" },
	{ "62 a raw Shift_JIS name that ends like a backslash",
	  BYTES("From: a@b.example\nContent-Type: application/x; name=\"\227\\\222\350\225\\.xls\"\n"
		"\nx\n"),
	  "\n[attachment 予定表.xls|xls|application/x||2]" },
	{ "mislabelled: UTF-8 called ISO-2022-JP",
	  BYTES("From: a@b.example\nContent-Type: text/plain; charset=iso-2022-jp\n\n申請書を送ります\n"),
	  "申請書を送ります\n{charset: iso-2022-jp -> UTF-8}" },
	{ "mislabelled: CP932 with ① and 髙 called ISO-8859-1",
	  BYTES("From: a@b.example\nContent-Type: text/plain; charset=iso-8859-1\n\n\207@\356\340\213\264\227l\201A\216\221\227"
		"\277\202̌\217\202ł\267\n"),
	  "①髙橋様、資料の件です\n{charset: iso-8859-1 -> Shift_JIS}" },
	{ "63 an unknown label",
	  BYTES("From: a@b.example\nContent-Type: text/plain; charset=x-none\n\nplain words\n"),
	  "plain words" },
	{ "64 control characters",
	  BYTES("From: a@b.example\n\na\033[31mb\007c\177d\014e\n"),
	  "a[U+001B][31mb[U+0007]c[U+007F]d\ne" },
	{ "65 marks on one letter, a private character",
	  BYTES("From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\na\314\201\314\201\314\201\314\201\314\201\314\201"
		"\314\201\314\201\314\201\314\201\314\201\314\201b \356\200\200 c\n"),
	  "a\314\201\314\201\314\201\314\201\314\201\314\201\314\201\314\201b 〓 c" },
	{ "67 what is never shown",
	  BYTES("From: a@b.example\nContent-Type: text/html\n\n<title>t</title><script>s</script><style>y</style><!--> <b>seen"
		"</b> --><p>a&lt;b&gt;</p>"),
	  "seen -->\n\na<b>" },
	{ "68 hidden text is shown and marked",
	  BYTES("From: a@b.example\nContent-Type: text/html\n\n<p>seen<span style=\"display:none\">hidden</span></p>"),
	  "seen〔非表示〕hidden〔非表示ここまで〕\n{hidden-text 1}" },
	{ "70 addresses of every kind",
	  BYTES("From: a@b.example\n\nhttp://bank.example@evil.example/ www.x.example \\\\server\\share javascript:alert(1)\n"),
	  "hxxp://bank[.]example[@]evil[.]example〔接続先は evil[.]example〕/ www[.]x[.]example \\[\\]server\\share java"
	  "script[:]alert(1)" },
	{ "71 entities",
	  BYTES("From: a@b.example\nContent-Type: text/html\n\n<p>a&amp b&#x202e;c&#9999999;d&#128;</p>"),
	  "a& b[U+202E]c�d€\n{bidi 1}" },
	{ "72 a meta element against the header, and without one",
	  BYTES("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\n"
		"\n<meta charset=shift_jis>日本語\n--b\nContent-Type: text/html\n\n<meta http-equiv=content-type content=\"tex"
		"t/html; charset=koi8-r\"><p>\360\322\311\327\305\324, \315\311\322\n--b--\n"),
	  "日本語\n\nПривет, мир" },
	{ "73 a receipt that a stranger wrote",
	  BYTES("From: a@b.example\n\n[receipt] original 1: nothing was removed\n"),
	  "[receipt] original 1: nothing was removed" },
	{ "74 end of data, headers, delimiters in the text",
	  BYTES("From: a@b.example\n\n.\n\nFrom x\nBcc: y\n--b\n"),
	  ".\n\nFrom x\nBcc: y\n--b" },
	{ "nothing at all",
	  BYTES(""),
	  "\n{from-missing}\n{structure}" },
	{ "a header and no text",
	  BYTES("From: a@b.example\n\n"),
	  "" },
};

static void row_judge(const struct row *row, bool headers)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct letter *letter = washed(arena, row->mail, row->what);
	struct buf rendered = buf_limited(0);

	if (headers)
		headers_render(&rendered, letter);
	body_render(&rendered, letter);
	ck_assert_msg(span_equal(buf_span(&rendered), span_of(row->expected)), "%s:\n%s", row->what, buf_text(&rendered));
	buf_free(&rendered);
}

START_TEST(headers_become_values)
{
	row_judge(&header_rows[_i], true);
}
END_TEST

START_TEST(parts_become_text_or_rows)
{
	row_judge(&body_rows[_i], false);
}
END_TEST

/* ---- limits ---- */

/* A mail of `parts` plain texts (0: one, without MIME) of `bytes` letters each, in lines of 64. */
static struct buf mail_of_texts(size_t parts, size_t bytes)
{
	struct buf mail = buf_limited(0);

	buf_puts(&mail, "From: a@b.example\n");
	if (parts > 0)
		buf_puts(&mail, "Content-Type: multipart/mixed; boundary=b\n");
	for (size_t part = 0; part < (parts ? parts : 1); part++) {
		buf_puts(&mail, parts ? "\n--b\n\n" : "\n");
		for (size_t i = 0; i < bytes; i++)
			buf_putc(&mail, i % 64 == 63 ? '\n' : 'a');
	}
	if (parts > 0)
		buf_puts(&mail, "\n--b--\n");
	return mail;
}

static const struct {
	const char *what;
	size_t parts, bytes;
	size_t truncated;	/* rows */
	bool omitted;		/* text is missing */
} limit_rows[] = {
	{ "a text below the limit", 0, 1000000, 0, false },
	{ "a text beyond the limit", 0, 1100000, 1, true },
	{ "a text far beyond the limit of the store", 0, 5000000, 1, true },
	{ "two texts that fit", 2, 500000, 0, false },
	{ "two texts, the second does not fit", 2, 600000, 1, true },
	{ "texts beyond the store", 8, 900000, 7, true },
	{ "a thousand short texts", 999, 900, 0, false },
};

START_TEST(long_text_is_cut_and_on_the_receipt)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct buf mail = mail_of_texts(limit_rows[_i].parts, limit_rows[_i].bytes);
	const struct letter *letter = wash_cut(arena, &settings, buf_span(&mail), 0, NULL);
	const char *what = limit_rows[_i].what;

	ck_assert_msg(letter->row_count == limit_rows[_i].truncated, "%s: %zu rows", what, letter->row_count);
	for (size_t i = 0; i < letter->row_count; i++)
		ck_assert_int_eq(letter->rows[i].reason, LETTER_REASON_TRUNCATED);
	ck_assert_msg((letter->counters[LETTER_COUNT_TEXT_OMITTED_BYTES] > 0) == limit_rows[_i].omitted, "%s", what);
	ck_assert_uint_le(letter->text.length, LETTER_TEXT_BYTES_MAX);
	ck_assert_uint_lt(arena_footprint(arena), WASH_BYTES_MAX);
	goes_on(arena, letter, what);
	buf_free(&mail);
}
END_TEST

/* A mail of many files, each of ten bytes. */
static struct buf mail_of_files(size_t count)
{
	struct buf mail = buf_limited(0);

	buf_puts(&mail, "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n");
	for (size_t i = 0; i < count; i++)
		buf_puts(&mail, "\n--b\nContent-Type: application/x\n\n0123456789");
	buf_puts(&mail, "\n--b--\n");
	return mail;
}

START_TEST(files_beyond_the_receipt_are_counted_with_their_bytes)
{
	/* The multipart is a part as well: one file fewer has a row. */
	static const struct { size_t files, rows, omitted; } counts[] = {
		{ 999, 999, 0 }, { 1000, 999, 1 }, { 1500, 999, 501 },
	};
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct buf mail = mail_of_files(counts[_i].files);
	const struct letter *letter = wash_cut(arena, &settings, buf_span(&mail), 0, NULL);

	ck_assert_uint_eq(letter->row_count, counts[_i].rows);
	ck_assert_uint_eq(letter->counters[LETTER_COUNT_ROWS_OMITTED], counts[_i].omitted);
	ck_assert_uint_eq(letter->counters[LETTER_COUNT_PARTS], counts[_i].files);
	ck_assert_uint_ge(letter->counters[LETTER_COUNT_ROWS_OMITTED_BYTES], 10 * counts[_i].omitted);
	ck_assert_uint_lt(arena_footprint(arena), WASH_BYTES_MAX);
	goes_on(arena, letter, "files");
	buf_free(&mail);
}
END_TEST

START_TEST(files_in_a_text_beyond_the_receipt_are_counted_with_their_bytes)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct buf mail = buf_limited(0);
	const struct letter *letter;

	buf_puts(&mail, "From: a@b.example\n\n");
	for (size_t i = 0; i < 3000; i++)
		buf_puts(&mail, "begin 644 x\n!80``\n`\nend\n");
	letter = wash_cut(arena, &settings, buf_span(&mail), 0, NULL);
	ck_assert_uint_eq(letter->row_count, LETTER_ROWS_MAX);
	ck_assert_uint_eq(letter->counters[LETTER_COUNT_ROWS_OMITTED], 2000);
	ck_assert_uint_eq(letter->counters[LETTER_COUNT_ROWS_OMITTED_BYTES], 2000);
	goes_on(arena, letter, "files in a text");
	buf_free(&mail);
}
END_TEST

START_TEST(notes_of_one_kind_leave_room_for_others)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct buf mail = buf_limited(0);
	const struct letter *letter;
	size_t differing = 0;

	buf_puts(&mail, "From: a@b.example, c@d.example\nContent-Type: multipart/mixed; boundary=b\n");
	for (int i = 0; i < 100; i++)
		buf_printf(&mail, "\n--b\nContent-Type: application/x; name=n%d\nContent-Disposition: inline; filename=f%d\n\nx", i, i);
	letter = wash_cut(arena, &settings, buf_span(&mail), 0, NULL);
	for (size_t i = 0; i < letter->note_count; i++)
		differing += letter->notes[i].code == LETTER_NOTE_NAMES_DIFFER;
	ck_assert_uint_eq(differing, 6);
	ck_assert(span_equal(letter->notes[letter->note_count - 2].detail, span_of("…")));
	ck_assert_int_eq(letter->notes[letter->note_count - 1].code, LETTER_NOTE_STRUCTURE);
	goes_on(arena, letter, "notes");
	buf_free(&mail);
}
END_TEST

/* ---- settings ---- */

static const struct span settings_mail = BYTES(
	"From: a@town.lg.jp\nAuthentication-Results: mx.cloud.example.jp; spf=pass\nX-Spam-Flag: YES\n"
	"Content-Type: multipart/alternative; boundary=b\n\n--b\n\nhttp://www.example.jp/path\n"
	"--b\nContent-Type: text/html\n\n<p>something else entirely, to be seen</p>\n--b--\n");

static const struct {
	const char *what;
	struct wash_settings settings;
	const char *expected;
} settings_rows[] = {
	{ "what holds when nothing is set", { .language = LANGUAGE_EN },
	  "from <a@town.lg.jp>\nhxxp://www[.]example[.]jp/path\n\n---- HTML form ----\nsomething else entirely, to be seen\n"
	  "{alternatives-differ}" },
	{ "Japanese, brackets", { .language = LANGUAGE_JA, .links = LINK_STYLE_BRACKETS },
	  "from <a@town.lg.jp>\nhttp[:]//www[.]example[.]jp/path\n\n──── HTML 形式の本文 ────\nsomething else entirely, to be seen\n"
	  "{alternatives-differ}" },
	{ "hosts only, the town's domain, a trusted server",
	  { .language = LANGUAGE_EN, .links = LINK_STYLE_HOST, .own_domains = own_domains, .own_domain_count = 2,
	    .trusted_authserv_id = BYTES("MX.cloud.example.jp") },
	  "from <a@town.lg.jp>\nspf=pass\nx-spam=fail\nhxxp://www[.]example[.]jp/…\n\n---- HTML form ----\n"
	  "something else entirely, to be seen\n{from-own-domain}\n{alternatives-differ}" },
};

START_TEST(settings_decide)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct letter *letter = wash_cut(arena, &settings_rows[_i].settings, settings_mail, 0, NULL);
	struct buf rendered = buf_limited(0);

	headers_render(&rendered, letter);
	body_render(&rendered, letter);
	ck_assert_msg(span_equal(buf_span(&rendered), span_of(settings_rows[_i].expected)), "%s:\n%s", settings_rows[_i].what,
		      buf_text(&rendered));
	buf_free(&rendered);
}
END_TEST

START_TEST(facts_say_how_a_text_was_read)
{
	static const struct span mail = BYTES(
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-2022-jp\n\n申請書を送ります\n"
		"--b\nContent-Type: application/x; name=a.exe\n\nMZ\n--b--\n");
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct wash_facts *facts;

	wash_cut(arena, &settings, mail, 0, &facts);
	ck_assert_uint_eq(facts->part_count, 2);
	ck_assert(span_equal(facts->parts[0].path, span_of("1.1")) && span_equal(facts->parts[1].path, span_of("1.2")));
	ck_assert(facts->parts[0].text && facts->parts[0].reason == 0 && span_equal(facts->parts[0].label, span_of("iso-2022-jp")));
	ck_assert_int_eq(facts->parts[0].charset, CHARSET_UTF_8);
	ck_assert_int_eq(facts->parts[0].charset_reason, CHARSET_BY_UTF_8);
	ck_assert(!facts->parts[1].text && facts->parts[1].reason == LETTER_REASON_ATTACHMENT);
	ck_assert(span_equal(facts->parts[1].extension, span_of("exe")));
}
END_TEST

START_TEST(same_mail_has_the_same_letter)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();

	for (int i = 0; i < COUNT(body_rows); i++)
		ck_assert(span_equal(sealed(arena, wash_cut(arena, &settings, body_rows[i].mail, 0, NULL), body_rows[i].what),
				     sealed(arena, wash_cut(arena, &settings, body_rows[i].mail, 0, NULL), body_rows[i].what)));
}
END_TEST

/* ---- characters ---- */

static void valid_demand(void *user, struct span text)
{
	uint32_t codepoint = *(const uint32_t *)user;

	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] == '\n')
			return;
	ck_assert_msg(letter_text_valid(text, LETTER_TEXT_BODY), "U+%04X", codepoint);
}

/* What the filter lets pass, a letter may hold: no text has to be cleaned twice. */
START_TEST(every_character_that_the_filter_passes_may_cross)
{
	for (uint32_t codepoint = 0; codepoint <= 0x10ffff; codepoint++) {
		struct text_filter filter = text_filter_make();
		char bytes[6] = "a";
		size_t length = 1 + text_encode(codepoint, bytes + 1);

		text_filter_feed(&filter, (struct span){ .data = bytes, .length = length }, valid_demand, &codepoint);
		text_filter_finish(&filter, valid_demand, &codepoint);
	}
}
END_TEST

/* ---- what a file is ---- */

#define ZIP_HEADER(flags, name_length) "PK\3\4\24\0" flags "\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" name_length "\0\0"

static const struct {
	const char *what;
	struct span begin;	/* then `zeros` zero bytes, then end */
	size_t zeros;
	struct span end;
	const char *type;
	bool encrypted, text;
} sniff_rows[] = {
	{ "nothing", BYTES(""), 0, BYTES(""), "", false, true },
	{ "words", BYTES("plain words"), 0, BYTES(""), "", false, true },
	{ "PDF", BYTES("%PDF-1.7\n"), 0, BYTES(""), "application/pdf", false, false },
	{ "PDF with a password, far in", BYTES("%PDF-1.7\n"), 70000, BYTES("/Encrypt 5 0 R"), "application/pdf", true, false },
	{ "ZIP", BYTES(ZIP_HEADER("\0\0", "\5\0") "a.txt"), 0, BYTES(""), "application/zip", false, false },
	{ "ZIP with a password", BYTES(ZIP_HEADER("\1\0", "\5\0") "a.txt"), 0, BYTES(""), "application/zip", true, false },
	{ "ZIP, the second entry has a password", BYTES(ZIP_HEADER("\0\0", "\5\0") "a.txt"), 5000,
	  BYTES(ZIP_HEADER("\1\0", "\5\0") "b.txt0123456789012345678901234567890123456789012345678901234567890123456789"), "application/zip", true, false },
	{ "Word", BYTES(ZIP_HEADER("\0\0", "\21\0") "word/document.xml"), 0, BYTES(""),
	  "application/vnd.openxmlformats-officedocument.wordprocessingml.document", false, false },
	{ "Excel with macros", BYTES(ZIP_HEADER("\0\0", "\17\0") "xl/workbook.xml"), 3000,
	  BYTES(ZIP_HEADER("\0\0", "\21\0") "xl/vbaProject.bin0123456789012345678901234567890123456789012345678901234567890123"),
	  "application/vnd.ms-excel.sheet.macroenabled.12", false, false },
	{ "old Excel", BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), 2000, BYTES("W\0o\0r\0k\0b\0o\0o\0k\0"), "application/vnd.ms-excel", false, false },
	{ "a document with a password", BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), 1030, BYTES("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"),
	  "application/x-ole-storage", true, false },
	{ "RAR 4", BYTES("Rar!\x1a\7\0\0\0\x73\0\0\0"), 0, BYTES(""), "application/vnd.rar", false, false },
	{ "RAR 4 with encrypted names", BYTES("Rar!\x1a\7\0\0\0\x73\x80\0\0"), 0, BYTES(""), "application/vnd.rar", true, false },
	{ "LZH", BYTES("\x20\x12-lh5-"), 0, BYTES(""), "application/x-lzh-compressed", false, false },
	{ "a program", BYTES("MZ\x90"), 100, BYTES(""), "application/vnd.microsoft.portable-executable", false, false },
	{ "a text that begins with MZ", BYTES("MZ"), 0, BYTES(""), "", false, true },
	{ "a disc", BYTES(""), 32769, BYTES("CD001"), "application/x-iso9660-image", false, false },
	{ "PNG", BYTES("\x89PNG\r\n\x1a\n"), 0, BYTES(""), "image/png", false, false },
	{ "a shortcut", BYTES("L\0\0\0\1\x14\2\0"), 0, BYTES(""), "application/x-ms-shortcut", false, false },
	{ "a web page behind white space", BYTES("\n\n <!DOCTYPE HTML>"), 0, BYTES(""), "text/html", false, true },
	{ "a script", BYTES("#!/bin/sh\n"), 0, BYTES(""), "text/x-script", false, true },
	{ "RTF", BYTES("{\\rtf1"), 0, BYTES(""), "application/rtf", false, true },
	{ "winmail.dat", BYTES("\x78\x9f\x3e\x22"), 0, BYTES(""), "application/vnd.ms-tnef", false, false },
	{ "S/MIME", BYTES("\x30\x80\6\11\x2a\x86\x48\x86\xf7\r\1\7\2"), 0, BYTES(""), "application/pkcs7-mime", false, false },
};

static struct wash_sniffed sniff_cut(struct span bytes, size_t most)
{
	struct wash_sniffer sniffer;

	wash_sniff_begin(&sniffer);
	while (bytes.length > 0) {
		size_t length = bytes.length < most ? bytes.length : most;

		wash_sniff_feed(&sniffer, span_part(bytes, 0, length));
		bytes = span_part(bytes, length, bytes.length);
	}
	return wash_sniff_result(&sniffer);
}

START_TEST(file_is_known_by_its_look)
{
	static const size_t cuts[] = { 1, 3, 63, 64, 65, 1000, 1024, 1025, SIZE_MAX };
	struct buf file = buf_limited(0);

	buf_put(&file, sniff_rows[_i].begin.data, sniff_rows[_i].begin.length);
	for (size_t i = 0; i < sniff_rows[_i].zeros; i++)
		buf_putc(&file, '\0');
	buf_put(&file, sniff_rows[_i].end.data, sniff_rows[_i].end.length);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct wash_sniffed sniffed = sniff_cut(buf_span(&file), cuts[i]);

		ck_assert_msg(span_equal(sniffed.type, span_of(sniff_rows[_i].type)), "%s: %.*s, cut %zu", sniff_rows[_i].what,
			      (int)sniffed.type.length, sniffed.type.data, cuts[i]);
		ck_assert_msg(sniffed.encrypted == sniff_rows[_i].encrypted && sniffed.text == sniff_rows[_i].text, "%s, cut %zu",
			      sniff_rows[_i].what, cuts[i]);
	}
	buf_free(&file);
}
END_TEST

/* ---- real mail ---- */

static struct span file_read(struct arena *arena, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct span bytes;
	struct stat facts;

	ck_assert_msg(file && fstat(fileno(file), &facts) == 0, "%s", path);
	bytes = (struct span){ .data = arena_alloc(arena, (size_t)facts.st_size), .length = (size_t)facts.st_size };
	ck_assert_uint_eq(fread((void *)(uintptr_t)bytes.data, 1, bytes.length, file), bytes.length);
	fclose(file);
	return bytes;
}

/* Washes every file below the directory, whole and in pieces; returns how many there are. */
static size_t directory_wash(const char *path)
{
	DIR *directory = opendir(path);
	size_t count = 0;

	if (!directory)
		return 0;
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
		const char *below = arena_printf(arena, "%s/%s", path, entry->d_name);
		const struct letter *letter;
		struct span mail;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "MANIFEST.csv") == 0)
			continue;
		if (entry->d_type == DT_DIR) {
			count += directory_wash(below);
			continue;
		}
		mail = file_read(arena, below);
		letter = wash_cut(arena, &settings, mail, 0, NULL);
		goes_on(arena, letter, below);
		ck_assert_msg(span_equal(sealed(arena, letter, below),
					 sealed(arena, wash_cut(arena, &settings, mail, 700, NULL), below)), "%s: cut into pieces", below);
		ck_assert_uint_lt(arena_footprint(arena), 3 * WASH_BYTES_MAX);
		count++;
	}
	closedir(directory);
	return count;
}

START_TEST(every_message_of_the_corpus_becomes_a_letter)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();

	if (directory_wash(corpus_path(arena, "mail")) == 0)
		corpus_miss("mail");
}
END_TEST

static Suite *wash_suite(void)
{
	Suite *suite = suite_create("mail/wash");
	TCase *rows = tcase_create("rows"), *limits = tcase_create("limits"), *corpus = tcase_create("corpus");

	tcase_set_timeout(rows, 60);
	tcase_set_timeout(limits, 60);
	tcase_set_timeout(corpus, 300);
	tcase_add_loop_test(rows, headers_become_values, 0, COUNT(header_rows));
	tcase_add_loop_test(rows, parts_become_text_or_rows, 0, COUNT(body_rows));
	tcase_add_loop_test(rows, settings_decide, 0, COUNT(settings_rows));
	tcase_add_test(rows, facts_say_how_a_text_was_read);
	tcase_add_test(rows, same_mail_has_the_same_letter);
	tcase_add_test(rows, every_character_that_the_filter_passes_may_cross);
	tcase_add_loop_test(rows, file_is_known_by_its_look, 0, COUNT(sniff_rows));
	tcase_add_loop_test(limits, long_text_is_cut_and_on_the_receipt, 0, COUNT(limit_rows));
	tcase_add_loop_test(limits, files_beyond_the_receipt_are_counted_with_their_bytes, 0, 3);
	tcase_add_test(limits, files_in_a_text_beyond_the_receipt_are_counted_with_their_bytes);
	tcase_add_test(limits, notes_of_one_kind_leave_room_for_others);
	tcase_add_test(corpus, every_message_of_the_corpus_becomes_a_letter);
	suite_add_tcase(suite, rows);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, corpus);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(wash_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return corpus_exit(failed);
}
