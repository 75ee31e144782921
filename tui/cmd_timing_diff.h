/* `davidnet timing diff A B`, which tui/cmd_timing.c hands over. */
#ifndef DAVIDNET_TUI_CMD_TIMING_DIFF_H
#define DAVIDNET_TUI_CMD_TIMING_DIFF_H

int cmd_timing_diff(int argc, char **argv); /* argv[0] is "diff"; returns an exit code */

#endif
