/* workbench: namespaces, transactions and the nft program for kernel tests. */
#include "workbench.h"

#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ruleset/show.h"

#include "../unit/ruleset_sample.h"

void workbench_require(void)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(unshare(CLONE_NEWNET) < 0 ? 1 : 0);
	if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
		return;
	puts("SKIP: network namespaces can be made by root only");
	exit(77);
}

/* ---- time */

static int64_t zero_ms;		/* of the machine's time when it was WORKBENCH_NOW */
static int64_t listed_ms;	/* since then, when nft listed the rules last */

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t clock_now(void)
{
	return WORKBENCH_NOW + (monotonic_ms() - zero_ms) / 1000;
}

/* ---- namespaces */

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(descriptor, 0);
	ck_assert_int_eq(ioctl(descriptor, SIOCSIFFLAGS, &request), 0);
	close(descriptor);
}

struct workbench workbench_open(void)
{
	struct workbench bench = { .arena = arena_new() };

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	loopback_up();
	ck_assert_int_eq(nfnl_open(&bench.nfnl), 0);
	zero_ms = monotonic_ms();
	return bench;
}

void workbench_close(struct workbench *bench)
{
	nfnl_close(&bench->nfnl);
	arena_freep(&bench->arena);
}

int workbench_commit(struct workbench *bench, const struct changes *changes, const uint32_t *generation,
		     bool dry_run)
{
	struct nfnl_batch batch = nfnl_batch_begin(&bench->nfnl, generation);

	ruleset_encode(bench->arena, &batch, changes, clock_now(), false, &bench->encoded);
	return nfnl_batch_commit(&bench->nfnl, &batch, dry_run, &bench->result);
}

static void expect_committed(struct workbench *bench, const struct changes *changes)
{
	int r = workbench_commit(bench, changes, NULL, false);

	for (size_t i = 0; i < bench->result.error_count; i++)
		puts(encode_explain(bench->arena, &bench->encoded, &bench->result.errors[i]));
	ck_assert_msg(r == 0, "refused: %s", strerror(-r));
}

const struct ruleset *workbench_apply(struct workbench *bench, const struct ruleset *old,
				      const struct ruleset *new)
{
	struct transition transition = ruleset_diff(bench->arena, old, new);

	expect_committed(bench, &transition.prepare);
	expect_committed(bench, &transition.commit);
	expect_committed(bench, &transition.revoke);
	return transition.target;
}

struct snapshot workbench_snapshot(struct workbench *bench)
{
	struct snapshot snapshot;

	ck_assert_int_eq(snapshot_read(bench->arena, &bench->nfnl, sample_loopback(), clock_now(), NULL, &snapshot), 0);
	return snapshot;
}

int workbench_nft_load(const char *text)
{
	FILE *nft = popen("nft -f -", "w");
	int status;

	ck_assert_ptr_nonnull(nft);
	fputs(text, nft);
	status = pclose(nft);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int workbench_nft_begin(const char *text)
{
	int status = workbench_nft_load(text);

	zero_ms = monotonic_ms();
	return status;
}

int workbench_nft_begin_again(const char *listing)
{
	int status = workbench_nft_load(listing);

	zero_ms = monotonic_ms() - listed_ms;
	return status;
}

const char *workbench_nft_list(struct workbench *bench, bool program_only)
{
	FILE *nft = popen(program_only ? "nft --terse list ruleset" : "nft list ruleset", "r");
	struct buf text = buf_limited(0);
	char line[4096];
	const char *copy;

	ck_assert_ptr_nonnull(nft);
	while (fgets(line, sizeof(line), nft))
		buf_puts(&text, line);
	ck_assert_int_eq(pclose(nft), 0);
	listed_ms = monotonic_ms() - zero_ms;
	copy = arena_strdup(bench->arena, buf_text(&text));
	buf_free(&text);
	return copy;
}

static void print_ruleset(const char *title, const struct ruleset *ruleset)
{
	struct buf text = buf_limited(0);

	if (ruleset)
		ruleset_show(&text, ruleset, WORKBENCH_NOW);
	printf("---- %s:\n%s", title, buf_text(&text));
	buf_free(&text);
}

void workbench_expect_equal(const struct ruleset *kernel, const struct ruleset *wanted, const char *what,
			    uint64_t seed)
{
	if (kernel && ruleset_equal(kernel, wanted))
		return;
	print_ruleset("kernel", kernel);
	print_ruleset("wanted", wanted);
	ck_abort_msg("%s, seed %llu: the kernel's ruleset is another one", what, (unsigned long long)seed);
}

void workbench_expect_no_aliens(const struct snapshot *snapshot, const char *what, uint64_t seed)
{
	for (size_t i = 0; i < snapshot->alien_count; i++)
		printf("alien: %s: %s\n", snapshot->aliens[i].where, snapshot->aliens[i].what);
	ck_assert_msg(snapshot->alien_count == 0, "%s, seed %llu: aliens", what, (unsigned long long)seed);
}
