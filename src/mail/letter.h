/*
 * letter: what crosses the airlock, and the message that is made of it.
 *
 * The washer takes a mail apart on the Internet side. It reads what strangers wrote, so it is taken to be theirs. What it hands
 * over is a letter: decoded values, one by one (sekisho-airlock(7)). The courier on the LGWAN side accepts a letter or refuses
 * it, never repairs it, and writes a new message around the values (RFC 5322; 7-bit, one text/plain part in base64, headers of
 * a fixed list in a fixed order). So a washer can lie about text, but not about structure.
 *
 * Who may know what: envelope, number and size of the original come from front and keeper (struct letter_envelope), names and
 * wording from the settings (struct letter_office), all else from the washer (struct letter).
 *
 * A letter that letter_check() accepted can always be composed: its limits are chosen so. Equal letters are equal bytes.
 */
#ifndef MAIL_LETTER_H
#define MAIL_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/finding.h"
#include "base/netaddr.h"

/*
 * Code points that occur nowhere in a letter, as {first, last} in ascending order: they steer, reorder, hide, or mean something
 * else on each machine. TAB and CR LF are the exceptions, in the text of the mail only.
 * Variation selectors stay: the names of persons and places need them (異体字). The zero-width joiner goes: an emoji of a
 * family becomes its members.
 */
#define LETTER_FORBIDDEN_CODEPOINTS                                                                                        \
	{ 0x0000, 0x001f },	/* C0 */                                                                                    \
	{ 0x007f, 0x009f },	/* DEL, C1 */                                                                               \
	{ 0x00ad, 0x00ad },	/* soft hyphen */                                                                           \
	{ 0x034f, 0x034f },	/* combining grapheme joiner */                                                             \
	{ 0x061c, 0x061c },	/* Arabic letter mark: bidi */                                                              \
	{ 0x115f, 0x1160 },	/* Hangul fillers */                                                                        \
	{ 0x17b4, 0x17b5 },	/* Khmer inherent vowels, not seen */                                                       \
	{ 0x180b, 0x180f },	/* Mongolian selectors and vowel separator */                                               \
	{ 0x200b, 0x200f },	/* zero width; bidi marks */                                                                \
	{ 0x2028, 0x202e },	/* line and paragraph separator; bidi embedding and override */                             \
	{ 0x2060, 0x206f },	/* word joiner, invisible operators, bidi isolates, deprecated controls */                  \
	{ 0x3164, 0x3164 },	/* Hangul filler */                                                                         \
	{ 0xd800, 0xdfff },	/* surrogates */                                                                            \
	{ 0xe000, 0xf8ff },	/* private use: another picture on each machine (外字) */                                   \
	{ 0xfdd0, 0xfdef },	/* noncharacters */                                                                         \
	{ 0xfeff, 0xfeff },	/* byte order mark */                                                                       \
	{ 0xffa0, 0xffa0 },	/* half-width Hangul filler */                                                              \
	{ 0xfff0, 0xfffb },	/* interlinear annotation, unassigned specials */                                           \
	{ 0xfffe, 0xffff },	/* noncharacters, here and at the end of each plane */                                      \
	{ 0x1bca0, 0x1bca3 },	/* shorthand format controls */                                                             \
	{ 0x1d173, 0x1d17a },	/* musical format controls */                                                               \
	{ 0x1fffe, 0x1ffff }, { 0x2fffe, 0x2ffff }, { 0x3fffe, 0x3ffff }, { 0x4fffe, 0x4ffff }, { 0x5fffe, 0x5ffff },       \
	{ 0x6fffe, 0x6ffff }, { 0x7fffe, 0x7ffff }, { 0x8fffe, 0x8ffff }, { 0x9fffe, 0x9ffff }, { 0xafffe, 0xaffff },       \
	{ 0xbfffe, 0xbffff }, { 0xcfffe, 0xcffff }, { 0xdfffe, 0xdffff },                                                   \
	{ 0xe0000, 0xe00ff },	/* tags */                                                                                  \
	{ 0xe01f0, 0xe0fff },	/* ignorable, unassigned */                                                                 \
	{ 0xefffe, 0x10ffff }	/* noncharacters; private use planes */

/* What a text is for: which characters it may hold besides those that are allowed everywhere. All are UTF-8 (RFC 3629). */
enum letter_text {
	LETTER_TEXT_BODY,	/* also TAB, and CR LF as the only line end */
	LETTER_TEXT_LINE,	/* one line: subject, detail of a note */
	LETTER_TEXT_NAME,	/* one line without '@': a name must not show another address than the one beside it */
	LETTER_TEXT_FILE,	/* one line without '|', '/', '\': a file name in a row of the receipt */
	LETTER_TEXT_KINDS
};

enum {
	LETTER_HEAD_BYTES = 8,			/* "SKL1" and how many bytes follow */
	LETTER_BYTES_MAX = 1280 * 1024,		/* the frame, head included */
	LETTER_TEXT_BYTES_MAX = 1024 * 1024,
	LETTER_SUBJECT_CODEPOINTS_MAX = 250,
	LETTER_NAME_BYTES_MAX = 255,
	LETTER_LOCAL_PART_BYTES_MAX = 64,	/* RFC 5321 4.5.3.1.1 */
	LETTER_ADDRESS_BYTES_MAX = 254,
	LETTER_DOMAIN_BYTES_MAX = 253,
	LETTER_LABEL_BYTES_MAX = 63,
	LETTER_MESSAGE_ID_BYTES_MAX = 250,
	LETTER_REPLY_TO_MAX = 10,
	LETTER_TO_MAX = 100,
	LETTER_CC_MAX = 100,
	LETTER_IN_REPLY_TO_MAX = 5,
	LETTER_REFERENCES_MAX = 21,		/* the first and the last twenty */
	LETTER_HOPS_MAX = 255,	/* what the courier makes of them is its business (relay/courier.h) */
	LETTER_ROWS_MAX = 1000,
	LETTER_FILE_NAME_BYTES_MAX = 255,
	LETTER_EXTENSION_BYTES_MAX = 16,
	LETTER_TYPE_BYTES_MAX = 127,
	LETTER_NOTES_MAX = 64,
	LETTER_DETAIL_BYTES_MAX = 255,
	LETTER_ZONE_MINUTES_MIN = -12 * 60,
	LETTER_ZONE_MINUTES_MAX = 14 * 60,
	LETTER_ORIGINAL_ID_BYTES_MAX = 63,	/* fits a label of a domain */
	LETTER_PREFIX_BYTES_MAX = 64,
	LETTER_FOOTER_BYTES_MAX = 2000,
};

/* A date lies in the years 1970 to 9999 in every zone. Seconds of Unix time. */
#define LETTER_SECONDS_MIN INT64_C(86400)
#define LETTER_SECONDS_MAX INT64_C(253402214399)

/* What a composed message holds at most; what letter_check() demands so that this is kept. */
enum {
	LETTER_MESSAGE_BYTES_MAX = 2 * 1024 * 1024,
	LETTER_HEADERS_BYTES_MAX = 16 * 1024,
	LETTER_HEADERS_COST_MAX = LETTER_HEADERS_BYTES_MAX - 3 * 1024, /* letter_headers_cost(); the rest is ours */
	LETTER_BODY_BYTES_MAX = 1258291,	/* 1.2 MiB before base64 */
	LETTER_BODY_COST_MAX = LETTER_BODY_BYTES_MAX - 4 * 1024, /* letter_body_cost(); the rest is ours */
	LETTER_ROW_COST = 400,			/* one row of the receipt without its name, extension and types */
	LETTER_TYPE_GROWTH = 3,			/* a '.' of a type is written as "[.]": no program takes it for a host */
	LETTER_NOTE_COST = 360,			/* one note without its detail */
	LETTER_LINE_BYTES_MAX = 76,		/* a header is folded so; one token that is longer stands alone in its line */
};

struct letter_address {
	struct span name;	/* LETTER_TEXT_NAME; may be empty */
	struct span address;	/* letter_address_valid() */
};

/* Why a part of the mail is on the receipt. Numbers are part of the format: never reused. */
enum letter_reason {
	LETTER_REASON_ATTACHMENT = 1,	/* an attachment like any other */
	LETTER_REASON_INLINE,		/* an image or object shown inside the text */
	LETTER_REASON_TEXT_KIND,	/* text of a kind that is not shown (RTF, CSV, ...) */
	LETTER_REASON_TRUNCATED,	/* text, shown up to the limit */
	LETTER_REASON_BINARY,		/* declared as text, holds other things */
	LETTER_REASON_ALTERNATIVE,	/* another form of the text that is shown */
	LETTER_REASON_UNDECODABLE,	/* Content-Transfer-Encoding unknown or damaged */
	LETTER_REASON_AMBIGUOUS,	/* contradictory MIME headers: programs would disagree about what this is */
	LETTER_REASON_DEPTH,		/* nested deeper than the limit */
	LETTER_REASON_MESSAGE,		/* an enclosed mail that is not shown */
	LETTER_REASON_PARTIAL,		/* message/partial: a piece of a mail */
	LETTER_REASON_EXTERNAL,		/* message/external-body: content lies elsewhere */
	LETTER_REASON_TNEF,		/* winmail.dat */
	LETTER_REASON_SIGNATURE,	/* a detached signature */
	LETTER_REASON_SIGNED,		/* content wrapped in a signature (S/MIME opaque) */
	LETTER_REASON_ENCRYPTED,	/* S/MIME or PGP, encrypted */
	LETTER_REASON_ENCRYPTED_ARCHIVE, /* an archive or a document that needs a password */
	LETTER_REASON_UUENCODE,		/* a file written into the text (uuencode, yEnc, BinHex) */
	LETTER_REASON_CALENDAR,		/* an invitation */
	LETTER_REASON_COUNT
};

/* One part that did not cross. */
struct letter_row {
	enum letter_reason reason;
	struct span name;	/* LETTER_TEXT_FILE; may be empty */
	struct span extension;	/* the last one, lower-case letters and digits without the dot; may be empty */
	struct span declared_type, sniffed_type; /* "image/png" in lower case (RFC 6838 4.2); may be empty */
	uint64_t size_bytes;
	uint8_t sha256[DIGEST_BYTES];
};

/* What else the reader of the mail must know. Numbers are part of the format: never reused. */
enum letter_note_code {
	LETTER_NOTE_FROM_MISSING = 1,	/* no sender that can be shown */
	LETTER_NOTE_FROM_SEVERAL,	/* counted, detail: the first that is not shown */
	LETTER_NOTE_ADDRESS_ODD,	/* counted, detail: the first address outside our grammar */
	LETTER_NOTE_NAME_IMITATES,	/* counted: a display name held an address */
	LETTER_NOTE_HEADER_TWICE,	/* counted, detail: name of the header; the first one is shown */
	LETTER_NOTE_DATE_ODD,		/* detail: what stood there */
	LETTER_NOTE_MESSAGE_ID_ODD,	/* detail: what stood there */
	LETTER_NOTE_CHARSET,		/* detail: label; the text says otherwise */
	LETTER_NOTE_LINK_MISMATCH,	/* counted: a link shows another target than it has */
	LETTER_NOTE_HIDDEN_TEXT,	/* counted: text the sender had made invisible is shown */
	LETTER_NOTE_ALTERNATIVES_DIFFER, /* text and HTML differ; both are shown */
	LETTER_NOTE_SIGNATURE_LOST,	/* a signature cannot be checked any more */
	LETTER_NOTE_PREAMBLE,		/* counted, bytes: text outside of all parts */
	LETTER_NOTE_STRUCTURE,		/* boundaries missing or contradictory */
	LETTER_NOTE_BIDI,		/* counted: characters that change the direction of writing */
	LETTER_NOTE_NAMES_DIFFER,	/* detail: another name of a file */
	LETTER_NOTE_FROM_OWN_DOMAIN,	/* the sender claims a domain of the town, from outside */
	LETTER_NOTE_HEADER_LIMIT,	/* a header beyond a limit: the rest of it was not read */
	LETTER_NOTE_DAMAGED,		/* counted: parts whose transfer encoding is damaged */
	LETTER_NOTE_COUNT
};

/* A note. count is 0 unless its code is counted (then at least 1), detail is empty unless its code has one. */
struct letter_note {
	enum letter_note_code code;
	uint32_t count;
	struct span detail;	/* LETTER_TEXT_LINE */
};

/* Numbers for the log and for X-Sekisho, in the order of the format. A counter that is full stays at UINT32_MAX. */
enum letter_counter {
	LETTER_COUNT_PARTS,		/* leaf parts of the mail */
	LETTER_COUNT_ROWS_OMITTED,	/* parts without a row of their own */
	LETTER_COUNT_ADDRESSES_OMITTED,	/* recipients that are not named */
	LETTER_COUNT_TEXT_OMITTED_BYTES, /* text beyond the limit */
	LETTER_COUNT_REPLACED,		/* bytes or characters shown as 〓 */
	LETTER_COUNT_REMOVED,		/* characters left out */
	LETTER_COUNT_LINKS,		/* links made harmless */
	LETTER_COUNT_ROWS_OMITTED_BYTES, /* of the parts without a row */
	LETTER_COUNTERS
};

/* A result the upstream server claimed (RFC 8601). The washer read it: a hint, no proof. */
enum letter_verdict {
	LETTER_VERDICT_UNKNOWN,
	LETTER_VERDICT_NONE, LETTER_VERDICT_PASS, LETTER_VERDICT_FAIL, LETTER_VERDICT_SOFTFAIL, LETTER_VERDICT_NEUTRAL,
	LETTER_VERDICT_TEMPERROR, LETTER_VERDICT_PERMERROR,
	LETTER_VERDICTS
};

/* LETTER_METHOD_SPAM: fail: spam; pass: not. */
enum letter_method { LETTER_METHOD_SPF, LETTER_METHOD_DKIM, LETTER_METHOD_DMARC, LETTER_METHOD_SPAM, LETTER_METHODS };

enum letter_auto_submitted { LETTER_AUTO_NO, LETTER_AUTO_GENERATED, LETTER_AUTO_REPLIED, LETTER_AUTO_VALUES };

/*
 * A letter as values. Spans point to where the caller keeps the bytes: the washer's memory, or the frame. About 130 KB: keep
 * one per message in its arena, not on a stack.
 */
struct letter {
	bool dated;
	int64_t date_seconds;	/* when dated */
	int date_zone_minutes;	/* when dated; east of Greenwich is positive */
	struct letter_address from;
	struct letter_address reply_to[LETTER_REPLY_TO_MAX], to[LETTER_TO_MAX], cc[LETTER_CC_MAX];
	size_t reply_to_count, to_count, cc_count;
	struct span subject;	/* LETTER_TEXT_LINE; empty: none */
	struct span message_id;	/* without angle brackets; empty: none that we keep */
	struct span in_reply_to[LETTER_IN_REPLY_TO_MAX], references[LETTER_REFERENCES_MAX];
	size_t in_reply_to_count, references_count;
	enum letter_auto_submitted auto_submitted;
	bool bulk;
	enum letter_verdict verdicts[LETTER_METHODS];
	uint8_t hops;		/* Received lines of the mail, and those of earlier passages */
	uint32_t counters[LETTER_COUNTERS];
	struct span text;	/* LETTER_TEXT_BODY */
	struct letter_row rows[LETTER_ROWS_MAX];
	size_t row_count;
	struct letter_note notes[LETTER_NOTES_MAX];
	size_t note_count;
};

/* The fields of a frame; a number is the tag. In a frame they stand in this order. */
enum letter_field {
	LETTER_FIELD_HEAD,	/* not a tag: what is refused is the frame itself, or a limit of the whole */
	LETTER_FIELD_DATE, LETTER_FIELD_FROM, LETTER_FIELD_REPLY_TO, LETTER_FIELD_TO, LETTER_FIELD_CC, LETTER_FIELD_SUBJECT,
	LETTER_FIELD_MESSAGE_ID, LETTER_FIELD_IN_REPLY_TO, LETTER_FIELD_REFERENCE, LETTER_FIELD_AUTO_SUBMITTED,
	LETTER_FIELD_BULK, LETTER_FIELD_VERDICTS, LETTER_FIELD_HOPS, LETTER_FIELD_COUNTERS, LETTER_FIELD_TEXT,
	LETTER_FIELD_ROW, LETTER_FIELD_NOTE,
	LETTER_FIELDS
};

/* ---- letter_grammar.c: what a single value may look like; used by both sides, by the composer and by the tests. ---- */

/* True when text may stand where this kind of text stands. Its length is not judged. */
bool letter_text_valid(struct span text, enum letter_text kind);

/*
 * True for local@domain without quotes and comments: RFC 5322 atext and dots in any place (Japanese mobile carriers gave out
 * "a..b.@"), letter_domain_valid() behind the '@', nowhere "=?", which would be decoded by careless programs.
 */
bool letter_address_valid(struct span address);

/* True for labels of letters, digits and inner hyphens with dots between them (RFC 1123); one label will do. */
bool letter_domain_valid(struct span domain);

/* True for dot-atom@dot-atom (RFC 5322 3.6.4 without its obsolete forms) without "=?", at most LETTER_MESSAGE_ID_BYTES_MAX. */
bool letter_message_id_valid(struct span id);

/* Takes the first character off *text. False when no character begins there (RFC 3629); *text then stays. */
bool letter_codepoint_take(struct span *text, uint32_t *ret_codepoint);

/* True for a code point of LETTER_FORBIDDEN_CODEPOINTS. */
bool letter_codepoint_forbidden(uint32_t codepoint);

/* True for the empty span, and for type/subtype of lower-case names (RFC 6838 4.2), at most LETTER_TYPE_BYTES_MAX. */
bool letter_type_valid(struct span type);

/* True for at most LETTER_EXTENSION_BYTES_MAX lower-case letters and digits, also none. */
bool letter_extension_valid(struct span extension);

/* True for letters, digits and inner hyphens, 1 to LETTER_ORIGINAL_ID_BYTES_MAX. */
bool letter_original_id_valid(struct span id);

/* How many characters a valid text has. */
size_t letter_codepoints(struct span valid_text);

/* ---- letter_check.c: the courier's validator. It allocates nothing and changes nothing. ---- */

/*
 * How long the frame is whose first bytes these are, head included. -EAGAIN: fewer than LETTER_HEAD_BYTES are there;
 * -EBADMSG: not a letter; -EMSGSIZE: beyond LETTER_BYTES_MAX. For whoever collects a frame from a pipe.
 */
int letter_frame_bytes(struct span begin, size_t *ret_bytes);

/*
 * Accepts or refuses a whole frame. 0: *ret_letter points into the frame, which must outlive it. -EBADMSG: refused, and
 * *ret_refused (NULL is allowed) is the field that was refused, for the log; *ret_letter is then not to be used.
 */
int letter_check(struct span frame, struct letter *ret_letter, enum letter_field *ret_refused);

/* No fewer bytes than the headers of the letter will have as composed, those that are ours not counted. */
size_t letter_headers_cost(const struct letter *letter);

/* No fewer bytes than text, receipt and notes of the letter will have before base64. */
size_t letter_body_cost(const struct letter *letter);

/* ---- letter_seal.c: the washer's side. ---- */

/*
 * Makes characters of any UTF-8 such as may stand in a letter. Bytes come in pieces of any size; however they are cut, the
 * result is the same. What it writes is letter_text_valid() for its kind once it is finished.
 *	line ends (CR, LF, CR LF, NEL, U+2028, U+2029)	CR LF in a body, else one space
 *	embedding, override and isolate of direction	shown as [U+202E], counted as removed
 *	private use, noncharacters, what is not UTF-8	〓, counted as replaced
 *	everything else that is forbidden		left out, counted as removed
 *	'@' in a name; '|', '/', '\' in a file name	their full-width forms
 */
struct letter_cleaner {
	enum letter_text kind;
	uint32_t replaced, removed;
	char held[4];		/* a character that is not complete */
	size_t held_bytes;
	bool after_cr;
};

/* A cleaner at the beginning of a text. */
struct letter_cleaner letter_cleaner_make(enum letter_text kind);

/* Cleans a piece of the text and appends what is left of it to out. */
void letter_clean(struct letter_cleaner *cleaner, struct span piece, struct buf *out);

/* The text is at its end: a character that is not complete becomes 〓. */
void letter_clean_finish(struct letter_cleaner *cleaner, struct buf *out);

/* As many whole characters from the beginning of a valid text as fit both limits; never half a CR LF. */
struct span letter_text_cut(struct span text, size_t bytes_max, size_t codepoints_max);

/* Adds to a counter, which stays at UINT32_MAX when it is full. */
void letter_count(struct letter *letter, enum letter_counter counter, uint64_t more);

/*
 * Makes the letter fit the limits of the whole: recipients are dropped from the end of Cc and then of To, references from the
 * second on, then text from the end, then rows from the end; each is counted where a counter exists. Single values are not touched.
 */
void letter_fit(struct letter *letter);

/*
 * Appends the letter as a frame. -EBADMSG: letter_check() would refuse it, *ret_refused (NULL is allowed) says where, and
 * nothing is appended; -EMSGSIZE: out is limited and has no room.
 */
int letter_seal(struct buf *out, const struct letter *letter, enum letter_field *ret_refused);

/* ---- letter_compose.c: the message that goes to the inner server. ---- */

/* What front and keeper know about a message. Nothing of it passed through the washer. */
struct letter_envelope {
	struct span original_id;	/* letter_original_id_valid(); nobody outside can guess it, so no text imitates ours */
	uint64_t original_bytes;
	int64_t received_seconds;	/* Unix time, LETTER_SECONDS_MIN to _MAX */
	struct netaddr client;		/* who brought it */
	struct span client_domain;	/* the domain it gave in EHLO, letter_domain_valid(); empty: none */
	bool client_tls;
	struct span sender;		/* reverse-path without brackets, LETTER_TEXT_LINE, at most 320 bytes; empty: <> */
	uint32_t recipients;		/* how many; who they are stays in the envelope, or a hidden one would be told */
};

/* What the settings say. */
struct letter_office {
	struct span relay_domain;	/* our own name, letter_domain_valid() */
	struct span notice_address;	/* From of stub notices, letter_address_valid() */
	struct span authserv_id;	/* letter_domain_valid(); empty: no Authentication-Results */
	struct span subject_prefix;	/* LETTER_TEXT_LINE, at most LETTER_PREFIX_BYTES_MAX; empty: none */
	struct span footer;		/* LETTER_TEXT_BODY, at most LETTER_FOOTER_BYTES_MAX: how to get what was removed; may be empty */
	int zone_minutes;		/* for our own dates */
	enum language language;		/* of our own sentences in the text */
};

/*
 * How many rows of the receipt tell of something the reader does not have: not counted are other forms of the text that is
 * shown. Parts without a row are counted.
 */
uint64_t letter_missing(const struct letter *letter);

/*
 * Appends the message that a checked letter stands for: complete, CR LF, without the dot of SMTP. The footer stands
 * below the receipt when letter_missing() is not 0. The same input gives the same bytes. -EINVAL: envelope or office are not as stated above; -EMSGSIZE: out is limited and has no room (a limit of
 * LETTER_MESSAGE_BYTES_MAX has room for every letter). Then nothing is appended.
 */
int letter_compose(struct buf *out, const struct letter *letter, const struct letter_envelope *envelope,
		   const struct letter_office *office);

/* Why a stub notice is delivered instead of the mail. */
enum letter_stub {
	LETTER_STUB_LIMIT = 1,		/* headers, parts, nesting or size beyond a limit */
	LETTER_STUB_TIMEOUT,		/* took too long */
	LETTER_STUB_DIED,		/* the washer ended twice without a result */
	LETTER_STUB_REFUSED,		/* the courier refused the letter */
	LETTER_STUB_COUNT
};

/* Appends the notice that stands for a mail that could not be washed. Results as letter_compose(). */
int letter_compose_stub(struct buf *out, enum letter_stub reason, const struct letter_envelope *envelope,
			const struct letter_office *office);

/* ---- letter_words.c: what the message says in our own words; rows are found by number, language by enum language. ---- */

/* A reason, a note or a stub reason. A sentence is one line of LETTER_TEXT_LINE, none is the beginning of another. */
struct letter_sentence {
	const char *id;		/* stable, for the log */
	bool counted, detailed;	/* notes: what the note has */
	const char *text[2];	/* by enum language */
};

extern const struct letter_sentence letter_reasons[LETTER_REASON_COUNT];
extern const struct letter_sentence letter_notes[LETTER_NOTE_COUNT];
extern const struct letter_sentence letter_stubs[LETTER_STUB_COUNT];

/* Names of the counters in X-Sekisho, of the verdicts and of the methods. Lower case, hyphens. */
extern const char *const letter_counter_names[LETTER_COUNTERS];
extern const char *const letter_verdict_names[LETTER_VERDICTS];	/* [LETTER_VERDICT_UNKNOWN] is NULL */
extern const char *const letter_method_names[LETTER_METHODS];

/* The words around the values. Each is followed or preceded by its value, as its name says. */
struct letter_words {
	const char *notice_id, *notice_received, *notice_bytes, *notice_end; /* the first line of every message */
	const char *text_none;		/* a line instead of a text that is empty */
	const char *text_omitted_bytes, *text_omitted_end;	/* the line below a text that was cut */
	const char *receipt_id;		/* begins the line of the receipt */
	const char *receipt_count, *receipt_count_end, *receipt_nothing; /* goes on in that line */
	const char *receipt_forms, *receipt_forms_end;	/* goes on in it, when there are other forms of the text */
	const char *row_bytes_end;	/* behind a size */
	const char *row_reason;
	const char *rows_omitted, *rows_omitted_bytes, *rows_omitted_end;
	const char *addresses_omitted, *addresses_omitted_end;
	const char *replaced, *replaced_end;
	const char *notes;		/* a line */
	const char *stub_subject, *stub_name, *stub_sender, *stub_sender_none, *stub_recipients, *stub_recipients_end;
	const char *stub_action;	/* a line */
};

extern const struct letter_words letter_words[2];

#endif
