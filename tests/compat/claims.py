"""Claims: each is one line, `ok - claim` or `not ok - claim`, followed by the reason of a failure."""

import contextlib
import sys
import traceback

made: list[str] = []
broken: list[str] = []


class Unequal(AssertionError):
    """Two values that should be equal are not."""


@contextlib.contextmanager
def claim(text: str):
    """Checks the block; a failure is reported, and the next claim runs."""
    made.append(text)
    try:
        yield
    except Exception as failure:  # noqa: BLE001 - any exception means that the claim does not hold
        broken.append(text)
        print(f"not ok - {text}")
        if isinstance(failure, AssertionError):
            reason = str(failure) or traceback.format_exc()
        else:
            reason = traceback.format_exc()
        for line in reason.splitlines():
            print(f"  # {line}")
    else:
        print(f"ok - {text}")
    sys.stdout.flush()


def equal(ours, theirs, what: str = "") -> None:
    """Checks that values and types are equal: True is not 1, and 1 is not 1.0."""
    where = difference(ours, theirs, what)
    if where:
        raise Unequal(where)


def difference(ours, theirs, path: str = "") -> str | None:
    """The first difference of two values, or None."""
    if type(ours) is not type(theirs):
        return f"{path}: ours is {ours!r}, theirs {theirs!r}"
    if isinstance(ours, dict):
        if ours.keys() != theirs.keys():
            return f"{path}: ours has {sorted(ours)}, theirs {sorted(theirs)}"
        pairs = ((f"{path}.{key}", ours[key], theirs[key]) for key in ours)
    elif isinstance(ours, (list, tuple)):
        if len(ours) != len(theirs):
            return f"{path}: ours has {len(ours)} elements, theirs {len(theirs)}"
        pairs = ((f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(ours, theirs)))
    else:
        # A NaN would differ from itself.
        return None if ours == theirs or repr(ours) == repr(theirs) else f"{path}: ours is {ours!r}, theirs {theirs!r}"
    return next(filter(None, (difference(a, b, p) for p, a, b in pairs)), None)


def close() -> int:
    """Prints the last line and returns the exit status."""
    print(f"# {len(made)} claims, {len(broken)} do not hold")
    return 1 if broken or not made else 0
