// The client. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_CLIENT_HPP
#define KALEIDOSCOPE_CLIENT_HPP

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include "workspace_service.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

// One set of credentials, one workspace, one cache.
class client {
public:
    // Does no I/O. Fails with status::no_credentials, status::invalid_argument or status::invalid_utf8.
    static result<client> try_open(const client_options& options = {})
    {
        calling::arguments args;
        kal_client_options made = args.client(options);
        std::shared_ptr<token_provider> provider;
        if (options.iap_token_provider) {
            provider.reset(new token_provider(options.iap_token_provider));
            made.iap_token_provider = calling::provide_token;
            made.iap_user_data = provider.get();
            detail::hand_over(provider.get());
        }
        auto handle =
            args.run<kal_client>([&](kal_client* out, kal_error* failure) { return kal_client_open(&made, out, failure); });
        if (!handle)
            return unexpected(handle.error());
        return client(*handle, std::move(provider));
    }
    // Takes ownership of the handle.
    static client adopt(kal_client handle) noexcept { return client(handle, nullptr); }
#if KAL_CPP_EXCEPTIONS
    client() : client(client_options{}) {}
    explicit client(const client_options& options) : client(unwrap(try_open(options))) {}
#endif

    workspace_service workspace() const noexcept
    {
        return workspace_service(handle_.get(), provider_);
    }

    // The generic call: any method by name, see kal::methods: call("workspace.get_events", R"({"page_size":50})").
    [[nodiscard]] result<answer> try_call(std::string_view method, std::string_view params_json = {},
                                          const call_options& options = {}) const
    {
        calling::arguments args;
        const char* c_method = args.text("method", method);
        const char* params = args.text("params_json", params_json);
        return calling::invoke<answer>(args, options,
                                       [&](auto... out) { return kal_call(handle_.get(), c_method, params, out...); });
    }
    // A request to any endpoint of the platform, see kal_request: request("POST", "/programs", {}, R"({"title":"T"})"). An empty
    // query_json or body_json means none.
    [[nodiscard]] result<answer> try_request(std::string_view verb, std::string_view path, std::string_view query_json = {},
                                             std::string_view body_json = {}, const call_options& options = {}) const
    {
        calling::arguments args;
        const char* c_verb = args.text("verb", verb);
        const char* c_path = args.text("path", path);
        const char* query = args.text("query_json", query_json);
        const char* body = body_json.empty() ? nullptr : args.text("body_json", body_json);
        return calling::invoke<answer>(
            args, options, [&](auto... out) { return kal_request(handle_.get(), c_verb, c_path, query, body, out...); });
    }
    // Clears the cache. Lists already returned are unaffected.
    [[nodiscard]] result<void> try_clear_caches() const
    {
        kal_error failure = KAL_NONE;
        if (const kal_status status = kal_client_clear_caches(handle_.get(), &failure); status != KAL_OK)
            return unexpected(error(status, failure));
        return {};
    }
    // Counters since the client was opened.
    [[nodiscard]] result<kal_stats> try_stats() const
    {
        kal_stats stats = KAL_STATS_INIT;
        kal_error failure = KAL_NONE;
        if (const kal_status status = kal_client_stats(handle_.get(), &stats, &failure); status != KAL_OK)
            return unexpected(error(status, failure));
        return stats;
    }
#if KAL_CPP_EXCEPTIONS
    answer call(std::string_view method, std::string_view params_json = {}, const call_options& options = {}) const
    {
        return unwrap(try_call(method, params_json, options));
    }
    answer request(std::string_view verb, std::string_view path, std::string_view query_json = {},
                   std::string_view body_json = {}, const call_options& options = {}) const
    {
        return unwrap(try_request(verb, path, query_json, body_json, options));
    }
    void clear_caches() const
    {
        unwrap(try_clear_caches());
    }
    kal_stats stats() const
    {
        return unwrap(try_stats());
    }
#endif

    // Calls in progress on other threads fail with status::cancelled, later calls with status::invalid_handle. The destructor
    // does the same.
    void close() const noexcept
    {
        kal_client_close(handle_.get());
    }
    // Ends the calls, and waits until the token provider has returned: it is not called again, and the code that it is in may be
    // unloaded. Fails with status::timed_out, or with status::would_deadlock from within a callback.
    [[nodiscard]] result<void> try_shutdown(std::chrono::milliseconds timeout) const
    {
        kal_error failure = KAL_NONE;
        if (const kal_status status = kal_client_shutdown(handle_.get(), calling::wait_ms(timeout), &failure); status != KAL_OK)
            return unexpected(error(status, failure));
        if (provider_)
            detail::take_over(provider_.get());
        return {};
    }
#if KAL_CPP_EXCEPTIONS
    void shutdown(std::chrono::milliseconds timeout) const
    {
        unwrap(try_shutdown(timeout));
    }
#endif
    kal_client handle() const noexcept
    {
        return handle_.get();
    }

private:
    client(kal_client handle, std::shared_ptr<const token_provider> provider) noexcept
        : provider_(std::move(provider)), handle_(handle)
    {
    }

    std::shared_ptr<const token_provider> provider_; // outlives the handle
    detail::owner<kal_client, kal_client_close> handle_;
};

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
