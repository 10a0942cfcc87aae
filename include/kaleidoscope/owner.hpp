// Ownership of a handle. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_OWNER_HPP
#define KALEIDOSCOPE_OWNER_HPP

#include <utility>

#include "config.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
namespace detail {

// Owns a handle and frees it. KAL_NONE (id 0) after it was moved from.
template <class Handle, void (*Free)(Handle)>
class owner {
public:
    owner() noexcept = default;
    explicit owner(Handle handle) noexcept : handle_(handle) {}
    owner(owner&& from) noexcept : handle_(from.release()) {}
    owner& operator=(owner&& from) noexcept
    {
        if (this != &from) {
            Free(handle_);
            handle_ = from.release();
        }
        return *this;
    }
    ~owner() { Free(handle_); }

    Handle get() const noexcept { return handle_; }
    Handle release() noexcept { return std::exchange(handle_, Handle{}); }

private:
    Handle handle_{};
};

} // namespace detail
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
