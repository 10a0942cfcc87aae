local ffi = require("ffi")
ffi.cdef [[
typedef uint64_t kal_client, kal_result, kal_error;     // handles are 64-bit integers
typedef struct { int32_t status, http_status, attempts; bool retryable; int64_t retry_after_ms; const char *message; } kal_error_info;
int32_t kal_client_open(const void *options, kal_client *client, kal_error *error);
int32_t kal_call(kal_client, const char *method, const char *parameters, const void *options, kal_result *, kal_error *);
const char *kal_result_json(kal_result, size_t *size);
const kal_error_info *kal_error_get(kal_error);
void kal_result_free(kal_result);
void kal_client_close(kal_client);
]]
local kal = ffi.load("libkaleidoscope.so.0")
local client, result, failure = ffi.new("kal_client[1]"), ffi.new("kal_result[1]"), ffi.new("kal_error[1]")

if kal.kal_client_open(nil, client, failure) ~= 0
    or kal.kal_call(client[0], arg[1], arg[2] or "{}", nil, result, failure) ~= 0 then
    io.stderr:write(ffi.string(kal.kal_error_get(failure[0]).message), "\n")
    os.exit(1)
end
print(ffi.string(kal.kal_result_json(result[0], nil)))
kal.kal_result_free(result[0])
kal.kal_client_close(client[0])
