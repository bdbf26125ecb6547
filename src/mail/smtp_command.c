/*
 * smtp_command: from the front of the line to its end; what is read goes into a value, never anywhere else.
 */
#include "mail/smtp_command.h"

#include <errno.h>
#include <string.h>

/* ESMTP parameters of MAIL FROM. */
struct parameters {
	uint64_t size_bytes;
	bool has_size, has_body, utf8;
};

static bool span_starts_with(struct span text, const char *prefix)
{
	size_t length = strlen(prefix);

	if (text.length < length)
		return false;
	for (size_t i = 0; i < length; i++) {
		char byte = text.data[i];

		if (byte >= 'a' && byte <= 'z')
			byte = (char)(byte - 'a' + 'A');
		if (byte != prefix[i])
			return false;
	}
	return true;
}

/* True when text is word, which is written in capitals. */
static bool span_is_word(struct span text, const char *word)
{
	return text.length == strlen(word) && span_starts_with(text, word);
}

static struct span span_after(struct span text, size_t count)
{
	return (struct span){ .data = text.data + count, .length = text.length - count };
}

static struct span spaces_skip(struct span text)
{
	while (text.length > 0 && text.data[0] == ' ')
		text = span_after(text, 1);
	return text;
}

/* Takes the bytes before the next separator off the front of text, and the separator with them. */
static struct span token_take(struct span *text, char separator)
{
	const char *end = text->length > 0 ? memchr(text->data, separator, text->length) : NULL;
	struct span token = { .data = text->data, .length = end ? (size_t)(end - text->data) : text->length };

	*text = span_after(*text, token.length + (end ? 1 : 0));
	return token;
}

static int refusal_make(unsigned code, unsigned subject, unsigned detail, const char *words, struct smtp_refusal *ret_refusal)
{
	*ret_refusal = (struct smtp_refusal){ .reply = smtp_reply_make(code, subject, detail), .words = words };
	return -EINVAL;
}

static bool byte_is_hello(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       (byte != '\0' && strchr(".-_:[]", byte));
}

static int hello_parse(struct span argument, struct smtp_command *command, struct smtp_refusal *ret_refusal)
{
	bool good = argument.length > 0 && argument.length <= SMTP_HELLO_BYTES_MAX;

	for (size_t i = 0; good && i < argument.length; i++)
		good = byte_is_hello(argument.data[i]);
	if (!good)
		return refusal_make(501, 5, 4, "A host name is needed", ret_refusal);
	command->name = argument;
	return 0;
}

/*
 * Takes "FROM:<path>" or "TO:<path>" off the front of argument; parameters must be set off by a space.
 * Errors: smtp_path_parse().
 */
static int path_take(struct span *argument, const char *keyword, enum smtp_path_kind kind, struct smtp_address *ret_address)
{
	size_t used;
	struct span rest;
	int error;

	if (!span_starts_with(*argument, keyword))
		return -EINVAL;
	rest = spaces_skip(span_after(*argument, strlen(keyword)));
	error = smtp_path_parse(rest, kind, ret_address, &used);
	if (error)
		return error;
	rest = span_after(rest, used);
	if (rest.length > 0 && rest.data[0] != ' ')
		return -EINVAL;
	*argument = spaces_skip(rest);
	return 0;
}

/* Says why a path was not taken: 1.7 is about a sender, 1.3 about a recipient (RFC 3463 section 3.2). */
static int path_refuse(int error, enum smtp_path_kind kind, struct smtp_refusal *ret_refusal)
{
	unsigned detail = kind == SMTP_PATH_REVERSE ? 7 : 3;

	if (error == -EILSEQ)
		return refusal_make(553, 6, 7, "Addresses must be ASCII", ret_refusal);
	if (error == -ENOTSUP)
		return refusal_make(553, 1, detail, "Routes, quoted names and address literals are not accepted", ret_refusal);
	if (error == -ENAMETOOLONG)
		return refusal_make(553, 1, detail, "Address too long", ret_refusal);
	return refusal_make(501, 1, detail, "Not a path", ret_refusal);
}

static int size_read(struct span value, struct parameters *parameters)
{
	uint64_t size_bytes = 0;

	if (parameters->has_size || value.length == 0 || value.length > 20)
		return -EINVAL;
	for (size_t i = 0; i < value.length; i++) {
		char byte = value.data[i];

		if (byte < '0' || byte > '9')
			return -EINVAL;
		/* Only the twentieth digit can be too much for 64 bits: that is too large in any case. */
		if (__builtin_mul_overflow(size_bytes, 10U, &size_bytes) ||
		    __builtin_add_overflow(size_bytes, (unsigned)(byte - '0'), &size_bytes))
			size_bytes = UINT64_MAX;
	}
	parameters->has_size = true;
	parameters->size_bytes = size_bytes;
	return 0;
}

static int body_read(struct span value, struct parameters *parameters)
{
	if (parameters->has_body || !(span_is_word(value, "7BIT") || span_is_word(value, "8BITMIME")))
		return -EINVAL;
	parameters->has_body = true;
	return 0;
}

static int utf8_read(struct span value, struct parameters *parameters)
{
	if (parameters->utf8 || value.length > 0)
		return -EINVAL;
	parameters->utf8 = true;
	return 0;
}

/* Reads the parameters of MAIL. 0; -EINVAL: malformed or twice; -ENOTSUP: not one that was offered. */
static int parameters_read(struct span text, struct parameters *ret_parameters)
{
	static const struct {
		const char *name;
		int (*read)(struct span value, struct parameters *parameters);
	} known[] = {
		{ "SIZE", size_read },
		{ "BODY", body_read },
		{ "SMTPUTF8", utf8_read },
	};
	struct parameters parameters = { .has_size = false };

	while (text.length > 0) {
		struct span value = token_take(&text, ' ');
		struct span name = token_take(&value, '=');
		int error = -ENOTSUP;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (span_is_word(name, known[i].name))
				error = known[i].read(value, &parameters);
		if (error)
			return error;
		text = spaces_skip(text);
	}
	*ret_parameters = parameters;
	return 0;
}

static int parameter_refuse(int error, struct smtp_refusal *ret_refusal)
{
	if (error == -ENOTSUP)
		return refusal_make(555, 5, 4, "Parameter not offered", ret_refusal);
	return refusal_make(501, 5, 4, "Bad parameter", ret_refusal);
}

static int mail_parse(struct span argument, struct smtp_command *command, struct smtp_refusal *ret_refusal)
{
	struct parameters parameters;
	int error = path_take(&argument, "FROM:", SMTP_PATH_REVERSE, &command->address);

	if (error)
		return path_refuse(error, SMTP_PATH_REVERSE, ret_refusal);
	error = parameters_read(argument, &parameters);
	if (error)
		return parameter_refuse(error, ret_refusal);
	command->size_bytes = parameters.size_bytes;
	command->utf8 = parameters.utf8;
	return 0;
}

static int rcpt_parse(struct span argument, struct smtp_command *command, struct smtp_refusal *ret_refusal)
{
	int error = path_take(&argument, "TO:", SMTP_PATH_FORWARD, &command->address);

	if (error)
		return path_refuse(error, SMTP_PATH_FORWARD, ret_refusal);
	return argument.length > 0 ? parameter_refuse(-ENOTSUP, ret_refusal) : 0;
}

static int alone_parse(struct span argument, struct smtp_command *command, struct smtp_refusal *ret_refusal)
{
	(void)command;
	return argument.length > 0 ? refusal_make(501, 5, 4, "This command stands alone", ret_refusal) : 0;
}

/* NOOP and VRFY: whatever is said with them is not listened to. */
static int anything_parse(struct span argument, struct smtp_command *command, struct smtp_refusal *ret_refusal)
{
	(void)argument;
	(void)command;
	(void)ret_refusal;
	return 0;
}

static int absent_parse(struct span argument, struct smtp_command *command, struct smtp_refusal *ret_refusal)
{
	(void)argument;
	(void)command;
	return refusal_make(502, 5, 1, "Command not implemented", ret_refusal);
}

struct grammar {
	const char *word;
	enum smtp_verb verb;
	int (*parse)(struct span argument, struct smtp_command *command, struct smtp_refusal *ret_refusal);
};

static const struct grammar grammars[] = {
	{ "EHLO", SMTP_VERB_EHLO, hello_parse },
	{ "HELO", SMTP_VERB_HELO, hello_parse },
	{ "MAIL", SMTP_VERB_MAIL, mail_parse },
	{ "RCPT", SMTP_VERB_RCPT, rcpt_parse },
	{ "DATA", SMTP_VERB_DATA, alone_parse },
	{ "RSET", SMTP_VERB_RSET, alone_parse },
	{ "NOOP", SMTP_VERB_NOOP, anything_parse },
	{ "QUIT", SMTP_VERB_QUIT, alone_parse },
	{ "VRFY", SMTP_VERB_VRFY, anything_parse },
	{ "EXPN", SMTP_VERB_COUNT, absent_parse },
	{ "HELP", SMTP_VERB_COUNT, absent_parse },
	{ "BDAT", SMTP_VERB_COUNT, absent_parse },
	{ "STARTTLS", SMTP_VERB_COUNT, absent_parse },
	{ "AUTH", SMTP_VERB_COUNT, absent_parse },
};

static const struct grammar *grammar_find(struct span word)
{
	for (size_t i = 0; i < sizeof(grammars) / sizeof(grammars[0]); i++)
		if (span_is_word(word, grammars[i].word))
			return &grammars[i];
	return NULL;
}

static bool line_is_plain(struct span line)
{
	for (size_t i = 0; i < line.length; i++)
		if ((unsigned char)line.data[i] < 0x20 || line.data[i] == 0x7f)
			return false;
	return true;
}

static struct span line_trim(struct span line)
{
	while (line.length > 0 && (line.data[line.length - 1] == ' ' || line.data[line.length - 1] == '\t'))
		line.length--;
	return line;
}

/* The letters at the front, so that "DATA<NUL>" is DATA with rubbish and not an unknown word. */
static struct span letters_at_front(struct span line)
{
	size_t length = 0;

	while (length < line.length && (line.data[length] | 0x20) >= 'a' && (line.data[length] | 0x20) <= 'z')
		length++;
	return (struct span){ .data = line.data, .length = length };
}

int smtp_command_parse(struct span line, struct smtp_command *ret_command, struct smtp_refusal *ret_refusal)
{
	struct span argument = line_trim(line), word = token_take(&argument, ' ');
	bool plain = line_is_plain(line_trim(line));
	const struct grammar *grammar = grammar_find(plain ? word : letters_at_front(line));
	struct smtp_command command = { .verb = SMTP_VERB_COUNT };
	int error;

	if (!grammar)
		return refusal_make(500, 5, 2, "Command unknown", ret_refusal);
	if (!plain)
		return refusal_make(501, 5, 2, "Control character in a command", ret_refusal);
	command.verb = grammar->verb;
	error = grammar->parse(spaces_skip(argument), &command, ret_refusal);
	if (error)
		return error;
	*ret_command = command;
	return 0;
}
