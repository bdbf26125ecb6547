/*
 * planner_wiring: the interfaces of the zones themselves. Which of them are no members, for the sentry (sekishod/wiring.h); and what is wrong with one: it
 * is not there, or has an address that is not of its zone. Who is connected behind them is the sentry's work.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/log.h"
#include "sekishod/catalogue.h"
#include "sekishod/planner.h"
#include "wire/fields.h"
#include "wiring/layout.h"

void wiring_tell(struct planner *planner)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);

	for (size_t i = 0; i < planner->known_count; i++)
		if (planner->known[i].barred && payload.length < LAYOUT_PORTS_MAX * sizeof(planner->known[i].index))
			buf_put_u32(&payload, planner->known[i].index);
	if (planner_send_parent(VERB_WIRING, buf_span(&payload)) != 0)
		planner_give_up(planner, "the parent cannot be reached");
	else
		planner->wirings_asked++;
}

int wiring_told(struct planner *planner, struct span payload)
{
	if (planner->wirings_asked == 0 || payload.length > sizeof(planner->own_frames))
		return -EBADMSG;
	planner->wirings_asked--;
	planner->own_frame_count = 0;
	while (span_take_u32(&payload, &planner->own_frames[planner->own_frame_count]))
		planner->own_frame_count++;
	survey_call(planner);
	return payload.length == 0 ? 0 : -EBADMSG;
}

/* ---- what is wrong with them */

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const struct interface *interface_named(const struct interfaces *interfaces, const char *name)
{
	for (size_t i = 0; i < interfaces->count; i++)
		if (strcmp(interfaces->items[i].name, name) == 0)
			return &interfaces->items[i];
	return NULL;
}

static void find(struct findings *findings, enum daemon_finding kind, const char *interface, const struct zone *zone, const char *address,
		 const struct zone *other)
{
	finding_add(findings, &daemon_catalogue[kind], (struct origin){ .source = NULL }, interface, zone->name, address, other ? other->name : NULL, NULL);
}

static bool address_is_of_link(const struct netaddr *address)
{
	if (address->family == 4)
		return address->bytes[0] == 169 && address->bytes[1] == 254;
	return address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

static void address_judge(const struct planner *planner, const struct zone *zone, const char *interface, const struct netaddr *address,
			  struct findings *findings)
{
	const struct zone *other = policy_zone_of_address(planner->in_force->policy, address);
	char text[NETADDR_TEXT_BYTES];

	if (address_is_of_link(address) || other == zone)
		return;
	find(findings, other ? DAEMON_ADDRESS_OF_ZONE : DAEMON_ADDRESS_OUTSIDE, interface, zone, netaddr_format(address, text), other);
}

static void interface_judge(const struct planner *planner, const struct zone *zone, const struct interface *interface,
			    const struct interface_addresses *addresses, struct findings *findings)
{
	for (size_t i = 0; i < addresses->count; i++)
		if (addresses->items[i].index == interface->index)
			address_judge(planner, zone, interface->name, &addresses->items[i].address, findings);
}

static enum carrier_state state_of(const struct interface *interface)
{
	return !interface->up ? CARRIER_OFF : interface->running ? CARRIER_THERE : CARRIER_NONE;
}

/* A look at all of them. */
struct wiring_look {
	struct planner *planner;
	struct findings *findings;
	struct interfaces interfaces;
	struct interface_addresses addresses;
	struct carriers carriers;
	int64_t now_ms;
};

static void carrier_judge(struct wiring_look *look, const struct zone *zone, const struct interface *interface)
{
	struct carrier carrier;
	char since[DATE_TIME_TEXT_BYTES];

	if (!carriers_note(&look->carriers, &look->planner->carriers, interface->index, state_of(interface), planner_now(look->planner), look->now_ms, &carrier))
		return;
	find(look->findings, carrier.state == CARRIER_OFF ? DAEMON_INTERFACE_OFF : DAEMON_INTERFACE_SILENT, interface->name, zone,
	     date_format_time(carrier.since, since), NULL);
}

static void zone_judge(struct wiring_look *look, const struct zone *zone)
{
	for (size_t i = 0; i < zone->interface_count; i++) {
		const char *name = zone->interfaces[i].value;
		const struct interface *interface = interface_named(&look->interfaces, name);

		if (!interface) {
			find(look->findings, DAEMON_INTERFACE_MISSING, name, zone, NULL, NULL);
			continue;
		}
		carrier_judge(look, zone, interface);
		interface_judge(look->planner, zone, interface, &look->addresses, look->findings);
	}
}

int wiring_find(struct planner *planner, struct findings *findings)
{
	const struct policy *policy = planner->in_force ? planner->in_force->policy : NULL;
	struct wiring_look look = { .planner = planner, .findings = findings, .carriers = carriers_none(), .now_ms = monotonic_ms() };
	int error = interfaces_read(findings->arena, &look.interfaces);

	if (!error)
		error = addresses_read(findings->arena, &look.addresses);
	if (error)
		return error;
	for (size_t z = 0; policy && z < policy->zone_count; z++)
		zone_judge(&look, &policy->zones[z]);
	planner->carriers = look.carriers;
	survey_call_in(planner, carriers_wait_ms(&planner->carriers, look.now_ms));
	return 0;
}
