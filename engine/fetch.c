/*
 * One thread, the caller's, does everything; libcurl runs on it in small steps. Cancelling is looked for in every
 * callback and between steps. What makes it safe against a kill at any moment is the order: bytes are appended to
 * the .part file; the digest is of the file as it is on the disk; unpacking goes to a folder of its own, synced
 * before one rename makes it the data set.
 */
#include "engine/fetch.h"

#include "engine/cifar.h"
#include "engine/dataset.h"
#include "engine/digest.h"
#include "engine/download.h"
#include "engine/files.h"
#include "engine/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PART_NAME "cifar-10-binary.tar.gz.part"
#define UNPACKED_BYTES (CIFAR_FILE_SIZE * CIFAR_FILES)
#define SPEED_SECONDS 3.0 /* time constant of the speed shown */
#define TRIES_NOBODY 3    /* where no server answers at all */

const struct fetch_source fetch_official = {
    .url = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    .size = 170052171,
    .sha256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
};

struct fetch {
    const struct fetch_options *options;
    struct fetch_progress progress;
    double phase_start, reported, sampled; /* clock seconds */
    int64_t sampled_done;
};

static double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int is_cancelled(const struct fetch *fetch)
{
    return fetch->options->cancel && atomic_load(fetch->options->cancel);
}

static int is_remote(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0;
}

static int set_cancelled(const struct fetch *fetch, struct error *err)
{
    if (is_remote(fetch->options->source.url))
        error_set(err, "cancelled; what was downloaded is kept, `davidnet data fetch` goes on from there");
    else
        error_set(err, "cancelled; nothing of %s was unpacked", fetch->options->source.url);
    return FETCH_CANCELLED;
}

static void report(struct fetch *fetch)
{
    fetch->reported = clock_seconds();
    if (fetch->options->progress)
        fetch->options->progress(fetch->options->context, &fetch->progress);
}

static void enter_phase(struct fetch *fetch, enum fetch_phase phase, int64_t done, int64_t total)
{
    fetch->progress.phase = phase;
    fetch->progress.done = fetch->sampled_done = done;
    fetch->progress.total = total;
    fetch->progress.bytes_per_second = fetch->progress.eta_seconds = NAN;
    fetch->phase_start = fetch->sampled = clock_seconds();
    report(fetch);
}

/* An exponential average of the speed, from samples at least a quarter of a second long. */
static void update_speed(struct fetch *fetch, double now)
{
    struct fetch_progress *p = &fetch->progress;
    double seconds = now - fetch->sampled;
    if (p->done < fetch->sampled_done) { /* started over */
        fetch->sampled = now;
        fetch->sampled_done = p->done;
        p->bytes_per_second = NAN;
        return;
    }
    if (seconds < 0.25)
        return;
    double speed = (double)(p->done - fetch->sampled_done) / seconds;
    double keep = isnan(p->bytes_per_second) ? 0 : exp(-seconds / SPEED_SECONDS);
    p->bytes_per_second = keep > 0 ? keep * p->bytes_per_second + (1 - keep) * speed : speed;
    fetch->sampled = now;
    fetch->sampled_done = p->done;
}

/* Called often; reports at most ten times a second. Non-zero: stop. */
static int advance(struct fetch *fetch, int64_t done, int64_t total)
{
    struct fetch_progress *p = &fetch->progress;
    double now = clock_seconds();
    p->done = done;
    if (total > 0)
        p->total = total;
    update_speed(fetch, now);
    p->eta_seconds = NAN;
    if (p->total > 0 && p->bytes_per_second > 0)
        p->eta_seconds = (double)(p->total - done) / p->bytes_per_second;
    if (now - fetch->reported >= 0.1)
        report(fetch);
    return is_cancelled(fetch);
}

static int advance_download(void *context, int64_t done, int64_t total)
{
    struct fetch *fetch = context;
    if (done != fetch->progress.done && fetch->progress.phase == FETCH_CONNECTING)
        enter_phase(fetch, FETCH_DOWNLOADING, done < fetch->progress.done ? 0 : fetch->progress.done, total);
    return advance(fetch, done, total);
}

static int advance_unpacking(void *context, int64_t written)
{
    return advance(context, written < UNPACKED_BYTES ? written : UNPACKED_BYTES, 0); /* the names come on top */
}

static int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static int make_target(const char *to, struct error *err)
{
    return folder_make(to, err) == 0 ? 0 : error_prefix(err, "the folder for the data set (another: --to)");
}

/* Sleeps, reporting the wait; non-zero when cancelled. */
static int wait_before_try(struct fetch *fetch, double seconds, const char *problem)
{
    fetch->progress.problem = problem;
    enter_phase(fetch, FETCH_WAITING, fetch->progress.done, fetch->progress.total);
    double end = clock_seconds() + seconds;
    while (!is_cancelled(fetch) && clock_seconds() < end)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    fetch->progress.problem = NULL;
    return is_cancelled(fetch);
}

/* Downloads what is missing of the .part file, again and again while that helps. */
static int download(struct fetch *fetch, const char *part, struct error *err)
{
    const struct fetch_options *options = fetch->options;
    const struct fetch_source *source = &options->source;
    int tries = options->tries > 0 ? options->tries : 8;
    double first_backoff = options->backoff < 0 ? 0 : options->backoff > 0 ? options->backoff : 1, backoff = 0;
    for (;;) {
        int64_t before = file_size(part);
        if (source->size > 0 && before == source->size)
            return FETCH_OK;
        enter_phase(fetch, FETCH_CONNECTING, before > 0 ? before : 0, source->size);
        struct error problem = {""};
        int status = download_try(source->url, part, source->size, advance_download, fetch, &problem);
        if (status == DOWNLOAD_OK)
            return FETCH_OK;
        if (status == DOWNLOAD_STOPPED)
            return set_cancelled(fetch, err);
        fetch->progress.tries = file_size(part) > before ? 1 : fetch->progress.tries + 1;
        if (status != DOWNLOAD_AGAIN && status != DOWNLOAD_NOBODY)
            return error_set(err, "%s", problem.text);
        int most = status == DOWNLOAD_NOBODY && tries > TRIES_NOBODY ? TRIES_NOBODY : tries;
        if (fetch->progress.tries >= most)
            return error_set(err,
                             "%s (%d tries without a new byte); %stry again later, or name a mirror or a local copy "
                             "with --from",
                             problem.text, fetch->progress.tries,
                             file_size(part) > 0 ? "what was downloaded is kept: " : "");
        backoff = fetch->progress.tries == 1 ? first_backoff : fmin(30, 2 * backoff);
        if (wait_before_try(fetch, backoff, problem.text))
            return set_cancelled(fetch, err);
    }
}

static int digest_file(struct fetch *fetch, int fd, const char *path, char hex[DIGEST_HEX_SIZE], struct error *err)
{
    char block[1 << 15];
    struct digest digest;
    if (digest_init(&digest, err) != 0)
        return FETCH_FAILED;
    int status = FETCH_OK;
    int64_t done = 0;
    while (status == FETCH_OK) {
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = error_set(err, "%s: cannot be read: %s", path, strerror(errno));
        else if (got == 0)
            break;
        else if (digest_add(&digest, block, (size_t)got, err) != 0)
            status = FETCH_FAILED;
        else if (advance(fetch, done += got, 0))
            status = set_cancelled(fetch, err);
    }
    if (status == FETCH_OK)
        status = digest_finish(&digest, hex, err);
    digest_release(&digest);
    return status;
}

/* Is the file what the source says? *differs tells a wrong file from one that could not be read. */
static int verify(struct fetch *fetch, const char *path, int *differs, struct error *err)
{
    const struct fetch_source *source = &fetch->options->source;
    char hex[DIGEST_HEX_SIZE];
    *differs = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused below, not waited for */
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_set(err, "%s: cannot be opened: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return FETCH_FAILED;
    }
    int status = FETCH_OK;
    enter_phase(fetch, FETCH_VERIFYING, 0, (int64_t)st.st_size);
    if (!S_ISREG(st.st_mode))
        status = error_set(err, "%s: expected an archive, found something that is not a file", path);
    else if (source->size > 0 && (int64_t)st.st_size != source->size) {
        *differs = 1;
        status = error_set(err, "%s: expected %lld bytes, found %lld; is it the original cifar-10-binary.tar.gz?", path,
                           (long long)source->size, (long long)st.st_size);
    } else
        status = digest_file(fetch, fd, path, hex, err);
    close(fd);
    if (status == FETCH_OK && strcasecmp(hex, source->sha256) != 0) {
        *differs = 1;
        status = error_set(err, "%s: expected sha256 %s, found %s; is it the original cifar-10-binary.tar.gz?", path,
                           source->sha256, hex);
    }
    return status;
}

/* Downloads and verifies; a wrong file is removed, and got anew once if it was not downloaded in one go. */
static int fetch_remote(struct fetch *fetch, const char *part, struct error *err)
{
    for (;;) {
        int differs, resumed = file_size(part) > 0;
        int status = download(fetch, part, err);
        if (status != FETCH_OK)
            return status;
        status = verify(fetch, part, &differs, err);
        if (!differs)
            return status;
        if (unlink(part) != 0)
            return error_set(err, "%s: is damaged and cannot be removed: %s", part, strerror(errno));
        if (!resumed)
            return error_prefix(err, "%s sent something else (removed; try again, or name another mirror with --from)",
                                fetch->options->source.url);
    }
}

static int archive_of(struct fetch *fetch, char path[512], struct error *err)
{
    const struct fetch_options *options = fetch->options;
    const char *url = options->source.url;
    if (!digest_is_hex(options->source.sha256))
        return error_set(err, "'%s' is no SHA-256: expected 64 hex digits", options->source.sha256);
    if (is_remote(url)) {
        if (snprintf(path, 512, "%s/" PART_NAME, options->to) >= 512)
            return error_set(err, "%.64s...: the path is too long", options->to);
        return fetch_remote(fetch, path, err);
    }
    if (strncmp(url, "file://", 7) == 0)
        url += 7;
    else if (strstr(url, "://"))
        return error_set(err, "'%s': expected an https:// or http:// address, or the path of an archive", url);
    if (snprintf(path, 512, "%s", url) >= 512)
        return error_set(err, "%.64s...: the path is too long", url);
    int differs;
    return verify(fetch, path, &differs, err);
}

int fetch_archive(const struct fetch_options *options, char path[512], struct error *err)
{
    struct fetch fetch = {.options = options};
    if (make_target(options->to, err) != 0)
        return FETCH_FAILED;
    return archive_of(&fetch, path, err);
}

/* A folder of the data set's name that does not load is kept under another name: it is the user's. */
static int set_aside(const char *folder, char aside[512], struct error *err)
{
    for (int n = 1; n < 1000; n++) {
        if (snprintf(aside, 512, "%s.damaged-%d", folder, n) >= 512)
            return error_set(err, "%.64s...: the path is too long", folder);
        if (access(aside, F_OK) == 0)
            continue;
        if (rename(folder, aside) != 0)
            return error_set(err, "%s: cannot be moved aside: %s", folder, strerror(errno));
        return 0;
    }
    return error_set(err, "%s: too many damaged copies beside it; remove some", folder);
}

static int check_folder(const char *folder, struct error *err)
{
    struct dataset dataset = {.storage = NULL};
    int status = cifar_load(&dataset, folder, "name another archive with --from", err);
    dataset_release(&dataset);
    return status;
}

/* Unpacks, checks and renames; the temporary folder is gone afterwards, whatever happens. */
static int install(struct fetch *fetch, const char *archive, struct fetch_result *result, struct error *err)
{
    char temporary[sizeof result->folder + 16];
    const char *to = fetch->options->to;
    snprintf(temporary, sizeof temporary, "%s.unpacking", result->folder);
    if (folder_remove(temporary, err) != 0) /* what a killed run left */
        return FETCH_FAILED;
    if (mkdir(temporary, 0755) != 0)
        return error_set(err, "%s: cannot be made: %s; choose another folder with --to", temporary, strerror(errno));
    enter_phase(fetch, FETCH_UNPACKING, 0, UNPACKED_BYTES);
    int status = unpack_cifar(archive, temporary, advance_unpacking, fetch, err);
    if (status > 0)
        status = set_cancelled(fetch, err);
    if (status == 0)
        status = check_folder(temporary, err) ? error_prefix(err, "%s", fetch->options->source.url) : 0;
    if (status == 0)
        status = folder_sync(temporary, err);
    if (status == 0 && access(result->folder, F_OK) == 0)
        status = set_aside(result->folder, result->set_aside, err);
    if (status == 0 && rename(temporary, result->folder) != 0)
        status = error_set(err, "%s: cannot be renamed to %s: %s", temporary, result->folder, strerror(errno));
    if (status == 0)
        status = folder_sync(to, err);
    if (status != 0)
        folder_remove(temporary, NULL);
    return status;
}

static int fetch_locked(struct fetch *fetch, struct fetch_result *result, struct error *err)
{
    char archive[512];
    if (check_folder(result->folder, NULL) == 0) {
        result->was_there = 1;
        return FETCH_OK;
    }
    int status = archive_of(fetch, archive, err);
    if (status == FETCH_OK)
        status = install(fetch, archive, result, err);
    if (status == FETCH_OK && is_remote(fetch->options->source.url))
        unlink(archive);
    return status;
}

int fetch_run(const struct fetch_options *options, struct fetch_result *result, struct error *err)
{
    struct fetch fetch = {.options = options};
    memset(result, 0, sizeof *result);
    if (snprintf(result->folder, sizeof result->folder, "%s/" CIFAR_FOLDER, options->to) + 32 >
        (int)sizeof result->folder)
        return error_set(err, "%.64s...: the path is too long", options->to);
    if (make_target(options->to, err) != 0)
        return FETCH_FAILED;
    int lock = open(options->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0)
        return error_set(err, "%s: cannot be opened: %s; choose another folder with --to", options->to,
                         strerror(errno));
    int status;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        status = error_set(err, "%s: another davidnet is fetching into this folder; wait for it", options->to);
    else
        status = fetch_locked(&fetch, result, err);
    close(lock);
    if (status == FETCH_OK)
        enter_phase(&fetch, FETCH_DONE, UNPACKED_BYTES, UNPACKED_BYTES);
    return status;
}
