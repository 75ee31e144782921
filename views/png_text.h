/*
 * Words in a PNG's file, for who reads it without looking: chunks tEXt (PNG specification, 2nd edition, 11.3.4), and
 * iTXt for what is more than ASCII.
 */
#ifndef DAVIDNET_VIEWS_PNG_TEXT_H
#define DAVIDNET_VIEWS_PNG_TEXT_H

#include <stddef.h>

struct png_text {
    const char *keyword; /* "Title", "Description", "Comment", "Software": those that the specification names */
    const char *text;    /* UTF-8; NULL or empty: it is left out */
};

/* Behind the header of a PNG in memory, which is malloc'ed and replaced. -1: no memory; or it is no PNG. */
int png_text_add(char **bytes, size_t *size, const struct png_text *texts, int n);

#endif
