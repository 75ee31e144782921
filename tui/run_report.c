#include "tui/run_report.h"

#include "engine/files.h"
#include "engine/json.h"
#include "engine/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct run_report *run_report_open(const char *run, struct error *err)
{
    char path[RUN_PATH_MAX + 160];
    struct run_report *report = calloc(1, sizeof *report);
    if (report == NULL) {
        error_set(err, "out of memory");
        return NULL;
    }
    report->log.fd = -1;
    if (run_folder_find(&report->folder, run, err) < 0)
        goto fail;
    run_folder_path(&report->folder, "recipe.ini", path, sizeof path);
    if (recipe_read(path, &report->recipe, err) < 0)
        goto fail;
    run_folder_path(&report->folder, "log", path, sizeof path);
    if (access(path, F_OK) == 0 ? run_log_load(&report->log, path, NULL, err) : run_log_open(&report->log, NULL, err))
        goto fail;
    int locked = run_folder_locked(&report->folder, NULL, 0);
    run_summary_fill(&report->summary, &report->recipe, &report->log, locked);
    snprintf(report->summary.name, sizeof report->summary.name, "%s", report->folder.name);
    report->summary.bytes = folder_bytes(report->folder.path);
    run_label_read(&report->folder, &report->label, NULL);
    return report;
fail:
    run_report_free(report);
    return NULL;
}

void run_report_free(struct run_report *report)
{
    if (report == NULL)
        return;
    run_log_release(&report->log);
    free(report);
}

void run_report_summary_json(cJSON *object, const struct run_summary *s)
{
    cJSON_AddStringToObject(object, "run", s->name);
    cJSON_AddStringToObject(object, "recipe_name", s->recipe);
    cJSON_AddStringToObject(object, "preset", s->preset);
    cJSON_AddNumberToObject(object, "seed", (double)s->seed);
    cJSON_AddStringToObject(object, "state", s->state);
    cJSON_AddNumberToObject(object, "step", s->step);
    cJSON_AddNumberToObject(object, "steps", s->steps);
    json_add_number(object, "epochs_done", s->epochs_done);
    json_add_number(object, "epochs", s->epochs);
    json_add_number(object, "test_acc", s->last_acc);
    json_add_number(object, "best_acc", s->best_acc);
    json_add_number(object, "train_seconds", s->train_seconds);
    json_add_number(object, "wall_seconds", s->wall_seconds);
    json_add_number(object, "seconds_to_target", s->seconds_to_target);
    json_add_number(object, "unix_start", s->unix_start);
    cJSON_AddNumberToObject(object, "bytes", (double)s->bytes);
}

void run_report_label_json(cJSON *object, const struct run_label *label)
{
    cJSON *tags = cJSON_AddArrayToObject(object, "tags");
    for (int i = 0; i < label->n_tags; i++)
        cJSON_AddItemToArray(tags, cJSON_CreateString(label->tag[i]));
    cJSON_AddStringToObject(object, "note", label->note);
    if (label->campaign[0] == '\0')
        return;
    cJSON_AddStringToObject(object, "campaign", label->campaign);
    cJSON_AddStringToObject(object, "side", run_side_name(label->side));
    cJSON_AddNumberToObject(object, "number", label->number);
}

void run_report_epoch_json(cJSON *object, const struct record *record)
{
    json_add_number(object, "epoch", record->epoch);
    json_add_number(object, "step", record->step);
    json_add_number(object, "lr", record->as.epoch.lr);
    json_add_number(object, "train_loss", record->as.epoch.train_loss);
    json_add_number(object, "train_acc", record_decimal(record->as.epoch.train_acc));
    json_add_number(object, "test_loss", record->as.epoch.test_loss);
    json_add_number(object, "test_acc", record_decimal(record->as.epoch.test_acc));
    json_add_number(object, "train_seconds", record->as.epoch.train_seconds);
    json_add_number(object, "speedrun_seconds", record->as.epoch.speedrun_seconds);
    json_add_number(object, "wall_seconds", record->as.epoch.wall_seconds);
    json_add_number(object, "steal_percent", record_decimal(record->as.epoch.steal));
    json_add_number(object, "load", record_decimal(record->as.epoch.load));
    json_add_number(object, "involuntary_switches", record->as.epoch.involuntary_switches);
}

const char *run_text_bytes(int64_t bytes, char out[RUN_TEXT])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    int unit = 0;
    if (bytes < 0) {
        strcpy(out, "-");
        return out;
    }
    while (value >= 999.5 && unit < 4) {
        value /= 1000;
        unit++;
    }
    snprintf(out, RUN_TEXT, unit > 0 && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

const char *run_text_number(double value, int decimals, char out[RUN_TEXT])
{
    if (isfinite(value))
        snprintf(out, RUN_TEXT, "%.*f", decimals, value);
    else
        strcpy(out, "-");
    return out;
}

const char *run_text_time(double unix_time, char out[RUN_TEXT])
{
    struct tm tm;
    time_t seconds = isfinite(unix_time) ? (time_t)unix_time : 0;
    if (seconds <= 0 || localtime_r(&seconds, &tm) == NULL || strftime(out, RUN_TEXT, "%Y-%m-%d %H:%M", &tm) == 0)
        strcpy(out, "-");
    return out;
}

const char *run_text_safe(const char *text, char *out, size_t size)
{
    snprintf(out, size, "%s", text);
    return utf8_tame(out, "", '?');
}

int run_output_file(const char *path, const char *text, size_t size, struct error *err)
{
    struct file_part part = {text, size};
    struct stat st;
    if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
        return file_replace(path, &part, 1, err);
    int fd = open(path, O_WRONLY | O_CLOEXEC); /* a device or a pipe is written to, not replaced */
    if (fd < 0 || file_write_all(fd, text, size) < 0)
        error_set(err, "%s: cannot write it: %s", path, strerror(errno));
    else
        return close(fd);
    if (fd >= 0)
        close(fd);
    return -1;
}

int run_output(const char *path, const char *text, size_t size, struct error *err)
{
    struct stat st;
    if (path == NULL || strcmp(path, "-") == 0) {
        if (fwrite(text, 1, size, stdout) != size || fflush(stdout) != 0)
            return error_set(err, "writing the output: %s", strerror(errno));
        return 0;
    }
    if (run_output_file(path, text, size, err) < 0)
        return -1;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        puts(path);
    return 0;
}
