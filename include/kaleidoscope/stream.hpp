// Streams of events. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_STREAM_HPP
#define KALEIDOSCOPE_STREAM_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "stream_position.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Weffc++" // wants a copy of postfix ++, which an input iterator does not return
#endif

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
// The position is the stream's: a loop over pages or events, and next, continue after what was read last, with the rest of the
// page if a loop over events stopped within one. A page is requested when it is needed: what reads two events, as views::take(2),
// waits for no third. An error does not end the stream: the next call requests the page again. Moving a stream or the range of
// flat() does not disturb a loop over it; destroying it does.
class event_stream {
public:
    // Takes ownership of the handle.
    explicit event_stream(kal_stream handle) : event_stream(handle, nullptr) {}

    // Waits up to `timeout` for the next page; 0 sends a request but does not wait for new events. Empty when there is no
    // page yet, or at the end of the stream: see is_done. Fails with status::invalid_state while another thread waits on it.
    [[nodiscard]] result<optional<events>> try_next(std::chrono::milliseconds timeout)
    {
        if (position_)
            return position_->next(timeout);
        return calling::stream_position({}, {}).next(timeout);
    }
    // Whether the last call reached the end of the stream. A following stream has no end.
    bool is_done() const noexcept { return position_ && position_->is_done(); }

    // The position after the last returned page. follow_events resumes there, in another process too. Save it once that page is
    // processed. In a loop over events there is none, as the library's cursors are between pages: fails with
    // status::invalid_state until the rest of the page was read. Fails with status::invalid_handle when the stream is closed.
    [[nodiscard]] result<std::string> try_cursor() const
    {
        if (position_)
            return position_->cursor();
        return calling::stream_position({}, {}).cursor();
    }
    // The minimum and maximum poll interval of a following stream; else 1 s and 30 s.
    [[nodiscard]] result<void> try_set_backoff(std::optional<std::chrono::milliseconds> min,
                                               std::optional<std::chrono::milliseconds> max)
    {
        calling::arguments args;
        const std::uint32_t min_ms = args.timeout("min", min);
        const std::uint32_t max_ms = args.timeout("max", max);
        const auto set = args.run<calling::nothing>(
            [&](calling::nothing*, kal_error* failure) { return kal_stream_set_backoff(handle(), min_ms, max_ms, failure); });
        if (!set)
            return unexpected(set.error());
        return {};
    }
    // Requests the next pages, up to twelve, while the caller works on the one before; off by default.
    [[nodiscard]] result<void> try_set_read_ahead(bool on)
    {
        calling::arguments args;
        const auto set = args.run<calling::nothing>(
            [&](calling::nothing*, kal_error* failure) { return kal_stream_set_read_ahead(handle(), on ? 12 : 0, failure); });
        if (!set)
            return unexpected(set.error());
        return {};
    }

#if KAL_CPP_EXCEPTIONS
    optional<events> next(std::chrono::milliseconds timeout)
    {
        return unwrap(try_next(timeout));
    }
    std::string cursor() const
    {
        return unwrap(try_cursor());
    }
    void set_backoff(std::optional<std::chrono::milliseconds> min, std::optional<std::chrono::milliseconds> max)
    {
        unwrap(try_set_backoff(min, max));
    }
    void set_read_ahead(bool on)
    {
        unwrap(try_set_read_ahead(on));
    }

    // Compared with the end, or dereferenced, it waits for the next page and throws what that throws.
    class iterator {
    public:
        using value_type = kal::events;
        using reference = kal::events&;
        using pointer = kal::events*;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        iterator() noexcept = default; // the end
        kal::events& operator*() const { return position_->read_page(); }
        kal::events* operator->() const { return &**this; }
        iterator& operator++()
        {
            step_ = position_->pass_page(step_);
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(iterator a, iterator b) { return a.position_ == b.position_ || (a.is_end() && b.is_end()); }
        friend bool operator!=(iterator a, iterator b) { return !(a == b); }

    private:
        friend class event_stream;
        explicit iterator(calling::stream_position* position) noexcept : position_(position), step_(position->step()) {}
        bool is_end() const { return !position_ || !position_->wait(); }

        calling::stream_position* position_ = nullptr;
        std::uint64_t step_ = 0;
    };

    iterator begin() &
    {
        return iterator(started());
    }
    iterator end() & noexcept
    {
        return {};
    }

    // The single events; those of a temporary stream own it. An event counts as read when it is dereferenced, by the predicate of
    // a view too: the next loop continues after it. It is valid until the loop needs the next page.
    flat_events<event_stream&> flat() & noexcept;
    flat_events<event_stream> flat() && noexcept;
#endif

    // Closes the stream: next on another thread fails with status::cancelled. The destructor does the same.
    void close() const noexcept
    {
        kal_stream_free(handle());
    }
    kal_stream handle() const noexcept
    {
        return position_ ? position_->handle() : kal_stream{};
    }

private:
    friend class workspace_service;
    friend class queue;
    template <class Stream>
    friend class flat_events;
    using owner = detail::owner<kal_stream, kal_stream_free>;

    bool has_rest() const noexcept
    {
        return position_ && position_->has_rest();
    }

    event_stream(kal_stream handle, calling::stream_position::provider provider)
        : event_stream(owner(handle), std::move(provider))
    {
    }
    event_stream(owner handle, calling::stream_position::provider provider)
        : position_(std::make_unique<calling::stream_position>(std::move(handle), std::move(provider)))
    {
    }

#if KAL_CPP_EXCEPTIONS
    // For a loop, which begins after what was read last.
    calling::stream_position* started()
    {
        if (!position_)
            unwrap(try_next(std::chrono::milliseconds(0)));
        position_->pass();
        return position_.get();
    }
#endif

    std::unique_ptr<calling::stream_position> position_; // on the heap, so that loops stay valid when the stream is moved
};

#if KAL_CPP_EXCEPTIONS

// The events of a stream as an input range of kal::event. Stream is event_stream, or a reference to one: then it is a view, which
// the stream must outlive.
template <class Stream>
class flat_events {
public:
    explicit flat_events(Stream&& stream) noexcept : stream_(kept(stream)) {}

    // As event_stream::iterator, for one event.
    class iterator {
    public:
        using value_type = event;
        using reference = event;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        struct pointer {
            event value;
            const event& operator*() const noexcept { return value; }
            const event* operator->() const noexcept { return &value; }
        };

        iterator() noexcept = default; // the end
        event operator*() const { return position_->read_event(); }
        pointer operator->() const { return { **this }; }
        iterator& operator++()
        {
            step_ = position_->pass_event(step_);
            return *this;
        }
        pointer operator++(int)
        {
            const pointer before{ **this };
            ++*this;
            return before;
        }
        friend bool operator==(iterator a, iterator b) { return a.position_ == b.position_ || (a.is_end() && b.is_end()); }
        friend bool operator!=(iterator a, iterator b) { return !(a == b); }

    private:
        friend class flat_events;
        explicit iterator(calling::stream_position* position) noexcept : position_(position), step_(position->step()) {}
        bool is_end() const { return !position_ || !position_->wait(); }

        calling::stream_position* position_ = nullptr;
        std::uint64_t step_ = 0;
    };

    iterator begin() &
    {
        if constexpr (std::is_reference_v<Stream>)
            return iterator(stream_->started());
        else
            return iterator(stream_.started());
    }
    iterator end() & noexcept { return {}; }

private:
    using storage = std::conditional_t<std::is_reference_v<Stream>, std::remove_reference_t<Stream>*, Stream>;

    static storage kept(event_stream& stream) noexcept
    {
        if constexpr (std::is_reference_v<Stream>)
            return &stream;
        else
            return std::move(stream);
    }

    storage stream_;
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

#if defined(__cpp_lib_ranges) && KAL_CPP_EXCEPTIONS
template <>
inline constexpr bool std::ranges::enable_view<kal::flat_events<kal::event_stream&>> = true;
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
