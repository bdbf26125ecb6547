/*
 * html_raw: text in which tags do not count: title, style, script, plaintext, and CDATA sections (WHATWG HTML 13.2.5.2 to 13.2.5.5,
 * 13.2.5.9 to 13.2.5.31, 13.2.5.69 to 13.2.5.71).
 *
 * Only the end tag of the element that began the text ends it. What looked like one and is none is text: until that is known it is
 * held in tokens->word. A script is dropped by whoever shows text, but where it ends decides what is shown, so the strange rules for
 * "<!-- <script>" within scripts are followed to the letter.
 */
#include <string.h>

#include "mail/html_states.h"

void html_rcdata_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!html_run(tokens, in, STOP_LESS | STOP_AMPERSAND | STOP_CR | STOP_NUL))
		return;
	if (*in->at++ == '&') {
		html_reference_begin(tokens, false);
		return;
	}
	tokens->text_state = STATE_RCDATA;
	tokens->state = STATE_RAW_LESS;
}

void html_rawtext_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!html_run(tokens, in, STOP_LESS | STOP_CR | STOP_NUL))
		return;
	in->at++;
	tokens->text_state = STATE_RAWTEXT;
	tokens->state = STATE_RAW_LESS;
}

void html_script_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!html_run(tokens, in, STOP_LESS | STOP_CR | STOP_NUL))
		return;
	in->at++;
	tokens->text_state = STATE_SCRIPT;
	tokens->state = STATE_RAW_LESS;
}

void html_plaintext_state(struct html_tokens *tokens, struct html_cursor *in)
{
	html_run(tokens, in, STOP_CR | STOP_NUL);
}

/* Behind '<'. */
void html_raw_less_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (*in->at == '/') {
		in->at++;
		tokens->state = STATE_RAW_END_OPEN;
		return;
	}
	if (*in->at == '!' && tokens->text_state == STATE_SCRIPT) {
		in->at++;
		html_put(tokens, "<!", 2);
		tokens->dashes = 0;
		tokens->state = STATE_SCRIPT_BANG;
		return;
	}
	html_put(tokens, "<", 1);
	tokens->state = tokens->text_state;
}

/* Behind "</". */
void html_raw_end_open_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (html_is_letter(*in->at)) {
		tokens->word_length = 0;
		tokens->state = STATE_RAW_END_NAME;
		return;
	}
	html_put(tokens, "</", 2);
	tokens->state = tokens->text_state;
}

/* True when the word is the name of the element that began the text. */
static bool word_ends_text(const struct html_tokens *tokens)
{
	if (tokens->word_length != tokens->raw_name_length)
		return false;
	for (size_t i = 0; i < tokens->word_length; i++)
		if (html_lower(tokens->word[i]) != tokens->raw_name[i])
			return false;
	return true;
}

/* Within the name of what may be the end tag. */
void html_raw_end_name_state(struct html_tokens *tokens, struct html_cursor *in)
{
	/* A longer word than any name that begins raw text is text at once: nothing is held that grows. */
	while (in->at < in->end && html_is_letter(*in->at) && tokens->word_length < sizeof(tokens->word))
		tokens->word[tokens->word_length++] = *in->at++;
	if (in->at == in->end)
		return;
	if ((html_is_space(*in->at) || *in->at == '/' || *in->at == '>') && word_ends_text(tokens)) {
		html_tag_begin(tokens, in, true, 2 + (size_t)tokens->word_length);
		memcpy(tokens->name, tokens->raw_name, tokens->raw_name_length);
		tokens->name_length = tokens->raw_name_length;
		tokens->state = STATE_TAG_NAME;
		return;
	}
	html_put(tokens, "</", 2);
	html_put(tokens, tokens->word, tokens->word_length);
	tokens->state = tokens->text_state;
}

/* Within a script, behind "<!": "--" begins the comment-like part. */
void html_script_bang_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (*in->at != '-') {
		tokens->state = STATE_SCRIPT;
		return;
	}
	in->at++;
	html_put(tokens, "-", 1);
	if (++tokens->dashes < 2)
		return;
	tokens->script_doubled = false;
	tokens->state = STATE_SCRIPT_ESCAPED;
}

/* Within "<!--" of a script; with script_doubled also within a "<script" of that. */
void html_script_escaped_state(struct html_tokens *tokens, struct html_cursor *in)
{
	const char *begin = in->at;
	bool stopped = html_run(tokens, in, STOP_LESS | STOP_DASH | STOP_CR | STOP_NUL);

	/* "-->" ends it, and '>' is no stop: look at what came first behind the dashes. */
	if (in->at > begin) {
		bool ends = tokens->dashes == 2 && *begin == '>';

		tokens->dashes = 0;
		if (ends) {
			tokens->state = STATE_SCRIPT;
			return;
		}
	}
	if (!stopped)
		return;
	if (*in->at++ == '-') {
		html_put(tokens, "-", 1);
		if (tokens->dashes < 2)
			tokens->dashes++;
		return;
	}
	tokens->dashes = 0;
	tokens->state = STATE_SCRIPT_ESCAPED_LESS;
	if (tokens->script_doubled)
		html_put(tokens, "<", 1);
}

/* There, behind '<'. */
void html_script_escaped_less_state(struct html_tokens *tokens, struct html_cursor *in)
{
	tokens->word_length = 0;
	if (tokens->script_doubled) {
		tokens->state = *in->at == '/' ? STATE_SCRIPT_WORD : STATE_SCRIPT_ESCAPED;
		if (*in->at == '/') {
			in->at++;
			html_put(tokens, "/", 1);
		}
		return;
	}
	tokens->text_state = STATE_SCRIPT_ESCAPED;
	if (*in->at == '/') {
		in->at++;
		tokens->state = STATE_RAW_END_OPEN;
		return;
	}
	html_put(tokens, "<", 1);
	tokens->state = html_is_letter(*in->at) ? STATE_SCRIPT_WORD : STATE_SCRIPT_ESCAPED;
}

/* There, within a word behind '<' (behind "</" when doubled): "script" changes script_doubled. */
void html_script_word_state(struct html_tokens *tokens, struct html_cursor *in)
{
	char byte = *in->at;

	if (html_is_letter(byte)) {
		in->at++;
		html_put(tokens, &byte, 1);
		if (tokens->word_length < sizeof(tokens->word))
			tokens->word[tokens->word_length++] = html_lower(byte);
		return;
	}
	tokens->state = STATE_SCRIPT_ESCAPED;
	if (!html_is_space(byte) && byte != '/' && byte != '>')
		return;
	if (tokens->word_length == 6 && memcmp(tokens->word, "script", 6) == 0)
		tokens->script_doubled = !tokens->script_doubled;
}

void html_cdata_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (!html_run(tokens, in, STOP_BRACKET | STOP_CR))
		return;
	in->at++;
	tokens->state = STATE_CDATA_BRACKET;
}

/* Behind ']'. */
void html_cdata_bracket_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (*in->at == ']') {
		in->at++;
		tokens->state = STATE_CDATA_END;
		return;
	}
	html_put(tokens, "]", 1);
	tokens->state = STATE_CDATA;
}

/* Behind "]]". */
void html_cdata_end_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (*in->at == '>') {
		in->at++;
		tokens->state = STATE_DATA;
		return;
	}
	if (*in->at == ']') {
		in->at++;
		html_put(tokens, "]", 1);
		return;
	}
	html_put(tokens, "]]", 2);
	tokens->state = STATE_CDATA;
}

void html_raw_finish(struct html_tokens *tokens)
{
	switch (tokens->state) {
	case STATE_RAW_LESS:
		html_put(tokens, "<", 1);
		break;
	case STATE_RAW_END_OPEN:
		html_put(tokens, "</", 2);
		break;
	case STATE_RAW_END_NAME:
		html_put(tokens, "</", 2);
		html_put(tokens, tokens->word, tokens->word_length);
		break;
	case STATE_SCRIPT_ESCAPED_LESS:
		if (!tokens->script_doubled)
			html_put(tokens, "<", 1);
		break;
	case STATE_CDATA_BRACKET:
		html_put(tokens, "]", 1);
		break;
	case STATE_CDATA_END:
		html_put(tokens, "]]", 2);
		break;
	default:
		break;
	}
}
