"""Kills follow.c with SIGKILL repeatedly, while events arrive and while it catches up: follow.py PROGRAM [SEED]

Seen red without the ftruncate in `load` (events twice), with the state saved before the lines are printed (events lost), and with
it saved after every third page (more events than a page behind the cursor).
"""

import collections
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from claims import claim, close
from emulator import Emulator

KILLS = 15
# How many events it has to catch up with, on pages of how many, and how often it is killed meanwhile.
BEHIND = 1_500
PAGE = 40
KILLS_BEHIND = 20
# This many kills must hit between printing the lines and saving the state, or the test proves nothing.
TORN = 5
# An id and a time.
LINE_LEAST = 60
PATIENCE = 120


class Follow:
    """The program and its state file."""

    def __init__(self, program: str, emulator: Emulator, folder: str):
        self.emulator = emulator
        self.file = pathlib.Path(folder, "events.log")
        self.said = pathlib.Path(folder, "said")
        self.state = pathlib.Path(folder, "events.log.state")
        self.command = [program, str(self.file)]
        self.process = None

    def start(self):
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(self.command, stderr=said)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    def until(self, condition, what: str):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said.read_text()}"
            assert time.monotonic() < deadline, f"{what} never came"
            time.sleep(0.001)

    def follows(self) -> bool:
        return self.state.exists() and '"present"' not in self.state.read_text()

    def saved(self) -> int:
        """The length of the file at the saved cursor."""
        return int(self.state.read_text().split()[0])

    def is_torn(self) -> bool:
        return self.size() > self.saved()

    def in_hand(self) -> int:
        """How many whole lines it wrote after the saved cursor, which it will be given again."""
        return self.file.read_bytes()[self.saved() :].count(b"\n")

    def asked(self) -> int:
        return sum(self.emulator.counts()["paths"].values())

    def ids(self) -> list[str]:
        return [line.split("\t")[-1] for line in self.file.read_text().split("\n")[:-1]]


def kill_within(follow: Follow, size: int, asked: int, lines: int, chance: random.Random):
    """Kills it at any moment within this many lines or a few requests after the size and the count of before its start."""
    if lines and chance.random() < 0.7:
        size += chance.randrange(LINE_LEAST * lines)
        follow.until(lambda: follow.size() > size, "the next line")
    else:
        asked += chance.randrange(4)
        follow.until(lambda: follow.asked() >= asked, "the next request")
    follow.kill()


def killed_and_resumed(follow: Follow, chance: random.Random) -> list[str]:
    """Returns the ids of the events that arrived meanwhile."""
    arrived = []
    kills = torn = 0

    def arrive(count: int):
        arrived.extend(follow.emulator.steer("events", {"count": count})["ids"])

    while kills < KILLS or torn < TORN:
        assert kills < 20 * KILLS, f"of {kills} kills {torn} hit between the lines and the state"
        arrive(chance.randrange(30))
        size, asked = follow.size(), follow.asked()
        missing = len(set(arrived) - set(follow.ids()))
        follow.start()
        arrive(chance.randrange(10))
        kill_within(follow, size, asked, missing, chance)
        kills += 1
        torn += follow.is_torn()
    print(f"# killed {kills} times, {torn} of them between the lines and the state; {len(arrived)} events")
    return arrived


def killed_while_behind(follow: Follow, chance: random.Random) -> list[str]:
    """Returns the ids of the events that it caught up with."""
    arrived = follow.emulator.steer("events", {"count": BEHIND})["ids"]
    kills = torn = 0
    while kills < KILLS_BEHIND:
        missing = len(set(arrived) - set(follow.ids()))
        assert missing > PAGE, f"it has caught up after {kills} kills"
        size, asked = follow.size(), follow.asked()
        follow.start()
        # All kills together leave some pages for the last run.
        kill_within(follow, size, asked, min(missing, 2 * PAGE), chance)
        kills += 1
        torn += follow.is_torn()
        assert follow.in_hand() <= PAGE, f"{follow.in_hand()} events after the saved cursor"
    print(f"# killed {kills} times, {torn} of them between the lines and the state; {missing} events before the end")
    return arrived


def behind(program: str, order: str, chance: random.Random):
    with tempfile.TemporaryDirectory() as folder, Emulator(events=250, page_size=PAGE, order=order) as emulator:
        use(emulator)
        follow = Follow(program, emulator, folder)
        with claim(f"follow: killed while it catches up with {BEHIND} events ({order}), it prints each once"):
            follow.start()
            follow.until(follow.follows, "the first cursor")
            follow.kill()
            arrived = killed_while_behind(follow, chance)
            follow.start()
            follow.until(lambda: len(follow.ids()) >= BEHIND and not follow.is_torn(), "the last event")
            arrived += emulator.steer("events", {"count": 1})["ids"]
            follow.until(lambda: arrived[-1] in follow.ids() and not follow.is_torn(), "an event behind all others")
            follow.kill()
            same(follow, arrived)


def same(follow: Follow, arrived: list[str]):
    counted, wanted = collections.Counter(follow.ids()), set(arrived)
    twice = [event for event, times in counted.items() if times > 1]
    lost, others = wanted - counted.keys(), counted.keys() - wanted
    assert not twice and not lost and not others, f"twice {twice}, lost {lost}, others {others}"


def use(emulator: Emulator):
    os.environ.update(
        KALEIDOSCOPE_API_URL=emulator.url,
        KALEIDOSCOPE_API_CLIENT_ID=emulator.client_id,
        KALEIDOSCOPE_API_CLIENT_SECRET=emulator.client_secret,
    )


def odd_events_and_failures(follow: Follow) -> list[str]:
    """Returns the ids of the events that arrived meanwhile. Whatever the order of the list is."""
    emulator, arrived = follow.emulator, []
    with claim("follow: a new event is printed on one line, even if its texts have line breaks"):
        named = {"id": "odd", "full_name": "two\nlines\tand a tab", "created_at": "2099-01-01T00:00:00Z"}
        arrived += emulator.steer("events", {"events": [named]})["ids"]
        follow.until(lambda: "odd" in follow.ids(), "the event")
        line = follow.file.read_text().splitlines()[-1]
        assert line == "2099-01-01T00:00:00Z\t-\t-\ttwo lines and a tab\todd", line
    with claim("follow: a second instance with the same file fails and names the file"):
        second = subprocess.run(follow.command, capture_output=True, text=True, timeout=PATIENCE)
        assert second.returncode == 1 and str(follow.file) in second.stderr, second
    with claim("follow: a transient failure is reported, and it continues afterwards"):
        follow.kill()
        emulator.fault(path="/workspaces/events", status=503, times=6)
        arrived += emulator.steer("events", {"events": [{"id": "after", "created_at": "2099-01-01T00:00:01Z"}]})["ids"]
        follow.start()
        follow.until(lambda: "after" in follow.ids(), "the event behind the failure")
        assert "KAL_SERVICE_UNAVAILABLE" in follow.said.read_text(), follow.said.read_text()
    return arrived


def arriving(program: str, order: str, chance: random.Random):
    with tempfile.TemporaryDirectory() as folder, Emulator(events=250, page_size=4, order=order) as emulator:
        use(emulator)
        follow = Follow(program, emulator, folder)
        arrived = []
        with claim(f"follow: events from before its start are not printed ({order})"):
            follow.start()
            follow.until(follow.follows, "the first cursor")
            assert follow.ids() == [], follow.ids()
            follow.kill()
        with claim(f"follow: killed at any point and restarted, it prints each event once ({order})"):
            arrived += killed_and_resumed(follow, chance)
            follow.start()
            follow.until(lambda: set(arrived) <= set(follow.ids()), "the last event")
        if order == "desc":
            arrived += odd_events_and_failures(follow)
        with claim(f"follow: at the end the file has each event that arrived exactly once, and no other ({order})"):
            follow.until(lambda: not follow.is_torn(), "the last state")
            follow.kill()
            same(follow, arrived)
        if order == "desc":
            # Red without the token in the options of the stream: it waits on.
            with claim("follow: SIGINT and SIGTERM end it while it waits, and it resumes from its cursor"):
                for number in (signal.SIGINT, signal.SIGTERM):
                    asked = follow.asked()
                    follow.start()
                    # It waits for new events between requests.
                    follow.until(lambda asked=asked: follow.asked() > asked + 1 and not follow.is_torn(), "a request")
                    follow.process.send_signal(number)
                    assert follow.process.wait(PATIENCE) == 0, follow.said.read_text()
                    arrived += emulator.steer("events", {"count": 3})["ids"]
                follow.start()
                follow.until(lambda: set(arrived) <= set(follow.ids()) and not follow.is_torn(), "the last event")
                follow.kill()
                same(follow, arrived)
            with claim("follow: a permanent failure ends it with a message"):
                os.environ["KALEIDOSCOPE_API_CLIENT_SECRET"] = "wrong"
                ended = subprocess.run(follow.command, capture_output=True, text=True, timeout=PATIENCE)
                assert ended.returncode == 1 and "KAL_AUTH_FAILED" in ended.stderr, ended


def main(program: str, seed: int) -> int:
    print(f"# seed {seed}")
    chance = random.Random(seed)
    for order in ("asc", "desc"):
        behind(program, order, chance)
        arriving(program, order, chance)
    return close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1_000_000)))
