/* flow_words: a flow of a policy in the words of a table. */
#include "sekisho/flow_words.h"

static const char gateway_word[] = "gateway";

const char *flow_from_word(const struct policy *policy, const struct flow *flow)
{
	return flow->kind == FLOW_EGRESS ? gateway_word : policy->zones[flow->from].name;
}

const char *flow_to_word(const struct policy *policy, const struct flow *flow)
{
	return flow->kind == FLOW_LOCAL ? gateway_word : policy->zones[flow->to].name;
}

const char *flow_method_label(const struct context *context, const struct flow *flow)
{
	switch (flow->kind) {
	case FLOW_LOCAL: return phrase(context, "service", "サービス");
	case FLOW_EGRESS: return phrase(context, "egress", "発信");
	case FLOW_FORWARD: break;
	}
	return method_label(flow->method, context->language);
}

const char *flow_method_word(const struct flow *flow)
{
	switch (flow->kind) {
	case FLOW_LOCAL: return "service";
	case FLOW_EGRESS: return "egress";
	case FLOW_FORWARD: break;
	}
	return method_name(flow->method);
}

static const char *ranges_text(struct context *context, const struct addr_ranges *ranges)
{
	char text[ADDR_RANGE_TEXT_BYTES];

	if (ranges->count == 0)
		return "";
	addr_range_format(&ranges->items[0], text);
	if (ranges->count == 1)
		return arena_strdup(context->arena, text);
	return arena_printf(context->arena, phrase(context, "%s (%zu more)",
			"%s ほか%zu件"), text, ranges->count - 1);
}

const char *flow_source_text(struct context *context, const struct flow *flow)
{
	if (flow->kind == FLOW_EGRESS)
		return arena_printf(context->arena, phrase(context, "user %s", "利用者 %s"), flow->user);
	if (flow->source_host)
		return flow->source_host->name;
	return flow->source_any ? "any" : ranges_text(context, &flow->sources);
}

const char *flow_destination_text(struct context *context, const struct flow *flow)
{
	if (flow->kind == FLOW_LOCAL && flow->destinations.count == 0)
		return "";
	if (flow->destination_host)
		return flow->destination_host->name;
	return flow->destination_any ? "any" : ranges_text(context, &flow->destinations);
}

const char *flow_traffic_text(struct context *context, const struct flow *flow)
{
	struct buf text = buf_limited(0);
	const char *copy;

	buf_puts(&text, protocol_name(context->arena, flow->protocol));
	for (size_t i = 0; i < flow->port_count; i++) {
		buf_printf(&text, "%c%u", i ? ',' : '/', flow->ports[i].first);
		if (flow->ports[i].last != flow->ports[i].first)
			buf_printf(&text, "-%u", flow->ports[i].last);
	}
	copy = arena_strdup(context->arena, buf_text(&text));
	buf_free(&text);
	return copy;
}

const char *flow_expiry_text(struct context *context, const struct flow *flow)
{
	return flow->record && flow->record->expires != INT32_MIN ? date_words(context, flow->record->expires) : "";
}
