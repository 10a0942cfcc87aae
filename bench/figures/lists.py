"""Lists of records: fetched and decoded, decoded alone, and the memory it takes."""

import json
import random

from measure import BIN, RUST, Awake, agree, column, in_turn, programs_in_turn
from sides import LABELS

# Goals by route and size, against each side.
MEMBERS = {
    ("gzip", 1000): {"insitu": 0.6, "dynamic": None, "strdup": None, "kalbio": 0.05},
    ("gzip", 100_000): {"insitu": 0.55, "dynamic": 0.7, "strdup": None, "kalbio": 0.025},
    ("http", 1000): {"insitu": None, "dynamic": 0.8, "strdup": 0.65, "kalbio": 0.05},
    ("http", 100_000): {"insitu": None, "dynamic": 0.7, "strdup": 0.35, "kalbio": 0.025},
}


def members(server, rows):
    for (route, size), goals in MEMBERS.items():
        count, seldom, rounds = (200, 20, 9) if size == 1000 else (5, 1, 5)
        with Awake():
            found = server.in_turn(("ours", "insitu", "dynamic", "strdup"), "members", count, rounds, {"kalbio": seldom}, route=route,
                                   members=size)
        name = f"members, {size:,}, {LABELS[route]}"
        for peer, goal in goals.items():
            rows.add(name, "ms", column(found["ours"], "p50_ns", 1e6), column(found[peer], "p50_ns", 1e6), peer, goal)
        rows.add(f"{name}, CPU", "ms", column(found["ours"], "cpu_ns", 1e6), column(found["insitu"], "cpu_ns", 1e6), "insitu")


def events(server, rows):
    for route, goal in (("gzip", None), ("http", 0.8)):
        with Awake():
            found = server.in_turn(("ours", "insitu", "fresh"), "events", 200, rounds=9, route=route)
        for peer, its_goal in (("insitu", goal), ("fresh", None)):
            name = f"events, 1,000 with event_attrs, {LABELS[route]}"
            rows.add(name, "ms", column(found["ours"], "p50_ns", 1e6), column(found[peer], "p50_ns", 1e6), peer, its_goal)


def shuffled(members):
    """The same members with the keys of each in a different order."""
    chance = random.Random(1)

    def reorder(member):
        keys = list(member)
        chance.shuffle(keys)
        return {key: member[key] for key in keys}

    return json.dumps([reorder(member) for member in members], ensure_ascii=False, separators=(",", ":")).encode()


def decode(server, rows):
    file = BIN / "members.json"
    file.write_bytes(shuffled(json.loads(server.get("/n10000/workspaces/members"))))
    found = programs_in_turn({
        "ours": (RUST / "bench-alone", "decode", file, 60), "yyjson": (BIN / "yyjson_alone", file, 60),
        "simdjson": (BIN / "simdjson_alone", file, 60)}, rounds=9)
    agree(found, ("bytes", "records", "letters"))
    names = {"yyjson": "yyjson in place, no structs", "simdjson": "simdjson On-Demand, the same structs"}
    for peer in list(found)[1:]:
        rows.add("decode alone, 10,000, any order of keys", "us", column(found["ours"], "p50_ns", 1000),
                 column(found[peer], "p50_ns", 1000), names[peer], 1.0)


def memory(server, rows):
    for route, goals in (("gzip", (None, None, None)), ("http", (0.5, None, 0.16))):
        found = server.in_turn(("ours", "insitu", "strdup"), "memory", 1, 3, {"kalbio": 1}, route=route, members=100_000)
        for peer, goal in zip(("insitu", "strdup", "kalbio"), goals):
            rows.add(f"peak memory, 100,000 members, {LABELS[route]}", "MiB", column(found["ours"], "peak_kib", 1024),
                     column(found[peer], "peak_kib", 1024), peer, goal)


def flat(server, rows):
    counts = {1000: 400, 10_000: 60, 100_000: 8, 1_000_000: 3}
    with Awake():
        found = in_turn({size: lambda size=size, count=count: server.run("ours", "members", count, members=size)
                         for size, count in counts.items()}, rounds=3)
    cost = {size: column(runs, "p50_ns", size) for size, runs in found.items()}
    rows.add("cost of a member, 1,000,000 over 1,000", "ns", cost[1_000_000], cost[1000], "ours, 1,000", 1.3)
