/* Data sets: CIFAR-10 files good and bad, the synthetic set, holdout, where data is looked for. */
#include "engine/cifar.h"
#include "engine/dataset.h"
#include "engine/digest.h"
#include "engine/synthetic.h"
#include "kernels/parallel.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PIXELS 3072

static char folder[256];

static const char *in_folder(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

/* Overwrites bytes of a file, which is made when missing. */
static void poke(const char *name, long long offset, const void *data, size_t size)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, size, (off_t)offset), (ssize_t)size);
    close(fd);
}

/* A whole set of zeros (sparse files), but each file's first record: label f, red and green f + 1. */
static int make_cifar(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/davidnet-dataset-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    for (int f = 0; f < CIFAR_FILES; f++) {
        uint8_t record[CIFAR_RECORD];
        memset(record, f + 1, sizeof record);
        memset(record + 1 + 2048, 0, 1024);
        record[0] = (uint8_t)f;
        poke(cifar_file_name[f], 0, record, sizeof record);
        if (truncate(in_folder(cifar_file_name[f]), CIFAR_FILE_SIZE) != 0)
            return -1;
    }
    return 0;
}

static int remove_cifar(void **state)
{
    (void)state;
    for (int f = 0; f < CIFAR_FILES; f++)
        if (unlink(in_folder(cifar_file_name[f])) != 0)
            rmdir(in_folder(cifar_file_name[f]));
    unlink(in_folder(CIFAR_META_NAME));
    return rmdir(folder);
}

static void assert_fails(const char *source, const char *const *words)
{
    struct dataset dataset;
    struct error err = {""};
    assert_int_equal(dataset_open(&dataset, source, &err), -1);
    assert_null(dataset.storage);
    for (; *words; words++)
        if (!strstr(err.text, *words))
            fail_msg("the message '%s' lacks '%s'", err.text, *words);
}
#define ASSERT_FAILS(source, ...) assert_fails(source, (const char *const[]){__VA_ARGS__, NULL})

static void reads_images_labels_and_names(void **state)
{
    (void)state;
    struct dataset d;
    struct error err = {""};
    uint8_t last[CIFAR_RECORD];
    memset(last, 200, sizeof last);
    last[0] = 9;
    last[1] = 11; /* first red, ... */
    last[1 + 1024] = 22;
    last[1 + 2048] = 33;
    last[CIFAR_RECORD - 1] = 44; /* ... and last blue byte */
    poke("data_batch_3.bin", CIFAR_FILE_SIZE - CIFAR_RECORD, last, sizeof last);
    const char *names = "a\nb\r\nc\nd\ne\nf\ng\nh\ni\nthe last\n\n";
    poke(CIFAR_META_NAME, 0, names, strlen(names));

    char above[64], below[128]; /* a folder that contains the data set's is accepted */
    snprintf(above, sizeof above, "/tmp/davidnet-above-XXXXXX");
    assert_non_null(mkdtemp(above));
    snprintf(below, sizeof below, "%s/" CIFAR_FOLDER, above);
    assert_int_equal(symlink(folder, below), 0);
    assert_int_equal(dataset_open(&d, above, &err), 0);
    assert_string_equal(d.source, below);
    unlink(below);
    rmdir(above);

    assert_int_equal(d.train.count, 50000);
    assert_int_equal(d.test.count, 10000);
    assert_int_equal(d.train.channels, 3);
    assert_int_equal(d.train.height, 32);
    assert_int_equal(d.train.width, 32);
    assert_int_equal(d.train.classes, 10);
    for (uint32_t f = 0; f < 5; f++) {
        assert_int_equal(d.train.labels[f * 10000], f);
        assert_int_equal(d.train.pixels[(size_t)f * 10000 * PIXELS + 2047], f + 1);
        assert_int_equal(d.train.labels[f * 10000 + 1], 0);
    }
    assert_int_equal(d.test.labels[0], 5);
    assert_int_equal(d.test.pixels[0], 6);
    const uint8_t *p = d.train.pixels + 29999ull * PIXELS;
    assert_int_equal(d.train.labels[29999], 9);
    assert_int_equal(p[0], 11);
    assert_int_equal(p[1024], 22);
    assert_int_equal(p[2048], 33);
    assert_int_equal(p[3071], 44);
    assert_string_equal(d.class_name[1], "b");
    assert_string_equal(d.class_name[9], "the last");
    dataset_release(&d);
}

static void damaged_names_are_explained(void **state)
{
    (void)state;
    poke(CIFAR_META_NAME, 0, "a\nb\n", 4);
    ASSERT_FAILS(folder, "batches.meta.txt", "expected 10", "found 2");
    const char *many = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n";
    poke(CIFAR_META_NAME, 0, many, strlen(many));
    ASSERT_FAILS(folder, "batches.meta.txt", "line 11", "more");
    const char *wide = "a name that is much longer than any table could show\n";
    poke(CIFAR_META_NAME, 0, wide, strlen(wide));
    ASSERT_FAILS(folder, "batches.meta.txt", "line 1", "at most 31", "found 52");
}

static void statistics_and_digest_are_exact(void **state)
{
    (void)state;
    struct dataset d;
    struct error err = {""};
    assert_int_equal(dataset_open(&d, folder, &err), 0);
    /* five images of 1, 2, 3, 4, 5 among 50,000 of zero */
    double mean = 15.0 / 50000, std = sqrt(55.0 / 50000 - mean * mean);
    for (int c = 0; c < 2; c++) {
        assert_true(d.train.mean[c] == (float)mean);
        assert_true(fabs((double)d.train.std[c] - std) < 1e-8);
    }
    assert_true(d.train.mean[2] == 0.0f && d.train.std[2] == 1.0f); /* constant, yet it can be normalised */
    assert_memory_equal(d.train.mean, d.test.mean, sizeof d.train.mean);
    assert_memory_equal(d.train.std, d.test.std, sizeof d.train.std);
    assert_string_equal(d.class_name[0], "airplane"); /* no batches.meta.txt: the usual names */
    assert_string_equal(d.class_name[9], "truck");
    struct digest digest;
    char hex[DIGEST_HEX_SIZE];
    static uint8_t data[1 << 20];
    assert_int_equal(digest_init(&digest, &err), 0);
    for (int f = 0; f < CIFAR_FILES; f++) {
        FILE *file = fopen(in_folder(cifar_file_name[f]), "rb");
        assert_non_null(file);
        for (size_t got; (got = fread(data, 1, sizeof data, file)) > 0;)
            assert_int_equal(digest_add(&digest, data, got, &err), 0);
        fclose(file);
    }
    assert_int_equal(digest_finish(&digest, hex, &err), 0);
    digest_release(&digest);
    assert_string_equal(d.sha256, hex);
    dataset_release(&d);
}

static void digest_matches_the_standard(void **state)
{
    (void)state;
    struct digest digest;
    struct error err = {""};
    char hex[DIGEST_HEX_SIZE];
    assert_int_equal(digest_init(&digest, &err), 0);
    assert_int_equal(digest_add(&digest, "a", 1, &err), 0);
    assert_int_equal(digest_add(&digest, "bc", 2, &err), 0);
    assert_int_equal(digest_finish(&digest, hex, &err), 0);
    digest_release(&digest);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(digest_is_hex(hex));
    hex[63] = 'g';
    assert_false(digest_is_hex(hex));
    assert_false(digest_is_hex("ba78"));
}

static void damaged_files_are_named(void **state)
{
    (void)state;
    const uint8_t bad = 10;
    poke("data_batch_4.bin", 1234ll * CIFAR_RECORD, &bad, 1);
    ASSERT_FAILS(folder, "data_batch_4.bin", "record 1234", "0 to 9", "found 10");

    assert_int_equal(truncate(in_folder("data_batch_2.bin"), CIFAR_FILE_SIZE - 1), 0);
    ASSERT_FAILS(folder, "data_batch_2.bin", "expected 30730000", "found 30729999");
    assert_int_equal(truncate(in_folder("data_batch_2.bin"), CIFAR_FILE_SIZE + 1), 0);
    ASSERT_FAILS(folder, "data_batch_2.bin", "expected 30730000", "found 30730001");
    assert_int_equal(truncate(in_folder("data_batch_2.bin"), 0), 0);
    ASSERT_FAILS(folder, "data_batch_2.bin", "expected 30730000", "found 0");
}

static void missing_files_are_named(void **state)
{
    (void)state;
    unlink(in_folder("test_batch.bin"));
    ASSERT_FAILS(folder, "test_batch.bin", "missing", "davidnet data fetch");
    assert_int_equal(mkdir(in_folder("test_batch.bin"), 0755), 0);
    ASSERT_FAILS(folder, "test_batch.bin", "not a regular file");
    unlink(in_folder("data_batch_1.bin"));
    ASSERT_FAILS(folder, folder, "data_batch_1.bin", "davidnet data fetch");
}

static void unreadable_files_are_named(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        print_message("SKIPPED: root may read every file\n");
        skip();
    }
    assert_int_equal(chmod(in_folder("data_batch_5.bin"), 0), 0);
    ASSERT_FAILS(folder, "data_batch_5.bin", "cannot be opened", "Permission denied");
}

static void wrong_sources_are_explained(void **state)
{
    (void)state;
    char longest[700];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ASSERT_FAILS("/nonexistent/folder", "/nonexistent/folder", "no such folder", "synthetic");
    ASSERT_FAILS("/dev/null", "/dev/null", "expected a folder");
    ASSERT_FAILS("synthetic:", "synthetic:", "whole number");
    ASSERT_FAILS("synthetic:-1", "synthetic:-1", "whole number");
    ASSERT_FAILS("synthetic:7x", "synthetic:7x", "whole number");
    ASSERT_FAILS("synthetic:18446744073709551616", "whole number");
    ASSERT_FAILS("syntheticX", "syntheticX", "no such folder");
    ASSERT_FAILS("", "no such folder");
    ASSERT_FAILS(longest, "xxx");
}

/* The known bytes of seed 0: the same on every machine, compiler and number of threads. */
#define SYNTHETIC_SHA256 "91e344e2800afb5d2e27403286ba0c12ecbfcf9125572d36f52f4a1b59053253"

static void synthetic_is_the_same_everywhere(void **state)
{
    (void)state;
    struct dataset d;
    struct error err = {""};
    parallel_set_threads(3);
    assert_int_equal(dataset_open(&d, "synthetic", &err), 0);
    assert_string_equal(d.source, "synthetic:0");
    assert_string_equal(d.sha256, SYNTHETIC_SHA256);
    assert_int_equal(d.train.count, 50000);
    assert_int_equal(d.test.count, 10000);
    assert_int_equal(d.train.classes, 10);
    parallel_set_threads(0);
    uint8_t pixels[PIXELS];
    const uint32_t probes[] = {0, 1, 777, 49999, 50000, 59999}; /* one image alone is the same */
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        assert_int_equal(synthetic_draw(0, probes[i], pixels), d.train.labels[probes[i]]);
        assert_memory_equal(pixels, d.train.pixels + (size_t)probes[i] * PIXELS, PIXELS);
    }
    for (uint32_t i = 0; i < 60000; i += 10) { /* each ten hold every class */
        unsigned seen = 0;
        for (uint32_t k = 0; k < 10; k++)
            seen |= 1u << d.train.labels[i + k];
        assert_int_equal(seen, 0x3ff);
    }
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(d.class_name[i], d.class_name[j]);
    dataset_release(&d);
}

static void synthetic_seeds_differ(void **state)
{
    (void)state;
    uint8_t a[PIXELS], b[PIXELS];
    synthetic_draw(1, 5, a);
    synthetic_draw(2, 5, b);
    assert_memory_not_equal(a, b, PIXELS);
    synthetic_draw(1, 6, b);
    assert_memory_not_equal(a, b, PIXELS);
    synthetic_draw(1ull << 32, 5, a);
    synthetic_draw(0, 5, b);
    assert_memory_not_equal(a, b, PIXELS);
}

/* Mean colour and the class's mean image, the easiest linear cues, say next to nothing. */
static void synthetic_has_no_linear_shortcut(void **state)
{
    (void)state;
    enum { TRAIN = 4000, TEST = 1000 };
    static double mean[10][PIXELS];
    uint8_t pixels[PIXELS];
    memset(mean, 0, sizeof mean);
    for (uint32_t i = 0; i < TRAIN; i++) {
        int label = synthetic_draw(9, i, pixels);
        for (int k = 0; k < PIXELS; k++)
            mean[label][k] += pixels[k] * (10.0 / TRAIN);
    }
    int right = 0;
    for (uint32_t i = TRAIN; i < TRAIN + TEST; i++) {
        int label = synthetic_draw(9, i, pixels), nearest = 0;
        double least = INFINITY;
        for (int c = 0; c < 10; c++) {
            double distance = 0;
            for (int k = 0; k < PIXELS; k++)
                distance += (pixels[k] - mean[c][k]) * (pixels[k] - mean[c][k]);
            if (distance < least) {
                least = distance;
                nearest = c;
            }
        }
        right += nearest == label;
    }
    assert_in_range(right, 0, TEST * 4 / 10);
}

static void holdout_takes_the_last_images(void **state)
{
    (void)state;
    struct dataset d = {.source = "made here"};
    struct error err = {""};
    const struct images shape = {.channels = 1, .height = 2, .width = 2, .classes = 2};
    const uint32_t train = 2 * DATASET_HOLDOUT + 1, left = DATASET_HOLDOUT + 1;
    assert_int_equal(dataset_allocate(&d, train, 3, &shape, &err), 0);
    memset(d.storage, 6, left * 4);                            /* what stays: 6 ... */
    memset(d.storage, 8, 4);                                   /* ... but the first image */
    memset(d.storage + left * 4, 200, DATASET_HOLDOUT * 4ull); /* what is held out */
    const uint8_t *pixels = d.train.pixels, *labels = d.train.labels;
    assert_int_equal(dataset_hold_out(&d, &err), 0);
    assert_int_equal(d.train.count, left);
    assert_int_equal(d.test.count, DATASET_HOLDOUT);
    assert_ptr_equal(d.train.pixels, pixels);
    assert_ptr_equal(d.train.labels, labels);
    assert_ptr_equal(d.test.pixels, pixels + left * 4);
    assert_ptr_equal(d.test.labels, labels + left);
    assert_true(d.train.mean[0] == (float)(6 + 2.0 / left)); /* of what is left to train on */
    assert_true(d.test.mean[0] == d.train.mean[0] && d.test.std[0] == d.train.std[0]);
    d.train.count = 2 * DATASET_HOLDOUT;
    assert_int_equal(dataset_hold_out(&d, &err), -1);
    assert_non_null(strstr(err.text, "found 10000"));
    dataset_release(&d);
}

static void the_default_source_is_searched(void **state)
{
    (void)state;
    char source[512], home[256], path[512], back[1024];
    assert_non_null(getcwd(back, sizeof back));
    snprintf(home, sizeof home, "/tmp/davidnet-home-XXXXXX");
    assert_non_null(mkdtemp(home));
    assert_int_equal(chdir(home), 0);
    const char *given = getenv("DAVIDNET_DATA"), *xdg = getenv("XDG_DATA_HOME");
    char *saved = given ? strdup(given) : NULL, *saved_xdg = xdg ? strdup(xdg) : NULL;

    unsetenv("DAVIDNET_DATA");
    setenv("XDG_DATA_HOME", home, 1);
    assert_int_equal(dataset_default_source(source, sizeof source), 0);
    assert_string_equal(source, "synthetic");
    assert_int_equal(mkdir("davidnet", 0755), 0);
    assert_int_equal(symlink(folder, "davidnet/" CIFAR_FOLDER), 0);
    assert_int_equal(dataset_default_source(source, sizeof source), 1);
    snprintf(path, sizeof path, "%s/davidnet/" CIFAR_FOLDER, home);
    assert_string_equal(source, path);
    assert_int_equal(symlink(folder, "data"), 0); /* ./data itself comes first */
    assert_int_equal(dataset_default_source(source, sizeof source), 1);
    assert_string_equal(source, "data");
    unlink("data");
    assert_int_equal(mkdir("data", 0755), 0);
    assert_int_equal(symlink(folder, "data/" CIFAR_FOLDER), 0);
    assert_int_equal(dataset_default_source(source, sizeof source), 1);
    assert_string_equal(source, "data/" CIFAR_FOLDER);
    setenv("DAVIDNET_DATA", "/wrong", 1); /* wrong, but the user's: opening it must say so */
    assert_int_equal(dataset_default_source(source, sizeof source), 1);
    assert_string_equal(source, "/wrong");
    setenv("DAVIDNET_DATA", "synthetic:4", 1);
    assert_int_equal(dataset_default_source(source, sizeof source), 0);
    assert_string_equal(source, "synthetic:4");

    saved ? setenv("DAVIDNET_DATA", saved, 1) : unsetenv("DAVIDNET_DATA");
    saved_xdg ? setenv("XDG_DATA_HOME", saved_xdg, 1) : unsetenv("XDG_DATA_HOME");
    free(saved);
    free(saved_xdg);
    unlink("data/" CIFAR_FOLDER);
    rmdir("data");
    unlink("davidnet/" CIFAR_FOLDER);
    rmdir("davidnet");
    assert_int_equal(chdir(back), 0);
    assert_int_equal(rmdir(home), 0);
}

static void real_cifar_has_its_known_statistics(void **state)
{
    (void)state;
    static const double mean[3] = {125.31, 122.95, 113.87}, std[3] = {62.99, 62.09, 66.70};
    const char *source = getenv("DAVIDNET_DATA");
    struct dataset d;
    struct error err = {""};
    if (!source || !source[0]) {
        print_message("SKIPPED: DAVIDNET_DATA names no folder of CIFAR-10 files\n");
        skip();
    }
    if (dataset_open(&d, source, &err) != 0)
        fail_msg("%s", err.text);
    int count[2][10] = {{0}};
    for (uint32_t i = 0; i < d.train.count; i++)
        count[0][d.train.labels[i]]++;
    for (uint32_t i = 0; i < d.test.count; i++)
        count[1][d.test.labels[i]]++;
    for (int c = 0; c < 10; c++) {
        assert_int_equal(count[0][c], 5000);
        assert_int_equal(count[1][c], 1000);
    }
    for (int c = 0; c < 3; c++) {
        assert_true(fabs((double)d.train.mean[c] - mean[c]) < 0.006);
        assert_true(fabs((double)d.train.std[c] - std[c]) < 0.006);
    }
    assert_string_equal(d.class_name[3], "cat");
    dataset_release(&d);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, make_cifar, remove_cifar)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(reads_images_labels_and_names),
        WITH_FILES(damaged_names_are_explained),
        WITH_FILES(statistics_and_digest_are_exact),
        cmocka_unit_test(digest_matches_the_standard),
        WITH_FILES(damaged_files_are_named),
        WITH_FILES(missing_files_are_named),
        WITH_FILES(unreadable_files_are_named),
        cmocka_unit_test(wrong_sources_are_explained),
        cmocka_unit_test(synthetic_is_the_same_everywhere),
        cmocka_unit_test(synthetic_seeds_differ),
        cmocka_unit_test(synthetic_has_no_linear_shortcut),
        cmocka_unit_test(holdout_takes_the_last_images),
        WITH_FILES(the_default_source_is_searched),
        cmocka_unit_test(real_cifar_has_its_known_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
