// A value or nothing. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_OPTIONAL_HPP
#define KALEIDOSCOPE_OPTIONAL_HPP

#include <optional>
#include <type_traits>
#include <utility>

#include "config.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {

namespace detail {

// Whether what a T returns stays valid when the T is gone, because it belongs to something else.
template <class T>
inline constexpr bool is_borrowed = false;

} // namespace detail

// A value or nothing, as std::optional, to which it converts. Its value can be read from a temporary: `*` and value() return it,
// not a reference into the temporary, so that `for (auto event : *stream.next(5s))` iterates over a page that lives as long as
// the loop. `->` on a temporary does not compile, except where the value points into something else.
template <class T>
class optional {
public:
    using value_type = T;

    optional() noexcept = default;
    optional(std::nullopt_t) noexcept {}
    optional(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value)) {}

    bool has_value() const noexcept { return value_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    // Requires a value; unchecked.
    T& operator*() & noexcept { return *value_; }
    const T& operator*() const& noexcept { return *value_; }
    T operator*() && noexcept(std::is_nothrow_move_constructible_v<T>) { return *std::move(value_); }
    T operator*() const&& = delete;
    T* operator->() & noexcept { return &*value_; }
    const T* operator->() const& noexcept { return &*value_; }
    template <class U = T, std::enable_if_t<!detail::is_borrowed<U>, int> = 0>
    const T* operator->() const&& = delete;
#if KAL_CPP_EXCEPTIONS
    // Throws std::bad_optional_access when there is no value.
    T& value() &
    {
        return value_.value();
    }
    const T& value() const&
    {
        return value_.value();
    }
    T value() &&
    {
        return std::move(value_).value();
    }
    T value() const&& = delete;
#endif
    template <class U>
    T value_or(U&& fallback) const&
    {
        return value_.value_or(std::forward<U>(fallback));
    }
    template <class U>
    T value_or(U&& fallback) &&
    {
        return std::move(value_).value_or(std::forward<U>(fallback));
    }

    template <class U = T, std::enable_if_t<std::is_copy_constructible_v<U>, int> = 0>
    operator std::optional<T>() const&
    {
        return value_;
    }
    operator std::optional<T>() &&
    {
        return std::move(value_);
    }

    friend bool operator==(const optional& a, std::nullopt_t) noexcept
    {
        return !a.has_value();
    }
    friend bool operator!=(const optional& a, std::nullopt_t) noexcept
    {
        return a.has_value();
    }
    friend bool operator==(std::nullopt_t, const optional& a) noexcept
    {
        return !a.has_value();
    }
    friend bool operator!=(std::nullopt_t, const optional& a) noexcept
    {
        return a.has_value();
    }

private:
    std::optional<T> value_{};
};

} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
