/* database: SQLite for events*.c. Private to src/events. */
#ifndef EVENTS_DATABASE_H
#define EVENTS_DATABASE_H

#include <sqlite3.h>

#include "events/events.h"

/* The statements the writer prepares once. */
enum events_statement {
	STATEMENT_COUNT, STATEMENT_TALKER, STATEMENT_REFUSAL, STATEMENT_READINGS_FORGET, STATEMENT_READING, STATEMENT_GAP, STATEMENT_FAULT, STATEMENT_ALIVE,
	STATEMENT_COUNTS_EXPIRE, STATEMENT_REFUSALS_EXPIRE, STATEMENT_GAPS_EXPIRE, STATEMENT_FAULTS_EXPIRE,
	STATEMENT_REFUSALS_LIMIT, STATEMENT_FAULTS_LIMIT, STATEMENTS
};

struct events {
	sqlite3 *database;
	sqlite3_stmt *statements[STATEMENTS];	/* NULL for a reader */
	int64_t change;				/* number of the writer's last batch */
	int32_t tidied_day;			/* what is past its retention was removed on this day */
};

/* The version of the file's form; what cannot be one is EVENTS_VERSION_MAX. 0: an empty file, or one that cannot be read. */
int database_version(struct events *events);

/* Makes a file of an older form one of ours, a version a transaction. 0 or negative errno: it is of the version it had, or of one between. */
int database_upgrade(struct events *events);

/* Renames the file at path, and what belongs to it, to path.TAIL or path.TAIL.2 and so on. *ret_aside, in the arena: to which. 0 or negative errno. */
int database_put_aside(struct arena *arena, const char *path, const char *tail, const char **ret_aside);

/* The negative errno that says the same as a result of SQLite. */
int database_error(int result);

/* Binds what follows by the letters of format: i int64_t, s const char *. The texts must outlive the next step. */
void database_bind(sqlite3_stmt *statement, const char *format, ...);

/* The number that a query gives in its first row; 0: none. */
int64_t database_number(struct events *events, const char *text);

/* Writes faults (faults.c). A result of SQLite; SQLITE_DONE is well. */
int faults_write(struct events *events, const struct events_batch *batch);

/* Runs a statement that gives no rows. A result of SQLite; SQLITE_DONE is well. */
int database_run(sqlite3_stmt *statement);

#endif
