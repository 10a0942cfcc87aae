// Calls that coroutines wait for. Empty where the compiler has no coroutines.
#include "kit.hpp"

#include <kaleidoscope/coroutine.hpp>

#if defined(__cpp_impl_coroutine)

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr char hang[] = R"({"path":"/workspaces/members","drop":"hang"})";

// Says when a coroutine's frame is destroyed.
struct trace {
    bool& is_gone;
    explicit trace(bool& to) : is_gone(to) {}
    trace(const trace&) = delete;
    trace& operator=(const trace&) = delete;
    ~trace() { is_gone = true; }
};

kal::task<> read_everything(kal::loop& loop, const kal::client& client, int& done)
{
    const kal::workspace_info info = co_await loop.workspace(client);
    CHECK(!info->id().empty());
    const kal::members members = co_await loop.members(client);
    CHECK_EQUAL(members.size(), 12u);
    const kal::groups groups = co_await loop.groups(client);
    CHECK_EQUAL(groups.size(), 4u);
    const std::vector<std::string> ids{ std::string(members[0].id()), "nobody" };
    const kal::members some = co_await loop.members_by_ids(client, ids);
    CHECK_EQUAL(some.size(), 1u);
    const std::vector<std::string> group_ids{ std::string(groups[1].id()) };
    const kal::groups one = co_await loop.groups_by_ids(client, group_ids);
    CHECK_EQUAL(one.size(), 1u);
    kal::events_query query;
    query.page_size = 3;
    const kal::events events = co_await loop.events(client, query);
    CHECK_EQUAL(events.size(), 3u);
    const kal::answer answer = co_await loop.call(client, "workspace.get_groups");
    CHECK(answer.kind() == kal::answer_kind::groups);
    done++;
}

kal::task<std::size_t> count_members(kal::loop& loop, const kal::client& client, kal::call_options options = {})
{
    const kal::members members = co_await loop.members(client, options);
    co_return members.size();
}

kal::task<> status_of_members(kal::loop& loop, const kal::client& client, kal::status& status, kal::call_options options = {})
{
    const kal::result<kal::members> members = co_await loop.try_members(client, options);
    status = members ? kal::status::ok : members.error().status();
}

kal::task<> wait_for_members(kal::loop& loop, const kal::client& client, bool& is_gone, kal::call_options options = {})
{
    const trace traced(is_gone);
    (void)co_await loop.members(client, options);
    CHECK(false); // resumed
}

} // namespace

CLAIM(a_coroutine_waits_for_every_typed_call)
{
    const kal::client client = kit::client();
    kal::loop loop;
    int done = 0;
    loop.spawn(read_everything(loop, client, done));
    loop.spawn(read_everything(loop, client, done));
    CHECK_EQUAL(done, 0);
    loop.run();
    CHECK_EQUAL(done, 2);
}

// The first is answered only when the second is.
CLAIM(calls_of_one_coroutine_are_in_progress_together)
{
    emulator_fault(&kit::server, hang);
    const kal::client client = kit::client();
    const kal::cancel cancel;
    kal::loop loop;
    kal::status status = kal::status::ok;
    loop.spawn([](kal::loop& in, const kal::client& from, const kal::cancel& by, kal::status& of) -> kal::task<> {
        kal::call_options options;
        options.cancel = &by;
        auto members = in.try_members(from, options);
        emulator_wait_for(&kit::server, "/workspaces/members", 1);
        const kal::groups groups = co_await in.groups(from);
        CHECK_EQUAL(groups.size(), 4u);
        by.fire();
        of = (co_await members).error().status();
    }(loop, client, cancel, status));
    loop.run();
    CHECK_EQUAL(status, kal::status::cancelled);
}

CLAIM(errors_are_thrown_or_returned_where_a_call_is_awaited)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","status":403,"times":2,"body":"no"})");
    const kal::client client = kit::client();
    kal::loop loop;
    bool is_caught = false;
    kal::status returned = kal::status::ok;
    loop.spawn([](kal::loop& in, const kal::client& from, bool& caught) -> kal::task<> {
        try {
            (void)co_await in.members(from);
        } catch (const kal::api_error& failure) {
            caught = failure.status() == kal::status::forbidden && failure.body() == "no";
        }
    }(loop, client, is_caught));
    loop.run();
    loop.spawn(status_of_members(loop, client, returned));
    loop.run();
    CHECK(is_caught);
    CHECK_EQUAL(returned, kal::status::forbidden);
}

CLAIM(a_call_that_cannot_be_started_fails_where_it_is_awaited)
{
    const kal::client client = kit::client();
    kal::loop loop;
    auto ended = [](kal::loop& in, const kal::client& from) -> kal::task<kal::status> {
        co_return (co_await in.try_call(from, "no.such_method")).error().status();
    }(loop, client);
    ended.start();
    REQUIRE(ended.is_done());
    CHECK_EQUAL(ended.get(), kal::status::unknown_method);
    CHECK_EQUAL(loop.poll(), 0u);
}

CLAIM(pages_of_a_stream_are_awaited_to_its_end)
{
    const kal::client client = kit::client();
    std::size_t all = 0;
    for (kal::event event : client.workspace().stream_events().flat())
        all += !event.id().empty();
    kal::loop loop;
    auto counted = [](kal::loop& in, const kal::client& from) -> kal::task<std::size_t> {
        const kal::event_stream stream = from.workspace().stream_events();
        std::size_t events = 0;
        for (;;) {
            auto page = co_await in.next(stream);
            if (!page)
                co_return events;
            events += page->size();
        }
    }(loop, client);
    counted.start();
    loop.run();
    REQUIRE(counted.is_done());
    CHECK_EQUAL(counted.get(), all);
}

CLAIM(a_page_that_does_not_arrive_in_time_is_not_ready)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/events","drop":"hang"})");
    const kal::client client = kit::client();
    const kal::event_stream stream = client.workspace().stream_events();
    kal::loop loop;
    auto ended = [](kal::loop& in, const kal::event_stream& from) -> kal::task<kal::status> {
        co_return (co_await in.try_next(from, 1ms)).error().status();
    }(loop, stream);
    ended.start();
    loop.run();
    CHECK_EQUAL(ended.get(), kal::status::not_ready);
}

CLAIM(tasks_return_values_and_exceptions_to_the_task_that_awaits_them)
{
    const kal::client client = kit::client();
    kal::loop loop;
    auto twice = [](kal::loop& in, const kal::client& from) -> kal::task<std::size_t> {
        co_return co_await count_members(in, from) + co_await count_members(in, from);
    }(loop, client);
    twice.start();
    loop.run();
    CHECK_EQUAL(twice.get(), 24u);

    client.close();
    auto failed = [](kal::loop& in, const kal::client& from) -> kal::task<kal::status> {
        try {
            (void)co_await count_members(in, from);
        } catch (const kal::argument_error& failure) {
            co_return failure.status();
        }
        co_return kal::status::ok;
    }(loop, client);
    failed.start();
    REQUIRE(failed.is_done());
    CHECK_EQUAL(failed.get(), kal::status::invalid_handle);
}

// Red with symmetric transfer to the awaited task, in g++ without optimisation: a segmentation fault.
CLAIM(a_task_may_await_any_number_of_tasks_that_do_not_wait)
{
    auto sum = []() -> kal::task<long> {
        long all = 0;
        for (long i = 0; i < 200'000; i++)
            all += co_await [](long of) -> kal::task<long> { co_return of % 2; }(i);
        co_return all;
    }();
    sum.start();
    REQUIRE(sum.is_done());
    CHECK_EQUAL(sum.get(), 100'000);
}

CLAIM(an_exception_that_leaves_a_spawned_coroutine_is_thrown_by_run)
{
    const kal::client client = kit::client();
    kal::loop loop;
    int done = 0;
    loop.spawn([](kal::loop& in, const kal::client& from) -> kal::task<> {
        (void)co_await in.groups(from);
        throw std::logic_error("the host's own");
    }(loop, client));
    loop.spawn(read_everything(loop, client, done));
    bool is_thrown = false;
    try {
        loop.run();
    } catch (const std::logic_error& thrown) {
        is_thrown = thrown.what() == std::string_view("the host's own");
    }
    CHECK(is_thrown);
    loop.run();
    CHECK_EQUAL(done, 1);
}

CLAIM(a_destroyed_coroutine_cancels_its_call)
{
    emulator_fault(&kit::server, hang);
    const kal::client client = kit::client();
    kal::loop loop;
    bool is_gone = false;
    {
        const kal::task<> waits = wait_for_members(loop, client, is_gone);
        waits.start();
        emulator_wait_for(&kit::server, "/workspaces/members", 1);
        CHECK(!is_gone);
    }
    CHECK(is_gone);
    // It completes, although the server never answers, and nothing is resumed.
    CHECK_EQUAL(loop.poll(30s), 1u);
    CHECK_EQUAL(loop.poll(), 0u);
}

CLAIM(an_awaitable_that_nobody_awaits_cancels_its_call)
{
    emulator_fault(&kit::server, hang);
    const kal::client client = kit::client();
    kal::loop loop;
    {
        auto members = loop.members(client);
        const auto moved = std::move(members);
        emulator_wait_for(&kit::server, "/workspaces/members", 1);
    }
    loop.run();
    CHECK_EQUAL(emulator_count(&kit::server, "/workspaces/members"), 1);
}

// It would cancel the other call, too.
CLAIM(a_destroyed_coroutine_leaves_a_cancel_of_others_alone)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","delay_ms":100})");
    const kal::client client = kit::client();
    const kal::cancel shared;
    kal::call_options options;
    options.cancel = &shared;
    kal::loop loop;
    kal::status other = kal::status::internal;
    bool is_gone = false;
    loop.spawn(status_of_members(loop, client, other, options));
    {
        const kal::task<> waits = wait_for_members(loop, client, is_gone, options);
        waits.start();
    }
    CHECK(is_gone);
    loop.run();
    CHECK_EQUAL(other, kal::status::ok);
}

// A page that nobody receives would be behind the cursor. Red when the stream is left open: "it hangs".
CLAIM(a_coroutine_that_is_destroyed_while_it_waits_for_a_page_closes_the_stream)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/events","drop":"hang"})");
    const kal::client client = kit::client();
    kal::event_stream stream = client.workspace().stream_events();
    kal::loop loop;
    {
        auto page = loop.next(stream);
        emulator_wait_for(&kit::server, "/workspaces/events", 1);
    }
    loop.run();
    CHECK_EQUAL(kit::thrown([&] { stream.next(0ms); }), kal::status::invalid_handle);
}

CLAIM(a_loop_destroys_what_it_has_spawned)
{
    emulator_fault(&kit::server, hang);
    const kal::client client = kit::client();
    bool is_gone = false;
    auto loop = std::make_unique<kal::loop>();
    loop->spawn(wait_for_members(*loop, client, is_gone));
    // One that the program has kept, and which waits for a call of a loop that is no more.
    bool is_kept_gone = false;
    std::optional<kal::task<>> kept(wait_for_members(*loop, client, is_kept_gone));
    kept->start();
    loop.reset();
    CHECK(is_gone && !is_kept_gone);
    kept.reset();
    CHECK(is_kept_gone);
}

CLAIM(a_cancel_that_is_fired_resumes_its_coroutines)
{
    emulator_fault(&kit::server, hang);
    const kal::client client = kit::client();
    const kal::cancel cancel;
    kal::call_options options;
    options.cancel = &cancel;
    kal::loop loop;
    kal::status first = kal::status::ok, second = kal::status::ok;
    loop.spawn(status_of_members(loop, client, first, options));
    loop.spawn(status_of_members(loop, client, second, options));
    cancel.fire();
    loop.run();
    CHECK_EQUAL(first, kal::status::cancelled);
    CHECK_EQUAL(second, kal::status::cancelled);
}

CLAIM(a_shutdown_resumes_every_coroutine_as_cancelled)
{
    emulator_fault(&kit::server, hang);
    const kal::client client = kit::client();
    kal::loop loop;
    kal::status status = kal::status::ok, later = kal::status::ok;
    loop.spawn(status_of_members(loop, client, status));
    loop.shutdown();
    loop.run();
    CHECK_EQUAL(status, kal::status::cancelled);
    loop.spawn(status_of_members(loop, client, later));
    CHECK_EQUAL(later, kal::status::invalid_state);
    CHECK_EQUAL(loop.poll(1ms), 0u);
}

#ifndef _WIN32
CLAIM(the_descriptor_of_a_loop_is_readable_while_poll_has_something_to_do)
{
    const kal::client client = kit::client();
    kal::loop loop;
    int done = 0;
    loop.spawn(read_everything(loop, client, done));
    CHECK_EQUAL(loop.poll(0ms), 0u);
    while (done == 0) {
        pollfd descriptor{ loop.fd(), POLLIN, 0 };
        REQUIRE(poll(&descriptor, 1, 30'000) == 1);
        CHECK(loop.poll() > 0u);
    }
}
#endif

#endif
