#include "engine/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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
    nearest->n_longer = 0;
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    const char *word = nearest->word, *name = candidate;
    for (; *word == '-' && *name == '-'; word++, name++)
        continue; /* what begins every option makes none of them alike */
    size_t la = strlen(word), lb = strlen(name);
    if (la == 0 || lb == 0 || la > WORD_MAX || lb > WORD_MAX)
        return;
    if (la >= 2 && lb > la && strncasecmp(word, name, la) == 0) {
        if (nearest->n_longer < NEAREST_LONGER)
            nearest->longer[nearest->n_longer] = candidate;
        nearest->n_longer++;
    }
    int limit = la <= 4 ? 1 : la < 9 ? 2 : (int)(la / 3);
    int d = edit_distance(word, (int)la, name, (int)lb);
    if (d > limit || d >= (int)la || (nearest->best && d >= nearest->distance))
        return;
    nearest->best = candidate;
    nearest->distance = d;
}

char *nearest_hint(const struct nearest *nearest, char *out, size_t size)
{
    int n = nearest->n_longer < NEAREST_LONGER ? nearest->n_longer : NEAREST_LONGER;
    size_t used = 0;
    if (size)
        out[0] = '\0';
    if (nearest->best)
        snprintf(out, size, " (did you mean '%s'?)", nearest->best);
    else if (n > 0) {
        for (int i = 0; i < n && used < size; i++)
            used += (size_t)snprintf(out + used, size - used, "%s'%s'",
                                     i == 0                               ? " (did you mean "
                                     : i + 1 < n || nearest->n_longer > n ? ", "
                                                                          : " or ",
                                     nearest->longer[i]);
        if (used < size)
            used += (size_t)snprintf(out + used, size - used, "%s?)", nearest->n_longer > n ? " ..." : "");
        if (used >= size) /* cut, it would be no hint */
            out[0] = '\0';
    }
    return out;
}
