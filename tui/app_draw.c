/* Drawing: the frame, the screen, and what is open over it. */
#include "tui/app_internal.h"

#include "views/run_view.h"

#define FOOTER_KEYS 28 /* columns that help, menu and quit take from a message */

/* The last rows of the screen for a message that has no room in the footer, so that its keys stay in sight. Empty: it
 * goes into the footer. */
static struct rect long_message_box(const struct app *app)
{
    struct rect area = app_area(app), box = {area.x, 0, area.w, 0};
    if (app->w >= 60) /* under the footer's margin */
        box = (struct rect){area.x + 1, 0, area.w - 2, 0};
    if (text_width(app->said) + FOOTER_KEYS < app->w)
        return box;
    int lines = put_paragraph(NULL, box, COLOR_ACCENT, app->said);
    box.h = lines <= area.h ? lines : 0;
    box.y = area.y + area.h - box.h;
    return box;
}

static void draw_long_message(const struct app *app, struct grid *grid)
{
    struct rect box = long_message_box(app), area = app_area(app);
    if (box.h == 0)
        return;
    put_fill(grid, (struct rect){area.x, box.y, area.w, box.h}, COLOR_DEFAULT, COLOR_PANEL, NULL);
    if (box.h < area.h) /* panels have no colour of their own everywhere */
        put_fill(grid, (struct rect){area.x, box.y - 1, area.w, 1}, COLOR_ACCENT, COLOR_DEFAULT,
                 grid->ascii ? "-" : "─");
    put_paragraph(grid, box, COLOR_ACCENT, app->said);
}

void app_frame(const struct app *app, const struct app_keys *keys, const char **titles, struct frame_model *frame)
{
    const struct trainer_status *status = &app->model.status;
    int n = app_screen_count(), over = app->over != APP_HELP && long_message_box(app).h > 0;
    for (int i = 0; i < n && i < FRAME_SCREENS_MAX; i++)
        titles[i] = app_screens[i]->title;
    *frame = (struct frame_model){.screens = titles,
                                  .n_screens = n,
                                  .current = app->screen,
                                  .run = status->run,
                                  .state = app->source.ops ? trainer_phase_name(status->phase) : NULL,
                                  .state_color = run_phase_color(status->phase),
                                  .next = app->queue                  ? "1 queued"
                                          : campaign_job_waiting(app) ? "campaign waits"
                                                                      : NULL,
                                  .train_seconds = status->train_seconds,
                                  .speedrun_seconds = status->speedrun_seconds,
                                  .wall_seconds = status->wall_seconds,
                                  .message = over ? NULL : app->said,
                                  .keys = keys->keys,
                                  .n_keys = keys->n};
}

void app_draw(const struct app *app, struct grid *grid)
{
    const struct screen *screen = app_current(app);
    const char *titles[FRAME_SCREENS_MAX];
    struct app_keys keys;
    struct app_menu menu;
    struct frame_model frame;
    grid_clear(grid);
    app_keys_now(app, &keys);
    app_frame(app, &keys, titles, &frame);
    struct rect area = frame_draw(&frame, grid, (struct rect){0, 0, grid->w, grid->h});
    if (app->over == APP_HELP) {
        app_keys_help(app, &keys);
        help_draw(keys.keys, keys.n, screen->intro, app->help_top, grid, area);
        return;
    }
    screen->draw(app, grid, area);
    draw_long_message(app, grid);
    if (app->over == APP_DIALOG) {
        dialog_draw(app->dialog->title, app->asked, keys.keys, keys.n, grid, area);
    } else if (app->over == APP_MENU) {
        app_menu_make(app, &menu);
        menu_draw(menu.rows, menu.n, &app->menu_text, app->menu_at, grid, area);
    }
}
