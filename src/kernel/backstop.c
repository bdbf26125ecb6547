/* backstop: what is without a mark is dropped, also while our tables are away. */
#include "kernel/backstop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/arena.h"
#include "kernel/attribute.h"
#include "kernel/features.h"

#define BACKSTOP_CHAIN "forward"

enum { BACKSTOP_PRIORITY = 10 };	/* behind our chain forward, which is at 0 */

bool backstop_is(const struct nlmsghdr *message, uint32_t port_id)
{
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);
	const struct nlattr *attributes[NFTA_TABLE_OWNER + 1];

	attributes_sort(attributes_of_message(message, sizeof(*general)), attributes, NFTA_TABLE_OWNER + 1);
	return general->nfgen_family == NFPROTO_INET && strcmp(attribute_text(attributes[NFTA_TABLE_NAME]), BACKSTOP_TABLE) == 0 &&
	       attributes[NFTA_TABLE_OWNER] && attribute_u32(attributes[NFTA_TABLE_OWNER]) == port_id;
}

static struct nlmsghdr *message_open(struct nfnl_batch *batch, uint16_t type, uint16_t flags)
{
	return nfnl_batch_open(batch, type, NFPROTO_INET, flags);
}

static void put_table(struct nfnl_batch *batch)
{
	struct nlmsghdr *message = message_open(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);

	if (!message)
		return;
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, BACKSTOP_TABLE);
	mnl_attr_put_u32(message, NFTA_TABLE_FLAGS, htonl(TABLE_FLAG_OWNER));
	nfnl_batch_close(batch, message);
}

static void put_chain(struct nfnl_batch *batch)
{
	struct nlmsghdr *message = message_open(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *hook;

	if (!message)
		return;
	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, BACKSTOP_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, BACKSTOP_CHAIN);
	hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(NF_INET_FORWARD));
	mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY, htonl(BACKSTOP_PRIORITY));
	mnl_attr_nest_end(message, hook);
	mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(NF_DROP));
	mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
	nfnl_batch_close(batch, message);
}

static struct nftnl_expr *add_expression(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expression = nftnl_expr_alloc(name);

	if (!expression)
		arena_exhausted();
	nftnl_rule_add_expr(rule, expression);
	return expression;
}

/* ct mark != 0 accept. Of a packet that is not tracked there is no mark to load, and the rule does not apply. */
static void put_rule(struct nfnl_batch *batch)
{
	struct nlmsghdr *message = message_open(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nftnl_expr *expression;

	if (!rule)
		arena_exhausted();
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, BACKSTOP_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, BACKSTOP_CHAIN);
	expression = add_expression(rule, "ct");
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_DREG, NFT_REG32_00);
	expression = add_expression(rule, "cmp");
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, NFT_REG32_00);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, NFT_CMP_NEQ);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_DATA, 0);
	expression = add_expression(rule, "immediate");
	nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
	if (message) {
		nftnl_rule_nlmsg_build_payload(message, rule);
		nfnl_batch_close(batch, message);
	}
	nftnl_rule_free(rule);
}

/* A table of the backstop's name. */
struct found {
	uint32_t port_id;	/* ours */
	bool ours;
};

static int take_table(const struct nlmsghdr *message, void *context)
{
	struct found *found = context;

	found->ours |= backstop_is(message, found->port_id);
	return 0;
}

static int backstop_make(struct nfnl *nfnl)
{
	struct nfnl_batch batch = nfnl_batch_begin(nfnl, NULL);
	struct nfnl_result result;

	put_table(&batch);
	put_chain(&batch);
	put_rule(&batch);
	return nfnl_batch_commit(nfnl, &batch, false, &result);
}

int backstop_hold(struct nfnl *nfnl)
{
	struct found found = { .port_id = nfnl->port_id };
	int error = nfnl_dump(nfnl, NFT_MSG_GETTABLE, NFPROTO_INET, NULL, take_table, &found);

	return error || found.ours ? error : backstop_make(nfnl);
}
