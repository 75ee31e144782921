/* What keys and the mouse do: the tables of every screen, the question before leaving, and who is asked first. */
#include "tui/app_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- keys that work on every screen ---- */

static void do_help(struct app *app)
{
    app->over = app->over == APP_HELP ? APP_SCREEN : APP_HELP;
    app->help_top = 0;
}

void app_open_menu(struct app *app)
{
    app->over = APP_MENU;
    line_edit_set(&app->menu_text, "");
    app->menu_at = 0;
}

void app_close_dialog(struct app *app)
{
    app->over = APP_SCREEN;
}

static void do_redraw(struct app *app)
{
    app->redraw = 1;
}

static void do_slower(struct app *app)
{
    app->delay_ms = app->delay_ms * 2 > 5000 ? 5000 : app->delay_ms * 2;
    app_say(app, "a frame every %g s", app->delay_ms / 1000.0);
}

static void do_faster(struct app *app)
{
    app->delay_ms = app->delay_ms / 2 < 100 ? 100 : app->delay_ms / 2;
    app_say(app, "a frame every %g s", app->delay_ms / 1000.0);
}

static void do_quit(struct app *app);

static int is_over(const struct app *app)
{
    return app->over != APP_SCREEN;
}

const struct binding app_everywhere[] = {
    {"?", "F1", "help", "All keys of this screen, and back", NULL, NULL, do_help},
    {":", NULL, "menu", "All commands, found by typing", NULL, NULL, app_open_menu},
    {"Esc", NULL, NULL, "Close what is open", is_over, NULL, app_close_dialog},
    {"-", NULL, NULL, "Fewer frames a second", NULL, NULL, do_slower},
    {"+", "=", NULL, "More frames a second, up to ten", NULL, NULL, do_faster},
    {"Ctrl-L", NULL, NULL, "Draw everything again", NULL, NULL, do_redraw},
    {"Ctrl-Z", NULL, NULL, "Suspend: the run pauses, fg goes on", NULL, NULL, NULL},
    {"q", NULL, "quit", "Quit; asks while a run is training", NULL, NULL, do_quit},
    {0},
};

/* ---- leaving ---- */

static void do_leave(struct app *app)
{
    app->over = APP_SCREEN;
    app_leave(app);
}

static void do_leave_after_epoch(struct app *app)
{
    app->over = APP_SCREEN;
    app->leaving = 1;
    app_stop(app, TRAINER_STOP_EPOCH);
    app_say(app, "stopping at the end of this epoch, then leaving");
}

static const struct binding quit_keys[] = {
    {"y", "Enter", NULL, "Stop at this step, save, leave", NULL, NULL, do_leave},
    {"e", NULL, NULL, "Stop at the end of this epoch, then leave", NULL, NULL, do_leave_after_epoch},
    {"n", "Esc", NULL, "Go on training", NULL, NULL, app_close_dialog},
    {0},
};
/* Its text depends on the run. */
static const struct dialog quit_dialog = {"Quit?", "", quit_keys};

static void ask_to_quit(struct app *app)
{
    app_ask(app, &quit_dialog);
    app_ask_more(app, app->paused ? "The run is paused." : "The run is still training.");
    app_ask_more(app, "What is done is saved, and 'davidnet resume' goes on from there.");
    if (app->queue == APP_QUEUE_AFTER)
        app_ask_more(app, "The queued run is dropped: the command that starts it is printed.");
    if (app_only_here(app))
        app_ask_more(app, "The changed recipe on the Tricks screen is dropped, too, and its command printed.");
}

static void do_see_tricks(struct app *app)
{
    app_go(app, &screen_tricks);
}

static const struct binding lost_keys[] = {
    {"y", "Enter", NULL, "Leave; the command that trains it is printed", NULL, NULL, do_leave},
    {"t", NULL, NULL, "To the Tricks screen", NULL, NULL, do_see_tricks},
    {"n", "Esc", NULL, "Stay", NULL, NULL, app_close_dialog},
    {0},
};
static const struct dialog lost_dialog = {
    "Quit?", "The recipe on the Tricks screen was changed, and neither started nor written to a file.", lost_keys};

int app_only_here(const struct app *app)
{
    return app->tricks.row && tricks_model_only_here(&app->tricks);
}

static void do_quit(struct app *app)
{
    if (app->over == APP_HELP)
        app->over = APP_SCREEN;
    else if (app_training(app) && !app->leaving)
        ask_to_quit(app);
    else if (!app->leaving && app_only_here(app))
        app_ask(app, &lost_dialog);
    else
        app_leave(app);
}

void app_interrupt(struct app *app)
{
    int asked = app->over == APP_DIALOG && (app->dialog == &quit_dialog || app->dialog == &lost_dialog);
    if (app->leaving || asked || !(app_training(app) || app_only_here(app)))
        app_leave(app);
    else if (app_training(app))
        ask_to_quit(app);
    else
        app_ask(app, &lost_dialog);
}

void app_ask(struct app *app, const struct dialog *dialog)
{
    app->dialog = dialog;
    app->dialog_typed = NULL;
    snprintf(app->asked, sizeof app->asked, "%s", dialog->text);
    app->over = APP_DIALOG;
    app->dirty = 1;
}

void app_ask_more(struct app *app, const char *sentence)
{
    size_t used = strlen(app->asked);
    snprintf(app->asked + used, sizeof app->asked - used, "%s%s", used ? " " : "", sentence);
}

/* ---- rows for the footer and the help ---- */

/* Appends the rows that work now (all: every row) and have a key. */
static void list_keys(const struct app *app, const struct binding *table, const char *group, int all,
                      struct app_keys *out)
{
    for (const struct binding *b = table; b->key && out->n < FRAME_KEYS_MAX; b++) {
        if (!*b->key || (!all && b->enabled && !b->enabled(app)))
            continue;
        const char *label = b->name ? b->name(app) : b->label;
        out->bindings[out->n] = b;
        out->keys[out->n++] =
            (struct frame_key){b->key, label, b->help, group, table == app_everywhere, all ? b->also : NULL};
    }
}

void app_keys_now(const struct app *app, struct app_keys *out)
{
    const struct screen *screen = app_current(app);
    out->n = 0;
    if (app->over == APP_DIALOG) {
        list_keys(app, app->dialog->keys, NULL, 0, out);
        for (int i = 0; i < out->n; i++)
            out->keys[i].label = out->keys[i].help;
        return;
    }
    if (app->over == APP_MENU) {
        list_keys(app, app_menu_keys, "Menu", 0, out);
        return;
    }
    if (app->over == APP_SCREEN)
        list_keys(app, screen->keys, screen->title, 0, out);
    if (app->over != APP_SCREEN || !screen->typing || !screen->typing(app))
        list_keys(app, app_everywhere, "Everywhere", 0, out);
}

void app_keys_help(const struct app *app, struct app_keys *out)
{
    const struct screen *screen = app_current(app);
    out->n = 0;
    list_keys(app, screen->keys, screen->title, 1, out);
    list_keys(app, app_everywhere, "Everywhere", 1, out);
}

/* ---- keys ---- */

/* The row of the table that the key belongs to and that works now. */
static const struct binding *find_binding(const struct app *app, const struct binding *table, int key)
{
    for (const struct binding *b = table; b->key; b++) {
        int mine = keys_parse(b->key) == key || (b->also && keys_parse(b->also) == key);
        if (mine && b->act && (!b->enabled || b->enabled(app)))
            return b;
    }
    return NULL;
}

/* A key that the help names, and that does nothing now. */
static void say_why(struct app *app, int key)
{
    const struct screen *screen = app_current(app);
    for (const struct binding *b = screen->keys; screen->why && b->key; b++) {
        int mine = keys_parse(b->key) == key || (b->also && keys_parse(b->also) == key);
        const char *why = mine ? screen->why(app, b->key) : NULL;
        if (!why)
            continue;
        app_say(app, "%s", why);
        return;
    }
}

void app_go(struct app *app, const struct screen *screen)
{
    for (int i = 0; app_screens[i]; i++) {
        if (app_screens[i] != screen)
            continue;
        app->screen = i;
        app->over = APP_SCREEN;
        app->dirty = 1;
        if (screen->enter)
            screen->enter(app);
        return;
    }
}

static void scroll_help(struct app *app, int by)
{
    struct app_keys keys;
    app_keys_help(app, &keys);
    int most = help_rows(keys.keys, keys.n, app_current(app)->intro, app_area(app));
    app->help_top += by;
    app->help_top = app->help_top > most ? most : app->help_top;
    app->help_top = app->help_top < 0 ? 0 : app->help_top;
}

static int help_key(struct app *app, int key)
{
    int page = app_area(app).h - 2 > 1 ? app_area(app).h - 2 : 1;
    switch (key) {
    case KEYS_UP:
        scroll_help(app, -1);
        return 1;
    case KEYS_DOWN:
        scroll_help(app, 1);
        return 1;
    case KEYS_PAGE_UP:
        scroll_help(app, -page);
        return 1;
    case ' ':
    case KEYS_PAGE_DOWN:
        scroll_help(app, page);
        return 1;
    case KEYS_HOME:
        scroll_help(app, -FRAME_KEYS_MAX * 4);
        return 1;
    case KEYS_END:
        scroll_help(app, FRAME_KEYS_MAX * 4);
        return 1;
    default:
        return 0;
    }
}

static int typed(struct app *app, int key)
{
    const struct screen *screen = app_current(app);
    if (app->over == APP_MENU)
        return app_menu_key(app, key);
    if (app->over == APP_DIALOG)
        return app->dialog_typed && app->dialog_typed(app, key);
    return app->over == APP_SCREEN && screen->typed && screen->typed(app, key);
}

void app_key(struct app *app, int key)
{
    const struct binding *binding = NULL;
    if (key == KEYS_NONE)
        return;
    app->dirty = 1;
    app->said[0] = '\0';
    app->redraw |= key == KEYS_CTRL('L'); /* whatever is open */
    if (typed(app, key) || (app->over == APP_HELP && help_key(app, key)))
        return;
    if (app->over == APP_DIALOG) {
        binding = find_binding(app, app->dialog->keys, key);
        if (!binding && key == KEYS_ESC)
            app->over = APP_SCREEN;
    } else {
        if (app->over == APP_SCREEN)
            binding = find_binding(app, app_current(app)->keys, key);
        if (!binding)
            binding = find_binding(app, app_everywhere, key);
        if (!binding && key >= '1' && key < '1' + app_screen_count())
            app_go(app, app_screens[key - '1']);
        else if (!binding && app->over == APP_SCREEN)
            say_why(app, key);
    }
    if (binding)
        binding->act(app);
}

void app_paste(struct app *app, int key)
{
    if (key < ' ' || key == KEYS_BACKSPACE)
        return;
    if (app->over == APP_MENU ? keys_edit(&app->menu_text, key) : typed(app, key))
        app->dirty = 1;
}

/* ---- the mouse ---- */

static void press_binding(struct app *app, const struct app_keys *keys, int index)
{
    app->said[0] = '\0';
    if (keys->bindings[index]->act)
        keys->bindings[index]->act(app);
}

static void press(struct app *app, const struct mouse *event, struct rect area)
{
    struct app_keys keys;
    struct frame_model frame;
    struct app_menu menu;
    const char *titles[FRAME_SCREENS_MAX];
    int index;
    app_keys_now(app, &keys);
    app_frame(app, &keys, titles, &frame);
    enum frame_part part = frame_find(&frame, (struct rect){0, 0, app->w, app->h}, event->x, event->y, &index);
    if (app->over == APP_DIALOG) {
        if (part != FRAME_KEY)
            index = dialog_find(app->asked, keys.keys, keys.n, area, event->x, event->y);
        if (part == FRAME_KEY || index >= 0)
            press_binding(app, &keys, index);
    } else if (part == FRAME_SCREEN) {
        app_go(app, app_screens[index]);
    } else if (part == FRAME_KEY) {
        press_binding(app, &keys, index);
    } else if (app->over == APP_MENU) {
        app_menu_make(app, &menu);
        index = menu_find(menu.rows, menu.n, app->menu_text.text, app->menu_at, area, event->x, event->y);
        if (index >= 0)
            app_menu_choose(app, index);
        else
            app->over = APP_SCREEN;
    }
}

void app_mouse(struct app *app, const struct mouse *event)
{
    const struct screen *screen = app_current(app);
    struct rect area = app_area(app);
    int inside = rect_intersect(area, (struct rect){event->x, event->y, 1, 1}).w > 0;
    int up = event->what == MOUSE_WHEEL_UP;
    app->dirty = 1;
    if (app->over == APP_SCREEN && inside) {
        if (screen->mouse)
            screen->mouse(app, event, area);
    } else if (event->what == MOUSE_PRESS) {
        press(app, event, area);
    } else if (app->over == APP_HELP) {
        scroll_help(app, up ? -3 : 3);
    } else if (app->over == APP_MENU) {
        app_menu_key(app, up ? KEYS_UP : KEYS_DOWN);
    }
}
