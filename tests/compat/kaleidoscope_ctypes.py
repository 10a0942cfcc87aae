"""libkaleidoscope through ctypes: the structs of kaleidoscope.h, and a client that returns plain Python values.

A result is read both ways: `Result.records` are the C structs, `Result.json` is the JSON text.
"""

import ctypes
import os
from ctypes import POINTER, byref, c_bool, c_char_p, c_int8, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

INT64_MIN = -(2**63)
CACHE_USE, CACHE_REFRESH, CACHE_ONLY = 0, 1, 2
PROXY_FROM_ENV = 1
ACCESS = {1: "admin", 2: "team-member", 3: "guest", 4: "viewer", 5: "deactivated"}


class Handle(ctypes.Structure):
    """Any handle: they are all one 64-bit value."""

    _fields_ = [("id", c_uint64)]


class Header(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


TokenProvider = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, POINTER(c_size_t))


class ClientOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("client_id", c_char_p),
        ("client_secret", c_char_p),
        ("base_url", c_char_p),
        ("headers", POINTER(Header)),
        ("headers_len", c_size_t),
        ("ca_bundle_path", c_char_p),
        ("proxy_url", c_char_p),
        ("user_agent", c_char_p),
        ("connect_timeout_ms", c_uint32),
        ("timeout_ms", c_uint32),
        ("max_attempts", c_uint32),
        ("flags", c_uint32),
        ("max_response_bytes", c_uint64),
        ("cache_ttl_ms", c_uint64),
        ("iap_token_provider", TokenProvider),
        ("iap_user_data", c_void_p),
        ("max_in_flight", c_uint32),
        ("reserved", c_uint32),
        ("retry_wait_ms", c_uint64),
        ("ca_bundle_pem", c_char_p),
        ("client_certificate_path", c_char_p),
        ("client_certificate_pem", c_char_p),
        ("client_key_path", c_char_p),
        ("client_key_pem", c_char_p),
        ("name", c_char_p),
        ("log_callback", c_void_p),
        ("log_user_data", c_void_p),
        ("log_level", c_int32),
        ("reserved_2", c_uint32),
    ]


class CallOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("timeout_ms", c_uint32), ("cache", c_int32), ("cancel", Handle)]


class EventsQuery(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("page", c_int32),
        ("page_size", c_int32),
        ("event_types", POINTER(c_char_p)),
        ("event_types_len", c_size_t),
        ("resource_type", c_char_p),
        ("event_user_ids", POINTER(c_char_p)),
        ("event_user_ids_len", c_size_t),
        ("after_date", c_char_p),
        ("before_date", c_char_p),
    ]


class Workspace(ctypes.Structure):
    _fields_ = [("id", c_char_p), ("workspace_name", c_char_p)]


class User(ctypes.Structure):
    _fields_ = [
        ("id", c_char_p),
        ("full_name", c_char_p),
        ("preferred_name", c_char_p),
        ("email", c_char_p),
        ("access_level", c_int32),
        ("access_level_name", c_char_p),
    ]


class Group(ctypes.Structure):
    _fields_ = [
        ("id", c_char_p),
        ("group_name", c_char_p),
        ("email", c_char_p),
        ("user_ids", POINTER(c_char_p)),
        ("user_ids_len", c_size_t),
        ("program_ids", POINTER(c_char_p)),
        ("program_ids_len", c_size_t),
    ]


class Event(ctypes.Structure):
    _fields_ = [
        ("id", c_char_p),
        ("event_type", c_char_p),
        ("event_type_version", c_int64),
        ("created_at", c_char_p),
        ("created_at_us", c_int64),
        ("event_user_id", c_char_p),
        ("full_name", c_char_p),
        ("preferred_name", c_char_p),
        ("resource_id", c_char_p),
        ("resource_type", c_char_p),
        ("parent_bulk_event_id", c_char_p),
        ("event_attrs", c_char_p),
        ("is_bot", c_int8),
        ("is_bulk", c_int8),
    ]


class ErrorInfo(ctypes.Structure):
    _fields_ = [
        ("status", c_int32),
        ("http_status", c_int32),
        ("attempts", c_int32),
        ("retryable", c_bool),
        ("retry_after_ms", c_int64),
        ("message", c_char_p),
        ("method", c_char_p),
        ("url", c_char_p),
        ("code", c_char_p),
        ("request_id", c_char_p),
        ("body", c_void_p),
        ("body_len", c_size_t),
    ]


def _load() -> ctypes.CDLL:
    lib = ctypes.CDLL(os.path.join(os.environ["KAL_LIB_DIR"], "libkaleidoscope.so"))
    options, result, error = POINTER(CallOptions), POINTER(Handle), POINTER(Handle)
    strings = POINTER(c_char_p)
    plain = [Handle, options, result, error]
    by_ids = [Handle, strings, c_size_t, options, result, error]
    statuses = {
        "kal_client_open": [POINTER(ClientOptions), result, error],
        "kal_client_clear_caches": [Handle, error],
        "kal_workspace_get_workspace": plain,
        "kal_workspace_get_members": plain,
        "kal_workspace_get_members_by_ids": by_ids,
        "kal_workspace_get_groups": plain,
        "kal_workspace_get_groups_by_ids": by_ids,
        "kal_workspace_get_events": [Handle, POINTER(EventsQuery), options, result, error],
        "kal_call": [Handle, c_char_p, c_char_p, options, result, error],
    }
    for name, arguments in statuses.items():
        getattr(lib, name).argtypes, getattr(lib, name).restype = arguments, c_int32
    views = {"workspace_users": User, "workspace_groups": Group, "workspace_events": Event}
    for name, record in views.items():
        view = getattr(lib, f"kal_result_{name}")
        view.argtypes, view.restype = [Handle, POINTER(c_size_t)], POINTER(POINTER(record))
    lib.kal_result_workspace.argtypes, lib.kal_result_workspace.restype = [Handle], POINTER(Workspace)
    lib.kal_result_json.argtypes, lib.kal_result_json.restype = [Handle, POINTER(c_size_t)], c_void_p
    lib.kal_error_get.argtypes, lib.kal_error_get.restype = [Handle], POINTER(ErrorInfo)
    for name in ["kal_client_close", "kal_result_free", "kal_error_free"]:
        getattr(lib, name).argtypes, getattr(lib, name).restype = [Handle], None
    return lib


lib = _load()


class KalError(Exception):
    """A failed call, with all fields of `kal_error_get`."""

    def __init__(self, handle: Handle):
        info = lib.kal_error_get(handle).contents
        for name, _ in ErrorInfo._fields_:
            value = getattr(info, name)
            setattr(self, name, value.decode() if isinstance(value, bytes) else value)
        self.body = None if info.body is None else ctypes.string_at(info.body, info.body_len)
        lib.kal_error_free(handle)
        super().__init__(f"{self.status}: {self.message}")


class Result:
    """A result, copied out of the library: the structs, and the JSON text."""

    def __init__(self, handle: Handle, view: str):
        length = c_size_t()
        text = lib.kal_result_json(handle, byref(length))
        self.json: bytes = ctypes.string_at(text, length.value)
        if view == "workspace":
            self.records = _fields(lib.kal_result_workspace(handle).contents)
        else:
            first = getattr(lib, f"kal_result_{view}")(handle, byref(length))
            self.records = [_fields(first[i].contents) for i in range(length.value)]
        lib.kal_result_free(handle)


def _fields(record: ctypes.Structure) -> dict:
    fields = {}
    for name, kind in record._fields_:
        value = getattr(record, name)
        if kind is POINTER(c_char_p):
            value = [value[i].decode() for i in range(getattr(record, f"{name}_len"))]
        elif name.endswith("_len"):
            continue
        fields[name] = value.decode() if isinstance(value, bytes) else value
    return fields


def _strings(texts) -> tuple:
    return (c_char_p * len(texts))(*[text.encode() for text in texts]), len(texts)


VIEWS = {
    "get_workspace": "workspace",
    "get_members": "workspace_users",
    "get_members_by_ids": "workspace_users",
    "get_groups": "workspace_groups",
    "get_groups_by_ids": "workspace_groups",
    "get_events": "workspace_events",
}


class Client:
    """A `kal_client`."""

    def __init__(
        self, url, client_id, client_secret, headers=None, iap_token=None, flags=0, max_attempts=0, ca_bundle_path=None
    ):
        options = ClientOptions(struct_size=ctypes.sizeof(ClientOptions))
        options.base_url, options.client_id = url.encode(), client_id.encode()
        options.client_secret, options.flags, options.max_attempts = client_secret.encode(), flags, max_attempts
        if ca_bundle_path is not None:
            options.ca_bundle_path = ca_bundle_path.encode()
        listed = [Header(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        options.headers, options.headers_len = (Header * len(listed))(*listed), len(listed)
        if iap_token is not None:

            @TokenProvider
            def provider(_user_data, buffer, _capacity, length):
                ctypes.memmove(buffer, iap_token.encode(), len(iap_token))
                length[0] = len(iap_token)
                return 0

            # The library may call it until the client is closed.
            self._provider = options.iap_token_provider = provider
        self._handle, error = Handle(), Handle()
        if lib.kal_client_open(byref(options), byref(self._handle), byref(error)):
            raise KalError(error)

    def close(self):
        lib.kal_client_close(self._handle)

    def clear_caches(self):
        error = Handle()
        if lib.kal_client_clear_caches(self._handle, byref(error)):
            raise KalError(error)

    def _finish(self, name: str, function, *arguments, cache=CACHE_USE) -> Result:
        options = CallOptions(ctypes.sizeof(CallOptions), 0, cache, Handle())
        result, error = Handle(), Handle()
        if function(self._handle, *arguments, byref(options), byref(result), byref(error)):
            raise KalError(error)
        return Result(result, VIEWS[name])

    def call(self, name: str, *arguments, cache=CACHE_USE, **query) -> Result:
        """A typed call of the workspace service: `call("get_members")`, `call("get_events", page=1)`."""
        function = getattr(lib, f"kal_workspace_{name}")
        if name == "get_events":
            asked = EventsQuery(struct_size=ctypes.sizeof(EventsQuery))
            for field, value in query.items():
                if isinstance(value, list):
                    first, length = _strings(value)
                    setattr(asked, field, first)
                    setattr(asked, f"{field}_len", length)
                else:
                    setattr(asked, field, value.encode() if isinstance(value, str) else value)
            arguments = (byref(asked),)
        elif arguments:
            arguments = _strings(arguments[0])
        return self._finish(name, function, *arguments, cache=cache)

    def door(self, name: str, params_json: str | None = None, cache=CACHE_USE) -> Result:
        """The same call through `kal_call`."""
        text = None if params_json is None else params_json.encode()
        return self._finish(name, lib.kal_call, f"workspace.{name}".encode(), text, cache=cache)
