/* prove_words: the lines of the law and what breaks them, for people. */
#include <errno.h>

#include "ruleset/catalogue.h"
#include "ruleset/prove.h"

static const struct {
	const char *name, *en, *ja;
} lines[PROOF_LINE_COUNT] = {
	[PROOF_NEVER] = { "never", "Nothing passes between the My Number tier and the Internet tier.",
			  "マイナンバー利用事務系とインターネット接続系の間は、何も通らない。" },
	[PROOF_SPECIFIED] = { "specified", "Between the My Number tier and another tier, specified flows alone pass: one host with its MAC to one host, one port.",
			      "マイナンバー利用事務系と他の領域の間は、特定通信(MAC を登録した一対一の機器、一つのポート)だけが通る。" },
	[PROOF_SANITIZED] = { "sanitized", "Between the LGWAN tier and the Internet tier, declared flows alone pass.",
			      "LGWAN接続系とインターネット接続系の間は、定義した通信だけが通る。" },
	[PROOF_MAIL] = { "mail", "Between the LGWAN tier and the Internet tier, mail never passes directly.",
			 "LGWAN接続系とインターネット接続系の間で、メールが直接通ることはない。" },
	[PROOF_INTERNAL] = { "internal", "Between zones of one tier, and inside a zone, declared flows alone pass.",
			     "同じ領域のゾーンの間と、ゾーンの内側は、定義した通信だけが通る。" },
	[PROOF_OUTSIDE] = { "outside", "Nothing passes by an interface that belongs to no zone.",
			    "どのゾーンにも属さないインターフェースは、何も通さない。" },
	[PROOF_UPLINK] = { "uplink", "What leaves by an uplink goes to a declared next hop.",
			   "上位回線から出るものは、登録した次の機器にだけ渡る。" },
	[PROOF_INPUT] = { "input", "To the gateway itself, declared services alone are open, to declared hosts.",
			  "関所そのものへは、定義したサービスだけが、定義した相手に開いている。" },
	[PROOF_OUTPUT] = { "output", "The gateway itself begins only what is declared, and only as the declared user.",
			   "関所そのものからは、定義した通信だけを、定義した利用者だけが始められる。" },
	[PROOF_CHAIN] = { "chain", "No process on the gateway can be spoken to by one of My Number and Internet and speak to the other.",
			  "関所上のプロセスが、マイナンバー利用事務系とインターネット接続系を中継することはできない。" },
	[PROOF_SOURCE] = { "source", "No packet passes whose source does not belong to the zone it comes from.",
			   "送信元が入口のゾーンのものでないパケットは通らない。" },
	[PROOF_MAC] = { "mac", "No packet of a host with a registered MAC passes with another MAC.",
			"MAC を登録した機器のパケットは、別の MAC では通らない。" },
	[PROOF_EXPIRY] = { "expiry", "Nothing passes longer than its record is valid.", "台帳記載の期限を過ぎた通信は通らない。" },
	[PROOF_NAT] = { "nat", "No connection with translated addresses passes.", "アドレス変換(NAT)された通信は通らない。" },
	[PROOF_SILENCE] = { "silence", "Between tiers, what is refused is not answered.", "領域をまたぐ遮断には応答を返さない。" },
	[PROOF_FRAMES] = { "frames", "Of Ethernet, only IPv4, IPv6 and ARP enter.", "イーサネットからは IPv4、IPv6、ARP だけが入る。" },
	[PROOF_BRIDGE] = { "bridge", "No interface of a zone carries bridged frames.", "ゾーンのインターフェースはブリッジのフレームを通さない。" },
	[PROOF_ISOLATED] = { "isolated", "Nothing passes by an isolated interface, but what goes on by its exceptions.",
			     "遮断中のインターフェースは、遮断の例外とした通信のほかは何も通さない。" },
};

const char *proof_line_name(enum proof_line line)
{
	return lines[line].name;
}

const char *proof_line_sentence(enum proof_line line, enum language language)
{
	return language == LANGUAGE_JA ? lines[line].ja : lines[line].en;
}

static const char *interface_word(struct arena *arena, const struct ruleset *ruleset, uint32_t index)
{
	const char *name = link_name(&ruleset->links, index);

	return name ? name : arena_printf(arena, "interface %u", index);
}

/* "10.1.0.10", with its port where there is one. */
static const char *end_word(struct arena *arena, const struct packet *packet, const struct netaddr *address, uint16_t port)
{
	char text[NETADDR_TEXT_BYTES];

	netaddr_format(address, text);
	if (!protocol_has_ports(packet->protocol) || !packet->has_ports)
		return arena_strdup(arena, text);
	return arena_printf(arena, address->family == 6 ? "[%s]:%u" : "%s:%u", text, port);
}

static const char *state_word(const struct packet *packet)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = { { CT_INVALID, "invalid" }, { CT_UNTRACKED, "untracked" }, { CT_NEW, "new" }, { CT_RELATED, "related" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (packet->ct_state & words[i].bit)
			return words[i].word;
	return packet->ct_direction == DIRECTION_REPLY ? "reply" : "established";
}

/* What else is unusual about it. */
static const char *details(struct arena *arena, const struct packet *packet)
{
	const char *text = state_word(packet);

	if (packet->ct_mark)
		text = arena_printf(arena, "%s mark 0x%x", text, packet->ct_mark);
	if (packet->ct_status & (CT_SNAT | CT_DNAT))
		text = arena_printf(arena, "%s %s", text, packet->ct_status & CT_SNAT ? "snat" : "dnat");
	if (packet->protocol == 1 || packet->protocol == 58)
		text = arena_printf(arena, "%s type %u", text, packet->icmp_type);
	if (packet->routing_header)
		text = arena_printf(arena, "%s routing-header", text);
	return text;
}

static const char *origin_word(struct arena *arena, const struct ruleset *ruleset, const struct packet *packet)
{
	char mac[MACADDR_TEXT_BYTES];

	if (packet->iif == 0)
		return packet->has_skuid ? arena_printf(arena, "gateway uid %u", packet->skuid) : "gateway";
	return arena_printf(arena, "%s %s", interface_word(arena, ruleset, packet->iif), macaddr_format(&packet->ether_saddr, mac));
}

static const char *target_word(struct arena *arena, const struct ruleset *ruleset, const struct packet *packet)
{
	char hop[NETADDR_TEXT_BYTES];

	if (packet->oif == 0)
		return "gateway";
	if (packet->next_hop.family == 0)
		return interface_word(arena, ruleset, packet->oif);
	return arena_printf(arena, "%s via %s", interface_word(arena, ruleset, packet->oif), netaddr_format(&packet->next_hop, hop));
}

static const char *packet_words(struct arena *arena, const struct ruleset *ruleset, const struct packet *packet)
{
	return arena_printf(arena, "%s %s -> %s %s %s %s", origin_word(arena, ruleset, packet),
			    end_word(arena, packet, &packet->source, packet->sport), target_word(arena, ruleset, packet),
			    end_word(arena, packet, &packet->destination, packet->dport), protocol_name(arena, packet->protocol),
			    details(arena, packet));
}

const char *breach_words(struct arena *arena, const struct ruleset *ruleset, const struct breach *breach)
{
	const struct packet *packet = &breach->packet;

	if (breach->hook == HOOK_INGRESS)
		return arena_printf(arena, "%s ethertype 0x%04x", interface_word(arena, ruleset, packet->iif), packet->ether_type);
	if (breach->hook == HOOK_BRIDGE)
		return arena_printf(arena, "%s -> %s", interface_word(arena, ruleset, packet->iif), interface_word(arena, ruleset, packet->oif));
	if (breach->second.destination.family != 0)
		return arena_printf(arena, "%s; %s", packet_words(arena, ruleset, packet), packet_words(arena, ruleset, &breach->second));
	return packet_words(arena, ruleset, packet);
}

static enum ruleset_finding doubt_kind(enum proof_doubt doubt)
{
	switch (doubt) {
	case PROOF_TOO_COMPLEX: return RULESET_PROOF_TOO_COMPLEX;
	case PROOF_UNREADABLE: return RULESET_PROOF_UNREADABLE;
	case PROOF_UNCONFIRMED: case PROOF_NO_DOUBT: break;
	}
	return RULESET_PROOF_UNCONFIRMED;
}

int proof_report(const struct proof *proof, const struct ruleset *ruleset, struct findings *findings)
{
	const struct origin nowhere = { .source = NULL };

	for (int line = 0; line < PROOF_LINE_COUNT; line++) {
		const struct proof_result *result = &proof->lines[line];

		if (result->state == PROOF_BROKEN)
			finding_add(findings, &ruleset_catalogue[RULESET_PROOF_NEVER + line], nowhere,
				    breach_words(findings->arena, ruleset, &result->breach), NULL);
		else if (result->state == PROOF_UNPROVED)
			finding_add(findings, &ruleset_catalogue[doubt_kind(result->doubt)], nowhere, lines[line].name,
				    proof->unreadable ? arena_strdup(findings->arena, proof->unreadable) : NULL, NULL);
	}
	return proof->holds ? 0 : -EPERM;
}
