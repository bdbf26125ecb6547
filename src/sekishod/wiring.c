/* wiring: sockets of frames for the sentry, and who belongs where. */
#include "sekishod/wiring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/links.h"
#include "kernel/packet_socket.h"
#include "wire/fields.h"

enum { ARPHRD_ETHERNET = 1 };

/* What is asked of the kernel and of the pins for one renewal. */
struct renewal {
	struct arena *arena;
	const struct pins *pins;
	struct interfaces interfaces;
	struct interface_addresses addresses;
	uint32_t barred[LAYOUT_PORTS_MAX];
	size_t barred_count;
};

struct wiring wiring_none(void)
{
	return (struct wiring){ .layout = -1 };
}

static bool barred_take(struct renewal *renewal, struct span barred)
{
	uint32_t index;

	while (renewal->barred_count < LAYOUT_PORTS_MAX && span_take_u32(&barred, &index))
		renewal->barred[renewal->barred_count++] = index;
	return barred.length == 0;
}

static bool is_barred(const struct renewal *renewal, uint32_t index)
{
	for (size_t i = 0; i < renewal->barred_count; i++)
		if (renewal->barred[i] == index)
			return true;
	return false;
}

/* The zone whose interface has this name; false: none. */
static bool zone_of_interface(const struct pins *pins, const char *name, uint32_t *ret_zone)
{
	for (size_t z = 0; z < pins->program.zone_count; z++)
		for (size_t i = 0; i < pins->program.zones[z].interface_count; i++)
			if (strcmp(pins->program.zones[z].interfaces[i], name) == 0) {
				*ret_zone = (uint32_t)z;
				return true;
			}
	return false;
}

/* ---- the layout */

static const struct layout_zone *zones_of(const struct renewal *renewal)
{
	const struct pins *pins = renewal->pins;
	struct layout_zone *zones = arena_array(renewal->arena, pins->program.zone_count, sizeof(*zones));

	for (size_t z = 0; z < pins->program.zone_count; z++)
		zones[z] = (struct layout_zone){ .name = pins->program.zones[z].name, .networks = pins->zones[z].networks,
						 .dhcp_servers = pins->zones[z].dhcp_servers, .ipv6_routers = pins->zones[z].ipv6_routers };
	return zones;
}

static const struct layout_binding *bindings_of(const struct renewal *renewal)
{
	const struct pins *pins = renewal->pins;
	struct layout_binding *bindings = arena_array(renewal->arena, pins->binding_count, sizeof(*bindings));

	for (size_t i = 0; i < pins->binding_count; i++)
		bindings[i] = (struct layout_binding){ pins->bindings[i].zone, pins->bindings[i].address, pins->bindings[i].mac };
	return bindings;
}

static void addresses_fill(const struct renewal *renewal, struct layout_port *port)
{
	struct netaddr *addresses = arena_array(renewal->arena, LAYOUT_PORT_ADDRESSES_MAX, sizeof(*addresses));

	for (size_t i = 0; i < renewal->addresses.count && port->address_count < LAYOUT_PORT_ADDRESSES_MAX; i++)
		if (renewal->addresses.items[i].index == port->index)
			addresses[port->address_count++] = renewal->addresses.items[i].address;
	port->addresses = addresses;
}

static int compare_vlans(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void vlans_fill(const struct renewal *renewal, struct layout_port *port)
{
	uint16_t *vlans = arena_array(renewal->arena, renewal->interfaces.count, sizeof(*vlans));
	size_t count = 0;

	for (size_t i = 0; i < renewal->interfaces.count; i++)
		if (renewal->interfaces.items[i].lower == port->index)
			vlans[count++] = renewal->interfaces.items[i].vlan;
	qsort(vlans, count, sizeof(*vlans), compare_vlans);
	for (size_t i = 0; i < count && port->vlan_count < LAYOUT_VLANS_MAX; i++)
		if (port->vlan_count == 0 || vlans[port->vlan_count - 1] != vlans[i])
			vlans[port->vlan_count++] = vlans[i];
	port->vlans = vlans;
}

static int compare_ports(const void *a, const void *b)
{
	const struct layout_port *left = a, *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

/* Frames are Ethernet's; an interface of another kind has no devices that could be in the wrong place. */
static struct layout layout_make(const struct renewal *renewal)
{
	struct layout_port *ports = arena_array(renewal->arena, LAYOUT_PORTS_MAX, sizeof(*ports));
	struct layout layout = { .zones = zones_of(renewal), .zone_count = renewal->pins->program.zone_count, .ports = ports,
				 .bindings = bindings_of(renewal), .binding_count = renewal->pins->binding_count };
	uint32_t zone;

	for (size_t i = 0; i < renewal->interfaces.count && layout.port_count < LAYOUT_PORTS_MAX; i++) {
		const struct interface *interface = &renewal->interfaces.items[i];

		if (interface->type != ARPHRD_ETHERNET || is_barred(renewal, interface->index) ||
		    !zone_of_interface(renewal->pins, interface->name, &zone))
			continue;
		ports[layout.port_count] = (struct layout_port){ .index = interface->index, .zone = zone, .name = interface->name,
								 .has_mac = interface->has_mac, .mac = interface->mac };
		addresses_fill(renewal, &ports[layout.port_count]);
		vlans_fill(renewal, &ports[layout.port_count++]);
	}
	qsort(ports, layout.port_count, sizeof(*ports), compare_ports);
	return layout;
}

/* ---- the sockets */

static void ports_sift(struct wiring *wiring, const struct layout *layout)
{
	size_t kept = 0;

	for (size_t i = 0; i < wiring->port_count; i++) {
		if (layout_port(layout, wiring->ports[i].index))
			wiring->ports[kept++] = wiring->ports[i];
		else
			close(wiring->ports[i].socket);
	}
	wiring->port_count = kept;
}

static bool is_open(const struct wiring *wiring, uint32_t index)
{
	for (size_t i = 0; i < wiring->port_count; i++)
		if (wiring->ports[i].index == index)
			return true;
	return false;
}

/* One that vanished a moment ago is left out; the planner is about to say so. */
static void ports_open(struct wiring *wiring, const struct layout *layout)
{
	for (size_t i = 0; i < layout->port_count; i++) {
		const struct layout_port *port = &layout->ports[i];
		int descriptor, error = is_open(wiring, port->index) ? -EEXIST : packet_socket_open(port->index, &descriptor);

		if (!error)
			wiring->ports[wiring->port_count++] = (struct wiring_port){ .index = port->index, .socket = descriptor };
		else if (error != -EEXIST)
			log_event(LOG_LEVEL_WARNING, "SKS-SENTRY", "who is connected at an interface cannot be watched interface=%s reason=\"%s\"", port->name,
				  strerror(-error));
	}
}

static void tell(struct wiring *wiring, struct crew *crew, int sentry)
{
	crew_send_now(crew, sentry, VERB_WIRING, (struct span){ .length = 0 }, wiring->layout);
	for (size_t i = 0; i < wiring->port_count; i++) {
		__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);

		if (wiring->ports[i].told)
			continue;
		buf_put_u32(&payload, wiring->ports[i].index);
		crew_send_now(crew, sentry, VERB_PORT, buf_span(&payload), wiring->ports[i].socket);
		wiring->ports[i].told = true;
	}
}

static int layout_seal(const struct layout *layout, int *ret_descriptor)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(LAYOUT_BYTES_MAX);

	layout_pack(&bytes, layout);
	return bytes.overflow ? -EFBIG : sealed_make("sekisho-layout", buf_span(&bytes), ret_descriptor);
}

int wiring_renew(struct wiring *wiring, const struct pins *pins, struct span barred, struct crew *crew, int sentry)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct renewal renewal = { .arena = arena, .pins = pins };
	struct layout layout;
	int error = barred_take(&renewal, barred) ? 0 : -EBADMSG, descriptor;

	if (!error)
		error = interfaces_read(arena, &renewal.interfaces);
	if (!error)
		error = addresses_read(arena, &renewal.addresses);
	if (error)
		return error;
	layout = layout_make(&renewal);
	error = layout_seal(&layout, &descriptor);
	if (error)
		return error;
	if (wiring->layout >= 0)
		close(wiring->layout);
	wiring->layout = descriptor;
	ports_sift(wiring, &layout);
	ports_open(wiring, &layout);
	tell(wiring, crew, sentry);
	return 0;
}

void wiring_inodes(const struct wiring *wiring, struct buf *out)
{
	struct stat status;

	for (size_t i = 0; i < wiring->port_count; i++)
		if (fstat(wiring->ports[i].socket, &status) == 0)
			buf_put_u32(out, (uint32_t)status.st_ino);
}

void wiring_tell_all(struct wiring *wiring, struct crew *crew, int sentry)
{
	for (size_t i = 0; i < wiring->port_count; i++)
		wiring->ports[i].told = false;
	if (wiring->layout >= 0)
		tell(wiring, crew, sentry);
}

void wiring_close(struct wiring *wiring)
{
	for (size_t i = 0; i < wiring->port_count; i++)
		close(wiring->ports[i].socket);
	if (wiring->layout >= 0)
		close(wiring->layout);
	*wiring = wiring_none();
}
