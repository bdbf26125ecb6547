/*
 * faults: a library that is loaded in front of the C library (LD_PRELOAD) of a daemon under test, and lets memory, netlink and the clock fail when a
 * test says so. The programs are those that are installed; nothing in them knows of it.
 *
 * The test shares a file with all roles (SEKISHO_FAULTS), struct faults below: per role and kind the test writes an error, a countdown n, and how many calls
 * fail with that error from the n-th on. The seconds of clock_s are added to what the roles take for Unix time; what counts
 * since boot is not changed.
 *
 * Two kinds are no errors, but a kernel as it should not be: OVERTAKEN, somebody else commits just before a transaction is sent; MISREAD, a base chain that
 * drops is told to accept.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum role { ROLE_PARENT, ROLE_PLANNER, ROLE_ENFORCER, ROLE_WITNESS, ROLE_SENTRY, ROLE_COUNT };
enum kind { KIND_ALLOCATE, KIND_SEND, KIND_RECEIVE, KIND_CHANNEL, KIND_OVERTAKEN, KIND_MISREAD, KIND_COUNT }; /* CHANNEL: what a role sends to another */

struct fault {
	_Atomic int32_t left;		/* so many will fail; 0: none is due */
	_Atomic int32_t countdown;	/* the first of them is the call that counts it down to 0 */
	_Atomic int32_t error;		/* positive errno */
};

struct faults {
	_Atomic int64_t clock_s;
	struct fault faults[ROLE_COUNT][KIND_COUNT];
};

static struct faults *faults;
static enum role role;

static ssize_t (*real_sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
static ssize_t (*real_recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
static int (*real_clock_gettime)(clockid_t, struct timespec *);

/* Glibc's own, by the names it keeps for those who stand in front of it. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static void *next_symbol(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (!symbol)
		abort();
	return symbol;
}

static enum role role_of(int argc, char **argv)
{
	static const char *const names[] = { [ROLE_PARENT] = "parent", [ROLE_PLANNER] = "planner", [ROLE_ENFORCER] = "enforcer", [ROLE_WITNESS] = "witness",
					      [ROLE_SENTRY] = "sentry" };

	for (int i = 0; argc > 2 && strcmp(argv[1], "--role") == 0 && i < ROLE_COUNT; i++)
		if (strcmp(argv[2], names[i]) == 0)
			return (enum role)i;
	return ROLE_PARENT;
}

__attribute__((constructor)) static void faults_begin(int argc, char **argv)
{
	const char *path = getenv("SEKISHO_FAULTS");
	int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *page;

	real_sendto = (ssize_t(*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))next_symbol("sendto");
	real_sendmsg = (ssize_t(*)(int, const struct msghdr *, int))next_symbol("sendmsg");
	real_recvfrom = (ssize_t(*)(int, void *, size_t, int, struct sockaddr *, socklen_t *))next_symbol("recvfrom");
	real_recvmsg = (ssize_t(*)(int, struct msghdr *, int))next_symbol("recvmsg");
	real_clock_gettime = (int (*)(clockid_t, struct timespec *))next_symbol("clock_gettime");
	if (descriptor < 0)
		return;
	role = role_of(argc, argv);
	page = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	close(descriptor);
	faults = page == MAP_FAILED ? NULL : page;
}

/* Is this the call that fails? Then errno is set. */
static bool fault_is_due(enum kind kind)
{
	struct fault *fault;

	if (!faults)
		return false;
	fault = &faults->faults[role][kind];
	if (atomic_load(&fault->left) <= 0)
		return false;
	if (atomic_load(&fault->countdown) > 0 && atomic_fetch_sub(&fault->countdown, 1) != 1)
		return false;
	if (atomic_fetch_sub(&fault->left, 1) <= 0)
		return false;
	errno = atomic_load(&fault->error);
	return true;
}

/* ---- memory */

void *malloc(size_t size)
{
	return fault_is_due(KIND_ALLOCATE) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fault_is_due(KIND_ALLOCATE) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fault_is_due(KIND_ALLOCATE) ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t product;

	if (__builtin_mul_overflow(count, size, &product)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, product);
}

/* ---- sockets */

/* Asked of the kernel, because the socket that owns our tables comes from another process; and only when something is to fail. */
static bool socket_fails(int descriptor, int domain, enum kind kind)
{
	int error = errno, found = AF_UNSPEC;
	socklen_t length = sizeof(found);
	bool is_meant;

	if (!faults || atomic_load(&faults->faults[role][kind].left) <= 0)
		return false;
	is_meant = getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &found, &length) == 0 && found == domain;
	errno = error;
	return is_meant && fault_is_due(kind);
}

static bool netlink_fails(int descriptor, enum kind kind)
{
	return socket_fails(descriptor, AF_NETLINK, kind);
}

/* Roles have their channels from each other. */
static bool channel_fails(int descriptor)
{
	return socket_fails(descriptor, AF_UNIX, KIND_CHANNEL);
}

/* ---- a kernel that others change, and one that does not hold what it acknowledged */

struct message {
	struct nlmsghdr header;
	struct nfgenmsg general;
};

struct table_message {
	struct message message;
	struct nlattr name;
	char text[8];
};

static struct message message_of(int type, size_t length, int flags, uint8_t family, uint16_t resource)
{
	return (struct message){ .header = { .nlmsg_len = (uint32_t)length, .nlmsg_type = (uint16_t)type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags) },
				 .general = { .nfgen_family = family, .res_id = htons(resource) } };
}

static struct table_message table_message_of(int type, int flags)
{
	return (struct table_message){ .message = message_of(NFNL_SUBSYS_NFTABLES << 8 | type, sizeof(struct table_message), flags, NFPROTO_IPV4, 0),
				       .name = { .nla_len = sizeof(struct nlattr) + 8, .nla_type = NFTA_TABLE_NAME }, .text = "passing" };
}

/* Adds a table and deletes it, in one transaction of its own: nothing is left of it but that the kernel has moved on. */
static void overtake(void)
{
	const struct {
		struct message begin;
		struct table_message table, no_table;
		struct message end;
	} batch = {
		.begin = message_of(NFNL_MSG_BATCH_BEGIN, sizeof(struct message), 0, 0, NFNL_SUBSYS_NFTABLES),
		.table = table_message_of(NFT_MSG_NEWTABLE, NLM_F_CREATE),
		.no_table = table_message_of(NFT_MSG_DELTABLE, 0),
		.end = message_of(NFNL_MSG_BATCH_END, sizeof(struct message), 0, 0, NFNL_SUBSYS_NFTABLES),
	};
	const int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (descriptor < 0 || real_sendto(descriptor, &batch, sizeof(batch), 0, NULL, 0) != sizeof(batch))
		abort();
	close(descriptor);
}

static bool is_transaction(const void *bytes, size_t length)
{
	const struct nlmsghdr *header = bytes;

	return length >= sizeof(*header) && header->nlmsg_type == NFNL_MSG_BATCH_BEGIN;
}

/* The policy in a message of the kernel that is about a base chain, or NULL. */
static uint32_t *chain_policy(struct nlmsghdr *header)
{
	char *at = (char *)header + sizeof(struct message);
	const char *end = (char *)header + header->nlmsg_len;

	if (header->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN))
		return NULL;
	while (at + sizeof(struct nlattr) <= end) {
		const struct nlattr *attribute = (const void *)at;

		if (attribute->nla_type == NFTA_CHAIN_POLICY)
			return (uint32_t *)(void *)(at + sizeof(*attribute));
		at += (attribute->nla_len + 3U) & ~3U;
	}
	return NULL;
}

static void misread(char *bytes, size_t length)
{
	for (size_t at = 0; at + sizeof(struct message) <= length;) {
		struct nlmsghdr *header = (void *)(bytes + at);
		uint32_t *policy = chain_policy(header);

		if (policy && *policy == htonl(NF_DROP) && fault_is_due(KIND_MISREAD))
			*policy = htonl(NF_ACCEPT);
		at += (header->nlmsg_len + 3U) & ~3U;
	}
}

/* ---- what is called in the place of the C library */

ssize_t sendto(int descriptor, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t to_length)
{
	if (netlink_fails(descriptor, KIND_SEND))
		return -1;
	if (is_transaction(bytes, length) && netlink_fails(descriptor, KIND_OVERTAKEN))
		overtake();
	return real_sendto(descriptor, bytes, length, flags, to, to_length);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
	if (netlink_fails(descriptor, KIND_SEND) || channel_fails(descriptor))
		return -1;
	return real_sendmsg(descriptor, message, flags);
}

ssize_t recvfrom(int descriptor, void *bytes, size_t length, int flags, struct sockaddr *from, socklen_t *from_length)
{
	ssize_t got;

	if (netlink_fails(descriptor, KIND_RECEIVE))
		return -1;
	got = real_recvfrom(descriptor, bytes, length, flags, from, from_length);
	if (got > 0 && (size_t)got <= length && faults && atomic_load(&faults->faults[role][KIND_MISREAD].left) > 0)
		misread(bytes, (size_t)got);
	return got;
}

ssize_t recvmsg(int descriptor, struct msghdr *message, int flags)
{
	return netlink_fails(descriptor, KIND_RECEIVE) ? -1 : real_recvmsg(descriptor, message, flags);
}

/* ---- the clock */

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	int result = real_clock_gettime(clock, ret_time);

	if (result == 0 && faults && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ret_time->tv_sec += atomic_load(&faults->clock_s);
	return result;
}

time_t time(time_t *ret_time)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret_time)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*ret_time = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
	return 0;
}
