// The workspace service. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_WORKSPACE_SERVICE_HPP
#define KALEIDOSCOPE_WORKSPACE_SERVICE_HPP

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>

#include "stream.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

// Returned by client.workspace(): cheap to copy. It may outlive the client; calls then fail with status::invalid_handle.
class workspace_service {
public:
    // The workspace that the credentials belong to. Cached. Fails with status::not_found also when the response has no body.
    [[nodiscard]] result<workspace_info> try_info(const call_options& options = {}) const
    {
        calling::arguments args;
        return calling::invoke<workspace_info>(args, options,
                                               [&](auto... out) { return kal_workspace_get_workspace(client_, out...); });
    }
    // All members. Cached.
    [[nodiscard]] result<kal::members> try_members(const call_options& options = {}) const
    {
        calling::arguments args;
        return calling::invoke<kal::members>(args, options,
                                             [&](auto... out) { return kal_workspace_get_members(client_, out...); });
    }
    // The members with these ids (any range of strings), from the cached list: in the list's order, each once, unknown ids
    // omitted.
    template <class Ids>
    [[nodiscard]] result<kal::members> try_members_by_ids(Ids&& ids, const call_options& options = {}) const
    {
        return by_ids<kal::members>(kal_workspace_get_members_by_ids, ids, options);
    }
    [[nodiscard]] result<kal::members> try_members_by_ids(std::initializer_list<std::string_view> ids,
                                                          const call_options& options = {}) const
    {
        return by_ids<kal::members>(kal_workspace_get_members_by_ids, ids, options);
    }
    // All groups. Cached.
    [[nodiscard]] result<kal::groups> try_groups(const call_options& options = {}) const
    {
        calling::arguments args;
        return calling::invoke<kal::groups>(args, options,
                                            [&](auto... out) { return kal_workspace_get_groups(client_, out...); });
    }
    // The groups with these ids, as try_members_by_ids.
    template <class Ids>
    [[nodiscard]] result<kal::groups> try_groups_by_ids(Ids&& ids, const call_options& options = {}) const
    {
        return by_ids<kal::groups>(kal_workspace_get_groups_by_ids, ids, options);
    }
    [[nodiscard]] result<kal::groups> try_groups_by_ids(std::initializer_list<std::string_view> ids,
                                                        const call_options& options = {}) const
    {
        return by_ids<kal::groups>(kal_workspace_get_groups_by_ids, ids, options);
    }
    // One page of events. Not cached.
    [[nodiscard]] result<kal::events> try_events(const events_query& query = {}, const call_options& options = {}) const
    {
        calling::arguments args;
        const kal_events_query c_query = args.query(query);
        return calling::invoke<kal::events>(args, options,
                                            [&](auto... out) { return kal_workspace_get_events(client_, &c_query, out...); });
    }
    // Streams every matching event exactly once, even while new events arrive. Does no I/O itself. options.timeout applies to
    // each request, options.cancel to the whole stream. `query.page` must be 0.
    [[nodiscard]] result<event_stream> try_stream_events(const events_query& query = {}, const call_options& options = {}) const
    {
        calling::arguments args;
        const kal_events_query c_query = args.query(query);
        return streamed(args, options, [&](auto... out) { return kal_workspace_stream_events(client_, &c_query, out...); });
    }
    // Streams events as they happen, without end: from the position of `cursor`, else from `query.after_date`, else from now on.
    // `query.page` and `query.before_date` must be unset.
    [[nodiscard]] result<event_stream> try_follow_events(const events_query& query = {}, std::string_view cursor = {},
                                                         const call_options& options = {}) const
    {
        calling::arguments args;
        const kal_events_query c_query = args.query(query);
        const char* from = cursor.empty() ? nullptr : args.text("cursor", cursor);
        return streamed(args, options, [&](auto... out) { return kal_workspace_follow_events(client_, &c_query, from, out...); });
    }

#if KAL_CPP_EXCEPTIONS
    workspace_info info(const call_options& options = {}) const
    {
        return unwrap(try_info(options));
    }
    kal::members members(const call_options& options = {}) const
    {
        return unwrap(try_members(options));
    }
    template <class Ids>
    kal::members members_by_ids(Ids&& ids, const call_options& options = {}) const
    {
        return unwrap(try_members_by_ids(ids, options));
    }
    kal::members members_by_ids(std::initializer_list<std::string_view> ids, const call_options& options = {}) const
    {
        return unwrap(try_members_by_ids(ids, options));
    }
    kal::groups groups(const call_options& options = {}) const
    {
        return unwrap(try_groups(options));
    }
    template <class Ids>
    kal::groups groups_by_ids(Ids&& ids, const call_options& options = {}) const
    {
        return unwrap(try_groups_by_ids(ids, options));
    }
    kal::groups groups_by_ids(std::initializer_list<std::string_view> ids, const call_options& options = {}) const
    {
        return unwrap(try_groups_by_ids(ids, options));
    }
    kal::events events(const events_query& query = {}, const call_options& options = {}) const
    {
        return unwrap(try_events(query, options));
    }
    event_stream stream_events(const events_query& query = {}, const call_options& options = {}) const
    {
        return unwrap(try_stream_events(query, options));
    }
    event_stream follow_events(const events_query& query = {}, std::string_view cursor = {},
                               const call_options& options = {}) const
    {
        return unwrap(try_follow_events(query, cursor, options));
    }
#endif

private:
    friend class client;
    using provider = std::shared_ptr<const token_provider>;

    workspace_service(kal_client client, provider kept) noexcept : client_(client), provider_(std::move(kept)) {}

    template <class Out, class Function, class Ids>
    result<Out> by_ids(Function function, Ids& ids, const call_options& options) const
    {
        calling::arguments args;
        const char* const* first = nullptr;
        std::size_t size = 0;
        args.texts("ids", ids, first, size);
        return calling::invoke<Out>(args, options, [&](auto... out) { return function(client_, first, size, out...); });
    }

    template <class Call>
    result<event_stream> streamed(calling::arguments& args, const call_options& options, Call&& call) const
    {
        const kal_call_options made = args.call(options);
        auto handle = args.run<kal_stream>([&](kal_stream* out, kal_error* failure) { return call(&made, out, failure); });
        if (!handle)
            return unexpected(handle.error());
        return event_stream(*handle, provider_);
    }

    kal_client client_;
    provider provider_; // kept because a call may be running it while another thread closes the client
};

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
