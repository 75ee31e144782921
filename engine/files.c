#include "engine/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

int file_write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0) { /* no error given: do not spin */
            errno = ENOSPC;
            return -1;
        }
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int64_t file_read_at(int fd, void *bytes, size_t size, int64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + (int64_t)done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

static void parent_of(const char *path, char *out, size_t size)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n == 0)
        snprintf(out, size, ".");
    else
        snprintf(out, size, "%.*s", (int)n, path);
}

int folder_sync(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, "%s: cannot open the folder: %s", path, strerror(errno));
    int rc = fsync(fd);
    int why = errno;
    close(fd);
    if (rc < 0 && why != EINVAL && why != ENOTSUP) /* some file systems have no fsync of folders */
        return error_set(err, "%s: cannot sync the folder: %s", path, strerror(why));
    return 0;
}

static int replace(const char *path, const struct file_part *parts, int count, int sync, struct error *err)
{
    char temp[PATH_SIZE], parent[PATH_SIZE];
    int n = snprintf(temp, sizeof temp, "%s.tmp-%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temp)
        return error_set(err, "%s: the path is too long", path);
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_set(err, "%s: cannot create it: %s", path, strerror(errno));
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++)
        rc = file_write_all(fd, parts[i].bytes, parts[i].size);
    if (rc == 0 && sync)
        rc = fsync(fd);
    int why = errno;
    if (close(fd) < 0 && rc == 0) { /* network file systems report a full disk here */
        rc = -1;
        why = errno;
    }
    if (rc == 0 && rename(temp, path) < 0) {
        rc = -1;
        why = errno;
    }
    if (rc < 0) {
        unlink(temp);
        return error_set(err, "%s: cannot write it: %s", path, strerror(why));
    }
    parent_of(path, parent, sizeof parent);
    return sync ? folder_sync(parent, err) : 0;
}

int file_replace(const char *path, const struct file_part *parts, int count, struct error *err)
{
    return replace(path, parts, count, 1, err);
}

int file_replace_unsynced(const char *path, const struct file_part *parts, int count, struct error *err)
{
    return replace(path, parts, count, 0, err);
}

void file_sync(const char *path)
{
    char parent[PATH_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) { /* it may have been removed: then the folder says so */
        fsync(fd);
        close(fd);
    }
    parent_of(path, parent, sizeof parent);
    folder_sync(parent, NULL);
}

int file_open(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), why = errno;
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    if (fd < 0)
        error_set(err, "%s: cannot open it: %s", path, strerror(why));
    else {
        close(fd);
        error_set(err, "%s: not a regular file", path);
        why = EINVAL;
    }
    errno = why;
    return -1;
}

int file_read(const char *path, size_t max, char **bytes, size_t *size, struct error *err)
{
    *bytes = NULL;
    struct stat st;
    int fd = file_open(path, err);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || (uint64_t)st.st_size > max) {
        close(fd);
        return error_set(err, "%s: %lld bytes, but at most %zu are expected", path, (long long)st.st_size, max);
    }
    char *buffer = malloc((size_t)st.st_size + 1);
    if (buffer == NULL) {
        close(fd);
        return error_set(err, "%s: no memory for its %lld bytes", path, (long long)st.st_size);
    }
    int64_t got = file_read_at(fd, buffer, (size_t)st.st_size, 0);
    int why = errno;
    close(fd);
    if (got < 0) {
        free(buffer);
        return error_set(err, "%s: cannot read it: %s", path, strerror(why));
    }
    buffer[got] = '\0';
    *bytes = buffer;
    *size = (size_t)got;
    return 0;
}

int folder_make(const char *path, struct error *err)
{
    char part[PATH_SIZE];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return error_set(err, "'%.100s': the path is %s", path, n == 0 ? "empty" : "too long");
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) == 0 || errno == EEXIST)
            continue;
        int why = errno; /* mkdir of a parent on a read-only mount says EROFS even if it is there */
        struct stat st;
        if (stat(part, &st) < 0 || !S_ISDIR(st.st_mode))
            return error_set(err, "%s: cannot make the folder: %s", part, strerror(why));
    }
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return error_set(err, "%s: is there already and is not a folder", path);
    return 0;
}

int folder_remove(const char *path, struct error *err)
{
    if (rmdir(path) == 0) /* an empty one goes without a descriptor, when there may be none left */
        return 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        if (why == ENOENT)
            return 0;
        return error_set(err, "%s: cannot open the folder: %s", path, strerror(why));
    }
    int rc = 0;
    struct dirent *e;
    while (rc == 0 && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char child[PATH_SIZE];
        int n = snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        struct stat st;
        if (n < 0 || (size_t)n >= sizeof child)
            rc = error_set(err, "%s/%s: the path is too long", path, e->d_name);
        else if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode))
            rc = folder_remove(child, err);
        else if (unlink(child) < 0 && errno != ENOENT)
            rc = error_set(err, "%s: cannot remove it: %s", child, strerror(errno));
    }
    closedir(dir);
    if (rc == 0 && rmdir(path) < 0 && errno != ENOENT)
        return error_set(err, "%s: cannot remove the folder: %s", path, strerror(errno));
    return rc;
}

int64_t folder_bytes(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -1;
    int64_t bytes = 0;
    struct dirent *e;
    while ((e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char child[PATH_SIZE];
        int n = snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        struct stat st;
        if (n < 0 || (size_t)n >= sizeof child || lstat(child, &st) < 0)
            continue; /* gone meanwhile: the run may be live */
        if (S_ISREG(st.st_mode))
            bytes += st.st_size;
        else if (S_ISDIR(st.st_mode)) {
            int64_t below = folder_bytes(child);
            bytes += below > 0 ? below : 0;
        }
    }
    closedir(dir);
    return bytes;
}
