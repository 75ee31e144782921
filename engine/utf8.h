/*
 * UTF-8 text: its characters, the end of a text that was cut at some byte, and what would command a terminal. It
 * depends on no locale.
 */
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

/*
 * The first control character: U+0000 to U+001F, U+007F to U+009F, or a stray byte that is one of these to a terminal
 * of an 8-bit character set. NULL: there is none.
 */
const char *utf8_control(const char *text);

/* Puts `instead` in the place of each, but for those in `kept`. Returns text. */
char *utf8_tame(char *text, const char *kept, char instead);

#endif
