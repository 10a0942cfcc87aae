/* The columns of the tables of workspace, members, groups and group members. */
#include "lists.h"
SQLITE_EXTENSION_INIT3

static void text(sqlite3_context *context, const char *text)
{
    /* A NULL pointer results in SQL NULL. */
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* Returns the ids as a JSON array, for json_each. */
static void json_list(sqlite3_context *context, const char *const *ids, size_t len)
{
    sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
    sqlite3_str_appendchar(json, 1, '[');
    for (size_t i = 0; i < len; i++) {
        sqlite3_str_appendall(json, i ? ",\"" : "\"");
        for (const unsigned char *c = (const unsigned char *)ids[i]; *c; c++) {
            if (*c < ' ') {
                sqlite3_str_appendf(json, "\\u%04x", *c);
                continue;
            }
            if (*c == '"' || *c == '\\')
                sqlite3_str_appendchar(json, 1, '\\');
            sqlite3_str_appendchar(json, 1, (char)*c);
        }
        sqlite3_str_appendchar(json, 1, '"');
    }
    sqlite3_str_appendchar(json, 1, ']');
    int code = sqlite3_str_errcode(json), length = sqlite3_str_length(json);
    char *finished = sqlite3_str_finish(json);
    if (code != SQLITE_OK)
        sqlite3_result_error_code(context, code);
    else
        sqlite3_result_text(context, finished, length, sqlite3_free);
    if (code != SQLITE_OK)
        sqlite3_free(finished);
}

static void read_workspace(list_cursor *at)
{
    at->workspace = kal_result_workspace(at->snapshot->result);
    at->records = (const void *const *)&at->workspace;
    at->count = 1;
}

static void workspace_column(const list_cursor *at, sqlite3_context *context, int column)
{
    text(context, column == 0 ? at->workspace->id : at->workspace->workspace_name);
}

static void read_members(list_cursor *at)
{
    at->records = (const void *const *)kal_result_workspace_users(at->snapshot->result, &at->count);
}

static void member_column(const list_cursor *at, sqlite3_context *context, int column)
{
    const kal_workspace_user *user = at->records[at->record];
    const char *const columns[] = { user->id, user->full_name, user->preferred_name, user->access_level_name, user->email };
    text(context, columns[column]);
}

static const char *member_key(const list_cursor *at, int key)
{
    const kal_workspace_user *user = at->records[at->record];
    return key == 0 ? user->id : user->email;
}

static void read_groups(list_cursor *at)
{
    at->records = (const void *const *)kal_result_workspace_groups(at->snapshot->result, &at->count);
}

static void group_column(const list_cursor *at, sqlite3_context *context, int column)
{
    const kal_workspace_group *group = at->records[at->record];
    const char *const columns[] = { group->id, group->group_name, group->email };
    if (column < 3)
        text(context, columns[column]);
    else if (column == 3)
        json_list(context, group->user_ids, group->user_ids_len);
    else
        json_list(context, group->program_ids, group->program_ids_len);
}

static const char *group_key(const list_cursor *at, int key)
{
    const kal_workspace_group *group = at->records[at->record];
    return key == 0 ? group->id : group->email;
}

static size_t members_of_group(const list_cursor *at)
{
    return ((const kal_workspace_group *)at->records[at->record])->user_ids_len;
}

static const char *group_member_key(const list_cursor *at, int key)
{
    const kal_workspace_group *group = at->records[at->record];
    return key == 0 ? group->user_ids[at->inner] : group->id;
}

static void group_member_column(const list_cursor *at, sqlite3_context *context, int column)
{
    text(context, group_member_key(at, 1 - column));
}

static const list workspace = {
    .name = "kal_workspace",
    .columns = "id TEXT, workspace_name TEXT",
    .width = 2,
    .listing = LISTING_WORKSPACE,
    .read = read_workspace,
    .column = workspace_column,
};
static const list members = {
    .name = "kal_members",
    .columns = "id TEXT, full_name TEXT, preferred_name TEXT, access_level TEXT, email TEXT",
    .width = 5,
    .listing = LISTING_MEMBERS,
    .read = read_members,
    .column = member_column,
    .keys = { { .column = 0, .rows = 1 }, { .column = 4, .rows = 1 } },
    .keys_len = 2,
    .key = member_key,
};
static const list groups = {
    .name = "kal_groups",
    .columns = "id TEXT, group_name TEXT, email TEXT, user_ids TEXT, program_ids TEXT",
    .width = 5,
    .listing = LISTING_GROUPS,
    .read = read_groups,
    .column = group_column,
    .keys = { { .column = 0, .rows = 1 }, { .column = 2, .rows = 1 } },
    .keys_len = 2,
    .key = group_key,
};
static const list group_members = {
    .name = "kal_group_members",
    .columns = "group_id TEXT, user_id TEXT",
    .width = 2,
    .listing = LISTING_GROUPS,
    .read = read_groups,
    .inner = members_of_group,
    .column = group_member_column,
    .keys = { { .column = 1, .rows = 5 }, { .column = 0, .rows = 50 } },
    .keys_len = 2,
    .first_lookup = 2,
    .key = group_member_key,
};
const list *const all_lists[] = { &workspace, &members, &groups, &group_members, NULL };
