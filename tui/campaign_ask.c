#include "tui/campaign_ask.h"

#include "tui/app.h"
#include "views/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_USUAL 10
#define MORE_MOST 1000 /* more runs a side than this are not proposed */

void campaign_ask_release(struct campaign_ask *ask)
{
    free(ask->campaign);
    memset(ask, 0, sizeof *ask);
}

/* ---- the dialog ---- */

static void begin(struct app *app)
{
    struct campaign_ask *ask = &app->campaign_ask;
    struct campaign *c = ask->campaign;
    struct error err = {""};
    int runs = ask->runs, extend = ask->extend;
    app->over = APP_SCREEN;
    ask->campaign = NULL;
    if (!c)
        return;
    c->runs[0] = extend ? c->runs[0] : runs;
    if (!extend && campaign_create(c, &err)) {
        app_say(app, "%s", err.text);
        free(c);
        return;
    }
    campaign_job_start(app, c, extend ? runs : 0);
}

static int can_begin(const struct app *app)
{
    const struct campaign_ask *ask = &app->campaign_ask;
    return ask->campaign && ask->runs > (ask->extend ? campaign_planned(ask->campaign) : 0);
}

static const struct binding runs_keys[] = {
    {"Enter", NULL, NULL, "Start it; behind the run that trains, if there is one", can_begin, NULL, begin},
    {"Esc", NULL, NULL, "No campaign", NULL, NULL, app_close_dialog},
    {0},
};

static int typed(struct app *app, int key);
static const struct dialog new_dialog = {"A campaign", "", runs_keys};
static const struct dialog extend_dialog = {"More runs", "", runs_keys};

static void say_time(struct app *app)
{
    struct campaign_ask *ask = &app->campaign_ask;
    const struct campaign *c = ask->campaign;
    char text[160], time[24];
    int runs = ask->runs - (ask->extend ? campaign_planned(c) : 0);
    double seconds = campaign_estimate(c, runs, app->runs.entries, app->runs.n_entries);
    ask->generation = app->watch.generation;
    if (isnan(seconds))
        app_ask_more(app, "How long it takes is not known: no such run has ended here yet.");
    else if (runs > 0) {
        snprintf(text, sizeof text, "%d runs, which take about %s, as earlier ones did.", 2 * runs,
                 format_seconds(seconds, time, sizeof time));
        app_ask_more(app, text);
    }
    if (app_training(app))
        app_ask_more(app, "A run is training: the campaign starts when it has ended.");
}

static void say_extending(struct app *app)
{
    const struct campaign *c = app->campaign_ask.campaign;
    char text[320];
    snprintf(text, sizeof text,
             "Its %d runs a side have ended, and the verdict is given. Another look at more runs is another throw for "
             "chance: it is tested at %.3g %%, and a false alarm over all looks is then up to %.3g %% likely.",
             campaign_planned(c), 100 * verdict_level(c->looks + 1), 100 * verdict_spent(c->looks + 1));
    app_ask_more(app, text);
}

static void compose(struct app *app)
{
    struct campaign_ask *ask = &app->campaign_ask;
    const struct campaign *c = ask->campaign;
    int looks = ask->extend ? c->looks + 1 : 1;
    char text[VERDICT_TEXT_MAX], number[16] = "";
    if (ask->runs > 0)
        snprintf(number, sizeof number, "%d", ask->runs);
    app_ask(app, ask->extend ? &extend_dialog : &new_dialog);
    app->dialog_typed = typed;
    snprintf(text, sizeof text, "Runs a side%s: %s_ (type it, or Up and Down).", ask->extend ? ", in all" : "", number);
    app_ask_more(app, text);
    if (ask->runs > 0)
        say_time(app); /* first: what is low has room for the beginning */
    if (ask->extend) {
        say_extending(app);
    } else {
        snprintf(text, sizeof text, "With %s and without it, in turns, each run with a seed of its own.", c->what);
        app_ask_more(app, text);
    }
    if (ask->runs > 0) {
        struct verdict_spread spread = campaign_spread(c, app->runs.entries, app->runs.n_entries);
        app_ask_more(app, verdict_power_sentence(ask->runs, verdict_level(looks), &spread, text));
    }
}

static int typed(struct app *app, int key)
{
    struct campaign_ask *ask = &app->campaign_ask;
    int runs = ask->runs;
    if (!ask->campaign)
        return 0;
    if (key >= '0' && key <= '9')
        runs = (ask->begun ? 10 * runs : 0) + key - '0';
    else if (key == KEYS_BACKSPACE)
        runs /= 10;
    else if (key == KEYS_UP || key == KEYS_DOWN)
        runs += key == KEYS_UP ? 1 : -1;
    else if (key == KEYS_PAGE_UP || key == KEYS_PAGE_DOWN)
        runs += key == KEYS_PAGE_UP ? 10 : -10;
    else
        return 0;
    ask->begun = 1;
    ask->runs = runs < 0 ? 0 : runs > CAMPAIGN_RUNS_MAX ? CAMPAIGN_RUNS_MAX : runs;
    compose(app);
    return 1;
}

static void open_dialog(struct app *app, struct campaign *c, int runs, int extend)
{
    struct campaign_ask *ask = &app->campaign_ask;
    campaign_ask_release(ask);
    *ask = (struct campaign_ask){.campaign = c, .runs = runs, .extend = extend};
    runs_watch_update(app, 1, 0); /* earlier runs are read for their times and spread */
    compose(app);
}

void campaign_ask_update(struct app *app)
{
    struct campaign_ask *ask = &app->campaign_ask;
    int open = app->over == APP_DIALOG && (app->dialog == &new_dialog || app->dialog == &extend_dialog);
    if (open && ask->campaign && ask->generation != app->watch.generation)
        compose(app);
}

/* ---- more runs ---- */

/* As many as the verdict says would settle it, or twice as many. */
static int propose(const struct campaign *c, struct run_entry *const *entries, int count)
{
    struct verdict_question question = campaign_question(c);
    int planned = campaign_planned(c), runs = 2 * planned;
    struct run_set sets[2];
    struct verdict v;
    if (campaign_sets(c, entries, count, sets) == 0) {
        verdict_make(sets[0].runs, sets[0].n_runs, sets[1].runs, sets[1].n_runs, &question, &v);
        if (v.kind == VERDICT_NOISE && v.more > 0 && v.more <= MORE_MOST)
            runs = planned + v.more;
    }
    run_set_release(&sets[0]);
    run_set_release(&sets[1]);
    return runs < CAMPAIGN_RUNS_MAX ? runs : CAMPAIGN_RUNS_MAX;
}

void campaign_ask_extend(struct app *app, struct campaign *c)
{
    if (c->looks < VERDICT_LOOKS_MAX) {
        open_dialog(app, c, propose(c, app->runs.entries, app->runs.n_entries), 1);
        return;
    }
    app_say(app, "campaign %s was extended %d times: begin a new one", c->name, VERDICT_LOOKS_MAX - 1);
    free(c);
}

/* ---- from the Tricks screen ---- */

int campaign_ask_can(const struct app *app)
{
    const struct tricks_model *tricks = &app->tricks;
    return tricks->row && tricks->mode == TRICKS_BROWSE && tricks_model_here(tricks)->kind == TRICKS_TRICK &&
           tricks->draft.valid && app->can_start && !campaign_job_running(app);
}

/* Both sides by the rules of the form: a trick that conflicts is refused with the reason. */
static int make_sides(struct campaign *c, const struct recipe_draft *draft, int trick, struct error *err)
{
    struct recipe_draft *sides = calloc(1, sizeof *sides); /* large */
    if (!sides)
        return error_set(err, "out of memory");
    int rc = recipe_draft_init(sides, draft->tricks, draft->n_tricks, &draft->recipe, err);
    if (rc == 0) {
        rc = recipe_draft_switch(sides, trick, 1, err);
        c->side[RUN_WITH] = sides->recipe;
        rc = rc ? rc : recipe_draft_switch(sides, trick, 0, err);
        c->side[RUN_WITHOUT] = sides->recipe;
        recipe_draft_release(sides);
    }
    free(sides);
    c->seed = c->side[RUN_WITHOUT].seed;
    return rc;
}

/* A name that no campaign has yet: the same question may be asked of another recipe. */
static void find_name(struct campaign *c)
{
    struct campaign *other = calloc(1, sizeof *other);
    char base[51];
    campaign_name(&c->side[0], c->what, c->name);
    snprintf(base, sizeof base, "%.50s", c->name);
    for (int i = 2; other && i < 100 && campaign_read(other, c->parent, c->name, NULL) != 1; i++)
        snprintf(c->name, sizeof c->name, "%s-%d", base, i);
    free(other);
}

void campaign_ask(struct app *app)
{
    const struct recipe_draft *draft = &app->tricks.draft;
    struct campaign *c = calloc(1, sizeof *c);
    struct error err = {""};
    int trick = tricks_model_here(&app->tricks)->index;
    if (!c)
        return;
    snprintf(c->what, sizeof c->what, "%s", draft->tricks[trick].key);
    snprintf(c->parent, sizeof c->parent, "%s", app->options.parent ? app->options.parent : "");
    if (make_sides(c, draft, trick, &err) || campaign_check(c, &err)) {
        app_say(app, "%s", err.text);
        free(c);
        return;
    }
    find_name(c);
    open_dialog(app, c, RUNS_USUAL, 0);
}
