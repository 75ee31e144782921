/* `davidnet bench`: the training step as a whole, or each operation of it, validated, then timed. */
#include "tui/command.h"
#include "tui/options.h"

#include "engine/executor.h"
#include "engine/json.h"
#include "engine/number.h"
#include "engine/operations.h"
#include "engine/session.h"
#include "engine/timekeeper.h"
#include "engine/trace.h"
#include "engine/validate.h"
#include "kernels/isa.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern const struct command command_bench;

#define STEPS_MAX 1000

struct bench {
    struct recipe_options options;
    struct session session;
    struct validation validation;
    int json, steps, ops;
    struct ceiling ceiling;       /* of --ops */
    double *least;                /* of --ops: seconds of each step of the program */
    double seconds[STEPS_MAX];    /* of each timed step */
    struct timekeeper keeper;     /* of the timed steps, as in training */
    struct trace trace;           /* which takes each of them: more than training does */
    double timing_percent;        /* what timing it adds to the fastest step; noise can make it negative */
    double readings_percent;      /* what the clock's readings take by themselves; NaN: a device's clock */
    double account_percent;       /* what all of timing takes by its own account; NaN: a device's clock */
    double phase_ms[PHASE_COUNT]; /* mean per step */
    double median, minimum;
    double cpu; /* seconds of all threads, of the step that took least */
};

static double clock_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A step with all that a run's trainer does to time it: laps, samples, a trace, and a breakdown to be shown. */
static int timed_step(struct bench *b, const struct batch *batch, const struct hyper *hyper, struct error *err)
{
    struct executor *executor = &b->session.executor;
    struct timekeeper *keeper = &b->keeper;
    struct step_result result;
    timekeeper_lap(keeper, TIMEKEEPER_DATA);
    trace_fetched(&b->trace, -1, NULL);
    if (executor_submit(executor, batch, hyper, err))
        return -1;
    timekeeper_lap(keeper, TIMEKEEPER_SUBMIT);
    trace_submitted(&b->trace);
    if (executor_collect(executor, &result, err))
        return -1;
    timekeeper_lap(keeper, TIMEKEEPER_COLLECT);
    trace_ran(&b->trace);
    timekeeper_keep(keeper, executor, true);
    timekeeper_own_begin(keeper);
    timekeeper_refresh(keeper, executor, &b->session.loader);
    timekeeper_own_end(keeper, TIMING_COST_PUBLISH);
    trace_end(&b->trace);
    return 0;
}

/* One step, timed or not. The first after the executor's times were reset is timed in any case. */
static int one_step(struct bench *b, int i, int timed, double *seconds, double *cpu, struct error *err)
{
    struct session *s = &b->session;
    struct batch batch;
    struct hyper hyper;
    struct step_result result;
    double begin = clock_seconds(CLOCK_MONOTONIC), cpu_begin = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (timed) {
        timekeeper_skip(&b->keeper);
        trace_begin(&b->trace, (uint32_t)i);
    }
    session_hyper(s, (uint32_t)i, &hyper);
    if (session_batch(s, (uint32_t)i % s->steps_per_epoch, &batch, err))
        return -1;
    s->executor.time_every = timed ? 1 : UINT64_MAX; /* here, for a batch of another size has another executor */
    if (timed ? timed_step(b, &batch, &hyper, err) : executor_train(&s->executor, &batch, &hyper, &result, err))
        return -1;
    *cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
    *seconds = clock_seconds(CLOCK_MONOTONIC) - begin;
    return 0;
}

/* A device's steps as training runs them: as many under way as it takes, none timed within. What counts is the time
 * from one result to the next, another step being given before each. Of one batch, so that no program of another size
 * comes between. */
static int time_stream(struct bench *b, struct error *err)
{
    struct session *s = &b->session;
    struct executor *executor = &s->executor;
    struct batch batch;
    struct hyper hyper;
    struct step_result result;
    int ahead = executor_ahead(executor), timed_end = ahead + b->steps, all = timed_end + ahead;
    double last = 0;
    session_hyper(s, 0, &hyper);
    if (session_batch(s, 0, &batch, err))
        return -1;
    executor->time_every = UINT64_MAX;
    for (int given = 0, taken = 0; taken < all; taken++) {
        for (; given < all && given - taken < ahead; given++)
            if (executor_submit(executor, &batch, &hyper, err))
                return -1;
        if (executor_collect(executor, &result, err))
            return -1;
        double now = clock_seconds(CLOCK_MONOTONIC);
        if (taken >= ahead && taken < timed_end)
            b->seconds[taken - ahead] = now - last;
        last = now;
    }
    return 0;
}

/* In pairs of a step that is timed and one that is not, of the same batch, each of them first in turn: what changes
 * while the bench runs does not look like the cost of timing. */
static int time_steps(struct bench *b, struct error *err)
{
    struct session *s = &b->session;
    enum { WARM_UP = 2 };
    double plain = INFINITY, timed_least = INFINITY, cpu, seconds[2];
    for (int i = 0; i < WARM_UP; i++)
        if (one_step(b, i, 0, &seconds[0], &cpu, err))
            return -1;
    timekeeper_init(&b->keeper, &(struct ceiling){.flops = NAN, .bytes = NAN});
    if (timekeeper_begin(&b->keeper, &s->executor, err) || trace_init(&b->trace, &s->executor, err))
        return -1;
    timekeeper_reset(&b->keeper, &s->executor, &s->loader);
    for (int i = 0; i < b->steps; i++) {
        command_progress("step", i + 1, b->steps);
        for (int k = 0; k < 2; k++) {
            int timed = (i + k) % 2 == 0;
            if (one_step(b, WARM_UP + i, timed, &seconds[timed], &cpu, err))
                return -1;
            if (timed && (i == 0 || cpu < b->cpu))
                b->cpu = cpu;
        }
        plain = fmin(plain, seconds[0]);
        timed_least = fmin(timed_least, seconds[1]);
        b->seconds[i] = seconds[1];
    }
    if (s->family->submit && time_stream(b, err))
        return -1;
    for (int i = 0; i < s->program->n_train; i++)
        b->phase_ms[s->program->train[i].phase] +=
            (double)s->executor.train_ns[i] * 1e-6 / (double)s->executor.train_steps;
    qsort(b->seconds, (size_t)b->steps, sizeof b->seconds[0], by_value);
    b->minimum = b->seconds[0];
    b->median = (b->seconds[(b->steps - 1) / 2] + b->seconds[b->steps / 2]) / 2;
    b->timing_percent = 100 * (timed_least - plain) / plain;
    double readings = timekeeper_readings(&s->executor) * b->keeper.reading_ns * 1e-9;
    b->readings_percent = s->family->submit ? (double)NAN : 100 * readings / plain;
    b->keeper.traced = trace_cost(&b->trace, b->keeper.reading_ns);
    timekeeper_refresh(&b->keeper, &s->executor, &s->loader);
    b->account_percent = b->keeper.timing.timing_percent;
    return 0;
}

static double step_flops(const struct session *s)
{
    double flops = 0;
    const struct plan *plan = s->program->plan; /* of the size that was timed */
    for (int i = 0; i < plan->n_rows; i++)
        flops += plan_row_forward_flops(plan, i) + plan_row_backward_flops(plan, i);
    return flops * recipe_batch(&s->recipe);
}

/* What was timed, where and by what. */
static void add_setting(cJSON *root, const struct bench *b)
{
    const struct session *s = &b->session;
    cJSON_AddStringToObject(root, "preset", s->recipe.preset);
    cJSON_AddStringToObject(root, "family", s->family->name);
    cJSON_AddStringToObject(root, "library", s->family->library ? s->family->library() : "none");
    cJSON_AddStringToObject(root, "precision", precision_name(s->precision));
    cJSON_AddStringToObject(root, "isa", isa_name(isa_current()));
    cJSON_AddNumberToObject(root, "threads", s->program->options.threads);
    cJSON_AddNumberToObject(root, "batch", recipe_batch(&s->recipe));
}

static void print_json(const struct bench *b)
{
    const struct session *s = &b->session;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "event", "bench");
    cJSON_AddStringToObject(root, "what", "step");
    add_setting(root, b);
    cJSON_AddNumberToObject(root, "steps", b->steps);
    cJSON_AddNumberToObject(root, "median_seconds", b->median);
    cJSON_AddNumberToObject(root, "minimum_seconds", b->minimum);
    cJSON_AddNumberToObject(root, "cpu_seconds", b->cpu);
    cJSON_AddNumberToObject(root, "images_per_second", recipe_batch(&s->recipe) / b->median);
    cJSON_AddNumberToObject(root, "gflops_per_second", step_flops(s) / b->median * 1e-9);
    cJSON_AddNumberToObject(root, "memory_bytes", (double)s->family->memory(s->program));
    json_add_number(root, "compile_seconds", s->compile_seconds);
    json_add_number(root, "search_seconds", s->search_seconds);
    json_add_number(root, "timing_percent", b->timing_percent);
    json_add_number(root, "timing_readings_percent", b->readings_percent);
    json_add_number(root, "timing_account_percent", b->account_percent);
    cJSON_AddNumberToObject(root, "logits_error", b->validation.logits);
    cJSON_AddNumberToObject(root, "gradient_error", b->validation.gradient);
    cJSON *phases = cJSON_AddObjectToObject(root, "phase_ms");
    for (int i = 0; i < PHASE_COUNT; i++)
        json_add_number(phases, phase_name((enum phase)i), b->phase_ms[i]);
    cJSON *steps = cJSON_AddArrayToObject(root, "program");
    for (int i = 0; i < s->program->n_train; i++) {
        const struct program_step *step = &s->program->train[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "row", s->plan.rows[step->rows[0]].name);
        cJSON_AddStringToObject(item, "phase", phase_name(step->phase));
        cJSON_AddStringToObject(item, "implementation", step->impl);
        json_add_number(item, "ms", (double)s->executor.train_ns[i] * 1e-6 / (double)s->executor.train_steps);
        cJSON_AddItemToArray(steps, item);
    }
    command_print_json(root, 0);
}

static void print_setting(const struct session *s)
{
    char where[128];
    session_describe(s, where, sizeof where);
    bool more = s->family->library && !s->family->submit; /* a device's description has its library in it */
    printf("%s, batch %d: %s%s%s\n", recipe_name(&s->recipe), recipe_batch(&s->recipe), where, more ? ", " : "",
           more ? s->family->library() : "");
}

static void print_table(const struct bench *b)
{
    const struct session *s = &b->session;
    print_setting(s);
    printf(
        "agrees with the reference over %d images: logits within %.1e (%.2g allowed), gradients within %.1e (%.2g)\n\n",
        b->validation.batch, b->validation.logits, b->validation.logits_tolerance, b->validation.gradient,
        b->validation.gradient_tolerance);
    printf("%-28s %-9s %9s %7s  %s\n", "row", "phase", "ms", "share", "implementation");
    for (int i = 0; i < s->program->n_train; i++) {
        const struct program_step *step = &s->program->train[i];
        double ms = (double)s->executor.train_ns[i] * 1e-6 / (double)s->executor.train_steps;
        printf("%-28s %-9s %9.3f %5.1f %%  %s\n", s->plan.rows[step->rows[0]].name, phase_name(step->phase), ms,
               ms * 0.1 / b->median, step->impl);
    }
    putchar('\n');
    for (int i = 0; i < PHASE_COUNT; i++)
        printf("%-10s %9.3f ms\n", phase_name((enum phase)i), b->phase_ms[i]);
    printf("\nstep: median %.3f ms, minimum %.3f ms of %d (CPU %.3f ms); %.0f images/s, %.0f GFLOP/s, %.2f GiB\n",
           1e3 * b->median, 1e3 * b->minimum, b->steps, 1e3 * b->cpu, recipe_batch(&s->recipe) / b->median,
           step_flops(s) / b->median * 1e-9, (double)s->family->memory(s->program) / (1 << 30));
    printf("timing and tracing a step: %+.2f %% (the fastest of %d with, and of as many without)", b->timing_percent,
           b->steps);
    if (!isnan(b->readings_percent))
        printf("; by its own account %.3f %%,\nthe clock's readings alone %.4f %%", b->account_percent,
               b->readings_percent);
    putchar('\n');
}

/* ---- --ops ---- */

/* NaN where the ceiling of its arithmetic is not known. */
static double share_of_ceiling(const struct bench *b, int i)
{
    const struct program *program = b->session.program;
    const struct program_step *step = &program->train[i];
    double flops = operation_flops(program, step, recipe_batch(&b->session.recipe));
    if (flops > 0 && isnan(b->ceiling.flops))
        return NAN;
    return operation_floor(&b->ceiling, flops, operation_bytes(program, step, recipe_batch(&b->session.recipe))) /
           b->least[i];
}

/* "64x32x32 -> 128x32x32" */
static void describe_shapes(const struct plan *plan, const struct program_step *step, char *out, size_t size)
{
    const struct plan_row *first = &plan->rows[step->rows[0]], *last = first;
    for (int i = 0; i < step->n_rows; i++)
        last = &plan->rows[step->rows[i]] > last ? &plan->rows[step->rows[i]] : last;
    struct plan_shape from = first->n_inputs > 0 ? plan->rows[first->input[0]].out : first->out, to = last->out;
    snprintf(out, size, "%dx%dx%d -> %dx%dx%d", from.c, from.h, from.w, to.c, to.h, to.w);
}

static void print_ops_table(const struct bench *b)
{
    const struct session *s = &b->session;
    char text[128];
    print_setting(s);
    printf("agrees with the reference: logits within %.1e, gradients within %.1e\n", b->validation.logits,
           b->validation.gradient);
    if (isnan(b->ceiling.flops) && isnan(b->ceiling.bytes))
        printf("ceiling: could not be measured here\n\n");
    else if (isnan(b->ceiling.flops))
        printf("ceiling, measured: copy %.1f GB/s; that of %s multiply-adds is not measured\n\n",
               b->ceiling.bytes * 1e-9, precision_name(s->precision));
    else
        printf("ceiling, measured: %.0f GFLOP/s of %s %s, copy %.1f GB/s\n\n", b->ceiling.flops * 1e-9,
               precision_name(s->precision), s->family->submit ? "matrix products" : "multiply-adds",
               b->ceiling.bytes * 1e-9);
    printf("%-26s %-8s %-25s %9s %8s %7s %8s  %s\n", "row", "phase", "shapes", "ms", "GFLOP/s", "GB/s", "ceiling",
           "implementation");
    for (int i = 0; i < s->program->n_train; i++) {
        const struct program_step *step = &s->program->train[i];
        double flops = operation_flops(s->program, step, recipe_batch(&s->recipe)), share = share_of_ceiling(b, i);
        double bytes = operation_bytes(s->program, step, recipe_batch(&s->recipe));
        describe_shapes(&s->plan, step, text, sizeof text);
        printf("%-26s %-8s %-25s %9.3f ", s->plan.rows[step->rows[0]].name, phase_name(step->phase), text,
               b->least[i] * 1e3);
        if (flops > 0)
            printf("%8.0f ", flops / b->least[i] * 1e-9);
        else
            printf("%8s ", "-");
        printf("%7.1f ", bytes / b->least[i] * 1e-9);
        if (isnan(share))
            printf("%8s  %s\n", "-", step->impl);
        else
            printf("%6.0f %%  %s\n", 100 * share, step->impl);
    }
}

static void print_ops_json(const struct bench *b)
{
    const struct session *s = &b->session;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "event", "bench");
    cJSON_AddStringToObject(root, "what", "ops");
    add_setting(root, b);
    json_add_number(root, "ceiling_gflops", b->ceiling.flops * 1e-9);
    json_add_number(root, "ceiling_gigabytes", b->ceiling.bytes * 1e-9);
    cJSON *ops = cJSON_AddArrayToObject(root, "ops");
    for (int i = 0; i < s->program->n_train; i++) {
        const struct program_step *step = &s->program->train[i];
        double flops = operation_flops(s->program, step, recipe_batch(&s->recipe));
        char shapes[64];
        describe_shapes(&s->plan, step, shapes, sizeof shapes);
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "row", s->plan.rows[step->rows[0]].name);
        cJSON_AddStringToObject(item, "op", plan_op_name(s->plan.rows[step->rows[0]].op));
        cJSON_AddStringToObject(item, "phase", phase_name(step->phase));
        cJSON_AddStringToObject(item, "shapes", shapes);
        json_add_number(item, "ms", b->least[i] * 1e3);
        json_add_number(item, "gflops", flops / b->least[i] * 1e-9);
        json_add_number(item, "gigabytes",
                        operation_bytes(s->program, step, recipe_batch(&s->recipe)) / b->least[i] * 1e-9);
        json_add_number(item, "ceiling_share", share_of_ceiling(b, i));
        cJSON_AddStringToObject(item, "implementation", step->impl);
        cJSON_AddItemToArray(ops, item);
    }
    command_print_json(root, 0);
}

static int time_ops(struct bench *b, struct error *err)
{
    b->least = calloc((size_t)b->session.program->n_train, sizeof *b->least);
    if (!b->least)
        return error_set(err, "out of memory for the times");
    command_progress("measuring what the machine can do", 0, 0);
    if (ceiling_of_session(&b->session, &b->ceiling, err))
        return -1;
    command_progress("timing each operation", 0, 0);
    return operations_time(&b->session, b->steps, b->least, err);
}

/* ---- both ---- */

static void print(const struct bench *b)
{
    if (b->ops && b->json)
        print_ops_json(b);
    else if (b->ops)
        print_ops_table(b);
    else if (b->json)
        print_json(b);
    else
        print_table(b);
}

static int run_bench(struct bench *b)
{
    struct error err = {""};
    struct recipe recipe;
    if (recipe_options_resolve(&b->options, &recipe, &err))
        return command_usage_error(&command_bench, "%s", err.text);
    if (recipe.progressive_size) /* each size has a program of its own: the one that is checked is not what is timed */
        return command_usage_error(&command_bench,
                                   "progressive_size: its steps are not all alike; switch it off to time one");
    int status = session_open_data(&b->session, &recipe, &err);
    if (!status) {
        command_progress("checking against the reference", 0, 0);
        status = session_compile(&b->session, 0, &err) || session_validate(&b->session, &b->validation, &err) ||
                 (b->ops ? time_ops(b, &err) : time_steps(b, &err));
        command_progress(NULL, 0, 0);
        if (!status)
            print(b);
        free(b->least);
        trace_release(&b->trace);
        timekeeper_release(&b->keeper);
        session_release(&b->session);
    }
    return status ? command_fail("%s", err.text) : EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct bench *b = calloc(1, sizeof *b);
    struct error err = {""};
    if (!b)
        return command_fail("out of memory");
    b->steps = 5;
    int code = EXIT_OK;
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_bench, argc, argv, &i, &flag, &value);
        if (taken < 0) {
            code = EXIT_USAGE;
        } else if (taken && value) {
            int64_t steps;
            if (number_parse_int(value, &steps) || steps < 1 || steps > STEPS_MAX)
                code = command_usage_error(&command_bench, "--steps '%s': give a whole number from 1 to %d", value,
                                           STEPS_MAX);
            else
                b->steps = (int)steps;
        } else if (taken) {
            b->json |= strcmp(flag, "--json") == 0;
            b->ops |= strcmp(flag, "--ops") == 0;
        } else if ((taken = recipe_options_take(&b->options, argc, argv, &i, &err)) < 0) {
            code = command_usage_error(&command_bench, "%s", err.text);
        } else if (!taken) {
            code = command_unknown(&command_bench, argv[i]);
        }
    }
    if (code == EXIT_OK)
        code = run_bench(b);
    free(b);
    return code;
}

static const struct command_option options[] = {
    {"--step", NULL, "the whole step (the default)", NULL},
    {"--ops", NULL, "each operation: rates, and their share of what the machine can do", NULL},
    {"--steps", "N", "how many to time (5), with as many beside them that are not", NULL},
    {"--json", NULL, "one JSON object", NULL},
    {0},
};

const struct command command_bench = {
    .name = "bench",
    .summary = "time the step or its operations, checked against the reference",
    .usage =
        "usage: davidnet bench [--step | --ops] [OPTION]...\n\n"
        "Checks the program that is timed, at its own batch, against the reference; then times the whole training\n"
        "step: two to warm up, then some that count, with the median, the phases and each step of the program.\n"
        "A GPU's step is the time from one result to the next, with as many under way as in training. The last line\n"
        "says what timing costs: as a run's steps are timed, but each of them traced (a run traces one in ten or\n"
        "fewer), beside as many that are not, and by its own account.\n"
        "With --ops it is each operation (the least of those times), the rates that it reaches, and its share of what\n"
        "the machine can do: multiply-adds from registers (on a GPU, a product of large matrices) or a copy in\n"
        "memory, whichever takes longer, both measured first. It is more than 100 % where caches hold the data or "
        "Winograd saves multiplications.\n"
        "Steps of progressive_size are not all alike, and are refused.\n",
    .options = options,
    .takes_recipe = 1,
    .run = run,
};
