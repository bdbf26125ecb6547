/* mime_parameter: token; name=value; name*0*=value. See the header for the rules. */
#include "mail/mime_parameter.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "mail/header_octets.h"

struct scanner {
	struct header_octets octets;
	struct span text;
	size_t at;
	struct mime_value *value;
};

static bool at_end(const struct scanner *scanner)
{
	return scanner->at >= scanner->text.length;
}

/* The byte ahead; NUL at the end, which no caller asks for. */
static char ahead(const struct scanner *scanner)
{
	return at_end(scanner) ? '\0' : scanner->text.data[scanner->at];
}

static void unit_pass(struct scanner *scanner)
{
	scanner->at += header_octets_step(&scanner->octets, scanner->at);
}

/* Passes over a comment; one that is never closed ends with the field. */
static void comment_pass(struct scanner *scanner)
{
	size_t depth = 0;

	do {
		char byte = ahead(scanner);

		if (byte == '(')
			depth++;
		else if (byte == ')')
			depth--;
		else if (byte == '\\')
			scanner->at++;
		if (!at_end(scanner))
			unit_pass(scanner);
	} while (depth > 0 && !at_end(scanner));
}

static void space_pass(struct scanner *scanner)
{
	while (!at_end(scanner) && header_is_space(ahead(scanner)))
		scanner->at++;
}

static void space_and_comments_pass(struct scanner *scanner)
{
	space_pass(scanner);
	while (ahead(scanner) == '(') {
		comment_pass(scanner);
		space_pass(scanner);
	}
}

/* RFC 2045: visible ASCII without tspecials. */
static bool is_token_byte(char byte)
{
	return byte > ' ' && byte < 0x7f && !strchr("()<>@,;:\\\"/[]?=", byte);
}

static struct span token_take(struct scanner *scanner)
{
	size_t begin = scanner->at;

	while (!at_end(scanner) && is_token_byte(ahead(scanner)))
		scanner->at++;
	return span_part(scanner->text, begin, scanner->at);
}

/* Keeps a copy in lower case; false when it does not fit. */
static bool lower_keep(struct mime_value *value, struct span text, struct span *ret_kept)
{
	char *to = value->octets + value->octet_count;

	if (text.length > sizeof(value->octets) - value->octet_count)
		return false;
	for (size_t i = 0; i < text.length; i++)
		to[i] = header_lower(text.data[i]);
	value->octet_count += text.length;
	*ret_kept = (struct span){ .data = to, .length = text.length };
	return true;
}

static void token_read(struct scanner *scanner)
{
	struct mime_value *value = scanner->value;
	struct span token;

	space_and_comments_pass(scanner);
	token = token_take(scanner);
	if (token.length > 0 && token.length <= MIME_TOKEN_BYTES_MAX)
		lower_keep(value, token, &value->token);
}

/* "type/subtype", white space and comments around the slash allowed. */
static void type_read(struct scanner *scanner)
{
	struct mime_value *value = scanner->value;
	struct span main_type, subtype, kept;
	size_t length;

	space_and_comments_pass(scanner);
	main_type = token_take(scanner);
	space_and_comments_pass(scanner);
	if (ahead(scanner) != '/')
		return;
	scanner->at++;
	space_and_comments_pass(scanner);
	subtype = token_take(scanner);
	length = main_type.length + 1 + subtype.length;
	if (main_type.length == 0 || subtype.length == 0 || length > MIME_TOKEN_BYTES_MAX)
		return;
	lower_keep(value, main_type, &kept);
	lower_keep(value, span_of("/"), &kept);
	lower_keep(value, subtype, &kept);
	value->token = (struct span){ .data = value->octets, .length = length };
}

static bool octets_keep(struct mime_value *value, struct span bytes)
{
	if (bytes.length > sizeof(value->octets) - value->octet_count)
		return false;
	memcpy(value->octets + value->octet_count, bytes.data, bytes.length);
	value->octet_count += bytes.length;
	return true;
}

/* Reads what stands between quotes; the scanner stands behind the first one. False when there is no room. */
static bool quoted_read(struct scanner *scanner, bool *ret_doubtful)
{
	while (!at_end(scanner) && ahead(scanner) != '"') {
		size_t begin;

		if (ahead(scanner) == '\\' && scanner->at + 1 < scanner->text.length)
			scanner->at++;
		begin = scanner->at;
		unit_pass(scanner);
		if (!octets_keep(scanner->value, span_part(scanner->text, begin, scanner->at)))
			return false;
	}
	*ret_doubtful |= at_end(scanner);
	scanner->at += !at_end(scanner);
	return true;
}

/* Cuts a comment off that stands at the end behind white space. */
static struct span comment_cut(struct span text, bool *ret_cut)
{
	size_t depth = 0, at = text.length;

	if (at == 0 || text.data[at - 1] != ')')
		return text;
	do {
		at--;
		depth += text.data[at] == ')';
		depth -= text.data[at] == '(';
	} while (depth > 0 && at > 0);
	if (depth > 0 || at == 0 || !header_is_space(text.data[at - 1]))
		return text;
	*ret_cut = true;
	return header_trim(span_part(text, 0, at));
}

static bool holds_any(struct span text, const char *bytes)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] != '\0' && strchr(bytes, text.data[i]))
			return true;
	return false;
}

/* Reads text without quotes up to a semicolon or a quote. */
static bool bare_read(struct scanner *scanner, bool *ret_doubtful)
{
	size_t begin = scanner->at;
	struct span text;

	while (!at_end(scanner) && ahead(scanner) != ';' && ahead(scanner) != '"')
		unit_pass(scanner);
	text = header_trim(span_part(scanner->text, begin, scanner->at));
	text = comment_cut(text, ret_doubtful);
	*ret_doubtful |= holds_any(text, " \t()\\");
	return octets_keep(scanner->value, text);
}

/* Reads the value of a parameter up to its semicolon. False when there is no room. */
static bool octets_read(struct scanner *scanner, struct mime_parameter *parameter)
{
	size_t begin = scanner->value->octet_count, pieces = 0;
	bool fits = true, doubtful = false;

	space_pass(scanner);
	while (fits && !at_end(scanner) && ahead(scanner) != ';') {
		if (ahead(scanner) == '"') {
			scanner->at++;
			fits = quoted_read(scanner, &doubtful);
		} else {
			fits = bare_read(scanner, &doubtful);
		}
		pieces++;
		space_pass(scanner);
	}
	parameter->doubtful |= doubtful || pieces != 1;
	parameter->octets = (struct span){
		.data = scanner->value->octets + begin, .length = scanner->value->octet_count - begin };
	return fits;
}

/* Takes the stars of RFC 2231 off the name. */
static void stars_read(struct mime_parameter *parameter)
{
	struct span name = parameter->name;
	bool extended = name.length > 1 && name.data[name.length - 1] == '*';
	size_t end = name.length - extended, star = end;
	int section = 0;

	while (star > 0 && name.data[star - 1] >= '0' && name.data[star - 1] <= '9')
		star--;
	if (star < 2 || star == end || end - star > 4 || name.data[star - 1] != '*') {
		parameter->extended = extended;
		parameter->name = span_part(name, 0, end);
		return;
	}
	for (size_t i = star; i < end; i++)
		section = section * 10 + (name.data[i] - '0');
	parameter->extended = extended;
	parameter->section = section;
	/* name*00 and name*01 are not numbers to everybody. */
	parameter->doubtful = end - star > 1 && name.data[star] == '0';
	parameter->name = span_part(name, 0, star - 1);
}

static struct span name_take(struct scanner *scanner)
{
	size_t begin = scanner->at;

	while (!at_end(scanner) && !header_is_space(ahead(scanner)) && !strchr("=;(\"", ahead(scanner)))
		unit_pass(scanner);
	return span_part(scanner->text, begin, scanner->at);
}

static void past_semicolon(struct scanner *scanner)
{
	while (!at_end(scanner) && ahead(scanner) != ';')
		unit_pass(scanner);
}

/* Reads one parameter; the scanner stands at its name. What is none is passed over up to the next semicolon. */
static void parameter_read(struct scanner *scanner)
{
	struct mime_value *value = scanner->value;
	struct mime_parameter parameter = { .section = -1 };
	struct span name = name_take(scanner);
	size_t octet_count = value->octet_count;

	space_and_comments_pass(scanner);
	if (name.length == 0 || ahead(scanner) != '=') {
		past_semicolon(scanner);
		return;
	}
	scanner->at++;
	space_and_comments_pass(scanner);
	if (value->parameter_count == MIME_PARAMETERS_MAX || !lower_keep(value, name, &parameter.name) ||
	    !octets_read(scanner, &parameter)) {
		value->octet_count = octet_count;
		value->more_parameters = true;
		scanner->at = scanner->text.length;
		return;
	}
	stars_read(&parameter);
	value->parameters[value->parameter_count++] = parameter;
}

void mime_value_parse(struct span text, enum mime_value_kind kind, struct mime_value *ret_value)
{
	struct scanner scanner = { .octets = header_octets_of(text), .text = text, .value = ret_value };

	ret_value->token = (struct span){ 0 };
	ret_value->parameter_count = ret_value->octet_count = 0;
	ret_value->more_parameters = false;
	if (kind == MIME_VALUE_TYPE)
		type_read(&scanner);
	else
		token_read(&scanner);
	while (!at_end(&scanner)) {
		space_and_comments_pass(&scanner);
		if (ahead(&scanner) == ';')
			scanner.at++;
		else if (!at_end(&scanner))
			parameter_read(&scanner);
	}
}

/* Appends the octets of one piece to the room of the forms, which is large enough for all pieces twice. */
static void piece_put(struct mime_forms *forms, struct span octets, bool extended)
{
	for (size_t i = 0; i < octets.length; i++) {
		int high = extended && octets.data[i] == '%' && i + 2 < octets.length
				   ? header_hex_value(octets.data[i + 1])
				   : -1;
		int low = high >= 0 ? header_hex_value(octets.data[i + 2]) : -1;
		char byte = octets.data[i];

		if (low >= 0) {
			byte = (char)(high << 4 | low);
			i += 2;
		}
		forms->room[forms->room_used++] = byte;
	}
}

/* Splits charset'language'text; without two quotes everything is text. */
static struct span charset_split(struct span octets, struct span *ret_charset)
{
	const char *first = memchr(octets.data, '\'', octets.length);
	size_t begin = first ? (size_t)(first - octets.data) + 1 : 0;
	const char *second = first ? memchr(octets.data + begin, '\'', octets.length - begin) : NULL;

	if (!second)
		return octets;
	*ret_charset = span_part(octets, 0, begin - 1);
	return span_part(octets, (size_t)(second - octets.data) + 1, octets.length);
}

static struct mime_form *form_add(struct mime_forms *forms)
{
	if (forms->count == MIME_FORMS_MAX) {
		forms->more = true;
		return NULL;
	}
	forms->items[forms->count] = (struct mime_form){ .octets = { .data = forms->room + forms->room_used } };
	return &forms->items[forms->count++];
}

static void whole_add(struct mime_forms *forms, const struct mime_parameter *parameter)
{
	struct mime_form *form = form_add(forms);
	struct span octets = parameter->octets;

	if (!form)
		return;
	form->extended = parameter->extended;
	form->doubtful = parameter->doubtful;
	if (parameter->extended)
		octets = charset_split(octets, &form->charset);
	piece_put(forms, octets, parameter->extended);
	form->octets.length = (size_t)(forms->room + forms->room_used - form->octets.data);
}

/* The sections of a parameter in the order of their numbers, and of the field where numbers are equal. */
struct sections {
	const struct mime_parameter *items[MIME_PARAMETERS_MAX];
	size_t count;
	size_t before_gap;	/* how many come before the first missing number */
	bool repeated;
};

static void section_insert(struct sections *sections, const struct mime_parameter *parameter)
{
	size_t at = sections->count++;

	for (; at > 0 && sections->items[at - 1]->section > parameter->section; at--)
		sections->items[at] = sections->items[at - 1];
	sections->items[at] = parameter;
}

static void sections_judge(struct sections *sections)
{
	int next = 0;
	bool gap = false;

	for (size_t i = 0; i < sections->count; i++) {
		int section = sections->items[i]->section;

		sections->repeated |= i > 0 && section == sections->items[i - 1]->section;
		gap |= section > next;
		next = section + 1;
		sections->before_gap += !gap;
	}
}

static void joined_add(struct mime_forms *forms, const struct sections *sections, size_t count)
{
	struct mime_form *form = form_add(forms);

	if (!form)
		return;
	form->divided = true;
	form->doubtful = sections->repeated || sections->before_gap != sections->count;
	for (size_t i = 0; i < count; i++) {
		const struct mime_parameter *parameter = sections->items[i];
		struct span octets = parameter->octets;

		form->doubtful |= parameter->doubtful;
		form->extended |= parameter->extended;
		if (i == 0 && parameter->extended)
			octets = charset_split(octets, &form->charset);
		piece_put(forms, octets, parameter->extended);
	}
	form->octets.length = (size_t)(forms->room + forms->room_used - form->octets.data);
}

void mime_parameter_forms(const struct mime_value *value, const char *name, struct mime_forms *ret_forms)
{
	struct sections sections = { .count = 0 };

	ret_forms->count = ret_forms->room_used = 0;
	ret_forms->more = false;
	for (size_t i = 0; i < value->parameter_count; i++) {
		const struct mime_parameter *parameter = &value->parameters[i];

		if (!header_word_is(parameter->name, name))
			continue;
		if (parameter->section < 0)
			whole_add(ret_forms, parameter);
		else
			section_insert(&sections, parameter);
	}
	sections_judge(&sections);
	if (sections.count > 0)
		joined_add(ret_forms, &sections, sections.count);
	if (sections.before_gap > 0 && sections.before_gap < sections.count)
		joined_add(ret_forms, &sections, sections.before_gap);
}

int mime_parameter_only(const struct mime_value *value, const char *name, struct mime_forms *forms,
			struct span *ret_octets)
{
	mime_parameter_forms(value, name, forms);
	if (value->more_parameters || forms->count > 1 || (forms->count == 1 && forms->items[0].doubtful))
		return -EINVAL;
	if (forms->count == 0)
		return -ENOENT;
	*ret_octets = forms->items[0].octets;
	return 0;
}
