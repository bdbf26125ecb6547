/* plan: the relays of a zone file, as they travel from the reader to the roles that need them. */
#include "relay/plan.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "mail/smtp_address.h"
#include "wire/fields.h"

static void string_put(struct buf *out, const char *text)
{
	buf_put_text(out, span_of(text ? text : ""));
}

static void addresses_put(struct buf *out, const struct relay *relay)
{
	buf_put_u32(out, (uint32_t)relay->listen_count);
	for (size_t i = 0; i < relay->listen_count; i++)
		buf_put_netaddr(out, &relay->listen[i]);
	buf_put_u16(out, relay->listen_port);
	buf_put_u32(out, (uint32_t)relay->accept_from.count);
	for (size_t i = 0; i < relay->accept_from.count; i++) {
		buf_put_netaddr(out, &relay->accept_from.items[i].first);
		buf_put_netaddr(out, &relay->accept_from.items[i].last);
	}
	buf_put_u32(out, (uint32_t)relay->next_hop_count);
	for (size_t i = 0; i < relay->next_hop_count; i++) {
		buf_put_netaddr(out, &relay->next_hops[i].address);
		buf_put_u16(out, relay->next_hops[i].port);
	}
}

static void text_put(struct buf *out, const struct relay_text *text)
{
	buf_put_u8(out, (uint8_t)text->language);
	buf_put_u8(out, (uint8_t)text->links);
	string_put(out, text->subject_prefix);
	string_put(out, text->footer);
	string_put(out, text->notice_address);
	string_put(out, text->authserv_id);
	string_put(out, text->trusted_authserv_id);
}

void plan_relay_pack(struct buf *out, const struct relay *relay)
{
	string_put(out, relay->name);
	string_put(out, relay->host_name);
	buf_put_u32(out, (uint32_t)relay->domain_count);
	for (size_t i = 0; i < relay->domain_count; i++)
		string_put(out, relay->domains[i]);
	addresses_put(out, relay);
	buf_put_u64(out, relay->limits.message_bytes_max);
	buf_put_u32(out, relay->limits.recipients_max);
	buf_put_u32(out, relay->limits.sessions_max);
	buf_put_u32(out, relay->limits.sessions_per_client_max);
	text_put(out, &relay->text);
	buf_put_u32(out, relay->originals.retention_days);
	buf_put_u64(out, relay->originals.free_bytes_min);
}

void plan_pack(struct buf *out, const struct relay *relays, size_t count)
{
	buf_put_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		plan_relay_pack(out, &relays[i]);
}

void plan_number_pack(struct buf *out, uint32_t number, struct span packed_relays)
{
	buf_put_u32(out, number);
	buf_put(out, packed_relays.data, packed_relays.length);
}

/* ---- reading: what is left of the payload, and where values are put ---- */

struct plan_reader {
	struct span rest;
	struct arena *arena;
};

static bool string_take(struct plan_reader *reader, const char **ret_text)
{
	struct span text;

	if (!span_take_text(&reader->rest, &text) || memchr(text.data, '\0', text.length))
		return false;
	*ret_text = arena_strndup(reader->arena, text.data, text.length);
	return true;
}

/* The number of items that follow; each takes at least one byte. */
static bool count_take(struct plan_reader *reader, size_t *ret_count)
{
	uint32_t count;

	if (!span_take_u32(&reader->rest, &count) || count > reader->rest.length)
		return false;
	*ret_count = count;
	return true;
}

static bool listen_take(struct plan_reader *reader, struct relay *relay)
{
	struct netaddr *listen;

	if (!count_take(reader, &relay->listen_count))
		return false;
	listen = arena_array(reader->arena, relay->listen_count, sizeof(*listen));
	relay->listen = listen;
	for (size_t i = 0; i < relay->listen_count; i++)
		if (!span_take_netaddr(&reader->rest, &listen[i]))
			return false;
	return span_take_u16(&reader->rest, &relay->listen_port);
}

static bool accept_from_take(struct plan_reader *reader, struct relay *relay)
{
	if (!count_take(reader, &relay->accept_from.count))
		return false;
	relay->accept_from.items = arena_array(reader->arena, relay->accept_from.count, sizeof(*relay->accept_from.items));
	for (size_t i = 0; i < relay->accept_from.count; i++)
		if (!span_take_netaddr(&reader->rest, &relay->accept_from.items[i].first) ||
		    !span_take_netaddr(&reader->rest, &relay->accept_from.items[i].last))
			return false;
	return true;
}

static bool next_hops_take(struct plan_reader *reader, struct relay *relay)
{
	struct relay_hop *hops;

	if (!count_take(reader, &relay->next_hop_count))
		return false;
	hops = arena_array(reader->arena, relay->next_hop_count, sizeof(*hops));
	relay->next_hops = hops;
	for (size_t i = 0; i < relay->next_hop_count; i++)
		if (!span_take_netaddr(&reader->rest, &hops[i].address) || !span_take_u16(&reader->rest, &hops[i].port))
			return false;
	return true;
}

static bool domains_take(struct plan_reader *reader, struct relay *relay)
{
	const char **domains;

	if (!count_take(reader, &relay->domain_count))
		return false;
	domains = arena_array(reader->arena, relay->domain_count, sizeof(*domains));
	relay->domains = domains;
	for (size_t i = 0; i < relay->domain_count; i++)
		if (!string_take(reader, &domains[i]))
			return false;
	return true;
}

static bool limits_take(struct plan_reader *reader, struct relay_limits *limits)
{
	return span_take_u64(&reader->rest, &limits->message_bytes_max) && span_take_u32(&reader->rest, &limits->recipients_max) &&
	       span_take_u32(&reader->rest, &limits->sessions_max) && span_take_u32(&reader->rest, &limits->sessions_per_client_max);
}

static bool text_take(struct plan_reader *reader, struct relay_text *text)
{
	uint8_t language, links;

	if (!span_take_u8(&reader->rest, &language) || language > LANGUAGE_JA || !span_take_u8(&reader->rest, &links) ||
	    links > RELAY_LINKS_HOST)
		return false;
	text->language = (enum language)language;
	text->links = (enum relay_links)links;
	return string_take(reader, &text->subject_prefix) && string_take(reader, &text->footer) &&
	       string_take(reader, &text->notice_address) && string_take(reader, &text->authserv_id) &&
	       string_take(reader, &text->trusted_authserv_id);
}

/* What is made of these values must be right: a directory, a name that is said, somebody to deliver to, a size, a time. */
static bool relay_is_usable(const struct relay *relay)
{
	return relay->name[0] != '\0' && relay->name[0] != '.' && !strchr(relay->name, '/') && smtp_domain_is_valid(span_of(relay->host_name)) &&
	       relay->domain_count > 0 && relay->next_hop_count > 0 && relay->limits.message_bytes_max > 0 && relay->originals.retention_days > 0;
}

static bool relay_take(struct plan_reader *reader, struct relay *relay)
{
	return string_take(reader, &relay->name) && string_take(reader, &relay->host_name) && domains_take(reader, relay) &&
	       listen_take(reader, relay) && accept_from_take(reader, relay) && next_hops_take(reader, relay) &&
	       limits_take(reader, &relay->limits) && text_take(reader, &relay->text) &&
	       span_take_u32(&reader->rest, &relay->originals.retention_days) &&
	       span_take_u64(&reader->rest, &relay->originals.free_bytes_min) && relay_is_usable(relay);
}

int plan_relay_unpack(struct arena *arena, struct span bytes, struct relay *ret_relay)
{
	struct plan_reader reader = { .rest = bytes, .arena = arena };
	struct relay relay = { .name = NULL };

	if (!relay_take(&reader, &relay) || reader.rest.length != 0)
		return -EBADMSG;
	*ret_relay = relay;
	return 0;
}

static bool relays_take(struct plan_reader *reader, struct plan *plan)
{
	struct relay *relays;

	if (!count_take(reader, &plan->relay_count) || plan->relay_count > POLICY_RELAYS_MAX)
		return false;
	relays = arena_array(reader->arena, plan->relay_count, sizeof(*relays));
	plan->relays = relays;
	for (size_t i = 0; i < plan->relay_count; i++)
		if (!relay_take(reader, &relays[i]))
			return false;
	return reader->rest.length == 0;
}

int plan_unpack(struct span bytes, uint32_t number, struct plan **ret_plan)
{
	struct plan_reader reader = { .rest = bytes, .arena = arena_new() };
	struct plan *plan = arena_alloc(reader.arena, sizeof(*plan));

	*plan = (struct plan){ .arena = reader.arena, .number = number };
	if (!relays_take(&reader, plan)) {
		plan_free(plan);
		return -EBADMSG;
	}
	*ret_plan = plan;
	return 0;
}

void plan_free(struct plan *plan)
{
	if (plan)
		arena_free(plan->arena);
}

/* ---- the book ---- */

/* Gives back plans without users; the newest and the one before it stay. */
static void book_clear(struct plan_book *book)
{
	struct plan **at = book->newest && book->newest->older ? &book->newest->older->older : NULL;

	while (at && *at) {
		struct plan *plan = *at;

		if (plan->users > 0) {
			at = &plan->older;
			continue;
		}
		*at = plan->older;
		plan_free(plan);
	}
}

int plan_book_take(struct plan_book *book, struct span payload)
{
	struct plan *plan;
	uint32_t number;
	int error;

	if (!span_take_u32(&payload, &number) || (book->newest && number <= book->newest->number))
		return -EBADMSG;
	error = plan_unpack(payload, number, &plan);
	if (error)
		return error;
	plan->older = book->newest;
	book->newest = plan;
	book_clear(book);
	return 0;
}

const struct relay *plan_book_use(struct plan_book *book, uint32_t number, uint32_t index, struct plan **ret_plan)
{
	for (struct plan *plan = book->newest; plan; plan = plan->older) {
		if (plan->number != number || index >= plan->relay_count)
			continue;
		plan->users++;
		*ret_plan = plan;
		return &plan->relays[index];
	}
	return NULL;
}

void plan_book_release(struct plan_book *book, struct plan *plan)
{
	plan->users--;
	book_clear(book);
}

void plan_book_free(struct plan_book *book)
{
	while (book->newest) {
		struct plan *plan = book->newest;

		book->newest = plan->older;
		plan_free(plan);
	}
}

/* ---- what other modules need of a relay ---- */

/* A text of the settings with the line ends of a letter. */
static struct span with_crlf(struct arena *arena, const char *text)
{
	char *copy = arena_alloc(arena, 2 * strlen(text) + 1);
	size_t length = 0;

	for (; *text; text++) {
		if (*text == '\n')
			copy[length++] = '\r';
		copy[length++] = *text;
	}
	return (struct span){ .data = copy, .length = length };
}

struct letter_office plan_office(struct arena *arena, const struct relay *relay)
{
	time_t now = time(NULL);
	struct tm local = { 0 };

	localtime_r(&now, &local);
	return (struct letter_office){
		.relay_domain = span_of(relay->host_name), .notice_address = span_of(relay->text.notice_address),
		.authserv_id = span_of(relay->text.authserv_id), .subject_prefix = span_of(relay->text.subject_prefix),
		.footer = with_crlf(arena, relay->text.footer), .zone_minutes = (int)(local.tm_gmtoff / 60),
		.language = relay->text.language,
	};
}

struct wash_settings plan_wash_settings(struct arena *arena, const struct relay *relay)
{
	static const enum link_style styles[] = {
		[RELAY_LINKS_HXXP] = LINK_STYLE_HXXP, [RELAY_LINKS_BRACKETS] = LINK_STYLE_BRACKETS, [RELAY_LINKS_HOST] = LINK_STYLE_HOST,
	};
	struct span *domains = arena_array(arena, relay->domain_count, sizeof(*domains));

	for (size_t i = 0; i < relay->domain_count; i++)
		domains[i] = span_of(relay->domains[i]);
	return (struct wash_settings){
		.links = styles[relay->text.links], .language = relay->text.language, .own_domains = domains,
		.own_domain_count = relay->domain_count, .trusted_authserv_id = span_of(relay->text.trusted_authserv_id),
	};
}
