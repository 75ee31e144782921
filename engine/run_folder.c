#include "engine/run_folder.h"

#include "engine/files.h"
#include "engine/run_label.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_LENGTH_MAX 100
#define RECIPE_FILE "recipe.ini"

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("._-+=@", c) != NULL;
}

int run_folder_check_name(const char *name, struct error *err)
{
    size_t n = strlen(name);
    if (n == 0 || n > NAME_LENGTH_MAX)
        return error_set(err, "a run's name has 1 to %d characters, not %zu", NAME_LENGTH_MAX, n);
    if (name[0] == '.' || name[0] == '-')
        return error_set(err, "run name '%s': begin it with a letter or a digit", name);
    for (size_t i = 0; i < n; i++)
        if (!name_byte(name[i]))
            return error_set(err, "a run's name is made of letters, digits and . _ - + = @; character %zu is not",
                             i + 1);
    return 0;
}

void run_folder_default_parent(char *out, size_t size)
{
    const char *runs = getenv("DAVIDNET_RUNS"), *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (runs != NULL && runs[0] != '\0')
        snprintf(out, size, "%s", runs);
    else if (xdg != NULL && xdg[0] == '/')
        snprintf(out, size, "%s/davidnet/runs", xdg);
    else if (home != NULL && home[0] != '\0')
        snprintf(out, size, "%s/.local/share/davidnet/runs", home);
    else
        snprintf(out, size, "davidnet-runs");
}

int run_folder_path(const struct run_folder *folder, const char *file, char *out, size_t size)
{
    int n = snprintf(out, size, "%s/%s", folder->path, file);
    return n >= 0 && (size_t)n < size ? 0 : -1;
}

int run_folder_replace(const struct run_folder *folder, const char *file, const void *bytes, size_t size,
                       struct error *err)
{
    char path[RUN_PATH_MAX + 128];
    struct file_part part = {bytes, size};
    if (run_folder_path(folder, file, path, sizeof path) < 0)
        return error_set(err, "%s/%s: the path is too long", folder->path, file);
    return file_replace(path, &part, 1, err);
}

int run_folder_at(struct run_folder *folder, const char *path, struct error *err)
{
    char parent[RUN_PATH_MAX];
    char *real = realpath(path, NULL);
    if (real == NULL)
        return error_set(err, "%s: %s", path, strerror(errno));
    const char *slash = strrchr(real, '/'), *name = slash ? slash + 1 : real, *link = strrchr(path, '/');
    size_t in = link ? (size_t)(link - path) : 0;
    int a = snprintf(folder->path, sizeof folder->path, "%s", real);
    /* A link to a run elsewhere: it is called what it is called here. */
    if (link && in < sizeof parent && run_folder_check_name(link + 1, NULL) == 0) {
        snprintf(parent, sizeof parent, "%.*s", (int)in, path);
        char *here = realpath(in > 0 ? parent : "/", NULL);
        if (here && slash && (strlen(here) != (size_t)(slash - real) || strncmp(here, real, strlen(here)) != 0))
            name = link + 1;
        free(here);
    }
    int b = snprintf(folder->name, sizeof folder->name, "%s", name);
    free(real);
    if (a < 0 || (size_t)a >= sizeof folder->path || b < 0 || (size_t)b >= sizeof folder->name)
        return error_set(err, "%s: the path is too long", path);
    return 0;
}

/* 1, 0, or -1: it is a folder that cannot be looked into. */
static int look_for_run(const char *path)
{
    char file[RUN_PATH_MAX + 160];
    struct stat st;
    int n = snprintf(file, sizeof file, "%s/" RECIPE_FILE, path);
    if (n < 0 || (size_t)n >= sizeof file)
        return 0;
    if (stat(file, &st) == 0)
        return S_ISREG(st.st_mode);
    return errno == EACCES ? -1 : 0;
}

static bool is_run(const char *path)
{
    return look_for_run(path) == 1;
}

/* ---- making ---- */

int run_folder_write_recipe(const struct run_folder *folder, const char *file, const struct recipe *recipe,
                            struct error *err)
{
    size_t length;
    char *text = recipe_text(recipe, &length, err);
    int rc = text ? run_folder_replace(folder, file, text, length, err) : -1;
    free(text);
    return rc;
}

/* NAME-YYYYMMDD-HHMMSS, the recipe's, with what a name cannot have replaced. */
static void name_now(const struct recipe *recipe, char *out, size_t size)
{
    time_t now = time(NULL);
    struct tm tm;
    char when[32];
    localtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y%m%d-%H%M%S", &tm);
    snprintf(out, size, "%.60s-%s", recipe_name(recipe), when);
    for (char *c = out; *c != '\0'; c++)
        if (!name_byte(*c))
            *c = '_';
    if (out[0] == '.' || out[0] == '-')
        out[0] = '_';
}

int run_folder_create(struct run_folder *folder, const char *parent, const char *name, const struct recipe *recipe,
                      struct error *err)
{
    char base[NAME_LENGTH_MAX + 1], path[RUN_PATH_MAX], fallback[RUN_PATH_MAX];
    if (parent == NULL) {
        run_folder_default_parent(fallback, sizeof fallback);
        parent = fallback;
    }
    if (name != NULL && run_folder_check_name(name, err) < 0)
        return -1;
    if (folder_make(parent, err) < 0)
        return error_prefix(err, "the folder for runs");
    if (name != NULL)
        snprintf(base, sizeof base, "%s", name);
    else
        name_now(recipe, base, sizeof base);
    for (int i = 1;; i++) {
        int n = i == 1 ? snprintf(path, sizeof path, "%s/%s", parent, base)
                       : snprintf(path, sizeof path, "%s/%s-%d", parent, base, i);
        if (n < 0 || (size_t)n >= sizeof path)
            return error_set(err, "%s/%s: the path is too long", parent, base);
        if (mkdir(path, 0777) == 0)
            break;
        if (errno != EEXIST)
            return error_set(err, "%s: cannot make the run's folder: %s", path, strerror(errno));
        if (name != NULL)
            return error_set(err, "%s: there is a run of that name; choose another, or `davidnet resume %s`", path,
                             name);
    }
    if (run_folder_at(folder, path, err) == 0 && run_folder_write_recipe(folder, RECIPE_FILE, recipe, err) == 0 &&
        folder_sync(parent, err) == 0)
        return 0;
    folder_remove(path, NULL);
    return -1;
}

/* ---- finding ---- */

int run_folder_find_in(struct run_folder *folder, const char *parent, const char *run, struct error *err)
{
    char fallback[RUN_PATH_MAX], path[RUN_PATH_MAX + 160];
    if (parent == NULL) {
        run_folder_default_parent(fallback, sizeof fallback);
        parent = fallback;
    }
    if (strcmp(run, "last") == 0) {
        struct run_folder *list;
        int count;
        if (run_folder_list(parent, &list, &count, err) < 0)
            return -1;
        if (count > 0)
            *folder = list[0];
        free(list);
        return count > 0 ? 0 : error_set(err, "there are no runs in %s yet", parent);
    }
    struct stat st;
    const char *there = NULL; /* what has the name, and yet is no run */
    if (strchr(run, '/') == NULL && run[0] != '\0' && strcmp(run, ".") != 0 && strcmp(run, "..") != 0) {
        int n = snprintf(path, sizeof path, "%s/%s", parent, run);
        if (n >= 0 && (size_t)n < sizeof path && stat(path, &st) == 0) {
            if (is_run(path))
                return run_folder_at(folder, path, err);
            there = path;
        }
    }
    if (run[0] != '\0' && stat(run, &st) == 0) {
        if (is_run(run))
            return run_folder_at(folder, run, err);
        there = run;
    }
    if (there != NULL && look_for_run(there) < 0)
        return error_set(err, "%.300s: cannot look into the folder: %s", there, strerror(EACCES));
    if (there != NULL)
        return error_set(err, "%.300s: not a run's folder: it %s; `davidnet runs` lists the runs", there,
                         stat(there, &st) == 0 && !S_ISDIR(st.st_mode) ? "is a file" : "has no file " RECIPE_FILE);
    return error_set(err, "there is no run '%.200s' in %s, and no such folder; `davidnet runs` lists them", run,
                     parent);
}

int run_folder_find(struct run_folder *folder, const char *run, struct error *err)
{
    return run_folder_find_in(folder, NULL, run, err);
}

struct dated {
    struct run_folder folder;
    double start;
};

/* When it was first started: the log's first record, else the recipe's file time. */
static double start_time(const struct run_folder *folder)
{
    char path[RUN_PATH_MAX + 160];
    struct record first;
    int64_t got = 0;
    if (run_folder_path(folder, "log", path, sizeof path) == 0) {
        int fd = file_open(path, NULL);
        if (fd >= 0) {
            got = file_read_at(fd, &first, sizeof first, 0);
            close(fd);
        }
    }
    if (got == sizeof first && first.kind == RECORD_START && first.unix_time > 0)
        return first.unix_time;
    struct stat st;
    if (run_folder_path(folder, RECIPE_FILE, path, sizeof path) < 0 || stat(path, &st) < 0)
        return 0;
    return (double)st.st_mtim.tv_sec + 1e-9 * (double)st.st_mtim.tv_nsec;
}

static int newest_first(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;
    if (x->start != y->start)
        return x->start > y->start ? -1 : 1;
    return strcmp(y->folder.name, x->folder.name);
}

int run_folder_list(const char *parent, struct run_folder **list, int *count, struct error *err)
{
    *list = NULL;
    *count = 0;
    DIR *dir = opendir(parent);
    if (dir == NULL)
        return errno == ENOENT ? 0 : error_set(err, "%s: cannot open the folder: %s", parent, strerror(errno));
    struct dated *found = NULL;
    int n = 0, room = 0, rc = 0;
    struct dirent *e;
    while (rc == 0 && (e = readdir(dir)) != NULL) {
        char path[RUN_PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", parent, e->d_name);
        if (e->d_name[0] == '.' || length < 0 || (size_t)length >= sizeof path || look_for_run(path) == 0)
            continue;
        if (n == room) {
            room = room ? 2 * room : 16;
            struct dated *more = realloc(found, (size_t)room * sizeof *found);
            if (more == NULL) {
                rc = error_set(err, "no memory to list %s", parent);
                break;
            }
            found = more;
        }
        if (run_folder_at(&found[n].folder, path, NULL) < 0)
            continue; /* gone meanwhile */
        if (strcmp(found[n].folder.name, e->d_name) != 0)
            continue; /* a second name of a run that is in this folder itself */
        found[n].start = start_time(&found[n].folder);
        n++;
    }
    closedir(dir);
    if (rc == 0 && n > 0) {
        qsort(found, (size_t)n, sizeof *found, newest_first);
        *list = malloc((size_t)n * sizeof **list);
        for (int i = 0; i < n && *list != NULL; i++)
            (*list)[i] = found[i].folder;
        if (*list == NULL)
            rc = error_set(err, "no memory to list %s", parent);
        else
            *count = n;
    }
    free(found);
    return rc;
}

/* ---- locking ---- */

/* Of what the lock guards: a label is written without it, and may be half written by another process now. */
static void remove_leftovers(const struct run_folder *folder)
{
    DIR *dir = opendir(folder->path);
    if (dir == NULL)
        return;
    struct dirent *e;
    while ((e = readdir(dir)) != NULL)
        if (strstr(e->d_name, ".tmp-") != NULL && strncmp(e->d_name, RUN_LABEL_FILE, strlen(RUN_LABEL_FILE)) != 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
}

int run_folder_locked(const struct run_folder *folder, char *holder, size_t size)
{
    char path[RUN_PATH_MAX + 160], text[128] = "";
    if (run_folder_path(folder, "lock", path, sizeof path) < 0)
        return 0;
    int fd = file_open(path, NULL);
    if (fd < 0)
        return 0;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (held && holder != NULL) {
        file_read_at(fd, text, sizeof text - 1, 0);
        text[strcspn(text, "\n")] = '\0';
        snprintf(holder, size, "%s", text[0] != '\0' ? text : "unknown");
    }
    close(fd);
    return held;
}

int run_folder_lock(const struct run_folder *folder, int *fd, struct error *err)
{
    char path[RUN_PATH_MAX + 160], text[128], host[65] = "";
    *fd = -1;
    if (run_folder_path(folder, "lock", path, sizeof path) < 0)
        return error_set(err, "%s: the path is too long", folder->path);
    int lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock_fd < 0)
        return error_set(err, "%s: cannot open it: %s", path, strerror(errno));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(lock_fd, F_OFD_SETLK, &lock) < 0) {
        int why = errno;
        close(lock_fd);
        if (why != EAGAIN && why != EACCES)
            return error_set(err, "%s: cannot lock it: %s", path, strerror(why));
        char holder[128] = "unknown";
        run_folder_locked(folder, holder, sizeof holder);
        return error_set(err, "run %s is training in process %s", folder->name, holder);
    }
    gethostname(host, sizeof host - 1);
    int n = snprintf(text, sizeof text, "%ld on %s\n", (long)getpid(), host);
    /* For people only: a full disk must not keep a run from being resumed. */
    if (ftruncate(lock_fd, 0) < 0 || pwrite(lock_fd, text, (size_t)n, 0) < 0)
        errno = 0;
    remove_leftovers(folder);
    *fd = lock_fd;
    return 0;
}

void run_folder_unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
