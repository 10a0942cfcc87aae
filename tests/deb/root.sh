#!/bin/sh
# root.sh ROOT: creates a minimal Debian 12 with a C compiler and pkg-config, once (400 MB, some minutes). Must be root.
set -eu
root=$1
mirror=${KAL_DEBIAN_MIRROR:-http://deb.debian.org/debian}
[ ! -e "$root/.finished" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "creating a Debian 12 root needs root: sudo $0 $root" >&2
    exit 1
fi
command -v debootstrap >/dev/null || {
    echo "debootstrap is missing: apt-get install debootstrap" >&2
    exit 1
}
rm -rf "$root"
debootstrap --variant=minbase --include=gcc,libc6-dev,pkg-config,ca-certificates bookworm "$root" "$mirror" >"$root.log" 2>&1 || {
    tail -n 20 "$root.log" >&2
    exit 1
}
touch "$root/.finished"
