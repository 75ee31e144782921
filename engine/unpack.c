#include "engine/unpack.h"

#include "engine/cifar.h"
#include "engine/files.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILES (CIFAR_FILES + 1) /* and the names of the classes */
#define NAMES_SIZE_MAX 65536
#define BLOCK_SIZE 262144

struct unpack {
    const char *archive, *folder;
    int (*progress)(void *context, int64_t written);
    void *context;
    int64_t written;
    int found[FILES];
};

static const char *file_name(int file)
{
    return file < CIFAR_FILES ? cifar_file_name[file] : CIFAR_META_NAME;
}

/* Which of the data set's files an entry is, by the last part of its path; -1: none. */
static int match_entry(struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    if (!path || archive_entry_filetype(entry) != AE_IFREG)
        return -1;
    const char *slash = strrchr(path, '/');
    for (int file = 0; file < FILES; file++)
        if (strcmp(slash ? slash + 1 : path, file_name(file)) == 0)
            return file;
    return -1;
}

/* 0, 1 when progress says stop, or -1. */
static int copy_entry(struct unpack *unpack, struct archive *reader, int fd, int64_t limit, const char *path,
                      struct error *err)
{
    char block[BLOCK_SIZE];
    int64_t size = 0;
    for (;;) {
        la_ssize_t got = archive_read_data(reader, block, sizeof block);
        if (got == 0)
            return 0;
        if (got < 0)
            return error_set(err, "%s: the archive is damaged: %s", unpack->archive, archive_error_string(reader));
        size += got;
        if (size > limit)
            return error_set(err, "%s: '%s' in the archive is longer than the expected %lld bytes", unpack->archive,
                             strrchr(path, '/') + 1, (long long)limit);
        if (file_write_all(fd, block, (size_t)got) != 0)
            return error_set(err, "%s: cannot be written: %s", path, strerror(errno));
        unpack->written += got;
        if (unpack->progress && unpack->progress(unpack->context, unpack->written))
            return 1;
    }
}

static int unpack_entry(struct unpack *unpack, struct archive *reader, int file, struct error *err)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", unpack->folder, file_name(file));
    if (unpack->found[file]++)
        return error_set(err, "%s: the archive holds '%s' twice", unpack->archive, file_name(file));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set(err, "%s: cannot be made: %s", path, strerror(errno));
    int64_t limit = file < CIFAR_FILES ? CIFAR_FILE_SIZE : NAMES_SIZE_MAX;
    int status = copy_entry(unpack, reader, fd, limit, path, err);
    if (status == 0 && fsync(fd) != 0)
        status = error_set(err, "%s: cannot be written to the disk: %s", path, strerror(errno));
    if (close(fd) != 0 && status == 0)
        status = error_set(err, "%s: cannot be written: %s", path, strerror(errno));
    return status;
}

static int unpack_entries(struct unpack *unpack, struct archive *reader, struct error *err)
{
    for (;;) {
        struct archive_entry *entry;
        int status = archive_read_next_header(reader, &entry);
        if (status == ARCHIVE_EOF)
            break;
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
            return error_set(err, "%s: the archive is damaged: %s", unpack->archive, archive_error_string(reader));
        int file = match_entry(entry);
        if (file < 0)
            continue;
        status = unpack_entry(unpack, reader, file, err);
        if (status != 0)
            return status;
    }
    for (int file = 0; file < CIFAR_FILES; file++) /* the names are optional */
        if (!unpack->found[file])
            return error_set(err, "%s: the archive holds no '%s'; is it cifar-10-binary.tar.gz?", unpack->archive,
                             file_name(file));
    return 0;
}

int unpack_cifar(const char *archive, const char *folder, int (*progress)(void *context, int64_t written),
                 void *context, struct error *err)
{
    struct unpack unpack = {.archive = archive, .folder = folder, .progress = progress, .context = context};
    struct archive *reader = archive_read_new();
    if (!reader)
        return error_set(err, "no memory to read the archive %s", archive);
    int status;
    if (archive_read_support_filter_all(reader) < ARCHIVE_WARN || archive_read_support_format_tar(reader) != ARCHIVE_OK)
        status = error_set(err, "libarchive cannot read tar archives: %s", archive_error_string(reader));
    else if (archive_read_open_filename(reader, archive, BLOCK_SIZE) != ARCHIVE_OK)
        status = error_set(err, "%s: cannot be read as an archive: %s", archive, archive_error_string(reader));
    else
        status = unpack_entries(&unpack, reader, err);
    archive_read_free(reader);
    return status;
}
