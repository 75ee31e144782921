/* CRC-32 against published values; the headless build's own runs the same test. */
#include "engine/crc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_published_values(void **state)
{
    (void)state;
    static const char fox[] = "The quick brown fox jumps over the lazy dog";
    assert_int_equal(crc_add(0, "", 0), 0);
    assert_int_equal(crc_add(0, "a", 1), 0xE8B7BE43);
    assert_int_equal(crc_add(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(crc_add(0, fox, strlen(fox)), 0x414FA339);
}

static void test_parts_add_up(void **state)
{
    (void)state;
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i / 7 + i);
    uint32_t whole = crc_add(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= 40; cut++) {
        assert_int_equal(crc_add(crc_add(0, bytes, cut), bytes + cut, sizeof bytes - cut), whole);
        assert_int_equal(crc_add(whole, bytes, 0), whole);
    }
    bytes[500] ^= 1;
    assert_int_not_equal(crc_add(0, bytes, sizeof bytes), whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_published_values), cmocka_unit_test(test_parts_add_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
