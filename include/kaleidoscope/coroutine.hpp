// Calls that coroutines wait for, on one thread: C++20. Not part of kaleidoscope.hpp: include both.
// SPDX-License-Identifier: MIT OR Apache-2.0
//
//     kal::task<> print(kal::loop& loop, const kal::client& client)
//     {
//         auto started = loop.groups(client); // both calls are in progress
//         const kal::members members = co_await loop.members(client);
//         const kal::groups groups = co_await started;
//         std::cout << members.size() << " members, " << groups.size() << " groups\n";
//     }
//
//     kal::loop loop;
//     loop.spawn(print(loop, client));
//     loop.run();
//
// A loop, its coroutines and what they wait for belong to one thread. A coroutine of another library may wait for a call, too: it
// is resumed in run or poll. A program that has an event loop waits there for fd to be readable, or on Windows for native_handle
// to be signalled, and then calls poll. A lambda that is a coroutine must not capture: its captures are destroyed with the
// lambda, before the coroutine ends.
//
// CANCELLATION
//
// A coroutine that is destroyed while it waits cancels what it waits for, and nothing is left that refers to it: so does a call
// whose awaitable is destroyed. For a call that is its request, unless it was made with a call_options::cancel, which may be that
// of other calls: then its answer is discarded when it arrives. For a page it is the stream, which is closed, also when the page
// has arrived: a page that nobody receives would be missing in its cursor. To cancel without destroying, fire that kal::cancel,
// or call shutdown: the coroutines are resumed with status::cancelled.
#ifndef KALEIDOSCOPE_COROUTINE_HPP
#define KALEIDOSCOPE_COROUTINE_HPP

#include "awaitable.hpp"
#include "task.hpp"

#if defined(__cpp_impl_coroutine) && __has_include(<coroutine>)

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

// Starts calls, and resumes the coroutines that wait for them. Its functions are those of the workspace service: each starts its
// call at once, and the arguments need not outlive it, but for the client: closing it cancels the call. A call that cannot be
// started fails when it is awaited.
class loop {
public:
    explicit loop(kal::queue of) noexcept : queue_(std::move(of)) {}
#if KAL_CPP_EXCEPTIONS
    loop() : loop(kal::queue()) {}
#endif
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;
    // Destroys the coroutines that were spawned, and cancels every call.
    ~loop()
    {
        // One by one, since what a coroutine destroys may spawn another.
        while (!spawned_.empty())
            spawned_.pop_front();
    }

    // Runs a coroutine until it first waits, and owns it until it ends. What it throws is thrown by the next run or poll.
    void spawn(task<void> coroutine)
    {
        spawned_.push_back(std::move(coroutine));
        spawned_.back().start();
    }
    // Resumes coroutines as their calls complete, until no call is in progress.
    [[nodiscard]] result<void> try_run()
    {
        finish_spawned();
        while (!operations_.empty()) {
            const auto resumed = try_poll((std::chrono::milliseconds::max)());
            if (!resumed)
                return unexpected(resumed.error());
        }
        return {};
    }
    // Waits up to `timeout` for a call to complete, resumes the coroutines of those that have, and returns how many calls that
    // were. A call that completes in the meantime is left for the next time.
    [[nodiscard]] result<std::size_t> try_poll(std::chrono::milliseconds timeout = {})
    {
        std::size_t completed = 0;
        finish_spawned();
        for (std::size_t most = operations_.size(); completed < most; completed++) {
            auto next = queue_.try_next(completed == 0 ? timeout : std::chrono::milliseconds(0));
            if (!next && next.error().status() != status::done)
                return unexpected(next.error());
            if (!next || !*next)
                break;
            complete(**next);
            finish_spawned();
        }
        return completed;
    }
#if KAL_CPP_EXCEPTIONS
    void run()
    {
        unwrap(try_run());
    }
    std::size_t poll(std::chrono::milliseconds timeout = {})
    {
        return unwrap(try_poll(timeout));
    }
#endif
    // Readable while poll has something to do; see queue::fd and queue::native_handle.
    int fd() const noexcept
    {
        return queue_.fd();
    }
    void* native_handle() const noexcept
    {
        return queue_.native_handle();
    }
    // Cancels every call: the coroutines are resumed with status::cancelled, by run or poll. Later calls fail with
    // status::invalid_state.
    void shutdown() const noexcept
    {
        queue_.shutdown();
    }

    awaitable<result<answer>> try_call(const client& from, std::string_view method, std::string_view params_json = {},
                                       const call_options& options = {})
    {
        return started<result<answer>>(
            options, [&](void* to, const call_options& with) { return queue_.try_submit(from, method, params_json, to, with); });
    }
    awaitable<result<workspace_info>> try_workspace(const client& from, const call_options& options = {})
    {
        return started<result<workspace_info>>(
            options, [&](void* to, const call_options& with) { return queue_.try_submit_workspace(from, to, with); });
    }
    awaitable<result<kal::members>> try_members(const client& from, const call_options& options = {})
    {
        return started<result<kal::members>>(
            options, [&](void* to, const call_options& with) { return queue_.try_submit_members(from, to, with); });
    }
    template <class Ids = std::initializer_list<std::string_view>>
    awaitable<result<kal::members>> try_members_by_ids(const client& from, Ids&& ids, const call_options& options = {})
    {
        return started<result<kal::members>>(
            options, [&](void* to, const call_options& with) { return queue_.try_submit_members_by_ids(from, ids, to, with); });
    }
    awaitable<result<kal::groups>> try_groups(const client& from, const call_options& options = {})
    {
        return started<result<kal::groups>>(
            options, [&](void* to, const call_options& with) { return queue_.try_submit_groups(from, to, with); });
    }
    template <class Ids = std::initializer_list<std::string_view>>
    awaitable<result<kal::groups>> try_groups_by_ids(const client& from, Ids&& ids, const call_options& options = {})
    {
        return started<result<kal::groups>>(
            options, [&](void* to, const call_options& with) { return queue_.try_submit_groups_by_ids(from, ids, to, with); });
    }
    awaitable<result<kal::events>> try_events(const client& from, const events_query& query = {},
                                              const call_options& options = {})
    {
        return started<result<kal::events>>(
            options, [&](void* to, const call_options& with) { return queue_.try_submit_events(from, query, to, with); });
    }
    // The next page of a stream, or nothing at its end. Fails with status::not_ready when there is none within `timeout`.
    awaitable<result<waiting::page>> try_next(const event_stream& from,
                                              std::chrono::milliseconds timeout = (std::chrono::milliseconds::max)())
    {
        return submitted<result<waiting::page>>(page_of(from),
                                                [&](void* to) { return queue_.try_submit_next(from, timeout, to); });
    }
#if KAL_CPP_EXCEPTIONS
    awaitable<answer> call(const client& from, std::string_view method, std::string_view params_json = {},
                           const call_options& options = {})
    {
        return throwing(try_call(from, method, params_json, options));
    }
    awaitable<workspace_info> workspace(const client& from, const call_options& options = {})
    {
        return throwing(try_workspace(from, options));
    }
    awaitable<kal::members> members(const client& from, const call_options& options = {})
    {
        return throwing(try_members(from, options));
    }
    template <class Ids = std::initializer_list<std::string_view>>
    awaitable<kal::members> members_by_ids(const client& from, Ids&& ids, const call_options& options = {})
    {
        return throwing(try_members_by_ids(from, ids, options));
    }
    awaitable<kal::groups> groups(const client& from, const call_options& options = {})
    {
        return throwing(try_groups(from, options));
    }
    template <class Ids = std::initializer_list<std::string_view>>
    awaitable<kal::groups> groups_by_ids(const client& from, Ids&& ids, const call_options& options = {})
    {
        return throwing(try_groups_by_ids(from, ids, options));
    }
    awaitable<kal::events> events(const client& from, const events_query& query = {}, const call_options& options = {})
    {
        return throwing(try_events(from, query, options));
    }
    awaitable<waiting::page> next(const event_stream& from,
                                  std::chrono::milliseconds timeout = (std::chrono::milliseconds::max)())
    {
        return throwing(try_next(from, timeout));
    }
#endif

private:
    using shared = std::shared_ptr<waiting::operation>;
    using operations = std::unordered_map<waiting::operation*, shared>;

    // Enters a call before it is submitted, and removes it unless it was, also when submitting throws.
    class registration {
    public:
        registration(operations& in, const shared& made) : in_(in), key_(made.get()) { in_.emplace(key_, made); }
        registration(const registration&) = delete;
        registration& operator=(const registration&) = delete;
        ~registration()
        {
            if (key_)
                in_.erase(key_);
        }
        void keep() noexcept { key_ = nullptr; }

    private:
        operations& in_;
        waiting::operation* key_;
    };

    static shared page_of(const event_stream& from)
    {
        shared made(new waiting::operation);
        made->stream = from.handle();
        return made;
    }
    // Submits a call with options of its own: without a cancel, with one that cancels it alone.
    template <class Out, class Submit>
    awaitable<Out> started(const call_options& options, Submit&& submit)
    {
        shared made(new waiting::operation);
        call_options with = options;
        if (!with.cancel) {
            auto own = kal::cancel::try_open();
            if (!own) {
                made->outcome.emplace(unexpected(own.error()));
                return awaitable<Out>(std::move(made));
            }
            with.cancel = &made->own_cancel.emplace(std::move(*own));
        }
        return submitted<Out>(std::move(made), [&](void* to) { return submit(to, with); });
    }
    template <class Out, class Submit>
    awaitable<Out> submitted(shared made, Submit&& submit)
    {
        registration entered(operations_, made);
        const result<void> begun = submit(static_cast<void*>(made.get()));
        if (begun)
            entered.keep();
        else
            made->outcome.emplace(unexpected(begun.error()));
        return awaitable<Out>(std::move(made));
    }
#if KAL_CPP_EXCEPTIONS
    template <class Out>
    static awaitable<Out> throwing(awaitable<result<Out>>&& from) noexcept
    {
        return awaitable<Out>(std::move(from.operation_));
    }
#endif
    void complete(completion& done)
    {
        const auto at = operations_.find(static_cast<waiting::operation*>(done.user_data));
        if (at == operations_.end())
            return;
        const shared completed = std::move(at->second);
        operations_.erase(at);
        completed->outcome.emplace(std::move(done.outcome));
        if (const auto waiter = std::exchange(completed->waiter, nullptr))
            waiter.resume();
    }
    // Destroys what has ended, and throws what one of them threw.
    void finish_spawned()
    {
        for (auto each = spawned_.begin(); each != spawned_.end();) {
            if (!each->is_done()) {
                ++each;
                continue;
            }
            task<void> ended = std::move(*each);
            each = spawned_.erase(each);
            ended.get();
        }
    }

    kal::queue queue_;
    operations operations_{};
    std::list<task<void>> spawned_{};
};

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif

#endif
