/*
 * wash_sniff: what kind of file the bytes are, by their look and not by what the sender says (R9, R13).
 *
 * A sniffer takes the content of one part in pieces of any size; however it is cut, the result is the same. It looks at the
 * beginning, and in archives, office documents and disc images for signs further in. It never fails and understands nothing
 * it need not: a wrong guess changes a word on the receipt, never whether a file passes (none does).
 */
#ifndef MAIL_WASH_SNIFF_H
#define MAIL_WASH_SNIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	WASH_SNIFF_HEAD_BYTES = 1024,	/* of the beginning, that are kept */
	WASH_SNIFF_TAIL_BYTES = 64,	/* before a piece, in which a sign may have begun */
};

/* What signs further in say. */
enum wash_sign {
	WASH_SIGN_ENCRYPTED = 1,	/* an entry of an archive, or a document, needs a password */
	WASH_SIGN_WORD = 2, WASH_SIGN_EXCEL = 4, WASH_SIGN_POWERPOINT = 8, /* entries of Office Open XML */
	WASH_SIGN_MACROS = 16,		/* vbaProject.bin, or a VBA storage */
	WASH_SIGN_DISC = 32,		/* ISO 9660 */
};

struct wash_sniffer {
	char head[WASH_SNIFF_HEAD_BYTES];
	size_t head_bytes;
	uint64_t bytes;			/* all that were fed */
	char tail[2 * WASH_SNIFF_TAIL_BYTES]; /* the last bytes, then those that follow */
	size_t tail_bytes;
	uint32_t signs;			/* set of enum wash_sign */
	uint32_t disc;			/* letters of an ISO 9660 volume that stand where they should */
	const char *type;		/* of a file that is searched for signs; else NULL */
};

struct wash_sniffed {
	struct span type;	/* "application/pdf"; static; empty: not known */
	bool encrypted;		/* needs a password */
	bool text;		/* text of some kind, or nothing that speaks against it */
};

/* A sniffer at the beginning of a file. */
void wash_sniff_begin(struct wash_sniffer *sniffer);

/* The next bytes. */
void wash_sniff_feed(struct wash_sniffer *sniffer, struct span bytes);

/* What the file is, as far as it was fed. */
struct wash_sniffed wash_sniff_result(const struct wash_sniffer *sniffer);

#endif
