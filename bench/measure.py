"""Runs the programs of the benchmark: the server, the spinners that keep cores awake, and one measurement at a time."""

import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "target"
BIN = TARGET / "bench"
RUST = TARGET / "release"
LIBRARY = pathlib.Path(os.environ.get("KAL_LIB_DIR") or TARGET / "lib")
SYSTEM_ROOTS = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
# The server runs on one core, the measured program on the other; with a single core they share it.
CORES = sorted(os.sched_getaffinity(0))
CLIENT, SERVER = CORES[0], CORES[-1]
# The command of each side, and the environment variable that selects its form.
SIDES = {
    "ours": ([str(BIN / "ours")], {}),
    "strdup": ([str(BIN / "peer_curl")], {"BENCH_FORM": "strdup"}),
    "fresh": ([str(BIN / "peer_curl")], {"BENCH_FORM": "fresh"}),
    "insitu": ([str(BIN / "peer_curl")], {"BENCH_FORM": "insitu"}),
    "dynamic": ([str(BIN / "peer_curl")], {"BENCH_FORM": "dynamic"}),
    "kalbio": ([str(BIN / "interpreter"), "-S", str(ROOT / "bench/peer_kalbio.py")], {"PYTHONPATH": str(BIN / "packages")}),
}


class Server:
    """The server that responds from memory."""

    def __enter__(self):
        ca = BIN / "ca.pem"
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER), str(RUST / "bench-server"), str(ca)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.urls = json.loads(self.process.stdout.readline())
        # Both sides read the system's roots and one more certificate.
        roots = BIN / "roots.pem"
        roots.write_bytes(SYSTEM_ROOTS.read_bytes() + ca.read_bytes())
        self.environment = os.environ | {
            "KALEIDOSCOPE_API_CLIENT_ID": "demo-client", "KALEIDOSCOPE_API_CLIENT_SECRET": "demo-secret",
            "LD_LIBRARY_PATH": str(LIBRARY), "SSL_CERT_FILE": str(roots), "REQUESTS_CA_BUNDLE": str(roots), "PYTHONDONTWRITEBYTECODE": "1"}
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def get(self, path):
        request = urllib.request.Request(self.urls["http"] + path, headers={"X-Kal-Authorization": "Bearer any"})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def counts(self):
        """Connections and token requests since the last call."""
        return json.loads(self.get("/__counts"))

    def environment_for(self, side, scheme="http", members=None):
        url = self.urls[scheme] + (f"/n{members}" if members else "")
        return self.environment | {"KALEIDOSCOPE_API_URL": url} | SIDES[side][1]

    def run(self, side, workload, count, threads=1, scheme="http", members=None, cores=(CLIENT,), before=()):
        """Runs a program and returns its results."""
        command = ["taskset", "-c", ",".join(map(str, cores)), *before, *SIDES[side][0], workload, str(count), str(threads)]
        found = subprocess.run(command, env=self.environment_for(side, scheme, members), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, check=False)
        if found.returncode:
            raise RuntimeError(f"{side} {workload}: {found.stderr.strip()}")
        return json.loads(found.stdout) | {"errors": found.stderr}

    def in_turn(self, sides, workload, counts, rounds=5, **how):
        """Runs the sides in turn, several times, and returns the median of each result of each side."""
        runs = {side: [] for side in sides}
        for _ in range(rounds):
            for side in sides:
                count = counts[side] if isinstance(counts, dict) else counts
                runs[side].append(self.run(side, workload, count, **how))
        medians = {side: medians_of(found) for side, found in runs.items()}
        # The comparison is valid only if all sides have read the same data.
        for figure in ("records", "checksum"):
            read = {found.get(figure) for found in medians.values() if found.get(figure)}
            if len(read) > 1:
                raise RuntimeError(f"{workload}: the sides do not agree on {figure}: {medians}")
        return medians

    def instructions(self, side, workload, count, **how):
        """Instructions of one call: the difference between 2 * count and count calls, divided by count."""
        valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        totals = []
        for calls in (count, 2 * count):
            errors = self.run(side, workload, calls, before=valgrind, **how)["errors"]
            totals.append(int(re.search(r"Collected : (\d+)", errors).group(1)))
        return (totals[1] - totals[0]) / count

    def first(self, side, scheme):
        """Milliseconds from starting a program to its first result."""
        command, _ = SIDES[side]
        readable, writable = os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, writable, 1), (os.POSIX_SPAWN_CLOSE, readable)]
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {CLIENT})
        environment = self.environment_for(side, scheme)
        begin = time.perf_counter()
        child = os.posix_spawn(command[0], [*command, "first"], environment, file_actions=actions)
        os.close(writable)
        line = os.read(readable, 100)
        took = time.perf_counter() - begin
        os.waitpid(child, 0)
        os.close(readable)
        os.sched_setaffinity(0, allowed)
        if b'"records": 1' not in line:
            raise RuntimeError(f"{side}: no first result")
        return took * 1000


def medians_of(runs):
    numbers = [name for name, value in runs[0].items() if isinstance(value, (int, float))]
    return {name: statistics.median(run[name] for run in runs) for name in numbers}


def program(*command):
    """Runs a program that needs no server and returns its results."""
    words = ["taskset", "-c", str(CLIENT), *map(str, command)]
    return json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)


def programs_in_turn(commands, rounds=7):
    """The same for several programs in turn: the median of each one's result."""
    runs = [[program(*command) for command in commands] for _ in range(rounds)]
    return [medians_of(column) for column in zip(*runs)]


def shuffled(members):
    """The same members with the keys of each in a different order."""
    chance = random.Random(1)

    def reorder(member):
        keys = list(member)
        chance.shuffle(keys)
        return {key: member[key] for key in keys}

    return json.dumps([reorder(member) for member in members], ensure_ascii=False, separators=(",", ":")).encode()


class Awake:
    """Keeps all cores awake with idle-priority loops."""

    def __enter__(self):
        loop = "while :; do :; done"
        self.loops = [subprocess.Popen(["chrt", "-i", "0", "taskset", "-c", str(core), "sh", "-c", loop]) for core in CORES]

    def __exit__(self, *_):
        for loop in self.loops:
            loop.kill()
            loop.wait()
