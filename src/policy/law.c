/*
 * law: one function per line of the law. The two crossings between tiers have files of their own
 * (law_specified.c, law_sanitized.c).
 */
#include "policy/law_lines.h"

#include <string.h>

#include "base/date.h"
#include "policy/lint.h"

const uint16_t law_mail_ports[] = { 25, 110, 143, 465, 587, 993, 995 };
const size_t law_mail_port_count = sizeof(law_mail_ports) / sizeof(law_mail_ports[0]);

static const uint16_t dns_ports[] = { 53, 853 };	/* also over TLS, DTLS and QUIC */
static const uint16_t smtp_ports[] = { 25, 465, 587 };

enum { ICMP = 1, TCP = 6, UDP = 17 };

bool law_tiers_may_meet(enum tier from, enum tier to)
{
	return !(from == TIER_MYNUMBER && to == TIER_INTERNET) &&
	       !(from == TIER_INTERNET && to == TIER_MYNUMBER);
}

bool law_bars_mail(enum tier from, enum tier to)
{
	return from != to && (from == TIER_INTERNET || to == TIER_INTERNET);
}

static const struct zone *flow_from(const struct law *law, const struct flow *flow)
{
	return &law->policy->zones[flow->from];
}

static const struct zone *flow_to(const struct law *law, const struct flow *flow)
{
	return &law->policy->zones[flow->to];
}

/* mynumber <-> internet: never. There is no flag. */
static void law_never(const struct law *law, const struct flow *flow)
{
	const struct zone *from = flow_from(law, flow), *to = flow_to(law, flow);
	struct finding *finding =
		policy_find(law->findings, LAW_NEVER, flow_part_at(flow, FLOW_PART_FROM), flow->name, from->name, to->name);

	finding_relate(finding, flow_part_at(flow, FLOW_PART_TO));
	finding_relate(finding, from->at);
	finding_relate(finding, to->at);
}

/* Zones of one tier: only a declared internal flow; inside one zone nothing but hairpin. */
static void law_same_tier(const struct law *law, const struct flow *flow)
{
	const struct zone *from = flow_from(law, flow), *to = flow_to(law, flow);

	if (from == to) {
		finding_relate(policy_find(law->findings, LAW_SAME_ZONE, flow_part_at(flow, FLOW_PART_TO), flow->name, from->name),
			       from->at);
		return;
	}
	if (flow->method != METHOD_INTERNAL)
		finding_relate(policy_find(law->findings, LAW_SAME_TIER_METHOD, flow_part_at(flow, FLOW_PART_METHOD), flow->name,
					   method_name(flow->method), from->name, to->name),
			       to->at);
}

const char *law_matched_ports(const struct law *law, const struct flow *flow, const uint16_t *ports,
			      size_t count)
{
	const char *list = NULL;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < flow->port_count; k++) {
			if (ports[i] < flow->ports[k].first || ports[i] > flow->ports[k].last)
				continue;
			list = list ? arena_printf(law->findings->arena, "%s, %u", list, ports[i]) :
				      arena_printf(law->findings->arena, "%u", ports[i]);
		}
	return list;
}

/* True when every destination of the flow is one of the declared servers. */
static bool destinations_are(const struct flow *flow, struct addr_ranges servers)
{
	for (size_t i = 0; i < flow->destinations.count; i++)
		if (!addr_ranges_cover(servers, &flow->destinations.items[i]))
			return false;
	return true;
}

void law_uplink(const struct law *law, const struct flow *flow)
{
	const struct zone *uplink = flow_to(law, flow);
	const char *ports;

	if ((flow->protocol == TCP || flow->protocol == UDP) && !destinations_are(flow, uplink->dns)) {
		ports = law_matched_ports(law, flow, dns_ports, sizeof(dns_ports) / sizeof(dns_ports[0]));
		if (ports)
			finding_relate(policy_find(law->findings, LAW_UPLINK_DNS, flow_part_at(flow, FLOW_PART_PORTS), flow->name,
						   ports, uplink->name),
				       uplink->at);
	}
	if (flow->protocol == TCP && !destinations_are(flow, uplink->smtp)) {
		ports = law_matched_ports(law, flow, smtp_ports, sizeof(smtp_ports) / sizeof(smtp_ports[0]));
		if (ports)
			finding_relate(policy_find(law->findings, LAW_UPLINK_SMTP, flow_part_at(flow, FLOW_PART_PORTS), flow->name,
						   ports, uplink->name),
				       uplink->at);
	}
}

/* One flow from zone to zone, by the tiers of its ends. */
static void law_forward(const struct law *law, const struct flow *flow)
{
	enum tier from = flow_from(law, flow)->tier, to = flow_to(law, flow)->tier;

	if (!law_tiers_may_meet(from, to)) {
		law_never(law, flow);
		return;
	}
	if (from == to)
		law_same_tier(law, flow);
	else if (from == TIER_MYNUMBER || to == TIER_MYNUMBER)
		law_specified(law, flow);
	else
		law_sanitized(law, flow);
	if (flow_to(law, flow)->uplink && flow->from != flow->to)
		law_uplink(law, flow);
}

/* What the resolver makes of a relay; names that were written hold no slash. */
static bool flow_is_of_relay(const struct flow *flow)
{
	return strchr(flow->name, '/') != NULL;
}

/*
 * The gateway answers declared hosts only; everybody may at most ask whether it is there. Mail it takes by its relays alone: with another
 * mail server on it, each half of a way for mail would be lawful and nothing would wash what passes.
 */
static void law_local(const struct law *law, const struct flow *flow)
{
	const char *mail = flow->protocol == TCP && !flow_is_of_relay(flow) ?
				   law_matched_ports(law, flow, law_mail_ports, law_mail_port_count) : NULL;

	if (mail)
		policy_find(law->findings, LAW_MAIL_PORTS, flow_part_at(flow, FLOW_PART_PORTS), flow->name, mail);
	if (flow->source_any && flow->protocol != ICMP)
		policy_find(law->findings, LAW_LOCAL_ANY, flow_part_at(flow, FLOW_PART_SOURCE), flow->name);
}

/* The processes of the relays reach the next hops and nothing else, whatever name their user goes by. */
static void law_relay_users(const struct law *law, const struct flow *flow)
{
	for (enum relay_user user = RELAY_USER_KEEPER; user < RELAY_USER_COUNT; user++)
		if (strcmp(flow->user, relay_user_name(user)) == 0 ||
		    (law->policy->relay_count > 0 && flow->uid == law->policy->relay_uids[user])) {
			policy_find(law->findings, LAW_RELAY_USER, flow->at, flow->name, flow->user);
			return;
		}
}

/* The gateway reaches declared hosts only. */
static void law_egress(const struct law *law, const struct flow *flow)
{
	if (!flow_is_of_relay(flow))
		law_relay_users(law, flow);
	if (flow->destination_any && flow->protocol != ICMP)
		policy_find(law->findings, LAW_EGRESS_ANY, flow_part_at(flow, FLOW_PART_DESTINATION), flow->name);
	if (flow_to(law, flow)->uplink)
		law_uplink(law, flow);
}

/* Hairpins come from the zone, not from a flow somebody wrote: the lines about zones judge them. */
static bool flow_is_hairpin(const struct flow *flow)
{
	return flow->protocol == POLICY_ANY_PROTOCOL;
}

static void law_flows(const struct law *law)
{
	for (size_t i = 0; i < law->policy->flow_count; i++) {
		const struct flow *flow = &law->policy->flows[i];

		if (flow_is_hairpin(flow))
			continue;
		if (flow->kind == FLOW_FORWARD)
			law_forward(law, flow);
		else if (flow->kind == FLOW_LOCAL)
			law_local(law, flow);
		else
			law_egress(law, flow);
	}
}

/* Mail goes from the Internet tier to the LGWAN tier and no other way. */
static void law_relay_pairs(const struct law *law)
{
	for (size_t i = 0; i < law->policy->relay_count; i++) {
		const struct relay *relay = &law->policy->relays[i];
		const struct zone *from = &law->policy->zones[relay->from],
				  *to = &law->policy->zones[relay->to];
		enum policy_kind kind = LAW_RELAY_PAIR;
		struct finding *finding;

		if (from->tier == TIER_INTERNET && to->tier == TIER_LGWAN)
			continue;
		if (!law_tiers_may_meet(from->tier, to->tier))
			kind = LAW_RELAY_NEVER;
		else if (from->tier == TIER_LGWAN && to->tier == TIER_INTERNET)
			kind = LAW_RELAY_OUTWARD;
		finding = finding_add(law->findings, &policy_catalogue[kind], relay->at, relay->name,
				      from->name, to->name, NULL);
		finding_relate(finding, from->at);
		finding_relate(finding, to->at);
	}
}

/* The word "any" was told by the resolver; here it is all of the zone by its prefixes. */
static void law_relay_senders(const struct law *law)
{
	for (size_t i = 0; i < law->policy->relay_count; i++) {
		const struct relay *relay = &law->policy->relays[i];

		if (law_end_is_any(false, relay->accept_from, &law->policy->zones[relay->from]))
			policy_find(law->findings, POLICY_RELAY_ACCEPTS_ANY, relay->at, relay->name);
	}
}

/* The first relay from a zone of one tier to a zone of the other, or NULL. */
static const struct relay *relay_between(const struct policy *policy, enum tier from, enum tier to)
{
	for (size_t i = 0; i < policy->relay_count; i++)
		if (policy->zones[policy->relays[i].from].tier == from &&
		    policy->zones[policy->relays[i].to].tier == to)
			return &policy->relays[i];
	return NULL;
}

/*
 * No chain of relays joins My Number and Internet. Inside a tier mail is assumed to find its way from any
 * server to any other, so the tiers are the nodes of the graph; with three tiers a chain without a direct
 * link has exactly the LGWAN tier in its middle.
 */
static void law_relay_chain(const struct law *law, enum tier first, enum tier last)
{
	const struct relay *entry = relay_between(law->policy, first, TIER_LGWAN);
	const struct relay *onward = relay_between(law->policy, TIER_LGWAN, last);

	if (entry && onward)
		finding_relate(policy_find(law->findings, LAW_RELAY_CHAIN, onward->at, entry->name,
					   onward->name, tier_name(first), tier_name(last)),
			       entry->at);
}

/*
 * The first service or way out of the gateway with ports at a zone of the tier, or NULL. Echo carries nothing for a process to pass on; where a
 * relay delivers is judged by the law of relays.
 */
static const struct flow *gateway_flow(const struct policy *policy, enum flow_kind kind, enum tier tier)
{
	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];
		uint32_t zone = kind == FLOW_LOCAL ? flow->from : flow->to;

		if (kind == FLOW_EGRESS && strncmp(flow->name, "relay/", strlen("relay/")) == 0)
			continue;
		if (flow->kind == kind && policy->zones[zone].tier == tier && protocol_has_ports(flow->protocol))
			return flow;
	}
	return NULL;
}

/* Nor does a process on the gateway join My Number and Internet: whoever is spoken to by one of them does not speak to the other. */
static void law_gateway_chain(const struct law *law, enum tier first, enum tier last)
{
	const struct flow *in = gateway_flow(law->policy, FLOW_LOCAL, first);
	const struct flow *out = gateway_flow(law->policy, FLOW_EGRESS, last);

	if (in && out)
		finding_relate(policy_find(law->findings, LAW_GATEWAY_CHAIN, out->at, in->name, out->name,
					   tier_name(first), tier_name(last)),
			       in->at);
}

/* A refusal is only answered inside a tier; between tiers silence tells a prober nothing. */
static void law_rejections(const struct law *law)
{
	for (size_t i = 0; i < law->policy->rejection_count; i++) {
		const struct rejection *rejection = &law->policy->rejections[i];
		const struct zone *from = &law->policy->zones[rejection->from],
				  *to = &law->policy->zones[rejection->to];
		struct finding *finding;

		if (from->tier == to->tier)
			continue;
		finding = policy_find(law->findings, LAW_REJECT_BETWEEN_TIERS, rejection->at, from->name,
				      to->name);
		finding_relate(finding, from->at);
		finding_relate(finding, to->at);
	}
}

/* What a single zone may be. */
static void law_zones(const struct law *law)
{
	for (size_t i = 0; i < law->policy->zone_count; i++) {
		const struct zone *zone = &law->policy->zones[i];

		if (zone->tier == TIER_MYNUMBER && zone->wireless)
			policy_find(law->findings, LAW_WIRELESS_MYNUMBER, zone->at, zone->name);
		if (zone->tier == TIER_MYNUMBER && zone->hairpin)
			policy_find(law->findings, LAW_HAIRPIN_MYNUMBER, zone->at, zone->name);
		if (zone->uplink && zone->tier != TIER_INTERNET)
			policy_find(law->findings, LAW_UPLINK_TIER, zone->at, zone->name,
				    tier_name(zone->tier));
		if (zone->uplink && zone->hairpin)
			policy_find(law->findings, LAW_UPLINK_HAIRPIN, zone->at, zone->name);
	}
}

/* Three tiers, and a way out of the third that is declared. */
static void law_tiers(const struct law *law)
{
	const struct origin file = { .source = law->policy->model_at.source };
	const struct zone *first[TIER_COUNT] = { NULL };
	bool uplink = false;

	for (size_t i = 0; i < law->policy->zone_count; i++) {
		const struct zone *zone = &law->policy->zones[i];

		uplink |= zone->uplink;
		if (!first[zone->tier])
			first[zone->tier] = zone;
	}
	for (enum tier tier = TIER_MYNUMBER; tier < TIER_COUNT; tier++)
		/* The zone may be what another finding is about. */
		if (!first[tier] && law->findings->errors == 0)
			policy_find(law->findings, LAW_TIER_MISSING, file, tier_name(tier));
	if (first[TIER_INTERNET] && !uplink)
		policy_find(law->findings, LAW_UPLINK_MISSING, first[TIER_INTERNET]->at,
			    first[TIER_INTERNET]->name);
}

/* The record of a flow that has an end. */
static void law_notice_record(const struct law *law, const struct flow *flow, const struct record *record)
{
	const int64_t days_left = (int64_t)record->expires - law->today;
	const enum policy_kind kind = flow->critical ? LAW_CRITICAL_EXPIRES : LAW_RECORD_EXPIRES;
	char date[DATE_TEXT_BYTES];

	if (record->approved > law->today)
		finding_relate(policy_find(law->findings, LAW_RECORD_EARLY, flow->at, flow->name, date_format(record->approved, date)), record->at);
	if (days_left > LAW_NOTICE_DAYS)
		return;
	if (flow->closes_at > law->now)
		finding_relate(finding_add(law->findings, &policy_catalogue[kind], flow->at, flow->name, date_format(record->expires, date),
					   arena_printf(law->findings->arena, "%lld", (long long)days_left), NULL),
			       record->at);
	else if (flow->critical)
		finding_relate(policy_find(law->findings, LAW_CRITICAL_EXPIRED, flow->at, flow->name, date_format(record->expires, date)), record->at);
}

/* Records that are over or nearly so, and what must not stop. */
static void law_notice(const struct law *law)
{
	for (size_t i = 0; i < law->policy->flow_count; i++) {
		const struct flow *flow = &law->policy->flows[i];

		if (flow->closes_at != 0)
			law_notice_record(law, flow, flow->record);
	}
}

void law_check(const struct policy *policy, int64_t now, struct findings *findings)
{
	const struct law law = {
		.policy = policy, .now = now, .today = date_of_time(now), .findings = findings
	};

	law_tiers(&law);
	law_zones(&law);
	law_flows(&law);
	law_relay_pairs(&law);
	law_relay_senders(&law);
	law_relay_chain(&law, TIER_MYNUMBER, TIER_INTERNET);
	law_relay_chain(&law, TIER_INTERNET, TIER_MYNUMBER);
	law_gateway_chain(&law, TIER_MYNUMBER, TIER_INTERNET);
	law_gateway_chain(&law, TIER_INTERNET, TIER_MYNUMBER);
	law_rejections(&law);
	law_notice(&law);
	lint_check(policy, findings);
}
