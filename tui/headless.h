/*
 * A run without a screen: follows a trainer to its end and prints it, as sparse lines or as JSON, one object a
 * line. SIGINT, SIGTERM and SIGHUP stop the run at the next step, with a checkpoint.
 */
#ifndef DAVIDNET_TUI_HEADLESS_H
#define DAVIDNET_TUI_HEADLESS_H

#include "engine/trainer.h"
#include "tui/run_report.h"

struct headless_options {
    int json;          /* {"event":...} lines on stdout instead of text */
    uint32_t told;     /* epochs up to this step were printed when they were trained: not again, in text */
    int target_counts; /* exit with EXIT_TARGET_MISSED when recipe.target was not reached */
    /* (optional) called a few times a second, and at the end; then nothing is printed but errors, and those as ever */
    void (*watch)(void *context, const struct trainer_status *status);
    void *context;
    const char *finish; /* (optional) shell command to run when the run has ended, in whatever way; it gets
                           DAVIDNET_RUN, DAVIDNET_STATE and DAVIDNET_ACCURACY */
};

/* Starts the run, or says why not, and follows it. Returns the program's exit code (130, 143, 129 after a signal). */
int headless_run(const struct trainer_options *what, const struct headless_options *options);

/* Says of a run whose steps are all done that they are, and how it came out: lines, or the "done" event alone. */
void headless_finished(const struct run_report *report, int json);

/* {"event":"error","error":...} on stdout with json, else "davidnet: ..." on stderr. Returns EXIT_FAILED. */
int headless_error(int json, const char *message);

#endif
