// Event streams as ranges.
#include "kit.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t all_events = 250;

kal::events_query pages_of(int size)
{
    kal::events_query query;
    query.page_size = size;
    return query;
}

} // namespace

CLAIM(a_stream_is_a_range_of_pages)
{
    const kal::client client = kit::client();
    std::set<std::string> ids;
    std::size_t events = 0, pages = 0;
    for (auto& page : client.workspace().stream_events(pages_of(100))) {
        CHECK(!page.empty());
        pages++;
        for (kal::event event : page)
            events += ids.insert(std::string(event.id())).second;
    }
    CHECK_EQUAL(events, all_events);
    CHECK(pages >= 3);
}

CLAIM(a_flat_stream_is_a_range_of_events)
{
    const kal::client client = kit::client();
    std::set<std::string> ids;
    std::size_t events = 0;
    for (kal::event event : client.workspace().stream_events(pages_of(60)).flat()) {
        ids.insert(std::string(event.id()));
        events++;
    }
    CHECK_EQUAL(events, all_events);
    CHECK_EQUAL(ids.size(), all_events);
}

CLAIM(a_page_can_be_moved_out_of_a_loop)
{
    const kal::client client = kit::client();
    std::vector<kal::events> kept;
    for (auto& page : client.workspace().stream_events(pages_of(100)))
        kept.push_back(std::move(page));
    std::size_t events = 0;
    for (const auto& page : kept)
        events += static_cast<std::size_t>(
            std::count_if(page.begin(), page.end(), [](kal::event event) { return !event.id().empty(); }));
    CHECK_EQUAL(events, all_events);
}

CLAIM(algorithms_accept_a_stream)
{
    const kal::client client = kit::client();
    auto events = client.workspace().stream_events(pages_of(100)).flat();
    std::size_t counted = 0;
    std::for_each(events.begin(), events.end(), [&](kal::event) { counted++; });
    CHECK_EQUAL(counted, all_events);
    CHECK(events.begin() == events.end());
}

CLAIM(a_second_loop_continues_where_the_first_stopped)
{
    const kal::client client = kit::client();
    kal::event_stream stream = client.workspace().stream_events(pages_of(100));
    auto events = stream.flat();
    std::set<std::string> ids;
    for (const std::size_t until : { std::size_t{ 1 }, std::size_t{ 150 }, std::size_t{ 200 }, all_events + 1 })
        for (kal::event event : events) {
            CHECK(ids.insert(std::string(event.id())).second);
            if (ids.size() == until)
                break;
        }
    CHECK_EQUAL(ids.size(), all_events);
    CHECK(stream.is_done());
}

CLAIM(a_loop_continues_after_an_error)
{
    const kal::client client = kit::client();
    emulator_fault(&kit::server, R"({"path":"/workspaces/events","after":2,"times":1,"status":500})");
    auto events = client.workspace().stream_events(pages_of(50)).flat();
    std::set<std::string> ids;
    int errors = 0;
    for (bool is_over = false; !is_over;)
        try {
            for (kal::event event : events)
                CHECK(ids.insert(std::string(event.id())).second);
            is_over = true;
        } catch (const kal::error& failure) {
            CHECK_EQUAL(failure.status(), kal::status::server_error);
            errors++;
        }
    CHECK_EQUAL(errors, 1);
    CHECK_EQUAL(ids.size(), all_events);
}

CLAIM(pages_can_be_fetched_without_exceptions)
{
    const kal::client client = kit::client();
    auto opened = client.workspace().try_stream_events(pages_of(100));
    REQUIRE(opened.has_value());
    kal::event_stream stream = *std::move(opened);
    std::size_t events = 0;
    while (!stream.is_done()) {
        const auto page = stream.try_next(30s);
        REQUIRE(page.has_value());
        if (*page)
            events += (*page)->size();
    }
    CHECK_EQUAL(events, all_events);
    const auto after = stream.try_next(0s);
    CHECK(after.has_value() && !*after && stream.is_done());
}

CLAIM(a_stream_respects_its_filters)
{
    const kal::client client = kit::client();
    kal::events_query query;
    query.event_types = { "create" };
    std::size_t events = 0;
    for (kal::event event : client.workspace().stream_events(query).flat()) {
        CHECK_EQUAL(event.event_type(), "create");
        events++;
    }
    CHECK(events > 0 && events < all_events);
    query.page = 1;
    CHECK_EQUAL(kit::thrown([&] { client.workspace().stream_events(query); }), kal::status::invalid_argument);
}

CLAIM(a_follower_resumes_from_a_cursor)
{
    const kal::client client = kit::client();
    std::string cursor;
    {
        kal::event_stream stream = client.workspace().stream_events();
        for (auto& page : stream)
            (void)page;
        cursor = stream.cursor();
    }
    CHECK(!cursor.empty());
    emulator_admin(&kit::server, "events", R"({"count": 3, "event_type": "note"})");
    kal::event_stream stream = kit::client().workspace().follow_events({}, cursor);
    CHECK_EQUAL(kit::thrown([&] { stream.next(0ms); }), kal::status::cancelled); // its client is closed
    stream = client.workspace().follow_events({}, cursor);
    stream.set_backoff(1ms, 10ms);
    stream.set_read_ahead(true);
    std::size_t events = 0;
    while (events < 3)
        if (const auto page = stream.next(30s))
            events += page->size();
    CHECK_EQUAL(events, 3u);
    CHECK(!stream.next(0ms));
    CHECK(!stream.is_done());
    CHECK(stream.cursor() != cursor);
    CHECK_EQUAL(kit::thrown([&] { client.workspace().follow_events({}, "no cursor"); }), kal::status::invalid_argument);
}

CLAIM(a_loop_over_a_follower_ends_when_cancelled)
{
    const kal::client client = kit::client();
    const kal::cancel cancel;
    kal::call_options options;
    options.cancel = &cancel;
    kal::event_stream stream = client.workspace().follow_events({}, {}, options);
    stream.set_backoff(1ms, 10ms);
    CHECK(!stream.next(0ms)); // it starts at the present
    emulator_admin(&kit::server, "events", R"({"count": 2})");
    std::size_t events = 0;
    CHECK_EQUAL(kit::thrown([&] {
                    for (kal::event event : stream.flat()) {
                        CHECK(!event.id().empty());
                        if (++events == 2)
                            cancel.fire();
                    }
                }),
                kal::status::cancelled);
    CHECK_EQUAL(events, 2u);
}

CLAIM(closing_a_stream_wakes_a_waiting_thread)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/events","drop":"hang"})");
    const kal::client client = kit::client();
    kal::event_stream stream = client.workspace().stream_events();
    kal::status ended = kal::status::ok;
    std::thread waiting([&] { ended = kit::thrown([&] { stream.next(30s); }); });
    emulator_wait_for(&kit::server, "/workspaces/events", 1);
    stream.close();
    waiting.join();
    CHECK_EQUAL(ended, kal::status::cancelled);
    CHECK_EQUAL(kit::thrown([&] { stream.next(0ms); }), kal::status::invalid_handle);
    CHECK_EQUAL(kit::thrown([&] { stream.cursor(); }), kal::status::invalid_handle);
}
