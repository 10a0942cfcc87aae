"""The table: one row for each comparison, with the ratio of its rounds and how far it varies."""

import math
import statistics

NAMES = {"strdup": "libcurl, yyjson, strdup", "fresh": "libcurl, yyjson in place", "insitu": "libcurl, yyjson in place, buffer kept",
         "dynamic": "the same, yyjson's memory kept", "libcurl": "libcurl", "kalbio": "kalbio 0.7.0"}
MARKS = {True: "met", False: "MISSED", None: ""}


class Rows:
    def __init__(self):
        self.rows = []

    def add(self, name, unit, ours, peer, peer_name, goal=None, at_least=False):
        """Adds a row. `ours` and `peer` are a number, or one for each round, None where a side was left out of the round.

        `goal` applies to ours / peer; None: for comparison only.
        """
        ratios = paired(ours, peer)
        ratio, spread = statistics.median(ratios), spread_of(ratios)
        ours, peer = middle(ours), middle(peer)
        met = None if goal is None else ratio >= goal if at_least else ratio <= goal
        unsure = goal is not None and spread is not None and spread[0] <= goal <= spread[1]
        self.rows.append({
            "name": name, "ours": round(ours, 3), "peer": round(peer, 3), "peer_name": NAMES.get(peer_name, peer_name), "unit": unit,
            "ratio": round(ratio, 4), "spread": spread and [round(end, 4) for end in spread],
            "goal": None if goal is None else f"{'>=' if at_least else '<='} {goal:g}", "met": met, "unsure": unsure})
        print(line(self.rows[-1]), flush=True)

    def summarise(self, seconds):
        with_goals = [row for row in self.rows if row["met"] is not None]
        missed = [row for row in with_goals if not row["met"]]
        unsure = sum(row["unsure"] for row in with_goals)
        print(f"\n{len(with_goals) - len(missed)} of {len(with_goals)} goals met, {len(missed)} missed; noise could flip {unsure}; {seconds:.0f} s")
        for row in missed:
            print(f"missed: {row['name']} against {row['peer_name']}: {row['ratio']:g}, goal {row['goal']}")


def line(row):
    spread = "{:.3f}..{:.3f}".format(*row["spread"]) if row["spread"] else "-"
    mark = MARKS[row["met"]] + (", noise could flip it" if row["unsure"] else "")
    return (f"{row['name']:<46} {row['ours']:>12,.6g} {row['peer']:>12,.6g} {row['unit']:<14} {row['peer_name']:<38} "
            f"{row['ratio']:>7.3f} {spread:>15} {row['goal'] or '-':>8}  {mark}").rstrip()


def paired(ours, peer):
    """The ratio of each round in which both sides ran."""
    ours, peer = (side if isinstance(side, list) else [side] for side in (ours, peer))
    return [one / other for one, other in zip(ours, peer) if None not in (one, other)]


def middle(side):
    return statistics.median(value for value in side if value is not None) if isinstance(side, list) else side


def spread_of(ratios):
    """The range in which the median of many more rounds would be found with a probability of 94 % (the sign test).

    It is the whole range of up to eight rounds, although four and fewer make it less probable, and leaves out the outermost of more.
    None for a single round.
    """
    count, left_out = len(ratios), 0
    if count < 2:
        return None
    while 2 * sum(math.comb(count, number) for number in range(left_out + 2)) / 2**count <= 0.0625:
        left_out += 1
    ordered = sorted(ratios)
    return [ordered[left_out], ordered[-1 - left_out]]
