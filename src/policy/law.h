/*
 * law: the law of the three tiers checked on a policy.
 *
 * Each line of the law is one function and gives findings that name every line involved. There is no switch that turns a line off. The check on the
 * compiled ruleset (ruleset/audit.h) is independent of this one: this one speaks to the administrator in his words, that one does not trust us.
 */
#ifndef POLICY_LAW_H
#define POLICY_LAW_H

#include "policy/policy.h"

enum { LAW_NOTICE_DAYS = 30 }; /* records that expire sooner are reported */

/* Mail never passes directly between the LGWAN and the Internet tier (S 002 §2(12), §6(3)②): 25 465 587 110 143 993 995 over TCP. */
extern const uint16_t law_mail_ports[];
extern const size_t law_mail_port_count;

/* Checks every line of the law, then the lint rules (what works but was probably not meant). now: Unix time in seconds. */
void law_check(const struct policy *policy, int64_t now, struct findings *findings);

/* True when a flow from one tier to the other could be lawful at all: false exactly for mynumber <-> internet (R5). */
bool law_tiers_may_meet(enum tier from, enum tier to);

/* True when direct mail is forbidden between these tiers. */
bool law_bars_mail(enum tier from, enum tier to);

#endif
