#include "tests/app_hands.h"

#include "tui/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void app_press(struct app *app, const char *key)
{
    int code = keys_parse(key);
    if (code == KEYS_NONE)
        fail_msg("no key is named '%s'", key);
    app_key(app, code);
    app_update(app);
}

void app_type(struct app *app, const char *text)
{
    for (; *text; text++)
        app_key(app, *text);
    app_update(app);
}

int app_shows(const struct app *app, const char *text)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, app->w, app->h), 0);
    app_draw(app, &grid);
    char *screen = grid_text(&grid);
    assert_non_null(screen);
    int found = strstr(screen, text) != NULL;
    free(screen);
    grid_release(&grid);
    return found;
}
