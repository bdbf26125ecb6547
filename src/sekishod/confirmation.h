/*
 * confirmation: a change that goes back by itself unless somebody confirms it in time. The parent's; kept in the state directory.
 *
 * Before a change that wants to be confirmed is proposed, the text that is in force is put aside. A start of sekishod finds it there and goes on
 * waiting; after a reboot the time is over: who has locked himself out gets the old policy by a power cycle as well.
 */
#ifndef SEKISHOD_CONFIRMATION_H
#define SEKISHOD_CONFIRMATION_H

#include <stdbool.h>
#include <stdint.h>

enum { CONFIRM_SECONDS_MAX = 24 * 3600 };

struct confirmation {
	const char *directory;
	bool pending;
	int64_t deadline_ms;	/* of the time since boot, suspended or not (CLOCK_BOOTTIME) */
};

/* Puts the text in force aside and begins to wait. 0; -ENOENT: no text was kept, so there is nothing to go back to; other negative errno. */
int confirmation_begin(struct confirmation *confirmation, uint32_t seconds);

/* What a predecessor was waiting for. What cannot be read is over. */
void confirmation_recall(struct confirmation *confirmation);

/* Nobody waits any more; what was put aside goes. */
void confirmation_end(struct confirmation *confirmation);

/* How long it still waits, in milliseconds; 0: the time is over. */
int64_t confirmation_left_ms(const struct confirmation *confirmation);

#endif
