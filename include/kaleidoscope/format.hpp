// Statuses and errors as text. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_FORMAT_HPP
#define KALEIDOSCOPE_FORMAT_HPP

#include <iosfwd>
#include <string_view>

#include "error.hpp"

#if KAL_CPP_STANDARD >= 202002L && __has_include(<format>)
#include <format>
#endif
#if defined(__cpp_lib_format)
#include <concepts>
#include <string>
#endif

namespace kal {
inline namespace KAL_CPP_VERSION {

// KAL_NOT_FOUND. Programs that use these include <ostream>.
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, status of)
{
    return out << kal_status_name(static_cast<kal_status>(of));
}

// KAL_NOT_FOUND: GET /workspaces/active failed with status 404
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const error& failure)
{
    return out << failure.status() << ": " << failure.what();
}

} // inline namespace KAL_CPP_VERSION
} // namespace kal

#if defined(__cpp_lib_format)

// As a string: std::format("{:>20}", kal::status::not_found).
template <>
struct std::formatter<kal::status, char> : std::formatter<std::string_view, char> {
    template <class Context>
    auto format(kal::status of, Context& context) const
    {
        return std::formatter<std::string_view, char>::format(kal::name(of), context);
    }
};

// The status and the message, as operator<< writes them.
template <std::derived_from<kal::error> Error>
struct std::formatter<Error, char> : std::formatter<std::string_view, char> {
    template <class Context>
    auto format(const kal::error& failure, Context& context) const
    {
        const std::string text = std::string(kal::name(failure.status())) + ": " + failure.what();
        return std::formatter<std::string_view, char>::format(text, context);
    }
};

#endif

#endif
