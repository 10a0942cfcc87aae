// What a plugin exports.
#ifndef PLUGIN_HPP
#define PLUGIN_HPP

#include <cstddef>

// The plugin itself may be compiled with -fvisibility=hidden.
#pragma GCC visibility push(default)
extern "C" {
// Uses the library; 1 when something was not as it should be, which is in `message`.
int plugin_use(const char* url, char* message, std::size_t capacity);
std::size_t plugin_size_of_options();
// Throws the kal::error of an unknown method.
void plugin_throw(const char* url);
}
#pragma GCC visibility pop

#endif
