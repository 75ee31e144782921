/*
 * A small HTTP/1.1 server for tests, on a port of its own on the loopback: serves one buffer, as badly as asked.
 * One thread, one connection at a time, one request a connection.
 */
#ifndef DAVIDNET_TESTS_HTTP_SERVER_H
#define DAVIDNET_TESTS_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_server {
    const unsigned char *_Atomic data;
    _Atomic size_t size;
    atomic_int no_ranges;   /* answers 200 with everything, whatever was asked */
    atomic_int cuts;        /* so many answers are cut off half-way through what was asked */
    atomic_int refusals;    /* so many answers are `refusal` */
    atomic_int refusal;     /* an HTTP status, 503 */
    atomic_int status;      /* non-zero: the only answer */
    atomic_int drip;        /* sends half, then waits until the client goes away */
    atomic_int requests;    /* seen so far */
    atomic_llong last_from; /* where the last request's range began; -1: it asked for no range */
    int port, socket;
    pthread_t thread;
};

static void http_send(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t put = send(fd, p, size, MSG_NOSIGNAL);
        if (put <= 0)
            return;
        p += put;
        size -= (size_t)put;
    }
}

static int http_read_request(int fd, char *text, size_t size)
{
    size_t used = 0;
    while (used + 1 < size) {
        ssize_t got = recv(fd, text + used, size - 1 - used, 0);
        if (got <= 0)
            return -1;
        used += (size_t)got;
        text[used] = '\0';
        if (strstr(text, "\r\n\r\n"))
            return 0;
    }
    return -1;
}

static void http_send_status(int fd, int status, const char *more)
{
    char head[512];
    int length =
        snprintf(head, sizeof head, "HTTP/1.1 %d Whatever\r\nContent-Length: 5\r\nConnection: close\r\n%s\r\nsorry",
                 status, more);
    http_send(fd, head, (size_t)length);
}

static void http_send_data(struct http_server *server, int fd, long long from)
{
    char head[512];
    int length;
    size_t first = from > 0 ? (size_t)from : 0, left = server->size - first;
    if (from >= 0)
        length = snprintf(head, sizeof head,
                          "HTTP/1.1 206 Partial Content\r\nContent-Length: %zu\r\nContent-Range: bytes %zu-%zu/%zu\r\n"
                          "Connection: close\r\n\r\n",
                          left, first, server->size - 1, server->size);
    else
        length =
            snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", left);
    http_send(fd, head, (size_t)length);
    int cut = atomic_load(&server->cuts) > 0;
    if (cut)
        atomic_fetch_sub(&server->cuts, 1);
    http_send(fd, server->data + first, cut || server->drip ? left / 2 : left);
    char byte;
    if (server->drip)
        while (recv(fd, &byte, 1, 0) > 0)
            ;
}

static void http_answer(struct http_server *server, int fd)
{
    char text[8192], redirect[128];
    if (http_read_request(fd, text, sizeof text) != 0)
        return;
    atomic_fetch_add(&server->requests, 1);
    const char *range = strstr(text, "Range: bytes=");
    long long from = range ? atoll(range + 13) : -1;
    atomic_store(&server->last_from, from);
    if (strncmp(text, "GET /moved", 10) == 0) {
        snprintf(redirect, sizeof redirect, "Location: http://127.0.0.1:%d/archive.tar.gz\r\n", server->port);
        http_send_status(fd, 302, redirect);
    } else if (strncmp(text, "GET /loop", 9) == 0)
        http_send_status(fd, 302, "Location: /loop\r\n");
    else if (server->status)
        http_send_status(fd, server->status, "");
    else if (atomic_load(&server->refusals) > 0) {
        atomic_fetch_sub(&server->refusals, 1);
        http_send_status(fd, server->refusal, "");
    } else if (from >= (long long)server->size && !server->no_ranges)
        http_send_status(fd, 416, "");
    else
        http_send_data(server, fd, server->no_ranges ? -1 : from);
}

static void *http_serve(void *context)
{
    struct http_server *server = context;
    for (;;) {
        int fd = accept(server->socket, NULL, NULL);
        if (fd < 0)
            return NULL;
        http_answer(server, fd);
        shutdown(fd, SHUT_WR); /* a close with unread input would reset what was sent */
        char rest[256];
        while (recv(fd, rest, sizeof rest, 0) > 0)
            ;
        close(fd);
    }
}

static int http_server_start(struct http_server *server, const void *data, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    memset(server, 0, sizeof *server);
    server->data = data;
    server->size = size;
    server->refusal = 503;
    atomic_store(&server->last_from, -2);
    server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->socket < 0 || bind(server->socket, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->socket, 8) != 0 || getsockname(server->socket, (struct sockaddr *)&address, &length) != 0)
        return -1;
    server->port = ntohs(address.sin_port);
    return pthread_create(&server->thread, NULL, http_serve, server);
}

/* No client may be connected any more. */
static void http_server_stop(struct http_server *server)
{
    shutdown(server->socket, SHUT_RDWR); /* wakes accept */
    pthread_join(server->thread, NULL);
    close(server->socket);
}

#endif
