/* The manual page and the completions hold whatever the tables hold. */
#include "tui/manual.h"

#include "engine/knobs.h"
#include "engine/network.h"
#include "engine/recipes.h"
#include "engine/tricks.h"
#include "tui/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct command_option train_options[] = {
    {"--name", "NAME", "the run's name", NULL}, {"--init", "FILE", "to start from", "FILE"}, {0}};
static const struct command_option show_options[] = {{"--format", "FORMAT", "as what", "table json"}, {0}};
static const struct command train = {.name = "train",
                                     .summary = "trains -- .a\\b",
                                     .usage = "usage: davidnet train\n\nTrains.\n",
                                     .options = train_options,
                                     .takes_recipe = 1};
static const struct command network = {
    .name = "network", .summary = "shows a network", .usage = "usage: davidnet network\n", .takes_recipe = 1};
static const struct command show = {.name = "show",
                                    .summary = "shows a run",
                                    .usage = "usage: davidnet show RUN\n",
                                    .options = show_options,
                                    .words = "RUN"};
static const struct command tui = {
    .name = "tui", .summary = "is what no command means", .usage = "", .takes_recipe = 1};
static const struct command_option study_options[] = {
    {"--rounds", "N", "how many", NULL}, {"--as", "FORMAT", "as what", "words pictures"}, {0}};
static const struct command study = {.name = "lab study",
                                     .summary = "studies something",
                                     .usage = "usage: davidnet lab study\n\nStudies.\n",
                                     .options = study_options,
                                     .takes_recipe = 1};
static const struct command *const studies[] = {&study, NULL};
static const struct command lab = {
    .name = "lab", .summary = "does studies", .usage = "usage: davidnet lab NAME\n", .parts = studies};
static const struct command *const list[] = {&tui, &train, &network, &show, &lab, NULL};

/* As the manual shows it: '-' is "\-". */
static int shows(const char *manual, const char *text)
{
    char escaped[512];
    size_t n = 0;
    for (; *text && n < sizeof escaped - 3; text++) {
        if (*text == '-')
            escaped[n++] = '\\';
        escaped[n++] = *text;
    }
    escaped[n] = '\0';
    return strstr(manual, escaped) != NULL;
}

static void test_manual(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    manual_print(out, list);
    fclose(out);
    assert_true(shows(text, "train") && shows(text, "shows a network"));
    assert_non_null(strstr(text, "trains \\-\\- .a\\eb"));
    for (int i = 0; i < knob_count; i++)
        assert_true(shows(text, knobs[i].key) && shows(text, knobs[i].help));
    for (int i = 0; i < trick_count; i++)
        assert_true(shows(text, tricks[i].key) && shows(text, tricks[i].changes));
    for (int i = 0; network_syntax[i][0]; i++)
        assert_true(shows(text, network_syntax[i][0]));
    for (const struct recipe_option *o = recipe_option_table; o->flag; o++)
        assert_true(shows(text, o->flag));
    for (const struct command_option *o = display_option_table; o->flag; o++)
        assert_true(shows(text, o->flag) && shows(text, o->help));
    for (const struct command_option *o = train_options; o->flag; o++)
        assert_true(shows(text, o->flag) && shows(text, o->help));
    assert_true(shows(text, "usage: davidnet lab study") && shows(text, "--rounds"));
    assert_true(shows(text, "DAVIDNET_RUNS") && shows(text, "usage: davidnet show RUN"));
    free(text);
}

/* groff warns about whatever it does not understand. */
static void test_manual_is_clean(void **state)
{
    (void)state;
    if (system("command -v groff > /dev/null 2>&1") != 0) {
        print_message("SKIPPED: groff is not installed\n");
        skip();
    }
    char line[256] = "";
    char path[] = "/tmp/davidnet-manual-XXXXXX", command[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *page = fdopen(fd, "w");
    manual_print(page, list);
    fclose(page);
    snprintf(command, sizeof command, "groff -man -Tutf8 -ww -z %s 2>&1", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char *warned = fgets(line, sizeof line, pipe);
    int status = pclose(pipe);
    unlink(path);
    if (warned || status)
        fail_msg("groff says: %s", line);
}

/* What bash offers after these words (the script's own array of candidates). */
static void complete(const char *script, const char *words, char *out, size_t size)
{
    char command[512];
    snprintf(command, sizeof command,
             "bash -c 'source %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _davidnet; "
             "echo \"${COMPREPLY[@]}\"'",
             script, words);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    if (!fgets(out, (int)size, pipe))
        out[0] = '\0';
    assert_int_equal(pclose(pipe), 0);
    out[strcspn(out, "\n")] = '\0';
}

static void test_completion(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"davidnet ne", "network"},
        {"davidnet train --preset davidnet-7", "davidnet-79"},
        {"davidnet train --set lr_sh", "lr_shape="},
        {"davidnet train --set lr_shape = p", "piecewise polynomial"},
        {"davidnet train --set flip =", "on off"},
        {"davidnet train --off cu", "cutout"},
        {"davidnet train --device c", "cpu cuda"},
        {"davidnet train --isa av", "avx2 avx512 avx512_bf16"},
        {"davidnet train --epo", "--epochs"},
        {"davidnet train --na", "--name"},
        {"davidnet train --device = re", "ref"},
        {"davidnet network --na", ""},
        {"davidnet show --fo", "--format"},
        {"davidnet show --format j", "json"},
        {"davidnet show --epo", ""},
        {"davidnet show sh", "short-run"},
        {"davidnet show short-run --f", "--format"},
        {"davidnet network --asc", "--ascii"},
        {"davidnet --asc", "--ascii"},
        {"davidnet --rec", "--recipe"},
        {"davidnet --ascii --rec", "--recipe"},
        {"davidnet help ne", "network"},
        {"davidnet lab st", "study"},
        {"davidnet lab study --ro", "--rounds"},
        {"davidnet lab study --prec", "--precision"},
        {"davidnet lab study --as p", "pictures"},
    };
    int wrong = 0;
    if (system("command -v bash > /dev/null 2>&1") != 0) {
        print_message("SKIPPED: bash is not installed\n");
        skip();
    }
    char runs[] = "/tmp/davidnet-runs-XXXXXX", path[64], run[64], got[512];
    assert_non_null(mkdtemp(runs));
    snprintf(run, sizeof run, "%s/short-run", runs);
    snprintf(path, sizeof path, "%s/script", runs);
    assert_int_equal(mkdir(run, 0700), 0);
    assert_int_equal(setenv("DAVIDNET_RUNS", runs, 1), 0);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    manual_print_completion(out, list);
    fclose(out);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        complete(path, cases[i][0], got, sizeof got);
        if (strcmp(got, cases[i][1]) != 0) {
            print_error("'%s': expected '%s', got '%s'\n", cases[i][0], cases[i][1], got);
            wrong++;
        }
    }
    unlink(path);
    rmdir(run);
    rmdir(runs);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manual),
        cmocka_unit_test(test_manual_is_clean),
        cmocka_unit_test(test_completion),
    };
    if (setenv("XDG_CONFIG_HOME", "/nonexistent", 1))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
