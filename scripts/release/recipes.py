"""Fills in the recipes of package managers: recipes.py RELEASE VERSION URL

RELEASE is the folder with the archives of the platforms; the recipes go to RELEASE/recipes. URL/ARCHIVE is where an archive will be
downloaded from. The templates are the folders below packaging that the list RECIPES names:

  @VERSION@ @URL@               stand for the arguments
  #each PLATFORM... / #end      what is between these lines is repeated for every named platform whose archive is in RELEASE
                                (*: every platform), with @PLATFORM@, @ARCHIVE@, @SHA256@, @SHA512@, @MACHINE@ (x86_64, aarch64),
                                @CPU@ (intel, arm) and @NUGET@ (NuGet's name of the platform)
  a folder named @PLATFORM@     is one for each of these platforms, with what is for that platform

A recipe none of whose platforms is there is left out; it and every platform left out of a recipe are named.
"""

import hashlib
import pathlib
import re
import shutil
import sys

from platforms import TOP, platforms

RECIPES = ("vcpkg", "conan", "meson", "homebrew", "arch", "alpine")


def values(platform, version: str, release: pathlib.Path) -> dict[str, str]:
    archive = platform.archive(version)
    content = (release / archive).read_bytes()
    machine = platform.name.rsplit("-", 1)[1]
    return {"PLATFORM": platform.name, "ARCHIVE": archive, "MACHINE": machine,
            "CPU": {"x86_64": "intel", "aarch64": "arm"}[machine], "NUGET": platform.nuget,
            "SHA256": hashlib.sha256(content).hexdigest(), "SHA512": hashlib.sha512(content).hexdigest()}


def substitute(text: str, names: dict[str, str], where: str) -> str:
    def value(found: re.Match) -> str:
        if found[1] not in names:
            sys.exit(f"recipes.py: {where} has @{found[1]}@, which stands for nothing there")
        return names[found[1]]
    return re.sub(r"@([A-Z][A-Z0-9]*)@", value, text)


def fill(template: str, where: str, common: dict[str, str], there: dict[str, dict[str, str]],
         every: list[str]) -> tuple[str, set[str], set[str]]:
    """The text, the platforms in it, and those that it names and that are not there."""
    text, used, missing, block, wanted = [], set(), set(), None, []
    for line in template.splitlines(keepends=True):
        if line.startswith("#each "):
            wanted, block = line.split()[1:], []
            wanted = every if wanted == ["*"] else wanted
            unknown = set(wanted) - set(every)
            if unknown:
                sys.exit(f"recipes.py: {where} names {', '.join(sorted(unknown))}, which packaging/platforms.txt does not have")
        elif line.rstrip() == "#end" and block is not None:
            for name in wanted:
                if name in there:
                    used.add(name)
                    text.append(substitute("".join(block), common | there[name], where))
                else:
                    missing.add(name)
            block = None
        elif block is not None:
            block.append(line)
        else:
            text.append(substitute(line, common, where))
    return "".join(text), used, missing


def main(release: pathlib.Path, version: str, url: str) -> None:
    every = [platform.name for platform in platforms()]
    there = {platform.name: values(platform, version, release)
             for platform in platforms() if (release / platform.archive(version)).exists()}
    common = {"VERSION": version, "URL": url}
    shutil.rmtree(release / "recipes", ignore_errors=True)
    for recipe in RECIPES:
        filled, used, missing = {}, set(), set()
        source = TOP / "packaging" / recipe
        for path in sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            where = path.relative_to(TOP / "packaging")
            for name in every if "@PLATFORM@" in where.parts else [None]:
                only = there if name is None else {name: there[name]} if name in there else {}
                text, named, absent = fill(path.read_text(), f"packaging/{where}", common, only, every)
                used |= named
                missing |= absent - set(there)
                if name is None or named:
                    filled[str(where).replace("@PLATFORM@", name or "")] = text
        if not used:
            print(f"left out: the recipe {recipe}, for there is none of its platforms: {', '.join(sorted(missing))}")
            continue
        for name in sorted(missing):
            print(f"left out of the recipe {recipe}: {name}")
        for where, text in filled.items():
            path = release / "recipes" / where
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3])
