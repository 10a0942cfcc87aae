// The interface between the halves of the program `mixed`, in C++17 and C++23. The types are the same in both.
#ifndef MIXED_HPP
#define MIXED_HPP

#include "kit.hpp"

kal::members members_of_the_older(const kal::client_options& options);
kal::result<kal::members> result_of_the_older(const kal::client_options& options);
[[noreturn]] void throw_from_the_older();

#endif
