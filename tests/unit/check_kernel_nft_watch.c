/*
 * check: kernel/nft_watch.h. The kernel tells of a transaction by several datagrams, and a watch that is quick reads them one by one; what the first of them
 * were about is known when the last one comes.
 */
#include "kernel/nft_watch.h"

#include <arpa/inet.h>
#include <check.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OWN_PORT = 7, OTHER_PORT = 8, PROCESS = 4711, GENERATION = 815, MESSAGE_ROOM = 256, STEPS_MAX = 4 };

/* One datagram, and what the watch says when it has come. */
struct step {
	uint16_t type;
	uint32_t port;		/* 0: no more steps */
	const char *table;	/* of a message about a table */
	bool told, ours;
};

static const struct {
	const char *what;
	struct step steps[STEPS_MAX];
} rows[] = {
	{ "a table of ours, by two reads", { { NFT_MSG_DELTABLE, OTHER_PORT, "sekisho", false, false }, { NFT_MSG_NEWGEN, OTHER_PORT, NULL, true, true } } },
	{ "a table of others", { { NFT_MSG_DELTABLE, OTHER_PORT, "other", false, false }, { NFT_MSG_NEWGEN, OTHER_PORT, NULL, true, false } } },
	{ "the backstop is none of the rules", { { NFT_MSG_DELTABLE, OTHER_PORT, "sekisho-backstop", false, false },
						 { NFT_MSG_NEWGEN, OTHER_PORT, NULL, true, false } } },
	{ "our own", { { NFT_MSG_DELTABLE, OWN_PORT, "sekisho", false, false }, { NFT_MSG_NEWGEN, OWN_PORT, NULL, false, false } } },
	{ "one of ours, then one of others",
	  { { NFT_MSG_DELTABLE, OTHER_PORT, "sekisho", false, false }, { NFT_MSG_NEWGEN, OTHER_PORT, NULL, true, true },
	    { NFT_MSG_DELTABLE, OTHER_PORT, "other", false, false }, { NFT_MSG_NEWGEN, OTHER_PORT, NULL, true, false } } },
};

/* What ends a transaction. */
static void put_generation(struct nlmsghdr *message)
{
	mnl_attr_put_u32(message, NFTA_GEN_ID, htonl(GENERATION));
	mnl_attr_put_u32(message, NFTA_GEN_PROC_PID, htonl(PROCESS));
}

static void step_send(int descriptor, const struct step *step)
{
	char room[MESSAGE_ROOM] __attribute__((aligned(8))) = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | step->type);
	message->nlmsg_pid = step->port;
	mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	if (step->table)
		mnl_attr_put_strz(message, NFTA_TABLE_NAME, step->table);
	else
		put_generation(message);
	ck_assert_int_eq(send(descriptor, message, message->nlmsg_len, 0), message->nlmsg_len);
}

START_TEST(test_by_several_reads)
{
	struct nft_watch watch = { .socket = NULL };
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	watch.socket = mnl_socket_fdopen(ends[0]);
	ck_assert_ptr_nonnull(watch.socket);
	for (const struct step *step = rows[_i].steps; step < rows[_i].steps + STEPS_MAX && step->port != 0; step++) {
		struct nft_change change = { .process = 0 };

		step_send(ends[1], step);
		ck_assert_msg(nft_watch_read(&watch, OWN_PORT, &change) == step->told, "%s: told at the wrong time", rows[_i].what);
		ck_assert_msg(!step->told || (change.ours == step->ours && change.process == PROCESS && change.generation == GENERATION), "%s: told otherwise", rows[_i].what);
	}
	nft_watch_close(&watch);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel nft_watch");
	TCase *cases = tcase_create("watch");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(cases, test_by_several_reads, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
