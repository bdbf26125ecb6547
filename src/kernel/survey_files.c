/* survey_files: what /proc shows of ways past the tables. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/survey.h"
#include "kernel/sysctl.h"

enum { NAMES_BYTES = 512 };

/* Switches of an interface that make the gateway a middleman for others; for "all", those that count for every interface. */
static const struct {
	const char *family, *name; /* below /proc/sys/net: family/conf/INTERFACE/name */
	const char *text;
} switches[] = {
	{ "ipv4", "proxy_arp", "proxy_arp" },
	{ "ipv4", "proxy_arp_pvlan", "proxy_arp_pvlan" },
	{ "ipv4", "bc_forwarding", "bc_forwarding" },
	{ "ipv4", "route_localnet", "route_localnet" },
	{ "ipv4", "mc_forwarding", "mc_forwarding IPv4" },
	{ "ipv6", "proxy_ndp", "proxy_ndp" },
	{ "ipv6", "mc_forwarding", "mc_forwarding IPv6" },
};

/* A name of an interface holds no '/' and is not "..": the kernel sees to that. */
static void read_switches(struct arena *arena, struct survey *survey, const char *interface, uint32_t index)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		char path[PATH_MAX];
		int64_t value;

		snprintf(path, sizeof(path), "%s/conf/%s/%s", switches[i].family, interface, switches[i].name);
		if (sysctl_get(path, &value) == 0 && value != 0)
			survey_add(arena, survey, SURVEY_SWITCH, index, 0, switches[i].text);
	}
}

/* The file lists the tables that are loaded in this namespace, a name a line; without the older iptables there is none. */
static void read_legacy(struct arena *arena, struct survey *survey, const char *path, uint32_t version)
{
	char names[NAMES_BYTES], *rest = names, *name;
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = descriptor < 0 ? -1 : read(descriptor, names, sizeof(names) - 1);

	if (descriptor >= 0)
		close(descriptor);
	if (length <= 0)
		return;
	names[length] = '\0';
	while ((name = strsep(&rest, "\n")))
		if (*name)
			survey_add(arena, survey, SURVEY_LEGACY, 0, version, name);
}

void survey_read_files(struct arena *arena, const struct link_table *links, struct survey *survey)
{
	read_legacy(arena, survey, "/proc/net/ip_tables_names", 4);
	read_legacy(arena, survey, "/proc/net/ip6_tables_names", 6);
	read_switches(arena, survey, "all", 0);
	for (size_t i = 0; i < links->count; i++)
		if (strcmp(links->items[i].name, "lo") != 0)
			read_switches(arena, survey, links->items[i].name, links->items[i].index);
}
