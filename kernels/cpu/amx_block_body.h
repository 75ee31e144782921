/*
 * The loop over tiles of a block of weight gradients, included once for the hardware and once for the emulation
 * (amx_tile_emulated.h), which define TILE_BEGIN(), TILE_END(), TILE_ZERO(t), TILE_LOAD(t, p), TILE_STORE(t, p) and
 * TILE_DOT(sum, a, b) on the eight tiles: 0..3 are sums (a's tile, b's tile), 4 and 5 a's, 6 and 7 b's; and
 * AMX_BLOCK_NAME, the function.
 *
 * Pixels are walked in pieces of whole rows that stay in the first-level cache while the taps go round; a tap's four
 * sums are parked in memory between two pieces. Rows of a product's result are a's channels, columns b's.
 */
#include "kernels/cpu/amx_kernels.h"

#ifndef TILE_DOT
#include "kernels/cpu/amx_tile_emulated.h"
#endif

#define PIECE_PIXELS 16 /* at least, but for smaller images: parking costs as much as six pixels' products */

static inline const char *pixel_at(const char *tiles, int count, size_t pixel)
{
    return tiles + pixel * (size_t)count * AMX_TILE_BYTES;
}

/* Accumulates the pixels of rows [top, bottom) under one tap: a is moved by (dy, dx) against b. */
static inline void tap_rows(const struct amx_block *block, int top, int bottom, int dy, int dx)
{
    int left = dx < 0 ? -dx : 0, right = block->width - (dx > 0 ? dx : 0);
    if (top + dy < 0)
        top = -dy;
    if (bottom + dy > block->height)
        bottom = block->height - dy;
    for (int y = top; y < bottom; y++) {
        size_t row_a = (size_t)(y + dy) * (size_t)block->width, row_b = (size_t)y * (size_t)block->width;
        for (int x = left; x < right; x++) {
            const char *a = pixel_at(block->a, block->a_tiles, row_a + (size_t)(x + dx));
            const char *b = pixel_at(block->b, block->b_tiles, row_b + (size_t)x);
            TILE_LOAD(4, a);
            TILE_LOAD(6, b);
            TILE_DOT(0, 4, 6);
            if (block->b_tiles > 1) {
                TILE_LOAD(7, b + AMX_TILE_BYTES);
                TILE_DOT(1, 4, 7);
            }
            if (block->a_tiles > 1) {
                TILE_LOAD(5, a + AMX_TILE_BYTES);
                TILE_DOT(2, 5, 6);
                if (block->b_tiles > 1)
                    TILE_DOT(3, 5, 7);
            }
        }
    }
}

static inline void take_sums(float *sum, bool add)
{
    if (add) {
        TILE_LOAD(0, sum);
        TILE_LOAD(1, sum + AMX_TILE_FLOATS);
        TILE_LOAD(2, sum + 2 * AMX_TILE_FLOATS);
        TILE_LOAD(3, sum + 3 * AMX_TILE_FLOATS);
    } else {
        TILE_ZERO(0);
        TILE_ZERO(1);
        TILE_ZERO(2);
        TILE_ZERO(3);
    }
}

static inline void park_sums(float *sum)
{
    TILE_STORE(0, sum);
    TILE_STORE(1, sum + AMX_TILE_FLOATS);
    TILE_STORE(2, sum + 2 * AMX_TILE_FLOATS);
    TILE_STORE(3, sum + 3 * AMX_TILE_FLOATS);
}

#ifdef AMX_BLOCK_NAME
void AMX_BLOCK_NAME(const struct amx_block *block)
{
    int rows = (PIECE_PIXELS + block->width - 1) / block->width;
    TILE_BEGIN();
    for (int top = 0; top < block->height; top += rows) {
        int bottom = top + rows < block->height ? top + rows : block->height;
        for (int tap = 0; tap < block->taps; tap++) {
            float *sum = block->sum + (size_t)tap * AMX_BLOCK * AMX_BLOCK * AMX_TILE_FLOATS;
            take_sums(sum, block->add || top > 0);
            if (block->taps == 1)
                tap_rows(block, top, bottom, 0, 0);
            else
                tap_rows(block, top, bottom, tap / 3 - 1, tap % 3 - 1);
            park_sums(sum);
        }
    }
    TILE_END();
}
#endif
