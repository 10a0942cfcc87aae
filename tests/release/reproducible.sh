#!/bin/sh
# Builds the archive of a platform twice and compares the bytes: reproducible.sh PLATFORM. Two builds with link-time optimisation,
# from nothing: five minutes of two cores.
#
# The second build is in another directory, with another umask, locale and time zone, another HOME and user name, and another
# CARGO_HOME with a copy of the crates; the tools of scripts/cross.sh have another path.
#
# KAL_KEEP   a directory in which to keep the two archives
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
platform=$1
top=$(pwd)
target=$(cd "${TARGET:-target}" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
suffix=$(sed '/^#/d' packaging/platforms.txt | awk -v name="$platform" '$1 == name { print $2 }')
[ -n "$suffix" ] || {
    echo "reproducible.sh: unknown platform $platform" >&2
    exit 2
}
archive=libkaleidoscope-$version-$platform.$suffix
cross=${CROSS:-$target/cross}
crates=${CARGO_HOME:-$HOME/.cargo}
RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export RUSTUP_HOME
# Only the sources and the commit may decide.
unset SOURCE_DATE_EPOCH MAKEFLAGS MAKELEVEL TARGET VERSION CROSS CARGO_TARGET_DIR RUSTFLAGS CFLAGS
clone() {
    git -c safe.directory='*' clone --quiet --no-local "$2" "$1"
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
        xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
        xargs -0 cp --parents --preserve=mode -t "$1"
}
one=$scratch/one
other=$scratch/in/another/directory
build() {
    (cd "$1" && shift && env "$@" make --no-print-directory dist PLATFORM="$platform") || return
    [ -s "$1/target/dist/$archive" ]
}
first() { (umask 022 && build "$one" CROSS="$cross" LC_ALL=C TZ=UTC); }
second() {
    mkdir -p "$scratch/home" "$scratch/crates" && ln -s "$cross" "$scratch/tools" || return
    # Links to the files, on one file system.
    for folder in registry git; do
        [ ! -d "$crates/$folder" ] || cp -al "$crates/$folder" "$scratch/crates/" 2>/dev/null ||
            cp -a "$crates/$folder" "$scratch/crates/" || return
    done
    (umask 077 && build "$other" CROSS="$scratch/tools" CARGO_HOME="$scratch/crates" HOME="$scratch/home" \
        USER=somebody LOGNAME=somebody LC_ALL=C.UTF-8 LANG=de_DE.UTF-8 TZ=Asia/Kathmandu)
}
# Names the files that differ.
equal() {
    cmp "$one/target/dist/$archive" "$other/target/dist/$archive" && return
    for each in "$one" "$other"; do
        mkdir -p "$each/unpacked"
        case $archive in
        *.zip) python3 -m zipfile --extract "$each/target/dist/$archive" "$each/unpacked" ;;
        *)
            tar -xzf "$each/target/dist/$archive" -C "$each/unpacked"
            tar -tvzf "$each/target/dist/$archive" >"$each/unpacked/list"
            ;;
        esac
    done
    diff -rq "$one/unpacked" "$other/unpacked"
    return 1
}
# Both before the builds, which take minutes: of the same commit.
mkdir -p "${other%/*}"
clone "$one" "$top"
clone "$other" "$one"
claim "make dist PLATFORM=$platform makes the archive" first
claim 'it makes it in another directory, with another HOME, CARGO_HOME, umask, locale and time zone' second
# Red when the file with the symbols, whose checksum is in the library, had zig's debug information: "Files …/lib/libkaleidoscope.so
# and …/lib/libkaleidoscope.so differ", in four bytes.
claim 'the two are the same, byte for byte' equal
if [ -n "${KAL_KEEP:-}" ]; then
    mkdir -p "$KAL_KEEP"
    cp "$one/target/dist/$archive" "$KAL_KEEP/one-$archive"
    cp "$other/target/dist/$archive" "$KAL_KEEP/other-$archive"
fi
finish
