#include "tests/recipe_checks.h"

#include "engine/knobs.h"
#include "engine/recipe_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct error recipe_err;
char recipe_folder[] = "/tmp/davidnet-test-XXXXXX";

int recipe_test_enter(void **state)
{
    (void)state;
    char path[128];
    if (!mkdtemp(recipe_folder) || setenv("XDG_CONFIG_HOME", recipe_folder, 1))
        return -1;
    snprintf(path, sizeof path, "%s/davidnet", recipe_folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/davidnet/recipes", recipe_folder);
    return mkdir(path, 0700);
}

int recipe_test_leave(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", recipe_folder);
    return system(command);
}

void recipe_must(int result)
{
    if (result)
        fail_msg("%s", recipe_err.text);
}

void recipe_must_fail(int result, const char *part1, const char *part2)
{
    if (result == 0)
        fail_msg("succeeded, but expected: %s", part1);
    if (!strstr(recipe_err.text, part1) || (part2 && !strstr(recipe_err.text, part2)))
        fail_msg("expected '%s' and '%s' in: %s", part1, part2 ? part2 : "", recipe_err.text);
}

/* Written and read back, it must be the same to the last bit. */
void recipe_check_round_trip(const struct recipe *recipe)
{
    char path[128];
    static struct recipe back;
    snprintf(path, sizeof path, "%s/round.ini", recipe_folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    recipe_must(recipe_write(recipe, out, &recipe_err));
    fclose(out);
    memset(&back, 0xaa, sizeof back);
    recipe_must(recipe_read(path, &back, &recipe_err));
    if (!recipe_equal(recipe, &back)) {
        for (int i = 0; i < knob_count; i++) {
            char a[KNOB_TEXT_MAX], b[KNOB_TEXT_MAX];
            knob_get(recipe, &knobs[i], a, sizeof a);
            knob_get(&back, &knobs[i], b, sizeof b);
            if (strcmp(a, b) != 0)
                fail_msg("%s: wrote '%s', read '%s'", knobs[i].key, a, b);
        }
        fail_msg("network or preset differ: '%s' '%s', '%s' '%s'", recipe->preset, back.preset, recipe->network,
                 back.network);
    }
}

/* Words of a command as a shell would see them; only quotes are special in what recipe_command writes. */
static int split(char *text, char **words, int max)
{
    int n = 0;
    char *out = text;
    for (char *p = text; *p && n < max;) {
        while (*p == ' ')
            p++;
        words[n++] = out;
        for (int quoted = 0; *p && (quoted || *p != ' ');) {
            if (*p == '\'')
                quoted = !quoted;
            else if (!quoted && *p == '\\')
                *out++ = *++p;
            else
                *out++ = *p;
            p++;
        }
        if (*p)
            p++;
        *out++ = '\0';
    }
    return n;
}

/* The command, taken apart and resolved, gives the same recipe. */
void recipe_check_command(const struct recipe *recipe, const char *preset)
{
    static char text[RECIPE_COMMAND_MAX];
    static char seed[64];
    char *words[300] = {NULL};
    struct recipe_request request = {0};
    struct recipe back;
    recipe_command(recipe, text, sizeof text);
    assert_true(strlen(text) < sizeof text - 1);
    int n = split(text, words, 300);
    assert_string_equal(words[0], "davidnet");
    assert_string_equal(words[1], "train");
    for (int i = 2; i + 1 < n; i += 2) {
        if (strcmp(words[i], "--preset") == 0)
            request.preset = words[i + 1];
        else if (strcmp(words[i], "--set") == 0)
            request.sets[request.n_sets++] = words[i + 1];
        else if (strcmp(words[i], "--seed") == 0) {
            snprintf(seed, sizeof seed, "seed=%s", words[i + 1]);
            request.sets[request.n_sets++] = seed;
        } else
            fail_msg("unexpected word %s", words[i]);
    }
    assert_string_equal(request.preset, preset);
    recipe_must(recipe_resolve(&request, &back, &recipe_err));
    snprintf(back.preset, sizeof back.preset, "%s", recipe->preset);
    assert_true(recipe_equal(recipe, &back));
}

void recipe_resolve_fails(struct recipe_request request, const char *part1, const char *part2)
{
    struct recipe recipe;
    recipe_must_fail(recipe_resolve(&request, &recipe, &recipe_err), part1, part2);
}
