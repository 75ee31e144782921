#include "tui/campaign_job.h"

#include "tui/app.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void campaign_job_init(struct campaign_job *job)
{
    memset(job, 0, sizeof *job);
    job->lock = -1;
}

int campaign_job_running(const struct app *app)
{
    return app->campaign.campaign != NULL;
}

void campaign_job_end(struct app *app)
{
    struct campaign_job *job = &app->campaign;
    run_folder_unlock(&job->lock);
    free(job->campaign);
    free(job->asked);
    job->campaign = job->asked = NULL;
    job->begun = 0;
    app->compare.running = 0;
    app->compare_generation = UINT_MAX; /* read again */
    app->dirty = 1;
}

static void tell_verdict(struct app *app, struct run_entry *const *entries, int count)
{
    const struct campaign *c = app->campaign.campaign;
    struct verdict_question question = campaign_question(c);
    struct run_set sets[2];
    struct verdict verdict;
    char text[VERDICT_TEXT_MAX];
    if (campaign_sets(c, entries, count, sets))
        return;
    verdict_make(sets[0].runs, sets[0].n_runs, sets[1].runs, sets[1].n_runs, &question, &verdict);
    app_say(app, "%s", verdict_sentence(&verdict, c->what, text));
    run_set_release(&sets[0]);
    run_set_release(&sets[1]);
}

/* The run of that place goes on, or begins. */
static void start_run(struct app *app, const struct campaign_state *state)
{
    struct campaign_job *job = &app->campaign;
    const struct campaign *c = job->campaign;
    struct trainer_options *options = calloc(1, sizeof *options); /* large */
    if (!options)
        return;
    job->begun = 1;
    job->side = state->side;
    job->number = state->number;
    campaign_run_recipe(c, state->side, state->number, &options->recipe);
    campaign_run_name(c, state->side, state->number, job->name);
    campaign_run_label(c, state->side, state->number, &job->label);
    snprintf(job->parent, sizeof job->parent, "%s", c->parent);
    snprintf(job->resume, sizeof job->resume, "%s", state->resume);
    options->parent = job->parent;
    options->name = job->name;
    options->label = &job->label;
    options->resume = job->resume[0] ? job->resume : NULL;
    if (options->resume && strcmp(app->model.status.path, job->resume) == 0)
        app_close_run(app); /* its trainer holds the folder */
    if (app_start_run(app, options))
        campaign_job_end(app);
    else
        app_say(app, "campaign %s: run %d of %d, %s %s", c->name, 2 * campaign_planned(c) - state->left + 1,
                2 * campaign_planned(c), run_side_name(state->side), c->what);
    free(options);
}

/* 1: the run that was begun here has not ended, and why was said. */
static int run_is_open(struct app *app, const struct campaign_state *state)
{
    const struct campaign_job *job = &app->campaign;
    if (!job->begun || state->left == 0 || state->side != job->side || state->number != job->number)
        return 0;
    app_say(app, "campaign %s waits: %.100s; R on the Compare screen goes on", job->campaign->name,
            app->model.status.phase == TRAINER_FAILED ? app->model.status.error : "its run was stopped");
    return 1;
}

void campaign_job_update(struct app *app)
{
    struct campaign_job *job = &app->campaign;
    struct run_entry **entries;
    struct campaign_state state;
    struct error err = {""};
    int count;
    if (!job->campaign || app->queue || app_training(app))
        return;
    if (app->leaving) {
        campaign_job_end(app);
        return;
    }
    if (campaign_read_runs(job->campaign, &entries, &count, &err)) {
        app_say(app, "%s", err.text);
        campaign_job_end(app);
        return;
    }
    campaign_look(job->campaign, entries, count, &state);
    for (int i = 0; i < count; i++)
        if (campaign_tidy(job->campaign, entries[i], &err))
            app_say(app, "%s", err.text);
    if (state.left == 0) {
        tell_verdict(app, entries, count);
        campaign_job_end(app);
    } else if (run_is_open(app, &state)) {
        campaign_job_end(app);
    } else {
        start_run(app, &state);
    }
    for (int i = 0; i < count; i++)
        run_entry_free(entries[i]);
    free(entries);
}

void campaign_job_start(struct app *app, struct campaign *campaign)
{
    struct campaign_job *job = &app->campaign;
    struct error err = {""};
    if (job->campaign) {
        app_say(app, "campaign %s is running", job->campaign->name);
        free(campaign);
        return;
    }
    if (campaign_lock(campaign, &job->lock, &err)) {
        app_say(app, "%s", err.text);
        free(campaign);
        return;
    }
    job->campaign = campaign;
    job->begun = 0;
    app->compare.running = 1;
    snprintf(app->compare.running_name, sizeof app->compare.running_name, "%s", campaign->name);
    app->compare_generation = UINT_MAX; /* read again */
    compare_model_choose_campaign(&app->compare, campaign->name);
    campaign_job_update(app);
    app_go(app, &screen_compare);
}

/* ---- from the Tricks screen ---- */

int campaign_job_can_ask(const struct app *app)
{
    const struct tricks_model *tricks = &app->tricks;
    return tricks->row && tricks->mode == TRICKS_BROWSE && tricks_model_here(tricks)->kind == TRICKS_TRICK &&
           tricks->draft.valid && app->can_start && app_idle(app) && !app->campaign.campaign;
}

static void begin(struct app *app, int runs)
{
    struct campaign_job *job = &app->campaign;
    struct campaign *c = job->asked;
    struct error err = {""};
    job->asked = NULL;
    app->over = APP_SCREEN;
    c->runs[0] = runs;
    if (campaign_create(c, &err)) {
        app_say(app, "%s", err.text);
        free(c);
        return;
    }
    campaign_job_start(app, c);
}

static void do_5(struct app *app)
{
    begin(app, 5);
}

static void do_10(struct app *app)
{
    begin(app, 10);
}

static void do_20(struct app *app)
{
    begin(app, 20);
}

static void do_35(struct app *app)
{
    begin(app, 35);
}

static const struct binding runs_keys[] = {
    {"1", NULL, NULL, "10 runs a side", NULL, NULL, do_10},   {"2", NULL, NULL, "20 runs a side", NULL, NULL, do_20},
    {"3", NULL, NULL, "35 runs a side", NULL, NULL, do_35},   {"5", NULL, NULL, "5 runs a side", NULL, NULL, do_5},
    {"n", "Esc", NULL, "None", NULL, NULL, app_close_dialog}, {0},
};
static const struct dialog runs_dialog = {"A campaign", "", runs_keys};

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
    char base[RUN_CAMPAIGN_MAX - 4];
    campaign_name(&c->side[0], c->what, c->name);
    snprintf(base, sizeof base, "%.50s", c->name);
    for (int i = 2; other && i < 100 && campaign_read(other, c->parent, c->name, NULL) != 1; i++)
        snprintf(c->name, sizeof c->name, "%s-%d", base, i);
    free(other);
}

void campaign_job_ask(struct app *app)
{
    struct campaign_job *job = &app->campaign;
    const struct recipe_draft *draft = &app->tricks.draft;
    struct campaign *c = calloc(1, sizeof *c);
    struct error err = {""};
    char text[VERDICT_TEXT_MAX];
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
    free(job->asked);
    job->asked = c;
    app_ask(app, &runs_dialog);
    snprintf(text, sizeof text, "Train with %s and without it, in turns, each run with its own seed. How many a side?",
             c->what);
    app_ask_more(app, text);
    app_ask_more(app, verdict_power_sentence(10, VERDICT_LEVEL, NULL, text));
}
