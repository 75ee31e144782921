/*
 * Four sums of two by two tiles, as a product blocked for tiles has them; tile memory and its configuration as in
 * kernels/cpu/amx_block_amx.c.
 */
#include "kernels/ceiling_kernels.h"

#if defined(__x86_64__)

#include <stdint.h>

/* Palette 1: eight tiles of 16 rows of 64 bytes (LDTILECFG's memory layout). */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

#define T8(v)                                                                                                          \
    {                                                                                                                  \
        v, v, v, v, v, v, v, v                                                                                         \
    }
static const struct tile_config config = {.palette = 1, .row_bytes = T8(64), .rows = T8(16)};

#define TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t ::: "memory")
#define TILE_LOAD(t, p) __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t ::"r"(p), "r"((size_t)64) : "memory")
#define TILE_STORE(t, p) __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" ::"r"(p), "r"((size_t)64) : "memory")
#define TILE_DOT(sum, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum::: "memory")

double ceiling_multiply_amx(size_t rounds, float *sink)
{
    enum { SUMS = 4, ROWS = 16, COLUMNS = 16, DEPTH = 32 };
    uint16_t values[ROWS * DEPTH];
    float out[ROWS * COLUMNS];
    for (int i = 0; i < ROWS * DEPTH; i++)
        values[i] = (uint16_t)(0x3f00 + i % 128); /* 0.5 and more */
    __asm__ volatile("ldtilecfg %0" ::"m"(config) : "memory");
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
    __asm__ volatile("tilerelease" ::: "memory");
    *sink += out[0];
    return 2.0 * SUMS * ROWS * COLUMNS * DEPTH;
}

#endif
