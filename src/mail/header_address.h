/*
 * header_address: lists of addresses (RFC 5322 section 3.4 with its obsolete forms), one after the other, as
 * values.
 *
 *	"窓口" <a@b.example>, c@d.example (総務課), 職員: e@f.example, g@h.example;
 *
 * Reading never fails and never recurses. Groups are taken apart; their names are not kept, and a group
 * within a group is an odd spelling of the same thing. Comments are counted, not nested; the last one is the
 * name where there is no other. Routes before the address (<@a,@b:c@d>) are passed over. A quote, bracket or
 * comment that is never closed is text.
 *
 * An address is what the field says without white space and comments, its bytes as they came; it is never
 * decoded. Whether it may be shown as an address is for others to decide (letter_address_valid()). What is no
 * local@domain at all is odd, and is kept as text.
 */
#ifndef MAIL_HEADER_ADDRESS_H
#define MAIL_HEADER_ADDRESS_H

#include "mail/header_words.h"

enum {
	HEADER_ADDRESSES_MAX = 200,		/* of one list; those beyond are counted */
	HEADER_DISPLAY_NAME_BYTES_MAX = 255,	/* longer ones are cut, and counted in facts */
	HEADER_ADDRESS_BYTES_MAX = 320,		/* a longer one is odd */
};

struct header_address {
	struct span name;	/* text (mail/header_words.h) with '@' as its full-width form; may be empty */
	/* local@domain, visible ASCII; the local part may be a quoted string. Odd: text, may be empty. */
	struct span address;
	bool odd;		/* by no grammar an address, or there are two readings */
	bool name_imitates;	/* the name holds '@', and is not just this address */
};

struct header_addresses {
	struct header_address *items;	/* in the arena */
	size_t count;
	uint64_t omitted;	/* beyond HEADER_ADDRESSES_MAX */
	struct header_facts facts;
};

/* Reads a field value. The result lives in the arena: at most HEADER_ADDRESSES_MAX times about 700 bytes. */
void header_addresses_read(struct span value, struct arena *arena, struct header_addresses *ret_addresses);

#endif
