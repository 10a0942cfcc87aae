#!/bin/sh
# trixie.sh PURPOSE...: installs Debian trixie, with the packages for each purpose, in the directory TRIXIE, once. Debian 12 has no
# Swift, and its wine, lld and Rust are too old. Must be run as root.
#
# PURPOSE   swift (2.6 GB, ten minutes), windows (1.3 GB, three minutes), apple (0.5 GB) or rust (0.6 GB)
# TRIXIE    where it is   (default: TARGET/trixie)
#
# `trixie.sh --has PURPOSE` only says whether it is installed.
set -eu
cd "$(dirname "$0")/.."
root=${TRIXIE:-${TARGET:-target}/trixie}
mirror=${KAL_DEBIAN_MIRROR:-http://deb.debian.org/debian}

packages_for() {
    case $1 in
    swift) echo 'swiftlang libc6-dev libstdc++-14-dev pkgconf ca-certificates git' ;;
    windows) echo 'wine wine64 clang lld llvm' ;;
    apple) echo 'clang lld llvm' ;;
    rust) echo 'rustc cargo gcc libc6-dev make' ;;
    *)
        echo "trixie.sh: unknown purpose $1; use swift, windows, apple or rust" >&2
        exit 2
        ;;
    esac
}
# Names what is installed: an interrupted run, and one that installed less, is continued.
is_installed() { [ "$(cat "$root/.finished-$1" 2>/dev/null)" = "$(packages_for "$1")" ]; }

[ $# -gt 0 ] || {
    echo 'usage: trixie.sh PURPOSE..., or trixie.sh --has PURPOSE' >&2
    exit 2
}
if [ "$1" = --has ]; then
    is_installed "$2"
    exit
fi

fail() {
    tail -n 20 "$root.log" >&2
    exit 1
}
mkdir -p "$(dirname "$root")"
# Several tests may want it at the same time.
exec 8>"$root.lock"
flock 8
for purpose in "$@"; do
    packages=$(packages_for "$purpose")
    ! is_installed "$purpose" || continue
    if [ "$(id -u)" != 0 ]; then
        echo "installing Debian trixie in $root requires root: sudo $0 $purpose" >&2
        exit 1
    fi
    command -v debootstrap >/dev/null || {
        echo "debootstrap not found: apt-get install debootstrap" >&2
        exit 1
    }
    echo "installing in $root: $packages" >&2
    if [ ! -x "$root/usr/bin/apt-get" ] || [ -d "$root/debootstrap" ]; then
        rm -rf "$root"
        debootstrap --variant=minbase trixie "$root" "$mirror" >"$root.log" 2>&1 || fail
    fi
    # Do not start services inside the root.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    {
        scripts/inside.sh "$root" apt-get -qq update &&
            # shellcheck disable=SC2086  # several words
            scripts/inside.sh "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
                $packages && scripts/inside.sh "$root" apt-get -qq clean
    } >>"$root.log" 2>&1 || fail
    echo "$packages" >"$root/.finished-$purpose"
done
