/*
 * sekisho why SRC DST [PROTO [PORT]]: one packet, as a host would send it, through the rules of a file or of the live kernel, and what decided.
 * sekisho why --batch FILE: a probe per line (probe.h), an answer per line; `expect=` turns the file into a test.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/width.h"
#include "policy/names.h"
#include "ruleset/explain.h"
#include "ruleset/show.h"
#include "sekisho/command.h"
#include "sekisho/probe.h"

enum { PROTOCOL_ICMP = 1, PROTOCOL_ICMP6 = 58 };

struct why_options {
	const char *file, *batch, *from_mac, *iif;
	bool live, trail;
	const char *words[4];	/* SRC DST PROTO PORT */
	int word_count;
};

/* What is asked: the rules, and the policy that gives names and lines to them (NULL in a batch on the live kernel). */
struct question {
	struct context *context;
	const struct why_options *options;
	const struct ruleset *ruleset;
	const struct generation *generation;
};

/* One end of the packet: a host of the file, a plain address, or the gateway itself. */
struct end {
	const char *word;
	bool gateway;
	const struct netaddr *addresses;
	size_t address_count;
};

static int parse_options(struct context *context, int argc, char **argv, struct why_options *ret_options)
{
	static const struct option options[] = {
		{ "file", required_argument, NULL, 'f' }, { "batch", required_argument, NULL, 'b' }, { "from-mac", required_argument, NULL, 'm' },
		{ "iif", required_argument, NULL, 'i' }, { "live", no_argument, NULL, 'l' }, { "trail", no_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	struct why_options result = { .file = NULL };
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'f': result.file = optarg; break;
		case 'b': result.batch = optarg; break;
		case 'm': result.from_mac = optarg; break;
		case 'i': result.iif = optarg; break;
		case 'l': result.live = true; break;
		case 't': result.trail = true; break;
		default: return complain_usage(context, "why: unknown option", "why: 知らないオプションです");
		}
	}
	while (optind < argc && result.word_count < 4)
		result.words[result.word_count++] = argv[optind++];
	if (optind < argc || (!result.batch && result.word_count < 2) || (result.batch && result.word_count))
		return complain_usage(context, "why needs a source and a destination, and may have a protocol and a port",
				      "why には送信元と宛先を指定してください(プロトコルとポートも指定できます)");
	*ret_options = result;
	return 0;
}

/* ---- the words of the question */

static const struct host *find_host(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->host_count; i++) {
		if (strcmp(policy->hosts[i].name, name) == 0)
			return &policy->hosts[i];
	}
	return NULL;
}

static int resolve_end(const struct question *question, const char *word, struct end *ret_end)
{
	struct context *context = question->context;
	const struct host *host = find_host(question->generation->policy, word);
	struct netaddr *address = arena_alloc(context->arena, sizeof(*address));

	*ret_end = (struct end){ .word = word };
	if (strcmp(word, "gateway") == 0) {
		ret_end->gateway = true;
		return 0;
	}
	if (host) {
		ret_end->addresses = host->addresses;
		ret_end->address_count = host->address_count;
		return 0;
	}
	if (policy_zone(question->generation->policy, word))
		return complain_usage(context, "\"%s\" is a zone; name one of its hosts or an address (who may talk to whom: sekisho matrix)",
				      "「%s」はゾーンです。その中の機器名かアドレスを指定してください(ゾーン間で許可された通信の一覧は sekisho matrix)", word);
	if (netaddr_parse(word, address) != 0)
		return complain_usage(context, "\"%s\" is neither an address nor a host of the file", "「%s」はアドレスでも、定義済みの機器名でもありません",
				      word);
	ret_end->addresses = address;
	ret_end->address_count = 1;
	return 0;
}

/* The first interface of the zone that has an element in the rules. */
static uint32_t zone_interface(const struct question *question, const struct zone *zone)
{
	for (size_t i = 0; zone && i < zone->interface_count; i++) {
		uint32_t index = link_index(&question->ruleset->links, zone->interfaces[i].value);

		if (index)
			return index;
	}
	return 0;
}

/* The MAC that packets of this address carry: the one it is bound to, else any. */
static struct macaddr address_mac(const struct policy *policy, const struct netaddr *address)
{
	for (size_t i = 0; i < policy->binding_count; i++) {
		if (netaddr_compare(&policy->bindings[i].address, address) == 0)
			return policy->bindings[i].mac;
	}
	return (struct macaddr){ { 2, 0, 0, 0, 0, 1 } };
}

static void set_next_hop(struct packet *packet, const struct zone *zone)
{
	packet->next_hop = packet->destination;
	if (!zone || !zone->uplink || addr_ranges_contain(zone->next_hops, &packet->destination))
		return;
	for (size_t i = 0; i < zone->next_hops.count; i++) {
		if (zone->next_hops.items[i].first.family == packet->destination.family) {
			packet->next_hop = zone->next_hops.items[i].first;
			return;
		}
	}
}

static int set_transport(const struct question *question, struct packet *packet)
{
	struct context *context = question->context;
	const char *protocol_word = question->options->words[2], *port_word = question->options->words[3];
	uint16_t protocol = packet->protocol;
	char *end;
	unsigned long port;

	if (protocol_word && protocol_parse(protocol_word, &protocol) != 0)
		return complain_usage(context, "\"%s\" is no protocol", "「%s」というプロトコルはありません", protocol_word);
	packet->protocol = (uint8_t)(protocol == PROTOCOL_ICMP && packet->source.family == 6 ? PROTOCOL_ICMP6 : protocol);
	packet->icmp_type = packet->source.family == 6 ? 128 : 8;
	if (!protocol_has_ports(protocol))
		return port_word ? complain_usage(context, "%s has no ports", "%s にポートはありません", protocol_word) : 0;
	if (!port_word)
		return complain_usage(context, "say which port", "ポートを指定してください");
	errno = 0;
	port = strtoul(port_word, &end, 10);
	if (errno || *end || end == port_word || port < 1 || port > UINT16_MAX)
		return complain_usage(context, "\"%s\" is no port (1 to 65535)", "「%s」はポートではありません(1 から 65535)", port_word);
	packet->dport = (uint16_t)port;
	return 0;
}

/* ---- the answer */

/* The flow of the file that stands behind a live element. */
static const struct flow *named_flow(const struct question *question, struct span name)
{
	const struct policy *policy = question->generation ? question->generation->policy : NULL;

	for (size_t i = 0; policy && i < policy->flow_count; i++) {
		if (span_equal(span_of(policy->flows[i].name), name))
			return &policy->flows[i];
	}
	return NULL;
}

static void put_origin(struct context *context, struct origin origin)
{
	if (!origin.source)
		return;
	buf_puts(&context->out, " (");
	buf_put_visible(&context->out, span_of(origin.source->path));
	buf_printf(&context->out, ":%u)", origin.line);
}

static void put_record(struct context *context, const struct flow *flow)
{
	char day[DATE_WAREKI_TEXT_BYTES];

	if (!flow->record)
		return;
	buf_puts(&context->out, phrase(context, "  record ", "  台帳 "));
	buf_put_visible(&context->out, span_of(flow->record->number ? flow->record->number : "-"));
	buf_puts(&context->out, phrase(context, ", ", "、"));
	buf_put_visible(&context->out, span_of(flow->record->reason ? flow->record->reason : "-"));
	buf_puts(&context->out, phrase(context, ", approved by ", "、承認 "));
	buf_put_visible(&context->out, span_of(flow->record->approver ? flow->record->approver : "-"));
	if (flow->closes_at) {
		if (context->language == LANGUAGE_JA)
			date_format_wareki(flow->record->expires, day);
		else
			date_format(flow->record->expires, day);
		buf_printf(&context->out, phrase(context, ", until %s", "、期限 %s"), day);
	}
	buf_putc(&context->out, '\n');
}

/* How a flow between the same zones differs from the packet; NULL when it does not. */
static const char *flow_difference(const struct context *context, const struct flow *flow, const struct packet *packet)
{
	bool port = flow->port_count == 0;
	uint16_t protocol = packet->protocol == PROTOCOL_ICMP6 ? PROTOCOL_ICMP : packet->protocol;

	if (flow->expired)
		return phrase(context, "its record has expired", "期限が切れています");
	if (!addr_ranges_contain(flow->sources, &packet->source))
		return phrase(context, "another source", "送信元が違います");
	if (!addr_ranges_contain(flow->destinations, &packet->destination))
		return phrase(context, "another destination", "宛先が違います");
	if (flow->protocol != protocol && flow->protocol != POLICY_ANY_PROTOCOL)
		return phrase(context, "another protocol", "プロトコルが違います");
	for (size_t i = 0; i < flow->port_count; i++)
		port |= packet->dport >= flow->ports[i].first && packet->dport <= flow->ports[i].last;
	return port ? NULL : phrase(context, "another port", "ポートが違います");
}

/* The flows between the same zones, and in what each differs: what an administrator looks for next. */
static void put_near_flows(const struct question *question, const struct packet *packet)
{
	struct context *context = question->context;
	const struct policy *policy = question->generation->policy;
	const struct zone *from = policy_zone_of_address(policy, &packet->source), *to = policy_zone_of_address(policy, &packet->destination);

	for (size_t i = 0; from && to && i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];
		const char *difference = flow_difference(context, flow, packet);

		if (flow->kind != FLOW_FORWARD || &policy->zones[flow->from] != from || &policy->zones[flow->to] != to || !difference)
			continue;
		buf_printf(&context->out, phrase(context, "  not by flow %s", "  通信許可 %s では通りません"), flow->name);
		put_origin(context, flow->at);
		buf_printf(&context->out, ": %s\n", difference);
	}
}

static void put_trail(const struct question *question, const struct evaluation *evaluation)
{
	struct context *context = question->context;

	for (size_t i = 0; i < evaluation->trail.count; i++) {
		const struct trail_step *step = &evaluation->trail.steps[i];

		buf_printf(&context->out, "    %s: ", step->chain->name);
		if (step->rule)
			rule_show(&context->out, step->rule);
		else
			buf_puts(&context->out, "policy");
		if (step->element) {
			buf_puts(&context->out, "  { ");
			element_show(&context->out, step->set, step->element, &question->ruleset->links, context->now);
			buf_puts(&context->out, " }");
		}
		buf_putc(&context->out, '\n');
	}
}

/* Echo has one name for people, whatever its number in each family. */
static const char *packet_protocol_name(struct arena *arena, const struct packet *packet)
{
	return protocol_name(arena, packet->protocol == PROTOCOL_ICMP6 ? PROTOCOL_ICMP : packet->protocol);
}

static const char *end_text(const struct context *context, bool gateway, const struct netaddr *address, char text[static NETADDR_TEXT_BYTES])
{
	return gateway ? phrase(context, "gateway", "関所") : netaddr_format(address, text);
}

static void put_packet(struct context *context, const struct probe *probe)
{
	const struct packet *packet = &probe->packet;
	char source[NETADDR_TEXT_BYTES], destination[NETADDR_TEXT_BYTES];

	buf_printf(&context->out, "%s -> %s %s", end_text(context, probe->last == HOOK_OUTPUT, &packet->source, source),
		   end_text(context, probe->last == HOOK_INPUT, &packet->destination, destination),
		   packet_protocol_name(context->arena, packet));
	if (protocol_has_ports(packet->protocol))
		buf_printf(&context->out, " %u", packet->dport);
	buf_puts(&context->out, ": ");
}

static const char *refusal_words(const struct context *context, const struct explanation *explanation)
{
	if (explanation->has_refusal)
		return refusal_sentence(explanation->refusal, context->language);
	return phrase(context, "nothing lets it pass", "通すルールがありません");
}

static void put_answer(const struct question *question, const struct probe *probe, const struct evaluation *evaluation,
		       const struct explanation *explanation)
{
	struct context *context = question->context;
	const struct flow *flow = named_flow(question, explanation->flow_name);

	put_packet(context, probe);
	if (!evaluation->accepted) {
		buf_printf(&context->out, phrase(context, "refused: %s.\n", "通りません。%s。\n"), refusal_words(context, explanation));
		if (explanation->has_refusal && (explanation->refusal == REFUSE_FLOW || explanation->refusal == REFUSE_PAIR))
			put_near_flows(question, &probe->packet);
	} else if (flow) {
		buf_printf(&context->out, phrase(context, "passes by flow %s", "通ります。通信許可 %s"), flow->name);
		put_origin(context, flow->at);
		buf_printf(&context->out, phrase(context, ", method %s\n", "、通信方式 %s\n"),
			   flow->kind == FLOW_FORWARD ? method_label(flow->method, context->language) :
			   phrase(context, "the gateway itself", "関所自身の通信"));
		put_record(context, flow);
	} else {
		buf_puts(&context->out, phrase(context, "passes", "通ります"));
		if (explanation->flow_name.length) {
			buf_puts(&context->out, phrase(context, " by flow ", "。通信許可 "));
			buf_put_visible(&context->out, explanation->flow_name);
		}
		buf_putc(&context->out, '\n');
	}
	if (question->options->trail)
		put_trail(question, evaluation);
}

static json_t *answer_json(const struct question *question, const struct probe *probe, const struct evaluation *evaluation,
			   const struct explanation *explanation)
{
	const struct flow *flow = named_flow(question, explanation->flow_name);
	char source[NETADDR_TEXT_BYTES], destination[NETADDR_TEXT_BYTES];
	json_t *answer = json_pack("{s:s, s:s, s:s, s:b}", "source", netaddr_format(&probe->packet.source, source), "destination",
				   netaddr_format(&probe->packet.destination, destination), "protocol",
				   packet_protocol_name(question->context->arena, &probe->packet), "passes", evaluation->accepted);

	if (protocol_has_ports(probe->packet.protocol))
		json_object_set_new(answer, "port", json_integer(probe->packet.dport));
	if (!evaluation->accepted) {
		json_object_set_new(answer, "refusal", json_string(explanation->has_refusal ? refusal_name(explanation->refusal) : "policy"));
		json_object_set_new(answer, "sentence", json_string(refusal_words(question->context, explanation)));
	} else if (explanation->flow_name.length) {
		json_object_set_new(answer, "flow", json_stringn(explanation->flow_name.data, explanation->flow_name.length));
	}
	if (flow && flow->at.source) {
		json_object_set_new(answer, "file", json_string(flow->at.source->path));
		json_object_set_new(answer, "line", json_integer(flow->at.line));
	}
	if (flow && flow->record)
		json_object_set_new(answer, "record", json_pack("{s:s?, s:s?, s:s?}", "number", flow->record->number, "reason", flow->record->reason,
								"approver", flow->record->approver));
	return answer;
}

/* An accepted request whose answer cannot come back is no communication. */
static void put_reply(const struct question *question, const struct probe *probe, const struct evaluation *request)
{
	struct context *context = question->context;
	const struct macaddr from = address_mac(question->generation->policy, &probe->packet.destination);
	struct probe reply = probe_reply(probe, request->ct_mark, &from);
	struct evaluation evaluation;
	struct explanation explanation;

	set_next_hop(&reply.packet, policy_zone_of_address(question->generation->policy, &reply.packet.destination));
	evaluation = probe_evaluate(context->arena, question->ruleset, &reply, context->now);
	if (evaluation.accepted)
		return;
	explanation = explanation_of(&evaluation);
	buf_printf(&context->out, phrase(context, "  but its answer is refused: %s.\n", "  ただし、応答は通りません。%s。\n"),
		   refusal_words(context, &explanation));
}

static int answer(const struct question *question, const struct probe *probe, json_t *array, bool *passes)
{
	struct context *context = question->context;
	struct evaluation evaluation = probe_evaluate(context->arena, question->ruleset, probe, context->now);
	struct explanation explanation = explanation_of(&evaluation);

	*passes &= evaluation.accepted;
	if (array) {
		json_array_append_new(array, answer_json(question, probe, &evaluation, &explanation));
		return 0;
	}
	put_answer(question, probe, &evaluation, &explanation);
	if (evaluation.accepted && probe->last == HOOK_FORWARD)
		put_reply(question, probe, &evaluation);
	return 0;
}

/* Of the gateway's own processes, the one that may talk to this destination asks. */
static void set_user(const struct policy *policy, struct packet *packet)
{
	packet->has_skuid = true;
	for (size_t i = 0; i < policy->flow_count; i++) {
		if (policy->flows[i].kind == FLOW_EGRESS && addr_ranges_contain(policy->flows[i].destinations, &packet->destination))
			packet->skuid = policy->flows[i].uid;
	}
}

/* Of the gateway's addresses, the one at which it serves this source and port; any, where the service is one of all addresses. */
static void set_gateway_address(const struct policy *policy, struct packet *packet)
{
	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];

		if (flow->kind != FLOW_LOCAL || flow->protocol != packet->protocol || flow->port_count == 0 || packet->dport < flow->ports[0].first ||
		    packet->dport > flow->ports[0].last || !addr_ranges_contain(flow->sources, &packet->source))
			continue;
		for (size_t k = 0; k < flow->destinations.count; k++)
			if (flow->destinations.items[k].first.family == packet->source.family)
				packet->destination = flow->destinations.items[k].first;
	}
}

/* Fills in what the host or the gateway would put into the packet. */
static int complete_probe(const struct question *question, const struct end *from, const struct end *to, struct probe *probe)
{
	struct context *context = question->context;
	const struct policy *policy = question->generation->policy;
	struct packet *packet = &probe->packet;
	const struct zone *destination_zone = policy_zone_of_address(policy, &packet->destination);
	int error;

	probe->last = from->gateway ? HOOK_OUTPUT : to->gateway ? HOOK_INPUT : HOOK_FORWARD;
	packet->ether_type = packet->source.family == 6 ? 0x86dd : 0x0800;
	packet->ether_saddr = address_mac(policy, &packet->source);
	packet->iif = from->gateway ? 0 : zone_interface(question, policy_zone_of_address(policy, &packet->source));
	packet->oif = to->gateway ? 0 : zone_interface(question, destination_zone);
	if (from->gateway)
		set_user(policy, packet);
	set_next_hop(packet, destination_zone);
	if (question->options->from_mac && macaddr_parse(question->options->from_mac, &packet->ether_saddr) != 0)
		return complain_usage(context, "\"%s\" is no MAC address", "「%s」は MAC アドレスではありません", question->options->from_mac);
	if (question->options->iif) {
		packet->iif = link_index(&question->ruleset->links, question->options->iif);
		if (!packet->iif)
			return complain_usage(context, "there is no interface \"%s\"", "「%s」というインターフェースはありません", question->options->iif);
	}
	error = set_transport(question, packet);
	if (!error && to->gateway)
		set_gateway_address(policy, packet);
	return error;
}

/* A packet from or to the gateway has the other end's family and, for the gateway's own address, any of it. */
static const struct netaddr *end_address(const struct end *end, const struct end *other, size_t index)
{
	return end->gateway ? &other->addresses[index] : &end->addresses[index];
}

static int ask(const struct question *question, const struct end *from, const struct end *to)
{
	struct context *context = question->context;
	size_t from_count = from->gateway ? 1 : from->address_count, to_count = to->gateway ? 1 : to->address_count;
	json_t *array = context->json ? json_array() : NULL;
	bool passes = true, asked = false;

	for (size_t i = 0; i < from_count * to_count; i++) {
		struct probe probe = probe_default();
		int error;

		probe.packet.source = *end_address(from, to, from->gateway ? i % to_count : i / to_count);
		probe.packet.destination = *end_address(to, from, to->gateway ? i / to_count : i % to_count);
		if (probe.packet.source.family != probe.packet.destination.family)
			continue;
		error = complete_probe(question, from, to, &probe);
		if (!error)
			error = answer(question, &probe, array, &passes);
		if (error)
			return error;
		asked = true;
	}
	if (!asked)
		return complain_usage(context, "the two ends have no address family in common", "送信元と宛先に共通のアドレス種別(IPv4/IPv6)がありません");
	if (array)
		print_json(context, array);
	return passes ? EXIT_FINE : EXIT_REFUSED;
}

/* ---- batch */

static int answer_line(const struct question *question, char *line, size_t number, bool *as_expected)
{
	struct context *context = question->context;
	struct probe probe;
	struct evaluation evaluation;
	struct explanation explanation;
	const char *word;

	if (probe_parse(line, &question->ruleset->links, &probe, &word) != 0)
		return complain_usage(context, "line %zu: \"%s\" makes no sense here", "%zu 行目: 「%s」は解釈できません", number, word);
	evaluation = probe_evaluate(context->arena, question->ruleset, &probe, context->now);
	explanation = explanation_of(&evaluation);
	if (evaluation.accepted)
		buf_printf(&context->out, "pass mark=0x%x flow=%.*s\n", evaluation.ct_mark, (int)explanation.flow_name.length,
			   explanation.flow_name.length ? explanation.flow_name.data : "");
	else
		buf_printf(&context->out, "refuse %s\n", explanation.has_refusal ? refusal_name(explanation.refusal) : "policy");
	if (probe.expectation != EXPECT_NOTHING && (probe.expectation == EXPECT_PASS) != evaluation.accepted) {
		complain(context, "line %zu: not as expected", "%zu 行目: 期待と違う結果です", number);
		*as_expected = false;
	}
	return 0;
}

static int answer_batch(const struct question *question)
{
	const char *path = question->options->batch;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	bool as_expected = true;
	char *line = NULL;
	size_t capacity = 0, number = 0;
	int status = 0;

	if (!file)
		return complain(question->context, "%s: %s", "%s: %s", path, strerror(errno));
	while (status == 0 && getline(&line, &capacity, file) >= 0) {
		number++;
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			status = answer_line(question, line, number, &as_expected);
	}
	free(line);
	if (file != stdin)
		fclose(file);
	return status ? status : as_expected ? EXIT_FINE : EXIT_REFUSED;
}

/* ---- where the rules come from */

static int load_question(struct question *question)
{
	struct context *context = question->context;
	const struct why_options *options = question->options;
	const char *path = options->file ? options->file : context->config_path;
	struct live live;
	int error;

	if (!options->live) {
		question->generation = load_offline(context, path);
		question->ruleset = question->generation->compiled.ruleset;
	} else {
		error = live_read(context, &live);
		if (error)
			return error;
		if (!live.snapshot.ruleset)
			return complain(context, "the kernel holds no rules of sekisho", "カーネルに関所のルールはありません");
		question->ruleset = live.snapshot.ruleset;
		question->generation = options->batch ? NULL : load_for_live(context, path, &live);
	}
	if (question->generation && !question->generation->policy)
		question->ruleset = NULL;
	if (!question->ruleset) {
		is_usable(context, path, question->generation);
		return EXIT_REFUSED;
	}
	return 0;
}

int command_why(struct context *context, int argc, char **argv)
{
	struct why_options options;
	struct question question = { .context = context, .options = &options };
	struct end from, to;
	int status = parse_options(context, argc, argv, &options);

	if (status == 0)
		status = load_question(&question);
	if (status != 0)
		return status;
	if (options.batch)
		return answer_batch(&question);
	status = resolve_end(&question, options.words[0], &from);
	if (status == 0)
		status = resolve_end(&question, options.words[1], &to);
	if (status == 0 && from.gateway && to.gateway)
		status = complain_usage(context, "both ends are the gateway", "送信元も宛先も関所です");
	return status ? status : ask(&question, &from, &to);
}
