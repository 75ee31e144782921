#include "engine/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 63

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int edit_distance(const char *a, int la, const char *b, int lb)
{
    int rows[3][WORD_MAX + 1]; /* the last two rows and the current one */
    int *before = rows[0], *last = rows[1], *now = rows[2];
    memset(rows, 0, sizeof rows);
    for (int j = 0; j <= lb; j++)
        last[j] = j;
    for (int i = 1; i <= la; i++) {
        now[0] = i;
        for (int j = 1; j <= lb; j++) {
            int same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        int *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[lb];
}

void nearest_init(struct nearest *nearest, const char *word)
{
    nearest->word = word;
    nearest->best = NULL;
    nearest->distance = 0;
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    const char *word = nearest->word, *name = candidate;
    for (; *word == '-' && *name == '-'; word++, name++)
        continue; /* what begins every option makes none of them alike */
    size_t la = strlen(word), lb = strlen(name);
    if (la == 0 || lb == 0 || la > WORD_MAX || lb > WORD_MAX)
        return;
    int limit = la <= 4 ? 1 : la < 9 ? 2 : (int)(la / 3);
    int d = edit_distance(word, (int)la, name, (int)lb);
    if (d > limit || d >= (int)la || (nearest->best && d >= nearest->distance))
        return;
    nearest->best = candidate;
    nearest->distance = d;
}

char *nearest_hint(const struct nearest *nearest, char *out, size_t size)
{
    if (nearest->best)
        snprintf(out, size, " (did you mean '%s'?)", nearest->best);
    else if (size)
        out[0] = '\0';
    return out;
}
