#include "tui/timing_trace.h"

#include "engine/files.h"
#include "engine/trace.h"
#include "tui/command.h"
#include "tui/run_report.h"

#include <stdlib.h>
#include <unistd.h>

#define BYTES_MAX ((size_t)256 << 20)

int timing_trace_copy(const struct run_folder *folder, const char *path, struct error *err)
{
    char source[RUN_PATH_MAX + 32], *text = NULL;
    size_t size;
    run_folder_path(folder, "trace.json", source, sizeof source);
    if (access(source, F_OK) != 0)
        return error_set(err,
                         "run %s has no trace: it has not trained long enough, or was made by a davidnet that took "
                         "none; a few steps of `davidnet train` make one",
                         folder->name);
    int status = file_read(source, BYTES_MAX, &text, &size, err) || trace_check(text, source, err) ||
                 run_output(path, text, size, err);
    free(text);
    return status ? -1 : 0;
}

int timing_trace_write(const char *run, const char *path)
{
    struct error err = {""};
    struct run_folder folder;
    if (run_folder_find(&folder, run, &err) < 0 || timing_trace_copy(&folder, path, &err) < 0)
        return command_fail("%s", err.text);
    return EXIT_OK;
}
