// The result of a call. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_ANSWER_HPP
#define KALEIDOSCOPE_ANSWER_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "optional.hpp"
#include "owner.hpp"
#include "records.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {

// The records of an answer: a non-owning random-access range, two words in size, cheap to copy.
template <class Record>
using records = view<Record, const typename Record::raw_type*>;

namespace detail {

// They point into the answer.
template <class Value, class Pointer>
inline constexpr bool is_borrowed<view<Value, Pointer>> = true;
template <>
inline constexpr bool is_borrowed<workspace> = true;

// NULL when the answer holds other data.
template <class Record>
const typename Record::raw_type* const* rows(kal_result of, std::size_t* size) noexcept
{
    if constexpr (std::is_same_v<Record, member>)
        return kal_result_workspace_users(of, size);
    else if constexpr (std::is_same_v<Record, group>)
        return kal_result_workspace_groups(of, size);
    else
        return kal_result_workspace_events(of, size);
}

} // namespace detail

// What an answer holds besides JSON.
enum class answer_kind : std::int32_t {
    json = KAL_RESULT_JSON, // nothing else; also after the answer was moved from
    workspace = KAL_RESULT_WORKSPACE,
    members = KAL_RESULT_WORKSPACE_USERS,
    groups = KAL_RESULT_WORKSPACE_GROUPS,
    events = KAL_RESULT_WORKSPACE_EVENTS,
};

// The result of a call, of any type.
class answer {
public:
    // Takes ownership of the handle.
    explicit answer(kal_result handle) noexcept : handle_(handle) {}

    // The JSON that the server sent, unknown fields included. NUL-terminated; empty after the answer was moved from.
    std::string_view json() const& noexcept
    {
        std::size_t size = 0;
        const char* text = kal_result_json(handle_.get(), &size);
        return text ? std::string_view(text, size) : std::string_view();
    }
    std::string_view json() const&& = delete;

    // Which of the functions below has a value. A library newer than this header may return values that are not listed.
    answer_kind kind() const noexcept { return static_cast<answer_kind>(kal_result_kind(handle_.get())); }
    // Its records; empty when it holds other data.
    optional<records<member>> members() const& noexcept { return holds<member>(); }
    optional<records<group>> groups() const& noexcept { return holds<group>(); }
    optional<records<event>> events() const& noexcept { return holds<event>(); }
    optional<kal::workspace> workspace() const& noexcept
    {
        const kal_workspace* raw = kal_result_workspace(handle_.get());
        return raw ? optional<kal::workspace>(kal::workspace(raw)) : std::nullopt;
    }
    optional<records<member>> members() const&& = delete;
    optional<records<group>> groups() const&& = delete;
    optional<records<event>> events() const&& = delete;
    optional<kal::workspace> workspace() const&& = delete;

    kal_result handle() const noexcept { return handle_.get(); }
    // Releases ownership: the caller frees the handle with kal_result_free.
    [[nodiscard]] kal_result release() noexcept { return handle_.release(); }

private:
    template <class Record>
    optional<records<Record>> holds() const noexcept
    {
        std::size_t size = 0;
        const auto first = detail::rows<Record>(handle_.get(), &size);
        return first ? optional<records<Record>>(records<Record>(first, size)) : std::nullopt;
    }

    detail::owner<kal_result, kal_result_free> handle_;
};

namespace detail {

// Says that the kind of an answer is known to be right.
struct checked {
    explicit checked() = default;
};

inline const char* name_of(answer_kind kind) noexcept
{
    switch (kind) {
    case answer_kind::json: return "JSON alone";
    case answer_kind::workspace: return "a workspace";
    case answer_kind::members: return "members";
    case answer_kind::groups: return "groups";
    case answer_kind::events: return "events";
    }
    return "records that are newer than this header";
}

inline error mismatch(answer_kind wanted, const answer& from)
{
    std::string holds = name_of(from.kind());
    if (from.handle().id == 0)
        holds = "nothing: it was moved from";
    return error(status::invalid_argument, std::string("an answer was taken for ") + name_of(wanted) + ", and it holds " + holds
                                               + "; answer::kind says what an answer holds");
}

} // namespace detail

// An answer that is a list of records: a random-access range, in the server's order.
template <class Record>
class list {
public:
    using iterator = typename records<Record>::iterator;
    using const_iterator = iterator;
    using value_type = Record;
    using reference = Record;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;

    list() noexcept : list(detail::checked(), answer(kal_result{})) {} // empty
#if KAL_CPP_EXCEPTIONS
    // Throws argument_error when the answer holds other data; see try_as.
    explicit list(answer from);
#endif
    list(detail::checked, answer from) noexcept : answer_(std::move(from)), records_(load()) {}
    list(list&& from) noexcept : answer_(std::move(from.answer_)), records_(std::exchange(from.records_, {})) {}
    list& operator=(list&& from) noexcept
    {
        answer_ = std::move(from.answer_);
        records_ = records<Record>(std::exchange(from.records_, {}));
        return *this;
    }
    ~list() = default;

    iterator begin() const& noexcept
    {
        return records_.begin();
    }
    iterator end() const& noexcept
    {
        return records_.end();
    }
    iterator begin() const&& = delete;
    iterator end() const&& = delete;
    std::size_t size() const noexcept
    {
        return records_.size();
    }
    [[nodiscard]] bool empty() const noexcept
    {
        return records_.empty();
    }
    // n < size(), unchecked.
    Record operator[](std::size_t n) const& noexcept
    {
        return records_[n];
    }
    Record operator[](std::size_t n) const&& = delete;
    // Not empty, unchecked.
    Record front() const& noexcept
    {
        return records_.front();
    }
    Record front() const&& = delete;
    Record back() const& noexcept
    {
        return records_.back();
    }
    Record back() const&& = delete;
#if KAL_CPP_EXCEPTIONS
    // Throws std::out_of_range unless n < size().
    Record at(std::size_t n) const&
    {
        return records_.at(n);
    }
    Record at(std::size_t n) const&& = delete;
#endif
    // The same range without ownership.
    records<Record> view() const& noexcept
    {
        return records_;
    }
    records<Record> view() const&& = delete;
    // Removes the first n <= size() records from the range, unchecked. json and handle are those of the whole answer.
    void remove_prefix(std::size_t n) noexcept
    {
        records_ = records<Record>(records_.data() + n, records_.size() - n);
    }
    // The JSON that the server sent, unknown fields included; for a list selected by id, that of the selected elements.
    std::string_view json() const& noexcept
    {
        return answer_.json();
    }
    std::string_view json() const&& = delete;

    kal_result handle() const noexcept
    {
        return answer_.handle();
    }
    [[nodiscard]] kal_result release() noexcept
    {
        records_ = {};
        return answer_.release();
    }

private:
    records<Record> load() const noexcept
    {
        std::size_t size = 0;
        const auto first = detail::rows<Record>(answer_.handle(), &size);
        return { first, size };
    }

    answer answer_;
    records<Record> records_;
};

using members = list<member>;
using groups = list<group>;
using events = list<event>;

namespace detail {

// Of a workspace_info that was moved from.
KAL_CPP_LOCAL inline const kal_workspace& no_workspace() noexcept
{
    static constexpr kal_workspace none{ "", nullptr };
    return none;
}

} // namespace detail

// An answer that is one record: `info->workspace_name()`. After it was moved from or released, the id is empty and there is no
// name.
class workspace_info {
public:
#if KAL_CPP_EXCEPTIONS
    // Throws argument_error when the answer holds other data; see try_as.
    explicit workspace_info(answer from);
#endif
    workspace_info(detail::checked, answer from) noexcept
        : answer_(std::move(from)), workspace_(kal_result_workspace(answer_.handle()))
    {
    }
    workspace_info(workspace_info&& from) noexcept
        : answer_(std::move(from.answer_)), workspace_(std::exchange(from.workspace_, none()))
    {
    }
    workspace_info& operator=(workspace_info&& from) noexcept
    {
        answer_ = std::move(from.answer_);
        workspace_ = kal::workspace(std::exchange(from.workspace_, none()));
        return *this;
    }
    ~workspace_info() = default;

    const kal::workspace& operator*() const& noexcept
    {
        return workspace_;
    }
    const kal::workspace* operator->() const& noexcept
    {
        return &workspace_;
    }
    const kal::workspace& operator*() const&& = delete;
    const kal::workspace* operator->() const&& = delete;
    std::string_view json() const& noexcept
    {
        return answer_.json();
    }
    std::string_view json() const&& = delete;

    kal_result handle() const noexcept
    {
        return answer_.handle();
    }
    [[nodiscard]] kal_result release() noexcept
    {
        workspace_ = none();
        return answer_.release();
    }

private:
    static kal::workspace none() noexcept
    {
        return kal::workspace(&detail::no_workspace());
    }

    answer answer_;
    kal::workspace workspace_;
};

namespace detail {

template <class Out>
inline constexpr answer_kind held_by = answer_kind::json;
template <>
inline constexpr answer_kind held_by<members> = answer_kind::members;
template <>
inline constexpr answer_kind held_by<groups> = answer_kind::groups;
template <>
inline constexpr answer_kind held_by<events> = answer_kind::events;
template <>
inline constexpr answer_kind held_by<workspace_info> = answer_kind::workspace;

#if KAL_CPP_EXCEPTIONS
template <class Out>
answer&& check(answer&& from)
{
    if (from.kind() != held_by<Out>)
        throw_error(mismatch(held_by<Out>, from));
    return std::move(from);
}
#endif

} // namespace detail

#if KAL_CPP_EXCEPTIONS
template <class Record>
list<Record>::list(answer from) : list(detail::checked(), detail::check<list>(std::move(from)))
{
}
inline workspace_info::workspace_info(answer from)
    : workspace_info(detail::checked(), detail::check<workspace_info>(std::move(from)))
{
}
#endif

} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
