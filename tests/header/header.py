"""Lists the declarations of include/kaleidoscope.h: functions, structs with their fields, constants, and their documentation.

    header.py functions HEADER      the functions' names, sorted
    header.py fields HEADER         `struct` and `struct.field`, in the header's order
    header.py undocumented HEADER   what has no doc comment; exit status 1 when there is any
    header.py form HEADER           functions and callbacks whose documentation lacks a part; exit status 1 when there are any
    header.py growth HEADER         structs whose documentation does not say whether they may grow; exit status 1 when there are any
    header.py initialisers HEADER   initialisers without a function of their name; exit status 1 when there are any
    header.py names HEADER          names in comments that the header does not declare; exit status 1 when there are any
"""

import re
import sys
from typing import NamedTuple

DOC = re.compile(r"\s*// ?(.*)")
FUNCTION = re.compile(r"\b(kal_\w+)\s*\(")
FIELD = re.compile(r"\b(\w+)(?:\[[^]]*\])?;$")
FUNCTION_FIELD = re.compile(r"\(\*(\w+)\)")
MACRO = re.compile(r"#\s*define (KAL_[A-Z0-9_]+)")
# What kal_status_name returns for statuses without a name of their own.
NAMES_OF_STATUSES = {"KAL_HTTP_4XX", "KAL_HTTP_5XX", "KAL_UNKNOWN_STATUS"}


class Item(NamedTuple):
    # One of function, struct, field, type, constant.
    kind: str
    name: str
    # The lines of the doc comment.
    doc: list[str]
    declaration: str


def in_lines(block):
    lines = re.sub(r"\n *\*", "\n", block[2]).rstrip().split("\n")
    return "\n".join(f"{block[1]}//{line}" for line in lines)


def items(text):
    text = text.replace("\\\n", "")
    # Lines are easier to assign to what follows them.
    text = re.sub(r"(?m)^( *)/\*(.*?)\*/$", in_lines, text, flags=re.S)
    doc, struct, declaration = [], None, ""
    for line in text.splitlines():
        if comment := DOC.match(line):
            doc.append(comment[1])
            continue
        code = line.split(" /*")[0].strip()
        if not code:
            if not declaration:
                doc = []
            continue
        if code.startswith("#"):
            name = re.match(r"#define (KAL_[A-Z0-9_]+) -?\d+$", code)
            if name and not name[1].startswith("KAL_VERSION_"):
                yield Item("constant", name[1], doc, code)
            doc = []
            continue
        opened = re.match(r"typedef (?:struct|union|enum) (\w+) \{$", code)
        if opened:
            struct = opened[1]
            yield Item("struct", struct, doc, code)
            doc = []
        elif struct and code.startswith("}"):
            struct, doc = None, []
        elif code in ('extern "C" {', "}"):
            doc = []
        else:
            declaration = f"{declaration} {code}".strip()
            if not declaration.endswith(";"):
                continue
            if struct:
                name = FUNCTION_FIELD.search(declaration) or FIELD.search(declaration)
                yield Item("field", f"{struct}.{name[1]}", doc, declaration)
            elif declaration.startswith("typedef"):
                name = FUNCTION_FIELD.search(declaration) or FIELD.search(declaration)
                yield Item("type", name[1], doc, declaration)
            else:
                yield Item("function", FUNCTION.search(declaration)[1], doc, declaration)
            declaration, doc = "", []


def undocumented(text, found):
    for item in found:
        if not any(item.doc):
            yield f"{item.kind} {item.name} has no doc comment"
    # The others are conditional, or explained together.
    for line, name in re.findall(r"(.*)\n#define (KAL_[A-Z_]*(?:_INIT|NONE)) ", text):
        if not line.endswith("*/"):
            yield f"macro {name} has no comment"


def parameters(declaration):
    inside = re.search(r"\(([^()]*)\);$", declaration)[1]
    return [] if inside == "void" else [re.search(r"(\w+)$", parameter.strip())[1] for parameter in inside.split(",")]


def form(_, found):
    """Each function: a sentence, every parameter by its name, `Returns:`, `Since:`, in this order."""
    for item in found:
        if item.kind != "function" and not (item.kind == "type" and "(*" in item.declaration):
            continue
        what = f"{item.kind} {item.name}"
        paragraphs = " ".join(line or "\n" for line in item.doc).split("\n")
        summary = paragraphs[0].strip()
        if not re.match(r"[A-Z].*[.]$", summary):
            yield f"{what}: its documentation does not begin with a sentence: {summary!r}"
        documented = [match[1] for line in item.doc if (match := re.match(r"- `(\w+)`: \S", line))]
        if documented != parameters(item.declaration):
            yield f"{what}: documents the parameters {documented}, and has {parameters(item.declaration)}"
        returns = [index for index, line in enumerate(item.doc) if line.startswith("Returns: ")]
        if len(returns) != 1:
            yield f"{what}: says {len(returns)} times what it returns"
        elif "kal_status kal_" in item.declaration and "`KAL_OK`" not in " ".join(item.doc[returns[0]:]):
            if not re.match(r"Returns: as `kal_\w+`\.$", item.doc[returns[0]]):
                yield f"{what}: does not say when it returns KAL_OK"
        if not re.match(r"Since: \d+\.\d+\.\d+$", item.doc[-1] if item.doc else ""):
            yield f"{what}: does not end with the version that it is in since"


def growth(_, found):
    """Each struct but handles, of which all documentation is in OWNERSHIP, says whether it may grow."""
    found = list(found)
    sized = {item.name.split(".")[0] for item in found if item.name.endswith(".struct_size")}
    handles = {item.name.split(".")[0] for item in found if item.declaration == "uint64_t id;"}
    for item in found:
        if item.kind == "struct" and item.name not in handles:
            said = [line for line in item.doc if re.match(r"(May grow at its end: |Never grows, )", line)]
            if len(said) != 1 or (item.name in sized) != ("`struct_size`" in said[0]):
                yield f"struct {item.name}: does not say whether it may grow"


def initialisers(text, found):
    """Every KAL_..._INIT has a function kal_..._init for languages without macros."""
    functions = {item.name for item in found if item.kind == "function"}
    for macro in re.findall(r"(?m)^#define (KAL_\w+_INIT) ", text):
        if macro.lower() not in functions:
            yield f"{macro} has no function {macro.lower()}"


def names(text, found):
    """Every KAL_ and kal_ name in a comment is one that the header declares, or that it looks for."""
    declared = {item.name for item in found} | set(MACRO.findall(text)) | NAMES_OF_STATUSES
    declared |= set(re.findall(r"defined\((KAL_\w+)\)", text))
    comments = "\n".join(re.findall(r"/\*.*?\*/", text, flags=re.S))
    for name in sorted(set(re.findall(r"\b(?:kal|KAL)_\w+\*?", comments))):
        prefix = name.rstrip("*")
        if name.endswith("*") and any(other.startswith(prefix) for other in declared):
            continue
        if prefix not in declared:
            yield f"{prefix} is in a comment, and not declared"


CHECKS = {"undocumented": undocumented, "form": form, "growth": growth, "initialisers": initialisers, "names": names}


def main():
    command, path = sys.argv[1:]
    with open(path, encoding="utf-8") as header:
        text = header.read()
    found = list(items(text))
    if command == "functions":
        print("\n".join(sorted(item.name for item in found if item.kind == "function")))
    elif command == "fields":
        print("\n".join(item.name for item in found if item.kind in ("struct", "field")))
    elif command in CHECKS:
        wrong = list(CHECKS[command](text, found))
        print("\n".join(wrong))
        sys.exit(1 if wrong else 0)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
