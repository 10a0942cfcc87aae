"""Every read, over several seeds and sizes: the records are equal in every field."""

import json
from datetime import datetime, timedelta, timezone

from claims import claim, equal
from compare import Pair, subsets
from emulator import Emulator

# name, options of the emulator
WORLDS = {
    "a dozen members": {"seed": 1},
    "1000 members, 60 groups, 500 events": {"seed": 7, "members": 1000, "groups": 60, "events": 500},
    "first page 0, oldest first, dates exclusive": {
        "seed": 42, "members": 30, "events": 120, "first_page": 0, "order": "asc", "dates": "exclusive"},
    "one of each": {"seed": 3, "members": 1, "groups": 1, "events": 1},
    "an empty workspace": {"seed": 9, "members": 0, "groups": 0, "events": 0},
    "bodies never compressed": {"seed": 123456789, "members": 40, "events": 60, "max_page_size": 25},
}


def all_of(world: str, options: dict) -> None:
    """Workspace, members, groups, by ids, and the events page by page."""
    with Emulator(**options) as emulator, Pair(emulator) as pair:
        with claim(f"{world}: the workspace is equal"):
            pair.answers("get_workspace")
        sizes = {"members": options.get("members", 12), "groups": options.get("groups", 4)}
        for name, size in sizes.items():
            with claim(f"{world}: {size} {name} are equal"):
                equal(len(pair.answers(f"get_{name}")), size, "number")
            by_ids(pair, world, name, [record["id"] for record in pair.theirs.call(f"get_{name}")])
        events = options.get("events", 250)
        for page_size in (1000, 37):
            with claim(f"{world}: {events} events are equal in pages of {page_size}"):
                first = options.get("first_page", 1)
                seen = list(pages(pair, page_size, first))
                equal(len({event["id"] for event in seen}), events, "number of events")


def pages(pair: Pair, page_size: int, first: int):
    """All events of the workspace, until both clients see an empty page."""
    number = first
    while page := pair.answers("get_events", page=number, page_size=page_size):
        yield from page
        number += 1


def by_ids(pair: Pair, world: str, name: str, ids: list[str]) -> None:
    choices = {
        "no id": [],
        "one id": ids[:1],
        "every second, backwards and twice over": ids[::-2] * 2,
        "unknown ids among them": ["", "nobody", *ids[1:3], "é\"\\\n\u2028😀", ids[0].upper() if ids else "X"],
        "all": ids,
    }
    for what, chosen in choices.items():
        with claim(f"{world}: {name} by ids, {what}: equal, in the server's order"):
            found = pair.answers(f"get_{name}_by_ids", chosen)
            equal([record["id"] for record in found], [i for i in ids if i in chosen], "ids")


def filters() -> None:
    """Every combination of the seven filters, in both numberings of pages."""
    for first in (1, 0):
        with Emulator(seed=5, members=9, events=2000, first_page=first) as emulator, Pair(emulator) as pair:
            users = [user["id"] for user in pair.theirs.call("get_members")]
            every = {
                "page": first + 1,
                "page_size": 3,
                "event_types": ["create", "update", "é \"q\""],
                "resource_type": "record",
                "event_user_ids": users[:8],
                "after_date": "2025-02-01T00:00:00Z",
                "before_date": "2025-11-30T23:59:59.999999+05:30",
            }
            empty = 0
            for query in subsets(every):
                with claim(f"first page {first}: events filtered by {', '.join(query) or 'nothing'} are equal"):
                    empty += not pair.answers("get_events", **query)
            with claim(f"first page {first}: the filters leave something to compare"):
                equal(empty, 0, "combinations without events")


def odd_filters() -> None:
    """Values that need escaping; both clients must find the one event that has them."""
    odd = ["task & \"x\"", "zwei Wörter", "日本語", "😀", "a+b", "100%", "a/b?c#d", "x\\y", "'", "a=b;c,d", "\u00a0",
           "[\"create\"]", "null", "true", "1", "\n\t", "\u2028", "é" * 300, "Ａ", "e\u0301", "\u202e"]
    with Emulator(seed=2, events=20) as emulator, Pair(emulator) as pair:
        for number, word in enumerate(odd):
            event = {"id": f"odd-{number}", "event_type": word, "resource_type": word, "event_user_id": word}
            emulator.steer("events", {"events": [event]})
            for query in ({"resource_type": word}, {"event_types": [word, "-"]}, {"event_user_ids": ["-", word]}):
                name = next(iter(query))
                shown = json.dumps(word if len(word) < 40 else word[:3] + "...", ensure_ascii=False)
                with claim(f"{name} {shown} finds the same event"):
                    equal([e["id"] for e in pair.answers("get_events", **query)], [f"odd-{number}"], "ids")


MOMENTS = [
    datetime(2025, 6, 1, tzinfo=timezone.utc),
    datetime(2025, 6, 1, 12, 30, 15, 678901, tzinfo=timezone.utc),
    datetime(2025, 6, 1, 12, 30, 15, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    datetime(2025, 6, 1, 12, 30, 15),
    datetime(2025, 6, 1, 12, 30, 15, 100),
    datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=14))),
]
DATES = ["2025-06-01T00:00:00Z", "2025-06-01", "2025-06-01T12:30:15.678901+00:00", "2025-06-01t12:30:15z",
         "2025-06-01T12:30:15-05:30", "2025-06-01T12:30:15"]


def dates() -> None:
    """A Python datetime corresponds to a string in C."""
    for bounds in ("inclusive", "exclusive"):
        with Emulator(seed=11, events=300, dates=bounds) as emulator, Pair(emulator) as pair:
            for name in ("after_date", "before_date"):
                for moment in MOMENTS:
                    with claim(f"{bounds}: {name} as datetime({moment.isoformat()}) is equal to its string"):
                        pair.answers("get_events", **{name: moment}, ours={name: moment.isoformat()})
                for text in DATES:
                    with claim(f"{bounds}: {name} as {text!r} is equal"):
                        pair.answers("get_events", **{name: text})
            with claim(f"{bounds}: an event exactly at both bounds is treated the same"):
                at = "2025-06-01T12:30:15.123456Z"
                emulator.steer("events", {"count": 1, "created_at": at})
                found = pair.answers("get_events", after_date=at, before_date=at)
                equal(len(found), int(bounds == "inclusive"), "number of events")


def run() -> None:
    for world, options in WORLDS.items():
        all_of(world, options)
    filters()
    odd_filters()
    dates()
