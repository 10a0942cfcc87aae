// The library's log. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_LOG_HPP
#define KALEIDOSCOPE_LOG_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "calling.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {

enum class log_level : std::int32_t {
    off = KAL_LOG_OFF,
    error = KAL_LOG_ERROR,
    warn = KAL_LOG_WARN,
    info = KAL_LOG_INFO,
    debug = KAL_LOG_DEBUG,
};

// Receives one line, without a line break and without secrets, valid only during the call. Called on the thread that logs, the
// library's own included, possibly on several at once. It must return quickly; a blocking call from within fails with
// status::would_deadlock. Exceptions are discarded.
using log_function = std::function<void(log_level, std::string_view)>;

namespace detail {

struct log_sink {
    std::mutex lock{};
    std::unique_ptr<const log_function> current{};
};

// Never destroyed: the library may log until the process exits.
KAL_CPP_LOCAL inline log_sink& process_log_sink()
{
    static log_sink* const sink = new log_sink;
    return *sink;
}

KAL_CPP_LOCAL inline bool& is_in_log_function() noexcept
{
    static thread_local bool inside = false;
    return inside;
}

} // namespace detail

inline namespace KAL_CPP_ABI {
namespace calling {

inline void log_line(void* function, std::int32_t level, const char* message) noexcept
{
    // Not one place for both: calls on several threads at once are not ordered, and a race between them is one.
    const char* places = static_cast<const char*>(function);
    detail::take_over(places);
    detail::is_in_log_function() = true;
    guarded([&]() -> kal_status {
        (*static_cast<const log_function*>(function))(static_cast<log_level>(level), message);
        return KAL_OK;
    });
    detail::is_in_log_function() = false;
    detail::hand_over(places + 1);
}

} // namespace calling

// Sends log messages of `level` and above to `function`; log_level::off disables logging. One function per process: it replaces
// the previous one, which is no longer running when this returns and is not called again.
[[nodiscard]] inline result<void> try_set_log(log_level level, log_function function)
{
    // Before taking the lock: its holder may be waiting for this log function to return.
    if (detail::is_in_log_function())
        return unexpected(error(status::would_deadlock, "set_log was called from within the log function"));
    std::unique_ptr<const log_function> next;
    if (function && level != log_level::off)
        next = std::make_unique<const log_function>(std::move(function));
    detail::log_sink& sink = detail::process_log_sink();
    const std::lock_guard<std::mutex> locked(sink.lock);
    void* user_data = const_cast<log_function*>(next.get());
    if (next)
        detail::hand_over(next.get());
    const kal_status set = kal_set_log(static_cast<std::int32_t>(level), next ? calling::log_line : nullptr, user_data);
    if (set != KAL_OK)
        return unexpected(error(set, kal_error{}));
    if (sink.current)
        detail::take_over(reinterpret_cast<const char*>(sink.current.get()) + 1);
    sink.current = std::move(next);
    return {};
}

#if KAL_CPP_EXCEPTIONS
inline void set_log(log_level level, log_function function)
{
    unwrap(try_set_log(level, std::move(function)));
}
#endif

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
