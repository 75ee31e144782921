#include "engine/operations.h"

#include "kernels/ceiling.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECONDS 0.15 /* about what each ceiling is measured for */

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
                sources += operation_activation_bytes(program, row->input[k], n) * (back && row->input[k] > 0 ? 2 : 1);
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

/* Short pieces of work, so that some of them have the processors for themselves on a machine that does other things,
 * too; the fastest counts. */
static double fastest_multiply(double (*multiply)(size_t rounds))
{
    enum { TIMES = 100, ROUNDS = 50000 };
    double fastest = 0, started = now();
    for (int i = 0; i < TIMES && (i < TIMES / 10 || now() - started < SECONDS); i++) {
        double begin = now(), operations = multiply(ROUNDS), rate = operations / (now() - begin);
        if (operations == 0)
            return NAN; /* no such instructions */
        fastest = rate > fastest ? rate : fastest;
    }
    return fastest;
}

/* Piece by piece through arrays that no cache holds. */
static double fastest_copy(char *arrays, size_t size)
{
    enum { ROUNDS = 4, PIECE = 8 << 20 };
    double fastest = 0, started = now();
    for (int i = 0; i < ROUNDS && (i < 1 || now() - started < SECONDS); i++)
        for (size_t at = 0; at < size; at += PIECE) {
            double begin = now(), rate = ceiling_copy(arrays + at, arrays + size + at, PIECE) / (now() - begin);
            fastest = rate > fastest ? rate : fastest;
        }
    return fastest;
}

int ceiling_measure(struct ceiling *ceiling, enum precision precision, struct error *err)
{
    enum { BYTES = 128 << 20 };
    *ceiling = (struct ceiling){NAN, NAN};
    char *arrays = malloc((size_t)2 * BYTES);
    if (!arrays)
        return error_set(err, "out of memory for %d MiB to measure copies with", 2 * (BYTES >> 20));
    if (precision == PRECISION_F32 || precision == PRECISION_BF16)
        ceiling->flops = fastest_multiply(precision == PRECISION_F32 ? ceiling_multiply : ceiling_multiply_bf16);
    memset(arrays, 1, (size_t)2 * BYTES);
    ceiling->bytes = fastest_copy(arrays, BYTES);
    free(arrays);
    return 0;
}

int ceiling_remember(struct ceiling *ceiling, enum precision precision, struct error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct ceiling known;
    static int threads, isa, of = -1;
    int status = 0;
    pthread_mutex_lock(&lock);
    if (of != (int)precision || threads != parallel_threads() || isa != (int)isa_current()) {
        of = -1;
        status = ceiling_measure(&known, precision, err);
        if (!status) {
            of = (int)precision;
            threads = parallel_threads();
            isa = (int)isa_current();
        }
    }
    *ceiling = status ? (struct ceiling){NAN, NAN} : known;
    pthread_mutex_unlock(&lock);
    return status;
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
