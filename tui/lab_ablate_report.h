/* What the study `ablate` found, as text: a table for people, CSV and JSON for programs. */
#ifndef DAVIDNET_TUI_LAB_ABLATE_REPORT_H
#define DAVIDNET_TUI_LAB_ABLATE_REPORT_H

#include "engine/ablate_summary.h"

#include <stdio.h>

struct lab_ablate_report {
    const struct ablate_setting *setting;
    const struct ablate_summary *list;
    int count;
    const char *command; /* that reproduces it */
};

/* "cpu, f32, avx512, 2 threads, oneDNN 2.6.3; davidnet 0.1.0 (63f6f9dde0)" */
void lab_ablate_machine(const struct ablate_setting *setting, char *out, size_t size);

/* "4 of 18 measurements were disturbed by other programs"; empty: none was. */
void lab_ablate_noise(const struct lab_ablate_report *report, char *out, size_t size);

/* No line over 80 columns. */
void lab_ablate_table(FILE *out, const struct lab_ablate_report *report);

/*
 * One line a variant, a cost and the bound: preset, batch, kind (variant, cost, bound), name, rounds, noisy, ms (the
 * least of the rounds, or the difference of two), median_ms, low_ms, high_ms (of the rounds, or of their own
 * differences), cpu_ms (the least CPU time of all threads, or the difference of two), share_percent (of the full
 * step), timers_ms, fused_ms, others_ms, between_ms, gflop, gigabytes. Empty: does not apply, or not measured.
 */
void lab_ablate_csv(FILE *out, const struct lab_ablate_report *report);

/*
 * {"format": "davidnet-lab-ablate", "version": 1, "command": ..., the setting as in results.jsonl (ablate_study.h),
 *  "cases": [{"preset", "batch", "flop_bound_ms",
 *             "variants": [{"name", "title", "rounds", "noisy", "ms", "median_ms", "high_ms", "cpu_ms", "flops",
 *                           "bytes", "parts_ms": {}}],
 *             "costs": [{"name", "title", "ms", "median_ms", "low_ms", "high_ms", "cpu_ms", "timers_ms", "fused_ms",
 *                        "others_ms", "between_ms"}]}]}
 * What is not measured is null. -1: no memory.
 */
int lab_ablate_json(FILE *out, const struct lab_ablate_report *report, struct error *err);

#endif
