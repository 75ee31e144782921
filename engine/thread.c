#include "engine/thread.h"

#include <signal.h>
#include <string.h>

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument, struct error *err)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&blocked, own[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int failed = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? error_set(err, "cannot start the %s thread: %s", name, strerror(failed)) : 0;
}
