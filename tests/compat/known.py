"""The intended differences in decoding: what each is, why, in which cases it occurs, and how it is distinguished from a bug.

Every case named here is run, and fails if it no longer differs in exactly this way.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from claims import Unequal, equal
from compare import check_answer, from_structs
from kaleidoscope_ctypes import KalError, Result
from reference import Reference, Refused

BAD_RESPONSE, NOT_FOUND = 600, 404
SMILE = r"\ud83d\ude00"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one case."""

    method: str
    ours: Result | KalError
    theirs: object
    reference: Reference
    body: str


def only_theirs(case: Outcome) -> None:
    """Ours returns an error, the Python client a value."""
    if not isinstance(case.ours, KalError) or isinstance(case.theirs, Refused):
        raise Unequal(f"ours is {case.ours!r}, theirs {case.theirs!r}")
    equal(case.ours.status, BAD_RESPONSE, "status")


def only_ours(instead: Callable[[str], str]) -> Callable[[Outcome], None]:
    """The Python client fails; ours returns the same as for the body `instead`."""

    def check(case: Outcome) -> None:
        if isinstance(case.ours, KalError) or not isinstance(case.theirs, Refused):
            raise Unequal(f"ours is {case.ours!r}, theirs {case.theirs!r}")
        equal(from_structs(case.ours.records), case.reference.read(case.method, instead(case.body).encode()), "structs")
        equal(case.ours.json, case.body.encode(), "text")

    return check


def none_is_not_found(case: Outcome) -> None:
    equal(case.theirs, None, "theirs")
    equal(case.ours.status, NOT_FOUND, "status")


def empty_list_as_text(case: Outcome) -> None:
    equal(case.theirs, [], "theirs")
    equal(case.ours.records, [], "structs")
    equal(case.ours.json, b"[]", "text")


def nul_shows_as_replacement(case: Outcome) -> None:
    shown = json.loads(json.dumps(case.theirs).replace("\\u0000", "\\ufffd"))
    equal(from_structs(case.ours.records), shown, "structs")
    if shown == case.theirs:
        raise Unequal("there is no U+0000 in it")
    equal(case.reference.read(case.method, case.ours.json), case.theirs, "json")
    equal(case.ours.json, case.body.encode(), "text")


def beyond_64_bits(case: Outcome) -> None:
    if isinstance(case.theirs, Refused):
        raise Unequal(f"theirs is {case.theirs!r}")
    equal(case.ours.records[0]["event_type_version"], -1, "structs")
    equal(case.ours.json, case.body.encode(), "text")


def minus_one_is_the_sentinel(case: Outcome) -> None:
    equal(case.ours.records[0]["event_type_version"], -1, "structs")
    equal(case.theirs[0]["event_type_version"], -1, "theirs")
    equal(case.reference.read(case.method, case.ours.json), case.theirs, "json")


def half_pair_shows_as_replacement(case: Outcome) -> None:
    shown = json.loads(re.sub(r"\\ud[89a-f][0-9a-f]{2}", r"\\ufffd", json.dumps(case.theirs).replace(SMILE, "SMILE")).replace("SMILE", SMILE))
    equal(from_structs(case.ours.records), shown, "structs")
    equal(case.ours.json, case.body.encode(), "text")


def absent_where_python_refuses(field: str, literal: str) -> Callable[[Outcome], None]:
    """One invalid value makes the Python client lose all records; ours treats it as absent, and keeps the text of a time."""

    def check(case: Outcome) -> None:
        if isinstance(case.ours, KalError):
            raise Unequal(f"ours is {case.ours!r}")
        if not isinstance(case.theirs, Refused):
            check_answer(case.method, case.ours, case.theirs, case.reference)
            return
        absent = {"created_at": None, "event_type_version": None, "is_bot": None, "is_bulk": None}
        equal(from_structs(case.ours.records)[0][field], absent[field], field)
        equal(case.ours.json, case.body.encode(), "text")

    return check


def read_by_ours_alone(case: Outcome) -> None:
    if isinstance(case.ours, KalError) or not isinstance(case.theirs, Refused):
        raise Unequal(f"ours is {case.ours!r}, theirs {case.theirs!r}")
    if from_structs(case.ours.records)[0]["created_at"] is None:
        raise Unequal("created_at is not read")
    equal(case.ours.json, case.body.encode(), "text")


@dataclass(frozen=True)
class Known:
    """An intended difference."""

    # The end of the claim: "answered {}: ..."
    what: str
    check: Callable[[Outcome], None]
    cases: frozenset[str]
    methods: tuple[str, ...]
    fields: tuple[str | None, ...] = (None,)


EVERY = ("get_workspace", "get_members", "get_groups", "get_events")
LISTS = EVERY[1:]
DIGITS = '{"id":"x","a":' + "1" * 5000 + "}"


def nested(opening: str, inner: str, closing: str, depth: int) -> str:
    return '{"id":"x","a":' + opening * depth + inner + closing * depth + "}"


def deep(*depths: int) -> frozenset[str]:
    return frozenset(nested(*how, depth) for depth in depths for how in (("[", "", "]"), ('{"a":', "1", "}")))


def cases(*texts: str) -> frozenset[str]:
    return frozenset(texts)


BLANK = cases("", " ", "\n\t\r ", "\x0c ", "null", " null ")
LONE_SURROGATES = cases(
    r'{"id":"\ud800"}', r'{"id":"\udc00"}', r'{"id":"\ud800x"}', r'{"id":"\ud800\u0041"}', r'{"id":"\udc00\ud800"}',
    r'{"id":"\ud83d\ud83d\ude00"}', r'{"id":"x","a":"\ud800"}', r'{"id":"x","a":["\udfff"]}', r'{"id":"x","\ud800":1}')
NOT_JSON_NUMBERS = cases(
    '{"id":"x","a":NaN}', '{"id":"x","a":Infinity}', '{"id":"x","a":-Infinity}', '{"id":"x","a":[NaN]}')

DIFFERENCES = [
    Known("None in Python; in C a call without a result fails, with KAL_NOT_FOUND", none_is_not_found, BLANK, EVERY[:1]),
    Known("no events in both; our JSON text is then a list too", empty_list_as_text, BLANK, EVERY[3:]),
    Known("no content in Python; a vertical tab is not white space in JSON or HTTP, so ours rejects it", only_theirs,
          cases("\x0b"), (EVERY[0], EVERY[3])),
    Known("an empty list in Python, which iterates over anything; ours rejects values other than lists", only_theirs,
          cases("{}", '""'), LISTS),
    Known("a validation error in Python; ours treats a null list as empty",
          only_ours(lambda body: body.replace("null", "[]")), cases("null"), ("get_groups",), ("user_ids", "program_ids")),
    Known("accepted by Python, but not valid JSON: ours rejects it", only_theirs, NOT_JSON_NUMBERS, EVERY),
    Known("accepted by Python, but not valid JSON: ours rejects it", only_theirs, cases('{"a":NaN}', '{"a":[-Infinity]}'),
          ("get_events",), ("event_attrs",)),
    Known("a lone surrogate has no UTF-8 form, so the struct has U+FFFD; the JSON text keeps it", half_pair_shows_as_replacement,
          LONE_SURROGATES, EVERY),
    Known("a validation error in Python; ours treats null as no attributes", only_ours(lambda body: body.replace("null", "{}")),
          cases("null"), ("get_events",), ("event_attrs",)),
    Known("nested deeper than 127, which ours rejects, so that no reader of the JSON text overflows its stack", only_theirs,
          deep(127, 128, 200, 500), EVERY[:1]),
    Known("nested deeper than 127, which ours rejects, so that no reader of the JSON text overflows its stack", only_theirs,
          deep(126, 127, 128, 200, 500), LISTS),
    Known("Python rejects integers of more than 4300 digits even in unknown fields; ours ignores them",
          only_ours(lambda body: body.replace(DIGITS, '{"id":"x"}')), cases(DIGITS), EVERY),
    Known("a C string ends at U+0000, so the struct has U+FFFD; the JSON text keeps it", nul_shows_as_replacement,
          cases(r'{"id":"\u0000"}', r'{"id":"a\u0000b"}'), EVERY),
    Known("a leap second and the year 0000 are RFC 3339; Python rejects them", read_by_ours_alone,
          cases('"0000-01-01"', '"2016-12-31T23:59:60Z"'), ("get_events",), ("created_at",)),
    Known("-1 in the struct also means absent; the JSON text distinguishes them", minus_one_is_the_sentinel,
          cases("-1", '"-1"', "-1.0", '"-1.0"'), ("get_events",), ("event_type_version",)),
    Known("Python's integers are unbounded; ours have 64 bits, and larger ones are absent", beyond_64_bits,
          cases("9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", '"9223372036854775808"',
                '"-9223372036854775809"'), ("get_events",), ("event_type_version",)),
]


SCALARS = ("created_at", "event_type_version", "is_bot", "is_bulk")


def mark(method: str, field: str | None, text: str) -> Known | None:
    """The difference that a case is marked with."""
    found = [k for k in DIFFERENCES if method in k.methods and field in k.fields and text in k.cases]
    if len(found) > 1:
        raise ValueError(f"{text} is marked twice")
    if not found and field in SCALARS and re.match(r'"|-?[0-9]', text):
        what = "an invalid value is a validation error in Python, and absent in ours"
        return Known(what, absent_where_python_refuses(field, text), frozenset(), ())
    return found[0] if found else None
