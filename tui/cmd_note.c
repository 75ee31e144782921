/* davidnet note: a note on a run. */
#include "engine/run_label.h"
#include "tui/command.h"
#include "tui/run_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct command command_note;

/* The words with blanks between them, so that a short note needs no quotes; malloc'ed. */
static char *join(int count, char **words)
{
    size_t size = 1;
    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *text = calloc(1, size);
    for (int i = 0, n = 0; i < count && text != NULL; i++)
        n += snprintf(text + n, size - (size_t)n, "%s%s", i ? " " : "", words[i]);
    return text;
}

static int run(int argc, char **argv)
{
    struct run_folder folder;
    struct run_label label;
    struct error err = {""};
    if (argc < 2)
        return command_usage_error(&command_note, "which run? `davidnet runs` lists them, 'last' is the newest");
    if (argv[1][0] == '-')
        return command_unknown(&command_note, argv[1]);
    if (run_folder_find(&folder, argv[1], &err) < 0 || run_label_read(&folder, &label, &err) < 0)
        return command_fail("%s", err.text);
    if (argc == 2) {
        if (label.note[0] != '\0')
            puts(label.note);
        return EXIT_OK;
    }
    char *text = join(argc - 2, argv + 2);
    int rc = text == NULL                                 ? error_set(&err, "out of memory")
             : run_label_set_note(&label, text, &err) < 0 ? -1
                                                          : run_label_write(&folder, &label, &err);
    free(text);
    if (rc < 0)
        return command_fail("%s", err.text);
    if (label.note[0] != '\0')
        puts(label.note);
    return EXIT_OK;
}

const struct command command_note = {
    .name = "note",
    .summary = "write a note on a run, or read it",
    .usage = "usage: davidnet note RUN [TEXT]...\n\n"
             "RUN is a name from `davidnet runs`, a run's folder, or 'last'. Writes TEXT (one line of at most 1023\n"
             "bytes) into RUN/label.json in place of an earlier note; '' removes it. Then, or without TEXT, prints the "
             "note.\n"
             "`davidnet show` and the workbench's Runs screen show it.\n",
    .words = "RUN",
    .run = run,
};
