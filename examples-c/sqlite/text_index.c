/* A hash table with open addressing. */
#include "events.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

/* FNV-1a. */
static size_t hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 32);
}

/* The entry of the text, or the free one where it would be. */
static struct text_index_entry *entry(const text_index *index, const char *text)
{
    size_t at = hash(text) & (index->capacity - 1);
    while (index->entries[at].value && strcmp(index->entries[at].text, text) != 0)
        at = (at + 1) & (index->capacity - 1);
    return &index->entries[at];
}

void *text_index_find(const text_index *index, const char *text)
{
    return index->capacity ? entry(index, text)->value : NULL;
}

int text_index_add(text_index *index, const char *text, void *value)
{
    if (2 * index->len >= index->capacity) {
        text_index larger = { .len = index->len, .capacity = index->capacity ? 2 * index->capacity : 16 };
        size_t bytes = larger.capacity * sizeof *larger.entries;
        if (!(larger.entries = sqlite3_malloc64(bytes)))
            return SQLITE_NOMEM;
        memset(larger.entries, 0, bytes);
        for (size_t i = 0; i < index->capacity; i++)
            if (index->entries[i].value)
                *entry(&larger, index->entries[i].text) = index->entries[i];
        sqlite3_free(index->entries);
        *index = larger;
    }
    *entry(index, text) = (struct text_index_entry){ text, value };
    index->len++;
    return SQLITE_OK;
}

void text_index_free(text_index *index)
{
    sqlite3_free(index->entries);
    *index = (text_index){ .len = 0 };
}
