/* What libraries write to stderr while the screen is ours. */
#include "tui/noise.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[128], told[128];
static int saved;

/* stderr is a file, so that what noise_end tells can be read. */
static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/davidnet-noise-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/stderr.txt", folder);
    snprintf(told, sizeof told, "%s/told", folder);
    int fd = open(told, O_RDWR | O_CREAT | O_APPEND, 0600);
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    if (fd < 0 || saved < 0 || dup2(fd, STDERR_FILENO) < 0)
        return -1;
    return close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    unlink(path);
    unlink(told);
    return rmdir(folder);
}

static const char *text_of(const char *file)
{
    static char text[65536];
    FILE *in = fopen(file, "r");
    size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
    if (in)
        fclose(in);
    text[n] = '\0';
    return in ? text : NULL;
}

static void test_goes_along_to_the_run(void **state)
{
    (void)state;
    char line[64];
    noise_begin();
    assert_false(noise_next(line, sizeof line));
    fputs("early\n", stderr);
    assert_true(noise_next(line, sizeof line));
    assert_string_equal(line, "early");
    noise_follow(folder);
    assert_false(noise_next(line, sizeof line)); /* told already */
    fputs("one\ntwo\tand\033[2J\nhalf", stderr);
    assert_true(noise_next(line, sizeof line));
    assert_string_equal(line, "two and [2J");
    assert_false(noise_next(line, sizeof line));
    noise_follow(folder);
    fputs(" and half\n", stderr);
    assert_true(noise_next(line, sizeof line));
    assert_string_equal(line, "half and half");
    fputs("no half character: \xC3\xA9\n", stderr);
    assert_true(noise_next(line, 21));
    assert_string_equal(line, "no half character: ");
    assert_string_equal(text_of(path), "early\none\ntwo\tand\033[2J\nhalf and half\nno half character: \xC3\xA9\n");
    assert_string_equal(text_of(told), "");
    noise_end();
    fputs("ours again\n", stderr);
    assert_non_null(strstr(text_of(told), "/stderr.txt:\nearly\none\n"));
    assert_non_null(strstr(text_of(told), "\xC3\xA9\nours again\n"));
    assert_null(strstr(text_of(path), "ours again"));
}

/* A resume adds to the file, and tells only what is new. */
static void test_adds(void **state)
{
    (void)state;
    char line[64];
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs("from before\n", out);
    fclose(out);
    noise_begin();
    noise_follow(folder);
    assert_false(noise_next(line, sizeof line));
    fputs("new\n", stderr);
    noise_end();
    assert_string_equal(text_of(path), "from before\nnew\n");
    assert_null(strstr(text_of(told), "from before"));
    assert_non_null(strstr(text_of(told), "new\n"));
}

static void test_long_noise_is_told_from_its_end(void **state)
{
    (void)state;
    char line[64];
    noise_begin();
    noise_follow(folder);
    for (int i = 0; i < 2000; i++)
        fprintf(stderr, "line %d\n", i);
    assert_true(noise_next(line, sizeof line));
    assert_string_equal(line, "line 1999");
    noise_end();
    const char *text = text_of(told);
    assert_non_null(strstr(text, ", in the end:\nline "));
    assert_non_null(strstr(text, "line 1999\n"));
    assert_true(strlen(text) < 4500);
}

static void test_silence_leaves_nothing(void **state)
{
    (void)state;
    noise_begin();
    noise_follow(folder);
    assert_int_equal(access(path, F_OK), 0);
    noise_end();
    assert_int_not_equal(access(path, F_OK), 0);
    assert_string_equal(text_of(told), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_goes_along_to_the_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_adds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_noise_is_told_from_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silence_leaves_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
