/* What the files of the app share: its tables, and the rows that are drawn and chosen from. */
#ifndef DAVIDNET_TUI_APP_INTERNAL_H
#define DAVIDNET_TUI_APP_INTERNAL_H

#include "tui/app.h"
#include "views/menu.h"

/* Up to NULL. */
extern const struct screen *const app_screens[];
int app_screen_count(void);
const struct screen *app_current(const struct app *app);

extern const struct binding app_everywhere[]; /* keys that work on every screen */

/* Rows with their bindings, in one order. */
struct app_keys {
    struct frame_key keys[FRAME_KEYS_MAX];
    const struct binding *bindings[FRAME_KEYS_MAX];
    int n;
};
/* What works now: the footer's, or the dialog's answers. */
void app_keys_now(const struct app *app, struct app_keys *out);
/* What there is on this screen and on every one: the help's. */
void app_keys_help(const struct app *app, struct app_keys *out);

struct app_menu {
    struct menu_row rows[MENU_ROWS_MAX];
    struct {
        const struct binding *binding; /* NULL: only go to the screen */
        int screen;                    /* -1: stay */
    } acts[MENU_ROWS_MAX];
    char keys[9][2]; /* "1", "2" ... */
    int n;
};
extern const struct binding app_menu_keys[]; /* beside the letters, which look for a command */
void app_open_menu(struct app *app);
void app_menu_make(const struct app *app, struct app_menu *menu);
int app_menu_key(struct app *app, int key);    /* 1: taken */
void app_menu_choose(struct app *app, int at); /* of the rows that match */

/* The frame around a screen, with `titles` (FRAME_SCREENS_MAX) and keys as its rows. */
void app_frame(const struct app *app, const struct app_keys *keys, const char **titles, struct frame_model *frame);

#endif
