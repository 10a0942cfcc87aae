"""scripts/headerdoc.py parses every form of comment in the header: forms.py

Red with the labels taken out of headerdoc.LABELS, with comments kept over empty lines, and with parameters split at every comma.
"""

import pathlib
import sys

sys.path[:0] = ["scripts", "tests/compat"]

import headerdoc  # noqa: E402
from claims import claim, close, equal  # noqa: E402

text = pathlib.Path(__file__).with_name("forms.h").read_text()
items = {item.name: item for item in headerdoc.items(text)}
opened = headerdoc.sections(items["kal_open"].doc)

with claim("headerdoc: the introduction is split into headings and texts"):
    equal([heading for heading, _ in headerdoc.introduction(text)], ["", "FIRST HEADING", "LIMITS AND THE ENVIRONMENT"])
    equal(headerdoc.introduction(text)[1][1], "A paragraph with `code`.\n\n    int code = 1;")
with claim("headerdoc: every item is found, in order, with its kind"):
    equal([(item.kind, item.name) for item in items.values()], [
        ("macro", "KAL_ONE"), ("macro", "KAL_TWO"), ("macro", "KAL_NOT_FOUND"), ("macro", "KAL_BARE"), ("struct", "kal_client"),
        ("struct", "kal_options"), ("type", "kal_provider"), ("function", "kal_open"), ("function", "kal_bare"),
        ("function", "kal_more")])
with claim("headerdoc: a comment belongs to the item right below it, and to adjacent definitions"):
    equal([items[name].doc for name in ("KAL_ONE", "KAL_TWO", "KAL_NOT_FOUND", "KAL_BARE", "kal_client", "kal_bare")],
          ["Shared by two.", "Shared by two.", "Not found.", "", "", ""])
with claim("headerdoc: block and line comments of structs and fields are parsed"):
    equal(items["kal_options"].doc, "Options of a call.")
    equal([(field.name, field.code, field.doc) for field in items["kal_options"].fields], [
        ("timeout_ms", "uint32_t timeout_ms", "In milliseconds."), ("ids", "const char *const *ids", "Two\nlines.")])
with claim("headerdoc: handles and statuses are distinguished from other structs and macros"):
    equal([items["kal_client"].is_handle, items["kal_options"].is_handle], [True, False])
with claim("headerdoc: a function's comment is split into its parts"):
    equal(headerdoc.sentence(opened[""]), "Opens a thing, e.g. a door")
    equal(list(opened), ["", "Parameters", "Ownership", "Returns", "Since"])
    equal(opened["Ownership"], "`*client` is the caller's.")
    equal(opened["Returns"], "- `KAL_ONE`: when it could.\n- `KAL_NOT_FOUND`: when there is none.")
    equal(opened["Since"], "0.2.0")
with claim("headerdoc: a list without bullets is a list, and other text begins with a capital"):
    more = headerdoc.sections(items["kal_more"].doc)
    equal(more["Parameters"], "- one: the first,\n  in two lines\n- `two`: the second")
    equal(more["Returns"], "The text, with `KAL_ONE`: kept.")
with claim("headerdoc: a function's parameters are parsed, including a callback"):
    equal(items["kal_open"].parameters,
          ["const kal_options *options", "void (*callback)(int a, int b)", "kal_client *client"])
    equal(items["kal_open"].returns, "kal_status")
    equal(items["kal_bare"].parameters, [])
sys.exit(close())
