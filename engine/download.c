#include "engine/download.h"

#include "engine/files.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STALL_SECONDS 60L /* no byte for so long: the connection is dead */
#define CONNECT_SECONDS 30L
#define REDIRECTS_MAX 10L

struct download {
    CURL *curl;
    const char *url, *path;
    int fd;
    int64_t start, size; /* of the file: when the try began, now */
    int64_t expected;
    int checked; /* the answer's size was compared with `expected` */
    int (*progress)(void *context, int64_t done, int64_t total);
    void *context;
    struct error problem; /* set by a callback that stopped the transfer */
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_status;

static void global_init(void)
{
    global_status = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int64_t announced_size(const struct download *download)
{
    curl_off_t length = -1;
    curl_easy_getinfo(download->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length < 0 ? 0 : download->start + (int64_t)length;
}

static size_t write_bytes(char *data, size_t one, size_t size, void *context)
{
    struct download *download = context;
    size_t left = size * one;
    if (!download->checked) {
        int64_t announced = announced_size(download);
        download->checked = 1;
        if (download->expected && announced && announced != download->expected) {
            error_set(&download->problem, "%s: expected %lld bytes, the server offers %lld; is it the right address?",
                      download->url, (long long)download->expected, (long long)announced);
            return 0;
        }
    }
    if (download->expected && download->size + (int64_t)left > download->expected) {
        error_set(&download->problem, "%s: expected %lld bytes, the server sends more; is it the right address?",
                  download->url, (long long)download->expected);
        return 0;
    }
    if (file_write_all(download->fd, data, left) != 0) {
        error_set(&download->problem, "%s: cannot be written: %s; what was downloaded so far is kept", download->path,
                  strerror(errno));
        return 0;
    }
    download->size += (int64_t)left;
    return size * one;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct download *download = context;
    (void)total, (void)now, (void)up_total, (void)up_now;
    int64_t whole = download->expected ? download->expected : announced_size(download);
    return download->progress && download->progress(download->context, download->size, whole);
}

static void set_options(struct download *download, char message[CURL_ERROR_SIZE])
{
    CURL *curl = download->curl;
    curl_easy_setopt(curl, CURLOPT_URL, download->url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "davidnet");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* we may be one of many threads */
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, download);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, download);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    if (download->start > 0)
        curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)download->start);
}

static int passes(CURLcode code, long http)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return 1;
    case CURLE_HTTP_RETURNED_ERROR:
        return http >= 500 || http == 408 || http == 429;
    default:
        return 0;
    }
}

/* The bytes that we have cannot be continued: the server ignores ranges, or has no more than these. */
static int must_start_over(const struct download *download, CURLcode code, long http)
{
    return download->start > 0 && (code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME ||
                                   (code == CURLE_HTTP_RETURNED_ERROR && http == 416));
}

static enum download_status explain(const struct download *download, CURLcode code, long http, const char *message,
                                    struct error *err)
{
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return DOWNLOAD_STOPPED;
    if (code == CURLE_WRITE_ERROR && download->problem.text[0]) {
        error_set(err, "%s", download->problem.text);
        return DOWNLOAD_FAILED;
    }
    if (code == CURLE_HTTP_RETURNED_ERROR)
        error_set(err, "%s: the server answered %ld%s", download->url, http,
                  passes(code, http) ? "" : "; check the address, or name a mirror or a local copy with --from");
    else
        error_set(err, "%s: %s", download->url, message[0] ? message : curl_easy_strerror(code));
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
        return DOWNLOAD_NOBODY;
    return passes(code, http) ? DOWNLOAD_AGAIN : DOWNLOAD_FAILED;
}

static enum download_status perform(struct download *download, struct error *err)
{
    char message[CURL_ERROR_SIZE] = "";
    for (;;) {
        download->curl = curl_easy_init();
        if (!download->curl) {
            error_set(err, "no memory for a download");
            return DOWNLOAD_FAILED;
        }
        download->checked = 0;
        message[0] = '\0';
        set_options(download, message);
        long http = 0;
        CURLcode code = curl_easy_perform(download->curl);
        curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &http);
        curl_easy_cleanup(download->curl);
        if (code == CURLE_OK)
            return DOWNLOAD_OK;
        if (!must_start_over(download, code, http))
            return explain(download, code, http, message, err);
        if (ftruncate(download->fd, 0) != 0) {
            error_set(err, "%s: cannot be emptied: %s", download->path, strerror(errno));
            return DOWNLOAD_FAILED;
        }
        download->start = download->size = 0;
    }
}

enum download_status download_try(const char *url, const char *path, int64_t expected,
                                  int (*progress)(void *context, int64_t done, int64_t total), void *context,
                                  struct error *err)
{
    struct download download = {
        .url = url, .path = path, .expected = expected, .progress = progress, .context = context};
    pthread_once(&global_once, global_init);
    if (global_status != CURLE_OK) {
        error_set(err, "libcurl cannot start: %s", curl_easy_strerror(global_status));
        return DOWNLOAD_FAILED;
    }
    download.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    struct stat st;
    if (download.fd < 0 || fstat(download.fd, &st) != 0) {
        error_set(err, "%s: cannot be opened for writing: %s; choose another folder with --to", path, strerror(errno));
        if (download.fd >= 0)
            close(download.fd);
        return DOWNLOAD_FAILED;
    }
    download.start = download.size = (int64_t)st.st_size;
    enum download_status status;
    if (expected > 0 && download.size > expected && ftruncate(download.fd, 0) == 0)
        download.start = download.size = 0;
    status = perform(&download, err);
    if (status != DOWNLOAD_OK && download.size == 0)
        unlink(path); /* nothing came: nothing is left */
    if (close(download.fd) != 0 && status == DOWNLOAD_OK) {
        error_set(err, "%s: cannot be written: %s", path, strerror(errno));
        status = DOWNLOAD_FAILED;
    }
    return status;
}
