/* prove_sources: which senders get past prerouting. */
#include "ruleset/prove_parts.h"

#include <string.h>

const struct extent *zone_networks(const struct prover *prover, uint32_t zone, size_t *ret_count)
{
	const size_t family = prover->family == 6;
	const size_t *begins = prover->network_begins[family];

	*ret_count = begins[zone + 1] - begins[zone];
	return prover->networks[family] + begins[zone];
}

static void add_bad_source(struct prover *prover, enum proof_line line, const struct region *region)
{
	if (region_is_empty(region))
		return;
	if (line == PROOF_SOURCE)
		for (size_t i = 0; i < SPACE_WORDS; i++)
			prover->dirty.words[i] |= region->codes[CODE_IIF].words[i];
	if (!(prover->open & line_bit(line)))
		return;
	if (prover->bad_source_count == PROVE_BAD_SOURCES_MAX) {
		line_doubt(prover, line, PROOF_TOO_COMPLEX);
		return;
	}
	prover->bad_sources[prover->bad_source_count++] = (struct bad_source){ line, *region };
}

/* Shrinks the path to the region; false when its facts leave nothing of it. */
static bool path_within(struct prover *prover, struct path *path, const struct region *region)
{
	path->region = *region;
	return !region_is_empty(region) && path_settle(&prover->atoms, path);
}

/* IPv6 neighbours speak from link-local addresses, and from none before they have one: ICMPv6 alone. */
static bool is_neighbours(const struct prover *prover, const struct region *region)
{
	const struct extent none = { 0, 0 }, link_local = { (wide)0xfe80 << 112, ((wide)0xfec0 << 112) - 1 };
	const struct codes icmp = codes_one(PROVE_PROTOCOL_ICMP6);

	return prover->family == 6 && codes_cover(&icmp, &region->codes[CODE_PROTOCOL]) &&
	       (extent_covers(none, region->extents[RANGE_SOURCE]) || extent_covers(link_local, region->extents[RANGE_SOURCE]));
}

/* Packets of the path whose source lies in a gap between the zone's networks. */
static void seek_in_gap(struct prover *prover, const struct path *path, struct extent gap)
{
	struct path stranger = *path;
	struct region region = path->region;

	region.extents[RANGE_SOURCE] = extent_common(region.extents[RANGE_SOURCE], gap);
	if (!is_neighbours(prover, &region) && path_within(prover, &stranger, &region))
		add_bad_source(prover, PROOF_SOURCE, &stranger.region);
}

static void seek_strangers(struct prover *prover, const struct path *path, uint32_t zone)
{
	size_t count;
	const struct extent *networks = zone_networks(prover, zone, &count);
	wide next = 0;

	for (size_t i = 0; i < count; i++) {
		if (networks[i].first > next)
			seek_in_gap(prover, path, (struct extent){ next, networks[i].first - 1 });
		if (networks[i].last == ~(wide)0)
			return;
		next = networks[i].last + 1;
	}
	seek_in_gap(prover, path, (struct extent){ next, ~(wide)0 });
}

/* The bindings of a zone whose address lies in the range. */
static size_t first_binding(const struct pins *pins, uint32_t zone, const struct netaddr *address)
{
	size_t low = 0, high = pins->binding_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct binding_pin *binding = &pins->bindings[middle];

		if (binding->zone < zone || (binding->zone == zone && netaddr_compare(&binding->address, address) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Packets of one bound address that carry another Ethernet address than those from `first` to `end`, or none. */
static void seek_forgeries(struct prover *prover, const struct path *path, size_t first, size_t end)
{
	const struct binding_pin *bindings = prover->input->pins->bindings;
	const struct codes ether = codes_between(CODE_ETHERNET, CODE_LOOPBACK);
	const wide address = wide_of_address(&bindings[first].address);
	struct extent left = { 0, wide_max(6) };
	struct region region = path->region;
	struct path forged = *path;

	region.extents[RANGE_SOURCE] = (struct extent){ address, address };
	if (!path_within(prover, &forged, &region))
		return;
	for (size_t i = first; i <= end && left.first <= wide_max(6); i++) {
		const wide mac = i < end ? wide_of_bytes(bindings[i].mac.bytes, 6) : wide_max(6) + 1;
		struct extent gap = { left.first, mac ? mac - 1 : 0 };

		left.first = mac + 1;
		forged = *path;
		region = path->region;
		region.extents[RANGE_SOURCE] = (struct extent){ address, address };
		codes_keep(&region.codes[CODE_IIFTYPE], &ether);
		region.extents[RANGE_ETHER] = mac ? extent_common(region.extents[RANGE_ETHER], gap) : (struct extent){ 1, 0 };
		if (path_within(prover, &forged, &region))
			add_bad_source(prover, PROOF_MAC, &forged.region);
	}
	/* A line that carries no Ethernet address. */
	forged = *path;
	region = path->region;
	region.extents[RANGE_SOURCE] = (struct extent){ address, address };
	codes_drop(&region.codes[CODE_IIFTYPE], &ether);
	if (path_within(prover, &forged, &region))
		add_bad_source(prover, PROOF_MAC, &forged.region);
}

static void seek_unbound(struct prover *prover, const struct path *path, uint32_t zone)
{
	const struct pins *pins = prover->input->pins;
	const struct extent sources = path->region.extents[RANGE_SOURCE];
	const struct netaddr least = address_of_wide(sources.first, prover->family);

	for (size_t i = first_binding(pins, zone, &least), end; i < pins->binding_count; i = end) {
		const struct binding_pin *binding = &pins->bindings[i];

		if (binding->zone != zone || binding->address.family != prover->family || wide_of_address(&binding->address) > sources.last)
			return;
		for (end = i + 1; end < pins->binding_count; end++)
			if (pins->bindings[end].zone != zone || netaddr_compare(&pins->bindings[end].address, &binding->address) != 0)
				break;
		++prover->proof->work;
		seek_forgeries(prover, path, i, end);
	}
}

static void judge_sender(struct prover *prover, const struct path *path);

/* What a path's senders are taken apart with. */
struct sender_reading {
	struct prover *prover;
	const struct path *path;
	size_t fact, atom;
};

static bool judge_element(void *context, const struct element *element)
{
	const struct sender_reading *reading = context;
	struct path path = *reading->path;

	if (path_take_element(&reading->prover->atoms, &path, reading->fact, reading->atom, element))
		judge_sender(reading->prover, &path);
	return true;
}

/* A look-up of the path that has not been decided; false: there is none. */
static bool open_lookup(const struct path *path, size_t *ret_fact, size_t *ret_atom)
{
	for (size_t f = 0; f < path->fact_count; f++) {
		const struct fact *fact = &path->facts[f];

		for (size_t a = 0; fact->holds && a < fact->count; a++) {
			if (fact->atoms[a].kind != ATOM_LOOKUP || fact_has_done(fact, a))
				continue;
			*ret_fact = f;
			*ret_atom = a;
			return true;
		}
	}
	return false;
}

/* Senders of one way through prerouting. */
static void judge_sender(struct prover *prover, const struct path *path)
{
	struct sender_reading reading = { .prover = prover, .path = path };
	const struct fact *fact;

	if (prover->proof->work > prover->atoms.work_max) {
		lines_doubt(prover, line_bit(PROOF_SOURCE) | line_bit(PROOF_MAC), PROOF_TOO_COMPLEX);
		return;
	}
	if (open_lookup(path, &reading.fact, &reading.atom)) {
		fact = &path->facts[reading.fact];
		lookup_each(&prover->atoms, fact->atoms[reading.atom].lookup, &path->region, fact->mark, judge_element, &reading);
		return;
	}
	for (uint32_t zone = 0; zone < prover->input->pins->program.zone_count; zone++) {
		struct path of_zone = *path;

		codes_keep(&of_zone.region.codes[CODE_IIF], &prover->zone_interfaces[zone]);
		if (codes_are_empty(&of_zone.region.codes[CODE_IIF]))
			continue;
		seek_strangers(prover, &of_zone, zone);
		seek_unbound(prover, &of_zone, zone);
	}
}

static void sender_passed(void *context, struct path *path)
{
	if (path->end == VERDICT_ACCEPT)
		judge_sender(context, path);
	else
		judge_end(context, HOOK_PREROUTING, path);
}

void sources_walk(struct prover *prover)
{
	const struct walk_sink sink = { .ended = sender_passed, .context = prover };
	struct path start = { .until = INT64_MAX };

	prover->bad_sources = arena_array(prover->arena, PROVE_BAD_SOURCES_MAX, sizeof(*prover->bad_sources));
	prover->bad_source_count = 0;
	prover->dirty = (struct codes){ { 0 } };
	start.region = region_at_hook(&prover->space, prover->family, HOOK_PREROUTING);
	if (!walk_hook(prover->walker, HOOK_PREROUTING, NULL, &start, &sink))
		lines_doubt(prover, line_bit(PROOF_SOURCE) | line_bit(PROOF_MAC) | line_bit(PROOF_SILENCE), PROOF_TOO_COMPLEX);
}
