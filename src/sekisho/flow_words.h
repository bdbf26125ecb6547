/*
 * flow_words: a flow of a policy in the words of a table. Texts live in the context's arena and may hold what
 * the file says.
 */
#ifndef SEKISHO_FLOW_WORDS_H
#define SEKISHO_FLOW_WORDS_H

#include "sekisho/command.h"

/* The name of the zone a flow begins in, or where it goes; "gateway" for the gateway itself. */
const char *flow_from_word(const struct policy *policy, const struct flow *flow);
const char *flow_to_word(const struct policy *policy, const struct flow *flow);	/* see flow_from_word() */

/* The method, or what it is for the gateway: service / サービス, egress / 発信. */
const char *flow_method_label(const struct context *context, const struct flow *flow);

/* The same as a stable word for JSON: "specified", ..., "service", "egress". */
const char *flow_method_word(const struct flow *flow);

/*
 * Who may begin and whom he may reach: a host's name, "any", the first range and how many more there are; "user
 * root".
 */
const char *flow_source_text(struct context *context, const struct flow *flow);
const char *flow_destination_text(struct context *context, const struct flow *flow);	/* see flow_source_text() */

/* "tcp/443", "udp/53,123", "tcp/80,8000-8999", "icmp", "any". */
const char *flow_traffic_text(struct context *context, const struct flow *flow);

/* The last day of the flow's record in the reader's words, "" if it has none. */
const char *flow_expiry_text(struct context *context, const struct flow *flow);

#endif
