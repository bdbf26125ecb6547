/* book: what the witness has heard and not written yet. */
#include "sekishod/book.h"

#include <stdlib.h>
#include <string.h>

#include "ruleset/headers.h"

static const char quiet_reason[] = "quiet";

static int compare_readings(const void *a, const void *b)
{
	const struct events_reading *left = a, *right = b;

	if (left->counter != right->counter)
		return left->counter < right->counter ? -1 : 1;
	if (left->whole != right->whole)
		return left->whole ? -1 : 1;
	if (left->iif != right->iif)
		return left->iif < right->iif ? -1 : 1;
	return (left->oif > right->oif) - (left->oif < right->oif);
}

struct book book_open(const struct events_reading *readings, size_t count)
{
	struct book book = { .names = arena_new(), .past = arena_new(), .waiting = arena_new(), .reading_count = count };

	book.readings = arena_array(book.past, count, sizeof(*readings));
	if (count > 0) {
		memcpy(book.readings, readings, count * sizeof(*readings));
		qsort(book.readings, count, sizeof(*readings), compare_readings);
	}
	return book;
}

void book_close(struct book *book)
{
	arena_free(book->names);
	arena_free(book->past);
	arena_free(book->waiting);
}

/* ---- names */

/* The zone of an interface, or NULL. */
static const char *zone_find(const struct book *book, uint32_t index)
{
	size_t low = 0, high = book->report.port_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (book->report.ports[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < book->report.port_count && book->report.ports[low].index == index)
		return book->report.ports[low].zone;
	return NULL;
}

static const char *zone_of(const struct book *book, uint32_t index)
{
	const char *zone = zone_find(book, index);

	return zone ? zone : EVENTS_NO_ZONE;
}

static bool names_are_known(const struct book *book, uint32_t iif, uint32_t oif)
{
	return (iif == 0 || zone_find(book, iif)) && (oif == 0 || zone_find(book, oif));
}

/* Packets that have not been routed yet when they are refused. */
static bool is_before_routing(const char *reason)
{
	return strcmp(reason, refusal_name(REFUSE_SOURCE)) == 0 || strcmp(reason, refusal_name(REFUSE_MAC)) == 0 || strcmp(reason, quiet_reason) == 0;
}

static const char *from_word(const struct book *book, uint32_t iif)
{
	return iif == 0 ? EVENTS_GATEWAY : zone_of(book, iif);
}

static const char *to_word(const struct book *book, const char *reason, uint32_t oif)
{
	if (oif != 0)
		return zone_of(book, oif);
	return is_before_routing(reason) ? EVENTS_NO_ZONE : EVENTS_GATEWAY;
}

/* ---- packets */

static bool refusal_is(const struct events_refusal *a, const struct events_refusal *b)
{
	return a->protocol == b->protocol && a->port == b->port && strcmp(a->reason, b->reason) == 0 && strcmp(a->source, b->source) == 0 &&
	       strcmp(a->destination, b->destination) == 0 && strcmp(a->from, b->from) == 0 && strcmp(a->to, b->to) == 0;
}

/* Adds a packet to what is waiting, or begins a row with copies of the texts. */
static void refusal_add(struct book *book, const struct events_refusal *refusal)
{
	struct events_refusal *row;

	for (size_t i = 0; i < book->refusal_count; i++) {
		row = &book->refusals[i];
		if (!refusal_is(row, refusal))
			continue;
		row->last = refusal->last;
		row->packets += refusal->packets;
		return;
	}
	if (book->refusal_count == BOOK_REFUSALS_MAX) {
		book_note_gap(book, refusal->first, refusal->last, "detail");
		return;
	}
	book->refusals = arena_grow(book->waiting, book->refusals, book->refusal_count, &book->refusal_capacity, sizeof(*row));
	row = &book->refusals[book->refusal_count++];
	*row = *refusal;
	row->from = arena_strdup(book->waiting, refusal->from);
	row->to = arena_strdup(book->waiting, refusal->to);
	row->source = arena_strdup(book->waiting, refusal->source);
	row->destination = arena_strdup(book->waiting, refusal->destination);
	row->mac = arena_strdup(book->waiting, refusal->mac);
}

static void unnamed_add(struct book *book, struct arena *arena, const struct book_unnamed *packet)
{
	struct book_unnamed *row;

	if (book->unnamed_count == BOOK_REFUSALS_MAX) {
		book_note_gap(book, packet->refusal.first, packet->refusal.last, "detail");
		return;
	}
	book->unnamed = arena_grow(arena, book->unnamed, book->unnamed_count, &book->unnamed_capacity, sizeof(*row));
	row = &book->unnamed[book->unnamed_count++];
	*row = *packet;
	row->refusal.source = arena_strdup(arena, packet->refusal.source);
	row->refusal.destination = arena_strdup(arena, packet->refusal.destination);
	row->refusal.mac = arena_strdup(arena, packet->refusal.mac);
}

static void name_and_add(struct book *book, const struct book_unnamed *packet)
{
	struct events_refusal refusal = packet->refusal;

	refusal.from = from_word(book, packet->iif);
	refusal.to = to_word(book, refusal.reason, packet->oif);
	refusal_add(book, &refusal);
}

/* The report has the zones of all interfaces: what is not in it belongs to none. */
static void unnamed_settle(struct book *book)
{
	for (size_t i = 0; i < book->unnamed_count; i++)
		name_and_add(book, &book->unnamed[i]);
	book->unnamed_count = 0;
}

void book_take_packet(struct book *book, const struct nflog_packet *packet, int64_t now)
{
	char source[NETADDR_TEXT_BYTES], destination[NETADDR_TEXT_BYTES], mac[MACADDR_TEXT_BYTES] = "";
	struct book_unnamed taken = { .iif = packet->iif, .oif = packet->oif };
	enum refusal reason;
	struct headers headers;

	if (!refusal_of_prefix(packet->prefix, &reason) || !headers_read(packet->head, &headers))
		return;
	if (packet->has_mac)
		macaddr_format(&packet->mac, mac);
	taken.refusal = (struct events_refusal){
		.reason = refusal_name(reason), .source = netaddr_format(&headers.source, source),
		.destination = netaddr_format(&headers.destination, destination), .mac = mac, .protocol = headers.protocol,
		.port = headers.has_ports ? headers.destination_port : 0, .first = now, .last = now, .packets = 1,
	};
	if (names_are_known(book, taken.iif, taken.oif))
		name_and_add(book, &taken);
	else
		unnamed_add(book, book->waiting, &taken);
}

/* ---- counters */

static void count_add(struct book *book, const char *reason, const char *from, const char *to, uint64_t packets)
{
	struct events_count *row;

	if (packets == 0)
		return;
	for (size_t i = 0; i < book->count_count; i++) {
		row = &book->counts[i];
		if (strcmp(row->reason, reason) == 0 && strcmp(row->from, from) == 0 && strcmp(row->to, to) == 0) {
			row->packets += packets;
			return;
		}
	}
	if (book->count_count == BOOK_COUNTS_MAX)
		return;
	book->counts = arena_grow(book->waiting, book->counts, book->count_count, &book->count_capacity, sizeof(*row));
	book->counts[book->count_count++] = (struct events_count){ reason, arena_strdup(book->waiting, from), arena_strdup(book->waiting, to), packets };
}

/* How many packets a counter has counted since it was read last; all, when it began anew meanwhile. */
static uint64_t packets_since(const struct book *book, const struct events_reading *now, bool *ret_anew)
{
	const struct events_reading *before =
		book->reading_count ? bsearch(now, book->readings, book->reading_count, sizeof(*now), compare_readings) : NULL;

	*ret_anew = before && (before->handle != now->handle || before->packets > now->packets);
	return before && !*ret_anew ? now->packets - before->packets : now->packets;
}

/* What all counters of one reason brought. */
struct reason_sum {
	uint64_t whole;		/* packets since the last report */
	uint64_t paired;	/* of these: by pairs of zones */
};

/* The sum of a reason stands at the first of its counters. */
static size_t sum_of_counter(const struct refusal_counter *counters, size_t counter)
{
	for (size_t i = 0; i < counter; i++)
		if (strcmp(counters[i].reason, counters[counter].reason) == 0)
			return i;
	return counter;
}

static void take_whole(struct book *book, const struct refusal_counter *counters, const struct events_reading *reading, int64_t now,
		       struct reason_sum *sums)
{
	bool anew;

	sums[sum_of_counter(counters, reading->counter)].whole += packets_since(book, reading, &anew);
	if (anew)
		book_note_gap(book, book->reported_at, now, "counters");
}

/*
 * The pairs were read after the whole: what came between is in them already, but not in the whole. It is left in the counter until the next report, so that the
 * pairs never say more than the whole, and nothing is counted twice.
 */
static void take_pair(struct book *book, const struct refusal_counter *counters, struct events_reading *reading, struct reason_sum *sums)
{
	struct reason_sum *sum = &sums[sum_of_counter(counters, reading->counter)];
	const char *reason = counters[reading->counter].reason;
	bool anew;
	uint64_t packets = packets_since(book, reading, &anew), covered = sum->whole - sum->paired;

	if (packets > covered) {
		reading->packets -= packets - covered;
		packets = covered;
	}
	sum->paired += packets;
	count_add(book, reason, from_word(book, reading->iif), to_word(book, reason, reading->oif), packets);
}

/* What came by an interface of no zone. */
static void take_rest(struct book *book, const struct refusal_counter *counters, const struct reason_sum *sums)
{
	for (size_t i = 0; i < REFUSAL_COUNTERS; i++)
		count_add(book, counters[i].reason, EVENTS_NO_ZONE, EVENTS_NO_ZONE, sums[i].whole - sums[i].paired);
}

static void names_take(struct book *book, const struct tally_report *report)
{
	struct arena *names = arena_new();
	struct tally_report copy = { .ports = arena_array(names, report->port_count, sizeof(*copy.ports)), .port_count = report->port_count };

	for (size_t i = 0; i < report->port_count; i++)
		copy.ports[i] = (struct tally_port){ report->ports[i].index, arena_strdup(names, report->ports[i].zone) };
	arena_free(book->names);
	book->names = names;
	book->report = copy;
}

void book_take_report(struct book *book, const struct tally_report *report, int64_t now)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct refusal_counter *counters = refusal_counters(arena);
	struct reason_sum sums[REFUSAL_COUNTERS] = { { .whole = 0 } };
	struct arena *past = arena_new();
	struct events_reading *readings = arena_array(past, report->tally.count, sizeof(*readings));

	names_take(book, report);
	unnamed_settle(book);
	for (size_t i = 0; i < report->tally.count; i++) {
		const struct tally_count *count = &report->tally.counts[i];

		readings[i] = (struct events_reading){ count->counter, count->whole, count->iif, count->oif, count->handle, count->packets };
		if (count->whole)
			take_whole(book, counters, &readings[i], now, sums);
	}
	for (size_t i = 0; i < report->tally.count; i++)
		if (!readings[i].whole)
			take_pair(book, counters, &readings[i], sums);
	take_rest(book, counters, sums);
	if (report->tally.count > 0)
		qsort(readings, report->tally.count, sizeof(*readings), compare_readings);
	arena_free(book->past);
	book->past = past;
	book->readings = readings;
	book->reading_count = report->tally.count;
	book->readings_moved = true;
	book->reported_at = now;
}

/* ---- batches */

void book_take_fault(struct book *book, const struct fault *fault, int64_t now)
{
	if (book->fault_count < BOOK_FAULTS_MAX)
		book->faults[book->fault_count++] = (struct events_fault){ .fault = *fault, .first = now, .last = now, .count = fault->count };
}

void book_note_gap(struct book *book, int64_t began, int64_t ended, const char *what)
{
	for (size_t i = 0; i < book->gap_count; i++) {
		if (strcmp(book->gaps[i].what, what) == 0) {
			book->gaps[i].ended = ended;
			return;
		}
	}
	if (book->gap_count < BOOK_GAPS_MAX)
		book->gaps[book->gap_count++] = (struct events_gap){ began, ended, what };
}

bool book_wants_report(const struct book *book)
{
	return book->unnamed_count > 0;
}

bool book_has_news(const struct book *book)
{
	return book->count_count > 0 || book->refusal_count > 0 || book->fault_count > 0 || book->gap_count > 0;
}

struct events_batch book_batch(struct book *book, int64_t now)
{
	return (struct events_batch){
		.now = now, .counts = book->counts, .count_count = book->count_count,
		.readings = book->readings_moved ? book->readings : NULL, .reading_count = book->reading_count,
		.refusals = book->refusals, .refusal_count = book->refusal_count, .faults = book->faults, .fault_count = book->fault_count,
		.gaps = book->gaps, .gap_count = book->gap_count,
	};
}

void book_written(struct book *book)
{
	struct arena *old = book->waiting;
	const struct book_unnamed *unnamed = book->unnamed;
	const size_t unnamed_count = book->unnamed_count;

	book->waiting = arena_new();
	book->counts = NULL;
	book->count_count = book->count_capacity = 0;
	book->refusals = NULL;
	book->refusal_count = book->refusal_capacity = 0;
	book->unnamed = NULL;
	book->unnamed_count = book->unnamed_capacity = 0;
	for (size_t i = 0; i < unnamed_count; i++)
		unnamed_add(book, book->waiting, &unnamed[i]);
	book->fault_count = 0;
	book->gap_count = 0;
	book->readings_moved = false;
	arena_free(old);
}
