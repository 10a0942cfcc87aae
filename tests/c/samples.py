"""Runs every block of C in the header and the README, unchanged: samples.py INCLUDE_DIR LIB_DIR

Each runs as C, as C++, and as C under valgrind, which is left out where KAL_RUNNER runs programs of another machine;
tests/header/run.sh compiles them in every standard, tests/docs/loops.py checks their loops. Seen red with the result freed and the
client closed before the loop of the complete program ("Invalid read"), without the suppressions ("48 bytes in 1 blocks are possibly
lost"), with `email` for `full_name` in the README's. The packages that the README names are those that scripts/tools.sh installs;
seen red without valgrind in it.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import blocks
import loops
from claims import claim, close
from emulator import Emulator

PATIENCE = 120
RUNNER = os.environ.get("KAL_RUNNER", "").split()
COMPILERS = {"c": [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE"],
             "cpp": [os.environ.get("CXX", "g++"), "-std=c++11"]}
WARNINGS = ["-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function"]
WAITS = re.compile(r"^.*wait with poll.*$", re.MULTILINE)
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,possible",
            "--show-leak-kinds=definite,possible", "--error-exitcode=99", "--fair-sched=yes",
            "--suppressions=packaging/libkaleidoscope.supp"]


def compiled(folder: str, block: blocks.Block, language: str, include: str, library: str) -> str:
    """A program, unchanged; a block without a main becomes the body of one."""
    source, extra = block.code, []
    if not block.is_program:
        # What the comment says, for a block that leaves it to the program.
        source, extra = loops.body(WAITS.sub("sample_wait(queue);", source)), ["-include", loops.HEADER]
    path = pathlib.Path(folder, f"{re.sub('[^A-Za-z0-9]+', '_', block.name)}.{language}")
    path.write_text(source)
    program = str(path.with_suffix(f".{language}.out"))
    command = [*COMPILERS[language], *WARNINGS, "-I", include, *extra, str(path), "-o", program]
    command += ["-L", library, "-lkaleidoscope", f"-Wl,-rpath,{library}"]
    subprocess.run(command, check=True)
    return program


def prints_members(program: list[str]):
    """By name; the id or the email for a member without one."""
    with Emulator() as emulator:
        emulator.data("members", '[{"id": "u1", "full_name": "Ada"}, {"id": "u2"}]')
        environment = os.environ | {
            "KALEIDOSCOPE_API_URL": emulator.url,
            "KALEIDOSCOPE_API_CLIENT_ID": emulator.client_id,
            "KALEIDOSCOPE_API_CLIENT_SECRET": emulator.client_secret,
        }
        ended = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert (ended.returncode, ended.stdout) in ((0, "Ada\nu2\n"), (0, "Ada <->\n? <->\n")), ended


def installed(tools: str) -> set[str]:
    """The packages that scripts/tools.sh may install with apt-get."""
    needed = {line.split()[2] for line in tools.splitlines() if re.match(r" *need [^(]", line)}
    return needed | set(re.findall(r'missing="\$missing ([^" ]+)"', tools)) - {"$2"}


def named(readme: str) -> set[str]:
    """The packages in the README's table, which are listed before those that apt-get does not have."""
    table = readme.split("\n## Two commands\n", 1)[1].split("\n## ", 1)[0]
    cells = [row.split("|")[2].split("; of rustup", 1)[0] for row in table.splitlines() if row.startswith("| `make")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def run_once(program: list[str], sends: bool):
    """A block without a loop, which may open a client only."""
    with Emulator() as emulator:
        run = loops.Run(program, emulator, lambda *_: None)
        assert run.code == 0, run.messages
        assert bool(emulator.requests()) == sends, emulator.requests()


def check(block: blocks.Block, program: list[str]):
    if block.is_program:
        prints_members(program)
    elif loops.has_loop(block.code) or loops.has_handler(block.code):
        loops.check(program, block.code)
    else:
        run_once(program, "kal_workspace_get" in block.code)


def main(include: str, library: str) -> int:
    readme = pathlib.Path("README.md").read_text()
    header = pathlib.Path(include, "kaleidoscope.h").read_text()
    found = blocks.of_header(header) + blocks.of_readme(readme)
    with claim("samples: there are two programs, and blocks below four headings of the header and below Cache in the README"):
        assert [block.is_program for block in found].count(True) == 2, found
        headings = {"OPTIONS", "CACHE", "EVENT LOOPS: CALLS THAT DO NOT BLOCK", "FOLLOWING EVENTS", "README.md, Cache"}
        assert headings <= {block.name for block in found}, found
    with tempfile.TemporaryDirectory() as folder:
        for block in found:
            for language, before in (("c", []), ("cpp", []), ("c", VALGRIND)):
                if before and RUNNER:
                    continue
                how = "under valgrind" if before else f"as {'C++' if language == 'cpp' else 'C'}"
                with claim(f"samples: {block.name} runs {how}, loses nothing by failures, and frees everything"):
                    check(block, [*RUNNER, *before, compiled(folder, block, language, include, library)])
    for name, text in (("header", header), ("README", readme)):
        with claim(f"samples: the {name} says how long the cache lasts, and how to refresh it"):
            section = re.split(r"\n(?: \* [A-Z][A-Z ,:]+|## .*)\n", re.split(r"\n(?: \* CACHE|## Cache)\n", text)[1])[0]
            for said in ("cache_ttl_ms", "KAL_CACHE_REFRESH", "kal_client_clear_caches", "Python client", "deactivated"):
                assert said in section, said
    with claim("samples: the README names exactly the packages that are installed"):
        needed, told = installed(pathlib.Path("scripts/tools.sh").read_text()), named(readme)
        assert needed == told, f"not named: {sorted(needed - told)}, not installed: {sorted(told - needed)}"
    return close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
