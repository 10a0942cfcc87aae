"""Writes a software bill of materials for the archive of each platform: sbom.py RELEASE PLATFORM...

RELEASE/libkaleidoscope-VERSION-PLATFORM.cdx.json, CycloneDX 1.6, has what is linked into the library: the crates; the Rust standard
library and the crates in it; every other part that THIRD-PARTY-LICENSES.txt of the archive names. The same of the emulator, where the
archive has it. The crates there and here must be the same. rustc must have the source of its standard library (scripts/cross.sh).
SOURCE_DATE_EPOCH is the time of the document.
"""

import datetime
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import typing
import uuid

from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import HashAlgorithm, HashType, Property, XsUri, ExternalReference, ExternalReferenceType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from platforms import TOP, contents, platforms

sys.path.insert(0, str(TOP / "scripts"))
import licences  # noqa: E402

REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"
# Parts that come from zig: their folders in it, and their licence where SPDX has an expression for it.
ZIG = {"LLVM's libunwind and compiler-rt": ("lib/libunwind", "Apache-2.0 WITH LLVM-exception"),
       "glibc's libc_nonshared": ("lib/libc/glibc", None),
       "musl": ("lib/libc/musl", "MIT")}
EMULATOR = "kal-emulator"


class Part(typing.NamedTuple):
    """A line of THIRD-PARTY-LICENSES.txt."""
    name: str
    version: str | None
    licence: str | None


def parts(text: str) -> list[Part]:
    found = []
    for line in text.splitlines():
        if line.startswith("====="):
            return found
        if line.startswith("  "):
            name, _, licence = line.strip().partition(": ")
            crate = re.fullmatch(r"(\S+) (\d\S*)", name)
            found.append(Part(crate[1], crate[2], licence) if crate else Part(name, None, licence or None))
    sys.exit("sbom.py: THIRD-PARTY-LICENSES.txt has no list of parts")


def output(*command: str, **options: object) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def checksums(lock: pathlib.Path) -> dict[tuple[str, str], str]:
    packages = tomllib.loads(lock.read_text())["package"]
    return {(package["name"], package["version"]): package["checksum"] for package in packages if package.get("source") == REGISTRY}


def standard_library(target: str) -> tuple[list[tuple[str, str, str]], dict[tuple[str, str], str]]:
    """The crates from elsewhere in the Rust standard library, as (name, version, licence), and the checksums of crates."""
    source = pathlib.Path(output("rustc", "--print", "sysroot").strip()) / "lib/rustlib/src/rust/library"
    # As -Zbuild-std compiles it. Its workspace accepts features of unstable Rust.
    lines = output("cargo", "tree", "--locked", "--package", "std", "--features", "panic-unwind,backtrace", "--target", target,
                   "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}|{l}", cwd=source / "std",
                   env=os.environ | {"RUSTC_BOOTSTRAP": "1"}).splitlines()
    found = set()
    for line in lines:
        crate, licence = line.removesuffix(" (*)").split("|")
        # Those with a path are of the standard library itself.
        if "(" not in crate:
            name, version = crate.split()
            found.add((name, version.removeprefix("v"), licence.replace("/", " OR ")))
    return sorted(found), checksums(source / "Cargo.lock")


def component(name: str, version: str | None, licence: str | None, purl: PackageURL | None, **more: object) -> Component:
    return Component(name=name, version=version, type=ComponentType.LIBRARY, scope=ComponentScope.REQUIRED, purl=purl,
                     bom_ref=purl.to_string() if purl else name, licenses=[LicenseExpression(licence)] if licence else (), **more)


def crate(name: str, version: str, licence: str, sums: dict[tuple[str, str], str], **more: object) -> Component:
    return component(name, version, licence, PackageURL("cargo", name=name, version=version),
                     hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sums[name, version])], **more)


class Program(typing.NamedTuple):
    """What the crates of a package of the workspace, and other parts, are linked into."""
    own: tuple[str, str]
    listed: list[Part]
    uses: dict[tuple[str, str], list[tuple[str, str]]]


def program(archive: pathlib.Path, package: str, version: str, target: str, file: str) -> Program | None:
    text = contents(archive).get(file)
    if text is None:
        return None
    listed, uses, own = parts(text.decode()), licences.tree(target, package), (package, version)
    there, here = {part[:2] for part in listed if part.version}, set(uses) - {own}
    if there != here:
        sys.exit(f"sbom.py: {archive.name}: {file} has {sorted(there - here)} in addition and lacks {sorted(here - there)}")
    return Program(own, listed, uses)


def document(archive: pathlib.Path, version: str, target: str) -> Bom:
    library = program(archive, "kaleidoscope", version, target, "THIRD-PARTY-LICENSES.txt")
    if library is None:
        sys.exit(f"sbom.py: {archive.name} has no THIRD-PARTY-LICENSES.txt")
    emulator = program(archive, EMULATOR, version, target, f"THIRD-PARTY-LICENSES-{EMULATOR}.txt")
    programs = [library, emulator] if emulator else [library]
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{digest}"))
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.UTC)
    bom.metadata.tools.components.add(this_component())
    root = Component(
        name="libkaleidoscope", version=version, type=ComponentType.LIBRARY, bom_ref="libkaleidoscope",
        purl=PackageURL("generic", name="libkaleidoscope", version=version), description=f"for {target}",
        licenses=[LicenseExpression("MIT OR Apache-2.0")],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        external_references=[ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri("https://kaleidoscope.bio"))])
    bom.metadata.component = root

    sums = checksums(TOP / "Cargo.lock")
    listed = {part[:2]: part for one in programs for part in one.listed}
    crates = {name: crate(*part, sums) for name, part in listed.items() if part.version}
    for one in crates.values():
        bom.components.add(one)
    others = {name: other_part(bom, part, target) for name, part in listed.items() if not part.version}
    linked = [[crates[name] for name in one.uses[one.own]] + [others[part[:2]] for part in one.listed if not part.version]
              for one in programs]
    if emulator:
        tool = Component(name=EMULATOR, version=version, type=ComponentType.APPLICATION, bom_ref=EMULATOR,
                         licenses=[LicenseExpression("MIT OR Apache-2.0")])
        bom.components.add(tool)
        bom.register_dependency(tool, linked.pop())
        linked[0].append(tool)
    bom.register_dependency(root, linked[0])
    for name, one in crates.items():
        # Of a crate of both, each may use others, by its features.
        used = {used for each in programs for used in each.uses.get(name, [])}
        bom.register_dependency(one, [crates[each] for each in sorted(used)])
    return bom


def other_part(bom: Bom, part: Part, target: str) -> Component:
    if part.name == "The Rust standard library":
        rust = re.search(r"^release: (.*)", output("rustc", "-vV"), re.M)[1]
        one = component("std", rust, part.licence, PackageURL("generic", name="rust-std", version=rust), description=part.name)
        found, sums = standard_library(target)
        inside = [crate(*each, sums, properties=[Property(name="kaleidoscope:part-of", value="std")]) for each in found]
        # The same version may be used outside, too.
        known = {other.bom_ref.value: other for other in bom.components}
        inside = [known.get(each.bom_ref.value, each) for each in inside]
        for each in inside:
            bom.components.add(each)
            bom.register_dependency(each)
    elif part.name in ZIG:
        folder, licence = ZIG[part.name]
        zig = re.search(r"ziglang==(\S+?)['\s]", (TOP / "scripts/cross.sh").read_text())[1]
        purl = PackageURL("pypi", name="ziglang", version=zig, subpath=folder)
        one, inside = component(part.name, f"zig-{zig}", licence, purl), []
    else:
        # Its licence is in THIRD-PARTY-LICENSES.txt.
        one, inside = component(part.name, None, part.licence, None), []
    bom.components.add(one)
    bom.register_dependency(one, inside)
    return one


def main(release: pathlib.Path, names: list[str]) -> None:
    version = re.search(r'^version = "(.*)"', (TOP / "Cargo.toml").read_text(), re.M)[1]
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for platform in platforms():
        if platform.name not in names:
            continue
        text = JsonV1Dot6(document(release / platform.archive(version), version, platform.target)).output_as_string(indent=2) + "\n"
        if error := validator.validate_str(text):
            sys.exit(f"sbom.py: {platform.name}: not valid: {error}")
        (release / f"libkaleidoscope-{version}-{platform.name}.cdx.json").write_text(text)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:])
