/*
 * kaleidoscope.hpp - the workspace service of the Kaleidoscope platform (kaleidoscope.bio) for C++17 and later
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 * Header only, over kaleidoscope.h: link what a C program links. What a call does is said there; here is what C++ adds.
 *
 * A COMPLETE PROGRAM
 *
 *     #include <kaleidoscope.hpp>
 *     #include <iostream>
 *
 *     int main()
 *     try {
 *         kal::client client; // credentials and URL from the environment
 *         for (auto member : client.workspace().members())
 *             std::cout << member.full_name().value_or("?") << '\n';
 *     } catch (const kal::error& failure) {
 *         std::cerr << kal::name(failure.status()) << ": " << failure.what() << '\n';
 *         return 1;
 *     }
 *
 *     c++ -std=c++17 program.cpp $(pkg-config --cflags --libs kaleidoscope)
 *
 * OWNERSHIP
 *
 * client, cancel, queue, event_stream and whatever a call gives (answer, list, single) own one handle each: they move, do not
 * copy, and free it once. They may end in any order; a moved-from or closed one gives status::invalid_handle, never a crash.
 * Records (member, group, event, ...), their ranges and the string_views they give are pointers into the list they came
 * from: cheap to copy, valid until that list ends. Reading them from a list that is a temporary does not compile:
 *
 *     auto first = client.workspace().members()[0];                  // error: deleted
 *     auto members = client.workspace().members();                   // this is what is meant
 *
 * ERRORS, IN EITHER STYLE
 *
 * A function `f` throws kal::error; its twin `try_f` gives kal::result<T>, which is std::expected<T, kal::error> where the
 * standard library has that, and else a type with its has_value, operator bool, *, ->, error and value_or. kal::unwrap turns
 * the one into the other. With -fno-exceptions only the `try_` functions exist. kal::error copies without throwing and tells
 * everything known. Two things still throw their own kind: std::bad_alloc, and what your callbacks throw never gets out.
 *
 * THREADS
 *
 * const member functions may be called from any thread at any time, on the same object; close() and fire() are among them.
 * Moving an object, assigning to it, ending it, and walking a stream want it to themselves, as everywhere in C++.
 */
#ifndef KALEIDOSCOPE_HPP
#define KALEIDOSCOPE_HPP

#include "kaleidoscope/client.hpp"
#include "kaleidoscope/library.hpp"
#include "kaleidoscope/log.hpp"
#include "kaleidoscope/queue.hpp"

#endif
