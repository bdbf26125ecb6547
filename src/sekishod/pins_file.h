/*
 * pins_file: the pins as the root-owned file says them, read for the parent.
 *
 * A file of many flows takes longer to read than anything else the parent has done. So it may be read before it is known whether the pins will be wanted, while
 * the planner reads it as well; when they are wanted, it is enough that every file still says the same.
 */
#ifndef SEKISHOD_PINS_FILE_H
#define SEKISHOD_PINS_FILE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/finding.h"

enum { PINS_TEXT_BYTES_MAX = 512 << 20 };	/* READER_TOTAL_BYTES_MAX */

/* One of the files that were read. */
struct pins_source {
	const char *path;
	uint8_t digest[DIGEST_BYTES];	/* of its bytes */
};

struct pins_reading {
	struct arena *arena;		/* NULL: nothing was read */
	struct buf pins;		/* as pins_pack() does */
	struct buf text;		/* the file in canonical form, without includes */
	uint8_t digest[DIGEST_BYTES];	/* of the text as it was written, by which the planner names it */
	struct pins_source *sources;	/* the file named first, then what it includes */
	size_t source_count;
};

/*
 * Reads the file at path and what it includes, after checking that each file is a regular file, belongs to
 * root or to ourselves, and may be written by no group and not by everybody: else a finding each. now: Unix time. 0: the reading is appended to out as bytes, for
 * pins_reading_unpack(); -EPERM: there are findings; -EBADMSG: the file is broken or against the law (whoever loads the policy finds out how); other negative
 * errno. What is appended then means nothing.
 */
int pins_read(const char *path, int64_t now, struct findings *findings, struct buf *out);

/*
 * Makes a reading of what pins_read() appended, from begin to the end of bytes, whose memory becomes the reading's. 0: the caller gives the reading back; -EIO:
 * it is none, and the memory stays the caller's. The pins are not looked at.
 */
int pins_reading_unpack(struct buf *bytes, size_t begin, struct pins_reading *ret_reading);

/* True when it is a reading of this path, and each of its files may still be believed and says what it said. */
bool pins_reading_holds(const struct pins_reading *reading, const char *path);

/* Gives it back; an empty one as well. */
void pins_reading_free(struct pins_reading *reading);

#endif
