/* Non-blocking calls in a program that handles window messages. Its thread waits for both: messages, and completions of calls.
 * For Windows; event_loop.c is for systems with poll. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <kaleidoscope.h>
#include <stdio.h>

static void fail(const char *what, kal_error error)
{
    fprintf(stderr, "%s: %s\n", what, kal_error_get(error)->message);
    kal_error_free(error);
    ExitProcess(1);
}

/* Takes all pending completions, as the handle is signalled while there is at least one. Returns their number. */
static int take_completions(kal_queue queue)
{
    kal_completion done = KAL_COMPLETION_INIT;
    int taken = 0;
    while (kal_queue_next(queue, 0, &done, NULL) == KAL_OK) {
        size_t i, count = 0;
        const kal_workspace_user *const *users = kal_result_workspace_users(done.result, &count);
        if (done.status != KAL_OK)
            printf("%s: %s\n", (const char *)done.user_data, kal_error_get(done.error)->message);
        else
            printf("%s: %d users\n", (const char *)done.user_data, (int)count);
        for (i = 0; i < count; i++)
            printf("  %s\n", users[i]->full_name ? users[i]->full_name : users[i]->id);
        kal_result_free(done.result);
        kal_error_free(done.error);
        taken++;
    }
    return taken;
}

int main(void)
{
    static char what[] = "workspace.get_members";
    kal_client client;
    kal_queue queue;
    kal_error error;
    int pending = 1;

    SetConsoleOutputCP(CP_UTF8); /* all text of the library is UTF-8 */
    if (kal_client_open(NULL, &client, &error) != KAL_OK)
        fail("open", error);
    if (kal_queue_open(&queue, &error) != KAL_OK)
        fail("queue", error);
    if (kal_submit(client, what, NULL, NULL, queue, what, &error) != KAL_OK)
        fail("submit", error);
    while (pending > 0) {
        HANDLE ready = kal_queue_handle(queue);
        MSG message;
        if (MsgWaitForMultipleObjects(1, &ready, FALSE, INFINITE, QS_ALLINPUT) == WAIT_OBJECT_0)
            pending -= take_completions(queue);
        while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) {
            TranslateMessage(&message);
            DispatchMessageW(&message);
        }
    }
    kal_queue_close(queue);
    kal_client_close(client);
    return 0;
}
