// Real races of a host, each of which must be reported. `race callback|threads|user_data`: a variable that the log function and
// the program share without a lock, one that two threads share that call the library, and one that is written after it was handed
// over.
#include <kaleidoscope.hpp>

#include <chrono>
#include <string_view>
#include <thread>

namespace {

long shared = 0;

void callback(const kal::client &client)
{
    kal::set_log(kal::log_level::debug, [](kal::log_level, std::string_view) { shared++; });
    client.workspace().events();
    shared++;
    client.workspace().events();
}

void threads(const kal::client &client)
{
    std::thread other([&] {
        client.workspace().events();
        shared++;
    });
    client.workspace().events();
    shared++;
    other.join();
}

void user_data(const kal::client &client)
{
    const kal::queue queue;
    queue.submit(client, "workspace.get_events", {}, &shared);
    std::thread other([&] {
        if (const auto done = queue.next(std::chrono::seconds(30)))
            ++*static_cast<long *>(done->user_data);
    });
    shared++;
    other.join();
}

} // namespace

int main(int argc, char **argv)
{
    const kal::client client;
    const std::string_view which = argc > 1 ? argv[1] : "";
    which == "callback" ? callback(client) : which == "threads" ? threads(client) : user_data(client);
}
