/*
 * frame: typed messages over a local stream socket.
 *
 * The reader never takes a byte beyond the frame it is collecting: so a descriptor, which the kernel hands
 * out with the byte it was sent with, always belongs to the frame at hand and cannot be smuggled to the
 * next one.
 */
#include "wire/frame.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAGIC = 0x31534b53 }; /* "SKS1", little endian */

enum { DESCRIPTORS_TAKEN_MAX = 4 }; /* room for more than the one allowed, so that a surplus is seen and closed */

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* The header as it travels: little endian, no padding. */
struct frame_header {
	uint32_t magic;
	uint16_t verb;
	uint16_t flags;
	uint32_t payload_bytes;
};

_Static_assert(sizeof(struct frame_header) == FRAME_HEADER_BYTES, "the header has no padding");

struct frame_reader frame_reader_make(uint32_t payload_bytes_max)
{
	uint32_t limit = payload_bytes_max < FRAME_PAYLOAD_BYTES_MAX ? payload_bytes_max : FRAME_PAYLOAD_BYTES_MAX;

	return (struct frame_reader){ .bytes = buf_limited(FRAME_HEADER_BYTES + (size_t)limit), .descriptor = -1, .payload_bytes_max = limit };
}

void frame_reader_free(struct frame_reader *reader)
{
	if (reader->descriptor >= 0)
		close(reader->descriptor);
	reader->descriptor = -1;
	buf_free(&reader->bytes);
}

/*
 * The header that was collected, in host order. -EBADMSG: not one of ours, or the payload is larger than
 * the reader takes.
 */
static int header_read(const struct frame_reader *reader, struct frame_header *ret_header)
{
	struct frame_header header;

	memcpy(&header, reader->bytes.data, sizeof(header));
	header.magic = le32toh(header.magic);
	header.verb = le16toh(header.verb);
	header.flags = le16toh(header.flags);
	header.payload_bytes = le32toh(header.payload_bytes);
	if (header.magic != FRAME_MAGIC || header.verb == VERB_NONE || header.verb >= VERB_COUNT)
		return -EBADMSG;
	if (header.payload_bytes > reader->payload_bytes_max)
		return -EBADMSG;
	*ret_header = header;
	return 0;
}

/* How many bytes the frame at hand has in all, as far as is known yet: the header, then header and payload. */
static int frame_bytes_wanted(const struct frame_reader *reader, size_t *ret_bytes)
{
	struct frame_header header;
	int error;

	*ret_bytes = FRAME_HEADER_BYTES;
	if (reader->bytes.length < FRAME_HEADER_BYTES)
		return 0;
	error = header_read(reader, &header);
	if (error)
		return error;
	*ret_bytes = FRAME_HEADER_BYTES + (size_t)header.payload_bytes;
	return 0;
}

/*
 * Takes the descriptors of one control message into the reader; all beyond the first are closed. True when
 * there were too many.
 */
static bool descriptors_take(struct frame_reader *reader, const struct cmsghdr *control)
{
	size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool surplus = false;

	for (size_t i = 0; i < count; i++) {
		int descriptor;

		memcpy(&descriptor, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
		if (reader->descriptor < 0) {
			reader->descriptor = descriptor;
			continue;
		}
		close(descriptor);
		surplus = true;
	}
	return surplus;
}

/*
 * One recvmsg of at most bytes_max bytes into the reader. Bytes read (0: the peer has closed) or negative
 * errno.
 */
static ssize_t bytes_receive(int socket, struct frame_reader *reader, size_t bytes_max)
{
	union {
		char bytes[CMSG_SPACE(DESCRIPTORS_TAKEN_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec part = { .iov_base = buf_reserve(&reader->bytes, bytes_max), .iov_len = bytes_max };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	bool surplus = false;
	ssize_t got;

	if (!part.iov_base)
		return -EBADMSG;
	got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (got < 0)
		return -errno;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at))
		if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS)
			surplus = descriptors_take(reader, at) || surplus;
	if (surplus || (message.msg_flags & MSG_CTRUNC))
		return -EBADMSG;
	reader->bytes.length += (size_t)got;
	return got;
}

/* Hands out the whole frame. -EBADMSG when the descriptor and the flag that announces it disagree. */
static int frame_take(struct frame_reader *reader, struct frame *ret_frame)
{
	struct frame_header header;
	int error = header_read(reader, &header);

	if (error)
		return error;
	if ((reader->descriptor >= 0) != ((header.flags & FRAME_DESCRIPTOR) != 0))
		return -EBADMSG;
	*ret_frame = (struct frame){
		.verb = (enum verb)header.verb,
		.flags = header.flags & (uint16_t)~FRAME_DESCRIPTOR,
		.payload = { .data = reader->bytes.data + FRAME_HEADER_BYTES, .length = header.payload_bytes },
		.descriptor = reader->descriptor,
	};
	reader->descriptor = -1;
	return 1;
}

void frame_reader_rest(struct frame_reader *reader)
{
	size_t wanted;

	if (frame_bytes_wanted(reader, &wanted) == 0 && reader->bytes.length == wanted)
		buf_free(&reader->bytes);
}

int frame_receive(int socket, struct frame_reader *reader, struct frame *ret_frame)
{
	size_t wanted;
	ssize_t got;
	int error = frame_bytes_wanted(reader, &wanted);

	if (error)
		return error;
	if (reader->bytes.length >= FRAME_HEADER_BYTES && reader->bytes.length == wanted) {
		/* The frame that was handed out last time is over. */
		reader->bytes.length = 0;
		wanted = FRAME_HEADER_BYTES;
	}
	got = bytes_receive(socket, reader, wanted - reader->bytes.length);
	if (got == -EAGAIN || got == -EINTR)
		return 0;
	if (got == -ECONNRESET || got == 0)
		return -EPIPE;
	if (got < 0)
		return (int)got;
	error = frame_bytes_wanted(reader, &wanted);
	if (error)
		return error;
	return reader->bytes.length == wanted ? frame_take(reader, ret_frame) : 0;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the socket can be read or written, until the deadline. 0, -ETIMEDOUT or negative errno. */
static int socket_wait(int socket, short events, int64_t deadline_ms)
{
	struct pollfd wait = { .fd = socket, .events = events };
	int64_t left_ms = deadline_ms - monotonic_ms();
	int ready = poll(&wait, 1, left_ms > 0 ? (int)left_ms : 0);

	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready == 0 ? -ETIMEDOUT : 0;
}

int frame_await(int socket, struct frame_reader *reader, int timeout_ms, struct frame *ret_frame)
{
	int64_t deadline_ms = monotonic_ms() + timeout_ms;

	for (;;) {
		int result = socket_wait(socket, POLLIN, deadline_ms);

		if (result)
			return result;
		result = frame_receive(socket, reader, ret_frame);
		if (result)
			return result > 0 ? 0 : result;
	}
}

/* Sends what is left of header and payload; the descriptor goes with the first byte. Bytes sent or negative errno. */
static ssize_t parts_send(int socket, const struct span parts[static 2], int descriptor)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec vectors[2];
	struct msghdr message = { .msg_iov = vectors, .msg_iovlen = 2 };
	ssize_t sent;

	for (int i = 0; i < 2; i++)
		vectors[i] = (struct iovec){ .iov_base = (void *)(uintptr_t)parts[i].data, .iov_len = parts[i].length };
	if (descriptor >= 0) {
		struct cmsghdr *at;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		at = CMSG_FIRSTHDR(&message);
		at->cmsg_level = SOL_SOCKET;
		at->cmsg_type = SCM_RIGHTS;
		at->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(at), &descriptor, sizeof(int));
	}
	sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

/* Takes so many bytes off the front of both. */
static void parts_cut(struct span parts[static 2], size_t count)
{
	size_t first = count < parts[0].length ? count : parts[0].length;

	parts[0] = span_part(parts[0], first, parts[0].length);
	parts[1] = span_part(parts[1], count - first, parts[1].length);
}

static int bytes_send(int socket, struct span parts[static 2], int descriptor, int wait_ms)
{
	while (parts[0].length + parts[1].length > 0) {
		ssize_t sent = parts_send(socket, parts, descriptor);

		if (sent == -EAGAIN) {
			int error = socket_wait(socket, POLLOUT, monotonic_ms() + wait_ms);

			if (error)
				return error;
			continue;
		}
		if (sent == -EINTR)
			continue;
		if (sent < 0)
			return (int)sent;
		parts_cut(parts, (size_t)sent);
		descriptor = -1;
	}
	return 0;
}

/* The header as it travels. */
static struct frame_header header_of(const struct frame *frame, uint16_t announced)
{
	return (struct frame_header){
		.magic = htole32(FRAME_MAGIC), .verb = htole16((uint16_t)frame->verb),
		.flags = htole16((uint16_t)((frame->flags & ~FRAME_DESCRIPTOR) | announced)), .payload_bytes = htole32((uint32_t)frame->payload.length),
	};
}

void frame_pack(struct buf *out, const struct frame *frame)
{
	const struct frame_header header = header_of(frame, 0);

	buf_put(out, &header, sizeof(header));
	buf_put(out, frame->payload.data, frame->payload.length);
}

/* A peer that does not read is waited for so long, each time. */
static int frame_send_within(int socket, const struct frame *frame, int wait_ms)
{
	const struct frame_header header = header_of(frame, frame->descriptor >= 0 ? FRAME_DESCRIPTOR : 0);
	struct span parts[2] = { { .data = (const char *)&header, .length = sizeof(header) }, frame->payload };

	if (frame->payload.length > FRAME_PAYLOAD_BYTES_MAX)
		return -EMSGSIZE;
	return bytes_send(socket, parts, frame->descriptor, wait_ms);
}

int frame_send(int socket, const struct frame *frame)
{
	return frame_send_within(socket, frame, FRAME_SEND_TIMEOUT_MS);
}

int frame_send_now(int socket, const struct frame *frame)
{
	return frame_send_within(socket, frame, 0);
}

/* Writes all bytes at the start of a fresh memfd. 0 or negative errno. */
static int bytes_write(int descriptor, struct span bytes)
{
	while (bytes.length > 0) {
		ssize_t written = write(descriptor, bytes.data, bytes.length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes.data += written;
		bytes.length -= (size_t)written;
	}
	return 0;
}

int sealed_make(const char *name, struct span bytes, int *ret_descriptor)
{
	int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (descriptor < 0)
		return -errno;
	error = bytes_write(descriptor, bytes);
	if (!error && fcntl(descriptor, F_ADD_SEALS, SEALS) < 0)
		error = -errno;
	if (error) {
		close(descriptor);
		return error;
	}
	*ret_descriptor = descriptor;
	return 0;
}

int sealed_map(int descriptor, size_t bytes_max, struct span *ret_bytes)
{
	int seals = fcntl(descriptor, F_GET_SEALS);
	struct stat status;
	void *bytes;

	/*
	 * The seals are looked at before the size: only then does the size stay. Anything but a memfd has
	 * no seals at all.
	 */
	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EPERM;
	if (fstat(descriptor, &status) < 0)
		return -errno;
	if (status.st_size < 0 || (uint64_t)status.st_size > bytes_max)
		return -EFBIG;
	if (status.st_size == 0) {
		*ret_bytes = (struct span){ .data = NULL, .length = 0 };
		return 0;
	}
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	*ret_bytes = (struct span){ .data = bytes, .length = (size_t)status.st_size };
	return 0;
}

void sealed_unmap(struct span bytes)
{
	if (bytes.length > 0)
		munmap((void *)(uintptr_t)bytes.data, bytes.length);
}
