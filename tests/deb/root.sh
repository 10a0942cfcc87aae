#!/bin/sh
# root.sh ROOT [PACKAGES]: creates a minimal Debian 12, once: with a C compiler, pkg-config and sqlite3 (400 MB, some minutes), or
# with PACKAGES, separated by commas. Must be root.
set -eu
root=$1
mirror=${KAL_DEBIAN_MIRROR:-http://deb.debian.org/debian}
packages=${2:-gcc,libc6-dev,pkg-config,ca-certificates,sqlite3}
[ "$(cat "$root/.finished" 2>/dev/null)" != "$packages" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "creating a Debian 12 root needs root: sudo $0 $root" >&2
    exit 1
fi
command -v debootstrap >/dev/null || {
    echo "debootstrap is missing: apt-get install debootstrap" >&2
    exit 1
}
rm -rf "$root"
debootstrap --variant=minbase --include="$packages" bookworm "$root" "$mirror" >"$root.log" 2>&1 || {
    tail -n 20 "$root.log" >&2
    exit 1
}
echo "$packages" >"$root/.finished"
