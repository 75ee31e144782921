#include "engine/utf8.h"

#include <string.h>

int utf8_decode(const char *text, int32_t *code)
{
    static const int32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
    int length = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : s[0] >= 0xE0 && s[0] < 0xF0 ? 3 : 4;
    *code = -1;
    if (length == 1) {
        *code = s[0];
        return 1;
    }
    if (s[0] < 0xC2 || s[0] > 0xF4)
        return 1;
    int32_t value = s[0] & (0xFF >> (length + 1));
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) /* the NUL stops here too */
            return 1;
        value = (value << 6) | (s[i] & 0x3F);
    }
    if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 1;
    *code = value;
    return length;
}

char *utf8_cut(char *text)
{
    size_t n = strlen(text), begin = n;
    while (begin > 0 && n - begin < 3 && ((unsigned char)text[begin - 1] & 0xC0) == 0x80)
        begin--;
    if (begin == 0)
        return text;
    unsigned char first = (unsigned char)text[--begin];
    size_t length = first < 0xC2 || first > 0xF4 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (n - begin < length)
        text[begin] = '\0';
    return text;
}

static int is_control(const char *at, int *length)
{
    int32_t code;
    *length = utf8_decode(at, &code);
    if (code < 0)
        code = (unsigned char)*at;
    return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

const char *utf8_control(const char *text)
{
    int length;
    for (; *text; text += length)
        if (is_control(text, &length))
            return text;
    return NULL;
}

char *utf8_tame(char *text, const char *kept, char instead)
{
    char *to = text;
    int length;
    for (const char *from = text; *from; from += length) {
        if (is_control(from, &length) && !strchr(kept, *from)) {
            *to++ = instead;
        } else {
            memmove(to, from, (size_t)length);
            to += length;
        }
    }
    *to = '\0';
    return text;
}
