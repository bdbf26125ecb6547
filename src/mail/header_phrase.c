/* header_phrase: quotes, backslashes and comments off a phrase, so that its text remains. */
#include "mail/header_octets.h"
#include "mail/header_words.h"

/* True when an encoded-word stands somewhere in the text. */
static bool has_word(struct span text)
{
	struct header_words words = header_words_of(text);

	for (size_t at = 0; at < text.length; at++)
		if (text.data[at] == '=' && header_word_length(&words, at) > 0)
			return true;
	return false;
}

/* A phrase that is being copied without its syntax. */
struct phrase {
	struct header_octets octets;
	struct header_words words;
	size_t at;
	bool quotes_end, comments_end;	/* from here on none is closed */
	bool space;			/* white space before what comes next */
	struct buf *out;
	struct header_facts *facts;
};

/* Copies what stands between quotes; we stand at the first one. False when there is no second one. */
static bool quoted_copy(struct phrase *phrase)
{
	struct span text = phrase->octets.text;
	size_t begin = phrase->out->length, at = phrase->at + 1;

	while (at < text.length && text.data[at] != '"') {
		size_t length;

		at += text.data[at] == '\\' && at + 1 < text.length;
		length = header_octets_step(&phrase->octets, at);
		buf_put(phrase->out, text.data + at, length);
		at += length;
	}
	if (at == text.length) {
		phrase->out->length = begin;
		phrase->quotes_end = true;
		return false;
	}
	phrase->at = at + 1;
	phrase->facts->quoted_words += has_word(span_part(buf_span(phrase->out), begin, phrase->out->length));
	return true;
}

/* Passes over a comment; we stand at its '('. False when it is never closed. */
static bool comment_pass(struct phrase *phrase)
{
	struct span text = phrase->octets.text;
	size_t depth = 0, at = phrase->at;

	do {
		depth += text.data[at] == '(';
		depth -= text.data[at] == ')';
		at += text.data[at] == '\\' && at + 1 < text.length;
		at += header_octets_step(&phrase->octets, at);
	} while (depth > 0 && at < text.length);
	if (depth > 0) {
		phrase->comments_end = true;
		return false;
	}
	phrase->at = at;
	return true;
}

static void space_put(struct phrase *phrase)
{
	if (phrase->space)
		buf_putc(phrase->out, ' ');
	phrase->space = false;
}

/*
 * Copies one piece: an encoded-word as it is (what it holds is no syntax), a quoted string, a comment, or one
 * unit.
 */
static void piece_copy(struct phrase *phrase)
{
	struct span text = phrase->octets.text;
	char byte = text.data[phrase->at];
	size_t length = byte == '=' ? header_word_length(&phrase->words, phrase->at) : 0;

	if (header_is_space(byte)) {
		phrase->space = phrase->out->length > 0;
		phrase->at++;
		return;
	}
	if (byte == '(' && !phrase->comments_end && comment_pass(phrase))
		return;
	space_put(phrase);
	if (byte == '"' && !phrase->quotes_end && quoted_copy(phrase))
		return;
	length = length > 0 ? length : header_octets_step(&phrase->octets, phrase->at);
	buf_put(phrase->out, text.data + phrase->at, length);
	phrase->at += length;
}

/* Takes quotes and comments off a phrase. */
static void phrase_copy(struct span text, struct buf *out, struct header_facts *facts)
{
	struct phrase phrase = {
		.octets = header_octets_of(text), .words = header_words_of(text), .out = out, .facts = facts,
	};

	while (phrase.at < text.length)
		piece_copy(&phrase);
}

void header_phrase_put(struct span phrase, struct buf *out, struct header_facts *facts)
{
	struct buf plain = buf_limited(0);

	phrase_copy(phrase, &plain, facts);
	header_unstructured_put(buf_span(&plain), out, facts);
	buf_free(&plain);
}
