#include "engine/images_name.h"

#include "engine/utf8.h"

#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

void images_name_add(char *name, size_t size, const char *source, const char *digest, int same_source)
{
    char recipe[81], images[61];
    int with_digest = same_source || source[0] == '\0';
    snprintf(recipe, sizeof recipe, "%.80s", name);
    snprintf(images, sizeof images, "%.60s", source[0] ? base_name(source) : "images");
    snprintf(name, size, "%s on %s%s%.8s", utf8_cut(recipe), utf8_cut(images), with_digest ? " " : "",
             with_digest ? digest : "");
    utf8_cut(name);
}

int images_name_same(const char *source, const char *other)
{
    return strcmp(base_name(source), base_name(other)) == 0;
}
