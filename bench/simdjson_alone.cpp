/* simdjson_alone FILE COUNT: decodes the members in the file into structs with simdjson's On-Demand, its fastest way: parser,
 * padded document and structs are reused, keys are compared as they stand in the document, and strings are unescaped into the
 * parser's own buffer, which the structs point into. The document is copied before the timer starts, as for the others. */
#include <simdjson.h>

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

using namespace simdjson;

struct member {
    std::string_view id, full_name, preferred_name, email, access_level_name;
    int32_t access_level;
};

static double cpu()
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

static int32_t access_level(std::string_view name)
{
    static constexpr std::string_view names[] = { "admin", "team-member", "guest", "viewer", "deactivated" };
    for (int32_t i = 0; i < 5; i++)
        if (name == names[i])
            return i + 1;
    return 0;
}

static std::string_view text(ondemand::value value)
{
    std::string_view string;
    if (value.get_string().get(string))
        return {};
    return string;
}

static member read(ondemand::object object)
{
    member member{};
    for (auto field : object) {
        ondemand::raw_json_string key = field.key();
        if (key.unsafe_is_equal("id"))
            member.id = text(field.value());
        else if (key.unsafe_is_equal("full_name"))
            member.full_name = text(field.value());
        else if (key.unsafe_is_equal("preferred_name"))
            member.preferred_name = text(field.value());
        else if (key.unsafe_is_equal("email"))
            member.email = text(field.value());
        else if (key.unsafe_is_equal("access_level"))
            member.access_level = access_level(member.access_level_name = text(field.value()));
    }
    return member;
}

int main(int argc, char **argv)
{
    size_t count = argc == 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
    if (count == 0) {
        std::fprintf(stderr, "usage: simdjson_alone FILE COUNT\n");
        return 2;
    }
    try {
        const padded_string body = padded_string::load(argv[1]);
        ondemand::parser parser;
        std::vector<member> members;
        std::vector<double> times;
        for (size_t i = 0; i < count; i++) {
            padded_string copy(body.data(), body.size());
            members.clear();
            double begin = cpu();
            ondemand::document document = parser.iterate(copy);
            for (ondemand::object object : document.get_array())
                members.push_back(read(object));
            times.push_back(cpu() - begin);
        }
        size_t letters = 0;
        for (const member &member : members)
            letters += member.id.size() + member.full_name.size() + member.preferred_name.size() + member.email.size()
                       + member.access_level_name.size();
        std::sort(times.begin(), times.end());
        std::printf("{\"p50_ns\": %.0f, \"bytes\": %zu, \"records\": %zu, \"letters\": %zu, \"implementation\": \"%s\"}\n",
                    times[count / 2], body.size(), members.size(), letters, builtin_implementation()->name().c_str());
    } catch (const simdjson_error &error) {
        std::fprintf(stderr, "simdjson: %s: %s\n", argv[1], error.what());
        return 1;
    }
    return 0;
}
