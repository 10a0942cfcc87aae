// How far a stream has been read. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_STREAM_POSITION_HPP
#define KALEIDOSCOPE_STREAM_POSITION_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "calling.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

namespace calling {

// The handle of a stream, and how much of its current page was read: by loops over pages and over events, and by next. Loops
// point to it, so that a stream can be moved while one runs. A page is requested when it is needed, and not before.
class stream_position {
public:
    using provider = std::shared_ptr<const token_provider>;

    stream_position(detail::owner<kal_stream, kal_stream_free> handle, provider kept) noexcept
        : provider_(std::move(kept)), handle_(std::move(handle))
    {
    }

    kal_stream handle() const noexcept { return handle_.get(); }
    bool is_done() const noexcept { return is_done_; }

    // Whether there are events of the current page that were not read.
    bool has_rest() const noexcept
    {
        return read_ != read::page && at_ < page_.size() && page_.size() - at_ > (read_ == read::event);
    }

    // The events of the current page that were not read, if there are any; else the next page.
    result<optional<events>> next(std::chrono::milliseconds timeout)
    {
        pass();
        ++step_;
        if (at_ < page_.size()) {
            page_.remove_prefix(at_);
            at_ = all;
            return optional<events>(std::move(page_));
        }
        return fetch(timeout);
    }

    // The library's cursor is after the page that it returned last: a place to resume from only when that page is with the
    // caller.
    result<std::string> cursor() const
    {
        if (read_ == read::event || (read_ == read::nothing && at_ < page_.size()))
            return unexpected(error(status::invalid_state,
                                    "cursor: a loop over events is within a page, and the cursor is after that page; call "
                                    "next for the rest of the page first, or loop over pages"));
        const char* text = kal_stream_cursor(handle_.get());
        if (!text)
            return unexpected(error(status::invalid_handle, "cursor: the stream was closed"));
        return std::string(text);
    }

    // Passes the event or page that was read last: it is not returned again.
    void pass() noexcept
    {
        if (read_ == read::nothing)
            return;
        ++step_;
        if (read_ == read::event)
            ++at_;
        else
            at_ = all;
        read_ = read::nothing;
    }

#if KAL_CPP_EXCEPTIONS
    // Waits until there is an event that was not passed; false at the end of the stream.
    bool wait()
    {
        while (read_ == read::nothing && at_ >= page_.size()) {
            if (optional<events> next = unwrap(fetch((std::chrono::milliseconds::max)()))) {
                page_ = *std::move(next);
                at_ = 0;
            } else if (is_done_)
                return false;
        }
        return true;
    }

    // The first event that was not passed: the same one until it is passed.
    event read_event()
    {
        if (read_ == read::page)
            pass();
        require();
        read_ = read::event;
        return page_[at_];
    }
    // For a loop that is at `step`; returns the next one. Passes an event that was not read, unless next or another loop has
    // passed it.
    std::uint64_t pass_event(std::uint64_t step)
    {
        if (read_ == read::nothing && step == step_ && wait())
            read_ = read::event;
        pass();
        return step_;
    }

    // The same for the events that were not passed of a page.
    events& read_page()
    {
        if (read_ == read::event)
            pass();
        require();
        if (read_ == read::nothing) {
            page_.remove_prefix(at_);
            at_ = 0;
            read_ = read::page;
        }
        return page_;
    }
    std::uint64_t pass_page(std::uint64_t step)
    {
        if (read_ == read::nothing && step == step_ && wait())
            read_ = read::page;
        pass();
        return step_;
    }
    // Changes whenever something is passed.
    std::uint64_t step() const noexcept
    {
        return step_;
    }
#endif

private:
    enum class read { nothing, event, page };
    static constexpr std::size_t all = (std::numeric_limits<std::size_t>::max)();

    result<optional<events>> fetch(std::chrono::milliseconds timeout)
    {
        kal_result page = KAL_NONE;
        kal_error failure = KAL_NONE;
        const kal_status status = kal_stream_next(handle_.get(), wait_ms(timeout), &page, &failure);
        if (status == KAL_OK)
            return optional<events>(events(detail::checked(), answer(page)));
        is_done_ = status == KAL_DONE;
        if (is_done_ || status == KAL_NOT_READY)
            return optional<events>();
        return unexpected(error(status, failure));
    }
#if KAL_CPP_EXCEPTIONS
    void require()
    {
        if (!wait())
            throw error(status::done, "the end of a stream was read: there are no more events");
    }
#endif

    provider provider_; // outlives the handle
    detail::owner<kal_stream, kal_stream_free> handle_;
    events page_{};             // moved from, once next returned it or the program took it
    std::size_t at_ = all;      // the events of the page before this one were passed
    read read_ = read::nothing; // what was returned and not passed
    std::uint64_t step_ = 0;
    bool is_done_ = false;
};

} // namespace calling

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
