"""Checks the recipes of a release: filled.py RELEASE VERSION URL. Prints what is wrong."""

import hashlib
import json
import pathlib
import re
import sys

release, version, url = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
archives = [path for path in release.iterdir() if path.name.endswith((".tar.gz", ".zip"))]
sums = {hashlib.new(kind, path.read_bytes()).hexdigest(): path.name for path in archives for kind in ("sha256", "sha512")}
# Which archives a recipe has to name.
LINUX, MUSL, MACOS, WINDOWS = ("linux-x86_64", "linux-aarch64"), ("linux-musl-x86_64", "linux-musl-aarch64"), \
    ("macos-x86_64", "macos-aarch64"), ("windows-x86_64",)
NAMES = {"vcpkg": LINUX + MUSL + MACOS + WINDOWS, "conan": LINUX + MUSL + MACOS + WINDOWS, "homebrew": LINUX + MACOS,
         "arch": LINUX, "alpine": MUSL, "meson": LINUX + MUSL}
wrong = []
for recipe, platforms in NAMES.items():
    text = "".join(path.read_text() for path in sorted((release / "recipes" / recipe).rglob("*")) if path.is_file())
    if left := re.findall(r"@[A-Z][A-Z0-9]*@|^#(?:each|end)\b.*", text, re.M):
        wrong.append(f"{recipe}: not filled in: {left}")
    found = {sums.get(digest, f"no archive has the checksum {digest[:12]}…") for digest in
             re.findall(r"\b[0-9a-f]{128}\b|\b[0-9a-f]{64}\b", text)}
    suffix = {name: "zip" if name in WINDOWS else "tar.gz" for name in platforms}
    expected = {f"libkaleidoscope-{version}-{name}.{suffix[name]}" for name in platforms}
    if found != expected:
        wrong.append(f"{recipe}: its checksums are those of {sorted(found)}, expected {sorted(expected)}")
    if url not in text:
        wrong.append(f"{recipe}: does not download from {url}")
for platform in LINUX + MUSL:
    wrap = (release / "recipes/meson" / platform / "kaleidoscope.wrap").read_text()
    archive = f"libkaleidoscope-{version}-{platform}.tar.gz"
    if sums.get(re.search(r"^source_hash = (.*)$", wrap, re.M)[1]) != archive or f"source_url = {url}/{archive}\n" not in wrap:
        wrong.append(f"meson: the wrap of {platform} is not that of {archive}")
manifest = json.loads((release / "recipes/vcpkg/libkaleidoscope/vcpkg.json").read_text())
# What vcpkg's schema requires of these fields.
if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", manifest["name"]):
    wrong.append("vcpkg: a name has lower-case letters, digits and hyphens")
if not re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", manifest["version-semver"]):
    wrong.append("vcpkg: version-semver is not a semantic version")
if unknown := manifest.keys() - {"$schema", "name", "version-semver", "port-version", "description", "homepage", "license",
                                 "supports", "documentation", "maintainers", "dependencies", "features"}:
    wrong.append(f"vcpkg: unknown fields {sorted(unknown)}")
print("\n".join(wrong))
sys.exit(bool(wrong))
