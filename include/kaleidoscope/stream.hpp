// Streams of events. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KALEIDOSCOPE_STREAM_HPP
#define KALEIDOSCOPE_STREAM_HPP

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "calling.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

template <class Stream>
class flat_events;

// A stream of non-empty pages of events: an input range of kal::events that blocks until the next page arrives.
//
//     for (auto& page : client.workspace().stream_events())            // events& : move from it to keep it
//     for (kal::event event : client.workspace().stream_events().flat())
//
// A loop continues where the previous one stopped. An error does not end the stream: the next call requests the page again.
class event_stream {
public:
    // Takes ownership of the handle.
    explicit event_stream(kal_stream handle) noexcept : event_stream(handle, nullptr) {}

    // Waits up to `timeout` for the next page; 0 sends a request but does not wait for new events. Empty when there is no
    // page yet, or at the end of the stream: see is_done. Fails with status::invalid_state while another thread waits on it.
    [[nodiscard]] result<optional<events>> try_next(std::chrono::milliseconds timeout)
    {
        kal_result page = KAL_NONE;
        kal_error failure = KAL_NONE;
        const kal_status status = kal_stream_next(handle_.get(), calling::wait_ms(timeout), &page, &failure);
        if (status == KAL_OK)
            return optional<events>(events(answer(page)));
        is_done_ = status == KAL_DONE;
        if (is_done_ || status == KAL_NOT_READY)
            return optional<events>();
        return unexpected(error(status, failure));
    }
    // Whether the last call reached the end of the stream. A following stream has no end.
    bool is_done() const noexcept { return is_done_; }

    // The position after the last returned page. follow_events resumes there, in another process too. Save it once that page is
    // processed.
    std::string cursor() const
    {
        const char* text = kal_stream_cursor(handle_.get());
        return text ? text : "";
    }
    // The minimum and maximum poll interval of a following stream; else 1 s and 30 s.
    [[nodiscard]] result<void> try_set_backoff(std::optional<std::chrono::milliseconds> min,
                                               std::optional<std::chrono::milliseconds> max)
    {
        calling::arguments args;
        const std::uint32_t min_ms = args.timeout("min", min);
        const std::uint32_t max_ms = args.timeout("max", max);
        const auto set = args.run<calling::nothing>([&](calling::nothing*, kal_error* failure) {
            return kal_stream_set_backoff(handle_.get(), min_ms, max_ms, failure);
        });
        if (!set)
            return unexpected(set.error());
        return {};
    }
    // Requests the next page while the caller works on the one before; off by default.
    [[nodiscard]] result<void> try_set_read_ahead(bool on)
    {
        calling::arguments args;
        const auto set = args.run<calling::nothing>(
            [&](calling::nothing*, kal_error* failure) { return kal_stream_set_read_ahead(handle_.get(), on, failure); });
        if (!set)
            return unexpected(set.error());
        return {};
    }

#if KAL_CPP_EXCEPTIONS
    optional<events> next(std::chrono::milliseconds timeout)
    {
        return unwrap(try_next(timeout));
    }
    void set_backoff(std::optional<std::chrono::milliseconds> min, std::optional<std::chrono::milliseconds> max)
    {
        unwrap(try_set_backoff(min, max));
    }
    void set_read_ahead(bool on)
    {
        unwrap(try_set_read_ahead(on));
    }

    class iterator {
    public:
        using value_type = kal::events;
        using reference = kal::events&;
        using pointer = kal::events*;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        iterator() noexcept = default; // the end
        kal::events& operator*() const noexcept { return stream_->page_; }
        kal::events* operator->() const noexcept { return &stream_->page_; }
        iterator& operator++()
        {
            if (!stream_->take())
                stream_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(iterator a, iterator b) noexcept { return a.stream_ == b.stream_; }
        friend bool operator!=(iterator a, iterator b) noexcept { return a.stream_ != b.stream_; }

    private:
        friend class event_stream;
        explicit iterator(event_stream* stream) noexcept : stream_(stream) {}

        event_stream* stream_ = nullptr;
    };

    iterator begin() &
    {
        return take() ? iterator(this) : iterator();
    }
    iterator end() & noexcept
    {
        return {};
    }
    // Iterates over single events, each valid until the iterator is advanced. On an lvalue this borrows the stream: iterate over
    // its events or its pages, not both.
    flat_events<event_stream&> flat() & noexcept;
    flat_events<event_stream> flat() && noexcept;
#endif

    // Closes the stream: next on another thread fails with status::cancelled. The destructor does the same.
    void close() const noexcept
    {
        kal_stream_free(handle_.get());
    }
    kal_stream handle() const noexcept
    {
        return handle_.get();
    }

private:
    friend class workspace_service;

    event_stream(kal_stream handle, std::shared_ptr<const token_provider> provider) noexcept
        : provider_(std::move(provider)), handle_(handle)
    {
    }

#if KAL_CPP_EXCEPTIONS
    // Waits without limit for the next page.
    bool take()
    {
        for (;;) {
            if (optional<kal::events> page = next((std::chrono::milliseconds::max)())) {
                page_ = *std::move(page);
                return true;
            }
            if (is_done_)
                return false;
        }
    }
#endif

    std::shared_ptr<const token_provider> provider_; // outlives the handle
    detail::owner<kal_stream, kal_stream_free> handle_;
    kal::events page_{ answer(kal_result{}) }; // the current page of a loop
    bool is_done_ = false;
};

#if KAL_CPP_EXCEPTIONS

// The events of a stream as an input range of kal::event. Stream is event_stream or a reference to one.
template <class Stream>
class flat_events {
public:
    explicit flat_events(Stream&& stream) noexcept : stream_(std::forward<Stream>(stream)) {}

    class iterator {
    public:
        using value_type = event;
        using reference = event;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        struct pointer {
            event value;
            const event* operator->() const noexcept { return &value; }
        };

        iterator() noexcept = default; // the end
        event operator*() const noexcept { return (*range_->page_)[range_->at_]; }
        pointer operator->() const noexcept { return { **this }; }
        iterator& operator++()
        {
            if (!range_->take())
                range_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(iterator a, iterator b) noexcept { return a.range_ == b.range_; }
        friend bool operator!=(iterator a, iterator b) noexcept { return a.range_ != b.range_; }

    private:
        friend class flat_events;
        explicit iterator(flat_events* range) noexcept : range_(range) {}

        flat_events* range_ = nullptr;
    };

    iterator begin() & { return take() ? iterator(this) : iterator(); }
    iterator end() & noexcept { return {}; }

private:
    bool take()
    {
        if (page_ != event_stream::iterator() && ++at_ < page_->size())
            return true;
        // Discarded first, so that the page counts as read even when begin throws.
        page_ = {};
        at_ = 0;
        page_ = stream_.begin();
        return page_ != event_stream::iterator();
    }

    Stream stream_;
    event_stream::iterator page_;
    std::size_t at_ = 0;
};

inline flat_events<event_stream&> event_stream::flat() & noexcept
{
    return flat_events<event_stream&>(*this);
}
inline flat_events<event_stream> event_stream::flat() && noexcept
{
    return flat_events<event_stream>(std::move(*this));
}

#endif

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
