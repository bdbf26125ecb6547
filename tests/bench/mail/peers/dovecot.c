/*
 * dovecot: the text of HTML by Dovecot's mail_html2text, for `make bench`.
 *
 * usage: dovecot html KIND SECONDS
 */
#include "lib.h"

#include "buffer.h"
#include "mail-html2text.h"

#include <stdlib.h>
#include <string.h>

#include "bench/mail/inputs.h"

static size_t html_convert(void *context, struct span html)
{
	struct mail_html2text *converter = mail_html2text_init(0);
	buffer_t *out = context;

	buffer_set_used_size(out, 0);
	mail_html2text_more(converter, (const unsigned char *)html.data, html.length, out);
	mail_html2text_deinit(&converter);
	return out->used;
}

int main(int argc, char **argv)
{
	struct inputs inputs;

	if (argc != 4 || strcmp(argv[1], "html") != 0)
		inputs_fail("usage: dovecot html KIND SECONDS");
	inputs = inputs_make(argv[2]);
	lib_init();
	inputs_measure(&inputs, html_convert, buffer_create_dynamic(default_pool, 1024), atof(argv[3]));
	return EXIT_SUCCESS;
}
