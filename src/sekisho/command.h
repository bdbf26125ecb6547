/*
 * command: what the commands of sekisho share - language, output, exit status, the file and the live kernel.
 *
 * Every command is one file command_<name>.c with one function of type command_run. It writes to context->out
 * and returns an exit status; main() prints. Words of the commands themselves stand in both languages where
 * they are used: phrase(context, english, japanese).
 */
#ifndef SEKISHO_COMMAND_H
#define SEKISHO_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/finding.h"
#include "kernel/generation.h"
#include "kernel/snapshot.h"

/* Exit status of sekisho, documented in sekisho(1). */
enum {
	EXIT_FINE = 0,		/* done; nothing is wrong; the packet passes */
	EXIT_REFUSED = 1,	/* findings with errors; a refused policy; the packet does not pass */
	EXIT_USAGE = 2,		/* the words on the command line */
	EXIT_UNABLE = 3,	/* could not be done: no daemon, no permission */
};

#define SEKISHO_CONFIG_PATH "/etc/sekisho/sekisho.conf"
#define SEKISHO_EVENTS_PATH "/var/lib/sekisho/events/events.db"
#define SEKISHO_STATE_PATH "/var/lib/sekisho"
#define SEKISHO_CONTROL_PATH "/run/sekisho/control"

enum { CONTEXT_GENERATIONS_MAX = 5 };	/* files that one command loads; report does it for each of its sections */

struct live;

struct context {
	enum language language;
	bool json;
	const char *command;		/* the name of the one that runs; NULL: none does as yet */
	const char *config_path;	/* --config, or SEKISHO_CONFIG_PATH */
	const char *socket_path;	/* --socket, or SEKISHO_CONTROL_PATH */
	struct arena *arena;		/* as long as the command runs */
	struct buf out;			/* for stdout, printed when the command has returned */
	struct buf complaint;		/* for stderr */
	int64_t now;			/* Unix time at the start */
	bool prove;			/* what is loaded is proved as well */
	struct generation *generations[CONTEXT_GENERATIONS_MAX]; /* what load_offline() and load_for_live() gave */
	size_t generation_count;
	const struct live *live;	/* the kernel as it was read before, for all sections of one report; NULL: it is read when it is asked for */
};

/* Gives back everything the context owns. */
void context_free(struct context *context);

/* An option of a command, for its help. */
struct command_option {
	const char *name;		/* "--file FILE" */
	const char *en, *ja;
};

enum { COMMAND_OPTIONS_MAX = 8 };

/* Runs a command; argv[0] is its name. Returns an exit status. */
typedef int (*command_run)(struct context *context, int argc, char **argv);

struct command {
	const char *name;
	command_run run;
	const char *arguments;		/* for the usage line */
	const char *en, *ja;		/* one line each */
	struct command_option options[COMMAND_OPTIONS_MAX]; /* name NULL after the last */
};

/* The commands, each in its own file; see their `en` and `ja` in main.c. */
int command_check(struct context *context, int argc, char **argv);
int command_plan(struct context *context, int argc, char **argv);	/* see command_check() */
int command_apply(struct context *context, int argc, char **argv);	/* see command_check() */
int command_status(struct context *context, int argc, char **argv);	/* see command_check() */
int command_flows(struct context *context, int argc, char **argv);	/* see command_check() */
int command_show(struct context *context, int argc, char **argv);	/* see command_check() */
int command_verify(struct context *context, int argc, char **argv);	/* see command_check() */
int command_matrix(struct context *context, int argc, char **argv);	/* see command_check() */
int command_why(struct context *context, int argc, char **argv);	/* see command_check() */
int command_journal(struct context *context, int argc, char **argv);	/* see command_check() */
int command_confirm(struct context *context, int argc, char **argv);	/* see command_check() */
int command_approve(struct context *context, int argc, char **argv);	/* see command_check() */
int command_isolate(struct context *context, int argc, char **argv);	/* see command_check() */
int command_release(struct context *context, int argc, char **argv);	/* see command_check() */
int command_refusals(struct context *context, int argc, char **argv);	/* see command_check() */
int command_report(struct context *context, int argc, char **argv);	/* see command_check() */
int command_backup(struct context *context, int argc, char **argv);	/* see command_check() */
int command_restore(struct context *context, int argc, char **argv);	/* see command_check() */
int command_wash(struct context *context, int argc, char **argv);	/* see command_check() */

/* The words for the reader's language. */
const char *phrase(const struct context *context, const char *en, const char *ja);

/*
 * Puts a sentence (and a line end) on stderr and returns EXIT_UNABLE. Both formats take the same arguments in
 * the same order; whatever they bring is made visible (base/width.h).
 */
int complain(struct context *context, const char *en, const char *ja, ...);

/* The same for words on the command line that make no sense; adds how to get help on the command. Returns EXIT_USAGE. */
int complain_usage(struct context *context, const char *en, const char *ja, ...); /* see complain() */

/* Loads a file offline: interfaces and users are made up. Lives as long as the context. */
const struct generation *load_offline(struct context *context, const char *path);

/* Prints findings of a generation as people read them; true if one of them is an error. */
bool print_findings(struct context *context, const struct generation *generation);

/*
 * True when the ruleset of a file can be used; else says why not on stdout (JSON: {"file", "findings"}), and
 * the command ends with EXIT_REFUSED.
 */
bool is_usable(struct context *context, const char *path, const struct generation *generation);

/* Text from a file or a peer as a JSON value, visible as in print. */
json_t *json_visible(struct context *context, const char *text);

/*
 * A day, and a point in time in Japan, as the reader writes them: 令和9年3月31日 16:55, 2027-03-31 16:55. In the
 * arena.
 */
const char *date_words(struct context *context, int32_t day);
const char *time_words(struct context *context, int64_t unix_seconds);	/* see date_words() */

/* Appends a JSON value to the output with a line end, and lets go of it. */
void print_json(struct context *context, json_t *value);

/* The kernel as it is now. */
struct live {
	struct link_table links;
	struct snapshot snapshot;	/* ruleset NULL: none of our tables is there */
	int64_t read_at;		/* Unix time when it had been read: that takes seconds where there are many flows */
	bool by_view;			/* the daemon told it: what else root may see, running connections, is not to be had */
};

/*
 * Reads the live kernel, or asks the daemon what it holds where the kernel does not show it to this user. 0; EXIT_UNABLE after complaining; EXIT_REFUSED after saying
 * that there are things among our rules that are not ours, which only root is shown.
 */
int live_read(struct context *context, struct live *ret_live);

/*
 * Loads a file as the daemon would on this machine: real interfaces and users, and the marks the kernel already
 * gives to flows it knows. Lives as long as the context.
 */
const struct generation *load_for_live(struct context *context, const char *path, const struct live *live);

#endif
