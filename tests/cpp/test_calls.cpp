// Calls, their options, and the generic call.
#include "kit.hpp"

#include <array>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

CLAIM(the_workspace_is_one_record)
{
    const kal::client client = kit::client();
    const kal::workspace_info info = client.workspace().info();
    CHECK(!info->id().empty());
    CHECK(info->workspace_name().has_value());
    CHECK(kit::contains(info.json(), info->id()));
}

CLAIM(ids_can_be_passed_as_any_range_of_strings)
{
    const kal::client client = kit::client();
    const kal::workspace_service service = client.workspace();
    const kal::members all = service.members();
    const std::string first(all[0].id()), last(all[11].id());
    const std::string_view asked = all[0].id();

    const kal::members listed = service.members_by_ids({ last, asked, last, "nobody" });
    REQUIRE(listed.size() == 2);
    CHECK_EQUAL(listed[0].id(), first);
    CHECK_EQUAL(listed[1].id(), last);
    CHECK_EQUAL(service.members_by_ids(std::vector<std::string>{ first }).size(), 1u);
    CHECK_EQUAL(service.members_by_ids(std::set<std::string_view>{ first, last }).size(), 2u);
    CHECK_EQUAL(service.members_by_ids(std::array<const char*, 1>{ first.c_str() }).size(), 1u);
    CHECK_EQUAL(service.members_by_ids({}).size(), 0u);
    // Red with a reference to const: it does not compile.
    kit::changing changing(std::vector<std::string>{ first, last });
    CHECK_EQUAL(service.members_by_ids(changing).size(), 2u);
    CHECK_EQUAL(service.groups_by_ids(kit::changing(std::vector<const char*>{ "nobody" })).size(), 0u);

    const kal::groups groups = service.groups();
    REQUIRE(!groups.empty());
    for (kal::group group : groups)
        CHECK_EQUAL(service.members_by_ids(group.user_ids()).size(), group.user_ids().size());
    CHECK_EQUAL(service.groups_by_ids({ groups[0].id() }).size(), 1u);
    CHECK_EQUAL(service.groups_by_ids(std::vector<std::string_view>{ groups[0].id() }).size(), 1u);
    CHECK_EQUAL(emulator_count(&kit::server, "/workspaces/members"), 1);
}

CLAIM(a_query_is_sent_with_all_its_filters)
{
    const kal::client client = kit::client();
    kal::events_query query;
    query.page = 2;
    query.page_size = 7;
    query.event_types = { "create", "update" };
    query.resource_type = "task";
    query.event_user_ids = { "u1" };
    query.after_date = kal::rfc3339(kal::timestamp());
    query.before_date = "2100-01-01";
    CHECK(client.workspace().try_events(query).has_value());
    const std::string sent = kit::requests();
    for (const char* part : { "page=2", "page_size=7", "create", "update", "resource_type=task", "u1",
                              "after_date=1970-01-01T00%3A00%3A00.000000Z", "before_date=2100-01-01" })
        CHECK(kit::contains(sent, part));
}

CLAIM(an_empty_query_sends_no_parameters)
{
    const kal::client client = kit::client();
    CHECK_EQUAL(client.workspace().events().size(), 100u);
    const std::string sent = kit::requests();
    CHECK(!kit::contains(sent, "page"));
    CHECK(!kit::contains(sent, "_date"));
}

CLAIM(headers_and_user_agent_are_sent_with_every_request)
{
    kal::client_options options = kit::options();
    options.headers = { { "X-Lab", "one" }, { "X-Bench", "two" } };
    options.user_agent = "assay/3";
    const kal::client client(options);
    CHECK(client.workspace().try_members().has_value());
    const std::string sent = kit::requests();
    std::size_t found = 0;
    for (std::size_t at = sent.find("assay/3"); at != std::string::npos; at = sent.find("assay/3", at + 1))
        found++;
    CHECK_EQUAL(found, 2u); // including the token request
    CHECK(kit::contains(sent, "one") && kit::contains(sent, "two"));
}

CLAIM(cache_modes_are_respected)
{
    const kal::client client = kit::client();
    kal::call_options refresh, only;
    refresh.cache = kal::cache_mode::refresh;
    only.cache = kal::cache_mode::only;
    CHECK_EQUAL(kit::thrown([&] { client.workspace().members(only); }), kal::status::not_found);
    client.workspace().members();
    client.workspace().members();
    CHECK_EQUAL(emulator_count(&kit::server, "/workspaces/members"), 1);
    client.workspace().members(refresh);
    CHECK_EQUAL(emulator_count(&kit::server, "/workspaces/members"), 2);
    CHECK_EQUAL(client.workspace().members(only).size(), 12u);
    client.clear_caches();
    CHECK_EQUAL(kit::thrown([&] { client.workspace().members(only); }), kal::status::not_found);
    CHECK_EQUAL(client.stats().cache_hits, 2u);
}

CLAIM(a_call_ends_at_its_timeout)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","drop":"hang"})");
    const kal::client client = kit::client();
    kal::call_options options;
    options.timeout = 100ms;
    CHECK_EQUAL(kit::thrown([&] { client.workspace().members(options); }), kal::status::timed_out);
}

CLAIM(a_call_can_be_cancelled_from_another_thread)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","drop":"hang","times":0})");
    const kal::client client = kit::client();
    const kal::cancel cancel;
    kal::call_options options;
    options.cancel = &cancel;
    kal::status ended = kal::status::ok;
    std::thread caller([&] { ended = kit::thrown([&] { client.workspace().members(options); }); });
    emulator_wait_for(&kit::server, "/workspaces/members", 1);
    cancel.fire();
    caller.join();
    CHECK_EQUAL(ended, kal::status::cancelled);
    CHECK_EQUAL(kit::thrown([&] { client.workspace().groups(options); }), kal::status::cancelled);
}

CLAIM(the_generic_call_reaches_every_method)
{
    const kal::client client = kit::client();
    const kal::answer members = client.call("workspace.get_members");
    REQUIRE(members.members().has_value());
    CHECK_EQUAL(members.members()->size(), 12u);
    CHECK(!members.groups() && !members.events() && !members.workspace());
    CHECK(members.kind() == kal::answer_kind::members);
    const kal::members same = client.workspace().members();
    CHECK_EQUAL(members.json(), same.json());
    const kal::answer events = client.call("workspace.get_events", R"({"page_size": 3})");
    REQUIRE(events.events().has_value());
    CHECK_EQUAL(events.events()->size(), 3u);
    CHECK(events.kind() == kal::answer_kind::events);
    const kal::answer groups = client.call("workspace.get_groups", "{}");
    CHECK(groups.groups().has_value() && !groups.members());
    CHECK(groups.kind() == kal::answer_kind::groups);
    const kal::answer workspace = client.call("workspace.get_workspace");
    CHECK(workspace.workspace().has_value() && !workspace.groups());
    CHECK(workspace.kind() == kal::answer_kind::workspace);
    for (const char* method : { "workspace.get_workspace", "workspace.get_members_by_ids", "workspace.get_events" })
        CHECK(kit::contains(kal::methods(), method));
    CHECK_EQUAL(kit::thrown([&] { client.call("workspace.get_events", R"({"page": "two"})"); }), kal::status::invalid_argument);
}

CLAIM(a_request_reaches_any_endpoint)
{
    const kal::client client = kit::client();
    const kal::answer answer = client.request("POST", "/echo/a", R"({"q":"x y"})", R"({"n":1.10})");
    CHECK(!answer.members() && !answer.groups() && !answer.events() && !answer.workspace());
    CHECK(answer.kind() == kal::answer_kind::json);
    CHECK(kit::contains(answer.json(), R"({"verb":"POST","path":"/echo/a","query":[["q","x y"]],)"));
    CHECK(kit::contains(answer.json(), R"("body":{"n":1.10}})"));
    const kal::answer nothing = client.request("DELETE", "/echo?status=204");
    CHECK_EQUAL(nothing.json(), "null");
    CHECK_EQUAL(kit::thrown([&] { client.request("GET", "/echo/.."); }), kal::status::invalid_argument);
    CHECK_EQUAL(kit::thrown([&] { client.request("GET", "/echo", "[]"); }), kal::status::invalid_argument);
    const auto refused = client.try_request("PUT", "/echo?status=422", {}, "[]");
    CHECK(!refused.has_value() && refused.error().status() == kal::status(422));
    using namespace std::string_view_literals;
    CHECK_EQUAL(kit::thrown([&] { client.request("GET", "/echo\0x"sv); }), kal::status::invalid_argument);
}

CLAIM(options_are_passed_to_the_library)
{
    kal::client_options options = kit::options();
    options.max_response_bytes = 10;
    CHECK_EQUAL(kit::thrown([&] { kal::client(options).workspace().events(); }), kal::status::response_too_large);
    options = kit::options();
    options.base_url = "http://example.com";
    CHECK_EQUAL(kit::thrown([&] { kal::client{ options }; }), kal::status::invalid_argument);
    options.allow_http = true;
    CHECK_EQUAL(kit::thrown([&] { kal::client{ options }; }), kal::status::ok);
    options = kit::options();
    options.client_secret = "wrong";
    CHECK_EQUAL(kit::thrown([&] { kal::client(options).workspace().events(); }), kal::status::auth_failed);
    options = kit::options();
    options.max_attempts = 2;
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","status":503})");
    CHECK_EQUAL(kal::client(options).workspace().members().size(), 12u);
    CHECK_EQUAL(kit::thrown([] { kal::client(); }), kal::status::no_credentials);
}

#if __cplusplus >= 202002L
CLAIM(options_can_be_set_with_designated_initializers)
{
    const kal::client client({ .client_id = "demo-client", .client_secret = "demo-secret", .base_url = kit::server.url });
    const kal::events events = client.workspace().events({ .page_size = 5, .event_types = { "create" } }, { .timeout = 20s });
    CHECK(events.size() <= 5u);
    for (kal::event event : events)
        CHECK_EQUAL(event.event_type(), "create");
}
#endif
