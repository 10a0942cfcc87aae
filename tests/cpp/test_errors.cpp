// Errors, thrown and returned.
#include "kit.hpp"

#include <chrono>
#include <string>

namespace {

constexpr char refusal[] = R"({"path":"/workspaces/members","status":429,"times":0,"body":"{\"code\":\"slow_down\"}",)"
                           R"("headers":{"Retry-After":"7"}})";

} // namespace

CLAIM(an_error_tells_everything)
{
    emulator_fault(&kit::server, refusal);
    const kal::client client = kit::client();
    try {
        client.workspace().members();
        CHECK(!"thrown");
    } catch (const kal::error& failure) {
        CHECK_EQUAL(failure.status(), kal::status::rate_limited);
        CHECK_EQUAL(failure.http_status(), 429);
        CHECK_EQUAL(failure.attempts(), 1);
        CHECK(failure.retryable());
        REQUIRE(failure.retry_after().has_value());
        CHECK_EQUAL(failure.retry_after()->count(), 7000);
        CHECK_EQUAL(failure.method(), "GET");
        CHECK_EQUAL(failure.url(), "/workspaces/members");
        CHECK_EQUAL(failure.code(), "slow_down");
        // The server made it up, and sent it in a header.
        CHECK(failure.request_id().has_value() && !failure.request_id()->empty());
        CHECK_EQUAL(failure.body(), R"({"code":"slow_down"})");
        CHECK(kit::contains(failure.what(), "429"));
    }
}

CLAIM(both_styles_tell_the_same)
{
    emulator_fault(&kit::server, refusal);
    const kal::client client = kit::client();
    const auto returned = client.workspace().try_members();
    REQUIRE(!returned.has_value());
    try {
        client.workspace().members();
        CHECK(!"thrown");
    } catch (const kal::error& thrown) {
        CHECK_EQUAL(returned.error().status(), thrown.status());
        CHECK_EQUAL(std::string(returned.error().what()), thrown.what());
        CHECK_EQUAL(returned.error().body(), thrown.body());
    }
}

CLAIM(what_is_not_known_of_an_error_is_nothing)
{
    const auto failed = kit::client().try_call("no.such_method");
    REQUIRE(!failed);
    CHECK_EQUAL(failed.error().status(), kal::status::unknown_method);
    CHECK_EQUAL(failed.error().http_status(), std::nullopt);
    CHECK_EQUAL(failed.error().attempts(), 0);
    CHECK(!failed.error().retryable());
    CHECK(!failed.error().retry_after());
    CHECK_EQUAL(failed.error().method(), std::nullopt);
    CHECK_EQUAL(failed.error().url(), std::nullopt);
    CHECK_EQUAL(failed.error().code(), std::nullopt);
    CHECK_EQUAL(failed.error().request_id(), std::nullopt);
    CHECK_EQUAL(failed.error().body(), std::nullopt);
}

CLAIM(a_body_may_have_a_nul_in_it)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","status":400,"body":"a\u0000b"})");
    const auto failed = kit::client().workspace().try_members();
    REQUIRE(!failed);
    CHECK_EQUAL(failed.error().body(), std::string_view("a\0b", 3));
}

CLAIM(an_error_outlives_its_client_and_its_result)
{
    emulator_fault(&kit::server, refusal);
    auto kept = [] {
        const auto failed = kit::client().workspace().try_members();
        return kal::error(failed.error());
    }();
    const kal::error copy = kept;
    CHECK_EQUAL(copy.body(), R"({"code":"slow_down"})");
    CHECK(copy.what() == kept.what()); // shared, not copied
    // Not even a move leaves one that has nothing to say.
    const kal::error moved = std::move(kept);
    CHECK_EQUAL(std::string(kept.what()), moved.what());
    kept = kal::error(kal::status::conflict, "another");
    CHECK_EQUAL(moved.status(), kal::status::rate_limited);
}

CLAIM(an_error_is_a_std_exception)
{
    try {
        kit::client().call("no.such_method");
        CHECK(!"thrown");
    } catch (const std::exception& failure) {
        CHECK(kit::contains(failure.what(), "no.such_method"));
    }
}

CLAIM(an_error_of_the_host_itself_says_what_it_was_given)
{
    const kal::error own(kal::status::auth_failed, "the vault is closed");
    CHECK_EQUAL(own.status(), kal::status::auth_failed);
    CHECK_EQUAL(own.what(), std::string_view("the vault is closed"));
    CHECK(!own.retry_after());
    CHECK_EQUAL(own.http_status(), std::nullopt);
}

CLAIM(unwrap_gives_the_value_or_throws_the_error)
{
    const kal::client client = kit::client();
    CHECK_EQUAL(kal::unwrap(client.workspace().try_members()).size(), 12u);
    CHECK_EQUAL(kit::thrown([&] { kal::unwrap(client.try_call("no.such_method")); }), kal::status::unknown_method);
    CHECK_EQUAL(kit::thrown([&] { kal::unwrap(client.try_clear_caches()); }), kal::status::ok);
}

CLAIM(a_result_is_a_value_or_an_error)
{
    const kal::client client = kit::client();
    auto members = client.workspace().try_members();
    CHECK(members && members.has_value());
    CHECK_EQUAL(members->size(), 12u);
    const kal::members taken = *std::move(members);
    CHECK_EQUAL(taken.size(), 12u);
    CHECK(client.try_clear_caches().has_value());
    client.close();
    CHECK(!client.try_clear_caches());
    CHECK_EQUAL(client.try_clear_caches().error().status(), kal::status::invalid_handle);
    const auto stats = client.try_stats();
    CHECK_EQUAL(client.try_stats().value_or(kal_stats{}).requests, 0u);
    CHECK(!stats);
}

// C would take what is before the NUL, and connect somewhere else.
CLAIM(a_nul_in_a_text_is_refused)
{
    kal::client_options options = kit::options();
    options.base_url->append("\0.example", 9);
    const auto client = kal::client::try_open(options);
    REQUIRE(!client);
    CHECK_EQUAL(client.error().status(), kal::status::invalid_argument);
    CHECK(kit::contains(client.error().what(), "base_url"));

    const kal::client open = kit::client();
    const std::string_view nul("workspace.get_members\0", 22);
    const auto called = open.try_call(nul);
    REQUIRE(!called);
    CHECK_EQUAL(called.error().status(), kal::status::invalid_argument);
    const auto by_ids = open.workspace().try_members_by_ids({ std::string_view("a\0", 2) });
    REQUIRE(!by_ids);
    CHECK(kit::contains(by_ids.error().what(), "ids"));
    kal::events_query query;
    query.event_types = { "create", std::string("a\0b", 3) };
    const auto events = open.workspace().try_events(query);
    REQUIRE(!events);
    CHECK(kit::contains(events.error().what(), "event_types"));
    CHECK_EQUAL(emulator_count(&kit::server, "requests"), 0);
}

// A deadline that has passed would otherwise become the default of a minute.
CLAIM(a_timeout_of_nothing_is_refused)
{
    const kal::client client = kit::client();
    for (const long long wrong : { 0LL, -1LL, 1LL << 33 }) {
        kal::call_options options;
        options.timeout = std::chrono::milliseconds(wrong);
        const auto members = client.workspace().try_members(options);
        REQUIRE(!members);
        CHECK_EQUAL(members.error().status(), kal::status::invalid_argument);
        CHECK(kit::contains(members.error().what(), "timeout"));
    }
    kal::client_options options = kit::options();
    options.cache_ttl = std::chrono::milliseconds(0);
    CHECK(!kal::client::try_open(options));
    CHECK_EQUAL(emulator_count(&kit::server, "requests"), 0);
}
