"""The header on the site.

```{kal-items} PATTERN... ``` stands for the functions, structs, types and macros of include/kaleidoscope.h whose names match, each
with its comment and an anchor. `PATTERN()` is functions only, `STATUSES:FROM-TO` statuses. Names in `code` link to them, wherever they are: a name that looks
like one of the library's and is none is a warning, and so is an item that is on no page.
"""

import fnmatch
import pathlib
import re

import headerdoc
from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

HEADER = pathlib.Path(__file__).resolve().parents[2] / "include/kaleidoscope.h"
ITEMS = headerdoc.items(HEADER.read_text(encoding="utf-8"))
NAME = re.compile(r"(?:struct )?((?:kal_[a-z]|KAL_[A-Z])\w*(?:\.\w+)?)(\(\))?")
# What looks like a name of the header and is none: names that kal_status_name gives beside those of the constants, and what
# the extension for SQLite has.
OTHERS = {
    "KAL_HTTP_4XX", "KAL_HTTP_5XX", "KAL_UNKNOWN_STATUS",
    "kal_sqlite", "kal_sqlite.so", "kal_open", "kal_refresh", "kal_sync", "kal_sync_state", "kal_time", "kal_row",
    "kal_members", "kal_groups", "kal_group_members", "kal_events",
}
logger = logging.getLogger(__name__)


def fenced(ticks: int, directive: str, argument: str, *content: str) -> str:
    fence = "`" * ticks
    return f"{fence}{{{directive}}} {argument}\n\n" + "\n\n".join(filter(None, content)) + f"\n{fence}\n"


def markdown(doc: str) -> str:
    """A comment, the parts that have a label under it."""
    parts = headerdoc.sections(doc)
    made = []
    for label, text in parts.items():
        # A list stands below its label, a paragraph behind it.
        between = "\n\n" if re.search(r"(?m)^(?:[-*|]|```)", text) else " "
        made.append(f"**{label}:**{between}{text}" if label else text)
    return "\n\n".join(made)


def described(item) -> str:
    if item.kind == "struct":
        fields = [fenced(5, "c:member", field.code, field.doc) for field in item.fields]
        return fenced(6, "c:struct", item.name, markdown(item.doc), *fields)
    if item.kind == "macro":
        return fenced(6, "c:macro", item.name, markdown(item.doc))
    return fenced(6, {"function": "c:function", "type": "c:type"}[item.kind], item.code, markdown(item.doc))


class KalItems(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        self.env.note_dependency(str(HEADER))
        shown = []
        for pattern in self.arguments[0].split():
            exact = not set(pattern) & set("*?[")
            matching = [item for item in ITEMS if fnmatch.fnmatchcase(item.name, pattern.removesuffix("()"))
                        and item not in shown and (item.kind == "function" or not pattern.endswith("()"))]
            if pattern.startswith("STATUSES:"):
                first, last = map(int, pattern.split(":")[1].split("-"))
                matching = [item for item in ITEMS if item.is_status and first <= int(item.code) <= last]
            elif exact and not matching:
                logger.warning("the header has no %s", pattern, location=self.get_location())
            shown += matching
        made = nodes.Element()
        text = "\n".join(described(item) for item in shown)
        self.state.nested_parse(StringList(text.splitlines(), str(HEADER)), self.content_offset, made)
        for signature in made.findall(addnodes.desc_signature):
            self.show_value(signature)
        return made.children

    @staticmethod
    def show_value(signature):
        """A number is said beside its name."""
        item = next((item for item in ITEMS if item.name == signature.astext() and item.is_number), None)
        if item:
            line = next(iter(signature.findall(addnodes.desc_signature_line)), signature)
            line += nodes.inline("", f" = {item.code}", classes=["kal-value"])


class Names(SphinxTransform):
    """`kal_client_open` in a text is a link to it."""

    default_priority = 200

    def apply(self):
        for literal in list(self.document.findall(nodes.literal)):
            name = NAME.fullmatch(literal.astext())
            # On the page about SQL it is a table.
            table = self.env.docname == "sql" and literal.astext() == "kal_workspace"
            if not name or table or name[1] in OTHERS or isinstance(literal.parent, (nodes.reference, addnodes.pending_xref)):
                continue
            link = addnodes.pending_xref("", refdomain="c", reftype="identifier", reftarget=name[1], refdoc=self.env.docname,
                                         refwarn=True, modname=None, classname=None)
            link["c:parent_key"] = None
            link.source, link.line = literal.source or literal.parent.source, literal.line or literal.parent.line
            literal.replace_self(link)
            link += literal


def missing(app, env):
    """Every item of the header is on some page, and says what it is."""
    shown = {name for name, *_ in env.get_domain("c").get_objects()}
    for item in ITEMS:
        for name, doc in [(item.name, item.doc), *((f"{item.name}.{field.name}", field.doc) for field in item.fields)]:
            if not doc:
                logger.warning("%s has no comment in the header", name)
            if name not in shown:
                logger.warning("%s is in the header and on no page of the reference", name)


def setup(app):
    app.add_directive("kal-items", KalItems)
    app.add_transform(Names)
    app.connect("env-check-consistency", missing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
