/*
 * report: findings as JSON and back.
 *
 * The way back makes findings again, each with a source of one line, and lets finding_render() print them:
 * so the person who typed `sekisho apply` reads exactly what `sekisho check` would have told him.
 */
#include "wire/report.h"

#include <string.h>

/* Text as JSON. What is not UTF-8 is replaced byte by byte, so that columns stay right. */
static json_t *text_to_json(struct span text)
{
	__attribute__((cleanup(buf_free))) struct buf visible = buf_limited(0);
	json_t *json = json_stringn(text.length ? text.data : "", text.length);

	if (json)
		return json;
	for (size_t i = 0; i < text.length; i++)
		buf_putc(&visible, (unsigned char)text.data[i] < 0x80 ? text.data[i] : '?');
	json = json_stringn(visible.data, visible.length);
	if (!json)
		arena_exhausted();
	return json;
}

static void member_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		arena_exhausted();
}

static json_t *origin_to_json(const struct origin *origin)
{
	json_t *object = json_object();

	member_set(object, "file", text_to_json(span_of(origin->source->path)));
	if (origin->line > 0)
		member_set(object, "line", json_integer(origin->line));
	return object;
}

/* Where the finding is: file, line, the line's text and the caret. */
static void place_to_json(json_t *object, const struct finding *finding)
{
	size_t offset, width;

	if (!finding->origin.source)
		return;
	member_set(object, "file", text_to_json(span_of(finding->origin.source->path)));
	if (!finding_caret(finding, &offset, &width))
		return;
	member_set(object, "line", json_integer(finding->origin.line));
	member_set(object, "column", json_integer((json_int_t)offset + 1));
	member_set(object, "width", json_integer((json_int_t)width));
	member_set(object, "excerpt", text_to_json(source_line(finding->origin.source, finding->origin.line)));
}

static json_t *words_to_json(const struct findings *findings, const struct finding *finding, enum language language)
{
	json_t *object = json_object();

	member_set(object, "sentence", text_to_json(span_of(finding_sentence(findings, finding, language))));
	member_set(object, "action", text_to_json(span_of(finding_action(findings, finding, language))));
	return object;
}

static json_t *finding_to_json(const struct findings *findings, const struct finding *finding)
{
	json_t *object = json_object(), *related = json_array();

	member_set(object, "id", text_to_json(span_of(finding->kind->id)));
	member_set(object, "severity", text_to_json(span_of(severity_word(finding->kind->severity, LANGUAGE_EN))));
	place_to_json(object, finding);
	for (size_t i = 0; i < FINDING_RELATED_MAX && finding->related[i].source; i++)
		if (json_array_append_new(related, origin_to_json(&finding->related[i])) != 0)
			arena_exhausted();
	member_set(object, "related", related);
	member_set(object, "en", words_to_json(findings, finding, LANGUAGE_EN));
	member_set(object, "ja", words_to_json(findings, finding, LANGUAGE_JA));
	return object;
}

json_t *findings_to_json(const struct findings *findings)
{
	json_t *array = json_array();

	for (size_t i = 0; i < findings->count; i++)
		if (json_array_append_new(array, finding_to_json(findings, &findings->items[i])) != 0)
			arena_exhausted();
	return array;
}

/* A member that is text; NULL when it is missing or no text. */
static const char *member_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* A member that is a number from 0 to maximum; 0 when it is missing or anything else. */
static uint32_t member_number(const json_t *object, const char *key, uint32_t maximum)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 && value <= (json_int_t)maximum ? (uint32_t)value : 0;
}

static bool severity_parse(const char *word, enum severity *ret_severity)
{
	for (int severity = SEVERITY_NOTE; word && severity <= SEVERITY_ERROR; severity++) {
		if (strcmp(word, severity_word((enum severity)severity, LANGUAGE_EN)) == 0) {
			*ret_severity = (enum severity)severity;
			return true;
		}
	}
	return false;
}

/*
 * The largest line number of the array: all one-line sources share one table of line starts, which are all
 * 0.
 */
static uint32_t array_largest_line(const json_t *array)
{
	uint32_t largest = 0;
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		uint32_t line = member_number(item, "line", REPORT_LINE_MAX);

		if (line > largest)
			largest = line;
	}
	return largest;
}

/* A file of which one line is known: the line with this number is the excerpt, all before it are empty. */
static const struct source *source_of_excerpt(struct arena *arena, const char *file, const char *excerpt, uint32_t line,
					      const uint32_t *zeros)
{
	struct source *source = arena_alloc(arena, sizeof(*source));

	*source = (struct source){ .path = file, .text = "", .line_starts = zeros };
	if (excerpt) {
		source->text = excerpt;
		source->length = strlen(excerpt);
		source->line_count = line;
	}
	return source;
}

static struct origin origin_of_json(struct arena *arena, const json_t *object, const uint32_t *zeros)
{
	const char *file = member_text(object, "file");
	uint32_t line = member_number(object, "line", UINT32_MAX);
	const char *excerpt = line > 0 && line <= REPORT_LINE_MAX ? member_text(object, "excerpt") : NULL;

	if (!file)
		return (struct origin){ .source = NULL };
	return (struct origin){ .source = source_of_excerpt(arena, file, excerpt, line, zeros), .line = line };
}

/* The text the caret stood under: as the first argument it makes the caret stand there again. */
static const char *caret_text(struct arena *arena, const json_t *object)
{
	const char *excerpt = member_text(object, "excerpt");
	size_t length = excerpt ? strlen(excerpt) : 0;
	size_t column = member_number(object, "column", UINT32_MAX), width = member_number(object, "width", UINT32_MAX);

	if (column == 0 || column > length || width > length - (column - 1))
		return "";
	return arena_strndup(arena, excerpt + column - 1, width);
}

/* Adds the finding this object describes; false when it does not describe one. */
static bool finding_of_json(struct findings *findings, const json_t *object, enum language language, const uint32_t *zeros)
{
	const json_t *words = json_object_get(object, language == LANGUAGE_JA ? "ja" : "en");
	const char *id = member_text(object, "id"), *sentence = member_text(words, "sentence"), *action = member_text(words, "action");
	struct finding_kind *kind = arena_alloc(findings->arena, sizeof(*kind));
	struct finding *finding;
	const json_t *related;
	size_t i;

	if (!id || !sentence || !severity_parse(member_text(object, "severity"), &kind->severity))
		return false;
	kind->id = id;
	kind->en = kind->ja = "{1}";
	kind->action_en = kind->action_ja = action ? "{2}" : "";
	finding = finding_add(findings, kind, origin_of_json(findings->arena, object, zeros), caret_text(findings->arena, object), sentence,
			      action ? action : "", NULL);
	json_array_foreach(json_object_get(object, "related"), i, related) {
		struct origin origin = origin_of_json(findings->arena, related, zeros);

		if (origin.source)
			finding_relate(finding, origin);
	}
	return true;
}

void findings_render_json(struct buf *out, const json_t *array, enum language language)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const uint32_t *zeros = arena_array(arena, (size_t)array_largest_line(array) + 1, sizeof(*zeros));
	struct findings findings = findings_in(arena);
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
		if (finding_of_json(&findings, item, language, zeros))
			finding_render(out, &findings, &findings.items[findings.count - 1], language);
}
