/*
 * The Samples screen: its pixels, the contact sheet's and the terminal's are those of the tensor that a step trained
 * on; golden screens; every small size.
 */
#include "engine/session.h"
#include "engine/tricks.h"
#include "kernels/augment.h"
#include "kernels/bf16.h"
#include "kernels/isa.h"
#include "tests/golden_screen.h"
#include "views/picture.h"
#include "views/samples_view.h"
#include "views/sheet.h"

#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PIXELS 3072
#define BATCH 24

/* 100 images, batch 24, the last one of an epoch has 4. */
static void make_recipe(struct recipe *recipe, const char *device, const char *precision)
{
    static char sets[2][64];
    struct error err = {""};
    snprintf(sets[0], sizeof sets[0], "device=%s", device);
    snprintf(sets[1], sizeof sets[1], "precision=%s", precision);
    struct recipe_request request = {.preset = "davidnet-79",
                                     .n_sets = 10,
                                     .sets = {"epochs=3", "lr_knots=0,1,3", "lr_values=0,0.1,0", "width=4", "batch=24",
                                              "drop_last=off", "data=synthetic:3:100", "seed=7", sets[0], sets[1],
                                              sets[2]}};
    if (recipe_resolve(&request, recipe, &err))
        fail_msg("%s", err.text);
    strcpy(recipe->network, "prep = block c\nlayer1 = res_block 2c convs=1\npool = global_max\nlogits = linear\n");
}

struct fixture {
    struct recipe recipe;
    struct dataset dataset; /* of its own: what the front end loads again */
    struct samples_model model;
};

static void open_fixture(struct fixture *f)
{
    struct error err = {""};
    memset(f, 0, sizeof *f);
    make_recipe(&f->recipe, "ref", "f32");
    assert_int_equal(dataset_open(&f->dataset, f->recipe.data, &err), 0);
    assert_int_equal(samples_model_open(&f->model, &f->recipe, &f->dataset, &err), 0);
}

static void close_fixture(struct fixture *f)
{
    samples_model_release(&f->model);
    dataset_release(&f->dataset);
}

/* ---- pixels ---- */

/* The input as the network had it in that step, which is trained. float32 [n][3][32][32]. */
static float *train_one(struct session *session, uint32_t step, int *n)
{
    struct error err = {""};
    struct batch batch;
    struct hyper hyper;
    struct step_result result;
    session_hyper(session, step, &hyper);
    if (session_batch(session, step, &batch, &err) || executor_train(&session->executor, &batch, &hyper, &result, &err))
        fail_msg("%s", err.text);
    float *input = malloc((size_t)batch.n * PIXELS * sizeof *input);
    if (session->family->read_tensor(session->program, "input", PROGRAM_VALUE, input, (size_t)batch.n * PIXELS, &err))
        fail_msg("%s", err.text);
    *n = batch.n;
    return input;
}

/* Un-normalised and rounded to bytes. */
static uint8_t byte_of(const struct images *images, int channel, float value)
{
    return (uint8_t)lrintf(fminf(fmaxf(value * images->std[channel] + images->mean[channel], 0), 255));
}

static void check_pixels(const struct session *session, const struct samples_model *model, const float *input, int n)
{
    const struct images *images = &session->dataset.train;
    struct augment_table table;
    augment_table_init(&table, images);
    assert_int_equal(model->batch.n, n);
    for (int i = 0; i < n; i++) {
        const uint8_t *pixels = samples_trained(model, i);
        const struct choice *choice = &model->batch.choices[i];
        for (int k = 0; k < PIXELS; k++) {
            int y = k % 1024 / 32, x = k % 32, channel = k / 1024;
            float value = input[i * PIXELS + k];
            int cut = y >= choice->cut_y && y < choice->cut_y + choice->cut_h && x >= choice->cut_x &&
                      x < choice->cut_x + choice->cut_w;
            /* A bfloat16 has not enough digits to be turned back: there the byte is turned into one. */
            float same = cut ? 0 : bf16_to_float(bf16_from_float(table.value[channel][pixels[k]]));
            int ok =
                session->precision == PRECISION_BF16 ? value == same : pixels[k] == byte_of(images, channel, value);
            if (!ok)
                fail_msg("image %d, channel %d, y %d, x %d: %d, trained on %g", i, channel, y, x, pixels[k],
                         (double)value);
        }
    }
}

static void switch_on(struct recipe *recipe, const char *trick)
{
    struct error err = {""};
    if (trick && trick_apply(trick_find(trick), 1, recipe, &err))
        fail_msg("%s", err.text);
}

static void pixels_are_the_tensor(const char *device, const char *precision, const char *trick)
{
    static const uint32_t steps[] = {0, 3, 4, 13};
    struct error err = {""};
    struct session *session = calloc(1, sizeof *session);
    struct fixture f;
    memset(&f, 0, sizeof f);
    make_recipe(&f.recipe, device, precision);
    switch_on(&f.recipe, trick);
    assert_int_equal(dataset_open(&f.dataset, f.recipe.data, &err), 0);
    assert_int_equal(samples_model_open(&f.model, &f.recipe, &f.dataset, &err), 0);
    if (session_open_data(session, &f.recipe, &err) || session_compile(session, 0, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int n;
        float *input = train_one(session, steps[i], &n);
        samples_model_show(&f.model, steps[i]);
        check_pixels(session, &f.model, input, n);
        free(input);
    }
    assert_int_equal(f.model.batch.n, BATCH);
    samples_model_show(&f.model, 4); /* the last batch of the first epoch */
    assert_int_equal(f.model.batch.n, 100 - 4 * BATCH);
    session_release(session);
    free(session);
    close_fixture(&f);
}

static void test_pixels_of_ref(void **state)
{
    (void)state;
    pixels_are_the_tensor("ref", "f32", NULL);
}

/* Those that change values more than a byte can show are compared in float32. */
static void test_pixels_of_tricks(void **state)
{
    (void)state;
    static const char *const keys[] = {"gpu_data", "alternating_flip", "brightness_contrast"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        pixels_are_the_tensor("ref", "f32", keys[i]);
        pixels_are_the_tensor("cpu", "f32", keys[i]);
    }
}

static void test_pixels_of_cpu(void **state)
{
    (void)state;
    pixels_are_the_tensor("cpu", "f32", NULL);
}

static void test_pixels_in_bf16(void **state)
{
    (void)state;
    if (isa_current() < ISA_AVX512_BF16) {
        print_message("SKIPPED: this CPU has no bfloat16 arithmetic\n");
        skip();
    }
    pixels_are_the_tensor("cpu", "bf16", NULL);
}

/* The pixels of a file, [height][width][3]. */
static uint8_t *read_png(const char *path, int *width, int *height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_RGB;
    uint8_t *rgb = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    *width = (int)image.width;
    *height = (int)image.height;
    return rgb;
}

/* A sheet of the model's batch, as `e` exports it, read back. */
static uint8_t *export_sheet(const struct samples_model *model, struct sheet *sheet, struct sheet_layout *layout)
{
    char folder[] = "/tmp/davidnet-samples-XXXXXX", path[64];
    struct error err = {""};
    int width, height;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sheet.png", folder);
    *sheet = (struct sheet){.dataset = model->dataset, .choices = model->batch.choices, .count = model->batch.n};
    assert_int_equal(sheet_save(sheet, path, &err), 0);
    assert_int_equal(sheet_arrange(sheet, layout, &err), 0);
    uint8_t *rgb = read_png(path, &width, &height);
    assert_int_equal(width, layout->width);
    assert_int_equal(height, layout->height);
    unlink(path);
    rmdir(folder);
    return rgb;
}

static void test_png_is_the_tensor(void **state)
{
    (void)state;
    struct error err = {""};
    struct session *session = calloc(1, sizeof *session);
    struct fixture f;
    struct sheet sheet;
    struct sheet_layout layout;
    int n;
    open_fixture(&f);
    if (session_open_data(session, &f.recipe, &err) || session_compile(session, 0, &err))
        fail_msg("%s", err.text);
    float *input = train_one(session, 7, &n);
    samples_model_show(&f.model, 7);
    uint8_t *rgb = export_sheet(&f.model, &sheet, &layout);
    for (int i = 0; i < n; i++) {
        struct sheet_place place = sheet_augmented(&sheet, &layout, i);
        for (int y = 0; y < place.height; y++)
            for (int x = 0; x < place.width; x++)
                for (int c = 0; c < 3; c++) {
                    int at = c * 1024 + y / layout.scale * 32 + x / layout.scale;
                    size_t pixel = (size_t)(place.y + y) * (size_t)layout.width + (size_t)(place.x + x);
                    assert_int_equal(rgb[3 * pixel + (size_t)c],
                                     byte_of(&session->dataset.train, c, input[i * PIXELS + at]));
                }
    }
    free(rgb);
    free(input);
    session_release(session);
    free(session);
    close_fixture(&f);
}

/* The mean of a rectangle of the sheet's picture, rounded, as a colour. */
static uint32_t mean_of(const uint8_t *rgb, int stride, int x, int y, int w, int h)
{
    uint32_t out = 0;
    for (int c = 0; c < 3; c++) {
        long sum = 0, count = (long)w * h;
        for (int j = 0; j < h; j++)
            for (int i = 0; i < w; i++)
                sum += rgb[3 * ((size_t)(y + j) * (size_t)stride + (size_t)(x + i)) + (size_t)c];
        out = out << 8 | (uint32_t)((2 * sum + count) / (2 * count));
    }
    return out;
}

static void check_tile(const struct grid *grid, struct rect tile, const uint8_t *rgb, int stride,
                       struct sheet_place place)
{
    assert_int_equal(place.width % tile.w, 0); /* 96 pixels can be divided into 8, 16, 24 and 32 */
    int w = place.width / tile.w, h = place.height / (2 * tile.h);
    for (int y = 0; y < tile.h; y++)
        for (int x = 0; x < tile.w; x++) {
            const struct cell *cell = &grid->cells[(tile.y + y) * grid->w + tile.x + x];
            uint32_t top = mean_of(rgb, stride, place.x + x * w, place.y + 2 * y * h, w, h);
            uint32_t bottom = mean_of(rgb, stride, place.x + x * w, place.y + (2 * y + 1) * h, w, h);
            assert_string_equal(cell->text, "▀");
            assert_int_equal(cell->fg, COLOR_RGB | top);
            assert_int_equal(cell->bg, COLOR_RGB | bottom);
        }
}

static void test_tiles_are_the_png_scaled(void **state)
{
    (void)state;
    static const struct rect areas[] = {{0, 0, 80, 22}, {0, 1, 120, 38}, {0, 1, 200, 58}, {0, 1, 40, 10}};
    struct fixture f;
    struct sheet sheet;
    struct sheet_layout sheet_layout;
    struct samples_layout layout;
    int checked = 0;
    open_fixture(&f);
    samples_model_show(&f.model, 2);
    uint8_t *rgb = export_sheet(&f.model, &sheet, &sheet_layout);
    assert_int_equal(sheet_layout.scale, 3);
    for (int zoom = 0; zoom <= SAMPLES_SIZES; zoom++)
        for (size_t a = 0; a < sizeof areas / sizeof *areas; a++) {
            struct grid grid;
            f.model.zoom = zoom;
            assert_int_equal(grid_init(&grid, 200, 60), 0);
            samples_view_draw(&f.model, &grid, areas[a]);
            samples_layout_make(&f.model, areas[a], &layout);
            for (int i = 0; i < f.model.batch.n; i++) {
                struct rect tile = samples_view_tile(&f.model, &layout, i), seen = rect_intersect(tile, layout.grid);
                if (tile.w == 0 || seen.w != tile.w || seen.h != tile.h)
                    continue;
                assert_int_equal(samples_view_place_at(&f.model, areas[a], tile.x + tile.w - 1, tile.y + tile.h - 1),
                                 i);
                check_tile(&grid, tile, rgb, sheet_layout.width, sheet_augmented(&sheet, &sheet_layout, i));
                checked++;
            }
            grid_release(&grid);
        }
    assert_true(checked > 60);
    free(rgb);
    close_fixture(&f);
}

/* Any scale: the mean over everything is kept, and what has one colour keeps it. */
static void test_scaling(void **state)
{
    (void)state;
    uint8_t pixels[3 * 20 * 28];
    struct picture picture = {pixels, 3, 28, 20};
    memset(pixels, 200, sizeof pixels);
    for (int w = 1; w < 50; w += 7)
        for (int h = 1; h < 50; h += 5)
            assert_int_equal(picture_pixel(&picture, w, h, w / 2, h - 1), 0xC8C8C8);
    for (int i = 0; i < 28 * 20; i++)
        pixels[i] = (uint8_t)(i % 20 < 10 ? 0 : 255);
    assert_int_equal(picture_pixel(&picture, 1, 1, 0, 0), 0x80C8C8);
    assert_int_equal(picture_pixel(&picture, 2, 1, 1, 0), 0xFFC8C8);
    assert_int_equal(picture_pixel(&picture, 3, 1, 1, 0), 0x80C8C8); /* half of the middle third */
    picture.channels = 1;
    assert_int_equal(picture_pixel(&picture, 2, 1, 0, 0), 0x000000);
    assert_int_equal(picture_pixel(&picture, 2, 1, 1, 0), 0xFFFFFF);
}

/* ---- pictures ---- */

static void draw(const void *model, struct grid *grid, struct rect area)
{
    samples_view_draw(model, grid, area);
}

/* Images that no other part of the program has a say in: a disc on a slope, each at another place. */
static void paint(struct dataset *dataset)
{
    static const char *const names[] = {"automobile", "bird", "cat", "deer", "frog"};
    for (int c = 0; c < dataset->train.classes; c++)
        snprintf(dataset->class_name[c], sizeof dataset->class_name[c], "%s", names[c % 5]);
    for (uint32_t i = 0; i < dataset->train.count; i++)
        for (int k = 0; k < PIXELS; k++) {
            int y = k % 1024 / 32, x = k % 32, dy = y - 8 - (int)(i % 16), dx = x - 8 - (int)(i * 7 % 16);
            dataset->storage[i * PIXELS + (uint32_t)k] = (uint8_t)(dx * dx + dy * dy < 40 ? 240 : 20 + 3 * x + 2 * y);
        }
}

static void test_golden(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    paint(&f.dataset);
    f.model.live = 1;
    f.model.training = 9;
    f.model.next_in = 12;
    samples_model_show(&f.model, 8);
    samples_model_move(&f.model, 1);
    golden_check_sizes("samples", draw, &f.model);
    golden_check("samples", 120, 40, 0, draw, &f.model);
    f.model.live = 0;
    f.model.zoom = 1;
    samples_model_show(&f.model, 4);
    golden_check("samples-ended", 80, 24, 1, draw, &f.model);
    close_fixture(&f);
}

static void test_golden_empty(void **state)
{
    (void)state;
    struct samples_model model = {.state = SAMPLES_NO_RUN};
    golden_check("samples-no-run", 80, 24, 0, draw, &model);
    model.state = SAMPLES_LOADING;
    golden_check("samples-loading", 80, 24, 0, draw, &model);
    model.state = SAMPLES_BAD;
    snprintf(model.problem, sizeof model.problem, "/data/cifar: cannot be read: no such folder");
    golden_check("samples-bad", 40, 10, 1, draw, &model);
}

/* In colours and in shades there is no byte out of place; few colours means no exact ones. */
static void draw_in_shades(const void *model, struct grid *grid, struct rect area)
{
    grid->few_colors = 1;
    samples_view_draw(model, grid, area);
    for (int i = 0; i < grid->w * grid->h; i++)
        assert_true(grid->cells[i].fg < COLOR_COUNT && grid->cells[i].bg < COLOR_COUNT);
    grid->few_colors = 0;
}

/* Every cell takes time there: so many cells of pictures, and labels for all. */
static void test_slow_line(void **state)
{
    (void)state;
    struct fixture f;
    struct grid grid;
    int drawn[2] = {0};
    open_fixture(&f);
    assert_int_equal(grid_init(&grid, 200, 60), 0);
    const struct rect all = {0, 0, 200, 60};
    for (int slow = 0; slow < 2; slow++) {
        struct samples_layout layout;
        grid_clear(&grid);
        grid.slow = slow;
        samples_layout_make(&f.model, all, &layout);
        samples_view_draw(&f.model, &grid, all);
        for (int y = layout.grid.y; y < layout.grid.y + layout.grid.h; y++)
            for (int x = layout.grid.x; x < layout.grid.x + layout.grid.w; x++)
                drawn[slow] += (grid_at(&grid, x, y)->fg & COLOR_RGB) != 0;
    }
    assert_true(drawn[0] > 2400);
    assert_in_range(drawn[1], 400, 1200);
    grid_release(&grid);
    close_fixture(&f);
}

static void test_every_size(void **state)
{
    (void)state;
    struct fixture f;
    struct samples_model empty = {.state = SAMPLES_BAD};
    open_fixture(&f);
    for (int i = SAMPLES_NO_RUN; i < SAMPLES_READY; i++) {
        empty.state = (enum samples_state)i;
        golden_check_small(draw, &empty);
    }
    for (int zoom = 0; zoom <= SAMPLES_SIZES; zoom++) {
        f.model.zoom = zoom;
        samples_model_move(&f.model, 5);
        golden_check_small(draw, &f.model);
        golden_check_small(draw_in_shades, &f.model);
    }
    close_fixture(&f);
}

static void test_layout(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    for (int w = 1; w <= 400; w += w < 130 ? 3 : 27)
        for (int h = 1; h <= 120; h += h < 45 ? 2 : 15)
            for (f.model.cursor = 0; f.model.cursor < BATCH; f.model.cursor += 11) {
                struct samples_layout l;
                struct rect area = {3, 2, w, h};
                samples_layout_make(&f.model, area, &l);
                const struct rect parts[] = {l.tiles, l.grid, l.detail};
                for (int i = 0; i < 3; i++) {
                    struct rect inside = rect_intersect(parts[i], area);
                    if (parts[i].w <= 0 || parts[i].h <= 0)
                        continue;
                    assert_true(inside.w == parts[i].w && inside.h == parts[i].h);
                    for (int k = 0; k < i; k++)
                        assert_int_equal(rect_intersect(parts[i], parts[k]).h, 0);
                }
                if (l.grid.w < 1 || l.grid.h < 1)
                    continue;
                struct rect cursor = rect_intersect(samples_view_tile(&f.model, &l, f.model.cursor), l.grid);
                assert_true(cursor.w > 0 && cursor.h > 0); /* always in sight */
            }
    close_fixture(&f);
}

/* ---- the model ---- */

static void test_model(void **state)
{
    (void)state;
    struct error err = {""};
    struct fixture f;
    open_fixture(&f);
    assert_int_equal(f.model.batches.steps_per_epoch, 5);
    assert_int_equal(f.model.batches.steps, 15);
    samples_model_move(&f.model, 100);
    assert_int_equal(f.model.cursor, BATCH - 1);
    samples_model_show(&f.model, 4); /* four images */
    assert_int_equal(f.model.cursor, 3);
    samples_model_move(&f.model, -100);
    assert_int_equal(f.model.cursor, 0);
    samples_model_show(&f.model, 99);
    assert_int_equal(f.model.step, 14);
    f.model.zoom = 2;
    f.model.frozen = 1;
    samples_model_clear(&f.model);
    assert_int_equal(f.model.state, SAMPLES_NO_RUN);
    assert_true(f.model.zoom == 2 && f.model.frozen == 1);
    samples_model_show(&f.model, 3); /* nothing there: nothing happens */
    samples_model_move(&f.model, 1);
    f.recipe.batch = 200;
    f.recipe.drop_last = 1;
    assert_int_equal(samples_model_open(&f.model, &f.recipe, &f.dataset, &err), -1);
    assert_non_null(strstr(err.text, "batch"));
    f.dataset.train.channels = 2;
    assert_int_equal(samples_model_open(&f.model, &f.recipe, &f.dataset, &err), -1);
    assert_non_null(strstr(err.text, "2 channels"));
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels_of_ref),
        cmocka_unit_test(test_pixels_of_cpu),
        cmocka_unit_test(test_pixels_of_tricks),
        cmocka_unit_test(test_pixels_in_bf16),
        cmocka_unit_test(test_png_is_the_tensor),
        cmocka_unit_test(test_tiles_are_the_png_scaled),
        cmocka_unit_test(test_scaling),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_golden_empty),
        cmocka_unit_test(test_slow_line),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
