"""The SQL peers: sql.py prepare DATABASE CSV | sql.py TABLE DATABASE CSV. TABLE is kal, plain or csv.

`prepare` copies the events and members through the extension into ordinary tables and CSV files. The others read every row of the events,
and of the events joined with the members, and print the time and the CPU time of the process, in nanoseconds.

KAL_SQLITE is the extension, CSV_EXTENSION SQLite's extension csv. Credentials and URL come from the environment.
"""

import csv
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/sqlite"))
import libsqlite  # noqa: E402

TABLES = ("events", "members")
COLUMNS = "count(*), sum(length(e.id)), max(e.event_type), max(e.created_at), sum(length(e.full_name)), max(e.resource_id)"
QUERIES = {
    "rows": f"SELECT {COLUMNS} FROM {{events}} AS e",
    "members": "SELECT count(*), sum(length(id)), max(full_name), sum(length(email)) FROM {members}",
}


def connect(extension):
    db = libsqlite.Connection(extension)
    db.rows("PRAGMA temp_store = MEMORY")
    return db


def prepare(database, folder):
    db = connect(os.environ["KAL_SQLITE"])
    db.rows("ATTACH ? AS plain", database)
    for table in TABLES:
        db.rows(f"DROP TABLE IF EXISTS plain.{table}")
        db.rows(f"CREATE TABLE plain.{table} AS SELECT * FROM kal_{table}")
        names = [name for (name,) in db.rows(f"SELECT name FROM pragma_table_info('{table}', 'plain')")]
        with open(pathlib.Path(folder) / f"{table}.csv", "w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(names)
            writer.writerows(db.rows(f"SELECT * FROM plain.{table}"))
    db.close()


def tables(side, database, folder):
    """A connection, and the names of its tables."""
    if side == "kal":
        return connect(os.environ["KAL_SQLITE"]), {table: f"kal_{table}" for table in TABLES}
    db = connect(os.environ["CSV_EXTENSION"])
    if side == "plain":
        db.rows("ATTACH ? AS plain", database)
    else:
        for table in TABLES:
            db.rows(f"CREATE VIRTUAL TABLE temp.{table} USING csv(filename='{folder}/{table}.csv', header=yes)")
    return db, {table: table for table in TABLES}


def main():
    side, database, folder = sys.argv[1:]
    if side == "prepare":
        prepare(database, folder)
        print(json.dumps({"p50_ns": 0}))
        return
    db, names = tables(side, database, folder)
    # Sign-in and the list of members are there before, and the file is in the page cache.
    found = {name: db.rows(query.format(**names)) for name, query in QUERIES.items() if name == "members"}
    figures = {}
    for name, query in QUERIES.items():
        begin, cpu = time.perf_counter_ns(), time.process_time_ns()
        found[name] = db.rows(query.format(**names))
        figures |= {f"{name}_ns": time.perf_counter_ns() - begin, f"{name}_cpu_ns": time.process_time_ns() - cpu}
    db.close()
    print(json.dumps(figures | {"records": found["rows"][0][0], "members": found["members"][0][0]}))


main()
