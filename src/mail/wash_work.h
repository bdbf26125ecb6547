/*
 * wash_work: the inside of the wash, shared by the files wash*.c and by nobody else.
 *
 *	wash.c			the parts of the mail, as the MIME parser names them
 *	wash_reason.c		what becomes of a leaf: text, or a row and why
 *	wash_name.c		names of files
 *	wash_text.c		one text: character set, plain or HTML, into the store
 *	wash_choice.c		which form of the text is shown
 *	wash_headers.c		header fields to values
 *	wash_ids.c		message ids
 *	wash_verdicts.c		what a trusted upstream server says
 *	wash_result.c		the letter's text, rows and notes
 *	wash_words.c		our own words between the texts
 */
#ifndef MAIL_WASH_WORK_H
#define MAIL_WASH_WORK_H

#include "mail/header_words.h"
#include "mail/html_text.h"
#include "mail/plain_text.h"
#include "mail/wash.h"
#include "mail/wash_calendar.h"
#include "mail/wash_files.h"
#include "mail/wash_report.h"
#include "mail/wash_sniff.h"

enum { WASH_NO_PART = -1 };

/* How a leaf's text comes, if it is shown. */
enum wash_form { WASH_NOT_SHOWN, WASH_PLAIN, WASH_HTML, WASH_REPORT, WASH_HEADERS, WASH_CALENDAR, WASH_CARD };

/* What happened while one text was made. */
struct wash_counts {
	uint64_t replaced, removed, links, hidden, mismatched, reordering;
};

/* A run of the store that is shown, in the order of the mail. */
struct wash_piece {
	size_t begin, end;
	enum wash_form form;	/* WASH_PLAIN, WASH_HTML: may be one form of a text among others */
	uint32_t quote;		/* how many "> " stand before its lines */
	int part;		/* number of its leaf in wash_facts, or WASH_NO_PART */
	struct span heading;	/* lines before it, LF; may be empty */
	bool cut;		/* the store had no room for all of it */
	struct wash_counts counts;
};

/* What a multipart means for its parts. */
enum wash_container { WASH_MIXED, WASH_ALTERNATIVE, WASH_RELATED, WASH_SIGNED, WASH_CIPHERED, WASH_MESSAGE };

struct wash_frame {
	enum wash_container container;
	size_t first_piece;	/* of those that lie within */
	size_t first_part;
};

/* The text that is being read. */
struct wash_text {
	enum wash_form form;	/* WASH_NOT_SHOWN: there is none */
	struct span label;	/* as declared, cleaned */
	enum charset labelled;	/* what it means */
	bool decided;		/* the character set is known, the sample was passed on */
	bool refused;		/* it is no text */
	char sample[CHARSET_SAMPLE_BYTES];
	size_t sample_bytes;
	struct charset_choice choice;
	struct charset_decoder decoder;
	struct buf decoded;	/* a piece on its way */
	struct plain_text plain;
	struct html_text *html;	/* made when first needed */
	struct wash_files files; /* WASH_PLAIN: files in the text */
	struct wash_calendar calendar;
	struct wash_report report;
	struct wash_lines lines; /* WASH_HEADERS: fields of a returned mail */
	struct buf summary;	/* of a calendar or report */
	size_t piece;		/* number of its piece */
};

/* Fields of the header of an enclosed message that is being read: one line each, empty when not there. */
struct wash_heading {
	struct span from, to, subject, date;
};

struct wash {
	struct arena *arena;
	const struct wash_settings *settings;
	struct mime_parser *parser;
	struct letter *letter;
	struct wash_facts facts;
	size_t part_capacity;
	struct buf store;	/* texts, LF */
	struct wash_piece *pieces;
	size_t piece_count, piece_capacity;
	struct wash_frame frames[MIME_DEPTH_MAX];
	size_t frame_count;
	uint32_t messages;	/* enclosed messages that are open */

	/* The leaf that is being read. */
	int part;		/* WASH_NO_PART: none */
	bool preamble;		/* it is the preamble of the multipart on top: a leaf only if no part follows */
	uint64_t part_bytes;
	bool content_id;	/* the header being read has the field */
	struct digest digest;
	struct wash_sniffer sniffer;
	struct wash_text text;

	bool results_taken;	/* a trusted Authentication-Results was there */
	uint32_t fields_seen;	/* of the mail's own header: a bit for each row of the table in wash_headers.c */
	struct wash_heading heading;
	struct mime_forms forms;	/* room to read a parameter in */
	size_t notes_of[LETTER_NOTE_COUNT]; /* how many notes of a code there are */
};

/* ---- wash.c ---- */

/* Adds a part with this path; its number, or WASH_NO_PART beyond WASH_PARTS_MAX. */
int wash_part_add(struct wash *wash, struct span path);

/* ---- wash_reason.c ---- */

/* What stands in for a part that begins. reason 0: its text is shown, as form says. */
struct wash_fate {
	enum letter_reason reason;
	enum wash_form form;
};

/* Decides by header and place alone; what the content says comes later. */
struct wash_fate wash_fate_of(const struct wash *wash, const struct mime_part *part);

/* The reason as the content lets it appear: an archive with a password, winmail.dat under another name. */
enum letter_reason wash_reason_refine(const struct wash *wash, enum letter_reason reason);

/* ---- wash_name.c ---- */

/* Names and extension of the part that begins; other names become notes. */
void wash_part_name(struct wash *wash, const struct mime_part *part, struct wash_part *ret_part);

/* The last extension of a cleaned name: lower-case ASCII letters and digits; full-width ones count as such. May be empty. */
struct span wash_extension(struct arena *arena, struct span name);

/* ---- wash_text.c ---- */

/* Begins the text of the leaf at hand: opens its piece. */
void wash_text_begin(struct wash *wash, enum wash_form form, const struct mime_part *part);

/* The next bytes of it. Without effect when no text is open. */
void wash_text_feed(struct wash *wash, struct span bytes);

/* It is complete: its piece is closed. False when it turned out to be no text; then there is no piece. */
bool wash_text_finish(struct wash *wash);

/* Appends a piece that has no leaf: lines of our own, or from a header (plain text, one piece). */
void wash_words_put(struct wash *wash, struct span text, struct span heading);

/* Opens a piece at the end of the store: what is appended there is its text. */
struct wash_piece *wash_piece_open(struct wash *wash, enum wash_form form, int part);

/* Closes the piece that was opened last. */
void wash_piece_close(struct wash *wash);

/* Takes back the pieces from this number on, and their text. */
void wash_pieces_drop(struct wash *wash, size_t first);

/* ---- wash_choice.c ---- */

/* A multipart/alternative is complete: decides between the pieces from this number on. */
void wash_choose(struct wash *wash, size_t first_piece);

/* ---- wash_headers.c ---- */

/* A field of the mail's own header. */
void wash_field(struct wash *wash, const struct mime_field *field);

/* A field of the header of an enclosed message. */
void wash_heading_field(struct wash *wash, const struct mime_field *field);

/* The header of an enclosed message is complete: its heading goes before its text. */
void wash_heading_put(struct wash *wash);

/* The header of the mail is complete. */
void wash_headers_finish(struct wash *wash);

/* ---- wash_ids.c ---- */

/* The value of a Message-ID field. */
void wash_message_id_take(struct wash *wash, struct span value);

/* The value of an In-Reply-To field. */
void wash_in_reply_to_take(struct wash *wash, struct span value);

/* The value of a References field: the first and the last ids count. */
void wash_references_take(struct wash *wash, struct span value);

/* ---- wash_verdicts.c ---- */

/* The value of an Authentication-Results field. */
void wash_results_take(struct wash *wash, struct span value);

/* The value of an X-Spam-Flag or X-Spam-Status field. */
void wash_spam_take(struct wash *wash, struct span value);

/* ---- wash_result.c ---- */

/* Makes text, rows and notes of the letter. */
void wash_result(struct wash *wash);

/*
 * Adds a note as its code demands: counted ones add up (with details: for each detail), uncounted ones stand once (for each
 * detail). Beyond a number of details the last note of the code says "…" and stands for all others. detail is UTF-8 of any kind.
 */
void wash_note(struct wash *wash, enum letter_note_code code, uint64_t count, struct span detail);

/* Text of any kind as one line that may stand in a body: filtered, without working addresses, at most bytes_max. In the arena. */
struct span wash_line(struct wash *wash, struct span text, enum letter_text kind, size_t bytes_max);

/* Text of any kind that may stand in a body, filtered in the same way; LF. In the arena. */
struct span wash_lines_of(struct wash *wash, struct span text);

/* A copy of the bytes in the arena. */
struct span wash_copy(struct wash *wash, struct span bytes);

/* ---- wash_words.c ---- */

/* Words between the texts, by language. A heading is one line without its end. */
struct wash_words {
	const char *attached_text, *attached_text_end;	/* around the name of a text that was attached */
	const char *attached_unnamed;	/* heading of one without a name */
	const char *html;		/* heading of the HTML form beside the plain one */
	const char *message;		/* heading of an enclosed message */
	const char *from, *to, *subject, *date;
	const char *undivided;		/* heading of a multipart shown as text */
	const char *report, *report_header; /* delivery report; header of a returned mail */
};

extern const struct wash_words wash_words[2];

#endif
