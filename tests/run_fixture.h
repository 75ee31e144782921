/* The Run screen's model of a plausible run (tests/fake_run.h), as far as any step. */
#ifndef DAVIDNET_TESTS_RUN_FIXTURE_H
#define DAVIDNET_TESTS_RUN_FIXTURE_H

#include "tests/fake_run.h"
#include "views/run_view.h"

struct run_fixture {
    struct recipe recipe;
    struct run_log log;
    struct trainer_status status;
    struct run_model model;
};

void run_fixture_open(struct run_fixture *f, uint32_t steps);
void run_fixture_close(struct run_fixture *f);

#endif
