// Calls that do not block.
#include "kit.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

CLAIM(a_submitted_call_completes_with_its_user_data)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    int mark = 0;
    queue.submit(client, "workspace.get_events", R"({"page_size": 3})", &mark);
    auto done = queue.next(30s);
    REQUIRE(done.has_value());
    CHECK(done->user_data == &mark);
    REQUIRE(done->outcome.has_value());
    const kal::events events{ std::move(*done->outcome) };
    CHECK_EQUAL(events.size(), 3u);
    CHECK(!queue.next(0ms));
}

CLAIM(a_typed_submission_has_its_query)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    kal::events_query query;
    query.page_size = 3;
    query.event_types = { "create", "a \"quoted\" type" };
    int mark = 0;
    queue.submit_events(client, query, &mark);
    auto done = queue.next(30s);
    REQUIRE(done.has_value() && done->outcome.has_value());
    CHECK(done->user_data == &mark);
    CHECK(done->outcome->kind() == kal::answer_kind::events);
    const kal::events blocking = client.workspace().events(query);
    CHECK_EQUAL(done->outcome->json(), blocking.json());
    query.after_date = "yesterday";
    CHECK_EQUAL(kit::thrown([&] { queue.submit_events(client, query); }), kal::status::invalid_argument);
    query.after_date = std::string("2026-01-31\0", 11);
    CHECK_EQUAL(kit::thrown([&] { queue.submit_events(client, query); }), kal::status::invalid_argument);
    CHECK(!queue.next(0ms));
}

CLAIM(a_typed_submission_by_ids_takes_any_range_of_strings)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    const kal::members members = client.workspace().members();
    const kal::groups groups = client.workspace().groups();
    queue.submit_members_by_ids(client, { members[0].id(), "no \"one\"", members[2].id() });
    auto done = queue.next(30s);
    REQUIRE(done.has_value() && done->outcome.has_value());
    CHECK_EQUAL(done->outcome->members()->size(), 2u);
    queue.submit_groups_by_ids(client, kit::changing(std::vector<std::string>{ std::string(groups[0].id()) }));
    done = queue.next(30s);
    REQUIRE(done.has_value() && done->outcome.has_value());
    CHECK_EQUAL(done->outcome->groups()->size(), 1u);
}

CLAIM(a_typed_submission_completes_with_a_typed_outcome)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    int members = 0, groups = 0, workspace = 0, events = 0;
    queue.submit_members(client, &members);
    queue.submit_groups(client, &groups);
    queue.submit_workspace(client, &workspace);
    kal::events_query query;
    query.page_size = 3;
    queue.submit_events(client, query, &events);
    for (int i = 0; i < 4; i++) {
        auto done = queue.next(30s);
        REQUIRE(done.has_value());
        if (done->user_data == &members)
            members += static_cast<int>(done->take<kal::members>().size());
        else if (done->user_data == &groups)
            groups += static_cast<int>(done->take<kal::groups>().size());
        else if (done->user_data == &events)
            events += static_cast<int>(done->take<kal::events>().size());
        else {
            const kal::workspace_info info = done->take<kal::workspace_info>();
            workspace += info->workspace_name().has_value();
        }
    }
    CHECK_EQUAL(members, 12);
    CHECK_EQUAL(groups, 4);
    CHECK_EQUAL(events, 3);
    CHECK_EQUAL(workspace, 1);
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","status":403})");
    kal::call_options refresh;
    refresh.cache = kal::cache_mode::refresh;
    queue.submit_members(client, nullptr, refresh);
    auto done = queue.next(30s);
    REQUIRE(done.has_value());
    CHECK_EQUAL(done->try_take<kal::members>().error().status(), kal::status::forbidden);
}

// Red when a list of another kind is empty: "expected members.has_value() to be false".
CLAIM(an_answer_is_not_taken_for_what_it_does_not_hold)
{
    const kal::client client = kit::client();
    const auto mistaken = [&](auto take) {
        kal::answer events = client.call("workspace.get_events");
        const kal::error failure = take(std::move(events));
        CHECK_EQUAL(failure.status(), kal::status::invalid_argument);
        return std::string(failure.what());
    };
    const std::string members = mistaken([](kal::answer from) { return kal::try_as<kal::members>(std::move(from)).error(); });
    CHECK(kit::contains(members, "taken for members, and it holds events"));
    const std::string workspace =
        mistaken([](kal::answer from) { return kal::try_as<kal::workspace_info>(std::move(from)).error(); });
    CHECK(kit::contains(workspace, "taken for a workspace, and it holds events"));
    const std::string thrown = mistaken([](kal::answer from) {
        try {
            const kal::groups groups(std::move(from));
            return kal::error(kal::status::ok, "nothing was thrown");
        } catch (const kal::argument_error& failure) {
            return kal::error(failure);
        }
    });
    CHECK(kit::contains(thrown, "taken for groups, and it holds events"));
    CHECK_EQUAL(kit::thrown([&] { kal::workspace_info(client.call("workspace.get_groups")); }), kal::status::invalid_argument);
    const auto json = kal::try_as<kal::events>(client.request("GET", "/echo"));
    CHECK(kit::contains(json.error().what(), "holds JSON alone"));
    kal::answer answer = client.call("workspace.get_events");
    CHECK(kal::try_as<kal::events>(std::move(answer)).has_value());
    CHECK(kit::contains(kal::try_as<kal::events>(std::move(answer)).error().what(), "it was moved from")); // NOLINT
    CHECK(kal::try_as<kal::answer>(client.call("workspace.get_events")).has_value());
}

CLAIM(a_failed_call_completes_with_its_error)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","status":403,"body":"no"})");
    const kal::client client = kit::client();
    const kal::queue queue;
    queue.submit(client, "workspace.get_members");
    const auto done = queue.next(30s);
    REQUIRE(done.has_value());
    REQUIRE(!done->outcome.has_value());
    CHECK_EQUAL(done->outcome.error().status(), kal::status::forbidden);
    CHECK_EQUAL(done->outcome.error().body(), "no");
}

CLAIM(every_call_completes_once)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    int counts[40] = {};
    for (int& count : counts)
        queue.submit(client, &count - counts < 20 ? "workspace.get_members" : "workspace.get_events", {}, &count);
    for (int i = 0; i < 40; i++) {
        const auto done = queue.next(30s);
        REQUIRE(done.has_value());
        CHECK(done->outcome.has_value());
        ++*static_cast<int*>(done->user_data);
    }
    for (const int count : counts)
        CHECK_EQUAL(count, 1);
    CHECK(!queue.next(0ms));
}

CLAIM(the_descriptor_is_readable_while_completions_wait)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    CHECK(!kit::is_readable(queue, 0));
    queue.submit(client, "workspace.get_members");
    CHECK(kit::is_readable(queue, 30'000));
    CHECK(queue.next(0ms).has_value());
    CHECK(!kit::is_readable(queue, 0));
}

CLAIM(a_submitted_call_can_be_cancelled)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","drop":"hang"})");
    const kal::client client = kit::client();
    const kal::queue queue;
    {
        const kal::cancel cancel;
        kal::call_options options;
        options.cancel = &cancel;
        queue.submit(client, "workspace.get_members", {}, nullptr, options);
        emulator_wait_for(&kit::server, "/workspaces/members", 1);
        cancel.fire();
    }
    const auto done = queue.next(30s);
    REQUIRE(done.has_value() && !done->outcome.has_value());
    CHECK_EQUAL(done->outcome.error().status(), kal::status::cancelled);
}

CLAIM(a_submitted_call_ends_with_its_client)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","drop":"hang"})");
    const kal::queue queue;
    {
        const kal::client client = kit::client();
        queue.submit_members(client);
        emulator_wait_for(&kit::server, "/workspaces/members", 1);
    }
    const auto done = queue.next(30s);
    REQUIRE(done.has_value() && !done->outcome.has_value());
    CHECK_EQUAL(done->outcome.error().status(), kal::status::cancelled);
}

CLAIM(a_call_that_cannot_be_submitted_throws_at_once)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    CHECK_EQUAL(kit::thrown([&] { queue.submit(client, "no.such_method"); }), kal::status::unknown_method);
    client.close();
    CHECK_EQUAL(kit::thrown([&] { queue.submit(client, "workspace.get_members"); }), kal::status::invalid_handle);
    CHECK(!queue.next(0ms));
}

CLAIM(closing_a_queue_wakes_a_waiting_thread)
{
    const kal::queue queue;
    kal::status ended = kal::status::ok;
    std::thread waiting([&] {
        ended = kit::thrown([&] {
            while (!queue.next(100ms)) {
            }
        });
    });
    queue.close();
    waiting.join();
    // Either, depending on the other thread's progress.
    CHECK(ended == kal::status::cancelled || ended == kal::status::invalid_handle);
    CHECK_EQUAL(queue.fd(), -1);
}

CLAIM(completions_left_in_a_queue_are_freed)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    queue.submit(client, "workspace.get_members");
    CHECK(kit::is_readable(queue, 30'000));
    // LeakSanitizer reports any that are not.
}

CLAIM(a_page_of_a_stream_completes_through_a_queue)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    kal::events_query query;
    query.page_size = 250;
    // 250, and what other claims have added.
    std::size_t all = 0;
    for (kal::event event : client.workspace().stream_events(query).flat())
        all += !event.id().empty();
    const kal::event_stream stream = client.workspace().stream_events(query);
    std::size_t events = 0;
    for (;;) {
        queue.submit_next(stream, 30s);
        auto done = queue.next(30s);
        REQUIRE(done.has_value());
        if (!done->outcome) {
            CHECK_EQUAL(done->outcome.error().status(), kal::status::done);
            break;
        }
        events += kal::events(std::move(*done->outcome)).size();
    }
    CHECK_EQUAL(events, all);
    CHECK(events >= 250);
}

// Red with KAL_TIMED_OUT for nothing yet: "to be 2, it is 203".
CLAIM(a_page_that_is_not_ready_completes_as_not_ready)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/events","drop":"hang"})");
    const kal::client client = kit::client();
    const kal::queue queue;
    const kal::event_stream stream = client.workspace().stream_events();
    queue.submit_next(stream, 1ms);
    const auto done = queue.next(30s);
    REQUIRE(done.has_value() && !done->outcome.has_value());
    CHECK_EQUAL(done->outcome.error().status(), kal::status::not_ready);
}

// Red with kal_queue_close in shutdown: "expected ended to be 1, it is 101".
CLAIM(a_queue_that_is_shut_down_returns_every_user_data)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    int returned = 0;
    for (int i = 0; i < 10; i++)
        queue.submit(client, "workspace.get_events", {}, &returned);
    queue.shutdown();
    const kal::status ended = kit::thrown([&] {
        while (const auto done = queue.next(30s))
            ++*static_cast<int*>(done->user_data);
    });
    CHECK_EQUAL(ended, kal::status::done);
    CHECK_EQUAL(returned, 10);
}
