"""Compiles and runs every snippet of docs/*.md: snippets.py

C and C++ blocks are compiled with all warnings as errors. One with a `main` is run against an emulator: it must exit with 0 and
print something, namely the following block of `text`, if there is one ("..." stands for any further lines, "…" for any text in a
line). One that defines functions or types is compiled as a file, any other as the body of a function with the usual variables.
One with a loop over a stream or a queue is also run with faults in the middle (loops.py).
Shell blocks must parse, and their `make` targets and all source files named in pages must exist. SQL blocks are run.

Seen red: a call with an argument too few ("too few arguments to function"), `count` as int ("incompatible pointer type"), a name
in the expected text changed, `make instal`, `tests/c/test_error.c`, a column `fullname` ("no such column").
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import loops
from claims import claim, close
from emulator import Emulator

TOP = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = os.environ.get("KAL_LIB_DIR", str(TOP / "target/lib"))
INCLUDE = os.environ.get("KAL_INCLUDE_DIR", str(TOP / "include"))
SQLITE = os.environ.get("KAL_SQLITE", str(TOP / "target/sqlite/kal_sqlite"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused", "-Wno-maybe-uninitialized"]
C_COMPILER = [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE"]
LINK = ["-L", LIBRARY, "-lkaleidoscope", f"-Wl,-rpath,{LIBRARY}"]
PATIENCE = 120
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
FOLDERS = "bench|bindings|docs|emulator|examples-c|fuzz|include|packaging|scripts|src|tests|tools"

C_FILE = """
#include <kaleidoscope.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char *read_token_from(void *);
"""
C_BODY = C_FILE + """
extern kal_status identity_token(void *, char *, size_t, size_t *);
extern void print_line(void *, int32_t, const char *);
int sample(void);
int sample(void)
{
    kal_client client = KAL_NONE;
    kal_result result = KAL_NONE;
    kal_error error = KAL_NONE;
    kal_stream stream = KAL_NONE;
    kal_queue queue = KAL_NONE;
    kal_cancel cancel = KAL_NONE;
    kal_status status = KAL_OK;
    size_t count = 0;
    int running = 1;
    const char *saved_cursor = NULL;
    void *my_data = NULL;
    {
SNIPPET
    }
    return status == KAL_OK;
failed:
    return 1;
}
"""
CPP_BODY = """
#include <kaleidoscope.hpp>
#include <chrono>
#include <iostream>
#include <set>
#include <unordered_map>

void sample(const kal::client& client);
void sample(const kal::client& client)
{
SNIPPET
}
"""


class Snippet:
    def __init__(self, page: pathlib.Path, match: re.Match):
        self.page = page
        self.language, self.code = match.groups()
        before, after = page.read_text()[:match.start()], page.read_text()[match.end():]
        self.line = before.count("\n") + 2
        # A program's output follows it, with text between them.
        shown = re.search(r"^```(\w+)\n(.*?)^```$", re.sub(r"(?ms)^```sh\n.*?^```$", "", after), re.M | re.S)
        self.output = shown[2] if shown and shown[1] == "text" else None
        self.name = f"{page.relative_to(TOP)}:{self.line}"

    @property
    def is_program(self) -> bool:
        return "int main(" in self.code

    def source(self) -> str:
        marked = f'#line {self.line} "{self.page.relative_to(TOP)}"\n{self.code}'
        if self.is_program or self.language == "cpp" and self.code.startswith("#include"):
            return marked
        if self.language == "cpp":
            return CPP_BODY.replace("SNIPPET", marked)
        if re.match(r"(?:static |#include|typedef |struct )", self.code):
            return C_FILE + marked
        return C_BODY.replace("SNIPPET", marked)

    def command(self, folder: str) -> list[str]:
        """Compiles it into the program or object `built`."""
        path = pathlib.Path(folder, re.sub(r"\W", "_", self.name)).with_suffix(f".{self.language}")
        path.write_text(self.source())
        self.built = str(path.with_suffix(".out"))
        standard = "-std=c++20" if "co_await" in self.code else "-std=c++17"
        compiler = [os.environ.get("CXX", "g++"), standard] if self.language == "cpp" else C_COMPILER
        return [*compiler, *WARNINGS, "-I", INCLUDE, str(path), "-o", self.built, *(LINK if self.is_program else ["-c"])]

    def loop_command(self, folder: str) -> list[str]:
        """Compiles it into a program `built` that the tests of loops can run."""
        path = pathlib.Path(folder, "loop.c")
        path.write_text(self.code if self.is_program else loops.body(self.code))
        self.built = str(path.with_suffix(".out"))
        return [*C_COMPILER, *WARNINGS, "-I", INCLUDE, "-include", str(loops.HEADER), str(path), "-o", self.built, *LINK]


def matches(expected: str, printed: str) -> bool:
    lines = expected.splitlines(keepends=True)
    pattern = "".join("(?:.*\n)*" if line == "...\n" else re.escape(line).replace("…", ".*") for line in lines)
    return re.fullmatch(pattern, printed) is not None


def run(*command: str, text: str | None = None, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=PATIENCE, cwd=TOP,
                          env=os.environ | environment)


def ends_well(ended: subprocess.CompletedProcess) -> str:
    assert ended.returncode == 0, f"status {ended.returncode}\n{ended.stdout[-500:]}{ended.stderr[-3000:]}"
    return ended.stdout


def check_compiled(snippets: list[Snippet], credentials: dict) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            compiled = list(pool.map(lambda snippet: run(*snippet.command(folder)), snippets))
        for snippet, ended in zip(snippets, compiled):
            with claim(f"{snippet.name} compiles{' and runs' if snippet.is_program else ''}"):
                ends_well(ended)
                if snippet.is_program:
                    printed = ends_well(run(snippet.built, **credentials))
                    assert printed, "it prints nothing"
                    assert snippet.output is None or matches(snippet.output, printed), f"it prints\n{printed}"


def check_loops(snippets: list[Snippet]) -> None:
    with claim("docs: there are loops over a stream, over one that follows, and over a queue"):
        assert len(snippets) >= 3, [snippet.name for snippet in snippets]
    for snippet in snippets:
        with claim(f"{snippet.name} loses nothing by failures and frees everything"), tempfile.TemporaryDirectory() as folder:
            ends_well(run(*snippet.loop_command(folder)))
            loops.check(snippet.built, snippet.code)


def check_session(snippets: list[Snippet], program: Snippet) -> None:
    """Runs the shell session of the page about the emulator, with the program of the first pages."""
    with claim("docs: the shell session with the emulator makes the library retry"), tempfile.TemporaryDirectory() as folder:
        session = next(snippet for snippet in snippets if "--exit-with-stdin" in snippet.code)
        counted = 'curl --silent "$KALEIDOSCOPE_API_URL/__emulator/counts" >counts\nexec 9>&-'
        code = session.code.replace("exec 9>&-", counted)
        assert code != session.code
        ends_well(run(*program.command(folder)))
        os.symlink(program.built, f"{folder}/members")
        os.makedirs(f"{folder}/target/debug")
        os.symlink(os.environ["KAL_EMULATOR"], f"{folder}/target/debug/kal-emulator")
        ended = subprocess.run(["sh", "-eu"], input=code, capture_output=True, text=True, timeout=PATIENCE, cwd=folder)
        assert ends_well(ended).count("@example.com") > 0
        counts = json.loads(pathlib.Path(folder, "counts").read_text())
        # One request without a fault, two that failed and one that succeeded.
        assert counts["paths"]["/workspaces/members"] == 4, counts


def check_shell(snippets: list[Snippet]) -> None:
    targets = set(re.findall(r"(?m)^([\w-]+):", (TOP / "Makefile").read_text()))
    for snippet in snippets:
        with claim(f"{snippet.name} is shell, and make has its targets"):
            ends_well(run("sh", "-n", text=snippet.code))
            unknown = set(re.findall(r"(?m)^make (?:[A-Z]+=\S+ )*([\w-]+)", snippet.code)) - targets
            assert not unknown, f"make has no target {unknown}"


def check_names(pages: list[pathlib.Path]) -> None:
    targets = set(re.findall(r"(?m)^([\w-]+):", (TOP / "Makefile").read_text()))
    with claim("the files and make targets that the documentation names exist"):
        for page in pages:
            text = page.read_text()
            for name in re.findall(rf"`((?:{FOLDERS})/[\w./-]+)`", text):
                assert (TOP / name).exists(), f"{page.name} names {name}"
            for target in re.findall(r"`make (?:[A-Z]+=\S+ )*([\w-]+)", text):
                assert target in targets, f"{page.name}: make has no target {target}"


def check_sql(snippets: list[Snippet], credentials: dict) -> None:
    for snippet in snippets:
        with claim(f"{snippet.name} runs in SQLite"):
            assert os.path.exists(f"{SQLITE}.so"), f"{SQLITE}.so is not built"
            ends_well(run("sqlite3", "-bail", "-cmd", f".load {SQLITE}", text=snippet.code, **credentials))


def main() -> int:
    pages = sorted((TOP / "docs").rglob("*.md"))
    # tests/windows compiles those of windows.md, for Windows; starters.py runs those of starters.md.
    elsewhere = ("windows.md", "starters.md")
    snippets = [Snippet(page, match) for page in pages if page.name not in elsewhere for match in BLOCK.finditer(page.read_text())]
    of = {language: [s for s in snippets if s.language == language] for language in ("c", "cpp", "sh", "sql")}
    with claim("docs: there are snippets in C, C++, shell and SQL"):
        assert all(of.values()), {language: len(found) for language, found in of.items()}
    with Emulator(seed=7) as emulator:
        credentials = {"KALEIDOSCOPE_API_URL": emulator.url, "KALEIDOSCOPE_API_CLIENT_ID": emulator.client_id,
                       "KALEIDOSCOPE_API_CLIENT_SECRET": emulator.client_secret}
        check_compiled(of["c"] + of["cpp"], credentials)
        check_sql(of["sql"], credentials)
    check_loops([snippet for snippet in of["c"] if loops.has_loop(snippet.code)])
    check_session(of["sh"], next(snippet for snippet in of["c"] if snippet.page.name == "first-program.md"))
    check_shell(of["sh"])
    check_names([*pages, TOP / "README.md", TOP / "CONTRIBUTING.md"])
    return close()


if __name__ == "__main__":
    sys.exit(main())
