/*
 * links: addresses in plain text that no mail program makes clickable, and that a person can still read and copy (R12).
 *
 * Mail programs find addresses by themselves: with a scheme, "www.", a bare domain, an address of a mailbox, a path on a file
 * server. Text from outside passes through here and comes out with exactly those places changed by which they are found. It comes in
 * pieces of any size; however it is cut, the result is the same. What was defanged once is not changed again.
 *
 *	http: https: ftp:			hxxp: hxxps: fxp: (LINK_STYLE_BRACKETS: http[:])
 *	any other scheme with "//"; javascript: data: file: mailto: tel: ms-...: and the like without it
 *						javascript[:]
 *	host behind a scheme or an '@'		each '.' becomes [.]
 *	www.name, name.tld, 192.0.2.1		the same. Every label of two or more letters counts as a top-level domain: a list would
 *						grow old. Extensions of files that are no domains (report.pdf) are left alone.
 *	\\server\share				\[\]server\share
 *	http://bank.example@evil.example/	hxxp://bank[.]example[@]evil[.]example〔接続先は evil[.]example〕/
 *	host that is not ASCII			its ASCII form follows: 例[.]jp〔xn--fsq[.]jp〕
 * Full-width and other compatibility forms (ｈｔｔｐ：／／, ．, 。between letters) are read as the ASCII that mail programs take them for.
 * In a word longer than LINK_WORD_BYTES_MAX without a place to divide it, every ':', '.', '@' and '\' is put into brackets.
 */
#ifndef MAIL_LINKS_H
#define MAIL_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	LINK_WORD_BYTES_MAX = 2048,	/* between white space, that are looked at as a whole */
	LINK_INSERTIONS_MAX = 16,	/* ASCII forms that are shown in one word; hosts after them are defanged all the same */
	LINK_GROWTH_MAX = 3,		/* one byte becomes at most so many, insertions not counted */
	LINK_INSERTION_BYTES_MAX = 800,	/* one ASCII form with its brackets */
};

enum link_style {
	LINK_STYLE_HXXP,	/* hxxp://www[.]example[.]jp/path: the default, as security staff write it */
	LINK_STYLE_BRACKETS,	/* http[:]//www[.]example[.]jp/path */
	LINK_STYLE_HOST,	/* hxxp://www[.]example[.]jp/…: behind a scheme, what follows the host is left out (it often names the reader) */
};

struct links {
	enum link_style style;
	uint32_t defanged;	/* how many places were changed; stays at UINT32_MAX when it is full */
	/* the rest is its own */
	bool suspicious;	/* the held word may hold an address */
	bool undecided;		/* it does unless it ends here */
	bool long_word;		/* the held bytes continue a word that was too long */
	uint32_t last;		/* the character before the held bytes, 0 at the beginning of a word */
	size_t held_bytes;
	char held[LINK_WORD_BYTES_MAX];
};

/* At the beginning of a text. */
struct links links_make(enum link_style style);

/* Takes a piece of text (UTF-8) and appends to out what is decided of it; a word that is not complete is held. */
void links_feed(struct links *links, struct span in, struct buf *out);

/* The text is at its end: the held word goes to out. The counter goes on. */
void links_finish(struct links *links, struct buf *out);

/*
 * Finds the first host that text (the text of a link, or its target) names, and appends its ASCII form to out. 0; -ENOENT: none.
 * Only the first LINK_WORD_BYTES_MAX bytes are looked at.
 */
int link_host(struct span text, struct buf *out);

#endif
