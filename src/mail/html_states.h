/*
 * html_states: what the parts of the tokenizer share: its states, one function each, and how they give out text.
 *
 * A state function gets at least one byte. It takes bytes from the cursor or changes the state, or both; a byte that it leaves is
 * read again in the new state ("reconsumed" in the words of the standard). Where one state nearly always follows another, it is called at
 * once. Private to html_tokens.c, html_raw.c and html_references.c.
 */
#ifndef MAIL_HTML_STATES_H
#define MAIL_HTML_STATES_H

#include "mail/html_tokens.h"

/* Those of text come first, in the order of enum html_content. */
enum html_state {
	STATE_DATA, STATE_RCDATA, STATE_RAWTEXT, STATE_SCRIPT, STATE_PLAINTEXT, STATE_CDATA,
	STATE_TAG_OPEN, STATE_END_TAG_OPEN, STATE_TAG_NAME,
	STATE_BEFORE_ATTRIBUTE, STATE_ATTRIBUTE_NAME, STATE_AFTER_ATTRIBUTE_NAME,
	STATE_BEFORE_VALUE, STATE_VALUE, STATE_SELF_CLOSING,
	STATE_BOGUS_COMMENT, STATE_DECLARATION,
	STATE_COMMENT_START, STATE_COMMENT_START_DASH, STATE_COMMENT, STATE_COMMENT_DASH, STATE_COMMENT_END, STATE_COMMENT_BANG,
	STATE_CDATA_BRACKET, STATE_CDATA_END,
	STATE_RAW_LESS, STATE_RAW_END_OPEN, STATE_RAW_END_NAME,
	STATE_SCRIPT_BANG, STATE_SCRIPT_ESCAPED, STATE_SCRIPT_ESCAPED_LESS, STATE_SCRIPT_WORD,
	STATE_REFERENCE, STATE_REFERENCE_NAME, STATE_REFERENCE_NUMBER, STATE_REFERENCE_HEX_BEGIN, STATE_REFERENCE_HEX,
	STATE_REFERENCE_DECIMAL,
	STATE_COUNT
};

struct html_cursor {
	const char *at, *end;
};

typedef void html_state_function(struct html_tokens *tokens, struct html_cursor *in);

/* Bytes at which a run of text stops, as bits. */
enum { STOP_LESS = 1, STOP_AMPERSAND = 2, STOP_CR = 4, STOP_NUL = 8, STOP_BRACKET = 16, STOP_DASH = 32 };

/* What HTML calls white space. */
bool html_is_space(char byte);

/* ASCII letters, whatever the locale. */
bool html_is_letter(char byte);

/* ASCII digits. */
bool html_is_digit(char byte);

/* ASCII letters in lower case, other bytes as they are. */
char html_lower(char byte);

/* Gives text out. */
void html_put(struct html_tokens *tokens, const char *bytes, size_t length);

/*
 * Gives out text up to one of the stops; CR and CR LF as LF, and NUL as U+FFFD when it is a stop. True when a stop stands at
 * the cursor, false when the input is used up.
 */
bool html_run(struct html_tokens *tokens, struct html_cursor *in, uint8_t stops);

/* Appends to the value of the attribute that is being read. */
void html_value_put(struct html_tokens *tokens, const char *bytes, size_t length);

/* Begins a tag that began so many bytes before the cursor; its name, or the rest of it, follows. */
void html_tag_begin(struct html_tokens *tokens, const struct html_cursor *in, bool is_end, size_t bytes);

/* The tag is complete: its event, and the state behind it. */
void html_tag_end(struct html_tokens *tokens);

/* ---- html_references.c ---- */

/* A '&' was taken: reads what follows and returns to the state that is current now. */
void html_reference_begin(struct html_tokens *tokens, bool within_value);

/* The input ended within a reference: resolves or gives out what was held back. */
void html_reference_finish(struct html_tokens *tokens);

html_state_function html_reference_state, html_reference_name_state, html_reference_number_state;
html_state_function html_reference_hex_begin_state, html_reference_hex_state, html_reference_decimal_state;

/* ---- html_raw.c ---- */

/* The input ended within raw text or a CDATA section: gives out what was held back. */
void html_raw_finish(struct html_tokens *tokens);

html_state_function html_rcdata_state, html_rawtext_state, html_script_state, html_plaintext_state, html_cdata_state;
html_state_function html_raw_less_state, html_raw_end_open_state, html_raw_end_name_state;
html_state_function html_script_bang_state, html_script_escaped_state, html_script_escaped_less_state, html_script_word_state;
html_state_function html_cdata_bracket_state, html_cdata_end_state;

#endif
