/*
 * door: the enforcer's side of its channel to the witness.
 *
 * The witness needs two things that only the enforcer may get: the socket to which the kernel logs refused packets, and what the kernel has counted. It is
 * given nothing else, and its requests carry nothing. It may have been broken into, so nothing is ever waited for here: an answer that
 * it does not take at once ends the conversation. A request that comes soon after another one is left where it is until its time has come; that it does come
 * soon says nothing of the witness, because we may have been busy while both waited.
 */
#ifndef SEKISHOD_DOOR_H
#define SEKISHOD_DOOR_H

#include "kernel/nfnl.h"
#include "ruleset/program.h"
#include "wire/frame.h"

enum { DOOR_PAUSE_MS = 200 };	/* between two requests that are answered */

struct door {
	int channel;		/* -1: no witness */
	struct frame_reader reader;
	int log;		/* the kernel's log; kept open, so that what is logged while there is no witness waits for the next one. -1: not open */
	int64_t answered_ms;	/* when the last answer was given; monotonic */
};

/* A door with nobody behind it. */
struct door door_closed(void);

/*
 * Opens the kernel's log already, so that what is refused from now on waits there for the witness. Where that is not possible yet, because a witness holds the log
 * that another enforcer opened, it is done when the witness asks.
 */
void door_prepare(struct door *door);

/* There is a witness at this descriptor, which the door takes; another one before it is not listened to any more. */
void door_open(struct door *door, int channel);

/* The channel, when a request may be answered by now; -1: not now, or there is no witness. */
int door_descriptor(const struct door *door);

/* In how many milliseconds one may be answered again; -1: by now, or there is no witness. */
int door_wait_ms(const struct door *door);

/* Something came from the witness. pins: the zones; NULL: not known yet. */
void door_serve(struct door *door, struct nfnl *nfnl, const struct program_input *pins);

/* Gives back everything. */
void door_close(struct door *door);

#endif
