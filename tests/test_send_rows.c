/* Which rows of a frame are sent: all that differ, or on a slow line a part of them, the newest first. */
#include "tui/send_rows.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define W 20
#define H 10

static struct send_rows sending;
static struct grid frame;

static int enter(void **state)
{
    (void)state;
    return grid_init(&frame, W, H) || send_rows_reset(&sending, W, H) ? -1 : 0;
}

static int leave(void **state)
{
    (void)state;
    grid_release(&frame);
    send_rows_release(&sending);
    return 0;
}

static void write_row(int y, const char *text)
{
    const struct rect all = {0, 0, W, H};
    put_text(&frame, all, 0, y, COLOR_DEFAULT, ATTR_NONE, text);
}

/* Sends as the terminal does; the rows, one digit each. */
static const char *sent(int bytes, int expected_left)
{
    static char rows[H + 1];
    int n = 0;
    assert_int_equal(send_rows_choose(&sending, &frame, bytes), expected_left);
    for (int y = 0; y < H; y++)
        if (sending.row[y]) {
            rows[n++] = (char)('0' + y);
            memcpy(grid_at(&sending.shown, 0, y), grid_at(&frame, 0, y), W * sizeof *frame.cells);
        }
    rows[n] = '\0';
    return rows;
}

static void test_only_what_differs(void **state)
{
    (void)state;
    assert_string_equal(sent(INT_MAX, 0), "0123456789"); /* nothing was known */
    assert_string_equal(sent(INT_MAX, 0), "");
    write_row(3, "text");
    write_row(7, "text");
    assert_string_equal(sent(INT_MAX, 0), "37");
    assert_string_equal(sent(INT_MAX, 0), "");
    grid_at(&frame, 0, 7)->attr = ATTR_BOLD; /* the same text */
    assert_string_equal(sent(INT_MAX, 0), "7");
}

/* About as many bytes as asked for, and at least a row; then the rest, and no row twice. */
static void test_in_parts(void **state)
{
    (void)state;
    for (int y = 0; y < H; y++)
        write_row(y, "abcdefghijklmnopqrst");
    assert_string_equal(sent(60, 8), "01");
    assert_string_equal(sent(60, 6), "23");
    assert_string_equal(sent(1, 5), "4");
    assert_string_equal(sent(10000, 0), "56789");
    assert_string_equal(sent(60, 0), "");
}

/* What is drawn while a frame is on its way goes before the rest of it. */
static void test_the_newest_first(void **state)
{
    (void)state;
    for (int y = 0; y < H; y++)
        write_row(y, "abcdefghijklmnopqrst");
    assert_string_equal(sent(60, 8), "01");
    write_row(8, "a menu that opened");
    write_row(9, "and its lower border");
    assert_string_equal(sent(60, 6), "89");
    assert_string_equal(sent(INT_MAX, 0), "234567");
}

/* Blanks on a cleared screen cost nothing but a movement; wide characters are two or three bytes. */
static void test_prices(void **state)
{
    (void)state;
    assert_string_equal(sent(60, 0), "0123456789");
    for (int y = 0; y < H; y++)
        write_row(y,
                  "\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88");
    assert_string_equal(sent(60, 8), "01");
    assert_int_equal(send_rows_reset(&sending, W, H), 0);
    assert_string_equal(sent(60, 8), "01");
}

static char put_at[64];

static void note_cell(int x, int y, const struct cell *cell)
{
    size_t used = strlen(put_at);
    snprintf(put_at + used, sizeof put_at - used, "%d,%d%s ", x, y, cell->text);
}

/* Only cells that differ, and of the rows that go now; the other half of a wide one is no cell of its own. */
static void test_put(void **state)
{
    (void)state;
    sent(INT_MAX, 0);
    write_row(1, "ab\xE4\xB8\xAD");
    write_row(2, "c");
    put_at[0] = '\0';
    assert_int_equal(send_rows_choose(&sending, &frame, 1), 1);
    assert_int_equal(send_rows_put(&sending, &frame, note_cell), 1);
    assert_string_equal(put_at, "0,1a 1,1b 2,1\xE4\xB8\xAD ");
    put_at[0] = '\0';
    assert_int_equal(send_rows_choose(&sending, &frame, INT_MAX), 0);
    assert_int_equal(send_rows_put(&sending, &frame, note_cell), 1);
    assert_string_equal(put_at, "0,2c ");
    assert_int_equal(send_rows_choose(&sending, &frame, INT_MAX), 0);
    assert_int_equal(send_rows_put(&sending, &frame, note_cell), 0);
}

static char again_rows[H + 1];

static void again(int y)
{
    size_t n = strlen(again_rows);
    assert_true(n < H);
    again_rows[n] = (char)('0' + y);
    again_rows[n + 1] = '\0';
}

static const char *sent_again(int bytes, int expected)
{
    again_rows[0] = '\0';
    assert_int_equal(send_rows_again(&sending, bytes, again), expected);
    return again_rows;
}

/* Rows that are shown, one after the other, round and round; none that is empty, or was never sent. */
static void test_again(void **state)
{
    (void)state;
    assert_string_equal(sent_again(100, 0), "");
    for (int y = 1; y < H; y += 2)
        write_row(y, "ten  letters");
    assert_string_equal(sent(33, 7), "012");
    assert_string_equal(sent_again(100, 1), "1");
    sent(INT_MAX, 0);
    assert_string_equal(sent_again(20, 1), "13");
    assert_string_equal(sent_again(15, 1), "57");
    assert_string_equal(sent_again(15, 1), "91");
    assert_string_equal(sent_again(1000, 1), "35791");
    assert_int_equal(send_rows_reset(&sending, W, 2), 0); /* smaller than where it was */
    assert_string_equal(sent_again(1000, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_what_differs, enter, leave),
        cmocka_unit_test_setup_teardown(test_in_parts, enter, leave),
        cmocka_unit_test_setup_teardown(test_the_newest_first, enter, leave),
        cmocka_unit_test_setup_teardown(test_prices, enter, leave),
        cmocka_unit_test_setup_teardown(test_put, enter, leave),
        cmocka_unit_test_setup_teardown(test_again, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
