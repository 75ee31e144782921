/* What the commands about finished and live runs share: a run opened for reading, its figures as text, -o FILE. */
#ifndef DAVIDNET_TUI_RUN_REPORT_H
#define DAVIDNET_TUI_RUN_REPORT_H

#include "engine/recipe.h"
#include "engine/run_folder.h"
#include "engine/run_label.h"
#include "engine/run_log.h"

#include <cjson/cJSON.h>
#include <stdio.h>

struct run_report {
    struct run_folder folder;
    struct recipe recipe;
    struct run_log log; /* empty when the run has none yet */
    struct run_summary summary;
    struct run_label label; /* empty if its file is damaged */
};

/* Large: allocated. run as run_folder_find takes it; NULL with err. */
struct run_report *run_report_open(const char *run, struct error *err);
void run_report_free(struct run_report *report);

/* Adds the summary's fields to a JSON object; what is unknown is null. */
void run_report_summary_json(cJSON *object, const struct run_summary *summary);
/* The same for "tags" and "note", and for the campaign that it was made for. */
void run_report_label_json(cJSON *object, const struct run_label *label);
/* The same for the record of an epoch. */
void run_report_epoch_json(cJSON *object, const struct record *record);

/*
 * Text for people; "-" for NaN. Each returns out.
 *   bytes: "820 kB", "53 MB"   number: with that many decimals
 * Clocks are format_seconds's (views/format.h), here as on the screen.
 */
#define RUN_TEXT 32
const char *run_text_bytes(int64_t bytes, char out[RUN_TEXT]);
const char *run_text_number(double value, int decimals, char out[RUN_TEXT]);

/* Local time, "2026-08-01 12:00"; "-" for NaN. */
const char *run_text_time(double unix_time, char out[RUN_TEXT]);

/* A copy of text with unprintable bytes as '?', for names that come from folders; returns out. */
const char *run_text_safe(const char *text, char *out, size_t size);

/* Text to a file (replaced whole), whose name is printed then, or, path NULL or "-", to stdout. The second is for the
 * workbench: it prints nothing. */
int run_output(const char *path, const char *text, size_t size, struct error *err);
int run_output_file(const char *path, const char *text, size_t size, struct error *err);

#endif
