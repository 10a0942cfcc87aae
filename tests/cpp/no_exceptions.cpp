// A program compiled with -fno-exceptions: everything can be done without exceptions.
#include "kit.hpp"

#include <chrono>

#if KAL_CPP_EXCEPTIONS
#error "this is to be compiled with -fno-exceptions"
#endif

using namespace std::chrono_literals;

CLAIM(members_are_read_without_exceptions)
{
    const auto client = kal::client::try_open(kit::options());
    if (!CHECK(client.has_value()))
        return;
    const auto members = client->workspace().try_members();
    if (CHECK(members.has_value()))
        CHECK_EQUAL(members->size(), 12u);
    const auto none = client->workspace().try_members_by_ids({ "nobody" });
    CHECK(none.has_value() && none->empty());
}

CLAIM(errors_are_returned_without_exceptions)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","status":403,"body":"no"})");
    const auto client = kal::client::try_open(kit::options());
    if (!CHECK(client.has_value()))
        return;
    const auto members = client->workspace().try_members();
    if (!CHECK(!members.has_value()))
        return;
    CHECK_EQUAL(members.error().status(), kal::status::forbidden);
    CHECK_EQUAL(members.error().body(), "no");
    kal::call_options late;
    late.timeout = 0ms;
    CHECK_EQUAL(client->workspace().try_groups(late).error().status(), kal::status::invalid_argument);
}

CLAIM(queues_and_streams_work_without_exceptions)
{
    const auto client = kal::client::try_open(kit::options());
    const auto queue = kal::queue::try_open();
    if (!CHECK(client.has_value() && queue.has_value()))
        return;
    CHECK(queue->try_submit(*client, "workspace.get_members").has_value());
    const auto done = queue->try_next(30s);
    CHECK(done.has_value() && done->has_value() && (*done)->outcome.has_value());

    auto stream = client->workspace().try_stream_events();
    if (!CHECK(stream.has_value()))
        return;
    std::size_t events = 0;
    while (!stream->is_done()) {
        const auto page = stream->try_next(30s);
        if (!CHECK(page.has_value()))
            return;
        if (*page)
            events += (*page)->size();
    }
    CHECK_EQUAL(events, 250u);
    CHECK(kal::cancel::try_open().has_value());
    CHECK(kal::try_check_version().has_value());
}
