/*
 * Doubles that are near one another, and numbers: assert_float_equal takes a NaN for whatever is wanted, and rounds
 * both to floats.
 */
#ifndef DAVIDNET_TESTS_NEAR_H
#define DAVIDNET_TESTS_NEAR_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_near(is, should, within) near_check(is, should, within, __FILE__, __LINE__)

static inline void near_check(double is, double should, double within, const char *file, int line)
{
    if (fabs(is - should) <= within)
        return;
    print_error("%.12g, not %.12g\n", is, should);
    _fail(file, line);
}

#endif
