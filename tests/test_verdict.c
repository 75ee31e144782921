/* Verdicts: how often they are wrong, how often they find what is there, and who counts for what. */
#include "engine/verdict.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CAMPAIGNS 10000
#define EXTENDED 3000
#define RUNS_MAX 64

/* ---- simulated campaigns, always the same ones ---- */

static uint64_t seed;

static double uniform(void) /* splitmix64 (Steele, Lea & Flood, OOPSLA 2014) */
{
    uint64_t z = (seed += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    double radius = sqrt(-2 * log(1 - uniform()));
    return radius * cos(2 * M_PI * uniform());
}

/* Accuracies as they are: of 10,000 images, so in hundredths. */
static void simulate(struct verdict_run *runs, int n, double mean, double sd)
{
    for (int i = 0; i < n; i++)
        runs[i] = (struct verdict_run){.accuracy = round(100 * (mean + sd * normal())) / 100, .seconds = NAN};
}

static double percent_significant(int n, double effect, double sd_b)
{
    struct verdict_run a[RUNS_MAX], b[RUNS_MAX];
    struct verdict_question question = {.planned = n, .looks = 1};
    struct verdict v;
    int found = 0;
    for (int i = 0; i < CAMPAIGNS; i++) {
        simulate(a, n, 94, 0.15);
        simulate(b, n, 94 + effect, sd_b);
        verdict_make(a, n, b, n, &question, &v);
        found += v.kind == VERDICT_GAIN || v.kind == VERDICT_LOSS;
    }
    return 100.0 * found / CAMPAIGNS;
}

static void test_null_campaigns(void **state)
{
    (void)state;
    seed = 6;
    static const struct {
        int n;
        double sd_b;
    } cases[] = {{10, 0.15}, {10, 0.3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double percent = percent_significant(cases[i].n, 0, cases[i].sd_b);
        if (!(fabs(percent - 5) <= 0.7))
            fail_msg("%d a side: %.2f %% of null campaigns are significant", cases[i].n, percent);
    }
}

static void test_power_holds(void **state)
{
    (void)state;
    seed = 66;
    const int n = 10;
    double effect = 2 * 0.15 * sqrt(2.0 / n); /* two standard errors */
    double percent = percent_significant(n, effect, 0.15);
    double stated = 100 * welch_power(effect, 0.15, n, 0.15, n, VERDICT_LEVEL);
    if (!(fabs(percent - stated) <= 3))
        fail_msg("%.1f %% found, %.1f %% stated", percent, stated);
}

/* Who extends twice whenever it is noise is wrong more often than 5 %, and not more often than is said. */
static void test_extended_campaigns(void **state)
{
    (void)state;
    struct verdict_run a[40], b[40];
    struct verdict v;
    int wrong = 0;
    seed = 666;
    for (int i = 0; i < EXTENDED; i++) {
        int found = 0;
        simulate(a, 40, 94, 0.15);
        simulate(b, 40, 94, 0.15);
        for (int look = 1; look <= 3 && !found; look++) {
            int n = 10 << (look - 1);
            verdict_make(a, n, b, n, &(struct verdict_question){.planned = n, .looks = look}, &v);
            assert_true(fabs(v.question.level - 0.05 / (1 << (look - 1))) < 1e-12);
            found = v.kind == VERDICT_GAIN || v.kind == VERDICT_LOSS;
        }
        wrong += found;
    }
    double percent = 100.0 * wrong / EXTENDED;
    assert_true(fabs(verdict_spent(3) - 0.0875) < 1e-12 && verdict_spent(50) < 0.1);
    if (!(percent > 5.5 && percent <= 8.75))
        fail_msg("%.2f %% of null campaigns that are extended twice are significant", percent);
    char text[VERDICT_TEXT_MAX];
    assert_non_null(strstr(verdict_looks_sentence(3, text), "tested at 1.25 %"));
    assert_non_null(strstr(text, "up to 8.75 %"));
    assert_string_equal(verdict_looks_sentence(1, text), "");
}

/* ---- who counts ---- */

static const struct verdict_run without[] = {
    {.accuracy = 94.0, .seconds = 100, .epochs = 10, .reached = 1, .machine = "here", .program = 1},
    {.accuracy = 94.1, .seconds = 101, .epochs = 10, .reached = 1, .machine = "here", .program = 1},
    {.accuracy = 93.9, .seconds = 102, .epochs = 10, .machine = "here", .program = 1},
};

static struct verdict ask(const struct verdict_run *b, int n, int planned)
{
    struct verdict v;
    verdict_make(without, 3, b, n, &(struct verdict_question){.planned = planned}, &v);
    return v;
}

static void expect(const struct verdict *v, const char *want)
{
    char text[VERDICT_TEXT_MAX];
    if (strcmp(verdict_sentence(v, "ema", text), want) != 0)
        fail_msg("%s\nnot\n%s", text, want);
}

static void expect_time(const struct verdict *v, const char *want)
{
    char text[VERDICT_TEXT_MAX];
    if (strcmp(verdict_time_sentence(v, text), want) != 0)
        fail_msg("%s\nnot\n%s", text, want);
}

static void test_diverged(void **state)
{
    (void)state;
    const struct verdict_run b[] = {{.accuracy = 94.2, .reached = 1},
                                    {.accuracy = NAN, .diverged = 1, .reached = 1},
                                    {.accuracy = 94.3, .reached = 1},
                                    {.accuracy = 90, .diverged = 1}};
    struct verdict v = ask(b, 4, 0);
    assert_int_equal(v.side[1].accuracy.n, 4);
    assert_int_equal(v.side[1].diverged, 2);
    assert_int_equal(v.side[1].reached, 2); /* one had reached it, and then diverged: a miss */
    assert_true(fabs(v.side[1].accuracy.mean - (94.2 + 10 + 94.3 + 10) / 4) < 1e-9);
    assert_true(fabs(v.side[1].reached_low - 0.150036) < 1e-5 && fabs(v.side[1].reached_high - 0.849964) < 1e-5);
    assert_int_equal(v.kind, VERDICT_NOISE);
    char text[VERDICT_TEXT_MAX];
    assert_non_null(strstr(verdict_sentence(&v, "ema", text), "0 of 3 in A, 2 of 4 in B"));
}

static void test_times(void **state)
{
    (void)state;
    struct verdict_run b[] = {
        {.accuracy = 94.5, .seconds = 110, .epochs = 10, .machine = "here", .program = 2},
        {.accuracy = 94.6, .seconds = 111, .epochs = 10, .machine = "here", .program = 2},
        {.accuracy = 94.4, .seconds = 300, .epochs = 10, .machine = "here", .program = 2, .contended = 1},
        {.accuracy = 94.5, .seconds = 50, .epochs = 10, .machine = "there", .program = 2},
        {.accuracy = 94.5, .seconds = 90, .epochs = 10, .machine = "here", .program = 3},
    };
    struct verdict v = ask(b, 5, 0);
    assert_int_equal(v.side[1].accuracy.n, 5); /* all count for accuracy */
    assert_int_equal(v.side[1].seconds.n, 2);
    assert_int_equal(v.side[1].contended, 1);
    assert_int_equal(v.side[1].elsewhere, 2);
    assert_true(v.timed && v.time_kind == VERDICT_LOSS);
    assert_true(fabs(v.seconds.difference - 9.5) < 1e-9);
    assert_true(fabs(v.worth_epochs - 5) < 1e-9 && fabs(v.worth_seconds - 50.5) < 1e-9);
    assert_true(fabs(v.net_seconds - 41) < 1e-9);
    expect_time(
        &v,
        "Training is significantly slower, +9.4 % (+9.5 s, 95 % interval +7.01 to +12, p 0.0014). 1 run is not timed: "
        "the machine was busy with other work. 2 runs are not timed: another machine or frozen program.");
    char text[VERDICT_TEXT_MAX];
    assert_string_equal(verdict_trade_sentence(&v, text),
                        "At 0.1 % for one epoch of 10.1 s, +0.50 % is worth +5.0 epochs, +50.5 s; its own time takes "
                        "+9.5 s, which leaves +41 s.");
    for (int i = 0; i < 5; i++)
        b[i].machine = i ? "there" : "";
    v = ask(b, 5, 0);
    assert_true(!v.timed && v.kind == VERDICT_GAIN);
    assert_non_null(strstr(verdict_time_sentence(&v, text), "not compared"));
    assert_non_null(strstr(verdict_trade_sentence(&v, text), "worth +5.0 epochs"));
}

static void test_sentences(void **state)
{
    (void)state;
    const struct verdict_run gain[] = {{.accuracy = 94.5}, {.accuracy = 94.6}, {.accuracy = 94.4}};
    const struct verdict_run loss[] = {{.accuracy = 93.5}, {.accuracy = 93.6}, {.accuracy = 93.4}};
    const struct verdict_run same[] = {{.accuracy = 94.0}, {.accuracy = 94.1}, {.accuracy = 94.0}};
    struct verdict v = ask(gain, 3, 3);
    expect(&v, "ema: a significant gain of 0.50 % (95 % interval +0.27 to +0.73, p 0.0036).");
    v = ask(loss, 3, 0);
    expect(&v, "ema: a significant loss of 0.50 % (95 % interval -0.73 to -0.27, p 0.0036).");
    v = ask(same, 3, 3);
    expect(&v, "ema: noise: +0.03 % (95 % interval -0.17 to +0.24, p 0.65); 9 more runs a side would settle it, if the "
               "true difference is 0.1 %.");
    v = ask(gain, 3, 10);
    assert_int_equal(v.kind, VERDICT_INTERIM);
    expect(&v, "ema: interim, 3 and 3 of 10 runs a side: +0.50 % so far; the verdict is given when all have ended.");
    v = ask(gain, 1, 0);
    assert_int_equal(v.kind, VERDICT_TOO_FEW);
    expect(&v, "ema: no verdict: it takes two runs a side at least, and there are 3 in A and 1 in B.");
    v = ask(gain, 0, 3);
    expect(&v, "ema: interim, 3 and 0 of 3 runs a side; the verdict is given when all have ended.");
    char text[VERDICT_TEXT_MAX];
    verdict_power_sentence(10, VERDICT_LEVEL, NULL, text);
    assert_string_equal(
        text, "With a spread of 0.15 % from run to run (assumed), 10 runs a side find a true difference of 0.20 % four "
              "times in five; 0.1 % takes about 35 runs a side, 0.2 % about 9.");
}

/* The power is reckoned with the measured spread as soon as both sides have one, as the verdict is, and not before. */
static void test_measured_spread(void **state)
{
    (void)state;
    struct verdict_run a[6], b[6], flat[6];
    struct verdict v;
    struct verdict_spread spread;
    char text[VERDICT_TEXT_MAX];
    int measured;
    for (int i = 0; i < 6; i++) {
        a[i] = (struct verdict_run){.accuracy = i % 2 ? 94.3 : 93.7};
        b[i] = (struct verdict_run){.accuracy = i % 2 ? 80.3 : 79.7}; /* the means do not matter */
        flat[i] = (struct verdict_run){.accuracy = 94};
    }
    verdict_make(a, 6, b, 1, &(struct verdict_question){0}, &v);
    spread = verdict_spread_of(&v);
    assert_true(spread.df == 5 && spread.runs == 7 && spread.sets == 1);
    assert_true(verdict_spread_sd(&spread, &measured) == VERDICT_SPREAD && !measured);
    assert_non_null(strstr(verdict_power_sentence(6, 0.05, &spread, text), "0.15 % from run to run (assumed)"));
    verdict_make(a, 2, b, 2, &(struct verdict_question){0}, &v);
    spread = verdict_spread_of(&v);
    assert_true(fabs(verdict_spread_sd(&spread, &measured) - 0.3 * sqrt(2)) < 1e-9 && measured);
    assert_non_null(strstr(verdict_power_sentence(6, 0.05, &spread, text), "0.42 % from run to run measured here (4 "));
    verdict_make(a, 6, b, 6, &(struct verdict_question){0}, &v);
    spread = verdict_spread_of(&v);
    assert_true(fabs(verdict_spread_sd(&spread, &measured) - 0.3 * sqrt(1.2)) < 1e-9 && measured);
    assert_string_equal(verdict_power_sentence(6, 0.05, &spread, text),
                        "With the spread of 0.33 % from run to run measured here (12 runs), 6 runs a side find a true "
                        "difference of 0.59 % four times in five; 0.1 % takes about 170 runs a side, 0.2 % about 42.");
    verdict_make(flat, 6, flat, 6, &(struct verdict_question){0}, &v);
    spread = verdict_spread_of(&v);
    assert_true(verdict_spread_sd(&spread, &measured) == VERDICT_SPREAD && !measured);
}

static struct verdict ask_both(const struct verdict_run *a, int n_a, const struct verdict_run *b, int n_b)
{
    struct verdict v;
    verdict_make(a, n_a, b, n_b, &(struct verdict_question){0}, &v);
    return v;
}

/* Runs that are all alike have no spread to judge by: nothing is certain for that, and nothing divides by zero. */
static void test_no_spread(void **state)
{
    (void)state;
    const struct verdict_run flat[] = {{.accuracy = 94.1, .seconds = 10, .epochs = 1, .machine = "here"},
                                       {.accuracy = 94.1, .seconds = 10, .epochs = 1, .machine = "here"},
                                       {.accuracy = 94.1, .seconds = 10, .epochs = 1, .machine = "here"}};
    const struct verdict_run higher[] = {{.accuracy = 94.3, .seconds = 11, .epochs = 1, .machine = "here"},
                                         {.accuracy = 94.3, .seconds = 11, .epochs = 1, .machine = "here"}};
    const struct verdict_run lost[] = {{.accuracy = NAN, .diverged = 1}, {.accuracy = 30, .diverged = 1}};
    const struct verdict_run close[] = {{.accuracy = 94.3}, {.accuracy = 94.4}};
    struct verdict v = ask_both(flat, 3, flat, 3);
    char text[VERDICT_TEXT_MAX];
    assert_int_equal(v.kind, VERDICT_NO_SPREAD);
    assert_string_equal(verdict_kind_name(v.kind), "no spread");
    assert_null(strstr(verdict_sentence(&v, "ema", text), "nan"));
    v = ask_both(flat, 3, higher, 2);
    assert_int_equal(v.kind, VERDICT_NO_SPREAD);
    assert_true(isnan(v.accuracy.p) && isnan(v.accuracy.t) && isnan(v.low) && isnan(v.high));
    expect(&v,
           "ema: no verdict: the runs of A all end at 94.10 % and those of B at 94.30 %, so there is no spread from "
           "run to run to judge by; make more runs, or measure on more or harder test images.");
    assert_int_equal(v.time_kind, VERDICT_NO_SPREAD);
    expect_time(&v,
                "Training time: +10.0 %, but the times of each side are all alike: there is no spread to judge by.");
    assert_string_equal(verdict_trade_sentence(&v, text), "");
    v = ask_both(lost, 2, lost, 2);
    assert_int_equal(v.kind, VERDICT_NO_SPREAD);
    assert_non_null(strstr(verdict_sentence(&v, "ema", text), "no verdict: all runs diverged"));
    v = ask_both(flat, 3, lost, 2);
    assert_int_equal(v.kind, VERDICT_NO_SPREAD);
    v = ask_both(close, 2, lost, 2); /* one side's spread is something to judge by */
    assert_int_equal(v.kind, VERDICT_LOSS);
    verdict_make(flat, 2, flat, 2, &(struct verdict_question){.planned = 3}, &v);
    assert_int_equal(v.kind, VERDICT_INTERIM);
    verdict_make(NULL, 0, NULL, 0, &(struct verdict_question){0}, &v);
    assert_int_equal(v.kind, VERDICT_TOO_FEW);
    assert_null(strstr(verdict_sentence(&v, "ema", text), "nan"));
    assert_null(strstr(verdict_time_sentence(&v, text), "nan"));
    assert_string_equal(verdict_trade_sentence(&v, text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_campaigns),
        cmocka_unit_test(test_power_holds),
        cmocka_unit_test(test_extended_campaigns),
        cmocka_unit_test(test_diverged),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_measured_spread),
        cmocka_unit_test(test_no_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
