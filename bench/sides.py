"""The sides of a comparison: the programs, and the server that responds to them from memory."""

import json
import os
import pathlib
import subprocess
import time
import urllib.request

from measure import BIN, CLIENT, LIBRARY, ROOT, RUST, SERVER, agree, collected, in_turn

SYSTEM_ROOTS = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
# How the server is reached: the scheme, and the prefix of the path (server/route.rs).
ROUTES = {"gzip": ("https", "/gz"), "https": ("https", ""), "http": ("http", ""), "far": ("https", "/gz/after50")}
# What a row adds to its name.
LABELS = {"gzip": "gzip over https", "https": "https", "http": "http"}
# The command of each side, and the environment variable that selects its form.
SIDES = {
    "ours": ([str(BIN / "ours")], {}),
    "ahead": ([str(BIN / "ours")], {"BENCH_READ_AHEAD": "1"}),
    "strdup": ([str(BIN / "peer_curl")], {"BENCH_FORM": "strdup"}),
    "fresh": ([str(BIN / "peer_curl")], {"BENCH_FORM": "fresh"}),
    "insitu": ([str(BIN / "peer_curl")], {"BENCH_FORM": "insitu"}),
    "dynamic": ([str(BIN / "peer_curl")], {"BENCH_FORM": "dynamic"}),
    "kalbio": ([str(BIN / "interpreter"), "-S", str(ROOT / "bench/peer_kalbio.py")], {"PYTHONPATH": str(BIN / "packages")}),
    "go": ([str(BIN / "go/bench"), "ours"], {}),
    "plain go": ([str(BIN / "go/bench"), "plain"], {}),
}


class Server:
    def __enter__(self):
        ca = BIN / "ca.pem"
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER), str(RUST / "bench-server"), str(ca)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.urls = json.loads(self.process.stdout.readline())
        # Both sides read the system's roots and one more certificate.
        roots = BIN / "roots.pem"
        roots.write_bytes(SYSTEM_ROOTS.read_bytes() + ca.read_bytes())
        self.environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_DIR"} | {
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

    def environment_for(self, side, route, members=None):
        scheme, prefix = ROUTES[route]
        url = self.urls[scheme] + prefix + (f"/n{members}" if members else "")
        return self.environment | {"KALEIDOSCOPE_API_URL": url} | SIDES[side][1]

    def run(self, side, workload, count, threads=1, route="http", members=None, cores=(CLIENT,), before=()):
        """Runs a program and returns its results."""
        command = ["taskset", "-c", ",".join(map(str, cores)), *before, *SIDES[side][0], workload, str(count), str(threads)]
        found = subprocess.run(command, env=self.environment_for(side, route, members), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, check=False)
        if found.returncode:
            raise RuntimeError(f"{side} {workload} over {route} failed: {found.stderr.strip()}")
        return json.loads(found.stdout) | {"errors": found.stderr}

    def in_turn(self, sides, workload, count, rounds=5, seldom=None, **how):
        """Runs the sides in turn, each with `count` calls a round; `seldom` maps sides that run less often to their counts."""
        counts = dict.fromkeys(sides, count) | (seldom or {})
        jobs = {side: lambda side=side: self.run(side, workload, counts[side], **how) for side in counts}
        found = in_turn(jobs, rounds, seldom or ())
        agree(found, ("records", "checksum"))
        return found

    def instructions(self, side, workload, count, **how):
        """Instructions of one call: the difference between 2 * count and count calls, divided by count."""
        valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        once, twice = (collected(self.run(side, workload, calls, before=valgrind, **how)["errors"]) for calls in (count, 2 * count))
        return (twice - once) / count

    def first(self, side, route):
        """Milliseconds from starting a program to its first result."""
        command, _ = SIDES[side]
        readable, writable = os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, writable, 1), (os.POSIX_SPAWN_CLOSE, readable)]
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {CLIENT})
        environment = self.environment_for(side, route)
        begin = time.perf_counter()
        child = os.posix_spawn(command[0], [*command, "first"], environment, file_actions=actions)
        os.close(writable)
        line = os.read(readable, 100)
        took = time.perf_counter() - begin
        os.waitpid(child, 0)
        os.close(readable)
        os.sched_setaffinity(0, allowed)
        if b'"records": 1' not in line:
            raise RuntimeError(f"{side} over {route}: no first result")
        return took * 1000
