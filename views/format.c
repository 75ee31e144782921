#include "views/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static char *missing(char *out, size_t size)
{
    snprintf(out, size, "-");
    return out;
}

char *format_seconds(double seconds, char *out, size_t size)
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9)
        return missing(out, size);
    long whole = (long)seconds;
    if (seconds < 60)
        snprintf(out, size, "%.1f s", floor(seconds * 10) / 10);
    else if (seconds < 3600)
        snprintf(out, size, "%ld:%02ld", whole / 60, whole % 60);
    else
        snprintf(out, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    return out;
}

char *format_epochs(double done, double all, char *out, size_t size)
{
    if (isfinite(done) && isfinite(all))
        snprintf(out, size, "%.4g/%.4g", done < all ? floor(done * 10) / 10 : all, all);
    else
        snprintf(out, size, "-");
    return out;
}

char *format_count(double value, char *out, size_t size)
{
    if (!isfinite(value) || fabs(value) > 1e15)
        return missing(out, size);
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", fabs(value));
    size_t used = 0;
    if (value <= -0.5 && used + 1 < size)
        out[used++] = '-';
    for (int i = 0; i < n && used + 1 < size; i++) {
        if (i > 0 && (n - i) % 3 == 0 && used + 2 < size)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    if (size > 0)
        out[used] = '\0';
    return out;
}

char *format_number(double value, int decimals, char *out, size_t size)
{
    if (!isfinite(value))
        return missing(out, size);
    if (fabs(value) >= 1e7)
        snprintf(out, size, "%.1e", value);
    else
        snprintf(out, size, "%.*f", decimals, value);
    return out;
}

char *format_significant(double value, int digits, char *out, size_t size)
{
    if (!isfinite(value))
        return missing(out, size);
    double magnitude = fabs(value);
    int before = magnitude > 0 ? (int)floor(log10(magnitude) + 1e-12) + 1 : 1;
    int decimals = digits - before;
    if (magnitude > 0 && (before < -3 || before > 9))
        snprintf(out, size, "%.*e", digits - 1, value);
    else
        snprintf(out, size, "%.*f", decimals > 0 ? decimals : 0, value);
    return out;
}

char *format_bytes(double bytes, char *out, size_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    if (!isfinite(bytes) || bytes < 0)
        return missing(out, size);
    int unit = 0;
    while (bytes >= 999.5 && unit < 4) {
        bytes /= 1000;
        unit++;
    }
    snprintf(out, size, "%.*f %s", bytes < 9.95 && unit > 0 ? 1 : 0, bytes, units[unit]);
    return out;
}
