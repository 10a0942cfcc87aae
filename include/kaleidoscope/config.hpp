// Compiler and standard library detection. Part of kaleidoscope.hpp: include that.
// SPDX-License-Identifier: MIT OR Apache-2.0
// IWYU pragma: private, include <kaleidoscope.hpp>
#ifndef KALEIDOSCOPE_CONFIG_HPP
#define KALEIDOSCOPE_CONFIG_HPP

// MSVC says 199711 in __cplusplus unless /Zc:__cplusplus is given, and defines __cpp_lib_format and others before <format> is
// included.
#if defined(_MSVC_LANG)
#define KAL_CPP_STANDARD _MSVC_LANG
#else
#define KAL_CPP_STANDARD __cplusplus
#endif

#if KAL_CPP_STANDARD < 201703L
#error "kaleidoscope.hpp requires C++17; for C++11 and C++14 include kaleidoscope.h"
#endif

#include "../kaleidoscope.h"

#if KAL_CPP_STANDARD > 202002L && __has_include(<expected>)
#include <expected>
#endif
#if KAL_CPP_STANDARD >= 202002L && __has_include(<compare>)
#include <compare>
#endif
#if KAL_CPP_STANDARD >= 202002L && __has_include(<ranges>)
#include <ranges>
#endif

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define KAL_CPP_EXCEPTIONS 1
#else
#define KAL_CPP_EXCEPTIONS 0
#endif

// Everything in namespace kal is in an inline namespace of its version, such as kal::v0_2_0: its types and inline functions are
// not those of another version of these headers, with which plugins of the same process may have been compiled.
#if KAL_VERSION_NUMBER != 0x000200
#error "kaleidoscope.h and kaleidoscope/config.hpp are of different releases: install both from one"
#endif
#define KAL_CPP_PASTE(major, minor, patch) v##major##_##minor##_##patch
#define KAL_CPP_VERSION_OF(major, minor, patch) KAL_CPP_PASTE(major, minor, patch)
#define KAL_CPP_VERSION KAL_CPP_VERSION_OF(KAL_VERSION_MAJOR, KAL_VERSION_MINOR, KAL_VERSION_PATCH)

// What depends on whether exceptions are enabled is in one more inline namespace for each, so that objects compiled with and
// without them can be linked together. kal::error and the records are the same type in both.
#if KAL_CPP_EXCEPTIONS
#define KAL_CPP_ABI exceptions
#else
#define KAL_CPP_ABI no_exceptions
#endif

// Where the objects of a process, such as a program and its plugins, meet. What is shared is one thing in all of them, also when
// they are compiled with -fvisibility=hidden: else an exception is not caught as what it is with libc++. What is local is one in
// each: gcc would make it unique in the process, and an object that has something unique is never unloaded.
#if defined(__GNUC__) && !defined(_WIN32) && !defined(__CYGWIN__)
#define KAL_CPP_SHARED __attribute__((visibility("default")))
#define KAL_CPP_LOCAL __attribute__((visibility("hidden")))
#else
#define KAL_CPP_SHARED
#define KAL_CPP_LOCAL
#endif

#endif
