/* `davidnet bench --step`: the whole training step, validated, then timed. */
#include "tui/command.h"
#include "tui/options.h"

#include "engine/number.h"
#include "engine/session.h"
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
    int json, steps;
    double seconds[STEPS_MAX];    /* of each timed step */
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

/* On a terminal: what it is busy with, in place. */
static void progress(const char *what, int done, int of)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (!what)
        fputs("\r\033[K", stderr);
    else if (of)
        fprintf(stderr, "\r\033[K%s %d of %d", what, done, of);
    else
        fprintf(stderr, "\r\033[K%s", what);
}

static int time_steps(struct bench *b, struct error *err)
{
    struct session *s = &b->session;
    enum { WARM_UP = 2 };
    for (int i = 0; i < WARM_UP + b->steps; i++) {
        struct batch batch;
        struct hyper hyper;
        struct step_result result;
        progress("step", i + 1, WARM_UP + b->steps);
        if (i == WARM_UP)
            executor_reset_times(&s->executor);
        double begin = clock_seconds(CLOCK_MONOTONIC), cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
        session_hyper(s, (uint32_t)i, &hyper);
        if (session_batch(s, (uint32_t)i % s->steps_per_epoch, &batch, err) ||
            executor_train(&s->executor, &batch, &hyper, &result, err))
            return -1;
        cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        if (i == WARM_UP || (i > WARM_UP && cpu < b->cpu))
            b->cpu = cpu;
        if (i >= WARM_UP)
            b->seconds[i - WARM_UP] = clock_seconds(CLOCK_MONOTONIC) - begin;
    }
    for (int i = 0; i < s->program->n_train; i++)
        b->phase_ms[s->program->train[i].phase] +=
            (double)s->executor.train_ns[i] * 1e-6 / (double)s->executor.train_steps;
    qsort(b->seconds, (size_t)b->steps, sizeof b->seconds[0], by_value);
    b->minimum = b->seconds[0];
    b->median = (b->seconds[(b->steps - 1) / 2] + b->seconds[b->steps / 2]) / 2;
    return 0;
}

static double step_flops(const struct session *s)
{
    double flops = 0;
    for (int i = 0; i < s->plan.n_rows; i++)
        flops += plan_row_forward_flops(&s->plan, i) + plan_row_backward_flops(&s->plan, i);
    return flops * recipe_batch(&s->recipe);
}

static void print_json(const struct bench *b)
{
    const struct session *s = &b->session;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "event", "bench");
    cJSON_AddStringToObject(root, "what", "step");
    cJSON_AddStringToObject(root, "preset", s->recipe.preset);
    cJSON_AddStringToObject(root, "family", s->family->name);
    cJSON_AddStringToObject(root, "library", s->family->library ? s->family->library() : "none");
    cJSON_AddStringToObject(root, "precision", precision_name(s->precision));
    cJSON_AddStringToObject(root, "isa", isa_name(isa_current()));
    cJSON_AddNumberToObject(root, "threads", s->program->options.threads);
    cJSON_AddNumberToObject(root, "batch", recipe_batch(&s->recipe));
    cJSON_AddNumberToObject(root, "steps", b->steps);
    cJSON_AddNumberToObject(root, "median_seconds", b->median);
    cJSON_AddNumberToObject(root, "minimum_seconds", b->minimum);
    cJSON_AddNumberToObject(root, "cpu_seconds", b->cpu);
    cJSON_AddNumberToObject(root, "images_per_second", recipe_batch(&s->recipe) / b->median);
    cJSON_AddNumberToObject(root, "gflops_per_second", step_flops(s) / b->median * 1e-9);
    cJSON_AddNumberToObject(root, "memory_bytes", (double)s->family->memory(s->program));
    cJSON_AddNumberToObject(root, "logits_error", b->validation.logits);
    cJSON_AddNumberToObject(root, "gradient_error", b->validation.gradient);
    cJSON *phases = cJSON_AddObjectToObject(root, "phase_ms");
    for (int i = 0; i < PHASE_COUNT; i++)
        cJSON_AddNumberToObject(phases, phase_name((enum phase)i), b->phase_ms[i]);
    cJSON *steps = cJSON_AddArrayToObject(root, "program");
    for (int i = 0; i < s->program->n_train; i++) {
        const struct program_step *step = &s->program->train[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "row", s->plan.rows[step->rows[0]].name);
        cJSON_AddStringToObject(item, "phase", phase_name(step->phase));
        cJSON_AddStringToObject(item, "implementation", step->impl);
        cJSON_AddNumberToObject(item, "ms", (double)s->executor.train_ns[i] * 1e-6 / (double)s->executor.train_steps);
        cJSON_AddItemToArray(steps, item);
    }
    command_print_json(root, 0);
}

static void print_table(const struct bench *b)
{
    const struct session *s = &b->session;
    char where[128];
    session_describe(s, where, sizeof where);
    printf("%s, batch %d: %s%s%s\n", s->recipe.preset, recipe_batch(&s->recipe), where, s->family->library ? ", " : "",
           s->family->library ? s->family->library() : "");
    printf(
        "agrees with the reference over %d images: logits within %.1e (%.0e allowed), gradients within %.1e (%.0e)\n\n",
        b->validation.batch, b->validation.logits, b->validation.logits_tolerance, b->validation.gradient,
        b->validation.gradient_tolerance);
    printf("%-28s %-9s %9s %6s  %s\n", "row", "phase", "ms", "share", "implementation");
    for (int i = 0; i < s->program->n_train; i++) {
        const struct program_step *step = &s->program->train[i];
        double ms = (double)s->executor.train_ns[i] * 1e-6 / (double)s->executor.train_steps;
        printf("%-28s %-9s %9.2f %5.1f%%  %s\n", s->plan.rows[step->rows[0]].name, phase_name(step->phase), ms,
               ms * 0.1 / b->median, step->impl);
    }
    putchar('\n');
    for (int i = 0; i < PHASE_COUNT; i++)
        printf("%-10s %9.2f ms\n", phase_name((enum phase)i), b->phase_ms[i]);
    printf("\nstep: median %.3f s, minimum %.3f s of %d (CPU %.3f s); %.0f images/s, %.0f GFLOP/s, %.2f GiB\n",
           b->median, b->minimum, b->steps, b->cpu, recipe_batch(&s->recipe) / b->median,
           step_flops(s) / b->median * 1e-9, (double)s->family->memory(s->program) / (1 << 30));
}

static int run_bench(struct bench *b)
{
    struct error err = {""};
    struct recipe recipe;
    if (recipe_options_resolve(&b->options, &recipe, &err))
        return command_usage_error(&command_bench, "%s", err.text);
    int status = session_open_data(&b->session, &recipe, &err);
    if (!status) {
        progress("checking against the reference", 0, 0);
        status = session_compile(&b->session, 0, &err) || session_validate(&b->session, &b->validation, &err) ||
                 time_steps(b, &err);
        progress(NULL, 0, 0);
        if (!status && b->json)
            print_json(b);
        else if (!status)
            print_table(b);
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
    {"--steps", "N", "how many to time (5)", NULL},
    {"--json", NULL, "one JSON object", NULL},
    {0},
};

const struct command command_bench = {
    .name = "bench",
    .summary = "time the training step, after checking it against the reference",
    .usage =
        "usage: davidnet bench [--step] [OPTION]...\n\n"
        "Checks the program that is timed, at its own batch, against the reference; then times the whole training\n"
        "step: two to warm up, then some that count, with the median, the phases and each step of the program.\n",
    .options = options,
    .takes_recipe = 1,
    .run = run,
};
