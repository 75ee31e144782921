/* The processor's name, for people: "Intel(R) Xeon(R) Processor @ 2.50GHz", or "unknown CPU". */
#ifndef DAVIDNET_ENGINE_PROCESSOR_H
#define DAVIDNET_ENGINE_PROCESSOR_H

#include <stddef.h>

void processor_name(char *out, size_t size);

#endif
