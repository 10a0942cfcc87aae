"""Packs the NuGet package: nuget.py RELEASE VERSION

RELEASE is the folder with the archives of the platforms, and where the package goes. It has the shared library of every platform
whose archive is there in runtimes/RID/native, by the name that .NET looks for, and for Visual Studio the headers, the import
library and a .targets file in build/native. SOURCE_DATE_EPOCH is the time of its files.
"""

import os
import pathlib
import re
import sys
import time
import zipfile

import recipes
from platforms import TOP, contents, platforms

RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
# The file of an archive that a program loads, and its name in the package.
SHARED = (
    (re.compile(r"lib/libkaleidoscope\.so\.\d+\.\d+\.\d+$"), "libkaleidoscope.so"),
    (re.compile(r"lib/libkaleidoscope\.\d+\.dylib$"), "libkaleidoscope.dylib"),
    (re.compile(r"bin/kaleidoscope\.dll$"), "kaleidoscope.dll"),
)


def shared_library(archive: pathlib.Path, files: dict[str, bytes]) -> tuple[str, bytes]:
    found = [(name, content) for path, content in files.items() for pattern, name in SHARED if pattern.match(path)]
    if len(found) != 1:
        sys.exit(f"nuget.py: {archive.name} has {len(found)} shared libraries where one is expected")
    return found[0]


def envelope(files: dict[str, bytes], version: str) -> dict[str, bytes]:
    """The files with which a package is a valid one of the Open Packaging Conventions."""
    suffixes = sorted({pathlib.PurePosixPath(name).suffix[1:] for name in files} - {""})
    types = "".join(f'<Default Extension="{suffix}" ContentType="application/octet-stream" />' for suffix in suffixes)
    plain = "".join(f'<Override PartName="/{name}" ContentType="application/octet-stream" />'
                    for name in sorted(files) if not pathlib.PurePosixPath(name).suffix)
    header = '<?xml version="1.0" encoding="utf-8"?>\n'
    core = "package/services/metadata/core-properties/libkaleidoscope.psmdcp"
    return {
        "[Content_Types].xml": (
            f'{header}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" />'
            '<Default Extension="psmdcp" ContentType="application/vnd.openxmlformats-package.core-properties+xml" />'
            f"{types}{plain}</Types>\n").encode(),
        "_rels/.rels": (
            f'{header}<Relationships xmlns="{RELATIONSHIPS}">'
            '<Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/libkaleidoscope.nuspec" '
            f'Id="manifest" /><Relationship Type="{RELATIONSHIPS}/metadata/core-properties" Target="/{core}" Id="core" />'
            "</Relationships>\n").encode(),
        core: (
            f'{header}<coreProperties xmlns:dc="http://purl.org/dc/elements/1.1/" '
            'xmlns="http://schemas.openxmlformats.org/package/2006/metadata/core-properties">'
            "<dc:creator>libkaleidoscope contributors</dc:creator><dc:identifier>libkaleidoscope</dc:identifier>"
            f"<version>{version}</version></coreProperties>\n").encode(),
    }


def main(release: pathlib.Path, version: str) -> None:
    source = TOP / "packaging/nuget"
    files, there = {}, {}
    for platform in platforms():
        archive = release / platform.archive(version)
        if not archive.exists():
            print(f"left out of the NuGet package: {platform.name}")
            continue
        there[platform.name] = recipes.values(platform, version, release)
        unpacked = contents(archive)
        name, content = shared_library(archive, unpacked)
        files[f"runtimes/{platform.nuget}/native/{name}"] = content
        files[f"licenses/THIRD-PARTY-LICENSES-{platform.nuget}.txt"] = unpacked["THIRD-PARTY-LICENSES.txt"]
        files |= {f"build/native/{path}": content for path, content in unpacked.items() if path.startswith("include/")}
        if "lib/kaleidoscope.lib" in unpacked:
            files[f"build/native/lib/{platform.nuget}/kaleidoscope.lib"] = unpacked["lib/kaleidoscope.lib"]
            files["build/native/libkaleidoscope.targets"] = (source / "libkaleidoscope.targets").read_bytes()
    every = [platform.name for platform in platforms()]
    for name in ("libkaleidoscope.nuspec", "README.md"):
        text, _, _ = recipes.fill((source / name).read_text(), f"packaging/nuget/{name}", {"VERSION": version}, there, every)
        files[name] = text.encode()
    for name in ("LICENSE", "LICENSE-MIT", "LICENSE-APACHE"):
        files[f"licenses/{name}.txt"] = (TOP / name).read_bytes()
    # Says to NuGet that projects for .NET may refer to the package, though it has no assembly.
    files["lib/netstandard2.0/_._"] = b""

    stamp = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315532800))[:6]
    packed = release / f"libkaleidoscope.{version}.nupkg"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for name, content in (envelope(files, version) | dict(sorted(files.items()))).items():
            entry = zipfile.ZipInfo(name, stamp)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            package.writestr(entry, content)
    print(packed)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2])
