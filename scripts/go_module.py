"""Packs the Go module as a module proxy serves it: go_module.py FOLDER ARCH=ARCHIVE [ARCH=ARCHIVE ...]

FOLDER/kaleidoscope.bio/kaleidoscope/@v has the files of the GOPROXY protocol, for any static web server. The module has, besides
bindings/go, the header in include/ and the archive of each architecture (amd64, arm64) in lib/linux_ARCH/, which it is linked with
unless a build tag says otherwise.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import zipfile

TOP = pathlib.Path(__file__).resolve().parents[1]
PATH = "kaleidoscope.bio/kaleidoscope"
ARCHITECTURES = {"amd64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
# In the source tree there is no archive, so that pkg-config is the default.
CONSTRAINTS = {
    "link.go": ("//go:build !static && !bundled", "//go:build dynamic && !static"),
    "link_bundled.go": ("//go:build bundled && !static", "//go:build !dynamic && !static"),
}


def sources() -> dict[str, bytes]:
    """The files of bindings/go that belong to the module."""
    files = {}
    for path in sorted((TOP / "bindings/go").rglob("*")):
        name = path.relative_to(TOP / "bindings/go").as_posix()
        if path.is_file() and path.suffix in {".go", ".c", ".h", ".mod"}:
            files[name] = path.read_bytes()
    for name, (here, published) in CONSTRAINTS.items():
        text = files[name].decode()
        assert text.startswith(here + "\n"), f"{name} does not begin with {here}"
        files[name] = text.replace(here, published, 1).encode()
    files["include/kaleidoscope.h"] = (TOP / "include/kaleidoscope.h").read_bytes()
    for name in ("LICENSE", "LICENSE-MIT", "LICENSE-APACHE"):
        files[name] = (TOP / name).read_bytes()
    return files


def main() -> None:
    folder, archives = pathlib.Path(sys.argv[1]), dict(argument.split("=", 1) for argument in sys.argv[2:])
    version = "v" + re.search(r'^version = "(.*)"', (TOP / "Cargo.toml").read_text(), re.M)[1]
    files = sources()
    for architecture, archive in archives.items():
        # That of cargo is larger, and defines the symbols of every crate.
        if subprocess.run(["ar", "t", archive], check=True, stdout=subprocess.PIPE, text=True).stdout != "kaleidoscope.o\n":
            sys.exit(f"go-module: {archive} is not an archive of `make lib`, which is one object")
        files[f"lib/linux_{architecture}/libkaleidoscope.a"] = pathlib.Path(archive).read_bytes()
    triple = ARCHITECTURES[next(iter(archives))]
    files["THIRD-PARTY-LICENSES.txt"] = subprocess.run(
        [sys.executable, "-B", TOP / "scripts/licences.py", triple], cwd=TOP, check=True, stdout=subprocess.PIPE).stdout
    for missing in ARCHITECTURES.keys() - archives.keys():
        print(f"go-module: no archive for linux/{missing}: programs for it need -tags dynamic or static", file=sys.stderr)

    served = folder / PATH / "@v"
    served.mkdir(parents=True, exist_ok=True)
    # Reproducible: the same sources result in the same bytes.
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=TOP, check=True, stdout=subprocess.PIPE).stdout)
    with zipfile.ZipFile(served / f"{version}.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{PATH}@{version}/{name}", time.gmtime(epoch)[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(entry, files[name])
    (served / f"{version}.mod").write_bytes(files["go.mod"])
    (served / f"{version}.info").write_text(
        json.dumps({"Version": version, "Time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))}))
    (served / "list").write_text(f"{version}\n")
    print(served / f"{version}.zip")


main()
