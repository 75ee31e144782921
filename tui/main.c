/*
 * davidnet's command line: finds the command, takes the display options that every command shares, and is the
 * only file that ends the program.
 */
#include "engine/nearest.h"
#include "tui/command.h"
#include "tui/manual.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each command is a file tui/cmd_NAME.c; this list is the order of `davidnet --help`. */
/* clang-format off */
#define COMMANDS(X) \
    X(tui) \
    X(train) \
    X(resume) \
    X(runs) \
    X(show) \
    X(note) \
    X(tag) \
    X(rename) \
    X(rm) \
    X(compare) \
    X(campaign) \
    X(ladder) \
    X(curves) \
    X(timing) \
    X(eval) \
    X(samples) \
    X(data) \
    X(presets) \
    X(tricks) \
    X(knobs) \
    X(network) \
    X(bench) \
    X(lab) \
    X(doctor) \
    X(version)
/* clang-format on */

#define DECLARE(name) extern const struct command command_##name;
COMMANDS(DECLARE)
#define LIST(name) &command_##name,
const struct command *const commands[] = {COMMANDS(LIST) NULL};

static const struct command *find(const char *name)
{
    for (int i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int no_command(const char *name)
{
    struct nearest nearest;
    char hint[NEAREST_HINT_MAX];
    nearest_init(&nearest, name);
    for (int i = 0; commands[i]; i++)
        nearest_offer(&nearest, commands[i]->name);
    command_fail("there is no command '%s'%s; 'davidnet --help' lists them", name,
                 nearest_hint(&nearest, hint, sizeof hint));
    return EXIT_USAGE;
}

static void print_help(void)
{
    puts("davidnet: a terminal workbench that trains small image classifiers fast\n\n"
         "usage: davidnet [COMMAND] [OPTION]...\n\n"
         "Without a command, on a terminal, it opens the workbench.\n\ncommands:");
    for (int i = 0; commands[i]; i++)
        printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
    puts("\ndisplay options, anywhere:");
    command_options_help(stdout, display_option_table);
    puts("\n'davidnet COMMAND --help' explains a command; 'davidnet --version' says what\n"
         "was built in. 'davidnet help --man' and 'davidnet help --completion' print the\n"
         "manual and bash completions.");
}

static int take_size(const char *text)
{
    char tail;
    int width, height;
    if (sscanf(text, "%dx%d%c", &width, &height, &tail) != 2 || width < 0 || height < 0 || width > 1000 ||
        height > 1000)
        return -1;
    display.width = width;
    display.height = height;
    return 0;
}

static int take_delay(const char *text)
{
    char *end;
    display.delay = strtod(text, &end);
    return *end || !(display.delay >= 0.02 && display.delay <= 60) ? -1 : 0;
}

/* Takes one display option at argv[*i]; 1: taken, 0: not one, -1: a bad value (said). */
static int take_display_option(int argc, char **argv, int *i)
{
    static const struct {
        const char *name, *letter;
        int *flag;
    } flags[] = {{"--ascii", "-U", &display.ascii},
                 {"--no-color", "-C", &display.no_color},
                 {"--no-mouse", "-M", &display.no_mouse}};
    const char *arg = argv[*i];
    for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++)
        if (strcmp(arg, flags[k].name) == 0 || strcmp(arg, flags[k].letter) == 0) {
            *flags[k].flag = 1;
            return 1;
        }
    int delay = strcmp(arg, "--delay") == 0 || strcmp(arg, "-d") == 0;
    int script = strcmp(arg, "--script") == 0, dump = strcmp(arg, "--dump") == 0, size = strcmp(arg, "--size") == 0;
    if (!delay && !script && !dump && !size)
        return 0;
    if (*i + 1 >= argc) {
        command_fail("%s needs a value; see 'davidnet --help'", arg);
        return -1;
    }
    const char *value = argv[++*i];
    if (script)
        display.script = value;
    if (dump)
        display.dump = value;
    if (size && take_size(value)) {
        command_fail("--size '%s': give WIDTHxHEIGHT, such as 80x24, at most 1000x1000", value);
        return -1;
    }
    if (delay && take_delay(value)) {
        command_fail("--delay '%s': give seconds from 0.02 to 60", value);
        return -1;
    }
    return 1;
}

/* `davidnet help [COMMAND [PART] | --man | --completion]` and --help. */
static int help(const char *topic, const char *part)
{
    if (!topic) {
        print_help();
        return EXIT_OK;
    }
    if (strcmp(topic, "--man") == 0) {
        manual_print(stdout, commands);
        return EXIT_OK;
    }
    if (strcmp(topic, "--completion") == 0) {
        manual_print_completion(stdout, commands);
        return EXIT_OK;
    }
    const struct command *about = find(topic);
    if (!about)
        return no_command(topic);
    command_help(part && command_part(about, part) ? command_part(about, part) : about);
    return EXIT_OK;
}

/* Options that stand where a command could. */
static int is_about_all(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "--version") == 0;
}

static int dispatch(int count, char **words)
{
    char *name = words[0];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help(count > 1 ? words[1] : NULL, count > 2 ? words[2] : NULL);
    if (strcmp(name, "--version") == 0)
        words[0] = name = "version";
    const struct command *command = find(name);
    if (!command)
        return no_command(name);
    for (int i = 1; i < count; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
            const struct command *part = command_part(command, words[1]);
            command_help(part ? part : command);
            return EXIT_OK;
        }
    return command->run(count, words);
}

/*
 * A file that is opened must not take the place of a standard stream that was closed by who started the program: what
 * is printed would go into it. Opened the wrong way round, using such a stream is an error, as it was.
 */
static void hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return;
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    signal(SIGXFSZ, SIG_IGN); /* a file over the limit is an error that says which, as on a full disk */
    setlocale(LC_CTYPE, "");
    const char *no_color = getenv("NO_COLOR");
    display.no_color = no_color && *no_color;

    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (!words)
        return command_fail("out of memory");
    int count = 1; /* words[0] is for the command that nobody named */
    for (int i = 1; i < argc; i++) {
        int taken = take_display_option(argc, argv, &i);
        if (taken < 0) {
            free(words);
            return EXIT_USAGE;
        }
        if (!taken)
            words[count++] = argv[i];
    }
    words[0] = "tui";
    int named = count > 1 && (words[1][0] != '-' || is_about_all(words[1]));
    int code = dispatch(count - named, words + named);
    free(words);
    int cut = ferror(stdout); /* long before the end: why is not known any more */
    if ((fflush(stdout) != 0 || cut) && code == EXIT_OK)
        return command_fail("writing the output: %s", cut ? "a part of it could not be written" : strerror(errno));
    return code;
}
