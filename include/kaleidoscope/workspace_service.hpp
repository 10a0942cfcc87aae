// The workspace service. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KALEIDOSCOPE_WORKSPACE_SERVICE_HPP
#define KALEIDOSCOPE_WORKSPACE_SERVICE_HPP

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>

#include "stream.hpp"

namespace kal {
inline namespace KAL_CPP_ABI {

// client.workspace(): copies cheaply, and may outlive the client, whose calls then give status::invalid_handle.
class workspace_service {
public:
    // The workspace of the credentials. Cached. status::not_found also when the server answers without a body.
    [[nodiscard]] result<workspace_info> try_info(const call_options& options = {}) const
    {
        calling::arguments given;
        return calling::ask<workspace_info>(given, options,
                                            [&](auto... out) { return kal_workspace_get_workspace(client_, out...); });
    }
    // All members. Cached.
    [[nodiscard]] result<kal::members> try_members(const call_options& options = {}) const
    {
        calling::arguments given;
        return calling::ask<kal::members>(given, options,
                                          [&](auto... out) { return kal_workspace_get_members(client_, out...); });
    }
    // The members with these ids (any range of strings), from the cached list: in its order, each once, unknown ids left out.
    template <class Ids>
    [[nodiscard]] result<kal::members> try_members_by_ids(const Ids& ids, const call_options& options = {}) const
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
        calling::arguments given;
        return calling::ask<kal::groups>(given, options, [&](auto... out) { return kal_workspace_get_groups(client_, out...); });
    }
    // As members by ids.
    template <class Ids>
    [[nodiscard]] result<kal::groups> try_groups_by_ids(const Ids& ids, const call_options& options = {}) const
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
        calling::arguments given;
        const kal_events_query asked = given.query(query);
        return calling::ask<kal::events>(given, options,
                                         [&](auto... out) { return kal_workspace_get_events(client_, &asked, out...); });
    }
    // Every event that matches, page after page, each exactly once, even while new ones arrive. No I/O yet. The options'
    // timeout is for each request, and their cancel for the whole stream. `query.page` must be 0.
    [[nodiscard]] result<event_stream> try_stream_events(const events_query& query = {}, const call_options& options = {}) const
    {
        calling::arguments given;
        const kal_events_query asked = given.query(query);
        return streamed(given, options, [&](auto... out) { return kal_workspace_stream_events(client_, &asked, out...); });
    }
    // Events as they happen, for ever: from where `cursor` was taken, else from `query.after_date`, else from now on. The
    // query's page and before_date must be unset.
    [[nodiscard]] result<event_stream> try_follow_events(const events_query& query = {}, std::string_view cursor = {},
                                                         const call_options& options = {}) const
    {
        calling::arguments given;
        const kal_events_query asked = given.query(query);
        const char* from = cursor.empty() ? nullptr : given.text("cursor", cursor);
        return streamed(given, options, [&](auto... out) { return kal_workspace_follow_events(client_, &asked, from, out...); });
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
    kal::members members_by_ids(const Ids& ids, const call_options& options = {}) const
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
    kal::groups groups_by_ids(const Ids& ids, const call_options& options = {}) const
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
    result<Out> by_ids(Function function, const Ids& ids, const call_options& options) const
    {
        calling::arguments given;
        const char* const* first = nullptr;
        std::size_t size = 0;
        given.texts("ids", ids, first, size);
        return calling::ask<Out>(given, options, [&](auto... out) { return function(client_, first, size, out...); });
    }

    template <class Call>
    result<event_stream> streamed(calling::arguments& given, const call_options& options, Call&& call) const
    {
        const kal_call_options made = given.call(options);
        auto handle = given.run<kal_stream>([&](kal_stream* out, kal_error* failure) { return call(&made, out, failure); });
        if (!handle)
            return unexpected(handle.error());
        return event_stream(*handle, provider_);
    }

    kal_client client_;
    provider provider_; // which a call of ours may be in, while the client is ended on another thread
};

} // inline namespace KAL_CPP_ABI
} // namespace kal

#endif
