"""Runs programs of the benchmark in turn, and keeps the cores awake meanwhile."""

import json
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "target"
BIN = TARGET / "bench"
RUST = TARGET / "release"
LIBRARY = pathlib.Path(os.environ.get("KAL_LIB_DIR") or TARGET / "lib")
# The server runs on one core, the measured program on the other; with a single core they share it.
CORES = sorted(os.sched_getaffinity(0))
CLIENT, SERVER = CORES[0], CORES[-1]


def in_turn(jobs, rounds, seldom=()):
    """Runs jobs, functions by name, in turn; returns what each returned in each round.

    Every other round runs them in the opposite order, so that none always runs after the same one. Those named in `seldom` run in
    every third round and have None for the others.
    """
    found = {name: [] for name in jobs}
    for turn in range(rounds):
        names = list(jobs) if turn % 2 == 0 else list(reversed(jobs))
        for name in names:
            found[name].append(jobs[name]() if name not in seldom or turn % 3 == 0 else None)
    return found


def column(runs, figure, scale=1):
    """One figure of the runs of a side, for each round."""
    return [run and run[figure] / scale for run in runs]


def agree(found, figures):
    """Raises an error unless all sides have read the same data, without which a comparison says nothing."""
    for figure in figures:
        read = {name: {run[figure] for run in runs if run and figure in run} for name, runs in found.items()}
        if len(set().union(*read.values())) > 1:
            raise RuntimeError(f"the sides have read different data, by {figure}: {read}")


def program(*command, environment=None):
    """Runs a program and returns the JSON it prints."""
    words = ["taskset", "-c", str(CLIENT), *map(str, command)]
    found = subprocess.run(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed: {found.stderr.strip()}")
    return json.loads(found.stdout)


def programs_in_turn(commands, rounds=7):
    """The same for programs, command lines by name."""
    return in_turn({name: lambda command=command: program(*command) for name, command in commands.items()}, rounds)


def collected(errors):
    """The number of instructions in callgrind's output."""
    return int(re.search(r"Collected : (\d+)", errors).group(1))


class Awake:
    """Keeps all cores awake with idle-priority loops."""

    def __enter__(self):
        loop = "while :; do :; done"
        self.loops = [subprocess.Popen(["chrt", "-i", "0", "taskset", "-c", str(core), "sh", "-c", loop]) for core in CORES]

    def __exit__(self, *_):
        for loop in self.loops:
            loop.kill()
            loop.wait()
