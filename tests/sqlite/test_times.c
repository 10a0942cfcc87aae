/* Times in one process: texts without a terminator, and databases in UTF-16. KAL_SQLITE is the extension's path. */
#include <string.h>

#include "program.h"

/* Each has parts that a parser may look ahead for. */
static const char *const texts[] = {
    "2025-10-01T12:00:00.000000Z",
    "-0001-12-31 24:00:00,5-23:59 ",
    "2016-12-31T23:59:60.5\xE2\x88\x92"
    "0030",
    "2025-10-01TT12:30 +1400",
    "12:30:15.25z",
    " +2460950.5e+0 ",
    "-0.0E-12",
    "1759320000.123456",
    "yesterday",
};

static char *copied(const char *text, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    REQUIRE(copy != NULL);
    memcpy(copy, text, length);
    return copy;
}

/* valgrind finds a read past the end of a copy. SQLite gives the collation the copies themselves. */
CLAIM(a_text_is_read_to_its_end)
{
    sqlite3 *db = opened();
    sqlite3_stmt *compare = NULL;
    CHECK_INT(sqlite3_prepare_v2(db, "SELECT ?1 = ?2 COLLATE kal_time", -1, &compare, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t length = 0; length <= strlen(texts[i]); length++) {
            char *left = copied(texts[i], length), *right = copied(texts[i], length);
            sqlite3_bind_text(compare, 1, left, (int)length, SQLITE_STATIC);
            sqlite3_bind_text(compare, 2, right, (int)length, SQLITE_STATIC);
            CHECK_INT(sqlite3_step(compare), SQLITE_ROW);
            CHECK_INT(sqlite3_column_int(compare, 0), 1);
            sqlite3_reset(compare);
            free(left);
            free(right);
        }
    sqlite3_finalize(compare);
    closed(db);
}

CLAIM(times_are_the_same_in_utf_16)
{
    sqlite3 *db = opened();
    CHECK_INT(sqlite3_exec(db, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE copy AS SELECT * FROM kal_events", NULL, NULL, NULL),
              SQLITE_OK);
    CHECK_INT(number(db, "SELECT count(*) FROM copy WHERE typeof(created_at) = 'text' AND length(created_at) = 27"), 250);
    CHECK_INT(number(db, "SELECT count(*) FROM copy WHERE created_at = kal_time(created_at_raw)"), 250);
    CHECK_INT(number(db, "SELECT (SELECT count(*) FROM copy WHERE created_at < kal_time('2025-11-31'))"
                         " = (SELECT count(*) FROM kal_events WHERE created_at < '2025-11-31')"),
              1);
    CHECK_INT(number(db, "SELECT (SELECT count(*) FROM copy WHERE created_at_raw < '2025-11-31' COLLATE kal_time)"
                         " = (SELECT count(*) FROM kal_events WHERE created_at < '2025-11-31')"),
              1);
    closed(db);
}

int main(int argc, char **argv)
{
    return run_with_server(argc, argv);
}
