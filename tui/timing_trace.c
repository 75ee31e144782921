#include "tui/timing_trace.h"

#include "engine/files.h"
#include "engine/trace.h"
#include "tui/command.h"
#include "tui/run_report.h"

#include <stdlib.h>
#include <unistd.h>

#define BYTES_MAX ((size_t)256 << 20)

/* The run's trace, malloc'ed and checked; NULL with err. */
static char *read_trace(const struct run_folder *folder, size_t *size, struct error *err)
{
    char source[RUN_PATH_MAX + 32], *text = NULL;
    run_folder_path(folder, "trace.json", source, sizeof source);
    if (access(source, F_OK) != 0) {
        error_set(
            err,
            "run %s has no trace: it has not trained long enough, or was made by a davidnet that took none; a few "
            "steps of `davidnet train` make one",
            folder->name);
        return NULL;
    }
    if (file_read(source, BYTES_MAX, &text, size, err) == 0 && trace_check(text, source, err) == 0)
        return text;
    free(text);
    return NULL;
}

int timing_trace_copy(const struct run_folder *folder, const char *path, struct error *err)
{
    size_t size;
    char *text = read_trace(folder, &size, err);
    int status = text ? run_output_file(path, text, size, err) : -1;
    free(text);
    return status;
}

int timing_trace_write(const char *run, const char *path)
{
    struct error err = {""};
    struct run_folder folder;
    size_t size;
    char *text = run_folder_find(&folder, run, &err) < 0 ? NULL : read_trace(&folder, &size, &err);
    int status = text ? run_output(path, text, size, &err) : -1;
    free(text);
    return status == 0 ? EXIT_OK : command_fail("%s", err.text);
}
