#include "mixed.hpp"

kal::members members_of_the_older(const kal::client_options& options)
{
    const kal::client client(options);
    // The same name has another type in C++23.
    auto members = client.workspace().try_members();
    return *std::move(members);
}

void throw_from_the_older()
{
    kit::client().call("no.such_method");
    std::abort();
}

const char* abi_of_the_older()
{
    return MIXED_TEXT(KAL_CPP_ABI);
}
