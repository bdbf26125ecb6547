/* wiring/sighting.h: what one frame says, in every shape of its headers; and a frame that is cut anywhere says less, never something else. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wiring/sighting.h"

/* Frames are written as hexadecimal digits; blanks separate fields. */
#define TO "ffffffffffff"
#define FROM "020000000010"
#define OTHER "020000000077"
#define ARP(TYPE, SENDER, ADDRESS) TO FROM "0806 0001 0800 06 04 " TYPE SENDER ADDRESS "000000000000 0a010001"
#define IP6(NEXT, HOPS) "86dd 60000000 0020" NEXT HOPS
#define LINK_1 "fe800000000000000000000000000001"
#define NOBODY "00000000000000000000000000000000"
#define HOST_9 "fd000000000000010000000000000009"
#define SOLICITATION(SOURCE, OPTION) TO FROM IP6("3a", "ff") SOURCE HOST_9 "87 00 0000 00000000" HOST_9 OPTION
#define ADVERTISEMENT(HOPS, OPTION) TO FROM IP6("3a", HOPS) LINK_1 HOST_9 "88 00 0000 60000000" HOST_9 OPTION
#define ROUTER(HOPS) TO FROM IP6("3a", HOPS) LINK_1 HOST_9 "86 00 0000 40 00 0708 00000000 00000000"
#define ZEROS_16 "00000000000000000000000000000000"
#define ZEROS_192 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16
#define BOOTP(OP) OP "010600 00000001 00000000 00000000 0a010032 00000000 00000000" FROM "00000000000000000000" ZEROS_192 "63825363"
#define IP4(FIRST, FRAGMENT) TO FROM "0800" FIRST "00 0148 0000" FRAGMENT "40 11 0000 0a010001 ffffffff"
#define DHCP(OPTIONS) IP4("45", "0000") "0043 0044 0134 0000" BOOTP("02") OPTIONS
#define DHCP6(TYPE) TO FROM IP6("11", "40") LINK_1 HOST_9 "0223 0222 000c 0000" TYPE "112233 0001 0000"

static const struct sighting_case {
	const char *what, *frame;
	int tag;
	bool nothing;
	enum sighting_kind kind;
	const char *address, *server, *owner;
	uint16_t vlan;
} cases[] = {
	{ "a frame of something else", TO FROM "88cc 0000", .kind = SIGHTING_DEVICE },
	{ "a sender that is a group", TO "030000000010" "0806 0001", .nothing = true },
	{ "a sender that is nobody", TO "000000000000" "0806 0001", .nothing = true },
	{ "too short for a frame", TO FROM "08", .nothing = true },

	{ "an ARP request", ARP("0001", FROM, "0a010010"), .kind = SIGHTING_CLAIM, .address = "10.1.0.16" },
	{ "an ARP reply for another", ARP("0002", OTHER, "0a010010"), .kind = SIGHTING_CLAIM, .address = "10.1.0.16", .owner = OTHER },
	{ "an ARP probe", ARP("0001", FROM, "00000000"), .kind = SIGHTING_DEVICE },
	{ "ARP of a group", ARP("0001", "030000000010", "0a010010"), .kind = SIGHTING_DEVICE },
	{ "ARP of another length", TO FROM "0806 0001 0800 08 04 0001" FROM "0a010010 000000000000 0a010001", .kind = SIGHTING_DEVICE },
	{ "ARP of another hardware", TO FROM "0806 0006 0800 06 04 0001" FROM "0a010010 000000000000 0a010001", .kind = SIGHTING_DEVICE },

	{ "a neighbour solicitation", SOLICITATION(LINK_1, ""), .kind = SIGHTING_CLAIM, .address = "fe80::1" },
	{ "with its MAC", SOLICITATION(LINK_1, "0101" OTHER), .kind = SIGHTING_CLAIM, .address = "fe80::1", .owner = OTHER },
	{ "with an option of length 0", SOLICITATION(LINK_1, "0100" OTHER), .kind = SIGHTING_CLAIM, .address = "fe80::1" },
	{ "with another option before it", SOLICITATION(LINK_1, "0e01000000000000" "0101" OTHER), .kind = SIGHTING_CLAIM, .address = "fe80::1", .owner = OTHER },
	{ "with an option that is longer than the frame", SOLICITATION(LINK_1, "0102" OTHER), .kind = SIGHTING_CLAIM, .address = "fe80::1" },
	{ "duplicate address detection", SOLICITATION(NOBODY, ""), .kind = SIGHTING_TENTATIVE, .address = "fd00:0:0:1::9" },
	{ "a neighbour advertisement", ADVERTISEMENT("ff", "0201" OTHER), .kind = SIGHTING_CLAIM, .address = "fd00:0:0:1::9", .owner = OTHER },
	{ "one that came over a router", ADVERTISEMENT("fe", ""), .kind = SIGHTING_DEVICE },

	{ "a router advertisement", ROUTER("ff"), .kind = SIGHTING_ROUTER, .address = "fe80::1" },
	{ "one that came over a router", ROUTER("40"), .kind = SIGHTING_DEVICE },
	{ "behind extension headers", TO FROM IP6("00", "ff") LINK_1 HOST_9 "3c00 000000000000" "3a01 0000000000000000000000000000" "86 00 0000 40 00 0708 00000000 00000000",
	  .kind = SIGHTING_ROUTER, .address = "fe80::1" },
	{ "in a first fragment", TO FROM IP6("2c", "ff") LINK_1 HOST_9 "3a00 0001 00000001" "86 00 0000 40 00 0708 00000000 00000000",
	  .kind = SIGHTING_ROUTER, .address = "fe80::1" },
	{ "in a later fragment", TO FROM IP6("2c", "ff") LINK_1 HOST_9 "3a00 0008 00000001" "86 00 0000 40 00 0708 00000000 00000000",
	  .kind = SIGHTING_DEVICE },
	{ "behind too many headers", TO FROM IP6("3c", "ff") LINK_1 HOST_9 "3c00000000000000" "3c00000000000000" "3c00000000000000" "3c00000000000000"
	  "3c00000000000000" "3c00000000000000" "3c00000000000000" "3c00000000000000" "3a00000000000000" "86 00 0000 40 00 0708 00000000 00000000",
	  .kind = SIGHTING_DEVICE },
	{ "behind a header that is longer than the packet", TO FROM IP6("3c", "ff") LINK_1 HOST_9 "3a10 000000000000", .kind = SIGHTING_DEVICE },

	{ "a DHCP offer", DHCP("350102 36040a010001 ff"), .kind = SIGHTING_DHCP, .address = "10.1.0.1", .server = "10.1.0.1" },
	{ "a DHCP ack behind padding", DHCP("00 00 36040a010009 350105 ff"), .kind = SIGHTING_DHCP, .address = "10.1.0.1", .server = "10.1.0.9" },
	{ "a DHCP nak without its server", DHCP("350106"), .kind = SIGHTING_DHCP, .address = "10.1.0.1" },
	{ "a DHCP discover", DHCP("350101 ff"), .kind = SIGHTING_DEVICE },
	{ "a type behind the end", DHCP("ff 350102"), .kind = SIGHTING_DEVICE },
	{ "an option that is longer than the frame", DHCP("3501"), .kind = SIGHTING_DEVICE },
	{ "a request from the port of servers", IP4("45", "0000") "0043 0044 0134 0000" BOOTP("01") "350102", .kind = SIGHTING_DEVICE },
	{ "another port", IP4("45", "0000") "0035 0044 0134 0000" BOOTP("02") "350102", .kind = SIGHTING_DEVICE },
	{ "a later fragment", IP4("45", "0001") "0043 0044 0134 0000" BOOTP("02") "350102", .kind = SIGHTING_DEVICE },
	{ "a first fragment", IP4("45", "2000") "0043 0044 0134 0000" BOOTP("02") "350102", .kind = SIGHTING_DHCP, .address = "10.1.0.1" },
	{ "with options of IPv4", IP4("46", "0000") "01010101" "0043 0044 0134 0000" BOOTP("02") "350102", .kind = SIGHTING_DHCP, .address = "10.1.0.1" },
	{ "a header of no length", IP4("40", "0000") "0043 0044 0134 0000" BOOTP("02") "350102", .kind = SIGHTING_DEVICE },
	{ "a DHCPv6 advertise", DHCP6("02"), .kind = SIGHTING_DHCP, .address = "fe80::1" },
	{ "a DHCPv6 reply", DHCP6("07"), .kind = SIGHTING_DHCP, .address = "fe80::1" },
	{ "a DHCPv6 reconfigure", DHCP6("0a"), .kind = SIGHTING_DHCP, .address = "fe80::1" },
	{ "a DHCPv6 solicit", DHCP6("01"), .kind = SIGHTING_DEVICE },

	{ "a tag that was taken off", ARP("0001", FROM, "0a010010"), .tag = 20, .kind = SIGHTING_TAGGED, .vlan = 20 },
	{ "with a priority", ARP("0001", FROM, "0a010010"), .tag = 0xe014, .kind = SIGHTING_TAGGED, .vlan = 20 },
	{ "a priority without a VLAN", ARP("0001", FROM, "0a010010"), .tag = 0xe000, .kind = SIGHTING_CLAIM, .address = "10.1.0.16" },
	{ "a tag in the frame", TO FROM "8100 0fff 0806", .kind = SIGHTING_TAGGED, .vlan = 4095 },
	{ "a service tag in the frame", TO FROM "88a8 0001 0806", .kind = SIGHTING_TAGGED, .vlan = 1 },
	{ "a priority before a VLAN", TO FROM "8100 2000 8100 0005 0806", .kind = SIGHTING_TAGGED, .vlan = 5 },
	{ "a priority in the frame", TO FROM "8100 2000 0806 0001 0800 06 04 0001" FROM "0a010010 000000000000 0a010001", .kind = SIGHTING_CLAIM,
	  .address = "10.1.0.16" },
	{ "a tag without its end", TO FROM "8100 00", .kind = SIGHTING_DEVICE },
};

static int digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* The bytes of hexadecimal digits, in memory of exactly their length, so that the sanitizer sees a read behind them. */
static struct span bytes_of(const char *text)
{
	char *bytes = malloc(strlen(text) / 2 + 1), *exact;
	size_t digits = 0;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		if (digits % 2 == 0)
			bytes[digits / 2] = (char)(digit(*text) << 4);
		else
			bytes[digits / 2] = (char)(bytes[digits / 2] | digit(*text));
		digits++;
	}
	exact = malloc(digits / 2 + (digits == 0));
	memcpy(exact, bytes, digits / 2);
	free(bytes);
	return (struct span){ .data = exact, .length = digits / 2 };
}

static void expect_address(const struct netaddr *address, const char *wanted)
{
	char text[NETADDR_TEXT_BYTES] = "none";

	if (address->family)
		netaddr_format(address, text);
	ck_assert_str_eq(text, wanted ? wanted : "none");
}

static void expect_mac(const struct macaddr *mac, const char *wanted)
{
	struct span bytes = bytes_of(wanted);

	ck_assert_mem_eq(mac->bytes, bytes.data, sizeof(mac->bytes));
	free((void *)(uintptr_t)bytes.data);
}

START_TEST(each_shape_says_what_it_says)
{
	const struct sighting_case *row = &cases[_i];
	struct span frame = bytes_of(row->frame);
	struct sighting sighting;
	bool said = sighting_read(frame, row->tag ? row->tag : SIGHTING_NO_TAG, &sighting);

	ck_assert_msg(said == !row->nothing, "%s", row->what);
	if (said) {
		ck_assert_msg(sighting.kind == row->kind, "%s: kind %d", row->what, (int)sighting.kind);
		expect_mac(&sighting.mac, FROM);
		expect_mac(&sighting.owner, row->owner ? row->owner : FROM);
		expect_address(&sighting.address, row->address);
		expect_address(&sighting.server, row->server);
		ck_assert_uint_eq(sighting.vlan, row->vlan);
	}
	free((void *)(uintptr_t)frame.data);
}
END_TEST

/* Every frame, cut after every byte: no read lies behind the cut, and what is said is a part of what the whole one says. */
START_TEST(a_frame_that_is_cut_says_less)
{
	const struct sighting_case *row = &cases[_i];
	struct span whole = bytes_of(row->frame);
	struct sighting full, sighting;
	bool said = sighting_read(whole, SIGHTING_NO_TAG, &full);

	for (size_t length = 0; length < whole.length; length++) {
		char *part = malloc(length + (length == 0));

		memcpy(part, whole.data, length);
		if (sighting_read((struct span){ .data = part, .length = length }, SIGHTING_NO_TAG, &sighting)) {
			ck_assert(said);
			ck_assert_msg(sighting.kind == SIGHTING_DEVICE || sighting.kind == full.kind, "%s: %zu", row->what, length);
		}
		free(part);
	}
	free((void *)(uintptr_t)whole.data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sighting");
	TCase *shapes = tcase_create("shapes");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(shapes, each_shape_says_what_it_says, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(shapes, a_frame_that_is_cut_says_less, 0, sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, shapes);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
