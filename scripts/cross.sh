#!/bin/sh
# cross.sh COMMAND...: runs a command with what builds for another platform in its environment. Installs that first, once (two
# minutes, 0.6 GB). `cross.sh --zig COMMAND...`: with zig and cargo-zigbuild only, which suffice for the machine's own platform and an
# older glibc. `cross.sh --has` only says whether all of it is installed.
#
# A Rust toolchain has the standard library for its own platform only, so cargo builds it. Its source is the component rust-src of
# rustup, if it is installed, or Debian's package rust-src of the same version. zig, from PyPI, is the C compiler and the linker; it
# has the C libraries of Linux, every glibc included.
#
# CROSS   where all of it is   (default: TARGET/cross)
#
# The command finds cargo-zigbuild in PATH, and
#   RUSTC, CARGO, RUSTC_BOOTSTRAP   that toolchain, which accepts -Z options
#   KAL_BUILD_STD                   the options with which cargo builds the standard library
#   KAL_PYTHON                      a Python that has zig: $KAL_PYTHON -m ziglang cc
set -eu
cross=${CROSS:-${TARGET:-target}/cross}
# The same versions make the same bytes.
zig='ziglang==0.17.1 cargo-zigbuild==0.24.1'
toolchain_of() { echo "$(rustc --print sysroot) $(rustc --version | cut -d' ' -f2)"; }
has_toolchain() { [ "$(cat "$cross/toolchain/.finished" 2>/dev/null)" = "$(toolchain_of)" ]; }
has_zig() { [ "$(cat "$cross/venv/.finished" 2>/dev/null)" = "$zig" ]; }

zig_only=
case ${1:-} in
--has)
    [ -n "${KAL_BUILD_STD:-}" ] || { has_toolchain && has_zig; }
    exit
    ;;
--zig)
    zig_only=yes
    shift
    ;;
esac
[ $# -gt 0 ] || {
    echo 'usage: cross.sh [--zig] COMMAND..., or cross.sh --has' >&2
    exit 2
}
# Within itself: in PATH, the toolchain would be prepared from itself.
[ -z "${KAL_BUILD_STD:-}" ] || exec "$@"
mkdir -p "$cross"
cross=$(cd "$cross" && pwd)

# rust_src VERSION: unpacks Debian's rust-src of that version in $cross/rust-src. Lists of packages and keys are separate from those
# of the machine, which may be of another Debian.
rust_src() {
    mirror=${KAL_DEBIAN_MIRROR:-http://deb.debian.org/debian}
    apt=$cross/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    for suite in trixie trixie-backports sid; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
    done >"$apt/sources.list"
    : >"$apt/status"
    set -- "$1" -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/nonexistent -o Dir::State::Lists="$apt/lists" \
        -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -qq
    wanted=$1
    shift
    apt-get "$@" update
    package=$(apt-cache "$@" madison rust-src | awk -F '|' -v wanted="$wanted" \
        '{ gsub(/ /, "", $2) } index($2, wanted "+") == 1 && !found { print $2; found = 1 }')
    [ -n "$package" ] || {
        echo "Debian has no rust-src $wanted: rustup component add rust-src, or use a version that Debian has:" >&2
        apt-cache "$@" madison rust-src >&2
        return 1
    }
    rm -rf "$cross/rust-src"
    (cd "$apt/cache/archives" && rm -f rust-src_*.deb && apt-get "$@" download "rust-src=$package" &&
        dpkg-deb -x rust-src_*.deb "$cross/rust-src" && rm -f rust-src_*.deb)
}

# toolchain: a toolchain with the source of its standard library, in $cross/toolchain, made of links to the installed one.
toolchain() {
    sysroot=$(rustc --print sysroot)
    version=$(rustc --version | cut -d' ' -f2)
    echo "preparing to build for other platforms in $cross" >&2
    library=$sysroot/lib/rustlib/src/rust/library
    if [ ! -d "$library" ]; then
        rust_src "$version" || return 1
        library=$(echo "$cross"/rust-src/usr/src/rustc-*/library)
    fi
    rm -rf "$cross/toolchain"
    # rustc finds its sysroot by where it is: links to files would lead it back to the installed one.
    cp -al "$sysroot/" "$cross/toolchain" 2>/dev/null || { rm -rf "$cross/toolchain" && cp -a "$sysroot/" "$cross/toolchain"; }
    rm -rf "$cross/toolchain/lib/rustlib/src"
    mkdir -p "$cross/toolchain/lib/rustlib/src/rust"
    cp -a "$library" "$cross/toolchain/lib/rustlib/src/rust/"
    rm -rf "$cross/rust-src" "$cross/apt"
    toolchain_of >"$cross/toolchain/.finished"
}

linker() {
    python3 -m venv --clear "$cross/venv"
    # shellcheck disable=SC2086  # two words
    "$cross/venv/bin/pip" install --quiet --disable-pip-version-check $zig
    echo "$zig" >"$cross/venv/.finished"
}

# Several builds may want it at the same time.
if ! { has_zig && { [ -n "$zig_only" ] || has_toolchain; }; }; then
    exec 8>"$cross/.lock"
    flock 8
    [ -n "$zig_only" ] || has_toolchain || toolchain
    has_zig || linker
    exec 8>&-
fi

export PATH="$cross/venv/bin:$PATH" KAL_PYTHON="$cross/venv/bin/python"
[ -z "$zig_only" ] || exec "$@"
export PATH="$cross/toolchain/bin:$PATH" RUSTC="$cross/toolchain/bin/rustc" CARGO="$cross/toolchain/bin/cargo" RUSTC_BOOTSTRAP=1 \
    KAL_BUILD_STD='-Zbuild-std=std,panic_unwind'
unset RUSTUP_TOOLCHAIN
exec "$@"
