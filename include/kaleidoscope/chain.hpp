// What follows on a value or an error. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_CHAIN_HPP
#define KALEIDOSCOPE_CHAIN_HPP

#include <functional>
#include <type_traits>
#include <utility>

#include "error.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
namespace detail {

// Base of Result<T>: the functions of std::expected that take what comes next. They differ in two points: value throws
// kal::error, and an error stays one, to which what transform_error's function returns has to convert.
template <template <class> class Result, class T, class Unexpected>
class chain {
public:
#if KAL_CPP_EXCEPTIONS
    // The value, or throws the error as the class of its status. That of a temporary is moved out.
    decltype(auto) value() &
    {
        return taken(self());
    }
    decltype(auto) value() const&
    {
        return taken(self());
    }
    T value() &&
    {
        return taken(std::move(self()));
    }
    T value() const&& = delete;
#endif
    // The result that `next` returns for the value, or the error.
    template <class Next>
    auto and_then(Next&& next) &
    {
        return flat(self(), std::forward<Next>(next));
    }
    template <class Next>
    auto and_then(Next&& next) const&
    {
        return flat(self(), std::forward<Next>(next));
    }
    template <class Next>
    auto and_then(Next&& next) &&
    {
        return flat(std::move(self()), std::forward<Next>(next));
    }
    // What `next` returns for the value, as a result, or the error.
    template <class Next>
    auto transform(Next&& next) &
    {
        return mapped(self(), std::forward<Next>(next));
    }
    template <class Next>
    auto transform(Next&& next) const&
    {
        return mapped(self(), std::forward<Next>(next));
    }
    template <class Next>
    auto transform(Next&& next) &&
    {
        return mapped(std::move(self()), std::forward<Next>(next));
    }
    // The value, or the result that `next` returns for the error.
    template <class Next>
    Result<T> or_else(Next&& next) &
    {
        return self().has_value() ? same(self()) : std::invoke(std::forward<Next>(next), self().error());
    }
    template <class Next>
    Result<T> or_else(Next&& next) const&
    {
        return self().has_value() ? same(self()) : std::invoke(std::forward<Next>(next), self().error());
    }
    template <class Next>
    Result<T> or_else(Next&& next) &&
    {
        return self().has_value() ? same(std::move(self())) : std::invoke(std::forward<Next>(next), std::move(self()).error());
    }
    // The value, or the error that `next` makes of the error.
    template <class Next>
    Result<T> transform_error(Next&& next) &
    {
        return self().has_value() ? same(self()) : failed(std::invoke(std::forward<Next>(next), self().error()));
    }
    template <class Next>
    Result<T> transform_error(Next&& next) const&
    {
        return self().has_value() ? same(self()) : failed(std::invoke(std::forward<Next>(next), self().error()));
    }
    template <class Next>
    Result<T> transform_error(Next&& next) &&
    {
        return self().has_value() ? same(std::move(self()))
                                  : failed(std::invoke(std::forward<Next>(next), std::move(self()).error()));
    }

private:
    friend Result<T>;
    chain() noexcept = default;

    Result<T>& self() noexcept
    {
        return static_cast<Result<T>&>(*this);
    }
    const Result<T>& self() const noexcept
    {
        return static_cast<const Result<T>&>(*this);
    }

#if KAL_CPP_EXCEPTIONS
    template <class From>
    static decltype(auto) taken(From&& from)
    {
        if (!from.has_value())
            throw_error(from.error());
        return *std::forward<From>(from);
    }
#endif
    // Calls `next` with the value, if there is one to pass.
    template <class From, class Next>
    static decltype(auto) passed(From&& from, Next&& next)
    {
        if constexpr (std::is_void_v<T>)
            return std::invoke(std::forward<Next>(next));
        else
            return std::invoke(std::forward<Next>(next), *std::forward<From>(from));
    }
    template <class From, class Next>
    using returned = decltype(passed(std::declval<From>(), std::declval<Next>()));

    template <class From, class Next>
    static auto flat(From&& from, Next&& next)
    {
        using to = std::decay_t<returned<From, Next>>;
        if (!from.has_value())
            return to(Unexpected(from.error()));
        return to(passed(std::forward<From>(from), std::forward<Next>(next)));
    }
    template <class From, class Next>
    static auto mapped(From&& from, Next&& next)
    {
        using to = Result<std::remove_cv_t<returned<From, Next>>>;
        if (!from.has_value())
            return to(Unexpected(from.error()));
        if constexpr (std::is_void_v<returned<From, Next>>) {
            passed(std::forward<From>(from), std::forward<Next>(next));
            return to();
        } else {
            return to(std::in_place, passed(std::forward<From>(from), std::forward<Next>(next)));
        }
    }
    template <class From>
    static Result<T> same(From&& from)
    {
        if constexpr (std::is_void_v<T>)
            return Result<T>();
        else
            return Result<T>(std::in_place, *std::forward<From>(from));
    }
    template <class Error>
    static Result<T> failed(Error&& error)
    {
        return Result<T>(Unexpected(std::forward<Error>(error)));
    }
};

} // namespace detail
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
