"""Checks the bill of materials of an archive: sbom.py RELEASE VERSION PLATFORM SUFFIX TRIPLE. Prints what is wrong."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

release, version, platform, suffix, triple = pathlib.Path(sys.argv[1]), *sys.argv[2:]
name = f"libkaleidoscope-{version}-{platform}"
text = (release / f"{name}.cdx.json").read_text()
document = json.loads(text)
archive = release / f"{name}.{suffix}"
emulator = "THIRD-PARTY-LICENSES-kal-emulator.txt"
if suffix == "zip":
    licences, packages = [zipfile.ZipFile(archive).read(f"{name}/THIRD-PARTY-LICENSES.txt").decode()], ["kaleidoscope"]
else:
    packed = tarfile.open(archive)
    files = ["THIRD-PARTY-LICENSES.txt", emulator] if f"{name}/{emulator}" in packed.getnames() else ["THIRD-PARTY-LICENSES.txt"]
    licences = [packed.extractfile(f"{name}/{file}").read().decode() for file in files]
    packages = ["kaleidoscope", "kal-emulator"][:len(files)]
wrong = []


def same(what: str, expected: set, found: set) -> None:
    if expected != found:
        wrong.append(f"{what}: missing {sorted(expected - found)}, too many {sorted(found - expected)}")


own = {(one["name"], one["version"]) for one in document["components"]
       if one.get("purl", "").startswith("pkg:cargo/") and not any(each["value"] == "std" for each in one.get("properties", []))}
# The lines of cargo's tree, not its edges, which the document is made of.
lines = subprocess.run(
    ["cargo", "tree", "--locked", *(f"--package={package}" for package in packages), "--edges", "normal,no-proc-macro", "--target",
     triple, "--prefix", "none", "--format", "{p}"], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
same("crates", {(line.split()[0], line.split()[1][1:]) for line in lines if line and line.split()[0] not in packages}, own)
listed = [line for text in licences for line in text.split("=====")[0].splitlines()]
same("crates of THIRD-PARTY-LICENSES.txt",
     {tuple(match.groups()) for line in listed if (match := re.match(r"  (\S+) (\d\S*): ", line))}, own)

others = {line.strip().split(": ")[0] for line in listed if line.startswith("  ")} - {" ".join(one) for one in own}
known = {one["name"] for one in document["components"]} | {one.get("description") for one in document["components"]}
same("other parts", others, others & known)
# Known of this version of Rust: the unwinder's and the backtrace's crates.
inside = {one["name"] for one in document["components"] if any(each["value"] == "std" for each in one.get("properties", []))}
expected = {"addr2line", "gimli", "hashbrown", "miniz_oxide", "object", "rustc-demangle"}
same("the standard library", expected, inside & expected)
if "serde_derive" in text:
    wrong.append("a macro is not linked, and is there")

root = document["metadata"]["component"]
if root["hashes"][0]["content"] != hashlib.sha256(archive.read_bytes()).hexdigest():
    wrong.append("the checksum is not that of the archive")
references = {root["bom-ref"]} | {one["bom-ref"] for one in document["components"]}
reached, todo = set(), [root["bom-ref"]]
uses = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
while todo:
    one = todo.pop()
    if one not in reached:
        reached.add(one)
        todo += uses[one]
same("what something uses", references, reached)
for one in document["components"]:
    if one.get("purl", "").startswith("pkg:cargo/") and not one.get("hashes"):
        wrong.append(f"{one['name']} has no checksum")
if found := re.findall(r"/(?:home|root|tmp|work)/\S*", text):
    wrong.append(f"a path of this machine: {found[0]}")
print("\n".join(wrong))
sys.exit(bool(wrong))
