#include "engine/digest.h"

#include <openssl/evp.h>
#include <string.h>

int digest_init(struct digest *digest, struct error *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    digest->state = ctx;
    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        digest_release(digest);
        return error_set(err, "libcrypto cannot start a SHA-256: out of memory, or SHA-256 is disabled in its "
                              "configuration");
    }
    return 0;
}

int digest_add(struct digest *digest, const void *data, size_t size, struct error *err)
{
    if (EVP_DigestUpdate(digest->state, data, size) != 1)
        return error_set(err, "libcrypto failed while computing a SHA-256");
    return 0;
}

int digest_finish(struct digest *digest, char hex[DIGEST_HEX_SIZE], struct error *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_DigestFinal_ex(digest->state, raw, &size) != 1 || size != 32)
        return error_set(err, "libcrypto failed while computing a SHA-256");
    for (unsigned int i = 0; i < size; i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    hex[64] = '\0';
    return 0;
}

void digest_release(struct digest *digest)
{
    EVP_MD_CTX_free(digest->state);
    digest->state = NULL;
}

int digest_is_hex(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64;
}
