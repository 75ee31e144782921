#include "engine/run_move.h"

#include "engine/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 10000

/* The folder that holds the run's, without a '/' at its end. */
static void parent_of(const struct run_folder *folder, char *out, size_t size)
{
    const char *slash = strrchr(folder->path, '/');
    int n = slash != NULL ? (int)(slash - folder->path) : 0;
    snprintf(out, size, "%.*s", n, folder->path);
}

/* rename(2) that replaces nothing; -1 with errno. */
static int rename_fresh(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    /* A file system that cannot do it in one go. A folder with something in it is never replaced anyway. */
    struct stat st;
    if (lstat(to, &st) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

/* The move has been made: one that cannot be synced is no failure, it may only be undone by a crash. */
static void sync_both(const char *a, const char *b)
{
    folder_sync(a, NULL);
    if (strcmp(a, b) != 0)
        folder_sync(b, NULL);
}

/* Moves the locked folder to parent/name; 1: there is something of that name, 0, or -1. */
static int move(struct run_folder *folder, const char *parent, const char *name, struct error *err)
{
    char from[RUN_PATH_MAX];
    struct run_folder to;
    parent_of(folder, from, sizeof from);
    int a = snprintf(to.path, sizeof to.path, "%s/%s", parent, name);
    int b = snprintf(to.name, sizeof to.name, "%s", name);
    if (a < 0 || (size_t)a >= sizeof to.path || b < 0 || (size_t)b >= sizeof to.name)
        return error_set(err, "%s/%s: the path is too long", parent, name);
    if (rename_fresh(folder->path, to.path) < 0) {
        if (errno == EEXIST || errno == ENOTEMPTY)
            return 1;
        return error_set(err, "%s: cannot move it to %s: %s", folder->path, to.path, strerror(errno));
    }
    *folder = to;
    sync_both(from, parent);
    return 0;
}

/* The folder is elsewhere, and would be moved there, leaving the link with nothing behind it. */
static int check_no_link(const struct run_folder *folder, struct error *err)
{
    const char *slash = strrchr(folder->path, '/');
    return strcmp(slash ? slash + 1 : folder->path, folder->name) == 0
               ? 0
               : error_set(err, "%s is a link to %s: rename or remove that, or the link", folder->name, folder->path);
}

static int taken(const char *parent, const char *name, struct error *err)
{
    return error_set(err, "there is a '%s' in %s already; choose another name", name, parent);
}

int run_rename(struct run_folder *folder, const char *name, struct error *err)
{
    char parent[RUN_PATH_MAX];
    int lock;
    if (run_folder_check_name(name, err) < 0 || check_no_link(folder, err) < 0)
        return -1;
    parent_of(folder, parent, sizeof parent);
    if (strcmp(name, folder->name) == 0)
        return taken(parent, name, err);
    if (run_folder_lock(folder, &lock, err) < 0)
        return error_prefix(err, "%s cannot be renamed", folder->name);
    int rc = move(folder, parent, name, err);
    run_folder_unlock(&lock);
    return rc > 0 ? taken(parent, name, err) : rc;
}

static int in_trash(const struct run_folder *folder)
{
    char parent[RUN_PATH_MAX];
    parent_of(folder, parent, sizeof parent);
    const char *slash = strrchr(parent, '/');
    return slash != NULL && strcmp(slash + 1, RUN_TRASH) == 0;
}

/* Moves it to the first of stem, stem~2, stem~3 ... that is free under parent. */
static int move_to_free(struct run_folder *folder, const char *parent, const char *stem, struct error *err)
{
    for (int i = 1; i < TRIES; i++) {
        char name[128];
        if (i == 1)
            snprintf(name, sizeof name, "%.110s", stem);
        else
            snprintf(name, sizeof name, "%.110s~%d", stem, i);
        int rc = move(folder, parent, name, err);
        if (rc <= 0)
            return rc;
    }
    return error_set(err, "%s: too many runs of the name %s; remove some", parent, stem);
}

int run_trash(struct run_folder *folder, struct error *err)
{
    char parent[RUN_PATH_MAX], trash[RUN_PATH_MAX + 16];
    int lock;
    if (in_trash(folder))
        return error_set(err, "%s is in the trash already", folder->name);
    if (check_no_link(folder, err) < 0)
        return -1;
    parent_of(folder, parent, sizeof parent);
    snprintf(trash, sizeof trash, "%s/" RUN_TRASH, parent);
    if (run_folder_lock(folder, &lock, err) < 0)
        return error_prefix(err, "%s cannot be thrown away", folder->name);
    int rc = folder_make(trash, err);
    if (rc == 0)
        rc = move_to_free(folder, trash, folder->name, err);
    run_folder_unlock(&lock);
    return rc;
}

int run_restore(struct run_folder *folder, struct error *err)
{
    char trash[RUN_PATH_MAX], name[128];
    int lock;
    if (!in_trash(folder))
        return error_set(err, "%s is not in the trash", folder->name);
    parent_of(folder, trash, sizeof trash);
    *strrchr(trash, '/') = '\0';
    snprintf(name, sizeof name, "%s", folder->name);
    name[strcspn(name, "~")] = '\0';
    if (run_folder_check_name(name, err) < 0)
        return -1;
    if (run_folder_lock(folder, &lock, err) < 0) /* a path into the trash can be resumed, too */
        return error_prefix(err, "%s cannot be brought back", folder->name);
    int rc = move(folder, trash, name, err);
    run_folder_unlock(&lock);
    if (rc <= 0)
        return rc;
    taken(trash, name, err);
    return error_prefix(err, "%s stays in the trash", folder->name);
}

/* The name in the folder whose inode changed last: a rename does that. */
static int newest_in(const char *trash, char *out, size_t size)
{
    DIR *dir = opendir(trash);
    struct timespec newest = {0, -1};
    struct dirent *e;
    out[0] = '\0';
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        struct stat st;
        if (e->d_name[0] == '.' || fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
            continue;
        if (st.st_ctim.tv_sec < newest.tv_sec ||
            (st.st_ctim.tv_sec == newest.tv_sec && st.st_ctim.tv_nsec <= newest.tv_nsec))
            continue;
        newest = st.st_ctim;
        snprintf(out, size, "%s", e->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    return out[0] != '\0' ? 0 : -1;
}

int run_trash_find(struct run_folder *folder, const char *parent, const char *name, struct error *err)
{
    char fallback[RUN_PATH_MAX], trash[RUN_PATH_MAX + 16], last[256];
    if (parent == NULL) {
        run_folder_default_parent(fallback, sizeof fallback);
        parent = fallback;
    }
    snprintf(trash, sizeof trash, "%s/" RUN_TRASH, parent);
    if (strcmp(name, "last") == 0) {
        if (newest_in(trash, last, sizeof last) < 0)
            return error_set(err, "the trash of %s is empty", parent);
        name = last;
    }
    struct error missing;
    if (strchr(name, '/') != NULL || run_folder_find_in(folder, trash, name, &missing) < 0 || !in_trash(folder))
        return error_set(err, "there is no run '%.200s' in %s", name, trash);
    return 0;
}

int run_purge(const struct run_folder *folder, struct error *err)
{
    char parent[RUN_PATH_MAX], name[128];
    struct run_folder going = *folder;
    int lock;
    parent_of(folder, parent, sizeof parent);
    if (run_folder_lock(folder, &lock, err) < 0)
        return error_prefix(err, "%s cannot be removed", folder->name);
    snprintf(name, sizeof name, ".removing-%.100s", folder->name); /* half of a run is not a run */
    int rc = move_to_free(&going, parent, name, err);
    run_folder_unlock(&lock); /* nobody finds it now; and NFS keeps what is open under another name in the folder */
    return rc == 0 ? folder_remove(going.path, err) : rc;
}
