/* watch_device: whether a device is where it belongs. */
#include "wiring/look.h"

const struct layout_port *device_own_port(const struct look *look, const struct macaddr *mac)
{
	const struct layout *layout = look->watch->layout;
	const struct layout_port *own = NULL;

	for (size_t i = 0; i < layout->port_count; i++)
		if (layout->ports[i].has_mac && mac_is(&layout->ports[i].mac, mac) && (!own || own->zone == look->port->zone))
			own = &layout->ports[i];
	return own;
}

/* The declared homes of a MAC begin here; NULL: it is not declared. */
static const struct home *homes_of(const struct watch *watch, const struct macaddr *mac)
{
	size_t low = 0, high = watch->home_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&watch->homes[middle].mac, mac, sizeof(*mac)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < watch->home_count && mac_is(&watch->homes[low].mac, mac) ? &watch->homes[low] : NULL;
}

/* RFC 5798 7.3; Cisco's HSRP of both versions. */
static bool mac_is_virtual(const struct macaddr *mac)
{
	static const uint8_t vrrp[] = { 0x00, 0x00, 0x5e, 0x00 }, hsrp[] = { 0x00, 0x00, 0x0c, 0x07, 0xac }, hsrp2[] = { 0x00, 0x00, 0x0c, 0x9f };

	return memcmp(mac->bytes, vrrp, sizeof(vrrp)) == 0 || memcmp(mac->bytes, hsrp, sizeof(hsrp)) == 0 ||
	       memcmp(mac->bytes, hsrp2, sizeof(hsrp2)) == 0;
}

/* A device that is seen for the first time is at home where it is. */
static void device_learn(struct look *look)
{
	const struct layout *layout = look->watch->layout;
	bool forgot;
	struct device *device = device_add(&look->watch->tables, &look->sighting->mac, look->now_ms, WATCH_MEMORY_MS, &forgot);

	device->zone = (uint16_t)look->port->zone;
	device->port = (uint16_t)(look->port - layout->ports);
	if (forgot)
		look_say(look, look_fault(look, WIRING_MANY_DEVICES, look->port->zone));
}

/* Seen at home. */
static void device_note(struct look *look, struct device *device)
{
	device->trace.often = true;
	device->trace.seen_ms = look->now_ms;
	device->port = (uint16_t)(look->port - look->watch->layout->ports);
	device->away_ms = 0;
}

const char *device_interface(const struct layout *layout, const struct device *device)
{
	return device->port < layout->port_count && layout->ports[device->port].zone == device->zone ? layout->ports[device->port].name : "";
}

static bool device_has_settled(const struct look *look, const struct device *device)
{
	return look->now_ms - device->trace.seen_ms >= WATCH_MEMORY_MS ||
	       (device->away_ms != 0 && look->now_ms - device->away_ms >= WATCH_SETTLE_MS && look->now_ms - device->trace.seen_ms >= WATCH_SETTLE_MS);
}

/* The zone where the device is at home if that is another one; -1: it is where it should be, or that cannot be told. */
static int learnt_judge(struct look *look)
{
	struct device *device = device_find(&look->watch->tables, &look->sighting->mac);
	struct fault fault;

	if (mac_is_virtual(&look->sighting->mac))
		return -1;
	if (!device) {
		device_learn(look);
		return -1;
	}
	if (device->zone != look->port->zone && device_has_settled(look, device))
		device->zone = (uint16_t)look->port->zone;
	if (device->zone == look->port->zone) {
		device_note(look, device);
		return -1;
	}
	if (device->away_ms == 0)
		device->away_ms = look->now_ms;
	fault = look_fault(look, WIRING_MOVED, device->zone);
	fault.address = look->sighting->address;
	name_copy(fault.other_interface, device_interface(look->watch->layout, device));
	look_say(look, fault);
	return device->zone;
}

int device_judge(struct look *look)
{
	const struct watch *watch = look->watch;
	const struct home *homes = homes_of(watch, &look->sighting->mac), *end = watch->homes + watch->home_count;
	struct fault fault;

	if (!homes)
		return learnt_judge(look);
	for (const struct home *home = homes; home < end && mac_is(&home->mac, &homes->mac); home++)
		if (home->zone == look->port->zone)
			return -1;
	fault = look_fault(look, WIRING_DECLARED_ELSEWHERE, homes->zone);
	fault.address = look->sighting->address;
	look_say(look, fault);
	return (int)homes->zone;
}
