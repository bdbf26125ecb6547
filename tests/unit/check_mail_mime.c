/*
 * mail/mime: structure, content and notes of messages as they should be and as they are, every limit, and the
 * same events however the bytes are cut. With the corpus also 1,547 real messages.
 */
#include "mail/mime.h"
#include "mail_corpus.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define BYTES(text) { .data = (text), .length = sizeof(text) - 1 }

/*
 * Events as text: {PATH KIND TYPE [field: value] "content" <preamble >epilogue note,note}. Parts lie within
 * parts. With digests set, content is shown as its length and a checksum.
 */
struct record {
	struct buf text;
	bool fields, digests;
	int region;	/* of the content that is being shown, -1: none */
	uint64_t length, checksum;
	struct mime_totals totals;
	uint32_t open;
};

static void region_end(struct record *record)
{
	if (record->region >= 0 && record->digests)
		buf_printf(&record->text, " %d:%llu:%llx", record->region, (unsigned long long)record->length,
			   (unsigned long long)record->checksum);
	else if (record->region >= 0)
		buf_putc(&record->text, '"');
	record->region = -1;
	record->length = record->checksum = 0;
}

static void field_record(void *user, const struct mime_field *field)
{
	struct record *record = user;

	region_end(record);
	ck_assert_uint_gt(field->name.length, 0);
	ck_assert_uint_eq(field->depth, record->open + 1);
	if (record->fields)
		buf_printf(&record->text, "[%.*s: %.*s%s]", (int)field->name.length, field->name.data,
			   (int)field->value.length, field->value.data, field->cut ? "..." : "");
}

static void part_begin_record(void *user, const struct mime_part *part)
{
	struct record *record = user;

	region_end(record);
	ck_assert_uint_eq(part->depth, ++record->open);
	ck_assert_uint_gt(part->type.length, 0);
	buf_printf(&record->text, "{%.*s %c %.*s", (int)part->path.length, part->path.data,
		   "LMEO"[part->kind], (int)part -> type.length, part->type.data);
	if (part->encoding != MIME_IDENTITY)
		buf_printf(&record->text, " %s", mime_encoding_name(part->encoding));
}

static void content_record(void *user, const struct mime_part *part, enum mime_region region, struct span bytes)
{
	static const char *const marks[] = { " \"", " <\"", " >\"" };
	struct record *record = user;

	ck_assert_uint_gt(bytes.length, 0);
	ck_assert_uint_eq(part->depth, record->open);
	if (record->region != (int)region) {
		region_end(record);
		if (!record->digests)
			buf_puts(&record->text, marks[region]);
	}
	record->region = (int)region;
	record->length += bytes.length;
	for (size_t i = 0; i < bytes.length; i++)
		record->checksum = record->checksum * 31 + (uint8_t)bytes.data[i];
	if (!record->digests)
		buf_put(&record->text, bytes.data, bytes.length);
}

static void part_end_record(void *user, const struct mime_part *part)
{
	struct record *record = user;
	const char *separator = " ";

	region_end(record);
	ck_assert_uint_eq(part->depth, record->open--);
	for (enum mime_note note = 0; note < MIME_NOTES; note++) {
		if (!(part->notes & MIME_NOTE_BIT(note)))
			continue;
		buf_printf(&record->text, "%s%s", separator, mime_note_name(note));
		separator = ",";
	}
	buf_putc(&record->text, '}');
}

static void message_end_record(void *user, const struct mime_totals *totals)
{
	struct record *record = user;

	region_end(record);
	ck_assert_uint_eq(record->open, 0);
	record->totals = *totals;
}

static const struct mime_events recording = {
	field_record, part_begin_record, content_record, part_end_record, message_end_record,
};

/* A number below limit that depends on *state only. */
static size_t next_random(uint32_t *state, size_t limit)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % limit;
}

/* How a message is cut: 0: not at all; 1: into bytes; n: into random pieces of at most n bytes. */
static void message_read(struct span message, size_t most, struct record *record)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct mime_parser *parser = mime_parser_new(arena, &recording, record);
	const struct mime_totals *totals = &record->totals;
	uint32_t state = (uint32_t)most;
	size_t length = message.length;

	record->region = -1;
	while (message.length > 0) {
		size_t piece = most == 0 ? message.length : most == 1 ? 1 : 1 + next_random(&state, most);
		char *copy;

		if (piece > message.length)
			piece = message.length;
		/* A copy of its own lets the sanitizer see a read beyond its end, or after its time. */
		copy = malloc(piece);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, message.data, piece);
		mime_parser_feed(parser, (struct span){ .data = copy, .length = piece });
		free(copy);
		message = span_part(message, piece, message.length);
	}
	mime_parser_finish(parser);
	ck_assert_uint_eq(length, totals->header_bytes + totals->content_bytes + totals->preamble_bytes +
					  totals->epilogue_bytes + totals->delimiter_bytes +
					  totals->omitted_bytes);
}

/* Demands that a message that is cut gives the events that were recorded. */
static void cut_compare(struct span message, size_t most, const struct record *whole)
{
	struct record other = { .fields = whole->fields, .digests = whole->digests };

	message_read(message, most, &other);
	ck_assert_msg(span_equal(buf_span(&other.text), buf_span(&whole->text)), "cut %zu:\n%s\nnot\n%.*s",
		      most, buf_text(&other.text), (int)whole->text.length, whole->text.data);
	ck_assert(memcmp(&other.totals, &whole->totals, sizeof(other.totals)) == 0);
	buf_free(&other.text);
}

/* Reads a message in one piece, and cut in other ways. The caller frees the text. */
static void message_record(struct span message, struct record *record)
{
	static const size_t cuts[] = { 1, 2, 3, 7, 100 };

	message_read(message, 0, record);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		if (cuts[i] > 3 || message.length <= 20000)
			cut_compare(message, cuts[i], record);
}

static const struct {
	const char *what;
	struct span message;
	const char *events;
} message_rows[] = {
	{ "nothing", BYTES(""), "{1 L text/plain header-unended}" },
	{ "plain text", BYTES("Subject: x\r\n\r\nhello\r\n"), "{1 L text/plain \"hello\r\n\"}" },
	{ "LF only", BYTES("Subject: x\n\nhello\n"), "{1 L text/plain \"hello\n\"}" },
	{ "CR only", BYTES("Subject: x\r\rhello\r"), "{1 L text/plain \"hello\r\"}" },
	{ "CR in text", BYTES("A: b\r\n\r\na\rb\r\r\nc"), "{1 L text/plain \"a\rb\r\r\nc\"}" },
	{ "no text", BYTES("Subject: x\r\n\r\n"), "{1 L text/plain}" },
	{ "end in the header", BYTES("Content-Type: text/html\r\n"), "{1 L text/html header-unended}" },
	{ "end in a field", BYTES("Content-Type: text/html"), "{1 L text/html header-unended}" },
	{ "type with comments",
	  BYTES("Content-Type: (a) Text (b) / (c) HTML (d); charset=x\n\n"), "{1 L text/html}" },
	{ "type without semicolon", BYTES("Content-Type: text/html charset=x\n\n"), "{1 L text/html}" },
	{ "type folded", BYTES("Content-Type:\n text/html;\n\tcharset=x\n\n"), "{1 L text/html}" },
	{ "type without subtype", BYTES("Content-Type: text\n\nx"), "{1 L text/plain \"x\" type-unreadable}" },
	{ "type empty", BYTES("Content-Type:\n\nx"), "{1 L text/plain \"x\" type-unreadable}" },
	{ "Content-Type twice", BYTES("Content-Type: text/html\nContent-Type: text/plain\n\nx"),
	  "{1 O text/html \"x\" repeated-field}" },
	{ "Content-Type twice, the same", BYTES("content-type: text/html\nContent-Type: text/html\n\nx"),
	  "{1 O text/html \"x\" repeated-field}" },
	{ "Content-Transfer-Encoding twice",
	  BYTES("Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\nQUJD"),
	  "{1 O text/plain \"QUJD\" repeated-field}" },
	{ "Content-Disposition twice",
	  BYTES("Content-Disposition: inline\nContent-Disposition: attachment\n\nx"),
	  "{1 O text/plain \"x\" repeated-field}" },
	{ "base64",
	  BYTES("Content-Transfer-Encoding: BASE64\n\nQUJD\nREVG\n"), "{1 L text/plain base64 \"ABCDEF\"}" },
	{ "quoted-printable", BYTES("Content-Transfer-Encoding: Quoted-Printable\n\na=3D=\nb \n"),
	  "{1 L text/plain quoted-printable \"a=b\n\"}" },
	{ "unknown encoding",
	  BYTES("Content-Transfer-Encoding: x-nobody\n\nx"), "{1 O text/plain \"x\" encoding-odd}" },
	{ "encoding with a comment", BYTES("Content-Transfer-Encoding: base64 (x)\n\nQUJD"),
	  "{1 O text/plain \"QUJD\" encoding-odd}" },
	{ "encoding with more",
	  BYTES("Content-Transfer-Encoding: base64 x\n\nQUJD"), "{1 O text/plain \"QUJD\" encoding-odd}" },
	{ "encoding empty", BYTES("Content-Transfer-Encoding:\n\nx"), "{1 L text/plain \"x\"}" },
	{ "damaged base64",
	  BYTES("Content-Transfer-Encoding: base64\n\nQUJD!"), "{1 L text/plain base64 \"ABC\" damaged}" },
	{ "space before the colon",
	  BYTES("Content-Type : text/html\n\nx"), "{1 L text/html \"x\" field-spaced}" },
	{ "NUL before the colon",
	  BYTES("Content-Type\0: text/html\n\nx"), "{1 L text/html \"x\" field-spaced}" },
	{ "space before the first field",
	  BYTES(" Content-Type: text/html\n\nx"), "{1 L text/html \"x\" field-spaced}" },
	{ "spaced and proper", BYTES("Content-Type : text/html\nContent-Type: text/plain\n\nx"),
	  "{1 O text/html \"x\" repeated-field,field-spaced}" },
	{ "line of white space",
	  BYTES("A: b\n \nContent-Type: text/html\n\nx"), "{1 L text/html \"x\" blank-continued}" },
	{ "mailbox line",
	  BYTES("From a@b Fri Nov 21\nContent-Type: text/html\n\nx"), "{1 L text/html \"x\" mailbox-line}" },
	{ "quoted mailbox line",
	  BYTES(">From a@b Fri Nov 21\nContent-Type: text/html\n\nx"), "{1 L text/html \"x\" mailbox-line}" },
	{ "mailbox line further down", BYTES("A: b\nFrom x\nContent-Type: text/html\n\nx"),
	  "{1 L text/plain \"From x\nContent-Type: text/html\n\nx\" no-blank-line}" },
	{ "no empty line",
	  BYTES("Subject: x\nhello\nworld\n"), "{1 L text/plain \"hello\nworld\n\" no-blank-line}" },
	{ "8-bit in a field name",
	  BYTES("\xe6\x97\xa5: x\n"), "{1 L text/plain \"\xe6\x97\xa5: x\n\" no-blank-line}" },
	{ "no header at all", BYTES("\nhello"), "{1 L text/plain \"hello\"}" },
	{ "multipart",
	  BYTES("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\nContent-Type: text/html\r\n\r\n"
			     "two\r\n\r\n--x--\r\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\"}{1.2 L text/html \"two\r\n\"}}" },
	{ "preamble and epilogue",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\npre\namble\n--x\n\none\n--x--\nepi\nlogue\n"),
	  "{1 M multipart/mixed <\"pre\namble\"{1.1 L text/plain \"one\"} >\"epi\nlogue\n\"}" },
	{ "empty part", BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x--\n"),
	  "{1 M multipart/mixed{1.1 L text/plain}}" },
	{ "part that is an empty line", BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\n\n\n--x--\n"),
	  "{1 M multipart/mixed{1.1 L text/plain}}" },
	{ "delimiter behind delimiter",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\n--x\n\none\n--x--\n"),
	  "{1 M multipart/mixed{1.1 L text/plain header-unended}{1.2 L text/plain \"one\"}}" },
	{ "delimiter in a header",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n--x--\n"),
	  "{1 M multipart/mixed{1.1 L text/html header-unended}}" },
	{ "part without empty line", BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\nhello\n--x--\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"hello\" no-blank-line}}" },
	{ "white space behind a boundary",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x \t\n\none\n--x-- \n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\"}}" },
	{ "other text behind a boundary",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--xy\n--x y\n--x--z\n --x\n--x\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"--xy\n--x y\n--x--z\n --x\"}{1.2 L text/plain header-unended} unclosed}" },
	{ "last delimiter missing", BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\n\"} unclosed}" },
	{ "last delimiter without line end",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x--"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\"}}" },
	{ "last delimiter with half a line end",
	  BYTES("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x--\r"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\"}}" },
	{ "delimiter behind the last one",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x--\n--x\n\ntwo\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\"} >\"--x\n\ntwo\n\"}" },
	{ "boundary never used", BYTES("Content-Type: multipart/mixed; boundary=x\n\nhello\n"),
	  "{1 M multipart/mixed <\"hello\n\" boundary-unused}" },
	{ "boundary missing",
	  BYTES("Content-Type: multipart/mixed\n\nhello\n"), "{1 L multipart/mixed \"hello\n\" boundary-unusable}" },
	{ "boundary empty", BYTES("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n"),
	  "{1 L multipart/mixed \"--\n\nx\n\" boundary-unusable}" },
	{ "boundary of one character",
	  BYTES("Content-Type: multipart/mixed; boundary=\"-\"\n\n---\n\none\n-----\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\"}}" },
	{ "boundary with a space at its end",
	  BYTES("Content-Type: multipart/mixed; boundary=\"x \"\n\n--x \n\none\n"),
	  "{1 L multipart/mixed \"--x \n\none\n\" boundary-unusable}" },
	{ "boundary with a space inside",
	  BYTES("Content-Type: multipart/mixed; boundary=\"x\n y\"\n\n--x y\n\none\n--x y--\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\"}}" },
	{ "boundary with NUL", BYTES("Content-Type: multipart/mixed; boundary=\"x\0y\"\n\n--x\n"),
	  "{1 L multipart/mixed \"--x\n\" boundary-unusable}" },
	{ "boundary with a quote", BYTES("Content-Type: multipart/mixed; boundary=\"x\\\"y\"\n\n--x\n"),
	  "{1 L multipart/mixed \"--x\n\" boundary-unusable}" },
	{ "boundary with a comment", BYTES("Content-Type: multipart/mixed; boundary=x (y)\n\n--x\n"),
	  "{1 L multipart/mixed \"--x\n\" boundary-unusable}" },
	{ "boundary with a comment beside it", BYTES("Content-Type: multipart/mixed; boundary=x(y)\n\n--x\n"),
	  "{1 L multipart/mixed \"--x\n\" boundary-unusable}" },
	{ "two boundaries", BYTES("Content-Type: multipart/mixed; boundary=x; boundary=y\n\n--x\n"),
	  "{1 L multipart/mixed \"--x\n\" boundary-unusable}" },
	{ "boundary in RFC 2231", BYTES("Content-Type: multipart/mixed; boundary*=''x\n\n--x\n"),
	  "{1 L multipart/mixed \"--x\n\" boundary-unusable}" },
	{ "boundary in two forms", BYTES("Content-Type: multipart/mixed; boundary=x; boundary*0=y\n\n--x\n"),
	  "{1 L multipart/mixed \"--x\n\" boundary-unusable}" },
	{ "boundary with odd characters",
	  BYTES("Content-Type: multipart/mixed; boundary=----=_{a/b}:c?\n\n------=_{a/b}:c?\n\none\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\n\"} unclosed}" },
	{ "boundary is the beginning of another",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/related; boundary=xy\n\n--xy\n\none\n--xy--\n--x--\n"),
	  "{1 M multipart/mixed{1.1 M multipart/related{1.1.1 L text/plain \"one\"}}}" },
	{ "boundary ends in dashes",
	  BYTES("Content-Type: multipart/mixed; boundary=\"x--\"\n\n--x--\n\none\n--x----\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\"}}" },
	{ "same boundary twice, innermost first",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x--\n--x\n\n"
		"two\n--x--\n"),
	  "{1 M multipart/mixed{1.1 M multipart/mixed{1.1.1 L text/plain \"one\"}}{1.2 L text/plain \"two\"}}" },
	{ "outer delimiter ends what is inside",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--x\n\ntwo\n"
		"--x--\n"),
	  "{1 M multipart/mixed{1.1 M multipart/mixed{1.1.1 L text/plain \"one\"} unclosed}{1.2 L text/plain \"two\"}}" },
	{ "multipart in base64",
	  BYTES("Content-Type: multipart/mixed; boundary=x\nContent-Transfer-Encoding: base64\n\n--x\n\none\n--x--\n"),
	  "{1 O multipart/mixed \"--x\n\none\n--x--\n\" encoded-multipart}" },
	{ "multipart in 8bit",
	  BYTES("Content-Type: multipart/mixed; boundary=x\nContent-Transfer-Encoding: 8bit\n\n--x\n\none\n--x--\n"),
	  "{1 M multipart/mixed{1.1 L text/plain \"one\"}}" },
	{ "enclosed message", BYTES("Content-Type: message/rfc822\n\nSubject: y\nContent-Type: text/html\n\nx"),
	  "{1 E message/rfc822{1.1 L text/html \"x\"}}" },
	{ "enclosed message, multipart",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n"
		"Content-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--y--\n--x\n\ntwo\n--x--\n"),
	  "{1 M multipart/mixed{1.1 E message/rfc822{1.1.1 M multipart/mixed{1.1.1.1 L text/plain \"one\"}}}{1.2 L text/plain \"two\"}}" },
	{ "enclosed message in base64",
	  BYTES("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQTogYgoKYw=="),
	  "{1 L message/rfc822 base64 \"A: b\n\nc\"}" },
	{ "enclosed message without empty line", BYTES("Content-Type: message/rfc822\nhello\n"),
	  "{1 E message/rfc822{1.1 L text/plain \"hello\n\" no-blank-line} no-blank-line}" },
	{ "enclosed message that is empty",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n--x--\n"),
	  "{1 M multipart/mixed{1.1 E message/rfc822{1.1.1 L text/plain header-unended}}}" },
	{ "enclosed message with a mailbox line", BYTES("Content-Type: message/rfc822\n\nFrom x\nA: b\n\nc"),
	  "{1 E message/rfc822{1.1 L text/plain \"c\" mailbox-line}}" },
	{ "digest",
	  BYTES("Content-Type: multipart/digest; boundary=x\n\n--x\n\nA: b\n\none\n--x\nContent-Type: text/plain\n\ntwo\n--x--\n"),
	  "{1 M multipart/digest{1.1 E message/rfc822{1.1.1 L text/plain \"one\"}}{1.2 L text/plain \"two\"}}" },
	{ "pieces and references are leaves",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/partial; number=1\n\na: b\n--x\n"
		"Content-Type: message/external-body; access-type=url\n\nc: d\n--x--\n"),
	  "{1 M multipart/mixed{1.1 L message/partial \"a: b\"}{1.2 L message/external-body \"c: d\"}}" },
	{ "delimiter of a leaf's own",
	  BYTES("Content-Type: text/plain; boundary=x\n\n--x\n"), "{1 L text/plain \"--x\n\"}" },
};

START_TEST(messages)
{
	struct record record = { .fields = false };

	message_record(message_rows[_i].message, &record);
	ck_assert_msg(strcmp(buf_text(&record.text), message_rows[_i].events) == 0, "%s:\n%s\nnot\n%s",
		      message_rows[_i].what, buf_text(&record.text), message_rows[_i].events);
	buf_free(&record.text);
}
END_TEST

static const struct {
	const char *what;
	struct span message;
	const char *events;
} field_rows[] = {
	{ "plain", BYTES("Subject: hello\n\n"), "[Subject: hello]" },
	{ "no white space", BYTES("Subject:hello\n\n"), "[Subject: hello]" },
	{ "white space at the ends", BYTES("Subject: \t hello \t \n\n"), "[Subject: hello]" },
	{ "empty", BYTES("Subject:\nX: y\n\n"), "[Subject: ][X: y]" },
	{ "folded", BYTES("Subject: a\n b\r\n\tc\n\n"), "[Subject: a b\tc]" },
	{ "folded at once", BYTES("Subject:\r\n a\n\n"), "[Subject: a]" },
	{ "colons", BYTES("Subject: a: b\n\n"), "[Subject: a: b]" },
	{ "raw bytes", BYTES("Subject: \xff\x1b\x01\n\n"), "[Subject: \xff\x1b\x01]" },
	{ "CR begins a new field", BYTES("Subject: a\rBcc: b\n\n"), "[Subject: a][Bcc: b]" },
	{ "end within a field", BYTES("Subject: a"), "[Subject: a]" },
	{ "mailbox line is no field", BYTES("From x:\nA: b\n\n"), "[A: b]" },
};

START_TEST(fields)
{
	struct record record = { .fields = true };

	message_record(field_rows[_i].message, &record);
	*strchr(buf_text(&record.text), '{') = '\0';
	ck_assert_msg(strcmp(record.text.data, field_rows[_i].events) == 0, "%s: %s", field_rows[_i].what,
		      record.text.data);
	buf_free(&record.text);
}
END_TEST

/* Appends a byte until the buf is so long. */
static void fill(struct buf *out, char byte, size_t length)
{
	while (out->length < length)
		buf_putc(out, byte);
}

START_TEST(type_has_a_limit)
{
	for (size_t over = 0; over <= 1; over++) {
		struct record record = { .digests = true };
		struct buf message = buf_limited(0);

		buf_puts(&message, "Content-Type: a/");
		fill(&message, 'b', strlen("Content-Type: ") + MIME_TOKEN_BYTES_MAX + over);
		buf_puts(&message, "\n\n");
		message_record(buf_span(&message), &record);
		ck_assert_uint_eq(record.totals.notes[MIME_TYPE_UNREADABLE], over);
		buf_free(&message);
		buf_free(&record.text);
	}
}
END_TEST

START_TEST(depth_has_a_limit)
{
	for (int depth = MIME_DEPTH_MAX - 1; depth <= MIME_DEPTH_MAX; depth++) {
		struct record record = { .digests = true };
		struct buf message = buf_limited(0);

		for (int i = 0; i < depth; i++)
			buf_printf(&message, "Content-Type: multipart/mixed; boundary=%d\n\n--%d\n", i, i);
		buf_puts(&message, "\ndeep\n");
		message_record(buf_span(&message), &record);
		ck_assert_uint_eq(record.totals.notes[MIME_TOO_DEEP], depth == MIME_DEPTH_MAX);
		ck_assert_uint_eq(record.totals.parts, MIME_DEPTH_MAX);
		buf_free(&message);
		buf_free(&record.text);
	}
}
END_TEST

START_TEST(enclosed_messages_have_a_limit)
{
	struct record record = { .digests = true };
	struct buf message = buf_limited(0);

	for (int i = 0; i < 1000; i++)
		buf_puts(&message, "Content-Type: message/rfc822\n\n");
	message_record(buf_span(&message), &record);
	ck_assert_uint_eq(record.totals.notes[MIME_TOO_DEEP], 1);
	ck_assert_uint_eq(record.totals.parts, MIME_DEPTH_MAX);
	buf_free(&message);
	buf_free(&record.text);
}
END_TEST

START_TEST(parts_have_a_limit)
{
	for (uint32_t parts = MIME_PARTS_MAX; parts <= MIME_PARTS_MAX + 1; parts++) {
		struct record record = { .digests = true };
		struct buf message = buf_limited(0);

		buf_puts(&message, "Content-Type: multipart/mixed; boundary=x\n\n");
		for (uint32_t i = 1; i < parts; i++)
			buf_puts(&message, "--x\n\nabc\n");
		buf_puts(&message, "--x--\n");
		message_record(buf_span(&message), &record);
		ck_assert_uint_eq(record.totals.parts, MIME_PARTS_MAX);
		ck_assert_uint_eq(record.totals.parts_omitted, parts - MIME_PARTS_MAX);
		ck_assert_uint_eq(record.totals.omitted_bytes, 4 * (parts - MIME_PARTS_MAX));
		ck_assert_uint_eq(record.totals.notes[MIME_PARTS_OMITTED], parts - MIME_PARTS_MAX);
		buf_free(&message);
		buf_free(&record.text);
	}
}
END_TEST

START_TEST(header_has_a_limit)
{
	for (size_t over = 0; over <= 1; over++) {
		struct record record = { .digests = true };
		struct buf message = buf_limited(0);

		buf_puts(&message, "Content-Type: text/html\n");
		while (message.length < MIME_HEADER_BYTES_MAX - 1000)
			buf_printf(&message, "X: %0990d\n", 0);
		buf_puts(&message, "Y: ");
		fill(&message, 'y', MIME_HEADER_BYTES_MAX - 2 + over);
		buf_puts(&message, "\n\ntext");
		message_record(buf_span(&message), &record);
		ck_assert_uint_eq(record.totals.notes[MIME_HEADER_TOO_LONG], over);
		ck_assert_uint_eq(record.totals.header_bytes, MIME_HEADER_BYTES_MAX + over);
		ck_assert_ptr_nonnull(
			strstr(buf_text(&record.text), over ? "{1 O text/html" : "{1 L text/html"));
		buf_free(&message);
		buf_free(&record.text);
	}
}
END_TEST

START_TEST(fields_have_a_limit)
{
	for (int count = MIME_FIELDS_MAX; count <= MIME_FIELDS_MAX + 1; count++) {
		struct record record = { .fields = true };
		struct buf message = buf_limited(0);

		for (int i = 1; i < count; i++)
			buf_puts(&message, "X: y\n");
		buf_puts(&message, "Z: last\n\ntext");
		message_record(buf_span(&message), &record);
		ck_assert_uint_eq(record.totals.notes[MIME_HEADER_TOO_LONG], count > MIME_FIELDS_MAX);
		ck_assert((strstr(buf_text(&record.text), "[Z: last]") != NULL) == (count <= MIME_FIELDS_MAX));
		buf_free(&message);
		buf_free(&record.text);
	}
}
END_TEST

START_TEST(field_has_a_limit)
{
	for (size_t over = 0; over <= 1; over++) {
		struct record record = { .fields = true };
		struct buf message = buf_limited(0);

		buf_puts(&message, "X:");
		fill(&message, 'y', MIME_FIELD_BYTES_MAX + 1 + over);
		buf_puts(&message, "\n\ntext");
		message_record(buf_span(&message), &record);
		ck_assert_uint_eq(record.totals.notes[MIME_FIELD_CUT], over);
		ck_assert_int_eq(strchr(buf_text(&record.text), '{') - record.text.data,
				 MIME_FIELD_BYTES_MAX + 4 + (over ? 3 : 0));
		buf_free(&message);
		buf_free(&record.text);
	}
}
END_TEST

START_TEST(field_name_has_a_limit)
{
	for (size_t over = 0; over <= 1; over++) {
		struct record record = { .fields = true };
		struct buf message = buf_limited(0);

		fill(&message, 'X', MIME_FIELD_NAME_BYTES_MAX + over);
		buf_puts(&message, ": y\n\n");
		message_record(buf_span(&message), &record);
		ck_assert_uint_eq(record.totals.notes[MIME_NO_BLANK_LINE], over);
		buf_free(&message);
		buf_free(&record.text);
	}
}
END_TEST

START_TEST(boundary_has_a_limit)
{
	for (int over = 0; over <= 1; over++) {
		struct record record = { .digests = true };
		struct buf message = buf_limited(0);

		buf_printf(&message, "Content-Type: multipart/mixed; boundary=%0*d\n\n--%0*d\n\none\n",
			   MIME_BOUNDARY_BYTES_MAX + over, 0, MIME_BOUNDARY_BYTES_MAX + over, 0);
		message_record(buf_span(&message), &record);
		ck_assert_uint_eq(record.totals.notes[MIME_BOUNDARY_UNUSABLE], (uint32_t)over);
		ck_assert_uint_eq(record.totals.parts, over ? 1 : 2);
		buf_free(&message);
		buf_free(&record.text);
	}
}
END_TEST

/* A delimiter with so much white space behind it, and a field whose name is followed by so much. */
START_TEST(held_line_has_a_limit)
{
	for (int over = 0; over <= 1; over++) {
		struct record record = { .digests = true };
		struct buf message = buf_limited(0);

		buf_printf(&message, "%-*s: multipart/mixed; boundary=x\n\n%-*s\r\n\r\none\r\n--x--\r\n",
			   MIME_LINE_HELD_BYTES_MAX - 1 + over, "Content-Type",
			   MIME_LINE_HELD_BYTES_MAX + over, "--x");
		message_record(buf_span(&message), &record);
		if (over)
			ck_assert_uint_eq(record.totals.notes[MIME_NO_BLANK_LINE], 1);
		else
			ck_assert_uint_eq(record.totals.parts, 2);
		buf_free(&message);
		buf_free(&record.text);
	}
}
END_TEST

START_TEST(long_delimiter_is_content)
{
	struct record record = { .digests = true };
	struct buf message = buf_limited(0);

	buf_printf(&message, "Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n%-*s\n",
		   MIME_LINE_HELD_BYTES_MAX + 1, "--x");
	message_record(buf_span(&message), &record);
	ck_assert_uint_eq(record.totals.parts, 2);
	ck_assert_uint_eq(record.totals.notes[MIME_DELIMITER_ALIKE], 1);
	buf_free(&message);
	buf_free(&record.text);
}
END_TEST

static const struct {
	const char *what;
	struct span message;
	enum mime_note note;
	uint32_t count;
} total_rows[] = {
	{ "alike",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--xy\n--x\n\n--xz\n"), MIME_DELIMITER_ALIKE, 2 },
	{ "late",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x--\n--x\n--x--\n"), MIME_DELIMITER_LATE, 2 },
	{ "LF and CR LF", BYTES("A: b\r\n\nc"), MIME_LINE_ENDS_MIXED, 1 },
	{ "CR and CR LF", BYTES("A: b\r\n\r\nc\rd"), MIME_LINE_ENDS_MIXED, 1 },
	{ "CR LF only", BYTES("A: b\r\n\r\nc\r\n"), MIME_LINE_ENDS_MIXED, 0 },
	{ "inner boundary longer than the outer one is nothing special",
	  BYTES("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=xy\n\n--xy\n\n--xy--\n--x--\n"),
	  MIME_DELIMITER_ALIKE, 0 },
};

START_TEST(notes_of_the_message)
{
	struct record record = { .digests = true };

	message_record(total_rows[_i].message, &record);
	ck_assert_msg(record.totals.notes[total_rows[_i].note] == total_rows[_i].count, "%s",
		      total_rows[_i].what);
	buf_free(&record.text);
}
END_TEST

/* Content longer than any buffer comes out whole. */
START_TEST(long_content)
{
	struct record record = { .digests = false };
	struct buf message = buf_limited(0);

	buf_puts(&message, "Content-Transfer-Encoding: base64\r\n\r\n");
	for (int i = 0; i < 5000; i++)
		buf_puts(&message, "QUJDQUJDQUJD\r\n");
	message_record(buf_span(&message), &record);
	ck_assert_uint_eq(record.text.length, strlen("{1 L text/plain base64 \"\"}") + 45000);
	buf_free(&message);
	buf_free(&record.text);
}
END_TEST

static void file_check(struct arena *arena, const char *path)
{
	struct record record = { .digests = true, .fields = true };
	struct source source;
	struct span message;

	ck_assert_int_eq(source_read(arena, path, 64 << 20, &source), 0);
	message = (struct span){ .data = source.text, .length = source.length };
	message_read(message, 0, &record);
	cut_compare(message, 1 + message.length % 500, &record);
	if (message.length < 2000)
		cut_compare(message, 1, &record);
	buf_free(&record.text);
}

/* Checks the files below a directory and returns how many there were. */
static int directory_check(const char *path)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	DIR *directory = opendir(path);
	struct dirent *entry;
	int count = 0;

	while (directory && (entry = readdir(directory))) {
		const char *below = arena_printf(arena, "%s/%s", path, entry->d_name);

		if (entry->d_name[0] == '.' && (entry->d_name[1] == '\0' || entry->d_name[1] == '.'))
			continue;
		if (entry->d_type == DT_DIR) {
			count += directory_check(below);
			continue;
		}
		file_check(arena, below);
		count++;
	}
	if (directory)
		closedir(directory);
	return count;
}

START_TEST(real_messages)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();

	if (directory_check(corpus_path(arena, "mail")) == 0)
		corpus_miss("mail");
}
END_TEST

static void limit_tests_add(TCase *tcase)
{
	tcase_add_test(tcase, type_has_a_limit);
	tcase_add_test(tcase, depth_has_a_limit);
	tcase_add_test(tcase, enclosed_messages_have_a_limit);
	tcase_add_test(tcase, parts_have_a_limit);
	tcase_add_test(tcase, header_has_a_limit);
	tcase_add_test(tcase, fields_have_a_limit);
	tcase_add_test(tcase, field_has_a_limit);
	tcase_add_test(tcase, field_name_has_a_limit);
	tcase_add_test(tcase, boundary_has_a_limit);
	tcase_add_test(tcase, held_line_has_a_limit);
	tcase_add_test(tcase, long_delimiter_is_content);
}

int main(void)
{
	Suite *suite = suite_create("mail/mime");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 0);
	tcase_add_loop_test(tcase, messages, 0, COUNT(message_rows));
	tcase_add_loop_test(tcase, fields, 0, COUNT(field_rows));
	limit_tests_add(tcase);
	tcase_add_loop_test(tcase, notes_of_the_message, 0, COUNT(total_rows));
	tcase_add_test(tcase, long_content);
	tcase_add_test(tcase, real_messages);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return corpus_exit(failed);
}
