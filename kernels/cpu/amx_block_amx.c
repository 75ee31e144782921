/*
 * The tile loop on AMX itself. Compilers do not model tile memory, so loads and stores are our own asm with a memory
 * clobber; tiles are configured and released inside every call, as oneDNN configures them its own way.
 */
#include "kernels/cpu/amx_kernels.h"

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

#define TILE_BEGIN() __asm__ volatile("ldtilecfg %0" ::"m"(config) : "memory")
#define TILE_END() __asm__ volatile("tilerelease" ::: "memory")
#define TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t ::: "memory")
#define TILE_LOAD(t, p) __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t ::"r"(p), "r"((size_t)64) : "memory")
#define TILE_STORE(t, p) __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" ::"r"(p), "r"((size_t)64) : "memory")
#define TILE_DOT(sum, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum::: "memory")

#define AMX_BLOCK_NAME amx_block_amx
#include "kernels/cpu/amx_block_body.h"

#endif
