/* `davidnet doctor`: what works here, what does not, and how to mend it. */
#include "tui/command.h"
#include "tui/glyphs.h"
#include "tui/version.h"

#include "engine/dataset.h"
#include "engine/processor.h"
#include "engine/run_folder.h"
#include "kernels/cuda_plugin.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"
#include "kernels/program.h"

#include <cjson/cJSON.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

extern const struct command command_doctor;

enum verdict { GOOD, NOTE, BAD };

static int problems;
static cJSON *list; /* what was found, for --json; NULL: it is printed */

static void line(enum verdict verdict, const char *what, const char *found, const char *advice)
{
    static const char *const marks[] = {"ok", "note", "FAIL"};
    problems += verdict == BAD;
    if (list) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "check", what);
        cJSON_AddStringToObject(o, "verdict", marks[verdict]);
        cJSON_AddStringToObject(o, "found", found);
        if (advice && *advice)
            cJSON_AddStringToObject(o, "advice", advice);
        else
            cJSON_AddNullToObject(o, "advice");
        cJSON_AddItemToArray(list, o);
        return;
    }
    printf("%-5s %-10s %s\n", marks[verdict], what, found);
    if (advice && *advice)
        printf("%-16s %s\n", "", advice);
}

static void check_cpu(void)
{
    char text[256], model[128];
    processor_name(model, sizeof model);
    snprintf(text, sizeof text, "%s, %d of %ld CPUs for us", model, parallel_default_threads(),
             sysconf(_SC_NPROCESSORS_ONLN));
    line(GOOD, "cpu", text, "");
    enum isa best = isa_best();
    line(best >= ISA_AVX2 ? GOOD : NOTE, "isa", isa_name(best),
         best == ISA_AMX           ? ""
         : best >= ISA_AVX512_BF16 ? "no AMX: bf16 training is several times slower than on a CPU with it"
         : best >= ISA_AVX2        ? "no bf16 arithmetic in this CPU: training runs in float32 unless told otherwise"
                                   : "no AVX2: plain C kernels run, correct but slow");
}

/* What an engine can compute in, or why it cannot. */
static void check_engine(const struct family *family, enum verdict otherwise)
{
    static const enum precision precisions[] = {PRECISION_F32, PRECISION_TF32, PRECISION_BF16, PRECISION_F16};
    char works[256] = "";
    struct error err = {""}, first = {""};
    for (size_t k = 0; k < sizeof precisions / sizeof precisions[0]; k++) {
        struct program_options options = {.max_batch = 16, .precision = precisions[k]};
        if (family->probe(&options, &err) == 0)
            snprintf(works + strlen(works), sizeof works - strlen(works), "%s%s", *works ? ", " : "",
                     precision_name(precisions[k]));
        else if (!first.text[0])
            first = err;
    }
    if (family->library)
        snprintf(works + strlen(works), sizeof works - strlen(works), "%s(%.120s)", *works ? " " : "does not run here ",
                 family->library());
    int runs = works[0] && strncmp(works, "does not", 8) != 0;
    line(runs ? GOOD : otherwise, family->name, *works ? works : "does not run here", runs ? "" : first.text);
}

static void check_build(void)
{
    if (version_headless())
        line(NOTE, "build", "headless: made to train where little is installed (make HEADLESS=1)",
             "the workbench, pictures, downloads and the CPU engine need a davidnet that plain make built");
}

static void check_engines(void)
{
    struct error err = {""};
    check_engine(&family_cpu, version_headless() ? NOTE : BAD);
    check_engine(&family_ref, BAD);
    const struct family *cuda = cuda_family(&err);
    if (cuda)
        check_engine(cuda, NOTE);
    else
        line(NOTE, "cuda", "not in this build, or not loadable", err.text);
}

static void check_data(void)
{
    char source[512], text[1024];
    int real = dataset_default_source(source, sizeof source);
    if (!real) {
        line(NOTE, "data", "no CIFAR-10 found: synthetic images are used",
             "fetch it: davidnet data fetch; or set DAVIDNET_DATA to a folder that has it");
        return;
    }
    struct dataset dataset;
    struct error err = {""};
    if (dataset_open(&dataset, source, &err)) {
        line(BAD, "data", err.text, "repair or remove that folder, or fetch anew: davidnet data fetch");
        return;
    }
    snprintf(text, sizeof text, "%u + %u images in %s", dataset.train.count, dataset.test.count, source);
    line(GOOD, "data", text, "");
    dataset_release(&dataset);
}

static void check_disk(void)
{
    char parent[RUN_PATH_MAX], text[RUN_PATH_MAX + 64], probe[RUN_PATH_MAX];
    run_folder_default_parent(parent, sizeof parent);
    snprintf(probe, sizeof probe, "%s", parent);
    while (access(probe, F_OK) != 0 && strrchr(probe, '/') && strrchr(probe, '/') != probe)
        *strrchr(probe, '/') = '\0';
    if (access(probe, F_OK) != 0)
        strcpy(probe, "."); /* of a relative name nothing is there yet */
    struct stat st;
    struct statvfs fs;
    int is_folder = stat(probe, &st) == 0 && S_ISDIR(st.st_mode);
    if (!is_folder || access(probe, W_OK) != 0 || statvfs(probe, &fs) != 0) {
        const char *why = is_folder ? "cannot be written" : "is no folder";
        if (strcmp(probe, parent) == 0)
            snprintf(text, sizeof text, "%.900s %s", parent, why);
        else
            snprintf(text, sizeof text, "%.450s cannot be made: %.450s %s", parent, probe, why);
        line(BAD, "runs", text,
             is_folder ? "set DAVIDNET_RUNS to a folder of yours, or give train --out DIR"
                       : "move that file away, set DAVIDNET_RUNS to a folder of yours, or give train --out DIR");
        return;
    }
    double free_gib = (double)fs.f_bavail * (double)fs.f_frsize / (1 << 30);
    snprintf(text, sizeof text, "%.900s, %.1f GiB free", parent, free_gib);
    line(free_gib < 0.5 ? BAD : GOOD, "runs", text,
         free_gib < 0.5 ? "a run keeps up to 0.2 GiB of checkpoints: free some space" : "");
}

static void check_terminal(void)
{
    char text[256];
    const char *term = getenv("TERM"), *colorterm = getenv("COLORTERM");
    int utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    snprintf(text, sizeof text, "TERM=%s%s%s, %s, output is %s", term ? term : "(unset)",
             colorterm ? ", COLORTERM=" : "", colorterm ? colorterm : "", nl_langinfo(CODESET),
             isatty(STDOUT_FILENO) ? "a terminal" : "not a terminal");
    int few = term && glyphs_are_few(term);
    line(utf8 && !few ? GOOD : NOTE, "terminal", text,
         !utf8 ? "not UTF-8: charts are drawn in ASCII; LANG=C.UTF-8 gives finer ones"
         : few ? "a console's font has no braille: charts are drawn in ASCII; another terminal gives finer ones"
               : "");
}

static int run(int argc, char **argv)
{
    int as_json = command_take_json(&command_doctor, argc, argv);
    if (as_json < 0)
        return EXIT_USAGE;
    cJSON *root = as_json ? cJSON_CreateObject() : NULL;
    list = root ? cJSON_AddArrayToObject(root, "checks") : NULL;
    if (as_json && !list)
        return command_fail("out of memory");
    problems = 0;
    struct utsname name;
    if (uname(&name) == 0) {
        char text[256];
        snprintf(text, sizeof text, "%.60s %.60s, %.60s", name.sysname, name.release, name.machine);
        line(GOOD, "system", text, "");
    }
    check_build();
    check_cpu();
    check_engines();
    check_data();
    check_disk();
    check_terminal();
    if (root) {
        cJSON_AddNumberToObject(root, "to_mend", problems);
        list = NULL;
        if (command_print_json(root, 1) != EXIT_OK)
            return EXIT_FAILED;
    } else if (problems)
        printf("\n%d thing%s to mend.\n", problems, problems == 1 ? "" : "s");
    return problems ? EXIT_FAILED : EXIT_OK;
}

static const struct command_option options[] = {
    {"--json", NULL, "the same as a JSON object: checks, and how many things are to mend", NULL},
    {0},
};

const struct command command_doctor = {
    .name = "doctor",
    .summary = "what works on this machine, what does not, and how to mend it",
    .usage =
        "usage: davidnet doctor [--json]\n\n"
        "Checks the CPU and its instruction sets, the engines and their libraries, the data set, the disk and the\n"
        "terminal. 'FAIL' lines say how to mend what is broken; the exit code is then 1.\n",
    .options = options,
    .run = run,
};
