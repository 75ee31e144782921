/* davidnet lab: the studies, each a command of its own (tui/lab_NAME.c) in the list below. */
#include "engine/nearest.h"
#include "tui/command.h"

#include <stdio.h>

extern const struct command command_lab;
extern const struct command lab_ablate;

static const struct command *const studies[] = {&lab_ablate, NULL};

static int run(int argc, char **argv)
{
    struct nearest nearest;
    char hint[NEAREST_HINT_MAX];
    if (argc < 2)
        return command_usage_error(&command_lab, "which study? `davidnet lab --help` lists them");
    const struct command *study = command_part(&command_lab, argv[1]);
    if (study)
        return study->run(argc - 1, argv + 1);
    if (argv[1][0] == '-')
        return command_unknown(&command_lab, argv[1]);
    nearest_init(&nearest, argv[1]);
    for (int i = 0; studies[i]; i++)
        nearest_offer(&nearest, command_part_word(studies[i]));
    return command_usage_error(&command_lab, "there is no study '%s'%s", argv[1],
                               nearest_hint(&nearest, hint, sizeof hint));
}

const struct command command_lab = {
    .name = "lab",
    .summary = "studies: what is behind the numbers, measured again here",
    .usage =
        "usage: davidnet lab NAME [--quick] [OPTION]...\n\n"
        "Carries out a study and shows what it found. Measurements are kept in a folder as they are made: a study\n"
        "that was stopped goes on where it was when it is called again.\n"
        "`davidnet lab NAME --help` explains one.\n",
    .parts = studies,
    .run = run,
};
