"""Parses include/kaleidoscope.h: every function, struct, type and macro with its doc comment, and the introduction.

The manual pages (scripts/man.py) and the reference of the site (docs/_ext/header.py) are generated from this. Doc comments are
`//` lines or a block before the item, in a little Markdown: `code`, lists, and paragraphs that begin with one of LABELS.
"""

import dataclasses
import re
import textwrap

LABELS = ("Parameters", "Ownership", "Returns", "Threads", "Example", "Since", "See also")


@dataclasses.dataclass
class Item:
    kind: str                       # function, struct, type, macro
    name: str
    doc: str                        # "" where there is none
    code: str = ""                  # function, type: the declaration in one line; macro: its value
    fields: list = dataclasses.field(default_factory=list)      # struct: items of the kind "field"
    returns: str = ""               # function
    parameters: list = dataclasses.field(default_factory=list)  # function: the declarations of its parameters

    @property
    def is_handle(self) -> bool:
        """Whether it is a struct with only an opaque id."""
        return self.kind == "struct" and [field.name for field in self.fields] == ["id"]

    @property
    def is_number(self) -> bool:
        return self.kind == "macro" and bool(re.fullmatch(r"-?\d+", self.code))

    @property
    def is_status(self) -> bool:
        return self.is_number and not re.match(r"KAL_(CLIENT|CACHE|ACCESS|LOG|RESULT|VERSION|PAGE|WAIT)_", self.name)


def comment_text(comment: str) -> str:
    """A comment without its delimiters."""
    if comment.lstrip().startswith("/*"):
        comment = re.sub(r"^\s*/\*+[!<]?|\*+/\s*$", "", comment)
        return textwrap.dedent(re.sub(r"(?m)^\s*\*(?: |$)", "", comment)).strip()
    return textwrap.dedent(re.sub(r"(?m)^\s*//[/!<]*", "", comment)).strip()


def spelled(declaration: str) -> str:
    """A declaration formatted as in hand-written code."""
    declaration = re.sub(r"\b(?:KAL_API|KAL_NODISCARD|extern)\s+", "", declaration)
    declaration = re.sub(r"\bstruct (?=kal_)", "", declaration)
    return re.sub(r"\(\s+", "(", re.sub(r"\s+", " ", declaration)).strip()


def split_parameters(text: str) -> list:
    """Splits parameters at commas outside inner parentheses."""
    found, depth, start = [], 0, 0
    for at, letter in enumerate(text + ","):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
    return [] if found == ["void"] else found


def declared(code: str, doc: str, in_struct: bool) -> Item:
    """The item declared by a statement that ends with a semicolon."""
    code = spelled(code.rstrip(";"))
    pointer = re.search(r"\(\*\s*(\w+)\)", code)
    if in_struct:
        return Item("field", pointer[1] if pointer else re.search(r"(\w+)(?:\[[^]]*\])?$", code)[1], doc, code)
    if code.startswith("typedef "):
        return Item("type", pointer[1] if pointer else re.search(r"(\w+)$", code)[1], doc, code.removeprefix("typedef "))
    before, name, inner = re.fullmatch(r"(.*?)(\w+)\s*\((.*)\)", code).groups()
    return Item("function", name, doc, code, returns=before.strip(), parameters=split_parameters(inner))


def lines_of(text: str):
    """(comment, code) of each line: a comment is complete and without code, unless it follows code on its line."""
    comment = ""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        stripped = line.strip()
        if comment or stripped.startswith("/*"):
            comment += line + "\n"
            if "*/" in line:
                yield comment_text(comment), ""
                comment = ""
        elif stripped.startswith("//"):
            yield line, ""
        else:
            yield "", re.sub(r"\s*(?://.*|/\*.*?\*/)$", "", stripped)


def items(text: str) -> list:
    """All items, in the header's order."""
    found, doc, shared, struct, code = {}, [], "", None, ""
    for comment, line in lines_of(text):
        if comment:
            doc.append(comment)
            continue
        if not line:
            doc, shared = [] if not code else doc, ""
            continue
        text_before = comment_text("\n".join(doc)) if doc and doc[0].lstrip().startswith("//") else "\n".join(doc)
        if line.startswith("#"):
            defined = re.match(r"#\s*define (KAL_\w+)(?:\([^)]*\))?\s*(.*)$", line)
            if defined:
                # Definitions without an empty line between them share the comment above the first.
                shared = text_before or shared
                found.setdefault(defined[1], Item("macro", defined[1], shared, defined[2]))
                doc = []
            continue
        opened = re.match(r"typedef (?:struct|union|enum) (\w+) \{$", line)
        if opened:
            struct, doc = Item("struct", opened[1], text_before), []
        elif struct and line.startswith("}"):
            found[struct.name], struct, doc = struct, None, []
        elif line in ('extern "C" {', "}"):
            doc = []
        else:
            code = f"{code} {line}".strip()
            if code.endswith(";"):
                item = declared(code, text_before, struct is not None)
                if struct:
                    struct.fields.append(item)
                else:
                    found[item.name] = item
                code, doc = "", []
    for item in found.values():
        initialised = re.match(r"\{\s+sizeof\((\w+)\)", item.code) if item.kind == "macro" else None
        if initialised:
            item.doc = f"Initialises a `{initialised[1]}`: its size, and the default for everything else."
    return list(found.values())


def sections(doc: str) -> dict:
    """The text under "" and under each of LABELS."""
    parts = {"": []}
    label, fenced = "", False
    for line in doc.splitlines():
        labelled = re.match(rf"({'|'.join(LABELS)}):(?:\s+|$)(.*)$", line, re.I)
        if labelled and not fenced:
            label = labelled[1].capitalize()
            line = labelled[2]
        fenced ^= line.strip().startswith("```")
        parts.setdefault(label, []).append(line)
    return {label: itemised(label, textwrap.dedent("\n".join(lines)).strip("\n")) for label, lines in parts.items()}


def itemised(label: str, text: str) -> str:
    """Capitalises the text of a label; parameters and statuses with a line each become a list."""
    named = re.compile(r"(`?[A-Za-z_]\w*`?)(?::|  | - | +\u2013)\s*(.*)")
    heads = [line for line in text.splitlines() if line.strip() and not line.startswith(" ")]
    if label in ("Parameters", "Returns") and len(heads) > 1 and all(named.fullmatch(line) for line in heads):
        text = re.sub(r"(?m)^(?=\S)(.*)$", lambda line: named.sub(r"- \1: \2", line[0]), text)
    return text[:1].upper() + text[1:] if label else text


def sentence(doc: str) -> str:
    """The first sentence, without its full stop."""
    text = re.sub(r"\s+", " ", doc.split("\n\n")[0])
    return re.match(r"(.*?)(?:\.(?= [A-Z`])|\.?$)", text)[1]


def introduction(text: str) -> list:
    """(heading, text) of the sections in the header's first comment; the first has no heading."""
    comment = comment_text(re.search(r"/\*.*?\*/", text, re.S)[0])
    found = [("", [])]
    lines = comment.splitlines()
    for at, line in enumerate(lines):
        alone = (at == 0 or not lines[at - 1].strip()) and (at + 1 == len(lines) or not lines[at + 1].strip())
        if alone and re.fullmatch(r"[A-Z][A-Z ,:'()/-]+", line):
            found.append((line, []))
        else:
            found[-1][1].append(line)
    return [(heading, "\n".join(lines).strip("\n")) for heading, lines in found]


def version(text: str) -> str:
    return re.search(r'#define KAL_VERSION "(.*)"', text)[1]
