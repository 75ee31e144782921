/* The text field: editing by character, what it refuses, and that it draws inside its row whatever its size. */
#include "tui/keys.h"
#include "views/line_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void keys(struct line_edit *edit, const char *const *names)
{
    for (; *names; names++)
        assert_int_equal(keys_edit(edit, keys_parse(*names)), 1);
}

static void test_editing(void **state)
{
    (void)state;
    struct line_edit edit = {0};
    keys(&edit, (const char *[]){"a", "b", "Space", "c", "d", NULL});
    assert_string_equal(edit.text, "ab cd");
    keys(&edit, (const char *[]){"Left", "Backspace", "Home", "Delete", "End", "x", NULL});
    assert_string_equal(edit.text, "b dx");
    keys(&edit, (const char *[]){"Ctrl-W", NULL});
    assert_string_equal(edit.text, "b ");
    keys(&edit, (const char *[]){"y", "z", "Left", "Ctrl-K", NULL});
    assert_string_equal(edit.text, "b y");
    keys(&edit, (const char *[]){"Ctrl-U", "Delete", "Backspace", "Left", NULL});
    assert_string_equal(edit.text, "");
    assert_int_equal(edit.at, 0);
}

static void test_characters(void **state)
{
    (void)state;
    struct line_edit edit = {0};
    line_edit_set(&edit, "e\xCC\x81\xE4\xB8\xAD\xC3\xA9"); /* e + acute, a wide one, é */
    line_edit_move(&edit, -1);
    line_edit_backspace(&edit);
    assert_string_equal(edit.text, "e\xCC\x81\xC3\xA9");
    line_edit_backspace(&edit); /* with its mark */
    assert_string_equal(edit.text, "\xC3\xA9");
    line_edit_insert(&edit, 0x1F600);
    assert_string_equal(edit.text, "\xF0\x9F\x98\x80\xC3\xA9");
    line_edit_set(&edit, "a\tb\033[1m\xFF\x01");
    assert_string_equal(edit.text, "ab[1m");
}

static void test_refuses(void **state)
{
    (void)state;
    struct line_edit edit = {0};
    static const char *const others[] = {"Enter", "Esc", "Up", "Down", "Tab", "PgUp", "F1", "Ctrl-C"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(keys_edit(&edit, keys_parse(others[i])), 0);
    for (int i = 0; i < 2 * LINE_EDIT_MAX; i++)
        line_edit_insert(&edit, 0x4E2D);
    assert_true(strlen(edit.text) < LINE_EDIT_MAX && strlen(edit.text) % 3 == 0);
    assert_int_equal(line_edit_insert(&edit, 0xD800), 0);
    assert_int_equal(line_edit_insert(&edit, -1), 0);
}

static void test_draw(void **state)
{
    (void)state;
    struct line_edit edit = {0};
    struct grid grid;
    line_edit_set(&edit, "0123456789\xE4\xB8\xAD\xE4\xB8\xADuvwxyz");
    for (int w = 0; w <= 30; w++) {
        assert_int_equal(grid_init(&grid, w + 2, 2), 0);
        for (edit.at = 0; edit.text[edit.at]; line_edit_move(&edit, 1)) {
            grid_clear(&grid);
            line_edit_draw(&edit, "hint", 1, &grid, (struct rect){1, 0, w, 1});
            assert_string_equal(grid_at(&grid, 0, 0)->text, " ");
            assert_string_equal(grid_at(&grid, w + 1, 0)->text, " ");
            if (w > 0)
                assert_true(grid.cursor_x >= 1 && grid.cursor_x <= w);
        }
        grid_release(&grid);
    }
    line_edit_set(&edit, "");
    assert_int_equal(grid_init(&grid, 12, 1), 0);
    line_edit_draw(&edit, "name", 0, &grid, (struct rect){0, 0, 12, 1});
    char *text = grid_text(&grid);
    assert_string_equal(text, "name\n");
    free(text);
    grid_release(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
