/* wash: the parts of a mail, one after the other, as the MIME parser names them. */
#include "mail/wash.h"

#include <string.h>

#include "mail/header_octets.h"
#include "mail/wash_work.h"

/* Text around the parts of a multipart that is worth a note; mailers write a sentence or two there. */
enum { AROUND_BYTES_MIN = 200 };

struct span wash_copy(struct wash *wash, struct span bytes)
{
	if (bytes.length == 0)
		return (struct span){ .data = NULL, .length = 0 };
	return (struct span){ .data = arena_strndup(wash->arena, bytes.data, bytes.length), .length = bytes.length };
}

/* ---- multiparts ---- */

static enum wash_container container_of(const struct mime_part *part)
{
	static const struct {
		const char *type;
		enum wash_container container;
	} containers[] = {
		{ "multipart/alternative", WASH_ALTERNATIVE }, { "multipart/related", WASH_RELATED },
		{ "multipart/signed", WASH_SIGNED }, { "multipart/encrypted", WASH_CIPHERED },
	};

	if (part->kind == MIME_MESSAGE)
		return WASH_MESSAGE;
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		if (header_word_is(part->type, containers[i].type))
			return containers[i].container;
	return WASH_MIXED;
}

static void frame_open(struct wash *wash, const struct mime_part *part)
{
	enum wash_container container = container_of(part);

	wash->frames[wash->frame_count++] = (struct wash_frame){
		.container = container, .first_piece = wash->piece_count, .first_part = wash->facts.part_count,
	};
	wash->messages += container == WASH_MESSAGE;
}

/* A detached signature says nothing about a text that was written anew. */
static void signature_note(struct wash *wash, const struct wash_frame *frame)
{
	for (size_t i = frame->first_part; i < wash->facts.part_count; i++)
		if (wash->facts.parts[i].reason == LETTER_REASON_SIGNATURE)
			wash_note(wash, LETTER_NOTE_SIGNATURE_LOST, 0, span_of(""));
}

static void frame_close(struct wash *wash, const struct mime_part *part)
{
	const struct wash_frame *frame = &wash->frames[--wash->frame_count];
	uint64_t around = part->preamble_bytes + part->epilogue_bytes;

	if (part->notes & MIME_NOTE_BIT(MIME_BOUNDARY_UNUSED))
		around -= part->preamble_bytes;
	if (around > AROUND_BYTES_MIN)
		wash_note(wash, LETTER_NOTE_PREAMBLE, around, span_of(""));
	if (frame->container == WASH_ALTERNATIVE)
		wash_choose(wash, frame->first_piece);
	if (frame->container == WASH_SIGNED)
		signature_note(wash, frame);
	wash->messages -= frame->container == WASH_MESSAGE;
}

/* ---- leaves ---- */

int wash_part_add(struct wash *wash, struct span path)
{
	struct wash_facts *facts = &wash->facts;

	if (facts->part_count == WASH_PARTS_MAX)
		return WASH_NO_PART;
	facts->parts = arena_grow(wash->arena, facts->parts, facts->part_count, &wash->part_capacity, sizeof(*facts->parts));
	facts->parts[facts->part_count] = (struct wash_part){ .path = wash_copy(wash, path) };
	return (int)facts->part_count++;
}

/* A leaf begins, or the preamble of a multipart, which is one if no part follows. */
static void leaf_begin(struct wash *wash, const struct mime_part *part)
{
	struct wash_fate fate = wash_fate_of(wash, part);
	struct wash_part *added;

	wash->preamble = part->kind == MIME_MULTIPART;
	wash->part_bytes = 0;
	digest_begin(&wash->digest);
	wash_sniff_begin(&wash->sniffer);
	wash->part = wash_part_add(wash, part->path);
	added = &wash->facts.parts[wash->part];
	added->reason = fate.reason;
	if (letter_type_valid(part->type))
		added->declared_type = wash_copy(wash, part->type);
	wash_part_name(wash, part, added);
	if (fate.reason == 0)
		wash_text_begin(wash, fate.form, part);
}

static void leaf_feed(struct wash *wash, struct span bytes)
{
	wash->part_bytes += bytes.length;
	digest_add(&wash->digest, bytes.data, bytes.length);
	wash_sniff_feed(&wash->sniffer, bytes);
	wash_text_feed(wash, bytes);
}

/* True when a leaf before this one has the same content: invitations often come twice. */
static bool is_repeated(const struct wash *wash)
{
	const struct wash_part *leaf = &wash->facts.parts[wash->part];

	for (int i = 0; i < wash->part; i++)
		if (memcmp(wash->facts.parts[i].sha256, leaf->sha256, DIGEST_BYTES) == 0)
			return true;
	return false;
}

/* A calendar or card that was summarised: the leaf itself is on the receipt, and is summarised once. */
static void summary_end(struct wash *wash, enum letter_reason reason)
{
	wash->facts.parts[wash->part].reason = reason;
	if (is_repeated(wash))
		wash_pieces_drop(wash, wash->text.piece);
}

/* Text whose transfer encoding broke is shown as far as it goes. */
static void leaf_end(struct wash *wash, const struct mime_part *part)
{
	enum wash_form form = wash->text.form;
	bool shown = wash_text_finish(wash);
	struct wash_part *leaf = &wash->facts.parts[wash->part];

	leaf->size_bytes = wash->part_bytes;
	digest_end(&wash->digest, leaf->sha256);
	leaf->sniffed_type = wash_sniff_result(&wash->sniffer).type;
	if (leaf->reason == 0 && !shown)
		leaf->reason = LETTER_REASON_BINARY;
	else if (form == WASH_CALENDAR || form == WASH_CARD)
		summary_end(wash, form == WASH_CALENDAR ? LETTER_REASON_CALENDAR : LETTER_REASON_TEXT_KIND);
	if (leaf->reason != 0)
		leaf->reason = wash_reason_refine(wash, leaf->reason);
	if (part->notes & MIME_NOTE_BIT(MIME_DAMAGED))
		wash_note(wash, LETTER_NOTE_DAMAGED, 1, span_of(""));
	wash->part = WASH_NO_PART;
	wash->preamble = false;
}

/* A part follows: what stood before it was a preamble and no leaf. */
static void preamble_drop(struct wash *wash)
{
	if (!wash->preamble)
		return;
	wash_pieces_drop(wash, wash->frames[wash->frame_count - 1].first_piece);
	wash->text.form = WASH_NOT_SHOWN;
	wash->facts.part_count = wash->frames[wash->frame_count - 1].first_part;
	wash->part = WASH_NO_PART;
	wash->preamble = false;
}

/* ---- events ---- */

static void field_take(void *user, const struct mime_field *field)
{
	struct wash *wash = user;

	preamble_drop(wash);
	if (header_word_is(field->name, "content-id"))
		wash->content_id = true;
	if (field->message && field->depth == 1)
		wash_field(wash, field);
	else if (field->message)
		wash_heading_field(wash, field);
}

static void part_begin_take(void *user, const struct mime_part *part)
{
	struct wash *wash = user;

	preamble_drop(wash);
	if (part->depth == 1)
		wash_headers_finish(wash);
	else if (part->message)
		wash_heading_put(wash);
	if (part->kind == MIME_LEAF || part->kind == MIME_OPAQUE)
		leaf_begin(wash, part);
	else
		frame_open(wash, part);
	wash->content_id = false;
}

static void content_take(void *user, const struct mime_part *part, enum mime_region region, struct span bytes)
{
	struct wash *wash = user;

	if (region == MIME_PREAMBLE && wash->part == WASH_NO_PART)
		leaf_begin(wash, part);
	if (region != MIME_EPILOGUE)
		leaf_feed(wash, bytes);
}

static void part_end_take(void *user, const struct mime_part *part)
{
	struct wash *wash = user;

	if (wash->part != WASH_NO_PART)
		leaf_end(wash, part);
	if (part->kind == MIME_MULTIPART || part->kind == MIME_MESSAGE)
		frame_close(wash, part);
}

/* What the parser had to decide by rule about the whole, as far as the reader should know. */
static void structure_note(struct wash *wash, const struct mime_totals *totals)
{
	static const enum mime_note contradictions[] = {
		MIME_REPEATED_FIELD, MIME_NO_BLANK_LINE, MIME_HEADER_UNENDED, MIME_TYPE_UNREADABLE, MIME_PARAMETERS_CUT,
		MIME_ENCODING_ODD, MIME_ENCODED_MULTIPART, MIME_BOUNDARY_UNUSABLE, MIME_BOUNDARY_UNUSED, MIME_TOO_DEEP,
		MIME_UNCLOSED, MIME_DELIMITER_LATE, MIME_PARTS_OMITTED,
	};

	for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++)
		if (totals->notes[contradictions[i]] > 0)
			wash_note(wash, LETTER_NOTE_STRUCTURE, 0, span_of(""));
	if (totals->notes[MIME_HEADER_TOO_LONG] + totals->notes[MIME_FIELD_CUT] > 0)
		wash_note(wash, LETTER_NOTE_HEADER_LIMIT, 0, span_of(""));
}

static void message_end_take(void *user, const struct mime_totals *totals)
{
	struct wash *wash = user;

	wash->facts.totals = *totals;
	wash->facts.parts_omitted += totals->parts_omitted;
	wash->facts.omitted_bytes += totals->omitted_bytes;
	structure_note(wash, totals);
}

static const struct mime_events events = {
	field_take, part_begin_take, content_take, part_end_take, message_end_take,
};

/* ---- the whole ---- */

struct wash *wash_new(struct arena *arena, const struct wash_settings *settings)
{
	struct wash *wash = arena_alloc(arena, sizeof(*wash));

	wash->arena = arena;
	wash->settings = settings;
	wash->letter = arena_alloc(arena, sizeof(*wash->letter));
	wash->store = buf_limited(WASH_STORE_BYTES_MAX);
	wash->part = WASH_NO_PART;
	wash->parser = mime_parser_new(arena, &events, wash);
	return wash;
}

void wash_feed(struct wash *wash, struct span bytes)
{
	mime_parser_feed(wash->parser, bytes);
}

const struct letter *wash_finish(struct wash *wash)
{
	mime_parser_finish(wash->parser);
	wash_result(wash);
	buf_free(&wash->store);
	buf_free(&wash->text.decoded);
	buf_free(&wash->text.summary);
	html_text_free(wash->text.html);
	return wash->letter;
}

const struct wash_facts *wash_facts(const struct wash *wash)
{
	return &wash->facts;
}
