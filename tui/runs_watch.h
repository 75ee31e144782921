/*
 * The list of runs behind the app's screens: a catalog of the folder that runs are kept in, opened when a screen first
 * wants it, and what is made from it: the Runs screen's rows, the Run screen's overlays and forecast.
 */
#ifndef DAVIDNET_TUI_RUNS_WATCH_H
#define DAVIDNET_TUI_RUNS_WATCH_H

#include "engine/run_catalog.h"
#include "engine/trainer.h"

struct app;

/* Zeroed: nothing opened yet. */
struct runs_watch {
    struct run_catalog *catalog;
    unsigned generation;      /* of what was taken last */
    double asked_at;          /* of the last refresh; as app->now */
    enum trainer_phase phase; /* of the run on the Run screen then */
    size_t n_epochs;
    char path[RUN_PATH_MAX];
};

/*
 * Takes in what the catalog knows, and sets app->dirty where something changed. It is asked to look again after
 * `every` seconds (0: only when an epoch or the run has ended). Does nothing where there is no run and open is 0.
 */
void runs_watch_update(struct app *app, int open, double every);
/* At once: something was written. */
void runs_watch_refresh(struct app *app);
/* The overlays again, after marks have changed. */
void runs_watch_overlays(struct app *app);
int runs_watch_reading(const struct app *app);
void runs_watch_release(struct app *app);

#endif
