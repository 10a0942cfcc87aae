import ctypes as c, json, sys

kal = c.CDLL("libkaleidoscope.so.0")
kal.kal_result_json.restype = kal.kal_error_json.restype = c.c_char_p
client, result, error = c.c_uint64(), c.c_uint64(), c.c_uint64()    # handles are 64-bit integers
method, parameters = (argument.encode() for argument in (sys.argv[1:] + ["{}"])[:2])

if (kal.kal_client_open(None, c.byref(client), c.byref(error)) or
        kal.kal_call(client, method, parameters, None, c.byref(result), c.byref(error))):
    sys.exit(json.loads(kal.kal_error_json(error, None))["message"])
print(kal.kal_result_json(result, None).decode())
kal.kal_result_free(result)
kal.kal_client_close(client)
