/*
 * expand: see expand.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utf8.h"
#include "config/catalogue.h"
#include "config/expand.h"
#include "config/reader.h"
#include "config/tokens.h"

/* A file that is being expanded, and the one that includes it. */
struct include_level {
	const struct include_level *outer;
	const char *path;
	unsigned int depth;	/* 0: the main file */
};

struct expander {
	struct arena *arena;
	struct findings *findings;
	struct expansion *expansion;
	const char *directory;	/* of the main file with its final '/'; "" for the current one; NULL: no file,
				   nothing may be included */
	int error;		/* the first */
};

static void error_keep(struct expander *expander, int error)
{
	if (expander->error == 0)
		expander->error = error;
}

static const char *codepoint_text(struct arena *arena, uint32_t codepoint)
{
	return arena_printf(arena, "U+%04X", (unsigned int)codepoint);
}

/* The kind of finding that says why a file could not be read. */
static enum config_finding finding_of_error(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
		return CONFIG_FILE_MISSING;
	case EACCES:
	case EPERM:
		return CONFIG_FILE_FORBIDDEN;
	case EISDIR:
		return CONFIG_FILE_NOT_REGULAR;
	case EFBIG:
		return CONFIG_FILE_TOO_LARGE;
	default:
		return CONFIG_FILE_UNREADABLE;
	}
}

static void file_error_report(struct expander *expander, const char *path, int error, size_t limit_bytes,
			      struct origin origin)
{
	enum config_finding id = finding_of_error(error);
	const char *detail = id == CONFIG_FILE_TOO_LARGE
				     ? arena_printf(expander->arena, "%zu", limit_bytes >> 20)
				     : strerror(-error);

	finding_add(expander->findings, &config_catalogue[id], origin, path, detail, NULL);
	error_keep(expander, error);
}

/*
 * Looks before it opens: opening a pipe or a device would hang or do something. Who can change the file between
 * the two looks can write the zone file itself.
 */
static int source_read_regular(const struct findings *findings, const char *path, struct source *ret_source)
{
	struct stat status;
	int error;

	if (stat(path, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EISDIR;
	error = source_read(findings->quoted, path, READER_FILE_BYTES_MAX, ret_source);
	if (!error)
		ret_source->path = arena_strdup(findings->arena, path);
	return error;
}

/* Begins a stretch: the text that is appended next was written at this line of source. */
static void stretch_begin(struct expander *expander, const struct source *source, uint32_t line)
{
	struct expansion *expansion = expander->expansion;

	expansion->stretches = arena_grow(expander->arena, expansion->stretches, expansion->stretch_count,
					  &expansion->stretch_capacity, sizeof(*expansion->stretches));
	expansion->stretches[expansion->stretch_count++] = (struct expansion_stretch){
		.line = expansion->line_count + 1,
		.origin = { .source = source, .line = line },
	};
}

static void text_append(struct expander *expander, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		expander->expansion->line_count += bytes[i] == '\n';
	buf_put(&expander->expansion->text, bytes, length);
}

static bool byte_may_stand(uint32_t codepoint)
{
	return (codepoint >= 0x20 && codepoint != 0x7f) || codepoint == '\t' || codepoint == '\n' ||
	       codepoint == '\r' || codepoint == '\f';
}

/* The byte order mark of UTF-16, of either order. */
static bool begins_as_utf16(struct span text)
{
	return text.length >= 2 && (memcmp(text.data, "\xff\xfe", 2) == 0 || memcmp(text.data, "\xfe\xff", 2) == 0);
}

/*
 * A file that is not UTF-8 is reported once, at its first bad line: in a Shift_JIS file every line would be. A
 * NUL byte would hide the rest of the file from libconfig.
 */
static int source_check_bytes(struct expander *expander, const struct source *source)
{
	struct span text = { source->text, source->length };
	uint32_t line = 1, codepoint;

	if (begins_as_utf16(text)) {
		finding_add(expander->findings, &config_catalogue[CONFIG_FILE_UTF16], (struct origin){ .source = source }, NULL);
		return -EBADMSG;
	}

	for (size_t offset = 0;; line += codepoint == '\n') {
		struct origin here = { .source = source, .line = line };

		offset += utf8_plain_length(text, offset);
		if (offset == text.length)
			return 0;
		if (utf8_next(text, &offset, &codepoint) < 0) {
			finding_add(expander->findings, &config_catalogue[CONFIG_FILE_ENCODING], here, NULL);
			return -EBADMSG;
		}
		if (!byte_may_stand(codepoint)) {
			finding_add(expander->findings, &config_catalogue[CONFIG_FILE_CONTROL], here,
				    codepoint_text(expander->arena, codepoint), NULL);
			return -EBADMSG;
		}
	}
}

static bool path_is_clean(struct span path)
{
	uint32_t codepoint;

	if (path.length == 0)
		return false;
	for (size_t offset = 0; offset < path.length;)
		if (utf8_next(path, &offset, &codepoint) < 0 || codepoint == '\\' || utf8_is_hidden(codepoint))
			return false;
	return true;
}

static bool path_climbs(const char *path)
{
	for (;;) {
		size_t length = strcspn(path, "/");

		if (length == 2 && memcmp(path, "..", 2) == 0)
			return true;
		if (path[length] == '\0')
			return false;
		path += length + 1;
	}
}

/*
 * The path of an included file as it is opened, or NULL when it does not lie below the directory of the main
 * file.
 */
static const char *include_path(struct expander *expander, const char *path)
{
	const char *directory = expander->directory;
	size_t length = strlen(directory);

	if (path_climbs(path))
		return NULL;
	if (path[0] != '/')
		return arena_printf(expander->arena, "%s%s", directory, path);
	return length > 0 && strncmp(path, directory, length) == 0 ? path : NULL;
}

static bool path_is_open(const struct include_level *level, const char *path)
{
	for (; level; level = level->outer)
		if (strcmp(level->path, path) == 0)
			return true;
	return false;
}

/* The path that may be included, or NULL after a finding. written: between the quotes. */
static const char *include_check(struct expander *expander, const struct include_level *level,
				 struct span written, struct origin origin)
{
	const char *name = arena_strndup(expander->arena, written.data, written.length);
	enum config_finding id;
	const char *path = NULL;
	const char *detail = "";

	if (!path_is_clean(written)) {
		id = CONFIG_INCLUDE_PATH;
	} else if (!expander->directory) {
		id = CONFIG_INCLUDE_IN_TEXT;
	} else if (!(path = include_path(expander, name))) {
		id = CONFIG_INCLUDE_OUTSIDE;
		detail = *expander->directory ? expander->directory : ".";
	} else if (path_is_open(level, path)) {
		id = CONFIG_INCLUDE_LOOP;
	} else if (level->depth == READER_INCLUDE_DEPTH_MAX) {
		id = CONFIG_INCLUDE_DEEP;
		detail = arena_printf(expander->arena, "%d", READER_INCLUDE_DEPTH_MAX);
	} else if (expander->expansion->source_count == READER_FILES_MAX) {
		id = CONFIG_INCLUDE_MANY;
		detail = arena_printf(expander->arena, "%d", READER_FILES_MAX);
	} else {
		return path;
	}
	finding_add(expander->findings, &config_catalogue[id], origin, name, detail, NULL);
	error_keep(expander, -EBADMSG);
	return NULL;
}

static void source_expand(struct expander *expander, const struct source *source,
			  const struct include_level *level);

static void include_expand(struct expander *expander, const struct include_level *level,
			   const struct token *token, struct origin origin)
{
	size_t quote =
		(size_t)((const char *)memchr(token->text.data, '"', token->text.length) - token->text.data);
	struct span written = { token->text.data + quote + 1, token->text.length - quote - 2 };
	const char *path = include_check(expander, level, written, origin);
	struct include_level inner = { .outer = level, .path = path, .depth = level->depth + 1 };
	struct expansion *expansion = expander->expansion;
	struct source *source = &expansion->sources[expansion->source_count];
	int error;

	if (!path)
		return;
	error = source_read_regular(expander->findings, path, source);
	if (error < 0) {
		file_error_report(expander, path, error, READER_FILE_BYTES_MAX, origin);
		return;
	}
	expansion->source_count++;
	source_expand(expander, source, &inner);
}

/*
 * A text that goes over the end of its line lost its closing quote: from there on the quotes of the file are
 * the wrong way round.
 */
static bool text_is_broken(const struct token *token)
{
	if (token->kind == TOKEN_TEXT_OPEN)
		return true;
	return (token->kind == TOKEN_TEXT || token->kind == TOKEN_INCLUDE) &&
	       memchr(token->text.data, '\n', token->text.length);
}

/* Reports a quote or comment that is not closed; the rest of the file then means nothing. */
static bool token_is_broken(struct expander *expander, const struct token *token, struct origin origin)
{
	enum config_finding id;

	if (text_is_broken(token))
		id = CONFIG_TEXT_NOT_CLOSED;
	else if (token->kind == TOKEN_COMMENT_OPEN)
		id = CONFIG_COMMENT_NOT_CLOSED;
	else
		return false;
	finding_add(expander->findings, &config_catalogue[id], origin, NULL);
	error_keep(expander, -EBADMSG);
	return true;
}

/*
 * Copies the text and puts the included files in place of their @include. What follows on such a line must not
 * come to stand at the beginning of a line, where libconfig would take an @include of its own: an empty comment
 * stands before it.
 */
static void tokens_expand(struct expander *expander, const struct source *source, struct span text,
			  const struct include_level *level)
{
	struct token_reader reader = token_reader_of(text);
	size_t copied = 0;

	for (;;) {
		struct token token = token_next(&reader);
		struct origin origin = { .source = source, .line = token.line };

		if (token.kind == TOKEN_END)
			break;
		if (token_is_broken(expander, &token, origin))
			return;
		if (token.kind != TOKEN_INCLUDE)
			continue;
		text_append(expander, text.data + copied, token.offset - copied);
		copied = token.offset + token.text.length;
		include_expand(expander, level, &token, origin);
		stretch_begin(expander, source, token.line);
		text_append(expander, "/**/", 4);
	}
	text_append(expander, text.data + copied, text.length - copied);
	text_append(expander, "\n", 1);
}

/*
 * Appends a source to the expanded text. Windows editors put a byte order mark before UTF-8: it is passed over.
 */
static void source_expand(struct expander *expander, const struct source *source,
			  const struct include_level *level)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct span text = { source->text, source->length };
	int error;

	if (text.length >= 3 && memcmp(text.data, byte_order_mark, 3) == 0)
		text = (struct span){ text.data + 3, text.length - 3 };
	error = source_check_bytes(expander, source);
	if (error < 0) {
		error_keep(expander, error);
		return;
	}
	stretch_begin(expander, source, 1);
	tokens_expand(expander, source, text, level);
}

static struct expansion expansion_new(const struct findings *findings)
{
	return (struct expansion){
		.text = buf_limited(READER_TOTAL_BYTES_MAX),
		.sources = arena_array(findings->arena, READER_FILES_MAX, sizeof(struct source)),
	};
}

/* Expands the main file, which is sources[0] already. */
static int main_expand(struct expander *expander, const char *path)
{
	struct expansion *expansion = expander->expansion;
	struct include_level level = { .outer = NULL, .path = path, .depth = 0 };

	expansion->source_count = 1;
	source_expand(expander, &expansion->sources[0], &level);
	if (expander->error == 0 && expansion->text.overflow) {
		struct source *last = &expansion->sources[expansion->source_count - 1];

		file_error_report(expander, last->path, -EFBIG, READER_TOTAL_BYTES_MAX,
				  (struct origin){ .source = last });
	}
	return expander->error;
}

static const char *path_directory(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_strndup(arena, path, (size_t)(slash - path) + 1) : "";
}

int expansion_read(struct arena *arena, const char *path, struct findings *findings, struct expansion *expansion)
{
	struct expander expander = { .arena = arena, .findings = findings, .expansion = expansion };
	int error;

	*expansion = expansion_new(findings);
	expander.directory = path_directory(arena, path);
	error = source_read_regular(findings, path, &expansion->sources[0]);
	if (error < 0) {
		file_error_report(&expander, path, error, READER_FILE_BYTES_MAX,
				  (struct origin){ .source = NULL });
		return error;
	}
	return main_expand(&expander, path);
}

int expansion_read_text(struct arena *arena, const char *path, const char *text, size_t length,
			struct findings *findings, struct expansion *expansion)
{
	struct expander expander = { .arena = arena, .findings = findings, .expansion = expansion };

	*expansion = expansion_new(findings);
	if (length > READER_FILE_BYTES_MAX) {
		file_error_report(&expander, path, -EFBIG, READER_FILE_BYTES_MAX,
				  (struct origin){ .source = NULL });
		return -EFBIG;
	}
	expansion->sources[0] = source_of_text(findings->arena, path, text, length);
	return main_expand(&expander, path);
}

struct origin expansion_origin(const struct expansion *expansion, uint32_t line)
{
	const struct expansion_stretch *stretches = expansion->stretches;
	size_t low = 0, high = expansion->stretch_count;
	struct origin origin;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (stretches[middle].line <= line)
			low = middle;
		else
			high = middle;
	}
	if (high == 0)
		return (struct origin){ .source = NULL };
	origin = stretches[low].origin;
	origin.line += line - stretches[low].line;
	if (origin.line > origin.source->line_count)
		origin.line = origin.source->line_count;
	return origin;
}

void expansion_free(struct expansion *expansion)
{
	buf_free(&expansion->text);
}
