"""Makes an SDK of stubs for one of Apple's systems: what a compiler and a linker need where Apple's SDK must not be.

    sdk.py PLATFORM DIRECTORY ZIG      PLATFORM is macos, ios or ios-simulator, ZIG the folder of zig's library

The C library and its headers are those that zig has from Apple's SDK for macOS: libSystem.tbd lists what the real library has, and the
headers since which system. iOS's is made of the same sources, and the headers are for both. Of the frameworks there is only what
packaging/apple/imports.txt lists.
"""

import pathlib
import shutil
import sys

TARGETS = {"macos": ["arm64-macos", "x86_64-macos"], "ios": ["arm64-ios"], "ios-simulator": ["arm64-ios-simulator"]}
ROOT = pathlib.Path(__file__).resolve().parents[2]


def imports():
    """The frameworks of the list with their symbols."""
    found = {}
    for line in (ROOT / "packaging/apple/imports.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            framework, symbol, *_ = line.split()
            found.setdefault(framework, []).append(symbol)
    return found


def framework_stub(platform, name, symbols):
    targets = ", ".join(TARGETS[platform])
    folder = "Versions/A/" if platform == "macos" else ""
    return f"""--- !tapi-tbd
tbd-version: 4
targets: [ {targets} ]
install-name: '/System/Library/Frameworks/{name}.framework/{folder}{name}'
exports:
  - targets: [ {targets} ]
    symbols: [ {', '.join(symbols)} ]
...
"""


def system_stub(platform, text):
    """zig's stub, which is for macOS and Mac Catalyst, for this platform."""
    # arm64e.x1 is an architecture of 2025, which LLVM 19 does not know.
    for name, here in (("-maccatalyst", "-macos"), ("-macos", f"-{platform}"), ("arm64e.x1-", "arm64e-")):
        text = text.replace(name, here)
    return text


def main(platform, directory, zig):
    sdk = pathlib.Path(directory)
    darwin = pathlib.Path(zig) / "libc/darwin/libSystem.tbd"
    shutil.rmtree(sdk, ignore_errors=True)
    (sdk / "usr/lib").mkdir(parents=True)
    (sdk / "usr/include").symlink_to(pathlib.Path(zig) / "libc/include/any-darwin-any")
    (sdk / "usr/lib/libSystem.tbd").write_text(system_stub(platform, darwin.read_text()))
    for name, symbols in imports().items():
        folder = sdk / f"System/Library/Frameworks/{name}.framework"
        folder.mkdir(parents=True)
        (folder / f"{name}.tbd").write_text(framework_stub(platform, name, symbols))


if __name__ == "__main__":
    main(*sys.argv[1:])
