// Version, methods and shutdown of the library. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_LIBRARY_HPP
#define KALEIDOSCOPE_LIBRARY_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "calling.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

// The version of the loaded library; KAL_VERSION is that of the header. Static, as is methods().
inline std::string_view version() noexcept
{
    return kal_version();
}

// A JSON array of the methods that client::call accepts: name, parameters with their types, whether it is cached, its result.
inline std::string_view methods() noexcept
{
    return kal_methods();
}

// Fails with status::invalid_state when the loaded library is older than the header or has another major version.
[[nodiscard]] inline result<void> try_check_version()
{
    const std::uint32_t loaded = kal_version_number();
    constexpr std::uint32_t wanted = KAL_VERSION_NUMBER;
    if (loaded >> 16 == wanted >> 16 && loaded >= wanted)
        return {};
    return unexpected(error(status::invalid_state,
                            "compiled for libkaleidoscope " KAL_VERSION ", but " + std::string(version()) + " is loaded"));
}

// Stops the library's thread and waits for it; not needed before a program exits. See kal_shutdown.
[[nodiscard]] inline result<void> try_shutdown(std::chrono::milliseconds timeout)
{
    if (const kal_status status = kal_shutdown(calling::wait_ms(timeout)); status != KAL_OK)
        return unexpected(error(status, kal_error{}));
    return {};
}

#if KAL_CPP_EXCEPTIONS
inline void check_version()
{
    unwrap(try_check_version());
}
inline void shutdown(std::chrono::milliseconds timeout)
{
    unwrap(try_shutdown(timeout));
}
#endif

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
