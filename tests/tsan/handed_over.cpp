// What a correct program hands through the library, in plain variables: `user_data` from the thread that submits to the one that
// picks up, and what callbacks leave behind for whoever ends them. The tests of the C++ header do it on one thread.
//
// Red without hand_over and take_over in the header: "data race in operator()", in each claim.
#include "../cpp/kit.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int calls = 40;

struct job {
    std::string name;
    bool is_done = false;
};

} // namespace

CLAIM(what_user_data_points_to_passes_from_the_thread_that_submits_to_the_one_that_picks_up)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    std::thread submits([&] {
        for (int i = 0; i < calls; i++)
            queue.submit(client, "workspace.get_members", {}, new job{ "job " + std::to_string(i), false });
    });
    std::vector<std::unique_ptr<job>> done;
    std::thread picks_up([&] {
        while (done.size() < calls)
            if (const auto next = queue.next(30s)) {
                done.emplace_back(static_cast<job *>(next->user_data));
                done.back()->is_done = next->outcome.has_value() && done.back()->name.substr(0, 4) == "job ";
            }
    });
    submits.join();
    picks_up.join();
    for (const auto &each : done)
        CHECK(each->is_done);
}

// A number is no address that ThreadSanitizer has a place for.
CLAIM(user_data_may_be_a_number)
{
    const kal::client client = kit::client();
    const kal::queue queue;
    queue.submit(client, "workspace.get_members", {}, reinterpret_cast<void *>(std::uintptr_t{ 1 }));
    queue.submit(client, "workspace.get_groups", {}, reinterpret_cast<void *>(~std::uintptr_t{ 0 }));
    CHECK(queue.next(30s).has_value());
    CHECK(queue.next(30s).has_value());
}

CLAIM(what_a_log_function_has_written_is_read_once_it_is_replaced)
{
    const kal::client client = kit::client();
    std::string last;
    std::mutex lock;
    kal::set_log(kal::log_level::debug, [&](kal::log_level, std::string_view line) {
        const std::lock_guard<std::mutex> locked(lock);
        last = line;
    });
    client.workspace().events();
    kal::set_log(kal::log_level::off, {});
    CHECK(kit::contains(last, "workspaces/events"));
}

// On one thread at a time, and on each that calls.
CLAIM(what_a_token_provider_has_written_is_read_on_the_next_thread_and_once_it_is_shut_down)
{
    emulator proxy = emulator_start("--iap-token", "proxy-token", static_cast<const char *>(nullptr));
    kal::client_options options = kit::options(proxy);
    int asked = 0;
    options.iap_token_provider = [&]() -> std::optional<std::string> {
        asked++;
        return std::nullopt; // so that it is asked again
    };
    const kal::client client(options);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            const kal::status failed = kit::thrown([&] { client.workspace().members(); });
            CHECK(failed == kal::status::auth_failed || failed == kal::status::cancelled);
        });
    while (kit::thrown([&] { client.shutdown(10ms); }) != kal::status::ok) {
    }
    CHECK(asked >= 0);
    for (std::thread &each : threads)
        each.join();
    emulator_stop(&proxy);
}
