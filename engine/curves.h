/*
 * A run's learning rate, loss and accuracy as series for other programs: CSV and JSON. Rewound steps are left out
 * (run_log_series); what was not measured is an empty field in CSV and null in JSON. Numbers are written so that they
 * read back exactly.
 *
 * CSV: one header line, then per run whose it is, its steps and its epochs:
 *   run,kind,step,epoch,lr,train_loss,train_acc,test_loss,test_acc,train_seconds,wall_seconds,name,value
 * kind is "step", "epoch" or "meta"; epoch is fractional for steps. Accuracies are percent, of the batch for steps.
 * name and value are of meta lines alone: format, version, and what engine/curve_origin.h lists.
 *
 * JSON, version 1 (fields may be added; a changed meaning changes the version): columns of equal length,
 *   {"format": "davidnet-curves", "version": 1, "runs": [{"run": NAME, "recipe": ... (engine/curve_origin.h),
 *     "steps_per_epoch": 98, "steps_planned": 2352,
 *     "steps":  {"step": [...], "epoch", "lr", "train_loss", "train_acc", "train_seconds", "wall_seconds"},
 *     "epochs": {"step": [...], "epoch", "lr", "train_loss", "train_acc", "test_loss", "test_acc", "train_seconds",
 *                "speedrun_seconds", "wall_seconds"}}]}
 */
#ifndef DAVIDNET_ENGINE_CURVES_H
#define DAVIDNET_ENGINE_CURVES_H

#include "engine/curve_origin.h"
#include "engine/run_log.h"

#include <stdio.h>

/* Columns, and what they are called in both formats. */
enum curves_column {
    CURVES_STEP,
    CURVES_EPOCH,
    CURVES_LR,
    CURVES_TRAIN_LOSS,
    CURVES_TRAIN_ACC,
    CURVES_TEST_LOSS,
    CURVES_TEST_ACC,
    CURVES_TRAIN_SECONDS,
    CURVES_SPEEDRUN_SECONDS,
    CURVES_WALL_SECONDS,
    CURVES_COLUMNS
};
const char *curves_column_name(enum curves_column column);
/* Of a STEP or EPOCH record; NaN where it has none. */
double curves_value(const struct record *record, enum curves_column column, uint32_t steps_per_epoch);

struct curves_run {
    const char *name;
    const struct run_log *log;
    const struct curve_origin *origin; /* NULL: nothing is said of whose it is */
};

int curves_write_csv(const struct curves_run *runs, int count, FILE *out, struct error *err);
int curves_write_json(const struct curves_run *runs, int count, FILE *out, struct error *err);

/* A field of CSV, quoted as RFC 4180 asks when it has to be. */
void curves_put_text(FILE *out, const char *text);

/* For each thing that is known of it a line: `before`, "name,value". */
void curves_put_origin(FILE *out, const struct curve_origin *origin, const char *before);

#endif
