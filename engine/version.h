/* Which davidnet this is: what `--version` says and RUN/program.json remembers. */
#ifndef DAVIDNET_ENGINE_VERSION_H
#define DAVIDNET_ENGINE_VERSION_H

#define DAVIDNET_VERSION "0.1.0"

#endif
