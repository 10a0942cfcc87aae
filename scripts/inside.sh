#!/bin/sh
# inside.sh ROOT COMMAND...: runs a command in the folder ROOT as if it were the whole system: with its own /proc, which Swift's
# programs find their libraries by, and the folders of this machine that KAL_BIND names (separated by spaces) at the same places.
#
# What is mounted is so for this command only. The network is this machine's: what listens on loopback here is reached there.
set -eu
KAL_ROOT=$1
shift
export KAL_ROOT
exec unshare --mount sh -euc '
    mount -t proc proc "$KAL_ROOT/proc"
    mount --bind /dev "$KAL_ROOT/dev"
    for folder in ${KAL_BIND:-}; do
        mkdir -p "$KAL_ROOT$folder"
        mount --bind "$folder" "$KAL_ROOT$folder"
    done
    exec chroot "$KAL_ROOT" /usr/bin/env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        ${http_proxy:+http_proxy="$http_proxy"} "$@"' sh "$@"
