/*
 * charset_tables: what the codes of the East Asian and single-byte character sets mean.
 *
 * Constant data, written by tables/make_tables.py. A cell holds a BMP code point; 0: no character; 1 to CODE_PAIRS: number of a pair
 * of code points in code_pairs; where a set has characters of plane 2, a bit says that 0x20000 is to be added.
 * No cell means an ASCII character: bytes of a multi-byte code never become syntax.
 * How bytes become a cell's index ("pointer") is said with each table and follows the WHATWG Encoding Standard.
 */
#ifndef MAIL_CHARSET_TABLES_H
#define MAIL_CHARSET_TABLES_H

#include <stdint.h>

enum {
	JIS0208_CELLS = 120 * 94,
	JIS0212_CELLS = 94 * 94,
	JISX0213_CELLS = 2 * 94 * 94,
	GB18030_CELLS = 126 * 190,
	BIG5_CELLS = 126 * 157,
	EUC_KR_CELLS = 126 * 190,
	CODE_PAIRS = 29,
	GB18030_RANGES = 208,
};

/* (row - 1) * 94 + cell - 1. Rows 1 to 94 with NEC row 13 and the NEC-selected rows 89 to 92; 95 to 120 as only Shift_JIS reaches them. */
extern const uint16_t jis0208_codes[JIS0208_CELLS];

/* (row - 1) * 94 + cell - 1; rows 83 and 84 are the IBM extensions of eucJP-ms. */
extern const uint16_t jis0212_codes[JIS0212_CELLS];

/* (plane - 1) * 8836 + (row - 1) * 94 + cell - 1: JIS X 0213:2004. */
extern const uint16_t jisx0213_codes[JISX0213_CELLS];
extern const uint8_t jisx0213_plane2[(JISX0213_CELLS + 7) / 8];

/* (first byte - 0x81) * 190 + second byte - 0x40 (0x41 from 0x80 on). */
extern const uint16_t gb18030_codes[GB18030_CELLS];

/* (first byte - 0x81) * 157 + second byte - 0x40 (0x62 from 0xa1 on): Big5 with ETEN and HKSCS-2008. */
extern const uint16_t big5_codes[BIG5_CELLS];
extern const uint8_t big5_plane2[(BIG5_CELLS + 7) / 8];

/* (first byte - 0x81) * 190 + second byte - 0x41: the Unified Hangul Code, which holds KS X 1001. */
extern const uint16_t euc_kr_codes[EUC_KR_CELLS];

/* A letter and its mark, where a set has one code for both. */
extern const uint16_t code_pairs[CODE_PAIRS][2];

/* A run of four-byte GB 18030 codes: from the pointer first on, code points count up from code, until the next run; code 0: none. */
struct gb18030_range {
	uint16_t first;
	uint16_t code;
};

/* Sorted by first; the first run begins at 0. */
extern const struct gb18030_range gb18030_ranges[GB18030_RANGES];

enum charset_single {
	SINGLE_BYTE_CP437, SINGLE_BYTE_CP850, SINGLE_BYTE_CP852, SINGLE_BYTE_CP866, SINGLE_BYTE_CP874, SINGLE_BYTE_CP1250,
	SINGLE_BYTE_CP1251, SINGLE_BYTE_CP1252, SINGLE_BYTE_CP1253, SINGLE_BYTE_CP1254, SINGLE_BYTE_CP1255, SINGLE_BYTE_CP1256,
	SINGLE_BYTE_CP1257, SINGLE_BYTE_CP1258, SINGLE_BYTE_ISO8859_2, SINGLE_BYTE_ISO8859_3, SINGLE_BYTE_ISO8859_4,
	SINGLE_BYTE_ISO8859_5, SINGLE_BYTE_ISO8859_6, SINGLE_BYTE_ISO8859_7, SINGLE_BYTE_ISO8859_8, SINGLE_BYTE_ISO8859_10,
	SINGLE_BYTE_ISO8859_13, SINGLE_BYTE_ISO8859_14, SINGLE_BYTE_ISO8859_15, SINGLE_BYTE_ISO8859_16, SINGLE_BYTE_KOI8_R,
	SINGLE_BYTE_KOI8_U, SINGLE_BYTE_MAC_ROMAN, SINGLE_BYTE_MAC_CYRILLIC,
	SINGLE_BYTE_COUNT,
};

/* The meaning of the bytes 0x80 to 0xff. C1 controls are not characters: 0. */
extern const uint16_t single_byte_codes[SINGLE_BYTE_COUNT][128];

#endif
