/*
 * mail/mime_transfer, mail/mime_parameter: what bytes mean in a transfer encoding, and in a value with
 * parameters.
 */
#include "mail/mime_parameter.h"
#include "mail/mime_transfer.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define BYTES(text) { .data = (text), .length = sizeof(text) - 1 }

static const struct {
	const char *what, *encoding;
	struct span in, out;
	uint64_t damage;
} transfer_rows[] = {
	{ "whole groups", "base64", BYTES("QUJDREVG"), BYTES("ABCDEF"), 0 },
	{ "one byte over", "base64", BYTES("QUJDRA=="), BYTES("ABCD"), 0 },
	{ "two bytes over", "base64", BYTES("QUJDREU="), BYTES("ABCDE"), 0 },
	{ "padding missing", "base64", BYTES("QUJDREU"), BYTES("ABCDE"), 0 },
	{ "half the padding", "base64", BYTES("RA="), BYTES("D"), 0 },
	{ "one letter over", "base64", BYTES("QUJDR"), BYTES("ABC"), 1 },
	{ "lines of three", "base64", BYTES("QUJ\nDRE\r\nVG\r"), BYTES("ABCDEF"), 0 },
	{ "junk", "base64", BYTES("Q-U_J\x80" "D"), BYTES("ABC"), 3 },
	{ "blocks behind each other", "base64", BYTES("QQ==QUI=QUJD"), BYTES("AABABC"), 0 },
	{ "'=' inside", "base64", BYTES("QU=JD"), BYTES("A$"), 0 },
	{ "'=' alone", "base64", BYTES("====QUJD="), BYTES("ABC"), 0 },
	{ "'=' behind one letter", "base64", BYTES("Q=UJD"), BYTES("ABC"), 0 },
	{ "highest and lowest values", "base64", BYTES("AAEC/f7/"), BYTES("\0\1\2\xfd\xfe\xff"), 0 },
	{ "nothing", "base64", BYTES(""), BYTES(""), 0 },
	{ "text", "quoted-printable", BYTES("a b\r\nc\n"), BYTES("a b\r\nc\n"), 0 },
	{ "digits of both cases", "quoted-printable", BYTES("=3D=c3=A9"), BYTES("=\xc3\xa9"), 0 },
	{ "soft breaks", "quoted-printable", BYTES("a=\r\nb=\nc=\rd= \t\r\ne"), BYTES("abcde"), 0 },
	{ "soft break at the end", "quoted-printable", BYTES("a="), BYTES("a"), 0 },
	{ "soft break at the end, with spaces", "quoted-printable", BYTES("a=  "), BYTES("a"), 0 },
	{ "no digits", "quoted-printable", BYTES("=AT =ZZ =\x01 =="), BYTES("=AT =ZZ =\x01 ="), 4 },
	{ "one digit at the end", "quoted-printable", BYTES("=4"), BYTES("=4"), 1 },
	{ "spaces and then no line end", "quoted-printable", BYTES("=  a"), BYTES("=  a"), 1 },
	{ "spaces at the end of lines",
	  "quoted-printable", BYTES("a \t\r\nb \nc \rd "), BYTES("a\r\nb\nc\rd"), 0 },
	{ "encoded space at the end of a line", "quoted-printable", BYTES("a=20\r\n"), BYTES("a \r\n"), 0 },
	{ "space before a soft break", "quoted-printable", BYTES("a =\r\nb"), BYTES("a b"), 0 },
	{ "raw bytes", "quoted-printable", BYTES("\xe6\x97\xa5\0"), BYTES("\xe6\x97\xa5\0"), 0 },
	{ "a block", "x-uuencode", BYTES("begin 644 a.txt\n#0V%T\n`\nend\n"), BYTES("Cat"), 0 },
	{ "CR LF", "x-uuencode", BYTES("begin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n"), BYTES("Cat"), 0 },
	{ "text around it", "x-uuencode", BYTES("hello\n\nbegin 644 a\n#0V%T\nend\nbye\n"), BYTES("Cat"), 2 },
	{ "two blocks",
	  "x-uuencode", BYTES("begin 644 a\n#0V%T\nend\nbegin 644 b\n#0V%T\nend\n"), BYTES("CatCat"), 0 },
	{ "end missing", "x-uuencode", BYTES("begin 644 a\n#0V%T"), BYTES("Cat"), 1 },
	{ "bytes missing", "x-uuencode", BYTES("begin 644 a\n#0V\nend\n"), BYTES("C`\0"), 0 },
	{ "no begin", "x-uuencode", BYTES("#0V%T\n"), BYTES(""), 1 },
	{ "as it is", "binary", BYTES("a\0\r\n\r=3D"), BYTES("a\0\r\n\r=3D"), 0 },
};

/* Decodes with pieces of at most `most` bytes, and as little room as may be. */
static void transfer_run(const char *encoding, struct span in, size_t most, struct buf *out,
			 uint64_t *ret_damage)
{
	struct mime_transfer transfer = mime_transfer_of(mime_encoding_of(span_of(encoding)));
	char room[MIME_TRANSFER_ROOM];

	while (in.length > 0) {
		struct span piece = span_part(in, 0, most < in.length ? most : in.length);

		in = span_part(in, piece.length, in.length);
		while (piece.length > 0)
			buf_put(out, room, mime_transfer_decode(&transfer, &piece, room, sizeof(room)));
	}
	buf_put(out, room, mime_transfer_finish(&transfer, room));
	*ret_damage = transfer.damage;
}

START_TEST(transfer_encodings)
{
	static const size_t cuts[] = { 1, 2, 3, 5, 1000 };

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct buf out = buf_limited(0);
		uint64_t damage;

		transfer_run(transfer_rows[_i].encoding, transfer_rows[_i].in, cuts[i], &out, &damage);
		ck_assert_msg(span_equal(buf_span(&out), transfer_rows[_i].out), "%s, cut %zu: %s",
			      transfer_rows[_i].what, cuts[i], buf_text(&out));
		ck_assert_msg(damage == transfer_rows[_i].damage, "%s: %llu", transfer_rows[_i].what,
			      (unsigned long long)damage);
		buf_free(&out);
	}
}
END_TEST

/* So many spaces before a line end are left out; one more, and all are kept. */
START_TEST(spaces_before_a_line_end_have_a_limit)
{
	for (size_t count = MIME_SPACE_HELD_MAX; count <= MIME_SPACE_HELD_MAX + 1; count++) {
		struct buf in = buf_limited(0), out = buf_limited(0);
		uint64_t damage;

		while (in.length < count)
			buf_putc(&in, ' ');
		buf_puts(&in, "\r\n");
		transfer_run("quoted-printable", buf_span(&in), 50, &out, &damage);
		ck_assert_uint_eq(out.length, count <= MIME_SPACE_HELD_MAX ? 2 : count + 2);
		buf_free(&in);
		buf_free(&out);
	}
}
END_TEST

START_TEST(uuencoded_line_has_a_limit)
{
	for (size_t length = MIME_UU_LINE_MAX; length <= MIME_UU_LINE_MAX + 1; length++) {
		struct buf in = buf_limited(0), out = buf_limited(0);
		uint64_t damage;

		buf_puts(&in, "begin 644 a\n");
		for (size_t i = 0; i < length; i++)
			buf_putc(&in, 'M');
		buf_puts(&in, "\nend\n");
		transfer_run("x-uuencode", buf_span(&in), 50, &out, &damage);
		ck_assert_uint_eq(out.length, 45);
		ck_assert_uint_eq(damage, length > MIME_UU_LINE_MAX);
		buf_free(&in);
		buf_free(&out);
	}
}
END_TEST

/* token | name=octets, with * and *N behind a name and ? before a doubtful one */
static const struct {
	const char *what;
	struct span field;
	const char *value;
} value_rows[] = {
	{ "token", BYTES("text/plain"), "text/plain" },
	{ "parameters", BYTES("text/plain; a=b ;C=\"d e\";"), "text/plain|a=b|c=d e" },
	{ "semicolons", BYTES("text/plain;;; a=b;;"), "text/plain|a=b" },
	{ "comments", BYTES("(x) text/plain (y); (z) a (q) = (r) b (s); c=d"), "text/plain|?a=b|c=d" },
	{ "semicolon in quotes", BYTES("text/plain; a=\"b;c=d\"; e=f"), "text/plain|a=b;c=d|e=f" },
	{ "escapes", BYTES("text/plain; a=\"b\\\"\\\\c\""), "text/plain|a=b\"\\c" },
	{ "quote never closed", BYTES("text/plain; a=\"b; c=d"), "text/plain|?a=b; c=d" },
	{ "two quoted strings", BYTES("text/plain; a=\"b\" \"c\"; d=e"), "text/plain|?a=bc|d=e" },
	{ "no value", BYTES("text/plain; a; b=c"), "text/plain|b=c" },
	{ "empty value", BYTES("text/plain; a=; b=c"), "text/plain|?a=|b=c" },
	{ "no name", BYTES("text/plain; =a; b=c"), "text/plain|b=c" },
	{ "RFC 2231",
	  BYTES("text/plain; a*=''b; c*0=d; c*12*=e; f*01=g"), "text/plain|a*=''b|c*0=d|c*12*=e|?f*1=g" },
	{ "stars that mean nothing", BYTES("text/plain; *=a; *0=b; c**=d; e*x=f; g*99999=h"),
	  "text/plain|*=a|*0=b|c**=d|e*x=f|g*99999=h" },
	{ "spaces without quotes", BYTES("text/plain; a=b c.pdf; d=e"), "text/plain|?a=b c.pdf|d=e" },
	{ "brackets without quotes", BYTES("text/plain; a=b(1).pdf"), "text/plain|?a=b(1).pdf" },
	{ "Shift_JIS backslash before the quote",
	  BYTES("text/plain; a=\"\x95\x5c\"; b=c"), "text/plain|a=\x95\x5c|b=c" },
	{ "UTF-8 before an escape",
	  BYTES("text/plain; a=\"\xe3\x80\x81\\\"x\"; b=c"), "text/plain|a=\xe3\x80\x81\"x|b=c" },
	{ "ISO-2022-JP holds quotes and semicolons", BYTES("text/plain; a=\"\x1b$B\";\"\\\x1b(B\"; b=c"),
	  "text/plain|a=\x1b$B\";\"\\\x1b(B|b=c" },
	{ "ISO-2022-JP never closed hides nothing",
	  BYTES("text/plain; a=\"\x1b$B\"; b=c"), "text/plain|a=\x1b$B|b=c" },
	{ "no token", BYTES("; a=b"), "|a=b" },
	{ "no slash", BYTES("text; a=b"), "|a=b" },
	{ "no subtype", BYTES("text/; a=b"), "|a=b" },
	{ "missing semicolon", BYTES("text/plain a=b"), "text/plain|a=b" },
	{ "NUL", BYTES("text/plain\0; a\0b=c; d=e\0f"), NULL },
	{ "comment never closed", BYTES("text/plain (; a=b"), "text/plain" },
	{ "nothing", BYTES(""), "" },
};

static void value_print(const struct mime_value *value, struct buf *text)
{
	buf_put(text, value->token.data, value->token.length);
	for (size_t i = 0; i < value->parameter_count; i++) {
		const struct mime_parameter *parameter = &value->parameters[i];

		ck_assert_uint_gt(parameter->name.length, 0);
		buf_printf(text, "|%s%.*s", parameter->doubtful ? "?" : "", (int)parameter->name.length,
			   parameter->name.data);
		if (parameter->section >= 0)
			buf_printf(text, "*%d", parameter->section);
		buf_printf(text, "%s=%.*s", parameter->extended ? "*" : "", (int)parameter->octets.length,
			   parameter->octets.data);
	}
}

START_TEST(values)
{
	struct mime_value *value = malloc(sizeof(*value));
	struct buf text = buf_limited(0);

	ck_assert_ptr_nonnull(value);
	mime_value_parse(value_rows[_i].field, MIME_VALUE_TYPE, value);
	value_print(value, &text);
	if (value_rows[_i].value)
		ck_assert_msg(strcmp(buf_text(&text), value_rows[_i].value) == 0, "%s: %s",
			      value_rows[_i].what, buf_text(&text));
	ck_assert(!value->more_parameters);
	buf_free(&text);
	free(value);
}
END_TEST

/* Appends a byte until the buf is so long. */
static void fill(struct buf *out, char byte, size_t length)
{
	while (out->length < length)
		buf_putc(out, byte);
}

static void value_expect(const struct buf *field, size_t parameters, bool more)
{
	struct mime_value *value = malloc(sizeof(*value));

	ck_assert_ptr_nonnull(value);
	mime_value_parse(buf_span(field), MIME_VALUE_TYPE, value);
	ck_assert_uint_eq(value->parameter_count, parameters);
	ck_assert(value->more_parameters == more);
	free(value);
}

START_TEST(values_have_limits)
{
	for (size_t over = 0; over <= 1; over++) {
		struct buf many = buf_limited(0), large = buf_limited(0), token = buf_limited(0);

		buf_puts(&many, "a/b");
		for (size_t i = 0; i < MIME_PARAMETERS_MAX + over; i++)
			buf_printf(&many, "; name*%zu=x", i);
		value_expect(&many, MIME_PARAMETERS_MAX, over);
		/* The token's three bytes leave the rest of its room to the parameters. */
		buf_puts(&large, "a/b; c=");
		fill(&large, 'd', 7 + MIME_TOKEN_BYTES_MAX - 3 + MIME_VALUE_BYTES_MAX - 1 + over);
		value_expect(&large, 1 - over, over);
		buf_puts(&token, "a/");
		fill(&token, 'b', MIME_TOKEN_BYTES_MAX + over);
		buf_puts(&token, "; c=d");
		value_expect(&token, 1, false);
		buf_free(&many);
		buf_free(&large);
		buf_free(&token);
	}
}
END_TEST

/* What a program must understand, it understands only when there is one way to read it. */
static const struct {
	const char *what, *field, *octets;
	int result;
} only_rows[] = {
	{ "one", "a/b; x=y", "y", 0 },
	{ "extended", "a/b; x*=us-ascii'en'%79", "y", 0 },
	{ "sections", "a/b; x*1=z; x*0=y", "yz", 0 },
	{ "none", "a/b; y=x", NULL, -ENOENT },
	{ "two", "a/b; x=y; x=y", NULL, -EINVAL },
	{ "two forms", "a/b; x=y; x*0=y", NULL, -EINVAL },
	{ "a section is missing", "a/b; x*0=y; x*2=z", NULL, -EINVAL },
	{ "the first section is missing", "a/b; x*1=y", NULL, -EINVAL },
	{ "a section is there twice", "a/b; x*0=y; x*0=z", NULL, -EINVAL },
	{ "a number that is none to everybody", "a/b; x*00=y", NULL, -EINVAL },
	{ "text behind quotes", "a/b; x=\"y\"z", NULL, -EINVAL },
	{ "comment", "a/b; x=y (z)", NULL, -EINVAL },
};

START_TEST(only_value)
{
	struct mime_value *value = malloc(sizeof(*value));
	struct mime_forms *forms = malloc(sizeof(*forms));
	struct span octets;

	ck_assert_ptr_nonnull(value);
	ck_assert_ptr_nonnull(forms);
	mime_value_parse(span_of(only_rows[_i].field), MIME_VALUE_TYPE, value);
	ck_assert_msg(mime_parameter_only(value, "x", forms, &octets) == only_rows[_i].result, "%s",
		      only_rows[_i].what);
	if (only_rows[_i].octets)
		ck_assert_msg(span_equal(octets, span_of(only_rows[_i].octets)), "%s", only_rows[_i].what);
	free(value);
	free(forms);
}
END_TEST

/* Sections up to the largest number; one more makes it a name like any other. */
START_TEST(section_numbers_have_a_limit)
{
	struct mime_value *value = malloc(sizeof(*value));

	ck_assert_ptr_nonnull(value);
	mime_value_parse(span_of("a/b; x*9999=y; x*10000=z"), MIME_VALUE_TYPE, value);
	ck_assert_int_eq(value->parameters[0].section, MIME_SECTION_MAX);
	ck_assert_int_eq(value->parameters[1].section, -1);
	free(value);
}
END_TEST

START_TEST(forms_have_a_limit)
{
	for (int count = MIME_FORMS_MAX; count <= MIME_FORMS_MAX + 1; count++) {
		struct mime_value *value = malloc(sizeof(*value));
		struct mime_forms *forms = malloc(sizeof(*forms));
		struct buf field = buf_limited(0);

		ck_assert_ptr_nonnull(value);
		ck_assert_ptr_nonnull(forms);
		buf_puts(&field, "a/b");
		for (int i = 0; i < count; i++)
			buf_puts(&field, "; x=y");
		mime_value_parse(buf_span(&field), MIME_VALUE_TYPE, value);
		mime_parameter_forms(value, "x", forms);
		ck_assert_uint_eq(forms->count, MIME_FORMS_MAX);
		ck_assert(forms->more == (count > MIME_FORMS_MAX));
		buf_free(&field);
		free(value);
		free(forms);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mail/mime_transfer");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, transfer_encodings, 0, COUNT(transfer_rows));
	tcase_add_test(tcase, spaces_before_a_line_end_have_a_limit);
	tcase_add_test(tcase, uuencoded_line_has_a_limit);
	tcase_add_loop_test(tcase, values, 0, COUNT(value_rows));
	tcase_add_test(tcase, values_have_limits);
	tcase_add_loop_test(tcase, only_value, 0, COUNT(only_rows));
	tcase_add_test(tcase, section_numbers_have_a_limit);
	tcase_add_test(tcase, forms_have_a_limit);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
