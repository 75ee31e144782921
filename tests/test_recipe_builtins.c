/* The table of shipped recipes against the files that it is made from (tests run in the repository's root). */
#include "engine/recipes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

static void every_file_is_there_byte_for_byte(void **state)
{
    (void)state;
    glob_t files = {0};
    assert_int_equal(glob("engine/recipes/*.ini", 0, NULL, &files), 0);
    assert_int_equal((int)files.gl_pathc, recipe_builtin_count);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *in = fopen(files.gl_pathv[i], "rb");
        assert_non_null(in);
        static char text[1 << 16];
        size_t size = fread(text, 1, sizeof text, in);
        assert_true(size < sizeof text);
        fclose(in);

        char base[256];
        snprintf(base, sizeof base, "%s", strrchr(files.gl_pathv[i], '/') + 1);
        *strstr(base, ".ini") = '\0';
        int found = -1;
        for (int row = 0; row < recipe_builtin_count; row++)
            if (!strcmp(recipe_builtins[row].name, base))
                found = row;
        assert_true(found >= 0);
        assert_int_equal(strlen(recipe_builtins[found].text), size);
        assert_memory_equal(recipe_builtins[found].text, text, size);
    }
    globfree(&files);
}

static void rows_are_sorted_and_closed(void **state)
{
    (void)state;
    for (int row = 1; row < recipe_builtin_count; row++)
        assert_true(strcmp(recipe_builtins[row - 1].name, recipe_builtins[row].name) < 0);
    assert_null(recipe_builtins[recipe_builtin_count].name);
    assert_null(recipe_builtins[recipe_builtin_count].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_there_byte_for_byte),
        cmocka_unit_test(rows_are_sorted_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
