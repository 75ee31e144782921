/* davidnet rm: runs to the trash, out of it, or gone. */
#include "engine/run_move.h"
#include "tui/command.h"
#include "tui/run_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const struct command command_rm;

enum action { TRASH, PURGE, RESTORE };

/* --purge takes a run that was thrown away by its name, too, where nothing else could be meant by that. */
static int find_to_remove(struct run_folder *folder, enum action action, const char *name, struct error *err)
{
    char parent[RUN_PATH_MAX], path[2 * RUN_PATH_MAX];
    if (run_folder_find(folder, name, err) == 0)
        return 0;
    run_folder_default_parent(parent, sizeof parent);
    snprintf(path, sizeof path, "%s/%s", parent, name);
    if (action != PURGE || strcmp(name, "last") == 0 || access(path, F_OK) == 0 || access(name, F_OK) == 0)
        return -1;
    return run_trash_find(folder, NULL, name, NULL); /* err says what was looked for first */
}

static int one(enum action action, const char *name)
{
    struct run_folder folder;
    struct error err = {""};
    char safe[RUN_PATH_MAX];
    int rc = -1;
    if (action == RESTORE) { /* by its name in the default trash, or by the path that `rm` told */
        int found =
            strchr(name, '/') ? run_folder_find(&folder, name, &err) : run_trash_find(&folder, NULL, name, &err);
        if (found == 0 && (rc = run_restore(&folder, &err)) == 0)
            printf("%s is back\n", run_text_safe(folder.name, safe, sizeof safe));
    } else if (find_to_remove(&folder, action, name, &err) == 0) {
        rc = action == PURGE ? run_purge(&folder, &err) : run_trash(&folder, &err);
        if (rc == 0)
            printf(action == PURGE ? "%s is removed\n" : "moved to %s\n",
                   run_text_safe(action == PURGE ? folder.name : folder.path, safe, sizeof safe));
    }
    return rc < 0 ? command_fail("%s", run_text_safe(err.text, safe, sizeof safe)) : EXIT_OK;
}

static int run(int argc, char **argv)
{
    enum action action = TRASH;
    int runs = 0, code = EXIT_OK;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--purge") == 0 && action != RESTORE)
            action = PURGE;
        else if (strcmp(argv[i], "--restore") == 0 && action != PURGE)
            action = RESTORE;
        else if (argv[i][0] == '-')
            return command_unknown(&command_rm, argv[i]);
        else
            runs++;
    }
    if (runs == 0)
        return command_usage_error(&command_rm, "which run? `davidnet runs` lists them, 'last' is the newest");
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-' && one(action, argv[i]) != EXIT_OK)
            code = EXIT_FAILED; /* the others are done all the same */
    return code;
}

static const struct command_option options[] = {
    {"--purge", NULL, "remove it for good, checkpoints and all; RUN may be in the trash: a name there, or a path",
     NULL},
    {"--restore", NULL, "put it back: RUN is a name in .trash, a path there, or 'last', which was thrown away last",
     NULL},
    {0},
};

const struct command command_rm = {
    .name = "rm",
    .summary = "move runs to the trash; --purge removes them for good",
    .usage =
        "usage: davidnet rm RUN... [--purge | --restore]\n\n"
        "RUN is a name from `davidnet runs`, a run's folder, or 'last'. Moves it into the folder .trash beside it,\n"
        "from where it can be put back. Refused while a process trains it.\n"
        "To empty the trash, remove the folder .trash.\n",
    .options = options,
    .words = "RUN",
    .run = run,
};
