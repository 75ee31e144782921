/*
 * One thread, which owns the slots (a folder's name, its files' stamps, its entry, the log of a run in progress) and
 * touches files. What others see is `shown`, an array of kept entries that is replaced whole under the lock; the lock
 * is never held over a system call on a file. During the first look at many folders what is known is shown four times
 * a second. The thread sleeps on a condition until someone asks for another look: it never polls by itself.
 */
#include "engine/run_catalog.h"

#include "engine/files.h"
#include "engine/thread.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SHOW_SECONDS 0.25
#define FILES 4

enum { LABEL = 2 };
static const char *const watched_files[FILES] = {"recipe.ini", "log", [LABEL] = RUN_LABEL_FILE, "status"};

/* What a file is known by; all zero: it is not there. */
struct stamp {
    int64_t seconds, nanoseconds, size;
    uint64_t inode;
};

struct slot {
    char name[128];
    struct stamp stamps[FILES];
    struct run_entry *entry; /* NULL: not read yet */
    int link;                /* perhaps to a folder elsewhere */
    struct run_log *log;     /* of a run that somebody trains, for following it; else NULL */
    int seen;                /* in the look in progress */
};

struct run_catalog {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char parent[RUN_PATH_MAX];
    char real[RUN_PATH_MAX]; /* the same without links and dots, as run_folder_find says paths; the thread's */
    /* under the lock */
    int asked, stop;
    struct run_catalog_state state;
    struct run_entry **shown;
    int n_shown;
    /* the thread's */
    struct slot *slots;
    int n_slots, room;
    double shown_at;
};

static double clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- slots ---- */

static void slot_release(struct slot *slot)
{
    run_entry_free(slot->entry);
    if (slot->log != NULL)
        run_log_release(slot->log);
    free(slot->log);
}

static struct slot *find_slot(struct run_catalog *catalog, const char *name)
{
    for (int i = 0; i < catalog->n_slots; i++)
        if (strcmp(catalog->slots[i].name, name) == 0)
            return &catalog->slots[i];
    if (catalog->n_slots == catalog->room) {
        int room = catalog->room ? 2 * catalog->room : 64;
        struct slot *more = realloc(catalog->slots, (size_t)room * sizeof *more);
        if (more == NULL)
            return NULL;
        catalog->slots = more;
        catalog->room = room;
    }
    struct slot *slot = &catalog->slots[catalog->n_slots++];
    *slot = (struct slot){.seen = 0};
    snprintf(slot->name, sizeof slot->name, "%.*s", (int)sizeof slot->name - 1, name);
    return slot;
}

static int read_stamps(const struct run_folder *folder, struct stamp stamps[FILES])
{
    memset(stamps, 0, FILES * sizeof *stamps);
    for (int i = 0; i < FILES; i++) {
        char path[RUN_PATH_MAX + 160];
        struct stat st;
        if (run_folder_path(folder, watched_files[i], path, sizeof path) < 0 || stat(path, &st) < 0)
            continue;
        stamps[i] = (struct stamp){st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_size, st.st_ino};
    }
    return stamps[0].inode != 0; /* no recipe: no run */
}

/* A run with no end in its log is "running" or "killed" by its lock alone, which has no time of its own. */
static int is_open_ended(const struct run_entry *entry)
{
    return strcmp(entry->summary.state, "running") == 0 || strcmp(entry->summary.state, "killed") == 0;
}

static int lock_changed(const struct run_folder *folder, const struct run_entry *entry)
{
    int running = strcmp(entry->summary.state, "running") == 0;
    return is_open_ended(entry) && run_folder_locked(folder, NULL, 0) != running;
}

/* The log of a run in progress, up to date; NULL: run_entry_make reads it itself. */
static const struct run_log *follow(struct slot *slot, const struct run_folder *folder)
{
    char path[RUN_PATH_MAX + 160];
    if (slot->log == NULL || run_folder_path(folder, "log", path, sizeof path) < 0)
        return NULL;
    struct stat st;
    /* Shorter than what is known: another file, not the same one grown. */
    int shrunk = stat(path, &st) < 0 || (size_t)st.st_size < run_log_length(slot->log) * RECORD_SIZE;
    return !shrunk && run_log_follow(slot->log, path, NULL) >= 0 ? slot->log : NULL;
}

static void start_following(struct slot *slot)
{
    int running = slot->entry != NULL && strcmp(slot->entry->summary.state, "running") == 0;
    if (running == (slot->log != NULL))
        return;
    if (slot->log != NULL)
        run_log_release(slot->log);
    free(slot->log);
    slot->log = running ? calloc(1, sizeof *slot->log) : NULL;
    if (slot->log != NULL && run_log_open(slot->log, NULL, NULL) < 0) {
        free(slot->log);
        slot->log = NULL;
    }
}

/* Whoever changed the label may not have waited for the disk (run_label_write_unsynced); here nobody waits. */
static void sync_label(const struct run_folder *folder)
{
    char path[RUN_PATH_MAX + 160];
    if (run_folder_path(folder, watched_files[LABEL], path, sizeof path) == 0)
        file_sync(path);
}

/* Reads the run again if its files changed. 1: it did, 0: it is as it was, -1: it is no run. */
static int slot_update(struct slot *slot, const char *parent)
{
    struct run_folder folder;
    struct stamp stamps[FILES];
    char path[RUN_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", parent, slot->name);
    if (n < 0 || (size_t)n >= sizeof path)
        return -1;
    memcpy(folder.path, path, sizeof path);
    snprintf(folder.name, sizeof folder.name, "%s", slot->name);
    if (slot->link && (run_folder_at(&folder, path, NULL) < 0 || strcmp(folder.name, slot->name) != 0))
        return -1; /* to nowhere, or a second name of a run that is in this folder itself */
    if (!read_stamps(&folder, stamps))
        return -1;
    int same = memcmp(stamps, slot->stamps, sizeof stamps) == 0;
    if (slot->entry != NULL && same && !lock_changed(&folder, slot->entry))
        return 0;
    struct run_entry *entry = run_entry_make(&folder, follow(slot, &folder));
    if (entry == NULL)
        return 0; /* no memory: what is known stays */
    if (slot->entry != NULL && memcmp(&stamps[LABEL], &slot->stamps[LABEL], sizeof stamps[LABEL]) != 0)
        sync_label(&folder);
    run_entry_free(slot->entry);
    slot->entry = entry;
    memcpy(slot->stamps, stamps, sizeof stamps);
    start_following(slot);
    return 1;
}

/* ---- showing ---- */

static void show(struct run_catalog *catalog, int found)
{
    struct run_entry **list = malloc(((size_t)catalog->n_slots + 1) * sizeof *list);
    int n = 0;
    if (list == NULL)
        return;
    for (int i = 0; i < catalog->n_slots; i++)
        if (catalog->slots[i].entry != NULL)
            list[n++] = run_entry_keep(catalog->slots[i].entry);
    pthread_mutex_lock(&catalog->lock);
    struct run_entry **old = catalog->shown;
    int n_old = catalog->n_shown;
    catalog->shown = list;
    catalog->n_shown = n;
    catalog->state.generation++;
    catalog->state.known = n;
    catalog->state.found = found;
    pthread_mutex_unlock(&catalog->lock);
    run_catalog_give_back(old, n_old);
    catalog->shown_at = clock_seconds();
}

static int must_stop(struct run_catalog *catalog)
{
    pthread_mutex_lock(&catalog->lock);
    int stop = catalog->stop;
    pthread_mutex_unlock(&catalog->lock);
    return stop;
}

/* Makes a slot for every folder that could be a run. 0, or -1: the parent cannot be read. */
static int list_folders(struct run_catalog *catalog)
{
    DIR *dir = opendir(catalog->parent);
    int why = dir == NULL ? errno : 0;
    struct dirent *e;
    for (int i = 0; i < catalog->n_slots; i++)
        catalog->slots[i].seen = 0;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        struct slot *slot;
        if (e->d_name[0] == '.' || strlen(e->d_name) >= sizeof slot->name || e->d_type == DT_REG)
            continue;
        slot = find_slot(catalog, e->d_name);
        if (slot != NULL) {
            slot->seen = 1;
            slot->link = e->d_type != DT_DIR;
        }
    }
    if (dir != NULL)
        closedir(dir);
    pthread_mutex_lock(&catalog->lock);
    catalog->state.problem[0] = '\0';
    if (why != 0 && why != ENOENT)
        snprintf(catalog->state.problem, sizeof catalog->state.problem, "%.180s: %s", catalog->parent, strerror(why));
    pthread_mutex_unlock(&catalog->lock);
    return why == 0 || why == ENOENT ? 0 : -1;
}

/* Takes out what is gone, or never was a run. */
static int drop_unseen(struct run_catalog *catalog)
{
    int kept = 0, dropped = 0;
    for (int i = 0; i < catalog->n_slots; i++) {
        if (catalog->slots[i].seen) {
            catalog->slots[kept++] = catalog->slots[i];
            continue;
        }
        dropped += catalog->slots[i].entry != NULL;
        slot_release(&catalog->slots[i]);
    }
    catalog->n_slots = kept;
    return dropped;
}

static void look(struct run_catalog *catalog)
{
    char *real = realpath(catalog->parent, NULL); /* each time: it may not have been there before */
    snprintf(catalog->real, sizeof catalog->real, "%s",
             real != NULL && strlen(real) < sizeof catalog->real ? real : catalog->parent);
    free(real);
    if (list_folders(catalog) < 0)
        return;
    int changed = drop_unseen(catalog);
    for (int i = 0; i < catalog->n_slots && !must_stop(catalog); i++) {
        int what = slot_update(&catalog->slots[i], catalog->real);
        changed += what > 0 || (what < 0 && catalog->slots[i].entry != NULL);
        catalog->slots[i].seen = what >= 0;
        if (changed && clock_seconds() - catalog->shown_at > SHOW_SECONDS) {
            show(catalog, catalog->n_slots);
            changed = 0;
        }
    }
    changed += drop_unseen(catalog);
    if (changed || catalog->state.known != catalog->state.found) /* only this thread writes these */
        show(catalog, catalog->n_slots);
}

static void *run(void *argument)
{
    struct run_catalog *catalog = argument;
    pthread_mutex_lock(&catalog->lock);
    while (!catalog->stop) {
        if (!catalog->asked) {
            catalog->state.reading = 0;
            pthread_cond_wait(&catalog->changed, &catalog->lock);
            continue;
        }
        catalog->asked = 0;
        pthread_mutex_unlock(&catalog->lock);
        look(catalog);
        pthread_mutex_lock(&catalog->lock);
    }
    pthread_mutex_unlock(&catalog->lock);
    return NULL;
}

/* ---- for others ---- */

struct run_catalog *run_catalog_open(const char *parent, struct error *err)
{
    struct run_catalog *catalog = calloc(1, sizeof *catalog);
    if (catalog == NULL) {
        error_set(err, "no memory for the list of runs");
        return NULL;
    }
    int n = snprintf(catalog->parent, sizeof catalog->parent, "%s", parent);
    if (n < 0 || (size_t)n >= sizeof catalog->parent) {
        error_set(err, "%.200s: the path is too long", parent);
        free(catalog);
        return NULL;
    }
    pthread_mutex_init(&catalog->lock, NULL);
    pthread_cond_init(&catalog->changed, NULL);
    catalog->asked = catalog->state.reading = 1;
    catalog->shown_at = clock_seconds();
    if (thread_start(&catalog->thread, "runs", run, catalog, err) == 0)
        return catalog;
    pthread_cond_destroy(&catalog->changed);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
    return NULL;
}

void run_catalog_free(struct run_catalog *catalog)
{
    if (catalog == NULL)
        return;
    pthread_mutex_lock(&catalog->lock);
    catalog->stop = 1;
    pthread_cond_signal(&catalog->changed);
    pthread_mutex_unlock(&catalog->lock);
    pthread_join(catalog->thread, NULL);
    for (int i = 0; i < catalog->n_slots; i++)
        slot_release(&catalog->slots[i]);
    free(catalog->slots);
    run_catalog_give_back(catalog->shown, catalog->n_shown);
    pthread_cond_destroy(&catalog->changed);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}

void run_catalog_refresh(struct run_catalog *catalog)
{
    pthread_mutex_lock(&catalog->lock);
    catalog->asked = catalog->state.reading = 1;
    pthread_cond_signal(&catalog->changed);
    pthread_mutex_unlock(&catalog->lock);
}

void run_catalog_state(struct run_catalog *catalog, struct run_catalog_state *state)
{
    pthread_mutex_lock(&catalog->lock);
    *state = catalog->state;
    pthread_mutex_unlock(&catalog->lock);
}

int run_catalog_take(struct run_catalog *catalog, struct run_entry ***entries, int *count)
{
    pthread_mutex_lock(&catalog->lock);
    int n = catalog->n_shown;
    struct run_entry **list = malloc(((size_t)n + 1) * sizeof *list);
    for (int i = 0; i < n && list != NULL; i++)
        list[i] = run_entry_keep(catalog->shown[i]);
    pthread_mutex_unlock(&catalog->lock);
    *entries = list;
    *count = list != NULL ? n : 0;
    return list != NULL ? 0 : -1;
}

void run_catalog_give_back(struct run_entry **entries, int count)
{
    for (int i = 0; i < count; i++)
        run_entry_free(entries[i]);
    free(entries);
}
