/*
 * Numbers and paragraphs as the screens write them.
 */
#include "views/format.h"
#include "views/frame.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_formats(void **state)
{
    (void)state;
    char out[32];
    assert_string_equal(format_seconds(5.26, out, sizeof out), "5.2 s");
    assert_string_equal(format_seconds(59.99, out, sizeof out), "59.9 s");
    assert_string_equal(format_seconds(60, out, sizeof out), "1:00");
    assert_string_equal(format_seconds(224.9, out, sizeof out), "3:44");
    assert_string_equal(format_seconds(3723, out, sizeof out), "1:02:03");
    assert_string_equal(format_epochs(12.56, 24, out, sizeof out), "12.5/24");
    assert_string_equal(format_epochs(7.58, 7.59, out, sizeof out), "7.5/7.59");
    assert_string_equal(format_epochs(7.59, 7.59, out, sizeof out), "7.59/7.59");
    assert_string_equal(format_epochs(NAN, 24, out, sizeof out), "-");
    assert_string_equal(format_seconds(NAN, out, sizeof out), "-");
    assert_string_equal(format_count(1234567, out, sizeof out), "1,234,567");
    assert_string_equal(format_count(-1000, out, sizeof out), "-1,000");
    assert_string_equal(format_count(12, out, sizeof out), "12");
    assert_string_equal(format_significant(0.4, 3, out, sizeof out), "0.400");
    assert_string_equal(format_significant(0.00123, 3, out, sizeof out), "0.00123");
    assert_string_equal(format_significant(INFINITY, 3, out, sizeof out), "-");
    assert_string_equal(format_bytes(170052171, out, sizeof out), "170 MB");
    assert_string_equal(format_bytes(1500, out, sizeof out), "1.5 kB");
}

static void test_paragraph(void **state)
{
    (void)state;
    struct grid grid;
    assert_int_equal(grid_init(&grid, 10, 6), 0);
    assert_int_equal(put_paragraph(&grid, (struct rect){0, 0, 10, 6}, 0, "the quick brown\n\nfox"), 4);
    char *text = grid_text(&grid);
    assert_string_equal(text, "the quick\nbrown\n\nfox\n\n\n");
    free(text);
    /* What fits on no line is broken: nothing is lost. */
    assert_int_equal(put_paragraph(NULL, (struct rect){0, 0, 4, 0}, 0, "unbreakable words"), 5);
    assert_int_equal(put_paragraph(&grid, (struct rect){0, 0, 4, 6}, 0, "a \u65e5\u672c\u8a9e b"), 3);
    assert_int_equal(put_paragraph(NULL, (struct rect){0, 0, 0, 0}, 0, "nothing"), 0);
    /* Where there is more than fits, the last line says so, behind a whole word if there is one. */
    static const struct {
        int w, h, ascii;
        const char *text, *shown;
    } cases[] = {{10, 2, 0, "the quick brown fox", "the quick\nbrown fox\n\n\n\n\n"},
                 {10, 2, 0, "the quick brown fox jumps", "the quick\nbrown …\n\n\n\n\n"},
                 {10, 2, 1, "the quick brown fox jumps", "the quick\nbrown ...\n\n\n\n\n"},
                 {10, 1, 0, "the quick\nbrown", "the …\n\n\n\n\n\n"},
                 {10, 1, 0, "a quick brown", "a quick …\n\n\n\n\n\n"},
                 {4, 1, 0, "unbreakable", "un …\n\n\n\n\n\n"},
                 {4, 1, 0, "日本語日本語", "日 …\n\n\n\n\n\n"},
                 {1, 1, 0, "words", "…\n\n\n\n\n\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        grid_clear(&grid);
        grid.ascii = cases[i].ascii;
        put_paragraph(&grid, (struct rect){0, 0, cases[i].w, cases[i].h}, 0, cases[i].text);
        text = grid_text(&grid);
        assert_string_equal(text, cases[i].shown);
        free(text);
    }
    grid_release(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_paragraph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
