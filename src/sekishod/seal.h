/*
 * seal: the ruleset that lets nothing pass: no zone, no flow, only the loopback interface. It is compiled
 * in, so that it is there when nothing else is.
 */
#ifndef SEKISHOD_SEAL_H
#define SEKISHOD_SEAL_H

#include <stdbool.h>

#include "kernel/snapshot.h"
#include "ruleset/ruleset.h"
#include "sekishod/options.h"

/* The seal, in the arena. */
struct ruleset *seal_build(struct arena *arena);

/* True when the kernel holds the chain that refuses what no rule allows. Other tables of ours may be left where somebody deleted that one. */
bool seal_is_guarded(const struct snapshot *snapshot);

/*
 * `sekishod --seal`, in early boot and without the daemon: when the kernel holds no guard of ours, forwarding is switched off and the seal
 * installed and read back; when it does, nothing is done. Reads no file of ours. The exit status.
 *
 * Where the kernel knows owners, the tables are left as orphans, so that the daemon can make them its own: of tables without an owner it could not.
 */
int seal_run(const struct options *options);

#endif
