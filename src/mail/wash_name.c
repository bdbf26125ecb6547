/* wash_name: names of files, as they may stand on the receipt. */
#include <string.h>

#include "mail/text_filter.h"
#include "mail/wash_work.h"

enum { BLANKS_MAX = 3 };	/* next to each other, in a name as it is shown */

/* The ASCII letter or digit in lower case that a character is or looks like in full width; 0: another one. */
static char extension_letter(uint32_t codepoint)
{
	if (codepoint >= 0xff01 && codepoint <= 0xff5e)
		codepoint -= 0xff00 - 0x20;
	if (codepoint >= 'A' && codepoint <= 'Z')
		return (char)(codepoint - 'A' + 'a');
	return (codepoint >= 'a' && codepoint <= 'z') || (codepoint >= '0' && codepoint <= '9') ? (char)codepoint : '\0';
}

static bool is_dot(uint32_t codepoint)
{
	return codepoint == '.' || codepoint == 0xff0e || codepoint == 0x3002 || codepoint == 0xff61 || codepoint == 0x2024;
}

static bool is_blank(uint32_t codepoint)
{
	return codepoint == ' ' || codepoint == 0x3000;
}

/* The name without dots and blanks at its end: systems drop them, so they hide nothing. */
static struct span name_trim(struct span name)
{
	struct span rest = name;
	size_t end = 0;
	uint32_t codepoint;

	while (letter_codepoint_take(&rest, &codepoint))
		if (!is_dot(codepoint) && !is_blank(codepoint))
			end = name.length - rest.length;
	return span_part(name, 0, end);
}

struct span wash_extension(struct arena *arena, struct span name)
{
	struct span rest = name_trim(name);
	char letters[LETTER_EXTENSION_BYTES_MAX];
	size_t count = 0;
	bool valid = false;
	uint32_t codepoint;

	while (letter_codepoint_take(&rest, &codepoint)) {
		char letter = extension_letter(codepoint);

		if (is_dot(codepoint)) {
			valid = true;
			count = 0;
		} else if (letter == '\0' || count == sizeof(letters)) {
			valid = false;
		} else {
			letters[count++] = letter;
		}
	}
	if (!valid || count == 0)
		return (struct span){ .data = NULL, .length = 0 };
	return (struct span){ .data = arena_strndup(arena, letters, count), .length = count };
}

/* The name with " … " for a run of more than a few blanks, which would push its end out of sight. */
static struct span blanks_shorten(struct arena *arena, struct span name)
{
	struct buf out = buf_limited(0);
	struct span rest = name, run = { .data = name.data, .length = 0 }, shorter;
	size_t blanks = 0;
	uint32_t codepoint;

	for (struct span before = rest; letter_codepoint_take(&rest, &codepoint); before = rest) {
		if (is_blank(codepoint)) {
			run = blanks++ == 0 ? span_part(before, 0, 0) : run;
			run.length = (size_t)(rest.data - run.data);
			continue;
		}
		buf_put(&out, blanks > BLANKS_MAX ? " … " : run.data, blanks > BLANKS_MAX ? strlen(" … ") : run.length);
		buf_put(&out, before.data, before.length - rest.length);
		blanks = run.length = 0;
	}
	shorter = (struct span){ .data = arena_strndup(arena, out.length ? out.data : "", out.length), .length = out.length };
	buf_free(&out);
	return shorter;
}

static void names_note(struct wash *wash, const struct header_names *names, size_t first)
{
	for (size_t i = first; i < names->count; i++)
		wash_note(wash, LETTER_NOTE_NAMES_DIFFER, 0, names->items[i]);
}

void wash_part_name(struct wash *wash, const struct mime_part *part, struct wash_part *ret_part)
{
	__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();
	struct header_names names = { .count = 0 };
	struct header_facts facts = { .words = 0 };

	if (part->disposition_value)
		header_names_add(&names, part->disposition_value, "filename", scratch, &facts);
	if (part->type_value)
		header_names_add(&names, part->type_value, "name", scratch, &facts);
	if (names.count == 0)
		return;
	ret_part->name = wash_line(wash, blanks_shorten(scratch, names.items[0]), LETTER_TEXT_FILE, LETTER_FILE_NAME_BYTES_MAX);
	ret_part->extension = wash_extension(wash->arena, names.items[0]);
	names_note(wash, &names, 1);
}
