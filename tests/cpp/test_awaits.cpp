// What is awaited late, twice, elsewhere or never. Empty where the compiler has no coroutines.
#include "kit.hpp"

#include <kaleidoscope/coroutine.hpp>

#if defined(__cpp_impl_coroutine)

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr char hang[] = R"({"path":"/workspaces/members","drop":"hang"})";

kal::task<std::size_t> count_groups(kal::loop& loop, const kal::client& client)
{
    const kal::groups groups = co_await loop.groups(client);
    co_return groups.size();
}

kal::task<> await_members(kal::awaitable<kal::result<kal::members>>& members, kal::status& status)
{
    const auto outcome = co_await members;
    status = outcome ? kal::status::ok : outcome.error().status();
}

// Ids of which the second cannot be read.
struct broken_ids {
    struct iterator {
        int at;
        std::string operator*() const
        {
            if (at == 1)
                throw std::runtime_error("of the ids");
            return "id";
        }
        iterator& operator++()
        {
            ++at;
            return *this;
        }
        bool operator!=(iterator other) const { return at != other.at; }
    };
    iterator begin() const { return { 0 }; }
    iterator end() const { return { 2 }; }
};

} // namespace

// Red when awaiting a task resumes it, wherever it waits: a segmentation fault.
CLAIM(tasks_that_were_started_are_in_progress_together)
{
    const kal::client client = kit::client();
    kal::loop loop;
    auto all = [](kal::loop& in, const kal::client& from) -> kal::task<std::size_t> {
        std::vector<kal::task<std::size_t>> started;
        for (int i = 0; i < 5; i++) {
            started.push_back(count_groups(in, from));
            started.back().start();
            started.back().start(); // does nothing
        }
        std::size_t groups = 0;
        for (auto& each : started)
            groups += co_await each;
        co_return groups;
    }(loop, client);
    all.start();
    loop.run();
    REQUIRE(all.is_done());
    CHECK_EQUAL(all.get(), 20u);
}

// Red when the second co_await reads what the first has taken: a segmentation fault.
CLAIM(a_call_is_awaited_once)
{
    const kal::client client = kit::client();
    kal::loop loop;
    auto ended = [](kal::loop& in, const kal::client& from) -> kal::task<int> {
        int refused = 0;
        const auto is_refused = [](const kal::result<kal::members>& of) {
            return !of && of.error().status() == kal::status::invalid_state && kit::contains(of.error().what(), "awaited before");
        };
        auto members = in.try_members(from);
        CHECK((co_await members).has_value());
        refused += is_refused(co_await members);
        auto again = in.try_members(from);
        auto moved = std::move(again);
        refused += is_refused(co_await again); // NOLINT
        CHECK((co_await moved).has_value());
        auto throwing = in.members(from);
        (void)co_await throwing;
        try {
            (void)co_await throwing;
        } catch (const kal::argument_error& failure) {
            refused += failure.status() == kal::status::invalid_state;
        }
        co_return refused;
    }(loop, client);
    ended.start();
    loop.run();
    REQUIRE(ended.is_done());
    CHECK_EQUAL(ended.get(), 3);
}

// Red when the second waiter takes the place of the first, which is never resumed.
CLAIM(a_call_that_is_awaited_by_two_is_refused_to_the_second)
{
    const kal::client client = kit::client();
    kal::loop loop;
    auto members = loop.try_members(client);
    kal::status first = kal::status::internal, second = kal::status::internal;
    loop.spawn(await_members(members, first));
    loop.spawn(await_members(members, second));
    CHECK_EQUAL(second, kal::status::invalid_state);
    loop.run();
    CHECK_EQUAL(first, kal::status::ok);
}

// Under AddressSanitizer, red when only the awaitable forgets the coroutine: "heap-use-after-free".
CLAIM(nothing_refers_to_a_destroyed_coroutine_when_what_it_awaits_is_elsewhere)
{
    const kal::client client = kit::client();
    kal::loop loop;
    kal::status status = kal::status::internal;
    auto members = loop.try_members(client);
    {
        const kal::task<> waits = await_members(members, status);
        waits.start();
    }
    auto groups = count_groups(loop, client);
    groups.start();
    {
        const kal::task<> waits = [](kal::task<std::size_t>& on) -> kal::task<> {
            (void)co_await on;
            CHECK(false); // resumed
        }(groups);
        waits.start();
    }
    loop.run();
    CHECK_EQUAL(status, kal::status::internal);
    CHECK(groups.is_done() && groups.get() == 4);
    // Another coroutine may await the call.
    loop.spawn(await_members(members, status));
    CHECK_EQUAL(status, kal::status::ok);
}

// Red when the awaitable takes the waiter with it: the coroutine is not resumed.
CLAIM(a_coroutine_whose_awaitable_is_destroyed_is_resumed_as_cancelled)
{
    emulator_fault(&kit::server, hang);
    const kal::client client = kit::client();
    kal::loop loop;
    kal::status status = kal::status::ok;
    auto members = std::make_unique<kal::awaitable<kal::result<kal::members>>>(loop.try_members(client));
    loop.spawn(await_members(*members, status));
    members.reset();
    loop.run();
    CHECK_EQUAL(status, kal::status::cancelled);

    // A task that is destroyed is not resumed, and refers to nothing.
    auto outer = std::optional<kal::task<std::size_t>>(count_groups(loop, client));
    outer->start();
    const kal::task<> waits = [](kal::task<std::size_t>& on) -> kal::task<> { (void)co_await on; }(*outer);
    waits.start();
    outer.reset();
    loop.run();
    CHECK(!waits.is_done());
}

// Red when only a page that has not arrived closes the stream: the next one begins 100 events later.
CLAIM(a_page_that_arrived_and_that_nobody_took_closes_the_stream)
{
    const kal::client client = kit::client();
    kal::event_stream stream = client.workspace().stream_events();
    kal::loop loop;
    {
        const auto page = loop.next(stream);
        CHECK_EQUAL(loop.poll(30s), 1u);
    }
    CHECK_EQUAL(kit::thrown([&] { stream.next(30s); }), kal::status::invalid_handle);

    // Where nothing arrived, nothing is lost.
    emulator_fault(&kit::server, R"({"path":"/workspaces/events","drop":"hang"})");
    kal::event_stream waits = client.workspace().stream_events();
    {
        const auto page = loop.try_next(waits, 1ms);
        loop.run();
    }
    CHECK(waits.try_cursor().has_value());
}

// Red when the call stays among those in progress: run waits for it for ever.
CLAIM(a_call_whose_arguments_throw_is_not_in_progress)
{
    const kal::client client = kit::client();
    kal::loop loop;
    int caught = 0;
    try {
        (void)loop.members_by_ids(client, broken_ids());
    } catch (const std::runtime_error&) {
        caught++;
    }
    CHECK_EQUAL(caught, 1);
    loop.run();
}

CLAIM(a_call_that_has_completed_does_not_suspend)
{
    const kal::client client = kit::client();
    kal::loop loop;
    auto members = loop.try_members(client);
    CHECK_EQUAL(loop.poll(30s), 1u);
    kal::status status = kal::status::internal;
    const kal::task<> reads = await_members(members, status);
    reads.start();
    CHECK(reads.is_done());
    CHECK_EQUAL(status, kal::status::ok);
    client.close();
    // Neither does one that could not be started, however many there are.
    auto many = [](kal::loop& in, const kal::client& from) -> kal::task<int> {
        int failed = 0;
        for (int i = 0; i < 20'000; i++)
            failed += !(co_await in.try_groups(from)).has_value();
        co_return failed;
    }(loop, client);
    many.start();
    REQUIRE(many.is_done());
    CHECK_EQUAL(many.get(), 20'000);
}

// Red without a default for the type of what is returned: it does not compile.
CLAIM(a_task_returns_what_braces_make)
{
    struct pair {
        int first;
        std::unique_ptr<int> second;
    };
    auto made = []() -> kal::task<pair> { co_return { 7, std::make_unique<int>(8) }; }();
    made.start();
    const pair got = made.get();
    CHECK(got.first == 7 && *got.second == 8);
    auto none = []() -> kal::task<std::optional<int>> { co_return {}; }();
    none.start();
    CHECK(!none.get().has_value());
}

// Red with the destructor of the list, under AddressSanitizer.
CLAIM(a_loop_may_be_used_by_what_it_destroys)
{
    struct spawns {
        kal::loop& loop;
        const kal::client& client;
        bool& is_gone;
        ~spawns()
        {
            loop.spawn([](kal::loop& in, const kal::client& from, bool& gone) -> kal::task<> {
                struct sets {
                    bool& of;
                    ~sets() { of = true; }
                };
                const sets at_end{ gone };
                (void)co_await in.try_members(from);
            }(loop, client, is_gone));
        }
    };
    emulator_fault(&kit::server, hang);
    const kal::client client = kit::client();
    bool is_gone = false;
    {
        kal::loop loop;
        loop.spawn([](kal::loop& in, const kal::client& from, bool& gone) -> kal::task<> {
            const spawns at_end{ in, from, gone };
            (void)co_await in.try_members(from);
        }(loop, client, is_gone));
        CHECK(!is_gone);
    }
    CHECK(is_gone);
}

CLAIM(a_coroutine_waits_for_calls_of_two_loops)
{
    const kal::client client = kit::client();
    kal::loop first, second;
    auto both = [](kal::loop& one, kal::loop& two, const kal::client& from) -> kal::task<std::size_t> {
        auto groups = two.groups(from);
        const kal::members members = co_await one.members(from);
        co_return members.size() + (co_await groups).size();
    }(first, second, client);
    both.start();
    first.run();
    CHECK(!both.is_done());
    second.run();
    REQUIRE(both.is_done());
    CHECK_EQUAL(both.get(), 16u);
}

#endif
