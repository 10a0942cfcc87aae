/* Sixteen threads share one client and make the same calls at the same time: they share one request for each. */
#include <kaleidoscope.h>
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 16 };

static kal_client client;

static void *work(void *failures)
{
    kal_result members, groups;
    if (kal_workspace_get_members(client, NULL, &members, NULL) != KAL_OK
        || kal_workspace_get_groups(client, NULL, &groups, NULL) != KAL_OK)
        return failures; /* not NULL: this thread failed */
    kal_result_free(members);
    kal_result_free(groups);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    kal_stats stats = KAL_STATS_INIT;
    kal_error error;
    int i, failures = 0;

    if (kal_client_open(NULL, &client, &error) != KAL_OK) {
        fprintf(stderr, "%s\n", kal_error_get(error)->message);
        kal_error_free(error);
        return 1;
    }
    for (i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, &failures) != 0)
            return 1;
    for (i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        failures += failed != NULL;
    }
    if (kal_client_stats(client, &stats, NULL) != KAL_OK)
        return 1;
    printf("%d threads, %d calls, %d failures\n", THREADS, 2 * THREADS, failures);
    printf("%llu requests sent, including %llu to sign in\n", (unsigned long long)stats.requests,
           (unsigned long long)stats.token_requests);
    kal_client_close(client);
    return failures != 0;
}
