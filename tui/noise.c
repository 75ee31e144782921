#include "tui/noise.h"

#include "engine/utf8.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TOLD_MAX 4096 /* bytes that noise_end tells */
#define PATIENCE_MS 500

static struct {
    int real, file;  /* where stderr led; where it leads; -1: not caught */
    char path[1200]; /* of file; empty: unnamed */
    off_t begin;     /* in file: what was there before us, from an earlier process */
    off_t seen;      /* noise_next is up to here */
} noise = {.real = -1, .file = -1};

void noise_begin(void)
{
    fflush(stderr);
    noise.path[0] = '\0';
    noise.begin = noise.seen = 0;
    noise.real = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    noise.file = noise.real < 0 ? -1 : memfd_create("davidnet-stderr", MFD_CLOEXEC);
    if (noise.file >= 0 && fcntl(noise.file, F_SETFL, O_APPEND) == 0 && dup2(noise.file, STDERR_FILENO) >= 0)
        return;
    if (noise.file >= 0)
        close(noise.file);
    if (noise.real >= 0)
        close(noise.real);
    noise.real = noise.file = -1;
}

/* Appends what `from` holds after `at`. */
static void copy(int from, off_t at, int to)
{
    char bytes[4096];
    ssize_t n;
    while ((n = pread(from, bytes, sizeof bytes, at)) > 0) {
        if (write(to, bytes, (size_t)n) != n)
            return;
        at += n;
    }
}

/* An empty file says nothing. */
static void close_file(void)
{
    if (*noise.path && lseek(noise.file, 0, SEEK_END) == 0)
        unlink(noise.path);
    close(noise.file);
}

void noise_follow(const char *folder)
{
    char path[sizeof noise.path];
    int length = snprintf(path, sizeof path, "%s/stderr.txt", folder);
    if (noise.file < 0 || !*folder || length < 0 || (size_t)length >= sizeof path || strcmp(path, noise.path) == 0)
        return;
    int file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0)
        return;
    off_t begin = lseek(file, 0, SEEK_END);
    fflush(stderr);
    dup2(file, STDERR_FILENO); /* first, so that nothing is written behind what is copied now */
    if (!*noise.path)
        copy(noise.file, 0, file);
    noise.seen = begin + (*noise.path ? 0 : noise.seen);
    close_file();
    noise.file = file;
    noise.begin = begin;
    strcpy(noise.path, path);
}

int noise_next(char *line, size_t size)
{
    char bytes[2048];
    if (noise.file < 0 || size == 0)
        return 0;
    off_t end = lseek(noise.file, 0, SEEK_END);
    if (end <= noise.seen)
        return 0;
    off_t at = end - noise.seen > (off_t)sizeof bytes ? end - (off_t)sizeof bytes : noise.seen;
    ssize_t n = pread(noise.file, bytes, sizeof bytes, at);
    while (n > 0 && bytes[n - 1] != '\n')
        n--;
    if (n <= 0)
        return 0;
    noise.seen = at + n;
    ssize_t last = n - 1;
    while (last > 0 && bytes[last - 1] != '\n')
        last--;
    snprintf(line, size, "%.*s", (int)(n - 1 - last), bytes + last);
    utf8_tame(utf8_cut(line), "", ' ');
    return *line != '\0';
}

/* As much as the terminal takes without being waited for. */
static void tell(int to, const char *text, size_t size)
{
    while (size > 0) {
        struct pollfd output = {.fd = to, .events = POLLOUT};
        if (poll(&output, 1, PATIENCE_MS) <= 0)
            return;
        ssize_t n = write(to, text, size);
        if (n < 0)
            return;
        text += n;
        size -= (size_t)n;
    }
}

static void tell_all(void)
{
    char head[sizeof noise.path + 80], bytes[TOLD_MAX];
    off_t end = lseek(noise.file, 0, SEEK_END), at = end - noise.begin > TOLD_MAX ? end - TOLD_MAX : noise.begin;
    ssize_t n = end > noise.begin ? pread(noise.file, bytes, sizeof bytes, at) : 0;
    if (n <= 0)
        return;
    const char *text = bytes;
    const char *cut = at > noise.begin ? memchr(bytes, '\n', (size_t)n) : NULL;
    if (cut)
        text = cut + 1;
    /* Opened anew: O_NONBLOCK on the descriptor that we were given would be the shell's too. */
    int to = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (to < 0)
        to = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (to < 0)
        return;
    if (*noise.path) {
        int length = snprintf(head, sizeof head, "davidnet: libraries wrote to %s%s:\n", noise.path,
                              text > bytes ? ", in the end" : "");
        tell(to, head, (size_t)length);
    }
    tell(to, text, (size_t)(bytes + n - text));
    close(to);
}

void noise_end(void)
{
    if (noise.file < 0)
        return;
    fflush(stderr);
    dup2(noise.real, STDERR_FILENO);
    close(noise.real);
    tell_all();
    close_file();
    noise.real = noise.file = -1;
}

/* Only what is async-signal-safe. What is told is not cut at a line: it is better to have a part of one. */
void noise_crash(void)
{
    char bytes[TOLD_MAX];
    if (noise.file < 0)
        return;
    off_t end = lseek(noise.file, 0, SEEK_END), at = end - noise.begin > TOLD_MAX ? end - TOLD_MAX : noise.begin;
    ssize_t n = pread(noise.file, bytes, sizeof bytes, at);
    dup2(noise.real, STDERR_FILENO);
    int to = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK);
    tell(to < 0 ? STDERR_FILENO : to, bytes, n > 0 ? (size_t)n : 0);
}
