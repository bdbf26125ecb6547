/*
 * options: the command line of a daemon, by a table that says which options it knows and where each goes.
 *
 * A daemon has a structure of options, with the defaults in it, and a table of rows, one per option. The same table reads the command line and
 * writes that of a role, so that a role has what its parent was given.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* What an option takes, and the type of the member that gets it. */
enum option_type {
	OPTION_TEXT,		/* any text; const char *, NULL where it was not given and has no default */
	OPTION_FLAG,		/* nothing; bool */
	OPTION_LEVEL,		/* a level of the log; enum log_level */
	OPTION_ROLE,		/* the name of a role; int */
};

struct option_row {
	const char *name;	/* with its dashes: "--config" */
	enum option_type type;
	size_t offset;		/* of the member */
	bool handed_down;	/* a role is given it as well */
};

struct option_table {
	const char *program;	/* for complaints, and as a role's argument 0 */
	const char *(*role_name)(int role);
	int role_count;
	const struct option_row *rows;	/* the first is the role */
	size_t row_count;
};

enum {
	OPTION_ROWS_MAX = 16,
	/* Of a role's command line at most, with the program's name and the NULL at the end. */
	OPTIONS_ARGUMENTS_MAX = 2 * OPTION_ROWS_MAX + 2,
};

/*
 * Reads the command line into the structure that the table's offsets are of. Its texts then point into argv. 0; -EINVAL: it is wrong, and standard error
 * says how.
 */
int options_read(const struct option_table *table, int argc, char *argv[], void *options);

/* The command line by which a role gets the same options. Points into them. */
void options_write(const struct option_table *table, const void *options, int role, const char *arguments[static OPTIONS_ARGUMENTS_MAX]);

#endif
