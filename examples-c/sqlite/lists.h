/* The tables whose rows are all in one answer: their descriptions, their cursor, and the hashes by which rows are looked up. */
#ifndef LISTS_H
#define LISTS_H

#include "kal_sqlite.h"

/* Terminated by NULL. */
typedef struct list list;
extern const list *const all_lists[];

/* The client data of sqlite3_create_module_v2. */
typedef struct list_table_data {
    connection *connection;
    const list *list;
} list_table_data;

extern const sqlite3_module list_module;

/* Rows are numbered from 0 in the order of the list. */
#define NO_ROW UINT32_MAX

typedef struct list_cursor {
    sqlite3_vtab_cursor base;
    snapshot *snapshot; /* NULL until it is read */
    const void *const *records;
    const kal_workspace *workspace; /* the only element of `records` in kal_workspace */
    size_t count, record, inner;    /* `inner`: the member of the group */
    sqlite3_int64 position;         /* the number of the row */
    const lookup *lookup;           /* NULL: all rows are returned */
    uint32_t next;                  /* the next row of one text that was looked up */
    uint32_t *rows;                 /* NULL, or the rows of several texts, NO_ROW at their end */
    size_t rows_read;
} list_cursor;

#define MAX_KEYS 2

struct list {
    const char *name, *columns;
    int width; /* number of columns, without the key */
    enum listing listing;
    void (*read)(list_cursor *at);
    size_t (*inner)(const list_cursor *at); /* rows of the record; NULL: always one */
    void (*column)(const list_cursor *at, sqlite3_context *context, int column);
    /* The columns by which rows are looked up, the one with the fewest rows for a text first. */
    struct {
        int column, rows; /* `rows`: an estimate */
    } keys[MAX_KEYS];
    int keys_len;
    int first_lookup; /* in the snapshot, which two tables may share */
    const char *(*key)(const list_cursor *at, int key);
};

/* The number of rows of the current record. */
static inline size_t list_rows(const list *list, const list_cursor *at)
{
    return list->inner ? list->inner(at) : 1;
}

/* --- lookup.c */

/* Returns NULL if there is no memory for it: rows are found without it, too. */
lookup *lookup_new(const list *list, const snapshot *snapshot, int key);
/* The first row with this text, or NO_ROW. */
uint32_t lookup_first(const lookup *lookup, const list *list, const list_cursor *cursor, int key, const char *text);
/* The next row with the same text, or NO_ROW. */
uint32_t lookup_next(const lookup *lookup, uint32_t row);
/* Moves a cursor to a row; NO_ROW is its end. */
void lookup_move(const lookup *lookup, list_cursor *at, uint32_t row);
/* In kal_sqlite.h: lookup_free. */

#endif
