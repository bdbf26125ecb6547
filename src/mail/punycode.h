/*
 * punycode: the ASCII form of a host name, as it would be asked for in the DNS (RFC 3492, RFC 5891).
 *
 * A name such as "аpple.com" with a Cyrillic letter looks like another one; its ASCII form "xn--pple-43d.com" does not. Only what is
 * needed to show it: full-width and other compatibility forms become plain letters, letters of Latin, Greek and Cyrillic become
 * small, the ideographic full stop separates labels. No table of permitted characters is asked.
 */
#ifndef MAIL_PUNYCODE_H
#define MAIL_PUNYCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	PUNYCODE_LABEL_CHARACTERS_MAX = 63,	/* of one label; in the DNS none is longer */
	PUNYCODE_HOST_BYTES_MAX = 255,		/* of the ASCII form */
};

/*
 * The ASCII character that programs take this one for: full-width, mathematical, circled letters and digits; ideographic
 * and small full stops. Any other is returned as it is.
 */
uint32_t punycode_fold(uint32_t codepoint);

/*
 * Appends the ASCII form of a host to out: labels that are ASCII after folding as they are in lower case, others as "xn--...".
 * -EINVAL: not UTF-8, or longer than the limits; out then holds what it held.
 */
int punycode_host(struct span host, struct buf *out);

#endif
