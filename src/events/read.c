/* read: the database as others see it. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/date.h"
#include "events/database.h"

enum { READ_TIMEOUT_MS = 2000 };

/* What a hostile file could use: triggers and views of its own, functions in them, cells that overlap. */
static int defend(sqlite3 *database)
{
	int result = sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_exec(database, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", NULL, NULL, NULL);
	return result;
}

/* SQLite looks at a file only when something of it is wanted. */
static bool is_database(struct events *events)
{
	return sqlite3_exec(events->database, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL) == SQLITE_OK;
}

int events_open_reading(const char *path, struct events **ret_events)
{
	struct events *events;
	int result;

	if (access(path, F_OK) != 0)
		return -errno;
	events = calloc(1, sizeof(*events));
	if (!events)
		arena_exhausted();
	result = sqlite3_open_v2(path, &events->database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, NULL);
	if (result == SQLITE_OK)
		result = defend(events->database);
	if (result != SQLITE_OK) {
		events_close(events);
		return database_error(result);
	}
	sqlite3_busy_timeout(events->database, READ_TIMEOUT_MS);
	if (!is_database(events)) {
		events_close(events);
		return -EBADMSG;
	}
	if (database_version(events) != EVENTS_VERSION) {
		events_close(events);
		return -EPROTONOSUPPORT;
	}
	*ret_events = events;
	return 0;
}

int64_t events_last_change(struct events *events)
{
	return database_number(events, "SELECT value FROM state WHERE name = 'change'");
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

/* Prepares a query and binds ?1 zone, ?2 since (or after), ?3 rows. */
static int query_prepare(struct events *events, const char *text, const struct events_query *query, int64_t from, sqlite3_stmt **ret_statement)
{
	int result = sqlite3_prepare_v2(events->database, text, -1, ret_statement, NULL);

	if (result != SQLITE_OK)
		return database_error(result);
	database_bind(*ret_statement, "sii", query->zone, from, query->rows_max ? (int64_t)query->rows_max : -1);
	return 0;
}

int events_days_each(struct events *events, const struct events_query *query, void (*visit)(const struct events_day *day, void *context),
		     void *context)
{
	static const char text[] = "SELECT day, reason, from_zone, to_zone, first, last, packets FROM counts"
				   " WHERE (?1 IS NULL OR ?1 IN (from_zone, to_zone)) AND day >= ?2"
				   " ORDER BY from_zone, to_zone, reason, day LIMIT ?3";
	sqlite3_stmt *statement;
	int error = query_prepare(events, text, query, query->since > 0 ? date_of_time(query->since) : 0, &statement), result;

	if (error)
		return error;
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		const struct events_day day = {
			.day = sqlite3_column_int(statement, 0), .reason = column_text(statement, 1), .from = column_text(statement, 2),
			.to = column_text(statement, 3), .first = sqlite3_column_int64(statement, 4), .last = sqlite3_column_int64(statement, 5),
			.packets = (uint64_t)sqlite3_column_int64(statement, 6),
		};

		visit(&day, context);
	}
	sqlite3_finalize(statement);
	return database_error(result);
}

static struct events_refusal refusal_of_row(sqlite3_stmt *statement)
{
	return (struct events_refusal){
		.reason = column_text(statement, 0), .from = column_text(statement, 1), .to = column_text(statement, 2),
		.source = column_text(statement, 3), .destination = column_text(statement, 4),
		.protocol = (uint8_t)sqlite3_column_int(statement, 5), .port = (uint16_t)sqlite3_column_int(statement, 6),
		.mac = column_text(statement, 7), .first = sqlite3_column_int64(statement, 8), .last = sqlite3_column_int64(statement, 9),
		.packets = (uint64_t)sqlite3_column_int64(statement, 10),
	};
}

int events_refusals_each(struct events *events, const struct events_query *query,
			 void (*visit)(const struct events_refusal *refusal, void *context), void *context)
{
#define REFUSALS "SELECT reason, from_zone, to_zone, source, destination, protocol, port, mac, first, last, packets" \
		 " FROM refusals WHERE (?1 IS NULL OR ?1 IN (from_zone, to_zone)) AND "
	static const char by_time[] = REFUSALS "last >= ?2 ORDER BY last DESC, source LIMIT ?3";
	static const char by_change[] = REFUSALS "change > ?2 AND change <= ?4 ORDER BY change, last, source LIMIT ?3";
#undef REFUSALS
	sqlite3_stmt *statement;
	int error = query_prepare(events, query->changed ? by_change : by_time, query, query->changed ? query->after : query->since, &statement),
	    result;

	if (error)
		return error;
	if (query->changed)
		sqlite3_bind_int64(statement, 4, query->through);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		const struct events_refusal refusal = refusal_of_row(statement);

		visit(&refusal, context);
	}
	sqlite3_finalize(statement);
	return database_error(result);
}

int events_gaps_each(struct events *events, const struct events_query *query, void (*visit)(const struct events_gap *gap, void *context),
		     void *context)
{
	static const char text[] = "SELECT began, ended, what FROM gaps WHERE (?1 IS NULL OR 1) AND ended >= ?2 ORDER BY began LIMIT ?3";
	sqlite3_stmt *statement;
	int error = query_prepare(events, text, query, query->since, &statement), result;

	if (error)
		return error;
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		const struct events_gap gap = { sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1), column_text(statement, 2) };

		visit(&gap, context);
	}
	sqlite3_finalize(statement);
	return database_error(result);
}
