/*
 * survey: what could carry packets past the tables, as rtnetlink and /proc show it. Needs no privilege.
 *
 * A packet of a bridged interface, or one that a program at an interface hands on, never meets the rules; a policy route takes it another way than the tables of
 * routes say; an interface that sits on another one reaches that one's wire by itself, from whatever namespace it was moved to. Some of this comes
 * without a notification (a program attached by a link of its own, an interface of another namespace): whoever wants to know has to look again and again.
 * What needs a privilege to be seen is in kernel/foreign.h.
 */
#ifndef KERNEL_SURVEY_H
#define KERNEL_SURVEY_H

#include "base/arena.h"
#include "ruleset/ruleset.h"

enum survey_kind {
	SURVEY_MASTER,		/* the interface is a port of the one with index `number`; text: of which kind ("bridge", "bond", "team", "vrf"; "hsr": they are a ring) */
	SURVEY_XDP,		/* a program takes its packets before everything else */
	SURVEY_TC,		/* a clsact or ingress queueing discipline: programs and redirections hang there */
	SURVEY_FILTER,		/* a filter at another queueing discipline, or at a class of one: it may redirect what is about to leave */
	SURVEY_RULE,		/* a policy routing rule; `number` is its priority, index 0 */
	SURVEY_CHILD,		/* the one with index `number` sits on the interface; text: its kind ("macvlan", "ipvlan", "vlan", "veth", ...) */
	SURVEY_SHARED,		/* the interface receives for another unicast address too, which no interface here has; text: the address */
	SURVEY_JOINED,		/* the interface receives the group of all hosts, or all nodes, for somebody who is not here */
	SURVEY_PROMISCUOUS,	/* the interface takes in all frames, and nobody has switched that on (ip link set promisc on) */
	SURVEY_FRAMES,		/* a socket of frames; `number`: its inode, text: the user who opened it; index 0: at every interface, or at none yet */
	SURVEY_FRAMES_XDP,	/* sockets of AF_XDP, nobody says where; index 0 */
	SURVEY_TUNNEL,		/* the interface is a tunnel; text: its kind ("gre", "wireguard", ...) */
	SURVEY_ENCAP,		/* routes by the interface, or next hops, put packets into others, or through a program; index 0: by none */
	SURVEY_LEGACY,		/* an older table of iptables is there; `number`: IP version, text: its name ("nat"), index 0 */
	SURVEY_IPVS,		/* the kernel spreads connections over servers (IPVS); text: to which address and port, the first of them; index 0 */
	SURVEY_SWITCH,		/* a switch of the interface (or of all, index 0) makes it answer or forward for others; text: the switch */
};

enum { SURVEY_TEXT_BYTES = 64 };

struct survey_item {
	enum survey_kind kind;
	uint32_t index;		/* of the interface */
	uint32_t number;
	char text[SURVEY_TEXT_BYTES];
};

enum { SURVEY_ITEMS_MAX = 4096 };

/* In the order of kinds' discovery; no two are equal. What is more than SURVEY_ITEMS_MAX is left out. */
struct survey {
	struct survey_item *items;
	size_t count, capacity;
};

/* Reads everything, of all interfaces. links are to name those whose switches are read. In the arena. 0 or negative errno. */
int survey_read(struct arena *arena, const struct link_table *links, struct survey *ret_survey);

/* Adds what /proc shows: older tables of iptables, services of IPVS, and switches. What is not there is not on. */
void survey_read_files(struct arena *arena, const struct link_table *links, struct survey *survey);

/* A line of /proc/net/ip_vs: adds the service that it tells of, unless there is one. */
void survey_take_ipvs(struct arena *arena, struct survey *survey, const char *line);

/* Adds an item. */
void survey_add(struct arena *arena, struct survey *survey, enum survey_kind kind, uint32_t index, uint32_t number, const char *text);

/*
 * A watch over what of this is told by rtnetlink besides changes of interfaces (kernel/links.h): queueing disciplines and filters, policy routing rules, switches
 * of forwarding and proxying. Its descriptor never blocks and is the caller's to close. Returns it, or negative errno.
 */
int survey_watch_open(void);

/* Reads away what is waiting there. */
void survey_watch_drain(int descriptor);

#endif
