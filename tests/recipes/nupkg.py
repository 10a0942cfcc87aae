"""Checks a NuGet package by the Open Packaging Conventions and NuGet's rules: nupkg.py PACKAGE VERSION RID...

Prints what is wrong.
"""

import re
import sys
import xml.etree.ElementTree as xml
import zipfile

package, version, rids = zipfile.ZipFile(sys.argv[1]), sys.argv[2], sys.argv[3:]
names = package.namelist()
wrong = []


def check(condition: object, what: str) -> None:
    if not condition:
        wrong.append(what)


check(len(names) == len(set(names)), "a part is there twice")
check(package.testzip() is None, "a part does not have its checksum")
check(not [name for name in names if "\\" in name or name.startswith("/") or ".." in name.split("/")], "a part has a wrong name")

types = xml.fromstring(package.read("[Content_Types].xml"))
space = "{http://schemas.openxmlformats.org/package/2006/content-types}"
suffixes = {entry.get("Extension").lower() for entry in types.iter(f"{space}Default")}
overridden = {entry.get("PartName") for entry in types.iter(f"{space}Override")}
for name in names:
    suffix = name.rpartition("/")[2].rpartition(".")[2].lower()
    check(name == "[Content_Types].xml" or suffix in suffixes or f"/{name}" in overridden, f"{name} has no content type")
check(overridden <= {f"/{name}" for name in names}, "a content type is that of no part")

relations = xml.fromstring(package.read("_rels/.rels"))
targets = {entry.get("Type").rsplit("/", 1)[1]: entry.get("Target")[1:] for entry in relations}
check(set(targets.values()) <= set(names), "a relationship has no target")
check("manifest" in targets and "core-properties" in targets, "the manifest or the properties have no relationship")
check([name for name in names if "/" not in name and name.endswith(".nuspec")] == [targets.get("manifest")],
      "there is not one manifest")

manifest = xml.fromstring(package.read(targets["manifest"]))
space = manifest.tag[:manifest.tag.index("}") + 1]
fields = {field.tag.removeprefix(space): (field.text or "").strip() for field in manifest.find(f"{space}metadata")}
check(fields["id"] == "libkaleidoscope" and fields["version"] == version, f"it is {fields['id']} {fields['version']}")
for name in ("authors", "description", "license", "projectUrl"):
    check(fields.get(name), f"the manifest has no {name}")
check(len(fields["description"]) <= 4000, "the description is too long for nuget.org")
check(fields.get("readme") in names, "the readme is not there")

found = {name.split("/")[1]: name.split("/")[3] for name in names if re.fullmatch(r"runtimes/[^/]+/native/[^/]+", name)}
check(sorted(found) == sorted(rids), f"the runtimes are {sorted(found)}, expected {sorted(rids)}")
for rid, name in found.items():
    expected = {"win": "kaleidoscope.dll", "osx": "libkaleidoscope.dylib"}.get(rid.split("-")[0], "libkaleidoscope.so")
    check(name == expected, f"runtimes/{rid}/native has {name}; .NET looks for {expected}")
    check(f"licenses/THIRD-PARTY-LICENSES-{rid}.txt" in names, f"the licences of {rid} are not there")

# Every file that the .targets file names is there; it must be named like the package, or NuGet does not import it.
if "win-x64" in rids:
    targets = package.read("build/native/libkaleidoscope.targets").decode()
    xml.fromstring(targets)
    for path in re.findall(r"\$\(MSBuildThisFileDirectory\)([^;<\"]*)", targets):
        parts = ["build", "native"]
        for part in path.split("\\"):
            parts = parts[:-1] if part == ".." else parts + [part]
        check([name for name in names if name == "/".join(parts) or name.startswith("/".join(parts) + "/")],
              f"libkaleidoscope.targets names {path}, which is not there")
check("build/native/include/kaleidoscope.h" in names, "the header is not there")
print("\n".join(wrong))
sys.exit(bool(wrong))
