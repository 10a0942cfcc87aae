"""Runs the programs of docs/starters.md: starters.py

    starters.py LANGUAGE FILE               writes the program in Go or Swift, for the tests of the binding
    starters.py LANGUAGE FOLDER COMMAND...  checks that program, which COMMAND runs in FOLDER

Each finds `kal-emulator` in PATH. It must print what it found and end with 0; with other data, and where the emulator does not start,
it must fail. In no case an emulator is left.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

from claims import claim, close
from snippets import BLOCK, C_COMPILER, INCLUDE, LINK, PATIENCE, TOP, WARNINGS, ends_well

CPP_COMPILER = [os.environ.get("CXX", "g++"), "-std=c++17"]
# By the language of the block: its file, and what compiles and what runs that.
C_OPTIONS = [*WARNINGS, "-I", INCLUDE, "-o", "starter"]
PROGRAMS = {
    "c": ("starter.c", [*C_COMPILER, *C_OPTIONS, "starter.c", *LINK], ["./starter"]),
    "cpp": ("starter.cpp", [*CPP_COMPILER, *C_OPTIONS, "starter.cpp", *LINK], ["./starter"]),
    "python": ("starter.py", None, [sys.executable, "-B", "starter.py"]),
    "js": ("starter.mjs", None, ["node", "starter.mjs"]),
    "sh": ("starter.sh", None, ["sh", "starter.sh"]),
}
ELSEWHERE = {"go", "swift"}


def blocks() -> dict[str, str]:
    found = BLOCK.findall((TOP / "docs/starters.md").read_text())
    assert sorted(language for language, _ in found) == sorted({*PROGRAMS, *ELSEWHERE}), [language for language, _ in found]
    return dict(found)


def is_running(pid: int) -> bool:
    try:
        return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def run(command: list[str], folder: pathlib.Path, emulator: str) -> subprocess.CompletedProcess:
    """Runs a program that finds this shell command as kal-emulator, and waits until no emulator is left."""
    started = folder / "started"
    started.unlink(missing_ok=True)
    script = folder / "bin/kal-emulator"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\necho $$ >>{shlex.quote(str(started))}\nexec {emulator} "$@"\n')
    script.chmod(0o755)
    path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=PATIENCE)
    (pid,) = map(int, started.read_text().split())
    deadline = time.monotonic() + PATIENCE
    while is_running(pid):
        if time.monotonic() > deadline:
            os.kill(pid, 9)
            raise AssertionError("the emulator is left")
        time.sleep(0.02)
    return ended


def check(name: str, command: list[str], folder: pathlib.Path) -> None:
    emulator = shlex.quote(os.environ["KAL_EMULATOR"])
    with claim(f"{name} prints what it found, and ends its emulator"):
        printed = ends_well(run(command, folder, emulator))
        assert printed == "12 members\n", f"it prints {printed!r}"
    with claim(f"{name} fails with other data, and ends its emulator"):
        ended = run(command, folder, f"{emulator} --members 3")
        assert ended.returncode != 0 and "3 members" in ended.stdout + ended.stderr, ended
    with claim(f"{name} fails where the emulator does not start"):
        ended = run(command, folder, "false")
        assert ended.returncode != 0, "it ends with 0"


def main() -> int:
    for language, code in blocks().items():
        if language in ELSEWHERE:
            continue
        file, compiler, command = PROGRAMS[language]
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, file).write_text(code)
            name = f"docs/starters.md: the program in {language}"
            if compiler:
                with claim(f"{name} compiles"):
                    ends_well(subprocess.run(compiler, cwd=folder, capture_output=True, text=True))
            check(name, command, pathlib.Path(folder))
    return close()


def of_a_binding(language: str, folder: pathlib.Path, command: list[str]) -> int:
    """The same for a program that the tests of a binding have compiled in a folder."""
    check(f"docs/starters.md: the program in {language}", command, folder)
    return close()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        pathlib.Path(sys.argv[2]).write_text(blocks()[sys.argv[1]])
    elif len(sys.argv) > 3:
        sys.exit(of_a_binding(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]))
    else:
        sys.exit(main())
