/*
 * digest: SHA-256 (FIPS 180-4) by OpenSSL's libcrypto, for identities and change records.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES = 32, DIGEST_TEXT_BYTES = 65 };

/* The SHA-256 of length bytes. A failing libcrypto ends the process: no identity is ever guessed. */
void digest_bytes(const void *bytes, size_t length, uint8_t ret_digest[static DIGEST_BYTES]);

/* A SHA-256 that is fed in pieces, and may be used for one text after the other. */
struct digest;

/* Makes one; the first in a process lets libcrypto read its configuration, later ones touch no file. Never NULL. */
struct digest *digest_new(void);

/* Gives it back. NULL is allowed. */
void digest_free(struct digest *digest);

/* Begins a text; what was not ended is forgotten. */
void digest_begin(struct digest *digest);

/* The next length bytes of the text. */
void digest_add(struct digest *digest, const void *bytes, size_t length);

/* The text is at its end. The next call is digest_begin() or digest_free(). */
void digest_end(struct digest *digest, uint8_t ret_digest[static DIGEST_BYTES]);

/* Lower-case hexadecimal of the first count bytes (at most DIGEST_BYTES), NUL-terminated, into text; returns text. */
char *digest_hex(const uint8_t digest[static DIGEST_BYTES], size_t count, char text[static DIGEST_TEXT_BYTES]);

#endif
