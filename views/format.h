/* Numbers as people read them. Each writes into out and returns it; a value that is not finite gives "-". */
#ifndef DAVIDNET_VIEWS_FORMAT_H
#define DAVIDNET_VIEWS_FORMAT_H

#include <stddef.h>

/*
 * "42.1 s", "12:31", "1:02:03": how every clock is told, on the screen and by the commands. As clocks do, it shows what
 * has passed: 59.99 s is "59.9 s", 224.9 s is "3:44".
 */
char *format_seconds(double seconds, char *out, size_t size);
char *format_epochs(double done, double all, char *out, size_t size);       /* "12.5/24", "7.59/7.59"; cut, too */
char *format_count(double value, char *out, size_t size);                   /* "12,345" */
char *format_number(double value, int decimals, char *out, size_t size);    /* "0.123", "1.5e+08" */
char *format_significant(double value, int digits, char *out, size_t size); /* "0.400", "0.00123" */
char *format_bytes(double bytes, char *out, size_t size);                   /* "170 MB" */

#endif
