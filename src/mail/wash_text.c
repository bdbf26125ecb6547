/*
 * wash_text: one text on its way into the store: bytes, characters, plain text or HTML.
 *
 * The first CHARSET_SAMPLE_BYTES wait until the character set is known; from then on everything passes through.
 */
#include <string.h>

#include "mail/header_octets.h"
#include "mail/wash_work.h"

enum {
	SLICE_BYTES = 16 * 1024,	/* that are decoded in one go */
	META_BYTES = 4096,		/* of an HTML, in which its character set may be named */
	LABEL_BYTES_MAX = 64,
	BINARY_SHARE = 10,		/* one character in so many may be none */
	BINARY_MIN = 16,		/* and so many may in any case */
	SUMMARY_BYTES_MAX = 256 * 1024,
};

/* ---- pieces of the store ---- */

struct wash_piece *wash_piece_open(struct wash *wash, enum wash_form form, int part)
{
	struct wash_piece *piece;
	size_t room = wash->store.length + LETTER_TEXT_BYTES_MAX + PLAIN_TEXT_ROOM_BYTES;

	wash->pieces = arena_grow(wash->arena, wash->pieces, wash->piece_count, &wash->piece_capacity, sizeof(*wash->pieces));
	piece = &wash->pieces[wash->piece_count++];
	*piece = (struct wash_piece){ .begin = wash->store.length, .form = form, .quote = wash->messages, .part = part };
	wash->store.limit_bytes = room < WASH_STORE_BYTES_MAX ? room : WASH_STORE_BYTES_MAX;
	return piece;
}

void wash_piece_close(struct wash *wash)
{
	struct wash_piece *piece = &wash->pieces[wash->piece_count - 1];

	piece->end = wash->store.length;
	piece->cut = wash->store.overflow;
	wash->store.overflow = false;
}

void wash_pieces_drop(struct wash *wash, size_t first)
{
	if (first == wash->piece_count)
		return;
	wash->store.length = wash->pieces[first].begin;
	wash->store.overflow = false;
	wash->piece_count = first;
}

void wash_words_put(struct wash *wash, struct span text, struct span heading)
{
	struct plain_text plain = plain_text_make(wash->settings->links);
	struct wash_piece *piece = wash_piece_open(wash, WASH_NOT_SHOWN, WASH_NO_PART);

	piece->heading = heading;
	plain_text_feed(&plain, text, &wash->store);
	plain_text_finish(&plain, &wash->store);
	piece->counts.links = plain.links.defanged;
	wash_piece_close(wash);
}

/* ---- character sets ---- */

/* The value of "charset=" in the beginning of an HTML; empty: none. */
static struct span meta_charset(struct span sample)
{
	static const char name[] = "charset=";
	struct span head = span_part(sample, 0, sample.length < META_BYTES ? sample.length : META_BYTES);
	size_t at = 0, begin;

	while (at + sizeof(name) - 1 <= head.length && !header_word_is(span_part(head, at, at + sizeof(name) - 1), name))
		at++;
	begin = at += sizeof(name) - 1;
	if (begin >= head.length)
		return (struct span){ .data = NULL, .length = 0 };
	begin = at += head.data[at] == '"' || head.data[at] == '\'';
	while (at < head.length && at - begin < LABEL_BYTES_MAX && (uint8_t)head.data[at] > ' ' && !strchr("\"'/>;", head.data[at]))
		at++;
	return span_part(head, begin, at);
}

/* Reads the charset parameter of the part: none, if it has none that all programs agree on. */
static void label_read(struct wash *wash, const struct mime_part *part)
{
	struct wash_text *text = &wash->text;
	struct span octets = { .data = NULL, .length = 0 };

	if (!part->type_value || mime_parameter_only(part->type_value, "charset", &wash->forms, &octets))
		octets.length = 0;
	text->labelled = charset_of_label(octets);
	text->label = wash_line(wash, octets, LETTER_TEXT_LINE, LABEL_BYTES_MAX);
}

/* True when the bytes only say more exactly what the label says. */
static bool label_holds(enum charset labelled, const struct charset_choice *choice)
{
	if (choice->charset == labelled || choice->reason == CHARSET_BY_LABEL)
		return true;
	if (labelled == CHARSET_UTF_16)
		return choice->charset == CHARSET_UTF_16LE || choice->charset == CHARSET_UTF_16BE;
	if (labelled == CHARSET_UTF_32)
		return choice->charset == CHARSET_UTF_32LE || choice->charset == CHARSET_UTF_32BE;
	return labelled == CHARSET_US_ASCII && choice->charset == CHARSET_UTF_8;
}

/* A label that the bytes speak against is worth a note. */
static void label_note(struct wash *wash)
{
	struct wash_text *text = &wash->text;

	if (text->label.length == 0 || label_holds(text->labelled, &text->choice))
		return;
	wash_note(wash, LETTER_NOTE_CHARSET, 0,
		  span_of(arena_printf(wash->arena, "%.*s -> %s", (int)text->label.length, text->label.data,
				       charset_name(text->choice.charset))));
}

static void charset_decide(struct wash *wash)
{
	struct wash_text *text = &wash->text;
	struct span sample = { .data = text->sample, .length = text->sample_bytes };
	bool unlabelled_html = text->label.length == 0 && text->form == WASH_HTML;

	text->choice = charset_guess(sample, unlabelled_html ? charset_of_label(meta_charset(sample)) : text->labelled);
	text->decoder = charset_decoder_of(text->choice.charset);
	if (wash->part != WASH_NO_PART) {
		struct wash_part *part = &wash->facts.parts[wash->part];

		part->text = true;
		part->label = text->label;
		part->charset = text->choice.charset;
		part->charset_reason = text->choice.reason;
	}
}

/* ---- is it text at all ---- */

static bool is_stray_control(uint32_t codepoint)
{
	if (codepoint == '\t' || codepoint == '\n' || codepoint == '\r' || codepoint == '\f')
		return false;
	return codepoint < 0x20 || (codepoint >= 0x7f && codepoint < 0xa0) || codepoint == 0xfffd;
}

/* Characters of a decoded text that are none, the decoder's own replacements not counted. */
static uint64_t strays_count(struct span decoded, uint64_t *characters)
{
	uint64_t strays = 0;

	while (decoded.length > 0) {
		uint32_t codepoint;
		size_t length = text_codepoint(decoded, &codepoint);

		strays += is_stray_control(codepoint);
		++*characters;
		decoded = span_part(decoded, length > 0 ? length : decoded.length, decoded.length);
	}
	return strays;
}

/* A look at the sample with a decoder that is thrown away. */
static bool sample_is_text(struct wash *wash)
{
	struct wash_text *text = &wash->text;
	struct charset_decoder decoder = text->decoder;
	uint64_t strays = 0, characters = 0;

	if (!wash_sniff_result(&wash->sniffer).text)
		return false;
	for (size_t at = 0; at < text->sample_bytes; at += SLICE_BYTES) {
		size_t length = text->sample_bytes - at < SLICE_BYTES ? text->sample_bytes - at : SLICE_BYTES;

		text->decoded.length = 0;
		charset_decode(&decoder, (struct span){ .data = text->sample + at, .length = length }, &text->decoded);
		strays += strays_count(buf_span(&text->decoded), &characters);
	}
	strays += decoder.undecodable_count;
	return strays <= BINARY_MIN || strays * BINARY_SHARE <= characters;
}

/* ---- files in the text ---- */

static void sample_feed(struct wash *wash, struct span bytes);

static void files_text_take(void *user, struct span bytes)
{
	sample_feed(user, bytes);
}

/* A file has a row of its own, behind that of the text it stood in. */
static void files_file_take(void *user, const struct wash_file *file)
{
	struct wash *wash = user;
	struct header_facts facts = { .words = 0 };
	struct buf name = buf_limited(HEADER_NAME_BYTES_MAX);
	int number = wash_part_add(wash, wash->facts.parts[wash->part].path);
	struct wash_part *part = number == WASH_NO_PART ? NULL : &wash->facts.parts[number];

	if (!part) {
		wash->facts.parts_omitted++;
		wash->facts.omitted_bytes += file->size_bytes;
		return;
	}
	header_unstructured_put(file->name, &name, &facts);
	part->name = wash_line(wash, buf_span(&name), LETTER_TEXT_FILE, LETTER_FILE_NAME_BYTES_MAX);
	part->extension = wash_extension(wash->arena, buf_span(&name));
	part->reason = file->encrypted ? LETTER_REASON_ENCRYPTED_ARCHIVE : LETTER_REASON_UUENCODE;
	part->sniffed_type = file->type;
	part->size_bytes = file->size_bytes;
	memcpy(part->sha256, file->sha256, sizeof(part->sha256));
	buf_free(&name);
}

static const struct wash_files_events files_events = { files_text_take, files_file_take };

/* ---- the text ---- */

/* The line before a text that is not just the next piece of the body. A calendar or card brings its own. */
static struct span heading_of(struct wash *wash, enum wash_form form, const struct mime_part *part)
{
	const struct wash_words *words = &wash_words[wash->settings->language];
	struct span name = wash->facts.parts[wash->part].name;

	if (form == WASH_HEADERS)
		return span_of(words->report_header);
	if (form == WASH_CALENDAR || form == WASH_CARD)
		return span_of("");
	if (part->type.length > 10 && memcmp(part->type.data, "multipart/", 10) == 0)
		return span_of(words->undivided);
	if (name.length > 0 && (part->disposition == MIME_ATTACHMENT || wash->piece_count > 0))
		return span_of(arena_printf(wash->arena, "%s%.*s%s", words->attached_text, (int)name.length, name.data,
					    words->attached_text_end));
	return part->disposition == MIME_ATTACHMENT ? span_of(words->attached_unnamed) : span_of("");
}

/* How long the longest of the other forms is, when the part is one of several of the text; 0: it is not, or they are empty. */
static size_t other_form_bytes(const struct wash *wash)
{
	const struct wash_frame *frame = wash->frame_count > 0 ? &wash->frames[wash->frame_count - 1] : NULL;
	size_t longest = 0;

	if (!frame || frame->container != WASH_ALTERNATIVE)
		return 0;
	for (size_t i = frame->first_piece; i < wash->text.piece; i++) {
		size_t length = wash->pieces[i].end - wash->pieces[i].begin;

		longest = length > longest ? length : longest;
	}
	return longest;
}

/* A field of a returned mail, its encoded words decoded. */
static void header_line_take(void *user, struct span line)
{
	struct wash *wash = user;
	struct header_facts facts = { .words = 0 };
	struct buf text = buf_limited(0);

	header_unstructured_put(line, &text, &facts);
	buf_putc(&text, '\n');
	plain_text_feed(&wash->text.plain, buf_span(&text), &wash->store);
	buf_free(&text);
}

static void form_begin(struct wash *wash)
{
	struct wash_text *text = &wash->text;
	enum language language = wash->settings->language;

	text->plain = plain_text_make(wash->settings->links);
	text->summary.length = 0;
	text->summary.limit_bytes = SUMMARY_BYTES_MAX;
	text->summary.overflow = false;
	if (text->form == WASH_HTML && !text->html)
		text->html = html_text_new();
	if (text->form == WASH_HTML)
		html_text_begin(text->html, &wash->store, wash->settings->links);
	if (text->form == WASH_CALENDAR || text->form == WASH_CARD)
		wash_calendar_begin(&text->calendar, text->form == WASH_CARD, other_form_bytes(wash), language, &text->summary);
	if (text->form == WASH_REPORT)
		wash_report_begin(&text->report, language, &text->summary);
	if (text->form == WASH_HEADERS)
		wash_lines_begin(&text->lines, header_line_take, wash);
}

void wash_text_begin(struct wash *wash, enum wash_form form, const struct mime_part *part)
{
	struct wash_text *text = &wash->text;
	struct span heading = heading_of(wash, form, part);

	text->form = form;
	label_read(wash, part);
	text->decided = text->refused = false;
	text->sample_bytes = 0;
	text->piece = wash->piece_count;
	/* A text with a name of its own is no form of another one. */
	wash_piece_open(wash, heading.length > 0 ? WASH_NOT_SHOWN : form, wash->part)->heading = heading;
	wash_files_begin(&text->files, &files_events, wash);
	form_begin(wash);
}

/* Passes on what the decoder made of some bytes. */
static void decoded_pass(struct wash *wash)
{
	struct wash_text *text = &wash->text;
	struct span decoded = buf_span(&text->decoded);

	if (text->form == WASH_HTML)
		html_text_feed(text->html, decoded);
	if (text->form == WASH_CALENDAR || text->form == WASH_CARD)
		wash_calendar_feed(&text->calendar, decoded);
	if (text->form == WASH_REPORT)
		wash_report_feed(&text->report, decoded);
	if (text->form == WASH_HEADERS)
		wash_lines_feed(&text->lines, decoded);
	if (text->form == WASH_PLAIN || text->form == WASH_REPORT)
		plain_text_feed(&text->plain, decoded, &wash->store);
	text->decoded.length = 0;
}

static void bytes_pass(struct wash *wash, struct span bytes)
{
	while (bytes.length > 0) {
		size_t length = bytes.length < SLICE_BYTES ? bytes.length : SLICE_BYTES;

		wash->text.decoded.length = 0;
		charset_decode(&wash->text.decoder, span_part(bytes, 0, length), &wash->text.decoded);
		decoded_pass(wash);
		bytes = span_part(bytes, length, bytes.length);
	}
}

/* The sample is complete: what it is is decided now, once. */
static void sample_pass(struct wash *wash)
{
	struct wash_text *text = &wash->text;

	charset_decide(wash);
	text->decided = true;
	text->refused = !sample_is_text(wash);
	if (text->refused)
		return;
	label_note(wash);
	bytes_pass(wash, (struct span){ .data = text->sample, .length = text->sample_bytes });
}

/* Bytes of the text, files taken out. */
static void sample_feed(struct wash *wash, struct span bytes)
{
	struct wash_text *text = &wash->text;

	if (!text->decided) {
		size_t room = sizeof(text->sample) - text->sample_bytes, length = bytes.length < room ? bytes.length : room;

		memcpy(text->sample + text->sample_bytes, bytes.data, length);
		text->sample_bytes += length;
		bytes = span_part(bytes, length, bytes.length);
		if (text->sample_bytes < sizeof(text->sample))
			return;
		sample_pass(wash);
	}
	if (!text->refused)
		bytes_pass(wash, bytes);
}

void wash_text_feed(struct wash *wash, struct span bytes)
{
	if (wash->text.form == WASH_PLAIN)
		wash_files_feed(&wash->text.files, bytes);
	else if (wash->text.form != WASH_NOT_SHOWN)
		sample_feed(wash, bytes);
}

/* Takes over what was counted on the way. */
static void counts_take(struct wash_counts *counts, const struct charset_decoder *decoder, const struct text_counts *characters)
{
	counts->replaced = decoder->undecodable_count + decoder->user_defined_count + characters->missing;
	counts->removed = (uint64_t)characters->removed + characters->shown + characters->marks_removed;
	counts->reordering = characters->reordering;
}

static void html_finish(struct wash *wash, struct wash_counts *counts)
{
	struct html_text_notes notes = { .hidden = 0 };

	html_text_finish(wash->text.html, &notes);
	counts_take(counts, &wash->text.decoder, &notes.characters);
	counts->links = notes.defanged;
	counts->hidden = notes.hidden;
	counts->mismatched = notes.mismatched;
}

static void plain_finish(struct wash *wash, struct wash_counts *counts)
{
	plain_text_finish(&wash->text.plain, &wash->store);
	counts_take(counts, &wash->text.decoder, &wash->text.plain.filter.counts);
	counts->links = wash->text.plain.links.defanged;
}

/* A calendar's text is its summary. */
static void calendar_finish(struct wash *wash, struct wash_counts *counts)
{
	struct wash_text *text = &wash->text;

	wash_calendar_finish(&text->calendar);
	plain_text_feed(&text->plain, buf_span(&text->summary), &wash->store);
	plain_finish(wash, counts);
}

/* A report has its outcome as heading. */
static void report_finish(struct wash *wash, struct wash_counts *counts)
{
	struct wash_text *text = &wash->text;
	const char *word = wash_words[wash->settings->language].report;
	struct span lines;

	wash_report_finish(&text->report);
	lines = wash_lines_of(wash, buf_span(&text->summary));
	wash->pieces[text->piece].heading = span_of(arena_printf(wash->arena, "%s\n%.*s", word, (int)lines.length, lines.data));
	plain_finish(wash, counts);
}

/* Everything has passed the decoder: what the form still holds goes to the store. */
static void form_finish(struct wash *wash)
{
	struct wash_counts counts = { .replaced = 0 };

	switch (wash->text.form) {
	case WASH_HTML:
		html_finish(wash, &counts);
		break;
	case WASH_CALENDAR:
	case WASH_CARD:
		calendar_finish(wash, &counts);
		break;
	case WASH_REPORT:
		report_finish(wash, &counts);
		break;
	case WASH_HEADERS:
		wash_lines_finish(&wash->text.lines);
		plain_finish(wash, &counts);
		wash->store.overflow |= wash->text.lines.cut_any;
		break;
	case WASH_PLAIN:
	case WASH_NOT_SHOWN:
		plain_finish(wash, &counts);
		break;
	}
	wash->pieces[wash->text.piece].counts = counts;
}

bool wash_text_finish(struct wash *wash)
{
	struct wash_text *text = &wash->text;

	if (text->form == WASH_NOT_SHOWN)
		return false;
	if (text->form == WASH_PLAIN)
		wash_files_finish(&text->files);
	if (!text->decided)
		sample_pass(wash);
	text->decoded.length = 0;
	charset_finish(&text->decoder, &text->decoded);
	if (!text->refused)
		decoded_pass(wash);
	form_finish(wash);
	text->form = WASH_NOT_SHOWN;
	wash_piece_close(wash);
	if (text->refused)
		wash_pieces_drop(wash, text->piece);
	return !text->refused;
}
