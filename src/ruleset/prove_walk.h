/*
 * prove_walk: paths through the chains of a hook. Private to prove*.c.
 *
 * A path is a set of packets that go the same way through the rules. The walk begins with all packets that can be at the hook and divides them at
 * each rule: those that obey its verdict, and those that go on to the next rule. Every path that is let through (or is answered) is handed to the
 * caller. A rule that is an alien is passed by: whoever sees one proves nothing anyway.
 */
#ifndef RULESET_PROVE_WALK_H
#define RULESET_PROVE_WALK_H

#include "ruleset/prove_atoms.h"

/* A rule sets the mark of packets of this path. element NULL: to `mark`. */
struct mark_gift {
	const struct path *path;	/* just before */
	const struct lookup *lookup;	/* the map, or NULL */
	uint8_t key_mark;		/* which of the path's marks its key means */
	uint32_t mark;
	bool early;
};

/* Where the walk tells what it finds. */
struct walk_sink {
	void (*ended)(void *context, struct path *path);	/* it was let through, or answered; the path may be changed */
	void (*gave)(void *context, const struct mark_gift *gift); /* NULL: not wanted */
	void *context;
};

/* The rules of a family's walks, made into atoms when they are first met. */
struct walker;

/* Made in the arena of atoms; atoms->early is the walker's to set. */
struct walker *walker_make(struct atoms *atoms, const struct ruleset *ruleset);

/* Walks all base chains of a hook. device: for HOOK_INGRESS, the interface's name. False: it was given up, too many paths (see work_max) or too long ones. */
bool walk_hook(struct walker *walker, enum hook_point hook, const char *device, const struct path *start, const struct walk_sink *sink);

#endif
