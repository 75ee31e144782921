/* A sub-command of the program: one file tui/cmd_NAME.c each, listed in tui/main.c's table. */
#ifndef DAVIDNET_TUI_COMMAND_H
#define DAVIDNET_TUI_COMMAND_H

/* Exit codes of the program (besides 130 and 143 after SIGINT and SIGTERM). */
enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_TARGET_MISSED = 3 };

struct command {
    const char *name;
    const char *summary;               /* one line for `davidnet --help` */
    const char *usage;                 /* the text of `davidnet NAME --help`; ends with a newline */
    void (*print_usage)(void);         /* (optional) instead of `usage`, where the text is made from tables */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; --help is handled by main */
};

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
extern struct display_options display;

/* The table, ending with NULL. */
extern const struct command *const commands[];

#endif
