#include "engine/run_entry.h"

#include "engine/contention.h"
#include "engine/crc.h"
#include "engine/files.h"
#include "engine/recipe_differences.h"
#include "engine/tricks.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JSON_BYTES_MAX (4 << 20)
#define CURVES 7

static cJSON *read_json(const struct run_folder *folder, const char *file)
{
    char path[RUN_PATH_MAX + 160], *text;
    size_t size;
    if (run_folder_path(folder, file, path, sizeof path) < 0 || file_read(path, JSON_BYTES_MAX, &text, &size, NULL) < 0)
        return NULL;
    cJSON *root = cJSON_Parse(text);
    free(text);
    return root;
}

static const char *string_of(const cJSON *root, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(root, key));
    return text != NULL ? text : "";
}

/* The host from RUN/status, or, for runs made before it was there, from RUN/lock: "PID on HOST". */
static void find_host(const struct run_folder *folder, char *out, size_t size)
{
    char path[RUN_PATH_MAX + 160], *text;
    size_t length;
    cJSON *status = read_json(folder, "status");
    snprintf(out, size, "%s", string_of(status, "host"));
    cJSON_Delete(status);
    if (out[0] != '\0' || run_folder_path(folder, "lock", path, sizeof path) < 0 ||
        file_read(path, 4096, &text, &length, NULL) < 0)
        return;
    const char *on = strstr(text, " on ");
    if (on != NULL)
        snprintf(out, size, "%.*s", (int)strcspn(on + 4, "\n"), on + 4);
    free(text);
}

/* What carries out each step, and whose kernels these are, so that two programs can be told apart. */
static unsigned program_crc(const cJSON *program)
{
    uint32_t crc = 0;
    static const char *const keys[] = {"davidnet", "train", "evaluate"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(program, keys[i]));
        if (text != NULL)
            crc = crc_add(crc, text, strlen(text));
        cJSON_free(text);
    }
    return crc;
}

static void read_machine(struct run_entry *entry)
{
    char host[80];
    find_host(&entry->folder, host, sizeof host);
    cJSON *program = read_json(&entry->folder, "program.json");
    if (program == NULL)
        return;
    const cJSON *threads = cJSON_GetObjectItem(program, "threads");
    snprintf(entry->data, sizeof entry->data, "%s", string_of(program, "data_sha256"));
    const char *source = string_of(program, "data");
    size_t length = strlen(source), most = sizeof entry->source - 1;
    snprintf(entry->source, sizeof entry->source, "%s", source + (length > most ? length - most : 0));
    entry->threads = cJSON_IsNumber(threads) ? threads->valueint : 0;
    entry->program = program_crc(program);
    if (host[0] != '\0')
        snprintf(entry->machine, sizeof entry->machine, "%s: %.40s, %.40s, %.20s, %d threads, %.20s", host,
                 string_of(program, "family"), string_of(program, "library"), string_of(program, "precision"),
                 entry->threads, string_of(program, "isa"));
    cJSON_Delete(program);
}

static int read_curves(struct run_entry *entry, const struct run_log *log)
{
    size_t n = run_log_series(log, RECORD_EPOCH, NULL, 0), start;
    if (n == 0 || run_log_series(log, RECORD_START, &start, 1) == 0)
        return 0;
    double per_epoch = run_log_at(log, start)->as.start.steps_per_epoch;
    entry->train_images = run_log_at(log, start)->as.start.train_images;
    size_t *index = malloc(n * sizeof *index);
    double *block = malloc(n * CURVES * sizeof *block);
    if (index == NULL || block == NULL || !(per_epoch > 0)) {
        free(index);
        free(block);
        return per_epoch > 0 ? -1 : 0;
    }
    double **const arrays[CURVES] = {&entry->epoch,     &entry->lr,       &entry->train_loss,   &entry->train_acc,
                                     &entry->test_loss, &entry->test_acc, &entry->train_seconds};
    for (int i = 0; i < CURVES; i++)
        *arrays[i] = block + (size_t)i * n;
    entry->n_epochs = run_log_series(log, RECORD_EPOCH, index, n);
    for (size_t i = 0; i < entry->n_epochs; i++) {
        const struct record *r = run_log_at(log, index[i]);
        entry->epoch[i] = r->step / per_epoch;
        entry->lr[i] = r->as.epoch.lr;
        entry->train_loss[i] = r->as.epoch.train_loss;
        entry->train_acc[i] = record_decimal(r->as.epoch.train_acc);
        entry->test_loss[i] = r->as.epoch.test_loss;
        entry->test_acc[i] = record_decimal(r->as.epoch.test_acc);
        entry->train_seconds[i] = r->as.epoch.train_seconds;
    }
    free(index);
    return 0;
}

/* After read_machine, which says how many threads there were. */
static void measure_noise(struct run_entry *entry, const struct run_log *log)
{
    double before = 0, noisy = 0;
    for (size_t i = 0; i < run_log_length(log); i++) {
        const struct record *r = run_log_at(log, i);
        double seconds = r->as.epoch.wall_seconds - before;
        if (r->kind != RECORD_EPOCH || !(seconds > 0)) /* epochs that were rewound took their time, too */
            continue;
        before = r->as.epoch.wall_seconds;
        if (contention_noisy((double)r->as.epoch.steal, r->as.epoch.involuntary_switches, seconds, entry->threads))
            noisy += seconds;
    }
    entry->noisy = before > 0 ? noisy / before : NAN;
}

/* The log given, or the one that is read into `own`. NULL: neither. */
static const struct run_log *find_log(const struct run_folder *folder, const struct run_log *log, struct run_log *own,
                                      struct error *err)
{
    char path[RUN_PATH_MAX + 160];
    if (log != NULL)
        return log;
    if (run_folder_path(folder, "log", path, sizeof path) < 0) {
        error_set(err, "%s: the path is too long", folder->path);
        return NULL;
    }
    int rc = access(path, F_OK) == 0 ? run_log_load_outline(own, path, err) : run_log_open(own, NULL, err);
    return rc == 0 ? own : NULL;
}

static void unreadable(struct run_entry *entry, const struct error *err)
{
    struct run_summary *s = &entry->summary;
    *s = (struct run_summary){.seed = -1, .bytes = -1, .state = "unreadable"};
    s->epochs_done = s->epochs = s->best_acc = s->last_acc = NAN;
    s->train_seconds = s->wall_seconds = s->seconds_to_target = s->unix_start = NAN;
    entry->noisy = NAN;
    snprintf(entry->problem, sizeof entry->problem, "%.*s", (int)sizeof entry->problem - 1, err->text);
}

static void list_tricks(struct run_entry *entry)
{
    size_t used = 0;
    for (int i = 0; i < trick_count && used < sizeof entry->tricks; i++)
        if (trick_is_on(&tricks[i], &entry->recipe))
            used += (size_t)snprintf(entry->tricks + used, sizeof entry->tricks - used, "%s%s", used > 0 ? " " : "",
                                     tricks[i].key);
}

static int fill(struct run_entry *entry, const struct run_log *given)
{
    struct error err = {""};
    char path[RUN_PATH_MAX + 160];
    struct run_log *own = calloc(1, sizeof *own);
    if (own == NULL)
        return -1;
    own->fd = -1;
    int rc = 0;
    const struct run_log *log = find_log(&entry->folder, given, own, &err);
    if (log == NULL || run_folder_path(&entry->folder, "recipe.ini", path, sizeof path) < 0 ||
        recipe_read(path, &entry->recipe, &err) < 0) {
        unreadable(entry, &err);
    } else {
        run_summary_fill(&entry->summary, &entry->recipe, log, run_folder_locked(&entry->folder, NULL, 0));
        entry->summary.bytes = folder_bytes(entry->folder.path);
        rc = read_curves(entry, log);
        list_tricks(entry);
        recipe_family_name(&entry->recipe, entry->family, sizeof entry->family);
        read_machine(entry);
        measure_noise(entry, log);
        run_label_read(&entry->folder, &entry->label, NULL); /* a damaged label is shown as none */
    }
    snprintf(entry->summary.name, sizeof entry->summary.name, "%s", entry->folder.name);
    run_log_release(own);
    free(own);
    return rc;
}

struct run_entry *run_entry_make(const struct run_folder *folder, const struct run_log *log)
{
    struct run_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->users = 1;
    entry->folder = *folder;
    if (fill(entry, log) == 0)
        return entry;
    run_entry_free(entry);
    return NULL;
}

struct run_entry *run_entry_keep(const struct run_entry *entry)
{
    struct run_entry *mine = (struct run_entry *)entry;
    __atomic_add_fetch(&mine->users, 1, __ATOMIC_RELAXED);
    return mine;
}

void run_entry_free(struct run_entry *entry)
{
    if (entry == NULL || __atomic_sub_fetch(&entry->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(entry->epoch); /* the first of one block */
    free(entry);
}

int run_entry_same_family(const struct run_entry *a, const struct run_entry *b)
{
    if (a->problem[0] != '\0' || b->problem[0] != '\0')
        return 0;
    if (a->data[0] != '\0' && b->data[0] != '\0' && strcmp(a->data, b->data) != 0)
        return 0;
    return forecast_same_family(&a->recipe, &b->recipe);
}

int run_entry_forecast(const struct run_entry *run, const struct run_entry *const *entries, int count,
                       const struct forecast_now *now, struct forecast *forecast)
{
    struct forecast_run *runs = malloc(((size_t)count + 1) * sizeof *runs);
    int n = 0;
    if (runs == NULL)
        return -1;
    for (int i = 0; i < count; i++) {
        const struct run_entry *e = entries[i];
        int to_its_end =
            strcmp(e->summary.state, "done") == 0 || (strcmp(e->summary.state, "failed") == 0 && e->summary.step > 0);
        if (!to_its_end || strcmp(e->folder.path, run->folder.path) == 0 || !run_entry_same_family(run, e))
            continue;
        int same = run->machine[0] != '\0' && strcmp(run->machine, e->machine) == 0 && run->program == e->program;
        runs[n++] = (struct forecast_run){same, e->n_epochs, e->epoch, e->test_acc, e->train_seconds};
    }
    forecast_make(runs, n, now, forecast);
    free(runs);
    return 0;
}
