#!/bin/sh
# cargo.sh TRIPLE SUBCOMMAND...: runs cargo for one of Apple's systems on Linux, with the standard library built for it, clang of LLVM
# 19 for C, and an SDK of stubs in TARGET/apple/sdk. cargo's output is in TARGET/apple/cargo.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/apple/targets.sh
. scripts/apple/targets.sh
apple_target "$1"
shift
subcommand=$1
shift
mkdir -p "$TARGET/apple"
out=$(cd "$TARGET/apple" && pwd)
scripts/trixie.sh apple
mkdir -p "${CROSS:-$TARGET/cross}"
CROSS=$(cd "${CROSS:-$TARGET/cross}" && pwd)
export CROSS MACOSX_DEPLOYMENT_TARGET="$apple_macos" IPHONEOS_DEPLOYMENT_TARGET="$apple_ios"
export SDKROOT="$out/sdk/$linker_platform"
unset MAKEFLAGS MAKEOVERRIDES
# shellcheck disable=SC2016  # expanded by the inner shell
zig=$(scripts/cross.sh sh -c '"$KAL_PYTHON" -c "import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).parent / \"lib\")"')
python3 -B scripts/apple/sdk.py "$linker_platform" "$SDKROOT" "$zig"

name=$(echo "$triple" | tr - _)
crates=${CARGO_HOME:-$HOME/.cargo}
# No path of this machine is left in what is built.
remap="--remap-path-prefix=$CROSS/toolchain/lib/rustlib/src/rust=rust --remap-path-prefix=$crates=cargo"
remap="$remap --remap-path-prefix=$root=kaleidoscope"
# shellcheck disable=SC2016  # expanded by the inner shell
env "CC_$name=$root/scripts/apple/clang" "AR_$name=$root/scripts/apple/llvm-ar" "CFLAGS_$name=-ffile-prefix-map=$crates=cargo" \
    RUSTFLAGS="${RUSTFLAGS:-} $remap" scripts/cross.sh sh -c 'subcommand=$1; triple=$2; target=$3; shift 3
        exec "$CARGO" "$subcommand" $KAL_BUILD_STD --locked --target "$triple" --target-dir "$target" --quiet "$@"' \
    sh "$subcommand" "$triple" "$out/cargo" "$@"
