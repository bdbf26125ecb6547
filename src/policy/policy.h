/*
 * policy: what the zone file means. Names are resolved to zones, addresses and numbers; every value keeps the line that said it.
 *
 * A policy is an immutable value in one arena. It is made by policy_resolve(), judged by law_check() (policy/law.h) and, if nothing in
 * the findings is an error, compiled (ruleset/compile.h). It knows no interface index, no clock and no user database: those are passed in.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/finding.h"
#include "base/netaddr.h"
#include "config/settings.h"

enum tier { TIER_MYNUMBER, TIER_LGWAN, TIER_INTERNET, TIER_COUNT };

enum model { MODEL_ALPHA, MODEL_ALPHA_PRIME, MODEL_BETA, MODEL_BETA_PRIME };

enum method { METHOD_SPECIFIED, METHOD_SCREEN, METHOD_SANITIZED_FILE, METHOD_BREAKOUT, METHOD_INTERNAL, METHOD_EXCEPTION };

/* Classes of peers of a specified flow. PEER_NONE: not written. */
enum peer { PEER_NONE, PEER_JUKI_NET, PEER_INTERMEDIATE_SERVER, PEER_CONVENIENCE, PEER_ELTAX, PEER_MYNAPORTAL, PEER_GOVERNMENT_CLOUD,
	    PEER_PUBLIC_BODY };

enum {
	POLICY_ZONES_MAX = 64,
	POLICY_INTERFACES_MAX = 256,
	POLICY_HOSTS_MAX = 65536,
	POLICY_FLOWS_MAX = 200000,
	POLICY_NAME_BYTES_MAX = 60,	/* of hosts, flows and the like (UTF-8); it must fit a kernel comment */
	POLICY_ZONE_NAME_BYTES_MAX = 15,
	POLICY_INTERFACE_NAME_BYTES_MAX = 15, /* IFNAMSIZ - 1 */
	POLICY_ANY_PROTOCOL = 256,	/* struct flow, hairpin only */
	POLICY_RELAYS_MAX = 16,
	POLICY_RELAY_LISTEN_MAX = 16,	/* addresses, of one relay; so are the next two */
	POLICY_RELAY_DOMAINS_MAX = 64,
	POLICY_RELAY_NEXT_HOPS_MAX = 16,
	POLICY_DOMAIN_BYTES_MAX = 239,	/* with "sekisho-relay." before it, it is still a host name of 253 bytes */
	POLICY_MAIL_ADDRESS_BYTES_MAX = 254, /* RFC 5321 4.5.3.1.3, without the brackets */
	POLICY_SUBJECT_PREFIX_BYTES_MAX = 64,
	POLICY_FOOTER_BYTES_MAX = 2000,
};

/* The local users of the relay's processes (systemd/sekisho.sysusers), by which the kernel's rules know them. */
enum relay_user { RELAY_USER_KEEPER, RELAY_USER_FRONT, RELAY_USER_WASHER, RELAY_USER_COURIER, RELAY_USER_COUNT };

struct port_range {
	uint16_t first, last;	/* 0..65535, first <= last */
};

/* A source address and the Ethernet address it must come from, on every packet that enters by a zone's interface (R3). */
struct binding {
	uint32_t zone;		/* index into policy->zones */
	struct netaddr address;
	struct macaddr mac;
	bool by_router;		/* the MAC is that of a router the host lies behind: it binds the router, not the terminal */
	struct origin at;
};

struct zone {
	const char *name;
	const char *label;	/* the name where none was written */
	enum tier tier;
	struct origin at;
	const struct text *interfaces; /* names; an interface belongs to one zone */
	size_t interface_count;
	/*
	 * The addresses of the zone, canonical, both families. For an uplink zone: its own networks and every
	 * unicast address that no other zone has; never loopback, multicast, link-local, unspecified or class E.
	 */
	struct addr_ranges networks;
	bool hairpin;
	bool wireless;
	bool uplink;
	struct addr_ranges next_hops; /* uplink: routers and declared hosts on the link */
	struct addr_ranges dns, smtp; /* uplink: the only resolvers and mail exchangers */
	struct addr_ranges dhcp_servers, ipv6_routers; /* hosts of the zone that are expected on its wire as such */
};

struct host {
	const char *name;
	uint32_t zone;
	const struct netaddr *addresses;
	size_t address_count;
	const struct macaddr *macs; /* what packets of this host carry here: its own or its routers' */
	size_t mac_count;
	bool macs_unsure;	/* some that were written are none: a finding says so */
	bool by_router;		/* macs are those of the hosts in `via` */
	bool sanitizer;
	struct origin at;
};

/* 台帳記載. Texts are NULL where not written; days are INT32_MIN where not written. */
struct record {
	const char *number, *reason, *approver;
	int32_t approved, expires; /* date.h days; expires: the last day it is valid */
	struct origin at;
};

/*
 * One thing that is allowed: a flow between zones, a service of the gateway or a way out of the gateway. They differ in the
 * ends they have, not in what is matched.
 */
enum flow_kind {
	FLOW_FORWARD,		/* from zone to zone */
	FLOW_LOCAL,		/* from a zone to the gateway: `to` is not used; destinations are addresses of the gateway, none: all of them */
	FLOW_EGRESS,		/* from a user's process on the gateway to a zone: `from` is not used, sources are empty */
};

/* What of a flow findings point at, besides the flow. */
enum flow_part { FLOW_PART_FROM, FLOW_PART_TO, FLOW_PART_SOURCE, FLOW_PART_DESTINATION, FLOW_PART_PORTS, FLOW_PART_METHOD, FLOW_PART_COUNT };

/* A daemon keeps a hundred thousand of them: what most flows do not have is behind a pointer, and small things stand together. */
struct flow {
	enum flow_kind kind;
	uint32_t from, to;	/* indexes into policy->zones */
	enum method method;
	const char *name;	/* unique among all flows; synthetic ones contain '/': "lgwan/hairpin", "relay/mail/in" */
	const char *peer_reason; /* NULL when not written */
	enum peer peer;
	uint32_t uid;		/* FLOW_EGRESS */
	const char *user;	/* FLOW_EGRESS */
	struct addr_ranges sources, destinations; /* canonical, inside the zones' networks */
	const struct host *source_host, *destination_host; /* the one named host, or NULL */
	const struct port_range *ports;	/* sorted, disjoint; empty for protocols without ports */
	size_t port_count;
	uint16_t protocol;	/* IP protocol number; 1 stands for echo in both families (ICMP and ICMPv6); POLICY_ANY_PROTOCOL */
	bool source_any, destination_any; /* the word "any" was written */
	bool source_named, destination_named; /* every word was the name of a host or a network */
	bool critical;
	bool life_safety;	/* goes on while a zone at one of its ends is isolated */
	bool expired;		/* the record's last day is over: compiles to nothing */
	const struct record *record; /* NULL: none was written */
	int64_t closes_at;	/* Unix time from which the flow is closed, as its record says; 0: never */
	struct origin at;
	uint32_t part_lines[FLOW_PART_COUNT]; /* flow_part_at() */
	const struct source *const *part_sources; /* flow_part_at() */
};

/*
 * Where a part of the flow was written, for findings; the flow's own line where it was not. Of each part there is the line alone (0: not written); the files are
 * NULL, or one for each part where an include in the middle of the flow brought some of them.
 */
struct origin flow_part_at(const struct flow *flow, enum flow_part part);

/* How a link's target is shown in a mail: "hxxps://town[.]example/a", "https[:]//town[.]example/a", or its host alone. */
enum relay_links { RELAY_LINKS_HXXP, RELAY_LINKS_BRACKETS, RELAY_LINKS_HOST };

/* An inner mail server. */
struct relay_hop {
	struct netaddr address;	/* in the zone the relay goes to */
	uint16_t port;
};

/* All inclusive. */
struct relay_limits {
	uint64_t message_bytes_max; /* as sent, attachments encoded */
	unsigned int recipients_max; /* of one message, 100 or more (RFC 5321 4.5.3.1.8) */
	unsigned int sessions_max; /* at the same time */
	unsigned int sessions_per_client_max; /* of them, from one address; at most sessions_max */
};

/* The words of the mails a relay writes. Texts are UTF-8 without hidden characters and without those of private use (外字). */
struct relay_text {
	enum language language;
	enum relay_links links;
	const char *subject_prefix; /* "": none; at most POLICY_SUBJECT_PREFIX_BYTES_MAX */
	const char *footer;	/* lines with LF between them and none at the end; "": none; at most POLICY_FOOTER_BYTES_MAX */
	const char *notice_address; /* From of stub notices */
	const char *authserv_id; /* of our own Authentication-Results; NULL: none are written */
	const char *trusted_authserv_id; /* whose results they are; NULL exactly when authserv_id is */
};

struct relay_originals {
	unsigned int retention_days;
	uint64_t free_bytes_min; /* less free space than this: 452 */
};

/*
 * 無害化中継. Domains and host names are lower case, ASCII (IDN as A-labels), two labels or more, at most POLICY_DOMAIN_BYTES_MAX.
 * What it needs of the packet filter stands in two flows, "relay/<name>/in" and "relay/<name>/out".
 */
struct relay {
	const char *name;
	uint32_t from, to;	/* indexes into policy->zones */
	const struct netaddr *listen; /* addresses of the gateway in the networks of `from`; none: all of the gateway's */
	size_t listen_count;
	uint16_t listen_port;	/* no other relay has it at one of these addresses */
	struct addr_ranges accept_from; /* who may deliver, in the networks of `from` */
	const char *const *domains; /* in the order written; at least one, no two equal */
	size_t domain_count;
	const struct relay_hop *next_hops; /* in the order to be tried; at least one, no two equal */
	size_t next_hop_count;
	const char *host_name;	/* what the relay calls itself */
	struct relay_limits limits;
	struct relay_text text;
	struct relay_originals originals;
	struct origin at;
};

/* refuse = "reject" as it was written, for the law; what follows from it stands in policy->rejects. */
struct rejection {
	uint32_t from, to;
	struct origin at;
};

/* The most connections that may be open which one zone began towards another, IPv4 and IPv6 together. */
struct pair_limit {
	uint32_t from, to;
	uint32_t connections;	/* at least 1 */
	struct origin at;
};

struct policy {
	const char *town;
	enum model model;
	struct origin model_at;
	bool two_person;	/* a change of this policy needs a second person */
	bool removes_bypasses;	/* tables of others that lead past the rules are removed, not only told of */
	const struct zone *zones;
	size_t zone_count;
	const struct host *hosts;
	size_t host_count;
	const struct binding *bindings;
	size_t binding_count;
	const struct flow *flows; /* in the order of the file: flows, then gateway services, egress, relays, hairpins */
	size_t flow_count;
	const struct relay *relays;
	size_t relay_count;
	uint32_t relay_uids[RELAY_USER_COUNT]; /* by enum relay_user; meaningful when there is a relay */
	const bool *rejects;	/* zone_count x zone_count, [from * zone_count + to]: answer instead of silence */
	const struct rejection *rejections;
	size_t rejection_count;
	const struct pair_limit *limits; /* sorted by from, to; no two of one pair */
	size_t limit_count;
};

/* Looks up a local user: 0 and *ret_uid, or -ENOENT. context is handed through. */
typedef int (*policy_user_lookup)(void *context, const char *name, uint32_t *ret_uid);

/* What resolution needs from outside. */
struct policy_world {
	int64_t now;		/* Unix time in seconds: decides which records are over */
	policy_user_lookup user_lookup; /* NULL: users are not looked up, every name gets a made-up uid (offline check) */
	void *user_context;
};

/*
 * Resolves settings. Unknown names (with the nearest known), malformed addresses, a thing named twice, overlapping networks, an interface in two
 * zones, a host outside its zone become findings (policy/catalogue.h). Always gives a policy: what could not be
 * resolved is left out of it, so a policy with errors in the findings must not be compiled. All in the arena; nothing of the settings is needed
 * afterwards but their sources.
 */
struct policy *policy_resolve(struct arena *arena, const struct settings *settings, const struct policy_world *world,
			      struct findings *findings);

/* The zone of this name, or NULL. */
const struct zone *policy_zone(const struct policy *policy, const char *name);

/* The zone whose networks hold the address, or NULL. */
const struct zone *policy_zone_of_address(const struct policy *policy, const struct netaddr *address);

/* The index of a zone of this policy. */
uint32_t policy_zone_index(const struct policy *policy, const struct zone *zone);

/* True when refused packets from one zone to the other are answered with an ICMP error (law: only inside a tier). */
bool policy_pair_rejects(const struct policy *policy, uint32_t from, uint32_t to);

/*
 * True for protocols whose ports conntrack tells apart: TCP, UDP, SCTP. Of DCCP it knows the two hosts only (seen on 6.18), so the mark of
 * one port would open all; of UDP-Lite it refuses every packet, because it sums it up as if it were UDP. Both are protocols without ports here.
 */
bool protocol_has_ports(uint16_t protocol);

/* The name of the local user: "sekisho-keeper", ... */
const char *relay_user_name(enum relay_user user);

/* "tcp", "icmp", ...; the number as text where it has no name. Static or in the arena. */
const char *protocol_name(struct arena *arena, uint16_t protocol);

/* The word of the zone file for each enumeration: "mynumber", "alpha-prime", "sanitized-file", "juki-net", ... */
const char *tier_name(enum tier tier);
const char *model_name(enum model model);	/* see tier_name() */
const char *method_name(enum method method);	/* see tier_name() */
const char *peer_name(enum peer peer);		/* see tier_name() */

/* The term for people: マイナンバー利用事務系, 特定通信, 住基ネット, ... */
const char *tier_label(enum tier tier, enum language language);
const char *method_label(enum method method, enum language language); /* see tier_label() */
const char *peer_label(enum peer peer, enum language language);	/* see tier_label() */

#endif
