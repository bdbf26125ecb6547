/*
 * What in tables of others could undo ours: messages as the kernel sent them (tests/fuzz/corpus/foreign), each named after what it has to be taken for. Those that
 * the kernel of the tests cannot make (flowtable, queue, targets of iptables) were written by hand after linux/netfilter/nf_tables.h. What is hooked in beside
 * nf_tables (kernel/hooks.h) is among them, as Linux 6.12 lists it.
 */
#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_hook.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/attribute.h"
#include "kernel/hooks.h"

enum { MESSAGE_BYTES_MAX = 8192, MESSAGES_MIN = 20 };

static const char *const words[FOREIGN_KIND_COUNT] = {
	[FOREIGN_NONE] = "none", [FOREIGN_REDIRECT] = "redirect", [FOREIGN_HANDOVER] = "handover", [FOREIGN_REWRITE] = "rewrite", [FOREIGN_NAT] = "nat",
	[FOREIGN_MARK] = "mark", [FOREIGN_FLOWTABLE] = "flowtable", [FOREIGN_FILTER] = "filter", [FOREIGN_HOOK] = "hook", [FOREIGN_PROGRAM] = "program",
};

/* The kind that a file is named after. */
static enum foreign_kind kind_of_name(const char *name)
{
	for (int kind = FOREIGN_NONE; kind < FOREIGN_KIND_COUNT; kind++)
		if (words[kind] && strncmp(name, words[kind], strlen(words[kind])) == 0 && name[strlen(words[kind])] == '-')
			return (enum foreign_kind)kind;
	ck_abort_msg("%s is named after nothing", name);
}

/* One of both takes it: they are of different types. */
static void message_take(struct foreign *foreign, const char *bytes)
{
	foreign_take(foreign, (const struct nlmsghdr *)(const void *)bytes);
	hook_take(foreign, (const struct nlmsghdr *)(const void *)bytes, 0);
}

static bool is_of_table(const struct foreign_item *item)
{
	return item->kind != FOREIGN_HOOK && item->kind != FOREIGN_PROGRAM;
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
	message_take(&foreign, bytes);
	ck_assert_msg(foreign.count == (wanted == FOREIGN_NONE ? 0 : 1), "%s: %zu items", name, foreign.count);
	if (foreign.count > 0)
		ck_assert_msg(foreign.items[0].kind == wanted && (!is_of_table(&foreign.items[0]) || strcmp(foreign.items[0].table, "other") == 0),
			      "%s was taken for %s", name, words[foreign.items[0].kind]);
	message_take(&foreign, bytes);
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

/* ---- hooks */

struct hook_case {
	const char *what, *function, *module;
	enum foreign_kind kind;
};

static const struct hook_case hook_cases[] = {
	{ "a chain", "nft_do_chain_inet", "nf_tables", FOREIGN_NONE },
	{ "a chain where nf_tables is no module", "nft_do_chain_inet", NULL, FOREIGN_NONE },
	{ "connection tracking", "ipv4_conntrack_in", "nf_conntrack", FOREIGN_NONE },
	{ "connection tracking that is no module", "ipv6_conntrack_local", NULL, FOREIGN_NONE },
	{ "a function of a later kernel in a known module", "nf_nat_something", "nf_nat", FOREIGN_NONE },
	{ "IPVS, which is found by its services", "ip_vs_in_hook", "ip_vs", FOREIGN_NONE },
	{ "a security module", "selinux_ip_forward", NULL, FOREIGN_NONE },
	{ "a known function in an unknown module", "nft_do_chain_inet", "carrier", FOREIGN_HOOK },
	{ "a module that is called almost like a known one", "hook", "nf_tables2", FOREIGN_HOOK },
	{ "an unknown function of the kernel", "carry", NULL, FOREIGN_HOOK },
	{ "a function without a name", NULL, NULL, FOREIGN_HOOK },
	{ "a program", "nf_hook_run_bpf", NULL, FOREIGN_PROGRAM },
	{ "a module that is called like a program", "nf_hook_run_bpf", "carrier", FOREIGN_HOOK },
};

static const struct nlmsghdr *hook_message(char bytes[static ATTRIBUTE_MESSAGE_BYTES], uint8_t family, uint32_t hook, const struct hook_case *row)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct nfgenmsg *head;

	message->nlmsg_type = NFNL_SUBSYS_HOOK << 8 | NFNL_MSG_HOOK_GET;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->nfgen_family = family;
	if (row->module)
		mnl_attr_put_strz(message, NFNLA_HOOK_MODULE_NAME, row->module);
	if (row->function)
		mnl_attr_put_strz(message, NFNLA_HOOK_FUNCTION_NAME, row->function);
	mnl_attr_put_u32(message, NFNLA_HOOK_HOOKNUM, htonl(hook));
	mnl_attr_put_u32(message, NFNLA_HOOK_PRIORITY, htonl((uint32_t)-225));
	return message;
}

START_TEST(hooks_by_name)
{
	const struct hook_case *row = &hook_cases[_i];
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	char bytes[ATTRIBUTE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct foreign foreign = foreign_in(arena);

	hook_take(&foreign, hook_message(bytes, NFPROTO_IPV4, NF_INET_FORWARD, row), 0);
	ck_assert_msg(foreign.count == (row->kind == FOREIGN_NONE ? 0 : 1), "%s: %zu items", row->what, foreign.count);
	if (foreign.count == 0)
		return;
	ck_assert_msg(foreign.items[0].kind == row->kind, "%s: kind %d", row->what, (int)foreign.items[0].kind);
	ck_assert_str_eq(foreign.items[0].table, row->module ? row->module : "");
	ck_assert_str_eq(foreign.items[0].chain, row->function ? row->function : "");
	ck_assert_str_eq(foreign.items[0].what, "forward -225");
}
END_TEST

/* Of a module one is told, where it was met first; of what is no module each. */
START_TEST(one_of_a_module)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct hook_case rows[] = { { "", "first", "carrier", FOREIGN_HOOK }, { "", "second", "carrier", FOREIGN_HOOK }, { "", "first", NULL, FOREIGN_HOOK },
					  { "", "second", NULL, FOREIGN_HOOK } };
	char bytes[ATTRIBUTE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct foreign foreign = foreign_in(arena);

	hook_take(&foreign, hook_message(bytes, NFPROTO_NETDEV, 1, &rows[0]), 7);
	hook_take(&foreign, hook_message(bytes, NFPROTO_IPV6, NF_INET_FORWARD, &rows[1]), 0);
	ck_assert_uint_eq(foreign.count, 1);
	ck_assert(foreign.items[0].family == NFPROTO_NETDEV && foreign.items[0].index == 7);
	ck_assert_str_eq(foreign.items[0].what, "egress -225");
	hook_take(&foreign, hook_message(bytes, NFPROTO_ARP, 1, &rows[2]), 0);
	hook_take(&foreign, hook_message(bytes, NFPROTO_ARP, 9, &rows[3]), 0);
	ck_assert_uint_eq(foreign.count, 3);
	ck_assert_str_eq(foreign.items[1].what, "output -225");
	ck_assert_str_eq(foreign.items[2].what, "? -225");
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
	tcase_add_loop_test(tests, hooks_by_name, 0, sizeof(hook_cases) / sizeof(hook_cases[0]));
	tcase_add_test(tests, one_of_a_module);
	tcase_add_test(tests, room);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
