/* wash_reason: what becomes of a leaf, by its header, its place and its look. */
#include <string.h>

#include "mail/header_octets.h"
#include "mail/wash_work.h"

/* Types that have a fate of their own wherever they stand; the first that is the beginning of the type. */
static const struct {
	const char *type;	/* with a '/' at the end: every subtype */
	enum letter_reason reason;
	enum wash_form form;
} fates[] = {
	{ "text/plain", 0, WASH_PLAIN },
	{ "text/html", 0, WASH_HTML },
	{ "text/rfc822-headers", 0, WASH_HEADERS },
	{ "message/rfc822-headers", 0, WASH_HEADERS },
	{ "message/delivery-status", 0, WASH_REPORT },
	{ "message/disposition-notification", 0, WASH_REPORT },
	{ "message/feedback-report", 0, WASH_REPORT },
	{ "text/calendar", 0, WASH_CALENDAR },
	{ "application/ics", 0, WASH_CALENDAR },
	{ "text/vcard", 0, WASH_CARD },
	{ "text/x-vcard", 0, WASH_CARD },
	{ "text/directory", 0, WASH_CARD },
	{ "text/", LETTER_REASON_TEXT_KIND, WASH_NOT_SHOWN },
	{ "message/partial", LETTER_REASON_PARTIAL, WASH_NOT_SHOWN },
	{ "message/external-body", LETTER_REASON_EXTERNAL, WASH_NOT_SHOWN },
	{ "message/", LETTER_REASON_MESSAGE, WASH_NOT_SHOWN },
	{ "multipart/", 0, WASH_PLAIN },
	{ "application/ms-tnef", LETTER_REASON_TNEF, WASH_NOT_SHOWN },
	{ "application/vnd.ms-tnef", LETTER_REASON_TNEF, WASH_NOT_SHOWN },
	{ "application/pgp-signature", LETTER_REASON_SIGNATURE, WASH_NOT_SHOWN },
	{ "application/pkcs7-signature", LETTER_REASON_SIGNATURE, WASH_NOT_SHOWN },
	{ "application/x-pkcs7-signature", LETTER_REASON_SIGNATURE, WASH_NOT_SHOWN },
	{ "application/pgp-encrypted", LETTER_REASON_ENCRYPTED, WASH_NOT_SHOWN },
	{ "application/pkcs7-mime", LETTER_REASON_SIGNED, WASH_NOT_SHOWN },
	{ "application/x-pkcs7-mime", LETTER_REASON_SIGNED, WASH_NOT_SHOWN },
};

static bool type_matches(struct span type, const char *pattern)
{
	size_t length = strlen(pattern);

	if (pattern[length - 1] == '/')
		return type.length > length && memcmp(type.data, pattern, length) == 0;
	return span_equal(type, span_of(pattern));
}

/* Why a part that must not be interpreted is not. */
static enum letter_reason opaque_reason(const struct mime_part *part)
{
	if (part->notes & (MIME_NOTE_BIT(MIME_REPEATED_FIELD) | MIME_NOTE_BIT(MIME_HEADER_TOO_LONG)))
		return LETTER_REASON_AMBIGUOUS;
	if (part->notes & (MIME_NOTE_BIT(MIME_ENCODING_ODD) | MIME_NOTE_BIT(MIME_ENCODED_MULTIPART)))
		return LETTER_REASON_UNDECODABLE;
	return LETTER_REASON_DEPTH;
}

static enum wash_container innermost(const struct wash *wash)
{
	return wash->frame_count > 0 ? wash->frames[wash->frame_count - 1].container : WASH_MIXED;
}

/* The fate of a part of no kind that has its own. */
static enum letter_reason place_reason(const struct wash *wash, const struct mime_part *part)
{
	bool picture = part->type.length > 6 && memcmp(part->type.data, "image/", 6) == 0;

	if (innermost(wash) == WASH_CIPHERED)
		return LETTER_REASON_ENCRYPTED;
	if (part->disposition == MIME_ATTACHMENT)
		return LETTER_REASON_ATTACHMENT;
	if (innermost(wash) == WASH_RELATED || (picture && (wash->content_id || part->disposition == MIME_INLINE)))
		return LETTER_REASON_INLINE;
	return LETTER_REASON_ATTACHMENT;
}

struct wash_fate wash_fate_of(const struct wash *wash, const struct mime_part *part)
{
	struct wash_fate fate = { .reason = LETTER_REASON_ATTACHMENT, .form = WASH_NOT_SHOWN };

	if (part->kind == MIME_OPAQUE)
		return (struct wash_fate){ .reason = opaque_reason(part) };
	if (wash->messages > WASH_QUOTE_DEPTH_MAX)
		return (struct wash_fate){ .reason = LETTER_REASON_MESSAGE };
	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++)
		if (type_matches(part->type, fates[i].type)) {
			fate = (struct wash_fate){ .reason = fates[i].reason, .form = fates[i].form };
			break;
		}
	/* A web page sent as a file is a file: the reader was not meant to read it in the mail. */
	if (fate.form == WASH_HTML && part->disposition == MIME_ATTACHMENT)
		fate = (struct wash_fate){ .reason = LETTER_REASON_ATTACHMENT };
	if (fate.reason == LETTER_REASON_ATTACHMENT)
		fate.reason = place_reason(wash, part);
	return fate;
}

/* The content type of CMS (RFC 5652): what its first object identifier says. */
static enum letter_reason cms_reason(const struct wash_sniffer *sniffer, enum letter_reason otherwise)
{
	static const char pkcs7[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x07";
	const char *found = memmem(sniffer->head, sniffer->head_bytes, pkcs7, sizeof(pkcs7) - 1);
	size_t at = found ? (size_t)(found - sniffer->head) + sizeof(pkcs7) - 1 : sniffer->head_bytes;

	if (at >= sniffer->head_bytes)
		return otherwise;
	return sniffer->head[at] == 3 ? LETTER_REASON_ENCRYPTED : otherwise;
}

enum letter_reason wash_reason_refine(const struct wash *wash, enum letter_reason reason)
{
	struct wash_sniffed sniffed = wash_sniff_result(&wash->sniffer);

	if (reason == LETTER_REASON_SIGNED)
		return cms_reason(&wash->sniffer, reason);
	if (reason != LETTER_REASON_ATTACHMENT && reason != LETTER_REASON_INLINE && reason != LETTER_REASON_BINARY)
		return reason;
	if (span_equal(sniffed.type, span_of("application/vnd.ms-tnef")))
		return LETTER_REASON_TNEF;
	if (sniffed.encrypted)
		return LETTER_REASON_ENCRYPTED_ARCHIVE;
	return reason;
}
