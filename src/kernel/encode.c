/*
 * encode: changes of a ruleset as nf_tables messages, by libnftnl but for elements (encode_elements.h).
 */
#include "kernel/encode.h"

#include <arpa/inet.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "kernel/encode_elements.h"
#include "kernel/expressions.h"
#include "kernel/features.h"
#include "ruleset/show.h"

/*
 * nft's enum byteorder, as it stands in the user data of a set: by this nft knows how to print elements.
 * Concatenations and verdicts have none.
 */
enum { ORDER_NONE, ORDER_HOST, ORDER_BIG };

/* What all steps of one encoding share. */
struct encoder {
	struct arena *arena;
	struct nfnl_batch *batch;
	struct encoded *encoded;
	int64_t now;
	bool own;
};

/* Notes what the message that was just closed stands for. */
static void encoder_close(struct encoder *encoder, const struct nlmsghdr *message, const struct change *change,
			  size_t first)
{
	struct encoded *encoded = encoder->encoded;

	encoded->messages = arena_grow(encoder->arena, encoded->messages, encoded->count, &encoded->capacity,
				       sizeof(*encoded->messages));
	encoded->messages[encoded->count++] = (struct encoded_message){
		.sequence = nfnl_batch_close(encoder->batch, message), .change = change, .first = first,
	};
}

static struct nlmsghdr *encoder_open(struct encoder *encoder, const struct change *change, uint16_t type,
				     uint16_t flags)
{
	return nfnl_batch_open(encoder->batch, type, (uint16_t)change->table->family, flags);
}

/* Libraries that allocate without an arena end like everybody else who gets no memory. */
static void *allocated(void *object)
{
	if (!object)
		arena_exhausted();
	return object;
}

static void encode_table(struct encoder *encoder, const struct change *change)
{
	const bool add = change->kind == CHANGE_ADD_TABLE;
	struct nlmsghdr *message = encoder_open(encoder, change, add ? NFT_MSG_NEWTABLE : NFT_MSG_DELTABLE,
						add ? NLM_F_CREATE : 0);

	if (!message)
		return;
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, change->table->name);
	if (add)
		mnl_attr_put_u32(message, NFTA_TABLE_FLAGS,
				 htonl(encoder->own ? TABLE_FLAG_OWNER | TABLE_FLAG_PERSIST : 0));
	encoder_close(encoder, message, change, 0);
}

/* Hook, priority, policy and device of a base chain. */
static void chain_set_hook(struct nftnl_chain *out, const struct hook *hook)
{
	nftnl_chain_set_str(out, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(out, NFTNL_CHAIN_HOOKNUM, hook->number);
	nftnl_chain_set_s32(out, NFTNL_CHAIN_PRIO, hook->priority);
	nftnl_chain_set_u32(out, NFTNL_CHAIN_POLICY, hook->policy == VERDICT_ACCEPT ? NF_ACCEPT : NF_DROP);
	if (hook->device)
		nftnl_chain_set_str(out, NFTNL_CHAIN_DEV, hook->device);
}

static void encode_chain(struct encoder *encoder, const struct change *change)
{
	const bool add = change->kind == CHANGE_ADD_CHAIN;
	struct nlmsghdr *message = encoder_open(encoder, change, add ? NFT_MSG_NEWCHAIN : NFT_MSG_DELCHAIN,
						add ? NLM_F_CREATE : 0);
	struct nftnl_chain *chain;

	if (!message)
		return;
	chain = allocated(nftnl_chain_alloc());
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, change->table->name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, change->chain->name);
	if (add && change->chain->hook.base)
		chain_set_hook(chain, &change->chain->hook);
	nftnl_chain_nlmsg_build_payload(message, chain);
	nftnl_chain_free(chain);
	encoder_close(encoder, message, change, 0);
}

/* One field of user data: type, length, bytes. Returns its length. */
static size_t userdata_put(uint8_t *room, uint8_t type, const void *bytes, size_t length)
{
	room[0] = type;
	room[1] = (uint8_t)length;
	memcpy(room + 2, bytes, length);
	return length + 2;
}

/* All rules of a chain are removed by a deletion that names none. */
static void encode_flush(struct encoder *encoder, const struct change *change)
{
	struct nlmsghdr *message = encoder_open(encoder, change, NFT_MSG_DELRULE, 0);

	if (!message)
		return;
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, change->table->name);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, change->chain->name);
	encoder_close(encoder, message, change, 0);
}

static void encode_rule(struct encoder *encoder, const struct change *change, size_t index)
{
	const struct rule *rule = &change->chain->rules[index];
	struct nlmsghdr *message = encoder_open(encoder, change, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	struct nftnl_rule *out;
	uint8_t userdata[NFT_USERDATA_MAXLEN];

	if (!message)
		return;
	out = allocated(nftnl_rule_alloc());
	nftnl_rule_set_str(out, NFTNL_RULE_TABLE, change->table->name);
	nftnl_rule_set_str(out, NFTNL_RULE_CHAIN, change->chain->name);
	if (rule->comment)
		nftnl_rule_set_data(out, NFTNL_RULE_USERDATA, userdata,
				    (uint32_t)comment_put(userdata, NFTNL_UDATA_RULE_COMMENT, rule->comment));
	expressions_put(out, change->table, rule);
	nftnl_rule_nlmsg_build_payload(message, out);
	nftnl_rule_free(out);
	encoder_close(encoder, message, change, index);
}

/*
 * Everything about a set but its elements: type of key and data, flags, and the lengths of the fields where
 * they are ranges.
 */
static void set_fill(struct nftnl_set *out, const struct set *set)
{
	const size_t count = key_field_count(&set->key);
	const bool concatenated = count > 1;
	const uint32_t key_order = concatenated					  ? ORDER_NONE
				   : field_source(set->key.fields[0])->host_order ? ORDER_HOST
										  : ORDER_BIG;
	const uint32_t data_order = set->data == SET_DATA_MARK ? ORDER_HOST : ORDER_NONE;
	uint32_t type = 0, flags = 0;
	uint8_t lengths[RULESET_KEY_FIELDS_MAX], userdata[NFT_USERDATA_MAXLEN];
	size_t userdata_length = userdata_put(userdata, NFTNL_UDATA_SET_KEYBYTEORDER, &key_order,
					      sizeof(key_order));

	for (size_t i = 0; i < count; i++) {
		type = type << KEY_TYPE_BITS | field_source(set->key.fields[i])->type;
		lengths[i] = (uint8_t)field_size(set->key.fields[i]);
	}
	if (set->interval)
		flags |= concatenated ? NFT_SET_INTERVAL | NFT_SET_CONCAT : NFT_SET_INTERVAL;
	if (set->timeout)
		flags |= NFT_SET_TIMEOUT;
	if (set->data != SET_DATA_NONE) {
		flags |= NFT_SET_MAP;
		nftnl_set_set_u32(out, NFTNL_SET_DATA_TYPE,
				  set->data == SET_DATA_MARK ? MARK_TYPE : NFT_DATA_VERDICT);
		nftnl_set_set_u32(out, NFTNL_SET_DATA_LEN, set->data == SET_DATA_MARK ? sizeof(uint32_t) : 0);
		userdata_length += userdata_put(userdata + userdata_length, NFTNL_UDATA_SET_DATABYTEORDER,
						&data_order, sizeof(data_order));
	}
	nftnl_set_set_u32(out, NFTNL_SET_FLAGS, flags);
	nftnl_set_set_u32(out, NFTNL_SET_KEY_TYPE, type);
	nftnl_set_set_u32(out, NFTNL_SET_KEY_LEN,
			  (uint32_t)(concatenated ? key_size(&set->key) : field_size(set->key.fields[0])));
	if (set->room)
		nftnl_set_set_u32(out, NFTNL_SET_DESC_SIZE, set->room);
	if (set->interval && concatenated)
		nftnl_set_set_data(out, NFTNL_SET_DESC_CONCAT, lengths, (uint32_t)count);
	if (set->counted)
		nftnl_set_add_expr(out, allocated(nftnl_expr_alloc("counter")));
	nftnl_set_set_data(out, NFTNL_SET_USERDATA, userdata, (uint32_t)userdata_length);
}

static void encode_set(struct encoder *encoder, const struct change *change)
{
	const bool add = change->kind == CHANGE_ADD_SET;
	struct nlmsghdr *message = encoder_open(encoder, change, add ? NFT_MSG_NEWSET : NFT_MSG_DELSET,
						add ? NLM_F_CREATE : 0);
	struct nftnl_set *set;

	if (!message)
		return;
	set = allocated(nftnl_set_alloc());
	nftnl_set_set_str(set, NFTNL_SET_TABLE, change->table->name);
	nftnl_set_set_str(set, NFTNL_SET_NAME, change->set->name);
	if (add) {
		nftnl_set_set_u32(set, NFTNL_SET_ID,
				  message->nlmsg_seq); /* must be there and unique; nobody refers to it */
		set_fill(set, change->set);
	}
	nftnl_set_nlmsg_build_payload(message, set);
	nftnl_set_free(set);
	encoder_close(encoder, message, change, 0);
}

static void encode_elements(struct encoder *encoder, const struct change *change)
{
	const bool add = change->kind == CHANGE_ADD_ELEMENTS;
	size_t next = 0;

	while (next < change->element_count) {
		const size_t first = next;
		struct nlmsghdr *message = encoder_open(
			encoder, change, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, add ? NLM_F_CREATE : 0);

		if (!message)
			return;
		next = elements_put(message, change, first, encoder->now, 0);
		encoder_close(encoder, message, change, first);
	}
}

static void encode_change(struct encoder *encoder, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_ADD_TABLE:
	case CHANGE_DELETE_TABLE:
		encode_table(encoder, change);
		break;
	case CHANGE_ADD_SET:
	case CHANGE_DELETE_SET:
		encode_set(encoder, change);
		break;
	case CHANGE_ADD_CHAIN:
	case CHANGE_DELETE_CHAIN:
		encode_chain(encoder, change);
		break;
	case CHANGE_FLUSH_CHAIN:
		encode_flush(encoder, change);
		break;
	case CHANGE_ADD_RULES:
		for (size_t i = 0; i < change->chain->rule_count; i++)
			encode_rule(encoder, change, i);
		break;
	case CHANGE_ADD_ELEMENTS:
	case CHANGE_DELETE_ELEMENTS:
		encode_elements(encoder, change);
		break;
	}
}

void ruleset_encode(struct arena *arena, struct nfnl_batch *batch, const struct changes *changes, int64_t now,
		    bool own, struct encoded *ret_encoded)
{
	struct encoder encoder = {
		.arena = arena, .batch = batch, .encoded = ret_encoded, .now = now, .own = own
	};

	*ret_encoded = (struct encoded){ 0 };
	for (size_t i = 0; i < changes->count; i++)
		encode_change(&encoder, &changes->items[i]);
}

static const struct encoded_message *encoded_find(const struct encoded *encoded, uint32_t sequence)
{
	for (size_t i = 0; i < encoded->count; i++) {
		if (encoded->messages[i].sequence == sequence)
			return &encoded->messages[i];
	}
	return NULL;
}

/* The index of the element that holds the offset: the message is made a second time and measured. */
static size_t element_at_offset(struct arena *arena, const struct encoded_message *message, uint32_t offset)
{
	struct nlmsghdr *again = mnl_nlmsg_put_header(arena_alloc(arena, NFNL_MESSAGE_BYTES_MAX));

	mnl_nlmsg_put_extra_header(again, sizeof(uint32_t));	/* struct nfgenmsg */
	return elements_put(again, message->change, message->first, 0, offset);
}

/* "element ... of set x", or "elements of set x" when the kernel did not say which. */
static const char *explain_elements(struct arena *arena, const struct encoded_message *message,
				    const struct nfnl_error *error)
{
	const struct change *change = message->change;
	const struct link_table no_links = { 0 };
	struct buf text = buf_limited(0);
	const char *sentence;
	size_t index = change->element_count;

	if (error->offset)
		index = element_at_offset(arena, message, error->offset);
	if (index < change->element_count) {
		buf_puts(&text, "element ");
		element_show(&text, change->set, change->elements[index], &no_links, 0);
		buf_printf(&text, " (number %zu)", index + 1);
	} else {
		buf_puts(&text, "elements");
	}
	sentence = arena_printf(arena, "%s of set %s", buf_text(&text), change->set->name);
	buf_free(&text);
	return sentence;
}

/* What the refused message was about. */
static const char *explain_object(struct arena *arena, const struct encoded_message *message,
				  const struct nfnl_error *error)
{
	const struct change *change = message->change;

	switch (change->kind) {
	case CHANGE_ADD_TABLE:
	case CHANGE_DELETE_TABLE:
		return arena_printf(arena, "table %s", change->table->name);
	case CHANGE_ADD_SET:
	case CHANGE_DELETE_SET:
		return arena_printf(arena, "set %s", change->set->name);
	case CHANGE_ADD_CHAIN:
	case CHANGE_DELETE_CHAIN:
		return arena_printf(arena, "chain %s", change->chain->name);
	case CHANGE_FLUSH_CHAIN:
		return arena_printf(arena, "the rules of chain %s", change->chain->name);
	case CHANGE_ADD_RULES:
		return arena_printf(arena, "rule %zu of chain %s", message->first + 1, change->chain->name);
	case CHANGE_ADD_ELEMENTS:
	case CHANGE_DELETE_ELEMENTS:
		return explain_elements(arena, message, error);
	}
	return "an unknown object";
}

static bool change_deletes(enum change_kind kind)
{
	return kind == CHANGE_DELETE_TABLE || kind == CHANGE_DELETE_SET || kind == CHANGE_DELETE_CHAIN ||
	       kind == CHANGE_FLUSH_CHAIN || kind == CHANGE_DELETE_ELEMENTS;
}

static const char *family_word(enum family family)
{
	return family == FAMILY_INET ? "inet" : family == FAMILY_NETDEV ? "netdev" : "bridge";
}

const char *encode_explain(struct arena *arena, const struct encoded *encoded, const struct nfnl_error *error)
{
	const struct encoded_message *message = encoded_find(encoded, error->sequence);
	const char *reason = error->text[0]
				     ? arena_printf(arena, "%s (%s)", strerror(error->error), error->text)
				     : strerror(error->error);

	if (!message)
		return arena_printf(arena, "The kernel refused the whole transaction: %s.", reason);
	return arena_printf(arena, "The kernel refused to %s %s in table %s %s: %s.",
			    change_deletes(message->change->kind) ? "remove" : "add",
			    explain_object(arena, message, error), family_word(message->change->table->family),
			    message->change->table->name, reason);
}
