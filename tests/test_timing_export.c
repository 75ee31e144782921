/* The texts that a breakdown is exported as, against golden files. */
#include "engine/timing_export.h"
#include "tests/fake_timing.h"
#include "tests/golden_text.h"
#include "tui/timing_report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct timing_origin origin = {
    .run = "small",
    .preset = "quick",
    .summary = "quick, 4 epochs x 512, lr 0.4, seed 3",
    .seed = 3,
    .eval = "test",
    .command = "davidnet train --preset quick --set batch=512 --seed 3",
};

static void export_is(char *text, const char *golden)
{
    assert_non_null(text);
    golden_text(golden, text);
    free(text);
}

static void json_and_csv(void **state)
{
    (void)state;
    struct timing t;
    struct error err = {""};
    fake_timing_small(&t);
    export_is(timing_export_json(&t, &origin, &err), "tests/golden/timing.json");
    export_is(timing_export_csv(&t, &origin, &err), "tests/golden/timing.csv");
    timing_release(&t);
}

static void table_is(const struct timing *t, int width, const char *golden)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    timing_report_table(t, &origin, width, out);
    assert_int_equal(fclose(out), 0);
    size_t length = 0;
    for (const char *c = text; *c; c++) {
        length = *c == '\n' ? 0 : length + 1;
        assert_true(width == 0 || length <= (size_t)width);
        assert_false(*c == '\n' && c > text && c[-1] == ' ');
    }
    if (golden)
        golden_text(golden, text);
    free(text);
}

static void tables(void **state)
{
    (void)state;
    struct timing t;
    fake_timing_small(&t);
    table_is(&t, 80, "tests/golden/timing-80.txt");
    t.machine.noisy = 1;
    table_is(&t, 80, "tests/golden/timing-busy-80.txt");
    t.machine.noisy = 0;
    table_is(&t, 120, "tests/golden/timing-120.txt");
    table_is(&t, 0, "tests/golden/timing-whole.txt");
    t.from_step = 4;
    t.timing_percent = 1.7; /* more than it is to cost */
    table_is(&t, 80, "tests/golden/timing-costly-80.txt");
    t.from_step = 0;
    t.timing_percent = 0.0125;
    t.machine.flops = NAN; /* and as an older file has it: no parts, no ceilings */
    t.machine.device[0] = '\0';
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        t.part_ms[p] = t.hidden_ms[p] = NAN;
    t.wall_ms = NAN;
    for (int c = 0; c < TIMING_COSTS; c++)
        t.costs[c] = NAN; /* and the clock's readings alone were counted */
    table_is(&t, 80, "tests/golden/timing-unknown-80.txt");
    timing_release(&t);
    fake_timing(&t, 0, 1);
    for (int width = 80; width < 160; width += 7)
        table_is(&t, width, NULL);
    table_is(&t, 140, "tests/golden/timing-davidnet-140.txt");
    timing_release(&t);
}

/* On a terminal all of a command is there, folded as a shell takes it; a line that is cut is cut between characters. */
static void commands_are_folded(void **state)
{
    (void)state;
    struct timing t;
    struct timing_origin of = origin;
    char *text = NULL;
    size_t size;
    fake_timing_small(&t);
    strcpy(of.command,
           "davidnet train --preset quick --set 'network=prep = conv_bn c; logits = linear' --set batch=512 --seed 3");
    memset(of.summary, 0, sizeof of.summary);
    for (int i = 0; i < 100; i++)
        strcat(of.summary, "\xc3\xbc");
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    timing_report_table(&t, &of, 80, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strcspn(text, "~"), strlen("small: ") + 2 * (79 - strlen("small: ")));
    assert_non_null(strstr(text, "\ndavidnet train --preset quick --set 'network=prep = conv_bn c; logits = '\\\n"
                                 "'linear' --set batch=512 --seed 3\n"));
    free(text);
    timing_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(json_and_csv), cmocka_unit_test(tables),
                                       cmocka_unit_test(commands_are_folded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
