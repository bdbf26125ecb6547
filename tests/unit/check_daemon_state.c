/* What is kept reads back, also where it was written over in place; the time does not run behind the newest that was seen. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/state.h"

enum { BYTES_MAX = 64, YEAR_S = 365 * 24 * 3600 };

static void expect_kept(const char *directory, const char *text)
{
	struct buf bytes = buf_limited(0);

	ck_assert_int_eq(state_recall(directory, "kept", BYTES_MAX, &bytes), 0);
	ck_assert(span_equal(buf_span(&bytes), span_of(text)));
	buf_free(&bytes);
}

START_TEST(what_is_written_over_reads_back)
{
	char directory[] = "/tmp/check-state-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(state_rewrite(directory, "kept", span_of("first")), -ENOENT);
	ck_assert_int_eq(state_keep(directory, "kept", span_of("first")), 0);
	expect_kept(directory, "first");
	ck_assert_int_eq(state_rewrite(directory, "kept", span_of("the second")), 0);
	expect_kept(directory, "the second");
	ck_assert_int_eq(state_rewrite(directory, "kept", span_of("3")), 0);
	expect_kept(directory, "3");
	ck_assert_int_eq(state_forget(directory, "kept"), 0);
	ck_assert_int_eq(state_forget(directory, "kept"), -ENOENT);
	rmdir(directory);
}
END_TEST

/* Something that is no file in the place of one is refused, and nobody waits for its other end. */
START_TEST(what_is_no_file_is_refused)
{
	char directory[] = "/tmp/check-state-XXXXXX", path[sizeof(directory) + sizeof("/kept.new")];
	struct buf bytes = buf_limited(0);

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/kept", directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(state_recall(directory, "kept", BYTES_MAX, &bytes), -EPERM);
	ck_assert_int_eq(state_rewrite(directory, "kept", span_of("first")), -ENXIO);
	ck_assert_int_eq(state_forget(directory, "kept"), 0);
	snprintf(path, sizeof(path), "%s/kept.new", directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(state_keep(directory, "kept", span_of("first")), -ENXIO);
	ck_assert_int_eq(state_forget(directory, "kept.new"), 0);
	rmdir(directory);
}
END_TEST

START_TEST(the_clock_is_seen_and_does_not_run_back)
{
	clock_base none = INT64_MIN, ahead = clock_base_of((int64_t)time(NULL) + YEAR_S), before = ahead;
	int64_t now = clock_now(&none);

	ck_assert(llabs(now - (int64_t)time(NULL)) <= 1);
	ck_assert(llabs(none - clock_base_of(0)) <= 1);
	ck_assert(llabs(clock_now(&ahead) - now - YEAR_S) <= 1);
	ck_assert(ahead == before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/state");
	TCase *cases = tcase_create("state");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, what_is_written_over_reads_back);
	tcase_add_test(cases, what_is_no_file_is_refused);
	tcase_add_test(cases, the_clock_is_seen_and_does_not_run_back);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
