/* A fetch's progress in words: every phase, every width, what is not known. */
#include "tui/fetch_line.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void lines_say_what_is_known(void **state)
{
    (void)state;
    char line[256];
    struct fetch_progress p = {FETCH_DOWNLOADING, 86700000, 170052171, 2.3e6, 36.2, 0, NULL};
    fetch_line(&p, 200, 0, line, sizeof line);
    assert_string_equal(line, "downloading   51 %   86.7 of 170.1 MB   2.3 MB/s   36.2 s left");
    fetch_line(&p, 100, 1, line, sizeof line);
    assert_string_equal(line, "downloading  [################----------------]   51 %   86.7 of 170.1 MB   2.3 MB/s   "
                              "36.2 s left");
    p.bytes_per_second = 48e3;
    p.eta_seconds = 3700;
    fetch_line(&p, 200, 0, line, sizeof line);
    assert_string_equal(line, "downloading   51 %   86.7 of 170.1 MB   48 kB/s   1:01:40 left");
    p.total = 0;
    p.bytes_per_second = p.eta_seconds = NAN;
    fetch_line(&p, 100, 1, line, sizeof line);
    assert_string_equal(line, "downloading  86.7 MB");
    p = (struct fetch_progress){FETCH_WAITING, 0, 0, NAN, NAN, 1, "the server answered 503"};
    fetch_line(&p, 100, 1, line, sizeof line);
    assert_string_equal(line, "waiting: the server answered 503; will be tried again");
    p.problem = "http://example.org/a.tar.gz: could not connect"; /* the reason first: the address is what is cut */
    fetch_line(&p, 100, 1, line, sizeof line);
    assert_string_equal(line, "waiting: could not connect; will be tried again: http://example.org/a.tar.gz");
    p.phase = FETCH_CONNECTING;
    fetch_line(&p, 100, 1, line, sizeof line);
    assert_string_equal(line, "connecting");
}

static void any_width_and_size_is_safe(void **state)
{
    (void)state;
    char line[300];
    for (int phase = FETCH_CONNECTING; phase <= FETCH_DONE; phase++)
        for (int width = 0; width < 130; width++) {
            struct fetch_progress p = {(enum fetch_phase)phase, 5, 10, 1e12, 1e12, 0, "why"};
            fetch_line(&p, width, 1, line, sizeof line);
            assert_true(strlen(line) <= (size_t)width);
        }
    struct fetch_progress p = {FETCH_VERIFYING, INT64_MAX, 1, 1e300, 1e300, 0, NULL};
    memset(line, 'x', sizeof line);
    fetch_line(&p, 130, 1, line, 20);
    assert_true(strlen(line) < 20);
    assert_int_equal(line[20], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_say_what_is_known),
        cmocka_unit_test(any_width_and_size_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
