/* probe: one packet put as a question to a ruleset. */
#include "sekisho/probe.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "policy/names.h"

enum {
	PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_ICMP6 = 58,
	ETHER_TYPE_IPV4 = 0x0800, ETHER_TYPE_IPV6 = 0x86dd,
	TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16,
	ICMP_ECHO_REPLY = 0, ICMP_ECHO_REQUEST = 8, ICMP6_ECHO_REQUEST = 128, ICMP6_ECHO_REPLY = 129,
	LINE_WORDS_MAX = 64,
};

struct probe probe_default(void)
{
	return (struct probe){
		.last = HOOK_FORWARD,
		.packet = { .iiftype = 1, .protocol = PROTOCOL_TCP, .has_ports = true, .sport = 40000, .tcp_flags = TCP_SYN, .hoplimit = 64,
			    .ct_state = CT_NEW, .ether_saddr = { { 2, 0, 0, 0, 0, 1 } } },
	};
}

struct word_value {
	const char *word;
	uint32_t value;
};

static const struct word_value hooks[] = { { "forward", HOOK_FORWARD }, { "input", HOOK_INPUT }, { "output", HOOK_OUTPUT }, { NULL, 0 } };
static const struct word_value states[] = { { "new", CT_NEW }, { "established", CT_ESTABLISHED }, { "related", CT_RELATED },
					    { "invalid", CT_INVALID }, { "untracked", CT_UNTRACKED }, { NULL, 0 } };
static const struct word_value directions[] = { { "original", DIRECTION_ORIGINAL }, { "reply", DIRECTION_REPLY }, { NULL, 0 } };
static const struct word_value statuses[] = { { "snat", CT_SNAT }, { "dnat", CT_DNAT }, { NULL, 0 } };
static const struct word_value flags[] = { { "fin", TCP_FIN }, { "syn", TCP_SYN }, { "rst", TCP_RST }, { "ack", TCP_ACK }, { "none", 0 }, { NULL, 0 } };
static const struct word_value expectations[] = { { "pass", EXPECT_PASS }, { "refuse", EXPECT_REFUSE }, { NULL, 0 } };

static bool word_lookup(const struct word_value *table, const char *word, uint32_t *ret_value)
{
	for (; table->word; table++) {
		if (strcmp(table->word, word) == 0) {
			*ret_value = table->value;
			return true;
		}
	}
	return false;
}

static bool number_parse(const char *text, uint32_t maximum, uint32_t *ret_value)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value > maximum)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

static bool flags_parse(char *text, uint8_t *ret_flags)
{
	uint32_t all = 0, flag;
	char *rest = text;

	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
		if (!word_lookup(flags, word, &flag))
			return false;
		all |= flag;
	}
	*ret_flags = (uint8_t)all;
	return true;
}

/* Words whose value is looked up in a small table. */
static bool set_choice(struct probe *probe, const char *key, const char *value, bool *ret_known)
{
	const struct {
		const char *key;
		const struct word_value *table;
		void *target;
		size_t size;
	} choices[] = {
		{ "hook", hooks, &probe->last, sizeof(probe->last) },
		{ "state", states, &probe->packet.ct_state, sizeof(probe->packet.ct_state) },
		{ "dir", directions, &probe->packet.ct_direction, sizeof(probe->packet.ct_direction) },
		{ "status", statuses, &probe->packet.ct_status, sizeof(probe->packet.ct_status) },
		{ "expect", expectations, &probe->expectation, sizeof(probe->expectation) },
	};

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		uint32_t found;

		if (strcmp(choices[i].key, key) != 0)
			continue;
		*ret_known = true;
		if (!word_lookup(choices[i].table, value, &found))
			return false;
		if (choices[i].size == 1)
			*(uint8_t *)choices[i].target = (uint8_t)found;
		else
			*(uint32_t *)choices[i].target = found;
		return true;
	}
	*ret_known = false;
	return false;
}

/* Words whose value is a number up to the largest its field holds. */
static bool set_number(struct probe *probe, const char *key, const char *value, bool *ret_known)
{
	struct packet *packet = &probe->packet;
	const struct {
		const char *key;
		void *target;
		size_t size;
	} numbers[] = {
		{ "sport", &packet->sport, 2 }, { "dport", &packet->dport, 2 }, { "type", &packet->icmp_type, 1 }, { "mark", &packet->ct_mark, 4 },
		{ "uid", &packet->skuid, 4 }, { "hoplimit", &packet->hoplimit, 1 }, { "pkttype", &packet->pkttype, 1 },
		{ "rh", &packet->routing_header, 0 }, { "ethertype", &packet->ether_type, 2 },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint32_t maximum = numbers[i].size == 4 ? UINT32_MAX : numbers[i].size == 2 ? UINT16_MAX : numbers[i].size ? UINT8_MAX : 1;
		uint32_t number;

		if (strcmp(numbers[i].key, key) != 0)
			continue;
		*ret_known = true;
		if (!number_parse(value, maximum, &number))
			return false;
		if (numbers[i].size == 4)
			*(uint32_t *)numbers[i].target = number;
		else if (numbers[i].size == 2)
			*(uint16_t *)numbers[i].target = (uint16_t)number;
		else if (numbers[i].size == 1)
			*(uint8_t *)numbers[i].target = (uint8_t)number;
		else
			*(bool *)numbers[i].target = number;
		packet->has_skuid |= strcmp(key, "uid") == 0;
		return true;
	}
	*ret_known = false;
	return false;
}

static bool set_interface(const struct link_table *links, const char *value, uint32_t *ret_index)
{
	*ret_index = link_index(links, value);
	return *ret_index != 0;
}

static bool set_protocol(const char *value, uint8_t *ret_protocol)
{
	uint16_t protocol;
	uint32_t number;

	if (number_parse(value, UINT8_MAX, &number)) {
		*ret_protocol = (uint8_t)number;
		return true;
	}
	if (protocol_parse(value, &protocol) != 0)
		return false;
	*ret_protocol = (uint8_t)protocol;
	return true;
}

static bool set_word(struct probe *probe, const struct link_table *links, const char *key, char *value)
{
	struct packet *packet = &probe->packet;
	bool known, good = set_choice(probe, key, value, &known);

	if (known)
		return good;
	good = set_number(probe, key, value, &known);
	if (known)
		return good;
	if (strcmp(key, "iif") == 0)
		return set_interface(links, value, &packet->iif);
	if (strcmp(key, "oif") == 0)
		return set_interface(links, value, &packet->oif);
	if (strcmp(key, "smac") == 0)
		return macaddr_parse(value, &packet->ether_saddr) == 0;
	if (strcmp(key, "src") == 0)
		return netaddr_parse(value, &packet->source) == 0;
	if (strcmp(key, "dst") == 0)
		return netaddr_parse(value, &packet->destination) == 0;
	if (strcmp(key, "nexthop") == 0)
		return netaddr_parse(value, &packet->next_hop) == 0;
	if (strcmp(key, "proto") == 0)
		return set_protocol(value, &packet->protocol);
	return strcmp(key, "flags") == 0 && flags_parse(value, &packet->tcp_flags);
}

/* What follows from the rest: the EtherType, the echo request of a ping, ICMP's first bytes where others have ports. */
static void probe_complete(struct probe *probe, bool has_type)
{
	struct packet *packet = &probe->packet;
	bool v6 = packet->source.family == 6;

	if (packet->ether_type == 0)
		packet->ether_type = v6 ? ETHER_TYPE_IPV6 : ETHER_TYPE_IPV4;
	if (packet->protocol == PROTOCOL_ICMP && v6)
		packet->protocol = PROTOCOL_ICMP6;
	if (packet->protocol == PROTOCOL_ICMP || packet->protocol == PROTOCOL_ICMP6) {
		if (!has_type)
			packet->icmp_type = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO_REQUEST;
		packet->sport = (uint16_t)(packet->icmp_type << 8);
	}
}

int probe_parse(char *line, const struct link_table *links, struct probe *ret_probe, const char **ret_word)
{
	struct probe probe = probe_default();
	bool has_type = false;
	char *rest = line;

	for (char *word = strsep(&rest, " \t"); word; word = strsep(&rest, " \t")) {
		char *value = strchr(word, '=');

		if (*word == '\0')
			continue;
		*ret_word = word;
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (!set_word(&probe, links, word, value)) {
			value[-1] = '=';
			return -EINVAL;
		}
		has_type |= strcmp(word, "type") == 0;
	}
	*ret_word = "src= dst=";
	if (probe.packet.source.family == 0 || probe.packet.source.family != probe.packet.destination.family)
		return -EINVAL;
	probe_complete(&probe, has_type);
	*ret_probe = probe;
	return 0;
}

struct evaluation probe_evaluate(struct arena *arena, const struct ruleset *ruleset, const struct probe *probe, int64_t now)
{
	const enum hook_point through[] = { HOOK_INGRESS, HOOK_PREROUTING, probe->last };

	if (probe->last == HOOK_OUTPUT)
		return evaluate_path(arena, ruleset, &through[2], 1, &probe->packet, now);
	return evaluate_path(arena, ruleset, through, 3, &probe->packet, now);
}

static uint8_t reply_icmp_type(uint8_t type)
{
	if (type == ICMP_ECHO_REQUEST)
		return ICMP_ECHO_REPLY;
	return type == ICMP6_ECHO_REQUEST ? ICMP6_ECHO_REPLY : type;
}

struct probe probe_reply(const struct probe *probe, uint32_t mark, const struct macaddr *from)
{
	struct probe reply = *probe;
	const struct packet *packet = &probe->packet;

	reply.packet.iif = packet->oif;
	reply.packet.oif = packet->iif;
	reply.packet.ether_saddr = *from;
	reply.packet.source = packet->destination;
	reply.packet.destination = packet->source;
	reply.packet.sport = packet->dport;
	reply.packet.dport = packet->sport;
	reply.packet.icmp_type = reply_icmp_type(packet->icmp_type);
	reply.packet.tcp_flags = TCP_SYN | TCP_ACK;
	reply.packet.ct_state = CT_ESTABLISHED;
	reply.packet.ct_direction = DIRECTION_REPLY;
	reply.packet.ct_mark = mark;
	return reply;
}
