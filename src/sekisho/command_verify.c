/*
 * sekisho verify [--file FILE]: is the law in force? One page: what is proved of the rules in the kernel, what is not and why, what differs from the
 * file, which routes are missing, which ways past the rules sekishod sees, and what no gateway can see.
 *
 * --json: {"file", "proved": bool, "lines": [{"line", "state": "holds|broken|unproved", "why", "packet"}], "drift": {"same": bool,
 * "aliens": [texts], "elements_added", "elements_deleted", "rules_written"}, "routes": [{"flow", "address", "leads_to"}], "critical":
 * {"flows": n, "closed": [names]}, "ways": [findings] or null when sekishod does not answer, "out_of_reach": [texts]}. The packet has the words of
 * `sekisho why --batch`, and "hook".
 */
#include <getopt.h>
#include <string.h>

#include "base/width.h"
#include "sekisho/control.h"
#include "sekisho/grid.h"
#include "sekisho/verify.h"
#include "wire/report.h"

enum { SHOWN_MAX = 20 };

struct reach_words {
	const char *en, *ja;
};

/* 対象外 */
static const struct reach_words out_of_reach[] = {
	{ "terminals: authentication, USB memory, screens, paper, malware that uses an allowed flow",
	  "端末側: 多要素認証、持ち出し、画面、印刷物、許可した通信を使う不正プログラム" },
	{ "inside a zone: machines at one switch, a second router, a cable that joins zones behind the gateway",
	  "ゾーン内: 同じスイッチの機器どうし、別のルーター、関所を通らない配線" },
	{ "behind a router: its MAC is bound, not the terminal's", "ルーターの先: 照合できるのはルーターの MAC で、端末の MAC ではない" },
	{ "content: what an allowed connection carries", "内容: 許可した通信の中身" },
	{ "root on the gateway, and whoever holds the machine: detected, not resisted", "関所の root と、装置を手にした人: 検知はするが、防げない" },
	/* the last, where the kernel does not list them */
	{ "modules of the kernel that take packets: this kernel does not list them (nfnetlink_hook)",
	  "パケットを受け取るカーネルのモジュール: このカーネルには一覧がない(nfnetlink_hook)" },
};

/* ---- ways past the rules */

struct ways {
	json_t *findings;	/* of sekishod's survey; NULL: it does not answer */
	bool modules_hidden;	/* this kernel does not list modules that take packets */
};

static void ways_free(struct ways *ways)
{
	json_decref(ways->findings);
}

/* That sekishod does not answer is no fault of the rules, so nothing is complained of. */
static struct ways ways_ask(struct context *context)
{
	const size_t complained = context->complaint.length;
	struct ways ways = { .findings = NULL };
	json_t *answer;

	if (control_ask(context, VERB_STATUS, NULL, &answer) == 0) {
		const char *hooks = json_string_value(json_object_get(answer, "hooks"));

		ways.findings = json_incref(json_object_get(answer, "survey"));
		ways.modules_hidden = hooks && strcmp(hooks, "unlisted") == 0;
		json_decref(answer);
	}
	context->complaint.length = complained;
	return ways;
}

static size_t out_of_reach_count(const struct ways *ways)
{
	return sizeof(out_of_reach) / sizeof(out_of_reach[0]) - (ways->modules_hidden ? 0 : 1);
}

static void print_ways(struct context *context, const struct ways *ways)
{
	if (!json_is_array(ways->findings))
		buf_puts(&context->out, phrase(context, "Ways past the rules: not known, because sekishod does not answer.\n",
					       "ルールを通らない経路: sekishod が応答しないため不明です。\n"));
	else
		buf_printf(&context->out, phrase(context, "Ways past the rules that sekishod sees: %zu.\n", "sekishod が検出した、ルールを通らない経路: %zu 件。\n"),
			   json_array_size(ways->findings));
	findings_render_json(&context->out, ways->findings, context->language);
}

/* ---- for people */

static const char *doubt_words(struct context *context, const struct proof *proof, const struct proof_result *result)
{
	switch (result->doubt) {
	case PROOF_TOO_COMPLEX:
		return phrase(context, "the rules are too many or too entangled", "ルールが多すぎるか、複雑すぎます");
	case PROOF_UNREADABLE:
		return arena_printf(context->arena, phrase(context, "not of sekisho: %s", "関所のものでない項目: %s"), proof->unreadable);
	case PROOF_UNCONFIRMED: case PROOF_NO_DOUBT:
		break;
	}
	return phrase(context, "packets may break it, though none that was tried passed", "違反するパケットがあり得ます(試したものは通りませんでした)");
}

static void print_law(struct context *context, const struct verification *verification)
{
	static const struct reach_words states[] = {
		[PROOF_HOLDS] = { "proved", "証明" }, [PROOF_BROKEN] = { "BROKEN", "違反!" }, [PROOF_UNPROVED] = { "NOT PROVED", "証明不能" },
	};
	const struct proof *proof = &verification->proof;

	buf_puts(&context->out, phrase(context, "The law, on the rules read back from the kernel:\n", "規律(カーネルから読み戻したルールについて):\n"));
	for (int line = 0; line < PROOF_LINE_COUNT; line++) {
		const struct proof_result *result = &proof->lines[line];

		buf_puts(&context->out, "  ");
		buf_pad(&context->out, span_of(phrase(context, states[result->state].en, states[result->state].ja)), 10);
		buf_printf(&context->out, " %s\n", proof_line_sentence((enum proof_line)line, context->language));
		if (result->state == PROOF_BROKEN)
			buf_printf(&context->out, phrase(context, "             this packet passes: %s\n", "             通るパケット: %s\n"),
				   breach_words(context->arena, verification->live.snapshot.ruleset, &result->breach));
		if (result->state == PROOF_UNPROVED)
			buf_printf(&context->out, "             %s\n", doubt_words(context, proof, result));
	}
}

static void print_drift(struct context *context, const struct verification *verification)
{
	const struct transition *transition = &verification->transition;
	const struct snapshot *snapshot = &verification->live.snapshot;

	if (verification->same) {
		buf_puts(&context->out, phrase(context, "The kernel holds what the file says.\n", "カーネルのルールはファイルと一致しています。\n"));
		return;
	}
	buf_printf(&context->out,
		   phrase(context, "DRIFT: the kernel does not hold what the file says (an edited file that was not applied, or foreign changes).\n"
				   "  to mend: %zu elements added, %zu deleted, %zu rules written; see: sekisho plan\n",
			  "差異: カーネルのルールがファイルと一致しません(未適用の編集、または関所以外による変更)。\n"
			  "  元に戻す変更: 要素の追加 %zu、削除 %zu、ルールの書き込み %zu(sekisho plan で確認できます)\n"),
		   transition->prepare.elements_added + transition->commit.elements_added,
		   transition->prepare.elements_deleted + transition->commit.elements_deleted + transition->revoke.elements_deleted,
		   transition->prepare.rules_added + transition->commit.rules_added);
	for (size_t i = 0; i < snapshot->alien_count && i < SHOWN_MAX; i++)
		buf_printf(&context->out, phrase(context, "  not of sekisho: %s: %s\n", "  関所のものでない項目: %s: %s\n"),
			   visible_text(context->arena, span_of(snapshot->aliens[i].where)), snapshot->aliens[i].what);
}

static void print_routes(struct context *context, const struct verification *verification)
{
	struct grid grid = grid_make(context->arena, 3);
	char address[NETADDR_TEXT_BYTES];

	buf_printf(&context->out, phrase(context, "Routes for %zu open flows: %zu ends cannot be reached by their zone.\n",
					 "有効な通信許可 %zu 件の経路: ゾーンから届かない相手 %zu 件。\n"),
		   verification->open_flows, verification->routes.count);
	for (size_t i = 0; i < verification->routes.count && i < SHOWN_MAX; i++) {
		const struct route_fault *fault = &verification->routes.items[i];

		grid_add(&grid, fault->flow->name);
		grid_add(&grid, arena_strdup(context->arena, netaddr_format(&fault->address, address)));
		grid_add(&grid, fault->leads_to ? arena_printf(context->arena, phrase(context, "leads to %s", "%s へ向かう"), fault->leads_to) :
						  phrase(context, "no route", "経路なし"));
	}
	grid_print(&context->out, &grid, 2);
	buf_printf(&context->out, phrase(context, "What must not stop: %zu flows, %zu of them closed or cut off.\n",
					 "止めてはならない通信: %zu 件、うち閉じているか届かないもの %zu 件。\n"),
		   verification->critical_flows, verification->critical_closed_count);
	for (size_t i = 0; i < verification->critical_closed_count; i++)
		buf_printf(&context->out, "  %s\n", visible_text(context->arena, span_of(verification->critical_closed[i]->name)));
}

static void print_verification(struct context *context, const struct verification *verification, const struct ways *ways)
{
	print_law(context, verification);
	if (verification->live.by_view)
		buf_puts(&context->out, phrase(context, "Running connections were not looked at; the kernel shows them to root only.\n",
						"続いている接続は検査していません(root だけに示されます)。\n"));
	print_drift(context, verification);
	print_routes(context, verification);
	print_ways(context, ways);
	buf_puts(&context->out, phrase(context, "Out of a gateway's reach:\n", "対象外(関所では確かめられないこと):\n"));
	for (size_t i = 0; i < out_of_reach_count(ways); i++)
		buf_printf(&context->out, "  %s\n", phrase(context, out_of_reach[i].en, out_of_reach[i].ja));
	buf_puts(&context->out, verification_is_fine(verification) && !ways_are_open(ways->findings) ?
					phrase(context, "The law is in force.\n", "規律は守られています。\n") :
					phrase(context, "NOT verified.\n", "検証できませんでした。\n"));
}

/* ---- as JSON */

static const char *hook_word(enum hook_point hook)
{
	static const char *const words[] = {
		[HOOK_INGRESS] = "ingress", [HOOK_PREROUTING] = "prerouting", [HOOK_FORWARD] = "forward", [HOOK_INPUT] = "input",
		[HOOK_OUTPUT] = "output", [HOOK_BRIDGE] = "bridge", [HOOK_OTHER] = "other",
	};

	return words[hook];
}

static const char *state_name(uint32_t state)
{
	if (state & CT_INVALID)
		return "invalid";
	if (state & CT_UNTRACKED)
		return "untracked";
	if (state & CT_RELATED)
		return "related";
	return state & CT_NEW ? "new" : "established";
}

static void set_address(json_t *object, const char *key, const struct netaddr *address)
{
	char text[NETADDR_TEXT_BYTES];

	if (address->family != 0)
		json_object_set_new(object, key, json_string(netaddr_format(address, text)));
}

static void set_interface(json_t *object, const char *key, const struct link_table *links, uint32_t index)
{
	const char *name = link_name(links, index);

	if (index != 0)
		json_object_set_new(object, key, name ? json_string(name) : json_integer(index));
}

static json_t *packet_to_json(const struct link_table *links, enum hook_point hook, const struct packet *packet)
{
	char mac[MACADDR_TEXT_BYTES];
	json_t *object = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:I, s:i, s:b, s:i}", "hook", hook_word(hook), "proto", (int)packet->protocol,
				   "sport", (int)packet->sport, "dport", (int)packet->dport, "type", (int)packet->icmp_type, "flags",
				   (int)packet->tcp_flags, "hoplimit", (int)packet->hoplimit, "state", state_name(packet->ct_state), "dir",
				   packet->ct_direction == DIRECTION_REPLY ? "reply" : "original", "mark", (json_int_t)packet->ct_mark, "ethertype",
				   (int)packet->ether_type, "rh", (int)packet->routing_header, "pkttype", (int)packet->pkttype);

	set_interface(object, "iif", links, packet->iif);
	set_interface(object, "oif", links, packet->oif);
	set_address(object, "src", &packet->source);
	set_address(object, "dst", &packet->destination);
	set_address(object, "nexthop", &packet->next_hop);
	if (packet->iif != 0)
		json_object_set_new(object, "smac", json_string(macaddr_format(&packet->ether_saddr, mac)));
	if (packet->ct_status & (CT_SNAT | CT_DNAT))
		json_object_set_new(object, "status", json_string(packet->ct_status & CT_SNAT ? "snat" : "dnat"));
	if (packet->has_skuid)
		json_object_set_new(object, "uid", json_integer(packet->skuid));
	return object;
}

static json_t *line_to_json(const struct verification *verification, enum proof_line line)
{
	static const char *const states[] = { [PROOF_HOLDS] = "holds", [PROOF_BROKEN] = "broken", [PROOF_UNPROVED] = "unproved" };
	static const char *const doubts[] = { [PROOF_NO_DOUBT] = "", [PROOF_TOO_COMPLEX] = "too-complex", [PROOF_UNCONFIRMED] = "unconfirmed",
					      [PROOF_UNREADABLE] = "unreadable" };
	const struct proof_result *result = &verification->proof.lines[line];
	const struct link_table *links = &verification->live.links;
	json_t *object = json_pack("{s:s, s:s}", "line", proof_line_name(line), "state", states[result->state]);

	if (result->state == PROOF_UNPROVED)
		json_object_set_new(object, "why", json_string(doubts[result->doubt]));
	if (result->state != PROOF_BROKEN)
		return object;
	json_object_set_new(object, "packet", packet_to_json(links, result->breach.hook, &result->breach.packet));
	if (line == PROOF_CHAIN)
		json_object_set_new(object, "second", packet_to_json(links, HOOK_OUTPUT, &result->breach.second));
	return object;
}

static json_t *drift_to_json(struct context *context, const struct verification *verification)
{
	const struct transition *transition = &verification->transition;
	const struct snapshot *snapshot = &verification->live.snapshot;
	json_t *aliens = json_array();

	for (size_t i = 0; i < snapshot->alien_count; i++)
		json_array_append_new(aliens, json_visible(context, arena_printf(context->arena, "%s: %s", snapshot->aliens[i].where,
										 snapshot->aliens[i].what)));
	return json_pack("{s:b, s:o, s:I, s:I, s:I}", "same", (int)verification->same, "aliens", aliens, "elements_added",
			 (json_int_t)(transition->prepare.elements_added + transition->commit.elements_added), "elements_deleted",
			 (json_int_t)(transition->prepare.elements_deleted + transition->commit.elements_deleted +
				      transition->revoke.elements_deleted),
			 "rules_written", (json_int_t)(transition->prepare.rules_added + transition->commit.rules_added));
}

static json_t *routes_to_json(struct context *context, const struct verification *verification)
{
	json_t *list = json_array();
	char address[NETADDR_TEXT_BYTES];

	for (size_t i = 0; i < verification->routes.count; i++) {
		const struct route_fault *fault = &verification->routes.items[i];

		json_array_append_new(list, json_pack("{s:o, s:s, s:s?}", "flow", json_visible(context, fault->flow->name), "address",
						      netaddr_format(&fault->address, address), "leads_to", fault->leads_to));
	}
	return list;
}

static void print_verification_json(struct context *context, const struct verification *verification, const struct ways *ways, const char *path)
{
	json_t *object = json_object(), *lines = json_array(), *closed = json_array(), *beyond = json_array();

	for (int line = 0; line < PROOF_LINE_COUNT; line++)
		json_array_append_new(lines, line_to_json(verification, (enum proof_line)line));
	for (size_t i = 0; i < verification->critical_closed_count; i++)
		json_array_append_new(closed, json_visible(context, verification->critical_closed[i]->name));
	for (size_t i = 0; i < out_of_reach_count(ways); i++)
		json_array_append_new(beyond, json_string(phrase(context, out_of_reach[i].en, out_of_reach[i].ja)));
	json_object_set_new(object, "file", json_visible(context, path));
	json_object_set_new(object, "proved", json_boolean(verification->proof.holds));
	json_object_set_new(object, "lines", lines);
	json_object_set_new(object, "connections", json_boolean(!verification->live.by_view));
	json_object_set_new(object, "drift", drift_to_json(context, verification));
	json_object_set_new(object, "routes", routes_to_json(context, verification));
	json_object_set_new(object, "critical", json_pack("{s:I, s:o}", "flows", (json_int_t)verification->critical_flows, "closed", closed));
	json_object_set_new(object, "ways", ways->findings ? json_deep_copy(ways->findings) : json_null());
	json_object_set_new(object, "out_of_reach", beyond);
	print_json(context, object);
}

static int parse_options(struct context *context, int argc, char **argv, const char **ret_path)
{
	static const struct option options[] = { { "file", required_argument, NULL, 'f' }, { NULL, 0, NULL, 0 } };
	int option;

	*ret_path = context->config_path;
	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option != 'f')
			return complain_usage(context, "verify: unknown option, or one without its value",
					      "verify: 知らないオプションか、値のないオプションがあります");
		*ret_path = optarg;
	}
	if (optind < argc)
		return complain_usage(context, "verify: unexpected word \"%s\"", "verify: 余分な語「%s」があります", argv[optind]);
	return 0;
}

int command_verify(struct context *context, int argc, char **argv)
{
	const struct generation *generation;
	struct verification verification;
	const char *path;
	struct live live;
	struct ways ways;
	int status = parse_options(context, argc, argv, &path);

	if (!status)
		status = live_read(context, &live);
	if (status)
		return status;
	if (!live.snapshot.ruleset)
		return complain(context, "the kernel holds no rules of sekisho", "カーネルに関所のルールはありません");
	generation = load_for_live(context, path, &live);
	if (!is_usable(context, path, generation))
		return EXIT_REFUSED;
	status = verify_kernel(context, generation, &live, &verification);
	if (status)
		return status;
	ways = ways_ask(context);
	if (context->json)
		print_verification_json(context, &verification, &ways, path);
	else
		print_verification(context, &verification, &ways);
	status = verification_is_fine(&verification) && !ways_are_open(ways.findings) ? EXIT_FINE : EXIT_REFUSED;
	ways_free(&ways);
	return status;
}
