/* What this CPU can do, by feature bits (never by model name), and how to force less for tests. */
#ifndef DAVIDNET_KERNELS_ISA_H
#define DAVIDNET_KERNELS_ISA_H

#include <stdbool.h>

enum isa { ISA_PLAIN, ISA_AVX2, ISA_AVX512, ISA_AVX512_BF16, ISA_AMX, ISA_COUNT };

enum isa isa_best(void);         /* what the CPU and the kernel offer (AMX: permission asked for) */
enum isa isa_current(void);      /* isa_best(), or what was forced */
int isa_force(const char *name); /* "plain", "avx2", ...; "auto" or NULL undoes; -1: unknown or not here */
const char *isa_name(enum isa isa);
int isa_find(const char *name); /* the level of that name if this CPU offers it, else -1 */

#endif
