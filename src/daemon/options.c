/* options: the command line of a daemon, by a table. */
#include "daemon/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { OPTION_FIRST = 256 };	/* what getopt_long() calls the first row: no character */

static const char *const level_words[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice", [LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static int role_read(const struct option_table *table, const char *word, int *ret_role)
{
	for (int role = 0; role < table->role_count; role++) {
		if (strcmp(word, table->role_name(role)) == 0) {
			*ret_role = role;
			return 0;
		}
	}
	return -EINVAL;
}

static int row_read(const struct option_table *table, const struct option_row *row, const char *value, void *options)
{
	void *member = (char *)options + row->offset;

	switch (row->type) {
	case OPTION_TEXT:
		*(const char **)member = value;
		return 0;
	case OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case OPTION_LEVEL:
		if (log_level_parse(value, member) == 0)
			return 0;
		fprintf(stderr, "%s: %s %s: error, warning, notice, info or debug\n", table->program, row->name, value);
		return -EINVAL;
	case OPTION_ROLE:
		return role_read(table, value, member);
	}
	return -EINVAL;
}

int options_read(const struct option_table *table, int argc, char *argv[], void *options)
{
	struct option known[OPTION_ROWS_MAX + 1] = { { .name = NULL } };
	int option;

	assert(table->row_count <= OPTION_ROWS_MAX);
	for (size_t i = 0; i < table->row_count; i++)
		known[i] = (struct option){
			.name = table->rows[i].name + strlen("--"), .has_arg = table->rows[i].type == OPTION_FLAG ? no_argument : required_argument,
			.val = OPTION_FIRST + (int)i,
		};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (option < OPTION_FIRST || row_read(table, &table->rows[option - OPTION_FIRST], optarg, options) != 0)
			return -EINVAL;
	if (optind < argc) {
		fprintf(stderr, "%s: %s: no such argument; see %s --help\n", table->program, argv[optind], table->program);
		return -EINVAL;
	}
	return 0;
}

/* The value as it is written. NULL: the option is left away. */
static const char *row_text(const struct option_table *table, const struct option_row *row, const void *options, int role)
{
	const void *member = (const char *)options + row->offset;

	switch (row->type) {
	case OPTION_TEXT:
		return *(const char *const *)member;
	case OPTION_FLAG:
		return *(const bool *)member ? row->name : NULL;
	case OPTION_LEVEL:
		return level_words[*(const enum log_level *)member];
	case OPTION_ROLE:
		return table->role_name(role);
	}
	return NULL;
}

void options_write(const struct option_table *table, const void *options, int role, const char *arguments[static OPTIONS_ARGUMENTS_MAX])
{
	size_t count = 0;

	arguments[count++] = table->program;
	for (size_t i = 0; i < table->row_count; i++) {
		const struct option_row *row = &table->rows[i];
		const char *text = row->handed_down ? row_text(table, row, options, role) : NULL;

		if (!text)
			continue;
		arguments[count++] = row->name;
		if (row->type != OPTION_FLAG)
			arguments[count++] = text;
	}
	arguments[count] = NULL;
}
