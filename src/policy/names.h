/*
 * names: the words of the zone file for what is not named by the administrator himself: tiers, models,
 * methods, peers, protocols.
 *
 * The way back, from a value to its word or its Japanese term, stands in policy.h.
 */
#ifndef POLICY_NAMES_H
#define POLICY_NAMES_H

#include "policy/policy.h"

/* The tier of this word ("lgwan"). 0 or -EINVAL; NULL is no word. */
int tier_parse(const char *word, enum tier *ret_tier);

/* The model of this word ("alpha-prime"). 0 or -EINVAL; NULL is no word. */
int model_parse(const char *word, enum model *ret_model);

/* The method of this word ("sanitized-file"). 0 or -EINVAL; NULL is no word. */
int method_parse(const char *word, enum method *ret_method);

/* The class of peer of this word ("juki-net"). 0 or -EINVAL; NULL is no word, and no word gives PEER_NONE. */
int peer_parse(const char *word, enum peer *ret_peer);

/*
 * The protocol of "tcp", "udp", "sctp", "icmp", "gre", "esp", "ah" or a number from 1 to 255. icmp, 1 and 58
 * (ICMPv6) are all 1: echo in both families. 0 or -EINVAL.
 */
int protocol_parse(const char *word, uint16_t *ret_protocol);

/*
 * True for interfaces that carry radio by their name: "wl" is how systemd and the kernel name wireless
 * interfaces.
 */
bool interface_is_wireless(const char *name);

/*
 * True for interfaces whose packets carry no Ethernet address (ppp, tun): nothing behind them can be bound to
 * a MAC.
 */
bool interface_lacks_mac(const char *name);

/* True when the zone has interfaces and none of them carries Ethernet addresses. */
bool zone_lacks_macs(const struct zone *zone);

#endif
