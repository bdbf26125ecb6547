/* nfnl: one netlink socket to nf_tables and one transaction at a time. */
#include "kernel/nfnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/attribute.h"

enum {
	RECEIVE_BUFFER_BYTES = 8 << 20,	/* of the socket: room for one error per message of a large batch */
	DATAGRAM_BYTES_MAX = 64 * 1024,	/* the kernel's dumps use at most 32 KiB */
	SEND_OVERHEAD_BYTES = 4096,	/* what the kernel takes of SO_SNDBUF besides the bytes */
};

/* Options this program cannot do without: errors with offsets, and without an echo of the message. */
static int nfnl_configure(struct nfnl *nfnl)
{
	const int descriptor = mnl_socket_get_fd(nfnl->socket), on = 1, bytes = RECEIVE_BUFFER_BYTES;

	if (mnl_socket_setsockopt(nfnl->socket, NETLINK_EXT_ACK, (void *)(uintptr_t)&on, sizeof(on)) < 0 ||
	    mnl_socket_setsockopt(nfnl->socket, NETLINK_CAP_ACK, (void *)(uintptr_t)&on, sizeof(on)) < 0)
		return -errno;
	if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 &&
	    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0)
		return -errno;
	nfnl->port_id = mnl_socket_get_portid(nfnl->socket);
	nfnl->sequence = 1;
	return 0;
}

/*
 * Reads one datagram of the kernel; what other processes send to our port is thrown away. Returns its length,
 * or negative errno: -EAGAIN when there is none and flags hold MSG_DONTWAIT.
 */
static ssize_t nfnl_receive(const struct nfnl *nfnl, void *bytes, size_t size, int flags)
{
	for (;;) {
		struct sockaddr_nl sender = { 0 };
		socklen_t sender_length = sizeof(sender);
		ssize_t length = recvfrom(mnl_socket_get_fd(nfnl->socket), bytes, size, flags | MSG_TRUNC,
					  (struct sockaddr *)&sender, &sender_length);

		if (length < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (sender.nl_pid != 0)
			continue;
		return (size_t)length > size ? -ENOSPC : length;
	}
}

/* Throws away what is left of earlier conversations. */
static void nfnl_drain(const struct nfnl *nfnl)
{
	char bytes[4096];
	ssize_t length;

	do {
		length = nfnl_receive(nfnl, bytes, sizeof(bytes), MSG_DONTWAIT);
	} while (length >= 0 || length == -ENOBUFS || length == -ENOSPC);
}

int nfnl_open(struct nfnl *ret_nfnl)
{
	struct nfnl nfnl = { .socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC) };
	int r;

	if (!nfnl.socket)
		return -errno;
	r = mnl_socket_bind(nfnl.socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : nfnl_configure(&nfnl);
	if (r < 0) {
		mnl_socket_close(nfnl.socket);
		return r;
	}
	*ret_nfnl = nfnl;
	return 0;
}

/* The network namespace of a socket; 0: the kernel does not say (before 5.14). */
static uint64_t namespace_of(int descriptor)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	return getsockopt(descriptor, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) == 0 ? cookie : 0;
}

/* A socket speaks to the namespace it was made in, whoever holds it. */
static int namespace_check(int descriptor)
{
	const int own = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	bool same;

	if (own < 0)
		return -errno;
	same = namespace_of(own) == namespace_of(descriptor);
	close(own);
	return same ? 0 : -EXDEV;
}

int nfnl_adopt(int descriptor, struct nfnl *ret_nfnl)
{
	int protocol = -1;
	socklen_t length = sizeof(protocol);
	struct nfnl nfnl = { .owns_tables = false };
	int r;

	if (getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) < 0)
		return -errno;
	if (protocol != NETLINK_NETFILTER)
		return -EPROTOTYPE;
	r = namespace_check(descriptor);
	if (r < 0)
		return r;
	nfnl.socket = mnl_socket_fdopen(descriptor);
	if (!nfnl.socket)
		return -errno;
	r = nfnl_configure(&nfnl);
	if (r < 0) {
		free(nfnl.socket);	/* not mnl_socket_close(): the descriptor stays the caller's */
		return r;
	}
	nfnl_drain(&nfnl);
	*ret_nfnl = nfnl;
	return 0;
}

void nfnl_close(struct nfnl *nfnl)
{
	if (nfnl->socket)
		mnl_socket_close(nfnl->socket);
	nfnl->socket = NULL;
}

/* Writes the two headers every nfnetlink message has. */
static struct nlmsghdr *message_begin(void *room, uint16_t type, uint16_t flags, uint32_t sequence,
				      uint16_t family, uint16_t resource)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);
	struct nfgenmsg *general = mnl_nlmsg_put_extra_header(message, sizeof(*general));

	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	message->nlmsg_seq = sequence;
	general->nfgen_family = (uint8_t)family;
	general->version = NFNETLINK_V0;
	general->res_id = htons(resource);
	return message;
}

/* The errno of an error message, positive; 0 for an ACK; EBADMSG when it is cut short. */
static int error_number(const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*error))
		return EBADMSG;
	return error->error < 0 ? -error->error : error->error;
}

int nfnl_generation(struct nfnl *nfnl, uint32_t *ret_generation)
{
	char bytes[ATTRIBUTE_MESSAGE_BYTES] __attribute__((aligned(8)));
	const uint32_t sequence = nfnl->sequence++;
	struct nlmsghdr *request = message_begin(bytes, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
						 NLM_F_REQUEST, sequence, NFPROTO_UNSPEC, 0);

	if (mnl_socket_sendto(nfnl->socket, request, request->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t length = nfnl_receive(nfnl, bytes, sizeof(bytes), 0);
		const struct nlmsghdr *answer = (const void *)bytes;
		const struct nlattr *attributes[NFTA_GEN_ID + 1];

		if (length < 0)
			return (int)length;
		if (!mnl_nlmsg_ok(answer, (int)length) || answer->nlmsg_seq != sequence)
			continue;
		if (answer->nlmsg_type == NLMSG_ERROR)
			return error_number(answer) ? -error_number(answer) : -EBADMSG;
		attributes_sort(attributes_of_message(answer, sizeof(struct nfgenmsg)), attributes,
				NFTA_GEN_ID + 1);
		if (!attributes[NFTA_GEN_ID])
			return -EBADMSG;
		*ret_generation = attribute_u32(attributes[NFTA_GEN_ID]);
		return 0;
	}
}

struct nfnl_batch nfnl_batch_begin(struct nfnl *nfnl, const uint32_t *generation)
{
	struct nfnl_batch batch = {
		.bytes = buf_limited(NFNL_BATCH_BYTES_MAX),
		.first_sequence = nfnl->sequence,
		.next_sequence = nfnl->sequence + 1,
		.has_generation = generation != NULL,
		.generation = generation ? *generation : 0,
	};
	struct nlmsghdr *message = message_begin(buf_reserve(&batch.bytes, ATTRIBUTE_MESSAGE_BYTES),
						 NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, batch.first_sequence,
						 NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES);

	if (generation)
		mnl_attr_put_u32(message, NFNL_BATCH_GENID, htonl(*generation));
	batch.bytes.length += message->nlmsg_len;
	return batch;
}

/* Libmnl leaves the bytes between attributes as they are; nothing of this process's memory shall stand there. */
static void batch_clear(struct nfnl_batch *batch, char *room)
{
	size_t end = batch->bytes.length + NFNL_MESSAGE_BYTES_MAX;
	size_t begin = batch->cleared > batch->bytes.length ? batch->cleared : batch->bytes.length;

	memset(room + (begin - batch->bytes.length), 0, end - begin);
	batch->cleared = end;
}

struct nlmsghdr *nfnl_batch_open(struct nfnl_batch *batch, uint16_t type, uint16_t family, uint16_t flags)
{
	char *room = buf_reserve(&batch->bytes, NFNL_MESSAGE_BYTES_MAX);

	if (!room)
		return NULL;
	batch_clear(batch, room);
	return message_begin(room, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
			     (uint16_t)(NLM_F_REQUEST | flags), batch->next_sequence, family, 0);
}

uint32_t nfnl_batch_close(struct nfnl_batch *batch, const struct nlmsghdr *message)
{
	batch->last_message = batch->bytes.length;
	batch->bytes.length += (message->nlmsg_len + 3U) & ~3U;
	return batch->next_sequence++;
}

void nfnl_batch_free(struct nfnl_batch *batch)
{
	buf_free(&batch->bytes);
}

/* What the answers to a batch said so far. */
struct outcome {
	uint32_t last_sequence;		/* of the last message before BATCH_END */
	uint32_t end_sequence;
	bool last_acknowledged, end_acknowledged;
	int error;			/* the first one, positive; ERESTART wins */
	struct nfnl_result *result;
};

/* Reads what EXT_ACK adds to an error: the kernel's words and the offset of the attribute it did not like. */
static void error_read_details(const struct nlmsghdr *message, struct nfnl_error *error)
{
	const struct nlmsgerr *body = mnl_nlmsg_get_payload(message);
	const struct nlattr *attributes[NLMSGERR_ATTR_OFFS + 1];
	size_t skip = sizeof(*body), length;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(message->nlmsg_flags & NLM_F_CAPPED) && body->msg.nlmsg_len > sizeof(struct nlmsghdr))
		skip += body->msg.nlmsg_len - sizeof(struct nlmsghdr);
	attributes_sort(attributes_of_message(message, skip), attributes, NLMSGERR_ATTR_OFFS + 1);
	if (attributes[NLMSGERR_ATTR_OFFS] &&
	    mnl_attr_get_payload_len(attributes[NLMSGERR_ATTR_OFFS]) == sizeof(uint32_t))
		error->offset = mnl_attr_get_u32(attributes[NLMSGERR_ATTR_OFFS]);	/* host byte order */
	length = strlen(attribute_text(attributes[NLMSGERR_ATTR_MSG]));
	if (length >= sizeof(error->text))
		length = sizeof(error->text) - 1;
	memcpy(error->text, attribute_text(attributes[NLMSGERR_ATTR_MSG]), length);
}

/* Takes one ACK or error of the batch into account. */
static void outcome_add(struct outcome *outcome, const struct nlmsghdr *message)
{
	struct nfnl_result *result = outcome->result;
	const int number = error_number(message);
	struct nfnl_error error = { .sequence = message->nlmsg_seq, .error = number };

	if (number == 0) {
		outcome->last_acknowledged |= message->nlmsg_seq == outcome->last_sequence;
		outcome->end_acknowledged |= message->nlmsg_seq == outcome->end_sequence;
		return;
	}
	if (outcome->error == 0 || number == ERESTART)
		outcome->error = number;
	if (number == EBADMSG || result->error_count == NFNL_ERRORS_MAX)
		return;
	error_read_details(message, &error);
	result->errors[result->error_count++] = error;
}

/*
 * Reads all answers. The kernel has written every one of them before sendmsg returned, so nothing is waited
 * for.
 */
static int outcome_read(const struct nfnl *nfnl, uint32_t first_sequence, struct outcome *outcome)
{
	char bytes[ATTRIBUTE_MESSAGE_BYTES] __attribute__((aligned(8)));

	for (;;) {
		ssize_t length = nfnl_receive(nfnl, bytes, sizeof(bytes), MSG_DONTWAIT);
		const struct nlmsghdr *message = (const void *)bytes;
		int left = (int)length;

		if (length == -EAGAIN)
			return 0;
		if (length == -ENOBUFS || length == -ENOSPC)
			continue;	/* lost answers: what is missing decides below */
		if (length < 0)
			return (int)length;
		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
			if (message->nlmsg_type == NLMSG_ERROR &&
			    message->nlmsg_seq - first_sequence <= outcome->end_sequence - first_sequence)
				outcome_add(outcome, message);
		}
	}
}

/* Appends BATCH_END, or for a dry run nothing; asks for the ACK of the last message, too. */
static void batch_finish(struct nfnl_batch *batch, bool dry_run)
{
	struct nlmsghdr *last = (void *)(batch->bytes.data + batch->last_message), *end;

	last->nlmsg_flags |= NLM_F_ACK;
	if (dry_run)
		return;
	end = message_begin(buf_reserve(&batch->bytes, ATTRIBUTE_MESSAGE_BYTES), NFNL_MSG_BATCH_END,
			    NLM_F_REQUEST | NLM_F_ACK, batch->next_sequence, NFPROTO_UNSPEC,
			    NFNL_SUBSYS_NFTABLES);
	batch->bytes.length += end->nlmsg_len;
}

/* Sends the whole batch with one call; the kernel takes no datagram that is larger than the send buffer. */
static int batch_send(const struct nfnl *nfnl, const struct nfnl_batch *batch)
{
	const int descriptor = mnl_socket_get_fd(nfnl->socket);
	const int wanted = (int)batch->bytes.length + SEND_OVERHEAD_BYTES;
	int present = 0;
	socklen_t length = sizeof(present);

	if (getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &present, &length) < 0)
		return -errno;
	if (present < wanted &&
	    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof(wanted)) < 0 &&
	    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted)) < 0)
		return -errno;
	if (mnl_socket_sendto(nfnl->socket, batch->bytes.data, batch->bytes.length) < 0)
		return -errno;
	return 0;
}

/* What the answers mean. before: the generation before the batch was sent. */
static int outcome_judge(struct nfnl *nfnl, const struct outcome *outcome, bool dry_run, uint32_t before)
{
	uint32_t after;
	int r;

	if (outcome->error)
		return -outcome->error;
	if (outcome->end_acknowledged || (dry_run && outcome->last_acknowledged))
		return 0;
	if (dry_run || !outcome->last_acknowledged)
		return -EIO;
	r = nfnl_generation(nfnl, &after);
	if (r < 0)
		return r;
	return after != before ? 0 : -EIO;
}

/* Sends a batch that has at least one message and judges the answers. */
static int batch_exchange(struct nfnl *nfnl, struct nfnl_batch *batch, bool dry_run, struct nfnl_result *result)
{
	struct outcome outcome = {
		.last_sequence = batch->next_sequence - 1,
		.end_sequence = batch->next_sequence,
		.result = result,
	};
	uint32_t before = batch->generation;
	int r;

	nfnl->sequence = batch->next_sequence + 1;
	if (!batch->has_generation) {
		r = nfnl_generation(nfnl, &before);
		if (r < 0)
			return r;
	}
	batch_finish(batch, dry_run);
	if (batch->bytes.overflow)
		return -EMSGSIZE;
	r = batch_send(nfnl, batch);
	if (r < 0)
		return r;
	r = outcome_read(nfnl, batch->first_sequence, &outcome);
	return r < 0 ? r : outcome_judge(nfnl, &outcome, dry_run, before);
}

int nfnl_batch_commit(struct nfnl *nfnl, struct nfnl_batch *batch, bool dry_run, struct nfnl_result *ret_result)
{
	int r = 0;

	ret_result->error_count = 0;
	if (batch->bytes.overflow)
		r = -EMSGSIZE;
	else if (batch->last_message)
		r = batch_exchange(nfnl, batch, dry_run, ret_result);
	nfnl_batch_free(batch);
	return r;
}

/* What the reader of a dump, or of the answer to a query, needs to know. */
struct dump {
	uint32_t sequence;
	bool acknowledged;	/* a query: its end is an ACK */
	int (*callback)(const struct nlmsghdr *message, void *context);
	void *context;
	int result;	/* negative as soon as the dump is lost; the rest is read and thrown away */
	bool done;
};

/* One message of a dump. */
static void dump_take(struct dump *dump, const struct nlmsghdr *message)
{
	if (message->nlmsg_seq != dump->sequence)
		return;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR && dump->result == 0)
		dump->result = -EINTR;
	if (message->nlmsg_type == NLMSG_DONE) {
		const int *status = mnl_nlmsg_get_payload(message);

		if (mnl_nlmsg_get_payload_len(message) >= sizeof(*status) && *status < 0 && dump->result == 0)
			dump->result = *status;
		dump->done = true;
	} else if (message->nlmsg_type == NLMSG_ERROR) {
		if (error_number(message))
			dump->result = -error_number(message);
		else if (!dump->acknowledged)
			dump->result = -EBADMSG;
		dump->done = true;
	} else if (dump->result == 0) {
		dump->result = mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg)
				       ? -EBADMSG
				       : dump->callback(message, dump->context);
	}
}

/* Reads a dump to its end, whatever it brings: a dump left half-read would block the next one. */
static int dump_read(const struct nfnl *nfnl, struct dump *dump)
{
	char *bytes = malloc(DATAGRAM_BYTES_MAX);

	if (!bytes)
		arena_exhausted();
	while (!dump->done) {
		ssize_t length = nfnl_receive(nfnl, bytes, DATAGRAM_BYTES_MAX, 0);
		const struct nlmsghdr *message = (const void *)bytes;
		int left = (int)length;

		if (length < 0) {
			dump->result = (int)length;
			if (length == -ENOBUFS || length == -ENOSPC)
				continue;
			break;
		}
		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			dump_take(dump, message);
	}
	free(bytes);
	return dump->result < 0 ? dump->result : 0;
}

/* Sends a request and reads what it brings. */
static int dump_run(struct nfnl *nfnl, struct dump *dump, uint8_t subsystem, uint16_t type, uint16_t family,
		    void (*fill)(struct nlmsghdr *message, const void *context))
{
	char bytes[ATTRIBUTE_MESSAGE_BYTES] __attribute__((aligned(8))) = { 0 };
	const uint16_t flags = dump->acknowledged ? NLM_F_ACK : NLM_F_DUMP;
	struct nlmsghdr *request;

	dump->sequence = nfnl->sequence++;
	request = message_begin(bytes, (uint16_t)(subsystem << 8 | type), (uint16_t)(NLM_F_REQUEST | flags),
				dump->sequence, family, 0);
	if (fill)
		fill(request, dump->context);
	if (mnl_socket_sendto(nfnl->socket, request, request->nlmsg_len) < 0)
		return -errno;
	return dump_read(nfnl, dump);
}

int nfnl_dump_subsystem(struct nfnl *nfnl, uint8_t subsystem, uint16_t type, uint16_t family,
			void (*fill)(struct nlmsghdr *message, const void *context),
			int (*callback)(const struct nlmsghdr *message, void *context), void *context)
{
	struct dump dump = { .callback = callback, .context = context };

	return dump_run(nfnl, &dump, subsystem, type, family, fill);
}

int nfnl_dump(struct nfnl *nfnl, uint16_t type, uint16_t family,
	      void (*fill)(struct nlmsghdr *message, const void *context),
	      int (*callback)(const struct nlmsghdr *message, void *context), void *context)
{
	return nfnl_dump_subsystem(nfnl, NFNL_SUBSYS_NFTABLES, type, family, fill, callback, context);
}

int nfnl_query_subsystem(struct nfnl *nfnl, uint8_t subsystem, uint16_t type, uint16_t family,
			 void (*fill)(struct nlmsghdr *message, const void *context),
			 int (*callback)(const struct nlmsghdr *message, void *context), void *context)
{
	struct dump dump = { .acknowledged = true, .callback = callback, .context = context };

	return dump_run(nfnl, &dump, subsystem, type, family, fill);
}

int nfnl_query(struct nfnl *nfnl, uint16_t type, uint16_t family,
	       void (*fill)(struct nlmsghdr *message, const void *context),
	       int (*callback)(const struct nlmsghdr *message, void *context), void *context)
{
	return nfnl_query_subsystem(nfnl, NFNL_SUBSYS_NFTABLES, type, family, fill, callback, context);
}
