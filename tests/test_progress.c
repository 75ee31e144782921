/* The line of progress: what a terminal, a dumb one and a pipe get of it. */
#include "tui/command.h"
#include "tui/progress.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

static void say_something(void)
{
    progress_clear(); /* nothing is there yet: no code */
    progress_show("step %d of %d", 3, 40);
    progress_show("%0200d", 7); /* wider than any terminal */
    progress_clear();
    command_progress("loading", 0, 0);
    command_progress("batch", 2, 5);
    progress_keep();
    progress_keep();
    command_progress(NULL, 0, 0);
}

/* What stderr gets, as a terminal of so many columns (0: as a pipe), with that TERM (NULL: none). */
static const char *written(int columns, const char *term)
{
    static char text[4096];
    int ends[2] = {-1, -1}, saved = dup(STDERR_FILENO);
    size_t used = 0;
    if (columns) {
        struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
        ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
        if (ends[0] < 0 || grantpt(ends[0]) || unlockpt(ends[0])) {
            print_message("SKIPPED: no pseudo-terminal\n");
            skip();
        }
        ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
        assert_int_equal(ioctl(ends[1], TIOCSWINSZ, &size), 0);
    } else {
        assert_int_equal(pipe(ends), 0);
    }
    if (term)
        setenv("TERM", term, 1);
    else
        unsetenv("TERM");
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    say_something();
    fputs("end", stderr);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    while (used < 3 || strncmp(text + used - 3, "end", 3) != 0) {
        ssize_t n = read(ends[0], text + used, sizeof text - 1 - used);
        assert_true(n > 0);
        used += (size_t)n;
        text[used] = '\0';
    }
    close(ends[0]);
    close(ends[1]);
    return text;
}

static void test_terminal(void **state)
{
    (void)state;
    char expected[1024];
    snprintf(expected, sizeof expected,
             "\r\033[Kstep 3 of 40\r\033[K%059d\r\033[K\r\033[Kloading\r\033[Kbatch 2 of 5\r\nend", 0);
    assert_string_equal(written(60, "xterm"), expected);
}

static void test_elsewhere(void **state)
{
    (void)state;
    assert_string_equal(written(60, "dumb"), "end");
    assert_string_equal(written(60, ""), "end");
    assert_string_equal(written(60, NULL), "end");
    assert_string_equal(written(0, "xterm"), "end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
