/*
 * A menu of commands that is narrowed down by typing: a field, and below it the rows that match, the best first.
 * The same rows and text always give the same order, so drawing it and choosing from it agree.
 */
#ifndef DAVIDNET_VIEWS_MENU_H
#define DAVIDNET_VIEWS_MENU_H

#include "views/line_edit.h"

#define MENU_ROWS_MAX 256

struct menu_row {
    const char *group; /* "Run" */
    const char *name;  /* (optional) a word or two; matched, and shown where the row is titled */
    const char *text;  /* a sentence */
    const char *key;   /* (optional) the key that does the same */
    int titled;        /* 1: the name is shown before the text: "Layers: where the time goes" */
};

/*
 * Every word of the pattern must be found in the text, whatever the case: whole, or its letters in order and close
 * together from where a word begins. The more of them begin words or follow each other, the higher the score.
 * -1: not found. An empty pattern: 0.
 */
int menu_match(const char *pattern, const char *text);

/* The rows that match, best first, equals in their own order; returns how many. n <= MENU_ROWS_MAX. */
int menu_filter(const struct menu_row *rows, int n, const char *pattern, int order[MENU_ROWS_MAX]);

/* A box over the area's upper part. at: which of the rows that match is chosen; out of range is taken for the last. */
void menu_draw(const struct menu_row *rows, int n, const struct line_edit *pattern, int at, struct grid *grid,
               struct rect area);
/* Which of the rows that match is drawn at a cell, or -1. */
int menu_find(const struct menu_row *rows, int n, const char *pattern, int at, struct rect area, int x, int y);

#endif
