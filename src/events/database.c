/* database: SQLite, as the rest of src/events uses it. */
#include "events/database.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

int database_error(int result)
{
	switch (result & 0xff) {
	case SQLITE_OK: case SQLITE_ROW: case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY: case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_PERM: case SQLITE_AUTH: case SQLITE_READONLY:
		return -EACCES;
	case SQLITE_CORRUPT: case SQLITE_NOTADB: case SQLITE_SCHEMA: case SQLITE_ERROR:
		return -EBADMSG;
	default:
		return -EIO;
	}
}

void database_bind(sqlite3_stmt *statement, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	for (int i = 0; format[i]; i++) {
		int result = format[i] == 's' ? sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1, SQLITE_STATIC) :
						sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));

		assert(result == SQLITE_OK || result == SQLITE_NOMEM);
	}
	va_end(values);
}

int64_t database_number(struct events *events, const char *text)
{
	sqlite3_stmt *statement;
	int64_t number = 0;

	if (sqlite3_prepare_v2(events->database, text, -1, &statement, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

int database_run(sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement);

	sqlite3_reset(statement);
	return result;
}

void events_close(struct events *events)
{
	if (!events)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(events->statements[i]);
	sqlite3_close(events->database);
	free(events);
}
