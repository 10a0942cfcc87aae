// Compile-time properties of the header.
#include "kit.hpp"

#include <iterator>
#include <type_traits>

namespace {

template <class Owner>
constexpr bool owns =
    std::is_nothrow_move_constructible_v<Owner>&& std::is_nothrow_move_assignable_v<Owner>&&
        std::is_nothrow_destructible_v<Owner> && !std::is_copy_constructible_v<Owner> && !std::is_copy_assignable_v<Owner>;

static_assert(owns<kal::client> && owns<kal::cancel> && owns<kal::queue> && owns<kal::event_stream>);
static_assert(owns<kal::answer> && owns<kal::members> && owns<kal::groups> && owns<kal::events>);
static_assert(owns<kal::workspace_info> && owns<kal::result<kal::members>>);
static_assert(sizeof(kal::answer) == sizeof(kal_result));

template <class Record>
constexpr bool is_light = std::is_trivially_copyable_v<Record> && sizeof(Record) == sizeof(void*);

static_assert(is_light<kal::member> && is_light<kal::group> && is_light<kal::event> && is_light<kal::workspace>);
static_assert(is_light<kal::members::iterator>);
static_assert(std::is_trivially_copyable_v<kal::records<kal::event>> && std::is_trivially_copyable_v<kal::strings>);

// An exception whose copy constructor throws would terminate the program.
static_assert(std::is_nothrow_copy_constructible_v<kal::error> && std::is_nothrow_copy_assignable_v<kal::error>);
static_assert(std::is_base_of_v<std::exception, kal::error>);

static_assert(std::is_aggregate_v<kal::client_options> && std::is_aggregate_v<kal::call_options>);
static_assert(std::is_aggregate_v<kal::events_query>);
static_assert(std::is_same_v<std::iterator_traits<kal::members::iterator>::iterator_category, std::random_access_iterator_tag>);

// Accessors that would return dangling pointers do not compile.
#define ASKS(name, expression)       \
    template <class T, class = void> \
    constexpr bool name = false;     \
    template <class T>               \
    constexpr bool name<T, std::void_t<decltype(expression)>> = true
ASKS(gives_json, std::declval<T>().json());
ASKS(gives_first, std::declval<T>()[0]);
ASKS(gives_begin, std::declval<T>().begin());
ASKS(gives_view, std::declval<T>().view());
ASKS(gives_members, std::declval<T>().members());
ASKS(gives_record, *std::declval<T>());
ASKS(gives_url, std::declval<T>().url());

static_assert(gives_json<kal::members&> && gives_json<const kal::members&>);
static_assert(gives_first<kal::members&> && gives_begin<const kal::members&> && gives_view<kal::members&>);
static_assert(!gives_json<kal::members> && !gives_first<kal::members> && !gives_begin<const kal::members>);
static_assert(!gives_view<kal::members> && gives_first<kal::records<kal::member>>);
static_assert(gives_json<kal::answer&> && gives_members<kal::answer&>);
static_assert(!gives_json<kal::answer> && !gives_members<kal::answer>);
static_assert(gives_record<kal::workspace_info&> && !gives_record<kal::workspace_info>);
static_assert(gives_url<const kal::error&> && !gives_url<kal::error>);
static_assert(gives_begin<kal::event_stream&> && !gives_begin<kal::event_stream>);

static_assert(std::is_same_v<kal::timestamp::duration, std::chrono::microseconds>);
#if __cplusplus >= 202002L
static_assert(std::is_same_v<kal::timestamp, std::chrono::sys_time<std::chrono::microseconds>>);
#endif

#if defined(__cpp_lib_ranges)
static_assert(std::ranges::random_access_range<kal::members> && std::ranges::sized_range<const kal::members>);
static_assert(std::ranges::random_access_range<kal::strings> && std::ranges::view<kal::strings>);
static_assert(std::ranges::borrowed_range<kal::records<kal::member>>);
static_assert(!std::ranges::borrowed_range<kal::members>);
static_assert(std::ranges::input_range<kal::event_stream>);
static_assert(std::ranges::input_range<kal::flat_events<kal::event_stream>>);
#endif

// They convert to the types of the standard library.
static_assert(std::is_convertible_v<kal::optional<kal::events>, std::optional<kal::events>>);
static_assert(!std::is_convertible_v<const kal::optional<kal::events>&, std::optional<kal::events>>);
#if defined(__cpp_lib_expected)
static_assert(std::is_convertible_v<kal::result<kal::members>, std::expected<kal::members, kal::error>>);
static_assert(!std::is_convertible_v<const kal::result<kal::members>&, std::expected<kal::members, kal::error>>);
static_assert(std::is_convertible_v<const kal::result<kal_stats>&, std::expected<kal_stats, kal::error>>);
static_assert(std::is_convertible_v<kal::result<void>, std::expected<void, kal::error>>);
#endif

} // namespace

CLAIM(statuses_have_names)
{
    CHECK_EQUAL(kal::name(kal::status::not_found), "KAL_NOT_FOUND");
    CHECK_EQUAL(kal::name(kal::status::would_deadlock), "KAL_WOULD_DEADLOCK");
    CHECK_EQUAL(kal::name(static_cast<kal::status>(418)), "KAL_HTTP_4XX");
}

CLAIM(the_library_has_the_version_of_this_header)
{
    kal::check_version();
    CHECK_EQUAL(kal::version(), KAL_VERSION);
}

CLAIM(times_are_printed_as_rfc3339)
{
    using std::chrono::microseconds;
    const auto print = [](long long since_epoch) { return kal::rfc3339(kal::timestamp(microseconds(since_epoch))); };
    CHECK_EQUAL(print(0), "1970-01-01T00:00:00.000000Z");
    CHECK_EQUAL(print(-1), "1969-12-31T23:59:59.999999Z");
    CHECK_EQUAL(print(951'782'400'000'000), "2000-02-29T00:00:00.000000Z");
    CHECK_EQUAL(print(1'709'251'199'123'456), "2024-02-29T23:59:59.123456Z");
    CHECK_EQUAL(print(-2'203'891'200'000'000), "1900-03-01T00:00:00.000000Z");
    CHECK_EQUAL(print(4'102'444'800'000'000), "2100-01-01T00:00:00.000000Z");
}
