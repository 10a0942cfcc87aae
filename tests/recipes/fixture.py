"""Archives with the files of a release and made-up libraries: fixture.py FOLDER VERSION PLATFORM... [--licences FILE]

For what downloads, checks and unpacks archives, where the platforms themselves have not been built.
"""

import gzip
import io
import pathlib
import sys
import tarfile
import zipfile

TOP = pathlib.Path(__file__).resolve().parents[2]
CONFIG = """get_filename_component(_kaleidoscope_libdir "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)\n"""
PKG_CONFIG = """prefix=${pcfiledir}/../..
libdir=${prefix}/lib
includedir=${prefix}/include
Name: kaleidoscope
Description: made up
Version: 0
Cflags: -I${includedir}
Libs: -L${libdir} -lkaleidoscope
"""


def archive(member: str) -> bytes:
    """With one object, as `make lib` makes it."""
    text = member.encode()
    header = f"{'kaleidoscope.o/':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(text):<10}`\n"
    return b"!<arch>\n" + header.encode() + text + b"\n" * (len(text) % 2)


def files(platform: str, version: str, licences: bytes) -> dict[str, str | bytes]:
    """By path; one that begins with -> is a symbolic link."""
    found = {f"include/{path.relative_to(TOP / 'include')}": path.read_bytes()
             for path in sorted((TOP / "include").rglob("*")) if path.suffix in (".h", ".hpp")}
    found |= {name: f"{name}\n" for name in ("README.md", "CHANGELOG.md", "LICENSE", "LICENSE-MIT", "LICENSE-APACHE")}
    found["THIRD-PARTY-LICENSES.txt"] = licences
    found["lib/cmake/kaleidoscope/kaleidoscope-config.cmake"] = CONFIG
    found["lib/cmake/kaleidoscope/kaleidoscope-config-version.cmake"] = f'set(PACKAGE_VERSION "{version}")\n'
    found["lib/libkaleidoscope.a"] = archive(f"object of {platform}\n")
    shared = f"shared library of {platform}\n"
    if platform.startswith("windows"):
        imports = "import library\n"
        found |= {"bin/kaleidoscope.dll": shared, "lib/kaleidoscope.lib": imports, "lib/libkaleidoscope.dll.a": imports}
        return found
    found["lib/pkgconfig/kaleidoscope.pc"] = PKG_CONFIG
    found["share/man/man3/kal_version.3"] = ".TH kal_version 3\n"
    if platform.startswith("macos"):
        found |= {f"lib/libkaleidoscope.{version}.dylib": shared, "lib/libkaleidoscope.0.dylib": f"->libkaleidoscope.{version}.dylib",
                  "lib/libkaleidoscope.dylib": "->libkaleidoscope.0.dylib"}
    else:
        found |= {f"share/kaleidoscope/{name}.supp": "{}\n" for name in ("libkaleidoscope", "libkaleidoscope-tsan")}
        found["lib/kal_sqlite.so"] = f"extension for SQLite of {platform}\n"
        found |= {f"lib/libkaleidoscope.so.{version}": shared, "lib/libkaleidoscope.so.0": f"->libkaleidoscope.so.{version}",
                  "lib/libkaleidoscope.so": "->libkaleidoscope.so.0"}
    return found


def main(folder: pathlib.Path, version: str, names: list[str]) -> None:
    licences = b"made up\n"
    if names[-2:-1] == ["--licences"]:
        licences, names = pathlib.Path(names[-1]).read_bytes(), names[:-2]
    for platform in names:
        top = f"libkaleidoscope-{version}-{platform}"
        content = {name: text.encode() if isinstance(text, str) else text
                   for name, text in files(platform, version, licences).items()}
        if platform.startswith("windows"):
            with zipfile.ZipFile(folder / f"{top}.zip", "w") as packed:
                for name, text in content.items():
                    packed.writestr(zipfile.ZipInfo(f"{top}/{name}"), text)
            continue
        with gzip.GzipFile(folder / f"{top}.tar.gz", "wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as packed:
            for name, text in content.items():
                entry = tarfile.TarInfo(f"{top}/{name}")
                entry.mode = 0o644
                if text.startswith(b"->"):
                    entry.type, entry.linkname = tarfile.SYMTYPE, text[2:].decode()
                else:
                    entry.size = len(text)
                packed.addfile(entry, io.BytesIO(text))


main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
