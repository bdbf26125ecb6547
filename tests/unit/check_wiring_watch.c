/* wiring/watch.h: what is seen is held against what is declared and what was seen before; each wrong wiring is said once, and floods cost a fixed size. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wiring/watch.h"

enum { MN_ZONE, LG_ZONE, UP_ZONE, MN_PORT = 2, LG_PORT = 3, UP_PORT = 7, MN_MORE_PORT = 9, MINUTE_MS = 60000 };

#define IP4(A, B, C, D) { .family = 4, .bytes = { A, B, C, D } }
#define IP6(...) { .family = 6, .bytes = { __VA_ARGS__ } }
#define MAC(LAST) { { 2, 0, 0, 0, 0, LAST } }

static struct addr_range mn_networks[] = { { IP4(10, 1, 0, 0), IP4(10, 1, 0, 255) }, { IP6(0xfd, 1), IP6(0xfd, 1, [15] = 255) } };
static struct addr_range lg_networks[] = { { IP4(10, 2, 0, 0), IP4(10, 2, 0, 255) } };
static struct addr_range up_networks[] = { { IP4(192, 0, 2, 0), IP4(223, 255, 255, 255) } };
static struct addr_range lg_servers[] = { { IP4(10, 2, 0, 53), IP4(10, 2, 0, 54) } };
static struct addr_range mn_routers[] = { { IP6(0xfd, 1, [15] = 0xfe), IP6(0xfd, 1, [15] = 0xfe) } };

static const struct layout_zone zones[] = {
	[MN_ZONE] = { "mynumber", { mn_networks, 2 }, { NULL, 0 }, { mn_routers, 1 } },
	[LG_ZONE] = { "lgwan", { lg_networks, 1 }, { lg_servers, 2 - 1 }, { NULL, 0 } },
	[UP_ZONE] = { "cloud", { up_networks, 1 }, { NULL, 0 }, { NULL, 0 } },
};
static const struct netaddr mn_own[] = { IP4(10, 1, 0, 1), IP6(0xfe, 0x80, [15] = 1) }, lg_own[] = { IP4(10, 2, 0, 1), IP6(0xfe, 0x80, [15] = 2) };
static const uint16_t up_vlans[] = { 20, 30 };
static const struct layout_port ports[] = {
	{ MN_PORT, MN_ZONE, "mn0", true, MAC(0xa1), mn_own, 2, NULL, 0 }, { LG_PORT, LG_ZONE, "lg0", true, MAC(0xa2), lg_own, 2, NULL, 0 },
	{ UP_PORT, UP_ZONE, "up0", true, MAC(0xa3), NULL, 0, up_vlans, 2 }, { MN_MORE_PORT, MN_ZONE, "mn1", false, MAC(0), NULL, 0, NULL, 0 },
};
static const struct layout_binding bindings[] = {
	{ MN_ZONE, IP4(10, 1, 0, 10), MAC(0x10) }, { MN_ZONE, IP4(10, 1, 0, 254), MAC(0xfe) }, { MN_ZONE, IP6(0xfd, 1, [15] = 0xfe), MAC(0xfe) },
	{ LG_ZONE, IP4(10, 2, 0, 53), MAC(0x53) }, { LG_ZONE, IP4(10, 2, 0, 254), MAC(0xfd) }, { LG_ZONE, IP4(10, 2, 0, 254), MAC(0xfe) },
};
static const struct layout town = { zones, 3, ports, 4, bindings, 6 };

static struct watch *watch;
static struct fault faults[WATCH_FAULTS_MAX];
static int64_t now_ms;

static void begin(void)
{
	watch = watch_new(0x5eed);
	watch_set_layout(watch, &town);
	now_ms = 1000000;
}

static void end(void)
{
	watch_free(watch);
}

static size_t see_sighting(uint32_t port, const struct sighting *sighting)
{
	memset(faults, 0, sizeof(faults));
	return watch_see(watch, sighting, port, now_ms, faults);
}

/* A device, and what it claims; family 0: nothing. */
static size_t see(uint32_t port, uint8_t mac, enum sighting_kind kind, struct netaddr address)
{
	const struct sighting sighting = { .kind = kind, .mac = MAC(mac), .owner = MAC(mac), .address = address };

	return see_sighting(port, &sighting);
}

static size_t see_claim(uint32_t port, uint8_t mac, struct netaddr address)
{
	return see(port, mac, SIGHTING_CLAIM, address);
}

static size_t see_device(uint32_t port, uint8_t mac)
{
	return see(port, mac, SIGHTING_DEVICE, (struct netaddr){ .family = 0 });
}

static void expect(size_t count, enum wiring_finding kind, const char *zone, const char *interface, const char *other)
{
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(wiring_catalogue[faults[0].kind].id, wiring_catalogue[kind].id);
	ck_assert_str_eq(faults[0].zone, zone);
	ck_assert_str_eq(faults[0].interface, interface);
	ck_assert_str_eq(faults[0].other_zone, other);
	ck_assert_uint_ge(faults[0].count, 1);
}

static const struct netaddr nothing;

START_TEST(what_belongs_where_it_is_says_nothing)
{
	begin();
	for (int round = 0; round < 3; round++) {
		ck_assert_uint_eq(see_claim(MN_PORT, 0x10, (struct netaddr)IP4(10, 1, 0, 10)), 0);
		ck_assert_uint_eq(see_claim(MN_MORE_PORT, 0x10, (struct netaddr)IP4(10, 1, 0, 10)), 0);
		ck_assert_uint_eq(see_claim(MN_PORT, 0x20, (struct netaddr)IP4(10, 1, 0, 20)), 0);
		ck_assert_uint_eq(see_claim(MN_PORT, 0x20, (struct netaddr)IP6(0xfe, 0x80, [15] = 0x20)), 0);
		ck_assert_uint_eq(see_claim(MN_PORT, 0x20, (struct netaddr)IP4(172, 16, 0, 1)), 0);
		ck_assert_uint_eq(see_claim(UP_PORT, 0x30, (struct netaddr)IP4(203, 0, 113, 9)), 0);
		ck_assert_uint_eq(see_claim(LG_PORT, 0xfe, (struct netaddr)IP4(10, 2, 0, 254)), 0);
		ck_assert_uint_eq(see_claim(LG_PORT, 0xfd, (struct netaddr)IP4(10, 2, 0, 254)), 0);
		ck_assert_uint_eq(see_claim(MN_PORT, 0xfe, (struct netaddr)IP4(10, 1, 0, 254)), 0);
		ck_assert_uint_eq(see_device(77, 0x10), 0);
		now_ms += MINUTE_MS;
	}
	end();
}
END_TEST

START_TEST(a_declared_device_in_another_zone_is_said_with_both_places)
{
	begin();
	expect(see_claim(LG_PORT, 0x10, (struct netaddr)IP4(10, 1, 0, 10)), WIRING_DECLARED_ELSEWHERE, "lgwan", "lg0", "mynumber");
	ck_assert_str_eq(faults[0].other_interface, "");
	ck_assert_uint_eq(faults[0].address.family, 4);
	ck_assert_uint_eq(see_device(LG_PORT, 0x10), 0);
	expect(see_device(UP_PORT, 0x10), WIRING_DECLARED_ELSEWHERE, "cloud", "up0", "mynumber");
	end();
}
END_TEST

START_TEST(a_learnt_device_that_moved_is_said_until_it_is_at_home_there)
{
	begin();
	ck_assert_uint_eq(see_device(MN_MORE_PORT, 0x20), 0);
	now_ms += 7 * 24 * 60 * MINUTE_MS;
	expect(see_device(LG_PORT, 0x20), WIRING_MOVED, "lgwan", "lg0", "mynumber");
	ck_assert_str_eq(faults[0].other_interface, "mn1");
	for (int i = 0; i < 9; i++) {
		now_ms += MINUTE_MS;
		ck_assert_uint_eq(see_device(LG_PORT, 0x20), 0);
	}
	now_ms += 2 * MINUTE_MS;
	ck_assert_uint_eq(see_device(LG_PORT, 0x20), 0);
	expect(see_device(MN_PORT, 0x20), WIRING_MOVED, "mynumber", "mn0", "lgwan");
	end();
}
END_TEST

START_TEST(a_device_that_is_seen_at_both_is_said_again_and_again)
{
	size_t said = 0;

	begin();
	for (int i = 0; i < 45; i++) {
		ck_assert_uint_eq(see_device(MN_PORT, 0x20), 0);
		said += see_device(LG_PORT, 0x20);
		now_ms += MINUTE_MS;
	}
	ck_assert_uint_eq(said, 5);
	ck_assert_uint_eq(faults[0].count, 0);
	end();
}
END_TEST

START_TEST(what_was_folded_is_counted)
{
	begin();
	for (int i = 0; i < 10; i++) {
		see_device(LG_PORT, 0x10);
		now_ms += MINUTE_MS;
	}
	expect(see_device(LG_PORT, 0x10), WIRING_DECLARED_ELSEWHERE, "lgwan", "lg0", "mynumber");
	ck_assert_uint_eq(faults[0].count, 10);
	end();
}
END_TEST

START_TEST(virtual_macs_are_in_many_zones)
{
	static const uint8_t virtual[][6] = { { 0, 0, 0x5e, 0, 1, 7 }, { 0, 0, 0x5e, 0, 2, 7 }, { 0, 0, 0x0c, 7, 0xac, 1 }, { 0, 0, 0x0c, 0x9f, 0xf0, 1 } };

	begin();
	for (size_t i = 0; i < sizeof(virtual) / sizeof(virtual[0]); i++) {
		struct sighting sighting = { .kind = SIGHTING_DEVICE };

		memcpy(sighting.mac.bytes, virtual[i], sizeof(sighting.mac.bytes));
		ck_assert_uint_eq(see_sighting(MN_PORT, &sighting), 0);
		ck_assert_uint_eq(see_sighting(LG_PORT, &sighting), 0);
	}
	end();
}
END_TEST

START_TEST(an_address_of_another_zone_is_said_once_with_its_device)
{
	begin();
	expect(see_claim(LG_PORT, 0x30, (struct netaddr)IP4(10, 1, 0, 30)), WIRING_FOREIGN_ADDRESS, "lgwan", "lg0", "mynumber");
	ck_assert_uint_eq(see_claim(LG_PORT, 0x30, (struct netaddr)IP4(10, 1, 0, 31)), 0);
	expect(see_claim(UP_PORT, 0x31, (struct netaddr)IP6(0xfd, 1, [15] = 9)), WIRING_FOREIGN_ADDRESS, "cloud", "up0", "mynumber");
	expect(see(LG_PORT, 0x32, SIGHTING_TENTATIVE, (struct netaddr)IP6(0xfd, 1, [15] = 9)), WIRING_FOREIGN_ADDRESS, "lgwan", "lg0", "mynumber");
	end();
}
END_TEST

START_TEST(a_misplaced_device_with_an_address_of_a_third_zone_says_both)
{
	begin();
	ck_assert_uint_eq(see_claim(LG_PORT, 0x10, (struct netaddr)IP4(192, 0, 2, 9)), 2);
	ck_assert_int_eq(faults[0].kind, WIRING_DECLARED_ELSEWHERE);
	ck_assert_int_eq(faults[1].kind, WIRING_FOREIGN_ADDRESS);
	ck_assert_str_eq(faults[1].other_zone, "cloud");
	end();
}
END_TEST

START_TEST(two_devices_with_one_address_are_one_matter)
{
	begin();
	ck_assert_uint_eq(see_claim(MN_PORT, 0x20, (struct netaddr)IP4(10, 1, 0, 20)), 0);
	expect(see_claim(MN_MORE_PORT, 0x21, (struct netaddr)IP4(10, 1, 0, 20)), WIRING_DUPLICATE_ADDRESS, "mynumber", "mn1", "mynumber");
	ck_assert(faults[0].has_other_mac && faults[0].other_mac.bytes[5] == 0x20 && faults[0].mac.bytes[5] == 0x21);
	ck_assert_str_eq(faults[0].other_interface, "mn0");
	ck_assert_uint_eq(see_claim(MN_PORT, 0x20, (struct netaddr)IP4(10, 1, 0, 20)), 0);
	end();
}
END_TEST

START_TEST(an_address_that_was_free_for_a_while_is_given_to_another)
{
	begin();
	ck_assert_uint_eq(see_claim(MN_PORT, 0x20, (struct netaddr)IP4(10, 1, 0, 20)), 0);
	now_ms += WATCH_DUPLICATE_MS;
	ck_assert_uint_eq(see_claim(MN_PORT, 0x21, (struct netaddr)IP4(10, 1, 0, 20)), 0);
	ck_assert_uint_eq(see(MN_PORT, 0x21, SIGHTING_TENTATIVE, (struct netaddr)IP4(10, 1, 0, 20)), 0);
	ck_assert_uint_eq(see(MN_PORT, 0x22, SIGHTING_TENTATIVE, (struct netaddr)IP4(10, 1, 0, 20)), 1);
	end();
}
END_TEST

START_TEST(a_declared_address_belongs_to_its_macs)
{
	begin();
	expect(see_claim(MN_PORT, 0x66, (struct netaddr)IP4(10, 1, 0, 10)), WIRING_DUPLICATE_ADDRESS, "mynumber", "mn0", "mynumber");
	ck_assert(faults[0].has_other_mac && faults[0].other_mac.bytes[5] == 0x10);
	ck_assert_str_eq(faults[0].other_interface, "");
	end();
}
END_TEST

START_TEST(the_gateway_has_its_addresses_alone)
{
	begin();
	expect(see_claim(LG_PORT, 0x40, (struct netaddr)IP4(10, 2, 0, 1)), WIRING_GATEWAY_ADDRESS, "lgwan", "lg0", "lgwan");
	ck_assert_str_eq(faults[0].other_interface, "lg0");
	expect(see_claim(LG_PORT, 0x41, (struct netaddr)IP4(10, 1, 0, 1)), WIRING_GATEWAY_ADDRESS, "lgwan", "lg0", "mynumber");
	expect(see(LG_PORT, 0x42, SIGHTING_TENTATIVE, (struct netaddr)IP6(0xfe, 0x80, [15] = 2)), WIRING_GATEWAY_ADDRESS, "lgwan", "lg0", "lgwan");
	ck_assert_uint_eq(see_claim(LG_PORT, 0x43, (struct netaddr)IP6(0xfe, 0x80, [15] = 1)), 0);
	end();
}
END_TEST

START_TEST(frames_of_the_gateway_itself_do_not_come_in)
{
	begin();
	expect(see_claim(LG_PORT, 0xa1, (struct netaddr)IP4(10, 1, 0, 1)), WIRING_OWN_FRAMES, "lgwan", "lg0", "mynumber");
	ck_assert_str_eq(faults[0].other_interface, "mn0");
	expect(see_device(UP_PORT, 0xa3), WIRING_OWN_FRAMES, "cloud", "up0", "cloud");
	end();
}
END_TEST

static size_t see_dhcp(uint32_t port, uint8_t mac, struct netaddr source, struct netaddr server)
{
	const struct sighting sighting = { .kind = SIGHTING_DHCP, .mac = MAC(mac), .owner = MAC(mac), .address = source, .server = server };

	return see_sighting(port, &sighting);
}

START_TEST(a_dhcp_server_is_declared_by_its_mac_or_its_address)
{
	static const struct netaddr declared = IP4(10, 2, 0, 53), other = IP4(10, 2, 0, 99);

	begin();
	ck_assert_uint_eq(see_dhcp(LG_PORT, 0x53, declared, declared), 0);
	expect(see_dhcp(LG_PORT, 0x54, declared, declared), WIRING_STRAY_DHCP, "lgwan", "lg0", "lgwan");
	expect(see_dhcp(LG_PORT, 0x55, other, nothing), WIRING_STRAY_DHCP, "lgwan", "lg0", "lgwan");
	expect(see_dhcp(MN_PORT, 0x56, other, declared), WIRING_STRAY_DHCP, "mynumber", "mn0", "mynumber");
	end();
}
END_TEST

START_TEST(a_server_without_a_mac_is_known_by_its_address)
{
	static const struct layout_zone without[] = {
		{ "lgwan", { lg_networks, 1 }, { lg_servers, 1 }, { lg_servers, 1 } },
	};
	static const struct layout_port port[] = { { LG_PORT, 0, "lg0", false, MAC(0), NULL, 0, NULL, 0 } };
	static const struct layout layout = { without, 1, port, 1, NULL, 0 };
	static const struct netaddr declared = IP4(10, 2, 0, 53), second = IP4(10, 2, 0, 54), other = IP4(10, 2, 0, 99), link = IP6(0xfe, 0x80, [15] = 9);

	begin();
	watch_set_layout(watch, &layout);
	ck_assert_uint_eq(see_dhcp(LG_PORT, 0x60, declared, nothing), 0);
	ck_assert_uint_eq(see_dhcp(LG_PORT, 0x61, other, declared), 0);
	expect(see_dhcp(LG_PORT, 0x62, link, nothing), WIRING_STRAY_DHCP, "lgwan", "lg0", "lgwan");
	ck_assert_uint_eq(see_claim(LG_PORT, 0x63, second), 0);
	ck_assert_uint_eq(see_dhcp(LG_PORT, 0x63, link, nothing), 0);
	ck_assert_uint_eq(see(LG_PORT, 0x63, SIGHTING_ROUTER, link), 0);
	end();
}
END_TEST

START_TEST(a_router_is_declared)
{
	static const struct netaddr link = IP6(0xfe, 0x80, [15] = 9);

	begin();
	ck_assert_uint_eq(see(MN_PORT, 0xfe, SIGHTING_ROUTER, link), 0);
	expect(see(MN_PORT, 0x70, SIGHTING_ROUTER, link), WIRING_STRAY_ROUTER, "mynumber", "mn0", "mynumber");
	expect(see(LG_PORT, 0xfe, SIGHTING_ROUTER, link), WIRING_STRAY_ROUTER, "lgwan", "lg0", "lgwan");
	end();
}
END_TEST

START_TEST(a_vlan_is_said_once_whoever_is_in_it)
{
	struct sighting sighting = { .kind = SIGHTING_TAGGED, .mac = MAC(0x80), .owner = MAC(0x80), .vlan = 20 };

	begin();
	ck_assert_uint_eq(see_sighting(UP_PORT, &sighting), 0);
	expect(see_sighting(LG_PORT, &sighting), WIRING_STRAY_VLAN, "lgwan", "lg0", "lgwan");
	ck_assert_uint_eq(faults[0].vlan, 20);
	sighting.mac.bytes[5] = 0x10;
	ck_assert_uint_eq(see_sighting(LG_PORT, &sighting), 0);
	sighting.vlan = 21;
	expect(see_sighting(UP_PORT, &sighting), WIRING_STRAY_VLAN, "cloud", "up0", "cloud");
	end();
}
END_TEST

START_TEST(what_was_learnt_outlives_another_layout)
{
	/* The zones in another order, and without one. */
	static const struct layout_zone turned[] = { { .name = "lgwan", .networks = { lg_networks, 1 } }, { .name = "mynumber", .networks = { mn_networks, 2 } } };
	static const struct layout_port more[] = { { MN_PORT, 1, "mn0", false, MAC(0), NULL, 0, NULL, 0 }, { LG_PORT, 0, "lg0", false, MAC(0), NULL, 0, NULL, 0 } };
	static const struct layout layout = { turned, 2, more, 2, NULL, 0 };

	begin();
	ck_assert_uint_eq(see_device(MN_PORT, 0x20), 0);
	ck_assert_uint_eq(see_device(UP_PORT, 0x21), 0);
	watch_set_layout(watch, &layout);
	ck_assert_uint_eq(see_device(MN_PORT, 0x20), 0);
	expect(see_device(LG_PORT, 0x20), WIRING_MOVED, "lgwan", "lg0", "mynumber");
	ck_assert_uint_eq(see_device(LG_PORT, 0x21), 0);
	end();
}
END_TEST

/* Made-up devices beyond all bounds: what is declared stays known, faults have their rate, and what was seen more than once is forgotten last. */
START_TEST(a_flood_of_devices_forgets_itself)
{
	size_t forgot = 0, said = 0;

	begin();
	ck_assert_uint_eq(see_device(MN_PORT, 0x20), 0);
	ck_assert_uint_eq(see_device(MN_PORT, 0x20), 0);
	for (uint32_t i = 0; i < 200000; i++) {
		struct sighting sighting = { .kind = SIGHTING_CLAIM, .address = IP4(10, 1, (uint8_t)(i >> 8), (uint8_t)i) };

		memcpy(&sighting.mac.bytes[1], &i, sizeof(i));
		sighting.mac.bytes[0] = 6;
		sighting.owner = sighting.mac;
		for (size_t a = see_sighting(LG_PORT, &sighting); a > 0; a--) {
			forgot += faults[a - 1].kind == WIRING_MANY_DEVICES;
			said += faults[a - 1].kind == WIRING_FOREIGN_ADDRESS;
		}
		now_ms += i % 100 == 0;
	}
	ck_assert_uint_eq(forgot, 1);
	ck_assert_uint_eq(said, WATCH_PER_MINUTE);
	ck_assert_uint_gt(watch_held_back(watch), 100);
	ck_assert_uint_eq(watch_held_back(watch), 0);
	expect(see_device(LG_PORT, 0x20), WIRING_MOVED, "lgwan", "lg0", "mynumber");
	expect(see_device(LG_PORT, 0x10), WIRING_DECLARED_ELSEWHERE, "lgwan", "lg0", "mynumber");
	end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_belongs_where_it_is_says_nothing, a_declared_device_in_another_zone_is_said_with_both_places,
		a_learnt_device_that_moved_is_said_until_it_is_at_home_there, a_device_that_is_seen_at_both_is_said_again_and_again, what_was_folded_is_counted,
		virtual_macs_are_in_many_zones, an_address_of_another_zone_is_said_once_with_its_device,
		a_misplaced_device_with_an_address_of_a_third_zone_says_both, two_devices_with_one_address_are_one_matter,
		an_address_that_was_free_for_a_while_is_given_to_another, a_declared_address_belongs_to_its_macs, the_gateway_has_its_addresses_alone,
		frames_of_the_gateway_itself_do_not_come_in, a_dhcp_server_is_declared_by_its_mac_or_its_address,
		a_server_without_a_mac_is_known_by_its_address, a_router_is_declared, a_vlan_is_said_once_whoever_is_in_it,
		what_was_learnt_outlives_another_layout, a_flood_of_devices_forgets_itself,
	};
	Suite *suite = suite_create("watch");
	TCase *all = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
