#include "kernels/cuda/cuda_program.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- data sets ---- */

static void drop_dataset(struct cuda_program *own, struct cuda_dataset *set)
{
    cuda_device_free(&own->device, set->device_pixels);
    cuda_device_free(&own->device, set->device_labels);
    cuda_device_free(&own->device, set->table);
    *set = (struct cuda_dataset){0};
}

static int load_dataset(struct cuda_program *own, struct cuda_dataset *set, const struct images *images,
                        struct error *err)
{
    size_t bytes = (size_t)images->count * (size_t)images->channels * (size_t)images->height * (size_t)images->width;
    struct augment_table table;
    if (cuda_device_wait(&own->device, err)) /* steps under way may still read what goes */
        return -1;
    drop_dataset(own, set);
    set->device_pixels = cuda_device_alloc(&own->device, bytes, err);
    set->device_labels = set->device_pixels ? cuda_device_alloc(&own->device, images->count, err) : NULL;
    set->table = set->device_labels ? cuda_device_alloc(&own->device, sizeof table.value, err) : NULL;
    if (!set->table) {
        drop_dataset(own, set);
        return error_prefix(err, "the data set of %u images", images->count);
    }
    augment_table_init(&table, images);
    cuda_device_put(&own->device, set->device_pixels, images->pixels, bytes);
    cuda_device_put(&own->device, set->device_labels, images->labels, images->count);
    cuda_device_put(&own->device, set->table, table.value, sizeof table.value);
    set->pixels = images->pixels;
    set->count = images->count;
    return cuda_device_wait(&own->device, err);
}

/* The images on the device, put there if they are not yet; the one longest unused goes. NULL with err. */
static const struct cuda_dataset *find_dataset(struct cuda_program *own, const struct images *images, struct error *err)
{
    struct cuda_dataset *oldest = &own->dataset[0];
    own->clock++;
    for (int i = 0; i < CUDA_DATASETS; i++) {
        struct cuda_dataset *set = &own->dataset[i];
        if (set->pixels == images->pixels && set->count == images->count) {
            set->used = own->clock;
            return set;
        }
        if (set->used < oldest->used)
            oldest = set;
    }
    if (load_dataset(own, oldest, images, err))
        return NULL;
    oldest->used = own->clock;
    return oldest;
}

/* ---- one step ---- */

/* Images that are shrunk are made on the host: *device gets where they are on the device. */
static int put_images(struct cuda_program *own, struct cuda_slot *slot, const float **device, struct error *err)
{
    const struct batch *batch = &own->program->batch;
    struct plan_shape shape = own->program->plan->rows[0].out;
    size_t each = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    size_t bytes = (size_t)own->program->options.max_batch * each * sizeof(float);
    struct augment_table table;
    if (!own->ready && !(own->ready = cuda_take(own, bytes, err)))
        return -1;
    if (!slot->ready && !(slot->ready = cuda_device_pin(&own->device, bytes, err)))
        return -1;
    augment_table_init(&table, batch->images);
    for (int i = 0; i < batch->n; i++)
        augment_floats(batch, &table, i, slot->ready + (size_t)i * each);
    cuda_device_put(&own->device, own->ready, slot->ready, (size_t)batch->n * each * sizeof(float));
    *device = own->ready;
    return 0;
}

/* A step's rates and choices lie behind it, here and on the device. */
static struct cuda_rate *rates_of(struct cuda_step *step)
{
    return (struct cuda_rate *)(step + 1);
}

static struct choice *choices_of(struct cuda_step *step, const struct plan *plan)
{
    return (struct choice *)(rates_of(step) + plan->n_tensors);
}

static void put_step(struct cuda_program *own, struct cuda_step *step)
{
    const struct plan *plan = own->program->plan;
    size_t bytes =
        sizeof *step + (size_t)plan->n_tensors * sizeof(struct cuda_rate) + (size_t)step->n * sizeof(struct choice);
    step->rates = rates_of(own->step);
    step->choices = choices_of(own->step, plan);
    cuda_device_put(&own->device, own->step, step, bytes);
}

/* Tells the device about the batch through a slot. */
static int begin(struct cuda_program *own, struct cuda_slot *slot, struct error *err)
{
    const struct program *program = own->program;
    const struct batch *batch = &program->batch;
    const struct plan *plan = program->plan;
    const struct cuda_dataset *set = find_dataset(own, batch->images, err);
    bool shrunk = batch_height(batch) != batch->images->height || batch_width(batch) != batch->images->width;
    const float *ready = NULL;
    if (!set || (shrunk && put_images(own, slot, &ready, err)))
        return -1;
    struct cuda_step *step = slot->step;
    *step = (struct cuda_step){.n = batch->n,
                               .height = batch->images->height,
                               .width = batch->images->width,
                               .channels = batch->images->channels,
                               .pixels = set->device_pixels,
                               .labels = set->device_labels,
                               .table = set->table,
                               .ready = ready,
                               .form = (int)program->hyper.form};
    for (int i = 0; i < plan->n_tensors; i++) {
        struct hyper hyper = hyper_of_tensor(&program->hyper, &plan->tensors[i]);
        rates_of(step)[i] = (struct cuda_rate){.lr = (float)hyper.lr,
                                               .momentum = (float)hyper.momentum,
                                               .decay = (float)hyper.weight_decay,
                                               .trains = hyper_trains(&program->hyper, &plan->tensors[i])};
    }
    memcpy(choices_of(step, plan), batch->choices, (size_t)batch->n * sizeof *batch->choices);
    slot->n = batch->n;
    put_step(own, step);
    if (own->stale)
        cuda_refresh(own->device_weights, own->chunks, own->n_chunks, own->device.stream);
    own->stale = false;
    return 0;
}

/* The first row with a value that is not finite, if that is before `row`. Later steps may have come by: what is not
 * finite stays so. */
static int find_bad_row(struct cuda_program *own, int row)
{
    for (int i = 0; i < own->units.n_values; i++)
        cuda_find_bad(own->value[i], cuda_value_count(own, i), cuda_value_type(own, i), own->units.values[i].row,
                      own->result, own->device.stream);
    cuda_device_get(&own->device, own->found, own->result, sizeof *own->found);
    if (cuda_device_wait(&own->device, NULL) == 0 && own->found->bad_row < row)
        row = own->found->bad_row;
    return row;
}

static void take_result(struct cuda_program *own, const struct cuda_slot *slot, struct step_result *result)
{
    const struct cuda_result *r = slot->result;
    *result = (struct step_result){.n = slot->n, .correct = r->correct, .loss_sum = r->loss_sum, .bad_row = -1};
    if (r->bad_row != INT_MAX)
        result->bad_row = find_bad_row(own, r->bad_row);
    else if (r->bad_weight != INT_MAX)
        result->bad_row = r->bad_weight;
}

/* What run() reports when the device is in trouble: nothing that could be taken for a result. */
static void fail_result(struct cuda_program *own, const struct error *err)
{
    struct program *program = own->program;
    if (!own->trouble.text[0])
        own->trouble = *err;
    program->result = (struct step_result){.loss_sum = (double)NAN, .bad_row = program->plan->n_rows - 1};
}

void cuda_run_step(struct program *program, const struct program_step *step)
{
    struct cuda_program *own = cuda_own(program);
    const struct cuda_op *op = step->context;
    struct cuda_slot *slot = &own->slot[0];
    struct error err = {""};
    bool first = step == program->train || step == program->eval;
    bool last = step == program->train + program->n_train - 1 || step == program->eval + program->n_eval - 1;
    if (first && begin(own, slot, &err)) {
        fail_result(own, &err);
        return;
    }
    op->run(own, op);
    own->ran = true;
    own->ran_back = op->training && last;
    if (!last)
        return;
    cuda_device_get(&own->device, slot->result, own->result, sizeof *slot->result);
    if (cuda_device_wait(&own->device, &err))
        fail_result(own, &err);
    else
        take_result(own, slot, &program->result);
}

/* ---- whole lists ---- */

static void run_list(struct cuda_program *own, bool training, bool timed)
{
    const struct cuda_op *ops = training ? own->train_ops : own->eval_ops;
    int count = training ? own->program->n_train : own->program->n_eval;
    for (int i = 0; i < count; i++) {
        if (timed)
            cuda_event_record(&own->device, own->timer[i]);
        ops[i].run(own, &ops[i]);
    }
    if (timed)
        cuda_event_record(&own->device, own->timer[count]);
}

static void record_training(void *context)
{
    run_list(context, true, false);
}

static void record_evaluation(void *context)
{
    run_list(context, false, false);
}

static void record_timed_training(void *context)
{
    run_list(context, true, true);
}

static void record_timed_evaluation(void *context)
{
    run_list(context, false, true);
}

/* All is done, and nothing failed. */
static int settle(struct cuda_program *own, struct error *err)
{
    int status = cuda_device_wait(&own->device, err);
    if (own->trouble.text[0]) /* it comes first, and says more */
        *err = own->trouble;
    return status || own->trouble.text[0] ? -1 : 0;
}

/*
 * A round of both lists without an image, which loads kernels and libraries: that may allocate, which a recording
 * forbids. Then the recordings, and a round of them. What the rounds leave behind in weights and statistics is made
 * undone by cuda_weights_reset.
 */
static int warm_up(struct cuda_program *own, struct error *err)
{
    static void (*const work[CUDA_RECORDINGS])(void *) = {
        [CUDA_TRAIN] = record_training,
        [CUDA_EVALUATE] = record_evaluation,
        [CUDA_TRAIN_TIMED] = record_timed_training,
        [CUDA_EVALUATE_TIMED] = record_timed_evaluation,
    };
    put_step(own, own->slot[0].step); /* no image, and rates that change nothing */
    run_list(own, true, false);
    run_list(own, false, false);
    if (settle(own, err))
        return -1;
    for (int i = 0; i < CUDA_RECORDINGS; i++) {
        own->recording[i] = cuda_recording_new(&own->device, work[i], own, err);
        if (own->trouble.text[0])
            *err = own->trouble;
        if (!own->recording[i] || own->trouble.text[0])
            return -1;
    }
    for (int i = 0; i < CUDA_RECORDINGS; i++)
        cuda_recording_replay(&own->device, own->recording[i]);
    return settle(own, err) ? -1 : cuda_weights_reset(own, err);
}

int cuda_run_init(struct cuda_program *own, struct error *err)
{
    int n_timer = own->program->n_train + 1;
    own->step_bytes = sizeof *own->step + (size_t)own->program->plan->n_tensors * sizeof(struct cuda_rate) +
                      (size_t)own->program->options.max_batch * sizeof(struct choice);
    own->step = cuda_take(own, own->step_bytes, err);
    own->result = own->step ? cuda_take(own, sizeof *own->result, err) : NULL;
    own->timer = calloc((size_t)n_timer, sizeof *own->timer);
    own->found = own->result ? cuda_device_pin(&own->device, sizeof *own->found, err) : NULL;
    if (own->result && !own->found)
        return -1;
    if (!own->result || !own->timer)
        return own->result ? error_set(err, "out of memory for the step's timers") : -1;
    for (int i = 0; i < n_timer; i++)
        if (!(own->timer[i] = cuda_event_new(&own->device, err)))
            return -1;
    for (int i = 0; i < CUDA_AHEAD; i++) {
        struct cuda_slot *slot = &own->slot[i];
        if (!(slot->step = cuda_device_pin(&own->device, own->step_bytes, err)) ||
            !(slot->result = cuda_device_pin(&own->device, sizeof *slot->result, err)) ||
            !(slot->done = cuda_event_new(&own->device, err)))
            return -1;
    }
    return warm_up(own, err);
}

void cuda_run_release(struct cuda_program *own)
{
    for (int i = 0; i < CUDA_RECORDINGS; i++)
        cuda_recording_free(&own->device, own->recording[i]);
    cuda_device_unpin(&own->device, own->found);
    for (int i = 0; i < CUDA_AHEAD; i++) {
        cuda_device_unpin(&own->device, own->slot[i].step);
        cuda_device_unpin(&own->device, own->slot[i].ready);
        cuda_device_unpin(&own->device, own->slot[i].result);
        cuda_event_free(&own->device, own->slot[i].done);
    }
    for (int i = 0; own->timer && i <= own->program->n_train; i++)
        cuda_event_free(&own->device, own->timer[i]);
    free(own->timer);
    for (int i = 0; i < CUDA_DATASETS; i++)
        drop_dataset(own, &own->dataset[i]);
}

int cuda_submit(struct program *program, bool training, bool timed, struct error *err)
{
    struct cuda_program *own = cuda_own(program);
    if (own->trouble.text[0]) {
        *err = own->trouble;
        return -1;
    }
    if (own->pending == CUDA_AHEAD)
        return error_set(err, "%d steps are under way already; collect one first", own->pending);
    struct cuda_slot *slot = &own->slot[(own->first + own->pending) % CUDA_AHEAD];
    if (begin(own, slot, err))
        return -1;
    timed = timed && own->pending == 0; /* alone, so that nobody else writes to the timer */
    slot->n_events = !timed ? 0 : (training ? program->n_train : program->n_eval) + 1;
    enum cuda_recording which =
        training ? (timed ? CUDA_TRAIN_TIMED : CUDA_TRAIN) : (timed ? CUDA_EVALUATE_TIMED : CUDA_EVALUATE);
    cuda_recording_replay(&own->device, own->recording[which]);
    cuda_device_get(&own->device, slot->result, own->result, sizeof *slot->result);
    cuda_event_record(&own->device, slot->done);
    own->pending++;
    own->ran = true;
    own->ran_back = training;
    return cuda_device_check(&own->device, err);
}

int cuda_collect(struct program *program, struct step_result *result, uint64_t *ns, struct error *err)
{
    struct cuda_program *own = cuda_own(program);
    if (own->pending == 0)
        return error_set(err, "no step is under way");
    struct cuda_slot *slot = &own->slot[own->first];
    if (cuda_event_wait(&own->device, slot->done, err))
        return -1;
    own->first = (own->first + 1) % CUDA_AHEAD;
    own->pending--;
    if (own->trouble.text[0]) {
        *err = own->trouble;
        return -1;
    }
    take_result(own, slot, result);
    for (int i = 0; i + 1 < slot->n_events && ns; i++) {
        double seconds = cuda_event_seconds(&own->device, own->timer[i], own->timer[i + 1]);
        if (!(seconds >= 0)) /* no time at all is better than a wrong one */
            return 0;
        ns[i] = (uint64_t)(1e9 * seconds);
    }
    return slot->n_events > 0 && ns ? 1 : 0;
}
