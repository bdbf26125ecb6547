/*
 * switches: the kernel's switches that the law depends on (kernel/sysctl.h), held open by the enforcer,
 * which may open no file later.
 */
#ifndef SEKISHOD_SWITCHES_H
#define SEKISHOD_SWITCHES_H

struct switches {
	int *descriptors;	/* one per sysctl_rules, same order; negative: its errno */
};

/*
 * Opens them all. One that cannot be opened is remembered with its reason. The caller gives the result back
 * with switches_close().
 */
struct switches switches_open(void);

/* Closes them. */
void switches_close(struct switches *switches);

/* Nothing of ours is in the kernel: forwarding is off until it is. Failures are logged. */
void switches_shut(const struct switches *switches);

/* A policy or the seal is in force: everything as it is wanted. Failures are logged. */
void switches_open_way(const struct switches *switches);

#endif
