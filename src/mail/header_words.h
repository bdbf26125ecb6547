/*
 * header_words: header fields become text that people read (RFC 2047, RFC 2231), as Japanese and other
 * mailers really write them.
 *
 * Input is a field value as mail/mime.h passes it on. Output is UTF-8 of which every character may stand in
 * one line (mail/text_filter.h): a run of control characters, line ends and NUL included, and the white space
 * around it is one space; the ends are trimmed. Time grows with the length of the value, memory is at most 16
 * times its length.
 *
 * Encoded-words (=?charset?B?...?=, =?charset*language?Q?...?=) are decoded wherever they stand: also without
 * white space around them, longer than 75 characters, holding spaces, without a charset, and in quoted
 * strings, where the RFC forbids them and Japanese mailers put them (facts->quoted_words says so). They are
 * never looked for in addresses and message ids. White space between two of them is no text.
 *  - Neighbours with the same charset and encoding are joined as bytes before they are decoded, so a
 *    character cut in two is whole again. Each word of ISO-2022-JP begins in ASCII, as the RFC says; unless
 *    the word before ends within an escape sequence, or the next escape sequence leads back to ASCII: then
 *    the sender cut a run of kanji in two.
 *  - The bytes are decoded as charset_guess() says for them and the label, so a wrong label does no harm.
 *  - Base64 and Q text follow the rules of mail/mime_transfer.h; in Q text '_' is a space.
 * Bytes outside of encoded-words: as ASCII, or as charset_guess() says for all of them together when there
 * are 8-bit bytes or escape sequences.
 */
#ifndef MAIL_HEADER_WORDS_H
#define MAIL_HEADER_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mail/mime_parameter.h"

/* What happened while texts were made. Each function adds to what is there. */
struct header_facts {
	uint64_t words;		/* encoded-words that were decoded */
	uint64_t quoted_words;	/* fields or names with encoded-words in a quoted string */
	uint64_t guessed;	/* texts with 8-bit bytes or escape sequences and no label */
	uint64_t relabelled;	/* encoded-words or parameters whose label did not fit their bytes */
	uint64_t replaced;	/* characters shown as 〓 */
	uint64_t removed;	/* characters left out or shown as [U+202E] */
	uint64_t controls;	/* runs of control characters that became a space */
	uint64_t cut;		/* texts that did not fit */
};

/*
 * Text of an unstructured field, such as Subject. Appends to out; at its limit the text ends with a whole
 * character, and out->overflow stays clear.
 */
void header_unstructured_put(struct span value, struct buf *out, struct header_facts *facts);

/*
 * Text of a phrase, such as a display name: quotes and backslashes are taken off, comments are left out, each
 * run of white space is one space. A quote or bracket that is never closed is text. Otherwise as above.
 */
void header_phrase_put(struct span phrase, struct buf *out, struct header_facts *facts);

/* A text in which encoded-words are looked for. */
struct header_words {
	struct span text;
	size_t last_end;	/* where the last "?=" begins; the length of the text when there is none */
};

/* The text, which must outlive the result. */
struct header_words header_words_of(struct span text);

/*
 * Length of the encoded-word that begins at this offset; 0: none. Looking at each offset takes time in
 * proportion to the text.
 */
size_t header_word_length(const struct header_words *words, size_t at);

enum {
	HEADER_NAMES_MAX = 8,		/* different readings of one file name that are kept */
	HEADER_NAME_BYTES_MAX = 1024,	/* of each; the rest is cut off and counted in facts */
};

/* The names that a part gives its file: no two are equal, none is empty. */
struct header_names {
	struct span items[HEADER_NAMES_MAX];
	size_t count;
	bool more;		/* there are more, or parameters nobody sees */
};

/*
 * Adds the texts of a parameter ("name", "filename") in all its forms (mime_parameter_forms()), decoded:
 * extended forms by their charset, and encoded-words that stand in them. Call it for filename first, then for
 * name: the first text is the one most programs show. Texts are made in the arena, at most HEADER_NAMES_MAX *
 * HEADER_NAME_BYTES_MAX bytes and 64 KiB to work with.
 */
void header_names_add(struct header_names *names, const struct mime_value *value, const char *parameter,
		      struct arena *arena, struct header_facts *facts);

#endif
