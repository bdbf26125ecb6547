/* What the enforcer tells the planner of tables of others: it reads back, and every other length or value is refused. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sekishod/foreign_messages.h"

static struct foreign sample(struct arena *arena)
{
	struct foreign foreign = foreign_in(arena);

	foreign_add(&foreign, &(struct foreign_item){ .kind = FOREIGN_NAT, .family = 2, .table = "nat", .chain = "POSTROUTING", .what = "masq" });
	foreign_add(&foreign, &(struct foreign_item){ .kind = FOREIGN_TCX, .index = 7, .what = "tcx" });
	return foreign;
}

START_TEST(reads_back)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct foreign foreign = sample(arena), again;

	foreign_pack(&payload, &foreign);
	ck_assert_int_eq(foreign_unpack(arena, buf_span(&payload), &again), 0);
	ck_assert_uint_eq(again.count, foreign.count);
	ck_assert_mem_eq(again.items, foreign.items, foreign.count * sizeof(*foreign.items));
}
END_TEST

START_TEST(every_other_length)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct foreign foreign = sample(arena), again;
	struct span span;

	foreign_pack(&payload, &foreign);
	buf_putc(&payload, 0);
	span = buf_span(&payload);
	for (size_t length = 0; length <= span.length; length++) {
		const int wanted = length == span.length - 1 ? 0 : -EBADMSG;

		ck_assert_int_eq(foreign_unpack(arena, (struct span){ .data = span.data, .length = length }, &again), wanted);
	}
}
END_TEST

/* One item with these values, as a planner would have to refuse it. */
static int unpack_one(enum foreign_kind kind, const char *table, uint32_t count)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct foreign_item item = { .kind = kind };
	struct foreign one = { .items = &item, .count = 1 }, again;

	strncpy(item.table, table, sizeof(item.table) - 1);
	foreign_pack(&payload, &one);
	payload.data[0] = (char)count;
	return foreign_unpack(arena, buf_span(&payload), &again);
}

START_TEST(every_other_value)
{
	ck_assert_int_eq(unpack_one(FOREIGN_NAT, "nat", 1), 0);
	ck_assert_int_eq(unpack_one(FOREIGN_NONE, "nat", 1), -EBADMSG);
	ck_assert_int_eq(unpack_one(FOREIGN_KIND_COUNT, "nat", 1), -EBADMSG);
	ck_assert_int_eq(unpack_one(FOREIGN_NAT, "n\nt", 1), -EBADMSG);
	ck_assert_int_eq(unpack_one(FOREIGN_NAT, "n\x80t", 1), -EBADMSG);
	ck_assert_int_eq(unpack_one(FOREIGN_NAT, "nat", 2), -EBADMSG);
	ck_assert_int_eq(unpack_one(FOREIGN_NAT, "nat", 255), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("foreign_messages");
	TCase *tests = tcase_create("foreign_messages");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, reads_back);
	tcase_add_test(tests, every_other_length);
	tcase_add_test(tests, every_other_value);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
