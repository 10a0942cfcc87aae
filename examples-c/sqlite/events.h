/* Declarations shared by the files of kal_events. Each uses only those above it. */
#ifndef EVENTS_H
#define EVENTS_H

#include "kal_sqlite.h"

/* --- events_plan.c: which constraints are sent to the server */

int events_best_index(sqlite3_vtab *table, sqlite3_index_info *info);

/* The type of an argument of xFilter: one letter of idxStr for each. */
enum {
    ARGUMENT_TYPE = 't',
    ARGUMENT_TYPES = 'T',
    ARGUMENT_USER = 'u',
    ARGUMENT_USERS = 'U',
    ARGUMENT_LOOKUP = 'j', /* a user that is not a constant: it may come from the outer loop of a join */
    ARGUMENT_RESOURCE_TYPE = 'r',
    ARGUMENT_RESOURCE_TYPES = 'R',
    ARGUMENT_AFTER = 'a',
    ARGUMENT_BEFORE = 'b',
    ARGUMENT_AT = 'd',
    ARGUMENT_LIMIT = 'l',
    ARGUMENT_OFFSET = 'o'
};
/* Values of idxNum. */
enum { EVENTS_ANY_ORDER, EVENTS_NEWEST_FIRST };

/* --- text_list.c: the values of a constraint */

typedef struct text_list {
    char **texts;
    size_t len, capacity;
} text_list;

/* The most values that are sent, in batches. */
#define MAX_VALUES 10000

/* SQLITE_FULL: the list is full, or no request has room for the text. */
int text_list_append(text_list *list, const char *text);
/* Sorts the texts by their bytes and removes duplicates. */
void text_list_sort(text_list *list);
int text_list_copy(text_list *to, const text_list *from);
void text_list_clear(text_list *list);
/* The end of the batch that begins at `first`: as many texts as one request has room for. */
size_t text_list_batch(const text_list *list, size_t first);
/* Whether the text, which may be NULL, is one of those from `first` to `end`. The list is sorted. */
bool text_list_contains(const text_list *list, size_t first, size_t end, const char *text);

/* --- text_index.c: finds values by text */

typedef struct text_index {
    struct text_index_entry {
        const char *text;
        void *value;
    } * entries;
    size_t len, capacity;
} text_index;

/* NULL if there is none. */
void *text_index_find(const text_index *index, const char *text);
/* The text, which is not in the index, is not copied. The value must not be NULL. */
int text_index_add(text_index *index, const char *text, void *value);
void text_index_free(text_index *index);

/* --- events_query.c: builds queries from the values of the constraints */

/* Before every date; its negation is after every date. */
#define UNBOUNDED (INT64_MIN / 4)

typedef struct events_query {
    text_list types, users, resources; /* sorted; empty: no constraint */
    char *lookup;                      /* the one user of a lookup; NULL: none */
    int64_t after, before;             /* microseconds, inclusive */
    int64_t rows;                      /* the most rows that LIMIT and OFFSET use; 0: unknown */
    bool newest_first;                 /* the order in which SQLite expects the rows */
    bool is_empty;                     /* no event can match */
} events_query;

/* The caller frees the query, also after a failure. It may be NULL. */
int events_query_new(int order, const char *arguments, sqlite3_value **values, events_query **made);
/* A copy that selects these users, or with NULL all users. */
int events_query_copy(const events_query *query, const text_list *users, events_query **made);
void events_query_free(events_query *query);
/* Identifies the constraints other than the lookup. The caller frees it; NULL: out of memory. */
char *events_query_key(const events_query *query);

/* --- events_batches.c: the requests that together return all events of a query */

/* One combination of batches; the API accepts only one resource type. */
typedef struct events_batches {
    const events_query *query;
    struct batch_range {
        size_t first, end;
    } users, types, resources;
    bool is_started;
} events_batches;

/* The number of combinations. */
size_t events_batches_count(const events_query *query);
/* Advances to the next combination; false at the end. */
bool events_batches_next(events_batches *batches);
/* Opens the stream of the combination. */
int events_batches_stream(const events_batches *batches, connection *connection, int32_t page_size, kal_stream *stream,
                          char **message);
/* Whether an event belongs to the combination, so that no event is returned by two of them. */
bool events_batches_match(const events_batches *batches, const kal_workspace_event *event);

/* --- events_reader.c: reads the events of a query page by page */

typedef struct events_page {
    struct events_page *next;
    kal_result result;
    const kal_workspace_event *const *events; /* those that match */
    const kal_workspace_event **filtered;     /* NULL: all of the page */
    size_t count, pending;                    /* `pending` is for the user of the page */
} events_page;

typedef struct events_reader {
    connection *connection;
    events_query *query;
    events_batches batches;
    kal_stream stream;
    events_page *pages;
    size_t stream_pages; /* read from the current stream */
    int64_t rows;        /* read in total */
    bool is_done;
} events_reader;

/* The reader takes ownership of the query. */
void events_reader_init(events_reader *reader, connection *connection, events_query *query);
/* The next page, which is not empty and belongs to the reader. SQLITE_DONE at the end. */
int events_reader_page(events_reader *reader, events_page **page, char **message);
/* Frees a page. NULL has no effect. */
void events_reader_drop(events_reader *reader, events_page *page);
/* When all events are needed after all: forgets LIMIT, and if pages were small because of it, begins again with large ones and
 * returns true. */
bool events_reader_enlarge(events_reader *reader);
void events_reader_clear(events_reader *reader);

/* --- events_source.c: the events of a query, one by one, in the order that SQLite expects */

typedef struct events_source events_source;

/* Takes ownership of the query, also on failure. `keep`: events stay valid until the source is freed, else until the next one
 * is requested. */
int events_source_new(connection *connection, events_query *query, bool keep, events_source **made);
/* `*event` is NULL at the end. */
int events_source_next(events_source *source, const kal_workspace_event **event, char **message);
/* NULL has no effect. */
void events_source_free(events_source *source);

/* --- events_order.c: sorts by time as the events arrive */

typedef struct events_order {
    struct timed_event {
        int64_t time; /* INT64_MIN: none */
        size_t number;
        const kal_workspace_event *event;
        events_page *page;
    } * dated, *undated;
    size_t dated_len, dated_capacity, dated_next, undated_len, undated_capacity, undated_next;
    size_t events;
    int64_t newest, oldest; /* of all events */
    int64_t first;          /* the newest of `dated` that was not returned */
    int64_t returned;       /* the last one that was returned */
    bool is_sorted;         /* the server sends the newest events first */
    bool is_unsorted;       /* it does not, or there are several streams */
    bool is_complete;
} events_order;

/* The next event in the order of time, newest first; NULL at the end. */
int events_order_next(events_order *order, events_reader *reader, struct timed_event *event, char **message);
void events_order_init(events_order *order, const events_query *query);
void events_order_clear(events_order *order);

/* --- events_store.c: the events that the cursors of a statement have read repeatedly */

typedef struct events_store events_store;
struct events_kept;

/* The events of one scan. */
typedef struct events_scan {
    events_source *source;    /* read for this scan only */
    struct events_kept *kept; /* or read from the store */
    size_t position;          /* in `kept` */
} events_scan;

/* Returns a reference to the store of the cursors that are open; NULL if none. */
events_store *events_store_current(connection *connection);
/* The same; without one, makes one. NULL: out of memory. */
events_store *events_store_get(connection *connection);
/* NULL has no effect. */
void events_store_release(events_store *store);
/* Begins a scan, which must end before the store is released. Takes ownership of the query, also on failure. */
int events_store_scan(events_store *store, events_query *query, events_scan *scan, char **message);
/* The next event, valid until the scan advances or ends; NULL at the end. */
int events_scan_next(events_scan *scan, const kal_workspace_event **event, char **message);
void events_scan_end(events_scan *scan);

#endif
