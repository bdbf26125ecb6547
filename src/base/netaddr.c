/* netaddr: IPv4 and IPv6 addresses, prefixes, inclusive ranges, and Ethernet addresses as values. */
#include "base/netaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t netaddr_bits(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

size_t netaddr_size(uint8_t family)
{
	return family == 4 ? 4 : 16;
}

int netaddr_parse(const char *text, struct netaddr *ret_address)
{
	struct netaddr address = { .family = strchr(text, ':') ? 6 : 4 };

	if (inet_pton(address.family == 4 ? AF_INET : AF_INET6, text, address.bytes) != 1)
		return -EINVAL;
	*ret_address = address;
	return 0;
}

int netaddr_compare(const struct netaddr *a, const struct netaddr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, netaddr_size(a->family));
}

bool netaddr_next(struct netaddr *address)
{
	struct netaddr next = *address;

	for (size_t i = netaddr_size(address->family); i-- > 0;) {
		if (++next.bytes[i] != 0) {
			*address = next;
			return true;
		}
	}
	return false;
}

bool netaddr_previous(struct netaddr *address)
{
	struct netaddr previous = *address;

	for (size_t i = netaddr_size(address->family); i-- > 0;) {
		if (previous.bytes[i]-- != 0) {
			*address = previous;
			return true;
		}
	}
	return false;
}

/* inet_ntop() is the form that nft prints as well, so listings of both can be compared as text. */
char *netaddr_format(const struct netaddr *address, char text[static NETADDR_TEXT_BYTES])
{
	if (!inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes, text, NETADDR_TEXT_BYTES))
		text[0] = '\0';
	return text;
}

/* True when all bits from bit `from` on are 0 (fill 0x00) or 1 (fill 0xff). */
static bool netaddr_ends_with(const struct netaddr *address, uint8_t from, uint8_t fill)
{
	for (size_t i = from / 8; i < netaddr_size(address->family); i++) {
		unsigned int mask = i == from / 8 ? 0xffU >> (from % 8) : 0xffU;

		if ((address->bytes[i] & mask) != (fill & mask))
			return false;
	}
	return true;
}

/* Sets all bits from bit `from` on to 1. */
static void netaddr_fill(struct netaddr *address, uint8_t from)
{
	for (size_t i = from / 8; i < netaddr_size(address->family); i++)
		address->bytes[i] |= (uint8_t)(i == from / 8 ? 0xffU >> (from % 8) : 0xffU);
}

/* Plain decimal without sign or leading zero: "/010" would be octal to one reader and decimal to the next. */
static int prefix_length_parse(const char *text, uint8_t bits, uint8_t *ret_length)
{
	unsigned int length = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		length = length * 10 + (unsigned int)(*text - '0');
		if (length > bits)
			return -EINVAL;
	}
	*ret_length = (uint8_t)length;
	return 0;
}

/* Parses the first length bytes of text as an address. */
static int netaddr_parse_part(const char *text, size_t length, struct netaddr *ret_address)
{
	char part[NETADDR_TEXT_BYTES];

	if (length >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, length);
	part[length] = '\0';
	return netaddr_parse(part, ret_address);
}

int prefix_parse(const char *text, struct prefix *ret_prefix)
{
	size_t address_length = strcspn(text, "/");
	struct prefix prefix = { .length = 0 };

	if (netaddr_parse_part(text, address_length, &prefix.address) < 0)
		return -EINVAL;
	prefix.length = netaddr_bits(prefix.address.family);
	if (text[address_length] == '/' &&
	    prefix_length_parse(text + address_length + 1, prefix.length, &prefix.length) < 0)
		return -EINVAL;
	if (!netaddr_ends_with(&prefix.address, prefix.length, 0x00))
		return -ERANGE;
	*ret_prefix = prefix;
	return 0;
}

/* The length of a mask of IPv4 in dots, which has ones and then zeros. */
static int mask_parse(const char *text, uint8_t *ret_length)
{
	struct netaddr mask;
	uint8_t length = 0;

	if (netaddr_parse(text, &mask) < 0 || mask.family != 4)
		return -EINVAL;
	while (length < 32 && mask.bytes[length / 8] & (0x80U >> (length % 8)))
		length++;
	if (!netaddr_ends_with(&mask, length, 0x00))
		return -EINVAL;
	*ret_length = length;
	return 0;
}

/* Sets all bits from bit `from` on to 0. */
static void netaddr_clear(struct netaddr *address, uint8_t from)
{
	for (size_t i = from / 8; i < netaddr_size(address->family); i++)
		address->bytes[i] &= (uint8_t)~(i == from / 8 ? 0xffU >> (from % 8) : 0xffU);
}

int prefix_guess(const char *text, struct prefix *ret_prefix)
{
	size_t address_length = strcspn(text, "/");
	const char *length_text = text + address_length + 1;
	struct prefix prefix = { .length = 0 };

	if (text[address_length] == '\0' || netaddr_parse_part(text, address_length, &prefix.address) < 0)
		return -EINVAL;
	if (prefix_length_parse(length_text, netaddr_bits(prefix.address.family), &prefix.length) < 0 &&
	    (prefix.address.family != 4 || mask_parse(length_text, &prefix.length) < 0))
		return -EINVAL;
	netaddr_clear(&prefix.address, prefix.length);
	*ret_prefix = prefix;
	return 0;
}

struct addr_range prefix_range(const struct prefix *prefix)
{
	struct addr_range range = { .first = prefix->address, .last = prefix->address };

	netaddr_fill(&range.last, prefix->length);
	return range;
}

int addr_range_parse(const char *text, struct addr_range *ret_range)
{
	const char *dash = strchr(text, '-');
	struct addr_range range;
	struct prefix prefix;
	int r;

	if (!dash) {
		r = prefix_parse(text, &prefix);
		if (r == 0)
			*ret_range = prefix_range(&prefix);
		return r;
	}
	if (netaddr_parse_part(text, (size_t)(dash - text), &range.first) < 0 ||
	    netaddr_parse(dash + 1, &range.last) < 0 || range.first.family != range.last.family)
		return -EINVAL;
	if (netaddr_compare(&range.first, &range.last) > 0)
		return -ERANGE;
	*ret_range = range;
	return 0;
}

/* True when the range is exactly one prefix; its length is then *ret_length. */
static bool addr_range_is_prefix(const struct addr_range *range, uint8_t *ret_length)
{
	uint8_t bits = netaddr_bits(range->first.family), common = 0;

	while (common < bits) {
		uint8_t differing = range->first.bytes[common / 8] ^ range->last.bytes[common / 8];

		if (differing & (0x80U >> (common % 8)))
			break;
		common++;
	}
	*ret_length = common;
	return netaddr_ends_with(&range->first, common, 0x00) && netaddr_ends_with(&range->last, common, 0xff);
}

char *addr_range_format(const struct addr_range *range, char text[static ADDR_RANGE_TEXT_BYTES])
{
	char first[NETADDR_TEXT_BYTES], last[NETADDR_TEXT_BYTES];
	uint8_t length;

	netaddr_format(&range->first, first);
	netaddr_format(&range->last, last);
	if (addr_range_is_single(range))
		snprintf(text, ADDR_RANGE_TEXT_BYTES, "%.45s", first);
	else if (addr_range_is_prefix(range, &length))
		snprintf(text, ADDR_RANGE_TEXT_BYTES, "%.45s/%u", first, (unsigned int)length);
	else
		snprintf(text, ADDR_RANGE_TEXT_BYTES, "%.45s-%.45s", first, last);
	return text;
}

bool addr_range_is_single(const struct addr_range *range)
{
	return netaddr_compare(&range->first, &range->last) == 0;
}

/* An address of the other family sorts before or after the whole range, so comparing is enough. */
bool addr_range_contains(const struct addr_range *range, const struct netaddr *address)
{
	return netaddr_compare(&range->first, address) <= 0 && netaddr_compare(address, &range->last) <= 0;
}

bool addr_range_covers(const struct addr_range *outer, const struct addr_range *inner)
{
	return addr_range_contains(outer, &inner->first) && addr_range_contains(outer, &inner->last);
}

bool addr_range_intersect(const struct addr_range *a, const struct addr_range *b, struct addr_range *ret_common)
{
	const struct netaddr *first = netaddr_compare(&a->first, &b->first) > 0 ? &a->first : &b->first;
	const struct netaddr *last = netaddr_compare(&a->last, &b->last) < 0 ? &a->last : &b->last;

	if (netaddr_compare(first, last) > 0)
		return false;
	if (ret_common)
		*ret_common = (struct addr_range){ .first = *first, .last = *last };
	return true;
}

static int addr_range_order(const void *left, const void *right)
{
	const struct addr_range *a = left, *b = right;

	return netaddr_compare(&a->first, &b->first);
}

/* True when b, which begins no earlier than a, overlaps a or begins right behind it. */
static bool addr_range_touches(const struct addr_range *a, const struct addr_range *b)
{
	struct netaddr behind = a->last;

	if (netaddr_compare(&b->first, &a->last) <= 0)
		return true;
	return netaddr_next(&behind) && netaddr_compare(&b->first, &behind) == 0;
}

struct addr_ranges addr_ranges_union(struct arena *arena, const struct addr_range *items, size_t count)
{
	struct addr_ranges joined = { .items = arena_array(arena, count, sizeof(*items)) };

	if (count == 0)
		return joined;
	memcpy(joined.items, items, count * sizeof(*items));
	qsort(joined.items, count, sizeof(*items), addr_range_order);
	joined.count = 1;
	for (size_t i = 1; i < count; i++) {
		struct addr_range *newest = &joined.items[joined.count - 1];
		struct addr_range *next = &joined.items[i];

		if (!addr_range_touches(newest, next))
			joined.items[joined.count++] = *next;
		else if (netaddr_compare(&next->last, &newest->last) > 0)
			newest->last = next->last;
	}
	return joined;
}

/* Appends what the holes leave of one range. They are canonical, and none of them ends before the range begins. */
static void addr_range_punch(struct addr_ranges *rest, struct addr_range range, const struct addr_range *holes,
			     size_t count)
{
	for (size_t i = 0; i < count && netaddr_compare(&holes[i].first, &range.last) <= 0; i++) {
		if (netaddr_compare(&range.first, &holes[i].first) < 0) {
			struct addr_range before = { .first = range.first, .last = holes[i].first };

			netaddr_previous(&before.last);
			rest->items[rest->count++] = before;
		}
		if (netaddr_compare(&holes[i].last, &range.last) >= 0)
			return;
		range.first = holes[i].last;
		netaddr_next(&range.first);
	}
	rest->items[rest->count++] = range;
}

struct addr_ranges addr_ranges_subtract(struct arena *arena, struct addr_ranges minuend, struct addr_ranges subtrahend)
{
	struct addr_ranges whole = addr_ranges_union(arena, minuend.items, minuend.count);
	struct addr_ranges holes = addr_ranges_union(arena, subtrahend.items, subtrahend.count);
	struct addr_ranges rest = { .items = arena_array(arena, whole.count + holes.count, sizeof(*rest.items)) };
	size_t hole = 0;

	/* Both lists are walked once: a hole that ends before this range ends before all later ones. */
	for (size_t i = 0; i < whole.count; i++) {
		while (hole < holes.count && netaddr_compare(&holes.items[hole].last, &whole.items[i].first) < 0)
			hole++;
		addr_range_punch(&rest, whole.items[i], holes.items + hole, holes.count - hole);
	}
	return rest;
}

bool addr_ranges_contain(struct addr_ranges ranges, const struct netaddr *address)
{
	for (size_t i = 0; i < ranges.count; i++)
		if (addr_range_contains(&ranges.items[i], address))
			return true;
	return false;
}

/* Neighbours are joined in a canonical list, so inner can only lie in the last range that begins no later than it. */
bool addr_ranges_cover(struct addr_ranges outer, const struct addr_range *inner)
{
	size_t low = 0, high = outer.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (netaddr_compare(&outer.items[middle].first, &inner->first) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && addr_range_covers(&outer.items[low - 1], inner);
}

static int hex_digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

int macaddr_parse(const char *text, struct macaddr *ret_mac)
{
	static const struct macaddr zero;
	struct macaddr mac;

	if (strlen(text) != MACADDR_TEXT_BYTES - 1 || (text[2] != ':' && text[2] != '-'))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(mac.bytes); i++) {
		int high = hex_digit_value(text[3 * i]), low = hex_digit_value(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != text[2]))
			return -EINVAL;
		mac.bytes[i] = (uint8_t)(high << 4 | low);
	}
	if ((mac.bytes[0] & 1) || memcmp(&mac, &zero, sizeof(mac)) == 0)
		return -ERANGE;
	*ret_mac = mac;
	return 0;
}

char *macaddr_format(const struct macaddr *mac, char text[static MACADDR_TEXT_BYTES])
{
	snprintf(text, MACADDR_TEXT_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x", mac->bytes[0], mac->bytes[1],
		 mac->bytes[2], mac->bytes[3], mac->bytes[4], mac->bytes[5]);
	return text;
}
