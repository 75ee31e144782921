/*
 * SHA-256 (FIPS 180-4) of a stream of bytes, on libcrypto.
 */
#ifndef DAVIDNET_ENGINE_DIGEST_H
#define DAVIDNET_ENGINE_DIGEST_H

#include "kernels/error.h"

#include <stddef.h>

#define DIGEST_HEX_SIZE 65 /* 64 lower-case hex digits and the NUL */

struct digest {
    void *state; /* libcrypto's; owned between init and release */
};

int digest_init(struct digest *digest, struct error *err);
int digest_add(struct digest *digest, const void *data, size_t size, struct error *err);

/* Writes the digest of everything added; after that only release is allowed. */
int digest_finish(struct digest *digest, char hex[DIGEST_HEX_SIZE], struct error *err);

/* Safe on a zeroed struct and after finish. */
void digest_release(struct digest *digest);

/* 1 when text is 64 hex digits of either case, as `--sha256` takes it. */
int digest_is_hex(const char *text);

#endif
