/*
 * backup: the one file that `sekisho backup` writes and `sekisho restore` takes apart (R34). It is a tar of the pax format (POSIX.1-2001), so that anybody can
 * look into it; libarchive writes and reads it, and knows UTF-8 only where the process has such a locale (LC_CTYPE). Its members, in this order:
 *
 *   config/NAME		the zone file and what it includes, as they were written, NAME relative to the directory of the zone file
 *   state/NAME		what sekishod keeps in its state directory
 *   manifest.json	{"sekisho-backup": 1, "time", "host", "config", "members": [{"name", "bytes", "sha256"}, ...]}
 *
 * The manifest is the last member: an archive that was cut off has none. What is read is foreign bytes: only names of these shapes are taken, only regular
 * files, none twice, within the limits below, and nothing counts before every member is what the manifest says.
 */
#ifndef SEKISHO_BACKUP_H
#define SEKISHO_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"

#define BACKUP_CONFIG "config/"
#define BACKUP_STATE "state/"
#define BACKUP_MANIFEST "manifest.json"

enum {
	BACKUP_VERSION = 1,
	BACKUP_MEMBERS_MAX = 4096,
	BACKUP_NAME_BYTES_MAX = 512,
	BACKUP_MANIFEST_BYTES_MAX = 4 << 20,
};
#define BACKUP_BYTES_MAX (4LL << 30)	/* of all members together */

/* What the manifest says of the whole. */
struct backup_about {
	int64_t time;			/* Unix time when it was made */
	const char *host;		/* name of the machine */
	const char *config;		/* NAME of the zone file itself */
};

/* True for the name of a member: one of the two shapes, in visible UTF-8, without "." and ".." in it, at most BACKUP_NAME_BYTES_MAX long. */
bool backup_is_member(const char *name);

/* ---- writing */

struct backup;

/* Begins an archive; it is written to the descriptor, which stays the caller's. 0 or negative errno; backup_end() gives *ret_backup back. */
int backup_begin(int descriptor, struct backup **ret_backup);

/* The next member, of these bytes. 0; -EINVAL: its name is none of a member; other negative errno. */
int backup_put(struct backup *backup, const char *name, struct span bytes);

/* The next member, of the first length bytes of a file; -EIO when there are fewer. */
int backup_put_file(struct backup *backup, const char *name, int file, uint64_t length);

/* Writes the manifest and gives the backup back, on error too; about NULL: it is given up, without a manifest. 0: everything was written; or negative errno. */
int backup_end(struct backup *backup, const struct backup_about *about);

/* ---- reading */

struct backup_member {
	const char *name;
	uint64_t bytes;
	uint8_t digest[DIGEST_BYTES];
};

struct backup_content {
	struct backup_about about;
	struct backup_member *members;	/* without the manifest */
	size_t member_count;
};

enum backup_fault {
	BACKUP_SOUND,
	BACKUP_NO_ARCHIVE,		/* the bytes are no tar, or a broken one */
	BACKUP_CUT_OFF,			/* there is no manifest */
	BACKUP_STRANGE_MEMBER,		/* a name that is none of ours, or comes twice, or no regular file */
	BACKUP_TOO_LARGE,
	BACKUP_NEWER,			/* of a version that is not known here */
	BACKUP_NOT_AS_WRITTEN,		/* a member is missing, or is not what the manifest says */
};

/*
 * Takes the archive apart into an empty directory that is ours alone; files get mode 0600. What it says lives in the arena. 0; -EBADMSG: *ret_fault says what is
 * wrong and *ret_member (in the arena) where, "" where no member can be named; other negative errno. On error what was taken out already lies in the directory.
 */
int backup_unpack(struct arena *arena, int descriptor, const char *directory, struct backup_content *ret_content, enum backup_fault *ret_fault,
		  const char **ret_member);

#endif
