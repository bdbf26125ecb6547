/*
 * sekisho refusals [-f] [--zone NAME] [--since TIME] [--limit N] [--events FILE]: what was refused.
 *
 * Reads the database of the witness itself, so that it answers whether or not the daemon runs. Counts are exact; detail was logged of some
 * packets only, and its numbers say "at least". Faults about who is connected where stand behind. --json: {"since", "counts": [{"from", "to", "reason", "packets", "first", "last"}], "refusals": [{"from", "to",
 * "reason", "source", "source_name", "destination", "destination_name", "protocol", "port", "mac", "packets", "first", "last"}], "gaps": [{"began",
 * "ended", "what"}], "wrong_wiring": (sekisho/fault_list.h)}; with -f one refusal as an object in each line.
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/sandbox.h"
#include "events/events.h"
#include "ruleset/program.h"
#include "sekisho/fault_list.h"
#include "sekisho/command.h"
#include "sekisho/grid.h"
#include "sekisho/refusal_words.h"

enum { ROWS_USUAL = 50, FOLLOW_PAUSE_MS = 500, SINCE_DAYS_MAX = 100000 };

struct refusals {
	struct context *context;
	const struct policy *policy;	/* for the names of hosts; NULL: the file cannot be used */
	struct events *events;
	const char *path;
	struct events_query query;
	bool follow;
	json_t *list;			/* --json: where rows go */
	struct grid grid;		/* where rows go otherwise */
	size_t rows;
	bool reasons[REFUSE_COUNT];	/* that were shown */
	struct events_day sum;		/* of the days of one pair and reason; texts in the arena */
};

/* ---- words */

static const char *host_name(const struct refusals *refusals, const char *text)
{
	struct netaddr address;

	if (!refusals->policy || netaddr_parse(text, &address) != 0)
		return NULL;
	for (size_t h = 0; h < refusals->policy->host_count; h++) {
		const struct host *host = &refusals->policy->hosts[h];

		for (size_t a = 0; a < host->address_count; a++)
			if (netaddr_compare(&host->addresses[a], &address) == 0)
				return host->name;
	}
	return NULL;
}

/* The zone that was noted, or the one whose network an address is in where it had not been decided yet. */
static const char *zone_word(const struct refusals *refusals, const char *zone, const char *text)
{
	const struct zone *of_address;
	struct netaddr address;

	if (strcmp(zone, EVENTS_NO_ZONE) != 0 || !refusals->policy || netaddr_parse(text, &address) != 0)
		return zone;
	of_address = policy_zone_of_address(refusals->policy, &address);
	return of_address ? arena_printf(refusals->context->arena, "(%s)", of_address->name) : zone;
}

static const char *end_words(const struct refusals *refusals, const char *zone, const char *address)
{
	const char *name = host_name(refusals, address);

	zone = zone_word(refusals, zone, address);
	return name ? arena_printf(refusals->context->arena, "%s %s (%s)", zone, address, name) :
		      arena_printf(refusals->context->arena, "%s %s", zone, address);
}

static const char *traffic_words(const struct refusals *refusals, const struct events_refusal *refusal)
{
	const char *protocol = refusal->protocol == 58 ? "icmpv6" : protocol_name(refusals->context->arena, refusal->protocol);

	return refusal->port ? arena_printf(refusals->context->arena, "%s/%u", protocol, refusal->port) : protocol;
}

static const char *packets_words(const struct refusals *refusals, uint64_t packets)
{
	return arena_printf(refusals->context->arena, "%llu", (unsigned long long)packets);
}

/* ---- rows of detail */

static json_t *refusal_json(const struct refusals *refusals, const struct events_refusal *refusal)
{
	struct context *context = refusals->context;
	const char *source_name = host_name(refusals, refusal->source), *destination_name = host_name(refusals, refusal->destination);

	return json_pack("{s:o, s:o, s:o, s:o, s:s?, s:o, s:s?, s:i, s:i, s:o, s:I, s:I, s:I}", "from", json_visible(context, refusal->from), "to",
			 json_visible(context, refusal->to), "reason", json_visible(context, refusal->reason), "source",
			 json_visible(context, refusal->source), "source_name", source_name, "destination",
			 json_visible(context, refusal->destination), "destination_name", destination_name, "protocol", (int)refusal->protocol, "port",
			 (int)refusal->port, "mac", json_visible(context, refusal->mac), "packets", (json_int_t)refusal->packets, "first",
			 (json_int_t)refusal->first, "last", (json_int_t)refusal->last);
}

static void refusal_add(const struct events_refusal *refusal, void *to)
{
	struct refusals *refusals = to;
	enum refusal reason;

	refusals->rows++;
	if (refusals->list) {
		json_array_append_new(refusals->list, refusal_json(refusals, refusal));
		return;
	}
	if (refusal_of_word(refusal->reason, &reason))
		refusals->reasons[reason] = true;
	grid_add(&refusals->grid, time_words(refusals->context, refusal->last));
	grid_add(&refusals->grid, end_words(refusals, refusal->from, refusal->source));
	grid_add(&refusals->grid, "->");
	grid_add(&refusals->grid, end_words(refusals, refusal->to, refusal->destination));
	grid_add(&refusals->grid, traffic_words(refusals, refusal));
	grid_add(&refusals->grid, refusal->reason);
	grid_add(&refusals->grid, packets_words(refusals, refusal->packets));
}

static void grid_begin(struct refusals *refusals, const char *const words[][2], size_t count)
{
	refusals->grid = grid_make(refusals->context->arena, count);
	refusals->rows = 0;
	for (size_t i = 0; i < count; i++)
		grid_add(&refusals->grid, phrase(refusals->context, words[i][0], words[i][1]));
}

static int detail_print(struct refusals *refusals)
{
	static const char *const words[][2] = { { "LAST", "最後の日時" }, { "FROM", "送信元" }, { "", "" }, { "TO", "宛先" }, { "TRAFFIC", "通信" },
						{ "REASON", "理由" }, { "AT LEAST", "件数(以上)" } };
	int error;

	grid_begin(refusals, words, sizeof(words) / sizeof(words[0]));
	error = events_refusals_each(refusals->events, &refusals->query, refusal_add, refusals);
	if (error || refusals->rows == 0)
		return error;
	buf_puts(&refusals->context->out, phrase(refusals->context, "\nDetail, the latest first\n", "\n詳しい記録(新しい順)\n"));
	grid_print(&refusals->context->out, &refusals->grid, 2);
	return 0;
}

/* ---- counts */

static void sum_put(struct refusals *refusals)
{
	struct events_day *sum = &refusals->sum;
	enum refusal reason;

	if (sum->packets == 0)
		return;
	refusals->rows++;
	if (refusals->list) {
		json_array_append_new(refusals->list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "from", sum->from, "to", sum->to, "reason", sum->reason,
								"packets", (json_int_t)sum->packets, "first", (json_int_t)sum->first, "last",
								(json_int_t)sum->last));
	} else {
		if (refusal_of_word(sum->reason, &reason))
			refusals->reasons[reason] = true;
		grid_add(&refusals->grid, sum->from);
		grid_add(&refusals->grid, "->");
		grid_add(&refusals->grid, sum->to);
		grid_add(&refusals->grid, sum->reason);
		grid_add(&refusals->grid, packets_words(refusals, sum->packets));
		grid_add(&refusals->grid, time_words(refusals->context, sum->last));
	}
	sum->packets = 0;
}

/* Days of one pair and reason come one behind the other. */
static void day_add(const struct events_day *day, void *to)
{
	struct refusals *refusals = to;
	struct events_day *sum = &refusals->sum;
	struct arena *arena = refusals->context->arena;

	if (sum->packets > 0 && strcmp(sum->reason, day->reason) == 0 && strcmp(sum->from, day->from) == 0 && strcmp(sum->to, day->to) == 0) {
		sum->packets += day->packets;
		sum->last = day->last;
		return;
	}
	sum_put(refusals);
	*sum = *day;
	sum->reason = visible_text(arena, span_of(day->reason));
	sum->from = visible_text(arena, span_of(day->from));
	sum->to = visible_text(arena, span_of(day->to));
}

static int counts_read(struct refusals *refusals)
{
	struct events_query query = refusals->query;
	int error;

	query.rows_max = 0;
	error = events_days_each(refusals->events, &query, day_add, refusals);
	sum_put(refusals);
	return error;
}

static int counts_print(struct refusals *refusals)
{
	static const char *const words[][2] = { { "FROM", "送信元" }, { "", "" }, { "TO", "宛先" }, { "REASON", "理由" }, { "PACKETS", "件数" },
						{ "LAST", "最後の日時" } };
	struct context *context = refusals->context;
	int error;

	grid_begin(refusals, words, sizeof(words) / sizeof(words[0]));
	error = counts_read(refusals);
	if (error)
		return error;
	if (refusals->rows == 0) {
		buf_puts(&context->out, phrase(context, "Nothing was refused.\n", "遮断した通信はありません。\n"));
		return 0;
	}
	buf_puts(&context->out, phrase(context, "Refused since ", "遮断した件数(カーネルが数えたもの)  "));
	buf_printf(&context->out, phrase(context, "%s, as the kernel counted\n", "%s 以降\n"), date_words(context, date_of_time(refusals->query.since)));
	grid_print(&context->out, &refusals->grid, 2);
	return 0;
}

static void reasons_print(struct refusals *refusals)
{
	struct context *context = refusals->context;

	for (int i = 0; i < REFUSE_COUNT; i++) {
		enum refusal reason = (enum refusal)i;

		if (refusals->reasons[i])
			buf_printf(&context->out, "\n%s: %s%s\n  > %s\n", refusal_name(reason), refusal_sentence(reason, context->language),
				   phrase(context, ".", "。"), refusal_action(reason, context->language));
	}
}

/* ---- gaps */

static void gap_add(const struct events_gap *gap, void *to)
{
	struct refusals *refusals = to;
	struct context *context = refusals->context;

	if (refusals->list) {
		json_array_append_new(refusals->list, json_pack("{s:I, s:I, s:o}", "began", (json_int_t)gap->began, "ended", (json_int_t)gap->ended, "what",
								json_visible(context, gap->what)));
		return;
	}
	if (refusals->rows++ == 0)
		buf_puts(&context->out, phrase(context, "\nWhat is missing\n", "\n記録の欠け\n"));
	buf_printf(&context->out, "  %s - %s  %s\n", time_words(context, gap->began), time_words(context, gap->ended),
		   gap_words(gap->what, context->language));
}

static int gaps_print(struct refusals *refusals)
{
	struct events_query query = refusals->query;

	query.rows_max = 0;
	refusals->rows = 0;
	return events_gaps_each(refusals->events, &query, gap_add, refusals);
}

/* ---- all of it */

static int print_all(struct refusals *refusals)
{
	int error = counts_print(refusals);

	if (!error)
		error = detail_print(refusals);
	if (!error)
		reasons_print(refusals);
	if (!error)
		error = faults_print(refusals->context, refusals->events, &refusals->query);
	return error ? error : gaps_print(refusals);
}

static int print_all_json(struct refusals *refusals)
{
	json_t *counts = refusals->list = json_array(), *rows, *gaps, *faults = NULL;
	int error = counts_read(refusals);

	rows = refusals->list = json_array();
	if (!error)
		error = events_refusals_each(refusals->events, &refusals->query, refusal_add, refusals);
	gaps = refusals->list = json_array();
	if (!error)
		error = gaps_print(refusals);
	if (!error)
		error = faults_json(refusals->context, refusals->events, &refusals->query, &faults);
	print_json(refusals->context, json_pack("{s:I, s:o, s:o, s:o, s:o}", "since", (json_int_t)refusals->query.since, "counts", counts, "refusals", rows,
						"gaps", gaps, "wrong_wiring", faults ? faults : json_null()));
	return error;
}

static void line_print(const struct events_refusal *refusal, void *to)
{
	struct refusals *refusals = to;
	struct context *context = refusals->context;

	if (context->json) {
		json_t *row = refusal_json(refusals, refusal);
		char *text = json_dumps(row, JSON_COMPACT);

		buf_printf(&context->out, "%s\n", text ? text : "{}");
		free(text);
		json_decref(row);
		return;
	}
	grid_begin(refusals, NULL, 0);
	refusals->grid.columns = 7;
	refusal_add(refusal, refusals);
	grid_print(&context->out, &refusals->grid, 0);
}

/* Until the reader has had enough, or is gone. */
static int follow(struct refusals *refusals)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_PAUSE_MS * 1000000L };
	struct context *context = refusals->context;

	refusals->query.changed = true;
	refusals->query.rows_max = 0;
	refusals->query.after = events_last_change(refusals->events);
	for (;;) {
		int error;

		refusals->query.through = events_last_change(refusals->events);
		error = events_refusals_each(refusals->events, &refusals->query, line_print, refusals);
		if (error && error != -EBUSY)
			return error;
		if (fwrite(buf_text(&context->out), 1, context->out.length, stdout) != context->out.length || fflush(stdout) != 0)
			return -EPIPE;
		context->out.length = 0;
		if (!error)
			refusals->query.after = refusals->query.through;
		nanosleep(&pause, NULL);
	}
}

/* ---- the command line */

/* "30m", "12h", "7d" ago, or a day from its beginning in Japan. */
static bool since_parse(const char *word, int64_t now, int64_t *ret_since)
{
	char *unit;
	unsigned long number = strtoul(word, &unit, 10);
	const int64_t seconds = *unit == 'm' ? 60 : *unit == 'h' ? 3600 : *unit == 'd' ? 86400 : 0;
	int32_t day;

	if (word[0] >= '0' && word[0] <= '9' && seconds > 0 && unit[1] == '\0' && number <= SINCE_DAYS_MAX) {
		*ret_since = now - (int64_t)number * seconds;
		return true;
	}
	if (date_parse(word, &day) != 0)
		return false;
	*ret_since = date_end_time(day) - 86400;
	return true;
}

static bool limit_parse(const char *word, size_t *ret_limit)
{
	char *end;
	unsigned long number = strtoul(word, &end, 10);

	if (word[0] < '0' || word[0] > '9' || *end != '\0')
		return false;
	*ret_limit = number;
	return true;
}

static int parse_options(struct refusals *refusals, int argc, char **argv)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' }, { "zone", required_argument, NULL, 'z' }, { "since", required_argument, NULL, 's' },
		{ "limit", required_argument, NULL, 'l' }, { "events", required_argument, NULL, 'e' }, { NULL, 0, NULL, 0 },
	};
	struct context *context = refusals->context;
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "f", options, NULL)) >= 0) {
		if (option == 'f')
			refusals->follow = true;
		else if (option == 'z')
			refusals->query.zone = optarg;
		else if (option == 'e')
			refusals->path = optarg;
		else if (option == 's' && !since_parse(optarg, context->now, &refusals->query.since))
			return complain_usage(context, "\"%s\" is neither a day nor a time ago such as 30m, 12h, 7d",
					      "「%s」は日付でも、さかのぼる長さ(30m、12h、7d など)でもありません", optarg);
		else if (option == 'l' && !limit_parse(optarg, &refusals->query.rows_max))
			return complain_usage(context, "\"%s\" is no number of rows", "「%s」は件数ではありません", optarg);
		else if (option == '?')
			return complain_usage(context, "refusals: unknown option, or a value is missing", "refusals: 知らないオプションか、値がありません");
	}
	if (optind < argc)
		return complain_usage(context, "refusals: unexpected word \"%s\"", "refusals: 余分な語「%s」があります", argv[optind]);
	return 0;
}

/* A name that is none would find nothing, which reads as if nothing had been refused. Without a file nobody knows. */
static int check_zone(const struct refusals *refusals)
{
	struct context *context = refusals->context;
	const char *zone = refusals->query.zone, *known = "gateway";

	if (!zone || !refusals->policy || refusals->policy->zone_count == 0 || strcmp(zone, "gateway") == 0 || policy_zone(refusals->policy, zone))
		return 0;
	for (size_t i = refusals->policy->zone_count; i-- > 0;)
		known = arena_printf(context->arena, "%s, %s", refusals->policy->zones[i].name, known);
	return complain_usage(context, "there is no zone \"%s\" in the file, only: %s", "ファイルに「%s」というゾーンはありません。あるのは次のものです: %s", zone, known);
}

static int complain_events(struct refusals *refusals, int error)
{
	struct context *context = refusals->context;

	if (error == -EACCES || error == -EPERM)
		return complain(context, "only root and the groups sekisho-auditor and sekisho-operator may read the record of refusals; run this with sudo",
				"遮断の記録を読めるのは、root かグループ sekisho-auditor、sekisho-operator の利用者だけです。sudo を付けて実行してください");
	if (error == -ENOENT)
		return complain(context, "there is no record of refusals yet (%s); it begins when sekishod runs",
				"遮断の記録はまだありません(%s)。sekishod の起動とともに始まります", refusals->path);
	if (error == -EPROTONOSUPPORT)
		return complain(context, "the record of refusals (%s) is of another version of sekisho; restart sekishod, and use the command of the same version",
				"遮断の記録(%s)は、別の版の sekisho のものです。sekishod を再起動し、同じ版の sekisho コマンドを使ってください", refusals->path);
	return complain(context, "the record of refusals could not be read: %s: %s", "遮断の記録を読めませんでした: %s: %s", refusals->path,
			strerror(-error));
}

/* The file comes from a process that meets strangers' bytes: whoever reads it keeps no right that it does not need for that. */
static void shut_in(const struct refusals *refusals)
{
	char *path = arena_strdup(refusals->context->arena, refusals->path);

	if (sandbox_drop_capabilities() == 0 && sandbox_renounce() == 0)
		(void)sandbox_restrict_files(dirname(path));
}

int command_refusals(struct context *context, int argc, char **argv)
{
	struct refusals refusals = {
		.context = context, .path = SEKISHO_EVENTS_PATH,
		.query = { .since = date_end_time(date_of_time(context->now)) - 86400, .rows_max = ROWS_USUAL },
	};
	int status = parse_options(&refusals, argc, argv), error;

	if (status)
		return status;
	refusals.policy = load_offline(context, context->config_path)->policy;
	status = check_zone(&refusals);
	if (status)
		return status;
	error = events_open_reading(refusals.path, &refusals.events);
	if (error)
		return complain_events(&refusals, error);
	shut_in(&refusals);
	error = refusals.follow ? follow(&refusals) : context->json ? print_all_json(&refusals) : print_all(&refusals);
	events_close(refusals.events);
	return error ? complain_events(&refusals, error) : EXIT_FINE;
}
