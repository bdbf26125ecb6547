/* packet_socket: frames that come in by one interface. */
#include "kernel/packet_socket.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Where things are in a frame without a tag. */
enum {
	IP4_FRAGMENT_AT = ETH_HLEN + 6, IP4_PROTOCOL_AT = ETH_HLEN + 9, IP6_NEXT_AT = ETH_HLEN + 6, IP6_CONTENT_AT = ETH_HLEN + 40,
	FRAGMENT_MASK = 0x1fff, DHCP_PORT = 67, DHCP6_PORT = 547, TYPE_FIRST = 134, TYPE_LAST = 136,
};

/* Instructions that others jump to. Jumps are counted from the next one. */
enum { IP4 = 10, IP6 = 17, UDP6 = 24, ICMP6 = 26, TAKE = 29, LEAVE = 30 };
#define JUMP(AT, TEST, VALUE, YES, NO) BPF_JUMP(BPF_JMP | (TEST) | BPF_K, VALUE, (YES) - (AT) - 1, (NO) - (AT) - 1)
#define LOAD(SIZE, OFFSET) BPF_STMT(BPF_LD | (SIZE) | BPF_ABS, OFFSET)
#define LOAD_ABOUT(WHAT) LOAD(BPF_B, (uint32_t)SKF_AD_OFF + (WHAT))

static const struct sock_filter filter[] = {
	LOAD_ABOUT(SKF_AD_PKTTYPE),
	JUMP(1, BPF_JEQ, PACKET_OUTGOING, LEAVE, 2),
	LOAD_ABOUT(SKF_AD_VLAN_TAG_PRESENT),
	JUMP(3, BPF_JEQ, 0, 4, TAKE),
	LOAD(BPF_H, 2 * ETH_ALEN),
	JUMP(5, BPF_JEQ, ETH_P_IP, IP4, 6),
	JUMP(6, BPF_JEQ, ETH_P_IPV6, IP6, 7),
	JUMP(7, BPF_JEQ, ETH_P_ARP, TAKE, 8),
	JUMP(8, BPF_JEQ, ETH_P_8021Q, TAKE, 9),
	JUMP(9, BPF_JEQ, ETH_P_8021AD, TAKE, LEAVE),
	/* IP4 */
	LOAD(BPF_B, IP4_PROTOCOL_AT),
	JUMP(11, BPF_JEQ, IPPROTO_UDP, 12, LEAVE),
	LOAD(BPF_H, IP4_FRAGMENT_AT),
	JUMP(13, BPF_JSET, FRAGMENT_MASK, LEAVE, 14),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, ETH_HLEN),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, ETH_HLEN),
	JUMP(16, BPF_JEQ, DHCP_PORT, TAKE, LEAVE),
	/* IP6 */
	LOAD(BPF_B, IP6_NEXT_AT),
	JUMP(18, BPF_JEQ, IPPROTO_ICMPV6, ICMP6, 19),
	JUMP(19, BPF_JEQ, IPPROTO_UDP, UDP6, 20),
	JUMP(20, BPF_JEQ, IPPROTO_HOPOPTS, TAKE, 21),
	JUMP(21, BPF_JEQ, IPPROTO_ROUTING, TAKE, 22),
	JUMP(22, BPF_JEQ, IPPROTO_FRAGMENT, TAKE, 23),
	JUMP(23, BPF_JEQ, IPPROTO_DSTOPTS, TAKE, LEAVE),
	/* UDP6 */
	LOAD(BPF_H, IP6_CONTENT_AT),
	JUMP(25, BPF_JEQ, DHCP6_PORT, TAKE, LEAVE),
	/* ICMP6 */
	LOAD(BPF_B, IP6_CONTENT_AT),
	JUMP(27, BPF_JGE, TYPE_FIRST, 28, LEAVE),
	JUMP(28, BPF_JGT, TYPE_LAST, LEAVE, TAKE),
	/* TAKE, LEAVE */
	BPF_STMT(BPF_RET | BPF_K, PACKET_BYTES_MAX),
	BPF_STMT(BPF_RET | BPF_K, 0),
};
static_assert(sizeof(filter) / sizeof(filter[0]) == LEAVE + 1, "the labels are those of the program");

static int option_set(int descriptor, int level, int name, const void *value, socklen_t length)
{
	return setsockopt(descriptor, level, name, value, length) == 0 ? 0 : -errno;
}

static int filter_lock(int descriptor)
{
	const struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = (struct sock_filter *)(uintptr_t)filter };
	const int yes = 1;
	int error = option_set(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));

	return error ? error : option_set(descriptor, SOL_SOCKET, SO_LOCK_FILTER, &yes, sizeof(yes));
}

static int interface_bind(int descriptor, uint32_t index)
{
	const struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)index };
	const struct packet_mreq multicast = { .mr_ifindex = (int)index, .mr_type = PACKET_MR_ALLMULTI };
	const int yes = 1;
	int error = option_set(descriptor, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof(yes));

	if (!error)
		error = option_set(descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &multicast, sizeof(multicast));
	if (error)
		return error;
	/* Since 4.20: what goes out is not even handed to the filter. */
	setsockopt(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes));
	return bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : -errno;
}

int packet_socket_open(uint32_t index, int *ret_descriptor)
{
	/* Of no protocol, it receives nothing before it is bound. */
	int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (descriptor < 0)
		return -errno;
	error = filter_lock(descriptor);
	if (!error)
		error = interface_bind(descriptor, index);
	if (error) {
		close(descriptor);
		return error;
	}
	*ret_descriptor = descriptor;
	return 0;
}

static int tag_of(struct msghdr *message)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
		struct tpacket_auxdata about;

		if (control->cmsg_level != SOL_PACKET || control->cmsg_type != PACKET_AUXDATA || control->cmsg_len < CMSG_LEN(sizeof(about)))
			continue;
		memcpy(&about, CMSG_DATA(control), sizeof(about));
		if (about.tp_status & TP_STATUS_VLAN_VALID)
			return about.tp_vlan_tci;
	}
	return PACKET_NO_TAG;
}

int packet_socket_read(int descriptor, char bytes[static PACKET_BYTES_MAX], int *ret_tag)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec vector = { .iov_base = bytes, .iov_len = PACKET_BYTES_MAX };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(descriptor, &message, MSG_DONTWAIT);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	*ret_tag = tag_of(&message);
	return (int)length;
}
