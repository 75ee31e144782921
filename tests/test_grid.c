#include "views/grid.h"
#include "views/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_text(const struct grid *grid, const char *expected)
{
    char *text = grid_text(grid);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

/* No cell is half of a wide character, and every cell has its width. */
static void expect_whole(struct grid *grid)
{
    for (int y = 0; y < grid->h; y++) {
        for (int x = 0; x < grid->w; x++) {
            const struct cell *cell = grid_at(grid, x, y);
            assert_true(memchr(cell->text, '\0', sizeof cell->text) != NULL);
            if (cell->width == 2) {
                assert_non_null(grid_at(grid, x + 1, y));
                assert_int_equal(grid_at(grid, x + 1, y)->width, 0);
            } else if (cell->width == 0) {
                assert_non_null(grid_at(grid, x - 1, y));
                assert_int_equal(grid_at(grid, x - 1, y)->width, 2);
                assert_string_equal(cell->text, "");
            } else {
                assert_int_equal(text_width(cell->text), 1);
            }
        }
    }
}

static struct rect all(const struct grid *grid)
{
    return (struct rect){0, 0, grid->w, grid->h};
}

static void test_plain(void **state)
{
    (void)state;
    struct grid grid;
    assert_int_equal(grid_init(&grid, 8, 2), 0);
    assert_int_equal(put_text(&grid, all(&grid), 1, 0, COLOR_GOOD, ATTR_BOLD, "hello"), 5);
    assert_int_equal(put_format(&grid, all(&grid), 5, 1, COLOR_BAD, 0, "%d epochs", 24), 9);
    expect_text(&grid, " hello\n     24\n");
    assert_int_equal(grid_at(&grid, 1, 0)->fg, COLOR_GOOD);
    assert_int_equal(grid_at(&grid, 1, 0)->attr, ATTR_BOLD);
    assert_null(grid_at(&grid, 8, 0));
    assert_null(grid_at(&grid, 0, -1));
    grid_clear(&grid);
    expect_text(&grid, "\n\n");
    grid_release(&grid);
}

static void test_wide_and_combining(void **state)
{
    (void)state;
    struct grid grid;
    assert_int_equal(grid_init(&grid, 6, 1), 0);
    assert_int_equal(text_width("網路"), 4);
    assert_int_equal(text_width("e\xCC\x81t\xC3\xA9"), 3);
    assert_int_equal(put_text(&grid, all(&grid), 0, 0, 0, 0, "a網e\xCC\x81z"), 5);
    assert_int_equal(grid_at(&grid, 1, 0)->width, 2);
    assert_int_equal(grid_at(&grid, 2, 0)->width, 0);
    assert_string_equal(grid_at(&grid, 3, 0)->text, "e\xCC\x81");
    expect_whole(&grid);
    /* Overwriting either half blanks the other. */
    put_text(&grid, all(&grid), 2, 0, 0, 0, "x");
    expect_whole(&grid);
    expect_text(&grid, "a xe\xCC\x81z\n");
    put_text(&grid, all(&grid), 1, 0, 0, 0, "網");
    put_text(&grid, all(&grid), 0, 0, 0, 0, "網");
    expect_whole(&grid);
    expect_text(&grid, "網 e\xCC\x81z\n");
    grid_release(&grid);
}

static void test_wide_at_the_edges(void **state)
{
    (void)state;
    struct grid grid;
    assert_int_equal(grid_init(&grid, 4, 1), 0);
    assert_int_equal(put_text(&grid, all(&grid), -1, 0, 0, 0, "網路網"), 6);
    expect_whole(&grid);
    expect_text(&grid, " 路\n");
    put_text(&grid, (struct rect){1, 0, 2, 1}, 0, 0, 0, 0, "....");
    expect_text(&grid, " ..\n");
    put_text(&grid, (struct rect){0, 0, 2, 1}, 1, 0, 0, 0, "網");
    expect_text(&grid, "  .\n");
    grid_release(&grid);
}

static void test_control_and_invalid(void **state)
{
    (void)state;
    struct grid grid;
    assert_int_equal(grid_init(&grid, 12, 1), 0);
    /* Escape, a stray byte, an overlong slash, a surrogate, a cut-off character, a bidirectional override. */
    assert_int_equal(put_text(&grid, all(&grid), 0, 0, 0, 0, "a\033b\x80\xC0\xAFz"), 7);
    expect_text(&grid, "a\xEF\xBF\xBD"
                       "b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\n");
    grid_clear(&grid);
    assert_int_equal(put_text(&grid, all(&grid), 0, 0, 0, 0, "\xED\xA0\x80|\xE2\x80\xAE|\xE7\xB6"), 7);
    expect_whole(&grid);
    grid_clear(&grid);
    grid.ascii = 1;
    assert_int_equal(put_text(&grid, all(&grid), 0, 0, 0, 0, "\ta\x1B[2J網é"), 9);
    expect_text(&grid, " a?[2J???\n");
    for (int x = 0; x < grid.w; x++)
        assert_true((unsigned char)grid_at(&grid, x, 0)->text[0] < 0x80);
    grid_release(&grid);
}

static void test_many_marks(void **state)
{
    (void)state;
    struct grid grid;
    assert_int_equal(grid_init(&grid, 3, 1), 0);
    char text[128] = "e";
    for (int i = 0; i < 40; i++)
        strcat(text, "\xCC\x81");
    assert_int_equal(put_text(&grid, all(&grid), 0, 0, 0, 0, text), 1);
    assert_true(strlen(grid_at(&grid, 0, 0)->text) < sizeof grid.cells->text);
    put_text(&grid, all(&grid), 0, 0, 0, 0, "\xCC\x81 alone");
    expect_whole(&grid);
    grid_release(&grid);
}

static void test_width(void **state)
{
    (void)state;
    assert_int_equal(utf8_width(0x28FF), 1);
    assert_int_equal(utf8_width(0x1F600), 2);
    assert_int_equal(utf8_width(0x0301), 0);
    assert_int_equal(utf8_width(0x85), -1);
}

/* Every small size with drawing that hangs over all edges; ASan watches the heap behind the cells. */
static void test_all_small_sizes(void **state)
{
    (void)state;
    for (int h = 0; h <= 12; h++) {
        for (int w = 0; w <= 12; w++) {
            struct grid grid;
            assert_int_equal(grid_init(&grid, w, h), 0);
            for (int ascii = 0; ascii < 2; ascii++) {
                grid.ascii = ascii;
                for (int y = -2; y <= h + 1; y++)
                    put_text(&grid, (struct rect){-5, -5, 30, 30}, -3 + y, y, 0, 0, "網a路e\xCC\x81網路網路網");
                put_fill(&grid, (struct rect){-1, -1, w + 2, h + 2}, 0, COLOR_PANEL, ascii ? "#" : "⣿");
                put_box(&grid, (struct rect){-1, 1, w + 2, h}, COLOR_BORDER, "a title");
                put_box(&grid, (struct rect){0, 0, w, h}, COLOR_BORDER, "網");
                expect_whole(&grid);
            }
            char *ansi = grid_ansi(&grid, 24);
            assert_non_null(ansi);
            free(ansi);
            grid_release(&grid);
        }
    }
}

static void test_rects(void **state)
{
    (void)state;
    struct rect r = rect_intersect((struct rect){0, 0, 10, 10}, (struct rect){5, -5, 10, 10});
    assert_true(r.x == 5 && r.y == 0 && r.w == 5 && r.h == 5);
    r = rect_intersect((struct rect){0, 0, 3, 3}, (struct rect){5, 5, 3, 3});
    assert_true(r.w == 0 && r.h == 0);
    r = rect_inset((struct rect){0, 0, 3, 5}, 2, 2);
    assert_true(r.w == 0 && r.h == 1);
}

static void test_box_and_ansi(void **state)
{
    (void)state;
    struct grid grid;
    assert_int_equal(grid_init(&grid, 10, 3), 0);
    put_box(&grid, all(&grid), COLOR_BORDER, "Loss");
    expect_text(&grid, "╭─ Loss ─╮\n│        │\n╰────────╯\n");
    char *ansi = grid_ansi(&grid, 0);
    assert_null(strstr(ansi, "38;"));
    free(ansi);
    ansi = grid_ansi(&grid, 4);
    assert_non_null(strstr(ansi, "\033[0;90m"));
    free(ansi);
    ansi = grid_ansi(&grid, 24);
    assert_non_null(strstr(ansi, "38;2;"));
    free(ansi);
    grid.ascii = 1;
    put_box(&grid, all(&grid), COLOR_BORDER, NULL);
    expect_text(&grid, "+--------+\n|        |\n+--------+\n");
    grid_release(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_wide_and_combining),
        cmocka_unit_test(test_wide_at_the_edges),
        cmocka_unit_test(test_control_and_invalid),
        cmocka_unit_test(test_many_marks),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_all_small_sizes),
        cmocka_unit_test(test_rects),
        cmocka_unit_test(test_box_and_ansi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
