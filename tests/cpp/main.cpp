#include "kit.hpp"

emulator kit::server;

int main(int argc, char** argv)
{
    kit::server = emulator_start("--seed", "1", static_cast<const char*>(nullptr));
    const int outcome = check::run(argc, argv, [] { emulator_reset(&kit::server); });
    emulator_stop(&kit::server);
    return outcome;
}
