/* A tiny run, its folder and its end, for tests of the trainer. */
#ifndef DAVIDNET_TESTS_TRAINER_CHECKS_H
#define DAVIDNET_TESTS_TRAINER_CHECKS_H

#include "engine/trainer.h"

extern char trainer_folder[64]; /* where runs are made, made by _enter */

int trainer_test_enter(void **state);
int trainer_test_leave(void **state);

void trainer_tiny(struct recipe *recipe, const char *epochs); /* 100 images, batch 20: 5 steps an epoch */
struct trainer *trainer_must_start(const struct trainer_options *options);
/* Polls until the phase is reached (or the end). */
void trainer_wait(struct trainer *trainer, enum trainer_phase phase, struct trainer_status *status);
void trainer_wait_for_end(struct trainer *trainer, struct trainer_status *status);
void trainer_wait_and_free(struct trainer *trainer, struct trainer_status *status);
/* RUN/status says that it failed, and why in full (a log record has no room for that). */
void trainer_failure_is_on_disk(const char *run, const char *why);

#endif
