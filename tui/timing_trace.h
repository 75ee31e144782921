/* `davidnet timing RUN --format trace`: RUN/trace.json (engine/trace.h), checked. */
#ifndef DAVIDNET_TUI_TIMING_TRACE_H
#define DAVIDNET_TUI_TIMING_TRACE_H

#include "engine/run_folder.h"

/* The run's, checked, to the file path, without a word. -1 with err. */
int timing_trace_copy(const struct run_folder *folder, const char *path, struct error *err);

/* Writes it to path, as run_output does; returns an exit code, and has said what was wrong. */
int timing_trace_write(const char *run, const char *path);

#endif
