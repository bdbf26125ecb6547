/* header_address: a list is cut at its commas; each piece is a name and an address, or an address alone. */
#include "mail/header_address.h"

#include <string.h>

#include "mail/header_line.h"
#include "mail/header_octets.h"

/* Where the pieces of one mailbox stand in the field; offsets. */
struct mailbox {
	size_t begin, end;
	size_t angle, angle_end;	/* of what stands between the first '<' and its '>' */
	size_t comment, comment_end;	/* of what stands in the last comment */
	bool has_angle, has_comment;
	bool trailing;			/* something else stands behind the '>' */
};

struct scanner {
	struct span text;
	struct header_octets octets;
	struct header_words words;
	size_t at;
	/* From here on no such thing is closed: looking again would take the square of the length. */
	bool quotes_end, comments_end, angles_end, literals_end;
	struct arena *arena;
	struct header_addresses *result;
};

/* Moves *at behind the unit, a byte after a backslash included. */
static void unit_pass(struct scanner *scanner, size_t *at)
{
	if (scanner->text.data[*at] == '\\' && *at + 1 < scanner->text.length)
		++*at;
	*at += header_octets_step(&scanner->octets, *at);
}

/*
 * The offset behind what is open at `from`, up to its closing byte; from when it is never closed, which
 * *ended remembers.
 */
static size_t closed_end(struct scanner *scanner, size_t from, char closing, bool *ended)
{
	size_t at = from + 1;

	if (*ended)
		return from;
	while (at < scanner->text.length && scanner->text.data[at] != closing)
		unit_pass(scanner, &at);
	if (at < scanner->text.length)
		return at + 1;
	*ended = true;
	return from;
}

static size_t quoted_end(struct scanner *scanner, size_t from)
{
	return closed_end(scanner, from, '"', &scanner->quotes_end);
}

static size_t comment_end(struct scanner *scanner, size_t from)
{
	size_t depth = 0, at = from;

	if (scanner->comments_end)
		return from;
	do {
		depth += scanner->text.data[at] == '(';
		depth -= scanner->text.data[at] == ')';
		unit_pass(scanner, &at);
	} while (depth > 0 && at < scanner->text.length);
	scanner->comments_end = depth > 0;
	return depth > 0 ? from : at;
}

/* The offset behind '<' ... '>'; quoted strings inside may hold a '>'. */
static size_t angle_end(struct scanner *scanner, size_t from)
{
	size_t at = from + 1;

	if (scanner->angles_end)
		return from;
	while (at < scanner->text.length && scanner->text.data[at] != '>') {
		size_t quoted = scanner->text.data[at] == '"' ? quoted_end(scanner, at) : at;

		if (quoted > at)
			at = quoted;
		else
			unit_pass(scanner, &at);
	}
	if (at < scanner->text.length)
		return at + 1;
	scanner->angles_end = true;
	return from;
}

/* Notes what ends at `end` and began where the scanner stands. */
static void angle_note(struct scanner *scanner, struct mailbox *mailbox, size_t end)
{
	if (mailbox->has_angle) {
		mailbox->trailing = true;
		return;
	}
	mailbox->has_angle = true;
	mailbox->angle = scanner->at + 1;
	mailbox->angle_end = end - 1;
}

static void comment_note(struct scanner *scanner, struct mailbox *mailbox, size_t end)
{
	mailbox->has_comment = true;
	mailbox->comment = scanner->at + 1;
	mailbox->comment_end = end - 1;
}

/* Passes over one piece of a mailbox. */
static void piece_pass(struct scanner *scanner, struct mailbox *mailbox)
{
	size_t from = scanner->at, end = from;
	char byte = scanner->text.data[from];

	if (byte == '(')
		end = comment_end(scanner, from);
	if (end > from) {
		comment_note(scanner, mailbox, end);
		scanner->at = end;
		return;
	}
	mailbox->trailing |= mailbox->has_angle && !header_is_space(byte) && byte != '<';
	if (byte == '<') {
		end = angle_end(scanner, from);
		if (end > from)
			angle_note(scanner, mailbox, end);
	} else if (byte == '"') {
		end = quoted_end(scanner, from);
	} else if (byte == '[') {
		end = closed_end(scanner, from, ']', &scanner->literals_end);
	} else if (byte == '=') {
		end = from + header_word_length(&scanner->words, from);
	}
	if (end == from)
		unit_pass(scanner, &end);
	scanner->at = end;
}

/* Takes one mailbox off the list; the scanner stands behind the comma or semicolon then. */
static struct mailbox mailbox_take(struct scanner *scanner)
{
	struct mailbox mailbox = { .begin = scanner->at };

	while (scanner->at < scanner->text.length) {
		char byte = scanner->text.data[scanner->at];

		if (byte == ',' || byte == ';')
			break;
		if (byte == ':' && !mailbox.has_angle) {
			/* What came before is the name of a group. */
			mailbox = (struct mailbox){ .begin = ++scanner->at };
			continue;
		}
		piece_pass(scanner, &mailbox);
	}
	mailbox.end = scanner->at;
	scanner->at += scanner->at < scanner->text.length;
	return mailbox;
}

/* ASCII that stands in an address without quotes: visible, and no syntax of lists. */
static bool is_address_byte(char byte)
{
	return byte > ' ' && byte < 0x7f && !strchr("()<>,;:\\\"[]@", byte);
}

/* An address while it is put together. */
struct spelling {
	struct span raw;
	size_t at;
	char bytes[HEADER_ADDRESS_BYTES_MAX];
	size_t length;
	bool odd;
};

static void spelling_put(struct spelling *spelling, char byte)
{
	if (spelling->length == sizeof(spelling->bytes))
		spelling->odd = true;
	else
		spelling->bytes[spelling->length++] = byte;
}

/* The offset behind the comment at `from`; from when it is never closed. */
static size_t spelled_comment_end(struct span raw, size_t from)
{
	size_t depth = 0, at = from;

	do {
		depth += raw.data[at] == '(';
		depth -= raw.data[at] == ')';
		at += raw.data[at] == '\\' ? 2 : 1;
	} while (depth > 0 && at < raw.length);
	return depth > 0 || at > raw.length ? from : at;
}

/* Passes over white space and comments; returns whether there were any. */
static bool gap_pass(struct spelling *spelling)
{
	size_t begin = spelling->at, end = begin;

	do {
		spelling->at = end;
		while (end < spelling->raw.length && header_is_space(spelling->raw.data[end]))
			end++;
		if (end < spelling->raw.length && spelling->raw.data[end] == '(')
			end = spelled_comment_end(spelling->raw, end);
	} while (end > spelling->at);
	return spelling->at > begin;
}

/* Copies bytes of an address; white space and comments may stand beside dots only. */
static void atoms_copy(struct spelling *spelling)
{
	while (spelling->at < spelling->raw.length && is_address_byte(spelling->raw.data[spelling->at])) {
		spelling_put(spelling, spelling->raw.data[spelling->at++]);
		if (gap_pass(spelling) && spelling->at < spelling->raw.length &&
		    is_address_byte(spelling->raw.data[spelling->at]))
			spelling->odd |= spelling->raw.data[spelling->at] != '.' &&
					 spelling->bytes[spelling->length - 1] != '.';
	}
}

/* Copies what stands between two marks, the marks included; visible ASCII and spaces only. */
static void marked_copy(struct spelling *spelling, char closing)
{
	bool escaped = false;

	spelling_put(spelling, spelling->raw.data[spelling->at++]);
	while (spelling->at < spelling->raw.length &&
	       (escaped || spelling->raw.data[spelling->at] != closing)) {
		char byte = spelling->raw.data[spelling->at++];

		escaped = !escaped && byte == '\\';
		spelling->odd |= byte < ' ' || byte >= 0x7f;
		spelling_put(spelling, byte);
	}
	spelling->odd |= spelling->at == spelling->raw.length;
	if (spelling->at < spelling->raw.length)
		spelling_put(spelling, spelling->raw.data[spelling->at++]);
}

/* Takes quotes off a local part that needs none: mailers write "a..b."@docomo.ne.jp for a..b.@docomo.ne.jp. */
static void quotes_drop(struct spelling *spelling)
{
	for (size_t i = 1; i + 1 < spelling->length; i++)
		if (!is_address_byte(spelling->bytes[i]))
			return;
	if (spelling->length < 3 || spelling->bytes[spelling->length - 1] != '"')
		return;
	spelling->length -= 2;
	memmove(spelling->bytes, spelling->bytes + 1, spelling->length);
}

static char spelling_ahead(const struct spelling *spelling)
{
	return spelling->at < spelling->raw.length ? spelling->raw.data[spelling->at] : '\0';
}

/* Passes over "@a,@b:" in front of an address. */
static void route_pass(struct spelling *spelling)
{
	const char *colon = spelling_ahead(spelling) != '@' ? NULL :
			    memchr(spelling->raw.data + spelling->at, ':', spelling->raw.length - spelling->at);

	if (colon)
		spelling->at = (size_t)(colon - spelling->raw.data) + 1;
	gap_pass(spelling);
}

/* Reads local@domain. False when it is none. */
static bool address_spell(struct spelling *spelling)
{
	size_t local_length;

	gap_pass(spelling);
	route_pass(spelling);
	if (spelling_ahead(spelling) == '"') {
		marked_copy(spelling, '"');
		quotes_drop(spelling);
	} else {
		atoms_copy(spelling);
	}
	gap_pass(spelling);
	local_length = spelling->length;
	if (local_length == 0 || spelling_ahead(spelling) != '@')
		return false;
	spelling_put(spelling, '@');
	spelling->at++;
	gap_pass(spelling);
	if (spelling_ahead(spelling) == '[')
		marked_copy(spelling, ']');
	else
		atoms_copy(spelling);
	gap_pass(spelling);
	return !spelling->odd && spelling->at == spelling->raw.length && spelling->length > local_length + 1;
}

static struct span keep(struct arena *arena, struct span text)
{
	return (struct span){ .data = arena_strndup(arena, text.length ? text.data : "", text.length),
			      .length = text.length };
}

/* Writes a full-width '@' for each '@'; true when there was one of either kind. */
static bool ats_widen(struct span text, struct buf *out)
{
	static const char wide[] = "\xef\xbc\xa0";
	bool found = false;

	for (size_t i = 0; i < text.length; i++) {
		found |= text.data[i] == '@' || (i + 2 < text.length && memcmp(text.data + i, wide, 3) == 0);
		if (text.data[i] == '@')
			buf_puts(out, wide);
		else
			buf_putc(out, text.data[i]);
	}
	return found;
}

/*
 * True when the name is the address itself, in any case of ASCII letters and perhaps in apostrophes, as some
 * mailers write it.
 */
static bool is_just_address(struct span name, struct span address)
{
	if (name.length >= 2 && name.data[0] == '\'' && name.data[name.length - 1] == '\'')
		name = span_part(name, 1, name.length - 1);
	return header_words_alike(name, address);
}

static void name_set(struct scanner *scanner, struct header_address *address, struct span phrase, bool comment)
{
	struct header_facts *facts = &scanner->result->facts;
	struct buf name = buf_limited(0), wide = buf_limited(0),
		   fitting = buf_limited(HEADER_DISPLAY_NAME_BYTES_MAX);

	if (comment)
		header_unstructured_put(phrase, &name, facts);
	else
		header_phrase_put(phrase, &name, facts);
	address->name_imitates = ats_widen(buf_span(&name), &wide) &&
				 !is_just_address(buf_span(&name), address->address);
	header_line_put(buf_span(&wide), &fitting, facts);
	address->name = keep(scanner->arena, buf_span(&fitting));
	buf_free(&name);
	buf_free(&wide);
	buf_free(&fitting);
}

static void address_set(struct scanner *scanner, struct header_address *address, struct span raw)
{
	struct spelling spelling = { .raw = raw };
	struct buf text = buf_limited(HEADER_ADDRESS_BYTES_MAX);

	if (address_spell(&spelling)) {
		address->address = keep(scanner->arena,
					(struct span){ .data = spelling.bytes, .length = spelling.length });
		return;
	}
	address->odd = true;
	header_unstructured_put(raw, &text, &scanner->result->facts);
	address->address = keep(scanner->arena, buf_span(&text));
	buf_free(&text);
}

/* True when nothing but white space and comments stands between the commas. */
static bool is_nothing(struct span raw)
{
	struct spelling spelling = { .raw = raw };

	gap_pass(&spelling);
	return spelling.at == raw.length;
}

static void mailbox_add(struct scanner *scanner, const struct mailbox *mailbox)
{
	struct header_addresses *result = scanner->result;
	struct span whole = span_part(scanner->text, mailbox->begin, mailbox->end);
	struct span name = { 0 };
	struct header_address *address;

	if (!mailbox->has_angle && is_nothing(whole))
		return;
	if (result->count == HEADER_ADDRESSES_MAX) {
		result->omitted++;
		return;
	}
	address = &result->items[result->count++];
	address->odd = mailbox->trailing;
	if (mailbox->has_angle) {
		address_set(scanner, address, span_part(scanner->text, mailbox->angle, mailbox->angle_end));
		name = span_part(scanner->text, mailbox->begin, mailbox->angle - 1);
	} else {
		address_set(scanner, address, whole);
	}
	name_set(scanner, address, name, false);
	if (address->name.length == 0 && mailbox->has_comment)
		name_set(scanner, address, span_part(scanner->text, mailbox->comment, mailbox->comment_end),
			 true);
}

void header_addresses_read(struct span value, struct arena *arena, struct header_addresses *ret_addresses)
{
	struct scanner scanner = {
		.text = value,
		.octets = header_octets_of(value),
		.words = header_words_of(value),
		.arena = arena,
		.result = ret_addresses,
	};

	*ret_addresses = (struct header_addresses){
		.items = arena_array(arena, HEADER_ADDRESSES_MAX, sizeof(struct header_address)) };
	while (scanner.at < value.length) {
		struct mailbox mailbox = mailbox_take(&scanner);

		mailbox_add(&scanner, &mailbox);
	}
}
