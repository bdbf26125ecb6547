/* switches: the kernel's switches that the law depends on. */
#include "sekishod/switches.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "kernel/sysctl.h"

struct switches switches_open(void)
{
	struct switches switches = { .descriptors = calloc(sysctl_rule_count, sizeof(int)) };

	if (!switches.descriptors)
		arena_exhausted();
	for (size_t i = 0; i < sysctl_rule_count; i++)
		switches.descriptors[i] = sysctl_open(sysctl_rules[i].path);
	return switches;
}

void switches_close(struct switches *switches)
{
	for (size_t i = 0; switches->descriptors && i < sysctl_rule_count; i++)
		if (switches->descriptors[i] >= 0)
			close(switches->descriptors[i]);
	free(switches->descriptors);
	switches->descriptors = NULL;
}

/* Sets one switch; one that stands as it should is not touched. */
static void switch_set(const struct switches *switches, size_t i, int64_t value)
{
	int descriptor = switches->descriptors[i], error = descriptor < 0 ? descriptor : 0;
	int64_t present;

	if (!error)
		error = sysctl_read(descriptor, &present);
	if (!error && present != value)
		error = sysctl_write(descriptor, value);
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-SYSCTL", "a kernel switch could not be set name=%s value=%lld reason=\"%s\"", sysctl_rules[i].path,
			  (long long)value, strerror(-error));
}

void switches_shut(struct switches *switches)
{
	switches->state = SWITCHES_SHUT;
	for (size_t i = sysctl_rule_count; i > 0; i--)
		if (sysctl_rules[i - 1].closed != sysctl_rules[i - 1].wanted)
			switch_set(switches, i - 1, sysctl_rules[i - 1].closed);
}

void switches_open_way(struct switches *switches)
{
	switches->state = SWITCHES_OPEN;
	for (size_t i = 0; i < sysctl_rule_count; i++)
		switch_set(switches, i, sysctl_rules[i].wanted);
}

/* A switch that is opened later (its module came) is not there to be held. */
void switches_hold(const struct switches *switches)
{
	for (size_t i = 0; switches->state != SWITCHES_UNTOUCHED && i < sysctl_rule_count; i++) {
		const bool shut = switches->state == SWITCHES_SHUT;
		const int64_t wanted = shut ? sysctl_rules[i].closed : sysctl_rules[i].wanted;
		int64_t present;

		/* Shutting sets only what lets packets through. */
		if ((shut && sysctl_rules[i].closed == sysctl_rules[i].wanted) || switches->descriptors[i] < 0 ||
		    sysctl_read(switches->descriptors[i], &present) != 0 || present == wanted || present == sysctl_rules[i].closed)
			continue;
		log_event(LOG_LEVEL_WARNING, "SKS-SYSCTL", "a kernel switch was changed by somebody and is set back name=%s value=%lld was=%lld", sysctl_rules[i].path,
			  (long long)wanted, (long long)present);
		switch_set(switches, i, wanted);
	}
}
