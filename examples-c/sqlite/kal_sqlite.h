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
    kal_client client; /* none until it is needed */
    int32_t page_size; /* events a page; 0: the server decides */
    int owners;        /* what SQLite has registered with it: modules, functions */
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
    ARGUMENT_AFTER = 'a',
    ARGUMENT_BEFORE = 'b',
    ARGUMENT_AT = 'd'
};

/* --- events_query.c: the values of the constraints as a query */

/* `*stream` is none when no event can match: nothing is asked then. */
int events_query_open(connection *connection, const char *arguments, sqlite3_value **values, kal_stream *stream,
                      char **message);

/* --- timestamp.c: the instants that texts stand for */

/* The collation of kal_events.created_at. */
#define TIMESTAMP_COLLATION "kal_time"

/* Microseconds since 1970 of RFC 3339 and what is close to it: SQLite's own dates, a bare date. */
bool timestamp_parse(const char *text, size_t length, int64_t *micros);
#define TIMESTAMP_SIZE 80 /* as much as the compiler can imagine */
/* "2026-01-31T12:00:00Z" of whole seconds since 1970, which lie between the years 1 and 9999. */
void timestamp_format(int64_t seconds, char text[TIMESTAMP_SIZE]);
/* Compares instants, so that the same one is equal however it is written; texts that are no dates come after all dates. */
int timestamp_compare(void *unused, int left_length, const void *left, int right_length, const void *right);

#endif
