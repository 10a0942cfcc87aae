/*
 * kaleidoscope.hpp - the workspace service of the Kaleidoscope platform (kaleidoscope.bio) for C++17 and later
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 * A header-only layer over kaleidoscope.h: link what a C program links. kaleidoscope.h documents each call; the comments here
 * cover only what C++ adds.
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
 * client, cancel, queue, event_stream and the results of calls (answer, list, workspace_info) own one handle each: they are
 * move-only and free it once. They may be destroyed in any order; using a moved-from or closed one fails with
 * status::invalid_handle and never crashes. Records (member, group, event, ...), their ranges and the string_views they return
 * are pointers into the list that contains them: cheap to copy, valid until that list is destroyed. Reading them from a temporary
 * list does not compile:
 *
 *     auto first = client.workspace().members()[0];                  // error: deleted
 *     auto members = client.workspace().members();                   // correct: keep the list
 *
 * A loop over a temporary owns it: `for (auto member : *client.workspace().try_members())` is correct in every standard.
 *
 * ERRORS: EXCEPTIONS OR RESULTS
 *
 * A function `f` throws kal::error; its counterpart `try_f` returns kal::result<T>, which has the names of std::expected, in
 * every standard, and converts to it where the standard library has it. What may be empty without an error is a kal::optional.
 * kal::unwrap returns the value of a result or throws its error: a class derived from kal::error, by the range of its status
 * (argument_error, transport_error, sign_in_error, api_error, answer_error). With -fno-exceptions only the `try_` functions
 * exist. kal::error copies without throwing and carries full details. Both styles may throw std::bad_alloc. Exceptions thrown by
 * your callbacks are caught.
 *
 * THREADS
 *
 * const member functions, close() and fire() included, may be called on the same object from any number of threads at once.
 * Moving an object, assigning to it, destroying it and iterating over a stream need exclusive access, as usual in C++.
 *
 * VERSIONS
 *
 * Everything in namespace kal is in an inline namespace of the version of these headers, so that plugins of one process may have
 * been compiled with different ones. Types of kal cannot be passed from one version to another, and kal::error of another version
 * is caught as std::exception.
 */
#ifndef KALEIDOSCOPE_HPP
#define KALEIDOSCOPE_HPP

// IWYU pragma: begin_exports
#include "kaleidoscope.h"
#include "kaleidoscope/client.hpp"
#include "kaleidoscope/error_code.hpp"
#include "kaleidoscope/format.hpp"
#include "kaleidoscope/library.hpp"
#include "kaleidoscope/log.hpp"
#include "kaleidoscope/queue.hpp"
// IWYU pragma: end_exports

#endif
