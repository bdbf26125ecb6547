/* upgrade: the form of the database, and what becomes of a file of another form. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "events/database.h"

enum { ASIDE_MAX = 9, STATEMENT_BYTES = 64 };

static const char first_schema[] =
	"CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS counts (day INTEGER, reason TEXT, from_zone TEXT, to_zone TEXT, first INTEGER, last INTEGER,"
	" packets INTEGER, PRIMARY KEY (day, reason, from_zone, to_zone)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS refusals (reason TEXT, from_zone TEXT, to_zone TEXT, source TEXT, destination TEXT, protocol INTEGER,"
	" port INTEGER, mac TEXT, first INTEGER, last INTEGER, packets INTEGER, change INTEGER,"
	" PRIMARY KEY (from_zone, to_zone, source, reason, destination, protocol, port)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS refusals_by_last ON refusals (last);"
	"CREATE INDEX IF NOT EXISTS refusals_by_change ON refusals (change);"
	"CREATE TABLE IF NOT EXISTS readings (counter INTEGER, whole INTEGER, iif INTEGER, oif INTEGER, handle INTEGER, packets INTEGER);"
	"CREATE TABLE IF NOT EXISTS gaps (began INTEGER, ended INTEGER, what TEXT);"
	"CREATE TABLE IF NOT EXISTS faults (kind TEXT, mac TEXT, address TEXT, vlan INTEGER, zone TEXT, interface TEXT, other_zone TEXT,"
	" other_interface TEXT, other_mac TEXT, first INTEGER, last INTEGER, count INTEGER,"
	" PRIMARY KEY (kind, mac, address, vlan, zone, other_zone, other_mac)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS faults_by_last ON faults (last);";

/* What makes a file of version n one of version n + 1. Version 0 is an empty file, or one from before versions. NULL: only what is written differs. */
static const char *const steps[EVENTS_VERSION] = { first_schema };

static int step_take(struct events *events, int version)
{
	char number[STATEMENT_BYTES];
	int result = sqlite3_exec(events->database, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	snprintf(number, sizeof(number), "PRAGMA user_version = %d", version + 1);
	if (result == SQLITE_OK && steps[version])
		result = sqlite3_exec(events->database, steps[version], NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_exec(events->database, number, NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_exec(events->database, "COMMIT", NULL, NULL, NULL);
	if (result != SQLITE_OK)
		sqlite3_exec(events->database, "ROLLBACK", NULL, NULL, NULL);
	return database_error(result);
}

int database_version(struct events *events)
{
	int64_t version = database_number(events, "PRAGMA user_version");

	return version < 0 || version > EVENTS_VERSION_MAX ? EVENTS_VERSION_MAX : (int)version;
}

int database_upgrade(struct events *events)
{
	int error = 0;

	for (int version = database_version(events); version < EVENTS_VERSION && !error; version++)
		error = step_take(events, version);
	return error;
}

/* Whether a name is free, with what SQLite would take for a part of the file. */
static bool is_free(struct arena *arena, const char *name)
{
	return access(name, F_OK) != 0 && access(arena_printf(arena, "%s-wal", name), F_OK) != 0;
}

int database_put_aside(struct arena *arena, const char *path, const char *tail, const char **ret_aside)
{
	const char *aside = arena_printf(arena, "%s.%s", path, tail);

	/* When all names are taken the last one is given away: the first is where it began. */
	for (int number = 2; number <= ASIDE_MAX && !is_free(arena, aside); number++)
		aside = arena_printf(arena, "%s.%s.%d", path, tail, number);
	if (rename(path, aside) != 0)
		return -errno;
	if (rename(arena_printf(arena, "%s-wal", path), arena_printf(arena, "%s-wal", aside)) != 0 && errno != ENOENT)
		return -errno;
	unlink(arena_printf(arena, "%s-shm", path));
	*ret_aside = aside;
	return 0;
}
