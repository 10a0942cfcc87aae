// Shared by the tests of the C++ header: an emulator, and clients connected to it.
#ifndef KIT_HPP
#define KIT_HPP

#include <kaleidoscope.hpp>

#include <cstdlib>
#include <poll.h>
#include <string>
#include <utility>

#include "check.hpp"

extern "C" {
#include "../c/emulator.h"
}

namespace kit {

// The emulator of this test program, with 250 events in pages of 100, reset before each claim.
extern emulator server;

// Options for it. Retries are off, so that a claim sees the fault it injected.
inline kal::client_options options(const emulator& to = server)
{
    kal::client_options made;
    made.client_id = "demo-client";
    made.client_secret = "demo-secret";
    made.base_url = to.url;
    made.max_attempts = 1;
    return made;
}

// All received requests, as JSON text.
inline std::string requests(const emulator& of = server)
{
    char* text = emulator_requests(&of);
    std::string copy = text;
    std::free(text);
    return copy;
}

// Whether the queue's descriptor is readable, or on Windows its handle is signalled, within this time.
inline bool is_readable(const kal::queue& queue, int timeout_ms)
{
#ifdef _WIN32
    return WaitForSingleObject(queue.native_handle(), static_cast<DWORD>(timeout_ms)) == WAIT_OBJECT_0;
#else
    pollfd descriptor{ queue.fd(), POLLIN, 0 };
    return poll(&descriptor, 1, timeout_ms) == 1;
#endif
}

inline bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

// A range whose functions are not const, as those of std::views::filter.
template <class Range>
class changing {
public:
    explicit changing(Range range) : range_(std::move(range)) {}
    auto begin() { return range_.begin(); }
    auto end() { return range_.end(); }

private:
    Range range_;
};

#if KAL_CPP_EXCEPTIONS
inline kal::client client()
{
    return kal::client(options());
}

// The status of the error that a call throws; kal::status::ok if it throws nothing.
template <class Call>
kal::status thrown(Call&& call)
{
    try {
        std::forward<Call>(call)();
    } catch (const kal::error& failure) {
        return failure.status();
    }
    return kal::status::ok;
}
#endif

} // namespace kit

#endif
