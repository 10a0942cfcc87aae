"""Compiles and runs the samples of the header and the README unchanged: samples.py INCLUDE_DIR LIB_DIR

Its loops are checked by tests/docs/loops.py. The README's program prints the members; seen red with `email` for `full_name`. The
packages that the README names are those that scripts/tools.sh installs; seen red without valgrind in it.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import loops
from claims import claim, close
from emulator import Emulator

PATIENCE = 120
CFLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function"]


def of_header(text: str, heading: str) -> str:
    """The code under a heading of the header's introduction."""
    section = text.split(f"\n * {heading}\n", 1)[1]
    lines = re.match(r"(?: \*\n)((?: \*     .*\n| \*\n)+)", section)[1]
    return re.sub(r"^ \*(?:     )?", "", lines, flags=re.MULTILINE)


def of_section(text: str, heading: str) -> str:
    """All code of a section of the header's introduction, which begins with text."""
    section = re.split(r"\n \* [A-Z][A-Z ,:]+\n", text.split(f"\n * {heading}\n", 1)[1])[0]
    return "\n".join(re.findall(r"^ \*     (.*)$", section, re.MULTILINE))


def of_readme(text: str, heading: str) -> str:
    """The block of C under a heading of the README."""
    return re.search(r"```c\n(.*?)```", text.split(f"\n{heading}\n", 1)[1], re.DOTALL)[1]


def compiled(folder: str, name: str, source: str, include: str, library: str) -> str:
    """A program, unchanged; a sample without a main becomes the body of one."""
    extra = []
    if "int main(" not in source:
        source, extra = loops.body(source), ["-include", loops.HEADER]
    path = pathlib.Path(folder, f"{name}.c")
    path.write_text(source)
    program = str(path.with_suffix(""))
    command = [os.environ.get("CC", "cc"), *CFLAGS, "-I", include, *extra, str(path), "-o", program]
    command += ["-L", library, "-lkaleidoscope", f"-Wl,-rpath,{library}"]
    subprocess.run(command, check=True)
    return program


def prints_members(program: str):
    """By name, otherwise by id."""
    with Emulator() as emulator:
        emulator.data("members", '[{"id": "u1", "full_name": "Ada"}, {"id": "u2"}]')
        environment = os.environ | {
            "KALEIDOSCOPE_API_URL": emulator.url,
            "KALEIDOSCOPE_API_CLIENT_ID": emulator.client_id,
            "KALEIDOSCOPE_API_CLIENT_SECRET": emulator.client_secret,
        }
        ended = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert (ended.returncode, ended.stdout) == (0, "Ada\nu2\n"), ended


def installed(tools: str) -> set[str]:
    """The packages that scripts/tools.sh may install with apt-get."""
    needed = {line.split()[2] for line in tools.splitlines() if re.match(r" *need [^(]", line)}
    return needed | set(re.findall(r'missing="\$missing ([^" ]+)"', tools)) - {"$2"}


def named(readme: str) -> set[str]:
    """The packages in the README's table, which are listed before those that apt-get does not have."""
    table = readme.split("\n## Two commands\n", 1)[1].split("\n## ", 1)[0]
    cells = [row.split("|")[2].split("; of rustup", 1)[0] for row in table.splitlines() if row.startswith("| `make")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def run_once(program: str) -> int:
    """The number of requests sent by a sample without a loop."""
    with Emulator() as emulator:
        run = loops.Run(program, emulator, lambda *_: None)
        assert run.code == 0, run.messages
        return len(emulator.requests())


def main(include: str, library: str) -> int:
    header = pathlib.Path(include, "kaleidoscope.h").read_text()
    readme = pathlib.Path("README.md").read_text()
    with tempfile.TemporaryDirectory() as folder:
        with claim("samples: the loop of the header compiles, loses nothing by transient failures, and frees everything"):
            sample = of_header(header, "FOLLOWING EVENTS")
            loops.check(compiled(folder, "header", sample, include, library), sample)
        with claim("samples: the README's program compiles and prints every member"):
            prints_members(compiled(folder, "readme", of_readme(readme, "## Ten lines of C"), include, library))
        with claim("samples: the README names exactly the packages that are installed"):
            found, told = installed(pathlib.Path("scripts/tools.sh").read_text()), named(readme)
            assert found == told, f"not named: {sorted(found - told)}, not installed: {sorted(told - found)}"
        with claim("samples: the event loop of the header compiles, receives the completion, and frees everything"):
            sample = of_header(header, "EVENT LOOPS: CALLS THAT DO NOT BLOCK")
            waits = re.compile(r"^.*wait with poll.*$", re.MULTILINE)
            assert waits.search(sample), sample
            sample = waits.sub("poll(&(struct pollfd){ kal_queue_fd(queue), POLLIN, 0 }, 1, -1);", sample)
            loops.check(compiled(folder, "event_loop", sample, include, library), sample)
        # The samples between the first program and the loops open a client, and bypass the cache.
        with claim("samples: the options of the header compile, and open a client"):
            run_once(compiled(folder, "options", of_header(header, "OPTIONS"), include, library))
        with claim("samples: the refresh of the header compiles, and sends a request"):
            sample = of_section(header, "CACHE")
            assert run_once(compiled(folder, "cache", sample, include, library)) > 0
        with claim("samples: the header's complete program compiles"):
            program = of_header(header, "A COMPLETE PROGRAM").split("\ncc program.c")[0]
            compiled(folder, "program", program, include, library)
    return close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
