// A plugin, compiled once with these headers and once with an older version of them. It uses each kind of type, and ends with the
// first thing that is not what it should be.
#include <kaleidoscope.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "plugin.hpp"

using namespace std::chrono_literals;

namespace {

void check(bool holds, const char* what)
{
    if (!holds)
        throw std::runtime_error(what);
}

#define CHECK(...) check((__VA_ARGS__), #__VA_ARGS__)

void use(const char* url)
{
    kal::client_options options;
    options.client_id = "demo-client";
    options.client_secret = "demo-secret";
    options.base_url = url;
    options.headers = { { "X-Plugin", "one" }, { "X-Host", "two" } };
    options.timeout = 30s;
    options.max_attempts = 1;
    const kal::client_options copied = options;
    CHECK(copied.base_url == url && copied.headers.size() == 2 && copied.max_attempts == 1);
    const kal::client client(copied);

    kal::members members = client.workspace().members();
    CHECK(members.size() == 12);
    const std::string id(members[11].id());
    const kal::members moved = std::move(members);
    CHECK(members.empty() && moved[11].id() == id);
    std::size_t counted = 0;
    for (const kal::member member : moved)
        counted += !member.id().empty();
    CHECK(counted == 12);
    CHECK(client.workspace().members_by_ids({ id }).size() == 1);

    kal::events_query query;
    query.page = 2;
    query.page_size = 7;
    query.event_types = { "create" };
    const kal::events_query same = query;
    const kal::events page = client.workspace().events(same);
    CHECK(!page.empty() && page.size() <= 7);
    for (const kal::event event : page)
        CHECK(event.event_type() == "create");
    std::size_t events = 0;
    for (const kal::event event : client.workspace().stream_events().flat())
        events += !event.id().empty();
    CHECK(events == 250);

    const kal::queue queue;
    queue.submit(client, "workspace.get_groups");
    const auto done = queue.next(30s);
    CHECK(done && done->outcome.has_value() && done->outcome->kind() == kal::answer_kind::groups);

    try {
        client.call("no.such_method");
        CHECK(false);
    } catch (const kal::error& failure) {
        const kal::error kept = failure;
        CHECK(kept.status() == kal::status::unknown_method && !kept.http_status() && kept.attempts() == 0);
        CHECK(std::string_view(kept.what()).find("no.such_method") != std::string_view::npos);
    }
    kal::set_log(kal::log_level::error, [](kal::log_level, std::string_view) {});
    kal::set_log(kal::log_level::off, {});

    const kal::error own(kal::status::gone, "a message of the plugin");
    CHECK(own.status() == kal::status::gone && std::string_view(own.what()) == "a message of the plugin");
}

} // namespace

extern "C" int plugin_use(const char* url, char* message, std::size_t capacity)
{
    try {
        use(url);
        return 0;
    } catch (const std::exception& failure) {
        std::snprintf(message, capacity, "%s", failure.what());
        return 1;
    }
}

extern "C" std::size_t plugin_size_of_options()
{
    return sizeof(kal::client_options);
}

extern "C" void plugin_throw(const char* url)
{
    kal::client_options options;
    options.client_id = options.client_secret = "demo";
    options.base_url = url;
    kal::client(options).call("no.such_method");
}
