/*
 * What in tables of others could undo ours: messages as the kernel sent them (tests/fuzz/corpus/foreign), each named after what it has to be taken for. Those that
 * the kernel of the tests cannot make (flowtable, queue, targets of iptables) were written by hand after linux/netfilter/nf_tables.h.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/foreign.h"

enum { MESSAGE_BYTES_MAX = 8192, MESSAGES_MIN = 20 };

static const char *const words[FOREIGN_KIND_COUNT] = {
	[FOREIGN_NONE] = "none", [FOREIGN_REDIRECT] = "redirect", [FOREIGN_HANDOVER] = "handover", [FOREIGN_REWRITE] = "rewrite", [FOREIGN_NAT] = "nat",
	[FOREIGN_MARK] = "mark", [FOREIGN_FLOWTABLE] = "flowtable", [FOREIGN_FILTER] = "filter",
};

/* The kind that a file is named after. */
static enum foreign_kind kind_of_name(const char *name)
{
	for (int kind = FOREIGN_NONE; kind < FOREIGN_KIND_COUNT; kind++)
		if (words[kind] && strncmp(name, words[kind], strlen(words[kind])) == 0 && name[strlen(words[kind])] == '-')
			return (enum foreign_kind)kind;
	ck_abort_msg("%s is named after nothing", name);
}

static void message_judge(const char *directory, const char *name)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct foreign foreign = foreign_in(arena);
	const enum foreign_kind wanted = kind_of_name(name);
	char *bytes = arena_alloc(arena, MESSAGE_BYTES_MAX);
	FILE *file = fopen(arena_printf(arena, "%s/%s", directory, name), "rb");
	size_t length;

	ck_assert_ptr_nonnull(file);
	length = fread(bytes, 1, MESSAGE_BYTES_MAX, file);
	fclose(file);
	((struct nlmsghdr *)(void *)bytes)->nlmsg_len = (uint32_t)length;
	foreign_take(&foreign, (const struct nlmsghdr *)(const void *)bytes);
	ck_assert_msg(foreign.count == (wanted == FOREIGN_NONE ? 0 : 1), "%s: %zu items", name, foreign.count);
	if (foreign.count > 0)
		ck_assert_msg(foreign.items[0].kind == wanted && strcmp(foreign.items[0].table, "other") == 0, "%s was taken for %s", name,
			      words[foreign.items[0].kind]);
	foreign_take(&foreign, (const struct nlmsghdr *)(const void *)bytes);
	ck_assert_msg(foreign.count <= 1, "%s: the same again is another item", name);
}

START_TEST(recorded_messages)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const char *directory = arena_printf(arena, "%s/tests/fuzz/corpus/foreign", getenv("SEKISHO_SOURCE"));
	DIR *entries = opendir(directory);
	struct dirent *entry;
	int count = 0;

	ck_assert_ptr_nonnull(entries);
	while ((entry = readdir(entries))) {
		if (entry->d_name[0] == '.')
			continue;
		message_judge(directory, entry->d_name);
		count++;
	}
	closedir(entries);
	ck_assert_int_ge(count, MESSAGES_MIN);
}
END_TEST

START_TEST(room)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct foreign foreign = foreign_in(arena);

	for (uint32_t i = 1; i <= FOREIGN_ITEMS_MAX + 1; i++)
		foreign_add(&foreign, &(struct foreign_item){ .kind = FOREIGN_TCX, .index = i });
	ck_assert_uint_eq(foreign.count, FOREIGN_ITEMS_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("foreign");
	TCase *tests = tcase_create("foreign");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, recorded_messages);
	tcase_add_test(tests, room);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
