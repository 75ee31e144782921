/* Characters of UTF-8 text, and texts that were cut at some byte. */
#include "engine/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_decode(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t code;
        int length;
    } cases[] = {
        {"A", 'A', 1},       {"\xC3\xA9", 0xE9, 2},   {"\xE2\xA3\xBF", 0x28FF, 3}, {"\xF0\x9F\x98\x80", 0x1F600, 4},
        {"\xC1\x81", -1, 1}, {"\xE0\x80\x80", -1, 1}, {"\xF4\x90\x80\x80", -1, 1}, {"\xFF", -1, 1},
        {"\xE2\x82", -1, 1}, {"\xED\xBF\xBF", -1, 1}, {"\xF0\x80\x80\x80", -1, 1}, {"\xBF", -1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t code;
        assert_int_equal(utf8_decode(cases[i].text, &code), cases[i].length);
        assert_int_equal(code, cases[i].code);
    }
}

/* At every size, what is left is whole characters, and all of them that have room. */
static void test_cut(void **state)
{
    (void)state;
    static const char text[] = "a\xC3\xA9\xE2\xA3\xBF\xF0\x9F\x98\x80z";
    static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t size = 1; size <= sizeof text; size++) {
        char cut[sizeof text];
        snprintf(cut, size, "%s", text);
        assert_ptr_equal(utf8_cut(cut), cut);
        assert_int_equal(strlen(cut), whole[size - 1]);
        assert_memory_equal(cut, text, strlen(cut));
    }
}

/* What was no text before it was cut is left alone: it is shown as such. */
static void test_cut_of_other_bytes(void **state)
{
    (void)state;
    static const char *const others[] = {"", "\xFF", "a\x80", "\x80\x80\x80\x80", "\xC1", "\xF5\x80", "a\xC3\xA9\x80"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char cut[16];
        snprintf(cut, sizeof cut, "%s", others[i]);
        assert_string_equal(utf8_cut(cut), others[i]);
    }
}

/* Whatever would command a terminal, in its place; letters of any language and other broken bytes stay. */
static void test_control(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tame;
        int at;
    } cases[] = {
        {"", "", -1},
        {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F", -1}, /* its last byte alone would be one */
        {"a\xC2\xA0\xE9\xFF", "a\xC2\xA0\xE9\xFF", -1},
        {"\033[31m", "?[31m", 0},
        {"ab\177", "ab?", 2},
        {"a\nb\tc\r", "a\nb\tc?", 1},
        {"\xC3\xA9\xC2\x9B\xE2\xA3\xBF", "\xC3\xA9?\xE2\xA3\xBF", 2},
        {"\xC2\x80\xC2\x9F\xC2", "??\xC2", 0},
        {"\x9B\xC3\x9B", "?\xC3\x9B", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        strcpy(text, cases[i].text);
        const char *found = utf8_control(text);
        assert_int_equal(found ? found - text : -1, cases[i].at);
        assert_ptr_equal(utf8_tame(text, "\n\t", '?'), text);
        assert_string_equal(text, cases[i].tame);
        assert_int_equal(utf8_control(utf8_tame(text, "", ' ')) == NULL, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_of_other_bytes),
        cmocka_unit_test(test_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
