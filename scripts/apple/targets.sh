# Sourced, at the top of the repository, by the scripts for Apple's systems. It sets the directories, absolute except TARGET, and the
# version; `apple_target TRIPLE` sets what there is to know of a target.
# shellcheck shell=sh disable=SC2034  # the variables are used by those who source it

root=$PWD
TARGET=${TARGET:-target}
TRIXIE=${TRIXIE:-$TARGET/trixie}
case $TRIXIE in /*) ;; *) TRIXIE=$root/$TRIXIE ;; esac
export TARGET TRIXIE
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

apple_triples='aarch64-apple-darwin x86_64-apple-darwin aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios'
# The oldest systems that a build is made for. macOS 11 is the first on arm64. Rust would allow 10.12 on x86-64, and iOS 10.
apple_macos=11.0
apple_ios=15.0
# What the archive needs beside the C library.
apple_frameworks='-framework CoreFoundation -framework Security'

apple_target() {
    case $1 in
    aarch64-apple-darwin) arch=arm64 platform=macos minimum=$apple_macos variant='' ;;
    x86_64-apple-darwin) arch=x86_64 platform=macos minimum=$apple_macos variant='' ;;
    aarch64-apple-ios) arch=arm64 platform=ios minimum=$apple_ios variant='' ;;
    aarch64-apple-ios-sim) arch=arm64 platform=ios minimum=$apple_ios variant=-simulator ;;
    x86_64-apple-ios) arch=x86_64 platform=ios minimum=$apple_ios variant=-simulator ;;
    *)
        echo "no target of Apple's: $1; use one of $apple_triples" >&2
        return 2
        ;;
    esac
    triple=$1
    clang_target=$arch-apple-$platform$minimum$variant
    linker_platform=$platform$variant
}
