/* Declarations shared by the files of the SQLite extension. */
#ifndef KAL_SQLITE_H
#define KAL_SQLITE_H

#include <kaleidoscope.h>
#include <sqlite3ext.h>

/* kal_sqlite.c invokes SQLITE_EXTENSION_INIT1, every other file SQLITE_EXTENSION_INIT3. */

/* --- connection.c: one client per database connection, opened on first use and closed with the connection */

/* The cached lists. */
enum listing { LISTING_WORKSPACE, LISTING_MEMBERS, LISTING_GROUPS, LISTINGS };

typedef struct connection {
    sqlite3 *db;
    kal_client client;                    /* KAL_NONE until first use */
    int32_t page_size;                    /* events per page; 0: the server decides */
    uint32_t timeout_ms;                  /* that kal_open set; 0: the client's default */
    char *base_url;                       /* that kal_open set; NULL: from the environment, or the library's */
    int owners;                           /* reference count: modules and functions registered with SQLite */
    struct snapshot *snapshots[LISTINGS]; /* the last that was read; NULL: none */
    int64_t snapshots_made;
    struct events_store *events; /* read repeatedly by cursors; NULL: none */
} connection;

connection *connection_new(sqlite3 *db);
/* Called once for each owner; the last one closes the client. */
void connection_release(void *connection);

/* Returns the client, which is opened from the environment unless kal_open opened it. */
int connection_client(connection *connection, kal_client *client, char **message);
/* Calls a method of kal_call; `params` may be NULL. The caller frees the result. */
int connection_call(connection *connection, const char *method, const char *params, kal_result *result, char **message);
/* Reads the next page of a stream. SQLITE_DONE at its end. */
int connection_next_page(connection *connection, kal_stream stream, kal_result *page, char **message);
/* The same of a stream that follows. SQLITE_DONE if there are no new events, or the answer did not arrive within the time of one
 * request: the next call continues to wait for it. */
int connection_poll_page(connection *connection, kal_stream stream, kal_result *page, char **message);
/* Converts an error to an SQL error message and frees it. */
int connection_failed(kal_status status, kal_error error, char **message);
/* Lets an SQL function fail; `message` may be NULL unless the code is SQLITE_ERROR. */
void result_failure(sqlite3_context *context, int code, const char *message);

/* --- interrupt.c: whether the host wants a waiting statement to end */

typedef struct interrupt {
    sqlite3 *db;
    sqlite3_stmt *running; /* NULL at first */
} interrupt;

/* Returns whether the host has called sqlite3_interrupt, or its progress handler ends the statement. */
bool interrupt_check(interrupt *interrupt);
/* Must be called before the wait ends. Returns the code of the last failure. */
int interrupt_end(interrupt *interrupt);

/* --- snapshot.c: the answer shared by the cursors of a statement, and by statements while it is the cached one */

#define MAX_LOOKUPS 4
typedef struct lookup lookup;

typedef struct snapshot {
    enum listing listing;
    int64_t number; /* unique within the connection */
    int cursors;    /* reference count */
    kal_result result;
    lookup *lookups[MAX_LOOKUPS]; /* see lists.h; NULL until used */
} snapshot;

/* Returns a reference to the snapshot that other cursors are reading; NULL if none. */
snapshot *snapshot_current(connection *connection, enum listing listing);
/* The same; without one, reads a snapshot from the client. */
int snapshot_read(connection *connection, enum listing listing, snapshot **read, char **message);
/* NULL has no effect. */
void snapshot_release(connection *connection, snapshot *snapshot);
/* Current cursors keep their snapshot; later ones read a new one. */
void snapshots_reset(connection *connection);

/* lookup.c; NULL has no effect. */
void lookup_free(lookup *lookup);

/* --- Constraints that may be an IN: all its values are used at once. One at a time, they would be compared with the wrong
 * affinity, because SQLite does not apply that of the IN. Of the constraints after the 32nd, SQLite does not say whether they are
 * an IN. */

#define MAX_CONSTRAINTS 32

/* --- The key column of every table, which SQLite compares between the scans of a statement */

#define KEY_COLUMN "kal_row"

/* --- virtual_table.c: what the tables have in common */

/* Declares the table from xConnect, which is also xCreate. */
int virtual_table_declare(sqlite3 *db, const char *schema, int count, const char *const *arguments, char **message);
/* xRename: nothing depends on the name. */
int virtual_table_rename(sqlite3_vtab *table, const char *name);

/* --- open.c: the SQL function kal_open */

void kal_open(sqlite3_context *context, int count, sqlite3_value **arguments);
/* Whether a text begins as a JSON object. */
bool options_begin(const char *text);

/* --- options_file.c */

/* Reads a file that only its owner can access and that begins as a JSON object. The caller frees the text, also after a failure.
 */
int options_file_read(const char *path, char **text, char **message);

/* --- direct.c */

/* Whether a function was called by a statement of the host, not by the schema of a file. If not, it fails: return at once. */
bool is_direct(sqlite3_context *context, const char *function);

/* --- functions.c: the SQL functions kal_call, kal_refresh and kal_version */

void kal_call_function(sqlite3_context *context, int count, sqlite3_value **arguments);
void kal_refresh_function(sqlite3_context *context, int count, sqlite3_value **arguments);
void kal_version_function(sqlite3_context *context, int count, sqlite3_value **arguments);

/* --- events.c: the table kal_events */

extern const sqlite3_module events_module;
/* Returns a column of an event. */
void event_column(sqlite3_context *context, const kal_workspace_event *event, int column);

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
    EVENT_CREATED_AT_RAW,
    EVENT_KEY
};

/* --- equal_texts.c: which strings of the server are equal to a value */

enum equal_texts {
    TEXTS_NONE,   /* no string */
    TEXTS_ITSELF, /* only the value itself */
    TEXTS_UNKNOWN /* possibly several: '5' and '05' are both equal to a number in a numeric comparison */
};
enum equal_texts equal_texts(sqlite3_value *value);
/* Whether a string of the library has TEXTS_ITSELF. */
bool text_equals_itself(const char *text, size_t length);

/* --- timestamp.c, timestamp_parse.c, timestamp_number.c: times */

/* The collation of kal_events.created_at. */
#define TIMESTAMP_COLLATION "kal_time"

/* Registers the collation and the SQL function kal_time. */
int timestamp_register(sqlite3 *db);
/* Parses what SQLite's date functions and the library accept as microseconds since 1970; docs/sql.md has the rules. `micros` is
 * unchanged if the text is not a time. */
bool timestamp_parse(const char *text, size_t length, int64_t *micros);
#define TIMESTAMP_SIZE 29
/* Formats microseconds since 1970 as "2026-01-31T12:00:00.000000Z", the normal form, and returns its length; a negative year has
 * a minus sign. The time must be one that timestamp_parse returns. */
int timestamp_format(int64_t micros, char text[TIMESTAMP_SIZE]);
/* Returns the normal form from an SQL function or a column; NULL outside of the years 0000 to 9999. */
void timestamp_result(sqlite3_context *context, int64_t micros);
/* Compares times: equal instants are equal in any format. Strings that are not times sort after all times. */
int timestamp_compare(void *unused, int left_length, const void *left, int right_length, const void *right);

#endif
