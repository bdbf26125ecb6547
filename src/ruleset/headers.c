/* headers: who speaks to whom in a packet (RFC 791, RFC 8200). */
#include "ruleset/headers.h"

#include <string.h>

enum {
	IP4_HEADER_BYTES_MIN = 20, IP6_HEADER_BYTES = 40, EXTENSION_UNIT_BYTES = 8, AUTHENTICATION_UNIT_BYTES = 4,
	PROTOCOL_HOP_BY_HOP = 0, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_DCCP = 33, PROTOCOL_ROUTING = 43, PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AUTHENTICATION = 51, PROTOCOL_DESTINATION_OPTIONS = 60, PROTOCOL_SCTP = 132, PROTOCOL_UDP_LITE = 136,
	IP4_OFFSET_MASK = 0x1fff, IP6_OFFSET_MASK = 0xfff8,
};

static uint16_t number_at(struct span packet, size_t offset)
{
	const uint8_t *bytes = (const uint8_t *)packet.data + offset;

	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static struct netaddr address_at(struct span packet, size_t offset, uint8_t family)
{
	struct netaddr address = { .family = family };

	memcpy(address.bytes, packet.data + offset, netaddr_size(family));
	return address;
}

static bool protocol_has_ports(uint8_t protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_DCCP || protocol == PROTOCOL_SCTP ||
	       protocol == PROTOCOL_UDP_LITE;
}

/* The ports at the beginning of the transport header. */
static void ports_read(struct span packet, size_t offset, struct headers *headers)
{
	if (!protocol_has_ports(headers->protocol) || offset + 4 > packet.length)
		return;
	headers->has_ports = true;
	headers->source_port = number_at(packet, offset);
	headers->destination_port = number_at(packet, offset + 2);
}

static bool ip4_read(struct span packet, struct headers *headers)
{
	const uint8_t *bytes = (const uint8_t *)packet.data;
	size_t header_bytes = (size_t)(packet.length ? bytes[0] & 0xf : 0) * 4;

	if (packet.length < IP4_HEADER_BYTES_MIN || header_bytes < IP4_HEADER_BYTES_MIN)
		return false;
	headers->protocol = bytes[9];
	headers->source = address_at(packet, 12, 4);
	headers->destination = address_at(packet, 16, 4);
	if ((number_at(packet, 6) & IP4_OFFSET_MASK) == 0)
		ports_read(packet, header_bytes, headers);
	return true;
}

/* The length of an extension header whose first two bytes are there; 0: it is none that can be passed over. */
static size_t extension_bytes(uint8_t protocol, uint8_t length)
{
	switch (protocol) {
	case PROTOCOL_HOP_BY_HOP: case PROTOCOL_ROUTING: case PROTOCOL_DESTINATION_OPTIONS:
		return ((size_t)length + 1) * EXTENSION_UNIT_BYTES;
	case PROTOCOL_FRAGMENT:
		return EXTENSION_UNIT_BYTES;
	case PROTOCOL_AUTHENTICATION:
		return ((size_t)length + 2) * AUTHENTICATION_UNIT_BYTES;
	default:
		return 0;
	}
}

static bool ip6_read(struct span packet, struct headers *headers)
{
	const uint8_t *bytes = (const uint8_t *)packet.data;
	size_t offset = IP6_HEADER_BYTES;

	if (packet.length < IP6_HEADER_BYTES)
		return false;
	headers->protocol = bytes[6];
	headers->source = address_at(packet, 8, 6);
	headers->destination = address_at(packet, 24, 6);
	for (int i = 0; i < HEADERS_EXTENSIONS_MAX && offset + EXTENSION_UNIT_BYTES <= packet.length; i++) {
		size_t length = extension_bytes(headers->protocol, bytes[offset + 1]);

		if (length == 0)
			break;
		/* Behind a fragment header that is not the first one's, nothing is what it looks like. */
		if (headers->protocol == PROTOCOL_FRAGMENT && (number_at(packet, offset + 2) & IP6_OFFSET_MASK) != 0) {
			headers->protocol = bytes[offset];
			return true;
		}
		headers->protocol = bytes[offset];
		offset += length;
	}
	ports_read(packet, offset, headers);
	return true;
}

bool headers_read(struct span packet, struct headers *ret_headers)
{
	struct headers headers = { .has_ports = false };
	int version = packet.length ? (uint8_t)packet.data[0] >> 4 : 0;

	if (version == 4 ? !ip4_read(packet, &headers) : version == 6 ? !ip6_read(packet, &headers) : true)
		return false;
	*ret_headers = headers;
	return true;
}
