// The host's callbacks: the log, and the token provider for an identity-aware proxy.
#include "kit.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// Removes the log function at the end of the claim.
struct log_off {
    ~log_off() { (void)kal::try_set_log(kal::log_level::off, {}); }
};

class emulator_behind_proxy {
public:
    emulator_behind_proxy() : server_(emulator_start("--iap-token", "proxy-token", static_cast<const char*>(nullptr))) {}
    emulator_behind_proxy(const emulator_behind_proxy&) = delete;
    emulator_behind_proxy& operator=(const emulator_behind_proxy&) = delete;
    ~emulator_behind_proxy() { emulator_stop(&server_); }

    kal::client_options options(kal::token_provider provider) const
    {
        kal::client_options made = kit::options(server_);
        made.iap_token_provider = std::move(provider);
        return made;
    }

private:
    emulator server_;
};

} // namespace

CLAIM(the_log_function_receives_one_line_per_call)
{
    const log_off after;
    std::mutex lock;
    std::vector<std::string> lines;
    kal::set_log(kal::log_level::debug, [&](kal::log_level level, std::string_view line) {
        const std::lock_guard<std::mutex> locked(lock);
        CHECK(level != kal::log_level::off);
        lines.emplace_back(line);
    });
    kit::client().workspace().members();
    kal::set_log(kal::log_level::off, {});
    bool is_told = false;
    for (const std::string& line : lines) {
        is_told = is_told || kit::contains(line, "/workspaces/members");
        CHECK(!kit::contains(line, "demo-secret") && !kit::contains(line, "\n"));
    }
    CHECK(is_told);
}

CLAIM(a_clients_name_is_in_its_lines_and_a_shutdown_ends_it)
{
    const log_off after;
    std::mutex lock;
    std::string lines;
    kal::set_log(kal::log_level::debug, [&](kal::log_level, std::string_view line) {
        const std::lock_guard<std::mutex> locked(lock);
        lines.append(line).append("\n");
    });
    kal::client_options options = kit::options();
    options.name = "lims-import";
    const kal::client client(options);
    client.workspace().members();
    client.shutdown(std::chrono::seconds(10));
    kal::set_log(kal::log_level::off, {});
    CHECK(kit::contains(lines, " client=lims-import host=127.0.0.1:"));
    CHECK_EQUAL(kit::thrown([&] { client.workspace().events(); }), kal::status::cancelled);
}

CLAIM(an_exception_of_the_log_function_is_contained)
{
    const log_off after;
    std::atomic<int> called{ 0 };
    kal::set_log(kal::log_level::debug, [&](kal::log_level, std::string_view) {
        ++called;
        throw std::runtime_error("the disk is full");
    });
    CHECK_EQUAL(kit::client().workspace().members().size(), 12u);
    kal::set_log(kal::log_level::off, {});
    CHECK(called > 0);
}

CLAIM(a_replaced_log_function_is_destroyed_and_not_called_again)
{
    const log_off after;
    auto kept = std::make_shared<std::atomic<int>>(0);
    const std::weak_ptr<std::atomic<int>> former = kept;
    kal::set_log(kal::log_level::debug, [kept](kal::log_level, std::string_view) { ++*kept; });
    kit::client().workspace().members();
    CHECK(*kept > 0);
    kept.reset();
    kal::set_log(kal::log_level::error, [](kal::log_level, std::string_view) {});
    CHECK(former.expired());
}

CLAIM(the_log_cannot_be_set_from_within_the_log_function)
{
    const log_off after;
    std::atomic<kal::status> inside{ kal::status::ok };
    kal::set_log(kal::log_level::debug,
                 [&](kal::log_level, std::string_view) { inside = kit::thrown([] { kal::set_log(kal::log_level::off, {}); }); });
    kit::client().workspace().members();
    kal::set_log(kal::log_level::off, {});
    CHECK_EQUAL(inside.load(), kal::status::would_deadlock);
}

CLAIM(a_token_provider_supplies_the_proxys_token)
{
    const emulator_behind_proxy proxy;
    int asked = 0;
    const kal::client client(proxy.options([&] {
        asked++;
        return "proxy-token";
    }));
    CHECK_EQUAL(client.workspace().members().size(), 12u);
    CHECK_EQUAL(client.workspace().groups().size(), 4u);
    CHECK_EQUAL(asked, 1);
}

CLAIM(an_exception_of_a_token_provider_fails_the_call)
{
    const emulator_behind_proxy proxy;
    const kal::client client(proxy.options([]() -> std::string { throw std::runtime_error("the vault is closed"); }));
    CHECK_EQUAL(kit::thrown([&] { client.workspace().members(); }), kal::status::auth_failed);
    const kal::client other(proxy.options([]() -> std::string { throw 42; }));
    CHECK_EQUAL(kit::thrown([&] { other.workspace().members(); }), kal::status::auth_failed);
    const kal::client ours(
        proxy.options([]() -> std::string { throw kal::error(kal::status::auth_failed, "the vault is closed"); }));
    CHECK_EQUAL(kit::thrown([&] { ours.workspace().members(); }), kal::status::auth_failed);
}

CLAIM(a_missing_or_too_long_token_fails_the_call)
{
    const emulator_behind_proxy proxy;
    const kal::client none(proxy.options([] { return std::nullopt; }));
    CHECK_EQUAL(kit::thrown([&] { none.workspace().members(); }), kal::status::auth_failed);
    const kal::client longest(proxy.options([] { return std::string(1 << 20, 'x'); }));
    CHECK_EQUAL(kit::thrown([&] { longest.workspace().members(); }), kal::status::auth_failed);
}

CLAIM(a_call_on_its_own_client_from_within_a_provider_fails)
{
    const emulator_behind_proxy proxy;
    kal::workspace_service* service = nullptr;
    kal::status inside = kal::status::ok;
    const kal::client client(proxy.options([&] {
        inside = kit::thrown([&] { service->members(); });
        return "proxy-token";
    }));
    kal::workspace_service own = client.workspace();
    service = &own;
    CHECK_EQUAL(own.members().size(), 12u);
    CHECK_EQUAL(inside, kal::status::would_deadlock);
}

CLAIM(a_provider_lives_as_long_as_anything_that_may_call_it)
{
    const emulator_behind_proxy proxy;
    auto kept = std::make_shared<int>(0);
    const std::weak_ptr<int> provider = kept;
    auto client = std::make_unique<kal::client>(proxy.options([kept] { return "proxy-token"; }));
    kept.reset();
    auto service = std::make_unique<kal::workspace_service>(client->workspace());
    auto stream = std::make_unique<kal::event_stream>(service->stream_events());
    {
        const kal::client moved = std::move(*client);
        client.reset();
        CHECK_EQUAL(moved.workspace().members().size(), 12u);
    }
    CHECK(!provider.expired());
    service.reset();
    CHECK(!provider.expired());
    stream.reset();
    CHECK(provider.expired());
}
