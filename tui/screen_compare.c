/* The Compare screen: its keys. What it looks like is views/compare_view.c; campaigns are run by tui/campaign_job.c. */
#include "tui/app.h"
#include "views/compare_view.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_SECONDS 2 /* between looks at the folders */

static const struct compare_item *here(const struct app *app)
{
    return compare_model_here(&app->compare);
}

static int has_items(const struct app *app)
{
    return here(app) != NULL;
}

static int on_family(const struct app *app)
{
    return here(app) && here(app)->campaign < 0;
}

static int on_campaign(const struct app *app)
{
    return here(app) && here(app)->campaign >= 0;
}

/* ---- keys ---- */

static void move_by(struct app *app, int by)
{
    compare_model_move(&app->compare, app->compare.cursor + by);
}

static void do_up(struct app *app)
{
    move_by(app, -1);
}

static void do_down(struct app *app)
{
    move_by(app, 1);
}

static int page(const struct app *app)
{
    struct compare_layout layout;
    compare_layout_make(app_area(app), app->compare.n_items, &layout);
    return layout.list.h > 2 ? layout.list.h - 2 : 1;
}

static void do_page_up(struct app *app)
{
    move_by(app, -page(app));
}

static void do_page_down(struct app *app)
{
    move_by(app, page(app));
}

static void do_first(struct app *app)
{
    compare_model_move(&app->compare, 0);
}

static void do_last(struct app *app)
{
    compare_model_move(&app->compare, app->compare.n_items);
}

static void do_a(struct app *app)
{
    compare_model_choose(&app->compare, 0);
}

static void do_b(struct app *app)
{
    compare_model_choose(&app->compare, 1);
}

static void do_swap(struct app *app)
{
    compare_model_swap(&app->compare);
}

static int has_pair(const struct app *app)
{
    return app->compare.has && app->compare.b[0] != '\0';
}

/* ---- a campaign goes on ---- */

static int all_ended(const struct app *app)
{
    return on_campaign(app) && here(app)->ended >= here(app)->planned;
}

/* The campaign at the cursor is the one that waits for the run that trains. */
static int waits_here(const struct app *app)
{
    return on_campaign(app) && campaign_job_waiting(app) && strcmp(here(app)->name, app->campaign.campaign->name) == 0;
}

static int can_go_on(const struct app *app)
{
    return on_campaign(app) && app->can_start && (!campaign_job_running(app) || waits_here(app));
}

static const char *go_on_label(const struct app *app)
{
    return waits_here(app) ? "do not start" : all_ended(app) ? "more runs" : "go on";
}

static void do_go_on(struct app *app)
{
    if (waits_here(app)) {
        app_say(app, "campaign %s does not start now; R goes on with it", app->campaign.campaign->name);
        campaign_job_end(app);
        return;
    }
    struct campaign *c = malloc(sizeof *c); /* large */
    if (!c)
        return;
    *c = app->compare.campaigns[here(app)->campaign];
    if (all_ended(app))
        campaign_ask_extend(app, c);
    else
        campaign_job_start(app, c, 0);
}

static const char *why(const struct app *app, const char *key)
{
    if (strcmp(key, "R") == 0)
        return !on_campaign(app) ? "only a campaign is gone on with"
               : !app->can_start ? "no run can be started from here"
                                 : "a campaign is running: stop its run first (x on the Run screen)";
    if (strcmp(key, "a") == 0 || strcmp(key, "b") == 0)
        return "a campaign has its two sides: Enter compares them";
    return strcmp(key, "s") == 0 ? "there are no two recipes to change over" : NULL;
}

static const struct binding compare_keys[] = {
    {"Enter", NULL, "compare", "Compare the two sides of the campaign", on_campaign, NULL, do_a},
    {"a", NULL, "as A", "The recipe at the cursor becomes A, what the other is compared with", on_family, NULL, do_a},
    {"b", "Enter", "as B", "The recipe at the cursor becomes B", on_family, NULL, do_b},
    {"s", NULL, "swap", "A and B change over", has_pair, NULL, do_swap},
    {"R", NULL, "go on", "Go on with the campaign at the cursor, or extend it when all its runs have ended", can_go_on,
     go_on_label, do_go_on},
    {"Up", "k", NULL, "The line above", has_items, NULL, do_up},
    {"Down", "j", NULL, "The line below", has_items, NULL, do_down},
    {"PgUp", NULL, NULL, "A page up", has_items, NULL, do_page_up},
    {"PgDn", NULL, NULL, "A page down", has_items, NULL, do_page_down},
    {"Home", "g", NULL, "The first line", has_items, NULL, do_first},
    {"End", "G", NULL, "The last line", has_items, NULL, do_last},
    {0},
};

static void mouse(struct app *app, const struct mouse *event, struct rect area)
{
    if (event->what != MOUSE_PRESS) {
        move_by(app, event->what == MOUSE_WHEEL_UP ? -3 : 3);
        return;
    }
    int item = compare_view_find(&app->compare, area, event->x, event->y);
    if (item < 0)
        return;
    compare_model_move(&app->compare, item);
    if (event->twice)
        compare_model_choose(&app->compare, on_family(app));
}

/* ---- what there is ---- */

/* Small files, and only when something changed. */
static void take(struct app *app)
{
    char(*names)[RUN_CAMPAIGN_MAX];
    struct error err = {""};
    int count, n = 0;
    if (campaign_list(app->runs.parent, &names, &count, &err))
        app_say(app, "%s", err.text);
    struct campaign *campaigns = malloc(((size_t)count + 1) * sizeof *campaigns);
    for (int i = 0; campaigns && i < count; i++) {
        if (campaign_read(&campaigns[n], app->runs.parent, names[i], &err) == 0)
            n++;
        else
            app_say(app, "%s", err.text);
    }
    if (campaigns)
        compare_model_take(&app->compare, app->runs.entries, app->runs.n_entries, campaigns, n);
    free(campaigns);
    free(names);
    app->dirty = 1;
}

static void update(struct app *app)
{
    runs_watch_update(app, 1, LOOK_SECONDS);
    if (app->compare.reading != runs_watch_reading(app))
        app->dirty = 1;
    app->compare.reading = runs_watch_reading(app);
    if (app->compare.waiting != campaign_job_waiting(app))
        app->dirty = 1;
    app->compare.waiting = campaign_job_waiting(app);
    if (app->watch.generation == app->compare_generation)
        return;
    int begun = app->compare_generation == UINT_MAX;
    take(app);
    app->compare_generation = app->watch.generation;
    if (begun && app->campaign.campaign)
        compare_model_choose_campaign(&app->compare, app->campaign.campaign->name);
}

static void enter(struct app *app)
{
    runs_watch_update(app, 1, 0);
    runs_watch_refresh(app);
}

static void draw(const struct app *app, struct grid *grid, struct rect area)
{
    compare_view_draw(&app->compare, grid, area);
}

static void release(struct app *app)
{
    compare_model_release(&app->compare);
}

const struct screen screen_compare = {
    .title = "Compare",
    .intro =
        "What two sets of runs say about each other: the two sides of a campaign, or the runs of two recipes. Gain, "
        "loss or noise by Welch's test; each run's last accuracy over the mean and its 95 % interval; curves as "
        "mean and band; and what the difference is worth, at 0.1 % for one epoch. C on the Tricks screen starts a "
        "campaign.",
    .keys = compare_keys,
    .draw = draw,
    .enter = enter,
    .update = update,
    .why = why,
    .mouse = mouse,
    .release = release,
};
