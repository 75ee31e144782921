#include "engine/digest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64

/* SHA-256 as FIPS 180-4 writes it down. */
struct sha256 {
    uint32_t hash[8];
    uint64_t bytes;
    uint8_t block[BLOCK]; /* bytes % BLOCK of them are waiting */
};

static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[BLOCK] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int by)
{
    return x >> by | x << (32 - by);
}

static void take_block(uint32_t hash[8], const uint8_t *block)
{
    uint32_t w[BLOCK], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < BLOCK; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    memcpy(v, hash, sizeof v);
    for (int i = 0; i < BLOCK; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t one =
            v[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + constants[i] + w[i];
        uint32_t two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        hash[i] += v[i];
}

int digest_init(struct digest *digest, struct error *err)
{
    struct sha256 *sha = calloc(1, sizeof *sha);
    digest->state = sha;
    if (!sha)
        return error_set(err, "out of memory for a SHA-256");
    memcpy(sha->hash, first, sizeof first);
    return 0;
}

int digest_add(struct digest *digest, const void *data, size_t size, struct error *err)
{
    (void)err;
    struct sha256 *sha = digest->state;
    const uint8_t *at = data;
    while (size > 0) {
        size_t waiting = sha->bytes % BLOCK, part = BLOCK - waiting < size ? BLOCK - waiting : size;
        memcpy(sha->block + waiting, at, part);
        sha->bytes += part;
        at += part;
        size -= part;
        if (sha->bytes % BLOCK == 0)
            take_block(sha->hash, sha->block);
    }
    return 0;
}

int digest_finish(struct digest *digest, char hex[DIGEST_HEX_SIZE], struct error *err)
{
    static const char digits[] = "0123456789abcdef";
    struct sha256 *sha = digest->state;
    uint8_t tail[BLOCK + 8] = {0x80};
    uint64_t bits = 8 * sha->bytes;
    size_t zeros = (BLOCK + 55 - sha->bytes % BLOCK) % BLOCK; /* behind the 0x80, so that the length ends a block */
    for (int i = 0; i < 8; i++)
        tail[1 + zeros + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    digest_add(digest, tail, 1 + zeros + 8, err);
    for (int i = 0; i < 64; i++)
        hex[i] = digits[sha->hash[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = '\0';
    return 0;
}

void digest_release(struct digest *digest)
{
    free(digest->state);
    digest->state = NULL;
}

int digest_is_hex(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64;
}
