#include "kernels/cuda/conv_plans.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAN_MAX (64l << 20) /* bytes: one that was compiled has its machine code in it */

static void plan_path(const char *folder, const char *key, char *path, size_t size)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *p = key; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    snprintf(path, size, "%s/%016llx.plan", folder, (unsigned long long)hash);
}

char *conv_plans_read(const char *folder, const char *key, char name[CONV_PLANS_NAME_MAX])
{
    char path[1100], wanted[CONV_PLANS_KEY_MAX + 1];
    if (!folder[0])
        return NULL;
    plan_path(folder, key, path, sizeof path);
    FILE *file = fopen(path, "rbe");
    if (!file)
        return NULL;
    struct stat about;
    size_t room = fstat(fileno(file), &about) == 0 && about.st_size < PLAN_MAX ? (size_t)about.st_size : 0;
    char *text = calloc(1, room + 1), *json = NULL;
    size_t size = text ? fread(text, 1, room, file) : 0;
    fclose(file);
    snprintf(wanted, sizeof wanted, "%s\n", key);
    char *second = size && strncmp(text, wanted, strlen(wanted)) == 0 ? text + strlen(wanted) : NULL;
    char *end = second ? strchr(second, '\n') : NULL;
    if (end && end - second < CONV_PLANS_NAME_MAX) {
        *end = '\0';
        snprintf(name, CONV_PLANS_NAME_MAX, "%s", second);
        json = strdup(end + 1);
    }
    free(text);
    return json;
}

static void make_folders(const char *path)
{
    char text[1100];
    snprintf(text, sizeof text, "%s", path);
    for (char *p = text + 1; *p; p++)
        if (*p == '/') {
            *p = '\0';
            mkdir(text, 0755);
            *p = '/';
        }
    mkdir(text, 0755);
}

void conv_plans_write(const char *folder, const char *key, const char *name, const char *json)
{
    char path[1100], temporary[1130];
    make_folders(folder);
    plan_path(folder, key, path, sizeof path);
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    FILE *file = fopen(temporary, "wbe");
    if (!file)
        return;
    fprintf(file, "%s\n%s\n%s", key, name, json);
    int failed = ferror(file) | fclose(file);
    if (failed || rename(temporary, path) != 0)
        remove(temporary);
}
