/*
 * sekisho flows [--live] [FILE]: the ledger of flows: what is allowed, by which record, until when.
 *
 * Without --live a flow is open unless its record has expired. With --live (root) it is also asked whether its
 * interfaces exist here and whether the kernel has it. --json: {"file", "flows": [{"name", "from", "to",
 * "method", "peer", "source", "destination", "user", "protocol", "ports", "record": {"number", "reason",
 * "approver", "approved", "expires"}, "critical", "life_safety", "state", "file", "line"}]}; what does not apply is null.
 * state is open, expired, no-interface or not-in-kernel.
 */
#include <getopt.h>
#include <string.h>

#include "base/date.h"
#include "ruleset/marks.h"
#include "sekisho/flow_words.h"
#include "sekisho/grid.h"

enum flow_state { FLOW_OPEN, FLOW_EXPIRED, FLOW_NO_INTERFACE, FLOW_NOT_IN_KERNEL };

struct state_label {
	const char *word, *en, *ja;
};

static const struct state_label state_labels[] = {
	[FLOW_OPEN] = { "open", "open", "有効" },
	[FLOW_EXPIRED] = { "expired", "closed: expired", "閉鎖(期限切れ)" },
	[FLOW_NO_INTERFACE] = { "no-interface", "closed: interface missing", "閉鎖(インターフェースなし)" },
	[FLOW_NOT_IN_KERNEL] = { "not-in-kernel", "closed: not applied", "閉鎖(未適用)" },
};

/* The flows of a file and what decides whether they are open. */
struct ledger {
	struct context *context;
	const struct generation *generation;
	bool live;
	struct mark_book kernel;	/* --live: the flows the kernel has */
};

static enum flow_state state_of(const struct ledger *ledger, size_t index)
{
	const struct flow_mark *mark = &ledger->generation->compiled.flow_marks[index];

	if (mark->mark == 0)
		return ledger->generation->policy->flows[index].expired ? FLOW_EXPIRED : FLOW_NO_INTERFACE;
	if (ledger->live && !mark_book_find(&ledger->kernel, mark->identity))
		return FLOW_NOT_IN_KERNEL;
	return FLOW_OPEN;
}

/* ---- as a table */

static void add_heading(struct context *context, struct grid *grid)
{
	grid_add(grid, phrase(context, "NAME", "名称"));
	grid_add(grid, phrase(context, "FROM -> TO", "ゾーン"));
	grid_add(grid, phrase(context, "METHOD", "通信方式"));
	grid_add(grid, phrase(context, "SOURCE", "送信元"));
	grid_add(grid, phrase(context, "DESTINATION", "宛先"));
	grid_add(grid, phrase(context, "TRAFFIC", "通信"));
	grid_add(grid, phrase(context, "PEER", "相手区分"));
	grid_add(grid, phrase(context, "RECORD", "台帳番号"));
	grid_add(grid, phrase(context, "EXPIRES", "期限"));
	grid_add(grid, phrase(context, "STATE", "状態"));
}

static void add_row(const struct ledger *ledger, struct grid *grid, size_t index)
{
	struct context *context = ledger->context;
	const struct policy *policy = ledger->generation->policy;
	const struct flow *flow = &policy->flows[index];
	const struct state_label *state = &state_labels[state_of(ledger, index)];

	grid_add(grid, flow->name);
	grid_add(grid, arena_printf(context->arena, "%s -> %s", flow_from_word(policy, flow), flow_to_word(policy, flow)));
	grid_add(grid, flow_method_label(context, flow));
	grid_add(grid, flow_source_text(context, flow));
	grid_add(grid, flow_destination_text(context, flow));
	grid_add(grid, flow_traffic_text(context, flow));
	grid_add(grid, flow->peer == PEER_NONE ? "" : peer_label(flow->peer, context->language));
	grid_add(grid, flow->record && flow->record->number ? flow->record->number : "");
	grid_add(grid, flow_expiry_text(context, flow));
	grid_add(grid, phrase(context, state->en, state->ja));
}

static void print_ledger(const struct ledger *ledger)
{
	struct grid grid = grid_make(ledger->context->arena, 10);

	add_heading(ledger->context, &grid);
	for (size_t i = 0; i < ledger->generation->policy->flow_count; i++)
		add_row(ledger, &grid, i);
	grid_print(&ledger->context->out, &grid, 0);
}

/* ---- as JSON */

static json_t *ranges_to_json(const struct addr_ranges *ranges)
{
	json_t *list = json_array();
	char text[ADDR_RANGE_TEXT_BYTES];

	for (size_t i = 0; i < ranges->count; i++)
		json_array_append_new(list, json_string(addr_range_format(&ranges->items[i], text)));
	return list;
}

static json_t *ports_to_json(struct context *context, const struct flow *flow)
{
	json_t *list = json_array();

	for (size_t i = 0; i < flow->port_count; i++) {
		const struct port_range *ports = &flow->ports[i];

		json_array_append_new(list, ports->first == ports->last ? json_integer(ports->first) :
				      json_string(arena_printf(context->arena, "%u-%u", ports->first, ports->last)));
	}
	return list;
}

static json_t *day_to_json(int32_t day)
{
	char text[DATE_TEXT_BYTES];

	return day == INT32_MIN ? json_null() : json_string(date_format(day, text));
}

static json_t *text_or_null(struct context *context, const char *text)
{
	return text ? json_visible(context, text) : json_null();
}

static json_t *record_to_json(struct context *context, const struct flow *flow)
{
	if (!flow->record)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "number", text_or_null(context, flow->record->number), "reason",
			 text_or_null(context, flow->record->reason), "approver", text_or_null(context, flow->record->approver), "approved",
			 day_to_json(flow->record->approved), "expires", day_to_json(flow->record->expires));
}

static json_t *flow_to_json(const struct ledger *ledger, size_t index)
{
	struct context *context = ledger->context;
	const struct policy *policy = ledger->generation->policy;
	const struct flow *flow = &policy->flows[index];
	json_t *object = json_object();

	json_object_set_new(object, "name", json_visible(context, flow->name));
	json_object_set_new(object, "from", json_string(flow_from_word(policy, flow)));
	json_object_set_new(object, "to", json_string(flow_to_word(policy, flow)));
	json_object_set_new(object, "method", json_string(flow_method_word(flow)));
	json_object_set_new(object, "peer", flow->peer == PEER_NONE ? json_null() : json_string(peer_name(flow->peer)));
	json_object_set_new(object, "source", ranges_to_json(&flow->sources));
	json_object_set_new(object, "destination", ranges_to_json(&flow->destinations));
	json_object_set_new(object, "user", text_or_null(context, flow->kind == FLOW_EGRESS ? flow->user : NULL));
	json_object_set_new(object, "protocol", json_string(protocol_name(context->arena, flow->protocol)));
	json_object_set_new(object, "ports", ports_to_json(context, flow));
	json_object_set_new(object, "record", record_to_json(context, flow));
	json_object_set_new(object, "critical", json_boolean(flow->critical));
	json_object_set_new(object, "life_safety", json_boolean(flow->life_safety));
	json_object_set_new(object, "state", json_string(state_labels[state_of(ledger, index)].word));
	json_object_set_new(object, "file", text_or_null(context, flow->at.source ? flow->at.source->path : NULL));
	json_object_set_new(object, "line", json_integer(flow->at.line));
	return object;
}

static void print_ledger_json(const struct ledger *ledger, const char *path)
{
	json_t *flows = json_array();

	for (size_t i = 0; i < ledger->generation->policy->flow_count; i++)
		json_array_append_new(flows, flow_to_json(ledger, i));
	print_json(ledger->context, json_pack("{s:o, s:o}", "file", json_visible(ledger->context, path), "flows", flows));
}

static int load_ledger(struct ledger *ledger, const char *path)
{
	struct context *context = ledger->context;
	struct live live;
	int status;

	if (!ledger->live) {
		ledger->generation = load_offline(context, path);
		return 0;
	}
	status = live_read(context, &live);
	if (status)
		return status;
	ledger->kernel = mark_book_of(context->arena, live.snapshot.ruleset, NULL, 0);
	ledger->generation = load_for_live(context, path, &live);
	return 0;
}

int command_flows(struct context *context, int argc, char **argv)
{
	static const struct option options[] = { { "live", no_argument, NULL, 'l' }, { NULL, 0, NULL, 0 } };
	struct ledger ledger = { .context = context };
	const char *path;
	int option, status;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option != 'l')
			return complain_usage(context, "flows: unknown option", "flows: 知らないオプションです");
		ledger.live = true;
	}
	if (argc - optind > 1)
		return complain_usage(context, "flows takes one file", "flows に指定できるファイルは一つです");
	path = optind < argc ? argv[optind] : context->config_path;
	status = load_ledger(&ledger, path);
	if (status)
		return status;
	if (!is_usable(context, path, ledger.generation))
		return EXIT_REFUSED;
	if (context->json)
		print_ledger_json(&ledger, path);
	else
		print_ledger(&ledger);
	return EXIT_FINE;
}
