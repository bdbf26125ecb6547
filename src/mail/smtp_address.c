/*
 * smtp_address: see the header for the rules. The grammar is regular; each function takes what it knows
 * from the front of a text.
 */
#include "mail/smtp_address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mail/punycode.h"

enum { DOMAIN_BYTES_MAX = 253 };	/* what DNS can hold, written with dots */

static bool byte_is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static char byte_lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool byte_is_alphanumeric(char byte)
{
	char lower = byte_lower(byte);

	return byte_is_digit(byte) || (lower >= 'a' && lower <= 'z');
}

/* atext of RFC 5322 section 3.2.3, and the dot wherever it stands. */
static bool byte_is_local(char byte)
{
	return byte_is_alphanumeric(byte) || (byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", byte));
}

static bool bytes_equal_caseless(struct span a, struct span b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++)
		if (byte_lower(a.data[i]) != byte_lower(b.data[i]))
			return false;
	return true;
}

static struct span span_after(struct span text, size_t count)
{
	return (struct span){ .data = text.data + count, .length = text.length - count };
}

/* Length of the label at the front of text, 0 when there is no valid one. */
static size_t label_length(struct span text)
{
	size_t length = 0;

	while (length < text.length && (byte_is_alphanumeric(text.data[length]) || text.data[length] == '-' || text.data[length] == '_'))
		length++;
	if (length == 0 || length > SMTP_LABEL_BYTES_MAX || text.data[0] == '-' || text.data[length - 1] == '-')
		return 0;
	return length;
}

static bool label_is_number(struct span label)
{
	for (size_t i = 0; i < label.length; i++)
		if (!byte_is_digit(label.data[i]))
			return false;
	return true;
}

bool smtp_domain_is_valid(struct span domain)
{
	struct span rest = domain;

	if (domain.length > DOMAIN_BYTES_MAX)
		return false;
	for (;;) {
		struct span label = { .data = rest.data, .length = label_length(rest) };

		if (label.length == 0)
			return false;
		if (label.length == rest.length)
			return !label_is_number(label);
		if (rest.data[label.length] != '.')
			return false;
		rest = span_after(rest, label.length + 1);
	}
}

/* Length of the quoted string at the front of text with both quotes, 0 when it has no end. */
static size_t quoted_length(struct span text)
{
	for (size_t i = 1; i < text.length; i++) {
		if (text.data[i] == '"')
			return i + 1;
		if (text.data[i] == '\\')
			i++;
	}
	return 0;
}

/* The local part at the front of text: *ret_local without quotes; *ret_used with them. */
static int local_take(struct span text, struct span *ret_local, size_t *ret_used)
{
	bool quoted = text.length > 0 && text.data[0] == '"';
	size_t length = 0;

	if (quoted) {
		*ret_used = quoted_length(text);
		if (*ret_used == 0)
			return -EINVAL;
		*ret_local = (struct span){ .data = text.data + 1, .length = *ret_used - 2 };
		while (length < ret_local->length && byte_is_local(ret_local->data[length]))
			length++;
		return length > 0 && length == ret_local->length ? 0 : -ENOTSUP;
	}
	while (length < text.length && byte_is_local(text.data[length]))
		length++;
	*ret_local = (struct span){ .data = text.data, .length = length };
	*ret_used = length;
	return length > 0 ? 0 : -EINVAL;
}

static bool local_routes(struct span local)
{
	return memchr(local.data, '%', local.length) || memchr(local.data, '!', local.length);
}

static bool text_is_ascii(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

static int domain_check(struct span domain)
{
	if (domain.length > 0 && domain.data[0] == '[')
		return -ENOTSUP;
	return smtp_domain_is_valid(domain) ? 0 : -EINVAL;
}

/* Copies the parts, which the caller has checked and which fit. */
static struct smtp_address address_make(struct span local, struct span domain, bool quoted)
{
	struct smtp_address address = { .local_length = (uint8_t)local.length, .length = (uint8_t)local.length, .quoted = quoted };

	memcpy(address.text, local.data, local.length);
	if (domain.length > 0) {
		address.text[local.length] = '@';
		memcpy(address.text + local.length + 1, domain.data, domain.length);
		address.length = (uint8_t)(local.length + 1 + domain.length);
	}
	return address;
}

static int mailbox_parse(struct span text, enum smtp_path_kind kind, struct smtp_address *ret_address)
{
	struct span local, domain = { .data = NULL };
	bool quoted = text.data[0] == '"';
	size_t used;
	int error = local_take(text, &local, &used);

	if (error)
		return error;
	if (kind == SMTP_PATH_FORWARD && local_routes(local))
		return -ENOTSUP;
	if (used == text.length) {
		if (kind != SMTP_PATH_FORWARD || !bytes_equal_caseless(text, span_of("postmaster")))
			return -EINVAL;
	} else {
		domain = span_after(text, used + 1);
		error = text.data[used] == '@' ? domain_check(domain) : -EINVAL;
		if (error)
			return error;
	}
	*ret_address = address_make(local, domain, quoted);
	return 0;
}

/*
 * An address with bytes that are not ASCII: local part and A-labels of the domain into ascii, which has room for an address. 0; -EILSEQ: the local
 * part has some; -EINVAL: the domain has no ASCII form; -ENAMETOOLONG.
 */
static int address_to_ascii(struct span text, char *ascii, struct span *ret_ascii)
{
	__attribute__((cleanup(buf_free))) struct buf domain = buf_limited(PUNYCODE_HOST_BYTES_MAX);
	struct span local;
	size_t used;

	if (local_take(text, &local, &used) != 0 || used == text.length || text.data[used] != '@')
		return -EILSEQ;
	if (punycode_host(span_after(text, used + 1), &domain) != 0)
		return -EINVAL;
	if (used + 1 + domain.length > SMTP_ADDRESS_BYTES_MAX)
		return -ENAMETOOLONG;
	memcpy(ascii, text.data, used + 1);
	memcpy(ascii + used + 1, domain.data, domain.length);
	*ret_ascii = (struct span){ .data = ascii, .length = used + 1 + domain.length };
	return 0;
}

int smtp_address_parse(struct span text, enum smtp_path_kind kind, struct smtp_address *ret_address)
{
	char ascii[SMTP_ADDRESS_BYTES_MAX];

	if (text.length > SMTP_ADDRESS_BYTES_MAX)
		return -ENAMETOOLONG;
	if (!text_is_ascii(text)) {
		int error = address_to_ascii(text, ascii, &text);

		if (error)
			return error;
	}
	if (text.length == 0) {
		if (kind == SMTP_PATH_FORWARD)
			return -EINVAL;
		*ret_address = (struct smtp_address){ .length = 0 };
		return 0;
	}
	if (text.data[0] == '@')
		return -ENOTSUP;
	return mailbox_parse(text, kind, ret_address);
}

/*
 * Length of the path at the front of text, up to the '>' that is not in a quoted local part; 0 when there
 * is none.
 */
static size_t path_length(struct span text)
{
	size_t at = 1;
	const char *end;

	if (text.length < 2 || text.data[0] != '<')
		return 0;
	if (text.data[1] == '"')
		at += quoted_length(span_after(text, 1));
	end = memchr(text.data + at, '>', text.length - at);
	return end ? (size_t)(end - text.data) + 1 : 0;
}

int smtp_path_parse(struct span text, enum smtp_path_kind kind, struct smtp_address *ret_address, size_t *ret_used)
{
	size_t length = path_length(text);
	int error;

	if (length == 0)
		return -EINVAL;
	error = smtp_address_parse((struct span){ .data = text.data + 1, .length = length - 2 }, kind, ret_address);
	if (error)
		return error;
	*ret_used = length;
	return 0;
}

char *smtp_path_format(const struct smtp_address *address, char text[static SMTP_PATH_TEXT_BYTES])
{
	const char *quote = address->quoted ? "\"" : "";

	snprintf(text, SMTP_PATH_TEXT_BYTES, "<%s%.*s%s%.*s>", quote, (int)address->local_length, address->text, quote,
		 address->length - address->local_length, address->text + address->local_length);
	return text;
}

struct span smtp_address_domain(const struct smtp_address *address)
{
	if (address->length == address->local_length)
		return (struct span){ .data = address->text, .length = 0 };
	return (struct span){ .data = address->text + address->local_length + 1, .length = (size_t)address->length - address->local_length - 1 };
}

bool smtp_address_in_domain(const struct smtp_address *address, struct span domain)
{
	return domain.length > 0 && bytes_equal_caseless(smtp_address_domain(address), domain);
}
