#include "tui/command.h"

#include <stdarg.h>
#include <stdio.h>

struct display_options display = {.delay = 0.1};

int command_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("davidnet: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILED;
}

int command_usage_error(const struct command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "davidnet %s: ", command->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry 'davidnet %s --help'.\n", command->name);
    va_end(args);
    return EXIT_USAGE;
}
