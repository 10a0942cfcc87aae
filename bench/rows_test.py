#!/usr/bin/env python3
"""Tests what the table of the benchmark says about a ratio."""

import contextlib
import io
import sys

from rows import Rows, spread_of


def row(ours, peer, goal, **how):
    rows = Rows()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        rows.add("a call", "us", ours, peer, "libcurl", goal, **how)
    return rows.rows[0], printed.getvalue()


def pairs_rounds():
    # The machine was half as fast in the second round, and the peer was left out of the third.
    found, _ = row([10, 20, 99], [20, 40, None], 0.6)
    return found["ratio"] == 0.5 and found["spread"] == [0.5, 0.5] and found["met"]


def marks_what_noise_could_flip():
    unsure, text = row([8, 9, 11], [10, 10, 10], 1)
    sure, other = row([8, 9, 9.9], [10, 10, 10], 1)
    return unsure["met"] and "met, noise could flip it" in text and sure["met"] and "noise" not in other


def leaves_out_the_outermost():
    return [spread_of(list(range(count))) for count in (1, 5, 8, 9, 12)] == [None, [0, 4], [0, 7], [1, 7], [2, 9]]


def at_least():
    found, text = row([9, 9], [10, 10], 0.95, at_least=True)
    return found["met"] is False and ">= 0.95  MISSED" in text


CLAIMS = {
    "a ratio is that of a round, and a round without one side does not count": pairs_rounds,
    "a row whose goal lies within the range of its ratios is marked": marks_what_noise_could_flip,
    "the range of nine rounds and more leaves out the outermost": leaves_out_the_outermost,
    "a goal may be a minimum": at_least,
}


def main():
    failed = False
    for text, holds in CLAIMS.items():
        held = holds()
        failed |= not held
        print(f"{'ok' if held else 'not ok'} - bench: {text}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
