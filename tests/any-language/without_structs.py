"""What docs/any-language.md says about languages without structs: without_structs.py OPTIONS_JSON HEADER INTEGERS...

Python's ctypes without a Structure; INTEGERS are programs made of integers.c, which are run with the same options.
"""

import ctypes as c
import json
import subprocess
import sys

from claims import claim, close, equal

OPTIONS, HEADER, *INTEGERS = sys.argv[1:]
kal = c.CDLL("libkaleidoscope.so.0")
for text in ("kal_result_json", "kal_error_json", "kal_stream_cursor"):
    getattr(kal, text).restype = c.c_char_p
client, result, error = c.c_uint64(), c.c_uint64(), c.c_uint64()


def fields(struct):
    listed = subprocess.run([sys.executable, "-B", "tests/header/header.py", "fields", HEADER], capture_output=True, text=True, check=True)
    return [line.split(".")[1] for line in listed.stdout.split() if line.startswith(f"{struct}.")]


def failure(status):
    """The details of the failure, which is freed."""
    details = json.loads(kal.kal_error_json(error, None))
    equal(details["status"], status)
    kal.kal_error_free(error)
    return details


def opened(options):
    return kal.kal_client_open_json(json.dumps(options).encode(), c.byref(client), c.byref(error))


with claim("kal_client_open_json takes every field of kal_client_options, except callbacks and sizes"):
    excluded = {"struct_size", "headers_len", "reserved", "reserved_2"}
    callbacks = {"iap_token_provider", "log_callback"}
    of_callbacks = {"iap_user_data", "log_user_data", "log_level"}
    for field in fields("kal_client_options"):
        message = failure(opened({field: []}))["message"] if field not in ("headers",) else ""
        if field in excluded:
            assert message.startswith(f"{field}: unknown option; "), message
        elif field in callbacks:
            assert message.startswith(f"{field}: a callback cannot be given in JSON"), message
        elif field in of_callbacks:
            assert message.startswith(f"{field}: cannot be given in JSON: it goes with a callback"), message
        elif field != "headers":
            assert message.startswith((f"{field}: expected ", f"{field}: must be ")), message
    assert opened({**json.loads(OPTIONS), "headers": {"X-A": "b"}}) == 0
    kal.kal_client_close(client)

with claim("kal_error_json has every field of kal_error_info, in its order"):
    equal(list(failure(opened({"nothing": 1}))), fields("kal_error_info"))

with claim("ctypes: a client, a call and an error need no Structure"):
    equal(opened(json.loads(OPTIONS)), 0)
    equal(kal.kal_call(client, b"workspace.get_members", None, None, c.byref(result), c.byref(error)), 0)
    equal((kal.kal_result_kind(result), len(json.loads(kal.kal_result_json(result, None)))), (2, 12))
    kal.kal_result_free(result)
    status = kal.kal_call(client, b"request", b'{"verb":"GET","path":"/nothing"}', None, c.byref(result), c.byref(error))
    details = failure(status)
    equal((status, details["http_status"], details["method"], details["url"]), (404, 404, "GET", "/nothing"))
    kal.kal_client_close(client)

with claim("an integer that is no handle is an error, as a struct is"):
    for wrong in (0, 1, client.value, 2**64 - 1):
        equal(kal.kal_client_clear_caches(c.c_uint64(wrong), c.byref(error)), 101)
        failure(101)

for program in INTEGERS:
    with claim(f"{program.rsplit('/', 1)[-1]}: a C program declares every handle as a uint64_t"):
        made = subprocess.run([program, OPTIONS], capture_output=True, text=True, check=False)
        equal((made.returncode, made.stderr), (0, ""))
        lines = made.stdout.splitlines()
        kinds = [line.split(" ", 1)[0] for line in lines]
        equal(kinds[:2], ["2", "0"])
        equal(len(json.loads(lines[0].split(" ", 1)[1])), 12)
        pages = [json.loads(line.split(" ", 1)[1]) for line in lines[2:] if line.startswith("4 [")]
        ids = [event["id"] for page in pages for event in page]
        equal((len(ids), len(set(ids)), len(pages[0])), (250, 250, 100))
        rest = lines[2 + len(pages):]
        equal(rest[:3], ["2", "1 0 3", "7 0 4"])
        assert rest[3].startswith('8 404 0 {"status":404,'), rest[3]
        equal(rest[4], "1")
        assert rest[5].startswith('101 {"status":101,"http_status":0,"attempts":0,'), rest[5]
        equal(rest[6:], ["101"])

sys.exit(close())
