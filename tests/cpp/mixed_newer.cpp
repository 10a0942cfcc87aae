// Objects compiled for two standards in one program.
#include "mixed.hpp"

CLAIM(objects_of_two_standards_work_in_one_program)
{
    auto own = kit::client().workspace().try_members();
    REQUIRE(own.has_value());
    const kal::members others = members_of_the_older(kit::options());
    CHECK_EQUAL(own->size(), others.size());
    // Red while kal::result was std::expected in C++23: "undefined reference to result_of_the_older".
    const kal::result<kal::members> result = result_of_the_older(kit::options());
    CHECK(result.has_value() && result->size() == others.size());
}

CLAIM(an_error_thrown_in_an_older_standard_is_caught_in_a_newer_one)
{
    CHECK_EQUAL(kit::thrown([] { throw_from_the_older(); }), kal::status::unknown_method);
}
