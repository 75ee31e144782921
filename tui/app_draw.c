/* Drawing: the frame, the screen, and what is open over it. */
#include "tui/app_internal.h"

#include "views/run_view.h"

void app_frame(const struct app *app, const struct app_keys *keys, const char **titles, struct frame_model *frame)
{
    const struct trainer_status *status = &app->model.status;
    int n = app_screen_count();
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
                                  .message = app->said,
                                  .keys = keys->keys,
                                  .n_keys = keys->n};
}

#define FOOTER_KEYS 28 /* columns that help, menu and quit take from a message */

/* A message that has no room in the footer: instead of it, and over the screen's last rows, too, for its reason often
 * comes last. */
static void draw_long_message(const struct app *app, struct grid *grid, struct rect area)
{
    int lines = put_paragraph(NULL, (struct rect){0, 0, grid->w, 0}, COLOR_ACCENT, app->said);
    struct rect box = {0, area.y + area.h + 1 - lines, grid->w, lines};
    if (text_width(app->said) + FOOTER_KEYS < grid->w || lines > area.h || box.y + lines > grid->h)
        return;
    put_fill(grid, box, COLOR_DEFAULT, COLOR_PANEL, NULL);
    put_paragraph(grid, box, COLOR_ACCENT, app->said);
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
    draw_long_message(app, grid, area);
    if (app->over == APP_DIALOG) {
        dialog_draw(app->dialog->title, app->asked, keys.keys, keys.n, grid, area);
    } else if (app->over == APP_MENU) {
        app_menu_make(app, &menu);
        menu_draw(menu.rows, menu.n, &app->menu_text, app->menu_at, grid, area);
    }
}
