/* A hash of one column of a list, built once for each answer of the server. Rows with equal texts are linked in the order of the
 * list; NULL is in no link. */
#include "lists.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

typedef struct row {
    uint32_t same;  /* the next row with this text */
    uint32_t other; /* the first row with the next text of the bucket */
    uint32_t hash;
    uint32_t record, inner;
} row;

struct lookup {
    uint32_t buckets; /* a power of two */
    uint32_t *first;  /* the first row of each bucket */
    row *rows;
};

/* FNV-1a. */
static uint32_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
    return (uint32_t)(hash ^ hash >> 32);
}

static const char *text_at(const list *list, list_cursor *at, const row *row, int key)
{
    at->record = row->record;
    at->inner = row->inner;
    return list->key(at, key);
}

/* Returns where the first row with this text is stored, or would be. */
static uint32_t *slot_of(const lookup *lookup, const list *list, list_cursor *at, int key, const char *text, uint32_t hash)
{
    uint32_t *slot = &lookup->first[hash & (lookup->buckets - 1)];
    for (; *slot != NO_ROW; slot = &lookup->rows[*slot].other) {
        const row *row = &lookup->rows[*slot];
        if (row->hash == hash && strcmp(text_at(list, at, row, key), text) == 0)
            break;
    }
    return slot;
}

/* From the last row to the first, so that each row is put before those that follow it. */
static void link_rows(lookup *lookup, const list *list, list_cursor *at, int key, uint32_t rows)
{
    for (uint32_t number = rows; number-- > 0;) {
        row *row = &lookup->rows[number];
        row->same = row->other = NO_ROW;
        const char *text = text_at(list, at, row, key);
        if (!text)
            continue;
        row->hash = hash_of(text);
        uint32_t *slot = slot_of(lookup, list, at, key, text, row->hash);
        row->same = *slot;
        if (row->same != NO_ROW)
            row->other = lookup->rows[row->same].other;
        *slot = number;
    }
}

static void number_rows(lookup *lookup, const list *list, list_cursor *at)
{
    row *row = lookup->rows;
    for (at->record = 0; at->record < at->count; at->record++) {
        size_t inner = list_rows(list, at);
        for (size_t i = 0; i < inner; i++)
            *row++ = (struct row){ .record = (uint32_t)at->record, .inner = (uint32_t)i };
    }
}

static size_t count_rows(const list *list, list_cursor *at)
{
    size_t rows = 0;
    for (at->record = 0; at->record < at->count; at->record++)
        rows += list_rows(list, at);
    return rows;
}

lookup *lookup_new(const list *list, const snapshot *snapshot, int key)
{
    list_cursor at = { .snapshot = (struct snapshot *)snapshot };
    list->read(&at);
    size_t rows = count_rows(list, &at);
    lookup *made = rows < NO_ROW / 2 ? sqlite3_malloc(sizeof *made) : NULL;
    if (!made)
        return NULL;
    *made = (lookup){ .buckets = 16 };
    while (made->buckets < rows)
        made->buckets *= 2;
    made->first = sqlite3_malloc64(made->buckets * sizeof *made->first);
    made->rows = sqlite3_malloc64((rows + 1) * sizeof *made->rows);
    if (!made->first || !made->rows) {
        lookup_free(made);
        return NULL;
    }
    for (uint32_t i = 0; i < made->buckets; i++)
        made->first[i] = NO_ROW;
    number_rows(made, list, &at);
    link_rows(made, list, &at, key, (uint32_t)rows);
    return made;
}

uint32_t lookup_first(const lookup *lookup, const list *list, const list_cursor *cursor, int key, const char *text)
{
    list_cursor at = *cursor;
    return *slot_of(lookup, list, &at, key, text, hash_of(text));
}

uint32_t lookup_next(const lookup *lookup, uint32_t row)
{
    return lookup->rows[row].same;
}

void lookup_move(const lookup *lookup, list_cursor *at, uint32_t row)
{
    at->record = row == NO_ROW ? at->count : lookup->rows[row].record;
    at->inner = row == NO_ROW ? 0 : lookup->rows[row].inner;
    at->position = row;
}

void lookup_free(lookup *lookup)
{
    if (!lookup)
        return;
    sqlite3_free(lookup->first);
    sqlite3_free(lookup->rows);
    sqlite3_free(lookup);
}
