/* ownership: whose our tables are. */
#include "kernel/ownership.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "kernel/attribute.h"
#include "kernel/features.h"

#define TABLE_NAME "sekisho"

enum { FAMILIES_MAX = 16 };	/* nf_tables has six */

struct reading {
	const struct nfnl *nfnl;
	enum ownership worst;
	uint8_t orphans[FAMILIES_MAX];	/* the families whose table is one */
	size_t orphan_count;
};

int ownership_begin(struct nfnl *nfnl)
{
	struct kernel_features features;
	int error = features_probe(nfnl, &features);

	if (!error)
		nfnl->owns_tables = features.table_owner_persist;
	return error;
}

static enum ownership table_ownership(const struct nfnl *nfnl, uint32_t flags, uint32_t owner)
{
	if (flags & TABLE_FLAG_OWNER)
		return owner == nfnl->port_id ? OWNERSHIP_OWN : OWNERSHIP_FOREIGN;
	return flags & TABLE_FLAG_PERSIST ? OWNERSHIP_ORPHANED : OWNERSHIP_OPEN;
}

static int take_table(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	const struct nlattr *attributes[NFTA_TABLE_OWNER + 1];
	enum ownership found;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_TABLE_OWNER + 1);
	if (strcmp(attribute_text(attributes[NFTA_TABLE_NAME]), TABLE_NAME) != 0)
		return 0;
	found = table_ownership(reading->nfnl, attribute_u32(attributes[NFTA_TABLE_FLAGS]), attribute_u32(attributes[NFTA_TABLE_OWNER]));
	if (found > reading->worst)
		reading->worst = found;
	if (found == OWNERSHIP_ORPHANED && reading->orphan_count < FAMILIES_MAX)
		reading->orphans[reading->orphan_count++] = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family;
	return 0;
}

static int tables_read(struct nfnl *nfnl, struct reading *ret_reading)
{
	*ret_reading = (struct reading){ .nfnl = nfnl, .worst = OWNERSHIP_OWN };
	return nfnl_dump(nfnl, NFT_MSG_GETTABLE, NFPROTO_UNSPEC, NULL, take_table, ret_reading);
}

int ownership_read(struct nfnl *nfnl, enum ownership *ret_ownership)
{
	struct reading reading;
	int error = tables_read(nfnl, &reading);

	if (!error)
		*ret_ownership = !nfnl->owns_tables && reading.worst != OWNERSHIP_FOREIGN ? OWNERSHIP_NONE : reading.worst;
	return error;
}

int ownership_claim(struct nfnl *nfnl)
{
	struct nfnl_batch batch;
	struct nfnl_result result;
	struct reading reading;
	int error = tables_read(nfnl, &reading);

	if (!error && reading.worst == OWNERSHIP_FOREIGN)
		error = -EPERM;
	if (error || !nfnl->owns_tables || reading.orphan_count == 0)
		return error;
	batch = nfnl_batch_begin(nfnl, NULL);
	for (size_t i = 0; i < reading.orphan_count; i++) {
		struct nlmsghdr *message = nfnl_batch_open(&batch, NFT_MSG_NEWTABLE, reading.orphans[i], 0);

		mnl_attr_put_strz(message, NFTA_TABLE_NAME, TABLE_NAME);
		mnl_attr_put_u32(message, NFTA_TABLE_FLAGS, htonl(TABLE_FLAG_OWNER | TABLE_FLAG_PERSIST));
		nfnl_batch_close(&batch, message);
	}
	return nfnl_batch_commit(nfnl, &batch, false, &result);
}
