/*
 * libxml2: the text of HTML by libxml2's push parser (SAX, without a tree), for `make bench`.
 *
 * usage: libxml2 html KIND SECONDS
 */
#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bench/mail/inputs.h"

struct converter {
	struct buf out;
	int dropped;	/* open elements whose text is none */
};

static bool name_is_dropped(const xmlChar *name)
{
	return strcasecmp((const char *)name, "script") == 0 || strcasecmp((const char *)name, "style") == 0 ||
	       strcasecmp((const char *)name, "title") == 0;
}

static void element_begin(void *context, const xmlChar *name, const xmlChar **attributes)
{
	struct converter *converter = context;

	(void)attributes;
	converter->dropped += name_is_dropped(name);
}

static void element_end(void *context, const xmlChar *name)
{
	struct converter *converter = context;

	converter->dropped -= name_is_dropped(name);
}

static void characters_take(void *context, const xmlChar *text, int length)
{
	struct converter *converter = context;

	if (converter->dropped == 0)
		buf_put(&converter->out, text, (size_t)length);
}

static size_t html_convert(void *context, struct span html)
{
	static htmlSAXHandler events = { .startElement = element_begin, .endElement = element_end, .characters = characters_take };
	struct converter *converter = context;
	htmlParserCtxtPtr parser;

	converter->out.length = 0;
	converter->dropped = 0;
	parser = htmlCreatePushParserCtxt(&events, converter, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
	htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC);
	htmlParseChunk(parser, html.data, (int)html.length, 0);
	htmlParseChunk(parser, NULL, 0, 1);
	htmlFreeParserCtxt(parser);
	return converter->out.length;
}

int main(int argc, char **argv)
{
	struct converter converter = { .out = buf_limited(0) };
	struct inputs inputs;

	if (argc != 4 || strcmp(argv[1], "html") != 0)
		inputs_fail("usage: libxml2 html KIND SECONDS");
	inputs = inputs_make(argv[2]);
	inputs_measure(&inputs, html_convert, &converter, atof(argv[3]));
	return EXIT_SUCCESS;
}
