#include "tui/figure_output.h"

#include "engine/number.h"
#include "tui/command.h"
#include "tui/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define WIDTH 520.0
#define LEAST_CONTENT 0.75

/* 1: the word of that length is among words; out gets it as it stands there. */
static int find_word(const char *word, const char *words, char out[8])
{
    size_t length = strlen(word);
    while (*words) {
        size_t n = strcspn(words, " ");
        if (n == length && n < 8 && strncasecmp(words, word, n) == 0) {
            memcpy(out, words, n);
            out[n] = '\0';
            return 1;
        }
        words += n + (words[n] == ' ');
    }
    return 0;
}

const char *figure_output_format(const char *name, const char *path, const char *words, const char *otherwise,
                                 char out[8], struct error *err)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    const char *dot = path ? strrchr(slash ? slash : path, '.') : NULL;
    int plain = !dot || dot == slash + 1 || dot == path || dot[1] == '\0' ||
                (strcmp(otherwise, "table") == 0 && strcasecmp(dot, ".txt") == 0);
    if (find_word(name ? name : plain ? otherwise : dot + 1, words, out))
        return out;
    if (name)
        error_set(err, "--format %.40s: expected one of %s", name, words);
    else
        error_set(err, "-o %.200s: '%.20s' is the ending of no format; use one of %s, or say --format", path, dot,
                  words);
    return NULL;
}

int figure_output_check(enum figure_format format, const char *path, struct error *err)
{
    int to_stdout = path == NULL || strcmp(path, "-") == 0;
    if (format == FIGURE_SVG || !to_stdout || !isatty(STDOUT_FILENO))
        return 0;
    return error_set(err, "a %s is not for a terminal: name a file, -o FILE.%s, or redirect the output",
                     format == FIGURE_PNG ? "PNG" : "PDF", figure_format_name(format));
}

int figure_output_scale(const char *text, double *scale, struct error *err)
{
    if (number_parse_real(text, scale) < 0 || !(*scale >= 0.1 && *scale <= 20))
        return error_set(err, "--scale %s: expected pixels a point, 0.1 to 20", text);
    return 0;
}

/* page: as wide as --size says. */
static int check_size(const struct figure_page *page, const struct figure_room *room, double width, struct error *err)
{
    struct figure_page least = *page;
    least.width = fmax(page->width, ceil(room->least_width > 0 ? room->least_width : width / 2));
    double content = room->least_content > 0 ? room->least_content : room->content * LEAST_CONTENT;
    least.height = ceil(figure_page_height(&least, content));
    if (page->width >= least.width && page->height >= least.height)
        return 0;
    return error_set(err, "--size %dx%d has no room for the figure beside its texts: give at least %.0fx%.0f",
                     display.width, display.height, least.width, least.height);
}

struct figure *figure_output_page(enum figure_format format, double scale, const struct figure_room *room,
                                  const char *title, const char *subtitle, const char *caption, struct error *err)
{
    double width = room->width > 0 ? room->width : WIDTH;
    struct figure_page page = {format, width, 0, scale, title, subtitle, caption};
    page.height = figure_page_height(&page, room->content);
    if (display.width > 0) {
        page.width = display.width;
        page.height = display.height;
        if (check_size(&page, room, width, err) < 0)
            return NULL;
    }
    return figure_new(&page, err);
}

int figure_output_write(struct figure *figure, const char *path, struct error *err)
{
    char *bytes;
    size_t size;
    int rc = figure_encode(figure, path ? path : "the standard output", &bytes, &size, err);
    figure_free(figure);
    if (rc < 0)
        return -1;
    rc = run_output(path, bytes, size, err);
    free(bytes);
    return rc;
}

const char *figure_output_drawn_by(char *out, size_t size)
{
    snprintf(out, size, "drawn by davidnet %s (%s)", version_number(), version_commit());
    return out;
}
