"""Compiles and runs the samples of the header and the README unchanged: samples.py INCLUDE_DIR LIB_DIR

The loop that follows events must free every error that it receives and continue after a transient failure. Seen red with the
loop of 0.1.0: "given 3 errors, freed 0". The README's program prints the members; seen red with `email` for `full_name`. The
packages that the README names are those that scripts/tools.sh installs; seen red without valgrind in it.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

from claims import claim, close
from emulator import Emulator

PATIENCE = 120
CFLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function"]

# The code around a sample. It counts errors received and freed, and runs until a page has arrived.
HARNESS = """
#include <kaleidoscope.h>
#include <poll.h>
#include <stdio.h>

static int given, freed, pages, completed;

static kal_status counted_next(kal_stream stream, uint32_t timeout_ms, kal_result *result, kal_error *error)
{
    kal_status status = kal_stream_next(stream, timeout_ms, result, error);
    given += error->id != 0;
    pages += status == KAL_OK;
    fprintf(stderr, "%s\\n", kal_status_name(status));
    return status;
}

static void counted_free(kal_error error)
{
    freed += error.id != 0;
    kal_error_free(error);
}

static kal_status counted_queue_next(kal_queue queue, uint32_t timeout_ms, kal_completion *done, kal_error *error)
{
    kal_status status = kal_queue_next(queue, timeout_ms, done, error);
    completed += status == KAL_OK;
    return status;
}

#define kal_stream_next counted_next
#define kal_queue_next counted_queue_next
#define kal_error_free counted_free
#define running (pages == 0)

int main(void)
{
    kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
    kal_client client;
    kal_queue queue = {0};
    kal_stream stream = {0};
    kal_result result;
    kal_error error;
    const char *saved_cursor = NULL;
    void *my_data = &pages;
    (void)result, (void)saved_cursor, (void)my_data;
    options.timeout_ms = 500;
    options.max_attempts = 1;
    if (kal_client_open(&options, &client, &error) != KAL_OK)
        goto failed;
    {
SAMPLE
    }
    kal_stream_free(stream);
    kal_queue_close(queue);
    kal_client_close(client);
    printf("%d %d %d %d\\n", pages, given, freed, completed);
    return 0;
failed:
    fprintf(stderr, "%s\\n", kal_error_get(error)->message);
    return 1;
}
"""


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
    path = pathlib.Path(folder, f"{name}.c")
    path.write_text(source)
    program = str(path.with_suffix(""))
    command = [os.environ.get("CC", "cc"), *CFLAGS, "-I", include, str(path), "-o", program]
    command += ["-L", library, "-lkaleidoscope", f"-Wl,-rpath,{library}"]
    subprocess.run(command, check=True)
    return program


def run(program: str, emulator: Emulator) -> tuple[list[int], str]:
    """The program's counts and messages."""
    environment = os.environ | {
        "KALEIDOSCOPE_API_URL": emulator.url,
        "KALEIDOSCOPE_API_CLIENT_ID": emulator.client_id,
        "KALEIDOSCOPE_API_CLIENT_SECRET": emulator.client_secret,
    }
    ended = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 0, ended
    return [int(count) for count in ended.stdout.split()], ended.stderr


def follows(program: str):
    """One request hangs, two fail, and then there is an event."""
    with Emulator(events=5) as emulator:
        emulator.fault(path="/workspaces/events", delay_ms=3_600_000)
        emulator.fault(path="/workspaces/events", status=503)
        emulator.fault(path="/workspaces/events", status=429, headers={"Retry-After": "0"})
        stop = threading.Event()

        def arrive():
            # The first event after the stream has found its starting point counts.
            while not stop.wait(0.05):
                emulator.steer("events", {"count": 1})

        arriving = threading.Thread(target=arrive)
        arriving.start()
        try:
            (pages, given, freed, _), said = run(program, emulator)
        finally:
            stop.set()
            arriving.join()
    assert pages > 0, f"it ended without an event: {said}"
    assert given >= 3, f"{given} errors: {said}"
    assert given == freed, f"given {given} errors, freed {freed}: {said}"


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


def completes(program: str):
    with Emulator() as emulator:
        counts, said = run(program, emulator)
    assert counts[3] == 1, f"{counts[3]} completions: {said}"


def run_once(program: str) -> int:
    """The number of requests sent by a sample that exits by itself."""
    with Emulator() as emulator:
        run(program, emulator)
        return len(emulator.requests())


def main(include: str, library: str) -> int:
    header = pathlib.Path(include, "kaleidoscope.h").read_text()
    readme = pathlib.Path("README.md").read_text()
    with tempfile.TemporaryDirectory() as folder:
        with claim("samples: the loop of the header compiles, continues after transient failures, and frees every error"):
            sample = of_header(header, "FOLLOWING EVENTS")
            follows(compiled(folder, "header", HARNESS.replace("SAMPLE", sample), include, library))
        with claim("samples: the README's program compiles and prints every member"):
            prints_members(compiled(folder, "readme", of_readme(readme, "## Ten lines of C"), include, library))
        with claim("samples: the README names exactly the packages that are installed"):
            found, told = installed(pathlib.Path("scripts/tools.sh").read_text()), named(readme)
            assert found == told, f"not named: {sorted(found - told)}, not installed: {sorted(told - found)}"
        with claim("samples: the event loop of the header compiles, and receives the completion"):
            sample = of_header(header, "EVENT LOOPS: CALLS THAT DO NOT BLOCK")
            waits = re.compile(r"^.*wait with poll.*$", re.MULTILINE)
            assert waits.search(sample), sample
            sample = waits.sub("poll(&(struct pollfd){ kal_queue_fd(queue), POLLIN, 0 }, 1, -1);", sample)
            completes(compiled(folder, "event_loop", HARNESS.replace("SAMPLE", sample), include, library))
        # The samples between the first program and the loops open a client, and bypass the cache.
        with claim("samples: the options of the header compile, and open a client"):
            run_once(compiled(folder, "options", HARNESS.replace("SAMPLE", of_header(header, "OPTIONS")), include, library))
        with claim("samples: the refresh of the header compiles, and sends a request"):
            sample = of_section(header, "CACHE")
            assert run_once(compiled(folder, "cache", HARNESS.replace("SAMPLE", sample), include, library)) > 0
        with claim("samples: the header's complete program compiles"):
            program = of_header(header, "A COMPLETE PROGRAM").split("\ncc program.c")[0]
            compiled(folder, "program", program, include, library)
    return close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
