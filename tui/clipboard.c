#include "tui/clipboard.h"

#include <stdint.h>
#include <string.h>

int clipboard_encode(const char *text, char out[CLIPBOARD_ENCODED_MAX])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"; /* base64 */
    size_t length = strlen(text);
    if (length > CLIPBOARD_TEXT_MAX)
        return -1;
    char *to = out;
    for (size_t i = 0; i < length; i += 3) {
        size_t n = length - i < 3 ? length - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)text[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *to++ = '=';
        for (size_t k = 0; k <= n; k++)
            to[(int)k - 4] = digits[bits >> (18 - 6 * k) & 63];
    }
    *to = '\0';
    return 0;
}
