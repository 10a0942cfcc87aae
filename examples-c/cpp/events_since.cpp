// Prints the events of a workspace since a date; with --follow it continues with new events until Ctrl-C.
//
//     c++ -std=c++17 events_since.cpp $(pkg-config --cflags --libs kaleidoscope) -pthread
//     ./a.out 2026-01-31
//     ./a.out --follow 2026-01-31
//
// This example uses the functions that return errors: every function f that throws has a counterpart try_f. See memberships.cpp
// for exceptions and for the environment variables.
#include <kaleidoscope.hpp>

#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>

namespace {

volatile std::sig_atomic_t is_interrupted = 0;

void print(const kal::events& page)
{
    for (auto event : page)
        std::cout << event.created_at_text().value_or("-") << ' ' << event.event_type().value_or("?") << ' '
                  << event.resource_type().value_or("-") << ' ' << event.resource_id().value_or("-") << " by "
                  << event.full_name().value_or("-") << '\n';
    std::cout.flush();
}

int report(const kal::error& failure)
{
    std::cerr << kal::name(failure.status()) << ": " << failure.what() << '\n';
    return 1;
}

} // namespace

int main(int argc, char** argv)
{
    const bool follows = argc > 1 && std::strcmp(argv[1], "--follow") == 0;
    kal::events_query query;
    if (argc > 1 + follows)
        query.after_date = argv[1 + follows];
    std::signal(SIGINT, [](int) { is_interrupted = 1; });

    const auto client = kal::client::try_open();
    if (!client)
        return report(client.error());
    auto stream = follows ? client->workspace().try_follow_events(query) : client->workspace().try_stream_events(query);
    if (!stream)
        return report(stream.error());
    while (!stream->is_done() && !is_interrupted) {
        const auto page = stream->try_next(std::chrono::milliseconds(500));
        if (page && *page)
            print(**page);
        else if (!page && (!follows || !page.error().retryable()))
            return report(page.error());
    }
    // The next run can resume here with follow_events({}, cursor).
    if (const auto cursor = stream->try_cursor())
        std::cerr << "cursor: " << *cursor << '\n';
}
