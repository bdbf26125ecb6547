/*
 * charset_labels: what senders call their character sets. See charset.h.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/charset.h"

struct label {
	const char *name;	/* small letters and digits only, as label_fold() makes them */
	enum charset charset;
};

/*
 * Sorted by name. From the WHATWG Encoding Standard, the IANA registry, and what Japanese mailers and operating systems call theirs;
 * "uft8" is what several programs really send. "usascii" and "iso88591" are not the same set here: see charset.h.
 */
static const struct label labels[] = {
	{ "437", CHARSET_IBM437 }, { "50220", CHARSET_ISO_2022_JP }, { "50221", CHARSET_ISO_2022_JP },
	{ "50222", CHARSET_ISO_2022_JP }, { "51932", CHARSET_EUC_JP }, { "54936", CHARSET_GB18030 },
	{ "646", CHARSET_US_ASCII }, { "7bit", CHARSET_US_ASCII }, { "850", CHARSET_IBM850 },
	{ "852", CHARSET_IBM852 }, { "866", CHARSET_IBM866 }, { "932", CHARSET_SHIFT_JIS },
	{ "936", CHARSET_GB18030 }, { "949", CHARSET_EUC_KR }, { "950", CHARSET_BIG5 },
	{ "ansi", CHARSET_WINDOWS_1252 }, { "ansix341968", CHARSET_US_ASCII },
	{ "ansix341986", CHARSET_US_ASCII }, { "arabic", CHARSET_ISO_8859_6 }, { "ascii", CHARSET_US_ASCII },
	{ "asmo708", CHARSET_ISO_8859_6 }, { "big5", CHARSET_BIG5 }, { "big5eten", CHARSET_BIG5 },
	{ "big5hk", CHARSET_BIG5 }, { "big5hkscs", CHARSET_BIG5 }, { "big5hkscs2004", CHARSET_BIG5 },
	{ "big5tw", CHARSET_BIG5 }, { "chinese", CHARSET_GB18030 }, { "cnbig5", CHARSET_BIG5 },
	{ "cngb", CHARSET_GB18030 }, { "cp1250", CHARSET_WINDOWS_1250 }, { "cp1251", CHARSET_WINDOWS_1251 },
	{ "cp1252", CHARSET_WINDOWS_1252 }, { "cp1253", CHARSET_WINDOWS_1253 },
	{ "cp1254", CHARSET_WINDOWS_1254 }, { "cp1255", CHARSET_WINDOWS_1255 },
	{ "cp1256", CHARSET_WINDOWS_1256 }, { "cp1257", CHARSET_WINDOWS_1257 },
	{ "cp1258", CHARSET_WINDOWS_1258 }, { "cp20932", CHARSET_EUC_JP }, { "cp33722", CHARSET_EUC_JP },
	{ "cp367", CHARSET_US_ASCII }, { "cp437", CHARSET_IBM437 }, { "cp50220", CHARSET_ISO_2022_JP },
	{ "cp50221", CHARSET_ISO_2022_JP }, { "cp50222", CHARSET_ISO_2022_JP },
	{ "cp50225", CHARSET_ISO_2022_KR }, { "cp51932", CHARSET_EUC_JP }, { "cp51949", CHARSET_EUC_KR },
	{ "cp54936", CHARSET_GB18030 }, { "cp65000", CHARSET_UTF_7 }, { "cp65001", CHARSET_UTF_8 },
	{ "cp819", CHARSET_WINDOWS_1252 }, { "cp850", CHARSET_IBM850 }, { "cp852", CHARSET_IBM852 },
	{ "cp858", CHARSET_IBM850 }, { "cp866", CHARSET_IBM866 }, { "cp874", CHARSET_WINDOWS_874 },
	{ "cp932", CHARSET_SHIFT_JIS }, { "cp936", CHARSET_GB18030 }, { "cp943", CHARSET_SHIFT_JIS },
	{ "cp943c", CHARSET_SHIFT_JIS }, { "cp949", CHARSET_EUC_KR }, { "cp950", CHARSET_BIG5 },
	{ "csascii", CHARSET_US_ASCII }, { "csbig5", CHARSET_BIG5 }, { "csbig5hkscs", CHARSET_BIG5 },
	{ "cseuckr", CHARSET_EUC_KR }, { "cseucpkdfmtjapanese", CHARSET_EUC_JP },
	{ "csgb18030", CHARSET_GB18030 }, { "csgb2312", CHARSET_GB18030 }, { "csgbk", CHARSET_GB18030 },
	{ "cshzgb2312", CHARSET_HZ }, { "csibm866", CHARSET_IBM866 }, { "csiso2022cn", CHARSET_ISO_2022_CN },
	{ "csiso2022jp", CHARSET_ISO_2022_JP }, { "csiso2022jp2", CHARSET_ISO_2022_JP },
	{ "csiso2022kr", CHARSET_ISO_2022_KR }, { "csiso58gb231280", CHARSET_GB18030 },
	{ "csiso885913", CHARSET_ISO_8859_13 }, { "csiso885914", CHARSET_ISO_8859_14 },
	{ "csiso885915", CHARSET_ISO_8859_15 }, { "csiso885916", CHARSET_ISO_8859_16 },
	{ "csiso88596e", CHARSET_ISO_8859_6 }, { "csiso88596i", CHARSET_ISO_8859_6 },
	{ "csiso88598e", CHARSET_ISO_8859_8 }, { "csiso88598i", CHARSET_ISO_8859_8 },
	{ "csisolatin1", CHARSET_WINDOWS_1252 }, { "csisolatin2", CHARSET_ISO_8859_2 },
	{ "csisolatin3", CHARSET_ISO_8859_3 }, { "csisolatin4", CHARSET_ISO_8859_4 },
	{ "csisolatin5", CHARSET_WINDOWS_1254 }, { "csisolatin6", CHARSET_ISO_8859_10 },
	{ "csisolatin9", CHARSET_ISO_8859_15 }, { "csisolatinarabic", CHARSET_ISO_8859_6 },
	{ "csisolatincyrillic", CHARSET_ISO_8859_5 }, { "csisolatingreek", CHARSET_ISO_8859_7 },
	{ "csisolatinhebrew", CHARSET_ISO_8859_8 }, { "csjisencoding", CHARSET_ISO_2022_JP },
	{ "cskoi8r", CHARSET_KOI8_R }, { "cskoi8u", CHARSET_KOI8_U }, { "csksc56011987", CHARSET_EUC_KR },
	{ "csmacintosh", CHARSET_MACINTOSH }, { "cspc850multilingual", CHARSET_IBM850 },
	{ "cspc8codepage437", CHARSET_IBM437 }, { "cspcp852", CHARSET_IBM852 },
	{ "csshiftjis", CHARSET_SHIFT_JIS }, { "cstis620", CHARSET_WINDOWS_874 },
	{ "csucs4", CHARSET_UTF_32 }, { "csunicode", CHARSET_UTF_16 }, { "csunicode11utf7", CHARSET_UTF_7 },
	{ "csutf16", CHARSET_UTF_16 }, { "csutf16be", CHARSET_UTF_16BE }, { "csutf16le", CHARSET_UTF_16LE },
	{ "csutf32", CHARSET_UTF_32 }, { "csutf32be", CHARSET_UTF_32BE }, { "csutf32le", CHARSET_UTF_32LE },
	{ "csutf7", CHARSET_UTF_7 }, { "csutf8", CHARSET_UTF_8 }, { "cswindows1250", CHARSET_WINDOWS_1250 },
	{ "cswindows1251", CHARSET_WINDOWS_1251 }, { "cswindows1252", CHARSET_WINDOWS_1252 },
	{ "cswindows1253", CHARSET_WINDOWS_1253 }, { "cswindows1254", CHARSET_WINDOWS_1254 },
	{ "cswindows1255", CHARSET_WINDOWS_1255 }, { "cswindows1256", CHARSET_WINDOWS_1256 },
	{ "cswindows1257", CHARSET_WINDOWS_1257 }, { "cswindows1258", CHARSET_WINDOWS_1258 },
	{ "cswindows31j", CHARSET_SHIFT_JIS }, { "cswindows50221", CHARSET_ISO_2022_JP },
	{ "cyrillic", CHARSET_ISO_8859_5 }, { "dos874", CHARSET_WINDOWS_874 },
	{ "ecma114", CHARSET_ISO_8859_6 }, { "ecma118", CHARSET_ISO_8859_7 },
	{ "elot928", CHARSET_ISO_8859_7 }, { "euc", CHARSET_EUC_JP }, { "euccn", CHARSET_GB18030 },
	{ "eucj", CHARSET_EUC_JP }, { "eucjis2004", CHARSET_EUC_JISX0213 },
	{ "eucjisx0213", CHARSET_EUC_JISX0213 }, { "eucjp", CHARSET_EUC_JP },
	{ "eucjp2004", CHARSET_EUC_JISX0213 }, { "eucjpms", CHARSET_EUC_JP },
	{ "eucjpopen", CHARSET_EUC_JP }, { "eucjpwin", CHARSET_EUC_JP }, { "euckr", CHARSET_EUC_KR },
	{ "extendedunixcodepackedformatforjapanese", CHARSET_EUC_JP }, { "gb18030", CHARSET_GB18030 },
	{ "gb180302000", CHARSET_GB18030 }, { "gb180302022", CHARSET_GB18030 },
	{ "gb2312", CHARSET_GB18030 }, { "gb231280", CHARSET_GB18030 }, { "gbk", CHARSET_GB18030 },
	{ "greek", CHARSET_ISO_8859_7 }, { "greek8", CHARSET_ISO_8859_7 }, { "hebrew", CHARSET_ISO_8859_8 },
	{ "hz", CHARSET_HZ }, { "hzgb2312", CHARSET_HZ }, { "ibm1252", CHARSET_WINDOWS_1252 },
	{ "ibm367", CHARSET_US_ASCII }, { "ibm437", CHARSET_IBM437 }, { "ibm819", CHARSET_WINDOWS_1252 },
	{ "ibm850", CHARSET_IBM850 }, { "ibm852", CHARSET_IBM852 }, { "ibm866", CHARSET_IBM866 },
	{ "ibm932", CHARSET_SHIFT_JIS }, { "ibm943", CHARSET_SHIFT_JIS }, { "ibmeucjp", CHARSET_EUC_JP },
	{ "iso10646ucs2", CHARSET_UTF_16 }, { "iso10646ucs4", CHARSET_UTF_32 },
	{ "iso2022cn", CHARSET_ISO_2022_CN }, { "iso2022cnext", CHARSET_ISO_2022_CN },
	{ "iso2022jp", CHARSET_ISO_2022_JP }, { "iso2022jp1", CHARSET_ISO_2022_JP },
	{ "iso2022jp1978", CHARSET_ISO_2022_JP }, { "iso2022jp2", CHARSET_ISO_2022_JP },
	{ "iso2022jp2004", CHARSET_ISO_2022_JP }, { "iso2022jp3", CHARSET_ISO_2022_JP },
	{ "iso2022jpext", CHARSET_ISO_2022_JP }, { "iso2022jpkddi", CHARSET_ISO_2022_JP },
	{ "iso2022jpms", CHARSET_ISO_2022_JP }, { "iso2022kr", CHARSET_ISO_2022_KR },
	{ "iso2022kr7", CHARSET_ISO_2022_KR }, { "iso646irv1991", CHARSET_US_ASCII },
	{ "iso646us", CHARSET_US_ASCII }, { "iso8859", CHARSET_WINDOWS_1252 },
	{ "iso88591", CHARSET_WINDOWS_1252 }, { "iso885910", CHARSET_ISO_8859_10 },
	{ "iso885911", CHARSET_WINDOWS_874 }, { "iso885911987", CHARSET_WINDOWS_1252 },
	{ "iso885913", CHARSET_ISO_8859_13 }, { "iso885914", CHARSET_ISO_8859_14 },
	{ "iso885915", CHARSET_ISO_8859_15 }, { "iso885916", CHARSET_ISO_8859_16 },
	{ "iso88591windows31latin1", CHARSET_WINDOWS_1252 },
	{ "iso88591windowslatin1", CHARSET_WINDOWS_1252 }, { "iso88592", CHARSET_ISO_8859_2 },
	{ "iso885921987", CHARSET_ISO_8859_2 }, { "iso88593", CHARSET_ISO_8859_3 },
	{ "iso885931988", CHARSET_ISO_8859_3 }, { "iso88594", CHARSET_ISO_8859_4 },
	{ "iso885941988", CHARSET_ISO_8859_4 }, { "iso88595", CHARSET_ISO_8859_5 },
	{ "iso885951988", CHARSET_ISO_8859_5 }, { "iso88596", CHARSET_ISO_8859_6 },
	{ "iso885961987", CHARSET_ISO_8859_6 }, { "iso88596e", CHARSET_ISO_8859_6 },
	{ "iso88596i", CHARSET_ISO_8859_6 }, { "iso88597", CHARSET_ISO_8859_7 },
	{ "iso885971987", CHARSET_ISO_8859_7 }, { "iso88598", CHARSET_ISO_8859_8 },
	{ "iso885981988", CHARSET_ISO_8859_8 }, { "iso88598e", CHARSET_ISO_8859_8 },
	{ "iso88598i", CHARSET_ISO_8859_8 }, { "iso88599", CHARSET_WINDOWS_1254 },
	{ "iso885991989", CHARSET_WINDOWS_1254 }, { "isoir100", CHARSET_WINDOWS_1252 },
	{ "isoir101", CHARSET_ISO_8859_2 }, { "isoir109", CHARSET_ISO_8859_3 },
	{ "isoir110", CHARSET_ISO_8859_4 }, { "isoir126", CHARSET_ISO_8859_7 },
	{ "isoir127", CHARSET_ISO_8859_6 }, { "isoir138", CHARSET_ISO_8859_8 },
	{ "isoir144", CHARSET_ISO_8859_5 }, { "isoir148", CHARSET_WINDOWS_1254 },
	{ "isoir149", CHARSET_EUC_KR }, { "isoir157", CHARSET_ISO_8859_10 },
	{ "isoir166", CHARSET_WINDOWS_874 }, { "isoir199", CHARSET_ISO_8859_14 },
	{ "isoir226", CHARSET_ISO_8859_16 }, { "isoir58", CHARSET_GB18030 }, { "isoir6", CHARSET_US_ASCII },
	{ "isolatin1", CHARSET_WINDOWS_1252 }, { "japanese", CHARSET_SHIFT_JIS },
	{ "jis", CHARSET_ISO_2022_JP }, { "jis7", CHARSET_ISO_2022_JP },
	{ "jisc62261983", CHARSET_ISO_2022_JP }, { "jisencoding", CHARSET_ISO_2022_JP },
	{ "koi", CHARSET_KOI8_R }, { "koi8", CHARSET_KOI8_R }, { "koi8r", CHARSET_KOI8_R },
	{ "koi8ru", CHARSET_KOI8_U }, { "koi8u", CHARSET_KOI8_U }, { "korean", CHARSET_EUC_KR },
	{ "ksc5601", CHARSET_EUC_KR }, { "ksc56011987", CHARSET_EUC_KR }, { "ksc56011989", CHARSET_EUC_KR },
	{ "ksx1001", CHARSET_EUC_KR }, { "l1", CHARSET_WINDOWS_1252 }, { "l10", CHARSET_ISO_8859_16 },
	{ "l2", CHARSET_ISO_8859_2 }, { "l3", CHARSET_ISO_8859_3 }, { "l4", CHARSET_ISO_8859_4 },
	{ "l5", CHARSET_WINDOWS_1254 }, { "l6", CHARSET_ISO_8859_10 }, { "l7", CHARSET_ISO_8859_13 },
	{ "l8", CHARSET_ISO_8859_14 }, { "l9", CHARSET_ISO_8859_15 }, { "latin0", CHARSET_ISO_8859_15 },
	{ "latin1", CHARSET_WINDOWS_1252 }, { "latin10", CHARSET_ISO_8859_16 },
	{ "latin2", CHARSET_ISO_8859_2 }, { "latin3", CHARSET_ISO_8859_3 }, { "latin4", CHARSET_ISO_8859_4 },
	{ "latin5", CHARSET_WINDOWS_1254 }, { "latin6", CHARSET_ISO_8859_10 },
	{ "latin7", CHARSET_ISO_8859_13 }, { "latin8", CHARSET_ISO_8859_14 },
	{ "latin9", CHARSET_ISO_8859_15 }, { "logical", CHARSET_ISO_8859_8 }, { "mac", CHARSET_MACINTOSH },
	{ "maccyrillic", CHARSET_MAC_CYRILLIC }, { "macintosh", CHARSET_MACINTOSH },
	{ "macroman", CHARSET_MACINTOSH }, { "ms874", CHARSET_WINDOWS_874 }, { "ms932", CHARSET_SHIFT_JIS },
	{ "ms936", CHARSET_GB18030 }, { "ms949", CHARSET_EUC_KR }, { "ms950", CHARSET_BIG5 },
	{ "msansi", CHARSET_WINDOWS_1252 }, { "mskanji", CHARSET_SHIFT_JIS }, { "pck", CHARSET_SHIFT_JIS },
	{ "shiftjis", CHARSET_SHIFT_JIS }, { "shiftjis2004", CHARSET_SHIFT_JISX0213 },
	{ "shiftjiswin", CHARSET_SHIFT_JIS }, { "shiftjisx0213", CHARSET_SHIFT_JISX0213 },
	{ "sjis", CHARSET_SHIFT_JIS }, { "sjis2004", CHARSET_SHIFT_JISX0213 },
	{ "sjismac", CHARSET_SHIFT_JIS }, { "sjisopen", CHARSET_SHIFT_JIS },
	{ "sjiswin", CHARSET_SHIFT_JIS }, { "sjisx0213", CHARSET_SHIFT_JISX0213 },
	{ "suneugreek", CHARSET_ISO_8859_7 }, { "thai", CHARSET_WINDOWS_874 },
	{ "tis620", CHARSET_WINDOWS_874 }, { "tis6200", CHARSET_WINDOWS_874 },
	{ "tis6202533", CHARSET_WINDOWS_874 }, { "ucs2", CHARSET_UTF_16 }, { "ucs2be", CHARSET_UTF_16BE },
	{ "ucs2le", CHARSET_UTF_16LE }, { "ucs4", CHARSET_UTF_32 }, { "ucs4be", CHARSET_UTF_32BE },
	{ "ucs4le", CHARSET_UTF_32LE }, { "uft8", CHARSET_UTF_8 }, { "uhc", CHARSET_EUC_KR },
	{ "ujis", CHARSET_EUC_JP }, { "unicode", CHARSET_UTF_16 }, { "unicode11utf7", CHARSET_UTF_7 },
	{ "unicode11utf8", CHARSET_UTF_8 }, { "unicode20utf7", CHARSET_UTF_7 },
	{ "unicode20utf8", CHARSET_UTF_8 }, { "unicodebig", CHARSET_UTF_16BE },
	{ "unicodefffe", CHARSET_UTF_16BE }, { "unicodelittle", CHARSET_UTF_16LE },
	{ "us", CHARSET_US_ASCII }, { "usascii", CHARSET_US_ASCII }, { "utf16", CHARSET_UTF_16 },
	{ "utf16be", CHARSET_UTF_16BE }, { "utf16le", CHARSET_UTF_16LE }, { "utf32", CHARSET_UTF_32 },
	{ "utf32be", CHARSET_UTF_32BE }, { "utf32le", CHARSET_UTF_32LE }, { "utf7", CHARSET_UTF_7 },
	{ "utf8", CHARSET_UTF_8 }, { "utf8mac", CHARSET_UTF_8 }, { "utf8mb4", CHARSET_UTF_8 },
	{ "utf8n", CHARSET_UTF_8 }, { "visual", CHARSET_ISO_8859_8 }, { "western", CHARSET_WINDOWS_1252 },
	{ "win1250", CHARSET_WINDOWS_1250 }, { "win1251", CHARSET_WINDOWS_1251 },
	{ "win1252", CHARSET_WINDOWS_1252 }, { "win1253", CHARSET_WINDOWS_1253 },
	{ "win1254", CHARSET_WINDOWS_1254 }, { "win1255", CHARSET_WINDOWS_1255 },
	{ "win1256", CHARSET_WINDOWS_1256 }, { "win1257", CHARSET_WINDOWS_1257 },
	{ "win1258", CHARSET_WINDOWS_1258 }, { "windows1250", CHARSET_WINDOWS_1250 },
	{ "windows1251", CHARSET_WINDOWS_1251 }, { "windows1252", CHARSET_WINDOWS_1252 },
	{ "windows1253", CHARSET_WINDOWS_1253 }, { "windows1254", CHARSET_WINDOWS_1254 },
	{ "windows1255", CHARSET_WINDOWS_1255 }, { "windows1256", CHARSET_WINDOWS_1256 },
	{ "windows1257", CHARSET_WINDOWS_1257 }, { "windows1258", CHARSET_WINDOWS_1258 },
	{ "windows31j", CHARSET_SHIFT_JIS }, { "windows50220", CHARSET_ISO_2022_JP },
	{ "windows50221", CHARSET_ISO_2022_JP }, { "windows50222", CHARSET_ISO_2022_JP },
	{ "windows51932", CHARSET_EUC_JP }, { "windows874", CHARSET_WINDOWS_874 },
	{ "windows932", CHARSET_SHIFT_JIS }, { "windows936", CHARSET_GB18030 },
	{ "windows949", CHARSET_EUC_KR }, { "windows950", CHARSET_BIG5 },
	{ "windowslatin1", CHARSET_WINDOWS_1252 }, { "xansi", CHARSET_WINDOWS_1252 },
	{ "xbig5", CHARSET_BIG5 }, { "xcp1250", CHARSET_WINDOWS_1250 }, { "xcp1251", CHARSET_WINDOWS_1251 },
	{ "xcp1252", CHARSET_WINDOWS_1252 }, { "xcp1253", CHARSET_WINDOWS_1253 },
	{ "xcp1254", CHARSET_WINDOWS_1254 }, { "xcp1255", CHARSET_WINDOWS_1255 },
	{ "xcp1256", CHARSET_WINDOWS_1256 }, { "xcp1257", CHARSET_WINDOWS_1257 },
	{ "xcp1258", CHARSET_WINDOWS_1258 }, { "xeuc", CHARSET_EUC_JP }, { "xeuccn", CHARSET_GB18030 },
	{ "xeucjp", CHARSET_EUC_JP }, { "xeuckr", CHARSET_EUC_KR }, { "xgb2312", CHARSET_GB18030 },
	{ "xgbk", CHARSET_GB18030 }, { "xiso2022jp", CHARSET_ISO_2022_JP }, { "xjis", CHARSET_ISO_2022_JP },
	{ "xmaccyrillic", CHARSET_MAC_CYRILLIC }, { "xmacintosh", CHARSET_MACINTOSH },
	{ "xmacjapanese", CHARSET_SHIFT_JIS }, { "xmacroman", CHARSET_MACINTOSH },
	{ "xmacukrainian", CHARSET_MAC_CYRILLIC }, { "xmscp932", CHARSET_SHIFT_JIS },
	{ "xshiftjis", CHARSET_SHIFT_JIS }, { "xsjis", CHARSET_SHIFT_JIS },
	{ "xsjisjisx0213", CHARSET_SHIFT_JISX0213 }, { "xunicode20utf7", CHARSET_UTF_7 },
	{ "xunicode20utf8", CHARSET_UTF_8 }, { "xutf16be", CHARSET_UTF_16BE },
	{ "xutf16le", CHARSET_UTF_16LE }, { "xwindows50220", CHARSET_ISO_2022_JP },
	{ "xwindows50221", CHARSET_ISO_2022_JP }, { "xwindows949", CHARSET_EUC_KR },
	{ "xwindowsiso2022jp", CHARSET_ISO_2022_JP }, { "xxbig5", CHARSET_BIG5 },
};

/* The small letters and digits of a label; false when it is too long. */
static bool label_fold(struct span label, char folded[static CHARSET_LABEL_BYTES_MAX + 1])
{
	size_t length = 0;

	if (label.length > CHARSET_LABEL_BYTES_MAX)
		return false;
	for (size_t i = 0; i < label.length; i++) {
		char c = label.data[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			folded[length++] = c;
	}
	folded[length] = '\0';
	return true;
}

static int label_compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct label *)row)->name);
}

enum charset charset_of_label(struct span label)
{
	char folded[CHARSET_LABEL_BYTES_MAX + 1];
	const struct label *found;

	if (!label_fold(label, folded))
		return CHARSET_UNKNOWN;
	found = bsearch(folded, labels, sizeof(labels) / sizeof(labels[0]), sizeof(labels[0]), label_compare);
	return found ? found->charset : CHARSET_UNKNOWN;
}
