/* Contact sheets: pixels are those of augment_bytes, places do not overlap, words, PNG files. */
#include "engine/choices.h"
#include "engine/synthetic.h"
#include "kernels/augment.h"
#include "views/png.h"
#include "views/sheet.h"

#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT 40
#define PIXELS 3072

static struct dataset dataset;
static struct choice choices[COUNT];

/* Forty synthetic images are data set enough. */
static int make_images(void **state)
{
    (void)state;
    const struct images shape = {
        .channels = 3, .height = 32, .width = 32, .classes = 10, .mean = {100, 150, 200}, .std = {50, 50, 50}};
    if (dataset_allocate(&dataset, COUNT, 0, &shape, NULL) != 0)
        return -1;
    uint8_t *labels = dataset.storage + (size_t)COUNT * PIXELS;
    for (uint32_t i = 0; i < COUNT; i++)
        labels[i] = synthetic_draw(0, i, dataset.storage + (size_t)i * PIXELS);
    for (int c = 0; c < 10; c++)
        snprintf(dataset.class_name[c], sizeof dataset.class_name[c], "%s", synthetic_class_name[c]);
    const struct choices_options options = {.crop_pad = 4, .flip = 0.5, .cutout_h = 8, .cutout_w = 8};
    choices_draw(&options, &dataset.train, 0, choices);
    return 0;
}

static int free_images(void **state)
{
    (void)state;
    dataset_release(&dataset);
    return 0;
}

static void assert_shows(const uint8_t *rgb, const struct sheet_layout *layout, struct sheet_place place,
                         const struct images *images, const uint8_t *pixels)
{
    int plane = images->height * images->width;
    assert_int_equal(place.width, images->width * layout->scale);
    assert_int_equal(place.height, images->height * layout->scale);
    for (int y = 0; y < place.height; y++)
        for (int x = 0; x < place.width; x++)
            for (int c = 0; c < 3; c++) {
                int channel = images->channels == 3 ? c : 0;
                int want = pixels[channel * plane + y / layout->scale * images->width + x / layout->scale];
                size_t at = (size_t)(place.y + y) * (size_t)layout->width + (size_t)(place.x + x);
                if (rgb[3 * at + (size_t)c] != want)
                    fail_msg("pixel %d, %d, channel %d: %d, not %d", x, y, c, rgb[3 * at + (size_t)c], want);
            }
}

static void pixels_are_those_of_training(void **state)
{
    (void)state;
    for (int scale = 0; scale <= 5; scale += 5) {
        struct sheet sheet = {
            .dataset = &dataset, .choices = choices, .count = COUNT, .scale = scale, .title = "title"};
        struct sheet_layout layout;
        struct error err = {""};
        uint8_t *rgb, pixels[PIXELS];
        if (sheet_draw(&sheet, &layout, &rgb, &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(layout.scale, scale ? scale : 3);
        for (int i = 0; i < COUNT; i++) {
            const uint8_t *original = dataset.train.pixels + (size_t)choices[i].image * PIXELS;
            augment_bytes(&(struct batch){.images = &dataset.train, .choices = choices, .n = COUNT}, i, pixels);
            assert_shows(rgb, &layout, sheet_original(&sheet, &layout, i), &dataset.train, original);
            assert_shows(rgb, &layout, sheet_augmented(&sheet, &layout, i), &dataset.train, pixels);
        }
        free(rgb);
    }
}

/* Text is drawn: without it the sheet would be the paper's colour there. */
static void titles_and_captions_are_drawn(void **state)
{
    (void)state;
    struct sheet sheet = {.dataset = &dataset, .choices = choices, .count = 2, .title = "", .subtitle = ""};
    struct sheet_layout layout;
    struct error err = {""};
    uint8_t *without, *with;
    assert_int_equal(sheet_draw(&sheet, &layout, &without, &err), 0);
    sheet.title = "A title \u00b7 far too long for a sheet of two images, so that it has to end before its end, in an "
                  "ellipsis";
    assert_int_equal(sheet_draw(&sheet, &layout, &with, &err), 0);
    size_t row = 3 * (size_t)layout.width, changed = 0, first_card = (size_t)sheet_original(&sheet, &layout, 0).y - 10;
    for (size_t i = 0; i < first_card * row; i++)
        changed += with[i] != without[i];
    assert_true(changed > 500);
    for (size_t y = 0; y < first_card; y++) /* the margin stays empty */
        assert_memory_equal(with + y * row + row - 60, without + y * row + row - 60, 60);
    assert_memory_equal(with + first_card * row, without + first_card * row,
                        ((size_t)layout.height - first_card) * row);
    free(with);
    free(without);
}

static int apart(struct sheet_place a, struct sheet_place b)
{
    return a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
}

static void places_are_apart_and_inside(void **state)
{
    (void)state;
    for (int count = 1; count <= COUNT; count++)
        for (int columns = 0; columns <= 7; columns += 7) {
            struct sheet sheet = {.dataset = &dataset, .choices = choices, .count = count, .columns = columns};
            struct sheet_layout layout;
            struct error err = {""};
            struct sheet_place place[2 * COUNT];
            assert_int_equal(sheet_arrange(&sheet, &layout, &err), 0);
            assert_in_range(layout.columns, 1, count);
            for (int i = 0; i < count; i++) {
                place[2 * i] = sheet_original(&sheet, &layout, i);
                place[2 * i + 1] = sheet_augmented(&sheet, &layout, i);
            }
            for (int i = 0; i < 2 * count; i++) {
                assert_true(place[i].x > 0 && place[i].y > 0);
                assert_true(place[i].x + place[i].width < layout.width);
                assert_true(place[i].y + place[i].height < layout.height);
                for (int k = 0; k < i; k++)
                    assert_true(apart(place[i], place[k]));
            }
        }
}

static void words_say_what_was_done(void **state)
{
    (void)state;
    char geometry[64], cutout[64];
    struct choice choice = {.pad = 4, .crop_x = 6, .crop_y = 1, .flip = CHOICE_FLIP_HORIZONTAL};
    sheet_describe(&choice, geometry, cutout);
    assert_string_equal(geometry, "crop x+2 y-3, mirrored");
    assert_string_equal(cutout, "");
    choice = (struct choice){.flip = CHOICE_FLIP_VERTICAL, .cut_w = 8, .cut_h = 6, .cut_x = 24, .cut_y = 3};
    sheet_describe(&choice, geometry, cutout);
    assert_string_equal(geometry, "upside down");
    assert_string_equal(cutout, "cutout 8\u00d76 at x24 y3");
    choice.brightness = -0.05f;
    choice.contrast = 0.125f;
    sheet_describe(&choice, geometry, cutout);
    assert_string_equal(cutout, "cutout 8\u00d76 x24 y3, -0.05 \u00d71.12");
    choice = choice_identity(5);
    sheet_describe(&choice, geometry, cutout);
    assert_string_equal(geometry, "");
    assert_string_equal(cutout, "");
    memset(&choice, 255, sizeof choice);
    sheet_describe(&choice, geometry, cutout);
    assert_true(strlen(geometry) < 64 && strlen(cutout) < 64);
}

static void other_shapes_are_shown_too(void **state)
{
    (void)state;
    struct dataset grey;
    struct error err = {""};
    const struct images shape = {.channels = 1, .height = 28, .width = 20, .classes = 1};
    assert_int_equal(dataset_allocate(&grey, 1, 0, &shape, &err), 0);
    for (int i = 0; i < 28 * 20; i++)
        grey.storage[i] = (uint8_t)i;
    snprintf(grey.class_name[0], sizeof grey.class_name[0], "a class with a rather long name");
    struct choice choice = choice_identity(0);
    struct sheet sheet = {.dataset = &grey, .choices = &choice, .count = 1, .scale = 2};
    struct sheet_layout layout;
    uint8_t *rgb;
    assert_int_equal(sheet_draw(&sheet, &layout, &rgb, &err), 0);
    assert_shows(rgb, &layout, sheet_augmented(&sheet, &layout, 0), &grey.train, grey.storage);
    free(rgb);
    dataset_release(&grey);
}

static void impossible_sheets_are_refused(void **state)
{
    (void)state;
    struct sheet sheet = {.dataset = &dataset, .choices = choices, .count = 0};
    struct sheet_layout layout;
    struct error err = {""};
    uint8_t *rgb;
    assert_int_equal(sheet_draw(&sheet, &layout, &rgb, &err), -1);
    assert_non_null(strstr(err.text, "1 to 1024"));
    assert_null(rgb);
    sheet.count = SHEET_TILES_MAX + 1;
    assert_int_equal(sheet_draw(&sheet, &layout, &rgb, &err), -1);
    sheet.count = COUNT;
    sheet.scale = 17;
    assert_int_equal(sheet_draw(&sheet, &layout, &rgb, &err), -1);
    assert_non_null(strstr(err.text, "16"));
    sheet.scale = 16;
    sheet.columns = COUNT;
    assert_int_equal(sheet_draw(&sheet, &layout, &rgb, &err), -1);
    assert_non_null(strstr(err.text, "too large"));
    sheet = (struct sheet){.dataset = &dataset, .choices = choices, .count = 1};
    assert_int_equal(sheet_save(&sheet, "/nonexistent/folder/sheet.png", &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/folder"));
}

static void files_are_what_was_drawn(void **state)
{
    (void)state;
    char folder[] = "/tmp/davidnet-sheet-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sheet.png", folder);
    struct sheet sheet = {.dataset = &dataset, .choices = choices, .count = 3, .title = "three"};
    struct sheet_layout layout;
    struct error err = {""};
    uint8_t *rgb;
    assert_int_equal(sheet_draw(&sheet, &layout, &rgb, &err), 0);
    assert_int_equal(sheet_save(&sheet, path, &err), 0);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    assert_int_equal(image.width, layout.width);
    assert_int_equal(image.height, layout.height);
    image.format = PNG_FORMAT_RGB;
    uint8_t *read = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, read, 0, NULL));
    assert_memory_equal(read, rgb, PNG_IMAGE_SIZE(image));
    free(read);
    free(rgb);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* and nothing else is left there */
}

static void one_pixel_is_a_picture(void **state)
{
    (void)state;
    const uint8_t red[3] = {255, 0, 0};
    uint8_t *bytes;
    size_t size;
    struct error err = {""};
    assert_int_equal(png_encode(red, 1, 1, &bytes, &size, &err), 0);
    assert_memory_equal(bytes, "\x89PNG\r\n\x1a\n", 8);
    assert_memory_equal(bytes + size - 8, "IEND\xae\x42\x60\x82", 8);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_those_of_training), cmocka_unit_test(titles_and_captions_are_drawn),
        cmocka_unit_test(places_are_apart_and_inside),  cmocka_unit_test(words_say_what_was_done),
        cmocka_unit_test(other_shapes_are_shown_too),   cmocka_unit_test(impossible_sheets_are_refused),
        cmocka_unit_test(files_are_what_was_drawn),     cmocka_unit_test(one_pixel_is_a_picture),
    };
    return cmocka_run_group_tests(tests, make_images, free_images);
}
