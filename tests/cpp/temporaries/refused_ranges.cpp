// As refused.cpp, for C++20's ranges.
#include <kaleidoscope.hpp>

#include <algorithm>
#include <ranges>

void of_ranges(const kal::client& c)
{
    (void)std::ranges::begin(c.workspace().members());                                      // refused: .
    const kal::member* m = &*std::ranges::begin(c.workspace().members());                   // refused: .
    (void)*std::ranges::find_if(c.workspace().members(), [](kal::member) { return true; }); // refused: operator\*
    (void)std::ranges::subrange(c.workspace().members());                                   // refused: .
    (void)m;
}
