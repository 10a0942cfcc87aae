#!/bin/sh
# Builds the Swift package and runs its tests in a separate Debian trixie root (Debian 12 has no Swift), with the library from this
# tree. Must be run as root; the first run installs Swift in that root, which takes about ten minutes.
#
# KAL_EMULATOR   path of kal-emulator                         (default: target/debug/kal-emulator)
# TARGET         build directory                              (default: target)
set -eu
cd "$(dirname "$0")"
package=$PWD
root=$(cd ../.. && pwd)
target=${TARGET:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
emulator=${KAL_EMULATOR:-$target/debug/kal-emulator}
swift_root=$target/swift-root
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
have_swift() { ./root.sh "$swift_root"; }
install_library() {
    rm -rf "$work/prefix"
    # Override the directories that a calling make exports.
    "${MAKE:-make}" --no-print-directory -C "$root" install PREFIX="$work/prefix" LIBDIR="$work/prefix/lib" \
        INCLUDEDIR="$work/prefix/include" DESTDIR= >/dev/null && [ -e "$work/prefix/lib/libkaleidoscope.so" ]
}
inside() {
    KAL_BIND="$package $work $(dirname "$emulator")" "$root/scripts/inside.sh" "$swift_root" \
        env PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig" LD_LIBRARY_PATH="$work/prefix/lib" KAL_EMULATOR="$emulator" "$@"
}
swift_package() { inside sh -c 'cd "$1" && shift && exec "$@"' sh "$package" "$@"; }
builds() {
    swift_package swift build --scratch-path "$work/build" >"$work/build.log" 2>&1 || {
        grep -A 8 'error:' "$work/build.log" || tail -n 30 "$work/build.log"
        return 1
    }
    # Compiler warnings fail; those of the linker and of SwiftPM depend on the machine.
    ! grep -A 8 '\.swift:[0-9]*:[0-9]*: warning:' "$work/build.log"
}
# Prints the failures, then one claim for each test.
tests() {
    code=0
    timeout 900 "$root/scripts/claim" 'Swift: the tests run to their end' \
        env KAL_BIND="$package $work $(dirname "$emulator")" "$root/scripts/inside.sh" "$swift_root" \
        env PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig" LD_LIBRARY_PATH="$work/prefix/lib" KAL_EMULATOR="$emulator" \
        sh -c 'cd "$1" && exec swift test --scratch-path "$2"' sh "$package" "$work/build" >"$work/test.log" 2>&1 || code=$?
    [ "$code" -eq 0 ] || grep -E -A 6 'error:|recorded an issue|Fatal|crashed' "$work/test.log" | head -n 80 || :
    sed -n -e 's/^. Test "\(.*\)" passed after .*/ok - Swift: \1/p' -e 's/^. Test "\(.*\)" failed after .*/not ok - Swift: \1/p' "$work/test.log"
    grep -E '^(not )?ok - ' "$work/test.log" || echo 'not ok - Swift: the tests run to their end'
    return "$code"
}
prints_every_member() {
    mkfifo "$work/stop" "$work/ready"
    "$emulator" --exit-with-stdin --seed 7 <"$work/stop" >"$work/ready" &
    exec 9>"$work/stop"
    read -r _ _ _ url <"$work/ready"
    rm "$work/stop" "$work/ready"
    inside env KALEIDOSCOPE_API_URL="$url" KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret \
        "$work/build/debug/members" >"$work/members"
    exec 9>&-
    # A name with a line break is printed on two lines, as in the C quickstart.
    diff -u "$root/tests/c/expected/quickstart.txt" "$work/members"
}

rm -f "$work/stop" "$work/ready"
claim 'a Debian trixie root with Swift is installed' have_swift
[ "$outcome" -eq 0 ] || exit 1
claim 'the library is installed' install_library
claim 'the package builds in the language mode of Swift 6 without a warning' builds
[ "$outcome" -eq 0 ] || exit 1
tests || outcome=1
claim 'the example prints every member' prints_every_member
exit "$outcome"
