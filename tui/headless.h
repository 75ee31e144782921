/*
 * A run without a screen: follows a trainer to its end and prints it, as sparse lines or as JSON, one object a
 * line. SIGINT, SIGTERM and SIGHUP stop the run at the next step, with a checkpoint.
 */
#ifndef DAVIDNET_TUI_HEADLESS_H
#define DAVIDNET_TUI_HEADLESS_H

#include "engine/trainer.h"

struct headless_options {
    int json;           /* {"event":...} lines on stdout instead of text */
    int target_counts;  /* exit with EXIT_TARGET_MISSED when recipe.target was not reached */
    const char *finish; /* (optional) shell command to run when the run has ended, in whatever way; it gets
                           DAVIDNET_RUN, DAVIDNET_STATE and DAVIDNET_ACCURACY */
};

/* Takes over the trainer and frees it. Returns the program's exit code (130, 143, 129 after a signal). */
int headless_follow(struct trainer *trainer, const struct headless_options *options);

/* {"event":"error","error":...} on stdout with json, else "davidnet: ..." on stderr. Returns EXIT_FAILED. */
int headless_error(int json, const char *message);

#endif
