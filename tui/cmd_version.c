/* `davidnet --version`: what was built in. */
#include "tui/command.h"
#include "tui/version.h"

#include "kernels/cuda_plugin.h"
#include "kernels/program.h"

#include <stdio.h>

extern const struct command command_version;

static int run(int argc, char **argv)
{
    if (argc > 1)
        return command_usage_error(&command_version, "'%s': version takes no arguments", argv[1]);
    printf("davidnet %s (%s, %s)\n", version_number(), version_commit(), version_date());
    printf("built with %s for %s, %s, threads by %s\n", version_compiler(), version_target(), version_flags(),
           version_parallel());
    if (version_headless())
        puts("headless: no workbench, pictures, downloads and CPU engine (make HEADLESS=1)");
    struct error err = {""};
    const struct family *cuda = cuda_family(&err);
    printf("engines: ref (plain C), cpu (%s), ", family_cpu.library());
    if (cuda)
        printf("cuda (%s)\n", cuda->library());
    else
        printf("no cuda: %s\n", err.text);
    return EXIT_OK;
}

const struct command command_version = {
    .name = "version",
    .summary = "what this program was built from and with",
    .usage = "usage: davidnet version\n       davidnet --version\n\n"
             "Version, commit, compiler, and the engines that were built in.\n",
    .run = run,
};
