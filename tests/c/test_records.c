/* Answers: the server's JSON is decoded into records, or results in an error that names the place. */
#include "kit.h"

#include <stdlib.h>

#include "raw_server.h"

#define MEMBERS "/workspaces/members"
#define GROUPS "/workspaces/groups"
#define EVENTS "/workspaces/events"
#define WORKSPACE "/workspaces/active"

/* The result of one answer, from a client that is closed before the result is read. */
static kal_result answer_to(kit_call call, const char *path, const char *body)
{
    kal_client client = new_client();
    emulator_answer(&server, path, 1, body);
    kal_result result = RESULT_OF(call, client);
    kal_client_close(client);
    return result;
}

/* An answer that cannot be used; the error has its body unchanged. */
static void unusable(kit_call call, const char *path, const char *body, const char *says)
{
    kal_client client = new_client();
    emulator_answer(&server, path, 1, body);
    const kal_error_info *info = FAILURE_OF(call, client, KAL_BAD_RESPONSE, says);
    CHECK_INT(info->http_status, 200);
    CHECK_INT(info->attempts, 1);
    CHECK(!info->retryable);
    CHECK_TEXT(info->method, "GET");
    CHECK_TEXT(info->url, path);
    CHECK_TEXT(info->body, body);
    CHECK_INT(info->body_len, strlen(body));
    CHECK(info->request_id != NULL);
    kal_client_close(client);
}

static void check_json(kal_result result, const char *expected)
{
    size_t len;
    CHECK_TEXT(kal_result_json(result, &len), expected);
    CHECK_INT(len, strlen(expected));
}

CLAIM(a_workspace_has_every_field_as_sent)
{
    static const char body[] = "{\"workspace_name\":\"H\xc3\xa9lix\",\"plan\":{\"seats\":1.5e3},\"id\":\"w-1\"}";
    kal_result result = answer_to(get_workspace, WORKSPACE, body);
    const kal_workspace *workspace = kal_result_workspace(result);
    REQUIRE(workspace != NULL);
    CHECK_TEXT(workspace->id, "w-1");
    CHECK_TEXT(workspace->workspace_name, "H\xc3\xa9lix");
    check_json(result, body);
    kal_result_free(result);
}

CLAIM(a_member_has_every_field_as_sent)
{
    kal_result result = answer_to(get_members, MEMBERS,
                                  "[{\"id\":\"u-1\",\"full_name\":\"Ada "
                                  "L.\",\"preferred_name\":\"Ada\",\"email\":\"ada@example.com\",\"access_level\":\"admin\"}]");
    const kal_workspace_user *member = kal_result_workspace_users(result, NULL)[0];
    CHECK_TEXT(member->id, "u-1");
    CHECK_TEXT(member->full_name, "Ada L.");
    CHECK_TEXT(member->preferred_name, "Ada");
    CHECK_TEXT(member->email, "ada@example.com");
    CHECK_INT(member->access_level, KAL_ACCESS_ADMIN);
    CHECK_TEXT(member->access_level_name, "admin");
    kal_result_free(result);
}

CLAIM(null_and_absent_fields_are_null)
{
    kal_result result = answer_to(
        get_members, MEMBERS,
        "[{\"id\":\"1\"},{\"id\":\"2\",\"full_name\":null,\"preferred_name\":null,\"email\":null,\"access_level\":null}]");
    for (int i = 0; i < 2; i++) {
        const kal_workspace_user *member = kal_result_workspace_users(result, NULL)[i];
        CHECK(member->full_name == NULL && member->preferred_name == NULL && member->email == NULL);
        CHECK(member->access_level_name == NULL);
        CHECK_INT(member->access_level, KAL_ACCESS_UNKNOWN);
    }
    kal_result_free(result);
    result = answer_to(get_workspace, WORKSPACE, "{\"id\":\"w\"}");
    CHECK(kal_result_workspace(result)->workspace_name == NULL);
    kal_result_free(result);
}

CLAIM(every_access_level_has_its_number_and_an_unknown_name_is_kept)
{
    static const struct {
        const char *word;
        int32_t level;
    } levels[] = {
        { "admin", KAL_ACCESS_ADMIN },   { "team-member", KAL_ACCESS_TEAM_MEMBER }, { "guest", KAL_ACCESS_GUEST },
        { "viewer", KAL_ACCESS_VIEWER }, { "deactivated", KAL_ACCESS_DEACTIVATED }, { "external-auditor", KAL_ACCESS_UNKNOWN },
        { "", KAL_ACCESS_UNKNOWN },      { "Admin", KAL_ACCESS_UNKNOWN },           { "administrator", KAL_ACCESS_UNKNOWN },
    };
    enum { LEVELS = sizeof levels / sizeof *levels };
    char body[1024] = "[";
    for (size_t i = 0; i < LEVELS; i++)
        sprintf(body + strlen(body), "%s{\"id\":\"%zu\",\"access_level\":\"%s\"}", i ? "," : "", i, levels[i].word);
    strcat(body, "]");
    kal_result result = answer_to(get_members, MEMBERS, body);
    for (size_t i = 0; i < LEVELS; i++) {
        const kal_workspace_user *member = kal_result_workspace_users(result, NULL)[i];
        CHECK_INT(member->access_level, levels[i].level);
        CHECK_TEXT(member->access_level_name, levels[i].word);
    }
    kal_result_free(result);
}

CLAIM(a_group_has_every_field_as_sent)
{
    kal_result result = answer_to(get_groups, GROUPS,
                                  "[{\"id\":\"g-1\",\"group_name\":\"Chemistry\",\"email\":\"chem@example.com\",\"user_ids\":["
                                  "\"u-1\",\"u-2\"],\"program_ids\":[\"p-1\"]}]");
    const kal_workspace_group *group = kal_result_workspace_groups(result, NULL)[0];
    CHECK_TEXT(group->id, "g-1");
    CHECK_TEXT(group->group_name, "Chemistry");
    CHECK_TEXT(group->email, "chem@example.com");
    CHECK_INT(group->user_ids_len, 2);
    CHECK_TEXT(group->user_ids[0], "u-1");
    CHECK_TEXT(group->user_ids[1], "u-2");
    CHECK_INT(group->program_ids_len, 1);
    CHECK_TEXT(group->program_ids[0], "p-1");
    kal_result_free(result);
}

CLAIM(a_null_absent_or_empty_list_has_length_0_and_is_not_null)
{
    kal_result result = answer_to(get_groups, GROUPS,
                                  "[{\"id\":\"1\"},{\"id\":\"2\",\"user_ids\":null,\"program_ids\":null},{\"id\":\"3\",\"user_"
                                  "ids\":[],\"program_ids\":[]}]");
    for (int i = 0; i < 3; i++) {
        const kal_workspace_group *group = kal_result_workspace_groups(result, NULL)[i];
        CHECK(group->user_ids != NULL && group->program_ids != NULL);
        CHECK_INT(group->user_ids_len, 0);
        CHECK_INT(group->program_ids_len, 0);
    }
    kal_result_free(result);
}

CLAIM(lists_of_adjacent_records_do_not_overlap)
{
    kal_result result = answer_to(get_groups, GROUPS,
                                  "[{\"id\":\"1\",\"program_ids\":[\"a\"],\"user_ids\":[\"b\",\"c\"]},{\"id\":\"2\",\"user_ids\":"
                                  "[]},{\"id\":\"3\",\"user_ids\":[\"d\"]}]");
    const kal_workspace_group *const *groups = kal_result_workspace_groups(result, NULL);
    CHECK_INT(groups[0]->user_ids_len, 2);
    CHECK_TEXT(groups[0]->user_ids[1], "c");
    CHECK_TEXT(groups[0]->program_ids[0], "a");
    CHECK_INT(groups[1]->user_ids_len, 0);
    CHECK_TEXT(groups[2]->user_ids[0], "d");
    kal_result_free(result);
}

CLAIM(an_event_has_every_field_as_sent)
{
    kal_result result = answer_to(
        get_events, EVENTS,
        "[{\"id\":\"e-1\",\"event_type\":\"create\",\"event_type_version\":3,\"created_at\":\"2026-01-02T03:04:05.678901Z\","
        "\"event_user_id\":\"u-1\",\"full_name\":\"Ada\",\"preferred_name\":\"A\",\"resource_id\":\"r-1\",\"resource_type\":"
        "\"task\","
        "\"parent_bulk_event_id\":\"b-1\",\"event_attrs\":{ \"x\" : [1, 2.0] },\"is_bot\":true,\"is_bulk\":false}]");
    const kal_workspace_event *event = kal_result_workspace_events(result, NULL)[0];
    CHECK_TEXT(event->id, "e-1");
    CHECK_TEXT(event->event_type, "create");
    CHECK_INT(event->event_type_version, 3);
    CHECK_TEXT(event->created_at, "2026-01-02T03:04:05.678901Z");
    CHECK_INT(event->created_at_us, INT64_C(1767323045678901));
    CHECK_TEXT(event->event_user_id, "u-1");
    CHECK_TEXT(event->full_name, "Ada");
    CHECK_TEXT(event->preferred_name, "A");
    CHECK_TEXT(event->resource_id, "r-1");
    CHECK_TEXT(event->resource_type, "task");
    CHECK_TEXT(event->parent_bulk_event_id, "b-1");
    CHECK_TEXT(event->event_attrs, "{ \"x\" : [1, 2.0] }");
    CHECK_INT(event->is_bot, 1);
    CHECK_INT(event->is_bulk, 0);
    kal_result_free(result);
}

CLAIM(absent_fields_of_an_event_have_their_documented_defaults)
{
    kal_result result = answer_to(
        get_events, EVENTS,
        "[{\"id\":\"1\"},{\"id\":\"2\",\"event_type\":null,\"event_type_version\":null,\"created_at\":null,\"event_user_id\":"
        "null,"
        "\"full_name\":null,\"preferred_name\":null,\"resource_id\":null,\"resource_type\":null,\"parent_bulk_event_id\":null,"
        "\"event_attrs\":{},\"is_bot\":null,\"is_bulk\":null}]");
    for (int i = 0; i < 2; i++) {
        const kal_workspace_event *event = kal_result_workspace_events(result, NULL)[i];
        CHECK(event->event_type == NULL && event->created_at == NULL && event->event_user_id == NULL);
        CHECK(event->full_name == NULL && event->preferred_name == NULL && event->resource_id == NULL);
        CHECK(event->resource_type == NULL && event->parent_bulk_event_id == NULL);
        CHECK_INT(event->event_type_version, -1);
        CHECK(event->created_at_us == INT64_MIN);
        CHECK_TEXT(event->event_attrs, "{}");
        CHECK_INT(event->is_bot, -1);
        CHECK_INT(event->is_bulk, -1);
    }
    kal_result_free(result);
}

CLAIM(every_time_format_is_parsed)
{
    static const struct {
        const char *json;
        int64_t us;
    } times[] = {
        { "\"1970-01-01T00:00:00Z\"", 0 },
        { "\"2026-01-02T03:04:05Z\"", INT64_C(1767323045000000) },
        { "\"2026-01-02t03:04:05z\"", INT64_C(1767323045000000) },
        { "\"2026-01-02 03:04:05\"", INT64_C(1767323045000000) },
        { "\"2026-01-02T03:04:05+01:00\"", INT64_C(1767319445000000) },
        { "\"2026-01-02T03:04:05-0530\"", INT64_C(1767342845000000) },
        { "\"2026-01-02T03:04:05.12345Z\"", INT64_C(1767323045123450) },
        { "\"2026-01-02T03:04:05.1234569Z\"", INT64_C(1767323045123456) },
        { "\"2026-01-02T03:04\"", INT64_C(1767323040000000) },
        { "\"2026-01-02\"", INT64_C(1767312000000000) },
        { "\"1969-12-31T23:59:59.999999Z\"", -1 },
        { "1767323045", INT64_C(1767323045000000) },
        { "\"1767323045\"", INT64_C(1767323045000000) },
    };
    enum { TIMES = sizeof times / sizeof *times };
    char body[2048] = "[";
    for (size_t i = 0; i < TIMES; i++)
        sprintf(body + strlen(body), "%s{\"id\":\"%zu\",\"created_at\":%s}", i ? "," : "", i, times[i].json);
    strcat(body, "]");
    kal_result result = answer_to(get_events, EVENTS, body);
    for (size_t i = 0; i < TIMES; i++)
        CHECK_INT(kal_result_workspace_events(result, NULL)[i]->created_at_us, times[i].us);
    kal_result_free(result);
}

CLAIM(numbers_and_flags_are_accepted_in_every_form_of_the_official_client)
{
    kal_result result = answer_to(get_events, EVENTS,
                                  "[{\"id\":\"1\",\"event_type_version\":\"2\",\"is_bot\":1,\"is_bulk\":\"true\"},"
                                  "{\"id\":\"2\",\"event_type_version\":2.0,\"is_bot\":0,\"is_bulk\":\"false\"}]");
    const kal_workspace_event *const *events = kal_result_workspace_events(result, NULL);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(events[i]->event_type_version, 2);
        CHECK_INT(events[i]->is_bot, !i);
        CHECK_INT(events[i]->is_bulk, !i);
    }
    kal_result_free(result);
}

CLAIM(a_nul_in_a_string_becomes_a_replacement_character_and_stays_in_the_json)
{
    static const char body[] = "[{\"id\":\"u\\u0000-1\",\"full_name\":\"a\\u0000b\",\"preferred_name\":\"\\u0000\"}]";
    kal_result result = answer_to(get_members, MEMBERS, body);
    const kal_workspace_user *member = kal_result_workspace_users(result, NULL)[0];
    CHECK_TEXT(member->id, "u\xef\xbf\xbd-1");
    CHECK_TEXT(member->full_name, "a\xef\xbf\xbd"
                                  "b");
    CHECK_TEXT(member->preferred_name, "\xef\xbf\xbd");
    check_json(result, body);
    kal_result_free(result);
}

CLAIM(escapes_are_decoded_in_records_and_kept_in_the_json)
{
    static const char body[] =
        "[{\"id\":\"\\u0041\\n\\\"\\\\\\/\",\"full_name\":\"\\ud83d\\ude00 \\u00e9 \xc3\xa9\",\"\\u0065mail\":\"e\"}]";
    kal_result result = answer_to(get_members, MEMBERS, body);
    const kal_workspace_user *member = kal_result_workspace_users(result, NULL)[0];
    CHECK_TEXT(member->id, "A\n\"\\/");
    CHECK_TEXT(member->full_name, "\xf0\x9f\x98\x80 \xc3\xa9 \xc3\xa9");
    CHECK_TEXT(member->email, "e");
    check_json(result, body);
    kal_result_free(result);
}

CLAIM(the_json_is_byte_for_byte_as_sent)
{
    static const char body[] = " \n[ {\"b\" : 1.50e+2 , \"id\":\"1\",\"later\":{\"a\":[null,true,{}]},\"full_name\" :null}\t,\r\n"
                               "{\"id\":\"2\",\"big\":123456789012345678901234567890}]\n ";
    kal_result result = answer_to(get_members, MEMBERS, body);
    check_json(result, body);
    kal_result_free(result);
    result = answer_to(get_events, EVENTS, "[]");
    check_json(result, "[]");
    kal_result_free(result);
}

CLAIM(the_json_of_a_filtered_list_keeps_each_element_byte_for_byte)
{
    kal_client client = new_client();
    const char *ids[] = { "3", "1", "unknown", "1" };
    kal_result result;
    emulator_answer(&server, MEMBERS, 1,
                    "[ {\"id\":\"1\", \"x\" : 1.50 } , {\"id\":\"2\"},\n{ \"full_name\":\"\\u00e9\\u0000\",\"id\":\"3\" } ]");
    CHECK_STATUS(kal_workspace_get_members_by_ids(client, ids, 4, NULL, &result, NULL), KAL_OK);
    check_json(result, "[{\"id\":\"1\", \"x\" : 1.50 },{ \"full_name\":\"\\u00e9\\u0000\",\"id\":\"3\" }]");
    size_t len;
    const kal_workspace_user *const *members = kal_result_workspace_users(result, &len);
    CHECK_INT(len, 2);
    CHECK_TEXT(members[0]->id, "1");
    CHECK_TEXT(members[1]->id, "3");
    kal_result_free(result);
    CHECK_STATUS(kal_workspace_get_members_by_ids(client, ids + 2, 1, NULL, &result, NULL), KAL_OK);
    check_json(result, "[]");
    kal_result_free(result);
    kal_client_close(client);
}

CLAIM(a_gzip_response_is_decompressed)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"gzip\":true}");
    kal_result packed = RESULT_OF(get_members, client);
    CHECK_STATUS(kal_client_clear_caches(client, NULL), KAL_OK);
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"headers\":{\"X-Not\":\"packed\"}}");
    kal_result plain = RESULT_OF(get_members, client);
    CHECK_TEXT(kal_result_json(packed, NULL), kal_result_json(plain, NULL));
    kal_result_free(packed);
    kal_result_free(plain);
    kal_client_close(client);
}

CLAIM(the_content_type_of_a_json_answer_is_ignored)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"content_type\":\"text/html\"}");
    kal_result_free(RESULT_OF(get_members, client));
    kal_client_close(client);
}

CLAIM(a_non_json_answer_is_kept_in_the_error)
{
    unusable(get_members, MEMBERS, "<!DOCTYPE html><html><body>Sign in</body></html>",
             "workspace.get_members: unusable response");
    unusable(get_workspace, WORKSPACE, "<html>", "workspace.get_workspace: unusable response");
    unusable(get_groups, GROUPS, "OK", "workspace.get_groups: unusable response");
    unusable(get_events, EVENTS, "\xef\xbb\xbf[]", "workspace.get_events: unusable response");
    unusable(get_events, EVENTS, "[] []", "unexpected text after the end");
    unusable(get_events, EVENTS, "[{\"id\":\"1\"},]", "unusable response");
    unusable(get_events, EVENTS, "[{\"id\":\"1\\q\"}]", "unusable response");
    unusable(get_events, EVENTS, "[{\"id\":\"\x01\"}]", "unusable response");
    unusable(get_events, EVENTS, "[{\"id\":\"1\",\"x\":01}]", "unusable response");
    unusable(get_events, EVENTS, "[{\"id\":\"1\",\"x\":nul}]", "unusable response");
}

CLAIM(json_truncated_at_any_byte_is_an_error)
{
    static const char whole[] = "[{\"id\":\"u\\u00e9\",\"email\":null,\"x\":{\"y\":[1.5e3,true]}},{\"id\":\"2\"}]";
    kal_client client = new_client();
    for (size_t cut = 1; cut < sizeof whole - 1; cut++) {
        char body[sizeof whole] = "";
        memcpy(body, whole, cut);
        emulator_answer(&server, EVENTS, 1, body);
        FAILURE_OF(get_events, client, KAL_BAD_RESPONSE, "unusable response");
    }
    kal_client_close(client);
}

CLAIM(json_of_an_unexpected_shape_is_an_error)
{
    static const char *const no_lists[] = { "{}", "{\"data\":[]}", "\"text\"", "1", "true" };
    for (size_t i = 0; i < sizeof no_lists / sizeof *no_lists; i++) {
        unusable(get_members, MEMBERS, no_lists[i], "expected an array");
        unusable(get_groups, GROUPS, no_lists[i], "expected an array");
        unusable(get_events, EVENTS, no_lists[i], "expected an array");
    }
    unusable(get_workspace, WORKSPACE, "[]", "expected an object");
    unusable(get_workspace, WORKSPACE, "[{\"id\":\"1\"}]", "expected an object");
    unusable(get_members, MEMBERS, "[{\"id\":\"1\"},1]", "members[1]");
    unusable(get_members, MEMBERS, "[null]", "members[0]");
    unusable(get_members, MEMBERS, "[[{\"id\":\"1\"}]]", "members[0]");
    unusable(get_groups, GROUPS, "[\"g\"]", "groups[0]");
    unusable(get_events, EVENTS, "[{\"id\":\"1\"},{\"id\":\"2\"},true]", "events[2]");
}

CLAIM(a_field_of_the_wrong_type_is_reported_with_its_path)
{
    unusable(get_members, MEMBERS, "[{\"id\":\"1\"},{\"id\":\"2\",\"email\":7}]", "members[1].email");
    unusable(get_members, MEMBERS, "[{\"id\":1}]", "members[0].id");
    unusable(get_members, MEMBERS, "[{\"id\":null}]", "members[0].id");
    unusable(get_members, MEMBERS, "[{\"full_name\":\"x\"}]", "members[0].id");
    unusable(get_members, MEMBERS, "[{\"id\":\"1\",\"access_level\":[]}]", "members[0].access_level");
    unusable(get_workspace, WORKSPACE, "{}", "workspace.id");
    unusable(get_workspace, WORKSPACE, "{\"id\":\"1\",\"workspace_name\":{}}", "workspace.workspace_name");
    unusable(get_groups, GROUPS, "[{\"id\":\"1\",\"user_ids\":[\"a\",null]}]", "groups[0].user_ids[1]");
    unusable(get_groups, GROUPS, "[{\"id\":\"1\",\"program_ids\":[\"a\",\"b\",3]}]", "groups[0].program_ids[2]");
    unusable(get_groups, GROUPS, "[{\"id\":\"1\",\"user_ids\":\"a\"}]", "groups[0].user_ids");
    unusable(get_events, EVENTS, "[{\"id\":\"1\",\"event_type_version\":[2]}]", "events[0].event_type_version");
    unusable(get_events, EVENTS, "[{\"id\":\"1\",\"is_bot\":{}}]", "events[0].is_bot: expected a boolean, found an object: {}");
    unusable(get_events, EVENTS, "[{\"id\":\"1\",\"created_at\":true}]",
             "events[0].created_at: expected a time, found a boolean: true");
    unusable(get_events, EVENTS, "[{\"id\":\"1\",\"created_at\":{}}]",
             "events[0].created_at: expected a time, found an object: {}");
    unusable(get_events, EVENTS, "[{\"id\":\"1\",\"created_at\":[1767323045]}]",
             "events[0].created_at: expected a time, found an array");
    unusable(get_events, EVENTS, "[{\"id\":\"1\",\"event_attrs\":[]}]", "events[0].event_attrs");
}

static char warned[4096];

static void hear(void *user_data, int32_t level, const char *message)
{
    (void)user_data, (void)level;
    strncat(warned, message, sizeof warned - strlen(warned) - 2);
    strcat(warned, "\n");
}

/* Seen red when such a value was an error: "events[1].created_at: a time was expected, found a string that is not one". */
CLAIM(one_malformed_value_does_not_fail_the_other_records)
{
    kal_client client = new_client();
    CHECK_STATUS(kal_set_log(KAL_LOG_WARN, hear, NULL), KAL_OK);
    emulator_answer(&server, EVENTS, 1,
                    "[{\"id\":\"good\",\"created_at\":\"2026-01-02T03:04:05Z\",\"event_type_version\":2,\"is_bot\":true},"
                    "{\"id\":\"leap\",\"created_at\":\"2016-12-30T23:59:60Z\",\"event_attrs\":null,\"event_type_version\":\"v2\","
                    "\"is_bot\":\"maybe\"},"
                    "{\"id\":\"cut \\ud83d\",\"created_at\":\"\",\"x\":\"\\udead\",\"event_attrs\":{\"a\":\"\\ud83d\"}}]");
    kal_result result = RESULT_OF(get_events, client);
    CHECK_STATUS(kal_set_log(KAL_LOG_OFF, NULL, NULL), KAL_OK);
    size_t len;
    const kal_workspace_event *const *events = kal_result_workspace_events(result, &len);
    REQUIRE(CHECK_INT(len, 3));
    CHECK_INT(events[0]->created_at_us, INT64_C(1767323045000000));
    CHECK_INT(events[0]->event_type_version, 2);
    CHECK_TEXT(events[1]->created_at, "2016-12-30T23:59:60Z");
    CHECK(events[1]->created_at_us == INT64_MIN);
    CHECK_TEXT(events[1]->event_attrs, "{}");
    CHECK_INT(events[1]->event_type_version, -1);
    CHECK_INT(events[1]->is_bot, -1);
    CHECK_TEXT(events[2]->id, "cut \xef\xbf\xbd");
    CHECK_TEXT(events[2]->created_at, "");
    CHECK(events[2]->created_at_us == INT64_MIN);
    CHECK_TEXT(events[2]->event_attrs, "{\"a\":\"\\ud83d\"}");
    CHECK_CONTAINS(kal_result_json(result, NULL), "\"x\":\"\\udead\"");
    CHECK_CONTAINS(warned, "record 1 with the id \"leap\": created_at is \"2016-12-30T23:59:60Z\", which is not valid");
    CHECK_CONTAINS(warned, "event_type_version is \"v2\"");
    kal_result_free(result);
    kal_client_close(client);
}

/* The four forms of an empty response, and the result of each method for them. */
CLAIM(an_empty_response_is_handled_per_method)
{
    static const char *const faults[] = { "\"status\":204", "\"body\":\"\"", "\"body\":\"null\"", "\"body\":\" \\n null \\n\"" };
    for (size_t form = 0; form < sizeof faults / sizeof *faults; form++)
        for (size_t i = 0; i < KIT_METHODS; i++) {
            char fault[128];
            kal_client client = new_client();
            snprintf(fault, sizeof fault, "{\"path\":\"%s\",%s}", kit_methods[i].path, faults[form]);
            emulator_fault(&server, fault);
            if (kit_methods[i].call == get_events) {
                size_t len = 7;
                kal_result result = RESULT_OF(get_events, client);
                CHECK(kal_result_workspace_events(result, &len) != NULL);
                CHECK_INT(len, 0);
                check_json(result, "[]");
                kal_result_free(result);
            } else {
                kal_status expected = kit_methods[i].call == kal_workspace_get_workspace ? KAL_NOT_FOUND : KAL_BAD_RESPONSE;
                const kal_error_info *info =
                    FAILURE_OF(kit_methods[i].call, client, expected, strstr(faults[form], "null") ? " is null" : " has no body");
                CHECK_INT(info->http_status, form == 0 ? 204 : 200);
            }
            kal_client_close(client);
        }
}

CLAIM(deep_nesting_uses_no_stack)
{
    enum { DEEP = 200000 };
    char *body = malloc(2 * DEEP + 64);
    REQUIRE(body != NULL);
    strcpy(body, "[{\"id\":\"1\",\"x\":");
    size_t length = strlen(body);
    memset(body + length, '[', DEEP);
    memset(body + length + DEEP, ']', DEEP);
    strcpy(body + length + 2 * DEEP, "}]");
    kal_client client = new_client();
    kal_result result;
    kal_error error;
    emulator_answer(&server, EVENTS, 1, body);
    /* Both are acceptable: a result, or an error that says why. */
    kal_status status = get_events(client, NULL, &result, &error);
    if (status != KAL_OK)
        FAILURE(status, &error, KAL_BAD_RESPONSE, "nest");
    kal_result_free(result);
    kal_client_close(client);
    free(body);
}

CLAIM(an_answer_that_is_not_utf8_is_an_error)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n[{\"id\":\"caf\xe9\"}]";
    raw_server raw;
    raw_server_start(&raw, answer, sizeof answer - 1);
    kal_client_options options = options_for(&server);
    options.base_url = raw.url;
    kal_client client = client_with(options);
    const kal_error_info *info = FAILURE_OF(get_members, client, KAL_BAD_RESPONSE, "not UTF-8");
    CHECK_INT(info->body_len, 15);
    CHECK_CONTAINS(info->body, "caf\xe9");
    kal_client_close(client);
    raw_server_stop(&raw);
}

CLAIM(a_response_over_max_response_bytes_is_an_error_compressed_or_not)
{
    static const char *const faults[] = { "\"body_bytes\":104857600", "\"body_bytes\":104857600,\"gzip\":true" };
    kal_client_options options = options_for(&server);
    options.max_response_bytes = 4096;
    kal_client client = client_with(options);
    for (size_t i = 0; i < 2; i++) {
        char fault[128];
        snprintf(fault, sizeof fault, "{\"path\":\"" EVENTS "\",%s}", faults[i]);
        emulator_fault(&server, fault);
        const kal_error_info *info = FAILURE_OF(get_events, client, KAL_RESPONSE_TOO_LARGE, "longer than 4096 bytes");
        CHECK_INT(info->http_status, 200);
        CHECK(!info->retryable);
    }
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"body_bytes\":4097}");
    FAILURE_OF(get_events, client, KAL_RESPONSE_TOO_LARGE, "longer than 4096 bytes");
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"body_bytes\":4096}");
    kal_result_free(RESULT_OF(get_events, client));
    kal_client_close(client);
}

CLAIM(the_default_max_response_bytes_is_enforced)
{
    if (check_is_slow())
        check_skip("300 MB take too long under valgrind");
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"body_bytes\":314572800}");
    FAILURE_OF(get_events, client, KAL_RESPONSE_TOO_LARGE, "longer than 268435456 bytes");
    kal_client_close(client);
}

CLAIM(a_large_answer_is_complete)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"body_bytes\":5000000}");
    kal_result result = RESULT_OF(get_events, client);
    size_t len;
    const char *json = kal_result_json(result, &len);
    CHECK_INT(len, 5000000);
    CHECK_INT(json[0], '[');
    CHECK_INT(strlen(json), 5000000);
    kal_result_free(result);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
