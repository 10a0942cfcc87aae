/* The tables whose rows are all in one answer: their descriptions and their cursor. */
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

typedef struct list_cursor {
    sqlite3_vtab_cursor base;
    snapshot *snapshot; /* NULL until it is read */
    const void *const *records;
    const kal_workspace *workspace; /* the only element of `records` in kal_workspace */
    size_t count, record, inner;    /* `inner`: the member of the group */
    sqlite3_int64 position;         /* among all rows of the list, matching or not */
    char *wanted[2];                /* matching ids; NULL: any */
} list_cursor;

struct list {
    const char *name, *columns;
    int width; /* number of columns, without the key */
    enum listing listing;
    int ids; /* number of leading columns that are ids, by which rows are looked up */
    void (*read)(list_cursor *at);
    size_t (*inner)(const list_cursor *at); /* rows of the record; NULL: always one */
    const char *(*id)(const list_cursor *at, int column);
    void (*column)(const list_cursor *at, sqlite3_context *context, int column);
};

#endif
