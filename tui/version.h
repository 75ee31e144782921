/* What this program was built from and with; never NULL. The Makefile hands the facts to version.c alone. */
#ifndef DAVIDNET_TUI_VERSION_H
#define DAVIDNET_TUI_VERSION_H

const char *version_number(void);   /* "0.1.0" */
const char *version_commit(void);   /* "63f6f9dde0", "63f6f9dde0-dirty", or "unknown" outside a git checkout */
const char *version_date(void);     /* of that commit, "2026-05-01", or "unknown" */
const char *version_compiler(void); /* "gcc 12.2.0" */
const char *version_target(void);   /* "x86_64", "aarch64", or "other" */
const char *version_flags(void);    /* optimisation and sanitizers: "-O3 -g" */
const char *version_parallel(void); /* "gomp" or "pthread": see kernels/parallel.h */
int version_headless(void);         /* 1: made by make HEADLESS=1, see kernels/left_out.h */

#endif
