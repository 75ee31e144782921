/*
 * The run log: one fixed-size, checksummed record per step, per epoch and per event; the truth about a run.
 *
 * In memory (struct run_log) it is a list of fixed chunks with one writer, the engine thread, which fills an
 * entry and then release-stores the length; any thread may read entries below an acquire-loaded length, with no
 * lock. The engine never waits for a reader.
 * On disk (RUN/log) each record is appended with one write(2), little-endian. A torn or corrupt tail is cut at the
 * first bad record on reading, and said (dropped); opening for appending cuts the file there, after moving what it
 * cuts, if that is a whole record or more, to PATH.cut. Resume appends REWIND; the last record of a step wins
 * (run_log_series does that).
 * A disk that is full for a while loses nothing: records that could not be written are written, in order, by the next
 * append or sync that succeeds, and what was written of half a record is cut off, at the latest before the next one is
 * written: while that cannot be done, nothing is.
 */
#ifndef DAVIDNET_ENGINE_RUN_LOG_H
#define DAVIDNET_ENGINE_RUN_LOG_H

#include "kernels/error.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_SIZE 128
#define RECORD_NOTE_MAX 88
#define RECORD_NOTE_HEAD 40 /* bytes that a text cut by record_text() keeps of its beginning, about */

enum record_kind { RECORD_START = 1, RECORD_STEP, RECORD_EPOCH, RECORD_REWIND, RECORD_NOTE, RECORD_END };

/* record.flags of an END: it failed because something was not a finite number. */
#define RECORD_DIVERGED 1

enum run_end { RUN_END_DONE, RUN_END_STOPPED, RUN_END_FAILED };

struct record {
    uint32_t crc; /* crc32 of the bytes that follow */
    uint16_t kind;
    uint16_t flags;
    uint32_t step;  /* steps done when this was written: 1 after the first; REWIND: the step gone back to */
    uint32_t epoch; /* epochs begun: 1 during the first */
    double unix_time;
    union {
        unsigned char bytes[RECORD_SIZE - 24]; /* first, so that an initialiser zeroes all of them */
        struct {                               /* RECORD_START */
            uint32_t steps, steps_per_epoch, batch, train_images, test_images;
            float epochs, target;
        } start;
        struct {                                /* RECORD_STEP */
            double lr;                          /* per mean loss */
            double loss;                        /* mean cross-entropy of the batch */
            double train_seconds, wall_seconds; /* cumulative clocks */
            float accuracy;                     /* percent of the batch */
            uint32_t n;                         /* images in the batch */
        } step;
        struct {                              /* RECORD_EPOCH */
            double lr, train_loss, test_loss; /* losses are NaN when not evaluated */
            double train_seconds, speedrun_seconds, wall_seconds;
            float train_acc, test_acc; /* percent; NaN when not evaluated */
            float steal, load;         /* contention: CPU steal in percent, load average */
            uint32_t involuntary_switches;
            uint32_t test_n;
        } epoch;
        struct {          /* RECORD_END */
            uint32_t how; /* enum run_end */
            char text[RECORD_NOTE_MAX];
            double wall_seconds; /* with the last checkpoint: the run's; 0 in logs from before it was kept */
        } end;
        char note[RECORD_NOTE_MAX]; /* RECORD_NOTE */
    } as;
};

_Static_assert(sizeof(struct record) == RECORD_SIZE, "records are fixed-size on disk");

#define RUN_LOG_CHUNK 4096
#define RUN_LOG_CHUNKS 4096

struct run_log {
    struct record *chunk[RUN_LOG_CHUNKS]; /* written before length covers them */
    atomic_size_t length;                 /* records visible to readers */
    int fd;                               /* -1: memory only */
    size_t written;                       /* the writer's: records that are in the file */
    int torn;                             /* the writer's: part of another one is, too, and must be cut off first */
    uint64_t device, inode;               /* the reader's: the file that is followed, once it has a record */
    size_t dropped;                       /* bytes cut at the first bad record when the file was last read; 0: none */
};

/* Creates or opens path for appending (path NULL: memory only) and loads what is there; see `dropped`. */
int run_log_open(struct run_log *log, const char *path, struct error *err);
/* Loads a file for reading only; a torn tail is cut; *torn (optional) counts the bytes dropped. */
int run_log_load(struct run_log *log, const char *path, size_t *torn, struct error *err);
/*
 * The same for who lists runs: every record is checked, but of steps in a row only the last is kept, so that a log of a
 * million steps takes no more memory and time afterwards than its epochs. Not to be followed.
 */
int run_log_load_outline(struct run_log *log, const char *path, struct error *err);
/*
 * For a reader of a file that grows, on a log that was loaded or opened with path NULL: takes in the records appended
 * since; returns how many are new (0 also when the file is not there yet), -1 on error. It is then the log's writer.
 */
int run_log_follow(struct run_log *log, const char *path, struct error *err);
void run_log_release(struct run_log *log);

/* Engine thread only: stamps unix_time and crc, appends to memory and file. -1 (disk full ...) leaves memory appended.
 */
int run_log_append(struct run_log *log, struct record *record, struct error *err);
/* Engine thread only: writes what could not be written so far, then fsync. */
int run_log_sync(struct run_log *log, struct error *err);

size_t run_log_length(const struct run_log *log);                         /* acquire */
const struct record *run_log_at(const struct run_log *log, size_t index); /* index < run_log_length() */

/*
 * The indices of the records of `kind` that still hold, in step order, written to index[] (capacity max); returns how
 * many. STEP and EPOCH: those not beyond a later REWIND, the last of each step. START: the last. END: the last, unless
 * the run went on after it. NOTE and REWIND: all. index NULL: only counts.
 */
size_t run_log_series(const struct run_log *log, enum record_kind kind, size_t *index, size_t max);

/* NUL-terminated; of a longer text the beginning and the end, where errors tell their cause, with ' ... ' between. */
void record_text(char out[RECORD_NOTE_MAX], const char *text);

/* A float of a record as the shortest decimal that stands for it: 57.28, not 57.2799987. */
double record_decimal(float value);

#endif
