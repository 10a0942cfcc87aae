"""Prints the licences of everything linked into the library: the files of every crate, then those of the Rust standard library.

    licences.py TRIPLE [NAME=FILE ...]      more parts, by their name and the file that has their licence
    licences.py --package kal-emulator TRIPLE   of that package of the workspace instead of the library

A crate without a licence file is an error: somebody has to look.
"""

import html
import json
import pathlib
import re
import subprocess
import sys

NAMES = re.compile(r"(?i)(un)?licen[cs]e|copying|copyright|notice")


def tree(triple, root="kaleidoscope"):
    """Of every crate that is linked into the library, itself included, as (name, version), those that it uses directly. No macros,
    build scripts or tests, and no crate that only another package of the workspace needs, as cargo's metadata has them."""
    lines = subprocess.run(
        ["cargo", "tree", "--locked", "--package", root, "--target", triple, "--edges", "normal,no-proc-macro",
         "--prefix", "depth", "--format", " {p}"], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    uses, path = {}, []
    for line in lines:
        depth, name, version = line.split()[:3]
        crate = (name, version.removeprefix("v"))
        path = path[:int(depth)] + [crate]
        uses.setdefault(crate, [])
        if len(path) > 1 and crate not in uses[path[-2]]:
            uses[path[-2]].append(crate)
    return uses


def linked(triple, root="kaleidoscope"):
    """The packages that are linked into the library, except its own."""
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform", triple],
        check=True, stdout=subprocess.PIPE).stdout)
    packages = {(package["name"], package["version"]): package for package in metadata["packages"]}
    return [packages[crate] for crate in sorted(tree(triple, root)) if packages[crate]["id"] not in metadata["workspace_members"]]


def crate_files(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    files = sorted(path for path in folder.iterdir() if NAMES.match(path.name) and path.is_file())
    if not files:
        sys.exit(f"licences.py: {package['name']} {package['version']} ({package['license']}) has no licence file")
    return files


def plain(file):
    text = file.read_text(encoding="utf-8", errors="replace")
    if file.suffix == ".html":
        text = html.unescape(re.sub(r"<style.*?</style>|<[^>]*>", "", text, flags=re.S))
    return re.sub(r"\n\s*\n(\s*\n)+", "\n\n", text).strip()


def main(triple, more, root="kaleidoscope"):
    parts = [(f"{package['name']} {package['version']}", package["license"], crate_files(package))
             for package in linked(triple, root)]
    sysroot = pathlib.Path(subprocess.run(["rustc", "--print", "sysroot"], check=True, text=True,
                                          stdout=subprocess.PIPE).stdout.strip())
    notices = sysroot / "share/doc/rust/COPYRIGHT-library.html"
    if not notices.exists():
        sys.exit(f"licences.py: the Rust standard library's licences are not in {notices}")
    parts.append(("The Rust standard library", "MIT OR Apache-2.0", [notices]))
    for part in more:
        name, file = part.split("=", 1)
        parts.append((name, None, [pathlib.Path(file)]))

    name = "libkaleidoscope" if root == "kaleidoscope" else root
    print(f"{name} contains what is listed here; below, the licence of each. {name} itself: see LICENSE.\n")
    for name, licence, _ in parts:
        print(f"  {name}" + (f": {licence}" if licence else ""))
    # Many crates have the same text.
    texts = {}
    for name, _, files in parts:
        for file in files:
            texts.setdefault(plain(file), []).append(f"{name} ({file.name})")
    for text, names in texts.items():
        print("\n" + "=" * 100 + "\n" + "\n".join(names) + "\n" + "-" * 100 + "\n\n" + text)


if __name__ == "__main__":
    if sys.argv[1] == "--package":
        main(sys.argv[3], sys.argv[4:], sys.argv[2])
    else:
        main(sys.argv[1], sys.argv[2:])
