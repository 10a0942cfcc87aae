#!/bin/sh
# root.sh ROOT: installs Debian trixie with Swift in the directory ROOT, once (2.6 GB, about ten minutes), because Debian 12 has no
# Swift package. Must be run as root.
set -eu
cd "$(dirname "$0")"
root=$1
mirror=${KAL_DEBIAN_MIRROR:-http://deb.debian.org/debian}
packages='swiftlang libc6-dev libstdc++-14-dev pkgconf ca-certificates git'
inside() { ../../scripts/inside.sh "$root" "$@"; }

# $root/.finished names what is installed; an interrupted run, and one that installed less, is continued.
[ "$(cat "$root/.finished" 2>/dev/null)" != "$packages" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "installing Debian trixie in $root requires root: sudo $0 $root" >&2
    exit 1
fi
command -v debootstrap >/dev/null || {
    echo "debootstrap not found: apt-get install debootstrap" >&2
    exit 1
}
if [ ! -x "$root/usr/bin/apt-get" ] || [ -d "$root/debootstrap" ]; then
    rm -rf "$root"
    debootstrap --variant=minbase trixie "$root" "$mirror" >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        exit 1
    }
fi
# Do not start services inside the root.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$root/etc/resolv.conf"
{
    inside apt-get -qq update &&
        # shellcheck disable=SC2086  # several words
        inside env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
            $packages && inside apt-get -qq clean
} >>"$root.log" 2>&1 || {
    tail -n 20 "$root.log" >&2
    exit 1
}
inside swiftc --version
echo "$packages" >"$root/.finished"
