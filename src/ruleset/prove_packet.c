/*
 * prove_packet: one packet of a set, as it could come.
 *
 * The first attempts take what is usual: TCP, a SYN, addresses inside the networks of the zones, the Ethernet address that is bound. The later ones take
 * other ends of the ranges and then anything, because conditions that could not be put into the region may stand against the usual. Of these the masks are
 * obeyed: nobody hits eight bits of a mark by chance.
 */
#include "ruleset/prove_parts.h"

#include <string.h>

enum {
	USUAL_PORT = 40000, TCP_SYN = 2, TCP_ACK = 16, HOPLIMIT = 64, PLAIN_ATTEMPTS = 8, SMALL_STEP = 9, BYTE_CODES = 256,
};

/* What packets are chosen with. */
struct choice {
	const struct prover *prover;
	uint8_t family;
	const struct view *view;
	const struct path *path;
	const struct region *region;	/* of the path */
	unsigned int attempt;
	uint64_t random;
};

static uint64_t next_random(struct choice *choice)
{
	uint64_t z = (choice->random += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* A code of the variable: the first of the preferred ones that is there, else the lowest; later any. */
static size_t choose_code(struct choice *choice, enum code_variable variable, const uint16_t *preferred, size_t count)
{
	const struct codes *codes = &choice->region->codes[variable];
	size_t skip, code = codes_next(codes, 0);

	for (size_t i = 0; i < count && choice->attempt < PLAIN_ATTEMPTS; i++)
		if (codes_have(codes, preferred[i]))
			return preferred[i];
	for (skip = choice->attempt < PLAIN_ATTEMPTS ? 0 : next_random(choice) % SPACE_CODES_MAX; skip > 0; skip--) {
		code = codes_next(codes, code + 1);
		if (code == SPACE_CODES_MAX)
			code = codes_next(codes, 0);
	}
	return code;
}

static size_t choose_any_code(struct choice *choice, enum code_variable variable)
{
	return choose_code(choice, variable, NULL, 0);
}

/* Any number from 0 to span. */
static wide any_up_to(struct choice *choice, wide span)
{
	wide mask = span, value = (wide)next_random(choice) << 64 | next_random(choice);

	for (unsigned int shift = 1; shift < 128; shift *= 2)
		mask |= mask >> shift;
	value &= mask;
	return value > span ? value >> 1 : value;
}

/* A number of the range: its beginning, its end, then anything. */
static wide choose_in(struct choice *choice, struct extent extent)
{
	const wide span = extent.last - extent.first;

	if (choice->attempt == 0)
		return extent.first + (span < SMALL_STEP ? span : SMALL_STEP);
	if (choice->attempt % 4 == 1)
		return extent.last;
	if (choice->attempt % 4 == 2)
		return extent.first;
	return extent.first + any_up_to(choice, span);
}

/* A port: the usual one where it is free to choose. */
static uint16_t choose_port(struct choice *choice, enum range_variable variable)
{
	const struct extent extent = choice->region->extents[variable];

	if (choice->attempt == 0 && extent.first <= USUAL_PORT && USUAL_PORT <= extent.last)
		return USUAL_PORT;
	return (uint16_t)choose_in(choice, extent);
}

static uint32_t zone_of_code(const struct prover *prover, size_t code)
{
	return prover->zone_of[code];
}

/* Of a range the part from which routers take packets, if there is one: not 0.0.0.0/8, nor the IPv6 addresses below 2000::. */
static struct extent usual_part(struct extent extent, uint8_t family)
{
	struct extent usual = family == 4 ? (struct extent){ (wide)1 << 24, ((wide)224 << 24) - 1 } :
					    (struct extent){ (wide)0x2000 << 112, ((wide)0xfe00 << 112) - 1 };

	usual = extent_common(usual, extent);
	return extent_is_empty(usual) ? extent : usual;
}

/* An address of the range, in a network of the zone if there is one. */
static struct netaddr choose_address(struct choice *choice, enum range_variable variable, uint32_t zone)
{
	const struct prover *prover = choice->prover;
	struct extent extent = choice->region->extents[variable];
	const size_t family = choice->family == 6;

	for (size_t i = zone == PROVE_NO_ZONE ? SIZE_MAX : prover->network_begins[family][zone];
	     choice->attempt < PLAIN_ATTEMPTS && i != SIZE_MAX && i < prover->network_begins[family][zone + 1]; i++) {
		struct extent inside = extent_common(extent, prover->networks[family][i]);

		if (extent_is_empty(inside))
			continue;
		extent = inside;
		break;
	}
	return address_of_wide(choose_in(choice, choice->attempt < PLAIN_ATTEMPTS ? usual_part(extent, choice->family) : extent), choice->family);
}

/* The Ethernet address that the source needs at the zone, or one of the range. */
static struct macaddr choose_mac(struct choice *choice, uint32_t zone, const struct netaddr *source)
{
	const struct pins *pins = choice->prover->input->pins;
	const struct extent range = choice->region->extents[RANGE_ETHER];
	struct macaddr mac = { { 2, 0, 0, 0, 0, 1 } };

	for (size_t i = 0; i < pins->binding_count; i++) {
		const struct binding_pin *binding = &pins->bindings[i];
		const wide bound = wide_of_bytes(binding->mac.bytes, 6);

		if (binding->zone == zone && netaddr_compare(&binding->address, source) == 0 && range.first <= bound && bound <= range.last)
			return binding->mac;
	}
	if (range.first > wide_of_bytes(mac.bytes, 6) || range.last < wide_of_bytes(mac.bytes, 6) || choice->attempt > PLAIN_ATTEMPTS)
		wide_to_bytes(choose_in(choice, range), mac.bytes, 6);
	return mac;
}

/* An address that nobody mentions as a next hop: the destination itself, as on a link, or some other. */
static struct netaddr strange_hop(struct choice *choice, const struct netaddr *destination)
{
	const struct space *space = &choice->prover->space;
	struct netaddr hop = *destination;

	if (choice->attempt >= PLAIN_ATTEMPTS)
		hop.bytes[netaddr_size(hop.family) - 1] ^= (uint8_t)next_random(choice);
	while (space_hop(space, &hop) != CODE_OTHER)
		hop.bytes[netaddr_size(hop.family) - 1]++;
	return hop;
}

static struct netaddr choose_hop(struct choice *choice, const struct netaddr *destination)
{
	size_t code = choose_code(choice, CODE_HOP, (const uint16_t[]){ CODE_OTHER, 2 }, 2);

	if (code == CODE_NONE)
		return (struct netaddr){ .family = 0 };
	return code == CODE_OTHER ? strange_hop(choice, destination) : choice->prover->space.hops[code - 2];
}

static uint32_t choose_type(struct choice *choice)
{
	const struct space *space = &choice->prover->space;
	size_t code = choose_any_code(choice, CODE_IIFTYPE);
	uint32_t type = choice->attempt < PLAIN_ATTEMPTS ? UINT16_MAX : (uint16_t)next_random(choice);

	while (space_type(space, type) != CODE_OTHER_TYPE)
		type = type ? type - 1 : UINT16_MAX;
	return code == CODE_OTHER_TYPE ? type : space_type_of(space, code);
}

/* An interface that nobody mentions has some other index. */
static uint32_t strange_interface(struct choice *choice)
{
	const struct space *space = &choice->prover->space;
	uint32_t index = space->interface_count ? space->interfaces[space->interface_count - 1] + 1 : 2;

	if (choice->attempt >= PLAIN_ATTEMPTS)
		index += (uint32_t)(next_random(choice) % BYTE_CODES);
	while (space_interface(space, index) != CODE_OTHER)
		index++;
	return index;
}

static uint32_t choose_interface(struct choice *choice, enum code_variable variable, size_t *ret_code)
{
	const struct space *space = &choice->prover->space;
	struct codes named = choice->region->codes[variable];
	size_t code;

	codes_drop(&named, (const struct codes[]){ codes_between(CODE_NONE, CODE_OTHER) });
	code = codes_next(&named, 0);
	if (code == SPACE_CODES_MAX || choice->attempt >= PLAIN_ATTEMPTS)
		code = choose_any_code(choice, variable);
	*ret_code = code;
	return code == CODE_OTHER ? strange_interface(choice) : space_interface_of(space, code);
}

static void choose_transport(struct choice *choice, struct packet *packet)
{
	static const uint16_t protocols[] = { PROVE_PROTOCOL_TCP, PROVE_PROTOCOL_UDP }, flags[] = { TCP_SYN, TCP_ACK };
	const uint16_t echo[] = { choice->view->reply ? 0 : 8, choice->view->reply ? 129 : 128, 3, 1 };

	packet->protocol = (uint8_t)choose_code(choice, CODE_PROTOCOL, protocols, 2);
	packet->has_ports = choose_code(choice, CODE_PORTS, (const uint16_t[]){ 1 }, 1) == 1;
	packet->sport = choose_port(choice, RANGE_SPORT);
	packet->dport = choose_port(choice, RANGE_DPORT);
	packet->tcp_flags = (uint8_t)choose_code(choice, CODE_TCP_FLAGS, flags, 2);
	packet->icmp_type = (uint8_t)choose_code(choice, CODE_ICMP_TYPE, echo, 4);
	if (packet->protocol == icmp_protocol(choice->family) && choice->attempt < PLAIN_ATTEMPTS)
		packet->sport = (uint16_t)(packet->icmp_type << 8);
}

static void choose_connection(struct choice *choice, struct packet *packet)
{
	static const uint16_t states[] = { STATE_NEW, STATE_ESTABLISHED, STATE_REPLY, STATE_RELATED, STATE_RELATED_REPLY, STATE_UNTRACKED };
	enum state_code state = (enum state_code)choose_code(choice, CODE_STATE, states, 6);

	packet->ct_state = state_bit(state);
	packet->ct_direction = state_direction(state);
	packet->ct_status = (uint32_t)choose_code(choice, CODE_STATUS, (const uint16_t[]){ 0 }, 1);
	packet->ct_mark = (uint32_t)(choice->attempt < 3 ? choice->region->extents[RANGE_MARK].first :
							   choose_in(choice, choice->region->extents[RANGE_MARK]));
}

/* Nobody speaks to himself through a gateway: another destination, if there is one. */
static void choose_another(struct choice *choice, struct packet *packet)
{
	const struct extent extent = choice->region->extents[RANGE_DESTINATION];
	const wide chosen = wide_of_address(&packet->destination);

	if (netaddr_compare(&packet->source, &packet->destination) != 0)
		return;
	if (chosen < extent.last)
		packet->destination = address_of_wide(chosen + 1, choice->family);
	else if (chosen > extent.first)
		packet->destination = address_of_wide(chosen - 1, choice->family);
}

/* The Ethernet type of the family, or another where it can only be that: it stands in front of a VLAN tag. */
static uint16_t choose_ether_type(struct choice *choice)
{
	const struct extent extent = choice->region->extents[RANGE_ETHER_TYPE];
	const uint16_t usual = choice->family == 6 ? ETHER_TYPE_IPV6 : ETHER_TYPE_IPV4;

	return extent.first <= usual && usual <= extent.last ? usual : (uint16_t)choose_in(choice, extent);
}

/* Sender, destination and what carries them. */
static void choose_ends(struct choice *choice, struct packet *packet)
{
	size_t iif, oif;
	uint32_t zone;

	packet->iif = choose_interface(choice, CODE_IIF, &iif);
	packet->oif = choose_interface(choice, CODE_OIF, &oif);
	packet->iiftype = packet->iif ? (uint16_t)choose_type(choice) : 0;
	/* The gateway has addresses in the zones it speaks with. */
	zone = zone_of_code(choice->prover, packet->iif ? iif : oif);
	packet->source = choose_address(choice, RANGE_SOURCE, zone);
	packet->destination = choose_address(choice, RANGE_DESTINATION, zone_of_code(choice->prover, packet->oif ? oif : iif));
	choose_another(choice, packet);
	packet->ether_saddr = choose_mac(choice, zone, &packet->source);
	packet->ether_type = choose_ether_type(choice);
	packet->next_hop = choose_hop(choice, &packet->destination);
}

/* ---- bits that a mask asks for */

/* The number with as few other bits as it takes to be what the atom asks for, or not to be it. */
static wide number_obeying(const struct atom *atom, wide number, bool asked)
{
	const wide with = (number & ~atom->mask) | atom->value;

	return asked || number != with ? (asked ? with : number) : number ^ (atom->mask & -atom->mask);
}

/* The same for a number of the packet that has to stay in the region. */
static wide obey_in_range(const struct choice *choice, const struct atom *atom, wide number, bool asked)
{
	const struct extent extent = choice->region->extents[atom->variable];
	const wide obeying = number_obeying(atom, number, asked);

	return extent.first <= obeying && obeying <= extent.last ? obeying : number;
}

static void obey_range(const struct choice *choice, const struct atom *atom, bool asked, struct packet *packet)
{
	switch (atom->variable) {
	case RANGE_SOURCE:
		packet->source = address_of_wide(obey_in_range(choice, atom, wide_of_address(&packet->source), asked), choice->family);
		break;
	case RANGE_DESTINATION:
		packet->destination = address_of_wide(obey_in_range(choice, atom, wide_of_address(&packet->destination), asked), choice->family);
		break;
	case RANGE_SPORT:
		packet->sport = (uint16_t)obey_in_range(choice, atom, packet->sport, asked);
		break;
	case RANGE_DPORT:
		packet->dport = (uint16_t)obey_in_range(choice, atom, packet->dport, asked);
		break;
	case RANGE_ETHER:
		wide_to_bytes(obey_in_range(choice, atom, wide_of_bytes(packet->ether_saddr.bytes, 6), asked), packet->ether_saddr.bytes, 6);
		break;
	case RANGE_ETHER_TYPE:
		packet->ether_type = (uint16_t)obey_in_range(choice, atom, packet->ether_type, asked);
		break;
	case RANGE_UID:
		packet->skuid = (uint32_t)obey_in_range(choice, atom, packet->skuid, asked);
		break;
	case RANGE_MARK:
		packet->ct_mark = (uint32_t)obey_in_range(choice, atom, packet->ct_mark, asked);
		break;
	}
}

/* Of a fact that does not hold the last mask is disobeyed, every second time. */
static void obey_fact(const struct choice *choice, const struct fact *fact, struct packet *packet)
{
	for (size_t i = fact->count; i-- > 0;) {
		const struct atom *atom = &fact->atoms[i];
		const bool asked = fact->holds != atom->negated;
		wide status;

		if (atom->mask == 0 || (!fact->holds && choice->attempt % 2 == 1))
			continue;
		if (atom->kind == ATOM_MASK && (atom->variable != RANGE_MARK || fact->mark == 0))
			obey_range(choice, atom, asked, packet);
		status = atom->kind == ATOM_CODES && atom->variable == CODE_STATUS ? number_obeying(atom, packet->ct_status, asked) : packet->ct_status;
		if (codes_have(&choice->region->codes[CODE_STATUS], status % BYTE_CODES))
			packet->ct_status = (uint32_t)status;
		if (!fact->holds)
			return;
	}
}

static struct packet choose_packet(struct choice *choice)
{
	struct packet packet = { .pkttype = (uint8_t)choose_code(choice, CODE_PKTTYPE, (const uint16_t[]){ 0 }, 1) };

	choose_connection(choice, &packet);
	if (choice->family == 0) {
		size_t unused;

		packet.iif = choose_interface(choice, CODE_IIF, &unused);
		packet.oif = choose_interface(choice, CODE_OIF, &unused);
		packet.iiftype = (uint16_t)choose_type(choice);
		packet.ether_type = (uint16_t)choose_in(choice, choice->region->extents[RANGE_ETHER_TYPE]);
		wide_to_bytes(choose_in(choice, choice->region->extents[RANGE_ETHER]), packet.ether_saddr.bytes, 6);
		return packet;
	}
	choose_ends(choice, &packet);
	choose_transport(choice, &packet);
	packet.hoplimit = (uint8_t)choose_code(choice, CODE_HOPLIMIT, (const uint16_t[]){ HOPLIMIT }, 1);
	packet.routing_header = choose_code(choice, CODE_ROUTING, (const uint16_t[]){ 0 }, 1) == 1;
	packet.has_skuid = choose_code(choice, CODE_SOCKET, (const uint16_t[]){ 1 }, 1) == 1;
	packet.skuid = (uint32_t)choose_in(choice, choice->region->extents[RANGE_UID]);
	for (size_t i = 0; i < choice->path->fact_count; i++)
		obey_fact(choice, &choice->path->facts[i], &packet);
	return packet;
}

/* True when the packet goes through its hooks to the end of the view, or is answered at the last. */
static bool packet_passes(struct arena *arena, const struct ruleset *ruleset, const struct view *view, const struct packet *packet, int64_t at)
{
	const enum hook_point through[] = { HOOK_INGRESS, HOOK_PREROUTING, view->hook };
	const bool alone = view->hook == HOOK_OUTPUT || view->hook == HOOK_INGRESS || view->hook == HOOK_BRIDGE;
	struct evaluation evaluation;

	if (alone)
		evaluation = evaluate_path(arena, ruleset, &view->hook, 1, packet, at);
	else
		evaluation = evaluate_path(arena, ruleset, through, 3, packet, at);
	return view->answered ? evaluation.rejected : evaluation.accepted;
}

bool breach_confirm(struct prover *prover, uint8_t family, const struct view *view, const struct path *path, int64_t at, unsigned int attempts,
		    struct breach *ret_breach)
{
	struct arena *arena = arena_new();
	struct choice choice = { .prover = prover, .family = family, .view = view, .path = path, .region = &path->region };
	bool passes = false;

	for (; choice.attempt < attempts && !passes; choice.attempt++) {
		struct packet packet = choose_packet(&choice);

		++prover->proof->work;
		passes = packet_passes(arena, prover->input->ruleset, view, &packet, at);
		if (passes)
			*ret_breach = (struct breach){ .hook = view->hook, .packet = packet, .at = at };
	}
	arena_free(arena);
	return passes;
}
