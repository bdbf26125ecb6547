/*
 * workbench: what all kernel tests need: a network namespace of their own, transactions, snapshots, and the nft
 * program beside ours.
 */
#ifndef TESTS_KERNEL_WORKBENCH_H
#define TESTS_KERNEL_WORKBENCH_H

#include "kernel/encode.h"
#include "kernel/nfnl.h"
#include "kernel/snapshot.h"

/*
 * A Unix time of the tests: expiry is relative, so any will do. It is this when a workbench is opened, and goes on from there: commits and snapshots are made
 * by it, so that nothing differs by how long the machine took.
 */
enum { WORKBENCH_NOW = 1800000000 };

/* A namespace with its socket and arena. */
struct workbench {
	struct arena *arena;
	struct nfnl nfnl;
	struct nfnl_result result;	/* of the last transaction */
	struct encoded encoded;		/* of the last transaction */
};

/* Ends the program with status 77 and a sentence when it may not make namespaces. */
void workbench_require(void);

/* Moves the process into a new, empty network namespace with lo up, and opens a socket there. */
struct workbench workbench_open(void);

/* Closes the socket and gives back the arena; the namespace goes with the next workbench_open(). */
void workbench_close(struct workbench *bench);

/* Commits changes; generation NULL: no compare-and-swap. Returns what nfnl_batch_commit() does. */
int workbench_commit(struct workbench *bench, const struct changes *changes, const uint32_t *generation,
		     bool dry_run);

/* Leads the kernel from old (NULL: nothing) to new; both transactions must succeed. Returns the target. */
const struct ruleset *workbench_apply(struct workbench *bench, const struct ruleset *old,
				      const struct ruleset *new);

/* What the kernel holds; must succeed. */
struct snapshot workbench_snapshot(struct workbench *bench);

/* Feeds a text to `nft -f -`; returns its exit status. */
int workbench_nft_load(const char *text);

/* The same with a whole ruleset, whose expiry counts from WORKBENCH_NOW: it is that when nft has ended. */
int workbench_nft_begin(const char *text);

/* The same with what `nft list ruleset` printed last: it is as late as it was then. */
int workbench_nft_begin_again(const char *listing);

/* What `nft list ruleset` prints, without elements if only the program is wanted; in the arena. */
const char *workbench_nft_list(struct workbench *bench, bool program_only);

/* Fails the test unless both rulesets are equal; prints both as nft text if not. */
void workbench_expect_equal(const struct ruleset *kernel, const struct ruleset *wanted, const char *what,
			    uint64_t seed);

/* Fails the test if the snapshot has aliens, and prints them. */
void workbench_expect_no_aliens(const struct snapshot *snapshot, const char *what, uint64_t seed);

#endif
