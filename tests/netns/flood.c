/*
 * flood: sends numbered frames from some network namespaces to others and says which of them arrived.
 *
 * It reads lines from stdin:
 *
 *	endpoint NETNS INTERFACE		the first is endpoint 0
 *	stream KIND RATE FROM TO FRAME		the first is stream 0
 *	go
 *
 * and sends until stdin ends, or until as many flood frames as `go COUNT` says. RATE is in packets per second; 0
 * floods: as fast as it goes. FRAME is an Ethernet frame with IPv4 or IPv6, UDP or TCP, in hexadecimal digits; its
 * last 16 bytes are a magic number, the stream's number and a sequence number, which are filled in, as are
 * checksums. KIND:
 *
 *	fixed		always the same ports
 *	fresh		another source port for each packet: always a new connection
 *	tcp		one connection, begun by a handshake; the next stream must be its tcp-reply
 *	tcp-reply	the other direction of that connection
 *
 * Sending and receiving is one thread on one processor. With veth a frame has gone its whole way when the call that
 * sends it returns, so the receivers are emptied before they can overflow; what they dropped nevertheless is
 * reported. processor_ns is what this program had of the processor, the kernel's work on the packets with it, however
 * busy the machine was besides.
 *
 * Output, in JSON: {"elapsed_ns", "processor_ns", "drops", "streams": [{"sent", "received", "strangers", "lost": [[sequence,
 * monotonic milliseconds], ...]}, ...]}. A stranger is a frame that came by another endpoint than it should. Of what
 * was lost the first 20 are listed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
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
	ENDPOINTS_MAX = 16, STREAMS_MAX = 64, FRAME_BYTES_MAX = 256, LINE_BYTES_MAX = 1024,
	TOKEN_BYTES = 16, TOKEN_MAGIC = 0x534b666c,
	BATCH = 32,			/* flood frames between two looks at the clock */
	LATE_MAX = 16,			/* frames of one paced stream at once, when it is late */
	LOST_LISTED_MAX = 20,
	PORT_FIRST = 1024, PORT_COUNT = 60000,
	RECEIVE_BUFFER_BYTES = 32 << 20,
	DRAIN_MS = 2000,		/* silence after which nothing more is expected */
	PROTOCOL_TCP = 6, PROTOCOL_UDP = 17,
	FLAG_SYN = 2, FLAG_PUSH = 8, FLAG_ACK = 16,
};

enum kind { KIND_FIXED, KIND_FRESH, KIND_TCP, KIND_TCP_REPLY };

struct endpoint {
	int socket;
	int interface;			/* index */
	uint64_t drops;
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
	uint64_t sent, received, strangers;
	int64_t *sent_at;		/* of paced streams, by sequence number: monotonic ns; 0: arrived */
	size_t sent_at_capacity;
};

struct flood {
	struct endpoint endpoints[ENDPOINTS_MAX];
	size_t endpoint_count;
	struct stream streams[STREAMS_MAX];
	size_t stream_count;
	uint64_t flood_limit;		/* 0: until stdin ends */
	uint64_t flood_sent;
	size_t next_flood;		/* the stream whose turn it is */
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

/* Fills in the checksum of the transport header of a frame of length bytes; connection tracking looks at it. */
static void frame_checksum(const struct stream *stream, uint8_t *frame, size_t length)
{
	bool ip4 = frame[12] == 0x08;
	size_t addresses = stream->network + (ip4 ? 12 : 8);
	size_t at = stream->transport + (stream->protocol == PROTOCOL_TCP ? 16 : 6);
	uint32_t sum = stream->protocol + (uint32_t)(length - stream->transport);

	put16(frame + at, 0);
	sum = sum16(frame + addresses, ip4 ? 8 : 32, sum);
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
		put16(transport, (uint16_t)(PORT_FIRST + sequence % PORT_COUNT));
	if (stream->kind == KIND_TCP || stream->kind == KIND_TCP_REPLY) {
		const struct stream *other = stream->kind == KIND_TCP ? stream + 1 : stream - 1;

		put32(transport + 4, stream->tcp_next);
		put32(transport + 8, other->tcp_next);
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

/* It can send; it receives when it is the end of a stream. */
static void endpoint_open(struct endpoint *endpoint, const char *netns, const char *interface)
{
	int on = 1, bytes = RECEIVE_BUFFER_BYTES;
	int namespace = open(netns, O_RDONLY | O_CLOEXEC);

	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
		fail(netns);
	close(namespace);
	endpoint->socket = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	endpoint->interface = (int)if_nametoindex(interface);
	if (endpoint->socket < 0 || endpoint->interface == 0)
		fail(interface);
	endpoint_filter(endpoint->socket);
	endpoint_bind(endpoint, 0);
	if (setsockopt(endpoint->socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(endpoint->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
	    setsockopt(endpoint->socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		fail("setsockopt");
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
	if (stream->to != at) {
		stream->strangers++;
		return true;
	}
	stream->received++;
	if (sequence < stream->sent_at_capacity)
		stream->sent_at[sequence] = 0;
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

static void frame_send(const struct stream *stream, const uint8_t *frame, size_t length)
{
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
	if (stream->rate != 0)
		stream->sent_at[stream->sent] = now;
	frame_next(flood, stream);
	frame_send(stream, stream->frame, stream->length);
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
			stream_send(flood, stream, now);
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

static bool stdin_ended(void)
{
	struct pollfd wait = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&wait, 1, 0) > 0;
}

static int64_t flood_run(struct flood *flood)
{
	int64_t begun = monotonic_ns();

	connections_begin(flood);
	while (flood->flood_limit != 0 ? flood->flood_sent < flood->flood_limit : !stdin_ended()) {
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
	endpoint_bind(stream->to, ETH_P_ALL);
	frame_parse(stream, digits);
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

static void flood_parse(struct flood *flood)
{
	char line[LINE_BYTES_MAX], netns[256], interface[IFNAMSIZ];

	while (line_read(line)) {
		if (sscanf(line, "go %" SCNu64, &flood->flood_limit) == 1 || strcmp(line, "go") == 0)
			return;
		if (sscanf(line, "endpoint %255s %15s", netns, interface) == 2 &&
		    flood->endpoint_count < ENDPOINTS_MAX)
			endpoint_open(&flood->endpoints[flood->endpoint_count++], netns, interface);
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
		struct tpacket_stats stats;
		socklen_t length = sizeof(stats);

		if (getsockopt(flood->endpoints[i].socket, SOL_PACKET, PACKET_STATISTICS, &stats,
			       &length) < 0)
			fail("PACKET_STATISTICS");
		drops += stats.tp_drops;
	}
	return drops;
}

static void stream_print(const struct stream *stream)
{
	int listed = 0;

	printf("{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"strangers\":%" PRIu64 ",\"lost\":[",
	       stream->sent, stream->received, stream->strangers);
	for (uint64_t i = 0; i < stream->sent && stream->rate != 0 && listed < LOST_LISTED_MAX; i++) {
		if (stream->sent_at[i] != 0)
			printf("%s[%" PRIu64 ",%" PRId64 "]", listed++ ? "," : "", i, stream->sent_at[i] / 1000000);
	}
	printf("]}");
}

static void flood_print(const struct flood *flood, int64_t elapsed_ns, int64_t processor_ns)
{
	printf("{\"elapsed_ns\":%" PRId64 ",\"processor_ns\":%" PRId64 ",\"drops\":%" PRIu64 ",\"streams\":[", elapsed_ns, processor_ns,
	       drops_count(flood));
	for (size_t i = 0; i < flood->stream_count; i++) {
		printf("%s", i ? "," : "");
		stream_print(&flood->streams[i]);
	}
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
