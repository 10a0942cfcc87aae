#include "mixed.hpp"

kal::members members_of_the_older(const kal::client_options& options)
{
    return kal::client(options).workspace().members();
}

kal::result<kal::members> result_of_the_older(const kal::client_options& options)
{
    return kal::client(options).workspace().try_members();
}

void throw_from_the_older()
{
    kit::client().call("no.such_method");
    std::abort();
}
