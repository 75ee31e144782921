/*
 * Design. Forward: threads share the tiles, in blocks. A block is transformed into 36 points, [point][channels/16]
 * [tile][16], which stay in the second cache; then for a group of output channels at a time the 36 products and the
 * transform back. Weights stream past from the third cache: the more tiles in a block, the less often. Where there are
 * so many channels that few tiles would fit, blocks are larger and spill, which costs less than the weights would.
 *
 * Backward weights: threads share the points (two halves), and if there are more threads the output channels. Each
 * walks through all tiles in blocks, transforms both sides for its own points only, and adds the block's outer products
 * to its sums. So nobody waits for anybody, and the order of additions depends on nothing but the shapes.
 */
#include "kernels/cpu/winograd.h"

#include "kernels/cpu/winograd_kernels.h"
#include "kernels/parallel.h"

#include <stdatomic.h>
#include <string.h>

#define CHUNK ((size_t)128)             /* tiles of an outer product: both sides fit the second cache */
#define LINE 16                         /* floats of a cache line */
#define STREAM_BYTES ((size_t)16 << 20) /* more than this is not in the caches any more when it is read */

static int ceiling(int n, int by)
{
    return (n + by - 1) / by;
}

/* Of a pass that reads `in` and writes `out` (backward weights: neither). */
static int in_blocks(const struct winograd *w)
{
    return w->pass == CPU_BACKWARD_DATA ? w->output_blocks : w->source_blocks;
}

static int out_blocks(const struct winograd *w)
{
    return w->pass == CPU_BACKWARD_DATA ? w->source_blocks : w->output_blocks;
}

static void choose_block(struct winograd *w, int n)
{
    int in = in_blocks(w), out = out_blocks(w), panel = w->kernels->panel;
    int tiles = n * ceiling(w->out_h, 4) * ceiling(w->out_w, 4);
    if (w->pass == CPU_BACKWARD_WEIGHTS) {
        w->block = in * out <= 128 ? 56 : WINOGRAD_TILES_MAX;
        return;
    }
    w->block = in <= 4 ? 56 : in <= 8 ? 28 : 112;
    w->group = in <= 8 ? 2 * panel : 8 * panel;
    w->group = w->group < out ? w->group : out;
    int share = ceiling(tiles, w->threads), blocks = ceiling(share, w->block);
    w->block = ceiling(ceiling(share, blocks), 4) * 4;
}

void winograd_init(struct winograd *w, const struct cpu_conv_spec *spec, enum cpu_pass pass, int threads)
{
    *w = (struct winograd){.pass = pass,
                           .source_blocks = spec->in_c / CHAIN_BLOCK,
                           .output_blocks = spec->out_c / CHAIN_BLOCK,
                           .pad = pass == CPU_BACKWARD_DATA ? 2 - spec->pad : spec->pad,
                           .out_h = pass == CPU_BACKWARD_DATA ? spec->in_h : spec->out_h,
                           .out_w = pass == CPU_BACKWARD_DATA ? spec->in_w : spec->out_w,
                           .threads = threads};
#if defined(__x86_64__)
    w->kernels = spec->isa >= ISA_AVX512 ? &winograd_kernels_avx512 : &winograd_kernels_avx2;
#endif
    choose_block(w, spec->n);
}

/* ---- memory ---- */

/* Floats from one point to the next: an odd number of cache lines, so that 36 points do not fall into one set. */
static size_t point_stride(int blocks, int tiles)
{
    return ((size_t)blocks * (size_t)tiles | 1) * LINE;
}

/* Sums of weight gradients: [point][in_c][out_c]. */
static size_t sums_point(const struct winograd *w)
{
    return (size_t)w->source_blocks * (size_t)w->output_blocks * 256 + LINE;
}

/* Weights: [panel][point][in][channels of the panel]; a panel's `width` blocks. */
static size_t panel_point(const struct winograd *w, int width)
{
    return (size_t)in_blocks(w) * (size_t)width * 256 + LINE;
}

size_t winograd_weights_bytes(const struct winograd *w)
{
    int panel = w->kernels->panel, whole = out_blocks(w) / panel, rest = out_blocks(w) % panel;
    if (w->pass == CPU_BACKWARD_WEIGHTS)
        return WINOGRAD_POINTS * sums_point(w) * sizeof(float);
    return WINOGRAD_POINTS * ((size_t)whole * panel_point(w, panel) + (rest ? panel_point(w, rest) : 0)) *
           sizeof(float);
}

/* What a thread has for itself. */
static size_t thread_floats(const struct winograd *w)
{
    if (w->pass == CPU_BACKWARD_WEIGHTS)
        return WINOGRAD_HALF * (point_stride(w->source_blocks, w->block) + point_stride(w->output_blocks, w->block));
    return WINOGRAD_POINTS * (point_stride(in_blocks(w), w->block) + point_stride(w->group, w->block));
}

size_t winograd_scratch_bytes(const struct winograd *w)
{
    return (size_t)w->threads * thread_floats(w) * sizeof(float);
}

/* ---- weights ---- */

/* Where the weights of output block `out` at point 0 begin, and the floats between points and between inputs. */
static size_t panel_place(const struct winograd *w, int out, size_t *point, size_t *row)
{
    int panel = w->kernels->panel, first = out / panel * panel, width = out_blocks(w) - first;
    width = width < panel ? width : panel;
    *row = (size_t)width * CHAIN_BLOCK;
    *point = panel_point(w, width);
    return WINOGRAD_POINTS * (size_t)(first / panel) * panel_point(w, panel) + (size_t)(out - first) * CHAIN_BLOCK;
}

/* Kernels of 16 outputs and 16 inputs: oihw in pieces that the first cache holds, where its rows' strides do no harm.
 */
struct square {
    float at[CHAIN_BLOCK][CHAIN_BLOCK][9];
};

struct pack_job {
    const struct winograd *w;
    const float *oihw;
    float *weights;
    bool stream;
};

static void square_load(struct square *square, const float *oihw, size_t inputs, size_t out_block, size_t in_block)
{
    for (size_t o = 0; o < CHAIN_BLOCK; o++)
        memcpy(square->at[o], oihw + ((out_block * CHAIN_BLOCK + o) * inputs + in_block * CHAIN_BLOCK) * 9,
               sizeof square->at[o]);
}

static void square_store(const struct square *square, float *oihw, size_t inputs, size_t out_block, size_t in_block)
{
    for (size_t o = 0; o < CHAIN_BLOCK; o++)
        memcpy(oihw + ((out_block * CHAIN_BLOCK + o) * inputs + in_block * CHAIN_BLOCK) * 9, square->at[o],
               sizeof square->at[o]);
}

/* Blocks of 16 channels that the pass writes. */
static void pack_blocks(void *context, size_t begin, size_t end, int thread)
{
    (void)thread;
    const struct pack_job *job = context;
    const struct winograd *w = job->w;
    size_t inputs = (size_t)w->source_blocks * CHAIN_BLOCK;
    bool back = w->pass == CPU_BACKWARD_DATA;
    struct square square;
    _Alignas(64) float kernel[9][CHAIN_BLOCK];
    for (size_t b = begin; b < end; b++) {
        size_t point, row, at = panel_place(w, (int)b, &point, &row);
        for (size_t from = 0; from < (size_t)in_blocks(w); from++) {
            square_load(&square, job->oihw, inputs, back ? from : b, back ? b : from);
            for (size_t k = 0; k < CHAIN_BLOCK; k++) {
                for (int i = 0; i < 9; i++)
                    for (int lane = 0; lane < CHAIN_BLOCK; lane++)
                        kernel[i][lane] = back ? square.at[k][lane][8 - i] : square.at[lane][k][i];
                w->kernels->transform_weights(kernel, job->weights + at + (from * CHAIN_BLOCK + k) * row, point,
                                              job->stream);
            }
        }
    }
    atomic_thread_fence(memory_order_seq_cst); /* orders what went past the caches, too */
}

void winograd_pack(const struct winograd *w, const float *oihw, float *weights)
{
    struct pack_job job = {w, oihw, weights, winograd_weights_bytes(w) > STREAM_BYTES};
    parallel_for((size_t)out_blocks(w), 1, pack_blocks, &job);
}

struct unpack_job {
    const struct winograd *w;
    const float *weights;
    float *oihw;
};

static void unpack_blocks(void *context, size_t begin, size_t end, int thread)
{
    (void)thread;
    const struct unpack_job *job = context;
    const struct winograd *w = job->w;
    size_t inputs = (size_t)w->source_blocks * CHAIN_BLOCK, outputs = (size_t)w->output_blocks * CHAIN_BLOCK;
    struct square square;
    _Alignas(64) float kernel[9][CHAIN_BLOCK];
    for (size_t o = begin; o < end; o++)
        for (size_t block = 0; block < (size_t)w->source_blocks; block++) {
            for (size_t i = 0; i < CHAIN_BLOCK; i++) {
                const float *from = job->weights + (block * CHAIN_BLOCK + i) * outputs + o * CHAIN_BLOCK;
                w->kernels->gather_weights(from, sums_point(w), kernel);
                for (int lane = 0; lane < CHAIN_BLOCK; lane++)
                    for (int k = 0; k < 9; k++)
                        square.at[lane][i][k] = kernel[k][lane];
            }
            square_store(&square, job->oihw, inputs, o, block);
        }
}

void winograd_unpack(const struct winograd *w, const float *weights, float *oihw)
{
    struct unpack_job job = {w, weights, oihw};
    parallel_for((size_t)w->output_blocks, 1, unpack_blocks, &job);
}

/* ---- forward and backward data ---- */

struct run_job {
    const struct winograd *w;
    size_t tiles;
    int rows, columns; /* of tiles in an image */
    struct chain_view in, out;
    float *weights;
    float *scratch;
    bool add, stream;
};

/* All products of a group of output blocks, point by point: a point's input stays in the cache for all of them. */
static void multiply(const struct run_job *job, const struct winograd_points *in, const struct winograd_points *out,
                     int tiles, int first, int blocks)
{
    const struct winograd *w = job->w;
    int panel = w->kernels->panel, panels = ceiling(blocks, panel);
    size_t piece = in->point / (size_t)panels; /* of the next point's input, fetched during one panel */
    struct winograd_product product = {
        .in_block = in->block, .out_block = out->block, .tiles = tiles, .in_blocks = in_blocks(w)};
    for (int p = 0; p < WINOGRAD_POINTS; p++)
        for (int i = 0; i < panels; i++) {
            int block = i * panel, next = i + 1 < panels ? block + panel : 0;
            size_t point, row, at = panel_place(w, first + block, &point, &row);
            product.out_blocks = blocks - block < panel ? blocks - block : panel;
            product.in = in->data + (size_t)p * in->point;
            product.weights = job->weights + at + (size_t)p * point;
            product.out = out->data + (size_t)p * out->point + (size_t)block * out->block;
            at = panel_place(w, first + next, &point, &row);
            product.ahead[0] = (struct winograd_ahead){job->weights + at + (size_t)(next ? p : p + 1) * point, point};
            product.ahead[1] = (struct winograd_ahead){product.in + in->point + (size_t)i * piece, piece};
            w->kernels->product(&product);
        }
}

static void run_blocks(void *context, size_t begin, size_t end, int thread)
{
    const struct run_job *job = context;
    const struct winograd *w = job->w;
    int in = in_blocks(w), out = out_blocks(w);
    float *own = job->scratch + (size_t)thread * thread_floats(w);
    for (size_t t = begin; t < end; t += (size_t)w->block) {
        size_t last = t + (size_t)w->block < end ? t + (size_t)w->block : end;
        size_t line = (last - t) * LINE;
        struct winograd_points v = {own, point_stride(in, w->block), line};
        struct winograd_points v_low = v, m = {own + WINOGRAD_POINTS * v.point, point_stride(w->group, w->block), line};
        struct winograd_tiles tiles = {&job->in, t, last, job->rows, job->columns, 0, in, w->pad, 0};
        v_low.data += WINOGRAD_HALF * v.point;
        w->kernels->transform_input(&tiles, 0, &v);
        w->kernels->transform_input(&tiles, 1, &v_low);
        for (int first = 0; first < out; first += w->group) {
            int blocks = out - first < w->group ? out - first : w->group;
            multiply(job, &v, &m, (int)(last - t), first, blocks);
            tiles = (struct winograd_tiles){&job->out, t, last, job->rows, job->columns, first, blocks, 0, job->stream};
            w->kernels->transform_output(&tiles, &m);
        }
    }
}

/* ---- backward weights ---- */

/* A share: a half of the points, some output blocks. */
static void weights_share(const struct run_job *job, int half, int first, int blocks, float *own)
{
    const struct winograd *w = job->w;
    int in = w->source_blocks;
    size_t row = (size_t)w->output_blocks * CHAIN_BLOCK, point = sums_point(w);
    float *sums = job->weights + (size_t)half * WINOGRAD_HALF * point + (size_t)first * CHAIN_BLOCK;
    for (size_t t = 0; t < job->tiles; t += (size_t)w->block) {
        size_t last = t + (size_t)w->block < job->tiles ? t + (size_t)w->block : job->tiles;
        size_t line = (last - t) * LINE;
        struct winograd_points v = {own, point_stride(in, w->block), line};
        struct winograd_points d = {own + WINOGRAD_HALF * v.point, point_stride(blocks, w->block), line};
        struct winograd_tiles tiles = {&job->in, t, last, job->rows, job->columns, 0, in, w->pad, 0};
        w->kernels->transform_input(&tiles, half, &v);
        tiles = (struct winograd_tiles){&job->out, t, last, job->rows, job->columns, first, blocks, 0, 0};
        w->kernels->transform_gradient(&tiles, half, &d);
        for (size_t p = 0; p < WINOGRAD_HALF; p++)
            for (size_t first_tile = 0; first_tile < last - t; first_tile += CHUNK) {
                size_t left = last - t - first_tile;
                struct winograd_outer outer = {.in = v.data + p * v.point + first_tile * LINE,
                                               .out = d.data + p * d.point + first_tile * LINE,
                                               .sum = sums + p * point,
                                               .in_block = line,
                                               .out_block = line,
                                               .sum_row = row,
                                               .tiles = (int)(left < CHUNK ? left : CHUNK),
                                               .in_blocks = in,
                                               .out_blocks = blocks,
                                               .add = job->add || t + first_tile > 0};
                outer.ahead[0] = (struct winograd_ahead){outer.in + v.point, v.point};
                outer.ahead[1] = (struct winograd_ahead){outer.out + d.point, d.point};
                w->kernels->outer(&outer);
            }
    }
}

/* Output blocks of a share: as many as leave a share for each thread. */
static int share_blocks(const struct winograd *w)
{
    int parts = ceiling(w->threads, 2), panel = w->kernels->panel;
    return ceiling(ceiling(w->output_blocks, parts), panel) * panel;
}

static void run_shares(void *context, size_t begin, size_t end, int thread)
{
    const struct run_job *job = context;
    const struct winograd *w = job->w;
    float *own = job->scratch + (size_t)thread * thread_floats(w);
    for (size_t s = begin; s < end; s++) {
        int first = (int)(s / 2) * share_blocks(w), left = w->output_blocks - first;
        weights_share(job, (int)(s % 2), first, left < share_blocks(w) ? left : share_blocks(w), own);
    }
}

/* ---- all passes ---- */

void winograd_run(const struct winograd *w, int n, const struct chain_view *source, float *weights,
                  const struct chain_view *output, bool add, void *scratch)
{
    struct run_job job = {.w = w,
                          .rows = ceiling(w->out_h, 4),
                          .columns = ceiling(w->out_w, 4),
                          .weights = weights,
                          .scratch = scratch,
                          .add = add};
    bool back = w->pass == CPU_BACKWARD_DATA;
    size_t pixels = (size_t)n * (size_t)w->out_h * (size_t)w->out_w;
    job.in = back ? *output : *source;
    job.out = back ? *source : *output;
    job.tiles = (size_t)n * (size_t)job.rows * (size_t)job.columns;
    job.stream = pixels * (size_t)out_blocks(w) * LINE * sizeof(float) > STREAM_BYTES;
    if (w->pass == CPU_BACKWARD_WEIGHTS)
        parallel_for(2 * (size_t)ceiling(w->output_blocks, share_blocks(w)), 1, run_shares, &job);
    else
        parallel_for(job.tiles, (size_t)w->block, run_blocks, &job);
}
