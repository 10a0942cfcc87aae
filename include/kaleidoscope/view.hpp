// Ranges over arrays of the C functions. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_VIEW_HPP
#define KALEIDOSCOPE_VIEW_HPP

#include <cstddef>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config.hpp"

namespace kal {
inline namespace KAL_CPP_VERSION {

// A non-owning random-access range over an array of C pointers, each wrapped in a Value. Two words in size.
template <class Value, class Pointer>
class view {
public:
    class iterator {
    public:
        using value_type = Value;
        using reference = Value; // a temporary; stays valid after the iterator is gone
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::random_access_iterator_tag;
        struct pointer {
            Value value;
            const Value* operator->() const noexcept { return &value; }
        };

        iterator() noexcept = default;
        explicit iterator(const Pointer* at) noexcept : at_(at) {}

        reference operator*() const noexcept { return Value(*at_); }
        pointer operator->() const noexcept { return { **this }; }
        reference operator[](difference_type n) const noexcept { return Value(at_[n]); }
        iterator& operator++() noexcept { return ++at_, *this; }
        iterator& operator--() noexcept { return --at_, *this; }
        iterator operator++(int) noexcept { return iterator(at_++); }
        iterator operator--(int) noexcept { return iterator(at_--); }
        iterator& operator+=(difference_type n) noexcept { return at_ += n, *this; }
        iterator& operator-=(difference_type n) noexcept { return at_ -= n, *this; }
        friend iterator operator+(iterator a, difference_type n) noexcept { return a += n; }
        friend iterator operator+(difference_type n, iterator a) noexcept { return a += n; }
        friend iterator operator-(iterator a, difference_type n) noexcept { return a -= n; }
        friend difference_type operator-(iterator a, iterator b) noexcept { return a.at_ - b.at_; }
        friend bool operator==(iterator a, iterator b) noexcept { return a.at_ == b.at_; }
        friend bool operator!=(iterator a, iterator b) noexcept { return a.at_ != b.at_; }
        friend bool operator<(iterator a, iterator b) noexcept { return a.at_ < b.at_; }
        friend bool operator>(iterator a, iterator b) noexcept { return a.at_ > b.at_; }
        friend bool operator<=(iterator a, iterator b) noexcept { return a.at_ <= b.at_; }
        friend bool operator>=(iterator a, iterator b) noexcept { return a.at_ >= b.at_; }

    private:
        const Pointer* at_ = nullptr;
    };
    using const_iterator = iterator;
    using value_type = Value;
    using reference = Value;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;

    view() noexcept = default;
    view(const Pointer* first, std::size_t size) noexcept : first_(first), size_(size) {}

    iterator begin() const noexcept { return iterator(first_); }
    iterator end() const noexcept { return iterator(first_ + size_); }
    std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    // n < size(), unchecked.
    Value operator[](std::size_t n) const noexcept { return Value(first_[n]); }
    // Not empty, unchecked.
    Value front() const noexcept { return Value(*first_); }
    Value back() const noexcept { return Value(first_[size_ - 1]); }
#if KAL_CPP_EXCEPTIONS
    // Throws std::out_of_range unless n < size().
    Value at(std::size_t n) const
    {
        if (n >= size_)
            throw std::out_of_range("at(" + std::to_string(n) + ") of a range of " + std::to_string(size_) + " elements");
        return (*this)[n];
    }
#endif
    const Pointer* data() const noexcept
    {
        return first_;
    }

private:
    const Pointer* first_ = nullptr;
    std::size_t size_ = 0;
};

using strings = view<std::string_view, const char*>;

} // inline namespace KAL_CPP_VERSION
} // namespace kal

#if defined(__cpp_lib_ranges)
// Its iterators stay valid after the range is gone.
template <class Value, class Pointer>
inline constexpr bool std::ranges::enable_borrowed_range<kal::view<Value, Pointer>> = true;
template <class Value, class Pointer>
inline constexpr bool std::ranges::enable_view<kal::view<Value, Pointer>> = true;
#endif

#endif
