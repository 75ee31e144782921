#include "views/figure.h"

#include <string.h>
#include <strings.h>

static const char *const format_names[FIGURE_FORMAT_COUNT] = {
    [FIGURE_PNG] = "png", [FIGURE_SVG] = "svg", [FIGURE_PDF] = "pdf"};

const char *figure_format_name(enum figure_format format)
{
    return format_names[format];
}

int figure_format_of_name(const char *name)
{
    for (int i = 0; i < FIGURE_FORMAT_COUNT; i++)
        if (strcasecmp(name, format_names[i]) == 0)
            return i;
    return -1;
}

int figure_format_of_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    return dot ? figure_format_of_name(dot + 1) : -1;
}
