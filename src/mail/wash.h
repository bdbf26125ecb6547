/*
 * wash: one mail, as it came, becomes one letter (R8 to R13): the text a person reads, and a row for everything that is not
 * in it. Pure: no descriptor, no clock. Nothing recursive; time grows with the bytes alone.
 *
 *	wash_new, wash_feed ..., wash_finish	-> letter_seal() accepts the letter, whatever the bytes were
 *
 * However the bytes are cut, the letter is the same. Nothing vanishes without being named: each leaf of the mail is
 *	whole in the text,
 *	or cut in the text and on the receipt (LETTER_REASON_TRUNCATED),
 *	or on the receipt with name, types, size, SHA-256 and reason,
 *	or, beyond LETTER_ROWS_MAX, counted together with its bytes.
 * Size and SHA-256 are those of the content as decoded by the rules of mail/mime_transfer.h.
 *
 * Which texts are shown
 *	text/plain, whatever its disposition, in the order of the mail. A part with a name has it as a heading.
 *	text/html the same, unless it was sent as an attachment: then it is a file, on the receipt.
 *	text/calendar and vCards as a summary in words (one that comes again is not repeated), and on the receipt.
 *	Delivery reports (message/delivery-status and its kin) as they are, with a heading and the outcome in words; the header of a
 *	returned mail (text/rfc822-headers) with its encoded words decoded.
 *	Enclosed messages, with sender, subject and date as heading, every line behind "> "; those within WASH_QUOTE_DEPTH_MAX
 *	messages. What lies deeper is on the receipt (LETTER_REASON_MESSAGE).
 *	A multipart that cannot be divided, as plain text (mail/mime.h says when).
 *	Everything else is on the receipt.
 *	A text/plain or text/html that holds no text is on the receipt as well (LETTER_REASON_BINARY): it begins like a file of a
 *	known kind, or of the characters in its first CHARSET_SAMPLE_BYTES more than a tenth, and more than 16, are control
 *	characters or cannot be read.
 *	Files written into a plain text (uuencode, yEnc, BinHex) are on the receipt; their first and last line stay.
 *
 * Which form of the text (multipart/alternative) is shown
 *	One of plain text and HTML is blank: the other.
 *	The HTML says little that the plain text does not (at least WASH_ALIKE_PERCENT of it occur there): the plain text.
 *	The plain text is a shorter form of the HTML (as much of it occurs in the HTML): the HTML.
 *	Otherwise both, the HTML with a heading, and LETTER_NOTE_ALTERNATIVES_DIFFER.
 *	"Occur" is measured in runs of four letters, without white space, punctuation, addresses and words of our own. A form that
 *	is not shown is on the receipt (LETTER_REASON_ALTERNATIVE).
 *
 * Which character set: charset_guess() on the first CHARSET_SAMPLE_BYTES, for HTML without a label on what its meta element says.
 *
 * Headers become values (mail/letter.h). The first of a field counts. A Message-ID that breaks the grammar is replaced by one
 * made of its SHA-256, in References and In-Reply-To as well, so replies find their mail.
 */
#ifndef MAIL_WASH_H
#define MAIL_WASH_H

#include "base/arena.h"
#include "mail/charset.h"
#include "mail/letter.h"
#include "mail/links.h"
#include "mail/mime.h"

enum {
	WASH_BYTES_MAX = 24 * 1024 * 1024,	/* of memory, letter included; most mails need less than 1 MB */
	WASH_STORE_BYTES_MAX = 4 * 1024 * 1024,	/* text of all parts, before it is decided what is shown */
	WASH_PARTS_MAX = 2000,			/* leaves (at most MIME_PARTS_MAX), and files written into texts */
	WASH_QUOTE_DEPTH_MAX = 3,		/* enclosed messages whose text is shown */
	WASH_ALIKE_PERCENT = 70,
};

/* All spans outlive the wash. */
struct wash_settings {
	enum link_style links;
	enum language language;			/* of our own words between the texts */
	const struct span *own_domains;		/* the town's, lower case: a From with one of these, or below it, is marked */
	size_t own_domain_count;
	struct span trusted_authserv_id;	/* whose Authentication-Results (RFC 8601) and X-Spam fields are believed; empty: nobody's */
};

/* A leaf of the mail, or a file written into a text, for the log and for `sekisho wash --json`. */
struct wash_part {
	struct span path;		/* mail/mime.h */
	struct span declared_type, sniffed_type; /* as in struct letter_row */
	struct span name, extension;	/* as in struct letter_row */
	enum letter_reason reason;	/* why it is on the receipt; 0: it is whole in the text */
	bool text;			/* the next three say something */
	struct span label;		/* the charset as declared, one line; may be empty */
	enum charset charset;		/* what it was read as */
	enum charset_reason charset_reason;
	uint64_t size_bytes;
	uint8_t sha256[DIGEST_BYTES];
};

struct wash_facts {
	struct wash_part *parts;
	size_t part_count;
	struct mime_totals totals;
	uint64_t parts_omitted, omitted_bytes;	/* leaves beyond a limit; the bytes of these as they came */
};

struct wash;

/*
 * A wash at the beginning of a mail, in the arena. settings and arena outlive it. Some of its memory is not in the arena and is
 * given back by wash_finish(), which must be called.
 */
struct wash *wash_new(struct arena *arena, const struct wash_settings *settings);

/* The next bytes of the mail, in pieces of any size. */
void wash_feed(struct wash *wash, struct span bytes);

/* The mail is complete. The letter is valid as long as the arena. Call it once, and do not feed afterwards. Never NULL. */
const struct letter *wash_finish(struct wash *wash);

/* What there is to know besides the letter; behind wash_finish(), valid as long as the arena. */
const struct wash_facts *wash_facts(const struct wash *wash);

#endif
