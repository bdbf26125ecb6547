/*
 * settings: what an administrator wrote, value by value, with file and line, and nothing concluded from it.
 *
 * The reader (config/reader.h) fills these from libconfig by the schema (config/schema.h), which alone knows names, kinds, defaults, ranges
 * and units. A value that was not written has a NULL value (text), count 0 (list) or its default (number, flag: then `at` is empty).
 * What names mean, whether an address is one and whether the law allows it is decided one floor up (policy/resolve.h).
 * Settings are immutable and live in one arena. The sources they were read from live in that of the findings: whatever is concluded keeps its line. (Their texts
 * may go earlier: base/finding.h.)
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/finding.h"

struct text {
	const char *value;	/* UTF-8 without control characters; NULL: not written */
	struct origin at;
};

struct text_list {
	struct text *items;	/* in the order written; one bare text stands for a list of one; whole numbers become decimal text */
	size_t count;
	struct origin at;
};

struct number {
	int64_t value;
	struct origin at;
};

struct flag {
	bool value;
	struct origin at;
};

/* The only ways out of the Internet tier (自治体情報セキュリティクラウド); names of hosts. */
struct uplink_settings {
	struct origin at;	/* empty: the zone has no uplink */
	struct text_list routers; /* the next hops */
	struct text_list dns;	/* the only resolvers */
	struct text_list smtp;	/* the only mail exchangers */
};

struct zone_settings {
	struct origin at;
	struct text name;	/* ASCII, [a-z][a-z0-9-]*, at most 15 */
	struct text label;	/* for people and reports */
	struct text tier;	/* mynumber, lgwan, internet */
	struct text_list interfaces;
	struct text_list networks; /* prefixes; an uplink zone has the rest of the world besides */
	struct flag hairpin;	/* forwarding inside the zone */
	struct flag wireless;	/* an interface of the zone carries wireless terminals */
	struct text_list dhcp_servers; /* hosts: who may answer DHCP in the zone */
	struct text_list ipv6_routers; /* hosts: who may announce itself as an IPv6 router in the zone */
	struct uplink_settings uplink;
};

struct host_settings {
	struct origin at;
	struct text name;
	struct text label;
	struct text zone;
	struct text_list addresses;
	struct text_list macs;
	struct text_list via;	/* hosts: the router(s) this host lies behind; their MACs are the ones seen here */
	struct flag sanitizer;	/* a file sanitizer (ファイル無害化装置) */
};

struct network_settings {
	struct origin at;
	struct text name;
	struct text zone;
	struct text_list prefixes; /* addresses, prefixes, ranges */
};

struct service_settings {
	struct origin at;
	struct text name;
	struct text protocol;	/* tcp, udp, sctp, icmp (echo, both families), gre, esp, or a number */
	struct text_list ports;	/* numbers and "first-last" */
};

struct record_settings {
	struct origin at;	/* empty: no record written */
	struct text number;
	struct text reason;
	struct text approver;
	struct text approved;	/* a date */
	struct text expires;	/* a date, or "nendo": end of the fiscal year of `approved` */
};

struct flow_settings {
	struct origin at;
	struct text name;
	struct text from, to;	/* zones */
	struct text method;	/* specified, screen, sanitized-file, breakout, internal, exception */
	struct text peer;	/* class of peer of a specified flow */
	struct text peer_reason; /* demanded by peer = "public-body" */
	struct text_list source; /* hosts, networks, addresses, prefixes, ranges, or "any" */
	struct text_list destination; /* likewise */
	struct text service;	/* a service, or protocol and ports here */
	struct text protocol;
	struct text_list ports;
	struct record_settings record;
	struct flag critical;	/* must never stop (J-ALERT and the like) */
	struct flag life_safety; /* goes on while a zone is isolated */
};

/* A pair of zones of one tier in which a refused packet is answered instead of dropped in silence. */
struct refusal_settings {
	struct origin at;
	struct text from, to;
	struct text refuse;	/* drop, reject */
};

/* How many connections may be open between two zones, begun by the first. */
struct limit_settings {
	struct origin at;
	struct text from, to;
	struct number connections;
};

/* Who may reach the gateway itself. */
struct local_settings {
	struct origin at;
	struct text name;
	struct text zone;
	struct text_list source; /* hosts, networks, addresses of the zone; never "any" for a port */
	struct text service;
	struct text protocol;
	struct text_list ports;
};

/* Whom the gateway itself may reach. */
struct egress_settings {
	struct origin at;
	struct text name;
	struct text user;	/* the local user whose processes may begin it */
	struct text zone;
	struct text_list destination;
	struct text service;
	struct text protocol;
	struct text_list ports;
};

struct relay_limits_settings {
	struct origin at;
	struct number message_mib; /* of a message as it is sent, attachments encoded */
	struct number recipients; /* of one message */
	struct number sessions;	/* at the same time */
	struct number sessions_per_client; /* of them, from one address */
};

/* The words of the mails that a relay writes. */
struct relay_text_settings {
	struct origin at;
	struct text language;	/* ja, en */
	struct text links;	/* hxxp, brackets, host */
	struct text subject_prefix;
	struct text_list footer; /* a line each */
	struct text notice_address; /* From of the notices that stand for a mail */
	struct text authserv_id; /* of our own Authentication-Results */
	struct text trusted_authserv_id; /* whose Authentication-Results are believed */
};

struct relay_originals_settings {
	struct origin at;
	struct number days;	/* how long an original is kept */
	struct number free_mib;	/* below this much free space no mail is taken */
};

struct relay_settings {
	struct origin at;
	struct text name;
	struct text from, to;	/* zones */
	struct text_list listen; /* addresses of the gateway; none: all */
	struct number listen_port;
	struct text_list accept_from; /* who may deliver to the relay */
	struct text_list domains; /* whose mail it takes */
	struct text_list next_hops; /* the inner mail servers, in order */
	struct number next_hop_port;
	struct text host_name;	/* what the relay calls itself */
	struct relay_limits_settings limits;
	struct relay_text_settings text;
	struct relay_originals_settings originals;
};

struct settings {
	struct source *sources;	/* the file named first, then what it includes */
	size_t source_count;
	struct text town;
	struct text model;	/* alpha, alpha-prime, beta, beta-prime */
	struct flag two_person;	/* a change needs a second person */
	struct zone_settings *zones;
	size_t zone_count;
	struct host_settings *hosts;
	size_t host_count;
	struct network_settings *networks;
	size_t network_count;
	struct service_settings *services;
	size_t service_count;
	struct flow_settings *flows;
	size_t flow_count;
	struct refusal_settings *refusals;
	size_t refusal_count;
	struct limit_settings *limits;
	size_t limit_count;
	struct local_settings *locals;	/* gateway.services */
	size_t local_count;
	struct egress_settings *egresses; /* gateway.egress */
	size_t egress_count;
	struct text foreign_bypass;	/* gateway.foreign_bypass: alarm, remove; none: alarm */
	struct relay_settings *relays;
	size_t relay_count;
};

#endif
