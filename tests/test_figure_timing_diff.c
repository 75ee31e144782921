/* The figure of what changed between two breakdowns, and the command that writes it, on folders made here. */
#include "engine/files.h"
#include "engine/run_folder.h"
#include "tests/fake_folder.h"
#include "tests/fake_timing.h"
#include "tests/figure_checks.h"
#include "tui/command.h"
#include "views/figure_timing_diff.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct command command_timing;

static struct timing_diff_line lines[] = {
    {TIMING_DIFF_TOTAL, -1, "step", "", "", 100, 90, -10, -12, -8, TIMING_DIFF_FASTER},
    {TIMING_DIFF_TOTAL, -1, "wall", "", "", NAN, 95, NAN, NAN, NAN, TIMING_DIFF_UNKNOWN},
    {TIMING_DIFF_PART, -1, "backward", "", "", 60, 61, 1, -2, 4, TIMING_DIFF_NOISE},
    {TIMING_DIFF_BLOCK, -1, "layer1", "", "", 40, 30, -10, -12, -8, TIMING_DIFF_FASTER},
    {TIMING_DIFF_BLOCK, PHASE_FORWARD, "layer1", "", "", 4, 3, -1, -2, 0.5, TIMING_DIFF_NOISE},
    {TIMING_DIFF_ROW, -1, "layer1/norm", "layer1/act, layer1/residual/pool", "", 20, 22, 2, 1, 3, TIMING_DIFF_SLOWER},
    {TIMING_DIFF_ROW, PHASE_BACKWARD, "layer1/norm", "", "", 20, 22, 2, 1, 3, TIMING_DIFF_SLOWER},
    {TIMING_DIFF_ROW, -1, "layer1/more", "", "", NAN, 0.5, NAN, NAN, NAN, TIMING_DIFF_ONLY_B},
};

static struct figure *draw(enum figure_format format, double w, double h)
{
    const struct timing_diff diff = {.lines = lines, .n_lines = sizeof lines / sizeof *lines};
    struct figure *figure = figure_check_new(format, w, h, figure_timing_diff_height(&diff));
    figure_timing_diff_draw(figure, &diff, figure_content(figure));
    return figure;
}

static void sums_with_verdicts(void **state)
{
    (void)state;
    struct figure *figure = draw(FIGURE_SVG, 600, 0);
    figure_check_texts(figure);
    assert_int_equal(figure_check_count(figure, "faster"), 3); /* the legend's, and two lines */
    assert_int_equal(figure_check_count(figure, "slower"), 2); /* that of the phase alone is not shown */
    assert_int_equal(figure_check_count(figure, "noise"), 1);
    assert_int_equal(figure_check_count(figure, "unknown"), 1);
    assert_int_equal(figure_check_count(figure, "only in B"), 1);
    assert_int_equal(figure_check_count(figure, "layer1/norm, act, pool"), 1);
    assert_int_equal(figure_check_count(figure, "-10.0 %"), 1);
    assert_int_equal(figure_check_count(figure, "-10.0 ±2.0"),
                     2); /* in ms, as the axis, with the interval in numbers */
    assert_int_equal(figure_check_count(figure, "+1.0 ±3.0"), 1);
    assert_int_equal(figure_check_count(figure, "+2.0 ±1.0"), 1);
    assert_int_equal(figure_check_count(figure, "change (ms)"), 3);
    assert_int_equal(figure_check_count(figure, "+10.0 %"), 1);
    assert_int_equal(figure_check_count(figure, "change per step, B − A (ms)"), 3);
    assert_int_equal(figure_check_count(figure, "nan"), 0);
    figure_free(figure);
}

static void any_size(void **state)
{
    (void)state;
    for (int w = 1; w < 1200; w += w < 6 ? 1 : w / 2)
        for (int h = 1; h < 900; h += h < 6 ? 1 : h / 2) {
            struct figure *figure = draw((enum figure_format)((w + h) % 3), w, h);
            char *bytes;
            size_t size;
            figure_check_texts(figure);
            assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
            free(bytes);
            figure_free(figure);
        }
}

static void make_run(const char *parent, const char *name, double slower)
{
    struct fake_folder fake = {
        .name = name, .preset = "quick", .seed = 1, .epochs = 4, .best = 90, .epoch_seconds = 10, .end = RUN_END_DONE};
    struct run_folder folder;
    struct timing timing;
    struct error err = {""};
    fake_folder_make(parent, &fake);
    fake_timing(&timing, 0, slower);
    char *text = timing_to_json(&timing, &err);
    assert_int_equal(run_folder_find_in(&folder, parent, name, &err), 0);
    assert_int_equal(run_folder_replace(&folder, "timing.json", text, strlen(text), &err), 0);
    free(text);
    timing_release(&timing);
}

static void the_command_writes_it(void **state)
{
    (void)state;
    char parent[] = "/tmp/davidnet-test-XXXXXX", path[64], *text;
    size_t size;
    struct error err = {""};
    assert_non_null(mkdtemp(parent));
    setenv("DAVIDNET_RUNS", parent, 1);
    make_run(parent, "one", 1);
    make_run(parent, "two", 2);
    snprintf(path, sizeof path, "%s/diff.svg", parent);
    char *words[] = {"timing", "diff", "one", "two", "-o", path, NULL};
    assert_int_equal(command_timing.run(6, words), EXIT_OK);
    assert_int_equal(file_read(path, 1 << 22, &text, &size, &err), 0);
    assert_non_null(strstr(text, "<title>What changed in a training step</title>"));
    assert_non_null(strstr(text, "A: one; cpu"));
    assert_non_null(strstr(text, "+100.0 %\ndiffers\n"));
    assert_null(strstr(text, "slower"));
    assert_non_null(strstr(text, "B: davidnet train --preset quick"));
    free(text);
    assert_int_equal(folder_remove(parent, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_with_verdicts),
        cmocka_unit_test(any_size),
        cmocka_unit_test(the_command_writes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
