/*
 * policy_case: a small zone file without a fault, one edit, and the findings that edit must give. For
 * check_policy_*.c.
 */
#ifndef TESTS_UNIT_POLICY_CASE_H
#define TESTS_UNIT_POLICY_CASE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "config/reader.h"
#include "policy/catalogue.h"
#include "policy/law.h"
#include "policy/policy.h"

/*
 * No finding at all comes from this file. The marks #zones, #hosts, ... are where a row puts more. Here and
 * in the rows ' stands for ", which no row has to escape then.
 */
static const char policy_good_file[] =
	"town = '海野町';\n"
	"model = 'alpha';\n"
	"zones = (\n"
	"	{ name = 'mn'; tier = 'mynumber'; interfaces = [ 'mn0' ];\n"
	"	  networks = [ '10.1.0.0/24', 'fd00:0:0:1::/64' ]; },\n"
	"	{ name = 'lg'; tier = 'lgwan'; interfaces = [ 'lg0' ];\n"
	"	  networks = [ '10.2.0.0/24', 'fd00:0:0:2::/64' ]; },\n"
	"	{ name = 'in'; tier = 'internet'; interfaces = [ 'in0' ];\n"
	"	  networks = [ '10.3.0.0/24', 'fd00:0:0:3::/64' ]; },\n"
	"	{ name = 'up'; tier = 'internet'; interfaces = [ 'up0' ]; networks = [ '192.0.2.0/24' ];\n"
	"	  uplink = { routers = [ 'router' ]; dns = [ 'dns' ]; smtp = [ 'mx' ]; }; }\n"
	"	#zones\n"
	");\n"
	"hosts = (\n"
	"	{ name = 'jumin'; zone = 'mn'; addresses = [ '10.1.0.10', 'fd00:0:0:1::10' ];\n"
	"	  macs = [ '02:00:00:01:00:10' ]; },\n"
	"	{ name = 'juki'; zone = 'lg'; addresses = [ '10.2.0.20', 'fd00:0:0:2::20' ];\n"
	"	  macs = [ '02:00:00:02:00:20' ]; },\n"
	"	{ name = 'kanri'; zone = 'lg'; addresses = [ '10.2.0.5' ]; macs = [ '02:00:00:02:00:05' ]; },\n"
	"	{ name = 'naka'; zone = 'lg'; addresses = [ '10.2.0.25' ]; },\n"
	"	{ name = 'gamen'; zone = 'in'; addresses = [ '10.3.0.30' ]; },\n"
	"	{ name = 'mukaika'; zone = 'in'; addresses = [ '10.3.0.40' ]; sanitizer = true; },\n"
	"	{ name = 'soto'; zone = 'in'; addresses = [ '10.3.0.25' ]; },\n"
	"	{ name = 'router'; zone = 'up'; addresses = [ '192.0.2.1' ]; },\n"
	"	{ name = 'dns'; zone = 'up'; addresses = [ '192.0.2.53' ]; },\n"
	"	{ name = 'mx'; zone = 'up'; addresses = [ '203.0.113.25' ]; }\n"
	"	#hosts\n"
	");\n"
	"networks = (\n"
	"	{ name = 'pcs'; zone = 'lg'; prefixes = [ '10.2.0.64-10.2.0.95', 'fd00:0:0:2:1::/80' ]; }\n"
	"	#networks\n"
	");\n"
	"services = (\n"
	"	{ name = 'web'; protocol = 'tcp'; ports = [ 443, 80 ]; }\n"
	"	#services\n"
	");\n"
	"flows = (\n"
	"	{ name = 'juki-shokai'; from = 'mn'; to = 'lg'; method = 'specified'; peer = 'juki-net';\n"
	"	  source = 'jumin'; destination = 'juki'; protocol = 'tcp'; ports = 443;\n"
	"	  record = { number = '特-1'; reason = '住基'; approver = '課長';\n"
	"	             approved = '2026-04-01'; expires = 'nendo'; }; },\n"
	"	{ name = 'screen'; from = 'lg'; to = 'in'; method = 'screen'; source = 'pcs'; destination = 'gamen';\n"
	"	  protocol = 'tcp'; ports = 3389; },\n"
	"	{ name = 'files'; from = 'lg'; to = 'in'; method = 'sanitized-file';\n"
	"	  source = 'pcs'; destination = 'mukaika'; protocol = 'tcp'; ports = 443; },\n"
	"	{ name = 'web'; from = 'in'; to = 'up'; method = 'internal'; source = 'any';\n"
	"	  destination = 'any'; service = 'web'; },\n"
	"	{ name = 'resolve'; from = 'in'; to = 'up'; method = 'internal'; source = 'any';\n"
	"	  destination = 'dns'; protocol = 'udp'; ports = 53; }\n"
	"	#flows\n"
	");\n"
	"refusals = (\n"
	"	{ from = 'in'; to = 'up'; refuse = 'reject'; }\n"
	"	#refusals\n"
	");\n"
	"gateway = {\n"
	"	services = (\n"
	"		{ name = 'ssh'; zone = 'lg'; source = 'kanri'; protocol = 'tcp'; ports = 22; }\n"
	"		#locals\n"
	"	);\n"
	"	egress = (\n"
	"		{ name = 'ntp'; user = 'root'; zone = 'lg';\n"
	"		  destination = '10.2.0.123'; protocol = 'udp'; ports = 123; }\n"
	"		#egress\n"
	"	);\n"
	"};\n"
	"relays = (\n"
	"	{ name = 'mail'; from = 'in'; to = 'lg'; accept_from = 'soto'; next_hops = 'naka';\n"
	"	  domains = 'town.unno.lg.jp'; #relay\n"
	"	}\n"
	"	#relays\n"
	");\n";

enum { POLICY_EDITS_MAX = 12 };

/* Replaces the first occurrence of `find`. */
struct policy_edit {
	const char *find, *put;
};

struct policy_case {
	const char *what;
	const char *ids;	/* the findings in the order of their ids, separated by spaces; "" for none */
	const char *line;	/* stands in the line of the finding with the first id; NULL: not looked at */
	const char *related;	/* stands in one of its related lines; NULL: not looked at */
	struct policy_edit edits[POLICY_EDITS_MAX];
};

struct policy_run {
	struct arena *arena;
	struct findings findings;
	struct settings *settings;
	struct policy *policy;
};

/* 2026-11-21, noon in Japan. */
static inline int64_t policy_case_now(void)
{
	int32_t day;

	ck_assert_int_eq(date_parse("2026-11-21", &day), 0);
	return (int64_t)day * 86400 + 3 * 3600;
}

/* The text with " for each '. */
static inline const char *quoted(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

/* The good file with the edits of the row. */
static inline const char *policy_edited(struct arena *arena, const struct policy_case *row)
{
	const char *text = policy_good_file;

	for (size_t i = 0; i < POLICY_EDITS_MAX && row->edits[i].find; i++) {
		const char *at = strstr(text, row->edits[i].find);

		ck_assert_msg(at != NULL, "%s: \"%s\" does not stand in the file", row->what,
			      row->edits[i].find);
		text = arena_printf(arena, "%.*s%s%s", (int)(at - text), text, row->edits[i].put,
				    at + strlen(row->edits[i].find));
	}
	return text;
}

/* Reads, resolves and judges a text. The caller frees run.arena. */
static inline struct policy_run policy_run_text(const char *text, const struct policy_world *world)
{
	struct policy_run run = { .arena = arena_new() };
	struct arena *gone = arena_new();

	run.findings = findings_in(run.arena);
	text = quoted(run.arena, text);
	ck_assert_int_eq(settings_read_text(gone, "case.conf", text, strlen(text), &run.findings, &run.settings), 0);
	run.policy = policy_resolve(run.arena, run.settings, world, &run.findings);
	/* A policy needs nothing of the settings: the sanitizer finds what does. */
	arena_free(gone);
	run.settings = NULL;
	law_check(run.policy, world->now, &run.findings);
	return run;
}

static inline int compare_ids(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The ids of all findings in alphabetical order, separated by spaces. */
static inline const char *finding_ids(const struct policy_run *run)
{
	const char **ids = arena_array(run->arena, run->findings.count + 1, sizeof(const char *));
	const char *list = "";

	for (size_t i = 0; i < run->findings.count; i++)
		ids[i] = run->findings.items[i].kind->id;
	qsort(ids, run->findings.count, sizeof(const char *), compare_ids);
	for (size_t i = 0; i < run->findings.count; i++)
		list = arena_printf(run->arena, "%s%s%s", list, i ? " " : "", ids[i]);
	return list;
}

static inline bool line_holds(struct arena *arena, struct origin origin, const char *part)
{
	struct span line;

	if (!origin.source || origin.line == 0)
		return false;
	line = source_line(origin.source, origin.line);
	return strstr(arena_strndup(arena, line.data, line.length), quoted(arena, part)) != NULL;
}

/*
 * Holds the lines of the finding with the row's first id against the row; every sentence must be filled in
 * both languages.
 */
static inline void check_lines(const struct policy_run *run, const struct policy_case *row)
{
	size_t length = strcspn(row->ids, " ");

	for (size_t i = 0; i < run->findings.count; i++) {
		const struct finding *finding = &run->findings.items[i];
		bool related = row->related == NULL;

		ck_assert_ptr_null(strchr(finding_sentence(&run->findings, finding, LANGUAGE_EN), '?'));
		ck_assert_ptr_null(strchr(finding_sentence(&run->findings, finding, LANGUAGE_JA), '?'));
		ck_assert_ptr_null(strchr(finding_action(&run->findings, finding, LANGUAGE_JA), '?'));
		if (strncmp(finding->kind->id, row->ids, length) != 0 || finding->kind->id[length] != '\0')
			continue;
		for (size_t k = 0; k < FINDING_RELATED_MAX && row->related; k++)
			related |= line_holds(run->arena, finding->related[k], row->related);
		ck_assert_msg(!row->line || line_holds(run->arena, finding->origin, row->line),
			      "%s: %s stands in line %u", row->what, finding->kind->id, finding->origin.line);
		ck_assert_msg(related, "%s: %s does not name \"%s\"", row->what, finding->kind->id,
			      row->related);
	}
}

/* Runs the row and compares its findings. */
static inline void check_policy_case(const struct policy_case *row, const struct policy_world *world)
{
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, row), world);
	const char *ids = finding_ids(&run);

	ck_assert_msg(strcmp(ids, row->ids) == 0, "%s: \"%s\" instead of \"%s\"", row->what, ids, row->ids);
	check_lines(&run, row);
	arena_free(run.arena);
	arena_free(arena);
}

/* True when one of the rows expects the id. */
static inline bool cases_expect(const struct policy_case *rows, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		for (const char *at = rows[i].ids; *at; at += strcspn(at, " "), at += *at == ' ')
			if (strcspn(at, " ") == strlen(id) && strncmp(at, id, strlen(id)) == 0)
				return true;
	return false;
}

#endif
