/*
 * A knob is a row of the knob table, and nothing else: here the table has one more. It must show up in --help, in the
 * lists of knobs, in --set, in the recipe file and back, in the command that reproduces a run, and in the form.
 *
 * This program has a knob table of its own, so the library's is left out. The new knob's field is the end of
 * recipe->preset, behind the NUL of every name here.
 */
#include "engine/recipe.h"

#include <stddef.h>

#define FIELD_AT (offsetof(struct recipe, preset) + sizeof(((struct recipe *)0)->preset) - sizeof(int))
#define KNOB_TABLE_MORE                                                                                                \
    {"shuffle_blocks",     "novelty", KNOB_INT, FIELD_AT, sizeof(int), 0, 3, 9, NULL, NULL, "4", "blocks",             \
     "how many to shuffle"},
#include "engine/knob_table_body.h"

#include "engine/recipe_file.h"
#include "engine/tricks.h"
#include "tui/command.h"
#include "tui/options.h"
#include "views/tricks_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct command command_knobs;

static struct error err;

static void must(int status)
{
    if (status)
        fail_msg("%s", err.text);
}

static void contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("expected '%s' in:\n%s", part, text);
}

static void resolve(struct recipe *recipe, const char *set)
{
    const struct recipe_request request = {.preset = "quick", .sets = {set}, .n_sets = set ? 1 : 0};
    must(recipe_resolve(&request, recipe, &err));
}

static void test_command_line(void **state)
{
    (void)state;
    static struct recipe recipe;
    static char command[RECIPE_COMMAND_MAX];
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    recipe_options_help_knobs(out);
    fclose(out);
    contains(text, "novelty");
    contains(text, "shuffle_blocks");
    contains(text, "how many to shuffle");
    free(text);

    resolve(&recipe, NULL);
    knob_get(&recipe, knob_find("shuffle_blocks"), command, sizeof command);
    assert_string_equal(command, "4");
    resolve(&recipe, "shuffle_blocks=7");
    recipe_command(&recipe, command, sizeof command);
    contains(command, "--set shuffle_blocks=7");
    const struct recipe_request bad = {.preset = "quick", .sets = {"shuffle_blocks=10"}, .n_sets = 1};
    assert_int_equal(recipe_resolve(&bad, &recipe, &err), -1);
    contains(err.text, "shuffle_blocks = 10: expected a whole number, 3 to 9");
}

static void test_list_of_knobs(void **state)
{
    (void)state;
    static char text[65536];
    char *plain[] = {"knobs", NULL}, *json[] = {"knobs", "--json", NULL};
    for (int i = 0; i < 2; i++) {
        FILE *file = tmpfile();
        assert_non_null(file);
        fflush(stdout);
        int saved = dup(STDOUT_FILENO);
        assert_true(saved >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
        int code = i ? command_knobs.run(2, json) : command_knobs.run(1, plain);
        fflush(stdout);
        dup2(saved, STDOUT_FILENO);
        close(saved);
        rewind(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        assert_int_equal(code, EXIT_OK);
        contains(text, "shuffle_blocks");
        contains(text, "how many to shuffle");
    }
}

static void test_recipe_file(void **state)
{
    (void)state;
    static struct recipe recipe, back;
    char path[] = "/tmp/davidnet-test-XXXXXX", *text = NULL;
    size_t size;
    resolve(&recipe, "shuffle_blocks=8");
    FILE *out = open_memstream(&text, &size);
    must(recipe_write(&recipe, out, &err));
    fclose(out);
    contains(text, "[novelty]\nshuffle_blocks = 8\n");
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, size) == (ssize_t)size);
    close(fd);
    free(text);
    int status = recipe_read(path, &back, &err);
    unlink(path);
    must(status);
    assert_true(recipe_equal(&recipe, &back));
    assert_true(knob_same(&recipe, &back, knob_find("shuffle_blocks")));
    resolve(&back, "shuffle_blocks=3");
    assert_false(recipe_equal(&recipe, &back));
}

static void test_form(void **state)
{
    (void)state;
    static struct recipe recipe;
    struct tricks_model *model = calloc(1, sizeof *model);
    struct draft_place place = {DRAFT_KNOB, (int)(knob_find("shuffle_blocks") - knobs)};
    struct grid grid;
    assert_non_null(model);
    resolve(&recipe, NULL);
    must(tricks_model_init(model, tricks, trick_count, &recipe, &err));
    tricks_model_go(model, tricks_model_find(model, place));
    tricks_model_edit(model);
    tricks_model_start_typing(model, 1);
    line_edit_insert(&model->edit, '2');
    tricks_model_edited(model);
    assert_false(tricks_model_accept(model));
    contains(model->said, "3 to 9");
    line_edit_set(&model->edit, "5");
    assert_true(tricks_model_accept(model));
    assert_true(recipe_draft_changed(&model->draft, place));
    contains(model->command, "--set shuffle_blocks=5");

    assert_int_equal(grid_init(&grid, 80, 24), 0);
    tricks_view_draw(model, &grid, (struct rect){0, 0, 80, 24});
    char *screen = grid_text(&grid);
    contains(screen, "Novelty");
    contains(screen, "shuffle_blocks");
    contains(screen, "5 blocks");
    contains(screen, "how many to shuffle");
    free(screen);
    grid_release(&grid);
    tricks_model_release(model);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_line),
        cmocka_unit_test(test_list_of_knobs),
        cmocka_unit_test(test_recipe_file),
        cmocka_unit_test(test_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
