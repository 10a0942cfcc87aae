/* The events that a statement looks up repeatedly, so that the requests of a join are bounded by the number of events: users are
 * looked up in batches, and each is requested once.
 *
 * The first scan with some constraints is read for itself and forgotten. Repeated, it is kept. A lookup of one user is kept from
 * the beginning; the following ones read the next members of the list, too, as an outer loop probably asks for them. Scans that
 * cannot foresee the next one read a part of the whole list each, until that is complete and answers all of them: at most twice
 * the requests of the better way. */
#include "events.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

/* The scans and lookups that are requested alone before the whole list is read, too. */
#define MAX_ALONE 16
/* The events that each further one reads of the whole list: a page. */
#define PART 1000

/* The events of a user, or of all users. */
typedef struct events_kept {
    struct events_kept *next;
    struct batch *batch; /* which reads more of them; NULL: complete */
    char *user;
    const kal_workspace_event **events;
    size_t len, capacity;
} kept;

/* The events that are read together. */
typedef struct batch {
    struct batch *next;
    struct group *group;
    events_source *source;
    bool is_whole; /* all users, also those not asked for */
    bool is_done;
    kept all;         /* in the order of the source; filled only if `is_whole` */
    text_index users; /* the same by user */
} batch;

/* Scans with the same constraints, whoever the user is. */
typedef struct group {
    struct group *next;
    events_store *store;
    char *key;
    events_query *query; /* without a user */
    text_index users;    /* those that were looked up */
    batch *whole, *batches;
    kept *kept;    /* of all batches */
    size_t scans;  /* without a user */
    size_t alone;  /* scans and lookups that were requested alone */
    size_t growth; /* batches of several users */
} group;

struct events_store {
    connection *connection;
    int cursors; /* reference count */
    group *groups;
    text_index by_key;
    kal_result members; /* the cached list, or none */
    const kal_workspace_user *const *users;
    size_t users_len;
    text_index members_by_id; /* points into `users` */
};

static const kept none;

events_store *events_store_current(connection *connection)
{
    if (connection->events)
        connection->events->cursors++;
    return connection->events;
}

events_store *events_store_get(connection *connection)
{
    events_store *store = events_store_current(connection);
    if (store || !(store = sqlite3_malloc(sizeof *store)))
        return store;
    *store = (events_store){ .connection = connection, .cursors = 1 };
    return connection->events = store;
}

static void free_batch(batch *batch)
{
    events_source_free(batch->source);
    sqlite3_free(batch->all.events);
    text_index_free(&batch->users);
    sqlite3_free(batch);
}

static void free_group(group *group)
{
    for (batch *batch; (batch = group->batches); free_batch(batch))
        group->batches = batch->next;
    for (kept *kept; (kept = group->kept); sqlite3_free(kept)) {
        group->kept = kept->next;
        sqlite3_free(kept->events);
        sqlite3_free(kept->user);
    }
    text_index_free(&group->users);
    events_query_free(group->query);
    sqlite3_free(group->key);
    sqlite3_free(group);
}

void events_store_release(events_store *store)
{
    if (!store || --store->cursors > 0)
        return;
    if (store->connection->events == store)
        store->connection->events = NULL;
    for (group *group; (group = store->groups); free_group(group))
        store->groups = group->next;
    text_index_free(&store->by_key);
    text_index_free(&store->members_by_id);
    kal_result_free(store->members);
    sqlite3_free(store);
}

/* The group of the query; NULL: out of memory. */
static group *group_of(events_store *store, const events_query *query)
{
    char *key = events_query_key(query);
    group *found = key ? text_index_find(&store->by_key, key) : NULL;
    if (found || !key) {
        sqlite3_free(key);
        return found;
    }
    group *made = sqlite3_malloc(sizeof *made);
    if (!made) {
        sqlite3_free(key);
        return NULL;
    }
    *made = (group){ .store = store, .key = key };
    if (events_query_copy(query, NULL, &made->query) != SQLITE_OK || text_index_add(&store->by_key, key, made) != SQLITE_OK) {
        free_group(made);
        return NULL;
    }
    made->next = store->groups;
    return store->groups = made;
}

/* Adds a place for the events of a user to the batch. */
static int add_user(batch *batch, const char *user, kept **made)
{
    kept *added = sqlite3_malloc(sizeof *added);
    if (!added)
        return SQLITE_NOMEM;
    *added = (kept){ .next = batch->group->kept, .batch = batch, .user = sqlite3_mprintf("%s", user) };
    batch->group->kept = *made = added;
    if (!added->user)
        return SQLITE_NOMEM;
    return text_index_add(batch->is_whole ? &batch->users : &batch->group->users, added->user, added);
}

static int append(kept *kept, const kal_workspace_event *event)
{
    if (kept->len == kept->capacity) {
        size_t capacity = kept->capacity ? 2 * kept->capacity : 8;
        const kal_workspace_event **events = sqlite3_realloc64((void *)kept->events, capacity * sizeof *events);
        if (!events)
            return SQLITE_NOMEM;
        kept->events = events;
        kept->capacity = capacity;
    }
    kept->events[kept->len++] = event;
    return SQLITE_OK;
}

/* Takes ownership of the query, also on failure. */
static int add_batch(group *group, events_query *query, bool is_whole, batch **added)
{
    events_source *source;
    int code = events_source_new(group->store->connection, query, true, &source);
    if (code != SQLITE_OK)
        return code;
    batch *made = sqlite3_malloc(sizeof *made);
    if (!made) {
        events_source_free(source);
        return SQLITE_NOMEM;
    }
    *made = (batch){ .next = group->batches, .group = group, .source = source, .is_whole = is_whole };
    made->all.batch = made;
    group->batches = *added = made;
    return SQLITE_OK;
}

static int keep(batch *batch, const kal_workspace_event *event)
{
    kept *kept;
    int code = SQLITE_OK;
    if (batch->is_whole && (code = append(&batch->all, event)) != SQLITE_OK)
        return code;
    if (!event->event_user_id)
        return SQLITE_OK;
    kept = text_index_find(batch->is_whole ? &batch->users : &batch->group->users, event->event_user_id);
    if (!kept && batch->is_whole && (code = add_user(batch, event->event_user_id, &kept)) != SQLITE_OK)
        return code;
    /* The server may return events of others. */
    return kept && kept->batch == batch ? append(kept, event) : SQLITE_OK;
}

/* Reads one event. */
static int batch_read(batch *batch, char **message)
{
    connection *connection = batch->group->store->connection;
    const kal_workspace_event *event;
    int code = events_source_next(batch->source, &event, message);
    if (code == SQLITE_OK && event)
        code = keep(batch, event);
    else if (code == SQLITE_OK)
        batch->is_done = true;
    /* Later statements begin anew. */
    if (code != SQLITE_OK && connection->events == batch->group->store)
        connection->events = NULL;
    return code;
}

/* The events that are kept or being read; NULL: none. */
static kept *find(const group *group, const char *user)
{
    if (!user)
        return group->whole ? &group->whole->all : NULL;
    kept *found = text_index_find(&group->users, user);
    if (found || !group->whole || !group->whole->is_done)
        return found;
    found = text_index_find(&group->whole->users, user);
    return found ? found : (kept *)&none;
}

static int read_whole(group *group)
{
    events_query *query;
    int code = events_query_copy(group->query, NULL, &query);
    return code == SQLITE_OK ? add_batch(group, query, true, &group->whole) : code;
}

/* Reads a part of the whole list. */
static int read_part(group *group, char **message)
{
    int code = group->whole ? SQLITE_OK : read_whole(group);
    for (int i = 0; code == SQLITE_OK && i < PART && !group->whole->is_done; i++)
        code = batch_read(group->whole, message);
    return code;
}

/* The group of all events: where constraints vary, no other list as a whole answers more than a few scans. */
static group *unconstrained(events_store *store, const events_query *query)
{
    const events_query all = { .after = UNBOUNDED, .before = -UNBOUNDED, .newest_first = query->newest_first };
    return group_of(store, &all);
}

/* Counts a scan that is requested alone; after some of them, reads of the whole list, too. `*found`: the events, if that is
 * complete. */
static int count_alone(events_store *store, group *of, const events_query *query, kept **found, char **message)
{
    group *larger = store->by_key.len > MAX_ALONE ? unconstrained(store, query) : of;
    if (!larger)
        return SQLITE_NOMEM;
    if (++larger->alone <= MAX_ALONE)
        return SQLITE_OK;
    int code = read_part(larger, message);
    if (code == SQLITE_OK && larger->whole->is_done)
        *found = find(larger, query->lookup);
    return code;
}

/* Reads the list of members if the client has it; nothing is requested. */
static int read_members(events_store *store)
{
    kal_call_options cached = KAL_CALL_OPTIONS_INIT;
    int code = SQLITE_OK;
    cached.cache = KAL_CACHE_ONLY;
    if (kal_call(store->connection->client, "workspace.get_members", NULL, &cached, &store->members, NULL) != KAL_OK)
        return SQLITE_OK;
    store->users = kal_result_workspace_users(store->members, &store->users_len);
    for (size_t i = 0; code == SQLITE_OK && i < store->users_len; i++)
        if (!text_index_find(&store->members_by_id, store->users[i]->id))
            code = text_index_add(&store->members_by_id, store->users[i]->id, (void *)&store->users[i]);
    return code;
}

/* The user of the lookup, and after the first lookup the next members of the list that were not looked up. */
static int choose_users(events_store *store, group *group, const char *user, text_list *users)
{
    static const size_t sizes[] = { 4, 16, 64, 100 };
    int code = text_list_append(users, user);
    if (code == SQLITE_OK && store->members.id == 0 && group->users.len > 0)
        code = read_members(store);
    const kal_workspace_user *const *member = text_index_find(&store->members_by_id, user);
    if (!member || group->users.len == 0)
        return code;
    size_t most = sizes[group->growth < 3 ? group->growth++ : 3], first = (size_t)(member - store->users);
    for (size_t i = 1; code == SQLITE_OK && i < store->users_len && users->len < most; i++) {
        const char *id = store->users[(first + i) % store->users_len]->id;
        if (text_equals_itself(id, strlen(id)) && !text_index_find(&group->users, id))
            code = text_list_append(users, id);
        if (code == SQLITE_FULL)
            code = SQLITE_OK;
    }
    text_list_sort(users);
    return code;
}

/* Requests the users in one batch. Takes ownership of the query, also on failure. */
static int request(group *group, const text_list *users, int64_t rows)
{
    events_query *query;
    batch *batch;
    kept *kept;
    int code = events_query_copy(group->query, users, &query);
    if (code != SQLITE_OK)
        return code;
    query->rows = rows;
    code = add_batch(group, query, false, &batch);
    for (size_t i = 0; code == SQLITE_OK && i < users->len; i++)
        code = add_user(batch, users->texts[i], &kept);
    return code;
}

/* Looks up a user for the first time. */
static int look_up(events_store *store, group *group, const events_query *query, kept **found, char **message)
{
    text_list users = { .len = 0 };
    int code = choose_users(store, group, query->lookup, &users);
    if (code == SQLITE_OK && (users.len == 1 || store->by_key.len > MAX_ALONE))
        code = count_alone(store, group, query, found, message);
    /* The first one is often the only one, which ends with LIMIT. */
    if (code == SQLITE_OK && !*found)
        code = request(group, &users, group->users.len == 0 ? query->rows : 0);
    text_list_clear(&users);
    if (code == SQLITE_OK && !*found)
        *found = find(group, query->lookup);
    return code;
}

/* Scans without a lookup; `*found` stays NULL if it is to be read for itself. */
static int scan_again(events_store *store, group *group, const events_query *query, kept **found, char **message)
{
    int code = group->scans++ > 0 ? read_whole(group) : count_alone(store, group, query, found, message);
    if (code == SQLITE_OK && group->whole)
        *found = &group->whole->all;
    return code;
}

int events_store_scan(events_store *store, events_query *query, events_scan *scan, char **message)
{
    group *group = group_of(store, query);
    int code = group ? SQLITE_OK : SQLITE_NOMEM;
    *scan = (events_scan){ .position = 0 };
    if (code == SQLITE_OK && !query->is_empty) {
        scan->kept = find(group, query->lookup);
        if (!scan->kept)
            code = (query->lookup ? look_up : scan_again)(store, group, query, &scan->kept, message);
    }
    if (code == SQLITE_OK && !scan->kept)
        return events_source_new(store->connection, query, false, &scan->source);
    events_query_free(query);
    return code;
}

int events_scan_next(events_scan *scan, const kal_workspace_event **event, char **message)
{
    kept *kept = scan->kept;
    if (scan->source)
        return events_source_next(scan->source, event, message);
    while (kept->batch && scan->position == kept->len && !kept->batch->is_done) {
        int code = batch_read(kept->batch, message);
        if (code != SQLITE_OK)
            return code;
    }
    *event = scan->position < kept->len ? kept->events[scan->position++] : NULL;
    return SQLITE_OK;
}

void events_scan_end(events_scan *scan)
{
    events_source_free(scan->source);
    *scan = (events_scan){ .position = 0 };
}
