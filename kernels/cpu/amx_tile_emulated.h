/*
 * The tile instructions in plain C. TDPBF16PS: for every row m and column n of the sum, pairs k in
 * order: even elements and odd ones are multiplied and added into two sums that start at +0 (the manual's temp1), by
 * fused multiply-adds; both are added, and that is added to what the tile holds. Denormals are taken and given as zero.
 * The product of two bf16 numbers is exact in float32, so a multiplication and an addition are the fused operation.
 */
#ifndef DAVIDNET_KERNELS_CPU_AMX_TILE_H
#define DAVIDNET_KERNELS_CPU_AMX_TILE_H

#include "kernels/cpu/amx_kernels.h"

#include <math.h>
#include <string.h>

union tile {
    bf16 half[AMX_TILE][2 * AMX_TILE];
    float value[AMX_TILE][AMX_TILE];
};

static _Thread_local __attribute__((unused)) union tile tiles[8];

static inline float flush(float value)
{
    return fabsf(value) < 0x1p-126f ? copysignf(0, value) : value;
}

static inline float half_at(bf16 value)
{
    return flush(bf16_to_float(value));
}

static inline void dot(union tile *sum, const union tile *a, const union tile *b)
{
    float left[AMX_TILE][2 * AMX_TILE], right[AMX_TILE][2 * AMX_TILE];
    for (int i = 0; i < AMX_TILE; i++)
        for (int j = 0; j < 2 * AMX_TILE; j++) {
            left[i][j] = half_at(a->half[i][j]);
            right[i][j] = half_at(b->half[i][j]);
        }
    for (int m = 0; m < AMX_TILE; m++) {
        float temp[2 * AMX_TILE] = {0}; /* even and odd, column by column */
        for (int k = 0; k < AMX_TILE; k++)
            for (int j = 0; j < 2 * AMX_TILE; j++)
                temp[j] = flush(temp[j] + left[m][2 * k + j % 2] * right[k][j]);
        for (int n = 0; n < AMX_TILE; n++)
            sum->value[m][n] = flush(flush(sum->value[m][n]) + flush(temp[2 * n] + temp[2 * n + 1]));
    }
}

#define TILE_BEGIN() memset(tiles, 0, sizeof tiles)
#define TILE_END() memset(tiles, 0, sizeof tiles)
#define TILE_ZERO(t) memset(&tiles[t], 0, sizeof tiles[t])
#define TILE_LOAD(t, p) memcpy(&tiles[t], p, sizeof tiles[t])
#define TILE_STORE(t, p) memcpy(p, &tiles[t], sizeof tiles[t])
#define TILE_DOT(sum, a, b) dot(&tiles[sum], &tiles[a], &tiles[b])

#endif
