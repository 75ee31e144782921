#include "tests/figure_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
