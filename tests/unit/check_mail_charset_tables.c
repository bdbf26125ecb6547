/*
 * mail/charset tables: every pointer of the WHATWG indexes, one by one through the decoders. The indexes are data of others and lie beside
 * the checkout (CORPUS, else ../shared/corpus); without them only what needs no index is tested.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding.h"
#include "mail/charset.h"
#include "mail/charset_tables.h"
#include "mail_corpus.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

enum { INDEX_BYTES_MAX = 2 << 20, SEQUENCE_BYTES_MAX = 16, CODE_SEVERAL = 0x110000 };

/* The bytes of a pointer, into bytes; returns how many. 0: no bytes lead there. */
typedef size_t sequence_of(uint32_t pointer, uint8_t bytes[static SEQUENCE_BYTES_MAX]);

static size_t shift_jis_sequence(uint32_t pointer, uint8_t bytes[static SEQUENCE_BYTES_MAX])
{
	uint32_t lead = pointer / 188, trail = pointer % 188;

	bytes[0] = (uint8_t)(lead + (lead < 0x1f ? 0x81 : 0xc1));
	bytes[1] = (uint8_t)(trail + (trail < 0x3f ? 0x40 : 0x41));
	return 2;
}

static size_t euc_jp_sequence(uint32_t pointer, uint8_t bytes[static SEQUENCE_BYTES_MAX])
{
	bytes[0] = (uint8_t)(pointer / 94 + 0xa1);
	bytes[1] = (uint8_t)(pointer % 94 + 0xa1);
	return pointer < 94 * 94 ? 2 : 0;
}

static size_t iso_2022_jp_sequence(uint32_t pointer, uint8_t bytes[static SEQUENCE_BYTES_MAX])
{
	memcpy(bytes, "\x1b$B", 3);
	bytes[3] = (uint8_t)(pointer / 94 + 0x21);
	bytes[4] = (uint8_t)(pointer % 94 + 0x21);
	return pointer < 94 * 94 ? 5 : 0;
}

static size_t euc_jp_0212_sequence(uint32_t pointer, uint8_t bytes[static SEQUENCE_BYTES_MAX])
{
	bytes[0] = 0x8f;
	bytes[1] = (uint8_t)(pointer / 94 + 0xa1);
	bytes[2] = (uint8_t)(pointer % 94 + 0xa1);
	return pointer < 94 * 94 ? 3 : 0;
}

static size_t iso_2022_jp_0212_sequence(uint32_t pointer, uint8_t bytes[static SEQUENCE_BYTES_MAX])
{
	memcpy(bytes, "\x1b$(D", 4);
	bytes[4] = (uint8_t)(pointer / 94 + 0x21);
	bytes[5] = (uint8_t)(pointer % 94 + 0x21);
	return pointer < 94 * 94 ? 6 : 0;
}

static size_t gb18030_sequence(uint32_t pointer, uint8_t bytes[static SEQUENCE_BYTES_MAX])
{
	uint32_t trail = pointer % 190;

	bytes[0] = (uint8_t)(pointer / 190 + 0x81);
	bytes[1] = (uint8_t)(trail + (trail < 0x3f ? 0x40 : 0x41));
	return 2;
}

static size_t big5_sequence(uint32_t pointer, uint8_t bytes[static SEQUENCE_BYTES_MAX])
{
	uint32_t trail = pointer % 157;

	bytes[0] = (uint8_t)(pointer / 157 + 0x81);
	bytes[1] = (uint8_t)(trail + (trail < 0x3f ? 0x40 : 0x62));
	return 2;
}

static size_t euc_kr_sequence(uint32_t pointer, uint8_t bytes[static SEQUENCE_BYTES_MAX])
{
	bytes[0] = (uint8_t)(pointer / 190 + 0x81);
	bytes[1] = (uint8_t)(pointer % 190 + 0x41);
	return 2;
}

/* A run of pointers where we decide otherwise than the index, and why. */
static const struct deviation {
	const char *index;
	uint32_t first, last;
	const char *why;
} deviations[] = {
	{ "jis0212", 82 * 94 + 82, 83 * 94 + 93, "rows 83 and 84: IBM extensions of eucJP-ms, empty in the index" },
	{ "big5", 1133, 1133, "a letter with a mark: the standard has the pair in its prose" },
	{ "big5", 1135, 1135, "likewise" },
	{ "big5", 1164, 1164, "likewise" },
	{ "big5", 1166, 1166, "likewise" },
};

static const struct {
	const char *what, *index;
	enum charset charset;
	sequence_of *sequence;
	uint32_t pointers;
} index_rows[] = {
	{ "Shift_JIS", "jis0208", CHARSET_SHIFT_JIS, shift_jis_sequence, JIS0208_CELLS },
	{ "EUC-JP", "jis0208", CHARSET_EUC_JP, euc_jp_sequence, JIS0208_CELLS },
	{ "ISO-2022-JP", "jis0208", CHARSET_ISO_2022_JP, iso_2022_jp_sequence, JIS0208_CELLS },
	{ "EUC-JP, three bytes", "jis0212", CHARSET_EUC_JP, euc_jp_0212_sequence, JIS0212_CELLS },
	{ "ISO-2022-JP, JIS X 0212", "jis0212", CHARSET_ISO_2022_JP, iso_2022_jp_0212_sequence, JIS0212_CELLS },
	{ "GB18030", "gb18030", CHARSET_GB18030, gb18030_sequence, GB18030_CELLS },
	{ "Big5", "big5", CHARSET_BIG5, big5_sequence, BIG5_CELLS },
	{ "EUC-KR", "euc-kr", CHARSET_EUC_KR, euc_kr_sequence, EUC_KR_CELLS },
};

/* The code point of each of so many pointers, 0 where the index has none; NULL when the corpus is absent. */
static uint32_t *index_read(struct arena *arena, const char *name, uint32_t pointers)
{
	uint32_t *codes = arena_array(arena, pointers, sizeof(*codes));
	struct source source;

	if (source_read(arena, corpus_path(arena, arena_printf(arena, "charset/whatwg/index-%s.txt", name)), INDEX_BYTES_MAX, &source) < 0)
		return NULL;
	for (uint32_t i = 1; i <= source.line_count; i++) {
		struct span line = source_line(&source, i);
		char *end;
		unsigned long pointer;

		if (line.length == 0 || line.data[0] == '#')
			continue;
		pointer = strtoul(line.data, &end, 10);
		ck_assert_uint_lt(pointer, pointers);
		codes[pointer] = (uint32_t)strtoul(end, NULL, 16);
	}
	return codes;
}

static bool is_deviation(const char *index, uint32_t pointer)
{
	for (int i = 0; i < COUNT(deviations); i++)
		if (strcmp(deviations[i].index, index) == 0 && pointer >= deviations[i].first && pointer <= deviations[i].last)
			return true;
	return false;
}

/* The one code point that the bytes become; 0: none, or 〓; CODE_SEVERAL: more than one. */
static uint32_t code_decode(enum charset charset, const uint8_t *bytes, size_t count)
{
	struct charset_decoder decoder = charset_decoder_of(charset);
	struct buf out = buf_limited(0);
	uint32_t code = 0;

	charset_decode(&decoder, (struct span){ (const char *)bytes, count }, &out);
	charset_finish(&decoder, &out);
	ck_assert_uint_eq(out.overflow, false);
	if (decoder.undecodable_count + decoder.user_defined_count == 0 && out.length > 0) {
		uint8_t first = (uint8_t)out.data[0];
		size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

		code = size == 1 ? first : first & (0x7fu >> size);
		for (size_t i = 1; i < size && i < out.length; i++)
			code = code << 6 | ((uint8_t)out.data[i] & 0x3f);
		if (out.length != size)
			code = CODE_SEVERAL;
	}
	buf_free(&out);
	return code;
}

START_TEST(index_agrees)
{
	struct arena *arena = arena_new();
	uint32_t *codes = index_read(arena, index_rows[_i].index, index_rows[_i].pointers);
	uint32_t compared = 0;

	if (!codes)
		corpus_miss("charset/whatwg");
	for (uint32_t pointer = 0; codes && pointer < index_rows[_i].pointers; pointer++) {
		uint8_t bytes[SEQUENCE_BYTES_MAX];
		size_t count = index_rows[_i].sequence(pointer, bytes);
		uint32_t code;

		if (count == 0)
			continue;
		code = code_decode(index_rows[_i].charset, bytes, count);
		ck_assert_msg((code == codes[pointer]) != is_deviation(index_rows[_i].index, pointer),
			      "%s: pointer %u is U+%04X, in the index U+%04X", index_rows[_i].what, pointer, code, codes[pointer]);
		compared++;
	}
	ck_assert(!codes || compared > 8000);
	arena_free(arena);
}
END_TEST

/* The samples that CPython tests its codecs with. */
static const struct {
	const char *name;
	enum charset charset;
} sample_rows[] = {
	{ "shift_jis", CHARSET_SHIFT_JIS },
	{ "euc_jp", CHARSET_EUC_JP },
	{ "iso2022_jp", CHARSET_ISO_2022_JP },
	{ "shift_jisx0213", CHARSET_SHIFT_JISX0213 },
	{ "euc_jisx0213", CHARSET_EUC_JISX0213 },
};

START_TEST(sample_agrees)
{
	struct arena *arena = arena_new();
	const char *name = sample_rows[_i].name;
	struct charset_decoder decoder = charset_decoder_of(sample_rows[_i].charset);
	struct buf out = buf_limited(0);
	struct source source, wanted;

	if (source_read(arena, corpus_path(arena, arena_printf(arena, "charset/cpython_cjk/%s.txt", name)), INDEX_BYTES_MAX, &source) < 0 ||
	    source_read(arena, corpus_path(arena, arena_printf(arena, "charset/cpython_cjk/%s-utf8.txt", name)), INDEX_BYTES_MAX, &wanted) < 0) {
		corpus_miss("charset/cpython_cjk");
	} else {
		charset_decode(&decoder, (struct span){ source.text, source.length }, &out);
		charset_finish(&decoder, &out);
		ck_assert_str_eq(buf_text(&out), wanted.text);
		ck_assert_uint_eq(decoder.undecodable_count + decoder.user_defined_count, 0);
	}
	buf_free(&out);
	arena_free(arena);
}
END_TEST

/* Whatever table, whatever cell: no ASCII, no control character, no surrogate. */
START_TEST(no_cell_is_syntax)
{
	static const struct {
		const uint16_t *codes;
		size_t count;
		const uint8_t *plane2;
	} tables[] = {
		{ jis0208_codes, JIS0208_CELLS, NULL }, { jis0212_codes, JIS0212_CELLS, NULL },
		{ jisx0213_codes, JISX0213_CELLS, jisx0213_plane2 }, { gb18030_codes, GB18030_CELLS, NULL },
		{ big5_codes, BIG5_CELLS, big5_plane2 }, { euc_kr_codes, EUC_KR_CELLS, NULL },
		{ single_byte_codes[0], SINGLE_BYTE_COUNT * 128, NULL }, { code_pairs[0], CODE_PAIRS * 2, NULL },
	};

	for (size_t i = 0; i < tables[_i].count; i++) {
		uint32_t code = tables[_i].codes[i];

		if (tables[_i].plane2 && tables[_i].plane2[i / 8] >> i % 8 & 1)
			code += 0x20000;
		ck_assert_msg(code <= CODE_PAIRS || code >= 0xa0, "cell %zu", i);
		ck_assert_msg(code < 0xd800 || code > 0xdfff, "cell %zu", i);
	}
}
END_TEST

static Suite *tables_suite(void)
{
	Suite *suite = suite_create("mail/charset tables");
	TCase *tables = tcase_create("tables");

	tcase_set_timeout(tables, 60);
	tcase_add_loop_test(tables, index_agrees, 0, COUNT(index_rows));
	tcase_add_loop_test(tables, sample_agrees, 0, COUNT(sample_rows));
	tcase_add_loop_test(tables, no_cell_is_syntax, 0, 8);
	suite_add_tcase(suite, tables);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(tables_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return corpus_exit(failed);
}
