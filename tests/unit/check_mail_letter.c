/*
 * mail/letter: what the validator accepts and refuses, each limit at limit and limit + 1; cleaning in pieces; and that every
 * letter which is accepted becomes a message that reads back as the same letter.
 */
#include "mail/letter.h"

#include <check.h>
#include <errno.h>

#include "letter_reader.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define BYTES(literal) { .data = literal, .length = sizeof(literal) - 1 }

static const struct letter_envelope envelope = {
	.original_id = BYTES("20261121-k7q2m9x4"), .original_bytes = 345678, .received_seconds = 1795249716,
	.client = { .family = 4, .bytes = { 192, 0, 2, 25 } }, .client_domain = BYTES("mx.example.jp"), .client_tls = true,
	.sender = BYTES("taro@example.jp"), .recipients = 2,
};

static const struct letter_office office = {
	.relay_domain = BYTES("relay.town.lg.jp"), .notice_address = BYTES("sekisho@town.lg.jp"), .authserv_id = BYTES("relay.town.lg.jp"),
	.zone_minutes = 540, .language = LANGUAGE_JA,
};

/* ---- a letter with something in each field ---- */

static void sample_headers(struct letter *letter)
{
	letter->dated = true;
	letter->date_seconds = 1795249000;
	letter->date_zone_minutes = -210;
	letter->from = (struct letter_address){ .name = BYTES("山田 太郎"), .address = BYTES("taro@example.jp") };
	letter->reply_to[letter->reply_to_count++] = (struct letter_address){ .address = BYTES("a..b.@docomo.example") };
	letter->to[letter->to_count++] = (struct letter_address){ .name = BYTES("Soumu-ka"), .address = BYTES("soumu@town.lg.jp") };
	letter->to[letter->to_count++] = (struct letter_address){ .name = BYTES("=?x?="), .address = BYTES("x=y@a-b.example") };
	letter->cc[letter->cc_count++] = (struct letter_address){ .address = BYTES("bot@localhost") };
	letter->subject = (struct span)BYTES("【重要】髙﨑市の件 ①🍎 辻󠄀様");
	letter->message_id = (struct span)BYTES("CAF+x.1$2@mail.example.jp");
	letter->in_reply_to[letter->in_reply_to_count++] = (struct span)BYTES("p@q");
	letter->references[letter->references_count++] = (struct span)BYTES("o@q");
	letter->references[letter->references_count++] = (struct span)BYTES("p@q");
	letter->auto_submitted = LETTER_AUTO_REPLIED;
	letter->bulk = true;
	letter->verdicts[LETTER_METHOD_SPF] = LETTER_VERDICT_PASS;
	letter->verdicts[LETTER_METHOD_DMARC] = LETTER_VERDICT_SOFTFAIL;
}

static void sample_rows(struct letter *letter)
{
	letter->rows[letter->row_count++] = (struct letter_row){
		.reason = LETTER_REASON_ATTACHMENT, .name = BYTES("見積書.pdf　　　.exe"), .extension = BYTES("exe"),
		.declared_type = BYTES("application/pdf"), .sniffed_type = BYTES("application/x-msdownload"),
		.size_bytes = UINT64_MAX, .sha256 = { 0xde, 0xad },
	};
	letter->rows[letter->row_count++] = (struct letter_row){ .reason = LETTER_REASON_TNEF };
	letter->notes[letter->note_count++] = (struct letter_note){ .code = LETTER_NOTE_STRUCTURE };
	letter->notes[letter->note_count++] = (struct letter_note){ .code = LETTER_NOTE_LINK_MISMATCH, .count = 3 };
	letter->notes[letter->note_count++] = (struct letter_note){
		.code = LETTER_NOTE_FROM_SEVERAL, .count = 1, .detail = BYTES("花子 <hanako@example.jp>"),
	};
	letter->notes[letter->note_count++] = (struct letter_note){ .code = LETTER_NOTE_DATE_ODD, .detail = BYTES("昨日 (1): x") };
}

static struct letter *letter_sample(struct arena *arena)
{
	struct letter *letter = arena_alloc(arena, sizeof(*letter));

	sample_headers(letter);
	sample_rows(letter);
	letter->hops = 7;
	for (size_t i = 0; i < LETTER_COUNTERS; i++)
		letter->counters[i] = (uint32_t)i + 1;
	letter->text = (struct span)BYTES("お世話になっております。\r\n\r\n.\r\n\tFrom x\r\n"
		"【無害化票】原本番号 20261121-xxxxxxxx：取り除いたものはありません\r\n");
	return letter;
}

static struct span letter_sealed(struct arena *arena, const struct letter *letter)
{
	struct buf frame = buf_limited(0);
	struct span kept;

	ck_assert_int_eq(letter_seal(&frame, letter, NULL), 0);
	kept = reader_span(arena_strndup(arena, frame.data, frame.length), frame.length);
	buf_free(&frame);
	return kept;
}

/* Bytes of the headers of a message, the empty line included. */
static size_t headers_bytes(const struct buf *message)
{
	const char *end = memmem(message->data, message->length, "\r\n\r\n", 4);

	ck_assert_ptr_nonnull(end);
	return (size_t)(end - message->data) + 4;
}

/* Bytes of the headers that hold values of the letter: without their names, the last CR LF, and a message id that is ours. */
static size_t headers_measured(const struct buf *message, bool id_is_ours)
{
	const char *line = message->data, *end = line + headers_bytes(message) - 2, *next;
	size_t measured = 0, name = 0;
	bool counted = false;

	for (; line < end; line = next) {
		next = (const char *)memmem(line, (size_t)(end - line), "\r\n", 2) + 2;
		if (line[0] != ' ') {
			name = (size_t)((const char *)memchr(line, ':', (size_t)(end - line)) - line) + 1;
			counted = (strchr("FTCRSMI", line[0]) && strncmp(line, "Received", 8) != 0 && strncmp(line, "MIME", 4) != 0 &&
				   strncmp(line, "Content", 7) != 0 && !(id_is_ours && strncmp(line, "Message-ID", 10) == 0));
			measured -= counted ? name + 2 : 0;
		}
		measured += counted ? (size_t)(next - line) : 0;
	}
	return measured;
}

/* Composes the letter in each language and reads it back; judges the bounds that the validator relies on. */
static void letter_goes_round(struct arena *arena, const struct letter *letter, const char *what)
{
	for (unsigned language = 0; language < 2; language++) {
		struct letter_office in = office;
		struct buf message = buf_limited(LETTER_MESSAGE_BYTES_MAX);
		const char *fault;
		size_t headers;

		in.language = language ? LANGUAGE_JA : LANGUAGE_EN;
		ck_assert_msg(letter_compose(&message, letter, &envelope, &in) == 0, "%s: not composed", what);
		fault = letter_read_back(arena, buf_span(&message), letter, &envelope, &in);
		ck_assert_msg(!fault, "%s: %s", what, fault);
		headers = headers_bytes(&message);
		ck_assert_msg(headers_measured(&message, letter->message_id.length == 0) <= letter_headers_cost(letter),
			      "%s: cost of headers", what);
		ck_assert_uint_le(headers, LETTER_HEADERS_BYTES_MAX);
		ck_assert_msg((message.length - headers) / 78 * 57 <= letter_body_cost(letter) + 4 * 1024, "%s: cost of the body", what);
		buf_free(&message);
	}
}

START_TEST(letter_with_every_field_goes_round)
{
	struct arena *arena = arena_new();
	struct letter *letter = letter_sample(arena), *checked = arena_alloc(arena, sizeof(*checked));
	struct span frame = letter_sealed(arena, letter), again;
	size_t bytes;

	ck_assert_int_eq(letter_frame_bytes(frame, &bytes), 0);
	ck_assert_uint_eq(bytes, frame.length);
	ck_assert_int_eq(letter_check(frame, checked, NULL), 0);
	again = letter_sealed(arena, checked);
	ck_assert(span_equal(frame, again));
	ck_assert_int_eq((int)checked->date_seconds, 1795249000);
	ck_assert_int_eq(checked->date_zone_minutes, -210);
	ck_assert_uint_eq(checked->row_count, 2);
	ck_assert_uint_eq(checked->rows[0].sha256[1], 0xad);
	letter_goes_round(arena, checked, "sample");
	arena_free(arena);
}
END_TEST

static const char sample_message_headers[] =
	"Received: from mx.example.jp ([192.0.2.25]) by relay.town.lg.jp with ESMTPS\r\n"
	" id 20261121-k7q2m9x4; Sat, 21 Nov 2026 17:28:36 +0900\r\n"
	"Date: Sat, 21 Nov 2026 04:46:40 -0330\r\n"
	"From: =?UTF-8?B?5bGx55SwIOWkqumDjg==?= <taro@example.jp>\r\n"
	"Reply-To: <\"a..b.\"@docomo.example>\r\n"
	"To: Soumu-ka <soumu@town.lg.jp>, =?UTF-8?B?PT94Pz0=?= <x=y@a-b.example>\r\n"
	"Cc: <bot@localhost>\r\n"
	"Subject: =?UTF-8?B?44CQ6YeN6KaB44CR6auZ76iR5biC44Gu5Lu2IOKRoPCfjY4g6L67?=\r\n"
	" =?UTF-8?B?86CEgOanmA==?=\r\n"
	"Message-ID: <CAF+x.1$2@mail.example.jp>\r\n"
	"In-Reply-To: <p@q>\r\n"
	"References: <o@q> <p@q>\r\n"
	"Auto-Submitted: auto-replied\r\n"
	"Precedence: bulk\r\n"
	"MIME-Version: 1.0\r\n"
	"Content-Type: text/plain; charset=UTF-8\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"X-Sekisho: 1; id=20261121-k7q2m9x4; parts=1; rows-omitted=2;\r\n"
	" addresses-omitted=3; text-omitted=4; replaced=5; removed=6; links=7;\r\n"
	" rows-omitted-bytes=8; hops=7\r\n"
	"Authentication-Results: relay.town.lg.jp; spf=pass; dmarc=softfail\r\n"
	"\r\n";

static const char sample_message_body[] =
	"【無害化】原本番号 20261121-k7q2m9x4、受信 2026-11-21 17:28:36 +0900、原本 345678 バイト。"
	"原本はインターネット側に保管しています。\r\n"
	"\r\n"
	"お世話になっております。\r\n\r\n.\r\n\tFrom x\r\n【無害化票】原本番号 20261121-xxxxxxxx：取り除いたものはありません\r\n"
	"\r\n"
	"…以下省略(4 バイト)\r\n"
	"\r\n"
	"【無害化票】原本番号 20261121-k7q2m9x4：お届けしていないもの 4 件\r\n"
	"1. 見積書.pdf　　　.exe | exe | application/pdf / application/x-msdownload | 18446744073709551615 バイト | "
	"dead000000000000000000000000000000000000000000000000000000000000\r\n"
	"   理由: 添付ファイルのため\r\n"
	"2. - | - | - / - | 0 バイト | 0000000000000000000000000000000000000000000000000000000000000000\r\n"
	"   理由: winmail.dat のため(送信者が Outlook のリッチテキスト形式で送信しています)\r\n"
	"ほか 2 件(8 バイト)は一覧に載せていません\r\n"
	"\r\n"
	"【注記】\r\n"
	"- メールの構造が壊れているか、矛盾しています\r\n"
	"- 表示と異なる接続先へのリンクがあります (3)\r\n"
	"- 表示していない差出人があります (1): 花子 <hanako@example.jp>\r\n"
	"- 送信日時が読み取れないため、受信日時を表示しています: 昨日 (1): x\r\n"
	"記載しきれなかった宛先: 3 件\r\n"
	"読み取れず〓で表示した文字: 5 件\r\n";

START_TEST(message_is_exactly_this)
{
	struct arena *arena = arena_new();
	struct reading reading = { .arena = arena };
	struct buf message = buf_limited(0);
	size_t headers = sizeof(sample_message_headers) - 1;

	ck_assert_int_eq(letter_compose(&message, letter_sample(arena), &envelope, &office), 0);
	ck_assert_msg(span_equal(reader_span(message.data, headers), span_of(sample_message_headers)), "%.*s", (int)headers,
		      message.data);
	body_read(&reading, message.data + headers, message.data + message.length);
	ck_assert_ptr_null(reading.fault);
	ck_assert_str_eq(reading.body, sample_message_body);
	buf_free(&message);
	arena_free(arena);
}
END_TEST

/* ---- frames made by hand ---- */

static void field_put(struct buf *frame, unsigned tag, struct span value)
{
	buf_putc(frame, (char)tag);
	for (unsigned shift = 32; shift > 0; shift -= 8)
		buf_putc(frame, (char)(unsigned char)(value.length >> (shift - 8)));
	buf_put(frame, value.data, value.length);
}

static const struct span minimal[LETTER_FIELDS] = {
	[LETTER_FIELD_FROM] = BYTES("\003a@b"),
	[LETTER_FIELD_HOPS] = BYTES("\0"),
	[LETTER_FIELD_COUNTERS] = BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
};

static void frame_begin(struct buf *frame)
{
	frame->length = 0;
	buf_put(frame, "SKL1\0\0\0\0", 8);
}

static struct span frame_end(struct buf *frame)
{
	for (unsigned i = 0; i < 4; i++)
		frame->data[4 + i] = (char)(unsigned char)((frame->length - LETTER_HEAD_BYTES) >> (24 - 8 * i));
	return buf_span(frame);
}

/* The smallest letter, with a field `times` times in its place (in place of the one it has). */
static struct span frame_with(struct buf *frame, unsigned tag, struct span value, size_t times)
{
	frame_begin(frame);
	for (unsigned t = 1; t < LETTER_FIELDS; t++)
		if (t == tag)
			for (size_t i = 0; i < times; i++)
				field_put(frame, t, value);
		else if (minimal[t].length)
			field_put(frame, t, minimal[t]);
	return frame_end(frame);
}

/* A value: bytes, then a byte repeated, then bytes. */
static const struct value_row {
	const char *what;
	unsigned tag;
	struct span begin;
	char repeated;
	size_t times;
	struct span end;
	bool accepted;
} value_rows[] = {
#define DATE LETTER_FIELD_DATE
	{ "date at its first second", DATE, BYTES("\0\0\0\0\0\1\121\200\0\0"), 0, 0, BYTES(""), true },
	{ "date before the first second", DATE, BYTES("\0\0\0\0\0\1\121\177\0\0"), 0, 0, BYTES(""), false },
	{ "date at its last second, zone +14:00", DATE, BYTES("\0\0\0\x3a\xff\xf2\xef\xff\x03\x48"), 0, 0, BYTES(""), true },
	{ "date behind the last second", DATE, BYTES("\0\0\0\x3a\xff\xf2\xf0\0\0\0"), 0, 0, BYTES(""), false },
	{ "zone +14:01", DATE, BYTES("\0\0\0\0\1\1\121\200\x03\x49"), 0, 0, BYTES(""), false },
	{ "zone -12:00", DATE, BYTES("\0\0\0\0\1\1\121\200\xfd\x30"), 0, 0, BYTES(""), true },
	{ "zone -12:01", DATE, BYTES("\0\0\0\0\1\1\121\200\xfd\x2f"), 0, 0, BYTES(""), false },
	{ "negative date", DATE, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\0\0"), 0, 0, BYTES(""), false },
	{ "date cut short", DATE, BYTES("\0\0\0\0\1\1\121\200\0"), 0, 0, BYTES(""), false },
	{ "date too long", DATE, BYTES("\0\0\0\0\1\1\121\200\0\0\0"), 0, 0, BYTES(""), false },
#define SUBJECT LETTER_FIELD_SUBJECT
	{ "subject of 250 characters", SUBJECT, BYTES(""), 'x', 250, BYTES(""), true },
	{ "subject of 251 characters", SUBJECT, BYTES(""), 'x', 251, BYTES(""), false },
	{ "subject of 250 characters, the last with four bytes", SUBJECT, BYTES(""), 'x', 249, BYTES("🍎"), true },
	{ "empty subject field", SUBJECT, BYTES(""), 0, 0, BYTES(""), false },
	{ "subject with CR LF and a header", SUBJECT, BYTES("a\r\nBcc: x@y"), 0, 0, BYTES(""), false },
	{ "subject with LF", SUBJECT, BYTES("a\nb"), 0, 0, BYTES(""), false },
	{ "subject with TAB", SUBJECT, BYTES("a\tb"), 0, 0, BYTES(""), false },
	{ "subject with NUL", SUBJECT, BYTES("a\0b"), 0, 0, BYTES(""), false },
	{ "subject with right-to-left override", SUBJECT, BYTES("a\u202e" "b"), 0, 0, BYTES(""), false },
	{ "subject with an overlong slash", SUBJECT, BYTES("a\xc0\xaf"), 0, 0, BYTES(""), false },
	{ "subject with a surrogate", SUBJECT, BYTES("\xed\xa0\x80"), 0, 0, BYTES(""), false },
	{ "subject beyond U+10FFFF", SUBJECT, BYTES("\xf4\x90\x80\x80"), 0, 0, BYTES(""), false },
	{ "subject with half a character at its end", SUBJECT, BYTES("a\xe3\x81"), 0, 0, BYTES(""), false },
	{ "subject with a lone continuation byte", SUBJECT, BYTES("a\x81"), 0, 0, BYTES(""), false },
	{ "subject that looks like an encoded word", SUBJECT, BYTES("=?UTF-8?B?YQ==?="), 0, 0, BYTES(""), true },
	{ "subject of spaces", SUBJECT, BYTES("  "), 0, 0, BYTES(""), true },
#define FROM LETTER_FIELD_FROM
	{ "sender with a name of 255 bytes", FROM, BYTES("\003a@b"), 'n', 255, BYTES(""), true },
	{ "sender with a name of 256 bytes", FROM, BYTES("\003a@b"), 'n', 256, BYTES(""), false },
	{ "sender whose name holds an address", FROM, BYTES("\003a@bx@y"), 0, 0, BYTES(""), false },
	{ "sender whose name holds a line end", FROM, BYTES("\003a@bx\r\n"), 0, 0, BYTES(""), false },
	{ "empty sender", FROM, BYTES("\0"), 0, 0, BYTES(""), false },
	{ "sender shorter than it says", FROM, BYTES("\004a@b"), 0, 0, BYTES(""), false },
	{ "sender without a byte", FROM, BYTES(""), 0, 0, BYTES(""), false },
#define ID LETTER_FIELD_MESSAGE_ID
	{ "message id of 250 bytes", ID, BYTES("a@"), 'b', 248, BYTES(""), true },
	{ "message id of 251 bytes", ID, BYTES("a@"), 'b', 249, BYTES(""), false },
	{ "message id with a bracket", ID, BYTES("a>@b"), 0, 0, BYTES(""), false },
	{ "message id with a space", ID, BYTES("a @b"), 0, 0, BYTES(""), false },
	{ "message id with CR LF", ID, BYTES("a@b\r\nX: y"), 0, 0, BYTES(""), false },
	{ "reference without domain", LETTER_FIELD_REFERENCE, BYTES("a@"), 0, 0, BYTES(""), false },
	{ "in-reply-to with two at signs", LETTER_FIELD_IN_REPLY_TO, BYTES("a@b@c"), 0, 0, BYTES(""), false },
	{ "auto-submitted: the last value", LETTER_FIELD_AUTO_SUBMITTED, BYTES("\2"), 0, 0, BYTES(""), true },
	{ "auto-submitted: beyond the last", LETTER_FIELD_AUTO_SUBMITTED, BYTES("\3"), 0, 0, BYTES(""), false },
	{ "auto-submitted: no, which has no field", LETTER_FIELD_AUTO_SUBMITTED, BYTES("\0"), 0, 0, BYTES(""), false },
	{ "bulk", LETTER_FIELD_BULK, BYTES("\1"), 0, 0, BYTES(""), true },
	{ "not bulk, which has no field", LETTER_FIELD_BULK, BYTES("\0"), 0, 0, BYTES(""), false },
	{ "bulk twice as much", LETTER_FIELD_BULK, BYTES("\2"), 0, 0, BYTES(""), false },
	{ "verdicts: last values", LETTER_FIELD_VERDICTS, BYTES("\7\7\7\7"), 0, 0, BYTES(""), true },
	{ "verdicts: beyond the last", LETTER_FIELD_VERDICTS, BYTES("\1\1\1\10"), 0, 0, BYTES(""), false },
	{ "verdicts: none known, which has no field", LETTER_FIELD_VERDICTS, BYTES("\0\0\0\0"), 0, 0, BYTES(""), false },
	{ "hops at limit", LETTER_FIELD_HOPS, BYTES("\377"), 0, 0, BYTES(""), true },
	{ "counters cut short", LETTER_FIELD_COUNTERS, BYTES(""), 0, 31, BYTES(""), false },
	{ "counters too many", LETTER_FIELD_COUNTERS, BYTES(""), 0, 36, BYTES(""), false },
	{ "counters full", LETTER_FIELD_COUNTERS, BYTES(""), '\xff', 32, BYTES(""), true },
#define TEXT LETTER_FIELD_TEXT
	{ "text at limit", TEXT, BYTES(""), 'x', LETTER_TEXT_BYTES_MAX, BYTES(""), true },
	{ "text at limit + 1", TEXT, BYTES(""), 'x', LETTER_TEXT_BYTES_MAX + 1, BYTES(""), false },
	{ "text with TAB and CR LF, forged end of data", TEXT, BYTES("a\t\r\n.\r\n\r\n.\r\nMAIL FROM:<>\r\n"), 0, 0, BYTES(""), true },
	{ "text with LF alone", TEXT, BYTES("a\n.\r\n"), 0, 0, BYTES(""), false },
	{ "text with CR alone", TEXT, BYTES("a\rb"), 0, 0, BYTES(""), false },
	{ "text with CR at its end", TEXT, BYTES("a\r"), 0, 0, BYTES(""), false },
	{ "text with CR CR LF", TEXT, BYTES("a\r\r\n"), 0, 0, BYTES(""), false },
	{ "text with NEL", TEXT, BYTES("a\xc2\x85"), 0, 0, BYTES(""), false },
	{ "text with ESC", TEXT, BYTES("\x1b[2J"), 0, 0, BYTES(""), false },
	{ "text with DEL", TEXT, BYTES("\x7f"), 0, 0, BYTES(""), false },
	{ "text with a byte order mark", TEXT, BYTES("\xef\xbb\xbf" "a"), 0, 0, BYTES(""), false },
	{ "text with a variation sequence of a name", TEXT, BYTES("辻󠄀"), 0, 0, BYTES(""), true },
	{ "text with private use", TEXT, BYTES("\xee\x80\x80"), 0, 0, BYTES(""), false },
	{ "empty text field", TEXT, BYTES(""), 0, 0, BYTES(""), false },
#define ROW LETTER_FIELD_ROW
#define ROW_HEAD "\1\0\0\0\0\0\0\0\1" "0123456789abcdef0123456789abcdef"
	{ "row without texts", ROW, BYTES(ROW_HEAD "\0\0\0"), 0, 0, BYTES(""), true },
	{ "row of no reason", ROW, BYTES("\0\0\0\0\0\0\0\0\1" "0123456789abcdef0123456789abcdef\0\0\0"), 0, 0, BYTES(""), false },
	{ "row of the last reason", ROW, BYTES("\x13\0\0\0\0\0\0\0\1" "0123456789abcdef0123456789abcdef\0\0\0"), 0, 0, BYTES(""), true },
	{ "row beyond the reasons", ROW, BYTES("\x14\0\0\0\0\0\0\0\1" "0123456789abcdef0123456789abcdef\0\0\0"), 0, 0, BYTES(""), false },
	{ "row without its last length", ROW, BYTES(ROW_HEAD "\0\0"), 0, 0, BYTES(""), false },
	{ "row with a name of 255 bytes", ROW, BYTES(ROW_HEAD "\xff"), 'n', 255, BYTES("\0\0"), true },
	{ "row with a name shorter than it says", ROW, BYTES(ROW_HEAD "\xff"), 'n', 252, BYTES("\0\0"), false },
	{ "row with a bar in the name", ROW, BYTES(ROW_HEAD "\003a|b\0\0"), 0, 0, BYTES(""), false },
	{ "row with a slash in the name", ROW, BYTES(ROW_HEAD "\003../\0\0"), 0, 0, BYTES(""), false },
	{ "row with a backslash in the name", ROW, BYTES(ROW_HEAD "\003a\\b\0\0"), 0, 0, BYTES(""), false },
	{ "row with a line end in the name", ROW, BYTES(ROW_HEAD "\003a\r\n\0\0"), 0, 0, BYTES(""), false },
	{ "row with an extension of 16", ROW, BYTES(ROW_HEAD "\0\020"), 'e', 16, BYTES("\0"), true },
	{ "row with an extension of 17", ROW, BYTES(ROW_HEAD "\0\021"), 'e', 17, BYTES("\0"), false },
	{ "row with an extension in capitals", ROW, BYTES(ROW_HEAD "\0\003EXE\0"), 0, 0, BYTES(""), false },
	{ "row with a sniffed type of 127", ROW, BYTES(ROW_HEAD "\0\0\0a/"), 'b', 125, BYTES(""), true },
	{ "row with a sniffed type of 128", ROW, BYTES(ROW_HEAD "\0\0\0a/"), 'b', 126, BYTES(""), false },
	{ "row with a type without slash", ROW, BYTES(ROW_HEAD "\0\0\003abc"), 0, 0, BYTES(""), false },
	{ "row with a type in capitals", ROW, BYTES(ROW_HEAD "\0\0\003A/b"), 0, 0, BYTES(""), false },
	{ "row with a type that has a parameter", ROW, BYTES(ROW_HEAD "\0\0\005a/b;c"), 0, 0, BYTES(""), false },
	{ "row with a type without subtype", ROW, BYTES(ROW_HEAD "\0\0\002a/"), 0, 0, BYTES(""), false },
#define NOTE LETTER_FIELD_NOTE
	{ "note that is only a sentence", NOTE, BYTES("\16\0\0\0\0"), 0, 0, BYTES(""), true },
	{ "note that is only a sentence, with a count", NOTE, BYTES("\16\0\0\0\1"), 0, 0, BYTES(""), false },
	{ "note that is only a sentence, with a detail", NOTE, BYTES("\16\0\0\0\0x"), 0, 0, BYTES(""), false },
	{ "counted note", NOTE, BYTES("\11\0\0\0\1"), 0, 0, BYTES(""), true },
	{ "counted note without count", NOTE, BYTES("\11\0\0\0\0"), 0, 0, BYTES(""), false },
	{ "detail of 255 bytes", NOTE, BYTES("\6\0\0\0\0"), 'd', 255, BYTES(""), true },
	{ "detail of 256 bytes", NOTE, BYTES("\6\0\0\0\0"), 'd', 256, BYTES(""), false },
	{ "detail with a line end", NOTE, BYTES("\6\0\0\0\0a\r\nb"), 0, 0, BYTES(""), false },
	{ "note of no code", NOTE, BYTES("\0\0\0\0\0"), 0, 0, BYTES(""), false },
	{ "note beyond the codes", NOTE, BYTES("\24\0\0\0\0"), 0, 0, BYTES(""), false },
	{ "note cut short", NOTE, BYTES("\16\0\0\0"), 0, 0, BYTES(""), false },
};

START_TEST(value_is_accepted_or_refused)
{
	const struct value_row *row = &value_rows[_i];
	struct arena *arena = arena_new();
	struct letter *letter = arena_alloc(arena, sizeof(*letter));
	struct buf value = buf_limited(0), frame = buf_limited(0);
	enum letter_field refused = LETTER_FIELDS;
	int result;

	buf_put(&value, row->begin.data, row->begin.length);
	for (size_t i = 0; i < row->times; i++)
		buf_putc(&value, row->repeated);
	buf_put(&value, row->end.data, row->end.length);
	result = letter_check(frame_with(&frame, row->tag, buf_span(&value), 1), letter, &refused);
	ck_assert_msg(result == (row->accepted ? 0 : -EBADMSG), "%s: %d", row->what, result);
	ck_assert_msg(row->accepted || refused == row->tag, "%s: refused as field %u", row->what, refused);
	if (row->accepted) {
		ck_assert(span_equal(letter_sealed(arena, letter), buf_span(&frame)));
		letter_goes_round(arena, letter, row->what);
	}
	buf_free(&value);
	buf_free(&frame);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *what;
	unsigned tag;
	struct span value;
	size_t minimum, maximum;
} count_rows[] = {
	{ "date", LETTER_FIELD_DATE, BYTES("\0\0\0\0\1\1\121\200\0\0"), 0, 1 },
	{ "from", LETTER_FIELD_FROM, BYTES("\003a@b"), 1, 1 },
	{ "reply-to", LETTER_FIELD_REPLY_TO, BYTES("\003a@b"), 0, 10 },
	{ "to", LETTER_FIELD_TO, BYTES("\003a@b"), 0, 100 },
	{ "cc", LETTER_FIELD_CC, BYTES("\003a@b"), 0, 100 },
	{ "subject", LETTER_FIELD_SUBJECT, BYTES("x"), 0, 1 },
	{ "message id", LETTER_FIELD_MESSAGE_ID, BYTES("a@b"), 0, 1 },
	{ "in-reply-to", LETTER_FIELD_IN_REPLY_TO, BYTES("a@b"), 0, 5 },
	{ "references", LETTER_FIELD_REFERENCE, BYTES("a@b"), 0, 21 },
	{ "auto-submitted", LETTER_FIELD_AUTO_SUBMITTED, BYTES("\1"), 0, 1 },
	{ "bulk", LETTER_FIELD_BULK, BYTES("\1"), 0, 1 },
	{ "verdicts", LETTER_FIELD_VERDICTS, BYTES("\1\0\0\0"), 0, 1 },
	{ "hops", LETTER_FIELD_HOPS, BYTES("\1"), 1, 1 },
	{ "counters", LETTER_FIELD_COUNTERS, BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 1, 1 },
	{ "text", LETTER_FIELD_TEXT, BYTES("x"), 0, 1 },
	{ "rows", LETTER_FIELD_ROW, BYTES(ROW_HEAD "\0\0\0"), 0, 1000 },
	{ "notes", LETTER_FIELD_NOTE, BYTES("\16\0\0\0\0"), 0, 64 },
	{ "unknown field", LETTER_FIELDS, BYTES("x"), 0, 0 },
};

START_TEST(field_occurs_as_often_as_it_may)
{
	struct arena *arena = arena_new();
	struct letter *letter = arena_alloc(arena, sizeof(*letter));
	struct buf frame = buf_limited(0);
	size_t maximum = count_rows[_i].maximum;
	unsigned tag = count_rows[_i].tag;

	for (size_t times = 0; times <= maximum + 1; times += times < maximum ? maximum : 1) {
		bool expected = times >= count_rows[_i].minimum && times <= maximum;
		int result;

		frame_with(&frame, tag, count_rows[_i].value, times);
		if (tag == LETTER_FIELDS && times > 0)
			field_put(&frame, tag, count_rows[_i].value);
		result = letter_check(frame_end(&frame), letter, NULL);
		ck_assert_msg(result == (expected ? 0 : -EBADMSG), "%s, %zu times: %d", count_rows[_i].what, times, result);
		if (expected && times > 0)
			letter_goes_round(arena, letter, count_rows[_i].what);
	}
	buf_free(&frame);
	arena_free(arena);
}
END_TEST

START_TEST(fields_stand_in_order)
{
	struct arena *arena = arena_new();
	struct letter *letter = arena_alloc(arena, sizeof(*letter));
	struct buf frame = buf_limited(0);

	frame_begin(&frame);
	field_put(&frame, LETTER_FIELD_HOPS, minimal[LETTER_FIELD_HOPS]);
	field_put(&frame, LETTER_FIELD_FROM, minimal[LETTER_FIELD_FROM]);
	field_put(&frame, LETTER_FIELD_COUNTERS, minimal[LETTER_FIELD_COUNTERS]);
	ck_assert_int_eq(letter_check(frame_end(&frame), letter, NULL), -EBADMSG);
	frame_with(&frame, LETTER_FIELD_HOPS, minimal[LETTER_FIELD_HOPS], 1);
	field_put(&frame, LETTER_FIELD_SUBJECT, span_of("x"));
	ck_assert_int_eq(letter_check(frame_end(&frame), letter, NULL), -EBADMSG);
	buf_free(&frame);
	arena_free(arena);
}
END_TEST

/* ---- frames that are damaged ---- */

static const struct {
	const char *what;
	struct span head;
	int result;
	size_t bytes;
} head_rows[] = {
	{ "nothing", BYTES(""), -EAGAIN, 0 },
	{ "seven bytes", BYTES("SKL1\0\0\0"), -EAGAIN, 0 },
	{ "an empty frame", BYTES("SKL1\0\0\0\0"), 0, 8 },
	{ "another format", BYTES("SKL2\0\0\0\0"), -EBADMSG, 0 },
	{ "at limit", BYTES("SKL1\0\x13\xff\xf8"), 0, LETTER_BYTES_MAX },
	{ "at limit + 1", BYTES("SKL1\0\x13\xff\xf9"), -EMSGSIZE, 0 },
	{ "4 GiB", BYTES("SKL1\xff\xff\xff\xff"), -EMSGSIZE, 0 },
};

START_TEST(head_says_how_long_the_frame_is)
{
	size_t bytes = 0;

	ck_assert_msg(letter_frame_bytes(head_rows[_i].head, &bytes) == head_rows[_i].result, "%s", head_rows[_i].what);
	ck_assert_uint_eq(bytes, head_rows[_i].bytes);
}
END_TEST

START_TEST(frame_cut_anywhere_or_followed_by_anything_is_refused)
{
	struct arena *arena = arena_new();
	struct letter *letter = arena_alloc(arena, sizeof(*letter));
	struct span frame = letter_sealed(arena, letter_sample(arena)), longer = frame;

	for (size_t length = 0; length < frame.length; length++) {
		struct buf cut = buf_limited(0);

		ck_assert_int_eq(letter_check(reader_span(frame.data, length), letter, NULL), -EBADMSG);
		buf_put(&cut, frame.data, length);
		if (length >= LETTER_HEAD_BYTES)
			letter_check(frame_end(&cut), letter, NULL);
		buf_free(&cut);
	}
	longer.length++;
	ck_assert_int_eq(letter_check(longer, letter, NULL), -EBADMSG);
	arena_free(arena);
}
END_TEST

START_TEST(frame_with_a_changed_byte_is_refused_or_is_another_letter)
{
	struct arena *arena = arena_new();
	struct letter *letter = arena_alloc(arena, sizeof(*letter));
	struct span frame = letter_sealed(arena, letter_sample(arena));
	char *bytes = arena_strndup(arena, frame.data, frame.length);
	size_t accepted = 0;

	for (size_t i = 0; i < frame.length; i++)
		for (unsigned change = 1; change < 256; change <<= 1) {
			struct buf again = buf_limited(0);

			bytes[i] = (char)(frame.data[i] ^ (char)(unsigned char)change);
			if (letter_check(reader_span(bytes, frame.length), letter, NULL) == 0) {
				ck_assert_int_eq(letter_seal(&again, letter, NULL), 0);
				ck_assert(span_equal(buf_span(&again), reader_span(bytes, frame.length)));
				accepted++;
			}
			buf_free(&again);
			bytes[i] = frame.data[i];
		}
	ck_assert_uint_gt(accepted, 0);
	arena_free(arena);
}
END_TEST

/* ---- characters ---- */

static const struct { uint32_t first, last; } forbidden[] = { LETTER_FORBIDDEN_CODEPOINTS };

static size_t codepoint_encode(uint32_t codepoint, char bytes[static 4])
{
	static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t length = codepoint < 0x80 ? 1 : codepoint < 0x800 ? 2 : codepoint < 0x10000 ? 3 : 4;

	for (size_t i = length - 1; i > 0; i--, codepoint >>= 6)
		bytes[i] = (char)(unsigned char)(0x80 | (codepoint & 0x3f));
	bytes[0] = (char)(unsigned char)(leads[length] | codepoint);
	return length;
}

/* One character through validator and cleaner, in each kind of text. */
static void codepoint_judge(uint32_t codepoint, bool expected)
{
	char bytes[4];
	struct span text = reader_span(bytes, codepoint_encode(codepoint, bytes));

	for (unsigned kind = 0; kind < LETTER_TEXT_KINDS; kind++) {
		struct letter_cleaner cleaner = letter_cleaner_make(kind);
		bool exception = (kind == LETTER_TEXT_BODY && codepoint == '\t') || (kind == LETTER_TEXT_NAME && codepoint == '@') ||
				 (kind == LETTER_TEXT_FILE && (codepoint == '|' || codepoint == '/' || codepoint == '\\'));
		struct buf out = buf_limited(0);

		ck_assert_msg(letter_text_valid(text, kind) == (expected == exception), "U+%04X", (unsigned)codepoint);
		letter_clean(&cleaner, text, &out);
		letter_clean_finish(&cleaner, &out);
		ck_assert_msg(letter_text_valid(buf_span(&out), kind), "U+%04X cleaned", (unsigned)codepoint);
		ck_assert_msg(expected || exception || span_equal(buf_span(&out), text), "U+%04X changed", (unsigned)codepoint);
		buf_free(&out);
	}
}

START_TEST(every_code_point_is_judged_as_the_table_says)
{
	size_t row = 0;

	for (uint32_t codepoint = 0; codepoint <= 0x10ffff; codepoint++) {
		bool expected;

		while (row < (size_t)COUNT(forbidden) && codepoint > forbidden[row].last)
			row++;
		expected = row < (size_t)COUNT(forbidden) && codepoint >= forbidden[row].first;
		if (letter_codepoint_forbidden(codepoint) != expected)
			ck_abort_msg("U+%04X", (unsigned)codepoint);
		/* Texts: those that are read in mails, and samples of the rest. */
		if (codepoint < 0x3200 || (codepoint >= 0xd700 && codepoint < 0xe100) || codepoint % 251 == 0 ||
		    codepoint % 0x10000 > 0xff00)
			codepoint_judge(codepoint, expected);
	}
	ck_assert(letter_codepoint_forbidden(0x110000));
}
END_TEST

START_TEST(forbidden_ranges_ascend)
{
	for (int i = 1; i < COUNT(forbidden); i++)
		ck_assert_msg(forbidden[i - 1].last < forbidden[i].first && forbidden[i].first <= forbidden[i].last, "range %d", i);
}
END_TEST

static const struct {
	const char *what;
	enum letter_text kind;
	struct span in, out;
	uint32_t replaced, removed;
} clean_rows[] = {
	{ "clean text stays", LETTER_TEXT_BODY, BYTES("髙﨑 ①\tｶﾅ 辻󠄀 🍎\r\n"), BYTES("髙﨑 ①\tｶﾅ 辻󠄀 🍎\r\n"), 0, 0 },
	{ "each line end becomes CR LF", LETTER_TEXT_BODY, BYTES("a\nb\rc\r\nd\r\r\ne\n\nf\u2028g\u2029h\xc2\x85i\vj\f"),
	  BYTES("a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\nf\r\ng\r\nh\r\ni\r\nj\r\n"), 0, 0 },
	{ "a line end becomes a space in one line", LETTER_TEXT_LINE, BYTES("a\r\nBcc: b\n\tc"), BYTES("a Bcc: b  c"), 0, 0 },
	{ "bidi controls are shown", LETTER_TEXT_LINE, BYTES("x\u202egpj.exe\u2069"), BYTES("x[U+202E]gpj.exe[U+2069]"), 0, 2 },
	{ "bidi marks and zero width go", LETTER_TEXT_LINE, BYTES("a\u200b\u200e\ufeff\u00ad\u200d" "b"), BYTES("ab"), 0, 5 },
	{ "terminal controls go", LETTER_TEXT_BODY, BYTES("\x1b[2J\a\xc2\x9b" "1m\x7f" "a\0b"), BYTES("[2J1mab"), 0, 5 },
	{ "private use becomes 〓", LETTER_TEXT_BODY, BYTES("\ue000\U000f0000\U0010fffd"), BYTES("〓〓〓"), 3, 0 },
	{ "noncharacters become 〓", LETTER_TEXT_BODY, BYTES("\ufdd0\uffff\U0001ffff\U0010ffff"), BYTES("〓〓〓〓"), 4, 0 },
	{ "tags go", LETTER_TEXT_BODY, BYTES("\U000e0041\U000e007f"), BYTES(""), 0, 2 },
	{ "bytes that are no UTF-8 become 〓", LETTER_TEXT_BODY, BYTES("a\xff\xc0\xaf" "b\xe3\x81"), BYTES("a〓〓〓b〓"), 4, 0 },
	{ "a surrogate becomes 〓", LETTER_TEXT_BODY, BYTES("\xed\xa0\x80"), BYTES("〓"), 1, 0 },
	{ "a character that is broken off keeps what follows", LETTER_TEXT_BODY, BYTES("\xe3\x81" "A\xf0\x9f\r\n"), BYTES("〓A〓\r\n"), 2, 0 },
	{ "an address in a name", LETTER_TEXT_NAME, BYTES("soumu@city.lg.jp"), BYTES("soumu＠city.lg.jp"), 0, 0 },
	{ "a path as a file name", LETTER_TEXT_FILE, BYTES("..\\../x|y@z"), BYTES("..＼..／x｜y@z"), 0, 0 },
};

/* Cleans the text in pieces of this length. */
static struct letter_cleaner clean_in_pieces(struct buf *out, enum letter_text kind, struct span text, size_t piece)
{
	struct letter_cleaner cleaner = letter_cleaner_make(kind);

	for (size_t at = 0; at < text.length; at += piece)
		letter_clean(&cleaner, span_part(text, at, at + piece < text.length ? at + piece : text.length), out);
	letter_clean_finish(&cleaner, out);
	return cleaner;
}

START_TEST(cleaning_is_the_same_however_the_text_is_cut)
{
	for (size_t piece = 1; piece <= clean_rows[_i].in.length + 1; piece++) {
		struct buf out = buf_limited(0);
		struct letter_cleaner cleaner = clean_in_pieces(&out, clean_rows[_i].kind, clean_rows[_i].in, piece);

		ck_assert_msg(span_equal(buf_span(&out), clean_rows[_i].out), "%s, pieces of %zu: %s", clean_rows[_i].what, piece,
			      buf_text(&out));
		ck_assert_msg(cleaner.replaced == clean_rows[_i].replaced && cleaner.removed == clean_rows[_i].removed,
			      "%s: counts %u %u", clean_rows[_i].what, cleaner.replaced, cleaner.removed);
		ck_assert(letter_text_valid(buf_span(&out), clean_rows[_i].kind));
		buf_free(&out);
	}
}
END_TEST

static const struct {
	const char *what, *text;
	size_t bytes_max, codepoints_max, length;
} cut_rows[] = {
	{ "fits", "abc", 3, 3, 3 },
	{ "one byte too many", "abc", 2, 3, 2 },
	{ "one character too many", "あい", 99, 1, 3 },
	{ "half a character", "あい", 5, 99, 3 },
	{ "half a CR LF", "a\r\nb", 2, 99, 1 },
	{ "a whole CR LF", "a\r\nb", 3, 99, 3 },
	{ "nothing fits", "あ", 2, 99, 0 },
	{ "nothing is wanted", "a", 0, 0, 0 },
};

START_TEST(text_is_cut_between_characters)
{
	struct span cut = letter_text_cut(span_of(cut_rows[_i].text), cut_rows[_i].bytes_max, cut_rows[_i].codepoints_max);

	ck_assert_msg(cut.length == cut_rows[_i].length, "%s: %zu", cut_rows[_i].what, cut.length);
}
END_TEST

/* ---- grammars ---- */

static const struct {
	const char *what, *text;
	bool address, message_id; /* whether it is one */
} at_rows[] = {
	{ "plain", "a@b", true, true },
	{ "every sign of atext", "a!#$%&'*+-/=^_`{|}~?9@b.c", true, true },
	{ "dots in a row, as carriers gave out", "a..b@c", true, false },
	{ "dot at the beginning", ".a@c", true, false },
	{ "dot at the end", "a.@docomo.ne.jp", true, false },
	{ "underscore in the domain", "a@b_c", false, true },
	{ "hyphen at the end of a label", "a@b-.c", false, true },
	{ "hyphen at the beginning", "a@-b", false, true },
	{ "domain ends in a dot", "a@b.", false, false },
	{ "domain with two dots", "a@b..c", false, false },
	{ "no domain", "a@", false, false },
	{ "no local part", "@b", false, false },
	{ "no at sign", "ab", false, false },
	{ "nothing", "", false, false },
	{ "two at signs", "a@b@c", false, false },
	{ "quoted", "\"a b\"@c", false, false },
	{ "comment", "a(x)@c", false, false },
	{ "address literal", "a@[192.0.2.1]", false, false },
	{ "space", "a b@c", false, false },
	{ "bracket", "a>@c", false, false },
	{ "comma", "a,b@c", false, false },
	{ "colon", "a:b@c", false, false },
	{ "backslash", "a\\b@c", false, false },
	{ "CR LF", "a\r\n@c", false, false },
	{ "eighth bit", "é@c", false, false },
	{ "IDN not as A-label", "a@日本.jp", false, false },
	{ "an encoded word", "=?UTF-8?B?YQ==?=@c", false, false },
	{ "a sign of an encoded word", "a=?b@c", false, false },
};

START_TEST(addresses_and_message_ids_keep_their_grammar)
{
	struct span text = span_of(at_rows[_i].text);

	ck_assert_msg(letter_address_valid(text) == at_rows[_i].address, "%s as address", at_rows[_i].what);
	ck_assert_msg(letter_message_id_valid(text) == at_rows[_i].message_id, "%s as message id", at_rows[_i].what);
}
END_TEST

static char *repeated(struct arena *arena, char byte, size_t times, const char *behind)
{
	char *text = arena_alloc(arena, times + strlen(behind) + 1);

	memset(text, byte, times);
	strcpy(text + times, behind);
	return text;
}

START_TEST(addresses_and_numbers_at_their_limits)
{
	struct arena *arena = arena_new();
	char *label = repeated(arena, 'x', 63, "");
	char *domain = arena_printf(arena, "%s.%s.%s.", label, label, label);

	ck_assert(letter_address_valid(span_of(repeated(arena, 'a', 64, "@b"))));
	ck_assert(!letter_address_valid(span_of(repeated(arena, 'a', 65, "@b"))));
	ck_assert(letter_address_valid(span_of(arena_printf(arena, "%s@%s%s", repeated(arena, 'a', 60, ""), domain, "b"))));
	ck_assert(letter_address_valid(span_of(arena_printf(arena, "a@%s%s", domain, repeated(arena, 'b', 60, "")))));
	ck_assert(!letter_address_valid(span_of(arena_printf(arena, "ab@%s%s", domain, repeated(arena, 'b', 60, "")))));
	ck_assert(letter_domain_valid(span_of(label)));
	ck_assert(!letter_domain_valid(span_of(repeated(arena, 'x', 64, ""))));
	ck_assert(letter_domain_valid(span_of(arena_printf(arena, "%s%s", domain, repeated(arena, 'b', 61, "")))));
	ck_assert(!letter_domain_valid(span_of(arena_printf(arena, "%s%s", domain, repeated(arena, 'b', 62, "")))));
	ck_assert(letter_original_id_valid(span_of(label)));
	ck_assert(!letter_original_id_valid(span_of(repeated(arena, 'x', 64, ""))));
	ck_assert(!letter_original_id_valid(span_of("")));
	ck_assert(!letter_original_id_valid(span_of("a-")));
	ck_assert(!letter_original_id_valid(span_of("a.b")));
	arena_free(arena);
}
END_TEST

/* ---- composing ---- */

/* A letter with a subject and names of `characters` times this character. */
static void letter_of_characters(struct arena *arena, const char *character, size_t characters)
{
	struct letter *letter = arena_alloc(arena, sizeof(*letter));
	struct buf text = buf_limited(0);

	letter->from.address = span_of("unknown@invalid");
	for (size_t i = 0; i < characters; i++)
		buf_puts(&text, character);
	letter->subject = buf_span(&text);
	letter->from.name = letter_text_cut(letter->subject, LETTER_NAME_BYTES_MAX, SIZE_MAX);
	for (size_t i = 0; i < 3; i++)
		letter->to[letter->to_count++] = letter->from;
	letter_goes_round(arena, letter, character);
	buf_free(&text);
}

START_TEST(subjects_and_names_of_every_length_fold_between_characters)
{
	static const char *const characters[] = { "x", "x ", " ", "é", "あ", "🍎", "xあ", "?", "辻󠄀", "[](),:;<>\"\\." };
	size_t per_text = letter_codepoints(span_of(characters[_i]));

	for (size_t count = 1; count * per_text <= LETTER_SUBJECT_CODEPOINTS_MAX; count += count < 50 ? 1 : 37) {
		struct arena *arena = arena_new();

		letter_of_characters(arena, characters[_i], count);
		arena_free(arena);
	}
}
END_TEST

static const struct {
	const char *what;
	size_t prefix, name, to, cc, references, rows, row_name, text;
} fit_rows[] = {
	{ "200 recipients with long names", 0, 255, 100, 100, 0, 0, 0, 10 },
	{ "200 recipients with Japanese names", 64, 24, 100, 100, 21, 0, 0, 10 },
	{ "references that are too long", 0, 255, 0, 0, 21, 0, 0, 10 },
	{ "1000 rows with long names", 0, 3, 1, 0, 0, 1000, 255, 1024 * 1024 },
	{ "1000 rows and no text", 0, 3, 1, 0, 0, 1000, 255, 0 },
	{ "1000 short rows and a long text", 0, 3, 1, 0, 0, 1000, 12, 1024 * 1024 },
	{ "text beyond the limit", 0, 3, 1, 0, 0, 1, 12, 3 * 1024 * 1024 },
};

/* A washer's letter that may be beyond the limits of the whole. */
static struct letter *letter_of_row(struct arena *arena, int i)
{
	struct letter *letter = arena_alloc(arena, sizeof(*letter));
	static const char long_name[] = "総務課企画係長殿総務課企画係長殿総務課企画係長殿総務課企画係長殿総務課企画係長殿"
		"総務課企画係長殿総務課企画係長殿総務課企画係長殿総務課企画係長殿総務課企画係長殿総務課企画係長殿";
	struct letter_address address = { .name = letter_text_cut(span_of(long_name), fit_rows[i].name, SIZE_MAX) };
	char *text = repeated(arena, 'x', fit_rows[i].text, "");

	address.address = span_of(repeated(arena, 'a', 20, "@section.town.pref.example.jp"));
	letter->from = address;
	letter->subject = span_of(repeated(arena, '?', 250, ""));
	for (; letter->to_count < fit_rows[i].to; letter->to_count++)
		letter->to[letter->to_count] = address;
	for (; letter->cc_count < fit_rows[i].cc; letter->cc_count++)
		letter->cc[letter->cc_count] = address;
	for (; letter->references_count < fit_rows[i].references; letter->references_count++)
		letter->references[letter->references_count] = span_of(repeated(arena, 'r', 248, "@r"));
	for (; letter->row_count < fit_rows[i].rows; letter->row_count++)
		letter->rows[letter->row_count] = (struct letter_row){
			.reason = LETTER_REASON_TNEF, .name = span_of(repeated(arena, 'n', fit_rows[i].row_name, "")),
			.declared_type = span_of(repeated(arena, 't', 60, "/x")), .size_bytes = UINT64_MAX,
		};
	letter->text = span_of(text);
	return letter;
}

START_TEST(letter_that_is_too_large_is_made_to_fit_and_says_what_is_missing)
{
	struct arena *arena = arena_new();
	struct letter *letter = letter_of_row(arena, _i);
	size_t addresses, rows, text;

	letter_fit(letter);
	letter_goes_round(arena, letter, fit_rows[_i].what);
	addresses = letter->to_count + letter->cc_count + letter->counters[LETTER_COUNT_ADDRESSES_OMITTED];
	rows = letter->row_count + letter->counters[LETTER_COUNT_ROWS_OMITTED];
	text = letter->text.length + letter->counters[LETTER_COUNT_TEXT_OMITTED_BYTES];
	ck_assert_msg(addresses == fit_rows[_i].to + fit_rows[_i].cc, "%s: addresses", fit_rows[_i].what);
	ck_assert_msg(rows == fit_rows[_i].rows, "%s: rows", fit_rows[_i].what);
	ck_assert_msg(text == fit_rows[_i].text, "%s: text", fit_rows[_i].what);
	ck_assert_msg(letter->text.length >= 512 * 1024 || letter->text.length == fit_rows[_i].text, "%s: text kept", fit_rows[_i].what);
	arena_free(arena);
}
END_TEST

/* Bodies whose cost is at the limit and one beyond it: the last byte is in the detail of a note. */
START_TEST(cost_of_the_body_at_limit_and_beyond)
{
	struct arena *arena = arena_new();
	struct letter *letter = letter_of_row(arena, 5);
	enum letter_field refused;
	struct buf frame = buf_limited(0);

	letter_fit(letter);
	letter->text = span_of(repeated(arena, 'x', LETTER_BODY_COST_MAX - (letter_body_cost(letter) - letter->text.length), ""));
	ck_assert_uint_eq(letter_body_cost(letter), LETTER_BODY_COST_MAX);
	letter_goes_round(arena, letter, "at limit");
	letter->text = span_of(repeated(arena, 'x', letter->text.length + 1, ""));
	ck_assert_int_eq(letter_seal(&frame, letter, &refused), -EBADMSG);
	ck_assert_int_eq(refused, LETTER_FIELD_HEAD);
	ck_assert_uint_eq(frame.length, 0);
	arena_free(arena);
}
END_TEST

START_TEST(cost_of_the_headers_at_limit_and_beyond)
{
	struct arena *arena = arena_new();
	struct letter *letter = letter_of_row(arena, 0);
	struct buf frame = buf_limited(0);
	size_t spare;

	letter_fit(letter);
	spare = LETTER_HEADERS_COST_MAX - letter_headers_cost(letter);
	for (; spare > 13 && letter->references_count < 20; spare = LETTER_HEADERS_COST_MAX - letter_headers_cost(letter))
		letter->references[letter->references_count++] =
			span_of(repeated(arena, 'r', spare > 250 ? 240 : spare - 5 - 2, "@r"));
	ck_assert_uint_eq(letter_headers_cost(letter), LETTER_HEADERS_COST_MAX);
	letter_goes_round(arena, letter, "at limit");
	letter->message_id = span_of("a@b");
	ck_assert_int_eq(letter_seal(&frame, letter, NULL), -EBADMSG);
	arena_free(arena);
}
END_TEST

START_TEST(same_letter_gives_the_same_bytes)
{
	struct arena *arena = arena_new();
	struct buf one = buf_limited(0), two = buf_limited(0);

	ck_assert_int_eq(letter_compose(&one, letter_sample(arena), &envelope, &office), 0);
	ck_assert_int_eq(letter_compose(&two, letter_sample(arena), &envelope, &office), 0);
	ck_assert(span_equal(buf_span(&one), buf_span(&two)));
	buf_free(&one);
	buf_free(&two);
	arena_free(arena);
}
END_TEST

START_TEST(message_without_room_leaves_nothing_behind)
{
	struct arena *arena = arena_new();
	struct letter *letter = letter_sample(arena);
	struct buf whole = buf_limited(0), frame = buf_limited(4);

	ck_assert_int_eq(letter_compose(&whole, letter, &envelope, &office), 0);
	for (size_t limit = 1; limit < whole.length; limit += 7) {
		struct buf out = buf_limited(limit);

		buf_putc(&out, '!');
		ck_assert_int_eq(letter_compose(&out, letter, &envelope, &office), -EMSGSIZE);
		ck_assert_uint_eq(out.length, 1);
		ck_assert_int_eq(letter_compose_stub(&out, LETTER_STUB_LIMIT, &envelope, &office), -EMSGSIZE);
		buf_free(&out);
	}
	ck_assert_int_eq(letter_seal(&frame, letter, NULL), -EMSGSIZE);
	ck_assert_uint_eq(frame.length, 0);
	buf_free(&whole);
	buf_free(&frame);
	arena_free(arena);
}
END_TEST

/* Filled with 'f' when it is used. */
static char long_footer[LETTER_FOOTER_BYTES_MAX + 1];

/* Changes one value of envelope or office to something that must not get into a message. */
static const struct {
	const char *what;
	size_t offset;
	bool of_office;
	struct span value;
} unfit_rows[] = {
#define ENVELOPE(member) offsetof(struct letter_envelope, member), false
#define OFFICE(member) offsetof(struct letter_office, member), true
	{ "no number", ENVELOPE(original_id), BYTES("") },
	{ "number with a line end", ENVELOPE(original_id), BYTES("a\r\nX: y") },
	{ "client domain with a parenthesis", ENVELOPE(client_domain), BYTES("a (x)") },
	{ "sender with a line end", ENVELOPE(sender), BYTES("a@b\r\n") },
	{ "relay domain missing", OFFICE(relay_domain), BYTES("") },
	{ "relay domain with a space", OFFICE(relay_domain), BYTES("a b") },
	{ "notice address without domain", OFFICE(notice_address), BYTES("a") },
	{ "authserv_id with a semicolon", OFFICE(authserv_id), BYTES("a;") },
	{ "prefix with a line end", OFFICE(subject_prefix), BYTES("a\r\nBcc: x") },
	{ "footer with LF alone", OFFICE(footer), BYTES("a\nb") },
	{ "footer of limit + 1", OFFICE(footer), { .data = long_footer, .length = LETTER_FOOTER_BYTES_MAX + 1 } },
	{ "prefix of limit + 1", OFFICE(subject_prefix), BYTES("0123456789012345678901234567890123456789012345678901234567890123x") },
};

START_TEST(unfit_envelope_or_office_is_refused)
{
	struct arena *arena = arena_new();
	struct letter_envelope bad_envelope = envelope;
	struct letter_office bad_office = office;
	struct buf out = buf_limited(0);
	char *base = unfit_rows[_i].of_office ? (char *)&bad_office : (char *)&bad_envelope;

	memset(long_footer, 'f', sizeof(long_footer));
	memcpy(base + unfit_rows[_i].offset, &unfit_rows[_i].value, sizeof(struct span));
	ck_assert_msg(letter_compose(&out, letter_sample(arena), &bad_envelope, &bad_office) == -EINVAL, "%s", unfit_rows[_i].what);
	ck_assert_int_eq(letter_compose_stub(&out, LETTER_STUB_LIMIT, &bad_envelope, &bad_office), -EINVAL);
	ck_assert_uint_eq(out.length, 0);
	arena_free(arena);
}
END_TEST

START_TEST(longest_values_of_our_own_fit_the_headers)
{
	struct arena *arena = arena_new();
	char *domain = repeated(arena, 'x', 63, ".");
	struct letter_envelope long_envelope = envelope;
	struct letter_office long_office = office;
	struct letter *letter = letter_of_row(arena, 0);
	struct buf out = buf_limited(LETTER_MESSAGE_BYTES_MAX);
	const char *fault;

	domain = arena_printf(arena, "%s%s%s%s", domain, domain, domain, repeated(arena, 'x', 61, ""));
	long_envelope.original_id = span_of(repeated(arena, 'i', 63, ""));
	long_envelope.client_domain = long_office.relay_domain = long_office.authserv_id = span_of(domain);
	long_envelope.client = (struct netaddr){ .family = 6, .bytes = { 0x20, 1, 0xd, 0xb8, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6 } };
	long_envelope.original_bytes = UINT64_MAX;
	long_office.subject_prefix = span_of(repeated(arena, '?', LETTER_PREFIX_BYTES_MAX, ""));
	long_office.footer = span_of(repeated(arena, 'f', LETTER_FOOTER_BYTES_MAX, ""));
	memset(letter->counters, 0xff, sizeof(letter->counters));
	for (size_t i = 0; i < LETTER_METHODS; i++)
		letter->verdicts[i] = LETTER_VERDICT_TEMPERROR;
	letter_fit(letter);
	ck_assert_int_eq(letter_compose(&out, letter, &long_envelope, &long_office), 0);
	ck_assert_uint_le(headers_bytes(&out), LETTER_HEADERS_BYTES_MAX);
	fault = letter_read_back(arena, buf_span(&out), letter, &long_envelope, &long_office);
	ck_assert_msg(!fault, "%s", fault);
	buf_free(&out);
	arena_free(arena);
}
END_TEST

/* ---- the receipt ---- */

static const struct {
	const char *what;
	enum letter_reason reasons[3];	/* of the rows; 0: no row */
	uint32_t omitted;
	const char *heading;		/* behind the number of the original */
	bool footer;
} receipt_rows[] = {
	{ "nothing was removed", { 0 }, 0, "：取り除いたものはありません", false },
	{ "HTML beside the text is no attachment", { LETTER_REASON_ALTERNATIVE }, 0,
	  "：取り除いたものはありません、表示した本文の別形式 1 件", false },
	{ "one attachment", { LETTER_REASON_ATTACHMENT }, 0, "：お届けしていないもの 1 件", true },
	{ "an attachment and another form", { LETTER_REASON_ALTERNATIVE, LETTER_REASON_TNEF }, 0,
	  "：お届けしていないもの 1 件、表示した本文の別形式 1 件", true },
	{ "only parts without a row", { 0 }, 3, "：お届けしていないもの 3 件", true },
};

START_TEST(receipt_says_how_much_is_missing_and_what_to_do)
{
	struct arena *arena = arena_new();
	struct letter *letter = letter_sample(arena);
	struct letter_office with_footer = office;
	struct reading reading = { .arena = arena };
	struct buf message = buf_limited(0);
	char *heading = arena_printf(arena, "【無害化票】原本番号 20261121-k7q2m9x4%s\r\n", receipt_rows[_i].heading);
	const char *fault;

	with_footer.footer = (struct span)BYTES("【添付の受け取り方】\r\n情報政策課 内線 123");
	letter->row_count = letter->note_count = 0;
	memset(letter->counters, 0, sizeof(letter->counters));
	for (size_t i = 0; i < 3 && receipt_rows[_i].reasons[i]; i++)
		letter->rows[letter->row_count++] = (struct letter_row){ .reason = receipt_rows[_i].reasons[i] };
	letter->counters[LETTER_COUNT_ROWS_OMITTED] = receipt_rows[_i].omitted;
	ck_assert_int_eq(letter_compose(&message, letter, &envelope, &with_footer), 0);
	fault = letter_read_back(arena, buf_span(&message), letter, &envelope, &with_footer);
	ck_assert_msg(!fault, "%s: %s", receipt_rows[_i].what, fault);
	body_read(&reading, (char *)memmem(message.data, message.length, "\r\n\r\n", 4) + 4, message.data + message.length);
	ck_assert_msg(strstr(reading.body, heading), "%s: %s", receipt_rows[_i].what, reading.body);
	ck_assert_msg(!strstr(reading.body, "内線 123") == !receipt_rows[_i].footer, "%s: %s", receipt_rows[_i].what, reading.body);
	buf_free(&message);
	arena_free(arena);
}
END_TEST

/* ---- stub notices ---- */

static const char stub_headers[] =
	"Received: from unknown ([IPv6:2001:db8::1]) by relay.town.lg.jp with ESMTP\r\n"
	" id 20261121-k7q2m9x4; Sat, 21 Nov 2026 17:28:36 +0900\r\n"
	"Date: Sat, 21 Nov 2026 17:28:36 +0900\r\n"
	"From: =?UTF-8?B?54Sh5a6z5YyW5Lit57aZ?= <sekisho@town.lg.jp>\r\n";

START_TEST(stub_notice_tells_number_sender_and_reason)
{
	struct arena *arena = arena_new();
	enum letter_stub reason = (enum letter_stub)(_i / 2 + 1);
	struct letter_office in = office;
	struct letter_envelope from_ipv6 = envelope;
	struct reading reading = { .arena = arena, .envelope = &from_ipv6, .office = &in };
	struct buf out = buf_limited(0);
	const char *body;

	in.language = _i % 2 ? LANGUAGE_JA : LANGUAGE_EN;
	from_ipv6.client = (struct netaddr){ .family = 6, .bytes = { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
	from_ipv6.client_domain.length = 0;
	from_ipv6.client_tls = false;
	ck_assert_int_eq(letter_compose_stub(&out, reason, &from_ipv6, &in), 0);
	body = headers_read(&reading, buf_span(&out));
	body_read(&reading, body, out.data + out.length);
	ck_assert_ptr_null(reading.fault);
	ck_assert_ptr_nonnull(strstr(reading.body, "20261121-k7q2m9x4"));
	ck_assert_ptr_nonnull(strstr(reading.body, letter_stubs[reason].text[in.language]));
	ck_assert_ptr_nonnull(strstr(reading.body, "taro@example.jp"));
	ck_assert_ptr_nonnull(strstr(reading.values[15], letter_stubs[reason].id));
	ck_assert_str_eq(reading.values[10], "auto-generated");
	ck_assert_ptr_null(reading.values[4]);
	if (in.language == LANGUAGE_JA)
		ck_assert_msg(strncmp(buf_text(&out), stub_headers, strlen(stub_headers)) == 0, "%s", buf_text(&out));
	buf_free(&out);
	arena_free(arena);
}
END_TEST

START_TEST(stub_without_reason_is_refused_and_without_sender_says_so)
{
	struct letter_envelope bounce = envelope;
	struct buf out = buf_limited(0);

	bounce.sender.length = 0;
	ck_assert_int_eq(letter_compose_stub(&out, LETTER_STUB_COUNT, &envelope, &office), -EINVAL);
	ck_assert_int_eq(letter_compose_stub(&out, 0, &envelope, &office), -EINVAL);
	ck_assert_int_eq(letter_compose_stub(&out, LETTER_STUB_DIED, &bounce, &office), 0);
	buf_free(&out);
}
END_TEST

/* ---- words ---- */

static void sentences_judge(const struct letter_sentence *rows, size_t count, size_t bytes_max)
{
	for (size_t i = 1; i < count; i++)
		for (size_t language = 0; language < 2; language++) {
			struct span text = span_of(rows[i].text[language]);

			ck_assert_msg(text.length > 0 && text.length <= bytes_max && letter_text_valid(text, LETTER_TEXT_LINE), "%s",
				      rows[i].id);
			for (size_t j = 1; j < count; j++)
				ck_assert_msg(i == j || strncmp(rows[j].text[language], text.data, text.length) != 0, "%s begins %s",
					      rows[i].id, rows[j].id);
		}
}

START_TEST(words_are_clean_and_within_the_costs)
{
	/* What stands around the sentence in a row: number, bars, size, SHA-256, line ends. In a note: dash, count, colon. */
	sentences_judge(letter_reasons, LETTER_REASON_COUNT, LETTER_ROW_COST - 6 - 24 - 30 - 64 - 30);
	sentences_judge(letter_notes, LETTER_NOTE_COUNT, LETTER_NOTE_COST - 2 - 13 - 2 - 2);
	sentences_judge(letter_stubs, LETTER_STUB_COUNT, 1024);
	for (size_t language = 0; language < 2; language++) {
		const char *const *words = (const char *const *)(const void *)&letter_words[language];

		for (size_t i = 0; i < sizeof(struct letter_words) / sizeof(char *); i++)
			ck_assert(letter_text_valid(span_of(words[i]), LETTER_TEXT_LINE));
	}
}
END_TEST

static TCase *case_of_validator(void)
{
	TCase *rows = tcase_create("validator");

	tcase_add_test(rows, letter_with_every_field_goes_round);
	tcase_add_loop_test(rows, value_is_accepted_or_refused, 0, COUNT(value_rows));
	tcase_add_loop_test(rows, field_occurs_as_often_as_it_may, 0, COUNT(count_rows));
	tcase_add_test(rows, fields_stand_in_order);
	tcase_add_loop_test(rows, head_says_how_long_the_frame_is, 0, COUNT(head_rows));
	tcase_add_test(rows, frame_cut_anywhere_or_followed_by_anything_is_refused);
	tcase_add_test(rows, frame_with_a_changed_byte_is_refused_or_is_another_letter);
	tcase_add_test(rows, every_code_point_is_judged_as_the_table_says);
	tcase_add_test(rows, forbidden_ranges_ascend);
	tcase_add_loop_test(rows, addresses_and_message_ids_keep_their_grammar, 0, COUNT(at_rows));
	tcase_add_test(rows, addresses_and_numbers_at_their_limits);
	return rows;
}

static TCase *case_of_washer(void)
{
	TCase *rows = tcase_create("washer's side");

	tcase_add_loop_test(rows, cleaning_is_the_same_however_the_text_is_cut, 0, COUNT(clean_rows));
	tcase_add_loop_test(rows, text_is_cut_between_characters, 0, COUNT(cut_rows));
	tcase_add_loop_test(rows, letter_that_is_too_large_is_made_to_fit_and_says_what_is_missing, 0, COUNT(fit_rows));
	tcase_add_test(rows, cost_of_the_body_at_limit_and_beyond);
	tcase_add_test(rows, cost_of_the_headers_at_limit_and_beyond);
	return rows;
}

static TCase *case_of_composer(void)
{
	TCase *rows = tcase_create("composer");

	tcase_add_test(rows, message_is_exactly_this);
	tcase_add_loop_test(rows, subjects_and_names_of_every_length_fold_between_characters, 0, 10);
	tcase_add_test(rows, same_letter_gives_the_same_bytes);
	tcase_add_test(rows, message_without_room_leaves_nothing_behind);
	tcase_add_loop_test(rows, unfit_envelope_or_office_is_refused, 0, COUNT(unfit_rows));
	tcase_add_test(rows, longest_values_of_our_own_fit_the_headers);
	tcase_add_loop_test(rows, receipt_says_how_much_is_missing_and_what_to_do, 0, COUNT(receipt_rows));
	tcase_add_loop_test(rows, stub_notice_tells_number_sender_and_reason, 0, 2 * (LETTER_STUB_COUNT - 1));
	tcase_add_test(rows, stub_without_reason_is_refused_and_without_sender_says_so);
	tcase_add_test(rows, words_are_clean_and_within_the_costs);
	return rows;
}

int main(void)
{
	Suite *suite = suite_create("mail/letter");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, case_of_validator());
	suite_add_tcase(suite, case_of_washer());
	suite_add_tcase(suite, case_of_composer());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
