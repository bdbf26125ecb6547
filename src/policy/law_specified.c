/*
 * law_specified: mynumber <-> lgwan. A specified flow (特定通信) names everything: hosts, addresses, MACs,
 * protocol, ports, peer, record.
 */
#include "policy/law_lines.h"

#include "policy/names.h"

/* What is missing of one named host, by the end it stands at. */
struct end_kinds {
	enum policy_kind not_one_host, addresses, mac;
};

static const struct end_kinds source_kinds = { LAW_SPECIFIED_SOURCE, LAW_SPECIFIED_SOURCE_ADDRESSES,
					       LAW_SPECIFIED_SOURCE_MAC };
static const struct end_kinds destination_kinds = { LAW_SPECIFIED_DESTINATION,
						    LAW_SPECIFIED_DESTINATION_ADDRESSES,
						    LAW_SPECIFIED_DESTINATION_MAC };

static bool has_two_of_a_family(const struct host *host)
{
	for (size_t i = 0; i < host->address_count; i++)
		for (size_t k = i + 1; k < host->address_count; k++)
			if (host->addresses[i].family == host->addresses[k].family)
				return true;
	return false;
}

/* The first interface of the zone that carries no Ethernet address, or NULL. */
static const struct text *interface_without_mac(const struct zone *zone)
{
	for (size_t i = 0; i < zone->interface_count; i++)
		if (interface_lacks_mac(zone->interfaces[i].value))
			return &zone->interfaces[i];
	return NULL;
}

/* One named host with one address per family and a MAC that can be seen at the zone's interfaces. */
static void law_specified_end(const struct law *law, const struct flow *flow, const struct host *host,
			      uint32_t zone_index, struct origin at, const struct end_kinds *kinds)
{
	const struct zone *zone = &law->policy->zones[zone_index];
	const struct text *interface = interface_without_mac(zone);

	if (!host) {
		finding_add(law->findings, &policy_catalogue[kinds->not_one_host], at, flow->name, NULL);
		return;
	}
	if (has_two_of_a_family(host))
		finding_relate(finding_add(law->findings, &policy_catalogue[kinds->addresses], at, flow->name,
					   host->name, NULL),
			       host->at);
	if (interface)
		finding_relate(policy_find(law->findings, LAW_SPECIFIED_NO_ETHERNET, at, flow->name,
					   interface->value, zone->name),
			       interface->at);
	else if (host->mac_count == 0)
		finding_relate(finding_add(law->findings, &policy_catalogue[kinds->mac], at, flow->name,
					   host->name, NULL),
			       host->at);
}

static void law_specified_ports(const struct law *law, const struct flow *flow)
{
	if (!protocol_has_ports(flow->protocol)) {
		policy_find(law->findings, LAW_SPECIFIED_PORTS, flow_part_at(flow, FLOW_PART_PORTS), flow->name,
			    protocol_name(law->findings->arena, flow->protocol));
		return;
	}
	for (size_t i = 0; i < flow->port_count; i++)
		if (flow->ports[i].first != flow->ports[i].last) {
			policy_find(law->findings, LAW_SPECIFIED_PORT_RANGE, flow_part_at(flow, FLOW_PART_PORTS), flow->name,
				    arena_printf(law->findings->arena, "%u-%u", flow->ports[i].first,
						 flow->ports[i].last));
			return;
		}
}

static void law_specified_peer(const struct law *law, const struct flow *flow)
{
	if (flow->peer == PEER_NONE)
		policy_find(law->findings, LAW_SPECIFIED_PEER, flow->at, flow->name);
	else if (flow->peer == PEER_PUBLIC_BODY && !flow->peer_reason)
		policy_find(law->findings, LAW_SPECIFIED_PEER_REASON, flow->at, flow->name);
}

static void record_is_whole(const struct law *law, const struct flow *flow, const struct record *record, bool approved_too)
{
	const struct {
		const char *field;
		bool missing;
	} fields[] = {
		{ "number", !record->number },
		{ "reason", !record->reason },
		{ "approver", !record->approver },
		{ "approved", approved_too && record->approved == INT32_MIN },
		{ "expires", record->expires == INT32_MIN },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].missing)
			finding_relate(policy_find(law->findings, LAW_RECORD_INCOMPLETE, record->at, flow->name, fields[i].field), flow->at);
}

void law_record(const struct law *law, const struct flow *flow, bool approved_too)
{
	if (flow->record)
		record_is_whole(law, flow, flow->record, approved_too);
	else
		policy_find(law->findings, LAW_RECORD_MISSING, flow->at, flow->name, method_name(flow->method));
}

void law_specified(const struct law *law, const struct flow *flow)
{
	const struct zone *from = &law->policy->zones[flow->from], *to = &law->policy->zones[flow->to];

	if (flow->method != METHOD_SPECIFIED) {
		struct finding *finding =
			policy_find(law->findings, LAW_SPECIFIED_ONLY, flow_part_at(flow, FLOW_PART_METHOD), flow->name,
				    method_name(flow->method), from->name, to->name);

		finding_relate(finding, from->at);
		finding_relate(finding, to->at);
		return;
	}
	law_specified_end(law, flow, flow->source_host, flow->from, flow_part_at(flow, FLOW_PART_SOURCE), &source_kinds);
	law_specified_end(law, flow, flow->destination_host, flow->to, flow_part_at(flow, FLOW_PART_DESTINATION),
			  &destination_kinds);
	law_specified_ports(law, flow);
	law_specified_peer(law, flow);
	law_record(law, flow, true);
}
