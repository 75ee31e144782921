#include "engine/number.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static int only_blanks(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return *p == '\0';
}

int number_parse_real(const char *text, double *value)
{
    while (isspace((unsigned char)*text))
        text++;
    /* strtod also takes nan, inf and hexadecimal, which nobody means in a recipe */
    if (*text == '\0' || text[strspn(text, "0123456789+-.eE \t\r\n")] != '\0')
        return -1;
    pthread_once(&c_locale_once, make_c_locale);
    char *end;
    double v = c_locale ? strtod_l(text, &end, c_locale) : strtod(text, &end);
    if (end == text || !only_blanks(end) || !isfinite(v))
        return -1;
    *value = v;
    return 0;
}

int number_parse_int(const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || errno || !only_blanks(end))
        return -1;
    *value = v;
    return 0;
}

char *number_format_real(double value, char *out, size_t size)
{
    pthread_once(&c_locale_once, make_c_locale);
    locale_t old = c_locale ? uselocale(c_locale) : (locale_t)0;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    if (c_locale)
        uselocale(old);
    return out;
}

double number_tidy(double value, int digits)
{
    char text[NUMBER_TEXT_MAX];
    double tidy;
    pthread_once(&c_locale_once, make_c_locale);
    locale_t old = c_locale ? uselocale(c_locale) : (locale_t)0;
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (c_locale)
        uselocale(old);
    return number_parse_real(text, &tidy) ? value : tidy;
}
