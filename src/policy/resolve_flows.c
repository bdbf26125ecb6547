/*
 * resolve_flows: flows, services of the gateway, its ways out and hairpins; all of them become struct flow.
 */
#include "policy/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "policy/names.h"

/* A date of a record; INT32_MIN when nothing was written. False with a finding. */
static bool resolve_day(struct resolver *r, const struct text *text, int32_t *ret_day)
{
	int error;

	*ret_day = INT32_MIN;
	if (!text->value)
		return true;
	error = date_parse(text->value, ret_day);
	if (error < 0)
		policy_find(r->findings, error == -ERANGE ? POLICY_DATE_IMPOSSIBLE : POLICY_DATE_MALFORMED,
			    text->at, text->value);
	return error == 0;
}

/*
 * "nendo" is the end of the fiscal year of the approval. Without one it would be that of today, and the
 * record would renew itself every April: refused.
 */
static bool resolve_expiry(struct resolver *r, const struct record_settings *settings, struct record *record)
{
	if (!settings->expires.value || strcmp(settings->expires.value, "nendo") != 0)
		return resolve_day(r, &settings->expires, &record->expires);
	if (!settings->approved.value) {
		policy_find(r->findings, POLICY_NENDO_WITHOUT_APPROVED, settings->expires.at);
		return false;
	}
	record->expires = record->approved == INT32_MIN ? INT32_MIN : date_nendo_end(record->approved);
	return true;
}

bool resolve_record(struct resolver *r, const struct record_settings *settings, const struct record **ret_record)
{
	struct record *record;
	bool whole;

	*ret_record = NULL;
	if (!settings->at.source)
		return true;
	record = arena_alloc(r->arena, sizeof(*record));
	*record = (struct record){
		.number = resolve_copy(r, &settings->number),
		.reason = resolve_copy(r, &settings->reason),
		.approver = resolve_copy(r, &settings->approver),
		.at = settings->at,
	};
	whole = resolve_day(r, &settings->approved, &record->approved);
	whole &= resolve_expiry(r, settings, record);
	if (whole && record->expires != INT32_MIN && record->expires < record->approved) {
		finding_relate(policy_find(r->findings, POLICY_RECORD_BACKWARDS, settings->expires.at,
					   settings->expires.value, settings->approved.value),
			       settings->approved.at);
		whole = false;
	}
	*ret_record = record;
	return whole;
}

struct flow *resolve_new_flow(struct resolver *r, const char *name, struct origin at)
{
	struct flow *flow = &r->flows[r->policy->flow_count];

	if (r->policy->flow_count == POLICY_FLOWS_MAX) {
		if (!r->flows_overflow)
			policy_find(r->findings, POLICY_FLOWS_TOO_MANY, at, name,
				    arena_printf(r->arena, "%d", POLICY_FLOWS_MAX));
		r->flows_overflow = true;
		return NULL;
	}
	r->policy->flow_count++;
	*flow = (struct flow){
		.name = arena_strdup(r->arena, name),
		.method = METHOD_INTERNAL,
		.at = at,
	};
	return flow;
}

void resolve_flow_part(struct resolver *r, struct flow *flow, enum flow_part part, struct origin at)
{
	const struct source **sources;

	if (!at.source)
		return;
	flow->part_lines[part] = at.line;
	if (at.source == flow->at.source && !flow->part_sources)
		return;
	sources = arena_array(r->arena, FLOW_PART_COUNT, sizeof(*sources));
	for (size_t i = 0; i < FLOW_PART_COUNT; i++)
		sources[i] = flow->part_sources ? flow->part_sources[i] : flow->at.source;
	sources[part] = at.source;
	flow->part_sources = sources;
}

struct origin flow_part_at(const struct flow *flow, enum flow_part part)
{
	if (flow->part_lines[part] == 0)
		return flow->at;
	return (struct origin){ flow->part_sources ? flow->part_sources[part] : flow->at.source, flow->part_lines[part] };
}

void resolve_flow_source(struct resolver *r, struct flow *flow, const struct end *end)
{
	flow->sources = end->ranges;
	flow->source_any = end->any;
	flow->source_named = end->named;
	flow->source_host = end->host;
	resolve_flow_part(r, flow, FLOW_PART_SOURCE, end->at);
}

void resolve_flow_destination(struct resolver *r, struct flow *flow, const struct end *end)
{
	flow->destinations = end->ranges;
	flow->destination_any = end->any;
	flow->destination_named = end->named;
	flow->destination_host = end->host;
	resolve_flow_part(r, flow, FLOW_PART_DESTINATION, end->at);
}

void resolve_flow_traffic(struct resolver *r, struct flow *flow, const struct traffic *traffic)
{
	flow->protocol = traffic->protocol;
	flow->ports = traffic->ports;
	flow->port_count = traffic->port_count;
	resolve_flow_part(r, flow, FLOW_PART_PORTS, traffic->ports_at);
}

/* Which families occur: bit 0 IPv4, bit 1 IPv6. */
static unsigned int ranges_families(struct addr_ranges ranges)
{
	unsigned int families = 0;

	for (size_t i = 0; i < ranges.count; i++)
		families |= ranges.items[i].first.family == 4 ? 1 : 2;
	return families;
}

/*
 * Method and peer; false with a finding for a word that is none, and without one for a method that was not
 * written.
 */
static bool resolve_words(struct resolver *r, const struct flow_settings *settings, enum method *method,
			  enum peer *peer)
{
	bool whole = true;

	if (method_parse(settings->method.value, method) < 0) {
		if (settings->method.value)
			policy_find(r->findings, POLICY_METHOD_UNKNOWN, settings->method.at,
				    settings->method.value);
		whole = false;
	}
	*peer = PEER_NONE;
	if (settings->peer.value && peer_parse(settings->peer.value, peer) < 0) {
		policy_find(r->findings, POLICY_PEER_UNKNOWN, settings->peer.at, settings->peer.value);
		whole = false;
	}
	return whole;
}

/* Zones and addresses at both ends. */
static bool resolve_flow_ends(struct resolver *r, const struct flow_settings *settings, struct flow *flow)
{
	struct end source, destination;
	bool from = resolve_zone_name(r, &settings->from, &flow->from),
	     to = resolve_zone_name(r, &settings->to, &flow->to);
	bool whole = from && to;

	whole &= from && resolve_end(r, &settings->source, flow->from, &source);
	whole &= to && resolve_end(r, &settings->destination, flow->to, &destination);
	if (!whole)
		return false;
	resolve_flow_source(r, flow, &source);
	resolve_flow_destination(r, flow, &destination);
	resolve_flow_part(r, flow, FLOW_PART_FROM, settings->from.at);
	resolve_flow_part(r, flow, FLOW_PART_TO, settings->to.at);
	if (ranges_families(source.ranges) & ranges_families(destination.ranges))
		return true;
	finding_relate(policy_find(r->findings, POLICY_FAMILIES_DISJOINT, flow_part_at(flow, FLOW_PART_SOURCE), flow->name),
		       flow_part_at(flow, FLOW_PART_DESTINATION));
	return false;
}

/* From its record: when the flow closes, and whether it is closed already. */
static void set_expiry(struct resolver *r, struct flow *flow)
{
	char text[DATE_TEXT_BYTES];

	if (!flow->record || flow->record->expires == INT32_MIN)
		return;
	flow->closes_at = date_end_time(flow->record->expires);
	flow->expired = flow->closes_at <= r->world->now;
	if (flow->expired)
		finding_relate(policy_find(r->findings, POLICY_RECORD_EXPIRED, flow->at, flow->name,
					   date_format(flow->record->expires, text)), flow->record->at);
}

static void resolve_flow(struct resolver *r, const struct flow_settings *settings)
{
	struct name_entry *entry = resolve_new_name(r, &r->flow_names, &settings->name);
	struct flow *flow = entry ? resolve_new_flow(r, settings->name.value, settings->at) : NULL;
	struct traffic traffic;
	bool whole;

	if (!flow)
		return;
	flow->kind = FLOW_FORWARD;
	flow->critical = settings->critical.value;
	flow->life_safety = settings->life_safety.value;
	flow->peer_reason = resolve_copy(r, &settings->peer_reason);
	resolve_flow_part(r, flow, FLOW_PART_METHOD, settings->method.at);
	whole = resolve_words(r, settings, &flow->method, &flow->peer);
	whole &= resolve_flow_ends(r, settings, flow);
	whole &= resolve_traffic(r, &settings->service, &settings->protocol, &settings->ports, settings->at,
				 &traffic);
	whole &= resolve_record(r, &settings->record, &flow->record);
	if (!whole) {
		r->policy->flow_count--;
		return;
	}
	resolve_flow_traffic(r, flow, &traffic);
	set_expiry(r, flow);
}

/* A service of the gateway itself. */
static void resolve_local(struct resolver *r, const struct local_settings *settings)
{
	struct name_entry *entry = resolve_new_name(r, &r->flow_names, &settings->name);
	struct traffic traffic;
	struct flow *flow;
	struct end source;
	uint32_t zone;
	bool whole = resolve_zone_name(r, &settings->zone, &zone);

	whole = whole && resolve_end(r, &settings->source, zone, &source);
	whole &= resolve_traffic(r, &settings->service, &settings->protocol, &settings->ports, settings->at,
				 &traffic);
	flow = entry && whole ? resolve_new_flow(r, settings->name.value, settings->at) : NULL;
	if (!flow)
		return;
	flow->kind = FLOW_LOCAL;
	flow->from = zone;
	resolve_flow_part(r, flow, FLOW_PART_FROM, settings->zone.at);
	resolve_flow_source(r, flow, &source);
	resolve_flow_traffic(r, flow, &traffic);
}

bool resolve_user(struct resolver *r, const char *user, struct origin at, uint32_t *ret_uid)
{
	uint32_t made_up = 0x811c9dc5u;

	if (r->world->user_lookup) {
		if (r->world->user_lookup(r->world->user_context, user, ret_uid) == 0)
			return true;
		policy_find(r->findings, POLICY_USER_UNKNOWN, at, user);
		return false;
	}
	for (const char *c = user; *c; c++)
		made_up = (made_up ^ (unsigned char)*c) * 0x01000193u;
	*ret_uid = 0x40000000u | (made_up & 0x3fffffffu);
	return true;
}

/* A way out of the gateway itself. */
static void resolve_egress(struct resolver *r, const struct egress_settings *settings)
{
	struct name_entry *entry = resolve_new_name(r, &r->flow_names, &settings->name);
	struct traffic traffic;
	struct flow *flow;
	struct end destination;
	uint32_t zone, uid = 0;
	bool whole = resolve_zone_name(r, &settings->zone, &zone);

	whole = whole && resolve_end(r, &settings->destination, zone, &destination);
	whole &= settings->user.value && resolve_user(r, settings->user.value, settings->user.at, &uid);
	whole &= resolve_traffic(r, &settings->service, &settings->protocol, &settings->ports, settings->at,
				 &traffic);
	flow = entry && whole ? resolve_new_flow(r, settings->name.value, settings->at) : NULL;
	if (!flow)
		return;
	flow->kind = FLOW_EGRESS;
	flow->to = zone;
	resolve_flow_part(r, flow, FLOW_PART_TO, settings->zone.at);
	flow->user = resolve_copy(r, &settings->user);
	flow->uid = uid;
	resolve_flow_destination(r, flow, &destination);
	resolve_flow_traffic(r, flow, &traffic);
}

/* Forwarding inside a zone that asks for it: anything from anywhere in it to anywhere in it. */
static void add_hairpin(struct resolver *r, uint32_t index)
{
	const struct zone *zone = &r->zones[index];
	struct end all = { .any = true, .ranges = zone->networks, .at = zone->at };
	struct flow *flow = resolve_new_flow(r, arena_printf(r->arena, "%s/hairpin", zone->name), zone->at);

	if (!flow)
		return;
	flow->kind = FLOW_FORWARD;
	flow->from = flow->to = index;
	resolve_flow_source(r, flow, &all);
	resolve_flow_destination(r, flow, &all);
	flow->protocol = POLICY_ANY_PROTOCOL;
}

/* Which pairs answer, with the line for the law. A pair that is written twice is told with both lines. */
static void resolve_rejections(struct resolver *r)
{
	size_t zones = r->policy->zone_count;
	bool *rejects = arena_array(r->arena, zones * zones, sizeof(*rejects));
	struct origin *written = arena_array(r->scratch, zones * zones, sizeof(*written));
	struct rejection *rejections = arena_array(r->arena, r->settings->refusal_count, sizeof(*rejections));

	for (size_t i = 0; i < r->settings->refusal_count; i++) {
		const struct refusal_settings *settings = &r->settings->refusals[i];
		uint32_t from, to;
		bool from_known = resolve_zone_name(r, &settings->from, &from),
		     to_known = resolve_zone_name(r, &settings->to, &to);
		bool reject = settings->refuse.value && strcmp(settings->refuse.value, "reject") == 0;

		if (settings->refuse.value && !reject && strcmp(settings->refuse.value, "drop") != 0)
			policy_find(r->findings, POLICY_REFUSE_UNKNOWN, settings->refuse.at,
				    settings->refuse.value);
		if (!from_known || !to_known)
			continue;
		if (written[from * zones + to].source)
			finding_relate(policy_find(r->findings, POLICY_REFUSAL_TWICE, settings->at,
						   r->zones[from].name, r->zones[to].name),
				       written[from * zones + to]);
		written[from * zones + to] = settings->at;
		rejects[from * zones + to] = reject;
		if (reject)
			rejections[r->policy->rejection_count++] = (struct rejection){ from, to, settings->at };
	}
	r->policy->rejects = rejects;
	r->policy->rejections = rejections;
}

void resolve_flows(struct resolver *r)
{
	const struct settings *settings = r->settings;
	size_t names = settings->flow_count + settings->local_count + settings->egress_count;

	r->flow_names = name_table_new(r->scratch, names);
	r->flows = arena_array(r->arena, names + 2 * settings->relay_count + r->policy->zone_count + 1,
			       sizeof(*r->flows));
	r->policy->flows = r->flows;
	for (size_t i = 0; i < settings->flow_count; i++)
		resolve_flow(r, &settings->flows[i]);
	for (size_t i = 0; i < settings->local_count; i++)
		resolve_local(r, &settings->locals[i]);
	for (size_t i = 0; i < settings->egress_count; i++)
		resolve_egress(r, &settings->egresses[i]);
	resolve_relays(r);
	for (uint32_t i = 0; i < r->policy->zone_count; i++)
		if (r->zones[i].hairpin)
			add_hairpin(r, i);
	resolve_rejections(r);
}
