/* Declarations shared by the files of kal_sync. */
#ifndef SYNC_H
#define SYNC_H

#include "kal_sqlite.h"

/* Events per request, unless kal_open set page_size; and the number of newest events that are searched for late ones. */
#define SYNC_PAGE 1000

/* Another connection has changed the state of the table since it was loaded: begin again. */
#define SYNC_CHANGED (-1)

/* --- sync_name.c */

/* Splits "table" or "schema.table", in which both may be quoted as in SQL. SQLITE_ERROR: the text is neither. The caller frees
 * both, also after a failure; `schema` is NULL if there is none. */
int sync_name(const char *text, char **schema, char **table);

/* --- sync_page.c: the table kal_sync_page, the events of one page, for the statements of kal_sync */

/* The name of the pointer (sqlite3_bind_pointer) to a kal_result that is the argument of the table. */
#define SYNC_PAGE_POINTER "kal_result"

extern const sqlite3_module sync_page_module;
/* Name and declaration of the columns of a local table, by enum event_column. */
extern const char *const sync_columns[EVENT_KEY][2];

/* --- sync_table.c: the local table and its row in kal_sync_state */

typedef struct sync_table {
    connection *connection;
    char *schema, *name; /* as in the argument */
    char *table, *state; /* quoted, for SQL: the table, and kal_sync_state in its schema */
    bool exists;         /* the table is there */
    bool is_known;       /* it has a row in kal_sync_state, which is in the fields below */
    bool has_rows;       /* it has events */
    char *base_url, *workspace_id;
    char *cursor;     /* every event before this position is in the table; NULL: read all events */
    bool is_complete; /* nothing is missing between the cursor and the newest event of the table */
    char *late_from;  /* a search for late events has to go on before this time; NULL: none */
    int64_t ahead;    /* rows that were added since the cursor moved */
    int64_t version;  /* of the row */
    int64_t added;    /* rows that this call has added */
    char *message;    /* of the failure */
} sync_table;

/* Frees what the fields own. */
void sync_table_clear(sync_table *table);
/* Finds the table and loads its state; checks that it has the columns, and that the calling statement does not write. */
int sync_table_load(sync_table *table);
/* Creates the table and its state, unless they exist. */
int sync_table_create(sync_table *table, const char *base_url, const char *workspace_id);
/* --- sync_sql.c: statements and transactions on the host's connection */

/* Sets `message`, unless it is set, to the last error of SQLite. Returns the code. */
int sync_failed(sync_table *table, int code);
/* Prepares a statement; the format is that of sqlite3_mprintf. */
int sync_prepare(sync_table *table, sqlite3_stmt **statement, const char *format, ...);
/* Runs a statement that returns no rows, except that of PRAGMA count_changes. */
int sync_step(sqlite3_stmt *statement);
/* The same, and finalizes it, if `code` is SQLITE_OK, and returns the code. */
int sync_run(sync_table *table, sqlite3_stmt *statement, int code);
/* Replaces a text; NULL is allowed. */
int sync_set(char **field, const char *text);
/* The same by a column of a row. */
int sync_set_column(char **field, sqlite3_stmt *row, int column);
/* Whether a statement of the connection is writing, so that SQLite allows no transaction within it. */
bool sync_is_writing(sqlite3 *db);

typedef struct sync_transaction {
    bool is_nested; /* in a transaction of the host */
    sqlite3_stmt *release, *undo;
    sqlite3_stmt *write; /* a statement that writes */
} sync_transaction;

/* Begins a transaction, or a savepoint of the host's. `write` is a prepared statement of it that writes. */
int sync_begin(sync_table *table, sync_transaction *transaction, sqlite3_stmt *write);
/* Commits if `code` is SQLITE_OK, else rolls back; returns the code. To be called also if sync_begin failed. */
int sync_end(sync_table *table, sync_transaction *transaction, int code);

/* --- sync_rows.c: rows of the local table */

/* Adds the events of a page (NULL: none) and stores the fields, with another cursor unless it is NULL, in one transaction.
 * `added` receives the number of rows, if not NULL. `is_finished` sets the time of the last complete run. */
int sync_save(sync_table *table, const kal_result *page, const char *cursor, bool is_finished, int64_t *added);
/* Stores that all events have to be read again. */
int sync_forget_cursor(sync_table *table);

/* A page compared with the table. */
typedef struct sync_facts {
    int64_t events, known; /* events of the page, and those that are in the table */
    int64_t late;          /* those that are not, though the table has a newer one */
    bool reaches_newest;   /* the page has an event as new as the newest of the table */
} sync_facts;

int sync_compare(sync_table *table, const kal_result *page, const char *newest, sync_facts *facts);

/* A time span of the local table: SYNC_PAGE rows before `from`. */
typedef struct sync_window {
    char *newest;         /* the newest time in the table; NULL: none */
    char *start;          /* that of the oldest row of the window; NULL: the window reaches back to the first event */
    char *after_newest;   /* after_date for `newest` and what is after it */
    char *after, *before; /* after_date and before_date of the window, a second wider; NULL: no limit */
    bool has_undated;     /* the table has events without a time */
} sync_window;

/* `from` NULL: the newest rows. The caller frees the window with sync_window_clear, also after a failure. */
int sync_window_find(sync_table *table, const char *from, sync_window *window);
void sync_window_clear(sync_window *window);

/* --- sync_stream.c: streams of events */

typedef struct sync_reader {
    kal_stream stream;
    kal_result page;
} sync_reader;

/* Opens a stream of the events between two dates, which may be NULL. The caller closes the reader, also after a failure. */
int sync_reader_open(sync_table *table, sync_reader *reader, const char *after, const char *before);
/* Reads the next page. SQLITE_DONE: there are no more events. */
int sync_reader_next(sync_table *table, sync_reader *reader);
/* Opens the stream at the cursor. One that the library refuses is forgotten: SYNC_CHANGED. */
int sync_reader_follow(sync_table *table, sync_reader *reader);
/* Reads its next page. SQLITE_DONE: there are no more events now. */
int sync_reader_poll(sync_table *table, sync_reader *reader);
void sync_reader_close(sync_reader *reader);

/* --- sync_new.c: the events that the table does not have yet */

int sync_read_new(sync_table *table);

/* --- sync.c: the SQL function kal_sync */

/* Compares the workspace of the credentials with the table's, and may create the table. */
int sync_check_workspace(sync_table *table, bool may_create);

void kal_sync(sqlite3_context *context, int count, sqlite3_value **arguments);

#endif
