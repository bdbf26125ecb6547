/* write: the one writer of the database. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/date.h"
#include "events/database.h"

enum {
	BUSY_TIMEOUT_MS = 2000,		/* a reader may be at it */
	DAY_SECONDS = 86400,
	ROOM_ATTEMPTS_MAX = 4,		/* each takes away a quarter of the detail, then the oldest days */
};

/* WAL: a reader never waits for the writer, nor the writer for it. In this mode NORMAL survives every crash of a process. */
static const char settings[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = NORMAL;"
	"PRAGMA temp_store = MEMORY;"
	"PRAGMA journal_size_limit = 4194304;"
	"PRAGMA cell_size_check = ON;";

static const char *const statement_texts[STATEMENTS] = {
	[STATEMENT_COUNT] = "INSERT INTO counts (day, reason, from_zone, to_zone, first, last, packets) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)"
			    " ON CONFLICT DO UPDATE SET last = excluded.last, packets = packets + excluded.packets",
	[STATEMENT_TALKER] = "SELECT 1 FROM refusals WHERE from_zone = ?1 AND to_zone = ?2 AND source = ?3 LIMIT 1",
	[STATEMENT_REFUSAL] =
		"INSERT INTO refusals (reason, from_zone, to_zone, source, destination, protocol, port, mac, first, last, packets, change)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
		" ON CONFLICT DO UPDATE SET last = excluded.last, packets = packets + excluded.packets, mac = excluded.mac, change = excluded.change",
	[STATEMENT_READINGS_FORGET] = "DELETE FROM readings",
	[STATEMENT_READING] = "INSERT INTO readings VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[STATEMENT_GAP] = "INSERT INTO gaps VALUES (?1, ?2, ?3)",
	[STATEMENT_FAULT] =
		"INSERT INTO faults (kind, mac, address, vlan, zone, interface, other_zone, other_interface, other_mac, first, last, count)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO UPDATE SET last = excluded.last,"
		" count = count + excluded.count, interface = excluded.interface, other_interface = excluded.other_interface",
	[STATEMENT_ALIVE] = "INSERT OR REPLACE INTO state VALUES ('alive', ?1), ('change', ?2)",
	[STATEMENT_COUNTS_EXPIRE] = "DELETE FROM counts WHERE day < ?1",
	[STATEMENT_REFUSALS_EXPIRE] = "DELETE FROM refusals WHERE last < ?1",
	[STATEMENT_GAPS_EXPIRE] = "DELETE FROM gaps WHERE ended < ?1",
	[STATEMENT_FAULTS_EXPIRE] = "DELETE FROM faults WHERE last < ?1",
	[STATEMENT_FAULTS_LIMIT] = "DELETE FROM faults WHERE last < (SELECT last FROM faults ORDER BY last DESC LIMIT 1 OFFSET ?1)",
	[STATEMENT_REFUSALS_LIMIT] = "DELETE FROM refusals WHERE last < (SELECT last FROM refusals ORDER BY last DESC LIMIT 1 OFFSET ?1)",
};

/* ---- opening */

static int statements_prepare(struct events *events)
{
	for (int i = 0; i < STATEMENTS; i++) {
		int result = sqlite3_prepare_v3(events->database, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &events->statements[i], NULL);

		if (result != SQLITE_OK)
			return database_error(result);
	}
	return 0;
}

/* Counters of another boot have nothing to do with those of this one. */
static int boot_settle(struct events *events, const char *boot)
{
	static const char *const texts[] = {
		"DELETE FROM readings WHERE NOT EXISTS (SELECT 1 FROM state WHERE name = 'boot' AND value = ?1)",
		"INSERT OR REPLACE INTO state VALUES ('boot', ?1)",
	};
	int result = SQLITE_DONE;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && result == SQLITE_DONE; i++) {
		sqlite3_stmt *statement;

		result = sqlite3_prepare_v2(events->database, texts[i], -1, &statement, NULL);
		if (result != SQLITE_OK)
			break;
		database_bind(statement, "s", boot);
		result = database_run(statement);
		sqlite3_finalize(statement);
	}
	return database_error(result);
}

static int database_settle(struct events *events, const char *boot)
{
	char limit[64];
	int result, error;

	if (database_version(events) > EVENTS_VERSION)
		return -EPROTONOSUPPORT;
	result = sqlite3_exec(events->database, settings, NULL, NULL, NULL);
	snprintf(limit, sizeof(limit), "PRAGMA max_page_count = %d", EVENTS_PAGES_MAX);
	if (result == SQLITE_OK)
		result = sqlite3_exec(events->database, limit, NULL, NULL, NULL);
	error = database_error(result);
	if (!error)
		error = database_upgrade(events);
	if (!error)
		error = boot_settle(events, boot);
	if (!error)
		error = statements_prepare(events);
	if (!error)
		events->change = events_last_change(events);
	return error;
}

/* Makes the file, which the group of its directory may read, and to which SQLite gives the files beside it the same mode. */
static int file_make(const char *path)
{
	int file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	int error = file >= 0 && fchmod(file, 0640) == 0 ? 0 : -errno;

	if (file >= 0)
		close(file);
	return error;
}

static int open_once(const char *path, const char *boot, struct events **ret_events)
{
	struct events *events;
	int stays = 1, error = file_make(path);

	if (error)
		return error;
	events = calloc(1, sizeof(*events));
	if (!events)
		arena_exhausted();
	error = database_error(sqlite3_open_v2(path, &events->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, NULL));
	if (!error) {
		sqlite3_busy_timeout(events->database, BUSY_TIMEOUT_MS);
		/* Who may only read cannot make the files of the log: they stay when we end. */
		(void)sqlite3_file_control(events->database, NULL, SQLITE_FCNTL_PERSIST_WAL, &stays);
		error = database_settle(events, boot);
	}
	if (error) {
		events_close(events);
		return error;
	}
	*ret_events = events;
	return 0;
}

int events_open(struct arena *arena, const char *directory, const char *boot, struct events **ret_events, struct events_aside *ret_aside)
{
	const char *path = arena_printf(arena, "%s/" EVENTS_FILE, directory);
	int error = open_once(path, boot, ret_events), reason = error;

	*ret_aside = (struct events_aside){ .path = NULL };
	if (error != -EBADMSG && error != -EPROTONOSUPPORT)
		return error;
	error = database_put_aside(arena, path, reason == -EBADMSG ? "damaged" : "newer", &ret_aside->path);
	ret_aside->newer = reason == -EPROTONOSUPPORT;
	return error ? error : open_once(path, boot, ret_events);
}

int events_recall(struct events *events, struct arena *arena, struct events_reading **ret_readings, size_t *ret_count, int64_t *ret_alive)
{
	sqlite3_stmt *statement;
	struct events_reading *readings = NULL;
	size_t count = 0, capacity = 0;
	int result = sqlite3_prepare_v2(events->database, "SELECT counter, whole, iif, oif, handle, packets FROM readings", -1, &statement, NULL);

	if (result != SQLITE_OK)
		return database_error(result);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		readings = arena_grow(arena, readings, count, &capacity, sizeof(*readings));
		readings[count++] = (struct events_reading){
			.counter = (uint8_t)sqlite3_column_int(statement, 0), .whole = sqlite3_column_int(statement, 1) != 0,
			.iif = (uint32_t)sqlite3_column_int64(statement, 2), .oif = (uint32_t)sqlite3_column_int64(statement, 3),
			.handle = (uint64_t)sqlite3_column_int64(statement, 4), .packets = (uint64_t)sqlite3_column_int64(statement, 5),
		};
	}
	sqlite3_finalize(statement);
	if (result != SQLITE_DONE)
		return database_error(result);
	*ret_readings = readings;
	*ret_count = count;
	*ret_alive = database_number(events, "SELECT value FROM state WHERE name = 'alive'");
	return 0;
}

/* ---- writing: each part gives a result of SQLite, SQLITE_DONE is well */

static int counts_write(struct events *events, const struct events_batch *batch)
{
	sqlite3_stmt *statement = events->statements[STATEMENT_COUNT];
	int result = SQLITE_DONE;

	for (size_t i = 0; i < batch->count_count && result == SQLITE_DONE; i++) {
		const struct events_count *count = &batch->counts[i];

		database_bind(statement, "isssii", (int64_t)date_of_time(batch->now), count->reason, count->from, count->to, batch->now,
			      (int64_t)count->packets);
		result = database_run(statement);
	}
	return result;
}

static int readings_write(struct events *events, const struct events_batch *batch)
{
	sqlite3_stmt *statement = events->statements[STATEMENT_READING];
	int result = SQLITE_DONE;

	if (batch->readings)
		result = database_run(events->statements[STATEMENT_READINGS_FORGET]);
	for (size_t i = 0; batch->readings && i < batch->reading_count && result == SQLITE_DONE; i++) {
		const struct events_reading *reading = &batch->readings[i];

		database_bind(statement, "iiiiii", (int64_t)reading->counter, (int64_t)reading->whole, (int64_t)reading->iif,
			      (int64_t)reading->oif, (int64_t)reading->handle, (int64_t)reading->packets);
		result = database_run(statement);
	}
	return result;
}

static bool talker_is_new(struct events *events, const struct events_refusal *refusal)
{
	sqlite3_stmt *statement = events->statements[STATEMENT_TALKER];
	bool known;

	database_bind(statement, "sss", refusal->from, refusal->to, refusal->source);
	known = sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_reset(statement);
	return !known;
}

static int refusals_write(struct events *events, struct events_batch *batch)
{
	sqlite3_stmt *statement = events->statements[STATEMENT_REFUSAL];
	int result = SQLITE_DONE;

	for (size_t i = 0; i < batch->refusal_count && result == SQLITE_DONE; i++) {
		struct events_refusal *refusal = &batch->refusals[i];

		refusal->new_talker = talker_is_new(events, refusal);
		database_bind(statement, "sssssiisiiii", refusal->reason, refusal->from, refusal->to, refusal->source, refusal->destination,
			      (int64_t)refusal->protocol, (int64_t)refusal->port, refusal->mac, refusal->first, refusal->last,
			      (int64_t)refusal->packets, events->change + 1);
		result = database_run(statement);
	}
	return result;
}

static int gaps_write(struct events *events, const struct events_batch *batch)
{
	int result = SQLITE_DONE;

	for (size_t i = 0; i < batch->gap_count && result == SQLITE_DONE; i++) {
		database_bind(events->statements[STATEMENT_GAP], "iis", batch->gaps[i].began, batch->gaps[i].ended, batch->gaps[i].what);
		result = database_run(events->statements[STATEMENT_GAP]);
	}
	return result;
}

/* Removes what is past its retention, once a day, and detail beyond its greatest number. */
static int tidy(struct events *events, int64_t now)
{
	static const enum events_statement by_time[] = { STATEMENT_REFUSALS_EXPIRE, STATEMENT_GAPS_EXPIRE, STATEMENT_FAULTS_EXPIRE };
	const int32_t day = date_of_time(now);
	int result = SQLITE_DONE;

	if (day == events->tidied_day)
		return SQLITE_DONE;
	database_bind(events->statements[STATEMENT_COUNTS_EXPIRE], "i", (int64_t)day - EVENTS_RETENTION_DAYS);
	result = database_run(events->statements[STATEMENT_COUNTS_EXPIRE]);
	for (size_t i = 0; i < sizeof(by_time) / sizeof(by_time[0]) && result == SQLITE_DONE; i++) {
		database_bind(events->statements[by_time[i]], "i", now - (int64_t)EVENTS_RETENTION_DAYS * DAY_SECONDS);
		result = database_run(events->statements[by_time[i]]);
	}
	if (result == SQLITE_DONE) {
		database_bind(events->statements[STATEMENT_REFUSALS_LIMIT], "i", (int64_t)EVENTS_REFUSALS_MAX);
		result = database_run(events->statements[STATEMENT_REFUSALS_LIMIT]);
	}
	if (result == SQLITE_DONE) {
		database_bind(events->statements[STATEMENT_FAULTS_LIMIT], "i", (int64_t)EVENTS_FAULTS_MAX);
		result = database_run(events->statements[STATEMENT_FAULTS_LIMIT]);
	}
	if (result == SQLITE_DONE)
		events->tidied_day = day;
	return result;
}

static int batch_write(struct events *events, struct events_batch *batch)
{
	int result = counts_write(events, batch);

	if (result == SQLITE_DONE)
		result = readings_write(events, batch);
	if (result == SQLITE_DONE)
		result = refusals_write(events, batch);
	if (result == SQLITE_DONE)
		result = faults_write(events, batch);
	if (result == SQLITE_DONE)
		result = gaps_write(events, batch);
	if (result == SQLITE_DONE)
		result = tidy(events, batch->now);
	if (result != SQLITE_DONE)
		return result;
	database_bind(events->statements[STATEMENT_ALIVE], "ii", batch->now, events->change + 1);
	return database_run(events->statements[STATEMENT_ALIVE]);
}

static int transaction_write(struct events *events, struct events_batch *batch)
{
	int32_t tidied_day = events->tidied_day;
	int result = sqlite3_exec(events->database, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (result != SQLITE_OK)
		return result;
	result = batch_write(events, batch);
	if (result == SQLITE_DONE)
		result = sqlite3_exec(events->database, "COMMIT", NULL, NULL, NULL);
	if (result == SQLITE_OK) {
		events->change++;
		return SQLITE_OK;
	}
	sqlite3_exec(events->database, "ROLLBACK", NULL, NULL, NULL);
	events->tidied_day = tidied_day;
	return result;
}

/* Takes away a quarter of the detail, the oldest first; where there is little of it, the oldest days of counts. */
static void room_make(struct events *events)
{
	sqlite3_exec(events->database,
		     "DELETE FROM refusals WHERE last <= (SELECT last FROM refusals ORDER BY last LIMIT 1 OFFSET"
		     " (SELECT count(*) / 4 FROM refusals));"
		     "DELETE FROM counts WHERE day < (SELECT min(day) + (max(day) - min(day)) / 8 FROM counts)"
		     " AND (SELECT count(*) FROM refusals) < 1000;"
		     "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
}

/*
 * The log of the database is taken up into it, and begins anew, only when no reader holds what it has read. One who never lets go must not fill the disk.
 */
static bool log_has_room(struct events *events)
{
	struct stat status;
	int result;

	if (stat(sqlite3_filename_wal(sqlite3_db_filename(events->database, "main")), &status) != 0 || status.st_size <= EVENTS_LOG_BYTES_MAX)
		return true;
	sqlite3_busy_timeout(events->database, 0);
	result = sqlite3_wal_checkpoint_v2(events->database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(events->database, BUSY_TIMEOUT_MS);
	return result == SQLITE_OK;
}

int events_write(struct events *events, struct events_batch *batch)
{
	int result;

	if (!log_has_room(events))
		return -EBUSY;
	result = transaction_write(events, batch);

	for (int i = 0; i < ROOM_ATTEMPTS_MAX && (result & 0xff) == SQLITE_FULL; i++) {
		room_make(events);
		result = transaction_write(events, batch);
	}
	return database_error(result);
}

/* ---- fullness */

static unsigned int disk_fullness(const char *path)
{
	struct statvfs disk;
	uint64_t whole;

	if (statvfs(path, &disk) != 0)
		return 0;
	/* As df(1) does: what root keeps for itself is not to be had, nor is it used. */
	whole = disk.f_blocks - disk.f_bfree + disk.f_bavail;
	return whole ? (unsigned int)(100 - 100 * disk.f_bavail / whole) : 0;
}

unsigned int events_fullness(struct events *events)
{
	int64_t pages = database_number(events, "PRAGMA page_count") - database_number(events, "PRAGMA freelist_count");
	unsigned int own = (unsigned int)(pages * 100 / EVENTS_PAGES_MAX), disk = disk_fullness(sqlite3_db_filename(events->database, "main"));

	return own > disk ? own : disk;
}
