/*
 * switches: the kernel's switches that the law depends on (kernel/sysctl.h), held open by the enforcer,
 * which may open no file later.
 */
#ifndef SEKISHOD_SWITCHES_H
#define SEKISHOD_SWITCHES_H

struct switches {
	int *descriptors;	/* one per sysctl_rules, same order; negative: its errno */
	enum switches_state { SWITCHES_UNTOUCHED, SWITCHES_SHUT, SWITCHES_OPEN } state; /* how they were set last */
};

/*
 * Opens them all. One that cannot be opened is remembered with its reason. The caller gives the result back
 * with switches_close().
 */
struct switches switches_open(void);

/* Closes them. */
void switches_close(struct switches *switches);

/* Nothing of ours is in the kernel: forwarding is off until it is. Failures are logged. */
void switches_shut(struct switches *switches);

/* A policy or the seal is in force: everything as it is wanted. Failures are logged. */
void switches_open_way(struct switches *switches);

/*
 * Somebody may have changed them: those that do not stand as they were set last are set again, and that is logged. Forwarding that somebody switched off stays
 * off until the next change of rules: it is closed.
 */
void switches_hold(const struct switches *switches);

#endif
