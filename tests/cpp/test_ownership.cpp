// Ownership: moves, lifetimes and destruction.
#include "kit.hpp"

#include <thread>

CLAIM(a_moved_client_works_and_the_moved_from_one_fails)
{
    kal::client client = kit::client();
    const kal::client moved = std::move(client);
    CHECK_EQUAL(moved.workspace().members().size(), 12u);
    CHECK_EQUAL(kit::thrown([&] { client.workspace().members(); }), kal::status::invalid_handle);
}

CLAIM(assigning_a_client_closes_the_previous_one)
{
    kal::client client = kit::client();
    const kal::workspace_service former = client.workspace();
    CHECK_EQUAL(former.members().size(), 12u);
    client = kit::client();
    CHECK_EQUAL(kit::thrown([&] { former.members(); }), kal::status::invalid_handle);
    CHECK_EQUAL(client.workspace().members().size(), 12u);
}

CLAIM(assigning_an_owner_to_itself_changes_nothing)
{
    kal::members members = kit::client().workspace().members();
    kal::members& same = members;
    members = std::move(same);
    CHECK_EQUAL(members.size(), 12u);
    CHECK(!members[11].id().empty());
}

CLAIM(a_list_outlives_its_client)
{
    const kal::members members = [] {
        const kal::client client = kit::client();
        return client.workspace().members();
    }();
    CHECK_EQUAL(members.size(), 12u);
    CHECK(!members[0].id().empty());
}

CLAIM(a_moved_list_is_empty)
{
    kal::members members = kit::client().workspace().members();
    kal::members taken = std::move(members);
    CHECK(members.empty());
    CHECK(members.begin() == members.end());
    CHECK_EQUAL(members.json(), "");
    members = std::move(taken);
    CHECK(taken.empty());
    CHECK_EQUAL(members.size(), 12u);
}

// Red when it goes on pointing into the answer: "heap-use-after-free" under AddressSanitizer.
CLAIM(a_moved_workspace_is_empty)
{
    const kal::client client = kit::client();
    kal::workspace_info info = client.workspace().info();
    {
        const kal::workspace_info taken = std::move(info);
        CHECK(!taken->id().empty() && taken->workspace_name().has_value());
    }
    client.clear_caches();
    CHECK(info->id().empty() && !info->workspace_name() && info.json().empty());
    info = client.workspace().info();
    kal::workspace_info& same = info;
    info = std::move(same);
    CHECK(!info->id().empty());
    kal_result_free(info.release());
    client.clear_caches();
    CHECK((*info).id().empty());
}

CLAIM(a_call_on_a_service_of_a_closed_client_fails)
{
    const kal::workspace_service service = kit::client().workspace();
    CHECK_EQUAL(kit::thrown([&] { service.members(); }), kal::status::invalid_handle);
    CHECK_EQUAL(emulator_count(&kit::server, "requests"), 0);
}

CLAIM(closing_a_client_ends_its_calls)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","drop":"hang"})");
    const kal::client client = kit::client();
    kal::status ended = kal::status::ok;
    std::thread caller([&] { ended = kit::thrown([&] { client.workspace().members(); }); });
    emulator_wait_for(&kit::server, "/workspaces/members", 1);
    client.close();
    caller.join();
    CHECK_EQUAL(ended, kal::status::cancelled);
    CHECK_EQUAL(kit::thrown([&] { client.workspace().members(); }), kal::status::invalid_handle);
}

CLAIM(handles_can_be_released_and_adopted)
{
    kal_result given = kit::client().workspace().members().release();
    CHECK(given.id != 0);
    const kal::members members{ kal::answer(given) };
    CHECK_EQUAL(members.handle().id, given.id);
    CHECK_EQUAL(members.size(), 12u);

    kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
    options.base_url = kit::server.url;
    options.client_id = "demo-client";
    options.client_secret = "demo-secret";
    kal_client handle = KAL_NONE;
    REQUIRE(kal_client_open(&options, &handle, nullptr) == KAL_OK);
    kal::workspace_service service = kal::client::adopt(handle).workspace();
    CHECK_EQUAL(kit::thrown([&] { service.members(); }), kal::status::invalid_handle);
}
