/* What the files of the SQLite extension share. */
#ifndef KAL_SQLITE_H
#define KAL_SQLITE_H

#include <kaleidoscope.h>
#include <sqlite3ext.h>

/* Each file says SQLITE_EXTENSION_INIT3 itself, kal_sqlite.c SQLITE_EXTENSION_INIT1. */

/* --- connection.c: one client for each database connection, opened when it is first needed, closed with the connection */

/* What one answer is read of. */
enum listing { LISTING_WORKSPACE, LISTING_MEMBERS, LISTING_GROUPS, LISTINGS };

typedef struct connection {
    sqlite3 *db;
    kal_client client;                    /* none until it is needed */
    int32_t page_size;                    /* events a page; 0: the server decides */
    int owners;                           /* what SQLite has registered with it: modules, functions */
    struct snapshot *snapshots[LISTINGS]; /* those that cursors read; NULL: none does */
    int64_t snapshots_made;
} connection;

connection *connection_new(sqlite3 *db);
/* For each owner once; with the last one the client is closed. */
void connection_release(void *connection);

/* The client, opened with what the environment says unless kal_open came first. */
int connection_client(connection *connection, kal_client *client, char **message);
/* What one of the cached methods gives. The result is the caller's. */
int connection_read(connection *connection, const char *method, kal_result *result, char **message);
/* A stream's next page. SQLITE_DONE at its end. */
int connection_next_page(connection *connection, kal_stream stream, kal_result *page, char **message);
/* Frees the error, and makes an SQL error of it. */
int connection_failed(kal_status status, kal_error error, char **message);

/* --- snapshot.c: the answer that the cursors of a statement share */

typedef struct snapshot {
    enum listing listing;
    int64_t number; /* no other of the connection has it */
    int cursors;    /* that hold it */
    kal_result result;
} snapshot;

/* What other cursors read at this moment, held; NULL if there are none. */
snapshot *snapshot_current(connection *connection, enum listing listing);
/* The same, or what the client says now. */
int snapshot_read(connection *connection, enum listing listing, snapshot **read, char **message);
/* NULL is none. */
void snapshot_release(connection *connection, snapshot *snapshot);
/* Cursors that hold one keep it; those to come read anew. */
void snapshots_forget(connection *connection);

/* --- The key of every table: SQLite compares it between scans of one statement. */

#define KEY_COLUMN "kal_row"

/* --- open.c: the SQL function kal_open */

void kal_open(sqlite3_context *context, int count, sqlite3_value **arguments);

/* --- events.c: the table kal_events */

extern const sqlite3_module events_module;

enum event_column {
    EVENT_ID,
    EVENT_TYPE,
    EVENT_TYPE_VERSION,
    EVENT_CREATED_AT,
    EVENT_USER_ID,
    EVENT_FULL_NAME,
    EVENT_PREFERRED_NAME,
    EVENT_RESOURCE_ID,
    EVENT_RESOURCE_TYPE,
    EVENT_PARENT_BULK_EVENT_ID,
    EVENT_ATTRS,
    EVENT_IS_BOT,
    EVENT_IS_BULK,
    EVENT_KEY
};

/* --- events_plan.c: which constraints go to the server */

int events_best_index(sqlite3_vtab *table, sqlite3_index_info *info);

/* What an argument of xFilter is: one letter of idxStr for each. */
enum {
    ARGUMENT_TYPE = 't',
    ARGUMENT_TYPES = 'T',
    ARGUMENT_USER = 'u',
    ARGUMENT_USERS = 'U',
    ARGUMENT_RESOURCE_TYPE = 'r',
    ARGUMENT_RESOURCE_TYPES = 'R',
    ARGUMENT_AFTER = 'a',
    ARGUMENT_BEFORE = 'b',
    ARGUMENT_AT = 'd'
};

/* --- events_query.c: the values of the constraints as a query */

typedef struct events_query events_query;

/* To be freed, also after a failure. NULL is none. */
int events_query_new(const char *arguments, sqlite3_value **values, events_query **made, char **message);
void events_query_free(events_query *query);
/* The next of the streams that give what matches together. SQLITE_DONE: there is none, for no event can match, perhaps. */
int events_query_stream(events_query *query, connection *connection, kal_stream *stream, char **message);
/* Whether an event belongs to the stream that was begun last, so that none comes in two of them. */
bool events_query_gives(const events_query *query, const kal_workspace_event *event);

/* --- equal_texts.c: which texts of the server a value equals */

enum equal_texts {
    TEXTS_NONE,   /* no text */
    TEXTS_ITSELF, /* the text that the value is */
    TEXTS_UNKNOWN /* perhaps several: '5' and '05' equal a number where it is compared as one */
};
enum equal_texts equal_texts(sqlite3_value *value);

/* --- timestamp.c: the instants that texts stand for */

/* The collation of kal_events.created_at. */
#define TIMESTAMP_COLLATION "kal_time"

/* Microseconds since 1970 of RFC 3339 and what is close to it: SQLite's own dates, a bare date. */
bool timestamp_parse(const char *text, size_t length, int64_t *micros);
/* A Unix time in seconds or milliseconds, which the server may send in place of a date. */
bool timestamp_parse_unix(const char *text, size_t length, int64_t *micros);
#define TIMESTAMP_SIZE 80 /* as much as the compiler can imagine */
/* "2026-01-31T12:00:00Z" of whole seconds since 1970, which lie between the years 1 and 9999. */
void timestamp_format(int64_t seconds, char text[TIMESTAMP_SIZE]);
/* Compares instants, so that the same one is equal however it is written, as a Unix time too, which the server may send; texts
 * that are no dates come after all dates. */
int timestamp_compare(void *unused, int left_length, const void *left, int right_length, const void *right);

#endif
