/* davidnet tag: tags on a run. */
#include "engine/run_label.h"
#include "tui/command.h"

#include <stdio.h>

extern const struct command command_tag;

static int run(int argc, char **argv)
{
    struct run_folder folder;
    struct run_label label;
    struct error err = {""};
    char tags[RUN_TAGS_TEXT_MAX];
    if (argc < 2)
        return command_usage_error(&command_tag, "which run? `davidnet runs` lists them, 'last' is the newest");
    if (argv[1][0] == '-')
        return command_unknown(&command_tag, argv[1]);
    if (run_folder_find(&folder, argv[1], &err) < 0 || run_label_read(&folder, &label, &err) < 0)
        return command_fail("%s", err.text);
    for (int i = 2; i < argc; i++)
        if (run_label_change(&label, argv[i], &err) < 0)
            return command_fail("%s", err.text);
    if (argc > 2 && run_label_write(&folder, &label, &err) < 0)
        return command_fail("%s", err.text);
    if (label.n_tags > 0)
        puts(run_label_tags(&label, tags, sizeof tags));
    return EXIT_OK;
}

const struct command command_tag = {
    .name = "tag",
    .summary = "put tags on a run, or take them off",
    .usage =
        "usage: davidnet tag RUN [[+]TAG | -TAG]...\n\n"
        "RUN is a name from `davidnet runs`, a run's folder, or 'last'. +TAG, or TAG alone, puts a tag on it, -TAG\n"
        "takes it off; then, or without changes, prints the tags that it has. They are kept in RUN/label.json.\n"
        "A tag has 2 to 31 letters, digits and . _ = @ + -, and begins with a letter or a digit; a run has at\n"
        "most 16. `davidnet runs` and the workbench's Runs screen show and find them.\n",
    .words = "RUN",
    .run = run,
};
