// Answers as what they hold. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_TYPED_HPP
#define KALEIDOSCOPE_TYPED_HPP

#include <type_traits>
#include <utility>

#include "answer.hpp"
#include "result.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {
inline namespace KAL_CPP_ABI {

// The answer as members, groups, events or workspace_info. Fails with status::invalid_argument when it holds other data; the
// message says which. With exceptions, the constructors of these types do the same: kal::members(std::move(answer)).
template <class Out>
[[nodiscard]] result<Out> try_as(answer from)
{
    if constexpr (std::is_same_v<Out, answer>) {
        return from;
    } else {
        if (from.kind() != detail::held_by<Out>)
            return unexpected(detail::mismatch(detail::held_by<Out>, from));
        return Out(detail::checked(), std::move(from));
    }
}

} // inline namespace KAL_CPP_ABI
} // inline namespace KAL_CPP_VERSION
} // namespace kal

#endif
