"""What include/kaleidoscope.h declares: functions, structs with their fields, constants, and whether each has a doc comment.

    header.py functions HEADER      the functions' names, sorted
    header.py fields HEADER         `struct` and `struct.field`, in the header's order
    header.py undocumented HEADER   what has no doc comment; exit status 1 when there is any
"""

import re
import sys

DOC = re.compile(r"\s*//")
FUNCTION = re.compile(r"\b(kal_\w+)\s*\(")
FIELD = re.compile(r"\b(\w+)(?:\[[^]]*\])?;$")
FUNCTION_FIELD = re.compile(r"\(\*(\w+)\)")


def items(text):
    """(kind, name, documented), kind one of function, struct, field, type, constant."""
    text = re.sub(r"/\*.*?\*/", lambda comment: "\n" * comment[0].count("\n"), text, flags=re.S)
    # What stands before the first documented item are macros of the header itself, which blocks of text explain.
    documented, struct, declaration = False, None, ""
    for line in text.splitlines():
        if DOC.match(line):
            documented = True
            continue
        code = line.split(" //")[0].strip()
        if not code:
            if not declaration:
                documented = False
            continue
        if code.startswith("#"):
            name = re.match(r"#define (KAL_[A-Z0-9_]+) -?\d+$", code)
            if name and not name[1].startswith("KAL_VERSION_"):
                yield "constant", name[1], documented
            documented = False
            continue
        opened = re.match(r"typedef (?:struct|union|enum) (\w+) \{$", code)
        if opened:
            struct = opened[1]
            yield "struct", struct, documented
            documented = False
        elif struct and code.startswith("}"):
            struct, documented = None, False
        elif code in ('extern "C" {', "}"):
            documented = False
        else:
            declaration = f"{declaration} {code}".strip()
            if not declaration.endswith(";"):
                continue
            if struct:
                name = FUNCTION_FIELD.search(declaration) or FIELD.search(declaration)
                yield "field", f"{struct}.{name[1]}", documented
            elif declaration.startswith("typedef"):
                name = FUNCTION_FIELD.search(declaration) or FIELD.search(declaration)
                yield "type", name[1], documented
            else:
                yield "function", FUNCTION.search(declaration)[1], documented
            declaration, documented = "", False


def main():
    command, path = sys.argv[1:]
    with open(path, encoding="utf-8") as header:
        found = list(items(header.read()))
    if command == "functions":
        print("\n".join(sorted(name for kind, name, _ in found if kind == "function")))
    elif command == "fields":
        print("\n".join(name for kind, name, _ in found if kind in ("struct", "field")))
    elif command == "undocumented":
        bare = [f"{kind} {name} has no doc comment" for kind, name, documented in found if not documented]
        print("\n".join(bare))
        sys.exit(1 if bare else 0)
    else:
        sys.exit(__doc__)


main()
