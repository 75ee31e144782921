/*
 * Whole small files and folders, written so that a crash or a full disk at any moment leaves either what was
 * there before or what was meant to be: temporary name, fsync, rename, fsync of the folder. EINTR and short
 * writes are handled here, once.
 */
#ifndef DAVIDNET_ENGINE_FILES_H
#define DAVIDNET_ENGINE_FILES_H

#include "kernels/error.h"

#include <stddef.h>
#include <stdint.h>

struct file_part {
    const void *bytes;
    size_t size;
};

/* Writes all of it at the descriptor's position. -1 with errno set; some of it may have been written. */
int file_write_all(int fd, const void *bytes, size_t size);

/* Reads until size bytes or the end of the file; returns how many, or -1 with errno set. */
int64_t file_read_at(int fd, void *bytes, size_t size, int64_t offset);

/*
 * Replaces path by the parts, one after the other. On failure path is as it was (or new, where only its folder could
 * not be synced) and no temporary file is left.
 */
int file_replace(const char *path, const struct file_part *parts, int count, struct error *err);
/*
 * The same without waiting for the disk: who reads it finds the old or the new one, but after a power cut it may be
 * either, or empty, until file_sync was called. That does what it can: what the disk does not take cannot be mended.
 */
int file_replace_unsynced(const char *path, const struct file_part *parts, int count, struct error *err);
void file_sync(const char *path);

/*
 * Opens a regular file for reading. Anything else is refused: a pipe, above all, would keep the caller waiting for one
 * who writes to it. The descriptor, or -1 with err; errno is open's then, so ENOENT where there is nothing.
 */
int file_open(const char *path, struct error *err);

/* The whole of a regular file of at most `max` bytes; *bytes is malloc'ed with a NUL after the end. */
int file_read(const char *path, size_t max, char **bytes, size_t *size, struct error *err);

/* fsync of a folder, so that names made or renamed in it last. */
int folder_sync(const char *path, struct error *err);

/* mkdir -p. */
int folder_make(const char *path, struct error *err);

/* Removes a folder and all that is in it; does not follow links, and refuses to be given one. Missing: no error. */
int folder_remove(const char *path, struct error *err);

/* Bytes of all regular files in it, as stored (st_size); -1 if it cannot be read. */
int64_t folder_bytes(const char *path);

#endif
