/* kernel: interfaces, addresses, routes, marks of connections and switches, each in a namespace of its own. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/conntrack.h"
#include "kernel/links.h"
#include "kernel/sysctl.h"

#include "workbench.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

enum { EVENT_DEADLINE_MS = 5000 };

/*
 * Two ends of a cable: ska with an address of each family and a default route, skb behind it in the same
 * namespace.
 */
static void make_cable(void)
{
	ck_assert_int_eq(
		system("ip link add ska address 02:00:00:00:00:0a type veth peer name skb address "
		       "02:00:00:00:00:0b &&"
		       "ip link set ska up && ip link set skb up &&"
		       "ip address add 10.9.0.1/24 dev ska && ip address add fd09::1/64 dev ska nodad &&"
		       "ip route add default via 10.9.0.254 && ip -6 route add default via fd09::fe &&"
		       "ip route add unreachable 10.77.0.0/16 && ip -6 route add unreachable fd77::/64"),
		0);
}

static struct netaddr address_of(const char *text)
{
	struct netaddr address;

	ck_assert_int_eq(netaddr_parse(text, &address), 0);
	return address;
}

static const struct interface *interface_named(const struct interfaces *interfaces, const char *name)
{
	for (size_t i = 0; i < interfaces->count; i++) {
		if (strcmp(interfaces->items[i].name, name) == 0)
			return &interfaces->items[i];
	}
	return NULL;
}

START_TEST(test_interfaces)
{
	static const struct macaddr mac = { { 0x02, 0, 0, 0, 0, 0x0a } };
	struct workbench bench = workbench_open();
	struct interfaces interfaces;
	struct link_table links;
	const struct interface *ska, *lo;

	make_cable();
	ck_assert_int_eq(interfaces_read(bench.arena, &interfaces), 0);
	ska = interface_named(&interfaces, "ska");
	lo = interface_named(&interfaces, "lo");
	ck_assert(ska && lo && ska->up && ska->type == 1 && ska->has_mac && ska->master == 0);
	ck_assert_mem_eq(&ska->mac, &mac, sizeof(mac));
	ck_assert(lo->index == 1 && lo->type == 772);
	ck_assert_int_eq(links_read(bench.arena, &links), 0);
	ck_assert_uint_eq(links.count, interfaces.count);
	ck_assert_uint_eq(link_index(&links, "ska"), ska->index);
	ck_assert_str_eq(link_name(&links, ska->index), "ska");
	workbench_close(&bench);
}
END_TEST

START_TEST(test_addresses_and_routes)
{
	struct workbench bench = workbench_open();
	struct interface_addresses addresses;
	struct routes routes;
	size_t found = 0, defaults = 0, refusing = 0;
	const struct netaddr v4 = address_of("10.9.0.1"), v6 = address_of("fd09::1");

	make_cable();
	ck_assert_int_eq(addresses_read(bench.arena, &addresses), 0);
	for (size_t i = 0; i < addresses.count; i++) {
		const struct interface_address *address = &addresses.items[i];

		found += netaddr_compare(&address->address, &v4) == 0 && address->length == 24;
		found += netaddr_compare(&address->address, &v6) == 0 && address->length == 64;
	}
	ck_assert_uint_eq(found, 2);
	ck_assert_int_eq(routes_read(bench.arena, &routes), 0);
	for (size_t i = 0; i < routes.count; i++) {
		const struct route *route = &routes.items[i];

		defaults += route->destination.length == 0 && route->has_gateway && route->table == 254 &&
			    route->type == 1;
		refusing += route->type == 7;
	}
	ck_assert_uint_eq(defaults, 2);
	ck_assert_uint_eq(refusing, 2);
	workbench_close(&bench);
}
END_TEST

static const struct {
	const char *what, *destination;
	int result;
	bool local;
	const char *gateway;	/* NULL: on link */
} lookup_rows[] = {
	{ "on link", "10.9.0.7", 0, false, NULL },
	{ "by the default route", "192.0.2.1", 0, false, "10.9.0.254" },
	{ "our own", "10.9.0.1", 0, true, NULL },
	{ "refused by a route", "10.77.1.1", -EHOSTUNREACH, false, NULL },
	{ "on link, IPv6", "fd09::7", 0, false, NULL },
	{ "by the default route, IPv6", "2001:db8::1", 0, false, "fd09::fe" },
	{ "our own, IPv6", "fd09::1", 0, true, NULL },
	{ "refused by a route, IPv6", "fd77::1", -EHOSTUNREACH, false, NULL },
};

START_TEST(test_route_lookup)
{
	struct workbench bench = workbench_open();
	const struct netaddr destination = address_of(lookup_rows[_i].destination);
	struct route_hop hop;
	struct link_table links;

	make_cable();
	ck_assert_int_eq(links_read(bench.arena, &links), 0);
	ck_assert_msg(route_lookup(&destination, &hop) == lookup_rows[_i].result, "%s", lookup_rows[_i].what);
	if (lookup_rows[_i].result == 0) {
		ck_assert_msg(hop.local == lookup_rows[_i].local, "%s", lookup_rows[_i].what);
		ck_assert_msg(hop.has_gateway == (lookup_rows[_i].gateway != NULL), "%s", lookup_rows[_i].what);
		ck_assert_msg(hop.local || hop.oif == link_index(&links, "ska"), "%s", lookup_rows[_i].what);
	}
	if (lookup_rows[_i].result == 0 && lookup_rows[_i].gateway) {
		const struct netaddr gateway = address_of(lookup_rows[_i].gateway);

		ck_assert_msg(netaddr_compare(&hop.gateway, &gateway) == 0, "%s", lookup_rows[_i].what);
	}
	workbench_close(&bench);
}
END_TEST

START_TEST(test_no_route_at_all)
{
	struct workbench bench = workbench_open();
	const struct netaddr v4 = address_of("192.0.2.1"), v6 = address_of("2001:db8::1");
	struct route_hop hop;

	ck_assert_int_eq(route_lookup(&v4, &hop), -ENETUNREACH);
	ck_assert_int_eq(route_lookup(&v6, &hop), -ENETUNREACH);
	workbench_close(&bench);
}
END_TEST

static const struct {
	const char *what, *command;
	unsigned int seen;
} watch_rows[] = {
	{ "a new interface", "ip link add skc type veth peer name skd", LINKS_CHANGED },
	{ "a renamed interface", "ip link set ska down && ip link set ska name ske", LINKS_CHANGED },
	{ "a deleted interface", "ip link delete ska", LINKS_CHANGED },
	{ "a new address", "ip address add 10.9.1.1/24 dev ska", ADDRESSES_CHANGED },
	{ "a deleted address, IPv6", "ip address delete fd09::1/64 dev ska", ADDRESSES_CHANGED },
	{ "a new route", "ip route add 10.8.0.0/16 via 10.9.0.9", ROUTES_CHANGED },
	{ "a deleted route, IPv6", "ip -6 route delete default", ROUTES_CHANGED },
};

static void note_change(unsigned int what, void *context)
{
	*(unsigned int *)context |= what;
}

START_TEST(test_watch)
{
	struct workbench bench = workbench_open();
	struct links_watch *watch;
	unsigned int seen = 0;

	make_cable();
	ck_assert_int_eq(links_watch_open(note_change, &seen, &watch), 0);
	ck_assert_int_eq(system(watch_rows[_i].command), 0);
	while ((seen & watch_rows[_i].seen) == 0) {
		struct pollfd waiting = { .fd = links_watch_descriptor(watch), .events = POLLIN };

		ck_assert_msg(poll(&waiting, 1, EVENT_DEADLINE_MS) == 1, "%s: nothing came",
			      watch_rows[_i].what);
		ck_assert_int_eq(links_watch_read(watch), 0);
	}
	links_watch_close(watch);
	workbench_close(&bench);
}
END_TEST

/* Nothing to read is no error and no change. */
START_TEST(test_watch_never_blocks)
{
	struct workbench bench = workbench_open();
	struct links_watch *watch;
	unsigned int seen = 0;

	ck_assert_int_eq(links_watch_open(note_change, &seen, &watch), 0);
	ck_assert_int_eq(links_watch_read(watch), 0);
	ck_assert_uint_eq(seen, 0);
	links_watch_close(watch);
	workbench_close(&bench);
}
END_TEST

/* One datagram to a port of our own loopback: one connection. */
static void send_datagram(const char *address, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const int family = inet_pton(AF_INET, address, &v4.sin_addr) == 1 ? AF_INET : AF_INET6;
	const struct sockaddr *to = family == AF_INET ? (const void *)&v4 : (const void *)&v6;
	int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET6, address, &v6.sin6_addr);
	ck_assert_int_eq(sendto(descriptor, "x", 1, 0, to, family == AF_INET ? sizeof(v4) : sizeof(v6)), 1);
	close(descriptor);
}

START_TEST(test_marks_of_connections)
{
	static const char rules[] =
		"table inet t { chain output { type filter hook output priority 0;"
		" udp dport 1001 ct mark set 0x7ffffffe; udp dport 1002 ct mark set 5; }; }";
	struct workbench bench = workbench_open();
	struct held_marks held;

	ck_assert_int_eq(conntrack_marks(bench.arena, &bench.nfnl, &held), 0);
	ck_assert_uint_eq(held.count, 0);
	ck_assert_int_eq(workbench_nft_load(rules), 0);
	send_datagram("127.0.0.1", 1001);
	send_datagram("::1", 1001);
	send_datagram("127.0.0.1", 1002);
	send_datagram("127.0.0.1", 1003);
	ck_assert_int_eq(conntrack_marks(bench.arena, &bench.nfnl, &held), 0);
	ck_assert_uint_eq(held.count, 2);
	ck_assert(held.marks[0] == 5 && held.connections[0] == 1);
	ck_assert(held.marks[1] == 0x7ffffffe && held.connections[1] == 2);
	workbench_close(&bench);
}
END_TEST

START_TEST(test_switches)
{
	struct workbench bench = workbench_open();
	int64_t value;

	for (size_t i = 0; i < sysctl_rule_count; i++) {
		const struct sysctl_rule *rule = &sysctl_rules[i];

		ck_assert_msg(sysctl_set(rule->path, rule->closed) == 0, "%s", rule->path);
		ck_assert_msg(sysctl_set(rule->path, rule->wanted) == 0, "%s", rule->path);
		ck_assert(rule->why_en[0] && rule->why_ja[0]);
	}
	for (size_t i = 0; i < sysctl_rule_count; i++) {
		ck_assert_int_eq(sysctl_get(sysctl_rules[i].path, &value), 0);
		ck_assert_msg(value == sysctl_rules[i].wanted, "%s", sysctl_rules[i].path);
	}
	ck_assert_int_eq(sysctl_get("ipv4/no_such_switch", &value), -ENOENT);
	ck_assert_int_eq(sysctl_set("ipv4/no_such_switch", 1), -ENOENT);
	ck_assert_int_eq(sysctl_get("ipv4/ip_local_reserved_ports", &value), -EBADMSG);
	workbench_close(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel network");
	TCase *cases = tcase_create("network");
	SRunner *runner;
	int failed;

	workbench_require();
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, test_interfaces);
	tcase_add_test(cases, test_addresses_and_routes);
	tcase_add_loop_test(cases, test_route_lookup, 0, COUNT(lookup_rows));
	tcase_add_test(cases, test_no_route_at_all);
	tcase_add_loop_test(cases, test_watch, 0, COUNT(watch_rows));
	tcase_add_test(cases, test_watch_never_blocks);
	tcase_add_test(cases, test_marks_of_connections);
	tcase_add_test(cases, test_switches);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
