/* What is said of isolated zones reads back, and no other length does; the list after each order; what is kept outlives a restart, a damaged file opens nothing. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sekishod/isolation_messages.h"

static const char *const except[] = { "ssh", "j-alert" };
static struct isolation two_items[] = {
	{ .zone = "lgwan", .except = except, .except_count = 2, .reason = "疑い", .since = 100 }, { .zone = "gikai", .reason = "", .since = 200 },
};
static const struct isolations two = { .items = two_items, .count = 2 };
static const struct isolations none;

/* Cuts the payload at each length, and makes it one byte longer. */
#define ONLY_WHOLE(unpack, bytes, result)                                                                                      \
	do {                                                                                                                   \
		for (size_t length = 0; length < (bytes).length; length++)                                                     \
			ck_assert_int_eq(unpack(arena, (struct span){ .data = (bytes).data, .length = length }, result), -EBADMSG); \
		buf_putc(&(bytes), 0);                                                                                         \
		ck_assert_int_eq(unpack(arena, buf_span(&(bytes)), result), -EBADMSG);                                         \
	} while (0)

START_TEST(payloads_read_back_and_no_other_length_does)
{
	const struct isolation_order order = { .action = ISOLATION_DRILL, .isolation = two_items[0], .who = { .known = true, .pid = 7, .process = { "x", 1 } } };
	const struct isolation_state state = { .number = 3, .action = ISOLATION_DRILL, .isolations = two };
	const struct isolation_answer answer = { .number = 3, .outcome = ISOLATION_LATER, .kept = true,
						 .effect = { .interfaces = 2, .keeps = (const char **)(uintptr_t)except, .keep_count = 2 } };
	struct buf bytes[3] = { buf_limited(0), buf_limited(0), buf_limited(0) };
	struct arena *arena = arena_new();
	struct isolation_order order_again;
	struct isolation_state state_again;
	struct isolation_answer answer_again;

	isolation_order_pack(&bytes[0], &order);
	ck_assert_int_eq(isolation_order_unpack(arena, buf_span(&bytes[0]), &order_again), 0);
	ck_assert(order_again.action == ISOLATION_DRILL && order_again.who.pid == 7 && order_again.isolation.since == 100);
	ck_assert_str_eq(order_again.isolation.except[1], "j-alert");
	ONLY_WHOLE(isolation_order_unpack, bytes[0], &order_again);
	isolation_state_pack(&bytes[1], &state);
	ck_assert_int_eq(isolation_state_unpack(arena, buf_span(&bytes[1]), &state_again), 0);
	ck_assert(state_again.action == ISOLATION_DRILL && state_again.isolations.count == 2);
	ck_assert_str_eq(state_again.isolations.items[0].reason, "疑い");
	ONLY_WHOLE(isolation_state_unpack, bytes[1], &state_again);
	isolation_answer_pack(&bytes[2], &answer);
	ck_assert_int_eq(isolation_answer_unpack(arena, buf_span(&bytes[2]), &answer_again), 0);
	ck_assert(answer_again.kept && answer_again.outcome == ISOLATION_LATER && answer_again.effect.keep_count == 2 && answer_again.effect.interfaces == 2);
	ONLY_WHOLE(isolation_answer_unpack, bytes[2], &answer_again);
	for (size_t i = 0; i < 3; i++)
		buf_free(&bytes[i]);
	arena_free(arena);
}
END_TEST

START_TEST(a_zone_twice_is_no_list)
{
	struct isolation twice[] = { two_items[0], two_items[0] };
	const struct isolation_state state = { .isolations = { .items = twice, .count = 2 } };
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0);
	struct isolation_state again;

	isolation_state_pack(&bytes, &state);
	ck_assert_int_eq(isolation_state_unpack(arena, buf_span(&bytes), &again), -EBADMSG);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *what;
	struct isolation_order order;
	enum isolation_outcome outcome;
	const char *zones[3];
} order_rows[] = {
	{ "another zone", { .action = ISOLATION_CUT, .isolation = { .zone = "internet", .reason = "" } }, ISOLATION_DONE, { "lgwan", "gikai", "internet" } },
	{ "a zone again", { .action = ISOLATION_CUT, .isolation = { .zone = "lgwan", .reason = "", .since = 300 } }, ISOLATION_DONE, { "gikai", "lgwan" } },
	{ "a release", { .action = ISOLATION_RELEASE, .isolation = { .zone = "lgwan", .reason = "" } }, ISOLATION_DONE, { "gikai" } },
	{ "a release of what is not isolated", { .action = ISOLATION_RELEASE, .isolation = { .zone = "*", .reason = "" } }, ISOLATION_NOT_ISOLATED, {} },
};

START_TEST(an_order_changes_the_list)
{
	struct arena *arena = arena_new();
	struct isolations after = { .count = 0 };

	ck_assert_msg(isolations_change(arena, &two, &order_rows[_i].order, &after) == order_rows[_i].outcome, "%s", order_rows[_i].what);
	for (size_t i = 0; i < after.count; i++)
		ck_assert_msg(order_rows[_i].zones[i] && strcmp(after.items[i].zone, order_rows[_i].zones[i]) == 0, "%s: %s", order_rows[_i].what,
			      after.items[i].zone);
	ck_assert_msg(after.count == 3 || !order_rows[_i].zones[after.count], "%s: too few", order_rows[_i].what);
	if (isolation_of_zone(&after, "lgwan"))
		ck_assert_int_eq(isolation_of_zone(&after, "lgwan")->since, 100);
	arena_free(arena);
}
END_TEST

/* As many zones as there may be, each with a reason of so many bytes. */
static struct isolations many_of(struct arena *arena, size_t count, size_t reason_bytes)
{
	struct isolations many = { .items = arena_array(arena, count, sizeof(*many.items)), .count = count };
	char reason[ISOLATION_REASON_BYTES_MAX + 1] = "";

	memset(reason, 'x', reason_bytes);
	for (size_t i = 0; i < count; i++)
		many.items[i] = (struct isolation){ .zone = arena_printf(arena, "zone%zu", i), .reason = arena_strdup(arena, reason) };
	return many;
}

static const struct {
	const char *what;
	size_t count, reason_bytes;
	const char *zone;
	enum isolation_outcome outcome;
} full_rows[] = {
	{ "the last one there is room for", ISOLATIONS_MAX - 2, 10, "another", ISOLATION_DONE },
	{ "one more", ISOLATIONS_MAX - 1, 10, "another", ISOLATION_TOO_MANY },
	{ "one of them again", ISOLATIONS_MAX - 1, 10, "zone3", ISOLATION_DONE },
	{ "every zone", ISOLATIONS_MAX - 1, 10, ISOLATION_EVERY_ZONE, ISOLATION_DONE },
	{ "one more, with reasons that are too long", 53, ISOLATION_REASON_BYTES_MAX, "another", ISOLATION_TOO_MANY },
	{ "every zone, with reasons that are too long", 53, ISOLATION_REASON_BYTES_MAX, ISOLATION_EVERY_ZONE, ISOLATION_DONE },
};

/* Whatever is let into the list can be told, kept and recalled: else a restart would isolate every zone. */
START_TEST(there_is_always_room_for_every_zone)
{
	char directory[] = "/tmp/check-isolation-XXXXXX", long_name[RULESET_NAME_BYTES_MAX + 1] = "", long_reason[ISOLATION_REASON_BYTES_MAX + 1] = "";
	const char *names[ISOLATION_EXCEPT_MAX];
	struct isolation_order order = { .action = ISOLATION_CUT, .isolation = { .zone = full_rows[_i].zone, .except = names, .reason = long_reason,
										.except_count = ISOLATION_EXCEPT_MAX } };
	struct arena *arena = arena_new();
	struct isolations before = many_of(arena, full_rows[_i].count, full_rows[_i].reason_bytes), after, recalled;

	memset(long_name, 'n', RULESET_NAME_BYTES_MAX);
	memset(long_reason, 'r', ISOLATION_REASON_BYTES_MAX);
	for (size_t i = 0; i < ISOLATION_EXCEPT_MAX; i++)
		names[i] = long_name;
	ck_assert_msg(isolations_change(arena, &before, &order, &after) == full_rows[_i].outcome, "%s", full_rows[_i].what);
	if (full_rows[_i].outcome == ISOLATION_DONE) {
		ck_assert_ptr_nonnull(mkdtemp(directory));
		ck_assert_int_eq(isolations_keep(directory, &after), 0);
		ck_assert_msg(isolations_recall(arena, directory, 5, &recalled) == 0 && recalled.count == after.count, "%s", full_rows[_i].what);
		ck_assert_int_eq(isolations_keep(directory, &none), 0);
		rmdir(directory);
	}
	arena_free(arena);
}
END_TEST

/* Writes a text over another one of its length at the beginning of a file. */
static void replace_text(const char *path, const char *old, const char *new)
{
	char found[64] = "";
	int file = open(path, O_RDWR);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(pread(file, found, strlen(old), 0), (ssize_t)strlen(old));
	ck_assert_str_eq(found, old);
	ck_assert_int_eq(pwrite(file, new, strlen(new), 0), (ssize_t)strlen(new));
	close(file);
}

START_TEST(what_is_kept_is_recalled_and_a_damaged_file_opens_nothing)
{
	char directory[] = "/tmp/check-isolation-XXXXXX", path[sizeof(directory) + 16];
	struct arena *arena = arena_new();
	struct isolations recalled;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/isolated", directory);
	ck_assert_int_eq(isolations_recall(arena, directory, 5, &recalled), 0);
	ck_assert_uint_eq(recalled.count, 0);
	ck_assert_int_eq(isolations_keep(directory, &two), 0);
	ck_assert_int_eq(isolations_recall(arena, directory, 5, &recalled), 0);
	ck_assert_uint_eq(recalled.count, 2);
	ck_assert_str_eq(recalled.items[1].zone, "gikai");
	replace_text(path, "sekisho isolated 1", "sekisho isolated 2");
	ck_assert_int_eq(isolations_recall(arena, directory, 5, &recalled), -EPROTO);
	ck_assert_str_eq(recalled.items[0].zone, ISOLATION_EVERY_ZONE);
	replace_text(path, "sekisho isolated 2", "sekisho isolated 1");
	ck_assert_int_eq(isolations_recall(arena, directory, 5, &recalled), 0);
	ck_assert_int_eq(truncate(path, 25), 0);
	ck_assert_int_eq(isolations_recall(arena, directory, 5, &recalled), -EBADMSG);
	ck_assert_uint_eq(recalled.count, 1);
	ck_assert_str_eq(recalled.items[0].zone, ISOLATION_EVERY_ZONE);
	ck_assert_int_eq(isolations_keep(directory, &none), 0);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(isolations_keep(directory, &none), 0);
	ck_assert_int_eq(isolations_recall(arena, directory, 5, &recalled), 0);
	ck_assert_uint_eq(recalled.count, 0);
	rmdir(directory);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sekishod/isolation_messages");
	TCase *cases = tcase_create("isolation_messages");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, payloads_read_back_and_no_other_length_does);
	tcase_add_test(cases, a_zone_twice_is_no_list);
	tcase_add_loop_test(cases, there_is_always_room_for_every_zone, 0, sizeof(full_rows) / sizeof(full_rows[0]));
	tcase_add_loop_test(cases, an_order_changes_the_list, 0, sizeof(order_rows) / sizeof(order_rows[0]));
	tcase_add_test(cases, what_is_kept_is_recalled_and_a_damaged_file_opens_nothing);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
