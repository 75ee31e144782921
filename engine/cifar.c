#include "engine/cifar.h"

#include "engine/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIXELS (CIFAR_RECORD - 1)
#define CLASSES 10
#define CHUNK_RECORDS 100 /* records a read; divides CIFAR_FILE_RECORDS */

const char *const cifar_file_name[CIFAR_FILES] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                                  "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

static const char *const default_class_name[CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                        "dog",      "frog",       "horse", "ship", "truck"};

static int has_first_file(const char *folder)
{
    char path[1024];
    return snprintf(path, sizeof path, "%s/%s", folder, cifar_file_name[0]) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

int cifar_find(const char *folder, char *out, size_t size)
{
    char path[1024];
    int length = snprintf(path, sizeof path, "%s/" CIFAR_FOLDER, folder);
    if (length >= (int)sizeof path)
        return 0;
    const char *found = has_first_file(folder) ? folder : has_first_file(path) ? path : NULL;
    return found && snprintf(out, size, "%s", found) < (int)size;
}

/* Exactly size bytes, or what is there before the end of the file; -1 on an I/O error. */
static ssize_t read_fully(int fd, uint8_t *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, data + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static int read_records(int fd, const char *path, const char *remedy, uint8_t *pixels, uint8_t *labels,
                        struct error *err)
{
    uint8_t chunk[CHUNK_RECORDS * CIFAR_RECORD];
    for (int first = 0; first < CIFAR_FILE_RECORDS; first += CHUNK_RECORDS) {
        ssize_t got = read_fully(fd, chunk, sizeof chunk);
        if (got < 0)
            return error_set(err, "%s: cannot be read: %s", path, strerror(errno));
        if (got != (ssize_t)sizeof chunk)
            return error_set(err, "%s: expected %lld bytes, found %lld: it was cut short while being read; try again",
                             path, CIFAR_FILE_SIZE, (long long)first * CIFAR_RECORD + (long long)got);
        for (int i = 0; i < CHUNK_RECORDS; i++) {
            const uint8_t *record = chunk + i * CIFAR_RECORD;
            if (record[0] >= CLASSES)
                return error_set(err,
                                 "%s: record %d (of %d, counted from 0): expected a label of 0 to %d, found %d; "
                                 "the file is damaged; %s",
                                 path, first + i, CIFAR_FILE_RECORDS, CLASSES - 1, record[0], remedy);
            labels[first + i] = record[0];
            memcpy(pixels + (size_t)(first + i) * PIXELS, record + 1, PIXELS);
        }
    }
    return 0;
}

/* Opens a file of the right size; the descriptor, or -1. */
static int open_file(const char *path, const char *remedy, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused below, not waited for */
    if (fd < 0 && errno == ENOENT)
        return error_set(err, "%s: missing; expected a file of %lld bytes; %s", path, CIFAR_FILE_SIZE, remedy);
    if (fd < 0)
        return error_set(err, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) != 0)
        error_set(err, "%s: cannot be examined: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        error_set(err, "%s: expected a file of %lld bytes, found something that is not a regular file", path,
                  CIFAR_FILE_SIZE);
    else if ((long long)st.st_size != CIFAR_FILE_SIZE)
        error_set(err, "%s: expected %lld bytes (%d records of %d), found %lld; %s", path, CIFAR_FILE_SIZE,
                  CIFAR_FILE_RECORDS, CIFAR_RECORD, (long long)st.st_size, remedy);
    else
        return fd;
    close(fd);
    return -1;
}

/* One name a line, blank lines ignored. */
static int read_names(FILE *file, const char *path, struct dataset *dataset, struct error *err)
{
    char line[256];
    int count = 0;
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        size_t length = strcspn(line, "\r\n");
        line[length] = '\0';
        if (length == 0)
            continue;
        if (count == CLASSES)
            return error_set(err, "%s: line %d: expected %d class names, found more", path, number, CLASSES);
        if (length >= sizeof dataset->class_name[0])
            return error_set(err, "%s: line %d: expected a class name of at most %zu bytes, found %zu", path, number,
                             sizeof dataset->class_name[0] - 1, length);
        memcpy(dataset->class_name[count++], line, length + 1);
    }
    if (ferror(file))
        return error_set(err, "%s: cannot be read: %s", path, strerror(errno));
    if (count != CLASSES)
        return error_set(err,
                         "%s: expected %d class names, one a line, found %d; without this file the usual names "
                         "are taken",
                         path, CLASSES, count);
    return 0;
}

static int load_names(struct dataset *dataset, const char *folder, struct error *err)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/" CIFAR_META_NAME, folder);
    struct error why = {""};
    int fd = file_open(path, &why);
    if (fd < 0 && errno != ENOENT)
        return error_set(err, "%s", why.text);
    if (fd < 0) {
        for (int i = 0; i < CLASSES; i++)
            snprintf(dataset->class_name[i], sizeof dataset->class_name[i], "%s", default_class_name[i]);
        return 0;
    }
    FILE *file = fdopen(fd, "r");
    if (!file) {
        close(fd);
        return error_set(err, "%s: out of memory", path);
    }
    int status = read_names(file, path, dataset, err);
    fclose(file);
    return status;
}

/* All files are opened and their sizes checked before the first is read: what is wrong is known at once. */
static int open_files(const char *folder, const char *remedy, char path[CIFAR_FILES][1024], int *fd, struct error *err)
{
    for (int opened = 0; opened < CIFAR_FILES; opened++) {
        snprintf(path[opened], sizeof path[opened], "%s/%s", folder, cifar_file_name[opened]);
        fd[opened] = open_file(path[opened], remedy, err);
        if (fd[opened] >= 0)
            continue;
        while (opened > 0)
            close(fd[--opened]);
        return -1;
    }
    return 0;
}

static int load_files(struct dataset *dataset, const char *folder, const char *remedy, struct error *err)
{
    char path[CIFAR_FILES][1024];
    int fd[CIFAR_FILES], status = 0;
    uint8_t *pixels = dataset->storage, *labels = pixels + (size_t)CIFAR_FILES * CIFAR_FILE_RECORDS * PIXELS;
    if (open_files(folder, remedy, path, fd, err) != 0)
        return -1;
    for (int f = 0; f < CIFAR_FILES; f++) {
        size_t first = (size_t)f * CIFAR_FILE_RECORDS;
        if (status == 0)
            status = read_records(fd[f], path[f], remedy, pixels + first * PIXELS, labels + first, err);
        close(fd[f]);
    }
    return status;
}

static const struct images shape = {.channels = 3, .height = 32, .width = 32, .classes = CLASSES};
static const uint32_t test_count = CIFAR_FILE_RECORDS, train_count = (CIFAR_FILES - 1) * CIFAR_FILE_RECORDS;

int cifar_probe(struct dataset *dataset, const char *folder, const char *remedy, struct error *err)
{
    char path[CIFAR_FILES][1024];
    int fd[CIFAR_FILES];
    if (load_names(dataset, folder, err) != 0 || open_files(folder, remedy, path, fd, err) != 0)
        return -1;
    for (int f = 0; f < CIFAR_FILES; f++)
        close(fd[f]);
    dataset->train = dataset->test = shape;
    dataset->train.count = train_count;
    dataset->test.count = test_count;
    return 0;
}

int cifar_load(struct dataset *dataset, const char *folder, const char *remedy, struct error *err)
{
    if (load_names(dataset, folder, err) != 0 || dataset_allocate(dataset, train_count, test_count, &shape, err) != 0)
        return -1;
    return load_files(dataset, folder, remedy, err);
}
