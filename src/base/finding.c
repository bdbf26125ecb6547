/* finding (指摘): the result of a check that a person must act on; and the sources that findings point into. */
#include "base/finding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/width.h"

enum { READ_STEP_BYTES = 1 << 16 };

struct findings findings_in(struct arena *arena)
{
	return (struct findings){ .arena = arena, .quoted = arena };
}

struct finding *finding_add(struct findings *findings, const struct finding_kind *kind, struct origin origin, ...)
{
	struct finding *finding;
	const char *argument;
	va_list args;

	findings->items = arena_grow(findings->arena, findings->items, findings->count, &findings->capacity,
				     sizeof(*findings->items));
	finding = &findings->items[findings->count++];
	*finding = (struct finding){ .kind = kind, .origin = origin };
	if (kind->severity == SEVERITY_ERROR)
		findings->errors++;

	va_start(args, origin);
	for (size_t i = 0; i < FINDING_ARGUMENTS_MAX && (argument = va_arg(args, const char *)); i++)
		finding->arguments[i] = arena_strdup(findings->arena, argument);
	va_end(args);
	return finding;
}

static bool origin_is_same(struct origin a, struct origin b)
{
	return a.source == b.source && a.line == b.line;
}

void finding_relate(struct finding *finding, struct origin origin)
{
	if (origin_is_same(finding->origin, origin))
		return;
	for (size_t i = 0; i < FINDING_RELATED_MAX; i++) {
		if (origin_is_same(finding->related[i], origin))
			return;
		if (!finding->related[i].source) {
			finding->related[i] = origin;
			return;
		}
	}
}

/* A finding while the list is sorted. */
struct ranked {
	const struct finding *finding;
	size_t discovered;	/* how many were found before it */
};

/* Files by name; what belongs to no file comes last. */
static int origin_compare(const struct origin *a, const struct origin *b)
{
	int order;

	if (!a->source || !b->source)
		return (a->source == NULL) - (b->source == NULL);
	order = strcmp(a->source->path, b->source->path);
	if (order != 0)
		return order;
	return (a->line > b->line) - (a->line < b->line);
}

/* NULL sorts before every text. */
static int argument_compare(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

/* 0 when both say the same of the same line. */
static int finding_compare(const struct finding *a, const struct finding *b)
{
	int order = origin_compare(&a->origin, &b->origin);

	if (order == 0)
		order = strcmp(a->kind->id, b->kind->id);
	for (size_t i = 0; i < FINDING_ARGUMENTS_MAX && order == 0; i++)
		order = argument_compare(a->arguments[i], b->arguments[i]);
	for (size_t i = 0; i < FINDING_RELATED_MAX && order == 0; i++)
		order = origin_compare(&a->related[i], &b->related[i]);
	return order;
}

static int ranked_order_by_content(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	int order = finding_compare(a->finding, b->finding);

	return order ? order : (a->discovered > b->discovered) - (a->discovered < b->discovered);
}

static int ranked_order_by_origin(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	int order = origin_compare(&a->finding->origin, &b->finding->origin);

	return order ? order : (a->discovered > b->discovered) - (a->discovered < b->discovered);
}

/* Sorted by content, repetitions are neighbours: the first discovered of each stays. */
static size_t ranked_drop_repetitions(struct ranked *ranked, size_t count)
{
	size_t kept = 0;

	qsort(ranked, count, sizeof(*ranked), ranked_order_by_content);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || finding_compare(ranked[kept - 1].finding, ranked[i].finding) != 0)
			ranked[kept++] = ranked[i];
	return kept;
}

void findings_sort(struct findings *findings)
{
	struct ranked *ranked;
	struct finding *sorted;
	size_t count;

	if (findings->count == 0)
		return;
	ranked = arena_array(findings->arena, findings->count, sizeof(*ranked));
	for (size_t i = 0; i < findings->count; i++)
		ranked[i] = (struct ranked){ .finding = &findings->items[i], .discovered = i };
	count = ranked_drop_repetitions(ranked, findings->count);
	qsort(ranked, count, sizeof(*ranked), ranked_order_by_origin);

	sorted = arena_array(findings->arena, count, sizeof(*sorted));
	findings->errors = 0;
	for (size_t i = 0; i < count; i++) {
		sorted[i] = *ranked[i].finding;
		if (sorted[i].kind->severity == SEVERITY_ERROR)
			findings->errors++;
	}
	findings->items = sorted;
	findings->count = findings->capacity = count;
}

/* True when a place {0}..{3} begins at text. */
static bool place_at(const char *text)
{
	return text[0] == '{' && text[1] >= '0' && text[1] < '0' + FINDING_ARGUMENTS_MAX && text[2] == '}';
}

/* A missing argument is shown as "?": a catalogue's mistake must not take the finding away from the reader. */
static void places_fill(struct buf *out, const char *pattern, const struct finding *finding)
{
	for (; *pattern; pattern++) {
		const char *argument;

		if (!place_at(pattern)) {
			buf_putc(out, *pattern);
			continue;
		}
		argument = finding->arguments[pattern[1] - '0'];
		buf_put_visible(out, span_of(argument ? argument : "?"));
		pattern += 2;
	}
}

static const char *pattern_filled(const struct findings *findings, const char *pattern, const struct finding *finding)
{
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);

	if (pattern)
		places_fill(&text, pattern, finding);
	return arena_strndup(findings->arena, buf_text(&text), text.length);
}

const char *finding_sentence(const struct findings *findings, const struct finding *finding, enum language language)
{
	return pattern_filled(findings, language == LANGUAGE_JA ? finding->kind->ja : finding->kind->en, finding);
}

const char *finding_action(const struct findings *findings, const struct finding *finding, enum language language)
{
	return pattern_filled(findings, language == LANGUAGE_JA ? finding->kind->action_ja : finding->kind->action_en,
			      finding);
}

struct span source_line(const struct source *source, uint32_t line)
{
	struct span text = { .length = 0 };
	size_t end;

	if (!source || line == 0 || line > source->line_count)
		return text;
	end = line < source->line_count ? source->line_starts[line] : source->length;
	text.data = source->text + source->line_starts[line - 1];
	text.length = end - source->line_starts[line - 1];
	if (text.length > 0 && text.data[text.length - 1] == '\n')
		text.length--;
	if (text.length > 0 && text.data[text.length - 1] == '\r')
		text.length--;
	return text;
}

static bool byte_is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       byte == '_' || (uint8_t)byte >= 0x80;
}

/*
 * Letters belong to a word; so do '-', '.' and ':' with a letter behind them: "lgwan" is not a word of "lgwan-2", nor
 * "::1" of "2001:db8::1", but "networks" is one of "networks: [".
 */
static bool byte_joins(struct span line, size_t at)
{
	while (at < line.length && (line.data[at] == '-' || line.data[at] == '.' || line.data[at] == ':'))
		at++;
	return at < line.length && byte_is_letter(line.data[at]);
}

/* True when no word of the line goes on across this offset. */
static bool word_ends_at(struct span line, size_t offset)
{
	if (offset == 0 || offset >= line.length)
		return true;
	return !byte_joins(line, offset - 1) || !byte_joins(line, offset);
}

static bool line_find_word(struct span line, struct span word, size_t *ret_offset)
{
	size_t offset = 0;

	if (word.length == 0)
		return false;
	while (word.length <= line.length - offset) {
		const char *found = memmem(line.data + offset, line.length - offset, word.data, word.length);

		if (!found)
			return false;
		offset = (size_t)(found - line.data);
		if (word_ends_at(line, offset) && word_ends_at(line, offset + word.length)) {
			*ret_offset = offset;
			return true;
		}
		offset++;
	}
	return false;
}

/* A character beyond ASCII that stands in the line once: no word of its own, and yet it is plain which one is meant. */
static bool line_find_character(struct span line, struct span character, size_t *ret_offset)
{
	const char *found, *end = line.data + line.length;

	if (character.length == 0 || (uint8_t)character.data[0] < 0xc0)
		return false;
	for (size_t i = 1; i < character.length; i++)
		if (((uint8_t)character.data[i] & 0xc0) != 0x80)
			return false;
	found = memmem(line.data, line.length, character.data, character.length);
	if (!found || memmem(found + 1, (size_t)(end - found - 1), character.data, character.length))
		return false;
	*ret_offset = (size_t)(found - line.data);
	return true;
}

static bool byte_is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

bool finding_caret(const struct finding *finding, size_t *ret_offset, size_t *ret_length)
{
	struct span line = source_line(finding->origin.source, finding->origin.line);
	size_t begin = 0, end = line.length;

	if (!line.data)
		return false;
	for (size_t i = 0; i < FINDING_ARGUMENTS_MAX && finding->arguments[i]; i++) {
		struct span argument = span_of(finding->arguments[i]);

		if (line_find_word(line, argument, ret_offset) || line_find_character(line, argument, ret_offset)) {
			*ret_length = argument.length;
			return true;
		}
	}
	while (begin < end && byte_is_blank(line.data[begin]))
		begin++;
	while (end > begin && byte_is_blank(line.data[end - 1]))
		end--;
	*ret_offset = begin;
	*ret_length = end - begin;
	return true;
}

static void origin_render(struct buf *out, const struct origin *origin)
{
	buf_put_visible(out, span_of(origin->source->path));
	if (origin->line > 0)
		buf_printf(out, ":%u", (unsigned int)origin->line);
}

/* The white space below the text in front of the caret: tabs stay tabs, so the terminal moves both lines alike. */
static void indentation_render(struct buf *out, struct span before)
{
	for (;;) {
		const char *tab = before.length ? memchr(before.data, '\t', before.length) : NULL;
		struct span part = before;

		if (tab)
			part.length = (size_t)(tab - before.data);
		buf_pad(out, span_of(""), text_width(part));
		if (!tab)
			return;
		buf_putc(out, '\t');
		before.data += part.length + 1;
		before.length -= part.length + 1;
	}
}

/* A quoted value is marked with its quotes. */
static void mark_take_quotes(struct span line, size_t *offset, size_t *length)
{
	size_t end = *offset + *length;

	if (*offset > 0 && end < line.length && line.data[*offset - 1] == '"' && line.data[end] == '"') {
		*offset -= 1;
		*length += 2;
	}
}

static void line_render(struct buf *out, const struct finding *finding)
{
	struct span line = source_line(finding->origin.source, finding->origin.line);
	struct span marked;
	size_t offset, length, columns;

	if (!finding_caret(finding, &offset, &length))
		return;
	mark_take_quotes(line, &offset, &length);
	marked = (struct span){ .data = line.data + offset, .length = length };
	columns = text_width(marked);

	buf_puts(out, "  |   ");
	buf_put_visible(out, line);
	buf_puts(out, "\n  |   ");
	indentation_render(out, (struct span){ .data = line.data, .length = offset });
	buf_putc(out, '^');
	for (size_t i = 1; i < columns; i++)
		buf_putc(out, '~');
	buf_putc(out, '\n');
}

void finding_render(struct buf *out, const struct findings *findings, const struct finding *finding,
		    enum language language)
{
	const char *action = finding_action(findings, finding, language);

	if (finding->origin.source) {
		origin_render(out, &finding->origin);
		buf_puts(out, ": ");
	}
	buf_printf(out, "%s: %s [%s]\n", severity_word(finding->kind->severity, language),
		   finding_sentence(findings, finding, language), finding->kind->id);
	line_render(out, finding);
	for (size_t i = 0; i < FINDING_RELATED_MAX && finding->related[i].source; i++) {
		buf_puts(out, language == LANGUAGE_JA ? "  = 関連箇所: " : "  = see ");
		origin_render(out, &finding->related[i]);
		buf_putc(out, '\n');
	}
	if (*action)
		buf_printf(out, "  > %s\n", action);
}

const char *severity_word(enum severity severity, enum language language)
{
	bool ja = language == LANGUAGE_JA;

	switch (severity) {
	case SEVERITY_NOTE:
		return ja ? "参考" : "note";
	case SEVERITY_WARNING:
		return ja ? "警告" : "warning";
	case SEVERITY_ERROR:
		break;
	}
	return ja ? "エラー" : "error";
}

/* As for setlocale(3), the first variable that is set and not empty decides. */
enum language language_choose(const char *option, const char *lc_all, const char *lc_messages, const char *lang)
{
	const char *choices[] = { option, lc_all, lc_messages, lang };

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (choices[i] && choices[i][0])
			return strncmp(choices[i], "ja", 2) == 0 ? LANGUAGE_JA : LANGUAGE_EN;
	return LANGUAGE_EN;
}

static uint32_t lines_count(const char *text, size_t length)
{
	uint32_t count = 0;

	for (size_t i = 0; i < length; i++)
		if (i == 0 || text[i - 1] == '\n')
			count++;
	return count;
}

struct source source_of_text(struct arena *arena, const char *path, const char *text, size_t length)
{
	struct source source = { .length = length };
	uint32_t *line_starts;
	uint32_t line = 0;

	if (length > UINT32_MAX)
		arena_exhausted();
	source.path = arena_strdup(arena, path);
	source.text = arena_strndup(arena, length ? text : "", length);
	source.line_count = lines_count(source.text, length);
	line_starts = arena_array(arena, source.line_count, sizeof(*line_starts));
	for (size_t i = 0; i < length; i++)
		if (i == 0 || source.text[i - 1] == '\n')
			line_starts[line++] = (uint32_t)i;
	source.line_starts = line_starts;
	return source;
}

/* Reads to the end; one byte beyond the limit is enough to refuse. */
static int text_read(int descriptor, size_t limit_bytes, struct buf *text)
{
	for (;;) {
		char *room = buf_reserve(text, READ_STEP_BYTES);
		ssize_t length = read(descriptor, room, READ_STEP_BYTES);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		if (length == 0)
			return 0;
		text->length += (size_t)length;
		if (text->length > limit_bytes || text->length > UINT32_MAX)
			return -EFBIG;
	}
}

void source_forget(struct source *source)
{
	*source = (struct source){ .path = source->path, .text = "" };
}

int source_read(struct arena *arena, const char *path, size_t limit_bytes, struct source *ret_source)
{
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (descriptor < 0)
		return -errno;
	r = text_read(descriptor, limit_bytes, &text);
	close(descriptor);
	if (r < 0)
		return r;
	*ret_source = source_of_text(arena, path, buf_text(&text), text.length);
	return 0;
}
