// Uses the C header from C++17, with a small RAII owner for handles. kaleidoscope.hpp is a complete C++ API.
#include <kaleidoscope.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

template <typename Handle, void (*Free)(Handle)>
class Owner {
public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    ~Owner() { Free(handle_); }
    Handle get() const { return handle_; }
    Handle* out() { return &handle_; }

private:
    Handle handle_{ 0 };
};

// Takes a pointer, because the order in which arguments are evaluated is unspecified.
void check(kal_status status, const kal_error* error)
{
    if (status == KAL_OK)
        return;
    std::string message = kal_error_get(*error)->message;
    kal_error_free(*error);
    throw std::runtime_error(message);
}

std::string_view text(const char* nullable)
{
    return nullable ? nullable : "-";
}

} // namespace

int main()
{
    try {
        Owner<kal_client, kal_client_close> client;
        Owner<kal_result, kal_result_free> members;
        kal_error error;
        check(kal_client_open(nullptr, client.out(), &error), &error);
        check(kal_workspace_get_members(client.get(), nullptr, members.out(), &error), &error);
        std::size_t count = 0;
        const kal_workspace_user* const* first = kal_result_workspace_users(members.get(), &count);
        for (auto member = first; member != first + count; ++member)
            std::printf("%s\n", std::string(text((*member)->full_name)).c_str());
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
}
