/* The diagram of a network: every row is there, nothing lies over anything, and a low page says what it leaves out. */
#include "engine/recipe_file.h"
#include "tests/figure_checks.h"
#include "tui/network_info.h"
#include "views/figure_network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct figure_network_row rows[PLAN_ROWS_MAX];

static struct network_info *make(const struct recipe *recipe, struct figure_network *network)
{
    struct error err = {""};
    struct network_info *info = network_info_new(recipe, &err);
    assert_string_equal(err.text, "");
    *network = (struct figure_network){&info->plan, rows};
    for (int i = 0; i < info->plan.n_rows; i++) {
        network_info_describe(&info->plan, i, rows[i].what, sizeof rows[i].what);
        rows[i].parameters = network_info_parameters(&info->plan, &info->plan.rows[i]);
    }
    return info;
}

static struct figure *draw(const struct figure_network *network, enum figure_format format, double w, double h)
{
    struct figure *figure = figure_check_new(format, w, h, figure_network_height(network));
    figure_network_draw(figure, network, figure_content(figure));
    return figure;
}

static void every_preset(void **state)
{
    (void)state;
    static struct recipe_about list[64];
    int n = recipe_preset_list(list, 64);
    assert_true(n >= 3);
    for (int i = 0; i < n; i++) {
        struct recipe recipe;
        struct figure_network network;
        struct error err = {""};
        assert_int_equal(recipe_preset_load(list[i].name, &recipe, NULL, &err), 0);
        struct network_info *info = make(&recipe, &network);
        struct figure *figure = draw(&network, FIGURE_PNG, 520, 0);
        figure_check_texts(figure);
        int adds = 0;
        for (int r = 0; r < info->plan.n_rows; r++)
            adds += info->plan.rows[r].op == PLAN_ADD;
        assert_int_equal(figure_check_count(figure, "add"), adds);
        assert_int_equal(figure_check_count(figure, "loss"), 1);
        figure_free(figure);
        free(info);
    }
}

static void says_what_rows_are(void **state)
{
    (void)state;
    struct recipe recipe;
    struct figure_network network;
    assert_int_equal(recipe_preset_load("davidnet-79", &recipe, NULL, NULL), 0);
    struct network_info *info = make(&recipe, &network);
    struct figure *figure = draw(&network, FIGURE_SVG, 520, 0);
    assert_int_equal(figure_check_count(figure, "conv 3x3"), 8);
    assert_int_equal(figure_check_count(figure, "act: relu"), 8);
    assert_int_equal(figure_check_count(figure, "pool: global_max"), 1);
    assert_int_equal(figure_check_count(figure, "residual"), 2);
    assert_int_equal(figure_check_count(figure, "2,359,296"), 2);
    assert_int_equal(figure_check_count(figure, "512×4×4"), 8);
    assert_int_equal(figure_check_count(figure, "151.0"), 3);
    assert_int_equal(figure_check_count(figure, "MFLOP forward"), 1);
    figure_free(figure);
    figure = draw(&network, FIGURE_SVG, 520, 400);
    figure_check_texts(figure);
    const struct figure_placed *texts;
    size_t n = figure_texts(figure, &texts);
    int left;
    assert_int_equal(sscanf(texts[n - 1].text, "and %d more", &left), 1);
    assert_int_equal(figure_check_count(figure, "loss"), 0);
    assert_true(left > 5 && left < info->plan.n_rows);
    figure_free(figure);
    free(info);
}

static void any_size(void **state)
{
    (void)state;
    struct recipe recipe;
    struct figure_network network;
    assert_int_equal(recipe_preset_load("davidnet-79", &recipe, NULL, NULL), 0);
    struct network_info *info = make(&recipe, &network);
    for (int w = 1; w < 1200; w += w < 6 ? 1 : w / 2)
        for (int h = 1; h < 1500; h += h < 6 ? 1 : h / 2) {
            struct figure *figure = draw(&network, (enum figure_format)((w + h) % 3), w, h);
            char *bytes;
            size_t size;
            figure_check_texts(figure);
            assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
            free(bytes);
            figure_free(figure);
        }
    free(info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset),
        cmocka_unit_test(says_what_rows_are),
        cmocka_unit_test(any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
