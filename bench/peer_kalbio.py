"""The Python peer: the same calls with kalbio. Arguments and output are those of harness.c.

Credentials and URL come from the environment, as for the library; the certificates to trust from REQUESTS_CA_BUNDLE.
"""

import json
import os
import resource
import sys
import time

from kalbio.client import KaleidoscopeClient


def touched(text):
    return text.encode()[0] + 1 if text else 0


def memory(name):
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name + ":"))


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e9


def main():
    name, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    client = KaleidoscopeClient(
        os.environ["KALEIDOSCOPE_API_CLIENT_ID"],
        os.environ["KALEIDOSCOPE_API_CLIENT_SECRET"],
        os.environ["KALEIDOSCOPE_API_URL"],
    )
    workspace = client.workspace
    calls = {
        "first": lambda: [workspace.get_workspace(use_cache=False)],
        "workspace": lambda: [workspace.get_workspace(use_cache=False)],
        "members": lambda: workspace.get_members(use_cache=False),
        "memory": lambda: workspace.get_members(use_cache=False),
        "cached": workspace.get_members,
        "events": lambda: workspace.get_events(page=1, page_size=1000),
    }
    call = calls[name]
    if name == "first":
        print(json.dumps({"workload": "first", "records": len(call())}), flush=True)
        os._exit(0)
    warm_up = {"memory": 0, "cached": 100, "workspace": 10}.get(name, 1)
    for _ in range(warm_up):
        call()
    times, records = [], 0
    before, begin = cpu(), time.perf_counter_ns()
    for _ in range(count):
        started = time.perf_counter_ns()
        records = len(call())
        times.append(time.perf_counter_ns() - started)
    took, used = time.perf_counter_ns() - begin, cpu() - before
    peak = memory("VmHWM")
    checksum = {}
    if "member" in name or name == "memory":
        levels = {"admin": 1, "team-member": 2, "guest": 3, "viewer": 4, "deactivated": 5}
        checksum["checksum"] = sum(
            touched(m.id) + touched(m.full_name) + touched(m.preferred_name) + touched(m.email) + levels.get(m.access_level, 0)
            for m in call()
        )
    print(json.dumps({
        "workload": name, "calls": count, "records": records, "p50_ns": sorted(times)[count // 2],
        "mean_ns": took / count, "cpu_ns": used / count, "peak_kib": peak,
    } | checksum))


main()
