/*
 * devconf: switches of single interfaces that are set by rtnetlink, so that a process that may open no file can hold them where they belong. Needs
 * CAP_NET_ADMIN to set.
 *
 * For these a switch of "all" (kernel/sysctl.h) is not enough: the kernel takes either of the two. IPv6 has none that can be set this way.
 */
#ifndef KERNEL_DEVCONF_H
#define KERNEL_DEVCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct devconf_rule {
	uint16_t number;	/* IPV4_DEVCONF_* */
	uint32_t wanted;
	const char *name;	/* as in /proc/sys/net/ipv4/conf/INTERFACE */
};

extern const struct devconf_rule devconf_rules[];
extern const size_t devconf_rule_count; /* see devconf_rules; at most 32 */

/*
 * Sets the switches of an interface that do not stand as they should. Bit i of *ret_changed: devconf_rules[i] was another. 0 or negative errno (-ENODEV: there is no such
 * interface).
 */
int devconf_hold(uint32_t index, uint32_t *ret_changed);

#endif
