"""Single calls: latency, instructions, CPU time, start, connections; the size of the library and how long it takes to load."""

import os
import subprocess

from machine import curl_path
from measure import BIN, LIBRARY, Awake, column, in_turn, programs_in_turn
from sides import LABELS


def latency(server, rows):
    goals = {"gzip": None, "https": 1.1, "http": 1.15}
    with Awake():
        for route, goal in goals.items():
            found = server.in_turn(("ours", "strdup"), "workspace", 3000, rounds=9, seldom={"kalbio": 20}, route=route)
            name = f"get_workspace, uncached, {LABELS[route]}, p50"
            ours = column(found["ours"], "p50_ns", 1000)
            rows.add(name, "us", ours, column(found["strdup"], "p50_ns", 1000), "libcurl", goal)
            rows.add(name, "us", ours, column(found["kalbio"], "p50_ns", 1000), "kalbio", 0.10)


def instructions(server, rows):
    for route, goal in (("gzip", None), ("https", 0.7), ("http", 0.8)):
        ours, peer = (server.instructions(side, "workspace", 200, route=route) for side in ("ours", "strdup"))
        rows.add(f"instructions of that call, {LABELS[route]}", "instructions", ours, peer, "libcurl", goal)


def threads(server, rows):
    # Events are neither cached nor shared between callers: every call is a request.
    for count in (8, 64):
        found = server.in_turn(("ours", "strdup"), "small", 4000 // count, threads=count)
        rows.add(f"CPU per call, {count} threads", "us", column(found["ours"], "cpu_ns", 1000), column(found["strdup"], "cpu_ns", 1000),
                 "libcurl", 0.95)


def first(server, rows):
    with Awake():
        jobs = {side: lambda side=side: {"ms": server.first(side, "https")} for side in ("ours", "strdup", "kalbio")}
        found = in_turn(jobs, rounds=15, seldom=("kalbio",))
    ours = column(found["ours"], "ms")
    rows.add("fresh process to first result, https", "ms", ours, column(found["strdup"], "ms"), "libcurl", 0.2)
    rows.add("fresh process to first result, https", "ms", ours, column(found["kalbio"], "ms"), "kalbio", 0.03)


def size(_server, rows):
    rows.add("stripped .so", "MB", os.stat(LIBRARY / "libkaleidoscope.so").st_size / 1e6, 3.4, "the goal", 1)


def loading(_server, rows):
    curl = curl_path()
    needed = subprocess.run(["ldd", curl], stdout=subprocess.PIPE, text=True, check=True).stdout
    pulled = [words[2] for words in map(str.split, needed.splitlines()) if len(words) > 2 and words[1] == "=>"]
    dlopen = BIN / "dlopen"
    found = programs_in_turn({
        "ours": (dlopen, LIBRARY / "libkaleidoscope.so"), "alone": (dlopen, curl, *pulled), "whole": (dlopen, curl)}, rounds=21)
    ours, alone, whole = (column(runs, "cpu_ns", 1000) for runs in found.values())
    rows.add("dlopen, CPU", "us", ours, alone, "libcurl, what it needs being there", 2)
    rows.add("dlopen, CPU", "us", ours, whole, "libcurl with what it pulls in", 0.5)


def connections(server, rows):
    server.counts()
    server.run("ours", "workspace", 950)  # and 50 to warm up
    counts = server.counts()
    rows.add("connections for 1,000 calls", "", counts["connections"], 1, "the goal", 1)
    rows.add("token requests for 1,000 calls", "", counts["token_requests"], 1, "the goal", 1)
