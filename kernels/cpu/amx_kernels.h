/* The seam inside the AMX kernels: what amx_wgrad.c hands to hardware or emulation, and to the packing loops. */
#ifndef DAVIDNET_KERNELS_CPU_AMX_KERNELS_H
#define DAVIDNET_KERNELS_CPU_AMX_KERNELS_H

#include "kernels/cpu/amx_wgrad.h"

#include <stdbool.h>
#include <stddef.h>

#define AMX_TILE 16         /* rows of a tile, and 32-bit columns */
#define AMX_TILE_BYTES 1024 /* 16 rows of 64 bytes */
#define AMX_TILE_FLOATS 256
#define AMX_BLOCK 2 /* tiles of one operand that a block has at most: two by two accumulators */

/* One block of dw over one group of images. */
struct amx_block {
    const char *a, *b;    /* [pixel][tiles][AMX_TILE_BYTES] */
    int a_tiles, b_tiles; /* 1 or AMX_BLOCK */
    int taps;             /* 9, or 1: the pixels of a and b belong to each other */
    int height, width;
    float *sum; /* [tap][AMX_BLOCK][AMX_BLOCK][AMX_TILE_FLOATS] */
    bool add;   /* to what sum holds */
};

/* Every call sets the tiles up and gives them back: oneDNN has its own idea of them. */
void amx_block_amx(const struct amx_block *block); /* x86-64 with AMX only */
void amx_block_emulated(const struct amx_block *block);

struct amx_pack {
    /* 16 channels of AMX_GROUP images at one pixel, image n at x + n * sn: [16 c][32 n] and [16 pairs][16 c][2]. */
    void (*rows)(const bf16 *x, ptrdiff_t sn, bf16 *tile);
    void (*pairs)(const bf16 *x, ptrdiff_t sn, bf16 *tile);
};

extern const struct amx_pack amx_pack_plain;
extern const struct amx_pack amx_pack_avx512; /* x86-64 only */

#endif
