"""What programs in other languages do with the library, and reads from the cache."""

from measure import BIN, CORES, ROOT, RUST, TARGET, Awake, agree, column, in_turn, program


def cached(server, rows):
    found = in_turn({
        "lock": lambda: program(RUST / "bench-alone", "lock", 20_000_000),
        "one": lambda: server.run("ours", "cached", 1_000_000, members=1000),
        "many": lambda: server.run("ours", "cached", 200_000, threads=8, members=1000, cores=CORES),
        "kalbio": lambda: server.run("kalbio", "cached", 200_000, members=1000)}, rounds=5, seldom=("kalbio",))
    one = column(found["one"], "cpu_ns")
    rows.add("cached read with its result, CPU", "ns", one, column(found["lock"], "mean_ns"), "a mutex lock and an Arc clone", 4)
    rows.add("cached read with its result, CPU", "ns", one, column(found["kalbio"], "cpu_ns"), "kalbio", 0.10)
    rows.add("cached read, 8 threads, CPU", "ns", column(found["many"], "cpu_ns"), one, "ours, 1 thread", 2)


def go(server, rows):
    if not (BIN / "go/bench").exists():
        print("# Go: left out, its program was not built (bench/go/build.sh)")
        return
    counts = {"cached": {"go": 5000, "plain go": 200}, "crowd": {"go": 20_000, "plain go": 400}}
    names = {"cached": "Go: Members cached, CPU", "crowd": "Go: 20,000 goroutines, one request, CPU"}
    for workload, sides in counts.items():
        jobs = {side: lambda side=side, count=count: server.run(side, workload, count, route="gzip", members=1000)
                for side, count in sides.items()}
        found = in_turn(jobs, rounds=3)
        agree(found, ("records",))
        ours, peer = (column(runs, "cpu_ns", 1000) for runs in found.values())
        rows.add(names[workload], "us a call", ours, peer, "net/http, encoding/json", 0.05)
    rows.add("Go: threads of these 20,000 goroutines", "threads", max(column(found["go"], "threads")), 16, "the goal", 1)


def sql(server, rows):
    csv = BIN / "csv.so"
    if not csv.exists():
        print("# SQL: left out without the source of SQLite's extension csv")
        return
    environment = server.environment | {
        "KALEIDOSCOPE_API_URL": server.urls["http"], "KAL_SQLITE": str(TARGET / "sqlite/kal_sqlite"), "CSV_EXTENSION": str(csv.with_suffix(""))}

    def run(side):
        return program("python3", ROOT / "bench/sql.py", side, BIN / "sql.db", BIN, environment=environment)

    # It also renders the pages.
    run("prepare")
    with Awake():
        found = in_turn({side: lambda side=side: run(side) for side in ("kal", "csv", "plain")}, rounds=3)
    if {(run["records"], run["members"]) for runs in found.values() for run in runs} != {(1_000_000, 100_000)}:
        raise RuntimeError(f"SQL: rows are missing: {found}")
    for name, query, count in (("1,000,000 events", "rows", 1_000_000), ("100,000 members", "members", 100_000)):
        for figure, what in (("cpu_ns", "CPU"), ("ns", "with the server")):
            rate = {side: [count * 1e9 / run[f"{query}_{figure}"] for run in runs] for side, runs in found.items()}
            goal = 0.5 if figure == "cpu_ns" else None
            rows.add(f"SQL, {name}, {what}", "rows/s", rate["kal"], rate["csv"], "SQLite's csv", goal, at_least=True)
            rows.add(f"SQL, {name}, {what}", "rows/s", rate["kal"], rate["plain"], "a plain SQLite table")
