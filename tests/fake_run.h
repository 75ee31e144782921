/* A plausible run for tests of the front end: the recipe davidnet-79 and a log up to any step, always the same. */
#ifndef DAVIDNET_TESTS_FAKE_RUN_H
#define DAVIDNET_TESTS_FAKE_RUN_H

#include "engine/recipe.h"
#include "engine/run_log.h"
#include "engine/trainer.h"

#define FAKE_STEPS_PER_EPOCH 98

/* A log in memory: release it with run_log_release. */
void fake_run(uint32_t steps, struct recipe *recipe, struct run_log *log, struct trainer_status *status);

#endif
