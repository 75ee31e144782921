#include "tui/signals.h"

#include "engine/stopwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static struct {
    struct signals_hooks hooks;
    int pipe[2];
    struct sigaction old_action[NSIG];
} signals = {.pipe = {-1, -1}};

static atomic_uint events;

/* Every signal that ends a process, but for those that can be answered. */
static const int fatal_signals[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,   SIGSYS,  SIGQUIT, SIGPIPE,
                                    SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,   SIGPWR};
static const int asking_signals[] = {SIGWINCH, SIGTSTP, SIGCONT, SIGINT, SIGTERM, SIGHUP};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void on_fatal(int number)
{
    signals.hooks.fatal();
    raise(number); /* SA_RESETHAND: the default action, once we return */
}

static void on_asking(int number)
{
    int saved = errno;
    if (number == SIGCONT)
        stopwatch_continued();
    if (number == SIGCONT) /* as the kernel does, where a stop is still to come */
        atomic_fetch_and(&events, ~(unsigned)SIGNALS_SUSPEND);
    unsigned flag = number == SIGWINCH  ? SIGNALS_RESIZED
                    : number == SIGTSTP ? SIGNALS_SUSPEND
                    : number == SIGCONT ? SIGNALS_CONTINUED
                    : number == SIGINT  ? SIGNALS_INTERRUPT
                    : number == SIGTERM ? SIGNALS_TERMINATE
                                        : SIGNALS_HANGUP;
    atomic_fetch_or(&events, flag);
    ssize_t ignored = write(signals.pipe[1], "s", 1); /* full: somebody will read it anyway */
    (void)ignored;
    errno = saved;
}

static void set_handler(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

int signals_begin(const struct signals_hooks *hooks, struct error *err)
{
    if (signals.pipe[0] < 0 && pipe2(signals.pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_set(err, "cannot make a pipe: %s", strerror(errno));
    signals.hooks = *hooks;
    for (size_t i = 0; i < COUNT(fatal_signals); i++)
        sigaction(fatal_signals[i], NULL, &signals.old_action[fatal_signals[i]]);
    for (size_t i = 0; i < COUNT(asking_signals); i++)
        sigaction(asking_signals[i], NULL, &signals.old_action[asking_signals[i]]);
    signals_again();
    return 0;
}

void signals_again(void)
{
    static char stack[16384]; /* for a fault that has used up the other one */
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    for (size_t i = 0; i < COUNT(fatal_signals); i++)
        if (signals.old_action[fatal_signals[i]].sa_handler != SIG_IGN)
            set_handler(fatal_signals[i], on_fatal, SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
    for (size_t i = 0; i < COUNT(asking_signals); i++)
        set_handler(asking_signals[i], on_asking, SA_RESTART);
}

void signals_end(void)
{
    for (size_t i = 0; i < COUNT(fatal_signals); i++)
        sigaction(fatal_signals[i], &signals.old_action[fatal_signals[i]], NULL);
    for (size_t i = 0; i < COUNT(asking_signals); i++)
        sigaction(asking_signals[i], &signals.old_action[asking_signals[i]], NULL);
}

void signals_stop(int job)
{
    signal(SIGTSTP, SIG_DFL);
    kill(job ? 0 : getpid(), SIGTSTP);
    signals_again();
}

int signals_fd(void)
{
    return signals.pipe[0];
}

unsigned signals_take(void)
{
    char bytes[64];
    while (read(signals.pipe[0], bytes, sizeof bytes) > 0)
        continue;
    return atomic_exchange(&events, 0);
}

unsigned signals_waiting(void)
{
    return atomic_load(&events);
}
