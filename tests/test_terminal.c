/* What the terminal's file relies on and needs no terminal: pacing by answers, and the clipboard's escape. */
#include "tui/clipboard.h"
#include "tui/pacing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_answers(void **state)
{
    (void)state;
    struct pacing pacing = {0};
    assert_true(pacing_ready(&pacing, 0));
    pacing_asked(&pacing, 0);
    pacing_asked(&pacing, 0.1);
    assert_false(pacing_ready(&pacing, 0.2));
    pacing_answered(&pacing);
    assert_false(pacing_ready(&pacing, 0.3)); /* two were asked */
    pacing_answered(&pacing);
    assert_true(pacing_ready(&pacing, 0.3));
    pacing_answered(&pacing); /* one too many */
    pacing_asked(&pacing, 1);
    assert_false(pacing_ready(&pacing, 8)); /* a slow line */
    assert_true(pacing_ready(&pacing, 1 + PACING_LOST_SECONDS));
    assert_false(pacing.silent); /* it has answered before, and may again */
}

static void test_silence(void **state)
{
    (void)state;
    struct pacing pacing = {0};
    pacing_asked(&pacing, 5);
    assert_false(pacing_ready(&pacing, 5.9));
    assert_false(pacing.silent);
    assert_true(pacing_ready(&pacing, 5 + PACING_SILENT_SECONDS));
    assert_true(pacing.silent);
}

/* Only what follows the Esc of an answer that is due is swallowed, and only as long as it is one. */
static void test_torn(void **state)
{
    (void)state;
    struct pacing pacing = {0};
    const char *answer = PACING_ANSWER;
    for (const char *c = answer; *c; c++)
        assert_int_equal(pacing_torn(&pacing, (unsigned char)*c), 0); /* none is due: keys */
    pacing_asked(&pacing, 0);
    assert_int_equal(pacing_torn(&pacing, 'n'), 0);
    for (const char *c = answer; *c; c++)
        assert_int_equal(pacing_torn(&pacing, (unsigned char)*c), c > answer);
    assert_true(pacing.known && pacing.due == 0);
    pacing_asked(&pacing, 0);
    assert_int_equal(pacing_torn(&pacing, 27), 0);
    assert_int_equal(pacing_torn(&pacing, 27), 0); /* Esc twice, and then an answer */
    assert_int_equal(pacing_torn(&pacing, '['), 1);
    assert_int_equal(pacing_torn(&pacing, 'q'), 0);
    assert_int_equal(pacing_torn(&pacing, '0'), 0);
    assert_int_equal(pacing.due, 1);
}

static void test_clipboard(void **state)
{
    (void)state;
    static const struct {
        const char *text, *escape;
    } cases[] = {
        {"", "\033]52;c;\007"},        {"f", "\033]52;c;Zg==\007"},        {"fo", "\033]52;c;Zm8=\007"},
        {"foo", "\033]52;c;Zm9v\007"}, {"foob", "\033]52;c;Zm9vYg==\007"}, {"\xC3\xA9\xFF", "\033]52;c;w6n/\007"}};
    char out[CLIPBOARD_ESCAPE_MAX], text[CLIPBOARD_TEXT_MAX + 2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(clipboard_escape(cases[i].text, out), 0);
        assert_string_equal(out, cases[i].escape);
    }
    memset(text, 'x', sizeof text);
    text[CLIPBOARD_TEXT_MAX + 1] = '\0';
    assert_int_equal(clipboard_escape(text, out), -1);
    text[CLIPBOARD_TEXT_MAX] = '\0';
    assert_int_equal(clipboard_escape(text, out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_clipboard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
