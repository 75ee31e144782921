#include "views/figure.h"

#include "kernels/left_out.h"

#include <stddef.h>

struct figure *figure_new(const struct figure_page *page, struct error *err)
{
    (void)page;
    left_out(err, "figures need", "cairo", NULL);
    return NULL;
}

/* There is no figure that the rest could be asked for. */

void figure_free(struct figure *figure)
{
    (void)figure;
}

double figure_page_height(const struct figure_page *page, double content)
{
    (void)page;
    return content;
}

struct figure_box figure_content(const struct figure *figure)
{
    (void)figure;
    return (struct figure_box){0, 0, 0, 0};
}

struct figure_box figure_whole(const struct figure *figure)
{
    return figure_content(figure);
}

void figure_fail(struct figure *figure)
{
    (void)figure;
}

int figure_encode(struct figure *figure, const char *name, char **bytes, size_t *size, struct error *err)
{
    (void)figure, (void)size;
    *bytes = NULL;
    left_out(err, "figures need", "cairo", NULL);
    return error_prefix(err, "%s", name);
}

int figure_save(struct figure *figure, const char *path, struct error *err)
{
    char *bytes;
    size_t size;
    return figure_encode(figure, path, &bytes, &size, err);
}
