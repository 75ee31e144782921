/*
 * Numbers as text, the same in every locale: a recipe written under one must read under another.
 */
#ifndef DAVIDNET_ENGINE_NUMBER_H
#define DAVIDNET_ENGINE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define NUMBER_TEXT_MAX 32

/* Decimal text, blanks around it allowed and nothing else. 0, or -1: not a number, or out of the type's range. */
int number_parse_real(const char *text, double *value);
int number_parse_int(const char *text, int64_t *value);

/* The shortest of 15, 16 or 17 digits that reads back exactly. Returns out. */
char *number_format_real(double value, char *out, size_t size);

/* The value that so many significant digits of it give: without the dust of arithmetic, for people. */
double number_tidy(double value, int digits);

#endif
