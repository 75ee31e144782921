#include "engine/processor.h"

#include <stdio.h>

void processor_name(char *out, size_t size)
{
    char buffer[256], name[128] = "unknown CPU";
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && fgets(buffer, sizeof buffer, file))
        if (sscanf(buffer, "model name : %127[^\n]", name) == 1)
            break;
    if (file)
        fclose(file);
    snprintf(out, size, "%s", name);
}
