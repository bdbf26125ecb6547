/*
 * wash_choice: which form of a text is shown when a mail brings plain text and HTML of it (multipart/alternative).
 *
 * Both are read as runs of RUN_LETTERS letters. How many runs of one text occur in the other, each as often as it is there,
 * says how much of it the reader of the other one sees. Runs are counted by a hash of SLOTS values: texts so long that they
 * meet by chance are taken for more alike than they are.
 */
#include <string.h>

#include "mail/text_filter.h"
#include "mail/wash_work.h"

enum { RUN_LETTERS = 4, SLOTS = 1 << 16, SHORTER_FACTOR = 2 };

/* A text as its letters. */
struct letters {
	struct span rest;
	uint32_t last[RUN_LETTERS];	/* the newest first */
	size_t count;
};

static bool is_letter(uint32_t codepoint)
{
	if (codepoint < 0x80)
		return (codepoint >= '0' && codepoint <= '9') || (codepoint >= 'a' && codepoint <= 'z');
	/* Neither spaces, punctuation and symbols nor what stands for a character that is missing. */
	return codepoint >= 0xc0 && !(codepoint >= 0x2000 && codepoint <= 0x2bff) && !(codepoint >= 0x3000 && codepoint <= 0x3020);
}

static uint32_t lower(uint32_t codepoint)
{
	return codepoint >= 'A' && codepoint <= 'Z' ? codepoint - 'A' + 'a' : codepoint;
}

/* True when an address that was made harmless begins here (mail/links.h). */
static bool is_address(struct span text)
{
	static const char *const begins[] = { "hxxp", "http[:]", "https[:]" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (text.length > strlen(begins[i]) && memcmp(text.data, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

/* Takes the next character off. Words of ours (〔...〕) and addresses are passed over: the forms write them differently. */
static bool character_take(struct letters *letters, uint32_t *ret_codepoint)
{
	size_t length = text_codepoint(letters->rest, ret_codepoint);
	size_t skipped = 0;

	if (length == 0)
		return false;
	if (*ret_codepoint == 0x3014) {		/* 〔 */
		const char *end = memmem(letters->rest.data, letters->rest.length, "〕", strlen("〕"));

		skipped = end ? (size_t)(end - letters->rest.data) : 0;
	} else if (is_address(letters->rest)) {
		while (skipped < letters->rest.length && (uint8_t)letters->rest.data[skipped] > ' ' &&
		       (uint8_t)letters->rest.data[skipped] < 0x7f)
			skipped++;
	}
	length = skipped > length ? skipped : length;
	letters->rest = span_part(letters->rest, length, letters->rest.length);
	return true;
}

/* The next run of letters as a slot. False at the end of the text. */
static bool run_take(struct letters *letters, size_t *ret_slot)
{
	uint32_t codepoint, hash = 0;

	for (;;) {
		if (!character_take(letters, &codepoint))
			return false;
		codepoint = lower(codepoint);
		if (!is_letter(codepoint))
			continue;
		memmove(letters->last + 1, letters->last, sizeof(letters->last) - sizeof(letters->last[0]));
		letters->last[0] = codepoint;
		if (++letters->count >= RUN_LETTERS)
			break;
	}
	for (size_t i = 0; i < RUN_LETTERS; i++)
		hash = (hash ^ letters->last[i]) * 0x9e3779b1U;
	*ret_slot = hash >> 16;
	return true;
}

/* One form of the text: pieces that may lie apart. */
struct reading {
	const struct wash *wash;
	enum wash_form form;
	size_t first_piece;
};

/* Adds to each slot how many runs of the form fall there; returns how many runs there are. */
static size_t runs_count(const struct reading *reading, uint32_t *slots)
{
	const struct wash *wash = reading->wash;
	size_t runs = 0, slot;

	for (size_t i = reading->first_piece; i < wash->piece_count; i++) {
		const struct wash_piece *piece = &wash->pieces[i];
		struct letters letters = { .count = 0 };

		if (piece->form != reading->form)
			continue;
		letters.rest = span_part(buf_span(&wash->store), piece->begin, piece->end);
		for (; run_take(&letters, &slot); runs++)
			slots[slot]++;
	}
	return runs;
}

/* How many runs two forms have in common. */
static size_t runs_common(const uint32_t *a, const uint32_t *b)
{
	size_t common = 0;

	for (size_t i = 0; i < SLOTS; i++)
		common += a[i] < b[i] ? a[i] : b[i];
	return common;
}

static bool is_alike(size_t common, size_t runs)
{
	return common * 100 >= runs * WASH_ALIKE_PERCENT;
}

/* True when a form has a character that can be seen. */
static bool has_text(const struct wash *wash, size_t first_piece, enum wash_form form)
{
	for (size_t i = first_piece; i < wash->piece_count; i++) {
		const struct wash_piece *piece = &wash->pieces[i];

		for (size_t at = piece->begin; piece->form == form && at < piece->end; at++)
			if ((uint8_t)wash->store.data[at] > ' ')
				return true;
	}
	return false;
}

/* Takes a form out of the store. Its leaves go on the receipt, unless they are blank: then nothing is missing. */
static void form_drop(struct wash *wash, size_t first_piece, enum wash_form form, bool blank)
{
	size_t kept = first_piece, end = wash->pieces[first_piece].begin;

	for (size_t i = first_piece; i < wash->piece_count; i++) {
		struct wash_piece piece = wash->pieces[i];
		size_t length = piece.end - piece.begin;

		if (piece.form == form) {
			if (!blank && piece.part != WASH_NO_PART)
				wash->facts.parts[piece.part].reason = LETTER_REASON_ALTERNATIVE;
			continue;
		}
		memmove(wash->store.data + end, wash->store.data + piece.begin, length);
		piece.begin = end;
		piece.end = end += length;
		wash->pieces[kept++] = piece;
	}
	wash->piece_count = kept;
	wash->store.length = end;
}

static void both_show(struct wash *wash, size_t first_piece)
{
	for (size_t i = first_piece; i < wash->piece_count; i++)
		if (wash->pieces[i].form == WASH_HTML)
			wash->pieces[i].heading = span_of(wash_words[wash->settings->language].html);
	wash_note(wash, LETTER_NOTE_ALTERNATIVES_DIFFER, 0, span_of(""));
}

/* Both forms have text: compares them. */
static void forms_compare(struct wash *wash, size_t first_piece)
{
	__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();
	uint32_t *plain = arena_array(scratch, SLOTS, sizeof(*plain)), *html = arena_array(scratch, SLOTS, sizeof(*html));
	struct reading plain_reading = { .wash = wash, .form = WASH_PLAIN, .first_piece = first_piece };
	struct reading html_reading = { .wash = wash, .form = WASH_HTML, .first_piece = first_piece };
	size_t plain_runs = runs_count(&plain_reading, plain), html_runs = runs_count(&html_reading, html);
	size_t common = runs_common(plain, html);

	if (is_alike(common, html_runs))
		form_drop(wash, first_piece, WASH_HTML, false);
	else if (plain_runs > 0 && is_alike(common, plain_runs) && plain_runs * SHORTER_FACTOR < html_runs)
		form_drop(wash, first_piece, WASH_PLAIN, false);
	else
		both_show(wash, first_piece);
}

void wash_choose(struct wash *wash, size_t first_piece)
{
	bool plain = has_text(wash, first_piece, WASH_PLAIN), html = has_text(wash, first_piece, WASH_HTML);

	if (first_piece == wash->piece_count)
		return;
	if (plain && html)
		forms_compare(wash, first_piece);
	else
		form_drop(wash, first_piece, plain ? WASH_HTML : WASH_PLAIN, true);
}
