/* A statement reads one snapshot of a list, however often it scans it: SQLite scans again for each branch of an OR and for the
 * unmatched rows of a RIGHT or FULL JOIN, and uses the key to recognize rows that it has already seen. The last snapshot is kept
 * after the statement, and used again while the client caches the same answer, so that its lookups are built once. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

static void snapshot_free(snapshot *snapshot)
{
    if (!snapshot)
        return;
    for (int i = 0; i < MAX_LOOKUPS; i++)
        lookup_free(snapshot->lookups[i]);
    kal_result_free(snapshot->result);
    sqlite3_free(snapshot);
}

snapshot *snapshot_current(connection *connection, enum listing listing)
{
    snapshot *current = connection->snapshots[listing];
    if (!current || current->cursors == 0)
        return NULL;
    current->cursors++;
    return current;
}

/* The records of a result. Results of one cached answer have the same, and no other result has them while one is held. */
static const void *records_of(enum listing listing, kal_result result)
{
    switch (listing) {
    case LISTING_MEMBERS: return kal_result_workspace_users(result, NULL);
    case LISTING_GROUPS: return kal_result_workspace_groups(result, NULL);
    default: return kal_result_workspace(result);
    }
}

/* Takes the result. */
static int snapshot_of(connection *connection, enum listing listing, kal_result result, snapshot **made)
{
    snapshot *last = connection->snapshots[listing];
    if (last && records_of(listing, last->result) == records_of(listing, result)) {
        kal_result_free(result);
        last->cursors = 1;
        *made = last;
        return SQLITE_OK;
    }
    snapshot_free(last);
    connection->snapshots[listing] = *made = sqlite3_malloc(sizeof **made);
    if (!*made) {
        kal_result_free(result);
        return SQLITE_NOMEM;
    }
    **made = (snapshot){ .listing = listing, .number = ++connection->snapshots_made, .cursors = 1, .result = result };
    return SQLITE_OK;
}

int snapshot_read(connection *connection, enum listing listing, snapshot **read, char **message)
{
    static const char *const methods[LISTINGS] = {
        [LISTING_WORKSPACE] = "workspace.get_workspace",
        [LISTING_MEMBERS] = "workspace.get_members",
        [LISTING_GROUPS] = "workspace.get_groups",
    };
    kal_result result;
    *read = snapshot_current(connection, listing);
    if (*read)
        return SQLITE_OK;
    int code = connection_call(connection, methods[listing], NULL, &result, message);
    return code == SQLITE_OK ? snapshot_of(connection, listing, result, read) : code;
}

void snapshot_release(connection *connection, snapshot *snapshot)
{
    if (snapshot && --snapshot->cursors == 0 && connection->snapshots[snapshot->listing] != snapshot)
        snapshot_free(snapshot);
}

void snapshots_reset(connection *connection)
{
    for (int listing = 0; listing < LISTINGS; listing++) {
        snapshot *last = connection->snapshots[listing];
        connection->snapshots[listing] = NULL;
        if (last && last->cursors == 0)
            snapshot_free(last);
    }
    connection->events = NULL;
}
