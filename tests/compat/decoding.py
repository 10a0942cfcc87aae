"""Decoding, case by case: both clients accept a value and agree on it, or both reject it.

`known` lists the intended differences; one that has disappeared is a failure, like an unknown one.
"""

import json

import cases
from claims import Unequal, claim, equal
from compare import check_answer
from emulator import Emulator
from kaleidoscope_ctypes import CACHE_REFRESH, Client, KalError
from known import BAD_RESPONSE, DIFFERENCES, Known, Outcome, mark
from reference import Reference, Refused

PATHS = {"get_workspace": "/workspaces/active", "get_members": "/workspaces/members",
         "get_groups": "/workspaces/groups", "get_events": "/workspaces/events"}


class Decoders:
    """Both clients, given the same body."""

    def __init__(self, emulator: Emulator):
        self.emulator = emulator
        arguments = (emulator.url, emulator.client_id, emulator.client_secret)
        self.ours, self.theirs = Client(*arguments), Reference(*arguments)

    def arm(self, name: str, body: str, **fault) -> None:
        """Each client gets the body once, from the emulator's data if that can represent it."""
        self.emulator.fault(path=PATHS[name], body=body, times=2, **fault)

    def both(self, name: str):
        """The outcome of each: a value or the error."""
        try:
            theirs = self.theirs.call(name, use_cache=False)
        except Refused as why:
            theirs = why
        try:
            ours = self.ours.call(name, cache=CACHE_REFRESH)
        except KalError as why:
            ours = why
        return ours, theirs

    def run(self, name: str, body: str, known: Known | None, **fault) -> None:
        self.arm(name, body, **fault)
        try:
            ours, theirs = self.both(name)
        finally:
            self.emulator.reset()
        judge(Outcome(name, ours, theirs, self.theirs, body), known)


def judge(case: Outcome, known: Known | None) -> None:
    """Checks that the outcomes are equal, or differ exactly in the known way."""
    if isinstance(case.ours, KalError):
        # The received body is available for inspection.
        equal(case.ours.body, case.body.encode()[: 64 * 1024], "body of the error")
    if known is not None:
        known.check(case)
    elif not isinstance(case.theirs, Refused):
        if isinstance(case.ours, KalError):
            raise Unequal(f"ours rejects it ({case.ours}), theirs is {case.theirs!r}")
        check_answer(case.method, case.ours, case.theirs, case.reference)
    elif not isinstance(case.ours, KalError):
        raise Unequal(f"ours is {case.ours.records!r}, theirs rejects it ({case.theirs}: {case.theirs.__cause__})")
    else:
        equal(case.ours.status, BAD_RESPONSE, "status")


def run() -> None:
    seen = set()
    with Emulator(members=0, groups=0, events=0) as emulator:
        decoders = Decoders(emulator)
        for name, field, literal in cases.of_fields():
            known = mark(name, field, literal)
            seen.add((id(known), name, field, literal))
            with claim(sentence(f"{name[4:]}, {field} {short(literal)}", known)):
                decoders.run(name, in_record(name, field, literal), known)
        for name, text, body in cases.of_texts():
            known = mark(name, None, text)
            seen.add((id(known), name, None, text))
            with claim(sentence(f"{name[4:]} answered {short(body)}", known)):
                decoders.run(name, body, known)
    with claim("every case of every known difference was run"):
        listed = {(id(k), m, f, c) for k in DIFFERENCES for m in k.methods for f in k.fields for c in k.cases}
        equal([case[1:] for case in listed - seen], [], "not run")


def sentence(what: str, known: Known | None) -> str:
    return f"{what}: {'the same in both' if known is None else known.what}"


def in_record(name: str, field: str, literal: str) -> str:
    record = "{" + ("" if field == "id" else '"id":"x",') + f'"{field}":{literal}' + "}"
    return record if name == "get_workspace" else f"[{record}]"


def short(text: str) -> str:
    shown = text if text.isprintable() else json.dumps(text)
    return shown if len(shown) <= 90 else f"{shown[:50]}... ({len(text)} characters)"
