/*
 * sysctl: the switches of the network stack that the law depends on, under /proc/sys/net of this network
 * namespace.
 *
 * A process that may open no file later opens the descriptors first and reads and writes by them.
 */
#ifndef KERNEL_SYSCTL_H
#define KERNEL_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sysctl_rule {
	const char *path;	/* below /proc/sys/net: "ipv4/ip_forward" */
	int64_t wanted;
	int64_t closed; /* value while no policy is in force; equal to wanted when it makes no difference */
	const char *why_en, *why_ja;
};

/* In the order in which they are set: what lets packets through comes last. */
extern const struct sysctl_rule sysctl_rules[];
extern const size_t sysctl_rule_count; /* see sysctl_rules */

/*
 * Opens a switch for reading and writing. Returns the descriptor, which the caller closes, or negative errno
 * (-ENOENT: this kernel has none).
 */
int sysctl_open(const char *path);

/* The number in an open switch. 0 or negative errno; -EBADMSG: it holds no number. */
int sysctl_read(int descriptor, int64_t *ret_value);

/* Writes a number to an open switch. 0 or negative errno. */
int sysctl_write(int descriptor, int64_t value);

/* Opens for reading only, reads and closes: needs no privilege. 0 or negative errno as the steps. */
int sysctl_get(const char *path, int64_t *ret_value);

/* Opens, writes and closes; a switch that already stands so is not written. 0 or negative errno as the steps. */
int sysctl_set(const char *path, int64_t value);

#endif
