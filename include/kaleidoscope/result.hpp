// A value or an error. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KALEIDOSCOPE_RESULT_HPP
#define KALEIDOSCOPE_RESULT_HPP

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "error.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

#if defined(__cpp_lib_expected)

template <class T>
using result = std::expected<T, error>;
using unexpected = std::unexpected<error>;

#else

class unexpected {
public:
    explicit unexpected(kal::error failure) noexcept : error_(failure) {}
    const kal::error& error() const noexcept { return error_; }

private:
    kal::error error_;
};

// The subset of std::expected<T, kal::error> that behaves the same in both. value() is omitted because std::expected throws
// another type; use kal::unwrap.
template <class T>
class [[nodiscard]] result {
public:
    using value_type = T;
    using error_type = kal::error;

    template <class U = T, class = std::enable_if_t<std::is_convertible_v<U, T>>>
    result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value))
    {
    }
    template <class... Arguments>
    explicit result(std::in_place_t, Arguments&&... arguments)
        : state_(std::in_place_index<0>, std::forward<Arguments>(arguments)...)
    {
    }
    result(const unexpected& failure) noexcept : state_(std::in_place_index<1>, failure.error()) {}

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    // Requires a value; unchecked.
    T& operator*() & noexcept { return *std::get_if<0>(&state_); }
    const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
    T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
    T* operator->() noexcept { return std::get_if<0>(&state_); }
    const T* operator->() const noexcept { return std::get_if<0>(&state_); }
    // Requires an error; unchecked.
    kal::error& error() & noexcept { return *std::get_if<1>(&state_); }
    const kal::error& error() const& noexcept { return *std::get_if<1>(&state_); }
    kal::error&& error() && noexcept { return std::move(*std::get_if<1>(&state_)); }
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

private:
    std::variant<T, kal::error> state_;
};

template <>
class [[nodiscard]] result<void> {
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
    kal::error&& error() && noexcept { return std::move(*error_); }

private:
    std::optional<kal::error> error_;
};

#endif

#if KAL_CPP_EXCEPTIONS
// Returns the value or throws the error.
template <class T>
T unwrap(result<T>&& from)
{
    if (!from)
        throw kal::error(from.error());
    if constexpr (!std::is_void_v<T>)
        return *std::move(from);
}
#endif

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
