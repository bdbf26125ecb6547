/* digest: SHA-256 (FIPS 180-4) by OpenSSL's libcrypto, for identities and change records. */
#include "base/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* libcrypto refuses SHA-256 only when it is broken or out of memory; going on would mean trusting an unknown identity. */
static _Noreturn void digest_unavailable(void)
{
	static const char sentence[] = "sekisho: SHA-256 is not available / SHA-256 を計算できません\n";

	if (write(STDERR_FILENO, sentence, sizeof(sentence) - 1) < 0)
		_exit(EX_OSERR);
	_exit(EX_OSERR);
}

void digest_bytes(const void *bytes, size_t length, uint8_t ret_digest[static DIGEST_BYTES])
{
	unsigned int digest_length = 0;

	if (EVP_Digest(bytes, length, ret_digest, &digest_length, EVP_sha256(), NULL) != 1 ||
	    digest_length != DIGEST_BYTES)
		digest_unavailable();
}

/* libcrypto's context, and its SHA-256 looked up once. */
struct digest {
	EVP_MD_CTX *context;
	EVP_MD *sha256;
};

struct digest *digest_new(void)
{
	struct digest *digest = calloc(1, sizeof(*digest));

	if (!digest)
		digest_unavailable();
	digest->context = EVP_MD_CTX_new();
	digest->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!digest->context || !digest->sha256)
		digest_unavailable();
	return digest;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	EVP_MD_free(digest->sha256);
	free(digest);
}

void digest_begin(struct digest *digest)
{
	if (EVP_DigestInit_ex2(digest->context, digest->sha256, NULL) != 1)
		digest_unavailable();
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
	if (EVP_DigestUpdate(digest->context, bytes, length) != 1)
		digest_unavailable();
}

void digest_end(struct digest *digest, uint8_t ret_digest[static DIGEST_BYTES])
{
	unsigned int length = 0;

	if (EVP_DigestFinal_ex(digest->context, ret_digest, &length) != 1 || length != DIGEST_BYTES)
		digest_unavailable();
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
