#include "tests/figure_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct figure *figure_check_new(enum figure_format format, double w, double h, double content)
{
    struct figure_page page = {format, w, h, 1, "A title", "a subtitle", "a caption"};
    if (h <= 0)
        page.height = figure_page_height(&page, content);
    struct figure *figure = figure_new(&page, NULL);
    assert_non_null(figure);
    return figure;
}

void figure_check_texts(const struct figure *figure)
{
    const struct figure_placed *texts;
    size_t n = figure_texts(figure, &texts);
    struct figure_box page = figure_whole(figure);
    for (size_t i = 0; i < n; i++) {
        struct figure_box a = texts[i].box;
        if (a.x < -0.01 || a.y < -0.01 || a.x + a.w > page.w + 0.01 || a.y + a.h > page.h + 0.01)
            fail_msg("%g x %g: \"%s\" leaves the page: %g %g %g %g", page.w, page.h, texts[i].text, a.x, a.y, a.w, a.h);
        for (size_t k = 0; k < i; k++) {
            struct figure_box b = texts[k].box;
            if (a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
                fail_msg("%g x %g: \"%s\" lies over \"%s\"", page.w, page.h, texts[i].text, texts[k].text);
        }
    }
}

int figure_check_count(const struct figure *figure, const char *text)
{
    const struct figure_placed *texts;
    size_t n = figure_texts(figure, &texts);
    int count = 0;
    for (size_t i = 0; i < n; i++)
        count += strcmp(texts[i].text, text) == 0;
    return count;
}

int figure_check_says(const struct figure *figure, const char *text)
{
    const struct figure_placed *texts;
    size_t n = figure_texts(figure, &texts);
    for (size_t i = 0; i < n; i++)
        if (strstr(texts[i].text, text))
            return 1;
    return 0;
}

struct source {
    const char *bytes;
    size_t left;
};

static cairo_status_t give_bytes(void *closure, unsigned char *data, unsigned int length)
{
    struct source *source = closure;
    if (length > source->left)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(data, source->bytes, length);
    source->bytes += length;
    source->left -= length;
    return CAIRO_STATUS_SUCCESS;
}

cairo_surface_t *figure_check_image(struct figure *figure)
{
    char *bytes;
    size_t size;
    assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
    struct source source = {bytes, size};
    cairo_surface_t *image = cairo_image_surface_create_from_png_stream(give_bytes, &source);
    assert_int_equal(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    free(bytes);
    return image;
}

uint32_t figure_check_pixel(cairo_surface_t *image, int x, int y)
{
    const unsigned char *data = cairo_image_surface_get_data(image);
    uint32_t pixel;
    memcpy(&pixel, data + (size_t)y * (size_t)cairo_image_surface_get_stride(image) + 4 * (size_t)x, sizeof pixel);
    return pixel & 0xFFFFFF;
}
