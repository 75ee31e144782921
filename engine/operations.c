#include "engine/operations.h"

#include "engine/contention.h"
#include "kernels/ceiling.h"
#include "kernels/cuda_plugin.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- what there is to do ---- */

double operation_flops(const struct program *program, const struct program_step *step, int n)
{
    double flops = 0;
    for (int i = 0; i < step->n_rows; i++)
        flops += step->phase == PHASE_FORWARD || step->phase == PHASE_LOSS
                     ? plan_row_forward_flops(program->plan, step->rows[i])
                 : step->phase == PHASE_BACKWARD ? plan_row_backward_flops(program->plan, step->rows[i])
                                                 : 0;
    return flops * n;
}

static bool covered(const struct program_step *step, int row)
{
    for (int i = 0; i < step->n_rows; i++)
        if (step->rows[i] == row)
            return true;
    return false;
}

double operation_activation_bytes(const struct program *program, int row, int n)
{
    struct plan_shape shape = program->plan->rows[row].out;
    bool half = program->options.precision == PRECISION_BF16 || program->options.precision == PRECISION_F16;
    return (double)n * shape.c * shape.h * shape.w * (half ? 2 : 4);
}

double operation_weight_bytes(const struct plan *plan, int row)
{
    double floats = 0;
    for (int i = 0; i < plan->rows[row].n_tensors; i++)
        floats += (double)plan->tensors[plan->rows[row].tensor[i]].count;
    return 4 * floats;
}

/* How many tensors of a source's size an operation must move backward: its values, where the gradient depends on them,
 * and its gradient. What was the largest in a window can be kept in a few bits; both sources of a sum can share its
 * gradient. */
static int tensors_back(enum plan_op op)
{
    switch (op) {
    case PLAN_ADD:
        return 0;
    case PLAN_MAX_POOL:
    case PLAN_AVG_POOL:
    case PLAN_GLOBAL_MAX:
    case PLAN_GLOBAL_AVG:
    case PLAN_CONCAT:
        return 1;
    default:
        return 2;
    }
}

/* Images have no gradient. */
static int tensors_of_source(const struct plan_row *row, int source, bool back)
{
    int tensors = back ? tensors_back(row->op) : 1;
    return back && source == 0 && tensors > 0 ? tensors - 1 : tensors;
}

/* Forward and backward: what comes from other steps, what goes to them, and the weights. */
static double pass_bytes(const struct program *program, const struct program_step *step, int n)
{
    const struct plan *plan = program->plan;
    bool back = step->phase == PHASE_BACKWARD, norm = false;
    int last = step->rows[0];
    double bytes = 0, sources = 0;
    for (int i = 0; i < step->n_rows; i++) {
        const struct plan_row *row = &plan->rows[step->rows[i]];
        norm |= row->op == PLAN_NORM;
        last = step->rows[i] > last ? step->rows[i] : last;
        bytes += (back ? 2 : 1) * operation_weight_bytes(plan, step->rows[i]);
        for (int k = 0; k < row->n_inputs; k++)
            if (!covered(step, row->input[k]))
                sources +=
                    operation_activation_bytes(program, row->input[k], n) * tensors_of_source(row, row->input[k], back);
    }
    double output = operation_activation_bytes(program, last, n);
    if (norm) /* statistics first */
        bytes += operation_activation_bytes(program, plan->rows[step->rows[0]].input[0], n) + (back ? output : 0);
    return bytes + sources + output;
}

/* A step without rows updates all of them. */
static double updated_bytes(const struct plan *plan, const struct program_step *step)
{
    int count = step->n_rows > 0 ? step->n_rows : plan->n_rows;
    double bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += operation_weight_bytes(plan, step->n_rows > 0 ? step->rows[i] : i);
    return bytes;
}

double operation_bytes(const struct program *program, const struct program_step *step, int n)
{
    switch (step->phase) {
    case PHASE_AUGMENT:
        return operation_activation_bytes(program, 0, n);
    case PHASE_UPDATE: /* weight and momentum there and back, and the gradient */
        return 5 * updated_bytes(program->plan, step);
    default:
        return step->n_rows > 0 ? pass_bytes(program, step, n) : (double)NAN;
    }
}

double operation_floor(const struct ceiling *ceiling, double flops, double bytes)
{
    double memory = bytes / ceiling->bytes, arithmetic = flops / ceiling->flops;
    return arithmetic > memory ? arithmetic : memory;
}

/* ---- what the machine can do ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/*
 * Short pieces of work, so that some of them have the processors for themselves on a machine that does other things,
 * too; the fastest counts. They come in probes with pauses between them, because another program's turn lasts longer
 * than one probe.
 */
enum { PROBES = 6, PIECE = 8 << 20, ROUNDS = 50000 };
#define PROBE_SECONDS 0.025 /* of each kind, and then the pause */

/* NaN: no such instructions. */
static double probe_multiply(double (*multiply)(size_t rounds))
{
    double fastest = 0, started = now();
    do {
        double begin = now(), operations = multiply(ROUNDS), rate = operations / (now() - begin);
        if (operations == 0)
            return NAN;
        fastest = rate > fastest ? rate : fastest;
    } while (now() - started < PROBE_SECONDS);
    return fastest;
}

/* Piece by piece through arrays that no cache holds; goes on at *at. */
static double probe_copy(char *arrays, size_t size, size_t *at)
{
    double fastest = 0, started = now();
    do {
        double begin = now(), rate = ceiling_copy(arrays + *at, arrays + size + *at, PIECE) / (now() - begin);
        fastest = rate > fastest ? rate : fastest;
        *at = *at + 2 * (size_t)PIECE <= size ? *at + PIECE : 0;
    } while (now() - started < PROBE_SECONDS);
    return fastest;
}

size_t ceiling_copy_bytes(double cache, double available)
{
    double pieces = ceil(4 * cache / (2 * PIECE));
    double bytes = (pieces > 0 ? pieces : 1) * 2 * PIECE;
    return bytes <= available / 16 ? (size_t)bytes : 0;
}

/* Bytes of the largest cache that is shared; where the machine does not say, what is usual. */
static double last_cache(void)
{
    long size = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (size <= 0)
        size = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return size > 0 ? (double)size : 32 << 20;
}

/* The number in a file that holds one; NaN: no such file, or "max". */
static double number_in(const char *path)
{
    double value = NAN;
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%lf", &value) != 1)
        value = NAN;
    if (file)
        fclose(file);
    return value;
}

/* Bytes of memory that are free, for this machine and this control group (version 2, or 1). */
static double available_memory(void)
{
    char line[128];
    double kilobytes = NAN;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "MemAvailable: %lf", &kilobytes) != 1)
        ;
    if (file)
        fclose(file);
    double machine = 1024 * kilobytes;
    double two = number_in("/sys/fs/cgroup/memory.max") - number_in("/sys/fs/cgroup/memory.current");
    double one = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes") -
                 number_in("/sys/fs/cgroup/memory/memory.usage_in_bytes");
    return fmin(machine, fmin(two, one)); /* fmin leaves NaN out */
}

int ceiling_measure(struct ceiling *ceiling, enum precision precision, struct error *err)
{
    static const struct timespec pause = {0, (long)(1e9 * PROBE_SECONDS)};
    *ceiling = (struct ceiling){.flops = NAN, .bytes = NAN};
    size_t bytes = ceiling_copy_bytes(last_cache(), available_memory()), at = 0;
    char *arrays = bytes ? malloc(bytes) : NULL;
    if (bytes && !arrays)
        return error_set(err, "out of memory for %zu MiB to measure copies with", bytes >> 20);
    if (arrays)
        memset(arrays, 1, bytes);
    double (*multiply)(size_t) = precision == PRECISION_F32    ? ceiling_multiply
                                 : precision == PRECISION_BF16 ? ceiling_multiply_bf16
                                                               : NULL;
    struct contention before, after;
    contention_read(&before);
    double began = now();
    for (int i = 0; i < PROBES; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        if (multiply) /* fmax leaves NaN out */
            ceiling->flops = fmax(ceiling->flops, probe_multiply(multiply));
        if (arrays)
            ceiling->bytes = fmax(ceiling->bytes, probe_copy(arrays, bytes / 2, &at));
    }
    contention_read(&after);
    ceiling->noisy =
        contention_noisy(contention_steal(&before, &after), (double)(after.involuntary - before.involuntary),
                         now() - began, parallel_threads());
    free(arrays);
    return 0;
}

int ceiling_of_session(const struct session *session, struct ceiling *ceiling, struct error *err)
{
    if (!session->family->submit)
        return ceiling_measure(ceiling, session->precision, err);
    *ceiling = (struct ceiling){0};
    return cuda_program_rates(session->program, &ceiling->flops, &ceiling->bytes, err);
}

int ceiling_remember(struct ceiling *ceiling, enum precision precision, struct error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct ceiling known;
    static int threads, isa, of = -1;
    int status = 0;
    pthread_mutex_lock(&lock);
    if (of == (int)precision && threads == parallel_threads() && isa == (int)isa_current()) {
        *ceiling = known;
    } else {
        status = ceiling_measure(ceiling, precision, err);
        if (!status && !ceiling->noisy) { /* what was spoilt is measured again for the next run */
            known = *ceiling;
            of = (int)precision;
            threads = parallel_threads();
            isa = (int)isa_current();
        }
    }
    pthread_mutex_unlock(&lock);
    return status;
}

void ceiling_merge(struct ceiling *ceiling, const struct ceiling *other)
{
    ceiling->flops = fmax(ceiling->flops, other->flops);
    ceiling->bytes = fmax(ceiling->bytes, other->bytes);
    ceiling->noisy = ceiling->noisy && other->noisy;
}

int operations_time(struct session *session, int steps, double *seconds, struct error *err)
{
    enum { WARM_UP = 2 };
    struct executor *executor = &session->executor;
    for (int i = 0; i < WARM_UP + steps; i++) {
        struct batch batch;
        struct hyper hyper;
        struct step_result result;
        if (session_batch(session, (uint32_t)i % session->steps_per_epoch, &batch, err))
            return -1;
        session_hyper(session, (uint32_t)i, &hyper);
        executor_reset_times(executor); /* so that this step is timed */
        if (executor_train(executor, &batch, &hyper, &result, err))
            return -1;
        for (int k = 0; k < session->program->n_train; k++) {
            double took = executor->train_steps ? (double)executor->train_ns[k] * 1e-9 : NAN;
            if (i <= WARM_UP || isnan(seconds[k]) || took < seconds[k])
                seconds[k] = i < WARM_UP ? NAN : took;
        }
    }
    return 0;
}
