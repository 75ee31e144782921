/* davidnet rename: another name for a run. */
#include "engine/run_move.h"
#include "tui/command.h"

extern const struct command command_rename;

static int run(int argc, char **argv)
{
    struct run_folder folder;
    struct error err = {""};
    if (argc != 3)
        return command_usage_error(&command_rename, argc < 3 ? "which run, and what shall it be called?"
                                                             : "one run and one name, please");
    if (argv[1][0] == '-')
        return command_unknown(&command_rename, argv[1]);
    if (run_folder_find(&folder, argv[1], &err) < 0 || run_rename(&folder, argv[2], &err) < 0)
        return command_fail("%s", err.text);
    return EXIT_OK;
}

const struct command command_rename = {
    .name = "rename",
    .summary = "give a run another name",
    .usage =
        "usage: davidnet rename RUN NAME\n\n"
        "RUN is a name from `davidnet runs`, a run's folder, or 'last'. Its folder gets the name NAME, where it is:\n"
        "letters, digits and . _ - + = @, at most 100. Refused when there is a NAME already, or when a process\n"
        "trains the run.\n",
    .words = "RUN",
    .run = run,
};
