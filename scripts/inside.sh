#!/bin/sh
# inside.sh ROOT COMMAND...: runs a command with ROOT as its root directory, with its own /proc, which Swift programs need to find
# their libraries, and with the directories in KAL_BIND (separated by spaces) mounted at the same paths.
#
# The mounts exist for this command only. The network is shared with the host, including loopback.
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
