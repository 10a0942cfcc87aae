/* Created tables in programs: several connections, a shared cache, and the default of trusted_schema. */
#include <unistd.h>

#include "program.h"

/* A database of several connections, each with its own client. */
static void two_connections(const char *name)
{
    sqlite3 *one = opened_file(name), *two = opened_file(name);
    CHECK_INT(number(one, "CREATE VIRTUAL TABLE m USING kal_members"), 0);
    CHECK_INT(number(one, "SELECT count(*) FROM m"), 12);
    CHECK_INT(number(two, "SELECT count(*) FROM m"), 12);
    CHECK_INT(number(two, "SELECT count(*) FROM kal_members"), 12);
    CHECK_INT(emulator_count(&server, "/workspaces/members"), 2);
    /* What one opens, the other does not use. */
    CHECK_INT(number(one, "SELECT kal_open('{\"client_secret\": \"wrong\", \"max_attempts\": 1}')"), 0);
    CHECK_INT(number(one, "SELECT count(*) FROM m"), -SQLITE_ERROR);
    CHECK_INT(number(two, "SELECT count(*) FROM m"), 12);
    CHECK_INT(number(two, "ALTER TABLE m RENAME TO n"), 0);
    CHECK_INT(number(two, "SELECT count(*) FROM n"), 12);
    CHECK_INT(number(one, "DROP TABLE n"), 0);
    CHECK_INT(number(two, "SELECT count(*) FROM n"), -SQLITE_ERROR);
    closed(one);
    CHECK_INT(number(two, "SELECT count(*) FROM kal_members"), 12);
    closed(two);
}

CLAIM(two_connections_to_a_file_have_their_own_clients)
{
    char name[] = "/tmp/kal_tables_XXXXXX";
    close(mkstemp(name));
    two_connections(name);
    unlink(name);
}

CLAIM(so_have_two_connections_with_a_shared_cache)
{
    two_connections("file:kal_tables?mode=memory&cache=shared");
}

/* Programs, unlike the shell, have trusted_schema on. Seen red without SQLITE_VTAB_DIRECTONLY. */
CLAIM(a_stored_view_or_trigger_does_not_read_a_table_in_a_program_that_trusts_the_schema)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, "PRAGMA trusted_schema"), 1);
    CHECK_INT(number(db, "CREATE TABLE t(a)"), 0);
    CHECK_INT(number(db, "CREATE VIEW v AS SELECT * FROM kal_members"), 0);
    CHECK_INT(number(db, "SELECT count(*) FROM v"), -SQLITE_ERROR);
    CHECK_CONTAINS(sqlite3_errmsg(db), "unsafe use of virtual table \"kal_members\"");
    CHECK_INT(number(db, "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO t SELECT id FROM kal_members; END"), 0);
    CHECK_INT(number(db, "INSERT INTO t VALUES (1)"), -SQLITE_ERROR);
    CHECK_INT(number(db, "CREATE TEMP VIEW w AS SELECT * FROM kal_members"), 0);
    CHECK_INT(number(db, "SELECT count(*) FROM w"), 12);
    closed(db);
}

CLAIM(a_table_that_is_being_read_cannot_be_dropped)
{
    sqlite3 *db = opened();
    sqlite3_stmt *statement = NULL;
    CHECK_INT(number(db, "CREATE VIRTUAL TABLE m USING kal_members"), 0);
    REQUIRE(sqlite3_prepare_v2(db, "SELECT * FROM m", -1, &statement, NULL) == SQLITE_OK);
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    CHECK_INT(number(db, "DROP TABLE m"), -SQLITE_LOCKED);
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    sqlite3_finalize(statement);
    CHECK_INT(number(db, "DROP TABLE m"), 0);
    closed(db);
}

CLAIM(the_extension_loaded_again_serves_the_tables_that_were_created_before)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, "CREATE VIRTUAL TABLE m USING kal_members"), 0);
    CHECK_INT(number(db, "SELECT count(*) FROM m"), 12);
    load(db);
    CHECK_INT(number(db, "SELECT count(*) FROM m"), 12);
    CHECK_INT(number(db, "DROP TABLE m"), 0);
    closed(db);
}

int main(int argc, char **argv)
{
    return run_with_server(argc, argv);
}
