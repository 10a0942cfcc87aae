// Statuses as std::error_code. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_ERROR_CODE_HPP
#define KALEIDOSCOPE_ERROR_CODE_HPP

#include <string>
#include <system_error>
#include <type_traits>

#include "error.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {

namespace detail {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "kaleidoscope"; }
    // The name of the status; the sentence that says what failed is that of kal::error.
    std::string message(int of) const override { return kal_status_name(of); }
    // What of std::errc means the same; for the others, no condition of std::errc is equal.
    std::error_condition default_error_condition(int of) const noexcept override
    {
        switch (static_cast<kal::status>(of)) {
        case status::ok: return std::error_condition();
        case status::invalid_argument: return std::errc::invalid_argument;
        case status::invalid_handle: return std::errc::bad_file_descriptor;
        case status::invalid_utf8: return std::errc::illegal_byte_sequence;
        case status::would_deadlock: return std::errc::resource_deadlock_would_occur;
        case status::unknown_method:
        case status::not_implemented: return std::errc::function_not_supported;
        case status::timed_out: return std::errc::timed_out;
        case status::cancelled: return std::errc::operation_canceled;
        case status::connection_lost: return std::errc::connection_reset;
        case status::response_too_large: return std::errc::message_size;
        case status::bad_http: return std::errc::protocol_error;
        case status::out_of_resources: return std::errc::resource_unavailable_try_again;
        case status::auth_failed:
        case status::unauthorized:
        case status::forbidden: return std::errc::permission_denied;
        case status::bad_response: return std::errc::bad_message;
        default: return std::error_condition(of, *this);
        }
    }
};

} // namespace detail

// Its values are statuses; status::ok is no error. Never destroyed: threads may compare codes until the process exits.
KAL_CPP_SHARED inline const std::error_category& error_category() noexcept
{
    static const detail::category* const only = new detail::category;
    return *only;
}

// Makes `std::error_code code = kal::status::timed_out;` and `code == kal::status::timed_out` compile, too.
inline std::error_code make_error_code(status from) noexcept
{
    return { static_cast<int>(from), error_category() };
}

} // inline namespace KAL_CPP_VERSION
} // namespace kal

template <>
struct std::is_error_code_enum<kal::status> : std::true_type {
};

#endif
