/* The menu of commands: every row of the key tables, the screens, and what has no key. */
#include "tui/app_internal.h"
#include "tui/guide.h"

#include <stdio.h>

static void do_mouse(struct app *app)
{
    app->mouse = !app->mouse;
    app_say(app, app->mouse ? "the mouse works here; with Shift it selects text" : "the mouse selects text again");
}

static int is_elsewhere(const struct app *app)
{
    return !campaign_ask_can(app) || app_current(app) != &screen_tricks;
}

/* A campaign is of a trick, and tricks are on their screen. */
static void do_campaign(struct app *app)
{
    app_go(app, campaign_job_running(app) ? &screen_compare : &screen_tricks);
    app_say(app, campaign_job_running(app) ? "a campaign is running: one at a time"
                                           : "go to the row of the trick to be tested, and press C");
}

/* Commands that are only in the menu. */
static const struct binding commands[] = {
    {"", NULL, "campaign", "Start a campaign: train with a trick and without it, for a verdict", is_elsewhere, NULL,
     do_campaign},
    {"", NULL, "mouse", "The mouse here, or for the terminal to select text with", NULL, NULL, do_mouse},
    {"", NULL, "guide", "The guide that is shown at the first start", NULL, NULL, guide_show},
    {0},
};

static void do_choose(struct app *app)
{
    app_menu_key(app, KEYS_ENTER);
}

const struct binding app_menu_keys[] = {
    {"Enter", NULL, "do it", "Do what is selected", NULL, NULL, do_choose},
    {"Esc", NULL, "close", "Close the menu", NULL, NULL, app_close_dialog},
    {0},
};

static void add(struct app_menu *menu, const char *group, const char *name, const char *text, const char *key,
                const struct binding *binding, int screen)
{
    if (menu->n == MENU_ROWS_MAX)
        return;
    menu->rows[menu->n] = (struct menu_row){group, name, text, key, 0};
    menu->acts[menu->n].binding = binding;
    menu->acts[menu->n++].screen = screen;
}

/* labelled: only what is important enough for the footer. */
static void add_table(const struct app *app, const struct binding *table, const char *group, int labelled, int screen,
                      struct app_menu *menu)
{
    for (const struct binding *b = table; b->key; b++) {
        const char *label = b->name ? b->name(app) : b->label;
        int about_menu = b->act == app_close_dialog || b->act == app_open_menu;
        if (b->act && !about_menu && (!labelled || label) && (!b->enabled || b->enabled(app)))
            add(menu, group, label, b->help, b->key, b, screen);
    }
}

void app_menu_make(const struct app *app, struct app_menu *menu)
{
    menu->n = 0;
    add_table(app, app_current(app)->keys, app_current(app)->title, 0, -1, menu);
    for (int i = 0; app_screens[i] && i < (int)sizeof menu->keys / 2; i++) {
        menu->keys[i][0] = (char)('1' + i);
        menu->keys[i][1] = '\0';
        if (i == app->screen || menu->n == MENU_ROWS_MAX)
            continue;
        add(menu, "Go to", app_screens[i]->title, app_screens[i]->intro, menu->keys[i], NULL, i);
        menu->rows[menu->n - 1].titled = 1;
    }
    add_table(app, app_everywhere, "Everywhere", 0, -1, menu);
    add_table(app, commands, "Everywhere", 0, -1, menu);
    for (int i = 0; app_screens[i]; i++)
        if (i != app->screen)
            add_table(app, app_screens[i]->keys, app_screens[i]->title, 1, i, menu);
}

void app_menu_choose(struct app *app, int at)
{
    struct app_menu menu;
    int order[MENU_ROWS_MAX];
    app_menu_make(app, &menu);
    int count = menu_filter(menu.rows, menu.n, app->menu_text.text, order);
    app->over = APP_SCREEN;
    if (at < 0 || at >= count)
        return;
    const struct binding *binding = menu.acts[order[at]].binding;
    int screen = menu.acts[order[at]].screen;
    if (screen >= 0) { /* the screen is brought up to date before it is asked */
        app_go(app, app_screens[screen]);
        app_update(app);
    }
    if (binding && (!binding->enabled || binding->enabled(app)))
        binding->act(app);
}

int app_menu_key(struct app *app, int key)
{
    struct app_menu menu;
    int order[MENU_ROWS_MAX], page = app_area(app).h / 2;
    app_menu_make(app, &menu);
    int count = menu_filter(menu.rows, menu.n, app->menu_text.text, order);
    int at = app->menu_at < count ? app->menu_at : count - 1;
    switch (key) {
    case KEYS_UP:
        at--;
        break;
    case KEYS_DOWN:
        at++;
        break;
    case KEYS_PAGE_UP:
        at -= page;
        break;
    case KEYS_PAGE_DOWN:
        at += page;
        break;
    case KEYS_ENTER:
        app_menu_choose(app, at);
        return 1;
    case KEYS_ESC:
        app->over = APP_SCREEN;
        return 1;
    default:
        /* Backspace in an empty field takes the colon away again. */
        if (key == KEYS_BACKSPACE && !*app->menu_text.text)
            app->over = APP_SCREEN;
        else if (keys_edit(&app->menu_text, key))
            app->menu_at = 0;
        return 1;
    }
    at = at < count ? at : count - 1;
    app->menu_at = at < 0 ? 0 : at;
    return 1;
}
