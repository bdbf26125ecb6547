/* fault_list: wrong wirings, for people and as JSON. */
#include "sekisho/fault_list.h"

struct list {
	struct context *context;
	json_t *array;
	size_t rows;
};

static void fault_print(const struct events_fault *event, void *to)
{
	struct list *list = to;
	struct context *context = list->context;
	struct findings findings = findings_in(context->arena);
	const struct finding *finding = fault_find(&findings, &event->fault);

	if (list->rows++ == 0)
		buf_puts(&context->out, phrase(context, "\nWrong wiring, the latest first\n", "\n誤接続(新しい順)\n"));
	buf_printf(&context->out, "  %s  %s [%s]  ", time_words(context, event->last), severity_word(finding->kind->severity, context->language),
		   finding->kind->id);
	buf_printf(&context->out, phrase(context, "seen %llu times\n", "%llu 回\n"), (unsigned long long)event->count);
	buf_printf(&context->out, "    %s\n    > %s\n", finding_sentence(&findings, finding, context->language),
		   finding_action(&findings, finding, context->language));
}

int faults_print(struct context *context, struct events *events, const struct events_query *query)
{
	struct list list = { .context = context };

	return events_faults_each(events, query, fault_print, &list);
}

static json_t *text_or_null(struct context *context, bool there, const char *text)
{
	return there ? json_visible(context, text) : json_null();
}

static void fault_add(const struct events_fault *event, void *to)
{
	struct list *list = to;
	struct context *context = list->context;
	const struct fault *fault = &event->fault;
	struct findings findings = findings_in(context->arena);
	const struct finding *finding = fault_find(&findings, fault);
	char mac[MACADDR_TEXT_BYTES], other_mac[MACADDR_TEXT_BYTES], address[NETADDR_TEXT_BYTES] = "";

	if (fault->address.family)
		netaddr_format(&fault->address, address);
	json_array_append_new(
		list->array,
		json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:s, s:s}", "id", finding->kind->id, "mac",
			  macaddr_format(&fault->mac, mac), "address", text_or_null(context, fault->address.family, address), "vlan",
			  fault->vlan ? json_integer(fault->vlan) : json_null(), "zone", json_visible(context, fault->zone), "interface",
			  json_visible(context, fault->interface), "other_zone", json_visible(context, fault->other_zone), "other_interface",
			  json_visible(context, fault->other_interface), "other_mac",
			  text_or_null(context, fault->has_other_mac, macaddr_format(&fault->other_mac, other_mac)), "first", (json_int_t)event->first,
			  "last", (json_int_t)event->last, "count", (json_int_t)event->count, "sentence",
			  finding_sentence(&findings, finding, context->language), "action", finding_action(&findings, finding, context->language)));
}

int faults_json(struct context *context, struct events *events, const struct events_query *query, json_t **ret_array)
{
	struct list list = { .context = context, .array = json_array() };
	int error = events_faults_each(events, query, fault_add, &list);

	if (error)
		json_decref(list.array);
	else
		*ret_array = list.array;
	return error;
}
