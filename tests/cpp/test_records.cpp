// Records and their ranges.
#include "kit.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace {

void answer(const char* path, const char* body)
{
    emulator_answer(&kit::server, path, 1, body);
}

} // namespace

CLAIM(a_list_is_a_random_access_range)
{
    const kal::client client = kit::client();
    const kal::members members = client.workspace().members();
    REQUIRE(members.size() == 12);
    const auto first = members.begin(), last = members.end();
    CHECK_EQUAL(last - first, 12);
    CHECK_EQUAL(first[3].id(), members[3].id());
    CHECK_EQUAL((first + 3)->id(), members[3].id());
    CHECK_EQUAL((*(last - 1)).id(), members[11].id());
    CHECK(first < last && last > first && first + 12 == last);
    std::vector<std::string_view> forwards, backwards;
    for (auto member : members)
        forwards.push_back(member.id());
    for (auto at = last; at != first;)
        backwards.push_back((*--at).id());
    std::reverse(backwards.begin(), backwards.end());
    CHECK(forwards == backwards);
}

CLAIM(algorithms_accept_a_list)
{
    const kal::client client = kit::client();
    const kal::members members = client.workspace().members();
    const std::string wanted(members[7].id());
    const auto found = std::find_if(members.begin(), members.end(), [&](kal::member member) { return member.id() == wanted; });
    CHECK_EQUAL(found - members.begin(), 7);
    // Records are values: they can be copied and sorted.
    std::vector<kal::member> by_email(members.begin(), members.end());
    std::sort(by_email.begin(), by_email.end(), [](auto a, auto b) { return a.email() < b.email(); });
    CHECK(std::is_permutation(by_email.begin(), by_email.end(), members.begin(), members.end()));
}

CLAIM(absent_fields_are_nullopt)
{
    answer("/workspaces/members", R"([{"id":"m1"},{"id":"m2","full_name":"","email":null}])");
    const kal::members members = kit::client().workspace().members();
    REQUIRE(members.size() == 2);
    CHECK_EQUAL(members[0].id(), "m1");
    CHECK_EQUAL(members[0].full_name(), std::nullopt);
    CHECK_EQUAL(members[0].preferred_name(), std::nullopt);
    CHECK_EQUAL(members[0].access_level(), kal::access_level::unknown);
    CHECK_EQUAL(members[0].access_level_name(), std::nullopt);
    CHECK_EQUAL(members[1].full_name(), "");
    CHECK_EQUAL(members[1].email(), std::nullopt);

    answer("/workspaces/events", R"([{"id":"e1"}])");
    const kal::events events = kit::client().workspace().events();
    REQUIRE(events.size() == 1);
    const kal::event event = events[0];
    CHECK_EQUAL(event.event_type(), std::nullopt);
    CHECK_EQUAL(event.event_type_version(), std::nullopt);
    CHECK(!event.created_at());
    CHECK_EQUAL(event.created_at_text(), std::nullopt);
    CHECK_EQUAL(event.event_user_id(), std::nullopt);
    CHECK_EQUAL(event.parent_bulk_event_id(), std::nullopt);
    CHECK_EQUAL(event.event_attrs(), "{}");
    CHECK_EQUAL(event.is_bot(), std::nullopt);
    CHECK_EQUAL(event.is_bulk(), std::nullopt);
}

CLAIM(present_fields_have_their_values)
{
    answer("/workspaces/events",
           R"([{"id":"e1","event_type":"create","event_type_version":2,"created_at":"1970-01-01T00:00:01.000002Z",)"
           R"("event_user_id":"u","full_name":"Ada","preferred_name":"A","resource_id":"r","resource_type":"task",)"
           R"("parent_bulk_event_id":"p","event_attrs":{"a":[1]},"is_bot":false,"is_bulk":true}])");
    const kal::events events = kit::client().workspace().events();
    REQUIRE(events.size() == 1);
    const kal::event event = events[0];
    CHECK_EQUAL(event.event_type(), "create");
    CHECK_EQUAL(event.event_type_version(), 2);
    REQUIRE(event.created_at().has_value());
    CHECK_EQUAL(event.created_at()->time_since_epoch().count(), 1'000'002);
    CHECK_EQUAL(event.created_at_text(), "1970-01-01T00:00:01.000002Z");
    CHECK_EQUAL(kal::rfc3339(*event.created_at()), *event.created_at_text());
    CHECK_EQUAL(event.event_user_id(), "u");
    CHECK_EQUAL(event.full_name(), "Ada");
    CHECK_EQUAL(event.preferred_name(), "A");
    CHECK_EQUAL(event.resource_id(), "r");
    CHECK_EQUAL(event.resource_type(), "task");
    CHECK_EQUAL(event.parent_bulk_event_id(), "p");
    CHECK_EQUAL(event.event_attrs(), R"({"a":[1]})");
    CHECK_EQUAL(event.is_bot(), false);
    CHECK_EQUAL(event.is_bulk(), true);
}

CLAIM(an_unknown_access_level_keeps_its_name)
{
    answer("/workspaces/members",
           R"([{"id":"1","access_level":"admin"},{"id":"2","access_level":"team-member"},{"id":"3","access_level":"guest"},)"
           R"({"id":"4","access_level":"viewer"},{"id":"5","access_level":"deactivated"},{"id":"6","access_level":"owner"}])");
    const kal::members members = kit::client().workspace().members();
    REQUIRE(members.size() == 6);
    using level = kal::access_level;
    const level expected[] = {
        level::admin, level::team_member, level::guest, level::viewer, level::deactivated, level::unknown
    };
    for (std::size_t i = 0; i < 6; i++)
        CHECK_EQUAL(members[i].access_level(), expected[i]);
    CHECK_EQUAL(members[5].access_level_name(), "owner");
}

// A newer library may have a level that this header lacks.
CLAIM(an_access_level_of_a_newer_version_is_unknown)
{
    kal_workspace_user later{};
    later.id = "1";
    later.access_level = KAL_ACCESS_DEACTIVATED + 1;
    CHECK_EQUAL(kal::member(&later).access_level(), kal::access_level::unknown);
    later.access_level = -1;
    CHECK_EQUAL(kal::member(&later).access_level(), kal::access_level::unknown);
}

CLAIM(ids_of_a_group_are_strings)
{
    answer("/workspaces/groups", R"([{"id":"g","group_name":"lab","email":"l@x","user_ids":["a","bc"],"program_ids":[]}])");
    const kal::groups groups = kit::client().workspace().groups();
    REQUIRE(groups.size() == 1);
    CHECK_EQUAL(groups[0].group_name(), "lab");
    CHECK_EQUAL(groups[0].email(), "l@x");
    CHECK(groups[0].program_ids().empty());
    const kal::strings ids = groups[0].user_ids();
    REQUIRE(ids.size() == 2);
    CHECK_EQUAL(std::accumulate(ids.begin(), ids.end(), std::string(),
                                [](std::string all, std::string_view id) { return all.append(id) + ';'; }),
                "a;bc;");
    CHECK_EQUAL(ids.begin()->size(), 1u);
}

CLAIM(records_stay_valid_when_their_list_is_moved)
{
    kal::members members = kit::client().workspace().members();
    const kal::member member = members[2];
    const std::string id(member.id());
    const kal::records<kal::member> range = members.view();
    const kal::members moved = std::move(members);
    CHECK_EQUAL(member.id(), id);
    CHECK_EQUAL(range[2].id(), id);
    CHECK_EQUAL(moved[2].id(), id);
    CHECK_EQUAL(moved.size(), range.size());
}

CLAIM(the_json_is_what_the_server_sent)
{
    const char sent[] = R"( [ {"id":"m1", "of a later version":[1.50, "\u00e9"]} ] )";
    answer("/workspaces/members", sent);
    const kal::members members = kit::client().workspace().members();
    CHECK_EQUAL(members.json(), sent);
}

CLAIM(records_with_equal_ids_are_equal)
{
    answer("/workspaces/members", R"([{"id":"1","email":"a"},{"id":"2","email":"a"},{"id":"1","email":"b"}])");
    const kal::members members = kit::client().workspace().members();
    REQUIRE(members.size() == 3);
    CHECK(members[0] == members[2]);
    CHECK(members[0] != members[1]);
}

CLAIM(an_empty_list_is_an_empty_range)
{
    answer("/workspaces/members", "[]");
    const kal::members members = kit::client().workspace().members();
    CHECK(members.empty());
    CHECK(members.begin() == members.end());
    CHECK_EQUAL(members.json(), "[]");
}

#if defined(__cpp_lib_ranges) && (!defined(__clang__) || __clang_major__ >= 16)
CLAIM(views_accept_a_list)
{
    const kal::client client = kit::client();
    const kal::members members = client.workspace().members();
    auto emails = members | std::views::filter([](kal::member member) { return member.email().has_value(); })
                  | std::views::transform([](kal::member member) { return *member.email(); });
    std::size_t counted = 0;
    for (std::string_view email : emails)
        counted += kit::contains(email, "@");
    CHECK(counted > 0);
    // A list moved into a view is owned by it.
    std::size_t owned = 0;
    for (kal::member member : client.workspace().members() | std::views::drop(2))
        owned += !member.id().empty();
    CHECK_EQUAL(owned, 10u);
}
#endif
