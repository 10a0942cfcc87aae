// Options and queries. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
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
inline namespace KAL_CPP_VERSION {

// Returns the Google IAP ID token, or std::nullopt when there is none. Called on a thread that makes a call, one thread at a
// time, and again after 50 minutes. std::nullopt or an exception makes the call fail with status::auth_failed; the exception does
// not propagate. A call on the client that needs the token fails with status::would_deadlock. The function is kept until the
// client is closed and its last call has returned.
using token_provider = std::function<std::optional<std::string>()>;

struct header {
    std::string name = {};
    std::string value = {}; // never shown in errors or logs
};

// All fields are optional; in C++20, kal::client client({.base_url = "http://127.0.0.1:8080", .timeout = 5s});
struct client_options {
    std::optional<std::string> client_id = {};      // else: environment KALEIDOSCOPE_API_CLIENT_ID
    std::optional<std::string> client_secret = {};  // else: environment KALEIDOSCOPE_API_CLIENT_SECRET
    std::optional<std::string> base_url = {};       // else: environment KALEIDOSCOPE_API_URL, then https://api.kaleidoscope.bio
    std::vector<header> headers = {};               // sent with every request
    std::optional<std::string> ca_bundle_path = {}; // PEM; added to the system's roots
    std::optional<std::string> proxy_url = {};
    std::optional<std::string> user_agent = {};                    // prepended to the library's own
    std::optional<std::chrono::milliseconds> connect_timeout = {}; // else: 10 s
    std::optional<std::chrono::milliseconds> timeout = {};         // one whole call, retries included; else: 60 s
    std::optional<std::chrono::milliseconds> cache_ttl = {};       // else: cached reads do not expire
    std::optional<std::chrono::milliseconds> retry_wait = {};      // the wait before the first retry; else: 250 ms
    std::uint32_t max_attempts = 0;                                // 0: 6; 1 means never retry
    std::uint32_t max_in_flight = 0;                               // 0: 64
    std::uint64_t max_response_bytes = 0;                          // 0: 256 MiB
    bool proxy_from_env = false;
    bool insecure_tls = false; // no certificate check: for tests only
    bool allow_http = false;   // plain http to a host that is not loopback
    token_provider iap_token_provider = {};
    std::optional<std::string> ca_bundle_pem = {};           // as ca_bundle_path, in memory
    std::optional<std::string> client_certificate_path = {}; // PEM, for mutual TLS
    std::optional<std::string> client_certificate_pem = {};  // the same in memory
    std::optional<std::string> client_key_path = {};         // PEM; else: with the certificate
    std::optional<std::string> client_key_pem = {};          // the same in memory
    std::optional<std::string> name = {};                    // of the client, in its log lines; else: a number
};

enum class cache_mode : std::int32_t {
    use = KAL_CACHE_USE,
    refresh = KAL_CACHE_REFRESH, // send a request and cache the answer
    only = KAL_CACHE_ONLY,       // send no request: status::not_found when nothing is cached
};

// Which events to return. Empty fields are not sent.
struct events_query {
    std::int32_t page = 0;      // 0: not sent; KAL_PAGE_ZERO: page 0
    std::int32_t page_size = 0; // 0: not sent
    std::vector<std::string> event_types = {};
    std::optional<std::string> resource_type = {};
    std::vector<std::string> event_user_ids = {};
    std::optional<std::string> after_date = {}; // RFC 3339 or a date alone; see kal::rfc3339
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
    // Civil date from days, with years that begin in March, so that the leap day is the last; an era is 400 years.
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

// Options of one call.
struct call_options {
    std::optional<std::chrono::milliseconds> timeout = {}; // else: the client's
    cache_mode cache = cache_mode::use;
    const kal::cancel* cancel = nullptr; // need not outlive the call
};

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
