/* What is around every screen: header, footer, help, dialog and the menu of commands, at every size. */
#include "views/frame.h"
#include "views/menu.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct frame_key keys[] = {
    {"p", "pause", "Pause the run, or let it go on", "Run", 0, NULL},
    {"x", "stop", "Stop the run", "Run", 0, NULL},
    {"s", "smooth", "Smoothing", "View", 0, NULL},
    {"Ctrl-L", NULL, "Draw everything again", "Everywhere", 0, NULL},
    {"?", "help", "This screen", "Everywhere", 1, NULL},
    {"q", "quit", "Quit", "Everywhere", 1, NULL},
};
#define KEYS ((int)(sizeof keys / sizeof *keys))

static const char *const screens[] = {"Run", "Layers", "Samples", "Tricks", "Runs"};

static struct frame_model make_frame(void)
{
    return (struct frame_model){.screens = screens,
                                .n_screens = 5,
                                .current = 1,
                                .run = "davidnet-79-20260314-123456",
                                .state = "evaluating",
                                .state_color = COLOR_GOOD,
                                .train_seconds = 754,
                                .speedrun_seconds = 760,
                                .wall_seconds = 800,
                                .keys = keys,
                                .n_keys = KEYS};
}

/* The rows of a frame of that size as text; the caller frees it. */
static char *frame_text(const struct frame_model *frame, int w, int h, int ascii)
{
    struct grid grid;
    assert_int_equal(grid_init(&grid, w, h), 0);
    grid.ascii = ascii;
    frame_draw(frame, &grid, (struct rect){0, 0, w, h});
    char *text = grid_text(&grid);
    assert_non_null(text);
    grid_release(&grid);
    return text;
}

static int frame_shows(const struct frame_model *frame, int w, const char *what)
{
    char *text = frame_text(frame, w, 24, 0);
    int found = strstr(text, what) != NULL;
    free(text);
    return found;
}

static void test_header(void **state)
{
    (void)state;
    struct frame_model frame = make_frame();
    for (int w = 40; w <= 240; w++) { /* what must be seen however narrow it is */
        assert_true(frame_shows(&frame, w, "2 Layers"));
        assert_true(frame_shows(&frame, w, "\xE2\x97\x8F"));
        assert_true(frame_shows(&frame, w, "5"));
        assert_true(frame_shows(&frame, w, "q quit"));
    }
    for (int w = 80; w <= 240; w++) {
        assert_true(frame_shows(&frame, w, "evaluating"));
        assert_true(frame_shows(&frame, w, "train 12:34"));
        assert_true(frame_shows(&frame, w, "dav"));  /* of the run's name, its beginning, at least ... */
        assert_true(frame_shows(&frame, w, "456 ")); /* ... and its end, by which runs of a preset differ */
    }
    for (int w = 100; w <= 240; w++) { /* the other screens' titles make room for clocks, and come back together */
        frame.state = "training";
        int titles = frame_shows(&frame, w, "5 Runs");
        assert_true(frame_shows(&frame, w, "speedrun 12:40"));
        assert_true(frame_shows(&frame, w, "wall 13:20"));
        frame.state = "evaluating";
        assert_int_equal(frame_shows(&frame, w, "1 Run"), titles);
        assert_true(w < 120 || titles);
    }
    frame.run = NULL;
    assert_true(frame_shows(&frame, 80, "5 Runs"));
    frame = make_frame();
    assert_true(frame_shows(&frame, 160, "davidnet-79-20260314-123456"));
    frame.next = "1 queued";
    assert_true(frame_shows(&frame, 120, "1 queued"));
    frame.train_seconds = frame.speedrun_seconds = frame.wall_seconds = NAN;
    assert_false(frame_shows(&frame, 200, "train"));
}

/* What the header tells of the run does not depend on how long the title of the current screen is. */
static void test_header_of_every_screen(void **state)
{
    (void)state;
    static const char *const told[] = {"train 12:34", "speedrun 12:40", "wall 13:20", "456 ", "evaluating"};
    for (int w = 40; w <= 160; w++)
        for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
            struct frame_model frame = make_frame();
            int shown = 0;
            for (frame.current = 0; frame.current < frame.n_screens; frame.current++)
                shown += frame_shows(&frame, w, told[i]);
            assert_true(shown == 0 || shown == frame.n_screens);
        }
}

/* A message that is too long ends in an ellipsis; keys are whole or not there. */
static void test_long_message(void **state)
{
    (void)state;
    struct frame_model frame = make_frame();
    frame.message =
        "the fetch waits for its next try, as the server at the other end could not be reached: it will go on";
    for (int w = 50; w < 200; w++) {
        char *text = frame_text(&frame, w, 24, 0);
        for (size_t end = strlen(text); end > 0 && text[end - 1] == '\n'; end--)
            text[end - 1] = '\0';
        const char *line = strrchr(text, '\n'), *foot = line ? line + 1 : text;
        assert_non_null(strstr(foot, "q quit  "));
        assert_true(!strstr(foot, "it will go on") == !!strstr(foot, "\xE2\x80\xA6"));
        free(text);
    }
}

/* A cell that frame_find gives a meaning shows it. */
static void test_find(void **state)
{
    (void)state;
    struct frame_model frame = make_frame();
    for (int w = 0; w <= 160; w++) {
        for (int message = 0; message < 2; message++) {
            struct grid grid;
            int tabs[5] = {0}, index, h = 2 + w % 20;
            frame.message = message ? "a frame every 0.2 s" : "";
            assert_int_equal(grid_init(&grid, w, h), 0);
            frame_draw(&frame, &grid, (struct rect){0, 0, w, h});
            for (int x = -1; x <= w; x++) {
                if (frame_find(&frame, (struct rect){0, 0, w, h}, x, 0, &index) == FRAME_SCREEN && !tabs[index]++ &&
                    x < w)
                    assert_int_equal(grid_at(&grid, x, 0)->text[0], '1' + index);
                if (frame_find(&frame, (struct rect){0, 0, w, h}, x, h - 1, &index) == FRAME_KEY)
                    assert_true(x >= 0 && x < w && strcmp(grid_at(&grid, x, h - 1)->text, "") != 0);
                assert_int_equal(frame_find(&frame, (struct rect){0, 0, w, h}, x, h, &index), FRAME_NOTHING);
            }
            for (int i = 0; i < 5 && w >= 40; i++)
                assert_true(tabs[i] > 0);
            grid_release(&grid);
        }
    }
}

static int screen_shows(struct grid *grid, const char *what)
{
    char *text = grid_text(grid);
    int found = strstr(text, what) != NULL;
    free(text);
    return found;
}

/* Whatever the size, every sentence can be scrolled to. */
static void test_help_scrolls(void **state)
{
    (void)state;
    static const int sizes[][2] = {{80, 24}, {44, 12}, {100, 10}, {60, 6}, {42, 4}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct grid grid;
        struct rect area = {0, 0, sizes[i][0], sizes[i][1]};
        const char *intro =
            "What this is, in so many words that it takes more than one line where there is little room.";
        int hidden = help_rows(keys, KEYS, intro, area), seen[KEYS] = {0};
        assert_int_equal(grid_init(&grid, area.w, area.h), 0);
        for (int top = 0; top <= hidden; top++) {
            help_draw(keys, KEYS, intro, top, &grid, area);
            for (int k = 0; k < KEYS; k++)
                seen[k] += screen_shows(&grid, keys[k].help);
        }
        for (int k = 0; k < KEYS; k++)
            assert_true(seen[k] > 0);
        assert_int_equal(screen_shows(&grid, "the end: Up"), hidden > 0);
        grid_release(&grid);
    }
}

static void test_dialog(void **state)
{
    (void)state;
    static const int sizes[][2] = {{80, 22}, {44, 10}, {40, 8}, {40, 7}};
    const char *text = "The run is still training. What is done is saved, and 'davidnet resume' goes on from there.";
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rect area = {1, 1, sizes[i][0], sizes[i][1]};
        struct grid grid;
        int seen[KEYS] = {0};
        assert_int_equal(grid_init(&grid, area.w + 2, area.h + 2), 0);
        dialog_draw("Quit?", text, keys, KEYS, &grid, area);
        for (int k = 0; k < KEYS; k++) /* answers come before the text */
            assert_true(screen_shows(&grid, keys[k].help));
        assert_true(screen_shows(&grid, "Quit?")); /* and so does what is asked */
        if (area.h > KEYS + 1) /* a row is left for the text: all of it, or the mark that there is more */
            assert_true(screen_shows(&grid, "there.") != screen_shows(&grid, "\u2026"));
        for (int y = 0; y < grid.h; y++) {
            for (int x = 0; x < grid.w; x++) {
                int key = dialog_find(text, keys, KEYS, area, x, y);
                if (key >= 0)
                    seen[key]++;
            }
        }
        for (int k = 0; k < KEYS; k++)
            assert_true(seen[k] >= (int)strlen(keys[k].help));
        grid_release(&grid);
    }
}

/* ---- the menu ---- */

static const struct menu_row rows[] = {
    {"Run", "stop", "Stop the run: now, or at the end of this epoch", "x", 0},
    {"Run", "log", "Loss on a logarithmic axis", "y", 0},
    {"Run", NULL, "Previous panel", "S-Tab", 0},
    {"Go to", "Layers", "Where the time goes", "2", 1},
    {"Everywhere", "quit", "Quit; asks while a run is training", "q", 0},
    {"Everywhere", NULL, "Show the guide again", "", 0},
};
#define ROWS ((int)(sizeof rows / sizeof *rows))

static void test_menu_match(void **state)
{
    (void)state;
    int order[MENU_ROWS_MAX];
    static const struct {
        const char *pattern;
        int first;
    } cases[] = {{"stop", 0}, {"log", 1}, {"LAY", 3}, {"pp", 2}, {"quit", 4}, {"gui", 5}, {"run epoch", 0}, {"  ", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(menu_filter(rows, ROWS, cases[i].pattern, order) > 0);
        assert_int_equal(order[0], cases[i].first);
    }
    assert_int_equal(menu_filter(rows, ROWS, "", order), ROWS);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(order[i], i);
    assert_int_equal(menu_filter(rows, ROWS, "zzz", order), 0);
    assert_true(menu_filter(rows, ROWS, "go to layers", order) > 0); /* as the row says it */
    assert_string_equal(rows[order[0]].name, "Layers");
    assert_true(menu_match("lo", "loss") > menu_match("lo", "a halo"));
    assert_int_equal(menu_match("abc", "a very long way to b and then to c"), -1);
}

/* A sentence that is cut in its row stands below in full, where the box has room. */
static void test_menu_note(void **state)
{
    (void)state;
    enum { MANY = 20 };
    struct menu_row many[MANY];
    static const struct {
        int w, h;
        const char *pattern;
        int shown;
    } cases[] = {{80, 22, "", 1}, {80, 22, "times", 1}, {40, 10, "times", 1}, {40, 10, "", 0}};
    for (int i = 0; i < MANY; i++)
        many[i] = (struct menu_row){"Run", "stop", "Stop the run", "x", 0};
    many[0] = (struct menu_row){"Layers", "export",
                                "The times as PDF, PNG, SVG, CSV, JSON or text, or the trace of some steps, as a file",
                                "e", 0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct grid grid;
        struct line_edit pattern = {.text = ""};
        struct rect area = {0, 0, cases[i].w, cases[i].h};
        snprintf(pattern.text, sizeof pattern.text, "%s", cases[i].pattern);
        assert_int_equal(grid_init(&grid, area.w, area.h), 0);
        menu_draw(many, MANY, &pattern, 0, &grid, area);
        assert_int_equal(screen_shows(&grid, "a file"), cases[i].shown);
        menu_draw(many, MANY, &pattern, 1, &grid, area); /* whose sentence is not cut; or the only one again */
        assert_int_equal(screen_shows(&grid, "a file"), cases[i].pattern[0] != '\0');
        grid_release(&grid);
    }
}

static void test_menu_find(void **state)
{
    (void)state;
    for (int w = 4; w <= 120; w += 4) {
        for (int h = 2; h <= 40; h++) {
            struct rect area = {0, 1, w, h};
            struct line_edit pattern = {0};
            int seen[ROWS] = {0};
            struct grid grid;
            assert_int_equal(grid_init(&grid, w, h + 2), 0);
            for (int at = 0; at < ROWS; at++) {
                menu_draw(rows, ROWS, &pattern, at, &grid, area);
                for (int y = 0; y < grid.h; y++) {
                    for (int x = 0; x < w; x++) {
                        int found = menu_find(rows, ROWS, "", at, area, x, y);
                        assert_true(found < ROWS);
                        assert_true(found != at || grid_at(&grid, x, y)->bg == COLOR_SELECTED);
                        if (found >= 0)
                            seen[found]++;
                    }
                }
            }
            for (int i = 0; i < ROWS; i++)
                assert_true(seen[i] > 0);
            grid_release(&grid);
        }
    }
}

/* Nothing is drawn outside the area; ASan sees to what is outside the grid. */
static void test_small_sizes(void **state)
{
    (void)state;
    struct frame_model frame = make_frame();
    struct line_edit pattern = {"o", 1};
    frame.message = "what the last key led to";
    frame.next = "1 queued";
    for (int i = 0; i < 13 * 13 + 120; i++) {
        int w = i < 169 ? i % 13 : 10 + i * 7 % 120, h = i < 169 ? i / 13 : 3 + i * 5 % 40;
        struct rect all = {0, 0, w + 4, h + 4}, area = {2, 2, w, h};
        for (int what = 0; what < 4; what++) {
            struct grid grid;
            assert_int_equal(grid_init(&grid, all.w, all.h), 0);
            grid.ascii = i % 2;
            put_fill(&grid, all, COLOR_DEFAULT, COLOR_DEFAULT, "@");
            if (what == 0)
                frame_draw(&frame, &grid, area);
            else if (what == 1)
                help_draw(keys, KEYS, "what this is", i % 5, &grid, area);
            else if (what == 2)
                dialog_draw("Quit?", "The run is training.", keys, KEYS, &grid, area);
            else
                menu_draw(rows, ROWS, &pattern, i % 7, &grid, area);
            for (int y = 0; y < all.h; y++)
                for (int x = 0; x < all.w; x++)
                    if (x < 2 || x >= 2 + w || y < 2 || y >= 2 + h)
                        assert_string_equal(grid_at(&grid, x, y)->text, "@");
            grid_release(&grid);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),       cmocka_unit_test(test_header_of_every_screen),
        cmocka_unit_test(test_find),         cmocka_unit_test(test_long_message),
        cmocka_unit_test(test_help_scrolls), cmocka_unit_test(test_dialog),
        cmocka_unit_test(test_menu_match),   cmocka_unit_test(test_menu_note),
        cmocka_unit_test(test_menu_note),    cmocka_unit_test(test_menu_find),
        cmocka_unit_test(test_small_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
