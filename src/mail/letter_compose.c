/*
 * letter_compose: the message that is made of a letter. To be read, with letter_grammar.c, letter_check.c and letter_lines.c,
 * when the airlock is audited.
 *
 * Structure comes from here: which headers there are and in which order, and what stands around text in the body.
 * Text of strangers is written only inside of base64, or where a grammar without structure of its own was checked before
 * (addresses, domains, message ids, short plain subjects and names).
 */
#include "mail/letter.h"

#include <errno.h>
#include <string.h>

#include "mail/letter_lines.h"

enum { SENDER_BYTES_MAX = 320 };	/* of the envelope: local part, '@' and domain, with room for quotes */

/* What a message is made with, besides the letter. */
struct composition {
	struct buf *out;
	const struct letter_envelope *envelope;
	const struct letter_office *office;
	const struct letter_words *words;
};

/* ---- the headers, in their order ---- */

/* A header of one line that is ours. */
static void header_fixed(struct buf *out, const char *line)
{
	buf_puts(out, line);
	buf_puts(out, "\r\n");
}

static void addresses_put(struct buf *out, const char *name, const struct letter_address *addresses, size_t count)
{
	struct header header;

	if (count == 0)
		return;
	header = header_begin(out, name);
	for (size_t i = 0; i < count; i++)
		header_address(&header, &addresses[i], i + 1 < count ? "," : "");
	header_end(&header);
}

static void ids_put(struct buf *out, const char *name, const struct span *ids, size_t count)
{
	struct header header;

	if (count == 0)
		return;
	header = header_begin(out, name);
	for (size_t i = 0; i < count; i++)
		header_printf(&header, "<%.*s>", (int)ids[i].length, ids[i].data);
	header_end(&header);
}

static void received_put(const struct composition *with)
{
	const struct letter_envelope *envelope = with->envelope;
	struct header header = header_begin(with->out, "Received");
	char client[NETADDR_TEXT_BYTES];

	netaddr_format(&envelope->client, client);
	header_printf(&header, "from");
	header_token(&header, envelope->client_domain.length ? envelope->client_domain : span_of("unknown"));
	header_printf(&header, "([%s%s])", envelope->client.family == 6 ? "IPv6:" : "", client);
	header_printf(&header, "by");
	header_token(&header, with->office->relay_domain);
	header_printf(&header, "with %s", envelope->client_tls ? "ESMTPS" : "ESMTP");
	header_printf(&header, "id %.*s;", (int)envelope->original_id.length, envelope->original_id.data);
	header_date(&header, envelope->received_seconds, with->office->zone_minutes);
	header_end(&header);
}

static void date_put(const struct composition *with, const struct letter *letter)
{
	struct header header = header_begin(with->out, "Date");

	if (letter->dated)
		header_date(&header, letter->date_seconds, letter->date_zone_minutes);
	else
		header_date(&header, with->envelope->received_seconds, with->office->zone_minutes);
	header_end(&header);
}

static void subject_put(const struct composition *with, struct span subject)
{
	/* A character of UTF-8 has at most four bytes. */
	char text[LETTER_PREFIX_BYTES_MAX + 1 + 4 * LETTER_SUBJECT_CODEPOINTS_MAX];
	size_t length = with->office->subject_prefix.length;
	struct header header;

	if (length + subject.length == 0)
		return;
	if (length > 0)
		memcpy(text, with->office->subject_prefix.data, length);
	if (length > 0 && subject.length > 0)
		text[length++] = ' ';
	if (subject.length > 0)
		memcpy(text + length, subject.data, subject.length);
	header = header_begin(with->out, "Subject");
	header_text(&header, (struct span){ .data = text, .length = length + subject.length });
	header_end(&header);
}

static void message_id_put(const struct composition *with, struct span id)
{
	struct header header = header_begin(with->out, "Message-ID");

	if (id.length > 0)
		header_printf(&header, "<%.*s>", (int)id.length, id.data);
	else
		header_printf(&header, "<%.*s@%.*s>", (int)with->envelope->original_id.length, with->envelope->original_id.data,
			      (int)with->office->relay_domain.length, with->office->relay_domain.data);
	header_end(&header);
}

static void kinds_put(struct buf *out, enum letter_auto_submitted auto_submitted, bool bulk)
{
	if (auto_submitted == LETTER_AUTO_GENERATED)
		header_fixed(out, "Auto-Submitted: auto-generated");
	if (auto_submitted == LETTER_AUTO_REPLIED)
		header_fixed(out, "Auto-Submitted: auto-replied");
	if (bulk)
		header_fixed(out, "Precedence: bulk");
	header_fixed(out, "MIME-Version: 1.0");
	header_fixed(out, "Content-Type: text/plain; charset=UTF-8");
	header_fixed(out, "Content-Transfer-Encoding: base64");
}

static struct header tracking_begin(const struct composition *with)
{
	struct header header = header_begin(with->out, "X-Sekisho");

	header_printf(&header, "1;");
	header_printf(&header, "id=%.*s;", (int)with->envelope->original_id.length, with->envelope->original_id.data);
	return header;
}

static void tracking_put(const struct composition *with, const struct letter *letter)
{
	struct header header = tracking_begin(with);

	for (size_t i = 0; i < LETTER_COUNTERS; i++)
		header_printf(&header, "%s=%u;", letter_counter_names[i], letter->counters[i]);
	header_printf(&header, "hops=%u", letter->hops);
	header_end(&header);
}

static void verdicts_put(const struct composition *with, const struct letter *letter)
{
	struct header header;
	size_t known = 0, written = 0;

	for (size_t i = 0; i < LETTER_METHODS; i++)
		known += letter->verdicts[i] != LETTER_VERDICT_UNKNOWN;
	if (known == 0 || with->office->authserv_id.length == 0)
		return;
	header = header_begin(with->out, "Authentication-Results");
	header_printf(&header, "%.*s;", (int)with->office->authserv_id.length, with->office->authserv_id.data);
	for (size_t i = 0; i < LETTER_METHODS; i++)
		if (letter->verdicts[i] != LETTER_VERDICT_UNKNOWN)
			header_printf(&header, "%s=%s%s", letter_method_names[i], letter_verdict_names[letter->verdicts[i]],
				      ++written < known ? ";" : "");
	header_end(&header);
}

static void headers_put(const struct composition *with, const struct letter *letter)
{
	received_put(with);
	date_put(with, letter);
	addresses_put(with->out, "From", &letter->from, 1);
	addresses_put(with->out, "Reply-To", letter->reply_to, letter->reply_to_count);
	addresses_put(with->out, "To", letter->to, letter->to_count);
	addresses_put(with->out, "Cc", letter->cc, letter->cc_count);
	subject_put(with, letter->subject);
	message_id_put(with, letter->message_id);
	ids_put(with->out, "In-Reply-To", letter->in_reply_to, letter->in_reply_to_count);
	ids_put(with->out, "References", letter->references, letter->references_count);
	kinds_put(with->out, letter->auto_submitted, letter->bulk);
	tracking_put(with, letter);
	verdicts_put(with, letter);
	header_fixed(with->out, "");
}

/* ---- the body ---- */

/* The first line of each message. Its number is not known to the sender, so no text of his can imitate ours. */
static void notice_put(struct body *body, const struct composition *with)
{
	body_puts(body, with->words->notice_id);
	body_put(body, with->envelope->original_id);
	body_puts(body, with->words->notice_received);
	body_date(body, with->envelope->received_seconds, with->office->zone_minutes);
	body_puts(body, with->words->notice_bytes);
	body_number(body, with->envelope->original_bytes);
	body_puts(body, with->words->notice_end);
	body_puts(body, "\r\n\r\n");
}

static void text_put(struct body *body, const struct composition *with, const struct letter *letter)
{
	uint32_t omitted = letter->counters[LETTER_COUNT_TEXT_OMITTED_BYTES];

	if (letter->text.length > 0)
		body_put(body, letter->text);
	else
		body_puts(body, with->words->text_none);
	body_puts(body, "\r\n");
	if (omitted > 0)
		body_count_line(body, with->words->text_omitted_bytes, omitted, with->words->text_omitted_end);
	body_puts(body, "\r\n");
}

/* A value of a row, and what separates it from the next. */
static void cell_put(struct body *body, struct span value, const char *behind)
{
	body_put(body, value.length > 0 ? value : span_of("-"));
	body_puts(body, behind);
}

/* A type. Its dots are written like those of addresses, or mail programs would make a link of x/host.example. */
static void type_put(struct body *body, struct span type, const char *behind)
{
	if (type.length == 0)
		body_puts(body, "-");
	for (size_t i = 0; i < type.length; i++)
		body_put(body, type.data[i] == '.' ? span_of("[.]") : span_part(type, i, i + 1));
	body_puts(body, behind);
}

/* "1. name | extension | declared / sniffed | bytes | SHA-256", then the reason in a line of its own. */
static void row_put(struct body *body, const struct composition *with, const struct letter_row *row, size_t number)
{
	char hex[DIGEST_TEXT_BYTES];

	body_number(body, number);
	body_puts(body, ". ");
	cell_put(body, row->name, " | ");
	cell_put(body, row->extension, " | ");
	type_put(body, row->declared_type, " / ");
	type_put(body, row->sniffed_type, " | ");
	body_number(body, row->size_bytes);
	body_puts(body, with->words->row_bytes_end);
	body_puts(body, " | ");
	body_line(body, digest_hex(row->sha256, DIGEST_BYTES, hex));
	body_puts(body, with->words->row_reason);
	body_line(body, letter_reasons[row->reason].text[with->office->language]);
}

/* A number between words. */
static void count_put(struct body *body, const char *before, uint64_t number, const char *behind)
{
	body_puts(body, before);
	body_number(body, number);
	body_puts(body, behind);
}

uint64_t letter_missing(const struct letter *letter)
{
	uint64_t missing = letter->counters[LETTER_COUNT_ROWS_OMITTED];

	for (size_t i = 0; i < letter->row_count; i++)
		missing += letter->rows[i].reason != LETTER_REASON_ALTERNATIVE;
	return missing;
}

/* The line that answers the question staff asks: was there an attachment? */
static void receipt_heading_put(struct body *body, const struct composition *with, const struct letter *letter)
{
	const struct letter_words *words = with->words;
	uint64_t missing = letter_missing(letter);
	uint64_t forms = letter->row_count + letter->counters[LETTER_COUNT_ROWS_OMITTED] - missing;

	body_puts(body, words->receipt_id);
	body_put(body, with->envelope->original_id);
	if (missing > 0)
		count_put(body, words->receipt_count, missing, words->receipt_count_end);
	else
		body_puts(body, words->receipt_nothing);
	if (forms > 0)
		count_put(body, words->receipt_forms, forms, words->receipt_forms_end);
	body_puts(body, "\r\n");
}

static void receipt_put(struct body *body, const struct composition *with, const struct letter *letter)
{
	const struct letter_words *words = with->words;
	uint64_t omitted = letter->counters[LETTER_COUNT_ROWS_OMITTED];

	receipt_heading_put(body, with, letter);
	for (size_t i = 0; i < letter->row_count; i++)
		row_put(body, with, &letter->rows[i], i + 1);
	if (omitted == 0)
		return;
	count_put(body, words->rows_omitted, omitted, words->rows_omitted_bytes);
	body_count_line(body, "", letter->counters[LETTER_COUNT_ROWS_OMITTED_BYTES], words->rows_omitted_end);
}

/* What the town says about attachments, where there was one. */
static void footer_put(struct body *body, const struct composition *with, const struct letter *letter)
{
	if (with->office->footer.length == 0 || letter_missing(letter) == 0)
		return;
	body_puts(body, "\r\n");
	body_put(body, with->office->footer);
	body_puts(body, "\r\n");
}

/* "- sentence (count): detail" */
static void note_put(struct body *body, const struct composition *with, const struct letter_note *note)
{
	body_puts(body, "- ");
	body_puts(body, letter_notes[note->code].text[with->office->language]);
	if (note->count > 0) {
		body_puts(body, " (");
		body_number(body, note->count);
		body_puts(body, ")");
	}
	if (note->detail.length > 0) {
		body_puts(body, ": ");
		body_put(body, note->detail);
	}
	body_puts(body, "\r\n");
}

static void notes_put(struct body *body, const struct composition *with, const struct letter *letter)
{
	const struct letter_words *words = with->words;
	uint32_t addresses = letter->counters[LETTER_COUNT_ADDRESSES_OMITTED], replaced = letter->counters[LETTER_COUNT_REPLACED];

	if (letter->note_count == 0 && addresses == 0 && replaced == 0)
		return;
	body_puts(body, "\r\n");
	body_line(body, words->notes);
	for (size_t i = 0; i < letter->note_count; i++)
		note_put(body, with, &letter->notes[i]);
	if (addresses > 0)
		body_count_line(body, words->addresses_omitted, addresses, words->addresses_omitted_end);
	if (replaced > 0)
		body_count_line(body, words->replaced, replaced, words->replaced_end);
}

/* ---- the whole ---- */

static bool envelope_valid(const struct letter_envelope *envelope)
{
	return letter_original_id_valid(envelope->original_id) && envelope->received_seconds >= LETTER_SECONDS_MIN &&
	       envelope->received_seconds <= LETTER_SECONDS_MAX &&
	       (envelope->client.family == 4 || envelope->client.family == 6) &&
	       (envelope->client_domain.length == 0 || letter_domain_valid(envelope->client_domain)) &&
	       envelope->sender.length <= SENDER_BYTES_MAX && letter_text_valid(envelope->sender, LETTER_TEXT_LINE);
}

static bool office_valid(const struct letter_office *office)
{
	return letter_domain_valid(office->relay_domain) && letter_address_valid(office->notice_address) &&
	       (office->authserv_id.length == 0 || letter_domain_valid(office->authserv_id)) &&
	       office->subject_prefix.length <= LETTER_PREFIX_BYTES_MAX &&
	       letter_text_valid(office->subject_prefix, LETTER_TEXT_LINE) &&
	       office->footer.length <= LETTER_FOOTER_BYTES_MAX && letter_text_valid(office->footer, LETTER_TEXT_BODY) &&
	       office->zone_minutes >= LETTER_ZONE_MINUTES_MIN && office->zone_minutes <= LETTER_ZONE_MINUTES_MAX &&
	       (office->language == LANGUAGE_EN || office->language == LANGUAGE_JA);
}

/* A message that did not fit into out is taken back whole: half a message is a message too. */
static int message_finish(struct buf *out, size_t begin)
{
	if (!out->overflow)
		return 0;
	out->length = begin;
	return -EMSGSIZE;
}

int letter_compose(struct buf *out, const struct letter *letter, const struct letter_envelope *envelope,
		   const struct letter_office *office)
{
	struct composition with = { .out = out, .envelope = envelope, .office = office };
	struct body body = { .out = out };
	size_t begin = out->length;

	if (!envelope_valid(envelope) || !office_valid(office))
		return -EINVAL;
	if (out->overflow)
		return -EMSGSIZE;
	with.words = &letter_words[office->language];
	headers_put(&with, letter);
	notice_put(&body, &with);
	text_put(&body, &with, letter);
	receipt_put(&body, &with, letter);
	footer_put(&body, &with, letter);
	notes_put(&body, &with, letter);
	body_end(&body);
	return message_finish(out, begin);
}

/* The headers of a notice: those of a letter that says what a notice says, and why instead of counters. */
static void stub_headers_put(const struct composition *with, enum letter_stub reason)
{
	struct letter_address from = { .name = span_of(with->words->stub_name), .address = with->office->notice_address };
	struct header header;

	received_put(with);
	header = header_begin(with->out, "Date");
	header_date(&header, with->envelope->received_seconds, with->office->zone_minutes);
	header_end(&header);
	addresses_put(with->out, "From", &from, 1);
	subject_put(with, span_of(with->words->stub_subject));
	message_id_put(with, (struct span){ .data = NULL, .length = 0 });
	kinds_put(with->out, LETTER_AUTO_GENERATED, false);
	header = tracking_begin(with);
	header_printf(&header, "stub=%s", letter_stubs[reason].id);
	header_end(&header);
	header_fixed(with->out, "");
}

static void stub_body_put(struct body *body, const struct composition *with, enum letter_stub reason)
{
	const struct letter_words *words = with->words;

	notice_put(body, with);
	body_line(body, letter_stubs[reason].text[with->office->language]);
	body_puts(body, words->stub_sender);
	if (with->envelope->sender.length > 0)
		body_put(body, with->envelope->sender);
	else
		body_line(body, words->stub_sender_none);
	body_count_line(body, words->stub_recipients, with->envelope->recipients, words->stub_recipients_end);
	body_line(body, words->stub_action);
}

int letter_compose_stub(struct buf *out, enum letter_stub reason, const struct letter_envelope *envelope,
			const struct letter_office *office)
{
	struct composition with = { .out = out, .envelope = envelope, .office = office };
	struct body body = { .out = out };
	size_t begin = out->length;

	if (reason <= 0 || reason >= LETTER_STUB_COUNT || !envelope_valid(envelope) || !office_valid(office))
		return -EINVAL;
	if (out->overflow)
		return -EMSGSIZE;
	with.words = &letter_words[office->language];
	stub_headers_put(&with, reason);
	stub_body_put(&body, &with, reason);
	body_end(&body);
	return message_finish(out, begin);
}
