/*
 * Curses writes where it likes, a frame in one go, and would wait in the middle of it for a terminal that takes
 * nothing. So stdout leads into a memfd meanwhile, and the terminal is written to here alone, through a description
 * of our own that does not wait: O_NONBLOCK on the one that we were given would be the shell's too.
 */
#include "tui/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 4096

static struct {
    int tty;         /* the terminal, where a write does not wait */
    int out;         /* what stdout was */
    int file;        /* what stdout is while it is caught */
    int nowhere;     /* /dev/null */
    off_t sent, end; /* in file: the terminal has what is before `sent`; nothing is behind `end` */
    off_t caught;    /* the last time */
} outlet = {.tty = -1, .out = -1, .file = -1, .nowhere = -1};

int outlet_open(struct error *err)
{
    if (outlet.tty < 0)
        outlet.tty = open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (outlet.tty < 0) /* without /proc: it may wait for a moment, as nothing is written to it that is not taken */
        outlet.tty = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (outlet.out < 0)
        outlet.out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (outlet.file < 0)
        outlet.file = memfd_create("davidnet-screen", MFD_CLOEXEC);
    if (outlet.nowhere < 0)
        outlet.nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (outlet.tty < 0 || outlet.out < 0 || outlet.file < 0 || outlet.nowhere < 0)
        return error_set(err, "cannot open the way to the terminal: %s; close other programs", strerror(errno));
    outlet.sent = outlet.end = 0;
    return ftruncate(outlet.file, 0) != 0 ? error_set(err, "cannot empty a memfd: %s", strerror(errno)) : 0;
}

static void forget(void)
{
    outlet.sent = outlet.end = 0;
    if (ftruncate(outlet.file, 0) != 0) /* old bytes are written over all the same */
        return;
}

static int takes_output(int timeout)
{
    struct pollfd output = {.fd = outlet.tty, .events = POLLOUT};
    return poll(&output, 1, timeout) > 0;
}

int outlet_pump(void)
{
    char bytes[CHUNK];
    while (outlet.sent < outlet.end && takes_output(0)) {
        size_t most = outlet.end - outlet.sent < CHUNK ? (size_t)(outlet.end - outlet.sent) : CHUNK;
        ssize_t n = pread(outlet.file, bytes, most, outlet.sent);
        n = n > 0 ? write(outlet.tty, bytes, (size_t)n) : n;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) /* the terminal is gone */
            outlet.sent = outlet.end;
        else
            outlet.sent += n;
    }
    if (outlet.sent < outlet.end)
        return 0;
    if (outlet.end > 0)
        forget();
    return 1;
}

void outlet_begin(void)
{
    fflush(stdout);
    lseek(outlet.file, outlet.end, SEEK_SET);
    dup2(outlet.file, STDOUT_FILENO);
}

void outlet_end(void)
{
    fflush(stdout);
    dup2(outlet.out, STDOUT_FILENO);
    off_t end = lseek(outlet.file, 0, SEEK_CUR);
    outlet.caught = end - outlet.end;
    outlet.end = end;
    outlet_pump();
}

size_t outlet_caught(void)
{
    return (size_t)outlet.caught;
}

int outlet_fd(void)
{
    return outlet.sent < outlet.end ? outlet.tty : -1;
}

double outlet_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int outlet_finish(double seconds)
{
    double end = outlet_seconds() + seconds;
    while (!outlet_pump()) {
        double left = end - outlet_seconds();
        if (left <= 0) {
            forget();
            return 0;
        }
        takes_output((int)(left * 1000) + 1);
    }
    return 1;
}

void outlet_mute(void)
{
    fflush(stdout);
    dup2(outlet.nowhere, STDOUT_FILENO);
}

void outlet_unmute(void)
{
    fflush(stdout);
    if (takes_output(0))
        dup2(outlet.out, STDOUT_FILENO);
}

void outlet_crash(const char *text, size_t size)
{
    ssize_t ignored = write(outlet.tty, text, size);
    (void)ignored;
    dup2(outlet.out, STDOUT_FILENO);
}
