/*
 * wash_files: files that somebody wrote into a plain text.
 *
 * One function per state takes a line. Lines of text that cannot be a mark are not collected: they pass as they come.
 */
#include "mail/wash_files.h"

#include <string.h>

#include "mail/header_octets.h"

enum { UU_ZERO = ' ', UU_SPAN = 64, YENC_SHIFT = 42, YENC_ESCAPE_SHIFT = 64 };

static const char binhex_sentence[] = "(This file must be converted with BinHex";
static const char binhex_letters[] = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

static bool begins_with(struct span text, const char *words)
{
	size_t length = strlen(words);

	return text.length >= length && memcmp(text.data, words, length) == 0;
}

/* The line without LF or CR LF. */
static struct span line_content(struct span line)
{
	size_t end = line.length;

	if (end > 0 && line.data[end - 1] == '\n')
		end--;
	if (end > 0 && line.data[end - 1] == '\r')
		end--;
	return span_part(line, 0, end);
}

static void text_put(struct wash_files *files, struct span bytes)
{
	if (bytes.length > 0)
		files->events->text(files->user, bytes);
}

/* ---- the file at hand ---- */

static void file_open(struct wash_files *files, enum wash_files_state state)
{
	digest_begin(&files->digest);
	wash_sniff_begin(&files->sniffer);
	files->file_bytes = 0;
	files->escaped = false;
	files->state = state;
}

static void file_add(struct wash_files *files, struct span bytes)
{
	digest_add(&files->digest, bytes.data, bytes.length);
	wash_sniff_feed(&files->sniffer, bytes);
	files->file_bytes += bytes.length;
}

/* An empty block is text: nothing was taken out. */
static void file_close(struct wash_files *files)
{
	struct wash_sniffed sniffed = wash_sniff_result(&files->sniffer);
	struct wash_file file = {
		.name = files->name, .type = sniffed.type, .encrypted = sniffed.encrypted, .size_bytes = files->file_bytes,
	};

	digest_end(&files->digest, file.sha256);
	files->state = WASH_FILES_TEXT;
	if (file.size_bytes > 0)
		files->events->file(files->user, &file);
}

/* Keeps the first line of a file, and where in it the name begins. */
static void begin_keep(struct wash_files *files, struct span line, size_t name_at)
{
	struct span content = line_content(line);

	memcpy(files->begin, line.data, line.length);
	files->begin_bytes = line.length;
	name_at = name_at < content.length ? name_at : content.length;
	files->name = header_trim((struct span){ .data = files->begin + name_at, .length = content.length - name_at });
}

/* ---- uuencode ---- */

/* Where the name begins in "begin 644 name"; 0: it is no such line. */
static size_t uu_name_at(struct span line)
{
	size_t at = strlen("begin "), digits = 0;

	if (!begins_with(line, "begin "))
		return 0;
	while (at < line.length && line.data[at] >= '0' && line.data[at] <= '7' && digits < 5) {
		at++;
		digits++;
	}
	return digits >= 3 && digits <= 4 && at < line.length && line.data[at] == ' ' ? at + 1 : 0;
}

static size_t uu_value(char letter)
{
	return (size_t)(letter - UU_ZERO) % UU_SPAN;
}

/* How many bytes a line of data holds; SIZE_MAX: it is none. Spaces at its end may have been lost. */
static size_t uu_line_bytes(struct span line)
{
	size_t bytes, letters;

	if (line.length == 0)
		return SIZE_MAX;
	for (size_t i = 0; i < line.length; i++)
		if (line.data[i] < UU_ZERO || line.data[i] > UU_ZERO + UU_SPAN)
			return SIZE_MAX;
	bytes = uu_value(line.data[0]);
	letters = (bytes + 2) / 3 * 4;
	/* Some encoders add a letter or two; a line of text seldom has the length that its first letter says. */
	return line.length - 1 <= letters + 2 && (line.length - 1 + 2 >= letters || bytes == 0) ? bytes : SIZE_MAX;
}

static void uu_line_add(struct wash_files *files, struct span line, size_t bytes)
{
	char decoded[UU_SPAN];
	size_t count = 0;

	for (size_t at = 1; count < bytes; at += 4) {
		uint32_t bits = 0;

		for (size_t i = at; i < at + 4; i++)
			bits = bits << 6 | (uint32_t)(i < line.length ? uu_value(line.data[i]) : 0);
		for (unsigned shift = 16; count < bytes; shift -= 8) {
			decoded[count++] = (char)(uint8_t)(bits >> shift);
			if (shift == 0)
				break;
		}
	}
	file_add(files, (struct span){ .data = decoded, .length = count });
}

static void uu_take(struct wash_files *files, struct span line);
static void text_take(struct wash_files *files, struct span line);

static void uu_first_take(struct wash_files *files, struct span line)
{
	size_t bytes = uu_line_bytes(line_content(line));

	text_put(files, (struct span){ .data = files->begin, .length = files->begin_bytes });
	files->state = WASH_FILES_TEXT;
	if (bytes == SIZE_MAX || bytes == 0) {
		text_take(files, line);
		return;
	}
	file_open(files, WASH_FILES_UU);
	uu_take(files, line);
}

static void uu_take(struct wash_files *files, struct span line)
{
	struct span content = line_content(line);
	size_t bytes = uu_line_bytes(content);

	if (bytes != SIZE_MAX) {
		uu_line_add(files, content, bytes);
		return;
	}
	file_close(files);
	text_take(files, line);
}

/* ---- yEnc ---- */

static size_t yenc_name_at(struct span line)
{
	const char *found = begins_with(line, "=ybegin ") ? memmem(line.data, line.length, " name=", 6) : NULL;

	return found ? (size_t)(found - line.data) + 6 : 0;
}

/* Data of any length; line ends are none. */
static void yenc_add(struct wash_files *files, struct span bytes)
{
	char decoded[WASH_FILES_LINE_BYTES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < bytes.length; i++) {
		char byte = bytes.data[i];

		if (byte == '\r' || byte == '\n')
			continue;
		if (byte == '=' && !files->escaped) {
			files->escaped = true;
			continue;
		}
		decoded[count++] = (char)(uint8_t)(byte - YENC_SHIFT - (files->escaped ? YENC_ESCAPE_SHIFT : 0));
		files->escaped = false;
		if (count == sizeof(decoded)) {
			file_add(files, (struct span){ .data = decoded, .length = count });
			count = 0;
		}
	}
	file_add(files, (struct span){ .data = decoded, .length = count });
}

static void yenc_take(struct wash_files *files, struct span line)
{
	if (begins_with(line, "=ypart"))
		return;
	if (!begins_with(line, "=yend")) {
		yenc_add(files, line);
		return;
	}
	file_close(files);
	text_put(files, line);
}

/* ---- BinHex ---- */

static void binhex_take(struct wash_files *files, struct span line)
{
	struct span content = line_content(line);
	size_t length = 0;

	while (length < content.length && content.data[length] != ':' && content.data[length] != '\0' &&
	       strchr(binhex_letters, content.data[length]))
		length++;
	file_add(files, span_part(content, 0, length));
	if (length == content.length)
		return;
	/* A ':' is the end; any other byte says that the file has been left without one. */
	file_close(files);
	text_put(files, span_part(line, length + (content.data[length] == ':'), line.length));
}

static void binhex_first_take(struct wash_files *files, struct span line)
{
	struct span content = line_content(line);

	if (content.length == 0) {
		text_put(files, line);
		return;
	}
	files->state = WASH_FILES_TEXT;
	if (content.data[0] != ':' || content.length < 2) {
		text_take(files, line);
		return;
	}
	file_open(files, WASH_FILES_BINHEX);
	binhex_take(files, span_part(line, 1, line.length));
}

/* ---- lines ---- */

bool wash_files_is_mark(struct span line)
{
	return uu_name_at(line) > 0 || yenc_name_at(line) > 0 || begins_with(line, binhex_sentence);
}

static void text_take(struct wash_files *files, struct span line)
{
	struct span content = line_content(line);
	size_t name_at = uu_name_at(content);

	if (name_at > 0) {
		begin_keep(files, line, name_at);
		files->state = WASH_FILES_UU_FIRST;
		return;
	}
	text_put(files, line);
	name_at = yenc_name_at(content);
	if (name_at > 0) {
		begin_keep(files, line, name_at);
		file_open(files, WASH_FILES_YENC);
	} else if (begins_with(content, binhex_sentence)) {
		begin_keep(files, line, content.length);
		files->state = WASH_FILES_BINHEX_FIRST;
	}
}

static void (*const takes[])(struct wash_files *files, struct span line) = {
	[WASH_FILES_TEXT] = text_take, [WASH_FILES_UU_FIRST] = uu_first_take, [WASH_FILES_UU] = uu_take,
	[WASH_FILES_YENC] = yenc_take, [WASH_FILES_BINHEX_FIRST] = binhex_first_take, [WASH_FILES_BINHEX] = binhex_take,
};

/* In plain text only few lines can be a mark. */
static bool may_be_mark(char first)
{
	return first == 'b' || first == '=' || first == '(';
}

/* The line at hand is longer than a mark can be, or than lines of data are. */
static void long_line_take(struct wash_files *files)
{
	struct span line = { .data = files->line, .length = files->line_bytes };

	files->line_bytes = 0;
	files->passing = true;
	if (files->state == WASH_FILES_YENC && !begins_with(line, "=y")) {
		yenc_add(files, line);
		return;
	}
	if (files->state == WASH_FILES_UU_FIRST)
		text_put(files, (struct span){ .data = files->begin, .length = files->begin_bytes });
	else if (files->state != WASH_FILES_TEXT && files->state != WASH_FILES_BINHEX_FIRST)
		file_close(files);
	files->state = WASH_FILES_TEXT;
	text_put(files, line);
}

/*
 * Takes what is no mark off the front: the rest of a line that is none, and in a text the lines behind it up to one that may be
 * one. Returns how many bytes.
 */
static size_t run_feed(struct wash_files *files, struct span bytes)
{
	size_t length = 0;

	do {
		const char *end = memchr(bytes.data + length, '\n', bytes.length - length);

		files->passing = !end;
		length = end ? (size_t)(end - bytes.data) + 1 : bytes.length;
	} while (files->state == WASH_FILES_TEXT && length < bytes.length && !may_be_mark(bytes.data[length]));
	if (files->state == WASH_FILES_YENC)
		yenc_add(files, span_part(bytes, 0, length));
	else
		text_put(files, span_part(bytes, 0, length));
	return length;
}

/* Collects a line that may be a mark, or is data. Returns how many bytes it took. */
static size_t line_feed(struct wash_files *files, struct span bytes)
{
	const char *end = memchr(bytes.data, '\n', bytes.length);
	size_t length = end ? (size_t)(end - bytes.data) + 1 : bytes.length, room = sizeof(files->line) - files->line_bytes;
	struct span line = { .data = files->line };

	length = length < room ? length : room;
	memcpy(files->line + files->line_bytes, bytes.data, length);
	files->line_bytes += length;
	line.length = files->line_bytes;
	if (line.data[line.length - 1] == '\n') {
		files->line_bytes = 0;
		takes[files->state](files, line);
	} else if (line.length == sizeof(files->line)) {
		long_line_take(files);
	}
	return length;
}

void wash_files_begin(struct wash_files *files, const struct wash_files_events *events, void *user)
{
	files->events = events;
	files->user = user;
	files->state = WASH_FILES_TEXT;
	files->passing = false;
	files->line_bytes = 0;
}

void wash_files_feed(struct wash_files *files, struct span bytes)
{
	while (bytes.length > 0) {
		bool run = files->line_bytes == 0 && (files->passing || (files->state == WASH_FILES_TEXT && !may_be_mark(bytes.data[0])));
		size_t length = run ? run_feed(files, bytes) : line_feed(files, bytes);

		bytes = span_part(bytes, length, bytes.length);
	}
}

void wash_files_finish(struct wash_files *files)
{
	struct span line = { .data = files->line, .length = files->line_bytes };

	files->line_bytes = 0;
	if (line.length > 0)
		takes[files->state](files, line);
	if (files->state == WASH_FILES_UU_FIRST)
		text_put(files, (struct span){ .data = files->begin, .length = files->begin_bytes });
	else if (files->state == WASH_FILES_UU || files->state == WASH_FILES_YENC || files->state == WASH_FILES_BINHEX)
		file_close(files);
	files->state = WASH_FILES_TEXT;
}
