#include "tests/run_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

void run_fixture_open(struct run_fixture *f, uint32_t steps)
{
    fake_run(steps, &f->recipe, &f->log, &f->status);
    run_model_init(&f->model);
    run_model_start(&f->model, &f->recipe);
    assert_int_equal(run_model_update(&f->model, &f->log, &f->status), 1);
}

void run_fixture_close(struct run_fixture *f)
{
    run_model_release(&f->model);
    run_log_release(&f->log);
}
