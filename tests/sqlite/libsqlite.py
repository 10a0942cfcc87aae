"""SQLite through ctypes: the sqlite3 module of many Pythons cannot load extensions.

KAL_LIBSQLITE is the library, if not the system's.
"""

import ctypes
import os

ROW, DONE = 100, 101
NULL_TYPE, BLOB_TYPE = 5, 4

library = ctypes.CDLL(os.environ.get("KAL_LIBSQLITE", "libsqlite3.so.0"))
pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int


def function(name, result, *arguments):
    found = getattr(library, "sqlite3_" + name)
    found.restype, found.argtypes = result, arguments
    return found


open_ = function("open", number, text, ctypes.POINTER(pointer))
close = function("close", number, pointer)
enable_load_extension = function("enable_load_extension", number, pointer, number)
load_extension = function("load_extension", number, pointer, text, text, ctypes.POINTER(text))
errmsg = function("errmsg", text, pointer)
prepare = function("prepare_v2", number, pointer, text, number, ctypes.POINTER(pointer), pointer)
step = function("step", number, pointer)
finalize = function("finalize", number, pointer)
bind_null = function("bind_null", number, pointer, number)
bind_int64 = function("bind_int64", number, pointer, number, ctypes.c_int64)
bind_text = function("bind_text", number, pointer, number, text, number, pointer)
bind_blob = function("bind_blob", number, pointer, number, text, number, pointer)
column_count = function("column_count", number, pointer)
column_type = function("column_type", number, pointer, number)
column_int64 = function("column_int64", ctypes.c_int64, pointer, number)
column_double = function("column_double", ctypes.c_double, pointer, number)
column_blob = function("column_blob", pointer, pointer, number)
column_bytes = function("column_bytes", number, pointer, number)
version = function("libversion_number", number)()

TRANSIENT = pointer(-1)


class Error(Exception):
    pass


def value(statement, column):
    """NULL, integers, reals, texts and blobs as None, int, float, str and bytes."""
    kind = column_type(statement, column)
    if kind == NULL_TYPE:
        return None
    if kind == 1:
        return column_int64(statement, column)
    if kind == 2:
        return column_double(statement, column)
    at, length = column_blob(statement, column), column_bytes(statement, column)
    octets = ctypes.string_at(at, length) if length else b""
    return octets if kind == BLOB_TYPE else octets.decode(errors="replace")


def bind(statement, place, given):
    if given is None:
        bind_null(statement, place)
    elif isinstance(given, int):
        bind_int64(statement, place, given)
    else:
        octets = given if isinstance(given, bytes) else given.encode()
        (bind_blob if isinstance(given, bytes) else bind_text)(statement, place, octets, len(octets), TRANSIENT)


class Connection:
    def __init__(self, extension):
        self.db = pointer()
        open_(b":memory:", ctypes.byref(self.db))
        enable_load_extension(self.db, 1)
        message = text()
        if load_extension(self.db, os.fsencode(extension), None, ctypes.byref(message)) != 0:
            raise Error(f"{extension}: {message.value}")

    def rows(self, sql, *given):
        """All rows of a statement as tuples; raises Error."""
        statement = pointer()
        try:
            if prepare(self.db, sql.encode(), -1, ctypes.byref(statement), None) != 0:
                raise Error(errmsg(self.db).decode())
            for place, one in enumerate(given):
                bind(statement, place + 1, one)
            found = []
            while (code := step(statement)) == ROW:
                found.append(tuple(value(statement, column) for column in range(column_count(statement))))
            if code != DONE:
                raise Error(errmsg(self.db).decode())
            return found
        finally:
            finalize(statement)

    def close(self):
        if close(self.db) != 0:
            raise Error("statements are left open")
