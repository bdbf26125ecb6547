/* hooks: who takes packets beside nf_tables. */
#include "kernel/hooks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_hook.h>
#include <stdio.h>
#include <string.h>

#include "kernel/attribute.h"

enum { READINGS_MAX = 4 }; /* of a hook that is being changed */

/* Of these modules it is known what they do with packets, or what they do is found in another way. */
static const char *const known_modules[] = { "br_netfilter", "ip_tables", "ip6_tables", "iptable_mangle", "ip6table_mangle", "ip_vs", "nf_conntrack", "nf_conntrack_bridge",
					     "nf_defrag_ipv4", "nf_defrag_ipv6", "nf_flow_table", "nf_flow_table_inet", "nf_nat", "nf_synproxy_core", "nf_tables" };

/* How the functions of the same begin, where they are no modules, and those of security modules, which never are. */
static const char *const known_functions[] = { "apparmor_ip", "br_nf_", "ip_sabotage_in", "ip_vs_", "ip6t_do_table", "ip6table_mangle_hook", "ipt_do_table",
					       "iptable_mangle_hook", "ipv4_conntrack_", "ipv4_synproxy_hook", "ipv6_conntrack_", "ipv6_defrag", "ipv6_synproxy_hook",
					       "nf_confirm", "nf_ct_bridge_", "nf_flow_offload_", "nf_nat_", "nft_do_chain", "selinux_ip", "smack_ip" };

#define FUNCTION_OF_PROGRAMS "nf_hook_run_bpf"

static const struct hook_family {
	uint8_t family;		/* NFPROTO_* */
	const char *hooks[6];	/* by number; NULL ends them */
} families[] = {
	{ NFPROTO_IPV4, { "prerouting", "input", "forward", "output", "postrouting" } },
	{ NFPROTO_IPV6, { "prerouting", "input", "forward", "output", "postrouting" } },
	{ NFPROTO_BRIDGE, { "prerouting", "input", "forward", "output", "postrouting" } },
	{ NFPROTO_ARP, { "input", "output", "forward" } },
	{ NFPROTO_NETDEV, { "ingress", "egress" } },
};

enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

static enum foreign_kind judge(const char *function, const char *module)
{
	for (size_t i = 0; module[0] && i < sizeof(known_modules) / sizeof(known_modules[0]); i++)
		if (strcmp(known_modules[i], module) == 0)
			return FOREIGN_NONE;
	for (size_t i = 0; !module[0] && i < sizeof(known_functions) / sizeof(known_functions[0]); i++)
		if (strncmp(known_functions[i], function, strlen(known_functions[i])) == 0)
			return FOREIGN_NONE;
	return !module[0] && strcmp(function, FUNCTION_OF_PROGRAMS) == 0 ? FOREIGN_PROGRAM : FOREIGN_HOOK;
}

static const char *hook_name(uint8_t number, uint32_t hook)
{
	for (size_t f = 0; f < FAMILIES; f++)
		for (uint32_t i = 0; families[f].family == number && families[f].hooks[i]; i++)
			if (i == hook)
				return families[f].hooks[i];
	return "?";
}

/* True when another function of the same module was taken before. */
static bool is_of_taken_module(const struct foreign *foreign, const struct foreign_item *item)
{
	for (size_t i = 0; item->table[0] && i < foreign->count; i++)
		if (foreign->items[i].kind == item->kind && strcmp(foreign->items[i].table, item->table) == 0)
			return true;
	return false;
}

void hook_take(struct foreign *foreign, const struct nlmsghdr *message, uint32_t index)
{
	const struct nlattr *attributes[NFNLA_HOOK_MAX + 1];
	struct foreign_item item = { .index = index };

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg) || message->nlmsg_type != (NFNL_SUBSYS_HOOK << 8 | NFNL_MSG_HOOK_GET))
		return;
	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFNLA_HOOK_MAX + 1);
	item.family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family;
	item.kind = judge(attribute_text(attributes[NFNLA_HOOK_FUNCTION_NAME]), attribute_text(attributes[NFNLA_HOOK_MODULE_NAME]));
	foreign_name(item.table, attribute_text(attributes[NFNLA_HOOK_MODULE_NAME]));
	foreign_name(item.chain, attribute_text(attributes[NFNLA_HOOK_FUNCTION_NAME]));
	snprintf(item.what, sizeof(item.what), "%s %d", hook_name((uint8_t)item.family, attribute_u32(attributes[NFNLA_HOOK_HOOKNUM])),
		 (int)attribute_u32(attributes[NFNLA_HOOK_PRIORITY]));
	if (item.kind != FOREIGN_NONE && !is_of_taken_module(foreign, &item))
		foreign_add(foreign, &item);
}

/* ---- asking */

/* What is asked for, and where it goes. */
struct asking {
	struct foreign *foreign;
	const struct link *link;	/* NULL: no interface has to be named */
	uint32_t hook;
};

static void asking_fill(struct nlmsghdr *message, const void *context)
{
	const struct asking *asking = context;

	mnl_attr_put_u32(message, NFNLA_HOOK_HOOKNUM, htonl(asking->hook));
	if (asking->link)
		mnl_attr_put_strz(message, NFNLA_HOOK_DEV, asking->link->name);
}

static int asking_take(const struct nlmsghdr *message, void *context)
{
	const struct asking *asking = context;

	hook_take(asking->foreign, message, asking->link ? asking->link->index : 0);
	return 0;
}

/* The functions at the hooks of one family, or of an interface. What the kernel was built without, or is gone meanwhile, has none. */
static int family_ask(struct foreign *foreign, struct nfnl *nfnl, const struct hook_family *family, const struct link *link)
{
	int error = 0;

	for (uint32_t hook = 0; family->hooks[hook] && !error; hook++) {
		struct asking asking = { foreign, link, hook };

		for (int i = 0; i < READINGS_MAX && (i == 0 || error == -EINTR); i++)
			error = nfnl_dump_subsystem(nfnl, NFNL_SUBSYS_HOOK, NFNL_MSG_HOOK_GET, family->family, asking_fill, asking_take, &asking);
		if (error == -EOPNOTSUPP || error == -EPROTONOSUPPORT || error == -ENODEV)
			error = 0;
	}
	return error;
}

int hooks_read(struct foreign *foreign, struct nfnl *nfnl, const struct link_table *links)
{
	int error = 0;

	for (size_t f = 0; f < FAMILIES && !error; f++) {
		if (families[f].family != NFPROTO_NETDEV)
			error = family_ask(foreign, nfnl, &families[f], NULL);
		/* The first question is answered so when nobody is there to answer; the kernel has tried to load the module then. */
		if (error == -EINVAL && f == 0)
			return -EOPNOTSUPP;
		for (size_t i = 0; families[f].family == NFPROTO_NETDEV && i < links->count && !error; i++)
			error = family_ask(foreign, nfnl, &families[f], &links->items[i]);
	}
	return error;
}
