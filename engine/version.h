/* Which davidnet this is: what `--version` says and RUN/program.json remembers. */
#ifndef DAVIDNET_ENGINE_VERSION_H
#define DAVIDNET_ENGINE_VERSION_H

#define DAVIDNET_VERSION "0.1.0"

/* "63f6f9dde0", "63f6f9dde0-dirty", or "unknown" outside a git checkout. The Makefile hands it to version.c. */
const char *davidnet_commit(void);

#endif
