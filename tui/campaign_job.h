/*
 * A campaign run from the workbench: its runs follow each other through the app's queue, each an ordinary run on the
 * Run screen. One that is started while something else trains waits for that. It ends when all have ended, when one is
 * stopped or fails, and when the program is left; what is there is on disk, and R on the Compare screen or `davidnet
 * campaign resume` goes on.
 */
#ifndef DAVIDNET_TUI_CAMPAIGN_JOB_H
#define DAVIDNET_TUI_CAMPAIGN_JOB_H

#include "engine/campaign.h"

struct app;

struct campaign_job {
    struct campaign *campaign; /* that is run; NULL: none */
    int lock;
    int begun; /* a run of it was started here: */
    enum run_side side;
    int number;
    char name[128], parent[RUN_PATH_MAX], resume[RUN_PATH_MAX]; /* what the run's options point at */
    struct run_label label;
};

void campaign_job_init(struct campaign_job *job);
/*
 * Starts it, or goes on with it: the next run, when none trains any more. extend_to: so many runs a side in all are
 * declared first; 0: it is as it is. Takes campaign over. What goes wrong is said.
 */
void campaign_job_start(struct app *app, struct campaign *campaign, int extend_to);
void campaign_job_update(struct app *app); /* the next run, when one has ended */
void campaign_job_end(struct app *app);
int campaign_job_running(const struct app *app); /* waiting, too */
int campaign_job_waiting(const struct app *app); /* for the run that trains, which is none of its */

#endif
