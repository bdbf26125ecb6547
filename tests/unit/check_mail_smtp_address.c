/*
 * Paths of an envelope: what is accepted as given, what is refused by rule, what is no path, and every
 * limit.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/smtp_address.h"

struct path_row {
	const char *what;
	const char *path;
	enum smtp_path_kind kind;
	int error;
	const char *text, *domain; /* NULL: path as it is; no domain */
};

static const struct path_row path_rows[] = {
	{ "plain", "<soumu@city.example.jp>", SMTP_PATH_FORWARD, 0, NULL, "city.example.jp" },
	{ "what follows is not looked at", "<a@b> SIZE=1", SMTP_PATH_REVERSE, 0, "<a@b>", "b" },
	{ "telephone: double and last dot", "<a..b.@docomo.ne.jp>", SMTP_PATH_FORWARD, 0, NULL, "docomo.ne.jp" },
	{ "telephone, as a sender", "<a..b.@docomo.ne.jp>", SMTP_PATH_REVERSE, 0, NULL, "docomo.ne.jp" },
	{ "telephone: first dot", "<.a@ezweb.ne.jp>", SMTP_PATH_FORWARD, 0, NULL, "ezweb.ne.jp" },
	{ "telephone, quoted by the server before", "<\"a..b.\"@docomo.ne.jp>", SMTP_PATH_FORWARD, 0, NULL, "docomo.ne.jp" },
	{ "every atom character", "<!#$%&'*+-/=?^_`{|}~@b>", SMTP_PATH_REVERSE, 0, NULL, "b" },
	{ "bounce address longer than 64 bytes",
	  "<bounce-0123456789012345678901234567890123456789012345678901234567890123456789=x@b>", SMTP_PATH_REVERSE, 0, NULL, "b" },
	{ "null reverse-path", "<>", SMTP_PATH_REVERSE, 0, NULL, NULL },
	{ "null forward-path", "<>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "postmaster", "<Postmaster>", SMTP_PATH_FORWARD, 0, NULL, NULL },
	{ "postmaster as a sender", "<postmaster>", SMTP_PATH_REVERSE, -EINVAL, NULL, NULL },
	{ "somebody else without a domain", "<root>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "underscore in a domain", "<a@my_host.example.jp>", SMTP_PATH_REVERSE, 0, NULL, "my_host.example.jp" },
	{ "quoted space", "<\"a b\"@b>", SMTP_PATH_FORWARD, -ENOTSUP, NULL, NULL },
	{ "quoted at sign", "<\"a@b\"@c>", SMTP_PATH_FORWARD, -ENOTSUP, NULL, NULL },
	{ "quoted end of path", "<\"a>b\"@c>", SMTP_PATH_FORWARD, -ENOTSUP, NULL, NULL },
	{ "quoted backslash", "<\"a\\\"b\"@c>", SMTP_PATH_REVERSE, -ENOTSUP, NULL, NULL },
	{ "quoted nothing", "<\"\"@c>", SMTP_PATH_REVERSE, -ENOTSUP, NULL, NULL },
	{ "quote without end", "<\"a@b>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "quote in the middle", "<a\"b\"@c>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "source route", "<@a,@b:c@d>", SMTP_PATH_FORWARD, -ENOTSUP, NULL, NULL },
	{ "source route as a sender", "<@a:c@d>", SMTP_PATH_REVERSE, -ENOTSUP, NULL, NULL },
	{ "address literal", "<a@[192.0.2.1]>", SMTP_PATH_FORWARD, -ENOTSUP, NULL, NULL },
	{ "address literal as a sender", "<a@[IPv6:2001:db8::1]>", SMTP_PATH_REVERSE, -ENOTSUP, NULL, NULL },
	{ "address without brackets", "<a@192.0.2.1>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "percent hack", "<a%outside.example@b>", SMTP_PATH_FORWARD, -ENOTSUP, NULL, NULL },
	{ "percent hack in quotes", "<\"a%outside.example\"@b>", SMTP_PATH_FORWARD, -ENOTSUP, NULL, NULL },
	{ "bang path", "<outside!a@b>", SMTP_PATH_FORWARD, -ENOTSUP, NULL, NULL },
	{ "percent in a sender is text", "<a%b@c>", SMTP_PATH_REVERSE, 0, NULL, "c" },
	{ "local part that is not ASCII", "<\xe7\xb7\x8f\xe5\x8b\x99@b>", SMTP_PATH_FORWARD, -EILSEQ, NULL, NULL },
	{ "Japanese domain", "<soumu@日本語.jp>", SMTP_PATH_FORWARD, 0, "<soumu@xn--wgv71a119e.jp>", "xn--wgv71a119e.jp" },
	{ "Japanese domain, full-width dot, as a sender", "<a..b@日本語．ｊｐ> SMTPUTF8", SMTP_PATH_REVERSE, 0, "<a..b@xn--wgv71a119e.jp>",
	  "xn--wgv71a119e.jp" },
	{ "Japanese domain, quoted telephone", "<\"a..b.\"@日本語.jp>", SMTP_PATH_FORWARD, 0, "<\"a..b.\"@xn--wgv71a119e.jp>", "xn--wgv71a119e.jp" },
	{ "full-width at sign", "<a＠b.jp>", SMTP_PATH_FORWARD, -EILSEQ, NULL, NULL },
	{ "domain that becomes another form of an address", "<a@日本語@b>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "domain that is not UTF-8", "<a@\xe5\xb8.jp>", SMTP_PATH_REVERSE, -EINVAL, NULL, NULL },
	{ "Japanese domain that is too long",
	  "<a@日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.日本語.jp>",
	  SMTP_PATH_FORWARD, -ENAMETOOLONG, NULL, NULL },
	{ "not UTF-8", "<a\xff@b>", SMTP_PATH_FORWARD, -EILSEQ, NULL, NULL },
	{ "no brackets", "a@b", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "no end", "<a@b", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "nothing", "", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "no local part", "<@>", SMTP_PATH_FORWARD, -ENOTSUP, NULL, NULL },
	{ "no domain", "<a@>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "two at signs", "<a@b@c>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "space", "<a b@c>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "space at the end", "<a@c >", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "comment", "<a(x)@c>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "list", "<a@b,c@d>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "line feed", "<a\n@c>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "dot before the domain", "<a@.b>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "dot behind the domain", "<a@b.>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "two dots in the domain", "<a@b..c>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "hyphen before a label", "<a@-b>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
	{ "hyphen behind a label", "<a@b-.c>", SMTP_PATH_FORWARD, -EINVAL, NULL, NULL },
};

START_TEST(paths_follow_the_stated_rules)
{
	for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++) {
		const struct path_row *row = &path_rows[i];
		struct smtp_address address;
		char text[SMTP_PATH_TEXT_BYTES];
		size_t used = 0;
		int error = smtp_path_parse(span_of(row->path), row->kind, &address, &used);

		ck_assert_msg(error == row->error, "%s: %d", row->what, error);
		if (error)
			continue;
		ck_assert_msg(used == strcspn(row->path, ">") + 1, "%s", row->what);
		ck_assert_str_eq(smtp_path_format(&address, text), row->text ? row->text : row->path);
		ck_assert_msg(span_equal(smtp_address_domain(&address), span_of(row->domain ? row->domain : "")), "%s", row->what);
	}
}
END_TEST

START_TEST(a_nul_is_never_part_of_a_path)
{
	static const struct span rows[] = { { "<a\0@b>", 6 }, { "<a@b\0>", 6 }, { "<\0>", 3 }, { "<\"\0\"@b>", 7 } };
	struct smtp_address address;
	size_t used;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_lt(smtp_path_parse(rows[i], SMTP_PATH_REVERSE, &address, &used), 0);
}
END_TEST

static struct span long_address(char *text, size_t length)
{
	memset(text, 'a', length);
	memcpy(text + length - 2, "@b", 2);
	return (struct span){ .data = text, .length = length };
}

START_TEST(limits_hold_at_the_limit_and_one_beyond)
{
	char text[SMTP_ADDRESS_BYTES_MAX + 8], label[80] = "a@", path[SMTP_PATH_TEXT_BYTES];
	struct smtp_address address;
	int beyond;

	ck_assert_int_eq(smtp_address_parse(long_address(text, SMTP_ADDRESS_BYTES_MAX), SMTP_PATH_FORWARD, &address), 0);
	ck_assert_uint_eq(strlen(smtp_path_format(&address, path)), SMTP_PATH_BYTES_MAX);
	beyond = smtp_address_parse(long_address(text, SMTP_ADDRESS_BYTES_MAX + 1), SMTP_PATH_FORWARD, &address);
	ck_assert_int_eq(beyond, -ENAMETOOLONG);
	memset(label + 2, 'b', SMTP_LABEL_BYTES_MAX);
	ck_assert_int_eq(smtp_address_parse(span_of(label), SMTP_PATH_FORWARD, &address), 0);
	label[2 + SMTP_LABEL_BYTES_MAX] = 'b';
	ck_assert_int_eq(smtp_address_parse(span_of(label), SMTP_PATH_FORWARD, &address), -EINVAL);
}
END_TEST

START_TEST(a_quoted_address_of_full_length_fits_its_text)
{
	char text[SMTP_ADDRESS_BYTES_MAX], path[SMTP_PATH_TEXT_BYTES];
	struct smtp_address address;
	struct span span = { .data = text, .length = sizeof(text) };

	memset(text, 'a', sizeof(text));
	text[0] = text[sizeof(text) - 3] = '"';
	text[sizeof(text) - 2] = '@';
	ck_assert_int_eq(smtp_address_parse(span, SMTP_PATH_FORWARD, &address), 0);
	ck_assert_uint_eq(strlen(smtp_path_format(&address, path)), SMTP_PATH_BYTES_MAX);
}
END_TEST

START_TEST(a_domain_is_itself_in_any_case_and_nothing_else)
{
	struct smtp_address address, postmaster;

	ck_assert_int_eq(smtp_address_parse(span_of("a@City.example.jp"), SMTP_PATH_FORWARD, &address), 0);
	ck_assert(smtp_address_in_domain(&address, span_of("city.EXAMPLE.jp")));
	ck_assert(!smtp_address_in_domain(&address, span_of("example.jp")));
	ck_assert(!smtp_address_in_domain(&address, span_of("sub.city.example.jp")));
	ck_assert(!smtp_address_in_domain(&address, span_of("")));
	ck_assert_int_eq(smtp_address_parse(span_of("postmaster"), SMTP_PATH_FORWARD, &postmaster), 0);
	ck_assert(!smtp_address_in_domain(&postmaster, span_of("")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mail/smtp_address");
	TCase *cases = tcase_create("smtp_address");
	SRunner *runner;
	int failed;

	tcase_add_test(cases, paths_follow_the_stated_rules);
	tcase_add_test(cases, a_nul_is_never_part_of_a_path);
	tcase_add_test(cases, limits_hold_at_the_limit_and_one_beyond);
	tcase_add_test(cases, a_quoted_address_of_full_length_fits_its_text);
	tcase_add_test(cases, a_domain_is_itself_in_any_case_and_nothing_else);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
