/* The values of a constraint, sent in batches: they are part of the URL. */
#include "events.h"
SQLITE_EXTENSION_INIT3

#include <stdlib.h>
#include <string.h>

#define MAX_BATCH 100
#define MAX_BATCH_BYTES 20000

/* The maximum length of a text in a URL, as an element of a JSON array. */
static size_t length_in_url(const char *text)
{
    size_t length = 9;
    for (; *text; text++)
        length += (unsigned char)*text < ' ' || *text == '"' || *text == '\\' ? 8 : 3;
    return length;
}

int text_list_append(text_list *list, const char *text)
{
    if (list->len == MAX_VALUES || length_in_url(text) > MAX_BATCH_BYTES)
        return SQLITE_FULL;
    if (list->len == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        char **texts = sqlite3_realloc64(list->texts, capacity * sizeof *texts);
        if (!texts)
            return SQLITE_NOMEM;
        list->texts = texts;
        list->capacity = capacity;
    }
    list->texts[list->len] = sqlite3_mprintf("%s", text);
    return list->texts[list->len] ? list->len++, SQLITE_OK : SQLITE_NOMEM;
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void text_list_sort(text_list *list)
{
    size_t kept = 0;
    if (list->len == 0)
        return;
    qsort(list->texts, list->len, sizeof *list->texts, compare);
    for (size_t i = 1; i < list->len; i++)
        if (strcmp(list->texts[i], list->texts[kept]) == 0)
            sqlite3_free(list->texts[i]);
        else
            list->texts[++kept] = list->texts[i];
    list->len = kept + 1;
}

int text_list_copy(text_list *to, const text_list *from)
{
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < from->len; i++)
        code = text_list_append(to, from->texts[i]);
    return code;
}

void text_list_clear(text_list *list)
{
    while (list->len > 0)
        sqlite3_free(list->texts[--list->len]);
    sqlite3_free(list->texts);
    *list = (text_list){ .len = 0 };
}

size_t text_list_batch(const text_list *list, size_t first)
{
    size_t end = first, bytes = 0;
    while (end < list->len && end - first < MAX_BATCH && (bytes += length_in_url(list->texts[end])) <= MAX_BATCH_BYTES)
        end++;
    return end;
}

bool text_list_contains(const text_list *list, size_t first, size_t end, const char *text)
{
    return text && bsearch(&text, list->texts + first, end - first, sizeof *list->texts, compare);
}
