// Loads the two plugins in KAL_PLUGINS, FIRST:SECOND. They see each other's symbols, and those of this program.
#include "../kit.hpp"

#include <dlfcn.h>

#include <exception>
#include <string>
#include <utility>

#include "plugin.hpp"

namespace {

class plugin {
public:
    explicit plugin(const std::string& path) : library_(dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL))
    {
        if (!library_) {
            check::that(__FILE__, __LINE__, false, std::string(path) + " to be loaded: " + dlerror());
            check::give_up();
        }
    }
    plugin(const plugin&) = delete;
    plugin& operator=(const plugin&) = delete;
    ~plugin() { dlclose(library_); }

    // Empty when all was as it should be.
    std::string use() const
    {
        char message[256] = "";
        function<decltype(plugin_use)>("plugin_use")(kit::server.url, message, sizeof message);
        return message;
    }
    std::size_t size_of_options() const { return function<decltype(plugin_size_of_options)>("plugin_size_of_options")(); }
    void throw_error() const { function<decltype(plugin_throw)>("plugin_throw")(kit::server.url); }

private:
    template <class Function>
    Function* function(const char* name) const
    {
        return reinterpret_cast<Function*>(dlsym(library_, name));
    }

    void* library_;
};

struct plugins {
    plugin first, second;
};

std::pair<std::string, std::string> paths()
{
    const std::string both = std::getenv("KAL_PLUGINS");
    const auto colon = both.find(':');
    return { both.substr(0, colon), both.substr(colon + 1) };
}

plugins load()
{
    return { plugin(paths().first), plugin(paths().second) };
}

bool is_loaded(const std::string& path)
{
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (library)
        dlclose(library);
    return library != nullptr;
}

} // namespace

CLAIM(plugins_with_two_versions_of_the_headers_work_in_one_process)
{
    const plugins loaded = load();
    CHECK(loaded.first.size_of_options() != loaded.second.size_of_options());
    for (int round = 0; round < 2; round++) {
        CHECK_EQUAL(loaded.first.use(), "");
        CHECK_EQUAL(loaded.second.use(), "");
        CHECK_EQUAL(kit::client().workspace().members().size(), 12u);
    }
}

CLAIM(an_error_of_another_version_is_a_std_exception)
{
    const plugins loaded = load();
    int own = 0, others = 0;
    for (const plugin* each : { &loaded.first, &loaded.second })
        try {
            each->throw_error();
        } catch (const kal::error& failure) {
            own += failure.status() == kal::status::unknown_method;
        } catch (const std::exception& failure) {
            others += kit::contains(failure.what(), "no.such_method");
        }
    CHECK_EQUAL(own, 1);
    CHECK_EQUAL(others, 1);
}

// Red with std::make_shared, or with a static of an inline function, in g++: both are still there.
CLAIM(plugins_that_are_closed_are_unloaded)
{
    {
        const plugins loaded = load();
        CHECK_EQUAL(loaded.first.use(), "");
        CHECK_EQUAL(loaded.second.use(), "");
        CHECK(is_loaded(paths().first) && is_loaded(paths().second));
    }
    CHECK(!is_loaded(paths().first));
    CHECK(!is_loaded(paths().second));
}
