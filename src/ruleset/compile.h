/*
 * compile: a policy becomes the kernel program. Pure: the same input gives the same ruleset.
 *
 * THE PROGRAM (fixed; only chains of pairs come and go with the zone pairs that have a flow, and chains of interfaces with these). In nft words:
 *
 * table netdev sekisho
 *   chain ingress.<ifname>    hook ingress device <ifname>, priority -500, policy drop: of Ethernet only ether type ip, ip6, arp accept
 * table bridge sekisho
 *   set   ports               iif of every zone interface
 *   chain forward             hook forward, priority -300, policy accept: iif @ports drop; oif @ports drop
 * table inet sekisho
 *   chain source              hook prerouting, priority -450 (before reassembly, so that every fragment is judged), policy drop:
 *                               iif vmap @sources; what no chain of an interface has accepted: loopback; link-local and unspecified sources for ND and MLD
 *                               only; else refuse "source"
 *   map   sources             iif -> jump bound/<ifname> where addresses of the zone are bound, else jump networks/<ifname>
 *   chain bound/<ifname>      by family: (iif, saddr, ether saddr) in @bound -> accept; saddr in @free/<ifname>/<4|6> -> accept; (iif, saddr) in
 *                               @bound.hosts -> refuse "mac"; saddr in @networks/<ifname>/<4|6> -> accept
 *   chain networks/<ifname>   by family: saddr in @networks/<ifname>/<4|6> -> accept
 *   set   networks/<ifname>/<4|6>  ranges: the addresses of the zone; free/<ifname>/<4|6>: of a zone that binds some, the others
 *   chain forward             hook forward, priority 0, policy drop; what each packet is asked: IPv6 -> chain headers; any state but new and established
 *                               -> chain unusual; translated connections; next hop; iif or oif in @isolated -> chain isolated; (mark, iif, oif) in
 *                               @live -> accept; else chain beginning
 *   chain headers             routing and authentication headers of IPv6 -> refuse
 *   chain unusual             invalid, untracked -> refuse; side traffic -> chain related
 *   chain isolated            (mark, iif, oif) in @live -> chain spared; else chain beginning
 *   chain beginning           side traffic, TCP that begins with no SYN -> refuse; then the pair decides
 *   chain admitted            where the chain of a pair accepts a flow's packet: iif or oif in @isolated -> chain spared, else accept;
 *                               admitted.in and admitted.out the same for the gateway's own; the first packet of a connection
 *                               between two zones asks besides: (iif, oif) in @crowded -> chain crowded
 *   chain crowded             mark in @critical -> accept; else refuse "connections"
 *   set   crowded             empty, but while a pair of zones holds too many connections (crowding.h)
 *   set   critical            the marks of flows that must not stop: critical ones and those of life safety
 *   chain spared              (mark, iif, oif) in @spared -> accept; else refuse "isolated"; spared.in and spared.out by @local-spared
 *   set   isolated, spared, local-spared   empty, but while zones are isolated (isolation.h)
 *   set   life-safety         the marks of flows that isolation spares
 *   chain related             ICMP errors only; into and out of the My Number tier only between the two ends of a flow (set ends<4|6>)
 *   chain next-hop            what leaves by an uplink must go to a declared next hop (R17)
 *   chain <from>.<to>.<4|6>[.reply]  one per ordered pair with a flow, family and direction: exact map, @live; range map, @live; echo only;
 *                               portless map, @live; then refuse (or reject, where the pair says so)
 *   map   <from>.<to>.<exact|range|portless><4|6>   source, destination, protocol, destination port -> mark
 *   map   pairs               nfproto . ct direction . iif . oif -> goto pair chain
 *   set   live                ct mark . iif . oif, both directions of each flow; expiry is the element's own timeout (kept by the kernel)
 *   set   local-live          ct mark . interface: flows of the gateway itself
 *   chain input, output       hooks input and output, priority 0, policy drop: the same for the gateway's own flows, by maps local.in<4|6>,
 *                               local.in.portless<4|6>, local.out<4|6>, local.out.portless<4|6>; ND and MLD explicit; multicast and broadcast dropped with a counter;
 *                               loopback accepted, but out of a user in @relay-users -> refuse "loopback"
 *   set   relay-users         the users of the mail relay's processes; empty where the policy has no relay
 *   chain refuse.<reason>     counter, counted by pair of interfaces in @refused.<reason>, limit, NFLOG "sekisho <reason> ", drop;
 *                               reject.flow the same, with an answer; quiet: broadcast and multicast, without the log
 *   set   refused.<reason>    iif . oif of every pair of interfaces at which a packet can be refused for that reason (0: the side it has not);
 *                               each element counts
 *
 * Lookups in reply chains use the same maps with mirrored keys. The comment of the original direction's element in @live and local-live is
 * "<flow name> <identity>": what `nft list` shows and from which a restarted daemon recovers the marks.
 */
#ifndef RULESET_COMPILE_H
#define RULESET_COMPILE_H

#include "base/buf.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

enum {
	COMPILE_IDENTITY_BYTES = 16,		/* the head of a SHA-256 */
	COMPILE_EXACT_PER_FLOW_MAX = 4096,	/* beyond it a flow of single addresses goes to the range map */
	COMPILE_RANGES_WARN = 10000,		/* interval elements get slow beyond this */
	COMPILE_RANGES_MAX = 200000,		/* what remains after overlaps are cut apart */
	COMPILE_OFFLINE_INDEX = 1000,		/* first made-up interface index */
	MARK_FIRST = 1, MARK_LAST = 0x7ffffffe,
	MARK_REJECT = 0x7fffffff,		/* set before a reject so that its answer may leave; never live */
};

/* Who has which mark: the identity of a flow's content (ends, protocol, ports; not its name, expiry or record) -> mark. */
struct mark_entry {
	uint8_t identity[COMPILE_IDENTITY_BYTES];
	uint32_t mark;
};

struct mark_book {
	struct mark_entry *entries;	/* each identity once, in the order of the rules; found by mark_book_find() */
	size_t count;
	const struct identities *identities;	/* of the entries */
	const uint32_t *held;		/* sorted: marks that connections in conntrack still carry */
	size_t held_count;
	uint32_t highest;		/* the highest mark ever seen in the kernel or given since; new marks are looked for behind it, wrapping */
};

/* What the compiler needs besides the policy. */
struct compile_world {
	struct link_table links;	/* interfaces that exist now; a zone interface that is missing gets no element (closed) */
	int64_t now;			/* Unix time: expired flows compile to nothing */
	const struct mark_book *marks;	/* NULL: marks are counted from MARK_FIRST in file order */
};

/* Which mark a flow got; for `why`, `flows`, `plan`. */
struct flow_mark {
	uint32_t mark;			/* 0: the flow compiled to nothing (expired, no interface) */
	uint8_t identity[COMPILE_IDENTITY_BYTES];
};

struct compiled {
	struct ruleset *ruleset;
	struct flow_mark *flow_marks;	/* one per policy->flows, same order */
};

/*
 * Compiles a policy whose findings hold no error. Findings: too many ranges, missing interfaces, critical flows that are closed by that. 0; -E2BIG:
 * COMPILE_RANGES_MAX exceeded (a finding says so). All in the arena.
 */
int ruleset_compile(struct arena *arena, const struct policy *policy, const struct compile_world *world, struct findings *findings,
		    struct compiled *ret_compiled);

/* Made-up links for an offline compile: every interface of every zone, indexes from COMPILE_OFFLINE_INDEX on, and "lo" as 1. */
struct link_table compile_offline_links(struct arena *arena, const struct policy *policy);

/* The marks a ruleset (decoded from the kernel) has given, by the comments of @live and local-live. held may be NULL. In the arena. */
struct mark_book mark_book_of(struct arena *arena, const struct ruleset *ruleset, const uint32_t *held, size_t held_count);

/* The flow name in a comment of @live or local-live, and the identity; false when it is not ours. */
bool live_comment_parse(const char *comment, struct span *ret_name, uint8_t ret_identity[static COMPILE_IDENTITY_BYTES]);

#endif
