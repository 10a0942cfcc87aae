// What may be done with a temporary: it is owned by the loop, or by what is made of it. temporaries/refused.cpp has what does not
// compile. Under AddressSanitizer each of these loops failed with std::optional and std::expected: "stack-use-after-scope".
#include "kit.hpp"

#include <chrono>
#include <optional>
#include <string>

using namespace std::chrono_literals;

namespace {

// How many records a range has. Their ids are read, which is an error once their list is gone.
template <class Range>
std::size_t count(Range&& range)
{
    std::size_t counted = 0;
    for (auto record : range)
        counted += !std::string(record.id()).empty();
    return counted;
}

} // namespace

CLAIM(a_loop_owns_the_list_of_a_temporary_result)
{
    const kal::client client = kit::client();
    std::size_t members = 0;
    for (auto member : *client.workspace().try_members())
        members += !std::string(member.id()).empty();
    for (auto member : client.workspace().try_members().value())
        members += !std::string(member.id()).empty();
    for (auto member : kal::unwrap(client.workspace().try_members()))
        members += !std::string(member.id()).empty();
    for (auto member : client.workspace().members())
        members += !std::string(member.id()).empty();
    CHECK_EQUAL(members, 4 * 12u);
}

CLAIM(a_loop_owns_the_page_of_a_temporary_optional)
{
    const kal::client client = kit::client();
    kal::event_stream stream = client.workspace().stream_events();
    std::size_t events = 0;
    for (auto event : *stream.next(30s))
        events += !std::string(event.id()).empty();
    for (auto event : stream.next(30s).value())
        events += !std::string(event.id()).empty();
    for (auto event : **stream.try_next(30s))
        events += !std::string(event.id()).empty();
    CHECK(events >= 250);
    for (auto event : stream.next(30s).value_or(kal::events()))
        CHECK(event.id().empty());
    CHECK(stream.is_done());
}

CLAIM(a_loop_owns_the_stream_of_a_temporary_result)
{
    const kal::client client = kit::client();
    std::size_t all = 0, events = 0;
    for (auto& page : *client.workspace().try_stream_events())
        all += count(page);
    for (auto event : (*client.workspace().try_stream_events()).flat())
        events += !std::string(event.id()).empty();
    for (auto event : kal::unwrap(client.workspace().try_stream_events()).flat())
        events += !std::string(event.id()).empty();
    CHECK_EQUAL(events, 2 * all);
    CHECK(all >= 250);
}

// records<member> is two words, and the temporary optional that has them is gone when the loop begins.
CLAIM(a_loop_owns_the_records_of_a_temporary_optional)
{
    const kal::client client = kit::client();
    const kal::answer answer = client.call("workspace.get_members");
    std::size_t members = 0;
    for (auto member : *answer.members())
        members += !std::string(member.id()).empty();
    for (auto member : answer.members().value())
        members += !std::string(member.id()).empty();
    CHECK_EQUAL(members, 2 * 12u);
    // What they point into is the answer, so that this is valid, too.
    CHECK_EQUAL(answer.members()->size(), 12u);
    CHECK_EQUAL(count(answer.members()->begin() == (*answer.members()).begin() ? *answer.members() : kal::records<kal::member>()),
                12u);
    const kal::answer info = client.call("workspace.get_workspace");
    CHECK(!info.workspace()->id().empty());
}

CLAIM(references_to_a_temporary_extend_what_it_returned)
{
    const kal::client client = kit::client();
    const auto& members = *client.workspace().try_members();
    const auto& groups = client.workspace().try_groups().value();
    auto&& events = *client.workspace().try_events();
    auto&& error = client.try_call("no.such_method").error();
    CHECK_EQUAL(count(members), 12u);
    CHECK(count(groups) > 0);
    CHECK_EQUAL(count(events), 100u);
    CHECK_EQUAL(error.status(), kal::status::unknown_method);
    CHECK(kit::contains(error.what(), "no.such_method"));
}

CLAIM(a_completion_can_be_taken_apart)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    int data = 0;
    queue.submit(client, "workspace.get_members", {}, &data);
    auto&& [user_data, outcome] = *queue.next(30s);
    CHECK(user_data == &data);
    REQUIRE(outcome.has_value());
    CHECK_EQUAL(count(*outcome->members()), 12u);
}

CLAIM(value_returns_the_value_or_throws)
{
    const kal::client client = kit::client();
    auto members = client.workspace().try_members();
    CHECK_EQUAL(members.value().size(), 12u);
    const auto failed = client.try_call("no.such_method");
    CHECK_EQUAL(kit::thrown([&] { failed.value(); }), kal::status::unknown_method);
    kal::event_stream stream = client.workspace().stream_events();
    while (!stream.is_done())
        (void)stream.next(30s);
    bool is_empty = false;
    try {
        (void)stream.next(0ms).value();
    } catch (const std::bad_optional_access&) {
        is_empty = true;
    }
    CHECK(is_empty && stream.next(0ms) == std::nullopt);
    // Red in C++17 with nullopt on the right alone: it does not compile.
    const auto none = stream.next(0ms);
    CHECK(std::nullopt == none && !(std::nullopt != none) && !(none != std::nullopt));
}

CLAIM(optionals_and_results_convert_to_those_of_the_standard_library)
{
    const kal::client client = kit::client();
    kal::event_stream stream = client.workspace().stream_events();
    const std::optional<kal::events> page = stream.next(30s);
    REQUIRE(page.has_value());
    CHECK_EQUAL(count(*page), 100u);
    const kal::answer answer = client.call("workspace.get_members");
    const kal::optional<kal::records<kal::member>> found = answer.members();
    const std::optional<kal::records<kal::member>> copied = found;
    CHECK_EQUAL(count(*copied), 12u);
#if defined(__cpp_lib_expected)
    const std::expected<kal::members, kal::error> members = client.workspace().try_members();
    REQUIRE(members.has_value());
    CHECK_EQUAL(count(*members), 12u);
    const std::expected<kal::answer, kal::error> failed = client.try_call("no.such_method");
    CHECK(!failed && failed.error().status() == kal::status::unknown_method);
    const std::expected<void, kal::error> cleared = client.try_clear_caches();
    CHECK(cleared.has_value());
#endif
}

#if defined(__cpp_lib_ranges) && (!defined(__clang__) || __clang_major__ >= 16)
CLAIM(a_view_of_a_temporary_owns_it)
{
    const kal::client client = kit::client();
    kal::event_stream stream = client.workspace().stream_events();
    const auto keeps = [](auto record) { return !std::string(record.id()).empty(); };
    auto members = *client.workspace().try_members() | std::views::filter(keeps);
    auto page = *stream.next(30s) | std::views::drop(1) | std::views::filter(keeps);
    auto all = std::views::all(kal::unwrap(client.workspace().try_members()));
    CHECK_EQUAL(count(members), 12u);
    CHECK_EQUAL(count(page), 99u);
    CHECK_EQUAL(count(all), 12u);
    // The records of a temporary optional are a view, and are copied.
    const kal::answer answer = client.call("workspace.get_members");
    auto borrowed = *answer.members() | std::views::filter(keeps);
    CHECK_EQUAL(count(borrowed), 12u);
}
#endif
