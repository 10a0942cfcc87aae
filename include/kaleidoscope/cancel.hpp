// Cancellation. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_CANCEL_HPP
#define KALEIDOSCOPE_CANCEL_HPP

#include <utility>

#include "owner.hpp"
#include "result.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

// Cancels calls from another thread. With std::stop_token: std::stop_callback on_stop(token, [&] { cancel.fire(); });
class cancel {
public:
    static result<cancel> try_open()
    {
        kal_cancel handle = KAL_NONE;
        kal_error failure = KAL_NONE;
        if (const kal_status status = kal_cancel_open(&handle, &failure); status != KAL_OK)
            return unexpected(error(status, failure));
        return cancel(handle);
    }
#if KAL_CPP_EXCEPTIONS
    cancel() : cancel(unwrap(try_open())) {}
#endif
    // Takes ownership of the handle.
    explicit cancel(kal_cancel handle) noexcept : handle_(handle) {}

    // Every call made with it, now or later, fails with status::cancelled.
    void fire() const noexcept
    {
        kal_cancel_fire(handle_.get());
    }
    // The same from a signal handler. Async-signal-safe.
    void fire_from_signal() const noexcept
    {
        kal_cancel_fire_from_signal(handle_.get());
    }
    kal_cancel handle() const noexcept
    {
        return handle_.get();
    }

private:
    detail::owner<kal_cancel, kal_cancel_close> handle_;
};

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
