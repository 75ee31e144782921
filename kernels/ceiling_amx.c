/* Four sums of two by two tiles, as a product blocked for tiles has them. */
#include "kernels/ceiling_kernels.h"

#if defined(__x86_64__)

#include "kernels/amx_tile.h"

double ceiling_multiply_amx(size_t rounds, float *sink)
{
    enum { SUMS = 4, ROWS = 16, COLUMNS = 16, DEPTH = 32 };
    uint16_t values[ROWS * DEPTH];
    float out[ROWS * COLUMNS];
    for (int i = 0; i < ROWS * DEPTH; i++)
        values[i] = (uint16_t)(0x3f00 + i % 128); /* 0.5 and more */
    TILE_BEGIN();
    TILE_ZERO(0);
    TILE_ZERO(1);
    TILE_ZERO(2);
    TILE_ZERO(3);
    TILE_LOAD(4, values);
    TILE_LOAD(5, values);
    TILE_LOAD(6, values);
    TILE_LOAD(7, values);
    for (size_t i = 0; i < rounds; i++) {
        TILE_DOT(0, 4, 6);
        TILE_DOT(1, 4, 7);
        TILE_DOT(2, 5, 6);
        TILE_DOT(3, 5, 7);
    }
    TILE_STORE(0, out);
    TILE_END();
    *sink += out[0];
    return 2.0 * SUMS * ROWS * COLUMNS * DEPTH;
}

#endif
