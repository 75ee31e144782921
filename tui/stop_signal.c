#include "tui/stop_signal.h"

#include "engine/stopwatch.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

static void on_continue(int number)
{
    (void)number;
    stopwatch_continued();
}

static void install(void (*stop)(int), int flags, void (*go_on)(int))
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = stop, .sa_flags = flags}, before;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue; /* nohup */
        sigaction(numbers[i], &action, NULL);
    }
    action = (struct sigaction){.sa_handler = go_on, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGCONT, &action, NULL);
}

void stop_signal_begin(bool once)
{
    stop_signal = 0;
    install(on_signal, once ? (int)SA_RESETHAND : 0, on_continue);
}

void stop_signal_end(void)
{
    install(SIG_DFL, 0, SIG_DFL);
}

int stop_signal_number(void)
{
    return stop_signal;
}
