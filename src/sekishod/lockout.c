/*
 * lockout: would a new ruleset cut the connection over which it was ordered?
 *
 * Which interface and Ethernet address the terminal has is not asked of anybody: the ruleset itself says by
 * which interface a source may come, so each is tried.
 */
#include "sekishod/lockout.h"

#include <stdio.h>
#include <string.h>

#include "ruleset/evaluate.h"
#include "ruleset/explain.h"
#include "sekishod/catalogue.h"

enum { LOOPBACK_INDEX = 1, PROTOCOL_TCP = 6, TCP_ACK = 16, ETHER_TYPE_IP4 = 0x0800, ETHER_TYPE_IP6 = 0x86dd, HOPLIMIT_USUAL = 64 };

static struct packet packet_of(const struct connection *connection, uint32_t iif, const struct macaddr *mac)
{
	return (struct packet){
		.iif = iif,
		.iiftype = 1,
		.ether_type = connection->source.family == 4 ? ETHER_TYPE_IP4 : ETHER_TYPE_IP6,
		.ether_saddr = *mac,
		.source = connection->source,
		.destination = connection->destination,
		.protocol = PROTOCOL_TCP,
		.has_ports = true,
		.sport = connection->source_port,
		.dport = connection->destination_port,
		.tcp_flags = TCP_ACK,
		.hoplimit = HOPLIMIT_USUAL,
		.ct_state = CT_ESTABLISHED,
		.ct_direction = DIRECTION_ORIGINAL,
	};
}

/* Tries one interface and Ethernet address. */
static bool way_allows(struct arena *arena, const struct ruleset *ruleset, const struct connection *connection, uint32_t iif,
		       const struct macaddr *mac, int64_t now, const char **ret_flow)
{
	static const enum hook_point way[] = { HOOK_INGRESS, HOOK_PREROUTING, HOOK_INPUT };
	struct packet packet = packet_of(connection, iif, mac);
	struct evaluation evaluation = evaluate_path(arena, ruleset, way, sizeof(way) / sizeof(way[0]), &packet, now);
	struct explanation explanation;

	if (!evaluation.accepted)
		return false;
	explanation = explanation_of(&evaluation);
	if (ret_flow)
		*ret_flow = arena_strndup(arena, explanation.flow_name.length ? explanation.flow_name.data : "", explanation.flow_name.length);
	return true;
}

/* True for the sets that bind an interface and a source of this family to an Ethernet address. */
static bool set_binds(const struct set *set, uint8_t family)
{
	enum field source = family == 4 ? FIELD_IP_SADDR : FIELD_IP6_SADDR;

	return key_field_count(&set->key) == 3 && set->key.fields[0] == FIELD_IIF && set->key.fields[1] == source &&
	       set->key.fields[2] == FIELD_ETHER_SADDR && !set->interval;
}

static uint32_t key_index(const uint8_t *key)
{
	return (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
}

/* Tries every binding of the source in the set; also: a ruleset that must allow the same way, or NULL. */
static bool set_allows(struct arena *arena, const struct ruleset *ruleset, const struct ruleset *also, const struct set *set,
		       const struct connection *connection, int64_t now, const char **ret_flow)
{
	size_t source_bytes = netaddr_size(connection->source.family);
	struct macaddr mac;

	for (size_t i = 0; i < set->element_count; i++) {
		const uint8_t *key = set->elements[i].key;

		if (memcmp(key + field_slot(FIELD_IIF), connection->source.bytes, source_bytes) != 0)
			continue;
		memcpy(mac.bytes, key + field_slot(FIELD_IIF) + source_bytes, sizeof(mac.bytes));
		if (way_allows(arena, ruleset, connection, key_index(key), &mac, now, ret_flow) &&
		    (!also || way_allows(arena, also, connection, key_index(key), &mac, now, NULL)))
			return true;
	}
	return false;
}

/* Tries every binding of the source, in every set that has some. */
static bool bindings_allow(struct arena *arena, const struct ruleset *ruleset, const struct ruleset *also, const struct connection *connection,
			   int64_t now, const char **ret_flow)
{
	for (size_t t = 0; t < ruleset->table_count; t++)
		for (size_t s = 0; s < ruleset->tables[t].set_count; s++)
			if (set_binds(&ruleset->tables[t].sets[s], connection->source.family) &&
			    set_allows(arena, ruleset, also, &ruleset->tables[t].sets[s], connection, now, ret_flow))
				return true;
	return false;
}

bool lockout_allows(struct arena *arena, const struct ruleset *ruleset, const struct connection *connection, int64_t now, const char **ret_flow)
{
	const struct macaddr unbound = { .bytes = { 0x02, 0, 0, 0, 0, 0x01 } };

	if (bindings_allow(arena, ruleset, NULL, connection, now, ret_flow))
		return true;
	/* The loopback lets everything pass, and nobody from outside comes by it. */
	for (size_t i = 0; i < ruleset->links.count; i++)
		if (ruleset->links.items[i].index != LOOPBACK_INDEX &&
		    way_allows(arena, ruleset, connection, ruleset->links.items[i].index, &unbound, now, ret_flow))
			return true;
	return false;
}

/*
 * True when the connection outlives the change. A terminal that is bound goes on by the interface and the Ethernet address it has now, so a binding
 * that is corrected to another one cuts it; of one that was not bound nobody knows the Ethernet address.
 */
static bool connection_survives(struct arena *arena, const struct ruleset *before, const struct ruleset *after, const struct connection *connection,
				int64_t now)
{
	if (bindings_allow(arena, before, NULL, connection, now, NULL))
		return bindings_allow(arena, before, after, connection, now, NULL);
	return lockout_allows(arena, after, connection, now, NULL);
}

/* A mail relay's connection is nobody's terminal: it may be cut without being asked about. */
static bool flow_is_relay(const char *name)
{
	return strncmp(name, "relay/", strlen("relay/")) == 0;
}

/* The line of the gateway service of this name in the new file, else the file as a whole. */
static struct origin service_origin(const struct policy *policy, const struct source *file, const char *name)
{
	for (size_t i = 0; i < policy->flow_count; i++)
		if (policy->flows[i].kind == FLOW_LOCAL && strcmp(policy->flows[i].name, name) == 0)
			return policy->flows[i].at;
	return (struct origin){ .source = file, .line = 0 };
}

void lockout_check(const struct ruleset *before, const struct ruleset *after, const struct policy *policy, const struct source *file,
		   const struct connection *connections, size_t count, int64_t now, struct findings *findings)
{
	for (size_t i = 0; before && i < count; i++) {
		char client[NETADDR_TEXT_BYTES], port[8];
		const char *flow;

		if (!lockout_allows(findings->arena, before, &connections[i], now, &flow) || flow_is_relay(flow) ||
		    connection_survives(findings->arena, before, after, &connections[i], now))
			continue;
		snprintf(port, sizeof(port), "%u", connections[i].destination_port);
		finding_add(findings, &daemon_catalogue[DAEMON_LOCKOUT], service_origin(policy, file, flow),
			    netaddr_format(&connections[i].source, client), port, flow, NULL);
	}
}
