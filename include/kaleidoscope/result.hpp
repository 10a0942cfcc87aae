// A value or an error. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_RESULT_HPP
#define KALEIDOSCOPE_RESULT_HPP

#include <optional>
#include <type_traits>
#include <utility>

#include "chain.hpp"
#include "error.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

class unexpected {
public:
    explicit unexpected(kal::error failure) noexcept : error_(failure) {}
    const kal::error& error() const noexcept { return error_; }

private:
    kal::error error_;
};

// A value or an error, with the names of std::expected<T, kal::error>, to which it converts where the standard library has it. It
// differs in two points. It is the same type in every standard. And it can be read from a temporary, as kal::optional: `*`,
// value() and error() return what they read, not a reference into the temporary, and `->` on a temporary does not compile.
template <class T>
class [[nodiscard]] result : public detail::chain<result, T, unexpected> {
public:
    using value_type = T;
    using error_type = kal::error;

    // Not of an unexpected or a result, which a T such as std::any or another result could be made of.
    template <class U = T, class = std::enable_if_t<std::conjunction_v<std::negation<std::is_same<std::decay_t<U>, result>>,
                                                                       std::negation<std::is_same<std::decay_t<U>, unexpected>>,
                                                                       std::is_convertible<U, T>>>>
    result(U&& value) : value_(std::in_place, std::forward<U>(value))
    {
    }
    template <class... Arguments>
    explicit result(std::in_place_t, Arguments&&... arguments) : value_(std::in_place, std::forward<Arguments>(arguments)...)
    {
    }
    result(const unexpected& failure) noexcept : error_(failure.error()) {}

    bool has_value() const noexcept { return value_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    // Requires a value; unchecked.
    T& operator*() & noexcept { return *value_; }
    const T& operator*() const& noexcept { return *value_; }
    T operator*() && noexcept(std::is_nothrow_move_constructible_v<T>) { return *std::move(value_); }
    T operator*() const&& = delete;
    T* operator->() & noexcept { return &*value_; }
    const T* operator->() const& noexcept { return &*value_; }
    const T* operator->() const&& = delete;
    // Requires an error; unchecked.
    kal::error& error() & noexcept { return *error_; }
    const kal::error& error() const& noexcept { return *error_; }
    kal::error error() const&& noexcept { return *error_; }
    template <class U>
    T value_or(U&& fallback) const&
    {
        return has_value() ? **this : static_cast<T>(std::forward<U>(fallback));
    }
    template <class U>
    T value_or(U&& fallback) &&
    {
        return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(fallback));
    }
#if defined(__cpp_lib_expected)
    template <class U = T, std::enable_if_t<std::is_copy_constructible_v<U>, int> = 0>
    operator std::expected<T, kal::error>() const&
    {
        if (!has_value())
            return std::unexpected(error());
        return **this;
    }
    operator std::expected<T, kal::error>() &&
    {
        if (!has_value())
            return std::unexpected(error());
        return *std::move(*this);
    }
#endif

private:
    // Not a variant, of which compilers assume that it might be empty.
    std::optional<T> value_{};
    std::optional<kal::error> error_{};
};

template <>
class [[nodiscard]] result<void> : public detail::chain<result, void, unexpected> {
public:
    using value_type = void;
    using error_type = kal::error;

    result() noexcept = default;
    result(const unexpected& failure) noexcept : error_(failure.error()) {}

    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }
    void operator*() const noexcept {}
    kal::error& error() & noexcept { return *error_; }
    const kal::error& error() const& noexcept { return *error_; }
    kal::error error() const&& noexcept { return *error_; }
#if defined(__cpp_lib_expected)
    operator std::expected<void, kal::error>() const
    {
        if (error_)
            return std::unexpected(*error_);
        return {};
    }
#endif

private:
    std::optional<kal::error> error_{};
};

#if KAL_CPP_EXCEPTIONS
// Returns the value or throws the error.
template <class T>
T unwrap(result<T>&& from)
{
    if (!from)
        throw_error(from.error());
    if constexpr (!std::is_void_v<T>)
        return *std::move(from);
}
#endif

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
