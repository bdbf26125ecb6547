/*
 * nft_watch: who changes the kernel's rules besides us.
 *
 * The kernel ends each transaction of nf_tables with a message that names the process (NFT_MSG_NEWGEN on NFNLGRP_NFTABLES). The watch has a socket of its
 * own: what others do must not crowd out the answers to our own transactions.
 */
#ifndef KERNEL_NFT_WATCH_H
#define KERNEL_NFT_WATCH_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

struct nft_watch {
	struct mnl_socket *socket;
	bool ours;		/* of a transaction whose end was not read yet: it changes something in tables of our name */
};

/* Who made the last foreign change. The process may be gone, and its name is what it calls itself. */
struct nft_change {
	uint32_t process;	/* 0: not known (messages were lost) */
	char name[16];		/* printable ASCII, others as '?'; "" not known */
	bool ours;		/* something in tables of our name was changed by any of them, or that is not known */
	uint32_t generation;	/* the kernel's after it; 0: not known */
};

/* Opens a watch that never blocks (needs CAP_NET_ADMIN). The caller closes it. 0 or negative errno. */
int nft_watch_open(struct nft_watch *ret_watch);

/* The descriptor to wait on until it is readable. It belongs to the watch. */
int nft_watch_descriptor(const struct nft_watch *watch);

/*
 * Reads what is waiting. True when somebody else than the socket with own_port changed rules of any table, or when the kernel had to drop messages, so that
 * it is not known; *ret_change then tells who was last. The messages of a transaction may come by several reads; only the last of them gives true.
 */
bool nft_watch_read(struct nft_watch *watch, uint32_t own_port, struct nft_change *ret_change);

/* Closes the watch. One that was never opened (all zero) is allowed. */
void nft_watch_close(struct nft_watch *watch);

#endif
