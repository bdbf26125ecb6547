/*
 * prove: for each line of the law "it holds", or a packet that breaks it.
 *
 * The prover walks a ruleset with sets of packets instead of packets: every interface, address, protocol, port, connection state and mark at once,
 * IPv4 and IPv6, both directions, at every hook of our tables, and holds what is let through against pins (ruleset/pins.h). It knows nothing
 * of the program that the compiler makes: any ruleset this program can read is walked, one read back from the kernel as well. (The audit,
 * audit.h, is the opposite: it knows the program and demands it.)
 *
 * What is assumed of the kernel:
 * - A packet has one conntrack state. Without an entry it is invalid or untracked and has no mark. NEW is of the original direction.
 * - A mark is on a connection because a rule here sets it for packets like its first one or its replies, or because `carried` says that it is there
 *   already; a connection that was expected by another (RELATED, not ICMP), and an ICMP error, may have any mark. For the lines NEVER, OUTSIDE,
 *   UPLINK, NAT, SILENCE and ISOLATED every packet may have any mark, as if ctnetlink or a foreign table had set it.
 * - An address is the gateway's or it is not: what the gateway sends and gets belongs to connections that it is an end of, and it does not forward these
 *   (a raw socket needs privilege).
 * - What is NEW, ESTABLISHED or a reply is what conntrack follows: TCP with a valid combination of flags, ICMP that asks or answers.
 * - RELATED ICMP is an ICMP error that quotes a connection of its own family (no helper of the kernel expects pings). Conntrack tells ports apart for TCP, UDP and SCTP, and it looks
 *   through an authentication header in IPv6.
 * - An element with a timeout may go at any moment, none comes.
 * - A limit may let a packet go on or not. Where it does not is not modelled by evaluate(), so what hangs on that is not proved.
 *
 * Sets of packets are boxes: for each field a range or a set of numbers, with conditions that could not be put into boxes kept beside. Nothing is
 * enumerated but the elements of sets, each at most a few times: the time is about n log n in the elements. A breach is reported only after
 * evaluate() has let the very packet through; what remains doubtful after some packets were tried, or costs more steps than prove_work_max(), is "not
 * proved". Pure.
 *
 * A proof may be had in halves, for two processors: a line holds when it holds in both, and is broken when it is in one. No packet is in neither half, and
 * what a half needs to know beyond its packets (who gets past prerouting, which rule gives which mark) it finds out itself.
 */
#ifndef RULESET_PROVE_H
#define RULESET_PROVE_H

#include "base/finding.h"
#include "ruleset/evaluate.h"
#include "ruleset/isolation.h"
#include "ruleset/pins.h"

enum {
	PROVE_WORK_MAX = 200 << 20,	/* elements and conditions looked at, if nobody asks for less, ... */
	PROVE_WORK_LEAST = 4 << 20,	/* ... and of these that many, ... */
	PROVE_WORK_PER_ITEM = 256,	/* ... and so many for each element and each running connection. What the compiler makes takes a tenth of that */
	PROVE_ATTEMPTS_MAX = 64,	/* packets tried for one set of packets that may break a line; half as many for each set tried before, ... */
	PROVE_ATTEMPTS_MIN = 8,		/* ... but so many */
	PROVE_DOUBTS_MAX = 64,		/* sets of packets of one line tried in vain; then the line is not proved, and not looked at any more */
};

/* The lines of the law, as far as packets can break them. */
enum proof_line {
	PROOF_NEVER,		/* mynumber <-> internet: nothing, whatever mark a connection has */
	PROOF_SPECIFIED,	/* mynumber <-> another tier: specified flows alone, each of two bound hosts */
	PROOF_SANITIZED,	/* lgwan <-> internet: granted flows alone */
	PROOF_MAIL,		/* lgwan <-> internet: no mail port, whatever is granted */
	PROOF_INTERNAL,		/* zones of one tier, and inside a zone: granted flows alone */
	PROOF_OUTSIDE,		/* nothing passes by an interface that is in no zone */
	PROOF_UPLINK,		/* what leaves by an uplink goes to a declared next hop */
	PROOF_INPUT,		/* to the gateway: granted services alone */
	PROOF_OUTPUT,		/* from the gateway: granted ways out alone, of their users */
	PROOF_CHAIN,		/* no process on the gateway is spoken to by My Number and speaks to Internet, or the other way */
	PROOF_SOURCE,		/* no packet passes whose source does not belong to the zone it comes from */
	PROOF_MAC,		/* no packet of a bound address passes that comes from another Ethernet address */
	PROOF_EXPIRY,		/* nothing passes longer than its grant */
	PROOF_NAT,		/* no connection with translated addresses passes */
	PROOF_SILENCE,		/* between tiers nothing is answered that is refused */
	PROOF_FRAMES,		/* of Ethernet only IPv4, IPv6 and ARP enter */
	PROOF_BRIDGE,		/* no interface of a zone carries bridged frames */
	PROOF_ISOLATED,		/* nothing passes by an isolated interface, but connections with the mark of a flow that is spared */
	PROOF_LINE_COUNT
};

/* Which packets are looked at. */
enum proof_half {
	PROOF_WHOLE,
	PROOF_BACK,		/* forwarded packets of running connections in the direction of replies, ICMP errors and what was expected not among them */
	PROOF_FORTH,		/* all others: what begins, comes to the gateway or leaves it, is answered, enters or is bridged */
};

enum proof_state { PROOF_HOLDS, PROOF_BROKEN, PROOF_UNPROVED };

/* Why a line is not proved. */
enum proof_doubt {
	PROOF_NO_DOUBT,
	PROOF_TOO_COMPLEX,	/* more work, interfaces or conditions than the limits allow */
	PROOF_UNCONFIRMED,	/* sets of packets may break it, but none of the packets that were tried passes */
	PROOF_UNREADABLE,	/* something in the ruleset was not understood */
};

/* A packet that breaks a line. Marks and states are those it arrives with. */
struct breach {
	enum hook_point hook;		/* FORWARD, INPUT, OUTPUT, INGRESS or BRIDGE: the last it passes */
	struct packet packet;
	int64_t at;			/* Unix time at which it passes */
	struct packet second;		/* PROOF_CHAIN: the first goes to the gateway, this one leaves it */
};

struct proof_result {
	enum proof_state state;
	enum proof_doubt doubt;		/* PROOF_UNPROVED */
	struct breach breach;		/* PROOF_BROKEN */
};

struct proof {
	struct proof_result lines[PROOF_LINE_COUNT];
	const char *unreadable;		/* PROOF_UNREADABLE: what and where, in the arena; else NULL */
	bool holds;			/* every line does */
	uint64_t work;			/* steps it took */
};

/* A running connection: the addresses, protocol and ports of its first packet, and the mark it carries. */
struct carried {
	uint32_t mark;
	struct netaddr source, destination;
	uint8_t protocol;
	uint16_t sport, dport;		/* ICMP: type and code, then the rest; 0 for protocols without */
	bool from_gateway, to_gateway;	/* the source, the destination is an address of the gateway */
};

struct proof_input {
	const struct ruleset *ruleset;	/* its links give interfaces their index */
	const struct pins *pins;	/* program.links is not used */
	enum proof_half half;
	int64_t now;			/* Unix time: grants and elements that are over then do not count */
	const struct carried *carried;	/* sorted by mark; NULL: none */
	size_t carried_count;
	const char *unreadable;		/* something beside the ruleset that was not understood; NULL: nothing */
	struct isolation_claim isolation; /* what is said to be isolated (isolation.h); empty: nothing */
	uint64_t work_max;		/* steps after which what is not known yet is not proved; 0: prove_work_max() */
};

/*
 * Steps after which a proof is given up: rules that need more for what they hold are entangled, and more time would not help. At most PROVE_WORK_MAX.
 */
uint64_t prove_work_max(const struct proof_input *input);

/* Proves. Results live in the arena. */
struct proof ruleset_prove(struct arena *arena, const struct proof_input *input);

/* "never", "specified", ... : the stable name of a line. */
const char *proof_line_name(enum proof_line line);

/* The whole sentence of the law. */
const char *proof_line_sentence(enum proof_line line, enum language language);

/* The packet of a breach in words: "mn0 10.1.0.10 -> in0 10.3.0.5 tcp 40000 -> 443 new". In the arena. */
const char *breach_words(struct arena *arena, const struct ruleset *ruleset, const struct breach *breach);

/* Adds an error for each line that does not hold. 0 when all hold, else -EPERM. */
int proof_report(const struct proof *proof, const struct ruleset *ruleset, struct findings *findings);

#endif
