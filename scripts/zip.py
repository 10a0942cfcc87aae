"""Packs a directory: zip.py DIRECTORY ZIP SECONDS, of the date since 1970. The same files result in the same bytes: sorted, with one date, without owners."""
import pathlib
import sys
import time
import zipfile


def main(folder: pathlib.Path, target: pathlib.Path, seconds: int) -> None:
    # Zip knows no earlier date than 1980, and only even seconds.
    date = max(time.gmtime(seconds)[:6], (1980, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", date)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                entry.external_attr = 0o100644 << 16
                packed.writestr(entry, path.read_bytes(), compresslevel=9)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3]))
