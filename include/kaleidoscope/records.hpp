// Records: workspace, members, groups, events. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_RECORDS_HPP
#define KALEIDOSCOPE_RECORDS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>

#include "error.hpp"
#include "view.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {

// Microseconds since 1970-01-01 UTC: in C++20, std::chrono::sys_time<std::chrono::microseconds>.
using timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

enum class access_level : std::int32_t {
    unknown = KAL_ACCESS_UNKNOWN, // null, absent or not listed here: see access_level_name
    admin = KAL_ACCESS_ADMIN,
    team_member = KAL_ACCESS_TEAM_MEMBER,
    guest = KAL_ACCESS_GUEST,
    viewer = KAL_ACCESS_VIEWER,
    deactivated = KAL_ACCESS_DEACTIVATED,
};

namespace detail {

inline std::optional<bool> flag(std::int8_t from) noexcept
{
    return from < 0 ? std::nullopt : std::optional<bool>(from != 0);
}

// Base of all records: a pointer into the list that contains it. Records are compared, ordered and hashed by their ids.
template <class Derived, class Raw>
class record {
public:
    using raw_type = Raw;

    explicit record(const Raw* raw) noexcept : raw_(raw) {}
    std::string_view id() const noexcept { return raw_->id; }
    const Raw& raw() const noexcept { return *raw_; }

    friend bool operator==(Derived a, Derived b) noexcept { return a.id() == b.id(); }
    friend bool operator!=(Derived a, Derived b) noexcept { return a.id() != b.id(); }
    friend bool operator<(Derived a, Derived b) noexcept { return a.id() < b.id(); }
    friend bool operator>(Derived a, Derived b) noexcept { return a.id() > b.id(); }
    friend bool operator<=(Derived a, Derived b) noexcept { return a.id() <= b.id(); }
    friend bool operator>=(Derived a, Derived b) noexcept { return a.id() >= b.id(); }
#if defined(__cpp_impl_three_way_comparison) && defined(__cpp_lib_three_way_comparison)
    friend std::strong_ordering operator<=>(Derived a, Derived b) noexcept
    {
        return a.id().compare(b.id()) <=> 0;
    }
#endif

private:
    const Raw* raw_;
};

template <class Record>
struct hash_by_id {
    std::size_t operator()(Record of) const noexcept { return std::hash<std::string_view>()(of.id()); }
};

} // namespace detail

// The workspace that the credentials belong to.
class workspace : public detail::record<workspace, kal_workspace> {
public:
    using record::record;
    std::optional<std::string_view> workspace_name() const noexcept { return detail::text(raw().workspace_name); }
};

// A member of the workspace.
class member : public detail::record<member, kal_workspace_user> {
public:
    using record::record;
    std::optional<std::string_view> full_name() const noexcept { return detail::text(raw().full_name); }
    std::optional<std::string_view> preferred_name() const noexcept { return detail::text(raw().preferred_name); }
    std::optional<std::string_view> email() const noexcept { return detail::text(raw().email); }
    kal::access_level access_level() const noexcept
    {
        const auto level = raw().access_level;
        const bool known = level >= KAL_ACCESS_UNKNOWN && level <= KAL_ACCESS_DEACTIVATED;
        return known ? static_cast<kal::access_level>(level) : kal::access_level::unknown;
    }
    // As the server sent it.
    std::optional<std::string_view> access_level_name() const noexcept { return detail::text(raw().access_level_name); }
};

// A group of members.
class group : public detail::record<group, kal_workspace_group> {
public:
    using record::record;
    std::optional<std::string_view> group_name() const noexcept { return detail::text(raw().group_name); }
    std::optional<std::string_view> email() const noexcept { return detail::text(raw().email); }
    strings user_ids() const noexcept { return { raw().user_ids, raw().user_ids_len }; }
    strings program_ids() const noexcept { return { raw().program_ids, raw().program_ids_len }; }
};

// Something that happened in the workspace.
class event : public detail::record<event, kal_workspace_event> {
public:
    using record::record;
    std::optional<std::string_view> event_type() const noexcept { return detail::text(raw().event_type); }
    std::optional<std::int64_t> event_type_version() const noexcept
    {
        return raw().event_type_version < 0 ? std::nullopt : std::optional<std::int64_t>(raw().event_type_version);
    }
    std::optional<timestamp> created_at() const noexcept
    {
        if (raw().created_at_us == (std::numeric_limits<std::int64_t>::min)())
            return std::nullopt;
        return timestamp(std::chrono::microseconds(raw().created_at_us));
    }
    // As the server sent it.
    std::optional<std::string_view> created_at_text() const noexcept { return detail::text(raw().created_at); }
    std::optional<std::string_view> event_user_id() const noexcept { return detail::text(raw().event_user_id); }
    std::optional<std::string_view> full_name() const noexcept { return detail::text(raw().full_name); }
    std::optional<std::string_view> preferred_name() const noexcept { return detail::text(raw().preferred_name); }
    std::optional<std::string_view> resource_id() const noexcept { return detail::text(raw().resource_id); }
    std::optional<std::string_view> resource_type() const noexcept { return detail::text(raw().resource_type); }
    std::optional<std::string_view> parent_bulk_event_id() const noexcept { return detail::text(raw().parent_bulk_event_id); }
    // JSON text of an object whose members depend on event_type; "{}" when absent.
    std::string_view event_attrs() const noexcept { return raw().event_attrs; }
    std::optional<bool> is_bot() const noexcept { return detail::flag(raw().is_bot); }
    std::optional<bool> is_bulk() const noexcept { return detail::flag(raw().is_bulk); }
};

} // inline namespace KAL_CPP_VERSION
} // namespace kal

template <>
struct std::hash<kal::workspace> : kal::detail::hash_by_id<kal::workspace> {
};
template <>
struct std::hash<kal::member> : kal::detail::hash_by_id<kal::member> {
};
template <>
struct std::hash<kal::group> : kal::detail::hash_by_id<kal::group> {
};
template <>
struct std::hash<kal::event> : kal::detail::hash_by_id<kal::event> {
};

#endif
