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
inline namespace KAL_CPP_ABI {

template <class Stream>
class flat_events;

// Events page after page, none of them empty: an input range of kal::events, which waits for a page when it is asked for one.
//
//     for (auto& page : client.workspace().stream_events())            // events& : move it away to keep it
//     for (kal::event event : client.workspace().stream_events().flat())
//
// A loop takes up where the one before it was left. An error does not end the stream: the next page is asked for again.
class event_stream {
public:
    // Takes the handle over.
    explicit event_stream(kal_stream handle) noexcept : event_stream(handle, nullptr) {}

    // The next page, waited for up to `timeout`; 0 asks the server at once, but does not wait for news. Nothing: there is none
    // yet, or will not be any more: see is_done. status::invalid_state: another thread waits for this stream.
    [[nodiscard]] result<std::optional<events>> try_next(std::chrono::milliseconds timeout)
    {
        kal_result page = KAL_NONE;
        kal_error failure = KAL_NONE;
        const kal_status status = kal_stream_next(handle_.get(), calling::wait_ms(timeout), &page, &failure);
        if (status == KAL_OK)
            return result<std::optional<events>>(std::in_place, answer(page));
        is_done_ = status == KAL_DONE;
        // With an error, it is a request that took too long.
        if (is_done_ || (status == KAL_TIMED_OUT && failure.id == 0))
            return std::optional<events>();
        return unexpected(error(status, failure));
    }
    // The last call found the end. A stream that follows has none.
    bool is_done() const noexcept { return is_done_; }

    // Where the stream is: follow_events goes on from there, in another process too. Behind the last page that was given, so
    // keep it when all of that is dealt with.
    std::string cursor() const
    {
        const char* text = kal_stream_cursor(handle_.get());
        return text ? text : "";
    }
    // The shortest and the longest wait of a stream that follows, between two questions to the server; else 1 s and 30 s.
    [[nodiscard]] result<void> try_set_backoff(std::optional<std::chrono::milliseconds> least,
                                               std::optional<std::chrono::milliseconds> most)
    {
        calling::arguments given;
        const std::uint32_t least_ms = given.timeout("least", least);
        const std::uint32_t most_ms = given.timeout("most", most);
        const auto set = given.run<calling::nothing>([&](calling::nothing*, kal_error* failure) {
            return kal_stream_set_backoff(handle_.get(), least_ms, most_ms, failure);
        });
        if (!set)
            return unexpected(set.error());
        return {};
    }

#if KAL_CPP_EXCEPTIONS
    std::optional<events> next(std::chrono::milliseconds timeout)
    {
        return unwrap(try_next(timeout));
    }
    void set_backoff(std::optional<std::chrono::milliseconds> least, std::optional<std::chrono::milliseconds> most)
    {
        unwrap(try_set_backoff(least, most));
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
    // Event after event, each valid until the next one is asked for. Of a stream that has a name, this is a loan: walk it or its
    // pages, not both.
    flat_events<event_stream&> flat() & noexcept;
    flat_events<event_stream> flat() && noexcept;
#endif

    // Ends it: next on another thread gives status::cancelled. The destructor does the same.
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
    // The next page, however long it takes to come.
    bool take()
    {
        for (;;) {
            if (std::optional<kal::events> page = next((std::chrono::milliseconds::max)())) {
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
    kal::events page_{ answer(kal_result{}) }; // the one that a loop is at
    bool is_done_ = false;
};

#if KAL_CPP_EXCEPTIONS

// The events of a stream without its pages: an input range of kal::event. Stream is event_stream, or a reference to one.
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
        // When begin throws, this page is over all the same.
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
} // namespace kal

#endif
