/*
 * How a library function says what went wrong. Functions that can fail return 0 on success and -1 on
 * failure, and fill a caller-owned struct error with one sentence that names the file, line or key and
 * says what to do. Libraries never print and never exit; only tui/ does.
 */
#ifndef DAVIDNET_KERNELS_ERROR_H
#define DAVIDNET_KERNELS_ERROR_H

struct error {
    char text[1024]; /* empty: no error yet; always NUL-terminated */
};

/* Formats the message into err (which may be NULL: the message is dropped). Always returns -1. */
int error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the message already there. Always returns -1. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__ /* it cannot see into the other file that these always fail */
#define error_set(...) (error_set(__VA_ARGS__), -1)
#define error_prefix(...) (error_prefix(__VA_ARGS__), -1)
#endif

#endif
