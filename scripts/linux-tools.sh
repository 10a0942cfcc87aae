#!/bin/sh
# linux-tools.sh PURPOSE...: installs what builds and runs programs for another Linux, once. On Debian, as root; elsewhere it names
# what is missing.
#
# PURPOSE   arm64: from apt-get, g++ with its binutils and libraries; in LINUX_TOOLS, the qemu-aarch64 of Debian 13, since under
#           that of Debian 12 no child of fork can start a thread (140 MB to download, 340 MB, half a minute)
#           musl: from apt-get, the C library of the machine's own architecture; where arm64 is installed, also that of arm64 in
#           LINUX_TOOLS (1 MB)
# LINUX_TOOLS   the directory for what is not from apt-get   (default: TARGET/linux-tools)
#
# `linux-tools.sh --has PURPOSE` only says whether it is installed.
set -eu
cd "$(dirname "$0")/.."
. scripts/platform.sh

# The machine's own architecture needs no tools.
is_there() {
    case $1 in
    arm64)
        platform linux-aarch64
        [ -z "$runner" ] || { command -v "${tools}g++" && [ -x "$foreign/qemu-aarch64" ] && [ -e "$root$loader" ]; } >/dev/null
        ;;
    musl)
        platform "linux-musl-$(uname -m)"
        [ -e "$root$loader" ] && { ! is_there arm64 || { platform linux-musl-aarch64 && [ -e "$root$loader" ]; }; }
        ;;
    *)
        echo "linux-tools.sh: unknown purpose $1; use arm64 or musl" >&2
        exit 2
        ;;
    esac
}

if [ "${1:---has}" = --has ] && [ $# -ne 2 ]; then
    echo 'usage: linux-tools.sh [--has] arm64|musl' >&2
    exit 2
fi
if [ "$1" = --has ]; then
    is_there "$2"
    exit
fi

install_packages() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing Debian packages: $*" >&2
        exit 1
    fi
    echo "installing with apt-get: $*"
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"; } >/dev/null
}

# unpack PACKAGE ARCHITECTURE SUITE MEMBER...: extracts files of a package of Debian, with lists of packages that are separate from
# those of the machine, into the directory $into.
# shellcheck disable=SC2154
unpack() {
    package=$1 architecture=$2 suite=$3
    shift 3
    apt=$foreign/.unpacking
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/files" "$into"
    : >"$apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${KAL_DEBIAN_MIRROR:-http://deb.debian.org/debian} $suite main" \
        >"$apt/sources.list"
    printf '%s\n' "Dir::Etc::SourceList \"$apt/sources.list\";" 'Dir::Etc::SourceParts "/nonexistent";' \
        "Dir::State::Lists \"$apt/lists\";" "Dir::State::status \"$apt/status\";" "Dir::Cache \"$apt/cache\";" \
        "APT::Architecture \"$architecture\";" "APT::Architectures \"$architecture\";" 'APT::Sandbox::User "root";' \
        'Acquire::Languages "none";' >"$apt/apt.conf"
    (
        cd "$apt"
        export APT_CONFIG="$apt/apt.conf"
        apt-get -qq update && apt-get -qq download "$package" && dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x -C "$apt/files" "$@"
    )
    # Whole, or not at all: an interrupted run is repeated.
    for file in "$apt"/files/*; do
        rm -rf "${into:?}/${file##*/}"
        mv "$file" "$into/"
    done
    rm -rf "$apt"
}

missing=
for purpose in "$@"; do is_there "$purpose" || missing=yes; done
[ -n "$missing" ] || exit 0
# Several tests may want it at the same time.
platform linux-x86_64
mkdir -p "$foreign"
exec 8>"$foreign/.lock"
flock 8
for purpose in "$@"; do
    ! is_there "$purpose" || continue
    case $purpose in
    arm64)
        platform linux-aarch64
        command -v "${tools}g++" >/dev/null || install_packages g++-aarch64-linux-gnu
        into=$foreign unpack qemu-user "$(dpkg --print-architecture)" trixie --strip-components=3 ./usr/bin/qemu-aarch64
        ;;
    musl)
        platform "linux-musl-$(uname -m)"
        [ -e "$root$loader" ] || install_packages musl
        platform linux-musl-aarch64
        [ -z "$runner" ] || ! is_there arm64 || { platform linux-musl-aarch64 && into=$root unpack musl arm64 bookworm ./lib; }
        ;;
    esac
    is_there "$purpose" || {
        echo "linux-tools.sh: what $purpose needs is not installed" >&2
        exit 1
    }
done
