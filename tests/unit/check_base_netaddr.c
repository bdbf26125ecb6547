/* base/netaddr: texts, limits of the address space, and set arithmetic against a bitmap that knows no ranges. */
#include "base/netaddr.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

/* Every parser's row: what it reads, what it answers, and the canonical text of what it read. */
struct parse_row {
	const char *what;
	const char *text;
	int result;
	const char *canonical;
};

static const struct parse_row address_rows[] = {
	{ "IPv4", "192.0.2.1", 0, "192.0.2.1" },
	{ "IPv4, lowest", "0.0.0.0", 0, "0.0.0.0" },
	{ "IPv4, highest", "255.255.255.255", 0, "255.255.255.255" },
	{ "IPv4, byte beyond 255", "192.0.2.256", -EINVAL, NULL },
	{ "IPv4, leading zero (octal to some readers)", "192.0.2.010", -EINVAL, NULL },
	{ "IPv4, three parts", "192.0.2", -EINVAL, NULL },
	{ "IPv4, five parts", "192.0.2.1.1", -EINVAL, NULL },
	{ "IPv4, blank behind", "192.0.2.1 ", -EINVAL, NULL },
	{ "IPv4, newline behind", "192.0.2.1\n", -EINVAL, NULL },
	{ "IPv4, hexadecimal", "0x7f000001", -EINVAL, NULL },
	{ "IPv6", "2001:db8::1", 0, "2001:db8::1" },
	{ "IPv6 in capitals and in full", "2001:0DB8:0000:0000:0000:0000:0000:00AB", 0, "2001:db8::ab" },
	{ "IPv6, longest run of zeros is shortened", "2001:0:0:1:0:0:0:1", 0, "2001:0:0:1::1" },
	{ "IPv6, first of two equal runs is shortened", "2001:db8:0:0:1:0:0:1", 0, "2001:db8::1:0:0:1" },
	{ "IPv6, a single zero is not shortened", "2001:db8:0:1:1:1:1:1", 0, "2001:db8:0:1:1:1:1:1" },
	{ "IPv6, lowest", "::", 0, "::" },
	{ "IPv6, highest", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "IPv4-mapped stays IPv6", "::ffff:192.0.2.1", 0, "::ffff:192.0.2.1" },
	{ "IPv6 with a zone id", "fe80::1%eth0", -EINVAL, NULL },
	{ "IPv6, two gaps", "2001::db8::1", -EINVAL, NULL },
	{ "IPv6, nine groups", "1:2:3:4:5:6:7:8:9", -EINVAL, NULL },
	{ "IPv6, five digits", "2001:0db8a::1", -EINVAL, NULL },
	{ "IPv6 in brackets", "[2001:db8::1]", -EINVAL, NULL },
	{ "nothing", "", -EINVAL, NULL },
	{ "a word", "lgwan", -EINVAL, NULL },
	{ "full-width digits", "１９２.0.2.1", -EINVAL, NULL },
};

static const struct parse_row prefix_rows[] = {
	{ "IPv4 prefix", "10.0.0.0/8", 0, "10.0.0.0/8" },
	{ "bare IPv4 address", "10.0.0.1", 0, "10.0.0.1" },
	{ "bare IPv6 address", "2001:db8::1", 0, "2001:db8::1" },
	{ "everything, IPv4", "0.0.0.0/0", 0, "0.0.0.0/0" },
	{ "everything, IPv6", "::/0", 0, "::/0" },
	{ "full length, IPv4", "10.0.0.1/32", 0, "10.0.0.1" },
	{ "full length + 1, IPv4", "10.0.0.1/33", -EINVAL, NULL },
	{ "full length, IPv6", "2001:db8::1/128", 0, "2001:db8::1" },
	{ "full length + 1, IPv6", "2001:db8::1/129", -EINVAL, NULL },
	{ "length inside a byte", "10.128.0.0/9", 0, "10.128.0.0/9" },
	{ "last bit before the length is set", "10.64.0.0/10", 0, "10.64.0.0/10" },
	{ "first bit behind the length is set", "10.64.0.0/9", -ERANGE, NULL },
	{ "host bit at the very end", "10.0.0.1/8", -ERANGE, NULL },
	{ "host bit, IPv6", "2001:db8::1/64", -ERANGE, NULL },
	{ "host bits at length 0", "1.0.0.0/0", -ERANGE, NULL },
	{ "length with a leading zero", "10.0.0.0/08", -EINVAL, NULL },
	{ "length with a sign", "10.0.0.0/+8", -EINVAL, NULL },
	{ "negative length", "10.0.0.0/-1", -EINVAL, NULL },
	{ "length missing", "10.0.0.0/", -EINVAL, NULL },
	{ "length that wraps 32 bits", "10.0.0.0/4294967304", -EINVAL, NULL },
	{ "netmask instead of length", "10.0.0.0/255.0.0.0", -EINVAL, NULL },
	{ "two lengths", "10.0.0.0/8/8", -EINVAL, NULL },
	{ "blank behind", "10.0.0.0/8 ", -EINVAL, NULL },
	{ "no address", "/8", -EINVAL, NULL },
	{ "address longer than any address",
	  "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8", -EINVAL, NULL },
};

static const struct parse_row range_rows[] = {
	{ "address", "192.0.2.1", 0, "192.0.2.1" },
	{ "prefix", "192.0.2.0/24", 0, "192.0.2.0/24" },
	{ "first-last", "192.0.2.1-192.0.2.9", 0, "192.0.2.1-192.0.2.9" },
	{ "first-last that is a prefix", "192.0.2.0-192.0.2.255", 0, "192.0.2.0/24" },
	{ "one address short of a prefix", "192.0.2.0-192.0.2.254", 0, "192.0.2.0-192.0.2.254" },
	{ "as long as a prefix, but not aligned", "192.0.2.128-192.0.3.127", 0, "192.0.2.128-192.0.3.127" },
	{ "first-last that is one address", "192.0.2.1-192.0.2.1", 0, "192.0.2.1" },
	{ "two addresses, aligned", "192.0.2.2-192.0.2.3", 0, "192.0.2.2/31" },
	{ "two addresses, not aligned", "192.0.2.1-192.0.2.2", 0, "192.0.2.1-192.0.2.2" },
	{ "all of IPv4", "0.0.0.0-255.255.255.255", 0, "0.0.0.0/0" },
	{ "all of IPv6", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, "::/0" },
	{ "IPv6 first-last", "2001:db8::1-2001:db8::ffff", 0, "2001:db8::1-2001:db8::ffff" },
	{ "longest text", "1111:1111:1111:1111:1111:1111:1111:1111-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0", 0,
	  "1111:1111:1111:1111:1111:1111:1111:1111-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0" },
	{ "last below first", "192.0.2.9-192.0.2.1", -ERANGE, NULL },
	{ "host bits", "192.0.2.1/24", -ERANGE, NULL },
	{ "two families", "192.0.2.1-2001:db8::1", -EINVAL, NULL },
	{ "prefix as first", "192.0.2.0/24-192.0.3.0", -EINVAL, NULL },
	{ "prefix as last", "192.0.2.0-192.0.3.0/24", -EINVAL, NULL },
	{ "three addresses", "192.0.2.1-192.0.2.2-192.0.2.3", -EINVAL, NULL },
	{ "no last", "192.0.2.1-", -EINVAL, NULL },
	{ "no first", "-192.0.2.1", -EINVAL, NULL },
	{ "blanks around the dash", "192.0.2.1 - 192.0.2.9", -EINVAL, NULL },
	{ "last in short form", "192.0.2.1-9", -EINVAL, NULL },
};

static const struct parse_row mac_rows[] = {
	{ "colons", "02:00:5e:10:00:01", 0, "02:00:5e:10:00:01" },
	{ "dashes and capitals", "02-00-5E-1F-AB-CD", 0, "02:00:5e:1f:ab:cd" },
	{ "mixed separators", "02:00-5e:10:00:01", -EINVAL, NULL },
	{ "five groups", "02:00:5e:10:00", -EINVAL, NULL },
	{ "seven groups", "02:00:5e:10:00:01:02", -EINVAL, NULL },
	{ "single digits", "2:0:5e:10:0:1", -EINVAL, NULL },
	{ "no hexadecimal digit", "02:00:5g:10:00:01", -EINVAL, NULL },
	{ "dots", "02.00.5e.10.00.01", -EINVAL, NULL },
	{ "Cisco form", "0200.5e10.0001", -EINVAL, NULL },
	{ "group address", "01:00:5e:10:00:01", -ERANGE, NULL },
	{ "broadcast", "ff:ff:ff:ff:ff:ff", -ERANGE, NULL },
	{ "all zero", "00:00:00:00:00:00", -ERANGE, NULL },
	{ "one above all zero", "00:00:00:00:00:01", 0, "00:00:00:00:00:01" },
	{ "nothing", "", -EINVAL, NULL },
};

START_TEST(address_is_read_and_written)
{
	const struct parse_row *row = &address_rows[_i];
	char text[NETADDR_TEXT_BYTES];
	struct netaddr address, untouched;

	memset(&address, 0xa5, sizeof(address));
	untouched = address;
	ck_assert_msg(netaddr_parse(row->text, &address) == row->result, "%s", row->what);
	if (row->result == 0)
		ck_assert_msg(strcmp(netaddr_format(&address, text), row->canonical) == 0, "%s: %s", row->what, text);
	else
		ck_assert_msg(memcmp(&address, &untouched, sizeof(address)) == 0, "%s: result was touched", row->what);
}
END_TEST

START_TEST(prefix_is_read_and_written)
{
	const struct parse_row *row = &prefix_rows[_i];
	char text[ADDR_RANGE_TEXT_BYTES];
	struct prefix prefix;
	struct addr_range range;
	int r = prefix_parse(row->text, &prefix);

	ck_assert_msg(r == row->result, "%s: %d", row->what, r);
	if (r < 0)
		return;
	range = prefix_range(&prefix);
	ck_assert_msg(strcmp(addr_range_format(&range, text), row->canonical) == 0, "%s: %s", row->what, text);
}
END_TEST

static const struct parse_row guess_rows[] = {
	{ "host bits", "10.1.0.5/24", 0, "10.1.0.0/24" },
	{ "host bits, IPv6", "fd00:0:0:1::1/64", 0, "fd00:0:0:1::/64" },
	{ "host bits inside a byte", "10.129.0.0/9", 0, "10.128.0.0/9" },
	{ "nothing before the length", "1.0.0.0/0", 0, "0.0.0.0/0" },
	{ "a mask in dots", "10.1.0.0/255.255.255.0", 0, "10.1.0.0/24" },
	{ "a mask in dots and host bits", "10.1.0.5/255.255.128.0", 0, "10.1.0.0/17" },
	{ "a mask of all bits", "10.1.0.5/255.255.255.255", 0, "10.1.0.5" },
	{ "a mask of no bit", "10.1.0.5/0.0.0.0", 0, "0.0.0.0/0" },
	{ "a mask with a hole", "10.1.0.0/255.0.255.0", -EINVAL, NULL },
	{ "a mask for IPv6", "fd00::/255.255.255.0", -EINVAL, NULL },
	{ "no length", "10.1.0.5", -EINVAL, NULL },
	{ "a length beyond the address", "10.1.0.0/33", -EINVAL, NULL },
	{ "no address", "a/24", -EINVAL, NULL },
};

START_TEST(prefix_that_was_meant)
{
	const struct parse_row *row = &guess_rows[_i];
	char text[ADDR_RANGE_TEXT_BYTES];
	struct addr_range range;
	struct prefix prefix;
	int r = prefix_guess(row->text, &prefix);

	ck_assert_msg(r == row->result, "%s: %d", row->what, r);
	if (r < 0)
		return;
	range = prefix_range(&prefix);
	ck_assert_msg(strcmp(addr_range_format(&range, text), row->canonical) == 0, "%s: %s", row->what, text);
}
END_TEST

START_TEST(range_is_read_and_written)
{
	const struct parse_row *row = &range_rows[_i];
	char text[ADDR_RANGE_TEXT_BYTES];
	struct addr_range range, again;
	int r = addr_range_parse(row->text, &range);

	ck_assert_msg(r == row->result, "%s: %d", row->what, r);
	if (r < 0)
		return;
	ck_assert_msg(strcmp(addr_range_format(&range, text), row->canonical) == 0, "%s: %s", row->what, text);
	ck_assert_msg(addr_range_parse(text, &again) == 0 && memcmp(&again, &range, sizeof(range)) == 0,
		      "%s: reading what was written", row->what);
}
END_TEST

START_TEST(mac_is_read_and_written)
{
	const struct parse_row *row = &mac_rows[_i];
	char text[MACADDR_TEXT_BYTES];
	struct macaddr mac;
	int r = macaddr_parse(row->text, &mac);

	ck_assert_msg(r == row->result, "%s: %d", row->what, r);
	if (r == 0)
		ck_assert_msg(strcmp(macaddr_format(&mac, text), row->canonical) == 0, "%s: %s", row->what, text);
}
END_TEST

static struct netaddr address_of(const char *text)
{
	struct netaddr address;

	ck_assert_msg(netaddr_parse(text, &address) == 0, "%s", text);
	return address;
}

static struct addr_range range_of(const char *text)
{
	struct addr_range range;

	ck_assert_msg(addr_range_parse(text, &range) == 0, "%s", text);
	return range;
}

static const struct {
	const char *what, *address, *next;
} neighbour_rows[] = {
	{ "within a byte", "10.0.0.1", "10.0.0.2" },
	{ "carry through a byte", "10.0.0.255", "10.0.1.0" },
	{ "carry through all", "9.255.255.255", "10.0.0.0" },
	{ "IPv6 carry", "2001:db8::ffff:ffff", "2001:db8::1:0:0" },
	{ "end of IPv4 is not followed by anything", "255.255.255.255", NULL },
	{ "end of IPv6", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
};

START_TEST(address_has_neighbours)
{
	struct netaddr address = address_of(neighbour_rows[_i].address), moved = address;
	const char *what = neighbour_rows[_i].what;

	ck_assert_msg(netaddr_next(&moved) == (neighbour_rows[_i].next != NULL), "%s", what);
	if (neighbour_rows[_i].next) {
		struct netaddr next = address_of(neighbour_rows[_i].next);

		ck_assert_msg(netaddr_compare(&moved, &next) == 0, "%s: next", what);
		ck_assert_msg(netaddr_compare(&address, &next) < 0 && netaddr_compare(&next, &address) > 0, "%s: order", what);
		ck_assert_msg(netaddr_previous(&moved), "%s: previous", what);
	}
	ck_assert_msg(memcmp(&moved, &address, sizeof(address)) == 0, "%s: back or unchanged", what);
}
END_TEST

START_TEST(nothing_comes_before_the_first_address)
{
	struct netaddr four = address_of("0.0.0.0"), six = address_of("::");

	ck_assert(!netaddr_previous(&four) && !netaddr_previous(&six));
	ck_assert(netaddr_compare(&four, &six) < 0 && netaddr_compare(&six, &four) > 0);
	ck_assert_uint_eq(netaddr_size(4), 4);
	ck_assert_uint_eq(netaddr_size(6), 16);
}
END_TEST

static const struct {
	const char *what, *a, *b;
	const char *common;	/* NULL: nothing */
	bool a_covers_b;
} pair_rows[] = {
	{ "equal", "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8", true },
	{ "inside", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16", true },
	{ "around", "10.1.0.0/16", "10.0.0.0/8", "10.1.0.0/16", false },
	{ "overlapping", "10.0.0.1-10.0.0.5", "10.0.0.5-10.0.0.9", "10.0.0.5", false },
	{ "neighbours", "10.0.0.1-10.0.0.4", "10.0.0.5-10.0.0.9", NULL, false },
	{ "apart", "10.0.0.0/24", "10.0.2.0/24", NULL, false },
	{ "one beyond the end", "10.0.0.0/24", "10.0.0.0-10.0.1.0", "10.0.0.0/24", false },
	{ "one before the beginning", "10.0.1.0/24", "10.0.0.255-10.0.1.255", "10.0.1.0/24", false },
	{ "other family", "0.0.0.0/0", "::/0", NULL, false },
	{ "IPv4-mapped is not IPv4", "192.0.2.0/24", "::ffff:192.0.2.1", NULL, false },
};

START_TEST(ranges_are_compared)
{
	struct addr_range a = range_of(pair_rows[_i].a), b = range_of(pair_rows[_i].b), common, mirrored;
	const char *what = pair_rows[_i].what, *expected = pair_rows[_i].common;
	char text[ADDR_RANGE_TEXT_BYTES];

	ck_assert_msg(addr_range_covers(&a, &b) == pair_rows[_i].a_covers_b, "%s: covers", what);
	ck_assert_msg(addr_range_intersect(&a, &b, NULL) == (expected != NULL), "%s: intersect", what);
	ck_assert_msg(addr_range_intersect(&b, &a, &mirrored) == (expected != NULL), "%s: mirrored", what);
	if (!expected)
		return;
	ck_assert_msg(addr_range_intersect(&a, &b, &common), "%s", what);
	ck_assert_msg(strcmp(addr_range_format(&common, text), expected) == 0, "%s: %s", what, text);
	ck_assert_msg(memcmp(&common, &mirrored, sizeof(common)) == 0, "%s: symmetry", what);
}
END_TEST

enum { LIST_MAX = 8 };

static const struct {
	const char *what;
	const char *minuend[LIST_MAX], *subtrahend[LIST_MAX];
	const char *expected;
} subtract_rows[] = {
	{ "nothing from nothing", { NULL }, { NULL }, "" },
	{ "nothing from something", { "10.0.0.0/24" }, { NULL }, "10.0.0.0/24" },
	{ "something from nothing", { NULL }, { "10.0.0.0/24" }, "" },
	{ "all of it", { "10.0.0.0/24" }, { "10.0.0.0/8" }, "" },
	{ "a hole", { "10.0.0.0/24" }, { "10.0.0.128" }, "10.0.0.0/25 10.0.0.129-10.0.0.255" },
	{ "the beginning", { "10.0.0.0/24" }, { "9.0.0.0-10.0.0.0" }, "10.0.0.1-10.0.0.255" },
	{ "the end", { "10.0.0.0/24" }, { "10.0.0.255-10.0.3.0" }, "10.0.0.0-10.0.0.254" },
	{ "one hole across two ranges", { "10.0.0.0/24", "10.0.2.0/24" }, { "10.0.0.128-10.0.2.127" },
	  "10.0.0.0/25 10.0.2.128/25" },
	{ "neighbours are joined", { "10.0.1.0/24", "10.0.0.0/24" }, { NULL }, "10.0.0.0/23" },
	{ "overlaps are joined, in any order", { "10.0.0.9-10.0.0.12", "10.0.0.0/28", "10.0.0.3" }, { NULL }, "10.0.0.0/28" },
	{ "touching holes", { "10.0.0.0/24" }, { "10.0.0.1", "10.0.0.0" }, "10.0.0.2-10.0.0.255" },
	{ "both ends of IPv4", { "0.0.0.0/0" }, { "0.0.0.0", "255.255.255.255" }, "0.0.0.1-255.255.255.254" },
	{ "the end of IPv4 does not join the beginning of IPv6", { "255.255.255.255", "::" }, { NULL }, "255.255.255.255 ::" },
	{ "all of IPv4 leaves IPv6", { "::/0", "0.0.0.0/0" }, { "0.0.0.0/0" }, "::/0" },
	{ "last address of IPv6", { "::/0" }, { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	  "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" },
};

static struct addr_ranges list_of(struct arena *arena, const char *const *texts)
{
	struct addr_ranges list = { .items = arena_array(arena, LIST_MAX, sizeof(*list.items)) };

	for (; list.count < LIST_MAX && texts[list.count]; list.count++)
		list.items[list.count] = range_of(texts[list.count]);
	return list;
}

static void list_format(struct addr_ranges list, char *text, size_t size)
{
	char item[ADDR_RANGE_TEXT_BYTES];

	text[0] = '\0';
	for (size_t i = 0; i < list.count; i++)
		snprintf(text + strlen(text), size - strlen(text), "%s%s", i ? " " : "",
			 addr_range_format(&list.items[i], item));
}

START_TEST(lists_are_subtracted)
{
	struct arena *arena = arena_new();
	char text[LIST_MAX * ADDR_RANGE_TEXT_BYTES];

	list_format(addr_ranges_subtract(arena, list_of(arena, subtract_rows[_i].minuend),
					 list_of(arena, subtract_rows[_i].subtrahend)), text, sizeof(text));
	ck_assert_msg(strcmp(text, subtract_rows[_i].expected) == 0, "%s: %s", subtract_rows[_i].what, text);
	arena_free(arena);
}
END_TEST

START_TEST(union_of_nothing_is_empty)
{
	struct arena *arena = arena_new();
	struct addr_range anything = range_of("::/0");
	struct addr_ranges empty = addr_ranges_union(arena, NULL, 0);

	ck_assert_uint_eq(empty.count, 0);
	ck_assert(!addr_ranges_contain(empty, &anything.first));
	ck_assert(!addr_ranges_cover(empty, &anything));
	arena_free(arena);
}
END_TEST

/* The oracle: addresses PLAYGROUND + 0 .. 63 as bits. */
enum { ORACLE_BITS = 64, ORACLE_ROUNDS = 400 };

static struct netaddr playground_address(bool six, unsigned int offset)
{
	struct netaddr address = address_of(six ? "2001:db8::ffe0" : "10.0.0.224");
	unsigned int low = (six ? 0xffe0U : 0x00e0U) + offset;
	size_t end = netaddr_size(address.family);

	/* The bits lie around a carry, so that neighbours differ in more than the last byte. */
	address.bytes[end - 1] = (uint8_t)low;
	address.bytes[end - 2] = (uint8_t)(low >> 8);
	address.bytes[end - 3] = (uint8_t)(low >> 16);
	return address;
}

static struct addr_ranges list_random(struct arena *arena, bool six, unsigned int *seed, uint64_t *ret_bits)
{
	struct addr_ranges list = { .items = arena_array(arena, LIST_MAX, sizeof(*list.items)) };
	size_t count = (size_t)rand_r(seed) % LIST_MAX;

	*ret_bits = 0;
	for (; list.count < count; list.count++) {
		unsigned int first = (unsigned int)rand_r(seed) % ORACLE_BITS;
		unsigned int last = first + (unsigned int)rand_r(seed) % 12;

		last = last < ORACLE_BITS ? last : ORACLE_BITS - 1;
		list.items[list.count].first = playground_address(six, first);
		list.items[list.count].last = playground_address(six, last);
		for (unsigned int bit = first; bit <= last; bit++)
			*ret_bits |= UINT64_C(1) << bit;
	}
	return list;
}

static void expect_canonical(struct addr_ranges list, bool six, uint64_t bits, const char *what)
{
	size_t runs = 0;

	for (unsigned int bit = 0; bit < ORACLE_BITS; bit++) {
		struct netaddr address = playground_address(six, bit);
		struct addr_range single = { .first = address, .last = address };
		bool inside = bits >> bit & 1;

		ck_assert_msg(addr_ranges_contain(list, &address) == inside, "%s: bit %u", what, bit);
		ck_assert_msg(addr_ranges_cover(list, &single) == inside, "%s: cover bit %u", what, bit);
		runs += inside && (bit == 0 || !(bits >> (bit - 1) & 1));
	}
	ck_assert_msg(list.count == runs, "%s: %zu ranges for %zu runs", what, list.count, runs);
	for (size_t i = 1; i < list.count; i++)
		ck_assert_msg(netaddr_compare(&list.items[i - 1].last, &list.items[i].first) < 0, "%s: order", what);
}

START_TEST(lists_agree_with_a_bitmap)
{
	unsigned int seed = 20260401;

	for (int round = 0; round < ORACLE_ROUNDS; round++) {
		struct arena *arena = arena_new();
		bool six = round % 2;
		uint64_t a_bits, b_bits;
		struct addr_ranges a = list_random(arena, six, &seed, &a_bits);
		struct addr_ranges b = list_random(arena, six, &seed, &b_bits);

		expect_canonical(addr_ranges_union(arena, a.items, a.count), six, a_bits, "union");
		expect_canonical(addr_ranges_subtract(arena, a, b), six, a_bits & ~b_bits, "difference");
		arena_free(arena);
	}
}
END_TEST

START_TEST(cover_needs_one_range_without_gap)
{
	static const char *const texts[LIST_MAX] = { "10.0.0.0/24", "10.0.2.0/24", "2001:db8::/32" };
	struct arena *arena = arena_new();
	struct addr_ranges list = list_of(arena, texts);
	struct addr_range exact = range_of("10.0.2.0/24"), gap = range_of("10.0.0.0-10.0.2.255");
	struct addr_range beyond = range_of("10.0.2.0-10.0.3.0"), six = range_of("2001:db8:1::/48");

	list = addr_ranges_union(arena, list.items, list.count);
	ck_assert(addr_ranges_cover(list, &exact));
	ck_assert(addr_ranges_cover(list, &six));
	ck_assert(!addr_ranges_cover(list, &gap));
	ck_assert(!addr_ranges_cover(list, &beyond));
	arena_free(arena);
}
END_TEST

static Suite *netaddr_suite(void)
{
	Suite *suite = suite_create("base/netaddr");
	TCase *texts = tcase_create("texts"), *sets = tcase_create("sets");

	tcase_add_loop_test(texts, address_is_read_and_written, 0, COUNT(address_rows));
	tcase_add_loop_test(texts, prefix_is_read_and_written, 0, COUNT(prefix_rows));
	tcase_add_loop_test(texts, prefix_that_was_meant, 0, COUNT(guess_rows));
	tcase_add_loop_test(texts, range_is_read_and_written, 0, COUNT(range_rows));
	tcase_add_loop_test(texts, mac_is_read_and_written, 0, COUNT(mac_rows));
	suite_add_tcase(suite, texts);

	tcase_add_loop_test(sets, address_has_neighbours, 0, COUNT(neighbour_rows));
	tcase_add_test(sets, nothing_comes_before_the_first_address);
	tcase_add_loop_test(sets, ranges_are_compared, 0, COUNT(pair_rows));
	tcase_add_loop_test(sets, lists_are_subtracted, 0, COUNT(subtract_rows));
	tcase_add_test(sets, union_of_nothing_is_empty);
	tcase_add_test(sets, lists_agree_with_a_bitmap);
	tcase_add_test(sets, cover_needs_one_range_without_gap);
	suite_add_tcase(suite, sets);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(netaddr_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
