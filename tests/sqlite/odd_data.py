"""A small workspace with as many unusual values as the API allows: NULLs, duplicates, texts that are equal in another collation,
as numbers or as times, and characters with a special meaning elsewhere."""

import os
import random
import json
import subprocess
import urllib.request

IDS = ["a1", "A1", "a1 ", "5", "05", "5.0", "", "x\u0000y", "é'\"\\%_*?[", "u\n\t", "zz"]
NAMES = [None, "", "Ann", "ann", "Søren", "O'Neil", "a,b\"c", "50%", "x_y", "[a]*", "5"]
EMAILS = [None, "ann@example.com", "ANN@example.com", "", "e5"]
LEVELS = [None, "guest", "admin", "Guest", "5", ""]
TYPES = [None, *["create"] * 9, "Create", "create ", *["delete"] * 6, "update", "5", "05", "5.0", "", "é\"'&["]
RESOURCES = [None, *["task"] * 8, "Task", *["record"] * 5, "5", "05", "", "a&b=c"]
USERS = [None, *IDS, *["a1"] * 7, *["zz"] * 5]
# One time in several spellings, times just before and after it, and days around it.
DATES = [
    "2025-10-01T12:00:00Z", "2025-10-01T12:00:00.000Z", "2025-10-01T14:00:00+02:00", "2025-10-01 12:00:00",
    "2025-10-01T12:00:00.000001Z", "2025-10-01T11:59:59.999999Z", "2025-10-01T12:00:01Z", "2025-10-01", "2025-10-01T00:00:00Z",
    "2025-09-30T23:30:00-01:00", "2025-10-02", "2025-10-02T08:15:30.25Z", "2025-10-03T00:00:00.5+00:00", "2025-09-28T09:00Z",
    "2024-02-29T23:59:59Z", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
]  # fmt: skip
# What SQLite's date functions accept: most are one of the times above.
DOUBTFUL = [
    "2025-09-31", "2025-09-31T12:00", "2025-09-30 24:00:00", "2025-10-0112:00Z", "2025-10-01 14:00:00.0000009  +02:00 ", "2460950",
    "2460949.5", " 2460950.0 ", "1759320000", "1759320000000", "12:00", "-0001-06-01", "2025-10-01T10:00:00,0-0200",
]  # fmt: skip
# What the server may send in place of a time, and further texts that are none.
UNTIMED = ["", "soon"]
NO_TIMES = [*UNTIMED, "now", "20260131", "2025-13-01", " 2025-10-01", "2025-10-01T24:01"]
UNIX_TIME = 253402300799000  # of the last time, in milliseconds
# The emulator parses its own spellings only; it treats others as the newest.
SENT_DATES = [date for date in DATES if " " not in date and date.count(":") != 1]


def workspace():
    """The documents and events for the emulator; the same for all queries."""
    chance = random.Random(7)
    pick = chance.choice
    members = [
        {"id": id, "full_name": pick(NAMES), "preferred_name": pick(NAMES), "access_level": pick(LEVELS), "email": pick(EMAILS)}
        for id in [*IDS, "a1"]
    ]
    groups = [
        {"id": id, "group_name": pick(NAMES), "email": pick(EMAILS), "program_ids": ["naïve-1", 'p"q'][: chance.randrange(3)],
         "user_ids": users}
        for id, users in [
            ("g1", ["a1", "A1", "a1", "zz"]), ("G1", []), ("g2", ["5", "05", "nobody"]), ("g1", ["a1", "a1 "]),
            ("a1", ["a1", "x\u0000y", "", "5", "u\n\t"]),
        ]
    ]  # fmt: skip
    # The server may list a member, a group or an event twice.
    members.append(members[0])
    groups.append(groups[0])
    events = []
    for number in range(34):
        events.append({
            "id": f"e{number}" if number > 6 else pick(["E", "e ", "e", "é%"]) + str(number),
            "event_type": pick(TYPES), "event_type_version": pick([None, 0, 1, 2, 5]),
            "created_at": pick([None, *SENT_DATES, *SENT_DATES]),
            "event_user_id": pick(USERS), "full_name": pick(NAMES), "preferred_name": pick(NAMES),
            "resource_id": pick([None, "r1", "r2", "a1"]), "resource_type": pick(RESOURCES),
            "parent_bulk_event_id": pick([None, None, "e7", "e8"]), "event_attrs": pick([{}, {"a": 1}]),
            "is_bot": pick([None, True, False]), "is_bulk": pick([None, True, False]),
        })  # fmt: skip
    # The emulator treats a Unix time as the newest.
    events[-2]["created_at"], events[-1]["created_at"] = DATES[-1], UNIX_TIME
    for event, text in zip(events[-4:-2], UNTIMED):
        event["created_at"] = text
    # Ids that equal another's except for case, are empty or equal a member's; and an event twice.
    for event, id in zip(events, ["", "a1", "E9", "5", "05"]):
        event["id"] = id
    events.append(events[12])
    return {"workspace": {"id": "a1", "workspace_name": None}, "members": members, "groups": groups, "unchecked": True}, events


class Emulator:
    """Exits with this process, however that ends."""

    def __init__(self):
        self.process = subprocess.Popen(
            [os.environ["KAL_EMULATOR"], "--exit-with-stdin", "--events", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.url = self.process.stdout.readline().decode().split()[3]
        data, events = workspace()
        self.admin("data", data)
        self.admin("events", {"events": events, "unchecked": True})
        os.environ.update(
            KALEIDOSCOPE_API_URL=self.url, KALEIDOSCOPE_API_CLIENT_ID="demo-client", KALEIDOSCOPE_API_CLIENT_SECRET="demo-secret"
        )

    def admin(self, name, body):
        urllib.request.urlopen(f"{self.url}/__emulator/{name}", json.dumps(body).encode()).close()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
