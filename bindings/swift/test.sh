#!/bin/sh
# Builds the Swift package and runs its tests in a separate Debian trixie root (Debian 12 has no Swift), with the library from this
# tree. Must be run as root; the first run installs Swift in that root, which takes about ten minutes.
#
# KAL_EMULATOR   path of kal-emulator                         (default: target/debug/kal-emulator)
# TARGET         build directory                              (default: target)
set -eu
cd "$(dirname "$0")"
folder=$PWD
root=$(cd ../.. && pwd)
target=${TARGET:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
emulator=${KAL_EMULATOR:-$target/debug/kal-emulator}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
swift_root=${TRIXIE:-$target/trixie}
work=$target/swift
mkdir -p "$work"

outcome=0
# claim TEXT COMMAND...
claim() {
    text=$1
    shift
    if "$@"; then echo "ok - Swift: $text"; else
        echo "not ok - Swift: $text"
        outcome=1
    fi
}
have_swift() { TRIXIE=$swift_root ../../scripts/trixie.sh swift; }
install_library() {
    rm -rf "$work/prefix"
    # Override the directories that a calling make exports.
    "${MAKE:-make}" --no-print-directory -C "$root" install PREFIX="$work/prefix" LIBDIR="$work/prefix/lib" \
        INCLUDEDIR="$work/prefix/include" DESTDIR= >/dev/null && [ -e "$work/prefix/lib/libkaleidoscope.so" ]
}
# inside FOLDER COMMAND...: runs a command in FOLDER, in the root with Swift, where git finds the package at its URL.
inside() {
    KAL_BIND="$root $work $(dirname "$emulator")" ${limit:+timeout "$limit"} "$root/scripts/inside.sh" "$swift_root" \
        env PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig" LD_LIBRARY_PATH="$work/prefix/lib" KAL_EMULATOR="$emulator" \
        GIT_CONFIG_GLOBAL="$work/gitconfig" sh -c 'cd "$1" && shift && exec "$@"' sh "$@"
}
# fails_with TEXT COMMAND...: fails with a message that has the text.
fails_with() {
    message=$1
    shift
    ! "$@" >"$work/message" 2>&1 && grep -qF "$message" "$work/message" && return
    tail -n 20 "$work/message"
    return 1
}
# compile LOG COMMAND...: prints errors, and warnings of the compiler, which fail too; those of the linker depend on the machine.
compile() {
    log=$work/$1.log
    shift
    "$@" >"$log" 2>&1 || {
        grep -A 8 'error:' "$log" || tail -n 30 "$log"
        return 1
    }
    ! grep -A 8 '\.swift:[0-9]*:[0-9]*: warning:' "$log"
}
builds() { compile build inside "$root" swift build --build-tests --scratch-path "$work/build"; }
# Prints the failures, then one claim for each test.
tests() {
    code=0
    limit=600
    inside "$root" swift test --skip-build --scratch-path "$work/build" >"$work/test.log" 2>&1 || code=$?
    limit=
    [ "$code" -eq 0 ] || grep -E -A 6 'error:|recorded an issue|Fatal|crashed' "$work/test.log" | head -n 80 || :
    sed -n -e 's/^. Test "\(.*\)" passed after .*/ok - Swift: \1/p' -e 's/^. Test "\(.*\)" failed after .*/not ok - Swift: \1/p' "$work/test.log"
    grep -q '^. Test run with .* passed' "$work/test.log" && return "$code"
}
# with_emulator COMMAND...: runs a command of the root with Swift while an emulator runs, to which it connects by default.
with_emulator() {
    rm -f "$work/stop" "$work/ready"
    mkfifo "$work/stop" "$work/ready"
    "$emulator" --exit-with-stdin --seed 7 <"$work/stop" >"$work/ready" &
    exec 9>"$work/stop"
    read -r _ _ _ url <"$work/ready"
    rm "$work/stop" "$work/ready"
    code=0
    inside "$work" env KALEIDOSCOPE_API_URL="$url" KALEIDOSCOPE_API_CLIENT_ID=demo-client \
        KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret "$@" 9>&- || code=$?
    exec 9>&-
    return "$code"
}
# swift_compile OPTIONS...: runs the compiler on a file that imports the package, with the header in $include.
swift_compile() {
    inside "$work" swiftc -swift-version 6 -I "$work/build/debug/Modules" -I "$folder/Sources/CKaleidoscope" -Xcc -I"$include" "$@"
}

# --- Descriptors

# Red when the queue of the process was opened once: "with descriptors: cannot create a descriptor for the queue". Red without spare
# descriptors for Dispatch: it ends the process with SIGILL in `first`, with 1 to 3.
recovers() {
    compile descriptors swift_compile "$folder"/Tests/Programs/descriptors.swift "$work"/build/debug/Kaleidoscope.build/*.o \
        -L "$work/prefix/lib" -lkaleidoscope -o "$work/descriptors" || return 1
    with_emulator sh -c 'for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        for how in "" first; do echo "$n $how"; "$0" $n $how || echo "status $?"; done; done' "$work/descriptors" >"$work/recovers" 2>&1
    ! grep -q '^status ' "$work/recovers" &&
        [ "$(grep -c '^with descriptors: 12 members$' "$work/recovers")" -eq 32 ] &&
        grep -A 1 '^0 ' "$work/recovers" | grep -q 'KAL_OUT_OF_RESOURCES' &&
        grep -A 1 '^15 $' "$work/recovers" | grep -q '^without descriptors: 12 members$' && return
    head -n 40 "$work/recovers"
    return 1
}

# --- Packages that depend on this one

# The files of the working tree as a repository at the URL of the example's manifest, with the tag of a release.
publish() {
    rm -rf "$work/kaleidoscope.git"
    printf '[url "file://%s"]\n\tinsteadOf = https://kaleidoscope.bio/kaleidoscope.git\n' "$work/kaleidoscope.git" >"$work/gitconfig"
    git init --quiet --bare "$work/kaleidoscope.git"
    set -- git --git-dir="$work/kaleidoscope.git" --work-tree="$root" -c core.bare=false -c user.name=test -c user.email=test@localhost
    (cd "$root" && "$@" add --all . && "$@" commit --quiet --message "$version" && "$@" tag "v$version")
}
# Red with Package.swift in bindings/swift: "the package manifest at '/Package.swift' cannot be accessed".
depends() {
    publish || return 1
    rm -rf "$work/members" "$work/swiftpm"
    cp -R Examples/members "$work/members"
    # SwiftPM remembers the revision of a version, elsewhere by default.
    compile members inside "$work/members" swift build --cache-path "$work/swiftpm/cache" --security-path "$work/swiftpm/security" && grep -q "\"version\" : \"$version\"" "$work/members/Package.resolved"
}
prints_every_member() {
    with_emulator "$work/members/.build/debug/members" >"$work/printed"
    # A name with a line break is printed on two lines, as in the C quickstart.
    diff -u "$root/tests/c/expected/quickstart.txt" "$work/printed"
}
imports_c() {
    echo 'import CKaleidoscope' >"$work/import.swift"
    # The compiler's cache does not depend on where the header is.
    rm -rf "$work/modules"
    swift_compile -module-cache-path "$work/modules" -typecheck "$work/import.swift"
}
# Red before: "'kaleidoscope.h' file not found", or unknown names.
says_what_is_missing() {
    mkdir -p "$work/old"
    printf '#define KAL_VERSION_MAJOR 0\n#define KAL_VERSION_MINOR 1\n' >"$work/old/kaleidoscope.h"
    (include=$work fails_with 'libkaleidoscope is not installed: apt-get install libkaleidoscope-dev' imports_c) &&
        (include=$work/old fails_with 'libkaleidoscope is too old' imports_c) && imports_c
}
# manifest FOLDER EXPRESSION [NAME=VALUE]: evaluates a Python expression about the manifest there, as `m`, with its target of the C
# library as `c`.
manifest() {
    inside "$1" env ${3:+"$3"} swift package --scratch-path "$work/manifest" dump-package >"$work/manifest.json" &&
        python3 -c 'import json, sys; m = json.load(open(sys.argv[1])); c = m["targets"][0]; sys.exit(not eval(sys.argv[2]) and repr(m))' \
            "$work/manifest.json" "$2"
}
# Red with an empty list: Synchronization is of these versions and later. They are those of the xcframework; `make check-apple` builds
# the library for both systems.
platforms() { manifest "$root" '[(p["platformName"], p["version"]) for p in m["platforms"]] == [("macos", "15.0"), ("ios", "18.0")]'; }
system_library() { manifest "$root" 'c["name"] == "CKaleidoscope" and c["type"] == "system" and c["pkgConfig"] == "kaleidoscope"'; }
own_xcframework() {
    manifest "$root" 'c["name"] == "CKaleidoscope" and c["type"] == "binary" and c["path"] == "target/own/CKaleidoscope.xcframework"' \
        KALEIDOSCOPE_XCFRAMEWORK=target/own/CKaleidoscope.xcframework
}
# A copy of the manifest as it will be after a release, read as on a Mac.
published_xcframework() {
    rm -rf "$work/published" && mkdir "$work/published" &&
        sed -e 's|^let published: .*|let published: (url: String, checksum: String)? = ("https://kaleidoscope.bio/C.zip", "abc123")|' \
            -e 's|#if canImport(Darwin)|#if true|' "$root/Package.swift" >"$work/published/Package.swift" &&
        manifest "$work/published" 'c["name"] == "CKaleidoscope" and c["type"] == "binary" and c["url"] == "https://kaleidoscope.bio/C.zip" and c["checksum"] == "abc123"'
}
# Only the syntax: types would need Apple's SDK. Red with a missing `#endif` after the imports of Darwin.
parses_for() {
    inside "$root" swiftc -frontend -parse -swift-version 6 -target "$1" "$folder"/Sources/Kaleidoscope/*.swift "$folder"/Tests/KaleidoscopeTests/*.swift
}
# Red with `client.workspace.follows` in docs/swift.md: "value of type 'WorkspaceService' has no member 'follows'".
snippets() {
    python3 -B "$root/tests/docs/swift_snippets.py" "$work/snippets.swift" && compile snippets swift_compile -typecheck "$work/snippets.swift"
}
starter() {
    mkdir -p "$work/starter" && PYTHONPATH=$root/tests/compat python3 -B "$root/tests/docs/starters.py" swift "$work/starter/main.swift" &&
        compile starter swift_compile "$work/starter/main.swift" "$work"/build/debug/Kaleidoscope.build/*.o \
            -L "$work/prefix/lib" -lkaleidoscope -o "$work/starter/starter"
}
starter_runs() {
    inside "$work/starter" env PATH="$(dirname "$emulator"):/usr/bin:/bin" ./starter >"$work/printed" &&
        echo '12 members' | diff -u - "$work/printed"
}

include=$work/prefix/include
claim 'a Debian trixie root with Swift is installed' have_swift
[ "$outcome" -eq 0 ] || exit 1
claim 'the library is installed' install_library
claim 'the package builds in the language mode of Swift 6 without a warning' builds
[ "$outcome" -eq 0 ] || exit 1
claim 'the tests run to their end and pass' tests
claim 'with any number of free descriptors a client reports what it lacks, and the next client works' recovers
claim 'a package that depends on this one by URL and version builds' depends
claim 'the example, which is that package, prints every member' prints_every_member
claim 'where the library is missing or too old, the compiler says what to do' says_what_is_missing
claim 'the manifest claims the systems of Apple that the library is built for, from the versions that have Synchronization' platforms
claim 'on Linux the C library is the installed one' system_library
claim 'KALEIDOSCOPE_XCFRAMEWORK names an xcframework to use instead' own_xcframework
claim 'on a Mac the C library is the published xcframework, once there is one' published_xcframework
claim 'the syntax of the package is right for macOS' parses_for arm64-apple-macosx15.0
claim 'the syntax of the package is right for iOS' parses_for arm64-apple-ios18.0
claim 'the Swift blocks of the documentation compile, those in the comments of the package too' snippets
claim 'the program of docs/starters.md compiles' starter
claim 'it prints what it found, and ends with its emulator' starter_runs
exit "$outcome"
