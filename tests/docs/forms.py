"""scripts/headerdoc.py reads every form that a comment of the header may have: forms.py

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

with claim("headerdoc: the introduction has its headings and their text"):
    equal([heading for heading, _ in headerdoc.introduction(text)], ["", "FIRST HEADING", "LIMITS AND THE ENVIRONMENT"])
    equal(headerdoc.introduction(text)[1][1], "A paragraph with `code`.\n\n    int code = 1;")
with claim("headerdoc: every item is found, in order, with its kind"):
    equal([(item.kind, item.name) for item in items.values()], [
        ("macro", "KAL_ONE"), ("macro", "KAL_TWO"), ("macro", "KAL_NOT_FOUND"), ("macro", "KAL_BARE"), ("struct", "kal_client"),
        ("struct", "kal_options"), ("type", "kal_provider"), ("function", "kal_open"), ("function", "kal_bare"),
        ("function", "kal_more")])
with claim("headerdoc: a comment belongs to what follows at once, and to definitions below it"):
    equal([items[name].doc for name in ("KAL_ONE", "KAL_TWO", "KAL_NOT_FOUND", "KAL_BARE", "kal_client", "kal_bare")],
          ["Shared by two.", "Shared by two.", "Not found.", "", "", ""])
with claim("headerdoc: comments in blocks and in lines, of structs and of fields"):
    equal(items["kal_options"].doc, "Options of a call.")
    equal([(field.name, field.code, field.doc) for field in items["kal_options"].fields], [
        ("timeout_ms", "uint32_t timeout_ms", "In milliseconds."), ("ids", "const char *const *ids", "Two\nlines.")])
with claim("headerdoc: a handle and a status are told apart from other structs and macros"):
    equal([items["kal_client"].is_handle, items["kal_options"].is_handle], [True, False])
with claim("headerdoc: the parts of a function's comment"):
    equal(headerdoc.sentence(opened[""]), "Opens a thing, e.g. a door")
    equal(list(opened), ["", "Parameters", "Ownership", "Returns", "Since"])
    equal(opened["Ownership"], "`*client` is the caller's.")
    equal(opened["Returns"], "- `KAL_ONE`: when it could.\n- `KAL_NOT_FOUND`: when there is none.")
    equal(opened["Since"], "0.2.0")
with claim("headerdoc: a list without marks is a list, and what has no list begins as a sentence"):
    more = headerdoc.sections(items["kal_more"].doc)
    equal(more["Parameters"], "- one: the first,\n  in two lines\n- `two`: the second")
    equal(more["Returns"], "The text, with `KAL_ONE`: kept.")
with claim("headerdoc: a function's parameters, one of them a function"):
    equal(items["kal_open"].parameters,
          ["const kal_options *options", "void (*callback)(int a, int b)", "kal_client *client"])
    equal(items["kal_open"].returns, "kal_status")
    equal(items["kal_bare"].parameters, [])
sys.exit(close())
