#include "engine/ablate_results.h"

#include "engine/digest.h"
#include "engine/files.h"
#include "engine/json.h"
#include "engine/run_folder.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "davidnet-ablate"
#define VERSION 2 /* and 1 is read */
#define BYTES_MAX ((size_t)64 << 20)

/* ---- digests ---- */

/* As much of the text's SHA-256 as there is room for. */
static int short_digest(const char *text, size_t length, char out[16], struct error *err)
{
    struct digest digest = {NULL};
    char hex[DIGEST_HEX_SIZE];
    int status =
        digest_init(&digest, err) || digest_add(&digest, text, length, err) || digest_finish(&digest, hex, err);
    digest_release(&digest);
    if (!status)
        snprintf(out, 16, "%.15s", hex);
    return status ? -1 : 0;
}

static int digest_setting(struct ablate_results *results, struct error *err)
{
    const struct ablate_setting *s = &results->setting;
    char text[512];
    int n = snprintf(text, sizeof text, "%s\n%s\n%s\n%d\n%s\n%s\n%s\n%s", s->family, s->precision, s->isa, s->threads,
                     s->library, s->davidnet, s->commit, s->device);
    return short_digest(text, (size_t)n, results->setting_digest, err);
}

/* Of all but the batch size, and what it is called by. */
static int digest_recipe(const struct recipe *recipe, char out[16], struct error *err)
{
    struct recipe *copy = malloc(sizeof *copy);
    size_t length;
    if (!copy)
        return error_set(err, "out of memory for the recipe");
    *copy = *recipe;
    copy->batch = copy->batch_times = 1;
    memset(copy->name, 0, sizeof copy->name);
    char *text = recipe_text(copy, &length, err);
    int status = text ? short_digest(text, length, out, err) : -1;
    free(text);
    free(copy);
    return status;
}

/* ---- writing ---- */

static cJSON *setting_json(const struct ablate_setting *s)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "format", FORMAT);
    cJSON_AddNumberToObject(object, "version", VERSION);
    cJSON_AddStringToObject(object, "family", s->family);
    cJSON_AddStringToObject(object, "precision", s->precision);
    cJSON_AddStringToObject(object, "isa", s->isa);
    cJSON_AddNumberToObject(object, "threads", s->threads);
    cJSON_AddStringToObject(object, "library", s->library);
    cJSON_AddStringToObject(object, "davidnet", s->davidnet);
    cJSON_AddStringToObject(object, "commit", s->commit);
    cJSON_AddStringToObject(object, "device", s->device);
    json_add_number(object, "ceiling_flops", s->ceiling.flops);
    json_add_number(object, "ceiling_bytes", s->ceiling.bytes);
    cJSON_AddBoolToObject(object, "ceiling_noisy", s->ceiling.noisy);
    return object;
}

void ablate_recipe_add_json(const struct ablate_recipe *recipe, cJSON *object)
{
    cJSON_AddStringToObject(object, "preset", recipe->preset);
    cJSON_AddStringToObject(object, "recipe", recipe->digest);
    cJSON_AddStringToObject(object, "summary", recipe->summary);
    cJSON_AddNumberToObject(object, "seed", (double)recipe->seed);
    cJSON_AddStringToObject(object, "options", recipe->options);
}

static cJSON *record_json(const struct ablate_results *results, const struct ablate_record *r)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "preset", r->preset);
    cJSON_AddStringToObject(object, "recipe", r->recipe);
    cJSON_AddStringToObject(object, "setting", results->setting_digest);
    json_add_number(object, "unix_time", r->unix_time);
    cJSON_AddNumberToObject(object, "batch", r->batch);
    cJSON_AddStringToObject(object, "variant", ablate_variant_name(r->variant));
    cJSON_AddNumberToObject(object, "round", r->round);
    json_add_number(object, "ms", 1e3 * r->times.seconds);
    cJSON *parts = cJSON_AddObjectToObject(object, "parts_ms");
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        json_add_number(parts, ablate_part_name((enum ablate_part)p), 1e3 * r->times.part[p]);
    json_add_number(object, "cpu_ms", 1e3 * r->times.cpu);
    cJSON_AddBoolToObject(object, "noisy", r->noisy);
    json_add_number(object, "flops", r->flops);
    json_add_number(object, "bytes", r->bytes);
    return object;
}

/* One write, so that a line is there as a whole or, after a crash, as its beginning. */
static int append(const char *path, cJSON *object, struct error *err)
{
    char *text = cJSON_PrintUnformatted(object), *line = NULL;
    cJSON_Delete(object);
    size_t size = text ? strlen(text) + 1 : 0;
    if (text && (line = malloc(size + 1)) != NULL)
        snprintf(line, size + 1, "%s\n", text);
    cJSON_free(text);
    if (!line)
        return error_set(err, "out of memory for a line of %s", path);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    int failed = fd < 0 || file_write_all(fd, line, size) != 0 || fdatasync(fd) != 0, reason = errno;
    if (fd >= 0)
        close(fd);
    free(line);
    return failed ? error_set(err, "cannot write %s: %s", path, strerror(reason)) : 0;
}

/* ---- reading ---- */

static double real(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

/* -1: missing, or not a whole number within the limits. */
static int whole(const cJSON *object, const char *key, int max)
{
    double value = real(object, key);
    return value >= 0 && value <= max && value == floor(value) ? (int)value : -1;
}

/* Such texts go to terminals. */
static void make_printable(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '?';
}

static int text(const cJSON *object, const char *key, char *out, size_t size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(item) || strlen(item->valuestring) >= size)
        return -1;
    snprintf(out, size, "%s", item->valuestring);
    make_printable(out);
    return 0;
}

static int read_setting(const cJSON *object, struct ablate_results *results)
{
    struct ablate_setting *s = &results->setting;
    char format[sizeof FORMAT];
    int version = whole(object, "version", INT_MAX);
    s->threads = whole(object, "threads", INT_MAX);
    s->ceiling = (struct ceiling){.flops = real(object, "ceiling_flops"),
                                  .bytes = real(object, "ceiling_bytes"),
                                  .noisy = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "ceiling_noisy"))};
    if (text(object, "format", format, sizeof format) || strcmp(format, FORMAT) != 0 || version < 1 ||
        version > VERSION || s->threads < 1 || text(object, "family", s->family, sizeof s->family) ||
        text(object, "precision", s->precision, sizeof s->precision) || text(object, "isa", s->isa, sizeof s->isa) ||
        text(object, "library", s->library, sizeof s->library) ||
        text(object, "davidnet", s->davidnet, sizeof s->davidnet) ||
        text(object, "commit", s->commit, sizeof s->commit) ||
        (version > 1 && text(object, "device", s->device, sizeof s->device)))
        return -1;
    results->version = version;
    return 0;
}

/* options is malloc'ed. */
static int read_recipe(const cJSON *object, struct ablate_recipe *r)
{
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(object, "options");
    double seed = real(object, "seed");
    if (text(object, "preset", r->preset, sizeof r->preset) || text(object, "recipe", r->digest, sizeof r->digest) ||
        text(object, "summary", r->summary, sizeof r->summary) || !(fabs(seed) < 9e15) || seed != floor(seed))
        return -1;
    r->seed = (int64_t)seed;
    size_t size = strlen(options->valuestring) + 1;
    r->options = malloc(size);
    return r->options ? text(object, "options", r->options, size) : -1;
}

static int read_record(const struct ablate_results *results, const cJSON *object, struct ablate_record *r)
{
    char variant[32], setting[16] = "";
    if (text(object, "preset", r->preset, sizeof r->preset) || text(object, "recipe", r->recipe, sizeof r->recipe) ||
        text(object, "variant", variant, sizeof variant) ||
        (results->version > 1 && text(object, "setting", setting, sizeof setting)))
        return -1;
    int found = ablate_variant_find(variant);
    r->batch = whole(object, "batch", INT_MAX);
    r->round = whole(object, "round", ABLATE_ROUNDS_MAX - 1);
    r->unix_time = real(object, "unix_time");
    r->times.seconds = 1e-3 * real(object, "ms");
    r->times.cpu = 1e-3 * real(object, "cpu_ms");
    r->flops = real(object, "flops");
    r->bytes = real(object, "bytes");
    const cJSON *parts = cJSON_GetObjectItemCaseSensitive(object, "parts_ms");
    const cJSON *noisy = cJSON_GetObjectItemCaseSensitive(object, "noisy");
    r->noisy = cJSON_IsTrue(noisy);
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        r->times.part[p] = 1e-3 * real(parts, ablate_part_name((enum ablate_part)p));
    if (found < 0 || r->batch < 1 || r->round < 0 || !(r->times.seconds > 0) || !cJSON_IsBool(noisy))
        return -1;
    r->variant = (enum ablate_variant)found;
    return results->version > 1 && strcmp(setting, results->setting_digest) != 0 ? 1 : 0;
}

static int keep(struct ablate_results *results, const struct ablate_record *record, struct error *err)
{
    if (results->count == results->room) {
        size_t room = results->room ? 2 * results->room : 64;
        struct ablate_record *more = realloc(results->records, room * sizeof *more);
        if (!more)
            return error_set(err, "out of memory for the measurements of %s", results->path);
        results->records = more;
        results->room = room;
    }
    results->records[results->count++] = *record;
    return 0;
}

/* Takes what recipe->options points to, also when it fails. */
static int keep_recipe(struct ablate_results *results, const struct ablate_recipe *recipe, struct error *err)
{
    struct ablate_recipe *more = realloc(results->recipes, ((size_t)results->n_recipes + 1) * sizeof *more);
    if (!more) {
        free(recipe->options);
        return error_set(err, "out of memory for the recipes of %s", results->path);
    }
    results->recipes = more;
    results->recipes[results->n_recipes++] = *recipe;
    return 0;
}

/* The digest of the recipe that the preset was measured with; NULL: not measured. */
static const char *recipe_of(const struct ablate_results *results, const char *preset)
{
    const struct ablate_recipe *recipe = ablate_results_recipe(results, preset);
    if (recipe || results->version > 1)
        return recipe ? recipe->digest : NULL;
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->records[i].preset, preset) == 0)
            return results->records[i].recipe;
    return NULL;
}

static int no_line(const struct ablate_results *results, int number, struct error *err)
{
    return error_set(err, "%s line %d is not one of a study of this version; give another folder", results->path,
                     number);
}

static int mixed(const struct ablate_results *results, int number, const char *what, struct error *err)
{
    return error_set(err,
                     "%s line %d was measured with another %s than what is above it: times of both do not belong "
                     "together; take the line out, or give another folder",
                     results->path, number, what);
}

static int take_recipe(struct ablate_results *results, const cJSON *object, int number, struct error *err)
{
    struct ablate_recipe recipe = {.options = NULL};
    if (read_recipe(object, &recipe)) {
        free(recipe.options);
        return no_line(results, number, err);
    }
    if (ablate_results_recipe(results, recipe.preset)) {
        free(recipe.options);
        return mixed(results, number, "recipe", err);
    }
    return keep_recipe(results, &recipe, err);
}

static int take_record(struct ablate_results *results, const cJSON *object, int number, struct error *err)
{
    struct ablate_record record = {.round = 0};
    int status = read_record(results, object, &record);
    if (status < 0)
        return no_line(results, number, err);
    if (status > 0)
        return mixed(results, number, "machine or davidnet", err);
    const char *recipe = recipe_of(results, record.preset);
    if (!recipe && results->version > 1)
        return no_line(results, number, err);
    if (recipe && strcmp(recipe, record.recipe) != 0)
        return mixed(results, number, "recipe", err);
    return keep(results, &record, err);
}

static int read_line(struct ablate_results *results, const char *line, int number, struct error *err)
{
    cJSON *object = cJSON_Parse(line);
    int status = 0;
    if (!object)
        status = no_line(results, number, err);
    else if (results->version == 0)
        status = read_setting(object, results) ? no_line(results, number, err) : digest_setting(results, err);
    else if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, "options")))
        status = take_recipe(results, object, number, err);
    else
        status = take_record(results, object, number, err);
    cJSON_Delete(object);
    return status;
}

/* *whole: the bytes of the lines that have an end. */
static int read_lines(struct ablate_results *results, char *bytes, size_t size, size_t *whole, struct error *err)
{
    *whole = 0;
    for (int number = 1; *whole < size; number++) {
        char *line = bytes + *whole, *end = memchr(line, '\n', size - *whole);
        if (!end)
            return 0;
        *end = '\0';
        if (read_line(results, line, number, err))
            return -1;
        *whole = (size_t)(end - bytes) + 1;
    }
    return 0;
}

/* 1: there is no file. */
static int read_file(struct ablate_results *results, size_t *unfinished, struct error *err)
{
    char *bytes = NULL;
    size_t size = 0, whole = 0;
    *unfinished = 0;
    if (access(results->path, F_OK) != 0)
        return 1;
    int status =
        file_read(results->path, BYTES_MAX, &bytes, &size, err) || read_lines(results, bytes, size, &whole, err);
    free(bytes);
    *unfinished = size - whole;
    return status ? -1 : 0;
}

static int set_path(struct ablate_results *results, const char *folder, struct error *err)
{
    *results = (struct ablate_results){.lock = -1};
    return snprintf(results->path, sizeof results->path, "%s/results.jsonl", folder) >= (int)sizeof results->path
               ? error_set(err, "the folder's name is too long: %.80s...", folder)
               : 0;
}

static int lock_folder(struct ablate_results *results, const char *folder, struct error *err)
{
    struct run_folder place = {.name = "ablate"};
    char holder[128];
    if (snprintf(place.path, sizeof place.path, "%s", folder) >= (int)sizeof place.path)
        return error_set(err, "the folder's name is too long: %.80s...", folder);
    if (run_folder_lock(&place, &results->lock, err) == 0)
        return 0;
    if (run_folder_locked(&place, holder, sizeof holder))
        error_set(err, "%s: process %s measures into it; wait for it, or give another folder with --out", folder,
                  holder);
    return -1;
}

int ablate_results_open(struct ablate_results *results, const char *folder, struct error *err)
{
    size_t unfinished = 0;
    if (set_path(results, folder, err) || folder_make(folder, err) || lock_folder(results, folder, err))
        return -1;
    int status = read_file(results, &unfinished, err);
    /* a crash: what follows must begin a line */
    if (status == 0 && unfinished > 0) {
        struct stat file;
        if (stat(results->path, &file) || truncate(results->path, file.st_size - (off_t)unfinished))
            status = error_set(err, "cannot take the unfinished line from the end of %s: %s", results->path,
                               strerror(errno));
    }
    if (status < 0)
        ablate_results_release(results);
    return status < 0 ? -1 : 0;
}

int ablate_results_read(struct ablate_results *results, const char *folder, struct error *err)
{
    size_t unfinished;
    if (set_path(results, folder, err))
        return -1;
    int status = read_file(results, &unfinished, err);
    if (status > 0 || (status == 0 && results->count == 0))
        status = error_set(err, "%s: nothing is measured yet; leave --table out", results->path);
    if (status)
        ablate_results_release(results);
    return status;
}

void ablate_results_release(struct ablate_results *results)
{
    for (int i = 0; i < results->n_recipes; i++)
        free(results->recipes[i].options);
    free(results->recipes);
    free(results->records);
    run_folder_unlock(&results->lock);
    *results = (struct ablate_results){.lock = -1};
}

/* ---- what is in it ---- */

static int other(const struct ablate_results *results, const char *what, const char *there, const char *here,
                 struct error *err)
{
    return error_set(err,
                     "%s was measured with %s %s, and this is %s: times of both do not belong together; give another "
                     "folder with --out",
                     results->path, what, there, here);
}

static int check_version(const struct ablate_results *results, struct error *err)
{
    if (results->version == 0 || results->version == VERSION)
        return 0;
    return error_set(err,
                     "%s was begun by an older davidnet: it can be shown (--table), but not added to; give another "
                     "folder with --out",
                     results->path);
}

static int check_setting(const struct ablate_results *results, const struct ablate_setting *s, struct error *err)
{
    const struct ablate_setting *there = &results->setting;
    const char *const same[][3] = {
        {"device", there->family, s->family},       {"precision", there->precision, s->precision},
        {"instruction set", there->isa, s->isa},    {"library", there->library, s->library},
        {"davidnet", there->davidnet, s->davidnet}, {"commit", there->commit, s->commit},
        {"processor", there->device, s->device}};
    char a[16], b[16];
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (strcmp(same[i][1], same[i][2]) != 0)
            return other(results, same[i][0], same[i][1], same[i][2], err);
    snprintf(a, sizeof a, "%d", there->threads);
    snprintf(b, sizeof b, "%d", s->threads);
    return there->threads == s->threads ? 0 : other(results, "threads =", a, b, err);
}

int ablate_results_begin(struct ablate_results *results, const struct ablate_setting *s, struct error *err)
{
    if (check_version(results, err))
        return -1;
    if (results->version > 0)
        return check_setting(results, s, err);
    results->setting = *s;
    make_printable(results->setting.device); /* the digest is of what will be read */
    make_printable(results->setting.library);
    if (digest_setting(results, err) || append(results->path, setting_json(&results->setting), err))
        return -1;
    results->version = VERSION;
    return 0;
}

/* Of the command line, malloc'ed. */
static char *options_of(const struct recipe *recipe, struct error *err)
{
    static const char before[] = "davidnet train ";
    char *options = malloc(RECIPE_COMMAND_MAX);
    if (!options) {
        error_set(err, "out of memory for the recipe's options");
        return NULL;
    }
    recipe_command(recipe, options, RECIPE_COMMAND_MAX);
    memmove(options, options + strlen(before), strlen(options + strlen(before)) + 1);
    return options;
}

int ablate_results_check(const struct ablate_results *results, const struct recipe *recipe, struct error *err)
{
    char digest[16];
    const struct ablate_recipe *known = ablate_results_recipe(results, recipe->preset);
    if (check_version(results, err) || digest_recipe(recipe, digest, err))
        return -1;
    if (!known || strcmp(known->digest, digest) == 0)
        return 0;
    char *options = options_of(recipe, err);
    if (!options)
        return -1;
    error_set(err,
              "%s has %s with other values than now (%.300s; now %.300s): times of both do not belong together; give "
              "another folder with --out, or the options of before",
              results->path, recipe->preset, known->options, options);
    free(options);
    return -1;
}

int ablate_results_add_recipe(struct ablate_results *results, const struct recipe *recipe, struct error *err)
{
    struct ablate_recipe added = {.seed = recipe->seed};
    if (ablate_results_check(results, recipe, err) || digest_recipe(recipe, added.digest, err))
        return -1;
    if (ablate_results_recipe(results, recipe->preset))
        return 0;
    snprintf(added.preset, sizeof added.preset, "%s", recipe->preset);
    recipe_summary(recipe, added.summary, sizeof added.summary);
    added.options = options_of(recipe, err);
    if (!added.options)
        return -1;
    cJSON *line = cJSON_CreateObject();
    ablate_recipe_add_json(&added, line);
    if (append(results->path, line, err)) {
        free(added.options);
        return -1;
    }
    return keep_recipe(results, &added, err);
}

int ablate_results_add(struct ablate_results *results, const struct ablate_record *record, struct error *err)
{
    const struct ablate_recipe *recipe = ablate_results_recipe(results, record->preset);
    struct ablate_record added = *record;
    if (!recipe)
        return error_set(err, "%s: the recipe of %s is not in it", results->path, record->preset);
    memcpy(added.recipe, recipe->digest, sizeof added.recipe);
    return append(results->path, record_json(results, &added), err) || keep(results, &added, err) ? -1 : 0;
}

const struct ablate_recipe *ablate_results_recipe(const struct ablate_results *results, const char *preset)
{
    for (int i = 0; i < results->n_recipes; i++)
        if (strcmp(results->recipes[i].preset, preset) == 0)
            return &results->recipes[i];
    return NULL;
}

const struct ablate_record *ablate_results_find(const struct ablate_results *results, const char *preset, int batch,
                                                enum ablate_variant variant, int round)
{
    for (size_t i = 0; i < results->count; i++) {
        const struct ablate_record *r = &results->records[i];
        if (r->batch == batch && r->variant == variant && r->round == round && strcmp(r->preset, preset) == 0)
            return r;
    }
    return NULL;
}
