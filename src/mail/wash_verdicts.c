/*
 * wash_verdicts: what a trusted upstream server found out about a mail, as enumerations (RFC 8601).
 *
 * Anybody can write such fields. They are believed when the settings name whose, and that server takes those of others away
 * (RFC 8601 section 5). The first field of it counts, for it is the one it put on top.
 */
#include <string.h>

#include "mail/header_octets.h"
#include "mail/wash_work.h"

/* Passes over white space and comments, nested ones by counting. */
static struct span blank_pass(struct span text)
{
	size_t at = 0, depth = 0;

	while (at < text.length && (depth > 0 || header_is_space(text.data[at]) || text.data[at] == '(')) {
		depth += text.data[at] == '(';
		depth -= text.data[at] == ')' && depth > 0;
		at++;
	}
	return span_part(text, at, text.length);
}

static bool is_word_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-' ||
	       byte == '.' || byte == '_';
}

static struct span word_take(struct span *rest)
{
	size_t length = 0;
	struct span word;

	*rest = blank_pass(*rest);
	while (length < rest->length && is_word_byte(rest->data[length]))
		length++;
	word = span_part(*rest, 0, length);
	*rest = blank_pass(span_part(*rest, length, rest->length));
	return word;
}

/* Moves behind the next ';' that stands neither in quotes nor in a comment. */
static void statement_pass(struct span *rest)
{
	bool quoted = false;

	while (rest->length > 0 && (quoted || rest->data[0] != ';')) {
		struct span next = span_part(*rest, 1, rest->length);

		quoted ^= rest->data[0] == '"';
		*rest = !quoted && rest->data[0] == '(' ? blank_pass(*rest) : next;
	}
	if (rest->length > 0)
		*rest = span_part(*rest, 1, rest->length);
}

/* The letter's number for a method and a verdict; 0 or LETTER_METHODS: not one of ours. */
static enum letter_verdict verdict_of(struct span word)
{
	if (header_word_is(word, "hardfail"))
		return LETTER_VERDICT_FAIL;
	for (size_t i = LETTER_VERDICT_UNKNOWN + 1; i < LETTER_VERDICTS; i++)
		if (header_word_is(word, letter_verdict_names[i]))
			return (enum letter_verdict)i;
	return LETTER_VERDICT_UNKNOWN;
}

static size_t method_of(struct span word)
{
	size_t method = 0;

	while (method < LETTER_METHODS && !header_word_is(word, letter_method_names[method]))
		method++;
	return method;
}

/* "spf=pass reason=... smtp.mailfrom=...": the first result of a method counts; of several DKIM signatures a pass. */
static void statement_take(struct letter *letter, struct span *rest)
{
	size_t method = method_of(word_take(rest));
	enum letter_verdict verdict = LETTER_VERDICT_UNKNOWN;

	if (rest->length > 0 && rest->data[0] == '=') {
		*rest = span_part(*rest, 1, rest->length);
		verdict = verdict_of(word_take(rest));
	}
	statement_pass(rest);
	if (method == LETTER_METHODS || verdict == LETTER_VERDICT_UNKNOWN)
		return;
	if (letter->verdicts[method] == LETTER_VERDICT_UNKNOWN ||
	    (method == LETTER_METHOD_DKIM && verdict == LETTER_VERDICT_PASS))
		letter->verdicts[method] = verdict;
}

static bool is_trusted(const struct wash_settings *settings, struct span id)
{
	return settings->trusted_authserv_id.length > 0 && header_words_alike(settings->trusted_authserv_id, id);
}

void wash_results_take(struct wash *wash, struct span value)
{
	struct span rest = value;

	if (wash->results_taken || !is_trusted(wash->settings, word_take(&rest)))
		return;
	wash->results_taken = true;
	statement_pass(&rest);
	while (rest.length > 0)
		statement_take(wash->letter, &rest);
}

/* X-Spam-Flag: YES; X-Spam-Status: No, score=... Where they contradict each other it is spam. */
void wash_spam_take(struct wash *wash, struct span value)
{
	enum letter_verdict *verdict = &wash->letter->verdicts[LETTER_METHOD_SPAM];
	struct span rest = value, word = word_take(&rest);

	if (wash->settings->trusted_authserv_id.length == 0)
		return;
	if (header_word_is(word, "yes"))
		*verdict = LETTER_VERDICT_FAIL;
	else if (header_word_is(word, "no") && *verdict == LETTER_VERDICT_UNKNOWN)
		*verdict = LETTER_VERDICT_PASS;
}
