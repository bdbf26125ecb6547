/* sysctl: see sysctl.h. */
#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBER_TEXT_BYTES = 32 };

const struct sysctl_rule sysctl_rules[] = {
	{ "netfilter/nf_conntrack_tcp_loose", 0, 0,
	  "a connection is only taken up at its beginning, not in the middle from either side",
	  "接続は始まりからだけ追跡します。途中のパケットから逆向きの接続が作られることを防ぎます" },
	{ "ipv4/conf/all/accept_redirects", 0, 0,
	  "no host may change the gateway's routes by ICMP redirects",
	  "端末が ICMP リダイレクトでゲートウェイの経路を変えることを防ぎます" },
	{ "ipv6/conf/all/accept_redirects", 0, 0,
	  "no host may change the gateway's routes by ICMPv6 redirects",
	  "端末が ICMPv6 リダイレクトでゲートウェイの経路を変えることを防ぎます" },
	{ "ipv4/conf/all/send_redirects", 0, 0,
	  "hosts are not told ways around the gateway",
	  "ゲートウェイを通らない経路を端末に教えません" },
	{ "ipv4/conf/all/accept_source_route", 0, 0,
	  "a sender may not choose the way of a packet",
	  "送信者がパケットの経路を指定することを認めません" },
	{ "ipv6/conf/all/accept_source_route", -1, -1,
	  "a sender may not choose the way of a packet",
	  "送信者がパケットの経路を指定することを認めません" },
	{ "ipv4/conf/all/proxy_arp", 0, 0,
	  "the gateway does not answer for hosts of another zone",
	  "ほかのゾーンの端末の代わりに ARP に応答しません" },
	{ "ipv4/conf/all/arp_ignore", 1, 1,
	  "the gateway answers for an address only where it has it",
	  "アドレスを持つインターフェースでだけ ARP に応答します" },
	{ "ipv4/conf/all/arp_announce", 2, 2,
	  "the gateway does not tell one zone its address in another",
	  "ほかのゾーンでの自分のアドレスを ARP で知らせません" },
	{ "ipv6/conf/all/accept_ra", 0, 0,
	  "no host may give the gateway addresses or routes by router advertisements",
	  "端末がルーター広告でゲートウェイのアドレスや経路を変えることを防ぎます" },
	{ "ipv6/conf/default/accept_ra", 0, 0,
	  "the same for interfaces that come later",
	  "後から加わるインターフェースでも同様です" },
	{ "ipv4/ip_forward", 1, 0,
	  "IPv4 packets are forwarded, but only while a policy is in force",
	  "IPv4 の転送は、方針が有効な間だけ行います" },
	{ "ipv6/conf/all/forwarding", 1, 0,
	  "IPv6 packets are forwarded, but only while a policy is in force",
	  "IPv6 の転送は、方針が有効な間だけ行います" },
};

const size_t sysctl_rule_count = sizeof(sysctl_rules) / sizeof(sysctl_rules[0]);

/* flags: O_RDONLY or O_RDWR. */
static int switch_open(const char *path, int flags)
{
	char full[PATH_MAX];
	int length = snprintf(full, sizeof(full), "/proc/sys/net/%s", path), descriptor;

	if (length < 0 || (size_t)length >= sizeof(full))
		return -ENAMETOOLONG;
	descriptor = open(full, flags | O_CLOEXEC | O_NOFOLLOW);
	return descriptor < 0 ? -errno : descriptor;
}

int sysctl_open(const char *path)
{
	return switch_open(path, O_RDWR);
}

int sysctl_read(int descriptor, int64_t *ret_value)
{
	char text[NUMBER_TEXT_BYTES], *end;
	ssize_t length = pread(descriptor, text, sizeof(text) - 1, 0);
	long long value;

	if (length < 0)
		return -errno;
	text[length] = '\0';
	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || errno || (*end != '\0' && *end != '\n'))
		return -EBADMSG;
	*ret_value = value;
	return 0;
}

int sysctl_write(int descriptor, int64_t value)
{
	char text[NUMBER_TEXT_BYTES];
	int length = snprintf(text, sizeof(text), "%lld\n", (long long)value);

	if (pwrite(descriptor, text, (size_t)length, 0) < 0)
		return -errno;
	return 0;
}

int sysctl_get(const char *path, int64_t *ret_value)
{
	int descriptor = switch_open(path, O_RDONLY), r;

	if (descriptor < 0)
		return descriptor;
	r = sysctl_read(descriptor, ret_value);
	close(descriptor);
	return r;
}

int sysctl_set(const char *path, int64_t value)
{
	int descriptor = sysctl_open(path), r;
	int64_t present;

	if (descriptor < 0)
		return descriptor;
	r = sysctl_read(descriptor, &present);
	if (r == 0 && present != value)
		r = sysctl_write(descriptor, value);
	close(descriptor);
	return r;
}
