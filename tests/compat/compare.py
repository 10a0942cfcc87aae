"""Both clients side by side: one call, both answers, field by field."""

import json
from collections.abc import Iterable

from claims import Unequal, equal
from emulator import Emulator
from kaleidoscope_ctypes import ACCESS, CACHE_REFRESH, CACHE_USE, INT64_MIN, Client, Result
from reference import Reference


def from_structs(records):
    """C structs as values of the Python client; values that C cannot represent have their documented substitutes."""
    if isinstance(records, list):
        return [from_structs(record) for record in records]
    record = dict(records)
    if "access_level_name" in record:
        code, word = record["access_level"], record.pop("access_level_name")
        known = {name: number for number, name in ACCESS.items()}
        equal(code, known.get(word, 0), "access_level")
        record["access_level"] = word
    if "event_attrs" in record:
        micros = record.pop("created_at_us")
        # Text that is not a valid time is kept, and its timestamp is absent.
        if micros != INT64_MIN and record["created_at"] is None:
            raise Unequal(f"created_at is {record['created_at']!r}, created_at_us is {micros}")
        record["created_at"] = None if micros == INT64_MIN else micros
        record["event_attrs"] = json.loads(record["event_attrs"])
        if record["event_type_version"] == -1:
            record["event_type_version"] = None
        for name in ("is_bot", "is_bulk"):
            record[name] = {1: True, 0: False, -1: None}[record[name]]
    return record


def check_answer(name: str, ours: Result, theirs, reference: Reference, whole: bool = True) -> None:
    """Compares our structs and our JSON text with the result of the Python client's own request."""
    equal(from_structs(ours.records), theirs, "structs")
    equal(reference.read(name, ours.json), theirs, "json")
    if whole:
        equal(ours.json, reference.received, "text")
    check_times_as_written(ours)


def check_times_as_written(ours: Result) -> None:
    """`created_at` in the struct is the JSON's text, character by character."""
    records = ours.records if isinstance(ours.records, list) else []
    if records and "created_at" in records[0]:
        # Numbers keep their spelling, too.
        sent = json.loads(ours.json, parse_int=str, parse_float=str)
        equal([r["created_at"] for r in records], [e.get("created_at") for e in sent], "created_at")


class Pair:
    """Both clients of one emulator."""

    def __init__(self, emulator: Emulator, **options):
        self.emulator = emulator
        arguments = (emulator.url, emulator.client_id, emulator.client_secret)
        reference_options = {k: v for k, v in options.items() if k in ("headers", "iap_token")}
        self.ours, self.theirs = Client(*arguments, **options), Reference(*arguments, **reference_options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ours.close()

    def sign_in(self) -> None:
        """Signs both clients in, so that later requests do not include the sign-in."""
        for client in (self.ours, self.theirs):
            client.call("get_events")

    def answers(self, name: str, *arguments, door: str | None = None, ours: dict | None = None, **query):
        """Both clients bypass the cache: ours by the typed call and by kal_call. Returns the Python client's answer.

        `ours` is the query of the C call, if it differs.
        """
        theirs = self.theirs.call(name, *arguments, use_cache=False, **query)
        typed = query if ours is None else ours
        cache = CACHE_USE if name.endswith("_by_ids") else CACHE_REFRESH
        whole = not name.endswith("_by_ids")
        check_answer(name, self.ours.call(name, *arguments, cache=cache, **typed), theirs, self.theirs, whole)
        if door is None:
            door = json.dumps({"ids": arguments[0]} if arguments else typed)
        check_answer(name, self.ours.door(name, door, cache=cache), theirs, self.theirs, whole)
        return theirs


def subsets(items: dict) -> Iterable[dict]:
    """All subsets of items, the empty one first."""
    names = list(items)
    for bits in range(2 ** len(names)):
        yield {name: items[name] for i, name in enumerate(names) if bits >> i & 1}
