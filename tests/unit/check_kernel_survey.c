/* check: kernel/survey.h, what is read out of text: of services of IPVS the first is told, as a person writes it. */
#include "kernel/survey.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct ipvs_case {
	const char *what, *line;
	const char *text;	/* NULL: the line tells of no service */
};

static const struct ipvs_case ipvs_cases[] = {
	{ "the head", "IP Virtual Server version 1.2.1 (size=4096)", NULL },
	{ "the words over the columns", "Prot LocalAddress:Port Scheduler Flags", NULL },
	{ "a server", "  -> 0A01000A:0016      Masq    1      0          0         ", NULL },
	{ "a service", "TCP  0A020001:0016 rr  ", "TCP 10.2.0.1:22" },
	{ "one of another protocol", "UDP  C0000202:0035 wlc persistent 300 FFFFFFFF", "UDP 192.0.2.2:53" },
	{ "one of IPv6", "TCP  [fd00:0000:0000:0002:0000:0000:0000:0001]:01bb sh (sh-fallback)", "TCP [fd00:0:0:2::1]:443" },
	{ "one that goes by a mark", "FWM  0000002A rr  ", "fwmark 0x2a" },
	{ "no address", "TCP  [fd00:::1]:01bb rr", NULL },
	{ "nothing", "", NULL },
};

START_TEST(services_of_ipvs)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct ipvs_case *row = &ipvs_cases[_i];
	struct survey survey = { .count = 0 };

	survey_take_ipvs(arena, &survey, row->line);
	ck_assert_msg(survey.count == (row->text ? 1 : 0), "%s: %zu items", row->what, survey.count);
	if (row->text)
		ck_assert_str_eq(survey.items[0].text, row->text);
}
END_TEST

START_TEST(the_first_service_of_ipvs)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct survey survey = { .count = 0 };

	survey_add(arena, &survey, SURVEY_RULE, 0, 7, "");
	survey_take_ipvs(arena, &survey, ipvs_cases[3].line);
	survey_take_ipvs(arena, &survey, ipvs_cases[4].line);
	ck_assert_uint_eq(survey.count, 2);
	ck_assert(survey.items[1].kind == SURVEY_IPVS && strcmp(survey.items[1].text, ipvs_cases[3].text) == 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("survey");
	TCase *tests = tcase_create("survey");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, services_of_ipvs, 0, sizeof(ipvs_cases) / sizeof(ipvs_cases[0]));
	tcase_add_test(tests, the_first_service_of_ipvs);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
