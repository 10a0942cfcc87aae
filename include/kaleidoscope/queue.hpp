// Completion queues: calls that do not block. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_QUEUE_HPP
#define KALEIDOSCOPE_QUEUE_HPP

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "client.hpp"
#include "tsan.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

// A submitted call that has completed.
struct completion {
    void* user_data;
    result<answer> outcome;

    // The outcome as members, groups, events or workspace_info, moved out of here. Fails with the error of the call, and as
    // try_as when its answer holds other data.
    template <class Out>
    [[nodiscard]] result<Out> try_take()
    {
        if (!outcome)
            return unexpected(outcome.error());
        return try_as<Out>(std::move(*outcome));
    }
#if KAL_CPP_EXCEPTIONS
    template <class Out>
    Out take()
    {
        return unwrap(try_take<Out>());
    }
#endif
};

// Receives the completions of submitted calls, each exactly once.
class queue {
public:
    static result<queue> try_open()
    {
        kal_queue handle = KAL_NONE;
        kal_error failure = KAL_NONE;
        if (const kal_status status = kal_queue_open(&handle, &failure); status != KAL_OK)
            return unexpected(error(status, failure));
        return queue(handle);
    }
#if KAL_CPP_EXCEPTIONS
    queue() : queue(unwrap(try_open())) {}
#endif
    // Takes ownership of the handle.
    explicit queue(kal_queue handle) noexcept : handle_(handle) {}

    // Starts a call and returns immediately; the arguments need not outlive it, but for the client: closing it cancels the call.
    // The completion contains `user_data`. On failure nothing was started and there is no completion.
    [[nodiscard]] result<void> try_submit(const client& from, std::string_view method, std::string_view params_json = {},
                                          void* user_data = nullptr, const call_options& options = {}) const
    {
        calling::arguments args;
        const char* c_method = args.text("method", method);
        const char* params = args.text("params_json", params_json);
        return submitted(args, options, user_data, [&](const kal_call_options* made, kal_error* failure) {
            return kal_submit(from.handle(), c_method, params, made, handle_.get(), user_data, failure);
        });
    }
    // Start workspace_service::info, members and groups and return immediately, as try_submit.
    [[nodiscard]] result<void> try_submit_workspace(const client& from, void* user_data = nullptr,
                                                    const call_options& options = {}) const
    {
        return try_submit(from, "workspace.get_workspace", {}, user_data, options);
    }
    [[nodiscard]] result<void> try_submit_members(const client& from, void* user_data = nullptr,
                                                  const call_options& options = {}) const
    {
        return try_submit(from, "workspace.get_members", {}, user_data, options);
    }
    [[nodiscard]] result<void> try_submit_groups(const client& from, void* user_data = nullptr,
                                                 const call_options& options = {}) const
    {
        return try_submit(from, "workspace.get_groups", {}, user_data, options);
    }
    // Starts workspace_service::events and returns immediately, as try_submit.
    [[nodiscard]] result<void> try_submit_events(const client& from, const events_query& query = {}, void* user_data = nullptr,
                                                 const call_options& options = {}) const
    {
        calling::arguments args;
        const kal_events_query c_query = args.query(query);
        return submitted(args, options, user_data, [&](const kal_call_options* made, kal_error* failure) {
            return kal_workspace_submit_get_events(from.handle(), &c_query, made, handle_.get(), user_data, failure);
        });
    }
    // Starts workspace_service::members_by_ids and returns immediately; `ids` is any range of strings.
    template <class Ids = std::initializer_list<std::string_view>>
    [[nodiscard]] result<void> try_submit_members_by_ids(const client& from, Ids&& ids, void* user_data = nullptr,
                                                         const call_options& options = {}) const
    {
        return submitted_by_ids(kal_workspace_submit_get_members_by_ids, from, ids, user_data, options);
    }
    // Starts workspace_service::groups_by_ids and returns immediately; `ids` is any range of strings.
    template <class Ids = std::initializer_list<std::string_view>>
    [[nodiscard]] result<void> try_submit_groups_by_ids(const client& from, Ids&& ids, void* user_data = nullptr,
                                                        const call_options& options = {}) const
    {
        return submitted_by_ids(kal_workspace_submit_get_groups_by_ids, from, ids, user_data, options);
    }
    // Starts event_stream::next and returns immediately. The completion holds a page, or an error with status::done at the end of
    // the stream and status::not_ready when no page arrived in time. Fails with status::invalid_state when a loop over events has
    // left a part of its page unread, which event_stream::next returns.
    [[nodiscard]] result<void> try_submit_next(const event_stream& from, std::chrono::milliseconds timeout,
                                               void* user_data = nullptr) const
    {
        if (from.has_rest())
            return unexpected(error(status::invalid_state,
                                    "submit_next: a loop over events has left a part of its page unread; call next of the stream "
                                    "for it first"));
        detail::hand_over(detail::stand_in(user_data));
        kal_error failure = KAL_NONE;
        const kal_status status =
            kal_stream_submit_next(from.handle(), calling::wait_ms(timeout), handle_.get(), user_data, &failure);
        if (status != KAL_OK)
            return unexpected(error(status, failure));
        return {};
    }
    // Waits up to `timeout` for the next completion; 0 does not wait. Empty when there is none yet. Fails with
    // status::done after shutdown and the last completion, and with status::cancelled when another thread closes the queue. A
    // failed call is returned as a completion.
    [[nodiscard]] result<optional<completion>> try_next(std::chrono::milliseconds timeout) const
    {
        kal_completion next = KAL_COMPLETION_INIT;
        kal_error failure = KAL_NONE;
        const kal_status status = kal_queue_next(handle_.get(), calling::wait_ms(timeout), &next, &failure);
        if (status == KAL_NOT_READY)
            return optional<completion>();
        if (status != KAL_OK)
            return unexpected(error(status, failure));
        detail::take_over(detail::stand_in(next.user_data));
        if (next.status != KAL_OK)
            return made(completion{ next.user_data, unexpected(error(next.status, next.error)) });
        return made(completion{ next.user_data, answer(next.result) });
    }
#if KAL_CPP_EXCEPTIONS
    void submit(const client& from, std::string_view method, std::string_view params_json = {}, void* user_data = nullptr,
                const call_options& options = {}) const
    {
        unwrap(try_submit(from, method, params_json, user_data, options));
    }
    void submit_workspace(const client& from, void* user_data = nullptr, const call_options& options = {}) const
    {
        unwrap(try_submit_workspace(from, user_data, options));
    }
    void submit_members(const client& from, void* user_data = nullptr, const call_options& options = {}) const
    {
        unwrap(try_submit_members(from, user_data, options));
    }
    void submit_groups(const client& from, void* user_data = nullptr, const call_options& options = {}) const
    {
        unwrap(try_submit_groups(from, user_data, options));
    }
    void submit_events(const client& from, const events_query& query = {}, void* user_data = nullptr,
                       const call_options& options = {}) const
    {
        unwrap(try_submit_events(from, query, user_data, options));
    }
    template <class Ids = std::initializer_list<std::string_view>>
    void submit_members_by_ids(const client& from, Ids&& ids, void* user_data = nullptr, const call_options& options = {}) const
    {
        unwrap(try_submit_members_by_ids(from, ids, user_data, options));
    }
    template <class Ids = std::initializer_list<std::string_view>>
    void submit_groups_by_ids(const client& from, Ids&& ids, void* user_data = nullptr, const call_options& options = {}) const
    {
        unwrap(try_submit_groups_by_ids(from, ids, user_data, options));
    }
    void submit_next(const event_stream& from, std::chrono::milliseconds timeout, void* user_data = nullptr) const
    {
        unwrap(try_submit_next(from, timeout, user_data));
    }
    optional<completion> next(std::chrono::milliseconds timeout) const
    {
        return unwrap(try_next(timeout));
    }
#endif

    // A descriptor that is readable while completions are pending, for poll, epoll and event loops. Owned by the queue; -1 after
    // close, and on Windows.
    int fd() const noexcept
    {
        return kal_queue_fd(handle_.get());
    }
    // On Windows, which has no such descriptor, an event that is signalled while completions are pending, for
    // WaitForMultipleObjects; nullptr elsewhere and after close.
    void* native_handle() const noexcept
    {
        return kal_queue_handle(handle_.get());
    }
    // Cancels its calls and accepts no more: next returns the completion of every call that was submitted, and then fails with
    // status::done, so that the program gets each `user_data` back.
    void shutdown() const noexcept
    {
        kal_queue_shutdown(handle_.get());
    }
    // Cancels its calls and frees pending completions, without returning their `user_data`; next on another thread fails with
    // status::cancelled. The destructor does the same.
    void close() const noexcept
    {
        kal_queue_close(handle_.get());
    }
    kal_queue handle() const noexcept
    {
        return handle_.get();
    }

private:
    // Runs `call(const kal_call_options*, kal_error*)`, which submits.
    template <class Call>
    static result<void> submitted(calling::arguments& args, const call_options& options, void* user_data, Call&& call)
    {
        detail::hand_over(detail::stand_in(user_data));
        const kal_call_options made = args.call(options);
        const auto started =
            args.run<calling::nothing>([&](calling::nothing*, kal_error* failure) { return call(&made, failure); });
        if (!started)
            return unexpected(started.error());
        return {};
    }
    template <class Function, class Ids>
    result<void> submitted_by_ids(Function function, const client& from, Ids& ids, void* user_data,
                                  const call_options& options) const
    {
        calling::arguments args;
        const char* const* first = nullptr;
        std::size_t size = 0;
        args.texts("ids", ids, first, size);
        return submitted(args, options, user_data, [&](const kal_call_options* made, kal_error* failure) {
            return function(from.handle(), first, size, made, handle_.get(), user_data, failure);
        });
    }
    static result<optional<completion>> made(completion&& done)
    {
        return optional<completion>(std::move(done));
    }

    detail::owner<kal_queue, kal_queue_close> handle_;
};

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
