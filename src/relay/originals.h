/*
 * originals (原本): mails as they were received, kept on the Internet side (R10).
 *
 *	STATE-DIR/originals/<relay>/<day>/<id>			a mail that the inner server has, or perhaps has
 *	STATE-DIR/originals/<relay>/<day>/<id>.receiving	its content is coming in: nobody has it yet
 *	STATE-DIR/originals/<relay>/<day>/<id>.offered		whole and on the disk; it is being delivered
 *	STATE-DIR/originals/<relay>/<day>/<fingerprint>.doubtful	another name of the day's first original of a mail that perhaps was delivered
 *	STATE-DIR/originals/.unanswered/<fingerprint>		delivered, but its sender did not get our 250
 *
 * A mail may be delivered only when it is "offered" and file and directory are on the disk (fsync). So whenever power fails, each mail that
 * somebody has was kept: at the next start what was offered becomes an original, and what was being received is removed.
 * An id is the local time and 80 random bits: "20261128-091530-k3w9x0c1v7b2n4m6". Days are local.
 */
#ifndef RELAY_ORIGINALS_H
#define RELAY_ORIGINALS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "relay/messages.h"

enum {
	ORIGINAL_DAY_BYTES = sizeof("2026-11-28"),
	ORIGINAL_PATH_BYTES = ORIGINAL_DAY_BYTES + MESSAGE_ID_BYTES + sizeof(".receiving"),
	RECOVER_DAYS = 3,
	UNANSWERED_DAYS = 5,		/* as long as mail servers usually try again (RFC 5321 section 4.5.4.1) */
};

/* The directory of one relay. */
struct originals {
	int directory;
};

enum original_state { ORIGINAL_RECEIVING, ORIGINAL_OFFERED, ORIGINAL_KEPT };

/* One mail. The store must outlive it. */
struct original {
	const struct originals *store;
	enum original_state state;
	char day[ORIGINAL_DAY_BYTES];
	char id[MESSAGE_ID_BYTES];
	int64_t received_seconds;
};

/* Opens (and makes) the directory of a relay below root, a directory. 0 or negative errno. */
int originals_open(int root, const char *relay, struct originals *ret_originals);

/* Closes the directory. */
void originals_close(struct originals *originals);

/*
 * Makes the file of a mail that begins now (Unix time); *ret_descriptor can write it and nothing else. -ENOSPC: it would leave less than
 * free_bytes_min when it has declared_bytes; other negative errno.
 */
int original_create(const struct originals *store, int64_t now, uint64_t declared_bytes, uint64_t free_bytes_min,
		    struct original *ret_original, int *ret_descriptor);

/* The mail is whole: its name says so. Not on the disk before original_sync(). 0 or negative errno. */
int original_offer(struct original *original);

/* Brings the names of the mail's day to the disk; so also those of other mails of that day. 0 or negative errno. */
int original_sync(const struct original *original);

/* True when one original_sync() serves both. */
bool original_same_directory(const struct original *a, const struct original *b);

/* The inner server has it, or may have it. 0 or negative errno; the mail then stays offered, which loses nothing. */
int original_keep(struct original *original);

/*
 * The inner server may have it, and its sender will send it again: like original_keep(), and what the day has of the same mail (fingerprint; the
 * contents are compared as well, the front is not trusted) is kept once under all its ids. 0 or negative errno: nothing is lost, it takes more room.
 */
int original_keep_doubtful(struct original *original, const uint8_t fingerprint[static DIGEST_BYTES]);

/* Nobody has it: the file is removed. 0 or negative errno. */
int original_drop(const struct original *original);

/* Opens the mail for reading; its size in bytes. 0 or negative errno. */
int original_read(const struct original *original, int *ret_descriptor, uint64_t *ret_bytes);

struct originals_swept {
	unsigned int removed;	/* mails that were being received */
	unsigned int kept;	/* mails whose delivery was not known */
};

/*
 * Puts in order what a keeper that died left behind. What is unfinished was begun within its last hours, so only the newest RECOVER_DAYS days are
 * looked at. 0 or negative errno; what can be done is done all the same.
 */
int originals_recover(const struct originals *originals, struct originals_swept *ret_swept);

/* What originals_expire() did. */
struct originals_expired {
	unsigned int over;	/* days that are not kept any more; normally at most 1 */
	bool removed;		/* one of them is gone */
	bool more;		/* of the oldest there are mails left: call again */
};

/*
 * Removes the oldest day that is older than retention_days (at least 1), or at most entries_max (1 or more) mails of it: never more in one call, so that a clock
 * that is wrong for an hour does not cost years. 0 or negative errno; a day that cannot be removed does not keep the others.
 */
int originals_expire(const struct originals *originals, int64_t now, unsigned int retention_days, unsigned int entries_max,
		     struct originals_expired *ret_expired);

/* Notes that the mail of this fingerprint was delivered and its sender does not know. On the disk when it returns 0. */
int unanswered_note(int root, const uint8_t fingerprint[static DIGEST_BYTES]);

/* True when such a note is at most UNANSWERED_DAYS old. */
bool unanswered_known(int root, const uint8_t fingerprint[static DIGEST_BYTES], int64_t now);

/* Removes notes that are older. 0 or negative errno. */
int unanswered_expire(int root, int64_t now);

#endif
