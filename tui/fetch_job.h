/* Fetching CIFAR-10 on a thread of its own, with its progress as one line of text. */
#ifndef DAVIDNET_TUI_FETCH_JOB_H
#define DAVIDNET_TUI_FETCH_JOB_H

#include "engine/fetch.h"

#include <stddef.h>

enum fetch_job_state { FETCH_JOB_RUNNING, FETCH_JOB_OK, FETCH_JOB_FAILED, FETCH_JOB_CANCELLED };

struct fetch_job;

/* to: the folder that gets the data set's folder. NULL with err if no thread can be had. */
struct fetch_job *fetch_job_start(const struct fetch_source *source, const char *to, struct error *err);

/* Writes the line to show (progress, the result, or what went wrong); any state but running is final. */
enum fetch_job_state fetch_job_state(struct fetch_job *job, char *line, size_t size);
/* The data set's folder, once it is there. */
const char *fetch_job_folder(const struct fetch_job *job);

void fetch_job_cancel(struct fetch_job *job);
void fetch_job_free(struct fetch_job *job); /* cancels and waits; NULL is fine */

#endif
