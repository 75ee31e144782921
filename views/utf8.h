/*
 * UTF-8 decoding and the width of characters in a terminal. It depends on no locale, so that screens drawn off
 * screen and their golden files are the same everywhere. Widths follow Unicode's East Asian Width (wide and full
 * width are 2), nonspacing marks and format characters are 0.
 */
#ifndef DAVIDNET_VIEWS_UTF8_H
#define DAVIDNET_VIEWS_UTF8_H

#include <stdint.h>

/*
 * Decodes the character at text (not at its NUL) into *code and returns its length in bytes. Overlong forms,
 * surrogates, values above U+10FFFF and stray bytes give *code = -1 and length 1.
 */
int utf8_decode(const char *text, int32_t *code);

/* 0, 1 or 2 columns; -1 for control characters. */
int utf8_width(int32_t code);

#endif
