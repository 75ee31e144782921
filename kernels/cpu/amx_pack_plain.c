/* Packing for AMX tiles in plain C. */
#include "kernels/cpu/amx_kernels.h"

static void rows(const bf16 *x, ptrdiff_t sn, bf16 *tile)
{
    for (int n = 0; n < AMX_GROUP; n++, x += sn)
        for (int c = 0; c < AMX_TILE; c++)
            tile[c * AMX_GROUP + n] = x[c];
}

static void pairs(const bf16 *x, ptrdiff_t sn, bf16 *tile)
{
    for (int n = 0; n < AMX_GROUP; n++, x += sn)
        for (int c = 0; c < AMX_TILE; c++)
            tile[n / 2 * 2 * AMX_TILE + 2 * c + n % 2] = x[c];
}

const struct amx_pack amx_pack_plain = {rows, pairs};
