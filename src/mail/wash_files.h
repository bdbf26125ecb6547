/*
 * wash_files: files that somebody wrote into a plain text: uuencode (POSIX), yEnc 1.3, BinHex 4.0 (RFC 1741).
 *
 * Left in the text they would carry binary through the relay as letters. A scanner sees the bytes of a text, before their
 * character set is known, and divides them: text goes on, files are measured and taken out. However the bytes are cut, the
 * result is the same.
 *
 *	uuencode	from the line behind "begin 644 name", when it is a line of data, up to the line "end" or the first that is none
 *	yEnc		from the line behind "=ybegin ... name=..." up to the line "=yend"; "=ypart" lines are part of it
 *	BinHex		from ':' at the beginning of a line behind "(This file must be converted with BinHex" up to the next ':'
 * The first and the last line stay in the text, so a reader sees where the file was.
 * Size and SHA-256 are those of the file for uuencode and yEnc, of the letters without line ends for BinHex. Lines end in LF or
 * CR LF; of a longer line than WASH_FILES_LINE_BYTES_MAX nothing is a mark.
 */
#ifndef MAIL_WASH_FILES_H
#define MAIL_WASH_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "mail/wash_sniff.h"

enum { WASH_FILES_LINE_BYTES_MAX = 512 };

/* A file that was taken out. */
struct wash_file {
	struct span name;	/* as it stands in the text, any bytes; may be empty */
	struct span type;	/* by its look; may be empty */
	bool encrypted;		/* needs a password */
	uint64_t size_bytes;
	uint8_t sha256[DIGEST_BYTES];
};

/* What becomes of the bytes. What the arguments point to is valid during the call. */
struct wash_files_events {
	void (*text)(void *user, struct span bytes);
	void (*file)(void *user, const struct wash_file *file);
};

/* Where the scanner is. */
enum wash_files_state {
	WASH_FILES_TEXT,
	WASH_FILES_UU_FIRST,	/* behind a "begin" line, which is held */
	WASH_FILES_UU,
	WASH_FILES_YENC,
	WASH_FILES_BINHEX_FIRST, /* behind the sentence */
	WASH_FILES_BINHEX,
};

struct wash_files {
	const struct wash_files_events *events;
	void *user;
	enum wash_files_state state;
	bool passing;		/* the rest of this line is no mark */
	bool escaped;		/* yEnc: the last byte was '=' */
	char line[WASH_FILES_LINE_BYTES_MAX]; /* a line that is not complete */
	size_t line_bytes;
	char begin[WASH_FILES_LINE_BYTES_MAX]; /* the first line of the file, with its end */
	size_t begin_bytes;
	struct span name;	/* in begin */
	struct digest digest;	/* of the file at hand */
	struct wash_sniffer sniffer;
	uint64_t file_bytes;
};

/* A scanner at the beginning of a text. */
void wash_files_begin(struct wash_files *files, const struct wash_files_events *events, void *user);

/* The next bytes of the text. */
void wash_files_feed(struct wash_files *files, struct span bytes);

/* The text is at its end: what was held goes on, a file that was open is complete. */
void wash_files_finish(struct wash_files *files);

/*
 * True when a line (without its end) can be the first one of a file. Where such a line stands in a text that goes on, a space
 * before it says that it is none: what was washed is text for the next relay too.
 */
bool wash_files_is_mark(struct span line);

#endif
