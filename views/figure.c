#include "views/figure.h"

#include "engine/files.h"
#include "engine/version.h"
#include "views/figure_internal.h"
#include "views/png_text.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN 14.0
#define MAKER "davidnet " DAVIDNET_VERSION

static cairo_status_t take_bytes(void *closure, const unsigned char *data, unsigned int length)
{
    struct figure *figure = closure;
    if (figure->size + length > figure->room) {
        size_t room = (figure->size + length) * 2 + 4096;
        char *more = realloc(figure->bytes, room);
        if (!more) {
            figure->failed = 1;
            return CAIRO_STATUS_NO_MEMORY;
        }
        figure->bytes = more;
        figure->room = room;
    }
    if (length > 0)
        memcpy(figure->bytes + figure->size, data, length);
    figure->size += length;
    return CAIRO_STATUS_SUCCESS;
}

static void make_surface(struct figure *figure, const struct figure_page *page, double scale)
{
    double w = page->width, h = page->height;
    if (page->format == FIGURE_PNG) {
        figure->surface =
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(w * scale - 1e-6), (int)ceil(h * scale - 1e-6));
        return;
    }
    if (page->format == FIGURE_SVG) {
        figure->surface = cairo_svg_surface_create_for_stream(take_bytes, figure, w, h);
        cairo_svg_surface_set_document_unit(figure->surface, CAIRO_SVG_UNIT_PT);
        return;
    }
    figure->surface = cairo_pdf_surface_create_for_stream(take_bytes, figure, w, h);
    cairo_pdf_surface_set_metadata(figure->surface, CAIRO_PDF_METADATA_CREATE_DATE,
                                   ""); /* none: same bytes each time */
    cairo_pdf_surface_set_metadata(figure->surface, CAIRO_PDF_METADATA_CREATOR, MAKER);
    const struct {
        cairo_pdf_metadata_t what;
        const char *text;
    } texts[] = {{CAIRO_PDF_METADATA_TITLE, page->title},
                 {CAIRO_PDF_METADATA_SUBJECT, page->subtitle},
                 {CAIRO_PDF_METADATA_KEYWORDS, page->caption}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].text)
            cairo_pdf_surface_set_metadata(figure->surface, texts[i].what, texts[i].text);
}

/* Title and subtitle from the top, caption from the foot; what is left is the content. */
static void draw_page_texts(struct figure *figure, const struct figure_page *page)
{
    double margin = fmin(MARGIN, 0.08 * fmin(page->width, page->height));
    struct figure_box left = {margin, margin, fmax(page->width - 2 * margin, 0), fmax(page->height - 2 * margin, 0)};
    if (page->title) {
        const struct figure_font font = {FIGURE_TITLE_SIZE, 1, COLOR_TITLE};
        double used = figure_paragraph(figure, left, &font, 17, 0, page->title);
        left.y += used;
        left.h -= used;
    }
    if (page->subtitle) {
        const struct figure_font font = {FIGURE_TEXT_SIZE, 0, COLOR_DIM};
        double used = figure_paragraph(figure, left, &font, 13, 0, page->subtitle);
        left.y += used;
        left.h -= used;
    }
    if (page->caption) {
        const struct figure_font font = {FIGURE_CAPTION_SIZE, 0, COLOR_DIM};
        double used = figure_paragraph(figure, left, &font, 8.5, 1, page->caption);
        struct figure_box foot = {left.x, left.y + left.h - used, left.w, used};
        figure_paragraph(figure, foot, &font, 8.5, 0, page->caption);
        left.h -= used > 0 ? used + 6 : 0;
    }
    if (page->title || page->subtitle) {
        left.y += 5;
        left.h -= 5;
    }
    left.h = fmax(left.h, 0);
    figure->content = left;
}

/* What is said in the file, besides being drawn. */
static void keep_texts(struct figure *figure, const struct figure_page *page)
{
    const char *const from[] = {page->title, page->subtitle, page->caption};
    char **const to[] = {&figure->title, &figure->subtitle, &figure->caption};
    for (int i = 0; i < 3; i++) {
        *to[i] = from[i] ? strdup(from[i]) : NULL;
        figure->failed |= from[i] && !*to[i];
    }
}

static int say_in_png(struct figure *figure)
{
    const struct png_text texts[] = {
        {"Title", figure->title}, {"Description", figure->subtitle}, {"Comment", figure->caption}, {"Software", MAKER}};
    return png_text_add(&figure->bytes, &figure->size, texts, sizeof texts / sizeof *texts);
}

struct figure *figure_new(const struct figure_page *page, struct error *err)
{
    double scale = page->scale > 0 ? page->scale : 2;
    if (!(page->width >= 1 && page->height >= 1 && page->width <= FIGURE_POINTS_MAX &&
          page->height <= FIGURE_POINTS_MAX)) {
        error_set(err, "a figure of %g x %g points: expected 1 to %d each", page->width, page->height,
                  FIGURE_POINTS_MAX);
        return NULL;
    }
    if (page->format != FIGURE_PNG)
        scale = 1;
    else if (!(page->width * scale <= FIGURE_PIXELS_MAX && page->height * scale <= FIGURE_PIXELS_MAX)) {
        error_set(err, "a PNG of %.0f x %.0f pixels: at most %d each; choose a smaller size or scale",
                  page->width * scale, page->height * scale, FIGURE_PIXELS_MAX);
        return NULL;
    }
    struct figure *figure = calloc(1, sizeof *figure);
    if (!figure) {
        error_set(err, "no memory for a figure");
        return NULL;
    }
    figure->format = page->format;
    figure->width = page->width;
    figure->height = page->height;
    make_surface(figure, page, scale);
    figure->cr = cairo_create(figure->surface);
    keep_texts(figure, page);
    cairo_status_t status = cairo_status(figure->cr);
    if (status != CAIRO_STATUS_SUCCESS) {
        error_set(err, "a figure of %g x %g points: %s", page->width, page->height, cairo_status_to_string(status));
        figure_free(figure);
        return NULL;
    }
    cairo_scale(figure->cr, scale, scale);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(figure->cr, options);
    cairo_font_options_destroy(options);
    cairo_set_source_rgb(figure->cr, 1, 1, 1);
    cairo_paint(figure->cr);
    draw_page_texts(figure, page);
    return figure;
}

double figure_page_height(const struct figure_page *page, double content)
{
    struct figure_page tall = *page;
    tall.format = FIGURE_PNG;
    tall.height = 4000;
    tall.scale = 0.01;
    struct figure *figure = figure_new(&tall, NULL);
    double around = figure ? tall.height - figure->content.h : 0;
    figure_free(figure);
    return around + content;
}

void figure_free(struct figure *figure)
{
    if (!figure)
        return;
    cairo_destroy(figure->cr);
    cairo_surface_destroy(figure->surface);
    for (size_t i = 0; i < figure->n_texts; i++)
        free(figure->texts[i].text);
    free(figure->texts);
    free(figure->title);
    free(figure->subtitle);
    free(figure->caption);
    free(figure->bytes);
    free(figure);
}

struct figure_box figure_content(const struct figure *figure)
{
    return figure->content;
}

struct figure_box figure_whole(const struct figure *figure)
{
    return (struct figure_box){0, 0, figure->width, figure->height};
}

void figure_fail(struct figure *figure)
{
    figure->failed = 1;
}

void figure_place(struct figure *figure, struct figure_box box, const char *text)
{
    if (figure->n_texts == figure->texts_room) {
        size_t room = figure->texts_room * 2 + 64;
        struct figure_placed *more = realloc(figure->texts, room * sizeof *more);
        if (!more) {
            figure->failed = 1;
            return;
        }
        figure->texts = more;
        figure->texts_room = room;
    }
    char *copy = strdup(text);
    if (!copy) {
        figure->failed = 1;
        return;
    }
    figure->texts[figure->n_texts++] = (struct figure_placed){box, copy};
}

size_t figure_texts(const struct figure *figure, const struct figure_placed **texts)
{
    *texts = figure->texts;
    return figure->n_texts;
}

static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else
            fputc(*text, out);
    }
}

/*
 * Cairo's SVG has outlines in place of text, and ids with a counter of the whole process in them. The texts go in
 * behind the opening tag, where screen readers and searches find them; the counter goes out.
 */
static int mend_svg(struct figure *figure)
{
    static const char surface[] = " id=\"surface";
    char *mended = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&mended, &size);
    if (!out)
        return -1;
    const char *at = figure->bytes, *end = figure->bytes + figure->size;
    const char *svg = memmem(at, figure->size, "<svg ", 5), *open = svg ? memchr(svg, '>', (size_t)(end - svg)) : NULL;
    if (open) {
        fwrite(at, 1, (size_t)(open + 1 - at), out);
        fputs("\n<title>", out);
        put_escaped(out, figure->title ? figure->title : "davidnet");
        fputs("</title>\n<desc>", out);
        for (size_t i = 0; i < figure->n_texts; i++) {
            put_escaped(out, figure->texts[i].text);
            fputc('\n', out);
        }
        fputs("</desc>", out);
        at = open + 1;
    }
    while (at < end) {
        const char *found = memmem(at, (size_t)(end - at), surface, sizeof surface - 1);
        const char *stop = found ? found : end;
        fwrite(at, 1, (size_t)(stop - at), out);
        at = stop;
        if (!found)
            break;
        at += sizeof surface - 1;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        fputs(" id=\"surface", out);
    }
    int bad = ferror(out);
    if (fclose(out) != 0 || bad) {
        free(mended);
        return -1;
    }
    free(figure->bytes);
    figure->bytes = mended;
    figure->size = figure->room = size;
    return 0;
}

int figure_encode(struct figure *figure, const char *name, char **bytes, size_t *size, struct error *err)
{
    cairo_status_t status = cairo_status(figure->cr);
    if (status == CAIRO_STATUS_SUCCESS && figure->format == FIGURE_PNG)
        status = cairo_surface_write_to_png_stream(figure->surface, take_bytes, figure);
    cairo_surface_finish(figure->surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(figure->surface);
    if (status != CAIRO_STATUS_SUCCESS)
        return error_set(err, "%s: the figure cannot be drawn: %s", name, cairo_status_to_string(status));
    if (figure->failed || (figure->format == FIGURE_SVG && mend_svg(figure) < 0) ||
        (figure->format == FIGURE_PNG && say_in_png(figure) < 0))
        return error_set(err, "%s: no memory for the figure", name);
    *bytes = figure->bytes;
    *size = figure->size;
    figure->bytes = NULL;
    figure->size = figure->room = 0;
    return 0;
}

int figure_save(struct figure *figure, const char *path, struct error *err)
{
    char *bytes;
    size_t size;
    if (figure_encode(figure, path, &bytes, &size, err) < 0)
        return -1;
    struct file_part part = {bytes, size};
    int rc = file_replace(path, &part, 1, err);
    free(bytes);
    return rc;
}
