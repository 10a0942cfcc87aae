/* The generic call: one function for all methods, with the same results as the typed functions. */
#include "kit.h"

#include <stdlib.h>

static const kal_error_info *refused(kal_client client, const char *method, const char *params, kal_status expected,
                                     const char *says)
{
    kal_result result = { 0xBAD };
    kal_error error;
    kal_status status = kal_call(client, method, params, NULL, &result, &error);
    CHECK_INT(result.id, 0);
    return FAILURE(status, &error, expected, says);
}

static kal_result ask(kal_client client, const char *method, const char *params, const kal_call_options *options)
{
    kal_result result;
    kal_error error;
    if (!CHECK_STATUS(kal_call(client, method, params, options, &result, &error), KAL_OK)) {
        printf("#     %s\n", kal_error_get(error)->message);
        check_give_up();
    }
    return result;
}

CLAIM(every_method_returns_the_same_as_its_typed_function)
{
    static const char *const params[KIT_METHODS] = { NULL, "", "{\"ids\":[]}", "{}", " { \"ids\" : [ ] } ", "{\"page\":null}" };
    kal_client client = new_client();
    for (size_t i = 0; i < KIT_METHODS; i++) {
        kal_result typed = RESULT_OF(kit_methods[i].call, client);
        kal_result door = ask(client, kit_methods[i].name, params[i], NULL);
        CHECK_TEXT(kal_result_json(door, NULL), kal_result_json(typed, NULL));
        CHECK((kal_result_workspace(door) != NULL) == (kal_result_workspace(typed) != NULL));
        CHECK((kal_result_workspace_users(door, NULL) != NULL) == (kal_result_workspace_users(typed, NULL) != NULL));
        CHECK((kal_result_workspace_groups(door, NULL) != NULL) == (kal_result_workspace_groups(typed, NULL) != NULL));
        CHECK((kal_result_workspace_events(door, NULL) != NULL) == (kal_result_workspace_events(typed, NULL) != NULL));
        kal_result_free(typed);
        kal_result_free(door);
    }
    kal_client_close(client);
}

CLAIM(kal_call_and_the_typed_functions_share_the_cache)
{
    kal_client client = new_client();
    kal_result typed = RESULT_OF(get_members, client), door = ask(client, "workspace.get_members", NULL, NULL);
    CHECK(kal_result_workspace_users(typed, NULL) == kal_result_workspace_users(door, NULL));
    CHECK_INT(emulator_count(&server, "/workspaces/members"), 1);
    kal_call_options refresh = with_cache(KAL_CACHE_REFRESH);
    kal_result_free(ask(client, "workspace.get_members", NULL, &refresh));
    CHECK_INT(emulator_count(&server, "/workspaces/members"), 2);
    kal_result_free(typed);
    kal_result_free(door);
    kal_client_close(client);
}

CLAIM(parameters_are_sent_as_by_the_typed_functions)
{
    kal_client client = new_client();
    const char *types[] = { "create", "caf\xc3\xa9 \"x\"" }, *users[] = { "u-1" };
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_result result;
    query.page = 2;
    query.page_size = 50;
    query.event_types = types;
    query.event_types_len = 2;
    query.resource_type = "task & more";
    query.event_user_ids = users;
    query.event_user_ids_len = 1;
    query.after_date = "2026-01-02T03:04:05+00:00";
    query.before_date = "2026-02-03";
    CHECK_STATUS(kal_workspace_get_events(client, &query, NULL, &result, NULL), KAL_OK);
    kal_result_free(result);
    kal_result_free(
        ask(client, "workspace.get_events",
            "{\"before_date\":\"2026-02-03\",\"after_date\":\"2026-01-02T03:04:05+00:00\",\"event_user_ids\":[\"u-1\"],"
            "\"resource_type\":\"task \\u0026 more\",\"event_types\":[\"create\",\"caf\\u00e9 "
            "\\\"x\\\"\"],\"page_size\":50,\"page\":2}",
            NULL));
    char *requests = emulator_requests(&server);
    const char *first = strstr(requests, "\"page=2&page_size=50&event_types=%5B%22create%22%2C");
    REQUIRE(first != NULL);
    size_t length = (size_t)(strchr(first + 1, '"') - first);
    char expected[512] = "";
    REQUIRE(length < sizeof expected);
    memcpy(expected, first, length);
    CHECK_CONTAINS(first + 1, expected);
    CHECK_CONTAINS(expected, "&after_date=2026-01-02T03%3A04%3A05%2B00%3A00&before_date=2026-02-03");
    free(requests);
    kal_client_close(client);
}

CLAIM(an_explicit_page_0_is_sent)
{
    kal_client client = new_client();
    refused(client, "workspace.get_events", "{\"page\":0}", KAL_UNPROCESSABLE, "page");
    char *requests = emulator_requests(&server);
    CHECK_CONTAINS(requests, "\"page=0\"");
    free(requests);
    kal_client_close(client);
}

CLAIM(kal_call_filters_by_ids)
{
    kal_client client = new_client();
    kal_result all = RESULT_OF(get_members, client);
    const char *id = kal_result_workspace_users(all, NULL)[4]->id;
    char params[128];
    snprintf(params, sizeof params, "{\"ids\":[\"%s\",\"unknown\",\"%s\"]}", id, id);
    kal_result one = ask(client, "workspace.get_members_by_ids", params, NULL);
    size_t len;
    const kal_workspace_user *const *members = kal_result_workspace_users(one, &len);
    CHECK_INT(len, 1);
    CHECK_TEXT(members[0]->id, id);
    kal_result_free(one);
    kal_result_free(all);
    kal_client_close(client);
}

CLAIM(the_error_for_an_unknown_method_lists_the_methods)
{
    static const char *const names[] = { "",
                                         "workspace",
                                         "workspace.get_member",
                                         "Workspace.get_members",
                                         "workspace.get_members ",
                                         "get_members",
                                         "records.get_record",
                                         "workspace.get_members\n" };
    kal_client client = new_client();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kal_error_info *info = refused(client, names[i], NULL, KAL_UNKNOWN_METHOD, "workspace.get_members_by_ids");
        CHECK_INT(info->attempts, 0);
    }
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(an_invalid_parameter_is_rejected_by_name_before_anything_is_sent)
{
    static const struct {
        const char *method, *params, *says;
    } cases[] = {
        { "workspace.get_events", "{\"pages\":1}", "pages: unknown parameter" },
        { "workspace.get_events", "{\"page\":\"1\"}", "page: expected an integer" },
        { "workspace.get_events", "{\"page\":1.5}", "page: expected an integer" },
        { "workspace.get_events", "{\"page\":-1}", "page: " },
        { "workspace.get_events", "{\"page\":99999999999999999999999}", "page: expected an integer" },
        { "workspace.get_events", "{\"page\":true}", "page: expected an integer" },
        { "workspace.get_events", "{\"page\":{}}", "page: expected an integer" },
        { "workspace.get_events", "{\"event_types\":\"create\"}", "event_types: expected a list of strings" },
        { "workspace.get_events", "{\"event_types\":[1]}", "event_types: expected a list of strings" },
        { "workspace.get_events", "{\"event_types\":[null]}", "event_types: expected a list of strings" },
        { "workspace.get_events", "{\"event_user_ids\":[[\"a\"]]}", "event_user_ids: expected a list of strings" },
        { "workspace.get_events", "{\"resource_type\":7}", "resource_type: expected a string" },
        { "workspace.get_events", "{\"after_date\":\"soon\"}", "after_date: \"soon\" is not a date" },
        { "workspace.get_events", "{\"before_date\":1767323045}", "before_date: " },
        { "workspace.get_events", "{\"page\":1,\"page\":2}", "duplicate member page" },
        { "workspace.get_members", "{\"use_cache\":false}", "use_cache" },
        { "workspace.get_workspace", "{\"id\":null,\"x\":1}", "x" },
        { "workspace.get_members_by_ids", NULL, "ids: missing; workspace.get_members_by_ids requires it" },
        { "workspace.get_members_by_ids", "{}", "ids: missing; workspace.get_members_by_ids requires it" },
        { "workspace.get_members_by_ids", "{\"ids\":null}", "ids: missing; workspace.get_members_by_ids requires it" },
        { "workspace.get_groups_by_ids", "{\"ids\":\"g\"}", "ids: expected a list of strings" },
        { "workspace.get_events", "[]", "params_json: not a valid JSON object" },
        { "workspace.get_events", "null", "params_json: not a valid JSON object" },
        { "workspace.get_events", "1", "params_json: not a valid JSON object" },
        { "workspace.get_events", "{", "params_json: not a valid JSON object" },
        { "workspace.get_events", "{}{}", "params_json: not a valid JSON object" },
        { "workspace.get_events", "{\"page\":1,}", "params_json: not a valid JSON object" },
        { "workspace.get_events", "{'page':1}", "params_json: not a valid JSON object" },
        { "workspace.get_events", "{\"resource_type\":\"\\ud800\"}", "resource_type: " },
    };
    kal_client client = new_client();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refused(client, cases[i].method, cases[i].params, KAL_INVALID_ARGUMENT, cases[i].says);
        if (check_has_failed())
            printf("#     %s %s\n", cases[i].method, cases[i].params);
    }
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(deeply_nested_parameters_use_no_stack)
{
    enum { DEEP = 1000000 };
    static char params[2 * DEEP + 64];
    kal_client client = new_client();
    strcpy(params, "{\"event_types\":");
    size_t length = strlen(params);
    memset(params + length, '[', DEEP);
    memset(params + length + DEEP, ']', DEEP);
    strcpy(params + length + 2 * DEEP, "}");
    refused(client, "workspace.get_events", params, KAL_INVALID_ARGUMENT, "expected");
    kal_client_close(client);
}

CLAIM(the_method_list_has_each_method_with_its_parameters)
{
    const char *methods = kal_methods();
    CHECK(methods == kal_methods());
    REQUIRE(methods != NULL && methods[0] == '[');
    for (size_t i = 0; i < KIT_METHODS; i++) {
        char name[64];
        snprintf(name, sizeof name, "\"name\":\"%s\"", kit_methods[i].name);
        CHECK_CONTAINS(methods, name);
    }
    static const char *const params[] = { "page",           "page_size",  "event_types", "resource_type",
                                          "event_user_ids", "after_date", "before_date", "ids" };
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        CHECK_CONTAINS(methods, params[i]);
    CHECK_CONTAINS(methods, "\"gives\":\"kal_workspace_event\"");
    CHECK_CONTAINS(methods, "\"cached\":true");
    CHECK_CONTAINS(methods, "\"cached\":false");
}

/* Red when groups are told as members. */
CLAIM(the_kind_of_a_result_says_which_structs_it_has)
{
    static const int32_t kinds[KIT_METHODS] = { KAL_RESULT_WORKSPACE,        KAL_RESULT_WORKSPACE_USERS,
                                                KAL_RESULT_WORKSPACE_USERS,  KAL_RESULT_WORKSPACE_GROUPS,
                                                KAL_RESULT_WORKSPACE_GROUPS, KAL_RESULT_WORKSPACE_EVENTS };
    kal_client client = new_client();
    kal_result result;
    for (size_t i = 0; i < KIT_METHODS; i++) {
        result = RESULT_OF(kit_methods[i].call, client);
        int32_t kind = kal_result_kind(result);
        CHECK_INT(kind, kinds[i]);
        CHECK((kal_result_workspace(result) != NULL) == (kind == KAL_RESULT_WORKSPACE));
        CHECK((kal_result_workspace_users(result, NULL) != NULL) == (kind == KAL_RESULT_WORKSPACE_USERS));
        CHECK((kal_result_workspace_groups(result, NULL) != NULL) == (kind == KAL_RESULT_WORKSPACE_GROUPS));
        CHECK((kal_result_workspace_events(result, NULL) != NULL) == (kind == KAL_RESULT_WORKSPACE_EVENTS));
        kal_result_free(result);
        CHECK_INT(kal_result_kind(result), KAL_RESULT_JSON);
    }
    REQUIRE(kal_request(client, "GET", "/echo", NULL, NULL, NULL, &result, NULL) == KAL_OK);
    CHECK_INT(kal_result_kind(result), KAL_RESULT_JSON);
    kal_result_free(result);
    CHECK_INT(kal_result_kind((kal_result){ client.id }), 0);
    CHECK_INT(kal_result_kind((kal_result)KAL_NONE), 0);
    kal_client_close(client);
}

/* Part of the ABI: bindings have these numbers. */
CLAIM(kinds_of_results_are_fixed)
{
    CHECK_INT(KAL_RESULT_JSON, 0);
    CHECK_INT(KAL_RESULT_WORKSPACE, 1);
    CHECK_INT(KAL_RESULT_WORKSPACE_USERS, 2);
    CHECK_INT(KAL_RESULT_WORKSPACE_GROUPS, 3);
    CHECK_INT(KAL_RESULT_WORKSPACE_EVENTS, 4);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
