/* What commands have in common: messages about what a user wrote, and who is taken for a run. */
#include "tui/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct command command_note, command_tag, command_rename;

static char said[8192]; /* on stderr, by the last call */
static FILE *catch;
static int stderr_before;

static void catch_begin(void)
{
    catch = tmpfile();
    assert_non_null(catch);
    fflush(stderr);
    stderr_before = dup(STDERR_FILENO);
    assert_true(stderr_before >= 0 && dup2(fileno(catch), STDERR_FILENO) >= 0);
}

static void catch_end(void)
{
    fflush(stderr);
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    rewind(catch);
    said[fread(said, 1, sizeof said - 1, catch)] = '\0';
    fclose(catch);
}

/* A file's or an argument's bytes do not move the cursor, colour the screen or ring; text in any language stays. */
static void test_messages_command_no_terminal(void **state)
{
    (void)state;
    catch_begin();
    int code = command_fail("%s line 2: '%s'", "a\033[31m.ini", "x\a\r\177y");
    catch_end();
    assert_int_equal(code, EXIT_FAILED);
    assert_string_equal(said, "davidnet: a?[31m.ini line 2: 'x???y'\n");
    catch_begin();
    command_fail("%s: '%s'",
                 "a\xc2\x9b"
                 "31m.ini",
                 "b\xc2\x85\x9b"
                 "31m \xc2\xa0\xe9"); /* an escape and a bracket in one, also where a terminal is of Latin-1 */
    catch_end();
    assert_string_equal(said, "davidnet: a?31m.ini: 'b??31m \xc2\xa0\xe9'\n");
    catch_begin();
    code = command_usage_error(&command_note, "%s",
                               "gr\xc3\xb6\xc3\x9f"
                               "e\n\033]0;title\007");
    catch_end();
    assert_int_equal(code, EXIT_USAGE);
    assert_string_equal(said, "davidnet note: gr\xc3\xb6\xc3\x9f"
                              "e\n?]0;title?\nTry 'davidnet note --help'.\n");
}

/* No run's name begins with a dash: it is an option that there is not. */
static void test_options_are_no_runs(void **state)
{
    (void)state;
    static const struct command *const commands[] = {&command_note, &command_tag, &command_rename};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char *words[] = {(char *)commands[i]->name, "--out", "x", NULL};
        catch_begin();
        int code = commands[i]->run(3, words);
        catch_end();
        assert_int_equal(code, EXIT_USAGE);
        assert_non_null(strstr(said, "'--out' is not an option"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_command_no_terminal),
        cmocka_unit_test(test_options_are_no_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
