/* The cpu family against the reference: DavidNet and networks of every odd shape, tails, threads, precisions, ISA
 * levels, memory, and what it refuses. */
#include "kernels/cpu/cpu_memory.h"
#include "kernels/cpu/cpu_program.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"
#include "tests/cpu_networks.h"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct hyper hyper = {.lr = 0.002, .momentum = 0.9, .weight_decay = 0.05, .form = NESTEROV_PAGE};

#define F32_TOLERANCE 2e-5      /* direct convolutions: another order of the same sums */
#define WINOGRAD_TOLERANCE 2e-4 /* its transforms cancel a few more bits */
#define BF16_TOLERANCE 4e-3     /* one rounding to 8 bits, relative */

/* ---- comparing ---- */

static void compare(const char *network, struct program *cpu, struct program *ref, const char *name,
                    enum program_tensor kind, double tolerance)
{
    float *a = parity_read(cpu, name, kind), *b = parity_read(ref, name, kind);
    double error = parity_error(a, b, parity_count(ref, name));
    if (!(error <= tolerance))
        fail_msg("%s: %s of '%s' is off by %g, more than %g", network,
                 kind == PROGRAM_VALUE      ? "value"
                 : kind == PROGRAM_GRADIENT ? "gradient"
                                            : "momentum",
                 name, error, tolerance);
    free(a);
    free(b);
}

/* Evaluation's activations where both have them, gradients of the first step, weights after three. */
static void compare_programs(const char *network, const struct program_options *options, int n, double tolerance)
{
    struct parity_data data;
    struct program *cpu = parity_compile(&family_cpu, &plan, options),
                   *ref = parity_compile(&family_ref, &plan, options);
    parity_data_init(&data, plan.rows[0].out, plan.classes, n, 3);
    parity_weights(cpu, 7);
    parity_weights(ref, 7);
    for (int step = 0; step < 3; step++) {
        parity_train(cpu, &data.batch, &hyper);
        parity_train(ref, &data.batch, &hyper);
        assert_int_equal(cpu->result.bad_row, -1);
        assert_int_equal(cpu->result.n, n);
        assert_true(fabs(cpu->result.loss_sum - ref->result.loss_sum) <= tolerance * fabs(ref->result.loss_sum));
        for (int i = 0; i < plan.n_tensors && step == 0; i++)
            if (plan.tensors[i].trained)
                compare(network, cpu, ref, plan.tensors[i].name, PROGRAM_GRADIENT, 4 * tolerance);
    }
    for (int i = 0; i < plan.n_tensors; i++) {
        compare(network, cpu, ref, plan.tensors[i].name, PROGRAM_VALUE, tolerance);
        if (plan.tensors[i].trained)
            compare(network, cpu, ref, plan.tensors[i].name, PROGRAM_MOMENTUM, 8 * tolerance);
    }
    parity_evaluate(cpu, &data.batch);
    parity_evaluate(ref, &data.batch);
    assert_true(fabs(cpu->result.loss_sum - ref->result.loss_sum) <= tolerance * fabs(ref->result.loss_sum));
    int compared = 0;
    for (int row = 0; row < plan.n_rows - 1; row++) {
        struct error err;
        float *mine = parity_try_read(cpu, plan.rows[row].name, PROGRAM_VALUE, &err);
        if (mine) {
            compare(network, cpu, ref, plan.rows[row].name, PROGRAM_VALUE, 4 * tolerance);
            compared++;
        } else {
            assert_true(strstr(err.text, "fused") || strstr(err.text, "overwritten"));
        }
        free(mine);
    }
    assert_true(compared >= 2); /* the input and the logits at least */
    parity_data_release(&data);
    family_cpu.free(cpu);
    family_ref.free(ref);
}

static void test_f32_matches_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++) {
        networks[i].make();
        compare_programs(networks[i].name, &(struct program_options){.max_batch = 6, .exact_convolutions = 1}, 6,
                         F32_TOLERANCE);
    }
}

static void test_winograd_is_close(void **state)
{
    (void)state;
    davidnet8();
    compare_programs("davidnet", &(struct program_options){.max_batch = 6}, 6, WINOGRAD_TOLERANCE);
}

static void test_tails(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++) {
        networks[i].make();
        compare_programs(networks[i].name, &(struct program_options){.max_batch = 7, .exact_convolutions = 1}, 4,
                         F32_TOLERANCE);
    }
}

/* The error against float32 is that of the reference in bf16, up to a factor: where roundings fall differs. */
static void compare_bf16(const char *network, struct program *cpu, struct program *bf16, struct program *f32,
                         const char *name, enum program_tensor kind)
{
    float *a = parity_read(cpu, name, kind), *b = parity_read(bf16, name, kind), *c = parity_read(f32, name, kind);
    size_t count = parity_count(f32, name);
    double mine = parity_error(a, c, count), theirs = parity_error(b, c, count);
    if (!(mine <= 2 * theirs + BF16_TOLERANCE))
        fail_msg("%s: '%s' is off by %g, the reference in bf16 by %g", network, name, mine, theirs);
    free(a);
    free(b);
    free(c);
}

static void bf16_network(const char *network, int max_batch, int n)
{
    const struct program_options bf16 = {.max_batch = max_batch, .precision = PRECISION_BF16};
    const struct program_options f32 = {.max_batch = max_batch};
    const struct family *families[3] = {&family_cpu, &family_ref, &family_ref};
    struct program *programs[3];
    struct parity_data data;
    parity_data_init(&data, plan.rows[0].out, plan.classes, n, 3);
    for (int p = 0; p < 3; p++) {
        programs[p] = parity_compile(families[p], &plan, p < 2 ? &bf16 : &f32);
        if (!programs[p])
            return; /* never: parity_compile has failed the test, which the analyzer cannot know */
        parity_weights(programs[p], 7);
        parity_train(programs[p], &data.batch, &hyper);
        assert_int_equal(programs[p]->result.bad_row, -1);
    }
    for (int i = 0; i < plan.n_tensors; i++) {
        compare_bf16(network, programs[0], programs[1], programs[2], plan.tensors[i].name, PROGRAM_VALUE);
        if (plan.tensors[i].trained)
            compare_bf16(network, programs[0], programs[1], programs[2], plan.tensors[i].name, PROGRAM_GRADIENT);
    }
    for (int p = 0; p < 3; p++)
        parity_evaluate(programs[p], &data.batch);
    compare_bf16(network, programs[0], programs[1], programs[2], plan.rows[plan.rows[plan.n_rows - 1].input[0]].name,
                 PROGRAM_VALUE);
    parity_data_release(&data);
    for (int p = 0; p < 3; p++)
        programs[p]->family->free(programs[p]);
}

static void test_bf16_is_close(void **state)
{
    (void)state;
    struct error err;
    if (family_cpu.probe(&(struct program_options){.max_batch = 40, .precision = PRECISION_BF16}, &err)) {
        print_message("SKIPPED: %s\n", err.text);
        skip();
    }
    for (size_t i = 0; i < NETWORKS; i++) {
        networks[i].make();
        bf16_network(networks[i].name, 40, i % 2 ? 37 : 40);
    }
    small_images(); /* in several groups, the last one not full */
    bf16_network("small images", 300, 200);
}

/* ---- ISA levels: oneDNN can be capped once per process, so each runs this binary again ---- */

static const char *child_isa;

static void test_level(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++) {
        networks[i].make();
        compare_programs(networks[i].name, &(struct program_options){.max_batch = 5, .isa = child_isa}, 5,
                         F32_TOLERANCE);
    }
    struct program_options other = {.max_batch = 5, .isa = strcmp(child_isa, "plain") ? "plain" : "avx2"};
    struct error err = {{0}};
    assert_null(family_cpu.compile(&plan, &other, &err));
    if (!strstr(err.text, "start davidnet again") && !strstr(err.text, "has no 'avx2'"))
        fail_msg("a second ISA level was not refused: %s", err.text);
}

static void test_isa_levels(void **state)
{
    (void)state;
    static const char *const levels[] = {"plain", "avx2", "avx512"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (isa_force(levels[i]))
            continue;
        isa_force(NULL);
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            execl("/proc/self/exe", "test_cpu_family", levels[i], (char *)NULL);
            _exit(127);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status != 0)
            fail_msg("ISA level %s failed", levels[i]);
    }
}

/* ---- repeatability ---- */

static float *weights_after(int steps, int threads, int max_batch, const struct batch *batch)
{
    struct program *program =
        parity_compile(&family_cpu, &plan, &(struct program_options){.max_batch = max_batch, .threads = threads});
    float *all = malloc(plan.arena_count * sizeof *all);
    assert_non_null(all);
    parity_weights(program, 5);
    for (int i = 0; i < steps; i++)
        parity_train(program, batch, &hyper);
    memcpy(all, cpu_own(program)->weights, plan.arena_count * sizeof *all);
    family_cpu.free(program);
    return all;
}

static void test_same_bits_twice(void **state)
{
    (void)state;
    struct parity_data data;
    davidnet8();
    parity_data_init(&data, plan.rows[0].out, plan.classes, 24, 11);
    float *a = weights_after(3, 2, 24, &data.batch), *b = weights_after(3, 2, 24, &data.batch);
    assert_memory_equal(a, b, plan.arena_count * sizeof *a);
    free(b);
    b = weights_after(2, 2, 24, &data.batch);
    assert_memory_not_equal(a, b, plan.arena_count * sizeof *a);
    free(a);
    free(b);
    parity_data_release(&data);
    parallel_set_threads(0);
}

/* The chains and small layers are ours, and do not depend on the number of threads. */
static void test_threads_without_convolutions(void **state)
{
    (void)state;
    struct parity_data data;
    linear_layers();
    plan.n_rows = 0; /* the same without its convolution */
    struct error err = {{0}};
    int row = plan_norm(&plan, "norm", begin(3, 8, 8), plan_moments(1e-5, 0.1), &err);
    row = plan_act(&plan, "act", row, PLAN_ACT_RELU, 0, &err);
    row = plan_pool(&plan, "pool", row, PLAN_MAX_POOL, 2, &err);
    finish(row, 10);
    parity_data_init(&data, plan.rows[0].out, plan.classes, 50, 11);
    float *one = weights_after(3, 1, 50, &data.batch), *three = weights_after(3, 3, 50, &data.batch);
    assert_memory_equal(one, three, plan.arena_count * sizeof *one);
    free(one);
    free(three);
    parity_data_release(&data);
    parallel_set_threads(0);
}

/* Neither the allocator's books nor the block change in a step. */
static void test_steps_keep_no_memory(void **state)
{
    (void)state;
    struct parity_data data;
    davidnet8();
    struct program *program = parity_compile(&family_cpu, &plan, &(struct program_options){.max_batch = 8});
    parity_data_init(&data, plan.rows[0].out, plan.classes, 8, 11);
    parity_weights(program, 5);
    parity_train(program, &data.batch, &hyper);
    parity_evaluate(program, &data.batch);
    size_t memory = family_cpu.memory(program);
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < 3; i++) {
        parity_train(program, &data.batch, &hyper);
        parity_evaluate(program, &data.batch);
    }
    struct mallinfo2 after = mallinfo2();
    assert_int_equal(after.uordblks, before.uordblks);
    assert_int_equal(after.hblkhd, before.hblkhd);
    assert_int_equal(family_cpu.memory(program), memory);
    parity_data_release(&data);
    family_cpu.free(program);
}

static void test_davidnet_fits(void **state)
{
    (void)state;
    struct error err = {{0}};
    check(parity_davidnet_plan(&plan, 64, (struct plan_shape){3, 32, 32}, 10, &err), &err);
    struct program *program = parity_compile(&family_cpu, &plan, &(struct program_options){.max_batch = 512});
    assert_true(family_cpu.memory(program) < (size_t)3 << 30);
    assert_true(family_cpu.memory(program) > (size_t)512 << 20); /* it does count the activations */
    family_cpu.free(program);
}

/* ---- trouble ---- */

static void test_not_finite_is_found(void **state)
{
    (void)state;
    struct parity_data data;
    struct error err;
    davidnet8();
    struct program *program = parity_compile(&family_cpu, &plan, &(struct program_options){.max_batch = 8});
    parity_data_init(&data, plan.rows[0].out, plan.classes, 8, 11);
    parity_weights(program, 5);
    parity_evaluate(program, &data.batch);
    assert_int_equal(program->result.bad_row, -1);
    const char *name = "layer2.conv.weight";
    float *w = parity_read(program, name, PROGRAM_VALUE);
    w[100] = NAN;
    assert_int_equal(family_cpu.write_tensor(program, name, PROGRAM_VALUE, w, parity_count(program, name), &err), 0);
    free(w);
    parity_evaluate(program, &data.batch);
    assert_int_equal(program->result.bad_row, plan_find_row(&plan, "layer2/conv"));
    parity_train(program, &data.batch, &hyper);
    assert_int_equal(program->result.bad_row, plan_find_row(&plan, "layer2/conv"));
    parity_data_release(&data);
    family_cpu.free(program);
}

static void refused(struct program *program, const char *name, enum program_tensor kind, size_t count,
                    const char *because)
{
    struct error err = {{0}};
    float *buffer = malloc((count + 1) * sizeof *buffer);
    assert_non_null(buffer);
    assert_int_equal(family_cpu.read_tensor(program, name, kind, buffer, count, &err), -1);
    if (!strstr(err.text, because))
        fail_msg("'%s' does not say '%s'", err.text, because);
    free(buffer);
}

static void test_reading_what_is_not_there(void **state)
{
    (void)state;
    struct parity_data data;
    struct error err = {{0}};
    davidnet8();
    struct program *program = parity_compile(&family_cpu, &plan, &(struct program_options){.max_batch = 4});
    parity_data_init(&data, plan.rows[0].out, plan.classes, 4, 11);
    parity_weights(program, 5);
    parity_set_batch(program, &data.batch);
    refused(program, "prep/conv", PROGRAM_VALUE, parity_count(program, "prep/conv"), "not been computed");
    parity_train(program, &data.batch, &hyper);
    refused(program, "prep/conv", PROGRAM_VALUE, parity_count(program, "prep/conv"), "overwritten");
    refused(program, "prep/norm", PROGRAM_VALUE, parity_count(program, "prep/norm"), "fused into 'prep/act'");
    refused(program, "prep/norm", PROGRAM_GRADIENT, parity_count(program, "prep/norm"), "fused into 'prep/act'");
    refused(program, "logits", PROGRAM_VALUE, 3, "holds 40 floats");
    refused(program, "logits", PROGRAM_MOMENTUM, 40, "momentum");
    refused(program, "input", PROGRAM_GRADIENT, parity_count(program, "input"), "nothing before it");
    refused(program, "nothing", PROGRAM_VALUE, 1, "no tensor or row 'nothing'");
    refused(program, "prep.norm.running_mean", PROGRAM_GRADIENT, 8, "not trained");
    refused(program, "prep.norm.weight", PROGRAM_VALUE, 7, "holds 8 floats");
    refused(program, "prep.norm.weight", PROGRAM_EMA, 8, "the cpu family keeps no averages");
    refused(program, "logits", PROGRAM_SLOW, 40, "is a row");
    float one[8] = {0};
    assert_int_equal(family_cpu.write_tensor(program, "prep.norm.weight", PROGRAM_GRADIENT, one, 8, &err), -1);
    assert_int_equal(family_cpu.write_tensor(program, "prep/act", PROGRAM_VALUE, one, 8, &err), -1);
    assert_int_equal(family_cpu.write_tensor(program, "prep.norm.weight", PROGRAM_VALUE, one, 7, &err), -1);
    assert_int_equal(family_cpu.write_tensor(program, "prep.norm.weight", PROGRAM_EMA, one, 8, &err), -1);
    assert_int_equal(family_cpu.write_tensor(program, "prep.norm.weight", PROGRAM_MOMENTUM, one, 8, &err), 0);
    parity_data_release(&data);
    family_cpu.free(program);
}

static void test_options_refused(void **state)
{
    (void)state;
    static const struct {
        struct program_options options;
        const char *because;
    } cases[] = {
        {{.max_batch = 4, .precision = PRECISION_F16}, "on a CPU use f32"},
        {{.max_batch = 4, .precision = PRECISION_TF32}, "on a CPU use f32"},
        {{.max_batch = 4, .precision = PRECISION_BF16, .isa = "plain"}, "use --precision f32"},
        {{.max_batch = 4, .isa = "mmx"}, "no 'mmx'"},
    };
    davidnet8();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {{0}};
        assert_int_equal(family_cpu.probe(&cases[i].options, &err), -1);
        if (!strstr(err.text, cases[i].because))
            fail_msg("'%s' does not say '%s'", err.text, cases[i].because);
        assert_null(family_cpu.compile(&plan, &cases[i].options, &err));
    }
    struct error err = {{0}};
    assert_null(family_cpu.compile(&plan, &(struct program_options){.max_batch = 0}, &err));
    assert_non_null(strstr(err.text, "at least one image"));
    plan.n_rows--;
    assert_null(family_cpu.compile(&plan, &(struct program_options){.max_batch = 4}, &err));
}

/* Every row's work is in some step, and every step says who it is. */
static void test_steps_cover_the_plan(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++) {
        networks[i].make();
        struct program *program = parity_compile(&family_cpu, &plan, &(struct program_options){.max_batch = 4});
        int seen[PLAN_ROWS_MAX] = {0};
        for (int s = 0; s < program->n_eval; s++)
            for (int k = 0; k < program->eval[s].n_rows; k++)
                seen[program->eval[s].rows[k]]++;
        for (int row = 0; row < plan.n_rows; row++)
            if (seen[row] != 1)
                fail_msg("%s: %d steps for '%s'", networks[i].name, seen[row], plan.rows[row].name);
        for (int s = 0; s < program->n_train; s++) {
            assert_true(program->train[s].n_rows >= 1);
            assert_non_null(strchr(program->train[s].impl, ':'));
            assert_true(s == 0 || program->train[s].phase >= program->train[s - 1].phase);
        }
        family_cpu.free(program);
    }
}

/* ---- memory ---- */

static void test_memory_plan(void **state)
{
    (void)state;
    enum { COUNT = 60 };
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct cpu_piece pieces[COUNT];
        size_t sum = 0, moment[COUNT] = {0}, most = 0;
        for (int i = 0; i < COUNT; i++) {
            struct rng_block draw = rng_philox(seed, RNG_TEST, 9, (uint64_t)i);
            int first = (int)rng_below(draw.word[0], COUNT);
            pieces[i] = (struct cpu_piece){.bytes = rng_below(draw.word[1], 20) * CPU_MEMORY_ALIGN / 2,
                                           .first = first,
                                           .last = first + (int)rng_below(draw.word[2], 12) - 1};
            if (pieces[i].last >= pieces[i].first)
                sum += pieces[i].bytes + CPU_MEMORY_ALIGN;
            for (int t = pieces[i].first; t <= pieces[i].last && t < COUNT; t++)
                moment[t] += pieces[i].bytes;
        }
        size_t total = cpu_memory_plan(pieces, COUNT);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(pieces[i].offset % CPU_MEMORY_ALIGN, 0);
            most = moment[i] > most ? moment[i] : most;
            for (int j = 0; j < i; j++) {
                const struct cpu_piece *a = &pieces[i], *b = &pieces[j];
                if (a->last < a->first || b->last < b->first || a->first > b->last || b->first > a->last)
                    continue;
                assert_true(a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset);
            }
        }
        assert_true(total >= most);
        assert_true(total < sum);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        const struct CMUnitTest level[] = {cmocka_unit_test(test_level)};
        child_isa = argv[1];
        return cmocka_run_group_tests(level, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_isa_levels),
        cmocka_unit_test(test_memory_plan),
        cmocka_unit_test(test_f32_matches_the_reference),
        cmocka_unit_test(test_winograd_is_close),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_bf16_is_close),
        cmocka_unit_test(test_same_bits_twice),
        cmocka_unit_test(test_threads_without_convolutions),
        cmocka_unit_test(test_steps_keep_no_memory),
        cmocka_unit_test(test_davidnet_fits),
        cmocka_unit_test(test_not_finite_is_found),
        cmocka_unit_test(test_reading_what_is_not_there),
        cmocka_unit_test(test_options_refused),
        cmocka_unit_test(test_steps_cover_the_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
