/* faults: wrong wirings in the database. */
#include <string.h>

#include "events/database.h"

/* Everything a fault is, as texts. */
struct fault_row {
	char mac[MACADDR_TEXT_BYTES], address[NETADDR_TEXT_BYTES], other_mac[MACADDR_TEXT_BYTES];
};

static void row_fill(const struct fault *fault, struct fault_row *row)
{
	*row = (struct fault_row){ .address = "" };
	macaddr_format(&fault->mac, row->mac);
	if (fault->address.family)
		netaddr_format(&fault->address, row->address);
	if (fault->has_other_mac)
		macaddr_format(&fault->other_mac, row->other_mac);
}

int faults_write(struct events *events, const struct events_batch *batch)
{
	sqlite3_stmt *statement = events->statements[STATEMENT_FAULT];
	int result = SQLITE_DONE;

	for (size_t i = 0; i < batch->fault_count && result == SQLITE_DONE; i++) {
		const struct events_fault *event = &batch->faults[i];
		const struct fault *fault = &event->fault;
		struct fault_row row;

		row_fill(fault, &row);
		database_bind(statement, "sssisssssiii", wiring_catalogue[fault->kind].id, row.mac, row.address, (int64_t)fault->vlan, fault->zone,
			      fault->interface, fault->other_zone, fault->other_interface, row.other_mac, event->first, event->last,
			      (int64_t)event->count);
		result = database_run(statement);
	}
	return result;
}

/* ---- reading: what is in the file need not come from us */

static const char *text_of(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

static bool kind_take(sqlite3_stmt *statement, int column, enum wiring_finding *ret_kind)
{
	for (int kind = 0; kind < WIRING_FINDING_COUNT; kind++) {
		if (strcmp(wiring_catalogue[kind].id, text_of(statement, column)) == 0) {
			*ret_kind = (enum wiring_finding)kind;
			return true;
		}
	}
	return false;
}

static bool name_take(sqlite3_stmt *statement, int column, char ret_name[static FAULT_NAME_BYTES])
{
	const char *text = text_of(statement, column);
	size_t length = strlen(text);

	if (length >= FAULT_NAME_BYTES)
		return false;
	memcpy(ret_name, text, length + 1);
	return true;
}

static bool fault_take(sqlite3_stmt *statement, struct events_fault *ret_event)
{
	struct events_fault event = { .count = 0 };
	struct fault *fault = &event.fault;
	const int64_t vlan = sqlite3_column_int64(statement, 3);

	if (!kind_take(statement, 0, &fault->kind) || macaddr_parse(text_of(statement, 1), &fault->mac) != 0 || vlan < 0 || vlan > 4095)
		return false;
	if (text_of(statement, 2)[0] && netaddr_parse(text_of(statement, 2), &fault->address) != 0)
		return false;
	if (!name_take(statement, 4, fault->zone) || !name_take(statement, 5, fault->interface) || !name_take(statement, 6, fault->other_zone) ||
	    !name_take(statement, 7, fault->other_interface))
		return false;
	fault->has_other_mac = text_of(statement, 8)[0] != '\0';
	if (fault->has_other_mac && macaddr_parse(text_of(statement, 8), &fault->other_mac) != 0)
		return false;
	fault->vlan = (uint16_t)vlan;
	event.first = sqlite3_column_int64(statement, 9);
	event.last = sqlite3_column_int64(statement, 10);
	event.count = (uint64_t)sqlite3_column_int64(statement, 11);
	*ret_event = event;
	return true;
}

int events_faults_each(struct events *events, const struct events_query *query, void (*visit)(const struct events_fault *fault, void *context),
		       void *context)
{
	static const char text[] = "SELECT kind, mac, address, vlan, zone, interface, other_zone, other_interface, other_mac, first, last, count"
				   " FROM faults WHERE (?1 IS NULL OR ?1 IN (zone, other_zone)) AND last >= ?2 ORDER BY last DESC, mac LIMIT ?3";
	struct events_fault event;
	sqlite3_stmt *statement;
	int result;

	/* A database of a version that knew no faults. */
	if (database_number(events, "SELECT count(*) FROM sqlite_master WHERE name = 'faults'") == 0)
		return 0;
	result = sqlite3_prepare_v2(events->database, text, -1, &statement, NULL);
	if (result != SQLITE_OK)
		return database_error(result);
	database_bind(statement, "sii", query->zone, query->since, query->rows_max ? (int64_t)query->rows_max : -1);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW)
		if (fault_take(statement, &event))
			visit(&event, context);
	sqlite3_finalize(statement);
	return database_error(result);
}
