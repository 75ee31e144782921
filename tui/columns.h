/* Tables and paragraphs of plain text for command output: no escape codes, ASCII, wrapped to a width. */
#ifndef DAVIDNET_TUI_COLUMNS_H
#define DAVIDNET_TUI_COLUMNS_H

#include <stdio.h>

/* The terminal's width, at most 120; 80 when `out` is none. */
int columns_width(FILE *out);

/* The same; 0 when `out` is none: what is written there is whole. */
int columns_terminal(FILE *out);

/* Prints text wrapped at spaces; the first line goes on at column `at`, the others start at `indent`. */
void columns_wrap(FILE *out, const char *text, int at, int indent, int width);

/*
 * Prints a shell command from column `indent` on, folded at blanks to `width` (0: whole) in such a way that a shell
 * still reads the same words: the lines end in a backslash, and single quotes are closed before it.
 */
void columns_command(FILE *out, const char *command, int indent, int width);

/*
 * Prints paragraphs, wrapped anew; a line break inside one counts as a blank. Lines that begin with "usage:" or a
 * blank stay as they are, and so do empty ones.
 */
void columns_paragraphs(FILE *out, const char *text, int width);

/* Prints text in so many columns, blanks before it or after; what does not fit is cut between characters. */
void columns_print(FILE *out, const char *text, int width, int right);

/*
 * One line of cells into out, `gap` blanks between them and none at its end: each in so many columns (0: it is left
 * out), to the right or, where left[] says so, to the left. Returns its columns.
 */
int columns_line(char *out, size_t size, const char *const *cells, const int *widths, const int *left, int n, int gap);

/*
 * Prints a table. head and every row hold n_columns strings, rows one after the other in cells; a head that begins
 * with '>' (not printed) aligns to the right. The last column is wrapped. head may be NULL: no headings, all left.
 */
void columns_table(FILE *out, const char *const *head, int n_columns, const char *const *cells, int n_rows, int indent,
                   int width);

#endif
