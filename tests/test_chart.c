#include "views/chart.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 1;

static double uniform(double low, double high)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(seed >> 11) / 9007199254740992.0;
}

static void test_ticks_are_round_and_inside(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        double min = uniform(-1000, 1000) * pow(10, floor(uniform(-6, 3)));
        struct chart_range range = {min, min + pow(10, uniform(-5, 5)), CHART_LINEAR};
        struct chart_ticks ticks;
        int wanted = 1 + round % 12;
        chart_make_ticks(&range, wanted, 0, &ticks);
        assert_true(ticks.n <= wanted + 1);
        for (int i = 0; i < ticks.n; i++) {
            double position = chart_position(&range, ticks.value[i]);
            assert_true(position > -1e-6 && position < 1 + 1e-6);
            assert_true(strlen(ticks.label[i]) > 0);
            if (i > 0) {
                assert_true(ticks.value[i] > ticks.value[i - 1]);
                double step = ticks.value[i] - ticks.value[i - 1];
                double digit = step / pow(10, floor(log10(step) + 1e-6));
                assert_true(fabs(digit - 1) < 1e-3 || fabs(digit - 2) < 1e-3 || fabs(digit - 5) < 1e-3);
            }
        }
    }
}

static void test_tick_labels(void **state)
{
    (void)state;
    struct chart_ticks ticks;
    chart_make_ticks(&(struct chart_range){0, 100, CHART_LINEAR}, 5, 0, &ticks);
    assert_int_equal(ticks.n, 6);
    assert_string_equal(ticks.label[0], "0");
    assert_string_equal(ticks.label[1], "20");
    assert_string_equal(ticks.label[5], "100");
    chart_make_ticks(&(struct chart_range){0, 0.4, CHART_LINEAR}, 4, 0, &ticks);
    assert_string_equal(ticks.label[1], "0.1");
    assert_string_equal(ticks.label[ticks.n - 1], "0.4");
    chart_make_ticks(&(struct chart_range){0, 3, CHART_LINEAR}, 10, 1, &ticks);
    assert_int_equal(ticks.n, 4);
    chart_make_ticks(&(struct chart_range){0.01, 2.3, CHART_LOG}, 4, 0, &ticks);
    assert_string_equal(ticks.label[0], "0.01");
    assert_true(ticks.n >= 2 && ticks.n <= 5);
    chart_make_ticks(&(struct chart_range){0.001, 1000, CHART_LOG}, 6, 0, &ticks);
    assert_int_equal(ticks.n, 7); /* each decade, where there is room */
    chart_make_ticks(&(struct chart_range){0.001, 1000, CHART_LOG}, 5, 0, &ticks);
    assert_int_equal(ticks.n, 4);
    assert_string_equal(ticks.label[1], "0.1");
    chart_make_ticks(&(struct chart_range){0, 99.5, CHART_LOG_ERROR}, 8, 0, &ticks);
    static const char *const errors[] = {"0", "50", "80", "90", "95", "98", "99", "99.5"};
    assert_int_equal(ticks.n, 8);
    for (int i = 0; i < 8; i++)
        assert_string_equal(ticks.label[i], errors[i]);
    /* Less than a decade has more than two numbers, where rows are left between them. */
    chart_make_ticks(&(struct chart_range){40, 80, CHART_LOG_ERROR}, 6, 0, &ticks);
    static const char *const near[] = {"50", "60", "70", "80"};
    assert_int_equal(ticks.n, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(ticks.label[i], near[i]);
    chart_make_ticks(&(struct chart_range){40, 80, CHART_LOG_ERROR}, 2, 0, &ticks);
    assert_int_equal(ticks.n, 2);
    chart_make_ticks(&(struct chart_range){0, 40000, CHART_LINEAR}, 4, 0, &ticks);
    assert_string_equal(ticks.label[ticks.n - 1], "40k");
}

/* Halving the error is the same step everywhere; 100 % is beyond every end. */
static void test_errors(void **state)
{
    (void)state;
    const struct chart_range range = {60, 99, CHART_LOG_ERROR};
    double step = chart_position(&range, 80) - chart_position(&range, 60);
    assert_true(fabs(chart_position(&range, 60)) < 1e-12 && fabs(chart_position(&range, 99) - 1) < 1e-12);
    assert_true(fabs(chart_position(&range, 98) - chart_position(&range, 96) - step) < 1e-12);
    assert_true(chart_position(&range, 100) > 1);
    assert_true(chart_position(&range, 10) < 0);
    for (int round = 0; round < 2000; round++) {
        double x[20], y[20];
        size_t n = (size_t)(round % 21);
        for (size_t i = 0; i < n; i++) {
            x[i] = (double)i;
            y[i] = uniform(0, 1) < 0.1 ? NAN : uniform(0, 1) < 0.1 ? 100 : 100 - pow(10, uniform(-3, 2));
        }
        struct chart chart = {.title = "t", .n_series = 1, .x = {.min = NAN, .max = NAN}};
        chart.y =
            (struct chart_axis){.scale = CHART_LOG_ERROR, .min = round % 3 ? NAN : 50, .max = round % 5 ? NAN : 97};
        chart.series[0] = (struct chart_series){.x = x, .y = y, .n = n};
        struct chart_range got = chart_range_y(&chart, 5);
        assert_true(isfinite(got.min) && isfinite(got.max) && got.min < got.max && got.max < 100);
        for (size_t i = 0; i < n; i++)
            if (y[i] < 100 && isnan(chart.y.min) && isnan(chart.y.max))
                assert_true(got.min <= y[i] + 1e-9 && y[i] <= got.max + 1e-9);
    }
}

/* Free ends of logarithmic axes move out to 1, 2 or 5 times a power of ten, of values or of errors; others stay. */
static void test_log_ranges(void **state)
{
    (void)state;
    static const struct {
        enum chart_scale scale;
        double min, max; /* of the axis */
        double y[2];
        double low, high; /* of the range */
    } cases[] = {{CHART_LOG, NAN, NAN, {0.013, 1.7}, 0.01, 2},
                 {CHART_LOG, NAN, NAN, {0.025, 3}, 0.02, 5},
                 {CHART_LOG, NAN, NAN, {0.05, 1}, 0.05, 1},
                 {CHART_LOG, NAN, NAN, {0.7, 2}, 0.5, 2},
                 {CHART_LOG, NAN, NAN, {1.5, 6}, 1, 10},
                 {CHART_LOG, NAN, NAN, {6, 6}, 2, 20}, /* 3 to 12 */
                 {CHART_LOG, NAN, NAN, {0, -1}, 0.1, 1},
                 {CHART_LOG, 0.3, NAN, {0.5, 4}, 0.3, 5},
                 {CHART_LOG, NAN, 30, {0.5, 4}, 0.5, 30},
                 {CHART_LOG, NAN, 3, {0, NAN}, 0.2, 3}, /* a decade below the one end */
                 {CHART_LOG, 3, NAN, {0, NAN}, 3, 50},
                 {CHART_LOG_ERROR, NAN, NAN, {90, 98.5}, 90, 99},
                 {CHART_LOG_ERROR, NAN, NAN, {5, 99.97}, 0, 99.98}, /* no accuracy is below 0 */
                 {CHART_LOG_ERROR, NAN, NAN, {30, 30}, 0, 80},
                 {CHART_LOG_ERROR, NAN, NAN, {NAN, 100}, 0, 90},
                 {CHART_LOG_ERROR, NAN, 97, {NAN, 100}, 0, 97},
                 {CHART_LOG_ERROR, NAN, 97, {85, 90}, 80, 97},
                 {CHART_LOG_ERROR, 85, NAN, {90, 97}, 85, 98}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double x[] = {0, 1};
        struct chart chart = {.title = "t", .n_series = 1, .x = {.min = NAN, .max = NAN}};
        chart.y = (struct chart_axis){.scale = cases[i].scale, .min = cases[i].min, .max = cases[i].max};
        chart.series[0] = (struct chart_series){.x = x, .y = cases[i].y, .n = 2};
        struct chart_range got = chart_range_y(&chart, 5);
        if (!(fabs(got.min - cases[i].low) < 1e-9 && fabs(got.max - cases[i].high) < 1e-9))
            fail_msg("case %zu: %.12g to %.12g, not %g to %g", i, got.min, got.max, cases[i].low, cases[i].high);
    }
    const double x[] = {0, 1, 100, 1000}, y[] = {1, 1, 1, 1};
    struct chart chart = {.title = "t", .n_series = 1, .x = {.scale = CHART_LOG, .min = NAN, .max = NAN}};
    chart.series[0] = (struct chart_series){.x = x, .y = y, .n = 4};
    struct chart_range range = chart_range_x(&chart);
    assert_true(range.min == 1 && range.max == 1000); /* the first that has a place */
    assert_true(isnan(chart_position(&range, 0)) && isnan(chart_position(&range, -1)));
}

/* Whatever the data, the range is finite, not empty, and holds every finite point of a free axis. */
static void test_ranges(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        double x[40], y[40];
        size_t n = (size_t)(round % 41);
        double at = uniform(-5, 5), magnitude = pow(10, uniform(-8, 8));
        for (size_t i = 0; i < n; i++) {
            x[i] = at += uniform(0, 1) < 0.2 ? 0 : uniform(0, 2);
            double pick = uniform(0, 1);
            y[i] = pick < 0.1 ? NAN : pick < 0.15 ? INFINITY : pick < 0.2 ? 0 : uniform(-1, 1) * magnitude;
            if (round % 7 == 0)
                y[i] = 3;
        }
        struct chart chart = {.title = "t", .n_series = 1, .x = {.min = NAN, .max = NAN}};
        chart.y = (struct chart_axis){.scale = round % 2 ? CHART_LOG : CHART_LINEAR, .min = NAN, .max = NAN};
        chart.series[0] = (struct chart_series){.x = x, .y = y, .n = n};
        struct chart_range rx = chart_range_x(&chart), ry = chart_range_y(&chart, 1 + round % 6);
        assert_true(isfinite(rx.min) && isfinite(rx.max) && rx.min < rx.max);
        assert_true(isfinite(ry.min) && isfinite(ry.max) && ry.min < ry.max);
        assert_true(ry.scale == CHART_LINEAR || ry.min > 0);
        double last = -1;
        for (size_t i = 0; i < n; i++) {
            double px = chart_position(&rx, x[i]), py = chart_position(&ry, y[i]);
            assert_true(px >= -1e-9 && px <= 1 + 1e-9);
            assert_true(px >= last); /* order is kept */
            last = px;
            if (isfinite(y[i]) && (ry.scale == CHART_LINEAR || y[i] > 0))
                assert_true(py > -1e-6 && py < 1 + 1e-6);
        }
    }
}

static void test_reduce(void **state)
{
    (void)state;
    enum { N = 5000, COLUMNS = 60 };
    static double x[N], y[N];
    static size_t out[4 * COLUMNS];
    for (int round = 0; round < 50; round++) {
        double low[COLUMNS], high[COLUMNS];
        int bad[COLUMNS] = {0};
        for (int c = 0; c < COLUMNS; c++)
            low[c] = INFINITY, high[c] = -INFINITY;
        for (int i = 0; i < N; i++) {
            x[i] = (double)i;
            y[i] = uniform(0, 1) < 0.0005 * round ? NAN : uniform(-1, 1);
            int c = (int)(x[i] / (N - 1) * COLUMNS);
            c = c >= COLUMNS ? COLUMNS - 1 : c;
            if (isnan(y[i]))
                bad[c] = 1;
            else
                low[c] = fmin(low[c], y[i]), high[c] = fmax(high[c], y[i]);
        }
        struct chart_series series = {.x = x, .y = y, .n = N};
        size_t n = chart_reduce(&series, 0, N - 1, COLUMNS, out);
        assert_true(n <= 4 * COLUMNS);
        for (size_t i = 0; i < n; i++) {
            assert_true(out[i] < N);
            assert_true(i == 0 || out[i] > out[i - 1]);
            int c = (int)(x[out[i]] / (N - 1) * COLUMNS);
            c = c >= COLUMNS ? COLUMNS - 1 : c;
            if (isnan(y[out[i]]))
                bad[c] = 0;
            if (y[out[i]] == low[c])
                low[c] = NAN;
            if (y[out[i]] == high[c])
                high[c] = NAN;
        }
        for (int c = 0; c < COLUMNS; c++) { /* every column showed its extremes and its gaps */
            assert_int_equal(bad[c], 0);
            assert_true(isnan(low[c]) && isnan(high[c]));
        }
    }
    struct chart_series none = {.n = 0};
    assert_int_equal(chart_reduce(&none, 0, 1, 10, out), 0);
}

static void test_smooth(void **state)
{
    (void)state;
    double y[] = {2, 2, NAN, 2, 5}, out[5];
    chart_smooth(y, 5, 0.9, out);
    assert_true(fabs(out[0] - 2) < 1e-12 && fabs(out[1] - 2) < 1e-12 && fabs(out[3] - 2) < 1e-12);
    assert_true(isnan(out[2]));
    /* Four finite points: weights 0.9^3, 0.9^2, 0.9, 1, times 0.1, over 1 - 0.9^4. */
    double sum = 0.1 * (2 * (0.729 + 0.81 + 0.9) + 5) / (1 - 0.6561);
    assert_true(fabs(out[4] - sum) < 1e-12);
    chart_smooth(y, 5, 0, out);
    assert_true(out[4] == 5 && out[0] == 2);
}

static int is_braille(const struct cell *cell)
{
    return (unsigned char)cell->text[0] == 0xE2 && (unsigned char)cell->text[1] >= 0xA0 &&
           (unsigned char)cell->text[1] <= 0xA3;
}

/* Any data at any size: nothing outside the area, curves only inside the plot. */
static void test_draw_stays_inside(void **state)
{
    (void)state;
    static double x[300], y[300];
    for (int round = 0; round < 1500; round++) {
        size_t n = (size_t)(round % 300);
        for (size_t i = 0; i < n; i++) {
            x[i] = (double)i / 10;
            y[i] = uniform(0, 1) < 0.05 ? (round % 2 ? NAN : -INFINITY) : uniform(-1, 1) * pow(10, uniform(-3, 6));
        }
        struct chart chart = {.title = "Loss", .empty = "nothing yet", .n_series = 2, .n_lines = 1};
        chart.x = (struct chart_axis){.min = 0, .max = round % 3 ? 30 : NAN, .unit = "epochs", .integers = 1};
        chart.y = (struct chart_axis){
            .min = NAN, .max = round % 5 ? NAN : 1, .unit = "nats", .scale = (enum chart_scale)(round % 4 % 3)};
        chart.series[0] = (struct chart_series){.name = "test",
                                                .color = COLOR_VALID,
                                                .style = CHART_MARKED,
                                                .ascii = '*',
                                                .x = x,
                                                .y = y,
                                                .n = n,
                                                .current = 0.5,
                                                .decimals = 2};
        chart.series[1] = (struct chart_series){.name = "train",
                                                .color = COLOR_TRAIN,
                                                .style = CHART_FAINT,
                                                .ascii = '.',
                                                .x = x,
                                                .y = y,
                                                .n = n / 2,
                                                .letter = round % 2 ? 'a' : '\0',
                                                .current = NAN,
                                                .decimals = 2};
        chart.line[0] = (struct chart_line){
            .y = uniform(-2, 2), .color = COLOR_TARGET, .from = uniform(-2, 2), .to = uniform(-2, 2)};
        struct grid grid;
        int w = (int)uniform(0, 70), h = (int)uniform(0, 24);
        assert_int_equal(grid_init(&grid, w, h), 0);
        grid.ascii = round % 2;
        struct rect area = {(int)uniform(-3, 10), (int)uniform(-3, 6), (int)uniform(0, 60), (int)uniform(0, 22)};
        put_fill(&grid, (struct rect){0, 0, w, h}, COLOR_DIM, COLOR_DEFAULT, "@");
        chart_draw(&chart, &grid, area);
        for (int cy = 0; cy < h; cy++) {
            for (int cx = 0; cx < w; cx++) {
                const struct cell *cell = grid_at(&grid, cx, cy);
                int inside = cx >= area.x && cx < area.x + area.w && cy >= area.y && cy < area.y + area.h;
                assert_true(inside || strcmp(cell->text, "@") == 0);
                assert_false(is_braille(cell) && (grid.ascii || cy == area.y || cx == area.x));
            }
        }
        grid_release(&grid);
    }
}

/* A band counts for the range, and in cells its two edges are drawn, with a gap where either is not finite. */
static void test_band(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2, 3, 4}, low[] = {1, 1, NAN, 1, 1}, high[] = {9, 9, 9, 9, 9}, y[] = {5, 5, 5, 5, 5};
    struct chart chart = {.title = "t", .n_series = 1, .n_bands = 1};
    chart.x = (struct chart_axis){.min = 0, .max = 4};
    chart.y = (struct chart_axis){.min = NAN, .max = NAN};
    chart.series[0] = (struct chart_series){.color = COLOR_TRAIN, .ascii = '*', .x = x, .y = y, .n = 5, .current = NAN};
    chart.band[0] = (struct chart_band){x, low, high, 5, COLOR_VALID};
    struct chart_range range = chart_range_y(&chart, 4);
    assert_true(range.min <= 1 && range.max >= 9);
    struct grid grid;
    assert_int_equal(grid_init(&grid, 40, 12), 0);
    grid.ascii = 1;
    chart_draw(&chart, &grid, (struct rect){0, 0, 40, 12});
    int rows[2] = {-1, -1}, dots[2] = {0, 0}, stars = 0;
    for (int cy = 0; cy < 12; cy++)
        for (int cx = 0; cx < 40; cx++) {
            const struct cell *cell = grid_at(&grid, cx, cy);
            stars += cell->text[0] == '*' && cell->fg == COLOR_TRAIN;
            if (cell->text[0] != '.' || cell->fg != COLOR_VALID)
                continue;
            if (rows[0] < 0)
                rows[0] = cy;
            else if (cy != rows[0])
                rows[1] = cy;
            dots[cy != rows[0]]++;
        }
    assert_true(rows[1] > rows[0] + 4 && stars > 30);
    assert_true(dots[0] > 30 && dots[1] > 10 && dots[1] < dots[0]); /* the lower edge has the gap */
    grid_release(&grid);
}

static char *axis_of(struct chart *chart, int w)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, w, 12), 0);
    grid.ascii = 1;
    chart_draw(chart, &grid, (struct rect){0, 0, w, 12});
    char *text = grid_text(&grid);
    size_t at = strlen(text) - 1;
    while (at > 0 && text[at - 1] != '\n')
        at--;
    char *last = strdup(text + at);
    free(text);
    grid_release(&grid);
    return last;
}

/* The unit stands behind the first number; where it has no room there, at the end, in place of the last one. */
static void test_unit_of_x(void **state)
{
    (void)state;
    static const struct {
        int w;
        double min, max;
        const char *text;
    } cases[] = {{40, 0, 24, "    0 epochs      10            20\n"},
                 {80, 0, 24, "    0 epochs        5             10              15              20\n"},
                 {40, 0, 0.5, "   0.0 epochs    0.2           0.4\n"},
                 {30, 0, 1000, "    0 epochs    500       1000\n"},
                 {27, 0, 1000, "    0         500      1000\n"},
                 {40, 1, 4, "    1 epoch     2          3           4\n"}};
    double none[] = {NAN};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct chart chart = {.title = "Accuracy", .n_series = 1};
        chart.x = (struct chart_axis){.min = cases[i].min, .max = cases[i].max, .unit = "epochs", .integers = 1};
        chart.y = (struct chart_axis){.min = 0, .max = 100};
        chart.series[0] = (struct chart_series){.name = "test", .x = none, .y = none, .n = 1, .current = NAN};
        char *text = axis_of(&chart, cases[i].w);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

/* Of the rows with a number, in a drawn chart: how many, and the least and the most from one to the next. */
struct gaps {
    int n, least, most;
};

static struct gaps gaps_of(const struct chart *chart, int ascii, int h)
{
    struct gaps gaps = {0, h, 0};
    struct grid grid;
    assert_int_equal(grid_init(&grid, 40, h), 0);
    grid.ascii = ascii;
    chart_draw(chart, &grid, (struct rect){0, 0, 40, h});
    struct rect plot = chart_plot(chart, ascii, (struct rect){0, 0, 40, h}).area;
    for (int y = plot.y, before = -1; y < plot.y + plot.h; y++) {
        const char *text = grid_at(&grid, plot.x - 1, y)->text;
        if (strcmp(text, "|") == 0 || strcmp(text, "│") == 0)
            continue;
        int gap = y - before;
        gaps.least = gaps.n > 0 && gap < gaps.least ? gap : gaps.least;
        gaps.most = gaps.n > 0 && gap > gaps.most ? gap : gaps.most;
        gaps.n++;
        before = y;
    }
    grid_release(&grid);
    return gaps;
}

/* Numbers of a linear axis stand evenly, whatever its height; all that it showed it still does, and little more. */
static void test_numbers_are_even(void **state)
{
    (void)state;
    static const double ends[][2] = {{0, 0.4}, {0, 0.46}, {50, 100}, {0, 100}, {70, 100}, {0, 1.6}, {0.3, 0.9}};
    double x[] = {0, 1}, y[2];
    for (int h = 5; h <= 40; h++) {
        for (size_t i = 0; i < 2 * sizeof ends / sizeof *ends; i++) {
            int ascii = (int)(i & 1);
            struct chart chart = {.title = "t", .n_series = 1, .x = {.min = 0, .max = 1}};
            memcpy(y, ends[i / 2], sizeof y);
            chart.y = (struct chart_axis){.min = y[0], .max = y[1]};
            chart.series[0] = (struct chart_series){.x = x, .y = y, .n = 2, .current = NAN};
            struct gaps gaps = gaps_of(&chart, ascii, h);
            assert_true(gaps.n >= 2);
            assert_true(5 * (gaps.most - gaps.least) <= gaps.most);
            struct chart_range range = chart_plot(&chart, ascii, (struct rect){0, 0, 40, h}).y;
            assert_true(range.min <= y[0] + 1e-9 && range.max >= y[1] - 1e-9);
            assert_true(range.min >= 0 && range.max - range.min <= 1.25 * (y[1] - y[0]) + 1e-9);
        }
    }
}

/* An axis of accuracies ends at tens: a bit above what was reached, not always at 100. */
static void test_axis_of_accuracies(void **state)
{
    (void)state;
    static const struct {
        double worst, best, min, max;
    } cases[] = {{NAN, NAN, 0, 100},   {42.3, 76.2, 40, 80}, {88, 94.1, 80, 100}, {91, 92, 90, 100},
                 {100, 100, 90, 100},  {-1, 5, 0, 10},       {50, 79.5, 50, 90},  {NAN, 55, 0, 60},
                 {75.2, 75.3, 70, 80}, {42, NAN, 40, 100}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct chart_axis axis = chart_accuracy_axis(cases[i].worst, cases[i].best);
        assert_true(axis.min == cases[i].min && axis.max == cases[i].max && axis.scale == CHART_LINEAR);
    }
}

static void test_picture(void **state)
{
    (void)state;
    double x[] = {0, 1, 2, 3, 4}, y[] = {0, 25, 50, 75, 100}, bad[] = {50, 50, NAN, 50, 50};
    struct chart chart = {.title = "Accuracy", .n_series = 1, .n_lines = 1};
    chart.x = (struct chart_axis){.min = 0, .max = 4, .unit = "epochs", .integers = 1};
    chart.y = (struct chart_axis){.min = 0, .max = 100, .unit = "%"};
    chart.series[0] = (struct chart_series){
        .name = "test", .color = COLOR_VALID, .ascii = '*', .x = x, .y = y, .n = 5, .current = 100, .decimals = 1};
    chart.line[0] = (struct chart_line){.y = 94, .color = COLOR_TARGET};
    struct grid grid;
    assert_int_equal(grid_init(&grid, 40, 12), 0);
    grid.ascii = 1;
    chart_draw(&chart, &grid, (struct rect){0, 0, 40, 12});
    char *text = grid_text(&grid);
    assert_string_equal(text, "Accuracy (%)                * test 100.0\n"
                              " 94+- - - - - - - - - - - - - - - - -***\n"
                              "   |                             ****\n"
                              "   |                        *****\n"
                              "   |                    ****\n"
                              " 50+                ****\n"
                              "   |            ****\n"
                              "   |       *****\n"
                              "   |   ****\n"
                              "  0+***\n"
                              "   +------------------+----------------+\n"
                              "    0 epochs          2                4\n");
    free(text);
    /* A NaN leaves a gap and a mark. */
    grid_clear(&grid);
    chart.series[0].y = bad;
    chart_draw(&chart, &grid, (struct rect){0, 0, 40, 12});
    text = grid_text(&grid);
    assert_non_null(strchr(text, 'X'));
    free(text);
    /* One that was not measured leaves neither. */
    grid_clear(&grid);
    chart.series[0].sparse = 1;
    chart_draw(&chart, &grid, (struct rect){0, 0, 40, 12});
    text = grid_text(&grid);
    assert_null(strchr(text, 'X'));
    assert_non_null(strstr(text, "50+***********************************"));
    free(text);
    grid_release(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks_are_round_and_inside),
        cmocka_unit_test(test_tick_labels),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_log_ranges),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_smooth),
        cmocka_unit_test(test_draw_stays_inside),
        cmocka_unit_test(test_band),
        cmocka_unit_test(test_unit_of_x),
        cmocka_unit_test(test_numbers_are_even),
        cmocka_unit_test(test_axis_of_accuracies),
        cmocka_unit_test(test_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
