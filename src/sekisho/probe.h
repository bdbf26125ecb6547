/*
 * probe: one packet put as a question to a ruleset.
 *
 * A probe is stated in words key=value, so that tests and administrators can state anything:
 *   hook=forward|input|output  iif= oif=  smac=  src= dst=  proto=(name or number)  sport= dport=  type=(ICMP)  flags=syn,ack,fin,rst
 *   state=new|established|related|invalid|untracked  dir=original|reply  mark=  status=snat|dnat  uid=  nexthop=  rh=1  hoplimit=
 *   pkttype=0..3  ethertype=0x0800  expect=pass|refuse
 * What is not stated: a new TCP connection's SYN by Ethernet, original direction, mark 0, hop limit 64.
 */
#ifndef SEKISHO_PROBE_H
#define SEKISHO_PROBE_H

#include "ruleset/evaluate.h"

enum probe_expectation { EXPECT_NOTHING, EXPECT_PASS, EXPECT_REFUSE };

struct probe {
	enum hook_point last;		/* HOOK_FORWARD, HOOK_INPUT or HOOK_OUTPUT */
	struct packet packet;
	enum probe_expectation expectation;
};

/* A probe with nothing but the defaults. */
struct probe probe_default(void);

/*
 * Reads one line. Interfaces are found in links; line is cut up in place. 0; -EINVAL: *ret_word is the word that makes no sense.
 */
int probe_parse(char *line, const struct link_table *links, struct probe *ret_probe, const char **ret_word);

/* Runs the probe through all hook points up to the last. The trail is in the arena. */
struct evaluation probe_evaluate(struct arena *arena, const struct ruleset *ruleset, const struct probe *probe, int64_t now);

/*
 * The first answer to an accepted forward probe: ends, ports, interfaces and ICMP type turned round, established, reply direction, the mark it got.
 */
struct probe probe_reply(const struct probe *probe, uint32_t mark, const struct macaddr *from);

#endif
