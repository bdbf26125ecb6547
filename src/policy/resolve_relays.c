/*
 * resolve_relays: relays with all that their processes need, and the two flows by which the packet filter knows them.
 */
#include "policy/resolver.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/mail_name.h"

enum { TCP = 6, MIB_BYTES = 1 << 20 };

static const char *const user_names[RELAY_USER_COUNT] = {
	[RELAY_USER_KEEPER] = "sekisho-keeper",
	[RELAY_USER_FRONT] = "sekisho-front",
	[RELAY_USER_WASHER] = "sekisho-washer",
	[RELAY_USER_COURIER] = "sekisho-courier",
};

const char *relay_user_name(enum relay_user user)
{
	return user_names[user];
}

/* False with a finding when the list has more items than a relay may have. */
static bool check_length(struct resolver *r, const struct relay *relay, const char *key, const struct text_list *words, size_t count,
			 size_t maximum)
{
	if (count <= maximum)
		return true;
	policy_find(r->findings, POLICY_RELAY_LIST_LONG, words->at, key, relay->name, arena_printf(r->arena, "%zu", maximum));
	return false;
}

/* ---- where mail comes in */

/* An address of the gateway itself: in the networks written for the zone, also where the zone is the uplink and has the rest of the world. */
static bool resolve_listen_word(struct resolver *r, const struct relay *relay, const struct text *word, struct netaddr *address)
{
	const struct zone_notes *notes = &r->zone_notes[relay->from];
	const struct zone *zone = &r->zones[relay->from];

	if (netaddr_parse(word->value, address) < 0) {
		policy_find(r->findings, POLICY_ADDRESS_MALFORMED, word->at, word->value);
		return false;
	}
	if (addr_ranges_contain(notes->declared, address))
		return true;
	if (!notes->incomplete)
		finding_relate(policy_find(r->findings, POLICY_RELAY_LISTEN_OUTSIDE, word->at, word->value, zone->name), zone->at);
	return false;
}

static bool resolve_listen(struct resolver *r, const struct relay_settings *settings, struct relay *relay)
{
	const struct text_list *words = &settings->listen;
	struct netaddr *addresses = arena_array(r->arena, words->count, sizeof(*addresses));

	if (!check_length(r, relay, "listen", words, words->count, POLICY_RELAY_LISTEN_MAX))
		return false;
	relay->listen = addresses;
	for (size_t i = 0; i < words->count; i++)
		if (resolve_listen_word(r, relay, &words->items[i], &addresses[relay->listen_count]))
			relay->listen_count++;
	return relay->listen_count == words->count;
}

/* The addresses to listen at as the packet filter wants them; none: all. */
static struct addr_ranges listen_ranges(struct resolver *r, const struct relay *relay)
{
	struct addr_range *ranges = arena_array(r->arena, relay->listen_count, sizeof(*ranges));

	for (size_t i = 0; i < relay->listen_count; i++)
		ranges[i] = (struct addr_range){ relay->listen[i], relay->listen[i] };
	return addr_ranges_union(r->arena, ranges, relay->listen_count);
}

/* Somebody who may deliver must be able to reach an address at which the relay listens. */
static bool check_families(struct resolver *r, const struct relay_settings *settings, const struct relay *relay)
{
	for (size_t i = 0; i < relay->listen_count; i++)
		for (size_t k = 0; k < relay->accept_from.count; k++)
			if (relay->listen[i].family == relay->accept_from.items[k].first.family)
				return true;
	if (relay->listen_count == 0)
		return true;
	finding_relate(policy_find(r->findings, POLICY_FAMILIES_DISJOINT, settings->accept_from.at, relay->name), settings->listen.at);
	return false;
}

static bool resolve_accept_from(struct resolver *r, const struct relay_settings *settings, struct relay *relay, struct end *ret_end)
{
	if (!resolve_end(r, &settings->accept_from, relay->from, ret_end))
		return false;
	if (ret_end->any) {
		policy_find(r->findings, POLICY_RELAY_ACCEPTS_ANY, settings->accept_from.at, settings->name.value);
		return false;
	}
	relay->accept_from = ret_end->ranges;
	return check_families(r, settings, relay);
}

/* ---- where it goes to */

/* Next hops while they are gathered. */
struct next_hops {
	struct relay_hop *items;
	size_t count, capacity;
};

static void add_next_hop(struct resolver *r, struct next_hops *hops, const struct netaddr *address, uint16_t port)
{
	for (size_t i = 0; i < hops->count; i++)
		if (netaddr_compare(&hops->items[i].address, address) == 0)
			return;
	hops->items = arena_grow(r->arena, hops->items, hops->count, &hops->capacity, sizeof(*hops->items));
	hops->items[hops->count++] = (struct relay_hop){ *address, port };
}

/*
 * The addresses of one word, in the order of its host: servers the courier connects to, so single ones. Word by word, because neighbouring
 * addresses of different words are one range in the end as a whole. False with a finding.
 */
static bool resolve_next_hop_word(struct resolver *r, const struct text *word, uint32_t zone, uint16_t port, struct next_hops *hops)
{
	const struct text_list list = { .items = (struct text[]){ *word }, .count = 1, .at = word->at };
	char text[ADDR_RANGE_TEXT_BYTES];
	struct end end;
	size_t addresses;

	if (!resolve_end(r, &list, zone, &end))
		return false;
	addresses = end.host ? end.host->address_count : end.ranges.count;
	for (size_t i = 0; i < addresses; i++) {
		if (!end.host && (end.any || !addr_range_is_single(&end.ranges.items[i]))) {
			policy_find(r->findings, POLICY_RELAY_NEXT_HOP_WIDE, word->at,
				    end.any ? "any" : addr_range_format(&end.ranges.items[i], text));
			return false;
		}
		add_next_hop(r, hops, end.host ? &end.host->addresses[i] : &end.ranges.items[i].first, port);
	}
	return true;
}

/* In the order of the words, because that is the order in which they are tried. */
static bool resolve_next_hops(struct resolver *r, const struct relay_settings *settings, struct relay *relay, struct end *ret_end)
{
	const struct text_list *words = &settings->next_hops;
	struct next_hops hops = { .items = NULL };
	bool whole = resolve_end(r, words, relay->to, ret_end);

	for (size_t i = 0; whole && i < words->count; i++)
		whole = resolve_next_hop_word(r, &words->items[i], relay->to, (uint16_t)settings->next_hop_port.value, &hops);
	relay->next_hops = hops.items;
	relay->next_hop_count = hops.count;
	return whole && check_length(r, relay, "next_hops", words, hops.count, POLICY_RELAY_NEXT_HOPS_MAX);
}

/* ---- names of mail */

/* A domain or host name; false with a finding. Nothing written leaves *name as it is. */
static bool resolve_domain(struct resolver *r, const struct text *word, const char **name)
{
	int error = word->value ? mail_domain_parse(r->arena, word->value, name) : 0;

	if (error < 0)
		policy_find(r->findings, error == -EILSEQ ? POLICY_DOMAIN_NOT_ASCII : POLICY_DOMAIN_MALFORMED, word->at, word->value);
	return error == 0;
}

static bool domain_is_new(struct resolver *r, const struct text_list *words, size_t index, const char *const *domains)
{
	for (size_t i = 0; i < index; i++)
		if (domains[i] && strcmp(domains[i], domains[index]) == 0) {
			finding_relate(policy_find(r->findings, POLICY_DOMAIN_TWICE, words->items[index].at, words->items[index].value),
				       words->items[i].at);
			return false;
		}
	return true;
}

static bool resolve_domains(struct resolver *r, const struct relay_settings *settings, struct relay *relay)
{
	const struct text_list *words = &settings->domains;
	const char **domains = arena_array(r->arena, words->count, sizeof(*domains));
	bool whole = words->count > 0;

	if (!check_length(r, relay, "domains", words, words->count, POLICY_RELAY_DOMAINS_MAX))
		return false;
	for (size_t i = 0; i < words->count; i++)
		whole &= resolve_domain(r, &words->items[i], &domains[i]) && domain_is_new(r, words, i, domains);
	relay->domains = domains;
	relay->domain_count = whole ? words->count : 0;
	return whole;
}

/* What the relay calls itself, and who signs its notices; by the first domain where nothing is written. */
static bool resolve_own_names(struct resolver *r, const struct relay_settings *settings, struct relay *relay)
{
	const struct text *address = &settings->text.notice_address;
	int error = address->value ? mail_address_parse(r->arena, address->value, &relay->text.notice_address) : 0;

	if (error < 0)
		policy_find(r->findings, POLICY_MAIL_ADDRESS_MALFORMED, address->at, address->value);
	if (relay->domain_count > 0) {
		relay->host_name = arena_printf(r->arena, "sekisho-relay.%s", relay->domains[0]);
		if (!address->value)
			relay->text.notice_address = arena_printf(r->arena, "postmaster@%s", relay->domains[0]);
	}
	return resolve_domain(r, &settings->host_name, &relay->host_name) && error == 0;
}

/* Without somebody whose results are believed there are none to pass on. */
static bool resolve_authserv(struct resolver *r, const struct relay_settings *settings, struct relay *relay)
{
	const struct text *own = &settings->text.authserv_id, *trusted = &settings->text.trusted_authserv_id;
	bool whole = resolve_domain(r, trusted, &relay->text.trusted_authserv_id);

	if (!trusted->value && own->value) {
		policy_find(r->findings, POLICY_RELAY_AUTHSERV_ALONE, own->at, own->value);
		return false;
	}
	if (trusted->value)
		relay->text.authserv_id = relay->host_name;
	return resolve_domain(r, own, &relay->text.authserv_id) && whole;
}

/* ---- texts */

/* True for 外字: planes and a block whose characters everybody may define for himself. */
static bool is_private(uint32_t codepoint)
{
	return (codepoint >= 0xe000 && codepoint <= 0xf8ff) || codepoint >= 0xf0000;
}

/* A text that every mail carries; false with a finding. */
static bool check_text(struct resolver *r, const char *key, const char *text, size_t bytes_max, struct origin at)
{
	const struct span span = span_of(text);
	uint32_t codepoint;

	if (span.length > bytes_max) {
		policy_find(r->findings, POLICY_RELAY_TEXT_LONG, at, key, arena_printf(r->arena, "%zu", span.length),
			    arena_printf(r->arena, "%zu", bytes_max));
		return false;
	}
	for (size_t offset = 0; offset < span.length;)
		if (utf8_next(span, &offset, &codepoint) < 0 || is_private(codepoint)) {
			policy_find(r->findings, POLICY_RELAY_TEXT_PRIVATE, at, key, arena_printf(r->arena, "U+%04X", codepoint));
			return false;
		}
	return true;
}

/* The lines of the footer with LF between them. A line of spaces is an empty one: a text in the file cannot be empty. */
static const char *join_lines(struct arena *arena, const struct text_list *lines)
{
	const char *joined = "";

	for (size_t i = 0; i < lines->count; i++) {
		const char *line = lines->items[i].value;
		size_t length = strlen(line);

		while (length > 0 && line[length - 1] == ' ')
			length--;
		joined = arena_printf(arena, "%s%s%.*s", joined, i ? "\n" : "", (int)length, line);
	}
	return joined;
}

static enum relay_links links_of(const char *word)
{
	if (word && strcmp(word, "brackets") == 0)
		return RELAY_LINKS_BRACKETS;
	return word && strcmp(word, "host") == 0 ? RELAY_LINKS_HOST : RELAY_LINKS_HXXP;
}

static bool resolve_text(struct resolver *r, const struct relay_settings *settings, struct relay *relay)
{
	const struct relay_text_settings *text = &settings->text;
	bool whole = check_length(r, relay, "footer", &text->footer, text->footer.count, POLICY_FOOTER_BYTES_MAX);

	relay->text.language = text->language.value && strcmp(text->language.value, "en") == 0 ? LANGUAGE_EN : LANGUAGE_JA;
	relay->text.links = links_of(text->links.value);
	relay->text.subject_prefix = text->subject_prefix.value ? resolve_copy(r, &text->subject_prefix) : "";
	relay->text.footer = whole ? join_lines(r->arena, &text->footer) : "";
	whole &= check_text(r, "subject_prefix", relay->text.subject_prefix, POLICY_SUBJECT_PREFIX_BYTES_MAX, text->subject_prefix.at);
	return check_text(r, "footer", relay->text.footer, POLICY_FOOTER_BYTES_MAX, text->footer.at) && whole;
}

/* ---- the relay as a whole */

/* The schema has judged the ranges. */
static void set_numbers(struct relay *relay, const struct relay_settings *settings)
{
	const struct relay_limits_settings *limits = &settings->limits;

	relay->limits = (struct relay_limits){
		.message_bytes_max = (uint64_t)limits->message_mib.value * MIB_BYTES,
		.recipients_max = (unsigned int)limits->recipients.value,
		.sessions_max = (unsigned int)limits->sessions.value,
		.sessions_per_client_max = (unsigned int)limits->sessions_per_client.value,
	};
	if (relay->limits.sessions_per_client_max > relay->limits.sessions_max)
		relay->limits.sessions_per_client_max = relay->limits.sessions_max;
	relay->originals = (struct relay_originals){
		.retention_days = (unsigned int)settings->originals.days.value,
		.free_bytes_min = (uint64_t)settings->originals.free_mib.value * MIB_BYTES,
	};
}

/* An address both relays would listen at, as a finding names it; NULL when there is none. */
static const char *shared_listen(struct arena *arena, const struct relay *a, const struct relay *b)
{
	char text[NETADDR_TEXT_BYTES];

	if (a->listen_port != b->listen_port)
		return NULL;
	if (a->listen_count == 0 && b->listen_count == 0)
		return "*";
	if (a->listen_count == 0 || b->listen_count == 0)
		return arena_strdup(arena, netaddr_format(a->listen_count ? a->listen : b->listen, text));
	for (size_t i = 0; i < a->listen_count; i++)
		for (size_t k = 0; k < b->listen_count; k++)
			if (netaddr_compare(&a->listen[i], &b->listen[k]) == 0)
				return arena_strdup(arena, netaddr_format(&a->listen[i], text));
	return NULL;
}

/* Only one of two can listen; which one would be a matter of luck. */
static void check_listeners(struct resolver *r, const struct relay *relays, const struct relay *relay)
{
	for (const struct relay *other = relays; other < relay; other++) {
		const char *address = shared_listen(r->arena, other, relay);

		if (address)
			finding_relate(policy_find(r->findings, POLICY_RELAY_LISTEN_TWICE, relay->at, relay->name, other->name,
						   arena_printf(r->arena, "%u", relay->listen_port), address),
				       other->at);
	}
}

/* One TCP port. */
static struct traffic port_traffic(struct resolver *r, const struct number *port)
{
	struct port_range *range = arena_alloc(r->arena, sizeof(*range));

	range->first = range->last = (uint16_t)port->value;
	return (struct traffic){ .protocol = TCP, .ports = range, .port_count = 1, .ports_at = port->at };
}

/* What a relay needs of the packet filter: its listener and its way to the inner mail server. */
static void add_relay_flows(struct resolver *r, const struct relay *relay, const struct relay_settings *settings,
			    const struct end ends[static 2])
{
	struct flow *in = resolve_new_flow(r, arena_printf(r->arena, "relay/%s/in", relay->name), relay->at);
	struct flow *out = resolve_new_flow(r, arena_printf(r->arena, "relay/%s/out", relay->name), relay->at);
	struct traffic in_traffic = port_traffic(r, &settings->listen_port), out_traffic = port_traffic(r, &settings->next_hop_port);

	if (!in || !out)
		return;
	in->kind = FLOW_LOCAL;
	in->from = relay->from;
	resolve_flow_source(r, in, &ends[0]);
	in->destinations = listen_ranges(r, relay);
	resolve_flow_part(r, in, FLOW_PART_DESTINATION, settings->listen.at);
	resolve_flow_traffic(r, in, &in_traffic);
	out->kind = FLOW_EGRESS;
	out->to = relay->to;
	out->user = relay_user_name(RELAY_USER_COURIER);
	out->uid = r->policy->relay_uids[RELAY_USER_COURIER];
	resolve_flow_destination(r, out, &ends[1]);
	resolve_flow_traffic(r, out, &out_traffic);
}

static void resolve_relay(struct resolver *r, struct relay *relays, const struct relay_settings *settings, bool users)
{
	struct name_entry *entry = resolve_new_name(r, &r->relay_names, &settings->name);
	struct relay *relay = &relays[r->policy->relay_count];
	struct end ends[2];
	bool zones, whole;

	if (entry && r->policy->relay_count == POLICY_RELAYS_MAX) {
		if (!r->relays_overflow)
			policy_find(r->findings, POLICY_RELAYS_TOO_MANY, settings->at, settings->name.value,
				    arena_printf(r->arena, "%d", POLICY_RELAYS_MAX));
		r->relays_overflow = true;
		return;
	}
	*relay = (struct relay){ .name = resolve_copy(r, &settings->name), .at = settings->at, .listen_port = (uint16_t)settings->listen_port.value };
	zones = resolve_zone_name(r, &settings->from, &relay->from);
	zones &= resolve_zone_name(r, &settings->to, &relay->to);
	if (!entry || !zones)
		return;
	r->policy->relay_count++;
	set_numbers(relay, settings);
	whole = resolve_listen(r, settings, relay);
	whole &= resolve_accept_from(r, settings, relay, &ends[0]);
	whole &= resolve_next_hops(r, settings, relay, &ends[1]);
	whole &= resolve_domains(r, settings, relay);
	whole &= resolve_own_names(r, settings, relay);
	whole &= resolve_authserv(r, settings, relay);
	whole &= resolve_text(r, settings, relay);
	check_listeners(r, relays, relay);
	if (whole && users)
		add_relay_flows(r, relay, settings, ends);
}

/* The users of the processes; false with a finding for each that is missing. */
static bool resolve_relay_users(struct resolver *r)
{
	bool whole = true;

	for (enum relay_user user = RELAY_USER_KEEPER; user < RELAY_USER_COUNT; user++)
		whole &= resolve_user(r, relay_user_name(user), r->settings->relays[0].at, &r->policy->relay_uids[user]);
	return whole;
}

void resolve_relays(struct resolver *r)
{
	const struct settings *settings = r->settings;
	struct relay *relays = arena_array(r->arena, settings->relay_count + 1, sizeof(*relays));
	bool users = settings->relay_count == 0 || resolve_relay_users(r);

	r->relay_names = name_table_new(r->scratch, settings->relay_count);
	r->policy->relays = relays;
	for (size_t i = 0; i < settings->relay_count; i++)
		resolve_relay(r, relays, &settings->relays[i], users);
}
