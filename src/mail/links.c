/*
 * links: addresses in plain text that no mail program makes clickable.
 *
 * Most words hold nothing by which an address is found and are passed on as they are. A word that does is decoded, its characters
 * are folded to what mail programs take them for, and each gets an action; then it is written out by these actions.
 */
#include "mail/links.h"

#include <errno.h>
#include <string.h>

#include "mail/link_words.h"
#include "mail/punycode.h"
#include "mail/text_filter.h"

enum action { ACTION_COPY, ACTION_BRACKET, ACTION_X, ACTION_OMIT };

/* Shows in ASCII the host from begin to end, before the character `at`. */
struct insertion {
	uint16_t at, begin, end;
	bool has_userinfo;	/* what stands before the host looked like one */
};

struct word {
	struct span bytes;
	enum link_style style;
	size_t count;		/* of characters */
	size_t insertion_count;
	struct insertion insertions[LINK_INSERTIONS_MAX];
	uint16_t host_begin, host_end;	/* the first host that was found; equal: none */
	uint16_t places[LINK_WORD_BYTES_MAX + 1];	/* where each character begins, and the end */
	uint8_t actions[LINK_WORD_BYTES_MAX];
	uint32_t characters[LINK_WORD_BYTES_MAX + 1];	/* folded; a 0 behind the last */
};

/* ---- kinds of characters */

static bool is_digit(uint32_t character)
{
	return character >= '0' && character <= '9';
}

static bool is_ascii_letter(uint32_t character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

/* Kana and kanji: a word of Japanese stands next to an address without a space. */
static bool is_japanese(uint32_t character)
{
	return (character >= 0x3005 && character <= 0x3007) || (character >= 0x3041 && character <= 0x30ff) ||
	       (character >= 0x3400 && character <= 0x9fff) || (character >= 0xf900 && character <= 0xfaff) ||
	       (character >= 0xff66 && character <= 0xff9f) || (character >= 0x20000 && character <= 0x3ffff);
}

/* Letters of other scripts that may stand in a host; punctuation and symbols may not. */
static bool is_foreign_letter(uint32_t character)
{
	if (character < 0xc0 || character > 0x10ffff || is_japanese(character))
		return false;
	return !(character >= 0x2000 && character <= 0x2bff) && !(character >= 0x2e00 && character <= 0x303f) &&
	       !(character >= 0xfe10 && character <= 0xfe6f) && !(character >= 0xff00 && character <= 0xff65) &&
	       !(character >= 0xffe0 && character <= 0xffff) && !(character >= 0x1f000 && character <= 0x1ffff);
}

static bool is_host_character(uint32_t character)
{
	return is_ascii_letter(character) || is_digit(character) || character == '-' || character == '_' ||
	       is_foreign_letter(character);
}

/* What may stand between "//" and the path. */
static bool is_authority_character(uint32_t character)
{
	if (character < 0x80)
		return is_host_character(character) || (character != 0 && strchr(".~%!$&*+,;=:@", (int)character));
	return is_foreign_letter(character) || is_japanese(character);
}

/*
 * A full stop of Japanese (also the half-width one) behind Japanese, or in front of it, ends a sentence ("ください。https://..."); no mail
 * program finds an address by it. What stands behind it is decided by its first byte, so that whoever scans bytes agrees.
 */
static bool is_sentence_end(uint32_t codepoint, uint32_t before, struct span behind)
{
	if (codepoint != 0x3002 && codepoint != 0xff61)
		return false;
	return is_japanese(before) || (behind.length > 0 && (uint8_t)behind.data[0] >= 0xe3 && (uint8_t)behind.data[0] <= 0xe9);
}

static bool is_slash(uint32_t character)
{
	return character == '/' || character == '\\';
}

/* ---- the word */

static void word_decode(struct word *word, struct span bytes, enum link_style style)
{
	struct span rest = bytes;
	uint32_t before = 0;

	word->bytes = bytes;
	word->style = style;
	word->count = word->insertion_count = 0;
	word->host_begin = word->host_end = 0;
	while (rest.length > 0) {
		uint32_t codepoint;
		size_t length = text_codepoint(rest, &codepoint);

		if (length == 0)	/* cut within a character: nobody's address */
			length = rest.length;
		word->places[word->count] = (uint16_t)(bytes.length - rest.length);
		word->actions[word->count] = ACTION_COPY;
		rest = span_part(rest, length, rest.length);
		word->characters[word->count++] =
			codepoint < 0x80 || is_sentence_end(codepoint, before, rest) ? codepoint : punycode_fold(codepoint);
		before = codepoint;
	}
	word->places[word->count] = (uint16_t)bytes.length;
	word->characters[word->count] = 0;
}

/* True when the characters from begin on are those of name, in any case. */
static bool word_has(const struct word *word, size_t begin, size_t end, const char *name)
{
	for (; begin < end && *name; begin++, name++) {
		uint32_t character = word->characters[begin];

		if (character != (uint8_t)*name && !(is_ascii_letter(character) && (character | 0x20) == (uint8_t)*name))
			return false;
	}
	return begin == end && !*name;
}

enum { LISTED_BYTES_MAX = 24 };	/* no listed word is longer */

/* True when a word is in a sorted list. */
static bool list_has(const char *const *list, size_t count, const char *word)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(word, list[middle]);

		if (order == 0)
			return true;
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* True when the characters from begin to end are a word of the list, in any case. */
static bool word_is_listed(const struct word *word, size_t begin, size_t end, const char *const *list, size_t count)
{
	char listed[LISTED_BYTES_MAX + 1];
	size_t length = 0;

	if (end - begin > LISTED_BYTES_MAX)
		return false;
	for (; begin < end; begin++) {
		uint32_t character = word->characters[begin];

		if (character >= 0x80)
			return false;
		listed[length++] = (char)(is_ascii_letter(character) ? character | 0x20 : character);
	}
	listed[length] = '\0';
	return list_has(list, count, listed);
}

#define WORD_IS_LISTED(word, begin, end, list) word_is_listed(word, begin, end, list, sizeof(list) / sizeof((list)[0]))

/* True when the characters are not what they look like: their bytes are not ASCII. */
static bool word_is_disguised(const struct word *word, size_t begin, size_t end)
{
	for (size_t i = word->places[begin]; i < word->places[end]; i++)
		if ((uint8_t)word->bytes.data[i] >= 0x80)
			return true;
	return false;
}

static void word_bracket(struct word *word, size_t begin, size_t end, uint32_t character)
{
	for (size_t i = begin; i < end; i++)
		if (word->characters[i] == character)
			word->actions[i] = ACTION_BRACKET;
}

/* A host was found: it is the first one, perhaps, and its ASCII form is shown before the character `at` where it is needed. */
static void host_note(struct word *word, size_t begin, size_t end, size_t at, bool has_userinfo)
{
	uint32_t next = word->characters[at];

	if (word->host_begin == word->host_end) {
		word->host_begin = (uint16_t)begin;
		word->host_end = (uint16_t)end;
	}
	/* Behind a host that was defanged already the form stands already. */
	if (next == '[' || next == 0x3014 || (!has_userinfo && !word_is_disguised(word, begin, end)))
		return;
	if (begin == end || word->insertion_count == LINK_INSERTIONS_MAX)
		return;
	word->insertions[word->insertion_count++] = (struct insertion){
		.at = (uint16_t)at, .begin = (uint16_t)begin, .end = (uint16_t)end, .has_userinfo = has_userinfo,
	};
}

/* ---- bare hosts: letters, digits, hyphens and dots */

/* What the labels of a run say about it. */
struct labels {
	size_t count;
	size_t domains;		/* those behind the first that may be a top-level domain */
	size_t extensions;	/* those that are better known as extensions of files */
	size_t octets;		/* numbers up to 255 */
	bool begins_known;	/* "www" or "ftp" */
};

static bool label_is_octet(const struct word *word, size_t begin, size_t end)
{
	uint32_t value = 0;

	for (size_t i = begin; i < end; i++) {
		if (!is_digit(word->characters[i]) || i - begin == 3)
			return false;
		value = value * 10 + word->characters[i] - '0';
	}
	return value <= 255;
}

/* Two or more letters, or the ASCII form of such. */
static bool label_is_domain(const struct word *word, size_t begin, size_t end)
{
	if (end - begin > 4 && word_has(word, begin, begin + 4, "xn--"))
		return true;
	for (size_t i = begin; i < end; i++)
		if (!is_ascii_letter(word->characters[i]) && !is_foreign_letter(word->characters[i]))
			return false;
	return end - begin >= 2;
}

static void label_count(struct labels *labels, const struct word *word, size_t begin, size_t end)
{
	labels->octets += label_is_octet(word, begin, end);
	if (labels->count++ == 0)
		labels->begins_known = word_has(word, begin, end, "www") || word_has(word, begin, end, "ftp");
	else if (WORD_IS_LISTED(word, begin, end, link_file_extensions))
		labels->extensions++;
	else
		labels->domains += label_is_domain(word, begin, end);
}

static struct labels labels_of(const struct word *word, size_t begin, size_t end)
{
	/* A Japanese label in front of the first dot is no part of the run. */
	struct labels labels = { .count = begin > 0 && is_japanese(word->characters[begin - 1]) && word->characters[begin] == '.' };

	for (size_t from = begin, i = begin; i <= end; i++) {
		if (i < end && word->characters[i] != '.')
			continue;
		if (i > from)
			label_count(&labels, word, from, i);
		from = i + 1;
	}
	return labels;
}

/* True when a kana or kanji word that is a top-level domain begins here and ends where the letters end. */
static bool japanese_domain_begins(const struct word *word, size_t begin)
{
	char listed[LISTED_BYTES_MAX + 1];
	size_t end = begin, length;

	while (end < word->count && is_japanese(word->characters[end]))
		end++;
	length = (size_t)(word->places[end] - word->places[begin]);
	if (length == 0 || length > LISTED_BYTES_MAX)
		return false;
	memcpy(listed, word->bytes.data + word->places[begin], length);
	listed[length] = '\0';
	return list_has(link_japanese_domains, sizeof(link_japanese_domains) / sizeof(link_japanese_domains[0]), listed);
}

/* True when the run from begin to end is what mail programs take for a host. */
static bool run_is_host(const struct word *word, size_t begin, size_t end, const struct labels *labels)
{
	uint32_t next = word->characters[end];

	if (labels->count < 2)
		return false;
	if (labels->domains > 0 || labels->begins_known || (labels->octets == 4 && labels->count == 4))
		return true;
	if (begin > 0 && word->characters[begin - 1] == '@')
		return true;
	return labels->extensions > 0 && (next == '/' || (next == ':' && is_digit(word->characters[end + 1])));
}

/* A run of host characters and dots begins here: marks it if it is a host; where it ends. */
static size_t run_mark(struct word *word, size_t begin)
{
	size_t end = begin, last;
	bool has_letter = begin > 0 && is_japanese(word->characters[begin - 1]);
	struct labels labels;

	for (; is_host_character(word->characters[end]) || word->characters[end] == '.'; end++)
		has_letter |= is_ascii_letter(word->characters[end]);
	last = end;
	if (last > begin && word->characters[last - 1] == '.')
		last--;
	labels = labels_of(word, begin, last);
	if (last < end && ((has_letter && japanese_domain_begins(word, end)) ||
			   (labels.begins_known && is_japanese(word->characters[end]))))
		last = end;
	else if (!run_is_host(word, begin, last, &labels))
		return end;
	word_bracket(word, begin, last, '.');
	host_note(word, begin, last, last, false);
	return end;
}

/* ---- behind a scheme */

/* True when "[.]" stands here: a host that was defanged already goes on behind it. */
static bool word_goes_on_defanged(const struct word *word, size_t at)
{
	return word->characters[at] == '[' && word->characters[at + 1] == '.' && word->characters[at + 2] == ']';
}

/* Japanese goes on right behind an address: "example.jpをご覧ください". No top-level domain begins with Latin letters and goes on so. */
static size_t host_trim(const struct word *word, size_t begin, size_t end)
{
	size_t label = end, i;

	if (word_goes_on_defanged(word, end))
		return end;
	while (label > begin && word->characters[label - 1] != '.')
		label--;
	for (i = label; i < end && is_ascii_letter(word->characters[i]);)
		i++;
	return i - label >= 2 && i < end && is_japanese(word->characters[i]) ? i : end;
}

/* Leaves out the path that may begin here, all but its first character; where it ends. */
static size_t path_omit(struct word *word, size_t begin)
{
	size_t end = begin;

	if (!is_slash(word->characters[begin]) && word->characters[begin] != '?' && word->characters[begin] != '#')
		return begin;
	while (end < word->count && word->characters[end] > 0x20 && word->characters[end] < 0x7f &&
	       !strchr("\"<>'`", (int)word->characters[end]))
		end++;
	memset(word->actions + begin + 1, ACTION_OMIT, end - begin - 1);
	return end;
}

/* Where the scheme begins that ends with this colon; the colon itself when there is none. */
static size_t scheme_begin(const struct word *word, size_t colon)
{
	size_t begin = colon;

	while (begin > 0 && colon - begin < 32) {
		uint32_t character = word->characters[begin - 1];

		if (!is_ascii_letter(character) && !is_digit(character) && character != '+' && character != '-' && character != '.')
			break;
		if (word->actions[begin - 1] == ACTION_BRACKET)	/* "a.tel:1" becomes "a[.]tel:1" */
			break;
		begin--;
	}
	while (begin < colon && !is_ascii_letter(word->characters[begin]))
		begin++;
	return begin;
}

/* True for a scheme that mail programs open without "//". */
static bool scheme_is_known(const struct word *word, size_t begin, size_t colon)
{
	uint32_t next = word->characters[colon + 1];

	if (WORD_IS_LISTED(word, begin, colon, link_telephone_schemes))
		return is_digit(next) || next == '+' || next == '(';
	if (colon - begin > 3 && word_has(word, begin, begin + 3, "ms-"))
		return next != 0;
	return next != 0 && WORD_IS_LISTED(word, begin, colon, link_schemes);
}

/* Marks the colons within user name, host and port that would end a scheme, or that no port follows. */
static void authority_colons_mark(struct word *word, size_t begin, size_t end)
{
	for (size_t i = begin; i < end; i++) {
		if (word->characters[i] != ':')
			continue;
		if (!is_digit(word->characters[i + 1]) || scheme_is_known(word, scheme_begin(word, i), i))
			word->actions[i] = ACTION_BRACKET;
	}
}

/* Marks user name, host and port that begin here; where they end. */
static size_t authority_mark(struct word *word, size_t begin)
{
	size_t end = begin, host = begin, host_end;

	for (; end < word->count && is_authority_character(word->characters[end]); end++) {
		if (word->characters[end] == ':' && is_slash(word->characters[end + 1]))
			break;	/* the next scheme */
		if (word->characters[end] == '@')
			host = end + 1;
	}
	for (host_end = host; host_end < end && word->characters[host_end] != ':';)
		host_end++;
	if (host_trim(word, host, host_end) < host_end)
		end = host_end = host_trim(word, host, host_end);
	word_bracket(word, begin, end, '.');
	word_bracket(word, begin, end, '@');
	authority_colons_mark(word, begin, end);
	if (host_end > host)
		host_note(word, host, host_end, end, host > begin);
	return word->style == LINK_STYLE_HOST ? path_omit(word, end) : end;
}

/* True when a file server is named here, behind two backslashes; then they are marked. */
static bool server_mark(struct word *word, size_t begin)
{
	if (begin < 2 || word->characters[begin - 1] != '\\' || word->characters[begin - 2] != '\\' ||
	    !is_authority_character(word->characters[begin]))
		return false;
	word->actions[begin - 1] = ACTION_BRACKET;
	return true;
}

/* A colon stands here: marks the scheme before it and the host behind it; where to go on. */
static size_t colon_mark(struct word *word, size_t colon)
{
	size_t begin = scheme_begin(word, colon), behind = colon + 1;
	bool is_web = WORD_IS_LISTED(word, begin, colon, link_web_schemes);
	bool has_slashes = is_slash(word->characters[behind]) && is_slash(word->characters[behind + 1]);

	if (begin == colon || (!has_slashes && !scheme_is_known(word, begin, colon)))
		return behind;
	if (is_web && word->style != LINK_STYLE_BRACKETS) {
		word->actions[begin + 1] = ACTION_X;
		if (word->characters[begin] == 'h' || word->characters[begin] == 'H')
			word->actions[begin + 2] = ACTION_X;
	} else if (!WORD_IS_LISTED(word, begin, colon, link_defanged_schemes)) {
		word->actions[colon] = ACTION_BRACKET;
	}
	if (!is_web && !has_slashes)
		return behind;
	/* Browsers take any number of slashes, also of the wrong kind. */
	while (is_slash(word->characters[behind]))
		behind++;
	server_mark(word, behind);
	return authority_mark(word, behind);
}

/* A backslash stands here; where to go on. */
static size_t backslash_mark(struct word *word, size_t at)
{
	return server_mark(word, at + 1) ? authority_mark(word, at + 1) : at + 1;
}

static void word_mark(struct word *word)
{
	for (size_t i = 0; i < word->count;) {
		uint32_t character = word->characters[i];

		if (is_japanese(character))
			i++;
		else if (is_host_character(character) || character == '.')
			i = run_mark(word, i);
		else if (character == ':')
			i = colon_mark(word, i);
		else if (character == '\\')
			i = backslash_mark(word, i);
		else
			i++;
	}
}

/*
 * A part of a word that is too long to be understood: everything by which an address is found. Not at the end of the word: there it
 * is none.
 */
static void word_mark_all(struct word *word, uint32_t before, bool ends)
{
	for (size_t i = 0; i + ends < word->count; i++) {
		uint32_t character = word->characters[i];

		if (before != '[' && (character == '.' || character == ':' || character == '@' || character == '\\'))
			word->actions[i] = ACTION_BRACKET;
		before = character;
	}
}

/* ---- writing */

static void insertion_write(const struct word *word, const struct insertion *insertion, struct buf *out)
{
	struct span host = span_part(word->bytes, word->places[insertion->begin], word->places[insertion->end]);
	struct buf ascii = buf_limited(0);

	if (punycode_host(host, &ascii) == 0) {
		buf_puts(out, insertion->has_userinfo ? "〔接続先は " : "〔");
		for (size_t i = 0; i < ascii.length; i++)
			buf_put(out, ascii.data[i] == '.' ? "[.]" : ascii.data + i, ascii.data[i] == '.' ? 3 : 1);
		buf_puts(out, "〕");
	}
	buf_free(&ascii);
}

static void action_write(const struct word *word, size_t i, struct buf *out)
{
	char bracketed[] = { '[', (char)word->characters[i], ']' };

	switch ((enum action)word->actions[i]) {
	case ACTION_BRACKET:
		buf_put(out, bracketed, sizeof(bracketed));
		break;
	case ACTION_X:
		buf_putc(out, 'x');
		break;
	case ACTION_OMIT:
		if (i == 0 || word->actions[i - 1] != ACTION_OMIT)
			buf_puts(out, "…");
		break;
	case ACTION_COPY:
		break;
	}
}

/* Writes the word; how many places were changed. */
static uint32_t word_write(const struct word *word, struct buf *out)
{
	const struct insertion *insertion = word->insertions, *end = insertion + word->insertion_count;
	size_t copied = 0;
	uint32_t changed = 0;

	for (size_t i = 0; i <= word->count; i++) {
		bool inserts = insertion < end && insertion->at == i;
		bool acts = i < word->count && word->actions[i] != ACTION_COPY;

		if (!inserts && !acts && i < word->count)
			continue;
		buf_put(out, word->bytes.data + copied, word->places[i] - copied);
		copied = word->places[i];
		if (inserts)
			insertion_write(word, insertion++, out);
		if (!acts)
			continue;
		action_write(word, i, out);
		copied = word->places[i + 1];
		changed += word->actions[i] != ACTION_OMIT;
	}
	return changed;
}

/* ---- the stream */

enum { BYTE_PLAIN, BYTE_SPACE, BYTE_SUSPICIOUS, BYTE_BEYOND };

/* Characters beyond ASCII are known by a byte that is rare: 0x80 is the second one of U+2000 to U+203F and U+3000 to U+303F. */
static const uint8_t byte_kinds[256] = {
	[0x00 ... 0x20] = BYTE_SPACE,
	['.'] = BYTE_SUSPICIOUS, [':'] = BYTE_SUSPICIOUS, ['@'] = BYTE_SUSPICIOUS, ['\\'] = BYTE_SUSPICIOUS,
	[0x80] = BYTE_BEYOND, [0xef] = BYTE_BEYOND,
};

/*
 * True when the character with this byte may fold to one by which an address is found. Only saves work: true is always right. begin and end
 * are those of the text that is known.
 */
static bool byte_is_suspicious(const uint8_t *begin, const uint8_t *at, const uint8_t *end)
{
	if (at == begin || end - at < 3)
		return true;
	if (at[0] == 0xef)
		return at[1] == 0xbc ? at[2] == 0x8e || at[2] == 0x9a || at[2] == 0xa0 || at[2] == 0xbc : at[1] == 0xbd || at[1] == 0xb9;
	if (at[-1] == 0xe3)	/* the full stop of Japanese, when the word goes on behind it, and not in Japanese */
		return at[1] == 0x82 && at[2] > ' ' && (at[2] < 0xe3 || at[2] > 0xe9);
	return at[-1] == 0xe2 && at[1] == 0xa4;
}

struct links links_make(enum link_style style)
{
	return (struct links){ .style = style };
}

/* Writes the first bytes of the held word, and keeps the rest. ends: they are the end of the word. */
static void held_write(struct links *links, size_t bytes, bool ends, struct buf *out)
{
	struct word word;
	uint32_t changed;

	if (!links->suspicious) {
		buf_put(out, links->held, bytes);
	} else {
		word_decode(&word, (struct span){ .data = links->held, .length = bytes }, links->style);
		if (links->long_word)
			word_mark_all(&word, links->last, ends);
		else
			word_mark(&word);
		changed = word_write(&word, out);
		if (__builtin_add_overflow(links->defanged, changed, &links->defanged))
			links->defanged = UINT32_MAX;
	}
	links->last = bytes > 0 ? (uint8_t)links->held[bytes - 1] : links->last;
	memmove(links->held, links->held + bytes, links->held_bytes - bytes);
	links->held_bytes -= bytes;
}

/* Where a character of three or more bytes ends in the second half of the held word, behind Japanese punctuation if possible; 0: nowhere. */
static size_t held_division(const struct links *links)
{
	const uint8_t *held = (const uint8_t *)links->held;
	size_t division = 0;

	for (size_t i = links->held_bytes - 3; i > LINK_WORD_BYTES_MAX / 2; i--) {
		if (held[i] < 0xe3 || held[i] > 0xe9)
			continue;
		if (held[i] == 0xe3 && held[i + 1] == 0x80 && held[i + 2] != 0x82)
			return i + 3;
		if (division == 0)
			division = i + 3;
	}
	return division;
}

/* Bytes at the end of the held word that are the beginning of a character. */
static size_t held_tail(const struct links *links)
{
	for (size_t tail = 1; tail <= 3; tail++) {
		uint8_t byte = (uint8_t)links->held[links->held_bytes - tail];

		if (byte >= 0xc0)
			return tail < (byte < 0xe0 ? 2U : byte < 0xf0 ? 3U : 4U) ? tail : 0;
		if (byte < 0x80)
			return 0;
	}
	return 0;
}

/* The held word is as long as it may be and goes on. */
static void held_divide(struct links *links, struct buf *out)
{
	size_t division = links->long_word ? 0 : held_division(links);

	if (division == 0) {
		links->long_word = true;
		division = links->held_bytes - held_tail(links);
	}
	held_write(links, division, false, out);
}

static void word_hold(struct links *links, struct span bytes, struct buf *out)
{
	while (bytes.length > 0) {
		size_t room, length;

		if (links->held_bytes == LINK_WORD_BYTES_MAX)
			held_divide(links, out);
		room = LINK_WORD_BYTES_MAX - links->held_bytes;
		length = bytes.length < room ? bytes.length : room;
		memcpy(links->held + links->held_bytes, bytes.data, length);
		links->held_bytes += length;
		bytes = span_part(bytes, length, bytes.length);
	}
}

static void word_end(struct links *links, struct buf *out)
{
	held_write(links, links->held_bytes, true, out);
	links->suspicious = links->long_word = links->undecided = false;
	links->last = 0;
}

/* True when something is held, or of a word something was written already. */
static bool word_is_open(const struct links *links)
{
	return links->held_bytes > 0 || links->long_word;
}

/* Notes what the byte at this place of in means for its word. True when it ends the word. */
static bool byte_take(struct links *links, struct span in, const char *at)
{
	const uint8_t *begin = (const uint8_t *)in.data;
	uint8_t kind = byte_kinds[(uint8_t)*at];

	links->suspicious |= links->undecided && kind != BYTE_SPACE;
	links->undecided = kind == BYTE_SUSPICIOUS;	/* at the end of a word it means nothing */
	if (kind == BYTE_BEYOND)
		links->suspicious |= byte_is_suspicious(begin, (const uint8_t *)at, begin + in.length);
	return kind == BYTE_SPACE;
}

void links_feed(struct links *links, struct span in, struct buf *out)
{
	const char *copied = in.data, *word = in.data, *end = in.length ? in.data + in.length : in.data;

	for (const char *at = in.data; at < end; at++) {
		if (byte_kinds[(uint8_t)*at] == BYTE_PLAIN && !links->undecided) {
			while (at + 1 < end && byte_kinds[(uint8_t)at[1]] == BYTE_PLAIN)
				at++;
			continue;
		}
		if (!byte_take(links, in, at))
			continue;
		if (links->suspicious || word_is_open(links)) {
			buf_put(out, copied, (size_t)(word - copied));
			word_hold(links, (struct span){ .data = word, .length = (size_t)(at - word) }, out);
			word_end(links, out);
			copied = at;
		}
		word = at + 1;
	}
	if (end > in.data) {
		buf_put(out, copied, (size_t)(word - copied));
		word_hold(links, (struct span){ .data = word, .length = (size_t)(end - word) }, out);
	}
}

void links_finish(struct links *links, struct buf *out)
{
	word_end(links, out);
}

/* True when a text may hold an address; see byte_is_suspicious(). */
static bool text_is_suspicious(struct span text)
{
	const uint8_t *begin = (const uint8_t *)text.data;

	for (size_t i = 0; i < text.length; i++) {
		uint8_t kind = byte_kinds[begin[i]];

		if (kind == BYTE_SUSPICIOUS || (kind == BYTE_BEYOND && byte_is_suspicious(begin, begin + i, begin + text.length)))
			return true;
	}
	return false;
}

int link_host(struct span text, struct buf *out)
{
	struct word word;
	size_t begin, end;

	text = span_part(text, 0, text.length < LINK_WORD_BYTES_MAX ? text.length : LINK_WORD_BYTES_MAX);
	if (!text_is_suspicious(text))
		return -ENOENT;
	word_decode(&word, text, LINK_STYLE_HXXP);
	word_mark(&word);
	if (word.host_begin == word.host_end)
		return -ENOENT;
	/* Japanese labels are no part of a run. */
	begin = word.host_begin;
	end = word.host_end;
	while (begin > 0 && (is_japanese(word.characters[begin - 1]) || is_host_character(word.characters[begin - 1])))
		begin--;
	while (end > 0 && word.characters[end - 1] == '.' && is_japanese(word.characters[end]) && end < word.count)
		end++;
	while (end > 0 && is_japanese(word.characters[end - 1]) && is_japanese(word.characters[end]))
		end++;
	return punycode_host(span_part(text, word.places[begin], word.places[end]), out) == 0 ? 0 : -ENOENT;
}
