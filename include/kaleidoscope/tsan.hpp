// What ThreadSanitizer has to be told. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_TSAN_HPP
#define KALEIDOSCOPE_TSAN_HPP

#include <cstddef>
#include <cstdint>

#include "config.hpp"

#if defined(__SANITIZE_THREAD__)
#define KAL_CPP_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KAL_CPP_TSAN 1
#endif
#endif
#if defined(KAL_CPP_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

// The library is compiled without ThreadSanitizer, which therefore does not see that the library orders what one thread did
// before it handed something over and what another does after it took it over. Without ThreadSanitizer these functions are empty.
namespace kal {
inline namespace KAL_CPP_VERSION {
namespace detail {

inline void hand_over([[maybe_unused]] const void* what) noexcept
{
#if defined(KAL_CPP_TSAN)
    __tsan_release(const_cast<void*>(what));
#endif
}

inline void take_over([[maybe_unused]] const void* what) noexcept
{
#if defined(KAL_CPP_TSAN)
    __tsan_acquire(const_cast<void*>(what));
#endif
}

// Stands for the user_data of a submitted call, which may be a number: ThreadSanitizer takes addresses only. There are many, so
// that it rarely takes two calls for one and misses a race between them.
inline const void* stand_in(const void* user_data) noexcept
{
#if defined(KAL_CPP_TSAN)
    constexpr std::size_t many = 1021;
    static const char all[many] = {};
    return &all[reinterpret_cast<std::uintptr_t>(user_data) % many];
#else
    return user_data;
#endif
}

} // namespace detail
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
