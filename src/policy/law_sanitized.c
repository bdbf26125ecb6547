/*
 * law_sanitized: lgwan <-> internet. Only sanitized communication (無害化通信) or a governed exception; mail
 * is for relays alone.
 */
#include "policy/law_lines.h"

enum {
	TCP = 6, UDP = 17,
	MAIL_RANGE_PORTS_MIN = 1024, /* so wide a range was not written for the mail in it: mail is cut out */
};

static const struct zone *flow_from(const struct law *law, const struct flow *flow)
{
	return &law->policy->zones[flow->from];
}

/*
 * Screen transfer (画面転送): pictures from one server. Under α the terminals are inside and look out; under
 * β also the other way.
 */
static void law_screen(const struct law *law, const struct flow *flow)
{
	enum model model = law->policy->model;

	if (flow_from(law, flow)->tier == TIER_INTERNET && (model == MODEL_ALPHA || model == MODEL_ALPHA_PRIME))
		finding_relate(policy_find(law->findings, LAW_SCREEN_DIRECTION, flow_part_at(flow, FLOW_PART_FROM), flow->name,
					   model_name(model)),
			       law->policy->model_at);
	if (!flow->destination_host)
		policy_find(law->findings, LAW_SCREEN_SERVER, flow_part_at(flow, FLOW_PART_DESTINATION), flow->name);
	if (flow->protocol != TCP && flow->protocol != UDP)
		policy_find(law->findings, LAW_SCREEN_PROTOCOL, flow_part_at(flow, FLOW_PART_PORTS), flow->name,
			    protocol_name(law->findings->arena, flow->protocol));
}

/* Sanitized files: one end is the sanitizer itself. */
static void law_sanitized_file(const struct law *law, const struct flow *flow)
{
	bool source = flow->source_host && flow->source_host->sanitizer;
	bool destination = flow->destination_host && flow->destination_host->sanitizer;
	struct finding *finding;

	if (source || destination)
		return;
	finding = policy_find(law->findings, LAW_SANITIZER_MISSING, flow->at, flow->name);
	if (flow->source_host)
		finding_relate(finding, flow->source_host->at);
	if (flow->destination_host)
		finding_relate(finding, flow->destination_host->at);
}

/* Local breakout (α'): from the LGWAN tier to cloud networks that have a name. */
static void law_breakout(const struct law *law, const struct flow *flow)
{
	if (law->policy->model != MODEL_ALPHA_PRIME)
		finding_relate(policy_find(law->findings, LAW_BREAKOUT_MODEL, flow_part_at(flow, FLOW_PART_METHOD), flow->name,
					   model_name(law->policy->model)), law->policy->model_at);
	if (flow_from(law, flow)->tier != TIER_LGWAN)
		finding_relate(policy_find(law->findings, LAW_BREAKOUT_DIRECTION, flow_part_at(flow, FLOW_PART_FROM), flow->name,
					   flow_from(law, flow)->name),
			       flow_from(law, flow)->at);
	if (!flow->destination_named)
		policy_find(law->findings, LAW_BREAKOUT_DESTINATION, flow_part_at(flow, FLOW_PART_DESTINATION), flow->name);
}

static bool range_holds_mail(const struct port_range *range)
{
	for (size_t i = 0; i < law_mail_port_count; i++)
		if (law_mail_ports[i] >= range->first && law_mail_ports[i] <= range->last)
			return true;
	return false;
}

/*
 * Mail ports. Who names them means mail and is refused; in a wide range they are cut out by the compiler, and
 * that is said. A flow whose narrow and wide ranges both hold some is refused for the narrow ones.
 */
static void law_mail(const struct law *law, const struct flow *flow)
{
	bool named = false, held = false;
	const char *ports;

	for (size_t i = 0; flow->protocol == TCP && i < flow->port_count; i++) {
		const struct port_range *range = &flow->ports[i];

		if (!range_holds_mail(range))
			continue;
		held = true;
		named |= range->last - range->first + 1 < MAIL_RANGE_PORTS_MIN;
	}
	if (!held)
		return;
	ports = law_matched_ports(law, flow, law_mail_ports, law_mail_port_count);
	policy_find(law->findings, named ? LAW_MAIL_PORTS : LAW_MAIL_PORTS_CUT, flow_part_at(flow, FLOW_PART_PORTS), flow->name,
		    ports);
}

/* The zone's ranges of this family all lie in the list, which has some of it. */
static bool family_is_whole(struct addr_ranges ranges, struct addr_ranges networks, uint8_t family)
{
	bool spoken_of = false;

	for (size_t i = 0; i < ranges.count; i++)
		spoken_of |= ranges.items[i].first.family == family;
	for (size_t i = 0; spoken_of && i < networks.count; i++)
		if (networks.items[i].first.family == family && !addr_ranges_cover(ranges, &networks.items[i]))
			return false;
	return spoken_of;
}

bool law_end_is_any(bool written, struct addr_ranges ranges, const struct zone *zone)
{
	if (written || (ranges.count == 1 && addr_range_is_single(&ranges.items[0])))
		return written;
	return family_is_whole(ranges, zone->networks, 4) || family_is_whole(ranges, zone->networks, 6);
}

void law_sanitized(const struct law *law, const struct flow *flow)
{
	switch (flow->method) {
	case METHOD_SCREEN:
		law_screen(law, flow);
		break;
	case METHOD_SANITIZED_FILE:
		law_sanitized_file(law, flow);
		break;
	case METHOD_BREAKOUT:
		law_breakout(law, flow);
		break;
	case METHOD_EXCEPTION:
		law_record(law, flow, false);
		break;
	case METHOD_INTERNAL:
	case METHOD_SPECIFIED:
		finding_relate(policy_find(law->findings, LAW_SANITIZED_METHOD, flow_part_at(flow, FLOW_PART_METHOD), flow->name,
					   method_name(flow->method), flow_from(law, flow)->name,
					   law->policy->zones[flow->to].name),
			       flow_from(law, flow)->at);
		break;
	}
	if (law_end_is_any(flow->source_any, flow->sources, flow_from(law, flow)) &&
	    law_end_is_any(flow->destination_any, flow->destinations, &law->policy->zones[flow->to]))
		finding_relate(policy_find(law->findings, LAW_ANY_TWICE, flow_part_at(flow, FLOW_PART_SOURCE), flow->name),
			       flow_part_at(flow, FLOW_PART_DESTINATION));
	law_mail(law, flow);
}
