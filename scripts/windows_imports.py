"""Writes a file of definitions for each DLL that an object needs: windows_imports.py ARCHIVE OBJECT DIRECTORY

rustc's archive has the import libraries of its crates, of all functions, with the paths of the build in their names. This says what
has to be in one of the functions that the object, linked from the archive, calls: DIRECTORY/NAME.dll.def."""
import collections
import pathlib
import re
import subprocess
import sys

NM = "x86_64-w64-mingw32-nm"
# "archive:ws2_32.dlls00145.o:0000000000000000 I __imp_recv"
MEMBER = re.compile(r":(?P<dll>[^:]+\.dll)s\d+\.o:\S* [A-Za-z] __imp_(?P<name>\S+)$")


def symbols(*arguments: str) -> list[str]:
    return subprocess.run([NM, *arguments], check=True, capture_output=True, text=True).stdout.splitlines()


def main(archive: str, linked: str, folder: pathlib.Path) -> None:
    dll_of = {match["name"]: match["dll"]
              for match in map(MEMBER.search, symbols("--print-file-name", "--defined-only", archive)) if match}
    needed = {line.split()[-1] for line in symbols("--undefined-only", linked)}
    of_dll = collections.defaultdict(list)
    for name in sorted(needed):
        # The functions of the C library are not among them.
        plain = name.removeprefix("__imp_")
        if plain in dll_of:
            of_dll[dll_of[plain]].append(plain)
    if not of_dll:
        sys.exit(f"windows_imports.py: {linked} needs no function of a DLL")
    folder.mkdir()
    for dll, names in of_dll.items():
        lines = [f"LIBRARY {dll}", "EXPORTS", *dict.fromkeys(names)]
        pathlib.Path(folder, f"{dll}.def").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]))
