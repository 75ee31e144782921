#include "engine/executor.h"

#include "engine/stopwatch.h"

#include <stdlib.h>
#include <time.h>

#define DEVICE_TIMED_EVERY 32

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int executor_init(struct executor *executor, struct program *program, struct error *err)
{
    *executor = (struct executor){.program = program, .time_every = program->family->submit ? DEVICE_TIMED_EVERY : 1};
    executor->train_ns = calloc((size_t)program->n_train + 1, sizeof(uint64_t));
    executor->train_least = calloc((size_t)program->n_train + 1, sizeof(uint64_t));
    executor->train_squares = calloc((size_t)program->n_train + 1, sizeof(double));
    executor->eval_ns = calloc((size_t)program->n_eval + 1, sizeof(uint64_t));
    executor->lap_ns =
        calloc((size_t)(program->n_train > program->n_eval ? program->n_train : program->n_eval) + 1, sizeof(uint64_t));
    if (!executor->train_ns || !executor->train_least || !executor->train_squares || !executor->eval_ns ||
        !executor->lap_ns) {
        executor_release(executor);
        return error_set(err, "out of memory for the step timers");
    }
    return 0;
}

void executor_release(struct executor *executor)
{
    free(executor->train_ns);
    free(executor->train_least);
    free(executor->train_squares);
    free(executor->eval_ns);
    free(executor->lap_ns);
    *executor = (struct executor){0};
}

void executor_reset_times(struct executor *executor)
{
    for (int i = 0; i < executor->program->n_train; i++) {
        executor->train_ns[i] = 0;
        executor->train_squares[i] = 0;
    }
    for (int i = 0; i < executor->program->n_eval; i++)
        executor->eval_ns[i] = 0;
    executor->train_steps = executor->train_images = executor->eval_steps = executor->run_ns = executor->runs =
        executor->keep_ns = 0;
}

/* Of one more training step, of so many images: sums, and squares as Welford has them, which rounding does not spoil.
 */
static void keep_train_times(struct executor *executor, int images)
{
    double n = (double)executor->train_steps;
    uint64_t began = now_ns();
    for (int i = 0; i < executor->program->n_train; i++) {
        double lap = (double)executor->lap_ns[i], sum = (double)executor->train_ns[i];
        executor->train_ns[i] += executor->lap_ns[i];
        if (executor->train_least && (n == 0 || executor->lap_ns[i] < executor->train_least[i]))
            executor->train_least[i] = executor->lap_ns[i];
        if (n > 0)
            executor->train_squares[i] += (lap - sum / n) * (lap - (sum + lap) / (n + 1));
    }
    executor->train_steps++;
    executor->train_images += (uint64_t)images;
    executor->keep_ns += now_ns() - began;
}

static void keep_eval_times(struct executor *executor)
{
    for (int i = 0; i < executor->program->n_eval; i++)
        executor->eval_ns[i] += executor->lap_ns[i];
    executor->eval_steps++;
}

/*
 * One clock reading between two steps serves as the end of one and the start of the next; of a list that is not timed
 * only both ends are read. skip: NULL, or what is left out. Returns whether the times are what the steps took.
 */
static bool run_steps(struct executor *executor, const struct program_step *steps, int count, const bool *skip,
                      bool timed, uint64_t *took)
{
    struct stopwatch watch;
    stopwatch_start(&watch);
    uint64_t before = executor->begun_ns = now_ns();
    for (int i = 0; i < count; i++) {
        if (!skip || !skip[i])
            steps[i].run(executor->program, &steps[i]);
        if (!timed)
            continue;
        uint64_t after = now_ns();
        executor->lap_ns[i] = after - before;
        before = after;
    }
    *took = (timed ? before : now_ns()) - executor->begun_ns;
    return !stopwatch_interrupted(&watch);
}

void executor_time_next(struct executor *executor)
{
    executor->since_timed = executor->time_every;
}

/* The first step since the last reset is timed, then now and then. */
static bool is_timed(struct executor *executor)
{
    bool timed = executor->train_steps == 0 || executor->since_timed >= executor->time_every;
    executor->since_timed = timed ? 1 : executor->since_timed + 1;
    return timed;
}

static void train_on_host(struct executor *executor)
{
    const struct program *program = executor->program;
    bool timed = is_timed(executor);
    uint64_t took;
    if (!run_steps(executor, program->train, program->n_train, executor->skip, timed, &took))
        return;
    if (timed)
        keep_train_times(executor, program->batch.n);
    executor->run_ns += took;
    executor->runs++;
}

int executor_ahead(const struct executor *executor)
{
    const struct family *family = executor->program->family;
    return family->submit ? family->ahead : 1;
}

int executor_submit(struct executor *executor, const struct batch *batch, const struct hyper *hyper, struct error *err)
{
    struct program *program = executor->program;
    if (executor->skip && program->family->submit)
        return error_set(err, "device %s: steps cannot be left out of its list; use the device cpu or ref",
                         program->family->name);
    if (program_set_batch(program, batch, err))
        return -1;
    program->hyper = *hyper;
    if (program->family->submit) {
        bool timed = false;
        if (executor->pending == 0) /* a step is timed when no other waits for it */
            timed = is_timed(executor);
        else
            executor->since_timed++;
        if (program->family->submit(program, true, timed, err))
            return -1;
    } else {
        train_on_host(executor);
        executor->done = program->result;
    }
    executor->pending++;
    return 0;
}

int executor_collect(struct executor *executor, struct step_result *result, struct error *err)
{
    struct program *program = executor->program;
    executor->pending--;
    *result = executor->done;
    if (!program->family->submit)
        return 0;
    int given = program->family->collect(program, result, executor->lap_ns, err);
    if (given > 0) /* a device's own times, where it gave them */
        keep_train_times(executor, result->n);
    return given < 0 ? -1 : 0;
}

int executor_train(struct executor *executor, const struct batch *batch, const struct hyper *hyper,
                   struct step_result *result, struct error *err)
{
    return executor_submit(executor, batch, hyper, err) || executor_collect(executor, result, err) ? -1 : 0;
}

int executor_evaluate(struct executor *executor, const struct batch *batch, struct step_result *sum, struct error *err)
{
    struct program *program = executor->program;
    if (program_set_batch(program, batch, err))
        return -1;
    if (program->family->submit) {
        bool timed = executor->eval_steps == 0;
        int given = program->family->submit(program, false, timed, err)
                        ? -1
                        : program->family->collect(program, &program->result, executor->lap_ns, err);
        if (given < 0)
            return -1;
        if (given > 0)
            keep_eval_times(executor);
    } else {
        uint64_t took;
        if (run_steps(executor, program->eval, program->n_eval, NULL, true, &took))
            keep_eval_times(executor);
    }
    sum->n += program->result.n;
    sum->correct += program->result.correct;
    sum->loss_sum += program->result.loss_sum;
    if (program->result.bad_row >= 0)
        sum->bad_row = program->result.bad_row;
    return 0;
}
