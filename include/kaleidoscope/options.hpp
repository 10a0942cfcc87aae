// What a call is given. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KALEIDOSCOPE_OPTIONS_HPP
#define KALEIDOSCOPE_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cancel.hpp"
#include "records.hpp"

namespace kal {

// Gives the Google IAP ID token, or nothing when there is none. Called on a thread that makes a call, by one at a time, asked
// again after 50 minutes; an exception, like nothing, makes the call fail with status::auth_failed and goes no further. A
// call on the client that asks gives status::would_deadlock. It lives until the client and its last call have ended.
using token_provider = std::function<std::optional<std::string>()>;

struct header {
    std::string name = {};
    std::string value = {}; // never shown in errors or logs
};

// All fields may be left alone; in C++20, kal::client client({.base_url = "http://127.0.0.1:8080", .timeout = 5s});
struct client_options {
    std::optional<std::string> client_id = {};      // else: environment KALEIDOSCOPE_API_CLIENT_ID
    std::optional<std::string> client_secret = {};  // else: environment KALEIDOSCOPE_API_CLIENT_SECRET
    std::optional<std::string> base_url = {};       // else: environment KALEIDOSCOPE_API_URL, then https://api.kaleidoscope.bio
    std::vector<header> headers = {};               // sent with every request
    std::optional<std::string> ca_bundle_path = {}; // PEM; added to the system's roots
    std::optional<std::string> proxy_url = {};
    std::optional<std::string> user_agent = {};                    // put before the library's own
    std::optional<std::chrono::milliseconds> connect_timeout = {}; // else: 10 s
    std::optional<std::chrono::milliseconds> timeout = {};         // one whole call, retries included; else: 60 s
    std::optional<std::chrono::milliseconds> cache_ttl = {};       // else: cached reads never expire by themselves
    std::optional<std::chrono::milliseconds> retry_wait = {};      // the first wait before another try; else: 250 ms
    std::uint32_t max_attempts = 0;                                // 0: 6; 1 means never retry
    std::uint32_t max_in_flight = 0;                               // 0: 64
    std::uint64_t max_response_bytes = 0;                          // 0: 256 MiB
    bool proxy_from_env = false;
    bool insecure_tls = false; // no certificate check: for test benches only
    bool allow_http = false;   // plain http to a host that is not loopback
    token_provider iap_token_provider = {};
};

enum class cache_mode : std::int32_t {
    use = KAL_CACHE_USE,
    refresh = KAL_CACHE_REFRESH, // ask the server, keep the answer
    only = KAL_CACHE_ONLY,       // never ask: status::not_found where nothing is cached
};

// Which events to get. What is empty is not sent.
struct events_query {
    std::int32_t page = 0;      // 0: not sent
    std::int32_t page_size = 0; // 0: not sent
    std::vector<std::string> event_types = {};
    std::optional<std::string> resource_type = {};
    std::vector<std::string> event_user_ids = {};
    std::optional<std::string> after_date = {}; // RFC 3339 or a bare date; kal::rfc3339 makes one
    std::optional<std::string> before_date = {};
};

// "2026-01-31T12:00:00.000000Z", for events_query.
inline std::string rfc3339(timestamp time)
{
    constexpr std::int64_t second = 1'000'000;
    constexpr std::int64_t day = 86'400 * second;
    const std::int64_t since_epoch = time.time_since_epoch().count();
    const std::int64_t days = since_epoch / day - (since_epoch % day < 0);
    const std::int64_t of_day = since_epoch - days * day;
    // Civil from days, in years that begin in March, so that a leap day is the last; eras are of 400 years.
    const std::int64_t shifted = days + 719'468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    const std::int64_t of_era = shifted - era * 146'097;
    const std::int64_t year_of_era = (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
    const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t from_march = (5 * of_year + 2) / 153;
    const std::int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    char text[80];
    const int length =
        std::snprintf(text, sizeof text, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%06lldZ",
                      static_cast<long long>(year_of_era + era * 400 + (month <= 2)), static_cast<long long>(month),
                      static_cast<long long>(of_year - (153 * from_march + 2) / 5 + 1),
                      static_cast<long long>(of_day / (3'600 * second)), static_cast<long long>(of_day / (60 * second) % 60),
                      static_cast<long long>(of_day / second % 60), static_cast<long long>(of_day % second));
    return std::string(text, static_cast<std::size_t>(length));
}

inline namespace KAL_CPP_ABI {

// How one call is made.
struct call_options {
    std::optional<std::chrono::milliseconds> timeout = {}; // else: the client's
    cache_mode cache = cache_mode::use;
    const kal::cancel* cancel = nullptr; // need not outlive the function it is given to
};

} // inline namespace KAL_CPP_ABI
} // namespace kal

#endif
