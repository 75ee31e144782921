/*
 * Getting the CIFAR-10 data set: download, verify, unpack, put in place; never a half data set.
 *
 *   TO/cifar-10-binary.tar.gz.part     what has been downloaded; kept on failure, so that the next call goes on there
 *   TO/cifar-10-batches-bin.unpacking  being unpacked and checked; removed on failure and by the next call
 *   TO/cifar-10-batches-bin            the data set, renamed here when it is complete and on the disk
 *
 * Nothing is unpacked before size and SHA-256 are as expected, so the address need not be trusted: any mirror or
 * local copy will do. One call at a time works in a folder TO (a lock on it), whatever the process or thread.
 */
#ifndef DAVIDNET_ENGINE_FETCH_H
#define DAVIDNET_ENGINE_FETCH_H

#include "kernels/error.h"

#include <stdatomic.h>
#include <stdint.h>

struct fetch_source {
    const char *url;    /* https:// or http://; anything else is the path of a local archive */
    int64_t size;       /* expected bytes; 0: not known */
    const char *sha256; /* expected digest, hex */
};

/* The archive published by the data set's authors (cs.toronto.edu/~kriz/cifar.html). */
extern const struct fetch_source fetch_official;

enum fetch_phase {
    FETCH_CONNECTING,
    FETCH_DOWNLOADING,
    FETCH_WAITING, /* before another try */
    FETCH_VERIFYING,
    FETCH_UNPACKING,
    FETCH_DONE
};

struct fetch_progress {
    enum fetch_phase phase;
    int64_t done, total;     /* bytes in this phase; total 0: not known */
    double bytes_per_second; /* over the last seconds; NaN while not known */
    double eta_seconds;      /* of this phase; NaN while not known */
    int tries;               /* failed tries since the last byte came */
    const char *problem;     /* (optional) why the last try failed; valid during the call only */
};

struct fetch_options {
    struct fetch_source source;
    const char *to;           /* folder that gets the data set's folder; made when missing */
    int tries;                /* tries in a row without a new byte before giving up; 0: 8 */
    double backoff;           /* seconds before the second try, doubled up to 30; 0: 1; negative: none */
    const atomic_int *cancel; /* (optional) non-zero: stop soon */
    /* (optional) Called on the fetching thread at each change of phase and at most ten times a second. */
    void (*progress)(void *context, const struct fetch_progress *progress);
    void *context;
};

struct fetch_result {
    char folder[512];    /* the data set's folder */
    char set_aside[512]; /* where a damaged folder of that name was moved to; empty: there was none */
    int was_there;       /* 1: a good data set was there already and nothing was done */
};

enum { FETCH_OK = 0, FETCH_FAILED = -1, FETCH_CANCELLED = 1 };

/* The whole way. Returns one of the above; err says what happened and what to do unless it is FETCH_OK. */
int fetch_run(const struct fetch_options *options, struct fetch_result *result, struct error *err);

/*
 * Its first half: writes the path of an archive whose size and digest are right, downloading (on) as needed. The
 * caller holds no lock, so nobody else may work in the folder. A digest that differs removes the downloaded file.
 */
int fetch_archive(const struct fetch_options *options, char path[512], struct error *err);

#endif
