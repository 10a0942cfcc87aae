/* Pages of a stream that wait in queues: the cursor is that of the pages picked up, and a page whose queue is closed comes again,
 * before later ones. Each claim adds up all pages, and resumes from every cursor that it saw. */
#include "kit.h"

#include <stdlib.h>

#define EVENTS "/workspaces/events"
enum { ALL = 250, PAGE = 30 };

/* The events that were picked up, and those of the stream in its order. */
static char got[ALL + PAGE][64];
static size_t got_len;
static char all[ALL][64];
static kal_client client;
static kal_stream stream;

static size_t add(char (*to)[64], size_t len, size_t most, kal_result page)
{
    size_t count;
    const kal_workspace_event *const *events = kal_result_workspace_events(page, &count);
    REQUIRE(count > 0 && len + count <= most);
    for (size_t i = 0; i < count; i++)
        snprintf(to[len + i], sizeof to[0], "%s", events[i]->id);
    kal_result_free(page);
    return len + count;
}

static kal_stream open_stream(void)
{
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_stream opened;
    query.page_size = PAGE;
    REQUIRE(kal_workspace_stream_events(client, &query, NULL, &opened, NULL) == KAL_OK);
    return opened;
}

static void begin(void)
{
    kal_result page;
    size_t len = 0;
    got_len = 0;
    client = new_client();
    stream = open_stream();
    while (kal_stream_next(stream, 60000, &page, NULL) == KAL_OK)
        len = add(all, len, ALL, page);
    REQUIRE(len == ALL);
    kal_stream_free(stream);
    stream = open_stream();
}

/* Resumes from the cursor: it must be after the first `expected` events, and all others must follow. */
static void check_cursor(size_t expected)
{
    static char rest[ALL][64];
    kal_result page;
    kal_stream resumed;
    size_t len = 0, lost = 0, repeated = 0;
    REQUIRE(kal_workspace_follow_events(client, NULL, kal_stream_cursor(stream), NULL, &resumed, NULL) == KAL_OK);
    while (kal_stream_next(resumed, 0, &page, NULL) == KAL_OK)
        len = add(rest, len, ALL, page);
    kal_stream_free(resumed);
    for (size_t i = 0; i < ALL; i++) {
        bool is_there = false;
        for (size_t j = 0; j < len; j++)
            is_there |= strcmp(all[i], rest[j]) == 0;
        lost += i >= expected && !is_there;
        repeated += i < expected && is_there;
    }
    CHECK_INT(lost, 0);
    CHECK_INT(repeated, 0);
}

static kal_queue new_queue(void)
{
    kal_queue queue;
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    return queue;
}

static void submit(kal_queue queue)
{
    REQUIRE(kal_stream_submit_next(stream, 60000, queue, NULL, NULL) == KAL_OK);
}

/* Puts a page into an empty queue, and waits until it is there. */
static void put_page(kal_queue queue)
{
    submit(queue);
    REQUIRE(is_readable(queue, 60000));
}

static void pick_up(kal_queue queue)
{
    kal_completion done = KAL_COMPLETION_INIT;
    REQUIRE(kal_queue_next(queue, 60000, &done, NULL) == KAL_OK);
    REQUIRE(CHECK_STATUS(done.status, KAL_OK));
    got_len = add(got, got_len, ALL, done.result);
}

static void take_next(void)
{
    kal_result page;
    REQUIRE(kal_stream_next(stream, 60000, &page, NULL) == KAL_OK);
    got_len = add(got, got_len, ALL, page);
}

/* Takes the rest. All events must have come, each once, in the stream's order. */
static void end_in_order(void)
{
    kal_result page;
    while (kal_stream_next(stream, 60000, &page, NULL) == KAL_OK)
        got_len = add(got, got_len, ALL + PAGE, page);
    CHECK_INT(got_len, ALL);
    for (size_t i = 0; i < got_len && i < ALL; i++)
        if (!CHECK_TEXT(got[i], all[i]))
            break;
    check_cursor(ALL);
    kal_stream_free(stream);
    kal_client_close(client);
}

/* Red when a page is acknowledged as it enters the queue. */
CLAIM(a_queue_closed_with_no_one_or_three_pages_returns_them_to_the_stream)
{
    for (int waiting = 0; waiting <= 3; waiting += waiting == 0 ? 1 : 2) {
        begin();
        take_next();
        kal_queue queues[3];
        kal_queue queue = new_queue();
        submit(queue);
        pick_up(queue);
        check_cursor(got_len);
        for (int i = 0; i < waiting; i++) {
            queues[i] = new_queue();
            put_page(queues[i]);
            check_cursor(got_len);
        }
        kal_queue_close(queue);
        for (int i = waiting; i > 0; i--) {
            kal_queue_close(queues[i - 1]);
            check_cursor(got_len);
        }
        end_in_order();
    }
}

CLAIM(three_pages_in_one_queue_are_picked_up_or_returned)
{
    for (size_t picked_up = 0; picked_up <= 3; picked_up++) {
        begin();
        kal_queue queue = new_queue();
        for (long i = 0; i < 3; i++) {
            /* The stream is free again once the page is in the queue. */
            while (kal_stream_submit_next(stream, 60000, queue, NULL, NULL) == KAL_INVALID_STATE) {
            }
        }
        for (size_t i = 0; i < picked_up; i++) {
            pick_up(queue);
            check_cursor(got_len);
        }
        CHECK_INT(got_len, picked_up * PAGE);
        kal_queue_close(queue);
        check_cursor(got_len);
        end_in_order();
    }
}

/* The page in the other queue, picked up out of order, does not move the cursor past the one that waits. */
CLAIM(pages_in_two_queues_move_the_cursor_in_order)
{
    begin();
    kal_queue one = new_queue(), two = new_queue();
    put_page(one);
    put_page(two);
    pick_up(one);
    check_cursor(PAGE);
    pick_up(two);
    check_cursor(2 * PAGE);
    put_page(one);
    put_page(two);
    pick_up(two);
    check_cursor(2 * PAGE);
    got_len -= PAGE; /* picked up before the page before it */
    pick_up(one);
    check_cursor(4 * PAGE);
    memcpy(got, all, sizeof got[0] * 4 * PAGE);
    got_len = 4 * PAGE;
    kal_queue_close(one);
    kal_queue_close(two);
    end_in_order();
}

CLAIM(a_page_taken_while_one_waits_in_a_queue_does_not_move_the_cursor)
{
    begin();
    kal_queue queue = new_queue();
    put_page(queue);
    take_next();
    check_cursor(0);
    got_len = 0;
    pick_up(queue);
    check_cursor(2 * PAGE);
    memcpy(got, all, sizeof got[0] * 2 * PAGE);
    got_len = 2 * PAGE;
    kal_queue_close(queue);
    end_in_order();
}

/* Red when the claim of a call whose queue is closed ends only once the library's thread notices it: KAL_INVALID_STATE. */
CLAIM(a_queue_closed_while_the_request_is_in_flight_leaves_the_page_to_the_next_call)
{
    begin();
    take_next();
    emulator_reset(&server);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"drop\":\"hang\"}");
    kal_queue queue = new_queue();
    submit(queue);
    emulator_wait_for(&server, EVENTS, 1);
    kal_queue_close(queue);
    take_next();
    check_cursor(2 * PAGE);
    end_in_order();
}

static void *close_queue(void *queue)
{
    emulator_wait_for(&server, EVENTS, 1);
    kal_queue_close(*(kal_queue *)queue);
    return NULL;
}

/* Red without the wake-up: the call waits until its own request is answered, which is never. Red when a page that arrives does
 * not let the one that came back go first: the order. */
CLAIM(a_waiting_call_returns_the_page_of_a_queue_that_is_closed_meanwhile)
{
    begin();
    kal_queue queue = new_queue();
    put_page(queue);
    emulator_reset(&server);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"drop\":\"hang\"}");
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, close_queue, &queue) == 0);
    take_next();
    pthread_join(thread, NULL);
    check_cursor(PAGE);
    kal_stream_free(stream);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, (char *)NULL);
}
