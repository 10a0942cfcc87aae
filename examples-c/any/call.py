import ctypes as c, sys

class Handle(c.Structure):      # kal_client, kal_result, kal_error
    _fields_ = [("id", c.c_uint64)]
class ErrorInfo(c.Structure):   # the leading fields of kal_error_info
    _fields_ = [("status", c.c_int32), ("http_status", c.c_int32), ("attempts", c.c_int32), ("retryable", c.c_bool),
                ("retry_after_ms", c.c_int64), ("message", c.c_char_p)]

kal = c.CDLL("libkaleidoscope.so.0")
kal.kal_result_json.restype, kal.kal_error_get.restype = c.c_char_p, c.POINTER(ErrorInfo)
client, result, error = Handle(), Handle(), Handle()
method, parameters = (argument.encode() for argument in (sys.argv[1:] + ["{}"])[:2])

if (kal.kal_client_open(None, c.byref(client), c.byref(error)) or
        kal.kal_call(client, method, parameters, None, c.byref(result), c.byref(error))):
    sys.exit(kal.kal_error_get(error).contents.message.decode())
print(kal.kal_result_json(result, None).decode())
kal.kal_result_free(result)
kal.kal_client_close(client)
