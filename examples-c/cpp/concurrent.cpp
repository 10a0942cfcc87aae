// Reads a workspace with coroutines on one thread: several calls are in progress at once, and what takes longer than the rest is
// cancelled.
//
//     c++ -std=c++20 concurrent.cpp $(pkg-config --cflags --libs kaleidoscope)
//
// A program with an event loop waits there for loop.fd() instead of calling loop.run(), and then calls loop.poll(). See
// memberships.cpp for the environment variables.
#include <kaleidoscope.hpp>
#include <kaleidoscope/coroutine.hpp>

#include <iostream>
#include <optional>

namespace {

// Both requests are sent before the first answer is awaited.
kal::task<> print_sizes(kal::loop& loop, const kal::client& client)
{
    auto started = loop.groups(client);
    const kal::members members = co_await loop.members(client);
    const kal::groups groups = co_await started;
    std::cout << members.size() << " members, " << groups.size() << " groups\n";
}

kal::task<std::size_t> count_events(kal::loop& loop, const kal::client& client)
{
    const kal::event_stream stream = client.workspace().stream_events();
    std::size_t count = 0;
    while (const auto page = co_await loop.next(stream))
        count += page->size();
    co_return count;
}

kal::task<> print_events(kal::loop& loop, const kal::client& client, std::optional<kal::task<>>& follower)
{
    std::cout << co_await count_events(loop, client) << " events\n";
    follower.reset(); // destroyed while it waits: its call is cancelled
}

// Waits for new events, for ever.
kal::task<> follow(kal::loop& loop, const kal::client& client)
{
    const kal::event_stream stream = client.workspace().follow_events();
    while (const auto page = co_await loop.next(stream))
        std::cout << page->size() << " new events\n";
}

// The functions that return errors work in coroutines, too.
kal::task<> print_missing(kal::loop& loop, const kal::client& client)
{
    const auto missing = co_await loop.try_call(client, "request", R"({"verb": "GET", "path": "/no/such/endpoint"})");
    if (!missing)
        std::cout << missing.error().status() << '\n';
}

} // namespace

int main()
try {
    const kal::client client;
    kal::loop loop;
    std::optional<kal::task<>> follower(follow(loop, client));
    follower->start();
    loop.spawn(print_sizes(loop, client));
    loop.spawn(print_events(loop, client, follower));
    loop.spawn(print_missing(loop, client));
    loop.run();
} catch (const kal::error& failure) {
    std::cerr << failure << '\n';
    return 1;
}
