/* wash_headers: the fields of a mail's header as values of the letter. */
#include <string.h>

#include "mail/header_address.h"
#include "mail/header_octets.h"
#include "mail/header_values.h"
#include "mail/wash_work.h"

enum {
	HEADING_BYTES_MAX = 400,	/* of a field of an enclosed message */
	SUBJECT_BYTES_MAX = 4 * LETTER_SUBJECT_CODEPOINTS_MAX,
	FIELD_TEXT_BYTES_MAX = 16384,	/* of a field's text, before it is cut to what is shown */
};

/* What stands for a sender whose address cannot be shown: a domain that never exists (RFC 2606). */
static const char unknown_sender[] = "unknown@invalid";

/* Text of the field, before it is cleaned. The caller frees it. */
static struct buf field_text(struct wash *wash, struct span value)
{
	struct header_facts facts = { .words = 0 };
	struct buf text = buf_limited(FIELD_TEXT_BYTES_MAX);

	header_unstructured_put(value, &text, &facts);
	letter_count(wash->letter, LETTER_COUNT_REPLACED, facts.replaced);
	letter_count(wash->letter, LETTER_COUNT_REMOVED, facts.removed);
	return text;
}

/* Text that stands in a header: its addresses are not made harmless, for there no program looks for them. */
static struct span cleaned(struct wash *wash, struct span text, enum letter_text kind, size_t bytes_max, size_t codepoints_max)
{
	struct letter_cleaner cleaner = letter_cleaner_make(kind);
	struct buf out = buf_limited(0);
	struct span result;

	letter_clean(&cleaner, text, &out);
	letter_clean_finish(&cleaner, &out);
	result = wash_copy(wash, letter_text_cut(buf_span(&out), bytes_max, codepoints_max));
	buf_free(&out);
	return result;
}

/* ---- addresses ---- */

/* A local part in quotes that needs none, or only because of its dots ("a..b."@docomo.ne.jp), without them. */
static struct span address_unquote(struct wash *wash, struct span address)
{
	const char *end = address.length > 2 && address.data[0] == '"' ? memrchr(address.data, '"', address.length) : NULL;
	struct span local, domain;

	if (!end || end == address.data)
		return address;
	local = span_part(address, 1, (size_t)(end - address.data));
	domain = span_part(address, (size_t)(end - address.data) + 1, address.length);
	return span_of(arena_printf(wash->arena, "%.*s%.*s", (int)local.length, local.data, (int)domain.length, domain.data));
}

/* An address that may stand in a letter. False: it may not. */
static bool address_take(struct wash *wash, const struct header_address *from, struct letter_address *ret_address)
{
	struct span address = address_unquote(wash, from->address);

	if (from->odd || !letter_address_valid(address))
		return false;
	ret_address->address = wash_copy(wash, address);
	ret_address->name = cleaned(wash, from->name, LETTER_TEXT_NAME, LETTER_NAME_BYTES_MAX, SIZE_MAX);
	return true;
}

/* What to call an address that cannot be shown. */
static struct span odd_text(const struct header_address *address)
{
	return address->address.length > 0 ? address->address : address->name;
}

/* Who a sender without an address that can be shown says he is. */
static struct span claimed_name(const struct header_address *address)
{
	return address->name.length > 0 ? address->name : address->address;
}

static void list_facts(struct wash *wash, const struct header_addresses *list)
{
	letter_count(wash->letter, LETTER_COUNT_REPLACED, list->facts.replaced);
	letter_count(wash->letter, LETTER_COUNT_REMOVED, list->facts.removed);
}

static void recipients_take(struct wash *wash, struct span value, struct letter_address *items, size_t max, size_t *count)
{
	__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();
	struct header_addresses list;

	header_addresses_read(value, scratch, &list);
	list_facts(wash, &list);
	letter_count(wash->letter, LETTER_COUNT_ADDRESSES_OMITTED, list.omitted);
	for (size_t i = 0; i < list.count; i++) {
		if (list.items[i].name_imitates)
			wash_note(wash, LETTER_NOTE_NAME_IMITATES, 1, span_of(""));
		if (*count == max)
			letter_count(wash->letter, LETTER_COUNT_ADDRESSES_OMITTED, 1);
		else if (address_take(wash, &list.items[i], &items[*count]))
			++*count;
		else
			wash_note(wash, LETTER_NOTE_ADDRESS_ODD, 1, odd_text(&list.items[i]));
	}
}

static void to_take(struct wash *wash, struct span value)
{
	recipients_take(wash, value, wash->letter->to, LETTER_TO_MAX, &wash->letter->to_count);
}

static void cc_take(struct wash *wash, struct span value)
{
	recipients_take(wash, value, wash->letter->cc, LETTER_CC_MAX, &wash->letter->cc_count);
}

static void reply_to_take(struct wash *wash, struct span value)
{
	recipients_take(wash, value, wash->letter->reply_to, LETTER_REPLY_TO_MAX, &wash->letter->reply_to_count);
}

/* True when the domain of the address is the town's, or lies below it. */
static bool is_own(const struct wash_settings *settings, struct span address)
{
	const char *at = memrchr(address.data, '@', address.length);
	struct span domain = span_part(address, at ? (size_t)(at - address.data) + 1 : 0, address.length);

	for (size_t i = 0; i < settings->own_domain_count; i++) {
		struct span own = settings->own_domains[i];
		size_t before = domain.length - own.length;

		if (domain.length < own.length || (before > 0 && domain.data[before - 1] != '.'))
			continue;
		if (header_words_alike(span_part(domain, before, domain.length), own))
			return true;
	}
	return false;
}

static void from_take(struct wash *wash, struct span value)
{
	__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();
	struct letter *letter = wash->letter;
	struct header_addresses list;

	header_addresses_read(value, scratch, &list);
	list_facts(wash, &list);
	for (size_t i = 0; i < list.count; i++) {
		if (list.items[i].name_imitates)
			wash_note(wash, LETTER_NOTE_NAME_IMITATES, 1, span_of(""));
		if (letter->from.address.length > 0 || !address_take(wash, &list.items[i], &letter->from))
			wash_note(wash, letter->from.address.length > 0 ? LETTER_NOTE_FROM_SEVERAL : LETTER_NOTE_ADDRESS_ODD, 1,
				  odd_text(&list.items[i]));
	}
	if (letter->from.address.length > 0 && is_own(wash->settings, letter->from.address))
		wash_note(wash, LETTER_NOTE_FROM_OWN_DOMAIN, 0, span_of(""));
	if (letter->from.address.length == 0 && list.count > 0)
		letter->from.name = cleaned(wash, claimed_name(&list.items[0]), LETTER_TEXT_NAME, LETTER_NAME_BYTES_MAX, SIZE_MAX);
}

/* ---- the other fields ---- */

static void date_take(struct wash *wash, struct span value)
{
	struct letter *letter = wash->letter;
	struct header_date date;

	if (header_date_parse(value, &date)) {
		struct buf text = field_text(wash, value);

		wash_note(wash, LETTER_NOTE_DATE_ODD, 0, buf_span(&text));
		buf_free(&text);
		return;
	}
	letter->dated = true;
	letter->date_seconds = date.seconds;
	letter->date_zone_minutes = date.zone_minutes;
}

static void subject_take(struct wash *wash, struct span value)
{
	struct buf text = field_text(wash, value);

	wash->letter->subject = cleaned(wash, buf_span(&text), LETTER_TEXT_LINE, SUBJECT_BYTES_MAX, LETTER_SUBJECT_CODEPOINTS_MAX);
	buf_free(&text);
}

static void received_take(struct wash *wash, struct span value)
{
	(void)value;
	if (wash->letter->hops < LETTER_HOPS_MAX)
		wash->letter->hops++;
}

/* Hops of an earlier passage through a relay like this one: "hops=N" among the words of X-Sekisho. */
static void earlier_take(struct wash *wash, struct span value)
{
	static const char name[] = "hops=";
	const char *found = value.length > 0 ? memmem(value.data, value.length, name, sizeof(name) - 1) : NULL;
	size_t at = found ? (size_t)(found - value.data) + sizeof(name) - 1 : value.length, hops = wash->letter->hops, more = 0;

	for (; at < value.length && value.data[at] >= '0' && value.data[at] <= '9' && more <= LETTER_HOPS_MAX; at++)
		more = more * 10 + (size_t)(value.data[at] - '0');
	hops += more;
	wash->letter->hops = (uint8_t)(hops < LETTER_HOPS_MAX ? hops : LETTER_HOPS_MAX);
}

/* The first word of a field, in front of white space, ';' and comments. */
static struct span first_word(struct span value)
{
	size_t length = 0;

	while (length < value.length && !header_is_space(value.data[length]) && value.data[length] != ';' && value.data[length] != '(')
		length++;
	return span_part(value, 0, length);
}

/* RFC 3834: everything but "no" was sent by a program. */
static void auto_submitted_take(struct wash *wash, struct span value)
{
	struct span word = first_word(value);

	if (header_word_is(word, "auto-replied"))
		wash->letter->auto_submitted = LETTER_AUTO_REPLIED;
	else if (word.length > 0 && !header_word_is(word, "no"))
		wash->letter->auto_submitted = LETTER_AUTO_GENERATED;
}

static void precedence_take(struct wash *wash, struct span value)
{
	struct span word = first_word(value);

	if (header_word_is(word, "bulk") || header_word_is(word, "list") || header_word_is(word, "junk"))
		wash->letter->bulk = true;
}

static void list_take(struct wash *wash, struct span value)
{
	(void)value;
	wash->letter->bulk = true;
}

/* ---- which field is whose ---- */

static const struct {
	const char *name, *shown;	/* lower case; as a note calls it */
	void (*take)(struct wash *wash, struct span value);
	bool repeats;			/* every one counts, not only the first */
} fields[] = {
	{ "from", "From", from_take, false },
	{ "to", "To", to_take, false },
	{ "cc", "Cc", cc_take, false },
	{ "reply-to", "Reply-To", reply_to_take, false },
	{ "subject", "Subject", subject_take, false },
	{ "date", "Date", date_take, false },
	{ "message-id", "Message-ID", wash_message_id_take, false },
	{ "in-reply-to", "In-Reply-To", wash_in_reply_to_take, false },
	{ "references", "References", wash_references_take, false },
	{ "auto-submitted", "Auto-Submitted", auto_submitted_take, false },
	{ "precedence", "Precedence", precedence_take, true },
	{ "received", "Received", received_take, true },
	{ "x-sekisho", "X-Sekisho", earlier_take, true },
	{ "authentication-results", "Authentication-Results", wash_results_take, true },
	{ "x-spam-flag", "X-Spam-Flag", wash_spam_take, true },
	{ "x-spam-status", "X-Spam-Status", wash_spam_take, true },
	{ "list-id", "List-Id", list_take, true },
	{ "list-unsubscribe", "List-Unsubscribe", list_take, true },
	{ "list-post", "List-Post", list_take, true },
	{ "list-help", "List-Help", list_take, true },
	{ "list-archive", "List-Archive", list_take, true },
};

void wash_field(struct wash *wash, const struct mime_field *field)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!header_word_is(field->name, fields[i].name))
			continue;
		if (!fields[i].repeats && wash->fields_seen >> i & 1)
			wash_note(wash, LETTER_NOTE_HEADER_TWICE, 1, span_of(fields[i].shown));
		else
			fields[i].take(wash, field->value);
		wash->fields_seen |= UINT32_C(1) << i;
		return;
	}
}

void wash_headers_finish(struct wash *wash)
{
	struct letter_address *from = &wash->letter->from;

	if (from->address.length > 0)
		return;
	from->address = span_of(unknown_sender);
	wash_note(wash, LETTER_NOTE_FROM_MISSING, 0, span_of(""));
}

/* ---- enclosed messages ---- */

void wash_heading_field(struct wash *wash, const struct mime_field *field)
{
	struct wash_heading *heading = &wash->heading;
	const struct { const char *name; struct span *line; } lines[] = {
		{ "from", &heading->from }, { "to", &heading->to }, { "subject", &heading->subject }, { "date", &heading->date },
	};
	struct buf text;

	if (wash->messages > WASH_QUOTE_DEPTH_MAX)
		return;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (lines[i].line->length > 0 || !header_word_is(field->name, lines[i].name))
			continue;
		text = field_text(wash, field->value);
		*lines[i].line = cleaned(wash, buf_span(&text), LETTER_TEXT_LINE, HEADING_BYTES_MAX, SIZE_MAX);
		buf_free(&text);
	}
}

static void heading_line(struct buf *out, const char *word, struct span value)
{
	if (value.length == 0)
		return;
	buf_puts(out, word);
	buf_put(out, value.data, value.length);
	buf_putc(out, '\n');
}

void wash_heading_put(struct wash *wash)
{
	const struct wash_words *words = &wash_words[wash->settings->language];
	struct buf lines = buf_limited(0);

	if (wash->messages <= WASH_QUOTE_DEPTH_MAX) {
		heading_line(&lines, words->from, wash->heading.from);
		heading_line(&lines, words->to, wash->heading.to);
		heading_line(&lines, words->subject, wash->heading.subject);
		heading_line(&lines, words->date, wash->heading.date);
		wash_words_put(wash, buf_span(&lines), span_of(words->message));
	}
	buf_free(&lines);
	wash->heading = (struct wash_heading){ .from = { .data = NULL, .length = 0 } };
}
