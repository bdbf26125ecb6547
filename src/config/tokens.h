/*
 * tokens: the words and signs of a zone file, as libconfig's scanner cuts them.
 *
 * libconfig says "syntax error" and a line, accepts two texts side by side as one, and reads included files by
 * itself. What it does not tell is found here: where a quote was opened, where a text really stands, which
 * lines include a file. It follows libconfig's scanner to the letter, so that both see the same tokens.
 */
#ifndef CONFIG_TOKENS_H
#define CONFIG_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,		/* a key, or a word somebody forgot to quote */
	TOKEN_TEXT,		/* with its quotes */
	TOKEN_NUMBER,		/* decimal or hexadecimal */
	TOKEN_FLOAT,
	TOKEN_FLAG,		/* true, false */
	TOKEN_EQUALS,		/* = or : */
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
	TOKEN_OPEN,		/* { ( [ */
	TOKEN_CLOSE,		/* } ) ] */
	TOKEN_INCLUDE,		/* @include with its path and both quotes; only at the beginning of a line */
	TOKEN_STRAY,		/* a character that means nothing here: one whole UTF-8 character, or one byte */
	TOKEN_TEXT_OPEN,	/* a quote that is never closed; the rest of the text */
	TOKEN_COMMENT_OPEN,	/* likewise for a comment */
};

struct token {
	enum token_kind kind;
	struct span text;	/* in the text that is read */
	size_t offset;		/* of text.data */
	uint32_t line;		/* where it begins, from 1 */
};

struct token_reader {
	struct span text;	/* without NUL bytes */
	size_t offset;
	uint32_t line;
};

/* A reader at the beginning of text, which must outlive it. */
struct token_reader token_reader_of(struct span text);

/* The next token; TOKEN_END again and again after the last. White space and comments are passed over. */
struct token token_next(struct token_reader *reader);

#endif
