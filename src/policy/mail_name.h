/*
 * mail_name: domains, host names and addresses as a relay's settings name them.
 *
 * Only what stands in the zone file is read here, so the grammar is the strict one (RFC 1035 2.3.1, RFC 5321 4.1.2 without quoted local
 * parts); what arrives from outside is read by src/mail.
 */
#ifndef POLICY_MAIL_NAME_H
#define POLICY_MAIL_NAME_H

#include "base/arena.h"

/*
 * Reads a domain or host name of two labels or more: letters, digits, hyphens; at most POLICY_DOMAIN_BYTES_MAX; the last label is no
 * number. *ret_domain is its lower-case form in the arena. 0; -EILSEQ: holds a byte that is not ASCII (an IDN is written as A-labels);
 * -EINVAL: not a domain.
 */
int mail_domain_parse(struct arena *arena, const char *word, const char **ret_domain);

/* Reads local@domain, at most POLICY_MAIL_ADDRESS_BYTES_MAX; the domain becomes lower case. Results as mail_domain_parse(). */
int mail_address_parse(struct arena *arena, const char *word, const char **ret_address);

#endif
