/*
 * Figures: the page in its three formats, bars; what is written lies inside the page and not over one another, the same
 * drawing gives the same bytes, and any size draws.
 */
#include "engine/crc.h"
#include "views/figure.h"
#include "views/figure_bars.h"

#include <cairo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/figure_checks.h"

static const struct figure_bar some_bars[] = {
    {"batch 512", "full step", {10.5, 20.25, 3}, 35, 0.8, "100 %", 0, 0},
    {NULL, "without update", {10, 19, 0}, 31.2, 0, NULL, 1, 0},
    {"batch 1024",
     "a label that is far too long for the place that there is to the left of any bar",
     {20.5, 40, NAN},
     NAN,
     0,
     NULL,
     0,
     0},
    {NULL, "nothing", {NAN, NAN, NAN}, NAN, 0, NULL, 0, 0},
    {NULL, "below 0", {30, -4.5, 2}, NAN, 0, NULL, 1, 0},
};

static struct figure_bars make_bars(enum figure_bars_kind kind)
{
    return (struct figure_bars){.kind = kind,
                                .axis = "time per step (ms)",
                                .segment = {{"forward", COLOR_FORWARD, FIGURE_RISING},
                                            {"backward & <more>", COLOR_BACKWARD, FIGURE_PLAIN},
                                            {"update", COLOR_UPDATE, FIGURE_DOTS}},
                                .n_segments = 3,
                                .bars = some_bars,
                                .n_bars = 5,
                                .marker_name = "sum of rows",
                                .decimals = 2,
                                .max = NAN,
                                .inside = 1};
}

static struct figure *draw_bars(enum figure_format format, enum figure_bars_kind kind, double w, double h)
{
    const struct figure_page page = {format,
                                     w,
                                     h,
                                     1,
                                     "The title of the figure",
                                     "a subtitle: bf16, 2 threads",
                                     "davidnet train --preset quick --seed 1; commit 0123456789; a caption that goes "
                                     "on for so long that it has to be broken into more than one line of small text"};
    struct error err = {""};
    struct figure *figure = figure_new(&page, &err);
    assert_string_equal(err.text, "");
    struct figure_bars bars = make_bars(kind);
    figure_bars_draw(figure, &bars, figure_content(figure));
    return figure;
}

static void the_same_bytes_every_time(void **state)
{
    (void)state;
    static const char *const begins[] = {"\x89PNG\r\n\x1a\n", "<?xml", "%PDF-"};
    for (int format = 0; format < FIGURE_FORMAT_COUNT; format++) {
        char *bytes[2];
        size_t size[2];
        for (int i = 0; i < 2; i++) {
            struct figure *figure = draw_bars((enum figure_format)format, FIGURE_STACKED, 420, 260);
            struct error err = {""};
            assert_int_equal(figure_encode(figure, "x", &bytes[i], &size[i], &err), 0);
            figure_free(figure);
            assert_memory_equal(bytes[i], begins[format], strlen(begins[format]));
        }
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(bytes[0], bytes[1], size[0]);
        assert_null(memmem(bytes[0], size[0], "CreationDate", 12));
        free(bytes[0]);
        free(bytes[1]);
    }
}

static void svg_says_its_texts(void **state)
{
    (void)state;
    static const char *const wanted[] = {"<title>The title of the figure</title>",
                                         "time per step (ms)",
                                         "forward\n",
                                         "backward &amp; &lt;more&gt;\n",
                                         "sum of rows\n",
                                         "batch 1024\n",
                                         "33.75   100 %\n",
                                         "60.50\n",
                                         "27.50\n", /* 30 + 2 - 4.5 */
                                         "not measured\n",
                                         "commit 0123456789",
                                         "width=\"420pt\" height=\"260pt\""};
    struct figure *figure = draw_bars(FIGURE_SVG, FIGURE_STACKED, 420, 260);
    char *bytes;
    size_t size;
    assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!memmem(bytes, size, wanted[i], strlen(wanted[i])))
            fail_msg("the SVG lacks \"%s\"", wanted[i]);
    free(bytes);
    figure_free(figure);
}

static uint32_t number_at(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* PNG: chunks that a reader checks, before the picture's; what is not ASCII is in one for UTF-8. PDF: its document's.
 */
static void files_say_what_they_are(void **state)
{
    (void)state;
    static const char title[] = "Batch 512 \xc2\xb7 2 \xc2\xb5s";
    const struct figure_page png = {FIGURE_PNG, 200, 100, 1, title, NULL, "davidnet train --preset quick"};
    struct figure *figure = figure_new(&png, NULL);
    char *bytes;
    size_t size, at = 8;
    int found = 0, pictures = 0;
    assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
    figure_free(figure);
    while (at + 12 <= size) {
        size_t length = number_at(bytes + at);
        const char *kind = bytes + at + 4, *data = kind + 4;
        assert_true(length <= size - at - 12);
        assert_int_equal(number_at(data + length), crc_add(0, kind, length + 4));
        pictures += memcmp(kind, "IDAT", 4) == 0;
        found += memcmp(kind, "iTXt", 4) == 0 && length == 10 + strlen(title) &&
                 memcmp(data, "Title\0\0\0\0", 10) == 0 && memcmp(data + 10, title, strlen(title)) == 0 &&
                 pictures == 0;
        found += memcmp(kind, "tEXt", 4) == 0 && length == 37 && pictures == 0 &&
                 memcmp(data, "Comment\0davidnet train --preset quick", 37) == 0;
        found += memcmp(kind, "tEXt", 4) == 0 && memcmp(data, "Software\0davidnet ", 18) == 0;
        assert_true(memcmp(data, "Description", 11) != 0);
        at += length + 12;
    }
    free(bytes);
    assert_true(at == size && pictures > 0);
    assert_int_equal(found, 3);

    const struct figure_page pdf = {FIGURE_PDF, 200, 100, 1, "a title", "a recipe", "a command"};
    figure = figure_new(&pdf, NULL);
    assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
    figure_free(figure);
    static const char *const wanted[] = {"/Title (a title)", "/Subject (a recipe)", "/Keywords (a command)",
                                         "/Creator (davidnet "};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!memmem(bytes, size, wanted[i], strlen(wanted[i])))
            fail_msg("the PDF lacks \"%s\"", wanted[i]);
    free(bytes);
}

/* Marks in the middle of a bar, where its number would be, and far behind one, whose total stays at its end. */
static void a_mark_is_not_in_the_way(void **state)
{
    (void)state;
    static const struct figure_bar marked[] = {{NULL, "none", {41}, NAN, 0, NULL, 0, 0},
                                               {NULL, "in the middle", {42}, 20.5, 0, NULL, 0, 0},
                                               {NULL, "far", {7}, 41, 0, NULL, 0, 0}};
    struct figure_bars bars = make_bars(FIGURE_STACKED);
    bars.bars = marked;
    bars.n_bars = 3;
    bars.n_segments = 1;
    bars.decimals = 0;
    struct figure *figure = figure_new(&(struct figure_page){FIGURE_SVG, 420, 160, 1, "", "", ""}, NULL);
    figure_bars_draw(figure, &bars, figure_content(figure));
    figure_check_texts(figure);
    struct figure_box inside[2] = {{0}}, end[2] = {{0}};
    const struct figure_placed *texts;
    size_t n = figure_texts(figure, &texts);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(texts[i].text, "41") == 0)
            *(inside[0].w > 0 ? &end[0] : &inside[0]) = texts[i].box;
        if (strcmp(texts[i].text, "42") == 0 && !(inside[1].w > 0))
            inside[1] = texts[i].box;
        if (strcmp(texts[i].text, "7") == 0)
            end[1] = texts[i].box;
    }
    assert_true(inside[0].w > 0 && inside[1].w > 0 && end[0].w > 0 && end[1].w > 0);
    double mark = inside[0].x + inside[0].w / 2;
    assert_true(inside[1].x > mark || inside[1].x + inside[1].w < mark);
    assert_true(end[1].x + end[1].w < mark && end[0].x > mark);
    figure_free(figure);
}

static void texts_have_room(void **state)
{
    (void)state;
    for (int kind = FIGURE_STACKED; kind <= FIGURE_GROUPED; kind++)
        for (double w = 200; w <= 800; w += 37)
            for (double h = 120; h <= 500; h += 45) {
                struct figure *figure = draw_bars(FIGURE_PNG, (enum figure_bars_kind)kind, w, h);
                figure_check_texts(figure);
                figure_free(figure);
            }
}

static void any_size_draws(void **state)
{
    (void)state;
    for (int kind = FIGURE_STACKED; kind <= FIGURE_GROUPED; kind++)
        for (int w = 1; w <= 90; w += w < 12 ? 1 : 13)
            for (int h = 1; h <= 90; h += h < 12 ? 1 : 13)
                for (int format = 0; format < FIGURE_FORMAT_COUNT; format++) {
                    struct figure *figure = draw_bars((enum figure_format)format, (enum figure_bars_kind)kind, w, h);
                    char *bytes;
                    size_t size;
                    assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
                    assert_true(size > 50);
                    free(bytes);
                    figure_free(figure);
                }
}

static void heights_suffice(void **state)
{
    (void)state;
    struct figure_bars bars = make_bars(FIGURE_GROUPED);
    struct figure_page page = {FIGURE_PNG, 500, 0, 1, "Title", NULL, "caption"};
    page.height = figure_page_height(&page, figure_bars_height(&bars));
    struct figure *figure = figure_new(&page, NULL);
    assert_true(fabs(figure_content(figure).h - figure_bars_height(&bars)) < 1e-6);
    figure_free(figure);
}

static void a_file_or_nothing(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_figure_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.png", folder);
    struct error err = {""};
    struct figure *figure = draw_bars(FIGURE_PNG, FIGURE_STACKED, 420, 260);
    assert_int_equal(figure_save(figure, path, &err), 0);
    figure_free(figure);
    cairo_surface_t *image = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_image_surface_get_width(image), 420);
    assert_int_equal(cairo_image_surface_get_height(image), 260);
    const uint32_t *pixels = (const uint32_t *)(const void *)cairo_image_surface_get_data(image);
    int white = 0, ink = 0;
    for (int i = 0; i < 420 * 260; i++) {
        white += (pixels[i] & 0xFFFFFF) == 0xFFFFFF;
        ink += (pixels[i] & 0xFFFFFF) == 0xF2B56B;
    }
    assert_true(white > 40000 && white < 420 * 260 - 5000 && ink > 500);
    cairo_surface_destroy(image);
    assert_int_equal(unlink(path), 0);

    snprintf(path, sizeof path, "%s/none/a.svg", folder);
    figure = draw_bars(FIGURE_SVG, FIGURE_STACKED, 420, 260);
    assert_int_equal(figure_save(figure, path, &err), -1);
    assert_non_null(strstr(err.text, path));
    figure_free(figure);
    assert_int_equal(rmdir(folder), 0); /* nothing was left behind */

    const struct figure_page huge = {FIGURE_PNG, 5000, 5000, 10, NULL, NULL, NULL};
    assert_null(figure_new(&huge, &err));
    assert_non_null(strstr(err.text, "50000 x 50000"));
    const struct figure_page none = {FIGURE_SVG, NAN, 5, 1, NULL, NULL, NULL};
    assert_null(figure_new(&none, &err));
}

static void text_of_any_bytes(void **state)
{
    (void)state;
    const struct figure_page page = {FIGURE_SVG, 200, 100, 1, "bad \xff\xc3 bytes\x1b and a/path", "", "\n\n a \n"};
    struct figure *figure = figure_new(&page, NULL);
    const struct figure_font font = {9, 0, COLOR_DEFAULT};
    char out[16];
    const char *cut = figure_text_cut(figure, &font, "a long text with an end", 40, out, sizeof out);
    assert_true(strlen(cut) > 4 && strcmp(cut + strlen(cut) - 3, "…") == 0);
    assert_true(figure_text_width(figure, &font, cut) <= 40);
    assert_string_equal(figure_text_cut(figure, &font, "ééééééééééééé", 500, out, sizeof out), "éééééé…");
    assert_string_equal(figure_text_cut(figure, &font, "short", 40, out, sizeof out), "short");
    const struct figure_placed *texts;
    assert_true(figure_texts(figure, &texts) >= 1);
    assert_string_equal(texts[0].text, "bad ?? bytes? and a/path");
    char *bytes;
    size_t size;
    assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
    free(bytes);
    figure_free(figure);
}

static void names_of_formats(void **state)
{
    (void)state;
    assert_int_equal(figure_format_of_path("a.b/c.PDF"), FIGURE_PDF);
    assert_int_equal(figure_format_of_path("x.svg"), FIGURE_SVG);
    assert_int_equal(figure_format_of_path("a.png/x"), -1);
    assert_int_equal(figure_format_of_path("png"), -1);
    assert_int_equal(figure_format_of_name("png"), FIGURE_PNG);
    assert_int_equal(figure_format_of_name("csv"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bytes_every_time), cmocka_unit_test(svg_says_its_texts),
        cmocka_unit_test(texts_have_room),           cmocka_unit_test(any_size_draws),
        cmocka_unit_test(heights_suffice),           cmocka_unit_test(a_file_or_nothing),
        cmocka_unit_test(text_of_any_bytes),         cmocka_unit_test(names_of_formats),
        cmocka_unit_test(a_mark_is_not_in_the_way),  cmocka_unit_test(files_say_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
