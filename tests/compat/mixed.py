"""Long answers in which no two records look alike: keys in any order, unknown ones between them, every spelling of a value.

A decoder that carries state over from one record to the next would fail here.
"""

import json
import random

import cases
from claims import claim, equal
from compare import check_answer
from decoding import Decoders, in_record
from emulator import Emulator
from known import mark
from reference import Refused

SEEDS = 25
RECORDS = 200
UNKNOWN = ['"log":null', '"workspace_id":"w"', '"x":[1,{"id":"no","full_name":null}]', '"ids":["id"]', '"idx":"\\"id\\":"',
           '"Email":"no"', '"i\\u0064 ":1', '"created":{"created_at":"no"}', '"é":"\\u00e9"', '"' + "long" * 20 + '":-1.5e-7', '"":""']
SPACES = ["", "", "", " ", "\n  ", "\t", "\r\n"]


def accepted(decoders: Decoders) -> dict:
    """For each method and field, the literals that the Python client accepts, and those that both reject."""
    found = {}
    for method, field, literal in cases.of_fields():
        if len(literal) > 300 or mark(method, field, literal):
            continue
        good, bad = found.setdefault((method, field), ([], []))
        try:
            decoders.theirs.read(method, in_record(method, field, literal).encode())
            good.append(literal)
        except ValueError:
            bad.append(literal)
    return found


def record(method: str, chance: random.Random, literals: dict, number: int) -> list[str]:
    members = [f'"id":"{number}"']
    for field in cases.FIELDS[method]:
        if field != "id" and chance.random() < 0.8:
            members.append(f'"{field}":{chance.choice(literals[method, field][0])}')
    members += chance.sample(UNKNOWN, chance.choice([0, 0, 1, 2, 5]))
    if chance.random() < 0.5:
        chance.shuffle(members)
    if chance.random() < 0.1:
        # Of two values the last one counts.
        members.insert(0, chance.choice(members))
    return members


def text(members: list[str], chance: random.Random) -> str:
    space = lambda: chance.choice(SPACES)  # noqa: E731
    return "{" + ",".join(f"{space()}{member}{space()}" for member in members) + "}"


def run() -> None:
    with Emulator(members=0, groups=0, events=0) as emulator:
        decoders = Decoders(emulator)
        literals = accepted(decoders)
        for method in ("get_members", "get_groups", "get_events"):
            for seed in range(SEEDS):
                chance = random.Random(f"{method} {seed}")
                records = [record(method, chance, literals, number) for number in range(RECORDS)]
                body = "[" + ",".join(text(members, chance) for members in records) + "]"
                with claim(f"{method[4:]}: {RECORDS} mixed records, seed {seed}: equal in both"):
                    decoders.arm(method, body)
                    ours, theirs = decoders.both(method)
                    check_answer(method, ours, theirs, decoders.theirs)
                    equal(len(theirs), RECORDS, "number")
                field = chance.choice([field for field in cases.FIELDS[method] if field != "id"])
                bad = chance.choice(literals[method, field][1])
                at = chance.randrange(RECORDS)
                # Last, so that no second value of the field overrides it.
                records[at].append(f'"{field}":{bad}')
                body = "[" + ",".join(text(members, chance) for members in records) + "]"
                with claim(f"{method[4:]}: one bad {field} among {RECORDS}, seed {seed}: both fail, ours names it"):
                    decoders.arm(method, body)
                    ours, theirs = decoders.both(method)
                    equal(type(theirs), Refused, "theirs")
                    equal(ours.status, 600, "status")
                    if f"{method[4:]}[{at}].{field}" not in ours.message:
                        raise AssertionError(ours.message)
        through_data(emulator, decoders, literals)


def through_data(emulator: Emulator, decoders: Decoders, literals: dict) -> None:
    """The same as data of the emulator rather than as a scripted answer."""
    for method in ("get_workspace", "get_members", "get_groups", "get_events"):
        every = [f'{{"id":"{i}","{field}":{literal}}}' for (of, field), (good, _) in literals.items() if of == method
                 and field != "id" for i, literal in enumerate(good)]
        with claim(f"{method[4:]}: {len(every)} records as the emulator's own data: equal in both"):
            if method == "get_workspace":
                for one in every:
                    emulator.data("workspace", one)
                    ours, theirs = decoders.both(method)
                    check_answer(method, ours, theirs, decoders.theirs)
                continue
            if method == "get_events":
                emulator.steer("events", raw=f'{{"unchecked":true,"events":[{",".join(every)}]}}')
            else:
                emulator.data(method[4:], f"[{','.join(every)}]")
            query = {"page_size": 1000} if method == "get_events" else {}
            theirs = decoders.theirs.call(method, use_cache=False, **query)
            check_answer(method, decoders.ours.call(method, cache=1, **query), theirs, decoders.theirs)
            equal(len(theirs), len(every), "number")
            equal(json.loads(decoders.theirs.received), json.loads(decoders.ours.call(method, **query).json), "text")
