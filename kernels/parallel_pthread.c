#include "kernels/parallel_backend.h"

#include "kernels/parallel.h"

#include <pthread.h>
#include <stdbool.h>

/*
 * A pool that ThreadSanitizer understands (it cannot see into libgomp's futexes). Workers are made when first
 * needed and live as long as the process. One region at a time: the caller publishes it under the lock by
 * raising `generation`, takes part as thread 0, and waits until `running` falls to zero.
 */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    int workers; /* made so far */
    int threads; /* of the region in progress */
    int running; /* workers that have not finished it */
    unsigned generation;
    void (*fn)(void *context, int thread);
    void *context;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .begin = PTHREAD_COND_INITIALIZER, .end = PTHREAD_COND_INITIALIZER};

struct worker {
    int thread;
    unsigned seen;
};

static struct worker workers[PARALLEL_THREADS_MAX];

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (pool.generation == self->seen)
            pthread_cond_wait(&pool.begin, &pool.lock);
        self->seen = pool.generation;
        if (self->thread >= pool.threads)
            continue;
        pthread_mutex_unlock(&pool.lock);
        pool.fn(pool.context, self->thread);
        pthread_mutex_lock(&pool.lock);
        if (--pool.running == 0)
            pthread_cond_signal(&pool.end);
    }
    return NULL;
}

/* Returns how many threads there can be: fewer than asked for when the system makes no more. */
static int grow(int threads)
{
    while (pool.workers < threads - 1) {
        struct worker *worker = &workers[pool.workers];
        *worker = (struct worker){pool.workers + 1, pool.generation};
        pthread_t id;
        if (pthread_create(&id, NULL, worker_main, worker) != 0)
            break;
        pthread_detach(id);
        pool.workers++;
    }
    return pool.workers + 1 < threads ? pool.workers + 1 : threads;
}

void parallel_backend_run(int threads, void (*fn)(void *context, int thread), void *context)
{
    pthread_mutex_lock(&pool.lock);
    int made = grow(threads);
    pool.fn = fn;
    pool.context = context;
    pool.threads = made;
    pool.running = made - 1;
    pool.generation++;
    pthread_cond_broadcast(&pool.begin);
    pthread_mutex_unlock(&pool.lock);

    fn(context, 0);
    for (int missing = made; missing < threads; missing++)
        fn(context, missing);

    pthread_mutex_lock(&pool.lock);
    while (pool.running > 0)
        pthread_cond_wait(&pool.end, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

void parallel_backend_set_threads(int threads)
{
    (void)threads;
}
