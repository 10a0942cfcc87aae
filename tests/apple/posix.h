/* What the C tests use of POSIX and macOS lacks: barriers, and semaphores without a name. It is included before each of them.
 * The names are macros, so that the stand-ins can be tried where the system has both. */
#ifndef POSIX_H
#define POSIX_H

#include <pthread.h>
#include <semaphore.h>

/* --- Barriers */

typedef struct posix_barrier {
    pthread_mutex_t mutex;
    pthread_cond_t complete;
    unsigned threads, waiting, round;
} posix_barrier;

#define pthread_barrier_t posix_barrier
#define pthread_barrier_init posix_barrier_init
#define pthread_barrier_destroy posix_barrier_destroy
#define pthread_barrier_wait posix_barrier_wait

static inline int posix_barrier_init(posix_barrier *barrier, const void *attributes, unsigned threads)
{
    (void)attributes;
    barrier->threads = threads;
    barrier->waiting = barrier->round = 0;
    int error = pthread_mutex_init(&barrier->mutex, NULL);
    return error != 0 ? error : pthread_cond_init(&barrier->complete, NULL);
}

static inline int posix_barrier_destroy(posix_barrier *barrier)
{
    pthread_cond_destroy(&barrier->complete);
    return pthread_mutex_destroy(&barrier->mutex);
}

static inline int posix_barrier_wait(posix_barrier *barrier)
{
    pthread_mutex_lock(&barrier->mutex);
    unsigned round = barrier->round;
    if (++barrier->waiting == barrier->threads) {
        barrier->waiting = 0;
        barrier->round++;
        pthread_cond_broadcast(&barrier->complete);
    }
    while (barrier->round == round)
        pthread_cond_wait(&barrier->complete, &barrier->mutex);
    return pthread_mutex_unlock(&barrier->mutex);
}

/* --- Semaphores: sem_init of macOS fails with ENOSYS */

typedef struct posix_semaphore {
    pthread_mutex_t mutex;
    pthread_cond_t posted;
    unsigned value;
} posix_semaphore;

#define sem_t posix_semaphore
#define sem_init posix_sem_init
#define sem_post posix_sem_post
#define sem_wait posix_sem_wait

static inline int posix_sem_init(posix_semaphore *semaphore, int shared, unsigned value)
{
    (void)shared;
    semaphore->value = value;
    int error = pthread_mutex_init(&semaphore->mutex, NULL);
    return error != 0 ? error : pthread_cond_init(&semaphore->posted, NULL);
}

static inline int posix_sem_post(posix_semaphore *semaphore)
{
    pthread_mutex_lock(&semaphore->mutex);
    semaphore->value++;
    pthread_cond_signal(&semaphore->posted);
    return pthread_mutex_unlock(&semaphore->mutex);
}

static inline int posix_sem_wait(posix_semaphore *semaphore)
{
    pthread_mutex_lock(&semaphore->mutex);
    while (semaphore->value == 0)
        pthread_cond_wait(&semaphore->posted, &semaphore->mutex);
    semaphore->value--;
    return pthread_mutex_unlock(&semaphore->mutex);
}

#endif
