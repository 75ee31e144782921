/* What changed between two breakdowns: numbers worked out by hand, and its text formats. */
#include "engine/timing_diff.h"

#include "tests/fake_timing.h"
#include "tests/figure_checks.h"
#include "tests/golden_text.h"
#include "tests/near.h"
#include "tui/timing_diff_page.h"
#include "tui/timing_diff_report.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS 26     /* timed: of two sides that vary alike, 50 degrees of freedom */
#define T50 2.008559 /* Student's quantile of 97.5 % */
#define T4 2.776445

/* Rows of the convolution with its norm, and one step for each string: "forward conv", "update" ... */
static void make(struct timing *t, const char *const *rows, int n_rows)
{
    struct error err = {""};
    assert_int_equal(timing_allocate(t, n_rows, 16, &err), 0);
    t->n_steps = 0;
    strcpy(t->family, "cpu");
    strcpy(t->precision, "f32");
    strcpy(t->machine.device, "A processor");
    strcpy(t->machine.isa, "avx2");
    strcpy(t->machine.library, "a library 1.2");
    strcpy(t->machine.davidnet, "9.9");
    strcpy(t->machine.commit, "abcdef");
    t->threads = 2;
    t->train_steps = STEPS;
    t->images_per_step = 100;
    for (int i = 0; i < n_rows; i++)
        strcpy(t->rows[i].name, rows[i]);
}

/* rows: indices, ended by -1. */
static void add(struct timing *t, enum phase phase, const int *rows, double ms, double sd)
{
    struct timing_step *step = &t->steps[t->n_steps++];
    *step = (struct timing_step){.phase = phase, .ms = ms, .ms_sd = sd, .ms_min = ms / 2};
    while (rows[step->n_rows] >= 0) {
        step->rows[step->n_rows] = rows[step->n_rows];
        step->n_rows++;
    }
}

#define ROWS(...) ((const int[]){__VA_ARGS__, -1})

static const char *const plain_rows[] = {"input", "layer1/conv", "layer1/norm", "layer1/act", "layer1/pool", "logits"};
static const char *const first_rows[] = {"input",      "layer1/conv", "layer1/pool", "layer1/norm",
                                         "layer1/act", "layer1/more", "logits"};

static void make_plain(struct timing *t)
{
    make(t, plain_rows, 6);
    add(t, PHASE_AUGMENT, ROWS(0), 1, 0.1);
    add(t, PHASE_FORWARD, ROWS(1), 10, 0.5);
    add(t, PHASE_FORWARD, ROWS(2, 3, 4), 4, 0.3);
    add(t, PHASE_FORWARD, ROWS(5), 0.5, 0.1);
    add(t, PHASE_BACKWARD, ROWS(5), 1, 0.1);
    add(t, PHASE_BACKWARD, ROWS(2, 3, 4), 6, 0.4);
    add(t, PHASE_BACKWARD, ROWS(1), 20, 0.5);
    add(t, PHASE_UPDATE, ROWS(1), 0.2, 0.01);
    add(t, PHASE_UPDATE, ROWS(2), 0.1, 0.01);
    t->wall_ms = 50;
    t->part_ms[TIMING_DATA] = 3;
}

/* The pool comes before the norm and is a step of its own; a row of its own behind the activation. */
static void make_pool_first(struct timing *t)
{
    make(t, first_rows, 7);
    add(t, PHASE_AUGMENT, ROWS(0), 1, 0.1);
    add(t, PHASE_FORWARD, ROWS(1), 10.1, 0.5);
    add(t, PHASE_FORWARD, ROWS(2), 0.5, 0.18);
    add(t, PHASE_FORWARD, ROWS(3, 4), 2, 0.24); /* with the pool's: sqrt(0.18^2 + 0.24^2) = 0.3 */
    add(t, PHASE_FORWARD, ROWS(5), 0.7, 0.1);
    add(t, PHASE_FORWARD, ROWS(6), 0.5, 0.1);
    add(t, PHASE_BACKWARD, ROWS(6), 2, 0.1);
    add(t, PHASE_BACKWARD, ROWS(3, 4), 3, 0.4);
    add(t, PHASE_BACKWARD, ROWS(1), 19.9, 0.5);
    add(t, PHASE_UPDATE, ROWS(1), 0.2, 0.01);
    add(t, PHASE_UPDATE, ROWS(3), 0.1, 0.01);
    t->wall_ms = 44;
    t->part_ms[TIMING_DATA] = 5;
}

static struct timing plain, first;
static struct timing_diff_run run_a = {.name = "plain", .timing = &plain};
static struct timing_diff_run run_b = {.name = "pool-first", .timing = &first};
static const struct timing_diff_side a = {&run_a, 1}, b = {&run_b, 1};

static int setup(void **state)
{
    (void)state;
    make_plain(&plain);
    make_pool_first(&first);
    run_a.contended = run_b.contended = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    timing_release(&plain);
    timing_release(&first);
    return 0;
}

static struct timing_diff compare(const struct timing_diff_side *x, const struct timing_diff_side *y)
{
    struct timing_diff diff;
    struct error err = {""};
    if (timing_diff_make(&diff, x, y, 0, &err))
        fail_msg("%s", err.text);
    return diff;
}

static const struct timing_diff_line *line_of(const struct timing_diff *diff, enum timing_diff_kind kind,
                                              const char *name, int phase)
{
    for (int i = 0; i < diff->n_lines; i++)
        if (diff->lines[i].kind == kind && strcmp(diff->lines[i].name, name) == 0 && diff->lines[i].phase == phase)
            return &diff->lines[i];
    fail_msg("there is no line %s", name);
    return NULL;
}

static void expect(const struct timing_diff_line *line, double of_a, double of_b, double half,
                   enum timing_diff_verdict verdict)
{
    assert_near(line->a, of_a, 1e-9);
    assert_near(line->b, of_b, 1e-9);
    assert_near(line->change, of_b - of_a, 1e-9);
    assert_near(line->low, of_b - of_a - half, 1e-5);
    assert_near(line->high, of_b - of_a + half, 1e-5);
    assert_string_equal(timing_diff_verdict_name(line->verdict), timing_diff_verdict_name(verdict));
}

static void changes_and_their_noise(void **state)
{
    (void)state;
    struct timing_diff d = compare(&a, &b);
    double once = sqrt(2.0 / STEPS) * T50; /* what a standard deviation of 1 on both sides comes to */
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD), 10, 10.1, 0.5 * once, TIMING_DIFF_NOISE);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_BACKWARD), 20, 19.9, 0.5 * once, TIMING_DIFF_NOISE);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", -1), 30.2, 30.2, sqrt(0.5001) * once, TIMING_DIFF_NOISE);
    const struct timing_diff_line *norm = line_of(&d, TIMING_DIFF_ROW, "layer1/norm", PHASE_FORWARD);
    expect(norm, 4, 2.5, 0.3 * once, TIMING_DIFF_DIFFERS);
    assert_string_equal(norm->with, "layer1/act, layer1/pool");
    assert_string_equal(norm->only, "");
    assert_near(timing_diff_percent(norm), -37.5, 1e-9);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/norm", PHASE_BACKWARD), 6, 3, 0.4 * once, TIMING_DIFF_DIFFERS);
    expect(line_of(&d, TIMING_DIFF_ROW, "logits", PHASE_BACKWARD), 1, 2, 0.1 * once, TIMING_DIFF_DIFFERS);
    expect(line_of(&d, TIMING_DIFF_ROW, "input", PHASE_AUGMENT), 1, 1, 0.1 * once, TIMING_DIFF_NOISE);
    expect(line_of(&d, TIMING_DIFF_PART, "update", -1), 0.3, 0.3, sqrt(0.0002) * once, TIMING_DIFF_NOISE);
    const struct timing_diff_line *step = line_of(&d, TIMING_DIFF_TOTAL, "step", -1);
    assert_near(step->a, 42.8, 1e-9);
    assert_near(step->b, 40, 1e-9);
    assert_int_equal(step->verdict, TIMING_DIFF_DIFFERS);
    const struct timing_diff_line *more = line_of(&d, TIMING_DIFF_ROW, "layer1/more", PHASE_FORWARD);
    assert_int_equal(more->verdict, TIMING_DIFF_ONLY_B);
    assert_true(isnan(more->a) && more->b == 0.7 && isnan(more->change));
    assert_string_equal(more->only, "layer1/more only in B");
    assert_int_equal(d.n_warnings, 0);
    timing_diff_release(&d);
}

/* One run says nothing of what no step of the program shows; several do. */
static void parts_need_several_runs(void **state)
{
    (void)state;
    struct timing again[2];
    struct timing_diff d = compare(&a, &b);
    const struct timing_diff_line *wall = line_of(&d, TIMING_DIFF_TOTAL, "wall", -1);
    assert_true(wall->a == 50 && wall->change == -6 && isnan(wall->low));
    assert_int_equal(wall->verdict, TIMING_DIFF_UNKNOWN);
    assert_true(line_of(&d, TIMING_DIFF_PART, "data", -1)->change == 1); /* of two threads */
    for (int i = 0; i < d.n_lines; i++)
        assert_string_not_equal(d.lines[i].name, "evaluate"); /* which neither side knows */
    timing_diff_release(&d);
    make_plain(&again[0]);
    make_pool_first(&again[1]);
    again[0].wall_ms = 52;
    again[1].wall_ms = 46;
    struct timing_diff_run runs[2][2] = {{run_a, {"plain-2", &again[0], 0}}, {run_b, {"pool-first-2", &again[1], 0}}};
    const struct timing_diff_side sides[2] = {{runs[0], 2}, {runs[1], 2}};
    d = compare(&sides[0], &sides[1]);
    expect(line_of(&d, TIMING_DIFF_TOTAL, "wall", -1), 51, 45, sqrt(2) * 4.302653, TIMING_DIFF_NOISE);
    timing_diff_release(&d);
    timing_release(&again[0]);
    timing_release(&again[1]);
}

static void runs_tell_what_varies_between_them(void **state)
{
    (void)state;
    struct timing t[6];
    struct timing_diff_run runs[6];
    for (int i = 0; i < 6; i++) {
        make_plain(&t[i]);
        t[i].steps[1].ms = (i < 3 ? 10 : 13) + i % 3; /* 10 11 12 beside 13 14 15: a spread of 1 */
        runs[i] = (struct timing_diff_run){.name = "run", .timing = &t[i]};
    }
    const struct timing_diff_side x = {runs, 3}, y = {runs + 3, 3}, one = {runs + 1, 1};
    struct timing_diff d = compare(&x, &y);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD), 11, 14, sqrt(2.0 / 3) * T4, TIMING_DIFF_SLOWER);
    /* No spread at all: a change would be certain, and there is none. */
    expect(line_of(&d, TIMING_DIFF_ROW, "logits", PHASE_FORWARD), 0.5, 0.5, 0, TIMING_DIFF_NOISE);
    timing_diff_release(&d);
    for (int i = 0; i < 6; i++) { /* certain, and yet too little to be told: it is +0.000 ms */
        t[i].steps[2].ms = i < 3 ? 4 : 4.0004;
        t[i].steps[5].ms = i < 3 ? 6 : 6.0006;
    }
    d = compare(&x, &y);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/norm", PHASE_FORWARD), 4, 4.0004, 0, TIMING_DIFF_NOISE);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/norm", PHASE_BACKWARD), 6, 6.0006, 0, TIMING_DIFF_SLOWER);
    timing_diff_release(&d);
    d = compare(&one, &y);
    assert_true(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD)->change == 3);
    for (int i = 0; i < d.n_lines; i++) /* one run says nothing of what varies between runs: no verdict */
        assert_true(d.lines[i].verdict != TIMING_DIFF_FASTER && d.lines[i].verdict != TIMING_DIFF_SLOWER);
    assert_int_equal(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD)->verdict, TIMING_DIFF_DIFFERS);
    timing_diff_release(&d);
    t[2].steps[4].phase = PHASE_FORWARD;
    struct error err = {""};
    assert_int_equal(timing_diff_make(&d, &x, &y, 0, &err), -1);
    assert_non_null(strstr(err.text, "same steps"));
    for (int i = 0; i < 6; i++)
        timing_release(&t[i]);
}

/* The machine was slower for the later pairs, but for both of each. */
static void pairs_share_a_slow_spell(void **state)
{
    (void)state;
    static const double ms[2][3] = {{10, 20, 40}, {9.5, 19, 38.5}}; /* -0.5, -1, -1.5: a spread of 0.5 */
    struct timing t[6];
    struct timing_diff_run runs[6];
    struct timing_diff d;
    struct error err = {""};
    for (int i = 0; i < 6; i++) {
        make_plain(&t[i]);
        t[i].steps[1].ms = ms[i / 3][i % 3];
        t[i].wall_ms = 2 * ms[i / 3][i % 3];
        runs[i] = (struct timing_diff_run){.name = "run", .timing = &t[i]};
    }
    const struct timing_diff_side x = {runs, 3}, y = {runs + 3, 3}, two = {runs, 2}, one = {runs, 1};
    assert_int_equal(timing_diff_make(&d, &x, &y, 1, &err), 0);
    double half = 0.5 / sqrt(3) * 4.302653;
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD), 70 / 3., 67 / 3., half, TIMING_DIFF_NOISE);
    expect(line_of(&d, TIMING_DIFF_TOTAL, "wall", -1), 140 / 3., 134 / 3., 2 * half, TIMING_DIFF_NOISE);
    expect(line_of(&d, TIMING_DIFF_ROW, "logits", PHASE_FORWARD), 0.5, 0.5, 0, TIMING_DIFF_NOISE);
    timing_diff_release(&d);
    t[5].steps[1].ms = 39; /* -0.5, -1, -1 */
    assert_int_equal(timing_diff_make(&d, &x, &y, 1, &err), 0);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD), 70 / 3., 67.5 / 3,
           sqrt(1. / 12) / sqrt(3) * 4.302653, TIMING_DIFF_FASTER);
    timing_diff_release(&d);
    assert_int_equal(timing_diff_make(&d, &x, &two, 1, &err), -1);
    assert_non_null(strstr(err.text, "no pairs"));
    assert_int_equal(timing_diff_make(&d, &one, &one, 1, &err), -1);
    for (int i = 0; i < 6; i++)
        timing_release(&t[i]);
}

/* Of three runs each the mean is spoilt, the least is not. */
static void the_least_is_not_spoilt(void **state)
{
    (void)state;
    static const double least[2][3] = {{10, 11, 12}, {13, 14, 15}};
    struct timing t[6];
    struct timing_diff_run runs[6];
    struct timing_diff d;
    struct error err = {""};
    for (int i = 0; i < 6; i++) {
        make_plain(&t[i]);
        t[i].steps[1].ms = 100.0 * (i + 1);
        t[i].steps[1].ms_min = least[i / 3][i % 3];
        runs[i] = (struct timing_diff_run){.name = "run", .timing = &t[i]};
    }
    const struct timing_diff_side x = {runs, 3}, y = {runs + 3, 3}, one = {runs, 1}, other = {runs + 5, 1};
    assert_int_equal(timing_diff_make(&d, &x, &y, TIMING_DIFF_LEAST, &err), 0);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD), 11, 14, sqrt(2.0 / 3) * T4, TIMING_DIFF_SLOWER);
    assert_near(line_of(&d, TIMING_DIFF_TOTAL, "step", -1)->a, 11 + 32.8 / 2, 1e-9);
    for (int i = 0; i < d.n_lines; i++) /* of which there are means only */
        assert_true(strcmp(d.lines[i].name, "wall") != 0 && strcmp(d.lines[i].name, "data") != 0);
    timing_diff_release(&d);
    assert_int_equal(timing_diff_make(&d, &x, &y, TIMING_DIFF_LEAST | TIMING_DIFF_PAIRED, &err), 0);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD), 11, 14, 0, TIMING_DIFF_SLOWER);
    timing_diff_release(&d);
    assert_int_equal(timing_diff_make(&d, &one, &other, TIMING_DIFF_LEAST, &err), 0);
    const struct timing_diff_line *line = line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD);
    assert_true(line->change == 5 && isnan(line->low));
    assert_int_equal(line->verdict, TIMING_DIFF_UNKNOWN);
    timing_diff_release(&d);
    for (int i = 0; i < 6; i++)
        timing_release(&t[i]);
}

/* Epochs that differ by more than their steps explain: the machine was slower for a while. */
static void epochs_tell_of_a_slow_spell(void **state)
{
    (void)state;
    struct timing *const both[2] = {&plain, &first};
    for (int s = 0; s < 2; s++)
        for (int e = -1; e <= 1; e++) {
            double ms[16];
            for (int i = 0; i < both[s]->n_steps; i++)
                ms[i] = both[s]->steps[i].ms + (i == 1 ? e : 0); /* the convolution: a spread of 1 over 3 epochs */
            timing_add_epoch(both[s], ms);
        }
    struct timing_diff d = compare(&a, &b);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD), 10, 10.1, sqrt(2.0 / 3) * T4, TIMING_DIFF_NOISE);
    expect(line_of(&d, TIMING_DIFF_ROW, "layer1/norm", PHASE_FORWARD), 4, 2.5, 0.3 * sqrt(2.0 / STEPS) * T50,
           TIMING_DIFF_DIFFERS);
    timing_diff_release(&d);
}

static void what_is_not_known_is_not_zero(void **state)
{
    (void)state;
    plain.steps[1].ms_sd = NAN; /* a version that did not measure it */
    first.steps[3].ms = NAN;
    first.part_ms[TIMING_DATA] = NAN;
    struct timing_diff d = compare(&a, &b);
    const struct timing_diff_line *conv = line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD);
    assert_int_equal(conv->verdict, TIMING_DIFF_UNKNOWN);
    assert_true(isnan(conv->low) && fabs(conv->change - 0.1) < 1e-9);
    const struct timing_diff_line *norm = line_of(&d, TIMING_DIFF_ROW, "layer1/norm", PHASE_FORWARD);
    assert_int_equal(norm->verdict, TIMING_DIFF_UNKNOWN);
    assert_true(norm->a == 4 && isnan(norm->b) && isnan(norm->change));
    assert_int_equal(line_of(&d, TIMING_DIFF_TOTAL, "step", -1)->verdict, TIMING_DIFF_UNKNOWN);
    const struct timing_diff_line *data = line_of(&d, TIMING_DIFF_PART, "data", -1);
    assert_true(data->a == 1.5 && isnan(data->b) && isnan(data->change));
    assert_int_equal(data->verdict, TIMING_DIFF_UNKNOWN);
    timing_diff_release(&d);
}

/* A side that no step has run on has its rows nevertheless; of nothing there are no percents. */
static void what_is_not_measured_is_there(void **state)
{
    (void)state;
    plain.train_steps = 0;
    for (int i = 0; i < plain.n_steps; i++)
        plain.steps[i].ms = plain.steps[i].ms_sd = NAN;
    struct timing_diff d = compare(&a, &b);
    const struct timing_diff_line *conv = line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD);
    assert_int_equal(conv->verdict, TIMING_DIFF_UNKNOWN);
    assert_true(isnan(conv->a) && conv->b == 10.1 && isnan(timing_diff_percent(conv)));
    assert_true(isnan(timing_diff_percent(&(struct timing_diff_line){.a = 0, .b = 1, .change = 1})));
    timing_diff_release(&d);
}

/* Rows that only B has stand in its order. */
static void rows_of_b_keep_their_order(void **state)
{
    (void)state;
    static const char *const rows[2][4] = {{"input", "logits"}, {"input", "one", "two", "logits"}};
    static const char *const order[] = {"input", "one", "two", "logits"};
    struct timing t[2];
    struct timing_diff_run runs[2] = {{"x", &t[0], 0}, {"y", &t[1], 0}};
    for (int s = 0; s < 2; s++) {
        make(&t[s], rows[s], 2 + 2 * s);
        for (int i = 0; i < t[s].n_rows; i++)
            add(&t[s], PHASE_FORWARD, ROWS(i), 1, 0.1);
    }
    const struct timing_diff_side x = {&runs[0], 1}, y = {&runs[1], 1};
    struct timing_diff d = compare(&x, &y);
    int n = 0;
    for (int i = 0; i < d.n_lines; i++)
        if (d.lines[i].kind == TIMING_DIFF_ROW)
            assert_string_equal(d.lines[i].name, order[n++]);
    assert_int_equal(n, 4);
    timing_diff_release(&d);
    timing_release(&t[0]);
    timing_release(&t[1]);
}

/* Whether it names no rows or those that it updates: they are not compared together for that. */
static void one_update_of_all_is_compared_as_such(void **state)
{
    (void)state;
    first.n_steps -= 2;
    add(&first, PHASE_UPDATE, (const int[]){-1}, 0.25, 0.01);
    for (int named = 0; named < 2; named++) {
        if (named)
            first.steps[first.n_steps - 1] =
                (struct timing_step){.phase = PHASE_UPDATE, .ms = 0.25, .ms_sd = 0.01, .n_rows = 2, .rows = {1, 3}};
        struct timing_diff d = compare(&a, &b);
        const struct timing_diff_line *update = line_of(&d, TIMING_DIFF_ROW, "(update, all)", PHASE_UPDATE);
        assert_near(update->a, 0.3, 1e-9);
        assert_near(update->b, 0.25, 1e-9);
        for (int i = 0; i < d.n_lines; i++)
            assert_true(d.lines[i].phase != PHASE_UPDATE || strcmp(d.lines[i].name, "(update, all)") == 0);
        assert_string_equal(line_of(&d, TIMING_DIFF_ROW, "layer1/conv", PHASE_FORWARD)->with, "");
        timing_diff_release(&d);
    }
}

static void what_makes_times_incomparable_is_said(void **state)
{
    (void)state;
    first.threads = 4;
    first.machine.device[0] = '\0';
    strcpy(first.precision, "bf16");
    run_a.contended = 1;
    first.from_step = 1500;
    struct timing_diff d = compare(&a, &b);
    assert_int_equal(d.n_warnings, 5);
    assert_string_equal(d.warnings[4],
                        "pool-first has times from step 1500 on only: what came before is in none of them");
    assert_string_equal(d.warnings[0], "devices differ: A processor in plain, not known in pool-first");
    assert_string_equal(d.warnings[1], "precisions differ: f32 in plain, bf16 in pool-first");
    assert_string_equal(d.warnings[2], "threads differ: 2 in plain, 4 in pool-first");
    assert_non_null(strstr(d.warnings[3], "plain was trained on a busy machine"));
    timing_diff_release(&d);
    struct timing_diff_run twice[3] = {run_a, run_a, run_a};
    twice[0].contended = 0;
    const struct timing_diff_side thrice = {twice, 3};
    d = compare(&thrice, &thrice);
    assert_int_equal(d.n_warnings, 2);
    assert_string_equal(d.warnings[1],
                        "plain and 1 more of B were trained on a busy machine: their times tell of that, too");
    timing_diff_release(&d);
}

/* As many runs as there is room for, and no more; of more warnings than there is room for, the first. */
static void as_many_as_there_is_room_for(void **state)
{
    (void)state;
    struct timing_diff_run runs[TIMING_DIFF_RUNS_MAX + 1];
    for (int i = 0; i <= TIMING_DIFF_RUNS_MAX; i++)
        runs[i] = run_a;
    const struct timing_diff_side most = {runs, TIMING_DIFF_RUNS_MAX}, more = {runs, TIMING_DIFF_RUNS_MAX + 1};
    plain.from_step = 1; /* said of each run on each side */
    struct timing_diff d = compare(&most, &most);
    assert_int_equal(d.n_warnings, TIMING_DIFF_WARNINGS_MAX);
    assert_non_null(strstr(d.warnings[TIMING_DIFF_WARNINGS_MAX - 1], "plain has times from step 1 on only"));
    timing_diff_release(&d);
    struct error err = {""};
    assert_int_equal(timing_diff_make(&d, &a, &more, 0, &err), -1);
    assert_non_null(strstr(err.text, "can be compared"));
}

/* Whatever is fused with what: rows and blocks each add up to the step, on both sides. */
static void rows_and_blocks_add_up(void **state)
{
    (void)state;
    struct timing big[2];
    for (int whole = 0; whole < 4; whole++) {
        fake_timing(&big[0], whole & 1, 1);
        fake_timing(&big[1], whole >> 1, 1.1);
        struct timing_step *fused = &big[1].steps[2];
        fused->rows[fused->n_rows++] = fused->rows[0] > 20 ? 1 : fused->rows[0] + 4; /* across a block's end */
        struct timing_diff_run runs[2] = {{"x", &big[0], 0}, {"y", &big[1], 0}};
        const struct timing_diff_side x = {&runs[0], 1}, y = {&runs[1], 1};
        struct timing_diff d = compare(&x, &y);
        double sums[2][2] = {{0}};
        int of_all = 0; /* the line before was of all phases */
        for (int i = 0; i < d.n_lines; i++) {
            const struct timing_diff_line *line = &d.lines[i];
            assert_true(isnan(line->low) || (line->low <= line->change && line->change <= line->high));
            if (line->kind != TIMING_DIFF_BLOCK && line->kind != TIMING_DIFF_ROW)
                continue;
            int part = of_all && line->phase >= 0 && strcmp(line->name, line[-1].name) == 0;
            of_all = line->phase < 0 || part;
            if (part)
                continue;
            sums[line->kind == TIMING_DIFF_ROW][0] += isnan(line->a) ? 0 : line->a;
            sums[line->kind == TIMING_DIFF_ROW][1] += isnan(line->b) ? 0 : line->b;
        }
        for (int s = 0; s < 2; s++) {
            assert_near(sums[0][s], timing_step_ms(&big[s]), 1e-6);
            assert_near(sums[1][s], timing_step_ms(&big[s]), 1e-6);
        }
        timing_diff_release(&d);
        timing_release(&big[0]);
        timing_release(&big[1]);
    }
}

/* ---- text ---- */

static struct recipe recipe;

static struct timing_diff_report report_of(const struct timing_diff *diff)
{
    static const struct recipe *const recipes[] = {&recipe};
    struct error err = {""};
    struct recipe_request request = {
        .preset = "quick", .n_sets = 3, .sets = {"seed=5", "order_seed=111111", "init_seed=222222"}};
    assert_int_equal(recipe_resolve(&request, &recipe, &err), 0);
    return (struct timing_diff_report){
        .diff = diff, .side = {a, b}, .recipes = {recipes, recipes}, .words = {"plain", "pool-first"}};
}

static char *as_text(const struct timing_diff_report *report, int csv, int width, int grey)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (csv)
        timing_diff_report_csv(report, out);
    else
        timing_diff_report_table(report, out, width, grey);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void texts_are_as_kept(void **state)
{
    (void)state;
    first.threads = 4;
    run_b.contended = 1;
    struct timing_diff d = compare(&a, &b);
    struct timing_diff_report report = report_of(&d);
    static const struct {
        const char *path;
        int csv, width, grey;
    } kept[] = {{"tests/golden/timing-diff.txt", 0, 0, 0},
                {"tests/golden/timing-diff-80.txt", 0, 80, 1},
                {"tests/golden/timing-diff.csv", 1, 0, 0}};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        char *text = as_text(&report, kept[i].csv, kept[i].width, kept[i].grey);
        golden_text(kept[i].path, text);
        free(text);
    }
    char *text = timing_diff_report_json(&report);
    golden_text("tests/golden/timing-diff.json", text);
    cJSON *root = cJSON_Parse(text);
    const cJSON *lines = cJSON_GetObjectItemCaseSensitive(root, "lines");
    assert_int_equal(cJSON_GetArraySize(lines), d.n_lines);
    for (int i = 0; i < d.n_lines; i++) {
        const cJSON *change = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(lines, i), "change_ms");
        assert_true(isnan(d.lines[i].change) ? cJSON_IsNull(change)
                                             : fabs(change->valuedouble - d.lines[i].change) < 1e-12);
    }
    cJSON_Delete(root);
    free(text);
    timing_diff_release(&d);
}

/* A figure that left its folder says on what both sides were measured, and by which davidnet. */
static void a_figure_says_whose_it_is(void **state)
{
    (void)state;
    static const char *const wanted[] = {"oneDNN", "Some", "9.9", "(abcdef)", "A: davidnet", "B: davidnet"};
    struct error err = {""};
    struct timing_diff d = compare(&a, &b);
    struct timing_diff_report report = report_of(&d);
    snprintf(first.machine.library, sizeof first.machine.library, "oneDNN 2.6.3");
    snprintf(first.machine.device, sizeof first.machine.device, "Some Processor @ 2.50GHz");
    struct figure *figure = timing_diff_page_draw(&report, FIGURE_SVG, &err);
    assert_non_null(figure);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!figure_check_says(figure, wanted[i]))
            fail_msg("the figure does not say \"%s\"", wanted[i]);
    figure_check_texts(figure);
    figure_free(figure);
    timing_diff_release(&d);
}

/* Noise is grey where a terminal shows it, and a word everywhere; no line is wider than the terminal. */
static void noise_is_grey(void **state)
{
    (void)state;
    struct timing_diff d = compare(&a, &b);
    struct timing_diff_report report = report_of(&d);
    char *text = as_text(&report, 0, 80, 1), *plain_text = as_text(&report, 0, 80, 0);
    int grey = 0, words = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        int is_grey = strncmp(line, "\033[90m", 5) == 0, is_noise = strstr(line, " noise\033[0m") != NULL;
        assert_int_equal(is_grey, is_noise);
        grey += is_grey;
        assert_true(strlen(line) <= 80 + (is_grey ? strlen("\033[90m\033[0m") : 0));
    }
    assert_null(strchr(plain_text, '\033'));
    for (const char *at = plain_text; (at = strstr(at, " noise\n")); at++)
        words++;
    assert_true(grey > 0);
    assert_int_equal(grey, words);
    free(text);
    free(plain_text);
    timing_diff_release(&d);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(changes_and_their_noise),
        WITH(parts_need_several_runs),
        WITH(runs_tell_what_varies_between_them),
        WITH(pairs_share_a_slow_spell),
        WITH(the_least_is_not_spoilt),
        WITH(epochs_tell_of_a_slow_spell),
        WITH(what_is_not_known_is_not_zero),
        WITH(what_is_not_measured_is_there),
        WITH(rows_of_b_keep_their_order),
        WITH(one_update_of_all_is_compared_as_such),
        WITH(what_makes_times_incomparable_is_said),
        WITH(as_many_as_there_is_room_for),
        WITH(rows_and_blocks_add_up),
        WITH(texts_are_as_kept),
        WITH(a_figure_says_whose_it_is),
        WITH(noise_is_grey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
