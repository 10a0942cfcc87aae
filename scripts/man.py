#!/usr/bin/env python3
"""Generates the manual pages from include/kaleidoscope.h and emulator/README.md, with Python alone.

    man.py FOLDER   writes man1/, man3/ and man7/ below FOLDER
    man.py --list   the pages' paths below the folder, one a line
"""

import os
import pathlib
import re
import sys
import textwrap

import headerdoc

TOP = pathlib.Path(__file__).resolve().parent.parent
HEADER = TOP / "include/kaleidoscope.h"
EMULATOR = TOP / "emulator/README.md"
ANY_STATUS = "KAL_INVALID_HANDLE KAL_INVALID_ARGUMENT KAL_INVALID_UTF8 KAL_FORKED KAL_INTERNAL KAL_PANIC".split()


def escaped(text: str) -> str:
    """Escapes text for roff: no character starts a request, and quotes and dashes are kept."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    text = text.replace("^", r"\(ha").replace("~", r"\(ti").replace("…", "...")
    return re.sub(r"(?m)^\.", r"\\&.", text)


def inline(text: str) -> str:
    """Converts a paragraph of Markdown: code and names in bold; links become their text."""
    text = re.sub(r"\[`?([^]`]*)`?\]\([^)]*\)", r"\1", re.sub(r"\s+", " ", text.strip()))
    made = []
    for at, part in enumerate(re.split(r"`([^`]+)`", text)):
        if at % 2:
            made.append(rf"\fB{escaped(part)}\fP")
        else:
            part = escaped(re.sub(r"\*\*([^*]+)\*\*", r"\1", part))
            made.append(re.sub(r"(?<![\w/])(kal_[a-z0-9_]+|KAL_[A-Z0-9_]+)(?![\w*])", r"\\fB\1\\fP", part))
    made = "".join(made)
    # One sentence per line, and long ones wrapped.
    sentences = re.sub(r"(?<=[A-Za-z0-9)`][.:?!]) (?=[A-Z\\])", "\n", made).split("\n")
    wrapped = "\n".join(textwrap.fill(text, 78, break_long_words=False, break_on_hyphens=False) for text in sentences)
    return re.sub(r"(?m)^([.'])", r"\\&\1", wrapped)


def preformatted(lines: list) -> str:
    return ".PP\n.in +4n\n.EX\n" + escaped("\n".join(lines)) + "\n.EE\n.in\n"


def capital(text: str) -> str:
    return text if text.startswith("http") else text[:1].upper() + text[1:]


def table(lines: list) -> str:
    """Converts a table to a list of the first column's texts, each with the other columns."""
    rows = [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])] for line in lines]
    heads, made = rows[0], ""
    for row in (row for row in rows[1:] if not re.fullmatch(r"[-: ]*", "".join(row))):
        said = [row[-1]] + [f"{head}: {cell}." for head, cell in zip(heads[1:-1], row[1:-1]) if cell]
        said[0] = capital(said[0].rstrip(".")) + "."
        made += f".TP\n{inline(row[0]) or '-'}\n" + "\n".join(inline(text) for text in said) + "\n"
    return made


def blocks(text: str) -> str:
    """Converts Markdown, or the header's plain text, to man(7): paragraphs, lists, tables, code, headings."""
    made, lines, at = "", text.splitlines() + [""], 0
    while at < len(lines):
        line, start = lines[at], at
        at += 1
        if not line.strip():
            continue
        if line.startswith("```"):
            while at < len(lines) and not lines[at].startswith("```"):
                at += 1
            made += preformatted(lines[start + 1:at])
            at += 1
        elif line.startswith("    "):
            while at < len(lines) and (lines[at].startswith("    ") or (not lines[at].strip() and
                                       at + 1 < len(lines) and lines[at + 1].startswith("    "))):
                at += 1
            made += preformatted(textwrap.dedent("\n".join(lines[start:at])).splitlines())
        elif line.startswith("|"):
            while lines[at].startswith("|"):
                at += 1
            made += table(lines[start:at])
        elif line.startswith("#"):
            made += f".SH {escaped(line.lstrip('# ').upper())}\n"
        else:
            item = re.match(r"[-*] +", line)
            while lines[at].strip() and not re.match(r"[-*] |\||```|    ", lines[at].removeprefix("  ") if item else lines[at]):
                at += 1
            text_of = " ".join([line[len(item[0]):] if item else line, *(more.strip() for more in lines[start + 1:at])])
            made += (".IP \\(bu 2\n" if item else ".PP\n") + inline(text_of) + "\n"
    return made


def brief(purpose: str) -> str:
    """A one-line summary: text after a colon, or after a comma of a long sentence, is left to the description."""
    pieces = re.split(r"([:;,] )", re.sub(r"`[^`]*`", lambda code: code[0].translate({58: 1, 59: 2, 44: 3}), purpose))
    shown = pieces[0]
    for mark, piece in zip(pieces[1::2], pieces[2::2]):
        if mark != ", " or len(shown + mark + piece) > 56:
            break
        shown += mark + piece
    return shown.translate({1: 58, 2: 59, 3: 44}).replace("`", "")


def page(name: str, section: int, version: str, date: str, purpose: str, body: str) -> str:
    purpose = purpose[:1].lower() + purpose[1:] if not re.match(r"[A-Z]{2}|`", purpose) else purpose
    name_line = textwrap.fill(f"{name} \\- {escaped(brief(purpose))}", 79, break_on_hyphens=False)
    made = (f".\\\" SPDX-License-Identifier: MIT OR Apache-2.0\n"
            f".\\\" Made by scripts/man.py: change what it reads instead.\n"
            f".TH {name.upper()} {section} {date} \"libkaleidoscope {version}\"\n"
            f".SH NAME\n{name_line}\n{body}")
    # Headings have their own spacing.
    made = re.sub(r"(\.S[HS] [^\n]*\n)\.PP\n", r"\1", made)
    return re.sub(r"\n{2,}", "\n", re.sub(r"(?m)^(\.EX\n)((?:.|\n)*?)(\.EE)", keep_empty_lines, made)) \
        .replace("\0", "")


def keep_empty_lines(example) -> str:
    """Keeps the empty lines of an example."""
    return example[1] + re.sub(r"(?m)^$\n", ".sp\n", example[2]) + example[3]


def prototype(code: str, width: int = 76) -> str:
    """A declaration, with one parameter per line if it would be too long."""
    if len(code) + 1 <= width or "(" not in code:
        return f"{code};"
    head, parameters = re.match(r"(.*\()(.*)\)$", code).groups()
    parameters = headerdoc.split_parameters(parameters)
    indent = len(head) if max(map(len, parameters)) + len(head) + 2 <= width else 8
    first = "" if indent == len(head) else "\n" + " " * indent
    return head + first + f",\n{' ' * indent}".join(parameters) + ");"


def synopsis(lines: str) -> str:
    bold = "\n".join(rf"\fB{escaped(line)}\fP" if line.strip() else ".sp" for line in lines.splitlines())
    return f".SH SYNOPSIS\n.nf\n\\fB#include <kaleidoscope.h>\\fP\n.sp\n{bold}\n.fi\n"


def see_also(item, names: dict) -> str:
    texts = " ".join([item.doc, item.code, *(f"{field.doc} {field.code}" for field in item.fields)])
    mentioned = {name for name in re.findall(r"\bkal_\w+", texts) if name in names and name != item.name}
    if re.search(r"\bkal_status\b", item.code):
        mentioned.discard("kal_status")
        mentioned.add("kal_error_get") if item.name != "kal_error_get" and "kal_error_get" in names else None
    references = [rf"\fB{name}\fP(3)" for name in sorted(mentioned)] + [r"\fBkaleidoscope\fP(7)"]
    return ".SH SEE ALSO\n" + ",\n".join(references) + "\n"


def return_value(item, returns: str) -> str:
    """A section of a function's page: from its comment, or the text for all functions of its type."""
    if item.returns == "void":
        return ""
    made = ".SH RETURN VALUE\n" + blocks(returns) if returns else ".SH RETURN VALUE\n"
    if item.returns != "kal_status":
        # Without a separate paragraph, the description covers it.
        return made if returns else ""
    if not returns:
        made += r"\fBKAL_OK\fP on success, another status otherwise." + "\n"
        named = [name for name in dict.fromkeys(re.findall(r"\bKAL_[A-Z0-9_]+\b(?!\*)", item.doc))
                 if name in STATUSES and name != "KAL_OK"]
        if named:
            made += "Above are named\n" + ",\n".join(rf"\fB{name}\fP" for name in named) + ".\n"
    made += ".PP\nAny function may also return\n" + ",\n".join(rf"\fB{name}\fP" for name in ANY_STATUS) + ".\n"
    if any(parameter.endswith("*error") for parameter in item.parameters):
        made += "On failure *\\fIerror\\fP describes it; the parameter may be NULL.\n"
    return made


STATUSES: set = set()


def of_item(item, names: dict) -> str:
    said = headerdoc.sections(item.doc)
    if item.kind == "struct":
        # A field's comment is shown below, its declaration here.
        width = max(len(field.code) for field in item.fields)
        body = synopsis(f"typedef struct {item.name} {{\n" +
                        "".join(f"    {field.code};\n" for field in item.fields) + f"}} {item.name};") if width else ""
    else:
        body = synopsis(("typedef " if item.kind == "type" else "") + prototype(item.code))
    body += ".SH DESCRIPTION\n" + blocks(said[""])
    if "Parameters" in said:
        body += ".SS Parameters\n" + blocks(said["Parameters"])
    for field in item.fields:
        body += f".TP\n\\fI{field.name}\\fP\n" + inline(field.doc) + "\n"
    for label in ("Ownership", "Threads"):
        if label in said:
            body += f".SS {label}\n" + blocks(said[label])
    if item.kind == "function":
        body += return_value(item, said.get("Returns", ""))
    elif item.name == "kal_status":
        for status in STATUSES.values():
            body += f".TP\n\\fB{status.name}\\fP ({status.code})\n" + inline(status.doc) + "\n"
    elif "Returns" in said:
        body += ".SH RETURN VALUE\n" + blocks(said["Returns"])
    if "Since" in said:
        body += ".SH HISTORY\nSince " + inline(said["Since"]) + ("\n" if said["Since"].endswith(".") else ".\n")
    if "Example" in said:
        body += ".SH EXAMPLES\n" + blocks(said["Example"])
    return body + see_also(item, names)


def of_library(header: str, names: dict, found: list) -> str:
    """kaleidoscope(7): the header's introduction, and lists of functions and types."""
    body = synopsis("cc program.c $(pkg-config --cflags --libs kaleidoscope)")
    body += ".SH DESCRIPTION\nA C library for the Kaleidoscope platform (kaleidoscope.bio).\n"
    for heading, text in headerdoc.introduction(header):
        if heading:
            body += f".SS {escaped(heading.capitalize())}\n" + blocks(text)
    body += ".SH FUNCTIONS\n"
    for item in found:
        if item.kind == "function":
            body += f".TP\n\\fB{item.name}\\fP(3)\n{inline(headerdoc.sentence(item.doc))}.\n"
    body += ".SH STRUCTURES AND TYPES\n"
    for item in found:
        if item.kind in ("struct", "type") and item.name in names:
            body += f".TP\n\\fB{item.name}\\fP(3)\n{inline(headerdoc.sentence(item.doc))}.\n"
    return body + ".SH SEE ALSO\n\\fBkal_client_open\\fP(3),\n\\fBkal_status\\fP(3),\n\\fBkal\\-emulator\\fP(1)\n"


def of_emulator(text: str) -> str:
    body = re.sub(r"^# .*\n", "", text)
    lead, rest = re.split(r"(?m)^(?=## )", body, maxsplit=1)
    return (".SH SYNOPSIS\n.B kal\\-emulator\n.RI [ options ]\n"
            ".SH DESCRIPTION\n" + blocks(lead) +
            ".PP\nThe program is not installed with the library.\nIn the source tree,\n.B make emulator\nbuilds it as\n"
            ".IR target/debug/kal\\-emulator .\n" + blocks(rest) + ".SH SEE ALSO\n\\fBkaleidoscope\\fP(7)\n")


def pages() -> dict:
    global STATUSES
    header = HEADER.read_text(encoding="utf-8")
    found = headerdoc.items(header)
    version = headerdoc.version(header)
    # The date of the release, so that the same sources result in the same pages.
    log = (TOP / "packaging/debian/changelog").read_text(encoding="utf-8")
    day, month, year = re.search(r"(?m)^ -- .*, +(\d+) (\w{3}) (\d{4})", log).groups()
    date = f"{year}-{'JanFebMarAprMayJunJulAugSepOctNovDec'.index(month) // 3 + 1:02}-{int(day):02}"
    STATUSES = {item.name: item for item in found if item.is_status}
    documented = {item.name: item for item in found
                  if item.kind in ("function", "type") or (item.kind == "struct" and not item.is_handle)}
    made = {f"man3/{name}.3": page(name, 3, version, date, headerdoc.sentence(item.doc), of_item(item, documented))
            for name, item in documented.items()}
    made["man7/kaleidoscope.7"] = page("kaleidoscope", 7, version, date, "the Kaleidoscope platform for C and C++",
                                       of_library(header, documented, found))
    made["man1/kal-emulator.1"] = page("kal-emulator", 1, version, date, "a local server that speaks the Kaleidoscope API",
                                       of_emulator(EMULATOR.read_text(encoding="utf-8")))
    return made


def main(argument: str) -> None:
    made = pages()
    if argument == "--list":
        print("\n".join(sorted(made)))
        return
    for path, text in made.items():
        target = pathlib.Path(argument, path)
        os.makedirs(target.parent, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-") and sys.argv[1] != "--list":
        sys.exit(__doc__)
    main(sys.argv[1])
