/* The shared recipe options, and the commands that list what there is: their text and their JSON. */
#include "tui/options.h"

#include "engine/knobs.h"
#include "engine/network.h"
#include "engine/recipe_file.h"
#include "engine/tricks.h"
#include "tests/golden_text.h"
#include "tui/columns.h"
#include "tui/command.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct command command_presets, command_tricks, command_knobs, command_network;

static struct error err;
static struct recipe_options options;

static int count_words(char **words)
{
    int n = 0;
    while (words[n])
        n++;
    return n;
}

/* Takes every word; the number that were not recipe options, or -1. */
static int take_all(char **words)
{
    int others = 0, argc = count_words(words);
    memset(&options, 0, sizeof options);
    err.text[0] = '\0';
    for (int i = 0; i < argc; i++) {
        int taken = recipe_options_take(&options, argc, words, &i, &err);
        if (taken < 0)
            return -1;
        others += taken == 0;
    }
    return others;
}

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static void test_take(void **state)
{
    (void)state;
    struct recipe recipe;
    int others = take_all(WORDS("--preset", "davidnet-66", "--json", "--on", "cutout", "--off=flip", "--set",
                                "batch=64", "--seed", "3", "--device", "cuda:1", "--precision=bf16", "--threads", "2",
                                "--isa", "avx2", "--data=/a = b", "--epochs", "10", "--target", "93.5", "RUN"));
    assert_int_equal(others, 2);
    if (recipe_resolve(&options.request, &recipe, &err))
        fail_msg("%s", err.text);
    assert_string_equal(recipe.preset, "davidnet-66");
    assert_true(recipe.cutout && !recipe.flip && recipe.batch == 64 && recipe.seed == 3 && recipe.threads == 2);
    assert_int_equal(recipe.device, RECIPE_DEVICE_CUDA);
    assert_int_equal(recipe.device_index, 1);
    assert_int_equal(recipe.precision, RECIPE_PRECISION_BF16);
    assert_string_equal(recipe.isa, "avx2");
    assert_string_equal(recipe.data, "/a = b");
    assert_true(recipe.epochs == 10 && recipe.target == 93.5 && recipe.schedule.knot[2] == 10);
}

static void test_gave(void **state)
{
    (void)state;
    assert_int_equal(take_all(WORDS("--set", "seed_x=1", "--target", "90", "--epochs", "3")), 0);
    assert_true(recipe_options_gave(&options, "target"));
    assert_true(recipe_options_gave(&options, "epochs"));
    assert_false(recipe_options_gave(&options, "seed"));
    assert_int_equal(take_all(WORDS("--set", "seed=1")), 0);
    assert_true(recipe_options_gave(&options, "seed"));
    assert_false(recipe_options_gave(&options, "epochs"));
}

static void expect_error(char **words, const char *part1, const char *part2)
{
    if (take_all(words) >= 0)
        fail_msg("taken, but expected: %s", part1);
    if (!strstr(err.text, part1) || !strstr(err.text, part2))
        fail_msg("expected '%s' and '%s' in: %s", part1, part2, err.text);
}

static void test_take_errors(void **state)
{
    (void)state;
    static char longest[20000];
    char *many[2 * RECIPE_SETS_MAX + 3] = {NULL};
    expect_error(WORDS("--preset"), "--preset needs a value", "NAME");
    expect_error(WORDS("--set"), "--set needs a value", "KEY=VALUE");
    expect_error(WORDS("--preset", "a", "--preset=b"), "given twice", "a and b");
    expect_error(WORDS("--off", "crop,flip"), "--off crop,flip", "repeat the option");
    expect_error(WORDS("--epochs", "many"), "--epochs many", "0.001 to 10000");
    expect_error(WORDS("--epochs", "-1"), "--epochs -1", "0.001 to 10000");
    expect_error(WORDS("--device", "cpu:1"), "--device cpu:1", "cuda:N");
    expect_error(WORDS("--device", "cuda:x"), "--device cuda:x", "cuda:N");
    memset(longest, 'x', sizeof longest - 1);
    expect_error(WORDS("--data", longest), "too long", "recipe file");
    for (int i = 0; i < RECIPE_SETS_MAX + 1; i++) {
        many[2 * i] = "--set";
        many[2 * i + 1] = "batch=64";
    }
    expect_error(many, "--set", "128");
    for (int i = 0; i < RECIPE_TRICKS_MAX + 1; i++)
        many[2 * i] = "--on";
    expect_error(many, "--on", "64");
    assert_int_equal(take_all(WORDS("--presets", "--se", "-h", "", "preset")), 5); /* none of them ours */
}

/* Every row works and is in the help; every knob is in the list. */
static void test_help_is_made_of_the_tables(void **state)
{
    (void)state;
    char *text, *line, *save;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    recipe_options_help(out, NULL);
    recipe_options_help_knobs(out);
    fclose(out);
    for (const struct recipe_option *o = recipe_option_table; o->flag; o++) {
        assert_non_null(strstr(text, o->flag));
        assert_true(o->knob ? knob_find(o->knob) != NULL : o->help != NULL);
    }
    for (int i = 0; i < knob_count; i++) {
        char key[64];
        snprintf(key, sizeof key, "\n  %s ", knobs[i].key);
        assert_non_null(strstr(text, key));
    }
    for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        assert_true(strlen(line) <= 80);
        assert_true(line[strlen(line) - 1] != ' ');
    }
    free(text);
}

/* What a command prints, and its exit code. */
static char *run_command(const struct command *command, int want, char **words)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_true(saved >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
    int code = command->run ? command->run(count_words(words), words) : -1;
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    assert_int_equal(code, want);
    return text;
}

/* What it prints as JSON, to be deleted. */
static cJSON *run_json(const struct command *command, char **words)
{
    char *text = run_command(command, EXIT_OK, words);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    free(text);
    return json;
}

/* It prints each of these parts, and none that follows a '!'. */
static void prints(const struct command *command, char **words, char **parts)
{
    char *text = run_command(command, EXIT_OK, words);
    for (; *parts; parts++)
        if (**parts == '!' ? strstr(text, *parts + 1) != NULL : strstr(text, *parts) == NULL)
            fail_msg("%s: expected %s in: %s", words[0], *parts, text);
    free(text);
}

/* tests/golden/network-NAME.txt for every preset; GOLDEN=update rewrites them. */
static void test_network_tables(void **state)
{
    (void)state;
    static struct recipe_about list[64];
    int n = recipe_preset_list(list, 64);
    assert_true(n >= 3);
    for (int i = 0; i < n; i++) {
        char path[128];
        char *text = run_command(&command_network, EXIT_OK, WORDS("network", "--preset", list[i].name));
        snprintf(path, sizeof path, "tests/golden/network-%.63s.txt", list[i].name);
        golden_text(path, text);
        free(text);
    }
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item))
        fail_msg("no number '%s'", key);
    return item->valuedouble;
}

static void test_network_json(void **state)
{
    (void)state;
    cJSON *json = run_json(&command_network, WORDS("network", "--format", "json"));
    assert_true(number(json, "forward_flops") == 758523904);
    assert_true(number(json, "backward_flops") == 1513508864);
    assert_true(number(json, "parameters") == 6573120);
    const cJSON *nodes = cJSON_GetObjectItem(json, "nodes"), *node;
    double forward = 0, parameters = 0;
    assert_int_equal(cJSON_GetArraySize(nodes), 33);
    cJSON_ArrayForEach(node, nodes)
    {
        forward += number(node, "forward_flops");
        parameters += number(node, "parameters");
    }
    assert_true(forward == 758523904 && parameters == 6573120);
    cJSON_Delete(json);
}

static void test_network_diagram(void **state)
{
    (void)state;
    char *text = run_command(&command_network, EXIT_OK, WORDS("network", "--preset", "quick", "--format=svg"));
    assert_memory_equal(text, "<?xml", 5);
    assert_non_null(strstr(text, "<title>The network of quick</title>"));
    assert_non_null(strstr(text, "davidnet train --preset quick"));
    free(text);
    free(run_command(&command_network, EXIT_FAILED, WORDS("network", "-o", "/nonexistent/x.png")));
}

static void test_network_of_ones_own(void **state)
{
    (void)state;
    prints(&command_network,
           WORDS("network", "--set", "network=a = conv_bn 2c; p = global_avg; out = linear", "--set", "width=6",
                 "--set=logit_scale=1"),
           WORDS("12x32x32", "\nout", "!multiplied"));
}

static void test_lists(void **state)
{
    (void)state;
    cJSON *json = run_json(&command_knobs, WORDS("knobs", "--json"));
    assert_int_equal(cJSON_GetArraySize(json), knob_count);
    for (int i = 0; i < knob_count; i++) {
        const cJSON *row = cJSON_GetArrayItem(json, i);
        assert_string_equal(cJSON_GetObjectItem(row, "key")->valuestring, knobs[i].key);
        assert_string_equal(cJSON_GetObjectItem(row, "default")->valuestring, knobs[i].default_text);
    }
    cJSON_Delete(json);

    json = run_json(&command_tricks, WORDS("tricks", "--json"));
    assert_int_equal(cJSON_GetArraySize(json), trick_count);
    cJSON_Delete(json);
    char *text = run_command(&command_tricks, EXIT_OK, WORDS("tricks"));
    for (int i = 0; i < trick_count; i++)
        assert_non_null(strstr(text, tricks[i].title));
    free(text);

    json = run_json(&command_presets, WORDS("presets", "--json"));
    assert_true(cJSON_GetArraySize(json) >= 3);
    cJSON_Delete(json);
    prints(&command_presets, WORDS("presets"), WORDS("davidnet-79\n", "94.08 %"));
}

static int has_conflict(const cJSON *trick, const char *other, const char *knob)
{
    const cJSON *conflict;
    cJSON_ArrayForEach(conflict, cJSON_GetObjectItem(trick, "conflicts"))
    {
        if (strcmp(cJSON_GetObjectItem(conflict, "trick")->valuestring, other) == 0)
            return strcmp(cJSON_GetObjectItem(conflict, "knob")->valuestring, knob) == 0;
    }
    return 0;
}

/* tricks NAME, knobs NAME, presets NAME: one, with what it has to do with the others. */
static void test_one_of_each(void **state)
{
    (void)state;
    prints(&command_tricks, WORDS("tricks", "celu"),
           WORDS("gelu (both write activation), silu (both write activation)", "!Cutout"));
    prints(&command_tricks, WORDS("tricks", "frozen_scale"),
           WORDS("norm_bias_lr = 64", "the knob frozen_scale alone", "!not with"));
    prints(&command_knobs, WORDS("knobs", "celu_alpha"),
           WORDS("only with activation=celu", "frozen_scale sets it to 0.3"));
    prints(&command_presets, WORDS("presets", "frozen-scale-43"),
           WORDS("celu, ", "\nlogit_scale = 0.0625\n", "[network]\nprep = conv_bn c\n"));
    cJSON *json = run_json(&command_tricks, WORDS("tricks", "whitening", "--json"));
    assert_string_equal(cJSON_GetObjectItem(json, "key")->valuestring, "whitening");
    assert_true(has_conflict(json, "whitening_2x2", "whitening"));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "conflicts")), 1);
    cJSON_Delete(json);
    json = run_json(&command_knobs, WORDS("knobs", "--json", "activation"));
    assert_string_equal(cJSON_GetObjectItem(json, "key")->valuestring, "activation");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "tricks")), 3);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "when")));
    cJSON_Delete(json);
    json = run_json(&command_presets, WORDS("presets", "quick", "--json"));
    assert_string_equal(cJSON_GetObjectItem(json, "name")->valuestring, "quick");
    cJSON_Delete(json);
}

static void test_wrong_words(void **state)
{
    (void)state;
    const struct command *commands_here[] = {&command_presets, &command_tricks, &command_knobs, &command_network};
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0 && freopen("/dev/null", "w", stderr));
    for (int i = 0; i < 4; i++)
        free(run_command(commands_here[i], EXIT_USAGE, WORDS("command", "--nonsense")));
    for (int i = 0; i < 3; i++)
        free(run_command(commands_here[i], EXIT_USAGE, WORDS("command", "nonsense")));
    free(run_command(&command_tricks, EXIT_USAGE, WORDS("tricks", "celu", "gelu")));
    free(run_command(&command_tricks, EXIT_USAGE, WORDS("tricks", "momentum")));
    free(run_command(&command_knobs, EXIT_USAGE, WORDS("knobs", "celu")));
    free(run_command(&command_network, EXIT_USAGE, WORDS("network", "--format", "xml")));
    free(run_command(&command_network, EXIT_USAGE, WORDS("network", "--format")));
    free(run_command(&command_network, EXIT_USAGE, WORDS("network", "--preset")));
    free(run_command(&command_network, EXIT_USAGE, WORDS("network", "--preset", "nonsense")));
    free(run_command(&command_network, EXIT_USAGE, WORDS("network", "--set", "network=a = conv 3")));
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
}

/* What the tables of options promise. */
static void test_own_options(void **state)
{
    (void)state;
    const char *flag, *value;
    const struct command *command = &command_network;
    int saved = dup(STDERR_FILENO), i = 0;
    assert_true(saved >= 0 && freopen("/dev/null", "w", stderr));
    assert_int_equal(command_take_option(command, 1, WORDS("--json"), &i, &flag, &value), 1);
    assert_true(strcmp(flag, "--json") == 0 && value == NULL && i == 0);
    assert_int_equal(command_take_option(command, 1, WORDS("--format=a=b"), &i, &flag, &value), 1);
    assert_true(strcmp(flag, "--format") == 0 && strcmp(value, "a=b") == 0 && i == 0);
    assert_int_equal(command_take_option(command, 2, WORDS("--format", "json"), &i, &flag, &value), 1);
    assert_true(strcmp(value, "json") == 0 && i == 1);
    i = 0;
    assert_int_equal(command_take_option(command, 1, WORDS("--format"), &i, &flag, &value), -1);
    assert_int_equal(command_take_option(command, 1, WORDS("--json=1"), &i, &flag, &value), -1);
    assert_int_equal(command_take_option(command, 1, WORDS("--formats"), &i, &flag, &value), 0);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static void test_paragraphs(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    columns_paragraphs(
        out, "usage: davidnet thing [--with-a-long-option]\n       or so\n\none two three\nfour five six\n", 20);
    fclose(out);
    assert_string_equal(text,
                        "usage: davidnet thing [--with-a-long-option]\n       or so\n\none two three four\nfive six\n");
    free(text);
}

static void test_columns(void **state)
{
    (void)state;
    char *text;
    size_t size;
    static const char *const head[] = {"name", ">n", "what"};
    static const char *const cells[] = {"a", "1", "one two three four five six seven", "bcdefg", "23", ""};
    FILE *out = open_memstream(&text, &size);
    columns_table(out, head, 3, cells, 2, 1, 36);
    fclose(out);
    assert_string_equal(text, " name     n  what\n"
                              " a        1  one two three four five\n"
                              "             six seven\n"
                              " bcdefg  23\n");
    free(text);
}

/* Columns are what a terminal makes of the text, not its bytes; a width of 0 leaves a column out. */
static void test_lines(void **state)
{
    (void)state;
    static const char *const cells[] = {"\xc3\xbc"
                                        "b",
                                        "not told", "\xc3\x9f", ""};
    static const int widths[] = {4, 0, 3, 5}, left[] = {1, 0, 0, 1};
    char text[64], narrow[8];
    assert_int_equal(columns_line(text, sizeof text, cells, widths, left, 4, 2), 9);
    assert_string_equal(text, "\xc3\xbc"
                              "b      \xc3\x9f");
    assert_int_equal(columns_line(text, sizeof text, cells, (const int[]){1, 0, 1, 0}, left, 4, 1),
                     4); /* too wide: whole */
    assert_string_equal(text, "\xc3\xbc"
                              "b \xc3\x9f");
    columns_line(narrow, sizeof narrow, cells, widths, left, 4, 2);
    assert_string_equal(narrow, "\xc3\xbc"
                                "b");
}

/* The folded text, malloc'ed. */
static char *fold(const char *command, int indent, int width)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    columns_command(out, command, indent, width);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* A shell reads the same words from a command that is folded, and no line is wider than asked. */
static void test_folded_commands(void **state)
{
    (void)state;
    static const char command[] =
        "printf '[%s]' train --preset davidnet-79 --set 'network=prep = conv_bn c; layer1 = res_block 2c convs=2; "
        "logits = linear scale=0.125' --set lr_values=0,0.3,0 --name 'it'\\''s mine' --seed 1";
    char whole[1024], words[1024];
    for (int width = 0; width <= 120; width += 20) {
        if (width == 20)
            continue; /* narrower than the longest word */
        char *text = fold(command, 2, width);
        FILE *in = popen(text, "r"); /* NOLINT(cert-env33-c): our own command */
        assert_non_null(in);
        words[fread(words, 1, sizeof words - 1, in)] = '\0';
        assert_int_equal(pclose(in), 0);
        if (width == 0) {
            memcpy(whole, words, sizeof whole);
            assert_non_null(strstr(whole, "[--name][it's mine][--seed][1]"));
            assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        }
        assert_string_equal(words, whole);
        for (const char *line = text; *line && width; line += strcspn(line, "\n") + 1)
            assert_in_range(strcspn(line, "\n"), 1, (unsigned)width);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_gave),
        cmocka_unit_test(test_take_errors),
        cmocka_unit_test(test_help_is_made_of_the_tables),
        cmocka_unit_test(test_network_tables),
        cmocka_unit_test(test_network_json),
        cmocka_unit_test(test_network_diagram),
        cmocka_unit_test(test_network_of_ones_own),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_one_of_each),
        cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_own_options),
        cmocka_unit_test(test_paragraphs),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_folded_commands),
    };
    if (setenv("XDG_CONFIG_HOME", "/nonexistent", 1))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
