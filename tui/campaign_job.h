/*
 * A campaign run from the workbench: its runs follow each other through the app's queue, each an ordinary run on the
 * Run screen. It ends when all have ended, when one is stopped or fails, and when the program is left; what is there is
 * on disk, and 'R' on the Compare screen or `davidnet campaign resume` goes on.
 */
#ifndef DAVIDNET_TUI_CAMPAIGN_JOB_H
#define DAVIDNET_TUI_CAMPAIGN_JOB_H

#include "engine/campaign.h"

struct app;

struct campaign_job {
    struct campaign *campaign; /* that is run; NULL: none */
    struct campaign *asked;    /* that the dialog is about; NULL: none */
    int lock;
    int begun; /* a run of it was started here: */
    enum run_side side;
    int number;
    char name[128], parent[RUN_PATH_MAX], resume[RUN_PATH_MAX]; /* what the run's options point at */
    struct run_label label;
};

void campaign_job_init(struct campaign_job *job);
/* Starts it, or goes on with it: the next run, if none trains. Takes campaign over. What goes wrong is said. */
void campaign_job_start(struct app *app, struct campaign *campaign);
void campaign_job_update(struct app *app); /* the next run, when one has ended */
void campaign_job_end(struct app *app);
int campaign_job_running(const struct app *app);

/* From the Tricks screen: with and without the trick at the cursor; asks how many runs. */
int campaign_job_can_ask(const struct app *app);
void campaign_job_ask(struct app *app);

#endif
