#!/usr/bin/env python3
"""dates.py [--texts N] [--seed N]: kal_time, the collation of the same name and SQLite's date functions agree on random texts.

Each text is a date, a time of day or a number, perhaps with one change that makes it doubtful or wrong. kal_time may differ from
julianday by up to a millisecond, to which SQLite rounds or truncates, depending on its version. KAL_SQLITE is the extension
without .so, KAL_LIBSQLITE another SQLite.
"""

import argparse
import datetime
import os
import random
import re
import sys

import libsqlite

YEAR_10000 = 253402300800000  # in milliseconds since 1970
CLOCK = ["now", "subsec", "subsecond"]  # no times in the extension
SHOWN = 5
SPACES = [" ", "  ", "\t", "\n", "\r", "\v", "\f", "\xa0"]
PIECES = ["-", ":", ".", ",", "T", "t", "Z", "z", "+", " ", "0", "9", "_", "\0", "é", "e", "−", "60", "24", "31", "13"]
WORDS = ["", " ", "now", "NOW", "subsec", "subsecond", "yesterday", "today", "noon", "auto", "localtime", "utc", "inf", "nan", "0x10",
         "2025", "202510", "20251001", "2025-10", "2025-W40", "2025-274", "Z", "T", "-", "+", ".", "e5", "1e", "12", "1:2"]  # fmt: skip


class Maker:
    def __init__(self, chance):
        self.chance = chance

    def pick(self, *choices):
        return self.chance.choice(choices)

    def digits(self, most, width=2):
        usual = self.chance.randrange(most)
        return f"{self.pick(*[usual] * 12, 0, most - 1, most, most + 1):0{width}d}"

    def date(self):
        year = self.pick(*[self.chance.randrange(1970, 2040)] * 4, *[self.chance.randrange(1, 9999)] * 2, 0, 1, 4, 100, 1900, 2000,
                         9999, self.chance.randrange(4800))  # fmt: skip
        sign = "-" if self.chance.randrange(25) == 0 else ""
        return f"{sign}{year:04d}-{self.pick(self.digits(12), '02', '12', '01')}-{self.pick(self.digits(31), '28', '29', '30', '31')}"

    def fraction(self):
        return "." + "".join(self.pick(*"0123456789") for _ in range(self.pick(0, 1, 2, 3, 3, 3, 6, 6, 9, 30)))

    def clock(self):
        hour = self.pick(*[self.digits(24)] * 8, "24")
        text = f"{hour}:{self.pick('00', self.digits(60))}"
        if hour == "24" and self.pick(0, 1, 1):
            return self.pick("24:00", "24:00:00", "24:00:00.000")
        if self.pick(0, 1, 1, 1):
            text += f":{self.pick(self.digits(60), '59')}"
            text += self.pick("", "", self.fraction(), ".999", ".9996")
        return text

    def offset(self):
        hours = self.pick(self.digits(14), "00", "14")
        return self.pick("", "", "", "Z", "z", " Z", "Z ", f"+{hours}:{self.digits(59)}", f"-{hours}:{self.digits(59)}",
                         f" +{hours}:00 ", "+00:00", f"-{hours}:30")  # fmt: skip

    def number(self):
        whole = self.pick(self.chance.randrange(5373485), 2440587, 2460950, 5373484, 0, self.chance.randrange(10**8), 20260131)
        text = str(whole) + self.pick("", "", ".5", self.fraction(), f".{self.chance.randrange(10**8)}")
        return self.pick(*[text] * 6, "-" + text, "+" + text, text + self.pick("e0", "e1", "e-1", "E+2", "e-3", "e400", "e-400"))

    def text(self):
        kind = self.chance.randrange(20)
        if kind == 0:
            text = self.pick(*WORDS)
        elif kind < 4:
            text = self.number()
        elif kind < 7:
            text = self.clock() + self.offset()
        elif kind < 10:
            text = self.date()
        else:
            text = self.date() + self.pick("T", "T", " ", " ", "", "TT", "T ", "  ", "\t") + self.clock() + self.offset()
        if self.chance.randrange(8) == 0:
            text = self.pick(text + self.pick(*SPACES), self.pick(*SPACES) + text)
        if text and self.chance.randrange(5) == 0:
            at = self.chance.randrange(len(text))
            text = text[:at] + self.pick("", self.pick(*PIECES), text[at] + self.pick(*PIECES)) + text[at + self.pick(0, 1) :]
        return text


def is_more(text):
    """Whether the extension may accept a text that SQLite does not, as docs/sql.md lists them."""
    text = text.split("\0")[0]
    if re.fullmatch(r"\s*\+?[\d.]+(e[+-]?\d+)?\s*", text, re.IGNORECASE | re.ASCII):
        return 1e9 <= float(text) < YEAR_10000
    return bool(re.search(r"\d[t_]\d|:\d\d,\d|:60|[+−-](1[5-9]|2[0-3]):?\d\d\s*$|[+−-]\d{4}\s*$|−\d\d:\d\d", text))


def changed(text, version):
    """Whether versions of SQLite differ about a text. Up to 3.46 years before 1 are wrong. The hour 24 has minutes up to 3.50; after
    it, it is in the wrong year if that is negative, and in no year at the end of 9999, whatever the offset."""
    is_negative = text.startswith("-")
    hour = re.search(r"(?:^|[T\s]|\d\d)24:(\d\d(?::\d\d(?:\.\d*)?)?)", text)
    return bool((is_negative and version < 3050000) or (hour and (is_negative or hour[1].strip("0:.") or text.startswith("9999-12-31"))))


def micros(form):
    """The normal form in microseconds since 1970; None for None."""
    if form is None:
        return None
    sign, year, month, day, *time, fraction = re.fullmatch(
        r"(-?)(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z", form, re.ASCII
    ).groups()
    # Python has the years 1 to 9999.
    year = int(sign + year)
    eras = 0 if year > 0 else 20
    days = datetime.date(year + 400 * eras, int(month), int(day)).toordinal() - 719163 - 146097 * eras
    hour, minute, second = map(int, time)
    assert hour < 24 and minute < 60 and second < 60, form
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000000 + int(fraction)


class Comparison:
    def __init__(self):
        self.connection = libsqlite.Connection(os.environ["KAL_SQLITE"])
        self.times = 0

    def faults(self, text):
        """What is wrong about the time of a text."""
        # SQLite's own time in milliseconds since 1970.
        is_clock = text.split("\0")[0].lower() in CLOCK
        ((form, theirs),) = self.connection.rows(
            "SELECT kal_time(?1), CAST(round(julianday(?2) * 86400000.0) AS INTEGER) - 210866760000000",
            text, None if is_clock else text,
        )  # fmt: skip
        own = micros(form)
        self.times += theirs is not None
        if theirs is None and form is not None and not is_more(text) and not changed(text, libsqlite.version):
            yield f"{text!r} is {form}, for SQLite NULL"
        if theirs is not None and (own is None or abs(own - theirs * 1000) > 1000) and not changed(text, libsqlite.version):
            ((expected,),) = self.connection.rows("SELECT strftime('%Y-%m-%dT%H:%M:%f', ?1)", text)
            yield f"{text!r} is {form}, for SQLite {expected}"

    def orders(self, left, right):
        """What is wrong about the order of two texts."""
        rows = self.connection.rows(
            "SELECT kal_time(?1), kal_time(?2), ?1 < ?2 COLLATE kal_time, ?1 = ?2 COLLATE kal_time, ?1 > ?2 COLLATE kal_time",
            left, right,
        )  # fmt: skip
        ((first, second, *found),) = rows
        # What is no time is after all times, by its bytes.
        keys = [(0, micros(form)) if form is not None else (1, text.encode()) for form, text in ((first, left), (second, right))]
        expected = [int(keys[0] < keys[1]), int(keys[0] == keys[1]), int(keys[0] > keys[1])]
        if found != expected:
            yield f"{left!r} <, =, > {right!r}: {found} instead of {expected}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--texts", type=int, default=20000)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = options.parse_args()
    print(f"# dates: --seed {options.seed}, SQLite {libsqlite.version}", flush=True)
    comparison, make, previous = Comparison(), Maker(random.Random(options.seed)), ""
    faults, misplaced = [], []
    for _ in range(options.texts):
        text = make.text()
        faults += comparison.faults(text)
        misplaced += comparison.orders(text, previous)
        previous = text
    # Texts that are no times prove little.
    telling = comparison.times * 2 > options.texts
    for claim, wrong in [("kal_time and SQLite agree what time a text is", faults), ("the collation compares instants", misplaced)]:
        print(f"{'ok' if telling and not wrong else 'not ok'} - {claim}")
        for fault in wrong[:SHOWN]:
            print(f"#   {fault}")
    print(f"# {comparison.times} of {options.texts} texts are times; {len(faults)} and {len(misplaced)} are wrong")
    sys.exit(bool(faults or misplaced or not telling))


main()
