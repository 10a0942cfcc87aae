"""Writes the Swift blocks of README.md, docs/*.md and the comments of the Swift package as a file: swift_snippets.py FILE.

bindings/swift/test.sh compiles it. A block is the body of a function that has a client and a saved cursor. starters.md has a program, which
starters.py writes.
"""

import pathlib
import re
import sys
import textwrap

TOP = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(?ms)^```swift\n(.*?)^```$")
# Indented by four spaces after a line of a comment without text.
IN_COMMENT = re.compile(r"(?m)^( *)///\n((?:\1///     .*\n|\1///\n(?=\1///     ))+)")

HEAD = """import Foundation
import Kaleidoscope

func handle(_ events: [WorkspaceEvent]) {}
func save(_ cursor: String) {}
"""
FUNCTION = """
func snippet{number}(client: Client, saved cursor: String) async throws {{
    var saved = cursor
    var members: [WorkspaceMember] = []
    do {{
#sourceLocation(file: "{path}", line: {line})
{code}
#sourceLocation()
    }}
    (saved, members) = (saved, members)
}}
"""


def blocks() -> list[tuple[pathlib.Path, int, str]]:
    found = []
    for page in [TOP / "README.md", *sorted(set((TOP / "docs").glob("*.md")) - {TOP / "docs/starters.md"})]:
        text = page.read_text()
        found += [(page, text.count("\n", 0, match.start(1)) + 1, match[1]) for match in BLOCK.finditer(text)]
    for source in sorted((TOP / "bindings/swift/Sources").rglob("*.swift")):
        text = source.read_text()
        for match in IN_COMMENT.finditer(text):
            code = textwrap.dedent(re.sub(r"(?m)^ *///", "", match[2]))
            found.append((source, text.count("\n", 0, match.start(2)) + 1, code))
    return found


def main() -> None:
    found = blocks()
    pages = {path.name for path, _, _ in found}
    assert {"swift.md", "requests.md", "Client.swift", "KaleidoscopeError.swift", "WorkspaceService.swift"} <= pages, pages
    functions = [FUNCTION.format(number=number, path=path.relative_to(TOP), line=line, code=code.rstrip("\n"))
                 for number, (path, line, code) in enumerate(found)]
    pathlib.Path(sys.argv[1]).write_text(HEAD + "".join(functions))


main()
