"""The table packaging/platforms.txt, and what is in an archive of a platform."""

import pathlib
import tarfile
import typing
import zipfile

TOP = pathlib.Path(__file__).resolve().parents[2]


class Platform(typing.NamedTuple):
    name: str
    suffix: str
    target: str
    nuget: str
    debian: str
    go: str

    def archive(self, version: str) -> str:
        return f"libkaleidoscope-{version}-{self.name}.{self.suffix}"


def platforms() -> list[Platform]:
    lines = (TOP / "packaging/platforms.txt").read_text().splitlines()
    return [Platform(*line.split()) for line in lines if line and not line.startswith("#")]


def contents(archive: pathlib.Path) -> dict[str, bytes]:
    """The files of an archive, symbolic links included, by their path below its folder."""
    files = {}
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            for name in packed.namelist():
                if not name.endswith("/"):
                    files[name.split("/", 1)[1]] = packed.read(name)
    else:
        with tarfile.open(archive) as packed:
            for entry in packed.getmembers():
                if entry.isfile() or entry.issym():
                    files[entry.name.split("/", 1)[1]] = packed.extractfile(entry).read()
    return files
