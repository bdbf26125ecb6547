/* install: brings the kernel to hold a ruleset. */
#include "sekishod/install.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/confirm.h"
#include "kernel/decode_set.h"
#include "kernel/encode.h"
#include "kernel/ownership.h"
#include "ruleset/diff.h"
#include "ruleset/lasting.h"
#include "sekishod/catalogue.h"

enum {
	READBACKS_MAX = 4,
	PACKETS_PASS_MS = 50,
	ENDS_S = 1,		/* an element that ends so soon may be there or not when it is read back */
	SLOW_MS = 500,		/* what remains of an element's time is compared to the second */
};

static const struct origin nowhere;

/* One attempt. */
struct attempt {
	struct arena *arena;
	struct nfnl *nfnl;
	struct holding *holding;
	const struct ruleset *wanted;
	int64_t begun_at, begun_ms;	/* Unix time, and reading_clock_ms() then */
	bool slow;		/* a commit took so long that ends of elements are off by it */
	struct findings *findings;
	struct snapshot snapshot;
	struct transition transition;
};

/* The time as the caller knows it, which may be ahead of the clock (daemon/clock.h), and what has passed since. */
static int64_t attempt_now(const struct attempt *attempt)
{
	return attempt->begun_at + (reading_clock_ms() - attempt->begun_ms) / 1000;
}

/* A copy of the snapshot's ruleset whose list of tables may be changed. */
static struct ruleset *ruleset_loosen(struct arena *arena, const struct ruleset *ruleset)
{
	struct ruleset *copy = arena_alloc(arena, sizeof(*copy));

	if (!ruleset)
		return copy;
	*copy = *ruleset;
	copy->tables = arena_array(arena, ruleset->table_count, sizeof(*copy->tables));
	if (ruleset->table_count > 0)
		memcpy(copy->tables, ruleset->tables, ruleset->table_count * sizeof(*copy->tables));
	return copy;
}

/* The families whose table has to be made anew. */
static size_t families_to_replace(const struct snapshot *snapshot, enum family *families)
{
	size_t count = 0;

	for (size_t i = 0; i < snapshot->alien_count; i++) {
		bool known = !snapshot->aliens[i].needs_new_table;

		for (size_t k = 0; k < count; k++)
			known = known || families[k] == snapshot->aliens[i].family;
		if (!known)
			families[count++] = snapshot->aliens[i].family;
	}
	return count;
}

static void table_forget(struct ruleset *ruleset, enum family family)
{
	size_t kept = 0;

	for (size_t i = 0; i < ruleset->table_count; i++)
		if (ruleset->tables[i].family != family)
			ruleset->tables[kept++] = ruleset->tables[i];
	ruleset->table_count = kept;
}

/* Puts the deletion of the tables in front of the changes. */
static void deletions_prepend(struct arena *arena, struct changes *changes, const enum family *families, size_t count)
{
	struct change *items = arena_array(arena, count + changes->count, sizeof(*items));

	for (size_t i = 0; i < count; i++) {
		struct table *table = arena_alloc(arena, sizeof(*table));

		*table = (struct table){ .family = families[i], .name = "sekisho" };
		items[i] = (struct change){ .kind = CHANGE_DELETE_TABLE, .table = table };
	}
	if (changes->count > 0)
		memcpy(items + count, changes->items, changes->count * sizeof(*items));
	changes->items = items;
	changes->count += count;
}

struct transition install_plan(struct arena *arena, const struct snapshot *snapshot, const struct ruleset *wanted)
{
	struct ruleset *old = ruleset_loosen(arena, snapshot->ruleset);
	enum family *families = arena_array(arena, snapshot->alien_count, sizeof(*families));
	size_t count = families_to_replace(snapshot, families);
	struct transition transition;

	for (size_t i = 0; i < count; i++)
		table_forget(old, families[i]);
	transition = ruleset_diff(arena, old->table_count > 0 ? old : NULL, wanted);
	if (count > 0)
		deletions_prepend(arena, &transition.commit, families, count);
	return transition;
}

/* The generation after a commit of ours and nobody else's; the kernel never uses 0. */
static uint32_t generation_next(uint32_t generation)
{
	return generation + 1 ? generation + 1 : 1;
}

static bool tables_are_taken(struct nfnl *nfnl)
{
	enum ownership ownership;

	return ownership_read(nfnl, &ownership) == 0 && ownership == OWNERSHIP_FOREIGN;
}

/* Sends one transaction; generation NULL: whatever the kernel's is. -ERESTART: the kernel has moved on, nothing was changed. */
static int changes_commit(struct attempt *attempt, const struct changes *changes, const uint32_t *generation)
{
	struct nfnl_batch batch = nfnl_batch_begin(attempt->nfnl, generation);
	struct nfnl_result result = { .error_count = 0 };
	const int64_t begun_ms = reading_clock_ms();
	struct encoded encoded;
	int error;

	ruleset_encode(attempt->arena, &batch, changes, attempt_now(attempt), attempt->nfnl->owns_tables, &encoded);
	error = nfnl_batch_commit(attempt->nfnl, &batch, false, &result);
	attempt->slow |= reading_clock_ms() - begun_ms >= SLOW_MS;
	/*
	 * An element that expired while we wrote is gone before we delete it: that is a change like any
	 * other.
	 */
	if (error == -ERESTART || error == -ENOENT)
		return -ERESTART;
	attempt->holding->touched |= error == 0 || result.error_count == 0;
	if (error == -EPERM && tables_are_taken(attempt->nfnl))
		finding_add(attempt->findings, &daemon_catalogue[DAEMON_TABLES_TAKEN], nowhere, NULL);
	else if (error)
		finding_add(attempt->findings, &daemon_catalogue[DAEMON_KERNEL_REFUSED], nowhere,
			    result.error_count > 0 ? encode_explain(attempt->arena, &encoded, &result.errors[0]) : strerror(-error), NULL);
	return error;
}

/* known: sets that need not be read, or NULL. */
static int kernel_read(struct attempt *attempt, const struct known_sets *known, struct snapshot *ret_snapshot)
{
	/* What is left of an element's time counts from now, and a large commit takes seconds. */
	int error = snapshot_read(attempt->arena, attempt->nfnl, &attempt->wanted->links, attempt_now(attempt), known, ret_snapshot);

	if (error)
		finding_add(attempt->findings, &daemon_catalogue[error == -EAGAIN ? DAEMON_KERNEL_RESTLESS : DAEMON_KERNEL_UNREADABLE], nowhere,
			    strerror(-error), NULL);
	return error;
}

/*
 * Waits until every packet has passed that was on its way through the rules when they were changed: the kernel handles packets in read-side
 * sections of RCU, and this call waits for all of them. Where it is not to be had, a pause that is long for a packet has to do.
 */
static void packets_let_pass(void)
{
	const struct timespec pause = { .tv_nsec = PACKETS_PASS_MS * 1000000L };

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		nanosleep(&pause, NULL);
}

/* Prepares, decides, and ends what had to outlive that. On success *ret_generation is the generation of our last commit. */
static int transition_commit(struct attempt *attempt, uint32_t *ret_generation)
{
	const struct transition *transition = &attempt->transition;
	uint32_t generation = attempt->snapshot.generation;
	int error = 0;

	if (transition->prepare.count > 0) {
		error = changes_commit(attempt, &transition->prepare, &generation);
		generation = generation_next(generation);
	}
	if (!error && transition->commit.count > 0) {
		error = changes_commit(attempt, &transition->commit, &generation);
		generation = generation_next(generation);
	}
	if (!error && transition->revoke.count > 0) {
		packets_let_pass();
		error = changes_commit(attempt, &transition->revoke, &generation);
		generation = generation_next(generation);
	}
	*ret_generation = generation;
	return error;
}

/* True when the kernel was read to hold the transition's target, but for what ends just now. Nothing does in what both share. */
static bool readback_holds(struct attempt *attempt, const struct snapshot *after)
{
	const struct ruleset *target = attempt->transition.target;
	const int64_t until = attempt_now(attempt) + ENDS_S;

	if (after->alien_count > 0 || !after->ruleset)
		return false;
	return ruleset_same(attempt->arena, after->ruleset, target) ||
	       ruleset_same(attempt->arena, ruleset_lasting(attempt->arena, after->ruleset, until), ruleset_lasting(attempt->arena, target, until));
}

/*
 * Reads back what was committed at this generation. What a dump of a large set gives while the kernel still rearranges its hash table may be wrong;
 * so a difference is believed when it stays, and nothing is taken as known the second time.
 */
static int transition_verify(struct attempt *attempt, uint32_t generation)
{
	const struct ruleset confirmed = transition_confirm(attempt->arena, attempt->nfnl, &attempt->transition, attempt_now(attempt));
	const struct known_sets known = { .ruleset = &confirmed, .generation = generation };
	struct snapshot after = { .ruleset = NULL };

	for (int i = 0; i < READBACKS_MAX; i++) {
		int error = kernel_read(attempt, i == 0 ? &known : NULL, &after);

		if (error)
			return error;
		if (readback_holds(attempt, &after))
			return 0;
		/* Somebody else has committed since. */
		if (after.generation != generation)
			return -ERESTART;
	}
	/* Elements end later by what the commit took; another attempt has only them to write. */
	if (attempt->slow)
		return -ERESTART;
	finding_add(attempt->findings, &daemon_catalogue[DAEMON_READBACK_DIFFERS], nowhere, NULL);
	return -EIO;
}

/* The kernel holds the transition's target at this generation. */
static struct committed attempt_conclude(struct attempt *attempt, uint32_t generation)
{
	const struct transition *transition = &attempt->transition;

	holding_set(attempt->holding, transition->target, generation);
	return (struct committed){
		.generation = generation,
		.elements_added = (uint32_t)(transition->prepare.elements_added + transition->commit.elements_added),
		.elements_deleted = (uint32_t)(transition->prepare.elements_deleted + transition->commit.elements_deleted +
					       transition->revoke.elements_deleted),
		.rules_added = (uint32_t)(transition->prepare.rules_added + transition->commit.rules_added),
		.changed = transition->prepare.count + transition->commit.count > 0,
	};
}

/* Tables that somebody left are ours before anything in them is changed. */
static int tables_claim(struct attempt *attempt)
{
	int error = ownership_claim(attempt->nfnl);

	if (error == -EPERM)
		finding_add(attempt->findings, &daemon_catalogue[DAEMON_TABLES_TAKEN], nowhere, NULL);
	else if (error)
		finding_add(attempt->findings, &daemon_catalogue[DAEMON_KERNEL_REFUSED], nowhere, strerror(-error), NULL);
	return error;
}

static int attempt_run(struct attempt *attempt, struct committed *ret_committed)
{
	uint32_t generation;
	int error = tables_claim(attempt);

	if (!error)
		error = kernel_read(attempt, holding_known(attempt->arena, attempt->holding), &attempt->snapshot);
	if (error)
		return error;
	attempt->wanted = ruleset_lasting(attempt->arena, attempt->wanted, attempt_now(attempt));
	for (size_t i = 0; i < attempt->snapshot.alien_count; i++)
		log_event(LOG_LEVEL_WARNING, "SKS-DRIFT", "something foreign in our tables is removed where=\"%s\" what=\"%s\"",
			  attempt->snapshot.aliens[i].where, attempt->snapshot.aliens[i].what);
	attempt->transition = install_plan(attempt->arena, &attempt->snapshot, attempt->wanted);
	error = transition_commit(attempt, &generation);
	if (!error)
		error = transition_verify(attempt, generation);
	if (error)
		return error;
	*ret_committed = attempt_conclude(attempt, generation);
	return 0;
}

int ruleset_install(struct nfnl *nfnl, struct holding *holding, const struct ruleset *wanted, int64_t now, struct findings *findings,
		    struct committed *ret_committed)
{
	const int64_t begun_ms = reading_clock_ms();

	for (int i = 0; i < INSTALL_ATTEMPTS_MAX; i++) {
		__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
		struct attempt attempt = {
			.arena = arena, .nfnl = nfnl, .holding = holding, .wanted = wanted, .begun_at = now, .begun_ms = begun_ms, .findings = findings,
		};
		int error = attempt_run(&attempt, ret_committed);

		if (!error)
			return 0;
		holding_doubt(holding);
		if (error != -ERESTART)
			return error;
	}
	finding_add(findings, &daemon_catalogue[DAEMON_KERNEL_RESTLESS], nowhere, NULL);
	return -EAGAIN;
}

/*
 * From what was installed last, without looking first. Elements that are over by now stand in what both share, and are none of these changes; where more was
 * changed than is laid over, they are left out of both. True when one transaction leads there.
 */
static bool plan_at_once(struct attempt *attempt, const struct ruleset *before)
{
	struct transition *transition = &attempt->transition;

	if (!ruleset_diff_laid(attempt->arena, before, attempt->wanted, transition)) {
		before = ruleset_lasting(attempt->arena, before, attempt_now(attempt));
		attempt->wanted = ruleset_lasting(attempt->arena, attempt->wanted, attempt_now(attempt));
		*transition = ruleset_diff(attempt->arena, before, attempt->wanted);
	}
	return transition->commit.count > 0 && transition->prepare.count == 0 && transition->revoke.count == 0;
}

static int attempt_at_once(struct attempt *attempt, struct committed *ret_committed)
{
	uint32_t generation;
	int error = changes_commit(attempt, &attempt->transition.commit, NULL);

	if (!error)
		error = nfnl_generation(attempt->nfnl, &generation);
	/* What we did not change is known only if it was known before and nobody else has committed. */
	if (!error && (!holding_known(attempt->arena, attempt->holding) || generation != generation_next(attempt->holding->generation)))
		error = -ERESTART;
	if (!error)
		error = transition_verify(attempt, generation);
	if (!error)
		*ret_committed = attempt_conclude(attempt, generation);
	return error;
}

int ruleset_install_at_once(struct nfnl *nfnl, struct holding *holding, const struct ruleset *wanted, int64_t now, struct findings *findings,
			    struct committed *ret_committed)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct ruleset *before = holding_ruleset(holding);
	struct findings aside = findings_in(arena);
	struct attempt attempt = {
		.arena = arena, .nfnl = nfnl, .holding = holding, .wanted = wanted, .begun_at = now, .begun_ms = reading_clock_ms(), .findings = &aside,
	};

	/* Where nothing is to be changed, what is known stays so. */
	if (before && plan_at_once(&attempt, before)) {
		if (attempt_at_once(&attempt, ret_committed) == 0)
			return 0;
		holding_doubt(holding);
	}
	return ruleset_install(nfnl, holding, wanted, now, findings, ret_committed);
}
