"""Streams of events: of a server that is near, and of one that is far away."""

from measure import Awake, agree, column, in_turn

EVENTS, PAGE = 1_000_000, 1000
LATENCY_MS = 50


def stream(server, rows):
    # Renders the pages first.
    server.run("ours", "stream", EVENTS)
    with Awake():
        found = in_turn({"stream": lambda: server.run("ours", "stream", EVENTS), "page": lambda: server.run("ours", "events", 300)}, rounds=5)
    whole = found["stream"]
    complete(whole, EVENTS)
    rows.add("memory at the end of 1,000,000 events", "MiB", column(whole, "rss_kib", 1024), column(whole, "rss_early_kib", 1024),
             "ours, after 100,000", 1.1)
    rate = {side: [1e9 / took for took in column(runs, figure)]
            for (side, runs), figure in zip(found.items(), ("mean_ns", "p50_ns"))}
    rows.add("streamed pages of 1,000 a second", "pages/s", rate["stream"], rate["page"], "ours, one page again and again", 0.9, at_least=True)


def far(server, rows):
    """A page of a server that is far away takes its latency; what is fetched ahead does not."""
    # The peer reads page after page, without the latency: each event once, in the server's order. Both render the pages.
    near = {side: [server.run(side, "stream", EVENTS, route="gzip")] for side in ("fresh", "ours")}
    few, rounds = EVENTS // 10, 3
    for count, goal in ((few, None), (EVENTS, 0.2)):
        # `strdup` stands for a program that requests a page when it has read the one before.
        sides = ("ours", "strdup") if count == few else ("ours",)
        jobs = {side: lambda side=side: server.run(side, "stream", count, route="far") for side in sides}
        found = in_turn(jobs, rounds if count == few else 1)
        if count == EVENTS:
            agree(found | {f"{side}, near": runs for side, runs in near.items()}, ("records", "order"))
        else:
            agree(found, ("records", "order"))
        name = f"{count:,} events at {LATENCY_MS} ms, gzip over https"
        for side, runs in found.items():
            complete(runs, count)
        least = count / PAGE * LATENCY_MS / 1000
        ours = column(found["ours"], "wall_ns", 1e9)
        rows.add(name, "s", ours, [least] * len(ours), "pages x latency", goal)
        if len(sides) > 1:
            rows.add(name, "s", ours, column(found["strdup"], "wall_ns", 1e9), "libcurl, page after page")


def complete(runs, count):
    for run in runs:
        if run["records"] != count:
            raise RuntimeError(f"the stream ended after {run['records']:,} of {count:,} events: {run}")
