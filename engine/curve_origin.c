#include "engine/curve_origin.h"

#include "engine/files.h"
#include "engine/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM_MAX ((size_t)16 << 20)

static void copy_text(const cJSON *object, const char *key, char *out, size_t size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (cJSON_IsString(item))
        snprintf(out, size, "%s", item->valuestring);
}

static void read_program(struct curve_origin *origin, const struct run_folder *folder)
{
    char path[RUN_PATH_MAX + 32], *text = NULL;
    size_t size;
    run_folder_path(folder, "program.json", path, sizeof path);
    if (file_read(path, PROGRAM_MAX, &text, &size, NULL) < 0)
        return;
    cJSON *program = cJSON_Parse(text);
    const cJSON *threads = cJSON_GetObjectItemCaseSensitive(program, "threads");
    free(text);
    copy_text(program, "family", origin->family, sizeof origin->family);
    copy_text(program, "precision", origin->precision, sizeof origin->precision);
    copy_text(program, "data", origin->data, sizeof origin->data);
    copy_text(program, "data_sha256", origin->data_sha256, sizeof origin->data_sha256);
    copy_text(program, "davidnet", origin->machine.davidnet, sizeof origin->machine.davidnet);
    copy_text(program, "isa", origin->machine.isa, sizeof origin->machine.isa);
    copy_text(program, "library", origin->machine.library, sizeof origin->machine.library);
    origin->threads = cJSON_IsNumber(threads) && threads->valueint > 0 ? threads->valueint : 0;
    cJSON_Delete(program);
}

/* What was frozen holds for the whole run; the device and the commit are only here. */
static void read_timing(struct curve_origin *origin, const struct run_folder *folder)
{
    struct timing timing;
    if (timing_read_run(&timing, folder, NULL) < 0)
        return;
    memcpy(origin->machine.device, timing.machine.device, sizeof origin->machine.device);
    memcpy(origin->machine.commit, timing.machine.commit, sizeof origin->machine.commit);
    timing_release(&timing);
}

void curve_origin_init(struct curve_origin *origin, const struct recipe *recipe, const struct run_folder *folder)
{
    memset(origin, 0, sizeof *origin);
    timing_origin_init(&origin->recipe, recipe, folder ? folder->name : "");
    if (folder) {
        read_program(origin, folder);
        read_timing(origin, folder);
        return;
    }
    snprintf(origin->machine.davidnet, sizeof origin->machine.davidnet, "%s", DAVIDNET_VERSION);
    snprintf(origin->machine.commit, sizeof origin->machine.commit, "%s", davidnet_commit());
}

const char *curve_origin_item(const struct curve_origin *origin, int index, const char **value, char scratch[32])
{
    const struct timing_machine *machine = &origin->machine;
    char seed[32], threads[32] = "";
    snprintf(seed, sizeof seed, "%lld", (long long)origin->recipe.seed);
    if (origin->threads > 0)
        snprintf(threads, sizeof threads, "%d", origin->threads);
    const struct {
        const char *name, *value;
    } items[] = {{"recipe", origin->recipe.preset},
                 {"summary", origin->recipe.summary},
                 {"seed", seed},
                 {"eval", origin->recipe.eval},
                 {"data", origin->data},
                 {"data_sha256", origin->data_sha256},
                 {"command", origin->recipe.command},
                 {"davidnet", machine->davidnet},
                 {"commit", machine->commit},
                 {"family", origin->family},
                 {"device", machine->device},
                 {"isa", machine->isa},
                 {"library", machine->library},
                 {"precision", origin->precision},
                 {"threads", threads}};
    if (index < 0 || (size_t)index >= sizeof items / sizeof *items)
        return NULL;
    *value = items[index].value;
    if (*value == seed || *value == threads) {
        snprintf(scratch, 32, "%s", *value);
        *value = scratch;
    }
    return items[index].name;
}

void curve_origin_add_json(const struct curve_origin *origin, cJSON *object)
{
    char scratch[32];
    const char *name, *value;
    for (int i = 0; (name = curve_origin_item(origin, i, &value, scratch)) != NULL; i++) {
        if (value[0] == '\0')
            cJSON_AddNullToObject(object, name);
        else if (value == scratch)
            cJSON_AddNumberToObject(object, name, strtod(value, NULL));
        else
            cJSON_AddStringToObject(object, name, value);
    }
}
