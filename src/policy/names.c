/* names: words and terms of the enumerations, both ways. */
#include "policy/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct term {
	const char *word, *en, *ja;
};

static const struct term tiers[] = {
	[TIER_MYNUMBER] = { "mynumber", "My Number tier", "マイナンバー利用事務系" },
	[TIER_LGWAN] = { "lgwan", "LGWAN tier", "LGWAN接続系" },
	[TIER_INTERNET] = { "internet", "Internet tier", "インターネット接続系" },
};

static const struct term models[] = {
	[MODEL_ALPHA] = { "alpha", "model α", "αモデル" },
	[MODEL_ALPHA_PRIME] = { "alpha-prime", "model α'", "α'モデル" },
	[MODEL_BETA] = { "beta", "model β", "βモデル" },
	[MODEL_BETA_PRIME] = { "beta-prime", "model β'", "β'モデル" },
};

static const struct term methods[] = {
	[METHOD_SPECIFIED] = { "specified", "specified flow", "特定通信" },
	[METHOD_SCREEN] = { "screen", "screen transfer", "画面転送" },
	[METHOD_SANITIZED_FILE] = { "sanitized-file", "sanitized file", "ファイル無害化" },
	[METHOD_BREAKOUT] = { "breakout", "local breakout", "ローカルブレイクアウト" },
	[METHOD_INTERNAL] = { "internal", "flow inside a tier", "領域内通信" },
	[METHOD_EXCEPTION] = { "exception", "governed exception", "例外措置" },
};

static const struct term peers[] = {
	[PEER_NONE] = { "", "none", "なし" },
	[PEER_JUKI_NET] = { "juki-net", "Juki-net", "住基ネット" },
	[PEER_INTERMEDIATE_SERVER] = { "intermediate-server", "intermediate server", "中間サーバー" },
	[PEER_CONVENIENCE] = { "convenience", "certificates at convenience stores", "コンビニ交付" },
	[PEER_ELTAX] = { "eltax", "eLTAX", "eLTAX" },
	[PEER_MYNAPORTAL] = { "mynaportal", "Mynaportal", "マイナポータル" },
	[PEER_GOVERNMENT_CLOUD] = { "government-cloud", "Government Cloud", "ガバメントクラウド" },
	[PEER_PUBLIC_BODY] = { "public-body", "other public body", "その他の公的機関" },
};

static const struct protocol_word {
	const char *word;
	uint16_t number;
} protocol_words[] = {
	{ "tcp", 6 }, { "udp", 17 }, { "sctp", 132 }, { "icmp", 1 }, { "gre", 47 }, { "esp", 50 }, { "ah", 51 },
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* The index of the word in the table, from first on, or -EINVAL. */
static int term_find(const struct term *terms, size_t first, size_t count, const char *word)
{
	for (size_t i = first; word && i < count; i++)
		if (strcmp(terms[i].word, word) == 0)
			return (int)i;
	return -EINVAL;
}

int tier_parse(const char *word, enum tier *ret_tier)
{
	int index = term_find(tiers, 0, COUNT_OF(tiers), word);

	if (index < 0)
		return index;
	*ret_tier = (enum tier)index;
	return 0;
}

int model_parse(const char *word, enum model *ret_model)
{
	int index = term_find(models, 0, COUNT_OF(models), word);

	if (index < 0)
		return index;
	*ret_model = (enum model)index;
	return 0;
}

int method_parse(const char *word, enum method *ret_method)
{
	int index = term_find(methods, 0, COUNT_OF(methods), word);

	if (index < 0)
		return index;
	*ret_method = (enum method)index;
	return 0;
}

int peer_parse(const char *word, enum peer *ret_peer)
{
	int index = term_find(peers, PEER_NONE + 1, COUNT_OF(peers), word);

	if (index < 0)
		return index;
	*ret_peer = (enum peer)index;
	return 0;
}

/* A decimal number from 1 to 255 and nothing else. */
static int protocol_number_parse(const char *word, uint16_t *ret_number)
{
	size_t length = strlen(word);
	long number;

	if (length == 0 || length > 3 || strspn(word, "0123456789") != length || word[0] == '0')
		return -EINVAL;
	number = strtol(word, NULL, 10);
	if (number > 255)
		return -EINVAL;
	*ret_number = (uint16_t)number;
	return 0;
}

int protocol_parse(const char *word, uint16_t *ret_protocol)
{
	enum { ICMP = 1, ICMPV6 = 58 };
	uint16_t number;

	for (size_t i = 0; i < COUNT_OF(protocol_words); i++)
		if (strcmp(protocol_words[i].word, word) == 0) {
			*ret_protocol = protocol_words[i].number;
			return 0;
		}
	if (protocol_number_parse(word, &number) < 0)
		return -EINVAL;
	*ret_protocol = number == ICMPV6 ? ICMP : number;
	return 0;
}

bool protocol_has_ports(uint16_t protocol)
{
	enum { TCP = 6, UDP = 17, SCTP = 132 };

	return protocol == TCP || protocol == UDP || protocol == SCTP;
}

const char *protocol_name(struct arena *arena, uint16_t protocol)
{
	if (protocol == POLICY_ANY_PROTOCOL)
		return "any";
	for (size_t i = 0; i < COUNT_OF(protocol_words); i++)
		if (protocol_words[i].number == protocol)
			return protocol_words[i].word;
	return arena_printf(arena, "%u", protocol);
}

bool interface_is_wireless(const char *name)
{
	return strncmp(name, "wl", 2) == 0;
}

bool interface_lacks_mac(const char *name)
{
	return strncmp(name, "ppp", 3) == 0 || strncmp(name, "tun", 3) == 0;
}

bool zone_lacks_macs(const struct zone *zone)
{
	for (size_t i = 0; i < zone->interface_count; i++)
		if (!interface_lacks_mac(zone->interfaces[i].value))
			return false;
	return zone->interface_count > 0;
}

const char *tier_name(enum tier tier)
{
	return tiers[tier].word;
}

const char *model_name(enum model model)
{
	return models[model].word;
}

const char *method_name(enum method method)
{
	return methods[method].word;
}

const char *peer_name(enum peer peer)
{
	return peers[peer].word;
}

const char *tier_label(enum tier tier, enum language language)
{
	return language == LANGUAGE_JA ? tiers[tier].ja : tiers[tier].en;
}

const char *method_label(enum method method, enum language language)
{
	return language == LANGUAGE_JA ? methods[method].ja : methods[method].en;
}

const char *peer_label(enum peer peer, enum language language)
{
	return language == LANGUAGE_JA ? peers[peer].ja : peers[peer].en;
}
