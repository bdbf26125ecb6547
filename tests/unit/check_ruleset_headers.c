/* ruleset/headers.h: packets of both families, whole, cut and hostile. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/headers.h"

enum { PACKET_BYTES_MAX = 256 };

static const struct row {
	const char *what;
	const char *hex;	/* the packet, blanks are passed over */
	const char *source, *destination; /* NULL: it is no packet */
	uint8_t protocol;
	int port;		/* of the destination; -1: none */
} rows[] = {
#define IP4(length, fragment, protocol) "45000000 0000" fragment "40" protocol "0000 0a010203 0a020304"
	{ "nothing", "", NULL, NULL, 0, 0 },
	{ "another version", "55", NULL, NULL, 0, 0 },
	{ "IPv4, TCP", IP4("28", "4000", "06") "9c40 01bb 00000000", "10.1.2.3", "10.2.3.4", 6, 443 },
	{ "IPv4, UDP, four bytes of it", IP4("18", "0000", "11") "0001 0035", "10.1.2.3", "10.2.3.4", 17, 53 },
	{ "IPv4, UDP, three bytes of it", IP4("18", "0000", "11") "0001 00", "10.1.2.3", "10.2.3.4", 17, -1 },
	{ "IPv4, first fragment", IP4("28", "2000", "11") "0001 0035", "10.1.2.3", "10.2.3.4", 17, 53 },
	{ "IPv4, later fragment", IP4("28", "2001", "11") "0001 0035", "10.1.2.3", "10.2.3.4", 17, -1 },
	{ "IPv4, ICMP has no ports", IP4("28", "0000", "01") "0800 0000", "10.1.2.3", "10.2.3.4", 1, -1 },
	{ "IPv4, options", "46000000 00000000 4006 0000 0a010203 0a020304 01010101 9c40 0050", "10.1.2.3", "10.2.3.4", 6, 80 },
	{ "IPv4, options that are missing", "4f000000 00000000 4006 0000 0a010203 0a020304", "10.1.2.3", "10.2.3.4", 6, -1 },
	{ "IPv4, a header too short for itself", "44000000 00000000 4006 0000 0a010203 0a020304 9c40 0050", NULL, NULL, 0, 0 },
	{ "IPv4, cut in its addresses", "45000000 00000000 4006 0000 0a010203 0a0203", NULL, NULL, 0, 0 },
#define IP6(next) "60000000 0000" next "40 fd000000000000010000000000000010 fd000000000000020000000000000020"
	{ "IPv6, UDP", IP6("11") "0001 0035", "fd00:0:0:1::10", "fd00:0:0:2::20", 17, 53 },
	{ "IPv6, cut in its addresses", "60000000 00001140 fd0000000000000100000000000000", NULL, NULL, 0, 0 },
	{ "IPv6, options before TCP", IP6("00") "0600010200000000 9c40 01bb", "fd00:0:0:1::10", "fd00:0:0:2::20", 6, 443 },
	{ "IPv6, options of two units", IP6("3c") "0601 000000000000 0000000000000000 9c40 01bb", "fd00:0:0:1::10", "fd00:0:0:2::20", 6, 443 },
	{ "IPv6, options that go beyond the packet", IP6("00") "06ff010200000000 9c40 01bb", "fd00:0:0:1::10", "fd00:0:0:2::20", 6, -1 },
	{ "IPv6, first fragment", IP6("2c") "1100000100000007 0001 0035", "fd00:0:0:1::10", "fd00:0:0:2::20", 17, 53 },
	{ "IPv6, later fragment", IP6("2c") "1100001000000007 0001 0035", "fd00:0:0:1::10", "fd00:0:0:2::20", 17, -1 },
	{ "IPv6, authentication header", IP6("33") "0604000000000000 0000000000000000 0000000000000000 9c40 0050", "fd00:0:0:1::10",
	  "fd00:0:0:2::20", 6, 80 },
	{ "IPv6, nothing behind it", IP6("3b"), "fd00:0:0:1::10", "fd00:0:0:2::20", 59, -1 },
};

static size_t packet_of_hex(const char *hex, uint8_t packet[static PACKET_BYTES_MAX])
{
	size_t digits = 0;

	for (; *hex; hex++) {
		const char digit[] = { *hex, '\0' };

		if (*hex == ' ')
			continue;
		packet[digits / 2] = (uint8_t)((unsigned int)packet[digits / 2] << 4 | (unsigned int)strtoul(digit, NULL, 16));
		digits++;
	}
	return digits / 2;
}

/* Exactly as many bytes as there are, so that a look beyond them is seen. */
static bool read_exactly(const uint8_t *packet, size_t length, struct headers *ret_headers)
{
	char *bytes = malloc(length ? length : 1);
	bool read;

	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, packet, length);
	read = headers_read((struct span){ .data = bytes, .length = length }, ret_headers);
	free(bytes);
	return read;
}

START_TEST(a_packet_is_read)
{
	const struct row *row = &rows[_i];
	uint8_t packet[PACKET_BYTES_MAX] = { 0 };
	char text[NETADDR_TEXT_BYTES];
	struct headers headers;
	bool read = read_exactly(packet, packet_of_hex(row->hex, packet), &headers);

	ck_assert_msg(read == (row->source != NULL), "%s", row->what);
	if (!read)
		return;
	ck_assert_str_eq(netaddr_format(&headers.source, text), row->source);
	ck_assert_str_eq(netaddr_format(&headers.destination, text), row->destination);
	ck_assert_msg(headers.protocol == row->protocol, "%s: protocol %u", row->what, headers.protocol);
	ck_assert_msg(headers.has_ports == (row->port >= 0), "%s", row->what);
	ck_assert_msg(!headers.has_ports || headers.destination_port == row->port, "%s: port %u", row->what, headers.destination_port);
}
END_TEST

/* A chain of extension headers without end is followed a little, and then it is what it is. */
START_TEST(a_long_chain_is_not_followed)
{
	uint8_t packet[40 + 8 * (HEADERS_EXTENSIONS_MAX + 1) + 4] = { 0x60 };
	struct headers headers;

	packet[40 + 8 * HEADERS_EXTENSIONS_MAX] = 6;
	ck_assert(read_exactly(packet, sizeof(packet), &headers));
	ck_assert_uint_eq(headers.protocol, 0);
	ck_assert(!headers.has_ports);
	packet[40 + 8 * (HEADERS_EXTENSIONS_MAX - 1)] = 6;
	ck_assert(read_exactly(packet, sizeof(packet), &headers));
	ck_assert_uint_eq(headers.protocol, 6);
	ck_assert(headers.has_ports);
}
END_TEST

START_TEST(every_cut_is_survived)
{
	uint8_t packet[PACKET_BYTES_MAX] = { 0 };
	size_t length = packet_of_hex(rows[_i].hex, packet);
	struct headers headers;

	for (size_t cut = 0; cut < length; cut++)
		read_exactly(packet, cut, &headers);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("headers");
	TCase *cases = tcase_create("headers");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, a_packet_is_read, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(cases, a_long_chain_is_not_followed);
	tcase_add_loop_test(cases, every_cut_is_survived, 0, sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
