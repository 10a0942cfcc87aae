#!/bin/sh
# root.sh ROOT: makes a folder with Debian trixie and its Swift in it, once (2.6 GB, some ten minutes): Debian 12 has no Swift.
# Must be root.
set -eu
cd "$(dirname "$0")"
root=$1
mirror=${KAL_DEBIAN_MIRROR:-http://deb.debian.org/debian}
inside() { ../../scripts/inside.sh "$root" "$@"; }

# It says itself whether it is finished; a run that was interrupted is taken up again.
[ ! -e "$root/.finished" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "a root of Debian trixie can only be made as root: sudo $0 $root" >&2
    exit 1
fi
command -v debootstrap >/dev/null || {
    echo "debootstrap is missing: apt-get install debootstrap" >&2
    exit 1
}
if [ ! -x "$root/usr/bin/apt-get" ] || [ -d "$root/debootstrap" ]; then
    rm -rf "$root"
    debootstrap --variant=minbase trixie "$root" "$mirror" >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        exit 1
    }
fi
# No service is to start in there.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$root/etc/resolv.conf"
{
    inside apt-get -qq update &&
        inside env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
            swiftlang libc6-dev libstdc++-14-dev pkgconf ca-certificates && inside apt-get -qq clean
} >>"$root.log" 2>&1 || {
    tail -n 20 "$root.log" >&2
    exit 1
}
inside swiftc --version
touch "$root/.finished"
