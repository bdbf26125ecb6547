/*
 * html_tokens: HTML as a stream of text and tags, by the rules of the WHATWG HTML standard (13.2.5), without a tree.
 *
 * The tokenizer decides what is text and what is markup exactly as browsers do; otherwise a sender could hide text from the
 * reader in the airlock that he shows elsewhere, or the other way round. Where the standard lets the tree builder steer the
 * tokenizer, the caller does it: the tag event returns how the following bytes are to be read, and cdata_allowed is the caller's.
 *
 * Input is UTF-8 in pieces of any size; what is not UTF-8 is passed on in text as it is. Memory is constant, time is linear, there is
 * no recursion. Comments, doctypes and processing instructions are passed over. Of the attributes only those are kept whose names the
 * caller asks for, so that a flood of others can neither cost memory nor push the interesting ones out; the first of a name counts.
 */
#ifndef MAIL_HTML_TOKENS_H
#define MAIL_HTML_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/html_entities.h"

enum {
	HTML_NAME_BYTES_MAX = 31,	/* of a tag or an attribute; of a longer name the beginning is kept, and it matches nothing */
	HTML_ATTRIBUTES_MAX = 32,	/* that a caller may ask for */
	HTML_VALUE_BYTES_MAX = 2048,	/* of an attribute; a longer value is cut at a character */
};

/* How bytes are read. */
enum html_content {
	HTML_DATA,	/* text, tags, references */
	HTML_RCDATA,	/* text and references up to the end tag of the same name: title, textarea */
	HTML_RAWTEXT,	/* text up to the end tag: style, xmp, iframe, noembed, noframes */
	HTML_SCRIPT,	/* like RAWTEXT, with the exceptions for "<!--" */
	HTML_PLAINTEXT,	/* text up to the end of the input */
	HTML_CDATA,	/* text up to "]]>" */
};

struct html_tag {
	struct span name;	/* ASCII letters in lower case */
	bool is_end;
	bool self_closing;	/* "<br/>" */
	bool name_cut;		/* name is only the beginning */
	uint32_t present;	/* bit n: the attribute of that number in the caller's list is there */
	uint32_t cut;		/* bit n: its value is only the beginning */
	const struct span *values; /* by that number; valid where the bit is set, and until the event returns */
};

struct html_token_events {
	/* A piece of text, references resolved, line ends as LF. Pieces may end within a character. */
	void (*text)(void *user, struct span text);
	/* A start tag or an end tag. Returns how the bytes behind it are read; for an end tag that is HTML_DATA. */
	enum html_content (*tag)(void *user, const struct html_tag *tag);
};

struct html_tokens {
	bool cdata_allowed;	/* the caller's: "<![CDATA[" begins a section (within svg and math) and not a comment */
	uint32_t unfinished_bytes; /* of the tag in which the input ended; it is no text, as in browsers. Set by html_tokens_finish() */
	/* the rest is the tokenizer's own */
	const struct html_token_events *events;
	void *user;
	const struct span *attributes;
	size_t attribute_count;
	uint8_t state;
	uint8_t text_state;	/* to which the states of raw text and of references return */
	uint8_t quote;		/* of the value that is being read: '"', '\'' or 0 */
	bool after_cr;		/* the last byte was CR: a LF belongs to it */
	uint8_t dashes;		/* in a row, within a script's comment */
	bool script_doubled;	/* within "<!-- <script" */
	int8_t slot;		/* number of the attribute that is being read, -1: it is not kept */
	uint64_t fed_bytes;	/* before the piece that is being fed */
	const char *piece;	/* where that begins */
	uint64_t tag_at;	/* where the tag began, of all bytes */
	char word[16];		/* what may become "</script" or "<![CDATA[" */
	uint8_t word_length;
	char raw_name[HTML_NAME_BYTES_MAX];	/* the start tag that began raw text */
	uint8_t raw_name_length;
	struct {
		char name[HTML_ENTITY_NAME_BYTES_MAX];
		uint8_t length;		/* of name */
		uint8_t matched;	/* how much of it is the longest name found so far */
		uint16_t found;		/* which */
		uint16_t low, high;	/* the names that begin so */
		uint32_t number;
		bool within_value;
	} reference;
	char name[HTML_NAME_BYTES_MAX], attribute_name[HTML_NAME_BYTES_MAX];
	uint8_t name_length, attribute_name_length;
	bool attribute_name_cut;
	struct html_tag tag;
	struct span values[HTML_ATTRIBUTES_MAX];
	size_t value_bytes;	/* used of value_text */
	size_t staged_bytes;
	char staged[256];	/* text that is given out with what follows it */
	char value_text[HTML_ATTRIBUTES_MAX * HTML_VALUE_BYTES_MAX];
};

/*
 * Begins an input. events, the attribute names (lower case, at most HTML_ATTRIBUTES_MAX) and user must outlive the tokenizer,
 * which must not be moved in memory.
 */
void html_tokens_begin(struct html_tokens *tokens, const struct html_token_events *events, void *user,
		       const struct span *attributes, size_t attribute_count);

/* Continues as if the start tag of this name had come and its event had returned content. For fragments. */
void html_tokens_enter(struct html_tokens *tokens, enum html_content content, struct span name);

/* Takes a piece of the input; the events happen before it returns. */
void html_tokens_feed(struct html_tokens *tokens, struct span in);

/* The input is at its end: what was held back becomes text, or unfinished_bytes. */
void html_tokens_finish(struct html_tokens *tokens);

#endif
