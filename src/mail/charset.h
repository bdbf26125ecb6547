/*
 * charset: labelled bytes become UTF-8, and nothing is lost or invented on the way (R11).
 *
 * A decoder is a value on the stack. It is fed in pieces of any size and gives the same text however the bytes were cut. It
 * allocates nothing; the text goes to the caller's buf, whose limit the decoder keeps by whole characters.
 *
 * What holds for every character set:
 * - Output is valid UTF-8: no surrogates, nothing above U+10FFFF.
 * - What cannot be decoded becomes one 〓 (U+3013) and is counted; it never vanishes. A character that only the sender's machine
 *   knows (外字, a row for users) becomes 〓 and is counted apart, because the reader can ask the sender about it.
 * - A code of several bytes never becomes ASCII. A first byte without a proper second one becomes 〓, and the second byte is read
 *   again on its own: a quote, a bracket or a line end is not swallowed.
 * - A byte order mark at the beginning is not text. All other control characters, NUL included, are passed on as they are, and so are
 *   private use characters of Unicode: what a letter may contain is decided on the text, behind the decoder.
 *
 * The sets follow the WHATWG Encoding Standard (https://encoding.spec.whatwg.org/) with these decided deviations:
 * - 〓 instead of U+FFFD.
 * - A pair that is well formed but has no character is one 〓; the standard would give its second byte back when it is ASCII.
 * - Shift_JIS rows for users (F040 to F9FC) are 外字 (the standard: private use). 0x80, 0xA0 and 0xFD to 0xFF are undecodable.
 * - ISO-2022-JP is what Japanese mailers write (CP50221 and more): NEC row 13, NEC-selected and IBM characters, JIS X 0212 and 0213,
 *   half-width kana by ESC ( I, by SO and SI, and as 8-bit bytes; the sets of ISO-2022-JP-2; every line begins in ASCII, however the
 *   line before ended. ESC ( J is ASCII as in CP50221: mailers used it to end kanji, and a "~" in an address has to stay one.
 *   An escape sequence that means nothing is 〓 and its text.
 * - EUC-JP also knows the IBM extensions of eucJP-ms; its rows for users are 外字.
 * - US-ASCII is ASCII only: 8-bit bytes are undecodable, not windows-1252. charset_guess() comes first and usually knows better.
 * - Bytes for C1 controls or for nothing in a single-byte set are undecodable.
 * - The standard refuses ISO-2022-KR, ISO-2022-CN and HZ; mail still brings them. Of ISO-2022-CN the CNS 11643 planes (Taiwan)
 *   are undecodable. UTF-7 is decoded once where it is the label, and never guessed.
 * - UTF-16 and UTF-32 without endianness and without a byte order mark are big-endian (RFC 2781).
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum charset {
	CHARSET_UNKNOWN,	/* no label, or one that names nothing known; decoded as US-ASCII */
	CHARSET_US_ASCII,
	CHARSET_UTF_8,
	CHARSET_UTF_7,
	CHARSET_UTF_16, CHARSET_UTF_16LE, CHARSET_UTF_16BE,
	CHARSET_UTF_32, CHARSET_UTF_32LE, CHARSET_UTF_32BE,
	CHARSET_ISO_2022_JP,
	CHARSET_SHIFT_JIS,	/* CP932 */
	CHARSET_EUC_JP,
	CHARSET_SHIFT_JISX0213,
	CHARSET_EUC_JISX0213,
	CHARSET_GB18030,	/* GB2312 and GBK are part of it */
	CHARSET_HZ,
	CHARSET_ISO_2022_CN,
	CHARSET_BIG5,
	CHARSET_EUC_KR,		/* the Unified Hangul Code, CP949 */
	CHARSET_ISO_2022_KR,
	CHARSET_WINDOWS_1252,	/* ISO-8859-1 is part of it */
	CHARSET_WINDOWS_1250, CHARSET_WINDOWS_1251, CHARSET_WINDOWS_1253,
	CHARSET_WINDOWS_1254,	/* ISO-8859-9 is part of it */
	CHARSET_WINDOWS_1255, CHARSET_WINDOWS_1256, CHARSET_WINDOWS_1257, CHARSET_WINDOWS_1258,
	CHARSET_WINDOWS_874,	/* TIS-620 and ISO-8859-11 are part of it */
	CHARSET_ISO_8859_2, CHARSET_ISO_8859_3, CHARSET_ISO_8859_4, CHARSET_ISO_8859_5, CHARSET_ISO_8859_6, CHARSET_ISO_8859_7,
	CHARSET_ISO_8859_8, CHARSET_ISO_8859_10, CHARSET_ISO_8859_13, CHARSET_ISO_8859_14, CHARSET_ISO_8859_15, CHARSET_ISO_8859_16,
	CHARSET_KOI8_R, CHARSET_KOI8_U,
	CHARSET_MACINTOSH, CHARSET_MAC_CYRILLIC,
	CHARSET_IBM437, CHARSET_IBM850, CHARSET_IBM852, CHARSET_IBM866,
	CHARSET_COUNT,
};

enum {
	CHARSET_LABEL_BYTES_MAX = 64,	/* a longer label is unknown */
	CHARSET_HELD_BYTES_MAX = 3,	/* the longest beginning of a character or escape sequence that waits for more */
	CHARSET_SAMPLE_BYTES = 65536,	/* what charset_guess() looks at */
};

/* Made by charset_decoder_of(). The caller reads charset and the counts; the rest is the decoder's. */
struct charset_decoder {
	enum charset charset;		/* UTF_16 and UTF_32 become the real one with the first bytes */
	uint64_t undecodable_count;	/* 〓 written for bytes that mean nothing in this set */
	uint64_t user_defined_count;	/* 〓 written for 外字 */

	bool started;			/* the place of a byte order mark is behind us */
	uint8_t held_count;
	uint8_t held[CHARSET_HELD_BYTES_MAX];
	bool shifted;			/* ISO 2022: between SO and SI; HZ: between ~{ and ~}; UTF-7: in base64 */
	uint8_t sets[3];		/* ISO 2022: what G0, G1 and G2 hold */
	uint8_t base64_bit_count;	/* UTF-7: bits waiting in base64_bits */
	uint32_t base64_bits;
	uint16_t high_surrogate;	/* UTF-7: waits for its other half; 0: none */
};

/*
 * The character set that a label means: case, spaces and punctuation do not matter ("Shift-JIS", "shift_jis", "ShiftJIS"). Knows all
 * labels of the WHATWG standard and those mail brings besides. CHARSET_UNKNOWN for everything else.
 */
enum charset charset_of_label(struct span label);

/* The name for people and logs, as IANA or the WHATWG standard writes it; "unknown". Never NULL, static. */
const char *charset_name(enum charset charset);

/* A decoder at the beginning of a text. */
struct charset_decoder charset_decoder_of(enum charset charset);

/*
 * Decodes the next bytes and appends the text. A character whose bytes are not all there waits inside. At the limit of out the
 * text ends with the last whole character, out->overflow is set, and from then on nothing is appended; counting goes on.
 */
void charset_decode(struct charset_decoder *decoder, struct span in, struct buf *out);

/*
 * Between two encoded-words of one charset (RFC 2047): each begins in its own initial shift state, but senders cut characters of
 * UTF-8 and other sets without shifts in two, so a begun character waits for the next word.
 */
void charset_next_word(struct charset_decoder *decoder, struct buf *out);

/* The text ends here: a character that still waits is undecodable. The counts are final. */
void charset_finish(struct charset_decoder *decoder, struct buf *out);

enum charset_reason {
	CHARSET_BY_LABEL,	/* nothing spoke against the label */
	CHARSET_BY_MARK,	/* byte order mark */
	CHARSET_BY_UTF_8,	/* valid UTF-8 under another label or none */
	CHARSET_BY_ESCAPE,	/* escape sequences of ISO 2022 */
	CHARSET_BY_ZEROS,	/* the zero bytes of UTF-16 and UTF-32 */
	CHARSET_BY_POINTS,	/* read as this, the bytes are more plausible */
};

struct charset_choice {
	enum charset charset;
	enum charset_reason reason;
};

/*
 * Which character set the bytes really are in. sample is the beginning of the text: its first CHARSET_SAMPLE_BYTES, or all of it when it
 * is shorter (then a character cut at the end counts as wrong). label: what the sender said, CHARSET_UNKNOWN when nothing. The same bytes
 * and label always give the same choice. The first rule that applies decides:
 *
 * 1. A byte order mark of UTF-8, UTF-16 or UTF-32.
 * 2. The label is UTF-16 or UTF-32: the label; unless CR LF stands in it and no zero byte, which those sets cannot have. Without
 *    endianness: where the zero bytes are; then (UTF-16) what gets more points by rule 9; otherwise big-endian.
 * 3. The label is UTF-7 or HZ and all bytes are 7-bit: the label.
 * 4. The label is Western, UTF-8, US-ASCII or none, 16-bit units have a zero half, always the same half, in three quarters of them, or in an
 *    eighth and a quarter of the others is kana or Japanese punctuation, and no CR LF stands in it: UTF-16.
 * 5. Valid UTF-8 with at least one character of several bytes. Exception: all of them have two bytes (no Japanese does), the label is
 *    an East Asian set, and read so nothing is wrong. Also broken UTF-8 (letters are cut by limits that count bytes), when at least as
 *    many characters of three or more bytes are whole as are broken and the label is UTF-8 or ISO-2022-JP, or twice as many and the label is
 *    Western, US-ASCII or none.
 * 6. An escape sequence that puts a set of several bytes or kana into place (ESC $ and ESC ( I): ISO-2022-JP, -KR or -CN by its first
 *    one; unless more 8-bit bytes, kana aside, than such sequences.
 * 7. All bytes 7-bit: the label; for none and US-ASCII: UTF-8, which is the same as far as seen.
 * 8. The label is not Japanese, Western, UTF-8, US-ASCII or unknown, and read so nothing is wrong: the label.
 * 9. Points for each reading. Per character: kana and Japanese punctuation 6, kanji, hangul and full-width forms 4, letters of other
 *    scripts 2, half-width kana (of EUC-JP 3), Latin letters and symbols 1, 外字 -3, undecodable -6. For Western sets, per 8-bit byte, read
 *    as Windows-1252: a letter, apostrophe or quotation mark that stands alone where such a thing stands in a word, and each of two small
 *    letters in a word 5, a letter or sign that stands alone 2, other letters 1, undefined -6.
 *    Shift_JIS and EUC-JP take part always, Windows-1252 when the label is UTF-8, US-ASCII or unknown.
 *    A label that can be true (not US-ASCII, not unknown, not ISO-2022-JP without an escape sequence) stays unless another has more than
 *    twice its points, and more than none. Among the others most points win; equal points: Shift_JIS before EUC-JP before Windows-1252.
 *    Nobody above zero: the label.
 * "Western" are Windows-1252 and -1254, ISO-8859-15, Macintosh, IBM437 and IBM850.
 */
struct charset_choice charset_guess(struct span sample, enum charset label);

#endif
