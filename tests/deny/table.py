"""Checks that the table of direct dependencies in CONTRIBUTING.md matches Cargo.toml: table.py [CARGO_TOML CONTRIBUTING_MD].

A row is | `crate` | what it is for | why this one |, below the heading "Dependencies". Prints what is missing and exits with 1.
"""

import re
import sys
import tomllib

path, page = sys.argv[1:] or ("Cargo.toml", "CONTRIBUTING.md")
with open(path, "rb") as file:
    manifest = tomllib.load(file)
# Those of one system, too, but not those of the models that loom tries.
of_systems = [table["dependencies"] for target, table in manifest.get("target", {}).items() if "kal_loom" not in target]
declared = set(manifest["dependencies"]).union(*of_systems)
with open(page, encoding="utf-8") as file:
    section = re.search(r"^#+ Dependencies\n(.*?)(?=^#|\Z)", file.read(), re.M | re.S)
if section is None:
    sys.exit(f"{page} has no section named Dependencies")

rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section[1].splitlines() if line.startswith("| `")]
listed = [name for row in rows for name in re.findall(r"`([^`]+)`", row[0])]
wrong = [f"{name} is in {path} without a row in {page}: what is it for, and why this one?"
         for name in declared if name not in listed]
wrong += [f"{name} has a row in {page} and is not in {path}" for name in listed if name not in declared]
wrong += [f"{name} has two rows in {page}" for name in sorted(set(listed)) if listed.count(name) > 1]
wrong += [f"the row of {row[0]} in {page} has an empty cell" for row in rows if len(row) != 3 or not all(row)]
print("\n".join(wrong), end="\n" if wrong else "")
sys.exit(bool(wrong))
