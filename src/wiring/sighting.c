/* sighting: what one frame says. Every reading of a byte goes through a span, so that none lies behind the end. */
#include "wiring/sighting.h"

#include <string.h>

enum {
	MAC_BYTES = 6, ETHERNET_BYTES = 14, TAG_BYTES = 4, VLAN_MASK = 0x0fff,
	TYPE_IP4 = 0x0800, TYPE_ARP = 0x0806, TYPE_VLAN = 0x8100, TYPE_IP6 = 0x86dd, TYPE_SERVICE_VLAN = 0x88a8,
	ARP_BYTES = 28,
	IP4_BYTES = 20, IP4_FRAGMENT_MASK = 0x1fff, IP6_BYTES = 40, IP6_OPTION_UNIT = 8,
	PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58,
	HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION_OPTIONS = 60,
	UDP_BYTES = 8, DHCP_SERVER_PORT = 67, DHCP6_SERVER_PORT = 547,
	DHCP_BYTES = 236, DHCP_REPLY = 2, DHCP_TYPE = 53, DHCP_SERVER = 54, DHCP_PAD = 0, DHCP_END = 255,
	DHCP_OFFER = 2, DHCP_ACK = 5, DHCP_NAK = 6,
	DHCP6_ADVERTISE = 2, DHCP6_REPLY = 7, DHCP6_RECONFIGURE = 10,
	ROUTER_ADVERTISEMENT = 134, NEIGHBOUR_SOLICITATION = 135, NEIGHBOUR_ADVERTISEMENT = 136,
	NEIGHBOUR_BYTES = 24, TARGET_AT = 8, ROUTER_BYTES = 16, HOPS = 255,
	OPTION_SOURCE_MAC = 1, OPTION_TARGET_MAC = 2,
};

static unsigned int byte_at(struct span bytes, size_t offset)
{
	return (unsigned char)bytes.data[offset];
}

static unsigned int word_at(struct span bytes, size_t offset)
{
	return byte_at(bytes, offset) << 8 | byte_at(bytes, offset + 1);
}

static struct netaddr address_at(struct span bytes, size_t offset, uint8_t family)
{
	struct netaddr address = { .family = family };

	memcpy(address.bytes, bytes.data + offset, netaddr_size(family));
	return address;
}

static bool address_is_zero(const struct netaddr *address)
{
	static const struct netaddr zero;

	return memcmp(address->bytes, zero.bytes, netaddr_size(address->family)) == 0;
}

/* A group and the address of nobody are no sender. */
static bool mac_take(struct span bytes, size_t offset, struct macaddr *ret_mac)
{
	static const struct macaddr zero;
	struct macaddr mac;

	memcpy(mac.bytes, bytes.data + offset, MAC_BYTES);
	if ((mac.bytes[0] & 1) || memcmp(&mac, &zero, sizeof(zero)) == 0)
		return false;
	*ret_mac = mac;
	return true;
}

/* ---- ARP */

static void arp_read(struct span packet, struct sighting *sighting)
{
	struct netaddr address;

	if (packet.length < ARP_BYTES || word_at(packet, 0) != 1 || word_at(packet, 2) != TYPE_IP4 || word_at(packet, 4) != 0x0604)
		return;
	address = address_at(packet, 14, 4);
	if (address_is_zero(&address) || !mac_take(packet, 8, &sighting->owner))
		return;
	sighting->kind = SIGHTING_CLAIM;
	sighting->address = address;
}

/* ---- ICMPv6 */

/* The link-layer address that an option of this type gives; the sender's where there is none. */
static void option_take(struct span options, unsigned int type, struct macaddr *owner)
{
	while (options.length >= IP6_OPTION_UNIT) {
		size_t bytes = byte_at(options, 1) * (size_t)IP6_OPTION_UNIT;
		struct macaddr mac;

		if (bytes == 0 || bytes > options.length)
			return;
		if (byte_at(options, 0) == type && mac_take(options, 2, &mac)) {
			*owner = mac;
			return;
		}
		options = span_part(options, bytes, options.length);
	}
}

/* A solicitation from :: asks for its target; any other claims its source; an advertisement claims its target. */
static void neighbour_read(struct span message, const struct netaddr *source, struct sighting *sighting)
{
	bool solicits = byte_at(message, 0) == NEIGHBOUR_SOLICITATION;
	struct netaddr target;

	if (message.length < NEIGHBOUR_BYTES)
		return;
	target = address_at(message, TARGET_AT, 6);
	sighting->kind = solicits && address_is_zero(source) ? SIGHTING_TENTATIVE : SIGHTING_CLAIM;
	sighting->address = sighting->kind == SIGHTING_CLAIM && solicits ? *source : target;
	option_take(span_part(message, NEIGHBOUR_BYTES, message.length), solicits ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC, &sighting->owner);
}

static void icmp6_read(struct span message, unsigned int hops, const struct netaddr *source, struct sighting *sighting)
{
	unsigned int type = message.length > 0 ? byte_at(message, 0) : 0;

	if (hops != HOPS)
		return;
	if (type == NEIGHBOUR_SOLICITATION || type == NEIGHBOUR_ADVERTISEMENT) {
		neighbour_read(message, source, sighting);
	} else if (type == ROUTER_ADVERTISEMENT && message.length >= ROUTER_BYTES) {
		sighting->kind = SIGHTING_ROUTER;
		sighting->address = *source;
	}
}

/* ---- DHCP */

/* The type and the server of a reply. Options beyond the end of the frame are not there. */
static unsigned int dhcp_options_read(struct span options, struct netaddr *server)
{
	unsigned int type = 0;

	while (options.length > 0 && byte_at(options, 0) != DHCP_END) {
		size_t bytes = 1;

		if (byte_at(options, 0) != DHCP_PAD) {
			if (options.length < 2 || options.length - 2 < byte_at(options, 1))
				break;
			bytes = 2 + byte_at(options, 1);
			if (byte_at(options, 0) == DHCP_TYPE && bytes == 3)
				type = byte_at(options, 2);
			if (byte_at(options, 0) == DHCP_SERVER && bytes == 6)
				*server = address_at(options, 2, 4);
		}
		options = span_part(options, bytes, options.length);
	}
	return type;
}

static void dhcp_read(struct span message, const struct netaddr *source, struct sighting *sighting)
{
	static const char cookie[] = { 0x63, (char)0x82, 0x53, 0x63 };
	struct netaddr server = { .family = 0 };
	unsigned int type;

	if (message.length < DHCP_BYTES + sizeof(cookie) || byte_at(message, 0) != DHCP_REPLY ||
	    memcmp(message.data + DHCP_BYTES, cookie, sizeof(cookie)) != 0)
		return;
	type = dhcp_options_read(span_part(message, DHCP_BYTES + sizeof(cookie), message.length), &server);
	if (type != DHCP_OFFER && type != DHCP_ACK && type != DHCP_NAK)
		return;
	sighting->kind = SIGHTING_DHCP;
	sighting->address = *source;
	sighting->server = server;
}

static void dhcp6_read(struct span message, const struct netaddr *source, struct sighting *sighting)
{
	unsigned int type = message.length >= 4 ? byte_at(message, 0) : 0;

	if (type != DHCP6_ADVERTISE && type != DHCP6_REPLY && type != DHCP6_RECONFIGURE)
		return;
	sighting->kind = SIGHTING_DHCP;
	sighting->address = *source;
}

static void udp_read(struct span datagram, const struct netaddr *source, struct sighting *sighting)
{
	struct span message;

	if (datagram.length < UDP_BYTES)
		return;
	message = span_part(datagram, UDP_BYTES, datagram.length);
	if (source->family == 4 && word_at(datagram, 0) == DHCP_SERVER_PORT)
		dhcp_read(message, source, sighting);
	if (source->family == 6 && word_at(datagram, 0) == DHCP6_SERVER_PORT)
		dhcp6_read(message, source, sighting);
}

/* ---- IP */

static void ip4_read(struct span packet, struct sighting *sighting)
{
	struct netaddr source;
	size_t header;

	if (packet.length < IP4_BYTES)
		return;
	header = (byte_at(packet, 0) & 15) * (size_t)4;
	if (byte_at(packet, 0) >> 4 != 4 || header < IP4_BYTES || header > packet.length || byte_at(packet, 9) != PROTOCOL_UDP ||
	    (word_at(packet, 6) & IP4_FRAGMENT_MASK))
		return;
	source = address_at(packet, 12, 4);
	udp_read(span_part(packet, header, packet.length), &source, sighting);
}

static bool is_extension(unsigned int header)
{
	return header == HOP_BY_HOP || header == ROUTING || header == FRAGMENT || header == DESTINATION_OPTIONS;
}

/* Goes past one extension header. False: there is no whole one, or what follows is a later part of a packet. */
static bool extension_pass(struct span *rest, unsigned int *header)
{
	size_t bytes = IP6_OPTION_UNIT;

	if (rest->length < IP6_OPTION_UNIT || (*header == FRAGMENT && word_at(*rest, 2) >> 3 != 0))
		return false;
	if (*header != FRAGMENT)
		bytes += byte_at(*rest, 1) * (size_t)IP6_OPTION_UNIT;
	if (bytes > rest->length)
		return false;
	*header = byte_at(*rest, 0);
	*rest = span_part(*rest, bytes, rest->length);
	return true;
}

static void ip6_read(struct span packet, struct sighting *sighting)
{
	struct netaddr source;
	unsigned int header;
	struct span rest;

	if (packet.length < IP6_BYTES || byte_at(packet, 0) >> 4 != 6)
		return;
	header = byte_at(packet, 6);
	source = address_at(packet, 8, 6);
	rest = span_part(packet, IP6_BYTES, packet.length);
	for (int i = 0; is_extension(header); i++)
		if (i == SIGHTING_EXTENSIONS_MAX || !extension_pass(&rest, &header))
			return;
	if (header == PROTOCOL_ICMP6)
		icmp6_read(rest, byte_at(packet, 7), &source, sighting);
	if (header == PROTOCOL_UDP)
		udp_read(rest, &source, sighting);
}

/* ---- Ethernet */

/* Takes a tag that stands in the frame. False: there is none. */
static bool tag_take(struct span *rest, unsigned int *type, int *tag)
{
	if ((*type != TYPE_VLAN && *type != TYPE_SERVICE_VLAN) || rest->length < TAG_BYTES)
		return false;
	*tag = (int)word_at(*rest, 0);
	*type = word_at(*rest, 2);
	*rest = span_part(*rest, TAG_BYTES, rest->length);
	return true;
}

bool sighting_read(struct span frame, int tag, struct sighting *ret_sighting)
{
	struct sighting sighting = { .kind = SIGHTING_DEVICE };
	unsigned int type;
	struct span rest;

	if (frame.length < ETHERNET_BYTES || !mac_take(frame, MAC_BYTES, &sighting.mac))
		return false;
	type = word_at(frame, 2 * MAC_BYTES);
	rest = span_part(frame, ETHERNET_BYTES, frame.length);
	sighting.owner = sighting.mac;
	/* One of priority may stand before one of a VLAN. */
	while ((tag < 0 || !(tag & VLAN_MASK)) && tag_take(&rest, &type, &tag))
		;
	if (tag >= 0 && (tag & VLAN_MASK)) {
		sighting.kind = SIGHTING_TAGGED;
		sighting.vlan = (uint16_t)(tag & VLAN_MASK);
	} else if (type == TYPE_ARP) {
		arp_read(rest, &sighting);
	} else if (type == TYPE_IP4) {
		ip4_read(rest, &sighting);
	} else if (type == TYPE_IP6) {
		ip6_read(rest, &sighting);
	}
	*ret_sighting = sighting;
	return true;
}
