/* foreign_judge: what a message of nf_tables says of somebody else's rules. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "kernel/attribute.h"
#include "kernel/foreign.h"

#define OWN_TABLE "sekisho"

/* The newest that linux/nf_tables.h of Debian 12 knows by this name is the type of the object. */
enum { OBJECT_TUNNEL = NFT_OBJECT_TUNNEL, OBJECT_SYNPROXY = NFT_OBJECT_SYNPROXY };

static enum foreign_kind judge_payload(const struct nlattr *data)
{
	const struct nlattr *attributes[NFTA_PAYLOAD_MAX + 1];

	attributes_sort(attributes_of_nest(data), attributes, NFTA_PAYLOAD_MAX + 1);
	return attributes[NFTA_PAYLOAD_SREG] ? FOREIGN_REWRITE : FOREIGN_NONE;
}

static enum foreign_kind judge_ct(const struct nlattr *data)
{
	const struct nlattr *attributes[NFTA_CT_MAX + 1];

	attributes_sort(attributes_of_nest(data), attributes, NFTA_CT_MAX + 1);
	if (!attributes[NFTA_CT_SREG])
		return FOREIGN_NONE;
	switch (attribute_u32(attributes[NFTA_CT_KEY])) {
	case NFT_CT_LABELS: case NFT_CT_EVENTMASK: case NFT_CT_SECMARK:
		return FOREIGN_NONE;
	default:
		return FOREIGN_REWRITE;
	}
}

static enum foreign_kind judge_meta(const struct nlattr *data)
{
	const struct nlattr *attributes[NFTA_META_MAX + 1];

	attributes_sort(attributes_of_nest(data), attributes, NFTA_META_MAX + 1);
	if (!attributes[NFTA_META_SREG])
		return FOREIGN_NONE;
	switch (attribute_u32(attributes[NFTA_META_KEY])) {
	case NFT_META_PRIORITY: case NFT_META_NFTRACE: case NFT_META_SECMARK:
		return FOREIGN_NONE;
	default:
		return FOREIGN_MARK;
	}
}

/* `drop` is an immediate that loads a verdict. */
static enum foreign_kind judge_immediate(const struct nlattr *data)
{
	const struct nlattr *immediate[NFTA_IMMEDIATE_MAX + 1], *value[NFTA_DATA_MAX + 1], *verdict[NFTA_VERDICT_MAX + 1];

	attributes_sort(attributes_of_nest(data), immediate, NFTA_IMMEDIATE_MAX + 1);
	if (!immediate[NFTA_IMMEDIATE_DATA])
		return FOREIGN_NONE;
	attributes_sort(attributes_of_nest(immediate[NFTA_IMMEDIATE_DATA]), value, NFTA_DATA_MAX + 1);
	if (!value[NFTA_DATA_VERDICT])
		return FOREIGN_NONE;
	attributes_sort(attributes_of_nest(value[NFTA_DATA_VERDICT]), verdict, NFTA_VERDICT_MAX + 1);
	return verdict[NFTA_VERDICT_CODE] && attribute_u32(verdict[NFTA_VERDICT_CODE]) == NF_DROP ? FOREIGN_FILTER : FOREIGN_NONE;
}

static enum foreign_kind judge_object(const struct nlattr *data)
{
	const struct nlattr *attributes[NFTA_OBJREF_MAX + 1];

	attributes_sort(attributes_of_nest(data), attributes, NFTA_OBJREF_MAX + 1);
	switch (attribute_u32(attributes[NFTA_OBJREF_IMM_TYPE])) {
	case OBJECT_TUNNEL:
		return FOREIGN_REWRITE;
	case OBJECT_SYNPROXY:
		return FOREIGN_HANDOVER;
	default:
		return FOREIGN_NONE;
	}
}

/* A name and what it stands for; judge, when there is one, looks into the expression. */
struct known_name {
	const char *name;
	enum foreign_kind kind;
	enum foreign_kind (*judge)(const struct nlattr *data);
};

/* Targets of iptables, ip6tables, ebtables and arptables, as their nft versions load them. */
static const struct known_name targets[] = {
	{ "TEE", FOREIGN_REDIRECT, NULL }, { "NFQUEUE", FOREIGN_HANDOVER, NULL }, { "TPROXY", FOREIGN_HANDOVER, NULL }, { "SYNPROXY", FOREIGN_HANDOVER, NULL },
	{ "DNAT", FOREIGN_NAT, NULL }, { "SNAT", FOREIGN_NAT, NULL }, { "MASQUERADE", FOREIGN_NAT, NULL }, { "REDIRECT", FOREIGN_NAT, NULL },
	{ "NETMAP", FOREIGN_NAT, NULL }, { "MARK", FOREIGN_MARK, NULL }, { "HMARK", FOREIGN_MARK, NULL }, { "NOTRACK", FOREIGN_MARK, NULL },
	{ "CT", FOREIGN_MARK, NULL }, { "REJECT", FOREIGN_FILTER, NULL }, { "DROP", FOREIGN_FILTER, NULL }, { "LOG", FOREIGN_NONE, NULL }, { "NFLOG", FOREIGN_NONE, NULL },
	{ "TCPMSS", FOREIGN_NONE, NULL }, { "TTL", FOREIGN_NONE, NULL }, { "HL", FOREIGN_NONE, NULL }, { "TOS", FOREIGN_NONE, NULL }, { "DSCP", FOREIGN_NONE, NULL },
	{ "CHECKSUM", FOREIGN_NONE, NULL }, { "CLASSIFY", FOREIGN_NONE, NULL }, { "SET", FOREIGN_NONE, NULL }, { "TRACE", FOREIGN_NONE, NULL },
	{ "SECMARK", FOREIGN_NONE, NULL }, { "CONNSECMARK", FOREIGN_NONE, NULL }, { "AUDIT", FOREIGN_NONE, NULL }, { "RATEEST", FOREIGN_NONE, NULL },
	{ "log", FOREIGN_NONE, NULL }, { "nflog", FOREIGN_NONE, NULL },
};

static enum foreign_kind judge_target(const struct nlattr *data);

/* Of what stands in no table here, nobody knows what it does. */
static const struct known_name expressions[] = {
	{ "fwd", FOREIGN_REDIRECT, NULL }, { "dup", FOREIGN_REDIRECT, NULL }, { "queue", FOREIGN_HANDOVER, NULL }, { "tproxy", FOREIGN_HANDOVER, NULL },
	{ "synproxy", FOREIGN_HANDOVER, NULL }, { "nat", FOREIGN_NAT, NULL }, { "masq", FOREIGN_NAT, NULL }, { "redir", FOREIGN_NAT, NULL },
	{ "notrack", FOREIGN_MARK, NULL }, { "flow_offload", FOREIGN_FLOWTABLE, NULL }, { "reject", FOREIGN_FILTER, NULL },
	{ "payload", FOREIGN_NONE, judge_payload }, { "ct", FOREIGN_NONE, judge_ct }, { "meta", FOREIGN_NONE, judge_meta },
	{ "immediate", FOREIGN_NONE, judge_immediate }, { "objref", FOREIGN_NONE, judge_object }, { "target", FOREIGN_NONE, judge_target },
	{ "bitwise", FOREIGN_NONE, NULL }, { "byteorder", FOREIGN_NONE, NULL }, { "cmp", FOREIGN_NONE, NULL }, { "connlimit", FOREIGN_NONE, NULL },
	{ "counter", FOREIGN_NONE, NULL }, { "dynset", FOREIGN_NONE, NULL }, { "exthdr", FOREIGN_NONE, NULL }, { "fib", FOREIGN_NONE, NULL },
	{ "hash", FOREIGN_NONE, NULL }, { "inner", FOREIGN_NONE, NULL }, { "last", FOREIGN_NONE, NULL }, { "limit", FOREIGN_NONE, NULL },
	{ "log", FOREIGN_NONE, NULL }, { "lookup", FOREIGN_NONE, NULL }, { "match", FOREIGN_NONE, NULL }, { "numgen", FOREIGN_NONE, NULL },
	{ "osf", FOREIGN_NONE, NULL }, { "quota", FOREIGN_NONE, NULL }, { "range", FOREIGN_NONE, NULL }, { "rt", FOREIGN_NONE, NULL },
	{ "socket", FOREIGN_NONE, NULL }, { "tunnel", FOREIGN_NONE, NULL }, { "xfrm", FOREIGN_NONE, NULL },
};

static enum foreign_kind judge_name(const struct known_name *known, size_t count, const char *name, const struct nlattr *data)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].judge && data ? known[i].judge(data) : known[i].kind;
	return FOREIGN_REWRITE;
}

static const char *target_name(const struct nlattr *data)
{
	const struct nlattr *attributes[NFTA_TARGET_MAX + 1];

	attributes_sort(attributes_of_nest(data), attributes, NFTA_TARGET_MAX + 1);
	return attribute_text(attributes[NFTA_TARGET_NAME]);
}

static enum foreign_kind judge_target(const struct nlattr *data)
{
	return judge_name(targets, sizeof(targets) / sizeof(targets[0]), target_name(data), NULL);
}

void foreign_name(char to[static FOREIGN_NAME_BYTES], const char *name)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
	size_t i = 0;

	for (; name[i] && i < FOREIGN_NAME_BYTES - 1; i++)
		to[i] = strchr(harmless, name[i]) ? name[i] : '?';
	to[i] = '\0';
}

static void item_add(struct foreign *foreign, const struct nlmsghdr *message, enum foreign_kind kind, const char *table, const char *chain, const char *what)
{
	struct foreign_item item = { .kind = kind, .family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family };

	foreign_name(item.table, table);
	foreign_name(item.chain, chain);
	foreign_name(item.what, what);
	foreign_add(foreign, &item);
}

void foreign_add(struct foreign *foreign, const struct foreign_item *item)
{
	for (size_t i = 0; i < foreign->count; i++) {
		const struct foreign_item *other = &foreign->items[i];

		if (other->kind == item->kind && other->family == item->family && other->index == item->index && strcmp(other->table, item->table) == 0 &&
		    strcmp(other->chain, item->chain) == 0)
			return;
	}
	if (foreign->count < FOREIGN_ITEMS_MAX)
		foreign->items[foreign->count++] = *item;
}

const char *foreign_family(uint32_t family)
{
	static const char *const words[] = { [NFPROTO_INET] = "inet", [NFPROTO_IPV4] = "ip", [NFPROTO_ARP] = "arp", [NFPROTO_NETDEV] = "netdev",
					     [NFPROTO_BRIDGE] = "bridge", [NFPROTO_IPV6] = "ip6" };

	return family < sizeof(words) / sizeof(words[0]) && words[family] ? words[family] : "?";
}

struct foreign foreign_in(struct arena *arena)
{
	return (struct foreign){ .items = arena_array(arena, FOREIGN_ITEMS_MAX, sizeof(struct foreign_item)) };
}

static void take_chain(struct foreign *foreign, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[NFTA_CHAIN_MAX + 1];

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_CHAIN_MAX + 1);
	if (attributes[NFTA_CHAIN_HOOK] && attributes[NFTA_CHAIN_POLICY] && attribute_u32(attributes[NFTA_CHAIN_POLICY]) == NF_DROP)
		item_add(foreign, message, FOREIGN_FILTER, attribute_text(attributes[NFTA_CHAIN_TABLE]), attribute_text(attributes[NFTA_CHAIN_NAME]),
			 "policy drop");
}

static void take_rule(struct foreign *foreign, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[NFTA_RULE_MAX + 1], *element;
	struct attributes list;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_RULE_MAX + 1);
	if (!attributes[NFTA_RULE_EXPRESSIONS])
		return;
	list = attributes_of_nest(attributes[NFTA_RULE_EXPRESSIONS]);
	while ((element = attributes_next(&list))) {
		const struct nlattr *parts[NFTA_EXPR_MAX + 1];
		const char *name;
		enum foreign_kind kind;

		attributes_sort(attributes_of_nest(element), parts, NFTA_EXPR_MAX + 1);
		name = attribute_text(parts[NFTA_EXPR_NAME]);
		kind = judge_name(expressions, sizeof(expressions) / sizeof(expressions[0]), name, parts[NFTA_EXPR_DATA]);
		if (kind != FOREIGN_NONE)
			item_add(foreign, message, kind, attribute_text(attributes[NFTA_RULE_TABLE]), attribute_text(attributes[NFTA_RULE_CHAIN]),
				 strcmp(name, "target") == 0 && parts[NFTA_EXPR_DATA] ? target_name(parts[NFTA_EXPR_DATA]) : name);
	}
}

static void take_flowtable(struct foreign *foreign, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[NFTA_FLOWTABLE_MAX + 1];

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_FLOWTABLE_MAX + 1);
	item_add(foreign, message, FOREIGN_FLOWTABLE, attribute_text(attributes[NFTA_FLOWTABLE_TABLE]), "", "flowtable");
}

/* All three have the table's name as attribute 1. */
static bool message_is_own(const struct nlmsghdr *message)
{
	const struct nlattr *attributes[NFTA_RULE_TABLE + 1];
	const uint8_t family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family;

	_Static_assert((int)NFTA_RULE_TABLE == (int)NFTA_CHAIN_TABLE && (int)NFTA_RULE_TABLE == (int)NFTA_FLOWTABLE_TABLE, "one place for all");
	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_RULE_TABLE + 1);
	return (family == NFPROTO_INET || family == NFPROTO_NETDEV || family == NFPROTO_BRIDGE) &&
	       strcmp(attribute_text(attributes[NFTA_RULE_TABLE]), OWN_TABLE) == 0;
}

void foreign_take(struct foreign *foreign, const struct nlmsghdr *message)
{
	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg) || message_is_own(message))
		return;
	switch (message->nlmsg_type) {
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN:
		take_chain(foreign, message);
		break;
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE:
		take_rule(foreign, message);
		break;
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWFLOWTABLE:
		take_flowtable(foreign, message);
		break;
	}
}
