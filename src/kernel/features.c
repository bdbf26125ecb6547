/* features: see features.h. */
#include "kernel/features.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

int features_probe(struct nfnl *nfnl, struct kernel_features *ret_features)
{
	struct nfnl_batch batch = nfnl_batch_begin(nfnl, NULL);
	struct nlmsghdr *message = nfnl_batch_open(&batch, NFT_MSG_NEWTABLE, NFPROTO_INET,
						   NLM_F_CREATE | NLM_F_EXCL);
	struct nfnl_result result;
	int r;

	if (!message) {
		nfnl_batch_free(&batch);
		return -EMSGSIZE;
	}
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, FEATURES_PROBE_TABLE);
	mnl_attr_put_u32(message, NFTA_TABLE_FLAGS, htonl(TABLE_FLAG_OWNER | TABLE_FLAG_PERSIST));
	nfnl_batch_close(&batch, message);
	r = nfnl_batch_commit(nfnl, &batch, true, &result);
	if (r < 0 && r != -EOPNOTSUPP && r != -EINVAL)
		return r;
	*ret_features = (struct kernel_features){ .table_owner_persist = r == 0 };
	return 0;
}
