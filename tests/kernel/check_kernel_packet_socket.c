/*
 * kernel: a socket of frames gives what comes in and tells who is connected where, and nothing else; and its filter cannot be taken off.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/packet_socket.h"

#include "workbench.h"

enum { FRAME_BYTES = 80, AWAIT_MS = 10000, LATER_FRAGMENT = 1, ARP = 0x0806, IP4 = 0x0800, IP6 = 0x86dd, VLAN = 0x8100 };

/* A frame by the fields that the filter looks at. */
struct shape {
	const char *what;
	bool taken;
	uint16_t type;		/* of Ethernet */
	uint8_t protocol;	/* of IP */
	uint8_t words;		/* of the header of IPv4; 0: 5 */
	uint16_t fragment;
	uint16_t port;		/* where it is sent from */
	uint8_t icmp;		/* type */
};

static const struct shape shapes[] = {
	{ "ARP", true, .type = ARP }, { "something else", false, .type = 0x88cc }, { "a length", false, .type = 60 },
	{ "from the port of DHCP servers", true, .type = IP4, .protocol = IPPROTO_UDP, .port = 67 }, { "from another port", false, .type = IP4, .protocol = IPPROTO_UDP, .port = 68 },
	{ "with options of IPv4", true, .type = IP4, .protocol = IPPROTO_UDP, .words = 6, .port = 67 }, { "a later fragment", false, .type = IP4, .protocol = IPPROTO_UDP, .fragment = LATER_FRAGMENT, .port = 67 },
	{ "a first fragment", true, .type = IP4, .protocol = IPPROTO_UDP, .fragment = 0x2000, .port = 67 }, { "TCP", false, .type = IP4, .protocol = IPPROTO_TCP, .port = 67 },
	{ "from the port of DHCPv6 servers", true, .type = IP6, .protocol = IPPROTO_UDP, .port = 547 }, { "from 67 by IPv6", false, .type = IP6, .protocol = IPPROTO_UDP, .port = 67 },
	{ "router solicitation", false, .type = IP6, .protocol = IPPROTO_ICMPV6, .icmp = 133 }, { "router advertisement", true, .type = IP6, .protocol = IPPROTO_ICMPV6, .icmp = 134 },
	{ "neighbour solicitation", true, .type = IP6, .protocol = IPPROTO_ICMPV6, .icmp = 135 }, { "neighbour advertisement", true, .type = IP6, .protocol = IPPROTO_ICMPV6, .icmp = 136 },
	{ "redirect", false, .type = IP6, .protocol = IPPROTO_ICMPV6, .icmp = 137 }, { "echo", false, .type = IP6, .protocol = IPPROTO_ICMPV6, .icmp = 128 },
	{ "hop-by-hop options", true, .type = IP6, .protocol = IPPROTO_HOPOPTS }, { "a routing header", true, .type = IP6, .protocol = IPPROTO_ROUTING }, { "a fragment header", true, .type = IP6, .protocol = IPPROTO_FRAGMENT },
	{ "destination options", true, .type = IP6, .protocol = IPPROTO_DSTOPTS }, { "TCP by IPv6", false, .type = IP6, .protocol = IPPROTO_TCP }, { "no next header", false, .type = IP6, .protocol = IPPROTO_NONE },
	{ "a VLAN", true, .type = VLAN },
};

static void number_put(char *at, uint16_t value)
{
	at[0] = (char)(value >> 8);
	at[1] = (char)value;
}

/* mark tells frames apart, at their end. */
static void frame_make(const struct shape *shape, char mark, char frame[static FRAME_BYTES])
{
	char *ip = frame + 14, *content = ip + (shape->type == IP6 ? 40 : (shape->words ? shape->words : 5) * 4);

	memset(frame, 0, FRAME_BYTES);
	memset(frame, 0xff, 6);
	frame[6] = 2;
	number_put(frame + 12, shape->type);
	if (shape->type == IP4) {
		ip[0] = (char)(0x40 | (shape->words ? shape->words : 5));
		number_put(ip + 6, shape->fragment);
		ip[9] = (char)shape->protocol;
		number_put(content, shape->port);
	} else if (shape->type == IP6) {
		ip[0] = 0x60;
		ip[6] = (char)shape->protocol;
		number_put(content, shape->port);
		if (shape->icmp)
			content[0] = (char)shape->icmp;
	} else if (shape->type == VLAN) {
		number_put(ip, 20);
		number_put(ip + 2, IP4);
	}
	frame[FRAME_BYTES - 1] = mark;
}

/* What is sent by the loopback comes in by it. */
static int sender_open(uint32_t index)
{
	const struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = (int)index };
	int sender = socket(AF_PACKET, SOCK_RAW, 0);

	ck_assert_int_ge(sender, 0);
	ck_assert_int_eq(bind(sender, (const struct sockaddr *)&address, sizeof(address)), 0);
	return sender;
}

static int frame_await(int receiver, char bytes[static PACKET_BYTES_MAX], int *tag)
{
	struct pollfd wait = { .fd = receiver, .events = POLLIN };

	ck_assert_int_eq(poll(&wait, 1, AWAIT_MS), 1);
	return packet_socket_read(receiver, bytes, tag);
}

START_TEST(test_only_these_kinds_come_in)
{
	const struct shape *shape = &shapes[_i], *last = &shapes[0];
	struct workbench bench = workbench_open();
	char frame[FRAME_BYTES], bytes[PACKET_BYTES_MAX];
	const uint32_t index = if_nametoindex("lo");
	int sender = sender_open(index), receiver, tag, length;

	ck_assert_int_eq(packet_socket_open(index, &receiver), 0);
	ck_assert_int_eq(packet_socket_read(receiver, bytes, &tag), 0);
	frame_make(shape, 1, frame);
	ck_assert_int_eq(send(sender, frame, sizeof(frame), 0), FRAME_BYTES);
	frame_make(last, 2, frame);
	ck_assert_int_eq(send(sender, frame, sizeof(frame), 0), FRAME_BYTES);
	length = frame_await(receiver, bytes, &tag);
	ck_assert_msg(bytes[length - 1] == (shape->taken ? 1 : 2), "%s", shape->what);
	ck_assert_msg(tag == (shape->type == VLAN ? 20 : PACKET_NO_TAG), "%s: tag %d", shape->what, tag);
	if (shape->taken)
		ck_assert_int_eq(frame_await(receiver, bytes, &tag), FRAME_BYTES);
	ck_assert_int_eq(packet_socket_read(receiver, bytes, &tag), 0);
	close(receiver);
	close(sender);
	workbench_close(&bench);
}
END_TEST

START_TEST(test_the_filter_stays)
{
	static const struct sock_filter everything[] = { BPF_STMT(BPF_RET | BPF_K, 1 << 16) };
	const struct sock_fprog program = { .len = 1, .filter = (struct sock_filter *)(uintptr_t)everything };
	struct workbench bench = workbench_open();
	int receiver, no = 0;

	ck_assert_int_eq(packet_socket_open(if_nametoindex("lo"), &receiver), 0);
	ck_assert_int_eq(setsockopt(receiver, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(setsockopt(receiver, SOL_SOCKET, SO_DETACH_FILTER, &no, sizeof(no)), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(setsockopt(receiver, SOL_SOCKET, SO_LOCK_FILTER, &no, sizeof(no)), -1);
	ck_assert_int_eq(errno, EPERM);
	close(receiver);
	workbench_close(&bench);
}
END_TEST

START_TEST(test_no_interface_no_socket)
{
	struct workbench bench = workbench_open();
	int receiver;

	ck_assert_int_eq(packet_socket_open(4711, &receiver), -ENODEV);
	workbench_close(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("packet_socket");
	TCase *all = tcase_create("all");
	SRunner *runner;
	int failed;

	workbench_require();
	runner = srunner_create(suite);
	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, test_only_these_kinds_come_in, 0, sizeof(shapes) / sizeof(shapes[0]));
	tcase_add_test(all, test_the_filter_stays);
	tcase_add_test(all, test_no_interface_no_socket);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
