/* survey_files: what /proc shows of ways past the tables. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/netaddr.h"
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

static bool has_ipvs(const struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++)
		if (survey->items[i].kind == SURVEY_IPVS)
			return true;
	return false;
}

/* Lines of a service begin with its protocol, address and port as hexadecimal numbers, or with a mark of packets; those of its servers with an arrow. */
void survey_take_ipvs(struct arena *arena, struct survey *survey, const char *line)
{
	char protocol[8], address[40], text[NETADDR_TEXT_BYTES];
	struct netaddr service = { .family = 4 };
	unsigned int number, port;

	if (has_ipvs(survey))
		return;
	if (sscanf(line, "FWM %8x", &number) == 1) {
		survey_add(arena, survey, SURVEY_IPVS, 0, 0, arena_printf(arena, "fwmark %#x", number));
	} else if (sscanf(line, "%7[A-Z] %8x:%4x", protocol, &number, &port) == 3) {
		memcpy(service.bytes, &(uint32_t){ htonl(number) }, sizeof(uint32_t));
		survey_add(arena, survey, SURVEY_IPVS, 0, 0, arena_printf(arena, "%s %s:%u", protocol, netaddr_format(&service, text), port));
	} else if (sscanf(line, "%7[A-Z] [%39[0-9a-f:]]:%4x", protocol, address, &port) == 3 && netaddr_parse(address, &service) == 0) {
		survey_add(arena, survey, SURVEY_IPVS, 0, 0, arena_printf(arena, "%s [%s]:%u", protocol, netaddr_format(&service, text), port));
	}
}

/* Without IPVS there is no such file. */
static void read_ipvs(struct arena *arena, struct survey *survey)
{
	FILE *file = fopen("/proc/net/ip_vs", "re");
	char line[NAMES_BYTES];

	while (file && fgets(line, sizeof(line), file))
		survey_take_ipvs(arena, survey, line);
	if (file)
		fclose(file);
}

void survey_read_files(struct arena *arena, const struct link_table *links, struct survey *survey)
{
	read_legacy(arena, survey, "/proc/net/ip_tables_names", 4);
	read_legacy(arena, survey, "/proc/net/ip6_tables_names", 6);
	read_ipvs(arena, survey);
	read_switches(arena, survey, "all", 0);
	for (size_t i = 0; i < links->count; i++)
		if (strcmp(links->items[i].name, "lo") != 0)
			read_switches(arena, survey, links->items[i].name, links->items[i].index);
}
