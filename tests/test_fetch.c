/* Fetching: a local server that is slow, broken or wrong; archives good and bad; never a half data set. */
#include "engine/cifar.h"
#include "engine/dataset.h"
#include "engine/digest.h"
#include "engine/fetch.h"
#include "engine/files.h"
#include "tests/http_server.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SMALL 300000
#define PART "cifar-10-binary.tar.gz.part"

static char folder[256];
static struct http_server server;
static unsigned char small[SMALL]; /* random bytes in place of an archive */
static char small_sha256[DIGEST_HEX_SIZE], archive_sha256[DIGEST_HEX_SIZE];
static unsigned char *archive;
static size_t archive_size;

/* ---- what is served ---- */

static void digest_of(const void *data, size_t size, char hex[DIGEST_HEX_SIZE])
{
    struct digest digest;
    assert_int_equal(digest_init(&digest, NULL), 0);
    assert_int_equal(digest_add(&digest, data, size, NULL), 0);
    assert_int_equal(digest_finish(&digest, hex, NULL), 0);
    digest_release(&digest);
}

static void add_entry(struct archive *writer, const char *path, const void *data, size_t size)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, path);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    assert_int_equal(archive_write_header(writer, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(writer, data, size), (la_ssize_t)size);
    archive_entry_free(entry);
}

/* A tar.gz in memory: the first `files` batch files, all zeros but `label` as the first label, and other things. */
static unsigned char *make_archive(int files, size_t file_size, unsigned char label, size_t *size)
{
    size_t room = 8 << 20;
    unsigned char *data = malloc(room), *zeros = calloc(1, file_size);
    struct archive *writer = archive_write_new();
    assert_true(data && zeros && writer);
    archive_write_add_filter_gzip(writer);
    archive_write_set_filter_option(writer, "gzip", "compression-level", "1");
    archive_write_set_format_ustar(writer);
    assert_int_equal(archive_write_open_memory(writer, data, room, size), ARCHIVE_OK);
    add_entry(writer, "cifar-10-batches-bin/readme.html", "read me", 7);
    add_entry(writer, "../../escaped.bin", "out", 3);
    zeros[0] = label;
    for (int f = 0; f < files; f++) {
        char path[128];
        snprintf(path, sizeof path, "cifar-10-batches-bin/%s", cifar_file_name[f]);
        add_entry(writer, path, zeros, file_size);
    }
    const char *names = "n0\nn1\nn2\nn3\nn4\nn5\nn6\nn7\nn8\nn9\n";
    add_entry(writer, "cifar-10-batches-bin/" CIFAR_META_NAME, names, strlen(names));
    assert_int_equal(archive_write_close(writer), ARCHIVE_OK);
    archive_write_free(writer);
    free(zeros);
    return data;
}

static int make_group(void **state)
{
    (void)state;
    unsigned random = 12345;
    for (int i = 0; i < SMALL; i++)
        small[i] = (unsigned char)((random = random * 1664525u + 1013904223u) >> 24);
    digest_of(small, SMALL, small_sha256);
    archive = make_archive(CIFAR_FILES, (size_t)CIFAR_FILE_SIZE, 7, &archive_size);
    digest_of(archive, archive_size, archive_sha256);
    return 0;
}

static int free_group(void **state)
{
    (void)state;
    free(archive);
    return 0;
}

/* ---- the folder ---- */

static const char *in_folder(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static long long size_of(const char *name)
{
    struct stat st;
    return stat(in_folder(name), &st) == 0 ? (long long)st.st_size : -1;
}

static int entries(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static int start(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    unsetenv("http_proxy"); /* the server is here */
    snprintf(folder, sizeof folder, "%s/davidnet-fetch-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    return mkdtemp(folder) ? http_server_start(&server, small, SMALL) : -1;
}

static int stop(void **state)
{
    (void)state;
    http_server_stop(&server);
    return folder_remove(folder, NULL);
}

static const char *url(const char *path)
{
    static char text[2][128];
    static int turn;
    turn = !turn;
    snprintf(text[turn], sizeof text[turn], "http://127.0.0.1:%d%s", server.port, path);
    return text[turn];
}

static struct fetch_options small_options(void)
{
    return (struct fetch_options){
        .source = {url("/archive.tar.gz"), SMALL, small_sha256}, .to = folder, .tries = 3, .backoff = -1};
}

static void assert_small(const char *path)
{
    static unsigned char found[SMALL + 1];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(found, 1, sizeof found, file), SMALL);
    fclose(file);
    assert_memory_equal(found, small, SMALL);
}

static void assert_gets_small(const struct fetch_options *options)
{
    char path[512];
    struct error err = {""};
    if (fetch_archive(options, path, &err) != FETCH_OK)
        fail_msg("%s", err.text);
    assert_string_equal(path, in_folder(PART));
    assert_small(path);
}

static void assert_fails(const struct fetch_options *options, const char *const *words)
{
    char path[512];
    struct error err = {""};
    assert_int_equal(fetch_archive(options, path, &err), FETCH_FAILED);
    for (; *words; words++)
        if (!strstr(err.text, *words))
            fail_msg("the message '%s' lacks '%s'", err.text, *words);
}
#define ASSERT_FAILS(options, ...) assert_fails(options, (const char *const[]){__VA_ARGS__, NULL})

/* ---- downloading ---- */

static void downloads_all(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    assert_gets_small(&options);
    assert_int_equal(server.requests, 1);
    assert_int_equal(server.last_from, -1);
    assert_gets_small(&options); /* all there: nothing is asked for */
    assert_int_equal(server.requests, 1);
}

static void goes_on_where_it_was_cut(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    atomic_store(&server.cuts, 5); /* more than the tries: each brings some bytes */
    assert_gets_small(&options);
    assert_int_equal(server.requests, 6);
    assert_true(server.last_from > SMALL * 9 / 10);
}

static void goes_on_after_an_earlier_run(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    write_file(in_folder(PART), small, 1000);
    assert_gets_small(&options);
    assert_int_equal(server.last_from, 1000);
}

static void starts_over_without_ranges(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    server.no_ranges = 1;
    write_file(in_folder(PART), small, 1000);
    assert_gets_small(&options);
    assert_int_equal(server.requests, 2); /* with a range, then without */
    assert_int_equal(server.last_from, -1);
}

static void works_without_a_known_size(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    options.source.size = 0;
    write_file(in_folder(PART), small, SMALL); /* complete, but who knows: the server answers 416 */
    assert_gets_small(&options);
    assert_true(server.requests >= 1);
}

static void damaged_parts_are_got_anew(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    write_file(in_folder(PART), "not the beginning", 17);
    assert_gets_small(&options);
    static unsigned char longer[SMALL + 5];
    write_file(in_folder(PART), longer, sizeof longer);
    assert_gets_small(&options);
}

static void tries_again_after_passing_errors(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    atomic_store(&server.refusals, 2);
    assert_gets_small(&options);
    assert_int_equal(server.requests, 3);
}

static void gives_up_in_the_end(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    write_file(in_folder(PART), small, 1000);
    server.status = 503;
    ASSERT_FAILS(&options, options.source.url, "503", "3 tries", "kept", "--from");
    assert_int_equal(server.requests, 3);
    assert_int_equal(size_of(PART), 1000);
    options.source.url = "http://127.0.0.1:1/nobody-listens"; /* the port of tcpmux */
    options.tries = 8;                                        /* not so many where nobody answers */
    ASSERT_FAILS(&options, "127.0.0.1", "3 tries");
}

static void follows_redirects(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    options.source.url = url("/moved");
    assert_gets_small(&options);
    assert_int_equal(server.requests, 2);
    unlink(in_folder(PART));
    options.source.url = url("/loop");
    ASSERT_FAILS(&options, "redirect");
}

static void wrong_addresses_fail_at_once(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    server.status = 404;
    ASSERT_FAILS(&options, options.source.url, "404", "--from");
    assert_int_equal(server.requests, 1);
    assert_int_equal(entries(), 0); /* no empty .part */
    options.source.url = "ftp://127.0.0.1/x";
    ASSERT_FAILS(&options, "ftp://", "https://");
    options.source.url = "http://";
    ASSERT_FAILS(&options, "http://");
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    options.source.size = SMALL + 1;
    ASSERT_FAILS(&options, "expected 300001", "offers 300000");
    options.source.size = SMALL - 1;
    ASSERT_FAILS(&options, "expected 299999", "offers 300000");
    assert_int_equal(entries(), 0);
}

static void wrong_content_is_removed(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    static unsigned char damaged[SMALL];
    memcpy(damaged, small, SMALL);
    damaged[SMALL / 2] ^= 1;
    server.data = damaged;
    ASSERT_FAILS(&options, options.source.url, "expected sha256", small_sha256, "removed");
    assert_int_equal(entries(), 0);
    options.source.sha256 = "1234";
    ASSERT_FAILS(&options, "'1234'", "64 hex digits");
}

static void unwritable_targets_are_named(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    write_file(in_folder("file"), "", 0);
    options.to = in_folder("file/below");
    ASSERT_FAILS(&options, "file", "--to");
    assert_int_equal(server.requests, 0);
    assert_int_equal(mkdir(in_folder(PART), 0755), 0); /* in the way, even for root */
    options.to = folder;
    ASSERT_FAILS(&options, PART, "Is a directory");
    if (access("/dev/full", W_OK) == 0) {
        rmdir(in_folder(PART));
        assert_int_equal(symlink("/dev/full", in_folder(PART)), 0);
        ASSERT_FAILS(&options, PART, "No space left on device");
    }
}

static void folders_are_made(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    char path[512];
    struct error err = {""};
    options.to = in_folder("a/b/c");
    assert_int_equal(fetch_archive(&options, path, &err), FETCH_OK);
    assert_string_equal(path, in_folder("a/b/c/" PART));
}

/* ---- progress and cancelling ---- */

struct watch {
    atomic_int cancel;
    int cancel_in; /* a phase; -1: never */
    int reports, seen[FETCH_DONE + 1], problems;
    int64_t last;
};

static void on_progress(void *context, const struct fetch_progress *progress)
{
    struct watch *watch = context;
    watch->reports++;
    watch->seen[progress->phase]++;
    watch->problems += progress->problem != NULL;
    watch->last = progress->done;
    assert_true(progress->total == 0 || progress->done <= progress->total);
    assert_true(isnan(progress->bytes_per_second) || progress->bytes_per_second >= 0);
    assert_true(isnan(progress->eta_seconds) || progress->eta_seconds >= 0);
    if ((int)progress->phase == watch->cancel_in)
        atomic_store(&watch->cancel, 1);
}

static void progress_tells_phases_and_problems(void **state)
{
    (void)state;
    struct watch watch = {.cancel_in = -1};
    struct fetch_options options = small_options();
    options.progress = on_progress;
    options.context = &watch;
    atomic_store(&server.refusals, 1);
    assert_gets_small(&options);
    assert_int_equal(watch.seen[FETCH_CONNECTING], 2);
    assert_true(watch.seen[FETCH_DOWNLOADING] >= 1);
    assert_int_equal(watch.seen[FETCH_WAITING], 1);
    assert_int_equal(watch.problems, 1);
    assert_true(watch.seen[FETCH_VERIFYING] >= 1);
}

static void cancelling_keeps_what_came(void **state)
{
    (void)state;
    static const enum fetch_phase phase[] = {FETCH_CONNECTING, FETCH_WAITING, FETCH_DOWNLOADING, FETCH_VERIFYING};
    for (size_t i = 0; i < sizeof phase / sizeof *phase; i++) {
        struct watch watch = {.cancel_in = (int)phase[i]};
        struct fetch_options options = small_options();
        char path[512];
        struct error err = {""};
        options.progress = on_progress;
        options.context = &watch;
        options.cancel = &watch.cancel;
        options.backoff = 1e6; /* a wait must end when cancelled */
        atomic_store(&server.refusals, phase[i] == FETCH_WAITING);
        server.drip = phase[i] == FETCH_DOWNLOADING; /* the rest would never come */
        assert_int_equal(fetch_archive(&options, path, &err), FETCH_CANCELLED);
        assert_non_null(strstr(err.text, "cancelled"));
        assert_true(watch.seen[phase[i]] >= 1);
        if (phase[i] == FETCH_DOWNLOADING)
            assert_in_range(size_of(PART), 1, SMALL / 2);
    }
    server.drip = 0;
    struct fetch_options options = small_options();
    assert_gets_small(&options);
}

/* ---- the whole way ---- */

static int run(struct fetch_options *options, struct fetch_result *result, struct error *err)
{
    memset(err, 0, sizeof *err);
    options->to = folder;
    options->backoff = -1;
    return fetch_run(options, result, err);
}

static void a_good_archive_becomes_a_data_set(void **state)
{
    (void)state;
    struct watch watch = {.cancel_in = -1};
    struct fetch_options options = {
        .source = {url("/moved"), 0, archive_sha256}, .progress = on_progress, .context = &watch};
    struct fetch_result result;
    struct error err;
    struct dataset dataset;
    server.data = archive;
    server.size = archive_size;
    atomic_store(&server.cuts, 1);
    assert_int_equal(mkdir(in_folder(CIFAR_FOLDER ".unpacking"), 0755), 0); /* left by a kill */
    write_file(in_folder(CIFAR_FOLDER ".unpacking/data_batch_1.bin"), "half", 4);
    assert_int_equal(mkdir(in_folder(CIFAR_FOLDER), 0755), 0); /* damaged */
    write_file(in_folder(CIFAR_FOLDER "/data_batch_1.bin"), "short", 5);
    if (run(&options, &result, &err) != FETCH_OK)
        fail_msg("%s", err.text);
    assert_false(result.was_there);
    assert_string_equal(result.folder, in_folder(CIFAR_FOLDER));
    assert_string_equal(result.set_aside, in_folder(CIFAR_FOLDER ".damaged-1"));
    assert_int_equal(size_of(CIFAR_FOLDER ".damaged-1/data_batch_1.bin"), 5);
    assert_int_equal(entries(), 2); /* no .part, no .unpacking */
    assert_int_equal(size_of(CIFAR_FOLDER "/readme.html"), -1);
    assert_int_equal(access(in_folder("../escaped.bin"), F_OK), -1);
    assert_int_equal(dataset_open(&dataset, result.folder, &err), 0);
    assert_int_equal(dataset.test.labels[0], 7);
    assert_string_equal(dataset.class_name[9], "n9");
    dataset_release(&dataset);
    assert_true(watch.seen[FETCH_UNPACKING] >= 1);
    assert_int_equal(watch.seen[FETCH_DONE], 1);

    int requests = server.requests;
    assert_int_equal(run(&options, &result, &err), FETCH_OK); /* already there */
    assert_true(result.was_there);
    assert_int_equal(server.requests, requests);
}

static void bad_archives_leave_nothing(void **state)
{
    (void)state;
    static const struct {
        int files;
        size_t size;
        unsigned char label;
        const char *message;
    } bad[] = {{2, 3073, 0, "data_batch_3.bin"},
               {CIFAR_FILES, 3073, 0, "found 3073; name another archive with --from"},
               {CIFAR_FILES, (size_t)CIFAR_FILE_SIZE, 11, "is damaged; name another archive with --from"},
               {1, (size_t)CIFAR_FILE_SIZE + 1, 0, "longer than"}};
    struct fetch_options options = {.source = {.url = in_folder("local.tar.gz")}};
    char source[512], hex[DIGEST_HEX_SIZE];
    struct fetch_result result;
    struct error err;
    snprintf(source, sizeof source, "%s", in_folder("local.tar.gz"));
    options.source = (struct fetch_source){source, 0, hex};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t size;
        unsigned char *data = make_archive(bad[i].files, bad[i].size, bad[i].label, &size);
        digest_of(data, size, hex);
        write_file(source, data, size);
        free(data);
        assert_int_equal(run(&options, &result, &err), FETCH_FAILED);
        if (!strstr(err.text, bad[i].message) || !strstr(err.text, source) || strstr(err.text, "data fetch"))
            fail_msg("the message '%s' lacks '%s', or advises to do the same again", err.text, bad[i].message);
        assert_int_equal(entries(), 1); /* the local archive itself stays, and nothing else */
    }
    digest_of(small, SMALL, hex); /* right digest, but no archive at all */
    write_file(source, small, SMALL);
    assert_int_equal(run(&options, &result, &err), FETCH_FAILED);
    assert_non_null(strstr(err.text, "archive"));
    digest_of(archive, archive_size / 2, hex); /* cut short */
    write_file(source, archive, archive_size / 2);
    assert_int_equal(run(&options, &result, &err), FETCH_FAILED);
    assert_non_null(strstr(err.text, "damaged"));
    assert_int_equal(entries(), 1);
}

static void local_archives_are_verified(void **state)
{
    (void)state;
    char source[600];
    struct fetch_result result;
    struct error err;
    write_file(in_folder("local.tar.gz"), archive, archive_size);
    snprintf(source, sizeof source, "file://%s", in_folder("local.tar.gz"));
    struct fetch_options options = {.source = {source, 0, small_sha256}};
    assert_int_equal(run(&options, &result, &err), FETCH_FAILED);
    assert_non_null(strstr(err.text, small_sha256));
    assert_int_equal(entries(), 1);
    options.source = (struct fetch_source){source + 7, fetch_official.size, fetch_official.sha256};
    assert_int_equal(run(&options, &result, &err), FETCH_FAILED);
    assert_non_null(strstr(err.text, "expected 170052171"));
    options.source.url = "/nonexistent/archive.tar.gz";
    assert_int_equal(run(&options, &result, &err), FETCH_FAILED);
    assert_non_null(strstr(err.text, "/nonexistent/archive.tar.gz"));

    struct watch watch = {.cancel_in = FETCH_UNPACKING}; /* cancelled half-way: nothing is left */
    options.source = (struct fetch_source){source, (int64_t)archive_size, archive_sha256};
    options.progress = on_progress;
    options.context = &watch;
    options.cancel = &watch.cancel;
    assert_int_equal(run(&options, &result, &err), FETCH_CANCELLED);
    assert_null(strstr(err.text, "download")); /* nothing was */
    assert_int_equal(entries(), 1);
    assert_int_equal(size_of("local.tar.gz"), (long long)archive_size); /* the user's own file stays */
}

static void one_fetch_at_a_time(void **state)
{
    (void)state;
    struct fetch_options options = small_options();
    struct fetch_result result;
    struct error err;
    int lock = open(folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_int_equal(run(&options, &result, &err), FETCH_FAILED);
    assert_non_null(strstr(err.text, "another davidnet"));
    assert_int_equal(server.requests, 0);
    close(lock);
}

static void the_official_source_is_well_formed(void **state)
{
    (void)state;
    assert_true(digest_is_hex(fetch_official.sha256));
    assert_int_equal(fetch_official.size, 170052171);
    assert_int_equal(strncmp(fetch_official.url, "https://", 8), 0);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(downloads_all),
        SERVED(goes_on_where_it_was_cut),
        SERVED(goes_on_after_an_earlier_run),
        SERVED(starts_over_without_ranges),
        SERVED(works_without_a_known_size),
        SERVED(damaged_parts_are_got_anew),
        SERVED(tries_again_after_passing_errors),
        SERVED(gives_up_in_the_end),
        SERVED(follows_redirects),
        SERVED(wrong_addresses_fail_at_once),
        SERVED(wrong_sizes_are_refused),
        SERVED(wrong_content_is_removed),
        SERVED(unwritable_targets_are_named),
        SERVED(folders_are_made),
        SERVED(progress_tells_phases_and_problems),
        SERVED(cancelling_keeps_what_came),
        SERVED(a_good_archive_becomes_a_data_set),
        SERVED(bad_archives_leave_nothing),
        SERVED(local_archives_are_verified),
        SERVED(one_fetch_at_a_time),
        cmocka_unit_test(the_official_source_is_well_formed),
    };
    return cmocka_run_group_tests(tests, make_group, free_group);
}
