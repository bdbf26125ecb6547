/*
 * nfnl: one netlink socket to nf_tables and one transaction at a time (P1).
 *
 * A batch is built whole, sent with one sendmsg, and believed only when the ACK of its BATCH_END was read.
 * Every message has a sequence number that the caller can map back to what it stands for. Errors carry the
 * offset of the failing attribute (NETLINK_EXT_ACK).
 */
#ifndef KERNEL_NFNL_H
#define KERNEL_NFNL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

struct nfnl {
	struct mnl_socket *socket;
	uint32_t port_id;
	uint32_t sequence;	/* the next free one */
	bool owns_tables;	/* tables that it makes are its own (kernel/ownership.h); false at first */
};

/* An nf_tables batch under construction: begin, messages, end. */
struct nfnl_batch {
	struct buf bytes;
	uint32_t first_sequence;	/* of BATCH_BEGIN */
	uint32_t next_sequence;
	size_t last_message;		/* where the last closed message begins in bytes; 0: none yet */
	size_t cleared;			/* the bytes up to here were zeroed before they were written */
	bool has_generation;
	uint32_t generation;		/* compare-and-swap */
};

struct nfnl_error {
	uint32_t sequence;	/* of the refused message */
	int error;		/* positive errno */
	uint32_t offset;	/* of the failing attribute in the message; 0 unknown */
	char text[128];		/* the kernel's own words (NLMSGERR_ATTR_MSG); "" if none */
};

enum { NFNL_ERRORS_MAX = 16, NFNL_MESSAGE_BYTES_MAX = 60 * 1024, NFNL_BATCH_BYTES_MAX = 256 << 20 };

struct nfnl_result {
	struct nfnl_error errors[NFNL_ERRORS_MAX];
	size_t error_count;
};

/* Opens a socket with EXT_ACK and CAP_ACK and a large receive buffer. 0 or negative errno. */
int nfnl_open(struct nfnl *ret_nfnl);

/*
 * Takes over an open nfnetlink socket (systemd's fd store). The descriptor is owned by the result on success. 0
 * or negative errno; -EPROTOTYPE, -ENOTSOCK: it is something else; -EXDEV: it speaks to another network namespace.
 */
int nfnl_adopt(int descriptor, struct nfnl *ret_nfnl);

/* Closes the socket. */
void nfnl_close(struct nfnl *nfnl);

/* The ruleset generation (NFT_MSG_GETGEN). 0 or negative errno. */
int nfnl_generation(struct nfnl *nfnl, uint32_t *ret_generation);

/* Begins a batch; generation NULL: no compare-and-swap. */
struct nfnl_batch nfnl_batch_begin(struct nfnl *nfnl, const uint32_t *generation);

/*
 * Room for one message: writes the netlink and nfgenmsg header and returns it; the caller fills it (at most
 * NFNL_MESSAGE_BYTES_MAX) and calls nfnl_batch_close(). type is NFT_MSG_*, family NFPROTO_*. NULL when the
 * batch is longer than NFNL_BATCH_BYTES_MAX: nfnl_batch_commit() will then refuse it.
 */
struct nlmsghdr *nfnl_batch_open(struct nfnl_batch *batch, uint16_t type, uint16_t family, uint16_t flags);

/* Ends the message that nfnl_batch_open() began. Its sequence number is returned. */
uint32_t nfnl_batch_close(struct nfnl_batch *batch, const struct nlmsghdr *message);

/* Forgets the batch. */
void nfnl_batch_free(struct nfnl_batch *batch);

/*
 * Sends the batch and waits for its outcome. dry_run leaves BATCH_END away: the kernel checks everything and
 * keeps nothing. 0: committed (or the dry run passed; a batch without messages is not sent); -ERESTART: the
 * generation moved; -EMSGSIZE: NFNL_BATCH_BYTES_MAX exceeded, nothing was sent; -EIO: no answer that says what
 * happened, so the caller reads the tables back before he believes anything; other negative errno: refused,
 * nothing changed, *ret_result says what. The batch is freed in any case.
 *
 * Kernels before 6.10 do not acknowledge BATCH_END. There a batch is believed when its last message was
 * acknowledged, none was refused, and the generation moved.
 */
int nfnl_batch_commit(struct nfnl *nfnl, struct nfnl_batch *batch, bool dry_run,
		      struct nfnl_result *ret_result);

/*
 * Runs one dump request of type NFT_MSG_GET* (body already appended by fill, may be NULL) and hands each
 * message to callback; a negative return ends it and is returned. -EINTR: the dump was interrupted by a change,
 * begin again.
 */
int nfnl_dump(struct nfnl *nfnl, uint16_t type, uint16_t family,
	      void (*fill)(struct nlmsghdr *message, const void *context),
	      int (*callback)(const struct nlmsghdr *message, void *context), void *context);

/*
 * Like nfnl_dump() for another subsystem of nfnetlink (NFNL_SUBSYS_CTNETLINK); family NFPROTO_UNSPEC dumps all
 * of them.
 */
int nfnl_dump_subsystem(struct nfnl *nfnl, uint8_t subsystem, uint16_t type, uint16_t family,
			void (*fill)(struct nlmsghdr *message, const void *context),
			int (*callback)(const struct nlmsghdr *message, void *context), void *context);

/*
 * Asks nf_tables for one thing by a request of type NFT_MSG_GET* and hands each message of the answer to
 * callback. 0: answered to the end; negative errno of the kernel (-ENOENT: there is no such thing) or of
 * callback.
 */
int nfnl_query(struct nfnl *nfnl, uint16_t type, uint16_t family,
	       void (*fill)(struct nlmsghdr *message, const void *context),
	       int (*callback)(const struct nlmsghdr *message, void *context), void *context);

/* Like nfnl_query() for another subsystem of nfnetlink. */
int nfnl_query_subsystem(struct nfnl *nfnl, uint8_t subsystem, uint16_t type, uint16_t family,
			 void (*fill)(struct nlmsghdr *message, const void *context),
			 int (*callback)(const struct nlmsghdr *message, void *context), void *context);

#endif
