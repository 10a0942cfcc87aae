// What C++ programmers expect of types like these: printing, error codes, classes to catch by, ordering, hashes, chains.
#include "kit.hpp"

#include <algorithm>
#include <any>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace {

template <class Value>
std::string printed(const Value& value)
{
    std::ostringstream out;
    out << value;
    return out.str();
}

kal::error failure_of(kal::status status)
{
    return kal::error(status, "made up");
}

// The class of what is thrown for a status, as a word.
std::string caught(kal::status status)
{
    try {
        kal::throw_error(failure_of(status));
    } catch (const kal::argument_error& failure) {
        return failure.status() == status ? "argument" : "another";
    } catch (const kal::transport_error& failure) {
        return failure.status() == status ? "transport" : "another";
    } catch (const kal::sign_in_error& failure) {
        return failure.status() == status ? "sign-in" : "another";
    } catch (const kal::api_error& failure) {
        return failure.status() == status ? "API" : "another";
    } catch (const kal::answer_error& failure) {
        return failure.status() == status ? "answer" : "another";
    } catch (const kal::error& failure) {
        return failure.status() == status ? "error" : "another";
    }
}

template <class Class>
constexpr bool is_a_class_of_errors = std::is_base_of_v<kal::error, Class>&&
                                          std::is_nothrow_copy_constructible_v<Class> && sizeof(Class) == sizeof(kal::error);

static_assert(is_a_class_of_errors<kal::argument_error> && is_a_class_of_errors<kal::transport_error>);
static_assert(is_a_class_of_errors<kal::sign_in_error> && is_a_class_of_errors<kal::api_error>);
static_assert(is_a_class_of_errors<kal::answer_error>);
static_assert(std::is_base_of_v<std::runtime_error, kal::error> && std::is_nothrow_copy_constructible_v<kal::error>);

} // namespace

CLAIM(statuses_and_errors_are_printed)
{
    CHECK_EQUAL(printed(kal::status::not_found), "KAL_NOT_FOUND");
    CHECK_EQUAL(printed(static_cast<kal::status>(418)), "KAL_HTTP_4XX");
    CHECK_EQUAL(printed(failure_of(kal::status::timed_out)), "KAL_TIMED_OUT: made up");
    CHECK_EQUAL(printed(kal::transport_error(failure_of(kal::status::timed_out))), "KAL_TIMED_OUT: made up");
}

#if defined(__cpp_lib_format)
CLAIM(statuses_and_errors_are_formatted)
{
    CHECK_EQUAL(std::format("{}", kal::status::not_found), "KAL_NOT_FOUND");
    CHECK_EQUAL(std::format("[{:>15}]", kal::status::not_found), "[  KAL_NOT_FOUND]");
    CHECK_EQUAL(std::format("{}", failure_of(kal::status::timed_out)), "KAL_TIMED_OUT: made up");
    CHECK_EQUAL(std::format("{:.13}", kal::transport_error(failure_of(kal::status::timed_out))), "KAL_TIMED_OUT");
}
#endif

CLAIM(a_status_is_an_error_code)
{
    const std::error_code code = kal::status::timed_out;
    CHECK_EQUAL(code.category().name(), std::string_view("kaleidoscope"));
    CHECK_EQUAL(code.value(), KAL_TIMED_OUT);
    CHECK_EQUAL(code.message(), "KAL_TIMED_OUT");
    CHECK(code == kal::status::timed_out);
    CHECK(code != kal::status::cancelled);
    CHECK(code == make_error_code(kal::status::timed_out));
    CHECK(!std::error_code(kal::status::ok));
    CHECK(std::error_code(kal::status::ok) == std::errc()); // red without a condition for it
    CHECK(code != std::errc());
    CHECK(&code.category() == &kal::error_category());
    // The same number of another category is another error.
    CHECK(code != std::error_code(KAL_TIMED_OUT, std::generic_category()));
}

CLAIM(an_error_code_equals_the_condition_that_means_the_same)
{
    const auto code = [](kal::status of) { return std::error_code(of); };
    CHECK(code(kal::status::timed_out) == std::errc::timed_out);
    CHECK(code(kal::status::cancelled) == std::errc::operation_canceled);
    CHECK(code(kal::status::invalid_argument) == std::errc::invalid_argument);
    CHECK(code(kal::status::invalid_handle) == std::errc::bad_file_descriptor);
    CHECK(code(kal::status::would_deadlock) == std::errc::resource_deadlock_would_occur);
    CHECK(code(kal::status::connection_lost) == std::errc::connection_reset);
    CHECK(code(kal::status::forbidden) == std::errc::permission_denied);
    CHECK(code(kal::status::unknown_method) == std::errc::function_not_supported);
    CHECK(code(kal::status::out_of_resources) == std::errc::resource_unavailable_try_again);
    // It may be refused, or unreachable; and a resource of the API is no file.
    CHECK(code(kal::status::connect_failed) != std::errc::connection_refused);
    CHECK(code(kal::status::not_found) != std::errc::no_such_file_or_directory);
}

CLAIM(an_error_is_thrown_as_the_class_of_its_status)
{
    CHECK_EQUAL(caught(kal::status::invalid_argument), "argument");
    CHECK_EQUAL(caught(kal::status::unknown_method), "argument");
    CHECK_EQUAL(caught(kal::status::resolve_failed), "transport");
    CHECK_EQUAL(caught(kal::status::cancelled), "transport");
    CHECK_EQUAL(caught(kal::status::auth_failed), "sign-in");
    CHECK_EQUAL(caught(kal::status::bad_request), "API");
    CHECK_EQUAL(caught(static_cast<kal::status>(599)), "API");
    CHECK_EQUAL(caught(kal::status::bad_response), "answer");
    CHECK_EQUAL(caught(kal::status::internal), "error");
    CHECK_EQUAL(caught(kal::status::done), "error");
}

CLAIM(calls_and_unwrap_throw_the_class_of_their_status)
{
    emulator_fault(&kit::server, R"({"path":"/workspaces/members","status":409,"times":2})");
    const kal::client client = kit::client();
    int caught = 0;
    try {
        client.workspace().members();
    } catch (const kal::api_error& failure) {
        caught += failure.status() == kal::status::conflict && failure.http_status() == 409;
    }
    try {
        kal::unwrap(client.workspace().try_members());
    } catch (const kal::api_error&) {
        caught++;
    }
    try {
        client.call("no.such_method");
    } catch (const kal::argument_error&) {
        caught++;
    }
    try {
        client.call(std::string_view("a\0b", 3));
    } catch (const kal::argument_error&) {
        caught++;
    }
    emulator_fault(&kit::server, R"({"path":"/workspaces/groups","drop":"body"})");
    try {
        client.workspace().groups();
    } catch (const kal::transport_error& failure) {
        caught += failure.status() == kal::status::connection_lost;
    }
    emulator_fault(&kit::server, R"({"path":"/workspaces/groups","status":200,"body":"none"})");
    try {
        client.workspace().groups();
    } catch (const kal::answer_error&) {
        caught++;
    }
    kal::client_options wrong = kit::options();
    wrong.client_secret = "wrong";
    try {
        kal::client(wrong).workspace().members();
    } catch (const std::runtime_error& failure) {
        caught += dynamic_cast<const kal::sign_in_error*>(&failure) != nullptr;
    }
    CHECK_EQUAL(caught, 7);
}

CLAIM(a_sliced_error_has_its_message)
{
    const std::runtime_error sliced = failure_of(kal::status::timed_out); // NOLINT
    CHECK_EQUAL(sliced.what(), std::string_view("made up"));
}

CLAIM(records_are_ordered_and_hashed_by_their_ids)
{
    const kal::client client = kit::client();
    const kal::members members = client.workspace().members();
    kal::call_options refresh;
    refresh.cache = kal::cache_mode::refresh;
    const kal::members again = client.workspace().members(refresh);
    CHECK(members[0] == again[0] && members[0].raw().id != again[0].raw().id);
    CHECK_EQUAL(members[0] < members[1], members[0].id() < members[1].id());
    CHECK(members[0] <= again[0] && members[0] >= again[0] && !(members[0] > again[0]));
    const std::set<kal::member> sorted(members.begin(), members.end());
    CHECK_EQUAL(sorted.size(), members.size());
    CHECK(std::is_sorted(sorted.begin(), sorted.end(), [](kal::member a, kal::member b) { return a.id() < b.id(); }));
    std::unordered_set<kal::member> hashed(members.begin(), members.end());
    CHECK_EQUAL(hashed.count(again[3]), 1u);
    hashed.insert(again.begin(), again.end());
    CHECK_EQUAL(hashed.size(), members.size());
    const kal::groups groups = client.workspace().groups();
    const std::unordered_map<kal::group, int> numbers{ { groups[0], 1 } };
    CHECK_EQUAL(numbers.at(groups[0]), 1);
    const kal::workspace_info info = client.workspace().info();
    CHECK_EQUAL(std::hash<kal::workspace>()(*info), std::hash<std::string_view>()(info->id()));
    const kal::events events = client.workspace().events();
    CHECK_EQUAL(std::unordered_set<kal::event>(events.begin(), events.end()).size(), events.size());
#if defined(__cpp_lib_three_way_comparison)
    CHECK((members[0] <=> again[0]) == std::strong_ordering::equal);
    CHECK((members[0] <=> members[1]) == (members[0].id() <=> members[1].id()));
#endif
}

CLAIM(lists_and_ranges_have_front_at_and_back)
{
    const kal::client client = kit::client();
    const kal::members members = client.workspace().members();
    CHECK(members.front() == members[0] && members.back() == members[members.size() - 1]);
    CHECK(members.at(1) == members[1]);
    const kal::records<kal::member> view = members.view();
    CHECK(view.front() == members[0] && view.back() == members.back() && view.at(2) == members[2]);
    const kal::groups groups = client.workspace().groups();
    const kal::strings ids = groups[0].user_ids();
    CHECK_EQUAL(ids.front(), ids[0]);
    CHECK_EQUAL(ids.back(), ids[ids.size() - 1]);
    for (const std::size_t wrong : { members.size(), ~std::size_t{ 0 } }) {
        int caught = 0;
        try {
            members.at(wrong);
        } catch (const std::out_of_range&) {
            caught++;
        }
        try {
            view.at(wrong);
        } catch (const std::out_of_range& failure) {
            caught += kit::contains(failure.what(), "of a range of 12 elements");
        }
        CHECK_EQUAL(caught, 2);
    }
}

namespace {

// The same program with kal::result and, where the standard library has these functions, with std::expected.
template <template <class> class Result, class Unexpected>
void chain()
{
    const auto good = [] { return Result<int>(7); };
    const auto bad = [] { return Result<int>(Unexpected(failure_of(kal::status::conflict))); };
    const auto half = [](int of) -> Result<double> {
        if (of % 2 == 0)
            return of / 2.0;
        return Unexpected(failure_of(kal::status::unprocessable));
    };
    const auto recover = [](const kal::error& from) -> Result<int> {
        if (from.status() == kal::status::conflict)
            return 1;
        return Unexpected(from);
    };
    const auto wrap = [](const kal::error& from) { return kal::error(from.status(), std::string("wrapped: ") + from.what()); };

    CHECK_EQUAL(*good().transform([](int of) { return of + 1; }).and_then(half), 4.0);
    CHECK_EQUAL(good().and_then(half).error().status(), kal::status::unprocessable);
    CHECK_EQUAL(bad().and_then(half).error().status(), kal::status::conflict);
    CHECK_EQUAL(bad().transform([](int of) { return std::to_string(of); }).error().status(), kal::status::conflict);
    CHECK_EQUAL(*good().transform([](int of) { return std::to_string(of); }), "7");
    CHECK_EQUAL(*good().or_else(recover), 7);
    CHECK_EQUAL(*bad().or_else(recover), 1);
    CHECK_EQUAL(bad().transform_error(wrap).error().what(), std::string_view("wrapped: made up"));
    CHECK_EQUAL(*good().transform_error(wrap), 7);
    CHECK_EQUAL(bad().or_else(recover).value_or(3), 1);
    CHECK_EQUAL(good().value(), 7);
    bool is_thrown = false;
    try {
        (void)bad().value();
    } catch (const std::exception&) {
        is_thrown = true;
    }
    CHECK(is_thrown);

    // A function that returns nothing, and a result of nothing.
    int called = 0;
    const Result<void> none = good().transform([&](int of) { called += of; });
    CHECK(none.has_value() && called == 7);
    CHECK(!bad().transform([&](int) { called = 0; }).has_value() && called == 7);
    CHECK_EQUAL(*none.transform([] { return 5; }), 5);
    CHECK_EQUAL(none.and_then([]() -> Result<int> { return Unexpected(failure_of(kal::status::gone)); }).error().status(),
                kal::status::gone);
    CHECK(none.or_else([](const kal::error& from) -> Result<void> { return Unexpected(from); }).has_value());

    // Lvalues are left as they are; rvalues are moved from, so that what does not copy passes through.
    Result<int> kept = good();
    (void)kept.transform([](int& of) { return of++; });
    const Result<int>& constant = kept;
    CHECK_EQUAL(*constant.transform([](const int& of) { return of; }), 8);
    Result<std::unique_ptr<int>> owner(std::make_unique<int>(9));
    const auto passed = std::move(owner)
                            .transform([](std::unique_ptr<int> of) { return of; })
                            .and_then([](std::unique_ptr<int> of) -> Result<std::unique_ptr<int>> { return of; })
                            .or_else([](const kal::error& from) -> Result<std::unique_ptr<int>> { return Unexpected(from); });
    CHECK_EQUAL(**passed, 9);
}

#if defined(__cpp_lib_expected) && __cpp_lib_expected >= 202211L
template <class T>
using standard = std::expected<T, kal::error>;
#endif

} // namespace

CLAIM(what_follows_on_a_result_is_chained)
{
    chain<kal::result, kal::unexpected>();
}

// Red when a T that can be made of anything is made of the error, or of the result itself: "expected !failed.has_value()".
CLAIM(an_error_is_no_value_of_any_type)
{
    const kal::unexpected conflict(failure_of(kal::status::conflict));
    kal::result<std::any> failed = conflict;
    CHECK(!failed.has_value());
    const kal::result<std::any> copied = failed;
    CHECK(!copied.has_value() && copied.error().status() == kal::status::conflict);
    const kal::result<kal::result<int>> nested = conflict;
    CHECK(!nested.has_value());
    const kal::result<int> bad = conflict;
    CHECK(!bad.transform([](int of) -> kal::result<int> { return of; }).has_value());
    CHECK(!bad.transform([](int of) { return std::any(of); }).has_value());
    const kal::result<kal::result<int>> good = kal::result<int>(7);
    CHECK_EQUAL(**good, 7);
}

#if defined(__cpp_lib_expected) && __cpp_lib_expected >= 202211L
CLAIM(what_follows_on_an_expected_is_chained_alike)
{
    chain<standard, std::unexpected<kal::error>>();
}
#endif

CLAIM(calls_are_chained)
{
    const kal::client client = kit::client();
    const auto first = client.workspace().try_members().and_then(
        [&](const kal::members& all) { return client.workspace().try_members_by_ids({ all[0].id() }); });
    REQUIRE(first.has_value());
    CHECK_EQUAL(first->size(), 1u);
    client.close();
    CHECK_EQUAL(client.workspace().try_groups().transform([](const kal::groups& all) { return all.size(); }).value_or(0), 0u);
}
