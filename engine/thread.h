/* Starting a thread beside the front end's. */
#ifndef DAVIDNET_ENGINE_THREAD_H
#define DAVIDNET_ENGINE_THREAD_H

#include "kernels/error.h"

#include <pthread.h>

/*
 * Signals that are sent to the process stay with the caller: the new thread, and those it starts, block them. Not
 * the ones that a thread brings on itself (a fault, abort): the kernel kills a process whose thread blocks these
 * without asking its handlers, so the terminal would not be restored. name: for the error.
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument, struct error *err);

#endif
