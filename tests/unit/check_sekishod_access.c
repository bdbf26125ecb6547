/* Who may ask what: every verb, whatever stands in the table; groups by the socket of a peer. */
#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sekishod/access.h"

static const struct {
	enum verb verb;
	enum access least;
	const char *group;
} requests[] = {
	{ VERB_STATUS, ACCESS_AUDITOR, "sekisho-auditor" },
	{ VERB_VIEW, ACCESS_AUDITOR, "sekisho-auditor" },
	{ VERB_APPLY, ACCESS_OPERATOR, "sekisho-operator" },
	{ VERB_CONFIRM, ACCESS_OPERATOR, "sekisho-operator" },
	{ VERB_ISOLATE, ACCESS_OPERATOR, "sekisho-operator" },
	{ VERB_RELEASE, ACCESS_OPERATOR, "sekisho-operator" },
};

/* The least standing for a verb; ACCESS_NONE where it is no request. */
static enum access least_of(enum verb verb)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i].verb == verb)
			return requests[i].least;
	return ACCESS_NONE;
}

START_TEST(every_verb_is_allowed_from_its_least_standing_on)
{
	for (int verb = 0; verb < VERB_COUNT; verb++)
		for (int access = ACCESS_NONE; access <= ACCESS_ROOT; access++)
			ck_assert_msg(access_allows((enum access)access, (enum verb)verb) == (least_of((enum verb)verb) && access >= (int)least_of((enum verb)verb)),
				      "verb %d, standing %d", verb, access);
	ck_assert(!access_allows(ACCESS_ROOT, VERB_COUNT));
}
END_TEST

START_TEST(the_group_for_a_verb_is_named)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		ck_assert_str_eq(access_group(requests[i].verb), requests[i].group);
	ck_assert_str_eq(access_group(VERB_RECORD), "root");
}
END_TEST

START_TEST(a_peer_is_in_the_groups_of_its_process)
{
	gid_t groups[256];
	int ends[2], count = getgroups(256, groups);
	uint32_t other = 0x7ffffff0;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert(caller_has_group(ends[0], getegid()));
	for (int i = 0; i < count; i++)
		ck_assert_msg(caller_has_group(ends[0], groups[i]), "group %u", groups[i]);
	ck_assert(!caller_has_group(ends[0], other));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(groups_that_do_not_exist_have_no_members)
{
	struct access_groups groups = { .has_operator = false };
	struct caller caller = { .uid = geteuid() + 1 };
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(access_of_socket(&groups, ends[0], &caller), ACCESS_NONE);
	groups = (struct access_groups){ .has_auditor = true, .auditor_gid = getegid() };
	ck_assert_int_eq(access_of_socket(&groups, ends[0], &caller), ACCESS_AUDITOR);
	groups = (struct access_groups){ .has_auditor = true, .auditor_gid = getegid(), .has_operator = true, .operator_gid = getegid() };
	ck_assert_int_eq(access_of_socket(&groups, ends[0], &caller), ACCESS_OPERATOR);
	caller.uid = geteuid();
	ck_assert_int_eq(access_of_socket(&groups, ends[0], &caller), ACCESS_ROOT);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sekishod/access");
	TCase *tests = tcase_create("access");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, every_verb_is_allowed_from_its_least_standing_on);
	tcase_add_test(tests, the_group_for_a_verb_is_named);
	tcase_add_test(tests, a_peer_is_in_the_groups_of_its_process);
	tcase_add_test(tests, groups_that_do_not_exist_have_no_members);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
