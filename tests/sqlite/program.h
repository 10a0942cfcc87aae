/* What the C tests of the extension share: a server, connections with the extension, and statements. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <sqlite3.h>
#include <stdlib.h>

#include "check.h"
#include "emulator.h"

static emulator server;

static void load(sqlite3 *db)
{
    char *message = NULL;
    sqlite3_enable_load_extension(db, 1);
    int code = sqlite3_load_extension(db, getenv("KAL_SQLITE"), NULL, &message);
    CHECK_TEXT(message, NULL);
    CHECK_INT(code, SQLITE_OK);
    sqlite3_free(message);
}

static inline sqlite3 *opened_file(const char *name)
{
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL), SQLITE_OK);
    load(db);
    return db;
}

static inline sqlite3 *opened(void)
{
    return opened_file(":memory:");
}

static inline void closed(sqlite3 *db)
{
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

/* The number that the statement returns first, 0 if it returns none, or its error code negated. */
static inline int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : code == SQLITE_DONE ? 0 : -code;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        printf("# %s: %s\n", sql, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return value;
}

static void reset_server(void)
{
    emulator_reset(&server);
}

static int run_with_server(int argc, char **argv)
{
    server = emulator_start("--seed", "7", (char *)NULL);
    setenv("KALEIDOSCOPE_API_URL", server.url, 1);
    setenv("KALEIDOSCOPE_API_CLIENT_ID", "demo-client", 1);
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", "demo-secret", 1);
    check_before_each(reset_server);
    int outcome = check_main(argc, argv);
    emulator_stop(&server);
    return outcome;
}

#endif
