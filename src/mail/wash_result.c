/* wash_result: what was gathered becomes the letter: text, rows, notes, and the limits kept. */
#include <assert.h>
#include <string.h>

#include "mail/header_octets.h"
#include "mail/wash_work.h"

enum {
	DETAILS_MAX = 6,		/* different details of one code that are noted */
	DETAILED_CODES_MAX = 8,		/* codes that have details */
	ROW_BYTES_MAX = LETTER_ROW_COST + LETTER_FILE_NAME_BYTES_MAX + LETTER_EXTENSION_BYTES_MAX +
			2 * LETTER_TYPE_GROWTH * LETTER_TYPE_BYTES_MAX,
	TEXT_BYTES_MIN = 512 * 1024,	/* the receipt never takes this from the text */
	LINE_BYTES_MAX = 64 * 1024,	/* of a line as it is written */
	LINE_END_BYTES = 2,
};

struct span wash_lines_of(struct wash *wash, struct span text)
{
	struct plain_text plain = plain_text_make(wash->settings->links);
	struct buf filtered = buf_limited(0);
	struct span lines;

	plain_text_feed(&plain, text, &filtered);
	plain_text_finish(&plain, &filtered);
	lines = wash_copy(wash, buf_span(&filtered));
	buf_free(&filtered);
	return lines;
}

struct span wash_line(struct wash *wash, struct span text, enum letter_text kind, size_t bytes_max)
{
	struct letter_cleaner cleaner = letter_cleaner_make(kind);
	struct buf cleaned = buf_limited(0);
	struct span line;

	letter_clean(&cleaner, wash_lines_of(wash, text), &cleaned);
	letter_clean_finish(&cleaner, &cleaned);
	line = wash_copy(wash, header_trim(letter_text_cut(header_trim(buf_span(&cleaned)), bytes_max, SIZE_MAX)));
	buf_free(&cleaned);
	return line;
}

/* ---- notes ---- */

_Static_assert(DETAILED_CODES_MAX * DETAILS_MAX + LETTER_NOTE_COUNT - 1 - DETAILED_CODES_MAX <= LETTER_NOTES_MAX,
	       "there is room for a note of each kind");

static uint32_t count_add(uint32_t count, uint64_t more)
{
	return more > UINT32_MAX - count ? UINT32_MAX : count + (uint32_t)more;
}

/* The note of this code with this detail; NULL: there is none yet. */
static struct letter_note *note_find(struct letter *letter, enum letter_note_code code, struct span detail)
{
	for (size_t i = 0; i < letter->note_count; i++)
		if (letter->notes[i].code == code && span_equal(letter->notes[i].detail, detail))
			return &letter->notes[i];
	return NULL;
}

/* The last note of this code; there is one. */
static struct letter_note *note_last(struct letter *letter, enum letter_note_code code)
{
	size_t i = letter->note_count - 1;

	while (letter->notes[i].code != code)
		i--;
	return &letter->notes[i];
}

/* The note to count on: the one with this detail, a new one, or the last one, which then stands for all others. */
static struct letter_note *note_get(struct wash *wash, enum letter_note_code code, struct span detail)
{
	struct letter *letter = wash->letter;
	struct letter_note *note = note_find(letter, code, detail);

	if (note)
		return note;
	if (wash->notes_of[code] == DETAILS_MAX) {
		note = note_last(letter, code);
		note->detail = span_of("…");
		return note;
	}
	wash->notes_of[code]++;
	note = &letter->notes[letter->note_count++];
	*note = (struct letter_note){ .code = code, .detail = detail };
	return note;
}

void wash_note(struct wash *wash, enum letter_note_code code, uint64_t count, struct span detail)
{
	struct span line = { .data = NULL, .length = 0 };
	struct letter_note *note;

	if (letter_notes[code].detailed)
		line = wash_line(wash, detail.length > 0 ? detail : span_of("-"), LETTER_TEXT_LINE, LETTER_DETAIL_BYTES_MAX);
	if (letter_notes[code].detailed && line.length == 0)
		line = span_of("-");
	note = note_get(wash, code, line);
	if (letter_notes[code].counted)
		note->count = count_add(note->count, count);
}

/* ---- the text ---- */

/* A text that is written line by line. Behind the limit of out it is only measured. */
struct writing {
	struct buf out;
	uint64_t bytes;		/* of all lines */
	bool begun;		/* there is a line before */
	uint32_t quote;		/* of it */
};

static void bytes_put(struct writing *writing, struct span bytes)
{
	writing->bytes += bytes.length;
	if (!writing->out.overflow)
		buf_put(&writing->out, bytes.data, bytes.length);
}

static void line_put(struct writing *writing, uint32_t quote, struct span line)
{
	for (uint32_t i = 0; i < quote; i++)
		bytes_put(writing, span_of(line.length == 0 && i + 1 == quote ? ">" : "> "));
	if (quote == 0 && wash_files_is_mark(line))
		bytes_put(writing, span_of(" "));
	bytes_put(writing, line);
	bytes_put(writing, span_of("\r\n"));
}

/* Takes the first line off the text; without its end. */
static struct span line_take(struct span *text)
{
	const char *end = memchr(text->data, '\n', text->length);
	size_t length = end ? (size_t)(end - text->data) : text->length;
	struct span line = span_part(*text, 0, length);

	*text = span_part(*text, end ? length + 1 : length, text->length);
	return line;
}

static void lines_put(struct writing *writing, uint32_t quote, struct span text)
{
	while (text.length > 0)
		line_put(writing, quote, line_take(&text));
}

/* The text of a piece without empty lines at its end. */
static struct span piece_text(const struct wash *wash, const struct wash_piece *piece)
{
	size_t end = piece->end;

	while (end > piece->begin && strchr(" \t\n", wash->store.data[end - 1]))
		end--;
	return span_part(buf_span(&wash->store), piece->begin, end);
}

static void piece_put(const struct wash *wash, const struct wash_piece *piece, struct writing *writing)
{
	struct span text = piece_text(wash, piece);

	if (text.length + piece->heading.length == 0)
		return;
	if (writing->begun)
		line_put(writing, piece->quote < writing->quote ? piece->quote : writing->quote, span_of(""));
	writing->begun = true;
	writing->quote = piece->quote;
	lines_put(writing, piece->quote, piece->heading);
	lines_put(writing, piece->quote, text);
}

/* How many parts are on the receipt whatever becomes of the text. */
static size_t rows_count(const struct wash *wash)
{
	size_t rows = 0;

	for (size_t i = 0; i < wash->facts.part_count; i++)
		rows += wash->facts.parts[i].reason != 0;
	return rows;
}

/* What is left for the text beside so many rows and all notes that there may be. */
static size_t text_bytes_max(size_t rows)
{
	size_t receipt = (rows < LETTER_ROWS_MAX ? rows : LETTER_ROWS_MAX) * ROW_BYTES_MAX;
	size_t others = receipt + (size_t)LETTER_NOTES_MAX * (LETTER_NOTE_COST + LETTER_DETAIL_BYTES_MAX);
	size_t left = others < LETTER_BODY_COST_MAX ? LETTER_BODY_COST_MAX - others : 0;

	if (left < TEXT_BYTES_MIN)
		return TEXT_BYTES_MIN;
	return left < LETTER_TEXT_BYTES_MAX ? left : LETTER_TEXT_BYTES_MAX;
}

/* Of a text that is too long the end is cut off: says so on the receipt for each leaf that is not whole. */
static void text_cut(struct wash *wash, const uint64_t *ends, uint64_t bytes)
{
	struct letter *letter = wash->letter;

	letter_count(letter, LETTER_COUNT_TEXT_OMITTED_BYTES, bytes - letter->text.length);
	for (size_t i = 0; i < wash->piece_count; i++)
		if (ends[i] > letter->text.length && wash->pieces[i].part != WASH_NO_PART)
			wash->facts.parts[wash->pieces[i].part].reason = LETTER_REASON_TRUNCATED;
}

static void text_make(struct wash *wash)
{
	struct writing writing = { .out = buf_limited(LETTER_TEXT_BYTES_MAX + LINE_BYTES_MAX) };
	uint64_t *ends = arena_array(wash->arena, wash->piece_count, sizeof(*ends)), bytes;
	size_t bytes_max = text_bytes_max(rows_count(wash));
	struct span text;

	for (size_t i = 0; i < wash->piece_count; i++) {
		piece_put(wash, &wash->pieces[i], &writing);
		ends[i] = writing.bytes > LINE_END_BYTES ? writing.bytes - LINE_END_BYTES : 0;
	}
	bytes = writing.bytes > LINE_END_BYTES ? writing.bytes - LINE_END_BYTES : 0;
	text = buf_span(&writing.out);
	if (text.length > bytes)
		text.length = bytes;
	/* A text that has to be cut may put each part on the receipt. */
	if (bytes > bytes_max)
		bytes_max = text_bytes_max(wash->facts.part_count);
	wash->letter->text = wash_copy(wash, letter_text_cut(text, bytes_max, SIZE_MAX));
	if (wash->letter->text.length < bytes)
		text_cut(wash, ends, bytes);
	buf_free(&writing.out);
}

/* ---- rows and counters ---- */

static void row_put(struct wash *wash, const struct wash_part *part)
{
	struct letter *letter = wash->letter;

	if (letter->row_count == LETTER_ROWS_MAX) {
		wash->facts.parts_omitted++;
		wash->facts.omitted_bytes += part->size_bytes;
		return;
	}
	letter->rows[letter->row_count++] = (struct letter_row){
		.reason = part->reason, .name = part->name, .extension = part->extension,
		.declared_type = part->declared_type, .sniffed_type = part->sniffed_type, .size_bytes = part->size_bytes,
	};
	memcpy(letter->rows[letter->row_count - 1].sha256, part->sha256, DIGEST_BYTES);
}

static void rows_make(struct wash *wash)
{
	const struct wash_facts *facts = &wash->facts;

	for (size_t i = 0; i < facts->part_count; i++)
		if (facts->parts[i].reason != 0)
			row_put(wash, &facts->parts[i]);
	letter_count(wash->letter, LETTER_COUNT_PARTS, facts->part_count);
	letter_count(wash->letter, LETTER_COUNT_PARTS, facts->totals.parts_omitted);
	letter_count(wash->letter, LETTER_COUNT_ROWS_OMITTED, facts->parts_omitted);
	letter_count(wash->letter, LETTER_COUNT_ROWS_OMITTED_BYTES, facts->omitted_bytes);
}

/* Counts of the texts that are shown, and what the store had no room for. */
static void pieces_count(struct wash *wash)
{
	struct letter *letter = wash->letter;
	struct wash_counts sum = { .replaced = 0 };

	for (size_t i = 0; i < wash->piece_count; i++) {
		const struct wash_counts *counts = &wash->pieces[i].counts;

		sum.hidden += counts->hidden;
		sum.mismatched += counts->mismatched;
		sum.reordering += counts->reordering;
		letter_count(letter, LETTER_COUNT_REPLACED, counts->replaced);
		letter_count(letter, LETTER_COUNT_REMOVED, counts->removed);
		letter_count(letter, LETTER_COUNT_LINKS, counts->links);
		if (wash->pieces[i].cut && wash->pieces[i].part != WASH_NO_PART)
			wash->facts.parts[wash->pieces[i].part].reason = LETTER_REASON_TRUNCATED;
	}
	if (sum.hidden > 0)
		wash_note(wash, LETTER_NOTE_HIDDEN_TEXT, sum.hidden, span_of(""));
	if (sum.mismatched > 0)
		wash_note(wash, LETTER_NOTE_LINK_MISMATCH, sum.mismatched, span_of(""));
	if (sum.reordering > 0)
		wash_note(wash, LETTER_NOTE_BIDI, sum.reordering, span_of(""));
}

void wash_result(struct wash *wash)
{
	pieces_count(wash);
	text_make(wash);
	rows_make(wash);
	letter_fit(wash->letter);
}
