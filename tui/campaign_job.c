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

int campaign_job_waiting(const struct app *app)
{
    return app->campaign.campaign != NULL && !app->campaign.begun && app_training(app);
}

void campaign_job_end(struct app *app)
{
    struct campaign_job *job = &app->campaign;
    run_folder_unlock(&job->lock);
    free(job->campaign);
    job->campaign = NULL;
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
    app_say(app, "%s", verdict_sentence(&verdict, campaign_words(c), text));
    run_set_release(&sets[0]);
    run_set_release(&sets[1]);
}

/* The run of that place goes on, or begins. */
static void start_run(struct app *app, const struct campaign_state *state)
{
    struct campaign_job *job = &app->campaign;
    const struct campaign *c = job->campaign;
    struct trainer_options *options = calloc(1, sizeof *options); /* large */
    char words[CAMPAIGN_WORDS_MAX];
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
        app_say(app, "campaign %s: run %d of %d, %s", c->name, 2 * campaign_planned(c) - state->left + 1,
                2 * campaign_planned(c), campaign_side_words(c, state->side, words));
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

void campaign_job_start(struct app *app, struct campaign *campaign, int extend_to)
{
    struct campaign_job *job = &app->campaign;
    struct error err = {""};
    if (job->campaign) {
        app_say(app, "campaign %s is running", job->campaign->name);
        free(campaign);
        return;
    }
    /* The lock first: whoever runs it knows how many runs it has. */
    if (campaign_lock(campaign, &job->lock, &err) || (extend_to > 0 && campaign_extend(campaign, extend_to, &err))) {
        app_say(app, "%s", err.text);
        run_folder_unlock(&job->lock);
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
    if (campaign_job_waiting(app))
        app_say(app, "campaign %s starts when the run that trains has ended; R here drops it", campaign->name);
}
