/* The tables whose rows all come in one answer: what each of them is, and the cursor over it. */
#ifndef LISTS_H
#define LISTS_H

#include "kal_sqlite.h"

/* NULL after the last. */
typedef struct list list;
extern const list *const all_lists[];

/* What sqlite3_create_module_v2 is given for one of them. */
typedef struct list_table_data {
    connection *connection;
    const list *list;
} list_table_data;

extern const sqlite3_module list_module;

typedef struct list_cursor {
    sqlite3_vtab_cursor base;
    snapshot *snapshot; /* NULL until it is read */
    const void *const *records;
    const kal_workspace *workspace; /* the only element of `records` of kal_workspace */
    size_t count, record, inner;    /* `inner`: the member of the group */
    sqlite3_int64 position;         /* among all rows of the list, wanted or not */
    char *wanted[2];                /* only rows with these ids; NULL: any */
} list_cursor;

struct list {
    const char *name, *columns;
    int width; /* so many columns; the key comes after them */
    enum listing listing;
    int ids; /* so many columns, from the first on, are ids that rows are looked up by */
    void (*read)(list_cursor *at);
    size_t (*inner)(const list_cursor *at); /* rows of the record; NULL: always one */
    const char *(*id)(const list_cursor *at, int column);
    void (*column)(const list_cursor *at, sqlite3_context *context, int column);
};

#endif
