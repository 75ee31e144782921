/*
 * The width of characters in a terminal. It depends on no locale, so that screens drawn off screen and their golden
 * files are the same everywhere. Widths follow Unicode's East Asian Width (wide and full width are 2), nonspacing
 * marks and format characters are 0.
 */
#ifndef DAVIDNET_VIEWS_UTF8_H
#define DAVIDNET_VIEWS_UTF8_H

#include "engine/utf8.h"

/* 0, 1 or 2 columns; -1 for control characters. */
int utf8_width(int32_t code);

#endif
