/*
 * An image is painted back to front: a textured background, fragments of shapes, the shape that gives the class, one
 * thin bar across it, noise. Each layer is a shape under a transform (place, size, angle, stretch), sampled at four
 * points a pixel, and a texture of two colours. All numbers are integers: pixels in 1/256, shapes in 1/4096 of their
 * radius, angles in 1/256 of a turn, so no compiler or libm can make other bytes.
 */
#include "engine/synthetic.h"

#include "kernels/parallel.h"
#include "kernels/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE SYNTHETIC_SIDE
#define PLANE (SIDE * SIDE)
#define PIXEL 256             /* one pixel */
#define UNIT 4096             /* one radius of a shape */
#define EXTENT (UNIT * 5 / 4) /* no shape has a point with a greater |u| or |v| */
#define LATTICE 6             /* points a side of a noise texture: one every SIDE / 4 pixels, and a margin */

/* How hard the set is; changing one changes every image, and the digest that tests/test_dataset expects. */
#define CONTRAST 200   /* least difference of shape and background, summed over the channels, at most 765 */
#define NOISE 32       /* greatest amplitude of the noise */
#define FRAGMENTS 3    /* at most, and at least one */
#define RADIUS_LEAST 8 /* of the shape, in pixels */
#define RADIUS_MOST 14
#define OFF_CENTRE 5      /* pixels, at most */
#define TILT 32           /* of the shape, in 1/256 of a turn, either way */
#define STRETCH_LEAST 180 /* of one axis, in 1/256 */

const char *const synthetic_class_name[SYNTHETIC_CLASSES] = {"disc",  "ring", "square",   "frame", "triangle",
                                                             "cross", "star", "crescent", "bars",  "bow-tie"};

/* round(16384 sin(i pi / 128)) */
static const int16_t quarter_wave[65] = {0,     402,   804,   1205,  1606,  2006,  2404,  2801,  3196,  3590,  3981,
                                         4370,  4756,  5139,  5520,  5897,  6270,  6639,  7005,  7366,  7723,  8076,
                                         8423,  8765,  9102,  9434,  9760,  10080, 10394, 10702, 11003, 11297, 11585,
                                         11866, 12140, 12406, 12665, 12916, 13160, 13395, 13623, 13842, 14053, 14256,
                                         14449, 14635, 14811, 14978, 15137, 15286, 15426, 15557, 15679, 15791, 15893,
                                         15986, 16069, 16143, 16207, 16261, 16305, 16340, 16364, 16379, 16384};

/* The image's own numbers, in the order they are asked for. */
struct draws {
    uint64_t seed;
    uint32_t image;
    uint32_t used; /* words */
    struct rng_block block;
};

/* pixel -> shape coordinates: u = (a * dx + b * dy) / 65536 */
struct transform {
    int cx, cy;         /* the centre, in 1/256 pixel */
    int reach;          /* no part is farther from the centre, in pixels */
    int32_t a, b, c, d; /* rotation by -angle and division by the radii */
};

enum texture_kind { TEXTURE_FLAT, TEXTURE_GRADIENT, TEXTURE_STRIPES, TEXTURE_CHECKER, TEXTURE_NOISE, TEXTURE_COUNT };

struct texture {
    enum texture_kind kind;
    int color[3], delta[3]; /* color + delta * t / 256, t in 0..256 */
    int dx, dy, period;     /* direction (16384: one) and length in 1/256 pixel */
    uint8_t lattice[LATTICE * LATTICE];
};

static uint32_t draw_word(struct draws *draws)
{
    if (draws->used % 4 == 0)
        draws->block = rng_philox(draws->seed, RNG_SYNTHETIC, draws->image, draws->used / 4);
    return draws->block.word[draws->used++ % 4];
}

/* low .. high, both included */
static int draw_between(struct draws *draws, int low, int high)
{
    return low + (int)rng_below(draw_word(draws), (uint32_t)(high - low + 1));
}

static int sine(int angle)
{
    angle &= 255;
    int half = angle & 127;
    int value = quarter_wave[half <= 64 ? half : 128 - half];
    return angle < 128 ? value : -value;
}

static int cosine(int angle)
{
    return sine(angle + 64);
}

/* radius: in 1/256 pixel; stretch: of the v axis, in 1/256 */
static struct transform make_transform(int cx, int cy, int radius, int stretch, int angle)
{
    int32_t radius_v = radius * stretch / 256;
    int32_t s = sine(angle), c = cosine(angle);
    int longest = radius_v > radius ? radius_v : radius;
    return (struct transform){.cx = cx,
                              .cy = cy,
                              .reach = longest * 5 / 4 / PIXEL + 2, /* the bow-tie's corners are at 1.21 */
                              .a = c * (UNIT * 4) / radius,
                              .b = s * (UNIT * 4) / radius,
                              .c = -s * (UNIT * 4) / radius_v,
                              .d = c * (UNIT * 4) / radius_v};
}

static int in_box(int u, int v, int half_u, int half_v)
{
    return abs(u) <= half_u && abs(v) <= half_v;
}

/* A pentagram is every point outside of at most one of five lines. */
static int in_star(int u, int v)
{
    static const int16_t normal[5][2] = {{0, 4096}, {-3896, 1266}, {-2408, -3314}, {2408, -3314}, {3896, 1266}};
    int outside = 0;
    for (int k = 0; k < 5; k++)
        outside += (normal[k][0] * u + normal[k][1] * v) / UNIT > UNIT * 34 / 100;
    return outside <= 1;
}

static int in_triangle(int u, int v)
{
    /* 3547 / 4096 = sin 60 degrees */
    return v <= UNIT / 2 && (3547 * abs(u) - 2048 * v) / UNIT <= UNIT / 2;
}

static int in_shape(int shape, int u, int v)
{
    int r2 = u * u / UNIT + v * v / UNIT;
    switch (shape) {
    case 0:
        return r2 <= UNIT * 66 / 100;
    case 1:
        return r2 <= UNIT * 80 / 100 && r2 >= UNIT * 28 / 100;
    case 2:
        return in_box(u, v, UNIT * 70 / 100, UNIT * 70 / 100);
    case 3:
        return in_box(u, v, UNIT * 76 / 100, UNIT * 76 / 100) && !in_box(u, v, UNIT * 44 / 100, UNIT * 44 / 100);
    case 4:
        return in_triangle(u, v);
    case 5:
        return in_box(u, v, UNIT * 24 / 100, UNIT * 92 / 100) || in_box(u, v, UNIT * 92 / 100, UNIT * 24 / 100);
    case 6:
        return in_star(u, v);
    case 7:
        return r2 <= UNIT * 80 / 100 && (u - UNIT / 2) * (u - UNIT / 2) / UNIT + v * v / UNIT >= UNIT * 55 / 100;
    case 8:
        return in_box(u, v, UNIT * 80 / 100, UNIT * 80 / 100) && abs(u) % (UNIT * 62 / 100) <= UNIT * 18 / 100;
    case 9:
        return in_box(u, v, UNIT * 85 / 100, UNIT * 85 / 100) && abs(v) <= abs(u);
    default: /* a bar, never a class */
        return in_box(u, v, UNIT, UNIT);
    }
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* How visible a colour is on another: the sum of the channels' differences. */
static int contrast(const int *a, const int *b)
{
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]);
}

/* A random colour. */
static void draw_color(struct draws *draws, int *color)
{
    for (int c = 0; c < 3; c++)
        color[c] = draw_between(draws, 20, 235);
}

/* A random colour that stands out from both colours of a texture: the best of a few tries. */
static void draw_contrasting(struct draws *draws, const struct texture *ground, int *color)
{
    int other[3], best = -1;
    for (int c = 0; c < 3; c++)
        other[c] = clamp(ground->color[c] + ground->delta[c], 0, 255);
    for (int try = 0; try < 12 && best < CONTRAST; try++) {
        int candidate[3];
        draw_color(draws, candidate);
        int first = contrast(candidate, ground->color), second = contrast(candidate, other);
        int found = first < second ? first : second;
        if (found > best) {
            best = found;
            memcpy(color, candidate, sizeof candidate);
        }
    }
}

static void draw_texture(struct draws *draws, const int *color, int strength, struct texture *texture)
{
    int angle = draw_between(draws, 0, 255);
    texture->kind = (enum texture_kind)draw_between(draws, 0, TEXTURE_COUNT - 1);
    texture->dx = cosine(angle);
    texture->dy = sine(angle);
    texture->period = draw_between(draws, 3 * PIXEL, 10 * PIXEL);
    for (int c = 0; c < 3; c++) {
        texture->color[c] = color[c];
        texture->delta[c] = draw_between(draws, -strength, strength);
    }
    if (texture->kind == TEXTURE_NOISE)
        for (int i = 0; i < LATTICE * LATTICE; i++)
            texture->lattice[i] = (uint8_t)(draw_word(draws) >> 24);
}

/* Linear between lattice points 8 pixels apart. */
static int sample_noise(const uint8_t *lattice, int x, int y)
{
    int fx = x % (8 * PIXEL) / 8, fy = y % (8 * PIXEL) / 8;
    const uint8_t *p = lattice + y / (8 * PIXEL) * LATTICE + x / (8 * PIXEL);
    int top = p[0] * (256 - fx) + p[1] * fx, bottom = p[LATTICE] * (256 - fx) + p[LATTICE + 1] * fx;
    return (top * (256 - fy) + bottom * fy) >> 16;
}

/* t in 0..256 at a point in 1/256 pixel; both coordinates are below SIDE pixels. */
static int sample_texture(const struct texture *texture, int x, int y)
{
    int along = (x * texture->dx + y * texture->dy) / 16384 + 64 * PIXEL; /* positive */
    int across = (y * texture->dx - x * texture->dy) / 16384 + 64 * PIXEL;
    switch (texture->kind) {
    case TEXTURE_GRADIENT:
        return clamp((along - 32 * PIXEL) * 4 / PIXEL, 0, 256);
    case TEXTURE_STRIPES:
        return along % texture->period < texture->period / 2 ? 256 : 0;
    case TEXTURE_CHECKER:
        return (along / texture->period + across / texture->period) % 2 ? 256 : 0;
    case TEXTURE_NOISE:
        return sample_noise(texture->lattice, x, y);
    default:
        return 128;
    }
}

/* How many of a pixel's four sample points are in the part with u >= keep_from of a shape. u, v: of the first point. */
static int cover(int shape, int keep_from, const struct transform *t, int64_t u, int64_t v)
{
    int covered = 0;
    for (int k = 0; k < 4; k++) {
        int su = (int)((u + 128 * ((k & 1) * (int64_t)t->a + (k >> 1) * (int64_t)t->b)) >> 16);
        int sv = (int)((v + 128 * ((k & 1) * (int64_t)t->c + (k >> 1) * (int64_t)t->d)) >> 16);
        covered += su >= keep_from && in_box(su, sv, EXTENT, EXTENT) && in_shape(shape, su, sv);
    }
    return covered;
}

static void blend(uint8_t *pixel, const struct texture *texture, int mix, int covered)
{
    for (int c = 0; c < 3; c++) {
        uint8_t *p = pixel + c * PLANE;
        int ink = clamp(texture->color[c] + texture->delta[c] * mix / 256, 0, 255);
        *p = (uint8_t)((*p * (4 - covered) + ink * covered) / 4);
    }
}

/* Paints the part with u >= keep_from of the shape (-EXTENT: all of it). */
static void paint_shape(uint8_t *pixels, int shape, int keep_from, const struct transform *t,
                        const struct texture *texture)
{
    int x0 = clamp(t->cx / PIXEL - t->reach, 0, SIDE), x1 = clamp(t->cx / PIXEL + t->reach + 1, 0, SIDE);
    int y0 = clamp(t->cy / PIXEL - t->reach, 0, SIDE), y1 = clamp(t->cy / PIXEL + t->reach + 1, 0, SIDE);
    /* a pixel whose first point is farther out than this has no point in the shape */
    int64_t far_u = EXTENT * 65536ll + 128ll * (abs(t->a) + abs(t->b));
    int64_t far_v = EXTENT * 65536ll + 128ll * (abs(t->c) + abs(t->d));
    for (int y = y0; y < y1; y++) {
        int64_t dx = x0 * PIXEL + 64 - t->cx, dy = y * PIXEL + 64 - t->cy;
        int64_t u = dx * t->a + dy * t->b, v = dx * t->c + dy * t->d;
        for (int x = x0; x < x1; x++, u += PIXEL * (int64_t)t->a, v += PIXEL * (int64_t)t->c) {
            if (llabs(u) > far_u || llabs(v) > far_v)
                continue;
            int covered = cover(shape, keep_from, t, u, v);
            if (covered > 0)
                blend(pixels + y * SIDE + x, texture, sample_texture(texture, x * PIXEL + 128, y * PIXEL + 128),
                      covered);
        }
    }
}

static void paint_background(uint8_t *pixels, const struct texture *texture)
{
    for (int i = 0; i < PLANE; i++)
        blend(pixels + i, texture, sample_texture(texture, i % SIDE * PIXEL + 128, i / SIDE * PIXEL + 128), 4);
}

/* Half a small shape: clutter with the edges and corners of the classes, but not their outline. */
static void paint_fragment(struct draws *draws, uint8_t *pixels)
{
    int shape = draw_between(draws, 0, SYNTHETIC_CLASSES - 1);
    int cx = draw_between(draws, 0, SIDE * PIXEL - 1), cy = draw_between(draws, 0, SIDE * PIXEL - 1);
    int radius = draw_between(draws, 3 * PIXEL, 6 * PIXEL), angle = draw_between(draws, 0, 255);
    struct transform t = make_transform(cx, cy, radius, 256, angle);
    struct texture texture;
    int color[3];
    draw_color(draws, color);
    draw_texture(draws, color, 40, &texture);
    paint_shape(pixels, shape, 0, &t, &texture);
}

static void paint_bar(struct draws *draws, uint8_t *pixels)
{
    int cx = draw_between(draws, 4 * PIXEL, 28 * PIXEL), cy = draw_between(draws, 4 * PIXEL, 28 * PIXEL);
    int length = draw_between(draws, 5 * PIXEL, 12 * PIXEL), angle = draw_between(draws, 0, 255);
    struct transform t = make_transform(cx, cy, length, 24, angle);
    struct texture texture;
    int color[3];
    draw_color(draws, color);
    draw_texture(draws, color, 30, &texture);
    paint_shape(pixels, SYNTHETIC_CLASSES, -EXTENT, &t, &texture);
}

static void add_noise(struct draws *draws, uint8_t *pixels)
{
    uint32_t random[3 * PLANE / 4];
    int amplitude = draw_between(draws, 4, NOISE);
    for (int i = 0; i < 3 * PLANE / 4; i++)
        random[i] = draw_word(draws);
    for (int i = 0; i < 3 * PLANE; i++) {
        int byte = (int)(random[i / 4] >> (8 * (i % 4)) & 255);
        pixels[i] = (uint8_t)clamp(pixels[i] + (byte * amplitude >> 7) - amplitude, 0, 255);
    }
}

/* Each ten images hold every class once, in an order of their own. */
static int draw_label(uint64_t seed, uint32_t index)
{
    uint8_t order[SYNTHETIC_CLASSES];
    struct draws draws = {.seed = seed, .image = UINT32_MAX - index / SYNTHETIC_CLASSES};
    for (int i = 0; i < SYNTHETIC_CLASSES; i++)
        order[i] = (uint8_t)i;
    for (int last = SYNTHETIC_CLASSES - 1; last > 0; last--) {
        int j = draw_between(&draws, 0, last);
        uint8_t swapped = order[j];
        order[j] = order[last];
        order[last] = swapped;
    }
    return order[index % SYNTHETIC_CLASSES];
}

uint8_t synthetic_draw(uint64_t seed, uint32_t index, uint8_t *pixels)
{
    struct draws draws = {.seed = seed, .image = index};
    int label = draw_label(seed, index);
    struct texture background, ink;
    int color[3], base[3];

    draw_color(&draws, base);
    draw_texture(&draws, base, 70, &background);
    paint_background(pixels, &background);
    for (int n = draw_between(&draws, 1, FRAGMENTS); n > 0; n--)
        paint_fragment(&draws, pixels);

    int radius = draw_between(&draws, RADIUS_LEAST * PIXEL, RADIUS_MOST * PIXEL);
    int low = (SIDE / 2 - OFF_CENTRE) * PIXEL, high = (SIDE / 2 + OFF_CENTRE) * PIXEL;
    int cx = draw_between(&draws, low, high), cy = draw_between(&draws, low, high);
    int stretch = draw_between(&draws, STRETCH_LEAST, 256), angle = draw_between(&draws, -TILT, TILT);
    struct transform t = make_transform(cx, cy, radius, stretch, angle);
    draw_contrasting(&draws, &background, color);
    draw_texture(&draws, color, 45, &ink);
    paint_shape(pixels, label, -EXTENT, &t, &ink);

    if (draw_between(&draws, 0, 1))
        paint_bar(&draws, pixels);
    add_noise(&draws, pixels);
    return (uint8_t)label;
}

struct load {
    uint64_t seed;
    uint32_t train;
    uint8_t *pixels, *labels;
};

static void load_range(void *context, size_t begin, size_t end, int thread)
{
    struct load *load = context;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        uint32_t index = i < load->train ? (uint32_t)i : SYNTHETIC_TRAIN + (uint32_t)i - load->train;
        load->labels[i] = synthetic_draw(load->seed, index, load->pixels + i * 3 * PLANE);
    }
}

void synthetic_probe(struct dataset *dataset, uint32_t train)
{
    const struct images shape = {.channels = 3, .height = SIDE, .width = SIDE, .classes = SYNTHETIC_CLASSES};
    dataset->train = dataset->test = shape;
    dataset->train.count = train;
    dataset->test.count = train / (SYNTHETIC_TRAIN / SYNTHETIC_TEST);
    for (int i = 0; i < SYNTHETIC_CLASSES; i++)
        snprintf(dataset->class_name[i], sizeof dataset->class_name[i], "%s", synthetic_class_name[i]);
}

int synthetic_load(struct dataset *dataset, uint64_t seed, uint32_t train, struct error *err)
{
    synthetic_probe(dataset, train);
    const struct images shape = dataset->train;
    const uint32_t test = dataset->test.count, count = train + test;
    if (dataset_allocate(dataset, train, test, &shape, err) != 0)
        return -1;
    struct load load = {seed, train, dataset->storage, dataset->storage + (size_t)count * 3 * PLANE};
    parallel_for(count, 50, load_range, &load);
    return 0;
}
