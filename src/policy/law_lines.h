/*
 * law_lines: the lines of the law as functions, for law_check(). Private to law*.c.
 *
 * Each function is given a flow that its line is about, knows nothing of the other lines, and adds findings.
 */
#ifndef POLICY_LAW_LINES_H
#define POLICY_LAW_LINES_H

#include "policy/catalogue.h"
#include "policy/law.h"

/* What every line is judged with. */
struct law {
	const struct policy *policy;
	int64_t now;
	int32_t today;		/* the day in Japan at `now` */
	struct findings *findings;
};

/* mynumber <-> lgwan: a specified flow, or nothing. */
void law_specified(const struct law *law, const struct flow *flow);

/* lgwan <-> internet: sanitized communication, or a governed exception. */
void law_sanitized(const struct law *law, const struct flow *flow);

/*
 * "any" by its word, or a whole zone by its prefixes: the same thing must not pass under another name. A zone of one address is no
 * other thing than its host.
 */
bool law_end_is_any(bool written, struct addr_ranges ranges, const struct zone *zone);

/*
 * What leaves by the uplink: name resolution and mail only to the declared servers. For flows and for the
 * gateway's own.
 */
void law_uplink(const struct law *law, const struct flow *flow);

/*
 * The fields of a record that the method demands, each missing one a finding; approved is only demanded when
 * asked for.
 */
void law_record(const struct law *law, const struct flow *flow, bool approved_too);

/*
 * The ports of the table that the flow matches, as text in the arena of the findings: "25, 465"; NULL when
 * there are none.
 */
const char *law_matched_ports(const struct law *law, const struct flow *flow, const uint16_t *ports,
			      size_t count);

#endif
