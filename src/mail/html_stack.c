/* html_stack: the open elements. */
#include "mail/html_stack.h"

#include <assert.h>

void stack_begin(struct html_stack *stack)
{
	stack->depth = 0;
	stack->excess = stack->excess_hidden = 0;
	stack->open_paragraphs = 0;
	stack->elements[0] = (struct open_element){ .id = UINT16_MAX, .kind = KIND_LINE, .colour = 0x000000, .background = 0xffffff };
}

struct open_element *stack_top(struct html_stack *stack)
{
	return &stack->elements[stack->depth];
}

bool stack_hides(const struct html_stack *stack)
{
	return stack->elements[stack->depth].within & WITHIN_HIDING || stack->excess_hidden > 0;
}

/* Sets or clears a bit. */
static uint8_t bit_put(uint8_t bits, uint8_t bit, bool on)
{
	return (uint8_t)(on ? bits | bit : bits & ~bit);
}

static void style_apply(struct open_element *element, const struct html_style *style)
{
	uint8_t within = element->within;

	if (style->hides)
		within |= WITHIN_HIDDEN;
	if (style->visibility != VISIBILITY_UNSET)
		within = bit_put(within, WITHIN_INVISIBLE, style->visibility == VISIBILITY_HIDDEN);
	if (style->font == FONT_TINY || style->font == FONT_SIZED)
		within = bit_put(within, WITHIN_TINY, style->font == FONT_TINY);
	if (style->white_space != SPACE_UNSET)
		within = bit_put(within, WITHIN_PREFORMATTED, style->white_space == SPACE_KEPT);
	if (style->colour != COLOUR_UNSET)
		element->colour = style->colour;
	if (style->background != COLOUR_UNSET && style->background != COLOUR_TRANSPARENT)
		element->background = style->background;
	element->within = bit_put(within, WITHIN_COLOURLESS, html_colours_hide(element->colour, element->background));
}

bool stack_push(struct html_stack *stack, uint16_t id, enum html_kind kind, const struct html_style *style, bool hides)
{
	struct open_element element = *stack_top(stack);

	element.id = id;
	element.kind = (uint8_t)kind;
	element.closed = false;
	element.number = 1;
	if (style)
		style_apply(&element, style);
	if (hides)
		element.within |= WITHIN_HIDDEN;
	if (stack->depth + 1 == HTML_DEPTH_MAX) {
		if (stack->excess < UINT32_MAX)
			stack->excess++;
		if (element.within & WITHIN_HIDING && stack->excess_hidden == 0 && !stack_hides(stack))
			stack->excess_hidden = stack->excess;
		return false;
	}
	stack->elements[++stack->depth] = element;
	stack->open_paragraphs = (uint16_t)(stack->open_paragraphs + (kind == KIND_PARAGRAPH));
	return true;
}

void stack_pop(struct html_stack *stack)
{
	assert(stack->depth > 0);
	stack->open_paragraphs = (uint16_t)(stack->open_paragraphs - (stack_top(stack)->kind == KIND_PARAGRAPH));
	stack->depth--;
}

static bool kind_is_table_part(enum html_kind kind)
{
	return kind >= KIND_TABLE && kind <= KIND_CAPTION;
}

/* True when an end tag of one kind does not reach beyond an element of the other. */
static bool kind_stops(enum html_kind kind, enum html_kind end_tag)
{
	if (end_tag == KIND_TABLE)
		return false;
	if (kind_is_table_part(end_tag))
		return kind == KIND_TABLE;
	return kind == KIND_TABLE || kind == KIND_CELL || kind == KIND_CAPTION;
}

size_t stack_find(const struct html_stack *stack, uint16_t id, enum html_kind kind)
{
	for (size_t i = stack->depth; i > 0; i--) {
		if (stack->elements[i].id == id && !stack->elements[i].closed)
			return i;
		if (kind_stops(stack->elements[i].kind, kind))
			return 0;
	}
	return 0;
}

size_t stack_find_kind(const struct html_stack *stack, enum html_kind kind)
{
	for (size_t i = stack->depth; i > 0; i--) {
		if (stack->elements[i].kind == kind && !stack->elements[i].closed)
			return i;
		if (kind_stops(stack->elements[i].kind, kind))
			return 0;
	}
	return 0;
}

bool html_kind_is_block(enum html_kind kind)
{
	return (kind >= KIND_LINE && kind <= KIND_CAPTION) || kind == KIND_FORM || kind == KIND_SELECT || kind == KIND_PLAINTEXT;
}

bool stack_has_block_above(const struct html_stack *stack, size_t place)
{
	for (size_t i = place + 1; i <= stack->depth; i++)
		if (html_kind_is_block(stack->elements[i].kind))
			return true;
	return false;
}
