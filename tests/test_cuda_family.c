/* The CUDA family against the reference: DavidNet and networks of every odd shape, tails, precisions, whole lists in
 * flight, what it refuses. On the emulator, or (make gpu-check) on a GPU. */
#include "tests/cpu_networks.h"
#include "tests/cuda_plugin.h"

static const struct hyper hyper = {.lr = 0.002,
                                   .momentum = 0.9,
                                   .weight_decay = 0.05,
                                   .form = NESTEROV_PAGE,
                                   .muon_lr = 0.02,
                                   .muon_momentum = 0.6,
                                   .lars_lr = 0.003};

#define F32_TOLERANCE 2e-5
#define RULE_TOLERANCE 1e-4 /* Muon enlarges what is off in small singular values up to a = 3.4 times a step */
#define BF16_TOLERANCE 4e-3 /* one rounding to 8 bits, relative */
#define F16_TOLERANCE 6e-4  /* to 11 */

/* ---- networks of what the bag of tricks has ---- */

static int row_ok(int row, const struct error *err)
{
    check(row, err);
    return row;
}

static void celu_ghosts(void)
{
    struct error err = {{0}};
    struct plan_norm_options ghost = {.eps = 1e-5, .momentum = 0.1, .groups = 3, .fixed_scale = true};
    int row = plan_conv(&plan, "a", begin(3, 8, 8), 16, plan_window(3, 1, 1), &err);
    row = plan_pool(&plan, "a_pool", row, PLAN_MAX_POOL, 2, &err);
    row = plan_norm(&plan, "a_norm", row, ghost, &err);
    row = plan_act(&plan, "a_act", row, PLAN_ACT_CELU, 0.075, &err);
    int skip = row;
    row = plan_conv(&plan, "b", row, 16, plan_window(3, 1, 1), &err);
    row = plan_norm(&plan, "b_norm", row, ghost, &err);
    row = plan_act(&plan, "b_act", row, PLAN_ACT_CELU, 0.3, &err);
    row = plan_add(&plan, "add", skip, row, &err);
    finish(row_ok(plan_pool(&plan, "pool", row, PLAN_GLOBAL_MAX, 0, &err), &err), 10);
}

/* airbench's beginning: a fixed 2x2 convolution with a bias, GELU, and no trained scales. */
static void whitened_gelu(void)
{
    struct error err = {{0}};
    struct plan_conv_options whiten = {.kernel = 2, .stride = 1, .bias = true, .fixed = true};
    struct plan_norm_options norm = {.eps = 1e-12, .momentum = 0.4, .fixed_scale = true};
    int row = plan_conv(&plan, "whiten", begin(3, 9, 9), 12, whiten, &err);
    row = plan_act(&plan, "gelu", row, PLAN_ACT_GELU, 0, &err);
    row = plan_conv(&plan, "conv", row, 24, plan_window(3, 1, 1), &err);
    row = plan_pool(&plan, "pool", row, PLAN_MAX_POOL, 2, &err);
    row = plan_norm(&plan, "norm", row, norm, &err);
    row = plan_act(&plan, "silu", row, PLAN_ACT_SILU, 0, &err);
    finish(row_ok(plan_pool(&plan, "last", row, PLAN_MAX_POOL, 3, &err), &err), 10);
}

/* Two pools put together, a bias that two read, a mean before a norm, a norm in half precision. Of channels that are
 * padding, 1 / sqrt(eps) is more than a half can be. */
static void joined(void)
{
    struct error err = {{0}};
    struct plan_conv_options bias = {.kernel = 3, .stride = 2, .pad = 1, .bias = true};
    struct plan_norm_options half = {.eps = 1e-12, .momentum = 0.1, .half = true};
    int row = row_ok(plan_conv(&plan, "conv", begin(3, 9, 8), 13, bias, &err), &err);
    int a = plan_pool(&plan, "avg", row, PLAN_AVG_POOL, 2, &err);
    a = plan_norm(&plan, "norm", a, half, &err);
    int max = plan_pool(&plan, "max", row, PLAN_GLOBAL_MAX, 0, &err);
    int mean = plan_pool(&plan, "mean", a, PLAN_GLOBAL_AVG, 0, &err);
    finish(row_ok(plan_concat(&plan, "both", max, mean, &err), &err), 10);
}

static const struct {
    const char *name;
    void (*make)(void);
} tricks[] = {{"celu and ghosts", celu_ghosts}, {"whitened gelu", whitened_gelu}, {"joined", joined}};

#define TRICKS (sizeof tricks / sizeof *tricks)

static const char *make_network(size_t i)
{
    if (i < NETWORKS)
        networks[i].make();
    else
        tricks[i - NETWORKS].make();
    return i < NETWORKS ? networks[i].name : tricks[i - NETWORKS].name;
}

/* ---- comparing ---- */

static double error_of(struct program *mine, struct program *ref, const char *name, enum program_tensor kind)
{
    float *a = parity_read(mine, name, kind), *b = parity_read(ref, name, kind);
    double error = parity_error(a, b, parity_count(ref, name));
    free(a);
    free(b);
    return error;
}

static void compare(const char *network, struct program *mine, struct program *ref, const char *name,
                    enum program_tensor kind, double tolerance)
{
    static const char *const kinds[] = {"value", "gradient", "momentum"};
    double error = error_of(mine, ref, name, kind);
    if (!(error <= tolerance))
        fail_msg("%s: %s of '%s' is off by %g, more than %g", network, kinds[kind], name, error, tolerance);
}

static bool compare_row(const char *network, struct program *mine, struct program *ref, int row,
                        enum program_tensor kind, double tolerance)
{
    struct error err;
    float *values = parity_try_read(mine, plan.rows[row].name, kind, &err);
    if (values)
        compare(network, mine, ref, plan.rows[row].name, kind, tolerance);
    else
        assert_true(strstr(err.text, "fused") || strstr(err.text, "no gradient"));
    free(values);
    return values;
}

static void compare_rows(const char *network, struct program *mine, struct program *ref, enum program_tensor kind,
                         double tolerance)
{
    int compared = 0;
    for (int row = 0; row < plan.n_rows - 1; row++)
        compared += compare_row(network, mine, ref, row, kind, tolerance);
    assert_true(compared >= 1);
}

/* What augmentation makes of a batch: float32 to the bit. */
static void compare_input(const char *network, struct program *mine, struct program *ref)
{
    const char *name = plan.rows[0].name;
    float *a = parity_read(mine, name, PROGRAM_VALUE), *b = parity_read(ref, name, PROGRAM_VALUE);
    if (memcmp(a, b, parity_count(ref, name) * sizeof *a) != 0)
        fail_msg("%s: '%s' is not the reference's, bit for bit", network, name);
    free(a);
    free(b);
}

/* Gradients of the first of the steps, weights after them, then evaluation. */
static void compare_programs(const char *network, const struct program_options *options, int n, int steps,
                             double tolerance)
{
    struct parity_data data;
    struct program *mine = parity_compile(cuda, &plan, options), *ref = parity_compile(&family_ref, &plan, options);
    parity_data_init(&data, plan.rows[0].out, plan.classes, n, 3);
    parity_color(&data, 3);
    parity_weights(mine, 7);
    parity_weights(ref, 7);
    for (int step = 0; step < steps; step++) {
        parity_train(mine, &data.batch, &hyper);
        parity_train(ref, &data.batch, &hyper);
        if (step == 0) {
            compare_input(network, mine, ref);
            compare_rows(network, mine, ref, PROGRAM_VALUE, 4 * tolerance);
            compare_rows(network, mine, ref, PROGRAM_GRADIENT, 16 * tolerance);
        }
        assert_int_equal(mine->result.bad_row, -1);
        assert_int_equal(mine->result.n, n);
        assert_true(fabs(mine->result.loss_sum - ref->result.loss_sum) <= tolerance * fabs(ref->result.loss_sum));
        for (int i = 0; i < plan.n_tensors && step == 0; i++)
            if (plan.tensors[i].trained)
                compare(network, mine, ref, plan.tensors[i].name, PROGRAM_GRADIENT, 4 * tolerance);
    }
    for (int i = 0; i < plan.n_tensors; i++) {
        compare(network, mine, ref, plan.tensors[i].name, PROGRAM_VALUE, tolerance);
        if (plan.tensors[i].trained)
            compare(network, mine, ref, plan.tensors[i].name, PROGRAM_MOMENTUM, 8 * tolerance);
    }
    parity_evaluate(mine, &data.batch);
    parity_evaluate(ref, &data.batch);
    assert_int_equal(mine->result.correct, ref->result.correct);
    assert_true(fabs(mine->result.loss_sum - ref->result.loss_sum) <= tolerance * fabs(ref->result.loss_sum));
    compare_rows(network, mine, ref, PROGRAM_VALUE, 4 * tolerance);
    parity_data_release(&data);
    cuda->free(mine);
    family_ref.free(ref);
}

static void test_f32_matches_the_reference(void **state)
{
    NEEDS_CUDA(state);
    for (size_t i = 0; i < NETWORKS + TRICKS; i++) {
        const char *name = make_network(i);
        int steps = i == 0 || i >= NETWORKS ? 3 : 1; /* what is odd about the others shows in one */
        compare_programs(name, &(struct program_options){.max_batch = 6, .exact_convolutions = 1}, 6, steps,
                         F32_TOLERANCE);
    }
}

static void test_tails(void **state)
{
    NEEDS_CUDA(state);
    for (size_t i = 0; i < NETWORKS + TRICKS; i++) {
        const char *name = make_network(i);
        compare_programs(name, &(struct program_options){.max_batch = 5, .exact_convolutions = 1}, 4, 1, F32_TOLERANCE);
    }
}

/* Muon's matrices of more than one tile, with sums of more than one slice and with fewer columns than rows. */
static void wide_convolutions(void)
{
    struct error err = {{0}};
    struct plan_conv_options one = {.kernel = 1, .stride = 1};
    int row = plan_conv(&plan, "low", begin(3, 4, 4), 72, plan_window(3, 2, 1), &err);
    row = plan_norm(&plan, "norm", row, plan_moments(1e-5, 0.1), &err);
    row = plan_conv(&plan, "long", row, 70, plan_window(3, 1, 1), &err);
    row = plan_act(&plan, "act", row, PLAN_ACT_CELU, 0.3, &err);
    row = plan_conv(&plan, "narrow", row, 5, one, &err);
    finish(row_ok(plan_pool(&plan, "pool", row, PLAN_GLOBAL_AVG, 0, &err), &err), 10);
}

/* A rule of update, all convolutions by it. */
static void compare_rule(void (*make)(void), enum plan_rule rule, int steps)
{
    make();
    for (int t = 0; t < plan.n_tensors; t++)
        if (plan.tensors[t].role == PLAN_CONV_WEIGHT)
            plan.tensors[t].rule = rule;
    compare_programs(rule == PLAN_RULE_MUON ? "muon" : "lars",
                     &(struct program_options){.max_batch = 3, .exact_convolutions = 1}, 3, steps, RULE_TOLERANCE);
}

static void test_rules(void **state)
{
    NEEDS_CUDA(state);
    for (enum plan_rule rule = PLAN_RULE_MUON; rule < PLAN_RULE_COUNT; rule++) {
        compare_rule(davidnet8, rule, 2);
        compare_rule(wide_convolutions, rule, 2);
    }
}

/* Halfway through a run a tensor stays as it is, whatever its rule. */
static void test_rules_of_what_is_not_trained(void **state)
{
    NEEDS_CUDA(state);
    struct parity_data data;
    struct hyper late = hyper;
    late.epoch = 2;
    for (enum plan_rule rule = PLAN_RULE_SGD; rule < PLAN_RULE_COUNT; rule++) {
        wide_convolutions();
        int kept = plan_find_tensor(&plan, "long.weight"), moved = plan_find_tensor(&plan, "low.weight");
        plan.tensors[kept].rule = plan.tensors[moved].rule = rule;
        plan.tensors[kept].epochs = 2;
        struct program *program = parity_compile(cuda, &plan, &(struct program_options){.max_batch = 4});
        parity_data_init(&data, plan.rows[0].out, plan.classes, 4, 3);
        parity_weights(program, 7);
        float *before[2], *after[2];
        const int tensors[2] = {kept, moved};
        for (int i = 0; i < 2; i++)
            before[i] = parity_read(program, plan.tensors[tensors[i]].name, PROGRAM_VALUE);
        parity_train(program, &data.batch, &late);
        for (int i = 0; i < 2; i++) {
            size_t bytes = plan.tensors[tensors[i]].count * sizeof(float);
            after[i] = parity_read(program, plan.tensors[tensors[i]].name, PROGRAM_VALUE);
            if (i == 0)
                assert_memory_equal(before[i], after[i], bytes);
            else
                assert_memory_not_equal(before[i], after[i], bytes);
            free(before[i]);
            free(after[i]);
        }
        parity_data_release(&data);
        cuda->free(program);
    }
}

/* The error against float32 is that of the reference in bf16, up to a factor: where roundings fall differs. f16 has
 * three bits more; but where two values in a pool are near each other, one bit changes all.
 */
static void compare_low(const char *network, struct program *const *programs, bool f16, const char *name,
                        enum program_tensor kind)
{
    double mine = error_of(programs[0], programs[2], name, kind),
           theirs = error_of(programs[1], programs[2], name, kind);
    double limit = f16 ? 1.5 * theirs + F16_TOLERANCE : 3 * theirs + BF16_TOLERANCE;
    if (!(mine <= limit))
        fail_msg("%s, %s: '%s' is off by %g, the reference in bf16 by %g", network, f16 ? "f16" : "bf16", name, mine,
                 theirs);
}

static void low_precision(const char *network, enum precision precision, int max_batch, int n)
{
    const struct program_options options[3] = {{.max_batch = max_batch, .precision = precision},
                                               {.max_batch = max_batch, .precision = PRECISION_BF16},
                                               {.max_batch = max_batch}};
    const struct family *families[3] = {cuda, &family_ref, &family_ref};
    bool f16 = precision == PRECISION_F16;
    struct program *programs[3];
    struct parity_data data;
    parity_data_init(&data, plan.rows[0].out, plan.classes, n, 3);
    parity_color(&data, 3);
    for (int p = 0; p < 3; p++) {
        programs[p] = parity_compile(families[p], &plan, &options[p]);
        parity_weights(programs[p], 7);
        parity_train(programs[p], &data.batch, &hyper);
        assert_int_equal(programs[p]->result.bad_row, -1);
    }
    for (int i = 0; i < plan.n_tensors; i++) {
        compare_low(network, programs, f16, plan.tensors[i].name, PROGRAM_VALUE);
        if (plan.tensors[i].trained)
            compare_low(network, programs, f16, plan.tensors[i].name, PROGRAM_GRADIENT);
    }
    for (int p = 0; p < 3; p++)
        parity_evaluate(programs[p], &data.batch);
    compare_low(network, programs, f16, plan.rows[plan.rows[plan.n_rows - 1].input[0]].name, PROGRAM_VALUE);
    parity_data_release(&data);
    for (int p = 0; p < 3; p++)
        programs[p]->family->free(programs[p]);
}

static void test_low_precision_is_close(void **state)
{
    NEEDS_CUDA(state);
    for (size_t i = 0; i < NETWORKS + TRICKS; i += i < NETWORKS ? 3 : 1) {
        const char *name = make_network(i);
        low_precision(name, PRECISION_BF16, 8, i % 2 ? 7 : 8);
        low_precision(name, PRECISION_F16, 8, i % 2 ? 7 : 8);
    }
}

/* ---- lists in flight ---- */

/* Weights after some steps: one by one, or queued. */
static float *weights_after(int steps, int ahead, const struct parity_data *data)
{
    size_t choices = (size_t)data->batch.n * sizeof(struct choice);
    struct choice *own = malloc(choices), *kept = malloc(choices);
    assert_non_null(own);
    assert_non_null(kept);
    memcpy(kept, data->batch.choices, choices);
    struct program *program =
        parity_compile(cuda, &plan, &(struct program_options){.max_batch = 12, .precision = PRECISION_F16});
    float *all = calloc(plan.arena_count, sizeof *all);
    struct error err = {{0}};
    assert_non_null(all);
    parity_weights(program, 5);
    program->hyper = hyper;
    for (int done = 0, queued = 0; done < steps && ahead > 0;) {
        while (queued < steps && queued - done < ahead) {
            struct batch batch = data->batch;
            batch.choices = own;
            memcpy(own, kept, choices);
            parity_set_batch(program, &batch);
            if (cuda->submit(program, true, queued++ == 2, &err))
                fail_msg("%s", err.text);
            memset(own, 0, choices); /* a loader gives them to the next batch */
        }
        struct step_result result;
        uint64_t ns[512] = {0};
        if (cuda->collect(program, &result, ns, &err) < 0)
            fail_msg("%s", err.text);
        done++;
        assert_int_equal(result.n, data->batch.n);
        assert_true(isfinite(result.loss_sum) && result.loss_sum > 0);
    }
    for (int i = 0; i < steps && ahead == 0; i++)
        parity_train(program, &data->batch, &hyper);
    for (int i = 0; i < plan.n_tensors; i++)
        if (cuda->read_tensor(program, plan.tensors[i].name, PROGRAM_VALUE, all + plan.tensors[i].offset,
                              plan.tensors[i].count, &err))
            fail_msg("%s", err.text);
    cuda->free(program);
    free(own);
    free(kept);
    return all;
}

static void test_steps_in_flight_give_the_same_bits(void **state)
{
    NEEDS_CUDA(state);
    struct parity_data data;
    davidnet8();
    parity_data_init(&data, plan.rows[0].out, plan.classes, 12, 11);
    float *one = weights_after(6, 0, &data);
    for (int ahead = 1; ahead <= cuda->ahead; ahead += 3) {
        float *other = weights_after(6, ahead, &data);
        assert_memory_equal(one, other, plan.arena_count * sizeof *one);
        free(other);
    }
    float *fewer = weights_after(5, 4, &data);
    assert_memory_not_equal(one, fewer, plan.arena_count * sizeof *one);
    free(fewer);
    free(one);
    parity_data_release(&data);
}

static void test_no_more_than_ahead(void **state)
{
    NEEDS_CUDA(state);
    struct parity_data data;
    struct error err = {{0}};
    struct step_result result;
    davidnet8();
    parity_data_init(&data, plan.rows[0].out, plan.classes, 4, 11);
    struct program *program = parity_compile(cuda, &plan, &(struct program_options){.max_batch = 4});
    parity_weights(program, 5);
    parity_set_batch(program, &data.batch);
    program->hyper = hyper;
    assert_int_equal(cuda->collect(program, &result, NULL, &err), -1);
    for (int i = 0; i < cuda->ahead; i++)
        assert_int_equal(cuda->submit(program, i % 2, false, &err), 0);
    assert_int_equal(cuda->submit(program, true, false, &err), -1);
    assert_non_null(strstr(err.text, "collect"));
    for (int i = 0; i < cuda->ahead; i++)
        assert_int_equal(cuda->collect(program, &result, NULL, &err), 0);
    cuda->free(program);
    parity_data_release(&data);
}

/* ---- trouble ---- */

static void find_not_finite(enum precision precision)
{
    struct parity_data data;
    struct error err;
    davidnet8();
    struct program *program =
        parity_compile(cuda, &plan, &(struct program_options){.max_batch = 8, .precision = precision});
    parity_data_init(&data, plan.rows[0].out, plan.classes, 8, 11);
    parity_weights(program, 5);
    parity_evaluate(program, &data.batch);
    assert_int_equal(program->result.bad_row, -1);
    const char *name = "layer2.conv.weight";
    float *w = parity_read(program, name, PROGRAM_VALUE);
    w[100] = NAN;
    assert_int_equal(cuda->write_tensor(program, name, PROGRAM_VALUE, w, parity_count(program, name), &err), 0);
    free(w);
    parity_evaluate(program, &data.batch);
    assert_int_equal(program->result.bad_row, plan_find_row(&plan, "layer2/conv"));
    parity_train(program, &data.batch, &hyper);
    assert_int_equal(program->result.bad_row, plan_find_row(&plan, "layer2/conv"));
    parity_data_release(&data);
    cuda->free(program);
}

static void test_not_finite_is_found(void **state)
{
    NEEDS_CUDA(state);
    find_not_finite(PRECISION_F32);
    find_not_finite(PRECISION_F16);
    find_not_finite(PRECISION_BF16);
}

static void refused(struct program *program, const char *name, enum program_tensor kind, size_t count,
                    const char *because)
{
    struct error err = {{0}};
    float *buffer = malloc((count + 1) * sizeof *buffer);
    assert_non_null(buffer);
    assert_int_equal(cuda->read_tensor(program, name, kind, buffer, count, &err), -1);
    if (!strstr(err.text, because))
        fail_msg("'%s' does not say '%s'", err.text, because);
    free(buffer);
}

static void test_reading_what_is_not_there(void **state)
{
    NEEDS_CUDA(state);
    struct parity_data data;
    struct error err = {{0}};
    davidnet8();
    struct program *program = parity_compile(cuda, &plan, &(struct program_options){.max_batch = 4});
    parity_data_init(&data, plan.rows[0].out, plan.classes, 4, 11);
    parity_weights(program, 5);
    parity_set_batch(program, &data.batch);
    refused(program, "prep/conv", PROGRAM_VALUE, parity_count(program, "prep/conv"), "not been computed");
    parity_train(program, &data.batch, &hyper);
    refused(program, "prep/norm", PROGRAM_VALUE, parity_count(program, "prep/norm"), "fused into 'prep/act'");
    refused(program, "logits", PROGRAM_VALUE, 3, "holds 40 floats");
    refused(program, "logits", PROGRAM_MOMENTUM, 40, "momentum");
    refused(program, "input", PROGRAM_GRADIENT, parity_count(program, "input"), "nothing before it");
    refused(program, "nothing", PROGRAM_VALUE, 1, "no tensor or row 'nothing'");
    refused(program, "prep.norm.running_mean", PROGRAM_GRADIENT, 8, "not trained");
    refused(program, "prep.norm.weight", PROGRAM_VALUE, 7, "holds 8 floats");
    float one[8] = {0};
    assert_int_equal(cuda->write_tensor(program, "prep.norm.weight", PROGRAM_GRADIENT, one, 8, &err), -1);
    assert_int_equal(cuda->write_tensor(program, "prep/act", PROGRAM_VALUE, one, 8, &err), -1);
    assert_int_equal(cuda->write_tensor(program, "prep.norm.weight", PROGRAM_MOMENTUM, one, 8, &err), 0);
    parity_data_release(&data);
    cuda->free(program);
}

static void test_options_refused(void **state)
{
    NEEDS_CUDA(state);
    struct error err = {{0}};
    davidnet8();
    assert_null(cuda->compile(&plan, &(struct program_options){.max_batch = 0}, &err));
    assert_non_null(strstr(err.text, "at least one image"));
    assert_int_equal(cuda->probe(&(struct program_options){.max_batch = 4, .device_index = 63}, &err), -1);
    assert_non_null(strstr(err.text, "GPU 63"));
    plan.n_rows--;
    assert_null(cuda->compile(&plan, &(struct program_options){.max_batch = 4}, &err));
}

/* Every row's work is in some step, and every step says who it is. */
static void test_steps_cover_the_plan(void **state)
{
    NEEDS_CUDA(state);
    for (size_t i = 0; i < NETWORKS + TRICKS; i++) {
        const char *name = make_network(i);
        struct program *program = parity_compile(cuda, &plan, &(struct program_options){.max_batch = 1});
        int seen[PLAN_ROWS_MAX] = {0};
        for (int s = 0; s < program->n_eval; s++)
            for (int k = 0; k < program->eval[s].n_rows; k++)
                seen[program->eval[s].rows[k]]++;
        for (int row = 0; row < plan.n_rows; row++)
            if (seen[row] < 1)
                fail_msg("%s: no step for '%s'", name, plan.rows[row].name);
        for (int s = 0; s < program->n_train; s++) {
            assert_true(program->train[s].n_rows >= 1);
            assert_non_null(strchr(program->train[s].impl, ':'));
            assert_true(s == 0 || program->train[s].phase >= program->train[s - 1].phase);
        }
        cuda->free(program);
    }
}

/* ---- for a tool that makes everything slow: each kernel, in each type, with little to do (tests/check_cuda) ---- */

static void one_step(void (*make)(void), enum precision precision)
{
    struct parity_data data;
    make();
    struct program *program =
        parity_compile(cuda, &plan, &(struct program_options){.max_batch = 3, .precision = precision});
    parity_data_init(&data, plan.rows[0].out, plan.classes, 2, 3);
    parity_weights(program, 7);
    parity_train(program, &data.batch, &hyper);
    assert_int_equal(program->result.bad_row, -1);
    parity_data_release(&data);
    cuda->free(program);
}

static void test_small(void **state)
{
    static const enum precision precisions[] = {PRECISION_F16, PRECISION_BF16, PRECISION_F32};
    NEEDS_CUDA(state);
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
        davidnet8();
        low_precision("davidnet", precisions[p], 4, 3);
        for (size_t i = NETWORKS; i < NETWORKS + TRICKS; i++)
            low_precision(make_network(i), precisions[p], 4, 4);
        one_step(many_readers, precisions[p]);      /* sums of gradients */
        one_step(all_convolutional, precisions[p]); /* a loss of logits that are no linear layer's */
    }
}

static void test_small_rules(void **state)
{
    NEEDS_CUDA(state);
    for (enum plan_rule rule = PLAN_RULE_MUON; rule < PLAN_RULE_COUNT; rule++)
        compare_rule(wide_convolutions, rule, 1);
}

static void test_small_average(void **state)
{
    NEEDS_CUDA(state);
    static const enum program_mix mixes[] = {PROGRAM_MIX_FOLLOW, PROGRAM_MIX_SWAP, PROGRAM_MIX_TAKE};
    struct error err = {{0}};
    davidnet8();
    struct program *program = parity_compile(cuda, &plan, &(struct program_options){.max_batch = 2});
    parity_weights(program, 3);
    for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++)
        if (cuda->mix(program, PROGRAM_EMA, mixes[i], 0.5, &err))
            fail_msg("%s", err.text);
    cuda->free(program);
}

/* Every launch of kernels/cuda/ops.h and conv.h, and the test that compares what it does with the reference: what
 * make gpu-check tells of each of them, and tests/check_cuda holds against the headers. */
static const struct {
    const char *operation, *test;
} cases[] = {
    {"cuda_augment", "test_f32_matches_the_reference"},
    {"cuda_chain_moments", "test_f32_matches_the_reference"},
    {"cuda_chain_forward", "test_f32_matches_the_reference"},
    {"cuda_chain_sums", "test_f32_matches_the_reference"},
    {"cuda_chain_backward", "test_f32_matches_the_reference"},
    {"cuda_sum", "test_f32_matches_the_reference"},
    {"cuda_global_pool", "test_f32_matches_the_reference"},
    {"cuda_global_pool_backward", "test_f32_matches_the_reference"},
    {"cuda_concat_forward", "test_f32_matches_the_reference"},
    {"cuda_concat_backward", "test_f32_matches_the_reference"},
    {"cuda_linear_forward", "test_f32_matches_the_reference"},
    {"cuda_linear_backward_data", "test_f32_matches_the_reference"},
    {"cuda_linear_backward_weights", "test_f32_matches_the_reference"},
    {"cuda_softmax_loss", "test_f32_matches_the_reference"},
    {"cuda_conv_run", "test_f32_matches_the_reference"},
    {"cuda_update", "test_f32_matches_the_reference"},
    {"cuda_lars", "test_rules"},
    {"cuda_muon", "test_rules"},
    {"cuda_average", "test_averages"},
    {"cuda_refresh", "test_averages_are_evaluated"},
    {"cuda_find_bad", "test_not_finite_is_found"},
};

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32_matches_the_reference),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_rules_of_what_is_not_trained),
        cmocka_unit_test(test_low_precision_is_close),
        cmocka_unit_test(test_steps_in_flight_give_the_same_bits),
        cmocka_unit_test(test_no_more_than_ahead),
        cmocka_unit_test(test_not_finite_is_found),
        cmocka_unit_test(test_reading_what_is_not_there),
        cmocka_unit_test(test_options_refused),
        cmocka_unit_test(test_steps_cover_the_plan),
    };
    const struct CMUnitTest small[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_small_rules),
        cmocka_unit_test(test_small_average),
        cmocka_unit_test(test_not_finite_is_found),
        cmocka_unit_test(test_no_more_than_ahead),
    };
    const char *which = getenv("CUDA_FAMILY_TESTS"); /* under a tool that makes everything slow */
    for (size_t i = 0; which && strcmp(which, "list") == 0 && i < sizeof cases / sizeof cases[0]; i++)
        printf("%s %s\n", cases[i].operation, cases[i].test);
    if (which && strcmp(which, "list") == 0)
        return 0;
    if (which && strcmp(which, "small") == 0)
        return cmocka_run_group_tests(small, cuda_plugin_find, NULL);
    return cmocka_run_group_tests(tests, cuda_plugin_find, NULL);
}
