/* copy: the database as it is, in another file. */
#include <errno.h>
#include <unistd.h>

#include "events/database.h"

/* VACUUM INTO reads within one transaction, so what the writer does meanwhile is either all in it or not at all. */
int events_copy(struct events *events, const char *path)
{
	sqlite3_stmt *statement;
	int result;

	if (access(path, F_OK) == 0)
		return -EEXIST;
	result = sqlite3_prepare_v2(events->database, "VACUUM INTO ?1", -1, &statement, NULL);
	if (result != SQLITE_OK)
		return database_error(result);
	database_bind(statement, "s", path);
	result = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return result == SQLITE_DONE ? 0 : database_error(result);
}
