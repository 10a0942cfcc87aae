/* Whether the host wants a statement that waits for the server to end: by sqlite3_interrupt, or by its progress handler.
 *
 * SQLite invokes the progress handler from running statements only, after every so many instructions, so the wait runs one. A
 * statement without SQL text is not traced, not profiled and not shown to the authorizer. SQLite makes such statements while it
 * reads the schema, and the imposter control puts the connection into that state. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

/* About 4,000 instructions for each row, without an end: a step takes a tenth of a millisecond. */
static const char endless[] =
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i % 250 = 0";

/* The connection is locked meanwhile: this runs within a statement of the host. */
static int prepare_without_text(interrupt *interrupt)
{
    sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, interrupt->db, "main", 1, 0);
    /* The legacy interface, as SQLite cannot prepare a statement again whose text it does not have. */
    int code = sqlite3_prepare(interrupt->db, endless, -1, &interrupt->running, NULL);
    sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, interrupt->db, "main", 0, 0);
    return code;
}

bool interrupt_check(interrupt *interrupt)
{
    sqlite3_stmt *nothing = NULL;
    /* The parser checks for sqlite3_interrupt, also at the end of an empty text. sqlite3_is_interrupted exists since 3.41 only.
     */
    int code = sqlite3_prepare_v2(interrupt->db, "", -1, &nothing, NULL);
    /* One statement for the whole wait: SQLite counts the instructions of each by itself. */
    if (code == SQLITE_OK && !interrupt->running)
        code = prepare_without_text(interrupt);
    if (code == SQLITE_OK && sqlite3_step(interrupt->running) != SQLITE_ROW)
        code = interrupt_end(interrupt);
    return code == SQLITE_INTERRUPT;
}

int interrupt_end(interrupt *interrupt)
{
    int code = sqlite3_finalize(interrupt->running);
    interrupt->running = NULL;
    return code;
}
