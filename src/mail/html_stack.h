/*
 * html_stack: the open elements, as far as they lend something to the text within them. A bounded stack instead of a tree.
 *
 * Deeper elements than HTML_DEPTH_MAX are counted only. An end tag looks for its element from the top downwards, at most to the
 * table cell it stands in, as in browsers; so the cost of a tag is bounded.
 */
#ifndef MAIL_HTML_STACK_H
#define MAIL_HTML_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/html_elements.h"
#include "mail/html_style.h"
#include "mail/html_text.h"

/* What holds within an element, as bits. */
enum {
	WITHIN_HIDDEN = 1,		/* nothing within can undo it */
	WITHIN_INVISIBLE = 2,		/* visibility: hidden */
	WITHIN_TINY = 4,		/* font-size */
	WITHIN_COLOURLESS = 8,		/* colour like the background */
	WITHIN_PREFORMATTED = 16,
	WITHIN_DROPPED = 32,
	WITHIN_FOREIGN = 64,		/* svg, math: tags have other rules there */
	WITHIN_HIDING = WITHIN_HIDDEN | WITHIN_INVISIBLE | WITHIN_TINY | WITHIN_COLOURLESS,
};

struct open_element {
	uint16_t id;		/* html_element_find() */
	uint8_t kind;		/* enum html_kind */
	uint8_t within;
	uint8_t prefix_length;	/* of the lines before it */
	uint8_t list;		/* place of the list around, 0: none */
	bool closed;		/* its end tag came out of order: it lends what it lent, and does nothing more at its end */
	int32_t number;		/* of the next item of a list */
	uint32_t colour, background;
};

struct html_stack {
	uint8_t depth;			/* of elements[]; elements[0] is the document */
	uint32_t excess;		/* open elements beyond */
	uint32_t excess_hidden;		/* the one of them that began to hide, 0: none */
	uint16_t open_paragraphs;
	struct open_element elements[HTML_DEPTH_MAX];
};

/* An empty stack: black on white, nothing open. */
void stack_begin(struct html_stack *stack);

/* The innermost element. */
struct open_element *stack_top(struct html_stack *stack);

/* True when text within the innermost element is hidden. */
bool stack_hides(const struct html_stack *stack);

/*
 * Opens an element within the top one, with what its style says (NULL: nothing). False when it is too deep: then it is only counted.
 * hides: it hides by something else than its style.
 */
bool stack_push(struct html_stack *stack, uint16_t id, enum html_kind kind, const struct html_style *style, bool hides);

/* Closes the top element, which is not the document. */
void stack_pop(struct html_stack *stack);

/* The place of the innermost open element with this id, not beyond the cell (table for parts of tables) around; 0: none. */
size_t stack_find(const struct html_stack *stack, uint16_t id, enum html_kind kind);

/* The same for any element of this kind. */
size_t stack_find_kind(const struct html_stack *stack, enum html_kind kind);

/* True when an element above this place stands on lines of its own. */
bool stack_has_block_above(const struct html_stack *stack, size_t place);

/* True for a kind that is more than a run of words. */
bool html_kind_is_block(enum html_kind kind);

#endif
