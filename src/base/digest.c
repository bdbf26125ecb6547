/* digest: SHA-256 (FIPS 180-4) by Nettle, for identities and change records. */
#include "base/digest.h"

#include <assert.h>

void digest_bytes(const void *bytes, size_t length, uint8_t ret_digest[static DIGEST_BYTES])
{
	struct digest digest;

	digest_begin(&digest);
	digest_add(&digest, bytes, length);
	digest_end(&digest, ret_digest);
}

void digest_begin(struct digest *digest)
{
	sha256_init(&digest->context);
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
	sha256_update(&digest->context, length, bytes);
}

void digest_end(struct digest *digest, uint8_t ret_digest[static DIGEST_BYTES])
{
	sha256_digest(&digest->context, DIGEST_BYTES, ret_digest);
}

char *digest_hex(const uint8_t digest[static DIGEST_BYTES], size_t count, char text[static DIGEST_TEXT_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	assert(count <= DIGEST_BYTES);
	for (size_t i = 0; i < count; i++) {
		text[2 * i] = digits[digest[i] >> 4];
		text[2 * i + 1] = digits[digest[i] & 0xf];
	}
	text[2 * count] = '\0';
	return text;
}
