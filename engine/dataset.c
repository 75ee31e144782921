#include "engine/dataset.h"

#include "engine/cifar.h"
#include "engine/digest.h"
#include "engine/synthetic.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* About a folder with a file missing or damaged. */
static const char remedy[] = "`davidnet data fetch` downloads it anew";

static size_t image_bytes(const struct images *images)
{
    return (size_t)images->channels * (size_t)images->height * (size_t)images->width;
}

int dataset_allocate(struct dataset *dataset, uint32_t train, uint32_t test, const struct images *shape,
                     struct error *err)
{
    size_t bytes = image_bytes(shape), count = (size_t)train + test;
    uint8_t *storage = calloc(count, bytes + 1);
    if (!storage)
        return error_set(err, "no memory for %zu images of %zu bytes", count, bytes);
    dataset->storage = storage;
    dataset->train = *shape;
    dataset->train.count = train;
    dataset->train.pixels = storage;
    dataset->train.labels = storage + count * bytes;
    dataset->test = *shape;
    dataset->test.count = test;
    dataset->test.pixels = storage + train * bytes;
    dataset->test.labels = dataset->train.labels + train;
    return 0;
}

/* Mean and std of the training bytes, into both sets. n * sum of squares stays below 2^64 for 2^40 bytes a channel. */
static void compute_statistics(struct dataset *dataset)
{
    struct images *train = &dataset->train;
    size_t plane = (size_t)train->height * (size_t)train->width;
    for (int c = 0; c < train->channels; c++) {
        uint64_t sum = 0, squares = 0;
        for (uint32_t i = 0; i < train->count; i++) {
            const uint8_t *p = train->pixels + i * image_bytes(train) + (size_t)c * plane;
            uint32_t s = 0, q = 0;
            for (size_t k = 0; k < plane; k++) {
                s += p[k];
                q += (uint32_t)p[k] * p[k];
            }
            sum += s;
            squares += q;
        }
        uint64_t n = (uint64_t)train->count * plane;
        unsigned __int128 scaled = (unsigned __int128)n * squares - (unsigned __int128)sum * sum;
        train->mean[c] = (float)((double)sum / (double)n);
        train->std[c] = scaled ? (float)(sqrt((double)scaled) / (double)n) : 1.0f;
    }
    memcpy(dataset->test.mean, train->mean, sizeof train->mean);
    memcpy(dataset->test.std, train->std, sizeof train->std);
}

static int add_images(struct digest *digest, const struct images *images, struct error *err)
{
    for (uint32_t i = 0; i < images->count; i++) {
        const uint8_t *pixels = images->pixels + i * image_bytes(images);
        if (digest_add(digest, images->labels + i, 1, err) != 0 ||
            digest_add(digest, pixels, image_bytes(images), err) != 0)
            return -1;
    }
    return 0;
}

static int compute_digest(struct dataset *dataset, struct error *err)
{
    struct digest digest;
    if (digest_init(&digest, err) != 0)
        return -1;
    int status = add_images(&digest, &dataset->train, err);
    if (status == 0)
        status = add_images(&digest, &dataset->test, err);
    if (status == 0)
        status = digest_finish(&digest, dataset->sha256, err);
    digest_release(&digest);
    return status;
}

/* "synthetic", "synthetic:SEED" or "synthetic:SEED:COUNT". */
static int is_synthetic(const char *source)
{
    return strncmp(source, "synthetic", 9) == 0 && (source[9] == '\0' || source[9] == ':');
}

/* A whole number at *text, up to ':' or the end; *text moves behind it. 0 or -1. */
static int take_number(const char **text, uint64_t *value)
{
    char *end;
    if (**text < '0' || **text > '9')
        return -1;
    errno = 0;
    *value = strtoull(*text, &end, 10);
    *text = end;
    return errno || (*end && *end != ':') ? -1 : 0;
}

/* Sets the source's whole name; *seed and *count are what it stands for. */
static int find_synthetic(struct dataset *dataset, const char *source, uint64_t *seed, uint64_t *count,
                          struct error *err)
{
    const char *text = source + strlen("synthetic");
    *seed = 0;
    *count = SYNTHETIC_TRAIN;
    if (*text == ':' && (text++, take_number(&text, seed)))
        return error_set(err,
                         "data source '%s': the seed after 'synthetic:' must be a whole number from 0 to "
                         "18446744073709551615",
                         source);
    if (*text == ':' && (text++, take_number(&text, count) || *text || *count < 10 || *count > SYNTHETIC_TRAIN))
        return error_set(err, "data source '%s': the number of training images must be from 10 to %d", source,
                         SYNTHETIC_TRAIN);
    int length = snprintf(dataset->source, sizeof dataset->source, "synthetic:%llu", (unsigned long long)*seed);
    if (*count != SYNTHETIC_TRAIN)
        snprintf(dataset->source + length, sizeof dataset->source - (size_t)length, ":%llu",
                 (unsigned long long)*count);
    return 0;
}

/* Sets the source to the absolute path of the folder that has the files. */
static int find_folder(struct dataset *dataset, const char *source, struct error *err)
{
    struct stat st;
    char found[sizeof dataset->source];
    if (stat(source, &st) != 0)
        return error_set(err,
                         "data source '%s': %s; `davidnet data fetch` downloads CIFAR-10, and the source "
                         "'synthetic' needs no files",
                         source, errno == ENOENT ? "no such folder" : strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return error_set(err, "data source '%s': expected a folder of CIFAR-10 binary files, found a file", source);
    char *real = realpath(source, NULL);
    if (!real)
        return error_set(err, "data source '%s': %s", source, strerror(errno));
    int fits = strlen(real) + sizeof CIFAR_FOLDER + 1 <= sizeof found;
    int is_there = fits && cifar_find(real, found, sizeof found);
    int shut = !is_there && access(real, X_OK) != 0 ? errno : 0;
    free(real);
    if (!fits)
        return error_set(err, "data source '%.64s...': the path is longer than %zu bytes", source,
                         sizeof found - sizeof CIFAR_FOLDER - 1);
    if (shut)
        return error_set(err, "data source '%s': cannot look into the folder: %s", source, strerror(shut));
    if (!is_there)
        return error_set(err,
                         "data source '%s': expected CIFAR-10 binary files, found no %s, neither here nor in %s/; "
                         "`davidnet data fetch` downloads them",
                         source, cifar_file_name[0], CIFAR_FOLDER);
    memcpy(dataset->source, found, sizeof found);
    return 0;
}

int dataset_open(struct dataset *dataset, const char *source, struct error *err)
{
    uint64_t seed, count;
    memset(dataset, 0, sizeof *dataset);
    int status =
        is_synthetic(source)
            ? find_synthetic(dataset, source, &seed, &count, err) || synthetic_load(dataset, seed, (uint32_t)count, err)
            : find_folder(dataset, source, err) || cifar_load(dataset, dataset->source, remedy, err);
    if (status == 0) {
        compute_statistics(dataset);
        status = compute_digest(dataset, err);
    }
    if (status == 0)
        return 0;
    dataset_release(dataset);
    return -1;
}

int dataset_probe(struct dataset *dataset, const char *source, struct error *err)
{
    uint64_t seed, count;
    memset(dataset, 0, sizeof *dataset);
    if (!is_synthetic(source))
        return find_folder(dataset, source, err) || cifar_probe(dataset, dataset->source, remedy, err) ? -1 : 0;
    if (find_synthetic(dataset, source, &seed, &count, err))
        return -1;
    synthetic_probe(dataset, (uint32_t)count);
    return 0;
}

void dataset_release(struct dataset *dataset)
{
    free(dataset->storage);
    memset(dataset, 0, sizeof *dataset);
}

int dataset_hold_out(struct dataset *dataset, struct error *err)
{
    struct images *train = &dataset->train;
    if (train->count <= 2 * DATASET_HOLDOUT)
        return error_set(err, "%s: eval=holdout needs more than %d training images, found %u; use eval=test",
                         dataset->source, 2 * DATASET_HOLDOUT, train->count);
    train->count -= DATASET_HOLDOUT;
    dataset->test.count = DATASET_HOLDOUT;
    if (!dataset->storage)
        return 0;
    dataset->test.pixels = train->pixels + train->count * image_bytes(train);
    dataset->test.labels = train->labels + train->count;
    compute_statistics(dataset);
    return 0;
}

void dataset_user_folder(char *out, size_t size)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    out[0] = '\0';
    if (xdg && xdg[0] == '/') /* the specification: relative paths are invalid and ignored */
        snprintf(out, size, "%s/davidnet", xdg);
    else if (home && home[0])
        snprintf(out, size, "%s/.local/share/davidnet", home);
}

int dataset_default_source(char *out, size_t size)
{
    const char *set = getenv("DAVIDNET_DATA");
    char folder[512];
    if (set && set[0]) {
        snprintf(out, size, "%s", set);
        return !is_synthetic(set);
    }
    if (cifar_find("data", out, size))
        return 1;
    dataset_user_folder(folder, sizeof folder);
    if (folder[0] && cifar_find(folder, out, size))
        return 1;
    snprintf(out, size, "synthetic");
    return 0;
}
