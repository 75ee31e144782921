#include "tui/burst.h"

#include <stddef.h>

struct burst_key *burst_add(struct burst *burst)
{
    if (burst->n == BURST_MAX)
        return NULL;
    burst->key[burst->n] = (struct burst_key){0};
    return &burst->key[burst->n++];
}

const struct burst_key *burst_next(struct burst *burst)
{
    if (burst->at < burst->n)
        return &burst->key[burst->at++];
    burst->at = burst->n = 0;
    return NULL;
}

int burst_waits(const struct burst *burst)
{
    return burst->at < burst->n;
}

int burst_is_paste(const struct burst *burst)
{
    unsigned kind[BURST_TEXT_KINDS];
    int kinds = 0;
    for (int i = 0; i < burst->n; i++) {
        const struct burst_key *key = &burst->key[i];
        int k = 0;
        if (key->named || (key->code < ' ' && key->code != '\r' && key->code != '\n' && key->code != '\t'))
            return 0;
        while (k < kinds && kind[k] != key->code)
            k++;
        if (k == kinds && kinds < BURST_TEXT_KINDS)
            kind[kinds++] = key->code;
    }
    return burst->n >= BURST_TEXT_LEAST && kinds == BURST_TEXT_KINDS;
}
