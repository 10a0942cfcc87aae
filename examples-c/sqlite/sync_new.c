/* Reads the events that a table of kal_sync does not have yet. */
#include "sync.h"
SQLITE_EXTENSION_INIT3

/* --- From the cursor on */

static int follow(sync_table *table)
{
    sync_reader reader;
    table->is_complete = false;
    int code = sync_reader_follow(table, &reader);
    if (code == SQLITE_OK && kal_stream_set_read_ahead(reader.stream, 1, NULL) != KAL_OK)
        code = SQLITE_NOMEM;
    while (code == SQLITE_OK && (code = sync_reader_poll(table, &reader)) == SQLITE_OK)
        code = sync_save(table, &reader.page, kal_stream_cursor(reader.stream), false, NULL);
    if (code == SQLITE_DONE) {
        table->is_complete = true;
        code = sync_save(table, NULL, kal_stream_cursor(reader.stream), false, NULL);
    }
    sync_reader_close(&reader);
    return code;
}

/* --- Late events */

/* Reads all events of the window before `from`. `brought`: whether one of them was missing. */
static int read_window(sync_table *table, const sync_window *window, bool *brought)
{
    sync_reader reader;
    int64_t added = 0;
    int code = sync_reader_open(table, &reader, window->after, window->before);
    *brought = false;
    while (code == SQLITE_OK && (code = sync_reader_next(table, &reader)) == SQLITE_OK) {
        code = sync_save(table, &reader.page, NULL, false, &added);
        *brought |= added > 0;
    }
    sync_reader_close(&reader);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Reads the windows before `late_from` until one has nothing new. `is_resumed`: the first one may have been read already. */
static int read_late(sync_table *table, bool is_resumed)
{
    int code = SQLITE_OK;
    for (bool goes_on = true; code == SQLITE_OK && goes_on && table->late_from;) {
        sync_window window;
        bool brought = false;
        code = sync_window_find(table, table->late_from, &window);
        if (code == SQLITE_OK)
            code = read_window(table, &window, &brought);
        if (code == SQLITE_OK)
            code = sync_set(&table->late_from, window.start);
        goes_on = brought || is_resumed;
        is_resumed = false;
        sync_window_clear(&window);
    }
    return code == SQLITE_OK ? sync_set(&table->late_from, NULL) : code;
}

/* --- The newest events */

enum order { NEWEST_FIRST, OLDEST_FIRST, NO_ORDER };

static enum order order_of(kal_result page)
{
    size_t count;
    const kal_workspace_event *const *events = kal_result_workspace_events(page, &count);
    bool falls = true, rises = true;
    for (size_t i = 0; i < count; i++) {
        if (events[i]->created_at_us == INT64_MIN)
            return NO_ORDER;
        falls &= i == 0 || events[i]->created_at_us <= events[i - 1]->created_at_us;
        rises &= i == 0 || events[i]->created_at_us >= events[i - 1]->created_at_us;
    }
    /* Events of one time show no order. */
    return falls == rises ? NO_ORDER : falls ? NEWEST_FIRST : OLDEST_FIRST;
}

/* What the look at the newest events has found. */
typedef struct look {
    sync_window window;
    sync_facts first;  /* the first page */
    bool was_complete; /* before the look */
    bool was_late;     /* a search for late events has not ended */
    bool is_connected; /* there is no new event beyond those that were read */
    bool is_late;
} look;

/* Stores a page of the look, if it has anything new. */
static int save_look(sync_table *table, look *look, const sync_reader *reader, const sync_facts *facts)
{
    look->is_late |= facts->late > 0;
    table->is_complete = look->was_complete && look->is_connected;
    int code = SQLITE_OK;
    /* Without a start, the window has all events. */
    if (look->was_complete || !look->was_late)
        code = sync_set(&table->late_from, !look->is_connected ? look->window.newest : look->is_late ? look->window.start : NULL);
    if (code == SQLITE_OK && facts->known < facts->events)
        code = sync_save(table, &reader->page, NULL, false, NULL);
    return code;
}

/* Of a list with the oldest events first: reads the window to its end, and then whether there are events after it. */
static int look_forward(sync_table *table, look *look, sync_reader *reader)
{
    sync_facts facts = look->first;
    int code = SQLITE_OK;
    while (code == SQLITE_OK && (code = save_look(table, look, reader, &facts)) == SQLITE_OK && !facts.reaches_newest)
        if ((code = sync_reader_next(table, reader)) == SQLITE_OK)
            code = sync_compare(table, &reader->page, look->window.newest, &facts);
    sync_reader_close(reader);
    *reader = (sync_reader){ .stream = KAL_NONE };
    if (code == SQLITE_OK)
        code = sync_reader_open(table, reader, look->window.after_newest, NULL);
    if (code == SQLITE_OK)
        code = sync_reader_next(table, reader);
    if (code == SQLITE_OK)
        code = sync_compare(table, &reader->page, look->window.newest, &facts);
    if (code != SQLITE_OK)
        return code == SQLITE_DONE ? SQLITE_OK : code;
    /* A page that is shorter than another one was not cut off by the server. */
    look->is_connected = facts.events < look->first.events && facts.known > 0 && order_of(reader->page) != NEWEST_FIRST;
    return save_look(table, look, reader, &facts);
}

/* Reads the newest events. An event that the table has shows that they are of its workspace. */
static int look_at_newest(sync_table *table, look *look)
{
    sync_reader reader = { .stream = KAL_NONE };
    int code = sync_window_find(table, NULL, &look->window);
    if (code == SQLITE_OK)
        code = sync_reader_open(table, &reader, look->window.after, NULL);
    if (code == SQLITE_OK)
        code = sync_reader_next(table, &reader);
    if (code == SQLITE_OK)
        code = sync_compare(table, &reader.page, look->window.newest, &look->first);
    if ((code == SQLITE_OK && look->first.known == 0) || code == SQLITE_DONE) {
        int same = sync_check_workspace(table, false);
        code = same == SQLITE_OK ? code : same;
    }
    if (code == SQLITE_OK && look->was_late && look->was_complete)
        code = read_late(table, true);
    enum order order = code == SQLITE_OK && !look->window.has_undated ? order_of(reader.page) : NO_ORDER;
    if (code == SQLITE_OK && order == OLDEST_FIRST && look->was_complete) {
        code = look_forward(table, look, &reader);
    } else if (code == SQLITE_OK) {
        look->is_connected = order == NEWEST_FIRST && look->first.known * 2 >= look->first.events;
        code = save_look(table, look, &reader, &look->first);
    }
    sync_reader_close(&reader);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int sync_read_new(sync_table *table)
{
    look look = { .was_complete = table->is_complete, .was_late = table->late_from };
    int code = look_at_newest(table, &look);
    /* From time to time the cursor moves, so that there is never much to read from it on. */
    if (code == SQLITE_OK && (!look.was_complete || !look.is_connected || table->ahead >= SYNC_PAGE))
        code = follow(table);
    if (code == SQLITE_OK && table->late_from)
        code = read_late(table, look.was_late && !look.was_complete);
    sync_window_clear(&look.window);
    return code == SQLITE_OK ? sync_save(table, NULL, NULL, true, NULL) : code;
}
