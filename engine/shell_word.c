#include "engine/shell_word.h"

#include <ctype.h>
#include <string.h>

int shell_word_is_plain(const char *text)
{
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("/._-+:,@%=~", *p))
            return 0;
    return 1;
}

static size_t add(const char *text, size_t length, char *out, size_t size, size_t used)
{
    for (size_t i = 0; i < length; i++, used++)
        if (used + 1 < size) {
            out[used] = text[i];
            out[used + 1] = '\0';
        }
    return used;
}

size_t shell_word_add(const char *word, char *out, size_t size, size_t used)
{
    used = add(" ", 1, out, size, used);
    if (word[0] && word[0] != '~' && shell_word_is_plain(word))
        return add(word, strlen(word), out, size, used);
    used = add("'", 1, out, size, used);
    for (const char *p = word; *p; p++)
        used = *p == '\'' ? add("'\\''", 4, out, size, used) : add(p, 1, out, size, used);
    return add("'", 1, out, size, used);
}
