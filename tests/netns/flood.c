/*
 * flood: sends numbered frames from some network namespaces to others and says which of them arrived.
 *
 * It reads lines from stdin:
 *
 *	endpoint NETNS INTERFACE		the first is endpoint 0
 *	local NETNS 4|6 PROTOCOL		the host itself, by a raw socket: what is sent passes its output, what is received has passed its input
 *	stream KIND RATE FROM TO FRAME		the first is stream 0
 *	go
 *
 * and sends until stdin ends, or until as many flood frames as `go COUNT` says. To a line "count" meanwhile it answers with how many flood frames it
 * has sent. After a line "stop" it sends no more, and takes lines
 *
 *	window STREAM FROM TO			what became of the packets of a paced stream that were sent between two times (monotonic microseconds)
 *
 * until stdin ends. RATE is in packets per second; 0
 * floods: as fast as it goes. FRAME is an Ethernet frame with IPv4 or IPv6, in hexadecimal digits; its
 * last 16 bytes are a magic number, the stream's number and a sequence number, which are filled in, as are
 * checksums of UDP, TCP and ICMP. What is sent by a `local` is a frame's part behind the network header. KIND:
 *
 *	fixed		always the same ports
 *	fresh		another source port (ICMP: number) for each packet: always a new connection
 *	tcp		one connection, begun by a handshake; the next stream must be its tcp-reply
 *	tcp-reply	the other direction of that connection
 *
 * Sending and receiving is one thread on one processor. With veth a frame has gone its whole way when the call that
 * sends it returns, so the receivers are emptied before they can overflow; what they dropped nevertheless is
 * reported. processor_ns is what this program had of the processor, the kernel's work on the packets with it, however
 * busy the machine was besides.
 *
 * Output, in JSON: {"elapsed_ns", "processor_ns", "drops", "backlog": [monotonic milliseconds, ...], "streams": [{"sent", "received",
 * "strangers", "quotes", "arrived": [first, last], "lost": [[sequence, monotonic milliseconds], ...]}, ...], "windows": [{"lost", "arrived", "vague", "first", "last",
 * "lost_at": [monotonic milliseconds, ...]}, ...]}. first, last: when the first and the last that arrived were sent, monotonic microseconds. A stranger is a frame that came by another endpoint than it should. Of what
 * was lost the first 20 are listed. backlog: when a processor's queue of this machine was seen to have dropped packets, anybody's. arrived: the monotonic
 * milliseconds of the first and the last arrival. vague: nobody knows when the packet was really sent, because the call took so long.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/sock_diag.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	ENDPOINTS_MAX = 32, STREAMS_MAX = 256, FRAME_BYTES_MAX = 256, LINE_BYTES_MAX = 1024,
	TOKEN_BYTES = 16, TOKEN_MAGIC = 0x534b666c,
	BATCH = 32,			/* flood frames between two looks at the clock */
	LATE_MAX = 16,			/* frames of one paced stream at once, when it is late */
	LOST_LISTED_MAX = 20,
	BACKLOG_LISTED_MAX = 4096, BACKLOG_LOOK_NS = 5000000,
	VAGUE_NS = 5000000,
	TCP_WINDOW_BYTES = 32768,
	PORT_FIRST = 1024, PORT_COUNT = 60000,
	RECEIVE_BUFFER_BYTES = 32 << 20,
	DRAIN_MS = 2000,		/* silence after which nothing more is expected */
	PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58,
	FLAG_SYN = 2, FLAG_PUSH = 8, FLAG_ACK = 16,
};

enum kind { KIND_FIXED, KIND_FRESH, KIND_TCP, KIND_TCP_REPLY };

struct endpoint {
	int socket;
	int interface;			/* index; 0: the host itself */
};

struct stream {
	enum kind kind;
	uint64_t rate;			/* 0: flood */
	struct endpoint *from, *to;
	uint8_t frame[FRAME_BYTES_MAX];
	size_t length;
	size_t network, transport;	/* where these headers begin */
	uint8_t protocol;
	uint32_t tcp_next;		/* the next sequence number of this direction */
	uint32_t tcp_received;		/* what the other side has received of it: one behind the last byte */
	uint64_t sent, received, strangers;
	int64_t arrived_first, arrived_last; /* monotonic ns */
	int64_t *sent_at;		/* of paced streams, by sequence number: monotonic ns, with the marks below */
	size_t sent_at_capacity;
};

/* Marks in the lowest bits of a time. */
enum { MARK_ARRIVED = 1, MARK_VAGUE = 2, MARKS = 3 };

struct flood {
	struct endpoint endpoints[ENDPOINTS_MAX];
	size_t endpoint_count;
	struct stream streams[STREAMS_MAX];
	size_t stream_count;
	uint64_t flood_limit;		/* 0: until stdin ends */
	uint64_t flood_sent;
	size_t next_flood;		/* the stream whose turn it is */
	bool stopped;			/* by a line; more lines follow */
	uint64_t backlog_drops;		/* of the machine */
	int64_t backlog_looked;		/* monotonic ns */
	int64_t backlog_at[BACKLOG_LISTED_MAX];
	size_t backlog_count;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* ---- frames */

static void put16(uint8_t *bytes, uint16_t value)
{
	value = htons(value);
	memcpy(bytes, &value, sizeof(value));
}

static void put32(uint8_t *bytes, uint32_t value)
{
	value = htonl(value);
	memcpy(bytes, &value, sizeof(value));
}

static uint32_t get32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return ntohl(value);
}

static uint32_t sum16(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return length % 2 ? sum + ((uint32_t)bytes[length - 1] << 8) : sum;
}

/* Where a transport header has its checksum; 0: it has none. */
static size_t checksum_offset(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return 16;
	case PROTOCOL_UDP:
		return 6;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMP6:
		return 2;
	default:
		return 0;
	}
}

/* Fills in the checksum of the transport header of a frame of length bytes; connection tracking looks at it. */
static void frame_checksum(const struct stream *stream, uint8_t *frame, size_t length)
{
	bool ip4 = frame[12] == 0x08;
	size_t addresses = stream->network + (ip4 ? 12 : 8);
	size_t at = stream->transport + checksum_offset(stream->protocol);
	uint32_t sum = stream->protocol + (uint32_t)(length - stream->transport);

	if (at == stream->transport)
		return;
	put16(frame + at, 0);
	sum = stream->protocol == PROTOCOL_ICMP ? 0 : sum16(frame + addresses, ip4 ? 8 : 32, sum);
	sum = sum16(frame + stream->transport, length - stream->transport, sum);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(frame + at, sum == 0xffff ? 0xffff : (uint16_t)~sum);
}

static uint8_t digit_value(char digit)
{
	return (uint8_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

static void frame_parse(struct stream *stream, const char *digits)
{
	bool ip4;

	stream->length = 0;
	for (; digits[0] && digits[1] && stream->length < FRAME_BYTES_MAX; digits += 2)
		stream->frame[stream->length++] =
			(uint8_t)(digit_value(digits[0]) << 4 | digit_value(digits[1]));
	ip4 = stream->frame[12] == 0x08;
	stream->network = ETH_HLEN;
	stream->transport = stream->network + (ip4 ? 20 : 40);
	stream->protocol = stream->frame[stream->network + (ip4 ? 9 : 6)];
	put32(stream->frame + stream->length - TOKEN_BYTES, TOKEN_MAGIC);
}

/* The next frame of a stream, in place. */
static void frame_next(struct flood *flood, struct stream *stream)
{
	uint8_t *token = stream->frame + stream->length - TOKEN_BYTES;
	uint8_t *transport = stream->frame + stream->transport;
	uint64_t sequence = stream->sent;

	put32(token + 4, (uint32_t)(stream - flood->streams));
	put32(token + 8, (uint32_t)(sequence >> 32));
	put32(token + 12, (uint32_t)sequence);
	if (stream->kind == KIND_FRESH)
		put16(transport + (checksum_offset(stream->protocol) == 2 ? 4 : 0), (uint16_t)(PORT_FIRST + sequence % PORT_COUNT));
	if (stream->kind == KIND_TCP || stream->kind == KIND_TCP_REPLY) {
		const struct stream *other = stream->kind == KIND_TCP ? stream + 1 : stream - 1;

		put32(transport + 4, stream->tcp_next);
		put32(transport + 8, other->tcp_received);
		/* Like any sender it goes no further than the other side's window, but repeats itself. */
		if (stream->tcp_next - stream->tcp_received < TCP_WINDOW_BYTES)
			stream->tcp_next += TOKEN_BYTES;
	}
	frame_checksum(stream, stream->frame, stream->length);
}

/* ---- endpoints */

/* Only frames that end with a token reach the socket's queue. */
static void endpoint_filter(int descriptor)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, TOKEN_BYTES),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TOKEN_MAGIC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME_BYTES_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		fail("SO_ATTACH_FILTER");
}

/* protocol: ETH_P_ALL to receive; 0: only to send. */
static void endpoint_bind(const struct endpoint *endpoint, uint16_t protocol)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = endpoint->interface
	};

	if (bind(endpoint->socket, (const struct sockaddr *)&address, sizeof(address)) < 0)
		fail("bind");
}

static void namespace_enter(const char *netns)
{
	int namespace = open(netns, O_RDONLY | O_CLOEXEC);

	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
		fail(netns);
	close(namespace);
}

static void receive_buffer_enlarge(int descriptor)
{
	int bytes = RECEIVE_BUFFER_BYTES;

	if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		fail("SO_RCVBUFFORCE");
}

/* The host itself. */
static void endpoint_open_local(struct endpoint *endpoint, const char *netns, bool ip4, int protocol)
{
	namespace_enter(netns);
	endpoint->socket = socket(ip4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (endpoint->socket < 0)
		fail("raw socket");
	endpoint_filter(endpoint->socket);
	receive_buffer_enlarge(endpoint->socket);
}

/* It can send; it receives when it is the end of a stream. */
static void endpoint_open(struct endpoint *endpoint, const char *netns, const char *interface)
{
	int on = 1;

	namespace_enter(netns);
	endpoint->socket = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	endpoint->interface = (int)if_nametoindex(interface);
	if (endpoint->socket < 0 || endpoint->interface == 0)
		fail(interface);
	endpoint_filter(endpoint->socket);
	endpoint_bind(endpoint, 0);
	if (setsockopt(endpoint->socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(endpoint->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0)
		fail("setsockopt");
	receive_buffer_enlarge(endpoint->socket);
}

/* How long a frame of a stream is at an endpoint: raw sockets leave headers away. */
static size_t frame_length_at(const struct stream *stream, const struct endpoint *at)
{
	bool ip4 = stream->frame[12] == 0x08;

	if (at->interface != 0)
		return stream->length;
	return stream->length - (ip4 ? stream->network : stream->transport);
}

/* Notes one frame that arrived. */
static bool frame_take(struct flood *flood, const struct endpoint *at, const uint8_t *frame, size_t length)
{
	const uint8_t *token = frame + length - TOKEN_BYTES;
	uint32_t number = get32(token + 4);
	uint64_t sequence = (uint64_t)get32(token + 8) << 32 | get32(token + 12);
	struct stream *stream;

	if (number >= flood->stream_count)
		return false;
	stream = &flood->streams[number];
	/* An error message to the sender ends with what it quotes. */
	if (length != frame_length_at(stream, at))
		return true;
	if (stream->to != at) {
		stream->strangers++;
		return true;
	}
	stream->arrived_last = monotonic_ns();
	if (stream->kind == KIND_TCP || stream->kind == KIND_TCP_REPLY)
		stream->tcp_received = get32(frame + stream->transport + 4) + TOKEN_BYTES;
	if (stream->received++ == 0)
		stream->arrived_first = stream->arrived_last;
	if (sequence < stream->sent_at_capacity)
		stream->sent_at[sequence] |= MARK_ARRIVED;
	return true;
}

/* Takes everything that has arrived at an endpoint; true if there was something. */
static bool endpoint_empty(struct flood *flood, struct endpoint *endpoint)
{
	uint8_t frame[FRAME_BYTES_MAX];
	bool any = false;

	for (;;) {
		ssize_t length = recv(endpoint->socket, frame, sizeof(frame), MSG_DONTWAIT);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < TOKEN_BYTES)
			return any;
		any |= frame_take(flood, endpoint, frame, (size_t)length);
	}
}

static bool endpoints_empty(struct flood *flood)
{
	bool any = false;

	for (size_t i = 0; i < flood->endpoint_count; i++)
		any |= endpoint_empty(flood, &flood->endpoints[i]);
	return any;
}

/* ---- sending */

/* By the host itself; what its own rules refuse is an error of the call. */
static void frame_send_local(const struct stream *stream, const uint8_t *frame, size_t length)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	bool ip4 = frame[12] == 0x08;
	const struct sockaddr *to = ip4 ? (const struct sockaddr *)&to4 : (const struct sockaddr *)&to6;

	memcpy(&to4.sin_addr, frame + stream->network + 16, sizeof(to4.sin_addr));
	memcpy(&to6.sin6_addr, frame + stream->network + 24, sizeof(to6.sin6_addr));
	if (sendto(stream->from->socket, frame + stream->transport, length - stream->transport, 0, to, ip4 ? sizeof(to4) : sizeof(to6)) < 0 &&
	    (errno == EBADF || errno == EINVAL || errno == EAFNOSUPPORT))
		fail("sendto");
}

static void frame_send(const struct stream *stream, const uint8_t *frame, size_t length)
{
	if (stream->from->interface == 0) {
		frame_send_local(stream, frame, length);
		return;
	}
	while (send(stream->from->socket, frame, length, 0) < 0) {
		if (errno != EINTR && errno != EAGAIN && errno != ENOBUFS)
			fail("send");
	}
}

static void stream_send(struct flood *flood, struct stream *stream, int64_t now)
{
	if (stream->rate != 0 && stream->sent == stream->sent_at_capacity) {
		size_t capacity = stream->sent_at_capacity ? stream->sent_at_capacity * 2 : 4096;

		stream->sent_at = reallocarray(stream->sent_at, capacity, sizeof(*stream->sent_at));
		if (!stream->sent_at)
			fail("memory");
		memset(stream->sent_at + stream->sent, 0, (capacity - stream->sent) * sizeof(*stream->sent_at));
		stream->sent_at_capacity = capacity;
	}
	frame_next(flood, stream);
	if (stream->rate != 0)
		stream->sent_at[stream->sent] = now & ~(int64_t)MARKS;
	frame_send(stream, stream->frame, stream->length);
	if (stream->rate != 0 && monotonic_ns() - now > VAGUE_NS)
		stream->sent_at[stream->sent] |= MARK_VAGUE;
	stream->sent++;
}

/* A part of the handshake: no token, no payload. */
static void handshake_send(struct stream *stream, const struct stream *other, uint8_t flags)
{
	uint8_t frame[FRAME_BYTES_MAX];
	size_t length = stream->length - TOKEN_BYTES;
	bool ip4 = stream->frame[12] == 0x08;
	uint32_t sum;

	memcpy(frame, stream->frame, length);
	frame[stream->transport + 13] = flags;
	put32(frame + stream->transport + 4, stream->tcp_next);
	put32(frame + stream->transport + 8, flags & FLAG_ACK ? other->tcp_next : 0);
	put16(frame + stream->network + (ip4 ? 2 : 4),
	      (uint16_t)(length - (ip4 ? stream->network : stream->transport)));
	if (ip4) {
		put16(frame + stream->network + 10, 0);
		sum = sum16(frame + stream->network, 20, 0);
		put16(frame + stream->network + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	}
	frame_checksum(stream, frame, length);
	frame_send(stream, frame, length);
	stream->tcp_next += flags & FLAG_SYN ? 1 : 0;
	stream->tcp_received = stream->tcp_next;
}

static void connections_begin(struct flood *flood)
{
	for (size_t i = 0; i + 1 < flood->stream_count; i++) {
		struct stream *stream = &flood->streams[i], *reply = stream + 1;

		if (stream->kind != KIND_TCP)
			continue;
		stream->tcp_next = 1000;
		reply->tcp_next = 2000;
		handshake_send(stream, reply, FLAG_SYN);
		handshake_send(reply, stream, FLAG_SYN | FLAG_ACK);
		handshake_send(stream, reply, FLAG_ACK);
	}
}

/* Paced streams: what is due by now, in the order of the streams. */
static void paced_send(struct flood *flood, int64_t begun)
{
	int64_t now = monotonic_ns();

	for (size_t i = 0; i < flood->stream_count; i++) {
		struct stream *stream = &flood->streams[i];
		uint64_t due = (uint64_t)(now - begun) / 1000 * stream->rate / 1000000 + 1;

		if (stream->rate == 0)
			continue;
		for (int late = 0; stream->sent < due && late < LATE_MAX; late++)
			stream_send(flood, stream, monotonic_ns());
	}
}

/* One flood frame of each flooding stream in turn. False when there is none. */
static bool flood_send(struct flood *flood)
{
	size_t tried = 0;

	for (int i = 0; i < BATCH && tried < flood->stream_count; flood->next_flood++) {
		struct stream *stream = &flood->streams[flood->next_flood % flood->stream_count];

		tried++;
		if (stream->rate != 0)
			continue;
		stream_send(flood, stream, 0);
		flood->flood_sent++;
		tried = 0;
		i++;
	}
	return tried < flood->stream_count;
}

/* Reads without buffering, so that the end of stdin can be polled for. */
static bool line_read(char *line)
{
	size_t length = 0;

	while (length + 1 < LINE_BYTES_MAX && read(STDIN_FILENO, line + length, 1) == 1) {
		if (line[length] == '\n') {
			line[length] = '\0';
			return true;
		}
		length++;
	}
	return false;
}

/* Does what a line says while packets are sent. True: it is over. */
static bool order_takes_end(struct flood *flood)
{
	struct pollfd wait = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[LINE_BYTES_MAX];

	if (poll(&wait, 1, 0) <= 0)
		return false;
	if (!line_read(line))
		return true;
	flood->stopped = strcmp(line, "stop") == 0;
	if (!flood->stopped) {
		printf("%" PRIu64 "\n", flood->flood_sent);
		fflush(stdout);
	}
	return flood->stopped;
}

/* Packets that the queues of all processors dropped: the second number of each line. */
static uint64_t backlog_count(void)
{
	FILE *file = fopen("/proc/net/softnet_stat", "re");
	uint64_t sum = 0;
	unsigned int drops;

	if (!file)
		fail("softnet_stat");
	while (fscanf(file, "%*x %x%*[^\n]", &drops) == 1)
		sum += drops;
	fclose(file);
	return sum;
}

static void backlog_look(struct flood *flood)
{
	int64_t now = monotonic_ns();
	uint64_t drops;

	if (now - flood->backlog_looked < BACKLOG_LOOK_NS)
		return;
	flood->backlog_looked = now;
	drops = backlog_count();
	if (drops != flood->backlog_drops && flood->backlog_count < BACKLOG_LISTED_MAX)
		flood->backlog_at[flood->backlog_count++] = now;
	flood->backlog_drops = drops;
}

static int64_t flood_run(struct flood *flood)
{
	int64_t begun = monotonic_ns();

	flood->backlog_drops = backlog_count();
	connections_begin(flood);
	while (flood->flood_limit != 0 ? flood->flood_sent < flood->flood_limit : !order_takes_end(flood)) {
		backlog_look(flood);
		paced_send(flood, begun);
		if (!flood_send(flood))
			sched_yield();
		endpoints_empty(flood);
	}
	return monotonic_ns() - begun;
}

static bool everything_arrived(const struct flood *flood)
{
	for (size_t i = 0; i < flood->stream_count; i++) {
		if (flood->streams[i].rate != 0 && flood->streams[i].received < flood->streams[i].sent)
			return false;
	}
	return true;
}

/* Waits for what is still under way: until everything is there, or nothing has come for a while. */
static void flood_drain(struct flood *flood)
{
	int64_t quiet_since = monotonic_ns();

	while (monotonic_ns() - quiet_since < (int64_t)DRAIN_MS * 1000000) {
		if (endpoints_empty(flood))
			quiet_since = monotonic_ns();
		else if (everything_arrived(flood))
			return;
		sched_yield();
	}
}

/* ---- input and output */

static enum kind kind_of(const char *word)
{
	static const char *const words[] = { "fixed", "fresh", "tcp", "tcp-reply" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0)
			return (enum kind)i;
	}
	errno = EINVAL;
	fail(word);
}

static void stream_parse(struct flood *flood, const char *line)
{
	struct stream *stream = &flood->streams[flood->stream_count++];
	char kind[16], digits[2 * FRAME_BYTES_MAX + 1];
	unsigned int from, to;

	errno = EINVAL;
	if (flood->stream_count > STREAMS_MAX ||
	    sscanf(line, "stream %15s %" SCNu64 " %u %u %512s", kind, &stream->rate, &from, &to, digits) !=
		    5 ||
	    from >= flood->endpoint_count || to >= flood->endpoint_count)
		fail(line);
	stream->kind = kind_of(kind);
	stream->from = &flood->endpoints[from];
	stream->to = &flood->endpoints[to];
	if (stream->to->interface != 0)
		endpoint_bind(stream->to, ETH_P_ALL);
	frame_parse(stream, digits);
}

static void flood_parse(struct flood *flood)
{
	char line[LINE_BYTES_MAX], netns[256], interface[IFNAMSIZ];
	int family, protocol;

	while (line_read(line)) {
		if (sscanf(line, "go %" SCNu64, &flood->flood_limit) == 1 || strcmp(line, "go") == 0)
			return;
		if (flood->endpoint_count < ENDPOINTS_MAX && sscanf(line, "endpoint %255s %15s", netns, interface) == 2)
			endpoint_open(&flood->endpoints[flood->endpoint_count++], netns, interface);
		else if (flood->endpoint_count < ENDPOINTS_MAX && sscanf(line, "local %255s %d %d", netns, &family, &protocol) == 3)
			endpoint_open_local(&flood->endpoints[flood->endpoint_count++], netns, family == 4, protocol);
		else
			stream_parse(flood, line);
	}
	errno = EINVAL;
	fail("no line says go");
}

static uint64_t drops_count(const struct flood *flood)
{
	uint64_t drops = 0;

	for (size_t i = 0; i < flood->endpoint_count; i++) {
		uint32_t information[SK_MEMINFO_VARS];
		socklen_t length = sizeof(information);

		if (getsockopt(flood->endpoints[i].socket, SOL_SOCKET, SO_MEMINFO, information, &length) < 0)
			fail("SO_MEMINFO");
		drops += information[SK_MEMINFO_DROPS];
	}
	return drops;
}

static void stream_print(const struct stream *stream)
{
	int listed = 0;

	printf("{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"strangers\":%" PRIu64 ",\"arrived\":[%" PRId64 ",%" PRId64 "],\"lost\":[",
	       stream->sent, stream->received, stream->strangers, stream->arrived_first / 1000000, stream->arrived_last / 1000000);
	for (uint64_t i = 0; i < stream->sent && stream->rate != 0 && listed < LOST_LISTED_MAX; i++) {
		if (!(stream->sent_at[i] & MARK_ARRIVED))
			printf("%s[%" PRIu64 ",%" PRId64 "]", listed++ ? "," : "", i, stream->sent_at[i] / 1000000);
	}
	printf("]}");
}

/* The first packet of a stream that was sent at a time or later. */
static uint64_t stream_packet_at(const struct stream *stream, int64_t time)
{
	uint64_t low = 0, high = stream->sent;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (stream->sent_at[middle] < time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void window_print(const struct stream *stream, int64_t from, int64_t to)
{
	int64_t arrived_first = 0, arrived_last = 0;
	uint64_t lost = 0, arrived = 0, vague = 0, first = stream_packet_at(stream, from), last = stream_packet_at(stream, to);

	printf("{\"lost_at\":[");
	for (uint64_t i = first; i < last; i++) {
		int64_t at = stream->sent_at[i];

		vague += (at & MARK_VAGUE) != 0;
		if ((at & MARKS) == MARK_ARRIVED) {
			arrived_first = arrived++ == 0 ? at : arrived_first;
			arrived_last = at;
		}
		if ((at & MARKS) == 0 && lost++ < LOST_LISTED_MAX)
			printf("%s%" PRId64, lost > 1 ? "," : "", at / 1000000);
	}
	printf("],\"lost\":%" PRIu64 ",\"arrived\":%" PRIu64 ",\"vague\":%" PRIu64 ",\"first\":%" PRId64 ",\"last\":%" PRId64 "}", lost, arrived, vague,
	       arrived_first / 1000, arrived_last / 1000);
}

/* Answers lines until stdin ends. */
static void windows_print(const struct flood *flood)
{
	char line[LINE_BYTES_MAX];
	const char *separator = "";
	int64_t from, to;
	size_t number;

	errno = EINVAL;
	while (flood->stopped && line_read(line)) {
		if (sscanf(line, "window %zu %" SCNd64 " %" SCNd64, &number, &from, &to) != 3 || number >= flood->stream_count ||
		    flood->streams[number].rate == 0)
			fail(line);
		fputs(separator, stdout);
		separator = ",";
		window_print(&flood->streams[number], from * 1000, to * 1000);
	}
}

static void flood_print(const struct flood *flood, int64_t elapsed_ns, int64_t processor_ns)
{
	printf("{\"elapsed_ns\":%" PRId64 ",\"processor_ns\":%" PRId64 ",\"drops\":%" PRIu64 ",\"backlog\":[", elapsed_ns, processor_ns,
	       drops_count(flood));
	for (size_t i = 0; i < flood->backlog_count; i++)
		printf("%s%" PRId64, i ? "," : "", flood->backlog_at[i] / 1000000);
	printf("],\"streams\":[");
	for (size_t i = 0; i < flood->stream_count; i++) {
		printf("%s", i ? "," : "");
		stream_print(&flood->streams[i]);
	}
	printf("],\"windows\":[");
	windows_print(flood);
	puts("]}");
}

/* All of it stays on one processor, so that frames keep their order. */
static void processor_pin(void)
{
	cpu_set_t processors;
	size_t first = 0;

	if (sched_getaffinity(0, sizeof(processors), &processors) < 0)
		fail("sched_getaffinity");
	while (!CPU_ISSET(first, &processors))
		first++;
	CPU_ZERO(&processors);
	CPU_SET(first, &processors);
	if (sched_setaffinity(0, sizeof(processors), &processors) < 0)
		fail("sched_setaffinity");
}

int main(void)
{
	static struct flood flood;
	int64_t elapsed_ns, processor_ns;

	flood_parse(&flood);
	processor_pin();
	processor_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	elapsed_ns = flood_run(&flood);
	processor_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - processor_ns;
	flood_drain(&flood);
	flood_print(&flood, elapsed_ns, processor_ns);
	return EXIT_SUCCESS;
}
