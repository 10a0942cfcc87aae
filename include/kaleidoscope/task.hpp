// Coroutines that return a value. Part of coroutine.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope/coroutine.hpp>
#ifndef KALEIDOSCOPE_TASK_HPP
#define KALEIDOSCOPE_TASK_HPP

#include "config.hpp"

#if defined(__cpp_impl_coroutine) && __has_include(<coroutine>)

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

template <class T = void>
class task;

namespace waiting {

struct promise_base;

// The coroutine that waits for a task: the promise and this refer to each other until one of them is destroyed.
class task_link {
public:
    task_link() noexcept = default;
    task_link(const task_link&) = delete;
    task_link& operator=(const task_link&) = delete;
    ~task_link() { unlink(); }

    void link(promise_base& to, std::coroutine_handle<> waiter) noexcept;
    void unlink() noexcept;
    std::coroutine_handle<> waiter() const noexcept { return waiter_; }

private:
    friend struct promise_base;

    promise_base* promise_ = nullptr;
    std::coroutine_handle<> waiter_ = nullptr;
};

// What the promises of tasks have in common.
struct promise_base {
    task_link* awaited_by = nullptr;
    bool is_started = false;
    std::exception_ptr thrown{};

    promise_base() noexcept = default;
    promise_base(const promise_base&) = delete;
    promise_base& operator=(const promise_base&) = delete;
    ~promise_base()
    {
        if (awaited_by)
            awaited_by->promise_ = nullptr;
    }

    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept
        {
            const task_link* const to = ended.promise().awaited_by;
            return to ? to->waiter() : std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    std::suspend_always initial_suspend() const noexcept { return {}; }
    final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept
    {
#if KAL_CPP_EXCEPTIONS
        thrown = std::current_exception();
#else
        std::terminate();
#endif
    }
    void rethrow() const
    {
#if KAL_CPP_EXCEPTIONS
        if (thrown)
            std::rethrow_exception(thrown);
#endif
    }
};

inline void task_link::link(promise_base& to, std::coroutine_handle<> waiter) noexcept
{
    promise_ = &to;
    waiter_ = waiter;
    to.awaited_by = this;
}
inline void task_link::unlink() noexcept
{
    if (promise_ && promise_->awaited_by == this)
        promise_->awaited_by = nullptr;
    promise_ = nullptr;
}

template <class T>
struct promise : promise_base {
    std::optional<T> value{};

    task<T> get_return_object() noexcept;
    template <class U = T>
    void return_value(U&& returned)
    {
        value.emplace(std::forward<U>(returned));
    }
    T take()
    {
        rethrow();
        return std::move(*value);
    }
};

template <>
struct promise<void> : promise_base {
    task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const { rethrow(); }
};

// What a coroutine holds while it waits for a task.
template <class T>
class task_awaiter {
public:
    explicit task_awaiter(std::coroutine_handle<promise<T>> coroutine) noexcept : coroutine_(coroutine) {}

    bool await_ready() const noexcept { return coroutine_.done(); }
    // False when the task has ended at once: then the awaiting coroutine goes on in its own frame of the stack, however often it
    // does this.
    bool await_suspend(std::coroutine_handle<> waiter)
    {
        promise<T>& awaited = coroutine_.promise();
        if (!std::exchange(awaited.is_started, true))
            coroutine_.resume();
        if (coroutine_.done())
            return false;
        link_.link(awaited, waiter);
        return true;
    }
    T await_resume() { return coroutine_.promise().take(); }

private:
    std::coroutine_handle<promise<T>> coroutine_;
    task_link link_{};
};

} // namespace waiting

// A coroutine that returns T. It begins when it is started, spawned or first awaited, and is destroyed with its task. It is
// awaited once; one that was started goes on, so that several are in progress before the first is awaited.
template <class T>
class [[nodiscard]] task {
public:
    using promise_type = waiting::promise<T>;

    task(task&& from) noexcept : coroutine_(std::exchange(from.coroutine_, nullptr)) {}
    task& operator=(task&& from) noexcept
    {
        std::swap(coroutine_, from.coroutine_);
        return *this;
    }
    ~task()
    {
        if (coroutine_)
            coroutine_.destroy();
    }

    // Runs it until it first waits; does nothing when it was started.
    void start() const
    {
        if (!std::exchange(coroutine_.promise().is_started, true))
            coroutine_.resume();
    }
    bool is_done() const noexcept { return coroutine_.done(); }
    // What it returned, or throws what it threw. Requires is_done; once.
    T get() { return coroutine_.promise().take(); }

    waiting::task_awaiter<T> operator co_await() const noexcept { return waiting::task_awaiter<T>(coroutine_); }

private:
    friend promise_type;
    explicit task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

    std::coroutine_handle<promise_type> coroutine_;
};

template <class T>
task<T> waiting::promise<T>::get_return_object() noexcept
{
    return task<T>(std::coroutine_handle<promise>::from_promise(*this));
}
inline task<void> waiting::promise<void>::get_return_object() noexcept
{
    return task<void>(std::coroutine_handle<promise>::from_promise(*this));
}

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif

#endif
