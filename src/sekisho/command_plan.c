/*
 * sekisho plan [FILE]: what applying a file would change against what the kernel holds now. It changes nothing.
 *
 * --json: {"file", "kernel": bool, "changes": bool, "findings", "flows": {"opens", "closes", "expires",
 * "loses-interface", "changes", "renamed", "new-expiry", "stays": [names]}, "pairs": {"added", "deleted":
 * ["from.to"]}, "interfaces": {"added", "deleted": [names]}, "chains": {"added", "deleted"}, "rules_written",
 * "elements": {"added", "deleted"}, "aliens": n, "expiring": [{"flow", "expires"}], "cut": [{"flow",
 * "connections"}] (null: shown to root only), "critical": [{"flow", "fate"}]}.
 */
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "policy/law.h"
#include "kernel/conntrack.h"
#include "kernel/flow_changes.h"
#include "ruleset/crowding.h"
#include "ruleset/diff.h"
#include "ruleset/marks.h"
#include "sekisho/flow_words.h"
#include "sekisho/grid.h"
#include "wire/report.h"

struct names {
	const char **items;	/* sorted */
	size_t count, capacity;
};

/* A flow whose mark ends with the change, and the connections that carry it now. */
struct cut {
	const char *flow;	/* by its name in the kernel */
	size_t connections;
};

struct plan {
	struct context *context;
	const struct generation *generation;
	struct live live;
	struct flow_changes flows;
	struct names pairs_added, pairs_deleted;
	struct names interfaces_added, interfaces_deleted;
	size_t chains_added, chains_deleted, rules_written;
	size_t elements_added, elements_deleted;
	bool changes;		/* the kernel would be changed */
	struct cut *cuts;	/* those with connections */
	size_t cut_count;
};

struct fate_words {
	const char *sign, *en, *ja;
};

static const struct fate_words fates[FATE_COUNT] = {
	[FATE_OPENS] = { "+", "opens", "新しく開く" },
	[FATE_CLOSES] = { "-", "closes; its connections are cut", "閉じる(続いている接続も切れる)" },
	[FATE_EXPIRES] = { "-", "closes: its record has expired", "閉じる(期限切れ)" },
	[FATE_LOSES_INTERFACE] = { "-", "closes: an interface is missing",
	  "閉じる(インターフェースなし)" },
	[FATE_CHANGES] = { "~", "changes; running connections are judged again",
	  "内容が変わる(続いている接続は判定し直す)" },
	[FATE_RENAMED] = { "~", "gets this name; connections go on", "名前だけ変わる(接続は続く)" },
	[FATE_NEW_EXPIRY] = { "~", "gets another last day; connections go on",
	  "期限だけ変わる(接続は続く)" },
	[FATE_STAYS] = { "=", "stays", "変わらない" },
};

/* ---- names that come and go */

static void add_name(struct arena *arena, struct names *names, const char *name)
{
	names->items = arena_grow(arena, names->items, names->count, &names->capacity, sizeof(*names->items));
	names->items[names->count++] = name;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names that are in one list and not in the other. */
static struct names names_missing(struct arena *arena, const struct names *names, const struct names *other)
{
	struct names missing = { .count = 0 };

	for (size_t i = 0; i < names->count; i++) {
		if (other->count == 0 || !bsearch(&names->items[i], other->items, other->count, sizeof(*other->items), compare_names))
			add_name(arena, &missing, names->items[i]);
	}
	return missing;
}

/* "lgwan.internet" for each pair of zones the ruleset has chains for: each has a map of this name. */
static struct names ruleset_pairs(struct arena *arena, const struct ruleset *ruleset)
{
	static const char suffix[] = ".exact4";
	const struct table *table = ruleset ? ruleset_table(ruleset, FAMILY_INET, "sekisho") : NULL;
	struct names names = { .count = 0 };

	for (size_t i = 0; table && i < table->set_count; i++) {
		const char *name = table->sets[i].name;
		size_t length = strlen(name);

		if (length > sizeof(suffix) - 1 && strcmp(name + length - (sizeof(suffix) - 1), suffix) == 0)
			add_name(arena, &names, arena_strndup(arena, name, length - (sizeof(suffix) - 1)));
	}
	if (names.count > 0)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	return names;
}

/* The interfaces the ruleset watches: each has an ingress chain. */
static struct names ruleset_interfaces(struct arena *arena, const struct ruleset *ruleset)
{
	const struct table *table = ruleset ? ruleset_table(ruleset, FAMILY_NETDEV, "sekisho") : NULL;
	struct names names = { .count = 0 };

	for (size_t i = 0; table && i < table->chain_count; i++) {
		if (table->chains[i].hook.device)
			add_name(arena, &names, table->chains[i].hook.device);
	}
	if (names.count > 0)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	return names;
}

/* ---- the plan */

static void count_changes(struct plan *plan, const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		plan->chains_added += changes->items[i].kind == CHANGE_ADD_CHAIN;
		plan->chains_deleted += changes->items[i].kind == CHANGE_DELETE_CHAIN;
	}
	plan->rules_written += changes->rules_added;
	plan->elements_added += changes->elements_added;
	plan->elements_deleted += changes->elements_deleted;
}

/* True when the set has the mark, for whatever interfaces. Elements are sorted by it. */
static bool mark_is_live(const struct table *table, const char *name, uint32_t mark)
{
	const struct set *set = table ? table_set(table, name) : NULL;
	size_t low = 0, high = set ? set->element_count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (live_mark(&set->elements[middle]) < mark)
			low = middle + 1;
		else
			high = middle;
	}
	return set && low < set->element_count && live_mark(&set->elements[low]) == mark;
}

static size_t connections_of(const struct held_marks *held, uint32_t mark)
{
	for (size_t i = 0; i < held->count; i++)
		if (held->marks[i] == mark)
			return held->connections[i];
	return 0;
}

/* The connections whose mark is alive now and would not be then. Those of a flow that only changes are judged again, and may go on. */
static void count_cuts(struct plan *plan, const struct held_marks *held)
{
	static const char *const names[] = { "live", "local-live" };
	struct arena *arena = plan->context->arena;
	const struct ruleset *old_rules = plan->live.snapshot.ruleset;
	const struct table *old = old_rules ? ruleset_table(old_rules, FAMILY_INET, "sekisho") : NULL;
	const struct table *new = ruleset_table(plan->generation->compiled.ruleset, FAMILY_INET, "sekisho");
	size_t capacity = 0;

	for (size_t i = 0; old && i < sizeof(names) / sizeof(names[0]); i++) {
		const struct set *set = table_set(old, names[i]);

		for (size_t e = 0; set && e < set->element_count; e++) {
			uint32_t mark = live_mark(&set->elements[e]);
			uint8_t identity[COMPILE_IDENTITY_BYTES];
			struct span name;

			if (!set->elements[e].comment || !live_comment_parse(set->elements[e].comment, &name, identity) ||
			    mark_is_live(new, names[i], mark) || connections_of(held, mark) == 0)
				continue;
			plan->cuts = arena_grow(arena, plan->cuts, plan->cut_count, &capacity, sizeof(*plan->cuts));
			plan->cuts[plan->cut_count++] =
				(struct cut){ arena_strndup(arena, name.data, name.length), connections_of(held, mark) };
		}
	}
}

static int read_held_marks(struct context *context, struct held_marks *ret_marks)
{
	struct nfnl nfnl;
	int error = nfnl_open(&nfnl);

	if (!error) {
		error = conntrack_marks(context->arena, &nfnl, ret_marks);
		nfnl_close(&nfnl);
	}
	return error ? complain(context, "the connections could not be read: %s", "接続を読み取れません: %s", strerror(-error)) : 0;
}

static void make_plan(struct plan *plan)
{
	struct arena *arena = plan->context->arena;
	const struct ruleset *old = crowding_lift(arena, plan->live.snapshot.ruleset), *new = plan->generation->compiled.ruleset;
	struct transition transition = ruleset_diff(arena, old, new);
	struct names old_pairs = ruleset_pairs(arena, old), new_pairs = ruleset_pairs(arena, new);
	struct names old_interfaces = ruleset_interfaces(arena, old), new_interfaces = ruleset_interfaces(arena, new);

	plan->flows = flow_changes_of(arena, plan->generation, old);
	plan->pairs_added = names_missing(arena, &new_pairs, &old_pairs);
	plan->pairs_deleted = names_missing(arena, &old_pairs, &new_pairs);
	plan->interfaces_added = names_missing(arena, &new_interfaces, &old_interfaces);
	plan->interfaces_deleted = names_missing(arena, &old_interfaces, &new_interfaces);
	count_changes(plan, &transition.prepare);
	count_changes(plan, &transition.commit);
	count_changes(plan, &transition.revoke);
	plan->changes = transition.prepare.count > 0 || transition.commit.count > 0 || plan->live.snapshot.alien_count > 0;
}

/* True for a record that is still valid, but not for long. */
static bool expires_soon(const struct plan *plan, const struct flow *flow)
{
	return flow->closes_at > plan->context->now && (int64_t)flow->record->expires - date_of_time(plan->context->now) <= LAW_NOTICE_DAYS;
}

/* ---- for people */

static void print_flows(const struct plan *plan)
{
	struct context *context = plan->context;
	const struct policy *policy = plan->generation->policy;
	struct grid grid = grid_make(context->arena, 4);

	for (size_t i = 0; i < plan->flows.count; i++) {
		const struct flow_change *change = &plan->flows.items[i];
		const struct fate_words *words = &fates[change->fate];
		const struct flow *flow = change->flow;

		if (change->fate == FATE_STAYS)
			continue;
		grid_add(&grid, words->sign);
		if (change->fate == FATE_RENAMED)
			grid_add(&grid, arena_printf(context->arena, "%s => %s", change->kernel_name, flow->name));
		else
			grid_add(&grid, flow ? flow->name : change->kernel_name);
		grid_add(&grid, flow ? arena_printf(context->arena, "%s -> %s", flow_from_word(policy, flow), flow_to_word(policy, flow)) : "");
		grid_add(&grid, phrase(context, words->en, words->ja));
	}
	grid_print(&context->out, &grid, 2);
}

static void print_names(struct context *context, const char *label, const struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		buf_printf(&context->out, "%s%s", i ? ", " : label, visible_text(context->arena, span_of(names->items[i])));
	if (names->count > 0)
		buf_putc(&context->out, '\n');
}

static void print_program(const struct plan *plan)
{
	struct context *context = plan->context;

	print_names(context, phrase(context, "pairs of zones added: ", "ゾーンの組の追加: "), &plan->pairs_added);
	print_names(context, phrase(context, "pairs of zones deleted: ", "ゾーンの組の削除: "), &plan->pairs_deleted);
	print_names(context, phrase(context, "interfaces added: ",
			"インターフェースの追加: "), &plan->interfaces_added);
	print_names(context, phrase(context, "interfaces deleted: ",
			"インターフェースの削除: "), &plan->interfaces_deleted);
	buf_printf(&context->out, phrase(context, "kernel: %zu chains added, %zu deleted; %zu rules written; %zu elements added, %zu deleted\n",
					 "カーネル: チェーンの追加 %zu、削除 %zu、ルールの書き込み %zu、要素の追加 %zu、削除 %zu\n"),
		   plan->chains_added, plan->chains_deleted, plan->rules_written, plan->elements_added, plan->elements_deleted);
}

static void print_expiring(const struct plan *plan)
{
	struct context *context = plan->context;
	const struct policy *policy = plan->generation->policy;
	struct grid grid = grid_make(context->arena, 2);

	for (size_t i = 0; i < policy->flow_count; i++) {
		if (!expires_soon(plan, &policy->flows[i]))
			continue;
		grid_add(&grid, policy->flows[i].name);
		grid_add(&grid, flow_expiry_text(context, &policy->flows[i]));
	}
	if (grid.count == 0)
		return;
	buf_printf(&context->out, phrase(context, "records that expire within %d days:\n",
			"%d 日以内に期限が来るもの:\n"), LAW_NOTICE_DAYS);
	grid_print(&context->out, &grid, 2);
}

/* 「この変更で止まるもの」 */
static void print_cuts(const struct plan *plan)
{
	struct context *context = plan->context;
	struct grid grid = grid_make(context->arena, 2);
	bool critical = false;

	for (size_t i = 0; i < plan->cut_count; i++) {
		grid_add(&grid, plan->cuts[i].flow);
		grid_add(&grid, arena_printf(context->arena, phrase(context, "%zu connections", "接続 %zu 件"), plan->cuts[i].connections));
	}
	if (plan->cut_count > 0)
		buf_puts(&context->out, phrase(context, "running connections whose flow ends or changes:\n", "この変更で止まる、または判定し直す接続:\n"));
	grid_print(&context->out, &grid, 2);
	for (size_t i = 0; i < plan->flows.count; i++) {
		const struct flow_change *change = &plan->flows.items[i];

		if (!change->flow || !change->flow->critical || change->fate == FATE_STAYS)
			continue;
		if (!critical)
			buf_puts(&context->out, phrase(context, "what must not stop, and is touched:\n", "止めてはならない通信のうち、この変更が及ぶもの:\n"));
		critical = true;
		buf_printf(&context->out, "  %s: %s\n", visible_text(context->arena, span_of(change->flow->name)),
			   phrase(context, fates[change->fate].en, fates[change->fate].ja));
	}
}

static void print_plan(const struct plan *plan)
{
	struct context *context = plan->context;
	const size_t *counts = plan->flows.counts;

	print_findings(context, plan->generation);
	if (!plan->live.snapshot.ruleset)
		buf_puts(&context->out, phrase(context, "The kernel holds no rules of sekisho yet.\n",
				"カーネルにはまだ関所のルールがありません。\n"));
	if (plan->live.snapshot.alien_count > 0)
		buf_printf(&context->out, phrase(context, "Things in our tables that are not of sekisho, and would be removed: %zu\n",
						 "関所のテーブルにある、関所のものでない項目(取り除かれます): %zu 件\n"), plan->live.snapshot.alien_count);
	if (!plan->changes) {
		buf_printf(&context->out, phrase(context, "Nothing would change: all %zu open flows stay as they are.\n",
						 "変更はありません。有効な通信許可 %zu 件は、すべてそのままです。\n"), counts[FATE_STAYS]);
	} else {
		print_flows(plan);
		buf_printf(&context->out, phrase(context, "flows: %zu open, %zu close, %zu change, %zu stay\n",
						 "通信許可: 開く %zu、閉じる %zu、変わる %zu、変わらない %zu\n"), counts[FATE_OPENS],
			   counts[FATE_CLOSES] + counts[FATE_EXPIRES] + counts[FATE_LOSES_INTERFACE],
			   counts[FATE_CHANGES] + counts[FATE_RENAMED] + counts[FATE_NEW_EXPIRY], counts[FATE_STAYS]);
		print_program(plan);
	}
	print_cuts(plan);
	if (plan->live.by_view)
		buf_puts(&context->out, phrase(context, "How many running connections would be cut is shown to root only.\n",
						"切れる接続の件数は root だけに示されます。\n"));
	print_expiring(plan);
}

/* ---- as JSON */

static json_t *names_to_json(struct context *context, const struct names *names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names->count; i++)
		json_array_append_new(list, json_visible(context, names->items[i]));
	return list;
}

static json_t *flows_to_json(const struct plan *plan)
{
	json_t *object = json_object();

	for (size_t fate = 0; fate < FATE_COUNT; fate++)
		json_object_set_new(object, flow_fate_word((enum flow_fate)fate), json_array());
	for (size_t i = 0; i < plan->flows.count; i++) {
		const struct flow_change *change = &plan->flows.items[i];

		json_array_append_new(json_object_get(object, flow_fate_word(change->fate)),
				      json_visible(plan->context, change->flow ? change->flow->name : change->kernel_name));
	}
	return object;
}

static json_t *expiring_to_json(const struct plan *plan)
{
	const struct policy *policy = plan->generation->policy;
	json_t *list = json_array();
	char date[DATE_TEXT_BYTES];

	for (size_t i = 0; i < policy->flow_count; i++) {
		if (expires_soon(plan, &policy->flows[i]))
			json_array_append_new(list, json_pack("{s:o, s:s}", "flow", json_visible(plan->context, policy->flows[i].name), "expires",
							      date_format(policy->flows[i].record->expires, date)));
	}
	return list;
}

static json_t *cuts_to_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->cut_count; i++)
		json_array_append_new(list, json_pack("{s:o, s:I}", "flow", json_visible(plan->context, plan->cuts[i].flow), "connections",
						      (json_int_t)plan->cuts[i].connections));
	return list;
}

static json_t *critical_to_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->flows.count; i++) {
		const struct flow_change *change = &plan->flows.items[i];

		if (change->flow && change->flow->critical && change->fate != FATE_STAYS)
			json_array_append_new(list, json_pack("{s:o, s:s}", "flow", json_visible(plan->context, change->flow->name), "fate",
							      flow_fate_word(change->fate)));
	}
	return list;
}

static void print_plan_json(const struct plan *plan, const char *path)
{
	struct context *context = plan->context;
	json_t *object = json_object();

	json_object_set_new(object, "file", json_visible(context, path));
	json_object_set_new(object, "kernel", json_boolean(plan->live.snapshot.ruleset != NULL));
	json_object_set_new(object, "changes", json_boolean(plan->changes));
	json_object_set_new(object, "findings", findings_to_json(&plan->generation->findings));
	json_object_set_new(object, "flows", flows_to_json(plan));
	json_object_set_new(object, "pairs", json_pack("{s:o, s:o}", "added", names_to_json(context, &plan->pairs_added), "deleted",
						       names_to_json(context, &plan->pairs_deleted)));
	json_object_set_new(object, "interfaces", json_pack("{s:o, s:o}", "added", names_to_json(context, &plan->interfaces_added), "deleted",
							    names_to_json(context, &plan->interfaces_deleted)));
	json_object_set_new(object, "chains", json_pack("{s:I, s:I}", "added", (json_int_t)plan->chains_added, "deleted",
							(json_int_t)plan->chains_deleted));
	json_object_set_new(object, "rules_written", json_integer((json_int_t)plan->rules_written));
	json_object_set_new(object, "elements", json_pack("{s:I, s:I}", "added", (json_int_t)plan->elements_added, "deleted",
							  (json_int_t)plan->elements_deleted));
	json_object_set_new(object, "aliens", json_integer((json_int_t)plan->live.snapshot.alien_count));
	json_object_set_new(object, "expiring", expiring_to_json(plan));
	json_object_set_new(object, "cut", plan->live.by_view ? json_null() : cuts_to_json(plan));
	json_object_set_new(object, "critical", critical_to_json(plan));
	print_json(context, object);
}

int command_plan(struct context *context, int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : context->config_path;
	struct plan plan = { .context = context };
	struct held_marks held;
	int status;

	if (argc > 2)
		return complain_usage(context, "plan takes one file", "plan に指定できるファイルは一つです");
	if (argc > 1 && argv[1][0] == '-')
		return complain_usage(context, "plan: unknown option", "plan: 知らないオプションです");
	status = live_read(context, &plan.live);
	if (status)
		return status;
	context->prove = true;
	plan.generation = load_for_live(context, path, &plan.live);
	if (!is_usable(context, path, plan.generation))
		return EXIT_REFUSED;
	status = plan.live.by_view ? 0 : read_held_marks(context, &held);
	if (status)
		return status;
	make_plan(&plan);
	if (!plan.live.by_view)
		count_cuts(&plan, &held);
	if (context->json)
		print_plan_json(&plan, path);
	else
		print_plan(&plan);
	return EXIT_FINE;
}
