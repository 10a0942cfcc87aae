/* Which constraints of a statement are sent to the server. This reduces the number of events requested, but does not change the
 * result: SQLite checks every row again, so the server may return more rows than match. It must not omit rows that SQLite would
 * keep, so a comparison with another collation (NOCASE) is not sent. */
#include "events.h"
SQLITE_EXTENSION_INIT3

/* The cost of a request relative to that of a row. */
#define STREAM_COST 10000.0
#define ROWS 1000000

typedef struct plan {
    sqlite3_index_info *info;
    char *arguments; /* so far, one letter each */
    int count;
    int64_t rows;
} plan;

static void push(plan *plan, int constraint, char argument, int64_t selectivity)
{
    plan->arguments[plan->count++] = argument;
    plan->info->aConstraintUsage[constraint].argvIndex = plan->count;
    plan->rows = plan->rows > selectivity ? plan->rows / selectivity : 1;
}

static bool has(const plan *plan, char argument)
{
    for (int i = 0; i < plan->count; i++)
        if (plan->arguments[i] == argument)
            return true;
    return false;
}

/* All values of an IN are processed at once. One at a time, they would be compared with the wrong affinity: SQLite does not apply
 * that of the IN. */
static void push_listed(plan *plan, int constraint, char one, char many)
{
    if (has(plan, one) || has(plan, many))
        return;
    push(plan, constraint, one, 10);
    if (sqlite3_vtab_in(plan->info, constraint, 1))
        plan->arguments[plan->count - 1] = many;
}

/* A user who is a constant is not looked up repeatedly. */
static void push_user(plan *plan, int constraint)
{
    sqlite3_value *constant;
    int before = plan->count;
    if (has(plan, ARGUMENT_LOOKUP))
        return;
    push_listed(plan, constraint, ARGUMENT_USER, ARGUMENT_USERS);
    if (plan->count > before && plan->arguments[before] == ARGUMENT_USER
        && sqlite3_vtab_rhs_value(plan->info, constraint, &constant) != SQLITE_OK)
        plan->arguments[before] = ARGUMENT_LOOKUP;
}

static void push_equal(plan *plan, int constraint, int column)
{
    if (column == EVENT_TYPE)
        push_listed(plan, constraint, ARGUMENT_TYPE, ARGUMENT_TYPES);
    else if (column == EVENT_USER_ID)
        push_user(plan, constraint);
    else if (column == EVENT_RESOURCE_TYPE)
        push_listed(plan, constraint, ARGUMENT_RESOURCE_TYPE, ARGUMENT_RESOURCE_TYPES);
}

static void push_date(plan *plan, int constraint, unsigned char op)
{
    if (op == SQLITE_INDEX_CONSTRAINT_EQ)
        push(plan, constraint, ARGUMENT_AT, 1000);
    else if (op == SQLITE_INDEX_CONSTRAINT_GE || op == SQLITE_INDEX_CONSTRAINT_GT)
        push(plan, constraint, ARGUMENT_AFTER, 4);
    else if (op == SQLITE_INDEX_CONSTRAINT_LE || op == SQLITE_INDEX_CONSTRAINT_LT)
        push(plan, constraint, ARGUMENT_BEFORE, 4);
}

/* LIMIT and OFFSET are hints if SQLite neither sorts nor removes rows. It applies them. */
static void push_limit(plan *plan)
{
    const sqlite3_index_info *info = plan->info;
    if (info->nOrderBy > 0 && !info->orderByConsumed)
        return;
    for (int i = 0; i < info->nConstraint; i++) {
        unsigned char op = info->aConstraint[i].op;
        if (op != SQLITE_INDEX_CONSTRAINT_LIMIT && op != SQLITE_INDEX_CONSTRAINT_OFFSET
            && info->aConstraintUsage[i].argvIndex == 0)
            return;
    }
    for (int i = 0; i < info->nConstraint; i++) {
        unsigned char op = info->aConstraint[i].op;
        if (info->aConstraint[i].usable && op == SQLITE_INDEX_CONSTRAINT_LIMIT)
            push(plan, i, ARGUMENT_LIMIT, 1);
        else if (info->aConstraint[i].usable && op == SQLITE_INDEX_CONSTRAINT_OFFSET)
            push(plan, i, ARGUMENT_OFFSET, 1);
    }
}

/* ORDER BY created_at DESC, for which events_order.c reads no more than needed. Its collation is that of the column, else SQLite
 * would not mention it. */
static bool is_newest_first(sqlite3_index_info *info)
{
    return info->nOrderBy == 1 && info->aOrderBy[0].iColumn == EVENT_CREATED_AT && info->aOrderBy[0].desc
           && sqlite3_vtab_distinct(info) == 0;
}

int events_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    plan plan = { .info = info, .rows = ROWS };
    (void)table;
    plan.arguments = sqlite3_malloc(info->nConstraint + 1);
    if (!plan.arguments)
        return SQLITE_NOMEM;
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        unsigned char op = info->aConstraint[i].op;
        if (!info->aConstraint[i].usable)
            continue;
        const char *collation = sqlite3_vtab_collation(info, i);
        if (column == EVENT_CREATED_AT && sqlite3_stricmp(collation, TIMESTAMP_COLLATION) == 0)
            push_date(&plan, i, op);
        else if (op == SQLITE_INDEX_CONSTRAINT_EQ && i < MAX_CONSTRAINTS && sqlite3_stricmp(collation, "BINARY") == 0)
            push_equal(&plan, i, column);
    }
    if (is_newest_first(info)) {
        info->idxNum = EVENTS_NEWEST_FIRST;
        info->orderByConsumed = 1;
    }
    push_limit(&plan);
    plan.arguments[plan.count] = 0;
    info->idxStr = plan.arguments;
    info->needToFreeIdxStr = 1;
    info->estimatedRows = plan.rows;
    info->estimatedCost = STREAM_COST + (double)plan.rows;
    return SQLITE_OK;
}
