#include "engine/run_log.h"

#include "engine/files.h"
#include "engine/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[128];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/davidnet-test-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct error err = {""};
    return folder_remove(folder, &err);
}

/* Logs are big for a stack under sanitizers. */
static struct run_log a, b;

static int append(struct run_log *log, enum record_kind kind, uint32_t step, double loss)
{
    struct record r;
    memset(&r, 0, sizeof r);
    r.kind = (uint16_t)kind;
    r.step = step;
    if (kind == RECORD_STEP)
        r.as.step.loss = loss;
    if (kind == RECORD_EPOCH)
        r.as.epoch.test_loss = NAN;
    struct error err = {""};
    return run_log_append(log, &r, &err);
}

static int64_t file_size(void)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct error err = {""};
    assert_int_equal(run_log_open(&a, path, &err), 0);
    assert_int_equal(append(&a, RECORD_START, 0, 0), 0);
    for (uint32_t s = 1; s <= 5000; s++) /* more than one chunk */
        assert_int_equal(append(&a, RECORD_STEP, s, 0.1 * s), 0);
    assert_int_equal(append(&a, RECORD_EPOCH, 5000, 0), 0);
    assert_int_equal(run_log_sync(&a, &err), 0);
    run_log_release(&a);
    assert_int_equal(file_size(), 5002 * RECORD_SIZE);

    size_t torn = 99;
    assert_int_equal(run_log_load(&a, path, &torn, &err), 0);
    assert_int_equal(torn, 0);
    assert_int_equal(run_log_length(&a), 5002);
    assert_int_equal(run_log_at(&a, 0)->kind, RECORD_START);
    assert_true(run_log_at(&a, 4999)->as.step.loss == 0.1 * 4999);
    assert_true(run_log_at(&a, 1)->unix_time > 1.5e9);
    assert_true(isnan(run_log_at(&a, 5001)->as.epoch.test_loss));
    run_log_release(&a);

    assert_int_equal(run_log_open(&a, path, &err), 0); /* appending goes on after what is there */
    assert_int_equal(append(&a, RECORD_STEP, 5001, 1), 0);
    run_log_release(&a);
    assert_int_equal(run_log_load(&a, path, NULL, &err), 0);
    assert_int_equal(run_log_length(&a), 5003);
    run_log_release(&a);
}

static void memory_only(void **state)
{
    (void)state;
    struct error err = {""};
    assert_int_equal(run_log_open(&a, NULL, &err), 0);
    assert_int_equal(append(&a, RECORD_NOTE, 0, 0), 0);
    assert_int_equal(run_log_sync(&a, &err), 0);
    assert_int_equal(run_log_length(&a), 1);
    run_log_release(&a);
    assert_int_equal(run_log_length(&a), 0);
}

static void missing_file_is_an_error(void **state)
{
    (void)state;
    struct error err = {""};
    assert_int_equal(run_log_load(&a, "/nonexistent/log", NULL, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/log"));
    assert_int_equal(run_log_open(&a, "/nonexistent/log", &err), -1);
    run_log_release(&a);
}

static void new_log(uint32_t steps)
{
    struct error err = {""};
    unlink(path);
    assert_int_equal(run_log_open(&a, path, &err), 0);
    for (uint32_t s = 1; s <= steps; s++)
        assert_int_equal(append(&a, RECORD_STEP, s, s), 0);
    run_log_release(&a);
}

static void torn_tails_are_cut(void **state)
{
    (void)state;
    struct error err = {""};
    for (int keep = 1; keep < RECORD_SIZE; keep++) {
        new_log(3);
        assert_int_equal(truncate(path, 2 * RECORD_SIZE + keep), 0);
        size_t torn = 0;
        assert_int_equal(run_log_load(&a, path, &torn, &err), 0);
        assert_int_equal(run_log_length(&a), 2);
        assert_int_equal(torn, keep);
        run_log_release(&a);
        assert_int_equal(file_size(), 2 * RECORD_SIZE + keep); /* reading leaves the file alone */

        assert_int_equal(run_log_open(&a, path, &err), 0);
        assert_int_equal(a.dropped, keep);
        assert_int_equal(file_size(), 2 * RECORD_SIZE);
        assert_int_equal(append(&a, RECORD_STEP, 3, 7), 0);
        run_log_release(&a);
        assert_int_equal(run_log_load(&a, path, &torn, &err), 0);
        assert_int_equal(torn, 0);
        assert_int_equal(run_log_length(&a), 3);
        assert_true(run_log_at(&a, 2)->as.step.loss == 7);
        run_log_release(&a);
    }
}

static void zeros_after_a_power_cut_are_not_records(void **state)
{
    (void)state;
    struct error err = {""};
    new_log(2);
    assert_int_equal(truncate(path, 5 * RECORD_SIZE), 0);
    size_t torn = 0;
    assert_int_equal(run_log_load(&a, path, &torn, &err), 0);
    assert_int_equal(run_log_length(&a), 2);
    assert_int_equal(torn, 3 * RECORD_SIZE);
    run_log_release(&a);
}

static void flipped_bits_stop_the_reader(void **state)
{
    (void)state;
    struct error err = {""};
    char cut[160];
    snprintf(cut, sizeof cut, "%s.cut", path);
    for (int at = 0; at < RECORD_SIZE; at += 5) {
        new_log(10);
        FILE *f = fopen(path, "r+b");
        fseek(f, 4 * RECORD_SIZE + at, SEEK_SET);
        int c = fgetc(f);
        fseek(f, 4 * RECORD_SIZE + at, SEEK_SET);
        fputc(c ^ 0x40, f);
        fclose(f);
        size_t torn = 0;
        assert_int_equal(run_log_load(&a, path, &torn, &err), 0);
        assert_int_equal(run_log_length(&a), 4);
        assert_int_equal(torn, 6 * RECORD_SIZE);
        run_log_release(&a);

        unlink(cut); /* what is cut off is kept beside it */
        assert_int_equal(run_log_open(&a, path, &err), 0);
        run_log_release(&a);
        char *kept;
        size_t size;
        assert_int_equal(file_read(cut, 1 << 20, &kept, &size, &err), 0);
        assert_int_equal(size, 6 * RECORD_SIZE);
        free(kept);
        assert_int_equal(file_size(), 4 * RECORD_SIZE);
    }
}

/* A limit on file sizes plays the full disk, in the middle of a record; then there is room again. */
static void full_disk_loses_nothing(void **state)
{
    (void)state;
    struct error err = {""};
    unlink(path);
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 5 * RECORD_SIZE + 60;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(run_log_open(&a, path, &err), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    int failed = 0;
    for (uint32_t s = 1; s <= 8; s++)
        failed += append(&a, RECORD_STEP, s, s) < 0;
    int sync = run_log_sync(&a, &err);
    int64_t full = file_size();
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    assert_int_equal(failed, 3);
    assert_int_equal(sync, -1);
    assert_non_null(strstr(err.text, strerror(EFBIG)));
    assert_int_equal(full, 5 * RECORD_SIZE); /* cut back to the record's end */
    assert_int_equal(run_log_length(&a), 8); /* memory has them all */
    assert_int_equal(append(&a, RECORD_STEP, 9, 9), 0);
    run_log_release(&a);
    assert_int_equal(run_log_load(&a, path, NULL, &err), 0);
    assert_int_equal(run_log_length(&a), 9);
    for (uint32_t s = 1; s <= 9; s++)
        assert_int_equal(run_log_at(&a, s - 1)->step, s);
    run_log_release(&a);
}

/*
 * Half a record is written, and cannot be cut off: a sealed memory file must not shrink. While that lasts nothing is
 * appended to it, as a reader would find nothing behind the half; when it can be cut, all that was kept is written.
 */
static void half_a_record_that_cannot_be_cut(void **state)
{
    (void)state;
    struct error err = {""};
    struct rlimit old, small;
    char sealed[64];
    unlink(path);
    assert_int_equal(run_log_open(&a, path, &err), 0);
    int memory = memfd_create("log", MFD_ALLOW_SEALING);
    assert_true(memory >= 0 && fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    assert_int_equal(fcntl(memory, F_SETFL, O_APPEND), 0);
    snprintf(sealed, sizeof sealed, "/proc/self/fd/%d", memory);
    int file = dup(a.fd);
    assert_true(file >= 0 && dup2(memory, a.fd) == a.fd);

    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 2 * RECORD_SIZE + 60;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int failed = 0;
    for (uint32_t s = 1; s <= 3; s++)
        failed += append(&a, RECORD_STEP, s, s) < 0;
    setrlimit(RLIMIT_FSIZE, &old); /* there is room again */
    signal(SIGXFSZ, handler);
    assert_int_equal(failed, 1);
    assert_int_equal(append(&a, RECORD_STEP, 4, 4), -1);
    assert_int_equal(run_log_sync(&a, &err), -1);
    assert_non_null(strstr(err.text, "cannot be cut"));
    size_t torn = 0;
    assert_int_equal(run_log_load(&b, sealed, &torn, &err), 0);
    assert_int_equal(run_log_length(&b), 2);
    assert_int_equal(torn, 60);

    char bytes[2 * RECORD_SIZE + 60];
    assert_int_equal(file_read_at(memory, bytes, sizeof bytes, 0), sizeof bytes);
    assert_int_equal(file_write_all(file, bytes, sizeof bytes), 0);
    assert_true(dup2(file, a.fd) == a.fd);
    close(file);
    close(memory);
    assert_int_equal(append(&a, RECORD_STEP, 5, 5), 0);
    run_log_release(&a);
    run_log_release(&b);
    assert_int_equal(run_log_load(&b, path, &torn, &err), 0);
    assert_int_equal(torn, 0);
    assert_int_equal(run_log_length(&b), 5);
    for (uint32_t s = 1; s <= 5; s++)
        assert_int_equal(run_log_at(&b, s - 1)->step, s);
    run_log_release(&b);
}

static void a_reader_follows(void **state)
{
    (void)state;
    struct error err = {""};
    unlink(path);
    assert_int_equal(run_log_open(&b, NULL, &err), 0);
    assert_int_equal(run_log_follow(&b, path, &err), 0); /* not there yet */
    assert_int_equal(run_log_open(&a, path, &err), 0);
    assert_int_equal(append(&a, RECORD_STEP, 1, 1), 0);
    assert_int_equal(run_log_follow(&b, path, &err), 1);
    assert_int_equal(run_log_follow(&b, path, &err), 0);
    assert_int_equal(append(&a, RECORD_STEP, 2, 2), 0);
    FILE *f = fopen(path, "ab"); /* half a record is not taken in, and is when it is whole */
    fwrite("half", 1, 4, f);
    fclose(f);
    assert_int_equal(run_log_follow(&b, path, &err), 1);
    assert_int_equal(b.dropped, 4);
    assert_int_equal(truncate(path, 2 * RECORD_SIZE), 0);
    assert_int_equal(append(&a, RECORD_STEP, 3, 3), 0);
    assert_int_equal(run_log_follow(&b, path, &err), 1);
    assert_int_equal(run_log_at(&b, 2)->step, 3);
    char aside[sizeof path + 8]; /* another run's, of the same length, in its place */
    snprintf(aside, sizeof aside, "%s.aside", path);
    assert_int_equal(rename(path, aside), 0);
    f = fopen(path, "wb");
    for (size_t i = 0; i < 3; i++)
        fwrite(run_log_at(&a, i), RECORD_SIZE, 1, f);
    fclose(f);
    assert_int_equal(run_log_follow(&b, path, &err), -1);
    assert_non_null(strstr(err.text, "another file"));
    assert_int_equal(rename(aside, path), 0);
    assert_int_equal(run_log_follow(&b, path, &err), 0);
    assert_int_equal(truncate(path, RECORD_SIZE), 0);
    assert_int_equal(run_log_follow(&b, path, &err), -1);
    run_log_release(&a);
    run_log_release(&b);
}

static void check_series(enum record_kind kind, const uint32_t *steps, const double *losses, size_t n)
{
    size_t index[64];
    assert_int_equal(run_log_series(&a, kind, NULL, 0), n);
    assert_int_equal(run_log_series(&a, kind, index, 64), n);
    for (size_t i = 0; i < n; i++) {
        const struct record *r = run_log_at(&a, index[i]);
        assert_int_equal(r->kind, kind);
        assert_int_equal(r->step, steps[i]);
        if (losses)
            assert_true(r->as.step.loss == losses[i]);
    }
    if (n >= 2) { /* too small an array gets the first ones */
        size_t first;
        assert_int_equal(run_log_series(&a, kind, &first, 1), 1);
        assert_int_equal(first, index[0]);
    }
}

static void series_honour_rewinds(void **state)
{
    (void)state;
    struct error err = {""};
    assert_int_equal(run_log_open(&a, NULL, &err), 0);
    check_series(RECORD_STEP, NULL, NULL, 0);
    append(&a, RECORD_START, 0, 0);
    for (uint32_t s = 1; s <= 4; s++)
        append(&a, RECORD_STEP, s, s);
    append(&a, RECORD_EPOCH, 4, 0);
    append(&a, RECORD_STEP, 5, 5);
    append(&a, RECORD_STEP, 6, 6);
    append(&a, RECORD_END, 6, 0);
    check_series(RECORD_END, (uint32_t[]){6}, NULL, 1);
    append(&a, RECORD_REWIND, 3, 0);
    check_series(RECORD_END, NULL, NULL, 0);
    check_series(RECORD_EPOCH, NULL, NULL, 0);
    check_series(RECORD_STEP, (uint32_t[]){1, 2, 3}, (double[]){1, 2, 3}, 3);
    append(&a, RECORD_STEP, 4, 40);
    append(&a, RECORD_EPOCH, 4, 0);
    append(&a, RECORD_STEP, 5, 50);
    append(&a, RECORD_REWIND, 4, 0); /* the epoch at that very step holds */
    append(&a, RECORD_NOTE, 4, 0);
    append(&a, RECORD_STEP, 5, 500);
    append(&a, RECORD_STEP, 5, 501); /* the last record of a step wins */
    append(&a, RECORD_START, 5, 0);
    append(&a, RECORD_END, 5, 0);
    check_series(RECORD_STEP, (uint32_t[]){1, 2, 3, 4, 5}, (double[]){1, 2, 3, 40, 501}, 5);
    check_series(RECORD_EPOCH, (uint32_t[]){4}, NULL, 1);
    check_series(RECORD_START, (uint32_t[]){5}, NULL, 1);
    check_series(RECORD_END, (uint32_t[]){5}, NULL, 1);
    check_series(RECORD_NOTE, (uint32_t[]){4}, NULL, 1);
    check_series(RECORD_REWIND, (uint32_t[]){3, 4}, NULL, 2);
    append(&a, RECORD_REWIND, 0, 0);
    check_series(RECORD_STEP, NULL, NULL, 0);
    run_log_release(&a);
}

enum { RACE = 3 * RUN_LOG_CHUNK };

static void *race_reader(void *unused)
{
    (void)unused;
    size_t seen = 0, wrong = 0;
    while (seen < RACE) {
        size_t length = run_log_length(&a);
        for (; seen < length; seen++)
            wrong += run_log_at(&a, seen)->step != seen || run_log_at(&a, seen)->as.step.loss != (double)seen;
    }
    return (void *)wrong;
}

/* One writer and two readers with no lock: ThreadSanitizer sees any race. */
static void readers_need_no_lock(void **state)
{
    (void)state;
    struct error err = {""};
    pthread_t reader[2];
    assert_int_equal(run_log_open(&a, NULL, &err), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&reader[i], NULL, race_reader, NULL), 0);
    int failed = 0;
    for (uint32_t s = 0; s < RACE; s++)
        failed += append(&a, RECORD_STEP, s, s) < 0;
    for (int i = 0; i < 2; i++) {
        void *wrong;
        pthread_join(reader[i], &wrong);
        assert_null(wrong);
    }
    assert_int_equal(failed, 0);
    run_log_release(&a);
}

static size_t last_of(const struct run_log *log, enum record_kind kind, struct record *record)
{
    size_t index[4096], n = run_log_series(log, kind, index, 4096);
    if (n > 0)
        *record = *run_log_at(log, index[n - 1]);
    return n;
}

/* Of any run, with pauses, crashes and rewinds, an outline says the same but for the steps between. */
static void outline_says_the_same(void **state)
{
    (void)state;
    struct error err = {""};
    unsigned random = 7;
    for (int round = 0; round < 200; round++) {
        uint32_t step = 0, saved[64] = {0};
        int n_saved = 1, was_rewound = 0;
        unlink(path);
        assert_int_equal(run_log_open(&a, path, &err), 0);
        assert_int_equal(append(&a, RECORD_START, 0, 0), 0);
        for (int i = 0; i < 150; i++) {
            unsigned what = (random = random * 1103515245U + 12345U) >> 16;
            if (what % 16 == 0 && n_saved < 64) {
                saved[n_saved++] = step; /* a checkpoint, at any step */
            } else if (what % 31 == 1) {
                step = saved[what / 31 % (unsigned)n_saved];
                while (saved[n_saved - 1] > step)
                    n_saved--;
                assert_int_equal(append(&a, RECORD_REWIND, step, 0), 0);
                was_rewound = 1;
            } else if (what % 31 == 2) {
                assert_int_equal(append(&a, RECORD_NOTE, step, 0), 0);
            } else {
                step++;
                assert_int_equal(append(&a, RECORD_STEP, step, i), 0);
                if (step % 10 == 0)
                    assert_int_equal(append(&a, RECORD_EPOCH, step, 0), 0);
            }
        }
        if (round % 2)
            assert_int_equal(append(&a, RECORD_END, step, 0), 0);
        run_log_release(&a);
        assert_int_equal(run_log_load(&a, path, NULL, &err), 0);
        assert_int_equal(run_log_load_outline(&b, path, &err), 0);
        assert_true(was_rewound || run_log_length(&b) < run_log_length(&a) / 2);
        for (int kind = RECORD_START; kind <= RECORD_END; kind++) {
            struct record x, y;
            size_t n = last_of(&a, (enum record_kind)kind, &x), m = last_of(&b, (enum record_kind)kind, &y);
            assert_int_equal(n > 0, m > 0);
            assert_true(kind == RECORD_STEP || n == m);
            if (n > 0 && memcmp(&x, &y, sizeof x) != 0)
                fail_msg("round %d: the last record of kind %d is of step %u, not %u", round, kind, y.step, x.step);
        }
        run_log_release(&a);
        run_log_release(&b);
    }
}

/* What is damaged between the records that an outline keeps is found all the same. */
static void outline_checks_every_record(void **state)
{
    (void)state;
    struct error err = {""};
    new_log(3000);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 1234 * RECORD_SIZE + 40), 1);
    close(fd);
    assert_int_equal(run_log_load_outline(&a, path, &err), 0);
    assert_int_equal(run_log_length(&a), 1);
    assert_int_equal(run_log_at(&a, 0)->step, 1234);
    assert_int_equal(a.dropped, (3000 - 1234) * RECORD_SIZE);
    run_log_release(&a);
    assert_int_equal(run_log_load_outline(&a, "/nonexistent/log", &err), -1);
}

static void long_texts_keep_both_ends(void **state)
{
    (void)state;
    char out[RECORD_NOTE_MAX], text[200];
    record_text(out, "short");
    assert_string_equal(out, "short");
    memset(text, 'a', sizeof text);
    text[RECORD_NOTE_MAX - 1] = '\0';
    record_text(out, text);
    assert_string_equal(out, text); /* just fits */
    for (int shift = 0; shift < 3; shift++) {
        int used = snprintf(text, sizeof text, "%.*s", shift, "ab");
        for (int i = 0; i < 40; i++)
            used += snprintf(text + used, sizeof text - (size_t)used, "\xE2\x82\xAC");
        strcpy(text + used, "end");
        record_text(out, text);
        assert_true(strlen(out) < RECORD_NOTE_MAX);
        assert_memory_equal(out, text, RECORD_NOTE_HEAD - 3);
        assert_string_equal(out + strlen(out) - 3, "end");
        for (const char *at = out; *at;) { /* whole characters only */
            int32_t code;
            at += utf8_decode(at, &code);
            assert_true(code >= 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(memory_only),
        cmocka_unit_test(long_texts_keep_both_ends),
        cmocka_unit_test(missing_file_is_an_error),
        cmocka_unit_test(torn_tails_are_cut),
        cmocka_unit_test(zeros_after_a_power_cut_are_not_records),
        cmocka_unit_test(flipped_bits_stop_the_reader),
        cmocka_unit_test(full_disk_loses_nothing),
        cmocka_unit_test(half_a_record_that_cannot_be_cut),
        cmocka_unit_test(a_reader_follows),
        cmocka_unit_test(series_honour_rewinds),
        cmocka_unit_test(readers_need_no_lock),
        cmocka_unit_test(outline_says_the_same),
        cmocka_unit_test(outline_checks_every_record),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
