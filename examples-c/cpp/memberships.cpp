// Prints the members of a workspace and their groups.
//
//     c++ -std=c++17 memberships.cpp $(pkg-config --cflags --libs kaleidoscope)
//
// Credentials and URL come from the environment: KALEIDOSCOPE_API_CLIENT_ID, KALEIDOSCOPE_API_CLIENT_SECRET and, for a server
// other than the public one, KALEIDOSCOPE_API_URL.
#include <kaleidoscope.hpp>

#include <algorithm>
#include <iostream>

int main()
try {
    kal::check_version();
    const kal::client client;
    const auto members = client.workspace().members();
    const auto groups = client.workspace().groups();

    for (auto member : members) {
        std::cout << member.full_name().value_or(member.id()) << " <" << member.email().value_or("-") << "> "
                  << member.access_level_name().value_or("");
        for (auto group : groups) {
            const auto ids = group.user_ids();
            if (std::find(ids.begin(), ids.end(), member.id()) != ids.end())
                std::cout << ", " << group.group_name().value_or(group.id());
        }
        std::cout << '\n';
    }
} catch (const kal::error& failure) {
    std::cerr << kal::name(failure.status()) << ": " << failure.what() << '\n';
    if (failure.body())
        std::cerr << *failure.body() << '\n';
    return failure.retryable() ? 75 : 1;
}
