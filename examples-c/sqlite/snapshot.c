/* A statement reads one snapshot of a list, however often it scans it: SQLite scans again for each branch of an OR and for the
 * unmatched rows of a RIGHT or FULL JOIN, and uses the key to recognize rows that it has already seen. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

snapshot *snapshot_current(connection *connection, enum listing listing)
{
    snapshot *current = connection->snapshots[listing];
    if (current)
        current->cursors++;
    return current;
}

int snapshot_read(connection *connection, enum listing listing, snapshot **read, char **message)
{
    static const char *const methods[LISTINGS] = {
        [LISTING_WORKSPACE] = "workspace.get_workspace",
        [LISTING_MEMBERS] = "workspace.get_members",
        [LISTING_GROUPS] = "workspace.get_groups",
    };
    *read = snapshot_current(connection, listing);
    if (*read)
        return SQLITE_OK;
    snapshot *made = sqlite3_malloc(sizeof *made);
    if (!made)
        return SQLITE_NOMEM;
    *made = (snapshot){ .listing = listing, .number = ++connection->snapshots_made, .cursors = 1 };
    int code = connection_read(connection, methods[listing], &made->result, message);
    if (code != SQLITE_OK) {
        sqlite3_free(made);
        return code;
    }
    connection->snapshots[listing] = *read = made;
    return SQLITE_OK;
}

void snapshot_release(connection *connection, snapshot *snapshot)
{
    if (!snapshot || --snapshot->cursors > 0)
        return;
    if (connection->snapshots[snapshot->listing] == snapshot)
        connection->snapshots[snapshot->listing] = NULL;
    kal_result_free(snapshot->result);
    sqlite3_free(snapshot);
}

void snapshots_reset(connection *connection)
{
    for (int listing = 0; listing < LISTINGS; listing++)
        connection->snapshots[listing] = NULL;
}
