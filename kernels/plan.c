#include "kernels/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ARENA_ALIGN 16

static const char *const op_names[PLAN_OP_COUNT] = {"input",    "conv",     "norm",       "act",
                                                    "max_pool", "avg_pool", "global_max", "global_avg",
                                                    "add",      "concat",   "linear",     "loss"};

static const char *const act_names[PLAN_ACT_COUNT] = {"relu", "celu", "gelu", "silu"};

const char *plan_op_name(enum plan_op op)
{
    return (unsigned)op < PLAN_OP_COUNT ? op_names[op] : "unknown";
}

const char *plan_act_name(enum plan_act act)
{
    return (unsigned)act < PLAN_ACT_COUNT ? act_names[act] : "unknown";
}

void plan_init(struct plan *plan)
{
    memset(plan, 0, sizeof *plan);
}

int plan_find_row(const struct plan *plan, const char *name)
{
    for (int i = 0; i < plan->n_rows; i++)
        if (strcmp(plan->rows[i].name, name) == 0)
            return i;
    return -1;
}

int plan_find_tensor(const struct plan *plan, const char *name)
{
    for (int i = 0; i < plan->n_tensors; i++)
        if (strcmp(plan->tensors[i].name, name) == 0)
            return i;
    return -1;
}

int plan_row_tensor(const struct plan *plan, int row, enum plan_role role)
{
    const struct plan_row *r = &plan->rows[row];
    for (int i = 0; i < r->n_tensors; i++)
        if (plan->tensors[r->tensor[i]].role == role)
            return r->tensor[i];
    return -1;
}

/* A zeroed row with its name and inputs checked; NULL with err. The row counts only once row_commit is called. */
static struct plan_row *row_begin(struct plan *plan, const char *name, enum plan_op op, int n_inputs, int a, int b,
                                  struct error *err)
{
    if (plan->n_rows == PLAN_ROWS_MAX) {
        error_set(err, "'%s': a plan holds at most %d rows", name, PLAN_ROWS_MAX);
        return NULL;
    }
    if (name[0] == '\0' || strlen(name) + sizeof ".num_batches_tracked" > PLAN_NAME_MAX) {
        error_set(err, "'%s': a row's name has 1 to %d characters", name,
                  (int)(PLAN_NAME_MAX - sizeof ".num_batches_tracked"));
        return NULL;
    }
    if (plan_find_row(plan, name) >= 0) {
        error_set(err, "'%s': there is a row of that name already; names must differ", name);
        return NULL;
    }
    struct plan_row *row = &plan->rows[plan->n_rows];
    memset(row, 0, sizeof *row);
    snprintf(row->name, sizeof row->name, "%s", name);
    row->op = op;
    row->n_inputs = n_inputs;
    row->input[0] = a;
    row->input[1] = b;
    for (int i = 0; i < n_inputs; i++)
        if (row->input[i] < 0 || row->input[i] >= plan->n_rows) {
            error_set(err, "'%s': input %d is not an earlier row", name, row->input[i]);
            return NULL;
        }
    return row;
}

static int row_commit(struct plan *plan)
{
    return plan->n_rows++;
}

static int add_tensor(struct plan *plan, struct plan_row *row, const char *suffix, enum plan_role role, int n_dims,
                      const int *dims, struct error *err)
{
    if (plan->n_tensors == PLAN_TENSORS_MAX)
        return error_set(err, "'%s': a plan holds at most %d tensors", row->name, PLAN_TENSORS_MAX);
    struct plan_tensor *t = &plan->tensors[plan->n_tensors];
    memset(t, 0, sizeof *t);
    snprintf(t->name, sizeof t->name, "%.*s.%s", (int)(PLAN_NAME_MAX - 20), row->name, suffix);
    for (char *p = t->name; *p; p++)
        if (*p == '/')
            *p = '.';
    t->role = role;
    t->row = plan->n_rows;
    t->n_dims = n_dims;
    t->count = 1;
    for (int i = 0; i < n_dims; i++) {
        t->dims[i] = dims[i];
        t->count *= (size_t)dims[i];
    }
    t->offset = plan->arena_count;
    plan->arena_count = (t->offset + t->count + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    t->lr_scale = t->decay_scale = 1;
    t->trained = role != PLAN_RUNNING_MEAN && role != PLAN_RUNNING_VAR;
    row->tensor[row->n_tensors++] = plan->n_tensors++;
    return 0;
}

int plan_input(struct plan *plan, struct plan_shape shape, struct error *err)
{
    if (plan->n_rows != 0)
        return error_set(err, "the input must be the plan's first row");
    if (shape.c < 1 || shape.h < 1 || shape.w < 1)
        return error_set(err, "images of %d x %d x %d: every side must be at least 1", shape.c, shape.h, shape.w);
    struct plan_row *row = row_begin(plan, "input", PLAN_INPUT, 0, -1, -1, err);
    if (!row)
        return -1;
    row->out = shape;
    return row_commit(plan);
}

struct plan_conv_options plan_window(int kernel, int stride, int pad)
{
    return (struct plan_conv_options){.kernel = kernel, .stride = stride, .pad = pad};
}

int plan_conv(struct plan *plan, const char *name, int input, int out_c, struct plan_conv_options options,
              struct error *err)
{
    struct plan_row *row = row_begin(plan, name, PLAN_CONV, 1, input, -1, err);
    if (!row)
        return -1;
    struct plan_shape in = plan->rows[input].out;
    int kernel = options.kernel, stride = options.stride, pad = options.pad;
    if (out_c < 1 || out_c > 65536 || kernel < 1 || stride < 1 || pad < 0 || pad >= kernel)
        return error_set(err,
                         "'%s': a convolution needs 1 to 65536 channels, kernel and stride of 1 or more, and a "
                         "padding smaller than the kernel",
                         name);
    if (in.h + 2 * pad < kernel || in.w + 2 * pad < kernel)
        return error_set(err, "'%s': a %dx%d kernel does not fit its %dx%d input", name, kernel, kernel, in.h, in.w);
    row->kernel = kernel;
    row->stride = stride;
    row->pad = pad;
    row->out =
        (struct plan_shape){out_c, (in.h + 2 * pad - kernel) / stride + 1, (in.w + 2 * pad - kernel) / stride + 1};
    if (add_tensor(plan, row, "weight", PLAN_CONV_WEIGHT, 4, (int[]){out_c, in.c, kernel, kernel}, err) ||
        (options.bias && add_tensor(plan, row, "bias", PLAN_CONV_BIAS, 1, &out_c, err)))
        return -1;
    plan->tensors[row->tensor[0]].trained = !options.fixed;
    return row_commit(plan);
}

struct plan_norm_options plan_moments(double eps, double momentum)
{
    return (struct plan_norm_options){.eps = eps, .momentum = momentum};
}

int plan_norm(struct plan *plan, const char *name, int input, struct plan_norm_options options, struct error *err)
{
    struct plan_row *row = row_begin(plan, name, PLAN_NORM, 1, input, -1, err);
    if (!row)
        return -1;
    if (!(options.eps > 0) || !(options.momentum > 0 && options.momentum <= 1))
        return error_set(err, "'%s': batch norm needs eps above 0 and a running momentum in (0, 1]", name);
    if (options.groups < 0 || options.groups > 65536)
        return error_set(err, "'%s': batch norm in %d groups of images; 1 (plain) to 65536 are possible", name,
                         options.groups);
    row->out = plan->rows[input].out;
    row->eps = options.eps;
    row->momentum = options.momentum;
    row->groups = options.groups > 1 ? options.groups : 1;
    row->half = options.half;
    int c = row->out.c;
    if (add_tensor(plan, row, "weight", PLAN_NORM_SCALE, 1, &c, err) ||
        add_tensor(plan, row, "bias", PLAN_NORM_BIAS, 1, &c, err) ||
        add_tensor(plan, row, "running_mean", PLAN_RUNNING_MEAN, 1, &c, err) ||
        add_tensor(plan, row, "running_var", PLAN_RUNNING_VAR, 1, &c, err))
        return -1;
    plan->tensors[row->tensor[0]].trained = !options.fixed_scale;
    plan->tensors[row->tensor[1]].trained = !options.fixed_bias;
    return row_commit(plan);
}

int plan_group_size(const struct plan_row *row, int n)
{
    return (n + row->groups - 1) / row->groups;
}

int plan_act(struct plan *plan, const char *name, int input, enum plan_act act, double alpha, struct error *err)
{
    struct plan_row *row = row_begin(plan, name, PLAN_ACT, 1, input, -1, err);
    if (!row)
        return -1;
    if ((unsigned)act >= PLAN_ACT_COUNT)
        return error_set(err, "'%s': unknown activation %d", name, (int)act);
    if (act == PLAN_ACT_CELU && !(alpha >= 1e-6 && alpha <= 1e6))
        return error_set(err, "'%s': CELU with alpha %g; it must be above 0", name, alpha);
    row->out = plan->rows[input].out;
    row->act = act;
    row->alpha = act == PLAN_ACT_CELU ? alpha : 0;
    return row_commit(plan);
}

int plan_pool(struct plan *plan, const char *name, int input, enum plan_op op, int kernel, struct error *err)
{
    struct plan_row *row = row_begin(plan, name, op, 1, input, -1, err);
    if (!row)
        return -1;
    struct plan_shape in = plan->rows[input].out;
    row->out = in;
    switch (op) {
    case PLAN_GLOBAL_MAX:
    case PLAN_GLOBAL_AVG:
        row->out.h = row->out.w = 1;
        break;
    case PLAN_MAX_POOL:
    case PLAN_AVG_POOL:
        if (kernel < 1 || kernel > in.h || kernel > in.w)
            return error_set(err, "'%s': a %dx%d pool does not fit its %dx%d input", name, kernel, kernel, in.h, in.w);
        row->kernel = row->stride = kernel;
        row->out.h = in.h / kernel;
        row->out.w = in.w / kernel;
        break;
    default:
        return error_set(err, "'%s': %s is not a pool", name, plan_op_name(op));
    }
    return row_commit(plan);
}

int plan_add(struct plan *plan, const char *name, int a, int b, struct error *err)
{
    struct plan_row *row = row_begin(plan, name, PLAN_ADD, 2, a, b, err);
    if (!row)
        return -1;
    struct plan_shape x = plan->rows[a].out, y = plan->rows[b].out;
    if (x.c != y.c || x.h != y.h || x.w != y.w)
        return error_set(err, "'%s': cannot add %s (%d x %d x %d) and %s (%d x %d x %d): shapes differ", name,
                         plan->rows[a].name, x.c, x.h, x.w, plan->rows[b].name, y.c, y.h, y.w);
    row->out = x;
    return row_commit(plan);
}

int plan_concat(struct plan *plan, const char *name, int a, int b, struct error *err)
{
    struct plan_row *row = row_begin(plan, name, PLAN_CONCAT, 2, a, b, err);
    if (!row)
        return -1;
    struct plan_shape x = plan->rows[a].out, y = plan->rows[b].out;
    if (x.h != y.h || x.w != y.w)
        return error_set(err, "'%s': cannot put the channels of %s (%d x %d) and %s (%d x %d) together: sizes differ",
                         name, plan->rows[a].name, x.h, x.w, plan->rows[b].name, y.h, y.w);
    row->out = (struct plan_shape){x.c + y.c, x.h, x.w};
    return row_commit(plan);
}

int plan_linear(struct plan *plan, const char *name, int input, int out, double factor, bool bias, struct error *err)
{
    struct plan_row *row = row_begin(plan, name, PLAN_LINEAR, 1, input, -1, err);
    if (!row)
        return -1;
    struct plan_shape in = plan->rows[input].out;
    int features = in.c * in.h * in.w;
    if (out < 1)
        return error_set(err, "'%s': a linear layer needs at least one output", name);
    row->out = (struct plan_shape){out, 1, 1};
    row->factor = factor;
    if (add_tensor(plan, row, "weight", PLAN_LINEAR_WEIGHT, 2, (int[]){out, features}, err) ||
        (bias && add_tensor(plan, row, "bias", PLAN_LINEAR_BIAS, 1, &out, err)))
        return -1;
    return row_commit(plan);
}

int plan_loss(struct plan *plan, const char *name, int input, double smoothing, struct error *err)
{
    struct plan_row *row = row_begin(plan, name, PLAN_LOSS, 1, input, -1, err);
    if (!row)
        return -1;
    struct plan_shape in = plan->rows[input].out;
    if (in.h != 1 || in.w != 1)
        return error_set(
            err, "'%s': the loss takes one number a class, not %d x %d x %d: end the network with a linear layer", name,
            in.c, in.h, in.w);
    if (!(smoothing >= 0 && smoothing < 1))
        return error_set(err, "'%s': label smoothing is a share of the loss, 0 or more and less than 1, not %g", name,
                         smoothing);
    row->out = (struct plan_shape){1, 1, 1};
    row->smoothing = smoothing;
    plan->classes = in.c;
    return row_commit(plan);
}

int plan_scale_rates(struct plan *plan, int row, enum plan_role role, double lr_scale, double decay_scale,
                     struct error *err)
{
    int index = row >= 0 && row < plan->n_rows ? plan_row_tensor(plan, row, role) : -1;
    if (index < 0)
        return error_set(err, "'%s' has no tensor of that kind whose rates could be scaled",
                         row >= 0 && row < plan->n_rows ? plan->rows[row].name : "?");
    if (!(lr_scale >= 0 && isfinite(lr_scale)) || !(decay_scale >= 0 && isfinite(decay_scale)))
        return error_set(err, "'%s': rates multiplied by %g and %g; both must be 0 or more", plan->tensors[index].name,
                         lr_scale, decay_scale);
    plan->tensors[index].lr_scale = lr_scale;
    plan->tensors[index].decay_scale = decay_scale;
    return 0;
}

int plan_check(const struct plan *plan, struct error *err)
{
    if (plan->n_rows < 2 || plan->rows[0].op != PLAN_INPUT || plan->rows[plan->n_rows - 1].op != PLAN_LOSS)
        return error_set(err, "a plan begins with the input and ends with the loss");
    for (int i = 0; i < plan->n_rows; i++) {
        const struct plan_row *row = &plan->rows[i];
        if (i > 0 && (row->op == PLAN_INPUT || (row->op == PLAN_LOSS && i != plan->n_rows - 1)))
            return error_set(err, "'%s': a plan has one input and one loss", row->name);
        if (plan_find_row(plan, row->name) != i)
            return error_set(err, "'%s': two rows have that name", row->name);
        for (int k = 0; k < row->n_inputs; k++)
            if (row->input[k] < 0 || row->input[k] >= i)
                return error_set(err, "'%s': its input is not an earlier row", row->name);
        bool used = i == plan->n_rows - 1;
        for (int j = i + 1; j < plan->n_rows && !used; j++)
            for (int k = 0; k < plan->rows[j].n_inputs; k++)
                used |= plan->rows[j].input[k] == i;
        if (!used)
            return error_set(err, "'%s': nothing uses its output", row->name);
        for (int k = 0; k < row->n_tensors; k++) {
            const struct plan_tensor *tensor = &plan->tensors[row->tensor[k]];
            if (tensor->row != i)
                return error_set(err, "'%s': its tensor belongs to another row", row->name);
            if (tensor->rule != PLAN_RULE_SGD && tensor->role != PLAN_CONV_WEIGHT)
                return error_set(err, "'%s': only a convolution's weights have another rule than SGD", tensor->name);
        }
    }
    return 0;
}

bool plan_row_trained(const struct plan *plan, int row)
{
    for (int i = 0; i < plan->rows[row].n_tensors; i++)
        if (plan->tensors[plan->rows[row].tensor[i]].trained)
            return true;
    return false;
}

bool plan_row_gradient(const struct plan *plan, int row)
{
    bool gradient[PLAN_ROWS_MAX] = {false};
    for (int i = 0; i <= row; i++) {
        gradient[i] = plan_row_trained(plan, i);
        for (int k = 0; k < plan->rows[i].n_inputs; k++)
            gradient[i] |= gradient[plan->rows[i].input[k]];
    }
    return gradient[row];
}

double plan_row_forward_flops(const struct plan *plan, int index)
{
    const struct plan_row *row = &plan->rows[index];
    if (row->op == PLAN_CONV) {
        int in_c = plan->rows[row->input[0]].out.c;
        return 2.0 * row->out.c * row->out.h * row->out.w * in_c * row->kernel * row->kernel;
    }
    if (row->op == PLAN_LINEAR) {
        struct plan_shape in = plan->rows[row->input[0]].out;
        return 2.0 * row->out.c * in.c * in.h * in.w;
    }
    return 0;
}

double plan_row_backward_flops(const struct plan *plan, int index)
{
    const struct plan_row *row = &plan->rows[index];
    double forward = plan_row_forward_flops(plan, index), backward = 0;
    if (forward > 0) {
        backward += plan->tensors[row->tensor[0]].trained ? forward : 0;
        backward += plan_row_gradient(plan, row->input[0]) ? forward : 0;
    }
    return backward;
}

size_t plan_parameter_count(const struct plan *plan)
{
    size_t count = 0;
    for (int i = 0; i < plan->n_tensors; i++)
        if (plan->tensors[i].trained)
            count += plan->tensors[i].count;
    return count;
}
