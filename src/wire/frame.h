/*
 * frame: typed messages over a local stream socket, and the verbs we speak.
 *
 * A frame is a header of 12 bytes (magic "SKS1", verb, flags, payload length; little endian) and a payload.
 * Bulk goes beside it: a frame may carry one descriptor. Where it is a memfd, it is sealed (F_SEAL_SHRINK |
 * GROW | WRITE | SEAL), so that what was checked is what is used. The descriptor travels with the first byte of its frame
 * and FRAME_DESCRIPTOR says that it does: one that comes unannounced, or an announced one that is missing,
 * ends the connection. The receiver states the largest payload it takes; anything else ends the connection.
 * Nothing here ever exits or asserts on what a peer sent.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum verb {
	VERB_NONE,
	/* sekisho command -> planner (control socket); payloads are JSON objects */
	VERB_APPLY, VERB_STATUS,
	/* planner -> command */
	VERB_REPORT,
	/* planner -> enforcer */
	VERB_SNAPSHOT,		/* tell me what the kernel holds */
	VERB_PROPOSE,		/* memfd: packed ruleset */
	/* enforcer -> planner */
	VERB_HELD,		/* memfd: packed kernel ruleset, none if the kernel has none; payload: held marks */
	VERB_COMMITTED,		/* payload: counts */
	VERB_REFUSED,		/* payload: findings as JSON (wire/report.h) */
	/* parent -> enforcer */
	VERB_PINS,		/* payload: packed zones */
	/* parent -> planner, enforcer */
	VERB_CHANNEL,		/* descriptor: a new socket to another role; payload: one byte, its number */
	/* planner <-> parent */
	VERB_RENEW_PINS,	/* planner: read the pins again (payload: of which file, sekishod/messages.h); parent: done (payload: empty, or findings as JSON) */
	VERB_READY,		/* planner: a policy (or the seal) is in force; payload: digest of its text, then a status text for systemd */
	/* witness -> enforcer, and its answer */
	VERB_WATCH,		/* witness: let me see the log of refusals; enforcer: descriptor; payload: empty, or why there is none */
	VERB_TALLY,		/* witness: how many were refused? enforcer: memfd: packed tally */
	/* between the roles of sekisho-relay; relay/messages.h says who says what to whom */
	VERB_RELOAD, VERB_PLAN, VERB_LISTENING,
	VERB_SESSION, VERB_COURIER, VERB_SENDER, VERB_RECIPIENT, VERB_RESET, VERB_ANSWER,
	VERB_ORIGINAL, VERB_COMPLETE, VERB_SYNCED, VERB_DROP, VERB_ANSWERED,
	VERB_WASH, VERB_LETTER, VERB_STUB, VERB_DURABLE, VERB_WASHED, VERB_RESULT,
	/* planner, enforcer -> parent */
	VERB_RECORD,		/* payload: a record for the journal (wire/journal.h) */
	/* parent -> planner */
	VERB_RECORDED,		/* the record is on the disk, or could not be written; payload: one byte, 1 or 0 */
	/* sekisho command -> planner (control socket); JSON objects. planner -> parent: VERB_ISOLATE with a packed order (sekishod/isolation_messages.h) */
	VERB_ISOLATE, VERB_RELEASE,
	/* parent -> enforcer, planner */
	VERB_ISOLATION,		/* payload: the zones that are isolated from now on */
	/* enforcer -> parent -> planner */
	VERB_ISOLATED,		/* payload: what came of it */
	VERB_CONFIRM,		/* command -> planner: JSON; planner -> parent: it is confirmed (1), or over: refused or gone back (0) */
	VERB_CONFIRMATION,	/* parent -> planner: what is to be confirmed (struct confirm_state) */
	/*
	 * sekisho command -> planner -> enforcer: what does the kernel hold? (kernel/view.h) Enforcer: memfd; none: it could not be read. Planner to command: the bytes, in
	 * frames of which all but the last have FRAME_MORE.
	 */
	VERB_VIEW,
	/* any role -> parent */
	VERB_ALARM,		/* payload: an alarm for the journal (wire/alarm.h) */
	/* parent -> any role, and its answer: are you there? Empty; daemon/crew.h */
	VERB_PING, VERB_PONG,
	VERB_NETLINK,		/* parent -> enforcer, before all else: descriptor: the socket to nf_tables that our tables belong to */
	/* planner -> enforcer, and its answer; also unasked, when somebody else changed rules */
	VERB_SURVEY,		/* what could carry packets past the rules? */
	VERB_FOREIGN,		/* payload: what was found (sekishod/foreign_messages.h) */
	/*
	 * planner -> parent: look again, but not at these interfaces (4 bytes each), and its answer: the inodes of the sockets of frames that are ours (4 bytes each);
	 * parent -> sentry: memfd: packed layout (wiring/layout.h)
	 */
	VERB_WIRING,
	VERB_PORT,		/* parent -> sentry: descriptor: a socket of frames; payload: the index of its interface (4 bytes) */
	VERB_FAULT,		/* sentry -> parent -> witness: a packed fault (wiring/fault.h) */
	VERB_JOIN,		/* enforcer -> parent: the channel to the planner broke, and was closed; let both have another. Empty */
	VERB_COUNT
};

enum {
	FRAME_HEADER_BYTES = 12,
	FRAME_PAYLOAD_BYTES_MAX = 16 << 20,
	FRAME_SEND_TIMEOUT_MS = 5000,	/* a peer that does not read for so long is given up */
};

/* Flags of a frame. */
enum {
	FRAME_SEAL = 1 << 0,		/* VERB_PROPOSE without a descriptor: put the seal in force */
	FRAME_LAWFUL = 1 << 1,		/* VERB_SNAPSHOT: say as well whether it is lawful; VERB_HELD: the kernel's ruleset holds nothing unknown and is proved */
	FRAME_MORE = 1 << 2,		/* VERB_VIEW: the next frame goes on with it */
	FRAME_DESCRIPTOR = 1 << 15,	/* a descriptor travels with the frame; set by frame_send() alone */
};

struct frame {
	enum verb verb;
	uint16_t flags;
	struct span payload;
	int descriptor;		/* -1: none; owned by whoever took the frame */
};

/* A connection's receiving side: collects bytes until a frame is whole. */
struct frame_reader {
	struct buf bytes;
	int descriptor;		/* received and not yet handed out; -1 none */
	uint32_t payload_bytes_max;
};

/* A reader that takes payloads up to payload_bytes_max (at most FRAME_PAYLOAD_BYTES_MAX). */
struct frame_reader frame_reader_make(uint32_t payload_bytes_max);

/* Closes a descriptor that was not taken and frees the bytes; the socket is not touched. */
void frame_reader_free(struct frame_reader *reader);

/* The frame that was handed out is done with, and its payload no longer valid: gives back the room it took, which may be much. */
void frame_reader_rest(struct frame_reader *reader);

/*
 * Reads what is there (one recvmsg, never past the end of the frame). 1: *ret_frame is whole, its payload
 * is valid until the next call; 0: not yet; -EPIPE: the peer has closed; -EBADMSG: not a frame of ours or
 * too large; other negative errno. Works on blocking and non-blocking sockets (-EAGAIN is 0).
 */
int frame_receive(int socket, struct frame_reader *reader, struct frame *ret_frame);

/* Waits at most timeout_ms for one whole frame. 0; -ETIMEDOUT; otherwise as frame_receive(). */
int frame_await(int socket, struct frame_reader *reader, int timeout_ms, struct frame *ret_frame);

/*
 * Sends one frame whole, waiting where it must (poll on a non-blocking socket), with the descriptor if it
 * is not -1 (which stays the caller's). 0; -EMSGSIZE: the payload is too large; -ETIMEDOUT: the peer did
 * not read for FRAME_SEND_TIMEOUT_MS (the connection is then useless); other negative errno.
 */
int frame_send(int socket, const struct frame *frame);

/*
 * The same without waiting, on a non-blocking socket: for who serves many and is not to be stopped by one that does not read. -ETIMEDOUT: it does not
 * fit now, and the connection is useless.
 */
int frame_send_now(int socket, const struct frame *frame);

/* Appends a frame without its descriptor as the bytes that travel: for who sends them himself. The payload is at most FRAME_PAYLOAD_BYTES_MAX long. */
void frame_pack(struct buf *out, const struct frame *frame);

/* A sealed memfd holding the bytes; the caller closes it. 0 or negative errno. */
int sealed_make(const char *name, struct span bytes, int *ret_descriptor);

/*
 * Maps a memfd read-only after checking that it is sealed against every change and at most bytes_max long.
 * sealed_unmap() gives it back; the descriptor may be closed at once. 0; -EPERM: not a sealed memfd;
 * -EFBIG: longer than bytes_max; other negative errno.
 */
int sealed_map(int descriptor, size_t bytes_max, struct span *ret_bytes);

/* Gives back what sealed_map() gave. */
void sealed_unmap(struct span bytes);

#endif
