#!/bin/sh
# Runs scripts/xcframework.sh with stand-ins for the tools of a Mac, which check what they are given, and compiles the module of its result
# where clang of LLVM 19 is (TRIXIE).
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/claims.sh
. scripts/claims.sh
# shellcheck source=scripts/apple/targets.sh
. scripts/apple/targets.sh

refuses_linux() {
    ! scripts/xcframework.sh >"$scratch/message" 2>&1 && grep -q 'run this on a Mac' "$scratch/message"
}
[ "$(uname -s)" = Darwin ] || claim 'elsewhere than on a Mac it says where to run it' refuses_linux

# --- The tools of a Mac

mkdir "$scratch/bin"
# shellcheck disable=SC2016  # expanded by the tools
# tool NAME: a program that runs the lines of standard input, with `expect` to compare and `option` to find an argument.
tool() {
    {
        echo '#!/bin/sh'
        echo 'set -eu'
        echo "name=$1"
        echo 'expect() { [ "$1" = "$2" ] || { echo "$name: expected $1, got $2" >&2; exit 70; }; }'
        echo 'option() { wanted=$1; shift; while [ "$#" -gt 1 ]; do [ "$1" != "$wanted" ] || { echo "$2"; return; }; shift; done; echo "$name: no $wanted" >&2; exit 70; }'
        echo 'exists() { [ -e "$1" ] || { echo "$name: no file $1" >&2; exit 70; }; }'
        cat
    } >"$scratch/bin/$1"
    chmod +x "$scratch/bin/$1"
}
tool uname <<'TOOL'
echo Darwin
TOOL
tool cargo <<'TOOL'
case $1 in metadata | tree) exec "$KAL_REAL_CARGO" "$@" ;; esac
expect rustc "$1"
expect 11.0 "$MACOSX_DEPLOYMENT_TARGET"
expect 15.0 "$IPHONEOS_DEPLOYMENT_TARGET"
expect staticlib "$(option --crate-type "$@")"
triple=$(option --target "$@")
release=$(option --target-dir "$@")/$triple/release
mkdir -p "$release"
echo "$triple" >"$release/libkaleidoscope.a"
TOOL
tool xcrun <<'TOOL'
expect --sdk "$1"
sdk=$2
shift 2
if [ "$1" = --show-sdk-version ]; then echo 26.0; exit; fi
KAL_SDK=$sdk exec "$@"
TOOL
tool ld <<'TOOL'
expect -r "$1"
archive=$(option -force_load "$@")
case $(cat "$archive") in
aarch64-apple-darwin) wanted='macosx arm64 macos 11.0' ;;
x86_64-apple-darwin) wanted='macosx x86_64 macos 11.0' ;;
aarch64-apple-ios) wanted='iphoneos arm64 ios 15.0' ;;
aarch64-apple-ios-sim) wanted='iphonesimulator arm64 ios-simulator 15.0' ;;
x86_64-apple-ios) wanted='iphonesimulator x86_64 ios-simulator 15.0' ;;
esac
minimum=$(while [ "$1" != -platform_version ]; do shift; done; echo "$2 $3")
expect "$wanted" "$KAL_SDK $(option -arch "$@") $minimum"
grep -qx _kal_version "$(option -exported_symbols_list "$@")"
cp "$archive" "$(option -o "$@")"
TOOL
tool strip <<'TOOL'
expect -S "$1"
exists "$2"
TOOL
tool libtool <<'TOOL'
expect -static "$1"
exists "$3"
cp "$3" "$(option -o "$@")"
TOOL
tool lipo <<'TOOL'
expect -create "$1"
output=$(option -output "$@")
shift
: >"$output"
while [ "$1" != -output ]; do cat "$1" >>"$output"; shift; done
TOOL
# Writes what Xcode 16 writes.
tool xcodebuild <<'TOOL'
expect -create-xcframework "$1"
python3 -B - "$@" <<'PYTHON'
import pathlib, plistlib, shutil, sys
arguments = sys.argv[2:]
output = pathlib.Path(arguments[arguments.index("-output") + 1])
libraries = []
while arguments[0] == "-library":
    library, (option, headers), arguments = pathlib.Path(arguments[1]), arguments[2:4], arguments[4:]
    assert option == "-headers"
    triples = library.read_text().split()
    ios, simulator = "ios" in triples[0], triples[0].endswith("-sim")
    architectures = sorted("arm64" if triple.startswith("aarch64") else "x86_64" for triple in triples)
    name = ("ios" if ios else "macos") + "-" + "_".join(architectures) + ("-simulator" if simulator else "")
    (output / name).mkdir(parents=True)
    shutil.copy(library, output / name)
    shutil.copytree(headers, output / name / "Headers")
    libraries.append({"BinaryPath": library.name, "LibraryPath": library.name, "HeadersPath": "Headers", "LibraryIdentifier": name,
                      "SupportedArchitectures": architectures, "SupportedPlatform": "ios" if ios else "macos",
                      **({"SupportedPlatformVariant": "simulator"} if simulator else {})})
assert arguments == ["-output", str(output)], arguments
(output / "Info.plist").write_bytes(plistlib.dumps({"AvailableLibraries": libraries, "CFBundlePackageType": "XFWK",
                                                    "XCFrameworkFormatVersion": "1.0"}))
PYTHON
TOOL
tool zip <<'TOOL'
exec python3 -m zipfile -c "$5" "$6"
TOOL
tool swift <<'TOOL'
expect 'package compute-checksum' "$1 $2"
sha256sum "$3" | cut -d' ' -f1
TOOL

# --- What it makes

KAL_REAL_CARGO=$(command -v cargo)
export KAL_REAL_CARGO
runs() { TARGET=$scratch/target PATH=$scratch/bin:$PATH scripts/xcframework.sh >"$scratch/printed"; }
claim 'every step gets the arguments that it needs' runs
framework=$scratch/target/xcframework/CKaleidoscope.xcframework
expected() {
    for library in ios-arm64 ios-arm64_x86_64-simulator macos-arm64_x86_64; do
        printf '%s\n' "$library/Headers/CKaleidoscope/kaleidoscope.h" "$library/Headers/CKaleidoscope/module.modulemap" "$library/libkaleidoscope.a"
    done
    printf '%s\n' Info.plist LICENSE LICENSE-APACHE LICENSE-MIT THIRD-PARTY-LICENSES.txt
}
claim 'it has macOS, iOS and the simulator, each with the header and the module map, and the licences' \
    same "$(expected | LC_ALL=C sort)" "$(cd "$framework" && find . -type f | sed 's|^\./||' | LC_ALL=C sort)"
claim 'the archive for macOS is of both architectures' \
    same 'aarch64-apple-darwin x86_64-apple-darwin' "$(xargs <"$framework/macos-arm64_x86_64/libkaleidoscope.a")"
claim 'it prints the checksum of the zip file' \
    same "checksum: $(sha256sum "$framework.zip" | cut -d' ' -f1)" "$(tail -n 1 "$scratch/printed")"
in_the_zip() { python3 -m zipfile -l "$framework.zip" | grep -q '^CKaleidoscope.xcframework/Info.plist '; }
claim 'in the zip file the xcframework is at the top, where SwiftPM looks for it' in_the_zip
# --- The module

module() {
    printf '@import CKaleidoscope;\nconst char *use(void) { return kal_version(); }\n' >"$scratch/use.m"
    "$root/scripts/apple/clang" -target "$1" -isysroot "$TARGET_SDK" -fmodules -fmodules-cache-path="$scratch/modules" -Wall -Werror \
        -I "$framework/$2/Headers" -fsyntax-only "$scratch/use.m"
}
if [ -x "$TRIXIE/usr/lib/llvm-19/bin/clang" ]; then
    TARGET_SDK=$scratch/sdk
    mkdir -p "$TARGET_SDK/usr"
    # shellcheck disable=SC2016  # expanded by the inner shell
    zig=$(scripts/cross.sh sh -c '"$KAL_PYTHON" -c "import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).parent / \"lib\")"')
    ln -s "$zig/libc/include/any-darwin-any" "$TARGET_SDK/usr/include"
    claim 'clang imports its module for macOS' module arm64-apple-macos15.0 macos-arm64_x86_64
    claim 'clang imports its module for iOS' module arm64-apple-ios18.0 ios-arm64
    claim 'clang imports its module for the simulator' module x86_64-apple-ios18.0-simulator ios-arm64_x86_64-simulator
else
    echo 'ok - clang imports its module # SKIP clang of LLVM 19 is not installed: scripts/trixie.sh apple'
fi
# --- A failure

stops() { ! TARGET=$scratch/target PATH=$scratch/bin:$PATH scripts/xcframework.sh >"$scratch/printed" 2>&1 && ! grep -q checksum "$scratch/printed"; }
printf '#!/bin/sh\nexit 1\n' >"$scratch/bin/lipo"
claim 'a step that fails ends it' stops
finish
