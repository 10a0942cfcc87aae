#!/bin/sh
# Tests scripts/linux-tools.sh, with stand-ins for the programs that download and unpack.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
[ "$(uname -m)" != aarch64 ] || {
    echo 'ok - linux-tools.sh # SKIP arm64 needs no tools here'
    exit
}
# Red with the file extracted in its place: tar makes it executable before it is whole.
not_half() {
    mkdir -p "$scratch/bin" "$scratch/tools"
    for program in apt-get dpkg-deb aarch64-linux-gnu-g++; do printf '#!/bin/sh\n' >"$scratch/bin/$program"; done
    # tar -x -C DIRECTORY ...: half a file, and the end of the script.
    printf '#!/bin/sh\necho half >"$3/qemu-aarch64"\nchmod 755 "$3/qemu-aarch64"\n%s\n' 'kill -9 "$KAL_SCRIPT"' >"$scratch/bin/tar"
    chmod 755 "$scratch/bin"/*
    interrupted=0
    PATH=$scratch/bin:$PATH LINUX_TOOLS=$scratch/tools sh -c 'export KAL_SCRIPT=$$ && exec scripts/linux-tools.sh arm64' || interrupted=$?
    [ "$interrupted" -eq 137 ] && ! PATH=$scratch/bin:$PATH LINUX_TOOLS=$scratch/tools scripts/linux-tools.sh --has arm64
}
claim 'linux-tools.sh: what was interrupted is not taken for installed' not_half
finish
