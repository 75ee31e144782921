/* A sub-command of the program: one file tui/cmd_NAME.c each, listed in tui/main.c's table. */
#ifndef DAVIDNET_TUI_COMMAND_H
#define DAVIDNET_TUI_COMMAND_H

#include <stdio.h>

/* Exit codes of the program (besides 130 and 143 after SIGINT and SIGTERM). */
enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_TARGET_MISSED = 3 };

/*
 * An option of a command's own, in a table that ends with a NULL flag: its help, the manual, the completions and
 * command_take_option read it.
 */
struct command_option {
    const char *flag;  /* "--name", or "-o" */
    const char *value; /* what follows it: "NAME"; NULL: nothing, it is a switch */
    const char *help;
    const char *words; /* (optional) what the value can be, with blanks between, for the completions */
};

struct command {
    const char *name;
    const char *summary; /* one line for `davidnet --help` */
    const char *usage;   /* `davidnet NAME --help`: "usage: ...", an empty line, what it does (columns_paragraphs) */
    const struct command_option *options; /* (optional) its own options; they follow in the help */
    int takes_recipe;                     /* 1: so do the recipe options (tui/options.h) */
    const char *more;                     /* (optional) paragraphs after the options */
    void (*print_more)(void);             /* (optional) the end of the help */
    const char *words;                    /* (optional) for the completions: what its first word can be; or "RUN" */
    int (*run)(int argc, char **argv);    /* argv[0] is the command's name; --help is handled by main */
    /* (optional) What its first word names: commands of their own, such as `lab ablate`, NULL-terminated. Their names
     * have the command's before them. */
    const struct command *const *parts;
};

/* The part that a word names ("ablate"), or NULL. */
const struct command *command_part(const struct command *command, const char *word);
const char *command_part_word(const struct command *part); /* its name's last word */

/* The text of `davidnet NAME --help`. */
void command_help(const struct command *command);

/* The lines of a table of options. */
void command_options_help(FILE *out, const struct command_option *options);

/*
 * Looks at argv[*i]. 1: it is one of the command's own options; *flag is the table's, *value what follows (NULL for a
 * switch), *i is at its last word. 0: it is not. -1: a value is missing or too many (said). Both "--key value" and
 * "--key=value" are understood.
 */
int command_take_option(const struct command *command, int argc, char **argv, int *i, const char **flag,
                        const char **value);

/* For commands whose only option is --json. 1: given, 0: not, -1: something else was (said). */
int command_take_json(const struct command *command, int argc, char **argv);

/* The same for commands that take a name, too: *name is it, or NULL. */
int command_take_name(const struct command *command, int argc, char **argv, const char **name);

/* Says that the command does not know the word, and what may have been meant; returns EXIT_USAGE. */
int command_unknown(const struct command *command, const char *word);

/* "davidnet: " + message + newline on stderr; return EXIT_FAILED and EXIT_USAGE (the latter points at --help). */
int command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int command_usage_error(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Options that apply to every command, taken out of argv by main before run(). */
struct display_options {
    int ascii;                 /* --ascii, -U */
    int no_color;              /* --no-color, -C, or NO_COLOR */
    int no_mouse;              /* --no-mouse, -M */
    double delay;              /* --delay SECONDS between frames: 0.1 */
    const char *script, *dump; /* --script FILE, --dump FILE */
    int width, height;         /* --size WxH; 0: not given */
};
/* Prints the object as text, one line of it (or with line breaks and blanks), and frees it. Returns an exit code. */
struct cJSON;
int command_print_json(struct cJSON *root, int pretty);

/* On a terminal (tui/progress.h): what it is busy with, in place ("step 3 of 40"; of 0: no numbers). NULL: the line is
 * cleared. */
void command_progress(const char *what, int done, int of);

extern struct display_options display;
extern const struct command_option display_option_table[];

/* The table, ending with NULL. */
extern const struct command *const commands[];

#endif
