/* Words for a shell: what is quoted, that a shell reads each back, and texts that are cut. */
#include "engine/shell_word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[][2] = {
    {"plain", "plain"},
    {"lr=0:0,5:0.4", "lr=0:0,5:0.4"},
    {"../a_b-c.d+e@f%g", "../a_b-c.d+e@f%g"},
    {"a~", "a~"},
    {"~", "'~'"}, /* else a home */
    {"~/runs", "'~/runs'"},
    {"", "''"},
    {"two words", "'two words'"},
    {"it's", "'it'\\''s'"},
    {"'", "''\\'''"},
    {"*?[a]", "'*?[a]'"},
    {"$HOME;`ls`&|<>(){}!#\"\\", "'$HOME;`ls`&|<>(){}!#\"\\'"},
    {"a\nb\tc", "'a\nb\tc'"},
    {"\xC3\xA9", "'\xC3\xA9'"},
};
#define WORDS (sizeof words / sizeof *words)

static void each_is_quoted_where_it_must_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        char out[64] = "x", wanted[64];
        size_t length = (size_t)snprintf(wanted, sizeof wanted, "x %s", words[i][1]);
        assert_int_equal(shell_word_add(words[i][0], out, sizeof out, 1), length);
        assert_string_equal(out, wanted);
    }
    assert_true(shell_word_is_plain("~") && shell_word_is_plain("") && !shell_word_is_plain("a b"));
}

static void a_shell_reads_them_back(void **state)
{
    (void)state;
    char command[1024] = "printf '%s\\0'", text[256];
    size_t used = strlen(command);
    for (size_t i = 0; i < WORDS; i++)
        used = shell_word_add(words[i][0], command, sizeof command, used);
    assert_true(used < sizeof command && used == strlen(command));
    FILE *shell = popen(command, "r");
    assert_non_null(shell);
    size_t n = fread(text, 1, sizeof text, shell), at = 0;
    assert_int_equal(pclose(shell), 0);
    for (size_t i = 0; i < WORDS; i++, at += strlen(text + at) + 1) {
        assert_true(at < n);
        assert_string_equal(text + at, words[i][0]);
    }
    assert_int_equal(at, n);
}

/* Of a text that does not fit there is as much as does, and a zero; its length is that of all of it. */
static void a_text_is_cut_to_its_room(void **state)
{
    (void)state;
    static const char whole[] = "run 'it'\\''s' more";
    for (size_t size = 0; size <= sizeof whole + 1; size++) {
        char out[sizeof whole + 2];
        memset(out, '#', sizeof out);
        size_t used = (size_t)snprintf(out, size, "run");
        used = shell_word_add("it's", out, size, used);
        used = shell_word_add("more", out, size, used);
        assert_int_equal(used, sizeof whole - 1);
        size_t kept = size == 0 ? 0 : size < sizeof whole ? size - 1 : sizeof whole - 1;
        assert_memory_equal(out, whole, kept);
        assert_true(size == 0 || out[kept] == '\0');
        for (size_t i = size < sizeof whole ? size : sizeof whole; i < sizeof out; i++)
            assert_int_equal(out[i], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_quoted_where_it_must_be),
        cmocka_unit_test(a_shell_reads_them_back),
        cmocka_unit_test(a_text_is_cut_to_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
