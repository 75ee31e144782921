/* UTF-8 text: its characters, and the end of a text that was cut at some byte. It depends on no locale. */
#ifndef DAVIDNET_ENGINE_UTF8_H
#define DAVIDNET_ENGINE_UTF8_H

#include <stdint.h>

/*
 * Decodes the character at text (not at its NUL) into *code and returns its length in bytes. Overlong forms,
 * surrogates, values above U+10FFFF and stray bytes give *code = -1 and length 1.
 */
int utf8_decode(const char *text, int32_t *code);

/*
 * Takes away a character at the end of which bytes are missing: what snprintf leaves where the room was too small.
 * Anything else stays as it is. Returns text.
 */
char *utf8_cut(char *text);

#endif
