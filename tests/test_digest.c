/* SHA-256 against FIPS 180-4's examples; the headless build's own runs the same test. */
#include "engine/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void digest_of(const char *bytes, size_t size, size_t piece, char hex[DIGEST_HEX_SIZE])
{
    struct digest digest;
    struct error err;
    assert_int_equal(digest_init(&digest, &err), 0);
    for (size_t at = 0; at < size; at += piece)
        assert_int_equal(digest_add(&digest, bytes + at, size - at < piece ? size - at : piece, &err), 0);
    assert_int_equal(digest_finish(&digest, hex, &err), 0);
    digest_release(&digest);
}

static void test_published_values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqr"
         "stu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    char hex[DIGEST_HEX_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t piece = 1; piece < 120; piece += 13) {
            digest_of(cases[i].text, strlen(cases[i].text), piece, hex);
            assert_string_equal(hex, cases[i].hex);
        }
    char *many = malloc(1000000);
    assert_non_null(many);
    memset(many, 'a', 1000000);
    digest_of(many, 1000000, 4096, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(many);
}

static void test_lengths_around_a_block(void **state)
{
    (void)state;
    char bytes[200], one[DIGEST_HEX_SIZE], other[DIGEST_HEX_SIZE];
    memset(bytes, 'x', sizeof bytes);
    for (size_t size = 50; size < 135; size++) {
        digest_of(bytes, size, 1, one);
        digest_of(bytes, size, size, other);
        assert_string_equal(one, other);
        digest_of(bytes, size + 1, 7, other);
        assert_string_not_equal(one, other);
    }
    assert_true(digest_is_hex(one));
    one[10] = 'g';
    assert_false(digest_is_hex(one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_published_values),
                                       cmocka_unit_test(test_lengths_around_a_block)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
