/* html_elements: which elements of HTML there are. */
#include "mail/html_elements.h"

#include <string.h>

/* Sorted by name. */
static const struct html_element elements[] = {
	{ "a", 1, KIND_LINK },
	{ "address", 7, KIND_LINE },
	{ "area", 4, KIND_AREA },
	{ "article", 7, KIND_LINE },
	{ "aside", 5, KIND_LINE },
	{ "audio", 5, KIND_FRAME },
	{ "b", 1, KIND_FORMAT },
	{ "base", 4, KIND_BASE },
	{ "big", 3, KIND_FORMAT },
	{ "blockquote", 10, KIND_QUOTE },
	{ "body", 4, KIND_LINE },
	{ "br", 2, KIND_BREAK },
	{ "button", 6, KIND_BUTTON },
	{ "caption", 7, KIND_CAPTION },
	{ "center", 6, KIND_LINE },
	{ "code", 4, KIND_FORMAT },
	{ "col", 3, KIND_VOID },
	{ "dd", 2, KIND_DETAILS },
	{ "del", 3, KIND_STRUCK },
	{ "desc", 4, KIND_INTEGRATION },
	{ "details", 7, KIND_LINE },
	{ "dir", 3, KIND_UNORDERED },
	{ "div", 3, KIND_LINE },
	{ "dl", 2, KIND_LINE },
	{ "dt", 2, KIND_TERM },
	{ "em", 2, KIND_FORMAT },
	{ "embed", 5, KIND_EMBED },
	{ "fieldset", 8, KIND_LINE },
	{ "figcaption", 10, KIND_LINE },
	{ "figure", 6, KIND_LINE },
	{ "font", 4, KIND_FORMAT },
	{ "footer", 6, KIND_LINE },
	{ "foreignobject", 13, KIND_INTEGRATION },
	{ "form", 4, KIND_FORM },
	{ "frame", 5, KIND_EMBED },
	{ "h1", 2, KIND_HEADING },
	{ "h2", 2, KIND_HEADING },
	{ "h3", 2, KIND_HEADING },
	{ "h4", 2, KIND_HEADING },
	{ "h5", 2, KIND_HEADING },
	{ "h6", 2, KIND_HEADING },
	{ "header", 6, KIND_LINE },
	{ "hr", 2, KIND_RULE },
	{ "i", 1, KIND_FORMAT },
	{ "iframe", 6, KIND_RAW_FRAME },
	{ "img", 3, KIND_IMAGE },
	{ "input", 5, KIND_INPUT },
	{ "ins", 3, KIND_FORMAT },
	{ "legend", 6, KIND_LINE },
	{ "li", 2, KIND_ITEM },
	{ "link", 4, KIND_VOID },
	{ "listing", 7, KIND_PREFORMATTED },
	{ "main", 4, KIND_LINE },
	{ "math", 4, KIND_FOREIGN },
	{ "menu", 4, KIND_UNORDERED },
	{ "meta", 4, KIND_META },
	{ "mi", 2, KIND_INTEGRATION },
	{ "mn", 2, KIND_INTEGRATION },
	{ "mo", 2, KIND_INTEGRATION },
	{ "ms", 2, KIND_INTEGRATION },
	{ "mtext", 5, KIND_INTEGRATION },
	{ "nav", 3, KIND_LINE },
	{ "nobr", 4, KIND_FORMAT },
	{ "noembed", 7, KIND_DROPPED },
	{ "noframes", 8, KIND_DROPPED },
	{ "object", 6, KIND_FRAME },
	{ "ol", 2, KIND_ORDERED },
	{ "optgroup", 8, KIND_LINE },
	{ "option", 6, KIND_LINE },
	{ "p", 1, KIND_PARAGRAPH },
	{ "param", 5, KIND_VOID },
	{ "plaintext", 9, KIND_PLAINTEXT },
	{ "pre", 3, KIND_PREFORMATTED },
	{ "q", 1, KIND_QUOTED },
	{ "rp", 2, KIND_RUBY_BRACKET },
	{ "rt", 2, KIND_RUBY_TEXT },
	{ "s", 1, KIND_STRUCK },
	{ "script", 6, KIND_DROPPED },
	{ "section", 7, KIND_LINE },
	{ "select", 6, KIND_SELECT },
	{ "small", 5, KIND_FORMAT },
	{ "source", 6, KIND_VOID },
	{ "strike", 6, KIND_STRUCK },
	{ "strong", 6, KIND_FORMAT },
	{ "style", 5, KIND_DROPPED },
	{ "sup", 3, KIND_SUPERSCRIPT },
	{ "svg", 3, KIND_FOREIGN },
	{ "table", 5, KIND_TABLE },
	{ "tbody", 5, KIND_GROUP },
	{ "td", 2, KIND_CELL },
	{ "template", 8, KIND_HIDDEN },
	{ "textarea", 8, KIND_TEXTAREA },
	{ "tfoot", 5, KIND_GROUP },
	{ "th", 2, KIND_CELL },
	{ "thead", 5, KIND_GROUP },
	{ "title", 5, KIND_DROPPED },
	{ "tr", 2, KIND_ROW },
	{ "track", 5, KIND_VOID },
	{ "tt", 2, KIND_FORMAT },
	{ "u", 1, KIND_FORMAT },
	{ "ul", 2, KIND_UNORDERED },
	{ "video", 5, KIND_FRAME },
	{ "wbr", 3, KIND_VOID },
	{ "xmp", 3, KIND_EXAMPLE },
};

/* Where the names that begin with a, b, ... z begin in elements[]. */
static const uint8_t element_starts[27] = {
	0, 6, 13, 17, 25, 27, 35, 35, 43, 48, 48, 48, 52, 61, 65, 69, 73, 74, 76, 87, 99, 101, 102, 103, 104, 104, 104,
};

uint16_t html_element_find(struct span name, enum html_kind *ret_kind)
{
	uint32_t hash = 2166136261;	/* FNV-1a */

	*ret_kind = KIND_INLINE;
	if (name.length == 0)
		return HTML_ELEMENTS_KNOWN;
	if (name.data[0] >= 'a' && name.data[0] <= 'z')
		for (uint16_t i = element_starts[name.data[0] - 'a']; i < element_starts[name.data[0] - 'a' + 1]; i++) {
			if (elements[i].name_length != name.length || elements[i].name[name.length - 1] != name.data[name.length - 1] ||
			    memcmp(elements[i].name, name.data, name.length) != 0)
				continue;
			*ret_kind = elements[i].kind;
			return i;
		}
	for (size_t i = 0; i < name.length; i++)
		hash = (hash ^ (uint8_t)name.data[i]) * 16777619;
	return (uint16_t)(HTML_ELEMENTS_KNOWN | hash >> 17);
}
