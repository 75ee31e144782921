#include "engine/checkpoint.h"

#include "engine/files.h"
#include "engine/safetensors.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A family that only keeps tensors: checkpoints need no arithmetic. */
struct shelf {
    struct program program;
    float *value, *momentum;
};

static int move(struct program *program, const char *name, enum program_tensor what, float *out, const float *in,
                size_t count, struct error *err)
{
    struct shelf *shelf = program->own;
    int t = plan_find_tensor(program->plan, name);
    if (t < 0 || program->plan->tensors[t].count != count || what == PROGRAM_GRADIENT ||
        (what == PROGRAM_MOMENTUM && !program->plan->tensors[t].trained))
        return error_set(err, "no tensor %s", name);
    float *at = (what == PROGRAM_VALUE ? shelf->value : shelf->momentum) + program->plan->tensors[t].offset;
    if (out)
        memcpy(out, at, count * sizeof *at);
    else if (in)
        memcpy(at, in, count * sizeof *at);
    return 0;
}

static int shelf_read(struct program *p, const char *name, enum program_tensor what, float *out, size_t count,
                      struct error *err)
{
    return move(p, name, what, out, NULL, count, err);
}

static int shelf_write(struct program *p, const char *name, enum program_tensor what, const float *in, size_t count,
                       struct error *err)
{
    return move(p, name, what, NULL, in, count, err);
}

static const struct family shelf_family = {.name = "shelf", .read_tensor = shelf_read, .write_tensor = shelf_write};

static struct plan plan;
static struct run_folder run;
static char folder[64];

static void make_plan(struct plan *p, int channels)
{
    struct error err = {""};
    plan_init(p);
    int row = plan_input(p, (struct plan_shape){3, 8, 8}, &err);
    row = plan_conv(p, "prep/conv", row, channels, plan_window(3, 1, 1), &err);
    row = plan_norm(p, "prep/norm", row, plan_moments(1e-5, 0.1), &err);
    row = plan_act(p, "prep/act", row, PLAN_ACT_RELU, 0, &err);
    row = plan_pool(p, "pool", row, PLAN_GLOBAL_MAX, 0, &err);
    row = plan_linear(p, "linear", row, 10, 0.125, true, &err);
    row = plan_loss(p, "loss", row, 0, &err);
    assert_true(row > 0);
    assert_int_equal(plan_check(p, &err), 0);
}

static void shelf_init(struct shelf *s, const struct plan *p, float seed)
{
    *s = (struct shelf){.program = {.family = &shelf_family, .plan = p, .own = s}};
    s->value = calloc(p->arena_count, sizeof(float));
    s->momentum = calloc(p->arena_count, sizeof(float));
    for (size_t i = 0; i < p->arena_count; i++) {
        s->value[i] = seed + 0.1f * (float)i;
        s->momentum[i] = seed - 0.3f * (float)i;
    }
}

static void shelf_release(struct shelf *s)
{
    free(s->value);
    free(s->momentum);
}

/* A checkpoint whose content follows from its step. */
static void fill(struct checkpoint *c, uint32_t step)
{
    struct error err = {""};
    struct shelf s;
    shelf_init(&s, &plan, (float)step);
    assert_int_equal(checkpoint_take(c, &s.program, &err), 0);
    shelf_release(&s);
    c->clock = (struct checkpoint_clock){step, 0.1 * step, 0.2 * step, 1e9, -0.0, 7, UINT64_MAX, 93.7, NAN};
}

/* All members after the first follow each other without padding; bytes, because NaN is a value here. */
static int same_clock(const struct checkpoint_clock *a, const struct checkpoint_clock *b)
{
    size_t from = offsetof(struct checkpoint_clock, train_seconds);
    return a->step == b->step && memcmp((const char *)a + from, (const char *)b + from, sizeof *a - from) == 0;
}

static int is_filled(const struct checkpoint *c, uint32_t step)
{
    struct checkpoint want;
    struct error err = {""};
    assert_int_equal(checkpoint_init(&want, &plan, &err), 0);
    fill(&want, step);
    int same = memcmp(want.value, c->value, plan.arena_count * sizeof(float)) == 0 &&
               memcmp(want.momentum, c->momentum, plan.arena_count * sizeof(float)) == 0 &&
               same_clock(&want.clock, &c->clock);
    checkpoint_release(&want);
    return same;
}

static void write_step(uint32_t step, int keep)
{
    struct checkpoint c;
    struct error err = {""};
    assert_int_equal(checkpoint_init(&c, &plan, &err), 0);
    fill(&c, step);
    if (checkpoint_write(&c, &run, keep, &err) < 0)
        fail_msg("%s", err.text);
    checkpoint_release(&c);
}

static void expect_newest(uint32_t step, const char *says)
{
    struct checkpoint c;
    struct error err = {""};
    assert_int_equal(checkpoint_init(&c, &plan, &err), 0);
    int rc = checkpoint_read_newest(&c, &run, &err);
    if (rc != 1)
        fail_msg("%d: %s", rc, err.text);
    assert_true(is_filled(&c, step));
    if (says)
        assert_non_null(strstr(err.text, says));
    else
        assert_string_equal(err.text, "");
    checkpoint_release(&c);
}

static int setup_run(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/davidnet-test-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(run.path, sizeof run.path, "%s", folder);
    strcpy(run.name, "test-run");
    make_plan(&plan, 4);
    return 0;
}

static int teardown_run(void **state)
{
    (void)state;
    struct error err = {""};
    return folder_remove(folder, &err);
}

static const char *in_run(const char *format, unsigned step)
{
    static char path[256];
    char name[128];
    snprintf(name, sizeof name, format, step);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void comes_back_to_the_bit(void **state)
{
    (void)state;
    struct checkpoint c;
    struct error err = {""};
    assert_int_equal(checkpoint_init(&c, &plan, &err), 0);
    assert_int_equal(checkpoint_read_newest(&c, &run, &err), 0); /* none yet */
    write_step(12, 2);
    assert_int_equal(checkpoint_read_newest(&c, &run, &err), 1);
    assert_true(is_filled(&c, 12));

    struct shelf a, b;
    shelf_init(&a, &plan, 12);
    shelf_init(&b, &plan, 0);
    assert_int_equal(checkpoint_give(&c, &b.program, &err), 0);
    for (int i = 0; i < plan.n_tensors; i++) {
        const struct plan_tensor *t = &plan.tensors[i];
        assert_memory_equal(a.value + t->offset, b.value + t->offset, t->count * sizeof(float));
        if (t->trained)
            assert_memory_equal(a.momentum + t->offset, b.momentum + t->offset, t->count * sizeof(float));
    }
    shelf_release(&a);
    shelf_release(&b);
    checkpoint_release(&c);
}

static void model_is_what_pytorch_expects(void **state)
{
    (void)state;
    struct error err = {""};
    struct safetensors file;
    write_step(7, 2);
    assert_int_equal(safetensors_read(in_run("checkpoint-%u/model.safetensors", 7), &file, &err), 0);
    static const struct {
        const char *name;
        int n_dims;
        int64_t dims[4];
    } want[] = {
        {"prep.conv.weight", 4, {4, 3, 3, 3}},
        {"prep.norm.weight", 1, {4}},
        {"prep.norm.bias", 1, {4}},
        {"prep.norm.running_mean", 1, {4}},
        {"prep.norm.running_var", 1, {4}},
        {"prep.norm.num_batches_tracked", 0, {0}},
        {"linear.weight", 2, {10, 4}},
        {"linear.bias", 1, {10}},
    };
    assert_int_equal(file.count, sizeof want / sizeof want[0]);
    for (int i = 0; i < file.count; i++) {
        const struct safetensors_entry *e = safetensors_find(&file, want[i].name);
        assert_non_null(e);
        assert_int_equal(e->n_dims, want[i].n_dims);
        assert_memory_equal(e->dims, want[i].dims, (size_t)e->n_dims * sizeof e->dims[0]);
    }
    const struct safetensors_entry *tracked = safetensors_find(&file, "prep.norm.num_batches_tracked");
    assert_int_equal(tracked->type, SAFETENSORS_I64);
    assert_int_equal(*(const int64_t *)tracked->data, 7);
    assert_string_equal(safetensors_meta(&file, "format"), "pt");
    assert_string_equal(safetensors_meta(&file, "step"), "7");
    safetensors_release(&file);
}

static void old_ones_are_pruned(void **state)
{
    (void)state;
    uint32_t steps[8];
    for (uint32_t step = 90; step <= 120; step += 10)
        write_step(step, 2);
    assert_int_equal(checkpoint_list(&run, steps, 8), 2);
    assert_int_equal(steps[0], 120); /* by number, not by name */
    assert_int_equal(steps[1], 110);
    write_step(115, 5); /* the run went back: what lies ahead goes */
    assert_int_equal(checkpoint_list(&run, steps, 8), 2);
    assert_int_equal(steps[0], 115);
    write_step(115, 5); /* the same step again replaces it */
    expect_newest(115, NULL);
    write_step(130, 0); /* never fewer than one */
    assert_int_equal(checkpoint_list(&run, steps, 8), 1);
    expect_newest(130, NULL);
}

static void damage(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
    int c = fgetc(f);
    fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
}

static void damaged_ones_are_passed_over(void **state)
{
    (void)state;
    struct checkpoint c;
    struct error err = {""};
    write_step(1, 9);
    write_step(2, 9);
    write_step(3, 9);
    write_step(4, 9);
    damage(in_run("checkpoint-%u/model.safetensors", 4), -5); /* one bit of one weight */
    expect_newest(3, "step 4");
    assert_int_equal(unlink(in_run("checkpoint-%u/state.safetensors", 3)), 0);
    expect_newest(2, "step 4");
    assert_int_equal(truncate(in_run("checkpoint-%u/state.safetensors", 2), 100), 0);
    expect_newest(1, "step 4");
    char model[RUN_PATH_MAX];
    assert_int_equal(checkpoint_newest_model(&run, model, sizeof model, &err), 0);
    assert_non_null(strstr(model, "checkpoint-3/")); /* its state is gone, its weights are good */
    assert_non_null(strstr(err.text, "checkpoint of step 3, the one of step 4 cannot be read"));
    damage(in_run("checkpoint-%u/state.safetensors", 1), -1);
    assert_int_equal(checkpoint_init(&c, &plan, &err), 0);
    assert_int_equal(checkpoint_read_newest(&c, &run, &err), -1);
    assert_non_null(strstr(err.text, "crc32"));
    checkpoint_release(&c);
    write_step(5, 1); /* and a new one sets all right */
    expect_newest(5, NULL);
    assert_int_equal(checkpoint_newest_model(&run, model, sizeof model, &err), 0);
    assert_true(strstr(model, "checkpoint-5/") && err.text[0] == '\0');
}

static void expect_none(const struct plan *p, const char *says, int removal)
{
    struct checkpoint c;
    struct error err = {""};
    assert_int_equal(checkpoint_init(&c, p, &err), 0);
    assert_int_equal(checkpoint_read_newest(&c, &run, &err), -1);
    if (!strstr(err.text, says) || !strstr(err.text, "remove") != !removal)
        fail_msg("'%s' does not say '%s', or %s removal", err.text, says, removal ? "lacks the" : "advises");
    checkpoint_release(&c);
}

/* To remove a checkpoint is advised where nothing else helps. */
static void only_damaged_ones_may_be_removed(void **state)
{
    (void)state;
    struct plan other;
    make_plan(&other, 5);
    write_step(1, 9);
    write_step(2, 9);
    expect_none(&other, "recipe.ini does not go with the run's checkpoints", 0);
    damage(in_run("checkpoint-%u/model.safetensors", 2), -5);
    expect_none(&other, "recipe.ini does not go with the run's checkpoints", 0);
    damage(in_run("checkpoint-%u/model.safetensors", 1), -5);
    expect_none(&plan, "all 2 checkpoints of run test-run are damaged; remove them", 1);
    assert_int_equal(unlink(in_run("checkpoint-%u/model.safetensors", 1)), 0);
    assert_int_equal(mkdir(in_run("checkpoint-%u/model.safetensors", 1), 0777), 0); /* reading it is an error, EISDIR */
    expect_none(&plan, "the checkpoints of run test-run cannot be read", 0);
    write_step(1, 1);
    assert_int_equal(truncate(in_run("checkpoint-%u/state.safetensors", 1), 100), 0);
    expect_none(&plan, "the only checkpoint of run test-run is damaged; remove it", 1);
}

static void leftovers_are_ignored_and_cleaned(void **state)
{
    (void)state;
    uint32_t steps[8];
    write_step(1, 2);
    assert_int_equal(mkdir(in_run("checkpoint-%u.tmp", 2), 0777), 0);
    FILE *f = fopen(in_run("checkpoint-%u.tmp/model.safetensors", 2), "w");
    fputs("half", f);
    fclose(f);
    assert_int_equal(mkdir(in_run("checkpoint-%ux", 9), 0777), 0); /* somebody else's */
    assert_int_equal(checkpoint_list(&run, steps, 8), 1);
    expect_newest(1, NULL);
    write_step(2, 2);
    expect_newest(2, NULL);
    assert_int_equal(access(in_run("checkpoint-%u.tmp", 2), F_OK), -1);
    assert_int_equal(access(in_run("checkpoint-%ux", 9), F_OK), 0);
}

static void full_disk_keeps_the_old_one(void **state)
{
    (void)state;
    struct checkpoint c;
    struct error err = {""};
    write_step(1, 1);
    assert_int_equal(checkpoint_init(&c, &plan, &err), 0);
    fill(&c, 2);
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (rlim_t limit = 0; limit < 2000; limit += 300) { /* in the first file and in the second */
        small.rlim_cur = limit;
        setrlimit(RLIMIT_FSIZE, &small);
        int rc = checkpoint_write(&c, &run, 1, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(rc, -1);
        assert_non_null(strstr(err.text, "step 2"));
        assert_int_equal(access(in_run("checkpoint-%u.tmp", 2), F_OK), -1);
        expect_newest(1, NULL);
    }
    signal(SIGXFSZ, handler);
    checkpoint_release(&c);
}

/* kill -9 at any moment of a loop of writes: what was complete stays complete, and never goes back. */
static void killed_at_any_moment(void **state)
{
    (void)state;
    uint32_t before = 0;
    for (int round = 0; round < 25; round++) {
        int pipe_fd[2];
        assert_int_equal(pipe(pipe_fd), 0);
        pid_t child = fork();
        if (child == 0) {
            struct checkpoint c;
            struct error err = {""};
            if (checkpoint_init(&c, &plan, &err) < 0)
                _exit(1);
            for (uint32_t step = before + 1;; step++) {
                fill(&c, step);
                if (checkpoint_write(&c, &run, 1, &err) < 0 || write(pipe_fd[1], &step, sizeof step) < 0)
                    _exit(1);
            }
        }
        close(pipe_fd[1]);
        uint32_t finished, step;
        assert_int_equal(read(pipe_fd[0], &step, sizeof step), sizeof step);
        usleep((useconds_t)(round * 397 % 5000));
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        finished = step;
        while (read(pipe_fd[0], &step, sizeof step) == sizeof step)
            finished = step;
        close(pipe_fd[0]);
        struct checkpoint c;
        struct error err = {""};
        assert_int_equal(checkpoint_init(&c, &plan, &err), 0);
        assert_int_equal(checkpoint_read_newest(&c, &run, &err), 1);
        assert_string_equal(err.text, "");
        assert_true(c.clock.step >= finished);
        assert_true(is_filled(&c, c.clock.step));
        before = c.clock.step;
        checkpoint_release(&c);
    }
}

static void model_files_are_strict(void **state)
{
    (void)state;
    struct error err = {""};
    struct plan other;
    struct shelf a, b;
    write_step(3, 2);
    char path[256];
    strcpy(path, in_run("checkpoint-%u/model.safetensors", 3));
    shelf_init(&a, &plan, 3);
    shelf_init(&b, &plan, 50);
    assert_int_equal(checkpoint_read_model(path, &plan, &b.program, &err), 0);
    assert_memory_equal(a.value, b.value, 4 * plan.tensors[0].count);
    shelf_release(&b);

    make_plan(&other, 5); /* another width */
    shelf_init(&b, &other, 50);
    assert_int_equal(checkpoint_read_model(path, &other, &b.program, &err), -1);
    assert_non_null(strstr(err.text, "prep.conv.weight"));
    assert_non_null(strstr(err.text, "[4, 3, 3, 3]"));
    assert_non_null(strstr(err.text, "[5, 3, 3, 3]"));
    assert_true(b.value[0] == 50);
    shelf_release(&b);

    struct safetensors file; /* one tensor too few, one too many; num_batches_tracked is not needed */
    assert_int_equal(safetensors_read(path, &file, &err), 0);
    int tracked = 0, linear_bias = 0;
    for (int i = 0; i < file.count; i++) {
        tracked = strstr(file.entries[i].name, "tracked") ? i : tracked;
        linear_bias = strcmp(file.entries[i].name, "linear.bias") == 0 ? i : linear_bias;
    }
    const char *mine = in_run("mine.safetensors", 0);
    struct safetensors_entry last = file.entries[file.count - 1];
    file.entries[tracked] = last;
    assert_int_equal(safetensors_write(mine, file.entries, file.count - 1, NULL, 0, &err), 0);
    assert_int_equal(checkpoint_read_model(mine, &plan, &a.program, &err), 0);
    strcpy(file.entries[linear_bias == file.count - 1 ? tracked : linear_bias].name, "linear.bias2");
    assert_int_equal(safetensors_write(mine, file.entries, file.count - 1, NULL, 0, &err), 0);
    assert_int_equal(checkpoint_read_model(mine, &plan, &a.program, &err), -1);
    assert_non_null(strstr(err.text, "linear.bias"));
    safetensors_release(&file);
    assert_int_equal(checkpoint_read_model(in_run("absent", 0), &plan, &a.program, &err), -1);
    shelf_release(&a);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup_run, teardown_run)
    const struct CMUnitTest tests[] = {
        EACH(comes_back_to_the_bit),
        EACH(model_is_what_pytorch_expects),
        EACH(old_ones_are_pruned),
        EACH(damaged_ones_are_passed_over),
        EACH(only_damaged_ones_may_be_removed),
        EACH(leftovers_are_ignored_and_cleaned),
        EACH(full_disk_keeps_the_old_one),
        EACH(killed_at_any_moment),
        EACH(model_files_are_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
