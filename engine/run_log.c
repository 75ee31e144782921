/*
 * One writer, any number of readers, no lock. The writer fills the entry at `length`, then stores length + 1 with
 * release order; a reader that loads the length with acquire order therefore sees whole entries, and the chunk
 * pointers that lead to them. Entries and chunks never move or change once covered by the length.
 * The file is the writer's alone: log->written says how many records it holds, which can be fewer than the length
 * while the disk is full.
 */
#include "engine/run_log.h"

#include "engine/crc.h"
#include "engine/files.h"
#include "engine/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the log's records are little-endian on disk");

static uint32_t record_crc(const struct record *record)
{
    return crc_add(0, (const unsigned char *)record + sizeof record->crc, RECORD_SIZE - sizeof record->crc);
}

static void log_clear(struct run_log *log)
{
    memset(log->chunk, 0, sizeof log->chunk);
    atomic_init(&log->length, 0);
    log->fd = -1;
    log->written = 0;
    log->torn = 0;
    log->dropped = 0;
    log->device = log->inode = 0;
}

size_t run_log_length(const struct run_log *log)
{
    return atomic_load_explicit(&log->length, memory_order_acquire);
}

const struct record *run_log_at(const struct run_log *log, size_t index)
{
    return &log->chunk[index / RUN_LOG_CHUNK][index % RUN_LOG_CHUNK];
}

static int append_memory(struct run_log *log, const struct record *record, struct error *err)
{
    size_t length = atomic_load_explicit(&log->length, memory_order_relaxed);
    size_t c = length / RUN_LOG_CHUNK;
    if (c >= RUN_LOG_CHUNKS)
        return error_set(err, "the run log is full: %zu records", length);
    if (log->chunk[c] == NULL) {
        log->chunk[c] = calloc(RUN_LOG_CHUNK, sizeof(struct record));
        if (log->chunk[c] == NULL)
            return error_set(err, "no memory for the run log");
    }
    memcpy(&log->chunk[c][length % RUN_LOG_CHUNK], record, sizeof *record); /* every byte: the crc covers them */
    atomic_store_explicit(&log->length, length + 1, memory_order_release);
    return 0;
}

/* Whether the log has the record of a step that a rewind goes back to; 0 is before the first one. */
static bool has_step(const struct run_log *log, uint32_t step)
{
    for (size_t i = run_log_length(log); i-- > 0 && step > 0;) {
        const struct record *r = run_log_at(log, i);
        if (r->kind == RECORD_STEP && r->step == step)
            return true;
        if (r->kind == RECORD_REWIND && r->step < step) /* one further back holds no more */
            return false;
    }
    return step == 0;
}

/*
 * As append_memory, but of steps in a row only the last is kept, in the place of the one before. *whole is set where
 * that is too little: a rewind to a step that was left out, which is the last one that holds then.
 */
static int append_outline(struct run_log *log, const struct record *record, bool *whole, struct error *err)
{
    size_t length = run_log_length(log);
    if (record->kind == RECORD_REWIND && !has_step(log, record->step))
        *whole = true;
    if (record->kind != RECORD_STEP || length == 0 || run_log_at(log, length - 1)->kind != RECORD_STEP)
        return append_memory(log, record, err);
    memcpy(&log->chunk[(length - 1) / RUN_LOG_CHUNK][(length - 1) % RUN_LOG_CHUNK], record, sizeof *record);
    return 0;
}

/*
 * Takes in the good records of fd from byte `offset` on; with `whole`, as an outline. *end is where the first bad or
 * missing record starts, *size how many bytes the file has.
 */
static int take_records(struct run_log *log, int fd, const char *path, int64_t offset, int64_t *end, int64_t *size,
                        bool *whole, struct error *err)
{
    enum { BATCH = 512 };
    struct record *batch = malloc(BATCH * sizeof *batch);
    if (batch == NULL)
        return error_set(err, "%s: no memory to read it", path);
    bool good = true;
    int rc = 0;
    *end = offset;
    while (good && rc == 0) {
        int64_t got = file_read_at(fd, batch, BATCH * sizeof *batch, *end);
        if (got < 0)
            rc = error_set(err, "%s: cannot read it: %s", path, strerror(errno));
        good = got == (int64_t)(BATCH * sizeof *batch);
        for (int64_t i = 0; rc == 0 && i < got / RECORD_SIZE; i++) {
            if (batch[i].crc != record_crc(&batch[i])) {
                good = false;
                break;
            }
            rc = whole ? append_outline(log, &batch[i], whole, err) : append_memory(log, &batch[i], err);
            if (rc == 0)
                *end += RECORD_SIZE;
        }
    }
    free(batch);
    struct stat st;
    if (rc == 0 && fstat(fd, &st) < 0)
        rc = error_set(err, "%s: %s", path, strerror(errno));
    if (rc == 0)
        *size = st.st_size > *end ? st.st_size : *end;
    return rc;
}

/* Keeps what opening for appending is about to cut off. */
static int save_cut(int fd, const char *path, int64_t end, int64_t size, struct error *err)
{
    char cut[4096], buffer[65536];
    int n = snprintf(cut, sizeof cut, "%s.cut", path);
    if (n < 0 || (size_t)n >= sizeof cut)
        return error_set(err, "%s: the path is too long", path);
    int out = open(cut, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (out < 0)
        return error_set(err, "%s: cannot create it: %s", cut, strerror(errno));
    int rc = 0;
    while (rc == 0 && end < size) {
        int64_t got = file_read_at(fd, buffer, sizeof buffer, end);
        if (got <= 0)
            break;
        rc = file_write_all(out, buffer, (size_t)got);
        end += got;
    }
    if (rc == 0)
        rc = fsync(out);
    int why = errno;
    close(out);
    return rc < 0 ? error_set(err, "%s: cannot write it: %s", cut, strerror(why)) : 0;
}

int run_log_open(struct run_log *log, const char *path, struct error *err)
{
    log_clear(log);
    if (path == NULL)
        return 0;
    log->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log->fd < 0)
        return error_set(err, "%s: cannot open the run log: %s", path, strerror(errno));
    int64_t end = 0, size = 0;
    if (take_records(log, log->fd, path, 0, &end, &size, NULL, err) < 0)
        goto fail;
    if (size > end) {
        if (size - end >= RECORD_SIZE && save_cut(log->fd, path, end, size, err) < 0)
            goto fail;
        if (ftruncate(log->fd, end) < 0) {
            error_set(err, "%s: cannot cut it at its last good record: %s", path, strerror(errno));
            goto fail;
        }
        log->dropped = (size_t)(size - end);
    }
    log->written = run_log_length(log);
    return 0;
fail:
    run_log_release(log);
    return -1;
}

static int load(struct run_log *log, const char *path, bool *whole, struct error *err)
{
    log_clear(log);
    int fd = file_open(path, err);
    if (fd < 0)
        return -1;
    int64_t end = 0, size = 0;
    int rc = take_records(log, fd, path, 0, &end, &size, whole, err);
    close(fd);
    if (rc < 0) {
        run_log_release(log);
        return -1;
    }
    log->dropped = (size_t)(size - end);
    return 0;
}

int run_log_load(struct run_log *log, const char *path, size_t *torn, struct error *err)
{
    int rc = load(log, path, NULL, err);
    if (torn)
        *torn = rc == 0 ? log->dropped : 0;
    return rc;
}

int run_log_load_outline(struct run_log *log, const char *path, struct error *err)
{
    bool whole = false;
    if (load(log, path, &whole, err) < 0)
        return -1;
    if (!whole)
        return 0;
    run_log_release(log);
    return load(log, path, NULL, err);
}

int run_log_follow(struct run_log *log, const char *path, struct error *err)
{
    size_t before = run_log_length(log);
    struct error why = {""};
    int fd = file_open(path, &why);
    if (fd < 0 && errno == ENOENT && before == 0)
        return 0;
    if (fd < 0)
        return error_set(err, "%s", why.text);
    struct stat st;
    int64_t offset = (int64_t)before * RECORD_SIZE, end = 0, size = 0;
    if (fstat(fd, &st) < 0) {
        int why = errno;
        close(fd);
        return error_set(err, "%s: cannot read the run log: %s", path, strerror(why));
    }
    int other = log->inode && (log->inode != st.st_ino || log->device != st.st_dev);
    if (other || st.st_size < offset) {
        close(fd);
        return error_set(err, "%s: %s when it was read before; open the run again", path,
                         other ? "another file than" : "shorter than");
    }
    int rc = take_records(log, fd, path, offset, &end, &size, NULL, err);
    close(fd);
    if (rc < 0)
        return -1;
    log->dropped = (size_t)(size - end); /* a writer may be at it: the next call looks again */
    if (run_log_length(log) > 0) {
        log->device = st.st_dev;
        log->inode = st.st_ino;
    }
    return (int)(run_log_length(log) - before);
}

void run_log_release(struct run_log *log)
{
    for (int i = 0; i < RUN_LOG_CHUNKS && log->chunk[i] != NULL; i++)
        free(log->chunk[i]);
    if (log->fd >= 0)
        close(log->fd);
    log_clear(log);
}

/* Half a record at the end would become one in the middle, behind which nothing is read. */
static int cut_torn(struct run_log *log)
{
    if (log->torn && ftruncate(log->fd, (off_t)log->written * RECORD_SIZE) < 0)
        return -1;
    log->torn = 0;
    return 0;
}

/* Writes every record that is in memory and not yet in the file, each with one write(2). */
static int write_pending(struct run_log *log, struct error *err)
{
    size_t length = atomic_load_explicit(&log->length, memory_order_relaxed);
    if (cut_torn(log) < 0)
        return error_set(err, "the run log cannot be cut at its last whole record: %s", strerror(errno));
    while (log->written < length) {
        if (file_write_all(log->fd, run_log_at(log, log->written), RECORD_SIZE) < 0) {
            int why = errno;
            log->torn = 1;
            if (cut_torn(log) < 0)
                return error_set(err, "the run log cannot be written (%s) nor cut at its last record (%s)",
                                 strerror(why), strerror(errno));
            return error_set(err, "the run log cannot be written: %s%s", strerror(why),
                             why == ENOSPC || why == EDQUOT ? "; free some disk space" : "");
        }
        log->written++;
    }
    return 0;
}

int run_log_append(struct run_log *log, struct record *record, struct error *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    record->unix_time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    record->crc = record_crc(record);
    if (append_memory(log, record, err) < 0)
        return -1;
    return log->fd < 0 ? 0 : write_pending(log, err);
}

int run_log_sync(struct run_log *log, struct error *err)
{
    if (log->fd < 0)
        return 0;
    if (write_pending(log, err) < 0)
        return -1;
    if (fsync(log->fd) < 0)
        return error_set(err, "the run log cannot be synced to disk: %s", strerror(errno));
    return 0;
}

size_t run_log_series(const struct run_log *log, enum record_kind kind, size_t *index, size_t max)
{
    size_t length = run_log_length(log), count = 0;
    bool by_step = kind == RECORD_STEP || kind == RECORD_EPOCH;
    bool last_only = kind == RECORD_START || kind == RECORD_END;
    /* From the end backwards, so that what holds is known at once; pass 0 counts, pass 1 fills in. */
    for (int pass = 0; pass < 2; pass++) {
        uint64_t bound = UINT64_MAX; /* only steps below it still hold */
        bool over = false;
        size_t left = count;
        for (size_t i = length; i-- > 0;) {
            const struct record *r = run_log_at(log, i);
            bool holds = r->kind == (uint16_t)kind && !over && (!by_step || r->step < bound);
            if (by_step && r->kind == RECORD_REWIND && (uint64_t)r->step + 1 < bound)
                bound = (uint64_t)r->step + 1;
            if (kind == RECORD_END && (r->kind == RECORD_REWIND || r->kind == RECORD_START || r->kind == RECORD_STEP))
                over = true;
            if (!holds)
                continue;
            bound = r->step;
            over = last_only;
            if (pass == 0)
                count++;
            else if (--left < max)
                index[left] = i;
        }
        if (index == NULL)
            return count;
    }
    return count < max ? count : max;
}

double record_decimal(float value)
{
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            return strtod(text, NULL);
    }
    return (double)value;
}

void record_text(char out[RECORD_NOTE_MAX], const char *text)
{
    static const char gap[] = " ... ";
    size_t length = strlen(text), tail = RECORD_NOTE_MAX - 1 - RECORD_NOTE_HEAD - (sizeof gap - 1);
    memset(out, 0, RECORD_NOTE_MAX);
    if (length < RECORD_NOTE_MAX) {
        memcpy(out, text, length);
        return;
    }
    memcpy(out, text, RECORD_NOTE_HEAD);
    utf8_cut(out);
    const char *end = text + length - tail;
    while (((unsigned char)*end & 0xC0) == 0x80)
        end++; /* no character begins in its middle */
    size_t used = strlen(out);
    snprintf(out + used, RECORD_NOTE_MAX - used, "%s%s", gap, end);
}
