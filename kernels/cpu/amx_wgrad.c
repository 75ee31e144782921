#include "kernels/cpu/amx_wgrad.h"

#include "kernels/cpu/amx_kernels.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"

#include <stdint.h>
#include <string.h>

#define TAPS 9
#define SUM_FLOATS (AMX_BLOCK * AMX_BLOCK * AMX_TILE_FLOATS) /* of one tap of a block */
#define BLOCK_CHANNELS (AMX_BLOCK * AMX_TILE)

/* The columns that a's tiles hold: channels, or all taps of all channels. */
static int columns(const struct amx_wgrad *shape)
{
    return shape->in_c <= AMX_PATCH_IN_C ? TAPS * shape->in_c : shape->in_c;
}

static int taps(const struct amx_wgrad *shape)
{
    return shape->in_c <= AMX_PATCH_IN_C ? 1 : TAPS;
}

static int tiles(int channels)
{
    return (channels + AMX_TILE - 1) / AMX_TILE;
}

static int blocks(int channels)
{
    return (channels + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS;
}

static size_t pixels(const struct amx_wgrad *shape)
{
    return (size_t)shape->height * (size_t)shape->width;
}

bool amx_wgrad_takes(const struct amx_wgrad *shape)
{
    bool patches = shape->in_c >= 1 && shape->in_c <= AMX_PATCH_IN_C;
    return (patches || (shape->in_c > 0 && shape->in_c % AMX_TILE == 0)) && shape->out_c > 0 &&
           shape->out_c % AMX_TILE == 0 && shape->height > 0 && shape->width > 0;
}

static size_t packed_bytes(const struct amx_wgrad *shape, int channels)
{
    return pixels(shape) * (size_t)tiles(channels) * AMX_TILE_BYTES;
}

static size_t planes_bytes(const struct amx_wgrad *shape)
{
    size_t bytes = shape->in_c <= AMX_PATCH_IN_C ? pixels(shape) * (size_t)shape->in_c * AMX_GROUP * sizeof(bf16) : 0;
    return (bytes + 63) / 64 * 64;
}

size_t amx_wgrad_scratch_bytes(const struct amx_wgrad *shape)
{
    return packed_bytes(shape, columns(shape)) + packed_bytes(shape, shape->out_c) + planes_bytes(shape);
}

static size_t sum_at(const struct amx_wgrad *shape, int out_block, int in_block)
{
    return ((size_t)out_block * (size_t)blocks(columns(shape)) + (size_t)in_block) * (size_t)taps(shape) * SUM_FLOATS;
}

size_t amx_wgrad_weights_bytes(const struct amx_wgrad *shape)
{
    return sum_at(shape, blocks(shape->out_c), 0) * sizeof(float);
}

/* Where a tile lies among the packed ones: [block][pixel][tile of the block]. */
static size_t tile_at(const struct amx_wgrad *shape, int channels, int tile, size_t pixel)
{
    int block = tile / AMX_BLOCK, left = tiles(channels) - block * AMX_BLOCK;
    size_t in_block = (size_t)(left < AMX_BLOCK ? left : AMX_BLOCK);
    return ((size_t)block * AMX_BLOCK * pixels(shape) + pixel * in_block + (size_t)(tile % AMX_BLOCK)) * AMX_TILE_BYTES;
}

/* One group of images on its way through. */
struct job {
    const struct amx_wgrad *shape;
    struct amx_activation x, dy; /* of the group's first image */
    const struct amx_pack *pack;
    void (*block)(const struct amx_block *);
    char *a, *b; /* packed x and dy */
    bf16 *planes;
    float *dw;
    bool add;
};

static const bf16 *pixel_of(const struct amx_activation *view, const struct amx_wgrad *shape, size_t pixel)
{
    size_t y = pixel / (size_t)shape->width, x = pixel % (size_t)shape->width;
    return view->data + (ptrdiff_t)y * view->sy + (ptrdiff_t)x * view->sx;
}

static void pack_range(void *context, size_t begin, size_t end, int thread)
{
    const struct job *job = context;
    const struct amx_wgrad *shape = job->shape;
    (void)thread;
    for (size_t pixel = begin; pixel < end; pixel++) {
        const bf16 *dy = pixel_of(&job->dy, shape, pixel), *x = pixel_of(&job->x, shape, pixel);
        for (int t = 0; t < tiles(shape->out_c); t++)
            job->pack->pairs(dy + t * AMX_TILE, job->dy.sn, (bf16 *)(job->b + tile_at(shape, shape->out_c, t, pixel)));
        for (int t = 0; taps(shape) > 1 && t < tiles(shape->in_c); t++)
            job->pack->rows(x + t * AMX_TILE, job->x.sn, (bf16 *)(job->a + tile_at(shape, shape->in_c, t, pixel)));
    }
}

/* Few channels: first [channel][pixel][image], then a pixel's patch is rows of that, or zeros beyond the border. */
static void plane_range(void *context, size_t begin, size_t end, int thread)
{
    const struct job *job = context;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        size_t channel = i / pixels(job->shape), pixel = i % pixels(job->shape);
        const bf16 *from = pixel_of(&job->x, job->shape, pixel) + (ptrdiff_t)channel * job->x.sc;
        for (int n = 0; n < AMX_GROUP; n++)
            job->planes[i * AMX_GROUP + (size_t)n] = from[n * job->x.sn];
    }
}

static void patch_range(void *context, size_t begin, size_t end, int thread)
{
    static const bf16 zeros[AMX_GROUP];
    const struct job *job = context;
    const struct amx_wgrad *shape = job->shape;
    int all = columns(shape);
    (void)thread;
    for (size_t pixel = begin; pixel < end; pixel++) {
        int y = (int)(pixel / (size_t)shape->width), x = (int)(pixel % (size_t)shape->width);
        for (int i = 0; i < tiles(all) * AMX_TILE; i++) {
            int from_y = y + i % TAPS / 3 - 1, from_x = x + i % 3 - 1;
            bool inside = i < all && from_y >= 0 && from_y < shape->height && from_x >= 0 && from_x < shape->width;
            size_t plane = (size_t)(i / TAPS) * pixels(shape) + (size_t)from_y * (size_t)shape->width + (size_t)from_x;
            char *row = job->a + tile_at(shape, all, i / AMX_TILE, pixel) + (size_t)(i % AMX_TILE) * sizeof zeros;
            memcpy(row, inside ? job->planes + plane * AMX_GROUP : zeros, sizeof zeros);
        }
    }
}

static int block_tiles(int channels, int block)
{
    int left = tiles(channels) - block * AMX_BLOCK;
    return left < AMX_BLOCK ? left : AMX_BLOCK;
}

static void block_range(void *context, size_t begin, size_t end, int thread)
{
    const struct job *job = context;
    const struct amx_wgrad *shape = job->shape;
    int in_blocks = blocks(columns(shape));
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        int out = (int)(i / (size_t)in_blocks), in = (int)(i % (size_t)in_blocks);
        struct amx_block block = {
            .a = job->a + tile_at(shape, columns(shape), in * AMX_BLOCK, 0),
            .b = job->b + tile_at(shape, shape->out_c, out * AMX_BLOCK, 0),
            .a_tiles = block_tiles(columns(shape), in),
            .b_tiles = block_tiles(shape->out_c, out),
            .taps = taps(shape),
            .height = shape->height,
            .width = shape->width,
            .sum = job->dw + sum_at(shape, out, in),
            .add = job->add,
        };
        job->block(&block);
    }
}

static void (*choose_block(bool emulate))(const struct amx_block *)
{
#if defined(__x86_64__)
    if (!emulate && isa_best() >= ISA_AMX)
        return amx_block_amx;
#endif
    (void)emulate;
    return amx_block_emulated;
}

static const struct amx_pack *choose_pack(void)
{
#if defined(__x86_64__)
    if (isa_current() >= ISA_AVX512)
        return &amx_pack_avx512;
#endif
    return &amx_pack_plain;
}

void amx_wgrad_run(const struct amx_wgrad *shape, int images, const struct amx_activation *x,
                   const struct amx_activation *dy, float *dw, bool add, bool emulate, void *scratch)
{
    struct job job = {.shape = shape, .x = *x, .dy = *dy, .dw = dw, .add = add, .a = scratch};
    job.pack = choose_pack();
    job.block = choose_block(emulate);
    job.b = job.a + packed_bytes(shape, columns(shape));
    job.planes = (bf16 *)(job.b + packed_bytes(shape, shape->out_c));
    size_t count = (size_t)blocks(columns(shape)) * (size_t)blocks(shape->out_c);
    for (int first = 0; first < images; first += AMX_GROUP) {
        if (taps(shape) == 1) {
            parallel_for(pixels(shape) * (size_t)shape->in_c, 1, plane_range, &job);
            parallel_for(pixels(shape), 1, patch_range, &job);
        }
        parallel_for(pixels(shape), 1, pack_range, &job);
        parallel_for(count, 1, block_range, &job);
        job.x.data += AMX_GROUP * x->sn;
        job.dy.data += AMX_GROUP * dy->sn;
        job.add = true;
    }
}

struct unpack {
    const struct amx_wgrad *shape;
    const float *dw;
    float *oihw;
};

static void unpack_range(void *context, size_t begin, size_t end, int thread)
{
    const struct unpack *job = context;
    const struct amx_wgrad *shape = job->shape;
    (void)thread;
    for (size_t o = begin; o < end; o++) {
        size_t tile_o = o / AMX_TILE, lane = o % AMX_TILE;
        for (size_t k = 0; k < (size_t)shape->in_c * TAPS; k++) { /* [i][tap], as a patch's columns */
            size_t column = taps(shape) == 1 ? k : k / TAPS, tap = taps(shape) == 1 ? 0 : k % TAPS;
            size_t tile_i = column / AMX_TILE;
            const float *sum = job->dw + sum_at(shape, (int)(tile_o / AMX_BLOCK), (int)(tile_i / AMX_BLOCK));
            size_t tile = (tap * AMX_BLOCK + tile_i % AMX_BLOCK) * AMX_BLOCK + tile_o % AMX_BLOCK;
            job->oihw[o * (size_t)shape->in_c * TAPS + k] =
                sum[tile * AMX_TILE_FLOATS + column % AMX_TILE * AMX_TILE + lane];
        }
    }
}

void amx_wgrad_unpack(const struct amx_wgrad *shape, const float *dw, float *oihw)
{
    struct unpack job = {shape, dw, oihw};
    parallel_for((size_t)shape->out_c, 1, unpack_range, &job);
}
