// A small test harness. A test is a function named after the claim that it checks:
//
//     CLAIM(a_moved_list_is_empty)
//     {
//         REQUIRE(result.has_value());
//         CHECK(list.empty());
//         CHECK_EQUAL(list.size(), 0u);
//     }
//
// A program prints `ok - a_moved_list_is_empty`, or `not ok - ...: file:line: expected ...`, a line for each claim, goes on
// after a failure, and exits with 1 if any claim failed. With arguments it runs only the claims that contain one.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace check {

// Claims register themselves, so that none can be missing from a list.
struct registration {
    registration(const char* claim, void (*run)());
};

int run(int argc, char** argv, void (*before_each)());
bool that(const char* file, int line, bool holds, const std::string& expectation);
[[noreturn]] void give_up();

template <class Value>
std::string show(const Value& value)
{
    if constexpr (std::is_same_v<Value, bool>)
        return value ? "true" : "false";
    else if constexpr (std::is_enum_v<Value>)
        return std::to_string(static_cast<long long>(value));
    else if constexpr (std::is_arithmetic_v<Value>)
        return std::to_string(value);
    else if constexpr (std::is_convertible_v<const Value&, std::string_view>)
        return '"' + std::string(std::string_view(value)) + '"';
    else
        return "something else";
}

template <class Value>
std::string show(const std::optional<Value>& value)
{
    return value ? show(*value) : "nothing";
}

inline std::string show(std::nullopt_t)
{
    return "nothing";
}

template <class Actual, class Expected>
bool equal(const char* file, int line, const char* what, const Actual& actual, const Expected& expected)
{
    return that(file, line, actual == expected, std::string(what) + " to be " + show(expected) + ", it is " + show(actual));
}

} // namespace check

#define CLAIM(name)                                                \
    static void name();                                            \
    static const check::registration register_##name(#name, name); \
    static void name()

// The checks do not stop after a failure, and return whether they passed.
#define CHECK(...) check::that(__FILE__, __LINE__, static_cast<bool>(__VA_ARGS__), #__VA_ARGS__)
#define CHECK_EQUAL(actual, ...) check::equal(__FILE__, __LINE__, #actual, (actual), __VA_ARGS__)
// Ends the claim if the condition does not hold. For the claim's own thread only.
#define REQUIRE(...)             \
    do {                         \
        if (!CHECK(__VA_ARGS__)) \
            check::give_up();    \
    } while (0)

#endif
