/* foreign_remove: takes away tables of others that lead past our rules. */
#include "kernel/foreign_remove.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "kernel/attribute.h"

/* A table by the name that it really has, which no list of ours shows. */
struct named {
	uint8_t family;
	char name[NFT_TABLE_MAXNAMELEN];
};

struct search {
	struct foreign found;		/* of one message */
	struct named names[FOREIGN_REMOVED_MAX];
	struct foreign_removed *removed;
	size_t count;
};

static bool leads_past(const struct foreign_item *item)
{
	return item->kind == FOREIGN_REDIRECT || item->kind == FOREIGN_HANDOVER || item->kind == FOREIGN_REWRITE || item->kind == FOREIGN_NAT ||
	       item->kind == FOREIGN_FLOWTABLE;
}

static bool is_known(const struct search *search, const struct named *named)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->names[i].family == named->family && strcmp(search->names[i].name, named->name) == 0)
			return true;
	return false;
}

/* All objects of a table have its name as attribute 1. */
static void table_note(struct search *search, const struct nlmsghdr *message, const struct foreign_item *item)
{
	const struct nlattr *attributes[NFTA_RULE_TABLE + 1];
	struct named named = { .family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family };
	const char *name;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_RULE_TABLE + 1);
	name = attribute_text(attributes[NFTA_RULE_TABLE]);
	if (strlen(name) >= sizeof(named.name) || search->count == FOREIGN_REMOVED_MAX)
		return;
	strcpy(named.name, name);
	if (is_known(search, &named))
		return;
	search->names[search->count] = named;
	search->removed[search->count++] = (struct foreign_removed){ .item = *item };
}

static void take_object(const struct nlmsghdr *message, void *context)
{
	struct search *search = context;

	search->found.count = 0;
	foreign_take(&search->found, message);
	for (size_t i = 0; i < search->found.count; i++) {
		if (!leads_past(&search->found.items[i]))
			continue;
		table_note(search, message, &search->found.items[i]);
		break;
	}
}

static int table_remove(struct nfnl *nfnl, const struct named *named)
{
	struct nfnl_batch batch = nfnl_batch_begin(nfnl, NULL);
	struct nlmsghdr *message = nfnl_batch_open(&batch, NFT_MSG_DELTABLE, named->family, 0);
	struct nfnl_result result;

	if (message) {
		mnl_attr_put_strz(message, NFTA_TABLE_NAME, named->name);
		nfnl_batch_close(&batch, message);
	}
	return nfnl_batch_commit(nfnl, &batch, false, &result);
}

int foreign_remove(struct arena *arena, struct nfnl *nfnl, struct foreign_removed ret_removed[static FOREIGN_REMOVED_MAX], size_t *ret_count)
{
	struct search search = { .found = foreign_in(arena), .removed = ret_removed };
	int error = foreign_each(nfnl, take_object, &search);

	if (error)
		return error;
	for (size_t i = 0; i < search.count; i++)
		ret_removed[i].error = table_remove(nfnl, &search.names[i]);
	*ret_count = search.count;
	return 0;
}
