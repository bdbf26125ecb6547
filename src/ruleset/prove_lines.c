/* prove_lines: which lines of the law a set of packets may break. */
#include "ruleset/prove_parts.h"

#include <string.h>

#include "policy/law.h"

enum {
	ICMP_ECHO_REPLY = 0, ICMP_REDIRECT = 5, ICMP_ECHO_REQUEST = 8,
	ICMP6_ECHO_REQUEST = 128, ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_QUERY = 130, ICMP6_MLD_REPORT = 131, ICMP6_MLD_DONE = 132, ICMP6_MLD2_REPORT = 143,
	ICMP6_NEIGHBOUR_SOLICIT = 135, ICMP6_NEIGHBOUR_ADVERT = 136, ICMP6_INFORMATION = 128,
	ON_LINK_HOPLIMIT = 255, BYTE_CODES = 256,
};

/* One search. */
struct seek {
	struct prover *prover;
	const struct view *view;
	breach_found found;
	void *context;
	uint32_t lines;		/* still in question */
	uint32_t suspects;	/* something was found */
	int64_t until;
	enum range_variable mark; /* what the packets carry now */
};

struct codes protocols_with_ports(void)
{
	struct codes codes = codes_one(PROVE_PROTOCOL_TCP);

	codes_add(&codes, PROVE_PROTOCOL_UDP);
	codes_add(&codes, PROVE_PROTOCOL_SCTP);
	return codes;
}

size_t icmp_protocol(uint8_t family)
{
	return family == 6 ? PROVE_PROTOCOL_ICMP6 : PROVE_PROTOCOL_ICMP;
}

struct codes protocols_read(uint8_t family)
{
	struct codes codes = protocols_with_ports();

	codes_add(&codes, icmp_protocol(family));
	return codes;
}

struct codes icmp_error_types(uint8_t family)
{
	static const uint8_t types[] = { 3, 4, ICMP_REDIRECT, 11, 12 };
	struct codes codes = { { 0 } };

	if (family == 6)
		return codes_between(0, ICMP6_INFORMATION - 1);
	for (size_t i = 0; i < sizeof(types); i++)
		codes_add(&codes, types[i]);
	return codes;
}

static bool wants(const struct seek *seek, enum proof_line line)
{
	return seek->lines & line_bit(line);
}

struct codes tcp_valid_flags(void)
{
	enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, URG = 32, FREE = 8 | 64 | 128 };
	static const uint8_t valid[] = { SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG };
	struct codes codes = { { 0 } };

	for (size_t flags = 0; flags < BYTE_CODES; flags++)
		for (size_t i = 0; i < sizeof(valid); i++)
			if ((flags & (size_t)~FREE) == valid[i])
				codes_add(&codes, flags);
	return codes;
}

/* ICMP that asks, or answers, and so begins or goes on with a connection. */
static struct codes icmp_followed_types(uint8_t family, bool reply)
{
	static const uint8_t asks4[] = { 8, 13, 15, 17 }, asks6[] = { 128, 139 }, answers4[] = { 0, 14, 16, 18 }, answers6[] = { 129, 140 };
	const uint8_t *types = family == 6 ? (reply ? answers6 : asks6) : (reply ? answers4 : asks4);
	struct codes codes = { { 0 } };

	for (size_t i = 0; i < (family == 6 ? sizeof(asks6) : sizeof(asks4)); i++)
		codes_add(&codes, types[i]);
	return codes;
}

/* Takes out what conntrack would not have let have this state, where all packets are of one protocol. */
static void keep_followed(const struct seek *seek, struct region *region)
{
	const struct codes tcp = codes_one(PROVE_PROTOCOL_TCP), icmp = codes_one(icmp_protocol(seek->prover->family));
	const struct codes followed = codes_between(STATE_NEW, STATE_REPLY), tracked = states_tracked();

	if (codes_cover(&tracked, &region->codes[CODE_STATE]) && codes_cover(&tcp, &region->codes[CODE_PROTOCOL]))
		codes_keep(&region->codes[CODE_TCP_FLAGS], &seek->prover->tcp_flags);
	if (codes_cover(&followed, &region->codes[CODE_STATE]) && codes_cover(&icmp, &region->codes[CODE_PROTOCOL]))
		codes_keep(&region->codes[CODE_ICMP_TYPE],
			   (const struct codes[]){ icmp_followed_types(seek->prover->family, seek->view->reply) });
}

/* These packets may break the line. See breach_found. */
static void suspect(struct seek *seek, enum proof_line line, const struct region *region, int64_t at, bool decided)
{
	struct region real;

	if (!wants(seek, line) || region_is_empty(region))
		return;
	real = *region;
	keep_followed(seek, &real);
	if (region_is_empty(&real))
		return;
	seek->suspects |= line_bit(line);
	if (seek->found(seek->context, line, &real, at, decided))
		seek->lines &= ~line_bit(line);
}

static void suspect_now(struct seek *seek, enum proof_line line, const struct region *region)
{
	suspect(seek, line, region, seek->prover->input->now, true);
}

/* ---- what is granted */

static struct codes echo_types(uint8_t family, bool reply)
{
	if (family == 6)
		return codes_one(reply ? ICMP6_ECHO_REPLY : ICMP6_ECHO_REQUEST);
	return codes_one(reply ? ICMP_ECHO_REPLY : ICMP_ECHO_REQUEST);
}

/* Which grants are asked for a region. */
struct claim {
	enum flow_kind kind;
	uint32_t from, to;	/* of the connection */
	bool reply;
	enum proof_line line;	/* broken when there is no grant */
};

static struct grant_box claim_box(const struct seek *seek, const struct claim *claim, const struct region *region, size_t protocol)
{
	const struct codes ported = protocols_with_ports();
	const struct extent *extents = region->extents;
	struct grant_box box = { .kind = claim->kind, .family = seek->prover->family, .from = claim->from, .to = claim->to,
				 .protocol = (uint16_t)protocol, .uid = extents[RANGE_UID], .any_user = seek->view->any_user };

	box.source = extents[claim->reply ? RANGE_DESTINATION : RANGE_SOURCE];
	box.destination = extents[claim->reply ? RANGE_SOURCE : RANGE_DESTINATION];
	box.ports = codes_have(&ported, protocol) ? extents[claim->reply ? RANGE_SPORT : RANGE_DPORT] : (struct extent){ 0, 0 };
	return box;
}

/* The packets of the region that lie in a box. */
static struct region region_of_box(const struct claim *claim, const struct region *region, const struct grant_box *box)
{
	const struct codes ported = protocols_with_ports();
	struct region part = *region;

	part.extents[claim->reply ? RANGE_DESTINATION : RANGE_SOURCE] = box->source;
	part.extents[claim->reply ? RANGE_SOURCE : RANGE_DESTINATION] = box->destination;
	if (codes_have(&ported, box->protocol))
		part.extents[claim->reply ? RANGE_SPORT : RANGE_DPORT] = box->ports;
	part.extents[RANGE_UID] = box->uid;
	return part;
}

static bool address_is_bound(const struct prover *prover, uint32_t zone, struct extent address)
{
	const struct pins *pins = prover->input->pins;
	struct binding_pin wanted = { .zone = zone, .address = address_of_wide(address.first, prover->family) };
	size_t low = 0, high = pins->binding_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (binding_pin_compare(&pins->bindings[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < pins->binding_count && pins->bindings[low].zone == zone &&
	       netaddr_compare(&pins->bindings[low].address, &wanted.address) == 0;
}

/* A specified flow is of one host to one host, both bound, and of one port. */
static bool box_is_specified(const struct prover *prover, const struct grant_box *box)
{
	const struct codes ported = protocols_with_ports();

	return extent_is_single(box->source) && extent_is_single(box->destination) && extent_is_single(box->ports) &&
	       codes_have(&ported, box->protocol) && address_is_bound(prover, box->from, box->source) &&
	       address_is_bound(prover, box->to, box->destination);
}

/* One protocol; for ICMP pings or everything else. */
static void claim_protocol(struct seek *seek, const struct claim *claim, const struct region *region, size_t protocol, bool echo)
{
	const struct grant_box box = claim_box(seek, claim, region, protocol);
	struct grant_box rest = box;
	struct region part;
	int64_t closes_at = 0;

	++seek->prover->proof->work;
	switch (grants_ask(seek->prover->grants, &box, echo, wants(seek, PROOF_EXPIRY) ? seek->until : 0, &rest, &closes_at)) {
	case GRANTS_COVER:
		if (claim->line == PROOF_SPECIFIED && !box_is_specified(seek->prover, &box))
			suspect_now(seek, claim->line, region);
		return;
	case GRANTS_EXPIRE:
		part = region_of_box(claim, region, &rest);
		suspect(seek, PROOF_EXPIRY, &part, closes_at + GRANTS_ROUNDING_S, true);
		return;
	case GRANTS_LACK:
		part = region_of_box(claim, region, &rest);
		suspect_now(seek, claim->line, &part);
		return;
	case GRANTS_TOO_MANY:
		suspect(seek, claim->line, region, seek->prover->input->now, false);
		suspect(seek, PROOF_EXPIRY, region, seek->prover->input->now, false);
		return;
	}
}

static void claim_icmp(struct seek *seek, const struct claim *claim, const struct region *region)
{
	const struct codes echo = echo_types(seek->prover->family, claim->reply);
	struct region part = *region;

	codes_keep(&part.codes[CODE_ICMP_TYPE], &echo);
	if (!codes_are_empty(&part.codes[CODE_ICMP_TYPE]))
		claim_protocol(seek, claim, &part, icmp_protocol(seek->prover->family), true);
	part = *region;
	codes_drop(&part.codes[CODE_ICMP_TYPE], &echo);
	if (!codes_are_empty(&part.codes[CODE_ICMP_TYPE]))
		claim_protocol(seek, claim, &part, icmp_protocol(seek->prover->family), false);
}

/* Every protocol of the region. A tracked packet of a protocol with ports has them, or conntrack would not know it. */
static void claim_region(struct seek *seek, const struct claim *claim, const struct region *region)
{
	const struct codes read = protocols_read(seek->prover->family), tracked = states_tracked();
	struct region part;

	if (codes_have(&region->codes[CODE_ROUTING], 1)) {
		part = *region;
		part.codes[CODE_ROUTING] = codes_one(1);
		suspect_now(seek, claim->line, &part);
	}
	for (size_t p = codes_next(&region->codes[CODE_PROTOCOL], 0); p < BYTE_CODES; p = codes_next(&region->codes[CODE_PROTOCOL], p + 1)) {
		if (!wants(seek, claim->line) && !wants(seek, PROOF_EXPIRY))
			return;
		part = *region;
		part.codes[CODE_ROUTING] = codes_one(0);
		part.codes[CODE_PROTOCOL] = codes_one(p);
		if (codes_cover(&tracked, &region->codes[CODE_STATE]) && codes_have(&read, p))
			codes_keep(&part.codes[CODE_PORTS], (const struct codes[]){ codes_one(1) });
		if (region_is_empty(&part))
			continue;
		if (p == icmp_protocol(seek->prover->family))
			claim_icmp(seek, claim, &part);
		else
			claim_protocol(seek, claim, &part, p, false);
	}
}

/* ---- senders */

/* Calls next for the packets whose source may have come past prerouting at the zone. */
static void each_sender(struct seek *seek, const struct claim *claim, const struct region *region, uint32_t zone,
			void (*next)(struct seek *seek, const struct claim *claim, const struct region *region))
{
	const struct codes icmp = codes_one(PROVE_PROTOCOL_ICMP6);
	struct region part;
	const struct extent *networks;
	size_t count, low = 0, high;

	if (codes_meet(&region->codes[CODE_IIF], &seek->prover->dirty)) {
		next(seek, claim, region);
		return;
	}
	networks = zone_networks(seek->prover, zone, &count);
	for (high = count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (networks[middle].last < region->extents[RANGE_SOURCE].first)
			low = middle + 1;
		else
			high = middle;
	}
	part = *region;
	for (; low < count && networks[low].first <= region->extents[RANGE_SOURCE].last; low++) {
		part.extents[RANGE_SOURCE] = extent_common(region->extents[RANGE_SOURCE], networks[low]);
		next(seek, claim, &part);
	}
	/* Neighbours without an address of the zone speak ICMPv6 only. */
	if (seek->prover->family != 6 || !codes_meet(&region->codes[CODE_PROTOCOL], &icmp))
		return;
	part = *region;
	codes_keep(&part.codes[CODE_PROTOCOL], &icmp);
	part.extents[RANGE_SOURCE] = extent_common(region->extents[RANGE_SOURCE], (struct extent){ 0, 0 });
	if (!extent_is_empty(part.extents[RANGE_SOURCE]))
		next(seek, claim, &part);
	part.extents[RANGE_SOURCE] = extent_common(region->extents[RANGE_SOURCE],
						   (struct extent){ (wide)0xfe80 << 112, ((wide)0xfec0 << 112) - 1 });
	if (!extent_is_empty(part.extents[RANGE_SOURCE]))
		next(seek, claim, &part);
}

/* Senders that prerouting should not have let past. */
static void seek_bad_sources(struct seek *seek, const struct region *region)
{
	static const enum code_variable codes[] = { CODE_IIF, CODE_IIFTYPE, CODE_PROTOCOL, CODE_PKTTYPE, CODE_STATE, CODE_PORTS };
	static const enum range_variable ranges[] = { RANGE_SOURCE, RANGE_DESTINATION, RANGE_ETHER, RANGE_SPORT, RANGE_DPORT };

	for (size_t i = 0; i < seek->prover->bad_source_count; i++) {
		const struct bad_source *bad = &seek->prover->bad_sources[i];
		struct region part;

		if (!wants(seek, bad->line))
			continue;
		part = *region;
		for (size_t k = 0; k < sizeof(codes) / sizeof(codes[0]); k++)
			codes_keep(&part.codes[codes[k]], &bad->region.codes[codes[k]]);
		for (size_t k = 0; k < sizeof(ranges) / sizeof(ranges[0]); k++)
			part.extents[ranges[k]] = extent_common(part.extents[ranges[k]], bad->region.extents[ranges[k]]);
		suspect_now(seek, bad->line, &part);
	}
}

/* ---- forward */

static void seek_outside(struct seek *seek, const struct region *region, enum code_variable end)
{
	struct region part;

	if (!wants(seek, PROOF_OUTSIDE) || !codes_meet(&region->codes[end], &seek->prover->outside))
		return;
	part = *region;
	codes_keep(&part.codes[end], &seek->prover->outside);
	suspect_now(seek, PROOF_OUTSIDE, &part);
}

/* Packets of the region whose mark is of no flow that is spared. */
static void seek_not_spared(struct seek *seek, const struct region *region)
{
	const struct isolation_claim *isolation = &seek->prover->input->isolation;
	const struct extent marks = region->extents[seek->mark];
	struct region part = *region;
	wide next = marks.first;

	for (size_t i = 0; i < isolation->mark_count && isolation->marks[i] <= marks.last && wants(seek, PROOF_ISOLATED); i++) {
		const wide mark = isolation->marks[i];

		if (mark < next)
			continue;
		part.extents[seek->mark] = (struct extent){ next, mark - 1 };
		if (mark > next)
			suspect_now(seek, PROOF_ISOLATED, &part);
		next = mark + 1;
	}
	part.extents[seek->mark] = (struct extent){ next, marks.last };
	suspect_now(seek, PROOF_ISOLATED, &part);
}

static void seek_isolated(struct seek *seek, const struct region *region, enum code_variable end)
{
	struct region part;

	if (!wants(seek, PROOF_ISOLATED) || !codes_meet(&region->codes[end], &seek->prover->isolated))
		return;
	part = *region;
	codes_keep(&part.codes[end], &seek->prover->isolated);
	seek_not_spared(seek, &part);
}

/* Conntrack leaves neighbour discovery, router discovery and MLD alone. */
static struct codes untracked_types(uint8_t family)
{
	struct codes codes = { { 0 } };

	if (family == 6) {
		codes = codes_between(ICMP6_MLD_QUERY, ICMP6_NEIGHBOUR_ADVERT);
		codes_add(&codes, ICMP6_MLD2_REPORT);
	}
	return codes;
}

struct codes status_untranslated(void)
{
	struct codes plain = { { 0 } };

	for (size_t status = 0; status < BYTE_CODES; status++)
		if (!(status & (CT_SNAT | CT_DNAT)))
			codes_add(&plain, status);
	return plain;
}

/* Takes translated connections out of the region after they have been suspected. */
static void seek_translated(struct seek *seek, struct region *region)
{
	const struct codes tracked = states_tracked(), icmp = codes_one(icmp_protocol(seek->prover->family));
	const struct codes untracked = untracked_types(seek->prover->family);
	const struct codes *plain = &seek->prover->untranslated;
	struct region part;

	if (codes_cover(plain, &region->codes[CODE_STATUS]))
		return;
	part = *region;
	codes_drop(&part.codes[CODE_STATUS], plain);
	codes_keep(&part.codes[CODE_STATE], &tracked);
	codes_drop(&part.codes[CODE_PROTOCOL], &icmp);
	suspect_now(seek, PROOF_NAT, &part);
	part.codes[CODE_PROTOCOL] = region->codes[CODE_PROTOCOL];
	codes_keep(&part.codes[CODE_PROTOCOL], &icmp);
	codes_drop(&part.codes[CODE_ICMP_TYPE], &untracked);
	suspect_now(seek, PROOF_NAT, &part);
	codes_keep(&region->codes[CODE_STATUS], plain);
}

static void seek_next_hop(struct seek *seek, const struct region *region)
{
	const struct program_input *program = &seek->prover->input->pins->program;

	for (size_t zone = 0; zone < program->zone_count && wants(seek, PROOF_UPLINK); zone++) {
		struct region part;

		if (!program->zones[zone].uplink || !codes_meet(&region->codes[CODE_OIF], &seek->prover->zone_interfaces[zone]))
			continue;
		part = *region;
		codes_keep(&part.codes[CODE_OIF], &seek->prover->zone_interfaces[zone]);
		codes_drop(&part.codes[CODE_HOP], &seek->prover->zone_hops[zone]);
		suspect_now(seek, PROOF_UPLINK, &part);
	}
}

static enum proof_line line_of_tiers(enum tier from, enum tier to)
{
	if (!law_tiers_may_meet(from, to))
		return PROOF_NEVER;
	if (from == to)
		return PROOF_INTERNAL;
	return from == TIER_MYNUMBER || to == TIER_MYNUMBER ? PROOF_SPECIFIED : PROOF_SANITIZED;
}

static void seek_mail(struct seek *seek, const struct claim *claim, const struct region *region)
{
	const enum range_variable end = claim->reply ? RANGE_SPORT : RANGE_DPORT;

	for (size_t i = 0; i < law_mail_port_count && wants(seek, PROOF_MAIL); i++) {
		struct region part;

		if (!extents_meet(region->extents[end], (struct extent){ law_mail_ports[i], law_mail_ports[i] }))
			continue;
		part = *region;
		codes_keep(&part.codes[CODE_PROTOCOL], (const struct codes[]){ codes_one(PROVE_PROTOCOL_TCP) });
		part.codes[CODE_PORTS] = codes_one(1);
		part.extents[end] = extent_common(part.extents[end], (struct extent){ law_mail_ports[i], law_mail_ports[i] });
		suspect_now(seek, PROOF_MAIL, &part);
	}
}

static void forward_from_sender(struct seek *seek, const struct claim *claim, const struct region *region)
{
	if (claim->line == PROOF_SANITIZED)
		seek_mail(seek, claim, region);
	claim_region(seek, claim, region);
}

/* ICMP errors go where the connection they quote may be; at My Number only between its two ends. */
static void error_from_sender(struct seek *seek, const struct claim *claim, const struct region *region)
{
	const struct prover *prover = seek->prover;
	struct grant_box box = { .kind = FLOW_FORWARD, .family = prover->family, .from = claim->from, .to = claim->to,
				 .source = region->extents[RANGE_SOURCE], .destination = region->extents[RANGE_DESTINATION] };
	bool joined = grants_join(prover->grants, prover->family, FLOW_FORWARD, claim->from, claim->to) ||
		      grants_join(prover->grants, prover->family, FLOW_FORWARD, claim->to, claim->from);

	if (joined && claim->line == PROOF_SPECIFIED && !grants_have_ends(prover->grants, &box)) {
		box = (struct grant_box){ .kind = FLOW_FORWARD, .family = prover->family, .from = claim->to, .to = claim->from,
					  .source = box.destination, .destination = box.source };
		joined = grants_have_ends(prover->grants, &box);
	}
	if (!joined)
		suspect_now(seek, claim->line, region);
}

static void seek_pair(struct seek *seek, const struct region *region, uint32_t from, uint32_t to)
{
	const struct program_zone *zones = seek->prover->input->pins->program.zones;
	struct claim claim = { .kind = FLOW_FORWARD, .from = from, .to = to, .reply = seek->view->reply,
			       .line = line_of_tiers(zones[from].tier, zones[to].tier) };

	if (seek->view->answered) {
		if (zones[from].tier != zones[to].tier)
			suspect_now(seek, PROOF_SILENCE, region);
		return;
	}
	if (claim.line == PROOF_NEVER) {
		suspect_now(seek, PROOF_NEVER, region);
		return;
	}
	if (claim.reply) {
		claim.from = to;
		claim.to = from;
	}
	if (seek->lines & (line_bit(claim.line) | line_bit(PROOF_EXPIRY) | line_bit(PROOF_MAIL)))
		each_sender(seek, &claim, region, from, seek->view->error ? error_from_sender : forward_from_sender);
}

static void seek_forward(struct seek *seek, struct region *region)
{
	const struct prover *prover = seek->prover;
	const size_t zones = prover->input->pins->program.zone_count;

	if (!seek->view->answered) {
		seek_outside(seek, region, CODE_IIF);
		seek_outside(seek, region, CODE_OIF);
		seek_isolated(seek, region, CODE_IIF);
		seek_isolated(seek, region, CODE_OIF);
		seek_translated(seek, region);
		seek_next_hop(seek, region);
		seek_bad_sources(seek, region);
	}
	for (uint32_t from = 0; from < zones && seek->lines; from++) {
		if (!codes_meet(&region->codes[CODE_IIF], &prover->zone_interfaces[from]))
			continue;
		for (uint32_t to = 0; to < zones; to++) {
			struct region pair;

			if (!codes_meet(&region->codes[CODE_OIF], &prover->zone_interfaces[to]))
				continue;
			pair = *region;
			codes_keep(&pair.codes[CODE_IIF], &prover->zone_interfaces[from]);
			codes_keep(&pair.codes[CODE_OIF], &prover->zone_interfaces[to]);
			if (!region_is_empty(&pair))
				seek_pair(seek, &pair, from, to);
		}
	}
}

/* ---- to and from the gateway */

/* Neighbour discovery and MLD need no grant. */
static void drop_essentials(const struct prover *prover, enum hook_point hook, struct region *region)
{
	static const uint8_t sent[] = { ICMP6_NEIGHBOUR_SOLICIT, ICMP6_NEIGHBOUR_ADVERT, ICMP6_MLD_REPORT, ICMP6_MLD_DONE, ICMP6_MLD2_REPORT };
	const struct codes icmp = codes_one(PROVE_PROTOCOL_ICMP6), on_link = codes_one(ON_LINK_HOPLIMIT);
	struct codes types = { { 0 } };

	if (prover->family != 6 || !codes_cover(&icmp, &region->codes[CODE_PROTOCOL]))
		return;
	for (size_t i = 0; hook == HOOK_OUTPUT && i < sizeof(sent); i++)
		codes_add(&types, sent[i]);
	if (hook == HOOK_INPUT)
		codes_add(&types, ICMP6_MLD_QUERY);
	if (hook == HOOK_INPUT && codes_cover(&on_link, &region->codes[CODE_HOPLIMIT])) {
		codes_add(&types, ICMP6_NEIGHBOUR_SOLICIT);
		codes_add(&types, ICMP6_NEIGHBOUR_ADVERT);
	}
	codes_drop(&region->codes[CODE_ICMP_TYPE], &types);
}

/* An ICMP error to the gateway belongs to something it may do with the zone. */
static void error_to_gateway(struct seek *seek, const struct claim *claim, const struct region *region)
{
	const struct grants *grants = seek->prover->grants;
	const uint32_t zone = claim->kind == FLOW_LOCAL ? claim->from : claim->to;

	if (!grants_join(grants, seek->prover->family, FLOW_LOCAL, zone, 0) && !grants_join(grants, seek->prover->family, FLOW_EGRESS, 0, zone))
		suspect_now(seek, claim->line, region);
}

static void seek_input(struct seek *seek, struct region *region)
{
	const struct prover *prover = seek->prover;
	const size_t zones = prover->input->pins->program.zone_count;

	codes_drop(&region->codes[CODE_IIF], (const struct codes[]){ codes_one(prover->loopback) });
	seek_outside(seek, region, CODE_IIF);
	seek_translated(seek, region);
	seek_bad_sources(seek, region);
	drop_essentials(prover, HOOK_INPUT, region);
	seek_isolated(seek, region, CODE_IIF);
	for (uint32_t zone = 0; zone < zones && seek->lines; zone++) {
		struct claim claim = { .kind = FLOW_LOCAL, .from = zone, .line = PROOF_INPUT };
		struct region part = *region;

		if (seek->view->reply)
			claim = (struct claim){ .kind = FLOW_EGRESS, .to = zone, .reply = true, .line = PROOF_INPUT };
		codes_keep(&part.codes[CODE_IIF], &prover->zone_interfaces[zone]);
		if (!region_is_empty(&part))
			each_sender(seek, &claim, &part, zone, seek->view->error ? error_to_gateway : claim_region);
	}
}

/* What the gateway says to a zone: an ICMP error about a packet it was sent, or what is granted. */
static void seek_output_zone(struct seek *seek, const struct region *region, uint32_t zone)
{
	struct claim claim = { .kind = FLOW_EGRESS, .to = zone, .line = PROOF_OUTPUT };

	if (seek->view->reply)
		claim = (struct claim){ .kind = FLOW_LOCAL, .from = zone, .reply = true, .line = PROOF_OUTPUT };
	if (!seek->view->error)
		claim_region(seek, &claim, region);
}

static void seek_output(struct seek *seek, struct region *region)
{
	const struct prover *prover = seek->prover;
	const size_t zones = prover->input->pins->program.zone_count;

	codes_drop(&region->codes[CODE_OIF], (const struct codes[]){ codes_one(prover->loopback) });
	if (!seek->view->error)
		seek_outside(seek, region, CODE_OIF);
	seek_translated(seek, region);
	drop_essentials(prover, HOOK_OUTPUT, region);
	if (region_is_empty(region))
		return;
	if (!seek->view->error)	/* about a packet that it was sent */
		seek_isolated(seek, region, CODE_OIF);
	seek_next_hop(seek, region);
	for (uint32_t zone = 0; zone < zones && seek->lines; zone++) {
		struct region part = *region;

		codes_keep(&part.codes[CODE_OIF], &prover->zone_interfaces[zone]);
		if (!region_is_empty(&part))
			seek_output_zone(seek, &part, zone);
	}
}

/* ---- frames */

static void seek_frames(struct seek *seek, const struct region *region)
{
	static const uint32_t types[] = { 0x0800, 0x0806, 0x86dd };
	struct region part = *region;
	wide first = 0;

	codes_keep(&part.codes[CODE_IIFTYPE], (const struct codes[]){ codes_one(CODE_ETHERNET) });
	for (size_t i = 0; i <= sizeof(types) / sizeof(types[0]); i++) {
		const bool end = i == sizeof(types) / sizeof(types[0]);

		part.extents[RANGE_ETHER_TYPE] = extent_common(region->extents[RANGE_ETHER_TYPE],
							       (struct extent){ first, end ? wide_max(2) : types[i] - 1 });
		suspect_now(seek, PROOF_FRAMES, &part);
		first = end ? first : (wide)types[i] + 1;
	}
}

static void seek_bridged(struct seek *seek, const struct region *region)
{
	const struct prover *prover = seek->prover;

	for (uint32_t zone = 0; zone < prover->input->pins->program.zone_count; zone++) {
		struct region in = *region, out = *region;

		codes_keep(&in.codes[CODE_IIF], &prover->zone_interfaces[zone]);
		suspect_now(seek, PROOF_BRIDGE, &in);
		codes_keep(&out.codes[CODE_OIF], &prover->zone_interfaces[zone]);
		suspect_now(seek, PROOF_BRIDGE, &out);
	}
}

uint32_t lines_seek(struct prover *prover, const struct view *view, const struct path *path, breach_found found, void *context)
{
	struct seek seek = { .prover = prover, .view = view, .found = found, .context = context, .lines = view->lines & prover->open,
			     .until = path->until };
	struct region region = path->region;

	if (seek.lines == 0)
		return 0;
	seek.mark = (enum range_variable)(RANGE_MARK + path->mark);
	switch (view->hook) {
	case HOOK_FORWARD:
		seek_forward(&seek, &region);
		break;
	case HOOK_INPUT:
		seek_input(&seek, &region);
		break;
	case HOOK_OUTPUT:
		seek_output(&seek, &region);
		break;
	case HOOK_INGRESS:
		seek_frames(&seek, &region);
		break;
	case HOOK_BRIDGE:
		seek_bridged(&seek, &region);
		break;
	case HOOK_PREROUTING: case HOOK_OTHER:
		break;
	}
	return seek.suspects;
}

/* ---- the chain of processes */

void chain_note(struct prover *prover, const struct view *view, const struct region *region)
{
	const struct program_input *program = &prover->input->pins->program;
	const struct codes ported = protocols_with_ports();
	const bool in = view->hook == HOOK_INPUT;
	const enum code_variable end = in ? CODE_IIF : CODE_OIF;

	if (view->any_mark || view->reply || view->error || view->answered || (view->hook != HOOK_INPUT && view->hook != HOOK_OUTPUT))
		return;
	if (!codes_meet(&region->codes[CODE_PROTOCOL], &ported))
		return;
	for (uint32_t zone = 0; zone < program->zone_count; zone++) {
		const enum tier tier = program->zones[zone].tier;

		if (!codes_meet(&region->codes[end], &prover->zone_interfaces[zone]) || (in ? prover->heard[tier] : prover->speaks[tier]))
			continue;
		*(in ? &prover->heard[tier] : &prover->speaks[tier]) = true;
		*(in ? &prover->heard_family[tier] : &prover->speaks_family[tier]) = prover->family;
		*(in ? &prover->heard_region[tier] : &prover->speaks_region[tier]) = *region;
	}
}
