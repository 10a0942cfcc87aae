// Making a call: argument checks, error conversion, exception barriers. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_CALLING_HPP
#define KALEIDOSCOPE_CALLING_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "answer.hpp"
#include "options.hpp"
#include "tsan.hpp"
#include "typed.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

namespace calling {

// The arguments of one call, converted for the C functions; valid for that call. Records the first invalid argument that the C
// functions cannot detect: they would truncate a string at an embedded NUL, and take a zero timeout as the default.
class arguments {
public:
    arguments() = default;
    arguments(const arguments&) = delete;
    arguments& operator=(const arguments&) = delete;

    const char* text(const char* name, const std::string& value)
    {
        if (value.find('\0') != std::string::npos)
            reject(name, "contains a NUL");
        return value.c_str();
    }
    const char* text(const char* name, const std::optional<std::string>& value) { return value ? text(name, *value) : nullptr; }
    const char* text(const char* name, std::string_view value) { return text(name, owned_.emplace_back(value)); }

    template <class Texts>
    void texts(const char* name, Texts& from, const char* const*& first, std::size_t& size)
    {
        std::vector<std::string>& copies = lists_[lists_len_];
        std::vector<const char*>& pointers = pointers_[lists_len_++];
        for (auto&& value : from)
            copies.emplace_back(std::string_view(value));
        for (const std::string& value : copies)
            pointers.push_back(text(name, value));
        first = pointers.data();
        size = pointers.size();
    }

    // At least one millisecond; 0 when unset.
    std::int64_t milliseconds(const char* name, const std::optional<std::chrono::milliseconds>& value, std::int64_t max)
    {
        if (!value)
            return 0;
        if (value->count() < 1)
            reject(name, "must be at least one millisecond; leave it unset for the default");
        else if (value->count() > max)
            reject(name, "is too long");
        return value->count();
    }
    std::uint32_t timeout(const char* name, const std::optional<std::chrono::milliseconds>& value)
    {
        return static_cast<std::uint32_t>(milliseconds(name, value, (std::numeric_limits<std::uint32_t>::max)()));
    }

    kal_call_options call(const call_options& from)
    {
        kal_call_options made = KAL_CALL_OPTIONS_INIT;
        made.timeout_ms = timeout("timeout", from.timeout);
        made.cache = static_cast<std::int32_t>(from.cache);
        if (from.cancel)
            made.cancel = from.cancel->handle();
        return made;
    }

    kal_events_query query(const events_query& from)
    {
        kal_events_query made = KAL_EVENTS_QUERY_INIT;
        made.page = from.page;
        made.page_size = from.page_size;
        texts("event_types", from.event_types, made.event_types, made.event_types_len);
        made.resource_type = text("resource_type", from.resource_type);
        texts("event_user_ids", from.event_user_ids, made.event_user_ids, made.event_user_ids_len);
        made.after_date = text("after_date", from.after_date);
        made.before_date = text("before_date", from.before_date);
        return made;
    }

    kal_client_options client(const client_options& from)
    {
        kal_client_options made = KAL_CLIENT_OPTIONS_INIT;
        made.client_id = text("client_id", from.client_id);
        made.client_secret = text("client_secret", from.client_secret);
        made.base_url = text("base_url", from.base_url);
        for (const kal::header& each : from.headers)
            headers_.push_back({ text("headers", each.name), text("headers", each.value) });
        made.headers = headers_.data();
        made.headers_len = headers_.size();
        made.ca_bundle_path = text("ca_bundle_path", from.ca_bundle_path);
        made.ca_bundle_pem = text("ca_bundle_pem", from.ca_bundle_pem);
        made.client_certificate_path = text("client_certificate_path", from.client_certificate_path);
        made.client_certificate_pem = text("client_certificate_pem", from.client_certificate_pem);
        made.client_key_path = text("client_key_path", from.client_key_path);
        made.client_key_pem = text("client_key_pem", from.client_key_pem);
        made.name = text("name", from.name);
        made.proxy_url = text("proxy_url", from.proxy_url);
        made.user_agent = text("user_agent", from.user_agent);
        made.connect_timeout_ms = timeout("connect_timeout", from.connect_timeout);
        made.timeout_ms = timeout("timeout", from.timeout);
        made.cache_ttl_ms =
            static_cast<std::uint64_t>(milliseconds("cache_ttl", from.cache_ttl, (std::numeric_limits<std::int64_t>::max)()));
        made.retry_wait_ms =
            static_cast<std::uint64_t>(milliseconds("retry_wait", from.retry_wait, (std::numeric_limits<std::int64_t>::max)()));
        made.max_attempts = from.max_attempts;
        made.max_in_flight = from.max_in_flight;
        made.max_response_bytes = from.max_response_bytes;
        made.flags = (from.proxy_from_env ? std::uint32_t{ KAL_CLIENT_PROXY_FROM_ENV } : 0)
                     | (from.insecure_tls ? std::uint32_t{ KAL_CLIENT_INSECURE_TLS } : 0)
                     | (from.allow_http ? std::uint32_t{ KAL_CLIENT_ALLOW_HTTP } : 0);
        return made;
    }

    // Runs `call(Handle*, kal_error*)` unless an argument is invalid.
    template <class Handle, class Call>
    result<Handle> run(Call&& call) const
    {
        if (!invalid_.empty())
            return unexpected(error(status::invalid_argument, invalid_));
        Handle handle{};
        kal_error failure = KAL_NONE;
        if (const kal_status status = call(&handle, &failure); status != KAL_OK)
            return unexpected(error(status, failure));
        return handle;
    }

private:
    void reject(const char* name, const char* why)
    {
        if (invalid_.empty())
            invalid_ = std::string(name) + ": " + why;
    }

    std::string invalid_{};
    std::list<std::string> owned_{}; // a list, because its elements have stable addresses
    std::vector<std::string> lists_[2]{};
    std::vector<const char*> pointers_[2]{};
    std::size_t lists_len_ = 0;
    std::vector<kal_header> headers_{};
};

// The result of a call without a result.
struct nothing {};

// Makes a call whose answer is an Out.
template <class Out, class Call>
result<Out> invoke(arguments& args, const call_options& options, Call&& call)
{
    const kal_call_options made = args.call(options);
    auto handle = args.run<kal_result>([&](kal_result* out, kal_error* failure) { return call(&made, out, failure); });
    if (!handle)
        return unexpected(handle.error());
    return try_as<Out>(answer(*handle));
}

// Runs a host function and converts an exception to a status, so that nothing unwinds into the library.
template <class Body>
kal_status guarded(Body&& body) noexcept
{
#if KAL_CPP_EXCEPTIONS
    try {
        return body();
    } catch (const error& failure) {
        return static_cast<kal_status>(failure.status());
    } catch (...) {
        return KAL_AUTH_FAILED;
    }
#else
    return body();
#endif
}

inline kal_status provide_token(void* provider, char* buffer, std::size_t capacity, std::size_t* length) noexcept
{
    detail::take_over(provider);
    const kal_status provided = guarded([&]() -> kal_status {
        const std::optional<std::string> token = (*static_cast<const token_provider*>(provider))();
        if (!token)
            return KAL_AUTH_FAILED;
        if (token->size() > capacity)
            return KAL_INVALID_ARGUMENT;
        std::memcpy(buffer, token->data(), token->size());
        *length = token->size();
        return KAL_OK;
    });
    detail::hand_over(provider);
    return provided;
}

// A wait timeout, where 0 means do not wait.
inline std::uint32_t wait_ms(std::chrono::milliseconds timeout) noexcept
{
    constexpr std::int64_t max = (std::numeric_limits<std::uint32_t>::max)();
    const std::int64_t count = timeout.count();
    return static_cast<std::uint32_t>(count < 0 ? 0 : count > max ? max : count);
}

} // namespace calling

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
