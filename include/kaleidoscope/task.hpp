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

// What the promises of tasks have in common.
struct promise_base {
    std::coroutine_handle<> waiter = std::noop_coroutine();
    std::exception_ptr thrown{};

    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept
        {
            return ended.promise().waiter;
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

template <class T>
struct promise : promise_base {
    std::optional<T> value{};

    task<T> get_return_object() noexcept;
    template <class U>
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

} // namespace waiting

// A coroutine that returns T. It begins when it is awaited, started or spawned, and is destroyed with its task.
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

    // Runs it until it first waits. Once, and not one that is awaited.
    void start() const { coroutine_.resume(); }
    bool is_done() const noexcept { return coroutine_.done(); }
    // What it returned, or throws what it threw. Requires is_done; once.
    T get() { return coroutine_.promise().take(); }

    bool await_ready() const noexcept { return coroutine_.done(); }
    // False when it has ended at once: then the awaiting coroutine goes on in its own frame of the stack, however often it does
    // this.
    bool await_suspend(std::coroutine_handle<> waiter) const
    {
        coroutine_.resume();
        if (coroutine_.done())
            return false;
        coroutine_.promise().waiter = waiter;
        return true;
    }
    T await_resume() { return coroutine_.promise().take(); }

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
