/* seal: the ruleset that lets nothing pass, and the program that puts it in force before all else. */
#include "sekishod/seal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "kernel/conntrack.h"
#include "kernel/links.h"
#include "kernel/ownership.h"
#include "ruleset/program.h"
#include "sekishod/install.h"
#include "sekishod/switches.h"

struct ruleset *seal_build(struct arena *arena)
{
	const struct link_table none = { .items = NULL, .count = 0 };
	const struct program_input nothing = { .links = &none };

	return program_build(arena, &nothing);
}

bool seal_is_guarded(const struct snapshot *snapshot)
{
	const struct table *inet = snapshot->ruleset ? ruleset_table(snapshot->ruleset, FAMILY_INET, "sekisho") : NULL;
	const struct chain *forward = inet ? table_chain(inet, "forward") : NULL;

	return forward && forward->hook.base && forward->hook.policy == VERDICT_DROP;
}

/* Shuts, then installs. Connection tracking is loaded first, without which its switches are not there. */
static int seal_install(struct arena *arena, struct nfnl *nfnl)
{
	struct findings findings = findings_in(arena);
	struct switches switches;
	struct holding holding = { .generation = 0 };
	struct held_marks marks;
	struct committed committed;
	int error = conntrack_marks(arena, nfnl, &marks);

	switches = switches_open();
	switches_shut(&switches);
	switches_close(&switches);
	if (!error)
		error = ruleset_install(nfnl, &holding, seal_build(arena), (int64_t)time(NULL), &findings, &committed);
	for (size_t i = 0; i < findings.count; i++)
		log_finding(&findings, &findings.items[i]);
	holding_free(&holding);
	return error;
}

static int seal_where_needed(struct arena *arena, struct nfnl *nfnl)
{
	struct link_table links;
	struct snapshot snapshot;
	int error = links_read(arena, &links);

	if (!error)
		error = snapshot_read(arena, nfnl, &links, (int64_t)time(NULL), NULL, &snapshot);
	if (!error && seal_is_guarded(&snapshot)) {
		log_event(LOG_LEVEL_NOTICE, "SKS-SEAL", "rules of ours are in force already; nothing is done");
		return 0;
	}
	/* What cannot be read may be open. */
	error = seal_install(arena, nfnl);
	if (!error)
		log_event(LOG_LEVEL_NOTICE, "SKS-SEAL", "nothing passes until sekishod has put a policy in force");
	return error;
}

int seal_run(const struct options *options)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct nfnl nfnl;
	int error = nfnl_open(&nfnl);

	if (!error) {
		/* A seal without an owner is better than none. */
		if (!options->no_owner && ownership_begin(&nfnl) != 0)
			log_event(LOG_LEVEL_WARNING, "SKS-OWNER", "whether the kernel knows owners of tables could not be found out");
		error = seal_where_needed(arena, &nfnl);
		nfnl_close(&nfnl);
	}
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-SEAL", "the seal could not be put in force reason=\"%s\"", strerror(-error));
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
