/* fault: a wrong wiring as a value, as bytes and as words. */
#include "wiring/fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/fields.h"

/* ---- as bytes */

static void address_put(struct buf *out, const struct netaddr *address)
{
	buf_put_u8(out, address->family);
	buf_put(out, address->bytes, sizeof(address->bytes));
}

void fault_pack(struct buf *out, const struct fault *fault)
{
	buf_put_u8(out, (uint8_t)fault->kind);
	buf_put(out, fault->mac.bytes, sizeof(fault->mac.bytes));
	address_put(out, &fault->address);
	buf_put_u16(out, fault->vlan);
	buf_put_text(out, span_of(fault->zone));
	buf_put_text(out, span_of(fault->interface));
	buf_put_text(out, span_of(fault->other_zone));
	buf_put_text(out, span_of(fault->other_interface));
	buf_put_u8(out, fault->has_other_mac);
	buf_put(out, fault->other_mac.bytes, sizeof(fault->other_mac.bytes));
	buf_put_u32(out, fault->count);
}

static bool mac_take(struct span *bytes, struct macaddr *ret_mac)
{
	struct span value;

	if (!span_take_bytes(bytes, sizeof(ret_mac->bytes), &value))
		return false;
	memcpy(ret_mac->bytes, value.data, sizeof(ret_mac->bytes));
	return true;
}

static bool address_take(struct span *bytes, struct netaddr *ret_address)
{
	struct span nothing;

	if (bytes->length > 0 && bytes->data[0] == 0) {
		*ret_address = (struct netaddr){ .family = 0 };
		return span_take_bytes(bytes, 1 + sizeof(ret_address->bytes), &nothing);
	}
	return span_take_netaddr(bytes, ret_address);
}

static bool name_take(struct span *bytes, size_t length_min, char ret_name[static FAULT_NAME_BYTES])
{
	struct span text;

	if (!span_take_text(bytes, &text) || text.length < length_min || text.length >= FAULT_NAME_BYTES)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == '"')
			return false;
	memset(ret_name, 0, FAULT_NAME_BYTES);
	if (text.length > 0)
		memcpy(ret_name, text.data, text.length);
	return true;
}

int fault_unpack(struct span payload, struct fault *ret_fault)
{
	struct fault fault;
	uint8_t kind, has_other_mac;

	if (!span_take_u8(&payload, &kind) || kind >= WIRING_FINDING_COUNT || !mac_take(&payload, &fault.mac) ||
	    !address_take(&payload, &fault.address) || !span_take_u16(&payload, &fault.vlan) || fault.vlan > 4095)
		return -EBADMSG;
	if (!name_take(&payload, 1, fault.zone) || !name_take(&payload, 1, fault.interface) || !name_take(&payload, 0, fault.other_zone) ||
	    !name_take(&payload, 0, fault.other_interface))
		return -EBADMSG;
	if (!span_take_u8(&payload, &has_other_mac) || has_other_mac > 1 || !mac_take(&payload, &fault.other_mac) ||
	    !span_take_u32(&payload, &fault.count) || fault.count == 0 || payload.length != 0)
		return -EBADMSG;
	fault.kind = (enum wiring_finding)kind;
	fault.has_other_mac = has_other_mac;
	*ret_fault = fault;
	return 0;
}

/* ---- as words */

static void place_words(char *text, size_t bytes, const char *zone, const char *interface)
{
	snprintf(text, bytes, interface[0] ? "%s (%s)" : "%s", zone[0] ? zone : "-", interface);
}

/* The sentences of the others speak of the address themselves. */
static bool device_has_address(const struct fault *fault)
{
	return fault->address.family != 0 && (fault->kind == WIRING_DECLARED_ELSEWHERE || fault->kind == WIRING_MOVED);
}

void fault_words(const struct fault *fault, struct fault_words *ret_words)
{
	char mac[MACADDR_TEXT_BYTES], address[NETADDR_TEXT_BYTES] = "-", place[sizeof(ret_words->place)];

	if (fault->address.family != 0)
		netaddr_format(&fault->address, address);
	macaddr_format(&fault->mac, mac);
	snprintf(ret_words->device, sizeof(ret_words->device), device_has_address(fault) ? "%s (%s)" : "%s", mac, address);
	place_words(ret_words->place, sizeof(ret_words->place), fault->zone, fault->interface);
	place_words(place, sizeof(place), fault->other_zone, fault->other_interface);
	macaddr_format(&fault->other_mac, mac);
	snprintf(ret_words->other, sizeof(ret_words->other), "%s%s%s", fault->has_other_mac ? mac : "", fault->has_other_mac ? " " : "", place);
	if (fault->vlan)
		snprintf(ret_words->detail, sizeof(ret_words->detail), "%u", fault->vlan);
	else
		memcpy(ret_words->detail, address, sizeof(address));
}

struct finding *fault_find(struct findings *findings, const struct fault *fault)
{
	struct fault_words words;

	fault_words(fault, &words);
	return finding_add(findings, &wiring_catalogue[fault->kind], (struct origin){ .source = NULL }, words.device, words.place, words.other,
			   words.detail, NULL);
}
