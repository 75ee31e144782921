/*
 * The loops of winograd.c, written once on vectors of WIDTH floats; winograd_avx2.c and winograd_avx512.c define those,
 * the size of the register tiles (ROWS x VECTORS forward, LANES x VECTORS in weight gradients; LANES divides 16,
 * VECTORS * WIDTH = PANEL * 16) and WINOGRAD_KERNELS, and include this; without
 * them it is empty.
 *
 * The points are 0, A, -A, B, -B and infinity, in this order. A and B are exact and keep the error about half of what 1
 * and 2 give: 9e-7 over 128 channels.
 */
#ifdef WINOGRAD_KERNELS

#include <stdbool.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

#define A 0.625F
#define B 1.5F
/* Only whole cache lines go past the caches: parts of one would be read, merged and written. */
#define STREAMS (WIDTH == 16)

#define SUM (A * A + B * B)
#define SQUARES (A * A * B * B)

/* ---- transforms of one line: three of its six points ---- */

/* Input, six values; half 0 does not look at x5, half 1 not at x0. */
INLINE void input_line(int half, vec x0, vec x1, vec x2, vec x3, vec x4, vec x5, vec out[3])
{
    if (half == 0) {
        vec even = vec_fnma(vec_set(B * B), x2, x4), odd = vec_fnma(vec_set(B * B), x1, x3);
        out[0] = vec_fma(vec_set(SQUARES), x0, vec_fnma(vec_set(SUM), x2, x4));
        out[1] = vec_fma(vec_set(A), odd, even);
        out[2] = vec_fnma(vec_set(A), odd, even);
    } else {
        vec even = vec_fnma(vec_set(A * A), x2, x4), odd = vec_fnma(vec_set(A * A), x1, x3);
        out[0] = vec_fma(vec_set(B), odd, even);
        out[1] = vec_fnma(vec_set(B), odd, even);
        out[2] = vec_fma(vec_set(SQUARES), x1, vec_fnma(vec_set(SUM), x3, x5));
    }
}

/* The gradient of an output, four values. */
INLINE void gradient_line(int half, vec y0, vec y1, vec y2, vec y3, vec out[3])
{
    if (half == 0) {
        vec even = vec_fma(vec_set(A * A), y2, y0), odd = vec_fma(vec_set(A * A), y3, y1);
        out[0] = y0;
        out[1] = vec_fma(vec_set(A), odd, even);
        out[2] = vec_fnma(vec_set(A), odd, even);
    } else {
        vec even = vec_fma(vec_set(B * B), y2, y0), odd = vec_fma(vec_set(B * B), y3, y1);
        out[0] = vec_fma(vec_set(B), odd, even);
        out[1] = vec_fnma(vec_set(B), odd, even);
        out[2] = y3;
    }
}

/* Six points to four outputs. */
INLINE void output_line(const vec m[6], vec out[4])
{
    vec even_a = vec_add(m[1], m[2]), odd_a = vec_sub(m[1], m[2]);
    vec even_b = vec_add(m[3], m[4]), odd_b = vec_sub(m[3], m[4]);
    out[0] = vec_add(m[0], vec_add(even_a, even_b));
    out[1] = vec_fma(vec_set(A), odd_a, vec_mul(vec_set(B), odd_b));
    out[2] = vec_fma(vec_set(A * A), even_a, vec_mul(vec_set(B * B), even_b));
    out[3] = vec_fma(vec_set(A * A * A), odd_a, vec_fma(vec_set(B * B * B), odd_b, m[5]));
}

/* ---- transforms of tiles ---- */

/* Where a tile lies: its first pixel (perhaps outside of the image), and which of its pixels are inside. */
struct place {
    ptrdiff_t at;           /* floats from the view's first one */
    unsigned rows, columns; /* bit y: row y is inside */
};

#define WHOLE(size) ((1U << (size)) - 1)

/* Bits of those among `size` places from `first` on that are at least 0 and below `end`. */
static unsigned inside_bits(int first, int end, int size)
{
    unsigned bits = 0;
    for (int i = 0; i < size; i++)
        bits |= (unsigned)(first + i >= 0 && first + i < end) << i;
    return bits;
}

/* Tiles of `size` pixels a side, of which 4 are their own; room for WINOGRAD_TILES_MAX. */
static void place_tiles(const struct winograd_tiles *tiles, int size, struct place *places)
{
    const struct chain_view *view = tiles->view;
    size_t each = (size_t)tiles->rows * (size_t)tiles->columns, image = tiles->begin / each;
    int row = (int)(tiles->begin % each) / tiles->columns, column = (int)(tiles->begin % each) % tiles->columns;
    for (size_t t = tiles->begin; t < tiles->end; t++) {
        int y = 4 * row - tiles->pad, x = 4 * column - tiles->pad;
        places[t - tiles->begin] =
            (struct place){(ptrdiff_t)image * view->sn + tiles->first * view->sb + y * view->sh + x * view->sw,
                           inside_bits(y, view->h, size), inside_bits(x, view->w, size)};
        if (++column < tiles->columns)
            continue;
        column = 0;
        if (++row == tiles->rows)
            row = 0, image++;
    }
}

/* A tile's pixel; one outside of the image is zeros. */
INLINE vec pixel(const struct winograd_tiles *tiles, const struct place *place, bool inside, const float *at, int y,
                 int x)
{
    const float *from = at + y * tiles->view->sh + x * tiles->view->sw;
    return inside ? vec_load(from) : vec_load_if(place->rows >> y & place->columns >> x & 1, from);
}

INLINE void input_tile(const struct winograd_tiles *tiles, const struct place *place, bool inside, int half,
                       const float *at, float *to, size_t point)
{
    vec columns[6][3];
    for (int x = 0; x < 6; x++) {
        vec d[6];
        for (int y = 0; y < 6; y++)
            d[y] = y == (half ? 0 : 5) ? vec_set(0) : pixel(tiles, place, inside, at, y, x);
        input_line(half, d[0], d[1], d[2], d[3], d[4], d[5], columns[x]);
    }
    for (int y = 0; y < 3; y++)
        for (int side = 0; side < 2; side++) {
            vec out[3];
            input_line(side, columns[0][y], columns[1][y], columns[2][y], columns[3][y], columns[4][y], columns[5][y],
                       out);
            for (int i = 0; i < 3; i++, to += point)
                vec_store(to, out[i]);
        }
}

INLINE void gradient_tile(const struct winograd_tiles *tiles, const struct place *place, bool inside, int half,
                          const float *at, float *to, size_t point)
{
    vec columns[4][3];
    for (int x = 0; x < 4; x++) {
        vec d[4];
        for (int y = 0; y < 4; y++)
            d[y] = pixel(tiles, place, inside, at, y, x);
        gradient_line(half, d[0], d[1], d[2], d[3], columns[x]);
    }
    for (int y = 0; y < 3; y++)
        for (int side = 0; side < 2; side++) {
            vec out[3];
            gradient_line(side, columns[0][y], columns[1][y], columns[2][y], columns[3][y], out);
            for (int i = 0; i < 3; i++, to += point)
                vec_store(to, out[i]);
        }
}

typedef void tile_transform(const struct winograd_tiles *, const struct place *, bool inside, int half, const float *at,
                            float *to, size_t point);

/* Tile by tile within a block of channels, so that every point is written in the order of addresses. */
INLINE void transform_tiles(const struct winograd_tiles *tiles, int size, int half,
                            const struct winograd_points *points, tile_transform *one)
{
    struct place places[WINOGRAD_TILES_MAX];
    size_t count = tiles->end - tiles->begin;
    place_tiles(tiles, size, places);
    for (int b = 0; b < tiles->blocks; b++)
        for (size_t t = 0; t < count; t++)
            for (int lane = 0; lane < 16; lane += WIDTH) {
                const float *at = (const float *)tiles->view->data + places[t].at + b * tiles->view->sb + lane;
                float *to = points->data + (size_t)b * points->block + t * 16 + (size_t)lane;
                if (places[t].rows == WHOLE(size) && places[t].columns == WHOLE(size))
                    one(tiles, &places[t], true, half, at, to, points->point);
                else
                    one(tiles, &places[t], false, half, at, to, points->point);
            }
}

static void transform_input(const struct winograd_tiles *tiles, int half, const struct winograd_points *points)
{
    if (half == 0)
        transform_tiles(tiles, 6, 0, points, input_tile);
    else
        transform_tiles(tiles, 6, 1, points, input_tile);
}

static void transform_gradient(const struct winograd_tiles *tiles, int half, const struct winograd_points *points)
{
    if (half == 0)
        transform_tiles(tiles, 4, 0, points, gradient_tile);
    else
        transform_tiles(tiles, 4, 1, points, gradient_tile);
}

INLINE void output_tile(const struct winograd_tiles *tiles, const struct place *place, bool inside, bool stream,
                        const float *from, size_t point, float *at)
{
    vec columns[6][4];
    for (int x = 0; x < 6; x++) {
        vec m[6];
        for (int y = 0; y < 6; y++)
            m[y] = vec_load(from + (size_t)(6 * y + x) * point);
        output_line(m, columns[x]);
    }
    for (int y = 0; y < 4; y++) {
        vec m[6], out[4];
        for (int x = 0; x < 6; x++)
            m[x] = columns[x][y];
        output_line(m, out);
        for (int x = 0; x < 4; x++) {
            float *to = at + y * tiles->view->sh + x * tiles->view->sw;
            if (!inside && !(place->rows >> y & place->columns >> x & 1))
                continue;
            if (stream)
                vec_stream(to, out[x]);
            else
                vec_store(to, out[x]);
        }
    }
}

static void transform_output(const struct winograd_tiles *tiles, const struct winograd_points *points)
{
    struct place places[WINOGRAD_TILES_MAX];
    size_t count = tiles->end - tiles->begin;
    place_tiles(tiles, 4, places);
    for (int b = 0; b < tiles->blocks; b++)
        for (size_t t = 0; t < count; t++)
            for (int lane = 0; lane < 16; lane += WIDTH) {
                const float *from = points->data + (size_t)b * points->block + t * 16 + (size_t)lane;
                float *at = (float *)tiles->view->data + places[t].at + b * tiles->view->sb + lane;
                if (places[t].rows != WHOLE(4) || places[t].columns != WHOLE(4))
                    output_tile(tiles, &places[t], false, false, from, points->point, at);
                else if (STREAMS && tiles->stream)
                    output_tile(tiles, &places[t], true, true, from, points->point, at);
                else
                    output_tile(tiles, &places[t], true, false, from, points->point, at);
            }
    if (STREAMS && tiles->stream)
        _mm_sfence();
}

/* ---- products ---- */

/* One register tile: `rows` tiles times `vectors` vectors of output channels. */
INLINE void product_rows(const struct winograd_product *p, int rows, int vectors, int row, const char *ahead)
{
    vec sum[ROWS][VECTORS];
    const float *w = p->weights;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            sum[r][v] = vec_set(0);
    for (int k = 0; k < p->in_blocks; k++) {
        const float *in = p->in + (size_t)k * p->in_block + (size_t)row * 16;
        for (int lane = 0; lane < 16; lane++, w += vectors * WIDTH, in++, ahead += 64) {
            vec weight[VECTORS];
            for (int v = 0; v < vectors; v++)
                weight[v] = vec_load(w + v * WIDTH);
            __builtin_prefetch(ahead, 0, 2);
            for (int r = 0; r < rows; r++) {
                vec x = vec_set(in[(ptrdiff_t)r * 16]);
                for (int v = 0; v < vectors; v++)
                    sum[r][v] = vec_fma(x, weight[v], sum[r][v]);
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            vec_store(p->out + (size_t)(v * WIDTH / 16) * p->out_block + (size_t)(row + r) * 16 +
                          (size_t)(v * WIDTH % 16),
                      sum[r][v]);
}

/* All tiles, the largest register tiles first: the order of sums over k is the same in each. */
INLINE void product_vectors(const struct winograd_product *p, int vectors)
{
    size_t step = (size_t)p->in_blocks * 16 * 16, done[2] = {0}; /* floats: a line for each k */
    for (int row = 0; row < p->tiles;) {
        int left = p->tiles - row, which = done[0] < p->ahead[0].floats ? 0 : 1;
        const char *ahead = (const char *)(p->ahead[which].at + done[which]);
        int rows = left >= ROWS && (ROWS < 8 || left != 16) ? ROWS : ROWS > 8 && left >= 8 ? 8 : left >= 4 ? 4 : 1;
        done[which] += done[which] < p->ahead[which].floats ? step : 0;
        if (rows == ROWS)
            product_rows(p, ROWS, vectors, row, ahead);
        else if (rows == 8)
            product_rows(p, ROWS > 8 ? 8 : 1, vectors, row, ahead);
        else if (rows == 4)
            product_rows(p, 4, vectors, row, ahead);
        else
            product_rows(p, 1, vectors, row, ahead);
        row += rows;
    }
}

static void product(const struct winograd_product *p)
{
    if (p->out_blocks == PANEL)
        product_vectors(p, VECTORS);
    else
        product_vectors(p, VECTORS / PANEL);
}

INLINE void outer_tile(const struct winograd_outer *p, int vectors, const float *in, const float *out, float *sum,
                       const char *ahead)
{
    vec acc[LANES][VECTORS];
    for (int r = 0; r < LANES; r++)
        for (int v = 0; v < vectors; v++) {
            __builtin_prefetch(sum + (size_t)r * p->sum_row + v * WIDTH, 1, 3);
            acc[r][v] = vec_set(0);
        }
    for (int t = 0; t < p->tiles; t++, in += 16, out += 16, ahead += 64) {
        vec y[VECTORS];
        for (int v = 0; v < vectors; v++)
            y[v] = vec_load(out + (size_t)(v * WIDTH / 16) * p->out_block + (size_t)(v * WIDTH % 16));
        __builtin_prefetch(ahead, 0, 2);
        for (int r = 0; r < LANES; r++) {
            vec x = vec_set(in[r]);
            for (int v = 0; v < vectors; v++)
                acc[r][v] = vec_fma(x, y[v], acc[r][v]);
        }
    }
    for (int r = 0; r < LANES; r++)
        for (int v = 0; v < vectors; v++) {
            float *to = sum + (size_t)r * p->sum_row + v * WIDTH;
            vec_store(to, p->add ? vec_add(vec_load(to), acc[r][v]) : acc[r][v]);
        }
}

static void outer(const struct winograd_outer *p)
{
    struct winograd_ahead ahead = p->ahead[0];
    size_t done = 0, step = (size_t)p->tiles * 16;
    int which = 0;
    for (int o = 0; o < p->out_blocks; o += PANEL)
        for (int i = 0; i < p->in_blocks; i++)
            for (int lane = 0; lane < 16; lane += LANES) {
                const float *in = p->in + (size_t)i * p->in_block + lane, *out = p->out + (size_t)o * p->out_block;
                float *sum = p->sum + (size_t)(16 * i + lane) * p->sum_row + (size_t)o * 16;
                if (done >= ahead.floats && which == 0) {
                    ahead = p->ahead[++which];
                    done = 0;
                }
                const char *next = (const char *)(ahead.at + done);
                done += done < ahead.floats ? step : 0;
                if (p->out_blocks - o >= PANEL)
                    outer_tile(p, VECTORS, in, out, sum, next);
                else
                    outer_tile(p, VECTORS / PANEL, in, out, sum, next);
            }
}

/* ---- weights ---- */

/* Rows of G: the point's powers, divided by the product of its differences from the other finite points. */
static const float weight_matrix[6][3] = {
    {1 / SQUARES, 0, 0},
    {1 / (2 * A * A * (A * A - B * B)), 1 / (2 * A * (A * A - B * B)), 1 / (2 * (A * A - B * B))},
    {1 / (2 * A * A * (A * A - B * B)), -1 / (2 * A * (A * A - B * B)), 1 / (2 * (A * A - B * B))},
    {1 / (2 * B * B * (B * B - A * A)), 1 / (2 * B * (B * B - A * A)), 1 / (2 * (B * B - A * A))},
    {1 / (2 * B * B * (B * B - A * A)), -1 / (2 * B * (B * B - A * A)), 1 / (2 * (B * B - A * A))},
    {0, 0, 1},
};

static void transform_weights(const float kernel[9][16], float *points, size_t point, bool stream)
{
    for (int lane = 0; lane < 16; lane += WIDTH)
        for (int i = 0; i < 6; i++) {
            vec row[3];
            for (int x = 0; x < 3; x++) {
                row[x] = vec_mul(vec_set(weight_matrix[i][0]), vec_load(&kernel[x][lane]));
                row[x] = vec_fma(vec_set(weight_matrix[i][1]), vec_load(&kernel[3 + x][lane]), row[x]);
                row[x] = vec_fma(vec_set(weight_matrix[i][2]), vec_load(&kernel[6 + x][lane]), row[x]);
            }
            for (int j = 0; j < 6; j++) {
                vec value = vec_mul(vec_set(weight_matrix[j][0]), row[0]);
                value = vec_fma(vec_set(weight_matrix[j][1]), row[1], value);
                value = vec_fma(vec_set(weight_matrix[j][2]), row[2], value);
                float *to = points + (size_t)(6 * i + j) * point + lane;
                if (STREAMS && stream)
                    vec_stream(to, value);
                else
                    vec_store(to, value);
            }
        }
}

static void gather_weights(const float *points, size_t point, float kernel[9][16])
{
    for (int lane = 0; lane < 16; lane += WIDTH) {
        vec sum[9];
        for (int k = 0; k < 9; k++)
            sum[k] = vec_set(0);
        for (int i = 0; i < 6; i++) {
            vec row[3] = {vec_set(0), vec_set(0), vec_set(0)};
            for (int j = 0; j < 6; j++) {
                vec value = vec_load(points + (size_t)(6 * i + j) * point + lane);
                for (int x = 0; x < 3; x++)
                    row[x] = vec_fma(vec_set(weight_matrix[j][x]), value, row[x]);
            }
            for (int k = 0; k < 9; k++)
                sum[k] = vec_fma(vec_set(weight_matrix[i][k / 3]), row[k % 3], sum[k]);
        }
        for (int k = 0; k < 9; k++)
            vec_store(&kernel[k][lane], sum[k]);
    }
}

const struct winograd_kernels WINOGRAD_KERNELS = {
    .panel = PANEL,
    .transform_input = transform_input,
    .transform_gradient = transform_gradient,
    .transform_output = transform_output,
    .product = product,
    .outer = outer,
    .transform_weights = transform_weights,
    .gather_weights = gather_weights,
};

#endif
