#include "check.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <unistd.h>
#include <vector>

namespace check {
namespace {

constexpr unsigned hangs_after_s = 60;

struct claim {
    const char* name;
    void (*run)();
};
struct gave_up {};

std::vector<claim>& claims()
{
    static std::vector<claim> all;
    return all;
}

std::mutex lock;
const char* current = "";
bool failed = false;

// A call that never returns must be reported as a failure, not block the run.
void on_alarm(int)
{
    const char before[] = "not ok - ", after[] = ": it hangs\n";
    ssize_t written = write(STDOUT_FILENO, before, sizeof before - 1);
    written += write(STDOUT_FILENO, current, std::strlen(current));
    written += write(STDOUT_FILENO, after, sizeof after - 1);
    _exit(written < 0 ? 2 : 1);
}

bool is_wanted(const char* name, int argc, char** argv)
{
    for (int i = 1; i < argc; i++)
        if (std::strstr(name, argv[i]))
            return true;
    return argc <= 1;
}

void run_one(const claim& each, void (*before_each)())
try {
    if (before_each)
        before_each();
    each.run();
} catch (const gave_up&) {
} catch (const std::exception& escaped) {
    that(each.name, 0, false, std::string("no exception, it threw: ") + escaped.what());
}

} // namespace

registration::registration(const char* name, void (*run)())
{
    claims().push_back({ name, run });
}

bool that(const char* file, int line, bool holds, const std::string& expectation)
{
    if (holds)
        return true;
    const std::lock_guard<std::mutex> locked(lock);
    // The first failure is printed on the claim's line, further ones below it.
    if (failed)
        std::printf("#     %s:%d: expected %s\n", file, line, expectation.c_str());
    else
        std::printf("not ok - %s: %s:%d: expected %s\n", current, file, line, expectation.c_str());
    failed = true;
    return false;
}

void give_up()
{
    throw gave_up();
}

int run(int argc, char** argv, void (*before_each)())
{
    int failures = 0;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    std::signal(SIGALRM, on_alarm);
    for (const claim& each : claims()) {
        if (!is_wanted(each.name, argc, argv))
            continue;
        current = each.name;
        failed = false;
        alarm(hangs_after_s);
        run_one(each, before_each);
        alarm(0);
        failures += failed;
        if (!failed)
            std::printf("ok - %s\n", current);
    }
    return failures != 0;
}

} // namespace check
