/*
 * charset_work: the inside of the decoder, shared by the files charset*.c and by nobody else.
 *
 * Bytes are worked on in blocks. Each character set has a step, which decodes exactly one character (or escape sequence) and moves `at`
 * behind it, and may have a run, which does the common characters fast and stops before anything else. A step returns false, and
 * has changed nothing, when the block ends within a character and more bytes may come. What a run does, steps would do alike.
 */
#ifndef MAIL_CHARSET_WORK_H
#define MAIL_CHARSET_WORK_H

#include <string.h>

#include "mail/charset.h"
#include "mail/charset_tables.h"

enum {
	CHARSET_BLOCK_BYTES = 1024,
	/* No step writes more than three bytes of text per byte read, but for what waits in a decoder from before. */
	CHARSET_TEXT_BYTES = 3 * CHARSET_BLOCK_BYTES + 16,
	PLANE_2 = 0x20000,
	HALF_WIDTH_KANA_FIRST = 0xff61,	/* JIS X 0201 0xa1 */
};

struct charset_work {
	struct charset_decoder *decoder;
	const uint8_t *at, *end;
	bool final;		/* no more bytes come after end */
	char *out;		/* where the next character goes; there is room enough */
};

/* Decodes one character, see above; work->at is before work->end. */
typedef bool charset_step(struct charset_work *work);

/* Decodes common characters as long as there are any, perhaps none. */
typedef void charset_run(struct charset_work *work);

/* One character set. Exactly one of step and single is set. */
struct charset_kind {
	const char *name;
	charset_step *step;
	charset_run *run;		/* may be NULL */
	const uint16_t *single;		/* for sets of one byte: the upper half */
};

/*
 * Decodes one block of at most CHARSET_BLOCK_BYTES into text; returns how many bytes were used (all of them when final) and the length of the
 * text. At most CHARSET_HELD_BYTES_MAX bytes stay unused.
 */
size_t charset_block(struct charset_decoder *decoder, const uint8_t *bytes, size_t count, bool final,
		     char text[static CHARSET_TEXT_BYTES], size_t *ret_length);

/* charset_unicode.c. UTF-16 and UTF-32 in both byte orders and undecided. */
charset_step utf_8_step, utf_16_step, utf_32_step, utf_7_step;
charset_run utf_8_run; /* as above */

/* Puts what is left in base64 into the text: the word or the text ends. */
void utf_7_end(struct charset_work *work);

/* charset_japanese.c. */
charset_step shift_jis_step, euc_jp_step, shift_jisx0213_step, euc_jisx0213_step;
charset_run shift_jis_run, euc_jp_run; /* as above */

/* charset_iso2022.c: -JP, -KR and -CN, by the decoder's charset. */
charset_step iso_2022_step;
charset_run iso_2022_run; /* as above */

/* Puts the sets into place with which a text, a word and a line begin. */
void iso_2022_begin(struct charset_decoder *decoder);

/* charset_chinese_korean.c. */
charset_step gb18030_step, big5_step, euc_kr_step, hz_step;

/* Writes one code point, which is a Unicode scalar value, and returns what follows. */
static inline char *code_put(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
		return out;
	}
	if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*out++ = (char)(0xe0 | code >> 12);
		} else {
			*out++ = (char)(0xf0 | code >> 18);
			*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (code & 0x3f));
	return out;
}

/* Takes count bytes and writes the code point they mean. */
static inline bool work_put(struct charset_work *work, size_t count, uint32_t code)
{
	work->at += count;
	work->out = code_put(work->out, code);
	return true;
}

/* Takes count bytes that mean nothing: one 〓. */
static inline bool work_put_undecodable(struct charset_work *work, size_t count)
{
	work->decoder->undecodable_count++;
	return work_put(work, count, 0x3013);
}

/* Takes count bytes that mean something on the sender's machine only: one 〓. */
static inline bool work_put_user_defined(struct charset_work *work, size_t count)
{
	work->decoder->user_defined_count++;
	return work_put(work, count, 0x3013);
}

/* Takes count bytes and writes what a cell of a table (with PLANE_2 added if so) means: a character, a pair, or nothing. */
static inline bool work_put_cell(struct charset_work *work, size_t count, uint32_t cell)
{
	if (cell == 0)
		return work_put_undecodable(work, count);
	if (cell > CODE_PAIRS)
		return work_put(work, count, cell);
	work->out = code_put(work->out, code_pairs[cell - 1][0]);
	return work_put(work, count, code_pairs[cell - 1][1]);
}

/* True when the count bytes from at on are not all there yet. */
static inline bool work_lacks(const struct charset_work *work, size_t count)
{
	return !work->final && (size_t)(work->end - work->at) < count;
}

/* The byte at this offset; 0, which never continues a character, behind the end. */
static inline uint8_t work_byte(const struct charset_work *work, size_t offset)
{
	return offset < (size_t)(work->end - work->at) ? work->at[offset] : 0;
}

/* A cell of a table whose set has characters of plane 2. */
static inline uint32_t cell_of_planes(const uint16_t *codes, const uint8_t *plane2, size_t pointer)
{
	return codes[pointer] + (plane2[pointer / 8] >> pointer % 8 & 1 ? (uint32_t)PLANE_2 : 0);
}

/* True for a byte of a character in a 94 by 94 set, when the eighth bit is set (EUC) and when it is not (ISO 2022). */
static inline bool byte_is_right(uint8_t byte)
{
	return byte >= 0xa1 && byte <= 0xfe;
}

static inline bool byte_is_left(uint8_t byte) /* see byte_is_right() */
{
	return byte >= 0x21 && byte <= 0x7e;
}

static inline bool byte_is_kana(uint8_t byte) /* half-width kana of JIS X 0201 */
{
	return byte >= 0xa1 && byte <= 0xdf;
}

/* Copies 7-bit bytes. */
static inline void ascii_run(struct charset_work *work)
{
	const uint8_t *at = work->at;
	char *out = work->out;

	while (work->end - at >= 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		if (word & 0x8080808080808080)
			break;
		memcpy(out, &word, sizeof(word));
		at += sizeof(word);
		out += sizeof(word);
	}
	while (at < work->end && *at < 0x80)
		*out++ = (char)*at++;
	work->at = at;
	work->out = out;
}

#endif
