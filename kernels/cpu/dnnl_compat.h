/*
 * oneDNN behind an interface of our own. dnnl_compat.c includes oneDNN and alone knows the difference
 * between 2.6 (operation descriptors) and 3.x (opaque memory descriptors). Its convolutions are the kind cpu_conv_dnnl
 * (cpu_conv.h): run() and reorder() only swap pointers; what oneDNN itself allocates in a call is a few small list
 * nodes, given back before it returns.
 *
 * The engine and the stream are made once per process and kept. oneDNN can be capped to a lesser ISA once per
 * process, before its first primitive: cpu_dnnl_cap.
 */
#ifndef DAVIDNET_KERNELS_CPU_DNNL_COMPAT_H
#define DAVIDNET_KERNELS_CPU_DNNL_COMPAT_H

#include "kernels/error.h"
#include "kernels/isa.h"

/*
 * Caps oneDNN to an ISA level. 0: done, or already so. -1: this process already uses another level, and
 * oneDNN cannot change it (err says how to go on). ISA_COUNT asks for no cap at all and never fails.
 */
int cpu_dnnl_cap(enum isa isa, struct error *err);

/* The level that oneDNN will use: the CPU's best, or less where capped (by us or by its environment variable). */
enum isa cpu_dnnl_isa(void);

const char *cpu_dnnl_version(void); /* "2.6.3" */

#endif
