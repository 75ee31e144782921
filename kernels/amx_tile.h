/*
 * AMX's tiles. Compilers do not model tile memory, so loads and stores are our own asm with a memory clobber; whoever
 * uses tiles configures and releases them inside every function, as oneDNN configures them its own way. Only for files
 * named *_amx.c, on machines whose isa_current() is ISA_AMX: the kernel's permission is asked for there.
 */
#ifndef DAVIDNET_KERNELS_AMX_TILE_H
#define DAVIDNET_KERNELS_AMX_TILE_H

#include <stddef.h>
#include <stdint.h>

/* Palette 1: eight tiles of 16 rows of 64 bytes (LDTILECFG's memory layout). */
struct amx_tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

#define AMX_TILE_8(v)                                                                                                  \
    {                                                                                                                  \
        v, v, v, v, v, v, v, v                                                                                         \
    }
static const struct amx_tile_config amx_tile_all = {.palette = 1, .row_bytes = AMX_TILE_8(64), .rows = AMX_TILE_8(16)};

#define TILE_BEGIN() __asm__ volatile("ldtilecfg %0" ::"m"(amx_tile_all) : "memory")
#define TILE_END() __asm__ volatile("tilerelease" ::: "memory")
#define TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t ::: "memory")
#define TILE_LOAD(t, p) __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t ::"r"(p), "r"((size_t)64) : "memory")
#define TILE_STORE(t, p) __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" ::"r"(p), "r"((size_t)64) : "memory")
#define TILE_DOT(sum, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum::: "memory")

#endif
