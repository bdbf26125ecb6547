/*
 * header_values: dates and message ids (RFC 5322 sections 3.3 and 3.6.4) as values.
 */
#ifndef MAIL_HEADER_VALUES_H
#define MAIL_HEADER_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* How a value was written. */
enum header_grammar {
	HEADER_STRICT,		/* as RFC 5322 wants it written today */
	HEADER_LENIENT,		/* as mailers also write it, with one meaning only */
};

/* Dates lie in 1970 to 9999 in every zone; zones as they are in use on Earth. */
#define HEADER_SECONDS_MIN INT64_C(86400)
#define HEADER_SECONDS_MAX INT64_C(253402214399)
enum {
	HEADER_ZONE_MINUTES_MIN = -12 * 60,
	HEADER_ZONE_MINUTES_MAX = 14 * 60,
	HEADER_MESSAGE_ID_BYTES_MAX = 250
};

struct header_date {
	int64_t seconds;	/* Unix time */
	int zone_minutes;	/* east of Greenwich is positive; 0 when the zone is not known ("-0000") */
	enum header_grammar grammar;
};

/*
 * Reads a Date field:
 *	strict	[Fri,] 21 Nov 2025 17:36:47 +0900, white space and comments between the words, seconds from 00 to 60 or
 *		left away
 *	lenient	any case; words instead of numbers for the zone (GMT, UT, UTC, Z, JST, EST ... PDT, others: 0) or none; years
 *		of two digits (50 to 99: 19xx, 00 to 49: 20xx) or three (1900 added); one digit where two belong; hyphens
 *		as in 21-Nov-2025; a weekday that is wrong or written out, without comma; asctime order
 *		(Fri Nov 21 17:36:47 2025); anything behind the zone
 * 0; -EINVAL: none of these; -ERANGE: no such day or time, or outside the limits above.
 */
int header_date_parse(struct span value, struct header_date *ret_date);

/*
 * Takes the next message id off a field (Message-ID, In-Reply-To, References): <dot-atom@dot-atom>, at most
 * HEADER_MESSAGE_ID_BYTES_MAX bytes without the brackets. What stands between ids, and ids of any other form
 * (spaces, 8-bit bytes, quotes, literals, encoded-words), are passed over and set *odd. False when there is
 * no further id; *rest is then empty.
 */
bool header_message_id_take(struct span *rest, struct span *ret_id, bool *odd);

/*
 * The ids of a References field that are kept: the first and the last count_max - 1 of them (count_max >= 2)
 * in their order, into ids. Returns how many; *ret_omitted is how many were passed over, odd ones not
 * counted.
 */
size_t header_references_read(struct span value, size_t count_max, struct span *ids, size_t *ret_omitted);

#endif
