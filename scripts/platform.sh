# Sourced: `platform NAME` sets what builds, inspects and runs programs for a Linux, whichever machine this is. NAME is linux-x86_64,
# linux-aarch64, linux-musl-x86_64 or linux-musl-aarch64.
# shellcheck shell=sh disable=SC2034

platform() {
    # What scripts/linux-tools.sh has unpacked.
    foreign=${LINUX_TOOLS:-${TARGET:-target}/linux-tools}
    case $foreign in /*) ;; *) foreign=$PWD/$foreign ;; esac
    platform=$1
    machine=${platform##*-}
    case $platform in
    linux-musl-x86_64 | linux-musl-aarch64)
        libc=musl
        # Rust's name for it, and zig's.
        triple=$machine-unknown-linux-musl
        zig_target=$machine-linux-musl
        # Where the loader and the libraries of the platform are.
        root=
        loader=/lib/ld-musl-$machine.so.1
        [ "$machine" = "$(uname -m)" ] || root=$foreign/musl-$machine
        ;;
    linux-x86_64 | linux-aarch64)
        libc=glibc
        triple=$machine-unknown-linux-gnu
        zig_target=$machine-linux-gnu.${DIST_GLIBC:-2.17}
        root=
        loader=/lib/ld-linux-$machine.so.1
        [ "$machine" != x86_64 ] || loader=/lib64/ld-linux-x86-64.so.2
        [ "$machine" = "$(uname -m)" ] || root=/usr/$machine-linux-gnu
        ;;
    *)
        echo "platform.sh: unknown platform $platform; use linux-x86_64, linux-aarch64, linux-musl-x86_64 or linux-musl-aarch64" >&2
        exit 2
        ;;
    esac
    # The prefix of the binutils, and the program that runs programs of another machine; empty on that machine.
    tools='' runner=''
    if [ "$machine" != "$(uname -m)" ]; then
        tools=$machine-linux-gnu-
        runner="$foreign/qemu-$machine -L $root"
    fi
}

# test_compilers: sets the C and C++ compilers of the tests, and what the archive needs with them: gcc for glibc; for musl zig, which
# has its C library, and links its unwinder only on request. $without says why static programs are not linked, if they are not.
test_compilers() {
    KAL_PYTHON=$(scripts/cross.sh --zig sh -c 'echo "$KAL_PYTHON"')
    export KAL_PYTHON KAL_ZIG_TARGET="$zig_target"
    static_libs='-lpthread -lm -ldl' without=''
    if [ "$libc" = musl ]; then
        # zig's default is a static program.
        cc="$PWD/scripts/zig-cc -dynamic" cxx='' unwinder=-lunwind
        [ -z "$runner" ] || without='zig would compile all of musl, which takes minutes; x86-64 shows it'
    elif [ -n "$runner" ]; then
        cc=${tools}gcc cxx=${tools}g++ unwinder=
    else
        cc=${CC:-cc} cxx=${CXX:-g++} unwinder=
    fi
}
