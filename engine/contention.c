#include "engine/contention.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

void contention_read(struct contention *now)
{
    *now = (struct contention){.load = NAN};
    unsigned long long field[8] = {0};
    FILE *file = fopen("/proc/stat", "re");
    if (file) {
        int got = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &field[0], &field[1], &field[2],
                         &field[3], &field[4], &field[5], &field[6], &field[7]);
        fclose(file);
        for (int i = 0; i < 8 && got == 8; i++)
            now->total += field[i];
        if (got == 8)
            now->steal = field[7];
    }
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        now->involuntary = (uint64_t)usage.ru_nivcsw;
    double load;
    if (getloadavg(&load, 1) == 1)
        now->load = load;
}

double contention_steal(const struct contention *before, const struct contention *after)
{
    if (after->total <= before->total)
        return NAN;
    return 100.0 * (double)(after->steal - before->steal) / (double)(after->total - before->total);
}

int contention_noisy(double steal, double switches, double seconds, int threads)
{
    return steal > CONTENTION_STEAL ||
           (seconds > 0 && switches > CONTENTION_SWITCHES * seconds * (threads > 1 ? threads : 1));
}
