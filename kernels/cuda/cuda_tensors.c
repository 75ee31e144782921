#include "kernels/cuda/cuda_program.h"
#include "kernels/cuda/pointwise.h"

#include <stdlib.h>
#include <string.h>

/* ---- how a tensor of the plan lies on the device ---- */

/* Outer blocks of rows of channels: [outer][pixels][c_stride] there, [outer][c][pixels] in the plan. */
struct layout {
    size_t outer, pixels, c, c_stride;
    size_t count; /* on the device */
};

/* A linear layer's input channels as they are stored. */
static size_t linear_stride(const struct cuda_program *own, int row)
{
    for (int i = 0; i < own->units.n_units; i++)
        if (own->units.units[i].rows[0] == row)
            return (size_t)own->units.values[own->units.units[i].x].c;
    return 0;
}

static struct layout layout_of(const struct cuda_program *own, int tensor)
{
    const struct plan *plan = own->program->plan;
    const struct plan_tensor *t = &plan->tensors[tensor];
    struct layout l = {1, 1, t->count, (size_t)cuda_padded((int)t->count), 0};
    size_t outer_stored = 1;
    if (t->role == PLAN_CONV_WEIGHT) {
        size_t k = (size_t)t->dims[0], side = (size_t)t->dims[2];
        l = (struct layout){k, side * side, (size_t)t->dims[1], (size_t)cuda_padded(t->dims[1]), 0};
        outer_stored = (size_t)cuda_padded((int)k);
    } else if (t->role == PLAN_LINEAR_WEIGHT) {
        struct plan_shape in = plan->rows[plan->rows[t->row].input[0]].out;
        l = (struct layout){(size_t)t->dims[0], (size_t)in.h * (size_t)in.w, (size_t)in.c, linear_stride(own, t->row),
                            0};
        outer_stored = l.outer;
    }
    l.count = outer_stored * l.pixels * l.c_stride;
    return l;
}

static void to_plan(const struct layout *l, const float *from, float *to)
{
    for (size_t o = 0; o < l->outer; o++)
        for (size_t p = 0; p < l->pixels; p++)
            for (size_t c = 0; c < l->c; c++)
                to[(o * l->c + c) * l->pixels + p] = from[(o * l->pixels + p) * l->c_stride + c];
}

/* What is padding in `to` stays as it is: zero. */
static void to_device(const struct layout *l, const float *from, float *to)
{
    for (size_t o = 0; o < l->outer; o++)
        for (size_t p = 0; p < l->pixels; p++)
            for (size_t c = 0; c < l->c; c++)
                to[(o * l->pixels + p) * l->c_stride + c] = from[(o * l->c + c) * l->pixels + p];
}

/* ---- the weights' memory ---- */

int cuda_weights_init(struct cuda_program *own, struct error *err)
{
    const struct plan *plan = own->program->plan;
    for (int i = 0; i < plan->n_tensors; i++)
        own->values_count += own->weights_count[i] = layout_of(own, i).count;
    size_t values = own->values_count;
    float *value = cuda_take(own, values * sizeof *value, err), *momentum = NULL, *gradient = NULL;
    char *used = NULL;
    if (!value || !(momentum = cuda_take(own, values * sizeof *momentum, err)) ||
        !(gradient = cuda_take(own, values * sizeof *gradient, err)))
        return -1;
    if (own->type != CUDA_TYPE_F32 && !(used = cuda_take(own, values * cuda_type_bytes(own->type), err)))
        return -1;
    size_t offset = 0;
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *t = &plan->tensors[i];
        bool conv = t->role == PLAN_CONV_WEIGHT;
        own->weights[i] =
            (struct cuda_weights){.value = value + offset,
                                  .momentum = momentum + offset,
                                  .gradient = gradient + offset,
                                  .used = conv && used ? used + offset * cuda_type_bytes(own->type) : NULL,
                                  .type = own->type,
                                  .gradient_type = conv ? own->type : CUDA_TYPE_F32,
                                  .row = t->row};
        offset += own->weights_count[i];
    }
    return 0;
}

/* ---- copies ---- */

static int put_floats(struct cuda_program *own, float *to, const float *from, size_t count, struct error *err)
{
    cuda_device_put(&own->device, to, from, count * sizeof *from);
    return cuda_device_wait(&own->device, err);
}

/* `count` values of a type from the device as floats, which the caller frees. */
static float *get_floats(struct cuda_program *own, const void *from, enum cuda_type type, size_t count,
                         struct error *err)
{
    float *out = malloc((count + 1) * sizeof *out);
    void *raw = type == CUDA_TYPE_F32 ? out : malloc((count + 1) * sizeof(uint16_t));
    if (!out || !raw) {
        error_set(err, "out of memory for a copy of %zu values", count);
    } else {
        cuda_device_get(&own->device, raw, from, count * cuda_type_bytes(type));
        if (cuda_device_wait(&own->device, err) == 0) {
            const uint16_t *halves = raw;
            for (size_t i = 0; i < count && type != CUDA_TYPE_F32; i++)
                out[i] = type == CUDA_TYPE_F16 ? pointwise_from_f16(halves[i]) : pointwise_from_bf16(halves[i]);
            if (raw != out)
                free(raw);
            return out;
        }
    }
    if (raw != out)
        free(raw);
    free(out);
    return NULL;
}

int cuda_weights_reset(struct cuda_program *own, struct error *err)
{
    const struct plan *plan = own->program->plan;
    for (int i = 0; i < plan->n_tensors; i++) {
        size_t count = own->weights_count[i];
        float *values = calloc(count, sizeof *values);
        if (!values)
            return error_set(err, "out of memory for the weights");
        int status = put_floats(own, own->weights[i].momentum, values, count, err);
        for (size_t k = 0; plan->tensors[i].role == PLAN_RUNNING_VAR && k < plan->tensors[i].count; k++)
            values[k] = 1;
        status = status || put_floats(own, own->weights[i].value, values, count, err) ? -1 : 0;
        free(values);
        if (status)
            return -1;
    }
    own->stale = true;
    return 0;
}

/* ---- reading and writing ---- */

/* Where a tensor of that kind lies; NULL with err: there is no memory for the average. */
static const void *place_of(struct cuda_program *own, int index, enum program_tensor which, struct error *err)
{
    const struct cuda_weights *w = &own->weights[index];
    if (which == PROGRAM_GRADIENT)
        return w->gradient;
    if (which < PROGRAM_EMA)
        return which == PROGRAM_VALUE ? w->value : w->momentum;
    const float *average = cuda_average_of(own, which, err);
    return average ? average + (w->value - own->weights[0].value) : NULL;
}

static int read_weights(struct program *program, int index, enum program_tensor which, float *out, struct error *err)
{
    struct cuda_program *own = cuda_own(program);
    struct layout l = layout_of(own, index);
    const void *from = place_of(own, index, which, err);
    enum cuda_type type = which == PROGRAM_GRADIENT ? own->weights[index].gradient_type : CUDA_TYPE_F32;
    float *values = from ? get_floats(own, from, type, l.count, err) : NULL;
    if (!values)
        return -1;
    to_plan(&l, values, out);
    free(values);
    return 0;
}

/* The value that holds a row's output, or -1 with the reason: rows inside a chain are never stored. */
static int find_value(const struct program *program, int row, struct error *err)
{
    const struct cuda_program *own = program->own;
    for (int i = 0; i < own->units.n_values; i++)
        if (own->units.values[i].row == row && !own->units.values[i].raw)
            return i;
    for (int i = 0; i < own->units.n_units; i++) {
        const struct cuda_unit *unit = &own->units.units[i];
        for (int k = 0; k < unit->n_rows; k++)
            if (unit->kind == CUDA_UNIT_CHAIN && (unit->rows[k] == row || unit->bias_row == row))
                return error_set(err, "'%s' is fused into '%s' and never stored; read that one, or use --device ref",
                                 program->plan->rows[row].name, program->plan->rows[unit->rows[unit->n_rows - 1]].name);
    }
    return error_set(err, "'%s' has no output to read", program->plan->rows[row].name);
}

/* Adds one copy of a value, or of a part of its gradient, to out [n][c][h][w]. */
static int add_value(struct program *program, int value, const void *from, float *out, struct error *err)
{
    struct cuda_program *own = cuda_own(program);
    const struct cuda_value *v = &own->units.values[value];
    size_t pixels = (size_t)v->shape.h * (size_t)v->shape.w, c_stride = (size_t)v->c, n = (size_t)program->batch.n;
    float *values = get_floats(own, from, cuda_value_type(own, value), n * pixels * c_stride, err);
    if (!values)
        return -1;
    for (size_t i = 0; i < n; i++)
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < (size_t)v->shape.c; c++)
                out[(i * (size_t)v->shape.c + c) * pixels + p] += values[(i * pixels + p) * c_stride + c];
    free(values);
    return 0;
}

static int read_row(struct program *program, int row, enum program_tensor which, float *out, size_t count,
                    struct error *err)
{
    struct cuda_program *own = cuda_own(program);
    const char *name = program->plan->rows[row].name;
    int value = find_value(program, row, err);
    if (value < 0)
        return -1;
    if (!own->ran || (which == PROGRAM_GRADIENT && !own->ran_back))
        return error_set(err, "'%s': its %s has not been computed yet; run a step first", name,
                         which == PROGRAM_GRADIENT ? "gradient" : "value");
    if (program_check_row(program, row, which, count, err))
        return -1;
    if (which == PROGRAM_GRADIENT && own->n_parts[value] == 0)
        return error_set(err, "'%s' has no gradient: nothing before it is trained", name);
    memset(out, 0, count * sizeof *out);
    if (which == PROGRAM_VALUE)
        return add_value(program, value, own->value[value], out, err);
    for (int i = 0; i < own->n_parts[value]; i++)
        if (add_value(program, value, own->part[value][i], out, err))
            return -1;
    return 0;
}

int cuda_read_tensor(struct program *program, const char *name, enum program_tensor which, float *out, size_t count,
                     struct error *err)
{
    int row = plan_find_row(program->plan, name);
    if (row >= 0)
        return read_row(program, row, which, out, count, err);
    int index = program_find_tensor(program, name, which, count, err);
    return index < 0 ? -1 : read_weights(program, index, which, out, err);
}

int cuda_write_tensor(struct program *program, const char *name, enum program_tensor which, const float *in,
                      size_t count, struct error *err)
{
    struct cuda_program *own = cuda_own(program);
    if (which == PROGRAM_GRADIENT || plan_find_row(program->plan, name) >= 0)
        return error_set(err, "'%s': only weights, buffers, momentum and averages can be written", name);
    int index = program_find_tensor(program, name, which, count, err);
    if (index < 0)
        return -1;
    struct layout l = layout_of(own, index);
    float *to = (float *)place_of(own, index, which, err), *values = to ? calloc(l.count, sizeof *values) : NULL;
    if (!values)
        return to ? error_set(err, "out of memory for a copy of '%s'", name) : -1;
    to_device(&l, in, values);
    int status = put_floats(own, to, values, l.count, err);
    free(values);
    own->stale = true;
    return status;
}
