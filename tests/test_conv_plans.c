/* Plans of convolutions on disk: what comes back, and what is no plan. */
#include "kernels/cuda/conv_plans.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/conv_plans_XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* A plan that was compiled has megabytes. */
static void test_plans_of_any_size_come_back(void **state)
{
    static const size_t sizes[] = {2, 4096, (size_t)3 << 20};
    char inside[64], name[CONV_PLANS_NAME_MAX];
    (void)state;
    snprintf(inside, sizeof inside, "%s/a/b", folder);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char key[32], *json = malloc(sizes[i] + 1);
        assert_non_null(json);
        memset(json, 'x', sizes[i]);
        json[sizes[i]] = '\0';
        snprintf(key, sizeof key, "key %zu", i);
        conv_plans_write(inside, key, "cudnn:eng1", json);
        char *back = conv_plans_read(inside, key, name);
        assert_non_null(back);
        assert_string_equal(name, "cudnn:eng1");
        assert_int_equal(strlen(back), sizes[i]);
        assert_string_equal(back, json);
        free(back);
        free(json);
    }
}

static void test_what_is_no_plan(void **state)
{
    char name[CONV_PLANS_NAME_MAX], pattern[64];
    glob_t files;
    (void)state;
    assert_null(conv_plans_read("", "key", name));
    assert_null(conv_plans_read(folder, "key", name));
    conv_plans_write(folder, "key", "cudnn:eng2", "{}");
    assert_null(conv_plans_read(folder, "key of another", name));
    snprintf(pattern, sizeof pattern, "%s/*.plan", folder);
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    assert_int_equal(files.gl_pathc, 1);
    FILE *file = fopen(files.gl_pathv[0], "we"); /* another's key under the same hash */
    assert_non_null(file);
    fputs("key of another\ncudnn:eng2\n{}", file);
    fclose(file);
    assert_null(conv_plans_read(folder, "key", name));
    assert_int_equal(truncate(files.gl_pathv[0], 0), 0);
    assert_null(conv_plans_read(folder, "key", name));
    globfree(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans_of_any_size_come_back),
        cmocka_unit_test(test_what_is_no_plan),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
