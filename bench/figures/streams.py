"""Streams of events: of a server that is near, and of one that is far away."""

from measure import Awake, agree, column, in_turn

EVENTS, PAGE = 1_000_000, 1000
LATENCY_MS = 50


def stream(server, rows):
    # Renders the pages first.
    server.run("ours", "stream", EVENTS)
    with Awake():
        found = in_turn({
            "stream": lambda: server.run("ours", "stream", EVENTS), "ahead": lambda: server.run("ahead", "stream", EVENTS),
            "page": lambda: server.run("ours", "events", 300)}, rounds=5)
    whole = found["stream"]
    complete(whole, EVENTS)
    complete(found["ahead"], EVENTS)
    rows.add("memory at the end of 1,000,000 events", "MiB", column(whole, "rss_kib", 1024), column(whole, "rss_early_kib", 1024),
             "ours, after 100,000", 1.1)
    rate = {side: [1e9 / took for took in column(runs, "p50_ns" if side == "page" else "mean_ns")] for side, runs in found.items()}
    again = "ours, one page again and again"
    rows.add("streamed pages of 1,000 a second", "pages/s", rate["stream"], rate["page"], again, 0.9, at_least=True)
    rows.add("the same, reading ahead", "pages/s", rate["ahead"], rate["page"], again, None, at_least=True)


def far(server, rows):
    """Reading ahead, over what the latency of the pages alone takes a program that requests each when it has read the one before."""
    # Without the latency: the peer reads page after page, each event once, in the server's order. Both have their pages rendered.
    near = {f"{side}, near": [server.run(side, "stream", EVENTS, route="gzip")] for side in ("fresh", "ahead")}
    for count, rounds, goal in ((EVENTS // 10, 3, None), (EVENTS, 1, 0.2)):
        runs = [server.run("ahead", "stream", count, route="far") for _ in range(rounds)]
        complete(runs, count)
        if count == EVENTS:
            agree(near | {"ahead": runs}, ("records", "order"))
        one_by_one = count / PAGE * LATENCY_MS / 1000
        rows.add(f"{count:,} events at {LATENCY_MS} ms, gzip over https", "s", column(runs, "wall_ns", 1e9), [one_by_one] * rounds,
                 "pages x latency", goal)


def complete(runs, count):
    for run in runs:
        if run["records"] != count:
            raise RuntimeError(f"the stream ended after {run['records']:,} of {count:,} events: {run}")
