// Calls that are awaited. Part of coroutine.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope/coroutine.hpp>
#ifndef KALEIDOSCOPE_AWAITABLE_HPP
#define KALEIDOSCOPE_AWAITABLE_HPP

#include "queue.hpp"

#if defined(__cpp_impl_coroutine) && __has_include(<coroutine>)

#include <coroutine>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

namespace waiting {

// One submitted call: of the loop until it has completed, of the awaitable, and of what waits for it.
struct operation {
    std::coroutine_handle<> waiter = nullptr;
    std::optional<result<answer>> outcome{};
    bool is_taken = false;
    std::optional<kal::cancel> own_cancel{}; // what cancels this call alone
    kal_stream stream = KAL_NONE;            // whose page it is

    operation() = default;
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    // Nobody will take the outcome. A page that has arrived is lost, too.
    void abandon() noexcept
    {
        if (is_taken || (outcome && !outcome->has_value()))
            return;
        if (own_cancel)
            own_cancel->fire();
        kal_stream_free(stream);
    }
};

// What the operation resulted in, as a result<Out>.
template <class Out>
struct conversion {
    static result<Out> of(result<answer>&& outcome)
    {
        if (!outcome)
            return unexpected(outcome.error());
        return try_as<Out>(std::move(*outcome));
    }
};

// What event_stream::next returns: a page, or nothing at the end of the stream.
using page = std::decay_t<decltype(*std::declval<event_stream&>().try_next({}))>;
template <>
struct conversion<page> {
    static result<page> of(result<answer>&& outcome)
    {
        if (!outcome && outcome.error().status() == status::done)
            return page();
        result<events> made = conversion<events>::of(std::move(outcome));
        if (!made)
            return unexpected(made.error());
        return page(std::move(*made));
    }
};

// What a coroutine holds while it waits. When the coroutine is destroyed, nothing refers to it any more, even if the awaitable is
// elsewhere and stays.
template <class Out>
class call_awaiter {
public:
    explicit call_awaiter(std::shared_ptr<operation> of) noexcept : operation_(std::move(of)) {}
    call_awaiter(const call_awaiter&) = delete;
    call_awaiter& operator=(const call_awaiter&) = delete;
    ~call_awaiter()
    {
        if (is_waiting_)
            operation_->waiter = nullptr;
    }

    bool await_ready() const noexcept { return !operation_ || operation_->outcome || operation_->waiter; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept
    {
        operation_->waiter = waiter;
        is_waiting_ = true;
    }
    Out await_resume()
    {
        is_waiting_ = false;
        if (!operation_ || !operation_->outcome || operation_->is_taken)
            return converted(unexpected(error(status::invalid_state,
                                              "co_await: the call was awaited before, or its awaitable was moved from; keep what "
                                              "the first co_await returns")),
                             static_cast<Out*>(nullptr));
        operation_->is_taken = true;
        return converted(std::move(*operation_->outcome), static_cast<Out*>(nullptr));
    }

private:
    template <class Value>
    static result<Value> converted(result<answer>&& outcome, result<Value>*)
    {
        return conversion<Value>::of(std::move(outcome));
    }
#if KAL_CPP_EXCEPTIONS
    template <class Value>
    static Value converted(result<answer>&& outcome, Value*)
    {
        return unwrap(conversion<Value>::of(std::move(outcome)));
    }
#endif

    std::shared_ptr<operation> operation_;
    bool is_waiting_ = false;
};

} // namespace waiting

// A call that is in progress: `co_await` it, once, on the thread of its loop; the second time it fails with
// status::invalid_state. Out is what the call results in, or, of the `try_` functions, a result of that.
template <class Out>
class [[nodiscard]] awaitable {
public:
    awaitable(awaitable&&) noexcept = default;
    awaitable& operator=(awaitable&& from) noexcept
    {
        std::swap(operation_, from.operation_);
        return *this;
    }
    ~awaitable()
    {
        if (operation_)
            operation_->abandon();
    }

    waiting::call_awaiter<Out> operator co_await() const noexcept { return waiting::call_awaiter<Out>(operation_); }

private:
    friend class loop;
    explicit awaitable(std::shared_ptr<waiting::operation> of) noexcept : operation_(std::move(of)) {}

    std::shared_ptr<waiting::operation> operation_;
};

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif

#endif
