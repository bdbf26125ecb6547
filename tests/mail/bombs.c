/*
 * Small inputs that grow, in time or in memory, where a parser is careless: each is made here piece by piece and goes through our own.
 *
 * usage: bombs		prints the names
 *	  bombs NAME	exit status 0 when it came through and what stands behind it is still there
 *
 * tests/mail/bombs.py bounds processor time and memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/charset.h"
#include "mail/header_address.h"
#include "mail/header_values.h"
#include "mail/header_words.h"
#include "mail/html_text.h"
#include "mail/mime.h"
#include "mail/plain_text.h"

enum kind { HTML, PLAIN, ISO_2022_JP, MESSAGE };

/* A beginning, something many times, and an end. */
static const struct bomb {
	const char *name;
	enum kind kind;
	const char *begin, *again;
	int times;
	const char *end;
	const char *found;	/* stands in the result */
} bombs[] = {
	{ "nested div", HTML, "", "<div>", 200000, "end", "end" },
	{ "attributes of one tag", HTML, "<p", " a=b", 200000, " href=c>end", "end" },
	{ "different attributes", HTML, "<p", " style=a style", 200000, ">end", "end" },
	{ "misnested formats", HTML, "", "<b><i><a href=x></b></i></a>", 50000, "end", "end" },
	{ "formats that never end", HTML, "", "<b><i><u><font color=red>", 50000, "end", "end" },
	{ "nested tables", HTML, "", "<table><tr><td>", 20000, "end", "end" },
	{ "tables in a row", HTML, "", "<table><tr><td>a<td>b</table>", 20000, "end", "end" },
	{ "cells", HTML, "<table>", "<tr><td>a<td>b", 100000, "</table>end", "end" },
	{ "one row of cells", HTML, "<table><tr>", "<td>a", 200000, "</table>end", "end" },
	{ "spans of cells", HTML, "<table>", "<tr><td colspan=1000 rowspan=1000>a", 20000, "</table>end", "end" },
	{ "nested svg and math", HTML, "", "<svg><math>", 20000, "<p>end", "end" },
	{ "less-than", HTML, "", "<", 5000000, "p>end", "end" },
	{ "ampersands", HTML, "", "&", 5000000, "end", "end" },
	{ "references", HTML, "", "&notin", 500000, ";end", "end" },
	{ "nested selects and forms", HTML, "", "<select><form>", 20000, "end", "end" },
	{ "end tags of nothing", HTML, "", "</div></b></table>", 200000, "end", "end" },
	{ "comments that never end", HTML, "end", "<!--", 1000000, "", "end" },
	{ "scripts in comments of a script", HTML, "end<script>", "<!--<script>", 200000, "", "end" },
	{ "end tags of scripts, nearly", HTML, "end<script>", "</scripx", 200000, "", "end" },
	{ "an attribute that never ends", HTML, "end<a href='", "http://a.example/", 200000, "", "end" },
	{ "links in links", HTML, "", "<a href=http://a.example/>x", 50000, "end", "end" },
	{ "style attributes", HTML, "", "<p style='color:red;display:none;/*'>x", 50000, "end", "end" },
	{ "lists", HTML, "", "<ul><ol><li>", 50000, "end", "end" },
	{ "quotations", HTML, "", "<blockquote>", 200000, "end", "end" },
	{ "line breaks", HTML, "", "<br>", 500000, "end", "end" },
	{ "no-break spaces", HTML, "", "&nbsp;", 500000, "end", "end" },
	{ "pictures", HTML, "", "<img alt=x>", 100000, "end", "end" },
	{ "hidden and not", HTML, "", "<p hidden>a</p><p>b</p>", 50000, "end", "end" },

	{ "a line of a million characters", PLAIN, "", "x", 1000000, " end", "end" },
	{ "a line of kanji", PLAIN, "", "漢", 500000, " end", "end" },
	{ "addresses without a space", PLAIN, "", "http://a.example/", 100000, " end", "end" },
	{ "dots", PLAIN, "", "a.", 500000, " end", "end" },
	{ "schemes", PLAIN, "", "tel:", 300000, " end", "end" },
	{ "backslashes", PLAIN, "", "\\\\a", 300000, " end", "end" },
	{ "hosts that are not ASCII", PLAIN, "", "\xd0\xb0.com ", 100000, " end", "end" },
	{ "combining marks", PLAIN, "Z", "\xcc\x81", 1000000, " end", "end" },
	{ "control characters", PLAIN, "", "\x1b", 1000000, " end", "end" },
	{ "bytes that are nothing", PLAIN, "", "\xff", 1000000, " end", "end" },
	{ "escapes", ISO_2022_JP, "", "\x1b$B\x1b(B", 1000000, "end", "end" },
	{ "escapes that are none", ISO_2022_JP, "", "\x1b", 1700000, "end", "end" },

	{ "parts", MESSAGE, "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\nx\n", 500000, "--b--\nend", "omitted" },
	{ "nested multiparts", MESSAGE, "", "Content-Type: multipart/mixed; boundary=b\n\n--b\n", 50000, "\nend", "too-deep" },
	{ "nested messages", MESSAGE, "", "Content-Type: message/rfc822\n\n", 50000, "\nend", "too-deep" },
	{ "delimiters that are none", MESSAGE, "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n", "--bx\n", 500000, "end", "alike" },
	{ "a folded field of 20 MB", MESSAGE, "Subject: x", "\n yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", 500000, "\n\nend", "header-too-long" },
	{ "fields", MESSAGE, "", "X: y\n", 300000, "\nend", "header-too-long" },
	{ "recipients", MESSAGE, "To: ", "a@b.example,\n ", 100000, "c\n\nend", "field-cut" },
	{ "nested comments in recipients", MESSAGE, "Cc: ", "(", 100000, "a@b.example\n\nend", "field-cut" },
	{ "nested groups", MESSAGE, "Cc: ", "a:", 30000, "a@b.example;\n\nend", "message" },
	{ "encoded words", MESSAGE, "Subject: ", "=?utf-8?q?a?= ", 200000, "\n\nend", "field-cut" },
	{ "beginnings of encoded words", MESSAGE, "Subject: ", "=?a?q?", 10000, "\n\nend", "message" },
	{ "continued parameters", MESSAGE, "Content-Type: text/plain", "; name*1=a", 50000, "\n\nend", "parameters-cut" },
	{ "ids in References", MESSAGE, "References: ", "<a@b.example> ", 10000, "\n\nend", "field-cut" },
	{ "spaces of quoted-printable", MESSAGE, "Content-Transfer-Encoding: quoted-printable\n\n", "          ", 1000000, "\nend", "message" },
	{ "blocks of uuencode", MESSAGE, "Content-Transfer-Encoding: x-uuencode\n\n", "begin 644 a\n", 500000, "\nend", "message" },
	{ "equal signs of base64", MESSAGE, "Content-Transfer-Encoding: base64\n\n", "QQ==", 2000000, "\nend", "message" },
	{ "CR alone", MESSAGE, "A: b\r\r", "\r", 5000000, "end", "message" },
};

/* What takes the pieces of a bomb, and what came of them. */
struct run {
	enum kind kind;
	struct arena *arena;
	struct html_text *html;
	struct plain_text plain;
	struct charset_decoder decoder;
	struct mime_parser *parser;
	struct buf out, decoded;
};

static void field_take(void *user, const struct mime_field *field)
{
	struct arena *arena = arena_new();
	struct buf text = buf_limited(0);
	struct header_facts facts = { 0 };
	struct header_addresses addresses;
	struct header_date date;
	struct span ids[21];
	size_t omitted;

	(void)user;
	header_unstructured_put(field->value, &text, &facts);
	header_addresses_read(field->value, arena, &addresses);
	header_references_read(field->value, 21, ids, &omitted);
	header_date_parse(field->value, &date);
	buf_free(&text);
	arena_free(arena);
}

static void part_ignore(void *user, const struct mime_part *part)
{
	(void)user;
	(void)part;
}

static void content_ignore(void *user, const struct mime_part *part, enum mime_region region, struct span bytes)
{
	(void)user;
	(void)part;
	(void)region;
	(void)bytes;
}

static void notes_put(void *user, const struct mime_totals *totals)
{
	struct run *run = user;

	buf_puts(&run->out, "message");
	for (enum mime_note note = 0; note < MIME_NOTES; note++)
		if (totals->notes[note] > 0)
			buf_printf(&run->out, " %s", mime_note_name(note));
}

static void feed(struct run *run, struct span piece)
{
	switch (run->kind) {
	case HTML:
		html_text_feed(run->html, piece);
		break;
	case PLAIN:
		plain_text_feed(&run->plain, piece, &run->out);
		break;
	case ISO_2022_JP:
		run->decoded.length = 0;
		charset_decode(&run->decoder, piece, &run->decoded);
		plain_text_feed(&run->plain, buf_span(&run->decoded), &run->out);
		break;
	case MESSAGE:
		mime_parser_feed(run->parser, piece);
		break;
	}
}

static void finish(struct run *run)
{
	struct html_text_notes notes;

	if (run->kind == HTML)
		html_text_finish(run->html, &notes);
	else if (run->kind == MESSAGE)
		mime_parser_finish(run->parser);
	else
		plain_text_finish(&run->plain, &run->out);
}

/* Feeds a text again and again, in pieces of some kilobytes, as bytes come from a socket. */
static void feed_again(struct run *run, const char *again, int times)
{
	struct buf piece = buf_limited(0);

	for (int i = 0; i < times; i++) {
		buf_puts(&piece, again);
		if (piece.length < 4096 && i + 1 < times)
			continue;
		feed(run, buf_span(&piece));
		piece.length = 0;
	}
	buf_free(&piece);
}

static int explode(const struct bomb *bomb)
{
	static const struct mime_events events = { field_take, part_ignore, content_ignore, part_ignore, notes_put };
	struct run run = {
		.kind = bomb->kind, .arena = arena_new(), .html = html_text_new(), .plain = plain_text_make(LINK_STYLE_HXXP),
		.decoder = charset_decoder_of(CHARSET_ISO_2022_JP), .out = buf_limited(0), .decoded = buf_limited(0),
	};
	bool found;

	run.parser = mime_parser_new(run.arena, &events, &run);
	html_text_begin(run.html, &run.out, LINK_STYLE_HXXP);
	feed(&run, span_of(bomb->begin));
	feed_again(&run, bomb->again, bomb->times);
	feed(&run, span_of(bomb->end));
	finish(&run);
	found = memmem(run.out.data, run.out.length, bomb->found, strlen(bomb->found)) != NULL;
	if (!found)
		printf("%s: \"%s\" is not in what came of it\n", bomb->name, bomb->found);
	html_text_free(run.html);
	buf_free(&run.out);
	buf_free(&run.decoded);
	arena_free(run.arena);
	return found ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		if (argc < 2)
			puts(bombs[i].name);
		else if (strcmp(bombs[i].name, argv[1]) == 0)
			return explode(&bombs[i]);
	}
	if (argc < 2)
		return EXIT_SUCCESS;
	fprintf(stderr, "bombs: no such bomb: %s\n", argv[1]);
	return EXIT_FAILURE;
}
