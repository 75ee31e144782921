/*
 * Families against the reference family, row by row: outputs, gradients of rows and tensors, weights, running
 * statistics and momentum after three steps, logits of an evaluation.
 *
 * Norm-wise relative error per row or tensor, float32 against float32:
 *     SMOOTH   outputs of rows, and everything in networks without kinks (activations and maxima)
 *     KINKED   gradients, and what follows from them, behind kinks: a value within rounding of an activation's zero
 *              may fall on either side, and one that does among 1e5 changes a gradient by 3e-3
 *     WINOGRAD outputs of rows where Winograd is allowed, whose transforms lose a digit or two
 * bf16: at most BF16_FACTOR times as far from the float32 reference as the reference in bf16 is, for that row or
 * tensor, or, as small ones can be right by luck, in the mean over all of its kind (all rows, all gradients ...).
 */
#include "tests/parity.h"

#include "kernels/isa.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMOOTH 2e-5
#define KINKED 1e-2
#define WINOGRAD 1e-4
#define BF16_FACTOR 3.0
#define ITEMS_MAX (4 * PLAN_TENSORS_MAX)

static struct plan plan;
static const struct family *const families[] = {&family_cpu};
static const char *forced_isa; /* NULL: the best there is */
#define FAMILIES (sizeof families / sizeof *families)

/* What a program computed; data is NULL where it has given the buffer to something else. */
struct item {
    const char *what; /* its kind: "row", "gradient of" ... */
    char name[PLAN_NAME_MAX + 16];
    float *data;
    size_t count;
};

struct snapshot {
    struct item item[ITEMS_MAX];
    int n;
};

static void snapshot_release(struct snapshot *snapshot)
{
    for (int i = 0; i < snapshot->n; i++)
        free(snapshot->item[i].data);
    free(snapshot);
}

static void add(struct snapshot *snapshot, struct program *program, const char *name, enum program_tensor kind,
                const char *what, int must)
{
    struct error err;
    assert_true(snapshot->n < ITEMS_MAX);
    struct item *item = &snapshot->item[snapshot->n++];
    snprintf(item->name, sizeof item->name, "%s %s", what, name);
    item->what = what;
    item->count = parity_count(program, name);
    item->data = must ? parity_read(program, name, kind) : parity_try_read(program, name, kind, &err);
}

/* What of a program is exercised. */
struct trial {
    const char *name;
    int n, max_batch; /* images in the batch, and the most that the program takes */
    int steps;
    int kinked;
    int winograd; /* once more with Winograd allowed */
};

/* Runs the trial on `plan` and takes everything that can be read. */
static struct snapshot *take(const struct family *family, const struct trial *trial, enum precision precision,
                             int winograd)
{
    static const struct hyper hyper = {.lr = 0.004, .momentum = 0.9, .weight_decay = 0.02, .form = NESTEROV_PAGE};
    struct program_options options = {
        .max_batch = trial->max_batch, .precision = precision, .isa = forced_isa, .exact_convolutions = !winograd};
    struct program *program = parity_compile(family, &plan, &options);
    struct snapshot *s = calloc(1, sizeof *s);
    struct parity_data data;
    assert_non_null(s);
    parity_data_init(&data, plan.rows[0].out, plan.classes, trial->n, 77);
    parity_weights(program, 5);
    for (int step = 0; step < trial->steps; step++) {
        parity_train(program, &data.batch, &hyper);
        assert_int_equal(program->result.bad_row, -1);
        assert_int_equal(program->result.n, trial->n);
        if (step > 0)
            continue;
        for (int i = 0; i < plan.n_rows - 1; i++)
            add(s, program, plan.rows[i].name, PROGRAM_VALUE, "row", i == plan.n_rows - 2);
        for (int i = 1; i < plan.n_rows - 1; i++)
            add(s, program, plan.rows[i].name, PROGRAM_GRADIENT, "gradient of row", 0);
        for (int i = 0; i < plan.n_tensors; i++)
            if (plan.tensors[i].trained)
                add(s, program, plan.tensors[i].name, PROGRAM_GRADIENT, "gradient of", 1);
    }
    for (int i = 0; i < plan.n_tensors; i++) {
        add(s, program, plan.tensors[i].name, PROGRAM_VALUE, "final", 1);
        if (plan.tensors[i].trained)
            add(s, program, plan.tensors[i].name, PROGRAM_MOMENTUM, "momentum of", 1);
    }
    parity_evaluate(program, &data.batch);
    add(s, program, plan.rows[plan.n_rows - 2].name, PROGRAM_VALUE, "evaluated", 1);
    family->free(program);
    parity_data_release(&data);
    return s;
}

/* Every item that was read is within tolerance of the reference's. Returns the number that are not. */
static int check_f32(const char *title, const struct snapshot *ours, const struct snapshot *reference, int kinked,
                     int winograd)
{
    int failures = 0, read = 0;
    double worst = 0, outputs = winograd ? WINOGRAD : SMOOTH, rest = kinked ? KINKED : outputs;
    assert_int_equal(ours->n, reference->n);
    for (int i = 0; i < ours->n; i++) {
        const struct item *item = &ours->item[i];
        if (!item->data || !reference->item[i].data)
            continue;
        double tolerance = strcmp(item->what, "row") == 0 ? outputs : rest;
        double error = parity_error(item->data, reference->item[i].data, item->count);
        read++;
        worst = fmax(worst, error);
        if (!(error <= tolerance)) {
            print_error("%s: %s: error %.3g, allowed %.3g\n", title, item->name, error, tolerance);
            failures++;
        }
    }
    print_message("    %-38s %3d of %3d read, worst %.2e\n", title, read, ours->n, worst);
    return failures;
}

/* How far each item of a is from b's; NAN where one of them was not read. */
static void item_errors(const struct snapshot *a, const struct snapshot *b, double error[ITEMS_MAX])
{
    for (int i = 0; i < a->n; i++)
        error[i] =
            a->item[i].data && b->item[i].data ? parity_error(a->item[i].data, b->item[i].data, b->item[i].count) : NAN;
}

/* Root mean square of the errors of that kind that are not NAN. */
static double mean_error(const struct snapshot *snapshot, const double *error, const char *what)
{
    double squares = 0;
    int n = 0;
    for (int i = 0; i < snapshot->n; i++)
        if (!isnan(error[i]) && strcmp(snapshot->item[i].what, what) == 0) {
            squares += error[i] * error[i];
            n++;
        }
    return n ? sqrt(squares / n) : 0;
}

static int check_bf16(const char *title, const struct snapshot *ours, const struct snapshot *reference,
                      const struct snapshot *exact)
{
    static double unit[ITEMS_MAX], error[ITEMS_MAX];
    int failures = 0, read = 0;
    double worst = 0;
    item_errors(reference, exact, unit);
    item_errors(ours, exact, error);
    for (int i = 0; i < exact->n; i++) {
        if (isnan(unit[i]) || isnan(error[i]))
            continue;
        double ratio = error[i] / fmax(unit[i], mean_error(exact, unit, exact->item[i].what));
        read++;
        worst = fmax(worst, ratio);
        if (!(ratio <= BF16_FACTOR)) {
            print_error("%s: %s: error %.3g, the reference's %.3g\n", title, ours->item[i].name, error[i], unit[i]);
            failures++;
        }
    }
    print_message("    %-38s %3d of %3d read, worst %.2f of %.2f\n", title, read, exact->n, worst, BF16_FACTOR);
    return failures;
}

static int can(const struct family *family, enum precision precision)
{
    struct error err;
    struct program_options options = {.max_batch = 1, .precision = precision, .isa = forced_isa};
    return family->probe(&options, &err) == 0;
}

/* Runs `plan` in every family at every precision that works here. Returns the number of rows and tensors that fail. */
static int compare(const struct trial *trial)
{
    struct trial plain = *trial; /* the reference's program is as large as the batch: ours has a tail */
    plain.max_batch = trial->n;
    struct snapshot *exact = take(&family_ref, &plain, PRECISION_F32, 0);
    struct snapshot *half = take(&family_ref, &plain, PRECISION_BF16, 0);
    int failures = 0;
    for (size_t k = 0; k < FAMILIES; k++) {
        char title[128];
        for (int winograd = 0; winograd <= trial->winograd; winograd++) {
            snprintf(title, sizeof title, "%s %s f32%s", trial->name, families[k]->name, winograd ? " winograd" : "");
            struct snapshot *ours = take(families[k], trial, PRECISION_F32, winograd);
            failures += check_f32(title, ours, exact, trial->kinked, winograd);
            snapshot_release(ours);
        }
        if (!can(families[k], PRECISION_BF16))
            continue;
        snprintf(title, sizeof title, "%s %s bf16", trial->name, families[k]->name);
        struct snapshot *ours = take(families[k], trial, PRECISION_BF16, 0);
        failures += check_bf16(title, ours, half, exact);
        snapshot_release(ours);
    }
    snapshot_release(exact);
    snapshot_release(half);
    return failures;
}

/* Single ops: input -> conv (to have c channels) -> the rows under test -> linear -> loss. The linear layer takes every
 * pixel, so that gradients differ from pixel to pixel. */

static int checked(int row, const struct error *err)
{
    if (row < 0)
        fail_msg("%s", err->text);
    return row;
}

struct op_case {
    const char *name;
    int kinked;
    int (*build)(int x, int kernel, struct error *err);
    int kernel;
};

static int build_conv(int x, int kernel, struct error *err)
{
    return plan_conv(&plan, "op", x, 19, plan_window(kernel, 1, kernel / 2), err);
}

static int build_strided_conv(int x, int kernel, struct error *err)
{
    return plan_conv(&plan, "op", x, 19, plan_window(kernel, 2, kernel / 2), err);
}

static int build_norm(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_norm(&plan, "op", x, plan_moments(1e-5, 0.1), err);
}

static int build_act(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_act(&plan, "op", x, PLAN_ACT_RELU, 0, err);
}

static int build_max_pool(int x, int kernel, struct error *err)
{
    return plan_pool(&plan, "op", x, PLAN_MAX_POOL, kernel, err);
}

static int build_avg_pool(int x, int kernel, struct error *err)
{
    return plan_pool(&plan, "op", x, PLAN_AVG_POOL, kernel, err);
}

static int build_global_max(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_pool(&plan, "op", x, PLAN_GLOBAL_MAX, 0, err);
}

static int build_add(int x, int kernel, struct error *err)
{
    return plan_add(&plan, "op", x,
                    checked(plan_conv(&plan, "y", x, plan.rows[x].out.c, plan_window(kernel, 1, kernel / 2), err), err),
                    err);
}

static int build_twice(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_add(&plan, "op", x, x, err);
}

static int build_linear(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_linear(&plan, "op", x, 21, 0.5, true, err); /* of c x h x w features, with a bias */
}

static int build_chain(int x, int kernel, struct error *err)
{
    int row = checked(plan_norm(&plan, "op/norm", x, plan_moments(1e-5, 0.1), err), err);
    row = checked(plan_act(&plan, "op/act", row, PLAN_ACT_RELU, 0, err), err);
    return plan_pool(&plan, "op/pool", row, PLAN_MAX_POOL, kernel, err);
}

static int build_residual(int x, int kernel, struct error *err)
{
    int row = checked(plan_conv(&plan, "op/conv", x, plan.rows[x].out.c, plan_window(kernel, 1, kernel / 2), err), err);
    row = checked(plan_norm(&plan, "op/norm", row, plan_moments(1e-5, 0.1), err), err);
    row = checked(plan_act(&plan, "op/act", row, PLAN_ACT_RELU, 0, err), err);
    return plan_add(&plan, "op/add", row, x, err);
}

static int build_even_conv(int x, int kernel, struct error *err)
{
    struct plan_conv_options options = {.kernel = kernel, .stride = 1, .pad = 0, .bias = true};
    return plan_conv(&plan, "op", x, 19, options, err);
}

/* Its weight is not trained, so that only the bias and x have gradients. */
static int build_fixed_conv(int x, int kernel, struct error *err)
{
    struct plan_conv_options options = {.kernel = kernel, .stride = 1, .pad = 1, .bias = true, .fixed = true};
    return plan_conv(&plan, "op", x, 24, options, err);
}

static int build_celu(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_act(&plan, "op", x, PLAN_ACT_CELU, 0.075, err);
}

static int build_gelu(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_act(&plan, "op", x, PLAN_ACT_GELU, 0, err);
}

static int build_silu(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_act(&plan, "op", x, PLAN_ACT_SILU, 0, err);
}

static int build_ghost(int x, int groups, struct error *err)
{
    struct plan_norm_options options = {.eps = 1e-5, .momentum = 0.1, .groups = groups, .fixed_scale = true};
    return plan_norm(&plan, "op", x, options, err);
}

static int build_half(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_norm(&plan, "op", x, (struct plan_norm_options){.eps = 1e-5, .momentum = 0.1, .half = true}, err);
}

static int build_concat(int x, int kernel, struct error *err)
{
    int max = checked(plan_pool(&plan, "op/max", x, PLAN_MAX_POOL, kernel, err), err);
    int avg = checked(plan_pool(&plan, "op/avg", x, PLAN_AVG_POOL, kernel, err), err);
    return plan_concat(&plan, "op", max, avg, err);
}

static int build_concat_twice(int x, int kernel, struct error *err)
{
    (void)kernel;
    return plan_concat(&plan, "op", x, x, err);
}

/* Ghost norm and CELU around a pool, in the three orders: after the activation, before the norm, in between. */
static int ordered(int x, const char *order, enum plan_act act, struct error *err)
{
    for (const char *c = order; *c; c++) {
        struct plan_norm_options ghost = {.eps = 1e-5, .momentum = 0.1, .groups = 3};
        if (*c == 'n')
            x = checked(plan_norm(&plan, "op/norm", x, ghost, err), err);
        else if (*c == 'a')
            x = checked(plan_act(&plan, "op/act", x, act, 0.3, err), err);
        else
            x = checked(plan_pool(&plan, "op/pool", x, PLAN_MAX_POOL, 2, err), err);
    }
    return x;
}

static int build_pool_last(int x, int act, struct error *err)
{
    return ordered(x, "nap", (enum plan_act)act, err);
}

static int build_pool_first(int x, int act, struct error *err)
{
    return ordered(x, "pna", (enum plan_act)act, err);
}

static int build_pool_between(int x, int act, struct error *err)
{
    return ordered(x, "npa", (enum plan_act)act, err);
}

/* Pre-activation: the shortcut reads what the activation made. */
static int build_preactivation(int x, int kernel, struct error *err)
{
    int act = ordered(x, "na", PLAN_ACT_SILU, err);
    int row =
        checked(plan_conv(&plan, "op/conv", act, plan.rows[x].out.c, plan_window(kernel, 1, kernel / 2), err), err);
    return plan_add(&plan, "op/add", row, act, err);
}

static const struct op_case op_cases[] = {
    {"conv 1x1", 0, build_conv, 1},
    {"conv 3x3", 0, build_conv, 3},
    {"conv 5x5", 0, build_conv, 5},
    {"strided conv 3x3", 0, build_strided_conv, 3},
    {"norm", 0, build_norm, 0},
    {"act", 1, build_act, 0},
    {"max pool 2", 1, build_max_pool, 2},
    {"max pool 3", 1, build_max_pool, 3},
    {"avg pool 2", 0, build_avg_pool, 2},
    {"avg pool 3", 0, build_avg_pool, 3},
    {"global max", 1, build_global_max, 0},
    {"add", 0, build_add, 3},
    {"add to itself", 0, build_twice, 0},
    {"linear", 0, build_linear, 0},
    {"norm, act, pool 2", 1, build_chain, 2},
    {"norm, act, pool 3", 1, build_chain, 3},
    {"residual", 1, build_residual, 3},
    {"conv 2x2 with bias", 0, build_even_conv, 2},
    {"fixed conv 3x3 with bias", 0, build_fixed_conv, 3},
    {"celu", 0, build_celu, 0},
    {"gelu", 0, build_gelu, 0},
    {"silu", 0, build_silu, 0},
    {"ghost norm", 0, build_ghost, 3},
    {"ghost norm of single images", 0, build_ghost, 64},
    {"half norm", 1, build_half, 0}, /* a value near a tie of the rounding to half may go either way */
    {"concat of pools", 1, build_concat, 4},
    {"concat with itself", 0, build_concat_twice, 0},
    {"ghost norm, celu, pool", 1, build_pool_last, PLAN_ACT_CELU},
    {"ghost norm, gelu, pool", 1, build_pool_last, PLAN_ACT_GELU},
    {"pool, ghost norm, celu", 1, build_pool_first, PLAN_ACT_CELU},
    {"ghost norm, pool, celu", 1, build_pool_between, PLAN_ACT_CELU},
    {"ghost norm, pool, silu", 1, build_pool_between, PLAN_ACT_SILU},
    {"pre-activation", 0, build_preactivation, 3},
};

static int compare_ops(int c, int n, int max_batch)
{
    int failures = 0;
    for (size_t i = 0; i < sizeof op_cases / sizeof *op_cases; i++) {
        const struct op_case *op = &op_cases[i];
        struct error err = {{0}};
        char name[96];
        plan_init(&plan);
        int row = checked(plan_input(&plan, (struct plan_shape){3, 11, 8}, &err), &err);
        row = checked(plan_conv(&plan, "x", row, c, plan_window(3, 1, 1), &err), &err);
        row = checked(op->build(row, op->kernel, &err), &err);
        row = checked(plan_linear(&plan, "logits", row, 10, 2, false, &err), &err);
        checked(plan_loss(&plan, "loss", row, 0, &err), &err);
        snprintf(name, sizeof name, "%s c=%d n=%d/%d", op->name, c, n, max_batch);
        struct trial trial = {.name = name, .n = n, .max_batch = max_batch, .steps = 2, .kinked = op->kinked};
        failures += compare(&trial);
    }
    return failures;
}

/* The comparison itself must notice a fault: one value of one gradient is wrong. */
static void test_a_fault_is_noticed(void **state)
{
    (void)state;
    struct error err = {{0}};
    checked(parity_davidnet_plan(&plan, 2, (struct plan_shape){3, 8, 8}, 10, &err), &err);
    struct trial trial = {.name = "fault", .n = 3, .max_batch = 3, .steps = 1, .kinked = 1};
    struct snapshot *exact = take(&family_ref, &trial, PRECISION_F32, 0);
    struct snapshot *half = take(&family_ref, &trial, PRECISION_BF16, 0);
    struct snapshot *ours = take(&family_ref, &trial, PRECISION_F32, 0);
    assert_int_equal(check_f32("no fault", ours, exact, 0, 0), 0);
    assert_int_equal(check_bf16("no fault", half, half, exact), 0);
    for (int i = 0; i < ours->n; i++)
        if (strcmp(ours->item[i].name, "gradient of layer2.conv.weight") == 0)
            ours->item[i].data[7] += 4;
    assert_int_equal(check_f32("a fault", ours, exact, 1, 0), 1);
    assert_int_equal(check_bf16("a fault", ours, half, exact), 1);
    snapshot_release(exact);
    snapshot_release(half);
    snapshot_release(ours);
}

static void test_ops(void **state)
{
    (void)state;
    assert_int_equal(compare_ops(17, 7, 8), 0);
    assert_int_equal(compare_ops(5, 1, 1), 0);
    assert_int_equal(compare_ops(16, 33, 48), 0);
}

/* Whole networks */

static int compare_davidnet(int c, int side, int n, int max_batch, int steps)
{
    struct error err = {{0}};
    char name[96];
    checked(parity_davidnet_plan(&plan, c, (struct plan_shape){3, side, side}, 10, &err), &err);
    snprintf(name, sizeof name, "davidnet c=%d %dx%d n=%d/%d", c, side, side, n, max_batch);
    struct trial trial = {
        .name = name, .n = n, .max_batch = max_batch, .steps = steps, .kinked = 1, .winograd = !forced_isa};
    return compare(&trial);
}

static void test_davidnet(void **state)
{
    (void)state;
    assert_int_equal(compare_davidnet(12, 16, 7, 16, 3), 0);
    assert_int_equal(compare_davidnet(17, 8, 33, 33, 2), 0);
    assert_int_equal(compare_davidnet(8, 32, 1, 1, 3), 0);
}

/* The original's width: every shape of convolution that a real run has. */
static void test_davidnet_at_full_width(void **state)
{
    (void)state;
    assert_int_equal(compare_davidnet(64, 32, 1, 1, 1), 0);
}

/* One instruction set, in a process of its own: oneDNN's cannot be changed once it has run. */
static int run_at_isa(const char *isa)
{
    forced_isa = isa;
    if (isa_force(isa) || !can(&family_cpu, PRECISION_F32)) {
        print_message("SKIPPED: this machine cannot run %s\n", isa);
        return 0;
    }
    isa_force("auto");
    return compare_ops(17, 7, 8) + compare_davidnet(12, 16, 7, 16, 2) ? 1 : 0;
}

static void test_every_isa(void **state)
{
    (void)state;
    for (int isa = 0; isa < (int)isa_best(); isa++) { /* the best was compared above */
        char *arguments[] = {(char *)(uintptr_t) "test_parity", (char *)(uintptr_t)isa_name((enum isa)isa), NULL};
        pid_t pid;
        int status;
        print_message("isa %s:\n", arguments[1]);
        fflush(NULL);
        assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fault_is_noticed), cmocka_unit_test(test_ops),
        cmocka_unit_test(test_davidnet),           cmocka_unit_test(test_davidnet_at_full_width),
        cmocka_unit_test(test_every_isa),
    };
    return argc > 1 ? run_at_isa(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
