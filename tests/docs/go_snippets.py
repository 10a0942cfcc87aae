"""Writes the Go blocks of docs/*.md, except starters.md, as a program: go_snippets.py FOLDER. `go vet` there compiles them: bindings/go/test.sh."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(?ms)^```go\n(.*?)^```$")

HEAD = """package main

import (
	"context"
	"errors"
	"fmt"

	"kaleidoscope.bio/kaleidoscope"
)

var _ = errors.As

func main() { fmt.Println() }
"""
MODULE = f"""module documentation

go 1.24

require kaleidoscope.bio/kaleidoscope v0.0.0

replace kaleidoscope.bio/kaleidoscope => {TOP}/bindings/go
"""


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    blocks = [block for page in sorted((TOP / "docs").glob("*.md")) if page.name != "starters.md" for block in BLOCK.findall(page.read_text())]
    assert blocks, "docs/*.md has no Go block"
    functions = [f"\nfunc snippet{number}(ctx context.Context, client *kaleidoscope.Client, saved string) error {{\n{block}\treturn nil\n}}\n"
                 for number, block in enumerate(blocks)]
    uses = "".join(f"\nvar _ = snippet{number}\n" for number in range(len(blocks)))
    (folder / "main.go").write_text(HEAD + "".join(functions) + uses)
    (folder / "go.mod").write_text(MODULE)


main()
