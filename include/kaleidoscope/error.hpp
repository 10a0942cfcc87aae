// Statuses and errors. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_ERROR_HPP
#define KALEIDOSCOPE_ERROR_HPP

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "owner.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {

// The status of a call: KAL_OK and so on. An HTTP status without an enumerator is its number: static_cast<status>(418).
enum class status : kal_status {
    ok = KAL_OK,
    done = KAL_DONE,
    not_ready = KAL_NOT_READY,
    invalid_argument = KAL_INVALID_ARGUMENT,
    invalid_handle = KAL_INVALID_HANDLE,
    invalid_utf8 = KAL_INVALID_UTF8,
    invalid_state = KAL_INVALID_STATE,
    no_credentials = KAL_NO_CREDENTIALS,
    would_deadlock = KAL_WOULD_DEADLOCK,
    forked = KAL_FORKED,
    unknown_method = KAL_UNKNOWN_METHOD,
    resolve_failed = KAL_RESOLVE_FAILED,
    connect_failed = KAL_CONNECT_FAILED,
    tls_failed = KAL_TLS_FAILED,
    timed_out = KAL_TIMED_OUT,
    cancelled = KAL_CANCELLED,
    connection_lost = KAL_CONNECTION_LOST,
    response_too_large = KAL_RESPONSE_TOO_LARGE,
    bad_http = KAL_BAD_HTTP,
    out_of_resources = KAL_OUT_OF_RESOURCES,
    auth_failed = KAL_AUTH_FAILED,
    bad_request = KAL_BAD_REQUEST,
    unauthorized = KAL_UNAUTHORIZED,
    forbidden = KAL_FORBIDDEN,
    not_found = KAL_NOT_FOUND,
    method_not_allowed = KAL_METHOD_NOT_ALLOWED,
    request_timeout = KAL_REQUEST_TIMEOUT,
    conflict = KAL_CONFLICT,
    gone = KAL_GONE,
    content_too_large = KAL_CONTENT_TOO_LARGE,
    unprocessable = KAL_UNPROCESSABLE,
    rate_limited = KAL_RATE_LIMITED,
    server_error = KAL_SERVER_ERROR,
    not_implemented = KAL_NOT_IMPLEMENTED,
    bad_gateway = KAL_BAD_GATEWAY,
    service_unavailable = KAL_SERVICE_UNAVAILABLE,
    gateway_timeout = KAL_GATEWAY_TIMEOUT,
    bad_response = KAL_BAD_RESPONSE,
    internal = KAL_INTERNAL,
    panic = KAL_PANIC,
};

// The name of a status, such as "KAL_NOT_FOUND"; NUL-terminated, static.
inline std::string_view name(status of) noexcept
{
    return kal_status_name(static_cast<kal_status>(of));
}

namespace detail {

inline std::optional<std::string_view> text(const char* from) noexcept
{
    return from ? std::optional<std::string_view>(from) : std::nullopt;
}

} // namespace detail

// The full details of a failure. Copies share them and never throw; what the accessors return is valid while one copy exists.
// What is thrown is of a class below, by the range of its status; of error itself only for a defect of the library (900 to 999)
// and for what is no failure (1 to 99), such as status::done.
class KAL_CPP_SHARED error : public std::runtime_error {
public:
    // Takes ownership of the handle; it may be KAL_NONE.
    error(kal_status failed, kal_error handle) : error(details::of(failed, handle, {})) {}
    // An error created by the application, for example to be thrown by a token provider.
    error(kal::status failed, std::string message)
        : error(details::of(static_cast<kal_status>(failed), kal_error{}, std::move(message)))
    {
    }
    // Not movable: a moved-from error would have no message.
    error(const error&) noexcept = default;
    error& operator=(const error&) noexcept = default;
    ~error() override = default;

    // One English sentence without secrets.
    const char* what() const noexcept override { return raw().message; }
    kal::status status() const noexcept { return static_cast<kal::status>(raw().status); }
    // std::nullopt when no response was received.
    std::optional<int> http_status() const noexcept
    {
        return raw().http_status ? std::optional<int>(raw().http_status) : std::nullopt;
    }
    // Attempts made, 1 without a retry; 0 if none was made.
    int attempts() const noexcept { return raw().attempts; }
    // Whether the same call may succeed later.
    bool retryable() const noexcept { return raw().retryable; }
    // The wait that the server requested; std::nullopt if none.
    std::optional<std::chrono::milliseconds> retry_after() const noexcept
    {
        if (raw().retry_after_ms < 0)
            return std::nullopt;
        return std::chrono::milliseconds(raw().retry_after_ms);
    }
    // Such as "GET"; std::nullopt if no attempt was made.
    std::optional<std::string_view> method() const& noexcept { return detail::text(raw().method); }
    // Path and query, secrets redacted; std::nullopt if no attempt was made.
    std::optional<std::string_view> url() const& noexcept { return detail::text(raw().url); }
    // The server's error code, if the response body contains one.
    std::optional<std::string_view> code() const& noexcept { return detail::text(raw().code); }
    std::optional<std::string_view> request_id() const& noexcept { return detail::text(raw().request_id); }
    // The response body as received, secrets redacted, up to 64 KiB.
    std::optional<std::string_view> body() const& noexcept
    {
        return raw().body ? std::optional<std::string_view>(std::in_place, raw().body, raw().body_len) : std::nullopt;
    }
    std::optional<std::string_view> method() const&& = delete;
    std::optional<std::string_view> url() const&& = delete;
    std::optional<std::string_view> code() const&& = delete;
    std::optional<std::string_view> request_id() const&& = delete;
    std::optional<std::string_view> body() const&& = delete;

private:
    struct details {
        detail::owner<kal_error, kal_error_free> handle{};
        std::string message{};
        kal_error_info own{};
        const kal_error_info* info = nullptr;

        // Without a handle they are the status and this message; without that, the name of the status.
        static std::shared_ptr<const details> of(kal_status failed, kal_error handle, std::optional<std::string> message)
        {
            detail::owner<kal_error, kal_error_free> adopted(handle);
            const std::shared_ptr<details> known(new details); // make_shared has something unique in gcc: see KAL_CPP_LOCAL
            known->handle = std::move(adopted);
            known->info = kal_error_get(handle);
            if (!known->info) {
                known->message = message ? *std::move(message) : kal_status_name(failed);
                known->own.status = failed;
                known->own.retry_after_ms = -1;
                known->own.message = known->message.c_str();
                known->info = &known->own;
            }
            return known;
        }
    };

    explicit error(std::shared_ptr<const details> known) : std::runtime_error(known->info->message), details_(std::move(known)) {}

    const kal_error_info& raw() const noexcept { return *details_->info; }

    std::shared_ptr<const details> details_;
};

// A wrong call, for which nothing was sent (100 to 199).
class KAL_CPP_SHARED argument_error : public error {
public:
    using error::error;
    explicit argument_error(const error& from) noexcept : error(from) {}
};

// No response was received, or not in time (200 to 299).
class KAL_CPP_SHARED transport_error : public error {
public:
    using error::error;
    explicit transport_error(const error& from) noexcept : error(from) {}
};

// Signing in failed (300 to 399).
class KAL_CPP_SHARED sign_in_error : public error {
public:
    using error::error;
    explicit sign_in_error(const error& from) noexcept : error(from) {}
};

// The API answered with an HTTP status that is a failure (400 to 599), which is the status.
class KAL_CPP_SHARED api_error : public error {
public:
    using error::error;
    explicit api_error(const error& from) noexcept : error(from) {}
};

// The response cannot be used (600 to 699).
class KAL_CPP_SHARED answer_error : public error {
public:
    using error::error;
    explicit answer_error(const error& from) noexcept : error(from) {}
};

#if KAL_CPP_EXCEPTIONS
// Throws an error as the class of its status: what a `try_` function has returned, as its counterpart throws it.
[[noreturn]] inline void throw_error(const error& failure)
{
    switch (static_cast<kal_status>(failure.status()) / 100) {
    case 1: throw argument_error(failure);
    case 2: throw transport_error(failure);
    case 3: throw sign_in_error(failure);
    case 4:
    case 5: throw api_error(failure);
    case 6: throw answer_error(failure);
    default: throw error(failure);
    }
}
#endif

} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
