/* The manual page and the completions, made from the same tables as the help: commands, options, knobs, tricks. */
#ifndef DAVIDNET_TUI_MANUAL_H
#define DAVIDNET_TUI_MANUAL_H

#include "tui/command.h"

#include <stdio.h>

/* davidnet(1) in man macros: `davidnet help --man | man -l -`. `list` ends with NULL. */
void manual_print(FILE *out, const struct command *const *list);

/* Completions for bash: `source <(davidnet help --completion)`. */
void manual_print_completion(FILE *out, const struct command *const *list);

#endif
