/* mail_name: see mail_name.h. */
#include "policy/mail_name.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "policy/policy.h"

enum { LABEL_BYTES_MAX = 63, LOCAL_PART_BYTES_MAX = 64 };

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_ascii(const char *word)
{
	for (; *word; word++)
		if ((unsigned char)*word >= 0x80)
			return false;
	return true;
}

/* The length of the label at text; 0 when there is none. */
static size_t label_length(const char *text)
{
	size_t length = strspn(text, LETTERS DIGITS "-");

	if (length > LABEL_BYTES_MAX || text[0] == '-' || (length > 0 && text[length - 1] == '-'))
		return 0;
	return length;
}

/* True for two labels or more of which the last is no number: an address would be one. */
static bool domain_is_valid(const char *text)
{
	size_t labels = 0, length;

	if (strlen(text) > POLICY_DOMAIN_BYTES_MAX)
		return false;
	for (;; text += length + 1) {
		length = label_length(text);
		labels++;
		if (length == 0 || text[length] != '.')
			break;
	}
	return length > 0 && text[length] == '\0' && labels > 1 && strspn(text, DIGITS) < length;
}

static void lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

int mail_domain_parse(struct arena *arena, const char *word, const char **ret_domain)
{
	char *domain;

	if (!is_ascii(word))
		return -EILSEQ;
	if (!domain_is_valid(word))
		return -EINVAL;
	domain = arena_strdup(arena, word);
	lower(domain);
	*ret_domain = domain;
	return 0;
}

/* Atoms and dots; never the beginning of an encoded word, which a careless program would decode. */
static bool local_part_is_valid(const char *text, size_t length)
{
	return length > 0 && length <= LOCAL_PART_BYTES_MAX && strspn(text, LETTERS DIGITS ".!#$%&'*+-/=?^_`{|}~") == length &&
	       !memmem(text, length, "=?", 2);
}

int mail_address_parse(struct arena *arena, const char *word, const char **ret_address)
{
	const char *at = strrchr(word, '@');
	char *address;

	if (!is_ascii(word))
		return -EILSEQ;
	if (!at || strlen(word) > POLICY_MAIL_ADDRESS_BYTES_MAX || !local_part_is_valid(word, (size_t)(at - word)) ||
	    !domain_is_valid(at + 1))
		return -EINVAL;
	address = arena_strdup(arena, word);
	lower(address + (at - word));
	*ret_address = address;
	return 0;
}
