/*
 * digest: SHA-256 (FIPS 180-4) by Nettle, for identities and change records.
 *
 * Nettle's SHA-256 cannot fail, takes no memory of its own and reads no configuration: whoever has shut himself in may call it for the first time.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES = SHA256_DIGEST_SIZE, DIGEST_TEXT_BYTES = 2 * DIGEST_BYTES + 1 };

/* The SHA-256 of length bytes. */
void digest_bytes(const void *bytes, size_t length, uint8_t ret_digest[static DIGEST_BYTES]);

/* A SHA-256 that is fed in pieces, and may be used for one text after the other. It owns nothing. */
struct digest {
	struct sha256_ctx context;
};

/* Begins a text; what was not ended is forgotten. */
void digest_begin(struct digest *digest);

/* The next length bytes of the text. */
void digest_add(struct digest *digest, const void *bytes, size_t length);

/* The text is at its end. The next call is digest_begin(). */
void digest_end(struct digest *digest, uint8_t ret_digest[static DIGEST_BYTES]);

/* Lower-case hexadecimal of the first count bytes (at most DIGEST_BYTES), NUL-terminated, into text; returns text. */
char *digest_hex(const uint8_t digest[static DIGEST_BYTES], size_t count, char text[static DIGEST_TEXT_BYTES]);

#endif
